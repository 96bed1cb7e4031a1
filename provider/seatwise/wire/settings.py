"""Settings of a tenant: from an explicit Provider, Pulumi config or the environment, in this order.

What holds for a whole run (`RunSettings`) comes from the environment alone.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import SplitResult, urlsplit

from platformdirs import user_state_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..core.errors import SettingsError


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


def _certificates(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError(f"must be a file of certificates (PEM): {path} cannot be used ({error})") from None
    return path


def fits_a_header(text: str) -> bool:
    """Whether a text can be the value of a header as it is."""
    return re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", text) is not None


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
Certificates = Annotated[Path, AfterValidator(_certificates)]


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
    tenant: str = ""
    """A name of your own for this tenant: where two share a base URL, or the base URL changes."""

    @classmethod
    def load(cls, config: Callable[[str], Any] = lambda key: None) -> Self:
        """Read the settings; raises SettingsError naming each missing one by both its names.

        `config` answers for keys such as `enerflo:apiKey`: an explicit Provider's inputs or the stack's.
        """
        given = {name: config(cls.config_key(name)) for name in cls.model_fields}
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            problems = "; ".join(_problem(cls, detail) for detail in error.errors(include_url=False))
            raise SettingsError(problems, vendor=cls.vendor) from None

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
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


class RunSettings(BaseSettings):
    """What holds for a whole run, whatever the vendor."""

    model_config = SettingsConfigDict(env_prefix="SEATWISE_", extra="ignore", env_ignore_empty=True)

    journal: Path = Field(default_factory=lambda: user_state_path("seatwise") / "journal.db")
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


def _problem(cls: type[Settings], detail: Mapping[str, Any]) -> str:
    name = _name(detail)
    if detail["type"] == "missing":
        return f"{missing(cls, name)}"
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
