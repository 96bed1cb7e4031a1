"""Processor time of the provider alone: the engine's calls, made without the engine.

Accounts are made through `seatwise.dynamic`: one `User` each, by four threads as in Pulumi's host, or all in one
`Roster`. Imports and the first account, which pays for the connection, are not counted. Prints the seconds that the
others took, and those of this process' processor time.

    python -m benchmarks.cpu User 1000    # ENERFLO_BASE_URL and its siblings say where
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from seatwise import dynamic
from seatwise.core.account.properties import OWNER

from .people import email

THREADS = 4


def users() -> Callable[[Iterable[int]], None]:
    """Create the accounts of these people, one resource for each."""
    provider = dynamic.load("enerflo:User")

    def one(number: int) -> None:
        checked = provider.check({}, {**_declared(number), OWNER: f"bench/bench/{number}"})
        provider.create(checked.inputs)

    def make(numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(one, numbers))

    return make


def roster() -> Callable[[Iterable[int]], None]:
    """Create the accounts of these people, all in one resource."""
    provider = dynamic.load("enerflo:Roster")

    def make(numbers: Iterable[int]) -> None:
        members = {email(number): _declared(number) for number in numbers}
        checked = provider.check({}, {"members": members, OWNER: f"bench/bench/{len(members)}"})
        outs = provider.create(checked.inputs).outs or {}
        if outs["failed"]:
            raise RuntimeError(outs["failed"])

    return make


KINDS = {"User": users, "Roster": roster}


def _declared(number: int) -> dict[str, Any]:
    return {"email": email(number), "first_name": "Ana", "roles": ["Setter"]}


def main() -> None:
    """Create the accounts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("count", type=int)
    given = parser.parse_args()
    make = KINDS[given.kind]()
    make([0])
    used, started = time.process_time(), time.monotonic()
    make(range(1, given.count + 1))
    spent = {"cpu": time.process_time() - used, "seconds": time.monotonic() - started}
    print(json.dumps(spent))  # noqa: T201 - who starts it reads this


if __name__ == "__main__":
    main()
