"""A tenant's requests, retries, waits, login and secrets, in virtual time."""

import gzip
import json
import time
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import nullcontext, suppress
from typing import Any, Final, cast
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
from anyio.abc import TaskStatus
from pydantic import SecretStr

from seatwise.core.account.refusals import refused
from seatwise.core.account.removals import Removals
from seatwise.core.account.writing import FACTS
from seatwise.core.vendor.errors import AccountError, NotAuthorised, RateLimited, Unreachable, VendorBroken
from seatwise.core.vendor.http import Answer, Effect, Request
from seatwise.core.vendor.secrets import Vault
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors import nexudus
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos
from seatwise.wire.body import MAX_BODY_BYTES
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
    """Return a tenant whose requests arrive at `far_end`, without pacing unless the configuration has a limit."""
    given = {"baseUrl": "https://api.example/base", "requestsPerMinute": "0"} | CONFIG[vendor] | config
    settings = vendor.settings_type.load({f"{vendor.name}:{name}": value for name, value in given.items()}.get)
    return Tenant(vendor(settings), Vault(), print, RunSettings.load(), Removals(), Wire(far_end))


Scripted = int | tuple[int, dict[str, str]] | type[Exception] | str | httpx.Response


class Script:
    """A far end that gives these answers, then 200, and records each request and its time."""

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


async def test_a_request_has_base_url_json_and_a_credential_header() -> None:
    far_end = Script()
    answer = await tenant_of(Enerflo, far_end).send(Request("GET", "/users/a%2Fb", query={"page": 2}))
    (request,) = far_end.requests
    assert answer.ok
    assert str(request.url) == "https://api.example/base/users/a%2Fb?page=2"
    assert (request.headers["accept"], request.headers["api-key"]) == ("application/json", KEY)


class LoginElsewhere(nexudus.Settings):
    """Settings whose login is on another origin."""

    @property
    def login_url(self) -> str:
        return "https://login.example/realms/a/token"


async def test_a_login_elsewhere_goes_there_and_nothing_else_does() -> None:
    far_end = Script(httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600}))
    settings = LoginElsewhere(
        base_url="https://api.example/base", username="ana", password=SecretStr(PASSWORD), requests_per_minute=0
    )
    tenant = Tenant(Nexudus(settings), Vault(), print, RunSettings.load(), Removals(), Wire(far_end))
    await tenant.send(READ)
    await tenant.send(CHANGE)
    urls = [str(request.url) for request in far_end.requests]
    assert urls == [settings.login_url, "https://api.example/base/things/7", "https://api.example/base/things"]
    assert "authorization" not in far_end.requests[0].headers


async def test_a_request_may_say_what_its_json_is() -> None:
    far_end = Script()
    label = {"Content-Type": "application/scim+json"}
    await tenant_of(Enerflo, far_end).send(Request("POST", "/Users", Effect.CREATE, headers=label, json={}))
    assert far_end.requests[0].headers["content-type"] == "application/scim+json"


# --- repeating --------------------------------------------------------------------------------

THROTTLED = (429, {"retry-after": "1"})
LOST: Final = [httpx.ReadError, httpx.WriteError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.RemoteProtocolError]
NOT_SENT: Final = [httpx.ConnectError, httpx.ConnectTimeout]
BROKEN: Final = [500, 502, 503, 504]


@pytest.mark.parametrize("request_", [READ, CHANGE])
@pytest.mark.parametrize("failure", [*LOST, *NOT_SENT, *BROKEN, 429, THROTTLED, (503, {"retry-after": "1"})])
async def test_a_repeatable_request_fails_after_the_fourth_failure(failure: Scripted, request_: Request) -> None:
    far_end = Script(failure, failure, failure)
    assert (await tenant_of(Enerflo, far_end).send(request_)).ok
    assert len({request.read() for request in far_end.requests}) == 1
    assert len(far_end.requests) == 4

    down = Script(*[failure] * 5)
    tenant = tenant_of(Enerflo, down)
    if isinstance(failure, type):
        with pytest.raises(Unreachable, match=r"Check that https://api\.example/base can be reached from here$"):
            await tenant.send(request_)
    else:
        status = failure[0] if isinstance(failure, tuple) else failure
        assert (await tenant.send(request_)).status == status
    assert len(down.requests) == 4


