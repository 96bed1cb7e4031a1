"""The operations of a Pulumi provider on one account, in any protocol: properties in, properties out.

The dynamic providers call these functions. Inputs and outputs carry the owner and the tenant.
"""

from collections.abc import Iterable, Sequence

from ..vendor.errors import InvalidAccount
from ..vendor.fields import Problem
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
from . import lifecycle, state
from .owner import display_name, is_team, same
from .ports import Tenant
from .properties import AccountState, Declared, Outputs, Properties, Signature, arguments, owner_of
from .refusals import refuse_taken


def check(
    vendor: type[Vendor], olds: Properties, known: Properties, unknown: frozenset[str], vault: Vault
) -> tuple[Outputs, list[Problem]]:
    """Return the checked inputs and all their problems. Send nothing.

    `olds` are the inputs before, empty for a new account; `unknown` names arguments that have no value yet.
    """
    owner = owner_of(known)
    before = vendor.schema.typed(arguments(olds))
    values, problems = state.check(vendor, before, arguments(known), unknown, vault, [owner] if owner else [])
    return Signature(Signature.of(known).owner).sign(values), problems


def declare(tenant: Tenant, olds: Properties, inputs: Properties, former: Sequence[str]) -> list[Problem]:
    """Record what the resource of these checked inputs declares in this run; return its problems at this tenant.

    Another resource may declare the same account, and the tenant may be unable to follow a policy. `former` are the
    owners that it had before, as its aliases say.
    """
    owner, identity = owner_of(inputs), inputs.get(tenant.vendor.identity_field)
    record_names(tenant, olds, owner, former, [str(identity or "")])
    if not olds and inputs.get("on_existing") == "adopt":
        tenant.ownership.adopts(owner)
    problems = state.removal_problems(tenant.vendor, "on_destroy", inputs.get("on_destroy"))
    return [*problems, *state.deactivation_problems(tenant.vendor, inputs), *declare_identity(tenant, identity, owner)]


def record_names(
    tenant: Tenant, olds: Properties, owner: str, former: Sequence[str], emails: Iterable[str], suffix: str = ""
) -> None:
    """Record under which owners the engine's state may have a resource, and what a new one declares."""
    if not owner:
        return
    tenant.ownership.record_former(owner, former)
    if olds:
        tenant.ownership.record_in_state(owner, owner_of(olds))
        return
    for name in (owner, *former):
        tenant.journal.declare(name + suffix, emails)


def declare_identity(tenant: Tenant, identity: object, owner: str) -> list[Problem]:
    """Note which resource declares an identity in this run; return a problem if another resource declares it too.

    The problem does not contain the identity: the program may have marked it as a secret.
    """
    if not isinstance(identity, str) or not owner:
        return []
    other = tenant.ownership.declare(identity, owner)
    if other is None:
        return []
    return [
        Problem(
            tenant.vendor.identity_field, f"is declared by {display_name(other)} as well: one resource owns an account"
        )
    ]


def renaming(olds: Properties, news: Properties) -> tuple[str, str] | None:
    """Return the old and the new name of a resource if it or its stack was renamed; an update records the new one."""
    old, new = owner_of(olds), owner_of(news)
    return None if not old or not new or same(old, new) else (display_name(old), display_name(new))


def acknowledge(tenant: Tenant, accounts: Iterable[str], owner: str) -> None:
    """Record that the engine has these accounts under this owner, except those that another one got in this run.

    A resource that an account moves to may be created before the one that gives it up is compared.
    """
    taken = tenant.ownership.other_owner
    tenant.journal.acknowledge([each for each in accounts if taken(each, owner) is None], owner)


def diff(tenant: Tenant, account: str, olds: Properties, known: Properties, unknown: frozenset[str]) -> bool:
    """Return whether an update is due: to change something, or to find out what an earlier one did. Send nothing.

    `olds` are the outputs, `known` the inputs that have a value. Raise InvalidAccount for another tenant's account, and
    for a new e-mail if a team gets a member with the one so far in the same change.
    """
    refuse_other_tenant(tenant.vendor, account, olds)
    owner = owner_of(known)
    tenant.ownership.assign_declared(account, known.get(tenant.vendor.identity_field), owner)
    acknowledge(tenant, [account], owner)
    before = AccountState.from_outputs(tenant.vendor.schema, olds)
    _refuse_handover(tenant, account, before, known, owner)
    is_changed = state.diff(type(tenant.vendor), before, Declared.of(tenant.vendor.schema, arguments(known)), unknown)
    is_unconfirmed = tenant.journal.why_unconfirmed(account, before.revision) is not None
    return is_changed or before.has_unfit_values or is_unconfirmed


