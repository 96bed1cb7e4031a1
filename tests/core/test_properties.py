"""What seatwise stands for, one test each: P1 to P13, at every vendor, in virtual time.

The fault matrix and the random histories ask most of them again after whatever they do (see oracle.py).
"""

import random
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from pydantic import SecretStr

import oracle
from conftest import by_vendor, by_vendor_and
from faults import WITHOUT_LOGIN
from model import Program, Stack
from operations import lifecycle
from seatwise.core.account.removals import Removals
from seatwise.core.vendor.errors import AccountExists, Refused
from seatwise.core.vendor.http import Request
from seatwise.core.vendor.secrets import Vault
from seatwise.sandbox.server import STAND_INS
from seatwise.vendors.enerflo import Enerflo
from seatwise.wire.settings import RunSettings
from seatwise.wire.tenant import Tenant
from virtual import (
    Fault,
    Wire,
    World,
    answered,
    cannot_connect,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
    out_of_trouble,
)

pytestmark = pytest.mark.anyio
HTML = b"<html>busy</html>"
PEOPLE = 8


@pytest.fixture(params=by_vendor())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A vendor that would let two accounts have one e-mail."""
    async with World(request.param, unique_emails=False) as world:
        yield world


EACH_REQUEST = by_vendor_and(
    ("create", "list", "read", "update", "token"),
    lambda vendor, kind: kind != "token" or vendor.name not in WITHOUT_LOGIN,
)
"""Each vendor with each kind of request that it gets."""


def people(world: World, count: int = PEOPLE, **values: Any) -> dict[str, dict[str, Any]]:
    """A program of so many accounts, without passwords."""
    plain = {name: value for name, value in world.vendor.example.items() if name != "password"}
    own = {f"u{number}": world.named(f"u{number}@example.com") for number in range(count)}
    if "username" in world.vendor.example:
        own = {name: {**fields, "username": name} for name, fields in own.items()}
    return {name: {**plain, **fields, **values} for name, fields in own.items()}


def changed(world: World) -> dict[str, Any]:
    return {name: value for name, value in world.vendor.example_change.items() if name != "password"}


TROUBLE: list[Fault] = [
    cannot_connect,
    lost_before,
    lost_after,
    answered(500, carried_out=True),
    answered(502, HTML, carried_out=False, content_type="text/html"),
    answered(503, carried_out=False, retry_after="2"),
    answered(429, carried_out=False),
    answered(200, carried_out=True),
    answered(200, b'{"cut', carried_out=True, content_type="application/json"),
    answered(401, carried_out=False),
]


def in_trouble(world: World, share: float, seed: int) -> None:
    """Let that share of all requests meet some fault."""
    dice = random.Random(seed)
    world.hazard = lambda kind: dice.choice(TROUBLE) if dice.random() < share else None


def meets(world: World, kind: str, fault: Fault) -> list[str]:
    """Let all requests of that kind meet a fault; the list grows with each of them."""
    met: list[str] = []

    def hazard(asked: str) -> Fault | None:
        if asked != kind:
            return None
        met.append(asked)
        return fault

    world.hazard = hazard
    return met


async def lived_through(stack: Stack, program: Program, share: float, seed: int) -> None:
    """Several runs in the middle of trouble."""
    in_trouble(stack.world, share, seed)
    for _ in range(3):
        await stack.up(program)
        await stack.refresh()
        oracle.check(stack)
    out_of_trouble(stack.world)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
async def test_p1_no_account_is_made_twice(world: World, share: float) -> None:
    stack = Stack(world)
    await lived_through(stack, people(world), share, seed=1)
    oracle.no_duplicates(world)
    assert len(world.accounts) <= PEOPLE


@pytest.mark.parametrize("checkpoints", [True, False])
@pytest.mark.parametrize("fault", [killed_before, killed_after])
async def test_p2_no_account_is_left_that_nobody_owns(world: World, fault: Fault, checkpoints: bool) -> None:
    stack = Stack(world, checkpoints=checkpoints)
    for number in range(3):
        world.fault("create", *[lost_after] * number, fault)
        assert not await stack.up(people(world))
        world.time_goes_by()
    await oracle.converges(stack, people(world))


async def test_p3_what_others_changed_and_nobody_declared_stays(world: World) -> None:
    stack = Stack(world)
    declared = {
        "email",
        "user_name",
        "username",
        "full_name",
        "first_name",
        "last_name",
        "language",
        "roles",
        "user_role_name",
    }
    program = {
        name: {field: value for field, value in arguments.items() if field in declared}
        for name, arguments in people(world, 1).items()
    }
    assert await stack.up(program)
    ((account, record),) = world.accounts.items()
    changes: dict[str, dict[str, Any]] = {
        "enerflo": {"phone": "5550100009", "offices": [77]},
        "nexudus": {"Devices": "a laptop", "ChatRooms": [5], "IsAdmin": True, "OnNewMember": True},
        "tenovos": {"company": "Another Inc.", "phone": "555 010 0009"},
        "scim": {"nickName": "Ani", "urn:acme:2.0:User": {"level": 3}},
    }
    fields = (world.vendor.schema[name] for name in world.vendor.example_change if name not in declared)
    others = {str(field.wire.read): world.vendor.example_change[field.name] for field in fields}
    wanted = changes.get(world.name, others)
    edited = {key: value for key, value in wanted.items() if key in record or world.name in ("nexudus", "scim")}
    assert edited
    world.change_by_hand(account, edited)

    names_changed = {name: value for name, value in changed(world).items() if name == world.name_field.name}
    assert await stack.up({name: {**arguments, **names_changed} for name, arguments in program.items()})
    assert await stack.refresh()
    assert await stack.up({})

    after = world.accounts[account]
    assert "Anna" in str(after)
    assert {key: after[key] for key in edited} == edited


@pytest.mark.parametrize("share", [0.1, 0.5])
async def test_p4_one_up_after_faults_reaches_the_desired_state(world: World, share: float) -> None:
    stack = Stack(world)
    await lived_through(stack, people(world), share, seed=2)
    await oracle.converges(stack, people(world))
    await lived_through(stack, people(world, **changed(world)), share, seed=3)
    await oracle.converges(stack, people(world, **changed(world)))
    await lived_through(stack, people(world, 2), share, seed=4)
    await oracle.converges(stack, people(world, 2))


PERHAPS: list[Fault] = [lost_after, lost_before, answered(500, carried_out=True), killed_after]


@pytest.mark.parametrize("fault", PERHAPS)
async def test_p4_reverting_a_failed_update_undoes_it_at_the_vendor(world: World, fault: Fault) -> None:
    """The state, and so the diff, knows nothing of it: somebody reverts the commit that failed."""
    stack = Stack(world)
    assert await stack.up(people(world, 1))
    world.fault("update", *[fault] * (1 if fault is killed_after else 4))
    assert not await stack.up(people(world, 1, **changed(world)))
    await oracle.converges(stack, people(world, 1))
    assert "Anna" not in str(world.accounts)


@pytest.mark.parametrize("fault", PERHAPS)
@pytest.mark.parametrize("refreshed", [False, True])
async def test_p4_reverting_a_failed_removal_activates_the_account(world: World, fault: Fault, refreshed: bool) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 2))
    world.fault("update", *[fault] * (1 if fault is killed_after else 4))
    assert not await stack.up(people(world, 1))
    if refreshed:
        assert await stack.refresh()
    await oracle.converges(stack, people(world, 2))
    assert not any(world.is_retired(record) for record in world.accounts.values())


@pytest.mark.parametrize("fault", [*PERHAPS, answered(403, b'{"message": "Forbidden"}', carried_out=False)])
async def test_p4_a_return_that_fails_is_tried_again(world: World, fault: Fault) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 1))
    world.fault("update", killed_after)
    assert not await stack.up({})
    world.fault("update", *[fault] * (1 if fault is killed_after else 4))
    assert not await stack.up(people(world, 1))
    out_of_trouble(world)
    world.faults.clear()
    await oracle.converges(stack, people(world, 1))
    assert not any(world.is_retired(record) for record in world.accounts.values())


@pytest.mark.parametrize("fault", [killed_after, killed_before])
async def test_p2_a_return_that_ends_in_a_kill_leaves_no_stranger(world: World, fault: Fault) -> None:
    """Deactivated, left the state, declared again, and killed as it came back."""
    stack = Stack(world, checkpoints=False)
    assert await stack.up(people(world, 1))
    assert await stack.up({})
    world.fault("update", fault)
    assert not await stack.up(people(world, 1))
    await oracle.converges(stack, people(world, 1))
    assert not any(world.is_retired(record) for record in world.accounts.values())


async def test_p2_a_resource_renamed_after_a_kill_resumes_its_account(world: World) -> None:
    """Killed before the vendor heard of it, and the resource renamed since."""
    stack = Stack(world, checkpoints=False)
    (arguments,) = people(world, 1).values()
    assert await stack.up({"old": arguments})
    assert await stack.up({})
    world.fault("update", killed_before)
    assert not await stack.up({"old": arguments})
    await oracle.converges(stack, {"new": arguments})
    assert len(world.accounts) == 1


async def test_p4_a_refresh_does_not_confirm_a_field_that_is_not_read() -> None:
    """Tenovos 1.0 never returns the company."""
    async with World("tenovos", unique_emails=False) as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1))
        world.fault("update", *[lost_after] * 4)
        assert not await stack.up(people(world, 1, company="Elsewhere Ltd."))
        assert await stack.refresh()
        await oracle.converges(stack, people(world, 1))
        assert "Elsewhere" not in str(world.accounts)


async def test_p7_a_false_404_is_not_trusted_after_an_email_change(world: World) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 2))
    account = stack.state["u1"].id
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "zoe@example.com"})
    world.fault("read", *[NO_PROOF["404"] if world.name != "tenovos" else NO_PROOF["no such user"]] * 8)
    await stack.refresh()
    oracle.nothing_was_claimed_that_is_not_so(stack)


async def test_p4_reverting_a_removal_that_the_state_lacks_undoes_it(world: World) -> None:
    """Killed after the answer and before the state was written."""
    stack = Stack(world)
    assert await stack.up(people(world, 1))
    (resource,) = stack.state.values()
    await lifecycle.delete(world.tenant, resource.id, resource.outs)
    await oracle.converges(stack, people(world, 1))
    assert not any(world.is_retired(record) for record in world.accounts.values())


async def test_p4_reverting_a_failed_password_update_sends_the_old_one() -> None:
    async with World("nexudus") as world:
        stack = Stack(world)
        program = {"ana": dict(world.vendor.example)}
        assert await stack.up(program)
        world.fault("update", *[lost_after] * 4)
        assert not await stack.up({"ana": program["ana"] | {"password": "another one"}})
        assert await stack.up(program)
        last = [sent for sent in world.trail if sent.kind == "update"][-1]
        assert last.body["Password"] == program["ana"]["password"]


@pytest.mark.parametrize("body", [b"", HTML, b'{"cut'])
@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_unreadable_answer_to_a_write_is_not_trusted(world: World, body: bytes, carried_out: bool) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 1))
    world.fault("update", answered(200, body, carried_out=carried_out))
    assert await stack.up(people(world, 1, **changed(world))) is carried_out
    await oracle.converges(stack, people(world, 1, **changed(world)))
    world.fault("update", answered(200, body, carried_out=carried_out))
    assert await stack.up({}) is carried_out
    await oracle.converges(stack, {})


@pytest.mark.parametrize(
    "fault", [lost_before, lost_after, answered(500, carried_out=False), answered(504, HTML, carried_out=True)]
)
async def test_p5_a_run_sends_a_create_that_may_have_arrived_only_once(world: World, fault: Fault) -> None:
    stack = Stack(world)
    world.fault("create", *[fault] * PEOPLE)
    await stack.up(people(world))
    oracle.nothing_was_sent_twice(world)
    assert sum(sent.kind == "create" for sent in world.trail) <= PEOPLE


async def test_p6_no_secret_is_in_a_state_a_warning_or_a_failure(world: World) -> None:
    stack = Stack(world)
    program = {"ana": dict(world.vendor.example)}
    echo = " ".join(world.secrets()).encode()
    for status in (400, 403, 422, 500):
        body = b'{"message": "' + echo + b'", "Message": "' + echo + b'", "errors": {"x": "' + echo + b'"}}'
        world.fault("create", answered(status, body, carried_out=False))
        await stack.up(program)
        assert stack.failures
        oracle.no_secret_is_told(stack)
    await oracle.converges(stack, program)
    journal = world.run.journal.read_bytes()
    assert [secret for secret in world.secrets() if secret.encode() in journal] == []


NO_PROOF = {
    "500": answered(500, carried_out=False),
    "403": answered(403, b'{"message": "Forbidden"}', carried_out=False),
    "404": answered(404, carried_out=False),
    "410": answered(410, carried_out=False),
    "a page": answered(200, HTML, carried_out=False, content_type="text/html"),
    "nothing": answered(200, carried_out=False),
    "no such user": answered(403, b'{"message": "User not found"}', carried_out=False),
    "null": answered(200, b"null", carried_out=False, content_type="application/json"),
    "another's record": answered(200, b'{"id": 7, "Id": 7, "userId": "7"}', carried_out=False),
    "reset": lost_before,
}


@pytest.mark.parametrize("fault", NO_PROOF.values(), ids=NO_PROOF.keys())
async def test_p7_an_account_that_is_there_never_leaves_the_state(world: World, fault: Fault) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 2))
    before = dict(stack.state)
    world.fault("read", *[fault] * 16)
    await stack.refresh()
    oracle.nothing_was_claimed_that_is_not_so(stack)
    assert stack.state == before


async def test_p8_a_vendor_that_is_down_costs_a_tenth_more_requests(
    world: World,
) -> None:
    assert await Stack(world).up(people(world, 1))
    mark = len(world.trail)
    world.hazard = lambda kind: answered(503, carried_out=False) if kind != "token" else None
    account = next(iter(world.accounts))
    for _ in range(1000):
        await world.tenant.send(world.door.vendor.request_read(account))
    assert len([sent for sent in world.trail[mark:] if sent.kind == "read"]) <= 1100


@pytest.mark.parametrize(("world", "kind"), EACH_REQUEST, indirect=["world"])
async def test_p8_no_operation_outlasts_its_deadline(world: World, kind: str) -> None:
    async def hangs(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    stack = Stack(world)
    assert await stack.up(people(world, 2))
    met = meets(world, kind, hangs)
    await stack.up(people(world, 4, **changed(world)))
    await stack.refresh()
    assert met
    oracle.nobody_waits_for_ever(stack)
    out_of_trouble(world)
    await oracle.converges(stack, people(world, 4))


async def test_p9_nothing_leaves_before_retry_after_is_over(world: World) -> None:
    stack = Stack(world)
    throttled = answered(409 if world.name == "nexudus" else 429, carried_out=False, retry_after="17")
    world.fault("list", throttled)
    world.fault("create", throttled)
    assert await stack.up(people(world))
    for number, sent in enumerate(world.trail):
        if sent.answer is not None and "retry-after" in sent.answer.headers:
            later = [each.at for each in world.trail[number + 1 :] if each.at > sent.at]
            assert min(later) >= sent.at + 17


async def test_p9_a_limit_is_used_to_the_full_and_not_exceeded() -> None:
    """300 a minute, sixteen at a time, over a line that takes its time: nine tenths of it, and none turned away."""
    taken: deque[float] = deque()
    turned_away = 0
    line = random.Random(1)

    async def vendor(request: httpx.Request) -> httpx.Response:
        nonlocal turned_away
        await anyio.sleep(line.uniform(0.05, 0.5))
        now = anyio.current_time()
        while taken and taken[0] + 60 <= now:
            taken.popleft()
        if len(taken) >= 300:
            turned_away += 1
            return httpx.Response(429, headers={"retry-after": "5"})
        taken.append(now)
        return httpx.Response(200, json={})

    settings = Enerflo.settings_type(api_key=SecretStr("k"), base_url="https://api.example", deadline=3600)
    tenant = Tenant(Enerflo(settings), Vault(), print, RunSettings.load(), Removals(), Wire(vendor))
    start = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(16):
            tasks.start_soon(_requests, tenant, 120)
    minutes = (anyio.current_time() - start) / 60
    assert turned_away == 0
    assert 1920 / minutes >= 0.9 * 300


async def _requests(tenant: Tenant, count: int) -> None:
    for _ in range(count):
        assert (await tenant.send(Request("GET", "/x"))).ok


@pytest.mark.parametrize("calls", [4, 32])
async def test_p10_an_expiry_costs_one_login_however_many_wait(calls: int) -> None:
    for name in ("nexudus", "tenovos"):
        async with World(name) as world:
            assert await Stack(world).up(people(world, 1))
            account = next(iter(world.accounts))
            door = world.door
            await door.send(door.vendor.request_read(account))
            mark = len(world.trail)
            world.store.revoke(name)
            async with anyio.create_task_group() as tasks:
                for _ in range(calls):
                    tasks.start_soon(door.send, door.vendor.request_read(account))
            kinds = [sent.kind for sent in world.trail[mark:]]
            assert kinds.count("read") <= 2 * calls, "each is replayed at most once"
            fresh_logins = 1  # revoking took the refresh token as well: it is tried, and then there is one login
            assert kinds.count("token") == 1 + fresh_logins


@pytest.mark.parametrize("status", [301, 303, 308])
@pytest.mark.parametrize(("world", "kind"), EACH_REQUEST, indirect=["world"])
async def test_p11_no_redirect_leads_anywhere(world: World, status: int, kind: str) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 1))
    elsewhere = answered(status, carried_out=False, location="https://evil.example/take")
    met = meets(world, kind, elsewhere)
    await stack.up(people(world, 2, **changed(world)))
    await stack.refresh()
    assert met
    oracle.nothing_went_elsewhere(world)


@pytest.mark.parametrize("account", ["../../admin", "a/b?x=1", "1\r\nX-Evil: 1", "//evil.example/1", "%2e%2e", "..;"])
async def test_p11_no_id_leads_anywhere(world: World, account: str) -> None:
    for request in (world.door.vendor.request_read(account), world.door.vendor.request_page(account, 1)):
        await world.tenant.send(request)
    oracle.nothing_went_elsewhere(world)
    assert {sent.kind for sent in world.trail} <= {"read", "list", "token"}
    assert all(b"\r" not in sent.url.raw_path and b"/../" not in sent.url.raw_path for sent in world.trail)


async def test_p11_links_in_answers_are_not_used() -> None:
    async with World("nexudus") as world:
        page = b'{"Records": [], "HasNextPage": true, "NextPage": "https://evil.example/2", "TotalPages": 9}'
        world.fault("list", *[answered(200, page, carried_out=False, link='<https://evil.example/2>; rel="next"')] * 3)
        assert await Stack(world).up(people(world, 1))
        oracle.nothing_went_elsewhere(world)


async def test_p12_nobody_elses_account_is_taken(world: World) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 1))
    stand_in = {"email": "u1@example.com", "Email": "u1@example.com", "userName": "u1@example.com"}
    world.make_by_hand("99", **stand_in)
    assert not await stack.up(people(world, 2))
    assert isinstance(stack.failures["u1"], AccountExists)
    oracle.strangers_are_left_alone(world)
    assert await stack.up(people(world, 2, on_existing="adopt"))
    assert stack.state["u1"].outs["adopted"] is True


async def test_p12_a_refused_create_gives_no_right_to_a_later_account() -> None:
    """The intent is old by then: what a person made meanwhile is that person's."""
    async with World("enerflo") as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1))
        world.fault("create", answered(422, b'{"message": "no seats left"}', carried_out=False))
        assert not await stack.up(people(world, 2))
        assert isinstance(stack.failures["u1"], Refused)
        world.make_by_hand("99", email="u1@example.com")
        assert not await stack.up(people(world, 2))
        oracle.strangers_are_left_alone(world)


async def test_p13_a_second_refresh_sees_what_the_first_saw(world: World) -> None:
    stack = Stack(world)
    program = {"ana": dict(world.vendor.example)}
    assert await stack.up(program)
    assert await stack.refresh()
    once = dict(stack.state)
    assert await stack.refresh()
    assert stack.state == once
    assert set(stack.state["ana"].inputs) == set(program["ana"]), "write-only inputs are kept"
    assert not world.diff(once["ana"].outs, once["ana"].inputs)


async def test_a_refresh_shows_roles_changed_before_the_first_read() -> None:
    """The read-back of the create failed: what the first refresh sees is not what was written."""
    async with World("enerflo") as world:
        stack = Stack(world)
        program = people(world, 1, roles=["Setter", "Sales Rep"])
        world.fault("read", *[answered(500, carried_out=False)] * 16)
        assert await stack.up(program)
        world.faults.clear()
        ((account, record),) = world.accounts.items()
        world.store.replace("enerflo", account, world.email(record), record | {"roles": ["Sales Rep"]})
        assert await stack.refresh()
        await oracle.converges(stack, program)
        assert set(world.accounts[account]["roles"]) == {"Setter", "Sales Rep"}
