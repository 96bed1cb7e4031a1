"""Finding accounts at the vendor by id, by e-mail or all of them, and proving that an account is gone."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from ..vendor.boundary import Record
from ..vendor.errors import AccountError, AccountExists, VendorBroken
from ..vendor.http import Answer
from ..vendor.vendor import Listing, Paged, Vendor
from .account_list import accounts, contains, ids_with, incoherent, page, pages
from .list_cache import is_coherent
from .ports import EntryKind, Tenant
from .refusals import gone, learn_secrets, refused, tell_unfit
from .waiting import reported_pauses


@dataclass(frozen=True)
class Found:
    """An account with the e-mail. `is_whole` says whether the record has all fields that the vendor shows by id."""

    account: str
    record: Record
    is_whole: bool


READ_AFTER_WRITE_S = 32
"""Seconds within which a read may miss a new account: a second more than seatwise looks for a lost create."""


async def fetch(tenant: Tenant, account: str, email: str | None) -> Record | None:
    """Return the account's record; None if it is certainly gone.

    "Not found" is trusted only if the list, which must be readable, does not contain the account either: a wrong base
    URL and a missing permission give 404 and 403 as well. An account that was created a moment ago may not show yet: it
    is read a second time.
    """
    record = await _look(tenant, account, email)
    too_young = 0.0 if record or not email else _seconds_too_young(tenant, account, email)
    if too_young <= 0:
        return record
    about = f"{email} ({account}) was made or brought back a moment ago and does not show"
    for seconds in reported_pauses(tenant, [too_young], about):
        await tenant.sleep(seconds)
    return await _look(tenant, account, email)


def _seconds_too_young(tenant: Tenant, account: str, email: str) -> float:
    last = tenant.journal.last(email)
    is_ours = last is not None and last.kind is EntryKind.CREATED and last.account == account
    return READ_AFTER_WRITE_S - last.age if last is not None and is_ours else 0


async def _look(tenant: Tenant, account: str, email: str | None) -> Record | None:
    try:
        return await _read(tenant, account, email)
    except AccountError as error:
        error.maybe_sent = False  # a read changes nothing
        raise


async def _read(tenant: Tenant, account: str, email: str | None) -> Record | None:
    vendor = tenant.vendor
    answer = await tenant.send(vendor.request_read(account))
    record = record_in(tenant, account, answer)
    if record is not None:
        return record
    if not vendor.is_missing(answer):
        raise refused(tenant, answer, "read", f"{email or ''} ({account})".strip())
    is_listed = await contains(tenant, account)
    if is_listed is False:
        return None
    problem = "the vendor lists this account and says that it is not there"
    if not is_listed:
        problem = "the vendor says that it is not there, but its list is incomplete or has duplicates: no proof"
    who = f"{email} ({account})" if email else account
    raise VendorBroken(problem, status=answer.status, vendor=vendor.title, account=who, remedy="Run it again later")


def record_in(tenant: Tenant, account: str, answer: Answer) -> Record | None:
    """Return the account's record in the answer to a read by its id; None if the answer has no record of this id."""
    record = tenant.vendor.parse_record(answer) if answer.ok else None
    if record is None or tenant.vendor.parse_id(record) != account:
        return None
    tenant.list_cache.measure(tenant.vendor, account, record)
    learn_secrets(tenant, record)
    tell_unfit(tenant, record)
    return record


async def everyone(
    tenant: Tenant, wanted: Callable[..., bool], *, must_be_whole: bool = False
) -> AsyncIterator[Record]:
    """Yield the whole records of all listed accounts for which `wanted` is true.

    It gets the id, the e-mail and, if that is another text, the identity.

    A list that may be incomplete is a warning; if it `must_be_whole`, raise VendorBroken.
    """
    vendor = tenant.vendor
    records, total = await pages(tenant, accounts(vendor))
    lack = _lack(vendor, records, total)
    if lack and must_be_whole:
        raise VendorBroken(lack, status=200, vendor=vendor.title)
    if lack:
        tenant.warn(f"{vendor.title}: {lack}; run it again")
    listed = {account: record for record in records if (account := vendor.parse_id(record))}
    for account, record in listed.items():
        names = dict.fromkeys((vendor.parse_email(record), vendor.parse_identity(record)))
        if not wanted(account, *names):
            continue
        identity = vendor.parse_identity(record)
        whole = record if vendor.lists_whole_records else await fetch(tenant, account, identity)
        if whole is not None:
            tell_unfit(tenant, whole)
            yield whole


