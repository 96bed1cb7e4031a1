"""`seatwise import`; tests/engine/test_brownfield.py does what it says next."""

import json
from pathlib import Path

import pytest

from cli.conftest import failed_with, run


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
