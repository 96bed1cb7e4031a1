"""One run's work on a team, many members at once.

A member that fails does not stop the others, and is named at the end; the next run does only what is missing. If all
members fail (the vendor is down, or refuses the login), not all of them are tried.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from ..account.ports import Tenant
from ..vendor.errors import (
    AccountError,
    NotAuthorised,
    RateLimited,
    Refused,
    TooManyRemovals,
    UnknownOutcome,
    Unreachable,
    VendorBroken,
    unexpected,
)
from .plan import LEAVING_FAILED, failures

NOT_ABOUT_ONE = (NotAuthorised, RateLimited, TooManyRemovals, UnknownOutcome, Unreachable, VendorBroken)
"""Failures that are not about one account: the next member may fail in the same way."""
MOST_FAILURES_IN_A_ROW = 16
"""After so many such failures in a row in one phase, the other members of that phase are not tried."""
NOT_TRIED = f"not tried, because {MOST_FAILURES_IN_A_ROW} others in a row had failed"
PROGRESS_INTERVAL_S = 5.0
"""Seconds between lines that show the progress."""


@dataclass(frozen=True)
class Taken:
    """The account of a member that did not join: the resource that had it lets it go."""

    account: str
    is_adopted: bool


@dataclass
class Work:
    """One run's work on a team: the members that failed, the reasons, and the progress."""

    tenant: Tenant
    name: str
    total: int
    failed: dict[str, str] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    taken: dict[str, Taken] = field(default_factory=dict)
    """The accounts that the team has from now on, though their members did not join."""
    stay: dict[str, str] = field(default_factory=dict)
    """The members that stay under another e-mail, which their accounts have at the vendor."""
    unclear: set[str] = field(default_factory=set)
    """The members that failed for a reason that is not about their accounts: whether they have one is not known."""
    done: int = 0
    _in_a_row: int = 0

    def __post_init__(self) -> None:
        self._begun = self._reported_at = self.tenant.now()

    async def each(
        self,
        work: Callable[[Tenant, str], Awaitable[None]],
        keys: Iterable[str],
        *,
        counts: bool = True,
        first_alone: bool = False,
        are_leaving: bool = False,
    ) -> None:
        """Do `work` for each member, in an operation of its own; with `counts` the member is done then.

        One call is a phase: failed creates do not stop the removals. With `are_leaving` the report names each member
        that still has access, tried or not.

        With `first_alone` the others wait for the first one: it is read by its id, and the list must show as much.
        """

        async def one(key: str) -> None:
            if self._in_a_row >= MOST_FAILURES_IN_A_ROW:
                self.untried.add(key)
                if are_leaving:
                    self.failed[key] = LEAVING_FAILED + NOT_TRIED
                return
            try:
                await work(self.tenant.operation(), key)
            except AccountError as error:
                self._note(key, error, LEAVING_FAILED if are_leaving else "")
            except Exception as error:  # an unexpected answer for one member must not stop the others
                self._note(key, unexpected(error), LEAVING_FAILED if are_leaving else "")
            else:
                self._in_a_row = 0
            if counts:
                self._report_progress()

        left, self._in_a_row = iter(keys), 0
        if first_alone:
            await self.tenant.each(one, islice(left, 1))
        await self.tenant.each(one, left)

    def _note(self, key: str, error: AccountError, about: str) -> None:
        reason = " ".join(part for part in (f"{error.problem}.", error.remedy) if part)
        self.failed[key] = about + self.tenant.vault.message(reason)
        if error.taken:
            self.taken[key] = Taken(error.taken, error.is_adopted)
        is_unclear = isinstance(error, NOT_ABOUT_ONE) or (isinstance(error, Refused) and error.is_about_all)
        self.unclear |= {key} if is_unclear else set()
        self._in_a_row = self._in_a_row + 1 if is_unclear else 0

    def _report_progress(self) -> None:
        self.done += 1
        now = self.tenant.now()
        if now - self._reported_at < PROGRESS_INTERVAL_S or self.done >= self.total:
            return
        self._reported_at = now
        rate = self.done / (now - self._begun)
        left = (self.total - self.done) / rate
        self.tenant.warn(
            f"{self.name}: {self.done:,} of {self.total:,} done, {rate:,.0f} a second, {_duration(left)} left"
        )

    def failure_counts(self) -> dict[str, int]:
        """Return how many members failed, and how many were not tried."""
        return {"failed": len(self.failed.keys() - self.untried), "not_tried": len(self.untried)}

    def raise_if_any_failed(self, again: str) -> None:
        """Raise AccountError with all failures, if there are any; `again` says what tries them again."""
        if self.failed:
            raise AccountError(
                failures(self.name, self.failed, self.failure_counts(), again), vendor=self.tenant.vendor.title
            )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
