"""Whole teams: every vendor, in virtual time, over the sandbox's own table."""

import json
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from math import ceil
from typing import Any

import anyio
import httpx
import pytest

from conftest import by_vendor, by_vendor_and
from seatwise.core.account.properties import OWNER
from seatwise.core.account.resuming import LOST_CREATE_BACKOFF_S
from seatwise.core.team import plan as team
from seatwise.core.team.properties import LEAVING
from seatwise.core.team.work import MOST_FAILURES_IN_A_ROW, PROGRESS_INTERVAL_S
from seatwise.dynamic.rosters import Rosters
from seatwise.dynamic.users import Users
from seatwise.sandbox.server import STAND_INS
from seatwise.vendors import names
from seatwise.wire.settings import RunSettings
from teams import (
    Arguments,
    Roster,
    Stack,
    a_member,
    a_team,
    active,
    by_name,
    counted,
    name_of,
    takes_new_passwords,
    without,
)
from virtual import (
    Fault,
    Sent,
    World,
    answered,
    cannot_connect,
    killed_after,
    killed_before,
    lost_after,
    out_of_trouble,
)
from virtual import lost_before as lost

pytestmark = pytest.mark.anyio
PAGE = 100
MANY = 101
"""Members: more than a page holds."""
SOME = 30
"""Members: more than are at work at once."""


# --- a stack with teams in it -----------------------------------------------------------------


def set_by_hand(world: World, account: str, **fields: Any) -> None:
    record = world.accounts[account] | fields
    world.store.replace(world.name, account, world.email(record), record)


def about(request: httpx.Request, accounts: Iterable[str], emails: Iterable[str]) -> bool:
    """Whether a request is about one of these."""
    body = json.loads(request.content) if request.content else {}
    said = {str(body.get(key)) for key in ("id", "Id", "email", "Email", "userName")} | {
        request.url.path.rpartition("/")[2]
    }
    return not said.isdisjoint({*accounts, *emails})


def refuse(world: World, kind: str, *who: str) -> None:
    """Let the vendor refuse requests of that kind that are about these people."""
    ids = [account for name in who for account in by_name(world).get(name, [])]
    refusal = answered(422, b'{"message": "not this one", "Message": "not this one"}', carried_out=False)

    async def choosy(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        chosen = about(request, ids, [f"{name}@example.com" for name in who])
        return await (refusal(request, inner) if chosen else inner.handle_async_request(request))

    world.hazard = lambda asked: choosy if asked == kind else None


@pytest.fixture(params=by_vendor())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A vendor that lets two accounts have one e-mail, where one made twice would show."""
    async with World(request.param, unique_emails=False) as world:
        yield world


@pytest.fixture
def stack(world: World) -> Stack:
    return Stack(world)


def change(world: World) -> dict[str, Any]:
    """Another name, as arguments."""
    return {world.name_field.name: "Zoe"}


def by_hand(world: World) -> dict[str, Any]:
    """Another name, as a part of the vendor's record."""
    return {str(world.name_field.wire.read): "Hand"}


# --- requests ---------------------------------------------------------------------------------


async def test_a_slug_unlike_its_name_costs_no_request_more() -> None:
    async with World("enerflo") as world:
        stack, roles = Stack(world), {"roles": ["Regional Manager"]}
        programs = {"create": a_team(world, MANY, **roles), "update": a_team(world, MANY, **roles, **change(world))}
        for kind, program in programs.items():
            assert await stack.up({"sales": program})
            sent = counted(world)
            assert sent[kind] == MANY
            assert sent.total() <= MANY + (2 if kind == "create" else 0)
            assert await stack.refresh()
            assert counted(world).total() <= ceil(MANY / PAGE) + 2
            assert await stack.up({"sales": program})
            assert counted(world).total() == 0, "a refresh of what nobody changed changes nothing"


async def test_the_order_of_members_does_not_matter(world: World, stack: Stack) -> None:
    program = a_team(world, 12)
    assert await stack.up({"sales": program})
    before = stack.state["sales"]
    shuffled = list(program.members)
    random.Random(5).shuffle(shuffled)
    counted(world)

    assert await stack.up({"sales": Roster(shuffled)})

    assert counted(world).total() == 0
    assert stack.state["sales"] == before


async def test_an_update_is_about_those_only_who_change(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, 20)})
    counted(world)
    changed = a_team(world, 20)
    changed.members[7] = {**changed.members[7], **change(world)}

    assert await stack.up({"sales": Roster([*changed.members, a_member(world, "new")])})

    kinds = counted(world)
    assert (kinds["update"], kinds["create"]) == (1, 1)
    assert stack.outs["counts"] == {
        "members": 21, "joined": 1, "changed": 1, "left": 0, "failed": 0, "not_tried": 0
    }  # fmt: skip


