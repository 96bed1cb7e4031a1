"""Comparison, validation, reading and writing of an account's fields."""

import enum
import math
import time
from decimal import Decimal
from typing import Annotated, Any, Literal, Required, TypedDict

import pytest
from pydantic.alias_generators import to_camel

from seatwise.core.vendor.field_types import (
    DateTime,
    Email,
    EmailItems,
    Entries,
    FirstAndOthers,
    IdSet,
    Items,
    NameSet,
    Number,
    Password,
    Phone,
    PhoneItems,
    looks_like_a_number,
    one_of,
)
from seatwise.core.vendor.fields import (
    CREATE_ONLY,
    NEVER_SENT,
    SECRET,
    UNREADABLE,
    UPDATE_ONLY,
    VISIBLE,
    Compare,
    Delta,
    Problem,
    Schema,
    Takes,
    Wire,
    escaped,
    is_not_given,
    keys_of,
)
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors import enerflo, nexudus, tenovos


class Tongue(enum.IntEnum):
    """What is documented."""

    LATIN = 1
    GREEK = 2


class Args(TypedDict, total=False):
    """One field of every kind."""

    email: Required[Email]
    full_name: Required[str]
    phone: Phone
    desk: Annotated[Number, Wire(create="contact.desk", update_value=int)]
    room: Annotated[str, Wire(create="contact.room", update="where.room", read="where.room")]
    level: int
    active: bool
    offices: FirstAndOthers
    teams: IdSet
    groups: NameSet
    rows: list[int]
    since: DateTime
    code: Annotated[Email, Compare(str)]
    zone: Annotated[str, CREATE_ONLY]
    state: Annotated[Literal["on", "off"], UPDATE_ONLY]
    avatar: Annotated[str, UNREADABLE]
    policy: Annotated[str, NEVER_SENT, UNREADABLE]
    password: Password
    pin: Annotated[int, SECRET]
    added_teams: Annotated[IdSet, Delta("teams", present=True)]
    login: Annotated[str, VISIBLE]
    tongue: Annotated[int, one_of(Tongue)]


SCHEMA = Schema.of(
    Args.__annotations__, to_camel, required=Args.__required_keys__, read_only={"unique_id": str, "visits": int}
)
REQUIRED = {"email": "ana@example.com", "full_name": "Ana"}

# --- comparison -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "left", "right"),
    [
        pytest.param("phone", "555-555-5555", "(555) 555 5555", id="phone: punctuation"),
        pytest.param("phone", "+1 555-555-5555", "5555555555", id="phone: the leading +1"),
        pytest.param("email", "Ana@Example.com", "ana@example.COM", id="e-mail: case"),
        pytest.param("teams", [1, 2, 3], [3, 1, 2], id="ids: order"),
        pytest.param("groups", ["a", "b"], ["b", "a"], id="names: order"),
        pytest.param("offices", [1, 2, 3], [3, 2, 1], id="first and others: order, as read"),
        pytest.param("since", "2026-01-31T09:00:00Z", "2026-01-31T10:00:00+01:00", id="date-time: another zone"),
        pytest.param("since", "2026-01-31T09:00:00", "2026-01-31T09:00:00.000Z", id="date-time: no zone is UTC"),
        pytest.param("active", True, 1, id="1 is true"),
        pytest.param("active", 0, False, id="0 is false"),
        pytest.param("level", 3, 3.0, id="3.0 is 3"),
        pytest.param("rows", [1, 2], [1.0, 2.0], id="floats in a list"),
        pytest.param("desk", "555 010 0001", "+(555)-010.0001", id="number: digits only"),
        pytest.param("desk", "0155", "155", id="number: leading zeros"),
        pytest.param("desk", "+1 555 010 0001", "tel:+1-555-010-0001", id="number: as RFC 3966 writes it"),
        pytest.param("desk", "155", "TEL:155", id="number: the scheme has no case"),
        pytest.param("desk", " Front desk", "Front desk ", id="number: spaces around text"),
        pytest.param("full_name", None, "", id="nothing is an empty text"),
        pytest.param("teams", None, [], id="nothing is an empty list"),
        pytest.param("level", "many", "many", id="equal values that fit no type"),
    ],
)
def test_values_that_mean_the_same_are_no_difference(field: str, left: Any, right: Any) -> None:
    assert SCHEMA[field].same(left, right)
    assert SCHEMA[field].same(right, left)


