"""One HTTP exchange as two values."""

from typing import Any

import pytest

from seatwise.core.vendor.errors import InvalidAccount
from seatwise.core.vendor.http import Answer, Request, identifier, segment


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("../x", "..%2Fx"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("7\r\nHost: elsewhere", "7%0D%0AHost%3A%20elsewhere"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b", "a%5Cb"),
        ("ana+1@example.com", "ana%2B1%40example.com"),
        ("ñ", "%C3%B1"),
        ("a.b-c_d~e", "a.b-c_d~e"),
        (42, "42"),
    ],
)
def test_a_path_segment_cannot_lead_elsewhere(text: str | int, encoded: str) -> None:
    assert segment(text) == encoded


@pytest.mark.parametrize("text", ["", ".", "..", "..."])
def test_a_segment_that_urls_resolve_away_is_refused(text: str) -> None:
    with pytest.raises(InvalidAccount, match="an id cannot be empty or made of dots"):
        segment(text)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(429, {"content-type": "text/html; charset=UTF-8"}, b"<!DOCTYPE html>"), id="HTML"),
        pytest.param(Answer(200, {"content-type": "text/html"}, b"1"), id="said to be HTML, and no object"),
        pytest.param(Answer(502, {}, b"<html></html>"), id="HTML without a type"),
        pytest.param(Answer(200), id="empty"),
        pytest.param(Answer(200, {}, b'{"id": 1'), id="truncated"),
        pytest.param(Answer(200, {}, b"[" * 200_000), id="deep"),
        pytest.param(Answer(200, {}, b'{"id": "\xff\xfe'), id="no text"),
        pytest.param(Answer(200, {}, b"1" * 10_000), id="a number without end"),
    ],
)
def test_a_body_that_is_no_json_is_no_answer(answer: Answer) -> None:
    assert answer.json is None
    assert answer.object == {}


def test_json_under_a_wrong_label_is_read() -> None:
    for label in ("text/html", "text/plain", "application/scim+json", ""):
        assert Answer(200, {"content-type": label}, b'{"id": 1}').object == {"id": 1}


@pytest.mark.parametrize(
    ("body", "json", "object"),
    [
        (b'{"id": 1}', {"id": 1}, {"id": 1}),
        (b'\xef\xbb\xbf{"id": 1}', {"id": 1}, {"id": 1}),
        (b"[1, 2]", [1, 2], {}),
        (b"null", None, {}),
        (b'"done"', "done", {}),
    ],
    ids=["object", "object with a BOM", "list", "null", "text"],
)
def test_a_body_is_an_object_only_if_it_is_one(body: bytes, json: Any, object: dict[str, Any]) -> None:
    answer = Answer(200, {"content-type": "application/json"}, body)
    assert answer.json == json
    assert answer.object == object


def test_the_repr_of_a_request_or_an_answer_shows_no_secret() -> None:
    request = Request("POST", "/users", headers={"k": "s3cret"}, json={"k": "s3cret"}, form={"k": "s3cret"})
    answer = Answer(200, {"set-cookie": "s3cret"}, b"s3cret")
    assert "/users" in repr(request)
    assert "s3cret" not in repr(request)
    assert "s3cret" not in repr(answer)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (7, "7"),
        ("u1", "u1"),
        (0, None),
        ("", None),
        (None, None),
        (True, None),
        (1.5, None),
        ({}, None),
        (["u1"], None),
    ],
)
def test_an_id_is_a_text_or_a_whole_number(value: Any, found: str | None) -> None:
    assert identifier(value) == found


def test_an_id_of_bytes_that_are_no_text_is_refused() -> None:
    with pytest.raises(InvalidAccount, match="the id has bytes that are not text"):
        segment("\udcff")