@pytest.mark.parametrize("concurrency", [None, 1, 5])
async def test_a_team_uses_exactly_the_concurrency_of_its_tenant(world: World, concurrency: int | None) -> None:
    given = {} if concurrency is None else {"concurrency": concurrency}
    async with World(world.name, given=given) as world:
        now, most = 0, dict[str, int]()

        async def slow(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            nonlocal now
            now += 1
            most[step] = max(most.get(step, 0), now)
            await anyio.sleep(0.1)
            try:
                return await inner.handle_async_request(request)
            finally:
                now -= 1

        world.hazard = lambda kind: slow
        stack = Stack(world)
        steps = {
            "create": a_team(world, SOME),
            "update": a_team(world, SOME, **change(world)),
            "leave": a_team(world, 0, {"max_removals": "100%"}),
        }
        for step in steps:
            program, begun = steps[step], anyio.current_time()
            assert await stack.up({"sales": program}), stack.failed
            assert anyio.current_time() - begun < SOME * 5 * 0.1 / (concurrency or 16) + 0.5
        assert most == dict.fromkeys(("create", "update", "leave"), concurrency or 16)


# --- who fails --------------------------------------------------------------------------------

BAD = ("p3", "p17", "p24")


@pytest.mark.parametrize("what", ["join", "change", "leave"])
async def test_who_is_refused_stops_nobody_and_is_tried_again_alone(world: World, stack: Stack, what: str) -> None:
    everybody = a_team(world, SOME, {"max_removals": "100%"})
    steps: dict[str, tuple[Roster | None, Roster, str]] = {
        "join": (None, everybody, "create"),
        "change": (everybody, a_team(world, SOME, everybody.policies, **change(world)), "update"),
        "leave": (everybody, Roster([], everybody.policies), "update"),
    }
    before, after, kind = steps[what]
    if before:
        assert await stack.up({"sales": before})
    refuse(world, kind, *BAD)
    counted(world)

    assert not await stack.up({"sales": after})

    assert counted(world)[kind] == SOME
    assert sorted(stack.failed) == sorted(f"{name}@example.com" for name in BAD)
    for reason in stack.failed.values():
        assert "refused with 422: not this one" in reason
    counts = stack.outs["counts"]
    done = {"join": "joined", "change": "changed", "leave": "left"}[what]
    assert (counts[done], counts["failed"], counts["not_tried"]) == (SOME - 3, 3, 0)
    out_of_trouble(world)

    assert await stack.up({"sales": after}), stack.failed

    assert counted(world)[kind] == 3, "the next run does only what is missing"
    assert (stack.outs["counts"][done], stack.outs["failed"]) == (3, {})
    assert await stack.up({"sales": after})
    assert counted(world).total() == 0
    assert len(by_name(world)) == len(world.accounts) == SOME
    assert len(active(world)) == (0 if what == "leave" else SOME)


@pytest.mark.parametrize("what", ["join", "change", "leave", "refresh"])
async def test_an_unexpected_error_of_one_member_stops_no_other_member(
    world: World, stack: Stack, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)  # as in Pulumi's host
    everybody = a_team(world, SOME)
    steps: dict[str, tuple[Roster, str]] = {
        "join": (everybody, "create"),
        "change": (a_team(world, SOME, **change(world)), "update"),
        "leave": (without(everybody, "p3", "p4"), "update"),
        "refresh": (everybody, "read"),
    }
    after, kind = steps[what]
    if what != "join":
        assert await stack.up({"sales": everybody})
    before = stack.state

    async def breaks(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        raise AttributeError("'str' object\nhas no attribute: s3cret")

    world.fault(kind, breaks)

    assert not await (stack.refresh() if what == "refresh" else stack.up({"sales": after}))

    (reason,) = stack.failed.values()
    assert "an unexpected answer (AttributeError in test_roster.py, line " in reason
    assert reason.endswith(". Run it again; if it stays, report it as a bug")
    assert "s3cret" not in repr(stack.state) + reason
    assert "\n" not in reason
    if what == "refresh":
        assert stack.state is before
        return
    counts = stack.outs["counts"]
    done = {"join": ("joined", SOME - 1), "change": ("changed", SOME - 1), "leave": ("left", 1)}[what]
    assert (counts[done[0]], counts["failed"], counts["not_tried"]) == (done[1], 1, 0)
    world.time_goes_by()
    assert await stack.up({"sales": after}), stack.failed
    assert len(by_name(world)) == len(world.accounts) == SOME


async def test_a_team_of_which_nobody_could_be_made_is_not_made(world: World, stack: Stack) -> None:
    refuse(world, "create", "p0", "p1")
    assert not await stack.up({"sales": a_team(world, 2)})
    assert stack.state == {}
    assert "sales: 2 failed" in stack.failed[""]
    assert "p0@example.com: create refused with 422: not this one" in stack.failed[""]


@pytest.mark.parametrize("how", ["taken out of the program", "declared as before"])
async def test_reverting_what_failed_empties_the_output_failed(world: World, stack: Stack, how: str) -> None:
    everybody = a_team(world, 5)
    assert await stack.up({"sales": everybody})
    wanted, kind = (
        (Roster([*everybody.members, a_member(world, "new")]), "create")
        if how == "taken out of the program"
        else (a_team(world, 5, **change(world)), "update")
    )
    refuse(world, kind, "new", "p1", "p2", "p3", "p4", "p0")
    assert not await stack.up({"sales": wanted})
    out_of_trouble(world)

    assert await stack.up({"sales": everybody})

    assert stack.outs["failed"] == {}


DOWN: dict[str, Fault] = {
    "cannot connect": cannot_connect,
    "no answer": lost,
    "500": answered(500, carried_out=False),
    "502 with a page": answered(502, b"<html>bad gateway</html>", carried_out=False, content_type="text/html"),
    "503, busy": answered(503, carried_out=False, retry_after="1000"),
    "401": answered(401, b"{}", carried_out=False),
    "403": answered(403, b'{"message": "Forbidden"}', carried_out=False),
}


DOWN_AT = [
    *[(vendor, down) for vendor in ("enerflo", "nexudus") for down in DOWN],  # one takes a key, one a login
    ("scim", "401"),
    ("tenovos", "403"),  # a 403 may mean there that an account is missing
    *[(vendor, "500") for vendor in ("scim", "tenovos")],
]


@pytest.mark.no_cover  # as for the fault matrix: many times the same code
@pytest.mark.parametrize(("world", "down"), DOWN_AT, indirect=["world"])
@pytest.mark.parametrize("what", ["join", "change", "leave"])
async def test_a_team_stops_when_a_vendor_is_down_and_later_completes(
    world: World, stack: Stack, what: str, down: str
) -> None:
    count, done, policies = 50, 10, {"max_removals": "100%"}
    before, after = a_team(world, count, policies), Roster([], policies)
    if what == "change":
        after = a_team(world, count, policies, **change(world))
    if what == "join":
        before, after = a_team(world, 1, policies), before
    assert await stack.up({"sales": before})
    kind = "create" if what == "join" else "update"
    written = 0

    def fails(asked: str) -> Fault | None:
        nonlocal written
        written += asked == kind
        return DOWN[down] if written > done else None

    world.hazard = fails
    counted(world)
    assert not await stack.up({"sales": after})
    asked = counted(world).total()

    counts = stack.outs["counts"]
    assert counts["not_tried"], "the others"
    assert MOST_FAILURES_IN_A_ROW <= counts["failed"] <= 2 * MOST_FAILURES_IN_A_ROW
    assert asked <= 3 * (done + 1) + 2 * MOST_FAILURES_IN_A_ROW * (len(LOST_CREATE_BACKOFF_S) + 6) + 3, (
        "and not a thousand requests sent"
    )
    out_of_trouble(world)
    await anyio.sleep(1000)
    world.time_goes_by()

    assert await stack.up({"sales": after}), stack.failed

    assert len(by_name(world)) == len(world.accounts) == count
    assert len(active(world)) == (0 if what == "leave" else count)
    counted(world)
    assert await stack.up({"sales": after})
    assert counted(world).total() == 0


async def test_a_wrong_base_url_lets_no_member_leave(world: World, stack: Stack) -> None:
    policies = {"max_removals": "100%"}
    assert await stack.up({"sales": a_team(world, 3, policies)})
    world.hazard = lambda kind: None if kind == "token" else answered(404, b"{}", carried_out=False)

    assert not await stack.up({"sales": Roster([], policies)})

    assert len(stack.outs["ids"]) == len(active(world)) == 3
    world.time_goes_by()
    assert not await stack.up({"sales": a_team(world, 100, policies)})
    assert stack.outs["counts"]["not_tried"], "whoever joins is looked up, and no look-up works"
    out_of_trouble(world)
    assert await stack.up({"sales": Roster([], policies)}), stack.failed
    assert not active(world)


async def test_a_vendor_that_is_down_all_the_time_makes_no_team(world: World, stack: Stack) -> None:
    world.hazard = lambda kind: cannot_connect
    assert not await stack.up({"sales": a_team(world, 500)})
    assert stack.state == {}
    assert "others were not tried" in stack.failed[""]


@pytest.mark.parametrize("fault", [cannot_connect, answered(500, carried_out=False)], ids=["no connection", "500"])
async def test_a_refresh_that_cannot_read_members_changes_nothing(world: World, stack: Stack, fault: Fault) -> None:
    assert await stack.up({"sales": a_team(world, 40)})
    before = stack.state["sales"]
    world.hazard = lambda kind: fault if kind in ("read", "list") else None

    assert not await stack.refresh()

    assert "failed" in stack.failed[""]
    assert stack.state["sales"] == before


async def test_a_refresh_asks_a_vendor_that_is_down_about_a_few(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, MANY)})
    counted(world)
    world.hazard = lambda kind: answered(500, carried_out=False) if kind in ("read", "list") else None
    assert not await stack.refresh()
    assert counted(world).total() < MANY
    assert "others were not tried" in stack.failed[""]


