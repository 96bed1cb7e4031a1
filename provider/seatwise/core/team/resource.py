"""The operations of a Pulumi provider on a Roster, in any protocol: properties in, properties out.

The dynamic providers call these functions. Inputs and outputs carry the owner and the tenant.
"""

from collections.abc import Sequence

from ..account.owner import MEMBERS, name_in, parsed
from ..account.ports import Tenant
from ..account.properties import Outputs, Properties, Signature, owner_of
from ..account.resource import acknowledge, declare_identity, record_names, refuse_other_tenant, sign
from ..vendor.errors import InvalidAccount
from ..vendor.fields import Problem
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
from . import estimate, lifecycle
from . import plan as planning
from .plan import Plan, Split
from .properties import Members, Team, TeamDeclared, renamed

MOST_PROBLEMS = 20
"""How many problems are shown at once."""


def check(
    vendor: type[Vendor], olds: Properties, news: Properties, split: Split, vault: Vault
) -> tuple[Outputs, list[Problem]]:
    """Return the checked inputs and all their problems, of the team and of its members. Send nothing."""
    declared = TeamDeclared.from_inputs(news)
    members, problems = planning.check(vendor, TeamDeclared.from_inputs(olds), declared, split, vault, owner_of(news))
    inputs = TeamDeclared(members, declared.policy).to_inputs()
    return Signature(Signature.of(news).owner).sign(inputs), problems


def declare(tenant: Tenant, olds: Properties, inputs: Properties, former: Sequence[str]) -> list[Problem]:
    """Record what a team of these checked inputs declares in this run; return its problems at this tenant.

    `former` are the owners that it had before, as its aliases say.
    """
    declared = TeamDeclared.from_inputs(inputs)
    members, problems = declared.members, planning.tenant_problems(tenant.vendor, declared)
    owner = owner_of(inputs) + MEMBERS if Signature.of(inputs).owner is not None else ""
    record_names(tenant, olds, owner_of(inputs), former, members, MEMBERS)
    return problems + [Problem(key, each.reason) for key in members for each in declare_identity(tenant, key, owner)]


def preview_new(tenant: Tenant, inputs: Properties, split: Split) -> None:
    """Show the plan of a new team."""
    _announced(tenant, Team(), TeamDeclared.from_inputs(inputs).members, inputs, split)


def diff(tenant: Tenant, account: str, olds: Properties, news: Properties, split: Split) -> bool:
    """Return whether an update is due, and show which members it is about. Send nothing.

    Raise InvalidAccount for another tenant's team, and for changes of what can only be given to a new account.
    """
    refuse_other_tenant(tenant.vendor, account, olds)
    # In a refresh the inputs are those of before, whose members may have the names of an earlier version.
    team, declared = Team.from_outputs(tenant.vendor, olds), TeamDeclared.from_inputs(news)
    members = renamed(declared.members, tenant.vendor.identity_field)
    team.follow(members, tenant.vendor.identity_field)
    owner = owner_of(news) + MEMBERS
    for key in team.members.keys() & members.keys():
        tenant.ownership.assign_declared(team.members[key].id, key, owner)
    acknowledge(tenant, [each.id for each in team.members.values()], owner)
    problems = planning.immutable_changes(type(tenant.vendor), team, members, split)
    if problems:
        raise InvalidAccount("; ".join(first(problems)))
    return planning.is_due(tenant.vendor, _announced(tenant, team, members, news, split), team, declared)


def _announced(tenant: Tenant, team: Team, members: Members, inputs: Properties, split: Split) -> Plan:
    """Show which members join, change and leave, and what it costs, if any do; return the plan."""
    plan = Plan.of(tenant.vendor, team, members, split, tenant.journal.unconfirmed(team.revision))
    if plan:
        lines = planning.describe(name_of(inputs), plan, TeamDeclared.from_inputs(inputs).policy.on_leave)
        removals = len(plan.leaves) + len(plan.deletes)
        late = estimate.follow_ups(tenant.vendor, (members[key] for key in plan.joins))
        updates = len(plan.changes) + len(plan.looks) + late
        cost = estimate.cost(tenant.vendor, creates=len(plan.joins), updates=updates, removals=removals)
        for line in [f"{lines[0]}; {cost}", *lines[1:]]:
            tenant.warn(line)
    return plan


async def create(tenant: Tenant, inputs: Properties, run: str) -> tuple[str, Outputs]:
    """Create all accounts or adopt them; return the team's id and its outputs. `run` names the program's run."""
    team = await lifecycle.create(tenant, name_of(inputs), TeamDeclared.from_inputs(inputs), owner_of(inputs))
    return id_of(inputs), sign(tenant.vendor, team.failed_in(run).to_outputs(tenant.vendor), inputs)


async def read(tenant: Tenant, account: str, properties: Properties) -> tuple[Outputs, Outputs]:
    """Return the team's outputs and the inputs that declare it so, without members whose account is gone."""
    refuse_other_tenant(tenant.vendor, account, properties)
    if "ids" not in properties:
        raise InvalidAccount("a Roster cannot be read by an id", remedy="Declare it with its members")
    team, declared = await lifecycle.read(tenant, name_of(properties), Team.from_outputs(tenant.vendor, properties))
    inputs = Signature(Signature.of(properties).owner).sign(declared.to_inputs())
    return sign(tenant.vendor, team.to_outputs(tenant.vendor), properties), inputs


async def update(tenant: Tenant, account: str, olds: Properties, news: Properties, run: str) -> Outputs:
    """Make the team as declared and return its outputs, which name the members that failed."""
    refuse_other_tenant(tenant.vendor, account, olds)
    before, declared = Team.from_outputs(tenant.vendor, olds), TeamDeclared.from_inputs(news)
    team = await lifecycle.update(tenant, name_of(news), before, declared, owner_of(news))
    return sign(tenant.vendor, team.failed_in(run).to_outputs(tenant.vendor), news)


async def delete(tenant: Tenant, account: str, outputs: Properties) -> None:
    """Deprovision all members as `on_leave` says. Raise AccountError if some of them could not be."""
    refuse_other_tenant(tenant.vendor, account, outputs)
    team = Team.from_outputs(tenant.vendor, outputs)
    await lifecycle.delete(tenant, name_of(outputs), team, owner_of(outputs))


def first(problems: Sequence[Problem]) -> list[str]:
    """Return the first problems as text, and how many more there are."""
    texts = [str(each) for each in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        texts.append(f"and {len(problems) - MOST_PROBLEMS:,} more problems")
    return texts


def name_of(properties: Properties) -> str:
    """Return the Roster's name in messages."""
    return name_in(owner_of(properties)) or "roster"


def id_of(inputs: Properties) -> str:
    """Return the id of a team: its owner as it was written before 0.1.0. It never changes."""
    owner = parsed(owner_of(inputs))
    return owner.before_0_1 if owner is not None else owner_of(inputs) or name_of(inputs)
