"""scim2-server, a server that nobody here wrote."""

from typing import Any, cast

from scim2_models import ScimProvider
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)


def scim2_server(storage: InMemoryStorage | None = None) -> Any:
    """An ASGI application with these users and groups; empty without any."""
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(),
        load_default_resource_types().values(),
        config=load_default_service_provider_config(),
    )
    return cast(Any, ASGIApplication(AsyncInMemoryStorage(storage), provider))


def users_in(storage: InMemoryStorage) -> dict[str, dict[str, Any]]:
    """The users, by id, as the server has them."""
    shape: Any = {"scim_ctx": None, "mode": "json", "by_alias": True, "exclude_none": True}
    return {str(each.id): each.model_dump(**shape) for each in storage.resources}
