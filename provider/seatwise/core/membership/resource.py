"""The operations of a Pulumi provider on one membership, in any protocol: properties in, properties out.

Inputs and outputs carry the owner and the tenant, as those of an account do.
"""

from collections.abc import Sequence

from ..account.owner import display_name
from ..account.properties import Outputs, Properties, Signature, owner_of
from ..account.resource import refuse_other_tenant, sign
from ..vendor.errors import InvalidAccount
from ..vendor.fields import Problem
from ..vendor.groups import Pair
from ..vendor.http import segment
from . import lifecycle
from .places import groups_of
from .run import Tenant

ARGUMENTS = ("user", "group")
SHOWN_IN = "shown_in"
"""Output: the place that shows the membership; empty: no place does."""


def check(known: Properties, unknown: frozenset[str]) -> tuple[Outputs, list[Problem]]:
    """Return the checked inputs and all their problems. Send nothing. `unknown` names arguments without a value yet."""
    values = {name: known[name] for name in ARGUMENTS if name in known}
    problems = [Problem(name, _wrong(name, values.get(name))) for name in ARGUMENTS if name not in unknown]
    return Signature(Signature.of(known).owner).sign(values), [each for each in problems if each.reason]


def _wrong(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        return f"must be the id of a {name}, and is {'empty' if value in (None, '') else 'not text'}"
    try:
        segment(value)
    except InvalidAccount as error:
        return error.problem
    return ""


def declare(tenant: Tenant, olds: Properties, inputs: Properties) -> Sequence[Problem]:
    """Record what a resource of these checked inputs declares in this run; return its problems at this tenant.

    Another resource may declare the same membership, and the service may not be able to change single members.
    """
    problem = groups_of(tenant.vendor).way_to_join
    if problem:
        return [Problem("", problem)]
    if not all(name in inputs for name in ARGUMENTS):
        return []
    pair = _pair(inputs)
    other = tenant.memberships.declare(pair, owner_of(inputs))
    if other is not None:
        reason = f"is in this group by {display_name(other)} as well: one resource owns a membership"
        return [Problem("user", reason)]
    if not olds:  # another process of this run may remove the resource that this one replaces
        tenant.journal.renewed(pair.id, "")
    return []


def replaces(olds: Properties, known: Properties, unknown: frozenset[str]) -> list[str]:
    """Return the arguments that make it another membership. Arguments whose value is unknown count as changed."""
    return [name for name in ARGUMENTS if name in unknown or olds.get(name) != known.get(name)]


def is_unconfirmed(tenant: Tenant, id: str, olds: Properties) -> bool:
    """Return whether the last write has no known outcome; raise InvalidAccount for another tenant's membership."""
    refuse_other_tenant(tenant.vendor, id, olds)
    return tenant.journal.why_unconfirmed(id) is not None


async def create(tenant: Tenant, inputs: Properties) -> tuple[str, Outputs]:
    """Add the user to the group; return the membership's id and its outputs. Raises as `lifecycle.add` does."""
    pair = _pair(inputs)
    return pair.id, _outputs(tenant, pair, await lifecycle.add(tenant, pair), inputs)


async def read(tenant: Tenant, id: str, properties: Properties) -> tuple[Outputs, Outputs] | None:
    """Return the membership's outputs and the inputs that declare it so; None if it is gone."""
    refuse_other_tenant(tenant.vendor, id, properties)
    pair = _pair(properties)
    place = await lifecycle.read(tenant, pair, _place(properties))
    if place is None:
        return None
    inputs = Signature(Signature.of(properties).owner).sign({"user": pair.user, "group": pair.group})
    return _outputs(tenant, pair, place, properties), inputs


async def update(tenant: Tenant, id: str, olds: Properties, news: Properties) -> Outputs:
    """Add the user again if the last write has no known outcome; return the outputs, with the owner of today."""
    pair, place = _pair(news), _place(olds)
    if is_unconfirmed(tenant, id, olds):
        place = await lifecycle.add(tenant, pair)
    return _outputs(tenant, pair, place, news)


async def delete(tenant: Tenant, id: str, outputs: Properties) -> bool:
    """Remove the user from the group; return false if it was left alone, as `lifecycle.remove` does."""
    refuse_other_tenant(tenant.vendor, id, outputs)
    return await lifecycle.remove(tenant, _pair(outputs), _place(outputs))


def _pair(properties: Properties) -> Pair:
    return Pair(str(properties["user"]), str(properties["group"]))


def _place(properties: Properties) -> str:
    return str(properties.get(SHOWN_IN) or "")


def _outputs(tenant: Tenant, pair: Pair, place: str, source: Properties) -> Outputs:
    return sign(tenant.vendor, {"user": pair.user, "group": pair.group, SHOWN_IN: place}, source)
