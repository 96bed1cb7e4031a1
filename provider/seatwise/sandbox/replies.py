"""Small helpers that every stand-in uses."""

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
    """Answers stop for good: nobody gets one from some request on, and nothing more is carried out."""

    at: int
    """The request to any vendor, counted from the switch on and with logins, that is the first to be held."""
    carried_out: bool = False
    """Whether that one is carried out, and just its answer held."""
    seen: int = 0
    """How many requests have come."""
    reached: bool = False
    """Whether the first one is held by now."""


FaultKind = Literal["unavailable", "throttled", "lost", "silent", "slow"]


@checked(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Fault:
    """What goes wrong with the requests to one vendor."""

    kind: FaultKind
    """Refused with a 503; turned away with a `Retry-After`; carried out and the answer lost; no answer; late."""
    times: Annotated[int, Bounds(ge=0)] = 0
    """How many more requests meet it; 0 all, until it is switched off."""
    writes: bool = False
    """Whether only requests meet it that write an account."""
    seconds: Annotated[float, Bounds(ge=0, le=600)] = 5
    """Of a `Retry-After`, or until a late answer."""


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
    faults: dict[str, Fault] = field(default_factory=dict)
    """What goes wrong, by vendor."""

    def with_faults(self, faults: Mapping[str, Fault | None]) -> Self:
        """The same with other faults at some vendors; None ends one."""
        found = {**self.faults, **faults}
        return replace(self, faults={vendor: fault for vendor, fault in found.items() if fault is not None})


@dataclass(frozen=True)
class Quirk:
    """A switch for what a vendor's documents leave open."""

    label: str
    usual: Any
    """The position it begins in."""
    choices: tuple[str, ...] = ()
    """The positions there are; without any it is a number from 0 on."""


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
    QUIRKS: dict[str, Quirk]
    """Switches for what the vendor's documents leave open, by name."""
    FIELDS: list[Editable]
    """What the page shows of an account. Secrets are none of it."""
    KEEPS_EMAILS: bool
    """Whether the e-mail of a deleted account stays taken."""
    MOUNTS: dict[str, list[Route]]
    """Routes by the path they are under."""

    def blank(self, store: Store) -> dict[str, Any]:
        """The record of a new account that somebody makes by hand, but for what that person fills in."""

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


def stand_ins_of(request: Request) -> Mapping[str, StandIn]:
    """The stand-ins by vendor."""
    stand_ins: Mapping[str, StandIn] = request.app.state.stand_ins
    return stand_ins


def is_login(path: str) -> bool:
    """Whether requests to a path are for tokens."""
    return path.endswith("/token")


def options_of(request: Request) -> Options:
    """The sandbox's switches."""
    options: Options = request.app.state.options
    return options


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, in ASCII: a record may hold what no other encoding can say."""
    return Response(json.dumps(body), status, headers, "application/json")


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; empty when it is none."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def whole_number(request: Request, name: str, otherwise: int, least: int = 0) -> int:
    """A whole number of the query; one that is none, or below the least, is answered with 400."""
    text = request.query_params.get(name, str(otherwise))
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise HTTPException(400, f"{name} must be a whole number from {least} on")
    return int(text)


def complaints(error: ValidationError) -> dict[str, str]:
    """The first complaint about each field, by its name on the wire."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in detail["loc"]) or "body"
        found.setdefault(name, "is a required field" if detail["type"] == "missing" else detail["msg"])
    return found
