"""The benchmarks' own parts: the fake vendor, the floor's requests, what is measured, and the results page."""

import argparse
import io
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from benchmarks import backdoor, bench, comparison, contestants, figures, goals, results, tofu
from benchmarks.apis import API_KEY
from benchmarks.backdoor import Seen
from benchmarks.beside import MARKERS, sections
from benchmarks.contestants import Measure
from benchmarks.engine import ran
from benchmarks.figures import Book
from benchmarks.usage import Usage, role_of
from benchmarks.vendor import Vendor
from rich.console import Console

NOTHING = Seen({}, 0, 0, 0, 0, 0, (), 0.0)
ABOUT = {"date": "today", "opentofu": "left out: no Go"}
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


def test_nexudus_returns_the_id_and_replaces_the_whole_record() -> None:
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
    assert figure("requests a create", replace(under, accounts=571)).reached is False, "1,051 for each thousand"
    assert figure("requests a create", replace(under, accounts=572)).reached is True


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
    text = results.markdown(book, found, [], ABOUT, "make bench")
    assert "| date | today |" in text
    assert f"| {USERS} | 1,000 | 100 ms | 1.00 / 2.00 / 3.00 |  | 0.25 |  |  |" in text
    assert "| User, requests of create (1,000) | 2,000 (1,000 create, 1,000 read) | <= 2,012 | ok |" in text
    assert "a / b" in text
    widths = {row.count(" | ") for row in text.splitlines() if row.startswith("| User")}
    assert widths == {3}
    printed = io.StringIO()
    Console(width=200, file=printed).print(results.table("Figures", found))
    assert "2,000 (1,000 create, 1,000 read)" in printed.getvalue()


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="`make bench` brings matplotlib and runs this")
    book = Book([measure(USERS, seconds=each / 10, accounts=each) for each in (100, 1_000, 10_000)])
    results.plot(book, 0.1, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_the_naive_program_can_have_its_class_in_itself() -> None:
    assert "class Provider(dynamic.ResourceProvider)" in contestants.NAIVE_IN_MAIN.program
    assert "benchmarks.naive" not in contestants.NAIVE_IN_MAIN.program


# --- beside OpenTofu --------------------------------------------------------------------------


def beside(rival: comparison.Rival, operation: str = "create", seconds: float = 1, **more: Any) -> Measure:
    values = {"study": comparison.TABLE, "must_work": rival.must_work, **more}
    return measure(rival.name, operation, seconds, **values)


def goal(name: str, *measures: Measure) -> figures.Figure:
    (found,) = [each for each in goals.goals(Book(measures)) if name in each.name]
    return found


@pytest.mark.parametrize(("seconds", "reached"), [(8.5, True), (8.6, False)])
def test_opentofus_seconds_of_the_same_run_are_the_measure(seconds: float, reached: bool) -> None:
    found = goal("Roster, create", beside(comparison.ROSTER, seconds=seconds), beside(comparison.OPENTOFU, seconds=10))
    assert (found.reached, found.target) == (reached, "<= 0.85")
    assert found.value == f"{seconds / 10:.2f} ({seconds} / 10.0 s)"


def test_without_opentofu_nothing_is_compared_with_it() -> None:
    assert goals.goals(Book([beside(comparison.ROSTER)])) == []


def test_under_a_limit_requests_and_throttled_ones_are_goals() -> None:
    paced = beside(comparison.USERS, study=comparison.PACED, accounts=200, kinds={"create": 200, "read": 215})
    idle = replace(paced, operation="no-op", seen=NOTHING)
    assert goal("requests /", paced, idle).value == "1.03 (create: 415 / 403)"
    assert [each.reached for each in goals.goals(Book([paced, idle]))] == [True] * 3
    above = replace(paced, seen=replace(paced.seen, kinds={"create": 416}, limited=1))
    assert (goal("requests /", above).reached, goal("turned away", above).reached) == (False, False)
    assert goal("requests /", replace(idle, seen=paced.seen)).reached is False
    failed = replace(paced, failure="error: no")
    assert goal("all operations", failed).value == "fails: create: error: no"


def test_the_requests_expected_of_nexudus() -> None:
    expected = [goals.expected(operation, 1_000) for operation in comparison.OPERATIONS]
    assert expected == [2_011, 0, 11, 2_000, 2_000]


def test_a_tenfold_stack_has_goals() -> None:
    few = beside(comparison.USERS, usage=Usage({"program": 2.0, "provider": 1.6, "engine": 9.0}))
    many = beside(
        comparison.USERS, seconds=261, accounts=10_000, study=comparison.LARGE, usage=Usage({"program": 24.0})
    )
    assert goal("CPU of the program", few, many).value == "12.0 (24.0 / 2.0 s)"
    create = goal("create of 10,000", few, many)
    assert (create.reached, create.target) == (False, "<= 260 s")
    idle = replace(few, operation="no-op")
    assert goal("CPU of the provider", idle).value == "1.60 ms"


def test_people_from_a_file_have_goals() -> None:
    first = measure(comparison.FILE_NAME, seconds=29, accounts=300, study=comparison.PEOPLE)
    assert goal("at three vendors, create", first).reached is True
    assert goal("at three vendors", replace(first, accounts=20)).reached is None


def test_the_comparison_can_be_read() -> None:
    book = Book(
        [
            *(beside(comparison.ROSTER, seconds=each, kinds={"create": 1_000}) for each in (3, 1, 2)),
            beside(comparison.OPENTOFU, seconds=12, kinds={"create": 1_000}),
            beside(comparison.OPENTOFU, "no-op", failure="Error: code 409"),
            beside(comparison.ROSTER, study=comparison.PACED, accounts=200, seen={"limited": 2}),
        ]
    )
    text = "\n\n".join(sections(book, goals.goals(book), "1.12.6"))
    quoted = text.partition(MARKERS[0])[2].partition(MARKERS[1])[0]
    assert "1,000 accounts, 100 ms an answer:" in quoted
    assert "| create | 2.0 s, 1,000 requests | 12.0 s, 1,000 requests |" in quoted
    assert "| no-op | not measured | fails: Error: code 409 |" in quoted
    assert "200 accounts, 100 ms an answer, at most 300 requests a minute:" in quoted
    assert "| create | 1.0 s, 0 requests, 2 turned away |" in quoted
    assert "| Roster, create of 1,000 at 100 ms / OpenTofu | 0.17 (2.0 / 12.0 s) | <= 0.85 | ok |" in text


def test_without_a_measure_the_page_says_so() -> None:
    assert "Nothing is measured yet." in sections(Book([]), [], "left out: no Go")


def test_the_reason_for_no_opentofu_is_that_of_the_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(tofu.REASON, raising=False)
    assert tofu.missing() == "tofu and terraform-provider-restapi not on PATH"
    monkeypatch.setenv(tofu.REASON, "there is no Go")
    assert (tofu.missing(), tofu.version()) == ("there is no Go", "left out: there is no Go")
    for name in (tofu.COMMAND, tofu.PROVIDER):
        (tmp_path / name).touch(mode=0o755)
    assert tofu.missing() == ""


def test_a_process_is_known_by_its_command() -> None:
    commands = {
        "program": ["python", "-u", "/home/bin/pulumi-language-python-exec", "--monitor", "127.0.0.1:1"],
        "provider": ["python3", "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"],
        "engine": ["pulumi", "up", "--yes"],
    }
    assert {role: role_of(command) for role, command in commands.items()} == {role: role for role in commands}
    assert role_of(["/cache/bin/terraform-provider-restapi"]) == "provider"


def test_what_a_command_uses_is_counted() -> None:
    work = "sum(range(10_000_000)); held = bytearray(64 << 20); import time; time.sleep(0.5)"
    ended = ran([sys.executable, "-c", work], Path(), {})
    assert ended.code == 0
    assert ended.usage.total > 0.05
    assert ended.usage.memory > 64 << 20


def test_opentofu_is_left_out_of_the_plan_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def rivals() -> list[str]:
        steps = bench.steps(bench.only_compared("50"))
        return [each.args[1].name for each in steps if isinstance(each, partial) and each.func is comparison.compared]

    names = [rival.name for rival in (*comparison.RIVALS, *comparison.PACED_RIVALS)]
    monkeypatch.setattr(tofu, "missing", str)
    assert rivals() == names
    monkeypatch.setattr(tofu, "missing", lambda: "there is no Go")
    assert rivals() == [name for name in names if "OpenTofu" not in name]


def test_the_folder_of_the_results_is_made_first(tmp_path: Path) -> None:
    assert bench.folder(str(tmp_path / "new" / "results")).is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(argparse.ArgumentTypeError, match=r"the folder .*file cannot be made \(File exists\)"):
        bench.folder(str(tmp_path / "file"))
