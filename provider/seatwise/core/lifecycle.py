"""The life of one account at its vendor: create, read, update, delete.

They speak to a `Tenant`, which sends requests and can wait, and hold every rule about what to ask in
which order and what to believe of the answers.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .errors import AccountError, AccountExists, NoSuchAccount, Refused, UnknownOutcome, Unreachable, VendorBroken
from .fields import RESPELLED, Takes, Values
from .finding import fetch, look_up
from .http import Answer
from .state import (
    ADOPTED,
    AS_DECLARED,
    DECLARED,
    POLICIES,
    declared_names,
    differences,
    expand,
    outputs,
    readable,
    seen,
)
from .tenant import Deed, Doubt, Entry, Record, Tenant, gone, refused
from .vendor import Vendor

SECOND_LOOKS = (0, 1, 2, 4, 8, 16)
"""Seconds between looks for an account whose creation was not confirmed (31 in all)."""
LATE = 300
"""Seconds after which a create that has not shown is not on its way any more."""
READ_BACK_LOOKS = (0, 1, 2, 4)
"""Seconds between reads of an account that was just made."""


@dataclass(frozen=True)
class Refreshed:
    """What `read` found."""

    outputs: dict[str, Any]
    inputs: dict[str, Any]


# --- create -----------------------------------------------------------------------------------


async def create(tenant: Tenant, news: Values, owner: str = "") -> tuple[str, dict[str, Any]]:
    """Make the account and return its id and its outputs, read back. `owner` names the resource it is for.

    One that seatwise itself deactivated earlier is reactivated under its old id. One that an earlier run
    made, or may have made, without the engine hearing of it is the success it was.
    Raises AccountExists before anything is sent when the e-mail is taken and `on_existing` is not
    "adopt"; UnknownOutcome when the vendor may have made the account and it cannot be found.
    """
    email = str(news["email"])
    last = tenant.journal.last(email)
    if last is not None:
        own = await _own(tenant, email, last, owner)
        if own is not None:
            account, record = own
            return account, await _resume(tenant, account, record, news, last, owner)
    existing = await look_up(tenant, email)
    if existing is not None:
        return await _adopt(tenant, news, existing)
    tenant.journal.note(email, Entry(Deed.INTENDED, owner=owner))
    account = await _post(tenant, news, email)
    tenant.journal.note(email, Entry(Deed.MADE, account, owner))
    return account, await _complete(tenant, account, news)


async def _own(tenant: Tenant, email: str, last: Entry, owner: str) -> tuple[str, Record] | None:
    """The account with this e-mail if it is seatwise's own to give to this owner, by its id; else None."""
    vendor = tenant.vendor
    if last.deed is Deed.INTENDED:
        # No list showed an account when that create left, so one that shows now is its work.
        found = await _look_again(tenant, email, SECOND_LOOKS if last.age < LATE else SECOND_LOOKS[:1])
        account = None if found is None else vendor.account_id(found)
        if account is None:
            return None
        record = await fetch(tenant, account, email)
        if record is None:
            raise gone(tenant, account, email)
        return account, record
    if last.account is None or (last.deed is Deed.MADE and not (owner and owner == last.owner)):
        return None
    record = await fetch(tenant, last.account, email)
    if record is None or not vendor.schema["email"].same(vendor.schema.parse(record).get("email"), email):
        return None
    if last.deed is Deed.RETIRED and not vendor.is_retired(record):
        return None  # somebody has taken it back since: it counts as any account that is there
    return last.account, record


async def _resume(
    tenant: Tenant, account: str, record: Record, news: Values, last: Entry, owner: str
) -> dict[str, Any]:
    """Go on with seatwise's own account: one that the engine has not heard of, or one that comes back."""
    if last.deed is Deed.RETIRED:
        _warn_of_late(tenant, news, record)
        wanted = {**tenant.vendor.reactivated, **news}
    else:
        wanted = dict(news)
    outs = await _take_over(tenant, account, record, wanted, adopted=False)
    tenant.journal.note(str(news["email"]), Entry(Deed.MADE, account, owner))
    return outs | {DECLARED: declared_names(news)}


