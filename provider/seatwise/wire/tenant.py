"""One vendor's tenant that can be spoken to: connections, login, pacing and retries.

All of it runs in one event loop. Time is the event loop's own, so that tests run it in virtual time.
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

from ..core.account.exchanges import Exchanges
from ..core.account.list_cache import ListCache
from ..core.account.notices import Notices
from ..core.account.ownership import Ownership
from ..core.account.ports import EngineState
from ..core.account.removals import Removals
from ..core.vendor.errors import AccountError, InvalidAccount, RateLimited, Unreachable
from ..core.vendor.http import Answer, Effect, Request, retry_after
from ..core.vendor.secrets import Vault
from ..core.vendor.vendor import Token, Vendor
from .body import ACCEPTED, UnfitBody, read
from .engine import StackState
from .journal import Aside, Journal
from .login import Login
from .pacing import OwnTally, Pacing, SharedTally
from .proxy import Proxy, Tunnel, is_final
from .retry import Allowance, Outcome, may_repeat, wait
from .settings import RunSettings
from .turns import turn

T = TypeVar("T")
TIMEOUT = httpx.Timeout(30, connect=5, pool=None)  # seconds
NOT_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol,
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """How one try ended: with a final answer (`outcome` is None), or with what is known instead."""

    outcome: Outcome | None
    answer: Answer | None = None
    problem: str = ""
    is_final: bool = False
    """Whether another try would end the same."""


class Tenant:
    """Sends a vendor's requests as one tenant.

    `warn` tells the user something that is no failure; `run` and `removals` are the same for all tenants;
    `transport`, `aside` and `engine_state` are the seams for tests.
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
        self.ownership = Ownership()
        self.exchanges = Exchanges()
        self.unreadable_reported: set[tuple[str, str]] = set()
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._shared = SharedTally(name, self.warn, run.journal.with_name("limits.db")) if run.share_limits else None
        self._pacing = Pacing(vendor.paced_by, self._shared or OwnTally())
        self._login = Login(vendor, vault, self._deliver)
        self._allowance = Allowance()
        self._jitter = random.Random()
        self._proxy = Proxy(settings.way, settings.called("proxy")) if settings.way else None
        certificates = ssl.create_default_context(cafile=settings.ca_bundle) if settings.ca_bundle else None
        # Neither redirects nor the environment may send credentials elsewhere: no .netrc, no proxies.
        self._http = httpx.AsyncClient(
            base_url=settings.base_url,
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            proxy=self._proxy.for_httpx(certificates) if self._proxy else None,
            verify=certificates or True,
            transport=transport,
            limits=httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency),
            headers={"Accept": "application/json", "User-Agent": "seatwise", **ACCEPTED},
        )

    def deadline(self) -> float:
        """When what begins now must have ended, in the event loop's seconds."""
        return anyio.current_time() + float(self.vendor.settings.deadline)

    async def send(self, request: Request, deadline: float | None = None) -> Answer:
        """Send with this tenant's token; a refused token is renewed once, for all who use it.

        Without a deadline the request gets one of its own. Raises Unreachable when there is no answer in
        time, RateLimited when the vendor asks for a longer wait than the deadline leaves, NotAuthorised
        when the login is refused.
        """
        deadline = self.deadline() if deadline is None else deadline
        token = await self._login.token(deadline)
        answer = await self._deliver(request, token, deadline)
        if answer.status != 401:
            return answer
        with _marked(answer.maybe_sent_before):
            renewed = await self._login.renewed(token, deadline)
            if renewed is token:
                return answer
            again = await self._deliver(request, renewed, deadline)
        if again.status == 401:
            self._login.give_up(renewed)
        return replace(again, maybe_sent_before=again.maybe_sent_before or answer.maybe_sent_before)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    def now(self) -> float:
        """The event loop's seconds."""
        return anyio.current_time()

    def operation(self, share: float = 1) -> "Operation":
        """One operation, with this share of the usual time."""
        now = anyio.current_time()
        return Operation(self, now + share * (self.deadline() - now))

    def lock(self, account: str = "", deadline: float | None = None) -> AbstractAsyncContextManager[None]:
        """Nobody else of this tenant is in this block meanwhile: that of this account, or of the list of all.

        Raises Unreachable when that takes too long.
        """
        deadline = self.deadline() if deadline is None else deadline
        what = f"work on the account {account}" if account else "look at the list"
        return turn(self._locks[account], deadline, f"somebody else's {what} took too long", self.vendor.title)

    async def each(self, work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Do this for each item, `concurrency` at once. After an AccountError nothing else begins, and it is raised."""
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
        """Send, repeating as the table in `retry` allows, until the deadline (event loop's seconds)."""
        attempt, spent, maybe_sent = 0, 0, False
        while True:
            attempt += 1
            with _marked(maybe_sent):
                await self._paced(request, deadline)
            tried = await self._try(request, token, deadline)
            if tried.answer is not None and tried.outcome is None:
                self._allowance.earn(spent or 1)
                return replace(tried.answer, maybe_sent_before=maybe_sent)
            assert tried.outcome
            asked = retry_after(tried.answer.headers) if tried.answer is not None else None
            pause = wait(attempt, asked, self._jitter)
            in_time = anyio.current_time() + pause < deadline
            if tried.outcome is Outcome.TURNED_AWAY:
                self._pacing.hold(pause)
            cost = self._cost(request, tried.outcome, attempt) if in_time and not tried.is_final else None
            if cost is None:
                with _marked(maybe_sent):
                    return replace(self._given_up(tried, None if in_time else asked), maybe_sent_before=maybe_sent)
            spent = cost
            maybe_sent = maybe_sent or tried.outcome is Outcome.UNCLEAR
            await anyio.sleep(pause)

    def _cost(self, request: Request, outcome: Outcome, attempt: int) -> int | None:
        """What it costs to send the request again; None when it may not be."""
        is_processed_perhaps = outcome is Outcome.TURNED_AWAY and not self.vendor.settings.resend_creates
        if request.effect is Effect.CREATE and is_processed_perhaps:
            return None
        return self._allowance.spend(outcome) if may_repeat(request.effect, outcome, attempt) else None

    def _given_up(self, tried: Tried, too_long: float | None) -> Answer:
        """The answer as it is; raises when there is none, or when it asks for a wait that is `too_long`."""
        title = self.vendor.title
        if tried.answer is None:
            raise Unreachable(
                tried.problem, maybe_sent=tried.outcome is Outcome.UNCLEAR, vendor=title,
                remedy=self._way_to_reach(),
            )  # fmt: skip
        if tried.outcome is Outcome.TURNED_AWAY and too_long is not None:
            raise RateLimited(f"asks to wait {too_long:.0f} seconds", status=tried.answer.status, vendor=title)
        return tried.answer

    def _way_to_reach(self) -> str:
        base_url = self.vendor.settings.base_url
        return self._proxy.remedy(base_url) if self._proxy else f"Check that {base_url} can be reached from here"

    async def _paced(self, request: Request, deadline: float) -> None:
        seconds, title = self.vendor.settings.deadline, self.vendor.title
        more = f"Run it again later, or raise {self.vendor.settings.variable('deadline')} (seconds)"
        if anyio.current_time() >= deadline:
            raise Unreachable(f"{seconds:.0f} seconds are over", maybe_sent=False, vendor=title, remedy=more)
        writes = request.effect in (Effect.CREATE, Effect.REPEATABLE)
        try:
            with anyio.fail_after(deadline - anyio.current_time()):
                await self._pacing.take(writes=writes, deadline=deadline)
        except TimeoutError:
            problem = f"the limit on requests leaves no turn within {seconds:.0f} seconds"
            raise RateLimited(problem, status=429, vendor=title, remedy=more) from None

    async def _try(self, request: Request, token: Token | None, deadline: float) -> Tried:
        """Send once."""
        if self._proxy and self._proxy.refuses_login:
            return Tried(Outcome.NOT_SENT, problem=self._proxy.refusal(), is_final=True)
        tunnel = Tunnel()
        try:
            with anyio.CancelScope(deadline=deadline) as scope:
                answer = await self._exchange(request, token, tunnel)
            if scope.cancelled_caught:
                return self._untold(tunnel)
        except UnfitBody as error:
            return Tried(Outcome.UNCLEAR, problem=f"the answer was lost: its body is {error}")
        except httpx.HTTPError as error:
            return self._failed(error, tunnel)
        if self.vendor.wait(answer):
            return Tried(Outcome.TURNED_AWAY, answer)
        return Tried(Outcome.UNCLEAR if answer.status >= 500 else None, answer)

    def _untold(self, tunnel: Tunnel) -> Tried:
        """The deadline is over, and there is no answer."""
        if self._proxy and tunnel.is_being_built:
            return Tried(Outcome.NOT_SENT, problem=self._proxy.told(httpx.ConnectTimeout("")))
        return Tried(Outcome.UNCLEAR, problem=f"no answer within {self.vendor.settings.deadline:.0f} seconds")

    def _failed(self, error: httpx.HTTPError, tunnel: Tunnel) -> Tried:
        """The connection failed, before the request could leave or after that."""
        if self._proxy and (tunnel.is_being_built or isinstance(error, NOT_SENT)):
            return Tried(Outcome.NOT_SENT, problem=self._proxy.told(error), is_final=is_final(error))
        if isinstance(error, NOT_SENT):
            return Tried(Outcome.NOT_SENT, problem=f"cannot connect ({type(error).__name__})")
        return Tried(Outcome.UNCLEAR, problem=f"the answer was lost ({type(error).__name__})")

    def _built(self, request: Request, token: Token | None, tunnel: Tunnel) -> httpx.Request:
        """The request as it is sent; its JSON is ASCII. Raises InvalidAccount when it cannot be built."""
        headers = {**request.headers, **(token.headers if token else {})}
        try:
            content = None if request.json is None else json.dumps(request.json, allow_nan=False).encode()
            if content is not None:
                headers["Content-Type"] = "application/json"
            return self._http.build_request(
                request.method,
                request.path,
                params=dict(request.query) or None,
                headers=headers,
                content=content,
                data=request.form,
                extensions={"trace": tunnel.trace} if self._proxy else None,
            )
        except (ValueError, TypeError, RecursionError, httpx.InvalidURL) as error:
            raise InvalidAccount(
                f"the request cannot be built ({type(error).__name__}), and was not sent",
                vendor=self.vendor.title,
                remedy="Look for characters or numbers that no text and no JSON can have, in what is declared and in "
                "the settings",
            ) from None

    async def _exchange(self, request: Request, token: Token | None, tunnel: Tunnel) -> Answer:
        outgoing = self._built(request, token, tunnel)
        response = await self._http.send(outgoing, stream=True)
        try:
            body = await read(response)
        finally:
            await response.aclose()
        return Answer(response.status_code, {key.lower(): value for key, value in response.headers.items()}, body)

    @property
    def is_closed(self) -> bool:
        """Whether its connections are closed for good."""
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
    """A tenant during one operation, which ends in time: at the deadline, or its settings' from now."""

    def __init__(self, tenant: Tenant, deadline: float | None = None) -> None:
        self.vendor = tenant.vendor
        self.vault = tenant.vault
        self.journal = tenant.journal
        self.removals = tenant.removals
        self.warn = tenant.warn
        self.notices = tenant.notices
        self.list_cache = tenant.list_cache
        self.ownership = tenant.ownership
        self.engine_state = tenant.engine_state
        self.unreadable_reported = tenant.unreadable_reported
        self.now = tenant.now
        self.each = tenant.each
        self._tenant = tenant
        self._deadline = tenant.deadline() if deadline is None else deadline

    async def send(self, request: Request) -> Answer:
        """Send as the tenant does, until the operation's deadline."""
        return await self._tenant.send(request, self._deadline)

    async def sleep(self, seconds: float) -> None:
        """Wait, and not longer than there is time."""
        await anyio.sleep(max(0, min(seconds, self._deadline - anyio.current_time())))

    def operation(self, share: float = 1) -> "Operation":
        """The same operation, with this share of the time that is left."""
        now = anyio.current_time()
        return Operation(self._tenant, now + share * (self._deadline - now))

    def lock(self, account: str = "") -> AbstractAsyncContextManager[None]:
        """As the tenant's, until the operation's deadline."""
        return self._tenant.lock(account, self._deadline)


@contextmanager
def _marked(maybe_sent: bool) -> Iterator[None]:
    """Let a failure in this block say that an earlier try may have been carried out, if so."""
    try:
        yield
    except AccountError as error:
        error.maybe_sent = error.maybe_sent or maybe_sent
        raise
