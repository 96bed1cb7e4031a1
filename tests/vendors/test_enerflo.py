"""Enerflo: requests built, answers read."""

from typing import Any

import pytest
from pydantic import SecretStr

from seatwise.core.queries import takeover
from seatwise.core.vendor import errors
from seatwise.core.vendor.fields import Values
from seatwise.core.vendor.http import Answer, Effect, Request
from seatwise.core.vendor.secrets import Known
from seatwise.core.vendor.vendor import Listing
from seatwise.vendors.enerflo import VENDOR, Settings
from vendors.conftest import answer

ENERFLO = VENDOR(Settings(api_key=SecretStr("key-1")))
SCHEMA = ENERFLO.schema


# --- requests ---------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "email": "ana@example.com", "roles": ["Sales Rep"], "first_name": "Ana", "last_name": "Ruiz",
    "phone": "555-555-5555", "manager_email": "bo@example.com", "active": False, "office_ids": [12, 13],
    "office_id": "12", "manager_id": 4, "timezone": "Pacific/Guam", "external_user_id": "x-1", "notify_email": True,
    "allow_optimus": True, "can_create_customers": False, "can_reassign_leads": False, "password": "pass word",
    "on_existing": "adopt", "on_destroy": "retain",
}  # fmt: skip
ON_THE_CREATE_PAGE = [
    "email", "roles", "notify_email", "can_create_customers", "allow_optimus", "first_name", "last_name", "phone",
    "password", "timezone", "external_user_id", "manager_email", "manager_id", "office_id", "can_reassign_leads",
]  # fmt: skip
ON_THE_UPDATE_PAGE = [
    "manager_email", "first_name", "last_name", "phone", "email", "active", "roles", "office_ids",
]  # fmt: skip


def test_every_documented_field_can_be_set() -> None:
    """The time zones of the page are not all there are."""
    assert {each.name for each in SCHEMA.arguments()} <= EVERYTHING.keys()
    assert SCHEMA.check(EVERYTHING, frozenset()) == (EVERYTHING, [])


def test_a_create_posts_every_field_of_its_page_and_no_other() -> None:
    assert ENERFLO.request_create(EVERYTHING) == Request(
        "POST", "/api/v1/users", Effect.CREATE, json={name: EVERYTHING[name] for name in ON_THE_CREATE_PAGE}
    )


def test_a_create_sends_the_flags_that_the_vendor_requires() -> None:
    given = {"email": "ana@example.com", "roles": ["Setter"]}
    assert ENERFLO.request_create(given).json == given | {"notify_email": False, "allow_optimus": False}


def test_an_update_puts_the_id_and_what_changed_of_its_page() -> None:
    body = {"id": "7"} | {name: EVERYTHING[name] for name in ON_THE_UPDATE_PAGE}
    request = Request("PUT", "/api/v3/users", Effect.REPEATABLE, json=body)
    assert ENERFLO.request_update("7", EVERYTHING, None) == request
    assert ENERFLO.request_update("7", {"active": False}, None).json == {"id": "7", "active": False}


def test_an_account_is_read_by_id_and_found_in_the_account_list() -> None:
    assert ENERFLO.request_read("7/../8") == Request("GET", "/api/v3/users/7%2F..%2F8")
    page = Request("GET", "/api/v3/users", query={"page": 2, "pageSize": 100})
    assert ENERFLO.request_page("ana@example.com", 2) == page


