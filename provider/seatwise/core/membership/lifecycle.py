"""The life of a membership: add, read, remove. Both writes are idempotent, so a lost answer costs a look."""

from collections.abc import Callable

from ..account.ports import Unconfirmed
from ..account.refusals import refused
from ..account.writing import marked_unconfirmed
from ..vendor.errors import AccountError, NoSuchAccount, NotAuthorised, RateLimited, Refused, VendorBroken
from ..vendor.groups import Pair
from ..vendor.http import Answer, Request
from .places import PLACES, Sight, find, groups_of, is_filter_read, look
from .run import Tenant

LATE_S = (1.0, 2.0)
"""Seconds before each further look at a group that shows others and not the new member: lists lag behind."""


async def add(tenant: Tenant, pair: Pair) -> str:
    """Add the user to the group; return the place that shows it, or an empty text if no place does.

    A user who is in the group already is a success. Raises NoSuchAccount without such a user or group.
    """
    try:
        answer = await _write(tenant, pair, groups_of(tenant.vendor).request_join)
    except AccountError:
        place, _ = await find(tenant, pair)
        if not place:
            raise
    else:
        place = await _place_after(tenant, pair, answer)
    tenant.journal.mark_confirmed(pair.id)
    return place


async def _place_after(tenant: Tenant, pair: Pair, answer: Answer) -> str:
    """Return the place that shows a membership after the answer to its request; raise the refusal if it is one.

    The first membership of a group in a run finds the place. It answers for the others as `_is_believed` says.
    """
    places, is_done = tenant.memberships.places, _is_done(tenant, answer)
    if is_done and pair.group in places and await _is_believed(tenant, pair, answer):
        return places[pair.group]
    place, seen = await find(tenant, pair)
    for seconds in LATE_S if is_done else ():
        if Sight.OTHERS in seen and not place:
            await tenant.sleep(seconds)
            tenant.memberships.members.pop(pair.group, None)
            place, seen = await find(tenant, pair)
    may_be_there = is_done or tenant.vendor.is_taken(answer)
    if place == "filter" and not may_be_there:
        place = ""  # a filter may be understood by half: it does not outweigh a refusal
    if not place and (not may_be_there or Sight.GONE in seen or (not is_done and Sight.OTHERS in seen)):
        raise _not_added(tenant, pair, answer)
    if is_done:
        places[pair.group] = place
    if not place:
        _report_hidden(tenant, pair, seen)
    return place


async def _is_believed(tenant: Tenant, pair: Pair, answer: Answer) -> bool:
    """Return whether a further membership of a group was added as its answer says.

    If the answer does not show it, the group does: writes and looks wait in one queue, so one look serves all who wait.
    Elsewhere each look would be for one user: a user that this run knows is trusted to exist, another is looked for.
    """
    shown, place = groups_of(tenant.vendor).parse_members(answer), tenant.memberships.places[pair.group]
    if shown:
        return pair.user in shown
    if place != "group" and tenant.list_cache.knows(pair.user):
        return True
    try:
        sight = await look(tenant, pair, place or "user")
    except AccountError:
        return not place  # a service may refuse to show users
    return sight is Sight.SHOWN or (not place and sight is not Sight.GONE)


async def read(tenant: Tenant, pair: Pair, place: str) -> str | None:
    """Return the place that shows the membership now; None if the membership is gone.

    `place` is where it was shown. A membership that no place has shown is there, as long as its user and its group are.
    The same holds once the service does not understand the filter that has shown it.
    A group that shows others may have grown, and show a part of them: each place is asked before it is gone.
    """
    if place in PLACES and (place != "filter" or await is_filter_read(tenant, pair)):
        sight = await look(tenant, pair, place)
        if place == "group" and sight is Sight.OTHERS:
            return await _elsewhere(tenant, pair)
        return place if sight is Sight.SHOWN else None
    for each in PLACES:
        try:
            sight = await look(tenant, pair, each)
        except AccountError:
            if each == "group":
                raise
            continue  # a service may refuse to show users, or not know the filter
        if sight in (Sight.SHOWN, Sight.GONE):
            return each if sight is Sight.SHOWN else None
    return ""


async def _elsewhere(tenant: Tenant, pair: Pair) -> str | None:
    """Return another place than the group that shows the membership; None if those that can be read do not."""
    for each in PLACES[1:]:
        try:
            if await look(tenant, pair, each) is Sight.SHOWN:
                return each
        except Refused as error:  # a service may refuse to show users, or not know the filter
            if isinstance(error, RateLimited | VendorBroken):
                raise
    return None


