"""Processor time of the provider itself: what the engine would call, called without it.

Four threads, as Pulumi's host has, create accounts through `seatwise.dynamic`; imports and the first account, which
pays for the connection, are not counted. Prints the seconds that the others took, and those of this process' CPU.

    python -m benchmarks.cpu 1000    # ENERFLO_BASE_URL and its siblings say where
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor

from seatwise import dynamic

from .people import email

THREADS = 4


def main() -> None:
    """Create the accounts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    count: int = parser.parse_args().count
    provider = dynamic.load("enerflo:User")

    def create(number: int) -> None:
        declared = {"email": email(number), "first_name": "Ana", "roles": ["Setter"]}
        checked = provider.check({}, {**declared, dynamic.OWNER: f"bench/bench/{number}"})
        provider.create(checked.inputs)

    create(0)
    used, started = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(create, range(1, count + 1)))
    spent = {"cpu": time.process_time() - used, "seconds": time.monotonic() - started}
    print(json.dumps(spent))  # noqa: T201 - who starts it reads this


if __name__ == "__main__":
    main()
