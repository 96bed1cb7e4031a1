"""Settings of a tenant: from an explicit Provider, Pulumi config or the environment, in this order.

All credentials come from the first of the three that has any. What holds for a whole run (`RunSettings`) comes from
the environment alone.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_args
from urllib.parse import SplitResult, unquote, urlsplit

import httpx
from platformdirs import user_state_path
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ..core.vendor.errors import SettingsError
from ..core.vendor.http import fits_a_header

PROVIDER = "provider"
"""The input that tells the process of an explicit Provider that it is one, as `provider_input` makes it."""
CREDENTIAL = "credential"
"""Marks a setting that belongs to a login and is no secret, such as a user name."""
OF_A_TENANT = frozenset({"base_url", "tenant"})
"""A Provider that gives one of these has to give its credentials."""
GIVE_A_VALUE = "Give it one: a Provider never takes the main tenant's in its place"
"""The remedy for an argument of a Provider that is given and empty."""


class Missing(ValueError):
    """A credential is missing; `instead` is one that does as well."""

    def __init__(self, name: str, instead: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.instead = instead


def _base_url(url: str) -> str:
    """A base URL that can lead nowhere else: https, or http to this machine."""
    parts = urlsplit(url)
    if re.search(r"[\s?#@\\]", url) or not parts.hostname or not _has_sound_port(parts):
        raise ValueError("must be a plain URL such as https://example.com/base, without user, query or fragment")
    if not _is_loopback(parts.hostname) and not _is_host_name(parts.hostname):
        raise ValueError("must name a host: no address but this machine's own (127.0.0.1, ::1), no metadata service")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must start with https:// (http:// is for this machine's own addresses only)")
    return url.rstrip("/")


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _is_host_name(host: str) -> bool:
    """Whether this is a name in letters, and not an address in one of its many spellings or a metadata service.

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
    """A proxy's URL; no message has it, for it may hold a password."""
    url = secret.get_secret_value()
    parts = urlsplit(url)
    is_plain = not re.search(r"[\s?#\\]", url) and parts.path in ("", "/") and _has_sound_port(parts)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or not _is_url(url):
        raise ValueError(
            "must be the URL of a proxy such as http://proxy.example.com:3128, or http://user:password@..."
        )
    return secret


def _is_url(text: str) -> bool:
    """Whether the library that sends requests takes it; it refuses international names that no domain can have."""
    try:
        httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return True


def _full_path(path: Path) -> Path:
    """A path with `~` expanded. A relative one would be another file wherever pulumi runs."""
    with suppress(RuntimeError):  # there is no such user
        path = path.expanduser()
    if not path.is_absolute():
        raise ValueError("must be a full path, such as /var/lib/seatwise/file or ~/file")
    return path


def _certificates(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = error.strerror or "it holds none"
        raise ValueError(f"must be a file of certificates (PEM), and cannot be used: {reason}") from None
    return path


def _header_secret(secret: SecretStr) -> SecretStr:
    if not fits_a_header(secret.get_secret_value()) or " " in secret.get_secret_value():
        raise ValueError("has characters that no credential has: line breaks, spaces or others than ASCII")
    return secret


def _header_text(text: str) -> str:
    if not fits_a_header(text):
        raise ValueError("has characters that do not fit: line breaks, spaces around it or others than ASCII")
    return text


BaseUrl = Annotated[str, AfterValidator(_base_url)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_header_secret)]
"""A credential that travels in a header."""
HeaderText = Annotated[str, AfterValidator(_header_text)]
"""What else of a login travels in a header."""
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
FullPath = Annotated[Path, AfterValidator(_full_path)]
Certificates = Annotated[FullPath, AfterValidator(_certificates)]


