"""Nexudus as its pages describe it: https://learn.nexudus.com/rest-api/sys/post-users and its siblings."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError, create_model
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .forms import Editable
from .replies import Limit, Quirk, Strict, field_errors, json_body, json_reply, options_of, store_of, whole_number
from .store import Store, Taken

VENDOR = "nexudus"
EMAIL, ID = "Email", "Id"
LIMITS = [Limit(60, 60, writes=True), Limit(120, 60), Limit(10, 1)]
KEEPS_EMAILS = False
QUIRKS = {"nexudus_omitted": Quirk("a PUT does this to fields that it leaves out", "reset", ("reset", "keep"))}
USERNAME = "admin@sandbox.example"
PASSWORD = "sandbox-nexudus-password"
MAX_PAGE_SIZE = 100
BUSINESSES = {1: "Downtown", 2: "Uptown"}
# Two businesses may have roles with the same name.
USER_ROLES = {77: ("Front desk", 1), 78: ("Community manager", 1), 79: ("Accountant", 2), 80: ("Community manager", 2)}
REFRESH_LIFETIME_S = 15 * 24 * 3600

_REQUIRED: dict[str, type] = {
    "FullName": str,
    "Email": str,
    "Language": int,
    "PasswordSalt": str,
    "LastHelpVisited": int,
    "InvalidLoginAttempts": int,
}
_FLAGS = [
    "Active",
    "IsAdmin",
    "APIAccess",
    "Validated",
    "MustResetPassword",
    "OnNewEmail",
    "OnHelpDeskMsg",
    "OnNewWallPost",
    "OnNewMember",
    "OnProfileChanges",
    "OnNewBlogComment",
    "OnNewEventComment",
    "OnTariffChange",
    "OnBookingChange",
    "OnTentativeBookingChange",
    "OnPurchases",
    "OnVisitorRegistration",
    "OnPlaformInvoices",
    "ReceiveCommunityDigest",
    "ReceiveEveryMessage",
    "OnAccessControlErrors",
    "OnMemberRemovedFromTeam",
    "OnVirtualOfficeTariffChange",
    "OnVirtualOfficeDeliveryPreferenceUpdate",
    "OnIdentityCheckUpdate",
]
_TEXTS = [
    "AccessToken",
    "Devices",
    "TwoFactorSecret",
    "EmailCallBackGuid",
    "SupportTeamUserEmail",
    "LastAccess",
    "LastLoginAttempt",
    "LastReceivedCommunityThreadDate",
    "LastReceivedCommunityMessageDate",
    "NextCommunityDigest",
    "NextHelpDeskMessageReminder",
]
_NUMBERS = ["PreferredLanguageId", "ApplicationId"]
_LISTS = ["Businesses", "UserRoles", "ChatRooms"]
_ACTIONS: dict[str, type] = {"Password": str, "NewPassword": str, "NewAvatarUrl": str, "ClearAvatarFile": bool}
_READ_ONLY = [
    "AvatarFileName",
    "PassportNumber",
    "PassportCardNumber",
    "EnablePassportAccess",
    "TwoFactorEnabled",
    "DefaultBusinessId",
    "UniqueId",
    "CreatedOn",
    "UpdatedOn",
    "UpdatedBy",
    "IsNew",
    "SystemId",
]
# A record in a list or batch does not have these.
_ONLY_BY_ID = {*_LISTS, "IsAdmin", "APIAccess", "NewPassword", "AccessToken", "TwoFactorSecret"}

_new: dict[str, Any] = {
    **{name: (kind, ...) for name, kind in _REQUIRED.items()},
    **dict.fromkeys(_FLAGS, (bool | None, None)),
    **dict.fromkeys(_TEXTS, (str | None, None)),
    **dict.fromkeys(_NUMBERS, (int | None, None)),
    **dict.fromkeys(_LISTS, (list[int] | None, None)),
    **{name: (kind | None, None) for name, kind in _ACTIONS.items()},
}
_changed: dict[str, Any] = {
    "Id": (int, ...),
    **{f"{delta}{name}": (list[int] | None, None) for name in _LISTS for delta in ("Added", "Removed")},
    **dict.fromkeys(_READ_ONLY, (Any, None)),
}
NewUser = create_model("NewUser", __base__=Strict, **_new)
ChangedUser = create_model("ChangedUser", __base__=NewUser, **_changed)


def _done(message: str, number: int) -> Response:
    return json_reply(
        {
            "Status": 200, "Message": f"User was successfully {message}.", "Value": {"Id": number},
            "OpenInDialog": False, "OpenInWindow": False, "RedirectURL": None, "JavaScript": None,
            "UpdatedOn": _now(), "UpdatedBy": USERNAME, "Errors": None, "WasSuccessful": True,
        }
    )  # fmt: skip


def _refusal(field: str, text: str) -> Response:
    errors = [{"AttemptedValue": None, "Message": text, "PropertyName": field}]
    body = {"Message": f"{field}: {text}", "Value": None, "Errors": errors, "WasSuccessful": False}
    return json_reply(body, 400)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unauthorized(request: Request) -> Response | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind == "Bearer" and store_of(request).owner(VENDOR, token, "access"):
        return None
    return json_reply({"Message": "Authorization has been denied for this request."}, 401)


def _defaults() -> dict[str, Any]:
    return {
        **dict.fromkeys(_FLAGS, False),
        "Active": True,
        **dict.fromkeys(_TEXTS),
        **dict.fromkeys(_NUMBERS),
        **{name: [] for name in _LISTS},
    }


def _act(record: dict[str, Any], actions: dict[str, Any]) -> None:
    """Carry out a change of password or picture, which the record does not keep; the log shows what was sent."""
    if actions.get("NewAvatarUrl"):
        record["AvatarFileName"] = actions["NewAvatarUrl"].rpartition("/")[2]
    if actions.get("ClearAvatarFile"):
        record["AvatarFileName"] = None
    if actions.get("NewPassword") or actions.get("Password"):
        record["PasswordSalt"] = secrets.token_hex(4)


async def token(request: Request) -> Response:
    """POST /api/token"""
    form = await request.form()
    if not form:
        return json_reply({"error": "unsupported_grant_type"}, 400)
    store, owner = store_of(request), ""
    if form.get("grant_type") == "password":
        if (form.get("username"), form.get("password")) == (USERNAME, PASSWORD):
            owner = request.headers.get("client_id", USERNAME)
    elif form.get("grant_type") == "refresh_token":
        old = str(form.get("refresh_token"))
        if request.headers.get("client_id") == store.owner(VENDOR, old, "refresh"):
            owner = str(request.headers.get("client_id"))
            store.revoke(VENDOR, old)
    else:
        return json_reply({"error": "unsupported_grant_type"}, 400)
    if not owner:
        description = "The user name or password is incorrect."
        return json_reply({"error": "invalid_grant", "error_description": description}, 400)
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    lifetime = options_of(request).token_lifetime
    store.grant(VENDOR, access, "access", owner, lifetime)
    store.grant(VENDOR, refresh, "refresh", owner, REFRESH_LIFETIME_S)
    return json_reply(
        {"access_token": access, "token_type": "bearer", "expires_in": int(lifetime), "refresh_token": refresh}
    )


async def create(request: Request) -> Response:
    """POST /api/sys/users"""
    if refusal := _unauthorized(request):
        return refusal
    try:
        body = NewUser.model_validate(await json_body(request)).model_dump(exclude_none=True)
    except ValidationError as error:
        return _refusal(*next(iter(field_errors(error).items())))
    store = store_of(request)
    number = store.next_number(VENDOR)
    actions = {name: body.pop(name, None) for name in _ACTIONS}
    record = _defaults() | body | {"Id": number, "UniqueId": str(uuid.uuid4()), "CreatedOn": _now()}
    record |= {"UpdatedOn": _now(), "UpdatedBy": USERNAME}
    _act(record, actions)
    try:
        store.add(VENDOR, str(number), record["Email"], record)
    except Taken:
        return _refusal("Email", "a user with this email already exists")
    return _done("created", number)


async def update(request: Request) -> Response:
    """PUT /api/sys/users: the complete record; missing fields are reset to their defaults."""
    if refusal := _unauthorized(request):
        return refusal
    try:
        body = ChangedUser.model_validate(await json_body(request)).model_dump(exclude_unset=True)
    except ValidationError as error:
        return _refusal(*next(iter(field_errors(error).items())))
    store = store_of(request)
    number = body["Id"]
    old = store.get(VENDOR, str(number))
    if old is None:
        return json_reply({"Message": "Not found", "Value": None, "WasSuccessful": False}, 404)
    actions = {name: body.pop(name, None) for name in _ACTIONS}
    kept = {name: old[name] for name in ["Id", *_READ_ONLY] if name in old}
    base = old if options_of(request).quirks["nexudus_omitted"] == "keep" else _defaults()
    record = base | {name: value for name, value in body.items() if value is not None or name in _TEXTS + _NUMBERS}
    for name in _LISTS:
        added, removed = (record.pop(f"{delta}{name}", None) or [] for delta in ("Added", "Removed"))
        untouched = old[name] if added or removed else base[name]
        items = (body[name] or []) if name in body else untouched
        record[name] = [each for each in dict.fromkeys([*items, *added]) if each not in removed]
    record = {name: value for name, value in record.items() if name not in _READ_ONLY}
    record |= kept | {"UpdatedOn": _now(), "UpdatedBy": USERNAME}
    _act(record, actions)
    try:
        store.replace(VENDOR, str(number), record["Email"], record)
    except Taken:
        return _refusal("Email", "a user with this email already exists")
    return _done("updated", number)


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    read_only = {**dict.fromkeys(_READ_ONLY), "EnablePassportAccess": False, "TwoFactorEnabled": False, "IsNew": False}
    return read_only | record | dict.fromkeys(_ACTIONS)


async def read(request: Request) -> Response:
    """GET /api/sys/users/{id}"""
    if refusal := _unauthorized(request):
        return refusal
    record = store_of(request).get(VENDOR, request.path_params["id"])
    if record is None:
        return json_reply({"Message": "Not found", "Value": None, "WasSuccessful": False}, 404)
    return json_reply(_shown(record))


async def delete(request: Request) -> Response:
    """DELETE /api/sys/users/{id}"""
    if refusal := _unauthorized(request):
        return refusal
    number = request.path_params["id"]
    if not store_of(request).remove(VENDOR, number, reserve=False):
        return json_reply({"Message": "Not found", "Value": None, "WasSuccessful": False}, 404)
    return _done("deleted", int(number))


async def listing(request: Request) -> Response:
    """GET /api/sys/users: partial records; a text filter matches values that contain the text."""
    if refusal := _unauthorized(request):
        return refusal
    query = request.query_params
    records = _filtered(request, "User", [_shown(record) for _, record in store_of(request).all(VENDOR)])
    partial = [{key: value for key, value in each.items() if key not in _ONLY_BY_ID} for each in records]
    if query.get("id", "").startswith("["):
        wanted_ids = query["id"].strip("[]").split(",")
        return json_reply([each for each in partial if str(each["Id"]) in wanted_ids])
    return _page(request, partial)


def _filtered(request: Request, entity: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for name, wanted in request.query_params.items():
        field = name.removeprefix(f"{entity}_")
        if field != name:
            records = [each for each in records if wanted.casefold() in str(each.get(field, "")).casefold()]
    return records


def _page(request: Request, records: list[dict[str, Any]]) -> Response:
    page = whole_number(request, "page", 1, 1)
    size = min(whole_number(request, "size", 25, 1), MAX_PAGE_SIZE)
    pages = max(1, -(-len(records) // size))
    first = (page - 1) * size
    shown = records[first : first + size]
    return json_reply(
        {
            "Records": shown, "CurrentPage": page, "CurrentPageSize": size, "CurrentOrderField": "Id",
            "CurrentSortDirection": 1, "FirstItem": first + 1, "LastItem": first + len(shown),
            "TotalItems": len(records), "TotalPages": pages, "HasNextPage": page < pages,
            "HasPreviousPage": page > 1,
        }
    )  # fmt: skip


async def businesses(request: Request) -> Response:
    """GET /api/sys/businesses"""
    if refusal := _unauthorized(request):
        return refusal
    records = [{"Id": number, "Name": name} for number, name in BUSINESSES.items()]
    return _page(request, _filtered(request, "Business", records))


async def user_roles(request: Request) -> Response:
    """GET /api/security/userroles"""
    if refusal := _unauthorized(request):
        return refusal
    records = [
        {"Id": number, "Name": name, "BusinessId": business, "BusinessName": BUSINESSES[business]}
        for number, (name, business) in USER_ROLES.items()
    ]
    return _page(request, _filtered(request, "UserRole", records))


def server_changes() -> dict[str, Any]:
    """Return the fields that the vendor itself changes with every change of a record."""
    return {"UpdatedOn": _now()}


def blank(store: Store) -> dict[str, Any]:
    """Return the record of a new user with the admin page's defaults."""
    required = {"FullName": "", "Email": "", "Language": 1, "LastHelpVisited": 0, "InvalidLoginAttempts": 0}
    made = {"Id": store.next_number(VENDOR), "UniqueId": str(uuid.uuid4()), "CreatedOn": _now(), "UpdatedBy": USERNAME}
    return _defaults() | required | {"PasswordSalt": secrets.token_hex(4)} | made | server_changes()


