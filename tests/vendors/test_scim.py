"""SCIM: requests built, answers read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from conftest import Sandbox
from seatwise.core.vendor.errors import SettingsError
from seatwise.core.vendor.groups import Pair
from seatwise.core.vendor.http import Effect, Request
from seatwise.core.vendor.scim_attributes import CORE, ENTERPRISE
from seatwise.core.vendor.vendor import Limit, Listing
from seatwise.sandbox import scim as stand_in
from seatwise.vendors.scim import ACCEPT, HEADERS, SERVICES, VENDOR, Settings
from vendors.conftest import answer


def scim(**given: Any) -> Any:
    """A tenant with these settings."""
    return VENDOR(Settings(base_url="https://scim.example/v2", token=SecretStr("token-1"), **given))


SCIM, PUT = scim(), scim(update="put")
ANA: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE], "id": "u-1", "userName": "ana", "active": True,
    "name": {"givenName": "Ana", "familyName": "Ruiz"},
    "emails": [{"value": "ana@home.example", "type": "home"}, {"value": "ana@example.com", "type": "work"}],
    "roles": [{"value": "dev", "display": "Developer"}], "groups": [{"value": "g-1"}],
    ENTERPRISE: {"department": "Research", "manager": {"value": "m-1", "displayName": "Max"}},
    "urn:acme:2.0:User": {"Level": 3}, "meta": {"version": 'W/"7"'},
}  # fmt: skip
RECORD = SCIM.parse_record(answer(ANA))


# --- groups -----------------------------------------------------------------------------------

PAIR = Pair(user='a"b', group="g/1")


@pytest.mark.parametrize("version", [None, 'W/"7"'])
def test_a_member_is_added_and_removed_by_patch_alone(version: str | None) -> None:
    join, leave = SCIM.request_join(PAIR, version), SCIM.request_leave(PAIR, version)
    assert [(each.method, each.path, each.effect) for each in (join, leave)] == [
        ("PATCH", "/Groups/g%2F1", Effect.REPEATABLE)
    ] * 2
    assert join.json["Operations"] == [{"op": "add", "path": "members", "value": [{"value": 'a"b'}]}]
    assert leave.json["Operations"] == [{"op": "remove", "path": r'members[value eq "a\"b"]'}]
    assert join.headers.get("If-Match") == leave.headers.get("If-Match") == version


def test_a_member_is_removed_by_value_where_the_service_wants_it() -> None:
    (operation,) = scim(service="aws").request_leave(PAIR, None).json["Operations"]
    assert operation == {"op": "remove", "path": "members", "value": [{"value": 'a"b'}]}


def test_a_membership_is_read_wherever_it_is_shown() -> None:
    group = {"ID": "g-1", "Members": [{"Value": "u-1"}, {"value": "u-2"}, {"value": 3}, None], "meta": {"version": "v"}}
    assert SCIM.parse_members(answer(group)) == {"u-1", "u-2"}
    assert SCIM.parse_members(answer({"id": "g-1"})) == frozenset()
    assert SCIM.parse_members(answer({"members": []})) is None
    assert (SCIM.parse_version(answer(group)), SCIM.parse_version(answer({"id": "g-1"}))) == ("v", None)
    assert SCIM.parse_groups(RECORD) == {"g-1"}
    query = {"filter": r'id eq "g/1" and members.value eq "a\"b"', "excludedAttributes": "members"}
    assert SCIM.request_groups_with(PAIR) == Request("GET", "/Groups", query=query, headers=ACCEPT)
    asked = scim(service="aws").request_groups_with(PAIR).query["filter"]
    assert asked == r'id eq "g/1" and members eq "a\"b"'


# --- requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("ana@example.com", r'userName eq "ana@example.com"'),
        ('a"b\\c', r'userName eq "a\"b\\c"'),
        ("josé", 'userName eq "josé"'),
        ('x" or active eq true or userName eq "', r'userName eq "x\" or active eq true or userName eq \""'),
    ],
)
def test_a_filter_quotes_the_user_name(name: str, quoted: str) -> None:
    query: dict[str, str | int] = {"startIndex": 1, "count": 100, "filter": quoted}
    assert SCIM.request_page(name, 1) == Request("GET", "/Users", query=query, headers=ACCEPT)


@pytest.mark.parametrize(
    ("given", "email", "query"),
    [
        ({}, None, {"startIndex": 101, "count": 100}),
        ({"page_size": 20}, None, {"startIndex": 21, "count": 20}),
        ({"find_by": "list"}, "ana", {"startIndex": 101, "count": 100}),
        ({"paging": "cursor"}, None, {"cursor": "", "count": 100}),
        ({"service": "aws"}, "ana", {"cursor": "", "count": 100, "filter": 'userName eq "ana"'}),
        ({"service": "entra"}, None, {"cursor": "", "count": 100}),
        ({"service": "aws", "paging": "index"}, None, {"startIndex": 101, "count": 100}),
    ],
)
def test_a_page_is_asked_for_as_the_service_wants_it(given: Any, email: str | None, query: Any) -> None:
    assert scim(**given).request_page(email, 2).query == query


def test_a_create_has_no_empty_attribute_and_names_its_schemas() -> None:
    values = {
        "user_name": "ana", "email": "ana@example.com", "first_name": "Ana", "title": "", "roles": [],
        "department": "Research", "manager_id": "m-1", "extensions": {"urn:acme:2.0:User": {"level": 3, "no": None}},
    }  # fmt: skip
    assert SCIM.request_create(values).json == {
        "schemas": [CORE, ENTERPRISE, "urn:acme:2.0:User"], "active": True, "userName": "ana",
        "emails": [{"type": "work", "value": "ana@example.com", "primary": True}], "name": {"givenName": "Ana"},
        ENTERPRISE: {"department": "Research", "manager": {"value": "m-1"}}, "urn:acme:2.0:User": {"level": 3},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "operation"),
    [
        ({"title": "Lead"}, {"op": "replace", "path": "title", "value": "Lead"}),
        ({"title": ""}, {"op": "remove", "path": "title"}),
        ({"first_name": "Anna"}, {"op": "replace", "path": "name.givenName", "value": "Anna"}),
        ({"department": "Field"}, {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Field"}),
        ({"manager_id": "m-2"}, {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": "m-2"}}),
        ({"manager_id": ""}, {"op": "remove", "path": f"{ENTERPRISE}:manager"}),
        ({"active": False}, {"op": "replace", "path": "active", "value": False}),
        (
            {"roles": ["ops", "dev"]},
            {"op": "replace", "path": "roles", "value": [{"value": "ops"}, {"value": "dev", "display": "Developer"}]},
        ),
        (
            {"email": "new@example.com"},
            {
                "op": "replace",
                "path": "emails",
                "value": [
                    {"type": "work", "value": "new@example.com", "primary": True},
                    {"value": "ana@home.example", "type": "home"},
                ],
            },
        ),
        (
            {"extensions": {"urn:acme:2.0:User": {"Level": 4}}},
            {"op": "replace", "path": "urn:acme:2.0:User:Level", "value": 4},
        ),
        (
            {"extensions": {"urn:acme:2.0:User": {"Level": None}}},
            {"op": "remove", "path": "urn:acme:2.0:User:Level"},
        ),
    ],
    ids=str,
)
def test_a_patch_has_a_path_for_each_change(changes: dict[str, Any], operation: dict[str, Any]) -> None:
    request = SCIM.request_update("u-1", changes, RECORD)
    assert (request.method, request.path, request.effect) == ("PATCH", "/Users/u-1", Effect.REPEATABLE)
    assert request.headers == HEADERS | {"If-Match": 'W/"7"'}
    assert request.json["Operations"] == [operation]


def test_a_put_is_the_fresh_resource_without_what_is_read_only() -> None:
    request = PUT.request_update("u-1", {"title": "Lead", "department": ""}, RECORD)
    kept = {key: value for key, value in ANA.items() if key not in ("meta", "groups")}
    work = {"manager": {"value": "m-1", "displayName": "Max"}}
    assert request.method == "PUT"
    assert request.json == kept | {"title": "Lead", ENTERPRISE: work, "schemas": [*ANA["schemas"], "urn:acme:2.0:User"]}


@pytest.mark.parametrize(
    ("vendor", "changes", "merges"),
    [
        (SCIM, {"title": "Lead"}, False),
        (SCIM, {"email": "new@example.com"}, True),
        (SCIM, {"phone": "1"}, True),
        (SCIM, {"emails": []}, False),
        (PUT, {"title": "Lead"}, True),
    ],
)
def test_only_what_is_a_part_of_a_list_needs_the_record(vendor: Any, changes: dict[str, Any], merges: bool) -> None:
    assert vendor.merges(changes) is merges


# --- answers ----------------------------------------------------------------------------------


def test_a_record_has_the_primary_values() -> None:
    assert RECORD is not None
    found = SCIM.schema.parse(RECORD)
    known = {name: value for name, value in found.items() if value is not None}
    assert known == {
        "user_name": "ana", "email": "ana@example.com", "emails": ANA["emails"], "first_name": "Ana",
        "last_name": "Ruiz", "active": True, "roles": ["dev"], "groups": ["g-1"], "department": "Research",
        "manager_id": "m-1", "extensions": {"urn:acme:2.0:User": {"Level": 3}},
    }  # fmt: skip


def test_attributes_have_no_case_but_those_of_other_schemas() -> None:
    shouted = {
        "ID": "u-1", "USERNAME": "ana", "Name": {"GIVENNAME": "Ana"}, "Emails": [{"VALUE": "a@b", "Primary": True}],
        ENTERPRISE.upper(): {"Department": "Research", "Manager": "m-1"}, "urn:acme:2.0:User": {"TITLE": "x"},
    }  # fmt: skip
    record = SCIM.parse_record(answer(shouted))
    assert record is not None
    found = SCIM.schema.parse(record)
    assert (found["user_name"], found["first_name"], found["email"]) == ("ana", "Ana", "a@b")
    assert (found["department"], found["manager_id"]) == ("Research", "m-1")
    assert found["extensions"] == {"urn:acme:2.0:User": {"TITLE": "x"}}


@pytest.mark.parametrize(
    ("emails", "primary"),
    [
        ([{"value": "a@b"}, {"value": "c@d", "primary": True}], "c@d"),
        ([{"value": "a@b"}, {"value": "c@d", "type": "work"}], "c@d"),
        ([{"value": "a@b"}, {"value": "c@d", "type": "home"}], "a@b"),
        ([], None),
        ("a@b", None),
        (["a@b"], None),
        ([{"display": "Ana"}], None),
    ],
)
def test_the_primary_item_is_the_one_that_says_so(emails: Any, primary: str | None) -> None:
    record = SCIM.parse_record(answer({"id": "1", "userName": "ana", "emails": emails}))
    assert SCIM.schema.parse(record)["email"] == primary


def page(*ids: str, **more: Any) -> dict[str, Any]:
    return {"Resources": [{"id": each} for each in ids], **more}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (page("1", totalResults=1), Listing([{"id": "1"}], total=1)),
        (
            page("1", "2", totalResults=5, startIndex=1, itemsPerPage=2),
            Listing([{"id": "1"}, {"id": "2"}], more=True, pages=3, total=5, index="startIndex"),
        ),
        (
            page("1", "2", totalResults=5),
            Listing([{"id": "1"}, {"id": "2"}], more=True, pages=3, total=5, index="startIndex"),
        ),
        (page("5", totalResults=1, startIndex=5), Listing([{"id": "5"}], total=1)),
        (page("1", nextCursor="abc"), Listing([{"id": "1"}], True, next={"cursor": "abc"})),
        ({"resources": [{"id": "1"}], "totalresults": 1}, Listing([{"id": "1"}], total=1)),
        ({"totalResults": 0}, Listing([], total=0)),
        (page(totalResults=5, startIndex=9), Listing([], total=5)),
        ({"totalResults": 3}, None),
        ({}, None),
        ([], None),
    ],
    ids=str,
)
def test_a_page_says_how_the_next_one_is_asked_for(body: Any, expected: Listing | None) -> None:
    assert SCIM.parse_page(answer(body)) == expected


@pytest.mark.parametrize(
    ("body", "status", "is_confirmed", "is_taken"),
    [
        (ANA, 200, True, False),
        ({}, 204, True, False),
        ({}, 200, False, False),
        ({"scimType": "uniqueness"}, 400, False, True),
        ({"detail": "exists"}, 409, False, True),
        ({"scimType": "invalidValue"}, 400, False, False),
    ],
)
def test_what_an_answer_to_a_write_means(body: Any, status: int, is_confirmed: bool, is_taken: bool) -> None:
    assert SCIM.is_confirmed(answer(body, status)) is is_confirmed
    assert SCIM.is_taken(answer(body, status)) is is_taken


# --- settings ---------------------------------------------------------------------------------

LOGIN: dict[str, Any] = {
    "client_id": "c", "client_secret": SecretStr("s"), "token_url": "https://login.example/token", "token": None,
}  # fmt: skip


def test_client_credentials_are_a_form_and_give_a_bearer_token() -> None:
    vendor = VENDOR(Settings(base_url="https://scim.example", scope="users", **LOGIN))
    form = {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s", "scope": "users"}
    assert vendor.token() is None
    assert vendor.request_login(None) == Request("POST", "", Effect.LOGIN, form=form)
    assert vendor.settings.login_url == "https://login.example/token"
    token = vendor.parse_token(answer({"access_token": "t", "expires_in": 60}))
    assert (token.headers, token.expires_in, token.refresh) == ({"Authorization": "Bearer t"}, 60, None)
    assert not vendor.parse_token(answer({"access_token": None})).is_whole


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "set SCIM_TOKEN in the environment, or `pulumi config set --secret scim:token`; or set SCIM_CLIENT_ID"),
        ({"clientId": "c"}, "scim:clientSecret"),
        ({"clientId": "c", "clientSecret": "s"}, "scim:tokenUrl"),
    ],
)
def test_what_lacks_of_the_credentials_is_named(given: dict[str, str], missing: str) -> None:
    config = {f"scim:{name}": value for name, value in {"baseUrl": "https://scim.example", **given}.items()}
    with pytest.raises(SettingsError) as caught:
        Settings.load(config.get)
    assert missing in str(caught.value)


def test_a_token_needs_no_login() -> None:
    assert scim(client_id="c").settings.login_url is None
    assert SCIM.token().headers == {"Authorization": "Bearer token-1"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_source_and_can_be_named(name: str) -> None:
    vendor = scim(service=name)
    assert SERVICES[name].source
    assert vendor.limits == SERVICES[name].limits
    assert vendor.deactivating_deletes is (name == "pagerduty")
    assert vendor.can_delete is (name != "slack")


@pytest.mark.parametrize(
    ("given", "member", "value"),
    [
        ({"service": "pagerduty", "deactivating": "disables"}, "deactivating_deletes", False),
        ({"deactivating": "deletes"}, "deactivating_deletes", True),
        ({"service": "slack", "deleting": "deletes"}, "can_delete", True),
        ({"find_by": "list"}, "finds_by_email", False),
        ({"update": "put"}, "replaces", True),
    ],
)
def test_a_setting_overrides_a_cell(given: dict[str, Any], member: str, value: bool) -> None:
    assert getattr(scim(**given), member) is value


def test_slack_is_paced_by_verb_and_with_a_burst() -> None:
    assert Limit(180, 60, verbs=("DELETE",), burst=20) in scim(service="slack").limits


def test_a_primary_value_stands_not_beside_its_list() -> None:
    values = {"user_name": "ana", "email": "a@b.c", "emails": [{"value": "a@b.c"}], "phone_numbers": []}
    assert [each.field for each in VENDOR.rules(values, frozenset(values))] == ["emails"]


# --- the stand-in -----------------------------------------------------------------------------


def test_the_stand_in_passes_the_test_suite_for_servers(sandbox: Sandbox) -> None:
    """`scim2 test`, which other people wrote."""
    command = [str(Path(sys.executable).with_name("scim2")), "--url", f"{sandbox.url}/scim", "test"]
    headers = {"SCIM_CLI_HEADERS": f"Authorization: Bearer {stand_in.TOKEN}", "COLUMNS": "200"}
    done = subprocess.run(
        command, env=headers, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    states = {line.split()[0] for line in done.stdout.splitlines() if line[:1].isupper() and line.split()[0].isupper()}
    assert (done.returncode, states) == (0, {"SUCCESS"}), done.stdout[-3000:]
    assert json.dumps(done.stdout).count("SUCCESS") > 100
