"""`seatwise import`; tests/engine/test_brownfield.py follows its next steps."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import PEOPLE, failed_with, in_a_terminal, point_at, run
from conftest import running_with
from seatwise.sandbox.replies import Options
from seatwise.wire.journal import Journal

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_both_files_are_written_and_the_next_steps_shown(tenants: str) -> None:
    result = run("import", "enerflo", "--match", "*@example.com")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(json.loads(Path("enerflo-import.json").read_text())["resources"]) == 2
    assert Path("enerflo_accounts.py").read_text().count("enerflo.User(") == 2
    left_out, rest = result.stderr.split("\n", 1)
    assert left_out.endswith("(2): left out of the program: first_name contains U+0009 CONTROL CHARACTER: take it out")
    assert rest.startswith("2 accounts. Now, in your project:")
    assert "pulumi import --file enerflo-import.json" in result.stderr


def test_json_has_the_count_and_the_files(tenants: str) -> None:
    result = run("import", "nexudus", "--program", "staff.py", "--json", "--quiet")
    assert json.loads(result.stdout) == {"accounts": 2, "stack_file": "nexudus-import.json", "program": "staff.py"}
    assert result.stderr == ""


def written() -> tuple[list[str | None], int]:
    """Return each account's `on_destroy` in the import file, and how often the program has the same."""
    resources = json.loads(Path("nexudus-import.json").read_text())["resources"]
    inputs, outputs = ([each[kind].get("on_destroy") for each in resources] for kind in ("inputs", "outputs"))
    assert inputs == outputs, "the next preview would show a change"
    return inputs, Path("nexudus_accounts.py").read_text().count(f'    on_destroy="{inputs[0]}",\n')


@pytest.mark.parametrize(
    ("policy", "step"),
    [
        ("deactivate", "is deactivated"),
        ("delete", "is deleted permanently"),
        ("retain", 'stays active, although pulumi shows "deleted"'),
    ],
)
def test_on_destroy_is_in_both_files_and_the_steps(policy: str, step: str, tenants: str) -> None:
    result = run("import", "nexudus", "--on-destroy", policy)
    assert written() == ([policy] * 2, 2)
    assert result.stderr.endswith(f"\nAn account whose declaration you later remove from the program {step}\n")


def test_without_a_terminal_no_on_destroy_is_written(tenants: str) -> None:
    result = run("import", "nexudus")
    assert written() == ([None] * 2, 0)
    assert "later remove from the program stays active because it existed before" in result.stderr
    assert 'on_destroy="deactivate"' in result.stderr


def test_in_a_terminal_the_command_asks_for_on_destroy(tenants: str) -> None:
    """And again after a mistake."""
    code, seen = in_a_terminal("import", "nexudus", typed="dunno\ndeactivate\n", NO_COLOR="1")
    assert code == 0
    assert "What happens to an account" in seen
    assert "deactivate/delete/retain" in seen
    assert written() == (["deactivate"] * 2, 2)


def test_without_an_answer_nothing_is_written(tenants: str) -> None:
    code, seen = in_a_terminal("import", "nexudus", typed="\x04", NO_COLOR="1")
    assert code == 1
    assert "Traceback" not in seen
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_in_a_terminal_json_and_quiet_ask_nothing(option: str, tenants: str) -> None:
    code, seen = in_a_terminal("import", "nexudus", option)
    assert code == 0
    assert "What happens" not in seen
    assert written() == ([None] * 2, 0)


def test_a_vendor_that_cannot_delete_is_not_asked_to(tenants: str) -> None:
    result = run("import", "enerflo", "--on-destroy", "delete")
    problem = "--on-destroy delete: Enerflo cannot delete accounts; use deactivate or retain"
    assert (result.exit_code, result.stderr) == (2, f"seatwise: {problem}\n")
    assert "deactivate/retain" in in_a_terminal("import", "enerflo", typed="retain\n", NO_COLOR="1")[1]


def test_files_are_not_overwritten_unless_forced(tenants: str) -> None:
    Path("enerflo_accounts.py").write_text("mine")
    line = failed_with("import", "enerflo")
    assert line == "seatwise: enerflo_accounts.py already exists; choose another name or add --force"
    assert run("import", "enerflo", "--force").exit_code == 0
    assert Path("enerflo_accounts.py").read_text() != "mine"


NO_FOLDER = "cannot write {}/x.py: the folder {} does not exist; create it or choose another"


@pytest.mark.parametrize("option", ["--program", "--stack-file"])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nowhere/x.py", NO_FOLDER.format("nowhere", "nowhere")),
        ("mine.txt/x.py", NO_FOLDER.format("mine.txt", "mine.txt")),
        ("here", "here is a folder; give the name of a file"),
    ],
)
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_without_a_folder_nothing_is_read_or_written(force: list[str], path: str, problem: str, option: str) -> None:
    """No tenant exists that could be read."""
    Path("here").mkdir()
    Path("mine.txt").write_text("mine")
    assert failed_with("import", "enerflo", option, path, *force) == f"seatwise: {problem}"
    assert sorted(each.name for each in Path().rglob("*")) == ["here", "mine.txt"]


