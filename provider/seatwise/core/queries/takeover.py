"""Adopting existing accounts with `seatwise import`: their arguments, state and program. Pure."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..account.properties import AccountState, Declared
from ..account.state import check, observed, seen
from ..vendor.boundary import Record
from ..vendor.fields import VOLATILE, Field, Problem, Values, email_key
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor

LINE_LENGTH = 88


def arguments(vendor: Vendor, record: Record) -> Values:
    """Return the arguments that declare an account with its observed state.

    These are the required ones, those with a value other than false, 0 or empty, and whether the account is active.
    Secrets, which cannot be read, and values that change by use are left out.
    """
    actual = vendor.schema.parse(record)
    values = {
        item.name: actual[item.name]
        for item in vendor.schema.values()
        if item.name in actual and (_is_declared(item, actual[item.name]) or item.name in vendor.deactivation)
    }
    return vendor.to_program_values(values)


def _is_declared(item: Field, value: object) -> bool:
    if not item.takes or item.secret or VOLATILE in item.marks:
        return False
    return value not in (None, "") if item.required else bool(value)  # a required list may be empty


@dataclass(frozen=True)
class Declarable:
    """The values of an account that a program may declare, and the problems with the others.

    `values` is None if a required argument has a problem: then no program can declare the account as it is.
    """

    values: Values | None
    refused: list[Problem]

    def told(self, vendor: Vendor, record: Record) -> list[str]:
        """Return a warning for the account that is not adopted, or for each value that is left out."""
        about = f"{vendor.title} {vendor.parse_identity(record)} ({vendor.parse_id(record)})"
        refused = [str(problem) for problem in self.refused]
        if self.values is None:
            way_out = f'Correct it at {vendor.title} and import it, or declare it by hand with on_existing="adopt"'
            return [f"{about}: not adopted: {'; '.join(refused)}. {way_out}"]
        return [f"{about}: left out of the program: {each}" for each in refused]


def declarable(vendor: Vendor, values: Values) -> Declarable:
    """Return which of these values pass the check of a program.

    Checks again without the refused values: a rule about several arguments may then refuse another one.
    """
    _, problems = check(type(vendor), values, values, frozenset(), Vault())
    fatal = [each for each in problems if each.field not in values or vendor.schema[each.field].required]
    if fatal:
        return Declarable(None, fatal)
    if not problems:
        return Declarable(dict(values), [])
    refused = {problem.field for problem in problems}
    rest = declarable(vendor, {name: value for name, value in values.items() if name not in refused})
    return rest if rest.values is None else Declarable(rest.values, problems + rest.refused)


def state(vendor: Vendor, record: Record, values: Values) -> AccountState:
    """Return the state of an account that is declared with these values."""
    declared = Declared.of(vendor.schema, values)
    actual = seen(vendor.schema, declared.values, record)
    return observed(vendor, declared.values, actual, adopted=True).under(declared)


def program(vendor: Vendor, accounts: Iterable[tuple[str, Values]]) -> str:
    """Return a Python program that declares the accounts, given as resource names with their arguments."""
    title = f'"""Existing accounts of {vendor.title}, adopted with `seatwise import`."""'
    calls = [_call(vendor.name, name, values) for name, values in accounts]
    return "\n\n".join([title, f"from seatwise import {vendor.name}", *calls]) + "\n"


def _call(vendor: str, name: str, values: Values) -> str:
    lines = [f"    {_literal(name)},", *(f"    {key}={_value(key, value)}," for key, value in values.items())]
    return "\n".join([f"{vendor}.User(", *lines, ")"])


def _value(key: str, value: object) -> str:
    if not isinstance(value, list):
        return _literal(value)
    items = [_literal(each) for each in value]
    line = f"[{', '.join(items)}]"
    if len(f"    {key}={line},") <= LINE_LENGTH:
        return line
    return "\n".join(["[", *(f"        {item}," for item in items), "    ]"])


def _literal(value: object) -> str:
    """Return a value as a Python literal, formatted as a formatter would."""
    if not isinstance(value, str):
        return repr(value if isinstance(value, bool) or not isinstance(value, int) else int(value))
    if not value.isprintable() or ('"' in value and "'" not in value):
        return repr(value)  # escapes invisible characters
    return json.dumps(value, ensure_ascii=False)


def resource_names(emails: Iterable[str]) -> list[str]:
    """Return a resource name for each e-mail: the e-mail with ASCII letters in lower case, numbered if repeated."""
    seen_before: Counter[str] = Counter()
    names = []
    for email in emails:
        name = email_key(email)
        seen_before[name] += 1
        names.append(name if seen_before[name] == 1 else f"{name}-{seen_before[name]}")
    return names
