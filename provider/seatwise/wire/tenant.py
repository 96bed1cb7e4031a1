"""One vendor's tenant that can be spoken to: connections, login, pacing and retries.

All of it runs in one event loop. Time is the event loop's own, so that tests run it in virtual time.
"""

import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Self, cast

import anyio
import httpx

from ..core.errors import NotAuthorised, RateLimited, Unreachable, VendorBroken
from ..core.http import Answer, Effect, Request
from ..core.secrets import Vault
from ..core.vendor import Token, Vendor
from .journal import Journal
from .pacing import Pacing
from .retry import Outcome, may_repeat, retry_after, wait

LARGEST_ANSWER = 10 * 1024 * 1024  # bytes
TIMEOUT = httpx.Timeout(30, connect=5, pool=None)  # seconds
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Tenant:
    """Sends a vendor's requests as one tenant.

    `warn` tells the user something that is no failure; `transport` is the seam for tests.
    """

    def __init__(
        self,
        vendor: Vendor,
        vault: Vault,
        warn: Callable[[str], None],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.vendor = vendor
        self.warn = warn
        self.journal = Journal(f"{vendor.name} {vendor.settings.tenant_id}", warn)
        self.vault = vault
        self._pacing = Pacing(vendor.limits, vendor.settings.requests_per_minute)
        self._login = Login(self)
        self._jitter = random.Random()
        # Neither redirects nor the environment may send credentials elsewhere: no .netrc, no proxies.
        self._http = httpx.AsyncClient(
            base_url=vendor.settings.base_url,
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
            headers={"Accept": "application/json", "User-Agent": "seatwise"},
        )

    async def send(self, request: Request) -> Answer:
        """Send with this tenant's token; a refused token is renewed once, for all who use it.

        Raises Unreachable when there is no answer in time, RateLimited when the vendor asks for a
        longer wait than the deadline leaves, NotAuthorised when the login is refused.
        """
        deadline = anyio.current_time() + self.vendor.settings.deadline
        token = await self._login.token(deadline)
        answer = await self.send_bare(request, token, deadline)
        if answer.status != 401:
            return answer
        renewed = await self._login.renewed(token, deadline)
        return answer if renewed is token else await self.send_bare(request, renewed, deadline)

    async def send_bare(self, request: Request, token: Token | None, deadline: float) -> Answer:
        """Send, repeating as the table in `retry` allows, until the deadline (event loop's seconds)."""
        attempt = 0
        while True:
            attempt += 1
            await self._paced(request, deadline)
            outcome, answer, problem = await self._once(request, token, deadline)
            if outcome is None and answer is not None:
                return answer
            asked = retry_after(answer.headers) if answer is not None else None
            pause = wait(attempt, asked, self._jitter)
            in_time = anyio.current_time() + pause < deadline
            if outcome is Outcome.TURNED_AWAY:
                self._pacing.hold(pause)
            if outcome is not None and in_time and may_repeat(request.effect, outcome, attempt):
                await anyio.sleep(pause)
                continue
            if answer is None:
                raise Unreachable(
                    problem, maybe_sent=outcome is Outcome.UNCLEAR, vendor=self.vendor.title,
                    remedy=f"Check that {self.vendor.settings.base_url} can be reached from here",
                )  # fmt: skip
            if outcome is Outcome.TURNED_AWAY and asked is not None and not in_time:
                raise RateLimited(f"asks to wait {asked:.0f} seconds", status=answer.status, vendor=self.vendor.title)
            return answer

    async def _paced(self, request: Request, deadline: float) -> None:
        writes = request.effect in (Effect.CREATE, Effect.REPEATABLE)
        try:
            with anyio.fail_after(deadline - anyio.current_time()):
                await self._pacing.take(writes=writes, deadline=deadline)
        except TimeoutError:
            raise RateLimited(
                f"the limit on requests leaves no turn within {self.vendor.settings.deadline:.0f} seconds",
                status=429,
                vendor=self.vendor.title,
                remedy=f"Run it again later, or raise {self.vendor.settings.variable('deadline')} (seconds)",
            ) from None

    async def _once(
        self, request: Request, token: Token | None, deadline: float
    ) -> tuple[Outcome | None, Answer | None, str]:
        """One try: its outcome (None for a final answer), the answer if there is one, and what went wrong."""
        try:
            with anyio.CancelScope(deadline=deadline) as scope:
                answer = await self._exchange(request, token)
            if scope.cancelled_caught:
                return Outcome.UNCLEAR, None, f"no answer within {self.vendor.settings.deadline:.0f} seconds"
        except NOT_SENT as error:
            return Outcome.NOT_SENT, None, f"cannot connect ({type(error).__name__})"
        except (httpx.HTTPError, _TooLarge) as error:
            return Outcome.UNCLEAR, None, f"the answer was lost ({type(error).__name__})"
        if self.vendor.wait(answer):
            return Outcome.TURNED_AWAY, answer, ""
        if answer.status >= 500:
            return Outcome.UNCLEAR, answer, ""
        return None, answer, ""

    async def _exchange(self, request: Request, token: Token | None) -> Answer:
        headers = {**request.headers, **(token.headers if token else {})}
        outgoing = self._http.build_request(
            request.method,
            request.path,
            params=dict(request.query) or None,
            headers=headers,
            json=request.json,
            data=request.form,
        )
        response = await self._http.send(outgoing, stream=True)
        try:
            body = bytearray()
            async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_bytes())) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise _TooLarge
        finally:
            await response.aclose()
        return Answer(
            response.status_code, {key.lower(): value for key, value in response.headers.items()}, bytes(body)
        )

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and the journal."""
        await self._http.aclose()
        self.journal.close()


class _TooLarge(Exception):
    """The answer is larger than any account."""


class Login:
    """A tenant's token: one request for it however many wait, renewed shortly before it expires."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._token: Token | None = None
        self._renew_at: float | None = None
        self._is_refused = False
        self._lock = anyio.Lock()

    async def token(self, deadline: float) -> Token:
        """A token that is good now."""
        if self._token is None or self._is_due():
            async with self._alone(deadline):
                if self._token is None or self._is_due():
                    await self._renew(deadline)
        assert self._token
        return self._token

    async def renewed(self, refused: Token, deadline: float) -> Token:
        """Another token than the refused one; the same when there is no login to get another."""
        async with self._alone(deadline):
            if self._token is refused and self._tenant.vendor.token() is None:
                await self._renew(deadline)
        assert self._token
        return self._token

    @asynccontextmanager
    async def _alone(self, deadline: float) -> AsyncIterator[None]:
        """One login at a time; who waits for another's keeps to the own deadline."""
        with anyio.CancelScope(deadline=deadline) as scope:
            await self._lock.acquire()
        if scope.cancelled_caught:
            raise Unreachable("the login took too long", maybe_sent=False, vendor=self._tenant.vendor.title)
        try:
            yield
        finally:
            self._lock.release()

    def _is_due(self) -> bool:
        return self._renew_at is not None and anyio.current_time() >= self._renew_at

    async def _renew(self, deadline: float) -> None:
        token = None
        if not self._is_refused:  # asking again and again with a bad password locks accounts
            token = self._tenant.vendor.token() or await self._refreshed(deadline) or await self._ask(None, deadline)
        if token is None:
            self._is_refused = True
            raise NotAuthorised("the login is refused", status=401, vendor=self._tenant.vendor.title)
        self._token = token
        left = _seconds_left(token)
        self._renew_at = None if left is None else anyio.current_time() + left - min(60.0, 0.2 * left)

    async def _refreshed(self, deadline: float) -> Token | None:
        if self._token is None or self._token.refresh is None:
            return None
        return await self._ask(self._token.refresh, deadline)

    async def _ask(self, refresh: Any, deadline: float) -> Token | None:
        """Ask for a token; None when the credentials or the refresh token are refused."""
        vendor = self._tenant.vendor
        try:
            answer = await self._tenant.send_bare(vendor.login(refresh), None, deadline)
        except Unreachable as error:
            error.maybe_sent = False  # what the login was for has not left
            raise
        if answer.ok and answer.object:
            return vendor.granted(answer)
        if answer.status in (400, 401, 403):
            return None
        raise VendorBroken(f"the login failed with {answer.status}", status=answer.status, vendor=vendor.title)


def _seconds_left(token: Token) -> float | None:
    """How long a token is good; None when it does not say so in a way that can be believed."""
    if isinstance(token.expires_in, int | float):
        return float(token.expires_in)
    left = (token.expires_at or 0) - time.time()
    return left if left > 0 else None  # a clock that is wrong would renew it at every request
