"""The real `pulumi` command over a project and a state of its own, all in one temporary folder."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from .backdoor import ROOT

FAST: Mapping[str, str] = {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The documented settings for large stacks on a file backend."""
PATIENCE = 4 * 3600  # seconds for one command
STACK = "bench"


@dataclass(frozen=True)
class Ran:
    """One command that ended."""

    code: int
    output: str
    seconds: float
    cpu: float
    """Seconds of processor time of the command and of all that it started."""


class Project:
    """A Pulumi project in a folder, with an empty stack and a journal of its own."""

    def __init__(self, folder: Path, program: str, environment: Mapping[str, str]) -> None:
        self._folder = folder / "project"
        self._state = folder / "state"
        self._folder.mkdir()
        self._state.mkdir()
        (self._folder / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
        (self._folder / "__main__.py").write_text(program)
        self._environment = {
            **os.environ,
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
        """Run `pulumi` with these arguments; some more environment is for this command alone."""
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        used, started = _cpu(), time.monotonic()
        with _process(command, self._folder, {**self._environment, **environment}) as process:
            output, _ = process.communicate(timeout=PATIENCE)
        return Ran(process.returncode, output, time.monotonic() - started, _cpu() - used)

    def exported(self) -> dict[str, Any]:
        """The stack as `pulumi stack export` gives it."""
        state: dict[str, Any] = json.loads(self.run("stack", "export").output)
        return state

    def bytes_on_disk(self) -> int:
        """Size of the state file."""
        (file,) = (self._state / ".pulumi" / "stacks").rglob(f"{STACK}.json")
        return file.stat().st_size


@contextmanager
def _process(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A process in a session of its own; nothing of it is left when the block ends, however it ends."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill a process that has not ended, and all that it started."""
    if process.poll() is not None:
        return
    with suppress(psutil.NoSuchProcess):
        whole = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in whole:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(whole[1:], timeout=5)
    process.wait()


def _cpu() -> float:
    """Seconds of processor time of all children that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
