"""Helpers and types that all stand-ins share."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Bounds
from pydantic.dataclasses import dataclass as checked
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .forms import Editable
from .store import Store


@dataclass
class Hold:
    """From a certain request on, no request is answered or carried out."""

    at: int
    """The number of the first request that is held, counted over all vendors from the switch on, logins included."""
    carried_out: bool = False
    """Whether that request is carried out, and only its answer held."""
    seen: int = 0
    """How many requests have arrived."""
    reached: bool = False
    """Whether the first request has been held."""


FaultKind = Literal["unavailable", "throttled", "lost", "silent", "slow"]


@checked(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Fault:
    """A fault in the requests to one vendor."""

    kind: FaultKind
    """Refused with a 503; throttled with a `Retry-After`; carried out and the answer lost; no answer; a late answer."""
    times: Annotated[int, Bounds(ge=0)] = 0
    """How many more requests are affected; 0 means all until the fault is switched off."""
    writes: bool = False
    """Whether only requests that write an account are affected."""
    seconds: Annotated[float, Bounds(ge=0, le=600)] = 5
    """The `Retry-After`, or the delay of a late answer."""


@dataclass
class Options:
    """The sandbox's switches."""

    limits: bool = True
    """Whether the documented rate limits are enforced."""
    token_lifetime: float = 3600
    """Seconds until an access token expires."""
    hold: Hold | None = None
    """The request at which answers stop, if any."""
    quirks: dict[str, Any] = field(default_factory=dict)
    """The values of each stand-in's `QUIRKS`, by name."""
    faults: dict[str, Fault] = field(default_factory=dict)
    """The faults that are on, by vendor."""

    def with_faults(self, faults: Mapping[str, Fault | None]) -> Self:
        """Return the same options with other faults at some vendors; None ends one."""
        found = {**self.faults, **faults}
        return replace(self, faults={vendor: fault for vendor, fault in found.items() if fault is not None})


@dataclass(frozen=True)
class Quirk:
    """A switch for a behaviour that a vendor's documentation leaves open."""

    label: str
    usual: Any
    """The default value."""
    choices: tuple[str, ...] = ()
    """The possible values; without choices the value is a number from 0 on."""


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any `seconds`; `writes` says that only writing requests count."""

    requests: int
    seconds: float
    writes: bool = False


class StandIn(Protocol):
    """The interface of a stand-in's module."""

    VENDOR: str
    EMAIL: str
    """The key of the e-mail in a record."""
    ID: str
    """The key of the id in a record."""
    LIMITS: list[Limit]
    QUIRKS: dict[str, Quirk]
    """Switches for what the vendor's documentation leaves open, by name."""
    FIELDS: list[Editable]
    """The fields of an account that the page shows; none is a secret."""
    KEEPS_EMAILS: bool
    """Whether the e-mail of a deleted account stays taken."""
    MOUNTS: dict[str, list[Route]]
    """Routes by the path of their mount."""

    def blank(self, store: Store) -> dict[str, Any]:
        """Return the record of a new account that is added by hand, with defaults for all fields."""

    def server_changes(self) -> dict[str, Any]:
        """Return the fields that the vendor itself changes with every change of a record."""

    def throttled(self, seconds: int) -> Response:
        """Return the answer to a request above the limit, which may come again after this many seconds."""

    def environment(self, url: str) -> dict[str, str]:
        """Return the environment variables that point seatwise at this stand-in of the sandbox at `url`."""


class Strict(BaseModel):
    """A request body with strict types and no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


def store_of(request: Request) -> Store:
    """Return the sandbox's store."""
    store: Store = request.app.state.store
    return store


def stand_ins_of(request: Request) -> Mapping[str, StandIn]:
    """Return the stand-ins by vendor."""
    stand_ins: Mapping[str, StandIn] = request.app.state.stand_ins
    return stand_ins


def is_login(path: str) -> bool:
    """Return whether requests to a path ask for a token."""
    return path.endswith("/token")


def options_of(request: Request) -> Options:
    """Return the sandbox's switches."""
    options: Options = request.app.state.options
    return options


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer in ASCII: a record may contain surrogates, which UTF-8 cannot encode."""
    return Response(json.dumps(body), status, headers, "application/json")


async def json_body(request: Request) -> dict[str, Any]:
    """Return the request's JSON object; empty if the body is not a JSON object."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def whole_number(request: Request, name: str, otherwise: int, least: int = 0) -> int:
    """Return a whole number from the query; raises HTTPException (400) if it is invalid or below `least`."""
    text = request.query_params.get(name, str(otherwise))
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise HTTPException(400, f"{name} must be a whole number from {least} on")
    return int(text)


def field_errors(error: ValidationError) -> dict[str, str]:
    """Return the first error of each field, by the field's name in the request."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in detail["loc"]) or "body"
        found.setdefault(name, "is a required field" if detail["type"] == "missing" else detail["msg"])
    return found
