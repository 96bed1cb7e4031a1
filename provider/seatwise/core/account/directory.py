"""All accounts of a tenant as one look at its list shows them: it answers all who ask in the same run.

Nothing is loaded before a second account is asked for, and a list of many pages not before it is worth
it. What this run writes is remembered beside it. A list that cannot be had, or that contradicts itself,
is not asked: then each account is read by its id. That an account is not listed is never proof of anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..vendor.errors import AccountError, VendorBroken
from ..vendor.fields import email_key
from ..vendor.vendor import Listing, Paged, Vendor
from .ports import Record, Tenant
from .refusals import refused

LIST_TTL_S = 3600.0
"""Seconds for which a list is believed."""
ABSENCE_TTL_S = 60.0
"""Seconds for which it is proof, beside a "not there" by id, that an account is not in it."""
PAGES_PER_ACCOUNT = 10
"""A list is loaded once a tenth as many accounts were asked for as it has pages."""
LIST_SHARE_OF_DEADLINE = 0.25
"""The share of an operation's time that a list may take which can be done without."""


class Directory:
    """One tenant's list in one run."""

    def __init__(self) -> None:
        self._asked = 0
        self._is_useless = False
        self._pages: int | None = None
        """How many pages the list has, where that is known."""
        self._list: _List | None = None
        self._by_id: tuple[str, Record] | None = None
        """One account as it reads by its id: what the list says of it must be as much."""
        self._written: set[str] = set()
        """Accounts that this run has written, or is writing: no list of this run is asked about them.

        A list may be loaded while a write is on its way, and hold what was before it.
        """
        self._emails: defaultdict[str, set[str]] = defaultdict(set)
        """Accounts that this run gave, or may have given, an e-mail."""
        self._wanted: dict[str, frozenset[str]] = {}
        """The fields that accounts have by their own state, until one is read by its id."""
        self._unshown: set[str] = set()
        """Those that a record by id lacks as well: no list can be asked for them."""

    def wrote(self, account: str, *emails: str) -> None:
        """Remember that an account is about to be, or was, written, and the e-mails that it may have now."""
        self._written.add(account)
        for email in emails:
            self._emails[email_key(email)].add(account)

    def renew(self, accounts: Iterable[str]) -> None:
        """Let the list be asked anew, about these accounts too: what was written of them has arrived."""
        self._list = self._pages = None
        self._asked = 0
        self._written.difference_update(accounts)

    def measure(self, vendor: Vendor, account: str, record: Record) -> None:
        """Keep an account that was read by its id, to see whether the list says as much."""
        self._unshown |= self._wanted.pop(account, frozenset()) - vendor.schema.names_in(record)
        self._by_id = self._by_id or (account, record)

    async def ids(self, tenant: Tenant, email: str) -> set[str] | None:
        """The ids of all accounts that may have this e-mail; None when the list is not the way to know."""
        must = not tenant.vendor.finds_by_email
        if not await self._is_open(tenant, must=must) or self._list is None or not self._list.is_coherent:
            return None
        return self._list.ids[email_key(email)] | self._emails[email_key(email)]

    async def record(self, tenant: Tenant, account: str, names: Iterable[str] = ()) -> Record | None:
        """What the list says of an account; None when it must be read by its id.

        `names` are the fields that the account has by its own state: one that is not in the list may be empty now.
        """
        self._wanted[account] = frozenset(names)
        if not await self._is_open(tenant, must=False) or self._list is None or account in self._written:
            return None
        is_as_good = tenant.vendor.version or self._says_as_much(tenant.vendor, self._list)
        listed = self._list.records.get(account) if self._list.is_coherent and is_as_good else None
        if listed is None or tenant.vendor.version:
            return listed
        lacking = self._wanted[account] - tenant.vendor.schema.names_in(listed) - self._unshown
        return None if lacking else listed

    async def holds(self, tenant: Tenant, account: str) -> bool | None:
        """Whether the list, which must be readable, holds the account; one look serves all that are not in it.

        None when it does not hold it and contradicts itself: that proves nothing.
        """
        async with tenant.lock():
            listed = self._list
            is_absent = listed is not None and listed.is_coherent and account not in listed.records
            if (
                listed is None
                or not is_absent
                or account in self._written
                or tenant.now() > listed.loaded_at + ABSENCE_TTL_S
            ):
                self._list = listed = await _load(tenant, None)
            is_listed = account in listed.records
            return is_listed if is_listed or listed.is_coherent else None

    async def everyone(self, tenant: Tenant) -> list[Record]:
        """All accounts, as the list shows them; raises when it cannot be had, or contradicts itself."""
        await self._is_open(tenant, must=True)
        if self._list is None or not self._list.is_coherent:
            raise incoherent(tenant.vendor, "users")
        return [*self._list.records.values()]

    def emails(self) -> list[str]:
        """The e-mails in the list, if it is there."""
        return [] if self._list is None else [email for email, ids in self._list.ids.items() if ids]

    async def _is_open(self, tenant: Tenant, *, must: bool) -> bool:
        """Whether there is a list to answer from; loads it when that is worth it, or when it `must` be."""
        self._asked += 1
        if not tenant.vendor.has_list or (not must and (self._is_useless or self._asked == 1)):
            return False
        tenant = tenant if must else tenant.operation(LIST_SHARE_OF_DEADLINE)
        try:
            async with tenant.lock():
                if self._list is None or tenant.now() > self._list.loaded_at + LIST_TTL_S:
                    await self._load(tenant, must=must)
        except AccountError:
            self._is_useless = True
            if must:
                raise
        return self._list is not None

    async def _load(self, tenant: Tenant, *, must: bool) -> None:
        self._list = first = None
        if self._pages is None:
            first = await page(tenant, accounts(tenant.vendor), 1)
            self._pages = first.pages or 1
        if must or self._asked * PAGES_PER_ACCOUNT >= self._pages:
            self._pages = None
            self._list = await _load(tenant, first)

    def _says_as_much(self, vendor: Vendor, listed: "_List") -> bool:
        """Whether the list has all of an account that its record by id has."""
        if listed.is_whole is None and self._by_id is not None and self._by_id[0] in listed.records:
            account, record = self._by_id
            listed.is_whole = vendor.schema.parse(record).keys() <= vendor.schema.parse(listed.records[account]).keys()
        return bool(listed.is_whole)


