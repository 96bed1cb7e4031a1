"""Looking things up at a tenant: accounts, and what its vendor's `lists` hold, by name.

Nothing is written. Each list is asked for once in a run, for all who ask; what it says is what was true then.
"""

import dataclasses
import difflib
import inspect
import math
import typing
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, NoneType
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..account.account_list import all_records, incoherent, pages
from ..account.finding import look_up
from ..account.list_cache import ListCache
from ..account.ports import Tenant
from ..account.refusals import no_list, tell_unfit
from ..vendor.errors import AccountError, InvalidAccount, SettingsError, UnknownName, VendorBroken
from ..vendor.fields import Record, Values, flag, folded, unfit
from ..vendor.vendor import Listed, N, Named, Vendor, quote

U = TypeVar("U")
Where = Mapping[str, Callable[[Any], bool]]
"""What must be true of the values of fields, by name."""
MOST_NAMES = 5  # that a message tells


class Lookups:
    """What one run has looked up at one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.warn = tenant.warn
        self._tenant = tenant
        self._list_cache = ListCache()
        self._lists: dict[Listed[Any], list[Any] | AccountError] = {}

    async def everything(self, listed: Listed[N]) -> list[N]:
        """All that a list holds, in the vendor's order. A list that cannot be had is not asked for again."""
        tenant = self._operation()
        async with tenant.lock():
            if listed not in self._lists:
                try:
                    self._lists[listed] = await _load(tenant, listed)
                except AccountError as error:
                    self._lists[listed] = error
        found = self._lists[listed]
        if isinstance(found, AccountError):
            raise found
        return [*found]

    async def named(self, listed: Listed[N], name: str, among: Iterable[N] | None = None) -> N:
        """The only one in a list, or among these of it, that has this name."""
        items = await self.everything(listed) if among is None else among
        return only(self._tenant.vendor.title, listed, items, name)

    async def user(self, kind: type[U], email: str) -> U:
        """The account with this e-mail, as it reads by its id; its fields are the outputs of `User`."""
        tenant = self._operation()
        vendor = tenant.vendor
        found = await look_up(tenant, email)
        if found is None:
            near = _near(email, self._list_cache.listed_emails())
            raise UnknownName(f"no user has this e-mail{near}", vendor=vendor.title, account=email)
        return _user(vendor, kind, found.record, vendor.schema.parse(found.record))

    async def users(self, kind: type[U], where: Where = MappingProxyType({})) -> list[U]:
        """All accounts for which that is true, as the vendor's list shows them; their fields are outputs of `User`."""
        tenant = self._operation()
        vendor = tenant.vendor
        if not vendor.has_list:
            raise no_list(vendor)
        seen = [(record, vendor.schema.parse(record)) for record in await all_records(tenant)]
        for record, _ in seen:
            tell_unfit(tenant, record)
        for field in where:
            if any(field not in vendor.schema.names_in(record) for record, _ in seen):
                raise VendorBroken(f"the list does not show {field}", status=200, vendor=vendor.title, account="users")
        return [
            _user(vendor, kind, record, values)
            for record, values in seen
            if all(field in values and fits(values[field]) for field, fits in where.items())
        ]

    def flag(self, name: str, value: Any) -> bool:
        """Return an argument as a flag; raises InvalidAccount for anything else."""
        try:
            return flag(value)
        except ValueError as error:
            raise InvalidAccount(f"{name} {error}", vendor=self._tenant.vendor.title, account="users") from None

    def _operation(self) -> Tenant:
        """An operation of its own, with this run's look at the accounts."""
        operation = self._tenant.operation()
        operation.list_cache = self._list_cache
        return operation


def unlike(question: Callable[..., Any], values: Iterable[Any]) -> list[str]:
    """What is wrong with the arguments of a question, by their names and without their values.

    One that says no type takes text; flags are left to `Lookups.flag`.
    """
    _, *parameters = inspect.signature(question).parameters.values()
    reasons = [(each.name, _unlike(each.annotation, value)) for each, value in zip(parameters, values, strict=True)]
    return [f"{name} {reason}" for name, reason in reasons if reason]


