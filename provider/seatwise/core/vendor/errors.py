"""Every failure of seatwise.

    AccountError                  .vendor, .account; .maybe_sent: the vendor may have acted anyway
    ├── SettingsError             a credential or URL is missing or unfit; nothing was sent
    ├── UnknownName               nothing has the name that is looked up, or several things have it
    ├── InvalidAccount            what is declared cannot be; nothing was sent
    │   └── InvalidMembers        the same of a team's members; .problems has one line for each
    │       └── InvalidPeople     the same of people in a file
    ├── JournalTooNew             a newer version wrote into the journal what this one does not know
    ├── InvalidExport             the given export is not a stack's state, or hides ids
    ├── TooManyRemovals           the run has reached its limit of removals; nothing was sent
    ├── Unreachable               no usable answer
    ├── UnknownOutcome            a create may have been carried out and the account cannot be found
    └── Refused                   the vendor answered and said no; .status
        ├── NotAuthorised         401, 403: credentials or permission
        ├── NoSuchAccount         the account is not there
        ├── AccountExists         the e-mail is taken
        ├── InvalidField          400, 422: what was sent
        ├── RateLimited           too many requests, after our own waiting
        └── VendorBroken          5xx, a redirect, or an answer that cannot be used

A message holds the vendor, the account, the vendor's own words (shortened, without secrets) and the
remedy, in one line; InvalidMembers has a line for each problem. It never holds a credential, a password, a
whole body or a header.
"""

import traceback
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

MOST_LINES = 20  # of problems in a message about members


class AccountError(Exception):
    """A failure about one account of one vendor, in one readable line."""

    maybe_sent = False
    """Whether the vendor may have done what was asked anyway."""
    denied: Collection[str] = ()
    """The arguments of an update that certainly did not change, as reads after it have shown."""
    taken = ""
    """The id of the account that the resource was given before the failure, and that it has from then on."""
    is_adopted = False
    """Whether that account was adopted."""
    is_gone = False
    """Whether a read by the account's id and the account list have shown that it is not there: no resource has it."""

    def __init__(self, problem: str, *, vendor: str = "", account: str = "", remedy: str = "") -> None:
        super().__init__(problem, vendor, account, remedy)
        self.problem = problem
        self.vendor = vendor
        self.account = account
        self.remedy = remedy

    def __str__(self) -> str:
        about = " ".join(part for part in (self.vendor, self.account) if part)
        line = f"{about}: {self.problem}" if about else self.problem
        return " ".join((f"{line}. {self.remedy}" if self.remedy else line).split())


def unexpected(error: Exception) -> AccountError:
    """Return the failure for an unexpected exception: its type and place. Its own text may contain anything."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    # Pulumi's host has `sys.tracebacklimit` 0, which a limit of its own overrides.
    frames = traceback.extract_tb(error.__traceback__, -1)
    place = "".join(f" in {Path(each.filename).name}, line {each.lineno}" for each in frames)
    place = f"{type(error).__name__}{place}"
    return AccountError(f"an unexpected answer ({place})", remedy="Run it again; if it stays, report it as a bug")


class SettingsError(AccountError):
    """A setting is missing or unfit. Raised before any request."""


class UnknownName(AccountError):
    """Nothing has the name or e-mail that is looked up, or several things have it."""


class InvalidAccount(AccountError):
    """The program declares something that cannot be. Raised before any request."""


class InvalidMembers(InvalidAccount):
    """The program declares members that cannot be; each problem is a line that says where it is."""

    about: ClassVar[str] = "members"

    def __init__(self, problems: Sequence[str], *, vendor: str = "") -> None:
        super().__init__("\n".join(problems), vendor=vendor)
        self.problems = problems

    def __str__(self) -> str:
        lines = [" ".join(problem.split()) for problem in self.problems[:MOST_LINES]]
        if len(self.problems) == 1:
            return lines[0]
        more = len(self.problems) - len(lines)
        whose = f" for {self.vendor}" if self.vendor else ""
        rest = [f"and {more:,} more"] if more else []
        return "\n  ".join([f"{len(self.problems):,} problems with the {self.about}{whose}:", *lines, *rest])


class InvalidPeople(InvalidMembers):
    """A file declares people that cannot be."""

    about = "people"


class JournalTooNew(AccountError):
    """A newer version of seatwise wrote a journal entry that this version does not know."""


class InvalidExport(AccountError):
    """The given export is not the state of a stack, or does not show what the stack owns."""


class TooManyRemovals(AccountError):
    """The run has deprovisioned as many accounts as `SEATWISE_MAX_REMOVALS` allows."""


class Unreachable(AccountError):
    """The vendor gave no usable answer."""

    def __init__(
        self, problem: str, *, maybe_sent: bool, vendor: str = "", account: str = "", remedy: str = ""
    ) -> None:
        super().__init__(problem, vendor=vendor, account=account, remedy=remedy)
        self.maybe_sent = maybe_sent


class UnknownOutcome(AccountError):
    """A create may have been carried out, and the account cannot be found (yet)."""


class Refused(AccountError):
    """The vendor answered and said no."""

    default_remedy: ClassVar[str] = "Run it again; if it stays, ask the vendor"
    is_about_all = False
    """Whether the list was not found, which is about no single account."""

    def __init__(self, problem: str, *, status: int, vendor: str = "", account: str = "", remedy: str = "") -> None:
        super().__init__(problem, vendor=vendor, account=account, remedy=remedy or self.default_remedy)
        self.status = status


class NotAuthorised(Refused):
    """401 or 403: the credentials are not good, or not enough."""

    default_remedy = "Check the credentials and the permissions they carry"


class NoSuchAccount(Refused):
    """The account is not there (any more)."""

    default_remedy = "Run `pulumi refresh` to see what is there"


class AccountExists(Refused):
    """An account with this e-mail is there already, or the vendor keeps the e-mail reserved."""

    existing = ""
    """The id of the account that is there, where it is known."""

    default_remedy = "Choose another e-mail, or ask the vendor to free this one: deleted accounts may keep theirs"


class InvalidField(Refused):
    """The vendor does not take what was sent."""

    default_remedy = "Correct it in the program and run `pulumi up` again"


class RateLimited(Refused):
    """Too many requests, after seatwise's own waiting."""

    default_remedy = "Run it again later"


class VendorBroken(Refused):
    """The vendor failed, or gave an answer that cannot be used."""
