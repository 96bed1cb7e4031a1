"""Which answers to creates are believed, in virtual time."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from operations import lifecycle
from seatwise.core.vendor.errors import VendorBroken
from seatwise.sandbox.store import Store
from virtual import Fault, World, kind_of

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


UNPROVEN: dict[str, tuple[Any, Any]] = {
    "last_name": ("Ruiz-Santamaria", "Ruiz-Sant"),
    "timezone": ("America/Denver", "Asia/Tokyo"),
    "phone": ("(555) 010-0001", None),
    "roles": (["Setter", "Regional Manager"], ["Setter"]),
}


@pytest.mark.parametrize("name", UNPROVEN)
async def test_a_field_that_no_account_has_proven_is_read_back(name: str) -> None:
    """The first account did not declare it, or had fewer items."""
    declared, kept = UNPROVEN[name]
    nothing = dict.fromkeys(key for key in ("first_name", "last_name", "phone", "office_ids", "timezone", "password"))
    async with World("enerflo") as world:
        await create(world, 0, **nothing, roles=["Setter"])
        world.fault("create", keeping(world, **{name: kept}))
        account, outs = await create(world, 1, **{**nothing, "roles": ["Setter"], name: declared})
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert found.outputs == outs


async def no_answer(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    await anyio.sleep(30)
    raise httpx.ReadTimeout("time-out")


def id_alone(seconds: float = 0) -> Fault:
    """The account is created, and the answer comes late and holds its id alone."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        await answer.aread()
        await anyio.sleep(seconds)
        return httpx.Response(200, json={"success": True, "id": answer.json()["user"]["id"]})

    return fault


@pytest.mark.parametrize("holds", ["the record", "the id"])
async def test_no_new_account_is_lost_while_others_are_read_back(holds: str) -> None:
    """No read by id is answered: each of them waits, and the accounts are there all the same."""
    async with World("enerflo") as world:
        await create(world, 99)
        await world.restart()
        world.hazard = lambda kind: no_answer if kind == "read" else None
        if holds == "the id":
            world.fault("create", *[id_alone()] * 16)
        made: list[str] = []

        async def make(number: int) -> None:
            account, _ = await create(world, number)
            made.append(account)

        async with anyio.create_task_group() as tasks:
            for number in range(16):
                tasks.start_soon(make, number)
        assert len({*made}) == 16


def add_others(world: World, count: int) -> None:
    """Put accounts into the store that are as the only one there, with e-mails and ids of their own."""
    (pattern,) = world.accounts.values()
    for number in range(count):
        email = f"h{number:03}@example.com"
        world.store.add("enerflo", str(50000 + number), email, {**pattern, "id": 50000 + number, "email": email})


async def test_a_list_for_new_accounts_answers_no_other_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """A create moves its pages while it is loaded, and an account that is there falls between two of them."""
    unsorted = Store.all

    def by_email(self: Store, vendor: str, first: int = 0, limit: int = -1) -> Any:
        found = sorted(unsorted(self, vendor), key=lambda each: str(each[1]["email"]))
        return found[first:] if limit < 0 else found[first : first + limit]

    monkeypatch.setattr(Store, "all", by_email)
    async with World("enerflo", unique_emails=False) as world:
        await lifecycle.create(world.tenant, world.inputs())
        add_others(world, 300)
        await world.restart()
        lists = 0

        async def weather(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            nonlocal lists
            lists += kind_of(request) == "list"
            is_slow = kind_of(request) == "list" and lists > 5 and request.url.params["page"] == "2"
            await anyio.sleep(3 if is_slow else 2 if b"h150x" in request.content else 0.1)
            return await (
                id_alone()(request, inner) if request.method == "POST" else inner.handle_async_request(request)
            )

        world.hazard = lambda kind: weather
        async with anyio.create_task_group() as tasks:
            for email in ("h150x@example.com", *(f"z{number}@example.com" for number in range(6))):
                tasks.start_soon(lifecycle.create, world.tenant, world.inputs(email=email))

        account, _ = await lifecycle.create(world.tenant, world.inputs(email="h198@example.com", on_existing="adopt"))

        assert account == "50198"


@pytest.mark.parametrize("minutes", [0.5, 30])
async def test_some_pages_of_a_list_are_completed_for_two_minutes(minutes: float) -> None:
    """Later a person may have deleted an account of an earlier page, so that another one moved to it."""
    async with World("enerflo", unique_emails=False) as world:
        await lifecycle.create(world.tenant, world.inputs())
        add_others(world, 250)
        await world.restart()
        world.trail.clear()
        world.hazard = lambda kind: broken if kind == "list" else None

        async def broken(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            is_last = request.url.params["page"] == "3"
            return httpx.Response(500) if is_last else await inner.handle_async_request(request)

        with pytest.raises(VendorBroken):
            await lifecycle.create(world.tenant, world.inputs(email="a@example.com"))
        await anyio.sleep(60 * minutes)
        world.hazard = lambda kind: None
        if minutes > 2:
            world.store.remove("enerflo", "50010", reserve=False)
        world.trail.clear()

        account, _ = await lifecycle.create(world.tenant, world.inputs(email="h199@example.com", on_existing="adopt"))

        assert account == "50199"
        assert sum(sent.kind == "list" for sent in world.trail) == (1 if minutes < 2 else 3)


@pytest.mark.parametrize("seconds", [None, 1, 5, 20])
async def test_a_list_that_stays_throttled_is_left_alone(seconds: int | None) -> None:
    """Everything else is answered: an account is read by its id then."""
    async with World("enerflo") as world:
        made = [await create(world, number) for number in range(60)]
        await world.restart()
        world.trail.clear()

        async def throttled(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            return httpx.Response(429, headers={"retry-after": str(seconds)} if seconds else {})

        world.hazard = lambda kind: throttled if kind == "list" else None
        begun = anyio.current_time()
        waiting = iter(made)

        async def refresh() -> None:
            for account, outs in waiting:
                assert await lifecycle.read(world.tenant, account, outs) is not None

        async with anyio.create_task_group() as tasks:
            for _ in range(16):
                tasks.start_soon(refresh)
        assert sum(sent.kind == "list" for sent in world.trail) <= 8
        assert anyio.current_time() - begun < 120


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
