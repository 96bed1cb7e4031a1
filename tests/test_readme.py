"""The README matches the code."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('enerflo.User("a", emial="a@b.c", roles=[])', "emial"),
        ('enerflo.User("a", email="a@b.c", roles=["x"], office_ids=["12"])', "incompatible type"),
        ('enerflo.User("a", email="a@b.c")', "roles"),
        ('nexudus.User("a", full_name="A", email="a@b.c", language=2, on_destroy="drop")', "on_destroy"),
        ('tenovos.User("a", email="a@b.c", username="a", first_name="A", last_name="B", status="off")', "status"),
        ("print(tenovos.User.nickname)", "nickname"),
    ],
)
def test_a_type_checker_finds_a_wrong_argument(line: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(f"from seatwise import enerflo, nexudus, tenovos\n{line}\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path.parent / "mypy"), str(tmp_path / "wrong.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "Found 1 error" in checked.stdout, checked.stdout
    assert complaint in checked.stdout
