"""What is made of a whole list; finding one account is tested with the days on which it is hard to."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from seatwise.core.account import finding
from seatwise.core.account.account_list import accounts, pages
from seatwise.core.account.list_cache import is_coherent
from seatwise.core.vendor.errors import Refused, VendorBroken
from seatwise.core.vendor.http import Answer, Request
from seatwise.core.vendor.secrets import Vault
from seatwise.core.vendor.vendor import Listing, Paged
from seatwise.vendors import enerflo
from seatwise.vendors.tenovos import Settings, Tenovos
from virtual import World, answered

TENOVOS = Tenovos(
    Settings(base_url="http://127.0.0.1", api_key="k", username="u", password="p", api_version="1.5")  # type: ignore[arg-type]
)
ENERFLO = enerflo.VENDOR(enerflo.Settings(api_key=SecretStr("key-1")))
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


# --- pages by whatever the vendor gives -------------------------------------------------------


def by_index(query: dict[str, Any]) -> Listing:
    """A server that caps pages at three records, and counts from 1."""
    start = int(query["start"])
    shown = [{"id": number} for number in range(start, min(start + 3, 8))]
    return Listing(shown, total=7, pages=3, next={"start": start + 3} if start + 3 < 8 else None)


def by_its_own_index(query: dict[str, Any]) -> Listing:
    """A server that counts all records, and does not say where a page begins."""
    shown = range(query["start"], min(query["start"] + 3, 8))
    return Listing([{"id": number} for number in shown], more=True, total=7, index="start")


def by_cursor(query: dict[str, Any]) -> Listing:
    """A server with cursors, one of whose pages is empty."""
    shown, after = {"": ([1, 2], "b"), "b": ([], "c"), "c": ([3], None)}[str(query.get("cursor", ""))]
    return Listing([{"id": number} for number in shown], next={"cursor": after} if after else None)


def for_ever(query: dict[str, Any]) -> Listing:
    """A server whose cursor always leads to the same page."""
    return Listing([{"id": 1}], next={"cursor": "a"})


def in_a_circle(query: dict[str, Any]) -> Listing:
    """A server whose last page leads to the second one again."""
    number, after = {"": (1, "b"), "b": (2, "c"), "c": (3, "b")}[str(query.get("cursor", ""))]
    return Listing([{"id": number}], next={"cursor": after})


@pytest.mark.parametrize(
    ("server", "ids", "requests"),
    [
        (by_index, [1, 2, 3, 4, 5, 6, 7], [{"start": 1}, {"start": 4}, {"start": 7}]),
        (by_cursor, [1, 2, 3], [{"start": 1}, {"start": 11, "cursor": "b"}, {"start": 21, "cursor": "c"}]),
        (
            in_a_circle,
            [1, 2, 3, 2],
            [
                {"start": 1},
                {"start": 11, "cursor": "b"},
                {"start": 21, "cursor": "c"},
                {"start": 31, "cursor": "b"},
            ],
        ),
        (for_ever, [1, 1], [{"start": 1}, {"start": 11, "cursor": "a"}]),
        (by_its_own_index, [1, 2, 3, 4, 5, 6, 7], [{"start": 1}, {"start": 4}, {"start": 7}]),
    ],
)
async def test_the_next_page_is_asked_for_as_the_one_before_it_says(
    server: Callable[[dict[str, Any]], Listing], ids: list[int], requests: list[dict[str, Any]]
) -> None:
    sent: list[dict[str, Any]] = []

    async def send(request: Request) -> Answer:
        sent.append(dict(request.query))
        return Answer(200)

    of = Paged(
        ask=lambda number: Request("GET", "/users", query={"start": number * 10 - 9}),
        read=lambda answer: server(sent[-1]),
    )
    records, _ = await pages(cast(Any, SimpleNamespace(send=send)), of)
    assert [each["id"] for each in records] == ids
    assert sent == requests


@pytest.mark.parametrize(
    ("after_the_last", "is_always_whole", "changes"),
    [
        pytest.param(200, False, False, id="an empty page follows"),
        pytest.param(404, False, False, id="a page that is not there is refused"),
        pytest.param(400, False, False, id="a number that is too high is refused"),
        pytest.param(200, True, False, id="there are no pages"),
        pytest.param(200, True, True, id="there are no pages, and the records change"),
    ],
)
async def test_a_short_page_without_counts_need_not_be_the_last(
    after_the_last: int, is_always_whole: bool, changes: bool
) -> None:
    """A server may make its pages smaller than it was asked to."""

    async def send(request: Request) -> Answer:
        page = int(str(request.query["page"]))
        begin = 0 if is_always_whole else 3 * (page - 1)
        shown = [{"id": number} for number in range(begin + 1, 8 if is_always_whole else min(begin + 4, 8))]
        shown = [each | {"last_seen": page} for each in shown] if changes else shown
        return Answer(200 if shown else after_the_last, {}, json.dumps({"results": shown}).encode())

    records, total = await pages(
        cast(Any, SimpleNamespace(vendor=ENERFLO, send=send, vault=Vault())), accounts(ENERFLO)
    )
    assert ([each["id"] for each in records], total) == ([1, 2, 3, 4, 5, 6, 7], None)


async def test_a_list_that_moves_between_two_pages_is_no_proof() -> None:
    """The last account comes first meanwhile, and the last page shows another one again."""

    async def send(request: Request) -> Answer:
        shown = {1: range(1, 101), 2: [100]}.get(int(str(request.query["page"])), [])
        return Answer(200, {}, json.dumps({"results": [{"id": each} for each in shown]}).encode())

    records, total = await pages(
        cast(Any, SimpleNamespace(vendor=ENERFLO, send=send, vault=Vault())), accounts(ENERFLO)
    )
    assert not is_coherent(ENERFLO, records, total)


@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_a_page_that_cannot_be_had_does_not_end_a_list(status: int) -> None:
    async def send(request: Request) -> Answer:
        is_first = request.query["page"] == 1
        return Answer(200 if is_first else status, {}, b'{"results": [{"id": 1}]}' if is_first else b"")

    with pytest.raises(Refused, match=f"look-up refused with {status}"):
        await pages(cast(Any, SimpleNamespace(vendor=ENERFLO, send=send, vault=Vault())), accounts(ENERFLO))


@pytest.mark.anyio
async def test_a_count_of_pages_has_a_limit() -> None:
    async with World("nexudus") as world:
        body = {"Records": [{"Id": 1, "Email": "ana@example.com"}], "TotalItems": 10**9, "TotalPages": 10**9}
        counted = answered(200, json.dumps(body).encode(), carried_out=False)
        world.hazard = lambda kind: counted if kind == "list" else None
        with pytest.raises(VendorBroken, match="the list does not end after 10,000 pages"):
            [each async for each in finding.everyone(world.tenant, lambda record: True)]
