"""The account of a rehearsal: with which values it is created, and what is changed. Pure."""

import json
import secrets
from collections.abc import Iterator, Mapping

from ..vendor.errors import InvalidAccount
from ..vendor.fields import NEEDED_TO_CREATE, NO_VALUE, Field, Takes, Values, bare, close_to, email_address
from ..vendor.rehearsal import Assumption
from ..vendor.vendor import Vendor

UNSUPPORTED = "leave the argument out: this tenant does not support it"
LONGEST_NAME = 50  # characters of a user name that the e-mail gives


def values_of(vendor: Vendor, email: str, given: Values) -> dict[str, object]:
    """Return the arguments of the account; `given` replaces those of the example, and None leaves one out.

    Raises InvalidAccount if the vendor does not take them.
    """
    try:
        email = email_address(email)
    except ValueError as error:
        raise InvalidAccount(f"--email {error}") from None
    person = {"email": email, "name": email.partition("@")[0][:LONGEST_NAME], "first_name": "Seatwise",
              "last_name": "Rehearsal"}  # fmt: skip
    usual = {**vendor.example, **vendor.rehearsal.values}
    described = {
        name: " ".join(person[part] for part in parts)
        for name, parts in vendor.described.items()
        if name in usual and person.keys() >= {*parts}
    }
    values = {**usual, **described, **_random(vendor, usual), **given}
    values = {name: value for name, value in values.items() if value not in NO_VALUE}
    checked, problems = vendor.schema.check(values, frozenset())
    problems += vendor.rules(checked, frozenset(checked))
    if problems:
        raise InvalidAccount("; ".join(map(str, problems)), vendor=vendor.title, remedy="Give it with --set NAME=VALUE")
    return checked


def changes_of(vendor: Vendor, values: Values) -> dict[str, object]:
    """Return the other values that the account gets, one after the other."""
    usual = {**vendor.example_change, **vendor.rehearsal.changes}
    usual = {**usual, **_random(vendor, usual)}
    fit = {name: value for name, value in usual.items() if name in values and vendor.schema[name].takes & Takes.UPDATE}
    return {name: value for name, value in fit.items() if value is not None and value != values[name]}


def _random(vendor: Vendor, values: Values) -> dict[str, str]:
    """Return a password that no person knows for each secret among the values."""
    return {name: f"{secrets.token_urlsafe(24)}aA1!" for name in values if vendor.schema[name].secret}


def parse_given(vendor: type[Vendor], texts: list[str]) -> dict[str, object]:
    """Return the arguments in texts such as `title=Engineer`; the value may be JSON. Raises InvalidAccount."""
    given: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in vendor.schema:
            raise InvalidAccount(f"--set {name} is not an argument of {vendor.title}{close_to(name, vendor.schema)}",
                                 remedy="Write --set NAME=VALUE")  # fmt: skip
        given[name] = _value(vendor.schema[name], value) if value else None
    return given


def _value(field: Field, text: str) -> object:
    kind = bare(field.type)
    try:
        value = text if kind is str else json.loads(text)
    except ValueError:
        value = text
    return [value] if str(kind).startswith("list") and not isinstance(value, list) else value


def emptied(vendor: Vendor, values: Values) -> str | None:
    """Return the argument that an update empties: an optional text that a record shows; None if no argument fits."""
    return next((name for name in values if _can_be_empty(vendor, vendor.schema[name])), None)


def _can_be_empty(vendor: Vendor, field: Field) -> bool:
    is_needed = field.required or NEEDED_TO_CREATE in field.marks or field.name == vendor.identity_field
    is_text = bare(field.type) is str and field.wire.update_value is None
    if is_needed or not field.takes & Takes.UPDATE or not field.is_readable or not is_text:
        return False
    try:
        return field.declared("") == ""
    except ValueError:
        return False


def points_of(vendor: Vendor, values: Values, changes: Values) -> Mapping[str, Assumption]:
    """Return the points about lists of names and about single arguments."""
    return dict(_points_of(vendor, values, changes))


def _points_of(vendor: Vendor, values: Values, changes: Values) -> Iterator[tuple[str, Assumption]]:
    for listed in vendor.lists.values():
        yield f"names {listed.about}", Assumption(f"the list of {listed.about} can be read", ("yes",))
    for key, names in (("a create", values), ("an update", changes)):
        for name in names:
            if name != vendor.identity_field:
                yield f"{key} {name}", Assumption(f"{name} in {key} is", _kept(vendor.schema[name]), remedy=UNSUPPORTED)


def _kept(field: Field) -> tuple[str, ...]:
    """Return what a vendor may make of a value. A field that a record lacks is not read, unless it is sparse."""
    if not field.is_readable:
        return ("accepted",)
    return ("kept",) if field.is_sparse else ("kept", "not shown")
