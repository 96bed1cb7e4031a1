"""Continuing with an account that exists: of a replaced resource, of an earlier run, or adopted."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..vendor.boundary import Record
from ..vendor.errors import AccountError, AccountExists, UnknownOutcome
from ..vendor.fields import Values
from ..vendor.secrets import matches
from .existing import exists, tell_inactive
from .finding import Found, fetch, has_identity, look_up_uncached, whole
from .holders import has_account, held_by, owners_of, replaced
from .owner import display_name, is_team, same
from .ports import Entry, EntryKind, Held, Tenant, Unconfirmed
from .properties import AccountState, Declared
from .refusals import held_by_other, refuse_taken
from .state import seen
from .updating import counted, refuse_others, update
from .waiting import reported_pauses
from .writing import take_over

LOST_CREATE_BACKOFF_S = (0, 1, 2, 4, 8, 16)
"""Seconds to wait before each look for an account whose create has no known outcome (31 in all)."""
CREATE_IN_FLIGHT_S = 300
"""Seconds for which a create without a known outcome may still arrive."""


@dataclass(frozen=True)
class Begun:
    """An account that exists now: with its state, or still to be completed, and its record if it was read."""

    account: str
    state: AccountState | None = None
    record: Record | None = None


async def resume(tenant: Tenant, declared: Declared, owner: str) -> Begun | None:
    """Continue with the account of a replaced resource, or with one for this owner; else return None."""
    return await _replaced(tenant, declared, owner) or await _resume_from_journal(tenant, declared, owner)


def assign_new(tenant: Tenant, account: str, owner: str) -> None:
    """Note that this owner manages the account from now on: no delete of this run is meant for it."""
    tenant.ownership.assign_new(account, owner)
    if owner:
        tenant.journal.renewed(account, owner)


async def _replaced(tenant: Tenant, declared: Declared, owner: str) -> Begun | None:
    """Continue with the account of a resource that the engine replaces; None if there is no such account any more."""
    held = None if is_team(owner) else await replaced(tenant, owner)
    return await _continue(tenant, declared, held, owner) if held is not None else None


async def _continue(tenant: Tenant, declared: Declared, held: Held, owner: str) -> Begun | None:
    """Update the account of a replaced resource as declared; return None if the account is certainly gone."""
    account, state = held.id, AccountState.from_outputs(tenant.vendor.schema, held.outputs)
    email = tenant.vendor.identity(state.values) or tenant.vendor.identity(declared.values)
    async with tenant.lock(account):
        refuse_taken(tenant, account, email, owner, elsewhere=True, formerly=held.names)
        record = await fetch(tenant, account, email)
        if record is None:
            return None
        refuse_others(tenant, account, email, record)
        assign_new(tenant, account, owner)
        known = _same_secrets(tenant, held, state, declared)
        after = await update(tenant, account, state.knowing(known), declared, record)
    # The higher revision distinguishes the new resource from the old one, which awaits its deletion. The update may be
    # carried out and not read back: then the account stays unconfirmed.
    revision = max(tenant.journal.record_write(account, state.revision, confirms=False), state.revision + 1)
    return Begun(account, after.at(revision))


def _same_secrets(tenant: Tenant, held: Held, state: AccountState, declared: Declared) -> Values:
    """Return the secrets that the vendor has, under today's fingerprint if it is of the same secret.

    Secrets that the state does not show count as the same: a person may have changed a password since.
    """
    secrets = {}
    for name in tenant.vendor.schema.secrets & declared.values.keys():
        plain = tenant.vault.reveal(str(declared.values[name]))
        is_hidden = not held.is_whole and name in (state.declared_names or ())
        is_same = name in state.values and plain is not None and matches(plain, str(state.values[name]))
        if is_hidden or is_same:
            secrets[name] = declared.values[name]
    return secrets


async def continue_or_adopt(tenant: Tenant, declared: Declared, existing: Found, owner: str) -> Begun:
    """Continue with an account that the engine's state has under this owner; else adopt it, if the program says so.

    Raise AccountExists if it does not.
    """
    doubt = ""
    try:
        held = await held_by(tenant, owner) if owner and not is_team(owner) else None
    except AccountError as error:
        held, doubt = None, error.problem
    if held is not None and held.id == existing.account:
        begun = await _continue(tenant, declared, held, owner)
        if begun is not None:
            return begun
    state = await _adopt(tenant, declared, existing, owner, doubt)
    if doubt:
        who = f"{tenant.vendor.title} {tenant.vendor.identity(declared.values)} ({existing.account})"
        tenant.warn(f"{who} counts as adopted, because {doubt}")
    return Begun(existing.account, state)


def on_its_way(tenant: Tenant, email: str, note: Entry, owner: str) -> UnknownOutcome:
    """Return the error for an earlier create that may still arrive, of this resource or of another one."""
    left = max(1, math.ceil(CREATE_IN_FLIGHT_S - note.age))
    whose = "" if same(note.owner, owner) or not note.owner else f" for {display_name(note.owner)}"
    sent = f"a create of this account was sent{whose} {note.age:.0f} seconds ago"
    return UnknownOutcome(
        f"unknown outcome: {sent}, and it may still arrive",
        vendor=tenant.vendor.title,
        account=email,
        remedy=f"Run `pulumi up` again in {left} seconds: it uses the account if it shows, and creates it otherwise",
    )


async def _resume_from_journal(tenant: Tenant, declared: Declared, owner: str) -> Begun | None:
    """Resume the account that the journal has for this owner; return None if the journal has no such account.

    Its old owner may deactivate it in this run: the lock makes the second operation see what the first one did.
    """
    email = tenant.vendor.identity(declared.values)
    last = tenant.journal.last(email)
    if last is None:
        return None
    async with tenant.lock(last.account or email):
        last = tenant.journal.last(email) or last
        own = await _own(tenant, email, last, owner)
        if own is None:
            return None
        assign_new(tenant, own.account, owner)
        try:
            return Begun(own.account, await _resume(tenant, own, declared, last, owner))
        except AccountError as error:
            if error.is_gone:
                tenant.ownership.forget_given(own.account, email)
            else:  # the resource that had it lets it go
                error.taken = own.account
            raise


async def _own(tenant: Tenant, email: str, last: Entry, owner: str) -> Found | None:
    """Return the account with this e-mail if seatwise may give it to this owner; else None."""
    if last.kind is EntryKind.PENDING:
        return await _pending_create(tenant, email, last, owner)
    is_owners = last.kind is EntryKind.CREATED and await _is_owners(tenant, email, last, owner)
    if last.account is None or not (is_owners or _is_deactivated_by_seatwise(tenant, last)):
        return None
    record = await fetch(tenant, last.account, email)
    if record is None or not has_identity(tenant, record, email):
        return None
    if not is_owners and not tenant.vendor.is_deactivated(record):
        return None  # made active again, and not by seatwise: it counts as any existing account
    return Found(last.account, record, True)


async def _pending_create(tenant: Tenant, email: str, last: Entry, owner: str) -> Found | None:
    """Return the account of the pending create in the journal, if it shows and this owner may have it."""
    is_own = last.owner in ("", owner) or same(last.owner, owner)
    if not is_own and not tenant.ownership.succeeds(email, last.owner, owner):
        if last.age < CREATE_IN_FLIGHT_S:
            raise on_its_way(tenant, email, last, owner)
        return None
    # No list showed an account when that create was sent, so an account that shows now is its work: unless seatwise
    # knew the account before, which has got the e-mail since.
    found = await look_again(
        tenant, email, LOST_CREATE_BACKOFF_S if last.age < CREATE_IN_FLIGHT_S else LOST_CREATE_BACKOFF_S[:1]
    )
    if found is None or tenant.ownership.other_owner(found.account, owner) is not None:
        return None
    if await was_known(tenant, found.account, owner):
        return None
    return await whole(tenant, found, email)


async def was_known(tenant: Tenant, account: str, owner: str) -> bool:
    """Return whether seatwise knew the account before this owner's create: it is not the create's work then.

    An adopted one has no entry, but writes that are counted here, or another resource in the state. One that is only
    unseen may be this create's: its id was in an answer.
    """
    journal = tenant.journal
    is_met = journal.last_of(account) is not None or journal.revision(account) > 0
    if is_met or journal.why_unconfirmed(account) not in (None, Unconfirmed.UNSEEN):
        return True
    try:
        return any(not same(each, owner) for each in await owners_of(tenant, account, owner)) if owner else False
    except AccountError:
        return False


async def _is_owners(tenant: Tenant, email: str, last: Entry, owner: str) -> bool:
    """Return whether this owner may continue with an account that seatwise created.

    The owner that it was created for may, if the engine does not know the account, or if the state has it under this
    owner. Another owner may, if the account moves to or from a team, no other resource manages it in this run, and the
    engine does not know it, or the state has it under the old owner or cannot be read. The old owner is the one in the
    state, also where the journal names another one: a move that was interrupted may be recorded for neither.
    """
    account = last.account or ""
    is_same = owner != "" and same(owner, last.owner)
    if is_same and (not last.is_known or await has_account(tenant, account, owner)):
        return True
    if tenant.ownership.other_owner(account, owner) is not None:  # under another e-mail
        return False
    if not is_same and not tenant.ownership.is_transfer(email, last.owner, owner):
        return False
    try:
        if not is_same and (not last.is_known or await has_account(tenant, account, last.owner)):
            return True
        owners = await owners_of(tenant, account, owner)
    except AccountError:
        return not is_same
    return len(owners) == 1 and tenant.ownership.is_transfer(email, owners.pop(), owner)


def _is_deactivated_by_seatwise(tenant: Tenant, last: Entry) -> bool:
    """Return whether seatwise deactivated the account, and no run is known to have reactivated it."""
    return (
        last.kind is EntryKind.DEACTIVATED
        or tenant.journal.why_unconfirmed(last.account or "") is Unconfirmed.DEACTIVATED
    )


async def _resume(tenant: Tenant, own: Found, declared: Declared, last: Entry, owner: str) -> AccountState:
    """Make a resumed account as declared; reactivate it if it was deactivated.

    The journal gets its owner first: a run that ends in between must not leave an account without an owner.
    """
    journal, account = tenant.journal, own.account
    if last.kind is EntryKind.DEACTIVATED:
        _warn_of_late(tenant, declared, own.record)
        journal.mark_unconfirmed(account, Unconfirmed.DEACTIVATED)
    journal.note(tenant.vendor.identity(declared.values), Entry(EntryKind.CREATED, account, owner))
    # A deactivation by seatwise on another machine is in the journal there, not in this one.
    is_off = journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED or tenant.vendor.is_deactivated(own.record)
    if is_off:
        declared = declared.reactivating(tenant.vendor)
    with _counted(tenant, own, declared):
        return await take_over(tenant, account, own.record, declared, adopted=False)


async def _adopt(tenant: Tenant, declared: Declared, existing: Found, owner: str, doubt: str) -> AccountState:
    """Adopt an existing account, if the program says so, and change only what is declared."""
    if declared.on_existing != "adopt":
        raise exists(tenant, declared, existing, owner, doubt)
    _warn_of_late(tenant, declared, existing.record)
    journal, account = tenant.journal, existing.account
    async with tenant.lock(account):
        other = tenant.ownership.other_owner(account, owner) or await _keeper(tenant, account, owner)
        if other is not None:
            remedy = f"Take it out of the program there, or declare another {tenant.vendor.identity_name()} here"
            email = tenant.vendor.identity(declared.values)
            raise held_by_other(tenant, account, email, display_name(other), remedy)
        if journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED:  # by a resource that has just given it up
            existing = await whole(tenant, existing, tenant.vendor.identity(declared.values))
            declared = declared.reactivating(tenant.vendor)
        with _counted(tenant, existing, declared):
            assign_new(tenant, account, owner)
            tell_inactive(tenant, declared, account, existing.record)
            was_created = journal.last_of(account) is not None
            journal.forget_account(account)  # it may have been created for another owner
            try:
                return await take_over(tenant, account, existing.record, declared, adopted=True)
            except AccountError as error:
                if error.is_gone:
                    _forget_gone(tenant, account, tenant.vendor.identity(declared.values), was_created)
                elif was_created or error.maybe_sent or await _had_owner(tenant, account, declared, owner):
                    error.taken, error.is_adopted = account, True
                raise


def _forget_gone(tenant: Tenant, account: str, email: str, was_created: bool) -> None:
    """Give an account that is gone to no resource. One that had a resource is named: lists lag behind."""
    if was_created or tenant.ownership.given(email) == account:
        tenant.warn(
            f"{tenant.vendor.title} {email}: its account ({account}) is gone, and the resource that had it has let it "
            "go. If it shows again and the person leaves, deactivate it in the admin page"
        )
    tenant.ownership.forget_given(account, email)


def _counted(tenant: Tenant, found: Found, declared: Declared) -> AbstractContextManager[None]:
    """Count it as a removal if the declaration deactivates this account; raise TooManyRemovals if the run may not."""
    email, actual = tenant.vendor.identity(declared.values), seen(tenant.vendor.schema, declared.wanted, found.record)
    return counted(tenant, found.account, email, actual, declared)


async def _had_owner(tenant: Tenant, account: str, declared: Declared, owner: str) -> bool:
    """Return whether another resource has or had the account, which lets it go. Else it stays as it was."""
    if tenant.ownership.given(tenant.vendor.identity(declared.values)) == account:
        return True
    try:
        return bool(await owners_of(tenant, account, owner))
    except AccountError:
        return True


async def _keeper(tenant: Tenant, account: str, owner: str) -> str | None:
    """Return the other single resource that has the account in the state, if this run's program declares it.

    It may get another e-mail in this run. The account of a team's member may move. If the state cannot be read, the
    resource that the account was created for counts as the one that has it.
    """
    last = tenant.journal.last_of(account)
    if last is None or last.kind is not EntryKind.CREATED or is_team(last.owner) or same(last.owner, owner):
        return None
    if not tenant.ownership.is_in_program(last.owner):
        return None
    try:
        return last.owner if await has_account(tenant, account, last.owner) else None
    except AccountError:
        return last.owner


def _warn_of_late(tenant: Tenant, declared: Declared, record: Record) -> None:
    """Show a warning for create-only arguments that an existing account cannot be given any more."""
    schema, actual = tenant.vendor.schema, seen(tenant.vendor.schema, declared.values, record)
    late = sorted(
        name
        for name, value in declared.values.items()
        if schema[name].create_only and not schema[name].same(value, actual.get(name))
    )
    if late:
        about = f"{tenant.vendor.title} {tenant.vendor.identity(declared.values)}"
        tenant.warn(f"{about} was there already: {', '.join(late)} cannot be given to it any more")


async def look_again(tenant: Tenant, email: str, looks: Sequence[float] = LOST_CREATE_BACKOFF_S) -> Found | None:
    """Look for an account that may exist, several times: lists lag behind. Raise if the last look fails."""
    pauses = reported_pauses(
        tenant, looks, f"{email} may have been made, by a create without a clear answer, and does not show"
    )
    for left, seconds in zip(range(len(looks) - 1, -1, -1), pauses, strict=True):
        await tenant.sleep(seconds)
        try:
            found = await look_up_uncached(tenant, email)
        except AccountError as error:
            if not left or isinstance(error, AccountExists):
                raise
            continue
        if found is not None:
            return found
    return None
