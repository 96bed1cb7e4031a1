"""`seatwise import`; tests/engine/test_brownfield.py does what it says next."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import PEOPLE, failed_with, in_a_terminal, point_at, run
from seatwise.sandbox import server
from seatwise.sandbox.replies import Options
from seatwise.sandbox.store import Store
from seatwise.wire.journal import Journal


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_both_files_are_written_and_the_next_steps_told(tenants: str) -> None:
    result = run("import", "enerflo", "--match", "*@example.com")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(json.loads(Path("enerflo-import.json").read_text())["resources"]) == 2
    assert Path("enerflo_accounts.py").read_text().count("enerflo.User(") == 2
    left_out, rest = result.stderr.split("\n", 1)
    assert left_out.endswith("(2): left out of the program: first_name contains U+0009 CONTROL CHARACTER: take it out")
    assert rest.startswith("2 accounts. Now, in your project:")
    assert "pulumi import --file enerflo-import.json" in result.stderr


def test_json_says_how_many_and_where(tenants: str) -> None:
    result = run("import", "nexudus", "--program", "staff.py", "--json", "--quiet")
    assert json.loads(result.stdout) == {"accounts": 2, "stack_file": "nexudus-import.json", "program": "staff.py"}
    assert result.stderr == ""


def written() -> tuple[list[str | None], int]:
    """What the import file says of leaving, by account, and how often the program says the same."""
    resources = json.loads(Path("nexudus-import.json").read_text())["resources"]
    inputs, outputs = ([each[kind].get("on_destroy") for each in resources] for kind in ("inputs", "outputs"))
    assert inputs == outputs, "the next preview would show a change"
    return inputs, Path("nexudus_accounts.py").read_text().count(f'    on_destroy="{inputs[0]}",\n')


@pytest.mark.parametrize(
    ("policy", "step"),
    [
        ("deactivate", "is deactivated"),
        ("delete", "is deleted for good"),
        ("retain", 'stays active, though pulumi says "deleted"'),
    ],
)
def test_what_leaving_means_is_in_both_files_and_the_steps(policy: str, step: str, tenants: str) -> None:
    result = run("import", "nexudus", "--on-destroy", policy)
    assert written() == ([policy] * 2, 2)
    assert result.stderr.endswith(f"\nAn account whose declaration you take out of the program later {step}\n")


def test_without_a_terminal_leaving_means_what_it_did_before(tenants: str) -> None:
    result = run("import", "nexudus")
    assert written() == ([None] * 2, 0)
    assert "take out of the program later stays active, as it was there before" in result.stderr
    assert 'on_destroy="deactivate"' in result.stderr


@pytest.mark.parametrize("typed", ["deactivate\n", "dunno\ndeactivate\n"], ids=["", "after a mistake"])
def test_in_a_terminal_it_is_asked_what_leaving_shall_mean(typed: str, tenants: str) -> None:
    code, seen = in_a_terminal("import", "nexudus", typed=typed, NO_COLOR="1")
    assert code == 0
    assert "What becomes of an account" in seen
    assert "deactivate/delete/retain" in seen
    assert written() == (["deactivate"] * 2, 2)


def test_without_an_answer_nothing_is_written(tenants: str) -> None:
    code, seen = in_a_terminal("import", "nexudus", typed="\x04", NO_COLOR="1")
    assert code == 1
    assert "Traceback" not in seen
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_in_a_terminal_nothing_is_asked_for_a_script(option: str, tenants: str) -> None:
    code, seen = in_a_terminal("import", "nexudus", option)
    assert code == 0
    assert "What becomes" not in seen
    assert written() == ([None] * 2, 0)


def test_a_vendor_that_cannot_delete_is_not_asked_to(tenants: str) -> None:
    result = run("import", "enerflo", "--on-destroy", "delete")
    assert result.exit_code == 2
    assert result.stderr == ("seatwise: --on-destroy delete: Enerflo has no way to delete; use deactivate or retain\n")
    assert "deactivate/retain" in in_a_terminal("import", "enerflo", typed="retain\n", NO_COLOR="1")[1]


def test_files_are_not_overwritten_unless_forced(tenants: str) -> None:
    Path("enerflo_accounts.py").write_text("mine")
    line = failed_with("import", "enerflo")
    assert line == "seatwise: enerflo_accounts.py is there already; choose another name or add --force"
    assert run("import", "enerflo", "--force").exit_code == 0
    assert Path("enerflo_accounts.py").read_text() != "mine"


@pytest.mark.parametrize("option", ["--program", "--stack-file"])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nowhere/x.py", "cannot write nowhere/x.py: there is no folder nowhere; make it or choose another"),
        ("mine.txt/x.py", "cannot write mine.txt/x.py: there is no folder mine.txt; make it or choose another"),
        ("here", "here is a folder; give the name of a file"),
    ],
)
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "forced"])
def test_nothing_is_read_or_written_unless_both_files_can_be(
    force: list[str], path: str, problem: str, option: str
) -> None:
    """No tenant is there to be read."""
    Path("here").mkdir()
    Path("mine.txt").write_text("mine")
    assert failed_with("import", "enerflo", option, path, *force) == f"seatwise: {problem}"
    assert sorted(each.name for each in Path().rglob("*")) == ["here", "mine.txt"]


@pytest.mark.parametrize(("is_there", "denied"), [(False, "."), (True, "x.py")], ids=["the folder", "the file"])
def test_nothing_is_read_or_written_where_that_is_not_permitted(
    is_there: bool, denied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("enerflo-import.json").write_text("mine")
    if is_there:
        Path("x.py").write_text("mine")
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK or str(path) != denied)
    line = failed_with("import", "enerflo", "--program", "x.py", "--force")
    assert line == "seatwise: cannot write x.py: permission denied; choose another folder"
    assert {each.read_text() for each in Path().iterdir()} == {"mine"}


def test_where_nobody_matches_nothing_is_written(tenants: str) -> None:
    line = failed_with("import", "enerflo", "--match", "*@nowhere.example")
    assert line == (
        "seatwise: Enerflo: no account's e-mail fits *@nowhere.example; `seatwise list enerflo` shows who is there. "
        "Nothing was written"
    )
    assert list(Path().iterdir()) == []


def test_an_account_that_was_written_before_is_believed_when_it_is_taken_over(
    tenants: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal counts writes; a state that begins now knows of all."""
    monkeypatch.setenv("SEATWISE_JOURNAL", str(tmp_path / "journal.db"))
    journal = Journal(f"enerflo {tenants}/enerflo", print, tmp_path / "journal.db")
    assert journal.record_write("1", 6) == 7
    journal.close()
    assert run("import", "enerflo").exit_code == 0
    resources = json.loads(Path("enerflo-import.json").read_text())["resources"]
    assert {each["id"]: each["outputs"].get("__revision") for each in resources} == {"1": 7, "2": None, "3": None}


