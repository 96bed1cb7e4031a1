"""Taking turns: who waits for another's work keeps to the own deadline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from ..core.vendor.errors import Unreachable


@asynccontextmanager
async def turn(lock: anyio.Lock, deadline: float, problem: str, vendor: str) -> AsyncIterator[None]:
    """Hold the lock; raises Unreachable with that problem when it is not free by the deadline (loop's seconds)."""
    with anyio.CancelScope(deadline=deadline) as scope:
        await lock.acquire()
    if scope.cancelled_caught:
        raise Unreachable(problem, maybe_sent=False, vendor=vendor)
    try:
        yield
    finally:
        lock.release()
