"""The fields of an account: which operations take each, how it is compared, and its names on the wire.

A field is a type with markers, such as `Annotated[str, CREATE_ONLY]`. pydantic validates by the type. The markers say
what the type cannot: which operations take the field, its names on the wire, how two of its values are compared.
A field without markers is taken by create and update, is read back, and has the name that the vendor's naming rule
gives it.
"""

import difflib
import enum
import itertools
import re
import typing
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import GenericAlias, MappingProxyType
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .boundary import UNKNOWN, Json, Record, Unfit, is_sound
from .text import lowered

T = TypeVar("T")
V = TypeVar("V")
Values = Mapping[str, Any]
"""Values of an account by argument name (snake_case)."""


class Takes(enum.Flag):
    """The vendor's operations that take a field."""

    NOTHING = 0
    CREATE = enum.auto()
    UPDATE = enum.auto()


NO_VALUE: tuple[object, ...] = (None, "", [], {})
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
    SPARSE = "a record without it says that it is empty, or that this tenant does not keep it"
    NEEDED_TO_CREATE = "required for a new account, and not for an account that exists"


SECRET = Mark.SECRET
UNREADABLE = Mark.UNREADABLE
RESPELLED = Mark.RESPELLED
VOLATILE = Mark.VOLATILE
SPARSE = Mark.SPARSE
NEEDED_TO_CREATE = Mark.NEEDED_TO_CREATE


@dataclass(frozen=True)
class Wire:
    """Names on the wire where the vendor's naming rule does not give them; dots go into objects (see `keys_of`).

    `update_value` turns the value into what the update wants, where that is another type.
    """

    create: str | None = None
    update: str | None = None
    read: str | None = None
    update_value: Callable[[Any], object] | None = None

    @classmethod
    def everywhere(cls, name: str) -> "Wire":
        """Return the same name for all operations."""
        return cls(name, name, name)


@dataclass(frozen=True)
class Compare(Generic[V]):
    """The comparison of two values: by their normal forms, which `how` describes.

    `declared` is the stricter form for two values that a person wrote, where the vendor's answer
    loses something (the order of a list) that matters when it is sent. `covers` replaces both: whether a declared
    value, its first argument, is there in the second one, which may have more.
    """

    normal: Callable[[V], object]
    declared: Callable[[V], object] | None = None
    how: str = "as it is"
    covers: Callable[[V, V], bool] | None = None


@dataclass(frozen=True)
class Check(Generic[V]):
    """A rule for declared values. Values of vendors and of old states are read without it.

    `clean` returns the value as it is sent, and raises ValueError with the reason.
    """

    clean: Callable[[V], V]


@dataclass(frozen=True)
class Delta:
    """Items that another field's list must contain, or must not contain. Its other items stay as they are."""

    of: str
    present: bool


# --- values ------------------------------------------------------------------------------------


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


def unfit(value: object) -> str:
    """Return why no field can have this value, or why the engine would change it; empty if the value is good."""
    if isinstance(value, list | tuple):
        found = ((number, unfit(each)) for number, each in enumerate(value))
        return next((f"item {number}: {reason}" for number, reason in found if reason), "")
    if isinstance(value, Mapping):
        inner = (reason for item in value.items() for each in item if (reason := unfit(each)))
        return next((f"an entry {reason}" for reason in inner), "")
    if isinstance(value, str):
        if value in UNKNOWN:
            return "is a text that the engine takes for a value that it does not know yet: choose another"
        control = _NOT_TEXT.search(value)
        return f"contains {character(control[0])}: take it out" if control else ""
    if isinstance(value, int) and abs(value) > LARGEST:
        return f"must be at most {LARGEST:,}: a larger number is changed on its way through the engine"
    return ""


