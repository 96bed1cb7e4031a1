"""The vendor's list of accounts: loading it page by page, and asking it once for all accounts of a run.

The list is not loaded before a second account is asked for, and a list of many pages not before it is worth it. A list
that cannot be loaded, or that contradicts itself, is not asked: then each account is read by its id. That the list
does not contain an account is no proof that it is gone; it is enough to create an account with that e-mail.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..vendor.boundary import Record
from ..vendor.errors import AccountError, RateLimited, Refused, Unreachable, VendorBroken
from ..vendor.fields import email_key
from ..vendor.vendor import Listing, Paged, Vendor
from .list_cache import CachedList, LoadedPages
from .ports import Tenant
from .refusals import refused

LIST_TTL_S = 3600.0
"""Seconds for which a list is trusted."""
ABSENCE_TTL_S = 60.0
"""Seconds for which a list without an account proves, together with a "not found" by id, that it is gone."""
PAGES_PER_ACCOUNT = 10
"""A list is loaded once a tenth as many accounts were asked for as it has pages."""
PART_TTL_S = 120.0
"""Seconds for which some pages of a list are completed by the others: people change the list meanwhile."""
CLOSED_S = 300.0
"""Seconds for which a list that is throttled again and again is not asked unless it must be."""
MOST_PAGES = 10_000
"""Pages that follow each other by cursor or index; a service that always names another one is broken."""
NO_END = (401, 403, 408, 429)
"""Refusals that are not about the page that was asked for."""
LIST_SHARE_OF_DEADLINE = 0.25
"""The share of an operation's time that loading a list may take if the operation does not need the list."""
WAIT_SHARE_OF_DEADLINE = 0.6
"""The share that it may wait while another operation loads the list: by default longer than a rate limit's minute."""


async def ids_with(tenant: Tenant, email: str) -> set[str] | None:
    """Return the ids of all accounts that may have this e-mail; None if the list cannot tell."""
    cache, must = tenant.list_cache, not tenant.vendor.finds_by_email
    if not await _is_open(tenant, must=must) or cache.list is None or not cache.list.is_coherent:
        return None
    return cache.list.ids[email_key(email)] | cache.emails[email_key(email)]


async def record_of(tenant: Tenant, account: str, names: Iterable[str] = ()) -> Record | None:
    """Return the account's record in the list; None if the account must be read by its id.

    `names` are the fields that the account has by its own state: a field that the list does not show may be empty now.
    """
    cache, vendor = tenant.list_cache, tenant.vendor
    wanted = cache.wanted[account] = frozenset(names)
    if not await _is_open(tenant, must=False) or cache.list is None or account in cache.written:
        return None
    is_as_good = vendor.version or cache.says_as_much(vendor, cache.list)
    listed = cache.list.records.get(account) if cache.list.is_coherent and is_as_good else None
    if listed is None or vendor.version:
        return listed
    lacking = wanted - vendor.schema.names_in(listed) - cache.unshown
    return None if lacking else listed


async def contains(tenant: Tenant, account: str) -> bool | None:
    """Return whether the list contains the account; None if it does not and contradicts itself, which proves nothing.

    One load serves all accounts that are not in the list. Raises AccountError if the list cannot be loaded.
    """
    cache = tenant.list_cache
    async with tenant.lock():
        listed = cache.list
        is_absent = listed is not None and listed.is_coherent and account not in listed.records
        is_old = listed is not None and tenant.now() > listed.loaded_at + ABSENCE_TTL_S
        if listed is None or not is_absent or account in cache.written or is_old:
            cache.list = listed = await _load(tenant, LoadedPages(tenant.now()))
        is_listed = account in listed.records
        return is_listed if is_listed or listed.is_coherent else None


async def fresh_records(tenant: Tenant) -> dict[str, Record]:
    """Return the accounts that the list shows now, by id; nothing if it cannot be loaded in time.

    What is loaded here answers no other question: accounts that are created meanwhile move its pages.
    """
    try:
        return (await _load(tenant.operation(LIST_SHARE_OF_DEADLINE), LoadedPages(tenant.now()))).records
    except AccountError:
        return {}


