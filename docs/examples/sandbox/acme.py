"""A stand-in for Acme: what `docs/examples/vendors/acme.py` speaks to in the tests."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seatwise.sandbox.forms import Editable
from seatwise.sandbox.replies import Limit, json_body, json_reply, store_of
from seatwise.sandbox.store import Store, Taken, mailbox

VENDOR, EMAIL, ID = "acme", "email", "id"
LIMITS = [Limit(600, 60)]
QUIRKS: dict[str, Any] = {}
KEEPS_EMAILS = False
API_KEY = "sandbox-acme-key"
PAGE_SIZE = 100
DEFAULTS: dict[str, Any] = {"fullName": None, "teams": [], "active": True}
"""The fields of a record that a create does not say."""


def _is_stranger(request: Request) -> bool:
    return request.headers.get("authorization") != f"Bearer {API_KEY}"


async def create(request: Request) -> Response:
    """POST /users"""
    if _is_stranger(request):
        return json_reply({"message": "who are you?"}, 401)
    body, store = await json_body(request), store_of(request)
    record = {**DEFAULTS, **body, "id": str(store.next_number(VENDOR))}
    record.pop("password", None)
    try:
        store.add(VENDOR, record["id"], record["email"], record)
    except Taken:
        return json_reply({"message": "the e-mail is taken"}, 409)
    return json_reply(record, 201)


async def listing(request: Request) -> Response:
    """GET /users"""
    if _is_stranger(request):
        return json_reply({"message": "who are you?"}, 401)
    email, page = mailbox(request.query_params.get("email", "")), int(request.query_params["page"])
    users = [record for _, record in store_of(request).all(VENDOR) if email in ("", mailbox(record["email"]))]
    shown = users[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return json_reply({"users": shown, "more": len(users) > page * PAGE_SIZE})


async def one(request: Request) -> Response:
    """GET and PATCH /users/{id}"""
    if _is_stranger(request):
        return json_reply({"message": "who are you?"}, 401)
    store, account = store_of(request), request.path_params["id"]
    record = store.get(VENDOR, account)
    if record is None:
        return json_reply({"message": "no such user"}, 404)
    if request.method == "PATCH":
        record |= await json_body(request)
        try:
            store.replace(VENDOR, account, record["email"], record)
        except Taken:
            return json_reply({"message": "the e-mail is taken"}, 409)
    return json_reply(record)


def blank(store: Store) -> dict[str, Any]:
    """Return the record of a new account that is added by hand, with defaults for all fields."""
    return {**DEFAULTS, "id": str(store.next_number(VENDOR))}


def server_changes() -> dict[str, Any]:
    """Return the fields that the vendor itself changes with every change of a record."""
    return {}


def throttled(seconds: int) -> Response:
    """Return the answer to a request above the limit."""
    return json_reply({"message": "too many requests"}, 429, {"retry-after": str(seconds)})


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that point seatwise at this stand-in."""
    return {"ACME_BASE_URL": f"{url}/acme", "ACME_API_KEY": API_KEY}


FIELDS = [
    Editable("fullName", "Full name"),
    Editable("email", "E-mail", required=True),
    Editable("active", "State", {True: "active", False: "deactivated"}, required=True),
]
MOUNTS = {
    "/acme": [
        Route("/users", create, methods=["POST"]),
        Route("/users", listing),
        Route("/users/{id}", one, methods=["GET", "PATCH"]),
    ]
}
