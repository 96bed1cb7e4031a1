"""`seatwise import`; tests/engine/test_brownfield.py does what it says next."""

import json
from pathlib import Path

import pytest

from cli.conftest import failed_with, run
from seatwise.wire.journal import Journal


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_both_files_are_written_and_the_next_steps_told(tenants: str) -> None:
    result = run("import", "enerflo", "--match", "*@example.com")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(json.loads(Path("enerflo-import.json").read_text())["resources"]) == 2
    assert Path("enerflo_accounts.py").read_text().count("enerflo.User(") == 2
    assert result.stderr.startswith("2 accounts. Now, in your project:")
    assert "pulumi import --file enerflo-import.json" in result.stderr


def test_json_says_how_many_and_where(tenants: str) -> None:
    result = run("import", "nexudus", "--program", "staff.py", "--json", "--quiet")
    assert json.loads(result.stdout) == {"accounts": 2, "stack_file": "nexudus-import.json", "program": "staff.py"}
    assert result.stderr == ""


def test_files_are_not_overwritten_unless_forced(tenants: str) -> None:
    Path("enerflo_accounts.py").write_text("mine")
    line = failed_with("import", "enerflo")
    assert line == "seatwise: enerflo_accounts.py is there already; choose another name or add --force"
    assert run("import", "enerflo", "--force").exit_code == 0
    assert Path("enerflo_accounts.py").read_text() != "mine"


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
    assert journal.establish("1", 6) == 7
    journal.close()
    assert run("import", "enerflo").exit_code == 0
    resources = json.loads(Path("enerflo-import.json").read_text())["resources"]
    assert {each["id"]: each["outputs"].get("__revision") for each in resources} == {"1": 7, "2": None, "3": None}
