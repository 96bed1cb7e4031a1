"""A tenant's token: one request for it however many wait, renewed shortly before it expires."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import anyio

from ..core.vendor.errors import NotAuthorised, RateLimited, Unreachable, VendorBroken
from ..core.vendor.http import Answer, Request
from ..core.vendor.secrets import Known
from ..core.vendor.vendor import Token, Vendor
from .turns import turn

Send = Callable[[Request, Token | None, float], Awaitable[Answer]]


class Login:
    """The one token of a tenant, whose credentials become `known`.

    `send` sends a request with a token (or none) until a deadline.
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
        """A token that is good now."""
        if self._token is None or self._is_due():
            async with self._alone(deadline):
                if self._token is None or self._is_due():
                    await self._renew(deadline)
        assert self._token
        return self._token

    async def renewed(self, refused: Token, deadline: float) -> Token:
        """Another token than the refused one; the same when no other would help."""
        async with self._alone(deadline):
            if self._token is refused and self._useless is not refused and self._vendor.token() is None:
                await self._renew(deadline)
        assert self._token
        return self._token

    def give_up(self, token: Token) -> None:
        """A token that was refused as soon as it was there: it is not the token, and asking again is no cure."""
        self._useless = token

    def _alone(self, deadline: float) -> AbstractAsyncContextManager[None]:
        """One login at a time."""
        return turn(self._lock, deadline, "the login took too long", self._vendor.title)

    def _is_due(self) -> bool:
        return self._renew_at is not None and anyio.current_time() >= self._renew_at

    async def _renew(self, deadline: float) -> None:
        token = None
        if not self._is_refused:  # asking again and again with a bad password locks accounts
            token = self._vendor.token() or await self._refreshed(deadline) or await self._ask(None, deadline)
        if token is None:
            self._is_refused = True
            remedy = self._vendor.way_to_log_in
            raise NotAuthorised("the login is refused", status=401, vendor=self._vendor.title, remedy=remedy)
        self._token = token
        self._known.learn(*token.secrets())
        left = _seconds_left(token)
        self._renew_at = None if left is None else anyio.current_time() + left - min(60.0, 0.2 * left)

    async def _refreshed(self, deadline: float) -> Token | None:
        if self._token is None or self._token.refresh is None:
            return None
        refresh = self._token.refresh
        token = await self._ask(refresh, deadline)
        # RFC 6749, 6: an answer without a refresh token leaves the old one good.
        return token and replace(token, refresh=token.refresh or refresh)

    async def _ask(self, refresh: Any, deadline: float, tries: int = 2) -> Token | None:
        """Ask for a token; None when the credentials or the refresh token are refused.

        An answer without a token that can be used is asked for once more.
        """
        try:
            answer = await self._send(self._vendor.login(refresh), None, deadline)
        except Unreachable as error:
            error.maybe_sent = False  # what the login was for has not left
            raise
        title = self._vendor.title
        if answer.ok and answer.object:
            token = self._vendor.granted(answer)
            if token.is_whole:
                return token
            if tries > 1:
                return await self._ask(refresh, deadline, tries - 1)
            problem = "the login gave no token that can be used"
            raise VendorBroken(problem, status=answer.status, vendor=title)
        if self._vendor.wait(answer):
            raise RateLimited("the login was turned away", status=answer.status, vendor=title)
        if answer.status in (400, 401, 403):
            return None
        raise VendorBroken(f"the login failed with {answer.status}", status=answer.status, vendor=title)


def _seconds_left(token: Token) -> float | None:
    """How long a token is good; None when it does not say so in a way that can be believed."""
    if token.expires_in is not None and token.expires_in > 0:
        return token.expires_in
    left = (token.expires_at or 0) - time.time()
    return left if left > 0 else None  # a clock that is wrong would renew it at every request