async def remove(tenant: Tenant, pair: Pair, place: str) -> bool:
    """Remove the user from the group; return false if it was left alone because this run's program declares it.

    A user who is not in the group, or does not exist, and a group that does not exist are a success, which a look has
    to show: a wrong base URL gives 404 as well. Credentials that may not remove it, which 401 and 403 say, may not see
    it either: then no look is a proof. It stays unconfirmed: the engine may not learn of it, and a program may
    declare it again.
    """
    if tenant.memberships.is_declared(pair) or tenant.journal.is_renewed(pair.id):
        return False
    groups, before = groups_of(tenant.vendor), tenant.journal.why_unconfirmed(pair.id)
    with marked_unconfirmed(tenant, pair.id, before, Unconfirmed.DEACTIVATED):
        try:
            answer = await _write(tenant, pair, groups.request_leave)
        except AccountError:
            if await _is_out(tenant, pair, place):
                return True
            raise
        if _is_done(tenant, answer) or groups.is_no_member(answer):
            if await _is_still_in(tenant, pair, place, answer):
                raise _not_removed(tenant, pair)
            return True
        refusal = refused(tenant, answer, "remove", str(pair))
        if isinstance(refusal, NotAuthorised) and not refusal.maybe_sent:
            refusal.remedy += ", or run `pulumi refresh` if the user or the group is gone"
            raise refusal
        if not await _is_out(tenant, pair, place):
            raise refusal
    return True


async def _is_still_in(tenant: Tenant, pair: Pair, place: str, answer: Answer) -> bool:
    """Return whether the membership is shown after its confirmed removal, where it was shown before.

    An answer may lag behind, or show a part of a large group: so it is only trusted to show others where the group is
    the place. Looks at a group wait with its writes, so that one look serves all who are removed at once.
    """
    shown = groups_of(tenant.vendor).parse_members(answer) or frozenset()
    if pair.user in shown:
        place = place or "group"
    elif place not in PLACES or (place == "group" and shown):
        return False
    for seconds in (0.0, *LATE_S):
        if seconds:
            await tenant.sleep(seconds)
            tenant.memberships.members.pop(pair.group, None)
        try:
            sight = await look(tenant, pair, place)
        except AccountError:
            return False  # what cannot be read says nothing
        if sight is not Sight.SHOWN:
            return False
    return True


def _not_removed(tenant: Tenant, pair: Pair) -> AccountError:
    way = groups_of(tenant.vendor).way_to_leave
    remedy = "Take the user out in the admin page" + (f". {way}" if way else "")
    return VendorBroken(
        "the removal was answered and not done",
        status=200,
        vendor=tenant.vendor.title,
        account=str(pair),
        remedy=remedy,
    )


async def _write(tenant: Tenant, pair: Pair, request: Callable[[Pair, str | None], Request]) -> Answer:
    """Send a write, and once more with the group's version if the group has changed meanwhile, which 412 says.

    A group's writes are sent one after the other: a service may read, change and store the whole group.
    """
    async with tenant.lock(pair.group, "group"):
        tenant.memberships.members.pop(pair.group, None)
        answer = await tenant.send(request(pair, None))
        if tenant.vendor.is_outdated(answer):
            groups = groups_of(tenant.vendor)
            version = groups.parse_version(await tenant.send(groups.request_group(pair.group)))
            answer = await tenant.send(request(pair, version))
        return answer


def _is_done(tenant: Tenant, answer: Answer) -> bool:
    """Return whether the answer confirms a write: with a record, an empty object or no body, and not with a page."""
    return tenant.vendor.is_success(answer) and (not answer.body or isinstance(answer.json, dict))


async def _is_out(tenant: Tenant, pair: Pair, place: str) -> bool:
    try:
        return await read(tenant, pair, place) is None
    except AccountError:
        return False


def _not_added(tenant: Tenant, pair: Pair, answer: Answer) -> AccountError:
    if _is_done(tenant, answer):
        return NoSuchAccount(
            "the service accepted it, and has no such user or no such group",
            status=404, vendor=tenant.vendor.title, account=str(pair), remedy="Check both ids",
        )  # fmt: skip
    error = refused(tenant, answer, "add", str(pair))
    if isinstance(error, NoSuchAccount):
        error.remedy = "Check the ids of the user and of the group"
    return error


def _report_hidden(tenant: Tenant, pair: Pair, seen: set[Sight]) -> None:
    """Report a membership that is not shown, the first one of its group in this run."""
    title = tenant.vendor.title
    how = "shows others and not this one" if Sight.OTHERS in seen else "does not show its members"
    line = f"{pair}: the group {how}, so a removal by hand will not be noticed"
    tenant.notices.tell(f"{title}: memberships that are not shown", f"{title} {line}")
