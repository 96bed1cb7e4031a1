"""The Pulumi resource that every vendor's `User` extends."""

import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypedDict

import pulumi
from pulumi import Input, Output, dynamic

from .core.fields import NEVER_SENT, UNREADABLE
from .dynamic import load


class AccountArgs(TypedDict, total=False):
    """Arguments that every account has and no vendor sees."""

    on_existing: Input[Annotated[Literal["fail", "adopt"], NEVER_SENT, UNREADABLE]]
    """What to do when an account with this e-mail is there already: `"fail"` (default) or `"adopt"` it."""
    on_destroy: Input[Annotated[Literal["deactivate", "delete", "retain"], NEVER_SENT, UNREADABLE]]
    """What becomes of the account on destroy: `"deactivate"` (default), `"delete"` where the vendor can,
    or `"retain"`. An adopted account is retained unless this is given."""


class Account(dynamic.Resource):
    """One account of one vendor. Use a vendor's `User`."""

    adopted: Output[bool]
    """Whether the account was there before seatwise."""

    def __init__(self, resource_name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        provider = load(self.key())
        schema = provider.vendor.schema
        secrets = [field.name for field in schema.values() if field.secret]
        props = dict.fromkeys(outputs_of(type(self))) | {
            name: Output.secret(value) if name in secrets else value for name, value in args.items()
        }
        ours = pulumi.ResourceOptions(additional_secret_outputs=[name for name in secrets if name in args])
        super().__init__(provider, resource_name, props, pulumi.ResourceOptions.merge(ours, opts))

    @classmethod
    def key(cls) -> str:
        """`enerflo:User`: what the state keeps to find the code again."""
        return cls._resource_type_name.rpartition("/")[2]


def outputs_of(resource: type[Account]) -> dict[str, Any]:
    """The annotated outputs of a resource class, by name."""
    return {
        name: annotation
        for cls in reversed(resource.__mro__)
        if issubclass(cls, Account)
        for name, annotation in cls.__annotations__.items()
        if str(typing.get_origin(annotation)) == str(Output)
    }
