"""Measure seatwise beside OpenTofu, and against a floor, a naive provider and the engine alone.

    python -m benchmarks.bench           # a selection: forty minutes
    python -m benchmarks.bench --full    # the comparison with OpenTofu and the whole grid: two hours
    python -m benchmarks.bench --table 100 --out FOLDER    # the comparison alone, with a hundred accounts
    python -m benchmarks.bench --quick --out FOLDER    # twenty accounts: shows that the benchmark itself works

Everything happens in temporary folders and on this machine. A missed target is a result; the exit code is 1 only
when a contestant that must work has failed, and 130 after an interrupt, which leaves nothing behind.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from . import comparison as beside
from . import contestants as who
from . import tofu
from .backdoor import BackDoor, running
from .contestants import Contestant, Measure, Watch
from .cpu import KINDS
from .figures import LATENCY, MAIN, ROSTER_IN_FLIGHT, THREADS, Book, figures
from .goals import goals
from .results import line, machine, markdown, plot, table

Step = Callable[[BackDoor, Watch], Iterable[Measure]]


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    command: str
    sizes: Mapping[int, int]
    """Accounts, and how often each of these is repeated."""
    latencies: tuple[float, ...]
    """Seconds."""
    naive: int
    """Accounts of the naive provider beyond the smallest size."""
    untuned: int
    """Accounts of the run without the documented settings."""
    large: int
    """Accounts of a team beyond the sizes, and of one stack of `User`s without latency; 0 leaves both out."""
    provider_alone: int
    """Accounts of the run without the engine."""
    flaky: int
    """Accounts of the study of bad answers."""
    per_minute: int
    """The limit in the study of limits."""
    minutes: int
    """Whole minutes at that limit; 0 leaves the study out."""
    compared: Mapping[int, int] = field(default_factory=dict)
    """Accounts of the comparison with OpenTofu, and how often each of these is repeated."""
    compared_paced: int = 0
    """Accounts of the comparison under a limit; 0 leaves it out."""
    compared_large: int = 0
    """Accounts of one stack of `User`s at the comparison's API, instead of at the grid's; 0 leaves it out."""
    people: int = 0
    """People from a file with accounts at three vendors; 0 leaves them out."""


QUICK = Plan("python -m benchmarks.bench --quick", {20: 1}, (LATENCY,), 30, 20, 0, 100, 20, 60, 0, {20: 1}, people=20)
USUAL = Plan(
    "make bench", {100: 3, MAIN: 1}, (LATENCY,), MAIN, MAIN, 10 * MAIN, MAIN, MAIN, beside.PER_MINUTE, 1, {MAIN: 1}
)
FULL = replace(
    USUAL,
    command="make bench-full",
    latencies=(0, LATENCY),
    minutes=2,
    compared={MAIN: 3},
    compared_paced=200,
    compared_large=10 * MAIN,
    people=beside.PEOPLE_COUNT,
)


def only_compared(number: str) -> Plan:
    """Return the plan of the comparison alone, with this many accounts."""
    accounts = int(number)
    command = f"python -m benchmarks.bench --table {accounts}"
    nothing = Plan(command, {}, (), 0, 0, 0, 0, 0, 0, 0)
    return replace(nothing, compared={accounts: 1}, compared_paced=min(accounts, 20), people=accounts)


def folder(name: str) -> Path:
    """Return the folder of this name, which is made before anything is measured."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"the folder {name} cannot be made ({error.strerror})") from None
    return Path(name)


def steps(plan: Plan) -> Iterator[Step]:
    """Return all measurements to do, alternating between contestants."""
    yield from _comparison(plan)
    for accounts, repeats in plan.sizes.items():
        for latency in plan.latencies:
            for _ in range(repeats):
                yield from _round(accounts, latency)
    yield from _studies(plan)


def _comparison(plan: Plan) -> Iterator[Step]:
    """Return the measurements beside OpenTofu, which is left out where it is not built."""
    for accounts, repeats in plan.compared.items():
        for _ in range(repeats):
            for rival in _there(beside.RIVALS):
                yield partial(beside.compared, beside.TABLE, rival, accounts, LATENCY, 0)
    if plan.compared_paced:
        for rival in _there(beside.PACED_RIVALS):
            yield partial(beside.compared, beside.PACED, rival, plan.compared_paced, LATENCY, beside.PER_MINUTE)
    if plan.compared_large:
        yield partial(beside.compared, beside.LARGE, beside.USERS, plan.compared_large, LATENCY, 0)
    if plan.people:
        yield partial(beside.from_file, plan.people)


