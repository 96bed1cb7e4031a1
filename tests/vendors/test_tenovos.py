"""Tenovos: requests built, answers read."""

from typing import Any

import pytest
from pydantic import SecretStr

from seatwise.core.vendor import errors
from seatwise.core.vendor.http import Answer, Effect, Request
from seatwise.core.vendor.vendor import Listing
from seatwise.vendors.tenovos import VENDOR, Settings
from vendors.conftest import answer

LOGIN: dict[str, Any] = {"username": "ops", "password": SecretStr("pass-1"), "api_key": SecretStr("key-1")}
V1 = VENDOR(Settings(base_url="https://tenovos.example/v1", client_id="client-1", **LOGIN))
V1_5 = VENDOR(Settings(base_url="https://tenovos.example/v1", api_version="1.5", **LOGIN))
SCHEMA = V1.schema
ROLE = "7d5620e0-f423-11e9-8071-89c0c4052141"
GROUP = "7d6207c0-f423-11e9-8071-89c0c4052141"


# --- requests ---------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "email": "ana@example.com", "username": "ana", "first_name": "Ana", "last_name": "Ruiz", "friendly_name": "Ana R.",
    "user_role_id": ROLE, "user_role_name": "End user", "groups": [GROUP], "company": "Example Inc.", "country": "USA",
    "contact": "555 010 0001", "phone": "(555) 010-0002", "status": "disabled", "account_type": "local",
    "password": "pass word", "on_existing": "adopt", "on_destroy": "retain",
}  # fmt: skip


def test_every_documented_field_can_be_set() -> None:
    assert {each.name for each in SCHEMA.arguments()} <= EVERYTHING.keys()
    assert SCHEMA.check(EVERYTHING, frozenset()) == (EVERYTHING, [])


def test_a_create_posts_all_documented_fields_partly_nested() -> None:
    body = {
        "firstName": "Ana", "lastName": "Ruiz", "friendlyName": "Ana R.", "email": "ana@example.com", "username": "ana",
        "password": "pass word", "accountType": "local", "userRoleId": ROLE, "groups": [GROUP],
        "customAttributes": {
            "country": "USA", "company": "Example Inc.", "phone": "(555) 010-0002", "contact": "555 010 0001",
        },
    }  # fmt: skip
    assert V1.request_create(EVERYTHING) == Request("POST", "/user", Effect.CREATE, json=body)


def test_an_update_patches_all_documented_fields_flat() -> None:
    body = {
        "firstName": "Ana", "lastName": "Ruiz", "friendlyName": "Ana R.", "email": "ana@example.com",
        "company": "Example Inc.", "country": "USA", "contact": 5550100001, "phone": 5550100002,
        "userRoleId": ROLE, "userRoleName": "End user", "groups": [GROUP], "status": "disabled",
    }  # fmt: skip
    assert V1.request_update("u-1", EVERYTHING, None) == Request("PATCH", "/user/u-1", Effect.REPEATABLE, json=body)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("+1 (555) 010-0001", 15550100001),
        ("0155", 155),
        ("Front desk", "Front desk"),
        ("555-0100 ext. 7", "555-0100 ext. 7"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_an_update_sends_digits_as_a_number_and_other_text_as_is(text: str, sent: int | str) -> None:
    assert V1.request_update("u-1", {"phone": text}, None).json == {"phone": sent}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (V1.request_read("u-1"), Request("GET", "/user/u-1")),
        (V1.request_read("../group"), Request("GET", "/user/..%2Fgroup")),
        (V1.request_update("a/b", {}, None), Request("PATCH", "/user/a%2Fb", Effect.REPEATABLE, json={})),
        (V1.request_page("ana+1@example.com", 1), Request("GET", "/user/search/ana%2B1%40example.com")),
        (
            V1_5.request_page("ana@example.com", 3),
            Request("GET", "/user/search/ana%40example.com", query={"from": 200, "limit": 100}),
        ),
    ],
)
def test_an_account_is_asked_for(request_: Request, expected: Request) -> None:
    assert request_ == expected


