"""Steps before a stand-in gets a request: holding, logging, faults and rate limits."""

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .replies import Fault, Hold, Options, StandIn, is_login


def vendor_of(scope: Scope, stand_ins: Mapping[str, StandIn]) -> str | None:
    """Return the vendor that a request is for; None for the page and the sandbox's own API."""
    if scope["type"] != "http":
        return None
    first = scope["path"].split("/")[1].removesuffix("-1.5")
    return first if first in stand_ins else None


class Holds:
    """Stops answering at a certain request, so that a test can kill the client while it waits."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hold: Hold | None = self._state.options.hold if vendor_of(scope, self._state.stand_ins) else None
        if hold is not None:
            hold.seen += 1
        if hold is None or hold.seen < hold.at:
            await self._inner(scope, receive, send)
            return
        if hold.seen == hold.at:
            if hold.carried_out:
                await self._inner(scope, receive, _discard)
            hold.reached = True
        await _client_disconnected(receive)


class Log:
    """Logs every request to a vendor with its body, status and duration; status 0 means no answer."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = vendor_of(scope, self._state.stand_ins)
        if vendor is None:
            await self._inner(scope, receive, send)
            return
        body = bytearray()
        status = 0

        async def listen() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def speak(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        started = time.monotonic()
        await self._inner(scope, listen, speak)
        seconds = time.monotonic() - started
        try:
            decoded = json.loads(bytes(body)) if body else None
        except (ValueError, RecursionError):
            decoded = None
        path = scope["path"].removeprefix(f"/{scope['path'].split('/')[1]}")
        if is_login(path):
            decoded = None  # the body of a login contains credentials
        query = scope["query_string"].decode()
        self._state.store.log(vendor, scope["method"], path, query, decoded, status, seconds)
        self._state.watch(f"{vendor:8} {status or '---'} {scope['method']:6} {path}")


class Faults:
    """Makes requests to a vendor fail, as `Options.faults` says."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = vendor_of(scope, self._state.stand_ins) if self._state.options.faults else None
        fault = self._met(vendor, scope) if vendor else None
        if vendor is None or fault is None:
            await self._inner(scope, receive, send)
            return
        match fault.kind:
            case "slow":
                await anyio.sleep(fault.seconds)
                await self._inner(scope, receive, send)
            case "unavailable":
                await PlainTextResponse("Service Unavailable", 503)(scope, receive, send)
            case "throttled":
                await self._state.stand_ins[vendor].throttled(int(fault.seconds))(scope, receive, send)
            case "lost":
                await self._inner(scope, receive, _discard)
                scope["state"]["cut"]()
                await _client_disconnected(receive)
            case "silent":
                await _client_disconnected(receive)

    def _met(self, vendor: str, scope: Scope) -> Fault | None:
        """Return the fault for this request, if any, and count the request against the fault's `times`."""
        options: Options = self._state.options
        fault = options.faults.get(vendor)
        if fault is None or (fault.writes and (scope["method"] == "GET" or is_login(scope["path"]))):
            return None
        if fault.times:
            left = replace(fault, times=fault.times - 1) if fault.times > 1 else None
            self._state.options = options.with_faults({vendor: left})
        return fault


class Throttle:
    """Enforces the documented limits over sliding windows; each stand-in has its own answer."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = vendor_of(scope, self._state.stand_ins)
        wait = self._wait(vendor, scope["method"]) if vendor and self._state.options.limits else 0
        if vendor is None or not wait:
            await self._inner(scope, receive, send)
            return
        reply = self._state.stand_ins[vendor].throttled(int(wait) + 1)
        await reply(scope, receive, send)

    def _wait(self, vendor: str, method: str) -> float:
        """Return the seconds until a request is allowed; if that is 0, count this request."""
        now, windows = time.monotonic(), list[deque[float]]()
        stand_in: StandIn = self._state.stand_ins[vendor]
        for limit in stand_in.LIMITS:
            if limit.writes and method == "GET":
                continue
            window: deque[float] = self._state.taken[vendor, limit]
            while window and window[0] + limit.seconds <= now:
                window.popleft()
            if len(window) >= limit.requests:
                return window[0] + limit.seconds - now
            windows.append(window)
        for window in windows:
            window.append(now)
        return 0


async def _discard(_: Message) -> None:
    return


async def _client_disconnected(receive: Receive) -> None:
    """Wait until the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
