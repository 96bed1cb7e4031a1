"""The dynamic provider of teams: each resource is many accounts."""

from collections.abc import Sequence

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from ..core.account.owner import MEMBERS, name_in, parsed
from ..core.team import estimate
from ..core.team import lifecycle as roster
from ..core.team import plan as team
from ..core.vendor.errors import AccountError, InvalidAccount
from ..core.vendor.fields import Problem
from ..core.vendor.secrets import VAULT
from ..wire.tenant import Tenant
from .base import (
    OWNER,
    DynamicProvider,
    Props,
    arguments,
    failure,
    one_line_errors,
    owned,
    owner_of,
    split,
    tell,
    unowned,
)

RUN = "__run"
"""Input, which no state keeps: a name of the run, made by its program."""
MOST_PROBLEMS = 20
"""How many are told at once."""


class Rosters(DynamicProvider):
    """One vendor's teams. A team's id is its owner's name."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._run_name = ""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Bad input fails here, in preview, all members at once. No network."""
        self._run_name = str(news.get(RUN, ""))
        checked = {name: value for name, value in news.items() if name in (*team.POLICIES, OWNER)}
        members, problems = team.check(self.vendor, arguments(olds), arguments(news), split, VAULT, owner_of(news))
        try:
            self._settings()
            problems += unowned(news)
            owner = owner_of(news) + MEMBERS if OWNER in news else ""
            if olds and owner:
                self._connected().ownership.record_in_state(owner_of(news), owner_of(olds))
            elif owner:
                self._connected().journal.declare(owner, members)
            problems += [Problem(key, each.reason) for key in members for each in self._claim(key, owner)]
            if not olds and not problems:
                self._tell_plan(team.Team(), members, news)
        except AccountError as error:
            problems.append(Problem("", str(error)))
        return CheckResult(checked | {"members": members}, [failure(reason) for reason in _told(problems)])

    @one_line_errors
    def diff(self, id: str, olds: Props, news: Props) -> DiffResult:
        """Whether anybody joins, changes or leaves, or failed to; says who. No network."""
        self._same_tenant(id, olds)
        tenant = self._connected()
        # In a refresh the inputs are those of before, whose members may have the names of an earlier version.
        now, members = team.Team.of(tenant.vendor, olds), team.renamed(news.get("members", {}))
        now.follow(members)
        owner = owner_of(news) + MEMBERS
        for key in now.members.keys() & members.keys():
            tenant.ownership.assign_declared(now.members[key].id, key, owner)
        tenant.journal.acknowledge([each.id for each in now.members.values()], owner)
        problems = team.immutable_changes(self.vendor, now, members, split)
        if problems:
            raise InvalidAccount("; ".join(_told(problems)))
        plan = self._tell_plan(now, members, news)
        return DiffResult(changes=self._is_renamed(olds, news) or team.is_due(plan, olds, news))

    @one_line_errors
    def create(self, props: Props) -> CreateResult:
        """Make all accounts, or take them over."""
        outs = self._run(roster.create, _name(props), arguments(props), owner_of(props))
        return CreateResult(_id(props), self._signed(self._dated(outs), props))

    @one_line_errors
    def read(self, id: str, props: Props) -> ReadResult:
        """Read all accounts; who is gone leaves the state."""
        self._same_tenant(id, props)
        if "ids" not in props:
            raise InvalidAccount("a Roster cannot be got by an id", remedy="Declare it with its members")
        outs, inputs = self._run(roster.read, _name(props), props)
        return ReadResult(id, self._signed(outs, props), owned(inputs, props))

    @one_line_errors
    def update(self, id: str, olds: Props, news: Props) -> UpdateResult:
        """Bring about what the members say; who fails is named in the output `failed`."""
        self._same_tenant(id, olds)
        outs = self._run(roster.update, _name(news), olds, arguments(news), owner_of(news))
        return UpdateResult(self._signed(self._dated(outs), news))

    @one_line_errors
    def delete(self, id: str, props: Props) -> None:
        """Retire all accounts as `on_leave` says."""
        self._same_tenant(id, props)
        self._run(roster.delete, _name(props), props, owner_of(props))

    def _dated(self, outs: Props) -> Props:
        """Return the outputs with the run in which members failed: a later one that only shows them has not failed."""
        return outs | ({team.FAILED_IN: self._run_name} if outs["failed"] and self._run_name else {})

    def _tell_plan(self, now: team.Team, members: team.Members, news: Props) -> team.Plan:
        """Say who joins, changes and leaves and what it costs, if anybody does."""
        tenant = self._connected()
        plan = team.Plan.of(tenant.vendor, now, members, split, tenant.journal.unconfirmed(now.revision))
        if plan:
            lines = team.describe(_name(news), plan, news.get("on_leave"))
            removals = len(plan.leaves) + len(plan.deletes)
            late = estimate.follow_ups(tenant.vendor, (members[key] for key in plan.joins))
            updates = len(plan.changes) + len(plan.looks) + late
            cost = estimate.cost(tenant.vendor, creates=len(plan.joins), updates=updates, removals=removals)
            for line in [f"{lines[0]}; {cost}", *lines[1:]]:
                tell(line)
        return plan

    def _scope(self, tenant: Tenant) -> Tenant:
        """The tenant itself: each member is an operation with a deadline of its own."""
        return tenant


def _told(problems: Sequence[Problem]) -> list[str]:
    """The first of them, and how many more there are."""
    told = [str(each) for each in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        told.append(f"and {len(problems) - MOST_PROBLEMS:,} more problems")
    return told


def _name(props: Props) -> str:
    return name_in(owner_of(props)) or "roster"


def _id(props: Props) -> str:
    """The id of a team: the owner's name as it was before 0.1.0, which is the same for ever."""
    owner = parsed(owner_of(props))
    return owner.before_0_1 if owner is not None else owner_of(props) or _name(props)
