"""What the engine does with accounts of one vendor, in virtual time: its state, its order, its rules for failures.

As the real one does: four operations at a time, retired last and only if nothing failed; a failed create
leaves nothing in the state, a failed update or delete leaves the state as it was; a kill leaves what was
recorded, or with PULUMI_SKIP_CHECKPOINTS nothing of the run. A resource that is replaced is created as a new
one, and the old one is deleted last, or first, or by the next run where this one ends before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from operations import lifecycle
from seatwise.core.account import state
from seatwise.core.account.owner import Owner, forms
from seatwise.core.account.ports import Held
from seatwise.core.account.properties import revision_of, with_owner
from seatwise.core.vendor.errors import AccountError
from virtual import Killed, World

AT_ONCE = 4
Program = Mapping[str, Mapping[str, Any]]
"""Arguments of the declared accounts, by the resource's name."""


def people(world: World, count: int, **values: Any) -> dict[str, dict[str, Any]]:
    """A program of so many accounts without passwords: `u0`, `u1` and so on."""
    names = [f"u{number}" for number in range(count)]
    own = {name: world.named(f"{name}@example.com") for name in names}
    if "username" in world.vendor.example:
        own = {name: {**own[name], "username": name} for name in names}
    plain = {name: value for name, value in world.vendor.example.items() if name != "password"}
    return {name: {**plain, **own[name], **values} for name in names}


@dataclass(frozen=True)
class Resource:
    """What the state holds of one account."""

    id: str
    inputs: dict[str, Any]
    outs: dict[str, Any]
    owner: str
    """Its owner in the run that wrote it last: that of the stack's old name, where it was renamed since."""


@dataclass(frozen=True)
class Replacement:
    """Which resources a run replaces. It `is_forced` by --replace and a taint, where a check has no old inputs."""

    names: frozenset[str] = frozenset()
    is_forced: bool = False
    deletes_first: bool = False


NONE = Replacement()


