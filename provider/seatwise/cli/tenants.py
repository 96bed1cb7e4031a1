"""The tenant that the environment names."""

from ..core.account.removals import Removals
from ..core.vendor.secrets import VAULT
from ..core.vendor.vendor import Vendor
from ..wire.settings import RunSettings
from ..wire.tenant import Tenant
from .output import note


def tenant(kind: type[Vendor]) -> Tenant:
    """One vendor's tenant, whose warnings are told. Raises SettingsError."""
    return Tenant(kind(kind.settings_type.load()), VAULT, note, RunSettings.load(), Removals())
