"""The people whose accounts are made, for all contestants the same. Read from the environment by the programs."""

import os
from collections.abc import Iterator

COUNT, CHANGED = "BENCH_ACCOUNTS", "BENCH_CHANGED"


def email(number: int) -> str:
    """The e-mail of a person."""
    return f"user-{number}@example.com"


def people() -> Iterator[tuple[str, str]]:
    """E-mail and first name of everybody; the first so many have a new name."""
    changed = int(os.environ.get(CHANGED, "0"))
    for number in range(1, int(os.environ[COUNT]) + 1):
        yield email(number), "Anna" if number <= changed else "Ana"