# --- lost answers and kills -------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [lost_after, answered(500, carried_out=True), answered(200, b"", carried_out=True)],
    ids=["lost", "500", "empty"],
)  # fmt: skip
async def test_answers_that_are_lost_make_nobody_twice(world: World, stack: Stack, fault: Fault) -> None:
    world.hazard = lambda kind: fault if kind == "create" else None
    program = a_team(world, 10)
    assert await stack.up({"sales": program}), stack.failed
    assert counted(world)["create"] == 10
    assert sorted(by_name(world)) == sorted(name_of(each["email"]) for each in program.members)
    assert len(world.accounts) == 10
    assert stack.outs["ids"] == {f"{name}@example.com": ids[0] for name, ids in by_name(world).items()}


@pytest.mark.parametrize("fault", [killed_before, killed_after], ids=["before", "after"])
@pytest.mark.parametrize(
    ("world", "kind", "at"),
    [
        *[(vendor, "create", at) for vendor in names() for at in (1, 9, 20)],
        *[("enerflo", kind, 1) for kind in ("list", "read")],
        *[("nexudus", "list", at) for at in (1, 3)],
        *[("nexudus", "read", at) for at in (1, 9, 20)],
        *[("scim", kind, 1) for kind in ("list", "read")],
        *[("tenovos", "list", at) for at in (1, 9, 40)],
    ],
    indirect=["world"],
)
async def test_a_kill_in_the_middle_makes_nobody_twice(
    world: World, stack: Stack, kind: str, at: int, fault: Fault
) -> None:
    seen = 0

    def kill(asked: str) -> Fault | None:
        nonlocal seen
        seen += asked == kind
        return fault if seen == at and asked == kind else None

    world.hazard = kill
    program = a_team(world, 20)
    assert not await stack.up({"sales": program})
    out_of_trouble(world)
    made = len(world.accounts)
    counted(world)
    world.time_goes_by()

    assert await stack.up({"sales": program}), stack.failed

    assert counted(world)["create"] == 20 - made, "who is made is not made again"
    assert len(by_name(world)) == len(world.accounts) == 20
    counted(world)
    assert await stack.up({"sales": program})
    assert counted(world).total() == 0
    assert await stack.destroy(), "they are its own"
    assert active(world) == []


@pytest.mark.parametrize("world", by_vendor(lambda vendor: vendor.tells_ids), indirect=True)
async def test_another_stack_does_not_resume_accounts_of_a_killed_run(world: World, stack: Stack) -> None:
    """Where no answer holds an id, the run is killed before it knows what its creates became."""
    program = a_team(world, 16)
    world.hazard = lambda kind: killed_before if kind != "create" and len(world.accounts) == 16 else None
    await stack.up({"sales": program})
    stack.state.clear()
    out_of_trouble(world)
    another = Stack(world, "project/another")

    assert not await another.up({"sales": program})

    assert "16 failed" in another.failed[""]
    assert f"an account with this {world.vendor.identity_name()} is there already, with the id " in another.failed[""]
    assert len(world.accounts) == 16


async def test_reverting_an_unconfirmed_leave_activates_the_member(world: World, stack: Stack) -> None:
    everybody = a_team(world, 5)
    assert await stack.up({"sales": everybody})
    world.hazard = lambda kind: lost_after if kind == "update" else None
    assert not await stack.up({"sales": without(everybody, "p1")})
    assert active(world) == ["p0", "p2", "p3", "p4"]
    out_of_trouble(world)

    assert await stack.up({"sales": everybody})

    assert len(active(world)) == len(world.accounts) == 5


async def test_reverting_the_changes_of_a_killed_run_undoes_them(world: World, stack: Stack) -> None:
    """The engine hears of a team when all of its members are done."""
    program = a_team(world, 8)
    assert await stack.up({"sales": program})
    before = dict(stack.state)
    assert await stack.up({"sales": a_team(world, 8, **change(world))})
    stack.state = before
    kept = [dict(record) for record in world.accounts.values()]

    assert await stack.up({"sales": program})

    assert [dict(record) for record in world.accounts.values()] != kept
    assert counted(world)["update"] == 2 * 8
    assert await stack.up({"sales": program})
    assert counted(world).total() == 0


# --- made, and not read back ------------------------------------------------------------------


async def test_the_next_run_completes_members_created_before_an_outage(world: World, stack: Stack) -> None:
    """A password that may be sent again is sent once, too."""
    program = a_team(world, 40, password="a first password")
    made = 0

    def fails(kind: str) -> Fault | None:
        nonlocal made
        made += kind == "create"
        return cannot_connect if made >= 40 and kind != "create" else None

    world.hazard = fails
    await stack.up({"sales": program})
    ids = dict(stack.outs["ids"])
    assert len(ids) + len(stack.outs["failed"]) >= 40
    out_of_trouble(world)

    assert await stack.up({"sales": program}), stack.failed
    await stack.refresh()
    assert await stack.up({"sales": program}), stack.failed

    assert len(by_name(world)) == len(world.accounts) == 40
    assert ids.items() <= stack.outs["ids"].items()
    assert Counter(told_password(sent) for sent in world.trail)["a first password"] == 40


def told_password(sent: Sent) -> str | None:
    body = sent.body if isinstance(sent.body, dict) else {}
    operations = [each for each in body.get("Operations", ()) if each["path"] == "password"]
    return body.get("password") or body.get("Password") or (operations[0]["value"] if operations else None)


async def test_members_adopted_before_an_outage_remain_adopted(world: World, stack: Stack) -> None:
    """Or a destroy would deactivate somebody else's account."""
    owned = Stack(world, "project/another")
    assert await owned.up({"sales": a_team(world, 60)})
    before = world.accounts
    writes = 0

    def fails(kind: str) -> Fault | None:
        nonlocal writes
        writes += kind == "update"
        return cannot_connect if writes > 20 else None

    world.hazard = fails
    assert not await stack.up({"sales": a_team(world, 60, {"on_existing": "adopt"}, **change(world))})
    out_of_trouble(world)
    assert stack.outs["counts"]["joined"] == 20
    assert len(stack.outs["ids"].keys() - stack.outs["failed"].keys()) == 20

    assert await stack.destroy()

    assert len(active(world)) == len(before) == 60


# --- what others do ---------------------------------------------------------------------------


