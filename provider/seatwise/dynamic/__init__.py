"""Pulumi's dynamic providers, which hand everything to the core.

Every state keeps a pickle of `load` called with one string such as `"enerflo:User"`. The names
`seatwise.dynamic.load` and those strings are on other people's disks: they never change.

Read in this order: `host`, `base`, `users`, `rosters`, `memberships`.
"""

import base64
import copyreg
import pickle
from collections.abc import Callable, Mapping
from typing import Any

from ..core.account.owner import TYPES
from ..core.account.properties import with_owner, with_provider
from ..core.account.resource import sign
from ..core.queries import takeover
from ..core.vendor.vendor import Vendor
from .base import DynamicProvider, Failure, Props
from .memberships import Memberships
from .rosters import Rosters
from .users import Users

__all__ = ["DynamicProvider", "Failure", "import_file", "load", "provider_string"]

KINDS: Mapping[str, type[DynamicProvider]] = {"User": Users, "Roster": Rosters, "Membership": Memberships}


def load(key: str) -> DynamicProvider:
    """Return the provider of a resource such as `"enerflo:User"`."""
    return KINDS[key.partition(":")[2]](key)


def _reduced(provider: DynamicProvider) -> tuple[Callable[[str], DynamicProvider], tuple[str]]:
    """Return the content of a provider's pickle: the call of `load` that makes it again."""
    return load, (provider.key,)


for _kind in KINDS.values():
    copyreg.pickle(_kind, _reduced)


def provider_string(key: str) -> str:
    """Return what a state keeps as `__provider`, as the SDK writes it."""
    return base64.b64encode(pickle.dumps(load(key), protocol=4)).decode()


def import_file(
    vendor: Vendor, records: list[Mapping[str, Any]], revision: Callable[[str], int], on_destroy: str | None = None
) -> tuple[list[Props], str, list[str]]:
    """Return what `pulumi import --file` reads, the program that declares the same accounts, and what is in neither.

    `revision` gives an account's write revision: a state that begins here contains all writes. `on_destroy` is
    declared of each, if it is given.
    """
    policy = {"on_destroy": on_destroy} if on_destroy else {}
    key = f"{vendor.name}:User"
    accounts, left_out = [], list[str]()
    for record in records:
        found = takeover.declarable(vendor, takeover.arguments(vendor, record))
        left_out += found.told(vendor, record)
        if found.values is not None:
            accounts.append((vendor.parse_id(record) or "", record, {**found.values, **policy}))
    resource_names = takeover.resource_names(vendor.identity(values) or account for account, _, values in accounts)
    provider = provider_string(key)
    by_program = with_owner({}, "")  # the program says the owner
    resources = [
        {
            "type": f"{TYPES}{key}",
            "name": name,
            "id": account,
            "inputs": with_provider(by_program | values, provider),
            "outputs": with_provider(sign(vendor, _outputs(vendor, record, values, revision(account)), {}), provider),
        }
        for name, (account, record, values) in zip(resource_names, accounts, strict=True)
    ]
    declared = zip(resource_names, (values for _, _, values in accounts), strict=True)
    return resources, takeover.program(vendor, declared), left_out


def _outputs(vendor: Vendor, record: Mapping[str, Any], values: Mapping[str, Any], revision: int) -> Props:
    return takeover.state(vendor, record, values).at(revision).to_outputs()