@pytest.mark.parametrize(
    ("field", "left", "right"),
    [
        pytest.param("phone", "555-555-5555", "555-555-5556", id="phone: a digit"),
        pytest.param("email", "ana@example.com", "ana@example.org", id="e-mail: domain"),
        pytest.param("email", "\u212aim@example.com", "kim@example.com", id="e-mail: the Kelvin sign is no k"),
        pytest.param("email", "\u017fue@example.com", "sue@example.com", id="e-mail: the long s is no s"),
        pytest.param("email", "stra\u00dfe@example.com", "strasse@example.com", id="e-mail: a sharp s is no ss"),
        pytest.param("email", "JOS\u00c9@example.com", "jos\u00e9@example.com", id="e-mail: an accent keeps its case"),
        pytest.param("code", "Ana@example.com", "ana@example.com", id="the line's marker wins over its type's"),
        pytest.param("full_name", "Ana", "ana", id="text: case"),
        pytest.param("full_name", "Ana", "", id="text: emptied"),
        pytest.param("teams", [1, 2], [1, 2, 3], id="ids: one more"),
        pytest.param("rows", [1, 2], [2, 1], id="a list that says nothing else keeps its order"),
        pytest.param("since", "2026-01-31T09:00:00Z", "2026-01-31T09:00:00+01:00", id="date-time: moment"),
        pytest.param("active", True, 0, id="true is not 0"),
        pytest.param("level", 3, 3.5, id="3.5 is not 3"),
        pytest.param("desk", "Front desk 1", "Front desk 2", id="number: text with digits"),
        pytest.param("desk", "1a", "1", id="number: text is not its digits"),
        pytest.param("desk", "tel:155;ext=1", "1551", id="number: an extension is no digit"),
        pytest.param("level", "many", 3, id="a value that fits no type"),
        pytest.param("active", None, False, id="nothing is not false"),
        pytest.param("level", None, 0, id="nothing is not 0"),
    ],
)
def test_values_that_mean_something_else_are_a_difference(field: str, left: Any, right: Any) -> None:
    assert not SCHEMA[field].same(left, right)
    assert not SCHEMA[field].same(right, left)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        pytest.param([1, 2, 3], [1, 3, 2], True, id="order of the others"),
        pytest.param([1, 2, 3], [2, 1, 3], False, id="another first"),
        pytest.param([1], [1, 2], False, id="one more"),
        pytest.param([], [1], False, id="none"),
    ],
)
def test_where_the_first_id_has_a_meaning_only_its_place_counts(left: list[int], right: list[int], same: bool) -> None:
    assert SCHEMA["offices"].same(left, right, both_declared=True) is same