class Settings(BaseSettings):
    """What every vendor's settings have. A vendor's class adds its credentials and sets `env_prefix`."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)
    vendor: ClassVar[str]

    base_url: BaseUrl
    """The part before the documented paths."""
    requests_per_minute: int | None = Field(default=None, ge=0)
    """Overrides the documented limits; 0 turns pacing off."""
    concurrency: int = Field(default=16, ge=1)
    """How many requests are on their way at once."""
    deadline: float = Field(default=120, gt=0, allow_inf_nan=False)
    """Seconds that one operation (a create, a read, ...) may take with all its requests, waits and retries."""
    resend_creates: bool = True
    """Whether a create that the vendor turned away (429, 503 with Retry-After) is sent again after the wait."""
    ca_bundle: Certificates | None = None
    """A file of certificates (PEM) to trust instead of the usual ones. There is no way to trust none."""
    proxy: ProxyUrl | None = None
    """The proxy that requests go through, such as `http://proxy.example.com:3128`; `HTTPS_PROXY` and its like are not
    read. Not for a base URL of this machine's own."""
    tenant: str = ""
    """A name of your own for this tenant: where two share a base URL, or the base URL changes."""

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)
    """What messages call the settings that were given, by name."""
    _is_explicit: bool = PrivateAttr(default=False)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else: `load` alone reads the environment."""
        return (init_settings,)

    @classmethod
    def load(cls, config: Callable[[str], Any] = lambda key: None) -> Self:
        """Read the settings; raises SettingsError naming each missing one by its names.

        `config` answers for keys such as `enerflo:apiKey`: an explicit Provider's inputs or the stack's config.
        """
        sources, login = _sources(cls, config)
        given, origins = dict[str, Any](), dict[str, str]()
        for source in sources:
            for name in source.values.keys() - given.keys():
                if name not in cls.credentials() or source is login:
                    given[name], origins[name] = source.values[name], source.called(name)
        try:
            loaded = cls(**given)
        except ValidationError as error:
            problems = [_problem(cls, login, detail) for detail in error.errors(include_url=False)]
            raise SettingsError("; ".join(problems), vendor=cls.vendor) from None
        loaded._origins = origins
        loaded._is_explicit = isinstance(sources[0], _OfProvider)
        return loaded

    @classmethod
    def credentials(cls) -> frozenset[str]:
        """The settings that belong to a login: each of the vendor's secrets, and what is marked `CREDENTIAL`."""
        own = {name: field for name, field in cls.model_fields.items() if name not in Settings.model_fields}
        return frozenset(
            name
            for name, field in own.items()
            if any(part in (SecretStr, CREDENTIAL) for part in (*field.metadata, *_parts(field.annotation)))
        )

    @classmethod
    def has_own_login(cls, said: Set[str]) -> bool:
        """Whether a Provider that says these settings takes its credentials from nowhere else."""
        return not said.isdisjoint(OF_A_TENANT | cls.credentials())

    @classmethod
    def main_base_url(cls, config: Callable[[str], Any]) -> str | None:
        """The base URL of the main tenant, by the stack's config; None where there is none, or it is unfit."""
        default = cls.model_fields["base_url"].get_default()
        url = config(cls.config_key("base_url")) or EnvSettingsSource(cls)().get("base_url") or default
        try:
            return _base_url(url) if isinstance(url, str) else None
        except ValueError:
            return None

    def called(self, name: str) -> str:
        """What messages call a setting, by where it came from."""
        return self._origins.get(name, self.variable(name))

    @property
    def login_came_from(self) -> str:
        """What messages call the settings that the credentials came from."""
        given = [name for name in type(self).model_fields if name in self.credentials() and getattr(self, name)]
        names = [self.called(name) for name in given]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def way_to_be(self, tenant: str) -> str:
        """How these settings get a tenant's name, for messages."""
        return (
            f'give its Provider tenant="{tenant}"'
            if self._is_explicit
            else f"set {self.variable('tenant')} to {tenant}"
        )

    @classmethod
    def is_configured(cls) -> bool:
        """Whether the environment names any of these settings."""
        return any(os.environ.get(cls.variable(name)) for name in cls.model_fields)

    @classmethod
    def config_key(cls, name: str) -> str:
        """`enerflo:apiKey` for `api_key`."""
        return f"{cls.vendor}:{to_camel(name)}"

    @classmethod
    def variable(cls, name: str) -> str:
        """`ENERFLO_API_KEY` for `api_key`."""
        return f"{cls.vendor}_{name}".upper()

    @property
    def tenant_id(self) -> str:
        """What tells this tenant from others of the same vendor: its name if it has one, else the base URL."""
        return self.tenant or self.base_url

    def secrets(self) -> list[str]:
        """Every credential, to be blanked in messages."""
        values = (getattr(self, name) for name in type(self).model_fields)
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        password = urlsplit(self.proxy.get_secret_value()).password if self.proxy else None
        return [*found, *({password, unquote(password)} if password else ())]

    @property
    def way(self) -> str | None:
        """The URL of the proxy on the way to the vendor; None for the direct way, which leads to this machine."""
        is_here = _is_loopback(urlsplit(self.base_url).hostname or "")
        return self.proxy.get_secret_value() if self.proxy and not is_here else None