@pytest.mark.parametrize("failure", [*LOST, HANGS, httpx.DecodingError])
async def test_a_create_whose_answer_is_lost_is_never_sent_again(failure: Scripted) -> None:
    far_end = Script(failure)
    with pytest.raises(Unreachable) as caught:
        await tenant_of(Enerflo, far_end).send(CREATE)
    assert caught.value.maybe_sent
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("failure", [*BROKEN, (500, {"retry-after": "1"}), (502, {"retry-after": "3600"})])
async def test_a_create_that_failed_with_5xx_is_never_sent_again(failure: Scripted) -> None:
    """The caller gets the answer, with or without `Retry-After`: it has to find out whether the account exists."""
    far_end = Script(failure)
    answer = await tenant_of(Enerflo, far_end).send(CREATE)
    assert answer.status == (failure[0] if isinstance(failure, tuple) else failure)
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("failure", [*NOT_SENT, 429, THROTTLED, (503, {"retry-after": "1"})])
async def test_a_create_that_was_not_processed_is_sent_again(failure: Scripted) -> None:
    far_end = Script(failure, failure, failure)
    assert (await tenant_of(Enerflo, far_end).send(CREATE)).ok
    assert len(far_end.requests) == 4


@pytest.mark.parametrize(
    ("vendor", "failure", "sent"),
    [(Enerflo, httpx.ConnectError, ["/base/things"] * 4), (Nexudus, httpx.ReadError, ["/base/api/token"] * 2)],
)
async def test_a_create_that_was_not_sent_is_known_to_be_absent(
    vendor: type[Vendor], failure: Scripted, sent: list[str]
) -> None:
    """At Nexudus the login is lost, which is tried once more."""
    far_end = Script(*[failure] * 5)
    with pytest.raises(Unreachable) as caught:
        await tenant_of(vendor, far_end).send(CREATE)
    assert not caught.value.maybe_sent
    assert [request.url.path for request in far_end.requests] == sent


@pytest.mark.parametrize(
    ("vendor", "answer", "times"),
    [(Nexudus, (409, {"retry-after": "2"}), 2), (Nexudus, 409, 1), (Enerflo, (409, {"retry-after": "2"}), 1)],
)
async def test_a_409_with_retry_after_is_a_throttle_at_nexudus_only(
    vendor: type[Vendor], answer: Scripted, times: int
) -> None:
    far_end = Script(answer)
    config = {"token": KEY} if vendor is Nexudus else {}
    await tenant_of(vendor, far_end, **config).send(CREATE)
    assert len(far_end.requests) == times


@pytest.mark.parametrize("asked", ["", "soon", "in 5 seconds", "-1"])
@pytest.mark.parametrize(("vendor", "status"), [(Enerflo, 503), (Nexudus, 409)])
async def test_an_unreadable_retry_after_is_ignored(vendor: type[Vendor], status: int, asked: str) -> None:
    """The vendor may have carried out the create, or refuses it finally: it is not sent again."""
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
async def test_a_4xx_answer_is_not_retried(status: int) -> None:
    far_end = Script(status)
    assert (await tenant_of(Enerflo, far_end).send(READ)).status == status
    assert len(far_end.requests) == 1


# --- waiting and the deadline -----------------------------------------------------------------


@pytest.mark.parametrize("request_", [READ, CREATE])
async def test_the_wait_is_retry_after_and_little_more(request_: Request) -> None:
    far_end = Script((429, {"retry-after": "30"}), (429, {"retry-after": "20"}))
    await tenant_of(Enerflo, far_end).send(request_)
    first, second, third = far_end.times
    assert 30 <= second - first <= 33
    assert 20 <= third - second <= 22


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("request_", [READ, CREATE])
async def test_a_retry_after_beyond_the_deadline_fails_at_once(status: int, request_: Request) -> None:
    """And so does the next request, which is not sent."""
    far_end = Script((status, {"retry-after": "3600"}))
    tenant = tenant_of(Enerflo, far_end)
    start = anyio.current_time()
    with pytest.raises(RateLimited, match="3600 seconds"):
        await tenant.send(request_)
    with pytest.raises(RateLimited):
        await tenant.send(READ)
    assert anyio.current_time() == start
    assert len(far_end.requests) == 1


