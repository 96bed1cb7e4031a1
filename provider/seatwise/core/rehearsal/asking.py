"""The requests and comparisons that the steps of a rehearsal share.

The requests are those that seatwise sends otherwise. Nothing is retried, looked up instead or warned of here: what an
answer is, is what the rehearsal is about.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ..account.account_list import accounts, pages
from ..account.finding import has_identity
from ..account.ports import Tenant
from ..account.resuming import LOST_CREATE_BACKOFF_S
from ..account.writing import learn_facts
from ..vendor.boundary import Record, restored
from ..vendor.fields import Values
from ..vendor.http import Answer
from ..vendor.vendor import Vendor
from .life import Life

T = TypeVar("T")
SHOWS_BACKOFF_S = (0, 1, 2)
"""Seconds to wait before each look at a change."""
FOUND_BACKOFF_S = LOST_CREATE_BACKOFF_S
"""Seconds to wait before each look for a new account."""


async def read_account(tenant: Tenant, life: Life, account: str) -> Record | None:
    """Return the record that a read by id shows, if it is that of this account."""
    answer = await tenant.send(life.vendor.request_read(account))
    record = life.vendor.parse_record(answer) if answer.ok else None
    return record if record is not None and life.vendor.parse_id(record) == account else None


async def own_record(tenant: Tenant, life: Life, account: str | None) -> Record | None:
    """Return the record by id if it is that of the account with our e-mail."""
    record = await read_account(tenant, life, account) if account else None
    return record if record is not None and has_identity(tenant, record, life.email) else None


async def all_found(tenant: Tenant, life: Life) -> list[str]:
    """Return the ids of all accounts that a look-up finds by the e-mail."""
    vendor = life.vendor
    records, _ = await pages(tenant, accounts(vendor, life.email))
    ids = [vendor.parse_id(each) for each in records if has_identity(tenant, each, life.email)]
    return [each for each in ids if each]


async def find_account(tenant: Tenant, life: Life) -> str | None:
    """Return the id of the account that a look-up finds by the e-mail."""
    ids = await all_found(tenant, life)
    return next((each for each in ids if each in life.accounts or not life.accounts), None)


async def listed_record(tenant: Tenant, account: str) -> Record | None:
    """Return the account's record in the list."""
    records, _ = await pages(tenant, accounts(tenant.vendor))
    return next((each for each in records if tenant.vendor.parse_id(each) == account), None)


async def send_update(tenant: Tenant, life: Life, account: str, changes: Values) -> Answer:
    """Send an update, made from the fresh record where the vendor wants that."""
    vendor, record = life.vendor, None
    await learn_facts(tenant)
    if vendor.merges(changes):
        read = await read_account(tenant, life, account)
        record = restored(read)[0] if read is not None else None
    return await tenant.send(vendor.request_update(account, changes, record))


async def record_after(tenant: Tenant, life: Life, account: str, changes: Values) -> Record | None:
    """Return the record after a write: as soon as it shows the changes, else the record that was read last."""
    last: list[Record] = []

    async def look() -> Record | None:
        record = await read_account(tenant, life, account)
        last[:] = [record] if record is not None else last
        if record is None or any(what_became(life.vendor, record, *each) == "not kept" for each in changes.items()):
            return None
        return record

    record, _ = await until(tenant, SHOWS_BACKOFF_S, look)
    return record or next(iter(last), None)


def is_same(vendor: Vendor, name: str, left: object, right: object) -> bool:
    """Return whether two values of an argument mean the same."""
    return vendor.schema[name].same(left, right)


def what_became(vendor: Vendor, record: Record, name: str, value: object) -> str:
    """Return what became of a value that was sent: kept, not kept, not shown, or accepted if no record shows it."""
    field_, there = vendor.schema[name], vendor.schema.parse(record)
    if not field_.is_readable:
        return "accepted"
    if name not in there:
        return "not shown"
    return "kept" if field_.same(value, there[name]) else "not kept"


async def until(
    tenant: Tenant, pauses: Sequence[float], look_: Callable[[], Awaitable[T | None]]
) -> tuple[T | None, float]:
    """Look after each pause until there is something; return it, and the seconds that passed in pauses."""
    waited = 0.0
    for seconds in pauses:
        await tenant.sleep(seconds)
        waited += seconds
        found = await look_()
        if found is not None:
            return found, waited
    return None, waited


def passed(waited: float) -> str:
    """Return the seconds of a wait for the table; empty if there was no wait."""
    return f"after {waited:.0f} s" if waited else ""
