"""Fixtures of all tests: a clean environment, the sandbox, virtual time."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pulumi
import pytest
from trio.testing import MockClock

from seatwise.cli.doctor import GENERAL_PROXIES
from seatwise.core.vendor.secrets import VAULT, Vault
from seatwise.core.vendor.vendor import Vendor
from seatwise.sandbox import nexudus, server
from seatwise.sandbox.replies import Options
from seatwise.sandbox.store import Store
from seatwise.vendors import names, vendor_named
from seatwise.wire.settings import RunSettings
from virtual import World, date_of_a_change

IN_MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory."""
NEEDED = 4 * 2**30
"""Bytes that the tests may need there."""


def _is_usable(folder: Path) -> bool:
    """Return whether the tests' files fit into this folder, and programs in it can be run."""
    is_there = os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return is_there and shutil.disk_usage(folder).free >= NEEDED


if _is_usable(IN_MEMORY):  # thousands of journals wait long for a disk, and no file of a test must outlast it
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


def _body(fields: dict[str, Any]) -> bytes:
    """Return JSON in ASCII, which can contain any text, surrogates included."""
    return json.dumps(fields).encode()


class Sandbox:
    """A running sandbox, controlled through its own API."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url = url
        self.environment = server.environment(url)
        self._http = http
        self._mark = 0

    def accounts(self, vendor: str) -> dict[str, dict[str, Any]]:
        """Return the vendor's own records, by id."""
        return {each["id"]: each["record"] for each in self._get(f"/accounts/{vendor}")}

    def only(self, vendor: str) -> dict[str, Any]:
        """Return the record of the vendor's only account."""
        (record,) = self.accounts(vendor).values()
        return record

    def add(self, vendor: str, **fields: Any) -> str:
        """Create an account by hand; return its id."""
        return str(self._http.post(f"/accounts/{vendor}", content=_body(fields)).raise_for_status().json()["id"])

    def change(self, vendor: str, account: str, **fields: Any) -> None:
        """Change an account by hand."""
        self._http.patch(f"/accounts/{vendor}/{account}", content=_body(fields)).raise_for_status()

    def remove(self, vendor: str, account: str) -> None:
        """Delete an account by hand."""
        self._http.delete(f"/accounts/{vendor}/{account}").raise_for_status()

    def switch(self, **options: Any) -> None:
        """Set switches."""
        self._http.patch("/options", json=options).raise_for_status()

    def clear(self) -> None:
        """Delete everything, the log included."""
        self._http.delete("/everything").raise_for_status()
        self._mark = 0

    def expire_tokens(self, vendor: str) -> None:
        """Make all tokens of a vendor invalid."""
        self._http.delete(f"/tokens/{vendor}").raise_for_status()

    def mark(self) -> None:
        """Let `requests` return only the requests from now on."""
        self._mark = max((each["number"] for each in self._get("/log")), default=0)

    def requests(self, vendor: str = "") -> list[dict[str, Any]]:
        """Return the requests since the mark."""
        entries = self._get(f"/log?since={self._mark}")
        return [each for each in entries if vendor in ("", each["vendor"])]

    def calls(self, vendor: str = "") -> list[str]:
        """Return the requests since the mark as text, such as `PUT /api/v3/users`."""
        return [f"{each['method']} {each['path']}" for each in self.requests(vendor)]

    def writes(self, vendor: str = "") -> list[dict[str, Any]]:
        """Return the requests since the mark that may have changed an account."""
        return [each for each in self.requests(vendor) if each["method"] != "GET" and "token" not in each["path"]]

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()


@contextmanager
def running_sandbox(data: Path | None = None) -> Iterator[Sandbox]:
    """Run another sandbox without rate limits during the block, with its accounts in this file or in memory."""
    with server.running(data, Options(limits=False)) as url, httpx.Client(base_url=f"{url}/sandbox") as http:
        yield Sandbox(url, http)


def refusal(declare: Callable[[], Any]) -> str:
    """Return the message that ends a program which declares this."""
    with pytest.raises(pulumi.RunError) as caught:
        declare()
    return str(caught.value)


