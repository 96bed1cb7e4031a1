"""The counter-example: an account as in Pulumi's documentation of dynamic providers.

What seatwise is measured against. It leaks its key and the password into the state, opens a connection
for every call, makes a second account when an answer is lost, and knows neither update nor delete.
"""

from typing import Any

import httpx
import pulumi
from pulumi import dynamic

HERE_ONLY = ("base", "key", "__provider")


class Provider(dynamic.ResourceProvider):
    """Sends the properties to Enerflo and keeps them all."""

    post = staticmethod(httpx.post)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create the account."""
        base, key = props["base"], props["key"]
        body = {name: value for name, value in props.items() if name not in HERE_ONLY}
        answer = self.post(f"{base}/api/v1/users", headers={"api-key": key}, json=body)
        answer.raise_for_status()
        return dynamic.CreateResult(str(answer.json()["user"]["id"]), outs=props)


class User(dynamic.Resource):
    """An account at Enerflo: `base` is its URL, `key` the API key, the rest is sent as it is."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        """Declare an account."""
        super().__init__(Provider(), name, props, opts)
