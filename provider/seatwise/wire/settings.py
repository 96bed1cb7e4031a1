"""Settings of a tenant: from an explicit Provider, Pulumi config or the environment, in this order.

All credentials come from the first of the three that has any. The settings of a whole run (`RunSettings`) come only
from the environment.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, Unpack, get_args
from urllib.parse import SplitResult, unquote, urlsplit

from platformdirs import user_state_path
from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ..core.vendor.errors import SettingsError
from ..core.vendor.http import fits_a_header
from ..core.vendor.text import module_name

PROVIDER = "provider"
"""The input that marks the configuration of an explicit Provider; `provider_input` builds its value."""
CREDENTIAL = "credential"
"""Marks a setting that belongs to the login and is not secret, such as a user name."""
TENANT_SETTINGS = frozenset({"base_url", "tenant"})
"""A Provider with one of these settings must have its own credentials."""
GIVE_A_VALUE = "Give it a value: a Provider does not fall back to the main tenant's value"
"""The remedy for a Provider's argument that is given and empty."""


class Missing(ValueError):
    """A missing credential; `instead` names a credential that can take its place."""

    def __init__(self, name: str, instead: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.instead = instead


def _base_url(url: str) -> str:
    """Return the base URL without its last slash; raise ValueError unless it is https, or http to this machine."""
    parts = urlsplit(url)
    if re.search(r"[\s?#@\\]", url) or not parts.hostname or not _has_valid_port(parts):
        raise ValueError("must be a plain URL such as https://example.com/base, without user, query or fragment")
    if not _is_loopback(parts.hostname) and not _is_host_name(parts.hostname):
        raise ValueError(
            "must contain a host name: no IP address except this machine's own (127.0.0.1, ::1), no metadata service"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must start with https:// (http:// is for this machine's own addresses only)")
    return url.rstrip("/")


def _login_url(url: str) -> str:
    """Return the URL of a login elsewhere; raise ValueError unless it is as safe as a base URL."""
    _base_url(url)
    return url


def _has_valid_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _is_host_name(host: str) -> bool:
    """Return whether this is a host name, not an IP address in any spelling and not a metadata service.

    A host whose last part is a number (`0x7f000001`, `127.1`) is an address: https://url.spec.whatwg.org/#host-parsing
    """
    labels = host.removesuffix(".").split(".")
    is_named = all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?", label) for label in labels)
    is_number = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1])
    return is_named and not is_number and labels[0] not in ("metadata", "instance-data")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def _proxy(secret: SecretStr) -> SecretStr:
    """Return a proxy's URL; raise ValueError if it is not one. No message quotes it: it may contain a password."""
    url = secret.get_secret_value()
    parts = urlsplit(url)
    is_plain = not re.search(r"[\s?#\\]", url) and parts.path in ("", "/") and _has_valid_port(parts)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or not _is_url(url):
        raise ValueError(
            "must be the URL of a proxy such as http://proxy.example.com:3128, or http://user:password@..."
        )
    return secret


def _is_url(text: str) -> bool:
    """Return whether httpx accepts the URL; it refuses international names that cannot be a domain."""
    import httpx  # its import costs as much as that of all of seatwise, and most programs do not need it

    try:
        httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return True


def _full_path(path: Path) -> Path:
    """Return the path with `~` expanded; raise ValueError if it is relative: it would depend on where pulumi runs."""
    with suppress(RuntimeError):  # `~name` of a user that does not exist
        path = path.expanduser()
    if not path.is_absolute():
        raise ValueError("must be a full path, such as /var/lib/seatwise/file or ~/file")
    return path


