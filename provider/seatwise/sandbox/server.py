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
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from threading import Thread
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .replies import Hold, Options, StandIn, json_body, json_reply, options_of, store_of
from .store import Store, Taken

Watch = Callable[[str], None]
LOOPBACK = "127.0.0.1"
_INDEX = "seatwise sandbox: stand-ins for Enerflo, Nexudus and Tenovos.\nFor this machine only, not for the internet.\n"


def _stand_ins() -> Iterator[StandIn]:
    package = __name__.rpartition(".")[0]
    for module in iter_modules([str(Path(__file__).parent)]):
        found = import_module(f"{package}.{module.name}")
        if hasattr(found, "MOUNTS"):
            yield cast(StandIn, found)


STAND_INS = {stand_in.VENDOR: stand_in for stand_in in _stand_ins()}


def environment(url: str) -> dict[str, str]:
    """The settings that point seatwise at a sandbox."""
    return {name: value for each in STAND_INS.values() for name, value in each.environment(url).items()}


def app(store: Store, options: Options | None = None, watch: Watch = lambda line: None) -> Starlette:
    """The sandbox as an ASGI application; `watch` gets a line for every request to a vendor."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    routes = [
        *(Mount(path, routes=routes) for each in STAND_INS.values() for path, routes in each.MOUNTS.items()),
        Mount("/sandbox", routes=_BACK_DOOR),
        Route("/", lambda request: PlainTextResponse(_INDEX)),
    ]
    sandbox = Starlette(routes=routes, lifespan=lifespan)
    sandbox.state.store = store
    sandbox.state.taken = defaultdict(deque)
    options = options or Options()
    usual = {name: value for each in STAND_INS.values() for name, value in each.QUIRKS.items()}
    sandbox.state.options = sandbox.state.usual = replace(options, quirks=usual | options.quirks)
    sandbox.state.watch = watch
    sandbox.add_middleware(_Throttle, state=sandbox.state)
    sandbox.add_middleware(_Log, state=sandbox.state)
    sandbox.add_middleware(_Hold, state=sandbox.state)
    return sandbox


class _Hold:
    """Stops answering where it is asked to: the vendors as a client sees them that is about to crash."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hold: Hold | None = self._state.options.hold if _vendor(scope) else None
        if hold is not None:
            hold.seen += 1
        if hold is None or hold.seen < hold.at:
            await self._inner(scope, receive, send)
            return
        if hold.seen == hold.at:
            if hold.carried_out:
                await self._inner(scope, receive, _nowhere)
            hold.reached = True
        while (await receive())["type"] != "http.disconnect":
            pass  # a held request ends with its client


async def _nowhere(_: Message) -> None:
    return


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
            decoded = None
        path = scope["path"].removeprefix(f"/{scope['path'].split('/')[1]}")
        if path.endswith("/token"):
            decoded = None  # a login holds credentials
        query = scope["query_string"].decode()
        self._state.store.log(vendor, scope["method"], path, query, decoded, status)
        self._state.watch(f"{vendor:8} {status} {scope['method']:6} {path}")


class _Throttle:
    """The documented limits, over sliding windows; each vendor says no in its own way."""

    def __init__(self, inner: ASGIApp, state: Any) -> None:
        self._inner = inner
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = _vendor(scope)
        wait = self._wait(vendor, scope["method"]) if vendor and self._state.options.limits else 0
        if vendor is None or not wait:
            await self._inner(scope, receive, send)
            return
        reply = STAND_INS[vendor].throttled(int(wait) + 1)
        await reply(scope, receive, send)

    def _wait(self, vendor: str, method: str) -> float:
        """Seconds until the next request may come; 0 counts this one."""
        now, windows = time.monotonic(), list[deque[float]]()
        for limit in STAND_INS[vendor].LIMITS:
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


def _vendor(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    first = scope["path"].split("/")[1].removesuffix("-1.5")
    return first if first in STAND_INS else None


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
    record |= STAND_INS[vendor].touched() | await json_body(request)
    try:
        store.replace(vendor, account, record[STAND_INS[vendor].EMAIL], record)
    except Taken:
        return json_reply({"error": "the e-mail is taken"}, 409)
    return json_reply(record)


async def _remove(request: Request) -> Response:
    vendor, account = request.path_params["vendor"], request.path_params["id"]
    if not store_of(request).remove(vendor, account, reserve=STAND_INS[vendor].KEEPS_EMAILS):
        return json_reply({"error": "no such account"}, 404)
    return json_reply({})


async def _start_over(request: Request) -> Response:
    store_of(request).clear()
    request.app.state.taken.clear()
    request.app.state.options = request.app.state.usual
    return json_reply({})


async def _log(request: Request) -> Response:
    since = int(request.query_params.get("since", 0))
    return json_reply(list(store_of(request).logged(since)))


async def _switches(request: Request) -> Response:
    return json_reply(asdict(options_of(request)))


async def _switch(request: Request) -> Response:
    switches, options = await json_body(request), options_of(request)
    own = {name: switches.pop(name) for name in ("limits", "token_lifetime", "hold") if name in switches}
    unknown = switches.keys() - options.quirks.keys()
    if unknown:
        return json_reply({"error": f"no such switch: {', '.join(sorted(unknown))}"}, 400)
    if own.get("hold"):
        own["hold"] = Hold(**own["hold"])
    request.app.state.options = replace(options, **own, quirks=options.quirks | switches)
    return json_reply({})


async def _expire(request: Request) -> Response:
    store_of(request).revoke(request.path_params["vendor"])
    return json_reply({})


_BACK_DOOR = [
    Route("/everything", _start_over, methods=["DELETE"]),
    Route("/accounts/{vendor}", _accounts),
    Route("/accounts/{vendor}/{id}", _change, methods=["PATCH"]),
    Route("/accounts/{vendor}/{id}", _remove, methods=["DELETE"]),
    Route("/log", _log),
    Route("/options", _switches, methods=["GET"]),
    Route("/options", _switch, methods=["PATCH"]),
    Route("/tokens/{vendor}", _expire, methods=["DELETE"]),
]


# --- running it -------------------------------------------------------------------------------


def seed(store: Store, records: Mapping[str, list[dict[str, Any]]]) -> int:
    """Put accounts into an empty sandbox: full records by vendor, as `/sandbox/accounts` shows them."""
    count = 0
    for vendor, accounts in records.items():
        for record in accounts:
            stand_in = STAND_INS[vendor]
            store.add(vendor, str(record[stand_in.ID]), record[stand_in.EMAIL], record)
            count += 1
    return count


def listening(port: int = 0) -> socket.socket:
    """A socket on loopback; port 0 takes a free one. Raises OSError when the port is in use."""
    found = socket.socket(proto=socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle's 40 ms in
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen(128)
    except OSError:
        found.close()
        raise
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
