"""What a tenant sends, repeats, waits for and keeps to itself, in virtual time."""

import gzip
import json
import time
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import parse_qs

import anyio
import httpx
import pytest

from seatwise.core.account.refusals import refused
from seatwise.core.account.removals import Removals
from seatwise.core.vendor.errors import AccountError, NotAuthorised, RateLimited, Unreachable, VendorBroken
from seatwise.core.vendor.http import Answer, Effect, Request
from seatwise.core.vendor.secrets import Vault
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos
from seatwise.wire.body import LARGEST_ANSWER
from seatwise.wire.pacing import SLACK
from seatwise.wire.settings import RunSettings
from seatwise.wire.tenant import Operation, Tenant
from virtual import Pieces, Wire

pytestmark = pytest.mark.anyio
Handler = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]

KEY, PASSWORD, CLIENT = "k3y-of-the-tenant", "p4ssword-of-the-tenant", "client-of-the-tenant"
CONFIG: Final[dict[type[Vendor], dict[str, str]]] = {
    Enerflo: {"apiKey": KEY},
    Nexudus: {"username": "ana", "password": PASSWORD},
    Tenovos: {"apiKey": KEY, "username": "ana", "password": PASSWORD, "clientId": CLIENT},
}
READ = Request("GET", "/things/7")
CHANGE = Request("PUT", "/things", Effect.REPEATABLE, json={"id": 7})
CREATE = Request("POST", "/things", Effect.CREATE, json={"email": "ana@example.com"})
HANGS = "hangs"
"""A scripted answer that never comes."""


def tenant_of(vendor: type[Vendor], far_end: Handler, **config: str | None) -> Tenant:
    """A tenant whose requests arrive at `far_end`, without pacing unless the configuration says so."""
    given = {"baseUrl": "https://api.example/base", "requestsPerMinute": "0"} | CONFIG[vendor] | config
    settings = vendor.settings_type.load({f"{vendor.name}:{name}": value for name, value in given.items()}.get)
    return Tenant(vendor(settings), Vault(), print, RunSettings.load(), Removals(), Wire(far_end))


Scripted = int | tuple[int, dict[str, str]] | type[Exception] | str | httpx.Response


class Script:
    """A far end that answers as it is told, then with 200, and notes what came and when."""

    def __init__(self, *answers: Scripted) -> None:
        self._answers = iter(answers)
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(anyio.current_time())
        answer = next(self._answers, 200)
        if isinstance(answer, type):
            raise answer("scripted")
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, str):
            await anyio.sleep_forever()
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return httpx.Response(int(status), headers=headers, json={})


async def test_a_request_asks_for_json_below_the_base_url_with_the_credentials_in_a_header() -> None:
    far_end = Script()
    answer = await tenant_of(Enerflo, far_end).send(Request("GET", "/users/a%2Fb", query={"page": 2}))
    (request,) = far_end.requests
    assert answer.ok
    assert str(request.url) == "https://api.example/base/users/a%2Fb?page=2"
    assert (request.headers["accept"], request.headers["api-key"]) == ("application/json", KEY)


# --- repeating --------------------------------------------------------------------------------

THROTTLED = (429, {"retry-after": "1"})
LOST: Final = [httpx.ReadError, httpx.WriteError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.RemoteProtocolError]
NOT_SENT: Final = [httpx.ConnectError, httpx.ConnectTimeout]
BROKEN: Final = [500, 502, 503, 504]


def named(failures: list[Any]) -> list[Any]:
    """Failures as parameters with readable ids."""
    parameters = []
    for failure in failures:
        status, headers = failure if isinstance(failure, tuple) else (failure, {})
        name = status.__name__ if isinstance(status, type) else str(status)
        parameters.append(pytest.param(failure, id="-".join([name, *headers])))
    return parameters


@pytest.mark.parametrize("request_", [pytest.param(READ, id="GET"), pytest.param(CHANGE, id="PUT")])
@pytest.mark.parametrize("failure", named([*LOST, *NOT_SENT, *BROKEN, 429, THROTTLED, (503, {"retry-after": "1"})]))
class TestARepeatableRequest:
    async def test_outlives_three_failures(self, failure: Scripted, request_: Request) -> None:
        far_end = Script(failure, failure, failure)
        assert (await tenant_of(Enerflo, far_end).send(request_)).ok
        assert len({request.read() for request in far_end.requests}) == 1
        assert len(far_end.requests) == 4

    async def test_is_given_up_after_the_fourth(self, failure: Scripted, request_: Request) -> None:
        far_end = Script(*[failure] * 5)
        tenant = tenant_of(Enerflo, far_end)
        if isinstance(failure, type):
            with pytest.raises(Unreachable, match=r"Check that https://api\.example/base can be reached from here$"):
                await tenant.send(request_)
        else:
            status = failure[0] if isinstance(failure, tuple) else failure
            assert (await tenant.send(request_)).status == status
        assert len(far_end.requests) == 4


