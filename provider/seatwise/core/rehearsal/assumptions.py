"""The points at which tenants differ: what seatwise assumes at each, and the verdict on what was seen. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..vendor.rehearsal import Assumption
from ..vendor.vendor import Vendor

YES, NO = "yes", "no"
Verdict = Literal["as assumed", "differs", "noted", "not tried"]
BY_ID = "nothing to do: seatwise reads accounts by their ids"
BOTH = "nothing to do: seatwise handles both"


def _yes(about: str, remedy: str = "") -> Assumption:
    return Assumption(about, (YES,), remedy=remedy)


POINTS: Mapping[str, Assumption] = {
    # --- without a write ---
    "json": _yes("answers are labelled as JSON", "nothing to do: seatwise reads JSON under any label"),
    "page size": _yes("a page of the list has as many accounts as asked for", BOTH),
    "next page": Assumption("the next page is asked for by", ("number",)),
    "whole list": _yes("the list has each account once, and as many as it counts"),
    "missing": Assumption("an id that no account has is answered as", ("not found",)),
    # --- create ---
    "id": _yes("the answer to a create has the id", "nothing to do: seatwise finds the account by its e-mail"),
    "answered record": Assumption("the answer to a create has the record"),
    "answer agrees": _yes("the record in that answer is as it is read", "nothing to do: seatwise reads it back"),
    "read at once": _yes("a new account can be read by its id at once", "nothing to do: seatwise reads it again"),
    "found at once": _yes("a new account is found by its e-mail at once", "nothing to do: seatwise waits"),
    "listed at once": _yes("a new account is in the list at once", "nothing to do: seatwise reads it by its id"),
    "listed record": _yes("the list shows as much as a read by id", BY_ID),
    "secrets": Assumption("a record shows secrets, which seatwise never stores"),
    "exact search": Assumption("a search for a part of the e-mail finds the account"),
    "repeated": Assumption("a second create with the same e-mail is", ("refused as taken",)),
    # --- update ---
    "answered update": Assumption("the answer to an update has"),
    "update agrees": _yes("the record in that answer is as it is read", "nothing to do: seatwise reads it back"),
    "rest": _yes("an update leaves the other fields as they are"),
    "omitted": Assumption(
        "a field that the whole record of an update leaves out is", ("reset",),
        remedy="nothing to do: seatwise sends the whole record",
    ),
    "emptied": Assumption("an empty text makes a field", ("empty", "not shown")),
    "drift": _yes("the list shows a change", BY_ID),
    "new e-mail": Assumption("the e-mail of an account can be changed"),
    # --- deactivation ---
    "deactivated": _yes("an account can be deactivated"),
    "inactive read": _yes("an inactive account can be read by its id"),
    "inactive found": _yes(
        "an inactive account is found by its e-mail", "to declare the person again, import the account by its id"
    ),
    "inactive listed": _yes("an inactive account is in the list", "nothing to do: seatwise reads it by its id"),
    "list of inactive": Assumption("the second list, of inactive accounts, shows it"),
    "reactivated": _yes("an inactive account can be activated under its id"),
    "deactivated again": _yes("an activated account can be deactivated again"),
    "deleted": _yes("a deleted account is gone"),
}  # fmt: skip
"""The points of every vendor, in the order in which they are tried."""


OF_A_LIST = ("page size", "next page", "whole list", "listed at once", "listed record", "drift")
OF_INACTIVE = ("deactivated", "inactive read", "inactive found", "reactivated", "deactivated again")


@dataclass(frozen=True)
class Seen:
    """What was seen at one point: an answer of a few words, and a status, a count or names of arguments."""

    value: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.value} ({self.detail})" if self.detail else self.value


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    assumption: str
    source: str
    seen: str
    verdict: Verdict
    remedy: str = ""


def rows(vendor: Vendor, fields: Mapping[str, Assumption], seen: Mapping[str, Seen]) -> Iterator[Row]:
    """Yield a row for each point of this tenant: those of every vendor, `fields`, and the vendor's own."""
    own = vendor.rehearsal.assumptions
    others = {key: point for key, point in own.items() if key not in POINTS}
    for key, point in {**_points(vendor), **fields, **others}.items():
        yield _row(_merged(point, own.get(key, Assumption())), seen.get(key))


def _points(vendor: Vendor) -> dict[str, Assumption]:
    """Return the points of every vendor, as the facts of this tenant make them."""
    facts = {
        "id": (YES if vendor.tells_ids else NO,),
        "listed record": (YES if vendor.lists_whole_records else NO,),
    }
    fits = {
        **dict.fromkeys(OF_A_LIST, vendor.has_list),
        **dict.fromkeys(OF_INACTIVE, not vendor.deactivating_deletes),
        "inactive listed": vendor.has_list and not vendor.deactivating_deletes,
        "list of inactive": vendor.request_inactive_page(1) is not None and not vendor.deactivating_deletes,
        "omitted": vendor.replaces,
        "exact search": vendor.finds_by_email,
        "deleted": vendor.deactivating_deletes,
    }
    return {
        key: replace(point, assumed=facts.get(key, point.assumed))
        for key, point in POINTS.items()
        if fits.get(key, True)
    }


def _merged(point: Assumption, own: Assumption) -> Assumption:
    """Return a point with what the vendor's file says of it."""
    return Assumption(
        own.about or point.about, own.assumed or point.assumed, own.source or point.source, own.remedy or point.remedy
    )


def _row(point: Assumption, seen: Seen | None) -> Row:
    found = verdict(point, seen)
    assumed = f"{point.about}: {' or '.join(point.assumed)}" if point.assumed else point.about
    remedy = (point.remedy or "report it: seatwise does not handle it") if found == "differs" else ""
    return Row(assumed, point.source or "not documented", "" if seen is None else str(seen), found, remedy)


def verdict(point: Assumption, seen: Seen | None) -> Verdict:
    """Return the verdict on what was seen at a point; None is a point that was not tried."""
    if seen is None:
        return "not tried"
    if not point.assumed:
        return "noted"
    return "as assumed" if seen.value in point.assumed else "differs"
