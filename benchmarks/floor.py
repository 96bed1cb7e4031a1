"""The floor: a script that only sends the necessary requests to the vendor.

One aiohttp session, a fixed number of requests in flight, no look-ups, no retries, no memory. `create` comes first,
on an empty vendor: the others take the ids 1 to COUNT for granted. Prints the seconds that the requests took.

    python -m benchmarks.floor http://127.0.0.1:8000 create 1000 --in-flight 16
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import aiohttp

from .apis import API_KEY
from .people import email

OPERATIONS = ("create", "read", "update", "deactivate")


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    json: Mapping[str, Any] | None = None


def calls(operation: str, count: int) -> list[Call]:
    """Return the requests of an operation on this many accounts."""
    return [_call(operation, number) for number in range(1, count + 1)]


def _call(operation: str, number: int) -> Call:
    if operation == "create":
        body = {"email": email(number), "first_name": "Ana", "roles": ["Setter"]}
        return Call("POST", "/api/v1/users", {**body, "notify_email": False, "allow_optimus": False})
    if operation == "read":
        return Call("GET", f"/api/v3/users/{number}")
    change = {"first_name": "Anna"} if operation == "update" else {"active": False}
    return Call("PUT", "/api/v3/users", {"id": str(number), **change})


async def send(url: str, requests: Iterable[Call], in_flight: int) -> float:
    """Send all requests, this many at a time, and return the seconds it took; raises ClientResponseError."""
    waiting = iter(requests)
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(url, headers={"api-key": API_KEY}, connector=connector) as session:

        async def work() -> None:
            for method, path, body in waiting:
                async with session.request(method, path, json=body, raise_for_status=True) as answer:
                    await answer.json()

        started = time.monotonic()
        async with asyncio.TaskGroup() as workers:
            for _ in range(in_flight):
                workers.create_task(work())
        return time.monotonic() - started


def main() -> None:
    """Do one operation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("count", type=int)
    parser.add_argument("--in-flight", type=int, default=16)
    given = parser.parse_args()
    seconds = asyncio.run(send(given.url, calls(given.operation, given.count), given.in_flight))
    print(json.dumps({"seconds": seconds}))  # noqa: T201 - who starts it reads this


if __name__ == "__main__":
    main()