# --- login ------------------------------------------------------------------------------------


def test_a_login_sends_user_name_password_client_and_key() -> None:
    who = {"username": "ops", "password": "pass-1"}
    headers = {"X-API-Key": "key-1"}
    assert V1.token() is None
    assert V1.request_login(None) == Request(
        "POST", "/auth/token", Effect.LOGIN, headers=headers, json={"clientId": "client-1"} | who
    )
    assert V1_5.request_login(None) == Request("POST", "/auth/token", Effect.LOGIN, headers=headers, json=who)


SESSION = {"authorization": "id-1", "accessToken": "a-1", "refreshToken": "r-1", "expireEpoch": 1800000000500}


@pytest.mark.parametrize(
    ("vendor", "headers"),
    [
        (V1, {"X-API-Key": "key-1", "Authorization": "id-1", "AccessToken": "a-1"}),
        (V1_5, {"X-API-Key": "key-1", "Authorization": "id-1"}),
    ],
)
def test_a_session_gives_the_headers_of_every_request(vendor: Any, headers: dict[str, str]) -> None:
    token = vendor.parse_token(answer({"clientId": "client-1", "session": SESSION}))
    assert token.headers == headers
    assert token.expires_at == 1800000000.5


def test_a_session_is_refreshed_with_its_tokens_or_not_at_all() -> None:
    refresh = V1.parse_token(answer({"session": SESSION})).refresh
    assert V1.request_login(refresh).json == {"session": {"accessToken": "a-1", "refreshToken": "r-1"}}
    token = V1.parse_token(answer({"session": {"authorization": "id-1", "accessToken": "a-1"}}))
    assert (token.refresh, token.expires_at) == (None, None)


# --- answers ----------------------------------------------------------------------------------


def test_the_answer_to_a_create_holds_no_id_unless_it_does() -> None:
    assert V1.parse_created_id(answer({"roleId": ROLE, "status": "success"})) is None
    assert V1.parse_created_id(answer({"userId": "u-1", "status": "success"})) == "u-1"


def test_a_record_is_read_by_the_names_it_is_read_with() -> None:
    """The names of a create or an update are not read."""
    in_1_0 = {
        "userId": "u-1", "customerId": "1", "emailId": "ana@example.com", "firstName": "Ana", "lastName": "Ruiz",
        "roleId": ROLE, "status": "enabled", "groups": [GROUP],
    }  # fmt: skip
    in_1_5 = {"userName": "ana", "friendlyName": "Ana R.", "company": "Sol", "contact": "Bo", "phone": 5550100001}
    sent = {"email": "no", "username": "no", "userRoleName": "no", "password": "no"}
    record = V1.parse_record(answer({**in_1_0, **in_1_5, "country": "USA", **sent}))
    assert record is not None
    assert V1.parse_id(record) == "u-1"
    assert SCHEMA.parse(record) == {
        "customer_id": "1", "email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz", "user_role_id": ROLE,
        "status": "enabled", "groups": [GROUP], "username": "ana", "friendly_name": "Ana R.", "company": "Sol",
        "contact": "Bo", "phone": "5550100001", "country": "USA",
    }  # fmt: skip


def test_an_answer_without_an_account_has_no_record() -> None:
    assert V1.parse_record(answer({"status": "success", "message": "User Profile update was successful"})) is None


USER = {"userId": "u"}


@pytest.mark.parametrize(
    ("vendor", "body", "listing"),
    [
        pytest.param(V1, {"data": [USER, None]}, Listing([USER, {}]), id="1.0"),
        pytest.param(V1, {"data": [USER] * 100}, Listing([USER] * 100), id="1.0 has one page"),
        pytest.param(V1_5, {"data": [USER], "count": 1}, Listing([USER]), id="1.5: a count"),
        pytest.param(V1_5, {"data": [USER], "count": 301}, Listing([USER], False, 4, 301), id="1.5: all"),
        pytest.param(V1_5, {"data": [USER] * 99}, Listing([USER] * 99), id="1.5: short page"),
        pytest.param(V1_5, {"data": [USER] * 100}, Listing([USER] * 100, more=True), id="1.5: full page"),
        pytest.param(V1, {"status": "success"}, None, id="no data"),
        pytest.param(V1, [USER], None, id="no envelope"),
    ],
)
def test_a_search_tells_whether_another_page_follows(vendor: Any, body: Any, listing: Listing | None) -> None:
    assert vendor.parse_page(answer(body)) == listing


