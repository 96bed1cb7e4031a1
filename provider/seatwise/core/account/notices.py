"""Lines about single accounts, of which a run may have thousands. Pure."""

from collections import Counter
from collections.abc import Callable

MOST = 10
"""How many lines of one kind a run shows in full."""


class Notices:
    """The notices of one run about accounts: the first lines of each kind, then at each doubling their number."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._counts: Counter[str] = Counter()

    def tell(self, kind: str, line: str) -> None:
        """Show a line, or only count it; `kind` is the name of many such lines, such as "accounts left active"."""
        self._counts[kind] += 1
        count = self._counts[kind]
        tens, rest = divmod(count, MOST)
        if count <= MOST:
            self._warn(line)
        elif not rest and tens & (tens - 1) == 0:
            self._warn(f"{kind}: {count:,} so far; the first {MOST} are named above")
