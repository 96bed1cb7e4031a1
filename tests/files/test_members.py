"""Members from files and programs: valid ones, and the messages for invalid ones."""

import copy
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

import seatwise
from conftest import refusal
from seatwise.core.vendor.errors import InvalidMembers
from seatwise.core.vendor.vendor import Vendor
from seatwise.files.members import typed_members
from seatwise.files.reading import COMMAS, Row
from seatwise.vendors import enerflo, nexudus, tenovos

ANA = {"email": "ana@example.com", "roles": ["Setter"]}
BEN = {"email": "ben@example.com", "roles": ["Setter"]}
SECRET = "hunter2hunter2"
pytestmark = pytest.mark.usefixtures("empty_folder")


def load(name: str, content: str | bytes) -> list[Any]:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return seatwise.load_members(name)


def refused(name: str, content: str | bytes) -> str:
    """Load a file that must fail, and return the message."""
    return refusal(lambda: load(name, content))


def problems(vendor: type[Vendor], *rows: Mapping[str, Any]) -> list[str]:
    """Return the problems of invalid members."""
    with pytest.raises(InvalidMembers) as caught:
        typed_members(vendor, rows)
    return [*caught.value.problems]


# --- CSV --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("email,phone\na@b.c,007\n", [{"email": "a@b.c", "phone": "007"}]),
        ("email,phone\na@b.c,\n", [{"email": "a@b.c"}]),
        ("email,phone\na@b.c, \n", [{"email": "a@b.c"}]),
        (" email , phone\na@b.c,5\n", [{"email": "a@b.c", "phone": "5"}]),
        ('email,x\na@b.c,"1, ""2"""\n', [{"email": "a@b.c", "x": '1, "2"'}]),
        ("email\n,\n\na@b.c\n", [{"email": "a@b.c"}]),
        (b"\xef\xbb\xbfemail\r\nan\xc3\xa1@b.c\r\n", [{"email": "aná@b.c"}]),
        ("email\ra@b.c\r", [{"email": "a@b.c"}]),
    ],
)
def test_a_csv_file_is_read(content: str | bytes, rows: list[dict[str, Any]]) -> None:
    assert load("team.csv", content) == rows


def test_a_row_of_a_csv_file_has_the_line_that_an_editor_shows() -> None:
    rows = load("team.csv", '\nemail,company\n\na@b.c,"two\nlines"\nd@e.f,\n')
    assert [(row.where, row.kind) for row in rows] == [("team.csv, row 4", "column"), ("team.csv, row 6", "column")]
    assert copy.deepcopy(rows[0]).where == "team.csv, row 4"


HEADER = ", row 1: must be a header of column names with `email`, separated by commas"
TOO_MANY = ", row 3: has 3 cells, but the header has 2; put a cell that contains a comma between quotes"
TOO_FEW = ", row 2: has 2 cells, but the header has 3; add commas for its empty cells at the end"
QUOTE = (
    ", row 2: is not valid CSV (unexpected end of data); "
    'put a cell that contains a quote between quotes, and double each of its own: "say ""hi"""'
)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", HEADER),
        ("email;phone\n", HEADER),
        (f"a@b.c,{SECRET}\n", HEADER),
        ("\nemail,roles,roles\n", ", row 2: column roles appears twice"),
        ("email,,phone\n", ", row 1: column 2 has no name"),
        ("email,last_name\na@b.c,Ana\nb@b.c,Ruiz, Ben\n", TOO_MANY),
        ("email,last_name,phone\na@b.c,Ana\n", TOO_FEW),
        (f'email,password\na@b.c,"{SECRET}\nb@b.c,x\n', QUOTE),
        (b"email\n\xff\n", ": is not in UTF-8; save it with that encoding"),
    ],
)
def test_an_invalid_csv_file_is_one_line_with_place_and_problem(content: str | bytes, line: str) -> None:
    assert refused("team.csv", content) == f"team.csv{line}"


# --- YAML -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, text) for text in ("Ana", "007", "1_000", "1.50", "0x1F", "12:30", "9" * 5000, "2026-01-31")),
        ("12", 12), ("1.5", 1.5), ("yes", True), ("", None), ("[Sales Rep, 12]", ["Sales Rep", 12]),
    ],
)  # fmt: skip
def test_a_value_in_yaml_keeps_its_spelling(text: str, value: Any) -> None:
    """It becomes a number only if the number has the same spelling."""
    (row,) = load("team.yml", f"- x: {text}\n")
    assert row == {"x": value}
    assert type(row["x"]) is type(value)