@pytest.mark.parametrize("failure", named([*LOST, HANGS, httpx.DecodingError]))
async def test_a_create_whose_answer_is_lost_is_never_sent_again(failure: Scripted) -> None:
    far_end = Script(failure)
    with pytest.raises(Unreachable) as caught:
        await tenant_of(Enerflo, far_end).send(CREATE)
    assert caught.value.maybe_sent
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("failure", named([*BROKEN, (500, {"retry-after": "1"}), (502, {"retry-after": "3600"})]))
async def test_a_create_that_broke_at_the_vendor_is_never_sent_again(failure: Scripted) -> None:
    """The answer is handed on, whatever it asks for: the account may be there, and someone has to look."""
    far_end = Script(failure)
    answer = await tenant_of(Enerflo, far_end).send(CREATE)
    assert answer.status == (failure[0] if isinstance(failure, tuple) else failure)
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("failure", named([*NOT_SENT, 429, THROTTLED, (503, {"retry-after": "1"})]))
async def test_a_create_that_was_not_processed_is_sent_again(failure: Scripted) -> None:
    far_end = Script(failure, failure, failure)
    assert (await tenant_of(Enerflo, far_end).send(CREATE)).ok
    assert len(far_end.requests) == 4


async def test_a_create_that_never_left_is_known_not_to_be_there() -> None:
    with pytest.raises(Unreachable) as caught:
        await tenant_of(Enerflo, Script(*[httpx.ConnectError] * 4)).send(CREATE)
    assert not caught.value.maybe_sent


@pytest.mark.parametrize(
    ("vendor", "answer", "times"),
    [
        pytest.param(Nexudus, (409, {"retry-after": "2"}), 2, id="nexudus-throttles"),
        pytest.param(Nexudus, 409, 1, id="nexudus-conflict"),
        pytest.param(Enerflo, (409, {"retry-after": "2"}), 1, id="elsewhere-a-conflict"),
    ],
)
async def test_a_409_with_retry_after_is_a_throttle_at_nexudus_only(
    vendor: type[Vendor], answer: Scripted, times: int
) -> None:
    far_end = Script(answer)
    config = {"token": KEY} if vendor is Nexudus else {}
    await tenant_of(vendor, far_end, **config).send(CREATE)
    assert len(far_end.requests) == times


UNREADABLE = ["", "soon", "in 5 seconds", "-1"]


@pytest.mark.parametrize("asked", UNREADABLE)
@pytest.mark.parametrize(
    ("vendor", "status"), [pytest.param(Enerflo, 503, id="503"), pytest.param(Nexudus, 409, id="nexudus-409")]
)
async def test_a_retry_after_that_cannot_be_read_says_nothing(vendor: type[Vendor], status: int, asked: str) -> None:
    """The create may have been carried out, or is refused for good: it is not sent again."""
    far_end = Script((status, {"retry-after": asked}))
    config = {"token": KEY} if vendor is Nexudus else {}
    tenant = tenant_of(vendor, far_end, **config)
    answer = await tenant.send(CREATE)
    assert (answer.status, len(far_end.requests)) == (status, 1)
    assert refused(tenant, answer, "create", "ana@example.com").maybe_sent is (status == 503)


async def test_the_largest_of_several_waits_counts() -> None:
    several = httpx.Response(503, headers=[("retry-after", "1.5"), ("retry-after", "30"), ("retry-after", "soon")])
    far_end = Script(several)
    await tenant_of(Enerflo, far_end).send(CREATE)
    assert 30 <= far_end.times[1] - far_end.times[0] <= 33


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
async def test_an_answer_that_will_not_change_is_not_asked_for_again(status: int) -> None:
    far_end = Script(status)
    assert (await tenant_of(Enerflo, far_end).send(READ)).status == status
    assert len(far_end.requests) == 1


# --- waiting and the deadline -----------------------------------------------------------------


@pytest.mark.parametrize("request_", [pytest.param(READ, id="GET"), pytest.param(CREATE, id="POST")])
async def test_a_retry_after_is_waited_for_and_little_more(request_: Request) -> None:
    far_end = Script((429, {"retry-after": "30"}), (429, {"retry-after": "20"}))
    await tenant_of(Enerflo, far_end).send(request_)
    first, second, third = far_end.times
    assert 30 <= second - first <= 33
    assert 20 <= third - second <= 22


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("request_", [pytest.param(READ, id="GET"), pytest.param(CREATE, id="POST")])
async def test_a_retry_after_beyond_the_deadline_fails_at_once_and_names_the_wait(
    status: int, request_: Request
) -> None:
    far_end = Script((status, {"retry-after": "3600"}))
    start = anyio.current_time()
    with pytest.raises(RateLimited, match="3600 seconds"):
        await tenant_of(Enerflo, far_end).send(request_)
    assert anyio.current_time() == start
    assert len(far_end.requests) == 1


