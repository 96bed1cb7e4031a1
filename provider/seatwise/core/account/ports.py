"""The protocols of a tenant, its journal and the engine's state, as the core needs them."""

import enum
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..vendor.http import Answer, Request
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
from .answers import Answers
from .list_cache import ListCache
from .notices import Notices
from .ownership import Ownership
from .properties import Properties, Signature, owner_of, revision_of
from .removals import Removals

T = TypeVar("T")


class Tenant(Protocol):
    """A vendor's tenant: it sends requests and waits."""

    vendor: Vendor
    vault: Vault
    removals: Removals
    ownership: Ownership
    list_cache: ListCache
    notices: Notices
    answers: Answers

    @property
    def journal(self) -> "Journal":
        """The journal of this tenant."""

    @property
    def engine_state(self) -> "EngineState":
        """The state of the engine."""

    async def send(self, request: Request) -> Answer:
        """Send a request, with retries, pacing and login; raises Unreachable, NotAuthorised, RateLimited."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def each(self, work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Do `work` for each item, at most `concurrency` at once; raise the first AccountError."""

    def operation(self, share: float = 1) -> "Tenant":
        """Return the same tenant with this share of the time that is left until the operation's deadline."""

    def lock(self, name: str = "", kind: str = "account") -> AbstractAsyncContextManager[None]:
        """Lock this account, or another thing of this `kind`, for a block; without a name the account list."""

    def now(self) -> float:
        """Return the seconds of a monotonic clock."""

    def warn(self, text: str) -> None:
        """Show the user a warning."""

    unreadable_reported: set[tuple[str, str]]
    """Accounts and fields for which this run has shown a warning that their values cannot be read. A field that the
    whole tenant does not keep has no account."""


class EntryKind(enum.StrEnum):
    """The last operation of seatwise under an e-mail. The values are the words that the journal's database holds."""

    PENDING = "INTENDED"
    """A create was about to be sent; its outcome is unknown."""
    CREATED = "MADE"
    """The account was created or reactivated for its owner."""
    DEACTIVATED = "RETIRED"
    """The account was deactivated."""


class Unconfirmed(enum.StrEnum):
    """The reason to read an account before its state is trusted. The values are the words in the journal's database."""

    UNSEEN = "UNSEEN"
    """It was created as declared and has not been read since."""
    CHANGED = "CHANGED"
    """An update was sent, and its outcome is unknown."""
    SECRET = "SECRET"
    """An update with a secret in it was sent, and its outcome is unknown."""
    DEACTIVATED = "RETIRED"
    """It was deactivated, or a deactivation was sent whose outcome is unknown."""
    FORGOTTEN = "FORGOTTEN"
    """An update was carried out that the state does not contain."""


@dataclass(frozen=True)
class Entry:
    """The journal's entry for one e-mail. `owner` is the resource that the account was for, `age` is in seconds."""

    kind: EntryKind
    account: str | None = None
    owner: str = ""
    age: float = 0
    is_known: bool = False
    """Whether the engine has shown since that it knows the account."""


Entries = Sequence[tuple[object, ...]]
"""Entries of the journal as it stores them."""


