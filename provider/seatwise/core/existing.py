"""What is told of an account that has an e-mail which another one is to get, and the remedy that fits."""

import json
import re
from typing import Any
from urllib.parse import unquote

from .errors import AccountError, AccountExists, NotAuthorised, RateLimited, Refused, VendorBroken
from .fields import Values
from .finding import Found, look_up
from .tenant import MEMBERS, Tenant
from .vendor import Vendor

PERSON = "seatwise:index:Person"
"""The type of a `Person`, which the owner of its accounts names."""


def exists(vendor: Vendor, news: Values, existing: Found, owner: str) -> AccountExists:
    """Return the error for an account that is there, with the remedy that fits the resource which declares it."""
    email, is_inactive = str(news["email"]), vendor.is_retired(existing.record)
    error = AccountExists(
        f"an account with this e-mail is there already, with the id {existing.account}"
        + (", and it is inactive" if is_inactive else ""),
        status=409,
        vendor=vendor.title,
        account=email,
        remedy=_remedy(vendor, email, owner, _brought_back(vendor, news) if is_inactive else ""),
    )
    error.existing = existing.account
    return error


def tell_inactive(tenant: Tenant, news: Values, existing: Found) -> None:
    """Tell of an inactive account that is adopted, and stays inactive as the program does not say what it is to be."""
    vendor = tenant.vendor
    missing = _missing(vendor, news)
    if not missing or not vendor.is_retired(existing.record):
        return
    who = f"{vendor.title} {news['email']} ({existing.account})"
    line = f"{who} is adopted and stays inactive: declare {missing} to bring it back"
    tenant.notices.tell(f"{vendor.title}: adopted accounts that stay inactive", line)


async def name_holder(tenant: Tenant, error: Refused, account: str, email: str) -> None:
    """Say in the error of a refused change of an e-mail which account has it, if one has, and the way out."""
    if isinstance(error, NotAuthorised | RateLimited | VendorBroken):
        return
    try:
        found = await look_up(tenant, email)
    except AccountError:
        return
    if found is None or found.account == account:
        return
    holder = tenant.claims.holder(found.account)
    error.problem += f"; the account {found.account} has the e-mail {email}"
    if holder is None:
        error.remedy = "Free it in the admin page, or declare another e-mail here"
        return
    error.problem += f", and belongs to {holder.removesuffix(MEMBERS)}, which declares another one now"
    error.remedy = (
        "Once that account has its new e-mail, `pulumi up` again brings this one about. Where two exchange theirs, "
        "give one of them a temporary address of yours first: by the program and a `pulumi up`, or in the admin page"
    )


def _remedy(vendor: Vendor, email: str, owner: str, brought_back: str) -> str:
    adopt = f'on_existing="adopt" to take it over{brought_back}'
    if owner.endswith(MEMBERS):
        return f'Say on_existing="adopt" of the Roster to take over all such accounts of its members{brought_back}'
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


def _brought_back(vendor: Vendor, news: Values) -> str:
    """What to say of bringing an inactive account back, after the remedy."""
    missing = _missing(vendor, news)
    if missing:
        return f", and declare {missing} to bring it back"
    return "" if vendor.retires(news) else ", which makes it active, as declared"


def _missing(vendor: Vendor, news: Values) -> str:
    """The arguments that would make the account active; empty where the program says what it is to be."""
    says = any(name in news for name in vendor.reactivated)
    return "" if says else ", ".join(f"{name}={_literal(value)}" for name, value in vendor.reactivated.items())


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _is_child(owner: str) -> bool:
    return "$" in owner.rpartition("/")[2]


def _has_name_of_import(email: str, owner: str) -> bool:
    """Whether the resource has the name that `seatwise import` gives: the e-mail, numbered where it comes again."""
    return re.search(rf"\b{re.escape(email.casefold())}(-\d+)?$", unquote(owner).casefold()) is not None