class Endless(httpx.AsyncByteStream):
    """A body that begins and never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep_forever()


@pytest.mark.parametrize(
    ("vendor", "answer", "deadline"),
    [
        pytest.param(Enerflo, HANGS, {"deadline": "45"}, id="no-answer"),
        pytest.param(Enerflo, httpx.Response(200, stream=Endless()), {"deadline": "45"}, id="no-end"),
        pytest.param(Nexudus, HANGS, {"deadline": "45"}, id="no-login"),
        pytest.param(Enerflo, HANGS, {}, id="two-minutes-by-default"),
    ],
)
async def test_the_deadline_holds_when_the_vendor_hangs(
    vendor: type[Vendor], answer: Scripted, deadline: dict[str, str]
) -> None:
    start, seconds = anyio.current_time(), int(deadline.get("deadline", 120))
    with pytest.raises(Unreachable, match=f"no answer within {seconds} seconds"):
        await tenant_of(vendor, Script(answer), **deadline).send(READ)
    assert anyio.current_time() - start == pytest.approx(seconds)


async def test_the_deadline_counts_from_the_first_try() -> None:
    far_end = Script((503, {"retry-after": "40"}), HANGS)
    start = anyio.current_time()
    with pytest.raises(Unreachable):
        await tenant_of(Enerflo, far_end, deadline="60").send(READ)
    assert len(far_end.requests) == 2
    assert anyio.current_time() - start == pytest.approx(60)


@pytest.mark.parametrize(
    ("name", "kind", "thing"),
    [
        pytest.param("", "account", "the account list", id="the list"),
        pytest.param("7", "account", "the account 7", id="an account"),
        pytest.param("7", "group", "the group 7", id="a group"),
        pytest.param(FACTS, "question", "the question how updates are taken", id="the question about updates"),
    ],
)
async def test_a_lock_that_is_not_free_in_time_is_named(name: str, kind: str, thing: str) -> None:
    tenant = tenant_of(Enerflo, Script(), deadline="45")

    async def hold(*, task_status: TaskStatus[None]) -> None:
        async with tenant.lock(name, kind):
            task_status.started()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        await tasks.start(hold)
        start = anyio.current_time()
        async with tenant.lock("7", "thing of another kind"):
            assert anyio.current_time() == start
        with pytest.raises(Unreachable, match=f"^Enerflo: another operation on {thing} did not end in time"):
            async with tenant.lock(name, kind):
                pass
        assert anyio.current_time() - start == pytest.approx(45)
        tasks.cancel_scope.cancel()


async def test_a_pacing_wait_beyond_the_deadline_fails_at_once() -> None:
    far_end = Script()
    tenant = tenant_of(Enerflo, far_end, requestsPerMinute="1", deadline="45")
    await tenant.send(READ)
    start = anyio.current_time()
    with pytest.raises(RateLimited, match=r"no request within 45 seconds.*ENERFLO_DEADLINE"):
        await tenant.send(READ)
    assert anyio.current_time() == start
    assert len(far_end.requests) == 1


async def test_the_deadline_holds_for_requests_in_the_queue() -> None:
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


async def test_pacing_counts_retries_too() -> None:
    far_end = Script(500, 500)
    tenant = tenant_of(Enerflo, far_end, requestsPerMinute="2")
    await tenant.send(READ)
    assert far_end.times[2] - far_end.times[0] >= 60


async def test_creates_and_updates_count_as_writes_and_reads_do_not() -> None:
    """Nexudus allows 60 writes a minute and one request in 100 ms."""
    far_end = Script()
    tenant = tenant_of(Nexudus, far_end, token=KEY, requestsPerMinute=None)
    for request in [CREATE, CHANGE] * 30 + [READ] * 10 + [CHANGE]:
        await tenant.send(request)
    last_write, last_read = far_end.times[-1] - far_end.times[0], far_end.times[-2] - far_end.times[0]
    assert last_read == pytest.approx(6.9 * SLACK)
    assert last_write == pytest.approx(60 * SLACK)


async def test_the_retry_budget_limits_retries_while_a_vendor_is_down() -> None:
    """500 at 14 each allow 35 retries of a thousand requests; with one failure in ten the budget never runs out."""
    down = Script(*[500] * 3000)
    tenant = tenant_of(Enerflo, down)
    for _ in range(1000):
        assert (await tenant.send(READ)).status == 500
    assert len(down.requests) == 1035

    flaky = Script(*[500, *[200] * 9] * 1000)
    tenant = tenant_of(Enerflo, flaky)
    for _ in range(1000):
        assert (await tenant.send(READ)).ok
    assert len(flaky.requests) <= 1120


async def test_a_retry_of_a_throttled_request_costs_less() -> None:
    far_end = Script(*[(429, {"retry-after": "1"})] * 3000)
    tenant = tenant_of(Enerflo, far_end)
    for _ in range(200):
        await tenant.send(READ)
    assert len(far_end.requests) == 300


async def test_all_requests_and_waits_of_an_operation_share_a_deadline() -> None:
    far_end = Script(*[(429, {"retry-after": "25"})] * 2, HANGS)
    operation = Operation(tenant_of(Enerflo, far_end, deadline="60"))
    start = anyio.current_time()
    await operation.sleep(20)
    with pytest.raises(RateLimited, match="asks to wait 25 seconds"):
        await operation.send(READ)
    await operation.sleep(1000)
    with pytest.raises(Unreachable, match=r"did not end within 60 seconds\. .* raise ENERFLO_DEADLINE") as caught:
        await operation.send(CREATE)
    assert caught.value.maybe_sent is False
    assert anyio.current_time() - start == pytest.approx(60)
    assert len(far_end.requests) == 2


@pytest.mark.parametrize(("resend", "sent"), [("true", 2), ("false", 1)])
@pytest.mark.parametrize("failure", [429, (503, {"retry-after": "1"})])
async def test_resend_creates_controls_retries_of_throttled_creates(failure: Scripted, resend: str, sent: int) -> None:
    far_end = Script(failure)
    await tenant_of(Enerflo, far_end, resendCreates=resend).send(CREATE)
    assert len(far_end.requests) == sent


async def test_the_deadline_holds_while_another_call_renews_the_token() -> None:
    """A call that started later renews the token, and hangs."""
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


async def test_a_throttled_request_delays_all_requests() -> None:
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


async def test_a_waiting_request_heeds_the_wait_of_another_one() -> None:
    """It waits for a place when the other one is turned away, after a second."""
    script = Script((429, {"Retry-After": "30"}))

    async def slow(request: httpx.Request) -> httpx.Response:
        answer = await script(request)
        await anyio.sleep(1)
        return answer

    tenant = tenant_of(Enerflo, slow, concurrency="1")
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(tenant.send, READ)
    first, *others = script.times
    assert len(others) == 3
    assert all(31 <= time - first <= 36 for time in others)


async def test_a_create_that_waited_for_other_requests_was_not_sent() -> None:
    far_end = Script(HANGS)
    tenant = tenant_of(Enerflo, far_end, concurrency="1", deadline="40")
    async with anyio.create_task_group() as tasks:

        async def hang() -> None:
            with suppress(Unreachable):
                await tenant.send(READ)

        tasks.start_soon(hang)
        await anyio.sleep(1)
        with pytest.raises(Unreachable, match="the requests before it did not leave") as caught:
            await tenant.operation(0.5).send(CREATE)
    assert caught.value.maybe_sent is False
    assert len(far_end.requests) == 1


async def test_a_request_whose_deadline_ends_in_its_turn_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another process writes to blocks the event loop."""
    far_end = Script()
    tenant = tenant_of(Enerflo, far_end, concurrency="1", deadline="40")
    take = tenant._pacing.take

    async def late(*arguments: Any, **keywords: Any) -> None:
        await take(*arguments, **keywords)
        with anyio.CancelScope(shield=True):
            await anyio.sleep(41)

    with monkeypatch.context() as patch:
        patch.setattr(tenant._pacing, "take", late)
        patch.setattr(anyio, "fail_after", lambda seconds: nullcontext())
        with pytest.raises(Unreachable, match="did not end within 40 seconds") as caught:
            await tenant.send(CREATE)
    assert caught.value.maybe_sent is False
    assert far_end.requests == []
    await tenant.send(READ)
    assert len(far_end.requests) == 1, "its place is free again"