async def test_a_refresh_shows_a_members_drift_and_the_next_up_ends_it(world: World, stack: Stack) -> None:
    program = a_team(world, 12)
    assert await stack.up({"sales": program})
    before = stack.state["sales"]
    edited = by_hand(world) | ({"UpdatedOn": "2031-01-01T00:00:00Z"} if world.name == "nexudus" else {})
    set_by_hand(world, before.outs["ids"]["p7@example.com"], **edited)

    assert await stack.refresh()

    (name,) = change(world)
    after = stack.state["sales"]
    for shown, shown_before in ((after.outs, before.outs), (after.inputs, before.inputs)):
        changed = {key for key, member in shown["members"].items() if member != shown_before["members"][key]}
        assert changed == {"p7@example.com"}
        assert shown["members"]["p7@example.com"][name] == "Hand"
    counted(world)
    assert await stack.up({"sales": program})
    assert counted(world)["update"] == 1
    assert "Hand" not in str(world.accounts)
    assert after.outs["ids"] == stack.outs["ids"]


async def test_an_e_mail_that_was_changed_by_hand_is_seen_and_put_back(world: World, stack: Stack) -> None:
    program = a_team(world, 3)
    assert await stack.up({"sales": program})
    account = stack.outs["ids"]["p1@example.com"]
    email = STAND_INS[world.name].EMAIL
    set_by_hand(world, account, **{email: "zoe@example.com", "UpdatedOn": "2031-01-01T00:00:00Z"})

    assert await stack.refresh()

    assert stack.outs["members"]["p1@example.com"][world.vendor.identity_field] == "zoe@example.com"
    assert await stack.up({"sales": program})
    assert by_name(world)["p1"] == [account]


@pytest.mark.parametrize("operation", ["refresh", "destroy"])
async def test_members_missing_in_half_a_list_stay_in_the_state(operation: str) -> None:
    """The vendor knows no id, and counts more accounts than it lists."""
    async with World("nexudus") as world:
        stack = Stack(world)
        await stack.up({"team": a_team(world, 3)})
        ids = dict(stack.outs["ids"])

        async def half(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            await answer.aread()
            return httpx.Response(200, json={**answer.json(), "Records": []})

        world.hazard = {"list": half, "read": answered(404, carried_out=False)}.get
        assert not await getattr(stack, operation)()

        assert "has duplicates: no proof" in str(stack.failed)
        again = {"refresh": "the state stays as it was until", "destroy": "the same command tries the team again"}
        assert again[operation] in str(stack.failed)
        assert "the next `pulumi up`" not in str(stack.failed)
        assert stack.outs["ids"] == ids
        assert active(world) == ["p0", "p1", "p2"]


async def test_an_up_after_a_refresh_creates_a_deleted_member_again(world: World, stack: Stack) -> None:
    program = a_team(world, 5)
    assert await stack.up({"sales": program})
    gone = stack.outs["ids"]["p2@example.com"]
    world.store.remove(world.name, gone, reserve=False)

    assert await stack.refresh()

    rest = [f"p{number}@example.com" for number in (0, 1, 3, 4)]
    for shown in (stack.outs["ids"], stack.outs["members"], stack.state["sales"].inputs["members"]):
        assert sorted(shown) == rest
    assert gone not in str(stack.outs)
    await anyio.sleep(60)
    assert await stack.up({"sales": program}), stack.failed
    assert sorted(by_name(world)) == ["p0", "p1", "p2", "p3", "p4"]


async def test_a_create_only_field_that_others_changed_blocks_nobody() -> None:
    async with World("enerflo") as world:
        stack, program = Stack(world), a_team(world, 3)
        assert await stack.up({"sales": program})
        set_by_hand(world, stack.outs["ids"]["p1@example.com"], timezone="Asia/Manila")
        for _ in range(2):
            assert await stack.refresh()
            assert stack.outs["members"]["p1@example.com"]["timezone"] == "Asia/Manila"
            counted(world)
            assert await stack.up({"sales": program}), stack.failed
            assert counted(world).total() == 0


async def test_who_was_emptied_by_hand_is_filled_again(world: World, stack: Stack) -> None:
    program = a_team(world, 3)
    assert await stack.up({"sales": program})
    (name,) = by_hand(world)
    set_by_hand(world, stack.outs["ids"]["p1@example.com"], **{name: None, "UpdatedOn": "2031-01-01T00:00:00Z"})
    assert await stack.refresh()
    assert await stack.up({"sales": program})
    assert world.accounts[stack.outs["ids"]["p1@example.com"]][name] is not None


# --- leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("on_leave", "left"), [(None, []), ("deactivate", []), ("retain", ["p1"])])
async def test_an_account_of_who_leaves_is_deactivated_or_retained(
    world: World, stack: Stack, on_leave: str | None, left: list[str]
) -> None:
    everybody = a_team(world, 4, {"on_leave": on_leave} if on_leave else {})
    assert await stack.up({"sales": everybody})
    assert await stack.up({"sales": without(everybody, "p1")})
    assert active(world) == sorted(["p0", "p2", "p3", *left])
    assert len(world.accounts) == 4
    assert sorted(stack.outs["ids"]) == [f"p{number}@example.com" for number in (0, 2, 3)]
    assert stack.outs["counts"]["left"] == 1


async def test_who_is_retained_is_nobodys_account() -> None:
    async with World("enerflo") as world:
        stack = Stack(world)
        everybody = a_team(world, 3, {"on_leave": "retain"})
        assert await stack.up({"sales": everybody})
        assert await stack.up({"sales": without(everybody, "p1")})
        assert not await stack.up({"sales": everybody})
        assert "is there already" in stack.failed["p1@example.com"]


@pytest.fixture
async def nexudus() -> AsyncIterator[World]:
    """The vendor that can delete."""
    async with World("nexudus", unique_emails=False) as world:
        yield world


DELETE = {"on_leave": "delete"}


async def test_on_leave_delete_deactivates_and_the_next_run_deletes(nexudus: World) -> None:
    stack, everybody = Stack(nexudus), a_team(nexudus, 4, DELETE)
    assert await stack.up({"sales": everybody})
    account = stack.outs["ids"]["p1@example.com"]
    counted(nexudus)

    assert await stack.up({"sales": without(everybody, "p1")})
    assert (counted(nexudus)["delete"], account in nexudus.accounts) == (0, True)
    assert "p1" not in active(nexudus)
    assert stack.outs[LEAVING] == {"p1@example.com": account}

    assert await stack.up({"sales": without(everybody, "p1")})
    assert (counted(nexudus)["delete"], account in nexudus.accounts) == (1, False)
    assert LEAVING not in stack.outs
    assert await stack.up({"sales": without(everybody, "p1")})
    assert counted(nexudus).total() == 0


async def test_who_was_made_active_again_meanwhile_is_not_deleted(nexudus: World) -> None:
    stack, everybody = Stack(nexudus), a_team(nexudus, 4, DELETE)
    assert await stack.up({"sales": everybody})
    account = stack.outs["ids"]["p1@example.com"]
    assert await stack.up({"sales": without(everybody, "p1")})
    set_by_hand(nexudus, account, Active=True)

    assert await stack.up({"sales": without(everybody, "p1")})

    assert "p1" in active(nexudus)
    assert f"p1@example.com ({account}): not deleted, because it is active again" in nexudus.warnings[-1]
    assert "deactivate or delete it in the admin page" in nexudus.warnings[-1]
    assert LEAVING not in stack.outs


@pytest.mark.parametrize("is_active", [True, False])
async def test_a_member_again_under_another_email_is_not_deleted(is_active: bool, nexudus: World) -> None:
    """The e-mail was changed by hand, and the account is active again or not."""
    stack, everybody = Stack(nexudus), a_team(nexudus, 4, DELETE)
    assert await stack.up({"sales": everybody})
    account = stack.outs["ids"]["p1@example.com"]
    rest = without(everybody, "p1")
    assert await stack.up({"sales": rest})
    set_by_hand(nexudus, account, Active=is_active, Email="p9@example.com")

    again = a_member(nexudus, "p9", active=is_active)
    assert await stack.up({"sales": Roster([*rest.members, again], {**rest.policies, "on_existing": "adopt"})})

    assert stack.outs["ids"]["p9@example.com"] == account
    assert account in nexudus.accounts
    assert not any("not deleted" in each for each in nexudus.warnings)
    assert LEAVING not in stack.outs


@pytest.mark.parametrize("first", ["the team", "the account"])
async def test_who_is_another_resources_now_is_not_deleted(nexudus: World, first: str) -> None:
    stack, everybody = Stack(nexudus), a_team(nexudus, 4, DELETE)
    assert await stack.up({"sales": everybody})
    account = stack.outs["ids"]["p1@example.com"]
    pairs: dict[str, Roster | Arguments] = {"sales": without(everybody, "p1"), "p1": a_member(nexudus, "p1")}
    program = pairs if first == "the team" else dict(reversed(pairs.items()))
    for _ in range(3):
        assert await stack.up(program), stack.failed
    assert active(nexudus) == ["p0", "p1", "p2", "p3"]
    assert (stack.state["p1"].id, by_name(nexudus)["p1"]) == (account, [account])


async def test_a_delete_that_fails_is_tried_again(nexudus: World) -> None:
    stack, everybody = Stack(nexudus), a_team(nexudus, 4, DELETE)
    assert await stack.up({"sales": everybody})
    rest = {"sales": without(everybody, "p1")}
    assert await stack.up(rest)
    nexudus.hazard = lambda kind: answered(400, b"{}", carried_out=False) if kind == "delete" else None
    assert not await stack.up(rest)
    assert list(stack.failed) == ["p1@example.com"]
    out_of_trouble(nexudus)
    assert await stack.up(rest)
    assert "p1" not in by_name(nexudus)


@pytest.mark.parametrize("on_leave", ["deactivate", "delete"])
async def test_who_comes_back_has_the_account_of_before(world: World, stack: Stack, on_leave: str) -> None:
    everybody = a_team(world, 4, {"on_leave": on_leave if world.door.vendor.can_delete else "deactivate"})
    assert await stack.up({"sales": everybody})
    ids = stack.outs["ids"]
    assert await stack.up({"sales": without(everybody, "p1")})
    changed = Roster(
        [{**each, **change(world)} if name_of(each["email"]) == "p1" else each for each in everybody.members],
        everybody.policies,
    )
    for _ in range(2):
        assert await stack.up({"sales": changed}), stack.failed
    assert stack.outs["ids"] == ids
    assert len(active(world)) == len(world.accounts) == 4
    assert "Zoe" in str(world.accounts[ids["p1@example.com"]])


async def test_a_run_retires_no_more_than_it_may_whatever_the_team_may(world: World, stack: Stack) -> None:
    everybody = a_team(world, 60, {"max_removals": "100%"})
    assert await stack.up({"sales": everybody})
    world.limit_removals(5)
    nobody = Roster([], everybody.policies)

    assert not await stack.up({"sales": nobody})

    assert len(active(world)) == 55
    assert "SEATWISE_MAX_REMOVALS is 5" in next(iter(stack.failed.values()))
    assert stack.outs["counts"]["left"] == 5
    world.limit_removals(None)
    assert await stack.up({"sales": nobody})
    assert active(world) == []


async def test_too_many_removals_are_refused_before_any_request(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, 40)})
    counted(world)
    assert not await stack.up({"sales": a_team(world, 35)})
    assert "5 of 40 would leave" in stack.failed["0"]
    assert counted(world).total() == 0
    assert await stack.up({"sales": a_team(world, 35, {"max_removals": 5})})
    assert len(active(world)) == 35


