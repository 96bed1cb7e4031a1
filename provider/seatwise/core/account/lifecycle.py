"""The life of one account at its vendor: create, read, update, delete.

They speak to a `Tenant`, which sends requests and can wait, and hold every rule about what to ask in
which order and what to believe of the answers. How an account is made is in `creating`, how it is
changed in `writing`.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..vendor.errors import AccountError, NoSuchAccount, Refused, VendorBroken
from ..vendor.fields import NOTHING, Values, email_key
from ..vendor.vendor import Vendor
from .creating import create
from .finding import fetch, has_email
from .holders import exact_owner, life, other_lives
from .owner import is_team
from .ports import Entry, EntryKind, Record, Tenant, Unconfirmed
from .refusals import gone, refused, tell_unfit
from .state import (
    ADOPTED,
    AS_DECLARED,
    DECLARED,
    REVISION,
    declared_names,
    differences,
    outputs,
    readable_values,
    revision_of,
    seen,
    with_policies,
    with_revision,
)
from .writing import change, marked_unconfirmed, send_update, take_over

__all__ = ["Refreshed", "create", "delete", "read", "update"]


@dataclass(frozen=True)
class Refreshed:
    """What `read` found."""

    outputs: dict[str, Any]
    inputs: dict[str, Any]


async def read(tenant: Tenant, account: str, olds: Values, tracked: Container[str] | None = None) -> Refreshed | None:
    """What the vendor has now; None when the account is certainly gone.

    `olds` are the old outputs in a refresh. In a `get` they are not (`DECLARED` is not among them), and
    a missing account raises NoSuchAccount. An account of which the list says that it is as it was is not read;
    `tracked` are the outputs that count for this (None: all).
    """
    vendor = tenant.vendor
    if DECLARED in olds:
        unchanged = await _unchanged(tenant, account, olds, tracked)
        if unchanged is not None:
            return unchanged
    record = await fetch(tenant, account, olds.get("email"))
    if record is None and DECLARED not in olds:
        raise NoSuchAccount(
            "there is no account with this id", status=404, vendor=vendor.title, account=account,
            remedy=f"`seatwise show {vendor.name} EMAIL` shows the id of an account",
        )  # fmt: skip
    if record is None:
        return None
    refuse_a_strangers(tenant, account, olds, record)
    if DECLARED not in olds:  # a state that begins here knows of all writes
        olds = with_revision(dict(olds), tenant.journal.revision(account))
    return _refreshed(vendor, olds, record)


async def _unchanged(tenant: Tenant, account: str, olds: Values, tracked: Container[str] | None) -> Refreshed | None:
    """The account as it was, if the run's one look at the list shows that it is; else None."""
    vendor = tenant.vendor
    schema = vendor.schema
    names = {name for name, value in readable_values(schema, olds).items() if value not in NOTHING}
    listed = await tenant.directory.record(tenant, account, names)
    if listed is None:
        return None
    if vendor.version is None:
        tell_unfit(tenant, listed)
        refreshed = _refreshed(vendor, olds, listed)
        now = {name: value for name, value in refreshed.outputs.items() if tracked is None or name in tracked}
        return refreshed if now == olds else None
    version = vendor.schema.parse_one(listed, vendor.version)
    if version is None or version != olds.get(vendor.version):
        return None
    return Refreshed(dict(olds), _inputs(olds, olds))


def _refreshed(vendor: Vendor, olds: Values, record: Record) -> Refreshed:
    """Old outputs as a record makes them, and the inputs that declare them so."""
    names = list(olds.get(DECLARED, ()))
    declared = {name: olds[name] for name in names if name in olds} | olds.get(AS_DECLARED, {})
    outs = outputs(
        vendor.schema, declared, seen(vendor.schema, declared, record), adopted=bool(olds.get(ADOPTED, False))
    )
    outs[DECLARED] = names
    vendor.settle(outs, declared, olds)
    return Refreshed(with_policies(with_revision(outs, revision_of(olds)), olds), _inputs(outs, olds))


def _inputs(outs: Values, olds: Values) -> dict[str, Any]:
    names = olds.get(DECLARED, ())
    return with_policies({name: outs[name] for name in names if name in outs} | outs.get(AS_DECLARED, {}), olds)


async def update(tenant: Tenant, account: str, olds: Values, news: Values) -> dict[str, Any]:
    """Change what differs and return the new outputs. Sends nothing when nothing differs.

    Where an earlier write has no known outcome, the account is looked at first. Raises TooManyRemovals,
    before anything is sent, when it would deactivate one account too many.
    """
    why = tenant.journal.why_unconfirmed(account, revision_of(olds))
    if why is not None:
        return await _reconcile(tenant, account, olds, news, why)
    with _counted(tenant, account, olds, news):
        return await change(tenant, account, olds, news)


