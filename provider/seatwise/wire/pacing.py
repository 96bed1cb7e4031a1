"""Client-side rate limiting: a sliding window for each limit of the vendor, and a place for each request in flight.

A limit of 300 requests in 60 seconds lets 300 leave at once, and never more than 300 in any 60 seconds. The requests
of the last window are counted in this process or, with `SEATWISE_SHARE_LIMITS`, in a file that all runs on this
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
"""The window is this much longer than the limit's: the network delays requests unequally, so that two may arrive
closer together than they left. Without it, vendors throttle one request in a hundred."""


def _span(limit: Limit) -> float:
    """Return the seconds for which a request counts against the limit."""
    return limit.window * SLACK


class Tally(Protocol):
    """The count of requests that left within the limits' windows."""

    def take(self, limits: Sequence[Limit], verb: str, *, writes: bool) -> float:
        """Count a request of this method and return 0.

        If a limit is used up, count nothing and return the seconds to wait.
        """


class OwnTally:
    """The requests of this process, by the event loop's clock."""

    def __init__(self) -> None:
        self._taken: defaultdict[Limit, deque[float]] = defaultdict(deque)

    def take(self, limits: Sequence[Limit], verb: str, *, writes: bool) -> float:
        """Count a request as `Tally.take` does."""
        pause = self.pause(limits, verb, writes=writes)
        if not pause:
            self.count(limits, verb, writes=writes)
        return pause

    def pause(self, limits: Sequence[Limit], verb: str, *, writes: bool) -> float:
        """Return the seconds until a request may leave, and count nothing."""
        now = anyio.current_time()
        return max((self._wait(limit, now) for limit in limits if limit.counts(verb, writes=writes)), default=0)

    def count(self, limits: Sequence[Limit], verb: str, *, writes: bool) -> None:
        """Count a request that leaves now."""
        for limit in limits:
            if limit.counts(verb, writes=writes):
                self._taken[limit].append(anyio.current_time())

    def _wait(self, limit: Limit, now: float) -> float:
        taken = self._taken[limit]
        while taken and taken[0] + _span(limit) <= now:
            taken.popleft()
        return 0 if len(taken) < limit.most else taken[0] + _span(limit) - now


class SharedTally:
    """The requests of all processes that share a file, by the machine's clock.

    If the file cannot be used, only the requests of this process count.
    """

    _TABLES = """
    create table if not exists sent (
        tenant text not null, at real not null, writes integer not null, verb text not null
    );
    create index if not exists sent_by_time on sent (tenant, at);
    """

    def __init__(self, tenant: str, warn: Callable[[str], None], path: Path) -> None:
        self._tenant = tenant
        self._file = SharedFile("file of shared limits", path, self._TABLES, warn)
        self._own = OwnTally()

    def take(self, limits: Sequence[Limit], verb: str, *, writes: bool) -> float:
        """Count a request as `Tally.take` does."""
        pause = self._own.pause(limits, verb, writes=writes)
        pause = pause or self._file.run(lambda database: self._take(database, limits, verb, writes), 0.0)
        if not pause:
            self._own.count(limits, verb, writes=writes)
        return pause

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take(self, database: sqlite3.Connection, limits: Sequence[Limit], verb: str, writes: bool) -> float:
        now = time.time()
        longest = max(map(_span, limits), default=0)
        database.execute("delete from sent where tenant = ? and at < ?", (self._tenant, now - longest))
        counting = [limit for limit in limits if limit.counts(verb, writes=writes)]
        pause = max((self._wait(database, limit, now) for limit in counting), default=0)
        if not pause:
            database.execute("insert into sent values (?, ?, ?, ?)", (self._tenant, now, writes, verb))
        return pause

    def _wait(self, database: sqlite3.Connection, limit: Limit, now: float) -> float:
        """Return the seconds until the oldest of the last `limit.most` requests leaves the window."""
        query = (
            "select at from sent where tenant = ? and at > ? and at <= ? and (writes or not ?)"
            " and (? = '' or instr(?, ' ' || verb || ' ')) order by at desc limit 1 offset ?"
        )
        verbs = "".join(f" {verb} " for verb in limit.verbs)
        values = (self._tenant, now - _span(limit), now, limit.writes, verbs, verbs, limit.most - 1)
        row = database.execute(query, values).fetchone()
        return 0 if row is None else float(row[0]) + _span(limit) - now


class LimitReached(TimeoutError):
    """A limit lets no request leave before the deadline."""


class Pacing:
    """The limits of one tenant, and the most requests in flight (`places`), for callers in one event loop."""

    def __init__(self, limits: Sequence[Limit], tally: Tally, places: int) -> None:
        self._limits = limits
        self._tally = tally
        self._places = anyio.Semaphore(places)
        self._held_until = float("-inf")
        # A queue for each set of limits, so that reads can leave while writes wait for the limit on writes.
        self._queues: defaultdict[tuple[Limit, ...], anyio.Lock] = defaultdict(anyio.Lock)

    def hold(self, seconds: float) -> None:
        """Let no request leave for this long: a vendor that throttles one request throttles the next ones too.

        Where the vendor documents no limit, this is the only pacing.
        """
        self._held_until = max(self._held_until, anyio.current_time() + seconds)

    async def take(self, verb: str = "GET", *, writes: bool, deadline: float = float("inf")) -> None:
        """Wait until the request may leave, in the order of the calls: it has a place, and every limit lets it leave.

        The place is taken first: a request that waits for it after its turn would leave at another time than was
        counted, or while the vendor says that none may leave. `give_back` returns it.

        Raises LimitReached as soon as the wait for a limit would end after the deadline (the event loop's seconds).
        """
        counting = tuple(limit for limit in self._limits if limit.counts(verb, writes=writes))
        async with self._queues[counting]:
            while True:
                await self._places.acquire()
                pause = self._pause(verb, writes)
                if not pause:
                    return
                self._places.release()
                if anyio.current_time() + pause > deadline:
                    raise LimitReached
                await anyio.sleep(pause)

    def give_back(self) -> None:
        """Return the place of a request that has its answer, or has failed."""
        self._places.release()

    def _pause(self, verb: str, writes: bool) -> float:
        held = self._held_until - anyio.current_time()
        return held if held > 0 else self._tally.take(self._limits, verb, writes=writes)
