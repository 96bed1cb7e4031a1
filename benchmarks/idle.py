"""A dynamic provider that does nothing: what is left is the engine's own time and state."""

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi import dynamic


def provider() -> "Provider":
    """What the state keeps instead of the provider: pickled by reference, it stays small (as seatwise's own)."""
    return Provider()


class Provider(dynamic.ResourceProvider):
    """Keeps the properties."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Callable[[], "Provider"], tuple[()]]:
        return provider, ()

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Nothing."""
        return dynamic.CreateResult("1", props)


class Idle(dynamic.Resource):
    """A resource with these properties that stands for nothing."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(Provider(), name, props, opts)
