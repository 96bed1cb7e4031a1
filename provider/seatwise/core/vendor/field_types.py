"""The types of fields that several vendors have: an e-mail, a phone number, a set of ids."""

import enum
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeGuard

from pydantic import AfterValidator, BeforeValidator

from .boundary import Json, Record
from .fields import NO_VALUE, SECRET, Check, Compare, email_address, email_key, folded

ItemKeys = Mapping[str, Callable[[str], object]]
"""How the parts of items are compared, by name: by what this makes of their texts."""
LONGEST_NUMBER = 64  # characters of a phone number, however it is written


def _ten_digits(text: str) -> str:
    if len(_national_digits(text)) != 10:
        raise ValueError("must have ten digits, such as 555-555-5555")
    return text


def _national_digits(text: str) -> str:
    digits = re.sub(r"\D", "", str(text))
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def number_key(text: str) -> str:
    """Return the digits of a phone number, without leading zeros, and other text as it is.

    A service may write a number as a URI (https://www.rfc-editor.org/rfc/rfc3966): `tel:+1-555-010-0001`.
    """
    text = re.sub(r"(?i)^tel:", "", str(text).strip())
    return re.sub(r"\D", "", text).lstrip("0") if looks_like_a_number(text) else text


def looks_like_a_number(text: str) -> bool:
    """Return whether the text consists of digits and the signs that people put between them."""
    signs = len(text) <= LONGEST_NUMBER and re.fullmatch(r"[\d\s()+./-]+", text)
    return bool(signs) and any(each.isdecimal() for each in text)


def as_number(text: str) -> int | str:
    """Return the number that the digits of a text are, or the text itself if it does not look like a number."""
    return int(re.sub(r"\D", "", text)) if looks_like_a_number(text) else text


def _moment(text: str) -> datetime:
    """Return a date-time as a moment; without a zone it is UTC."""
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date_time(text: str) -> str:
    try:
        _moment(text)
    except ValueError:
        raise ValueError("is not an ISO 8601 date-time, such as 2026-01-31T09:00:00Z") from None
    return text


def _first_and_rest(items: Iterable[object]) -> tuple[object, frozenset[object]]:
    first, *rest = [*items] or [None]
    return first, frozenset(rest)


def _whole_numbers(value: object) -> object:
    """Return a value with whole numbers as int: the engine turns them into floats, and a vendor may refuse `3.0`."""
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


AS_THEY_ARE: ItemKeys = {}
"""No keys: parts of items, and their names, are compared as they are."""


def as_items(value: Callable[[str], object] = str) -> ItemKeys:
    """Return the keys of items whose `value` has this key. The names of their parts have no case, nor has `type`."""
    return {"value": value, "type": folded, "primary": as_flag}


def covers(declared: object, actual: object) -> bool:
    """Return whether each declared entry is there, at every level; a null is the same as no entry."""
    if isinstance(declared, dict) and isinstance(actual, dict | None):
        return all(covers(value, (actual or {}).get(key)) for key, value in declared.items())
    if are_items(declared) and isinstance(actual, list):
        return _items_are_there(declared, actual)
    if declared in NO_VALUE:
        return _is_empty(actual)
    return bool(declared == actual)


def named_as(there: Any, declared: Any) -> Any:
    """Return a mapping with its names as another one has them, in other capitals; return what is no mapping as it is.

    Declared names that differ in their case alone are different names.
    """
    if not isinstance(declared, Mapping):
        return declared
    names = there if isinstance(there, Mapping) else {}
    written = {name.lower(): name for name in names}
    counts = Counter(name.lower() for name in declared)
    return {
        name if name in names or counts[name.lower()] > 1 else written.get(name.lower(), name): value
        for name, value in declared.items()
    }