class Stack:
    """One stack of accounts. `checkpoints` is false where the engine writes its state at the end only."""

    def __init__(
        self, world: World, *, checkpoints: bool = True, name: str = "stack", project: str = "project"
    ) -> None:
        self.world = world
        self.checkpoints = checkpoints
        self.name = name
        self.project = project
        self.neighbours: list[Stack] = []
        """The other stacks of the same backend."""
        self.state: dict[str, Resource] = {}
        self.pending: list[Resource] = []
        """Old resources that were replaced, and whose delete is still to come."""
        self.recreated: set[str] = set()
        """Resources in the state that were deleted to be replaced, and whose create is still to come."""
        self.shown: set[str] = set()
        """Accounts that some run has shown to be known to the engine."""
        self.failures: dict[str, AccountError] = {}
        """What failed in the last run, by resource."""
        self.lies: list[str] = []
        """What an operation said and was not so when it said it."""
        self.retained: set[str] = set()
        """Accounts that the last run has left as they are, as their resources say."""
        self.slowest = 0.0
        """Seconds of the longest operation."""

    async def up(self, program: Program, replacement: Replacement = NONE) -> bool:
        """Bring about what is declared; false when something failed."""
        return await self._run(lambda: self._up(program, replacement))

    async def refresh(self) -> bool:
        """Look at every account; false when something failed."""
        return await self._run(lambda: self._each(list(self.state), self._read))

    def owner(self, name: str) -> str:
        """The owner of a resource of this name."""
        return str(Owner(self.project, self.name, (), name))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> bool:
        before = dict(self.state), list(self.pending), set(self.recreated)
        self.failures, self.retained = {}, set()
        self._tell_state()
        try:
            await work()
        except* Killed:
            self.failures[""] = AccountError("killed")
            if not self.checkpoints:
                self.state, self.pending, self.recreated = before
        await self.world.restart()  # every run has provider processes of its own
        return not self.failures

    def _tell_state(self) -> None:
        """Let the run see what `pulumi stack export` shows of all stacks of this backend."""
        engine_state = self.world.engine_state
        engine_state.selected = (self.project, self.name)
        engine_state.stacks = {engine_state.selected, *((each.project, each.name) for each in self.neighbours)}
        for stack in (*self.neighbours, self):
            for name, each in stack.state.items():
                shown = Held(each.id, with_owner(each.outs, each.owner))
                engine_state.held |= dict.fromkeys(forms(stack.owner(name)), shown)

    async def _up(self, program: Program, replacement: Replacement) -> None:
        names = (replacement.names & self.state.keys() & program.keys()) | (self.recreated & program.keys())
        replacement = replace(replacement, names=names)
        inputs = {name: self._checked(name, arguments, replacement) for name, arguments in program.items()}
        await self._each(list(inputs), lambda name: self._bring_about(name, inputs[name], replacement))
        if not self.failures:
            await self._each([name for name in self.state if name not in inputs], self._retire)
        if not self.failures:
            old = {str(number): each for number, each in enumerate(self.pending)}
            await self._each(list(old), lambda number: self._delete_replaced(old[number]))

    async def _each(self, names: list[str], work: Callable[[str], Awaitable[None]]) -> None:
        """All of them, four at a time; what has begun when one fails goes on, and nothing else begins."""
        limit = anyio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            async with limit:
                if self.failures:
                    return
                begun = anyio.current_time()
                try:
                    await work(name)
                except AccountError as error:
                    self.failures[name] = error
                self.slowest = max(self.slowest, anyio.current_time() - begun)

        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(one, name)

    def _checked(self, name: str, arguments: Mapping[str, Any], replacement: Replacement) -> dict[str, Any]:
        """What the door's check does."""
        world, old, owner = self.world, self.state.get(name), self.owner(name)
        if name in self.recreated or (replacement.is_forced and name in replacement.names):
            old = None
        values, problems = state.check(world.vendor, old.inputs if old else {}, arguments, frozenset(), world.vault)
        assert problems == [], problems
        if old is not None:
            world.door.ownership.record_in_state(owner, old.owner)
        other = world.door.ownership.declare(world.vendor.identity(arguments), owner)
        assert other is None, other
        return values

    async def _bring_about(self, name: str, inputs: dict[str, Any], replacement: Replacement) -> None:
        old, owner = self.state.get(name), self.owner(name)
        if name in replacement.names or old is None:
            await self._create(name, inputs, replacement.deletes_first)
        elif self._diff(old, inputs, owner):
            outs = await lifecycle.update(self.world.tenant, old.id, old.outs, inputs)
            self.state[name] = Resource(old.id, inputs, outs, owner)
        else:
            self.state[name] = Resource(old.id, inputs, old.outs, owner)

    async def _create(self, name: str, inputs: dict[str, Any], deletes_first: bool) -> None:
        """Create a resource, and remove the one in the state, if any: before the create, or at the end of the run."""
        old = self.state.get(name)
        if old is not None and deletes_first and name not in self.recreated:
            await self._delete(name, old)
            self.recreated.add(name)
        account, outs = await lifecycle.create(self.world.tenant, inputs, self.owner(name))
        if old is not None and name not in self.recreated:
            self.pending.append(old)
        self.recreated.discard(name)
        self.shown.discard(account)
        self.state[name] = Resource(account, inputs, outs, self.owner(name))

    def _diff(self, old: Resource, inputs: dict[str, Any], owner: str) -> bool:
        """What the door's diff does."""
        self.world.door.ownership.assign_declared(old.id, self.world.vendor.identity(inputs), owner)
        self._acknowledge(old.id, owner)
        return owner != old.owner or self.world.diff(old.outs, inputs) or self._is_unconfirmed(old)

    def _acknowledge(self, account: str, owner: str = "") -> None:
        self.world.door.journal.acknowledge([account], owner)
        self.shown.add(account)

    def _is_unconfirmed(self, old: Resource) -> bool:
        return self.world.door.journal.why_unconfirmed(old.id, revision_of(old.outs)) is not None

    async def _retire(self, name: str) -> None:
        await self._delete(name, self.state[name])
        del self.state[name]

    async def _delete_replaced(self, old: Resource) -> None:
        await self._delete("a replaced resource", old)
        self.pending.remove(old)

    async def _delete(self, name: str, old: Resource) -> None:
        """Delete the resource; check that its account is deactivated, or left to a resource that still has it."""
        is_own = await lifecycle.delete(self.world.tenant, old.id, old.outs, old.owner)
        record = self.world.accounts.get(old.id)
        if record is None:
            return
        is_retired = self.world.is_retired(record)
        if is_own and is_retained(old):
            self.retained.add(old.id)
            return
        is_deleted = old.outs.get("on_destroy") == "delete" and not self.world.door.ownership.is_in_program(old.owner)
        if is_own and (not is_retired or is_deleted):
            self.lies.append(f"{name} was retired, and its account is there")
        if not is_own and not self._goes_on(name, old):
            self.lies.append(f"{name} was left as it is, and its account is no other resource's")

    def _goes_on(self, name: str, old: Resource) -> bool:
        """Whether the account is another resource's in the state, or is to be a declared one's, by its e-mail.

        What took the place of a replaced resource may have left the program: its own removal comes after this, or came
        before and has left the account as it is.
        """
        ownership, record = self.world.door.ownership, self.world.accounts[old.id]
        declared = {each.id for other, each in self.state.items() if ownership.is_in_program(self.owner(other))}
        others = {each.id for each in self.state.values() if each is not old}
        return old.id in declared | others | self.retained or ownership.is_declared(self.world.email(record))

    async def _read(self, name: str) -> None:
        old = self.state[name]
        self._acknowledge(old.id)
        found = await lifecycle.read(self.world.tenant, old.id, old.outs)
        if found is None:
            if old.id in self.world.accounts:
                self.lies.append(f"{name} was said to be gone, and its account is there")
            del self.state[name]
            self.recreated.discard(name)
            return
        self.state[name] = replace(old, inputs=found.inputs, outs=found.outputs)
        self._acknowledge(old.id, old.owner)  # the diff that ends a refresh


def is_retained(resource: Resource) -> bool:
    """Whether an account is left as it is when its resource goes."""
    default = "retain" if resource.outs["adopted"] else "deactivate"
    return (resource.outs.get("on_destroy") or default) == "retain"
