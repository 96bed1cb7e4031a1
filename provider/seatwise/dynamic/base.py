"""The base of all dynamic providers: settings, the one tenant of the process, failures in one line."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pulumi import dynamic
from pulumi.dynamic import CheckFailure
from pulumi.output import Unknown

from ..core.account import properties
from ..core.account.removals import Removals
from ..core.account.resource import renaming
from ..core.vendor.errors import AccountError, SettingsError, unexpected
from ..core.vendor.secrets import VAULT
from ..core.vendor.vendor import Vendor
from ..vendors import names, vendor_named
from ..wire import loop
from ..wire.engine import StackState, writes_checkpoints
from ..wire.settings import PROVIDER, RunSettings, Settings
from .host import collect_rarely, end_with_engine, keeps_internal_properties, widen

if TYPE_CHECKING:
    from ..wire.tenant import Operation, Tenant

P = ParamSpec("P")
R = TypeVar("R")
Props = dict[str, Any]

OLD_SDK = "install pulumi 3.235 or newer where the provider runs (`pip install -U pulumi`)"
"""The remedy where the SDK drops what begins with `__`."""
REMOVALS = Removals()
"""The removals of this process, at all vendors."""
ENGINE_STATE = StackState()
"""The engine's state, exported once a run, whatever the number of vendors."""
TENANTS: list["Tenant"] = []
"""The tenants of this process. Users and Rosters of one vendor share one."""
MANY_CHANGES = 300
"""From this many changed resources on, most of the engine's time goes into checkpoints."""
_changes = count(1)
_lock = Lock()


class Failure(Exception):
    """The exception whose text the engine prints, as `seatwise: ...`."""


Failure.__module__ = "builtins"
Failure.__qualname__ = "seatwise"


def one_line_errors(operation: Callable[P, R]) -> Callable[P, R]:
    """Make a failure one line for the user; otherwise Pulumi's host sends the whole traceback."""

    def one_line(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except AccountError as error:
            raise Failure(VAULT.message(str(error))) from None
        except Exception as error:
            raise Failure(str(unexpected(error))) from None

    return one_line


class DynamicProvider(dynamic.ResourceProvider):
    """One vendor's resources in one provider process. Called from several threads."""

    serialize_as_secret_always = False  # it holds nothing but its key

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.vendor = vendor_named(key.partition(":")[0])
        self._config: Callable[[str], Any] = lambda key: None
        self._loaded: Settings | None = None
        self._tenant: Tenant | None = None
        self._has_reported_names = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Keep the configuration; nothing is sent before it is needed. Raises Failure for an SDK that is too old."""
        # In the program's own process this would make a failing `up` hang; the host alone configures.
        sys.tracebacklimit = 0
        _end_with_engine()
        self._config = req.config.get
        if not keeps_internal_properties():  # a destroy and a refresh have no `check` that would notice
            raise Failure(f"this version of Pulumi's SDK drops what states say of accounts: {OLD_SDK}")

    def _settings(self) -> Settings:
        if self._loaded is None:
            run = RunSettings.load()  # a bad one is better known in preview
            if run.threads is not None and not widen(run.threads):
                tell("SEATWISE_THREADS has no effect: this version of Pulumi or Python, or the system, has no more")
            if run.collect_rarely:
                collect_rarely()
            self._refuse_other_vendors_provider()
            self._loaded = self.vendor.settings_type.load(self._config)
            VAULT.learn(*self._loaded.secrets())
        return self._loaded

    def _refuse_other_vendors_provider(self) -> None:
        """Raise SettingsError if this process has the configuration of another vendor's Provider."""
        others = [name for name in names() if self._config(f"{name}:{PROVIDER}") and name != self.vendor.name]
        if others:
            raise SettingsError(
                f"an account of {self.vendor.name} has a provider of {others[0]}",
                vendor=self.vendor.title,
                remedy=f'Give it one of {self.vendor.name} ({self.vendor.name}.Provider("main") is the main tenant)',
            )

    def _connected(self) -> "Tenant":
        if self._tenant is None:
            self._tenant = tenant_with(self.vendor, self._settings())
        return self._tenant

    def _scope(self, tenant: "Tenant") -> "Tenant | Operation":
        """Return the tenant that an operation of the core gets. Called in the event loop."""
        raise NotImplementedError

    def _run(self, operation: Callable[..., Awaitable[R]], *arguments: object) -> R:
        """Run an operation of the core in the event loop."""
        tenant = self._connected()

        async def run() -> R:
            return await operation(self._scope(tenant), *arguments)

        return loop.call(run)

    def _is_renamed(self, olds: Props, news: Props) -> bool:
        """Return whether the resource or its stack has another name now, which an update records; say so once."""
        names = renaming(olds, news)
        if names is not None and not self._has_reported_names:
            self._has_reported_names = True
            line = f"{names[0]} is {names[1]} now, and so on"
            tell(f"{line}: `pulumi up` records the new names, and sends nothing for that")
        return names is not None


@cache
def _end_with_engine() -> None:
    """Watch the engine, once for this process."""
    end_with_engine(loop.is_idle)


def tenant_with(vendor: type[Vendor], settings: Settings) -> "Tenant":
    """Return the tenant of this process that has these settings; create it if necessary."""
    from ..wire.tenant import Tenant  # with httpx, which a program needs for its look-ups alone

    run = RunSettings.load()
    with _lock:
        for tenant in TENANTS:
            if tenant.vendor.settings == settings and tenant.run == run and not tenant.is_closed:
                return tenant
        REMOVALS.most = run.max_removals
        TENANTS.append(Tenant(vendor(settings), VAULT, tell, run, REMOVALS, engine_state=ENGINE_STATE))
        return TENANTS[-1]


def count_change(olds: Props, inputs: Props) -> None:
    """Count a resource if its inputs change; at the 300th say that `seatwise run` saves time, if it does."""
    is_changed = inputs != {name: value for name, value in olds.items() if name != properties.PROVIDER}
    if is_changed and next(_changes) == MANY_CHANGES and writes_checkpoints():
        tell(
            f"{MANY_CHANGES} resources change so far, and pulumi writes the whole state twice for each: "
            "`seatwise run -- pulumi up` writes it once (`seatwise run --help`)"
        )


def failure(reason: str) -> CheckFailure:
    """Return why inputs are refused. It names no property: the engine would print its value, secret or not."""
    return CheckFailure("", VAULT.message(reason))


def tell(text: str) -> None:
    """Print a line among the output of `pulumi`: the host's stdout becomes info lines.

    Characters that its encoding does not have are replaced.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    line = f"seatwise: {VAULT.message(text)}\n"
    sys.stdout.write(line.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def split(props: Mapping[str, Any]) -> tuple[Props, Props]:
    """Split properties into known ones and ones with an unknown value anywhere in them."""
    unknown = {name: value for name, value in props.items() if _has_unknown(value)}
    return {name: value for name, value in props.items() if name not in unknown}, unknown


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_unknown(each) for each in value.values())
    if isinstance(value, list):
        return any(_has_unknown(each) for each in value)
    return isinstance(value, Unknown)
