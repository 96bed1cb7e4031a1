"""Staying under the vendor's limits: a request takes a token that comes back when its time is over.

The burst is a whole allowance, and no span of a limit's length ever holds more than that.
"""

from collections import deque
from collections.abc import Sequence

import anyio

from ..core.vendor import Limit


class Pace:
    """One limit's tokens."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._taken: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until a token is free."""
        while self._taken and self._taken[0] + self.limit.seconds <= now:
            self._taken.popleft()
        if len(self._taken) < self.limit.requests:
            return 0
        return self._taken[0] + self.limit.seconds - now

    def take(self, now: float) -> None:
        """Take a token that is free."""
        self._taken.append(now)


class Pacing:
    """All limits of one tenant. All callers are in one event loop."""

    def __init__(self, limits: Sequence[Limit], requests_per_minute: int | None) -> None:
        if requests_per_minute is not None:
            limits = [Limit(requests_per_minute, 60)] if requests_per_minute else []
        self._paces = [Pace(limit) for limit in limits]
        self._held_until = float("-inf")
        # Two queues, so that reads go on while writes wait for their own limit.
        self._queues = {True: anyio.Lock(), False: anyio.Lock()}

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so long: the vendor has turned a request away, and means all of them.

        This is all the pacing there is where no limit is documented.
        """
        self._held_until = max(self._held_until, anyio.current_time() + seconds)

    def _wait(self, paces: Sequence[Pace], now: float) -> float:
        return max(0.0, self._held_until - now, *(pace.wait(now) for pace in paces))

    async def take(self, *, writes: bool, deadline: float = float("inf")) -> None:
        """Wait until every limit that counts this request lets it leave, first come first served.

        Raises TimeoutError as soon as it is clear that this will not be before the deadline.
        """
        paces = [pace for pace in self._paces if writes or not pace.limit.writes]
        async with self._queues[writes]:
            while pause := self._wait(paces, anyio.current_time()):
                if anyio.current_time() + pause > deadline:
                    raise TimeoutError
                await anyio.sleep(pause)
            for pace in paces:
                pace.take(anyio.current_time())