# --- accounts that were there before ----------------------------------------------------------


async def test_who_is_there_already_is_left_alone_and_named(world: World, stack: Stack) -> None:
    world.store.add(world.name, "5", "p1@example.com", await a_record(world, "p1"))
    before = world.accounts["5"]

    assert not await stack.up({"sales": a_team(world, 3)})

    assert list(stack.failed) == ["p1@example.com"]
    assert (
        f"an account with this {world.vendor.identity_name()} is there already, with the id 5"
        in stack.failed["p1@example.com"]
    )
    assert world.accounts["5"] == before
    assert sorted(stack.outs["ids"]) == ["p0@example.com", "p2@example.com"]


@pytest.mark.parametrize(("on_leave", "left"), [(None, ["p1"]), ("deactivate", []), ("retain", ["p0", "p1", "p2"])])
async def test_an_adopted_member_is_updated_and_later_follows_on_leave(
    world: World, stack: Stack, on_leave: str | None, left: list[str]
) -> None:
    world.store.add(world.name, "5", "p1@example.com", await a_record(world, "p1"))
    policies = {"on_existing": "adopt"} | ({"on_leave": on_leave} if on_leave else {})
    program = a_team(world, 3, policies, **change(world))

    assert await stack.up({"sales": program}), stack.failed

    assert stack.outs["ids"]["p1@example.com"] == "5"
    assert "Zoe" in str(world.accounts["5"])
    counted(world)
    assert await stack.up({"sales": program})
    assert counted(world).total() == 0
    assert await stack.refresh()
    assert await stack.destroy()
    assert active(world) == left


async def test_an_adopted_member_who_leaves_is_deactivated(world: World, stack: Stack) -> None:
    world.store.add(world.name, "5", "p2@example.com", await a_record(world, "p2"))
    assert await stack.up({"sales": a_team(world, 3, {"on_existing": "adopt"})}), stack.failed
    assert stack.outs["ids"]["p2@example.com"] == "5"
    assert await stack.up({"sales": a_team(world, 2, {"on_existing": "adopt"})}), stack.failed
    assert active(world) == ["p0", "p1"]


async def a_record(world: World, name: str) -> dict[str, Any]:
    """An account as the vendor keeps it, with the id 5, as if somebody had made it by hand."""
    elsewhere = Stack(world, "project/elsewhere")
    assert await elsewhere.up({"it": Roster([a_member(world, name)])})
    ((account, record),) = world.accounts.items()
    world.store.remove(world.name, account, reserve=False)
    world.door.journal.forget(f"{name}@example.com")
    counted(world)
    key = {"nexudus": "Id", "tenovos": "userId"}.get(world.name, "id")
    return {**record, key: type(record[key])(5)}


