"""The fields of an account: which operations take each, how it is compared, and its names on the wire.

A field is a type with markers, such as `Annotated[str, CREATE_ONLY]`. pydantic validates by the type. The markers say
what the type cannot: which operations take the field, its names on the wire, how two of its values are compared.
A field without markers is taken by create and update, is read back, and has the name that the vendor's naming rule
gives it.
"""

import difflib
import enum
import re
import string
import typing
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from .boundary import UNKNOWN, Unfit, is_sound

T = TypeVar("T")
LONGEST_NUMBER = 64  # characters of a phone number, however it is written
Values = Mapping[str, Any]
"""Values of an account by argument name (snake_case)."""
Record = Mapping[str, Any]
"""An account as the vendor writes it."""


class Takes(enum.Flag):
    """The vendor's operations that take a field."""

    NOTHING = 0
    CREATE = enum.auto()
    UPDATE = enum.auto()


NO_VALUE: tuple[Any, ...] = (None, "", [])
"""Values that mean the same as no value. False and 0 are not among them."""
CREATE_ONLY = Takes.CREATE
UPDATE_ONLY = Takes.UPDATE
NEVER_SENT = Takes.NOTHING


class Mark(enum.Enum):
    """Flags of a field."""

    SECRET = "sent once, stored nowhere; implies UNREADABLE"
    UNREADABLE = "the vendor never returns it: it keeps its last declared value"
    RESPELLED = "the vendor returns it in a spelling of its own: read back after writing it"
    VOLATILE = "it changes while the account is used: an import leaves it out"
    NEEDED_TO_CREATE = "required for a new account, and not for an account that exists"


SECRET = Mark.SECRET
UNREADABLE = Mark.UNREADABLE
RESPELLED = Mark.RESPELLED
VOLATILE = Mark.VOLATILE
NEEDED_TO_CREATE = Mark.NEEDED_TO_CREATE


@dataclass(frozen=True)
class Wire:
    """Names on the wire where the vendor's naming rule does not give them; dots go into objects.

    `update_value` turns the value into what the update wants, where that is another type.
    """

    create: str | None = None
    update: str | None = None
    read: str | None = None
    update_value: Callable[[Any], Any] | None = None

    @classmethod
    def everywhere(cls, name: str) -> "Wire":
        """Return the same name for all operations."""
        return cls(name, name, name)


@dataclass(frozen=True)
class Compare:
    """The comparison of two values: by their normal forms, which `how` describes.

    `declared` is the stricter form for two values that a person wrote, where the vendor's answer
    loses something (the order of a list) that matters when it is sent.
    """

    normal: Callable[[Any], Any]
    declared: Callable[[Any], Any] | None = None
    how: str = "as it is"


@dataclass(frozen=True)
class Check:
    """A rule for declared values. Values of vendors and of old states are read without it.

    `clean` returns the value as it is sent, and raises ValueError with the reason.
    """

    clean: Callable[[Any], Any]


@dataclass(frozen=True)
class Delta:
    """Items that another field's list must contain, or must not contain. Its other items stay as they are."""

    of: str
    present: bool


# --- types of fields --------------------------------------------------------------------------


# Invisible, though Unicode does not count them as format characters.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BESIDE_AN_EMAIL = frozenset('<>()[]:;,"\\')
LARGEST = 2**53 - 1
"""The largest whole number that a float holds exactly: the engine turns all numbers into floats."""


def character(char: str) -> str:
    """Return the code point and the name of a character that may not be seen: `U+200B ZERO WIDTH SPACE`."""
    unnamed = "LONE SURROGATE" if unicodedata.category(char) == "Cs" else "CONTROL CHARACTER"
    return f"U+{ord(char):04X} {unicodedata.name(char, unnamed)}"


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or _UNSEEN.match(char) is not None


def _visible(text: str) -> str:
    """Return the text. Raises ValueError if it contains a character that cannot be seen."""
    unseen = next(filter(_is_invisible, text), None)
    if unseen is not None:
        raise ValueError(f"contains {character(unseen)}, which is not seen: type it again")
    return text


