"""Who may open the sandbox, its page, back door and stand-ins: programs and browser tabs of this machine, no web site.

A web site in the same browser can send requests to loopback. Two things give it away: the Host that it
was reached by, where its name was made to point at loopback (DNS rebinding), and the Origin that a
browser adds to everything but plain reading (cross-site request forgery).
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
    """Turns strangers away, from the stand-ins as well: a web site could read accounts there, too."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        complaint = _complaint(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        refusal = PlainTextResponse(f"{complaint}\n", 403, _HEADERS) if complaint else None
        await (refusal or self._inner)(scope, receive, send)


class Sealed:
    """Lets no answer of the page and the back door be framed, stored or mixed with what others serve."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def speak(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._inner(scope, receive, speak)


def _complaint(method: str, headers: Headers) -> str | None:
    host = headers.get("host", "").lower()
    if not _HERE.fullmatch(host):
        return "The sandbox is for this machine only: open it by the address that `seatwise sandbox` prints."
    if method in _READING:
        return None
    if headers.get("origin") not in (None, f"http://{host}") or headers.get("sec-fetch-site") not in (
        None, "same-origin", "none",
    ):  # fmt: skip
        return "Another web site sent this request: press the button on the sandbox's own page."
    return None
