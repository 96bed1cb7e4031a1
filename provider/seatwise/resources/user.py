"""The Pulumi resource that every vendor's `User` extends, and one account of a person."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from dataclasses import InitVar
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import pulumi
from pulumi import Output, dynamic

from ..core.account.properties import secret_outputs, with_owner
from ..core.vendor.fields import NEVER_SENT, UNREADABLE, Schema, bare, is_not_given, unfit
from ..core.vendor.text import module_name
from ..core.vendor.vendor import Vendor
from ..dynamic import load
from ..vendors import vendor_named
from .fields import OPTIONAL, Fields, ReadOnly, WriteOnly, declared_arguments, declared_outputs, positional, read_only
from .owners import former_owners, owner_named
from .provider import PACKAGE, TenantProvider
from .waiting import awaited_as_one


class AccountArgs(Fields):
    """Arguments that every account has and no vendor sees."""

    on_existing: WriteOnly[Annotated[Literal["fail", "adopt"], NEVER_SENT, UNREADABLE]] = OPTIONAL
    """What to do when an account with this e-mail is there already: `"fail"` (default) or `"adopt"` it."""
    on_destroy: WriteOnly[Annotated[Literal["deactivate", "delete", "retain"], NEVER_SENT, UNREADABLE]] = OPTIONAL
    """What becomes of the account on destroy: `"deactivate"` (default), `"delete"` where the vendor can,
    or `"retain"`. An adopted account is retained unless this is given."""


class UserResource(Fields, dynamic.Resource):
    """One account of one vendor. Use a vendor's `User`."""

    adopted: Output[bool] = read_only()
    """Whether the account was there before seatwise."""
    if TYPE_CHECKING:
        resource_name: InitVar[str] = positional(kw_only=False)
        opts: InitVar[pulumi.ResourceOptions | None] = positional(kw_only=False, default=None)

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Name the type after the vendor's module, and annotate the outputs, by which Pulumi gives them their types."""
        super().__init_subclass__(**{"module": f"seatwise/{module_name(cls)}", "name": cls.__name__} | keywords)
        annotations: dict[str, Any] = {}
        for name, each in declared_outputs(cls).items():
            type_: Any = bare(each.type)
            annotations[name] = Output[type_]
        cls.__annotations__ = annotations | inspect.get_annotations(cls)

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Any) -> None:
        """Declare an account. Raises pulumi.RunError for a value that the engine would change."""
        provider = load(self.key())
        refuse_provider(resource_name, provider.vendor.name, opts)
        refuse_import(resource_name, opts, f'run `seatwise import {provider.vendor.name}`, or say on_existing="adopt"')
        schema = provider.vendor.schema
        secrets = sorted(schema.secrets)
        given = {name: None if is_not_given(value) else value for name, value in args.items()}
        _refuse_unfit(resource_name, given)
        props = dict.fromkeys(outputs_of(type(self))) | {
            name: Output.secret(value) if name in secrets else value for name, value in given.items()
        }
        hidden = secret_outputs((name for name in secrets if name in args), may_be_secret=_may_be_secret(given))
        ours = pulumi.ResourceOptions(additional_secret_outputs=hidden)
        if opts is not None and opts.custom_timeouts is not None:
            variable = provider.vendor.settings_type.variable("deadline")
            hint = f"custom_timeouts do not reach a dynamic provider: set {variable} (seconds) instead"
            pulumi.log.warn(f"{resource_name}: {hint}")
        props = with_owner(props, owner_named(resource_name, opts), former_owners(self, resource_name, opts))
        with awaited_as_one():
            super().__init__(provider, resource_name, props, pulumi.ResourceOptions.merge(ours, opts))

    @classmethod
    def get(cls, resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Self:
        """Return an account that exists, which this stack reads and does not own.

        seatwise never changes it. If the vendor has no account with this id, the preview fails.
        Raises pulumi.RunError for an id that is not text.
        """
        if not isinstance(id, Output | Awaitable):
            _refuse_unfit(resource_name, {"id": id})
            if not isinstance(id, str) or not id:
                raise pulumi.RunError(f'{resource_name}: id must be text, such as "1042"')
        account = cls.__new__(cls)
        UserResource.__init__(account, resource_name, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)))
        return account

    @classmethod
    def key(cls) -> str:
        """Return the key under which a state finds the code again, such as `enerflo:User`."""
        return cls._resource_type_name.rpartition("/")[2]


def _refuse_unfit(resource_name: str, args: Mapping[str, Any]) -> None:
    """Raise pulumi.RunError for a known value that the engine would change: no later check sees the original."""
    reasons = [f"{name} {reason}" for name, value in args.items() if (reason := _unsupported(value) or unfit(value))]
    if reasons:
        raise pulumi.RunError(f"{resource_name}: {'; '.join(reasons)}")


