"""Making an account exactly once: what is remembered, looked up, sent, and looked for when there is no answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import AccountError, AccountExists, UnknownOutcome, Unreachable
from .fields import Schema, Takes, Values
from .finding import Found, fetch, has_email, look_anew, look_for_hidden, look_up, whole
from .http import Answer
from .state import DECLARED, declared_names, differences, expand, outputs, readable, seen, with_policies
from .tenant import MEMBERS, Deed, Doubt, Entry, Record, Tenant, refused, tell_unfit
from .vendor import Vendor
from .writing import change, revealed, take_over

SECOND_LOOKS = (0, 1, 2, 4, 8, 16)
"""Seconds between looks for an account whose creation was not confirmed (31 in all)."""
LATE = 300
"""Seconds after which a create that has not shown is not on its way any more."""
READ_BACK_LOOKS = (0, 1, 2, 4)
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
    return begun.account, await complete(tenant, begun, news)


async def begin(tenant: Tenant, news: Values, owner: str) -> Begun:
    """Make the account, or take up the one that is there.

    One that seatwise itself deactivated earlier is reactivated under its old id. One that an earlier run
    made, or may have made, without the engine hearing of it is the success it was.
    Raises AccountExists before anything is sent when the e-mail is taken and `on_existing` is not
    "adopt"; UnknownOutcome when the vendor may have made the account and it cannot be found.
    """
    email = str(news["email"])
    own = await _taken_up(tenant, news, owner)
    if own is not None:
        return own
    existing = await look_up(tenant, email)
    if existing is not None:
        return Begun(existing.account, await _adopt(tenant, news, existing, owner))
    await tenant.journal.intend(email, owner)
    try:
        account, record = await _post(tenant, news, email)
    except AccountExists:
        hidden = await look_for_hidden(tenant, email)
        if hidden is None:
            raise
        return Begun(hidden.account, await _adopt(tenant, news, hidden, owner))
    tenant.journal.note(email, Entry(Deed.MADE, account, owner))
    tenant.claims.hold(account, owner)
    tenant.directory.wrote(account, email)
    return Begun(account, record=record)


async def _taken_up(tenant: Tenant, news: Values, owner: str) -> Begun | None:
    """The account that is seatwise's own to give to this owner, as declared; None without one.

    Whose it was may be about to retire it: who comes second finds what the first has done.
    """
    email = str(news["email"])
    last = tenant.journal.last(email)
    if last is None:
        return None
    async with tenant.alone(last.account or email):
        last = tenant.journal.last(email) or last
        own = await _own(tenant, email, last, owner)
        if own is None:
            return None
        tenant.claims.hold(own.account, owner)
        return Begun(own.account, await _resume(tenant, own, news, last, owner))


async def _own(tenant: Tenant, email: str, last: Entry, owner: str) -> Found | None:
    """The account with this e-mail if it is seatwise's own to give to this owner, by its id; else None."""
    vendor = tenant.vendor
    if last.deed is Deed.INTENDED:
        # No list showed an account when that create left, so one that shows now is its work.
        found = await _look_again(tenant, email, SECOND_LOOKS if last.age < LATE else SECOND_LOOKS[:1])
        return found and await whole(tenant, found, email)
    claims, is_its_own = tenant.claims, owner != "" and owner == last.owner
    is_kept = claims.other_holder(last.account or "", owner) is not None  # under another e-mail
    is_given = claims.is_handed_over(email, last.owner, owner) and not is_kept
    is_owners = last.deed is Deed.MADE and (is_its_own or is_given)
    if last.account is None or not (is_owners or _is_retired_by_us(tenant, last)):
        return None
    record = await fetch(tenant, last.account, email)
    if record is None or not has_email(tenant, record, email):
        return None
    if not is_owners and not vendor.is_retired(record):
        return None  # somebody has taken it back since: it counts as any account that is there
    return Found(last.account, record, True)


def _is_retired_by_us(tenant: Tenant, last: Entry) -> bool:
    """Whether seatwise deactivated the account, and no run is known to have brought it back."""
    return last.deed is Deed.RETIRED or tenant.journal.doubt_about(last.account or "") is Doubt.RETIRED


