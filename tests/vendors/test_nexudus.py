"""Nexudus: requests built, answers read."""

from typing import Any

import pytest
from pydantic import SecretStr

from seatwise.core.account.state import expand
from seatwise.core.vendor import errors
from seatwise.core.vendor.boundary import Json
from seatwise.core.vendor.http import Answer, Effect, Request
from seatwise.core.vendor.vendor import Limit, Listing
from seatwise.vendors.nexudus import VENDOR, Language, Settings
from vendors.conftest import answer

NEXUDUS = VENDOR(Settings(username="ops@example.com", password=SecretStr("pass-1")))
SCHEMA = NEXUDUS.schema


# --- requests ---------------------------------------------------------------------------------

FLAGS = {
    "clear_avatar_file": "ClearAvatarFile", "is_admin": "IsAdmin", "api_access": "APIAccess",
    "validated": "Validated", "must_reset_password": "MustResetPassword", "on_new_email": "OnNewEmail",
    "on_help_desk_msg": "OnHelpDeskMsg", "on_new_wall_post": "OnNewWallPost", "on_new_member": "OnNewMember",
    "on_profile_changes": "OnProfileChanges", "on_new_blog_comment": "OnNewBlogComment",
    "on_new_event_comment": "OnNewEventComment", "on_tariff_change": "OnTariffChange",
    "on_booking_change": "OnBookingChange", "on_tentative_booking_change": "OnTentativeBookingChange",
    "on_purchases": "OnPurchases", "on_visitor_registration": "OnVisitorRegistration",
    "on_platform_invoices": "OnPlaformInvoices", "receive_community_digest": "ReceiveCommunityDigest",
    "receive_every_message": "ReceiveEveryMessage", "on_access_control_errors": "OnAccessControlErrors",
    "on_member_removed_from_team": "OnMemberRemovedFromTeam",
    "on_virtual_office_tariff_change": "OnVirtualOfficeTariffChange",
    "on_virtual_office_delivery_preference_update": "OnVirtualOfficeDeliveryPreferenceUpdate",
    "on_identity_check_update": "OnIdentityCheckUpdate",
}  # fmt: skip
DATES = {
    "last_access": "LastAccess", "last_received_community_thread_date": "LastReceivedCommunityThreadDate",
    "last_received_community_message_date": "LastReceivedCommunityMessageDate",
    "next_community_digest": "NextCommunityDigest", "last_login_attempt": "LastLoginAttempt",
    "next_help_desk_message_reminder": "NextHelpDeskMessageReminder",
}  # fmt: skip
DOCUMENTED: list[tuple[str, str, Any]] = [
    ("full_name", "FullName", "Ana Ruiz"),
    ("email", "Email", "ana@example.com"),
    ("language", "Language", Language.SPANISH),
    ("password_salt", "PasswordSalt", "salt"),
    ("last_help_visited", "LastHelpVisited", 4),
    ("invalid_login_attempts", "InvalidLoginAttempts", 5),
    ("access_token", "AccessToken", "token"),
    ("preferred_language_id", "PreferredLanguageId", 6),
    ("new_password", "NewPassword", "new one"),
    ("password", "Password", "pass word"),
    ("new_avatar_url", "NewAvatarUrl", "https://example.com/ana.png"),
    ("application_id", "ApplicationId", 7),
    ("active", "Active", False),
    ("devices", "Devices", "phone"),
    ("two_factor_secret", "TwoFactorSecret", "secret"),
    ("email_call_back_guid", "EmailCallBackGuid", "7d6207c0-f423-11e9-8071-89c0c4052141"),
    ("businesses", "Businesses", [1]),
    ("user_roles", "UserRoles", [2]),
    ("chat_rooms", "ChatRooms", [3]),
    ("support_team_user_email", "SupportTeamUserEmail", "bo@example.com"),
    *((argument, wire, True) for argument, wire in FLAGS.items()),
    *((argument, wire, "2026-01-31T09:00:00Z") for argument, wire in DATES.items()),
]
DELTAS: list[tuple[str, list[int], str, list[int]]] = [
    ("added_businesses", [9], "Businesses", [1, 2, 9]),
    ("removed_businesses", [1], "Businesses", [2]),
    ("added_user_roles", [9], "UserRoles", [1, 2, 9]),
    ("removed_user_roles", [1], "UserRoles", [2]),
    ("added_chat_rooms", [9], "ChatRooms", [1, 2, 9]),
    ("removed_chat_rooms", [1], "ChatRooms", [2]),
]
EMPTY = {"PasswordSalt": "", "LastHelpVisited": 0, "InvalidLoginAttempts": 0}
NO_ACTION = {"Password": None, "NewPassword": None, "NewAvatarUrl": None, "ClearAvatarFile": None}


