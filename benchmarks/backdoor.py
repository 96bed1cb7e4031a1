"""The fake vendor's process, and what it counted."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from .apis import API_KEY
from .processes import process

WRITES = ("create", "update", "delete")


@dataclass(frozen=True)
class Seen:
    """What the vendor saw of one operation."""

    kinds: Mapping[str, int]
    """Requests by kind: create, list, read, update, delete."""
    limited: int
    """Throttled requests."""
    unavailable: int
    """Answers with 503."""
    connections: int
    most_in_flight: int
    duplicates: int
    """Accounts with an e-mail that another account has."""
    served: tuple[int, ...]
    """Requests that were carried out, by minute."""
    work: float
    """Seconds from the first request to the last answer."""

    @classmethod
    def of(cls, counts: Mapping[str, Any]) -> Self:
        """Build the counts from the JSON of the vendor's own API."""
        first, last = counts["first"], counts["last"]
        return cls(
            kinds=counts["kinds"],
            limited=counts["limited"],
            unavailable=counts["unavailable"],
            connections=counts["connections"],
            most_in_flight=counts["most_in_flight"],
            duplicates=counts["duplicates"],
            served=tuple(counts["served"]),
            work=last - first if first is not None and last is not None else 0.0,
        )

    @property
    def requests(self) -> int:
        """The number of all requests."""
        return sum(self.kinds.values())

    @property
    def writes(self) -> int:
        """The number of requests that may have changed an account."""
        return sum(self.kinds.get(kind, 0) for kind in WRITES)


class BackDoor:
    """The fake vendor as the benchmark sees it."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url = url
        self.environment = {
            "ENERFLO_BASE_URL": url,
            "ENERFLO_API_KEY": API_KEY,
            "ENERFLO_REQUESTS_PER_MINUTE": "0",
            "NEXUDUS_BASE_URL": url,
            "NEXUDUS_TOKEN": API_KEY,
            "NEXUDUS_REQUESTS_PER_MINUTE": "0",
        }
        self._http = http

    def reset(self) -> None:
        """Delete all accounts, and reset switches and counts."""
        self._http.post("/bench/reset").raise_for_status()

    def switch(self, **options: float) -> None:
        """Set switches (see `vendor.Options`), and reset the counts."""
        self._http.post("/bench/options", json=options).raise_for_status()

    def seen(self) -> Seen:
        """Return the counts since the last switch or reset."""
        return Seen.of(self._http.get("/bench/counts").raise_for_status().json())


@contextmanager
def running() -> Iterator[BackDoor]:
    """Run a fake vendor in its own process during the block."""
    with process([sys.executable, "-m", "benchmarks.vendor"]) as vendor:
        assert vendor.stdout
        url = vendor.stdout.readline().strip()
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            yield BackDoor(url, http)
