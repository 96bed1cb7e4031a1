"""A connection to one tenant of a vendor: HTTP, login, pacing, retries and deadlines.

All of it runs in one event loop and uses the loop's clock, so that tests can run it in virtual time.
"""

import json
import random
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import anyio
import anyio.to_thread
import httpx

from ..core.account.answers import Answers
from ..core.account.creating import is_refusal
from ..core.account.exchanges import Exchanges
from ..core.account.list_cache import ListCache
from ..core.account.notices import Notices
from ..core.account.ownership import Ownership
from ..core.account.ports import EngineState
from ..core.account.removals import Removals
from ..core.membership.run import RunMemberships
from ..core.vendor.errors import AccountError, InvalidAccount, RateLimited, Unreachable
from ..core.vendor.http import Answer, Effect, Request, retry_after
from ..core.vendor.secrets import Vault
from ..core.vendor.vendor import Token, Vendor
from .body import ACCEPTED, UnreadableBody, read
from .engine import StackState
from .journal import Aside, Journal
from .locks import locked
from .login import Login
from .pacing import LimitReached, OwnTally, Pacing, SharedTally
from .proxy import Proxy, Tunnel, is_final
from .retry import Outcome, RetryBudget, may_repeat, wait
from .settings import RunSettings

T = TypeVar("T")
HTTP_TIMEOUT = httpx.Timeout(30, connect=5, pool=None)  # seconds
NOT_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
)  # fmt: skip


@dataclass(frozen=True)
class TryResult:
    """The end of one try: a final answer (`outcome` is None), or an outcome that may allow another try."""

    outcome: Outcome | None
    answer: Answer | None = None
    problem: str = ""
    is_final: bool = False
    """Whether another try would end in the same way."""