class _List:
    """The accounts of all pages."""

    def __init__(self, vendor: Vendor, records: list[Record], total: int | None, loaded_at: float) -> None:
        self.loaded_at = loaded_at
        self.records: dict[str, Record] = {vendor.account_id(record) or "": record for record in records}
        self.is_coherent = is_coherent(vendor, records, total)
        """Whether it may prove that an account is not in it."""
        self.is_whole: bool | None = None
        """Whether its records have all that one by id has; None as long as there is none to compare with."""
        self.ids: defaultdict[str, set[str]] = defaultdict(set)
        for account, record in self.records.items():
            self.ids[email_key(vendor.email(record))].add(account)


async def _load(tenant: Tenant, first: Listing | None) -> _List:
    begun = tenant.now()
    records, total = await pages(tenant, accounts(tenant.vendor), first)
    return _List(tenant.vendor, records, total, begun)


def accounts(vendor: Vendor, email: str | None = None) -> Paged:
    """The list of the accounts among which that e-mail must be, or of all."""
    return Paged(ask=lambda number: vendor.find(email, number), read=vendor.found, about=email or "")


def is_coherent(vendor: Vendor, records: Sequence[Record], total: int | None) -> bool:
    """Whether no account is in a list twice or without an id, and none of those that the vendor counts is missing."""
    ids = {vendor.account_id(record) or "" for record in records}
    return "" not in ids and len(ids) == len(records) and total in (None, len(records))


def incoherent(vendor: Vendor, about: str) -> VendorBroken:
    """The error for a list that was shifted while it was read, or is not whole."""
    return VendorBroken("the list is not whole, or has something twice", status=200, vendor=vendor.title, account=about)


async def pages(tenant: Tenant, of: Paged, first: Listing | None = None) -> tuple[list[Record], int | None]:
    """What is in all pages, and how much the vendor counts; at once where it says how many pages there are."""
    first = first or await page(tenant, of, 1)
    if first.pages is None:
        return await _one_after_the_other(tenant, of, first), first.total
    loaded = {1: first}

    async def load(number: int) -> None:
        loaded[number] = await page(tenant, of, number)

    await tenant.each(load, range(2, first.pages + 1))
    return [record for number in sorted(loaded) for record in loaded[number].records], first.total


async def _one_after_the_other(tenant: Tenant, of: Paged, listing: Listing) -> list[Record]:
    records, number = list(listing.records), 1
    while listing.more and listing.records:
        number += 1
        before, listing = listing, await page(tenant, of, number)
        if listing.records == before.records:
            break  # a list that knows no pages is always its first one
        records += listing.records
    return records


async def page(tenant: Tenant, of: Paged, number: int) -> Listing:
    """One page (from 1) of a list."""
    answer = await tenant.send(of.ask(number))
    listing = of.read(answer) if answer.ok else None
    if listing is not None:
        return listing
    error = refused(tenant, answer, "look-up", of.about)
    if answer.ok:
        error.problem = "the list came in a shape that seatwise does not know"
    raise error
