"""What a report may contain of an answer: its status, names of headers, keys and types, and no value.

Exceptions are true and false, the words that mark a vendor's answers and states, and counts. Pure.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..vendor.boundary import Json
from ..vendor.fields import keys_of
from ..vendor.http import Answer, Request
from ..vendor.vendor import Vendor

HIDDEN = "*"
"""Stands for the name of a header that may be data."""
_HEADER = re.compile(r"[A-Za-z_$@][A-Za-z_-]*[0-9]{0,3}[A-Za-z_-]*")
LONGEST_HEADER = 40  # characters
MESSAGES = frozenset({"message", "error", "error_description", "detail", "errors", "code", "status", "id"})
"""Keys that are of no single API, in small letters."""
PUBLIC_URNS = frozenset(
    {
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:api:messages:2.0:ListResponse",
        "urn:ietf:params:scim:api:messages:2.0:Error",
    }
)
SHORTEST = 4  # characters of a word that is private


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, without their values."""

    method: str
    status: int
    headers: tuple[str, ...]
    body: object


@dataclass(frozen=True)
class Shapes:
    """Makes the shapes of one tenant's answers.

    `public` are the words that may be shown, and `keys` are those of objects, in small letters: any other may be a
    company's or a person's. A header that contains one of the `private` words is hidden.
    """

    public: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    private: Collection[str] = field(default=(), repr=False)

    @classmethod
    def of(cls, vendor: Vendor, email: str) -> "Shapes":
        """Return what makes the shapes for a tenant and the e-mail of the account."""
        told = [*vendor.deactivation.values(), *vendor.reactivation.values(), *(vendor.verdict or ())[1:]]
        host = urlsplit(str(vendor.settings.base_url)).hostname or ""
        words = {email, *re.split(r"[@.+]", email)[:-1], *host.split(".")[:-2]}
        private = {word.lower() for word in words if len(word) >= SHORTEST}
        return cls(frozenset(word for word in told if isinstance(word, str)), _keys_of(vendor), private)

    def exchange(self, request: Request, answer: Answer) -> Exchange:
        """Return what a report may contain of a request and its answer."""
        headers = sorted({self._header(name) for name in answer.headers})
        return Exchange(request.method, answer.status, tuple(headers), self._body(answer))

    def _body(self, answer: Answer) -> object:
        if answer.json is not None:
            return self.shape(answer.json)
        if not answer.body.strip():
            return "empty"
        return "html" if "html" in answer.headers.get("content-type", "") else "text"

    def shape(self, value: Json) -> object:
        """Return the shape of a value of JSON."""
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            shapes: list[object] = []
            for each in map(self.shape, value):
                shapes += [] if each in shapes else [each]
            return {"items": len(value), "shapes": shapes}
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return str(value) if value in self.public else "string"
        return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "other"

    def _object(self, value: Mapping[str, Json]) -> dict[str, object]:
        """Return an object's shape: other keys than public ones are counted, and so are other schemas."""
        shown: dict[str, object] = {}
        others: dict[str, list[object]] = {}
        for key, inner in value.items():
            if key in PUBLIC_URNS or key.lower() in self.keys:
                shown[key] = self.shape(inner)
            else:
                others.setdefault("schema" if ":" in key else "key", []).append(self.shape(inner))
        for what, shapes in others.items():
            name = f"another {what}" if len(shapes) == 1 else f"{len(shapes)} other {what}s"
            distinct = [each for number, each in enumerate(shapes) if each not in shapes[:number]]
            shown[name] = distinct[0] if len(distinct) == 1 else distinct
        return shown

    def _header(self, name: str) -> str:
        is_name = len(name) <= LONGEST_HEADER and _HEADER.fullmatch(name)
        return name if is_name and not any(word in name.lower() for word in self.private) else HIDDEN


def _keys_of(vendor: Vendor) -> frozenset[str]:
    """Return the keys that a vendor's file names, in small letters: those of its fields, its lists and its answers."""
    paths = {path for each in vendor.schema.values() for path in (each.wire.create, each.wire.update, each.wire.read)}
    listed = (key for each in vendor.lists.values() for keys in each.keys.values() for key in keys)
    keys = {key for path in paths if path for key in keys_of(path)} | {*listed, *vendor.answer_keys}
    return frozenset(map(str.lower, keys)) | MESSAGES