def _certificates(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = error.strerror or "it contains no certificate"
        raise ValueError(f"must be a file of certificates (PEM), and cannot be used: {reason}") from None
    return path


def _header_secret(secret: SecretStr) -> SecretStr:
    if not fits_a_header(secret.get_secret_value()) or " " in secret.get_secret_value():
        raise ValueError("contains characters that a credential cannot have: line breaks, spaces or non-ASCII ones")
    return secret


def _header_text(text: str) -> str:
    if not fits_a_header(text):
        raise ValueError("contains characters that do not fit: line breaks, spaces around it or non-ASCII ones")
    return text


BaseUrl = Annotated[str, AfterValidator(_base_url)]
LoginUrl = Annotated[str, AfterValidator(_login_url), CREDENTIAL]
"""The whole URL at which a vendor logs in, on another origin than its API. It belongs to the credentials."""
HeaderSecret = Annotated[SecretStr, AfterValidator(_header_secret)]
"""A credential that is sent in a header."""
HeaderText = Annotated[str, AfterValidator(_header_text)]
"""A part of the login that is sent in a header and is not secret."""
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
FullPath = Annotated[Path, AfterValidator(_full_path)]
Certificates = Annotated[FullPath, AfterValidator(_certificates)]


class Settings(BaseSettings):
    """The settings that every vendor has. A vendor's class adds its credentials; its module names it."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)
    vendor: ClassVar[str]

    base_url: BaseUrl
    """The part of the URL before the documented paths."""
    requests_per_minute: int | None = Field(default=None, ge=0)
    """Overrides the documented limits; 0 turns pacing off."""
    concurrency: int = Field(default=16, ge=1)
    """How many requests may wait for their answers at once."""
    deadline: float = Field(default=120, gt=0, allow_inf_nan=False)
    """Seconds that one operation (a create, a read, ...) may take with all its requests, waits and retries."""
    resend_creates: bool = True
    """Whether a create that the vendor throttled (429, 503 with Retry-After) is sent again after the wait."""
    ca_bundle: Certificates | None = None
    """A file of certificates (PEM) to trust instead of the usual ones. Verification cannot be switched off."""
    proxy: ProxyUrl | None = None
    """The proxy that requests go through, such as `http://proxy.example.com:3128`; `HTTPS_PROXY` and similar variables
    are not read. Not used for a base URL on this machine."""
    tenant: str = ""
    """A name of your own for this tenant: where two share a base URL, or the base URL changes."""

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)
    """The display name of each setting that was given, by the setting's name."""
    _is_explicit: bool = PrivateAttr(default=False)

    def __init_subclass__(cls, **keywords: Unpack[ConfigDict]) -> None:
        super().__init_subclass__(**keywords)
        if Settings in cls.__bases__:
            cls.vendor = module_name(cls)
            cls.model_config = {**cls.model_config, "env_prefix": f"{cls.vendor.upper()}_"}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the given values: `load` reads the environment itself."""
        return (init_settings,)

    @classmethod
    def load(cls, config: Callable[[str], object] | None = None) -> Self:
        """Load and validate the settings; raises SettingsError, which names each missing setting.

        `config` returns the value of a key such as `enerflo:apiKey`: from an explicit Provider's inputs or from the
        stack's config. Without it, as in a command, the environment alone counts.
        """
        sources, login = _sources(cls, config)
        given, origins = dict[str, Any](), dict[str, str]()
        for source in sources:
            for name in source.values.keys() - given.keys():
                if name not in cls.credentials() or source is login:
                    given[name], origins[name] = source.values[name], source.display_name(name)
        try:
            loaded = cls(**given)
        except ValidationError as error:
            problems = [_problem(cls, login, sources[-1], detail) for detail in error.errors(include_url=False)]
            raise SettingsError("; ".join(problems), vendor=cls.vendor) from None
        loaded._origins = origins
        loaded._is_explicit = isinstance(sources[0], _ProviderSource)
        return loaded

    @classmethod
    def credentials(cls) -> frozenset[str]:
        """Return the names of the login's settings: each secret of the vendor, and each one marked `CREDENTIAL`."""
        own = {name: field for name, field in cls.model_fields.items() if name not in Settings.model_fields}
        return frozenset(
            name
            for name, field in own.items()
            if any(part in (SecretStr, CREDENTIAL) for part in (*field.metadata, *_parts(field.annotation)))
        )

    @classmethod
    def has_own_login(cls, given: Set[str]) -> bool:
        """Return whether a Provider with these settings must have its own credentials."""
        return not given.isdisjoint(TENANT_SETTINGS | cls.credentials())

    @classmethod
    def main_base_url(cls, config: Callable[[str], object]) -> str | None:
        """Return the main tenant's base URL from the stack's config, the environment or the default.

        Returns None if no base URL is given, or if it is invalid.
        """
        default = cls.model_fields["base_url"].get_default()
        url = config(cls.config_key("base_url")) or EnvSettingsSource(cls)().get("base_url") or default
        try:
            return _base_url(url) if isinstance(url, str) else None
        except ValueError:
            return None

    def display_name(self, name: str) -> str:
        """Return the setting's name for messages, which says where its value came from."""
        return self._origins.get(name, self.variable(name))

    @property
    def credential_names(self) -> str:
        """The display names of the settings that hold the credentials, such as `A, B and C`."""
        given = [name for name in type(self).model_fields if name in self.credentials() and getattr(self, name)]
        names = [self.display_name(name) for name in given]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def tenant_remedy(self, tenant: str) -> str:
        """Return how to give these settings a tenant's name, for a remedy."""
        return (
            f'give its Provider tenant="{tenant}"'
            if self._is_explicit
            else f"set {self.variable('tenant')} to {tenant}"
        )

    @classmethod
    def is_configured(cls) -> bool:
        """Return whether the environment sets any of these settings."""
        return any(os.environ.get(cls.variable(name)) for name in cls.model_fields)

    @classmethod
    def config_key(cls, name: str) -> str:
        """Return the setting's key in Pulumi config: `enerflo:apiKey` for `api_key`."""
        return f"{cls.vendor}:{to_camel(name)}"

    @classmethod
    def variable(cls, name: str) -> str:
        """Return the setting's environment variable: `ENERFLO_API_KEY` for `api_key`."""
        return f"{cls.vendor}_{name}".upper()

    @property
    def tenant_id(self) -> str:
        """The tenant's name if it has one, else the base URL: unique among the tenants of one vendor."""
        return self.tenant or self.base_url

    @property
    def login_url(self) -> str | None:
        """The URL of the login, if it is not below the base URL: the only other place that gets a request."""
        return None

    def secrets(self) -> list[str]:
        """Return every secret value, so that messages can blank them."""
        values = (getattr(self, name) for name in type(self).model_fields)
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        password = urlsplit(self.proxy.get_secret_value()).password if self.proxy else None
        return [*found, *({password, unquote(password)} if password else ())]

    @property
    def proxy_url(self) -> str | None:
        """The URL of the proxy for requests to the base URL; None without a proxy, and for this machine."""
        is_here = _is_loopback(urlsplit(self.base_url).hostname or "")
        return self.proxy.get_secret_value() if self.proxy and not is_here else None


class RunSettings(BaseSettings):
    """The settings of a whole run, for all vendors."""

    model_config = SettingsConfigDict(env_prefix="SEATWISE_", extra="ignore", env_ignore_empty=True)

    journal: FullPath = Field(default_factory=lambda: user_state_path("seatwise") / "journal.db")
    """The journal file."""
    max_removals: int | None = Field(default=None, ge=0)
    """How many accounts a run may deactivate or delete; it refuses the next one."""
    share_limits: bool = False
    """Whether all runs on this machine share the vendors' limits, through a file beside the journal."""
    threads: int | None = Field(default=None, ge=4, le=64)
    """How many operations on single accounts run at once in a provider process, instead of Pulumi's four."""
    collect_rarely: bool = False
    """Whether Python's garbage collector runs rarely, in the program and in the provider processes."""
    today: date | None = None
    """The day by which accounts expire, instead of today in UTC: `2027-02-01` in a preview shows that day's changes."""

    @classmethod
    def load(cls) -> Self:
        """Load and validate the settings from the environment; raises SettingsError."""
        try:
            return cls()
        except ValidationError as error:
            problems = [f"SEATWISE_{_name(each).upper()} {_text(each)}" for each in error.errors(include_url=False)]
            raise SettingsError("; ".join(problems)) from None


class _Source:
    """The settings from one source; each subclass knows how messages name a setting there."""

    def __init__(self, cls: type[Settings], values: Mapping[str, object]) -> None:
        self.cls = cls
        self.values = {name: value for name, value in values.items() if value is not None}

    def display_name(self, name: str) -> str:
        """Return the name for messages of a setting from this source."""
        raise NotImplementedError

    def names_of(self, name: str) -> str:
        """Return the names for messages of a setting that may be from any source."""
        return f"{self.cls.variable(name)} ({self.cls.config_key(name)})"

    def how_to_set(self, name: str) -> str:
        """Return how to set a missing setting, if it is to come from this source."""
        raise NotImplementedError


class _EnvironmentSource(_Source):
    def __init__(self, cls: type[Settings], values: Mapping[str, object], *, is_alone: bool = False) -> None:
        super().__init__(cls, values)
        self._is_alone = is_alone

    def display_name(self, name: str) -> str:
        return self.cls.variable(name)

    def names_of(self, name: str) -> str:
        return self.cls.variable(name) if self._is_alone else super().names_of(name)

    def how_to_set(self, name: str) -> str:
        config = "" if self._is_alone else f", or `pulumi config set --secret {self.cls.config_key(name)}`"
        return f"set {self.cls.variable(name)} in the environment{config}"


class _ConfigSource(_Source):
    def display_name(self, name: str) -> str:
        return f"{self.cls.config_key(name)} of Pulumi's config"

    def how_to_set(self, name: str) -> str:
        key = self.cls.config_key(name)
        others = "credentials come from one source, and Pulumi's config has others"
        return (
            f"`pulumi config set --secret {key}` ({others}; {self.cls.variable(name)} in the environment is not read)"
        )


class _ProviderSource(_Source):
    """The settings of an explicit Provider: its values, and those of the variables that its `env` names.

    `outputs` are the arguments whose values were not known when the program created the Provider. Raises SettingsError
    if one of these, or a variable, has no value.
    """

    def __init__(
        self, cls: type[Settings], values: Mapping[str, object], env: Mapping[str, str], outputs: Iterable[str]
    ) -> None:
        empty = [f"{name} of the Provider has no value" for name in outputs if has_no_value(values.get(name))]
        if empty:
            raise SettingsError("; ".join(empty), vendor=cls.vendor, remedy=GIVE_A_VALUE)
        unset = [(name, variable) for name, variable in env.items() if not os.environ.get(variable)]
        if unset:
            problems = [
                f"the variable {variable}, which env= of the Provider names for {name}, is not set"
                for name, variable in unset
            ]
            raise SettingsError("; ".join(problems), vendor=cls.vendor, remedy="Set it in the environment")
        super().__init__(cls, {name: os.environ[variable] for name, variable in env.items()} | dict(values))
        self._by_variable = {name: variable for name, variable in env.items() if name not in values}

    def display_name(self, name: str) -> str:
        return self._by_variable.get(name, f"{name} of the Provider")

    def how_to_set(self, name: str) -> str:
        return (
            f'give the Provider {name}=..., or env={{"{name}": "A_VARIABLE"}}: '
            "a Provider with a base URL, a tenant or a credential uses only its own credentials"
        )


def _sources(cls: type[Settings], config: Callable[[str], object] | None) -> tuple[list[_Source], _Source]:
    """Return the sources of settings in their order, and the one source of the credentials.

    Raises SettingsError if an argument of an explicit Provider, or a variable that it names, has no value.
    """
    environment = EnvSettingsSource(cls)()
    if config is None:
        alone = _EnvironmentSource(cls, environment, is_alone=True)
        return [alone], alone
    given = {name: value for name in cls.model_fields if (value := config(cls.config_key(name))) is not None}
    provider = config(cls.config_key(PROVIDER))
    if isinstance(provider, Mapping):
        copied = {name: given.pop(name) for name in provider["from_config"] if name in given}
        environment.pop("tenant", None)
        own = _ProviderSource(cls, given, provider["env"], provider.get("outputs", ()))
        sources = [own, _ConfigSource(cls, copied), _EnvironmentSource(cls, environment)]
        if cls.has_own_login(own.values.keys()):
            return sources, own
    else:
        sources = [_ConfigSource(cls, given), _EnvironmentSource(cls, environment)]
    return sources, next((each for each in sources if cls.credentials() & each.values.keys()), sources[-1])


def has_no_value(value: object) -> bool:
    """Return whether a setting is None or empty, which is what a program gets from an unset variable."""
    return value is None or value == ""


def _parts(annotation: object) -> Iterator[object]:
    """Yield an annotation and, recursively, all types and marks in it."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _problem(cls: type[Settings], login: _Source, environment: _Source, detail: ErrorDetails) -> str:
    name, error = _name(detail), detail.get("ctx", {}).get("error")
    if isinstance(error, Missing):
        instead = f"; or {login.how_to_set(error.instead)} instead" if error.instead else ""
        return login.how_to_set(error.name) + instead
    if detail["type"] == "missing":
        return (login if name in cls.credentials() else environment).how_to_set(name)
    return f"{environment.names_of(name)} {_text(detail)}" if name else _text(detail)


def _name(detail: ErrorDetails) -> str:
    return str(detail["loc"][0]) if detail["loc"] else ""


def _text(detail: ErrorDetails) -> str:
    if str(detail["type"]).startswith("date"):
        return "must be a day such as 2027-01-31"
    error = detail.get("ctx", {}).get("error")
    return str(error) if isinstance(error, ValueError) else str(detail["msg"])
