"""Taking over accounts that were made by hand: the state and the program that say what is there. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..account.properties import AccountState
from ..account.state import check, observed, seen
from ..vendor.fields import NOTHING, VOLATILE, Field, Problem, Values, email_key
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor

LINE_LENGTH = 88


def arguments(vendor: Vendor, record: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that declare an account as it is.

    What is required, what is set (to more than false, 0 or nothing), and whether it is active; without
    secrets, which cannot be read, and without what changes as the account is used.
    """
    actual = vendor.schema.parse(record)
    values = {
        item.name: actual[item.name]
        for item in vendor.schema.values()
        if item.name in actual and (_is_declared(item, actual[item.name]) or item.name in vendor.retired)
    }
    return vendor.as_written(values)


def _is_declared(item: Field, value: Any) -> bool:
    if not item.takes or item.secret or VOLATILE in item.marks or value in NOTHING:
        return False
    return item.required or bool(value)


@dataclass(frozen=True)
class Declarable:
    """What a program may declare of an account, and why not the rest.

    `values` are None where a required argument is refused: no program can declare the account as it is.
    """

    values: dict[str, Any] | None
    refused: list[Problem]

    def told(self, vendor: Vendor, record: Mapping[str, Any]) -> list[str]:
        """What a person should know of it, a line each."""
        about = f"{vendor.title} {vendor.email(record)} ({vendor.account_id(record)})"
        refused = [str(problem) for problem in self.refused]
        if self.values is None:
            way_out = f"Correct it in the admin page of {vendor.title}, then import it"
            return [f"{about}: not taken over: {'; '.join(refused)}. {way_out}"]
        return [f"{about}: left out of the program: {each}" for each in refused]


def declarable(vendor: Vendor, values: Values) -> Declarable:
    """What of these values the check of a program lets pass. Without one of them a rule about others may change."""
    _, problems = check(type(vendor), values, values, frozenset(), Vault())
    fatal = [each for each in problems if each.field not in values or vendor.schema[each.field].required]
    if fatal:
        return Declarable(None, fatal)
    if not problems:
        return Declarable(dict(values), [])
    refused = {problem.field for problem in problems}
    rest = declarable(vendor, {name: value for name, value in values.items() if name not in refused})
    return rest if rest.values is None else Declarable(rest.values, problems + rest.refused)


def state(vendor: Vendor, record: Mapping[str, Any], values: Values) -> AccountState:
    """Return the state of an account that is declared with these values."""
    return observed(vendor, values, seen(vendor.schema, values, record), adopted=True)


def program(vendor: str, accounts: Iterable[tuple[str, Values]]) -> str:
    """A Python program that declares the accounts: resource names with their arguments."""
    title = f'"""Accounts of {vendor.capitalize()} that were there before, taken over with `seatwise import`."""'
    calls = [_call(vendor, name, values) for name, values in accounts]
    return "\n\n".join([title, f"from seatwise import {vendor}", *calls]) + "\n"


def _call(vendor: str, name: str, values: Values) -> str:
    lines = [f"    {_literal(name)},", *(f"    {key}={_value(key, value)}," for key, value in values.items())]
    return "\n".join([f"{vendor}.User(", *lines, ")"])


def _value(key: str, value: Any) -> str:
    if not isinstance(value, list):
        return _literal(value)
    items = [_literal(each) for each in value]
    line = f"[{', '.join(items)}]"
    if len(f"    {key}={line},") <= LINE_LENGTH:
        return line
    return "\n".join(["[", *(f"        {item}," for item in items), "    ]"])


def _literal(value: Any) -> str:
    """A Python literal as a formatter would write it."""
    if not isinstance(value, str):
        return repr(value if isinstance(value, bool) or not isinstance(value, int) else int(value))
    if not value.isprintable() or ('"' in value and "'" not in value):
        return repr(value)  # which escapes what cannot be seen
    return json.dumps(value, ensure_ascii=False)


def resource_names(emails: Iterable[str]) -> list[str]:
    """A resource name for each e-mail: itself, its ASCII letters in lower case, numbered where it comes again."""
    seen_before: Counter[str] = Counter()
    names = []
    for email in emails:
        name = email_key(email)
        seen_before[name] += 1
        names.append(name if seen_before[name] == 1 else f"{name}-{seen_before[name]}")
    return names