def test_a_row_of_a_yaml_file_has_its_line() -> None:
    rows = load("team.yaml", "# the team\n- email: a@b.c\n  phone: x\n\n- {email: d@e.f}\n")
    assert [(row.where, row.kind) for row in rows] == [("team.yaml, line 2", "key"), ("team.yaml, line 5", "key")]


def test_rows_of_a_yaml_file_may_share_values() -> None:
    rows = load("team.yaml", "- &ana {email: a@b.c, phone: '1'}\n- {<<: *ana, email: d@e.f}\n")
    assert rows == [{"email": "a@b.c", "phone": "1"}, {"email": "d@e.f", "phone": "1"}]


NO_LIST = "team.yaml: must be a list of members, each beginning like `- email: ana@example.com`"
QUOTES = "put text that begins with a sign or contains a colon between quotes"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", NO_LIST),
        ("email: a@b.c\n", NO_LIST),
        (f"{SECRET}\n", NO_LIST),
        ("- email: a@b.c\n- b@b.c\n", "team.yaml, line 2: must be a member's arguments, such as `email: a"),
        ("- email: a@b.c\n  email: b@b.c\n", "team.yaml, line 1: key email appears twice"),
        ("- no: a@b.c\n", "team.yaml, line 1: its keys must be names of arguments"),
        ("- email: a@b.c\n   phone: x\n", "team.yaml, line 2: is not valid YAML (mapping values are not allowed"),
        (f"- email: a@b.c\n  password: *{SECRET}\n", "team.yaml, line 2: is not valid YAML (found undefined alias"),
        (f"- email: a@b.c\n  password: !{SECRET} x\n", "team.yaml, line 2: is not valid YAML (could not determine a"),
        (f"- email: a@b.c\n  password: {SECRET}: x\n", "team.yaml, line 2: is not valid YAML (mapping values are not"),
        ("- email: a@b.c\n  x: \x07\n", "team.yaml, line 2: has a character that YAML does not allow"),
        (b"- email: \xff\n", "team.yaml: is not in UTF-8; save it with that encoding"),
    ],
)
def test_an_invalid_yaml_file_is_one_line_with_place_and_problem(content: str | bytes, line: str) -> None:
    message = refused("team.yaml", content)
    assert message.startswith(line)
    assert SECRET not in message
    assert "\n" not in message
    assert message.endswith(QUOTES) or "is not valid YAML" not in message


MERGED = "- &a0 {x: 1}\n" + "".join(f"- &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 26))
SHARED = "- &a0 {x: [1]}\n" + "".join(f"- &a{n} {{x: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 26))
CHAIN = "- &a0 {x: 1}\n" + "".join(f"- &a{n} {{x: *a{n - 1}}}\n" for n in range(1, 3000))
DASHES = "".join(f"{' ' * depth}- \n" for depth in range(900))
TOO_DEEP = "is nested more than 20 levels deep, too deep for a member"
TOO_MUCH = "is nested more than 20 levels deep or has more than 10,000 names and values, including its aliases"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param("- x: " + "[" * 5000, f"team.yaml, line 1: {TOO_DEEP}", id="brackets"),
        pytest.param("- x: " + "{a: " * 5000, f"team.yaml, line 1: {TOO_DEEP}", id="braces"),
        pytest.param(DASHES, f"team.yaml, line 21: {TOO_DEEP}", id="dashes"),
        pytest.param(MERGED, f"team.yaml, line 11: {TOO_MUCH}", id="doubled merges"),
        pytest.param(SHARED, f"team.yaml, line 11: {TOO_MUCH}", id="doubled aliases"),
        pytest.param(CHAIN, f"team.yaml, line 21: {TOO_MUCH}", id="a chain of aliases"),
        pytest.param("- &a {x: *a}\n", f"team.yaml, line 1: {TOO_MUCH}", id="an alias to itself"),
        pytest.param("- &a {<<: *a}\n", f"team.yaml, line 1: {TOO_MUCH}", id="a merge of itself"),
    ],
)
def test_a_yaml_file_that_is_too_large_with_aliases_is_one_line(content: str, line: str) -> None:
    begun = time.monotonic()
    message = refused("team.yaml", content)
    assert message.startswith(line)
    assert "\n" not in message
    assert time.monotonic() - begun < 10, "seconds; without the limits it was half a minute"


