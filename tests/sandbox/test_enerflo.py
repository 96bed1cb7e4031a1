"""Enerflo's stand-in, over real HTTP."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from httpx import Client

from conftest import Sandbox
from sandbox.conftest import ENERFLO_KEY, NEW

USERS, CREATE, OFFICES = "/api/v3/users", "/api/v1/users", "/api/v3/offices"
ANA: Final[dict[str, Any]] = NEW | {"roles": ["Sales Rep"]}


@pytest.fixture
def enerflo(sandbox: Sandbox) -> Iterator[Client]:
    """A client with the key."""
    with Client(base_url=f"{sandbox.url}/enerflo", headers=ENERFLO_KEY, trust_env=False) as client:
        yield client


def made(enerflo: Client, **fields: Any) -> int:
    """The id of a new user."""
    return int(enerflo.post(CREATE, json=ANA | fields).raise_for_status().json()["user"]["id"])


def changed(enerflo: Client, number: int | str, **fields: Any) -> httpx.Response:
    """The answer to an update."""
    return enerflo.put(USERS, json={"id": number, **fields})


def shown(enerflo: Client, number: int) -> dict[str, Any]:
    """The user as it is read."""
    return dict(enerflo.get(f"{USERS}/{number}").raise_for_status().json()["data"])


# --- the key ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [("POST", CREATE), ("PUT", USERS), ("GET", USERS), ("GET", f"{USERS}/1001"), ("GET", OFFICES)]
)
def test_every_request_needs_the_key(http: Client, method: str, path: str) -> None:
    for headers in ({}, {"api-key": "other"}, {"x-api-key": ENERFLO_KEY["api-key"]}):
        assert http.request(method, f"/enerflo{path}", headers=headers, json=ANA).status_code == 401, headers


# --- create -----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["email", "roles", "notify_email", "allow_optimus"])
def test_a_create_needs_its_required_fields(enerflo: Client, field: str) -> None:
    answer = enerflo.post(CREATE, json={name: value for name, value in ANA.items() if name != field})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ana"), ("roles", "Sales Rep"), ("roles", ["agent"]), ("roles", ["sales rep"]),
        ("notify_email", "false"), ("allow_optimus", 0), ("office_id", 12), ("manager_id", "7"),
        ("phone", 5555555555), ("phone", "555-5555"), ("office_ids", [12]), ("active", True), ("firstName", "Ana"),
    ],
)  # fmt: skip
def test_a_create_refuses_wrong_types_values_and_names(enerflo: Client, field: str, value: object) -> None:
    answer = enerflo.post(CREATE, json=ANA | {field: value})
    assert answer.status_code == 400
    assert field in next(iter(answer.json()["errors"]))
    assert enerflo.get(USERS).json()["results"] == []


@pytest.mark.parametrize(("field", "value"), [("manager_id", 7), ("office_id", "12")])
def test_only_a_sales_rep_is_created_with_a_manager_or_an_office(enerflo: Client, field: str, value: object) -> None:
    assert enerflo.post(CREATE, json=ANA | {"roles": ["Setter"], field: value}).status_code == 400
    assert enerflo.post(CREATE, json=ANA | {field: value}).status_code == 200


@pytest.mark.parametrize(
    ("switch", "path"), [("user", ["user", "id"]), ("data", ["data", "id"]), ("bare", ["id"]), ("none", None)]
)
def test_the_switch_sets_where_the_id_of_a_new_user_is(
    sandbox: Sandbox, enerflo: Client, switch: str, path: list[str] | None
) -> None:
    sandbox.switch(enerflo_reply=switch)
    body = enerflo.post(CREATE, json=ANA).json()
    assert body["success"] is True
    if path is None:
        assert list(body) == ["success"]
        return
    for key in path:
        body = body[key]
    assert body == sandbox.only("enerflo")["id"]


# --- read -------------------------------------------------------------------------------------


def test_role_names_go_in_and_slugs_come_out(enerflo: Client) -> None:
    number = made(enerflo, roles=["Sales Rep", "Regional Manager"])
    assert shown(enerflo, number)["roles"] == ["agent", "regional"]
    changed(enerflo, number, roles=["Super Admin"])
    assert shown(enerflo, number)["roles"] == ["supercompany"]


@pytest.mark.parametrize("phone", ["555-010-0001", "5550100001", "(555) 010-0001"])
def test_a_phone_comes_out_as_ten_digits(enerflo: Client, phone: str) -> None:
    first = made(enerflo, phone=phone)
    second = made(enerflo, email="ben@example.com")
    changed(enerflo, second, phone=phone)
    assert [shown(enerflo, number)["phone"] for number in (first, second)] == ["5550100001"] * 2


def test_active_is_one_or_zero_and_both_are_listed(enerflo: Client) -> None:
    number = made(enerflo)
    seen = [shown(enerflo, number)["active"]]
    for active in (False, True):
        changed(enerflo, number, active=active)
        seen.append(shown(enerflo, number)["active"])
        assert [user["id"] for user in enerflo.get(USERS).json()["results"]] == [number]
    assert seen == [1, 0, 1]
    assert not any(isinstance(value, bool) for value in seen)


def test_what_only_a_create_takes_is_partly_readable(enerflo: Client) -> None:
    number = made(enerflo, password="pw", timezone="Asia/Manila", external_user_id="x7", allow_optimus=True)
    user = shown(enerflo, number)
    assert (user["timezone"], user["external_user_id"], user["meta"]["allow_optimus"]) == ("Asia/Manila", "x7", True)
    assert not user.keys() & {"password", "notify_email", "office_ids", "can_reassign_leads", "manager_email"}


def test_an_unknown_id_is_not_there(enerflo: Client) -> None:
    assert enerflo.get(f"{USERS}/4711").status_code == 404
    assert changed(enerflo, 4711, active=False).status_code == 404


@pytest.mark.parametrize(
    ("query", "size", "page", "pages"),
    [
        ("", 25, 1, 9),
        ("?pageSize=100&page=3", 5, 3, 3),
        ("?pageSize=100&page=4", 0, 4, 3),
        ("?pageSize=1000", 200, 1, 2),
    ],
)
def test_the_list_comes_in_pages(crowded: Client, query: str, size: int, page: int, pages: int) -> None:
    body = crowded.get(f"/enerflo{USERS}{query}", headers=ENERFLO_KEY).json()
    assert (len(body["results"]), body["page"], body["totalPages"], body["success"]) == (size, page, pages, True)


# --- update -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [int, str])
def test_an_update_changes_what_it_names_and_keeps_the_rest(
    sandbox: Sandbox, enerflo: Client, kind: type[int | str]
) -> None:
    """The id is in the body, as a number or as text."""
    number = made(enerflo, first_name="Ana", phone="5550100001", timezone="Asia/Manila")
    before = sandbox.only("enerflo")
    answer = changed(enerflo, kind(number), first_name="Anna", office_ids=[12, 13])
    assert answer.json() == {"success": True}
    assert sandbox.only("enerflo") == before | {"first_name": "Anna", "office_ids": [12, 13]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("active", 0), ("office_ids", ["12"]), ("roles", ["agent"]), ("phone", "1"), ("email", "ana"),
        ("password", "pw"), ("timezone", "Asia/Manila"), ("manager_id", 7),
        ("email", None), ("roles", None), ("active", None),
    ],
)  # fmt: skip
def test_an_update_refuses_wrong_types_values_and_names(
    sandbox: Sandbox, enerflo: Client, field: str, value: object
) -> None:
    number = made(enerflo)
    before = sandbox.only("enerflo")
    answer = changed(enerflo, number, **{field: value})
    assert answer.status_code == 400
    assert field in next(iter(answer.json()["errors"]))
    assert sandbox.only("enerflo") == before


def test_an_update_needs_the_id(enerflo: Client) -> None:
    assert list(enerflo.put(USERS, json={"active": False}).json()["errors"]) == ["id"]


# --- e-mails ----------------------------------------------------------------------------------

TAKEN = {"message": "The email has already been taken.", "errors": {"email": ["The email has already been taken."]}}


def test_an_email_is_taken_in_any_spelling(enerflo: Client) -> None:
    made(enerflo)
    other = made(enerflo, email="ben@example.com")
    for answer in (
        enerflo.post(CREATE, json=ANA | {"email": "ANA@Example.com"}),
        changed(enerflo, other, email="Ana@example.com"),
    ):
        assert (answer.status_code, answer.json()) == (400, TAKEN)


def test_email_and_id_of_a_deleted_user_stay_reserved(sandbox: Sandbox, enerflo: Client) -> None:
    first = made(enerflo)
    sandbox.remove("enerflo", str(first))
    assert enerflo.get(USERS).json()["results"] == []
    assert enerflo.post(CREATE, json=ANA).json() == TAKEN
    assert made(enerflo, email="ben@example.com") > first


def test_an_email_that_was_given_up_is_free(enerflo: Client) -> None:
    changed(enerflo, made(enerflo), email="anna@example.com")
    assert enerflo.post(CREATE, json=ANA).status_code == 200


def test_delete_is_not_offered(enerflo: Client) -> None:
    assert enerflo.delete(f"{USERS}/{made(enerflo)}").status_code == 405


# --- offices ----------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["office_", ""])
def test_the_switch_sets_the_key_names_of_offices(sandbox: Sandbox, enerflo: Client, prefix: str) -> None:
    sandbox.switch(enerflo_office_keys=f"{prefix}id")
    body = enerflo.get(OFFICES).raise_for_status().json()
    assert body["results"][0] == {f"{prefix}id": 12, f"{prefix}name": "Denver"}
    assert (body["page"], body["totalPages"]) == (1, 1)