async def _adopt(tenant: Tenant, news: Values, listed: Record) -> tuple[str, dict[str, Any]]:
    """Take over an account that is there, if the program says so, changing only what is declared."""
    vendor, email = tenant.vendor, str(news["email"])
    account = vendor.account_id(listed)
    if account is None:
        raise VendorBroken("the list holds this account without an id", status=200, vendor=vendor.title, account=email)
    if news.get("on_existing") != "adopt":
        raise AccountExists(
            f"an account with this e-mail is there already, with the id {account}",
            status=409,
            vendor=vendor.title,
            account=email,
            remedy=f'Add on_existing="adopt" to take it over, or import it with '
            f"`seatwise import {vendor.name} --match {email}`",
        )
    record = await fetch(tenant, account, email)
    if record is None:
        raise gone(tenant, account, email)
    _warn_of_late(tenant, news, record)
    return account, await _take_over(tenant, account, record, news, adopted=True)


async def _take_over(tenant: Tenant, account: str, record: Record, news: Values, *, adopted: bool) -> dict[str, Any]:
    """Make an account that is there be as declared, whatever became of it before."""
    schema = tenant.vendor.schema
    return await _change(tenant, account, outputs(schema, {}, seen(schema, news, record), adopted=adopted), news)


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


async def _post(tenant: Tenant, news: Values, email: str) -> str:
    """Send the one POST and find out what became of it. It is never sent again once it may have arrived."""
    vendor = tenant.vendor
    request = vendor.create(_revealed(tenant, expand(vendor.schema, news, {})))
    answer: Answer | None = None
    try:
        answer = await tenant.send(request)
    except AccountError as error:
        if not (isinstance(error, Unreachable) and error.maybe_sent):
            tenant.journal.forget(email)  # nothing was made
            raise
    if answer is not None and _is_refusal(vendor, answer):
        tenant.journal.forget(email)
        refusal = refused(tenant, answer, "create", email, news)
        if isinstance(refusal, AccountExists):  # though the look-up found none
            refusal.problem = (
                f"the e-mail is taken, by an account that {vendor.title} does not show ({refusal.problem})"
            )
        raise refusal
    account = vendor.created(answer) if answer is not None and answer.ok else None
    if account is None:
        found = await _look_again(tenant, email)
        account = vendor.account_id(found) if found is not None else None
    if account is None:
        raise UnknownOutcome(
            "unknown outcome: the account may have been made, but it cannot be found under this e-mail",
            vendor=vendor.title,
            account=email,
            remedy="Run `pulumi up` again: seatwise remembers it, and takes the account for made once it shows",
        )
    return account


def _is_refusal(vendor: Vendor, answer: Answer) -> bool:
    """Whether the answer to a create says that nothing was made: 1xx to 4xx, or 2xx with a failure in it."""
    return not vendor.succeeded(answer) and answer.status < 500


async def _look_again(tenant: Tenant, email: str, looks: Sequence[float] = SECOND_LOOKS) -> Record | None:
    """Look for an account that may be there, patiently: lists lag behind."""
    for seconds in looks:
        await tenant.sleep(seconds)
        try:
            found = await look_up(tenant, email)
        except AccountExists:
            raise
        except AccountError:
            continue
        if found is not None:
            return found
    return None


async def _complete(tenant: Tenant, account: str, news: Values) -> dict[str, Any]:
    """Read a new account back, and send what its create did not take.

    The account exists: what fails now is a warning, and stays a difference for the next run.
    """
    vendor, schema = tenant.vendor, tenant.vendor.schema
    sent = {name: value for name, value in news.items() if schema[name].takes & Takes.CREATE}
    record = await _read_back(tenant, account, str(news["email"]))
    outs = outputs(schema, sent, seen(schema, sent, record), adopted=False)
    vendor.settle(outs, sent, {})
    not_sent = {name: value for name, value in news.items() if name not in sent}
    if not differences(schema, outs, not_sent):
        return _with_policies(outs | {DECLARED: declared_names(news)}, news)
    try:
        return await _change(tenant, account, outs, news)
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
            return record
    tenant.warn(f"{tenant.vendor.title} {email}: made with the id {account}, but it cannot be read back yet")
    return None


# --- read -------------------------------------------------------------------------------------