def test_a_large_team_in_yaml_that_shares_values_is_read() -> None:
    staff = "- &staff {email: a@b.c, roles: [" + ", ".join(f"r{number}" for number in range(100)) + "]}\n"
    rows = load("team.yaml", staff + "".join(f"- {{<<: *staff, email: p{number}@b.c}}\n" for number in range(3000)))
    assert (len(rows), len(rows[-1]["roles"])) == (3001, 100)


# --- any file ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("team.csv", "team.csv: cannot be read: No such file or directory"),
        ("team.xlsx", "team.xlsx: members are read from files that end in .csv, .yaml, .yml"),
        ("team.json", "team.json: members are read from files that end in .csv, .yaml, .yml"),
        ("team", "team: members are read from files that end in .csv, .yaml, .yml"),
    ],
)
def test_an_unreadable_file_or_unknown_suffix_is_one_line(name: str, line: str) -> None:
    assert refusal(lambda: seatwise.load_members(name)) == line


@pytest.mark.parametrize(
    ("name", "content"),
    [("team.csv", "email,roles\n"), ("team.csv", "\nemail\n\n,\n"), ("team.yaml", "[]"), ("team.yml", "# gone\n[]\n")],
)
def test_a_file_without_rows_is_an_error(name: str, content: str) -> None:
    """It may be truncated, and would deprovision all accounts."""
    assert refused(name, content) == f"{name}: contains no rows; if that is intended, do not load this file"


def test_the_suffix_may_be_in_capitals_and_the_path_a_path(tmp_path: Path) -> None:
    path = tmp_path / "TEAM.CSV"
    path.write_text("email\na@b.c\n")
    assert seatwise.load_members(path) == [{"email": "a@b.c"}]


# --- a vendor's types -------------------------------------------------------------------------


def of_enerflo(**values: Any) -> tuple[type[Vendor], dict[str, Any]]:
    return enerflo.VENDOR, ANA | values


def of_nexudus(**values: Any) -> tuple[type[Vendor], dict[str, Any]]:
    return nexudus.VENDOR, {"email": "ana@example.com", "full_name": "Ana", "language": 2} | values


def of_tenovos(**values: Any) -> tuple[type[Vendor], dict[str, Any]]:
    return tenovos.VENDOR, {"email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz"} | values


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (of_enerflo(roles="Sales Rep; Setter"), ["Sales Rep", "Setter"]),
        (of_enerflo(roles=" Setter ;; "), ["Setter"]),
        (of_enerflo(roles="Head, West;"), ["Head, West"]),
        (of_enerflo(roles=["Head, West"]), ["Head, West"]),
        (of_enerflo(office_ids="12;13"), [12, 13]),
        (of_enerflo(office_ids=[12, "13"]), [12, 13]),
        (of_enerflo(office_ids=[12.0]), [12]),
        (of_enerflo(roles=["Sales Rep"], manager_id=" 7 "), 7),
        (of_enerflo(active="Yes"), True),
        (of_enerflo(active="false"), False),
        (of_enerflo(active="0"), False),
        (of_enerflo(phone=5555555555), "5555555555"),
        (of_enerflo(first_name=" Ana "), "Ana"),
        (of_enerflo(password=f" {SECRET} "), f" {SECRET} "),
        (of_enerflo(password=12345678), "12345678"),
        (of_enerflo(external_user_id=1042.0), "1042"),
        (of_enerflo(external_user_id=1.5), "1.5"),
        (of_enerflo(external_user_id=2**60), f"{2**60}"),
        (of_nexudus(language="english us"), 1),
        (of_nexudus(language="3"), 3),
        (of_tenovos(groups=[1, "x"]), ["1", "x"]),
        (of_tenovos(groups=[1042.0]), ["1042"]),
    ],
)
def test_a_value_gets_the_vendors_type(declared: tuple[type[Vendor], dict[str, Any]], value: Any) -> None:
    """The value of the row's last argument."""
    vendor, row = declared
    (member,) = typed_members(vendor, [row])
    assert repr(member) == repr(row | {[*row][-1]: value})


