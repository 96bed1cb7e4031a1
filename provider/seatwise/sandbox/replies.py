"""Small helpers that every stand-in uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .store import Store


@dataclass
class Hold:
    """Answers stop for good: nobody gets one from some request on, and nothing more is carried out."""

    at: int
    """The request to any vendor, counted from the switch on and with logins, that is the first to be held."""
    carried_out: bool = False
    """Whether that one is carried out, and just its answer held."""
    seen: int = 0
    """How many requests have come."""
    reached: bool = False
    """Whether the first one is held by now."""


@dataclass
class Options:
    """What a user of the sandbox can switch."""

    limits: bool = True
    """Whether the documented rate limits are enforced."""
    token_lifetime: float = 3600
    """Seconds until an access token expires."""
    hold: Hold | None = None
    """Where answers stop, if they do."""
    quirks: dict[str, Any] = field(default_factory=dict)
    """What the vendors' documents leave open: each stand-in's `QUIRKS`, by name."""


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any `seconds`; `writes` says that only writing requests count."""

    requests: int
    seconds: float
    writes: bool = False


class StandIn(Protocol):
    """What a module of this package says about the vendor it stands in for."""

    VENDOR: str
    EMAIL: str
    """The key of the e-mail in a record."""
    ID: str
    """The key of the id in a record."""
    LIMITS: list[Limit]
    QUIRKS: dict[str, Any]
    """Switches for what the vendor's documents leave open, each with its usual position."""
    KEEPS_EMAILS: bool
    """Whether the e-mail of a deleted account stays taken."""
    MOUNTS: dict[str, list[Route]]
    """Routes by the path they are under."""

    def touched(self) -> dict[str, Any]:
        """What changes by itself in a record that somebody changes."""

    def throttled(self, seconds: int) -> Response:
        """The refusal of a request that comes too early."""

    def environment(self, url: str) -> dict[str, str]:
        """The settings that point seatwise at this stand-in of a sandbox."""


class Strict(BaseModel):
    """A body whose types and names are enforced."""

    model_config = ConfigDict(extra="forbid", strict=True)


def store_of(request: Request) -> Store:
    """The sandbox's memory."""
    store: Store = request.app.state.store
    return store


def options_of(request: Request) -> Options:
    """The sandbox's switches."""
    options: Options = request.app.state.options
    return options


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return JSONResponse(body, status, headers)


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; empty when it is none."""
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def complaints(error: ValidationError) -> dict[str, str]:
    """The first complaint about each field, by its name on the wire."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in detail["loc"]) or "body"
        found.setdefault(name, "is a required field" if detail["type"] == "missing" else detail["msg"])
    return found
