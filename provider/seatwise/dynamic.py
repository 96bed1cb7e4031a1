"""Pulumi's door: a dynamic provider that hands everything to the core.

Every state keeps a pickle of `load` called with one string such as `"enerflo:User"`. The names
`seatwise.dynamic.load` and those strings are on other people's disks: they never change.
"""

import base64
import pickle
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from pulumi import dynamic
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from pulumi.output import Unknown

from .core import lifecycle, state, takeover
from .core.errors import AccountError, InvalidAccount
from .core.fields import Problem
from .core.secrets import Vault
from .core.tenant import Removals
from .core.vendor import Vendor
from .wire import loop
from .wire.settings import RunSettings, Settings
from .wire.tenant import Operation, Tenant

P = ParamSpec("P")
R = TypeVar("R")
Props = dict[str, Any]

OWNER = "__owner"
"""Input: which resource of which stack this is, for the journal."""
TENANT = "__tenant"
"""Output: which tenant the account is in."""
VAULT = Vault()
"""The secrets of this process: `check` fills it, `create` and `update` read it."""
REMOVALS = Removals()
"""Whom this process has retired, at all vendors."""


def load(key: str) -> "Door":
    """The provider of a resource such as `"enerflo:User"`."""
    return Door(key)


def vendor_named(name: str) -> type[Vendor]:
    """The vendor in `seatwise/vendors/<name>.py`; raises ModuleNotFoundError when there is none."""
    vendor: type[Vendor] = import_module(f"seatwise.vendors.{name}").VENDOR
    return vendor


def provider_string(key: str) -> str:
    """What a state keeps as `__provider`, as the SDK writes it."""
    return base64.b64encode(pickle.dumps(load(key), protocol=4)).decode()


def import_file(vendor: Vendor, records: list[Mapping[str, Any]]) -> tuple[list[Props], str]:
    """What `pulumi import --file` reads, and the program that declares the same accounts."""
    key = f"{vendor.name}:User"
    accounts = [(vendor.account_id(record), record, takeover.arguments(vendor, record)) for record in records]
    resource_names = takeover.resource_names(str(values.get("email", account)) for account, _, values in accounts)
    provider = {"__provider": provider_string(key)}
    resources = [
        {
            "type": f"pulumi-python:dynamic/seatwise/{key}",
            "name": name,
            "id": account,
            "inputs": values | provider,
            "outputs": takeover.state(vendor, record, values) | {TENANT: vendor.settings.tenant_id} | provider,
        }
        for name, (account, record, values) in zip(resource_names, accounts, strict=True)
    ]
    declared = zip(resource_names, (values for _, _, values in accounts), strict=True)
    return resources, takeover.program(vendor.name, declared)


class Failure(Exception):
    """What the engine prints. Named so that it prints as `seatwise: ...`."""


Failure.__module__ = "builtins"
Failure.__qualname__ = "seatwise"


