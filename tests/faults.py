"""Twenty-one faults, each in its variants, what they do to a request, and what must come of the run that meets them.

F1 to F4 are about connections, F5 and F6 about time, F7 to F12 about answers that are none or say "not now",
F13 and F14 about permission, F15 and F16 about what the vendor says is there, F17 and F18 about answers that
are a trap, F19 is a machine that stops, F20 is somebody else's hand, F21 is an answer that says what is not so.
Used by the fault matrix, and by the comparison with providers that know less.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain
from typing import Any, Literal

import anyio
import httpx

from model import Program, Stack
from seatwise.core.vendor.errors import (
    AccountError,
    AccountExists,
    InvalidField,
    NoSuchAccount,
    NotAuthorised,
    RateLimited,
    Refused,
    UnknownOutcome,
    Unreachable,
    VendorBroken,
)
from seatwise.sandbox.server import STAND_INS
from virtual import Fault, World, cannot_connect, killed_after, killed_before, lost_after, passes

VENDORS = ("enerflo", "nexudus", "scim", "tenovos")
WITHOUT_LOGIN = ("enerflo", "scim")
"""Vendors that take a key or a token as it is."""
OPERATIONS = ("create", "look-up", "read", "update", "retire", "token")
READS_TOO = {
    ("read", "enerflo"): ("look-up before read",),
    ("read", "nexudus"): ("look-up before read",),
    ("read", "scim"): ("look-up before read",),
    ("update", "nexudus"): ("read before update",),
    ("update", "enerflo"): ("read after update",),
    ("retire", "nexudus"): ("read before retire",),
}
"""Requests that belong to an operation at one vendor and are another's main request."""
NOT_NEEDED = ("read after update", "look-up before read")
"""Requests whose failure is no failure: what they are for is done, or can be done without them."""
KINDS = {
    "create": "create",
    "look-up": "list",
    "read": "read",
    "update": "update",
    "retire": "update",
    "token": "token",
}
"""The kind of request that each operation is about."""
PLACES = (*OPERATIONS, *dict.fromkeys(chain.from_iterable(READS_TOO.values())))
"""Every request that a fault can happen to: an operation's main one, or one that it also sends."""
FOR_EVER = sys.maxsize
TRIES = 4
"""How often a request may be sent in all."""

Outcome = type[AccountError] | None
"""The one class of every failure of a run; None when nothing fails."""
Outcomes = Mapping[str, Outcome]
"""By place or by vendor; `ELSE` for all others."""
WORKS: Outcome = None
KILLED: Outcome = AccountError
ELSE = ""


# --- one account at one vendor, on its bad day ------------------------------------------------

PEOPLE = ("ana", "ben", "cleo")
HELD_BACK = 30.0
"""Seconds after its create for which a vendor may not show an account."""
STRANGER = "9000"
"""The id of the account that is created by hand."""
UNDECLARED: Mapping[str, dict[str, Any]] = {
    "enerflo": {"can_reassign_leads": False},
    "nexudus": {"IsAdmin": True, "ChatRooms": [5]},
    "scim": {"nickName": "Ani"},
    "tenovos": {"country": "Chile"},
}
"""A value that is set at the admin page, of a field that the program does not declare."""
DECLARED: Mapping[str, dict[str, Any]] = {
    "enerflo": {"last_name": "Roig"},
    "nexudus": {"FullName": "Ana Roig"},
    "scim": {"displayName": "Ana Roig"},
    "tenovos": {"lastName": "Roig"},
}
"""A value that is set at the admin page, of a field that the program declares differently."""
DEACTIVATED: Mapping[str, dict[str, Any]] = {
    "enerflo": {"active": False},
    "nexudus": {"Active": False},
    "scim": {"active": False},
    "tenovos": {"status": "disabled"},
}


