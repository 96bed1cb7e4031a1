"""A program with teams, driven as the engine does, in virtual time."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from operations import lifecycle, roster, through_the_engine
from seatwise.core.account import state
from seatwise.core.account.owner import MEMBERS
from seatwise.core.team import plan as team
from seatwise.core.team.properties import Team, TeamDeclared, keyed
from seatwise.core.vendor.errors import AccountError
from seatwise.core.vendor.fields import Takes
from seatwise.core.vendor.vendor import Vendor
from seatwise.dynamic.base import split
from virtual import Killed, World

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Roster:
    """Return a team as a program declares it; `policies` are arguments such as `on_leave`."""

    members: list[Arguments]
    policies: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """One resource in the state."""

    id: str
    inputs: dict[str, Any]
    outs: dict[str, Any]
    is_team: bool


class Stack:
    """What the doors and the engine do with teams and single accounts: in the order of the program, one by one.

    Who is not declared any more is retired last, and only if nothing failed; a kill leaves what was recorded.
    """

    def __init__(self, world: World, name: str = "project/stack") -> None:
        self.world = world
        self.name = name
        self.state: dict[str, Kept] = {}
        self.failed: dict[str, str] = {}
        """The errors of the last run, by member of a team or by resource."""

    async def up(self, program: Mapping[str, Roster | Arguments]) -> bool:
        """Provision the declared accounts; return False if something failed."""

        async def work() -> None:
            for name, declared in program.items():
                if isinstance(declared, Roster):
                    await self._team(name, declared)
                else:
                    await self._account(name, declared)
                if self.failed:
                    return
            for name in [name for name in self.state if name not in program]:
                await self._retire(name)

        return await self._run(work)

    async def refresh(self) -> bool:
        async def work() -> None:
            for name, old in self.state.items():
                if old.is_team:
                    outs, inputs = await roster.read(self.world.door, name, old.outs)
                    self.state[name] = Kept(name, through_the_engine(inputs), through_the_engine(outs), True)

        return await self._run(work)

    async def destroy(self) -> bool:
        return await self.up({})

    async def _run(self, work: Callable[[], Awaitable[None]]) -> bool:
        self.failed = {}
        try:
            await work()
        except* Killed:
            self.failed[""] = "killed"
        except* AccountError as errors:
            self.failed[""] = str(errors.exceptions[0])
        await self.world.restart()  # every run has provider processes of its own
        return not self.failed

    def inputs(self, name: str, declared: Roster) -> tuple[dict[str, Any], list[str]]:
        """Return the checked inputs and the problems."""
        old = self.state[name].inputs if name in self.state else {}
        news = through_the_engine(
            {"members": keyed(declared.members, self.world.vendor.identity_field), **declared.policies}
        )
        before, declared_now = TeamDeclared.from_inputs(old), TeamDeclared.from_inputs(news)
        members, problems = team.check(self.world.vendor, before, declared_now, split, self.world.vault)
        told = [f"{each.field} {each.reason}".strip() for each in problems]
        others = {key: self.world.door.ownership.declare(key, self.owner(name) + MEMBERS) for key in members}
        told += [f"{key} is declared by {other}" for key, other in others.items() if other]
        return through_the_engine({**declared.policies, "members": members}), told

    async def _team(self, name: str, declared: Roster) -> None:
        tenant, old = self.world.door, self.state.get(name)
        news, problems = self.inputs(name, declared)
        if problems:
            self.failed = {str(number): problem for number, problem in enumerate(problems)}
            return
        if old is None:
            outs = await roster.create(tenant, name, news, self.owner(name))
        else:
            now = Team.from_outputs(tenant.vendor, old.outs)
            now.follow(news["members"])
            for key in now.members.keys() & news["members"].keys():
                tenant.ownership.assign_declared(now.members[key].id, key, self.owner(name) + MEMBERS)
            late = team.immutable_changes(type(tenant.vendor), now, news["members"], split)
            if late:
                self.failed = {str(number): problem.reason for number, problem in enumerate(late)}
                return
            plan = team.Plan.of(tenant.vendor, now, news["members"], split, tenant.journal.unconfirmed(now.revision))
            is_due = team.is_due(self.world.door.vendor, plan, now, TeamDeclared.from_inputs(news))
            outs = await roster.update(tenant, name, old.outs, news, self.owner(name)) if is_due else old.outs
        self.state[name] = Kept(name, news, through_the_engine(outs), True)
        self.failed = dict(outs["failed"])

    async def _account(self, name: str, arguments: Arguments) -> None:
        world, old = self.world, self.state.get(name)
        other = world.door.ownership.declare(world.vendor.identity(arguments), self.owner(name))
        assert other is None, other
        inputs, problems = state.check(world.vendor, old.inputs if old else {}, arguments, frozenset(), world.vault)
        assert problems == [], problems
        if old is None:
            account, outs = await lifecycle.create(world.tenant, inputs, self.owner(name))
        else:
            world.door.ownership.assign_declared(old.id, world.vendor.identity(arguments), self.owner(name))
            account, outs = old.id, await lifecycle.update(world.tenant, old.id, old.outs, inputs)
        self.state[name] = Kept(account, inputs, outs, False)

    async def _retire(self, name: str) -> None:
        old = self.state[name]
        if old.is_team:
            await roster.delete(self.world.door, name, old.outs, self.owner(name))
        else:
            await lifecycle.delete(self.world.tenant, old.id, old.outs, self.owner(name))
        del self.state[name]

    def owner(self, resource: str) -> str:
        return f"{self.name}/{resource}"

    @property
    def outs(self) -> dict[str, Any]:
        """Return the outputs of the only team."""
        (kept,) = [each for each in self.state.values() if each.is_team]
        return kept.outs


def a_member(world: World, name: str, **arguments: Any) -> dict[str, Any]:
    """Return the vendor's example for a create, without the password, whose fingerprint is slow."""
    schema, example = world.vendor.schema, world.vendor.example
    plain = {key: example[key] for key in example if schema[key].takes & Takes.CREATE and not schema[key].secret}
    own = world.named(f"{name}@example.com") | ({"username": name} if "username" in example else {})
    return {**plain, **own, **arguments}


