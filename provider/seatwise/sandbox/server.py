"""The sandbox's server: the three stand-ins, their rate limits, the request log and the back door.

The back door, under `/sandbox`, is the hand of a person at the vendor's admin page and the eye of a
test: it shows and changes accounts, shows the log, and turns the switches.
"""

import json
import socket
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import enerflo, nexudus, tenovos
from .replies import Options, json_body, json_reply, options_of, store_of
from .store import Store, Taken

Watch = Callable[[str], None]
LOOPBACK = "127.0.0.1"
EMAIL_KEYS = {"enerflo": "email", "nexudus": "Email", "tenovos": "email"}
# (requests, seconds, writes only), as documented.
LIMITS = {
    "enerflo": [(300, 60.0, False)],
    "nexudus": [(60, 60.0, True), (120, 60.0, False), (10, 1.0, False)],
}
_INDEX = "seatwise sandbox: stand-ins for Enerflo, Nexudus and Tenovos.\nFor this machine only, not for the internet.\n"


def environment(url: str) -> dict[str, str]:
    """The settings that point seatwise at a sandbox."""
    return {
        "ENERFLO_BASE_URL": f"{url}/enerflo",
        "ENERFLO_API_KEY": enerflo.API_KEY,
        "NEXUDUS_BASE_URL": f"{url}/nexudus",
        "NEXUDUS_USERNAME": nexudus.USERNAME,
        "NEXUDUS_PASSWORD": nexudus.PASSWORD,
        "TENOVOS_BASE_URL": f"{url}/tenovos",
        "TENOVOS_API_KEY": tenovos.API_KEY,
        "TENOVOS_CLIENT_ID": tenovos.CLIENT_ID,
        "TENOVOS_USERNAME": tenovos.USERNAME,
        "TENOVOS_PASSWORD": tenovos.PASSWORD,
    }


def app(store: Store, options: Options | None = None, watch: Watch = lambda line: None) -> Starlette:
    """The sandbox as an ASGI application; `watch` gets a line for every request to a vendor."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    routes = [
        Mount("/enerflo", routes=enerflo.ROUTES),
        Mount("/nexudus", routes=nexudus.ROUTES),
        Mount("/tenovos-1.5", routes=tenovos.ROUTES_1_5),
        Mount("/tenovos", routes=tenovos.ROUTES),
        Mount("/sandbox", routes=_BACK_DOOR),
        Route("/", lambda request: PlainTextResponse(_INDEX)),
    ]
    sandbox = Starlette(routes=routes, lifespan=lifespan)
    sandbox.state.store = store
    sandbox.state.options = options or Options()
    sandbox.state.watch = watch
    sandbox.add_middleware(_Throttle, state=sandbox.state)
    sandbox.add_middleware(_Log, state=sandbox.state)
    return sandbox


class _Log:
    """Keeps every request to a vendor with its body and status."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = _vendor(scope)
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

        await self._inner(scope, listen, speak)
        try:
            decoded = json.loads(bytes(body)) if body else None
        except ValueError:
            decoded = None  # a form, which holds credentials
        path = scope["path"].removeprefix(f"/{scope['path'].split('/')[1]}")
        query = scope["query_string"].decode()
        self._state.store.log(vendor, scope["method"], path, query, decoded, status)
        self._state.watch(f"{vendor:8} {status} {scope['method']:6} {path}")


