"""`seatwise show`: one account of a live tenant."""

from typing import Annotated, Any

import anyio
import typer

from ..core.account import finding
from ..core.queries import audit
from ..core.vendor.errors import NoSuchAccount
from ..core.vendor.vendor import Vendor
from .options import Json, Quiet, VendorName, vendor_type
from .output import exit_on_error, print_fields, progress
from .tenants import tenant


def show(
    vendor: VendorName,
    account: Annotated[str, typer.Argument(metavar="EMAIL_OR_ID", help="The account's e-mail or id.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show one account: every readable field, under the names of arguments. Changes nothing.

    Secrets are never shown.

    Exit codes: 0 done, 1 failed or no such account, 2 wrong usage.
    """
    kind = vendor_type(vendor)
    with exit_on_error(), progress("reading the account", quiet=quiet):
        fields = anyio.run(_fields, kind, account)
    print_fields(fields, as_json=as_json)


async def _fields(kind: type[Vendor], account: str) -> dict[str, Any]:
    """Return the id and the fields of the account with this e-mail or id; raises NoSuchAccount."""
    async with tenant(kind) as live:
        is_email, found = "@" in account, None
        if is_email or kind.identity_field != "email":
            found = await finding.look_up_uncached(live, account)
        record = (await finding.whole(live, found, account)).record if found else None
        if record is None and not is_email:
            record = await finding.fetch(live, account, None)
        if record is None:
            remedy = f"`seatwise list {kind.name}` shows all accounts"
            problem = f"no account has this {kind.identity_name()}" if is_email else "no account has this id"
            raise NoSuchAccount(problem, status=404, vendor=kind.title, account=account, remedy=remedy)
        return {"id": live.vendor.parse_id(record)} | audit.fields(live.vendor, record)
