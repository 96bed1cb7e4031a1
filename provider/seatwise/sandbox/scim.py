"""A service that speaks SCIM 2.0: https://www.rfc-editor.org/rfc/rfc7643 and https://www.rfc-editor.org/rfc/rfc7644

A record is the resource itself. `scim2 test` finds nothing to complain about.
"""

import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .forms import Editable
from .replies import Limit, Quirk, json_body, json_reply, options_of, store_of, whole_number
from .store import Store, Taken

VENDOR = "scim"
TITLE = "SCIM"
EMAIL, ID = "userName", "id"
LIMITS: list[Limit] = []  # the protocol has none
KEEPS_EMAILS = False
QUIRKS = {
    "scim_create": Quirk("a create is answered with", "the record", ("the record", "what was sent")),
    "scim_patch": Quirk("a PATCH is answered with", "the record", ("the record", "204", "what was sent")),
    "scim_updates": Quirk("accounts are changed by", "PATCH and PUT", ("PATCH and PUT", "PUT")),
    "scim_omitted": Quirk("what a PUT leaves out is", "cleared", ("cleared", "kept")),
    "scim_drops": Quirk("accepted and not kept are", "nothing", ("nothing", "title and externalId")),
    "scim_pages": Quirk("pages follow by", "index", ("index", "cursor")),
    "scim_cap": Quirk("a page has at most so many records", 1000),
    "scim_members": Quirk(
        "members are shown",
        "in the group",
        ("in the group", "in the group, if asked for", "at the user", "by a filter", "nowhere"),
    ),
    "scim_twice": Quirk("a member who is added again is", "accepted", ("accepted", "refused with 409")),
    "scim_label": Quirk("answers are labelled", "application/scim+json", ("application/scim+json", "text/html")),
}
TOKEN = "sandbox-scim-token"
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-scim-secret"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
MEMBERSHIPS = "scim groups"
"""The store's name for the groups that differ from `GROUPS`."""
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
GROUPS = {"6e7f2c10-0001-4a1e-9d6e-000000000001": "Engineers", "6e7f2c10-0001-4a1e-9d6e-000000000002": "Guests"}
DROPPED = ("title", "externalId")


class Refused(Exception):
    """A request that is refused: status, kind of error, and the words for it."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail


# --- the schemas ------------------------------------------------------------------------------


def _attribute(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    usual = {
        "name": name, "type": kind, "multiValued": False, "description": name, "required": False, "caseExact": False,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    }  # fmt: skip
    return usual | more


def _complex(name: str, *inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return _attribute(name, "complex", subAttributes=list(inner), **more)


def _many(name: str, *inner: str) -> dict[str, Any]:
    texts = [_attribute(each) for each in inner or ("value", "display", "type")]
    return _complex(name, *texts, _attribute("primary", "boolean"), multiValued=True)


_NAME = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_ADDRESS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country", "type")
_TEXTS = ("displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone")
_WORK = ("employeeNumber", "costCenter", "organization", "division", "department")
USER: dict[str, Any] = {
    "id": CORE,
    "name": "User",
    "description": "User Account",
    "attributes": [
        _attribute("userName", required=True, uniqueness="server"),
        _complex("name", *map(_attribute, _NAME)),
        *map(_attribute, _TEXTS),
        _attribute("profileUrl", "reference", referenceTypes=["external"]),
        _attribute("active", "boolean"),
        _attribute("password", mutability="writeOnly", returned="never"),
        *map(_many, ("emails", "phoneNumbers", "ims", "entitlements", "roles")),
        _complex(
            "photos",
            _attribute("value", "reference", referenceTypes=["external"]),
            *map(_attribute, ("display", "type")),
            _attribute("primary", "boolean"),
            multiValued=True,
        ),
        _many("addresses", *_ADDRESS),
        _complex(
            "x509Certificates",
            _attribute("value", "binary", caseExact=True),
            *map(_attribute, ("display", "type")),
            _attribute("primary", "boolean"),
            multiValued=True,
        ),
        _complex(
            "groups",
            *(_attribute(each, mutability="readOnly") for each in ("value", "display", "type")),
            multiValued=True,
            mutability="readOnly",
        ),
    ],
}
WORK: dict[str, Any] = {
    "id": ENTERPRISE,
    "name": "EnterpriseUser",
    "description": "Enterprise User",
    "attributes": [
        *map(_attribute, _WORK),
        _complex("manager", _attribute("value"), _attribute("displayName", mutability="readOnly")),
    ],
}
SCHEMAS: dict[str, dict[str, Any]] = {CORE: USER, ENTERPRISE: WORK}
_KNOWN: dict[str, dict[str, dict[str, Any]]] = {
    urn: {each["name"].lower(): each for each in schema["attributes"]} for urn, schema in SCHEMAS.items()
}
_KNOWN[CORE]["externalid"] = _attribute("externalId")


def _meta(kind: str, where: str) -> dict[str, str]:
    return {"resourceType": kind, "location": where}


# --- answers ----------------------------------------------------------------------------------


def _reply(request: Request, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    label = str(options_of(request).quirks.get("scim_label", "application/scim+json"))
    return Response(json.dumps(body), status, headers, label)


def _error(error: Refused) -> Response:
    body = {"schemas": [f"{MESSAGES}Error"], "status": str(error.status), "detail": error.detail}
    kind = {"scimType": error.kind} if error.kind else {}
    return Response(json.dumps(body | kind), error.status, None, "application/scim+json")


def _served(handle: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Return the handler behind the check of the token; a refusal becomes an answer."""

    async def served(request: Request) -> Response:
        try:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if given != TOKEN and store_of(request).owner(VENDOR, given, "access") is None:
                raise Refused(401, "", "the token is not valid")
            found: Response = await handle(request)
            return found
        except Refused as error:
            return _error(error)

    return served


