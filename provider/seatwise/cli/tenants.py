"""The tenant that the environment configures."""

from ..core.account.removals import Removals
from ..core.vendor.secrets import VAULT
from ..core.vendor.vendor import Vendor
from ..wire.settings import RunSettings
from ..wire.tenant import Tenant
from .output import note


def tenant(kind: type[Vendor]) -> Tenant:
    """Return one vendor's tenant, whose warnings go to stderr; raises SettingsError."""
    return Tenant(kind(kind.settings_type.load()), VAULT, note, RunSettings.load(), Removals())