async def test_no_more_requests_are_in_flight_than_the_setting_says() -> None:
    in_flight = most = 0

    async def far_end(request: httpx.Request) -> httpx.Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await anyio.sleep(1)
        in_flight -= 1
        return httpx.Response(200, json={})

    tenant = tenant_of(Enerflo, far_end, concurrency="3")
    async with anyio.create_task_group() as tasks:
        for _ in range(9):
            tasks.start_soon(tenant.send, READ)
    assert most == 3


# --- what is not followed and not believed ----------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["https://evil.example/", "http://api.example/", "//evil.example", "/elsewhere"])
async def test_a_redirect_is_an_answer_and_never_followed(status: int, place: str) -> None:
    far_end = Script((status, {"location": place}))
    assert (await tenant_of(Enerflo, far_end).send(READ)).status == status
    assert [request.url.path for request in far_end.requests] == ["/base/things/7"]


def encoded(body: bytes, encoding: str) -> httpx.Response:
    """Return an answer with these bytes on the wire."""
    return httpx.Response(200, headers={"content-encoding": encoding}, stream=Pieces(body))


def bomb(layers: int) -> bytes:
    """Return 128 MiB of zeros, compressed this many times to some kilobytes."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(128)) + packer.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed, mtime=0)
    return packed


TOO_LARGE, ENCODING = "larger than 10 MiB", "in an encoding that"


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        pytest.param(lambda: bytes(MAX_BODY_BYTES + 1), "", TOO_LARGE, id="plain"),
        pytest.param(lambda: gzip.compress(bytes(MAX_BODY_BYTES + 1)), "gzip", TOO_LARGE, id="zipped"),
        pytest.param(lambda: bomb(1), "gzip", TOO_LARGE, id="a-bomb"),
        pytest.param(lambda: bomb(2), "gzip, gzip", ENCODING, id="a-bomb-in-a-bomb"),
        pytest.param(lambda: gzip.compress(b"{}"), "gzip, identity, gzip", ENCODING, id="twice"),
        pytest.param(lambda: b"{}", "br", ENCODING, id="another-encoding"),
        pytest.param(lambda: b"{}", "gzip", "unreadable as gzip", id="not-packed"),
        pytest.param(lambda: gzip.compress(b"{}")[:-1], "gzip", "cut off", id="cut-off"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_lost_answer(body: Callable[[], bytes], encoding: str, why: str) -> None:
    answer = encoded(body(), encoding)
    tracemalloc.start()
    try:
        with pytest.raises(Unreachable, match=rf"the answer was lost: its body is {why}") as caught:
            await tenant_of(Enerflo, Script(answer)).send(CREATE)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY_BYTES
    finally:
        tracemalloc.stop()
    assert caught.value.maybe_sent


PACKED = gzip.compress(b'{"a": 1}')


@pytest.mark.parametrize(
    ("body", "encoding", "read"),
    [
        pytest.param(b'{"a": 1}', "", b'{"a": 1}', id="not-packed"),
        pytest.param(b'{"a": 1}', "identity", b'{"a": 1}', id="identity"),
        pytest.param(PACKED, "gzip", b'{"a": 1}', id="gzip"),
        pytest.param(PACKED, "GZIP, identity", b'{"a": 1}', id="gzip-and-identity"),
        pytest.param(PACKED, "x-gzip", b'{"a": 1}', id="x-gzip"),
        pytest.param(zlib.compress(b'{"a": 1}'), "deflate", b'{"a": 1}', id="deflate"),
        pytest.param(b"", "gzip", b"", id="nothing"),
        pytest.param(bytes(10 * 1024 * 1024), "", bytes(10 * 1024 * 1024), id="ten-mebibytes"),
    ],
)
async def test_one_layer_of_compression_is_decoded(body: bytes, encoding: str, read: bytes) -> None:
    far_end = Script(encoded(body, encoding))
    assert (await tenant_of(Enerflo, far_end).send(READ)).body == read
    assert far_end.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_no_proxy_of_the_environment_gets_a_request(
    variable: str, monkeypatch: pytest.MonkeyPatch, settings: None, anyio_backend: str
) -> None:
    """Over real HTTP: no server listens at the variable's address."""
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


