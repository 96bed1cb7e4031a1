"""The changes of a rehearsal's account."""

from ..account.ports import Tenant
from ..vendor.boundary import Record
from ..vendor.fields import NO_VALUE, Takes, Values
from ..vendor.vendor import Vendor
from . import plan
from .asking import (
    SHOWS_BACKOFF_S,
    is_same,
    listed_record,
    passed,
    read_account,
    record_after,
    send_update,
    until,
    what_became,
)
from .assumptions import YES, Seen
from .life import Life


async def change(tenant: Tenant, life: Life, account: str, name: str, value: object) -> Record | None:
    """Change one argument; return the record after it."""
    vendor, life.step = life.vendor, f"an update {name}"
    answer = await send_update(tenant, life, account, {name: value})
    if not vendor.is_success(answer):
        life.note(life.step, "refused", answer.status)
        return None
    answered = vendor.parse_record(answer)
    life.note("answered update", "the record" if answered else "no record", answer.status)
    record = await record_after(tenant, life, account, {name: value})
    if record is None:
        return None
    life.note(life.step, what_became(vendor, record, name, value))
    said = vendor.schema.parse(answered, is_whole=False) if answered else {}
    if name in said and life.seen.get("update agrees", Seen(YES)).value == YES:
        agrees = is_same(vendor, name, said[name], vendor.schema.parse(record).get(name))
        life.note("update agrees", agrees, "" if agrees else name)
    return record


def compare_rest(life: Life, before: Record, after: Record) -> None:
    """See whether fields changed that no update named."""
    schema = life.vendor.schema
    old, new = schema.parse(before), schema.parse(after)
    names = [name for name in life.values if name not in life.changes and name in old]
    other = [name for name in names if not is_same(life.vendor, name, old[name], new.get(name))]
    life.note("rest", not other, ", ".join(other))


async def look_for_drift(tenant: Tenant, life: Life, account: str, record: Record) -> None:
    """See whether the list shows the changes, as a refresh needs it."""
    vendor, life.step = life.vendor, "list"
    if not vendor.has_list or not life.changes:
        return

    async def look() -> Record | None:
        listed = await listed_record(tenant, account)
        return listed if listed is not None and _shows(vendor, listed, record, life.changes) else None

    listed, waited = await until(tenant, SHOWS_BACKOFF_S, look)
    life.note("drift", listed is not None, passed(waited))


def _shows(vendor: Vendor, listed: Record, record: Record, changes: Values) -> bool:
    there, whole = vendor.schema.parse(listed), vendor.schema.parse(record)
    names = [vendor.version] if vendor.version else [name for name in changes if name in there and name in whole]
    return all(is_same(vendor, name, there.get(name), whole.get(name)) for name in names)


async def empty(tenant: Tenant, life: Life, account: str, record: Record) -> None:
    """Empty an optional text that has a value."""
    there = life.vendor.schema.parse(record)
    name = plan.emptied(life.vendor, {name: value for name, value in life.values.items() if there.get(name)})
    if name is None:
        return
    life.step = "empty a text"
    answer = await send_update(tenant, life, account, {name: ""})
    if not life.vendor.is_success(answer):
        life.note("emptied", "refused", f"{name}, {answer.status}")
        return
    after = await record_after(tenant, life, account, {name: ""})
    is_empty = after is not None and life.vendor.schema.parse(after).get(name) in NO_VALUE
    life.note("emptied", "empty" if is_empty else "keep its value", name)


async def omit(tenant: Tenant, life: Life, account: str) -> None:
    """Send an update with the required arguments alone, and see what becomes of another field.

    It is the only request that seatwise does not send otherwise, and only the account of the rehearsal gets it.
    """
    vendor, life.step = life.vendor, "update without a field"
    name = next((each for each in life.values if _can_be_left_out(vendor, each)), None)
    if name is None:
        return
    await send_update(tenant, life, account, {name: life.values[name]})
    record = await read_account(tenant, life, account)
    if record is None or what_became(vendor, record, name, life.values[name]) != "kept":
        return
    there = vendor.schema.parse(record)
    needed = {each: there[each] for each in there if vendor.schema[each].required}
    answer = await tenant.send(vendor.request_update(account, needed, {vendor.id_key: record[vendor.id_key]}))
    if not vendor.is_success(answer):
        life.note("omitted", "refused", answer.status)
        return
    after = await read_account(tenant, life, account)
    if after is not None:
        life.note("omitted", "kept" if what_became(vendor, after, name, life.values[name]) == "kept" else "reset", name)


def _can_be_left_out(vendor: Vendor, name: str) -> bool:
    field_ = vendor.schema[name]
    return field_.is_readable and not field_.required and bool(field_.takes & Takes.UPDATE)