def test_a_failure_can_come_with_status_200() -> None:
    assert not V1.is_success(answer({"status": "error", "message": "No."}))
    assert V1.is_success(answer({"status": "success"}))


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        pytest.param(answer({"message": "User not found"}, 403), True, id="403 User not found"),
        pytest.param(answer({"message": "Forbidden"}, 403), False, id="403 Forbidden"),
        pytest.param(answer({"message": "Group: User not found here"}, 403), False, id="403 with other words"),
        pytest.param(Answer(403), False, id="403 without words"),
        pytest.param(answer({"message": "User not found"}), False, id="200"),
        pytest.param(answer({"message": "Not Found"}, 404), False, id="404: a wrong path"),
        pytest.param(answer({"message": "User not found"}, 502), False, id="502"),
    ],
)
def test_only_a_certain_answer_means_that_an_account_is_missing(said: Answer, missing: bool) -> None:
    assert V1.is_missing(said) is missing


@pytest.mark.parametrize(
    ("operation", "status", "message", "kind"),
    [
        ("update", 403, "User not found", errors.NoSuchAccount),
        ("update", 403, "Forbidden", errors.NotAuthorised),
        ("update", 401, "Unauthorized", errors.NotAuthorised),
        ("update", 400, "Bad Request: ...", errors.InvalidField),
        ("update", 400, "Bad Request: User is already part of this group.", errors.InvalidField),
        ("create", 400, "Username already exists", errors.AccountExists),
        ("create", 409, "", errors.AccountExists),
    ],
)
def test_a_refusal_is_an_error_of_the_right_class(
    operation: str, status: int, message: str, kind: type[errors.Refused]
) -> None:
    assert type(V1.refusal(answer({"message": message}, status), operation, "u-1")) is kind


END_USER = {"user_role_name": "End user"}


@pytest.mark.parametrize(
    ("before", "role", "is_kept"),
    [
        ({}, "r1", True),
        ({"user_role_id": "r1"}, "r2", True),  # the name was written
        (END_USER | {"user_role_id": "r1"}, "r1", True),
        (END_USER | {"user_role_id": "r1"}, "r2", False),
    ],
)
def test_the_name_of_a_role_is_kept_until_its_id_changes(before: dict[str, Any], role: str, is_kept: bool) -> None:
    name = END_USER
    outs = V1.reconcile_outputs({"user_role_id": role, **name}, name, before)
    assert outs == {"user_role_id": role} | (name if is_kept else {})


# --- rules ------------------------------------------------------------------------------------


def test_a_role_is_named_by_its_id_or_its_name() -> None:
    by_id, by_name = "user_role_id", "user_role_name"
    assert [problem.field for problem in V1.rules({}, frozenset({by_id, by_name}))] == [by_name]
    assert [*V1.rules({}, frozenset({by_id})), *V1.rules({}, frozenset({by_name}))] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "a@b.c"), ("email", "a" * 65 + "@example.com"), ("username", ""), ("first_name", "x" * 51),
        ("password", "short"), ("password", "x" * 151), ("status", "Enabled"), ("account_type", "remote"),
    ],
)  # fmt: skip
def test_documented_sizes_and_choices_are_checked(field: str, value: str) -> None:
    fit = {name: EVERYTHING[name] for name in ("email", "username", "first_name", "last_name")}
    _, problems = SCHEMA.check(fit | {field: value}, frozenset())
    assert [problem.field for problem in problems] == [field]
