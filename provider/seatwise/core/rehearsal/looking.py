"""What a rehearsal tries before its first write."""

from collections.abc import Iterator, Mapping, Sequence

from ..account import finding
from ..account.account_list import accounts, pages
from ..account.list_cache import is_coherent
from ..account.ports import Tenant
from ..account.refusals import refused
from ..membership.places import NO_USER
from ..queries.lookup import Lookups
from ..vendor.boundary import Record
from ..vendor.errors import AccountExists, Refused
from ..vendor.fields import email_key
from .life import Life

NOT_FREE = "Give an address that no account has. Nothing was written"


async def look(tenant: Tenant, life: Life) -> None:
    """Try what needs no write; raises AccountExists if an account has the e-mail, and AccountError."""
    vendor, life.step = life.vendor, "find"
    await _refuse_existing(tenant, life)
    life.step = "list"
    ids = await _look_at_list(tenant, life)
    life.step = "read an unknown id"
    answer = await tenant.send(vendor.request_read(_unknown_id(ids)))
    life.note("missing", "not found" if vendor.is_missing(answer) else "something else", answer.status)
    life.step = "lists of names"
    lookups = Lookups(tenant)
    for listed in vendor.lists.values():
        if listed.lacking(vendor.settings):
            continue
        try:
            life.note(f"names {listed.about}", True, len(await lookups.items(listed)))
        except Refused as error:
            life.note(f"names {listed.about}", False, error.status)


async def _refuse_existing(tenant: Tenant, life: Life) -> None:
    found = await finding.look_up_uncached(tenant, life.email) or await finding.look_for_hidden(tenant, life.email)
    if found is None:
        return
    name = life.vendor.identity_name()
    raise AccountExists(
        f"an account has this {name} already", status=409, vendor=life.vendor.title, account=life.email,
        remedy=NOT_FREE,
    )  # fmt: skip


def _refuse_email(life: Life, records: Sequence[Record]) -> None:
    """Refuse an address that a listed account has: a service may join accounts by it, or write to it."""
    vendor = life.vendor
    wanted = {email_key(each) for each in _addresses({"identity": life.email, **life.values})}
    for record in records:
        theirs = [vendor.parse_identity(record), *vendor.parse_emails(record)]
        if not wanted.isdisjoint(map(email_key, theirs)):
            raise AccountExists(
                f"another account ({vendor.parse_id(record)}) has this e-mail already", status=409,
                vendor=vendor.title, account=life.email, remedy=NOT_FREE,
            )  # fmt: skip


def _addresses(value: object) -> Iterator[str]:
    """Yield the e-mails in a value, however deep."""
    if isinstance(value, str) and "@" in value:
        yield value
    elif isinstance(value, Mapping):
        yield from _addresses([*value.values()])
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _addresses(each)


async def _look_at_list(tenant: Tenant, life: Life) -> list[str]:
    """Try the list; return the ids on its first page."""
    vendor = life.vendor
    request = vendor.request_page(None, 1)
    answer = await tenant.send(request)
    life.note("json", "json" in answer.headers.get("content-type", ""))
    first = vendor.parse_page(answer) if answer.ok else None
    if first is None:
        raise refused(tenant, answer, "look-up", "users")
    ids = [account for each in first.records if (account := vendor.parse_id(each))]
    if not vendor.has_list:
        return ids
    if first.more and not first.is_open:
        asked = max((size for size in request.query.values() if isinstance(size, int)), default=0)
        life.note("page size", len(first.records) >= asked, f"{len(first.records)} of {asked}")
        by = "cursor" if "cursor" in (first.next or {}) else "index" if first.index else "number"
        life.note("next page", by)
    records, total = await pages(tenant, accounts(vendor))
    _refuse_email(life, records)
    life.note("whole list", is_coherent(vendor, records, total), f"{len(records)} accounts")
    return ids


def _unknown_id(ids: Sequence[str]) -> str:
    """Return an id that no account has: a number, unless a known id is not a number."""
    return "2147483647" if all(map(str.isdecimal, ids)) else NO_USER
