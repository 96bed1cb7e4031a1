"""The vendor's list of accounts as one run remembers it, and what this run has written since. Pure data."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..vendor.boundary import Record
from ..vendor.fields import email_key
from ..vendor.vendor import Listing, Vendor


class CachedList:
    """The accounts of all pages of the vendor's list."""

    def __init__(
        self, vendor: Vendor, records: Sequence[Record], total: int | None, loaded_at: float, pages: int
    ) -> None:
        self.loaded_at = loaded_at
        """When it was loaded, in seconds of the tenant's clock."""
        self.pages = pages
        """How many pages it has."""
        self.records: dict[str, Record] = {vendor.parse_id(record) or "": record for record in records}
        self.is_coherent = is_coherent(vendor, records, total)
        """Whether it may prove that an account is not in it."""
        self.is_whole: bool | None = None
        """Whether its records have all that a record by id has; None until one was read to compare with."""
        self.ids: defaultdict[str, set[str]] = defaultdict(set)
        """The ids of the accounts by e-mail."""
        for account, record in self.records.items():
            self.ids[email_key(vendor.parse_identity(record))].add(account)


class LoadedPages:
    """The pages of a list that are loaded so far."""

    def __init__(self, begun_at: float) -> None:
        self.begun_at = begun_at
        """When its first page was asked for, in seconds of the tenant's clock."""
        self.listings: dict[int, Listing] = {}
        """The pages by their numbers, from 1."""


class ListCache:
    """One tenant's list as one run knows it. The functions that load and ask it are in `account_list`."""

    def __init__(self) -> None:
        self.asked = 0
        """How many times the list was asked for."""
        self.is_useless = False
        """Whether a load failed, and not for the rate limit: the list is not loaded again unless it must be."""
        self.closed_until = 0.0
        """Until when the list is not asked unless it must be, in seconds of the tenant's clock: it is throttled."""
        self.pages: int | None = None
        """How many pages the list has, where that is known."""
        self.part: LoadedPages | None = None
        """What the last load has got of the list, if it ended before the last page."""
        self.list: CachedList | None = None
        self.by_id: tuple[str, Record] | None = None
        """One account as it reads by its id: the list is asked only if it shows as much."""
        self.written: set[str] = set()
        """Accounts that this run has written, or is writing: the list is not asked about them.

        A list may be loaded while a write is on its way, and show the account as it was before.
        """
        self.emails: defaultdict[str, set[str]] = defaultdict(set)
        """Accounts by the e-mails that this run gave them, or may have given them."""
        self.wanted: dict[str, frozenset[str]] = {}
        """The fields that an account has by its state, until the account is read by its id."""
        self.unshown: set[str] = set()
        """Fields that a record by id lacks as well: the list is not expected to show them."""

        self.kept: set[str] = set()
        """Sparse fields that some record by id had with a value: the tenant keeps what is written to them."""

    def wrote(self, account: str, *emails: str) -> None:
        """Remember that an account is about to be, or was, written, and the e-mails that it may have now."""
        self.written.add(account)
        self.part = None  # pages from before and after a write do not fit together
        for email in emails:
            self.emails[email_key(email)].add(account)

    @property
    def pages_loaded(self) -> int:
        """How many pages of the list are loaded, while it is not whole."""
        return 0 if self.part is None else len(self.part.listings)

    def knows(self, account: str) -> bool:
        """Return whether the list, or this run, had this account before."""
        return account in self.written or (self.list is not None and account in self.list.records)

    def had(self, account: str, email: str) -> bool:
        """Return whether the list, or this run, had this account before its create was answered.

        A list that was loaded meanwhile may show the new account, with its e-mail.
        """
        shown = () if self.list is None else self.list.ids.get(email_key(email), ())
        return account in self.written or (self.knows(account) and account not in shown)

    def renew(self, accounts: Iterable[str]) -> None:
        """Let the list be loaded again, and be asked about these accounts too: their writes have arrived."""
        self.list = self.part = self.pages = None
        self.asked = 0
        self.written.difference_update(accounts)

    def measure(self, vendor: Vendor, account: str, record: Record) -> None:
        """Keep an account that was read by its id, to see whether the list shows as much."""
        self.unshown |= self.wanted.pop(account, frozenset()) - vendor.schema.names_in(record)
        self.by_id = self.by_id or (account, record)
        self.kept |= vendor.schema.filled_in(record)

    def says_as_much(self, vendor: Vendor, listed: CachedList) -> bool:
        """Return whether the list shows all of an account that its record by id has."""
        if listed.is_whole is None and self.by_id is not None and self.by_id[0] in listed.records:
            account, record = self.by_id
            by_id, in_list = (vendor.schema.parse(each, is_whole=False) for each in (record, listed.records[account]))
            listed.is_whole = by_id.keys() <= in_list.keys()
        return bool(listed.is_whole)

    def listed_emails(self) -> list[str]:
        """Return the e-mails in the list, if it is loaded."""
        return [] if self.list is None else [email for email, ids in self.list.ids.items() if ids]


def is_coherent(vendor: Vendor, records: Sequence[Record], total: int | None) -> bool:
    """Return whether a list has no duplicates, no account without an id, and as many accounts as the vendor counts."""
    ids = {vendor.parse_id(record) or "" for record in records}
    return "" not in ids and len(ids) == len(records) and total in (None, len(records))
