"""The event loop of this process, in its own thread.

Pulumi's dynamic provider host calls from several threads. All their I/O runs in this loop, so that they share
connections, tokens and pacing.
"""

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

import anyio
from anyio.from_thread import BlockingPortal

T = TypeVar("T")
_lock = threading.Lock()
_portal: BlockingPortal | None = None
_calls = 0
"""How many `call`s wait for their result."""


def call(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run a coroutine function in the loop and wait for its result, from any thread."""
    global _calls
    portal = _running()
    with _lock:
        _calls += 1
    try:
        return portal.call(function, *arguments)
    finally:
        with _lock:
            _calls -= 1


def is_idle() -> bool:
    """Return whether no `call` waits for its result."""
    return _calls == 0


def start(function: Callable[..., Awaitable[T]], *arguments: object) -> "Future[T]":
    """Run a coroutine function in the loop, from any thread, without waiting for its result."""
    return _running().start_task_soon(function, *arguments)


def _running() -> BlockingPortal:
    global _portal
    with _lock:
        if _portal is None:
            ready: Future[BlockingPortal] = Future()
            # A daemon thread, so that an interrupted host ends at once and does not wait for a last request.
            threading.Thread(target=anyio.run, args=(_serve, ready), name="seatwise", daemon=True).start()
            _portal = ready.result()
        return _portal


async def _serve(ready: "Future[BlockingPortal]") -> None:
    async with BlockingPortal() as portal:
        ready.set_result(portal)
        await portal.sleep_until_stopped()