ALONE = "; give one address alone, such as ana@example.com"
BAD_EMAILS = {
    "ana @example.com": f": it contains U+0020 SPACE{ALONE}",
    "ana\u00a0@example.com": f": it contains U+00A0 NO-BREAK SPACE{ALONE}",
    "ana\u200b@example.com": f": it contains U+200B ZERO WIDTH SPACE{ALONE}",
    "\u202aana@example.com": f": it contains U+202A LEFT-TO-RIGHT EMBEDDING{ALONE}",
    "ana@exam\u00adple.com": f": it contains U+00AD SOFT HYPHEN{ALONE}",
    "ana\u200d@example.com": f": it contains U+200D ZERO WIDTH JOINER{ALONE}",
    "ana\ufe0f@example.com": f": it contains U+FE0F VARIATION SELECTOR-16{ALONE}",
    "ana\u3164@example.com": f": it contains U+3164 HANGUL FILLER{ALONE}",
    "<ana@example.com>": f": it contains U+003C LESS-THAN SIGN{ALONE}",
    "ana@b.example,ben@b.example": f": it contains U+002C COMMA{ALONE}",
    "ana@example.com;": f": it contains U+003B SEMICOLON{ALONE}",
    '"ana"@example.com': f": it contains U+0022 QUOTATION MARK{ALONE}",
    "mailto:ana@example.com": ": it begins with mailto:",
    "MAILTO:ana@example.com": ": it begins with mailto:",
    "ana@example.com.": ": it ends with U+002E FULL STOP",
    "ana@b@example.com": ": it contains U+0040 COMMERCIAL AT more than once",
    "@example.com": "",
    "ana@": "",
}
TEXTS = ("email", "full_name", "room", "password", "desk")
CONTROLS = {
    "\x00": "U+0000 CONTROL CHARACTER",
    "\n": "U+000A CONTROL CHARACTER",
    "\x1b": "U+001B CONTROL CHARACTER",
    "\x85": "U+0085 CONTROL CHARACTER",
}
TOO_LARGE = "must be at most 9,007,199,254,740,991: a larger number is changed on its way through the engine"

# --- validation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("phone", "555-0100", "must have ten digits, such as 555-555-5555"),
        ("phone", "25555555555", "must have ten digits, such as 555-555-5555"),
        ("email", "ana", "is not an e-mail address"),
        *(("email", email, f"is not an e-mail address{reason}") for email, reason in BAD_EMAILS.items()),
        *((name, f"Ana{char}", f"contains {told}: take it out") for name in TEXTS for char, told in CONTROLS.items()),
        ("groups", ["a", "b\x00"], "item 1: contains U+0000 CONTROL CHARACTER: take it out"),
        ("login", "an\u200da", "contains U+200D ZERO WIDTH JOINER, which is not seen: type it again"),
        ("login", "\u202eana", "contains U+202E RIGHT-TO-LEFT OVERRIDE, which is not seen: type it again"),
        ("level", 2**53, TOO_LARGE),
        ("level", -(2**53), TOO_LARGE),
        ("level", float(2**53), TOO_LARGE),
        ("level", 10**30, TOO_LARGE),
        ("teams", [1, 2**53 + 1], f"item 1: {TOO_LARGE}"),
        ("level", float("inf"), "must be a whole number"),
        ("full_name", float("inf"), "must be text"),
        ("full_name", float("nan"), "is required"),
        ("teams", [1, float("nan")], "item 1: must be a whole number"),
        ("tongue", 9, "must be one of 1 (latin), 2 (greek)"),
        ("full_nme", "Ana", "is not an argument of this resource; did you mean full_name?"),
        ("since", "yesterday", "is not an ISO 8601 date-time, such as 2026-01-31T09:00:00Z"),
        ("state", "On", "must be 'on' or 'off'"),
        ("level", 2.5, "must be a whole number"),
        ("active", "perhaps", "must be true or false"),
        ("groups", "admins", "must be a list"),
        ("teams", [1, "x"], "item 1: must be a whole number"),
        ("colour", "red", "is not an argument of this resource"),
        ("unique_id", "u1", "is not an argument of this resource"),
        ("full_name", None, "is required"),
    ],
)
def test_a_bad_argument_is_named_with_what_it_must_be(field: str, value: Any, reason: str) -> None:
    _, problems = SCHEMA.check(REQUIRED | {field: value}, frozenset())
    assert problems == [Problem(field, reason)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("email", "o'brien+x_{y}!#$%&*/=?^`|~.z@b-c.example", id="signs that addresses may have"),
        pytest.param("email", "\u00fcn\u00efc\u00f6de@\u4f8b\u3048.example", id="letters of any script"),
        pytest.param("full_name", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", id="Persian: a non-joiner"),
        pytest.param("full_name", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", id="Sinhala: a joiner"),
        pytest.param("full_name", "\u200e\u05d0\u05e0\u05d4\u200f", id="Hebrew: marks of direction"),
        pytest.param("level", 2**53 - 1, id="the largest number"),
        pytest.param("level", -(2**53) + 1, id="the smallest number"),
        pytest.param("tongue", 2, id="a documented number"),
    ],
)
def test_what_is_unusual_and_fit_is_taken_as_it_is(field: str, value: Any) -> None:
    values, problems = SCHEMA.check(REQUIRED | {field: value}, frozenset())
    assert (values[field], problems) == (value, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "<ana@example.com>"), ("email", "ana@example.com."), ("tongue", 9), ("level", 2**60), ("room", "a\nb")],
)
def test_what_is_there_may_be_what_no_program_may_declare(field: str, value: Any) -> None:
    """At the vendor and in states of before: it is read in its type and is the same as itself."""
    assert SCHEMA.typed({field: float(value) if isinstance(value, int) else value}) == {field: value}
    assert SCHEMA[field].same(value, value)
    assert SCHEMA["email"].same("<ANA@example.com>", "<ana@example.com>")


