"""One write to an account that is there: what is sent, what is believed of the answer, what stays in doubt."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..vendor.boundary import restored
from ..vendor.errors import AccountError, Refused, VendorBroken
from ..vendor.fields import RESPELLED, Values
from ..vendor.vendor import Vendor
from .existing import name_holder
from .finding import fetch
from .ports import EMPTY, Record, Tenant, Unconfirmed
from .refusals import gone, refused
from .state import (
    ADOPTED,
    differences,
    expand,
    outputs,
    readable_values,
    revision_of,
    seen,
    with_policies,
    with_revision,
)


async def take_over(
    tenant: Tenant,
    account: str,
    record: Record,
    news: Values,
    *,
    adopted: bool,
    known: Values = EMPTY,
    before: Values = EMPTY,
) -> dict[str, Any]:
    """Make an account that is there be as declared, whatever became of it before.

    `known` is what no record shows, `before` are the outputs that the engine has, if any.

    A state that says otherwise is wrong from now on, whether or not the engine hears of it.
    """
    schema = tenant.vendor.schema
    there = outputs(schema, {}, seen(schema, news, record), adopted=adopted)
    return await change(tenant, account, {**known, **there}, news, is_unconfirmed=True, before=before)


async def change(
    tenant: Tenant,
    account: str,
    olds: Values,
    news: Values,
    *,
    is_unconfirmed: bool = False,
    before: Values | None = None,
) -> dict[str, Any]:
    """Send what differs, if anything does, and return the new outputs.

    What was sent and seen, or was only seen of an account whose state `is_unconfirmed`, has a revision of its own.
    """
    vendor, schema = tenant.vendor, tenant.vendor.schema
    email = str(olds.get("email", ""))
    current, record = dict(olds), None
    if vendor.replaces and differences(schema, olds, news):
        record = await fetch(tenant, account, email)
        if record is None:
            raise gone(tenant, account, email)
        current |= seen(schema, news, record)
    changes = differences(schema, current, news)
    actual, is_seen = readable_values(schema, current), is_unconfirmed
    if changes:
        known = olds if before is None else before
        written, is_seen = await _write(tenant, account, email, expand(schema, changes, current), record, known)
        actual |= written
    outs = outputs(schema, news, actual, adopted=bool(olds.get(ADOPTED, False)))
    vendor.settle(outs, news, {} if changes else olds)
    revision = revision_of(olds)
    if is_seen:
        revision = tenant.journal.record_write(account, revision)
    return with_policies(with_revision(outs, revision), news)


async def _write(
    tenant: Tenant, account: str, email: str, changes: Values, record: Record | None, before: Values
) -> tuple[dict[str, Any], bool]:
    """Send one update and return the readable fields that are otherwise now, and whether they were seen so."""
    schema = tenant.vendor.schema
    is_renamed = "email" in changes and not schema["email"].same(changes["email"], email)
    if is_renamed:
        # Whoever has the old one next is somebody else.
        tenant.journal.rename(account, str(changes["email"]))
    try:
        after = await send_update(tenant, account, email, "update", changes, record)
    except Refused as error:
        if is_renamed:
            await name_holder(tenant, error, account, str(changes["email"]))
        raise
    written = readable_values(schema, changes)
    if any(RESPELLED in schema[name].marks for name in changes):
        try:
            after = await fetch(tenant, account, str(changes.get("email", email)))
        except AccountError as error:  # the update is done; being in doubt, the next run looks at it
            tenant.warn(f"{error}. The update is carried out; the next `pulumi up` reads it back")
            return written, False
        if tenant.vendor.denies(changes, before, seen(schema, {}, after)):
            names = ", ".join(name for name in changes if RESPELLED in schema[name].marks)
            denied = _not_done(tenant.vendor, f"update was answered and not done: {names}", f"{email} ({account})")
            denied.maybe_sent = True  # the rest of it
            raise denied
    return written | seen(schema, {}, after), True


async def send_update(
    tenant: Tenant, account: str, email: str, operation: str, changes: Values, record: Record | None
) -> Record | None:
    """Send one update; the record it led to, where the vendor tells. While its outcome is not known it is in doubt.

    An answer that does not say whether it was carried out, or whose record says that it was not, is checked by a read.
    """
    vendor, who = tenant.vendor, f"{email} ({account})"
    if record is not None:
        record, lost = restored(record)
        if lost:
            tenant.warn(
                f"{vendor.title} {who}: {', '.join(lost)}: no number that can be sent back; null is sent instead"
            )
    before = tenant.journal.why_unconfirmed(account)
    tenant.directory.wrote(account, email, changes.get("email", email))
    with marked_unconfirmed(tenant, account, before, _reason(vendor, before, operation, changes)):
        answer = await tenant.send(vendor.update(account, revealed(tenant, changes), record))
        if not vendor.succeeded(answer):
            raise refused(tenant, answer, operation, who)
    is_confirmed, record_after = vendor.confirmed(answer), vendor.record(answer)
    if record_after is not None and vendor.account_id(record_after) not in (None, account):  # another one's
        is_confirmed, record_after = False, None
    if is_confirmed and not _denies(vendor, record_after, changes):
        return record_after
    # A vendor may trim a text or sort a list. Whether somebody is retired may not be otherwise than it was asked.
    asked = {name: value for name, value in changes.items() if name in vendor.retired} if is_confirmed else changes
    try:
        after = await fetch(tenant, account, str(changes.get("email", email)))
    except AccountError as error:
        if is_confirmed and not _denies(vendor, record_after, asked):
            return record_after
        error.maybe_sent = True  # the update, of which nobody can say what became
        raise
    if _denies(vendor, after, asked):
        raise _not_done(vendor, f"{operation} was answered and not done", who)
    return after


def _not_done(vendor: Vendor, problem: str, who: str) -> VendorBroken:
    return VendorBroken(problem, status=200, vendor=vendor.title, account=who)


@contextmanager
def marked_unconfirmed(tenant: Tenant, account: str, before: Unconfirmed | None, why: Unconfirmed) -> Iterator[None]:
    """Note a write before it leaves; what has certainly not happened, to an account of no doubt before, is none."""
    tenant.journal.mark_unconfirmed(account, why)
    try:
        yield
    except AccountError as error:
        if before is None and not error.maybe_sent:
            tenant.journal.mark_confirmed(account)
        raise


def _reason(vendor: Vendor, before: Unconfirmed | None, operation: str, changes: Values) -> Unconfirmed:
    """Why an account is in doubt while this update is on its way; the gravest reason stays."""
    if operation == "deactivate" or before is Unconfirmed.DEACTIVATED:
        return Unconfirmed.DEACTIVATED
    has_secret = before is Unconfirmed.SECRET or any(vendor.schema[name].secret for name in changes)
    return Unconfirmed.SECRET if has_secret else Unconfirmed.CHANGED


def _denies(vendor: Vendor, record: Record | None, changes: Values) -> bool:
    """Whether a record says that the changes were not made, as far as it shows them as they were written."""
    schema, there = vendor.schema, seen(vendor.schema, {}, record)
    shown = [name for name in changes if name in there and RESPELLED not in schema[name].marks]
    return any(not schema[name].same(changes[name], there[name]) for name in shown)


def revealed(tenant: Tenant, values: Values) -> dict[str, Any]:
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
