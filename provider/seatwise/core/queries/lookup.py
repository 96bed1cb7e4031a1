"""Look-ups at a tenant: accounts, and the items of its vendor's `lists`, by name.

Look-ups write nothing. Each list is loaded once in a run, for all callers, and not refreshed.
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
from ..vendor.boundary import Record
from ..vendor.errors import AccountError, InvalidAccount, SettingsError, UnknownName, VendorBroken
from ..vendor.fields import Values, flag, folded, unfit
from ..vendor.vendor import Listing, N, Named, NameList, Paged, Vendor, quote

U = TypeVar("U")
Keys = Mapping[str, tuple[str, ...]]
"""For each field of an item the keys under which a record may have it, the likeliest first."""
MAX_NAMES = 5  # in one message


class Lookups:
    """The look-ups of one run at one tenant, with the lists that were loaded."""

    def __init__(self, tenant: Tenant) -> None:
        self.warn = tenant.warn
        self._tenant = tenant
        self._list_cache = ListCache()
        self._lists: dict[NameList[Named], list[Any] | AccountError] = {}

    async def items(self, listed: NameList[N]) -> list[N]:
        """Return all items of a list, in the vendor's order; raises AccountError.

        A list whose loading failed is not loaded again: the same error is raised.
        """
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

    async def by_name(self, listed: NameList[N], name: str, among: Iterable[N] | None = None) -> N:
        """Return the item of a list, or of `among`, with this name; raises UnknownName, AccountError."""
        items = await self.items(listed) if among is None else among
        return find_by_name(self._tenant.vendor, listed, items, name)

    async def user(self, kind: type[U], email: str) -> U:
        """Return the account with this e-mail, read by its id; raises UnknownName, AccountError.

        `kind` is a dataclass whose fields are outputs of `User`.
        """
        tenant = self._operation()
        vendor = tenant.vendor
        found = await look_up(tenant, email)
        if found is None:
            near = _suggestion(email, self._list_cache.listed_emails())
            problem = f"no user has this {vendor.identity_name()}{near}"
            way = f"`seatwise list {vendor.name}` lists the users of the main tenant"
            remedy = way if vendor.has_list and not near else ""
            raise UnknownName(problem, vendor=vendor.title, account=email, remedy=remedy)
        return _user(vendor, kind, found.record, vendor.schema.parse(found.record))

    async def users(
        self, kind: type[U], where: Mapping[str, object] = MappingProxyType({}), active: object = None
    ) -> list[U]:
        """Return the accounts in the account list that meet the conditions; raises AccountError.

        `where` gives a field's value, or an item of its list; `active` is a flag. None is no condition. `kind` is a
        dataclass whose fields are outputs of `User`.
        """
        wanted = {name: value for name, value in where.items() if value is not None}
        is_active = None if active is None else self.flag("active", active)
        tenant = self._operation()
        vendor = tenant.vendor
        conditions = [*wanted, *(() if is_active is None else vendor.reactivation)]
        if not vendor.has_list:
            raise no_list(vendor)
        seen = [(record, vendor.schema.parse(record)) for record in await all_records(tenant)]
        for record, _ in seen:
            tell_unfit(tenant, record)
        for field in conditions:
            if not vendor.schema[field].is_sparse and any(
                field not in vendor.schema.names_in(record) for record, _ in seen
            ):
                raise VendorBroken(f"the list does not show {field}", status=200, vendor=vendor.title, account="users")
        return [
            _user(vendor, kind, record, values)
            for record, values in seen
            if values.keys() >= {*conditions} and _meets(vendor, values, wanted, is_active)
        ]

    def flag(self, name: str, value: object) -> bool:
        """Return an argument as a bool; raises InvalidAccount if it is not a flag."""
        try:
            return flag(value)
        except ValueError as error:
            raise InvalidAccount(f"{name} {error}", vendor=self._tenant.vendor.title, account="users") from None

    def _operation(self) -> Tenant:
        """Return a new operation that shares the account list of this run's look-ups."""
        operation = self._tenant.operation()
        operation.list_cache = self._list_cache
        return operation


def argument_problems(question: Callable[..., object], values: Iterable[object]) -> list[str]:
    """Return what is wrong with the arguments of a question, with their names and without their values.

    An argument without a type annotation takes text; `Lookups.flag` checks flags.
    """
    _, *parameters = inspect.signature(question).parameters.values()
    reasons = [
        (each.name, _argument_problem(each.annotation, value)) for each, value in zip(parameters, values, strict=True)
    ]
    return [f"{name} {reason}" for name, reason in reasons if reason]


def _argument_problem(wanted: object, value: object) -> str:
    kinds = typing.get_args(wanted) or ((str,) if wanted is inspect.Parameter.empty else (wanted,))
    if bool in kinds or (value is None and NoneType in kinds):
        return ""
    if isinstance(value, str):
        return unfit(value)
    if int in kinds and isinstance(value, int | float) and not isinstance(value, bool) and value == _whole(value):
        return ""
    return "must be text or a whole number" if int in kinds else "must be text"