def test_missing_values_are_left_out() -> None:
    nan = float("nan")
    assert typed_members(enerflo.VENDOR, [ANA | {"phone": None, "manager_id": nan, "office_ids": nan}]) == [ANA]
    assert load("team.yaml", "- {email: a@b.c, phone: .nan, first_name: '.nan'}") == [
        {"email": "a@b.c", "phone": None, "first_name": ".nan"}
    ]


@pytest.mark.usefixtures("a_program_runs")
def test_outputs_stay_as_they_are() -> None:
    later = {"external_user_id": pulumi.Output.from_input("7"), "office_ids": [1, pulumi.Output.from_input(2)]}
    (member,) = typed_members(enerflo.VENDOR, [ANA | later])
    assert [member[name] is value for name, value in later.items()] == [True, True]


def test_rows_are_not_changed() -> None:
    row = Row({"email": "ana@example.com", "roles": "Setter"}, "team.csv, row 2", "column")
    assert typed_members(enerflo.VENDOR, [row]) == [ANA]
    assert row == {"email": "ana@example.com", "roles": "Setter"}


# --- problems ---------------------------------------------------------------------------------


TOO_BIG = "must be at most 9,007,199,254,740,991: a larger number is changed on its way through the engine"
SALES_REP = 'can only be set with the role "Sales Rep": add the role or drop office_id'
A_FLAG = "must be text; put a word that YAML reads as a flag (yes, no, on, off) between quotes"
UNKNOWN = "is not an argument"


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        (of_enerflo(phone="1"), "phone: must have ten digits, such as 555-555-5555"),
        (of_enerflo(office_ids="1;x"), "office_ids: item 1: must be a whole number"),
        (of_enerflo(roles=None), "roles: is required"),
        (of_enerflo(roles=float("nan")), "roles: is required"),
        (of_enerflo(external_user_id=float("inf")), "external_user_id: must be text"),
        (of_enerflo(external_user_id=1e17), "external_user_id: must be text"),
        (of_enerflo(roles="Sales Rep, Setter"), f"roles: {COMMAS}"),
        (of_enerflo(office_ids="12, 13"), f"office_ids: {COMMAS}"),
        (of_enerflo(roles=["Sales Rep"], manager_id=2**53 + 1), f"manager_id: {TOO_BIG}"),
        (of_enerflo(frst_name="Ana"), f"frst_name: {UNKNOWN}; did you mean first_name?"),
        (of_enerflo(phnoe=None), f"phnoe: {UNKNOWN}; did you mean phone?"),
        (of_enerflo(**{"Phone No": 5}), f"Phone No: {UNKNOWN}; did you mean phone?"),
        (of_enerflo(**{f"password:{SECRET}": None}), f"password…: {UNKNOWN}; did you mean password?"),
        (of_enerflo(colour="red"), f"colour: {UNKNOWN}"),
        (of_enerflo(office_id="7"), f"office_id: {SALES_REP}"),
        (of_nexudus(language="latin"), "language: must be a number or one of english_us, spanish, english_uk"),
        (of_tenovos(groups=["x", float("nan")]), "groups: item 1: must be text"),
        (of_tenovos(country=False), f"country: {A_FLAG}"),
        (of_tenovos(password="short"), "password: must have at least 8 characters"),
    ],
)
def test_a_problem_names_place_and_argument(declared: tuple[type[Vendor], dict[str, Any]], line: str) -> None:
    vendor, row = declared
    assert problems(vendor, Row(row, "team.yaml, line 7", "key")) == [f"team.yaml, line 7, key {line}"]


def test_a_member_of_a_program_is_named_by_its_index_and_email() -> None:
    assert problems(enerflo.VENDOR, ANA, BEN | {"phone": "1"}, {"roles": ["Setter"]}) == [
        "members[1] (ben@example.com), argument phone: must have ten digits, such as 555-555-5555",
        "members[2], argument email: is required",
    ]


@pytest.mark.usefixtures("a_program_runs")
def test_an_email_that_is_an_output_is_an_error() -> None:
    assert problems(enerflo.VENDOR, ANA | {"email": pulumi.Output.from_input("ana@example.com")}) == [
        "members[0], argument email: must be known when the program runs: it identifies the member"
    ]


