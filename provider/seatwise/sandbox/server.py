"""The sandbox's server: the stand-ins, the middleware, the sandbox's own API and the page.

The API and the page act for a person at a vendor's admin page and for tests: they show and change accounts, show the
log, and set the switches.
"""

import asyncio
import socket
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from threading import Thread
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Router
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from . import back_door, middleware, page
from .by_hand import Admin
from .guard import Guard, SecurityHeaders
from .replies import Options, StandIn
from .store import Store

Watch = Callable[[str], None]
LOOPBACK = "127.0.0.1"
KEEP_ALIVE_S = 75
"""Seconds that an idle connection stays open. Uvicorn's 5 are httpx's, too: a request may meet the connection's end."""


def _stand_ins() -> Iterator[StandIn]:
    package = __name__.rpartition(".")[0]
    for module in iter_modules([str(Path(__file__).parent)]):
        found = import_module(f"{package}.{module.name}")
        if hasattr(found, "MOUNTS"):
            yield cast(StandIn, found)


STAND_INS: Mapping[str, StandIn] = {stand_in.VENDOR: stand_in for stand_in in _stand_ins()}


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that point seatwise at the sandbox at `url`."""
    return {name: value for each in STAND_INS.values() for name, value in each.environment(url).items()}


_HUMAN_SIDE = Mount("/", SecurityHeaders(Router([Mount("/sandbox", routes=back_door.ROUTES), *page.ROUTES])))


def app(store: Store, options: Options | None = None, watch: Watch = lambda line: None) -> Starlette:
    """Return the sandbox as an ASGI application; `watch` gets a line for each request to a vendor."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    routes = [
        *(Mount(path, routes=routes) for each in STAND_INS.values() for path, routes in each.MOUNTS.items()),
        _HUMAN_SIDE,
    ]
    sandbox = Starlette(routes=routes, lifespan=lifespan)
    sandbox.state.store = store
    sandbox.state.stand_ins = STAND_INS
    sandbox.state.admin = Admin(store, STAND_INS)
    sandbox.state.taken = defaultdict(deque)
    options = options or Options()
    usual = {name: quirk.usual for each in STAND_INS.values() for name, quirk in each.QUIRKS.items()}
    sandbox.state.options = sandbox.state.usual = replace(options, quirks=usual | options.quirks)
    sandbox.state.watch = watch
    # The last one runs first: a request that the guard refuses is not logged or counted, and meets no fault.
    for each in (middleware.Throttle, middleware.Faults, middleware.Log, middleware.Holds):
        sandbox.add_middleware(each, state=sandbox.state)
    sandbox.add_middleware(Guard)
    return sandbox


def seed(store: Store, records: Mapping[str, list[dict[str, Any]]]) -> int:
    """Put accounts into an empty sandbox: complete records by vendor, as `/sandbox/accounts` shows them.

    Returns their number; raises ValueError for an unknown vendor, Taken for a repeated e-mail, and KeyError,
    AttributeError or TypeError for data of another shape.
    """
    unknown = sorted(records.keys() - STAND_INS.keys())
    if unknown:
        raise ValueError(f"no such vendor: {', '.join(unknown)}; there are {', '.join(sorted(STAND_INS))}")
    count = 0
    for vendor, accounts in records.items():
        for record in accounts:
            stand_in = STAND_INS[vendor]
            store.add(vendor, str(record[stand_in.ID]), record[stand_in.EMAIL], record)
            count += 1
    return count


def listen(port: int = 0) -> socket.socket:
    """Return a listening socket on loopback; port 0 takes a free one. Raises OSError if the port is in use."""
    found = socket.socket(proto=socket.IPPROTO_TCP)  # without `proto`, asyncio does not switch off Nagle's 40 ms delay
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen(128)
    except OSError:
        found.close()
        raise
    return found


def url_of(server: socket.socket) -> str:
    """Return the URL of a listening socket."""
    return f"http://{LOOPBACK}:{server.getsockname()[1]}"


def serve(sandbox: Starlette, on: socket.socket) -> None:
    """Serve until Ctrl-C."""
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after its shutdown
        _server(sandbox).run(sockets=[on])


@contextmanager
def running(path: Path | None = None, options: Options | None = None) -> Iterator[str]:
    """Run a sandbox in a thread of this process during the block; yield its URL."""
    sandbox, found = app(Store(path), options), listen()
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


class _Connection(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """A connection that can be cut without an answer, by `scope["state"]["cut"]()`: ASGI has no message for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "cut": transport.abort}


def _server(sandbox: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        sandbox, http=_Connection, log_level="warning", timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)
