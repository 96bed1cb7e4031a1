"""The real `pulumi` command with a separate project and state, in a temporary folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import ROOT, process
from .usage import Usage, watched

FAST: Mapping[str, str] = {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The documented settings for large stacks on a file backend."""
COMMAND_TIMEOUT_S = 3600
STACK = "bench"


@dataclass(frozen=True)
class Ran:
    """One command that ended."""

    code: int
    output: str
    seconds: float
    usage: Usage
    """Of the command and of all that it started."""


def ran(command: list[str], folder: Path, environment: Mapping[str, str]) -> Ran:
    """Run a command to its end, and measure it."""
    started = time.monotonic()
    with process(command, folder, environment, errors=True) as running, watched(running.pid) as usage:
        try:
            output, _ = running.communicate(timeout=COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            output = f"error: no end in {COMMAND_TIMEOUT_S} seconds"
        seconds = time.monotonic() - started
    return Ran(running.returncode, output, seconds, usage)


class Project:
    """A Pulumi project in a folder, with an empty stack and its own journal; `prefix` goes before each command."""

    def __init__(
        self, folder: Path, program: str, environment: Mapping[str, str], prefix: tuple[str, ...] = ()
    ) -> None:
        self._prefix = prefix
        self._folder = folder / "project"
        self._state = folder / "state"
        self._folder.mkdir()
        self._state.mkdir()
        (self._folder / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
        (self._folder / "__main__.py").write_text(program)
        self._environment = {
            **environment,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "SEATWISE_JOURNAL": str(folder / "journal.db"),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self._state}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        }
        made = self.run("stack", "init", STACK)
        if made.code:
            raise RuntimeError(made.output)

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run `pulumi` with these arguments and, for this command only, these additional variables."""
        command = [*self._prefix, "pulumi", *arguments, "--non-interactive", "--color", "never"]
        return ran(command, self._folder, {**self._environment, **environment})

    def file(self, name: str) -> Path:
        """Return the path of a file beside the program."""
        return self._folder / name

    def exported(self) -> dict[str, Any]:
        """Return the output of `pulumi stack export`; empty if it fails."""
        file = self._folder / "exported.json"
        self.run("stack", "export", "--file", str(file))
        state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return state

    def bytes_on_disk(self) -> int:
        """Return the size of the state file in bytes."""
        (file,) = (self._state / ".pulumi" / "stacks").rglob(f"{STACK}.json")
        return file.stat().st_size