def _unlike(wanted: Any, value: Any) -> str:
    kinds = typing.get_args(wanted) or ((str,) if wanted is inspect.Parameter.empty else (wanted,))
    if bool in kinds or (value is None and NoneType in kinds):
        return ""
    if isinstance(value, str):
        return unfit(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if int in kinds and is_number and math.isfinite(value) and value == int(value):
        return ""
    return "must be text or a whole number" if int in kinds else "must be text"


async def _load(tenant: Tenant, listed: Listed[N]) -> list[N]:
    vendor = tenant.vendor
    way_out = listed.lacking(vendor.settings)
    if way_out:
        raise SettingsError("this API has no such list", vendor=vendor.title, account=listed.about, remedy=way_out)
    records, total = await pages(tenant, listed)
    adapter = TypeAdapter(listed.kind)
    items = {item.id: item for item in (_item(vendor, listed, adapter, record) for record in records)}
    if len(items) != (len(records) if total is None else total):
        raise incoherent(vendor, listed.about)
    return [*items.values()]


def _item(vendor: Vendor, listed: Listed[N], adapter: TypeAdapter[N], record: Record) -> N:
    keys = {field: next((key for key in keys if key in record), None) for field, keys in listed.keys.items()}
    values = {field: record[key] for field, key in keys.items() if key is not None}
    if "name" in values:
        values["name"] = values["name"] or ""  # a null is no name, and no reason to refuse the others
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        unfit = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors(include_url=False)}))
        problem = f"the list holds one whose {unfit} cannot be read"
        raise VendorBroken(problem, status=200, vendor=vendor.title, account=listed.about) from None


def _user(vendor: Vendor, kind: type[U], record: Record, read: Values) -> U:
    """The account's values under the names that `kind`, a dataclass, wants; None where the record has none."""
    written = vendor.as_written(dict(read))
    values = {name: written[name] for name in read if name in written} | {"id": vendor.account_id(record)}
    wanted: Any = kind
    return kind(**{field.name: values.get(field.name) for field in dataclasses.fields(wanted)})


def only(vendor: str, listed: Listed[N], items: Iterable[N], name: str) -> N:
    """The only one that has this name: as it is written, or else without case; raises UnknownName."""
    items = [*items]
    about = f'{listed.one} "{quote(name)}"'
    hits = [item for item in items if item.name == name] or [i for i in items if folded(i.name) == folded(name)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        several = ", ".join(map(_told_apart, hits[:MOST_NAMES]))
        raise UnknownName(f"several have this name: {several}", vendor=vendor, account=about, remedy=listed.twice)
    near = _near(name, [item.name for item in items])
    raise UnknownName(f"there is none{near}", vendor=vendor, account=about)


def _told_apart(item: Named) -> str:
    """The name, and all else that is known: `"Attic" (id 3, business_name Uptown)`."""
    known: Any = item
    values = {field.name: getattr(item, field.name) for field in dataclasses.fields(known) if field.name != "name"}
    others = ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
    return f'"{quote(item.name)}" ({others})'


def _near(name: str, names: Iterable[str]) -> str:
    """What to say of the names that are like this one, or of all where there are few."""
    spellings = {folded(each): each for each in names}
    close = difflib.get_close_matches(folded(name), spellings, n=3)
    if close:
        return f"; did you mean {_either(spellings[each] for each in close)}?"
    if 0 < len(spellings) <= MOST_NAMES:
        return f"; there is {_either(spellings.values())}"
    return ""


def _either(names: Iterable[str]) -> str:
    return " or ".join(f'"{quote(name)}"' for name in names)


def rows(items: Iterable[Any]) -> list[tuple[str, str]]:
    """Names and ids of what a list holds, by name: a table to print."""
    return sorted(((str(item.name), str(item.id)) for item in items), key=lambda row: (folded(row[0]), row[1]))
