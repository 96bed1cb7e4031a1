"""Attributes of SCIM resources: their names, and how declared values are put into a resource or into a PATCH.

An item that exists keeps the parts that the program does not declare.
https://www.rfc-editor.org/rfc/rfc7643#section-2
"""

from collections.abc import Iterable, Sequence

from .boundary import Json, Record
from .field_types import AS_THEY_ARE, ItemKeys, are_items, as_flag, named_as, paired, without_null
from .fields import NO_VALUE
from .http import json_object, objects

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
NAMES = (
    "id", "externalId", "meta", "version", "schemas", "userName", "name", "formatted", "familyName", "givenName",
    "middleName", "honorificPrefix", "honorificSuffix", "displayName", "nickName", "profileUrl", "title", "userType",
    "preferredLanguage", "locale", "timezone", "active", "emails", "phoneNumbers", "ims", "photos", "addresses",
    "groups", "entitlements", "roles", "x509Certificates", "value", "type", "primary", "display", "streetAddress",
    "locality", "region", "postalCode", "country", "employeeNumber", "costCenter", "organization", "division",
    "department", "manager", "members", "Resources", "totalResults", "startIndex", "itemsPerPage", "nextCursor",
    "password", ENTERPRISE, CORE,
)  # fmt: skip
"""Names of attributes as the RFCs spell them. Services may spell them with other capitals (RFC 7643, section 2.1)."""
SPELLING = {name.lower(): name for name in NAMES}


