"""The Pulumi provider that every vendor's `Provider` extends: another tenant."""

import os
from collections.abc import Mapping, Set
from typing import Any, ClassVar, TypedDict

import pulumi
from pulumi import Input, Output
from pulumi.runtime import get_config

from ..core.vendor.text import module_name
from ..files.reading import is_known
from ..vendors import vendor_named
from ..wire.settings import GIVE_A_VALUE, PROVIDER, Settings, has_no_value

PACKAGE = "pulumi-python"
"""The package of every dynamic resource, whatever its vendor."""


class TenantArgs(TypedDict, total=False):
    """Arguments that every vendor's `Provider` has.

    Settings that are not given come from Pulumi's config or the environment. A `Provider` with a base URL, a tenant or
    a credential takes no credential from there, and no `Provider` takes a tenant's name from there. An argument that is
    given must have a value.
    """

    base_url: Input[str]
    """The part before the documented paths."""
    tenant: Input[str]
    """A name of your own for the tenant: where two share a base URL, or the base URL changes. Has to be given with
    credentials where the base URL is the main tenant's."""
    requests_per_minute: Input[int]
    """Overrides the documented limits; 0 turns pacing off."""
    concurrency: Input[int]
    """How many requests may wait for their answers at once."""
    deadline: Input[float]
    """Seconds that one operation may take with all its requests, waits and retries."""
    resend_creates: Input[bool]
    """Whether a create that the vendor throttled is sent again after the wait (default: true)."""
    ca_bundle: Input[str]
    """A file of certificates (PEM) to trust instead of the usual ones."""
    proxy: Input[str]
    """The proxy that requests go through, such as `http://proxy.example.com:3128`."""
    env: Mapping[str, str]
    """Environment variables to take settings from: `{"api_key": "WEST_API_KEY"}`. Read at every run, never stored;
    a variable that is not set is an error."""


class KeyArgs(TenantArgs, total=False):
    """Arguments of a `Provider` whose vendor wants a key."""

    api_key: Input[str]
    """The API key."""


class LoginArgs(TenantArgs, total=False):
    """Arguments of a `Provider` whose vendor wants a login."""

    username: Input[str]
    """The name of the account that logs in."""
    password: Input[str]
    """The password of this account."""


class TenantProvider(pulumi.ProviderResource):
    """A tenant other than the one that config and environment name. Use a vendor's `Provider`."""

    vendor: ClassVar[str]
    """The name of the vendor whose tenant this is: that of the module in which its `Provider` stands."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if TenantProvider in cls.__bases__:
            cls.vendor = module_name(cls)

    def __init__(self, resource_name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        vendor = self.vendor
        settings = vendor_named(vendor).settings_type
        if not isinstance(args.get("env"), Mapping | None):
            wanted = 'env must say which variable has which setting, such as env={"api_key": "WEST_API_KEY"}'
            raise pulumi.RunError(f"{vendor}.Provider {resource_name}: {wanted}")
        _refuse_empty(f"{vendor}.Provider {resource_name}", args)
        env = dict(args.get("env", {}))
        own = {name: value for name, value in args.items() if name != "env"}
        unknown = sorted((own.keys() | env.keys()) - settings.model_fields.keys())
        if unknown:
            raise pulumi.RunError(f"{vendor}.Provider has no setting {', '.join(unknown)}")
        own |= _distinct_tenant(f"{vendor}.Provider {resource_name}", settings, own, env)
        copied = _from_config(settings, own.keys() | env.keys())
        outputs = sorted(name for name, value in own.items() if not is_known(value))
        marker = {"env": env, "from_config": sorted(copied), **({"outputs": outputs} if outputs else {})}
        # Names with an underscore stay out of the stack's outputs when a program exports a provider.
        self._given: dict[str, Input[Any]] = {
            settings.config_key(name): value for name, value in (copied | own).items()
        } | {settings.config_key(PROVIDER): marker}
        plain = {settings.config_key(name) for name in (PROVIDER, *TenantArgs.__annotations__) if name != "proxy"}
        props = {key: value if key in plain else Output.secret(value) for key, value in self._given.items()}
        super().__init__(PACKAGE, resource_name, props, opts)

    def given(self, vendor: str) -> dict[str, Input[Any]]:
        """Return the settings that this provider gives, by config key, as its own process will see them.

        Raises pulumi.RunError if it is another vendor's.
        """
        if self.vendor != vendor:
            raise pulumi.RunError(f"a provider of {self.vendor} cannot look things up at {vendor}: give {vendor}'s own")
        return self._given


def _refuse_empty(name: str, args: Mapping[str, Any]) -> None:
    """Raise pulumi.RunError for arguments without a value: no setting of the main tenant may take their place.

    The provider's process checks outputs.
    """
    env = args.get("env", {})
    empty = [argument for argument, value in args.items() if is_known(value) and has_no_value(value)]
    empty += [f"env={{{setting!r}: ...}}" for setting, variable in (env or {}).items() if has_no_value(variable)]
    if empty:
        raise pulumi.RunError(f"{name}: {', '.join(empty)} has no value. {GIVE_A_VALUE}")


def _distinct_tenant(
    name: str, settings: type[Settings], own: Mapping[str, Any], env: Mapping[str, str]
) -> dict[str, Output[str]]:
    """Check that a Provider with its own credentials has another base URL than the main tenant, or a tenant's name.

    Returns a base URL that is an output, with the check behind it. Raises pulumi.RunError.
    """
    said = own.keys() | env.keys()
    if "tenant" in said or not settings.has_own_login(said):
        return {}
    main = settings.main_base_url(get_config)

    def other(url: str | None) -> str | None:
        if url is None or (main is not None and url.rstrip("/").lower() == main.lower()):
            raise pulumi.RunError(_unnamed(name, main))
        return url

    if "base_url" not in said:
        other(None)
    url = own.get("base_url", os.environ.get(env.get("base_url", "")) or "")
    if is_known(url):
        other(url)
        return {}
    return {"base_url": Output.from_input(url).apply(lambda known: known and other(known))}


def _unnamed(name: str, main: str | None) -> str:
    keeps = f': its accounts of before stay with tenant="{main}"' if main else ""
    return (
        f"{name} has credentials of its own, and only its base URL could tell it from the main tenant, which has "
        f'the same: give it tenant="a name of yours"{keeps}'
    )


def _from_config(settings: type[Settings], said: Set[str]) -> dict[str, str]:
    """Return the settings in the stack's config that a Provider does not give.

    The process of an explicit Provider does not see the stack's config.
    """
    ours = settings.model_fields.keys() - said - {"tenant"}
    if settings.has_own_login(said):
        ours -= settings.credentials()
    values = {name: get_config(settings.config_key(name)) for name in sorted(ours)}
    return {name: value for name, value in values.items() if value is not None}
