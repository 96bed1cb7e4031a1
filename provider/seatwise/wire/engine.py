"""Facts that the engine does not pass to a provider: the state of the stack, how it is written, and the id of the run.

The engine does not announce a replacement to a provider: for `--replace`, a taint and a trigger it calls `create` as
for a new resource, then `delete` for the old one. Only the state shows that the stack already has the account.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TypedDict

import anyio

from ..core.account.owner import TYPES, forms, owner_in, stack_of
from ..core.account.ports import Held
from ..core.account.properties import Properties
from ..core.vendor.boundary import SIGNATURE
from ..core.vendor.errors import AccountError

ENGINE = "pulumi"
"""The name of the engine's process."""
EXPORT_TIMEOUT_S = 60.0  # seconds
SELECTED = ("", "")
"""Stands for the stack that is selected where the provider runs."""
Export = Callable[..., Awaitable[bytes]]
DIY = frozenset({"file", "s3", "azblob", "gs", "postgres"})
"""The schemes of backends in which a checkpoint is the whole state."""


def run_id(arguments: Sequence[str] = sys.argv, processes: Path = Path("/proc")) -> str:
    """Return a text that all provider processes of one run of the engine share; without an engine, this process's id.

    It is the engine's address, and where the system shows its processes (Linux) when the engine was started: a later
    run may get the same port.
    """
    address = arguments[1] if len(arguments) > 1 else ""
    if not re.fullmatch(r"\S+:\d+", address):
        return str(os.getpid())
    return f"{address} {_engine_start(processes)}".strip()


def _engine_start(processes: Path) -> str:
    """Return the id of the nearest `pulumi` process above this one and its start, in ticks; empty if none shows."""
    process = str(os.getppid())
    try:
        while process != "0":
            name, _, rest = (processes / process / "stat").read_text().partition(" (")[2].rpartition(")")
            numbers = rest.split()  # state, parent, ..., and the start as the 20th
            if name == ENGINE:
                return f"{process} {numbers[19]}"
            process = numbers[1]
    except (OSError, ValueError, IndexError):
        pass
    return ""


def writes_checkpoints() -> bool:
    """Return whether the environment shows that the engine writes the whole state at each change.

    False where PULUMI_SKIP_CHECKPOINTS has any value, as its user has decided, and for a backend that `pulumi login` or
    the project chose, as the environment does not show it.
    """
    scheme, _, _ = os.environ.get("PULUMI_BACKEND_URL", "").partition("://")
    return scheme in DIY and "PULUMI_SKIP_CHECKPOINTS" not in os.environ


async def export(*arguments: str) -> bytes:
    """Return the output of `pulumi stack export`; raises AccountError if it fails or takes too long."""
    command = shutil.which("pulumi")
    if command is None:
        raise AccountError("there is no pulumi command on PATH")
    quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    with anyio.move_on_after(EXPORT_TIMEOUT_S) as scope:
        try:
            done = await anyio.run_process(
                [command, "stack", "export", "--non-interactive", *arguments],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                env={**os.environ, **quiet},
            )
        except OSError as error:
            raise AccountError(f"`pulumi stack export` cannot be run ({type(error).__name__})") from None
    if scope.cancelled_caught:
        raise AccountError(f"`pulumi stack export` did not end within {EXPORT_TIMEOUT_S:.0f} seconds")
    if done.returncode:
        raise AccountError(f"`pulumi stack export` failed with exit code {done.returncode}")
    return done.stdout


