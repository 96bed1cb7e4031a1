"""Creates that are answered with the id of another account, in virtual time."""

from typing import Any

import httpx
import pytest

from operations import lifecycle
from seatwise.core.account.owner import Owner
from seatwise.core.account.ports import EntryKind
from seatwise.core.vendor.errors import InvalidAccount, RateLimited, UnknownOutcome
from teams import Roster, Stack
from virtual import Fault, World, answered, passes

pytestmark = pytest.mark.anyio
LEO, BEN = (str(Owner("accounts", "dev", (), name)) for name in ("leo", "ben"))


def with_the_id_of(account: str) -> Fault:
    """The account is created, and the answer has this id."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        await answer.aread()
        body = answer.json()
        record, key = (body["user"], "id") if "user" in body else (body["Value"], "Id")
        record[key] = type(record[key])(account)
        return httpx.Response(answer.status_code, json=body)

    return fault


async def create(world: World, name: str, owner: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return await lifecycle.create(world.tenant, world.inputs(email=f"{name}@example.com", **arguments), owner)


def team(world: World, *names: str) -> dict[str, Roster]:
    """A program with one team."""
    return {"sales": Roster([{**world.vendor.example, "email": f"{name}@example.com"} for name in names])}


@pytest.fixture(params=["enerflo", "nexudus"])
async def world(request: pytest.FixtureRequest) -> Any:
    """The vendors whose answers have ids that a test can change."""
    async with World(request.param) as world:
        yield world


@pytest.mark.parametrize("is_adopted", [False, True])
async def test_a_leaver_whose_id_a_create_got_still_leaves(world: World, is_adopted: bool) -> None:
    """The journal has no entry of an adopted account."""
    leo, outs = await create(world, "leo", LEO)
    if is_adopted:
        world.door.journal.forget_account(leo)
        await world.restart()
        leo, outs = await create(world, "leo", LEO, on_existing="adopt", on_destroy="deactivate")
        assert world.door.journal.last_of(leo) is None
    await world.restart()
    world.fault("create", with_the_id_of(leo))

    ben, _ = await create(world, "ben", BEN)

    assert ben != leo
    assert await lifecycle.delete(world.tenant, leo, outs, LEO)
    assert world.is_retired(world.accounts[leo])
    assert not world.is_retired(world.accounts[ben])


async def test_an_owner_whose_id_a_create_got_keeps_the_entry(world: World) -> None:
    """The run is killed before the engine learns of the account."""
    ana, _ = await create(world, "leo", LEO)
    world.fault("create", with_the_id_of(ana))
    ben, _ = await create(world, "ben", BEN)
    await world.restart()

    assert (await create(world, "leo", LEO))[0] == ana
    assert (await create(world, "ben", BEN))[0] == ben
    assert len(world.accounts) == 2


async def test_a_person_who_left_and_whose_id_a_create_got_returns(world: World) -> None:
    leo, outs = await create(world, "leo", LEO)
    await lifecycle.delete(world.tenant, leo, outs, LEO)
    await world.restart()
    world.fault("create", with_the_id_of(leo))
    await create(world, "ben", BEN)
    await world.restart()

    assert (await create(world, "leo", LEO))[0] == leo
    assert not world.is_retired(world.accounts[leo])


async def test_no_two_members_of_a_team_have_one_account(world: World) -> None:
    """The new member cannot be read back: only the id in the answer is known."""
    stack = Stack(world)
    assert await stack.up(team(world, "ben"))
    (ben,) = world.accounts
    await world.restart()
    world.fault("create", with_the_id_of(ben))
    world.fault("read", *[answered(500, carried_out=False)] * 20)
    await stack.up(team(world, "ben", "amy"))
    world.faults.clear()
    for _ in range(2):
        await world.restart()
        assert await stack.up(team(world, "ben", "amy")), stack.failed

    ids = stack.state["sales"].outs["ids"]
    assert {*ids.values()} == {*world.accounts}
    assert await stack.up(team(world, "ben"))
    assert [world.is_retired(world.accounts[ids[f"{name}@example.com"]]) for name in ("ben", "amy")] == [False, True]


def updating(world: World, account: str, email: str) -> Fault:
    """The create is an update: the vendor gives an account that exists the new e-mail, and answers its id."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        record = {**world.accounts[account], "email": email}
        world.store.replace(world.name, account, email, record)
        return httpx.Response(200, json={"user": record})

    return fault


