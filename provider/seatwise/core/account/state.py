"""Comparing declared and observed state: check, diff, and the state that results. Pure."""

import json
from collections.abc import Container, Sequence

from ..vendor.boundary import Record
from ..vendor.fields import NO_VALUE, Problem, Schema, Takes, Values
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
from .properties import NONE, AccountState, Declared


def check(
    vendor: type[Vendor], olds: Values, news: Values, unknown: frozenset[str], vault: Vault, whose: Sequence[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """Return the checked arguments and all their problems.

    `olds` are the inputs before, empty for a new account; `unknown` names arguments without a value yet; `whose` names
    the account for the salts of its secrets: its owner, and in a team the member.
    """
    values, problems = checked(vendor, olds, news, unknown, vault, whose)
    return values, problems + (immutable_changes(vendor, olds, values) if olds else [])


def checked(
    vendor: type[Vendor], olds: Values, news: Values, unknown: frozenset[str], vault: Vault, whose: Sequence[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """Check as `check` does, but ignore changes of create-only arguments."""
    values, problems = vendor.schema.check(news, unknown, new=not olds and news.get("on_existing") != "adopt")
    problems += vendor.rules(values, frozenset(values) | unknown)
    for name, value in values.items():
        if vendor.schema[name].secret:
            argument = json.dumps([*whose, vendor.name, name]) if whose else ""
            values[name] = vault.seal(str(value), olds.get(name), argument)
    return values, problems


def removal_problems(vendor: Vendor, name: str, how: object) -> list[Problem]:
    """Return the problem of a policy that this tenant cannot follow; `name` is the argument that gives it."""
    if how == "delete" and not vendor.can_delete:
        reason = f'cannot be "delete": {vendor.title} has no way to delete; use "deactivate" or "retain"'
        return [Problem(name, reason)]
    if how in (None, "deactivate") and vendor.deactivating_deletes:
        reason = f'must be "delete" or "retain": {vendor.title} deletes an account for good when it is deactivated'
        return [Problem(name, reason)]
    return []


def deactivation_problems(vendor: Vendor, values: Values) -> list[Problem]:
    """Return the problems of arguments that deactivate an account at a tenant that deletes it then."""
    if not vendor.deactivating_deletes or not vendor.deactivates(values):
        return []
    reason = f'deletes the account for good at {vendor.title}: remove its declaration, with on_destroy="delete"'
    return [Problem(name, reason) for name in vendor.deactivation]


def immutable_changes(vendor: type[Vendor], olds: Values, values: Values, within: str = "") -> list[Problem]:
    """Return a problem for each create-only argument of an existing account that has changed.

    `within` is the path to the account's arguments in those of its resource.
    """
    return [
        _fixed(vendor, name, within)
        for name, value in values.items()
        if vendor.schema[name].create_only and not vendor.schema[name].same(olds.get(name), value, both_declared=True)
    ]


def _fixed(vendor: type[Vendor], name: str, within: str) -> Problem:
    path = f"{within}.{name}" if within else name
    return Problem(
        name,
        f"can only be given when the account is made; {vendor.title} cannot change it later. Change it in the admin "
        f"page of {vendor.title} and put it back here, or add ignore_changes=[{json.dumps(path)}] to the resource's "
        "options",
    )


def diff(vendor: type[Vendor], state: AccountState, declared: Declared, unknown: frozenset[str]) -> bool:
    """Return whether an update is due. Arguments whose value is unknown count as changed."""
    if unknown or differences(vendor.schema, compared(vendor.schema, state), declared.values):
        return True
    return state.on_destroy != declared.on_destroy or declared.names != tuple(sorted(state.declared_names or ()))


def differences(schema: Schema, current: Values, news: Values) -> dict[str, object]:
    """Return the declared values that an update must change, by argument name."""
    return {
        name: value
        for name, value in news.items()
        if schema[name].takes & Takes.UPDATE and not schema[name].same(value, current.get(name), both_declared=True)
    }


def unkept(schema: Schema, state: AccountState) -> Values:
    """Return the declared values that the vendor accepted and does not keep."""
    given = state.as_declared.items()
    return {name: value for name, value in given if schema[name].is_sparse and state.values.get(name) in NO_VALUE}


def compared(schema: Schema, state: AccountState) -> Values:
    """Return the values with which a declaration is compared: another try of what is not kept would change nothing."""
    return {**state.values, **unkept(schema, state)}


def seen(schema: Schema, news: Values, record: Record | None, *, is_whole: bool = True) -> dict[str, object]:
    """Return the values in a record, and the items of the declared deltas that it fulfils. Null is None.

    `is_whole` says whether a sparse field that the record does not have is empty.
    """
    actual = {} if record is None else schema.parse(record, is_whole=is_whole)
    for name, wanted in news.items():
        delta = schema[name].delta
        if delta and delta.of in actual:
            whole = actual[delta.of]
            there = whole if isinstance(whole, list) else []
            actual[name] = [each for each in wanted if (each in there) is delta.present]
    return actual


def observed(
    vendor: Vendor,
    declared: Values,
    actual: Values,
    before: Values = NONE,
    *,
    adopted: bool,
    written: Container[str] = (),
) -> AccountState:
    """Return the state of an account: what was seen, in the program's spelling where it means the same.

    Declared fields that were not seen keep their declared value. `before` are the values of an earlier look, without
    those that were written since. A sparse field that is empty, though it is among the `written` ones, is not kept by
    the vendor.
    """
    schema = vendor.schema
    values = {name: value for name, value in actual.items() if value is not None}
    as_declared: dict[str, object] = {}
    for name, value in declared.items():
        if name not in actual or schema[name].same(value, actual[name]):
            values[name] = value
        elif schema[name].create_only or (
            schema[name].is_sparse and name in written and actual[name] in NO_VALUE and value not in NO_VALUE
        ):
            as_declared[name] = value
    reconciled = vendor.reconcile_outputs(values, declared, before)
    return AccountState(reconciled, Declared(declared).names, as_declared, adopted)


def readable_values(schema: Schema, values: Values) -> dict[str, object]:
    """Return the values that the vendor can show."""
    return {name: value for name, value in values.items() if name in schema and schema[name].is_readable}


def expand(schema: Schema, changes: Values, current: Values) -> dict[str, object]:
    """Return changes in which each delta is replaced by the whole list that results from it."""
    expanded = {name: value for name, value in changes.items() if not schema[name].delta}
    for name, wanted in changes.items():
        delta = schema[name].delta
        if delta is None:
            continue
        whole = expanded.get(delta.of, current.get(delta.of))
        there = whole if isinstance(whole, list) else []
        if delta.present:
            expanded[delta.of] = there + [each for each in wanted if each not in there]
        else:
            expanded[delta.of] = [each for each in there if each not in wanted]
    return expanded
