"""Making an account exactly once: what is remembered, looked up, sent, and looked for when there is no answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..vendor.errors import AccountError, AccountExists, UnknownOutcome, Unreachable
from ..vendor.fields import Schema, Takes, Values
from ..vendor.http import Answer
from ..vendor.secrets import matches
from ..vendor.vendor import Vendor
from .existing import exists, tell_inactive
from .finding import Found, fetch, has_email, look_anew, look_for_hidden, look_up, whole
from .holders import has_account, held_by, replaced
from .owner import display_name, is_team, same
from .ports import Entry, EntryKind, Held, Record, Tenant, Unconfirmed
from .refusals import refused, tell_unfit
from .state import (
    ADOPTED,
    DECLARED,
    REVISION,
    declared_names,
    differences,
    expand,
    outputs,
    readable_values,
    revision_of,
    seen,
    with_policies,
    with_revision,
)
from .waiting import reported_pauses
from .writing import change, revealed, take_over

LOST_CREATE_BACKOFF_S = (0, 1, 2, 4, 8, 16)
"""Seconds between looks for an account whose creation was not confirmed (31 in all)."""
CREATE_IN_FLIGHT_S = 300
"""Seconds for which a create without an outcome may still arrive."""
READ_BACK_BACKOFF_S = (0, 1, 2, 4)
"""Seconds between reads of an account that was just made."""


@dataclass(frozen=True)
class Begun:
    """An account that is there now: with its outputs, or still to be completed; the record, if it was read."""

    account: str
    outs: dict[str, Any] | None = None
    record: Record | None = None


async def create(tenant: Tenant, news: Values, owner: str = "") -> tuple[str, dict[str, Any]]:
    """Make the account and return its id and its outputs, read back. `owner` names the resource it is for.

    Raises as `begin` does.
    """
    begun = await begin(tenant, news, owner)
    made = await complete(tenant, begun, news, owner)
    return made.account, made.outs or {}


async def begin(tenant: Tenant, news: Values, owner: str) -> Begun:
    """Make the account, or take up the one that is there.

    The account of a resource that the engine is replacing goes on under its id. One that seatwise itself
    deactivated earlier is reactivated under its old id. One that an earlier run made, or may have made, without the
    engine hearing of it is the success it was.
    Raises AccountExists before anything is sent when the e-mail is taken and `on_existing` is not
    "adopt"; UnknownOutcome when the vendor may have made the account and it cannot be found.
    """
    email = str(news["email"])
    begun = await _replaced(tenant, news, owner) or await _taken_up(tenant, news, owner)
    if begun is not None:
        return begun
    existing = await look_up(tenant, email)
    if existing is not None:
        return await _go_on_or_adopt(tenant, news, existing, owner)
    in_the_way = await tenant.journal.intend(email, owner, CREATE_IN_FLIGHT_S)
    if in_the_way is not None:
        raise _on_its_way(tenant, email, in_the_way, owner)
    try:
        account, record = await _post(tenant, news, email)
    except AccountExists:
        hidden = await look_for_hidden(tenant, email)
        if hidden is None:
            raise
        return await _go_on_or_adopt(tenant, news, hidden, owner)
    _note_made(tenant, email, account, owner)
    return Begun(account, record=record)


def _note_made(tenant: Tenant, email: str, account: str, owner: str) -> None:
    tenant.journal.note(email, Entry(EntryKind.CREATED, account, owner))
    _take_up(tenant, account, owner)
    tenant.directory.wrote(account, email)


def _take_up(tenant: Tenant, account: str, owner: str) -> None:
    """Note that an account goes on as this owner's, made or found: no delete of this run is meant for it."""
    tenant.ownership.assign_new(account, owner)
    if owner:
        tenant.journal.renewed(account, owner)


async def _replaced(tenant: Tenant, news: Values, owner: str) -> Begun | None:
    """Go on with the account of a resource that the engine replaces; None where it has none, or the account is gone."""
    held = None if is_team(owner) else await replaced(tenant, owner)
    return await _go_on(tenant, news, held, owner) if held is not None else None


