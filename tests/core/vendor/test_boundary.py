"""What a vendor answered, made safe."""

import json
import math
from typing import Any

import pytest

from seatwise.core.vendor.boundary import (
    DEEPEST,
    LONGEST_TEXT,
    MOST_DIGITS,
    SIGNATURE,
    UNKNOWN,
    Unfit,
    decoded,
    is_sound,
    restored,
)

DEEP = b'{"a": ' * 100 + b"1" + b"}" * 100


def members(body: bytes) -> dict[str, Any]:
    """What is read of an object."""
    value = decoded(body)
    assert isinstance(value, dict)
    return value


def read(text: bytes) -> Any:
    """What is read of an object with this value under `x`."""
    return members(b'{"x": ' + text + b', "y": 1}')["x"]


@pytest.mark.parametrize(
    "text",
    [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * (MOST_DIGITS + 1), b"9" * 10_000, b'"' + b"a" * 70_000 + b'"'],
    ids=["NaN", "infinity", "minus infinity", "1e999", "301 digits", "10,000 digits", "a long text"],
)
def test_a_value_that_is_not_safe_cannot_be_read(text: bytes) -> None:
    assert isinstance(read(text), Unfit)
    assert not read(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(rb'"Ana \ud83d"', "Ana �", id="a lone surrogate"),
        pytest.param(rb'"Ana \ud83d\ude00"', "Ana 😀", id="a pair of them"),
        pytest.param(b"0.1", 0.1, id="a fraction"),
        pytest.param(b"9" * MOST_DIGITS, int("9" * MOST_DIGITS), id="many digits"),
        pytest.param(b'"' + b"a" * LONGEST_TEXT + b'"', "a" * LONGEST_TEXT, id="the longest text"),
        pytest.param(f'"{sorted(UNKNOWN)[0]}"'.encode(), f"�{sorted(UNKNOWN)[0]}", id="the engine's unknown"),
        pytest.param(f'{{"{SIGNATURE}": 1}}'.encode(), {f"�{SIGNATURE}": 1}, id="the engine's signature"),
        pytest.param(f'[[{{"a": {{"{SIGNATURE}": 1}}}}]]'.encode(), [[{"a": {f"�{SIGNATURE}": 1}}]], id="deep inside"),
    ],
)
def test_what_can_be_read_is_safe(text: bytes, value: Any) -> None:
    assert read(text) == value
    assert is_sound(read(text)) is ("�" not in repr(value))


def test_what_is_deeper_than_any_account_is_left_out_alone() -> None:
    value = members(b'{"deep": ' + DEEP + b', "flat": 1}')
    assert value["flat"] == 1
    for _ in range(DEEPEST):
        value = value["deep" if "deep" in value else "a"]
    assert isinstance(value, Unfit)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000, b"1" * 10_000, b"NaN", b'{"a": 1', b""])
def test_a_body_that_cannot_be_read_at_all_is_none(body: bytes) -> None:
    assert decoded(body) is None


@pytest.mark.parametrize(
    "text",
    [rb'"Ana \ud83d"', f'{{"{SIGNATURE}": ["{sorted(UNKNOWN)[0]}"]}}'.encode(), DEEP, b'"' + b"a" * 70_000 + b'"'],
    ids=["a lone surrogate", "the engine's own words", "deep", "long"],
)
def test_what_is_sent_back_is_as_it_came(text: bytes) -> None:
    whole, lost = restored(members(b'{"x": ' + text + b"}"))
    assert json.dumps(whole["x"]) == json.dumps(json.loads(text))
    assert lost == []


@pytest.mark.parametrize(
    "text", [b"NaN", b"1e999", b'[{"a": Infinity}]', b"9" * 400, b'{"a": ' * 40 + b"NaN" + b"}" * 40]
)
def test_a_number_that_json_lacks_becomes_null_and_is_named(text: bytes) -> None:
    whole, lost = restored(members(b'{"x": ' + text + b', "y": 1}'))
    y: Any = whole["y"]
    assert lost == ["x"]
    assert "null" in json.dumps(whole, allow_nan=False)
    assert not math.isnan(y)