async def read(tenant: Tenant, account: str, olds: Values) -> Refreshed | None:
    """What the vendor has now; None when the account is certainly gone.

    `olds` are the old outputs in a refresh. In a `get` they are not (`DECLARED` is not among them), and
    a missing account raises NoSuchAccount.
    """
    vendor = tenant.vendor
    record = await fetch(tenant, account, olds.get("email"))
    if record is None and DECLARED not in olds:
        raise NoSuchAccount(
            "there is no account with this id", status=404, vendor=vendor.title, account=account,
            remedy=f"Check the id with `seatwise import {vendor.name}`, which lists them all",
        )  # fmt: skip
    if record is None:
        return None
    if tenant.journal.doubt_about(account) is Doubt.CHANGED:
        tenant.journal.trust(account)
    names = list(olds.get(DECLARED, ()))
    declared = {name: olds[name] for name in names if name in olds} | olds.get(AS_DECLARED, {})
    outs = outputs(
        vendor.schema, declared, seen(vendor.schema, declared, record), adopted=bool(olds.get(ADOPTED, False))
    )
    outs[DECLARED] = names
    vendor.settle(outs, declared, olds)
    inputs = {name: outs[name] for name in names if name in outs} | outs.get(AS_DECLARED, {})
    return Refreshed(_with_policies(outs, olds), _with_policies(inputs, olds))


# --- update -----------------------------------------------------------------------------------


async def update(tenant: Tenant, account: str, olds: Values, news: Values) -> dict[str, Any]:
    """Change what differs and return the new outputs. Sends nothing when nothing differs.

    Where an earlier write has no known outcome, the account is looked at first. Raises TooManyRemovals,
    before anything is sent, when it would deactivate one account too many.
    """
    doubt = tenant.journal.doubt_about(account)
    if doubt is not None:
        return await _reconcile(tenant, account, olds, news, doubt)
    vendor = tenant.vendor
    if not vendor.retires(differences(vendor.schema, olds, news)):
        return await _change(tenant, account, olds, news)
    with _claimed(tenant, f"{olds.get('email', '')} ({account})"):
        return await _change(tenant, account, olds, news)


async def _reconcile(tenant: Tenant, account: str, olds: Values, news: Values, doubt: Doubt) -> dict[str, Any]:
    """Bring about what is declared from what is there; the state may be wrong about it."""
    email = str(olds.get("email", ""))
    record = await fetch(tenant, account, email)
    if record is None:
        raise gone(tenant, account, email)
    wanted = {**tenant.vendor.reactivated, **news} if doubt is Doubt.RETIRED else dict(news)
    outs = await _take_over(tenant, account, record, wanted, adopted=bool(olds.get(ADOPTED, False)))
    return outs | {DECLARED: declared_names(news)}


async def _change(tenant: Tenant, account: str, olds: Values, news: Values) -> dict[str, Any]:
    vendor, schema = tenant.vendor, tenant.vendor.schema
    email = str(olds.get("email", ""))
    current, record = dict(olds), None
    if vendor.replaces and differences(schema, olds, news):
        record = await fetch(tenant, account, email)
        if record is None:
            raise gone(tenant, account, email)
        current |= seen(schema, news, record)
    changes = differences(schema, current, news)
    actual = readable(schema, current)
    if changes:
        actual |= await _write(tenant, account, email, expand(schema, changes, current), record)
    else:
        tenant.journal.trust(account)
    outs = outputs(schema, news, actual, adopted=bool(olds.get(ADOPTED, False)))
    vendor.settle(outs, news, {} if changes else olds)
    return _with_policies(outs, news)


async def _write(tenant: Tenant, account: str, email: str, changes: Values, record: Record | None) -> dict[str, Any]:
    """Send one update and return the readable fields that are known to be otherwise now."""
    schema = tenant.vendor.schema
    after = await _send_update(tenant, account, email, "update", changes, record)
    written = readable(schema, changes)
    if any(RESPELLED in schema[name].marks for name in changes):
        try:
            after = await fetch(tenant, account, str(changes.get("email", email)))
        except AccountError as error:  # the update is done; being in doubt, the next run looks at it
            tenant.warn(f"{error}. The update is carried out; the next `pulumi up` reads it back")
            return written
    tenant.journal.trust(account)
    return written | seen(schema, {}, after)