def a_team(world: World, count: int, policies: Mapping[str, Any] | None = None, /, **arguments: Any) -> Roster:
    return Roster([a_member(world, f"p{number}", **arguments) for number in range(count)], dict(policies or {}))


def plain(world: World, email: str = "ana@example.com", login: str = "", **more: Any) -> dict[str, Any]:
    """Return checked inputs without a secret; where the vendor has a login, it is this one or the e-mail's name."""
    own: dict[str, Any] = {"username": login or name_of(email)} if world.name == "tenovos" else {}
    values = world.inputs(email=email, **own, **more)
    return {name: value for name, value in values.items() if not world.vendor.schema[name].secret}


def team_inputs(
    world: World, *emails: str, logins: Mapping[str, str] = MappingProxyType({}), **more: Any
) -> dict[str, Any]:
    """Return the checked inputs of a team, as `plain` gives those of each member."""
    people = {email: plain(world, email, logins.get(email, ""), **more) for email in emails}
    return {"members": {email: {k: v for k, v in each.items() if k != "email"} for email, each in people.items()}}


def takes_new_passwords(vendor: type[Vendor]) -> bool:
    """Whether an account that is there can get another password."""
    return "password" in vendor.schema and not vendor.schema["password"].create_only


def without(declared: Roster, *who: str) -> Roster:
    """Return the team without these members."""
    return Roster([each for each in declared.members if name_of(each["email"]) not in who], declared.policies)


def name_of(email: str) -> str:
    return email.partition("@")[0]


def by_name(world: World) -> dict[str, list[str]]:
    """Return the ids of all accounts by the person's name; fail if a person has two accounts."""
    found: dict[str, list[str]] = {}
    for account, record in world.accounts.items():
        found.setdefault(name_of(world.email(record)), []).append(account)
    return found


def active(world: World) -> list[str]:
    return sorted(name_of(world.email(each)) for each in world.accounts.values() if not world.is_retired(each))


def counted(world: World) -> Counter[str]:
    """Return the number of requests of each kind since the last count."""
    kinds = Counter(sent.kind for sent in world.trail)
    world.trail.clear()
    return kinds
