"""Tenovos as its pages describe it: https://api.tenovos.com/openapi/v1/user-operations.md

API 1.0 under `/tenovos`, 1.5 under `/tenovos-1.5`, over the same users.
"""

import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .forms import Editable
from .replies import Limit, Quirk, Strict, field_errors, json_body, json_reply, options_of, store_of, whole_number
from .store import Store, Taken

VENDOR = "tenovos"
EMAIL, ID = "email", "userId"
LIMITS: list[Limit] = []  # none are documented
KEEPS_EMAILS = False
QUIRKS = {"tenovos_search_lag": Quirk("so many searches pass before a new user is found", 0)}
API_KEY = "sandbox-tenovos-key"
CLIENT_ID = "sandbox-client"
USERNAME = "admin"
PASSWORD = "sandbox-tenovos-password"
CUSTOMER_ID = "1234567890"
REFRESH_LIFETIME_S = 30 * 24 * 3600
ROLES = {
    "7d5620e0-f423-11e9-8071-89c0c4052141": "End user",
    "7d5620e1-f423-11e9-8071-89c0c4052141": "Librarian",
    "7d5620e2-f423-11e9-8071-89c0c4052141": "Administrator",
}
GROUPS = {
    "7d6207c0-f423-11e9-8071-89c0c4052141": "Everyone",
    "7d6207c1-f423-11e9-8071-89c0c4052141": "Marketing",
}
_SEARCHED = ("firstName", "lastName", "friendlyName", "email", "phone", "company", "contact", "country")


class CustomAttributes(Strict):
    """Attributes that are nested in a create, and flat in an update."""

    country: str | None = None
    company: str | None = None
    phone: str | None = None
    contact: str | None = None


class NewUser(Strict):
    """The body of a create."""

    firstName: str | None = None
    lastName: str | None = None
    friendlyName: str | None = None
    email: str
    username: str
    password: str | None = None
    accountType: Literal["local", "federated"] | None = None
    customAttributes: CustomAttributes = CustomAttributes()
    userRoleId: str | None = None
    groups: list[str] | None = None
    isVerified: bool | None = None


class ChangedUser(Strict):
    """The body of an update: flat, with numbers; the defaults are never used, because missing fields stay unchanged."""

    firstName: str | None = None
    lastName: str | None = None
    friendlyName: str | None = None
    email: str = "left@as.it.is"
    company: str | None = None
    country: str | None = None
    contact: int | None = None
    phone: int | None = None
    userRoleId: str | None = None
    userRoleName: str | None = None
    groups: list[str] | None = None
    status: Literal["enabled", "disabled"] = "enabled"


def _refusal(text: str, status: int = 400) -> Response:
    return json_reply({"status": "error", "message": text}, status)


def _is_1_5(request: Request) -> bool:
    return "1.5" in request.scope["root_path"]


def _unauthorized(request: Request) -> Response | None:
    if request.headers.get("x-api-key") != API_KEY:
        return json_reply({"message": "Forbidden"}, 403)
    store, headers = store_of(request), request.headers
    known = store.owner(VENDOR, headers.get("authorization", ""), "id")
    if not _is_1_5(request):
        known = known and store.owner(VENDOR, headers.get("accesstoken", ""), "access")
    return None if known else json_reply({"message": "Unauthorized"}, 401)


def _invalid(body: NewUser | ChangedUser) -> Response | None:
    if body.userRoleId is not None and body.userRoleId not in ROLES:
        return _refusal("Bad Request: unknown role")
    unknown = [group for group in body.groups or [] if group not in GROUPS]
    return _refusal("Bad Request: unknown group") if unknown else None


def _shown(record: dict[str, Any], wide: bool) -> dict[str, Any]:
    narrow = {
        "userId": record["userId"], "customerId": CUSTOMER_ID, "emailId": record["email"],
        "firstName": record.get("firstName"), "lastName": record.get("lastName"),
        "roleId": record.get("userRoleId"), "status": record["status"], "groups": record.get("groups") or [],
    }  # fmt: skip
    if not wide:
        return narrow
    more = {key: record.get(key) for key in ("phone", "contact", "country", "company", "friendlyName")}
    return narrow | more | {"userName": record["username"]}


