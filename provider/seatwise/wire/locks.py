"""A lock that waits no longer than the operation's deadline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from ..core.vendor.errors import Unreachable


@asynccontextmanager
async def locked(lock: anyio.Lock, deadline: float, problem: str, vendor: str) -> AsyncIterator[None]:
    """Hold the lock during the block.

    Raises Unreachable with `problem` if the lock is not free by the deadline (the event loop's seconds).
    """
    with anyio.CancelScope(deadline=deadline) as scope:
        await lock.acquire()
    if scope.cancelled_caught:
        raise Unreachable(problem, maybe_sent=False, vendor=vendor)
    try:
        yield
    finally:
        lock.release()
