"""What every vendor does with answers unless it says otherwise, seen through Enerflo."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from seatwise.core.vendor import errors
from seatwise.core.vendor.http import Answer
from seatwise.core.vendor.secrets import Known
from seatwise.core.vendor.vendor import LONGEST_QUOTE, Listing, Token, quote
from seatwise.vendors import vendor_named
from seatwise.vendors.enerflo import Enerflo, Settings

VENDOR = Enerflo(Settings(api_key=SecretStr("key-of-the-tenant")))


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        pytest.param("The phone is too short.", "The phone is too short", id="no full stop"),
        pytest.param(" two\r\n\tlines  ", "two lines", id="one line"),
        pytest.param("a\x1b[31mb\x07\u202ec", "a [31mb c", id="nothing that acts on a terminal"),
        pytest.param("x" * LONGEST_QUOTE, "x" * LONGEST_QUOTE, id="just fits"),
        pytest.param("x" * (LONGEST_QUOTE + 1), "x" * (LONGEST_QUOTE - 1) + "…", id="shortened"),
    ],
)
def test_the_vendors_words_are_fit_for_a_message(words: str, quoted: str) -> None:
    assert quote(words) == quoted


def test_no_half_of_a_secret_is_quoted() -> None:
    known = Known()
    known.learn("pass word")
    answer = Answer(400, {}, json.dumps({"message": "x" * (LONGEST_QUOTE - 5) + "pass word"}).encode())
    assert "pass" not in str(VENDOR.refusal(answer, "update", "7", known))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, errors.VendorBroken),
        (302, errors.VendorBroken),
        (400, errors.InvalidField),
        (401, errors.NotAuthorised),
        (403, errors.NotAuthorised),
        (404, errors.NoSuchAccount),
        (409, errors.Refused),
        (410, errors.NoSuchAccount),
        (418, errors.Refused),
        (422, errors.InvalidField),
        (429, errors.RateLimited),
        (500, errors.VendorBroken),
        (503, errors.VendorBroken),
    ],
)
def test_the_status_says_what_kind_of_refusal_it_is(status: int, kind: type[errors.Refused]) -> None:
    refusal = VENDOR.refusal(Answer(status), "update", "ana@example.com (7)")
    assert type(refusal) is kind
    assert str(refusal).startswith(f"Enerflo ana@example.com (7): update refused with {status}")
    assert refusal.status == status


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("operation", ["look-up", "create"])
def test_a_request_about_no_account_shows_none_missing(operation: str, status: int) -> None:
    refusal = VENDOR.refusal(Answer(status), operation, "users")
    assert type(refusal) is errors.Refused
    assert str(refusal) == f"Enerflo users: {operation} refused with {status}. Check ENERFLO_BASE_URL"


def test_the_quote_in_a_refusal_hides_credentials_and_secrets() -> None:
    answer = Answer(400, {}, b'{"message": "key-of-the-tenant may not\\nset pass word."}')
    known = Known()
    known.learn("pass word", "key-of-the-tenant")
    refusal = VENDOR.refusal(answer, "update", "7", known)
    assert str(refusal).startswith("Enerflo 7: update refused with 400: [secret] may not set [secret]. ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "one", "error": "two"}, "one"),
        ({"Message": "one"}, "one"),
        ({"error": "invalid_grant", "error_description": "Wrong password."}, "Wrong password."),
        ({"error": "one"}, "one"),
        ({"message": "", "detail": "one"}, "one"),
        ({"message": {"code": 1}, "detail": "one"}, "one"),
        ({"code": 1}, ""),
        (["one"], ""),
    ],
)
def test_the_words_are_where_vendors_put_them(body: Any, words: str) -> None:
    assert VENDOR.parse_message(Answer(400, {}, json.dumps(body).encode())) == words


@pytest.mark.parametrize(
    ("status", "headers", "waits"),
    [
        pytest.param(429, {}, True, id="429"),
        pytest.param(503, {"retry-after": "3"}, True, id="503 with Retry-After"),
        pytest.param(503, {}, False, id="503"),
        pytest.param(500, {"retry-after": "3"}, False, id="500 with Retry-After"),
        pytest.param(409, {"retry-after": "3"}, False, id="409 with Retry-After"),
    ],
)
def test_a_request_is_sent_again_when_it_was_turned_away(status: int, headers: dict[str, str], waits: bool) -> None:
    assert VENDOR.is_throttled(Answer(status, headers)) is waits


def test_a_token_shows_no_credential() -> None:
    assert "s3cret" not in repr(Token({"Authorization": "s3cret"}, expires_in=60, refresh="s3cret"))


@pytest.mark.parametrize(
    ("token", "secrets"),
    [
        pytest.param(Token({"Authorization": "Bearer abc"}), ["abc"], id="a scheme is none"),
        pytest.param(Token({"Authorization": "abc", "X-Key": "def"}), ["abc", "def"], id="every header"),
        pytest.param(Token({"X-Key": "abc"}, refresh="def"), ["abc", "def"], id="a refresh token"),
        pytest.param(Token({"X-Key": "abc"}, refresh={"a": "d", "r": "e"}), ["abc", "d", "e"], id="several to refresh"),
        pytest.param(Token({"X-Key": "abc"}, refresh={"a": 7, "r": None}), ["abc"], id="what no answer should hold"),
    ],
)
def test_a_token_knows_the_credentials_in_it(token: Token, secrets: list[str]) -> None:
    assert [*token.secrets()] == secrets


@pytest.mark.parametrize(
    ("body", "page"),
    [
        pytest.param(b'[{"id": 7}, null]', Listing([{"id": 7}, {}]), id="an array"),
        pytest.param(b"[]", Listing([]), id="an empty one"),
        pytest.param(b'{"id": 7}', None, id="an object"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_an_array_is_a_whole_list(body: bytes, page: Listing | None) -> None:
    assert Listing.whole(Answer(200, body=body)) == page


@pytest.mark.parametrize(
    ("said", "is_success", "is_confirmed"),
    [
        pytest.param({"success": True}, True, True, id="yes"),
        pytest.param({"success": False}, False, False, id="no"),
        pytest.param({"success": 1}, True, False, id="another type is no yes"),
        pytest.param({"success": 0}, True, False, id="another type is no no"),
        pytest.param({}, True, False, id="nothing"),
    ],
)
def test_an_answer_says_whether_a_write_was_carried_out(
    said: dict[str, object], is_success: bool, is_confirmed: bool
) -> None:
    answer = Answer(200, body=json.dumps(said).encode())
    assert (VENDOR.is_success(answer), VENDOR.is_confirmed(answer)) == (is_success, is_confirmed)


@pytest.mark.parametrize(
    ("vendor", "singulars"),
    [
        ("enerflo", {"offices": "office"}),
        ("nexudus", {"user_roles": "user role", "businesses": "business"}),
        ("tenovos", {"groups": "group", "roles": "role"}),
    ],
)
def test_the_singular_of_a_list_is_its_kinds_name(vendor: str, singulars: dict[str, str]) -> None:
    assert {name: listed.one for name, listed in vendor_named(vendor).lists.items()} == singulars