def _there(rivals: Iterable[beside.Rival]) -> list[beside.Rival]:
    why_not = tofu.missing()
    return [each for each in rivals if each not in (beside.OPENTOFU, beside.SLOWER) or not why_not]


def _studies(plan: Plan) -> Iterator[Step]:
    """Return the measurements outside the grid, each done once."""
    if not plan.sizes:
        return
    for accounts in sorted({min(plan.sizes), plan.naive}):
        for contestant in (who.NAIVE, who.NAIVE_IN_MAIN):
            yield partial(who.live, contestant, accounts, LATENCY)
    for kind in KINDS:
        yield partial(who.provider_alone, kind, plan.provider_alone)
    if 0 not in plan.latencies or plan.untuned not in plan.sizes:
        yield partial(who.live, _only_create(who.USERS), plan.untuned, 0)
    yield partial(who.live, who.UNTUNED, plan.untuned, 0)
    for contestant in (who.USERS, who.ROSTER):
        yield partial(who.flaky, contestant, plan.flaky, LATENCY)
    if plan.large:
        yield from _many(plan)
    if plan.minutes:
        for contestant in (who.USERS, who.ROSTER):
            # One request for each account goes beyond the whole minutes.
            yield partial(who.limited, contestant, int(1.1 * plan.per_minute * plan.minutes), 0, plan.per_minute)


def _many(plan: Plan) -> Iterator[Step]:
    """Return the measurements of very many accounts."""
    yield from _team(plan.large, LATENCY)
    if not plan.compared_large:
        yield partial(who.live, who.USERS, plan.large, 0)


def _round(accounts: int, latency: float) -> Iterator[Step]:
    """Return one measurement of each contestant, with its floors."""
    yield from _team(accounts, latency)
    yield partial(who.floors, accounts, latency, THREADS)
    yield partial(who.live, who.IDLE_USERS, accounts, latency)
    yield partial(who.live, who.USERS, accounts, latency)


def _team(accounts: int, latency: float) -> Iterator[Step]:
    yield partial(who.floors, accounts, latency, ROSTER_IN_FLIGHT)
    yield partial(who.live, who.IDLE_ROSTER, accounts, latency)
    yield partial(who.live, who.ROSTER, accounts, latency)


def _only_create(contestant: Contestant) -> Contestant:
    return Contestant(contestant.name, contestant.program, ("create",))


def measured(plan: Plan, console: Console) -> list[Measure]:
    """Do all measurements, and print each one."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    found: list[Measure] = []
    todo = list(steps(plan))
    with Progress(*columns, console=console, transient=True) as progress, running() as vendor:
        whole = progress.add_task("")
        for number, step in enumerate(todo, 1):
            progress.update(whole, description=f"step {number} of {len(todo)}")
            for measure in step(vendor, partial(_shown, progress)):
                console.print(line(measure), highlight=False, markup=False, style="yellow" if measure.failure else "")
                found.append(measure)
    return found


@contextmanager
def _shown(progress: Progress, text: str) -> Iterator[None]:
    task = progress.add_task(text)
    try:
        yield
    finally:
        progress.remove_task(task)


def main() -> int:
    """Measure, and show and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_const", dest="plan", const=FULL, default=USUAL)
    size.add_argument("--quick", action="store_const", dest="plan", const=QUICK)
    size.add_argument("--table", type=only_compared, dest="plan", metavar="ACCOUNTS", help="the comparison alone")
    parser.add_argument("--out", type=folder, default=Path(__file__).parent, metavar="FOLDER", help="for results.*")
    given = parser.parse_args()
    # Also of SIGINT, which a shell has ignored in what it runs in the background: with that, each of the engine's
    # plugins would take five seconds to end.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    console, started, about = Console(), time.monotonic(), machine()
    try:
        book = Book(measured(given.plan, console))
    except KeyboardInterrupt:
        console.print("interrupted: nothing is written, and nothing is left running")
        return 130
    about["time"] = f"{(time.monotonic() - started) / 60:.0f} minutes"
    result, reached = figures(book), goals(book)
    console.print(table("Goals beside OpenTofu", reached))
    console.print(table("Figures", result))
    given.out.joinpath("results.md").write_text(markdown(book, result, reached, about, given.plan.command))
    if given.plan.sizes:
        plot(book.of(""), LATENCY, given.out / "results.png")
    for failed in book.failed():
        console.print(f"failed, and must not: {line(failed)}", highlight=False, markup=False, style="red")
    return 1 if book.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