def test_the_key_goes_in_a_header_and_lasts() -> None:
    token = ENERFLO.token()
    assert (token.headers, token.expires_in, token.expires_at) == ({"api-key": "key-1"}, None, None)


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "account"),
    [
        pytest.param({"success": True, "user": {"id": 7}}, "7", id="user"),
        pytest.param({"data": {"id": 7}}, "7", id="data"),
        pytest.param({"data": {"user": {"id": "7"}}}, "7", id="data, user"),
        pytest.param({"results": [{"id": 7}]}, "7", id="results"),
        pytest.param({"id": 7, "email": "ana@example.com"}, "7", id="bare"),
        pytest.param({"results": [{"id": 7}, {"id": 8}]}, None, id="several"),
        pytest.param({"success": True}, None, id="none"),
        pytest.param([7], None, id="no object"),
    ],
)
def test_the_id_of_a_new_account_is_found_wherever_it_is(body: Any, account: str | None) -> None:
    assert ENERFLO.parse_created_id(answer(body)) == account


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        pytest.param({"roles": ["agent", "setter"]}, {"roles": ["agent", "setter"]}, id="roles: list"),
        pytest.param({"roles": "agent, setter,"}, {"roles": ["agent", "setter"]}, id="roles: commas"),
        pytest.param({"role": "agent"}, {"roles": ["agent"]}, id="role"),
        pytest.param({"roles": [{"slug": "agent"}, {"name": "Setter"}]}, {"roles": ["agent", "Setter"]}, id="objects"),
        pytest.param({"roles": None}, {"roles": None}, id="roles: null"),
        pytest.param({"roles": [3, None, ""]}, {"roles": ["3"]}, id="roles: numbers and nothing"),
        pytest.param({"roles": [{"id": 3, "title": "Setter"}, {}]}, {"roles": ["3"]}, id="objects: an id, nothing"),
        pytest.param({"roles": [{"slug": "agent"}, {"name": None}]}, {"roles": ["agent"]}, id="objects: empty"),
        pytest.param({"roles": ["agent", {"title": "Setter"}]}, {}, id="objects: a role with another key"),
        pytest.param({"roles": {"slug": "agent"}}, {"roles": ["agent"]}, id="roles: an object"),
        pytest.param({"role": 3}, {"roles": ["3"]}, id="role: a number"),
        pytest.param({"active": 1}, {"active": True}, id="active: 1"),
        pytest.param({"active": 0}, {"active": False}, id="active: 0"),
        pytest.param({"active": True}, {"active": True}, id="active: true"),
        pytest.param({"external_user_id": "x"}, {"external_user_id": "x"}, id="external id"),
        pytest.param({"agent": {"external_user_id": "x"}}, {"external_user_id": "x"}, id="external id: agent"),
        pytest.param({"agent": {"id": 3}}, {}, id="an agent without an external id"),
        pytest.param({"meta": {"allow_optimus": 1}}, {"allow_optimus": True}, id="a flag in meta: 1"),
        pytest.param({"meta": {"can_create_customers": 0}}, {"can_create_customers": False}, id="a flag in meta: 0"),
        pytest.param({"company_id": 5, "valid_email": 1}, {"company_id": 5, "valid_email": True}, id="read-only"),
        pytest.param({"office_id": 12}, {"office_id": "12"}, id="office id: number"),
        pytest.param({"intercom_user_jwt": "s3cret", "password": "s3cret"}, {}, id="secrets"),
        pytest.param({"meta": None, "agent": None}, {}, id="nulls"),
    ],
)
def test_a_record_is_read_in_each_of_its_shapes(fields: dict[str, Any], values: dict[str, Any]) -> None:
    """Roles are read twice: to compare and to show."""
    record = ENERFLO.parse_record(answer({"user": {"id": 7} | fields}))
    assert record is not None
    assert ENERFLO.parse_id(record) == "7"
    parsed = SCHEMA.parse(record)
    assert parsed.pop("role_slugs", None) == values.get("roles")
    assert repr(dict(sorted(parsed.items()))) == repr(dict(sorted(values.items())))


DECLARED = {"roles": ["Project Manager"]}
EPC = DECLARED | {"role_slugs": ["epc"]}