@pytest.mark.parametrize(("is_there", "denied"), [(False, "."), (True, "x.py")])
def test_without_permission_nothing_is_read_or_written(
    is_there: bool, denied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("enerflo-import.json").write_text("mine")
    if is_there:
        Path("x.py").write_text("mine")
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK or str(path) != denied)
    line = failed_with("import", "enerflo", "--program", "x.py", "--force")
    assert line == "seatwise: cannot write x.py: permission denied; choose another folder"
    assert {each.read_text() for each in Path().iterdir()} == {"mine"}


def test_without_a_match_nothing_is_written(tenants: str) -> None:
    line = failed_with("import", "enerflo", "--match", "*@nowhere.example")
    assert line == (
        "seatwise: Enerflo: no account has an e-mail that matches *@nowhere.example; "
        "`seatwise list enerflo` shows all accounts. Nothing was written"
    )
    assert list(Path().iterdir()) == []


def test_an_imported_state_has_the_current_write_revision(
    tenants: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal counts confirmed writes; a new state contains the result of all of them."""
    monkeypatch.setenv("SEATWISE_JOURNAL", str(tmp_path / "journal.db"))
    journal = Journal(f"enerflo {tenants}/enerflo", print, tmp_path / "journal.db")
    assert journal.record_write("1", 6) == 7
    journal.close()
    assert run("import", "enerflo").exit_code == 0
    resources = json.loads(Path("enerflo-import.json").read_text())["resources"]
    assert {each["id"]: each["outputs"].get("__revision") for each in resources} == {"1": 7, "2": None, "3": None}


@contextmanager
def tenant_with(
    records: dict[str, list[dict[str, Any]]], factory: pytest.TempPathFactory, **quirks: str
) -> Iterator[None]:
    """Run a sandbox with these accounts during the block."""
    options = Options(limits=False, quirks=quirks)
    with running_with(records, factory.mktemp("tenants"), options) as url, pytest.MonkeyPatch.context() as patches:
        point_at(url, patches)
        yield


ANA, BEN, _ = PEOPLE["enerflo"]
NAMELESS = PEOPLE["nexudus"][0] | {"FullName": ""}


def test_undeclarable_values_are_left_out_and_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    odd = {
        "enerflo": [ANA | {"phone": "+44 20 7946 0958"}, BEN | {"email": "b\x1b[31m@example.com", "phone": "110"}],
        "nexudus": [NAMELESS, PEOPLE["nexudus"][1]],
    }
    with tenant_with(odd, tmp_path_factory):
        enerflo, nexudus = run("import", "enerflo", "--quiet"), run("import", "nexudus", "--quiet")

    assert (enerflo.exit_code, nexudus.exit_code) == (0, 0)
    why = "left out of the program: phone must have ten digits, such as 555-555-5555"
    assert enerflo.stderr == (
        f"Enerflo Ana@Example.com (1): {why}\n"
        "Enerflo b [31m@example.com (2): not adopted: email contains U+001B CONTROL CHARACTER: take it out. "
        'Correct it at Enerflo and import it, or declare it by hand with on_existing="adopt"\n'
    )
    assert nexudus.stderr == (
        "Nexudus ana@example.com (1): not adopted: full_name is required. "
        'Correct it at Nexudus and import it, or declare it by hand with on_existing="adopt"\n'
    )
    (ana,) = json.loads(Path("enerflo-import.json").read_text())["resources"]
    assert "phone" not in ana["inputs"]
    assert "phone" not in ana["outputs"]["__declared"]
    assert ana["outputs"]["phone"] == "+44 20 7946 0958", "the outputs have the vendor's value"
    assert "phone" not in Path("enerflo_accounts.py").read_text()
    assert [each["id"] for each in json.loads(Path("nexudus-import.json").read_text())["resources"]] == ["2"]
    assert Path("nexudus_accounts.py").read_text().count("nexudus.User(") == 1


def test_only_the_accounts_that_match_are_taken_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    people = [ANA | {"id": number, "email": f"Person.{number}@Example.com"} for number in range(1, 4)]
    with tenant_with({"enerflo": people}, tmp_path_factory):
        assert run("import", "enerflo", "--match", "person.[12]@*").exit_code == 0
    taken = json.loads(Path("enerflo-import.json").read_text())["resources"]
    assert [each["name"] for each in taken] == ["person.1@example.com", "person.2@example.com"]


def test_without_an_adoptable_account_nothing_is_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    with tenant_with({"nexudus": [NAMELESS]}, tmp_path_factory):
        result = run("import", "nexudus")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1:] == [
        "seatwise: Nexudus: no account can be adopted as it is; nothing was written"
    ]
    assert list(Path().iterdir()) == []


def test_accounts_are_imported_by_id_even_if_not_listed(tmp_path_factory: pytest.TempPathFactory) -> None:
    with tenant_with({"enerflo": [ANA, BEN]}, tmp_path_factory, enerflo_inactive="hidden"):
        line = failed_with("import", "enerflo", "--match", "ben@*")
        assert line.startswith("seatwise: Enerflo: no account has an e-mail that matches")
        line = failed_with("import", "enerflo", "--id", "2", "--id", "77")
        assert line == "seatwise: Enerflo 77: no account has this id; check it. Nothing was written"
        assert run("import", "enerflo", "--id", "2", "--match", "ben@*").exit_code == 2
        assert list(Path().iterdir()) == []
        assert run("import", "enerflo", "--id", "2").exit_code == 0
    assert [each["id"] for each in json.loads(Path("enerflo-import.json").read_text())["resources"]] == ["2"]