async def token(request: Request) -> Response:
    """POST /auth/token: a login, or a refresh of the last session."""
    if request.headers.get("x-api-key") != API_KEY:
        return json_reply({"message": "Forbidden"}, 403)
    body, store = await json_body(request), store_of(request)
    session = body.get("session")
    if isinstance(session, dict):
        refresh = str(session.get("refreshToken"))
        if store.owner(VENDOR, refresh, "refresh") is None:
            return _refusal("Refresh Token has been revoked", 401)
    else:
        if not body.get("username") or not (body.get("clientId") or _is_1_5(request)):
            return _refusal("Invalid Authentication Parameters")
        if (body.get("username"), body.get("password")) != (USERNAME, PASSWORD):
            return _refusal("Incorrect username or password.", 401)
        if body.get("clientId") not in (CLIENT_ID, None):
            return _refusal("Incorrect client.", 401)
        refresh = secrets.token_urlsafe(32)
        store.grant(VENDOR, refresh, "refresh", USERNAME, REFRESH_LIFETIME_S)
    identity, access = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    lifetime = options_of(request).token_lifetime
    store.grant(VENDOR, identity, "id", USERNAME, lifetime)
    store.grant(VENDOR, access, "access", USERNAME, lifetime)
    expires = int((time.time() + lifetime) * 1000)
    session = {"authorization": identity, "refreshToken": refresh, "accessToken": access, "expireEpoch": expires}
    return json_reply({"clientId": CLIENT_ID, "username": USERNAME, "password": "", "session": session})


async def create(request: Request) -> Response:
    """POST /user: the answer has no id."""
    if refusal := _unauthorized(request):
        return refusal
    try:
        body = NewUser.model_validate(await json_body(request))
    except ValidationError as error:
        name, text = next(iter(field_errors(error).items()))
        return _refusal(f"Bad Request: {name} {text}")
    if refusal := _invalid(body):
        return refusal
    store = store_of(request)
    if any(record["username"] == body.username for _, record in store.all(VENDOR)):
        return _refusal("Bad Request: User already exists")
    account = str(uuid.uuid4())
    record = body.model_dump(exclude={"customAttributes", "password"}) | body.customAttributes.model_dump()
    record |= {"userId": account, "status": "enabled", "hidden": options_of(request).quirks["tenovos_search_lag"]}
    try:
        store.add(VENDOR, account, body.email, record)
    except Taken:
        return _refusal("Bad Request: User already exists")
    return json_reply({"roleId": body.userRoleId, "status": "success"})


async def update(request: Request) -> Response:
    """PATCH /user/{id}"""
    if refusal := _unauthorized(request):
        return refusal
    store, account = store_of(request), request.path_params["id"]
    record = store.get(VENDOR, account)
    if record is None:
        return json_reply({"message": "User not found"}, 403)
    try:
        body = ChangedUser.model_validate(await json_body(request))
    except ValidationError as error:
        name, text = next(iter(field_errors(error).items()))
        return _refusal(f"Bad Request: {name} {text}")
    if refusal := _invalid(body):
        return refusal
    changes = body.model_dump(exclude_unset=True)
    role = changes.pop("userRoleName", None)
    if role is not None:
        if "userRoleId" in changes:
            return _refusal("Bad Request: give userRoleId or userRoleName")
        ids = [key for key, name in ROLES.items() if name == role]
        if not ids:
            return _refusal("Bad Request: unknown role")
        changes["userRoleId"] = ids[0]
    record |= changes
    try:
        store.replace(VENDOR, account, record["email"], record)
    except Taken:
        return _refusal("Bad Request: User already exists")
    return json_reply(_shown(record, _is_1_5(request)))