async def _go_on(tenant: Tenant, news: Values, held: Held, owner: str) -> Begun | None:
    """Make the account of a replaced resource as declared, as an update does; None when it is certainly gone."""
    account, olds = held.id, tenant.vendor.schema.typed(held.outputs)
    email = str(olds.get("email", news["email"]))
    async with tenant.lock(account):
        record = await fetch(tenant, account, email)
        if record is None:
            return None
        _take_up(tenant, account, owner)
        olds |= _same_secrets(tenant, held, olds, news)
        outs = await _as_updated(tenant, account, olds, news, record)
    # It tells the new life from the old one, which awaits its deletion.
    revision = max(tenant.journal.record_write(account, revision_of(olds)), revision_of(olds) + 1)
    return Begun(account, with_revision(outs, revision) | {DECLARED: declared_names(news)})


async def _as_updated(tenant: Tenant, account: str, olds: Values, news: Values, record: Record) -> dict[str, Any]:
    """The outputs of an account after an update of it, whose state is in `olds`; `record` is what there is."""
    doubt = tenant.journal.why_unconfirmed(account, revision_of(olds))
    if doubt is None:
        return await change(tenant, account, olds, news)
    wanted = {**tenant.vendor.reactivated, **news} if doubt is Unconfirmed.DEACTIVATED else dict(news)
    known = {name: olds[name] for name in (*tenant.vendor.schema.secrets, REVISION) if name in olds}
    return await take_over(tenant, account, record, wanted, adopted=bool(olds.get(ADOPTED)), known=known)


def _same_secrets(tenant: Tenant, held: Held, olds: Values, news: Values) -> dict[str, Any]:
    """The secrets that the vendor has, under the fingerprint of today where it is of the same secret.

    Where the state shows no secrets, they count as the same: a person may have changed a password since.
    """
    secrets = {}
    for name in tenant.vendor.schema.secrets & news.keys():
        plain = tenant.vault.reveal(str(news[name]))
        is_hidden = not held.is_whole and name in olds.get(DECLARED, ())
        if is_hidden or (name in olds and plain is not None and matches(plain, str(olds[name]))):
            secrets[name] = news[name]
    return secrets


async def _go_on_or_adopt(tenant: Tenant, news: Values, existing: Found, owner: str) -> Begun:
    """Go on with an account that the engine's state has as this resource's; else adopt it, if the program says so."""
    doubt = ""
    try:
        held = await held_by(tenant, owner) if owner and not is_team(owner) else None
    except AccountError as error:
        held, doubt = None, error.problem
    if held is not None and held.id == existing.account:
        begun = await _go_on(tenant, news, held, owner)
        if begun is not None:
            return begun
    outs = await _adopt(tenant, news, existing, owner, doubt)
    if doubt:
        tenant.warn(f"{tenant.vendor.title} {news['email']} ({existing.account}) counts as adopted, for {doubt}")
    return Begun(existing.account, outs)


def _on_its_way(tenant: Tenant, email: str, note: Entry, owner: str) -> UnknownOutcome:
    """The error for a create that may still arrive: this resource's own of an earlier run, or another one's."""
    left = max(1, math.ceil(CREATE_IN_FLIGHT_S - note.age))
    whose = "" if same(note.owner, owner) or not note.owner else f" for {display_name(note.owner)}"
    return UnknownOutcome(
        f"unknown outcome: {note.age:.0f} seconds ago a create of this account left{whose}, and it may still arrive",
        vendor=tenant.vendor.title,
        account=email,
        remedy=f"Run `pulumi up` again in {left} seconds: it takes the account if it shows, and makes it otherwise",
    )


async def _taken_up(tenant: Tenant, news: Values, owner: str) -> Begun | None:
    """The account that is seatwise's own to give to this owner, as declared; None without one.

    Whose it was may be about to retire it: who comes second finds what the first has done.
    """
    email = str(news["email"])
    last = tenant.journal.last(email)
    if last is None:
        return None
    async with tenant.lock(last.account or email):
        last = tenant.journal.last(email) or last
        own = await _own(tenant, email, last, owner)
        if own is None:
            return None
        _take_up(tenant, own.account, owner)
        return Begun(own.account, await _resume(tenant, own, news, last, owner))


