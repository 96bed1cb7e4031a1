"""Pulumi's door: dynamic providers that hand everything to the core.

Every state keeps a pickle of `load` called with one string such as `"enerflo:User"`. The names
`seatwise.dynamic.load` and those strings are on other people's disks: they never change.
"""

import base64
import pickle
from collections.abc import Callable, Mapping
from typing import Any

from ..core.account.state import TENANT, with_revision
from ..core.queries import takeover
from ..core.vendor.vendor import Vendor
from .base import OWNER, Door, Failure, Props
from .rosters import Rosters
from .users import Users

__all__ = ["OWNER", "Door", "Failure", "import_file", "load", "provider_string"]

KINDS: Mapping[str, type[Door]] = {"User": Users, "Roster": Rosters}


def load(key: str) -> Door:
    """The provider of a resource such as `"enerflo:User"`."""
    return KINDS[key.partition(":")[2]](key)


def provider_string(key: str) -> str:
    """What a state keeps as `__provider`, as the SDK writes it."""
    return base64.b64encode(pickle.dumps(load(key), protocol=4)).decode()


def import_file(
    vendor: Vendor, records: list[Mapping[str, Any]], revision: Callable[[str], int], on_destroy: str | None = None
) -> tuple[list[Props], str, list[str]]:
    """What `pulumi import --file` reads, the program that declares the same accounts, and what is in neither.

    `revision` gives the number of an account's last write: a state that begins here knows of all. `on_destroy` is
    declared of each, if it is given.
    """
    policy = {"on_destroy": on_destroy} if on_destroy else {}
    key = f"{vendor.name}:User"
    accounts, left_out = [], list[str]()
    for record in records:
        found = takeover.declarable(vendor, takeover.arguments(vendor, record))
        left_out += found.told(vendor, record)
        if found.values is not None:
            accounts.append((vendor.account_id(record) or "", record, found.values | policy))
    resource_names = takeover.resource_names(str(values.get("email", account)) for account, _, values in accounts)
    provider = {"__provider": provider_string(key)}
    resources = [
        {
            "type": f"pulumi-python:dynamic/seatwise/{key}",
            "name": name,
            "id": account,
            "inputs": values | {OWNER: ""} | provider,  # the program says it
            "outputs": with_revision(takeover.state(vendor, record, values), revision(account))
            | {TENANT: vendor.settings.tenant_id}
            | provider,
        }
        for name, (account, record, values) in zip(resource_names, accounts, strict=True)
    ]
    declared = zip(resource_names, (values for _, _, values in accounts), strict=True)
    return resources, takeover.program(vendor.name, declared), left_out