class FakeNexudus:
    """A fake Nexudus with a login only: each refresh token works once."""

    def __init__(self, *, lifetime: int = 604799, login_takes: float = 0) -> None:
        self.lifetime = lifetime
        self.login_takes = login_takes
        self.grants: list[str] = []
        self.answers: list[int] = []
        self.bodies: list[bytes] = []
        self.access = ""
        self.refresh = ""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/api/token"):
            return await self._login(parse_qs(request.read().decode()))
        await anyio.sleep(0.1)
        good = self.access and request.headers["authorization"] == f"Bearer {self.access}"
        self.answers.append(200 if good else 401)
        self.bodies.append(request.read())
        return httpx.Response(self.answers[-1], json={})

    async def _login(self, form: dict[str, list[str]]) -> httpx.Response:
        used = form.get("refresh_token", form["grant_type"])[0]
        self.grants.append(used)
        await anyio.sleep(self.login_takes)
        if used not in ("password", self.refresh):
            return httpx.Response(400, json={"error": "invalid_grant"})
        number = len(self.grants)
        self.access, self.refresh = f"access-{number}", f"refresh-{number}"
        body = {"access_token": self.access, "expires_in": self.lifetime, "refresh_token": self.refresh}
        return httpx.Response(200, json=body)


async def at_once(tenant: Tenant, number: int) -> list[int]:
    """Start this many calls at the same time and return their statuses."""
    statuses = []

    async def call() -> None:
        statuses.append((await tenant.send(READ)).status)

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(call)
    return statuses


