"""Lines about single accounts, of which a run may have thousands. Pure."""

from collections import Counter
from collections.abc import Callable

MOST = 10
"""Lines of one kind that a run tells in full."""


class Notices:
    """What one run tells of accounts: of each kind the first lines, then at each doubling how many there are."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._counts: Counter[str] = Counter()

    def tell(self, kind: str, line: str) -> None:
        """Tell a line, or count it; `kind` is what many of them are called, such as "accounts left active"."""
        self._counts[kind] += 1
        count = self._counts[kind]
        tens, rest = divmod(count, MOST)
        if count <= MOST:
            self._warn(line)
        elif not rest and tens & (tens - 1) == 0:
            self._warn(f"{kind}: {count:,} so far; the first {MOST} are named above")
