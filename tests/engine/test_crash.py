"""Everything is killed at any request of an `up`; a plain `up` afterwards ends with one account a person.

`SEATWISE_CRASH=full` kills at every request of every phase; otherwise a sample is run.
"""

import os
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
PEOPLE = 10
SKIP_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}

# What each phase declares: how many people, their first name, and a trigger that replaces all resources.
PHASES = {
    "create": (PEOPLE, "Ana", 1),
    "update": (PEOPLE, "Zoe", 1),
    "replace": (PEOPLE, "Zoe", 2),
    "remove": (PEOPLE - 1, "Zoe", 2),
}
# How many requests each phase sends to each vendor.
REQUESTS = {
    "enerflo": {"create": 22, "update": 10, "replace": 10, "remove": 1},
    "nexudus": {"create": 23, "update": 21, "replace": 11, "remove": 3},
    "tenovos": {"create": 31, "update": 11, "replace": 11, "remove": 2},
}
PROGRAMS = {
    "enerflo": "enerflo.User(f'u{n}', email=f'u{n}@x.example', first_name=name, roles=['Setter'], office_ids=[n],"
    " opts=opts)",
    "nexudus": "nexudus.User(f'u{n}', email=f'u{n}@x.example', full_name=name, language=1, opts=opts)",
    "tenovos": "tenovos.User(f'u{n}', email=f'u{n}@x.example', username=f'u{n}', first_name=name, last_name='V',"
    " opts=opts)",
}
EMAIL = {"enerflo": "email", "nexudus": "Email", "tenovos": "email"}
# What the vendor's record must hold then.
RECORDS: dict[str, Callable[[int, str, bool], dict[str, Any]]] = {
    "enerflo": lambda n, name, active: {"first_name": name, "active": active, "office_ids": [n]},
    "nexudus": lambda n, name, active: {"FullName": name, "Active": active},
    "tenovos": lambda n, name, active: {"firstName": name, "status": "enabled" if active else "disabled"},
}


@dataclass(frozen=True)
class Crash:
    """Where everything is killed: before or after the vendor carries out a phase's request (from 1)."""

    vendor: str
    phase: str
    request: int
    after: bool
    forgetful: bool = False
    """Whether the engine remembers nothing of a run that does not end."""
    reverted: bool = False
    """Whether the commit is reverted then."""

    def __str__(self) -> str:
        point, mode = "after" if self.after else "before", "no checkpoints" if self.forgetful else "checkpoints"
        return f"{self.vendor}-{self.phase}-{point} {self.request}-{mode}{'-reverted' if self.reverted else ''}"


def every_crash() -> list[Crash]:
    """At every request, before it and after it in turn, every other pair of creates with an engine that forgets.

    The few requests of a removal get both sides. Updates and removals are lived once more, and reverted. At the reads
    of a replacement an engine that remembers is killed on one side, and one that forgets on the other.
    """
    crashes = [
        Crash(vendor, phase, request, after, forgetful=phase == "create" and request % 4 > 1)
        for vendor, phases in REQUESTS.items()
        for phase, requests in phases.items()
        if phase != "replace"
        for request in range(1, requests + 1)
        for after in (False, True)
        if phase == "remove" or after == bool(request % 2)
    ]
    again = [each for each in crashes if each.phase != "create"]
    crashes += [
        replace(each, forgetful=each.phase == "update" or bool(each.request % 2), reverted=True) for each in again
    ]
    return crashes + [
        Crash(vendor, "replace", request, after=bool(request % 2) is forgetful, forgetful=forgetful)
        for vendor, phases in REQUESTS.items()
        for request in range(1, phases["replace"] + 1)
        for forgetful in (False, True)
    ]


SAMPLE = [
    Crash("enerflo", "create", 6, after=True),
    Crash("enerflo", "create", 22, after=True, forgetful=True),
    Crash("enerflo", "update", 5, after=True),
    Crash("enerflo", "replace", 10, after=True),
    Crash("enerflo", "remove", 1, after=True),
    Crash("nexudus", "create", 1, after=False),
    Crash("nexudus", "create", 17, after=True, forgetful=True),
    Crash("nexudus", "update", 13, after=False),
    Crash("nexudus", "replace", 7, after=False, forgetful=True),
    Crash("nexudus", "remove", 2, after=False),
    Crash("tenovos", "create", 25, after=False),
    Crash("tenovos", "create", 30, after=False, forgetful=True),
    Crash("tenovos", "update", 7, after=False, forgetful=True, reverted=True),
    Crash("tenovos", "replace", 11, after=True, reverted=True),
    Crash("tenovos", "remove", 2, after=True),
]
IS_FULL = os.environ.get("SEATWISE_CRASH") == "full"
CRASHES = every_crash() if IS_FULL else SAMPLE


