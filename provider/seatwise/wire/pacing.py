"""Staying under the vendor's limits: a request takes a token that comes back when its time is over.

The burst is a whole allowance, and no span of the limit's length ever holds more than that.
"""

from collections import deque
from collections.abc import Sequence

import anyio

from ..core.vendor import Limit


class Pace:
    """One limit's tokens. All callers are in one event loop."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._taken: deque[float] = deque()
        self._queue = anyio.Lock()

    async def take(self) -> None:
        """Wait until a request may leave, first come first served."""
        async with self._queue:
            now = anyio.current_time()
            self._give_back(now)
            if len(self._taken) >= self.limit.requests:
                await anyio.sleep(self._taken[0] + self.limit.seconds - now)
                self._give_back(anyio.current_time())
            self._taken.append(anyio.current_time())

    def _give_back(self, now: float) -> None:
        while self._taken and self._taken[0] + self.limit.seconds <= now:
            self._taken.popleft()


class Pacing:
    """All limits of one tenant."""

    def __init__(self, limits: Sequence[Limit], requests_per_minute: int | None) -> None:
        if requests_per_minute is not None:
            limits = [Limit(requests_per_minute, 60)] if requests_per_minute else []
        self._paces = [Pace(limit) for limit in limits]

    async def take(self, *, writes: bool) -> None:
        """Wait until every limit that counts this request lets it leave."""
        for pace in self._paces:
            if writes or not pace.limit.writes:
                await pace.take()
