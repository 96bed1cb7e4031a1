"""The benchmarks' own parts: the fake vendor's counts, the floor's requests, and the results page."""

import io
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from benchmarks import backdoor, contestants, figures, results
from benchmarks.apis import API_KEY
from benchmarks.backdoor import Seen
from benchmarks.contestants import Measure
from benchmarks.figures import Book
from benchmarks.vendor import Vendor
from rich.console import Console

NOTHING = Seen({}, 0, 0, 0, 0, 0, (), 0.0)
ABOUT = {"date": "today"}
Http = httpx.AsyncClient


def at_the_vendor(work: Callable[[Http], Awaitable[None]]) -> None:
    """Run a function with a client of a fake vendor in this process."""

    async def run() -> None:
        transport = httpx.ASGITransport(Vendor())
        headers = {"api-key": API_KEY, "authorization": f"Bearer {API_KEY}"}
        async with Http(transport=transport, base_url="http://vendor", headers=headers) as http:
            await work(http)

    anyio.run(run)


async def seen(http: Http) -> Seen:
    return Seen.of((await http.get("/bench/counts")).json())


async def post(http: Http, email: str = "ana@example.com") -> httpx.Response:
    return await http.post("/api/v1/users", json={"email": email, "first_name": "Ana", "roles": ["Setter"]})


# --- the fake vendor --------------------------------------------------------------------------


def test_the_vendor_makes_reads_lists_and_changes_accounts() -> None:
    async def work(http: Http) -> None:
        made = [(await post(http, f"{n}@example.com")).json()["user"]["id"] for n in range(3)]
        assert made == [1, 2, 3]
        await http.put("/api/v3/users", json={"id": "2", "active": False})
        assert (await http.get("/api/v3/users/2")).json()["data"]["meta"]["inactive"] is True
        assert (await http.get("/api/v3/users/2")).json()["data"]["roles"] == ["setter"]
        page = (await http.get("/api/v3/users", params={"page": 2, "pageSize": 2})).json()
        assert [page["page"], page["totalPages"], [user["id"] for user in page["results"]]] == [2, 2, [3]]
        assert (await http.get("/api/v3/users/4")).status_code == 404
        assert (await http.put("/api/v3/users", json={"id": "x", "active": False})).status_code == 404
        assert (await http.get("/api/v3/users/1", headers={"api-key": "no"})).status_code == 401

    at_the_vendor(work)


def test_nexudus_answers_a_write_with_the_id_and_takes_the_whole_record() -> None:
    async def work(http: Http) -> None:
        for number in range(1, 4):
            body = {"FullName": "Ana Ruiz", "Email": f"{number}@example.com", "IsAdmin": True, "UserRoles": [77]}
            made = (await http.post("/api/sys/users", json=body)).json()
            assert (made["WasSuccessful"], made["Value"]) == (True, {"Id": number})
        await http.put("/api/sys/users", json={"Id": 2, "FullName": "Anna Ruiz", "Email": "2@example.com"})
        read = (await http.get("/api/sys/users/2")).json()
        assert [read[each] for each in ("Id", "FullName", "UserRoles", "Active")] == [2, "Anna Ruiz", [], True]
        await http.delete("/api/sys/users/1")
        assert (await http.get("/api/sys/users/1")).status_code == 404
        assert (await http.put("/api/sys/users", json={"Id": 1})).status_code == 404
        page = (await http.get("/api/sys/users", params={"page": 2, "size": 1})).json()
        assert [each["Id"] for each in page["Records"]] == [3]
        assert "UserRoles" not in page["Records"][0], "lists show a part of the record"
        assert (page["TotalItems"], page["TotalPages"], page["HasNextPage"]) == (2, 2, False)
        found = (await http.get("/api/sys/users", params={"User_Email": "3@example.com"})).json()
        assert [each["Id"] for each in found["Records"]] == [3]
        assert (await http.get("/api/sys/users/2", headers={"authorization": "no"})).status_code == 401
        assert (await seen(http)).kinds == {"create": 3, "read": 3, "update": 2, "delete": 1, "list": 2}

    at_the_vendor(work)