def email_address(text: str) -> str:
    """Return one e-mail address as it is sent, in normal form C; raises ValueError naming what is wrong with it."""
    text, what = composed(text), "is not an e-mail address"
    if text.lower().startswith("mailto:"):
        raise ValueError(f"{what}: it begins with mailto:")
    stray = next((each for each in text if each.isspace() or each in _BESIDE_AN_EMAIL or _is_invisible(each)), None)
    if stray is not None:
        raise ValueError(f"{what}: it contains {character(stray)}; give one address alone, such as ana@example.com")
    if text.count("@") > 1:
        raise ValueError(f"{what}: it contains {character('@')} more than once")
    if text.endswith("."):
        raise ValueError(f"{what}: it ends with {character('.')}")
    if not re.fullmatch(r"[^@]+@[^@]+", text):
        raise ValueError(what)
    return text


def unfit(value: Any) -> str:
    """Return why no field can have this value, or why the engine would change it; empty if the value is good."""
    if isinstance(value, list | tuple):
        found = ((number, unfit(each)) for number, each in enumerate(value))
        return next((f"item {number}: {reason}" for number, reason in found if reason), "")
    if isinstance(value, str):
        if value in UNKNOWN:
            return "is a text that the engine takes for a value that it does not know yet: choose another"
        control = _NOT_TEXT.search(value)
        return f"contains {character(control[0])}: take it out" if control else ""
    if isinstance(value, int) and abs(value) > LARGEST:
        return f"must be at most {LARGEST:,}: a larger number is changed on its way through the engine"
    return ""


def is_not_given(value: Any) -> bool:
    """Return whether a value is not given: None, or what a spreadsheet library has for an empty cell (NaN, NaT, NA)."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # a comparison with NA is neither true nor false
        return True
    except ValueError:  # an array
        return False


def _ten_digits(text: str) -> str:
    if len(_national_digits(text)) != 10:
        raise ValueError("must have ten digits, such as 555-555-5555")
    return text


def _national_digits(text: Any) -> str:
    digits = re.sub(r"\D", "", str(text))
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def _digits_or_text(text: Any) -> str:
    """Return the digits of a phone number, without leading zeros, and other text as it is."""
    text = str(text).strip()
    return re.sub(r"\D", "", text).lstrip("0") if looks_like_a_number(text) else text


def looks_like_a_number(text: str) -> bool:
    """Return whether the text consists of digits and the signs that people put between them."""
    signs = len(text) <= LONGEST_NUMBER and re.fullmatch(r"[\d\s()+./-]+", text)
    return bool(signs) and any(each.isdecimal() for each in text)


def _moment(text: Any) -> Any:
    """Return a date-time as a moment; without a zone it is UTC."""
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date_time(text: str) -> str:
    try:
        _moment(text)
    except ValueError:
        raise ValueError("is not an ISO 8601 date-time, such as 2026-01-31T09:00:00Z") from None
    return text


def _first_and_rest(items: Iterable[Any]) -> tuple[Any, frozenset[Any]]:
    first, *rest = [*items] or [None]
    return first, frozenset(rest)


def folded(text: str) -> str:
    """Return text in the form in which names are compared, without case. Not for e-mails."""
    return text.strip().casefold()


_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def email_key(email: str) -> str:
    """Return the form in which e-mails are compared: ASCII letters in lower case, and all else as it is.

    `straße@example.com` and `strasse@example.com` are two mailboxes.
    """
    return email.strip().translate(_SMALL)


def composed(email: str) -> str:
    """Return an e-mail in Unicode's normal form C, in which an accent has one spelling."""
    return unicodedata.normalize("NFC", email)


_FLAG = TypeAdapter(bool)


def flag(value: Any) -> bool:
    """Return the flag that a program or a file gives, which may be text (true, yes, on, 1); raises ValueError."""
    try:
        return _FLAG.validate_python(value.strip() if isinstance(value, str) else value)
    except ValidationError:
        raise ValueError(_FLAG_WORDS) from None


