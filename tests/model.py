"""What the engine does with accounts of one vendor, in virtual time: its state, its order, its rules for failures.

As the real one does: four operations at a time, retired last and only if nothing failed; a failed create
leaves nothing in the state, a failed update or delete leaves the state as it was; a kill leaves what was
recorded, or with PULUMI_SKIP_CHECKPOINTS nothing of the run.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from seatwise.core import lifecycle, state
from seatwise.core.errors import AccountError
from virtual import Killed, World

AT_ONCE = 4
Program = Mapping[str, Mapping[str, Any]]
"""Arguments of the declared accounts, by the resource's name."""


@dataclass(frozen=True)
class Resource:
    """What the state holds of one account."""

    id: str
    inputs: dict[str, Any]
    outs: dict[str, Any]


class Stack:
    """One stack of accounts. `checkpoints` is false where the engine writes its state at the end only."""

    def __init__(self, world: World, *, checkpoints: bool = True) -> None:
        self.world = world
        self.checkpoints = checkpoints
        self.state: dict[str, Resource] = {}
        self.failures: dict[str, AccountError] = {}
        """What failed in the last run, by resource."""
        self.lies: list[str] = []
        """What an operation said and was not so when it said it."""
        self.slowest = 0.0
        """Seconds of the longest operation."""

    async def up(self, program: Program) -> bool:
        """Bring about what is declared; false when something failed."""
        return await self._run(lambda: self._up(program))

    async def refresh(self) -> bool:
        """Look at every account; false when something failed."""
        return await self._run(lambda: self._each(list(self.state), self._read))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> bool:
        before = dict(self.state)
        self.failures = {}
        try:
            await work()
        except* Killed:
            self.failures[""] = AccountError("killed")
            if not self.checkpoints:
                self.state = before
        await self.world.restart()  # every run has provider processes of its own
        return not self.failures

    async def _up(self, program: Program) -> None:
        inputs = {name: self._checked(name, arguments) for name, arguments in program.items()}
        await self._each(list(inputs), lambda name: self._bring_about(name, inputs[name]))
        if not self.failures:
            await self._each([name for name in self.state if name not in inputs], self._retire)

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

    def _checked(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        olds = self.state[name].inputs if name in self.state else {}
        values, problems = state.check(self.world.vendor, olds, arguments, frozenset(), self.world.vault)
        assert problems == [], problems
        return values

    async def _bring_about(self, name: str, inputs: dict[str, Any]) -> None:
        old = self.state.get(name)
        if old is None:
            account, outs = await lifecycle.create(self.world.tenant, inputs, f"project/stack/{name}")
            self.state[name] = Resource(account, inputs, outs)
        elif self.world.diff(old.outs, inputs) or self._is_in_doubt(old):
            outs = await lifecycle.update(self.world.tenant, old.id, old.outs, inputs)
            self.state[name] = Resource(old.id, inputs, outs)
        else:
            self.state[name] = Resource(old.id, inputs, old.outs)

    def _is_in_doubt(self, old: Resource) -> bool:
        return self.world.door.journal.doubt_about(old.id, state.revision_of(old.outs)) is not None

    async def _retire(self, name: str) -> None:
        old = self.state[name]
        await lifecycle.delete(self.world.tenant, old.id, old.outs)
        record = self.world.accounts.get(old.id)
        if record is not None and not self.world.is_retired(record) and old.inputs.get("on_destroy") != "retain":
            self.lies.append(f"{name} was retired, and its account is active")
        del self.state[name]

    async def _read(self, name: str) -> None:
        old = self.state[name]
        found = await lifecycle.read(self.world.tenant, old.id, old.outs)
        if found is None:
            if old.id in self.world.accounts:
                self.lies.append(f"{name} was said to be gone, and its account is there")
            del self.state[name]
        else:
            self.state[name] = Resource(old.id, found.inputs, found.outputs)