@pytest.mark.parametrize("calls", [1, 4, 32])
async def test_calls_at_the_same_time_share_a_login_and_a_renewal(calls: int) -> None:
    nexudus = FakeNexudus(login_takes=3.7)
    tenant = tenant_of(Nexudus, nexudus)
    assert await at_once(tenant, calls) == [200] * calls
    assert nexudus.grants == ["password"]
    assert nexudus.answers == [200] * calls

    nexudus.access = ""
    nexudus.answers.clear()
    assert await at_once(tenant, calls) == [200] * calls
    assert nexudus.grants == ["password", "refresh-1"]
    assert sorted(nexudus.answers) == [200] * calls + [401] * calls


async def test_a_create_is_replayed_with_the_same_body_after_a_401() -> None:
    """The vendor refused it before it processed it."""
    nexudus = FakeNexudus()
    tenant = tenant_of(Nexudus, nexudus)
    await tenant.send(READ)
    nexudus.access = ""
    assert (await tenant.send(CREATE)).ok
    assert [json.loads(body) for body in nexudus.bodies[1:]] == [CREATE.json, CREATE.json]


async def test_a_new_token_that_is_refused_is_not_renewed() -> None:
    """Twenty requests to a vendor that refuses every token cause two logins."""
    nexudus, asked = FakeNexudus(), []

    async def takes_no_token(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.removeprefix("/base"))
        answer = await nexudus(request)
        return answer if request.url.path.endswith("/token") else httpx.Response(401)

    tenant = tenant_of(Nexudus, takes_no_token)
    for _ in range(20):
        assert (await tenant.send(READ)).status == 401
    assert nexudus.grants == ["password", "refresh-1"]
    assert asked == ["/api/token", "/things/7", "/api/token", *["/things/7"] * 20]


