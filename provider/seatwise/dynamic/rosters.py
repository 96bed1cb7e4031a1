"""The dynamic provider of teams: each resource is many accounts."""

from typing import TYPE_CHECKING

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from ..core.account.properties import former_owners_of, missing_owner
from ..core.team import resource
from ..core.team.properties import run_of
from ..core.vendor.errors import AccountError
from ..core.vendor.fields import Problem
from ..core.vendor.secrets import VAULT
from .base import OLD_SDK, DynamicProvider, Props, count_change, failure, one_line_errors, split

if TYPE_CHECKING:
    from ..wire.tenant import Tenant


class Rosters(DynamicProvider):
    """One vendor's teams. A team's id is its owner's name."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._run_name = ""

    @one_line_errors
    def check(self, olds: Props, news: Props) -> CheckResult:
        """Find bad input in preview, of all members at once. No network."""
        self._run_name = run_of(news)
        inputs, problems = resource.check(self.vendor, olds, news, split, VAULT)
        try:
            tenant = self._connected()
            problems += missing_owner(news, OLD_SDK)
            problems += resource.declare(tenant, olds, inputs, former_owners_of(news))
            if not olds and not problems:
                resource.preview_new(tenant, inputs, split)
        except AccountError as error:
            problems.append(Problem("", str(error)))
        count_change(olds, inputs)
        return CheckResult(inputs, [failure(reason) for reason in resource.first(problems)])

    @one_line_errors
    def diff(self, id: str, olds: Props, news: Props) -> DiffResult:
        """Return whether members join, change or leave, or failed to; show which. No network."""
        is_due = resource.diff(self._connected(), id, olds, news, split)
        return DiffResult(changes=self._is_renamed(olds, news) or is_due)

    @one_line_errors
    def create(self, props: Props) -> CreateResult:
        """Create all accounts, or adopt them."""
        return CreateResult(*self._run(resource.create, props, self._run_name))

    @one_line_errors
    def read(self, id: str, props: Props) -> ReadResult:
        """Read all accounts; members whose account is gone leave the state."""
        return ReadResult(id, *self._run(resource.read, id, props))

    @one_line_errors
    def update(self, id: str, olds: Props, news: Props) -> UpdateResult:
        """Make the team as declared; the output `failed` names the members that failed."""
        return UpdateResult(self._run(resource.update, id, olds, news, self._run_name))

    @one_line_errors
    def delete(self, id: str, props: Props) -> None:
        """Deprovision all accounts as `on_leave` says."""
        self._run(resource.delete, id, props)

    def _scope(self, tenant: "Tenant") -> "Tenant":
        """Return the tenant itself: each member is an operation with a deadline of its own."""
        return tenant
