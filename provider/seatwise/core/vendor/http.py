"""One HTTP exchange as two values: a request and its answer. Nothing here sends anything."""

import codecs
import enum
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from urllib.parse import quote

from .boundary import Json, Record, decoded
from .errors import InvalidAccount


class Effect(enum.Enum):
    """The effect at the vendor if the same request is carried out twice."""

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
    json: Mapping[str, object] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """One answer. Header names are lower-case.

    `maybe_sent_before` says that an earlier try of the same request may have been carried out.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    maybe_sent_before: bool = False

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> Json:
        """The decoded body, made safe by `boundary`, whatever its label says; None when it is empty, HTML or truncated.

        Under the label of HTML only objects and lists count: some services label all their JSON so.
        """
        value = decoded(self.body)
        is_html = "html" in self.headers.get("content-type", "")
        return None if is_html and not isinstance(value, dict | list) else value

    @property
    def text(self) -> str:
        """The body as text: in the charset that its mark or its header says, else as UTF-8, else as Latin-1.

        A NUL becomes nothing: UTF-16 without a charset has one between two letters, and no secret would be found there.
        """
        said = _CHARSET.search(self.headers.get("content-type", ""))
        marked = "utf-16" if self.body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
        return self._decoded(said[1] if said else marked).replace("\0", "")

    def _decoded(self, likely: str) -> str:
        for charset in (likely, "utf-8"):
            with suppress(LookupError, ValueError):
                return self.body.decode(charset)
        return self.body.decode("latin-1")

    @property
    def object(self) -> Record:
        """The decoded body if it is a JSON object, else an empty one."""
        return json_object(self.json)


_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the vendor asks to wait, or None if no `Retry-After` can be read.

    Each value is seconds, which may have a fraction, or a date. Of several the largest counts.
    """
    now = _moment(headers.get("date", "")) or time.time()
    waits = [_wait(text.strip(), now) for text in _BETWEEN_WAITS.split(headers.get("retry-after", ""))]
    return max((wait for wait in waits if wait is not None), default=None)


_BETWEEN_WAITS = re.compile(r",(?!\s*\d{1,2}[ -][A-Za-z])")
"""A comma that does not stand in a date (`Wed, 21 Oct 2015 ...`)."""


def _wait(text: str, now: float) -> float | None:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    until = _moment(text)
    return None if until is None else max(0.0, until - now)


def _moment(text: str) -> float | None:
    """Return the seconds since the epoch of an HTTP date, or None if the text is not a date."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def fits_a_header(text: str) -> bool:
    """Return whether a text can be the value of a header as it is."""
    return re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", text) is not None


def token_text(value: object) -> str:
    """Return a token in an answer, or an empty text if it is not a text that a header can hold."""
    return value if isinstance(value, str) and fits_a_header(value) and " " not in value else ""


def number(value: object) -> float | None:
    """Return a number in an answer, or None if it is not a finite one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def whole_number(value: object) -> int | None:
    """Return a count in an answer, or None if it is not a count."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def identifier(value: object) -> str | None:
    """Return an id in an answer, a text or a whole number; None if it is neither, or is 0 or empty."""
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_id and value else None


def objects(items: Json) -> list[Record]:
    """Return the items of a list in an answer; without a list, no items. An item that is not an object is empty."""
    return [json_object(item) for item in items] if isinstance(items, list) else []


def json_object(value: Json) -> Record:
    """Return a value in an answer if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: Json) -> Iterator[str]:
    """Yield all texts in objects and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)


def segment(text: str | int) -> str:
    """Return one path segment, percent-encoded so that it cannot lead elsewhere (`../x`, `a/b?c`).

    Raises InvalidAccount for a segment made of dots alone, which URL parsers resolve away.
    """
    text = str(text)
    if not text.strip("."):
        raise InvalidAccount("an id cannot be empty or made of dots", account=text, remedy="Check the id")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidAccount("the id has bytes that are not text", remedy="Check the id") from None