def test_the_tables_have_every_argument() -> None:
    in_tables = {argument for argument, *_ in (*DOCUMENTED, *DELTAS)}
    assert {each.name for each in SCHEMA.arguments()} == {"on_existing", "on_destroy", *in_tables}


@pytest.mark.parametrize(("argument", "wire", "value"), DOCUMENTED, ids=[wire for _, wire, _ in DOCUMENTED])
def test_every_documented_field_can_be_set(argument: str, wire: str, value: Any) -> None:
    required = {"full_name": "Ana", "email": "ana@example.com", "language": 1}
    values, problems = SCHEMA.check(required | {argument: value}, frozenset())
    assert not problems
    given = {argument: values[argument]}
    assert NEXUDUS.request_create(given).json == EMPTY | {wire: value}
    assert NEXUDUS.request_update("7", given, {"Id": 7}).json == {"Id": 7} | EMPTY | NO_ACTION | {wire: value}


@pytest.mark.parametrize(("argument", "items", "wire", "whole"), DELTAS, ids=[argument for argument, *_ in DELTAS])
def test_added_and_removed_items_are_sent_as_the_complete_list(
    argument: str, items: list[int], wire: str, whole: list[int]
) -> None:
    current = {"businesses": [1, 2], "user_roles": [1, 2], "chat_rooms": [1, 2]}
    request = NEXUDUS.request_update("7", expand(SCHEMA, {argument: items}, current), {"Id": 7})
    assert request.json == {"Id": 7} | EMPTY | NO_ACTION | {wire: whole}


def test_a_create_posts_the_values_with_the_vendors_bookkeeping() -> None:
    values = {"full_name": "Ana", "language": 2, "on_existing": "adopt"}
    body = {"FullName": "Ana", "Language": 2} | EMPTY
    assert NEXUDUS.request_create(values) == Request("POST", "/api/sys/users", Effect.CREATE, json=body)


def test_an_update_puts_the_complete_record_without_actions() -> None:
    """Fields that are not declared stay; keys that would start an action are null."""
    record: dict[str, Json] = {
        "Id": 7, "FullName": "Ana", "OnPurchases": True, "PasswordSalt": "salt", "LastHelpVisited": 3,
        "InvalidLoginAttempts": 1, "UserRoles": [77], "SystemId": "own", "Password": "hash", "NewPassword": "x",
        "NewAvatarUrl": "x", "ClearAvatarFile": True,
    }  # fmt: skip
    request = NEXUDUS.request_update("7", {"full_name": "Anna"}, record)
    body = record | NO_ACTION | {"FullName": "Anna"}
    assert request == Request("PUT", "/api/sys/users", Effect.REPEATABLE, json=body)
    assert record["Password"] == "hash"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (NEXUDUS.request_read("7"), Request("GET", "/api/sys/users/7")),
        (NEXUDUS.request_delete("7"), Request("DELETE", "/api/sys/users/7", Effect.REPEATABLE)),
        (NEXUDUS.request_delete("7/8"), Request("DELETE", "/api/sys/users/7%2F8", Effect.REPEATABLE)),
        (
            NEXUDUS.request_page("ana+1@example.com", 2),
            Request("GET", "/api/sys/users", query={"User_Email": "ana+1@example.com", "page": 2, "size": 100}),
        ),
    ],
)
def test_an_account_is_asked_for(request_: Request, expected: Request) -> None:
    assert request_ == expected