# --- secrets ----------------------------------------------------------------------------------

FIRST, SECOND = "a first password", "a second one"


async def test_a_password_is_sent_once_and_told_nowhere(world: World, stack: Stack) -> None:
    program = a_team(world, 4, password=FIRST)
    assert await stack.up({"sales": program})
    assert await stack.refresh()
    assert await stack.up({"sales": program})
    changed = a_team(world, 4, password=SECOND)
    if world.vendor.schema["password"].create_only:
        assert not await stack.up({"sales": changed})
        assert "p0@example.com: password can only be given when the account is made" in stack.failed["0"]
    else:
        assert await stack.up({"sales": changed})
    sent = Counter(told_password(each) for each in world.trail)
    assert sent[FIRST] == 4
    assert sent[SECOND] == (0 if world.vendor.schema["password"].create_only else 4)
    told = [repr(stack.state), *world.warnings, *stack.failed.values()]
    assert not any(secret in text for secret in (FIRST, SECOND, *world.secrets()) for text in told)


@pytest.mark.parametrize(
    ("world", "kind"),
    by_vendor_and(("create", "update"), lambda vendor, kind: kind == "create" or takes_new_passwords(vendor)),
    indirect=["world"],
)
async def test_a_refusal_that_quotes_a_password_is_told_without_it(world: World, stack: Stack, kind: str) -> None:
    quotes = json.dumps({"message": f"{FIRST} is bad", "Message": f"{FIRST} is bad"}).encode()
    program = a_team(world, 3, password=FIRST)
    if kind == "update":
        assert await stack.up({"sales": a_team(world, 3, password=SECOND)})
    world.hazard = lambda asked: answered(400, quotes, carried_out=False) if asked == kind else None
    assert not await stack.up({"sales": program})
    told = str(stack.failed)
    assert "[secret] is bad" in told
    assert FIRST not in told + repr(stack.state) + str(world.warnings)


@pytest.mark.parametrize("vendor", ["nexudus", "tenovos"])
async def test_the_reason_of_a_refusal_hides_the_token_of_the_session(vendor: str) -> None:
    """Why somebody failed is in the outputs, and so in the state."""
    tokens: list[str] = []

    async def quotes(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        words = f"token {tokens[-1]} may not"
        return httpx.Response(403, json={"message": words, "Message": words})

    async with World(vendor) as world:
        stack = Stack(world)
        world.fault("create", quotes)
        assert not await stack.up({"sales": a_team(world, 3)})
        (reason,) = stack.outs["failed"].values()
        assert "create refused with 403: token [secret] may not" in reason
        assert tokens[0] not in repr(stack.state) + str(world.warnings)


# --- moving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["the team", "the account"])
@pytest.mark.parametrize("to", ["the team", "the account"])
async def test_a_move_between_a_team_and_a_user_keeps_the_account(
    world: World, stack: Stack, to: str, first: str
) -> None:
    everybody, ana = a_team(world, 4), a_member(world, "p1")
    rest = without(everybody, "p1")

    def program(where: str) -> dict[str, Roster | Arguments]:
        if where == "the team":
            return {"sales": everybody}
        both: dict[str, Roster | Arguments] = {"sales": rest, "p1": ana}
        return both if first == "the team" else dict(reversed(both.items()))

    start, end = program("the account" if to == "the team" else "the team"), program(to)
    assert await stack.up(start)
    ids = by_name(world)
    made = counted(world)["create"]

    for _ in range(2):
        assert await stack.up(end), stack.failed
        assert by_name(world) == ids
        assert len(active(world)) == made == 4
    kinds = counted(world)
    assert (kinds["create"], kinds["delete"]) == (0, 0)
    assert sorted(stack.state) == sorted(end)
    assert ("p1@example.com" in stack.outs["ids"]) is (to == "the team")
    assert await stack.up(start), "and back again"
    assert by_name(world) == ids
    assert len(active(world)) == 4
    assert await stack.destroy()
    assert active(world) == []


async def test_who_moves_from_team_to_team_keeps_the_account(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, 4), "ops": Roster([a_member(world, "x")])})
    ids = by_name(world)
    for ops_first in (False, True):
        sales, ops = without(a_team(world, 4), "p1"), Roster([a_member(world, "x"), a_member(world, "p1")])
        program = {"ops": ops, "sales": sales} if ops_first else {"sales": sales, "ops": ops}
        assert await stack.up(program), stack.failed
        assert by_name(world) == ids
        assert len(active(world)) == 5
        assert await stack.up({"ops": Roster([a_member(world, "x")]), "sales": a_team(world, 4)})
        assert by_name(world) == ids
        assert len(active(world)) == 5


async def test_a_team_of_another_name_takes_all_accounts_over(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, 30)})
    ids = stack.outs["ids"]
    assert await stack.up({"everybody": a_team(world, 30)}), stack.failed
    assert list(stack.state) == ["everybody"]
    assert stack.outs["ids"] == ids
    assert len(active(world)) == len(world.accounts) == 30


async def test_a_second_team_with_the_same_member_is_refused(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, 3)})
    counted(world)
    assert not await stack.up({"sales": a_team(world, 3), "ops": Roster([a_member(world, "p1")])})
    assert stack.failed == {"0": "p1@example.com is declared by project/stack/sales:members"}
    assert counted(world).total() == 0


# --- while it runs ----------------------------------------------------------------------------


async def test_it_is_told_how_far_it_is(world: World, stack: Stack) -> None:
    async def slow(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        await anyio.sleep(4)
        return await inner.handle_async_request(request)

    world.hazard = lambda kind: slow if kind == "create" else None
    assert await stack.up({"sales": a_team(world, 80)})
    told = [each for each in world.warnings if each.startswith("sales: ")]
    assert 1 <= len(told) <= 20 / PROGRESS_INTERVAL_S + 1
    assert told[0].endswith(" s left")
    assert " of 80 done, " in told[0]


# --- accounts between resources ---------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.5])
async def test_a_member_that_becomes_a_user_as_it_leaves_ends_active(
    world: World, stack: Stack, seconds: float
) -> None:
    """The engine brings about both at once, and the one that is second finds what the first has done."""
    program = a_team(world, 4)
    assert await stack.up({"sales": program})
    retiring = anyio.Event()

    async def slow(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        retiring.set()
        await anyio.sleep(1.6)
        return await inner.handle_async_request(request)

    async def make() -> None:
        await retiring.wait()
        await anyio.sleep(seconds)
        await stack._account("p1", a_member(world, "p1"))

    world.fault("update", slow)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stack._team, "sales", without(program, "p1"))
        tasks.start_soon(make)
    await world.restart()
    assert active(world) == ["p0", "p1", "p2", "p3"]
    assert all(len(accounts) == 1 for accounts in by_name(world).values())
    assert world.door.journal.why_unconfirmed(stack.state["p1"].id) is None


@pytest.mark.parametrize("policies", [{}, {"on_existing": "adopt"}], ids=["fail", "adopt"])
@pytest.mark.parametrize("is_refreshed", [True, False], ids=["refreshed", "not refreshed"])
async def test_declaring_an_e_mail_changed_by_hand_keeps_the_account(
    world: World, stack: Stack, policies: dict[str, Any], is_refreshed: bool
) -> None:
    program = a_team(world, 5, policies)
    assert await stack.up({"sales": program})
    account = stack.outs["ids"]["p1@example.com"]
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "new@example.com"})
    if is_refreshed:
        assert await stack.refresh()
    renamed = a_member(world, "p1", **world.named("new@example.com"))
    program = Roster([*without(program, "p1").members, renamed], program.policies)
    for _ in range(2):
        assert await stack.up({"sales": program}), stack.failed
        assert active(world) == ["new", "p0", "p2", "p3", "p4"]
        assert stack.outs["ids"]["new@example.com"] == account
        assert "p1@example.com" not in stack.outs["ids"]
    assert len(world.accounts) == 5
    assert await stack.destroy()
    assert active(world) == [], "it is the team's own account, and was not adopted"


