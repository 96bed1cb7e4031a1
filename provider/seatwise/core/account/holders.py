"""Which resources of the engine's state have an account: creates go on with these, and removals may leave them alone.

The engine tells a provider nothing of a replacement, and each provider process hears only a part of a run. The state
has all of it. Each function raises AccountError when the state cannot be read, unless it says otherwise.
"""

from collections.abc import Iterable, Set

from ..vendor.errors import AccountError
from .owner import MEMBERS, is_team, same
from .ports import Held, Tenant


async def held_by(tenant: Tenant, owner: str) -> Held | None:
    """Return the owner's resource of this vendor in the state, a live one first; None if it has none.

    Another vendor's resource may have the same name, and so may a team and a single account.
    """
    kind = f"{tenant.vendor.name}:{'Roster' if is_team(owner) else 'User'}"
    for name in tenant.ownership.names(owner):
        named = _here(tenant, await tenant.engine_state.of_owner(name))
        found = [each for each in named if each.kind == kind]
        if found:
            return next((each for each in found if each.is_live), found[0])
    return None


async def replaced(tenant: Tenant, owner: str) -> Held | None:
    """Return the resource in the state that the owner's new resource replaces; None if the resource is new.

    The engine does not tell. For a team the state is always asked. For a single account it is asked where something
    says that the owner had one: a check with old inputs, an alias, a delete of this run that left the account alone, or
    the journal, under the name of this stack or of another one: the stack may have been renamed. A state that cannot be
    read counts as without the owner where the journal alone says so, of an account of another stack, or of one that the
    engine has never shown to know: it forgot the create.
    """
    name = owner.removesuffix(MEMBERS)
    if not name:
        return None
    is_in_state = tenant.ownership.is_in_state(name) or bool(tenant.journal.renewed_for(owner))
    made = tenant.journal.made_for(owner)
    may_be = len(tenant.ownership.names(name)) > 1 or made is not None or tenant.journal.had_account(owner)
    if not (is_in_state or may_be or is_team(owner)):
        return None
    try:
        return await held_by(tenant, owner)
    except AccountError:
        if not is_in_state and (made is None or not made.is_known):
            return None
        raise


async def has_account(tenant: Tenant, account: str, owner: str) -> bool:
    """Return whether the owner's resource in the state has the account."""
    held = await held_by(tenant, owner)
    return held is not None and account in held.accounts()


async def exact_owner(tenant: Tenant, account: str, owner: str) -> str:
    """Return the owner of an account as this run names it; `owner` is what the outputs say.

    Outputs keep the name that a resource had when they were written. Its URN says the name after `pulumi state rename`,
    and more than a state of before 0.1.0. Return the owner as it is where the state says no more, or cannot be read.
    """
    current = tenant.ownership.current_owner(owner)
    asked = current or tenant.ownership.any_owner()
    if not asked or tenant.ownership.is_in_program(current):
        return current
    try:
        having = _here(tenant, await tenant.engine_state.of_account(account, asked))
    except AccountError:
        return current
    exact = {each.owner for each in having if not owner or _is_named(each, {owner, current})}
    if len(exact) != 1:
        return current
    return tenant.ownership.current_owner(exact.pop() + (MEMBERS if is_team(owner) else ""))


async def other_lives(tenant: Tenant, account: str, owner: str, said: str, revision: int) -> set[str]:
    """Return what else in the state has the account and stays: other resources, and this one's life once replaced.

    `revision` is that of the resource that is removed, and `said` is the owner in its outputs. A replaced one awaits
    its deletion beside the one that took its place, whose revision is higher.
    """
    names = {said, *tenant.ownership.names(owner)} - {""}
    asked = owner or tenant.ownership.any_owner()
    if not asked:
        return set()
    having = _here(tenant, await tenant.engine_state.of_account(account, asked))
    live = [each for each in having if each.is_live]
    if owner == "" and len(live) == 1:
        return set()
    return {life(each.owner, each.revision) for each in live if not _is_this(each, names, revision)}


def life(owner: str, revision: int) -> str:
    """Return a text that distinguishes a resource from the one that replaced it."""
    return f"{owner.removesuffix(MEMBERS)} {revision}"


def _is_this(held: Held, names: Set[str], revision: int) -> bool:
    return (not names or _is_named(held, names)) and held.revision == revision


def _is_named(held: Held, names: Iterable[str]) -> bool:
    """Return whether a resource has one of these owners."""
    return any(same(one, name.removesuffix(MEMBERS)) for one in held.names for name in names)


def _here(tenant: Tenant, resources: Iterable[Held]) -> list[Held]:
    """Those of this vendor and tenant; states of the first versions do not say the tenant."""
    tenants, of_vendor = (None, tenant.vendor.settings.tenant_id), f"{tenant.vendor.name}:"
    return [each for each in resources if each.kind.startswith(of_vendor) and each.tenant in tenants]