class Endless(httpx.AsyncByteStream):
    """A body that begins and never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep_forever()


@pytest.mark.parametrize(
    "answer", [pytest.param(HANGS, id="no-answer"), pytest.param(httpx.Response(200, stream=Endless()), id="no-end")]
)
async def test_the_deadline_holds_when_the_vendor_hangs(answer: Scripted) -> None:
    start = anyio.current_time()
    with pytest.raises(Unreachable, match="no answer within 45 seconds"):
        await tenant_of(Enerflo, Script(answer), deadline="45").send(READ)
    assert anyio.current_time() - start == pytest.approx(45)


async def test_the_deadline_is_two_minutes_unless_told() -> None:
    start = anyio.current_time()
    with pytest.raises(Unreachable):
        await tenant_of(Enerflo, Script(HANGS)).send(READ)
    assert anyio.current_time() - start == pytest.approx(120)


async def test_the_deadline_counts_from_the_first_try() -> None:
    far_end = Script((503, {"retry-after": "40"}), HANGS)
    start = anyio.current_time()
    with pytest.raises(Unreachable):
        await tenant_of(Enerflo, far_end, deadline="60").send(READ)
    assert len(far_end.requests) == 2
    assert anyio.current_time() - start == pytest.approx(60)


async def test_a_turn_that_would_come_after_the_deadline_fails_as_soon_as_that_is_clear() -> None:
    far_end = Script()
    tenant = tenant_of(Enerflo, far_end, requestsPerMinute="1", deadline="45")
    await tenant.send(READ)
    start = anyio.current_time()
    with pytest.raises(RateLimited, match=r"no turn within 45 seconds.*ENERFLO_DEADLINE"):
        await tenant.send(READ)
    assert anyio.current_time() == start
    assert len(far_end.requests) == 1


async def test_the_deadline_holds_for_who_queues_behind_another() -> None:
    far_end = Script()
    tenant = tenant_of(Enerflo, far_end, requestsPerMinute="1", deadline="90")
    await tenant.send(READ)
    start = anyio.current_time()
    ended: list[float] = []

    async def call() -> None:
        with suppress(RateLimited):
            await tenant.send(READ)
        ended.append(anyio.current_time() - start)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
    assert len(far_end.requests) == 2
    assert max(ended) <= 90


async def test_the_pace_counts_repetitions_too() -> None:
    far_end = Script(500, 500)
    tenant = tenant_of(Enerflo, far_end, requestsPerMinute="2")
    await tenant.send(READ)
    assert far_end.times[2] - far_end.times[0] >= 60


async def test_reads_do_not_count_as_writes_and_creates_and_changes_do() -> None:
    """Nexudus allows 60 writes a minute and one request in 100 ms."""
    far_end = Script()
    tenant = tenant_of(Nexudus, far_end, token=KEY, requestsPerMinute=None)
    for request in [CREATE, CHANGE] * 30 + [READ] * 10 + [CHANGE]:
        await tenant.send(request)
    last_write, last_read = far_end.times[-1] - far_end.times[0], far_end.times[-2] - far_end.times[0]
    assert last_read == pytest.approx(6.9 * SLACK)
    assert last_write == pytest.approx(60 * SLACK)


async def test_a_vendor_that_is_down_costs_few_retries_and_one_that_stumbles_gets_all() -> None:
    """Of a thousand requests: 500 tokens at 14 each are 35 retries; one failure in ten is repaid by what it earns."""
    down = Script(*[500] * 3000)
    tenant = tenant_of(Enerflo, down)
    for _ in range(1000):
        assert (await tenant.send(READ)).status == 500
    assert len(down.requests) == 1035

    stumbling = Script(*[500, *[200] * 9] * 1000)
    tenant = tenant_of(Enerflo, stumbling)
    for _ in range(1000):
        assert (await tenant.send(READ)).ok
    assert len(stumbling.requests) <= 1120


async def test_a_retry_that_is_turned_away_costs_less() -> None:
    far_end = Script(*[(429, {"retry-after": "1"})] * 3000)
    tenant = tenant_of(Enerflo, far_end)
    for _ in range(200):
        await tenant.send(READ)
    assert len(far_end.requests) == 300


async def test_one_operation_has_one_deadline_for_all_its_requests_and_waits() -> None:
    far_end = Script(*[(429, {"retry-after": "25"})] * 2, HANGS)
    operation = Operation(tenant_of(Enerflo, far_end, deadline="60"))
    start = anyio.current_time()
    await operation.sleep(20)
    with pytest.raises(RateLimited, match="asks to wait 25 seconds"):
        await operation.send(READ)
    await operation.sleep(1000)
    with pytest.raises(Unreachable, match=r"60 seconds are over\. .* raise ENERFLO_DEADLINE") as caught:
        await operation.send(CREATE)
    assert caught.value.maybe_sent is False
    assert anyio.current_time() - start == pytest.approx(60)
    assert len(far_end.requests) == 2


@pytest.mark.parametrize(("resend", "sent"), [("true", 2), ("false", 1)])
@pytest.mark.parametrize("failure", [429, (503, {"retry-after": "1"})])
async def test_a_create_that_was_turned_away_is_sent_again_unless_switched_off(
    failure: Scripted, resend: str, sent: int
) -> None:
    far_end = Script(failure)
    await tenant_of(Enerflo, far_end, resendCreates=resend).send(CREATE)
    assert len(far_end.requests) == sent


async def test_the_deadline_holds_when_the_login_hangs() -> None:
    start = anyio.current_time()
    with pytest.raises(Unreachable, match="no answer within 45 seconds"):
        await tenant_of(Nexudus, Script(HANGS), deadline="45").send(READ)
    assert anyio.current_time() - start == pytest.approx(45)


async def test_the_deadline_holds_while_another_call_waits_for_the_token() -> None:
    """Here a call that started later is the one that renews the token, and hangs."""
    logins = 0

    async def far_end(request: httpx.Request) -> httpx.Response:
        nonlocal logins
        if request.url.path.endswith("/token"):
            logins += 1
            if logins > 1:
                await anyio.sleep_forever()
            return httpx.Response(200, json={"access_token": "a", "expires_in": 3600, "refresh_token": "r"})
        await anyio.sleep(0 if request.url.path.endswith("quick") else 40)
        return httpx.Response(401)

    tenant = tenant_of(Nexudus, far_end, deadline="45")
    ended: dict[str, float] = {}

    async def call(name: str) -> None:
        started = anyio.current_time()
        with pytest.raises(AccountError):
            await tenant.send(Request("GET", f"/{name}"))
        ended[name] = anyio.current_time() - started

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, "slow")
        await anyio.sleep(30)
        tasks.start_soon(call, "quick")
    assert ended == {"slow": pytest.approx(45), "quick": pytest.approx(45)}


async def test_one_that_is_turned_away_holds_all_until_the_time_is_over() -> None:
    far_end = Script((429, {"Retry-After": "30"}))
    tenant = tenant_of(Enerflo, far_end)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tenant.send, READ)
        await anyio.sleep(1)
        for _ in range(3):
            tasks.start_soon(tenant.send, READ)
    first, *others = far_end.times
    assert len(others) == 4
    assert all(30 <= time - first <= 33 for time in others)


async def test_a_hold_beyond_the_deadline_fails_the_next_request_at_once() -> None:
    far_end = Script((429, {"Retry-After": "3600"}))
    tenant = tenant_of(Enerflo, far_end)
    for _ in range(2):
        started = anyio.current_time()
        with pytest.raises(RateLimited):
            await tenant.send(READ)
        assert anyio.current_time() == started
    assert len(far_end.requests) == 1


# --- what is not followed and not believed ----------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["https://evil.example/", "http://api.example/", "//evil.example", "/elsewhere"])
async def test_a_redirect_is_an_answer_and_never_followed(status: int, place: str) -> None:
    far_end = Script((status, {"location": place}))
    assert (await tenant_of(Enerflo, far_end).send(READ)).status == status
    assert [request.url.path for request in far_end.requests] == ["/base/things/7"]


def encoded(body: bytes, encoding: str, status: int = 200) -> httpx.Response:
    """An answer with these bytes on the wire."""
    return httpx.Response(status, headers={"content-encoding": encoding}, stream=Pieces(body))


def bomb(layers: int) -> bytes:
    """A gibibyte of nothing in some kilobytes, each layer packed once more."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(1024)) + packer.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed, mtime=0)
    return packed


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(lambda: httpx.Response(200, content=bytes(LARGEST_ANSWER + 1)), "larger than 10 MiB", id="plain"),
        pytest.param(
            lambda: encoded(gzip.compress(bytes(LARGEST_ANSWER + 1)), "gzip"), "larger than 10 MiB", id="zipped"
        ),
        pytest.param(lambda: encoded(bomb(1), "gzip"), "larger than 10 MiB", id="a-bomb"),
        pytest.param(lambda: encoded(bomb(2), "gzip, gzip"), "in an encoding that", id="a-bomb-in-a-bomb"),
        pytest.param(lambda: encoded(gzip.compress(b"{}"), "gzip, identity, gzip"), "in an encoding that", id="twice"),
        pytest.param(lambda: encoded(b"{}", "br"), "in an encoding that", id="another-encoding"),
        pytest.param(lambda: encoded(b"{}", "gzip"), "unreadable as gzip", id="not-packed"),
        pytest.param(lambda: encoded(gzip.compress(b"{}")[:-1], "gzip"), "cut off", id="cut-off"),
    ],
)
async def test_a_body_that_cannot_be_read_within_bounds_is_a_lost_answer(
    answer: Callable[[], httpx.Response], why: str
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Unreachable, match=rf"the answer was lost: its body is {why}") as caught:
            await tenant_of(Enerflo, Script(answer())).send(CREATE)
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST_ANSWER
    finally:
        tracemalloc.stop()
    assert caught.value.maybe_sent


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: encoded(b'{"a": 1}', ""), id="not-packed"),
        pytest.param(lambda: encoded(b'{"a": 1}', "identity"), id="identity"),
        pytest.param(lambda: encoded(gzip.compress(b'{"a": 1}'), "gzip"), id="gzip"),
        pytest.param(lambda: encoded(gzip.compress(b'{"a": 1}'), "GZIP, identity"), id="gzip-and-identity"),
        pytest.param(lambda: encoded(gzip.compress(b'{"a": 1}'), "x-gzip"), id="x-gzip"),
        pytest.param(lambda: encoded(zlib.compress(b'{"a": 1}'), "deflate"), id="deflate"),
    ],
)
async def test_one_layer_of_packing_is_taken_off(answer: Callable[[], httpx.Response]) -> None:
    far_end = Script(answer())
    assert (await tenant_of(Enerflo, far_end).send(READ)).json == {"a": 1}
    assert far_end.requests[0].headers["accept-encoding"] == "gzip"