def test_the_documented_limits_are_kept() -> None:
    """Sixty writes and 120 requests a minute, ten requests a second."""
    assert NEXUDUS.limits == (Limit(60, 60, writes=True), Limit(120, 60), Limit(1, 0.1))


def test_languages_have_the_vendors_numbers() -> None:
    assert {each.name: each.value for each in Language} == {"ENGLISH_US": 1, "SPANISH": 2, "ENGLISH_UK": 3}


# --- login ------------------------------------------------------------------------------------


BY_PASSWORD = {"grant_type": "password", "username": "ops@example.com", "password": "pass-1"}
BY_REFRESH = {"grant_type": "refresh_token", "refresh_token": "r1"}


@pytest.mark.parametrize(
    ("client_id", "refresh", "headers", "form"),
    [
        (None, None, {}, BY_PASSWORD),
        ("ci", None, {"client_id": "ci"}, BY_PASSWORD),
        (None, "r1", {"client_id": "ops@example.com"}, BY_REFRESH),
        ("ci", "r1", {"client_id": "ci"}, BY_REFRESH),
    ],
)
def test_a_login_is_a_form(
    client_id: str | None, refresh: str | None, headers: dict[str, str], form: dict[str, str]
) -> None:
    vendor = VENDOR(Settings(username="ops@example.com", password=SecretStr("pass-1"), client_id=client_id))
    assert vendor.token() is None
    assert vendor.request_login(refresh) == Request("POST", "/api/token", Effect.LOGIN, headers=headers, form=form)


def test_a_login_whose_user_name_fits_no_header_has_no_refresh() -> None:
    """A refresh names its client in a header, by default the user name."""
    body = {"access_token": "a1", "expires_in": 604799, "refresh_token": "r1"}
    for client_id, refresh in (("seatwise", "r1"), (None, None)):
        settings = Settings(username="jürgen@example.com", password=SecretStr("pass-1"), client_id=client_id)
        assert VENDOR(settings).parse_token(answer(body)).refresh == refresh


def test_a_client_id_that_fits_no_header_is_refused_as_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUDUS_TOKEN", "t")
    monkeypatch.setenv("NEXUDUS_CLIENT_ID", "büro")
    with pytest.raises(errors.SettingsError, match=r"NEXUDUS_CLIENT_ID.* contains characters that do not fit"):
        Settings.load()


def test_a_login_gives_a_bearer_token_that_can_be_refreshed() -> None:
    body = {"access_token": "a1", "token_type": "bearer", "expires_in": 604799, "refresh_token": "r1"}
    token = NEXUDUS.parse_token(answer(body))
    assert (token.headers, token.expires_in, token.refresh) == ({"Authorization": "Bearer a1"}, 604799, "r1")


def test_a_token_from_elsewhere_needs_no_login() -> None:
    token = VENDOR(Settings(token=SecretStr("t1"))).token()
    assert token is not None
    assert (token.headers, token.expires_in) == ({"Authorization": "Bearer t1"}, None)


# --- answers ----------------------------------------------------------------------------------

WRITTEN = {"Status": 200, "Message": "User was successfully created.", "Value": {"Id": 87654321}, "Errors": None}


def test_the_answer_to_a_write_has_the_id_and_not_the_record() -> None:
    said = answer(WRITTEN | {"WasSuccessful": True})
    assert NEXUDUS.is_success(said)
    assert NEXUDUS.parse_created_id(said) == "87654321"
    assert NEXUDUS.parse_record(said) is None


@pytest.mark.parametrize("body", [{"Value": None}, {"Value": {}}, {}, None, [1]], ids=repr)
def test_a_write_may_say_no_id(body: Any) -> None:
    assert NEXUDUS.parse_created_id(answer(body)) is None


