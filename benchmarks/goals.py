"""Goals for the comparison with OpenTofu, and what the measures say about them. Pure."""

import math
from collections.abc import Callable, Iterator, Mapping

from . import comparison as beside
from .contestants import Measure
from .figures import MAIN, PAGE, Book, Figure, at_most, over
from .usage import PROGRAM, PROVIDER

SHARES: Mapping[str, Mapping[str, float]] = {
    beside.ROSTER.name: {"create": 0.85} | dict.fromkeys(beside.OPERATIONS[1:], 0.4),
    beside.USERS.name: {"create": 1.6, "no-op": 0.6} | dict.fromkeys(beside.OPERATIONS[2:], 0.5),
}
"""The most of OpenTofu's seconds that an operation on `MAIN` accounts may take."""
LARGEST = 10 * MAIN
SECONDS_OF_LARGEST: Mapping[str, float] = {"create": 260, "no-op": 60}
FROM_FILE_S: Mapping[str, float] = {"create": 30, "preview": 12}


def goals(book: Book) -> list[Figure]:
    """Return all goals for which there are measures."""
    parts = (_shares, _paced, _largest, _program, _provider, _people)
    return [figure for part in parts for figure in part(book)]


def expected(operation: str, accounts: int) -> int:
    """Return how many requests an operation sends to Nexudus at most, as docs/scaling.md says."""
    pages = math.ceil(accounts / PAGE) + 1
    several = {"create": 2 * accounts + pages, "no-op": 0, "refresh": pages}
    return several.get(operation, 2 * accounts)


def _shares(book: Book) -> Iterator[Figure]:
    table = book.of(beside.TABLE)
    for rival, limits in SHARES.items():
        for operation in beside.OPERATIONS:
            ours, theirs = (table.middle(name, operation, MAIN) for name in (rival, beside.OPENTOFU.name))
            note = f" ({ours:.1f} / {theirs:.1f} s)" if ours and theirs else ""
            name = f"{rival}, {operation} of {MAIN:,} at 100 ms / OpenTofu"
            yield from at_most(name, over(ours, theirs), limits.get(operation), note=note)


def _paced(book: Book) -> Iterator[Figure]:
    paced = book.of(beside.PACED)
    for rival in SHARES:
        found = [each for each in paced.measures if each.contestant == rival]
        if found:
            yield from _under_a_limit(f"{rival}, {found[0].accounts:,} under {beside.PER_MINUTE} a minute", found)


def _under_a_limit(name: str, found: list[Measure]) -> Iterator[Figure]:
    failed = [f"{each.operation}: {each.failure}" for each in found if each.failure]
    passed = f"fails: {failed[0]}" if failed else "passes"
    yield Figure(f"{name}, all operations", passed, "passes", not failed)
    worst = max(found, key=_of_the_expected)
    sent, most = worst.seen.requests, expected(worst.operation, worst.accounts)
    note = f" ({worst.operation}: {sent:,} / {most:,})"
    yield from at_most(f"{name}, requests / those of docs/scaling.md", _of_the_expected(worst), 1.03, note=note)
    yield from at_most(f"{name}, requests turned away", sum(each.seen.limited for each in found), 0, 0)


def _of_the_expected(measure: Measure) -> float:
    """Return the requests of an operation as a part of those that it may send."""
    most = expected(measure.operation, measure.accounts)
    return measure.seen.requests / most if most else (math.inf if measure.seen.requests else 0)


def _largest(book: Book) -> Iterator[Figure]:
    for each in book.of(beside.LARGE).measures:
        name = f"{each.contestant}, {each.operation} of {each.accounts:,} at 100 ms"
        if each.failure:
            yield Figure(name, f"fails: {each.failure}", "passes", reached=False)
        else:
            yield from at_most(name, each.seconds, SECONDS_OF_LARGEST[each.operation], 0, " s")


def _program(book: Book) -> Iterator[Figure]:
    few, many = book.of(beside.TABLE), book.of(beside.LARGE)
    for operation in SECONDS_OF_LARGEST:
        used = [
            of.middle(beside.USERS.name, operation, accounts, of=cpu_of(PROGRAM))
            for of, accounts in ((many, LARGEST), (few, MAIN))
        ]
        note = f" ({used[0]:.1f} / {used[1]:.1f} s)" if used[0] and used[1] else ""
        name = f"{beside.USERS.name}, {operation}, CPU of the program for {LARGEST:,} / for {MAIN:,}"
        yield from at_most(name, over(*used), 12, 1, note=note)


def _provider(book: Book) -> Iterator[Figure]:
    for study in (beside.TABLE, beside.LARGE):
        found = book.of(study)
        for accounts in found.sizes(beside.USERS.name, "no-op"):
            used = found.middle(beside.USERS.name, "no-op", accounts, of=cpu_of(PROVIDER))
            name = f"{beside.USERS.name}, no-op, CPU of the provider per account ({accounts:,})"
            each = None if used is None else 1000 * used / accounts
            yield from at_most(name, each, 1.7 if accounts >= MAIN else None, 2, " ms")


def _people(book: Book) -> Iterator[Figure]:
    for each in book.of(beside.PEOPLE).measures:
        name = f"{each.accounts:,} {each.contestant} at three vendors, {each.operation}"
        if each.failure:
            yield Figure(name, f"fails: {each.failure}", "passes", reached=False)
        else:
            limit = FROM_FILE_S[each.operation] if each.accounts >= beside.PEOPLE_COUNT else None
            yield from at_most(name, each.seconds, limit, 1, " s")


def cpu_of(role: str) -> Callable[[Measure], float]:
    """Return a function that reads the processor time of one kind of process."""
    return lambda measure: measure.usage.cpu[role]
