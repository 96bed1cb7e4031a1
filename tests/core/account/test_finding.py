"""What is made of a whole list; finding one account is tested with the days on which it is hard to."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from seatwise.core.account import finding
from seatwise.core.vendor.errors import VendorBroken
from seatwise.core.vendor.http import Answer, Request
from seatwise.vendors.tenovos import Settings, Tenovos

TENOVOS = Tenovos(
    Settings(base_url="http://127.0.0.1", api_key="k", username="u", password="p", api_version="1.5")  # type: ignore[arg-type]
)
pytestmark = pytest.mark.anyio
ANA, BEN = {"userId": "1", "emailId": "ana@example.com"}, {"userId": "2", "emailId": "ben@example.com"}
NOBODY = {"emailId": "x@example.com"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("listed", "count", "found", "warnings"),
    [
        pytest.param([ANA, BEN], 2, ["1", "2"], [], id="all"),
        pytest.param([ANA, ANA], 2, ["1"], ["1 accounts are listed and 2 are counted"], id="one-twice"),
        pytest.param([ANA, BEN], 3, ["1", "2"], ["2 accounts are listed and 3 are counted"], id="one-lacks"),
        pytest.param([ANA, NOBODY], 2, ["1"], ["1 of 2 listed accounts have no id"], id="one-without-an-id"),
        pytest.param([ANA, NOBODY], 1, ["1"], ["1 of 2 listed accounts have no id"], id="one-without-an-id-uncounted"),
        pytest.param([ANA, None, 7], 3, ["1"], ["2 of 3 listed accounts have no id"], id="some-that-are-no-objects"),
        pytest.param([NOBODY, NOBODY], 2, [], ["2 of 2 listed accounts have no id"], id="all-without-an-id"),
    ],
)
async def test_everyone_is_there_once_and_who_may_lack_is_told(
    listed: list[Any], count: int, found: list[str], warnings: list[str]
) -> None:
    told: list[str] = []
    tenant = a_tenant(listed, count, told.append)
    assert [each["userId"] async for each in finding.everyone(tenant, lambda _, email: True)] == found
    assert told == [f"Tenovos: {text}: some accounts may be missing here; run it again" for text in warnings]


@pytest.mark.parametrize(
    ("listed", "count", "problem"),
    [
        pytest.param([ANA, BEN], 3, "2 accounts are listed and 3 are counted", id="one-lacks"),
        pytest.param([ANA, BEN, NOBODY], 3, "1 of 3 listed accounts have no id", id="one-without-an-id"),
        pytest.param([ANA, BEN, None], 3, "1 of 3 listed accounts have no id", id="one-that-is-no-object"),
    ],
)
async def test_an_audit_does_without_a_list_that_may_lack_somebody(listed: list[Any], count: int, problem: str) -> None:
    everyone = finding.everyone(a_tenant(listed, count, print), lambda _, email: True, must_be_whole=True)
    with pytest.raises(VendorBroken, match=f"Tenovos: {problem}: some accounts may be missing here"):
        [each async for each in everyone]


def a_tenant(listed: list[Any], count: int, warn: Callable[[str], None]) -> Any:
    """A tenant whose list is one page with these, and counts so many."""

    async def send(_: Request) -> Answer:
        return Answer(200, {}, json.dumps({"data": listed, "count": count}).encode())

    async def each(_: Any, pages: Any) -> None:
        assert list(pages) == []

    return SimpleNamespace(unreadable_reported=set(), vendor=TENOVOS, send=send, each=each, warn=warn)