async def test_without_a_new_refresh_token_the_old_one_stays_valid() -> None:
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
async def test_a_token_without_a_lifetime_is_used_until_refused(expires_in: int) -> None:
    far_end = Script(httpx.Response(200, json={"access_token": "a", "expires_in": expires_in}))
    tenant = tenant_of(Nexudus, far_end)
    for _ in range(3):
        assert (await tenant.send(READ)).ok
    assert [request.method for request in far_end.requests] == ["POST", "GET", "GET", "GET"]


async def test_every_refresh_token_is_used_once() -> None:
    """Each renewal returns the next refresh token."""
    nexudus = FakeNexudus()
    tenant = tenant_of(Nexudus, nexudus)
    for _ in range(3):
        assert (await tenant.send(READ)).ok
        nexudus.access = ""
    assert nexudus.grants == ["password", "refresh-1", "refresh-2"]


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(604799, 604739), (3600, 3540), (100, 80)])
async def test_a_token_is_renewed_before_it_expires(lifetime: int, renewed_after: int) -> None:
    """A minute before, or a fifth of its lifetime if that is shorter."""
    nexudus = FakeNexudus(lifetime=lifetime)
    tenant = tenant_of(Nexudus, nexudus)
    await tenant.send(READ)
    await anyio.sleep(renewed_after - 1)
    await tenant.send(READ)
    assert nexudus.grants == ["password"]
    await anyio.sleep(1)
    await at_once(tenant, 4)
    assert nexudus.grants == ["password", "refresh-1"]
    assert 401 not in nexudus.answers


def tenovos_session(lifetime: float) -> httpx.Response:
    """Return Tenovos' answer to a login."""
    end = int((time.time() + lifetime) * 1000)
    session = {"authorization": "i", "accessToken": "a", "refreshToken": "r", "expireEpoch": end}
    return httpx.Response(200, json={"session": session})


async def test_a_token_with_an_expiry_time_is_renewed_before_it() -> None:
    far_end = Script(tenovos_session(3600), 200, 200, tenovos_session(7200), 200)
    tenant = tenant_of(Tenovos, far_end)
    for seconds in (0, 3530, 20):
        await anyio.sleep(seconds)
        await tenant.send(READ)
    assert [request.method for request in far_end.requests] == ["POST", "GET", "GET", "POST", "GET"]


@pytest.mark.parametrize(("vendor", "config"), [(Enerflo, {}), (Nexudus, {"token": KEY})])
async def test_a_refused_static_key_is_not_tried_again(vendor: type[Vendor], config: dict[str, str]) -> None:
    far_end = Script(401)
    assert (await tenant_of(vendor, far_end, **config).send(READ)).status == 401
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("vendor", [Nexudus, Tenovos])
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_login_is_not_authorised_and_not_tried_again(vendor: type[Vendor], status: int) -> None:
    """Repeated logins with a wrong password lock the account."""
    far_end = Script(httpx.Response(status, json={"message": f"{PASSWORD} is wrong"}))
    remedy = r"the vendor refused the login\. Check .*:password of Pulumi's config"
    with pytest.raises(NotAuthorised, match=remedy) as caught:
        await tenant_of(vendor, far_end).send(READ)
    assert PASSWORD not in f"{caught.value} {caught.value!r}"
    assert len(far_end.requests) == 1


NO_TEXTS = [7, True, None, {"a": "b"}, ["t"], "", " ", "two\nlines", "tok\u00e9n", "\ud83d"]


