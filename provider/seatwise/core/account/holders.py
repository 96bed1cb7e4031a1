"""Finding the resources in the engine's state that have an account.

A create continues with the account of the resource that it replaces. A removal leaves an account alone that another
resource has.

The engine does not say to a provider that it replaces a resource, and each provider process sees only a part of a run.
The state contains all of it. Each function raises AccountError when the state cannot be read, unless it says otherwise.
"""

from collections.abc import Iterable, Set

from ..vendor.errors import AccountError
from .owner import MEMBERS, is_team, same
from .ports import Held, Tenant


async def held_by(tenant: Tenant, owner: str) -> Held | None:
    """Return the owner's resource of this vendor in the state, a live one first; None if there is no such resource.

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

    The engine does not say which. For a team the state is always asked. For a single account it is asked if something
    says that the owner may have had one: a check with old inputs, an alias, the record of this run that an account
    continues as this owner's (`Journal.renewed`), or an entry of the journal, for this stack or for another one: the
    stack may have been renamed.
    If the state cannot be read, raise AccountError after a check with old inputs, with a `renewed` account, and if the
    journal has an account of this owner that the engine knows. In other cases return None.
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


async def owners_of(tenant: Tenant, account: str, asked: str) -> set[str]:
    """Return the owners of the live resources that have the account, in the state of the stack of `asked`."""
    having = _here(tenant, await tenant.engine_state.of_account(account, asked))
    return {each.owner + (MEMBERS if each.kind.endswith(":Roster") else "") for each in having if each.is_live}


async def exact_owner(tenant: Tenant, account: str, owner: str) -> str:
    """Return the owner of an account as this run names it; `owner` is what the outputs say.

    Outputs keep the name that a resource had when they were written. Its URN has the name after `pulumi state rename`,
    and contains more than outputs from before 0.1.0. The state is not asked if the program declares the owner. If the
    state cannot be read, or does not show exactly one owner, return the owner as far as this run knows it.
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
    """Return the other live resources in the state that have the account, each as its `life`.

    The resource that replaced the removed one is another resource, too: a replaced resource awaits its deletion beside
    the one that took its place, whose revision is higher. `revision` is that of the resource that is removed, and
    `said` is the owner in its outputs. Without an owner, the only live resource counts as the removed one.
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
    """Return the resources of this vendor and tenant; states of the first versions do not contain the tenant."""
    tenants, of_vendor = (None, tenant.vendor.settings.tenant_id), f"{tenant.vendor.name}:"
    return [each for each in resources if each.kind.startswith(of_vendor) and each.tenant in tenants]