async def test_an_empty_body_needs_no_unpacking() -> None:
    assert (await tenant_of(Enerflo, Script(encoded(b"", "gzip"))).send(READ)).body == b""


async def test_an_answer_of_ten_mebibytes_is_taken() -> None:
    answer = await tenant_of(Enerflo, Script(httpx.Response(200, content=bytes(LARGEST_ANSWER)))).send(READ)
    assert len(answer.body) == 10 * 1024 * 1024


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_no_proxy_of_the_environment_gets_a_request(
    variable: str, monkeypatch: pytest.MonkeyPatch, settings: None, anyio_backend: str
) -> None:
    """Over real HTTP: nobody listens where the variable points."""
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    tenant = Tenant(Enerflo(Enerflo.settings_type.load()), Vault(), print, RunSettings.load(), Removals())
    try:
        assert (await tenant.send(Request("GET", "/api/v3/users"))).ok
    finally:
        await tenant.aclose()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_names_the_settings_of_the_credentials(status: int) -> None:
    tenant = tenant_of(Enerflo, Script(status))
    refusal = refused(tenant, await tenant.send(READ), "read", "ana@example.com")
    assert str(refusal).endswith("Check enerflo:apiKey of Pulumi's config, and what it is allowed to do")


# --- login ------------------------------------------------------------------------------------