def spelt(value: Json) -> Json:
    """Return the value with the names of attributes as the RFCs spell them, except in other schemas' attributes."""
    if isinstance(value, list):
        return [spelt(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {key: SPELLING.get(key.lower(), key) for key in value}
    is_other = {key for key, name in names.items() if ":" in name and name != ENTERPRISE}
    return {names[key]: each if key in is_other else spelt(each) for key, each in value.items()}


def primary_item(items: Json) -> Record:
    """Return the primary item of a list: the one that says so, else the one for work, else the first."""
    many = objects(items)
    primary, at_work = ([each for each in many if str(each.get(key)).lower() == wanted] for key, wanted in
                        (("primary", "true"), ("type", "work")))  # fmt: skip
    return next(iter([*primary, *at_work, *many]), {})


def with_primary(items: Json, value: Json, keys: ItemKeys) -> list[Json]:
    """Return a list with another primary value, without the old one; an item that has the value becomes the primary.

    Without a value the list is without its primary item.
    """
    many = items if isinstance(items, list) else []
    old = primary_item(many)
    if value in NO_VALUE:
        return [each for each in many if each != old]
    wanted = _key_of({"value": value}, keys)
    item = next((each for each in (old, *objects(many)) if _key_of(each, keys) == wanted), old)
    others = [_not_primary(each) for each in many if each not in (old, item)]
    return [{**(item or {"type": "work"}), "value": value, "primary": True}, *others]


def _not_primary(item: Json) -> Json:
    """Return an item of a list of which another item is the primary one: a service refuses two."""
    if not isinstance(item, dict) or not item.get("primary"):
        return item
    return {key: value for key, value in item.items() if key != "primary"}


def with_values(items: Json, values: Sequence[str]) -> list[Json]:
    """Return a list with these values, whose items keep what else they have."""
    known = objects(items)
    return [
        item
        for value in dict.fromkeys(values)
        for item in [{**each} for each in known if each.get("value") == value] or [{"value": value}]
    ]


def with_items(items: Json, declared: Sequence[Record], keys: ItemKeys) -> list[Json]:
    """Return a list with these items alone, which keep what else an item with all of it, or with its value, has."""
    known = objects(items)
    declared = [_as_the_rfc_says(each) if keys else without_null(each) for each in declared]
    places = paired(declared, known, keys)
    left = [each for place, each in enumerate(known) if place not in places]
    olds = [
        known[place] if place is not None else _taken(left, item, keys)
        for place, item in zip(places, declared, strict=True)
    ]
    if any(item.get("primary") is True for item in declared):  # a list has one primary item
        olds = [{name: value for name, value in old.items() if name != "primary"} for old in olds]
    parts = [named_as(old, item) if keys else item for old, item in zip(olds, declared, strict=True)]
    return [merge({**old}, {**item}) for old, item in zip(olds, parts, strict=True)]


def _as_the_rfc_says(item: Record) -> dict[str, Json]:
    """Return an item with its parts as the RFC names them, and its mark of the primary one as a flag."""
    parts = {**json_object(spelt(without_null(item)))}
    flag = parts.get("primary")
    return parts | ({"primary": as_flag(flag)} if isinstance(flag, str) else {})


def _taken(left: list[Record], item: Record, keys: ItemKeys) -> Record:
    """Take the item with the same value out of those that are left, and return it; without one, an empty item."""
    wanted = _key_of(item, keys)
    place = next((n for n, each in enumerate(left) if wanted is not None and _key_of(each, keys) == wanted), None)
    return {} if place is None else left.pop(place)


def _key_of(item: Record, keys: ItemKeys) -> object:
    value = item.get("value")
    return keys.get("value", str)(value) if isinstance(value, str) else value


def has_parts(value: Json) -> bool:
    """Return whether a value of an extension is a mapping, or a list of mappings."""
    return isinstance(value, dict) or are_items(value)


def merge(old: Json, new: Json) -> Json:
    """Return the attributes of an extension with declared ones in them; an empty value removes an attribute."""
    if are_items(new):
        return with_items(old, new, AS_THEY_ARE)
    if not isinstance(new, dict):
        return new
    there = old if isinstance(old, dict) else {}
    merged = {**there, **{key: merge(there.get(key), value) for key, value in new.items()}}
    return {key: value for key, value in merged.items() if value not in NO_VALUE}


def operations_within(path: str, old: Json, new: Json) -> Iterable[dict[str, Json]]:
    """Yield the operations that set an attribute of an extension.

    What a new value does not name stays: https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2.3. So each part that is
    empty is removed by an operation of its own.
    """
    merged, there = merge(old, new), old if isinstance(old, dict) else {}
    empty = [key for key, value in new.items() if value in NO_VALUE] if isinstance(new, dict) else []
    emptied = [key for key in empty if there.get(key) not in NO_VALUE]  # some services refuse to remove what is absent
    if merged in NO_VALUE or not emptied:
        yield patch_operation(path, merged)
        return
    yield from (patch_operation(f"{path}.{key}", None) for key in emptied)
    if merged != {key: value for key, value in there.items() if value not in NO_VALUE and key not in emptied}:
        yield patch_operation(path, merged)


def patch_operation(path: str, value: Json) -> dict[str, Json]:
    """Return the operation of a PATCH that sets an attribute, or removes it if the value is empty."""
    if value in NO_VALUE:
        return {"op": "remove", "path": path}
    return {"op": "replace", "path": path, "value": value}


def set_value(resource: dict[str, Json], keys: tuple[str, ...], value: Json) -> None:
    """Set a value in a resource; a value that is empty is removed: an empty text is not the same to every service."""
    *outer, last = keys
    for key in outer:
        inner = resource.get(key)
        there: dict[str, Json] = inner if isinstance(inner, dict) else {}
        resource[key] = there
        resource = there
    if value in NO_VALUE:
        resource.pop(last, None)
    else:
        resource[last] = value


def schemas_of(resource: Record, written: Iterable[str]) -> list[Json]:
    """Return the URNs that a resource names and those of its attributes, without written schemas that it lacks now."""
    there = {key.lower(): key for key in resource if key.lower().startswith("urn:") and key != CORE}
    gone = {urn.lower() for urn in written} - there.keys()
    named = resource.get("schemas")
    kept: list[Json] = [
        urn for urn in (named if isinstance(named, list) and named else [CORE]) if str(urn).lower() not in gone
    ]
    known = {str(urn).lower() for urn in kept}
    return [*kept, *(urn for key, urn in there.items() if key not in known)]