def test_a_failure_can_come_with_status_200() -> None:
    assert not NEXUDUS.is_success(answer({"Message": "No.", "WasSuccessful": False}))
    assert not NEXUDUS.is_success(answer(WRITTEN | {"WasSuccessful": True}, 500))


def test_a_record_is_read_without_its_secrets() -> None:
    shown = {
        "Id": 7, "FullName": "Ana Ruiz", "Language": 0, "APIAccess": True, "OnPlaformInvoices": False,
        "UserRoles": [77], "PreferredLanguageId": None, "LastAccess": "2026-01-31T09:00:00Z",
        "TwoFactorEnabled": False, "UniqueId": "u1", "IsNew": False,
    }  # fmt: skip
    secrets = {"Password": None, "PasswordSalt": "s3cret", "AccessToken": "s3cret", "TwoFactorSecret": "s3cret"}
    body = shown | secrets | {"NewAvatarUrl": None}
    record = NEXUDUS.parse_record(answer(body))
    assert record == body
    assert NEXUDUS.parse_id(record) == "7"
    assert SCHEMA.parse(record) == {
        "full_name": "Ana Ruiz", "language": 0, "api_access": True, "on_platform_invoices": False,
        "user_roles": [77], "preferred_language_id": None, "last_access": "2026-01-31T09:00:00Z",
        "two_factor_enabled": False, "unique_id": "u1", "is_new": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "listing"),
    [
        ({"Records": [{"Id": 7}, None], "HasNextPage": True}, Listing([{"Id": 7}, {}], True)),
        ({"Records": [], "HasNextPage": False}, Listing([], False)),
        ({"Records": [{"Id": 7}]}, Listing([{"Id": 7}], False)),
        ({"Records": [], "TotalPages": 0, "TotalItems": 0}, Listing([], False, 0, 0)),
        ({"Records": [{"Id": 7}], "TotalPages": 2, "TotalItems": True}, Listing([{"Id": 7}], False, 2, None)),
        ({"Records": None}, None),
        ([{"Id": 7}], None),
    ],
    ids=["more", "empty", "no word of more", "no pages", "pages", "no records", "no envelope"],
)
def test_a_list_tells_whether_another_page_follows(body: Any, listing: Listing | None) -> None:
    assert NEXUDUS.parse_page(answer(body)) == listing


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        pytest.param(answer({"Message": "Not found"}, 404), True, id="404"),
        pytest.param(answer(None), True, id="200 null"),
        pytest.param(Answer(200, {}, b" "), True, id="200 and nothing"),
        pytest.param(answer({"Id": 7}), False, id="a record"),
        pytest.param(answer({}), False, id="an empty object"),
        pytest.param(answer(None, 401), False, id="401"),
        pytest.param(answer(None, 500), False, id="500"),
    ],
)
def test_only_a_certain_answer_means_that_an_account_is_missing(said: Answer, missing: bool) -> None:
    assert NEXUDUS.is_missing(said) is missing


def invalid(field: str, message: str) -> dict[str, Any]:
    """The body of a 400."""
    error = {"AttemptedValue": None, "Message": message, "PropertyName": field}
    return {"Message": f"{field}: {message}", "Value": None, "Errors": [error], "WasSuccessful": False}