async def test_an_account_that_another_resource_adopted_stays_active(world: World, stack: Stack) -> None:
    assert await stack.up({"ana": a_member(world, "ana")})
    account = stack.state["ana"].id
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "new@example.com"})
    assert await stack.up({"new": a_member(world, "new", on_existing="adopt")})
    assert stack.state["new"].id == account
    assert active(world) == ["new"]


@pytest.mark.parametrize("is_team", [False, True], ids=["a user", "a member"])
async def test_an_account_of_one_resource_is_not_adopted_by_another(
    world: World, stack: Stack, *, is_team: bool
) -> None:
    """Its e-mail was changed by hand. When the first one goes the second would be locked out."""
    ana, lopez = a_member(world, "ana"), a_member(world, "lopez", on_existing="adopt")
    first: dict[str, Any] = {"sales": Roster([ana, a_member(world, "ben")])} if is_team else {"ana": ana}
    assert await stack.up(first)
    account = by_name(world)["ana"][0]
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "lopez@example.com"})

    assert not await stack.up({**first, "lopez": lopez})
    owner = "stack/sales" if is_team else "stack/ana"
    assert f"the account with this {world.vendor.identity_name()} ({account}) is that of {owner}" in stack.failed[""]

    second = {"sales": Roster([a_member(world, "ben")])} if is_team else {}
    for _ in range(2):
        assert await stack.up({"lopez": lopez, **second}), stack.failed
        assert "lopez" in active(world)
        assert stack.state["lopez"].id == account


@pytest.mark.parametrize("is_refreshed", [False, True], ids=["up", "up --refresh"])
@pytest.mark.parametrize("to_team", [False, True], ids=["to a user", "to a team"])
async def test_an_adopted_account_moves_between_resources(
    world: World, stack: Stack, *, is_refreshed: bool, to_team: bool
) -> None:
    """A refresh asks the doors, too, what is otherwise than the program before said."""
    plain = a_member(world, "ana")
    assert await stack.up({"made": plain})
    world.door.journal.forget_account(stack.state["made"].id)
    stack.state.clear()
    user = {"ana": {**plain, "on_existing": "adopt", "on_destroy": "deactivate"}}
    sales = {"sales": Roster([plain], {"on_existing": "adopt"})}
    before, after = (user, sales) if to_team else (sales, user)
    assert await stack.up(before)
    for name, old in stack.state.items() if is_refreshed else ():
        door = (Rosters if old.is_team else Users)(f"{world.name}:{'Roster' if old.is_team else 'User'}")
        door._loaded, door._tenant = world.door.vendor.settings, world.door
        owner = {OWNER: stack.owner(name)}
        door.diff(old.id, old.outs | owner, old.inputs | owner)

    assert await stack.up(after), stack.failed

    assert active(world) == ["ana"]
    assert len(world.accounts) == 1


@pytest.mark.parametrize("is_refreshed", [True, False], ids=["refreshed", "not refreshed"])
async def test_a_member_whose_e_mail_changes_and_changes_back_stays(
    world: World, stack: Stack, *, is_refreshed: bool
) -> None:
    def sales(name: str) -> dict[str, Roster]:
        return {"sales": Roster([a_member(world, "ana", **world.named(f"{name}@example.com")), a_member(world, "ben")])}

    assert await stack.up(sales("ana"))
    account = by_name(world)["ana"][0]
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "lopez@example.com"})
    if is_refreshed:
        assert await stack.refresh()
    assert await stack.up(sales("lopez")), stack.failed
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "ana@example.com"})
    assert await stack.up(sales("ana")), stack.failed
    assert active(world) == ["ana", "ben"]
    assert stack.outs["ids"].keys() == {"ana@example.com", "ben@example.com"}


async def test_a_team_takes_no_account_of_a_user_with_a_changed_e_mail(world: World, stack: Stack) -> None:
    more = {"username": "ana2"} if "username" in world.vendor.example else {}
    assert await stack.up({"ana": a_member(world, "ana")})
    account = stack.state["ana"].id
    world.door.ownership.assign(account, stack.owner("ana"))
    member = a_member(world, "ana", **more)
    moved = a_member(world, "ana", **world.named("ana.new@example.com"))
    await stack.up({"sales": Roster([member]), "ana": moved})
    assert "sales" not in stack.state or stack.outs["ids"].get("ana@example.com") != account
    assert await stack.up({"ana": moved}), stack.failed
    assert await stack.up({"ana": moved, "sales": Roster([member])}), stack.failed
    assert stack.outs["ids"]["ana@example.com"] != account
    assert len(world.accounts) == 2


async def test_an_account_that_another_resource_adopted_is_not_deleted() -> None:
    async with World("nexudus") as world:
        stack, policies = Stack(world), {"on_leave": "delete"}
        ana, ben = a_member(world, "ana"), a_member(world, "ben")
        assert await stack.up({"sales": Roster([ana, ben], policies)})
        account = by_name(world)["ana"][0]
        world.change_by_hand(account, {"Email": "lopez@example.com"})
        lopez = a_member(world, "lopez", on_existing="adopt", active=False)
        for _ in range(2):
            assert await stack.up({"lopez": lopez, "sales": Roster([ben], policies)})
            assert account in world.accounts
            assert LEAVING not in stack.state["sales"].outs


@pytest.mark.parametrize("policies", [{}, {"on_existing": "adopt"}], ids=["fail", "adopt"])
@pytest.mark.parametrize("is_refreshed", [True, False], ids=["refreshed", "not refreshed"])
async def test_a_password_is_not_sent_again_because_an_e_mail_changed(
    policies: dict[str, Any], *, is_refreshed: bool
) -> None:
    async with World("nexudus") as world:
        stack, ana = Stack(world), a_member(world, "ana", password=FIRST)
        assert await stack.up({"sales": Roster([ana], policies)})
        world.change_by_hand(by_name(world)["ana"][0], {"Email": "lopez@example.com"})
        if is_refreshed:
            assert await stack.refresh()
        world.trail.clear()
        renamed = {"sales": Roster([{**ana, "email": "lopez@example.com"}], {**policies, "max_removals": 1})}
        for _ in range(2):
            assert await stack.up(renamed), stack.failed
        assert [told_password(each) for each in world.trail if told_password(each)] == []


