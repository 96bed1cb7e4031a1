"""Enerflo as its pages describe it: https://docs.enerflo.io/reference/add-a-user and its siblings."""

import re
import time
from typing import Any

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from .forms import Editable
from .replies import Limit, Quirk, Strict, field_errors, json_body, json_reply, options_of, store_of, whole_number
from .store import Store, Taken

VENDOR = "enerflo"
EMAIL, ID = "email", "id"
LIMITS = [Limit(300, 60)]
KEEPS_EMAILS = True
QUIRKS = {
    "enerflo_reply": Quirk("the answer to a create has the user in", "user", ("user", "data", "bare", "id", "none")),
    "enerflo_office_keys": Quirk("an office in the list has its id in", "office_id", ("office_id", "id")),
    "enerflo_inactive": Quirk("deactivated users are", "listed", ("listed", "listed on demand", "hidden")),
    "enerflo_nulls": Quirk("a list has fields without a value", "yes", ("yes", "no")),
}
API_KEY = "sandbox-enerflo-key"
MAX_PAGE_SIZE = 200
# Requests contain names, answers contain slugs.
SLUGS = {
    "Super Admin": "supercompany",
    "Company Admin": "company_admin",
    "Office Admin": "office-admin",
    "Regional Manager": "regional",
    "Sales Manager": "sales_manager",
    "Sales Rep": "agent",
    "Setter": "setter",
    "Project Manager": "pm",
}
OFFICES = {12: "Denver", 13: "Phoenix", 14: "Salt Lake City"}


class NewUser(Strict):
    """The body of a create."""

    email: str
    roles: list[str]
    notify_email: bool
    allow_optimus: bool
    can_create_customers: bool = True
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    password: str | None = None
    timezone: str | None = None
    external_user_id: str | None = None
    manager_email: str | None = None
    manager_id: int | None = None
    office_id: str | None = None
    can_reassign_leads: bool = True


class ChangedUser(Strict):
    """The body of an update; the defaults are never used, because missing fields stay unchanged."""

    id: str | int
    manager_email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    email: str = "left@as.it.is"
    active: bool = True
    roles: list[str] = Field(default=[])
    office_ids: list[int] = Field(default=[])


def _refusal(field: str, text: str, status: int = 400) -> Response:
    message = f"The {field} {text}."
    return json_reply({"message": message, "errors": {field: [message]}}, status)


def _unauthorized(request: Request) -> Response | None:
    if request.headers.get("api-key") == API_KEY:
        return None
    return json_reply({"message": "Unauthenticated."}, 401)


def _invalid(body: NewUser | ChangedUser) -> Response | None:
    if not re.fullmatch(r"\S+@\S+", body.email):
        return _refusal("email", "must be a valid email address")
    if body.phone and len(re.sub(r"\D", "", body.phone)) != 10:
        return _refusal("phone", "must have 10 digits")
    unknown = [role for role in body.roles if role not in SLUGS]
    if unknown:
        return _refusal("roles", f"{unknown[0]} is invalid")
    return None


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """Return a user as the API shows it: slugs, digits, 1 and 0, flags under `meta`, and some fields not at all."""
    first, last = record.get("first_name") or "", record.get("last_name") or ""
    return {
        "id": record["id"],
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}".strip(),
        "email": record["email"],
        "phone": record.get("phone"),
        "company_id": 7,
        "active": 1 if record["active"] else 0,
        "timezone": record.get("timezone") or "America/Denver",
        "valid_email": 1,
        "roles": _slugs(record["roles"]),
        "external_user_id": record.get("external_user_id"),
        "meta": {
            "inactive": not record["active"],
            "allow_optimus": record["allow_optimus"],
            "can_create_customers": record["can_create_customers"],
        },
        "intercom_user_jwt": "eyJhbGciOi.sandbox.secret",
    }


def _slugs(roles: Any) -> Any:
    """Return the slugs of roles; values added by hand that are not roles stay unchanged."""
    if not isinstance(roles, list):
        return roles
    return [SLUGS.get(role, role) if isinstance(role, str) else role for role in roles]


async def create(request: Request) -> Response:
    """POST /api/v1/users"""
    if refusal := _unauthorized(request):
        return refusal
    try:
        body = NewUser.model_validate(await json_body(request))
    except ValidationError as error:
        field, text = next(iter(field_errors(error).items()))
        return _refusal(field, text)
    if refusal := _invalid(body):
        return refusal
    if "Sales Rep" not in body.roles:
        for field in ("manager_id", "office_id"):
            if getattr(body, field) is not None:
                return _refusal(field, "can only be set on the Sales Rep role")
    store = store_of(request)
    number = store.next_number(VENDOR)
    record = body.model_dump(exclude={"password"}) | {"id": number, "active": True}
    record["phone"] = re.sub(r"\D", "", body.phone) if body.phone else None
    record["office_ids"] = [int(body.office_id)] if body.office_id else []
    try:
        store.add(VENDOR, str(number), body.email, record)
    except Taken:
        return _refusal("email", "has already been taken")
    shown = _shown(record)
    shapes: dict[str, dict[str, Any]] = {
        "user": {"user": shown},
        "data": {"data": shown},
        "bare": shown,
        "id": {"id": number},
        "none": {},
    }
    return json_reply({"success": True, **shapes[options_of(request).quirks["enerflo_reply"]]})