async def read(request: Request) -> Response:
    """GET /user/{id}: an unknown id is a 403."""
    if refusal := _unauthorized(request):
        return refusal
    record = store_of(request).get(VENDOR, request.path_params["id"])
    if record is None:
        return json_reply({"message": "User not found"}, 403)
    return json_reply(_shown(record, _is_1_5(request)))


def _name(known: Mapping[str, str], key: Any) -> str:
    """Return the name that belongs to a key; empty for a value added by hand that is not a known key."""
    return known.get(key, "") if isinstance(key, str) else ""


def _names(known: Mapping[str, str], keys: Any) -> list[str]:
    return [_name(known, each) for each in keys] if isinstance(keys, list) else []


async def search(request: Request) -> Response:
    """GET /user/search/{text}: the users that contain the text, in no documented order."""
    if refusal := _unauthorized(request):
        return refusal
    store, wide = store_of(request), _is_1_5(request)
    text = request.path_params["text"].casefold()
    hits = []
    for account, record in store.all(VENDOR):
        if record.get("hidden"):
            record["hidden"] -= 1
            store.replace(VENDOR, account, record["email"], record)
            continue
        names = [_name(ROLES, record.get("userRoleId")), *_names(GROUPS, record.get("groups"))]
        texts = [str(record.get(key) or "") for key in _SEARCHED] + names
        if any(text in each.casefold() for each in texts) or (wide and text == "*"):
            hits.append(_shown(record, wide))
    if not wide:
        return json_reply({"status": "success", "data": hits})
    first, limit = whole_number(request, "from", 0), min(whole_number(request, "limit", 100), 100)
    return json_reply({"status": "success", "count": len(hits), "data": hits[first : first + limit]})


async def groups(request: Request) -> Response:
    """GET /security/groups"""
    if refusal := _unauthorized(request):
        return refusal
    return json_reply([{"groupId": key, "groupName": name} for key, name in GROUPS.items()])


async def roles(request: Request) -> Response:
    """GET /roles, in 1.5 only."""
    if refusal := _unauthorized(request):
        return refusal
    return json_reply([{"id": key, "name": name} for key, name in ROLES.items()])


def server_changes() -> dict[str, Any]:
    """Return the fields that the vendor itself changes with every change of a record."""
    return {}


def blank(store: Store) -> dict[str, Any]:
    """Return the record of a new user with the admin page's defaults."""
    fields = NewUser(email="", username="").model_dump(exclude={"customAttributes", "password"})
    return fields | CustomAttributes().model_dump() | {"userId": str(uuid.uuid4()), "status": "enabled"}


def throttled(seconds: int) -> Response:
    """Return the answer that an API gateway would give to a request above its limit."""
    return json_reply({"message": "Too Many Requests"}, 429, {"Retry-After": str(seconds)})


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that point seatwise at this stand-in."""
    return {
        "TENOVOS_BASE_URL": f"{url}/tenovos",
        "TENOVOS_API_KEY": API_KEY,
        "TENOVOS_CLIENT_ID": CLIENT_ID,
        "TENOVOS_USERNAME": USERNAME,
        "TENOVOS_PASSWORD": PASSWORD,
    }


FIELDS = [
    Editable("firstName", "First name"),
    Editable("lastName", "Last name"),
    Editable("email", "E-mail", required=True),
    Editable("username", "User name", required=True, listed=False),
    Editable("company", "Company", listed=False),
    Editable("userRoleId", "Role", ROLES),
    Editable("groups", "Groups", GROUPS, many=True, listed=False),
    Editable("status", "State", {"enabled": "enabled", "disabled": "disabled"}, required=True),
]
ROUTES = [
    Route("/auth/token", token, methods=["POST"]),
    Route("/user", create, methods=["POST"]),
    Route("/user/search/{text}", search),
    Route("/user/{id}", update, methods=["PATCH"]),
    Route("/user/{id}", read),
    Route("/security/groups", groups),
]
MOUNTS = {"/tenovos-1.5": [*ROUTES, Route("/roles", roles)], "/tenovos": ROUTES}