def is_not_given(value: object) -> bool:
    """Return whether a value is not given: None, or what a spreadsheet library has for an empty cell (NaN, NaT, NA)."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # a comparison with NA is neither true nor false
        return True
    except ValueError:  # an array
        return False


def folded(text: str) -> str:
    """Return text in the form in which names are compared, without case. Not for e-mails."""
    return text.strip().casefold()


def email_key(email: str) -> str:
    """Return the form in which e-mails are compared: ASCII letters in lower case, and all else as it is.

    `straße@example.com` and `strasse@example.com` are two mailboxes.
    """
    return lowered(email.strip())


def composed(email: str) -> str:
    """Return an e-mail in Unicode's normal form C, in which an accent has one spelling."""
    return unicodedata.normalize("NFC", email)


_FLAG = TypeAdapter(bool)


def flag(value: object) -> bool:
    """Return the flag that a program or a file gives, which may be text (true, yes, on, 1); raises ValueError."""
    try:
        return _FLAG.validate_python(value.strip() if isinstance(value, str) else value)
    except ValidationError:
        raise ValueError(_FLAG_WORDS) from None


VISIBLE = Check(_visible)
"""Marks a text by which people log in: all of its characters can be seen."""


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
    compare: Compare[Any] = Compare(lambda value: value)
    delta: Delta | None = None
    checks: tuple[Check[Any], ...] = ()

    @cached_property
    def _adapter(self) -> TypeAdapter[object]:
        return TypeAdapter(self.type)

    @cached_property
    def _bare(self) -> TypeAdapter[object]:
        """The type without its rules: a vendor may hold a value that a program may not declare."""
        return TypeAdapter(bare(self.type), config=ConfigDict(coerce_numbers_to_str=True))

    @cached_property
    def secret(self) -> bool:
        """Whether the value is stored nowhere."""
        return SECRET in self.marks

    @property
    def is_readable(self) -> bool:
        """Whether a record of the vendor may contain it."""
        return self.wire.read is not None

    @cached_property
    def is_sparse(self) -> bool:
        """Whether a record without it says something: that it is empty."""
        return SPARSE in self.marks

    @property
    def create_only(self) -> bool:
        """Whether only a create takes it."""
        return self.takes is CREATE_ONLY

    def parse(self, value: object) -> object:
        """Return the value in its Python type (3.0 becomes 3, 1 becomes true); raises ValidationError."""
        return self._adapter.validate_python(value)

    def declared(self, value: object) -> object:
        """Return a declared value as it is sent; raises ValueError (ValidationError is a subclass) with the reason."""
        value = self.parse(value)
        reason = unfit(value)
        if reason:
            raise ValueError(reason)
        for check in self.checks:
            value = check.clean(value)
        return value

    def read(self, value: Json) -> object:
        """Return the vendor's value in its type, even if a program may not declare it, such as a short phone number.

        Returns `Unfit` for a value of another type.
        """
        if value is None:
            return None
        try:
            return self._adapter.validate_python(value)
        except ValidationError:
            with suppress(ValidationError):
                return self._bare.validate_python(value)
        return Unfit(value)

    def has(self, value: object, wanted: object) -> bool:
        """Return whether a value is the wanted one, or a list to which the wanted item would add nothing."""
        return self.same([*value, wanted], value) if isinstance(value, list) else value == wanted

    def same(self, left: object, right: object, *, both_declared: bool = False) -> bool:
        """Return whether two values mean the same; all values in NO_VALUE do.

        `left` is what is declared, where the two differ in that: with `Compare.covers`, `right` may have more.
        """
        if self.compare.covers:
            return self.compare.covers(left, right)
        if left in NO_VALUE or right in NO_VALUE:
            return left in NO_VALUE and right in NO_VALUE
        normal = self.compare.declared if both_declared and self.compare.declared else self.compare.normal
        try:
            return bool(normal(self.parse(left)) == normal(self.parse(right)))
        except (ValueError, TypeError):  # ValidationError is a ValueError
            return bool(left == right)