def refuse_a_strangers(tenant: Tenant, account: str, olds: Values, record: Record) -> None:
    """Raise VendorBroken where a new account, read for the first time, is another one than was made.

    The answer to its create held another account's id then. The account is looked up once the resource is out of the
    state.
    """
    email = str(olds.get("email", ""))
    is_unseen = tenant.journal.why_unconfirmed(account) is Unconfirmed.UNSEEN
    if not is_unseen or not email or has_email(tenant, record, email):
        return
    last = tenant.journal.last(email)
    if last is not None and last.account == account:
        tenant.journal.note(email, Entry(EntryKind.PENDING, owner=last.owner))
    raise VendorBroken(
        "the id in the answer to its create is that of another account, which is left alone",
        status=200,
        vendor=tenant.vendor.title,
        account=f"{email} ({account})",
        remedy="Take the resource out of the state (`pulumi state delete`) and run `pulumi up`: it finds the account",
    )


async def _reconcile(tenant: Tenant, account: str, olds: Values, news: Values, why: Unconfirmed) -> dict[str, Any]:
    """Bring about what is declared from what is there; the state may be wrong about it."""
    email = str(olds.get("email", ""))
    record = await fetch(tenant, account, email)
    if record is None:
        raise gone(tenant, account, email)
    refuse_a_strangers(tenant, account, olds, record)
    wanted = dict(news)
    if why is Unconfirmed.DEACTIVATED:
        wanted = {**tenant.vendor.reactivated, **news}
        tenant.journal.forget_account(account)  # it comes back, and to no other resource
    known = {REVISION: olds[REVISION]} if REVISION in olds else {}
    known |= _known_secrets(tenant, account, olds, news, why)
    there = {"email": email, **seen(tenant.vendor.schema, wanted, record)}
    with _counted(tenant, account, there, wanted):
        adopted = bool(olds.get(ADOPTED, False))
        outs = await take_over(tenant, account, record, wanted, adopted=adopted, known=known, before=olds)
    return outs | {DECLARED: declared_names(news)}


def _known_secrets(tenant: Tenant, account: str, olds: Values, news: Values, why: Unconfirmed) -> dict[str, Any]:
    """The secrets that the vendor certainly has, and those that this run could not send again.

    No record shows a secret, and a person may have changed it since: it is sent again only where it may be lacking.
    """
    secrets = {name: olds[name] for name in tenant.vendor.schema.secrets & olds.keys()}
    if why in (Unconfirmed.UNSEEN, Unconfirmed.CHANGED):
        return secrets
    known = {
        name: value
        for name, value in secrets.items()
        if news.get(name) == value and tenant.vault.reveal(str(value)) is None
    }
    if known:
        names, who = ", ".join(sorted(known)), f"{tenant.vendor.title} {olds.get('email', '')} ({account})"
        tenant.warn(f"{who}: whether the vendor has the declared {names} is not known, and this run is not given it")
    return known


async def delete(tenant: Tenant, account: str, olds: Values, owner: str = "") -> bool:
    """Retire the account as `on_destroy` says, and say whether it was this owner's to retire.

    One that is gone already is a success. One that goes on in this run is left as it is: with the resource that the
    engine replaces, with another resource that has got it, or with one that declares its e-mail.
    """
    email, owner = str(olds.get("email", "")), tenant.ownership.current_owner(owner)
    async with tenant.lock(account):
        owner = await exact_owner(tenant, account, owner)
        if await _goes_on(tenant, account, email, owner):
            return False
        how = olds.get("on_destroy") or ("retain" if olds.get(ADOPTED) else "deactivate")
        if how == "retain":
            _forget(tenant, account, email, owner)  # it is nobody's now
            tenant.journal.mark_confirmed(account)
            _tell_retained(tenant, account, olds, owner)
            return True
        if how == "delete" and tenant.ownership.is_in_program(owner) and not is_team(owner):
            how = "deactivate"  # its resource goes on with another account: what is lost for good is not for us to say
        if tenant.journal.why_unconfirmed(account) is Unconfirmed.UNSEEN:
            record = await fetch(tenant, account, email)
            if record is not None:
                refuse_a_strangers(tenant, account, olds, record)
        if await _has_another_life(tenant, account, owner, olds, how):
            return False
        with _claimed(tenant, f"{email} ({account})"):
            await (_delete if how == "delete" else _deactivate)(tenant, account, email, owner)
    return True


