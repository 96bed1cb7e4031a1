"""The real `pulumi` command with a project for each test."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from conftest import Sandbox
from seatwise.vendors import names

PROJECT = "name: accounts\nruntime: python\n"
PASSPHRASE = "test"


@dataclass(frozen=True)
class Ran:
    """One `pulumi` command that ended."""

    code: int
    output: str

    @property
    def changes(self) -> dict[str, int]:
        """Return the number of resources by operation, from the summary in the output."""
        summary = self.output.rpartition("Resources:")[2]
        counts = re.findall(r"^\s+(?:[-+~] )?(\d+) (created|updated|deleted|unchanged|errored)", summary, re.M)
        return {what: int(count) for count, what in counts}


class Service(Protocol):
    """What a project's accounts are at: settings in environment variables."""

    environment: dict[str, str]


class Project:
    """A Pulumi project in a folder: writes `program`, runs commands, reads the state."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        (folder / "state").mkdir()
        (self.folder / "Pulumi.yaml").write_text(PROJECT)
        binaries = str(Path(sys.executable).parent)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")},
            **service.environment,
            **{f"{name.upper()}_REQUESTS_PER_MINUTE": "0" for name in names()},
            "PATH": os.pathsep.join([binaries, os.environ["PATH"]]),
            "PULUMI_HOME": str(folder / "home"),
            # Otherwise the engine keeps a file beside the state that a kill -9 may leave empty; then every later
            # command fails with "failed to load checkpoint: EOF" until a person deletes it.
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        }

    def program(self, *lines: str) -> None:
        """Write the program: these lines after the imports."""
        imports = "import pulumi\nfrom seatwise import enerflo, nexudus, scim, tenovos\n"
        (self.folder / "__main__.py").write_text(imports + "\n".join(lines) + "\n")

    def run(self, *arguments: str, fails: bool = False, stdin: str = "") -> Ran:
        """Run `pulumi` with these arguments; fail the test if its exit code is not as expected."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return Ran(done.returncode, done.stdout)

    def shell(self, script: str, folder: Path | None = None) -> str:
        """Run a script of shell commands, each of which has to succeed; return all that they print."""
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def up(self, *arguments: str, fails: bool = False) -> Ran:
        return self.run("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def preview(self, *arguments: str, fails: bool = False) -> Ran:
        return self.run("preview", "--diff", *arguments, fails=fails)

    def refresh(self) -> Ran:
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Ran:
        return self.run("destroy", "--yes", "--skip-preview")

    def unmanaged(self, *options: str) -> list[str]:
        """Return the e-mails that `seatwise list enerflo --unmanaged` lists in this project."""
        done = subprocess.run(
            [sys.executable, "-m", "seatwise", "list", "enerflo", "--unmanaged", "--json", *options],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode in (0, 3), done.stderr
        found = [each["email"] for each in json.loads(done.stdout)]
        assert done.returncode == (3 if found else 0)
        return found

    def resources(self) -> list[dict[str, Any]]:
        """Return the accounts in the state."""
        state = json.loads(self.run("stack", "export").output)
        found = state["deployment"].get("resources", [])
        return [each for each in found if each["type"].startswith("pulumi-python:dynamic/")]


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Project:
    """An empty project with a stack, whose environment points at the sandbox."""
    if shutil.which("pulumi") is None:
        pytest.fail("no pulumi command: run the tests with `make test`, which gets one")
    made = Project(tmp_path, sandbox)
    made.program()
    made.run("stack", "init", "test")
    return made