@dataclass
class Scene:
    """One run at one vendor whose requests to `place` meet a variant of a fault."""

    world: World
    variant: "Variant"
    place: str
    later: Callable[[float, httpx.Request], object] = lambda seconds, request: None
    """Lets a request arrive so many seconds from now."""
    is_on: bool = False
    """Whether the fault lasts."""
    process: int = 0
    """The process whose requests meet it."""
    begun: float | None = None
    """When the first request of the run left."""
    seen: int = 0
    met: list[float] = field(default_factory=list)
    """When the fault was met."""
    drawn: int = 0
    """Bytes that were taken of the longest answer."""
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The values that were set by hand, by account."""

    def __post_init__(self) -> None:
        wanted = {KINDS[self.place.split()[0]]: self.variant.fault, **self.variant.meanwhile}
        self._faults = {kind: make(self) for kind, make in wanted.items()}

    @property
    def vendor(self) -> str:
        return self.world.name

    @property
    def operation(self) -> str:
        return self.place.split()[-1]

    @property
    def outcome(self) -> Outcome:
        """What must come of the run."""
        keys = (self.place, self.place.split()[0], self.vendor, ELSE)
        found = next(self.variant.outcomes[key] for key in keys if key in self.variant.outcomes)
        return WORKS if self.place in NOT_NEEDED and found is not KILLED else found

    def begin(self) -> None:
        """From now on the fault is met."""
        self.is_on, self.process = True, self.world.process
        self.world.hazard = self._hazard

    def end(self) -> None:
        """From now on nothing is in the way."""
        self.is_on = False

    def _hazard(self, kind: str) -> Fault | None:
        if self.begun is None:
            self.begun = anyio.current_time()
        if not self.is_on or kind not in self._faults:
            return None
        if kind != KINDS[self.place.split()[0]]:
            return self._faults[kind]
        self.seen += 1
        if not self.variant.after < self.seen <= self.variant.after + self.variant.times:
            return None
        self.met.append(anyio.current_time())
        return self._faults[kind]

    # --- what is declared ---------------------------------------------------------------------

    def program(self, *names: str) -> Program:
        """The vendor's example for these people; without a password, whose fingerprint takes its time."""
        return {name: self._example(name) for name in names}

    def changed(self, *names: str) -> Program:
        """The same, with other values."""
        change = {key: value for key, value in self.world.vendor.example_change.items() if key != "password"}
        return {name: {**self._example(name), **change} for name in names}

    @property
    def people(self) -> tuple[str, ...]:
        return PEOPLE[: max(self.variant.people, 2 if self.place == "look-up before read" else 1)]

    def _example(self, name: str) -> dict[str, Any]:
        example = {key: value for key, value in self.world.vendor.example.items() if key != "password"}
        own = {"username": name} if "username" in example else {}
        return {**example, **own, **self.world.named(f"{name}@example.com"), **self.variant.arguments}

    # --- somebody's hand ----------------------------------------------------------------------

    @property
    def account(self) -> str:
        """The id of Ana's account."""
        accounts = self.world.accounts.items()
        return next(account for account, record in accounts if self.world.email(record) == "ana@example.com")

    def make_by_hand(self) -> None:
        """Create an account with Ana's e-mail by hand."""
        self.world.make_by_hand(STRANGER, **{STAND_INS[self.vendor].EMAIL: "ana@example.com"})

    def edit_by_hand(self, fields: Mapping[str, Any]) -> None:
        """Edit Ana's account by hand."""
        self.world.change_by_hand(self.account, fields)

    def delete_by_hand(self) -> None:
        """Delete Ana's account by hand."""
        account = self.account
        self.world.store.remove(self.vendor, account, reserve=False)
        self.world.by_hand.pop(account, None)
        self.edits.pop(account, None)


Maker = Callable[[Scene], Fault]
"""Makes a fault for a scene."""
Before = Literal["", "killed as it was made", "made and forgotten", "made by hand"]
"""A run was killed during its create; the engine forgot a created account; the account was created by hand."""
Remedy = Literal["", "delete by hand", "refresh"]
"""The user deletes the conflicting account, or runs `pulumi refresh`, as the message says."""