async def update(request: Request) -> Response:
    """PUT /api/v3/users: the id is in the body; missing fields stay unchanged."""
    if refusal := _unauthorized(request):
        return refusal
    try:
        body = ChangedUser.model_validate(await json_body(request))
    except ValidationError as error:
        field, text = next(iter(field_errors(error).items()))
        return _refusal(field, text)
    if refusal := _invalid(body):
        return refusal
    store = store_of(request)
    record = store.get(VENDOR, str(body.id))
    if record is None:
        return json_reply({"message": "User not found."}, 404)
    changes = body.model_dump(exclude_unset=True, exclude={"id"})
    if changes.get("phone"):
        changes["phone"] = re.sub(r"\D", "", changes["phone"])
    record |= changes
    try:
        store.replace(VENDOR, str(body.id), record["email"], record)
    except Taken:
        return _refusal("email", "has already been taken")
    return json_reply({"success": True})


async def read(request: Request) -> Response:
    """GET /api/v3/users/{id}"""
    if refusal := _unauthorized(request):
        return refusal
    record = store_of(request).get(VENDOR, request.path_params["id"])
    if record is None:
        return json_reply({"message": "User not found."}, 404)
    return json_reply({"success": True, "data": _shown(record)})


async def listing(request: Request) -> Response:
    """GET /api/v3/users"""
    if refusal := _unauthorized(request):
        return refusal
    size = min(whole_number(request, "pageSize", 25, 1), MAX_PAGE_SIZE)
    page = whole_number(request, "page", 1, 1)
    first, store, quirks = (page - 1) * size, store_of(request), options_of(request).quirks
    if quirks["enerflo_inactive"] == "listed":  # whatever `status` asks for
        count, records = store.count(VENDOR), [record for _, record in store.all(VENDOR, first, size)]
    else:
        is_demanded = request.query_params.get("status") == "inactive"
        wanted = not (is_demanded and quirks["enerflo_inactive"] == "listed on demand")
        fit = [record for _, record in store.all(VENDOR) if record["active"] is wanted]
        count, records = len(fit), fit[first : first + size]
    pages = max(1, -(-count // size))
    results = [_shown(record) for record in records]
    if quirks["enerflo_nulls"] == "no":
        results = [{key: value for key, value in each.items() if value is not None} for each in results]
    return json_reply({"success": True, "page": page, "totalPages": pages, "results": results})


async def offices(request: Request) -> Response:
    """GET /api/v3/offices"""
    if refusal := _unauthorized(request):
        return refusal
    prefix = options_of(request).quirks["enerflo_office_keys"].removesuffix("id")
    results = [{f"{prefix}id": number, f"{prefix}name": name} for number, name in OFFICES.items()]
    return json_reply({"success": True, "page": 1, "totalPages": 1, "results": results})


def server_changes() -> dict[str, Any]:
    """Return the fields that the vendor itself changes with every change of a record."""
    return {}


def blank(store: Store) -> dict[str, Any]:
    """Return the record of a new user with the admin page's defaults."""
    new = NewUser(email="", roles=[], notify_email=False, allow_optimus=False)
    return new.model_dump(exclude={"password"}) | {"id": store.next_number(VENDOR), "active": True, "office_ids": []}


def throttled(seconds: int) -> Response:
    """Return the documented answer to a request above the limit: an HTML page."""
    headers = {
        "retry-after": str(seconds),
        "x-ratelimit-limit": "300",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(time.time()) + seconds),
    }
    return HTMLResponse("<html><title>Too Many Requests</title></html>", 429, headers)


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that point seatwise at this stand-in."""
    return {"ENERFLO_BASE_URL": f"{url}/enerflo", "ENERFLO_API_KEY": API_KEY}


FIELDS = [
    Editable("first_name", "First name"),
    Editable("last_name", "Last name"),
    Editable("email", "E-mail", required=True),
    Editable("phone", "Phone", listed=False),
    Editable("roles", "Roles", {role: role for role in SLUGS}, many=True, required=True),
    Editable("active", "State", {True: "active", False: "deactivated"}, required=True),
]
ROUTES = [
    Route("/api/v1/users", create, methods=["POST"]),
    Route("/api/v3/users", update, methods=["PUT"]),
    Route("/api/v3/users", listing),
    Route("/api/v3/users/{id}", read),
    Route("/api/v3/offices", offices),
]
MOUNTS = {"/enerflo": ROUTES}
