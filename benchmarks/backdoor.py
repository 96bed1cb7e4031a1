"""The fake vendor's process, and what it counted."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from .processes import process
from .vendor import API_KEY

WRITES = ("create", "update")


@dataclass(frozen=True)
class Seen:
    """What the vendor saw of one operation."""

    kinds: Mapping[str, int]
    """Requests by kind: create, list, read, update."""
    limited: int
    """Answers with 429."""
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
        """As the back door tells it."""
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
        """All of them."""
        return sum(self.kinds.values())

    @property
    def writes(self) -> int:
        """Those that may have changed something."""
        return sum(self.kinds.get(kind, 0) for kind in WRITES)


class BackDoor:
    """The fake vendor as the benchmark sees it."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url = url
        self.environment = {
            "ENERFLO_BASE_URL": url,
            "ENERFLO_API_KEY": API_KEY,
            "ENERFLO_REQUESTS_PER_MINUTE": "0",
        }
        self._http = http

    def reset(self) -> None:
        """Forget all accounts, switches and counts."""
        self._http.post("/bench/reset").raise_for_status()

    def switch(self, **options: float) -> None:
        """Turn switches (see `vendor.Options`), and count from here."""
        self._http.post("/bench/options", json=options).raise_for_status()

    def seen(self) -> Seen:
        """What was counted since the last switch or reset."""
        return Seen.of(self._http.get("/bench/counts").raise_for_status().json())


@contextmanager
def running() -> Iterator[BackDoor]:
    """A fake vendor in a process of its own."""
    with process([sys.executable, "-m", "benchmarks.vendor"]) as vendor:
        assert vendor.stdout
        url = vendor.stdout.readline().strip()
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            yield BackDoor(url, http)