class NexudusDoor:
    """A Nexudus whose only feature is its login: a refresh token works once."""

    def __init__(self, *, lifetime: int = 604799, login_takes: float = 0) -> None:
        self.lifetime = lifetime
        self.login_takes = login_takes
        self.grants: list[str] = []
        self.answers: list[int] = []
        self.bodies: list[bytes] = []
        self._access = ""
        self._refresh = ""

    def void_access(self) -> None:
        """Make the access token void."""
        self._access = ""

    def void_refresh(self) -> None:
        """Make the refresh token void."""
        self._refresh = ""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/api/token"):
            return await self._login(parse_qs(request.read().decode()))
        await anyio.sleep(0.1)
        good = self._access and request.headers["authorization"] == f"Bearer {self._access}"
        self.answers.append(200 if good else 401)
        self.bodies.append(request.read())
        return httpx.Response(self.answers[-1], json={})

    async def _login(self, form: dict[str, list[str]]) -> httpx.Response:
        used = form.get("refresh_token", form["grant_type"])[0]
        self.grants.append(used)
        await anyio.sleep(self.login_takes)
        if used not in ("password", self._refresh):
            return httpx.Response(400, json={"error": "invalid_grant"})
        number = len(self.grants)
        self._access, self._refresh = f"access-{number}", f"refresh-{number}"
        body = {"access_token": self._access, "expires_in": self.lifetime, "refresh_token": self._refresh}
        return httpx.Response(200, json=body)