class Tenant:
    """The client of one tenant, with what a run remembers of it (journal, account list, ownership).

    `warn` shows the user a warning. All tenants of a run share `run` and `removals`. Tests replace `transport`, `aside`
    and `engine_state`.
    """

    def __init__(
        self,
        vendor: Vendor,
        vault: Vault,
        warn: Callable[[str], None],
        run: RunSettings,
        removals: Removals,
        transport: httpx.AsyncBaseTransport | None = None,
        aside: Aside = anyio.to_thread.run_sync,
        engine_state: EngineState | None = None,
    ) -> None:
        settings = vendor.settings
        name = f"{vendor.name} {settings.tenant_id}"
        self.vendor = vendor
        self.run = run
        self.warn: Callable[[str], None] = lambda text: warn(" ".join(vault.message(text).split()))
        self.notices = Notices(self.warn)
        self.vault = vault
        vault.learn(*settings.secrets())
        self.engine_state: EngineState = engine_state or StackState()
        self.journal = Journal(name, self.warn, run.journal, aside, self.engine_state.run)
        self.removals = removals
        self.list_cache = ListCache()
        self.answers = Answers()
        self.ownership = Ownership()
        self.memberships = RunMemberships()
        self.exchanges = Exchanges()
        self.unreadable_reported: set[tuple[str, str]] = set()
        self._locks: defaultdict[tuple[str, str], anyio.Lock] = defaultdict(anyio.Lock)
        self._shared = SharedTally(name, self.warn, run.journal.with_name("limits.db")) if run.share_limits else None
        self._pacing = Pacing(vendor.paced_by, self._shared or OwnTally(), settings.concurrency)
        self._login = Login(vendor, vault, self._deliver)
        self._retry_budget = RetryBudget()
        self._jitter = random.Random()
        self._proxy = Proxy(settings.proxy_url, settings.display_name("proxy")) if settings.proxy_url else None
        certificates = ssl.create_default_context(cafile=settings.ca_bundle) if settings.ca_bundle else None
        # Redirects and the environment (.netrc, proxy variables) must not send credentials to another host.
        self._http = httpx.AsyncClient(
            base_url=settings.base_url,
            timeout=HTTP_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            proxy=self._proxy.for_httpx(certificates) if self._proxy else None,
            verify=certificates or True,
            transport=transport,
            limits=httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency),
            headers={"Accept": "application/json", "User-Agent": "seatwise", **ACCEPTED},
        )

    def deadline(self) -> float:
        """Return the deadline of an operation that begins now, in the event loop's seconds."""
        return anyio.current_time() + float(self.vendor.settings.deadline)

    async def send(self, request: Request, deadline: float | None = None) -> Answer:
        """Send a request with this tenant's token; renew a refused token once for all requests that use it.

        Without a deadline (the event loop's seconds), the request gets the settings' time from now. Raises Unreachable
        if no answer comes in time, RateLimited if the vendor's or the client's rate limit asks for a wait beyond the
        deadline, NotAuthorised if the vendor refuses the login, and InvalidAccount if the request cannot be built.
        """
        deadline = self.deadline() if deadline is None else deadline
        token = await self._login.token(deadline)
        answer = await self._deliver(request, token, deadline)
        if answer.status != 401:
            return answer
        with _marking_maybe_sent(answer.maybe_sent_before):
            renewed = await self._login.renewed(token, deadline)
            if renewed is token:
                return answer
            again = await self._deliver(request, renewed, deadline)
        if again.status == 401:
            self._login.give_up(renewed)
        return replace(again, maybe_sent_before=again.maybe_sent_before or answer.maybe_sent_before)

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        await anyio.sleep(seconds)

    def now(self) -> float:
        """Return the event loop's time in seconds."""
        return anyio.current_time()

    def operation(self, share: float = 1) -> "Operation":
        """Begin an operation that may take this share of the usual time."""
        now = anyio.current_time()
        return Operation(self, now + share * (self.deadline() - now))

    def lock(
        self, name: str = "", kind: str = "account", deadline: float | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Lock this account, or another thing of this `kind`, for all other operations of this tenant during the block.

        Without a name the account list is locked. Raises Unreachable if the lock is not free by the deadline
        (the event loop's seconds).
        """
        deadline = self.deadline() if deadline is None else deadline
        locked_thing = f"the {kind} {name}" if name else "the account list"
        problem = f"another operation on {locked_thing} did not end in time"
        return locked(self._locks[kind, name], deadline, problem, self.vendor.title)

    async def each(self, work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Run `work` for each item, `concurrency` at once; after an AccountError start no more, and raise it."""
        left, failures = iter(items), list[AccountError]()

        async def take() -> None:
            for item in left:
                try:
                    await work(item)
                except AccountError as error:
                    failures.append(error)
                if failures:
                    return

        async with anyio.create_task_group() as tasks:
            for _ in range(self.vendor.settings.concurrency):
                tasks.start_soon(take)
        if failures:
            raise failures[0]

    async def _deliver(self, request: Request, token: Token | None, deadline: float) -> Answer:
        """Send, and retry as the table in `retry` allows, until the deadline (the event loop's seconds)."""
        attempt, spent, maybe_sent = 0, 0, False
        while True:
            attempt += 1
            with _marking_maybe_sent(maybe_sent):
                await self._wait_for_pacing(request, deadline)
            try:
                result = await self._try(request, token, deadline)
            finally:
                self._pacing.give_back()
            if result.answer is not None and result.outcome is None:
                self._retry_budget.earn(spent or 1)
                return replace(result.answer, maybe_sent_before=maybe_sent)
            assert result.outcome
            asked = retry_after(result.answer.headers) if result.answer is not None else None
            pause = wait(attempt, asked, self._jitter)
            in_time = anyio.current_time() + pause < deadline
            if result.outcome is Outcome.TURNED_AWAY:
                self._pacing.hold(pause)
            cost = self._retry_cost(request, result.outcome, attempt) if in_time and not result.is_final else None
            if cost is None:
                with _marking_maybe_sent(maybe_sent):
                    answer = self._final_answer(request, result, None if in_time else asked)
                    return replace(answer, maybe_sent_before=maybe_sent)
            spent = cost
            maybe_sent = maybe_sent or result.outcome is Outcome.UNCLEAR
            await anyio.sleep(pause)

    def _retry_cost(self, request: Request, outcome: Outcome, attempt: int) -> int | None:
        """Take the cost of sending the request again from the budget and return it; None if it may not be sent."""
        is_resend_off = outcome is Outcome.TURNED_AWAY and not self.vendor.settings.resend_creates
        if request.effect is Effect.CREATE and is_resend_off:
            return None
        return self._retry_budget.spend(outcome) if may_repeat(request.effect, outcome, attempt) else None

    def _final_answer(self, request: Request, result: TryResult, too_long: float | None) -> Answer:
        """Return the answer of the last try.

        Raises Unreachable without an answer, and RateLimited if it asks for `too_long` seconds of waiting.
        """
        title = self.vendor.title
        if result.answer is None:
            raise Unreachable(
                result.problem, maybe_sent=result.outcome is Outcome.UNCLEAR, vendor=title,
                remedy=self._connection_remedy(request),
            )  # fmt: skip
        if result.outcome is Outcome.TURNED_AWAY and too_long is not None:
            problem = f"the vendor asks to wait {too_long:.0f} seconds"
            is_no = request.effect is not Effect.CREATE or is_refusal(self.vendor, result.answer)
            with _marking_maybe_sent(not is_no):
                raise RateLimited(problem, status=result.answer.status, vendor=title)
        return result.answer

    def _connection_remedy(self, request: Request) -> str:
        url = self._login_url(request) or self.vendor.settings.base_url
        return self._proxy.remedy(url) if self._proxy else f"Check that {url} can be reached from here"

    def _login_url(self, request: Request) -> str | None:
        """Return the URL of a login elsewhere, as the settings declare it; None for every other request."""
        login_url: str | None = self.vendor.settings.login_url
        return login_url if request.effect is Effect.LOGIN else None

    async def _wait_for_pacing(self, request: Request, deadline: float) -> None:
        if anyio.current_time() >= deadline:
            raise self._too_late()
        writes = request.effect in (Effect.CREATE, Effect.REPEATABLE)
        try:
            with anyio.fail_after(deadline - anyio.current_time()):
                await self._pacing.take(request.method, writes=writes, deadline=deadline)
        except LimitReached:
            problem = f"the rate limit allows no request within {self.vendor.settings.deadline:.0f} seconds"
            raise RateLimited(problem, status=429, vendor=self.vendor.title, remedy=self._more_time()) from None
        except TimeoutError:
            raise self._too_late("the requests before it did not leave, or get their answers, in time") from None
        if anyio.current_time() >= deadline:  # what waits for a file blocks the event loop
            self._pacing.give_back()
            raise self._too_late()

    def _too_late(self, problem: str = "") -> Unreachable:
        problem = problem or f"the operation did not end within {self.vendor.settings.deadline:.0f} seconds"
        return Unreachable(problem, maybe_sent=False, vendor=self.vendor.title, remedy=self._more_time())

    def _more_time(self) -> str:
        return f"Run it again later, or raise {self.vendor.settings.variable('deadline')} (seconds)"

    async def _try(self, request: Request, token: Token | None, deadline: float) -> TryResult:
        """Send once."""
        if self._proxy and self._proxy.refuses_login:
            return TryResult(Outcome.NOT_SENT, problem=self._proxy.login_refusal(), is_final=True)
        tunnel = Tunnel()
        try:
            with anyio.CancelScope(deadline=deadline) as scope:
                answer = await self._exchange(request, token, tunnel)
            if scope.cancelled_caught:
                return self._timed_out(tunnel)
        except UnreadableBody as error:
            return TryResult(Outcome.UNCLEAR, problem=f"the answer was lost: its body is {error}")
        except httpx.HTTPError as error:
            return self._connection_failed(error, tunnel)
        if self.vendor.is_throttled(answer):
            return TryResult(Outcome.TURNED_AWAY, answer)
        return TryResult(Outcome.UNCLEAR if answer.status >= 500 else None, answer)

    def _timed_out(self, tunnel: Tunnel) -> TryResult:
        """Return the result of a try that reached the deadline without an answer."""
        if self._proxy and tunnel.is_being_built:
            return TryResult(Outcome.NOT_SENT, problem=self._proxy.describe(httpx.ConnectTimeout("")))
        return TryResult(Outcome.UNCLEAR, problem=f"no answer within {self.vendor.settings.deadline:.0f} seconds")

    def _connection_failed(self, error: httpx.HTTPError, tunnel: Tunnel) -> TryResult:
        """Return the result of a try whose connection failed, before or after the request was sent."""
        if self._proxy and (tunnel.is_being_built or isinstance(error, NOT_SENT)):
            return TryResult(Outcome.NOT_SENT, problem=self._proxy.describe(error), is_final=is_final(error))
        if isinstance(error, NOT_SENT):
            return TryResult(Outcome.NOT_SENT, problem=f"cannot connect ({type(error).__name__})")
        return TryResult(Outcome.UNCLEAR, problem=f"the answer was lost ({type(error).__name__})")

    def _build(self, request: Request, token: Token | None, tunnel: Tunnel) -> httpx.Request:
        """Build the HTTP request, with its JSON in ASCII; raises InvalidAccount if that is impossible."""
        headers = {**request.headers, **(token.headers if token else {})}
        try:
            content = None if request.json is None else json.dumps(request.json, allow_nan=False).encode()
            if content is not None:
                headers.setdefault("Content-Type", "application/json")
            return self._http.build_request(
                request.method,
                self._login_url(request) or request.path,
                params=dict(request.query) or None,
                headers=headers,
                content=content,
                data=request.form,
                extensions={"trace": tunnel.trace} if self._proxy else None,
            )
        except (ValueError, TypeError, RecursionError, httpx.InvalidURL) as error:
            raise InvalidAccount(
                f"the request cannot be built ({type(error).__name__}) and was not sent",
                vendor=self.vendor.title,
                remedy="Look for characters or numbers that JSON cannot contain, in the declared values and in the "
                "settings",
            ) from None

    async def _exchange(self, request: Request, token: Token | None, tunnel: Tunnel) -> Answer:
        outgoing = self._build(request, token, tunnel)
        response = await self._http.send(outgoing, stream=True)
        try:
            body = await read(response)
        finally:
            await response.aclose()
        return Answer(response.status_code, {key.lower(): value for key, value in response.headers.items()}, body)

    @property
    def is_closed(self) -> bool:
        """Whether the connections are closed for good."""
        return self._http.is_closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and the files."""
        await self._http.aclose()
        self.journal.close()
        if self._shared is not None:
            self._shared.close()


class Operation:
    """A tenant during one operation, whose requests and waits share one deadline."""

    def __init__(self, tenant: Tenant, deadline: float | None = None) -> None:
        self.vendor = tenant.vendor
        self.vault = tenant.vault
        self.journal = tenant.journal
        self.removals = tenant.removals
        self.warn = tenant.warn
        self.notices = tenant.notices
        self.list_cache = tenant.list_cache
        self.answers = tenant.answers
        self.ownership = tenant.ownership
        self.memberships = tenant.memberships
        self.engine_state = tenant.engine_state
        self.unreadable_reported = tenant.unreadable_reported
        self.now = tenant.now
        self.each = tenant.each
        self._tenant = tenant
        self._deadline = tenant.deadline() if deadline is None else deadline

    async def send(self, request: Request) -> Answer:
        """Send as `Tenant.send` does, until the operation's deadline."""
        return await self._tenant.send(request, self._deadline)

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds, but not beyond the deadline."""
        await anyio.sleep(max(0, min(seconds, self._deadline - anyio.current_time())))

    def operation(self, share: float = 1) -> "Operation":
        """Begin a part of this operation that may take this share of the time left."""
        now = anyio.current_time()
        return Operation(self._tenant, now + share * (self._deadline - now))

    def lock(self, name: str = "", kind: str = "account") -> AbstractAsyncContextManager[None]:
        """Lock as `Tenant.lock` does, waiting until the operation's deadline at most."""
        return self._tenant.lock(name, kind, self._deadline)


@contextmanager
def _marking_maybe_sent(maybe_sent: bool) -> Iterator[None]:
    """If an earlier try may have been carried out, set `maybe_sent` on an AccountError that leaves this block."""
    try:
        yield
    except AccountError as error:
        error.maybe_sent = error.maybe_sent or maybe_sent
        raise