async def test_an_account_that_another_resource_has_is_not_shared() -> None:
    async with World("enerflo") as world:
        ben, _ = await create(world, "ben", BEN)
        await world.restart()
        world.door.ownership.declare("ben@example.com", BEN)
        world.door.ownership.assign_declared(ben, "ben@example.com", BEN)
        world.fault("create", updating(world, ben, "leo@example.com"))
        with pytest.raises(InvalidAccount, match="ben has this account in this run as well"):
            await create(world, "leo", LEO)


async def test_an_account_that_another_member_has_is_not_shared() -> None:
    async with World("enerflo") as world:
        stack = Stack(world)
        assert await stack.up(team(world, "ben"))
        (ben,) = world.accounts
        await world.restart()
        world.fault("create", updating(world, ben, "amy@example.com"))
        assert not await stack.up(team(world, "ben", "amy"))
        assert stack.failed["amy@example.com"].startswith(f"the account with this e-mail ({ben}) is that of the member")
        assert stack.state["sales"].outs["ids"] == {"ben@example.com": ben}


@pytest.mark.parametrize("lists_fail", [False, True])
async def test_an_id_that_is_given_again_is_the_new_accounts(*, lists_fail: bool) -> None:
    """The old account was deleted at the vendor, and the journal still has it."""
    async with World("enerflo") as world:
        leo, outs = await create(world, "leo", LEO)
        await lifecycle.delete(world.tenant, leo, outs, LEO)
        await world.restart()
        world.store.clear()
        if lists_fail:
            world.fault("list", passes, *[answered(503, carried_out=False)] * 40)

        ben, outs = await create(world, "ben", BEN)

        assert (ben, outs["adopted"]) == (leo, False)
        await world.restart()
        world.faults.clear()
        assert await lifecycle.delete(world.tenant, ben, outs, BEN)
        assert world.is_retired(world.accounts[ben])


async def test_a_503_that_may_be_a_yes_leaves_the_create_open() -> None:
    """With RESEND_CREATES=false a 503 proves nothing, also where its wait is longer than the operation may take."""
    async with World("enerflo", given={"resend_creates": False}) as world:
        world.fault("create", answered(503, carried_out=True, retry_after="300"))
        with pytest.raises(UnknownOutcome):
            await create(world, "ben", BEN)
        last = world.door.journal.last("ben@example.com")
        assert last is not None
        assert last.kind is EntryKind.PENDING


async def test_a_login_that_is_throttled_leaves_no_create_open() -> None:
    async with World("nexudus", given={"resend_creates": False}) as world:
        world.fault("token", *[answered(503, carried_out=False, retry_after="300")] * 5)
        with pytest.raises(RateLimited):
            await create(world, "ben", BEN)
        assert world.door.journal.last("ben@example.com") is None


async def test_a_503_that_is_a_no_takes_the_create_back() -> None:
    async with World("enerflo") as world:
        world.fault("create", answered(503, carried_out=False, retry_after="300"))
        with pytest.raises(RateLimited):
            await create(world, "ben", BEN)
        assert world.door.journal.last("ben@example.com") is None


async def test_a_read_that_shows_another_account_is_sent_again(world: World) -> None:
    leo, _ = await create(world, "leo", LEO)
    await world.restart()
    before = len(world.trail)

    async def shows_leo(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        await answer.aread()
        body = answer.json()
        record = body.get("data", body)
        key = "id" if "id" in record else "Id"
        record[key] = type(record[key])(leo)
        return httpx.Response(answer.status_code, json=body)

    world.fault("read", shows_leo)

    _, outs = await create(world, "ben", BEN, password="a password of ben")

    assert [each.kind for each in world.trail[before:]].count("read") == 2
    assert outs["email"] == "ben@example.com"
