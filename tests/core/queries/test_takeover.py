"""The arguments, state and program that `seatwise import` writes."""

import ast
from collections.abc import Iterable
from typing import Any

import pytest

from seatwise.core.account import state
from seatwise.core.account.properties import Declared
from seatwise.core.queries import takeover
from seatwise.core.vendor.boundary import Record
from seatwise.core.vendor.fields import Problem, Values
from seatwise.core.vendor.secrets import Vault
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.enerflo import Settings as EnerfloSettings
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.nexudus import Settings as NexudusSettings
from seatwise.vendors.tenovos import Settings as TenovosSettings
from seatwise.vendors.tenovos import Tenovos

LOOPBACK = "http://127.0.0.1"
ENERFLO = Enerflo(EnerfloSettings(base_url=LOOPBACK, api_key="k"))  # type: ignore[arg-type]
NEXUDUS = Nexudus(NexudusSettings(base_url=LOOPBACK, token="t"))  # type: ignore[arg-type]
TENOVOS = Tenovos(
    TenovosSettings(base_url=LOOPBACK, api_key="k", client_id="c", username="u", password="p")  # type: ignore[arg-type]
)
CASES = [
    pytest.param(
        ENERFLO,
        {"id": 7, "email": "Ana@Example.com", "roles": ["agent", "office-admin"], "active": 1, "phone": "5550100001",
         "first_name": "Ana", "last_name": "", "name": "Ana", "company_id": 3, "external_user_id": None,
         "allow_optimus": False},
        {"email": "Ana@Example.com", "roles": ["Sales Rep", "Office Admin"], "active": True, "phone": "5550100001",
         "first_name": "Ana"},
        id="enerflo",
    ),
    pytest.param(
        NEXUDUS,
        {"Id": 7, "FullName": "Ana", "Email": "ana@example.com", "Language": 2, "UserRoles": [77], "ChatRooms": [],
         "IsAdmin": False, "Active": True, "LastAccess": "2026-01-01T00:00:00Z", "AccessToken": "secret",
         "InvalidLoginAttempts": 3, "CreatedOn": "2020-01-01T00:00:00Z"},
        {"full_name": "Ana", "email": "ana@example.com", "language": 2, "user_roles": [77], "active": True},
        id="nexudus",
    ),
    pytest.param(
        TENOVOS,
        {"userId": "u", "customerId": "1", "emailId": "ana@example.com", "firstName": "Ana", "lastName": "Ruiz",
         "roleId": "r", "status": "disabled", "groups": []},
        {"email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz", "user_role_id": "r",
         "status": "disabled"},
        id="tenovos",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("vendor", "record", "declared"), CASES)
def test_set_values_are_declared_except_secret_and_volatile_ones(
    vendor: Vendor, record: dict[str, Any], declared: dict[str, Any]
) -> None:
    assert takeover.arguments(vendor, record) == declared


@pytest.mark.parametrize(("vendor", "record", "declared"), CASES)
def test_the_state_and_the_program_agree(vendor: Vendor, record: dict[str, Any], declared: dict[str, Any]) -> None:
    outs = takeover.state(vendor, record, declared)
    assert not state.diff(type(vendor), outs, Declared.of(vendor.schema, declared), frozenset())
    assert outs.adopted is True


class Picky(Enerflo):
    """A vendor with a rule about two arguments."""

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        if "last_name" in given and "phone" not in given:
            yield Problem("last_name", "needs a phone")


PICKY = Picky(EnerfloSettings(base_url=LOOPBACK, api_key="k"))  # type: ignore[arg-type]
ANA_AT_ENERFLO = {"id": 7, "email": "ana@example.com", "roles": ["setter"], "last_name": "Ruiz"}
ANA_AT_TENOVOS = {"userId": "u", "emailId": "ana@example.com", "firstName": "Ana", "lastName": "Ruiz"}
ROLE_LACKS = 'can only be set with the role "Sales Rep": add the role or drop'


@pytest.mark.parametrize(("vendor", "record", "declared"), CASES)
def test_values_that_a_program_may_declare_are_declared(
    vendor: Vendor, record: dict[str, Any], declared: dict[str, Any]
) -> None:
    found = takeover.declarable(vendor, declared)
    assert (found.values, found.told(vendor, record)) == (declared, [])


@pytest.mark.parametrize(
    ("vendor", "record", "names", "told"),
    [
        pytest.param(
            ENERFLO, ANA_AT_ENERFLO | {"phone": "+44 20 7946 0958"}, ["email", "roles", "last_name"],
            ["phone must have ten digits, such as 555-555-5555"],
            id="a phone number from abroad",
        ),
        pytest.param(
            ENERFLO, ANA_AT_ENERFLO | {"office_id": 12, "manager_id": 3}, ["email", "roles", "last_name"],
            [f"manager_id {ROLE_LACKS} manager_id", f"office_id {ROLE_LACKS} office_id"],
            id="a rule about several arguments",
        ),
        pytest.param(
            PICKY, ANA_AT_ENERFLO | {"phone": "+44 20 7946 0958"}, ["email", "roles"],
            ["phone must have ten digits, such as 555-555-5555", "last_name needs a phone"],
            id="a value that needs one that is left out",
        ),
        pytest.param(
            TENOVOS, ANA_AT_TENOVOS | {"userName": "x" * 60}, ["email", "first_name", "last_name"],
            ["username must have at most 50 characters"],
            id="too long",
        ),
    ],
)  # fmt: skip
def test_without_undeclarable_values_the_next_preview_is_empty(
    vendor: Vendor, record: dict[str, Any], names: list[str], told: list[str]
) -> None:
    found = takeover.declarable(vendor, takeover.arguments(vendor, record))
    assert found.values is not None
    assert sorted(found.values) == sorted(names)
    about = f"{vendor.title} ana@example.com ({vendor.parse_id(record)})"
    assert found.told(vendor, record) == [f"{about}: left out of the program: {text}" for text in told]

    outs = takeover.state(vendor, record, found.values)
    inputs, problems = state.check(type(vendor), found.values, found.values, frozenset(), Vault())
    assert problems == []
    assert not state.diff(type(vendor), outs, Declared.of(vendor.schema, inputs), frozenset())


@pytest.mark.parametrize(
    ("vendor", "record", "told"),
    [
        pytest.param(
            NEXUDUS, {"Id": 7, "Email": "ana@example.com", "FullName": "", "Language": 2},
            "Nexudus ana@example.com (7): not adopted: full_name is required. "
            'Correct it at Nexudus and import it, or declare it by hand with on_existing="adopt"',
            id="empty",
        ),
        pytest.param(
            TENOVOS, ANA_AT_TENOVOS | {"lastName": "", "firstName": "x" * 51, "userName": "x" * 60},
            "Tenovos ana@example.com (u): not adopted: first_name must have at most 50 characters; "
            "last_name is required. "
            'Correct it at Tenovos and import it, or declare it by hand with on_existing="adopt"',
            id="several, and optional ones beside them",
        ),
        pytest.param(
            ENERFLO, ANA_AT_ENERFLO | {"email": "ana"},
            "Enerflo ana (7): not adopted: email is not an e-mail address. "
            'Correct it at Enerflo and import it, or declare it by hand with on_existing="adopt"',
            id="unfit",
        ),
    ],
)  # fmt: skip
def test_an_account_that_no_program_can_declare_is_not_adopted(
    vendor: Vendor, record: dict[str, Any], told: str
) -> None:
    found = takeover.declarable(vendor, takeover.arguments(vendor, record))
    assert (found.values, found.told(vendor, record)) == (None, [told])


def test_the_program_has_the_same_values_even_unusual_ones() -> None:
    values = {
        "email": "ana@example.com",
        "last_name": 'O\'Brien "Bob" \\ 李\n',
        "roles": ["A" * 40, "B" * 40],
        "active": True,
    }
    tree = ast.parse(takeover.program(ENERFLO, [("ana@example.com", values)]))
    (call,) = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    assert [ast.literal_eval(argument) for argument in call.args] == ["ana@example.com"]
    assert {str(each.arg): ast.literal_eval(each.value) for each in call.keywords} == values


def test_resource_names_are_stable_and_unique() -> None:
    assert takeover.resource_names(["Ana@x.y", "ben@x.y", "ana@X.Y"]) == ["ana@x.y", "ben@x.y", "ana@x.y-2"]


@pytest.mark.parametrize(
    "text", ["a\x1b[31m", "\x07", "\u202eab", "a\u200bb", "a\nb", "\u2028", "both \" and ' \x85", "é 😀"]
)
def test_a_program_contains_only_printable_characters(text: str) -> None:
    program = takeover.program(ENERFLO, [(f"{text}@example.com", {"first_name": text, "roles": [text]})])
    assert all(map(str.isprintable, program.splitlines()))
    (call,) = [each for each in ast.walk(ast.parse(program)) if isinstance(each, ast.Call)]
    said = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    assert (ast.literal_eval(call.args[0]), said) == (f"{text}@example.com", {"first_name": text, "roles": [text]})


def test_a_policy_is_declared_and_is_no_value_of_the_account() -> None:
    """The preview after the import is empty then."""
    record: Record = {"id": 7, "email": "ana@example.com", "roles": ["Setter"], "active": 1}
    values = {"email": "ana@example.com", "roles": ["Setter"], "on_destroy": "deactivate"}
    imported = takeover.state(ENERFLO, record, values)
    assert not state.diff(Enerflo, imported, Declared.of(Enerflo.schema, values), frozenset())
    assert imported.on_destroy == "deactivate"
    assert "on_destroy" not in imported.values
