"""Which answers to creates are believed, in virtual time."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from operations import lifecycle
from virtual import Fault, World

pytestmark = pytest.mark.anyio
Record = dict[str, Any]


def answering(change: Callable[[Record], object]) -> Fault:
    """The account is created, and the record in the answer is changed."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        await answer.aread()
        body = answer.json()
        change(body["user"])
        return httpx.Response(answer.status_code, json=body)

    return fault


def keeping(world: World, **kept: Any) -> Fault:
    """The vendor answers what it was sent, and keeps something else."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        await answer.aread()
        world.change_by_hand(str(answer.json()["user"]["id"]), kept)
        return answer

    return fault


async def create(world: World, number: int, **arguments: Any) -> tuple[str, Record]:
    return await lifecycle.create(world.tenant, world.inputs(email=f"p{number}@example.com", **arguments))


def reads(world: World) -> int:
    return sum(sent.kind == "read" for sent in world.trail)


async def test_only_the_first_account_of_a_run_is_read_back() -> None:
    async with World("enerflo") as world:
        made = [await create(world, number) for number in range(4)]
        assert reads(world) == 1
        await world.restart()
        for account, outs in made:
            refreshed = await lifecycle.read(world.tenant, account, outs)
            assert refreshed is not None
            assert refreshed.outputs == outs

        await world.restart()
        world.trail.clear()
        for number in range(4, 6):
            await create(world, number)
        assert reads(world) == 1, "in each run anew"


async def test_accounts_that_are_created_at_once_wait_for_the_first() -> None:
    async with World("enerflo") as world, anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(create, world, number)
    assert reads(world) == 1


async def test_a_vendor_that_keeps_something_else_is_not_believed() -> None:
    async with World("enerflo") as world:
        world.fault("create", *[keeping(world, last_name="Roig")] * 3)
        made = [await create(world, number) for number in range(3)]
        assert reads(world) == 3
        for account, outs in made:
            assert outs["last_name"] == world.accounts[account]["last_name"]


async def test_a_vendor_that_is_known_to_echo_is_never_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("enerflo") as world:
        monkeypatch.setattr(world.vendor, "echoes", True)
        for number in range(3):
            await create(world, number)
        assert reads(world) == 3


NOT_WHOLE = {
    "another e-mail": lambda record: record.update(email="zoe@example.com"),
    "another account's record": lambda record: record.update(id=9000, email="zoe@example.com"),
    "no name": lambda record: record.pop("first_name"),
    "another name": lambda record: record.update(first_name="Zoe"),
    "another create-only value": lambda record: record.update(timezone="Asia/Tokyo"),
    "a role less": lambda record: record.update(roles=[]),
    "a role that cannot be read": lambda record: record.update(roles=[{"slug": 1.5}]),
}


@pytest.mark.parametrize("change", NOT_WHOLE.values(), ids=NOT_WHOLE)
async def test_an_answer_that_is_not_as_sent_is_read_back(change: Callable[[Record], object]) -> None:
    async with World("enerflo") as world:
        await create(world, 0)
        world.by_hand = world.accounts
        pattern = next(iter(world.accounts.values()))
        world.store.add("enerflo", "9000", "zoe@example.com", {**pattern, "id": 9000, "email": "zoe@example.com"})
        world.fault("create", answering(change))

        account, outs = await create(world, 1)

        assert reads(world) > 1
        assert world.accounts[account]["email"] == outs["email"] == "p1@example.com"
        assert (outs["first_name"], outs["timezone"], outs["roles"]) == ("Ana", "America/Denver", ["Sales Rep"])
        assert not world.diff(outs, world.inputs(email="p1@example.com"))


async def test_an_answer_that_lacks_a_field_is_followed_by_a_read() -> None:
    """The outputs would lack it until the next refresh."""
    async with World("enerflo") as world:
        world.fault("create", *[answering(lambda record: record.pop("company_id"))] * 2)
        made = [await create(world, number) for number in range(2)]
        assert reads(world) == 2
        assert all(outs["company_id"] == 7 for _, outs in made)


async def test_a_first_account_that_cannot_be_read_back_proves_nothing() -> None:
    async with World("enerflo") as world:

        async def not_there(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            return httpx.Response(404)

        world.fault("read", *[not_there] * 4)
        await create(world, 0)
        world.trail.clear()
        for number in range(1, 3):
            await create(world, number)
        assert reads(world) == 2


async def test_the_id_of_an_account_that_is_known_is_not_believed() -> None:
    """The e-mail in the answer is the new account's."""
    async with World("enerflo") as world:
        first, _ = await create(world, 0)
        before = world.accounts[first]
        world.fault("create", answering(lambda record: record.update(id=before["id"])))

        second, outs = await create(world, 1)

        assert second != first
        assert world.accounts[first] == before
        assert world.accounts[second]["email"] == outs["email"] == "p1@example.com"