async def at_once(tenant: Tenant, number: int) -> list[int]:
    """The statuses of so many calls that all start now."""
    statuses = []

    async def call() -> None:
        statuses.append((await tenant.send(READ)).status)

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(call)
    return statuses


@pytest.mark.parametrize("calls", [4, 32])
async def test_calls_at_the_same_time_share_one_login(calls: int) -> None:
    door = NexudusDoor(login_takes=3.7)
    assert await at_once(tenant_of(Nexudus, door), calls) == [200] * calls
    assert door.grants == ["password"]
    assert door.answers == [200] * calls


@pytest.mark.parametrize("calls", [1, 4, 32])
async def test_a_void_token_is_renewed_once_and_each_call_replayed_once(calls: int) -> None:
    door = NexudusDoor(login_takes=3.7)
    tenant = tenant_of(Nexudus, door)
    await tenant.send(READ)
    door.void_access()
    door.answers.clear()
    assert await at_once(tenant, calls) == [200] * calls
    assert door.grants == ["password", "refresh-1"]
    assert sorted(door.answers) == [200] * calls + [401] * calls


async def test_a_create_is_replayed_with_the_same_body_after_a_401() -> None:
    """It was turned away before it was processed."""
    door = NexudusDoor()
    tenant = tenant_of(Nexudus, door)
    await tenant.send(READ)
    door.void_access()
    assert (await tenant.send(CREATE)).ok
    assert [json.loads(body) for body in door.bodies[1:]] == [CREATE.json, CREATE.json]


async def test_a_401_after_the_renewal_is_final() -> None:
    far_end = Script(
        httpx.Response(200, json={"access_token": "a", "refresh_token": "r"}), 401,
        httpx.Response(200, json={"access_token": "b", "refresh_token": "s"}), 401,
    )  # fmt: skip
    assert (await tenant_of(Nexudus, far_end).send(READ)).status == 401
    assert [request.url.path.removeprefix("/base") for request in far_end.requests] == [
        "/api/token", "/things/7", "/api/token", "/things/7",
    ]  # fmt: skip


async def test_tokens_that_are_refused_at_once_are_not_asked_for_again_and_again() -> None:
    """Twenty accounts behind a vendor that takes no token at all cost two logins."""
    door = NexudusDoor()
    door.void_access()
    tenant = tenant_of(Nexudus, door)

    async def takes_no_token(request: httpx.Request) -> httpx.Response:
        answer = await door(request)
        return answer if request.url.path.endswith("/token") else httpx.Response(401)

    tenant = tenant_of(Nexudus, takes_no_token)
    for _ in range(20):
        assert (await tenant.send(READ)).status == 401
    assert door.grants == ["password", "refresh-1"]


async def test_a_renewal_without_a_refresh_token_leaves_the_old_one_good() -> None:
    """RFC 6749, section 6. AWS Cognito, behind Tenovos, does so."""
    grants: list[str] = []

    async def far_end(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/token"):
            return httpx.Response(401 if len(grants) < 3 else 200, json={})
        form = parse_qs(request.read().decode())
        grants.append(form.get("refresh_token", form["grant_type"])[0])
        rest = {"refresh_token": "r"} if len(grants) == 1 else {}
        return httpx.Response(200, json={"access_token": str(len(grants)), "expires_in": 100, **rest})

    tenant = tenant_of(Nexudus, far_end)
    for _ in range(3):
        await tenant.send(READ)
        await anyio.sleep(90)
    assert grants == ["password", "r", "r", "r"]


@pytest.mark.parametrize("expires_in", [0, -1])
async def test_a_token_that_is_said_to_be_over_at_once_is_used_until_it_is_refused(expires_in: int) -> None:
    grants: list[str] = []

    async def far_end(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            grants.append("login")
            return httpx.Response(200, json={"access_token": "a", "expires_in": expires_in})
        return httpx.Response(200, json={})

    tenant = tenant_of(Nexudus, far_end)
    for _ in range(3):
        assert (await tenant.send(READ)).ok
    assert grants == ["login"]


async def test_every_refresh_token_is_used_once() -> None:
    """A renewal brings the next refresh token with it."""
    door = NexudusDoor()
    tenant = tenant_of(Nexudus, door)
    for _ in range(3):
        assert (await tenant.send(READ)).ok
        door.void_access()
    assert door.grants == ["password", "refresh-1", "refresh-2"]


async def test_a_revoked_refresh_token_leads_to_one_fresh_login() -> None:
    door = NexudusDoor()
    tenant = tenant_of(Nexudus, door)
    await tenant.send(READ)
    door.void_access()
    door.void_refresh()
    assert await at_once(tenant, 4) == [200] * 4
    assert door.grants == ["password", "refresh-1", "password"]


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(604799, 604739), (3600, 3540), (100, 80)])
async def test_a_token_is_renewed_a_minute_or_a_fifth_of_its_life_before_it_expires(
    lifetime: int, renewed_after: int
) -> None:
    door = NexudusDoor(lifetime=lifetime)
    tenant = tenant_of(Nexudus, door)
    await tenant.send(READ)
    await anyio.sleep(renewed_after - 1)
    await tenant.send(READ)
    assert door.grants == ["password"]
    await anyio.sleep(1)
    await at_once(tenant, 4)
    assert door.grants == ["password", "refresh-1"]
    assert 401 not in door.answers


