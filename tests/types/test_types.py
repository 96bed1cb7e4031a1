"""mypy and pyright agree on what a program may say: `good.py` and `bad.py` beside this file."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LINES = (HERE / "bad.py").read_text().splitlines()
BAD = {number: line.partition("  # ")[2].split() for number, line in enumerate(LINES, start=1) if "  # " in line}
Found = dict[tuple[str, int], list[str]]
"""Errors by file and line, each with the checker's code for it."""


def mypy(folder: Path) -> Found:
    """What mypy says of the two files; a word for a problem's kind is behind each message, in brackets."""
    options = ("--strict", "--no-pretty", "--config-file=", f"--cache-dir={folder / 'mypy'}")
    printed = run(folder, "mypy", *options, str(HERE / "good.py"), str(HERE / "bad.py"))
    found: Found = defaultdict(list)
    for name, line, message in re.findall(r"(\w+\.py):(\d+): error: (.*)", printed):
        found[name, int(line)].append(message)
    return found


def pyright(folder: Path) -> Found:
    """What pyright says of them."""
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    for name in ("good.py", "bad.py"):
        (folder / name).write_text((HERE / name).read_text())
    options = ("--outputjson", "--level=error", f"--pythonpath={sys.executable}")
    answer = json.loads(run(folder, "basedpyright", *options, "good.py", "bad.py"))
    found: Found = defaultdict(list)
    for each in answer["generalDiagnostics"]:
        line = each["range"]["start"]["line"] + 1
        found[Path(each["file"]).name, line].append(f"{each['message']} [{each.get('rule')}]")
    return found


def run(folder: Path, command: str, *words: str) -> str:
    return subprocess.run([sys.executable, "-m", command, *words], cwd=folder, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("checker", "kind"), [(mypy, 0), (pyright, 1)], ids=["mypy", "pyright"])
def test_a_checker_takes_good_lines_and_refuses_bad_ones(
    checker: Callable[[Path], Found], kind: int, tmp_path: Path
) -> None:
    found = checker(tmp_path)
    assert [each for (name, _), messages in found.items() if name == "good.py" for each in messages] == []
    assert sorted(line for name, line in found if name == "bad.py") == sorted(BAD)
    for line, expected in BAD.items():
        hits = [message for message in found["bad.py", line] if f"[{expected[kind]}]" in message]
        assert any(expected[2] in message for message in hits), (LINES[line - 1], found["bad.py", line])
