"""Tenovos' stand-in, API 1.0 and 1.5, over real HTTP."""

import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest
from httpx import Client

from conftest import Sandbox
from sandbox.conftest import TENOVOS_KEY, TENOVOS_LOGIN, logged_in

END_USER, LIBRARIAN = (f"7d5620e{number}-f423-11e9-8071-89c0c4052141" for number in (0, 1))
EVERYONE, MARKETING = (f"7d6207c{number}-f423-11e9-8071-89c0c4052141" for number in (0, 1))
NOBODY = "00000000-0000-4000-8000-000000000000"
ANA: Final[dict[str, Any]] = {
    "firstName": "Ana", "lastName": "Ruiz", "friendlyName": "Anita", "email": "ana@example.com", "username": "ana",
    "accountType": "local", "userRoleId": END_USER, "groups": [EVERYONE],
    "customAttributes": {"country": "Chile", "company": "Sol", "phone": "555 0100", "contact": "Ben"},
}  # fmt: skip
NARROW = {"userId", "customerId", "emailId", "firstName", "lastName", "roleId", "status", "groups"}
WIDE = NARROW | {"userName", "phone", "contact", "country", "company", "friendlyName"}


def session_of(client: Client) -> dict[str, Any]:
    """A new session."""
    return dict(client.post("/auth/token", json=TENOVOS_LOGIN).raise_for_status().json()["session"])


def use(client: Client, session: dict[str, Any]) -> None:
    """Send this session's tokens from now on."""
    client.headers.update({"Authorization": session["authorization"], "AccessToken": session["accessToken"]})


@pytest.fixture
def stranger(sandbox: Sandbox) -> Iterator[Client]:
    """A client of API 1.0 with only the API key."""
    with Client(base_url=f"{sandbox.url}/tenovos", headers=TENOVOS_KEY, trust_env=False) as client:
        yield client


@pytest.fixture
def tenovos(stranger: Client) -> Client:
    """A client of API 1.0 with tokens."""
    use(stranger, session_of(stranger))
    return stranger


@pytest.fixture
def newer(sandbox: Sandbox, tenovos: Client) -> Iterator[Client]:
    """A client of API 1.5 with tokens."""
    with Client(base_url=f"{sandbox.url}/tenovos-1.5", headers=tenovos.headers, trust_env=False) as client:
        yield client


def found(client: Client, text: str) -> list[dict[str, Any]]:
    """What a search finds."""
    body = client.get(f"/user/search/{text}").raise_for_status().json()
    assert body["status"] == "success"
    return list(body["data"])


def made(client: Client, **fields: Any) -> str:
    """The id of a new user, found by its e-mail."""
    body = ANA | fields
    client.post("/user", json=body).raise_for_status()
    (user,) = [user for user in found(client, body["email"]) if user["emailId"] == body["email"]]
    return str(user["userId"])


def shown(client: Client, account: str) -> dict[str, Any]:
    """The user as it is read."""
    return dict(client.get(f"/user/{account}").raise_for_status().json())


# --- tokens and headers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lacking", "status", "message"),
    [("X-API-Key", 403, "Forbidden"), ("Authorization", 401, "Unauthorized"), ("AccessToken", 401, "Unauthorized")],
)
@pytest.mark.parametrize("value", ["", "other"])
def test_every_request_of_1_0_needs_all_three_headers(
    tenovos: Client, lacking: str, value: str, status: int, message: str
) -> None:
    tenovos.headers[lacking] = value
    user, search, groups = f"/user/{NOBODY}", "/user/search/ana", "/security/groups"
    for method, path in (("GET", user), ("PATCH", user), ("POST", "/user"), ("GET", search), ("GET", groups)):
        answer = tenovos.request(method, path, json={})
        assert (answer.status_code, answer.json()) == (status, {"message": message}), path


@pytest.mark.parametrize(("lacking", "status"), [("X-API-Key", 403), ("Authorization", 401), ("AccessToken", 200)])
def test_1_5_does_without_the_access_token(newer: Client, lacking: str, status: int) -> None:
    del newer.headers[lacking]
    assert newer.get("/user/search/ana").status_code == status


def test_the_identity_is_sent_raw_and_not_as_a_bearer_token(tenovos: Client) -> None:
    tenovos.headers["Authorization"] = f"Bearer {tenovos.headers['Authorization']}"
    assert tenovos.get("/user/search/ana").status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"clientId": ""}, 400, "Invalid Authentication Parameters"),
        ({"username": ""}, 400, "Invalid Authentication Parameters"),
        ({"clientId": "other"}, 401, "Incorrect client."),
        ({"username": "ana"}, 401, "Incorrect username or password."),
        ({"password": "other"}, 401, "Incorrect username or password."),
    ],
    ids=str,
)
def test_a_wrong_login_is_refused(stranger: Client, change: dict[str, str], status: int, message: str) -> None:
    answer = stranger.post("/auth/token", json=TENOVOS_LOGIN | change)
    assert (answer.status_code, answer.json()) == (status, {"status": "error", "message": message})


