"""The files and commands of docs/start.md, in their order."""

import re
import subprocess
from pathlib import Path

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
PAGE = Path(__file__).resolve().parents[2] / "docs" / "start.md"
FILE = re.compile(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", re.S)
EDIT = re.compile(r"Write `(.*?)` for `(.*?)`")
COMMAND = re.compile(r"^    (.*)$", re.M)


def script() -> str:
    """Run the page's commands after the installation, as a shell would."""
    text = PAGE.read_text().partition("## 2.")[2].partition("## Upgrade")[0].replace("    seatwise sandbox\n", "")
    steps: list[tuple[int, str]] = []
    for found in FILE.finditer(text):
        steps.append((found.start(), f"cat > {found[1]} <<'END'\n{found[2]}END"))
        text = text[: found.start()] + " " * len(found[0]) + text[found.end() :]
    steps += [(found.start(), f"sed -i.bak 's/{found[2]}/{found[1]}/' __main__.py") for found in EDIT.finditer(text)]
    steps += [(found.start(), found[1]) for found in COMMAND.finditer(text) if found[1].strip()]
    return "\n".join(["set -eux", *(step for _, step in sorted(steps))])


def test_a_new_user_creates_changes_and_deactivates_an_account(
    tmp_path: Path, project: Project, sandbox: Sandbox
) -> None:
    (tmp_path / "empty").mkdir()
    del project.environment["PULUMI_BACKEND_URL"], project.environment["PULUMI_CONFIG_PASSPHRASE"]
    commands = script().replace("http://127.0.0.1:8765", sandbox.url)
    commands = commands.replace("--yes", "--yes --skip-preview")  # half the time
    commands = commands.replace("rehearsal@example.com", "rehearsal@example.com --yes")  # the question has no answer

    done = subprocess.run(
        ["bash", "-c", commands],
        cwd=tmp_path / "empty",
        env=project.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout
    for told in ('"Sales Rep" => "Setter"', '"Ana" => "Anna"', '"Anna" => "Ana"'):
        assert told in done.stdout
    ana, rehearsed = sandbox.accounts("enerflo").values()
    assert (ana["email"], ana["active"], rehearsed["active"]) == ("ana@example.com", False, False)