@pytest.mark.parametrize(
    ("slugs", "declared", "before", "roles"),
    [
        pytest.param(["epc"], DECLARED, {}, ["Project Manager"], id="right after a write"),
        pytest.param(["epc"], DECLARED, {"role_slugs": ["other"]}, ["Project Manager"], id="roles were written"),
        pytest.param(["epc"], DECLARED, EPC, ["Project Manager"], id="as before"),
        pytest.param(["b", "a"], DECLARED, EPC | {"role_slugs": ["a", "b"]}, ["Project Manager"], id="another order"),
        pytest.param(["other"], DECLARED, EPC, ["other"], id="changed by hand"),
        pytest.param(["epc"], {}, {}, ["epc"], id="not declared"),
    ],
)
def test_unknown_slugs_stand_for_declared_names_until_changed(
    slugs: list[str], declared: Values, before: dict[str, Any], roles: list[str]
) -> None:
    outs = ENERFLO.reconcile_outputs({"roles": slugs, "role_slugs": slugs}, declared, before)
    assert outs == {"roles": roles, "role_slugs": slugs}


@pytest.mark.parametrize(
    ("fields", "problems"),
    [({}, ["roles is required"]), ({"roles": []}, []), ({"roles": ["agent"]}, [])],
)
def test_an_import_declares_no_roles_that_it_cannot_read(fields: dict[str, Any], problems: list[str]) -> None:
    user = {"id": 7, "email": "a@x.y", "first_name": "A", "last_name": "Y", "timezone": "UTC", "office_ids": [1]}
    record = ENERFLO.parse_record(answer({"user": user | fields}))
    assert record is not None
    found = takeover.declarable(ENERFLO, takeover.arguments(ENERFLO, record))
    assert [str(each) for each in found.refused] == problems
    assert (found.values is None) is bool(problems)


AGENT: dict[str, Any] = {"role": "agent", "roles": ["agent"]}


@pytest.mark.parametrize(
    ("body", "listing"),
    [
        ({"page": 1, "totalPages": 2, "results": [{"role": "agent"}]}, Listing([AGENT], True, pages=2)),
        ({"page": 2, "totalPages": 2, "results": [{"id": 7}]}, Listing([{"id": 7}], pages=2)),
        ({"page": None, "totalPages": 2, "results": [{"id": 7}]}, Listing([{"id": 7}], pages=2)),
        ({"page": 1, "totalPages": None, "results": [{"id": 7}]}, Listing([{"id": 7}], True, is_open=True)),
        ({"results": [{"id": 7}, None]}, Listing([{"id": 7}, {}], True, is_open=True)),
        ({"results": [{"id": 7}] * 100}, Listing([{"id": 7}] * 100, True)),
        ({"results": []}, Listing([], False)),
        ({"success": False}, None),
    ],
)
def test_a_list_tells_whether_another_page_follows(body: Any, listing: Listing | None) -> None:
    assert ENERFLO.parse_page(answer(body)) == listing


def test_a_failure_can_come_with_status_200() -> None:
    assert not ENERFLO.is_success(answer({"success": False}))
    assert ENERFLO.is_success(answer({"success": True}))
    assert ENERFLO.is_success(Answer(200, {}, b"anything"))


TAKEN = "The email has already been taken."


@pytest.mark.parametrize(
    "said",
    [
        answer({"errors": {"email": [TAKEN]}}, 422),
        answer({"errors": {"email": TAKEN}}, 400),
        answer({"message": TAKEN}, 400),
        answer({"errors": [TAKEN]}, 400),
        answer({"success": False, "reason": TAKEN}, 400),
        Answer(400, {}, TAKEN.encode()),
    ],
)
def test_a_taken_email_is_recognised_in_each_shape_of_refusal(said: Answer) -> None:
    assert type(ENERFLO.refusal(said, "create", "ana@example.com")) is errors.AccountExists


PLAIN = "pässwörd 1"
RECORD = b'{"success": true, "data": {"id": 7, "email": "ana@example.com", "phone": "5550100'


