"""The life of a rehearsal's account: `live` creates, changes and ends it, `clean_up` ends what was left.

Only the account that `live` creates is written, after a read by its id has shown the e-mail.
"""

from ..account.creating import is_refusal
from ..account.ports import Tenant
from ..account.refusals import learn_secrets, refused
from ..vendor.boundary import Record
from ..vendor.errors import UnknownOutcome
from ..vendor.fields import NO_VALUE
from .asking import (
    FOUND_BACKOFF_S,
    SHOWS_BACKOFF_S,
    all_found,
    find_account,
    is_same,
    listed_record,
    own_record,
    passed,
    read_account,
    record_after,
    send_update,
    until,
    what_became,
)
from .changing import change, compare_rest, empty, look_for_drift, omit
from .life import ACTIVE, DEACTIVATED, DELETED, Life


async def live(tenant: Tenant, life: Life) -> None:
    """Create the account, try the rest with it, and deactivate it.

    Raises AccountError if it cannot be created, or cannot be found again. Its state is in `accounts`.
    """
    account, record = await _create(tenant, life)
    await _show(tenant, life, account, record)
    await _repeat(tenant, life, account)
    last = record
    for name, value in life.changes.items():
        last = await change(tenant, life, account, name, value) or last
    compare_rest(life, record, last)
    await look_for_drift(tenant, life, account, last)
    await empty(tenant, life, account, last)
    if life.vendor.replaces:
        await omit(tenant, life, account)
    await end(tenant, life, account, "deleted" if life.vendor.deactivating_deletes else "deactivated")
    if life.accounts[account] != DEACTIVATED:
        return
    await _show_inactive(tenant, life, account)
    await _reactivate(tenant, life, account)
    if life.accounts[account] == ACTIVE:
        await end(tenant, life, account, "deactivated again")


async def _create(tenant: Tenant, life: Life) -> tuple[str, Record]:
    """Create the account and return its id and its record, once a read has shown the e-mail."""
    vendor, life.step, life.may_exist = life.vendor, "create", True
    answer = await tenant.send(vendor.request_create(life.values))
    if is_refusal(vendor, answer):
        life.may_exist = False
        raise refused(tenant, answer, "create", life.email)
    account = vendor.parse_created_id(answer) if answer.ok else None
    life.note("id", account is not None, answer.status)
    answered = vendor.parse_record(answer) if answer.ok else None
    has_record = answered is not None and vendor.parse_identity(answered) != ""
    life.note("answered record", has_record)
    life.step = "read"
    pauses = SHOWS_BACKOFF_S if account else ()
    record, waited = await until(tenant, pauses, lambda: own_record(tenant, life, account))
    if account is not None:
        life.note("read at once", record is not None and not waited, passed(waited))
    if account is None or record is None:
        account, record = await _found_instead(tenant, life, account)
    life.accounts[account], life.may_exist = ACTIVE, False
    learn_secrets(tenant, record)
    shown = [each.name for each in vendor.schema.values() if each.secret and record.get(each.wire.update or "")]
    life.note("secrets", bool(shown), ", ".join(shown))
    if answered is not None and has_record:
        said, there = vendor.schema.parse(answered, is_whole=False), vendor.schema.parse(record)
        other = [
            name for name in life.values if name in said and not is_same(vendor, name, said[name], there.get(name))
        ]
        life.note("answer agrees", not other, ", ".join(other))
    for name in life.values:
        if name != vendor.identity_field:
            life.note(f"a create {name}", what_became(vendor, record, name, life.values[name]))
    return account, record


async def _found_instead(tenant: Tenant, life: Life, wrong: str | None) -> tuple[str, Record]:
    """Return the account that was created, found by its e-mail; raise UnknownOutcome if it does not show."""
    life.step = "find"
    found, waited = await until(tenant, FOUND_BACKOFF_S, lambda: find_account(tenant, life))
    record = await own_record(tenant, life, found) if found else None
    if found is None or record is None:
        raise UnknownOutcome(
            "the account may have been made, but it cannot be read", vendor=life.vendor.title, account=life.email,
            remedy="Look for it in the admin page",
        )  # fmt: skip
    life.note("found at once", not waited, passed(waited))
    if wrong is not None:
        life.note("id", "another account's")
    return found, record


