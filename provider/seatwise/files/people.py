"""People from a file: one row for each person, with their accounts at several vendors.

    for each in seatwise.people("people.yaml"):
        seatwise.Person(**each)

A file is CSV with columns such as `enerflo.roles`, or YAML with `accounts: {enerflo: {roles: [...]}}`.
"""

import os
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, Required, TypedDict, cast

import pulumi

from ..core.queries import person
from ..core.vendor.errors import InvalidPeople
from ..core.vendor.fields import Problem, email_key, flag
from ..resources.fields import declared_arguments
from ..resources.person import check
from ..resources.user import PersonAccount
from ..vendors import module_named, names
from .reading import FileSpec, Place, Row, line, not_empty, read, repeated, safe_name, unknown_names

PEOPLE = FileSpec("people", "person", "`name` and `email`", "name: ana", InvalidPeople)


class PersonArgs(TypedDict, total=False):
    """The arguments of a `Person` from a file; a program may change them before it declares the person."""

    resource_name: Required[str]
    """The name of the resource: `name` in the file."""
    email: Required[str]
    """E-mail."""
    accounts: Required[list[PersonAccount]]
    """An `Account` of each vendor, in the order of the vendors' names."""
    first_name: str
    """First name."""
    last_name: str
    """Last name."""
    phone: str
    """Phone number."""
    active: bool
    """Whether the accounts are active."""
    expires: str
    """The last day (UTC) of the accounts, such as 2027-01-31."""


def people(path: str | os.PathLike[str]) -> list[PersonArgs]:
    """Return the people in a file, in the file's order, for `Person(**each)`.

    - `.csv`: UTF-8, commas, a header: `name`, `email`, `first_name`, `last_name`, `phone`, `active`, `expires`, and for
      each argument of an account a column such as `enerflo.roles`. A person has an account at a vendor where one of
      its cells is not empty; a column `enerflo` with yes or no says so by itself.
    - `.yaml`, `.yml`: a list of mappings with the same keys; `accounts` has a mapping of arguments for each vendor.

    A relative path starts from the current folder. The program may add required arguments that the file does not have;
    `Person` checks that they are there.

    Raises:
        pulumi.RunError: If the file is invalid; names file, row and column of each problem.

    """
    try:
        return load(path)
    except InvalidPeople as error:
        raise pulumi.RunError(str(error)) from None


def load(path: str | os.PathLike[str]) -> list[PersonArgs]:
    """Load people as `people` does; raises InvalidPeople."""
    vendors = {name: module for name in names() if _has_accounts(module := module_named(name))}
    arguments = [f"{name}.{each}" for name, module in vendors.items() for each in _arguments(module)]
    rows = [_flat(row) for row in not_empty(read(path, PEOPLE), path, PEOPLE)]
    places = [Place(row.where, row.kind) for row in rows]
    problems = unknown_names(rows, places, [*person.SCHEMA, *vendors, *arguments])
    descriptions: list[dict[str, Any]] = []
    for row, place in zip(rows, places, strict=True):
        flags, wrong = _flags(row, vendors)
        accounts = [module.Account(**_own(row, name, module)) for name, module in vendors.items() if flags.get(name)]
        description, found = _checked(row, accounts)
        descriptions.append({**description, "accounts": accounts})
        problems += [line(place, problem, row) for problem in [*wrong, *found]]
    problems += repeated(descriptions, places, "name") + repeated(descriptions, places, "email", email_key)
    if problems:
        raise InvalidPeople(problems)
    return [cast(PersonArgs, {"resource_name": each.pop("name"), **each}) for each in descriptions]


def _has_accounts(vendor: ModuleType) -> bool:
    """Return whether a vendor's module has an `Account` of its own: it may import the base class of that name."""
    kind = getattr(vendor, "Account", None)
    return isinstance(kind, type) and issubclass(kind, PersonAccount)


def _arguments(vendor: ModuleType) -> list[str]:
    """Return the names of the arguments of a vendor's `Account`."""
    kind: type[PersonAccount] = vendor.Account
    return [*declared_arguments(kind)]


def _flat(row: Row) -> Row:
    """Return the row with YAML's `accounts` under names such as `enerflo.roles`, and `enerflo` as a flag.

    Raises InvalidPeople if the row itself has another value under such a name.
    """
    if row.kind != "key" or "accounts" not in row:
        return row
    accounts = row.pop("accounts") or {}
    if not isinstance(accounts, dict):
        remedy = "must have each vendor's name with its arguments, such as `accounts: {vendor: {argument: value}}`"
        raise InvalidPeople([f"{row.where}, key accounts: {remedy}"])
    inner: dict[str, Any] = {}
    for vendor, arguments in accounts.items():
        is_flag = arguments is not None and not isinstance(arguments, dict)
        inner[f"{vendor}"] = arguments if is_flag else True
        if isinstance(arguments, dict):
            inner.update({f"{vendor}.{name}": value for name, value in arguments.items()})
    doubles = [name for name, value in inner.items() if row.get(name) is not None and row[name] != value]
    if doubles:
        reason = "has two values, one here and one under accounts; give it once"
        raise InvalidPeople([f"{row.where}, key {safe_name(name)}: {reason}" for name in doubles])
    return Row({**row, **inner}, row.where, row.kind)


def _flags(row: Row, vendors: Iterable[str]) -> tuple[dict[str, bool], list[Problem]]:
    """Return whether the person has an account at each vendor, and the problems with these flags."""
    flags: dict[str, bool] = {}
    problems: list[Problem] = []
    for name in vendors:
        given = row.get(name)
        try:
            flags[name] = any(_own_names(row, name)) if given is None else flag(f"{given}")
        except ValueError:
            problems.append(Problem(name, "must be yes or no"))
    return flags, problems


def _own_names(row: Row, vendor: str) -> Iterator[str]:
    """Return the row's names of arguments for an account at this vendor."""
    return (name for name, value in row.items() if name.startswith(f"{vendor}.") and value is not None)


def _own(row: Row, vendor: str, module: Any) -> dict[str, Any]:
    """Return an account's own arguments, without unknown names."""
    own = {name.partition(".")[2]: row[name] for name in _own_names(row, vendor)}
    return {name: value for name, value in own.items() if name in _arguments(module)}


def _checked(row: Row, accounts: list[PersonAccount]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the person's description and its problems; convert the arguments of the accounts in place."""
    given = {name: value for name, value in row.items() if name in person.SCHEMA}
    description, declared, problems = check(given, accounts, is_complete=False)
    for account, values in zip(accounts, declared, strict=True):
        account.where = row.where
        account.args = {name: values[name] for name in account.args}
    return description, [Problem(name, "is required") for name in PEOPLE.needed if name not in description] + problems
