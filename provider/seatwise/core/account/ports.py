"""A tenant that can be spoken to, as the core sees it, and the errors that name its accounts."""

import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..vendor.errors import AccountError, NoSuchAccount, SettingsError, TooManyRemovals
from ..vendor.fields import email_key
from ..vendor.http import Answer, Request
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
from .notices import Notices
from .owner import MEMBERS, forms, in_stack_of, is_team, parsed, same, stack_of

if TYPE_CHECKING:
    from .directory import Directory

T = TypeVar("T")
Record = Mapping[str, Any]
"""An account as the vendor writes it."""
EMPTY: Mapping[str, Any] = MappingProxyType({})


class Tenant(Protocol):
    """A vendor's tenant that can be spoken to."""

    vendor: Vendor
    vault: Vault
    removals: "Removals"
    claims: "Claims"
    directory: "Directory"
    notices: Notices

    @property
    def journal(self) -> "Journal":
        """What is remembered between runs."""

    @property
    def engine_state(self) -> "EngineState":
        """What the engine's state holds."""

    async def send(self, request: Request) -> Answer:
        """Send a request, with retries, pacing and login; raises Unreachable, NotAuthorised, RateLimited."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def each(self, work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Do this for each, as many at once as the tenant's `concurrency` says; raises the first AccountError."""

    def operation(self, share: float = 1) -> "Tenant":
        """The same tenant, with this share of the time that is left to the operation."""

    def alone(self, account: str = "") -> AbstractAsyncContextManager[None]:
        """Nobody else is in this block meanwhile: that of this account, or of the list of all."""

    def now(self) -> float:
        """Seconds of a clock that goes on."""

    def warn(self, text: str) -> None:
        """Tell the user something that is no failure."""

    told: set[tuple[str, str]]
    """Accounts and fields of which this run has warned that they cannot be read."""


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
    """What is remembered of one e-mail. `owner` names the resource that it was for, `age` is in seconds."""

    kind: EntryKind
    account: str | None = None
    owner: str = ""
    age: float = 0
    is_known: bool = False
    """Whether the engine has shown since that it knows the account."""


class Journal(Protocol):
    """What seatwise remembers of a tenant between runs, on this machine."""

    def last(self, email: str) -> Entry | None:
        """Return what is remembered of this e-mail; raises JournalTooNew when a newer version wrote it."""

    def last_of(self, account: str) -> Entry | None:
        """Return what is remembered of this account, under whatever e-mail."""

    def made_for(self, owner: str) -> Entry | None:
        """Return what is remembered of an account that was made for this owner, one that the engine knows first."""

    async def intend(self, email: str, owner: str, window: float) -> Entry | None:
        """Note that a create is about to leave; the note is on disk, come what may, when this returns.

        Notes nothing, and returns the note that is there, where a create of at most `window` seconds ago has no known
        outcome yet: it may still arrive.
        """

    def withdraw(self, email: str) -> None:
        """Take back the note of this process's create, which made nothing; an earlier note is there again."""

    def note(self, email: str, entry: Entry) -> None:
        """Remember this from now on, and its account under no other e-mail."""

    def forget(self, email: str) -> None:
        """Remember nothing of this e-mail any more."""

    def forget_account(self, account: str) -> None:
        """Remember this account under no e-mail any more."""

    def rename(self, account: str, email: str) -> None:
        """Remember an account that was made under this e-mail from now on; of a deactivated one remember nothing."""

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
        """Remember that the engine may not hear of what is about to be done to this account."""

    def why_unconfirmed(self, account: str, revision: int | None = None) -> Unconfirmed | None:
        """Why the account must be looked at before a state of this revision is believed, if so."""

    def unconfirmed(self, revision: int) -> frozenset[str]:
        """All accounts that must be looked at before a state of this revision is believed."""

    def mark_confirmed(self, account: str) -> None:
        """Note that the state of the account is known again."""

    def record_write(self, account: str, revision: int) -> int:
        """The account is as the outputs of this run say, and as no earlier state does.

        `revision` is that of the state so far; the new one is returned.
        """

    def revision(self, account: str) -> int:
        """The number of the account's last write."""