def test_nexudus_throttles_with_a_409() -> None:
    async def work(http: Http) -> None:
        await http.post("/bench/options", json={"per_minute": 1})
        answers = [await http.get("/api/sys/users") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 409]
        assert (answers[1].content, int(answers[1].headers["retry-after"]) > 0) == (b"", True)

    at_the_vendor(work)


def test_the_vendor_counts_by_kind_and_from_the_last_switch_on() -> None:
    async def work(http: Http) -> None:
        await post(http)
        await http.post("/bench/options", json={})
        await post(http)
        await post(http, "ANA@example.com")
        await http.get("/api/v3/users")
        await http.get("/api/v3/users/1")
        await http.put("/api/v3/users", json={"id": 1, "first_name": "Anna"})
        counted = await seen(http)
        assert counted.kinds == {"create": 2, "list": 1, "read": 1, "update": 1}
        assert (counted.requests, counted.writes, counted.duplicates) == (5, 3, 2)
        await http.post("/bench/reset")
        assert await seen(http) == NOTHING

    at_the_vendor(work)


def test_every_so_manieth_request_is_refused_and_not_carried_out() -> None:
    async def work(http: Http) -> None:
        await http.post("/bench/options", json={"fail_every": 3})
        assert [(await post(http)).status_code for _ in range(6)] == [200, 200, 503, 200, 200, 503]
        counted = await seen(http)
        assert (counted.kinds["create"], counted.unavailable, counted.duplicates) == (6, 2, 3)

    at_the_vendor(work)


def test_a_request_above_the_limit_is_throttled() -> None:
    async def work(http: Http) -> None:
        await http.post("/bench/options", json={"per_minute": 2})
        answers = [await post(http) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[2].headers["retry-after"]) <= 60
        counted = await seen(http)
        assert (counted.limited, counted.served) == (1, (2,))

    at_the_vendor(work)


def test_answers_take_their_time_all_at_once() -> None:
    async def work(http: Http) -> None:
        await http.post("/bench/options", json={"latency": 0.05})
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(post, http)
        counted = await seen(http)
        assert counted.most_in_flight == 8
        assert 0.05 <= counted.work < 8 * 0.05

    at_the_vendor(work)


# --- the floor --------------------------------------------------------------------------------


def silent(text: str) -> AbstractContextManager[None]:
    return nullcontext()


def test_the_floor_sends_one_request_an_account() -> None:
    pytest.importorskip("aiohttp", reason="`make bench` brings aiohttp and runs this")
    with backdoor.running() as vendor:
        found = list(contestants.floors(20, 0.02, 4, vendor, silent))
    assert [(each.operation, dict(each.seen.kinds)) for each in found] == [
        ("create", {"create": 20}),
        ("refresh", {"read": 20}),
        (contestants.UPDATE, {"update": 1}),
        ("retire", {"update": 20}),
    ]
    assert {each.seen.duplicates for each in found} == {0}
    assert (found[0].seen.connections, found[0].seen.most_in_flight) == (4, 4)


# --- what the measures say --------------------------------------------------------------------


def measure(contestant: str, operation: str = "create", seconds: float = 1, **more: Any) -> Measure:
    work, kinds = more.pop("work", seconds), more.pop("kinds", {})
    seen = replace(NOTHING, work=work, kinds=kinds, **more.pop("seen", {}))
    values = {"accounts": 1_000, "latency": 0.1, **more}
    return Measure(contestant, operation, seconds=seconds, seen=seen, **values)


def figure(name: str, *measures: Measure) -> figures.Figure:
    (found,) = [each for each in figures.figures(Book(measures)) if name in each.name]
    return found


USERS, ROSTER = contestants.USERS.name, contestants.ROSTER.name
FLOOR, IDLE = contestants.floor_name(16), contestants.IDLE_ROSTER.name