async def test_a_team_whose_e_mails_all_change_has_lost_nobody(world: World, stack: Stack) -> None:
    program = a_team(world, 5)
    assert await stack.up({"sales": program})
    for account, record in world.accounts.items():
        world.change_by_hand(account, {STAND_INS[world.name].EMAIL: f"{name_of(world.email(record))}@new.example"})
    assert await stack.refresh()
    renamed: list[Arguments] = [
        {**each, **world.named(each["email"].replace("example.com", "new.example"))} for each in program.members
    ]
    assert await stack.up({"sales": Roster(renamed)}), stack.failed
    assert active(world) == ["p0", "p1", "p2", "p3", "p4"]
    assert len(world.accounts) == 5


@pytest.mark.parametrize("fault", [answered(502, carried_out=True), lost_after], ids=["502", "lost"])
async def test_a_removal_whose_answer_is_lost_counts(fault: Fault) -> None:
    run = RunSettings.load().model_copy(update={"max_removals": 3})
    async with World("enerflo", run) as world:
        stack, program = Stack(world), a_team(world, 40, {"max_removals": 40})
        assert await stack.up({"sales": program})
        world.hazard = lambda kind: fault if kind == "update" else None
        assert not await stack.up({"sales": Roster(program.members[:1], program.policies)})
        assert len(active(world)) == 40 - 3


async def test_a_removal_that_failed_at_its_read_does_not_count() -> None:
    run = RunSettings.load().model_copy(update={"max_removals": 3})
    async with World("nexudus", run, given={"concurrency": 1}) as world:
        stack, program = Stack(world), a_team(world, 20, {"max_removals": 40})
        assert await stack.up({"sales": program})
        unreadable: set[str] = set()

        async def broken(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            if len(unreadable) < 3:
                unreadable.add(request.url.path)
            if request.url.path in unreadable:
                return httpx.Response(500)
            return await inner.handle_async_request(request)

        world.hazard = lambda kind: broken if kind == "read" else None
        assert not await stack.up({"sales": Roster(program.members[:1], program.policies)})
        assert len(active(world)) == 20 - 3


async def test_a_removal_that_cannot_be_read_back_counts() -> None:
    run = RunSettings.load().model_copy(update={"max_removals": 3})
    async with World("enerflo", run, given={"concurrency": 1}) as world:
        stack, program = Stack(world), a_team(world, 12, {"max_removals": 40})
        assert await stack.up({"sales": program})
        faults = {"update": answered(200, b"{}", carried_out=True), "read": answered(403, carried_out=False)}
        world.hazard = faults.get
        assert not await stack.up({"sales": Roster(program.members[:1], program.policies)})
        assert len(active(world)) == 12 - 3


async def test_a_leaver_whose_e_mail_a_namesake_got_is_deactivated(world: World, stack: Stack) -> None:
    assert await stack.up({"ana": a_member(world, "ana")})
    account = stack.state["ana"].id
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "ana.old@example.com"})
    more = {"username": "ana2"} if "username" in world.vendor.example else {}
    program = {"ana2": a_member(world, "ana", **more)}
    assert await stack.up(program), stack.failed
    assert active(world) == ["ana"]
    assert stack.state["ana2"].id != account
    assert await stack.up(program), stack.failed
    assert active(world) == ["ana"]
    assert len(world.accounts) == 2


@pytest.mark.parametrize(
    ("name", "corrected"), [("enerflo", {"timezone": "America/New_York"}), ("tenovos", {"username": "p-one"})]
)
async def test_a_member_whose_create_was_refused_can_be_corrected(name: str, corrected: dict[str, str]) -> None:
    """Also in what can only be given when the account is made."""
    async with World(name) as world:
        stack, program = Stack(world), a_team(world, 3)
        refuse(world, "create", "p1")
        assert not await stack.up({"sales": program})
        out_of_trouble(world)
        p0, p1, p2 = program.members
        assert await stack.up({"sales": Roster([p0, {**p1, **corrected}, p2])}), stack.failed
        assert active(world) == ["p0", "p1", "p2"]


# --- seats --------------------------------------------------------------------------------------


def with_seats(world: World, seats: int) -> None:
    """No more active accounts than this: the vendor refuses what would make one more."""

    def full(asked: str) -> Fault | None:
        is_full = asked == "create" and len(active(world)) >= seats
        return answered(403, b'{"message": "no seats left"}', carried_out=False) if is_full else None

    world.hazard = full


async def test_who_leaves_frees_the_seats_of_those_who_join(world: World, stack: Stack) -> None:
    assert await stack.up({"sales": a_team(world, 3)})
    with_seats(world, 3)
    others: list[Arguments] = [a_member(world, name) for name in ("x1", "x2", "x3")]
    assert await stack.up({"sales": Roster(others, {"max_removals": "100%"})})
    assert active(world) == ["x1", "x2", "x3"]


async def test_joins_that_are_refused_in_a_row_keep_nobody_who_leaves(world: World, stack: Stack) -> None:
    """One of the leavers is a joining member, whose e-mail was changed by hand, and keeps her account."""
    declared = a_team(world, 3, {"max_removals": "100%"})
    assert await stack.up({"sales": declared})
    with_seats(world, 0)
    many = [a_member(world, f"x{number:02}") for number in range(2 * MOST_FAILURES_IN_A_ROW)]
    set_by_hand(world, stack.outs["ids"]["p1@example.com"], **{STAND_INS[world.name].EMAIL: "x31@example.com"})
    assert not await stack.up({"sales": Roster([*many, declared.members[2]], {"max_removals": "100%"})})

    assert active(world) == ["p2", "x31"]
    assert stack.outs["counts"] | {"changed": 0, "failed": 0, "not_tried": 0} == {
        "members": 2, "joined": 0, "changed": 0, "left": 1, "failed": 0, "not_tried": 0
    }  # fmt: skip


async def test_leavers_who_are_not_tried_are_named_first(world: World, stack: Stack) -> None:
    declared = a_team(world, 3 * MOST_FAILURES_IN_A_ROW, {"max_removals": "100%"})
    assert await stack.up({"sales": declared})
    world.hazard = lambda asked: answered(403, b"{}", carried_out=False) if asked in ("create", "update") else None
    joins: list[Arguments] = [a_member(world, f"a{number:02}") for number in range(2 * MOST_FAILURES_IN_A_ROW)]
    assert not await stack.up({"sales": Roster(joins, {"max_removals": "100%"})})

    leavers = {key: why for key, why in stack.outs["failed"].items() if key.startswith("p")}
    assert len(leavers) == 3 * MOST_FAILURES_IN_A_ROW
    assert all(why.startswith("should have left: ") for why in leavers.values())
    assert sum("not tried" in why for why in leavers.values()) >= MOST_FAILURES_IN_A_ROW
    told = team.failures("sales", stack.outs["failed"], stack.outs["counts"])
    assert told.partition("tries them again: ")[2].startswith("p")
    assert f"{stack.outs['counts']['failed']:.0f} failed" in told
