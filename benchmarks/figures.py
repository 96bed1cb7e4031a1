"""Figures from the measures: ratios to the floors of the same run, and whether they reach their targets. Pure."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from . import contestants as who
from .contestants import Measure
from .vendor import MINUTE

LATENCY = 0.1
"""Seconds; ratios of time are taken where the vendor's answers take as long as over the internet."""
PAGE = 100
"""Accounts on a page of the list, as seatwise asks for them."""
THREADS = 4
"""What Pulumi's dynamic host has in flight."""
ROSTER_IN_FLIGHT = 16
OURS = (who.USERS.name, who.ROSTER.name)
MAIN = 1_000
"""The number of accounts for which most targets are set."""
NONE = "no target"


@dataclass(frozen=True)
class Figure:
    """One line of the result."""

    name: str
    value: str
    target: str = NONE
    reached: bool | None = None
    """None where there is no target."""


class Book:
    """All measures of a run."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self.measures = list(measures)

    def of(self, study: str) -> "Book":
        """Return the measures of one study."""
        return Book(each for each in self.measures if each.study == study)

    def all(self, contestant: str, operation: str, accounts: int, latency: float = LATENCY) -> list[Measure]:
        """Return the measures of one kind that did not fail."""
        wanted = (contestant, operation, accounts, latency)
        return [
            each
            for each in self.measures
            if (each.contestant, each.operation, each.accounts, each.latency) == wanted and not each.failure
        ]

    def middle(
        self,
        contestant: str,
        operation: str,
        accounts: int,
        latency: float = LATENCY,
        of: Callable[[Measure], float] = lambda measure: measure.seconds,
    ) -> float | None:
        """Return the median of a value, by default the seconds of the whole command; None without a measure."""
        found = [of(each) for each in self.all(contestant, operation, accounts, latency)]
        return median(found) if found else None

    def sizes(self, contestant: str, operation: str) -> list[int]:
        """Return the numbers of accounts for which there are measures."""
        return sorted(
            {each.accounts for each in self.measures if (each.contestant, each.operation) == (contestant, operation)}
        )

    def failed(self) -> list[Measure]:
        """Return the measures that failed and must not fail."""
        return [each for each in self.measures if each.failure and each.must_work]


def figures(book: Book) -> list[Figure]:
    """Return all figures for which there are measures, in the order of their targets."""
    parts = (
        _whole_roster, _provider_work, _users, _untuned, _naive, _refresh, _state, _processor,
        _flaky, _limited, _connections, _requests, _duplicates,
    )  # fmt: skip
    return [figure for part in parts for figure in part(book)]


def work(measure: Measure) -> float:
    """Return the seconds from the first request to the last answer."""
    return measure.seen.work


def most_requests(operation: str, accounts: int) -> int | None:
    """Return how many requests an operation may send to Enerflo; None without a limit."""
    pages = math.ceil(accounts / PAGE)
    return {
        "create": 2 * accounts + pages + 2,
        "no-op": 0,
        "refresh": pages + 2,
        who.UPDATE: who.changed_of(accounts),
        who.UPDATE_ALL: accounts,
        "retire": accounts,
    }.get(operation)


# --- one after the other ----------------------------------------------------------------------


def at_most(
    name: str, value: float | None, limit: float | None, digits: int = 2, unit: str = "", note: str = ""
) -> Iterator[Figure]:
    """Yield a figure with an upper limit, if it was measured; `note` is appended to the value."""
    if value is None:
        return
    shown = f"{value:,.{digits}f}{unit}{note}"
    if limit is None:
        yield Figure(name, shown)
    else:
        yield Figure(name, shown, f"<= {limit:,.{digits if limit % 1 else 0}f}{unit}", value <= limit)


def over(top: float | None, bottom: float | None) -> float | None:
    """Return the ratio; None if one of the two was not measured."""
    return top / bottom if top is not None and bottom else None


def _sum(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _whole_roster(book: Book) -> Iterator[Figure]:
    limits: Mapping[int, float] = {MAIN: 2.0, 10 * MAIN: 1.25}
    for accounts in book.sizes(who.ROSTER.name, "create"):
        whole = book.middle(who.ROSTER.name, "create", accounts)
        floor = book.middle(who.floor_name(ROSTER_IN_FLIGHT), "create", accounts, of=work)
        fixed = book.middle(who.IDLE_ROSTER.name, "create", accounts)
        name = f"Roster, create {accounts:,} at 100 ms, whole `up` / "
        both = over(whole, _sum(floor, fixed))
        note = f" ({whole:.1f} s / ({floor:.1f} + {fixed:.1f} s))" if whole and floor and fixed else ""
        yield from at_most(name + "(aiohttp + engine alone)", both, limits.get(accounts), note=note)
        yield from at_most(name + "aiohttp, the engine's own seconds not allowed for", over(whole, floor), None)


def _provider_work(book: Book) -> Iterator[Figure]:
    for accounts in book.sizes(who.ROSTER.name, "create"):
        ours = book.middle(who.ROSTER.name, "create", accounts, of=work)
        floor = book.middle(who.floor_name(ROSTER_IN_FLIGHT), "create", accounts, of=work)
        name = f"Roster, create {accounts:,} at 100 ms, first request to last answer / aiohttp"
        in_flight = book.middle(who.ROSTER.name, "create", accounts, of=lambda each: each.seen.most_in_flight)
        note = f" ({ours:.1f} / {floor:.1f} s, {in_flight:.0f} / 16 in flight)" if ours and floor else ""
        yield from at_most(name, over(ours, floor), 1.15 if accounts >= MAIN else None, note=note)


def _users(book: Book) -> Iterator[Figure]:
    for accounts in book.sizes(who.USERS.name, "create"):
        whole = book.middle(who.USERS.name, "create", accounts)
        least = accounts * LATENCY * 2 / THREADS
        name = f"User x {accounts:,}, create at 100 ms, whole `up` / (2 requests each, 4 in flight)"
        note = f" ({whole:.1f} / {least:.1f} s)" if whole else ""
        yield from at_most(name, over(whole, least), 1.3 if accounts == MAIN else None, note=note)


def _untuned(book: Book) -> Iterator[Figure]:
    for accounts in book.sizes(who.UNTUNED.name, "create"):
        slow = book.middle(who.UNTUNED.name, "create", accounts, 0)
        fast = book.middle(who.USERS.name, "create", accounts, 0)
        times = over(slow, fast)
        if times is None:
            continue
        value = f"{times:.1f}x ({slow:.1f} / {fast:.1f} s)"
        name = f"User x {accounts:,}, create at 0 ms, `up` without the documented settings / with them"
        yield Figure(name, value, *((">= 10x", times >= 10) if accounts == MAIN else (NONE,)))


def _naive(book: Book) -> Iterator[Figure]:
    for contestant in (who.NAIVE, who.NAIVE_IN_MAIN):
        measures = [each for each in book.measures if (each.contestant, each.operation) == (contestant.name, "create")]
        if not measures:
            continue
        each = max(measures, key=lambda measure: measure.accounts)
        made = each.seen.kinds.get("create", 0)
        value = f"passes, in {each.seconds:.1f} s"
        if each.failure:
            value = f"fails; the vendor has {made:,} accounts, the state knows {each.known:,}: {each.failure}"
        yield Figure(f"{contestant.name} x {each.accounts:,}, create", value, "said as it is")


def _refresh(book: Book) -> Iterator[Figure]:
    for contestant in OURS:
        for accounts in book.sizes(contestant, "refresh"):
            ours = book.middle(contestant, "refresh", accounts, of=work)
            floor = book.middle(who.floor_name(THREADS), "refresh", accounts, of=work)
            name = f"{_short(contestant)}, refresh of {accounts:,} at 100 ms, first request to last answer / "
            name += "one GET each by aiohttp, 4 in flight"
            note = f" ({ours:.2f} / {floor:.2f} s)" if ours and floor else ""
            yield from at_most(name, over(ours, floor), 0.10 if accounts >= MAIN else None, note=note)


def _state(book: Book) -> Iterator[Figure]:
    def per_account(contestant: str, accounts: int, of: Callable[[Measure], float]) -> float | None:
        return over(book.middle(contestant, "create", accounts, of=of), accounts)

    for accounts in book.sizes(who.ROSTER.name, "create"):
        for what, of in _STATES.items():
            limit = 400 if accounts >= MAIN else None
            value = per_account(who.ROSTER.name, accounts, of)
            yield from at_most(f"Roster of {accounts:,}, bytes of {what} an account", value, limit, 0)
    for accounts in book.sizes(who.USERS.name, "create"):
        for what, of in _STATES.items():
            value = per_account(who.USERS.name, accounts, of)
            idle = per_account(who.IDLE_USERS.name, accounts, of)
            if value is None or idle is None:
                continue
            most = round(idle + 700) if accounts >= MAIN else None
            note = f" (the engine's own: {idle:,.0f})"
            name = f"User x {accounts:,}, bytes of {what} an account"
            yield from at_most(name, round(value), most, 0, note=note)


_STATES: Mapping[str, Callable[[Measure], float]] = {
    "exported state": lambda measure: measure.exported,
    "the state file": lambda measure: measure.on_disk,
}


def _processor(book: Book) -> Iterator[Figure]:
    for kind in ("User", "Roster"):
        contestant = who.provider_alone_name(kind)
        for accounts in book.sizes(contestant, "create"):
            each = book.middle(contestant, "create", accounts, 0, of=lambda measure: measure.usage.total)
            name = f"{kind}, CPU of the provider per create ({accounts:,} of them, without the engine)"
            yield from at_most(name, None if each is None else each * 1000 / accounts, 3, 1, " ms")
    for contestant, idle in ((who.USERS.name, who.IDLE_USERS.name), (who.ROSTER.name, who.IDLE_ROSTER.name)):
        for accounts in book.sizes(contestant, "create"):
            whole = book.middle(contestant, "create", accounts, of=lambda measure: measure.usage.total)
            own = book.middle(idle, "create", accounts, of=lambda measure: measure.usage.total)
            if whole is None or own is None:
                continue
            name = f"{_short(contestant)}, CPU of the whole `up` per create beyond the engine alone ({accounts:,})"
            yield from at_most(name, (whole - own) * 1000 / accounts, None, 1, " ms")


def _flaky(book: Book) -> Iterator[Figure]:
    for contestant in OURS:
        for accounts in book.sizes(contestant, who.UPDATE_ALL_FLAKY):
            name = f"{_short(contestant)}, update of all {accounts:,}, 10 % of answers 503 / none, "
            for what, of, limit in (("time", work, 1.35), ("requests", requests_of, 1.12)):
                bad = book.middle(contestant, who.UPDATE_ALL_FLAKY, accounts, of=of)
                good = book.middle(contestant, who.UPDATE_ALL, accounts, of=of)
                note = f" ({bad:,.1f} / {good:,.1f})" if bad and good else ""
                yield from at_most(f"{name}{what}", over(bad, good), limit if accounts >= MAIN else None, note=note)


def requests_of(measure: Measure) -> float:
    """Return the number of requests."""
    return measure.seen.requests


def _limited(book: Book) -> Iterator[Figure]:
    for each in book.measures:
        limit = each.operation.removeprefix("create, ").removesuffix(" a minute")
        if not limit.isdecimal() or each.failure:
            continue
        name = f"{_short(each.contestant)}, under a limit of {limit} a minute, "
        minutes = each.seen.served[:-1]  # in the last one the work ends
        if minutes:
            share = min(minutes) / int(limit)
            value = f"{share:.2f} of it, over {len(minutes)} x {MINUTE:.0f} s"
            yield Figure(f"{name}throughput of the worst whole minute", value, ">= 0.90", share >= 0.9)
        a_create = each.seen.requests / each.accounts
        yield from at_most(f"{name}requests a create, where its answer has the record", a_create, 1.05)
        turned_away = 100 * each.seen.limited / max(1, each.seen.requests)
        yield from at_most(f"{name}share of 429s", turned_away, 1, 2, " %")


def _connections(book: Book) -> Iterator[Figure]:
    for contestant in (*OURS, who.NAIVE.name):
        sizes = book.sizes(contestant, "create")
        for each in [each for accounts in sizes for each in book.all(contestant, "create", accounts)][-1:]:
            most = each.seen.most_in_flight
            name = f"{_short(contestant)}, connections for {each.accounts:,} creates"
            limit = most if contestant in OURS else None
            yield from at_most(name, each.seen.connections, limit, 0, note=f" (in flight: {most})")


def _requests(book: Book) -> Iterator[Figure]:
    for contestant in OURS:
        for operation in (*who.OPERATIONS, who.UPDATE_ALL):
            for accounts in book.sizes(contestant, operation)[-1:]:
                latencies = {each.latency for each in book.measures if each.accounts == accounts}
                found = [each for late in latencies for each in book.all(contestant, operation, accounts, late)]
                if not found:
                    continue
                worst = max(found, key=lambda measure: measure.seen.requests)
                kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(worst.seen.kinds.items()))
                name = f"{_short(contestant)}, requests of {operation} ({accounts:,})"
                note = f" ({kinds})" if kinds else ""
                limit = most_requests(operation, accounts)
                yield from at_most(name, worst.seen.requests, limit, 0, note=note)


def _duplicates(book: Book) -> Iterator[Figure]:
    ours = [each for each in book.measures if each.contestant in OURS or (each.study and each.must_work)]
    if ours:
        worst = max(each.seen.duplicates for each in ours)
        yield from at_most("seatwise, duplicate accounts after any operation", worst, 0, 0)


def _short(contestant: str) -> str:
    return contestant.removeprefix("seatwise ")