async def _resume(tenant: Tenant, own: Found, news: Values, last: Entry, owner: str) -> dict[str, Any]:
    """Go on with seatwise's own account: one that the engine has not heard of, or one that comes back.

    It is noted as its owner's before it comes back, or a run that ends there would find a stranger's account.
    """
    journal, account = tenant.journal, own.account
    if last.deed is Deed.RETIRED:
        _warn_of_late(tenant, news, own.record)
        journal.doubt(account, Doubt.RETIRED)
    journal.note(str(news["email"]), Entry(Deed.MADE, account, owner))
    # What another machine's seatwise retired is in its journal, not in this one.
    is_retired = journal.doubt_about(account) is Doubt.RETIRED or tenant.vendor.is_retired(own.record)
    wanted = {**tenant.vendor.reactivated, **news} if is_retired else dict(news)
    outs = await take_over(tenant, account, own.record, wanted, adopted=False)
    return outs | {DECLARED: declared_names(news)}


async def _adopt(tenant: Tenant, news: Values, existing: Found, owner: str) -> dict[str, Any]:
    """Take over an account that is there, if the program says so, changing only what is declared."""
    if news.get("on_existing") != "adopt":
        raise _exists(tenant, news, existing)
    _warn_of_late(tenant, news, existing.record)
    journal, account = tenant.journal, existing.account
    async with tenant.alone(account):
        other = tenant.claims.other_holder(account, owner)
        if other is not None:
            raise AccountExists(
                f"the account with this e-mail ({account}) is that of {other.removesuffix(MEMBERS)}",
                status=409,
                vendor=tenant.vendor.title,
                account=str(news["email"]),
                remedy="Take it out of the program there, or declare another e-mail here",
            )
        tenant.claims.hold(account, owner)
        wanted = news
        if journal.doubt_about(account) is Doubt.RETIRED:  # by a resource that has just given it up
            existing = await whole(tenant, existing, str(news["email"]))
            wanted = {**tenant.vendor.reactivated, **news}
        journal.let_go(account)  # whoever it was made for before
        outs = await take_over(tenant, account, existing.record, wanted, adopted=True)
    return outs | {DECLARED: declared_names(news)}


def _exists(tenant: Tenant, news: Values, existing: Found) -> AccountExists:
    vendor, email = tenant.vendor, str(news["email"])
    error = AccountExists(
        f"an account with this e-mail is there already, with the id {existing.account}",
        status=409,
        vendor=vendor.title,
        account=email,
        remedy=f'Add on_existing="adopt" to take it over, or import it with '
        f"`seatwise import {vendor.name} --match {email}`",
    )
    error.existing = existing.account
    return error


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
            tenant.journal.forget(email)  # nothing was made
            raise
    if answer is not None and _is_refusal(vendor, answer):
        tenant.journal.forget(email)
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


async def _look_again(tenant: Tenant, email: str, looks: Sequence[float] = SECOND_LOOKS) -> Found | None:
    """Look for an account that may be there, patiently: lists lag behind. Raises when the last look fails."""
    for left, seconds in zip(range(len(looks) - 1, -1, -1), looks, strict=True):
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


async def complete(tenant: Tenant, begun: Begun, news: Values) -> dict[str, Any]:
    """Read a new account back, unless that was done, and send what its create did not take."""
    if begun.outs is not None:
        return begun.outs
    record = begun.record or await _read_back(tenant, begun.account, str(news["email"]))
    outs = await _send_the_rest(tenant, begun.account, news, record)
    if record is None:
        _is_unseen(tenant, begun.account)
    return outs


def as_sent(tenant: Tenant, account: str, news: Values) -> dict[str, Any]:
    """The outputs of a new account of which nothing is known but what its create said."""
    _is_unseen(tenant, account)
    return _as_sent(tenant.vendor, _sent(tenant.vendor.schema, news), None)


def _is_unseen(tenant: Tenant, account: str) -> None:
    """The outputs of a new account are what was declared: let the next `up` look at it."""
    if tenant.journal.doubt_about(account) is None:
        tenant.journal.doubt(account, Doubt.UNSEEN)


async def listed_as_sent(tenant: Tenant, begun: Begun, news: Values) -> Begun:
    """A new account with its record from the list, if that has all that was sent; else as it was."""
    vendor = tenant.vendor
    if begun.outs is not None or begun.record is not None or not vendor.lists_whole_records:
        return begun
    sent = _sent(vendor.schema, news)
    record = await tenant.directory.record(tenant, begun.account, readable(vendor.schema, sent))
    if record is None or differences(vendor.schema, _as_sent(vendor, sent, record), sent):
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
    for seconds in READ_BACK_LOOKS:
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