def are_items(value: object) -> TypeGuard[list[dict[str, Any]]]:
    """Return whether a value is a list of objects."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _is_empty(value: object) -> bool:
    """Return whether a value has nothing in it, at any level."""
    if isinstance(value, dict | list):
        return all(map(_is_empty, value.values() if isinstance(value, dict) else value))
    return value in NO_VALUE


def _entries_are_there(declared: Any, actual: Any) -> bool:
    """Return whether the attributes of each declared schema are there."""
    there = actual or {}
    schemas = named_as(there, declared or {}).items()
    return all(covers(named_as(there.get(urn), attributes), there.get(urn)) for urn, attributes in schemas)


def _items_are_there(declared: Any, actual: Any, keys: ItemKeys = AS_THEY_ARE) -> bool:
    """Return whether each declared item is there, and no other one."""
    items, there = declared or [], actual or []
    return len(items) == len(there) and None not in paired(items, there, keys)


def paired(declared: Sequence[Any], actual: Sequence[Any], keys: ItemKeys) -> list[int | None]:
    """Return for each declared item the place of its own one among the others, which has all of it; None without one.

    A null in an item says nothing, and an item that says nothing of `primary` is not the primary one.
    """
    there = [{"primary": False, **_keyed(each, keys)} if isinstance(each, dict) else each for each in actual]
    wanted = [_keyed(each, keys) for each in declared]
    fitting = [[n for n, each in enumerate(there) if covers(item, each)] for item in wanted]
    return _one_each(fitting, sorted(range(len(wanted)), key=lambda place: -len(wanted[place])))


def _keyed(item: Record, keys: ItemKeys) -> Mapping[str, object]:
    """Return an item as it is compared."""
    said = without_null(item)
    if not keys:
        return said
    parts = {name.lower(): value for name, value in said.items()}
    return {name: keys.get(name, str)(value) if isinstance(value, str) else value for name, value in parts.items()}


def as_flag(text: str) -> bool | str:
    """Return the flag that a text says, or the text itself if it says none."""
    return {"true": True, "false": False}.get(text.lower(), text)


def without_null(item: Record) -> dict[str, Json]:
    """Return what an item says."""
    return {key: value for key, value in item.items() if value is not None}


def _one_each(fitting: list[list[int]], order: Iterable[int]) -> list[int | None]:
    """Return for each one of those that fit it, which no other has: for as many as can be, the first in order first."""
    owner: dict[int, int] = {}

    def settle(who: int, tried: set[int]) -> bool:
        for each in fitting[who]:
            if each not in tried:
                tried.add(each)
                if each not in owner or settle(owner[each], tried):
                    owner[each] = who
                    return True
        return False

    for who in order:
        settle(who, set())
    found = {who: each for each, who in owner.items()}
    return [found.get(who) for who in range(len(fitting))]


def by_name(kind: type[enum.IntEnum]) -> BeforeValidator:
    """Let an int be given by its name in `kind` as well, in any case: `english us` for `ENGLISH_US`."""
    numbers = {each.name.casefold(): each.value for each in kind}

    def number(value: object) -> object:
        if not isinstance(value, str) or looks_like_a_number(value):
            return value
        name = re.sub(r"\W+", "_", folded(value))
        if name not in numbers:
            raise ValueError(f"must be a number or one of {', '.join(numbers)}")
        return numbers[name]

    return BeforeValidator(number)


def one_of(kind: type[enum.IntEnum]) -> Check[int]:
    """Let a declared number be one of those that the vendor documents."""

    def documented(value: int) -> int:
        if value not in {*kind}:
            numbers = ", ".join(f"{each.value} ({each.name.casefold()})" for each in kind)
            raise ValueError(f"must be one of {numbers}")
        return value

    return Check(documented)


Email = Annotated[str, Check(email_address), Compare(email_key, how="without case (ASCII)")]
"""An e-mail address; the case of ASCII letters does not matter."""
Phone = Annotated[str, AfterValidator(_ten_digits), Compare(_national_digits, how="by its ten digits")]
"""A ten-digit phone number; only the digits matter."""
Number = Annotated[str, Compare(number_key, how="by its digits")]
"""A number that people write as text. Only the digits matter."""
DateTime = Annotated[str, AfterValidator(_date_time), Compare(_moment, how="as a moment")]
"""An ISO 8601 date-time; one without a zone is UTC."""
IdSet = Annotated[list[int], Compare[list[int]](frozenset, how="in any order")]
"""Ids whose order does not matter."""
NameSet = Annotated[list[str], Compare[list[str]](frozenset, how="in any order")]
"""Names or uuids whose order does not matter."""
FirstAndOthers = Annotated[
    list[int], Compare[list[int]](frozenset, declared=_first_and_rest, how="the first, and the others in any order")
]
"""Ids of which the first has its own meaning when they are written."""
Entries = Annotated[
    dict[str, Any],
    AfterValidator(_whole_numbers),
    Compare(repr, how="what is declared is there", covers=_entries_are_there),
]
"""A mapping of which a program declares a part; the vendor may have more in it, and other capitals in its names."""
Items = Annotated[
    list[dict[str, Any]],
    AfterValidator(_whole_numbers),
    Compare(repr, how="in any order, each with what is declared", covers=partial(_items_are_there, keys=as_items())),
]
"""All items of a list, of each of which a program declares a part."""
EmailItems = Annotated[
    list[dict[str, Any]],
    AfterValidator(_whole_numbers),
    Compare(
        repr, how="as items, addresses without case (ASCII)", covers=partial(_items_are_there, keys=as_items(email_key))
    ),
]
"""All e-mails, as items with the address as `value`."""
PhoneItems = Annotated[
    list[dict[str, Any]],
    AfterValidator(_whole_numbers),
    Compare(repr, how="as items, numbers by their digits", covers=partial(_items_are_there, keys=as_items(number_key))),
]
"""All phone numbers, as items with the number as `value`."""
Password = Annotated[str, SECRET]
"""A secret text: sent once and stored nowhere."""
