"""The contestants and their operations: the life cycle of a team's accounts with each contestant."""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .backdoor import BackDoor, Seen
from .engine import FAST, Project, Ran
from .people import CHANGED, COUNT
from .processes import ROOT, process
from .usage import PROVIDER, Usage

PROGRAMS = Path(__file__).parent / "programs"
NAIVE_IMPORT = "from benchmarks.naive.naive import User\n"
UP = ("up", "--yes", "--skip-preview")
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "create": UP,
    "no-op": UP,
    "refresh": ("refresh", "--yes", "--skip-preview"),
    "update 1 %": UP,
    "retire": ("destroy", "--yes", "--skip-preview"),
}
UPDATE = "update 1 %"
UPDATE_ALL, UPDATE_ALL_FLAKY = "update all", "update all, 503s"
FAIL_EVERY = 10
"""Which requests get a bare 503 in the study of bad answers: every tenth."""

TRIALS = 3

Watch = Callable[[str], AbstractContextManager[None]]
"""Shows an operation's name while it runs."""


@dataclass(frozen=True)
class Contestant:
    """A program that the real `pulumi` runs."""

    name: str
    program: str
    """The program's text."""
    operations: tuple[str, ...] = tuple(OPERATIONS)
    environment: Mapping[str, str] = field(default_factory=lambda: FAST)
    must_work: bool = True


@dataclass(frozen=True)
class Measure:
    """One operation of one contestant."""

    contestant: str
    operation: str
    accounts: int
    latency: float
    """Seconds before the vendor's every answer."""
    seconds: float
    """The whole command (of the floor: its requests alone)."""
    seen: Seen
    usage: Usage = field(default_factory=Usage)
    """Of the command and all that it started."""
    failure: str = ""
    must_work: bool = True
    exported: int = 0
    """Bytes of the exported stack as compact JSON, after a create."""
    on_disk: int = 0
    """Bytes of the state file, after a create."""
    known: int = 0
    """Resources of the program that the state holds, after a create."""
    study: str = ""
    """What it belongs to (see `comparison.py`); empty for the grid and the studies of this file."""


# --- contestants ------------------------------------------------------------------------------


def program(name: str) -> str:
    """Return the text of a program."""
    return (PROGRAMS / f"{name}.py").read_text()


def _naive_in_main() -> str:
    """Return the naive program with its provider's class in the program itself, as in Pulumi's documentation."""
    text = program("naive")
    assert NAIVE_IMPORT in text
    return text.replace(NAIVE_IMPORT, (ROOT / "benchmarks" / "naive" / "naive.py").read_text())


USERS = Contestant("seatwise User", program("users"))
ROSTER = Contestant("seatwise Roster", program("roster"))
UNTUNED = Contestant("seatwise User, default settings", program("users"), ("create",), {})
NAIVE = Contestant("naive, importable", program("naive"), ("create", "no-op"), must_work=False)
NAIVE_IN_MAIN = Contestant("naive, in __main__", _naive_in_main(), ("create", "no-op"), must_work=False)
IDLE_USERS = Contestant("engine alone, a resource each", program("idle_users"), ("create",))
IDLE_ROSTER = Contestant("engine alone, one resource", program("idle_roster"), ("create",))


# --- operations -------------------------------------------------------------------------------


def live(contestant: Contestant, accounts: int, latency: float, vendor: BackDoor, watch: Watch) -> Iterator[Measure]:
    """Measure all operations on this many accounts, beginning with an empty vendor; stop at the first failure."""
    with _project(contestant, accounts, vendor) as project:
        for operation in contestant.operations:
            vendor.switch(latency=latency)
            changed = changed_of(accounts) if operation == UPDATE else 0
            with watch(f"{contestant.name}: {operation}, {accounts:,} accounts, {latency * 1000:.0f} ms"):
                measure = _measured(contestant, operation, accounts, latency, vendor, project, changed)
            yield measure
            if measure.failure:
                return