async def _send_update(
    tenant: Tenant, account: str, email: str, operation: str, changes: Values, record: Record | None
) -> Record | None:
    """Send one update; the record it led to, where the vendor tells. While its outcome is not known it is in doubt.

    An answer that does not say whether it was carried out is checked by a read.
    """
    vendor, journal, who = tenant.vendor, tenant.journal, f"{email} ({account})"
    before = journal.doubt_about(account)
    if before is not Doubt.RETIRED:
        journal.doubt(account, Doubt.RETIRED if operation == "deactivate" else Doubt.CHANGED)
    try:
        answer = await tenant.send(vendor.update(account, _revealed(tenant, changes), record))
        if not vendor.succeeded(answer):
            raise refused(tenant, answer, operation, who, changes, record or {})
    except AccountError as error:
        if before is None and not _may_be_done(error):
            journal.trust(account)
        raise
    if vendor.confirmed(answer):
        return vendor.record(answer)
    after = await fetch(tenant, account, str(changes.get("email", email)))
    there = seen(vendor.schema, {}, after)
    if differences(vendor.schema, there, {name: changes[name] for name in _comparable(vendor, changes, there)}):
        problem = f"{operation} was answered and not done"
        raise VendorBroken(problem, status=answer.status, vendor=vendor.title, account=who)
    return after


def _may_be_done(error: AccountError) -> bool:
    """Whether a write that failed may have been carried out all the same."""
    return error.maybe_sent if isinstance(error, Unreachable) else isinstance(error, VendorBroken)


def _comparable(vendor: Vendor, changes: Values, there: Values) -> list[str]:
    """The changed fields that were read and read as they were written."""
    return [name for name in changes if name in there and RESPELLED not in vendor.schema[name].marks]


# --- delete -----------------------------------------------------------------------------------


async def delete(tenant: Tenant, account: str, olds: Values) -> None:
    """Retire the account as `on_destroy` says; one that is gone already is a success."""
    email = str(olds.get("email", ""))
    how = olds.get("on_destroy") or ("retain" if olds.get(ADOPTED) else "deactivate")
    if how == "retain":
        tenant.journal.forget(email)  # it is nobody's now
        tenant.journal.trust(account)
        return
    with _claimed(tenant, f"{email} ({account})"):
        await (_delete if how == "delete" else _deactivate)(tenant, account, email)


async def _delete(tenant: Tenant, account: str, email: str) -> None:
    vendor = tenant.vendor
    answer = await tenant.send(vendor.delete(account))
    is_done = vendor.succeeded(answer) and vendor.confirmed(answer)
    if not is_done and not await _is_gone(tenant, account, email):
        raise refused(tenant, answer, "delete", f"{email} ({account})")
    tenant.journal.forget(email)
    tenant.journal.trust(account)


async def _deactivate(tenant: Tenant, account: str, email: str) -> None:
    vendor = tenant.vendor
    record = await fetch(tenant, account, email) if vendor.replaces else None
    if vendor.replaces and record is None:
        return
    try:
        await _send_update(tenant, account, email, "deactivate", vendor.retired, record)
    except Refused:
        if not await _is_gone(tenant, account, email):
            raise
    else:
        # It stays in doubt: the engine may not hear of it, and the person may be declared again.
        tenant.journal.note(email, Entry(Deed.RETIRED, account))


async def _is_gone(tenant: Tenant, account: str, email: str) -> bool:
    try:
        return await fetch(tenant, account, email) is None
    except AccountError:
        return False


# --- helpers ----------------------------------------------------------------------------------


@contextmanager
def _claimed(tenant: Tenant, account: str) -> Iterator[None]:
    """Retire one account, if the run may; what fails does not count."""
    tenant.removals.claim(tenant.vendor, account)
    try:
        yield
    except BaseException:
        tenant.removals.give_back()
        raise


def _with_policies(values: dict[str, Any], source: Values) -> dict[str, Any]:
    return values | {name: source[name] for name in POLICIES if source.get(name) is not None}


def _revealed(tenant: Tenant, values: Values) -> dict[str, Any]:
    """The values with each fingerprint turned back into the secret it stands for."""
    schema = tenant.vendor.schema
    return {name: _reveal(tenant, name, value) if schema[name].secret else value for name, value in values.items()}


def _reveal(tenant: Tenant, name: str, fingerprint: str) -> str:
    plain = tenant.vault.reveal(fingerprint)
    if plain is None:
        raise AccountError(
            f"the value of {name} is not known in this run",
            vendor=tenant.vendor.title,
            remedy="Run `pulumi up` with the program that gives it",
        )
    return plain