def executable(path: Path, script: str) -> Path:
    """Write a command, such as a `pulumi` of the test's own; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


@contextmanager
def running_with(
    records: dict[str, list[dict[str, Any]]], folder: Path, options: Options | None = None
) -> Iterator[str]:
    """Run a sandbox with these accounts, by default without limits, during the block; yield its URL."""
    with closing(Store(folder / "accounts.sqlite")) as store:
        server.seed(store, records)
    with server.running(folder / "accounts.sqlite", options or Options(limits=False)) as url:
        yield url


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prefixes = tuple(f"{name.upper()}_" for name in names())
    of_a_run = [f"SEATWISE_{name.upper()}" for name in RunSettings.model_fields]
    for variable in os.environ:
        if variable.startswith(prefixes) or variable in of_a_run:
            monkeypatch.delenv(variable)
    for variable in (*GENERAL_PROXIES, "PYTHONUNBUFFERED"):  # which would hide what a buffer holds back
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SEATWISE_JOURNAL", str(tmp_path / "journal.db"))


@pytest.fixture(autouse=True)
def _dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each change at Nexudus its own date: real dates have seconds, and tests are faster than that."""
    monkeypatch.setattr(nexudus, "_now", date_of_a_change)


@pytest.fixture(autouse=True)
def _fresh_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test know the secrets of another: what is no secret here would be blanked."""
    monkeypatch.setattr(VAULT, "__dict__", vars(Vault()))


class ClosedInTheEnd(sqlite3.Connection):
    """A connection to a database that closes when it is collected: Python 3.13 warns of one that does not."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # it was never opened
            self.close()


@pytest.fixture(autouse=True)
def _closed_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test leave a journal or a sandbox open, as a process does that ends."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=ClosedInTheEnd))


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Sandbox]:
    """The one sandbox of all tests, over real HTTP, without rate limits."""
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox: Sandbox) -> Sandbox:
    """An empty sandbox."""
    _sandbox.clear()
    return _sandbox


@pytest.fixture
def west() -> Iterator[Sandbox]:
    """Another company's sandbox."""
    with running_sandbox() as west:
        yield west


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder as the current one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that points seatwise at the sandbox, without pacing."""
    for variable, value in sandbox.environment.items():
        monkeypatch.setenv(variable, value)
    for name in names():
        monkeypatch.setenv(f"{name.upper()}_REQUESTS_PER_MINUTE", "0")


@pytest.fixture
def a_program_runs() -> Iterator[None]:
    """An event loop, as every program has and outputs need; none of its tasks is left to the next test."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    for task in (tasks := asyncio.all_tasks(loop)):
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Virtual time: a wait ends at once and moves the clock."""
    return "trio", {"clock": MockClock(autojump_threshold=0)}


TRACED = "nexudus"
"""The vendor whose tests the tracer of coverage follows: those of the others run the same code, faster without it."""


def traced(values: Iterable[Any], is_followed: Callable[[Any], bool]) -> list[Any]:
    """Return each value as a parameter; the tracer follows those of which this is true."""
    return [
        pytest.param(each, id=str(each), marks=[] if is_followed(each) else [pytest.mark.no_cover]) for each in values
    ]


def by_vendor(applies: Callable[[type[Vendor]], bool] = lambda vendor: True) -> list[Any]:
    """Return each vendor of which this is true as a parameter."""
    return traced([name for name in names() if applies(vendor_named(name))], lambda name: name == TRACED)


def by_vendor_and(values: Iterable[str], applies: Callable[[type[Vendor], str], bool]) -> list[Any]:
    """Return each vendor with each of these values as two parameters, if this is true of them."""
    return [
        pytest.param(*vendor.values, value, id=f"{vendor.id}-{value}", marks=vendor.marks)
        for value in values
        for vendor in by_vendor()
        if applies(vendor_named(vendor.id), value)
    ]


@pytest.fixture(params=by_vendor())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each vendor in virtual time, with its default behaviour."""
    async with World(request.param) as world:
        yield world