@dataclass(frozen=True)
class Held:
    """A resource in the engine's state. `kind` is what its type ends with: `enerflo:User`, `enerflo:Roster`."""

    id: str
    outputs: Mapping[str, Any]
    owner: str = ""
    kind: str = ""
    is_live: bool = True
    """False for one that awaits its deletion, beside another one of the same name."""
    is_whole: bool = True
    """Whether the outputs have what is secret."""

    def accounts(self) -> set[str]:
        """Return the ids of its accounts."""
        return {*self.outputs.get("ids", {}).values()} if self.kind.endswith(":Roster") else {self.id}


class EngineState(Protocol):
    """What the engine's state holds, asked where the journal and the vendor cannot tell whose an account is.

    Each raises AccountError when the state cannot be read.
    """

    run: str
    """What all provider processes of one run of the engine have in common, and no two runs have."""

    async def of_owner(self, owner: str) -> Sequence[Held]:
        """Return the resources of this owner, of whatever vendor and kind; raises AccountError."""

    async def of_account(self, account: str, owner: str) -> Sequence[Held]:
        """Return the resources with an account of this id, in the state of this owner's stack; raises AccountError."""


class Claims:
    """Which resource declares which e-mail in this run, and which resource holds which account."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._holders: dict[str, str] = {}
        self._declared: set[str] = set()
        self._made: dict[str, str] = {}
        self._in_state: dict[str, str] = {}
        self._today: dict[str, str] = {}

    def claim(self, email: str, owner: str) -> str | None:
        """Note who declares an e-mail; another resource that does so already is returned, and stays noted."""
        self._declared.add(owner)
        other = self._owners.setdefault(email_key(email), owner)
        return None if same(other, owner) else other

    def in_state(self, owner: str, before: str) -> None:
        """Note that the engine has the owner's resource in its state, where it may have the name of `before`."""
        self._in_state[owner] = owner if not before or same(before, owner) else in_stack_of(before, owner)
        if parsed(before) is not None:  # one of before 0.1.0 may be several resources
            self._today[before] = owner

    def name_in_state(self, owner: str) -> str | None:
        """Return the owner that the resource has in the engine's state; None where that is not known to have it."""
        return self._in_state.get(owner)

    def today(self, owner: str) -> str:
        """Return the owner as this run names it: old outputs say what it was before it, or its stack, was renamed."""
        name, other = owner.removesuffix(MEMBERS), self.any_owner()
        if name in self._today:
            name = self._today[name]
        elif parsed(name) and parsed(other):  # no check tells of a forced replacement; a run has but one stack
            name = in_stack_of(name, other)
        return name + (MEMBERS if is_team(owner) else "")

    def is_others(self, email: str, owner: str) -> bool:
        """Whether another resource than the owner declares this e-mail, so that its account must be left alone."""
        declared = self._owners.get(email_key(email))
        return declared is not None and owner != "" and not same(declared, owner)

    def is_known(self, owner: str) -> bool:
        """Return whether the program of this run declares the owner's resource."""
        return owner in self._declared or (parsed(owner) is None and any(same(owner, each) for each in self._declared))

    def any_owner(self) -> str:
        """Return an owner of this run, which names its stack; empty where there is none."""
        return next(iter(self._declared), "")

    def is_declared(self, email: str) -> bool:
        """Return whether a resource of this run declares this e-mail."""
        return email_key(email) in self._owners

    def hold(self, account: str, owner: str) -> None:
        """Note that a resource has this account and keeps it, has made it, or has taken it up."""
        if owner:
            self._holders[account] = owner

    def made(self, account: str, owner: str) -> None:
        """Note that this run made the account for a resource, or took up another one for it."""
        self.hold(account, owner)
        self._made |= dict.fromkeys(forms(owner), account)

    def release(self, account: str, owner: str) -> None:
        """Note that the account, which seemed to be the owner's, is another one's."""
        if self._holders.get(account) == owner:
            del self._holders[account]
        for form in forms(owner):
            self._made.pop(form, None)

    def keep(self, account: str, email: object, owner: str) -> None:
        """Note that a resource has this account, if this run's program declares it under this e-mail.

        A refresh compares, too, with what the program declared before.
        """
        if isinstance(email, str) and same(self._owners.get(email_key(email), ""), owner):
            self.hold(account, owner)

    def holder(self, account: str) -> str | None:
        """Return the resource that has got this account in this run."""
        return self._holders.get(account)

    def other_holder(self, account: str, owner: str) -> str | None:
        """Another resource than the owner that has got this account in this run."""
        holder = self._holders.get(account)
        return None if holder is None or owner == "" or same(holder, owner) else holder

    def goes_on(self, account: str, email: str, owner: str) -> bool:
        """Return whether the owner's own new life in this run goes on with this account.

        The program of this run declares the resource, so that the engine can only be about to replace it.
        A member of a team goes on where the team still declares its e-mail.
        """
        if self._made.get(owner, account) != account and not is_team(owner):
            return False  # its new life has another account
        if self._holders.get(account) is not None and same(self._holders[account], owner):
            return True
        if is_team(owner) or parsed(owner) is None:  # one of before 0.1.0 may be several resources
            return same(self._owners.get(email_key(email), ""), owner)
        return owner in self._declared

    def is_handed_over(self, email: str, old: str, new: str) -> bool:
        """Whether an account moves to or from a team within a stack: the old owner does not declare it any more."""
        is_teams = is_team(old) or is_team(new)
        return is_teams and self.succeeds(email, old, new)

    def succeeds(self, email: str, old: str, new: str) -> bool:
        """Return whether a resource of the same stack declares the e-mail now, and the old one does not any more."""
        is_here = stack_of(old) == stack_of(new) != ("", "")
        return is_here and same(self._owners.get(email_key(email), new), new)