@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
@pytest.mark.parametrize(
    ("vendor", "key"), [(Nexudus, "access_token"), (Tenovos, "authorization"), (Tenovos, "accessToken")]
)
async def test_a_token_that_is_not_text_is_a_failed_login(vendor: type[Vendor], key: str, value: Any) -> None:
    granted = {"access_token": "a", "session": {"authorization": "i", "accessToken": "a", "refreshToken": "r"}}
    (granted if key in granted else cast(dict[str, Any], granted["session"]))[key] = value
    far_end = Script(*[httpx.Response(200, content=json.dumps(granted).encode()) for _ in range(3)])
    with pytest.raises(VendorBroken, match="the login returned no usable token") as caught:
        await tenant_of(vendor, far_end).send(CREATE)
    assert caught.value.maybe_sent is False
    assert [request.url.path for request in far_end.requests] == [far_end.requests[0].url.path] * 2


@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
@pytest.mark.parametrize(("vendor", "key"), [(Nexudus, "refresh_token"), (Tenovos, "refreshToken")])
async def test_a_refresh_token_that_is_not_text_is_ignored(vendor: type[Vendor], key: str, value: Any) -> None:
    granted: dict[str, Any] = {"access_token": "a", "session": {"authorization": "i", "accessToken": "a"}}
    (granted if vendor is Nexudus else granted["session"])[key] = value
    login = httpx.Response(200, content=json.dumps(granted).encode())
    far_end = Script(login, 401, httpx.Response(200, json=GRANTED))
    assert (await tenant_of(vendor, far_end).send(READ)).ok
    assert far_end.requests[2].read() == far_end.requests[0].read()


@pytest.mark.parametrize("end", ["1" + "0" * 400, "1e999", "NaN", '"soon"', "[1]", "true"])
@pytest.mark.parametrize("vendor", [Nexudus, Tenovos])
async def test_an_expiry_that_is_not_a_number_is_ignored(vendor: type[Vendor], end: str) -> None:
    text = json.dumps(GRANTED | {"session": {**cast(dict[str, Any], GRANTED["session"]), "expireEpoch": 3600}})
    login = httpx.Response(200, content=text.replace("3600", end).encode())
    far_end = Script(login, 200, 200)
    tenant = tenant_of(vendor, far_end)
    for _ in range(2):
        assert (await tenant.send(READ)).ok
    assert [request.method for request in far_end.requests] == ["POST", "GET", "GET"]


# --- secrets ----------------------------------------------------------------------------------

GRANTED = {
    "access_token": "t0ken-access", "refresh_token": "t0ken-refresh", "expires_in": 3600,
    "session": {"authorization": "t0ken-identity", "accessToken": "t0ken-access", "refreshToken": "t0ken-refresh"},
}  # fmt: skip
CREDENTIALS = (KEY, PASSWORD, "t0ken")


@pytest.mark.parametrize("vendor", CONFIG)
@pytest.mark.parametrize("failing", ["login", "request"])
@pytest.mark.parametrize("failure", [httpx.ReadError, httpx.ConnectError, HANGS, THROTTLED, 401, 500])
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
    """Return the answer to login number `number`, for either vendor."""
    return json.loads(json.dumps(GRANTED).replace("t0ken", f"t0ken-{number}"))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("vendor", "quoted"),
    [(Nexudus, "access"), (Nexudus, "refresh"), (Tenovos, "access"), (Tenovos, "refresh"), (Tenovos, "identity")],
)
@pytest.mark.parametrize("number", [1, 2])
async def test_a_quoted_token_is_blanked_in_the_message(vendor: type[Vendor], quoted: str, number: int) -> None:
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


@pytest.mark.parametrize("vendor", CONFIG)
async def test_no_representation_shows_a_credential(vendor: type[Vendor]) -> None:
    async def far_end(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=GRANTED)

    tenant = tenant_of(vendor, far_end)
    await tenant.send(READ)
    shown: list[object] = [tenant, tenant.vendor, tenant.vendor.settings, vars(tenant)]
    token = tenant.vendor.token()
    if token is None:
        token = tenant.vendor.parse_token(Answer(200, body=json.dumps(GRANTED).encode()))
        shown += [tenant.vendor.request_login(None), tenant.vendor.request_login(token.refresh)]
    shown.append(token)
    assert [secret for secret in CREDENTIALS if secret in repr(shown)] == []