class NotAvailable:
    """As pandas.NA: no comparison has a truth value."""

    def __ne__(self, other: object) -> "NotAvailable":  # type: ignore[override]
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


@pytest.mark.parametrize("value", [None, math.nan, Decimal("nan"), NotAvailable()], ids=["None", "NaN", "NaT", "NA"])
def test_an_empty_cell_of_a_spreadsheet_is_not_given(value: Any) -> None:
    assert is_not_given(value)
    values, problems = SCHEMA.check(REQUIRED | {"phone": value, "level": value, "teams": value}, frozenset())
    assert (values, problems) == (REQUIRED, [])
    assert SCHEMA.check({**REQUIRED, "full_name": value}, frozenset())[1] == [Problem("full_name", "is required")]


@pytest.mark.parametrize("value", ["", "nan", 0, False, [], [math.nan], math.inf])
def test_all_else_is_given(value: Any) -> None:
    assert not is_not_given(value)


def test_a_lone_surrogate_is_no_text() -> None:
    _, problems = SCHEMA.check(REQUIRED | {"room": "Ana \ud83d"}, frozenset())
    assert problems == [Problem("room", "contains U+D83D LONE SURROGATE: take it out")]


def test_an_accent_of_an_email_is_one_character() -> None:
    values, problems = SCHEMA.check(REQUIRED | {"email": "jose\u0301@example.com"}, frozenset())
    assert (values["email"], problems) == ("jos\u00e9@example.com", [])


def test_all_problems_are_told_at_once() -> None:
    values, problems = SCHEMA.check(
        {"email": "ana", "phone": "1", "colour": "red", "teams": ["x", "y"], "level": 3}, frozenset()
    )
    assert [problem.field for problem in problems] == ["email", "phone", "colour", "teams", "teams", "full_name"]
    assert values == {"level": 3}


def test_checked_values_have_their_types() -> None:
    """The engine makes a float of every number."""
    values, problems = SCHEMA.check(REQUIRED | {"level": 3.0, "teams": [1.0, 2.0], "active": 1}, frozenset())
    assert not problems
    assert repr(values) == repr(REQUIRED | {"level": 3, "teams": [1, 2], "active": True})


def test_an_argument_that_is_none_is_not_given() -> None:
    assert SCHEMA.check(REQUIRED | {"phone": None, "colour": None}, frozenset()) == (REQUIRED, [])


def test_a_required_argument_may_be_unknown_yet() -> None:
    assert SCHEMA.check({"email": "ana@example.com"}, frozenset({"full_name"})) == ({"email": "ana@example.com"}, [])


