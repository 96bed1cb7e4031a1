"""One HTTP exchange as two values: what to ask, and what came back. Nothing here sends anything."""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote


class Effect(enum.Enum):
    """What happens at the vendor if the same request is carried out twice."""

    READ = "nothing"
    REPEATABLE = "the same state again"
    CREATE = "a second account"
    LOGIN = "a second token"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` follows the base URL and is percent-encoded; bodies stay out of the repr."""

    method: str
    path: str
    effect: Effect = Effect.READ
    query: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """One answer. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> Any:
        """The decoded body; None when it is empty, HTML, truncated or nested too deep."""
        if "html" in self.headers.get("content-type", ""):
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def object(self) -> Mapping[str, Any]:
        """The decoded body if it is a JSON object, else an empty one."""
        return self.json if isinstance(self.json, dict) else {}


def segment(text: str | int) -> str:
    """One path segment, percent-encoded so that it cannot lead elsewhere (`../x`, `a/b?c`).

    Raises ValueError for a segment made of dots alone, which URL parsers resolve away.
    """
    text = str(text)
    if not text.strip("."):
        raise ValueError("an id cannot be empty or made of dots")
    return quote(text, safe="")
