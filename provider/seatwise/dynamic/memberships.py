"""The dynamic provider of memberships: each resource is one user in one group."""

from typing import TYPE_CHECKING

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from ..core.account.properties import missing_owner
from ..core.membership import resource
from ..core.vendor.errors import AccountError
from ..core.vendor.fields import Problem
from .base import OLD_SDK, DynamicProvider, Props, count_change, failure, one_line_errors, split, tell

if TYPE_CHECKING:
    from ..wire.tenant import Operation, Tenant


class Memberships(DynamicProvider):
    """One vendor's memberships."""

    @one_line_errors
    def check(self, olds: Props, news: Props) -> CheckResult:
        """Find bad input in preview, and a membership that is declared twice. No network."""
        known, unknown = split(news)
        inputs, problems = resource.check(known, frozenset(unknown))
        problems += missing_owner(news, OLD_SDK)
        if not problems:
            try:
                problems += resource.declare(self._connected(), olds, inputs)
            except AccountError as error:
                problems.append(Problem("", str(error)))
        count_change(olds, inputs | unknown)
        return CheckResult(inputs | unknown, [failure(str(each)) for each in problems])

    @one_line_errors
    def diff(self, id: str, olds: Props, news: Props) -> DiffResult:
        """Return whether it is another membership now, which replaces this one, or has to be confirmed. No network."""
        known, unknown = split(news)
        replaces = resource.replaces(olds, known, frozenset(unknown))
        is_due = resource.is_unconfirmed(self._connected(), id, olds) or self._is_renamed(olds, news)
        return DiffResult(changes=bool(replaces) or is_due, replaces=replaces)

    @one_line_errors
    def create(self, props: Props) -> CreateResult:
        """Add the user to the group."""
        return CreateResult(*self._run(resource.create, props))

    @one_line_errors
    def read(self, id: str, props: Props) -> ReadResult:
        """Look whether the membership is there; a membership that is gone leaves the state."""
        found = self._run(resource.read, id, props)
        return ReadResult("", {}) if found is None else ReadResult(id, *found)

    @one_line_errors
    def update(self, id: str, olds: Props, news: Props) -> UpdateResult:
        """Confirm the membership, or record another name of its resource."""
        return UpdateResult(self._run(resource.update, id, olds, news))

    @one_line_errors
    def delete(self, id: str, props: Props) -> None:
        """Remove the user from the group."""
        if not self._run(resource.delete, id, props):
            tell(f"{self.vendor.title} membership {id} stays as it is: this program declares it")

    def _scope(self, tenant: "Tenant") -> "Operation":
        """Return an operation, which ends within its deadline."""
        return tenant.operation()