@pytest.mark.parametrize("vendor", [enerflo.Enerflo, nexudus.Nexudus, tenovos.Tenovos])
@pytest.mark.parametrize(
    "unfit",
    ["s3cret", 53247, ["s3cret"], {"s3cret": "s3cret"}, "s3cret" * 30],
    ids=["text", "number", "list", "object", "long"],
)
def test_a_reason_never_holds_the_value(vendor: type[Vendor], unfit: Any) -> None:
    values, problems = vendor.schema.check({item.name: unfit for item in vendor.schema.arguments()}, frozenset())
    assert {problem.field for problem in problems} == {item.name for item in vendor.schema.arguments()} - set(values)
    assert problems
    assert not [each for each in problems if "s3cret" in each.reason or "53247" in each.reason]


def test_a_problem_hides_the_value_of_a_secret_of_the_wrong_type() -> None:
    _, problems = SCHEMA.check(REQUIRED | {"password": 53247, "pin": "s3cret"}, frozenset())
    assert problems == [
        Problem("password", "must be text"),
        Problem("pin", "must be a whole number"),
    ]


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "values"),
    [
        pytest.param({}, {}, id="an absent field could not be read"),
        pytest.param({"phone": None}, {"phone": None}, id="null is None"),
        pytest.param({"fullName": "Ana", "unknown": 1}, {"full_name": "Ana"}, id="the vendor's naming rule"),
        pytest.param({"where": {"room": "12b"}}, {"room": "12b"}, id="inside an object"),
        pytest.param({"where": None, "room": "12b"}, {}, id="the object is null"),
        pytest.param({"active": 1}, {"active": True}, id="1 becomes true"),
        pytest.param({"level": "3"}, {"level": 3}, id="text becomes a number"),
        pytest.param({"desk": 155}, {"desk": "155"}, id="a number becomes text"),
        pytest.param({"phone": "none yet"}, {"phone": "none yet"}, id="what no program may declare"),
        pytest.param({"state": "locked"}, {"state": "locked"}, id="none of the choices"),
        pytest.param({"desk": {"a": 1}, "active": "perhaps", "level": 2.5}, {}, id="values of other types"),
        pytest.param({"teams": [1, "x"]}, {}, id="a list with an item of another type"),
        pytest.param({"uniqueId": "u1", "visits": 2}, {"unique_id": "u1", "visits": 2}, id="read-only fields"),
        pytest.param(
            {"password": "x", "pin": 1, "avatar": "x", "policy": "x", "addedTeams": [1]}, {}, id="never readable"
        ),
    ],
)
def test_a_record_is_read_by_argument_name(record: dict[str, Any], values: dict[str, Any]) -> None:
    assert repr(SCHEMA.parse(record)) == repr(values)


@pytest.mark.parametrize(
    ("name", "through_engine", "value"),
    [
        ("level", 3.0, 3),
        ("level", None, None),
        ("teams", [1.0, 2.0], [1, 2]),
        ("active", 1.0, True),
        ("full_name", "007", "007"),
        ("unique_id", 5.0, "5.0"),
        ("__declared", 3.0, 3.0),
    ],
)
def test_values_from_the_engine_get_their_types_back(name: str, through_engine: Any, value: Any) -> None:
    assert repr(SCHEMA.typed({name: through_engine})) == repr({name: value})


def test_a_value_of_a_state_that_does_not_fit_is_left_out() -> None:
    assert SCHEMA.typed({"level": "many", "phone": "none yet", "pin": "scrypt:x"}) == {
        "phone": "none yet",
        "pin": "scrypt:x",
    }


