"""What `seatwise import` writes."""

import ast
from typing import Any

import pytest

from seatwise.core import state, takeover
from seatwise.core.vendor import Vendor
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
def test_an_account_is_declared_by_what_is_set_and_by_nothing_secret_or_passing(
    vendor: Vendor, record: dict[str, Any], declared: dict[str, Any]
) -> None:
    assert takeover.arguments(vendor, record) == declared


@pytest.mark.parametrize(("vendor", "record", "declared"), CASES)
def test_the_state_and_the_program_agree(vendor: Vendor, record: dict[str, Any], declared: dict[str, Any]) -> None:
    outs = takeover.state(vendor, record, declared)
    assert not state.diff(type(vendor), outs, declared, frozenset())
    assert outs["adopted"] is True


def test_the_program_says_the_same_however_odd_the_values() -> None:
    values = {
        "email": "ana@example.com",
        "last_name": 'O\'Brien "Bob" \\ 李\n',
        "roles": ["A" * 40, "B" * 40],
        "active": True,
    }
    tree = ast.parse(takeover.program("enerflo", [("ana@example.com", values)]))
    (call,) = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    assert [ast.literal_eval(argument) for argument in call.args] == ["ana@example.com"]
    assert {str(each.arg): ast.literal_eval(each.value) for each in call.keywords} == values


def test_resource_names_are_stable_and_differ() -> None:
    assert takeover.resource_names(["Ana@x.y", "ben@x.y", "ana@X.Y"]) == ["ana@x.y", "ben@x.y", "ana@x.y-2"]