class Schema(Mapping[str, Field]):
    """The fields of a vendor's accounts, by name, in the order of their declaration."""

    def __init__(self, fields: Iterable[Field], naming: Callable[[str], str]) -> None:
        self._fields = {field.name: field for field in fields}
        self.naming = naming

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @classmethod
    def of(
        cls,
        arguments: Mapping[str, object],
        naming: Callable[[str], str],
        *,
        required: Set[str] = frozenset(),
        read_only: Mapping[str, object] = MappingProxyType({}),
    ) -> "Schema":
        """Return the fields with these types, by name: the arguments, and what only the vendor says.

        `naming` turns `office_ids` into the vendor's `officeIds`, `OfficeIds` or another name.
        """
        return cls(
            [_field(name, type_, naming, required=name in required) for name, type_ in arguments.items()]
            + [_field(name, Annotated[type_, NEVER_SENT], naming, required=False) for name, type_ in read_only.items()],
            naming,
        )

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the fields whose values are stored nowhere."""
        return frozenset(field.name for field in self.values() if field.secret)

    @cached_property
    def _sparse(self) -> frozenset[str]:
        return frozenset(field.name for field in self.values() if field.is_sparse)

    @cached_property
    def _deltas(self) -> Mapping[str, tuple[list[str], list[str]]]:
        """For the name of each list that has deltas, the names of those that add to it and of those that remove."""
        deltas: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in self}
        for item in self.values():
            if item.delta is not None:
                deltas[item.delta.of][0 if item.delta.present else 1].append(item.name)
        return {name: both for name, both in deltas.items() if any(both)}

    def contradictions(self, values: Values, given: frozenset[str]) -> Iterator[Problem]:
        """Yield the problems of a whole list beside its deltas, and of deltas that add and remove the same item.

        `given` holds the names of unknown values as well.
        """
        for name, (adding, removing) in self._deltas.items():
            if name in given and not given.isdisjoint([*adding, *removing]):
                deltas = " or ".join([*adding, *removing])
                yield Problem(name, f"says all of them, and so cannot stand beside {deltas}: give one kind")
            for added, removed in itertools.product(adding, removing):
                both = {*values.get(added, ())} & {*values.get(removed, ())}
                if both:
                    yield Problem(added, f"and {removed} share {sorted(both)}: drop them from one of the two")

    def arguments(self) -> Iterable[Field]:
        """Return the fields that a program can set."""
        return self._arguments.values()

    @cached_property
    def _arguments(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.values() if field.takes or not field.is_readable}

    @cached_property
    def _required(self) -> Sequence[Field]:
        """The arguments that an account must have, or that a new account must have."""
        return [each for each in self.arguments() if each.required or NEEDED_TO_CREATE in each.marks]

    def check(
        self, news: Values, unknown: frozenset[str], *, new: bool = True
    ) -> tuple[dict[str, object], list[Problem]]:
        """Return the known values in their types, and all problems with them."""
        values: dict[str, object] = {}
        problems: list[Problem] = []
        for name, value in news.items():
            if is_not_given(value):
                continue
            if name not in self._arguments:
                problems.append(Problem(name, f"is not an argument of this resource{close_to(name, self._arguments)}"))
                continue
            try:
                values[name] = self._arguments[name].declared(value)
            except ValidationError as error:
                problems += [Problem(name, _reason(detail)) for detail in error.errors(include_url=False)]
            except ValueError as error:
                problems.append(Problem(name, str(error)))
        problems += [
            Problem(field.name, "is required")
            for field in self._required
            if (field.required or new) and is_not_given(news.get(field.name)) and field.name not in unknown
        ]
        return values, problems

    def typed(self, values: Values) -> dict[str, object]:
        """Return values that came through the engine, which turns all numbers into floats, in their types again.

        A value that does not fit its field's type, which a state of an earlier version may hold, is left out.
        """
        read = ((name, self._fields.get(name), value) for name, value in values.items())
        typed = ((name, value if item is None or item.secret else item.read(value)) for name, item, value in read)
        return {name: value for name, value in typed if not isinstance(value, Unfit)}

    def raw(self, record: Record, name: str) -> Json:
        """Return the vendor's own value of one readable field, or None if the record does not have it."""
        return _dig(record, self[name].wire.read or name)[1]

    def parse_one(self, record: Record, name: str) -> object:
        """Return one field of a record in its type, or None if the record lacks it or has another type."""
        value = self[name].read(self.raw(record, name))
        return None if isinstance(value, Unfit) else value

    def parse(self, record: Record, *, is_whole: bool = True) -> dict[str, object]:
        """Return the values of a record, by argument name.

        A field that the record does not have, or not in its type, is left out: it could not be read. A null is None,
        and so is a sparse field that the record does not have if the record `is_whole`. An answer to a write may not
        be.
        """
        read = [(name, self[name].read(value)) for name, value in self._written(record)]
        empty = dict.fromkeys(self._sparse - {name for name, _ in read}) if is_whole and self._sparse else {}
        return empty | {name: value for name, value in read if not isinstance(value, Unfit)}

    def unread(self, record: Record) -> list[str]:
        """Return the names of the fields whose values in a record do not have their type."""
        return [name for name, value in self._written(record) if isinstance(self[name].read(value), Unfit)]

    def filled_in(self, record: Record) -> set[str]:
        """Return the names of the sparse fields that have a value in a record."""
        return {name for name, value in self._written(record) if name in self._sparse and value not in NO_VALUE}

    def mended(self, record: Record) -> list[str]:
        """Return the names of the fields whose values in a record have replaced characters."""
        return [name for name, value in self._written(record) if not is_sound(value)]

    def names_in(self, record: Record) -> set[str]:
        """Return the names of the readable fields that a record has, whatever their values."""
        return {name for name, _ in self._written(record)}

    def _written(self, record: Record) -> Iterator[tuple[str, Json]]:
        """Yield the readable fields that a record has, with the vendor's own values."""
        for item in self.values():
            if item.wire.read is None:
                continue
            found, value = _dig(record, item.wire.read)
            if found:
                yield item.name, value

    def body(self, values: Values, operation: Takes) -> dict[str, object]:
        """Return the values that the operation takes, under the vendor's names."""
        body: dict[str, object] = {}
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
    return Field(name, type_, required, takes, wire, marks, compare, delta, checks)