def _readable(operation: Callable[P, R]) -> Callable[P, R]:
    """Let a failure reach the user as one line: the host sends the whole traceback otherwise."""

    def one_line(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except AccountError as error:
            raise Failure(str(error)) from None

    return one_line


class Door(dynamic.ResourceProvider):
    """One vendor's resources in one provider process. Called from four threads."""

    serialize_as_secret_always = False  # it holds nothing but its key

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.vendor = vendor_named(key.partition(":")[0])
        self._config: Callable[[str], Any] = lambda key: None
        self._loaded: Settings | None = None
        self._tenant: Tenant | None = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[Callable[[str], "Door"], tuple[str]]:
        return load, (self.key,)

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Keep the configuration; nothing is sent before it is needed."""
        # In the program's own process this would make a failing `up` hang; the host alone configures.
        sys.tracebacklimit = 0
        self._config = req.config.get

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Bad input fails here, in preview, all problems at once. No network."""
        known, unknown = _split(_arguments(news))
        values, problems = state.check(self.vendor, self._typed(olds), known, frozenset(unknown), VAULT)
        try:
            self._settings()
        except AccountError as error:
            problems.append(Problem("", str(error)))
        ours = {OWNER: news[OWNER]} if OWNER in news else {}
        return CheckResult(values | unknown | ours, [self._failure(problem) for problem in problems])

    @_readable
    def diff(self, id: str, olds: Props, news: Props) -> DiffResult:
        """Whether an update is due: to change something, or to see what became of an earlier one. No network.

        Never a replacement: the e-mail stays taken at the vendor.
        """
        self._same_tenant(id, olds)
        known, unknown = _split(_arguments(news))
        changes = state.diff(self.vendor, self._typed(olds), known, frozenset(unknown))
        in_doubt = self._connected().journal.doubt_about(id) is not None
        return DiffResult(changes=changes or in_doubt)

    @_readable
    def create(self, props: Props) -> CreateResult:
        """Make the account, or take it over."""
        account, outs = self._run(lifecycle.create, self._typed(_arguments(props)), str(props.get(OWNER, "")))
        return CreateResult(account, self._signed(outs))

    @_readable
    def read(self, id: str, props: Props) -> ReadResult:
        """Read the account; one that is gone leaves the state."""
        self._same_tenant(id, props)
        found = self._run(lifecycle.read, id, self._typed(props))
        if found is None:
            return ReadResult("", {})
        return ReadResult(id, self._signed(found.outputs), found.inputs)

    @_readable
    def update(self, id: str, olds: Props, news: Props) -> UpdateResult:
        """Change what differs."""
        self._same_tenant(id, olds)
        outs = self._run(lifecycle.update, id, self._typed(olds), self._typed(_arguments(news)))
        return UpdateResult(self._signed(outs))

    @_readable
    def delete(self, id: str, props: Props) -> None:
        """Retire the account as `on_destroy` says."""
        self._same_tenant(id, props)
        self._run(lifecycle.delete, id, self._typed(props))

    def _signed(self, outs: Props) -> Props:
        return outs | {TENANT: self._settings().tenant_id}

    def _same_tenant(self, id: str, olds: Props) -> None:
        """Refuse to touch an account that another tenant made: its id means somebody else here."""
        made_by, here = olds.get(TENANT), self._settings().tenant_id
        if made_by not in (None, here):
            raise InvalidAccount(
                f"it was made in the tenant {made_by}, and this resource's provider is for {here}",
                vendor=self.vendor.title,
                account=f"{olds.get('email', '')} ({id})",
                remedy="Give it the provider of its own tenant, or declare it under a new name. If it is the same "
                f"tenant at a new address, set {self.vendor.name.upper()}_TENANT to {made_by}",
            )

    def _typed(self, props: Props) -> Props:
        return self.vendor.schema.typed(_bare(props))

    def _settings(self) -> Settings:
        if self._loaded is None:
            RunSettings.load()  # a bad one is better known in preview
            self._loaded = self.vendor.settings_type.load(self._config)
        return self._loaded

    def _connected(self) -> Tenant:
        with self._lock:
            if self._tenant is None:
                run = RunSettings.load()
                REMOVALS.most = run.max_removals
                self._tenant = Tenant(self.vendor(self._settings()), VAULT, _tell, run, REMOVALS)
            return self._tenant

    def _run(self, operation: Callable[..., Awaitable[R]], *arguments: object) -> R:
        """Run an operation of the core in the event loop, to be ended within its deadline."""
        tenant = self._connected()

        async def run() -> R:
            return await operation(Operation(tenant), *arguments)

        return loop.call(run)

    def _failure(self, problem: Problem) -> CheckFailure:
        field = self.vendor.schema.get(problem.field)
        if field is not None and not field.secret:
            return CheckFailure(problem.field, problem.reason)
        # The engine prints the value of the property that a failure names.
        reason = f"{problem.field} {problem.reason}" if problem.field else problem.reason
        return CheckFailure("", reason)


def _tell(text: str) -> None:
    """Say something among the output of `pulumi`: the host's stdout becomes its info lines."""
    sys.stdout.write(f"seatwise: {text}\n")
    sys.stdout.flush()


def _bare(props: Props) -> Props:
    """The properties of the account: without Pulumi's own, and without the tenant it is in."""
    return {name: value for name, value in props.items() if name not in ("__provider", TENANT)}


def _arguments(props: Props) -> Props:
    """What the program said, without anything of Pulumi's or our own."""
    return {name: value for name, value in props.items() if not name.startswith("__")}


def _split(props: Props) -> tuple[Props, Props]:
    """Properties that are known, and those that are not known (throughout) before the update runs."""
    unknown = {name: value for name, value in props.items() if _has_unknown(value)}
    return {name: value for name, value in props.items() if name not in unknown}, unknown


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_unknown(each) for each in value.values())
    if isinstance(value, list):
        return any(_has_unknown(each) for each in value)
    return isinstance(value, Unknown)
