"""The boundary: what a vendor answered becomes data that is safe everywhere behind it.

Text is Unicode, numbers are finite, nothing is deeper or longer than any account has it, and nothing has a meaning
for the engine. Anything else is replaced, and the original is kept: an update that sends a whole record back does not
change it (`restored`).
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Union

DEEPEST = 32  # levels of objects and lists; the vendors' own answers have four
LONGEST_TEXT = 65_536  # characters
MOST_DIGITS = 300  # of a whole number: the engine's numbers end there
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key by which the engine tells a secret or an asset from an object: pulumi/sdk/go/common/resource/sig."""
UNKNOWN = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""The texts that the engine takes for a value that is not known yet: pulumi/sdk/go/common/resource/plugin/rpc.go."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")


Json = Union[None, bool, int, float, str, list["Json"], dict[str, "Json"], "Unfit"]
"""A value that a vendor wrote, made safe. A `Mended` is a text."""
Record = Mapping[str, Json]
"""An object that a vendor wrote, such as an account."""


class Unfit:
    """Stands where a value cannot be read. It is false, and no field's type takes it."""

    def __init__(self, original: Json) -> None:
        self.original = original

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "Unfit()"


class Mended(str):
    """A text of which characters were replaced."""

    __slots__ = ("original",)
    original: str

    @classmethod
    def of(cls, text: str, original: str) -> "Mended":
        """Return the text, with what it was."""
        mended = cls(text)
        mended.original = original
        return mended


def decoded(body: bytes) -> Json:
    """Decode a body; return None if it does not contain JSON that can be read."""
    try:
        value: Json = json.loads(body, parse_int=_whole)
    except (ValueError, RecursionError):
        return None
    safe = cleaned(value)
    return None if isinstance(safe, Unfit) else safe


def cleaned(value: Json, levels: int = DEEPEST) -> Json:
    """Return the value with `Unfit` and `Mended` in the place of all that is not safe; nothing else is changed."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else Unfit(value)
    if not isinstance(value, dict | list):
        return value
    if not levels:
        return Unfit(value)
    if isinstance(value, dict):
        return {_key(key): cleaned(each, levels - 1) for key, each in value.items()}
    return [cleaned(each, levels - 1) for each in value]


def _whole(digits: str) -> int | Unfit:
    return int(digits) if len(digits) <= MOST_DIGITS else Unfit(None)


def _key(key: str) -> str:
    safe = _text(key)
    return safe if isinstance(safe, str) else Mended.of(key[:LONGEST_TEXT] + REPLACEMENT, key)


def _text(text: str) -> str | Unfit:
    if len(text) > LONGEST_TEXT:
        return Unfit(text)
    if text == SIGNATURE or text in UNKNOWN:
        return Mended.of(REPLACEMENT + text, text)
    if text.isascii():
        return text
    safe = _SURROGATE.sub(REPLACEMENT, text)
    return text if safe == text else Mended.of(safe, text)


def is_sound(value: object) -> bool:
    """Return whether nothing in the value was replaced."""
    if isinstance(value, Mapping):
        return all(is_sound(each) for item in value.items() for each in item)
    if isinstance(value, list):
        return all(map(is_sound, value))
    return not isinstance(value, Unfit | Mended)


def restored(record: Record) -> tuple[dict[str, Json], list[str]]:
    """Return the record as the vendor wrote it, to be sent back, and the keys of what JSON cannot say (now null)."""
    whole = {_original_key(key): _restored(value) for key, value in record.items()}
    lost = [str(key) for key, value in record.items() if any(map(_is_lost, _leaves(value)))]
    return whole, lost


def _original_key(key: str) -> str:
    return key.original if isinstance(key, Mended) else key


def _original(value: Json) -> Json:
    return value.original if isinstance(value, Unfit | Mended) else value


def _restored(value: Json) -> Json:
    value = _original(value)
    if isinstance(value, dict):
        return {_original_key(key): _restored(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_restored(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _leaves(value: Json) -> Iterator[Json]:
    """Yield all that is not an object or a list, also in the original of an `Unfit`."""
    if isinstance(value, Unfit) and isinstance(value.original, dict | list):
        value = value.original
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


def _is_lost(leaf: Json) -> bool:
    """Return whether this is NaN, an infinite number, or a number of too many digits."""
    value = _original(leaf)
    return (isinstance(value, float) and not math.isfinite(value)) or (isinstance(leaf, Unfit) and value is None)
