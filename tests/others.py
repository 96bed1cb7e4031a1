"""scim2-server, a server that other people wrote."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, cast

import httpx
from scim2_models import ScimProvider
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from seatwise.wire.settings import RunSettings
from virtual import World


@cache
def described() -> ScimProvider:
    """The service's description of itself, which never changes: to make its models takes longer than a test."""
    return ScimProvider.from_discovery(
        load_default_schemas().values(),
        load_default_resource_types().values(),
        config=load_default_service_provider_config(),
    )


def scim2_server(storage: InMemoryStorage | None = None) -> Any:
    """An ASGI application with these users and groups; empty without any."""
    return cast(Any, ASGIApplication(AsyncInMemoryStorage(storage), described()))


class AtScim2Server(World):
    """A tenant at such a server (`given` are settings of it)."""

    def __init__(self, run: RunSettings | None = None, given: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__("scim", run, given={**given, "base_url": "http://127.0.0.1"})
        self._storage = InMemoryStorage()
        self._inner = httpx.ASGITransport(scim2_server(self._storage))

    @property
    def accounts(self) -> dict[str, dict[str, Any]]:
        """The users and groups, by id, as the server has them."""
        shape: Any = {"scim_ctx": None, "mode": "json", "by_alias": True, "exclude_none": True}
        return {str(each.id): each.model_dump(**shape) for each in self._storage.resources}
