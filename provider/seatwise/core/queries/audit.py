"""Audits: which accounts of a tenant no stack owns, or belong to people who left. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import ValidationError

from ..account.owner import TYPES
from ..account.properties import Properties, Signature
from ..team.properties import account_ids
from ..vendor.boundary import SIGNATURE, Record
from ..vendor.errors import InvalidAccount, InvalidExport
from ..vendor.fields import Problem, composed, email_address, email_key
from ..vendor.vendor import Vendor, quote


@dataclass(frozen=True)
class Summary:
    """An account as `seatwise list` shows it."""

    id: str
    email: str
    name: str
    active: bool
    roles: list[object]

    @classmethod
    def of(cls, vendor: Vendor, record: Record) -> "Summary":
        """Return the summary of a complete record."""
        values = fields(vendor, record)
        name = " ".join(str(values[each]) for each in vendor.name_fields if values.get(each))
        roles = values.get(vendor.role_field) or []
        return cls(
            vendor.parse_id(record) or "",
            vendor.parse_email(record),
            name,
            not vendor.is_deactivated(record),
            roles if isinstance(roles, list) else [roles],
        )


def fields(vendor: Vendor, record: Record) -> dict[str, object]:
    """Return the record's fields under the names of arguments and outputs, with the values that a program would use.

    Secret fields are not read from a record.
    """
    actual = vendor.schema.parse(record)
    written = vendor.to_program_values({name: value for name, value in actual.items() if value is not None})
    return {name: written.get(name) for name in actual}


@dataclass(frozen=True)
class AccountFilter:
    """Conditions on an account, all of which must hold; None is no condition."""

    match: str = "*"
    active: bool | None = None
    role: object = None
    """A role, as the function `role` returns it."""
    owned: frozenset[str] | None = None
    """Ids of accounts to leave out, because a stack owns them."""
    people: frozenset[str] | None = None
    """E-mails of accounts to leave out, because their people have not left; inactive accounts are left out too."""

    def may_match(self, account: str, *names: str) -> bool:
        """Return whether the account may match, by its id, its e-mail and its identity alone."""
        is_owned = self.owned is not None and account in self.owned
        is_in_file = self.people is not None and not self.people.isdisjoint(map(email_key, names))
        return any(matches_pattern(each, self.match) for each in names) and not is_owned and not is_in_file

    def matches(self, vendor: Vendor, summary: Summary) -> bool:
        """Return whether an account that `may_match` also has the wanted status and role."""
        is_active = True if self.people is not None else self.active
        return is_active in (None, summary.active) and (self.role is None or _has_role(vendor, summary, self.role))


def matches_pattern(email: str, pattern: str) -> bool:
    """Return whether an e-mail matches a shell pattern such as *@example.com, ignoring case."""
    return fnmatchcase(email_key(email), email_key(pattern))


def role(vendor: type[Vendor], text: str) -> object:
    """Return a role given as text, in the type of the vendor's role field; raises InvalidAccount if it does not fit."""
    field = vendor.schema.get(vendor.role_field)
    for candidate in ([text], text):
        with suppress(ValidationError):
            if field is not None:
                return field.parse(candidate)
    problem = f'"{quote(text)}" is not a value of `{vendor.role_field}`' if field else "its accounts have no roles"
    raise InvalidAccount(problem, vendor=vendor.title, remedy=f"`seatwise list {vendor.name}` shows the roles in use")


def _has_role(vendor: Vendor, summary: Summary, wanted: object) -> bool:
    same = vendor.schema[vendor.role_field].same
    return any(same([each] if isinstance(wanted, list) else each, wanted) for each in summary.roles)


# --- what stacks own --------------------------------------------------------------------------


@dataclass(frozen=True)
class Owned:
    """The accounts that a stack owns at one vendor: ids in one tenant, and the other tenants with accounts of it."""

    accounts: frozenset[str]
    others: frozenset[str]


def owned(vendor: str, tenant: str, export: object, source: str) -> Owned:
    """Return the accounts that a stack owns, from its `pulumi stack export`; raises InvalidExport, naming `source`.

    A stack does not own an account that its program only reads (`User.get`).
    """
    accounts: set[str] = set()
    others: set[str] = set()
    for resource in _resources(export, source):
        outs = resource.get("outputs") or {}
        account_tenant = Signature.of(outs).tenant or tenant  # states of the first versions do not say it
        if account_tenant == tenant:
            accounts.update(_ids(vendor, resource, outs, source))
        elif any(_ids(vendor, resource, outs, source)):
            others.add(account_tenant)
    return Owned(frozenset(accounts), frozenset(others))


def _resources(export: object, source: str) -> list[Properties]:
    deployment = export.get("deployment") if isinstance(export, dict) else None
    resources = deployment.get("resources") or [] if isinstance(deployment, dict) else None
    if not isinstance(resources, list) or not all(isinstance(each, dict) for each in resources):
        raise InvalidExport(f"{source} is not the state of a stack", remedy="Create it with `pulumi stack export`")
    return resources


def _ids(vendor: str, resource: Properties, outs: Properties, source: str) -> Iterator[str]:
    """Yield the ids of the accounts that a resource owns; raises InvalidExport if they are encrypted."""
    kind = resource.get("type")
    if kind == f"{TYPES}{vendor}:User" and not resource.get("external") and resource.get("id"):
        yield str(resource["id"])
    if kind == f"{TYPES}{vendor}:Roster":
        for ids in account_ids(outs):
            yield from map(str, _plain(ids, source).values())


def _plain(value: object, source: str) -> Mapping[str, object]:
    """Return an object of a state without its secret wrapper; raises InvalidExport if it is encrypted."""
    if isinstance(value, dict) and SIGNATURE in value:
        value = json.loads(value["plaintext"]) if "plaintext" in value else None
    if not isinstance(value, dict):
        remedy = "Give a file from `pulumi stack export --show-secrets`, and delete it afterwards"
        raise InvalidExport(f"{source} has the ids of a Roster in encrypted form", remedy=remedy)
    return value


# --- people in files --------------------------------------------------------------------------


def emails(rows: Iterable[object]) -> frozenset[str]:
    """Return the e-mails in the rows of a file of people, including those for one vendor (`nexudus.email`)."""
    return frozenset(email_key(composed(each)) for row in rows for _, each in _emails(row, ""))


def email_problems(row: object) -> Iterator[Problem]:
    """Yield a problem for each invalid e-mail of a row: with it, an active person would count as a leaver."""
    for name, email in _emails(row, ""):
        try:
            email_address(email.strip())
        except ValueError as error:
            yield Problem(name, str(error))


def _emails(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield the e-mails in a value, each with the name of its column or key."""
    if isinstance(value, str) and name.rpartition(".")[2] == "email" and value.strip():
        yield name, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _emails(inner, str(key))
    if isinstance(value, list):
        for inner in value:
            yield from _emails(inner, "")