def declare(project: Project, vendor: str, phase: str) -> None:
    people, name, trigger = PHASES[phase]
    opts = f"opts = pulumi.ResourceOptions(replacement_trigger={trigger})"
    project.program(f"name = {name!r}", opts, f"for n in range({people}):", f"    {PROGRAMS[vendor]}")


def history(crash: Crash) -> list[str]:
    """The phases before it. In the sample one vendor has lived all of them, and the others the last one alone."""
    phases = list(PHASES)[: list(PHASES).index(crash.phase)]
    return phases if IS_FULL or crash.vendor == "enerflo" else phases[-1:]


def run_whole(project: Project, sandbox: Sandbox, vendor: str, phase: str, *, is_first: bool) -> None:
    """An `up` that nothing happens to, with as many requests as are known."""
    declare(project, vendor, phase)
    before = len(sandbox.requests())
    project.up()
    assert len(sandbox.requests()) - before == REQUESTS[vendor]["create" if is_first else phase]


def run_killed(project: Project, sandbox: Sandbox, crash: Crash) -> None:
    """An `up` whose engine, program and providers are killed with -9."""
    declare(project, crash.vendor, crash.phase)
    sandbox.switch(hold={"at": crash.request, "carried_out": crash.after})
    process = project.begin_up()
    with process, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        while not is_held(http):
            assert process.poll() is None, f"the run ended before: {crash}"
            time.sleep(0.02)
        for pid in [process.pid, *descendants(process.pid)]:
            with suppress(ProcessLookupError):  # some end by themselves when the engine does
                os.kill(pid, signal.SIGKILL)
    project.run("cancel", "--yes")  # the killed engine's lock
    sandbox.switch(hold=None)


def is_held(http: httpx.Client) -> bool:
    return bool(http.get("/sandbox/options").raise_for_status().json()["hold"]["reached"])


def descendants(process: int) -> list[int]:
    """The processes below one: the engine's program and providers, whatever group they are in."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = defaultdict(list)
    for line in listing.splitlines():
        pid, parent = map(int, line.split())
        children[parent].append(pid)
    found, waiting = [], [process]
    while waiting:
        below = children[waiting.pop()]
        found += below
        waiting += below
    return found


def assert_one_account_each(sandbox: Sandbox, vendor: str, phase: str) -> None:
    """Check that each e-mail that was ever declared has one account, as last declared, created once."""
    people, name, _ = PHASES[phase]
    accounts = {each[EMAIL[vendor]]: each for each in sandbox.accounts(vendor).values()}
    wanted = {f"u{n}@x.example": RECORDS[vendor](n, name, n < people) for n in range(PEOPLE)}
    assert len(sandbox.accounts(vendor)) == PEOPLE
    assert accounts == {email: accounts.get(email, {}) | record for email, record in wanted.items()}
    posts = [each for each in sandbox.writes() if each["method"] == "POST" and each["status"] < 300]
    assert Counter(each["body"][EMAIL[vendor]] for each in posts) == dict.fromkeys(wanted, 1)


@pytest.mark.parametrize("crash", CRASHES, ids=str)
def test_a_plain_up_after_a_kill_ends_with_one_account_each(crash: Crash, project: Project, sandbox: Sandbox) -> None:
    for number, phase in enumerate(history(crash)):
        run_whole(project, sandbox, crash.vendor, phase, is_first=number == 0)
    if crash.forgetful:
        project.environment |= SKIP_CHECKPOINTS
    run_killed(project, sandbox, crash)
    if not crash.forgetful or crash.phase == "create":  # a create that never left holds its place for as long
        project.time_passes()  # the others run again at once

    phase = list(PHASES)[list(PHASES).index(crash.phase) - crash.reverted]
    declare(project, crash.vendor, phase)

    project.up()

    assert_one_account_each(sandbox, crash.vendor, phase)
    people, *_ = PHASES[phase]
    assert {each["outputs"]["email"] for each in project.resources()} == {f"u{n}@x.example" for n in range(people)}
    before = sandbox.requests()
    assert project.up().changes == {"unchanged": people + 1}
    assert sandbox.requests() == before


@pytest.mark.skipif(not IS_FULL, reason="the full sweep's own check")
@pytest.mark.parametrize("vendor", REQUESTS)
def test_these_are_all_the_requests(vendor: str, project: Project, sandbox: Sandbox) -> None:
    for phase in PHASES:
        run_whole(project, sandbox, vendor, phase, is_first=phase == "create")
