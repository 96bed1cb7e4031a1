"""What the core needs of a tenant, of its journal and of the engine's state, as protocols."""

import enum
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..vendor.http import Answer, Request
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
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

    @property
    def journal(self) -> "Journal":
        """The journal of this tenant."""

    @property
    def engine_state(self) -> "EngineState":
        """What the engine's state holds."""

    async def send(self, request: Request) -> Answer:
        """Send a request, with retries, pacing and login; raises Unreachable, NotAuthorised, RateLimited."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def each(self, work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Do this for each item, as many at once as the tenant's `concurrency` allows; raise the first AccountError."""

    def operation(self, share: float = 1) -> "Tenant":
        """Return the same tenant with this share of the time that is left until the operation's deadline."""

    def lock(self, account: str = "") -> AbstractAsyncContextManager[None]:
        """Lock this account, or without one the account list, for a block."""

    def now(self) -> float:
        """Return the seconds of a monotonic clock."""

    def warn(self, text: str) -> None:
        """Show the user a warning."""

    unreadable_reported: set[tuple[str, str]]
    """Accounts and fields for which this run has shown a warning that their values cannot be read."""


class EntryKind(enum.StrEnum):
    """What seatwise last did under an e-mail. The values are the words that the journal's database holds."""

    PENDING = "INTENDED"
    """A create was about to be sent; its outcome is unknown."""
    CREATED = "MADE"
    """The account was created or reactivated for its owner."""
    DEACTIVATED = "RETIRED"
    """The account was deactivated."""


class Unconfirmed(enum.StrEnum):
    """Why an account must be read before its state is believed. The values are the journal's words in its database."""

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
    """What the journal says of one e-mail. `owner` is the resource that the account was for, `age` is in seconds."""

    kind: EntryKind
    account: str | None = None
    owner: str = ""
    age: float = 0
    is_known: bool = False
    """Whether the engine has shown since that it knows the account."""


class Journal(Protocol):
    """What seatwise keeps about a tenant's accounts between runs, on this machine."""

    def last(self, email: str) -> Entry | None:
        """Return what is remembered of this e-mail; raises JournalTooNew when a newer version wrote it."""

    def last_of(self, account: str) -> Entry | None:
        """Return what is remembered of this account, under whatever e-mail."""

    def made_for(self, owner: str) -> Entry | None:
        """Return the entry of an account that was created for this owner, one that the engine knows first."""

    def had_account(self, owner: str) -> bool:
        """Return whether a resource that differs from the owner at most in its stack created or adopted an account."""

    async def intend(self, email: str, owner: str, window: float) -> Entry | None:
        """Note that a create is about to leave; the note is on disk, come what may, when this returns.

        Notes nothing, and returns the note that is there, where a create of at most `window` seconds ago has no known
        outcome yet: it may still arrive.
        """

    def withdraw(self, email: str) -> None:
        """Delete the entry of this process's create, which created nothing, and restore the entry before it."""

    def note(self, email: str, entry: Entry) -> None:
        """Remember this from now on, and its account under no other e-mail."""

    def forget(self, email: str) -> None:
        """Delete the entry of this e-mail."""

    def forget_account(self, account: str) -> None:
        """Delete all entries of this account."""

    def rename(self, account: str, email: str) -> None:
        """Move the entry of a created account to this e-mail; delete the entry of a deactivated account."""

    def acknowledge(self, accounts: Iterable[str], owner: str = "") -> None:
        """Note that the engine knows these accounts, and that this owner has them; without one the owner stays."""

    def unacknowledge(self, account: str) -> None:
        """Note that the engine is about to forget the account under its owner: another resource gets it."""

    def declare(self, owner: str, emails: Iterable[str]) -> None:
        """Note what a resource without old inputs declares in this run of the engine: it is new, or being replaced."""

    def declared(self, owner: str) -> frozenset[str] | None:
        """Return the keys of the e-mails that `declare` noted in this run, by whatever process; None without a note."""

    def give_up(self, account: str, life: str, others: Set[str]) -> bool:
        """Return whether one of the other lives of the account has not given it up in this run; then note this one.

        Of several that are removed at once the last one is not let off.
        """

    def renewed_for(self, owner: str) -> frozenset[str]:
        """Return the accounts for which `renewed` was noted for this owner in this run of the engine."""

    def renewed(self, account: str, owner: str) -> None:
        """Note that in this run of the engine the account goes on as this owner's."""

    def is_renewed(self, account: str) -> bool:
        """Return whether `renewed` was noted in this run of the engine, by whatever process of it."""

    def mark_unconfirmed(self, account: str, why: Unconfirmed) -> None:
        """Note, before a write is sent, that the engine may not hear of it."""

    def why_unconfirmed(self, account: str, revision: int | None = None) -> Unconfirmed | None:
        """Return why the account must be read before a state of this revision is believed; None if it need not."""

    def unconfirmed(self, revision: int) -> frozenset[str]:
        """Return the accounts that must be read before a state of this revision is believed."""

    def mark_confirmed(self, account: str) -> None:
        """Note that the state of the account is known again."""

    def record_write(self, account: str, revision: int) -> int:
        """Note a confirmed write, which no earlier state contains, and return its write revision.

        `revision` is that of the state so far.
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
