"""Two runners on one stack and one tenant, with the state in a real PostgreSQL.

A runner is a machine of its own: another home of the engine, another journal. They share the state and the vendor.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from engine.conftest import Project
from engine.test_crash import descendants, is_held

pytestmark = pytest.mark.engine
# Where systems keep what they do not put on the PATH: Debian, Red Hat, Homebrew.
FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin")
PEOPLE = ("ana", "ben", "cleo")
START_TIMEOUT_S = 120  # long enough for a busy machine
LOCKED = "the stack is currently locked by 1 lock(s)"


def postgres_binaries() -> Path | None:
    """The folder of the system's `initdb` and `postgres`."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    return next((path.parent for folder in FOLDERS for path in Path("/").glob(f"{folder}/initdb")), None)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of an empty, temporary database that listens on a socket in its own folder."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL on this machine: install your system's package, such as `postgresql`")
    # It refuses to run as root, and pytest's own folders are closed to others.
    user: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="seatwise-") as folder:
        if user:
            shutil.chown(folder, **user)
        quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
        data = Path(folder, "data")
        subprocess.run(
            [binaries / "initdb", "--no-sync", "-A", "trust", "-U", "seatwise", "-D", data], check=True, **quiet
        )
        served = [str(binaries / "postgres"), "-D", str(data), "-k", folder, "-c", "listen_addresses=", "-F"]
        status = data / "postmaster.pid"  # says "ready" when connections are served
        with subprocess.Popen(served, **quiet) as process:
            try:
                wait_until(lambda: status.exists() and "ready" in status.read_text(), process)
                yield f"postgres://seatwise@/postgres?host={folder}&sslmode=disable"
            finally:
                process.send_signal(signal.SIGINT)  # as `pg_ctl stop` does: it waits for no client


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    for _ in range(START_TIMEOUT_S * 100):
        if happened():
            return
        assert process.poll() is None, process.args
        time.sleep(0.01)
    pytest.fail(f"nothing happened: {process.args!r}")


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill the process and all its children, as when a machine loses its power."""
    for pid in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):  # some end by themselves when the engine does
            os.kill(pid, signal.SIGKILL)


class Runner(Project):
    """A separate machine with a checkout of the repository."""

    def __init__(self, folder: Path, sandbox: Sandbox, database: str) -> None:
        folder.mkdir()
        super().__init__(folder, sandbox)
        self.journal = folder / "journal.db"
        self.environment |= {"PULUMI_BACKEND_URL": database, "SEATWISE_JOURNAL": str(self.journal)}

    def declare(self, *people: str, more: str = "") -> None:
        self.program(
            f"for name in {people!r}:",
            f"    enerflo.User(name, email=f'{{name}}@example.com', roles=['Setter']{more})",
        )

    def all_resources(self) -> list[dict[str, Any]]:
        return list(json.loads(self.run("stack", "export").output)["deployment"]["resources"])

    @contextmanager
    def going_up(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start an `up` that runs beside the test."""
        with self.begin_up() as process:
            try:
                yield process
            except BaseException:
                kill(process)
                raise


@pytest.fixture
def runner(tmp_path: Path, sandbox: Sandbox, database: str) -> Callable[[str], Runner]:
    """A function that creates a runner with a name."""
    return lambda name: Runner(tmp_path / name, sandbox, database)


def posts(sandbox: Sandbox) -> Counter[str]:
    """Return how often the account of each e-mail was created."""
    return Counter(each["body"]["email"] for each in sandbox.writes() if each["method"] == "POST")


def by_email(sandbox: Sandbox) -> dict[str, str]:
    return {each["email"]: account for account, each in sandbox.accounts("enerflo").items()}


def test_of_two_concurrent_ups_one_is_refused_without_duplicates(
    runner: Callable[[str], Runner], sandbox: Sandbox
) -> None:
    first, second = runner("first"), runner("second")
    for each in (first, second):
        each.declare(*PEOPLE)
    first.run("stack", "init", "shared")
    second.run("stack", "select", "shared")

    # The first is in the middle of its run, and holds the lock, until the test lets it go on.
    program = first.folder / "__main__.py"
    program.write_text(
        "import pathlib, time\n"
        "pathlib.Path('started').touch()\n"
        "while not pathlib.Path('go').exists():\n"
        "    time.sleep(0.01)\n" + program.read_text()
    )
    with first.going_up() as running:
        wait_until((first.folder / "started").exists, running)
        refused = second.up(fails=True).output
        assert LOCKED in refused
        assert "Either wait for the other process(es) to end" in refused
        second.preview()  # takes no lock
        assert sandbox.requests() == [], "the second did nothing"
        (first.folder / "go").touch()
    assert running.returncode == 0
    assert posts(sandbox) == dict.fromkeys([f"{name}@example.com" for name in PEOPLE], 1)

    made = by_email(sandbox)
    sandbox.mark()
    assert second.up().changes == {"unchanged": len(PEOPLE) + 1}
    assert sandbox.requests() == [], "the second knows from the state alone what the first made"

    second.declare("ana", "ben")
    assert second.up().changes["deleted"] == 1
    first.declare("ana", "ben", more=", last_name='Ruiz'")
    assert first.up().changes == {"updated": 2, "unchanged": 1}
    assert by_email(sandbox) == made
    assert posts(sandbox) == {}
    assert {each["last_name"] for each in sandbox.accounts("enerflo").values() if each["active"]} == {"Ruiz"}

    sandbox.change("enerflo", made["ana@example.com"], last_name="Zoe")
    sandbox.mark()
    found = second.run("refresh", "--preview-only", "--diff", "--expect-no-changes", fails=True).output
    assert '"Ruiz" => "Zoe"' in found
    first.run("preview", "--refresh", "--expect-no-changes", fails=True)
    assert sandbox.writes() == []


def test_a_new_runner_goes_on_where_a_killed_one_stopped(runner: Callable[[str], Runner], sandbox: Sandbox) -> None:
    first = runner("first")
    first.declare("ana")
    first.run("stack", "init", "killed")
    first.up()

    first.declare("ana", "ben")
    sandbox.switch(hold={"at": 2, "carried_out": True})  # the look-up of Ben, and then the create
    with first.going_up() as process, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        wait_until(lambda: is_held(http), process)
        kill(process)
    sandbox.switch(hold=None)

    new = runner("new")  # an empty home, and no journal
    new.declare("ana", "ben")
    new.run("stack", "select", "killed")
    assert LOCKED in new.up(fails=True).output, "a killed run leaves its lock"
    new.run("cancel", "--yes")
    ben = by_email(sandbox)["ben@example.com"]
    refused = new.up(fails=True).output
    assert f"ben@example.com: an account with this e-mail is there already, with the id {ben}" in refused
    assert len(sandbox.accounts("enerflo")) == 2, "without the journal it is a clear error, and no second account"

    for file in first.journal.parent.glob("journal.db*"):
        shutil.copy(file, new.journal.parent)
    assert new.up().changes == {"created": 1, "unchanged": 2}
    assert by_email(sandbox)["ben@example.com"] == ben
    assert posts(sandbox) == {"ana@example.com": 1, "ben@example.com": 1}
    assert {each["outputs"]["adopted"] for each in new.resources()} == {False}
