"""Access to the sandbox (page, API and stand-ins): only programs and browser tabs of this machine, no web site.

A web site in the same browser can send requests to loopback. Two headers reveal it: the Host, if the site's own name
points at loopback (DNS rebinding), and the Origin, which a browser adds to all requests except plain reading
(cross-site request forgery).
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HERE = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
_READING = ("GET", "HEAD")
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # `no-referrer` would make the Origin of our own forms "null"
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Refuses requests from web sites, to the stand-ins too: a web site could read accounts there."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = _problem(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        refusal = PlainTextResponse(f"{problem}\n", 403, _HEADERS) if problem else None
        await (refusal or self._inner)(scope, receive, send)


class SecurityHeaders:
    """Adds headers to the answers of the page and the API, so that no other site can frame, store or include them."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def speak(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._inner(scope, receive, speak)


def _problem(method: str, headers: Headers) -> str | None:
    host = headers.get("host", "").lower()
    if not _HERE.fullmatch(host):
        return "The sandbox is for this machine only: open it by the address that `seatwise sandbox` prints."
    if method in _READING:
        return None
    if headers.get("origin") not in (None, f"http://{host}") or headers.get("sec-fetch-site") not in (
        None, "same-origin", "none",
    ):  # fmt: skip
        return "Another web site sent this request: use the button on the sandbox's own page."
    return None