def test_for_a_repeated_email_both_rows_are_named_in_any_case() -> None:
    rows = load("team.csv", "email,roles\nana@example.com,Setter\nben@example.com,Setter\n ANA@example.com,Setter\n")
    assert problems(enerflo.VENDOR, *rows) == [
        "team.csv, row 4, column email: ANA@example.com already appears in team.csv, row 2"
    ]
    rows = load("team.yaml", "[{email: a@b.c, roles: Setter}, {email: a@b.c, roles: Setter}]")
    assert problems(enerflo.VENDOR, *rows) == [
        "team.yaml, line 1, key email: a@b.c already appears in team.yaml, line 1"
    ]


def test_emails_that_differ_outside_ascii_are_two() -> None:
    members = [ANA | {"email": f"{name}@example.com"} for name in ("strasse", "straße", "\u017ftrasse")]
    assert typed_members(enerflo.VENDOR, members) == members
    composed, decomposed = ANA | {"email": "jos\u00e9@example.com"}, ANA | {"email": "jose\u0301@EXAMPLE.com"}
    again = problems(enerflo.VENDOR, composed, decomposed)
    assert "jos\u00e9@EXAMPLE.com already appears in members[0] (jos\u00e9@example.com)" in again[0]


def test_a_wrong_column_is_reported_once_and_first() -> None:
    rows = load("team.csv", "email,roels\na@b.c,Setter\nb@b.c,Setter\nc@b.c,\n")
    assert problems(enerflo.VENDOR, *rows) == [
        "team.csv, row 2, column roels: is not an argument; did you mean roles? (2 times)",
        "team.csv, row 2, column roles: is required",
        "team.csv, row 3, column roles: is required",
        "team.csv, row 4, column roles: is required",
    ]


def many(count: int) -> Iterable[Mapping[str, Any]]:
    return (ANA | {"email": f"{number}@b.c", "phone": SECRET} for number in range(count))


@pytest.mark.parametrize(
    ("count", "first", "last", "lines"),
    [
        (1, "members[0] (0@b.c), argument phone: must have", "members[0] (0@b.c), argument phone: must have", 1),
        (2, "2 problems with the members for Enerflo:", "  members[1] (1@b.c), argument phone: must have", 3),
        (20, "20 problems with the members for Enerflo:", "  members[19] (19@b.c), argument phone: must have", 21),
        (1234, "1,234 problems with the members for Enerflo:", "  and 1,214 more", 22),
    ],
)
def test_the_error_has_twenty_problems_and_the_number_of_others(count: int, first: str, last: str, lines: int) -> None:
    with pytest.raises(InvalidMembers) as caught:
        typed_members(enerflo.VENDOR, many(count))
    message = str(caught.value).splitlines()
    assert len(message) == lines
    assert message[0].startswith(first)
    assert message[-1].startswith(last)
    assert SECRET not in str(caught.value)


SUCH_AS = "such as [enerflo.UserArgs(email=...)]"
LIST = f"members: must be a list, {SUCH_AS}, and not"
LATER = f"members: must be known when the program runs: a list, {SUCH_AS}"
REP = enerflo.Account(roles=["Setter"])


@pytest.mark.usefixtures("a_program_runs")
@pytest.mark.parametrize(
    ("members", "line"),
    [
        ({"ana": ANA}, f"{LIST} of type dict"),
        ("ana@example.com", f"{LIST} of type str"),
        (None, f"{LIST} None"),
        (REP, f"{LIST} of type Account"),
        (["ana@example.com"], f"members[0]: must be a member's arguments, {SUCH_AS}, and not of type str"),
        ([ANA, REP, None], f"members[1]: must be a member's arguments, {SUCH_AS}, and not of type Account"),
        (lambda: pulumi.Output.from_input([ANA]), LATER),
        (lambda: [ANA, pulumi.Output.from_input(ANA)], LATER),
    ],
)
def test_members_of_a_wrong_type_are_one_line(members: Any, line: str) -> None:
    given = members() if callable(members) else members
    assert refusal(lambda: seatwise.Roster("sales", vendor=enerflo, members=given)) == f"sales: {line}"


@pytest.mark.parametrize("vendor", ["salesforce", "enerflo", json, None])
def test_a_team_of_an_unknown_vendor_is_one_line(vendor: Any) -> None:
    with pytest.raises(pulumi.RunError, match=r"sales: vendor must be a vendor's module, such as seatwise\.enerflo"):
        seatwise.Roster("sales", vendor=vendor, members=[])