def tenovos_session(lifetime: float) -> httpx.Response:
    """Tenovos' answer to a login."""
    session = {
        "authorization": "identity",
        "accessToken": "access",
        "refreshToken": "refresh",
        "expireEpoch": int((time.time() + lifetime) * 1000),
    }
    return httpx.Response(200, json={"session": session})


async def test_a_token_that_names_the_moment_of_its_end_is_renewed_before_it() -> None:
    far_end = Script(tenovos_session(3600), 200, 200, tenovos_session(7200), 200)
    tenant = tenant_of(Tenovos, far_end)
    for seconds in (0, 3530, 20):
        await anyio.sleep(seconds)
        await tenant.send(READ)
    methods = [request.method for request in far_end.requests]
    assert methods == ["POST", "GET", "GET", "POST", "GET"]


@pytest.mark.parametrize(
    ("vendor", "config"),
    [pytest.param(Enerflo, {}, id="enerflo-key"), pytest.param(Nexudus, {"token": KEY}, id="nexudus-token")],
)
async def test_a_refused_static_key_is_not_tried_again(vendor: type[Vendor], config: dict[str, str]) -> None:
    far_end = Script(401)
    assert (await tenant_of(vendor, far_end, **config).send(READ)).status == 401
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("vendor", [pytest.param(Nexudus, id="nexudus"), pytest.param(Tenovos, id="tenovos")])
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_login_is_not_authorised_and_not_tried_again(vendor: type[Vendor], status: int) -> None:
    """Every try with a bad password brings the account nearer to being locked."""
    far_end = Script(httpx.Response(status, json={"message": f"{PASSWORD} is wrong"}))
    with pytest.raises(NotAuthorised, match=r"the login is refused\. Check .*:password of Pulumi's config") as caught:
        await tenant_of(vendor, far_end).send(READ)
    assert PASSWORD not in f"{caught.value} {caught.value!r}"
    assert len(far_end.requests) == 1


NO_TEXTS = [7, True, None, {"a": "b"}, ["t"], "", " ", "two\nlines", "tok\u00e9n", "\ud83d"]


@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
@pytest.mark.parametrize(
    ("vendor", "key"), [(Nexudus, "access_token"), (Tenovos, "authorization"), (Tenovos, "accessToken")]
)
async def test_a_token_that_is_no_text_is_a_failed_login(vendor: type[Vendor], key: str, value: Any) -> None:
    granted = {"access_token": "a", "session": {"authorization": "i", "accessToken": "a", "refreshToken": "r"}}
    (granted if key in granted else cast(dict[str, Any], granted["session"]))[key] = value
    far_end = Script(*[httpx.Response(200, content=json.dumps(granted).encode()) for _ in range(3)])
    with pytest.raises(VendorBroken, match="the login gave no token that can be used") as caught:
        await tenant_of(vendor, far_end).send(CREATE)
    assert caught.value.maybe_sent is False
    assert [request.url.path for request in far_end.requests] == [far_end.requests[0].url.path] * 2


@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
@pytest.mark.parametrize(("vendor", "key"), [(Nexudus, "refresh_token"), (Tenovos, "refreshToken")])
async def test_a_refresh_token_that_is_no_text_is_none(vendor: type[Vendor], key: str, value: Any) -> None:
    granted: dict[str, Any] = {"access_token": "a", "session": {"authorization": "i", "accessToken": "a"}}
    (granted if vendor is Nexudus else granted["session"])[key] = value
    login = httpx.Response(200, content=json.dumps(granted).encode())
    far_end = Script(login, 401, httpx.Response(200, json=GRANTED))
    assert (await tenant_of(vendor, far_end).send(READ)).ok
    assert far_end.requests[2].read() == far_end.requests[0].read()


