"""A tenant over the sandbox inside one event loop in virtual time, whose answers can be lost."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any, Self, TypeVar

import anyio
import httpx
from pydantic import SecretStr

from seatwise.core.account import state
from seatwise.core.account.owner import forms, stack_of
from seatwise.core.account.ports import Held
from seatwise.core.account.properties import AccountState, Declared
from seatwise.core.account.removals import Removals
from seatwise.core.account.resuming import CREATE_IN_FLIGHT_S
from seatwise.core.vendor.errors import AccountError
from seatwise.core.vendor.fields import Field
from seatwise.core.vendor.secrets import Vault
from seatwise.sandbox import server
from seatwise.sandbox.replies import Options
from seatwise.sandbox.store import Store, mailbox
from seatwise.vendors import vendor_named
from seatwise.wire.journal import Aside
from seatwise.wire.settings import RunSettings
from seatwise.wire.tenant import Operation, Tenant

Fault = Callable[[httpx.Request, httpx.AsyncBaseTransport], Awaitable[httpx.Response]]
T = TypeVar("T")
KINDS = ("create", "list", "read", "update", "delete", "token")
"""What a request is for."""


_changes = count(1)


def date_of_a_change() -> str:
    """When the vendor's next change happens. Each has a date of its own, which no real clock gives it."""
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(_changes))).strftime("%Y-%m-%dT%H:%M:%SZ")


class Killed(BaseException):
    """The machine stopped: nothing of this run happens any more."""


@dataclass(frozen=True)
class Sent:
    """A request that left: when (seconds), in which process, what for and where to, and what came back."""

    at: float
    process: int
    kind: str
    url: httpx.URL
    body: Any
    """The decoded JSON."""
    answer: httpx.Response | None
    """None when there was none."""
    arrived: bool
    """False when the vendor certainly never saw it."""


class EngineState:
    """An engine's state, set by the test, by owner."""

    def __init__(self, run: str, vendor: str) -> None:
        self.run = run
        self._vendor = vendor
        self.held: dict[str, Held] = {}
        self.stacks: set[tuple[str, str]] | None = None
        """Projects and names of the stacks that there are; None: all that are asked for."""
        self.selected = ("", "")
        """Project and name of the stack that runs."""
        self.error: AccountError | None = None
        """Why it cannot be read, if so."""

    async def of_owner(self, owner: str) -> Sequence[Held]:
        """The resources of this owner."""
        self._must_be_readable(owner)
        return [each for each in self._resources() if owner in forms(each.owner)]

    async def of_account(self, account: str, owner: str) -> Sequence[Held]:
        """The resources with this account: in the owner's stack, else in the selected one."""
        having = [each for each in self._resources() if account in each.accounts()]
        for stack in (stack_of(owner), self.selected):
            found = [each for each in having if stack_of(each.owner) == stack]
            if found and self.error is None:
                return found
        self._must_be_readable(owner)
        return []

    def _must_be_readable(self, owner: str) -> None:
        if self.error is not None:
            raise self.error
        if self.stacks is not None and stack_of(owner) not in self.stacks:
            raise AccountError("`pulumi stack export` failed: there is no such stack")

    def _resources(self) -> Sequence[Held]:
        """What is held, of the kind that its outputs show."""
        return [
            replace(
                each, owner=owner, kind=each.kind or f"{self._vendor}:{'Roster' if 'ids' in each.outputs else 'User'}"
            )
            for owner, each in self.held.items()
        ]