def test_a_login_needs_the_api_key_and_in_1_0_a_client_id(http: Client) -> None:
    answer = http.post("/tenovos/auth/token", json=TENOVOS_LOGIN)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    body = {name: value for name, value in TENOVOS_LOGIN.items() if name != "clientId"}
    for base, status in (("/tenovos", 400), ("/tenovos-1.5", 200)):
        assert http.post(f"{base}/auth/token", headers=TENOVOS_KEY, json=body).status_code == status


def test_a_refresh_brings_new_tokens_for_the_same_refresh_token(stranger: Client) -> None:
    first = session_of(stranger)
    refresh = {key: first[key] for key in ("accessToken", "refreshToken")}
    second = stranger.post("/auth/token", json={"session": refresh}).json()["session"]
    assert second["refreshToken"] == first["refreshToken"]
    assert second["accessToken"] != first["accessToken"]
    use(stranger, second)
    assert stranger.get("/security/groups").status_code == 200


def test_the_back_door_voids_all_tokens(sandbox: Sandbox, tenovos: Client) -> None:
    session = session_of(tenovos)
    sandbox.expire_tokens("tenovos")
    assert tenovos.get("/security/groups").status_code == 401
    assert tenovos.post("/auth/token", json={"session": session}).status_code == 401


def test_the_switch_sets_the_lifetime_of_tokens(sandbox: Sandbox, stranger: Client) -> None:
    """`expireEpoch` is in milliseconds."""
    long = session_of(stranger)
    sandbox.switch(token_lifetime=0)
    short = session_of(stranger)
    use(stranger, short)
    assert long["expireEpoch"] - short["expireEpoch"] == pytest.approx(3_600_000, abs=60_000)
    assert stranger.get("/security/groups").status_code == 401


# --- create -----------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["tenovos", "newer"])
def test_a_create_answers_the_role_and_no_id(request: pytest.FixtureRequest, client: str) -> None:
    answer = request.getfixturevalue(client).post("/user", json=ANA)
    assert (answer.status_code, answer.json()) == (200, {"roleId": END_USER, "status": "success"})


@pytest.mark.parametrize("field", ["email", "username"])
def test_a_create_needs_an_email_and_a_username(tenovos: Client, field: str) -> None:
    answer = tenovos.post("/user", json={name: value for name, value in ANA.items() if name != field})
    assert (answer.status_code, answer.json()["status"]) == (400, "error")
    assert f"{field} is a required field" in answer.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accountType", "guest"), ("customAttributes", {"phone": 5550100}), ("customAttributes", {"city": "Lima"}),
        ("company", "Sol"), ("status", "disabled"), ("userRoleName", "End user"), ("userRoleId", NOBODY),
        ("groups", [NOBODY]), ("groups", EVERYONE),
    ],
)  # fmt: skip
def test_a_create_refuses_wrong_types_values_and_names(tenovos: Client, field: str, value: object) -> None:
    answer = tenovos.post("/user", json={**ANA, field: value})
    assert (answer.status_code, answer.json()["status"]) == (400, "error")
    assert found(tenovos, "ana") == []


@pytest.mark.parametrize("other", [{"email": "ben@example.com"}, {"email": "ANA@example.com", "username": "ben"}])
def test_an_email_and_a_username_are_taken_by_one(tenovos: Client, other: dict[str, str]) -> None:
    made(tenovos)
    answer = tenovos.post("/user", json=ANA | other)
    assert (answer.status_code, answer.json()["message"]) == (400, "Bad Request: User already exists")


# --- read and search --------------------------------------------------------------------------


def test_1_0_shows_eight_fields_and_1_5_shows_fourteen(tenovos: Client, newer: Client) -> None:
    account = made(tenovos, password="a first password")
    narrow, wide = shown(tenovos, account), shown(newer, account)
    assert (set(narrow), set(wide)) == (NARROW, WIDE)
    assert found(tenovos, "ana") == [narrow]
    assert found(newer, "ana") == [wide]
    assert str(uuid.UUID(account)) == account
    assert narrow == {
        "userId": account, "customerId": "1234567890", "emailId": "ana@example.com", "firstName": "Ana",
        "lastName": "Ruiz", "roleId": END_USER, "status": "enabled", "groups": [EVERYONE],
    }  # fmt: skip
    assert wide == narrow | {
        "userName": "ana", "phone": "555 0100", "contact": "Ben", "country": "Chile", "company": "Sol",
        "friendlyName": "Anita",
    }  # fmt: skip