class StackState:
    """The resources in the engine's state at the first question of this run. Nothing is written to disk.

    Exports each stack once: before a create that may replace a resource, as that of a team always may; when a create
    finds an account that a resource may own already; and before a removal.
    """

    def __init__(self, export: Export = export) -> None:
        self.run = run_id()
        self._export = export
        self._lock = anyio.Lock()
        self._stacks: dict[tuple[str, str], _Stack | AccountError] = {}

    async def of_owner(self, owner: str) -> Sequence[Held]:
        """Return the resources of this owner, of every vendor and kind; raises AccountError."""
        return (await self._stack(owner)).by_owner[owner]

    async def of_account(self, account: str, owner: str) -> Sequence[Held]:
        """Return the resources with an account of this id; raises AccountError if the state cannot be read.

        They are in the state of the owner's stack, or of the selected one: that may be the same stack after a rename,
        which a provider does not see in a `destroy`.
        """
        named = await self._state_of(stack_of(owner))
        if isinstance(named, _Stack) and named.by_account[account]:
            return named.by_account[account]
        selected = await self._state_of(SELECTED)
        if isinstance(selected, _Stack) and selected.by_account[account]:
            return selected.by_account[account]
        if isinstance(named, AccountError):
            raise named
        return []

    async def _stack(self, owner: str) -> "_Stack":
        found = await self._state_of(stack_of(owner))
        if isinstance(found, AccountError):
            raise found
        return found

    async def _state_of(self, stack: tuple[str, str]) -> "_Stack | AccountError":
        async with self._lock:
            if stack not in self._stacks:
                self._stacks[stack] = await self._load(*stack)
            return self._stacks[stack]

    async def _load(self, project: str, stack: str) -> "_Stack | AccountError":
        """Export with secrets, then without (this process may lack the passphrase), then by the stack's full name."""
        whole = f"organization/{project}/{stack}"
        problem = ""
        ways = [["--show-secrets", "--stack", stack], ["--stack", stack], ["--stack", whole]]
        for arguments in ways if stack else [["--show-secrets"], []]:
            try:
                exported = await self._export(*arguments)
            except AccountError as error:
                problem = problem or error.problem
                continue
            try:
                return _Stack(held(json.loads(exported)))
            except (ValueError, AttributeError, TypeError, KeyError):
                problem = problem or "`pulumi stack export` printed no state"
        return AccountError(
            f"the state of the stack {stack} cannot be read: {problem}",
            remedy="Run it where the pulumi command is on PATH and can read this stack",
        )


class _Stack:
    """The resources of one stack, indexed by each form of their owner and by the ids of their accounts."""

    def __init__(self, resources: Iterable[Held]) -> None:
        self.by_owner: defaultdict[str, list[Held]] = defaultdict(list)
        self.by_account: defaultdict[str, list[Held]] = defaultdict(list)
        for each in resources:
            for form in forms(each.owner):
                self.by_owner[form].append(each)
            for account in each.accounts():
                self.by_account[account].append(each)


class _Resource(TypedDict, total=False):
    """A resource in an exported state, as far as it is read here."""

    urn: str
    type: str
    id: str
    outputs: Properties
    external: bool
    delete: bool


class _Deployment(TypedDict, total=False):
    resources: list[_Resource] | None


class _Exported(TypedDict):
    """What `pulumi stack export` prints, as far as it is read here."""

    deployment: _Deployment


def held(state: _Exported) -> list[Held]:
    """Return seatwise's resources in an exported state, except those that are only read (`User.get`)."""
    resources = state["deployment"].get("resources") or []
    ours = [each for each in resources if str(each.get("type", "")).startswith(TYPES)]
    return [_held(each) for each in ours if not each.get("external", False)]


def _held(resource: _Resource) -> Held:
    hidden: list[str] = []
    outputs = _plain(resource.get("outputs") or {}, hidden)
    if not isinstance(outputs, dict):
        raise TypeError("the outputs are no object")
    return Held(
        id=str(resource.get("id", "")),
        outputs=outputs,
        owner=owner_in(str(resource["urn"])),
        kind=str(resource["type"]).removeprefix(TYPES),
        is_live=not resource.get("delete", False),
        is_whole=not hidden,
    )


def _plain(value: object, hidden: list[str]) -> object:
    """Return the value without the engine's secret wrappers; drop encrypted values and add their names to `hidden`."""
    if isinstance(value, list):
        return [_plain(each, hidden) for each in value]
    if not isinstance(value, dict):
        return value
    if "plaintext" in value and SIGNATURE in value:
        return _plain(json.loads(value["plaintext"]), hidden)
    names = [
        name for name, each in value.items() if isinstance(each, dict) and "ciphertext" in each and SIGNATURE in each
    ]
    hidden += names
    return {name: _plain(each, hidden) for name, each in value.items() if name not in names}