def by_name(kind: type[enum.IntEnum]) -> BeforeValidator:
    """Let an int be given by its name in `kind` as well, in any case: `english us` for `ENGLISH_US`."""
    numbers = {each.name.casefold(): each.value for each in kind}

    def number(value: Any) -> Any:
        if not isinstance(value, str) or looks_like_a_number(value):
            return value
        name = re.sub(r"\W+", "_", folded(value))
        if name not in numbers:
            raise ValueError(f"must be a number or one of {', '.join(numbers)}")
        return numbers[name]

    return BeforeValidator(number)


def one_of(kind: type[enum.IntEnum]) -> Check:
    """Let a declared number be one of those that the vendor documents."""

    def documented(value: int) -> int:
        if value not in {*kind}:
            numbers = ", ".join(f"{each.value} ({each.name.casefold()})" for each in kind)
            raise ValueError(f"must be one of {numbers}")
        return value

    return Check(documented)


Email = Annotated[str, Check(email_address), Compare(email_key, how="without case (ASCII)")]
"""An e-mail address; the case of ASCII letters does not matter."""
VISIBLE = Check(_visible)
"""Marks a text by which people log in: all of its characters can be seen."""
Phone = Annotated[str, AfterValidator(_ten_digits), Compare(_national_digits, how="by its ten digits")]
"""A ten-digit phone number; only the digits matter."""
Number = Annotated[str, Compare(_digits_or_text, how="by its digits")]
"""A number that people write as text. Only the digits matter."""
DateTime = Annotated[str, AfterValidator(_date_time), Compare(_moment, how="as a moment")]
"""An ISO 8601 date-time; one without a zone is UTC."""
IdSet = Annotated[list[int], Compare(frozenset, how="in any order")]
"""Ids whose order does not matter."""
NameSet = Annotated[list[str], Compare(frozenset, how="in any order")]
"""Names or uuids whose order does not matter."""
FirstAndOthers = Annotated[
    list[int], Compare(frozenset, declared=_first_and_rest, how="the first, and the others in any order")
]
"""Ids of which the first has its own meaning when they are written."""
Password = Annotated[str, SECRET]
"""A secret text: sent once and stored nowhere."""


# --- fields -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """A problem with an argument. `reason` names the remedy and never contains the value."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field} {self.reason}".strip()


@dataclass(frozen=True)
class Field:
    """One field of an account."""

    name: str
    type: Any = field(repr=False)
    required: bool
    takes: Takes
    wire: Wire
    marks: frozenset[Mark] = frozenset()
    compare: Compare = Compare(lambda value: value)
    delta: Delta | None = None
    checks: tuple[Check, ...] = ()
    adapter: TypeAdapter[Any] = field(repr=False, compare=False, default_factory=lambda: TypeAdapter(Any))
    bare: TypeAdapter[Any] = field(repr=False, compare=False, default_factory=lambda: TypeAdapter(Any))
    """The type without its rules: a vendor may hold a value that a program may not declare."""

    @property
    def secret(self) -> bool:
        """Whether the value is stored nowhere."""
        return SECRET in self.marks

    @property
    def is_readable(self) -> bool:
        """Whether a record of the vendor may contain it."""
        return self.wire.read is not None

    @property
    def create_only(self) -> bool:
        """Whether only a create takes it."""
        return self.takes is CREATE_ONLY

    def parse(self, value: Any) -> Any:
        """Return the value in its Python type (3.0 becomes 3, 1 becomes true); raises ValidationError."""
        return self.adapter.validate_python(value)

    def declared(self, value: Any) -> Any:
        """Return a declared value as it is sent; raises ValueError (ValidationError is a subclass) with the reason."""
        value = self.parse(value)
        reason = unfit(value)
        if reason:
            raise ValueError(reason)
        for check in self.checks:
            value = check.clean(value)
        return value

    def read(self, value: Any) -> Any:
        """Return the vendor's value in its type, even if a program may not declare it, such as a short phone number.

        Returns `Unfit` for a value of another type.
        """
        for adapter in (self.adapter, self.bare):
            with suppress(ValidationError):
                return None if value is None else adapter.validate_python(value)
        return Unfit(value)

    def same(self, left: Any, right: Any, *, both_declared: bool = False) -> bool:
        """Return whether two values mean the same; all values in NO_VALUE do."""
        if left in NO_VALUE or right in NO_VALUE:
            return left in NO_VALUE and right in NO_VALUE
        normal = self.compare.declared if both_declared and self.compare.declared else self.compare.normal
        try:
            return bool(normal(self.parse(left)) == normal(self.parse(right)))
        except (ValueError, TypeError):  # ValidationError is a ValueError
            return bool(left == right)


