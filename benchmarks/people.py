"""The people whose accounts are created, the same for all contestants. The programs read them from the environment."""

import os
from collections.abc import Iterator

COUNT, CHANGED = "BENCH_ACCOUNTS", "BENCH_CHANGED"


def email(number: int) -> str:
    """Return the e-mail of a person."""
    return f"user-{number}@example.com"


def people() -> Iterator[tuple[str, str]]:
    """Yield e-mail and first name of each person; the first `CHANGED` people have a new name."""
    changed = int(os.environ.get(CHANGED, "0"))
    for number in range(1, int(os.environ[COUNT]) + 1):
        yield email(number), "Anna" if number <= changed else "Ana"
