"""A dynamic provider that does nothing, to measure the time and state of the engine alone."""

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi import dynamic


def provider() -> "Provider":
    """Return the provider; states contain a pickle by reference to this function, which is small (as seatwise's)."""
    return Provider()


class Provider(dynamic.ResourceProvider):
    """Keeps the properties."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Callable[[], "Provider"], tuple[()]]:
        return provider, ()

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Do nothing."""
        return dynamic.CreateResult("1", props)


class Idle(dynamic.Resource):
    """A resource with these properties and nothing behind it."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(Provider(), name, props, opts)