def _shown(request: Request, record: dict[str, Any]) -> dict[str, Any]:
    where = str(request.url_for("one", id=record["id"])) if request.scope.get("router") else ""
    given = {key: value for key, value in record.items() if value is not None}  # as RFC 7643, section 2.5
    groups = _groups(request) if _shows(request, "at the user") else []
    own = [{"value": each["id"]} for each in groups if record["id"] in each["members"]]
    return given | {"meta": record["meta"] | {"location": where}} | ({"groups": own} if own else {})


def _one_reply(request: Request, record: dict[str, Any], status: int = 200) -> Response:
    shown = _shown(request, record)
    headers = {"etag": record["meta"]["version"]} | ({"location": shown["meta"]["location"]} if status == 201 else {})
    return _reply(request, shown, status, headers)


# --- records ----------------------------------------------------------------------------------


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fresh(created: str | None = None) -> dict[str, Any]:
    now, version = _now(), f'W/"{secrets.token_hex(8)}"'
    return {"resourceType": "User", "created": created or now, "lastModified": now, "version": version}


def server_changes() -> dict[str, Any]:
    """Return the fields that the service itself changes with every change of a record."""
    return {"meta": _fresh()}


def blank(store: Store) -> dict[str, Any]:
    """Return the record of a new user with the admin page's defaults."""
    shown = dict.fromkeys(("displayName", "title", "userType"))
    return {"schemas": [CORE], "id": str(uuid.uuid4()), "active": True, "meta": _fresh(), **shown}


def _as_known(names: Iterable[str], name: str) -> str:
    """Return a name as others have it: names of schemas and attributes have no case (RFC 7643, section 2.1)."""
    return next((each for each in names if each.lower() == name.lower()), name)