def _lack(vendor: Vendor, records: Sequence[Record], total: int | None) -> str:
    """Return why a list may be incomplete, or an empty text; `total` is how many accounts the vendor counts."""
    ids = [vendor.parse_id(record) for record in records]
    unknown = sum(not account for account in ids)
    if unknown:
        return f"{unknown:,} of {len(ids):,} listed accounts have no id: some accounts may be missing here"
    listed, counted = len({*ids}), len(ids) if total is None else total
    if listed == counted:
        return ""
    return f"{listed:,} accounts are listed and {counted:,} are counted: some accounts may be missing here"


async def first_page(tenant: Tenant) -> Listing:
    """Return the first page of all accounts. It shows that the vendor answers and what the credentials may do."""
    return await page(tenant, accounts(tenant.vendor), 1)


async def look_up(tenant: Tenant, email: str) -> Found | None:
    """Return the account with exactly this e-mail and its whole record, from the cached list if that can tell.

    Raises AccountExists if several accounts have it.
    """
    ids = await ids_with(tenant, email)
    if ids is None:
        found = await look_up_uncached(tenant, email)
        return found and await whole(tenant, found, email)
    records = [(account, await fetch(tenant, account, email)) for account in sorted(ids)]
    same = [
        Found(account, record, True) for account, record in records if record and has_identity(tenant, record, email)
    ]
    return _only(tenant, same, email)


async def look_up_uncached(tenant: Tenant, email: str) -> Found | None:
    """Return the account with exactly this e-mail, as a new request for the list shows it.

    Raises AccountExists if several accounts have it, and VendorBroken if no account has it in a list that contradicts
    itself.
    """
    vendor = tenant.vendor
    records, total = await pages(tenant, accounts(vendor, email))
    by_id = {vendor.parse_id(record) or "": record for record in records if has_identity(tenant, record, email)}
    if "" in by_id:
        raise VendorBroken("the list holds this account without an id", status=200, vendor=vendor.title, account=email)
    if not by_id and not is_coherent(vendor, records, total):
        raise incoherent(vendor, email)
    return _only(
        tenant, [Found(account, record, vendor.lists_whole_records) for account, record in by_id.items()], email
    )


async def look_for_hidden(tenant: Tenant, email: str) -> Found | None:
    """Return an inactive account with this e-mail, if the vendor has a second list of inactive accounts.

    Return None as well if that list shows active accounts: then the vendor ignored the filter.
    """
    vendor = tenant.vendor
    if vendor.request_inactive_page(1) is None:
        return None
    of = Paged(
        ask=lambda number: vendor.request_inactive_page(number) or vendor.request_page(None, number),
        read=vendor.parse_page,
    )
    try:
        records, _ = await pages(tenant, of)
    except AccountError:
        return None
    if not all(map(vendor.is_deactivated, records)):
        return None
    ids = {vendor.parse_id(record) or "": record for record in records if has_identity(tenant, record, email)}
    found = _only(tenant, [Found(account, record, False) for account, record in ids.items() if account], email)
    return found and await whole(tenant, found, email)


async def whole(tenant: Tenant, found: Found, email: str) -> Found:
    """Return the account with its record by id; raise NoSuchAccount if it is gone by now."""
    record = await fetch(tenant, found.account, email)
    if record is None:
        raise gone(tenant, found.account, email)
    return Found(found.account, record, True)


def has_identity(tenant: Tenant, record: Record, email: str) -> bool:
    """Return whether the account in a record has this identity."""
    vendor = tenant.vendor
    there = vendor.parse_identity(record)
    return bool(there and email) and vendor.schema[vendor.identity_field].same(there, email)


def _only(tenant: Tenant, hits: list[Found], email: str) -> Found | None:
    if len(hits) > 1:
        name, ids = tenant.vendor.identity_name(), ", ".join(sorted(hit.account for hit in hits))
        raise AccountExists(
            f"several accounts have this {name}: {ids}",
            status=409,
            vendor=tenant.vendor.title,
            account=email,
            remedy=f"Give all but one another {name} in the admin page",
        )
    return hits[0] if hits else None
