"""Finding accounts at the vendor: by id, by e-mail, all of them; and what proves that one is gone."""

from collections.abc import AsyncIterator, Callable

from .errors import AccountExists, VendorBroken
from .tenant import Deed, Record, Tenant, refused
from .vendor import Listing

YOUNG = 32
"""Seconds after which a new account must show: as long as a lost create is looked for."""


async def fetch(tenant: Tenant, account: str, email: str | None) -> Record | None:
    """The account's record; None when it is certainly gone.

    "Not there" is believed when the list, which must be readable, does not hold the account either: a
    wrong base URL and a missing permission give 404 and 403 as well. One that was made a moment ago may
    not show yet: it gets a second look.
    """
    record = await _look(tenant, account, email)
    too_young = 0.0 if record or not email else _seconds_too_young(tenant, account, email)
    if too_young <= 0:
        return record
    await tenant.sleep(too_young)
    return await _look(tenant, account, email)


def _seconds_too_young(tenant: Tenant, account: str, email: str) -> float:
    last = tenant.journal.last(email)
    is_ours = last is not None and last.deed is Deed.MADE and last.account == account
    return YOUNG - last.age if last is not None and is_ours else 0


async def _look(tenant: Tenant, account: str, email: str | None) -> Record | None:
    vendor = tenant.vendor
    answer = await tenant.send(vendor.read(account))
    record = vendor.record(answer) if answer.ok else None
    if record is not None and vendor.account_id(record) == account:
        return record
    if not vendor.missing(answer):
        raise refused(tenant, answer, "read", f"{email or ''} ({account})".strip())
    if await _is_listed(tenant, account):
        raise VendorBroken(
            "the vendor lists this account and says that it is not there",
            status=answer.status,
            vendor=vendor.title,
            account=f"{email} ({account})",
            remedy="Run it again later",
        )
    return None


async def everyone(tenant: Tenant, wanted: Callable[[str], bool]) -> AsyncIterator[Record]:
    """The whole records of all listed accounts whose e-mail is wanted, page by page."""
    vendor = tenant.vendor
    async for record in _records(tenant, None):
        email, account = str(vendor.schema.parse(record).get("email", "")), vendor.account_id(record)
        if account is None or not wanted(email):
            continue
        whole = record if vendor.lists_whole_records else await fetch(tenant, account, email)
        if whole is not None:
            yield whole


async def first_page(tenant: Tenant) -> Listing:
    """The first page of all accounts: it shows that the vendor answers and what the credentials may do."""
    return await _page(tenant, None, 1)


async def look_up(tenant: Tenant, email: str) -> Record | None:
    """The listed account with exactly this e-mail; raises AccountExists when several have it."""
    hits = await _listed(tenant, email)
    if len(hits) > 1:
        raise AccountExists(
            f"several accounts have this e-mail: {', '.join(sorted(hits))}",
            status=409,
            vendor=tenant.vendor.title,
            account=email,
            remedy="Give all but one another e-mail in the admin page",
        )
    return next(iter(hits.values()), None)


async def _is_listed(tenant: Tenant, account: str) -> bool:
    """Whether the list holds the account, whatever its e-mail is by now."""
    return account in [tenant.vendor.account_id(record) async for record in _records(tenant, None)]


async def _listed(tenant: Tenant, email: str) -> dict[str, Record]:
    """The listed accounts with exactly this e-mail, by id."""
    vendor, hits = tenant.vendor, {}
    async for record in _records(tenant, email):
        if vendor.schema["email"].same(vendor.schema.parse(record).get("email"), email):
            hits[vendor.account_id(record) or ""] = record
    return hits


async def _records(tenant: Tenant, email: str | None) -> AsyncIterator[Record]:
    """What the vendor lists, page after page."""
    page = 1
    while True:
        listing = await _page(tenant, email, page)
        for record in listing.records:
            yield record
        if not listing.more or not listing.records:
            return
        page += 1


async def _page(tenant: Tenant, email: str | None, page: int) -> Listing:
    answer = await tenant.send(tenant.vendor.find(email, page))
    listing = tenant.vendor.found(answer) if answer.ok else None
    if listing is None:
        raise refused(tenant, answer, "look-up", email or "")
    return listing
