"""People from files: valid ones, and the messages for invalid ones."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

import seatwise
from conftest import refusal
from seatwise.core.vendor.errors import InvalidPeople
from seatwise.files.people import load
from seatwise.vendors import enerflo, nexudus, tenovos

SECRET = "hunter2hunter2"
pytestmark = pytest.mark.usefixtures("empty_folder")
HEADER = "name,email,first_name,phone,active,expires,enerflo.roles,enerflo.office_ids,nexudus.language,tenovos\n"
ANA = "ana,ana@example.com, Ana ,5550100001,yes,2027-01-31,Setter; Sales Rep,12;14,spanish,yes\n"
IN_YAML = """
- name: ana
  email: ana@example.com
  first_name: Ana
  phone: 5550100001
  active: yes
  expires: 2027-01-31
  accounts:
    enerflo: {roles: [Setter, Sales Rep], office_ids: [12, 14]}
    nexudus: {language: spanish}
    tenovos:
"""


def people(name: str, content: str) -> list[Any]:
    Path(name).write_text(content)
    return load(name)


def problems(name: str, content: str) -> list[str]:
    with pytest.raises(InvalidPeople) as caught:
        people(name, content)
    return [*caught.value.problems]


@pytest.mark.parametrize(("name", "content"), [("people.csv", HEADER + ANA), ("people.yaml", IN_YAML)])
def test_a_person_is_the_same_in_csv_and_yaml(name: str, content: str) -> None:
    (ana,) = people(name, content)
    accounts = ana.pop("accounts")
    assert ana == {
        "resource_name": "ana", "email": "ana@example.com", "first_name": "Ana", "phone": "5550100001",
        "active": True, "expires": "2027-01-31",
    }  # fmt: skip
    assert [(type(account), account.args) for account in accounts] == [
        (enerflo.Account, {"roles": ["Setter", "Sales Rep"], "office_ids": [12, 14]}),
        (nexudus.Account, {"language": 2}),
        (tenovos.Account, {}),
    ]


@pytest.mark.parametrize(
    ("cells", "vendors"),
    [
        (",,,", []),
        ("Setter,,,", [enerflo.Account]),
        (",,,yes", [tenovos.Account]),
        ("Setter,,2,no", [enerflo.Account, nexudus.Account]),
    ],
)
def test_a_person_has_an_account_where_a_cell_is_not_empty(cells: str, vendors: list[type]) -> None:
    (ana,) = people("people.csv", HEADER + f"ana,ana@example.com,,,,,{cells}\n")
    assert [type(account) for account in ana["accounts"]] == vendors


def test_a_no_overrides_arguments() -> None:
    (ana,) = people("people.csv", "name,email,enerflo,enerflo.roles\nana,ana@example.com,no,Setter\n")
    assert ana["accounts"] == []


def test_people_may_share_accounts_in_yaml() -> None:
    ana, ben = people(
        "people.yaml",
        "- name: ana\n  email: ana@example.com\n  accounts: &staff {enerflo: {roles: [Setter]}}\n"
        "- name: ben\n  email: ben@example.com\n  accounts: {<<: *staff, tenovos: {country: US}}\n"
        "- name: eva\n  email: eva@example.com\n  accounts: *staff\n",
    )[:2]
    assert [type(account) for account in ben["accounts"]] == [enerflo.Account, tenovos.Account]
    assert ana["accounts"][0].args == ben["accounts"][0].args


def test_required_arguments_may_be_added_by_the_program() -> None:
    (ana,) = people(
        "people.yaml", "- {name: ana, email: a@b.example, accounts: {nexudus: , enerflo: {phone: 5550100001}}}"
    )
    assert len(ana["accounts"]) == 2


TEN_DIGITS = "must have ten digits, such as 555-555-5555"
ANA_IN_YAML = "- name: ana\n  email: ana@b.c\n"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (
            "email,first_name\nana@example.com,Ana\n",
            ["row 1: must be a header of column names with `name` and `email`, separated by commas"],
        ),
        (
            "name,email,enerflo.rols,enerflo.phone\nana,ana@example.com,Setter,\nben,,Setter,1\nAna,x,Setter,\n",
            [
                "row 2, column enerflo.rols: is not an argument; did you mean enerflo.roles? (3 times)",
                "row 3, column email: is required",
                f"row 3, column enerflo.phone: {TEN_DIGITS}",
                "row 4, column email: is not an e-mail address",
                "row 4, column name: Ana already appears in people.csv, row 2",
            ],
        ),
        (
            "name,email,phone,active,expires,tenovos,enerflo\nana,ana@example.com,1,soon,2027-02-30,ja,yes\n",
            [
                "row 2, column tenovos: must be yes or no",
                "row 2, column active: must be true or false",
                "row 2, column expires: must be a date such as 2027-01-31, the last day of the accounts",
                f"row 2, column phone: {TEN_DIGITS} (Enerflo)",
            ],
        ),
        (
            f"name,email,tenovos.password\nana,ana@example.com,{SECRET}\nben,ANA@example.com,x\n",
            [
                "row 3, column tenovos.password: must have at least 8 characters",
                "row 3, column email: ANA@example.com already appears in people.csv, row 2",
            ],
        ),
    ],
)
def test_each_problem_in_csv_has_its_row_and_column(content: str, lines: list[str]) -> None:
    assert problems("people.csv", content) == [f"people.csv, {line}" for line in lines]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("name: ana\n", [": must be a list of people, each beginning like `- name: ana`"]),
        ("- ana\n", [", line 1: must be a person's arguments, such as `name: ana`"]),
        (f"{ANA_IN_YAML}  accounts:\n    enerflo: {{phone: 1, phone: 2}}\n", [", line 4: key phone appears twice"]),
        (
            f"{ANA_IN_YAML}  accounts: [enerflo]\n",
            [
                ", line 1, key accounts: must have each vendor's name with its arguments, "
                "such as `accounts: {vendor: {argument: value}}`"
            ],
        ),
        (
            f"{ANA_IN_YAML}  accounts: {{enerflow: {{roles: []}}, tenovos: {{country: no}}}}\n",
            [
                ", line 1, key enerflow: is not an argument; did you mean enerflo?",
                ", line 1, key enerflow.roles: is not an argument; did you mean enerflo.roles?",
                ", line 1, key tenovos.country: must be text; "
                "put a word that YAML reads as a flag (yes, no, on, off) between quotes",
            ],
        ),
    ],
)
def test_each_problem_in_yaml_has_its_line_and_key(content: str, lines: list[str]) -> None:
    assert problems("people.yaml", content) == [f"people.yaml{line}" for line in lines]


def test_people_are_read_from_csv_and_yaml_only() -> None:
    assert problems("people.json", "") == ["people.json: people are read from files that end in .csv, .yaml, .yml"]


@pytest.mark.parametrize("read", [seatwise.people, seatwise.load_members])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (5, "must be text, and is int"),
        (None, "must be text, and is NoneType"),
        (["people.csv"], "must be text, and is list"),
        (b"people.csv", "must be text, and is bytes"),
        ("a\0.csv", "a .csv: cannot be the path of a file"),
        ("a\ud800.csv", "a .csv: cannot be "),
    ],
)
def test_an_invalid_path_is_one_line(read: Any, path: Any, problem: str) -> None:
    line = refusal(lambda: read(path))
    assert problem in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("flat", "accounts", "name"),
    [
        ("enerflo: no", "{enerflo: {phone: 5550100001}}", "enerflo"),
        ("enerflo: no", "{enerflo: }", "enerflo"),
        ("enerflo: yes", "{enerflo: no}", "enerflo"),
        ("enerflo.roles: [Setter]", "{enerflo: {roles: [Agent]}}", "enerflo.roles"),
        ("enerflo.password: hunter2hunter2", "{enerflo: {password: hunter3hunter3}}", "enerflo.password"),
    ],
)
def test_two_values_for_one_argument_are_an_error(flat: str, accounts: str, name: str) -> None:
    row = f"{ANA_IN_YAML}  {flat}\n  accounts: {accounts}\n"
    reason = "has two values, one here and one under accounts; give it once"
    assert problems("people.yaml", row) == [f"people.yaml, line 1, key {name}: {reason}"]


@pytest.mark.parametrize(
    ("flat", "password"),
    [
        ("enerflo: yes", ""), ("enerflo:", ""), ("enerflo.roles: [Setter]", ""), ("enerflo.roles:", ""),
        ("", "password: "), ("", "password: &first"), ("", "password: null"), ("", "password: ~"),
    ],
)  # fmt: skip
def test_a_key_without_a_value_or_given_twice_alike_is_accepted(flat: str, password: str) -> None:
    (ana,) = people(
        "people.yaml", f"{ANA_IN_YAML}  {flat}\n  accounts: {{enerflo: {{roles: [Setter], {password} }}}}\n"
    )
    assert [each.args for each in ana["accounts"]] == [{"roles": ["Setter"]}]


def test_an_invalid_file_ends_the_program_without_a_traceback() -> None:
    Path("people.csv").write_text("name,email\nana,x\nben,y\n")
    assert refusal(lambda: seatwise.people("people.csv")).splitlines() == [
        "2 problems with the people:",
        "  people.csv, row 2, column email: is not an e-mail address",
        "  people.csv, row 3, column email: is not an e-mail address",
    ]


def test_a_vendor_without_accounts_for_people_has_no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(enerflo, "Account")
    assert problems("people.csv", "name,email,enerflo.roles\nana,ana@example.com,Setter\n") == [
        "people.csv, row 2, column enerflo.roles: is not an argument"
    ]


def test_the_files_in_the_documentation_are_read() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "people.md").read_text()
    blocks = re.findall(r"(?:^    .*\n)+", page, re.M)
    csv, yaml = (
        next(each for each in blocks if textwrap.dedent(each).startswith(first)) for first in ("name,", "- name:")
    )
    ana, dan = people("people.csv", textwrap.dedent(csv))
    (again,) = people("people.yaml", textwrap.dedent(yaml))
    assert [type(account) for account in dan["accounts"]] == [enerflo.Account, tenovos.Account]
    assert [account.args for account in again["accounts"]] == [account.args for account in ana["accounts"]]
    assert {**again, "accounts": None} == {**ana, "accounts": None}
