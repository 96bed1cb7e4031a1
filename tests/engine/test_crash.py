"""Everything is killed in the middle of an `up`; a plain `up` afterwards ends with one account a person."""

import os
import signal
import subprocess
import time
from collections import defaultdict

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
PEOPLE = 10
SKIP_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}
PROGRAMS = {
    "enerflo": "enerflo.User(f'u{n}', email=f'u{n}@example.com', roles=['Setter'], office_ids=[n])",
    "nexudus": "nexudus.User(f'u{n}', email=f'u{n}@example.com', full_name=f'U {n}', language=1)",
    "tenovos": "tenovos.User(f'u{n}', email=f'u{n}@example.com', username=f'u{n}', first_name='U', last_name='V')",
}
EMAIL = {"enerflo": "email", "nexudus": "Email", "tenovos": "email"}


def killed_after(posts: int, project: Project, sandbox: Sandbox) -> None:
    """Start an `up` and kill -9 the engine, the program and the providers once so many creates were carried out."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(command, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while sum(each["method"] == "POST" for each in sandbox.writes()) < posts and time.monotonic() < until:
            time.sleep(0.01)
        for pid in [process.pid, *descendants(process.pid)]:
            os.kill(pid, signal.SIGKILL)
    project.run("cancel", "--yes")  # the killed engine's lock


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


@pytest.mark.parametrize("vendor", PROGRAMS)
@pytest.mark.parametrize("forgets", [{}, SKIP_CHECKPOINTS], ids=["checkpoints", "no checkpoints"])
def test_a_plain_up_after_a_kill_ends_with_one_account_each(
    vendor: str, forgets: dict[str, str], project: Project, sandbox: Sandbox
) -> None:
    project.environment |= forgets
    project.program(f"for n in range({PEOPLE}):", f"    {PROGRAMS[vendor]}")
    sandbox.switch(hold_answers=2)  # two of the four creates in flight get no answer
    killed_after(5, project, sandbox)
    assert 2 <= len(sandbox.accounts(vendor)) < PEOPLE
    sandbox.switch(hold_answers=0)

    project.up()

    emails = [each[EMAIL[vendor]] for each in sandbox.accounts(vendor).values()]
    assert sorted(emails) == sorted(f"u{n}@example.com" for n in range(PEOPLE))
    assert len(project.resources()) == PEOPLE
    assert project.up().changes == {"unchanged": PEOPLE + 1}
