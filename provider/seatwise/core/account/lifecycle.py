"""The life of one account at its vendor: create, read, update, delete.

These functions hold every rule about what to ask in which order and which answers to trust. They talk to a `Tenant`,
which sends requests and waits. How an account is created is in `creating`, how it is changed in `updating`.
"""

from collections.abc import Container
from dataclasses import replace

from ..vendor.boundary import Record
from ..vendor.errors import AccountError, NoSuchAccount, Refused, VendorBroken
from ..vendor.fields import email_key
from ..vendor.vendor import Vendor
from .account_list import record_of
from .creating import create
from .finding import fetch, has_identity, look_up
from .holders import exact_owner, life, other_lives
from .owner import is_team
from .ports import Entry, EntryKind, Tenant, Unconfirmed
from .properties import AccountState
from .refusals import refused, tell_unfit, tell_unkept
from .state import observed, readable_values, seen, unkept
from .updating import refuse_others, update
from .writing import counted_removal, marked_unconfirmed, merges, send_update

__all__ = ["create", "delete", "read", "update"]


async def read(
    tenant: Tenant, account: str, state: AccountState, tracked: Container[str] | None = None
) -> AccountState | None:
    """Return what the vendor has now; None if the account is certainly gone.

    Raise NoSuchAccount instead if no program manages the account (`User.get`). A managed account is not read by its id
    if the list shows that it is unchanged; `tracked` are the values that count for this (None: all).
    """
    vendor = tenant.vendor
    if state.is_managed:
        unchanged = await _unchanged(tenant, account, state, tracked)
        if unchanged is not None:
            return unchanged
    record = await _read_own(tenant, account, vendor.identity(state.values))
    if record is None and not state.is_managed:
        raise NoSuchAccount(
            "there is no account with this id", status=404, vendor=vendor.title, account=account,
            remedy=f"`seatwise show {vendor.name} EMAIL` shows the id of an account",
        )  # fmt: skip
    if record is None:
        return None
    if not state.is_managed:  # a state that begins here contains all writes
        state = state.at(tenant.journal.revision(account))
    refreshed = _refreshed(vendor, state, record)
    tell_unkept(tenant, refreshed)
    return refreshed


async def _read_own(tenant: Tenant, account: str, email: str) -> Record | None:
    """Return the account's record; None if it is certainly gone.

    Raise VendorBroken if the answer to its create held the id of another account.
    """
    record = await fetch(tenant, account, email)
    if record is not None:
        refuse_others(tenant, account, email, record)
    elif email and tenant.journal.why_unconfirmed(account) is Unconfirmed.UNSEEN:
        await _report_namesake(tenant, account, email)
    return record


async def _report_namesake(tenant: Tenant, account: str, email: str) -> None:
    """Report an active account that no resource manages, and that has the e-mail of a new account which is not there.

    It may be the account itself, if the answer to its create held a wrong id.
    """
    vendor, problem = tenant.vendor, ""
    try:
        found = await look_up(tenant, email)
    except AccountError as error:
        problem = str(error)
    else:
        is_left = found is not None and tenant.ownership.owner_of(found.account) is None
        if found is not None and is_left and not vendor.is_deactivated(found.record):
            problem = f"{found.account} has its {vendor.identity_name()}, and no resource of this run manages that one"
    if problem:
        tenant.notices.tell(
            f"{vendor.title}: new accounts that are not there",
            f"{vendor.title} {email} ({account}) is not there and was never read: {problem}. If the person left, look "
            "for the account in the admin page and deactivate it",
        )


async def _unchanged(
    tenant: Tenant, account: str, state: AccountState, tracked: Container[str] | None
) -> AccountState | None:
    """Return the state as it was if the vendor's list shows that it is unchanged; else None."""
    vendor = tenant.vendor
    schema = vendor.schema
    names = AccountState(readable_values(schema, state.values)).names_with_value
    listed = await record_of(tenant, account, names)
    if listed is None:
        return None
    if vendor.version is None:
        tell_unfit(tenant, listed)
        refreshed = _refreshed(vendor, state, listed)
        now = {name: value for name, value in refreshed.values.items() if tracked is None or name in tracked}
        if replace(refreshed, values=now) != state:
            return None
        refuse_others(tenant, account, tenant.vendor.identity(state.values), listed)
        tell_unkept(tenant, refreshed)
        return refreshed
    version = schema.parse_one(listed, vendor.version)
    return state if version is not None and version == state.values.get(vendor.version) else None