@dataclass(frozen=True)
class Variant:
    """One way in which a fault happens, and what must come of it."""

    name: str
    fault: Maker
    outcomes: Outcomes
    times: int = 1
    """How many requests meet it."""
    after: int = 0
    """How many requests of that kind pass before."""
    places: tuple[str, ...] = OPERATIONS
    vendors: tuple[str, ...] = VENDORS
    people: int = 1
    others_first: bool = False
    """Whether all but Ana have their accounts before."""
    before: Before = ""
    """What happened to Ana's account before."""
    meanwhile: Mapping[str, Maker] = field(default_factory=dict)
    """What requests of other kinds meet in the same run."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What is declared besides."""
    remedy: Remedy = ""
    """What the user must do before a plain run can succeed; until then it fails in the same way."""
    checkpoints: bool = True
    unique_emails: bool = False
    tries: int | None = TRIES
    """How often the fault is met at most."""
    waits: float = 0
    """Seconds that nothing may be sent after the fault was met."""

    def __str__(self) -> str:
        return self.name


# --- faults of the connection -----------------------------------------------------------------


def of(fault: Fault) -> Maker:
    """A fault that is the same everywhere."""
    return lambda scene: fault


def breaks(error: type[httpx.TransportError], text: str, *, after: bool = False) -> Maker:
    """The request ends in this error of the client's, instead of being carried out or after that."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if after:
            await inner.handle_async_request(request)
        raise error(text)

    return of(fault)


async def connection_hangs(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The attempt to connect gets no answer."""
    await anyio.sleep(request.extensions["timeout"]["connect"])
    raise httpx.ConnectTimeout("time-out")


