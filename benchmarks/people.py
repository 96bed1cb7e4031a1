"""The people whose accounts are created, the same for all contestants. The programs read them from the environment."""

import os
from collections.abc import Iterator

COUNT, CHANGED = "BENCH_ACCOUNTS", "BENCH_CHANGED"


def email(number: int) -> str:
    """Return the e-mail of a person."""
    return f"user-{number}@example.com"


def people() -> Iterator[tuple[str, str]]:
    """Yield e-mail and first name of each person, as the environment says."""
    return named(int(os.environ[COUNT]), int(os.environ.get(CHANGED, "0")))


def named(accounts: int, changed: int) -> Iterator[tuple[str, str]]:
    """Yield e-mail and first name of this many people; the first `changed` people have a new name."""
    for number in range(1, accounts + 1):
        yield email(number), "Anna" if number <= changed else "Ana"
