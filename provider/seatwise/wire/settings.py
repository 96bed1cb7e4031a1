"""Settings of a tenant: from an explicit Provider, Pulumi config or the environment, in this order."""

import ipaddress
import os
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..core.errors import SettingsError


def _base_url(url: str) -> str:
    """A base URL that can lead nowhere else: https, or http to this machine."""
    parts = urlsplit(url)
    if re.search(r"[\s?#@\\]", url) or not parts.hostname or not _has_sound_port(parts):
        raise ValueError("must be a plain URL such as https://example.com/base, without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must start with https:// (http:// is for this machine's own addresses only)")
    return url.rstrip("/")


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fits_a_header(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", secret.get_secret_value()):
        raise ValueError("has characters that no credential has: line breaks, spaces or others than ASCII")
    return secret


BaseUrl = Annotated[str, AfterValidator(_base_url)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_fits_a_header)]
"""A credential that travels in a header."""


class Settings(BaseSettings):
    """What every vendor's settings have. A vendor's class adds its credentials and sets `env_prefix`."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)
    vendor: ClassVar[str]

    base_url: BaseUrl
    """The part before the documented paths."""
    requests_per_minute: int | None = Field(default=None, ge=0)
    """Overrides the documented limits; 0 turns pacing off."""
    deadline: float = Field(default=120, gt=0)
    """Seconds that one operation's request may take with all its waiting and retries."""
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
            problems = "; ".join(_problem(cls, dict(detail)) for detail in error.errors(include_url=False))
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


def _problem(cls: type[Settings], detail: dict[str, Any]) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    if detail["type"] == "missing":
        return f"{missing(cls, name)}"
    error = detail.get("ctx", {}).get("error")
    text = str(error) if isinstance(error, ValueError) else detail["msg"]
    return f"{cls.variable(name)} ({cls.config_key(name)}) {text}" if name else text


def missing(cls: type[Settings], name: str) -> str:
    """The one way to say that a setting is missing."""
    return f"set {cls.variable(name)} in the environment, or `pulumi config set --secret {cls.config_key(name)}`"