def bare(type_: object) -> Any:
    """Return a type without its markers: `str` of an e-mail's, `list[int]` of a set's, `str` of a choice of texts."""
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in (Annotated, typing.Required):
        return bare(arguments[0])
    if origin is Literal:
        return type(arguments[0])
    return GenericAlias(list, (bare(arguments[0]),)) if origin is list else type_


def _last(metadata: Iterable[object], kind: type[T], default: T) -> T:
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


def _reason(detail: ErrorDetails) -> str:
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


@cache
def keys_of(path: str) -> tuple[str, ...]:
    r"""Return the keys of a path on the wire, from the outermost: a dot separates two, and `\.` is a dot in a key."""
    return tuple(key.replace(r"\.", ".") for key in re.split(r"(?<!\\)\.", path))


def escaped(key: str) -> str:
    r"""Return a key as a path on the wire says it, with `\.` for each dot."""
    return key.replace(".", r"\.")


def _dig(record: Record, path: str) -> tuple[bool, Json]:
    inner: Json = dict(record) if not isinstance(record, dict) else record
    for key in keys_of(path):
        if not isinstance(inner, dict) or key not in inner:
            return False, None
        inner = inner[key]
    return True, inner


def _bury(body: dict[str, object], path: str, value: object) -> None:
    *outer, last = keys_of(path)
    for key in outer:
        inner = body.setdefault(key, {})
        assert isinstance(inner, dict)
        body = inner
    body[last] = value
