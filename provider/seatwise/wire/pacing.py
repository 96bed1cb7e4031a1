"""Staying under the vendor's limits: a request takes a token that comes back when its time is over.

The burst is a whole allowance, and no span of a limit's length ever holds more than that. Who took
tokens is remembered in this process or, with `SEATWISE_SHARE_LIMITS`, in a file that all runs on this
machine share.
"""

import sqlite3
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import anyio

from ..core.vendor.vendor import Limit
from .files import SharedFile

SLACK = 1.01
"""What left a limit's length apart may arrive less far apart: without it one request in a hundred is turned away."""


def _span(limit: Limit) -> float:
    """Seconds until a token is back."""
    return limit.seconds * SLACK


class Tally(Protocol):
    """Who took tokens."""

    def take(self, limits: Sequence[Limit], *, writes: bool) -> float:
        """Take one token of each limit that counts the request, or none and say in how many seconds to ask again."""


class OwnTally:
    """The requests of this process, in the event loop's time."""

    def __init__(self) -> None:
        self._taken: defaultdict[Limit, deque[float]] = defaultdict(deque)

    def take(self, limits: Sequence[Limit], *, writes: bool) -> float:
        """As `Tally` says."""
        now = anyio.current_time()
        counting = [limit for limit in limits if writes or not limit.writes]
        pause = max((self._wait(limit, now) for limit in counting), default=0)
        if not pause:
            for limit in counting:
                self._taken[limit].append(now)
        return pause

    def _wait(self, limit: Limit, now: float) -> float:
        taken = self._taken[limit]
        while taken and taken[0] + _span(limit) <= now:
            taken.popleft()
        return 0 if len(taken) < limit.requests else taken[0] + _span(limit) - now


class SharedTally:
    """The requests of all processes that share a file, in the machine's time.

    Where the file cannot be used, those of this process count alone.
    """

    _TABLES = """
    create table if not exists taken (tenant text not null, at real not null, writes integer not null);
    create index if not exists taken_by_time on taken (tenant, at);
    """

    def __init__(self, tenant: str, warn: Callable[[str], None], path: Path) -> None:
        self._tenant = tenant
        self._file = SharedFile("file of shared limits", path, self._TABLES, warn)
        self._own = OwnTally()

    def take(self, limits: Sequence[Limit], *, writes: bool) -> float:
        """As `Tally` says."""
        pause = self._file.run(lambda database: self._take(database, limits, writes), 0.0)
        return pause or self._own.take(limits, writes=writes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take(self, database: sqlite3.Connection, limits: Sequence[Limit], writes: bool) -> float:
        now = time.time()
        longest = max(map(_span, limits), default=0)
        database.execute("delete from taken where tenant = ? and at < ?", (self._tenant, now - longest))
        counting = [limit for limit in limits if writes or not limit.writes]
        pause = max((self._wait(database, limit, now) for limit in counting), default=0)
        if not pause:
            database.execute("insert into taken values (?, ?, ?)", (self._tenant, now, writes))
        return pause

    def _wait(self, database: sqlite3.Connection, limit: Limit, now: float) -> float:
        """Seconds until the oldest of the last `limit.requests` requests does not count any more."""
        query = (
            "select at from taken where tenant = ? and at > ? and at <= ? and (writes or not ?)"
            " order by at desc limit 1 offset ?"
        )
        values = (self._tenant, now - _span(limit), now, limit.writes, limit.requests - 1)
        row = database.execute(query, values).fetchone()
        return 0 if row is None else float(row[0]) + _span(limit) - now


class Pacing:
    """All limits of one tenant. All callers are in one event loop."""

    def __init__(self, limits: Sequence[Limit], tally: Tally) -> None:
        self._limits = limits
        self._tally = tally
        self._held_until = float("-inf")
        # Two queues, so that reads go on while writes wait for their own limit.
        self._queues = {True: anyio.Lock(), False: anyio.Lock()}

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so long: the vendor has turned a request away, and means all of them.

        This is all the pacing there is where no limit is documented.
        """
        self._held_until = max(self._held_until, anyio.current_time() + seconds)

    async def take(self, *, writes: bool, deadline: float = float("inf")) -> None:
        """Wait until every limit that counts this request lets it leave, first come first served.

        Raises TimeoutError as soon as it is clear that this will not be before the deadline.
        """
        async with self._queues[writes]:
            while pause := self._pause(writes):
                if anyio.current_time() + pause > deadline:
                    raise TimeoutError
                await anyio.sleep(pause)

    def _pause(self, writes: bool) -> float:
        held = self._held_until - anyio.current_time()
        return held if held > 0 else self._tally.take(self._limits, writes=writes)