def _spelt(value: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that are known and may be written, as the schema spells and types them."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        attribute = known.get(key.lower())
        if attribute is None or attribute["mutability"] == "readOnly" or each is None or each == []:
            continue
        found[attribute["name"]] = _typed(attribute, each)
    return found


def _typed(attribute: dict[str, Any], value: Any) -> Any:
    many = attribute["multiValued"]
    if many is not isinstance(value, list):
        raise Refused(400, "invalidValue", f"{attribute['name']} must {'' if many else 'not '}be a list")
    items = [_item(attribute, each) for each in (value if many else [value])]
    if sum(isinstance(each, dict) and each.get("primary") is True for each in items) > 1:
        raise Refused(400, "invalidValue", f"{attribute['name']} has several primary items")
    return items if many else items[0]


def _item(attribute: dict[str, Any], value: Any) -> Any:
    name, kind = attribute["name"], attribute["type"]
    if kind == "complex":
        if not isinstance(value, dict):
            raise Refused(400, "invalidValue", f"{name} must be an object")
        return _spelt(value, {each["name"].lower(): each for each in attribute["subAttributes"]})
    if kind == "boolean":
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise Refused(400, "invalidValue", f"{name} must be true or false")
    elif not isinstance(value, str):
        raise Refused(400, "invalidValue", f"{name} must be text")
    return value


def _resource(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a whole resource that are kept."""
    known = {key: value for key, value in body.items() if ":" not in key}
    found = _spelt(known, _KNOWN[CORE])
    if not isinstance(found.get("userName"), str) or not found["userName"]:
        raise Refused(400, "invalidValue", "userName is required")
    for key, value in body.items():
        if ":" in key and isinstance(value, dict):
            urn = _as_known(SCHEMAS, key)
            found[urn] = _spelt(value, _KNOWN[urn]) if urn in SCHEMAS else value
    return _kept(request, found)


def _kept(request: Request, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what is never shown, empty, or dropped by a quirk."""
    dropped = DROPPED if options_of(request).quirks.get("scim_drops") != "nothing" else ()
    kept = {key: value for key, value in record.items() if key not in ("password", *dropped) and value not in ({}, [])}
    return kept | {"schemas": [CORE, *(key for key in kept if ":" in key)]}


# --- requests ---------------------------------------------------------------------------------


async def create(request: Request) -> Response:
    """POST /Users"""
    body = await json_body(request)
    record = {"active": True} | _resource(request, body)
    record |= {"id": str(uuid.uuid4()), "meta": _fresh()}
    try:
        store_of(request).add(VENDOR, record["id"], record["userName"], record)
    except Taken:
        raise Refused(409, "uniqueness", "the userName is taken") from None
    if options_of(request).quirks.get("scim_create") == "what was sent":
        record = {key: value for key, value in body.items() if key != "password"} | record
    return _one_reply(request, record, 201)


def _record(request: Request) -> dict[str, Any]:
    record = store_of(request).get(VENDOR, request.path_params["id"])
    if record is None:
        raise Refused(404, "", "there is no such user")
    return record


async def read(request: Request) -> Response:
    """GET /Users/{id}"""
    record, asked = _record(request), request.query_params
    choose = _chosen(asked.get("attributes"), asked.get("excludedAttributes"))
    return _reply(request, choose(_shown(request, record)), 200, {"etag": record["meta"]["version"]})


async def remove(request: Request) -> Response:
    """DELETE /Users/{id}"""
    _refuse_outdated(request, _record(request))
    user = request.path_params["id"]
    store_of(request).remove(VENDOR, user, reserve=False)
    for group in _groups(request):
        if user in group["members"]:
            _keep_group(request, group | {"members": [each for each in group["members"] if each != user]})
    return Response(status_code=204)


def _refuse_outdated(request: Request, record: dict[str, Any]) -> None:
    wanted = request.headers.get("if-match", "*")
    if wanted not in ("*", record["meta"]["version"]):
        raise Refused(412, "", "the user has changed since")


def _replace(request: Request, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    record = _kept(request, new) | {"id": old["id"], "meta": _fresh(old["meta"]["created"])}
    try:
        store_of(request).replace(VENDOR, old["id"], record["userName"], record)
    except Taken:
        raise Refused(409, "uniqueness", "the userName is taken") from None
    return record


async def put(request: Request) -> Response:
    """PUT /Users/{id}: what is not sent is cleared."""
    old = _record(request)
    _refuse_outdated(request, old)
    new = _resource(request, await json_body(request))
    if options_of(request).quirks.get("scim_omitted") == "kept":
        names = {"name": {**(old.get("name") or {}), **(new.get("name") or {})}}
        _replace(request, old, {**old, **new, **names})
        return _one_reply(request, new | {"id": old["id"], "meta": _record(request)["meta"]})
    return _one_reply(request, _replace(request, old, new))


async def patch(request: Request) -> Response:
    """PATCH /Users/{id}"""
    if not _has_patch(request):
        raise Refused(501, "", "there is no PATCH here")
    old = _record(request)
    _refuse_outdated(request, old)
    operations = (await json_body(request)).get("Operations")
    if not isinstance(operations, list) or not operations:
        raise Refused(400, "invalidSyntax", "Operations is missing")
    new = json.loads(json.dumps(old))
    for each in operations:
        _apply(new, each)
    record = _replace(request, old, _resource(request, new))
    said = options_of(request).quirks.get("scim_patch")
    if said == "204":
        return Response(status_code=204, headers={"etag": record["meta"]["version"]})
    if said == "what was sent":
        return _one_reply(request, {key: value for key, value in new.items() if key != "password"} | {
            "meta": record["meta"]})  # fmt: skip
    return _one_reply(request, record)


def _apply(record: dict[str, Any], operation: Any) -> None:
    if not isinstance(operation, dict) or str(operation.get("op", "")).lower() not in ("add", "replace", "remove"):
        raise Refused(400, "invalidSyntax", "op must be add, replace or remove")
    op, path, value = str(operation["op"]).lower(), operation.get("path"), operation.get("value")
    if path is None:
        if op == "remove":
            raise Refused(400, "noTarget", "a remove needs a path")
        if not isinstance(value, dict):
            raise Refused(400, "invalidValue", "without a path the value must be an object")
        for key, each in value.items():
            if isinstance(each, dict) and key in SCHEMAS:
                for inner, own in each.items():
                    _set(record, f"{key}:{inner}", op, own)
            else:
                _set(record, key, op, each)
        return
    _set(record, str(path), op, value)


_PATH = re.compile(
    r"(?:(?P<urn>urn:.+):)?(?P<name>[^.\[\]:]+)(?:\[(?P<filter>.+)\])?(?:\.(?P<sub>[^.\[\]]+))?", re.IGNORECASE
)


def _set(record: dict[str, Any], path: str, op: str, value: Any) -> None:
    """Carry out one operation on one path (RFC 7644, section 3.5.2)."""
    whole = next((urn for urn in SCHEMAS if urn.lower() == path.lower()), None)
    if whole is not None and whole != CORE:
        record.pop(whole, None) if op == "remove" else record.__setitem__(whole, {**record.get(whole, {}), **value})
        return
    found = _PATH.fullmatch(path)
    if found is None:
        raise Refused(400, "invalidPath", f"{path} is not a path")
    wanted = str(found["urn"] or CORE)
    urn = _as_known((*SCHEMAS, *record), wanted)
    holder = record if urn == CORE else record.setdefault(urn, {})
    if urn not in SCHEMAS:
        _set_unknown(holder, found["name"], found["sub"], op, value)
        return
    attribute = _KNOWN[urn].get(found["name"].lower())
    if attribute is None:
        raise Refused(400, "invalidPath", f"{path} is not an attribute")
    if attribute["mutability"] == "readOnly":
        raise Refused(400, "mutability", f"{path} is read-only")
    name = attribute["name"]
    if found["sub"] is None and found["filter"] is None:
        _set_whole(holder, name, attribute, op, value)
    elif attribute["multiValued"]:
        _set_items(holder, name, found["filter"], found["sub"], op, value)
    else:
        inner = holder.setdefault(name, {})
        known = {each["name"].lower(): each["name"] for each in attribute.get("subAttributes", ())}
        if found["sub"].lower() not in known:
            raise Refused(400, "invalidPath", f"{path} is not an attribute")
        key = known[found["sub"].lower()]
        inner.pop(key, None) if op == "remove" else inner.__setitem__(key, value)


def _set_unknown(holder: dict[str, Any], name: str, sub: str | None, op: str, value: Any) -> None:
    """Set an attribute of a schema that is not known; what a complex value does not name stays."""
    name = _as_known(holder, name)
    inner, key = (holder.setdefault(name, {}), sub) if sub else (holder, name)
    old = inner.get(key)
    if op == "remove":
        inner.pop(key, None)
    else:
        inner[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value


def _set_whole(holder: dict[str, Any], name: str, attribute: dict[str, Any], op: str, value: Any) -> None:
    if op == "remove":
        if attribute["required"]:
            raise Refused(400, "invalidValue", f"{name} is required")
        if isinstance(value, list) and attribute["multiValued"]:
            holder[name] = [each for each in holder.get(name, []) if each not in value]
        else:
            holder.pop(name, None)
    elif attribute["multiValued"]:
        new = value if isinstance(value, list) else [value]
        old = holder.get(name, []) if op == "add" else []
        if any(isinstance(each, dict) and each.get("primary") is True for each in new):
            old = [{**each, "primary": False} if each.get("primary") else each for each in old]
        holder[name] = [*old, *(each for each in new if each not in old)]
    elif attribute["type"] == "complex" and isinstance(value, dict):
        holder[name] = {**holder.get(name, {}), **value}
    else:
        holder[name] = value


def _set_items(holder: dict[str, Any], name: str, text: str | None, sub: str | None, op: str, value: Any) -> None:
    items = holder.get(name, [])
    hits = [each for each in items if text is None or _matches(each, text)]
    if not hits and op != "remove":
        raise Refused(400, "noTarget", f"no item of {name} matches")
    if op == "remove" and sub is None:
        holder[name] = [each for each in items if each not in hits]
        return
    for each in hits:
        if op == "remove":
            each.pop(sub, None)
        else:
            each.update(value if sub is None else {sub: value})


# --- filters and pages ------------------------------------------------------------------------

_TERM = re.compile(r"\s*([\w:.$-]+)\s+eq\s+(\"(?:[^\"\\]|\\.)*\"|true|false|-?[0-9]+)\s*", re.IGNORECASE)


def _matches(record: dict[str, Any], text: str) -> bool:
    """Return whether a record fits a filter: terms with `eq`, joined with `and`."""
    for part in re.split(r"\s+and\s+", text, flags=re.IGNORECASE):
        term = _TERM.fullmatch(part)
        if term is None:
            raise Refused(400, "invalidFilter", f"{text} is not a filter that is supported")
        path = term[1].removeprefix(f"{CORE}:")
        wanted = json.loads(term[2] if term[2].startswith('"') else term[2].lower())
        if not any(_same(each, wanted) for each in _values(record, path.split("."))):
            return False
    return True


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _values(each, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            if key.lower() == path[0].lower():
                yield from _values(each, path[1:])


def _same(value: Any, wanted: Any) -> bool:
    return bool(str(value).lower() == str(wanted).lower()) if isinstance(wanted, str) else value is wanted


async def listing(request: Request) -> Response:
    """GET /Users"""
    asked = request.query_params
    return _found(request, asked.get("filter"), _chosen(asked.get("attributes"), asked.get("excludedAttributes")))


async def search(request: Request) -> Response:
    """POST /Users/.search and /.search"""
    body = await json_body(request)
    choose = _chosen(*(",".join(body.get(name) or ()) for name in ("attributes", "excludedAttributes")))
    return _found(request, body.get("filter"), choose)


def _found(request: Request, text: str | None, choose: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    users = [record for _, record in store_of(request).all(VENDOR) if text is None or _matches(record, text)]
    return _page(request, [choose(_shown(request, each)) for each in users])


def _chosen(wanted: str | None, unwanted: str | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that leaves the attributes of a resource that a request asks for."""
    some, others = (
        {each.strip().removeprefix(f"{CORE}:").partition(".")[0].lower() for each in (text or "").split(",")} - {""}
        for text in (wanted, unwanted)
    )

    def choose(resource: dict[str, Any]) -> dict[str, Any]:
        kept = {
            key for key in resource if key in ("schemas", "id") or (
                key.lower() not in others and (not some or any(each.startswith(key.lower()) for each in some))
            )
        }  # fmt: skip
        return {key: value for key, value in resource.items() if key in kept}

    return choose


# --- groups -----------------------------------------------------------------------------------


def _groups(request: Request) -> list[dict[str, Any]]:
    """Return the groups as they are kept, each with the ids of its members."""
    kept = dict(store_of(request).all(MEMBERSHIPS))
    usual = {key: {"id": key, "displayName": name, "members": [], "version": "0"} for key, name in GROUPS.items()}
    return [each for each in {**usual, **kept}.values() if "displayName" in each]


def _keep_group(request: Request, group: dict[str, Any]) -> None:
    store = store_of(request)
    new = group | {"version": str(int(group["version"]) + 1)}
    keep = store.replace if store.get(MEMBERSHIPS, group["id"]) is not None else store.add
    keep(MEMBERSHIPS, group["id"], group["id"], new)


def _group(request: Request) -> dict[str, Any]:
    group = next((each for each in _groups(request) if each["id"] == request.path_params["id"]), None)
    if group is None:
        raise Refused(404, "", "there is no such group")
    return group


def _shows(request: Request, place: str) -> bool:
    return bool(options_of(request).quirks.get("scim_members", "in the group") == place)


def _shown_group(request: Request, group: dict[str, Any]) -> dict[str, Any]:
    """Return a group as it is answered: an attribute without a value is left out (RFC 7643, section 2.5)."""
    asked = request.query_params.get("attributes", "").split(",")
    is_shown = _shows(request, "in the group") or ("members" in asked and _shows(request, "in the group, if asked for"))
    members = [{"value": each, "type": "User"} for each in group["members"]] if is_shown else []
    meta = {"resourceType": "Group", "version": f'W/"{group["version"]}"'}
    shown = {"schemas": [GROUP], "id": group["id"], "displayName": group["displayName"], "meta": meta}
    return shown | ({"members": members} if members else {})


async def groups(request: Request) -> Response:
    """GET /Groups"""
    text, asked = request.query_params.get("filter"), request.query_params
    if text and "members" in text and not (_shows(request, "by a filter") or _shows(request, "in the group")):
        raise Refused(400, "invalidFilter", "members cannot be filtered")
    choose = _chosen(asked.get("attributes"), asked.get("excludedAttributes"))

    def fits(group: dict[str, Any]) -> bool:
        return text is None or _matches(group | {"members": [{"value": each} for each in group["members"]]}, text)

    return _page(request, [choose(_shown_group(request, each)) for each in _groups(request) if fits(each)])


async def read_group(request: Request) -> Response:
    """GET /Groups/{id}"""
    group = _shown_group(request, _group(request))
    return _reply(request, group, 200, {"etag": group["meta"]["version"]})


async def remove_group(request: Request) -> Response:
    """DELETE /Groups/{id}"""
    group = _group(request)
    del group["displayName"]
    _keep_group(request, group)
    return Response(status_code=204)


async def patch_group(request: Request) -> Response:
    """PATCH /Groups/{id}: adds and removes members."""
    group = _group(request)
    if request.headers.get("if-match", "*") not in ("*", f'W/"{group["version"]}"'):
        raise Refused(412, "", "the group has changed since")
    for each in (await json_body(request)).get("Operations") or [{}]:
        group["members"] = _changed(request, group["members"], each)
    _keep_group(request, group)
    if options_of(request).quirks.get("scim_patch") == "204":
        return Response(status_code=204)
    return _reply(request, _shown_group(request, _group(request)))


def _changed(request: Request, members: list[str], operation: dict[str, Any]) -> list[str]:
    """Return the members after one operation."""
    op, path, value = (operation.get(name) for name in ("op", "path", "value"))
    if op == "add" and path == "members" and isinstance(value, list):
        new = [str(each.get("value")) for each in value]
        if any(store_of(request).get(VENDOR, each) is None for each in new):
            raise Refused(404, "", "there is no such user")
        if {*new} & {*members} and options_of(request).quirks.get("scim_twice") == "refused with 409":
            raise Refused(409, "uniqueness", "the user is a member already")
        return [*members, *(each for each in new if each not in members)]
    chosen = re.fullmatch(r"members\[(value eq .+)\]", str(path))
    if op == "remove" and path == "members":
        return []  # as the RFC has it, whatever the value is
    if op != "remove" or chosen is None:
        raise Refused(400, "invalidPath", f"{path} is not a path of members")
    left = [each for each in members if not _matches({"value": each}, chosen[1])]
    if left == members:
        raise Refused(400, "noTarget", "the user is not a member")
    return left


def _page(request: Request, items: list[Any]) -> Response:
    quirks = options_of(request).quirks
    most = int(quirks.get("scim_cap", 1000)) or 1000
    size = min(whole_number(request, "count", 100), most)
    by_cursor = quirks.get("scim_pages") == "cursor"
    if by_cursor:  # https://www.rfc-editor.org/rfc/rfc9865#section-2: empty for the first page
        first = whole_number(request, "cursor", 0) if request.query_params.get("cursor") else 0
    else:
        first = max(whole_number(request, "startIndex", 1), 1) - 1
    shown = items[first : first + size]
    body: dict[str, Any] = {
        "schemas": [f"{MESSAGES}ListResponse"], "totalResults": len(items), "itemsPerPage": len(shown),
        "Resources": shown,
    }  # fmt: skip
    if by_cursor:
        body |= {"nextCursor": str(first + size)} if first + size < len(items) else {}
    else:
        body["startIndex"] = first + 1
    return _reply(request, body)


# --- about the service ------------------------------------------------------------------------


def _has_patch(request: Request) -> bool:
    return options_of(request).quirks.get("scim_updates") != "PUT"


async def config(request: Request) -> Response:
    """GET /ServiceProviderConfig"""
    no, yes = {"supported": False}, {"supported": True}
    bearer = {"type": "oauthbearertoken", "name": "Bearer token", "description": "A bearer token"}
    return _reply(
        request,
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": _has_patch(request)}, "changePassword": yes, "sort": no, "etag": yes,
            "bulk": no | {"maxOperations": 0, "maxPayloadSize": 0}, "filter": yes | {"maxResults": 1000},
            "authenticationSchemes": [bearer],
            "meta": _meta("ServiceProviderConfig", str(request.url_for("config"))),
        },
    )  # fmt: skip


def _type(request: Request) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User", "name": "User", "endpoint": "/Users", "description": "User Account", "schema": CORE,
        "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
        "meta": _meta("ResourceType", str(request.url_for("type", id="User"))),
    }  # fmt: skip


async def types(request: Request) -> Response:
    """GET /ResourceTypes"""
    return _page(request, [_type(request)])


async def type_(request: Request) -> Response:
    """GET /ResourceTypes/{id}"""
    if request.path_params["id"] != "User":
        raise Refused(404, "", "there is no such type")
    return _reply(request, _type(request))


def _schema(request: Request, urn: str) -> dict[str, Any]:
    meta = _meta("Schema", str(request.url_for("schema", id=urn)))
    return SCHEMAS[urn] | {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "meta": meta}


async def schemas(request: Request) -> Response:
    """GET /Schemas"""
    return _page(request, [_schema(request, urn) for urn in SCHEMAS])


async def schema(request: Request) -> Response:
    """GET /Schemas/{id}"""
    if request.path_params["id"] not in SCHEMAS:
        raise Refused(404, "", "there is no such schema")
    return _reply(request, _schema(request, request.path_params["id"]))


async def nothing(request: Request) -> Response:
    """Any other path, and other methods of those above."""
    if request.path_params["path"].partition("/")[0] in ("ServiceProviderConfig", "ResourceTypes", "Schemas"):
        raise Refused(405, "", "this can only be read")
    raise Refused(404, "", "there is nothing here")


async def token(request: Request) -> Response:
    """POST /token: OAuth 2 client credentials, as an identity provider has them."""
    form = await request.form()
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return json_reply({"error": "invalid_client"}, 401)
    if form.get("grant_type") != "client_credentials":
        return json_reply({"error": "unsupported_grant_type"}, 400)
    access, lifetime = secrets.token_urlsafe(24), options_of(request).token_lifetime
    store_of(request).grant(VENDOR, access, "access", CLIENT_ID, lifetime)
    return json_reply({"access_token": access, "token_type": "Bearer", "expires_in": lifetime})


def throttled(seconds: int) -> Response:
    """Return the answer to a request above a limit."""
    body = {"schemas": [f"{MESSAGES}Error"], "status": "429", "detail": "too many requests"}
    return json_reply(body, 429, {"retry-after": str(seconds)})


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that point seatwise at this stand-in."""
    return {"SCIM_BASE_URL": f"{url}/scim", "SCIM_TOKEN": TOKEN}


FIELDS = [
    Editable("userName", "User name", required=True),
    Editable("displayName", "Display name"),
    Editable("title", "Title"),
    Editable("userType", "Type", listed=False),
    Editable("active", "State", {True: "active", False: "deactivated"}, required=True),
]
MOUNTS = {
    "/scim": [
        Route("/token", token, methods=["POST"]),
        Route("/Users", _served(create), methods=["POST"]),
        Route("/Users", _served(listing)),
        Route("/Users/.search", _served(search), methods=["POST"]),
        Route("/.search", _served(search), methods=["POST"]),
        Route("/Users/{id}", _served(read), name="one"),
        Route("/Users/{id}", _served(put), methods=["PUT"]),
        Route("/Users/{id}", _served(patch), methods=["PATCH"]),
        Route("/Users/{id}", _served(remove), methods=["DELETE"]),
        Route("/Groups", _served(groups)),
        Route("/Groups/{id}", _served(read_group)),
        Route("/Groups/{id}", _served(patch_group), methods=["PATCH"]),
        Route("/Groups/{id}", _served(remove_group), methods=["DELETE"]),
        Route("/ServiceProviderConfig", _served(config), name="config"),
        Route("/ResourceTypes", _served(types)),
        Route("/ResourceTypes/{id}", _served(type_), name="type"),
        Route("/Schemas", _served(schemas)),
        Route("/Schemas/{id}", _served(schema), name="schema"),
        Route("/{path:path}", _served(nothing), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
}
