"""What the engine knows and tells no provider: the state of the stack, and which run this is.

A provider is told nothing of a replacement: for `--replace`, a taint and a trigger the engine calls `create` as for a
new resource, and `delete` for the old one afterwards. Only the state shows that the stack has the account already.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio

from ..core.errors import AccountError
from ..core.owner import MEMBERS, TYPES, forms, owner_in, stack_of, told
from ..core.tenant import Held

TIME_LIMIT = 60.0  # seconds
Export = Callable[[str], Awaitable[bytes]]


def run_id() -> str:
    """Return what all provider processes of one run of the engine have in common: the engine's own address."""
    address = sys.argv[1] if len(sys.argv) > 1 else ""
    return address if re.fullmatch(r"\S+:\d+", address) else str(os.getpid())


async def export(stack: str) -> bytes:
    """Return the state of a stack as `pulumi stack export` writes it; raises AccountError when that fails."""
    command = shutil.which("pulumi")
    if command is None:
        raise AccountError("there is no pulumi command on PATH")
    arguments = [command, "stack", "export", "--show-secrets", "--stack", stack, "--non-interactive"]
    quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    with anyio.move_on_after(TIME_LIMIT) as scope:
        try:
            done = await anyio.run_process(
                arguments, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env={**os.environ, **quiet}
            )
        except OSError as error:
            raise AccountError(f"`pulumi stack export` cannot be run ({type(error).__name__})") from None
    if scope.cancelled_caught:
        raise AccountError(f"`pulumi stack export` did not end within {TIME_LIMIT:.0f} seconds")
    if done.returncode:
        raise AccountError(f"`pulumi stack export --stack {stack}` failed with exit code {done.returncode}")
    return done.stdout


class StackState:
    """The resources that the engine had in its state when this run first asked. Nothing of it is kept on disk.

    It is exported once a stack, and only when a create meets an account that may be the resource's own.
    """

    def __init__(self, export: Export = export) -> None:
        self.run = run_id()
        self._export = export
        self._lock = anyio.Lock()
        self._stacks: dict[str, dict[str, Held] | AccountError] = {}

    async def held_by(self, owner: str) -> Held | None:
        """Return the resource of this owner in the state of its stack; None where there is none.

        Raises AccountError when the state cannot be read.
        """
        _, stack = stack_of(owner)
        async with self._lock:
            if stack not in self._stacks:
                self._stacks[stack] = await self._load(stack, owner)
        held = self._stacks[stack]
        if isinstance(held, AccountError):
            raise held
        return held.get(owner.removesuffix(MEMBERS))

    async def _load(self, stack: str, owner: str) -> dict[str, Held] | AccountError:
        try:
            return held(json.loads(await self._export(stack)))
        except (ValueError, AttributeError, TypeError):
            problem = "`pulumi stack export` printed no state"
        except AccountError as error:
            problem = error.problem
        return AccountError(
            f"whether the state of the stack has {told(owner)} cannot be read: {problem}",
            remedy="Run it where the pulumi command is on PATH",
        )


def held(state: Mapping[str, Any]) -> dict[str, Held]:
    """Return seatwise's resources in an exported state, by all forms of their owners.

    What awaits its deletion gives way to what lives.
    """
    found: dict[str, Held] = {}
    resources: Sequence[Mapping[str, Any]] = state["deployment"].get("resources") or []
    for each in sorted(resources, key=lambda each: not each.get("delete", False)):
        if str(each.get("type", "")).startswith(TYPES):
            resource = Held(str(each.get("id", "")), _plain(each.get("outputs") or {}))
            found |= dict.fromkeys(forms(owner_in(str(each["urn"]))), resource)
    return found


SECRET = "4dabf18193072939515e22adb298388d"


def _plain(value: Any) -> Any:
    """The value without the engine's marks of secrets."""
    if isinstance(value, dict):
        return _plain(json.loads(value["plaintext"])) if SECRET in value else {k: _plain(v) for k, v in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