def _refuse_handover(tenant: Tenant, account: str, before: AccountState, known: Properties, owner: str) -> None:
    """Raise InvalidAccount if another resource would take over this account while it gets another identity.

    A team that gets a member with the identity so far, or a resource that adopts, may come first: it cannot know then
    that the program keeps the account.
    """
    vendor = tenant.vendor
    old, new, name = vendor.identity(before.values), known.get(vendor.identity_field), vendor.identity_name()
    taker = tenant.ownership.taker(old, owner)
    if taker is None or not isinstance(new, str) or vendor.schema[vendor.identity_field].same(new, old):
        return
    renamed = tenant.journal.last(new)
    if renamed is not None and renamed.account == account:
        return  # it may have the new one already: an earlier run sent the change
    what, it = ("gets a member with", "the member out of the Roster") if is_team(taker) else ("adopts", "that one out")
    raise InvalidAccount(
        f"it gets a new {name} while {display_name(taker)} {what} the one so far, and with it the account",
        vendor=vendor.title,
        account=f"{old} ({account})",
        remedy=f"Leave {it} for one `pulumi up`, and add it in the next. Where two exchange their {name}s, give one of "
        f"them a third {name} first",
    )


async def create(tenant: Tenant, inputs: Properties) -> tuple[str, Outputs]:
    """Create the account or adopt it; return its id and its outputs. Raises as `creating.begin` does."""
    declared = Declared.from_inputs(tenant.vendor.schema, inputs)
    account, made = await lifecycle.create(tenant, declared, owner_of(inputs))
    return account, sign(tenant.vendor, made.to_outputs(), inputs)


async def read(tenant: Tenant, account: str, properties: Properties) -> tuple[Outputs, Outputs] | None:
    """Return the account's outputs and the inputs that declare it so; None if it is certainly gone."""
    refuse_other_tenant(tenant.vendor, account, properties)
    before = AccountState.from_outputs(tenant.vendor.schema, properties)
    if before.declared_names:  # an account that is only read is not this stack's
        tenant.journal.acknowledge([account])
    found = await lifecycle.read(tenant, account, before)
    if found is None:
        return None
    inputs = Signature(Signature.of(properties).owner).sign(found.declared().to_inputs())
    return sign(tenant.vendor, found.to_outputs(), properties), inputs


async def update(tenant: Tenant, account: str, olds: Properties, news: Properties) -> Outputs:
    """Change what differs and return the new outputs. Raises as `updating.update` does."""
    refuse_other_tenant(tenant.vendor, account, olds)
    schema = tenant.vendor.schema
    before, declared = AccountState.from_outputs(schema, olds), Declared.from_inputs(schema, news)
    old, new = tenant.vendor.identity(before.values), tenant.vendor.identity(declared.values)
    is_renamed = not schema[tenant.vendor.identity_field].same(new, old)
    refuse_taken(tenant, account, old, owner_of(news), elsewhere=is_renamed)
    after = await lifecycle.update(tenant, account, before, declared)
    return sign(tenant.vendor, after.to_outputs(), news)


async def delete(tenant: Tenant, account: str, outputs: Properties) -> bool:
    """Deprovision the account as `on_destroy` says; return false if it was left alone as another resource's."""
    refuse_other_tenant(tenant.vendor, account, outputs)
    before = AccountState.from_outputs(tenant.vendor.schema, outputs)
    return await lifecycle.delete(tenant, account, before, owner_of(outputs))


def sign(vendor: Vendor, outputs: Properties, source: Properties) -> Outputs:
    """Return outputs with the tenant that the account is in, and the owner that the source names."""
    return Signature(Signature.of(source).owner, vendor.settings.tenant_id).sign(outputs)


def refuse_other_tenant(vendor: Vendor, account: str, outputs: Properties) -> None:
    """Raise InvalidAccount for an account of another tenant: its id is another account's here."""
    made_by, here = Signature.of(outputs).tenant, vendor.settings.tenant_id
    if made_by not in (None, here):
        raise InvalidAccount(
            f"it was made in the tenant {made_by}, and this resource's provider is for {here}",
            vendor=vendor.title,
            account=f"{vendor.identity(outputs)} ({account})",
            remedy="Give it the provider of its own tenant, or declare it under a new name. If it is the same "
            f"tenant at a new address, {vendor.settings.tenant_remedy(made_by)}",
        )