@pytest.mark.parametrize("text", ["1" * 32_000 + "a", "1" * 32_000, " " * 32_000, "1 " * 16_000 + "x"])
def test_a_text_without_end_is_no_number_and_takes_no_time(text: str) -> None:
    begun = time.process_time()
    assert not looks_like_a_number(text)
    assert not SCHEMA["desk"].same(text, "155")
    cost, begun = time.process_time() - begun, time.process_time()
    for _ in range(500):
        text.upper()
    assert cost < 10 * (time.process_time() - begun)


# --- writing ----------------------------------------------------------------------------------


EVERYTHING = REQUIRED | {
    "phone": "555-555-5555",
    "desk": "0155",
    "room": "12b",
    "level": 3,
    "zone": "America/Denver",
    "state": "on",
    "avatar": "https://example.com/ana.png",
    "policy": "keep",
    "password": "pass word",
    "teams": [1],
    "added_teams": [2],
}
ALWAYS = {
    "email": "ana@example.com",
    "fullName": "Ana",
    "phone": "555-555-5555",
    "level": 3,
    "avatar": "https://example.com/ana.png",
    "password": "pass word",
    "teams": [1],
}


def test_a_create_sends_what_it_takes() -> None:
    assert SCHEMA.body(EVERYTHING, Takes.CREATE) == ALWAYS | {
        "zone": "America/Denver",
        "contact": {"desk": "0155", "room": "12b"},
    }


def test_an_update_sends_its_fields_in_its_own_names_and_types() -> None:
    assert SCHEMA.body(EVERYTHING, Takes.UPDATE) == ALWAYS | {"state": "on", "desk": 155, "where": {"room": "12b"}}


# --- paths and parts --------------------------------------------------------------------------

URN = r"urn:acme:2\.0:User"


def test_a_key_on_the_wire_may_contain_dots() -> None:
    schema = Schema.of({"team": Annotated[str, Wire.everywhere(rf"{URN}.team.name")]}, str)
    record: dict[str, Any] = {"urn:acme:2.0:User": {"team": {"name": "north"}}}
    assert schema.parse(record) == {"team": "north"}
    assert schema.body({"team": "north"}, Takes.CREATE) == record
    assert (keys_of(URN), escaped("urn:acme:2.0:User")) == (("urn:acme:2.0:User",), URN)


@pytest.mark.parametrize(
    ("declared", "there", "is_same"),
    [
        ({"urn:a": {"level": 3}}, {"urn:a": {"level": 3, "more": True}, "urn:b": {}}, True),
        ({"urn:a": {"level": 3}}, {"urn:a": {"level": 3.0}}, True),
        ({"urn:a": {"level": 3}}, {"urn:a": {"level": 4}}, False),
        ({"urn:a": {"level": 3}}, {}, False),
        ({"urn:a": {"level": 3}}, None, False),
        ({"urn:a": {"level": None}}, {}, True),
        ({"urn:a": {"level": None}}, {"urn:a": {"level": 3}}, False),
        ({"urn:a": ""}, {"urn:a": {"level": None, "inner": {"x": ""}, "teams": [{"value": None}]}}, True),
        ({"urn:a": ""}, {"urn:a": {"level": None, "is_new": False}}, False),
        ({"urn:a": {"level": ""}}, {"urn:a": {"level": {"value": None}}}, True),
        ({"urn:a": {"inner": {"x": 1}}}, {"urn:a": {"inner": {"x": 1, "y": 2}}}, True),
        ({"urn:a": {"teams": [{"value": "t"}]}}, {"urn:a": {"teams": [{"value": "t", "display": "T"}]}}, True),
        ({"urn:a": {"teams": [{"value": "t"}]}}, {"urn:a": {"teams": [{"value": "t"}, {"value": "u"}]}}, False),
        ({"urn:a": {"teams": [{"value": "t"}]}}, {"urn:a": {"teams": ["t"]}}, False),
        ({"urn:a": {"teams": [{"value": "t"}]}}, {"urn:a": {"teams": "t"}}, False),
        ({"urn:a": {"teams": [{"value": "t"}, "u"]}}, {"urn:a": {"teams": [{"value": "t"}, "u"]}}, True),
        ({"urn:a": ["x"]}, {"urn:a": ["x", "y"]}, False),
        ({"urn:a": {"level": 3}}, {"urn:A": {"level": 3}}, True),
        ({"URN:a": ""}, {"urn:A": {"level": 3}}, False),
        ({"urn:a": {"level": 3}}, {"urn:a": {"Level": 3}}, True),
        ({"urn:a": {"level": 3}}, {"urn:a": {"Level": 3, "level": 4}}, False),
        ({"urn:a": {"levels": ["a", "b"]}}, {"urn:a": {"levels": ["b", "a"]}}, False),
        ({}, {"urn:a": {"level": 3}}, True),
        (None, {"urn:a": {"level": 3}}, True),
    ],
)
def test_of_entries_what_is_declared_must_be_there(declared: Any, there: Any, is_same: bool) -> None:
    field = Schema.of({"extensions": Entries}, str)["extensions"]
    assert field.same(declared, there) is is_same