@pytest.mark.parametrize(
    ("kind", "charset"),
    [
        ("text/plain; charset=ISO-8859-1", "latin-1"),
        ('text/plain; charset="windows-1252"', "cp1252"),
        ("text/plain; CHARSET=utf-16", "utf-16"),
        ("text/plain; charset=utf-8", "latin-1"),
        ("text/plain; charset=iso-8859-1", "utf-8"),
        ("text/plain; charset=klingon", "utf-8"),
        ("text/plain", "latin-1"),
        ("text/plain", "utf-16"),
        ("text/plain", "utf-16-le"),
        ("application/problem", "utf-16"),
        ("", "utf-8"),
    ],
)
def test_a_password_is_blanked_in_every_charset(kind: str, charset: str) -> None:
    known = Known()
    known.learn(PLAIN)
    said = Answer(422, {"content-type": kind}, f"The password {PLAIN} is weak.".encode(charset))
    told = str(ENERFLO.refusal(said, "create", "ana@example.com", known))
    assert told.startswith("Enerflo ana@example.com: create refused with 422: The password [secret] is weak. ")


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", "text/html", ""])
def test_a_damaged_success_answer_is_not_quoted(kind: str) -> None:
    """Plain text is, whatever the status."""
    refusal = ENERFLO.refusal(Answer(200, {"content-type": kind}, RECORD), "read", "7")
    assert str(refusal).startswith("Enerflo 7: read refused with 200. ")
    text = ENERFLO.refusal(Answer(200, {"content-type": "text/plain"}, b"Down for maintenance"), "read", "7")
    assert str(text).startswith("Enerflo 7: read refused with 200: Down for maintenance. ")


def test_a_refusal_quotes_all_reasons() -> None:
    body = {"message": "Invalid.", "errors": {"phone": ["Too short.", "No digits."], "roles": "Unknown."}}
    refusal = ENERFLO.refusal(answer(body, 400), "create", "ana@example.com")
    assert type(refusal) is errors.InvalidField
    assert str(refusal) == (
        "Enerflo ana@example.com: create refused with 400: Too short. No digits. Unknown. "
        "Correct it in the program and run `pulumi up` again"
    )


def test_the_html_of_a_429_is_not_read() -> None:
    headers = {"content-type": "text/html; charset=UTF-8", "retry-after": "12"}
    said = Answer(429, headers, b"<html>Too Many Requests</html>")
    assert ENERFLO.is_throttled(said)
    refusal = ENERFLO.refusal(said, "update", "7")
    assert type(refusal) is errors.RateLimited
    assert str(refusal) == "Enerflo 7: update refused with 429. Run it again later"


# --- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "given", "fields"),
    [
        pytest.param({"roles": ["Sales Rep"]}, {"office_id", "manager_id"}, [], id="Sales Rep"),
        pytest.param({"roles": ["Setter", "agent"]}, {"office_id"}, [], id="its slug"),
        pytest.param({"roles": ["Setter"]}, {"office_id"}, ["office_id"], id="office"),
        pytest.param({"roles": []}, {"office_id", "manager_id"}, ["manager_id", "office_id"], id="both"),
        pytest.param({"roles": ["Setter"]}, {"office_ids"}, [], id="office_ids"),
        pytest.param({}, {"roles", "office_id"}, [], id="roles not known yet"),
    ],
)
def test_the_ids_of_office_and_manager_belong_to_a_sales_rep(
    values: dict[str, Any], given: set[str], fields: list[str]
) -> None:
    problems = [*ENERFLO.rules(values, frozenset(given | set(values)))]
    assert [problem.field for problem in problems] == fields
    assert all('"Sales Rep"' in problem.reason and problem.field in problem.reason for problem in problems)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (["Sales Rep"], ["sales-rep"], True),
        (["Sales Rep"], ["agent"], True),
        (["Super Admin"], ["supercompany"], True),
        (["Regional Manager", "Setter"], ["setter", "regional_manager"], True),
        (["Office Admin"], ["office-admin"], True),
        (["Sales Rep"], ["setter"], False),
        (["Sales Rep"], ["agent", "setter"], False),
        (["\u00c4rzte"], ["rzte"], False),
        (["\u00c4rzte"], ["\u00e4rzte"], False),
        (["\u55b6\u696d"], ["\u8a2d\u8a08"], False),
        (["\u2605"], ["\u2606"], False),
        (["\u212aeeper"], ["keeper"], False),
    ],
)
def test_roles_are_the_same_by_slug_or_ascii_letters_and_digits(left: list[str], right: list[str], same: bool) -> None:
    assert SCHEMA["roles"].same(left, right) is same