def throttled(seconds: int) -> Response:
    """Return the documented answer to a request above the limit: a 409 without a body."""
    return Response(status_code=409, headers={"Retry-After": str(seconds)})


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that point seatwise at this stand-in."""
    return {"NEXUDUS_BASE_URL": f"{url}/nexudus", "NEXUDUS_USERNAME": USERNAME, "NEXUDUS_PASSWORD": PASSWORD}


FIELDS = [
    Editable("FullName", "Full name", required=True),
    Editable("Email", "E-mail", required=True),
    Editable("Language", "Language", {1: "English (US)", 2: "Spanish", 3: "English (UK)"}, required=True, listed=False),
    Editable("UserRoles", "User roles", many=True),
    Editable("IsAdmin", "Administrator", {True: "yes", False: "no"}, required=True, listed=False),
    Editable("Active", "State", {True: "active", False: "deactivated"}, required=True),
]
ROUTES = [
    Route("/api/token", token, methods=["POST"]),
    Route("/api/sys/users", create, methods=["POST"]),
    Route("/api/sys/users", update, methods=["PUT"]),
    Route("/api/sys/users", listing),
    Route("/api/sys/users/", listing),
    Route("/api/sys/users/{id}", delete, methods=["DELETE"]),
    Route("/api/sys/users/{id}", read),
    Route("/api/sys/businesses", businesses),
    Route("/api/security/userroles", user_roles),
]
MOUNTS = {"/nexudus": ROUTES}
