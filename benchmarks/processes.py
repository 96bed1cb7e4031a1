"""Processes that end with their block, with all their children, even after an error."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
OF_THE_USER = ("PULUMI_", "SEATWISE_", "ENERFLO_", "NEXUDUS_", "TENOVOS_", "BENCH_", "TF_", "TOFU_", "REST_API_")
"""Variables of the user that must not influence a benchmark."""


@contextmanager
def process(
    command: list[str], folder: Path = ROOT, environment: Mapping[str, str] | None = None, *, errors: bool = False
) -> Iterator["subprocess.Popen[str]"]:
    """Start a command with its output in a pipe, its errors too if asked to.

    It has a session of its own, so that an interrupt from the keyboard reaches this process alone, which then
    ends the others in the right order.
    """
    started = subprocess.Popen(
        command,
        cwd=folder,
        env={**without_settings(), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors else None,
        text=True,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        _end(started)
        if started.stdout:
            started.stdout.close()


def without_settings() -> dict[str, str]:
    """Return the environment without the variables of `OF_THE_USER`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_USER)}


def _end(started: "subprocess.Popen[str]") -> None:
    """Kill a process that has not ended, and all that it started."""
    if started.poll() is not None:
        return
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(started.pid)
        rest = top.children(recursive=True)  # before their parent ends, after which they cannot be found
        for each in (top, *rest):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(rest, timeout=5)
    started.wait()
