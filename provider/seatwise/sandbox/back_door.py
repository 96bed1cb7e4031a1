"""The sandbox's own API, under `/sandbox`: accounts, log and switches as JSON, for tests and scripts."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .by_hand import NoSuchAccount, admin_of
from .replies import (
    Fault,
    Hold,
    Options,
    StandIn,
    field_errors,
    json_body,
    json_reply,
    options_of,
    stand_ins_of,
    store_of,
    whole_number,
)
from .store import Taken


async def accounts(request: Request) -> Response:
    """GET /sandbox/accounts/{vendor}: the accounts' ids and stored records."""
    vendor = request.path_params["vendor"]
    return json_reply([{"id": account, "record": record} for account, record in store_of(request).all(vendor)])


async def add(request: Request) -> Response:
    """POST /sandbox/accounts/{vendor}: fields of the new record; the others get the vendor's defaults."""
    vendor, fields = request.path_params["vendor"], await json_body(request)
    if vendor not in stand_ins_of(request):
        return json_reply({"error": "no such vendor"}, 404)
    stand_in = stand_ins_of(request)[vendor]
    if not isinstance(fields.get(stand_in.EMAIL), str):
        return json_reply({"error": "the e-mail is missing"}, 400)
    if wrong := _invalid_key(fields, stand_in):
        return wrong
    try:
        return json_reply({"id": admin_of(request).add(vendor, fields)})
    except Taken:
        return json_reply({"error": "the e-mail is taken"}, 409)


def _invalid_key(fields: Mapping[str, Any], stand_in: StandIn) -> Response | None:
    """Return a refusal if the e-mail or the id cannot be stored as a key; the other fields may be anything."""
    email = fields.get(stand_in.EMAIL, "")
    if isinstance(email, str) and _is_text(email) and _is_text(str(fields.get(stand_in.ID, ""))):
        return None
    return json_reply({"error": "the e-mail and the id must be text, without surrogates"}, 400)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


async def change(request: Request) -> Response:
    """PATCH /sandbox/accounts/{vendor}/{id}: the changed fields of the record."""
    vendor, account, fields = request.path_params["vendor"], request.path_params["id"], await json_body(request)
    if not fields:
        return json_reply({"error": "the body must be a JSON object with fields of the record"}, 400)
    if vendor in stand_ins_of(request) and (wrong := _invalid_key(fields, stand_ins_of(request)[vendor])):
        return wrong
    try:
        return json_reply(admin_of(request).change(vendor, account, fields))
    except NoSuchAccount:
        return json_reply({"error": "no such account"}, 404)
    except Taken:
        return json_reply({"error": "the e-mail is taken"}, 409)


async def remove(request: Request) -> Response:
    """DELETE /sandbox/accounts/{vendor}/{id}"""
    try:
        admin_of(request).remove(request.path_params["vendor"], request.path_params["id"])
    except NoSuchAccount:
        return json_reply({"error": "no such account"}, 404)
    return json_reply({})


async def reset(request: Request) -> Response:
    """DELETE /sandbox/everything: delete accounts, tokens and log, and reset the switches."""
    store_of(request).clear()
    admin_of(request).forget()
    request.app.state.taken.clear()
    request.app.state.options = request.app.state.usual
    return json_reply({})


async def log(request: Request) -> Response:
    """GET /sandbox/log: the requests with a number greater than `since`."""
    since = whole_number(request, "since", 0)
    return json_reply(list(store_of(request).logged(since)))


SWITCHES: Mapping[str, TypeAdapter[Any]] = {
    "limits": TypeAdapter(bool),
    "token_lifetime": TypeAdapter(Annotated[float, Field(ge=0, allow_inf_nan=False, le=10**9)]),
    "hold": TypeAdapter(Hold | None),
}
"""The valid values of the sandbox's own switches."""


def _quirk(request: Request, name: str, value: Any) -> Any:
    """Return the new value of a vendor's switch; raises ValueError if the switch does not have it."""
    quirk = next(each.QUIRKS[name] for each in stand_ins_of(request).values() if name in each.QUIRKS)
    if quirk.choices:
        if value not in quirk.choices:
            raise ValueError(f"{name} must be one of {', '.join(quirk.choices)}")
    elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise ValueError(f"{name} must be a whole number from 0 on")
    return value


async def switches(request: Request) -> Response:
    """GET /sandbox/options"""
    return json_reply(asdict(options_of(request)))


async def switch(request: Request) -> Response:
    """PATCH /sandbox/options: the changed switches; `faults` are by vendor, null ends one."""
    wanted = await json_body(request)
    own: dict[str, Any] = {name: wanted.pop(name) for name in ("limits", "token_lifetime", "hold") if name in wanted}
    faults = wanted.pop("faults", {})
    if not isinstance(faults, dict) or not all(isinstance(each, dict | None) for each in faults.values()):
        return json_reply({"error": "faults must be an object of objects by vendor; null ends one"}, 400)
    unknown = [*(wanted.keys() - options_of(request).quirks.keys()), *(faults.keys() - stand_ins_of(request).keys())]
    if unknown:
        return json_reply({"error": f"no such switch: {', '.join(sorted(unknown))}"}, 400)
    try:
        wrong = {vendor: None if fault is None else Fault(**fault) for vendor, fault in faults.items()}
    except ValidationError as error:
        name, text = next(iter(field_errors(error).items()))
        return json_reply({"error": f"{name} of a fault: {text}"}, 400)
    try:
        own = {name: SWITCHES[name].validate_python(value) for name, value in own.items()}
        quirks = {name: _quirk(request, name, value) for name, value in wanted.items()}
    except ValidationError as error:
        return json_reply({"error": "; ".join(f"{name}: {text}" for name, text in field_errors(error).items())}, 400)
    except ValueError as error:
        return json_reply({"error": str(error)}, 400)
    set_switches(request, own, quirks, wrong)
    return json_reply({})


def set_switches(
    request: Request, own: dict[str, Any], quirks: dict[str, Any], faults: dict[str, Fault | None]
) -> None:
    """Set the sandbox's own switches, the vendors' quirks, and faults by vendor."""
    options = options_of(request)
    changed: Options = replace(options, **own, quirks=options.quirks | quirks)
    request.app.state.options = changed.with_faults(faults)


async def expire(request: Request) -> Response:
    """DELETE /sandbox/tokens/{vendor}: make all its tokens invalid."""
    store_of(request).revoke(request.path_params["vendor"])
    return json_reply({})


ROUTES = [
    Route("/everything", reset, methods=["DELETE"]),
    Route("/accounts/{vendor}", accounts),
    Route("/accounts/{vendor}", add, methods=["POST"]),
    Route("/accounts/{vendor}/{id}", change, methods=["PATCH"]),
    Route("/accounts/{vendor}/{id}", remove, methods=["DELETE"]),
    Route("/log", log),
    Route("/options", switches, methods=["GET"]),
    Route("/options", switch, methods=["PATCH"]),
    Route("/tokens/{vendor}", expire, methods=["DELETE"]),
]
