"""Many accounts in one stack."""

import subprocess
import sys

import pytest
from benchmarks.backdoor import running

from conftest import Sandbox
from engine.conftest import Project
from engine.test_crash import IS_FULL

pytestmark = pytest.mark.engine


@pytest.mark.skipif(not IS_FULL, reason="two minutes; test_base.py declares 1,300 accounts without the engine")
def test_1020_accounts_come_up_in_one_stack(project: Project, sandbox: Sandbox) -> None:
    """The SDK's own pickling fails with a RecursionError at about 980 resources; seatwise's does not."""
    project.environment |= {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}
    project.program(
        "for n in range(340):",
        "    name, email = f'user-{n}', f'user-{n}@example.com'",
        "    enerflo.User(name, email=email, roles=['Setter'])",
        "    nexudus.User(name, email=email, full_name=name, language=1)",
        "    tenovos.User(name, email=email, username=name, first_name=name, last_name='X')",
    )
    assert project.up().changes["created"] == 3 * 340 + 1
    assert [len(sandbox.accounts(vendor)) for vendor in ("enerflo", "nexudus", "tenovos")] == [340] * 3
    sandbox.mark()
    del project.environment["PULUMI_SKIP_CHECKPOINTS"]
    unchanged = project.up()
    assert unchanged.changes == {"unchanged": 3 * 340 + 1}
    assert "seatwise run" not in unchanged.output
    assert sandbox.requests() == []


def test_a_preview_of_300_new_accounts_names_seatwise_run_once(project: Project) -> None:
    project.program("for n in range(301):", "    enerflo.User(f'u{n}', email=f'u{n}@example.com', roles=['Setter'])")
    _, _, diagnostics = project.run("preview").output.partition("Diagnostics:")
    assert diagnostics.count("`seatwise run -- pulumi up` writes it once") == 1


@pytest.mark.parametrize(("threads", "at_once"), [("", range(1, 5)), ("12", range(5, 13))])
def test_the_hosts_threads_limit_concurrent_operations(threads: str, at_once: range, project: Project) -> None:
    with running() as vendor:
        fast = {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}
        project.environment |= vendor.environment | fast | {"SEATWISE_THREADS": threads}
        project.program("for n in range(12):", "    enerflo.User(f'u{n}', email=f'u{n}@example.com', roles=['Setter'])")
        vendor.switch(latency=1)
        output = project.up("--parallel", "12").output
        seen = vendor.seen()
        assert seen.most_in_flight in at_once
        assert seen.kinds["create"] == 12
        vendor.switch(latency=1)
        output += project.run("destroy", "--yes", "--skip-preview", "--parallel", "12").output
        assert vendor.seen().most_in_flight in at_once
    assert "no effect" not in output


def test_seatwise_run_alone_exceeds_four_operations_at_once(project: Project) -> None:
    with running() as vendor:
        project.program("for n in range(24):", "    enerflo.User(f'u{n}', email=f'u{n}@example.com', roles=['Setter'])")
        vendor.switch(latency=1)
        subprocess.run(
            [sys.executable, "-m", "seatwise", "run", "--", "pulumi", "up", "--yes", "--skip-preview"],
            cwd=project.folder,
            env=project.environment | vendor.environment,
            check=True,
            timeout=120,
        )
        assert vendor.seen().most_in_flight in range(5, 17)