@pytest.mark.parametrize(("seconds", "reached"), [(16.0, True), (16.5, False)])
def test_a_roster_is_held_against_the_floor_and_the_engine_alone(seconds: float, reached: bool) -> None:
    measures = [measure(ROSTER, seconds=seconds), measure(FLOOR, seconds=6), measure(IDLE, seconds=2)]
    found = figure("(aiohttp + engine alone)", *measures)
    assert (found.reached, found.target) == (reached, "<= 2")
    assert figure("not allowed for", *measures).reached is None


def test_of_repeats_the_median_counts_and_a_failure_does_not() -> None:
    book = Book([measure(USERS, seconds=each) for each in (3, 1, 9)] + [measure(USERS, seconds=99, failure="no")])
    assert book.middle(USERS, "create", 1_000) == 3
    assert book.middle(USERS, "create", 100) is None
    assert [each.seconds for each in book.failed()] == [99]


@pytest.mark.parametrize(("seconds", "reached"), [(25.9, True), (26.1, False)])
def test_a_rivals_seconds_are_a_limit(seconds: float, reached: bool) -> None:
    found = figure("OpenTofu", measure(ROSTER, seconds=seconds, kinds={"create": 1_000}))
    assert (found.reached, found.target, found.value) == (reached, "<= 26 s", f"{seconds} s, 1,000 requests")


def test_requests_are_held_against_the_targets() -> None:
    assert figures.most_requests("create", 1_000) == 2_012
    assert figures.most_requests("refresh", 1_001) == 13
    assert figures.most_requests(contestants.UPDATE, 1_000) == 10
    assert figure("requests of create", measure(USERS, kinds={"create": 1_000, "list": 1_013})).reached is False
    assert figure("requests of no-op", measure(USERS, "no-op")).reached is True


def test_under_a_limit_only_whole_minutes_count() -> None:
    seen = {"served": (300, 290, 5), "limited": 5}
    under = measure(USERS, contestants.limited_name(300), kinds={"create": 600}, seen=seen)
    assert figure("throughput", under).value.startswith("0.97 of it, over 2 x 60 s")
    assert figure("share of 429s", under).reached is True


def test_a_failure_of_the_naive_program_is_a_result() -> None:
    name = contestants.NAIVE.name
    failed = measure(name, failure="RecursionError", must_work=False, kinds={"create": 961}, known=7)
    assert "961 accounts, the state knows 7: RecursionError" in figure(name, failed).value
    assert Book([failed]).failed() == []


def test_results_can_be_read() -> None:
    book = Book(
        [
            *(measure(USERS, seconds=each, kinds={"create": 1_000, "read": 1_000}) for each in (3, 1, 2)),
            measure(USERS, "refresh", 0.25),
            measure(contestants.NAIVE.name, failure="a | b", must_work=False),
        ]
    )
    found = figures.figures(book)
    text = results.markdown(book, found, ABOUT, "make bench")
    assert "| date | today |" in text
    assert f"| {USERS} | 1,000 | 100 ms | 1.00 / 2.00 / 3.00 |  | 0.25 |  |  |" in text
    assert "| User, requests of create (1,000) | 2,000 (1,000 create, 1,000 read) | <= 2,012 | ok |" in text
    assert "a / b" in text
    widths = {row.count(" | ") for row in text.splitlines() if row.startswith("| User")}
    assert widths == {3}
    printed = io.StringIO()
    Console(width=200, file=printed).print(results.table(found))
    assert "2,000 (1,000 create, 1,000 read)" in printed.getvalue()


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="`make bench` brings matplotlib and runs this")
    book = Book([measure(USERS, seconds=each / 10, accounts=each) for each in (100, 1_000, 10_000)])
    results.plot(book, 0.1, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_the_naive_program_can_have_its_class_in_itself() -> None:
    assert "class Provider(dynamic.ResourceProvider)" in contestants.NAIVE_IN_MAIN.program
    assert "benchmarks.naive" not in contestants.NAIVE_IN_MAIN.program