async def _own(tenant: Tenant, email: str, last: Entry, owner: str) -> Found | None:
    """The account with this e-mail if it is seatwise's own to give to this owner, by its id; else None."""
    if last.kind is EntryKind.PENDING:
        return await _own_on_its_way(tenant, email, last, owner)
    is_owners = last.kind is EntryKind.CREATED and await _is_owners(tenant, email, last, owner)
    if last.account is None or not (is_owners or _is_retired_by_us(tenant, last)):
        return None
    record = await fetch(tenant, last.account, email)
    if record is None or not has_email(tenant, record, email):
        return None
    if not is_owners and not tenant.vendor.is_retired(record):
        return None  # somebody has taken it back since: it counts as any account that is there
    return Found(last.account, record, True)


async def _own_on_its_way(tenant: Tenant, email: str, last: Entry, owner: str) -> Found | None:
    """The account that the create in the note made, if it shows and the note is this owner's, or its successor's."""
    is_own = last.owner in ("", owner) or same(last.owner, owner)
    if not is_own and not tenant.ownership.succeeds(email, last.owner, owner):
        if last.age < CREATE_IN_FLIGHT_S:
            raise _on_its_way(tenant, email, last, owner)
        return None
    # No list showed an account when that create left, so one that shows now is its work.
    found = await _look_again(
        tenant, email, LOST_CREATE_BACKOFF_S if last.age < CREATE_IN_FLIGHT_S else LOST_CREATE_BACKOFF_S[:1]
    )
    return found and await whole(tenant, found, email)


async def _is_owners(tenant: Tenant, email: str, last: Entry, owner: str) -> bool:
    """Whether an account that seatwise made is this owner's to go on with.

    It is if the engine forgot that it was made: the engine has never shown that it knows the account. And it is if
    the account moves between a team and a resource of its own, where the state has it under the old one.
    """
    account = last.account or ""
    if owner and same(owner, last.owner):
        return not last.is_known or await has_account(tenant, account, owner)
    if tenant.ownership.other_owner(account, owner) is not None:  # under another e-mail
        return False
    if not tenant.ownership.is_transfer(email, last.owner, owner):
        return False
    try:
        return not last.is_known or await has_account(tenant, account, last.owner)
    except AccountError:
        return True


def _is_retired_by_us(tenant: Tenant, last: Entry) -> bool:
    """Whether seatwise deactivated the account, and no run is known to have brought it back."""
    return (
        last.kind is EntryKind.DEACTIVATED
        or tenant.journal.why_unconfirmed(last.account or "") is Unconfirmed.DEACTIVATED
    )


async def _resume(tenant: Tenant, own: Found, news: Values, last: Entry, owner: str) -> dict[str, Any]:
    """Go on with seatwise's own account: one that the engine has not heard of, or one that comes back.

    It is noted as its owner's before it comes back, or a run that ends there would find a stranger's account.
    """
    journal, account = tenant.journal, own.account
    if last.kind is EntryKind.DEACTIVATED:
        _warn_of_late(tenant, news, own.record)
        journal.mark_unconfirmed(account, Unconfirmed.DEACTIVATED)
    journal.note(str(news["email"]), Entry(EntryKind.CREATED, account, owner))
    # What another machine's seatwise retired is in its journal, not in this one.
    is_retired = journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED or tenant.vendor.is_retired(own.record)
    wanted = {**tenant.vendor.reactivated, **news} if is_retired else dict(news)
    outs = await take_over(tenant, account, own.record, wanted, adopted=False)
    return outs | {DECLARED: declared_names(news)}


async def _adopt(tenant: Tenant, news: Values, existing: Found, owner: str, doubt: str = "") -> dict[str, Any]:
    """Take over an account that is there, if the program says so, changing only what is declared."""
    if news.get("on_existing") != "adopt":
        raise exists(tenant, news, existing, owner, doubt)
    _warn_of_late(tenant, news, existing.record)
    journal, account = tenant.journal, existing.account
    async with tenant.lock(account):
        other = tenant.ownership.other_owner(account, owner)
        if other is not None:
            raise AccountExists(
                f"the account with this e-mail ({account}) is that of {display_name(other)}",
                status=409,
                vendor=tenant.vendor.title,
                account=str(news["email"]),
                remedy="Take it out of the program there, or declare another e-mail here",
            )
        _take_up(tenant, account, owner)
        wanted = news
        if journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED:  # by a resource that has just given it up
            existing = await whole(tenant, existing, str(news["email"]))
            wanted = {**tenant.vendor.reactivated, **news}
        tell_inactive(tenant, wanted, existing)
        journal.forget_account(account)  # whoever it was made for before
        outs = await take_over(tenant, account, existing.record, wanted, adopted=True)
    return outs | {DECLARED: declared_names(news)}