class RunSettings(BaseSettings):
    """What holds for a whole run, whatever the vendor."""

    model_config = SettingsConfigDict(env_prefix="SEATWISE_", extra="ignore", env_ignore_empty=True)

    journal: FullPath = Field(default_factory=lambda: user_state_path("seatwise") / "journal.db")
    """The file in which creates are remembered between runs."""
    max_removals: int | None = Field(default=None, ge=0)
    """How many accounts a run may retire; it stops at the next one."""
    share_limits: bool = False
    """Whether all runs on this machine share the vendors' limits, through a file beside the journal."""
    threads: int | None = Field(default=None, ge=4, le=64)
    """How many operations of single accounts go on at once in a provider's process, instead of Pulumi's four."""
    today: date | None = None
    """The day by which accounts expire, instead of today in UTC: `2027-02-01` in a preview shows that day's changes."""

    @classmethod
    def load(cls) -> Self:
        """Read the settings; raises SettingsError."""
        try:
            return cls()
        except ValidationError as error:
            problems = [f"SEATWISE_{_name(each).upper()} {_text(each)}" for each in error.errors(include_url=False)]
            raise SettingsError("; ".join(problems)) from None


class _Source:
    """Settings from one place; a subclass for each knows what messages call them there."""

    def __init__(self, cls: type[Settings], values: Mapping[str, Any]) -> None:
        self.cls = cls
        self.values = {name: value for name, value in values.items() if value is not None}

    def called(self, name: str) -> str:
        """What messages call a setting from here."""
        raise NotImplementedError

    def lacks(self, name: str) -> str:
        """How to give a credential that is missing, where credentials are from here."""
        raise NotImplementedError


class _Environment(_Source):
    def called(self, name: str) -> str:
        return self.cls.variable(name)

    def lacks(self, name: str) -> str:
        return missing(self.cls, name)


class _Config(_Source):
    def called(self, name: str) -> str:
        return f"{self.cls.config_key(name)} of Pulumi's config"

    def lacks(self, name: str) -> str:
        key = self.cls.config_key(name)
        others = "credentials come from one source, and Pulumi's config has others"
        return (
            f"`pulumi config set --secret {key}` ({others}; {self.cls.variable(name)} in the environment is not read)"
        )


class _OfProvider(_Source):
    """What an explicit Provider says: as values, and by the variables that its `env` names.

    `outputs` are the arguments whose values were not known when the program said them.
    """

    def __init__(
        self, cls: type[Settings], values: Mapping[str, Any], env: Mapping[str, str], outputs: Iterable[str]
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

    def called(self, name: str) -> str:
        return self._by_variable.get(name, f"{name} of the Provider")

    def lacks(self, name: str) -> str:
        return (
            f'give the Provider {name}=..., or env={{"{name}": "A_VARIABLE"}}: '
            "one with a base URL, a tenant or a credential takes no credentials from elsewhere"
        )


def _sources(cls: type[Settings], config: Callable[[str], Any]) -> tuple[list[_Source], _Source]:
    """The sources of settings, the first first, and the one of credentials.

    Raises SettingsError when an argument of an explicit Provider, or a variable that it names, has no value.
    """
    given = {name: value for name in cls.model_fields if (value := config(cls.config_key(name))) is not None}
    environment = EnvSettingsSource(cls)()
    provider = config(cls.config_key(PROVIDER))
    if isinstance(provider, Mapping):
        copied = {name: given.pop(name) for name in provider["from_config"] if name in given}
        environment.pop("tenant", None)
        own = _OfProvider(cls, given, provider["env"], provider.get("outputs", ()))
        sources = [own, _Config(cls, copied), _Environment(cls, environment)]
        if cls.has_own_login(own.values.keys()):
            return sources, own
    else:
        sources = [_Config(cls, given), _Environment(cls, environment)]
    return sources, next((each for each in sources if cls.credentials() & each.values.keys()), sources[-1])


def has_no_value(value: object) -> bool:
    """Whether a setting is None or empty, as what reads an unset variable gives it."""
    return value is None or value == ""


def _parts(annotation: Any) -> Iterator[Any]:
    """A type and all types and marks in it."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _problem(cls: type[Settings], login: _Source, detail: Mapping[str, Any]) -> str:
    name, error = _name(detail), detail.get("ctx", {}).get("error")
    if isinstance(error, Missing):
        return login.lacks(error.name) + (f"; or {login.lacks(error.instead)} instead" if error.instead else "")
    if detail["type"] == "missing":
        return login.lacks(name) if name in cls.credentials() else missing(cls, name)
    return f"{cls.variable(name)} ({cls.config_key(name)}) {_text(detail)}" if name else _text(detail)


def _name(detail: Mapping[str, Any]) -> str:
    return str(detail["loc"][0]) if detail["loc"] else ""


def _text(detail: Mapping[str, Any]) -> str:
    if str(detail["type"]).startswith("date"):
        return "must be a day such as 2027-01-31"
    error = detail.get("ctx", {}).get("error")
    return str(error) if isinstance(error, ValueError) else str(detail["msg"])


def missing(cls: type[Settings], name: str) -> str:
    """The one way to say that a setting is missing."""
    return f"set {cls.variable(name)} in the environment, or `pulumi config set --secret {cls.config_key(name)}`"