def changed_of(accounts: int) -> int:
    """Return one per cent of the accounts, and at least one."""
    return max(1, accounts // 100)


def flaky(contestant: Contestant, accounts: int, latency: float, vendor: BackDoor, watch: Watch) -> Iterator[Measure]:
    """Change all accounts at a vendor without failures, and change them back at one that fails sometimes.

    Creates are not part of it: a create that got a bare 503 is looked up and never sent again. In about one of ten runs
    one of a thousand accounts gets four 503 in a row, and rightly fails: then the study is repeated.
    """
    for left in reversed(range(TRIALS)):
        measures = list(_flaky(contestant, accounts, latency, vendor, watch))
        is_failed = any(each.failure for each in measures)
        yield from (replace(each, must_work=each.must_work and not left) for each in measures)
        if not is_failed:
            return


def _flaky(contestant: Contestant, accounts: int, latency: float, vendor: BackDoor, watch: Watch) -> Iterator[Measure]:
    with _project(contestant, accounts, vendor) as project:
        # The accounts are created without latency; that is not measured.
        with watch(f"{contestant.name}: {accounts:,} accounts for the study of bad answers"):
            made = _measured(contestant, "create", accounts, 0, vendor, project)
        if made.failure:
            yield made
            return
        for operation, changed, fail_every in ((UPDATE_ALL, accounts, 0), (UPDATE_ALL_FLAKY, 0, FAIL_EVERY)):
            vendor.switch(latency=latency, fail_every=fail_every)
            with watch(f"{contestant.name}: {operation}, {accounts:,} accounts, {latency * 1000:.0f} ms"):
                yield _measured(contestant, operation, accounts, latency, vendor, project, changed)


def limited(
    contestant: Contestant, accounts: int, latency: float, per_minute: int, vendor: BackDoor, watch: Watch
) -> Iterator[Measure]:
    """Create accounts at a vendor with a rate limit that the contestant knows, with pacing."""
    told = {"ENERFLO_REQUESTS_PER_MINUTE": str(per_minute)}
    with _project(contestant, accounts, vendor, told) as project:
        vendor.switch(latency=latency, per_minute=per_minute)
        operation = limited_name(per_minute)
        with watch(f"{contestant.name}: {operation}, {accounts:,} accounts"):
            yield _measured(contestant, operation, accounts, latency, vendor, project)


def provider_alone(kind: str, accounts: int, vendor: BackDoor, watch: Watch) -> Iterator[Measure]:
    """Create accounts with seatwise's `User` or `Roster` without the engine, at a vendor without latency."""
    vendor.reset()
    name = provider_alone_name(kind)
    with watch(f"{name}: create, {accounts:,} accounts"), temporary_folder() as folder:
        told = child("cpu", kind, str(accounts), **vendor.environment, SEATWISE_JOURNAL=str(folder / "journal.db"))
    yield Measure(name, "create", accounts, 0, told["seconds"], vendor.seen(), Usage({PROVIDER: told["cpu"]}))


def provider_alone_name(kind: str) -> str:
    """`seatwise User, provider alone`."""
    return f"seatwise {kind}, provider alone"


def floors(accounts: int, latency: float, in_flight: int, vendor: BackDoor, watch: Watch) -> Iterator[Measure]:
    """Measure the floor of each operation: the same work done by the script."""
    for operation in OPERATIONS:
        if operation != "no-op":
            yield floor(operation, accounts, latency, in_flight, vendor, watch)


def floor(operation: str, accounts: int, latency: float, in_flight: int, vendor: BackDoor, watch: Watch) -> Measure:
    """Measure the floor of one operation; `create` comes first, on an empty vendor."""
    if operation == "create":
        vendor.reset()
    name, count = floor_name(in_flight), changed_of(accounts) if operation == UPDATE else accounts
    word = {"refresh": "read", UPDATE: "update", "retire": "deactivate"}.get(operation, operation)
    vendor.switch(latency=latency)
    with watch(f"{name}: {operation}, {accounts:,} accounts, {latency * 1000:.0f} ms"):
        told = child("floor", vendor.url, word, str(count), "--in-flight", str(in_flight))
    return Measure(name, operation, accounts, latency, told["seconds"], vendor.seen())


def limited_name(per_minute: int) -> str:
    """`create, 300 a minute`."""
    return f"create, {per_minute} a minute"


def floor_name(in_flight: int) -> str:
    """`aiohttp, 16 in flight`."""
    return f"aiohttp, {in_flight} in flight"


def child(module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run another module of this package in its own process, and return the JSON that it prints."""
    with process([sys.executable, "-m", f"benchmarks.{module}", *arguments], environment=environment) as started:
        output, _ = started.communicate()
    if started.returncode:
        raise RuntimeError(f"benchmarks.{module} failed")
    printed: dict[str, Any] = json.loads(output.splitlines()[-1])
    return printed


@contextmanager
def _project(
    contestant: Contestant, accounts: int, vendor: BackDoor, more: Mapping[str, str] | None = None
) -> Iterator[Project]:
    """Create the contestant's project in a temporary folder, with an empty vendor, during the block."""
    vendor.reset()
    environment = {**vendor.environment, **contestant.environment, COUNT: str(accounts), **(more or {})}
    with temporary_folder() as folder:
        yield Project(folder, contestant.program, environment)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that goes with the block."""
    with tempfile.TemporaryDirectory(prefix="seatwise-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _measured(
    contestant: Contestant,
    operation: str,
    accounts: int,
    latency: float,
    vendor: BackDoor,
    project: Project,
    changed: int = 0,
) -> Measure:
    ran = project.run(*OPERATIONS.get(operation, UP), **{CHANGED: str(changed)})
    seen = vendor.seen()
    is_create = operation.startswith("create")
    state = project.exported() if is_create else {}
    resources = state.get("deployment", {}).get("resources", [])
    return Measure(
        contestant.name,
        operation,
        accounts,
        latency,
        ran.seconds,
        seen,
        usage=ran.usage,
        failure=reason(ran) if ran.code else "",
        must_work=contestant.must_work,
        exported=len(json.dumps(state, separators=(",", ":"))) if state else 0,
        on_disk=project.bytes_on_disk() if is_create else 0,
        known=sum(each["type"].startswith("pulumi-python:dynamic") for each in resources),
    )


def reason(ran: Ran) -> str:
    """Return the last line that looks like an error."""
    found = re.findall(r"^.*(?:[Ee]rror\b).*$", ran.output, re.MULTILINE)
    return (found or ran.output.splitlines() or ["no message"])[-1].strip(" │╷╵:")
