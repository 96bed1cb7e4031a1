"""What a command and all that it started use: processor time by process, and memory."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

PROGRAM, PROVIDER, ENGINE = "program", "provider", "engine"
ROLES = {
    "pulumi-language-python-exec": PROGRAM,
    "pulumi.dynamic": PROVIDER,
    "pulumi-resource-pulumi-python": PROVIDER,
    "terraform-provider-": PROVIDER,
}
"""What a process is, by a part of its command line; all others are the engine."""
SAMPLE_S = 0.1
"""How often the processes are looked at: what one does after the last look counts as the engine's."""


@dataclass
class Usage:
    """What was used; complete after the block of `watched`."""

    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys((PROGRAM, PROVIDER, ENGINE), 0.0))
    """Seconds of processor time, by role."""
    memory: int = 0
    """The most bytes that all processes had in memory at once. Memory that two of them share counts twice."""

    @property
    def total(self) -> float:
        """The seconds of processor time of all processes."""
        return sum(self.cpu.values())


@contextmanager
def watched(pid: int) -> Iterator[Usage]:
    """Watch a child process and all that it starts; it ends and is waited for within the block."""
    usage, seen, over = Usage(), dict[int, tuple[str, float]](), threading.Event()
    before = _ended()

    def watch() -> None:
        while not over.wait(SAMPLE_S):
            usage.memory = max(usage.memory, _look(pid, seen))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield usage
    finally:
        over.set()
        watcher.join()
        for role, seconds in seen.values():
            usage.cpu[role] += seconds
        usage.cpu[ENGINE] += max(0.0, _ended() - before - usage.total)


def role_of(command: list[str]) -> str:
    """Return what a process with this command line is."""
    line = " ".join(command)
    return next((role for part, role in ROLES.items() if part in line), ENGINE)


def _look(pid: int, seen: dict[int, tuple[str, float]]) -> int:
    """Note the role and the processor time of each process, and return the bytes that they have in memory."""
    memory = 0
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for each in (top, *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied), each.oneshot():
                used = each.cpu_times()
                seen[each.pid] = (role_of(each.cmdline()), used.user + used.system)
                memory += each.memory_info().rss
    return memory


def _ended() -> float:
    """Return the seconds of processor time of all child processes that have ended, with their own."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
