"""A tenant that can be spoken to, as the core sees it, and the errors that name its accounts."""

from collections.abc import Mapping
from typing import Any, Protocol

from .errors import AccountError, NoSuchAccount
from .fields import Values
from .http import Answer, Request
from .secrets import Vault
from .vendor import Vendor

Record = Mapping[str, Any]
"""An account as the vendor writes it."""


class Tenant(Protocol):
    """A vendor's tenant that can be spoken to."""

    vendor: Vendor
    vault: Vault

    @property
    def journal(self) -> "Journal":
        """What is remembered between runs."""

    async def send(self, request: Request) -> Answer:
        """Send a request, with retries, pacing and login; raises Unreachable, NotAuthorised, RateLimited."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def warn(self, text: str) -> None:
        """Tell the user something that is no failure."""


class Journal(Protocol):
    """What seatwise remembers of a tenant between runs, on this machine."""

    def retire(self, email: str, account: str) -> None:
        """Remember that seatwise deactivated this account."""

    def retired(self, email: str) -> str | None:
        """The id of the account with this e-mail that seatwise deactivated."""

    def forget(self, email: str) -> None:
        """Remember nothing of this e-mail any more."""


def gone(tenant: Tenant, account: str, email: str) -> NoSuchAccount:
    """The error for an account that is not there any more."""
    return NoSuchAccount("it is gone", status=404, vendor=tenant.vendor.title, account=f"{email} ({account})")


def refused(tenant: Tenant, answer: Answer, operation: str, account: str, values: Values) -> AccountError:
    """The error for an answer that says no; `values` are those sent, whose secrets are blanked."""
    schema = tenant.vendor.schema
    secrets = [tenant.vault.reveal(str(value)) or "" for name, value in values.items() if schema[name].secret]
    return tenant.vendor.refusal(answer, operation, account, secrets)
