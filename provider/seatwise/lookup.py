"""Look-ups in a program: functions whose results are outputs, in preview as well.

They run in the program's own process, on the event loop that all of seatwise's requests run in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pulumi
from pulumi import Input, Output
from pulumi.runtime import get_config
from pulumi.runtime.settings import get_root_resource

from .account import TenantProvider
from .core.errors import AccountError
from .core.lookup import Lookups
from .core.secrets import VAULT
from .core.vendor import Vendor
from .doors.door import tenant_with
from .wire import loop
from .wire.settings import Settings
from .wire.tenant import Tenant

T = TypeVar("T")
_RUNS: WeakKeyDictionary[Any, dict[Tenant, Lookups]] = WeakKeyDictionary()
"""What was looked up, by run: one process may run a program several times."""


def ask(
    vendor: type[Vendor],
    provider: TenantProvider | None,
    question: Callable[..., Awaitable[T]],
    *arguments: Input[Any],
) -> Output[T]:
    """The answer to a question, which gets a `Lookups` and the arguments.

    Unknown as long as an argument or a setting of the provider is. What goes wrong ends the program with one line.
    """
    # What is found is no secret for the sake of the credentials that it took.
    given = None if provider is None else Output.unsecret(Output.from_input(provider.given(vendor.name)))
    return Output.all(given, *arguments).apply(lambda known: _answer(vendor, question, *known))


async def _answer(
    vendor: type[Vendor], question: Callable[..., Awaitable[T]], given: Mapping[str, Any] | None, *values: Any
) -> T:
    run = _RUNS.setdefault(get_root_resource() or asyncio.get_running_loop(), {})

    async def answer(settings: Settings) -> T:
        tenant = tenant_with(vendor, settings)
        return await question(run.setdefault(tenant, Lookups(tenant)), *values)

    try:
        settings = vendor.settings_type.load(get_config if given is None else given.get)
        return await asyncio.wrap_future(loop.start(answer, settings))
    except AccountError as error:
        raise pulumi.RunError(VAULT.message(str(error))) from None
