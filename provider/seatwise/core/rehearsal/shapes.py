"""What a report may contain of an answer: its status, names of headers, keys and types, and no value.

Exceptions are true and false, the words that mark a vendor's answers and states, and counts. Pure.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..vendor.boundary import Json
from ..vendor.http import Answer, Request
from ..vendor.vendor import Vendor

HIDDEN = "*"
"""Stands for a key that may be data: an id, an e-mail, the URN of a company's own schema."""
_KEY = re.compile(r"[A-Za-z_$@][A-Za-z_-]*[0-9]{0,3}[A-Za-z_-]*")
LONGEST_KEY = 40  # characters
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

    `public` are the words that may be shown; a key that contains one of the `private` words is hidden.
    """

    public: frozenset[str] = frozenset()
    private: Collection[str] = field(default=(), repr=False)

    @classmethod
    def of(cls, vendor: Vendor, email: str) -> "Shapes":
        """Return what makes the shapes for a tenant and the e-mail of the account."""
        told = [*vendor.deactivation.values(), *vendor.reactivation.values(), *(vendor.verdict or ())[1:]]
        host = urlsplit(str(vendor.settings.base_url)).hostname or ""
        words = {email, *re.split(r"[@.+]", email)[:-1], *host.split(".")[:-2]}
        private = {word.lower() for word in words if len(word) >= SHORTEST}
        return cls(frozenset(word for word in told if isinstance(word, str)), private)

    def exchange(self, request: Request, answer: Answer) -> Exchange:
        """Return what a report may contain of a request and its answer."""
        headers = sorted({self._key(name) for name in answer.headers})
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
            return {self._key(key): self.shape(inner) for key, inner in value.items()}
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

    def _key(self, key: str) -> str:
        if key in PUBLIC_URNS:
            return key
        is_name = len(key) <= LONGEST_KEY and _KEY.fullmatch(key)
        return key if is_name and not any(word in key.lower() for word in self.private) else HIDDEN
