"""How many requests a change needs, and how long the vendor's limits make it. Pure."""

import math

from .vendor import Limit, Vendor

NOT_WORTH_A_WORD = 60.0
"""Seconds under which nobody needs to be told."""


def told(vendor: Vendor, *, creates: int = 0, updates: int = 0, removals: int = 0) -> str:
    """Such as `about 2,000 requests (1,000 creates at 60 a minute: about 17 minutes)`; how long where it is long."""
    writes = creates + updates + removals
    reads = (0 if vendor.lists_whole_records else creates) + (updates + removals if vendor.replaces else 0)
    requests = f"about {writes + reads:,} request{'s' if writes + reads != 1 else ''}"
    slowest = max(vendor.paced_by, key=lambda limit: _seconds(limit, writes, reads), default=None)
    if slowest is None or _seconds(slowest, writes, reads) < NOT_WORTH_A_WORD:
        return requests
    what = f"{writes:,} {'creates' if writes == creates else 'writes'}" if slowest.writes else "they"
    minutes = math.ceil(_seconds(slowest, writes, reads) / 60)
    return f"{requests} ({what} at {_a_minute(slowest):,.0f} a minute: about {minutes:,} minutes)"


def _seconds(limit: Limit, writes: int, reads: int) -> float:
    requests = writes if limit.writes else writes + reads
    return requests / limit.requests * limit.seconds


def _a_minute(limit: Limit) -> float:
    return limit.requests * 60 / limit.seconds
