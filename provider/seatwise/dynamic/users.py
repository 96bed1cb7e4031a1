"""The dynamic provider of single accounts: each resource is one account."""

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from ..core.account import lifecycle, state
from ..core.account.owner import display_name
from ..core.team import estimate
from ..core.vendor.errors import AccountError
from ..core.vendor.fields import Problem
from ..core.vendor.secrets import VAULT
from ..wire.tenant import Operation, Tenant
from .base import (
    OWNER,
    DynamicProvider,
    Props,
    arguments,
    bare,
    failure,
    one_line_errors,
    owned,
    owner_of,
    split,
    tell,
    unowned,
)

MANY = 100
"""New accounts from which on it is told how long they take; then at each doubling."""


class Users(DynamicProvider):
    """One vendor's accounts."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._expected = 0

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Bad input fails here, in preview, all problems at once. No network."""
        known, unknown = split(arguments(news))
        whose = [owner_of(news)] if owner_of(news) else []
        values, problems = state.check(self.vendor, self._typed(olds), known, frozenset(unknown), VAULT, whose)
        ours = {OWNER: news[OWNER]} if OWNER in news else {}
        try:
            problems += unowned(news)
            if olds:
                self._connected().ownership.record_in_state(owner_of(news), owner_of(olds))
            elif owner_of(news):
                self._connected().journal.declare(owner_of(news), [str(values.get("email", ""))])
            problems += self._claim(values.get("email"), owner_of(news))
            self._expect(new=not olds)
        except AccountError as error:
            problems.append(Problem("", str(error)))
        return CheckResult(values | unknown | ours, [failure(str(each)) for each in problems])

    @one_line_errors
    def diff(self, id: str, olds: Props, news: Props) -> DiffResult:
        """Whether an update is due: to change something, or to see what became of an earlier one. No network.

        Never a replacement: the e-mail stays taken at the vendor.
        """
        self._same_tenant(id, olds)
        tenant, owner = self._connected(), owner_of(news)
        tenant.ownership.assign_declared(id, news.get("email"), owner)
        tenant.journal.acknowledge([id], owner)
        self._tell_exchange(olds, news)
        known, unknown = split(arguments(news))
        before = self._typed(olds)
        changes = state.diff(self.vendor, before, known, frozenset(unknown)) or before.keys() != bare(olds).keys()
        is_unconfirmed = tenant.journal.why_unconfirmed(id, state.revision_of(olds)) is not None
        return DiffResult(changes=self._is_renamed(olds, news) or changes or is_unconfirmed)

    @one_line_errors
    def create(self, props: Props) -> CreateResult:
        """Make the account, or take it over."""
        account, outs = self._run(lifecycle.create, self._typed(arguments(props)), owner_of(props))
        return CreateResult(account, self._signed(outs, props))

    @one_line_errors
    def read(self, id: str, props: Props) -> ReadResult:
        """Read the account; one that is gone leaves the state."""
        self._same_tenant(id, props)
        if state.DECLARED in props:  # not for a `get`: such an account is not the stack's
            self._connected().journal.acknowledge([id])
        found = self._run(lifecycle.read, id, self._typed(props))
        if found is None:
            return ReadResult("", {})
        return ReadResult(id, self._signed(found.outputs, props), owned(found.inputs, props))

    @one_line_errors
    def update(self, id: str, olds: Props, news: Props) -> UpdateResult:
        """Change what differs."""
        self._same_tenant(id, olds)
        outs = self._run(lifecycle.update, id, self._typed(olds), self._typed(arguments(news)))
        return UpdateResult(self._signed(outs, news))

    @one_line_errors
    def delete(self, id: str, props: Props) -> None:
        """Retire the account as `on_destroy` says."""
        self._same_tenant(id, props)
        if not self._run(lifecycle.delete, id, self._typed(props), owner_of(props)):
            tell(f"{self.vendor.title} {props.get('email', '')} ({id}) stays as it is: it goes on in this run")

    def _tell_exchange(self, olds: Props, news: Props) -> None:
        """Say once in a run that accounts exchange e-mails."""
        old, new = olds.get("email"), news.get("email")
        if not (isinstance(old, str) and isinstance(new, str)):
            return
        line = self._connected().exchanges.change(display_name(owner_of(news)), old, new)
        if line:
            tell(f"{self.vendor.title}: {line}")

    def _scope(self, tenant: Tenant) -> Operation:
        """An operation, to be ended within its deadline."""
        return tenant.operation()

    def _expect(self, *, new: bool) -> None:
        """Count a new account, and tell what many cost."""
        self._settings()
        self._expected += new
        hundreds = self._expected // MANY
        if new and self._expected % MANY == 0 and hundreds & (hundreds - 1) == 0:
            cost = estimate.cost(self._connected().vendor, creates=self._expected, read_back_singly=True)
            tell(f"{self.vendor.title}: {self._expected:,} new accounts so far: {cost}")