def _whole(number: float) -> int | None:
    return int(number) if math.isfinite(number) else None


async def _load(tenant: Tenant, listed: NameList[N]) -> list[N]:
    vendor = tenant.vendor
    way_out = listed.lacking(vendor.settings)
    if way_out:
        raise SettingsError("this API has no such list", vendor=vendor.title, account=listed.about, remedy=way_out)
    read = listed.read or (vendor.parse_page if listed.has_pages else Listing.whole)
    paged = Paged(ask=lambda page: vendor.request_items(listed, page), read=read, about=listed.about)
    records, total = await pages(tenant, paged)
    names = [field.name for field in dataclasses.fields(listed.kind)]
    keys = {name: listed.keys.get(name) or (vendor.schema.naming(name),) for name in names}
    adapter = TypeAdapter(listed.kind)
    items = {item.id: item for item in (_item(vendor, listed, keys, adapter, record) for record in records)}
    if len(items) != (len(records) if total is None else total):
        raise incoherent(vendor, listed.about)
    return [*items.values()]


def _item(vendor: Vendor, listed: NameList[N], keys: Keys, adapter: TypeAdapter[N], record: Record) -> N:
    found = {field: next((key for key in likely if key in record), None) for field, likely in keys.items()}
    values = {field: record[key] for field, key in found.items() if key is not None}
    if "name" in values:
        values["name"] = values["name"] or ""  # an item without a name must not make the whole list unusable
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        unfit = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors(include_url=False)}))
        problem = f"the list has an item whose {unfit} cannot be read"
        raise VendorBroken(problem, status=200, vendor=vendor.title, account=listed.about) from None


def _meets(vendor: Vendor, values: Values, wanted: Values, is_active: bool | None) -> bool:
    """Return whether the values of an account meet the conditions of `Lookups.users`."""
    has_wanted = all(vendor.schema[name].has(values[name], value) for name, value in wanted.items())
    return has_wanted and (is_active is None or _is_active(vendor, values) is is_active)


def _is_active(vendor: Vendor, values: Values) -> bool | None:
    """Return whether an account is active; None if a flag that says it is null."""
    said = [values[name] if on is True else values[name] == on for name, on in vendor.reactivation.items()]
    return None if None in said else all(said)


def _user(vendor: Vendor, kind: type[U], record: Record, read: Values) -> U:
    """Return the account as a `kind` (a dataclass); a field that the record does not have is None."""
    written = vendor.to_program_values(dict(read))
    values = {name: written[name] for name in read if name in written} | {"id": vendor.parse_id(record)}
    wanted: Any = kind
    return kind(**{field.name: values.get(field.name) for field in dataclasses.fields(wanted)})


def find_by_name(vendor: Vendor | type[Vendor], listed: NameList[N], items: Iterable[N], name: str) -> N:
    """Return the one item with this name, compared exactly, then ignoring case; raises UnknownName."""
    items = [*items]
    about = f'{listed.one} "{quote(name)}"'
    hits = [item for item in items if item.name == name] or [i for i in items if folded(i.name) == folded(name)]
    if len(hits) == 1:
        return hits[0]
    if hits:
        several = ", ".join(map(_described, hits[:MAX_NAMES]))
        problem = f"several items have this name: {several}"
        raise UnknownName(problem, vendor=vendor.title, account=about, remedy=listed.twice)
    near = _suggestion(name, [item.name for item in items])
    remedy = "" if near else f"`seatwise roles {vendor.name}` lists the {listed.about} of the main tenant"
    raise UnknownName(f"not found{near}", vendor=vendor.title, account=about, remedy=remedy)


def _described(item: Named) -> str:
    """Return the item's name and its other fields: `"Attic" (id 3, business_name Uptown)`."""
    values = {field.name: getattr(item, field.name) for field in dataclasses.fields(item) if field.name != "name"}
    others = ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
    return f'"{quote(item.name)}" ({others})'


def _suggestion(name: str, names: Iterable[str]) -> str:
    """Return the end of a message with similar names, or with all names if there are at most `MAX_NAMES`."""
    spellings = {folded(each): each for each in names}
    close = difflib.get_close_matches(folded(name), spellings, n=3)
    if close:
        return f"; did you mean {_either(spellings[each] for each in close)}?"
    if 0 < len(spellings) <= MAX_NAMES:
        return f"; known: {_either(spellings.values())}"
    return ""


def _either(names: Iterable[str]) -> str:
    return " or ".join(f'"{quote(name)}"' for name in names)


def rows(items: Iterable[Named]) -> list[tuple[str, str]]:
    """Return the names and ids of a list's items, sorted by name."""
    return sorted(((str(item.name), str(item.id)) for item in items), key=lambda row: (folded(row[0]), row[1]))