class Removals:
    """How many accounts a run has retired; `most` is how many it may, None: any number."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.done = 0
        self.stopped = 0

    def claim(self, vendor: Vendor, account: str) -> None:
        """Count one more, about to be retired; raises TooManyRemovals when it may not be."""
        if self.most is None or self.done < self.most:
            self.done += 1
            return
        self.stopped += 1
        raise TooManyRemovals(
            f"not retired: SEATWISE_MAX_REMOVALS is {self.most}, and this run has retired {self.done} "
            f"and stopped at {self.stopped} more",
            vendor=vendor.title,
            account=account,
            remedy="See whether all of them are meant to go (`pulumi preview`); then raise it and run again",
        )

    def give_back(self) -> None:
        """One that was counted is not retired by this run after all."""
        self.done -= 1


def tell_unfit(tenant: Tenant, record: Record) -> None:
    """Warn, once in a run, of each field of a record that cannot be read, or not as it is."""
    vendor = tenant.vendor
    account, schema = vendor.account_id(record) or "", vendor.schema
    unread, mended = schema.unread(record), schema.mended(record)
    replaced = [name for name in mended if name not in unread]
    for names, what in (
        (unread, "the vendor's value does not fit the field, and counts as not read"),
        (replaced, "the vendor's value has characters that no text can have, and is read with others in their place"),
    ):
        new = [name for name in names if (account, name) not in tenant.told]
        tenant.told.update((account, name) for name in new)
        if new:
            tenant.warn(f"{vendor.title} {vendor.email(record)} ({account}): {', '.join(new)}: {what}")


def gone(tenant: Tenant, account: str, email: str) -> NoSuchAccount:
    """The error for an account that is not there any more."""
    return NoSuchAccount("it is gone", status=404, vendor=tenant.vendor.title, account=f"{email} ({account})")


def no_list(vendor: Vendor | type[Vendor]) -> SettingsError:
    """The error for a tenant whose API cannot list its users."""
    return SettingsError("this API has no list of users", vendor=vendor.title, remedy=vendor.way_to_list)


def learn_secrets(tenant: Tenant, record: Record) -> None:
    """Blank the secrets of a record in messages: a vendor may quote them."""
    values = (record.get(field.wire.update or "") for field in tenant.vendor.schema.values() if field.secret)
    tenant.vault.learn(*(value for value in values if isinstance(value, str)))


def refused(tenant: Tenant, answer: Answer, operation: str, account: str) -> AccountError:
    """The error for an answer that says no, which quotes the vendor without any secret that this process knows."""
    return tenant.vendor.refusal(answer, operation, account, tenant.vault)
