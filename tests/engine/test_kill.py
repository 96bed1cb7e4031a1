"""Only the engine is killed: the provider process, which sends requests to the vendors, ends by itself."""

import signal
import sqlite3
import time
from contextlib import closing

import psutil
import pytest

from conftest import Sandbox
from engine.conftest import Project
from seatwise.dynamic.host import GRACE_S

pytestmark = pytest.mark.engine
OVERHEAD_S = 5.0
ANSWERS = {
    "late": {"kind": "slow", "writes": True, "seconds": 3},
    "never": {"kind": "silent", "writes": True},
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_provider_ends_when_the_engine_is_killed(answer: str, project: Project, sandbox: Sandbox) -> None:
    project.program("enerflo.User('ana', email='ana@example.com', roles=['Setter'])")
    sandbox.switch(faults={"enerflo": ANSWERS[answer]})
    with project.begin_up() as engine:
        wait_for_create(project)
        providers = [
            each for each in psutil.Process(engine.pid).children(recursive=True) if "pulumi.dynamic" in each.cmdline()
        ]
        engine.send_signal(signal.SIGKILL)
    assert providers

    _, alive = psutil.wait_procs(providers, timeout=GRACE_S + OVERHEAD_S)
    for each in alive:
        each.kill()

    assert alive == []
    if answer == "late":
        assert deeds(project) == ["MADE"], "an answer that comes soon is heard"
    else:
        assert deeds(project) == ["INTENDED"]


def wait_for_create(project: Project) -> None:
    """Wait until a create is about to be sent, and a little longer."""
    deadline = time.monotonic() + 60
    while deeds(project) != ["INTENDED"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)


def deeds(project: Project) -> list[str]:
    """Return the journal's entries."""
    with closing(sqlite3.connect(project.environment["SEATWISE_JOURNAL"])) as journal:
        try:
            return [deed for (deed,) in journal.execute("select deed from deeds")]
        except sqlite3.OperationalError:  # it is not there yet
            return []
