"""Which accounts of a tenant a list shows, and which of them nobody answers for: audits. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from ..account.properties import Signature
from ..team.properties import account_ids
from ..vendor.boundary import SIGNATURE
from ..vendor.errors import InvalidAccount, InvalidExport
from ..vendor.fields import Problem, composed, email_address, email_key
from ..vendor.vendor import Vendor, quote

TYPE = "pulumi-python:dynamic/seatwise/"
"""What the type tokens of all resources begin with."""


@dataclass(frozen=True)
class Summary:
    """An account as a list shows it."""

    id: str
    email: str
    name: str
    active: bool
    roles: list[Any]

    @classmethod
    def of(cls, vendor: Vendor, record: Mapping[str, Any]) -> "Summary":
        """The account in a whole record."""
        values = fields(vendor, record)
        name = " ".join(str(values[each]) for each in vendor.name_fields if values.get(each))
        roles = values.get(vendor.role_field) or []
        return cls(
            vendor.account_id(record) or "",
            vendor.email(record),
            name,
            not vendor.is_retired(record),
            roles if isinstance(roles, list) else [roles],
        )


def fields(vendor: Vendor, record: Mapping[str, Any]) -> dict[str, Any]:
    """All that a record says, under the names of arguments and outputs, as a program would write it.

    Secrets are in no record's fields.
    """
    actual = vendor.schema.parse(record)
    written = vendor.as_written({name: value for name, value in actual.items() if value is not None})
    return {name: written.get(name) for name in actual}


@dataclass(frozen=True)
class Wanted:
    """Which accounts are wanted: those that all of these let pass. None lets everybody pass."""

    match: str = "*"
    active: bool | None = None
    role: Any = None
    """As `role` gives it."""
    owned: frozenset[str] | None = None
    """Ids of accounts that some stack owns, and that are not wanted."""
    people: frozenset[str] | None = None
    """E-mails of people who are there, and whose accounts are not wanted; nor are inactive ones."""

    def lists(self, account: str, email: str) -> bool:
        """Whether it may be wanted, by what the shortest list says of it."""
        is_owned = self.owned is not None and account in self.owned
        is_there = self.people is not None and email_key(email) in self.people
        return fits(email, self.match) and not is_owned and not is_there

    def takes(self, vendor: Vendor, summary: Summary) -> bool:
        """Whether it is wanted, by all that is known of it."""
        is_active = True if self.people is not None else self.active
        return is_active in (None, summary.active) and (self.role is None or _has_role(vendor, summary, self.role))


def fits(email: str, pattern: str) -> bool:
    """Whether an e-mail fits a shell's pattern, such as *@example.com, without case."""
    return fnmatchcase(email_key(email), email_key(pattern))


def role(vendor: type[Vendor], text: str) -> Any:
    """A role that a person wrote, as the vendor's accounts have it; raises InvalidAccount when it can be none."""
    field = vendor.schema.get(vendor.role_field)
    for candidate in ([text], text):
        with suppress(ValidationError):
            if field is not None:
                return field.parse(candidate)
    problem = f'"{quote(text)}" is no value of `{vendor.role_field}`' if field else "its accounts have no roles"
    raise InvalidAccount(problem, vendor=vendor.title, remedy=f"`seatwise list {vendor.name}` shows roles as they are")


def _has_role(vendor: Vendor, summary: Summary, wanted: Any) -> bool:
    same = vendor.schema[vendor.role_field].same
    return any(same([each] if isinstance(wanted, list) else each, wanted) for each in summary.roles)


# --- what stacks own --------------------------------------------------------------------------


@dataclass(frozen=True)
class Owned:
    """What a stack owns at one vendor: ids of accounts of a tenant, and the other tenants it has accounts in."""

    accounts: frozenset[str]
    others: frozenset[str]


def owned(vendor: str, tenant: str, export: Any, source: str) -> Owned:
    """What the stack owns whose `pulumi stack export` this is; raises InvalidExport when it is none.

    An account that a program only reads (`User.get`) is not owned.
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


def _resources(export: Any, source: str) -> list[Mapping[str, Any]]:
    deployment = export.get("deployment") if isinstance(export, dict) else None
    resources = deployment.get("resources") or [] if isinstance(deployment, dict) else None
    if not isinstance(resources, list) or not all(isinstance(each, dict) for each in resources):
        raise InvalidExport(f"{source} is no state of a stack", remedy="Make it with `pulumi stack export`")
    return resources


def _ids(vendor: str, resource: Mapping[str, Any], outs: Mapping[str, Any], source: str) -> Iterator[str]:
    """The ids of the accounts that a resource owns."""
    kind = resource.get("type")
    if kind == f"{TYPE}{vendor}:User" and not resource.get("external") and resource.get("id"):
        yield str(resource["id"])
    if kind == f"{TYPE}{vendor}:Roster":
        for ids in account_ids(outs):
            yield from map(str, _plain(ids, source).values())


def _plain(value: Any, source: str) -> dict[str, Any]:
    """An object of a state, which may be a secret that is shown."""
    if isinstance(value, dict) and SIGNATURE in value:
        value = json.loads(value["plaintext"]) if "plaintext" in value else None
    if not isinstance(value, dict):
        remedy = "Give a file that `pulumi stack export --show-secrets` wrote, and delete it afterwards"
        raise InvalidExport(f"{source} has the ids of a Roster as a secret", remedy=remedy)
    return value


# --- who is there -----------------------------------------------------------------------------


def emails(rows: Iterable[Any]) -> frozenset[str]:
    """The e-mails in a file of people, also those that somebody has at one vendor alone (`nexudus.email`)."""
    return frozenset(email_key(composed(each)) for row in rows for _, each in _emails(row, ""))


def unfit_emails(row: Any) -> Iterator[Problem]:
    """Yield what is wrong with the e-mails of a row: with a wrong one, an active person would count as a leaver."""
    for name, email in _emails(row, ""):
        try:
            email_address(email.strip())
        except ValueError as error:
            yield Problem(name, str(error))


def _emails(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """The e-mails in a value, each with the name of its column or key."""
    if isinstance(value, str) and name.rpartition(".")[2] == "email" and value.strip():
        yield name, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _emails(inner, str(key))
    if isinstance(value, list):
        for inner in value:
            yield from _emails(inner, "")