def _warn_of_late(tenant: Tenant, news: Values, record: Record) -> None:
    """Tell which arguments come too late for an account that is there."""
    schema, actual = tenant.vendor.schema, seen(tenant.vendor.schema, news, record)
    late = sorted(
        name
        for name, value in news.items()
        if schema[name].create_only and not schema[name].same(value, actual.get(name))
    )
    if late:
        about = f"{tenant.vendor.title} {news['email']}"
        tenant.warn(f"{about} was there already: {', '.join(late)} cannot be given to it any more")


async def _post(tenant: Tenant, news: Values, email: str) -> tuple[str, Record | None]:
    """Send the one POST and find out what became of it: the id, and the record if the vendor had to be asked for it.

    It is never sent again once it may have arrived.
    """
    vendor = tenant.vendor
    request = vendor.create(revealed(tenant, expand(vendor.schema, news, {})))
    answer: Answer | None = None
    try:
        answer = await tenant.send(request)
    except AccountError as error:
        if not (isinstance(error, Unreachable) and error.maybe_sent):
            tenant.journal.withdraw(email)  # nothing was made
            raise
    if answer is not None and _is_refusal(vendor, answer):
        tenant.journal.withdraw(email)
        refusal = refused(tenant, answer, "create", email)
        if isinstance(refusal, AccountExists):  # though the look-up found none
            refusal.problem = (
                f"the e-mail is taken, by an account that {vendor.title} does not show ({refusal.problem})"
            )
            refusal.remedy = (
                f"If the admin page shows it, its id is in the address of its page there: take it over with `seatwise "
                f"import {vendor.name} --id ID`. Else choose another e-mail, or ask the vendor to free this one: "
                "deleted accounts may keep theirs"
            )
        raise refusal
    account = vendor.created(answer) if answer is not None and answer.ok else None
    if account is not None:
        return account, None
    found = await _searched(tenant, email)
    return found.account, found.record if found.is_whole else None


async def _searched(tenant: Tenant, email: str) -> Found:
    """An account that may have been made; raises UnknownOutcome when it does not show."""
    vendor, why = tenant.vendor, "it cannot be found under this e-mail"
    try:
        found = await _look_again(tenant, email)
    except AccountExists:
        raise
    except AccountError as error:
        found, why = None, error.problem
    if found is None:
        raise UnknownOutcome(
            f"unknown outcome: the account may have been made, but {why}",
            vendor=vendor.title,
            account=email,
            remedy="Run `pulumi up` again: seatwise remembers it, and takes the account for made once it shows",
        )
    return found


def _is_refusal(vendor: Vendor, answer: Answer) -> bool:
    """Whether the answer to a create says that nothing was made. A redirect does not: 303 is one way to say "done"."""
    if vendor.wait(answer):
        return vendor.settings.resend_creates or answer.status < 500
    return not vendor.succeeded(answer) and (answer.ok or 400 <= answer.status < 500)


async def _look_again(tenant: Tenant, email: str, looks: Sequence[float] = LOST_CREATE_BACKOFF_S) -> Found | None:
    """Look for an account that may be there, patiently: lists lag behind. Raises when the last look fails."""
    pauses = reported_pauses(
        tenant, looks, f"{email} may have been made, by a create without a clear answer, and does not show"
    )
    for left, seconds in zip(range(len(looks) - 1, -1, -1), pauses, strict=True):
        await tenant.sleep(seconds)
        try:
            found = await look_anew(tenant, email)
        except AccountError as error:
            if not left or isinstance(error, AccountExists):
                raise
            continue
        if found is not None:
            return found
    return None