@pytest.mark.parametrize(
    ("declared", "there", "is_same"),
    [
        ([{"value": "a", "primary": False}], [{"value": "a"}], True),
        ([{"value": "a", "primary": False}], [{"value": "a", "primary": None}], True),
        ([{"value": "a", "primary": False}], [{"value": "a", "primary": True}], False),
        ([{"value": "a", "primary": True}], [{"value": "a"}], False),
        ([{"value": "a", "primary": None}], [{"value": "a"}], True),
        ([{"value": "a", "display": None}], [{"value": "a", "display": "A"}], True),
        ([{"value": "a", "display": ""}], [{"value": "a", "display": "A"}], False),
        (
            [{"type": "w"}, {"type": "w", "value": "a"}],
            [{"type": "w", "value": "a"}, {"type": "w", "value": "b"}],
            True,
        ),
        ([{"type": "w"}, {"value": "a"}], [{"type": "h", "value": "a"}, {"type": "h", "value": "b"}], False),
        ([{"value": "a"}], [{"value": "a"}, {"value": "b"}], False),
        ([{"value": "a"}, {"value": "a"}], [{"value": "a"}], False),
        ([{"value": "A@x.org"}], [{"value": "a@x.org"}], False),
        ([], None, True),
    ],
)
def test_each_item_has_one_of_its_own(declared: Any, there: Any, is_same: bool) -> None:
    assert Schema.of({"items": Items}, str)["items"].same(declared, there) is is_same


def test_e_mails_among_items_have_no_case() -> None:
    field = Schema.of({"emails": EmailItems}, str)["emails"]
    assert field.same([{"value": "Ana@Example.com"}], [{"value": "ana@example.com", "type": "work"}])
    assert not field.same([{"value": "ana@example.com"}], [{"value": "ben@example.com"}])


def test_phone_numbers_among_items_are_their_digits() -> None:
    field = Schema.of({"phone_numbers": PhoneItems}, str)["phone_numbers"]
    assert field.same([{"value": "+1 555 010 0001"}], [{"value": "tel:+1-555-010-0001", "type": "work"}])
    assert not field.same([{"value": "+1 555 010 0001"}], [{"value": "tel:+1-555-010-0002"}])


def test_whole_numbers_in_entries_are_sent_as_such() -> None:
    field = Schema.of({"extensions": Entries}, str)["extensions"]
    assert (
        str(field.declared({"urn:a": {"level": 3.0, "all": [1.0, 1.5]}})) == "{'urn:a': {'level': 3, 'all': [1, 1.5]}}"
    )


def test_an_entry_with_a_character_that_no_text_has_is_refused() -> None:
    _, problems = Schema.of({"extensions": Entries}, str).check({"extensions": {"urn:a": {"x": ["\x07"]}}}, frozenset())
    assert "CONTROL CHARACTER" in str(problems[0])
