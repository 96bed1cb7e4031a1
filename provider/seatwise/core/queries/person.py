"""A person's description: the arguments that it gives to each vendor's account, and its last day. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Required, TypedDict, TypeVar

from pydantic import AfterValidator

from ..vendor.field_types import Email
from ..vendor.fields import Problem, Schema, is_not_given
from ..vendor.vendor import Vendor

T = TypeVar("T")
NOTICE_DAYS = 14
"""For how many days before and after a person's last day a run shows a notice."""


def _day(text: str) -> str:
    problem = ValueError("must be a date such as 2027-01-31, the last day of the accounts")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise problem
    try:
        date.fromisoformat(text)
    except ValueError:
        raise problem from None
    return text


class Description(TypedDict, total=False):
    """The arguments of a person that do not depend on the vendor."""

    name: Required[str]
    """The name of the resource."""
    email: Required[Email]
    """E-mail."""
    first_name: str
    """First name."""
    last_name: str
    """Last name."""
    phone: str
    """Phone number."""
    active: bool
    """Whether the accounts are active (default: yes)."""
    expires: Annotated[str, AfterValidator(_day)]
    """The last day (UTC) of the accounts, such as 2027-01-31."""


SCHEMA = Schema.of(Description.__annotations__, str, required=Description.__required_keys__)


# --- for a vendor -----------------------------------------------------------------------------


def arguments(
    vendor: type[Vendor], description: Mapping[str, T], own: Mapping[str, T], join: Callable[[list[T]], T]
) -> dict[str, T]:
    """Return the arguments of an active person's account: those of the description, overridden by its own.

    `join` combines the parts of one argument, such as first and last name.
    """
    found = {
        argument: [description[part] for part in parts if part in description]
        for argument, parts in vendor.described.items()
        if argument in vendor.schema
    }
    described = {argument: join(parts) for argument, parts in found.items() if parts}
    given = {name: value for name, value in own.items() if value is None or not is_not_given(value)}
    return {**vendor.reactivation, **described, **given}


def renamed_problem(vendor: type[Vendor], own: Iterable[str], problem: Problem) -> Problem:
    """Return a problem with an account's argument, under the name that the person's program or file uses for it."""
    if problem.field in own or problem.field not in vendor.described:
        return Problem(f"{vendor.name}.{problem.field}", problem.reason)
    return Problem(vendor.described[problem.field][0], f"{problem.reason} ({vendor.title})")


# --- until when -------------------------------------------------------------------------------


def is_over(last_day: date, today: date) -> bool:
    """Return whether the accounts must be inactive: on the last day itself they are still active."""
    return today > last_day


def notice(last_day: date, today: date) -> str | None:
    """Return the notice about a last day within `NOTICE_DAYS` days from today, before or after; else None."""
    days = (last_day - today).days
    if abs(days) > NOTICE_DAYS:
        return None
    if days < 0:
        return f"expired on {last_day} (UTC): the accounts are deactivated"
    when = "today" if days == 0 else f"in {days} day" + "s" * (days > 1)
    return f"expires {when}, on {last_day} (UTC): the first run after that day deactivates the accounts"
