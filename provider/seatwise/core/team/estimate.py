"""The number of requests that a change needs, and its duration by the vendor's limits. Pure."""

import math
from collections.abc import Iterable

from ..vendor.fields import Takes
from ..vendor.vendor import Limit, Vendor

SHORTEST_REPORTED_S = 60.0
"""The shortest duration that is shown, in seconds."""


def cost(
    vendor: Vendor, *, creates: int = 0, updates: int = 0, removals: int = 0, read_back_singly: bool = False
) -> str:
    """Return the cost as text, such as `about 2,000 requests (1,000 creates at 60 a minute: about 17 minutes)`.

    `read_back_singly` says that each new account is read back by itself, and not all of them together.
    """
    writes = creates + updates + removals
    reads = creates * _reads_a_create(vendor, read_back_singly) + (updates + removals if vendor.replaces else 0)
    requests = _counted(writes + reads, "request")
    slowest = max(vendor.paced_by, key=lambda limit: _seconds(limit, writes, reads), default=None)
    if slowest is None or _seconds(slowest, writes, reads) < SHORTEST_REPORTED_S:
        return f"about {requests}"
    what = _counted(writes, "create" if writes == creates else "write") if slowest.writes else requests
    minutes = _counted(math.ceil(_seconds(slowest, writes, reads) / 60), "minute")
    return f"about {requests} ({what} at {_a_minute(slowest):,.0f} a minute: about {minutes})"


def follow_ups(vendor: Vendor, members: Iterable[Iterable[str]]) -> int:
    """Return how many new accounts, given by their arguments' names, need an update after their create."""
    late = {name for name, field in vendor.schema.items() if field.takes is Takes.UPDATE}
    return sum(not late.isdisjoint(names) for names in members)


def _reads_a_create(vendor: Vendor, read_back_singly: bool) -> int:
    """Return the reads for one create: the look-up of the e-mail, if no list serves it, and the read back."""
    is_read_back_by_list = vendor.lists_whole_records and vendor.tells_ids and not read_back_singly
    return (not vendor.has_list) + (not is_read_back_by_list)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _seconds(limit: Limit, writes: int, reads: int) -> float:
    counted = (writes if limit.counts("PATCH", writes=True) or limit.counts("POST", writes=True) else 0) + (
        reads if limit.counts("GET", writes=False) else 0
    )
    return counted / limit.requests * limit.seconds


def _a_minute(limit: Limit) -> float:
    return limit.requests * 60 / limit.seconds