async def _goes_on(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Whether the account goes on in this run, with this resource's new life or with another resource."""
    ownership = tenant.ownership
    if tenant.journal.is_renewed(account):
        return True
    if ownership.goes_on(account, email, owner) or _is_declared_elsewhere(tenant, account, email, owner):
        tenant.journal.renewed(account, ownership.owner_of(account) or owner)  # its create may come after this
        return True
    if owner == "":  # of a state that knows no owner
        is_others = ownership.owner_of(account) is not None or ownership.is_declared(email)
        return is_others and await _has_the_email(tenant, account, email)
    return await _is_others(tenant, account, email, owner)


def _tell_retained(tenant: Tenant, account: str, olds: Values, owner: str) -> None:
    """Tell that an account which the engine calls deleted is left as it is, and why; of an inactive one nothing."""
    vendor = tenant.vendor
    if vendor.retires(olds):
        return
    is_active = all(olds.get(name) == value for name, value in vendor.reactivated.items())
    policy = "on_leave" if is_team(owner) else "on_destroy"
    why = f'as {policy}="retain" says'
    if not olds.get("on_destroy"):
        why = (
            f"as it was there before seatwise and {policy} is not given (a member who leaves a Roster that stays is "
            f"deactivated). If the person left, deactivate it in the admin page; for others declare "
            f'{policy}="deactivate" and run `pulumi up` before they are taken out'
        )
    line = f"{olds.get('email', '')} ({account}) {'stays active' if is_active else 'is left as it is'}, {why}"
    tenant.notices.tell(f"{vendor.title}: accounts that are left as they are", f"{vendor.title} {line}")


def _forget(tenant: Tenant, account: str, email: str, owner: str) -> None:
    """Remember nothing of an account, nor of a create that may have been its own; a namesake's stays."""
    journal = tenant.journal
    journal.forget_account(account)
    last = journal.last(email)
    if last is not None and last.kind is EntryKind.PENDING and not tenant.ownership.belongs_to_other(email, owner):
        journal.forget(email)


def _is_declared_elsewhere(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Whether another provider process of this run has the resource that the engine replaces.

    A member of a team goes on where the team still declares its e-mail.
    """
    declared = tenant.journal.declared(owner) if owner else None
    if declared is None:
        return False
    if is_team(owner):
        return email_key(email) in declared
    lives = tenant.journal.renewed_for(owner)
    return not lives or account in lives  # its new life may have another account


async def _has_another_life(tenant: Tenant, account: str, owner: str, olds: Values, how: str) -> bool:
    """Whether the engine's state has the account in another resource, or in this one's life after a replacement.

    Raises AccountError where that cannot be seen and the account would be lost for good.
    """
    try:
        others = await other_lives(tenant, account, owner, olds)
    except AccountError as error:
        if how != "delete":
            return False
        raise AccountError(
            f"not deleted for good, for {error.problem}",
            vendor=tenant.vendor.title,
            account=f"{olds.get('email', '')} ({account})",
            remedy=error.remedy,
        ) from None
    return bool(others) and tenant.journal.give_up(account, life(owner, olds), others)


async def _is_others(tenant: Tenant, account: str, email: str, owner: str) -> bool:
    """Whether another resource has got this account, or declares the e-mail that it still has.

    Somebody may have given it another e-mail by hand, to free this one for a namesake.
    """
    if tenant.ownership.other_owner(account, owner) is not None:
        return True
    if not tenant.ownership.belongs_to_other(email, owner) or not await _has_the_email(tenant, account, email):
        return False
    tenant.journal.unacknowledge(account)  # the one that declares it may come to it after this
    return True


async def _has_the_email(tenant: Tenant, account: str, email: str) -> bool:
    record = await fetch(tenant, account, email)
    return record is not None and has_email(tenant, record, email)


async def _delete(tenant: Tenant, account: str, email: str, owner: str) -> None:
    vendor = tenant.vendor
    before = tenant.journal.why_unconfirmed(account)
    tenant.directory.wrote(account, email)
    with marked_unconfirmed(tenant, account, before, before or Unconfirmed.CHANGED):
        answer = await tenant.send(vendor.delete(account))
        is_done = vendor.succeeded(answer) and vendor.confirmed(answer)
        if not is_done and not await _is_gone(tenant, account, email):
            raise refused(tenant, answer, "delete", f"{email} ({account})")
    _forget(tenant, account, email, owner)
    tenant.journal.mark_confirmed(account)


async def _deactivate(tenant: Tenant, account: str, email: str, owner: str) -> None:
    vendor = tenant.vendor
    record = await fetch(tenant, account, email) if vendor.replaces else None
    if vendor.replaces and record is None:
        return
    try:
        await send_update(tenant, account, email, "deactivate", vendor.retired, record)
    except Refused:
        if not await _is_gone(tenant, account, email):
            raise
    else:
        # It stays unconfirmed: the engine may not hear of it, and the person may be declared again.
        if tenant.ownership.belongs_to_other(email, owner):
            tenant.journal.forget_account(account)  # the e-mail is a namesake's
        else:
            tenant.journal.note(email, Entry(EntryKind.DEACTIVATED, account))


async def _is_gone(tenant: Tenant, account: str, email: str) -> bool:
    try:
        return await fetch(tenant, account, email) is None
    except AccountError:
        return False


@contextmanager
def _counted(tenant: Tenant, account: str, olds: Values, news: Values) -> Iterator[None]:
    """Change one account; where that retires it, if the run may."""
    vendor = tenant.vendor
    if not vendor.retires(differences(vendor.schema, olds, news)):
        yield
        return
    with _claimed(tenant, f"{olds.get('email', '')} ({account})"):
        yield


@contextmanager
def _claimed(tenant: Tenant, account: str) -> Iterator[None]:
    """Retire one account, if the run may; what has certainly not happened does not count."""
    tenant.removals.claim(tenant.vendor, account)
    try:
        yield
    except AccountError as error:
        if not error.maybe_sent:
            tenant.removals.give_back()
        raise