async def all_records(tenant: Tenant) -> list[Record]:
    """Return all accounts as the list shows them; raise AccountError if it cannot be loaded or contradicts itself."""
    await _is_open(tenant, must=True)
    listed = tenant.list_cache.list
    if listed is None or not listed.is_coherent:
        raise incoherent(tenant.vendor, "users")
    return [*listed.records.values()]


async def _is_open(tenant: Tenant, *, must: bool) -> bool:
    """Return whether the list can be asked. Load it if that is worth it, or if it `must` be asked.

    A list of which some pages came in time is loaded further by the next operation.
    """
    cache = tenant.list_cache
    cache.asked += 1
    if not tenant.vendor.has_list or (not must and (cache.is_useless or cache.asked == 1)):
        return False
    patient = tenant if must else tenant.operation(WAIT_SHARE_OF_DEADLINE)
    try:
        async with patient.lock():
            quick = tenant if must else tenant.operation(LIST_SHARE_OF_DEADLINE)
            is_old = cache.list is None or tenant.now() > cache.list.loaded_at + LIST_TTL_S
            if is_old:
                cache.list = None
            if is_old and (must or tenant.now() >= cache.closed_until):
                await _load_in_time(patient, quick, must=must)
    except AccountError:
        if must:
            raise
    return cache.list is not None


async def _load_in_time(patient: Tenant, quick: Tenant, *, must: bool) -> None:
    """Load the list in the time of `quick`; if it could not be asked in that time, in the time of `patient`.

    What keeps the list from being asked, such as a rate limit, keeps everything else from being asked as well. If it
    lasts, the list is left alone for a while.
    """
    cache = patient.list_cache
    before = cache.pages_loaded
    try:
        await _load_if_worth_it(quick, must=must)
    except AccountError as error:
        is_not_asked = isinstance(error, RateLimited) or (isinstance(error, Unreachable) and not error.maybe_sent)
        if is_not_asked and quick is not patient:
            await _load_in_time(patient, patient, must=must)
            return
        if is_not_asked:
            cache.closed_until = patient.now() + CLOSED_S
        cache.is_useless = not is_not_asked and cache.pages_loaded <= before
        raise


async def _load_if_worth_it(tenant: Tenant, *, must: bool) -> None:
    cache, now = tenant.list_cache, tenant.now()
    part = cache.part if cache.part is not None and now <= cache.part.begun_at + PART_TTL_S else LoadedPages(now)
    if cache.pages is None:
        part.listings[1] = await page(tenant, accounts(tenant.vendor), 1)
        cache.pages = part.listings[1].pages or 1
    if must or cache.asked * PAGES_PER_ACCOUNT >= cache.pages:
        cache.part = part
        cache.list = await _load(tenant, part)
        cache.part = cache.pages = None


async def _load(tenant: Tenant, part: LoadedPages) -> CachedList:
    records, total = await pages(tenant, accounts(tenant.vendor), part.listings)
    return CachedList(tenant.vendor, records, total, part.begun_at, len(part.listings))


def accounts(vendor: Vendor, email: str | None = None) -> Paged:
    """Return the list that contains every account with this e-mail, or all accounts without one."""
    return Paged(ask=lambda number: vendor.request_page(email, number), read=vendor.parse_page, about=email or "")


def incoherent(vendor: Vendor, about: str) -> VendorBroken:
    """Return the error for a list that is incomplete or has duplicates: it may have changed while it was read."""
    return VendorBroken("the list is incomplete or contains duplicates", status=200, vendor=vendor.title, account=about)