def _unsupported(value: Any) -> str:
    """Return why Pulumi's SDK would end in a traceback with a value; empty if it would not."""
    if isinstance(value, list | tuple):
        found = ((number, _unsupported(each)) for number, each in enumerate(value))
        return next((f"item {number}: {reason}" for number, reason in found if reason), "")
    if isinstance(value, bytes | bytearray | memoryview):
        return "must be text, and is bytes"
    if isinstance(value, Set | range | Iterator):
        return f"must be a list, and is a {type(value).__name__}"
    if value is None or isinstance(value, str | int | float | Mapping | Sequence | Enum | Output | Awaitable):
        return ""
    return f"must be text, a number, a flag or a list, and is a {type(value).__name__}"


def _may_be_secret(value: Any) -> bool:
    """Return whether a value is an output, which a program may have made secret, or holds one or awaits one."""
    if isinstance(value, Mapping):
        return any(map(_may_be_secret, value.values()))
    if isinstance(value, Output | Awaitable):
        return True
    return isinstance(value, Sequence) and not isinstance(value, str) and any(map(_may_be_secret, value))


def refuse_import(resource_name: str, opts: pulumi.ResourceOptions | None, remedy: str) -> None:
    """Raise pulumi.RunError for the option `import_`: the engine gives a dynamic provider nothing but the id then."""
    if opts is not None and opts.import_ is not None:
        raise pulumi.RunError(f"{resource_name}: the option import_ cannot take over an account: {remedy}")


def refuse_provider(resource_name: str, vendor: str, opts: pulumi.ResourceOptions | None) -> None:
    """Raise pulumi.RunError where the options, or a parent, give an account of this vendor a Provider of another one.

    Its process would read this vendor's settings of the main tenant.
    """
    provider = _provider_in(opts) if opts is not None else None
    if isinstance(provider, TenantProvider) and provider.vendor != vendor:
        raise pulumi.RunError(
            f"{resource_name}: this is of {vendor}, and its provider {provider.pulumi_resource_name} is one of "
            f'{provider.vendor}: give it one of {vendor} ({vendor}.Provider("main") is the main tenant)'
        )


def _provider_in(opts: pulumi.ResourceOptions) -> pulumi.ProviderResource | None:
    """Return the explicit provider of a dynamic resource with these options, as the SDK finds it."""
    if opts.provider is not None and opts.provider.package == PACKAGE:
        return opts.provider
    several = opts.providers or {}
    by_package = several if isinstance(several, Mapping) else {each.package: each for each in several}
    inherited = opts.parent.get_provider(f"{PACKAGE}:dynamic:Resource") if opts.parent is not None else None
    return by_package.get(PACKAGE) or inherited


class PersonAccount(Fields):
    """One account of a `seatwise.Person`, before it is declared. Use a vendor's `Account`."""

    user: ClassVar[type[UserResource]]
    """The vendor's `User`."""
    if TYPE_CHECKING:
        provider: pulumi.ProviderResource | None = None
        opts: pulumi.ResourceOptions | None = None

    def __init__(
        self,
        *,
        provider: pulumi.ProviderResource | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **args: Any,
    ) -> None:
        """Describe an account. An argument that is given here wins over the description of the person."""
        self.args = dict(args)
        """Its own arguments. A program may change them."""
        self.opts = opts or pulumi.ResourceOptions()
        self.provider = provider or self.opts.provider
        """The explicit provider, which names the tenant."""
        refuse_provider(f"{self.vendor.name}.Account", self.vendor.name, pulumi.ResourceOptions(provider=self.provider))
        self.where = ""
        """Its place in a file, such as `people.csv, row 7`."""

    @property
    def vendor(self) -> type[Vendor]:
        """The vendor of the account."""
        return vendor_named(self.user.key().partition(":")[0])

    def qualified(self, name: str) -> str:
        """Return the name with that of the explicit provider, so that a person can have accounts in several tenants."""
        return f"{name}-{self.provider.pulumi_resource_name}" if self.provider else name

    def declare(self, name: str, args: Mapping[str, Any], parent: pulumi.Resource) -> UserResource:
        """Declare the account. A `User` that had this name at the top level before becomes this account, unchanged."""
        ours = pulumi.ResourceOptions(
            parent=parent, provider=self.provider, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
        )
        user: Callable[..., UserResource] = self.user
        return user(name, opts=pulumi.ResourceOptions.merge(self.opts, ours), **args)


def schema_of(resource: type[UserResource], naming: Callable[[str], str]) -> Schema:
    """Return the fields for the vendor's `schema`; `naming` turns `office_ids` into the vendor's `officeIds`."""
    given, readable = declared_arguments(resource), declared_outputs(resource)
    return Schema.of(
        {name: each.type for name, each in given.items()},
        naming,
        required={name for name, each in given.items() if each.required},
        read_only={name: each.type for name, each in readable.items() if each.kind is ReadOnly},
    )


def outputs_of(resource: type[UserResource]) -> list[str]:
    """Return the names of the outputs of a resource class, those that a program's own subclass annotates included."""
    kinds = (kind for kind in reversed(resource.__mro__) if issubclass(kind, UserResource))
    annotated = (item for kind in kinds for item in inspect.get_annotations(kind).items())
    return [*{name: None for name, annotation in annotated if str(typing.get_origin(annotation)) == str(Output)}]
