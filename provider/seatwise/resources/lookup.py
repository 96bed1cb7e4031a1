"""Look-ups in a program: functions whose results are outputs, in preview as well.

They run in the program's own process, on the event loop that all of seatwise's requests run in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import pulumi
from pulumi import Input, Output
from pulumi.runtime import get_config
from pulumi.runtime.settings import get_root_resource

from ..core.queries.lookup import Lookups, argument_problems
from ..core.vendor.errors import AccountError, UnknownName
from ..core.vendor.secrets import VAULT, Known
from ..core.vendor.vendor import Named, NameList, Vendor
from ..dynamic.base import tenant_with
from ..vendors import module_named
from ..wire import loop
from ..wire.settings import Settings
from .fields import LookupResult as LookupResult
from .provider import TenantProvider

if TYPE_CHECKING:
    from ..wire.tenant import Tenant

T = TypeVar("T")
P = TypeVar("P", bound=TenantProvider)
R = TypeVar("R", bound=LookupResult)
N = TypeVar("N", bound=Named)
I_co = TypeVar("I_co", covariant=True)
_RUNS: "WeakKeyDictionary[Any, dict[Tenant, Lookups]]" = WeakKeyDictionary()
"""The look-ups of each run: one process may run a program several times."""


class Lookup(Generic[P]):
    """A look-up of a vendor's module, where its name is found: it is pickled by this name, as a function is."""

    def __init__(self, vendor: type[Vendor], provider: type[P]) -> None:
        self._vendor = vendor
        self.__module__ = vendor.__module__
        self.__doc__ = type(self).__call__.__doc__

    def __call__(self, *args: Any, **keywords: Any) -> Output[Any]:
        """Ask the vendor."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> str:
        """Return the name that a function of this kind would have."""
        if name not in ("__name__", "__qualname__"):
            raise AttributeError(name)
        return next(name for name, value in vars(module_named(self._vendor.name)).items() if value is self)

    def __reduce__(self) -> str:
        return self.__getattr__("__qualname__")


class UserLookup(Lookup[P], Generic[P, R]):
    """Finds a user by e-mail: a vendor's `get_user`."""

    def __init__(self, vendor: type[Vendor], provider: type[P], kind: type[R]) -> None:
        super().__init__(vendor, provider)
        self._kind = kind

    def __call__(self, email: Input[str], *, provider: P | None = None) -> Output[R]:
        """Return the user with this e-mail, in this stack or not. The program fails if no user has it."""
        return ask(self._vendor, provider, lambda lookups, email: lookups.user(self._kind, email), email)


class UsersLookup(Lookup[P], Generic[P, R]):
    """Finds the users in a vendor's list: `get_users` of a vendor without conditions of its own."""

    def __init__(self, vendor: type[Vendor], provider: type[P], kind: type[R]) -> None:
        super().__init__(vendor, provider)
        self._kind = kind

    def __call__(self, *, active: Input[bool] | None = None, provider: P | None = None) -> Output[list[R]]:
        """Return all users, or only the active or inactive users."""
        return ask(self._vendor, provider, self._users, active)

    async def _users(self, lookups: Lookups, active: bool | None) -> list[R]:
        return await lookups.users(self._kind, active=active)


class ListLookup(Lookup[P], Generic[P, N]):
    """Gives all items of a vendor's list: `get_offices` and the like."""

    def __init__(self, vendor: type[Vendor], provider: type[P], listed: NameList[N]) -> None:
        super().__init__(vendor, provider)
        self._listed = listed

    def __call__(self, *, provider: P | None = None) -> Output[list[N]]:
        """Return all items of the vendor's list."""
        return ask(self._vendor, provider, lambda lookups: lookups.items(self._listed))


class HasId(Protocol[I_co]):
    """An item with an id of this type."""

    @property
    def id(self) -> I_co:
        """The id."""

    @property
    def name(self) -> str:
        """The name."""


class IdLookup(Lookup[P], Generic[P, I_co]):
    """Finds an id by the name that people know: `office_id` and the like."""

    def __init__(self, vendor: type[Vendor], provider: type[P], listed: NameList[Any], kind: type[HasId[I_co]]) -> None:
        super().__init__(vendor, provider)
        self._listed = listed

    def __call__(self, name: Input[str], *, provider: P | None = None) -> Output[I_co]:
        """Return the id of the item with this name. The program fails if no item or several items have it."""
        found = ask(self._vendor, provider, lambda lookups, name: lookups.by_name(self._listed, name), name)
        return found.apply(lambda one: one.id)


def ask(
    vendor: type[Vendor],
    provider: TenantProvider | None,
    question: Callable[..., Awaitable[T]],
    *arguments: Input[Any],
) -> Output[T]:
    """Return the answer to a question, which gets a `Lookups` and the arguments.

    The answer is unknown while an argument or a setting of the provider is unknown. An error ends the program with
    one line.
    """
    if not isinstance(provider, TenantProvider | None):
        raise pulumi.RunError(f"provider must be {vendor.name}.Provider(...)")
    # A result is not secret because of the credentials that it took.
    given = None if provider is None else Output.unsecret(Output.from_input(provider.given(vendor.name)))
    outputs = [Output.from_input(argument) for argument in arguments]
    return Output.all(given, *outputs).apply(lambda known: _answer(vendor, question, known[0], known[1:], outputs))


async def _answer(
    vendor: type[Vendor],
    question: Callable[..., Awaitable[T]],
    given: Mapping[str, Any] | None,
    values: Sequence[Any],
    outputs: Sequence[Output[Any]],
) -> T:
    reasons = argument_problems(question, values)
    if reasons:
        raise pulumi.RunError(f"{vendor.title}: {'; '.join(reasons)}")
    texts = [(value, output) for value, output in zip(values, outputs, strict=True) if isinstance(value, str)]
    secrets = [value for value, output in texts if await output.is_secret()]
    VAULT.learn(*secrets)
    run = _RUNS.setdefault(get_root_resource() or asyncio.get_running_loop(), {})

    async def answer(settings: Settings) -> T:
        tenant = tenant_with(vendor, settings)
        return await question(run.setdefault(tenant, Lookups(tenant)), *values)

    try:
        settings = vendor.settings_type.load(get_config if given is None else given.get)
        return await asyncio.wrap_future(loop.start(answer, settings))
    except AccountError as error:
        raise pulumi.RunError(_message(error, secrets)) from None


def _message(error: AccountError, secrets: Sequence[str]) -> str:
    """Return the error as one line, without the secret arguments, however short, and without similar names."""
    if secrets and isinstance(error, UnknownName):
        error = UnknownName("none or several have this secret name", vendor=error.vendor, remedy=error.remedy)
    own = Known()
    own.learn(*secrets)
    return VAULT.message(own.blanked(str(error), is_quoted=True))