async def never_answered(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """It is on its way until the client's patience ends, and gets nowhere."""
    await anyio.sleep(request.extensions["timeout"]["read"])
    raise httpx.ReadTimeout("time-out")


async def never_taken(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The far end does not take the body."""
    await anyio.sleep(request.extensions["timeout"]["write"])
    raise httpx.WriteTimeout("time-out")


def carried_out_late(share: float) -> Maker:
    """The far end takes that share of an operation's deadline, and then carries it out all the same."""

    def make(scene: Scene) -> Fault:
        async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            scene.later(share * scene.world.settings.deadline, request)
            return await never_answered(request, inner)

        return fault

    return make


# --- faults of the answer ---------------------------------------------------------------------

PAGE = b"<html><title>Please log in</title></html>"
HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json"}


def reply(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, after: bool = False) -> Fault:
    """Another answer than the vendor's own, instead of carrying it out or after that."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if after:
            await inner.handle_async_request(request)
        return httpx.Response(status, headers=headers, content=body)

    return fault


def says(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, after: bool = False) -> Maker:
    """As `reply`, everywhere."""
    return of(reply(status, body, headers, after=after))


def seconds(number: int) -> dict[str, str]:
    """`Retry-After` in seconds."""
    return {"retry-after": str(number)}


def date(after: float) -> dict[str, str]:
    """`Retry-After` as a date, so many seconds after the answer's own."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    then = now + timedelta(seconds=after)
    return {"date": format_datetime(now, usegmt=True), "retry-after": format_datetime(then, usegmt=True)}


async def cut_off(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """Half of the vendor's answer."""
    answer = await inner.handle_async_request(request)
    whole = await answer.aread()
    return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=whole[:-2][:40])


class _Chunks(httpx.AsyncByteStream):
    """A body that comes piece by piece: `following` gives one after the other, and b"" at its end."""

    def __init__(self, following: Callable[[], Awaitable[bytes]]) -> None:
        self._following = following

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._following()
        if not chunk:
            raise StopAsyncIteration
        return chunk


async def closed_midway(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The connection ends within the body of the vendor's answer."""
    answer = await inner.handle_async_request(request)
    whole = await answer.aread()

    pieces = [whole[:10]]

    async def following() -> bytes:
        if not pieces:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        return pieces.pop()

    return httpx.Response(answer.status_code, stream=_Chunks(following))


BETWEEN_DRIPS = 10.0  # seconds
CHUNK = bytes(64 * 1024)
HUGE = 100 * 1024 * 1024  # bytes


async def drips(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """It is carried out, and the answer comes byte by byte, an hour long."""
    await inner.handle_async_request(request)
    patience = request.extensions["timeout"]["read"]
    end = anyio.current_time() + 3600

    async def following() -> bytes:
        await anyio.sleep(min(patience, BETWEEN_DRIPS))
        if patience < BETWEEN_DRIPS:
            raise httpx.ReadTimeout("time-out")
        return b" " if anyio.current_time() < end else b""

    return httpx.Response(200, stream=_Chunks(following))


def huge(scene: Scene) -> Fault:
    """It is carried out, and the answer is larger than any account."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        await inner.handle_async_request(request)
        drawn = 0

        async def following() -> bytes:
            nonlocal drawn
            drawn += len(CHUNK)
            scene.drawn = max(scene.drawn, drawn)
            return CHUNK if drawn <= HUGE else b""

        return httpx.Response(200, stream=_Chunks(following))

    return fault


def throttled(headers: Mapping[str, str]) -> Maker:
    """The vendor's own way to say that it is too much."""

    def make(scene: Scene) -> Fault:
        is_conflict = scene.vendor == "nexudus" and "retry-after" in headers
        return reply(409 if is_conflict else 429, headers=headers)

    return make


# --- faults of permission ---------------------------------------------------------------------

UNAUTHORISED = b'{"message": "Unauthorized"}'
FORBIDDEN = b'{"message": "Forbidden"}'


def expired(scene: Scene) -> Fault:
    """The token, the refresh token with it, is void when the request arrives; an API key is refused once."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if scene.place == "token" or scene.vendor in WITHOUT_LOGIN:
            return httpx.Response(401, content=UNAUTHORISED)
        scene.world.store.revoke(scene.vendor)
        return await inner.handle_async_request(request)

    return fault


def each_once(scene: Scene) -> Fault:
    """Every request is refused when it comes for the first time."""
    known = set[tuple[str, str, bytes]]()

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        key = (request.method, str(request.url), request.content)
        if key in known:
            return await inner.handle_async_request(request)
        known.add(key)
        return httpx.Response(401, content=UNAUTHORISED)

    return fault


# --- faults about what is there ---------------------------------------------------------------

NOBODY: Mapping[str, tuple[int, bytes]] = {
    "enerflo": (404, b'{"message": "User not found."}'),
    "nexudus": (404, b'{"Message": "Not found", "Value": null, "WasSuccessful": false}'),
    "scim": (404, b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404"}'),
    "tenovos": (403, b'{"message": "User not found"}'),
}
NOBODY_LISTED: Mapping[str, bytes] = {
    "enerflo": b'{"success": true, "page": 1, "totalPages": 1, "results": []}',
    "nexudus": b'{"Records": [], "HasNextPage": false}',
    "scim": b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0}',
    "tenovos": b'{"status": "success", "data": []}',
}
TAKEN: Mapping[str, bytes] = {
    "enerflo": b'{"message": "Taken.", "errors": {"email": ["The email has already been taken."]}}',
    "nexudus": b'{"Errors": [{"PropertyName": "Email", "Message": "already exists"}], "WasSuccessful": false}',
    "scim": b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "scimType": "uniqueness"}',
    "tenovos": b'{"status": "error", "message": "Bad Request: User already exists"}',
}


def hidden(answer: Fault, scene: Scene) -> Fault:
    """The vendor gives this answer as long as it may not know what it has made."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        is_hidden = anyio.current_time() < (scene.begun or 0) + HELD_BACK
        return await (answer(request, inner) if is_hidden else inner.handle_async_request(request))

    return fault


def not_known(scene: Scene) -> Fault:
    """The vendor does not know the id yet."""
    status, body = NOBODY[scene.vendor]
    return hidden(reply(status, body), scene)


def null(scene: Scene) -> Fault:
    """The vendor does not know the id yet, and answers with nothing."""
    return hidden(reply(200, b"null", JSON), scene)


def not_listed(scene: Scene) -> Fault:
    """The list does not show it yet."""
    return hidden(reply(200, NOBODY_LISTED[scene.vendor], JSON), scene)


def taken(status: int) -> Maker:
    """The vendor says in its own words that there is one already."""
    return lambda scene: reply(status, TAKEN[scene.vendor], JSON)


def elsewhere(status: int, *, after: bool = False) -> Maker:
    """A redirect to another origin."""
    return says(status, headers={"location": "https://elsewhere.example/api/users"}, after=after)


# --- changes by hand --------------------------------------------------------------------------


def by_hand(deed: Callable[[Scene], None], *, answered_first: bool = False) -> Maker:
    """A change by hand just before the request arrives, or just after it was carried out."""

    def make(scene: Scene) -> Fault:
        async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            if not answered_first:
                deed(scene)
            answer = await inner.handle_async_request(request)
            if answered_first:
                deed(scene)
            return answer

        return fault

    return make


def edits_undeclared(scene: Scene) -> None:
    """An edit that must survive whatever seatwise does."""
    scene.edits[scene.account] = dict(UNDECLARED[scene.vendor])
    scene.edit_by_hand(UNDECLARED[scene.vendor])


def edits_declared(scene: Scene) -> None:
    scene.edit_by_hand(DECLARED[scene.vendor])


def deactivates(scene: Scene) -> None:
    scene.edit_by_hand(DEACTIVATED[scene.vendor])


# --- the table --------------------------------------------------------------------------------

ALL_WORK: Outcomes = {ELSE: WORKS}
LOST: Outcomes = {ELSE: WORKS, "create": UnknownOutcome}
LOST_FOR_EVER: Outcomes = {ELSE: Unreachable, "create": UnknownOutcome}
FOUND_AGAIN: Outcomes = {ELSE: Unreachable, "create": WORKS}
UNREADABLE: Outcomes = {ELSE: WORKS, "look-up": VendorBroken, "read": VendorBroken, "token": VendorBroken}
BUSY_FOR_EVER: Outcomes = {ELSE: VendorBroken, "create": UnknownOutcome}
READS = ("read", *chain.from_iterable(READS_TOO.values()))
WRITES = ("update", "retire")


def of_another(scene: Scene) -> Fault:
    """It is carried out, and the answer holds the first account's record."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        path, key = {"enerflo": ("../v3/users", "api-key"), "scim": ("Users", "authorization")}[scene.vendor]
        url = request.url.join(f"{path}/{next(iter(scene.world.accounts))}")
        await inner.handle_async_request(request)
        return await inner.handle_async_request(httpx.Request("GET", url, headers={key: request.headers[key]}))

    return fault


def keeps_another_name(scene: Scene) -> Fault:
    """It is carried out with another name, and the answer holds what was sent."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        scene.world.change_by_hand(list(scene.world.accounts)[-1], DECLARED[scene.vendor])
        return answer

    return fault


LOOKS = ("look-up", "read")

FAULTS: Mapping[str, tuple[Variant, ...]] = {
    "F1": (  # no connection
        Variant("refused three times", of(cannot_connect), ALL_WORK, times=3),
        Variant("no such host", breaks(httpx.ConnectError, "Name or service not known"), {ELSE: Unreachable},
                times=FOR_EVER),
        Variant("connecting hangs", of(connection_hangs), {ELSE: Unreachable}, times=FOR_EVER,
                places=tuple(each for each in OPERATIONS if each != "create")),
    ),
    "F2": (  # a bad certificate
        Variant("of another host", breaks(httpx.ConnectError, "CERTIFICATE_VERIFY_FAILED: Hostname mismatch"),
                {ELSE: Unreachable}, times=FOR_EVER),
    ),
    "F3": (  # reset before it is carried out
        Variant("reset", breaks(httpx.ReadError, "reset"), LOST, places=PLACES),
        Variant("reset in the request", breaks(httpx.WriteError, "broken pipe"), LOST, places=("create",)),
        Variant("closed each time", breaks(httpx.RemoteProtocolError, "disconnected"), LOST_FOR_EVER, times=FOR_EVER),
    ),
    "F4": (  # reset after it was carried out
        Variant("reset", breaks(httpx.ReadError, "reset", after=True), ALL_WORK),
        Variant("each time", breaks(httpx.ReadError, "reset", after=True), FOUND_AGAIN, times=FOR_EVER, places=PLACES),
    ),
    "F5": (  # time-out, carried out late
        Variant("at half of the deadline", carried_out_late(0.5), FOUND_AGAIN, times=FOR_EVER, places=PLACES),
        Variant("at the deadline", carried_out_late(1), LOST),
        Variant("after our own give-up", carried_out_late(2), LOST_FOR_EVER, times=FOR_EVER),
    ),
    "F6": (  # time-out, never carried out
        Variant("once", of(never_answered), LOST),
        Variant("the request is not taken", of(never_taken), LOST, places=("create",)),
        Variant("each time", of(never_answered), LOST_FOR_EVER, times=FOR_EVER, places=PLACES),
    ),
    "F7": (  # half of a body
        Variant("cut off", of(cut_off), UNREADABLE, places=PLACES),
        Variant("closed midway", of(closed_midway), ALL_WORK),
    ),
    "F8": (  # success that says nothing
        Variant("empty", says(200, after=True), UNREADABLE, places=PLACES),
        Variant("no JSON", says(200, b"OK", after=True), UNREADABLE, places=("create", "look-up", "update")),
        Variant("nothing in it", says(200, b"{}", JSON, after=True), UNREADABLE),
        Variant("no token in it", says(200, b'{"hello": 1}', JSON), ALL_WORK, places=("token",)),
        Variant("a page in between", says(200, PAGE, HTML), {ELSE: VendorBroken, "create": UnknownOutcome},
                places=PLACES),
    ),
    "F9": (  # 500 after it was carried out
        Variant("once", says(500, after=True), ALL_WORK),
        Variant("each time", says(500, after=True), {ELSE: VendorBroken, "create": WORKS}, times=FOR_EVER,
                places=PLACES),
    ),
    "F10": (  # busy, not carried out
        Variant("502", says(502, PAGE, HTML), LOST),
        Variant("503", says(503), LOST, places=("create",)),
        Variant("504 that asks to wait", says(504, headers=seconds(5)), LOST, places=("create", "read", "update")),
        Variant("503 that asks to wait", says(503, headers=seconds(20)), ALL_WORK, waits=20),
        Variant("503 each time", says(503), BUSY_FOR_EVER, times=FOR_EVER),
        Variant("503 that asks to wait each time", says(503, headers=seconds(20)), {ELSE: RateLimited}, times=FOR_EVER,
                waits=20),
        Variant("503 that asks for too long", says(503, headers=seconds(600)), {ELSE: RateLimited}, waits=600),
    ),
    "F11": (  # busy until a date
        Variant("in a while", says(503, headers=date(20)), ALL_WORK, waits=20),
        Variant("that is past", says(503, headers=date(-5)), ALL_WORK, places=("create", "look-up")),
        Variant("that is too far", says(503, headers=date(3600)), {ELSE: RateLimited}, waits=3600),
        Variant("that is none", says(503, headers={"retry-after": "soon"}), LOST),
    ),
    "F12": (  # too many requests
        Variant("asks to wait", throttled(seconds(20)), ALL_WORK, waits=20),
        Variant("until a date", throttled(date(20)), ALL_WORK, waits=20, places=("create",)),
        Variant("does not say how long", throttled({"x-ratelimit-reset": "1772366400"}), ALL_WORK, times=3),
        Variant("each time", throttled(seconds(20)), {ELSE: RateLimited}, times=FOR_EVER, waits=20),
        Variant("asks for too long", throttled(seconds(600)), {ELSE: RateLimited}, waits=600),
    ),
    "F13": (  # not logged in
        Variant("expired", expired, {ELSE: WORKS, **dict.fromkeys((*WITHOUT_LOGIN, "token"), NotAuthorised)}),
        Variant("a storm", each_once, {ELSE: WORKS, "token": NotAuthorised},
                times=FOR_EVER, people=3, tries=None, vendors=("nexudus", "tenovos")),
        Variant("revoked", says(401, UNAUTHORISED), {ELSE: NotAuthorised}, times=FOR_EVER, tries=2),
    ),
    "F14": (  # forbidden
        Variant("by the vendor", says(403, FORBIDDEN), {ELSE: NotAuthorised}, times=FOR_EVER, tries=1, places=PLACES),
        Variant("by a page", says(403, PAGE, HTML), {ELSE: NotAuthorised}, times=FOR_EVER, tries=1),
    ),
    "F15": (  # not to be seen for 30 seconds
        Variant("made, not to be read or changed", of(passes), ALL_WORK, places=("create",),
                meanwhile={"read": not_known, "update": not_known}),
        Variant("made, neither read nor listed, the answer lost", of(lost_after), ALL_WORK, places=("create",),
                meanwhile={"read": not_known, "list": not_listed}),
        Variant("of a run that was killed", not_listed, ALL_WORK, places=("look-up",), times=FOR_EVER, tries=None,
                before="killed as it was made"),
        Variant("of a run that is forgotten", not_listed, ALL_WORK, places=("look-up",), times=FOR_EVER, tries=None,
                before="made and forgotten", meanwhile={"read": not_known}),
        Variant("listed, not known by its id", not_known, {ELSE: VendorBroken}, places=READS),
        Variant("listed, null by its id", null, {ELSE: VendorBroken}, places=READS, vendors=("nexudus",)),
        Variant("neither listed nor known by its id", not_known, ALL_WORK, places=("read",), times=FOR_EVER,
                tries=None, meanwhile={"list": not_listed}),
        Variant("not to be changed", not_known, {ELSE: NoSuchAccount}, places=WRITES, times=FOR_EVER),
        Variant("neither listed nor known, and to retire", not_known, {ELSE: NoSuchAccount}, places=("retire",),
                vendors=("enerflo", "scim", "tenovos"), times=FOR_EVER, tries=None,
                meanwhile={"list": not_listed, "read": not_known}),
        Variant("neither listed nor known, and to read and retire", not_known, ALL_WORK,
                places=("read before retire",), times=FOR_EVER, tries=None,
                meanwhile={"list": not_listed, "update": not_known}),
    ),
    "F16": (  # refused as a duplicate
        *(
            Variant(f"with {status}", taken(status), {"create": AccountExists, ELSE: error},
                    places=("create", *WRITES), times=FOR_EVER, tries=1)
            for status, error in ((400, InvalidField), (409, Refused), (422, InvalidField))
        ),
        Variant("with 200", taken(200), {"create": AccountExists}, places=("create",), vendors=("nexudus", "tenovos"),
                times=FOR_EVER, tries=1),
    ),
    "F17": (  # sent elsewhere
        *(
            Variant(f"with {status}", elsewhere(status), {ELSE: VendorBroken, "create": UnknownOutcome}, places=places,
                    times=FOR_EVER, tries=1)
            for status, places in ((301, ("create", *LOOKS)), (302, OPERATIONS), (307, OPERATIONS),
                                   (308, ("create", *WRITES)))
        ),
        Variant("with 303 after it was carried out", elsewhere(303, after=True),
                {ELSE: VendorBroken, "create": WORKS}, times=FOR_EVER, tries=1,
                places=("create", *WRITES, "token")),
    ),
    "F18": (  # an answer without an end
        Variant("that drips", of(drips), LOST_FOR_EVER, times=FOR_EVER),
        Variant("of 100 MB", huge, ALL_WORK),
    ),
    "F19": tuple(  # the machine stops
        Variant(f"{name}, {note}", of(fault), {ELSE: KILLED}, after=after, people=people, checkpoints=checkpoints,
                places=places, times=FOR_EVER)
        for name, fault in (("before it leaves", killed_before), ("after it was carried out", killed_after))
        for note, checkpoints in (("with checkpoints", True), ("without", False))
        for after, people, places in (
            (1, 2, tuple(each for each in PLACES if each not in ("token", *LOOKS, "look-up before read"))),
            (0, 2, (*LOOKS, "look-up before read")),
            (0, 1, ("token",)),
        )
    ),
    "F20": (  # somebody's hand
        Variant("makes one before the create", by_hand(Scene.make_by_hand), {ELSE: AccountExists},
                places=("create", "look-up"), people=2, others_first=True, unique_emails=True,
                remedy="delete by hand"),
        Variant("deletes the one to adopt", by_hand(Scene.delete_by_hand, answered_first=True),
                {"enerflo": WORKS, ELSE: NoSuchAccount},
                places=("look-up",), people=2, others_first=True, before="made by hand",
                arguments={"on_existing": "adopt"}),
        Variant("edits the one to adopt", by_hand(edits_undeclared, answered_first=True), ALL_WORK,
                places=("look-up",), people=2, others_first=True, before="made by hand",
                arguments={"on_existing": "adopt"}),
        Variant("edits what nobody declared", by_hand(edits_undeclared), ALL_WORK, places=READS),
        # Not at Nexudus, whose update is the whole record as it was read: it has no way to say "if it is still so".
        Variant("edits what nobody declared just before the write", by_hand(edits_undeclared), ALL_WORK,
                places=WRITES, vendors=("enerflo", "scim", "tenovos")),
        Variant("edits what is declared", by_hand(edits_declared), ALL_WORK, places=("read",)),
        Variant("edits once it is read", by_hand(edits_undeclared, answered_first=True), ALL_WORK, places=("read",)),
        Variant("deactivates", by_hand(deactivates), ALL_WORK, places=("retire", "read before retire")),
        Variant("deletes", by_hand(Scene.delete_by_hand), ALL_WORK, places=("read", "retire", "read before retire")),
        Variant("deletes before the update", by_hand(Scene.delete_by_hand), {ELSE: NoSuchAccount},
                places=("update", "read before update"), remedy="refresh"),
    ),
    "F21": (  # an answer that says what is not so
        Variant("another account's record", of_another, ALL_WORK, places=("create",), vendors=("enerflo", "scim"),
                people=2, after=1),
        Variant("what was sent, and something else is kept", keeps_another_name, ALL_WORK, places=("create",),
                vendors=("enerflo", "scim"), people=3, times=FOR_EVER, tries=None),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A fault at an operation of a vendor, in all its variants."""

    fault: str
    operation: str
    vendor: str

    def __str__(self) -> str:
        return f"{self.fault}-{self.operation}-{self.vendor}"

    @property
    def places(self) -> tuple[str, ...]:
        """The requests of the operation that the fault can happen to."""
        if self.operation == "token" and self.vendor in WITHOUT_LOGIN:
            return ()
        return (self.operation, *READS_TOO.get((self.operation, self.vendor), ()))

    @property
    def variants(self) -> list[tuple[str, Variant]]:
        """What is to happen, and to which request."""
        return [
            (place, variant)
            for variant in FAULTS[self.fault]
            for place in self.places
            if place in variant.places and self.vendor in variant.vendors
        ]


CELLS = [Cell(fault, operation, vendor) for fault in FAULTS for operation in OPERATIONS for vendor in VENDORS]


# --- the runs ---------------------------------------------------------------------------------


def goal(scene: Scene) -> Program:
    """What is declared in the run that meets the fault, and after it."""
    if scene.operation == "retire":
        return {}
    return (scene.changed if scene.operation == "update" else scene.program)(*scene.people)


async def prepare(scene: Scene, stack: Stack) -> None:
    """How things are when the fault comes."""
    ana, *others = scene.people
    if scene.operation in ("read", "update", "retire"):
        others = [ana, *others]
    elif not scene.variant.others_first:
        others = []
    if others:
        assert await stack.up(scene.program(*others))
    before = scene.variant.before
    if before == "made by hand":
        scene.make_by_hand()
    elif before:
        scene.world.fault("create", *[killed_after] if before == "killed as it was made" else [])
        await stack.up(scene.program(ana))
        stack.state.clear()


async def meet(scene: Scene, stack: Stack) -> None:
    """The run that meets the fault; it is over when everything has arrived that is on its way."""
    async with anyio.create_task_group() as on_its_way:
        scene.later = lambda seconds, request: on_its_way.start_soon(_arrive, scene.world, seconds, request)
        scene.begin()
        await (stack.refresh() if scene.operation == "read" else stack.up(goal(scene)))
        scene.end()


async def _arrive(world: World, seconds: float, request: httpx.Request) -> None:
    await anyio.sleep(seconds)
    await world.arrive(request)


async def mend(scene: Scene, stack: Stack) -> None:
    """Do what the user must do."""
    if scene.variant.remedy == "delete by hand":
        scene.delete_by_hand()
    elif scene.variant.remedy == "refresh":
        assert await stack.refresh()