async def complete(tenant: Tenant, begun: Begun, news: Values, owner: str) -> Begun:
    """Read a new account back, unless that was done, and send what its create did not take.

    An answer may have held another account's id: a record with another e-mail shows it, and the account is looked up.
    """
    if begun.outs is not None:
        return begun
    email = str(news["email"])
    record = begun.record or await _read_back(tenant, begun.account, email)
    if record is not None and not has_email(tenant, record, email):
        begun = await _found_instead(tenant, begun.account, email, owner)
        record = begun.record or await _read_back(tenant, begun.account, email)
    outs = await _send_the_rest(tenant, begun.account, news, record)
    if record is None:
        _is_unseen(tenant, begun.account)
    return Begun(begun.account, outs)


async def _found_instead(tenant: Tenant, stranger: str, email: str, owner: str) -> Begun:
    """The account that a create made, where its answer held the id of another one; raises as `begin` does."""
    tenant.ownership.release(stranger, owner)
    tenant.journal.note(email, Entry(EntryKind.PENDING, owner=owner))
    found = await _searched(tenant, email)
    _note_made(tenant, email, found.account, owner)
    return Begun(found.account, record=found.record if found.is_whole else None)


def as_sent(tenant: Tenant, account: str, news: Values) -> dict[str, Any]:
    """The outputs of a new account of which nothing is known but what its create said."""
    _is_unseen(tenant, account)
    return _as_sent(tenant.vendor, _sent(tenant.vendor.schema, news), None)


def _is_unseen(tenant: Tenant, account: str) -> None:
    """The outputs of a new account are what was declared: let the next `up` look at it."""
    if tenant.journal.why_unconfirmed(account) is None:
        tenant.journal.mark_unconfirmed(account, Unconfirmed.UNSEEN)


async def listed_as_sent(tenant: Tenant, begun: Begun, news: Values) -> Begun:
    """A new account with its record from the list, if that has all that was sent; else as it was."""
    vendor = tenant.vendor
    if begun.outs is not None or begun.record is not None or not vendor.lists_whole_records:
        return begun
    sent = _sent(vendor.schema, news)
    record = await tenant.directory.record(tenant, begun.account, readable_values(vendor.schema, sent))
    if record is None or not has_email(tenant, record, str(news["email"])):
        return begun
    if differences(vendor.schema, _as_sent(vendor, sent, record), sent):
        return begun
    return replace(begun, record=record)


def _sent(schema: Schema, news: Values) -> dict[str, Any]:
    """What a create takes."""
    return {name: value for name, value in news.items() if schema[name].takes & Takes.CREATE}


def _as_sent(vendor: Vendor, sent: Values, record: Record | None) -> dict[str, Any]:
    outs = outputs(vendor.schema, sent, seen(vendor.schema, sent, record), adopted=False)
    vendor.settle(outs, sent, {})
    return outs


async def _send_the_rest(tenant: Tenant, account: str, news: Values, record: Record | None) -> dict[str, Any]:
    """Send what a create does not take.

    The account exists: what fails now is a warning, and stays a difference for the next run.
    """
    schema = tenant.vendor.schema
    sent = _sent(schema, news)
    outs = _as_sent(tenant.vendor, sent, record)
    not_sent = {name: value for name, value in news.items() if name not in sent}
    if not differences(schema, outs, not_sent):
        return with_policies(outs | {DECLARED: declared_names(news)}, news)
    try:
        return await change(tenant, account, outs, news)
    except AccountError as error:
        tenant.warn(f"{error}. The account is made; the next `pulumi up` tries {', '.join(sorted(not_sent))} again")
        return outs


async def _read_back(tenant: Tenant, account: str, email: str) -> Record | None:
    """The record of an account that was just made; None when the vendor does not show it yet."""
    for seconds in reported_pauses(tenant, READ_BACK_BACKOFF_S, f"{email} ({account}) was made and cannot be read"):
        await tenant.sleep(seconds)
        try:
            answer = await tenant.send(tenant.vendor.read(account))
        except AccountError:
            continue
        record = tenant.vendor.record(answer) if answer.ok else None
        if record is not None:
            tenant.directory.measure(tenant.vendor, account, record)
            tell_unfit(tenant, record)
            return record
    tenant.warn(f"{tenant.vendor.title} {email}: made with the id {account}, but it cannot be read back yet")
    return None
