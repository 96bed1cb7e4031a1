"""`seatwise roles`: the roles, groups and offices of a live tenant, with their ids."""

import anyio

from ..core.queries.lookup import Lookups, rows
from ..core.vendor.errors import SettingsError
from ..core.vendor.vendor import Vendor
from .options import Json, Quiet, VendorName, vendor_type
from .output import exit_on_error, note, print_rows, progress
from .tenants import tenant

COLUMNS = ("of", "name", "id")


def roles(vendor: VendorName, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the roles, groups, offices or businesses that accounts of a live tenant refer to. Changes nothing.

    `of` is the list's name, such as user_roles. A note names each list that this tenant's API does not have.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    kind = vendor_type(vendor)
    with exit_on_error(), progress("reading lists", quiet=quiet):
        found, lacking = anyio.run(_everything, kind)
    for each in lacking:
        note(f"seatwise: {each}")
    print_rows(COLUMNS, found, as_json=as_json, quiet=quiet)


async def _everything(kind: type[Vendor]) -> tuple[list[dict[str, str]], list[str]]:
    """Return the items of each of the vendor's lists, and a message for each list that this API does not have."""
    found: list[dict[str, str]] = []
    lacking: list[str] = []
    async with tenant(kind) as live:
        lookups = Lookups(live)
        for name, listed in kind.lists.items():
            try:
                items = await lookups.items(listed)
            except SettingsError as error:
                lacking.append(str(error))
            else:
                found += [{"of": name, "name": title, "id": its_id} for title, its_id in rows(items)]
    return found, lacking