@contextmanager
def tenant_with(records: dict[str, list[dict[str, Any]]], folder: Path) -> Iterator[None]:
    """Tenants of a sandbox with these accounts."""
    store = Store(folder / "odd.sqlite")
    server.seed(store, records)
    store.close()
    with server.running(folder / "odd.sqlite", Options(limits=False)) as url, pytest.MonkeyPatch.context() as patches:
        point_at(url, patches)
        yield


ANA, BEN, _ = PEOPLE["enerflo"]
NAMELESS = PEOPLE["nexudus"][0] | {"FullName": ""}


def test_what_the_program_may_not_say_is_left_out_and_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    odd = {
        "enerflo": [ANA | {"phone": "+44 20 7946 0958"}, BEN | {"email": "b\x1b[31m@example.com", "phone": "110"}],
        "nexudus": [NAMELESS, PEOPLE["nexudus"][1]],
    }
    with tenant_with(odd, tmp_path_factory.mktemp("tenants")):
        enerflo, nexudus = run("import", "enerflo", "--quiet"), run("import", "nexudus", "--quiet")

    assert (enerflo.exit_code, nexudus.exit_code) == (0, 0)
    why = "left out of the program: phone must have ten digits, such as 555-555-5555"
    assert enerflo.stderr == (
        f"Enerflo Ana@Example.com (1): {why}\n"
        "Enerflo b [31m@example.com (2): not taken over: email contains U+001B CONTROL CHARACTER: take it out. "
        "Correct it in the admin page of Enerflo, then import it\n"
    )
    assert nexudus.stderr == (
        "Nexudus ana@example.com (1): not taken over: full_name is required. "
        "Correct it in the admin page of Nexudus, then import it\n"
    )
    (ana,) = json.loads(Path("enerflo-import.json").read_text())["resources"]
    assert "phone" not in ana["inputs"]
    assert "phone" not in ana["outputs"]["__declared"]
    assert ana["outputs"]["phone"] == "+44 20 7946 0958", "what is there is seen all the same"
    assert "phone" not in Path("enerflo_accounts.py").read_text()
    assert [each["id"] for each in json.loads(Path("nexudus-import.json").read_text())["resources"]] == ["2"]
    assert Path("nexudus_accounts.py").read_text().count("nexudus.User(") == 1


def test_where_no_account_can_be_taken_over_nothing_is_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    with tenant_with({"nexudus": [NAMELESS]}, tmp_path_factory.mktemp("tenants")):
        result = run("import", "nexudus")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1:] == [
        "seatwise: Nexudus: no account can be taken over as it is; nothing was written"
    ]
    assert list(Path().iterdir()) == []


def test_accounts_are_taken_over_by_their_ids_listed_or_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tenants")
    store = Store(folder / "hidden.sqlite")
    server.seed(store, {"enerflo": [ANA, BEN]})
    store.close()
    options = Options(limits=False, quirks={"enerflo_inactive": "hidden"})
    with server.running(folder / "hidden.sqlite", options) as url, pytest.MonkeyPatch.context() as patches:
        point_at(url, patches)
        assert failed_with("import", "enerflo", "--match", "ben@*").startswith("seatwise: Enerflo: no account's e-mail")
        line = failed_with("import", "enerflo", "--id", "2", "--id", "77")
        assert line == "seatwise: Enerflo 77: is not there; check the id. Nothing was written"
        assert run("import", "enerflo", "--id", "2", "--match", "ben@*").exit_code == 2
        assert list(Path().iterdir()) == []
        assert run("import", "enerflo", "--id", "2").exit_code == 0
    assert [each["id"] for each in json.loads(Path("enerflo-import.json").read_text())["resources"]] == ["2"]
