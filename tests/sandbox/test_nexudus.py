"""Nexudus' stand-in, over real HTTP."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from httpx import Client

from conftest import Sandbox
from sandbox.conftest import NEXUDUS_LOGIN, logged_in

USERS = "/api/sys/users"
ANA: Final[dict[str, Any]] = {
    "FullName": "Ana Ruiz", "Email": "ana@example.com", "Language": 2,
    "PasswordSalt": "", "LastHelpVisited": 0, "InvalidLoginAttempts": 0,
}  # fmt: skip


@pytest.fixture
def stranger(sandbox: Sandbox) -> Iterator[Client]:
    """A client without a token."""
    with Client(base_url=f"{sandbox.url}/nexudus", trust_env=False) as client:
        yield client


@pytest.fixture
def nexudus(stranger: Client) -> Client:
    """A client with a token."""
    use(stranger, login(stranger))
    return stranger


def login(client: Client, **headers: str) -> dict[str, Any]:
    """The answer to a login with user name and password."""
    return dict(client.post("/api/token", data=NEXUDUS_LOGIN, headers=headers).raise_for_status().json())


def refreshed(client: Client, token: str, **headers: str) -> httpx.Response:
    """The answer to a login with a refresh token."""
    return client.post("/api/token", data={"grant_type": "refresh_token", "refresh_token": token}, headers=headers)


def use(client: Client, granted: dict[str, Any]) -> None:
    """Send this token from now on."""
    client.headers["authorization"] = f"Bearer {granted['access_token']}"


def made(nexudus: Client, **fields: Any) -> int:
    """The id of a new user."""
    return int(nexudus.post(USERS, json=ANA | fields).raise_for_status().json()["Value"]["Id"])


def put(nexudus: Client, number: int, **fields: Any) -> httpx.Response:
    """The answer to an update with the required fields and these."""
    return nexudus.put(USERS, json=ANA | {"Id": number} | fields)


def shown(nexudus: Client, number: int) -> dict[str, Any]:
    """The user as it is read by id."""
    return dict(nexudus.get(f"{USERS}/{number}").raise_for_status().json())


# --- tokens -----------------------------------------------------------------------------------


def test_a_login_is_a_form_and_brings_a_bearer_token(stranger: Client) -> None:
    granted = login(stranger)
    assert (granted["token_type"], granted["expires_in"]) == ("bearer", 3600)
    use(stranger, granted)
    assert stranger.get(USERS).status_code == 200


def test_a_login_in_json_is_refused(stranger: Client) -> None:
    answer = stranger.post("/api/token", json=NEXUDUS_LOGIN)
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})


@pytest.mark.parametrize("wrong", ["username", "password"])
def test_a_wrong_login_is_an_invalid_grant(stranger: Client, wrong: str) -> None:
    answer = stranger.post("/api/token", data=NEXUDUS_LOGIN | {wrong: "other"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant", "error_description": "The user name or password is incorrect.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at_login", "at_refresh", "status"),
    [
        ({"client_id": "ci"}, {"client_id": "ci"}, 200),
        ({}, {"client_id": NEXUDUS_LOGIN["username"]}, 200),
        ({"client_id": "ci"}, {"client_id": "other"}, 400),
        ({"client_id": "ci"}, {}, 400),
    ],
    ids=str,
)
def test_a_refresh_needs_the_client_id_of_the_login(
    stranger: Client, at_login: dict[str, str], at_refresh: dict[str, str], status: int
) -> None:
    token = login(stranger, **at_login)["refresh_token"]
    assert refreshed(stranger, token, **at_refresh).status_code == status


def test_a_refresh_token_works_once_and_access_tokens_stay_valid(stranger: Client) -> None:
    first = login(stranger, client_id="ci")
    second = refreshed(stranger, first["refresh_token"], client_id="ci").json()
    assert refreshed(stranger, first["refresh_token"], client_id="ci").json()["error"] == "invalid_grant"
    assert refreshed(stranger, second["refresh_token"], client_id="ci").status_code == 200
    for granted in (first, second):
        use(stranger, granted)
        assert stranger.get(USERS).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", USERS), ("PUT", USERS), ("GET", USERS), ("GET", f"{USERS}/1001"), ("DELETE", f"{USERS}/1001"),
        ("GET", "/api/sys/businesses"), ("GET", "/api/security/userroles"),
    ],
)  # fmt: skip
def test_every_request_needs_an_access_token(stranger: Client, method: str, path: str) -> None:
    refresh = login(stranger)["refresh_token"]
    for value in ("", "Bearer x", "Basic x", f"Bearer {refresh}"):
        assert stranger.request(method, path, headers={"authorization": value}).status_code == 401, value


def test_the_switch_sets_the_lifetime_of_tokens(sandbox: Sandbox, stranger: Client) -> None:
    sandbox.switch(token_lifetime=0)
    granted = login(stranger)
    use(stranger, granted)
    assert granted["expires_in"] == 0
    assert stranger.get(USERS).status_code == 401


def test_the_back_door_voids_all_tokens(sandbox: Sandbox, nexudus: Client) -> None:
    refresh = login(nexudus, client_id="ci")["refresh_token"]
    sandbox.expire_tokens("nexudus")
    assert nexudus.get(USERS).status_code == 401
    assert refreshed(nexudus, refresh, client_id="ci").status_code == 400


# --- create -----------------------------------------------------------------------------------


def test_a_write_answers_the_id_and_not_the_record(nexudus: Client) -> None:
    created = nexudus.post(USERS, json=ANA).json()
    number = created["Value"]["Id"]
    updated, deleted = put(nexudus, number).json(), nexudus.delete(f"{USERS}/{number}").json()
    for body, what in ((created, "created"), (updated, "updated"), (deleted, "deleted")):
        assert body["Value"] == {"Id": number}
        assert (body["Status"], body["WasSuccessful"]) == (200, True)
        assert body["Message"] == f"User was successfully {what}."


@pytest.mark.parametrize("field", list(ANA))
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_every_write_needs_the_required_fields(nexudus: Client, method: str, field: str) -> None:
    body = {**ANA, "Id": made(nexudus)} if method == "PUT" else dict(ANA)
    del body[field]
    answer = nexudus.request(method, USERS, json=body)
    assert answer.status_code == 400
    error = {"AttemptedValue": None, "Message": "is a required field", "PropertyName": field}
    assert answer.json() == {
        "Message": f"{field}: is a required field", "Value": None, "Errors": [error], "WasSuccessful": False,
    }  # fmt: skip


def test_an_update_needs_the_id_in_its_body(nexudus: Client) -> None:
    number = made(nexudus)
    assert nexudus.put(USERS, json=ANA).json()["Errors"][0]["PropertyName"] == "Id"
    assert nexudus.put(f"{USERS}/{number}", json=ANA | {"Id": number}).status_code == 405


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Language", "2"), ("LastHelpVisited", "0"), ("PasswordSalt", None), ("Active", 1), ("UserRoles", "77"),
        ("UserRoles", ["77"]), ("OnPlatformInvoices", True), ("fullName", "Ana"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_every_write_refuses_wrong_types_and_names(nexudus: Client, method: str, field: str, value: object) -> None:
    number = made(nexudus, Email="ben@example.com")
    known = {"Id": number, "Email": "ben@example.com"} if method == "PUT" else {}
    answer = nexudus.request(method, USERS, json={**ANA, **known, field: value})
    assert answer.status_code == 400
    assert answer.json()["Errors"][0]["PropertyName"].startswith(field)


@pytest.mark.parametrize("field", ["Id", "AddedUserRoles", "RemovedBusinesses", "UniqueId"])
def test_a_create_refuses_what_only_an_update_has(nexudus: Client, field: str) -> None:
    assert nexudus.post(USERS, json={**ANA, field: [7] if field.endswith("s") else 7}).status_code == 400


def test_the_vendors_misspelt_flag_is_kept(nexudus: Client) -> None:
    assert shown(nexudus, made(nexudus, OnPlaformInvoices=True))["OnPlaformInvoices"] is True


def test_what_a_create_leaves_out_gets_its_default(nexudus: Client) -> None:
    user = shown(nexudus, made(nexudus))
    names = ("Active", "IsAdmin", "Devices", "PreferredLanguageId", "UserRoles", "IsNew")
    assert [user[name] for name in names] == [True, False, None, None, [], False]


@pytest.mark.parametrize(
    ("field", "value"), [("Password", "pw"), ("NewPassword", "pw"), ("ClearAvatarFile", True), ("NewAvatarUrl", "u/a")]
)
def test_an_action_reads_as_null(nexudus: Client, field: str, value: object) -> None:
    user = shown(nexudus, made(nexudus, **{field: value}))
    assert user[field] is None
    assert "pw" not in str(user)


def test_an_avatar_comes_and_goes_by_actions(nexudus: Client) -> None:
    number = made(nexudus, NewAvatarUrl="https://example.com/ana.png")
    seen = [shown(nexudus, number)["AvatarFileName"]]
    for action in ({}, {"ClearAvatarFile": True}):
        put(nexudus, number, **action)
        seen.append(shown(nexudus, number)["AvatarFileName"])
    assert seen == ["ana.png", "ana.png", None]


# --- update -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ({}, (True, False, None, [])),
        ({"nexudus_omitted": "reset"}, (True, False, None, [])),
        ({"nexudus_omitted": "keep"}, (False, True, "phone", [77])),
    ],
    ids=str,
)
def test_what_an_update_leaves_out_is_reset_or_kept(
    sandbox: Sandbox, nexudus: Client, switch: dict[str, str], expected: tuple[object, ...]
) -> None:
    sandbox.switch(**switch)
    number = made(nexudus, Active=False, IsAdmin=True, Devices="phone", UserRoles=[77])
    put(nexudus, number, FullName="Anna Ruiz")
    user = shown(nexudus, number)
    assert user["FullName"] == "Anna Ruiz"
    assert tuple(user[name] for name in ("Active", "IsAdmin", "Devices", "UserRoles")) == expected


def test_a_whole_record_that_is_sent_back_changes_nothing(nexudus: Client) -> None:
    """Its read-only fields do not change either."""
    number = made(nexudus, IsAdmin=True, UserRoles=[77], Devices="phone")
    before = shown(nexudus, number)
    answer = nexudus.put(USERS, json=before | {"UniqueId": "other", "CreatedOn": "2001-01-01T00:00:00Z"})
    assert answer.status_code == 200
    after = shown(nexudus, number)
    assert after | {"UpdatedOn": None} == before | {"UpdatedOn": None}


@pytest.mark.parametrize("name", ["Businesses", "UserRoles", "ChatRooms"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"": [3]}, [3]),
        ({"": []}, []),
        ({"Added": [3]}, [1, 2, 3]),
        ({"Added": [2]}, [1, 2]),
        ({"Removed": [1]}, [2]),
        ({"Removed": [9]}, [1, 2]),
        ({"Added": [3], "Removed": [1, 2]}, [3]),
    ],
    ids=str,
)
def test_lists_are_replaced_whole_or_changed_by_items(
    nexudus: Client, name: str, change: dict[str, list[int]], expected: list[int]
) -> None:
    """Added and removed items do not change the others, although a PUT resets missing fields."""
    number = made(nexudus, **{name: [1, 2]})
    put(nexudus, number, **{f"{delta}{name}": items for delta, items in change.items()})
    user = shown(nexudus, number)
    assert user[name] == expected
    assert not [key for key in user if key.startswith(("Added", "Removed"))]


# --- read -------------------------------------------------------------------------------------

ONLY_BY_ID = {"IsAdmin", "APIAccess", "Businesses", "UserRoles", "ChatRooms", "NewPassword"}


@pytest.mark.parametrize("path", [USERS, f"{USERS}/?id=[1001]"])
def test_records_in_a_list_are_partial(nexudus: Client, path: str) -> None:
    whole = shown(nexudus, made(nexudus, IsAdmin=True))
    body = nexudus.get(path).json()
    (listed,) = body if isinstance(body, list) else body["Records"]
    assert whole.keys() >= ONLY_BY_ID
    assert not listed.keys() & ONLY_BY_ID
    assert listed == {key: whole[key] for key in listed}


def test_a_batch_is_a_bare_array_of_the_ids_that_are_there(nexudus: Client) -> None:
    first, _, third = (made(nexudus, Email=f"{name}@example.com") for name in "abc")
    batch = nexudus.get(f"{USERS}/", params={"id": f"[{first},{third},4711]"}).json()
    assert [user["Id"] for user in batch] == [first, third]


def test_a_filter_matches_what_contains_its_text_in_any_case(nexudus: Client) -> None:
    for email in ("ana@example.com", "Diana@example.com", "ben@example.com"):
        made(nexudus, Email=email)
    found = nexudus.get(USERS, params={"User_Email": "ANA@"}).json()["Records"]
    assert [user["Email"] for user in found] == ["ana@example.com", "Diana@example.com"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (1, 25, 1, 25, 5, True, False)),
        ("?size=50&page=3", (3, 5, 101, 105, 3, False, True)),
        ("?size=1000", (1, 100, 1, 100, 2, True, False)),
    ],
)
def test_the_list_comes_in_pages(crowded: Client, query: str, expected: tuple[object, ...]) -> None:
    body = crowded.get(f"/nexudus{USERS}{query}", headers=logged_in(crowded, "/nexudus")).json()
    page = (body["CurrentPage"], len(body["Records"]), body["FirstItem"], body["LastItem"], body["TotalPages"])
    assert (*page, body["HasNextPage"], body["HasPreviousPage"]) == expected
    assert body["TotalItems"] == 105


# --- delete, e-mails, ids ---------------------------------------------------------------------


def test_a_deleted_user_is_gone_and_its_email_is_free(nexudus: Client) -> None:
    number = made(nexudus)
    assert nexudus.delete(f"{USERS}/{number}").status_code == 200
    again = (nexudus.get(f"{USERS}/{number}"), put(nexudus, number), nexudus.delete(f"{USERS}/{number}"))
    assert [answer.status_code for answer in again] == [404, 404, 404]
    assert not any(answer.json()["WasSuccessful"] for answer in again)
    assert made(nexudus) > number, "an id is never given twice"


def test_an_email_is_taken_in_any_spelling(nexudus: Client) -> None:
    made(nexudus)
    other = made(nexudus, Email="ben@example.com")
    for answer in (nexudus.post(USERS, json=ANA | {"Email": "ANA@example.com"}), put(nexudus, other)):
        assert answer.status_code == 400
        assert answer.json()["Errors"][0]["PropertyName"] == "Email"


# --- businesses and roles ---------------------------------------------------------------------


def test_businesses_and_roles_are_listed_in_pages_and_filtered(nexudus: Client) -> None:
    businesses, roles = "/api/sys/businesses", "/api/security/userroles"
    assert nexudus.get(f"{businesses}?Business_Name=up").json()["Records"] == [{"Id": 2, "Name": "Uptown"}]
    role = {"Id": 77, "Name": "Front desk", "BusinessId": 1, "BusinessName": "Downtown"}
    assert nexudus.get(f"{roles}?UserRole_Name=desk").json()["Records"] == [role]
    second = nexudus.get(f"{roles}?page=2&size=3").json()
    assert ([each["Id"] for each in second["Records"]], second["TotalItems"], second["HasNextPage"]) == ([80], 4, False)
