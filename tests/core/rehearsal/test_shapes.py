"""What a report may contain of an answer."""

import json
from typing import Any

import pytest

from seatwise.core.rehearsal.assumptions import NO, YES, Seen, verdict
from seatwise.core.rehearsal.shapes import Shapes
from seatwise.core.vendor.http import Answer, Request
from seatwise.core.vendor.rehearsal import Assumption

KEYS = frozenset(["id", "rate", "ok", "gone", "status", "name", "a", "b", "x509certificates"])
SHAPES = Shapes(frozenset({"enabled"}), KEYS, frozenset({"zyzzyva"}))
OTHER_URN = "urn:ietf:params:scim:schemas:extension:AcmeCorpSecretProject:2.0:User"
URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"id": 7, "rate": 0.5}, {"id": "integer", "rate": "number"}),
        ({"ok": True, "gone": None}, {"ok": True, "gone": None}),
        ({"status": "enabled", "name": "Enabled"}, {"status": "enabled", "name": "string"}),
        ([{"a": 1}, {"a": 2}, {"b": "x"}], {"items": 3, "shapes": [{"a": "integer"}, {"b": "string"}]}),
        ({"ana@example.com": 1}, {"another key": "integer"}),
        ({"7d6207c0-f423-11e9": 1, "1001": 1, "Ana Ruiz": "x"}, {"3 other keys": ["integer", "string"]}),
        ({"jmiller": {"name": 7}, "ID": 1}, {"ID": "integer", "another key": {"name": "integer"}}),
        ({"urn:acme:2.0:User": 1, URN: {}, "x509Certificates": []},
         {"another schema": "integer", URN: {}, "x509Certificates": {"items": 0, "shapes": []}}),
        ({OTHER_URN: {"desk": "7"}, "urn:b": {"desk": "8"}}, {"2 other schemas": {"another key": "string"}}),
    ],
    ids=str,
)  # fmt: skip
def test_a_shape_has_keys_and_types_and_no_value(value: Any, shape: object) -> None:
    assert SHAPES.shape(value) == shape


@pytest.mark.parametrize(
    ("body", "label", "shape"),
    [
        (b"", "application/json", "empty"),
        (b"<html>Zyzzyva</html>", "text/html; charset=UTF-8", "html"),
        (b"Zyzzyva", "text/plain", "text"),
        (b'{"id": 1', "application/json", "text"),
        (b'"Zyzzyva"', "application/json", "string"),
    ],
)
def test_an_answer_that_is_no_object_is_named_by_its_kind(body: bytes, label: str, shape: str) -> None:
    headers = {"content-type": label, "x-zyzzyva": "1", "x-request-id": "Zyzzyva"}
    found = SHAPES.exchange(Request("GET", "/zyzzyva/1"), Answer(418, headers, body))
    assert (found.method, found.status, found.body) == ("GET", 418, shape)
    assert found.headers == ("*", "content-type", "x-request-id")
    assert "zyzzyva" not in json.dumps([found.headers, found.body]).lower()


@pytest.mark.parametrize(
    ("assumed", "seen", "expected"),
    [
        ((YES,), Seen(YES, "200"), "as assumed"),
        ((YES,), Seen(NO), "differs"),
        (("kept", "not shown"), Seen("not shown"), "as assumed"),
        ((), Seen(NO), "noted"),
        ((YES,), None, "not tried"),
    ],
)
def test_a_verdict_compares_the_answer_and_not_its_detail(
    assumed: tuple[str, ...], seen: Seen | None, expected: str
) -> None:
    assert verdict(Assumption("a point", assumed), seen) == expected
