"""Tables in Markdown."""

from collections.abc import Iterable

from .figures import Figure

VERDICTS = {True: "ok", False: "**missed**", None: "-"}


def rows(titles: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """Return a table."""
    drawn = [titles, tuple("---" for _ in titles), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in drawn)


def figure_rows(figures: Iterable[Figure]) -> str:
    """Return a table of figures, each with its target and whether it reaches it."""
    lines = ((each.name, each.value, each.target, VERDICTS[each.reached]) for each in figures)
    return rows(("figure", "measured", "target", ""), lines)
