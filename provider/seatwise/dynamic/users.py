"""The dynamic provider of single accounts: each resource is one account."""

from typing import TYPE_CHECKING

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from ..core.account import resource
from ..core.account.owner import display_name
from ..core.account.properties import former_owners_of, missing_owner, owner_of
from ..core.team import estimate
from ..core.vendor.errors import AccountError
from ..core.vendor.fields import Problem
from ..core.vendor.secrets import VAULT
from .base import OLD_SDK, DynamicProvider, Props, count_change, failure, one_line_errors, split, tell

if TYPE_CHECKING:
    from ..wire.tenant import Operation, Tenant

MANY = 100
"""From this many new accounts on, and at each doubling, a line says how long they take."""


class Users(DynamicProvider):
    """One vendor's accounts."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._expected = 0

    @one_line_errors
    def check(self, olds: Props, news: Props) -> CheckResult:
        """Find bad input in preview, all problems at once. No network."""
        known, unknown = split(news)
        inputs, problems = resource.check(self.vendor, olds, known, frozenset(unknown), VAULT)
        try:
            problems += missing_owner(news, OLD_SDK)
            problems += resource.declare(self._connected(), olds, inputs, former_owners_of(news))
            self._expect(new=not olds)
        except AccountError as error:
            problems.append(Problem("", str(error)))
        count_change(olds, inputs | unknown)
        return CheckResult(inputs | unknown, [failure(str(each)) for each in problems])

    @one_line_errors
    def diff(self, id: str, olds: Props, news: Props) -> DiffResult:
        """Return whether an update is due. No network.

        Never a replacement: the e-mail stays taken at the vendor.
        """
        known, unknown = split(news)
        is_due = resource.diff(self._connected(), id, olds, known, frozenset(unknown))
        self._report_exchange(olds, news)
        return DiffResult(changes=self._is_renamed(olds, news) or is_due)

    @one_line_errors
    def create(self, props: Props) -> CreateResult:
        """Create the account, or adopt it."""
        return CreateResult(*self._run(resource.create, props))

    @one_line_errors
    def read(self, id: str, props: Props) -> ReadResult:
        """Read the account; an account that is gone leaves the state."""
        found = self._run(resource.read, id, props)
        return ReadResult("", {}) if found is None else ReadResult(id, *found)

    @one_line_errors
    def update(self, id: str, olds: Props, news: Props) -> UpdateResult:
        """Change what differs."""
        return UpdateResult(self._run(resource.update, id, olds, news))

    @one_line_errors
    def delete(self, id: str, props: Props) -> None:
        """Deprovision the account as `on_destroy` says."""
        if not self._run(resource.delete, id, props):
            tell(f"{self.vendor.title} {self.vendor.identity(props)} ({id}) stays as it is: this run continues with it")

    def _report_exchange(self, olds: Props, news: Props) -> None:
        """Show once in a run that accounts exchange e-mails."""
        old, new = (each.get(self.vendor.identity_field) for each in (olds, news))
        if not (isinstance(old, str) and isinstance(new, str)):
            return
        line = self._connected().exchanges.change(display_name(owner_of(news)), old, new)
        if line:
            tell(f"{self.vendor.title}: {line}")

    def _scope(self, tenant: "Tenant") -> "Operation":
        """Return an operation, which ends within its deadline."""
        return tenant.operation()

    def _expect(self, *, new: bool) -> None:
        """Count a new account, and show how long many of them take."""
        self._settings()
        self._expected += new
        hundreds = self._expected // MANY
        if new and self._expected % MANY == 0 and hundreds & (hundreds - 1) == 0:
            cost = estimate.cost(self._connected().vendor, creates=self._expected, read_back_singly=True)
            tell(f"{self.vendor.title}: {self._expected:,} new accounts so far: {cost}")