class Journal(Protocol):
    """The memory of a tenant's accounts between runs, on this machine."""

    def last(self, email: str) -> Entry | None:
        """Return the entry of this e-mail, or None; raises JournalTooNew if a newer version wrote it."""

    def last_of(self, account: str) -> Entry | None:
        """Return the entry of this account, under any e-mail, or None."""

    def made_for(self, owner: str) -> Entry | None:
        """Return the entry of an account that was created for this owner; prefer an account that the engine knows."""

    def had_account(self, owner: str) -> bool:
        """Return whether a resource that differs from the owner at most in its stack created or adopted an account."""

    async def intend(self, email: str, owner: str, window: float) -> Entry | None:
        """Record that a create is about to be sent; the entry survives a power cut when this returns.

        If the journal has a create of less than `window` seconds ago without a known outcome, record nothing and return
        its entry: that create may still arrive.
        """

    def withdraw(self, email: str) -> None:
        """Delete the entry of this process's create, which created nothing, and restore the entry before it."""

    def note(self, email: str, entry: Entry) -> None:
        """Store the entry under this e-mail, and delete its account's entry under another one."""

    def forget(self, email: str) -> None:
        """Delete the entry of this e-mail."""

    def forget_account(self, account: str) -> None:
        """Delete all entries of this account."""

    def rename(self, account: str, email: str) -> Entries:
        """Move the entry of a created account to this e-mail; delete the entry of a deactivated account.

        Return the entries of the account and of the e-mail before, for `restore`.
        """

    def restore(self, account: str, email: str, entries: Entries) -> None:
        """Take back a `rename` to this e-mail that the vendor refused; keep entries that were stored since."""

    def forget_pending(self, email: str) -> None:
        """Delete the entry of a create without a known outcome: an account with this e-mail is another one."""

    def acknowledge(self, accounts: Iterable[str], owner: str = "") -> None:
        """Record that the engine knows these accounts and, unless `owner` is empty, that this owner has them.

        An account that another owner got in this run, in any process, stays that owner's.
        """

    def unacknowledge(self, account: str) -> None:
        """Record that the engine no longer knows the account under its owner: another resource is about to get it."""

    def declare(self, owner: str, emails: Iterable[str]) -> None:
        """Record which e-mails a resource without old inputs declares in this run: it is new, or being replaced."""

    def declared(self, owner: str) -> frozenset[str] | None:
        """Return the keys of the e-mails that `declare` recorded in this run, in any process; None if it did not."""

    def give_up(self, account: str, life: str, others: Set[str]) -> bool:
        """Record that this life of the account gives it up in this run; return whether another life still keeps it.

        Return False, and record nothing, if all `others` have given it up in this run: then the caller must deprovision
        the account. A life is a text of `holders.life`.
        """

    def renewed_for(self, owner: str) -> frozenset[str]:
        """Return the accounts that `renewed` recorded for this owner in this run of the engine."""

    def renewed(self, account: str, owner: str) -> None:
        """Record that this owner keeps or takes over the account in this run of the engine."""

    def not_renewed(self, account: str, owner: str) -> None:
        """Delete the record of `renewed`: the owner's account is another one."""

    def is_renewed(self, account: str) -> bool:
        """Return whether any process of this run of the engine recorded `renewed` for the account."""

    def is_renewed_by_other(self, account: str, owners: Collection[str]) -> bool:
        """Return whether this run has recorded `renewed` for the account, in any process, and not for these owners.

        The names that one resource has had are several owners.
        """

    def mark_unconfirmed(self, account: str, why: Unconfirmed) -> None:
        """Record, before a write is sent, that the engine may not learn of it."""

    def why_unconfirmed(self, account: str, revision: int | None = None) -> Unconfirmed | None:
        """Return why the account must be read before a state of this revision is trusted; None if it need not."""

    def unconfirmed(self, revision: int) -> frozenset[str]:
        """Return the accounts that must be read before a state of this revision is trusted."""

    def mark_confirmed(self, account: str) -> None:
        """Record that the state of the account is known again."""

    def record_write(self, account: str, revision: int, *, confirms: bool = True) -> int:
        """Record a write, which no earlier state contains, and return its write revision.

        `revision` is that of the state so far. Unless it `confirms` the account, an unconfirmed mark stays.
        """

    def revision(self, account: str) -> int:
        """Return the account's write revision."""


@dataclass(frozen=True)
class Held:
    """A resource in the engine's state. `kind` is what its type ends with: `enerflo:User`, `enerflo:Roster`."""

    id: str
    outputs: Properties
    owner: str = ""
    kind: str = ""
    is_live: bool = True
    """False for a resource that was replaced and awaits its deletion."""
    is_whole: bool = True
    """Whether the outputs contain their secrets."""

    @property
    def names(self) -> tuple[str, str]:
        """Its owner in the URN, and the one in its outputs, which may be from before a rename."""
        return self.owner, owner_of(self.outputs)

    def accounts(self) -> set[str]:
        """Return the ids of its accounts."""
        return {*self.outputs.get("ids", {}).values()} if self.kind.endswith(":Roster") else {self.id}

    @property
    def revision(self) -> int:
        """Its write revision."""
        return revision_of(self.outputs)

    @property
    def tenant(self) -> str | None:
        """The tenant of its accounts; None in states of the first versions."""
        return Signature.of(self.outputs).tenant


class EngineState(Protocol):
    """The engine's state, which is asked where the journal and the vendor cannot tell which resource has an account.

    Each raises AccountError when the state cannot be read.
    """

    run: str
    """A text that is the same for all provider processes of one run of the engine, and differs between runs."""

    async def of_owner(self, owner: str) -> Sequence[Held]:
        """Return the resources of this owner, of whatever vendor and kind; raises AccountError."""

    async def of_account(self, account: str, owner: str) -> Sequence[Held]:
        """Return the resources with an account of this id, in the state of this owner's stack; raises AccountError."""
