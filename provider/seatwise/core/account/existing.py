"""Errors and notices about an existing account whose e-mail a resource declares, with the remedy that fits."""

import json
import re
from urllib.parse import unquote

from ..vendor.boundary import Record
from ..vendor.errors import (
    AccountError,
    AccountExists,
    NoSuchAccount,
    NotAuthorised,
    RateLimited,
    Refused,
    VendorBroken,
)
from ..vendor.fields import Values
from ..vendor.vendor import Vendor
from .finding import Found, look_up
from .owner import PERSON, TYPES, display_name, is_team, parsed, same, stack_of
from .ports import EntryKind, Tenant
from .properties import Declared


def exists(tenant: Tenant, declared: Declared, existing: Found, owner: str, doubt: str = "") -> AccountExists:
    """Return the error for an account that exists already, with the remedy that fits the resource that declares it.

    The error names the owner that the journal knows; `doubt` is why the engine's state could not be asked.
    """
    vendor, email = tenant.vendor, tenant.vendor.identity(declared.values)
    is_inactive = vendor.is_deactivated(existing.record)
    whose, remedy = _whose(tenant, existing.account, owner)
    problem = f"an account with this {vendor.identity_name()} is there already, with the id {existing.account}"
    problem += (", and it is inactive" if is_inactive else "") + (f": {whose}" if whose else "")
    error = AccountExists(
        problem + (f" ({doubt})" if doubt and whose else ""),
        status=409,
        vendor=vendor.title,
        account=email,
        remedy=remedy or _remedy(vendor, email, owner, _brought_back(vendor, declared) if is_inactive else ""),
    )
    error.existing = existing.account
    return error


def tell_inactive(tenant: Tenant, declared: Declared, account: str, record: Record, what: str = "adopted") -> None:
    """Report an inactive account that is adopted or new, and stays so: the program does not declare it active."""
    vendor = tenant.vendor
    missing = _missing(vendor, declared.wanted)
    if not missing or not vendor.is_deactivated(record):
        return
    who = f"{vendor.title} {tenant.vendor.identity(declared.values)} ({account})"
    line = f"{who} is {what} and stays inactive: declare {missing} to make it active"
    tenant.notices.tell(f"{vendor.title}: {what} accounts that stay inactive", line)


async def name_holder(tenant: Tenant, error: Refused, account: str, email: str) -> None:
    """Add to the error of a refused change of an e-mail which account has that e-mail, and the remedy."""
    if isinstance(error, NotAuthorised | NoSuchAccount | RateLimited | VendorBroken):
        return
    try:
        found = await look_up(tenant, email)
    except AccountError:
        return
    if found is None or found.account == account:
        return
    holder = tenant.ownership.owner_of(found.account)
    name = tenant.vendor.identity_name()
    error.problem += f"; the account {found.account} has the {name} {email}"
    if holder is None:
        error.remedy = f"Free it in the admin page, or declare another {name} here"
        return
    error.problem += f", and belongs to {display_name(holder)}, which declares another one now"
    error.remedy = (
        f"Once that account has its new {name}, `pulumi up` again changes this one. Where two exchange theirs, "
        "give one of them a temporary address of yours first: by the program and a `pulumi up`, or in the admin page"
    )


ADOPTED_STAYS = 'An adopted account stays active when it leaves the program, unless it says on_destroy="deactivate"'


def _whose(tenant: Tenant, account: str, owner: str) -> tuple[str, str]:
    """Return which owner the journal knows for an account, and the remedy; empty texts if it knows none."""
    last = tenant.journal.last_of(account)
    if last is None or last.kind is not EntryKind.CREATED or not last.owner:
        return "", ""
    if same(last.owner, owner):
        return (
            f"seatwise made it for {display_name(owner)}, and the state of this stack does not have it, so another "
            "stack of the same name has it, or a state was lost",
            "If another stack has it, declare it there alone. If the state was lost, take the account over with "
            f'on_existing="adopt". {ADOPTED_STAYS}',
        )
    if stack_of(last.owner) == stack_of(owner):
        return (
            f"seatwise made it for {display_name(last.owner)}",
            "If that resource was renamed or has another parent now, say so in its options with "
            f'aliases=[{_alias(tenant, last.owner)}]; on_existing="adopt" takes it over otherwise. {ADOPTED_STAYS}',
        )
    project, _ = stack_of(last.owner)
    return (
        f"it belongs to {display_name(last.owner)} of the project {project}",
        "Declare it in one stack alone: take it out there with `pulumi state delete` or move it with `pulumi state "
        f'move`, and add on_existing="adopt" here. {ADOPTED_STAYS}',
    )


def _alias(tenant: Tenant, owner: str) -> str:
    """Return the alias for a resource that had this owner before."""
    known, kind = parsed(owner), "Roster" if is_team(owner) else "User"
    return "..." if known is None else f'"{known.urn(f"{TYPES}{tenant.vendor.name}:{kind}")}"'


def _remedy(vendor: Vendor, email: str, owner: str, brought_back: str) -> str:
    adopt = f'on_existing="adopt" to take it over{brought_back}'
    if is_team(owner):
        return f'Give on_existing="adopt" for the Roster to take over all such accounts of its members{brought_back}'
    if PERSON in unquote(owner):
        return f"Add {adopt}, to the {vendor.name}.Account of the Person"
    if _is_child(owner):
        return f"Add {adopt}"
    imports = f"`seatwise import {vendor.name} --match {email}`"
    if _has_name_of_import(email, owner):
        file = f"{vendor.name}-import.json"
        return (
            f"If {imports} wrote its declaration, put the account into the state with the file that it wrote as well: "
            f"`pulumi import --file {file} --generate-code=false --protect=false --yes`. Else add {adopt}"
        )
    return f"Add {adopt}, or replace its declaration by what {imports} writes, and follow the steps that it prints"


def _brought_back(vendor: Vendor, declared: Declared) -> str:
    """Return the end of the remedy that says how an inactive account becomes active."""
    missing = _missing(vendor, declared.values)
    if missing:
        return f", and declare {missing} to bring it back"
    return "" if vendor.deactivates(declared.values) else ", which makes it active, as declared"


def _missing(vendor: Vendor, wanted: Values) -> str:
    """Return the arguments that would make the account active; empty if the program declares one of them."""
    says = any(name in wanted for name in vendor.reactivation)
    return "" if says else ", ".join(f"{name}={_literal(value)}" for name, value in vendor.reactivation.items())


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _is_child(owner: str) -> bool:
    known = parsed(owner)
    return bool(known.parents) if known is not None else "$" in owner.rpartition("/")[2]


def _has_name_of_import(email: str, owner: str) -> bool:
    """Return whether the resource has the name that `seatwise import` gives: the e-mail, numbered if it repeats."""
    return re.search(rf"\b{re.escape(email.casefold())}(-\d+)?$", unquote(owner).casefold()) is not None