class Schema(Mapping[str, Field]):
    """The fields of a vendor's accounts, by name, in the order of their declaration."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._fields = {field.name: field for field in fields}

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @classmethod
    def of(
        cls,
        arguments: Mapping[str, Any],
        naming: Callable[[str], str],
        *,
        required: Set[str] = frozenset(),
        read_only: Mapping[str, Any] = MappingProxyType({}),
    ) -> "Schema":
        """Return the fields with these types, by name: the arguments, and what only the vendor says.

        `naming` turns `office_ids` into the vendor's `officeIds`, `OfficeIds` or another name.
        """
        return cls(
            [_field(name, type_, naming, required=name in required) for name, type_ in arguments.items()]
            + [_field(name, Annotated[type_, NEVER_SENT], naming, required=False) for name, type_ in read_only.items()]
        )

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the fields whose values are stored nowhere."""
        return frozenset(field.name for field in self.values() if field.secret)

    def arguments(self) -> Iterator[Field]:
        """Return the fields that a program can set."""
        return (field for field in self.values() if field.takes or not field.is_readable)

    def check(self, news: Values, unknown: frozenset[str], *, new: bool = True) -> tuple[dict[str, Any], list[Problem]]:
        """Return the known values in their types, and all problems with them."""
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        arguments = {field.name: field for field in self.arguments()}
        for name, value in news.items():
            if is_not_given(value):
                continue
            if name not in arguments:
                problems.append(Problem(name, f"is not an argument of this resource{close_to(name, arguments)}"))
                continue
            try:
                values[name] = arguments[name].declared(value)
            except ValidationError as error:
                problems += [Problem(name, _reason(detail)) for detail in error.errors(include_url=False)]
            except ValueError as error:
                problems.append(Problem(name, str(error)))
        problems += [
            Problem(field.name, "is required")
            for field in arguments.values()
            if (field.required or (new and NEEDED_TO_CREATE in field.marks))
            and is_not_given(news.get(field.name))
            and field.name not in unknown
        ]
        return values, problems

    def typed(self, values: Values) -> dict[str, Any]:
        """Return values that came through the engine, which turns all numbers into floats, in their types again.

        A value that does not fit its field's type, which a state of an earlier version may hold, is left out.
        """
        plain = {name: value for name, value in values.items() if name not in self or self[name].secret}
        read = {name: self[name].read(value) for name, value in values.items() if name not in plain}
        typed = {name: value for name, value in read.items() if not isinstance(value, Unfit)}
        return {name: (plain | typed)[name] for name in values if name in plain or name in typed}

    def raw(self, record: Mapping[str, Any], name: str) -> Any:
        """Return the vendor's own value of one readable field, or None if the record does not have it."""
        return _dig(record, self[name].wire.read or name)[1]

    def parse_one(self, record: Mapping[str, Any], name: str) -> Any:
        """Return one field of a record in its type, or None if the record lacks it or has another type."""
        value = self[name].read(self.raw(record, name))
        return None if isinstance(value, Unfit) else value

    def parse(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a record, by argument name.

        A field that the record does not have, or not in its type, is left out: it could not be read. A null is None.
        """
        read = ((name, self[name].read(value)) for name, value in self._written(record))
        return {name: value for name, value in read if not isinstance(value, Unfit)}

    def unread(self, record: Mapping[str, Any]) -> list[str]:
        """Return the names of the fields whose values in a record do not have their type."""
        return [name for name, value in self._written(record) if isinstance(self[name].read(value), Unfit)]

    def mended(self, record: Mapping[str, Any]) -> list[str]:
        """Return the names of the fields whose values in a record have replaced characters."""
        return [name for name, value in self._written(record) if not is_sound(value)]

    def names_in(self, record: Mapping[str, Any]) -> set[str]:
        """Return the names of the readable fields that a record has, whatever their values."""
        return {name for name, _ in self._written(record)}

    def _written(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the readable fields that a record has, with the vendor's own values."""
        for item in self.values():
            if item.wire.read is None:
                continue
            found, value = _dig(record, item.wire.read)
            if found:
                yield item.name, value

    def body(self, values: Values, operation: Takes) -> dict[str, Any]:
        """Return the values that the operation takes, under the vendor's names."""
        body: dict[str, Any] = {}
        for name, value in values.items():
            item = self[name]
            path = item.wire.create if operation is Takes.CREATE else item.wire.update
            if path is None or not item.takes & operation:
                continue
            if operation is Takes.UPDATE and item.wire.update_value:
                value = item.wire.update_value(value)
            _bury(body, path, value)
        return body


def _field(name: str, type_: Any, naming: Callable[[str], str], *, required: bool) -> Field:
    type_ = typing.get_args(type_)[0] if typing.get_origin(type_) is typing.Required else type_
    metadata = getattr(type_, "__metadata__", ())
    takes = _last(metadata, Takes, Takes.CREATE | Takes.UPDATE)
    marks = frozenset(mark for mark in metadata if isinstance(mark, Mark))
    delta = next((mark for mark in metadata if isinstance(mark, Delta)), None)
    given = _last(metadata, Wire, Wire())
    readable = not marks & {SECRET, UNREADABLE} and delta is None
    wire = Wire(
        create=(given.create or naming(name)) if takes & Takes.CREATE and delta is None else None,
        update=(given.update or naming(name)) if takes & Takes.UPDATE and delta is None else None,
        read=(given.read or naming(name)) if readable else None,
        update_value=given.update_value,
    )
    compare = _last(metadata, Compare, Compare(lambda value: value))
    checks = tuple(mark for mark in metadata if isinstance(mark, Check))
    unchecked = TypeAdapter(bare(type_), config=ConfigDict(coerce_numbers_to_str=True))
    return Field(name, type_, required, takes, wire, marks, compare, delta, checks, TypeAdapter(type_), unchecked)


def bare(type_: Any) -> Any:
    """Return a type without its markers: `str` of an e-mail's, `list[int]` of a set's, `str` of a choice of texts."""
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in (Annotated, typing.Required):
        return bare(arguments[0])
    if origin is Literal:
        return type(arguments[0])
    return list[bare(arguments[0])] if origin is list else type_  # type: ignore[misc]


def _last(metadata: Iterable[Any], kind: type[T], default: T) -> T:
    """Return the last marker of a kind: the line's own marker wins over that of an alias."""
    return next((item for item in reversed([*metadata]) if isinstance(item, kind)), default)


_WHOLE, _FLAG_WORDS = "must be a whole number", "must be true or false"
_WORDS: Mapping[str, str] = {
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "finite_number": _WHOLE,
    "bool_type": _FLAG_WORDS,
    "bool_parsing": _FLAG_WORDS,
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
}
"""Messages for pydantic's kinds of errors."""


def _reason(detail: Any) -> str:
    context = detail.get("ctx", {})
    if isinstance(context.get("error"), ValueError):
        return str(context["error"])
    where = ".".join(str(part) for part in detail["loc"])
    text = _WORDS.get(detail["type"], "is not as it must be: " + str(detail["msg"])).format_map(context)
    if context.get("min_length") == 1:
        text = "must not be empty"
    return f"item {where}: {text}" if where else text


def close_to(name: str, names: Iterable[str]) -> str:
    """Return a hint with the most similar name, or an empty text if no name is similar."""
    likely = difflib.get_close_matches(re.sub(r"[^\w.]+", "_", folded(name)), sorted(names), n=1)
    return f"; did you mean {likely[0]}?" if likely else ""


def _dig(record: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    value: Any = record
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False, None
        value = value[part]
    return True, value


def _bury(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
    body[last] = value