@pytest.mark.parametrize("end", ["1" + "0" * 400, "1e999", "NaN", '"soon"', "[1]", "true"])
@pytest.mark.parametrize("vendor", [pytest.param(Nexudus, id="nexudus"), pytest.param(Tenovos, id="tenovos")])
async def test_an_end_of_a_token_that_is_no_number_is_not_believed(vendor: type[Vendor], end: str) -> None:
    text = json.dumps(GRANTED | {"session": {**cast(dict[str, Any], GRANTED["session"]), "expireEpoch": 3600}})
    login = httpx.Response(200, content=text.replace("3600", end).encode())
    far_end = Script(login, 200, 200)
    tenant = tenant_of(vendor, far_end)
    for _ in range(2):
        assert (await tenant.send(READ)).ok
    assert [request.method for request in far_end.requests] == ["POST", "GET", "GET"]


async def test_a_lost_login_is_tried_once_more() -> None:
    far_end = Script(httpx.ReadError, httpx.ReadError, httpx.ReadError)
    with pytest.raises(Unreachable):
        await tenant_of(Nexudus, far_end).send(READ)
    assert len(far_end.requests) == 2


async def test_a_create_behind_a_lost_login_is_known_not_to_be_there() -> None:
    far_end = Script(httpx.ReadError, httpx.ReadError)
    with pytest.raises(Unreachable) as caught:
        await tenant_of(Nexudus, far_end).send(CREATE)
    assert {request.url.path for request in far_end.requests} == {"/base/api/token"}
    assert not caught.value.maybe_sent


# --- secrets ----------------------------------------------------------------------------------

GRANTED = {
    "access_token": "t0ken-access", "refresh_token": "t0ken-refresh", "expires_in": 3600,
    "session": {"authorization": "t0ken-identity", "accessToken": "t0ken-access", "refreshToken": "t0ken-refresh"},
}  # fmt: skip
CREDENTIALS = (KEY, PASSWORD, "t0ken")
VENDORS = [pytest.param(vendor, id=vendor.name) for vendor in CONFIG]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("failing", [pytest.param("login", id="login"), pytest.param("request", id="request")])
@pytest.mark.parametrize("failure", named([httpx.ReadError, httpx.ConnectError, HANGS, THROTTLED, 401, 500]))
async def test_no_failure_holds_a_credential(failure: Scripted, failing: str, vendor: type[Vendor]) -> None:
    urls = []

    async def far_end(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        is_login = request.url.path.endswith("/token")
        if is_login is (failing == "login"):
            return await Script(failure)(request)
        return httpx.Response(200, json=GRANTED)

    tenant = tenant_of(vendor, far_end)
    text = ""
    try:
        text = repr(await tenant.send(READ))
    except AccountError as error:
        text = f"{error!r} {''.join(traceback.format_exception(error))}"
    assert text
    assert urls
    assert [secret for secret in CREDENTIALS if secret in f"{text} {urls}"] == []


def granted(number: int) -> dict[str, Any]:
    """The answer to the so-manieth login, of either vendor."""
    return json.loads(json.dumps(GRANTED).replace("t0ken", f"t0ken-{number}"))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("vendor", "quoted"),
    [(Nexudus, "access"), (Nexudus, "refresh"), (Tenovos, "access"), (Tenovos, "refresh"), (Tenovos, "identity")],
)
@pytest.mark.parametrize("number", [pytest.param(1, id="before the renewal"), pytest.param(2, id="after it")])
async def test_a_refusal_that_quotes_what_a_login_gave_is_told_without_it(
    vendor: type[Vendor], quoted: str, number: int
) -> None:
    logins = 0

    async def far_end(request: httpx.Request) -> httpx.Response:
        nonlocal logins
        if request.url.path.endswith("/token"):
            logins += 1
            return httpx.Response(200, json=granted(logins))
        if logins == 1:
            return httpx.Response(401)
        return httpx.Response(403, json={"message": f"token <t0ken-{number}-{quoted}> may not"})

    tenant = tenant_of(vendor, far_end)
    error = refused(tenant, await tenant.send(READ), "read", "7")
    assert str(error).startswith(f"{vendor.title} 7: read refused with 403: token <[secret]> may not. ")


@pytest.mark.parametrize("vendor", VENDORS)
async def test_no_representation_shows_a_credential(vendor: type[Vendor]) -> None:
    async def far_end(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=GRANTED)

    tenant = tenant_of(vendor, far_end)
    await tenant.send(READ)
    shown: list[object] = [tenant, tenant.vendor, tenant.vendor.settings, vars(tenant)]
    token = tenant.vendor.token()
    if token is None:
        token = tenant.vendor.granted(Answer(200, body=json.dumps(GRANTED).encode()))
        shown += [tenant.vendor.login(None), tenant.vendor.login(token.refresh)]
    shown.append(token)
    assert [secret for secret in CREDENTIALS if secret in repr(shown)] == []
