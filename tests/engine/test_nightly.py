"""The script of docs/nightly.md changes nothing, and fails on each thing that it checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pages
from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
SCRIPT = pages.blocks((pages.ROOT / "docs" / "nightly.md").read_text(), "sh")[0]
PREVIEW, UNMANAGED, LEAVERS = "pulumi preview", "seatwise list enerflo --unmanaged", "seatwise list enerflo --leavers"


class Night:
    """A project with a stack, the people's file, and the script beside them."""

    def __init__(self, project: Project, commands: Path) -> None:
        self._project = project
        commands.mkdir()
        seatwise = commands / "seatwise"
        seatwise.write_text(f'#!/bin/sh\nexec {sys.executable} -m seatwise "$@"\n')
        seatwise.chmod(0o755)
        project.environment["PATH"] = os.pathsep.join([str(commands), project.environment["PATH"]])
        (project.folder / "nightly.sh").write_text(SCRIPT)
        self.people("ana@example.com")

    def people(self, *emails: str) -> None:
        """Write the file of people."""
        (self._project.folder / "people.csv").write_text("\n".join(["email", *emails]) + "\n")

    def failed(self, **environment: str) -> dict[str, int]:
        """Run the script; returns the exit code of each check that failed, by the beginning of its command."""
        done = subprocess.run(
            ["sh", "nightly.sh"],
            cwd=self._project.folder,
            env=self._project.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        lines = [line for line in done.stderr.splitlines() if line.startswith("nightly: ")]
        codes = [line.removeprefix("nightly: exit code ").split(" from: ") for line in lines]
        found = {name: int(code) for code, text in codes for name in (PREVIEW, UNMANAGED, LEAVERS) if name in text}
        assert len(found) == len(lines), done.stderr
        assert done.returncode == (1 if found else 0), done.stderr
        return found


@pytest.fixture
def night(project: Project, sandbox: Sandbox, tmp_path: Path) -> Night:
    """A stack `prod` with one account, as declared."""
    project.program(
        "import seatwise",
        "roles = enerflo.Account(roles=['Setter'])",
        "seatwise.Person('ana', email='ana@example.com', expires='2030-01-31', accounts=[roles])",
    )
    project.run("stack", "rename", "prod")
    project.up()
    sandbox.mark()
    return Night(project, tmp_path / "commands")


def test_a_night_changes_nothing_and_fails_on_what_it_finds(night: Night, project: Project, sandbox: Sandbox) -> None:
    before = project.all_resources()
    assert night.failed() == {}, "a quiet night"
    assert [*night.failed(SEATWISE_TODAY="2030-02-01")] == [PREVIEW], "a person whose last day is over"
    assert night.failed(ENERFLO_API_KEY="wrong") == {PREVIEW: 1, UNMANAGED: 1, LEAVERS: 1}

    (ana,) = sandbox.accounts("enerflo")
    sandbox.add("enerflo", email="zoe@example.com", active=True)
    night.people("zoe@example.com")
    assert night.failed() == {UNMANAGED: 3, LEAVERS: 3}, "an account without a stack, and a leaver"

    sandbox.change("enerflo", ana, roles=["Sales Rep"])
    assert [*night.failed()] == [PREVIEW, UNMANAGED, LEAVERS], "and what a person changed"
    assert sandbox.writes() == []
    assert project.all_resources() == before