def test_an_unknown_id_is_forbidden_and_not_missing(tenovos: Client) -> None:
    for answer in (tenovos.get(f"/user/{NOBODY}"), tenovos.patch(f"/user/{NOBODY}", json={})):
        assert (answer.status_code, answer.json()) == (403, {"message": "User not found"})


@pytest.mark.parametrize(
    "text", ["ANA", "uiz", "anit", "@example", "0100", "sol", "chil", "ben", "End user", "everyone"]
)
def test_a_search_finds_what_contains_the_text_in_any_case(tenovos: Client, text: str) -> None:
    """In names, e-mail, phone, company, country, contact, role and groups."""
    made(tenovos)
    plain = {"email": "x@y.zz", "username": "x", "userRoleId": LIBRARIAN, "groups": [MARKETING]}
    tenovos.post("/user", json=plain).raise_for_status()
    assert [user["firstName"] for user in found(tenovos, text)] == ["Ana"]


def test_an_email_is_found_in_longer_ones_and_a_star_in_1_5(tenovos: Client, newer: Client) -> None:
    made(tenovos)
    made(tenovos, email="diana@example.com", username="diana")
    assert [len(found(client, "ana@example.com")) for client in (tenovos, newer)] == [2, 2]
    assert [len(found(client, "*")) for client in (tenovos, newer)] == [0, 2]


@pytest.mark.parametrize(
    ("query", "number"), [("", 100), ("?from=100&limit=100", 5), ("?limit=10", 10), ("?limit=1000", 100)]
)
def test_a_search_of_1_5_comes_in_pages(crowded: Client, query: str, number: int) -> None:
    headers = logged_in(crowded, "/tenovos")
    body = crowded.get(f"/tenovos-1.5/user/search/*{query}", headers=headers).json()
    assert (len(body["data"]), body["count"]) == (number, 105)


def test_the_switch_sets_how_many_searches_miss_a_new_user(sandbox: Sandbox, tenovos: Client) -> None:
    sandbox.switch(tenovos_search_lag=2)
    tenovos.post("/user", json=ANA).raise_for_status()
    assert [len(found(tenovos, "ana")) for _ in range(4)] == [0, 0, 1, 1]


def test_a_disabled_user_is_still_found_and_read(tenovos: Client) -> None:
    account = made(tenovos)
    tenovos.patch(f"/user/{account}", json={"status": "disabled"})
    assert shown(tenovos, account)["status"] == "disabled"
    assert len(found(tenovos, "ana")) == 1


# --- update -----------------------------------------------------------------------------------


def test_a_patch_changes_what_it_names_and_answers_the_user(newer: Client) -> None:
    account = made(newer)
    before = shown(newer, account)
    changes = {"email": "anna@example.com", "company": "Luna", "phone": 5550199, "groups": [MARKETING]}
    answer = newer.patch(f"/user/{account}", json=changes).json()
    renamed = {"emailId": changes.pop("email"), **changes}
    assert answer == before | renamed
    assert shown(newer, account) == answer


@pytest.mark.parametrize("change", [{"userRoleId": LIBRARIAN}, {"userRoleName": "Librarian"}])
def test_a_patch_takes_a_role_by_id_or_by_name(tenovos: Client, change: dict[str, str]) -> None:
    account = made(tenovos)
    assert tenovos.patch(f"/user/{account}", json=change).json()["roleId"] == LIBRARIAN


@pytest.mark.parametrize(
    "change",
    [
        {"phone": "5550100"}, {"contact": "Ben"}, {"customAttributes": {"company": "Luna"}}, {"status": "Disabled"},
        {"username": "anna"}, {"password": "pw"}, {"accountType": "local"}, {"userRoleName": "Owner"},
        {"userRoleId": NOBODY}, {"userRoleId": LIBRARIAN, "userRoleName": "Librarian"}, {"groups": [NOBODY]},
        {"email": "ben@example.com"}, {"email": None}, {"status": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_patch_refuses_wrong_types_values_and_names(newer: Client, change: dict[str, Any]) -> None:
    account = made(newer)
    made(newer, email="ben@example.com", username="ben")
    before = shown(newer, account)
    answer = newer.patch(f"/user/{account}", json=change)
    assert (answer.status_code, answer.json()["status"]) == (400, "error")
    assert shown(newer, account) == before


def test_delete_is_not_offered(tenovos: Client, newer: Client) -> None:
    account = made(tenovos)
    assert [client.delete(f"/user/{account}").status_code for client in (tenovos, newer)] == [405, 405]


def test_groups_are_listed_and_roles_in_1_5_only(tenovos: Client, newer: Client) -> None:
    groups = tenovos.get("/security/groups").json()
    assert {"groupId": EVERYONE, "groupName": "Everyone"} in groups
    assert {"id": END_USER, "name": "End user"} in newer.get("/roles").json()
    assert tenovos.get("/roles").status_code == 404
