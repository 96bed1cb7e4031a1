"""The part of `results.md` about seatwise beside OpenTofu."""

from collections.abc import Callable, Iterable, Iterator
from statistics import median

from .comparison import OPERATIONS, PACED, PACED_RIVALS, PER_MINUTE, STUDIES, TABLE
from .contestants import Measure
from .figures import Book, Figure
from .goals import cpu_of
from .tables import figure_rows, rows
from .usage import ENGINE, PROGRAM, PROVIDER

MARKERS = ("<!-- beside:begin -->", "<!-- beside:end -->")
"""`make docs` copies what is between them to docs/scaling.md."""
NONE = "Nothing is measured yet."


def sections(book: Book, goals: Iterable[Figure], opentofu: str) -> list[str]:
    """Return the paragraphs; `opentofu` is its version, or why it is left out."""
    found = [each for each in (*_titled(book, TABLE), *_titled(book, PACED)) if each]
    return [
        "## Beside OpenTofu",
        "The same accounts at the same API, in one run and by turns; [comparison.py](comparison.py) says what each "
        "contestant is, and [goals.py](goals.py) what is expected of seatwise. "
        f"OpenTofu: {opentofu}. Of repeats, the median counts.",
        MARKERS[0],
        *(found or [NONE]),
        MARKERS[1],
        "Processor time is in seconds, and memory is that of all processes together at its highest.",
        rows(("accounts", "operation", "contestant", *COLUMNS), _details(book)),
        figure_rows(goals),
    ]


def _titled(book: Book, study: str) -> Iterator[str]:
    """Yield a title and a table for each number of accounts in a study."""
    found = book.of(study)
    limit = f", at most {PER_MINUTE} requests a minute" if study == PACED else ""
    for accounts in sorted({each.accounts for each in found.measures}):
        some = [each for each in found.measures if each.accounts == accounts]
        names = [rival.name for rival in PACED_RIVALS if any(each.contestant == rival.name for each in some)]
        lines = ((operation, *(_cell(some, name, operation) for name in names)) for operation in OPERATIONS)
        yield f"{accounts:,} accounts, {some[0].latency * 1000:.0f} ms an answer{limit}:"
        yield rows(("", *names), lines)


def _cell(measures: Iterable[Measure], name: str, operation: str) -> str:
    found = [each for each in measures if (each.contestant, each.operation) == (name, operation)]
    passed = [each for each in found if not each.failure]
    if not passed:
        return f"fails: {found[-1].failure}" if found else "not measured"
    away = round(median(each.seen.limited for each in passed))
    shown = f"{median(each.seconds for each in passed):.1f} s, {_requests(passed)} requests"
    return shown + (f", {away:,} turned away" if away else "") + (", and fails" if len(passed) < len(found) else "")


def _requests(measures: list[Measure]) -> str:
    return f"{round(median(each.seen.requests for each in measures)):,}"


def _middle(of: Callable[[Measure], float], digits: int = 1) -> Callable[[list[Measure]], str]:
    return lambda measures: f"{median(map(of, measures)):,.{digits}f}"


COLUMNS: dict[str, Callable[[list[Measure]], str]] = {
    "seconds": _middle(lambda each: each.seconds),
    "requests": _requests,
    "turned away": _middle(lambda each: each.seen.limited, 0),
    **{f"CPU of the {role}": _middle(cpu_of(role)) for role in (PROGRAM, PROVIDER, ENGINE)},
    "memory, MiB": _middle(lambda each: each.usage.memory / 2**20, 0),
}


def _order(measure: Measure) -> tuple[int, int, int]:
    operation = OPERATIONS.index(measure.operation) if measure.operation in OPERATIONS else len(OPERATIONS)
    return STUDIES.index(measure.study), measure.accounts, operation


def _details(book: Book) -> Iterator[tuple[str, ...]]:
    measures = sorted((each for each in book.measures if each.study), key=_order)
    keys = dict.fromkeys((each.study, each.accounts, each.operation, each.contestant) for each in measures)
    for study, accounts, operation, contestant in keys:
        wanted = (study, accounts, operation, contestant)
        some = [each for each in measures if (each.study, each.accounts, each.operation, each.contestant) == wanted]
        passed = [each for each in some if not each.failure] or some
        limit = f", {PER_MINUTE} a minute" if study == PACED else ""
        cells = (column(passed) for column in COLUMNS.values())
        yield f"{accounts:,}{limit}", operation, contestant, *cells
