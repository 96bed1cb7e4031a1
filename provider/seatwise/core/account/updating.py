"""Updating an account that the engine has in its state, also where that state may be wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..vendor.boundary import Record
from ..vendor.errors import VendorBroken
from ..vendor.fields import Values
from .finding import fetch, has_identity
from .ports import Entry, EntryKind, Tenant, Unconfirmed
from .properties import AccountState, Declared
from .refusals import gone
from .state import differences, seen
from .writing import change, counted_removal, take_over

_DECLARE_ANOTHER = "declare another value, without `ignore_changes`"
_SET_BY_HAND = "it is set at the vendor, which takes it from seatwise only at the create"


async def update(
    tenant: Tenant, account: str, state: AccountState, declared: Declared, record: Record | None = None
) -> AccountState:
    """Send what differs and return the new state. Send nothing if nothing differs.

    An account whose last write has no known outcome is read first. For a replaced resource its `record` is given, and
    the secrets in its state count as what the vendor has. Raise TooManyRemovals, before anything is sent, if the update
    would deactivate one account too many.
    """
    email = tenant.vendor.identity(state.values)
    why = tenant.journal.why_unconfirmed(account, state.revision)
    if why is None:
        with counted(tenant, account, email, state.values, declared):
            return await change(tenant, account, state, declared)
    secrets: Values = {name: state.values[name] for name in tenant.vendor.schema.secrets & state.values.keys()}
    if record is None:
        record = await fetch(tenant, account, email)
        if record is None:
            raise gone(tenant, account, email)
        refuse_others(tenant, account, email, record)
        secrets = _known_secrets(tenant, account, email, secrets, declared, why)
    if why is Unconfirmed.DEACTIVATED:
        declared = declared.reactivating(tenant.vendor)
        tenant.journal.forget_account(account)  # it is active again, and for no other resource
    with counted(tenant, account, email, seen(tenant.vendor.schema, declared.wanted, record), declared):
        return await take_over(
            tenant, account, record, declared,
            adopted=state.adopted, revision=state.revision, secrets=secrets, before=state,
        )  # fmt: skip


def refuse_others(tenant: Tenant, account: str, email: str, record: Record) -> None:
    """Raise VendorBroken if a new account, read for the first time, is another one than was created.

    The answer to its create held the id of another account then. The next create finds the right one, once the
    resource is out of the state. An account that has the e-mail is the right one, also if its e-mail changes later.
    """
    if tenant.journal.why_unconfirmed(account) is not Unconfirmed.UNSEEN or not email:
        return
    if has_identity(tenant, record, email):
        tenant.journal.mark_unconfirmed(account, Unconfirmed.CHANGED)  # only the next update records all of its state
        return
    last = tenant.journal.last(email)
    if last is not None and last.account == account:
        tenant.journal.note(email, Entry(EntryKind.PENDING, owner=last.owner))
    raise VendorBroken(
        "the id in the answer to its create is that of another account, which is left alone",
        status=200,
        vendor=tenant.vendor.title,
        account=f"{email} ({account})",
        remedy="Take the resource out of the state (`pulumi state delete`) and run `pulumi up`: it finds the account. "
        "If the program does not declare the person, deactivate the account in the admin page",
    )


def _known_secrets(
    tenant: Tenant, account: str, email: str, secrets: Values, declared: Declared, why: Unconfirmed
) -> Values:
    """Return the secrets that the vendor certainly has, and those that this run cannot send again.

    No record shows a secret, and a person may have changed it since: it is sent again only where it may be missing.
    """
    if why in (Unconfirmed.UNSEEN, Unconfirmed.CHANGED):
        return secrets
    known = {
        name: value
        for name, value in secrets.items()
        if declared.values.get(name) == value and tenant.vault.reveal(str(value)) is None
    }
    if known:
        names, who = ", ".join(sorted(known)), f"{tenant.vendor.title} {email} ({account})"
        create_only = all(tenant.vendor.schema[name].create_only for name in known)
        tenant.warn(
            f"{who}: whether the vendor has the declared {names} is not known, and this run is not given it. If it is "
            f"missing there, {_SET_BY_HAND if create_only else _DECLARE_ANOTHER}"
        )
    return known


@contextmanager
def counted(tenant: Tenant, account: str, email: str, current: Values, declared: Declared) -> Iterator[None]:
    """Count the change as a removal if it deactivates the account; raise TooManyRemovals if the run may not."""
    vendor = tenant.vendor
    if not vendor.deactivates(differences(vendor.schema, current, declared.wanted)):
        yield
        return
    with counted_removal(tenant, f"{email} ({account})"):
        yield
