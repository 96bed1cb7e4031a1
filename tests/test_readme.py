"""The README tells the truth."""

import subprocess
import sys
from pathlib import Path

import pytest

from seatwise.dynamic import vendor_named
from seatwise.vendors import names
from seatwise.wire.settings import RunSettings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


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


@pytest.mark.parametrize("vendor", names())
def test_every_setting_is_in_the_readme(vendor: str) -> None:
    settings = vendor_named(vendor).settings_type
    spellings = {name: {settings.variable(name), f"<VENDOR>_{name.upper()}"} for name in settings.model_fields}
    assert [name for name, either in spellings.items() if not any(each in README for each in either)] == []


def test_every_setting_of_a_run_is_in_the_readme() -> None:
    assert [name for name in RunSettings.model_fields if f"SEATWISE_{name.upper()}" not in README] == []