def _refreshed(vendor: Vendor, state: AccountState, record: Record) -> AccountState:
    """Return the state as a record makes it."""
    declared = state.declared().values
    actual = seen(vendor.schema, declared, record)
    written = unkept(vendor.schema, state)
    after = observed(vendor, declared, actual, state.values, adopted=state.adopted, written=written)
    return replace(state, values=after.values, as_declared=after.as_declared, declared_names=state.declared_names or ())


async def delete(tenant: Tenant, account: str, state: AccountState, owner: str = "") -> bool:
    """Deprovision the account as `on_destroy` says; return false if it was left alone because another resource has it.

    An account that is gone already is a success. An account stays as it is if the engine replaces its resource, or if
    another resource of this run manages it or declares its e-mail.
    """
    email, said = tenant.vendor.identity(state.values), owner
    async with tenant.lock(account):
        owner = await exact_owner(tenant, account, said)
        if await _stays_managed(tenant, account, email, owner):
            return False
        how = state.on_destroy or ("retain" if state.adopted else "deactivate")
        if how == "delete" and tenant.ownership.is_in_program(owner) and not is_team(owner):
            how = "deactivate"  # its resource continues with another account: the program did not ask for a deletion
        if how != "retain" and tenant.journal.why_unconfirmed(account) is Unconfirmed.UNSEEN:
            await _read_own(tenant, account, email)
        if await _has_another_life(tenant, account, owner, said, state, how):
            # The other resource may have been removed just now.
            return tenant.journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED
        if how == "retain":
            _forget(tenant, account, email, owner)  # no resource manages it now
            _report_retained(tenant, account, state, owner)
            return True
        is_refused = tenant.removals.are_used_up or (how == "deactivate" and tenant.vendor.deactivating_deletes)
        if is_refused and await _is_gone(tenant, account, email):
            _forget(tenant, account, email, owner)
            return True
        with counted_removal(tenant, f"{email} ({account})"):
            was_there = await (_delete if how == "delete" else _deactivate)(tenant, account, email, owner)
        if not was_there:
            tenant.removals.give_back()
    return True


