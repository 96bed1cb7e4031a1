"""The owners of a resource: its name of today, and the names that its aliases say it had."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace

import pulumi
from pulumi import Input, Output

from ..core.account.owner import Owner, owner_in, parents_in, parsed

STACK = "pulumi:pulumi:Stack"


def owner_named(resource_name: str, opts: pulumi.ResourceOptions | None) -> Input[str]:
    """Return the owner that a resource of this name is: with its project, its stack and the types of its parents."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    parent = opts.parent if opts is not None else None
    if parent is None or parent.pulumi_resource_type == STACK:
        return str(Owner(project, stack, (), resource_name))

    async def owner() -> str:
        # Not `parent.urn.apply`: the resource would depend on its parent, and so on itself.
        urn = await parent.urn.future()
        return str(Owner(project, stack, parents_in(urn or ""), resource_name))

    return owner()


def former_owners(
    resource: pulumi.Resource, resource_name: str, opts: pulumi.ResourceOptions | None
) -> Awaitable[list[str]] | None:
    """Return the owners that a resource had before, as its aliases and its parent's say; None without an alias.

    The engine does not give aliases to a provider, nor the old inputs of a resource that it replaces.
    """
    parent = opts.parent if opts is not None else None
    of_parent = [*_aliases(parent)]
    if opts is None or not (opts.aliases or of_parent):
        return None

    async def owners() -> list[str]:
        # The SDK has the resource's own aliases as URNs once it is constructed, which is before this runs.
        own = [await _urn(each) for each in _aliases(resource)]
        inherited = [await _urn(each) for each in of_parent]
        parent_name = getattr(parent, "_name", "")
        found = [_owner_or_none(urn) for urn in own] + [
            _inherited(resource_name, parent_name, urn) for urn in inherited
        ]
        return [each for each in found if each]

    return owners()


def _aliases(resource: pulumi.Resource | None) -> Sequence[Input[str]]:
    """Return the aliases of a resource as URNs, which are private to the SDK; empty if an SDK keeps them elsewhere."""
    return getattr(resource, "_aliases", ())


async def _urn(alias: Input[str]) -> str:
    return await Output.from_input(alias).future() or ""


def _owner_or_none(urn: str) -> str | None:
    try:
        return owner_in(urn)
    except ValueError:  # the engine refuses an alias that is not a URN
        return None


def _inherited(name: str, parent_name: str, parent_urn: str) -> str | None:
    """Return the owner under an earlier name of the parent, which a child's name may begin with."""
    before = _owner_or_none(parent_urn)
    known = parsed(before) if before else None
    if known is None:
        return None
    own = known.name + name.removeprefix(parent_name) if name.startswith(parent_name) else name
    return str(replace(known, parents=parents_in(parent_urn), name=own))
