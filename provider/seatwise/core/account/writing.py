"""One write to an account that exists: send it, check the answer, and mark the account unconfirmed meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from ..vendor.boundary import Record, restored
from ..vendor.errors import AccountError, InvalidAccount, NoSuchAccount, Refused, VendorBroken
from ..vendor.fields import NO_VALUE, RESPELLED, Values
from ..vendor.http import Answer, Request
from ..vendor.vendor import Vendor
from .existing import name_holder
from .finding import fetch
from .ports import Tenant, Unconfirmed
from .properties import NONE, AccountState, Declared
from .refusals import gone, refused, tell_altered, tell_unkept
from .state import differences, expand, observed, readable_values, seen, unkept

FACTS = "how updates are taken"
"""The name of the lock on the question."""
FACTS_SHARE_OF_DEADLINE = 0.6
"""The share of an update's time that the question may take: by default longer than a rate limit's minute."""
LAG_S = 2
"""Seconds to wait before an account is read once more that does not show yet what the answer to its update showed."""


async def take_over(
    tenant: Tenant,
    account: str,
    record: Record,
    declared: Declared,
    *,
    adopted: bool,
    revision: int = 0,
    secrets: Values = NONE,
    before: AccountState | None = None,
) -> AccountState:
    """Make an account as declared, from its record; return its state.

    `secrets` are the values that the vendor has and no record shows, `before` is the engine's state, if it has one.
    A state that says otherwise is wrong from now on, whether or not the engine hears of this write.
    """
    actual = seen(tenant.vendor.schema, declared.wanted, record)
    there = {name: value for name, value in actual.items() if value is not None}
    state = AccountState({**secrets, **there}, adopted=adopted, revision=revision)
    return await change(tenant, account, state, declared, is_unconfirmed=True, before=before or AccountState())


async def change(
    tenant: Tenant,
    account: str,
    state: AccountState,
    declared: Declared,
    *,
    is_unconfirmed: bool = False,
    before: AccountState | None = None,
) -> AccountState:
    """Send what differs, if anything does, and return the new state.

    What was sent and seen gets a new write revision, and so does an account that `is_unconfirmed` and was only seen.
    """
    vendor, schema, wanted = tenant.vendor, tenant.vendor.schema, declared.wanted
    lost = unkept(schema, state)
    current, record = {**dict.fromkeys(lost), **state.values}, None
    due, email = differences(schema, {**current, **lost}, wanted), vendor.identity(state.values)
    if due and await merges(tenant, due):
        record = await fetch(tenant, account, email)
        if record is None:
            raise gone(tenant, account, email)
        current |= seen(schema, wanted, record)
        lost = {name: value for name, value in lost.items() if current.get(name) in NO_VALUE}
    changes = differences(schema, {**current, **lost}, wanted)
    actual, is_certain = readable_values(schema, current), is_unconfirmed
    if changes:
        expanded = expand(schema, changes, current)
        is_uncounted = vendor.deactivates(changes) and not vendor.deactivates(due)  # the fresh record showed it
        with counted_removal(tenant, f"{email} ({account})") if is_uncounted else nullcontext():
            written = await _write(tenant, account, email, expanded, record, before or state)
        actual |= written.values
        is_certain = written.is_certain
        if not written.is_shown:  # what the vendor has made of the written values is not known
            actual = {name: value for name, value in actual.items() if name not in vendor.remembered}
    kept = {name: value for name, value in state.values.items() if name not in changes}
    unproven = changes.keys() - tenant.list_cache.kept  # of what the tenant keeps, an empty field is not yet changed
    unshown = (lost.keys() - changes.keys()) | unproven
    after = observed(vendor, wanted, actual, kept, adopted=state.adopted, written=unshown)
    tell_unkept(tenant, after)
    tell_altered(tenant, account, after, changes)
    revision = tenant.journal.record_write(account, state.revision) if is_certain else state.revision
    return after.under(declared).at(revision)


@dataclass(frozen=True)
class _Written:
    """The readable fields after an update; whether it was certainly carried out, and whether a record shows it."""

    values: Values
    is_certain: bool = True
    is_shown: bool = True


async def _write(
    tenant: Tenant, account: str, email: str, changes: Values, record: Record | None, before: AccountState
) -> _Written:
    """Send one update; return what is known of the account after it."""
    schema = tenant.vendor.schema
    identity = tenant.vendor.identity_field
    is_renamed = identity in changes and not schema[identity].same(changes[identity], email)
    new = tenant.vendor.identity(changes)
    # The next account with the old e-mail is another one.
    entries = tenant.journal.rename(account, new) if is_renamed else None
    try:
        after, is_looked_at = await send_update(tenant, account, email, "update", changes, record)
    except AccountError as error:
        if entries is not None and (not error.maybe_sent or identity in error.denied):
            tenant.journal.restore(account, new, entries)
        if is_renamed and isinstance(error, Refused):
            await name_holder(tenant, error, account, new)
        raise
    if is_renamed:
        tenant.journal.forget_pending(new)
    written, answered = readable_values(schema, changes), after
    if not is_looked_at and _must_be_looked_at(tenant, changes):
        after, is_looked_at = await _read_back(tenant, account, new or email, changes, answered)
        if not is_looked_at:
            return _Written(written | _said(tenant.vendor, answered), is_certain=False, is_shown=False)
    if is_looked_at:
        if after is None and not tenant.vendor.deactivates(changes):  # a vendor may hide inactive accounts
            raise gone(tenant, account, email)
        _refuse_denied(tenant.vendor, f"{email} ({account})", changes, before, after)
    is_hidden = is_looked_at and after is None
    return _Written(written | seen(schema, {}, after, is_whole=is_looked_at), is_shown=not is_hidden)


async def _read_back(
    tenant: Tenant, account: str, email: str, changes: Values, answered: Record | None
) -> tuple[Record | None, bool]:
    """Return the record of an account whose update was answered, None if it does not show, and whether it was read.

    If it cannot be read, a warning says so, and the account stays unconfirmed until the next run.
    """
    try:
        awaited = _shown(tenant.vendor, answered, changes)
        return await _look(tenant, account, email, awaited, may_hide=tenant.vendor.deactivates(changes)), True
    except AccountError as error:
        tenant.warn(f"{error}. The update was answered; the next `pulumi up` reads it back")
        return None, False


def _vanished(tenant: Tenant, account: str, email: str, changes: Values) -> NoSuchAccount:
    """Return the error for an account that is gone after an update that no answer confirms.

    A vendor may hide inactive accounts, so a deactivation may be done.
    """
    error = gone(tenant, account, email)
    error.maybe_sent = tenant.vendor.deactivates(changes)
    return error


async def _look(tenant: Tenant, account: str, email: str, awaited: Values, *, may_hide: bool) -> Record | None:
    """Read an account after its update, and once more if it does not show, or not yet with the `awaited` values.

    One look is enough for an account that the vendor may hide, because the update has deactivated it.
    """
    record = await fetch(tenant, account, email)
    is_expected = may_hide if record is None else not _denies(tenant.vendor, record, awaited)
    if is_expected:
        return record
    await tenant.sleep(LAG_S)
    try:
        return await fetch(tenant, account, email)
    except AccountError:
        if record is None:
            raise
        return record  # the first look counts


def _shown(vendor: Vendor, record: Record | None, changes: Values) -> Values:
    """Return the changes that a record does not deny; none without a record."""
    if record is None:
        return {}
    return {name: value for name, value in changes.items() if not _denies(vendor, record, {name: value})}


def _said(vendor: Vendor, answered: Record | None) -> dict[str, object]:
    """Return the values that the answer to an update has, where nothing else is known; an empty one may be left out."""
    said = seen(vendor.schema, {}, answered, is_whole=False)
    respelled = {name for name in said if RESPELLED in vendor.schema[name].marks}
    return {name: value for name, value in said.items() if value not in NO_VALUE and name not in respelled}


def _must_be_looked_at(tenant: Tenant, changes: Values) -> list[str]:
    """Return the changes that only a read shows: in the vendor's own spelling, emptied, or perhaps not kept.

    An answer may repeat what was sent and is not kept, of a list or a mapping also a part.
    """
    schema, kept = tenant.vendor.schema, tenant.list_cache.kept
    return [
        name
        for name, value in changes.items()
        if RESPELLED in schema[name].marks
        or (schema[name].is_sparse and (value in NO_VALUE or isinstance(value, list | dict) or name not in kept))
    ]


def _refuse_denied(vendor: Vendor, who: str, changes: Values, before: AccountState, record: Record | None) -> None:
    """Raise VendorBroken if a read after an update shows that changes were not made."""
    names = ", ".join(_denied(vendor, changes, before, record))
    if not names:
        return
    error = _not_done(vendor, f"update was answered and not done: {names}", who)
    error.maybe_sent = True  # the rest of the update may be done
    raise error


def _denied(vendor: Vendor, changes: Values, before: AccountState, record: Record | None) -> list[str]:
    """Return the changes that a read after their write shows as not made."""
    schema = vendor.schema
    respelled = [name for name in changes if RESPELLED in schema[name].marks]
    emptied = {name: value for name, value in changes.items() if schema[name].is_sparse and value in NO_VALUE}
    return [
        *(respelled if vendor.denies_write(changes, before, seen(schema, {}, record)) else ()),
        *(name for name, value in emptied.items() if _denies(vendor, record, {name: value})),
    ]


async def send_update(
    tenant: Tenant, account: str, email: str, operation: str, changes: Values, record: Record | None
) -> tuple[Record | None, bool]:
    """Send one update; return the record after it, if the vendor shows it, and whether it was read since.

    The account is unconfirmed meanwhile.
    If the record has changed since it was read, which 412 says, it is read again and the update is sent once more,
    unless another, or a try whose answer was lost, has made it.
    An answer that does not say whether it was carried out, or whose record says that it was not, is checked by a read.
    So is each one by which a person gets or loses access, at a vendor whose answers may repeat what was sent.
    """
    vendor, who = tenant.vendor, f"{email} ({account})"
    if vendor.deactivating_deletes and vendor.deactivates(changes):
        raise InvalidAccount(
            "not deactivated, because the vendor would delete it for good",
            vendor=vendor.title, account=who, remedy='Say on_destroy="delete" to delete it, or "retain" to leave it',
        )  # fmt: skip
    before, now = tenant.journal.why_unconfirmed(account), vendor.identity(changes) or email
    tenant.list_cache.wrote(account, email, now)
    with marked_unconfirmed(tenant, account, before, _reason(vendor, before, operation, changes)):
        made, answer = await _send(tenant, account, email, changes, record)
        if answer is None:
            return made, True
        if not vendor.is_success(answer):
            raise refused(tenant, answer, operation, who)
    is_confirmed, record_after = vendor.is_confirmed(answer), vendor.parse_record(answer)
    if record_after is not None and vendor.parse_id(record_after) not in (None, account):  # it is another account's
        is_confirmed, record_after = False, None
    unread = _must_be_looked_at(tenant, changes)
    certain = {name: value for name, value in changes.items() if name not in unread}
    if is_confirmed and not _activity_in(vendor, changes) and not _denies(vendor, record_after, certain):
        return record_after, False
    # A vendor may trim a text or sort a list. Whether the account is active must be as asked. An empty object is looked
    # at, and may be the answer to each update:
    # https://docs.cloud.google.com/identity/docs/scim/reference/rest/v1/customers.v2.Users/patch
    is_answered = is_confirmed or answer.json == {}
    asked = {name: value for name, value in changes.items() if name in vendor.deactivation} if is_answered else changes
    is_done = is_confirmed and not _denies(vendor, record_after, asked)
    awaited = {**_shown(vendor, record_after if is_confirmed else None, changes), **asked}
    try:
        after = await _look(tenant, account, now, awaited, may_hide=is_done and vendor.deactivates(changes))
    except AccountError as error:
        if is_done and _shows_activity(vendor, record_after, changes):
            return record_after, False
        error.maybe_sent = True  # the outcome of the update is unknown
        raise
    if after is None and operation == "update" and not is_done:
        raise _vanished(tenant, account, email, changes)
    _refuse_not_done(vendor, operation, who, after, changes, asked, is_certain=not answer.maybe_sent_before)
    return after, True


def _refuse_not_done(
    vendor: Vendor, operation: str, who: str, record: Record | None, changes: Values, asked: Values, *, is_certain: bool
) -> None:
    """Raise VendorBroken if a read after an update shows that what was asked was not done, or not that it was.

    It `is_certain` unless an earlier try may still arrive.
    """
    if _denies(vendor, record, asked):
        denied = _not_done(vendor, f"{operation} was answered and not done", who)
        denied.denied = changes.keys() - _shown(vendor, record, changes).keys() if is_certain else ()
        denied.maybe_sent = len(denied.denied) < len(changes)
        raise denied
    if record is not None and vendor.deactivates(changes) and not _shows_activity(vendor, record, changes):
        unseen = _not_done(vendor, f"{operation} was answered, and the vendor does not show whether it is active", who)
        unseen.maybe_sent = True
        unseen.remedy = 'Use on_destroy="delete", or "retain" and deactivate it in the admin page'
        raise unseen


async def merges(tenant: Tenant, changes: Values) -> bool:
    """Return whether an update is made from the fresh record; otherwise the vendor takes the changes alone."""
    await learn_facts(tenant)
    return tenant.vendor.merges(changes)


async def learn_facts(tenant: Tenant) -> None:
    """Ask the tenant how it takes updates: until it has answered once, and only where no one else can say it."""
    async with tenant.lock(FACTS, "question"):
        request = tenant.vendor.request_facts()
        if request is not None:
            tenant.vendor.learn_facts(await _answer_to(tenant, request))


async def _answer_to(tenant: Tenant, request: Request) -> Answer | None:
    try:
        return await tenant.operation(FACTS_SHARE_OF_DEADLINE).send(request)
    except AccountError:  # it is no reason to fail: a service may keep this from the client, and take its updates
        return None


async def _send(
    tenant: Tenant, account: str, email: str, changes: Values, record: Record | None
) -> tuple[Record | None, Answer | None]:
    """Send an update, and once more if the record is outdated; return the record it was made from, and the answer.

    Without an answer nothing was sent the second time, as the record has all of the changes.
    """
    answer = await _send_merged(tenant, account, f"{email} ({account})", changes, record)
    if record is None or not tenant.vendor.is_outdated(answer):
        return record, answer
    return await _send_to_fresh(tenant, account, email, changes, answer)


async def _send_merged(tenant: Tenant, account: str, who: str, changes: Values, record: Record | None) -> Answer:
    """Send an update, merged into the record where the vendor replaces whole records."""
    lost: list[str] = []
    if record is not None:
        record, lost = restored(record)
    if lost:
        problem = "not a number that can be sent back; null is sent instead"
        tenant.warn(f"{tenant.vendor.title} {who}: {', '.join(lost)}: {problem}")
    return await tenant.send(tenant.vendor.request_update(account, revealed(tenant, changes), record))


async def _send_to_fresh(
    tenant: Tenant, account: str, email: str, changes: Values, refused_as: Answer
) -> tuple[Record, Answer | None]:
    """Read the record again, and send the update that was refused as outdated, merged into it, if it is still due."""
    schema = tenant.vendor.schema
    try:
        record = await fetch(tenant, account, email)
        if record is None:
            raise gone(tenant, account, email)
        if not differences(schema, seen(schema, changes, record), changes):
            return record, None
        answer = await _send_merged(tenant, account, f"{email} ({account})", changes, record)
    except AccountError as error:
        error.maybe_sent = error.maybe_sent or refused_as.maybe_sent_before
        raise
    return record, replace(answer, maybe_sent_before=answer.maybe_sent_before or refused_as.maybe_sent_before)


def _not_done(vendor: Vendor, problem: str, who: str) -> VendorBroken:
    return VendorBroken(problem, status=200, vendor=vendor.title, account=who)


@contextmanager
def counted_removal(tenant: Tenant, account: str) -> Iterator[None]:
    """Count one removal; raise TooManyRemovals if the run may not. A removal that certainly failed does not count."""
    tenant.removals.claim(tenant.vendor, account)
    try:
        yield
    except AccountError as error:
        if not error.maybe_sent or tenant.vendor.deactivation.keys() & error.denied:
            tenant.removals.give_back()
        raise


@contextmanager
def marked_unconfirmed(tenant: Tenant, account: str, before: Unconfirmed | None, why: Unconfirmed) -> Iterator[None]:
    """Mark an account unconfirmed before a write is sent; take that back if the write certainly did not happen."""
    tenant.journal.mark_unconfirmed(account, why)
    try:
        yield
    except AccountError as error:
        if before is None and not error.maybe_sent:
            tenant.journal.mark_confirmed(account)
        raise


def _reason(vendor: Vendor, before: Unconfirmed | None, operation: str, changes: Values) -> Unconfirmed:
    """Return why an account is unconfirmed while this update is on its way; the gravest reason stays."""
    if operation == "deactivate" or before is Unconfirmed.DEACTIVATED:
        return Unconfirmed.DEACTIVATED
    has_secret = before is Unconfirmed.SECRET or any(vendor.schema[name].secret for name in changes)
    return Unconfirmed.SECRET if has_secret else Unconfirmed.CHANGED


def _activity_in(vendor: Vendor, changes: Values) -> set[str]:
    """Return the changes to whether the account is active, where a record has to show them."""
    return vendor.deactivation.keys() & changes.keys() if vendor.must_show_inactive else set()


def _shows_activity(vendor: Vendor, record: Record | None, changes: Values) -> bool:
    """Return whether a record shows whether the account is active, if that changes and has to be seen.

    A value that does not fit its field shows nothing.
    """
    return _activity_in(vendor, changes) <= seen(vendor.schema, {}, record).keys()


def _denies(vendor: Vendor, record: Record | None, changes: Values) -> bool:
    """Return whether a record shows that the changes were not made, in fields that no vendor normalizes."""
    schema, there = vendor.schema, seen(vendor.schema, {}, record)
    shown = [name for name in changes if name in there and RESPELLED not in schema[name].marks]
    return any(not schema[name].same(changes[name], there[name]) for name in shown)


def revealed(tenant: Tenant, values: Values) -> dict[str, object]:
    """Return the values with each fingerprint replaced by its secret; raise AccountError if it is not known."""
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
