"""A tenant's access token: requested once for all waiting operations, and renewed shortly before it expires."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import anyio

from ..core.vendor.errors import NotAuthorised, RateLimited, Unreachable, VendorBroken
from ..core.vendor.http import Answer, Request
from ..core.vendor.secrets import Known
from ..core.vendor.vendor import Refresh, Token, Vendor
from .locks import locked

Send = Callable[[Request, Token | None, float], Awaitable[Answer]]


class Login:
    """The current token of a tenant.

    `known` learns the token's secrets, so that messages blank them. `send` sends a request with a token (or none) and
    retries until a deadline (the event loop's seconds).
    """

    def __init__(self, vendor: Vendor, known: Known, send: Send) -> None:
        self._vendor = vendor
        self._send = send
        self._token: Token | None = None
        self._renew_at: float | None = None
        self._useless: Token | None = None
        self._known = known
        self._is_refused = False
        self._lock = anyio.Lock()

    async def token(self, deadline: float) -> Token:
        """Return a token that has not expired; log in or renew the token if necessary. Raises NotAuthorised."""
        if self._token is None or self._is_due():
            async with self._locked(deadline):
                if self._token is None or self._is_due():
                    await self._renew(deadline)
        assert self._token
        return self._token

    async def renewed(self, refused: Token, deadline: float) -> Token:
        """Return a token other than the refused one; the same token if a new login cannot help. Raises NotAuthorised.

        A static key, and a token that was refused right after its login, are not renewed.
        """
        async with self._locked(deadline):
            if self._token is refused and self._useless is not refused and self._vendor.token() is None:
                await self._renew(deadline)
        assert self._token
        return self._token

    def give_up(self, token: Token) -> None:
        """Record that the vendor refused a new token: `renewed` does not replace it, since a login did not help."""
        self._useless = token

    def _locked(self, deadline: float) -> AbstractAsyncContextManager[None]:
        """Return the lock that allows one login at a time."""
        return locked(self._lock, deadline, "the login took too long", self._vendor.title)

    def _is_due(self) -> bool:
        return self._renew_at is not None and anyio.current_time() >= self._renew_at

    async def _renew(self, deadline: float) -> None:
        token = None
        if not self._is_refused:  # repeated logins with a wrong password lock the account
            token = self._vendor.token() or await self._refreshed(deadline) or await self._ask(None, deadline)
        if token is None:
            self._is_refused = True
            remedy = self._vendor.way_to_log_in
            raise NotAuthorised("the vendor refused the login", status=401, vendor=self._vendor.title, remedy=remedy)
        self._token = token
        self._known.learn(*token.secrets())
        left = _seconds_left(token)
        self._renew_at = None if left is None else anyio.current_time() + left - min(60.0, 0.2 * left)

    async def _refreshed(self, deadline: float) -> Token | None:
        if self._token is None or self._token.refresh is None:
            return None
        refresh = self._token.refresh
        token = await self._ask(refresh, deadline)
        # RFC 6749, section 6: without a new refresh token in the answer, the old one stays valid.
        return token and replace(token, refresh=token.refresh or refresh)

    async def _ask(self, refresh: Refresh | None, deadline: float, tries: int = 2) -> Token | None:
        """Request a token; return None if the vendor refuses the credentials or the refresh token.

        Repeats the request once if the answer has no usable token. Raises VendorBroken, RateLimited, Unreachable.
        """
        try:
            answer = await self._send(self._vendor.request_login(refresh), None, deadline)
        except Unreachable as error:
            error.maybe_sent = False  # the request that needed the token was not sent
            raise
        title = self._vendor.title
        if answer.ok and answer.object:
            token = self._vendor.parse_token(answer)
            if token.is_whole:
                return token
            if tries > 1:
                return await self._ask(refresh, deadline, tries - 1)
            problem = "the login returned no usable token"
            raise VendorBroken(problem, status=answer.status, vendor=title)
        if self._vendor.is_throttled(answer):
            raise RateLimited("the vendor throttled the login", status=answer.status, vendor=title)
        if answer.status in (400, 401, 403):
            return None
        raise VendorBroken(f"the login failed with status {answer.status}", status=answer.status, vendor=title)


def _seconds_left(token: Token) -> float | None:
    """Return the seconds until the token expires; None if the vendor gives no end, or an end that has passed."""
    if token.expires_in is not None and token.expires_in > 0:
        return token.expires_in
    left = (token.expires_at or 0) - time.time()
    return left if left > 0 else None  # with a wrong clock, each request would renew the token