class World:
    """One vendor's sandbox, one tenant on it (`given` are settings of it), and the faults between them.

    Faults are met by kind of request (`KINDS`) or by method, one each; `hazard`, asked for the others,
    may give one too.
    """

    def __init__(
        self,
        vendor: str,
        run: RunSettings | None = None,
        *,
        unique_emails: bool = True,
        given: Mapping[str, Any] = MappingProxyType({}),
        **quirks: Any,
    ) -> None:
        self.name = vendor
        self.run = run or RunSettings.load()
        self.store = Store(unique_emails=unique_emails)
        self.trail: list[Sent] = []
        self.by_hand: dict[str, dict[str, Any]] = {}
        """Accounts that were created at the vendor's admin page, as they were left there."""
        self.warnings: list[str] = []
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self.hazard: Callable[[str], Fault | None] = lambda kind: None
        self.vendor = vendor_named(vendor)
        app = server.app(self.store, Options(limits=False, quirks=quirks))
        self._inner: httpx.AsyncBaseTransport = httpx.ASGITransport(app)
        environment = server.environment("http://127.0.0.1")
        usual = {
            name.lower().removeprefix(f"{vendor}_"): value
            for name, value in environment.items()
            if name.startswith(vendor.upper())
        }
        self.process = 0
        self._number = 0
        self.ahead = 0.0
        """Seconds that have gone by besides those of the virtual clock."""
        self.settings = self.vendor.settings_type(**{**usual, "requests_per_minute": 0, **given})
        self._begin()

    def _begin(self, *, same_run: bool = False) -> None:
        self.process += 1
        self._number += 0 if same_run else 1
        self.engine_state = EngineState(f"run {self._number}", self.name)
        self.vault = Vault()
        self.removals = Removals(self.run.max_removals)
        seams: tuple[httpx.AsyncBaseTransport, Aside] = _Faulty(self), at_once
        self.door = Tenant(
            self.vendor(self.settings),
            self.vault,
            self.warnings.append,
            self.run,
            self.removals,
            *seams,
            self.engine_state,
        )

    async def restart(self, *, same_run: bool = False) -> None:
        """Go on in a new process, of a new run or the same: nothing is left but what is on disk and at the vendor."""
        await self.door.aclose()
        self._begin(same_run=same_run)

    def time_goes_by(self, seconds: float = CREATE_IN_FLIGHT_S) -> None:
        """Let so much time be over since what the journal remembers: as long as a create may be on its way, by default.

        The journal goes by the machine's clock, which stands still here.
        """
        self.ahead += seconds
        with closing(sqlite3.connect(self.run.journal)) as journal, journal:
            journal.execute("update deeds set at = at - ?", (seconds,))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.door.aclose()
        self.store.close()

    @property
    def is_updated(self) -> bool:
        """Whether an update has left."""
        return "update" in {sent.kind for sent in self.trail}

    def make_by_hand(self, account: str, **fields: Any) -> None:
        """Create an account at the admin page, like one that seatwise created."""
        stand_in = server.STAND_INS[self.name]
        _, pattern = self.store.all(self.name)[0]
        number = type(pattern[stand_in.ID])(account)
        record = {**pattern, **fields, stand_in.ID: number}
        self.store.add(self.name, account, self.email(record), record)
        self.by_hand[account] = record

    def change_by_hand(self, account: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change an account at the admin page; return its new record, with the vendor's own date if it has one."""
        dated = {"UpdatedOn": date_of_a_change()} if self.name == "nexudus" else {}
        record = self.accounts[account] | dict(fields) | dated
        self.store.replace(self.name, account, self.email(record), record)
        return record

    def limit_removals(self, most: int | None) -> Removals:
        """Let this run and the next ones deactivate or delete no more accounts; return this run's count."""
        self.run.max_removals = self.removals.most = most
        return self.removals

    @property
    def tenant(self) -> Operation:
        """The tenant for one operation that begins now."""
        return Operation(self.door)

    def inputs(self, olds: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
        """Checked inputs: the vendor's example, with these values instead."""
        named = self.named(values["email"]) if "email" in values else {}
        news = {**self.vendor.example, **named, **values}
        checked, problems = state.check(self.vendor, olds or {}, news, frozenset(), self.vault)
        assert problems == []
        return checked

    def named(self, email: str) -> dict[str, Any]:
        """The arguments that give an account this e-mail, which is its identity as well."""
        return {"email": email, self.vendor.identity_field: email}

    def fault(self, kind: str, *faults: Fault) -> None:
        """Let the next requests of that kind, or of that method (logins aside), meet these faults, one each."""
        self.faults[kind].extend(faults)

    def next_fault(self, request: httpx.Request) -> Fault | None:
        """What becomes of a request; None when nothing is in its way."""
        kind = kind_of(request)
        for waiting in (self.faults[kind], self.faults[request.method] if kind != "token" else []):
            if waiting:
                return waiting.pop(0)
        return self.hazard(kind)

    @property
    def accounts(self) -> dict[str, dict[str, Any]]:
        """The vendor's own records, by id."""
        return dict(self.store.all(self.name))

    @property
    def calls(self) -> list[str]:
        """Methods of the requests that arrived, logins aside."""
        return [each["method"] for each in self.store.logged() if "token" not in each["path"]]

    def secrets(self) -> list[str]:
        """Every secret there is in this world."""
        example = self.vendor.example
        values = [getattr(self.settings, name) for name in type(self.settings).model_fields]
        credentials = [each.get_secret_value() for each in values if isinstance(each, SecretStr)]
        return credentials + [str(example[name]) for name in example if self.vendor.schema[name].secret]

    def is_retired(self, record: dict[str, Any]) -> bool:
        """Whether an account of the vendor's own table is deactivated."""
        return self.door.vendor.is_deactivated(record)

    def email(self, record: dict[str, Any]) -> str:
        """The e-mail of an account of the vendor's own table, its ASCII letters small."""
        return mailbox(str(record[server.STAND_INS[self.name].EMAIL]))

    def diff(self, outs: dict[str, Any], news: dict[str, Any]) -> bool:
        """Whether the next run would update."""
        before = AccountState.from_outputs(self.vendor.schema, outs)
        return state.diff(self.vendor, before, Declared.of(self.vendor.schema, news), frozenset())

    @property
    def name_field(self) -> Field:
        """The argument that the vendor's example of a change makes "Anna"."""
        change = self.vendor.example_change
        return next(self.vendor.schema[name] for name, value in change.items() if "Anna" in str(value))

    @property
    def active(self) -> dict[str, Any]:
        """The part of a vendor's record that says that an account is active."""
        return {str(self.vendor.schema[name].wire.read): value for name, value in self.vendor.reactivation.items()}

    async def arrive(self, request: httpx.Request) -> httpx.Response:
        """Let a request through."""
        return await self._inner.handle_async_request(request)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """The way to this vendor for another client: it meets the same faults, and is in the trail."""
        return _Faulty(self)


async def at_once(work: Callable[..., T], *arguments: object) -> T:
    """Do it in this moment: virtual time would jump while a thread works."""
    return work(*arguments)


def kind_of(request: httpx.Request) -> str:
    """What a request is for, one of `KINDS`."""
    path = request.url.path
    if path.endswith("/token"):
        return "token"
    if request.method == "GET":
        return "list" if path.lower().endswith("/users") or "/search/" in path else "read"
    return {"POST": "create", "DELETE": "delete"}.get(request.method, "update")


class _Faulty(httpx.AsyncBaseTransport):
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = partial(
            Sent,
            anyio.current_time() + self._world.ahead,
            self._world.process,
            kind_of(request),
            request.url,
            _json(request.content),
        )
        fault = self._world.next_fault(request)
        answer = None
        arrived = True
        try:
            answer = await (self._world.arrive(request) if fault is None else fault(request, self._world._inner))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            arrived = False
            raise
        finally:
            self._world.trail.append(sent(answer, arrived))
        return unread(answer)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


class Wire(httpx.AsyncBaseTransport):
    """A transport to a handler, whose answers come as they would over a wire."""

    def __init__(self, far_end: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._far_end = far_end

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return unread(await self._far_end(request))


def unread(answer: httpx.Response) -> httpx.Response:
    """The same answer with a body that comes in pieces, and may be left before its end."""
    if not isinstance(answer.stream, httpx.ByteStream):
        return answer
    return httpx.Response(answer.status_code, headers=answer.headers, stream=Pieces(b"".join(answer.stream)))


class Pieces(httpx.AsyncByteStream):
    """A body in one piece. No generator, about whose end trio would warn."""

    def __init__(self, body: bytes) -> None:
        self._left = [body]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


# --- faults -----------------------------------------------------------------------------------


def out_of_trouble(world: World) -> None:
    """Let no request meet a fault from now on, but those that `fault` has set."""
    world.hazard = lambda kind: None


async def cannot_connect(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """Nothing is sent."""
    raise httpx.ConnectError("refused")


async def lost_before(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The vendor never sees it, and we cannot know."""
    raise httpx.ReadError("reset")


async def lost_after(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The vendor carries it out; the answer is lost."""
    await inner.handle_async_request(request)
    raise httpx.ReadTimeout("time-out")


async def killed_before(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The machine stops as the request is about to leave."""
    raise Killed


async def killed_after(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The vendor carries it out; the machine stops before the answer is there."""
    await inner.handle_async_request(request)
    raise Killed


async def passes(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The vendor's own answer."""
    return await inner.handle_async_request(request)


def answered(status: int, body: bytes = b"", *, carried_out: bool, **headers: str) -> Fault:
    """Another answer than the vendor's own, after or instead of carrying it out."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if carried_out:
            await inner.handle_async_request(request)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, headers=given, content=body)

    return fault
