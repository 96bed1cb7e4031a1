"""The real `pulumi` command with a project for each test."""

import hashlib
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from conftest import Sandbox, executable
from engine import warm_python as warm
from seatwise.core.account.properties import REVISION
from seatwise.core.account.resuming import CREATE_IN_FLIGHT_S
from seatwise.vendors import names

PROJECT = "name: accounts\nruntime: python\n"
PASSPHRASE = "test"


@dataclass(frozen=True)
class Ran:
    """One `pulumi` command that ended."""

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


@dataclass
class Nowhere:
    """No accounts at all."""

    environment: dict[str, str] = field(default_factory=dict)


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
        self.cold: dict[str, str] = {}
        """More variables for a run whose Pythons are the engine's own processes, and no forks."""

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
        return Ran(done.stdout)

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

    def begin_up(self, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start an `up` for a test that ends it."""
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment | self.cold, stdout=stdout)

    def preview(self, *arguments: str, fails: bool = False) -> Ran:
        return self.run("preview", "--diff", *arguments, fails=fails)

    def assert_unchanged(self) -> None:
        """Fail the test if a preview shows a change."""
        self.run("preview", "--expect-no-changes")

    def refresh(self) -> Ran:
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Ran:
        return self.run("destroy", "--yes", "--skip-preview")

    def time_passes(self) -> None:
        """Long enough that seatwise looks once for an account that it may have made, and not half a minute long."""
        with closing(sqlite3.connect(self.environment["SEATWISE_JOURNAL"])) as journal, journal:
            journal.execute("update deeds set at = at - ?", (CREATE_IN_FLIGHT_S,))

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
        return [each for each in self.all_resources() if each["type"].startswith("pulumi-python:dynamic/")]

    def kept(self) -> dict[str, Any]:
        """Return what the state says of each resource with accounts, by its URN: all but what was done to them."""

        def without_counts(at: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in at.items() if name not in (REVISION, "counts")}

        plain = {each["urn"]: (each["id"], each["outputs"], each.get("taint")) for each in self.resources()}
        return dict(json.loads(json.dumps(plain), object_hook=without_counts))

    def all_resources(self) -> list[dict[str, Any]]:
        """Return all resources in the state of the only stack."""
        (state,) = self.folder.parent.glob("state/.pulumi/stacks/*/*.json")  # a ValueError if there are several
        return list(json.loads(state.read_text())["checkpoint"]["latest"].get("resources", []))


@pytest.fixture(scope="session")
def project_with_a_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project and its empty stack, of which each test gets a copy: `stack init` takes a second."""
    if shutil.which("pulumi") is None:
        pytest.fail("no pulumi command: run the tests with `make test`, which gets one")
    folder = tmp_path_factory.mktemp("stack")
    Project(folder, Nowhere()).run("stack", "init", "test")
    return folder


@pytest.fixture(scope="session")
def warm_python() -> Iterator[list[str]]:
    """The command of a Python that has imported its packages; the usual one on systems without `pidfd_open`."""
    if not hasattr(os, "pidfd_open"):
        yield [sys.executable]
        return
    name, serve = uuid.uuid4().hex, [sys.executable, "-u", warm.__file__, "serve"]
    with ExitStack() as served:
        for number in range(warm.WARM_AT_ONCE):
            process = subprocess.Popen(
                [*serve, name, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            served.enter_context(process)  # closes its standard input, and waits for its end
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
        yield [sys.executable, "-I", "-S", warm.__file__, name]


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory, warm_python: list[str]) -> dict[str, dict[str, str]]:
    """The variables for the `python` that runs these tests, warm and cold, with the answer of its `pip list` in a file.

    The engine asks for it before each program, which takes another second.
    """
    folder = tmp_path_factory.mktemp("python")
    asked = [sys.executable, "-m", "pip", "list", "-v", "--format", "json"]
    (folder / "packages.json").write_bytes(subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout)
    answer = shlex.join(["cat", str(folder / "packages.json")])

    def variables(name: str, start: list[str]) -> dict[str, str]:
        script = f"""#!/bin/sh
[ "$*" = {shlex.quote(" ".join(asked[1:]))} ] && exec {answer}
case "$1" in -u | /*) exec {shlex.join(start)} "$@" ;; esac
exec {shlex.quote(sys.executable)} "$@"
"""
        return {"PULUMI_PYTHON_CMD": str(executable(folder / name, script))}

    return {name: variables(name, start) for name, start in (("warm", warm_python), ("cold", [sys.executable]))}


@pytest.fixture
def project(
    tmp_path: Path, sandbox: Sandbox, project_with_a_stack: Path, pythons: dict[str, dict[str, str]]
) -> Project:
    """An empty project with a stack, whose environment points at the sandbox."""
    made = Project(tmp_path, sandbox)
    shutil.copytree(project_with_a_stack, tmp_path, dirs_exist_ok=True)
    (selected,) = tmp_path.glob("home/workspaces/*")  # which stack is selected, by the places of project and state
    selected.write_text(selected.read_text().replace(str(project_with_a_stack), str(tmp_path)))
    place = hashlib.sha1(str(made.folder / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    selected.rename(selected.with_name(f"accounts-{place}-workspace.json"))
    made.environment |= pythons["warm"]
    made.cold = pythons["cold"]
    made.program()
    return made
