"""The errors and warnings that name an account of a tenant."""

from collections.abc import Iterable

from ..vendor.boundary import Record
from ..vendor.errors import AccountError, AccountExists, InvalidAccount, NoSuchAccount, SettingsError
from ..vendor.fields import Values
from ..vendor.http import Answer
from ..vendor.vendor import Vendor
from .owner import display_name, forms
from .ports import Tenant
from .properties import AccountState
from .state import unkept


def tell_unfit(tenant: Tenant, record: Record) -> None:
    """Show a warning, once in a run, for each field of a record that cannot be read, or not unchanged."""
    vendor = tenant.vendor
    account, schema = vendor.parse_id(record) or "", vendor.schema
    unread, mended = schema.unread(record), schema.mended(record)
    replaced = [name for name in mended if name not in unread]
    for names, what in (
        (unread, "the vendor's value does not fit the field, and counts as not read"),
        (replaced, "the vendor's value has characters that no text can have, and is read with others in their place"),
    ):
        new = [name for name in names if (account, name) not in tenant.unreadable_reported]
        tenant.unreadable_reported.update((account, name) for name in new)
        if new:
            tenant.warn(f"{vendor.title} {vendor.parse_identity(record)} ({account}): {', '.join(new)}: {what}")


def tell_unkept(tenant: Tenant, state: AccountState) -> None:
    """Show a warning, once in a run, for each field that the tenant accepts and does not keep."""
    new = [name for name in unkept(tenant.vendor.schema, state) if ("", name) not in tenant.unreadable_reported]
    tenant.unreadable_reported.update(("", name) for name in new)
    for name in sorted(new):
        tenant.warn(
            f"{tenant.vendor.title}: {name} is accepted and not kept here: it counts as not supported, for all "
            "accounts, until the service keeps it"
        )


def tell_altered(tenant: Tenant, account: str, state: AccountState, written: Values) -> None:
    """Show a warning for written values of which the vendor shows others: a part, another form, or those of before.

    Such a value does not count as done: a person may have a role still that was taken away. The next run sends it
    again.
    """
    vendor, schema = tenant.vendor, tenant.vendor.schema
    names = [
        name
        for name, value in written.items()
        if name not in state.as_declared and not schema[name].same(value, state.values.get(name))
    ]
    if not names:
        return
    email, what = vendor.identity(state.values), ", ".join(sorted(names))
    tenant.notices.tell(
        f"{vendor.title}: accounts with other values of {what} than were sent",
        f"{vendor.title} {email} ({account}): {what}: the vendor has another value than was sent, and so each run "
        f"sends it again. If what `seatwise show {vendor.name} {email}` shows is right, declare that",
    )


def gone(tenant: Tenant, account: str, email: str) -> NoSuchAccount:
    """Return the error for an account that is certainly gone."""
    error = NoSuchAccount("it is gone", status=404, vendor=tenant.vendor.title, account=f"{email} ({account})")
    error.is_gone = True
    return error


def refuse_taken(
    tenant: Tenant, account: str, email: str, owner: str, *, elsewhere: bool = False, formerly: Iterable[str] = ()
) -> None:
    """Raise InvalidAccount if another resource has the account in this run: it declares the e-mail that it had.

    With `elsewhere` that may be a resource of another provider process; `formerly` are other names of the owner.
    """
    other = tenant.ownership.other_owner(account, owner)
    is_elsewhere = elsewhere and owner != "" and _is_renewed_by_other(tenant, account, owner, formerly)
    if other is None and not is_elsewhere:
        return
    holder = display_name(other) if other is not None else "another resource"
    raise InvalidAccount(
        f"{holder} has this account in this run as well, so nothing is changed",
        vendor=tenant.vendor.title,
        account=f"{email} ({account})",
        remedy="Leave the account to one resource: take the other one, or its member, out of the program for one "
        "`pulumi up`",
    )


def _is_renewed_by_other(tenant: Tenant, account: str, owner: str, formerly: Iterable[str]) -> bool:
    names = {form for name in (*tenant.ownership.names(owner), *formerly) for form in forms(name)}
    return tenant.journal.is_renewed_by_other(account, names)


def held_by_other(tenant: Tenant, account: str, email: str, holder: str, remedy: str = "") -> AccountExists:
    """Return the error for an account whose e-mail is declared, and which another resource or member has."""
    name = tenant.vendor.identity_name()
    return AccountExists(
        f"the account with this {name} ({account}) is that of {holder}",
        status=409,
        vendor=tenant.vendor.title,
        account=email,
        remedy=remedy or f"Correct the {name} of one of them in the admin page",
    )


def no_list(vendor: Vendor | type[Vendor]) -> SettingsError:
    """Return the error for a tenant whose API cannot list its users."""
    return SettingsError("this API has no list of users", vendor=vendor.title, remedy=vendor.way_to_list)


def learn_secrets(tenant: Tenant, record: Record) -> None:
    """Let messages hide the secrets of a record: a vendor may quote them."""
    values = (record.get(field.wire.update or "") for field in tenant.vendor.schema.values() if field.secret)
    tenant.vault.learn(*(value for value in values if isinstance(value, str)))


def refused(tenant: Tenant, answer: Answer, operation: str, account: str) -> AccountError:
    """Return the error for a refusal. It quotes the vendor without any secret that this process knows."""
    return tenant.vendor.refusal(answer, operation, account, tenant.vault)