async def _stays_managed(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Return whether the resource that replaced this one, or another resource, manages the account in this run."""
    ownership = tenant.ownership
    if tenant.journal.is_renewed(account):
        return True
    if ownership.continues_with(account, email, owner) or _is_declared_elsewhere(tenant, account, email, owner):
        tenant.journal.renewed(account, ownership.owner_of(account) or owner)  # a create may come after this
        return True
    if owner == "":  # the state does not contain an owner
        is_others = ownership.owner_of(account) is not None or ownership.is_declared(email)
        return is_others and await _has_the_email(tenant, account, email)
    return await _is_others(tenant, account, email, owner)


def _report_retained(tenant: Tenant, account: str, state: AccountState, owner: str) -> None:
    """Report that an account which the engine shows as deleted is left as it is, and why, unless it is inactive."""
    vendor = tenant.vendor
    if vendor.deactivates(state.values):
        return
    is_active = all(state.values.get(name) == value for name, value in vendor.reactivation.items())
    policy = "on_leave" if is_team(owner) else "on_destroy"
    why = f'as {policy}="retain" says'
    if not state.on_destroy:
        why = (
            f"as it was there before seatwise and {policy} is not given (a member who leaves a Roster that stays is "
            f"deactivated). If the person left, deactivate it in the admin page; for others declare "
            f'{policy}="deactivate" and run `pulumi up` before they are taken out'
        )
    who, what = vendor.identity(state.values), "stays active" if is_active else "is left as it is"
    line = f"{who} ({account}) {what}, {why}"
    tenant.notices.tell(f"{vendor.title}: accounts that are left as they are", f"{vendor.title} {line}")


def _forget(tenant: Tenant, account: str, email: str, owner: str) -> None:
    """Delete what the journal has of an account, and of its pending create; keep another owner's create."""
    journal = tenant.journal
    journal.forget_account(account)
    last = journal.last(email)
    if last is not None and last.kind is EntryKind.PENDING and not tenant.ownership.belongs_to_other(email, owner):
        journal.forget(email)
    journal.mark_confirmed(account)


def _is_declared_elsewhere(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Return whether, as the journal says, the owner has a new resource in this run that keeps the account.

    A member of a team stays if the team still declares its e-mail.
    """
    declared = tenant.journal.declared(owner) if owner else None
    if declared is None:
        return False
    if is_team(owner):
        return email_key(email) in declared
    lives = tenant.journal.renewed_for(owner)
    return not lives or account in lives  # the new resource may have another account


async def _has_another_life(tenant: Tenant, account: str, owner: str, said: str, state: AccountState, how: str) -> bool:
    """Return whether the engine's state has the account in another resource, or in the one that replaced this one.

    Of several such resources that are removed in one run, the last one gets False. Raise AccountError if the state
    cannot be read and the account would be deleted for good.
    """
    try:
        others = await other_lives(tenant, account, owner, said, state.revision)
    except AccountError as error:
        if how != "delete":
            return False
        raise AccountError(
            f"not deleted for good, because {error.problem}",
            vendor=tenant.vendor.title,
            account=f"{tenant.vendor.identity(state.values)} ({account})",
            remedy=error.remedy,
        ) from None
    return bool(others) and tenant.journal.give_up(account, life(owner, state.revision), others)


async def _is_others(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Return whether another resource manages this account, or declares the e-mail that it still has.

    A person may have changed its e-mail at the vendor, to free the e-mail for another account. Raise AccountError if
    the other resource could not take the account over in this run: it would be in no state.
    """
    if tenant.ownership.other_owner(account, owner) is not None:
        return True
    if not tenant.ownership.belongs_to_other(email, owner) or not await _has_the_email(tenant, account, email):
        return False
    if tenant.ownership.has_failed(email):
        raise AccountError(
            "it stays here, because the resource that declares it now could not take it over",
            vendor=tenant.vendor.title,
            account=f"{email} ({account})",
            remedy="Run `pulumi up` again",
        )
    tenant.ownership.let_go(account, email)
    tenant.journal.unacknowledge(account)  # the resource that declares it may get the account after this
    return True


async def _has_the_email(tenant: Tenant, account: str, email: str) -> bool:
    record = await fetch(tenant, account, email)
    return record is not None and has_identity(tenant, record, email)


async def _delete(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Delete the account for good; return false if it was certainly gone already."""
    vendor, who = tenant.vendor, f"{email} ({account})"
    before = tenant.journal.why_unconfirmed(account)
    tenant.list_cache.wrote(account, email)
    with marked_unconfirmed(tenant, account, before, before or Unconfirmed.CHANGED):
        answer = await tenant.send(vendor.request_delete(account))
        is_done = vendor.is_success(answer) and vendor.is_confirmed(answer)
        if not is_done and not await _is_gone(tenant, account, email):
            raise _not_confirmed(vendor, who) if vendor.is_success(answer) else refused(tenant, answer, "delete", who)
    _forget(tenant, account, email, owner)
    return vendor.is_success(answer) or refused(tenant, answer, "delete", who).maybe_sent


def _not_confirmed(vendor: Vendor, who: str) -> VendorBroken:
    problem = "delete was answered and is not confirmed: the account is still there, or cannot be read"
    error = VendorBroken(problem, status=200, vendor=vendor.title, account=who, remedy="Run it again")
    error.maybe_sent = True
    return error


async def _deactivate(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Deactivate the account; return false if it was certainly gone already."""
    vendor, record = tenant.vendor, None
    if await merges(tenant, vendor.deactivation):
        record = await fetch(tenant, account, email)
        if record is None:
            return False
    try:
        await send_update(tenant, account, email, "deactivate", vendor.deactivation, record)
    except Refused as error:
        if not await _is_gone(tenant, account, email):
            raise
        return error.maybe_sent
    else:
        # It stays unconfirmed: the engine may not learn of it, and a program may declare the person again. Another
        # resource may declare the e-mail since this began: it continues with the account, if that has the e-mail.
        last = tenant.journal.last(email)
        if tenant.ownership.belongs_to_other(email, owner) and last is not None and last.account != account:
            tenant.journal.forget_account(account)  # the e-mail is another account's now
        else:
            tenant.journal.note(email, Entry(EntryKind.DEACTIVATED, account))
    return True


async def _is_gone(tenant: Tenant, account: str, email: str) -> bool:
    try:
        return await fetch(tenant, account, email) is None
    except AccountError:
        return False