async def pages(tenant: Tenant, of: Paged, loaded: dict[int, Listing] | None = None) -> tuple[list[Record], int | None]:
    """Return the records of all pages, loaded at once if their number is known, and how many the vendor counts.

    `loaded` has the pages that are there already, by number, and gets the others.
    """
    loaded = {} if loaded is None else loaded
    if 1 not in loaded:
        loaded[1] = await page(tenant, of, 1)
    first = loaded[1]
    if first.pages is None or first.next is not None:
        await _load_one_after_the_other(tenant, of, loaded)
    else:
        _refuse_more_pages(tenant, of, first.pages)

        async def load(number: int) -> None:
            loaded[number] = await page(tenant, of, number)

        await tenant.each(load, [number for number in range(2, first.pages + 1) if number not in loaded])
    return [record for number in sorted(loaded) for record in loaded[number].records], first.total


def _refuse_more_pages(tenant: Tenant, of: Paged, number: int) -> None:
    """Raise VendorBroken for a page with a number above MOST_PAGES."""
    if number > MOST_PAGES:
        problem, title = f"the list does not end after {MOST_PAGES:,} pages", tenant.vendor.title
        raise VendorBroken(problem, status=200, vendor=title, account=of.about)


async def _load_one_after_the_other(tenant: Tenant, of: Paged, loaded: dict[int, Listing]) -> None:
    number = max(loaded)
    while loaded[number].next is not None or (loaded[number].more and loaded[number].records):
        _refuse_more_pages(tenant, of, number + 1)
        before = loaded[number]
        following = await _page_after(tenant, of, number, before)
        if following is None or (not following.records and following == before):
            return  # a cursor that stays the same ends at an empty page
        may_be_one_page = before.next is None or before.is_open
        is_again = bool(following.records) and (
            any(following.records == each.records for each in loaded.values())
            or (may_be_one_page and before.total is None and _shows_the_same(tenant, following, loaded[1], before))
        )
        if is_again and may_be_one_page:
            return  # a list that knows no pages is always its first one; a field of a record may change meanwhile
        number += 1
        loaded[number] = following
        if is_again:
            return  # its duplicates show that the list is not coherent


def _shows_the_same(tenant: Tenant, following: Listing, *before: Listing) -> bool:
    """Return whether a page shows exactly the accounts of one of these pages, by their ids.

    Some of them do not suffice: a list may move between two requests, and its last page show an account again.
    """
    ids, *others = [{tenant.vendor.parse_id(record) for record in each.records} for each in (following, *before)]
    return bool(ids) and None not in ids and ids in others


async def _page_after(tenant: Tenant, of: Paged, number: int, before: Listing) -> Listing | None:
    """Return the page after this one; None if it is refused and nothing counts the records.

    Then the list has ended: some services refuse what is after the last record.
    """
    try:
        return await page(tenant, of, number + 1, before.next)
    except Refused as error:
        is_counted = before.total is not None or not (before.index or before.is_open)
        if is_counted or not 400 <= error.status < 500 or error.status in NO_END:
            raise
        return None


async def page(tenant: Tenant, of: Paged, number: int, after: Mapping[str, str | int] | None = None) -> Listing:
    """Return one page (from 1) of a list; raise the refusal if it cannot be read.

    `after` is the `next` of the page before, if that has one.
    """
    request = of.ask(number)
    query = {**request.query, **(after or {})}
    answer = await tenant.send(replace(request, query=query))
    listing = of.read(answer) if answer.ok else None
    if listing is not None:
        return _after_what_was_asked(listing, query)
    error = refused(tenant, answer, "look-up", of.about)
    if answer.ok:
        error.problem = "the list came in a shape that seatwise does not know"
    raise error


def _after_what_was_asked(listing: Listing, query: Mapping[str, object]) -> Listing:
    """Return a page that says whether another one follows, and at which index, counted from the one asked for."""
    begin = query.get(listing.index)
    if not listing.more or not isinstance(begin, int):
        return listing
    following = begin + len(listing.records)
    if listing.total is not None and following > listing.total:
        return replace(listing, more=False)
    return replace(listing, next={listing.index: following})
