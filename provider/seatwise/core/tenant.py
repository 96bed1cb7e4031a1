"""A tenant that can be spoken to, as the core sees it, and the errors that name its accounts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from .errors import AccountError, NoSuchAccount
from .fields import Values
from .http import Answer, Request
from .secrets import Vault
from .vendor import Vendor

Record = Mapping[str, Any]
"""An account as the vendor writes it."""
EMPTY: Mapping[str, Any] = MappingProxyType({})


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


def refused(
    tenant: Tenant, answer: Answer, operation: str, account: str, values: Values = EMPTY, record: Record = EMPTY
) -> AccountError:
    """The error for an answer that says no. Secrets in the values and the record that were sent are blanked."""
    secret = [field for field in tenant.vendor.schema.values() if field.secret]
    sent = [tenant.vault.reveal(str(values[field.name])) for field in secret if field.name in values]
    sent_back = [record.get(field.wire.update or "") for field in secret]
    return tenant.vendor.refusal(answer, operation, account, [str(each) for each in sent + sent_back if each])