TAKEN = invalid("Email", "is already in use")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(answer(invalid("FullName", "is a required field"), 400), errors.InvalidField, id="another field"),
        pytest.param(answer(invalid("Email", "is a required field"), 400), errors.InvalidField, id="no e-mail"),
        pytest.param(answer(invalid("Email", "is not a valid email"), 400), errors.InvalidField, id="no good e-mail"),
        pytest.param(answer(TAKEN, 400), errors.AccountExists, id="taken e-mail"),
        pytest.param(answer({"Errors": ["Email is bad"]}, 400), errors.InvalidField, id="errors that are texts"),
        pytest.param(answer({"Errors": {"Email": ["bad"]}}, 400), errors.InvalidField, id="errors by field"),
        pytest.param(answer({"Errors": 1}, 400), errors.InvalidField, id="errors that are a number"),
        pytest.param(answer({"Errors": [None, *TAKEN["Errors"]]}, 400), errors.AccountExists, id="one odd"),
        pytest.param(answer({"Message": "Conflict"}, 409), errors.AccountExists, id="conflict"),
        pytest.param(Answer(409, {"retry-after": "5"}), errors.RateLimited, id="throttled"),
        pytest.param(answer({"Message": "No.", "WasSuccessful": False}), errors.VendorBroken, id="200, not successful"),
        pytest.param(answer({"Message": "An error", "Errors": None}, 500), errors.VendorBroken, id="500"),
    ],
)
def test_a_refused_create_is_an_error_of_the_right_class(said: Answer, kind: type[errors.Refused]) -> None:
    assert type(NEXUDUS.refusal(said, "create", "ana@example.com")) is kind


@pytest.mark.parametrize(
    ("message", "is_taken"),
    [
        ("a user with this email already exists", True),
        ("Email ALREADY EXISTS", True),
        ("is already taken", True),
        ("already in use", True),
        ("has already been taken", True),
        ("Is in use.", True),
        ("There is already a user with this e-mail", True),
        ("A user with this e-mail exists", True),
        ("is taken", True),
        ("must be unique", True),
        ("is not unique", True),
        ("The domain does not exist", False),
        ("must be a unique address", True),
        ("The domain doesn't exist", False),
        ("The domain doesn\u2019t exist", False),
        ("This mailbox no longer exists", False),
        ("a user with the e-mail ana@example.net exists", True),
        ("is not in use by a mail server", False),
        ("was mistaken for a name", False),
        ("is not valid: taken@example.com", False),
        ("'unique@example.com' is not a valid e-mail address", False),
        ("unique@example.com: already in use", True),
        ("EmailAlreadyExists:ana@example.com", True),
        ("taken/x@example.com is not valid", False),
        ("None", False),
    ],
)
def test_a_taken_email_is_known_by_the_words_for_it(message: str, is_taken: bool) -> None:
    assert NEXUDUS.is_taken(answer(invalid("Email", message), 400)) is is_taken
    assert not NEXUDUS.is_taken(answer(invalid("FullName", message), 400))


def test_a_refusal_quotes_the_summary_of_what_is_invalid() -> None:
    refusal = NEXUDUS.refusal(answer(invalid("FullName", "is a required field"), 400), "update", "7")
    assert str(refusal) == (
        "Nexudus 7: update refused with 400: FullName: is a required field. "
        "Correct it in the program and run `pulumi up` again"
    )


# --- rules ------------------------------------------------------------------------------------


BOTH_WAYS = {"added_user_roles": [1, 2], "removed_user_roles": [2, 3]}


@pytest.mark.parametrize(
    ("values", "unknown", "fields"),
    [
        pytest.param({"businesses": [1]}, set(), [], id="whole list"),
        pytest.param({"added_businesses": [1], "removed_businesses": [2]}, set(), [], id="deltas"),
        pytest.param({"businesses": [1], "added_user_roles": [1]}, set(), [], id="another list's delta"),
        pytest.param({"businesses": [1], "added_businesses": [2]}, set(), ["businesses"], id="list and added"),
        pytest.param({"chat_rooms": [1], "removed_chat_rooms": [2]}, set(), ["chat_rooms"], id="list and removed"),
        pytest.param({"user_roles": [1]}, {"added_user_roles"}, ["user_roles"], id="list and unknown delta"),
        pytest.param(BOTH_WAYS, set(), ["added_user_roles"], id="both ways"),
    ],
)
def test_a_whole_list_and_its_deltas_exclude_each_other(
    values: dict[str, Any], unknown: set[str], fields: list[str]
) -> None:
    problems = [*NEXUDUS.rules(values, frozenset(values) | unknown)]
    assert [problem.field for problem in problems] == fields