class _Throttle:
    """The documented limits, over sliding windows; each vendor says no in its own way."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state
        self._taken: defaultdict[tuple[str, int], deque[float]] = defaultdict(deque)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = _vendor(scope)
        wait = self._wait(vendor, scope["method"]) if vendor and self._state.options.limits else 0
        if not wait:
            await self._inner(scope, receive, send)
            return
        seconds = str(int(wait) + 1)
        if vendor == "nexudus":
            reply = Response(status_code=409, headers={"Retry-After": seconds})
        else:
            headers = {
                "retry-after": seconds, "x-ratelimit-limit": "300", "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(time.time() + wait)),
            }  # fmt: skip
            html = "<html><title>Too Many Requests</title></html>"
            reply = Response(html, 429, headers, "text/html; charset=UTF-8")
        await reply(scope, receive, send)

    def _wait(self, vendor: str, method: str) -> float:
        """Seconds until the next request may come; 0 counts this one."""
        now, windows = time.monotonic(), []
        for index, (requests, seconds, writes) in enumerate(LIMITS.get(vendor, [])):
            if writes and method == "GET":
                continue
            window = self._taken[vendor, index]
            while window and window[0] + seconds <= now:
                window.popleft()
            if len(window) >= requests:
                return window[0] + seconds - now
            windows.append(window)
        for window in windows:
            window.append(now)
        return 0


def _vendor(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    first = scope["path"].split("/")[1].removesuffix("-1.5")
    return first if first in EMAIL_KEYS else None


# --- the back door ----------------------------------------------------------------------------


async def _accounts(request: Request) -> Response:
    vendor = request.path_params["vendor"]
    return json_reply([{"id": account, "record": record} for account, record in store_of(request).all(vendor)])


async def _change(request: Request) -> Response:
    vendor, account = request.path_params["vendor"], request.path_params["id"]
    store = store_of(request)
    record = store.get(vendor, account)
    if record is None:
        return json_reply({"error": "no such account"}, 404)
    record |= await json_body(request)
    try:
        store.replace(vendor, account, record[EMAIL_KEYS[vendor]], record)
    except Taken:
        return json_reply({"error": "the e-mail is taken"}, 409)
    return json_reply(record)


async def _remove(request: Request) -> Response:
    vendor, account = request.path_params["vendor"], request.path_params["id"]
    # Enerflo keeps the e-mail of a deleted user.
    if not store_of(request).remove(vendor, account, reserve=vendor == "enerflo"):
        return json_reply({"error": "no such account"}, 404)
    return json_reply({})


async def _log(request: Request) -> Response:
    since = int(request.query_params.get("since", 0))
    return json_reply(list(store_of(request).logged(since)))


async def _switch(request: Request) -> Response:
    switches = await json_body(request)
    unknown = switches.keys() - asdict(options_of(request)).keys()
    if unknown:
        return json_reply({"error": f"no such switch: {', '.join(sorted(unknown))}"}, 400)
    request.app.state.options = replace(options_of(request), **switches)
    return json_reply(asdict(options_of(request)))


async def _expire(request: Request) -> Response:
    store_of(request).revoke(request.path_params["vendor"])
    return json_reply({})


_BACK_DOOR = [
    Route("/accounts/{vendor}", _accounts),
    Route("/accounts/{vendor}/{id}", _change, methods=["PATCH"]),
    Route("/accounts/{vendor}/{id}", _remove, methods=["DELETE"]),
    Route("/log", _log),
    Route("/options", _switch, methods=["PATCH"]),
    Route("/tokens/{vendor}", _expire, methods=["DELETE"]),
]


# --- running it -------------------------------------------------------------------------------


def seed(store: Store, records: Mapping[str, list[dict[str, Any]]]) -> int:
    """Put accounts into an empty sandbox: full records by vendor, as `/sandbox/accounts` shows them."""
    count = 0
    for vendor, accounts in records.items():
        for record in accounts:
            key = {"enerflo": "id", "nexudus": "Id", "tenovos": "userId"}[vendor]
            store.add(vendor, str(record[key]), record[EMAIL_KEYS[vendor]], record)
            count += 1
    return count


def listening(port: int = 0) -> socket.socket:
    """A socket on loopback; port 0 takes a free one. Raises OSError when the port is in use."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((LOOPBACK, port))
    found.listen(128)
    return found


def url_of(server: socket.socket) -> str:
    """The URL of a listening socket."""
    return f"http://{LOOPBACK}:{server.getsockname()[1]}"


def serve(sandbox: Starlette, on: socket.socket) -> None:
    """Serve until Ctrl-C."""
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has closed everything
        _server(sandbox).run(sockets=[on])


@contextmanager
def running(path: Path | None = None, options: Options | None = None) -> Iterator[str]:
    """A sandbox in a thread of this process; gives its URL."""
    sandbox, found = app(Store(path), options), listening()
    server = _server(sandbox)
    thread = Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield url_of(found)
    finally:
        server.should_exit = True
        thread.join()


def _server(sandbox: Starlette) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(sandbox, log_level="warning", timeout_graceful_shutdown=1))
