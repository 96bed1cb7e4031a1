"""Where a service shows a membership: at the group, at the user, or in the answer to a filter.

Which of them it is differs between services, and a service may show it nowhere. So the first look after a confirmed
write finds out, and the state keeps the place: from then on the membership is gone if that place does not show it.
"""

import enum

from ..account.account_list import page
from ..account.finding import fetch
from ..account.refusals import refused
from ..vendor.errors import AccountError, InvalidAccount, RateLimited, Refused, VendorBroken
from ..vendor.groups import Groups, Pair
from ..vendor.vendor import Paged, Vendor
from .run import Members, Tenant

PLACES = ("group", "user", "filter")
"""In this order they are looked at. The values are in states."""
NO_USER = "00000000-0000-4000-8000-000000000000"
"""The id of no user."""
MEMBERS_TTL_S = 60.0
"""Seconds for which the members that a group showed are trusted."""


class Sight(enum.Enum):
    """What a look at one place says of a membership."""

    SHOWN = "the membership is there"
    OTHERS = "others are there, and this one is not"
    NOTHING = "nothing is there: there are no memberships, or the service does not show them"
    GONE = "the user or the group does not exist"


def groups_of(vendor: Vendor) -> Groups:
    """Return the vendor with the interface of its groups; raise InvalidAccount if it has no groups."""
    if not isinstance(vendor, Groups):
        raise InvalidAccount("seatwise knows no groups of this vendor", vendor=vendor.title)
    return vendor


async def look(tenant: Tenant, pair: Pair, place: str) -> Sight:
    """Look at one place; raise AccountError if it cannot be read."""
    groups = groups_of(tenant.vendor)
    if place == "group":
        return _sight(pair.user, await _members(tenant, pair.group))
    if place == "user":
        record = await fetch(tenant, pair.user, None)
        return _sight(pair.group, None if record is None else groups.parse_groups(record))
    return await _in_filter(tenant, pair)


async def _in_filter(tenant: Tenant, pair: Pair) -> Sight:
    is_shown = await is_filter_read(tenant, pair) and await _is_found(tenant, pair)
    return Sight.SHOWN if is_shown else Sight.NOTHING


async def is_filter_read(tenant: Tenant, pair: Pair) -> bool:
    """Return whether the service understands the filter: in this group it finds nothing for the id of no user.

    In a group that does not exist it finds nothing either way. So each group is tried by itself.
    """
    filters = tenant.memberships.filters
    if pair.group not in filters:
        try:
            filters[pair.group] = not await _is_found(tenant, Pair(NO_USER, pair.group))
        except Refused as error:
            if isinstance(error, RateLimited | VendorBroken):
                raise
            filters[pair.group] = True  # there is no such user: the filter is read
    return filters[pair.group]


async def _is_found(tenant: Tenant, pair: Pair) -> bool:
    vendor, groups = tenant.vendor, groups_of(tenant.vendor)
    answer = await tenant.send(groups.request_groups_with(pair))
    listing = vendor.parse_page(answer) if answer.ok else None
    if listing is None:
        raise refused(tenant, answer, "look-up", str(pair))
    return pair.group in {vendor.parse_id(record) for record in listing.records}


async def find(tenant: Tenant, pair: Pair) -> tuple[str, set[Sight]]:
    """Return the first place that shows the membership, or an empty text, and all that was seen.

    What cannot be read shows nothing.
    """
    seen = set[Sight]()
    for place in PLACES:
        try:
            seen.add(await look(tenant, pair, place))
        except AccountError:
            continue
        if Sight.SHOWN in seen:
            return place, seen
    return "", seen


def _sight(wanted: str, shown: frozenset[str] | None) -> Sight:
    if shown is None:
        return Sight.GONE
    if wanted in shown:
        return Sight.SHOWN
    return Sight.OTHERS if shown else Sight.NOTHING


async def _members(tenant: Tenant, group: str) -> frozenset[str] | None:
    """Return the members that a group shows, which one request tells for all of them; None if the group is gone.

    "Not found" is trusted only if the service lists its groups, and this one is not on the first page: a wrong base URL
    gives 404 as well, and so may credentials that are not for groups.
    """
    known, groups = tenant.memberships.members, groups_of(tenant.vendor)
    async with tenant.lock(group, "group"):
        if group in known and tenant.now() <= known[group].read_at + MEMBERS_TTL_S:
            return known[group].ids
        answer = await tenant.send(groups.request_group(group))
        ids = groups.parse_members(answer) if answer.ok else None
        if ids is not None:
            known[group] = Members(ids, tenant.now())
            return ids
        if not tenant.vendor.is_missing(answer):
            raise refused(tenant, answer, "read", f"group {group}")
    all_groups = Paged(ask=lambda _: groups.request_groups(), read=tenant.vendor.parse_page, about="groups")
    listed = await page(tenant, all_groups, 1)
    if group in map(tenant.vendor.parse_id, listed.records):
        problem, title = "the service lists this group and says that it is not there", tenant.vendor.title
        raise VendorBroken(problem, status=answer.status, vendor=title, account=group, remedy="Run it again later")
    return None