async def _show(tenant: Tenant, life: Life, account: str, record: Record) -> None:
    """See where the new account shows."""
    vendor = life.vendor
    if "found at once" not in life.seen:
        life.step = "find"
        found, waited = await until(tenant, FOUND_BACKOFF_S, lambda: find_account(tenant, life))
        life.note("found at once", found is not None and not waited, passed(waited))
    if vendor.finds_by_email:
        life.step = "search for a part"
        answer = await tenant.send(vendor.request_page(life.email[1:], 1))
        listing = vendor.parse_page(answer) if answer.ok else None
        hits = [vendor.parse_id(each) for each in listing.records] if listing else []
        life.note("exact search", account in hits, answer.status)
    if not vendor.has_list:
        return
    life.step = "list"
    listed, waited = await until(tenant, SHOWS_BACKOFF_S, lambda: listed_record(tenant, account))
    life.note("listed at once", listed is not None and not waited, passed(waited))
    if listed is not None:
        there, shown = vendor.schema.parse(record), vendor.schema.names_in(listed)
        lacking = [name for name, value in there.items() if value not in NO_VALUE and name not in shown]
        life.note("listed record", not lacking, ", ".join(lacking))


async def _repeat(tenant: Tenant, life: Life, account: str) -> None:
    """Send the create again; a second account, which no vendor should make, is deactivated at once."""
    vendor, life.step = life.vendor, "create again"
    life.may_exist = True
    answer = await tenant.send(vendor.request_create(life.values))
    if is_refusal(vendor, answer):
        life.may_exist = False
        life.note("repeated", "refused as taken" if vendor.is_taken(answer) else "refused otherwise", answer.status)
        return
    life.note("repeated", "accepted" if answer.ok else "unclear", answer.status)
    told = vendor.parse_created_id(answer) if answer.ok else None
    for twin in {*await all_found(tenant, life), *([told] if told else [])} - {account}:
        if await own_record(tenant, life, twin) is not None:
            life.accounts[twin], life.may_exist = ACTIVE, False
            await end(tenant, life, twin)


async def end(tenant: Tenant, life: Life, account: str, point: str = "") -> None:
    """Deactivate the account, or delete it where that is the same; `accounts` has the result."""
    vendor, life.step = life.vendor, "delete" if life.vendor.deactivating_deletes else "deactivate"
    if vendor.deactivating_deletes:
        answer = await tenant.send(vendor.request_delete(account))
        is_done = vendor.is_success(answer) and await read_account(tenant, life, account) is None
        life.accounts[account] = DELETED if is_done else life.accounts[account]
    else:
        answer = await send_update(tenant, life, account, vendor.deactivation)
        after = await record_after(tenant, life, account, vendor.deactivation) if vendor.is_success(answer) else None
        is_done = after is not None and vendor.is_deactivated(after)
        life.accounts[account] = DEACTIVATED if is_done else life.accounts[account]
    if point:
        life.note(point, is_done, answer.status)


async def _show_inactive(tenant: Tenant, life: Life, account: str) -> None:
    """See where the inactive account shows."""
    vendor, life.step = life.vendor, "read an inactive account"
    life.note("inactive read", await read_account(tenant, life, account) is not None)
    life.step = "find an inactive account"
    found, _ = await until(tenant, SHOWS_BACKOFF_S, lambda: find_account(tenant, life))
    life.note("inactive found", found is not None)
    if vendor.has_list:
        life.step = "list"
        listed, _ = await until(tenant, SHOWS_BACKOFF_S, lambda: listed_record(tenant, account))
        life.note("inactive listed", listed is not None)
    request = vendor.request_inactive_page(1)
    if request is None:
        return
    life.step = "list of inactive accounts"
    answer = await tenant.send(request)
    listing = vendor.parse_page(answer) if answer.ok else None
    records = listing.records if listing else []
    is_there = account in map(vendor.parse_id, records)
    is_other = not all(map(vendor.is_deactivated, records))
    life.note("list of inactive", "active accounts as well" if is_other else is_there, answer.status)


async def _reactivate(tenant: Tenant, life: Life, account: str) -> None:
    vendor, life.step = life.vendor, "reactivate"
    life.accounts[account] = ACTIVE  # from the request on, whatever its answer
    answer = await send_update(tenant, life, account, vendor.reactivation)
    after = await record_after(tenant, life, account, vendor.reactivation) if vendor.is_success(answer) else None
    life.note("reactivated", after is not None and not vendor.is_deactivated(after), answer.status)


async def clean_up(tenant: Tenant, life: Life) -> None:
    """Deactivate what a rehearsal that was stopped has made; `accounts` and `may_exist` have the result.

    No account had the e-mail before, so an account that has it now is that of the rehearsal.
    """
    if life.may_exist:
        found, _ = await until(tenant, FOUND_BACKOFF_S[:4], lambda: _all_new(tenant, life))
        life.accounts.update(dict.fromkeys(found or (), ACTIVE))
        life.may_exist = not found
    for account in [each for each, state in life.accounts.items() if state == ACTIVE]:
        await end(tenant, life, account)


async def _all_new(tenant: Tenant, life: Life) -> list[str] | None:
    """Return the accounts with the e-mail that the rehearsal does not know yet; None without any."""
    new = [each for each in await all_found(tenant, life) if each not in life.accounts]
    return [each for each in new if await own_record(tenant, life, each) is not None] or None
