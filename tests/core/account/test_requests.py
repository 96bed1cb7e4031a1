"""How many requests everything costs, in virtual time: one look at the list serves all of a run."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import anyio
import httpx
import pytest

import oracle
from model import Program, Stack
from operations import lifecycle
from seatwise.core.vendor.errors import AccountExists
from seatwise.core.vendor.fields import Takes
from seatwise.sandbox.server import STAND_INS
from virtual import World, answered

pytestmark = pytest.mark.anyio
PAGE = 100
MANY = 130
"""Accounts: more than a page holds."""


@dataclass(frozen=True)
class Tenancy:
    """A vendor, and what it makes necessary: requests that one account costs, for want of a list or of an id."""

    vendor: str
    to_refresh: int = 0
    to_look_up: int = 0
    to_update: int = 0
    given: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.vendor, *self.given.values()])


VENDORS = (
    Tenancy("enerflo"),
    Tenancy("nexudus", to_update=1),
    Tenancy("tenovos", to_refresh=1, to_look_up=1),  # API 1.0 has no list: each is looked for and read by itself
    Tenancy("tenovos", given={"api_version": "1.5", "base_url": "http://127.0.0.1/tenovos-1.5"}),
)


@pytest.fixture(params=VENDORS, ids=str)
async def tenancy(request: pytest.FixtureRequest) -> Tenancy:
    made: Tenancy = request.param
    return made


@pytest.fixture
async def stack(tenancy: Tenancy) -> AsyncIterator[Stack]:
    async with World(tenancy.vendor, given=tenancy.given) as world:
        yield Stack(world)


def people(world: World, many: int = MANY, **arguments: Any) -> Program:
    """So many people with what a create takes of the vendor's example, but no password: its fingerprint takes time."""
    schema = world.vendor.schema
    example = {
        key: value
        for key, value in world.vendor.example.items()
        if schema[key].takes & Takes.CREATE and not schema[key].secret
    }
    own = [{"email": f"p{number}@example.com"} for number in range(many)]
    if "username" in example:
        own = [each | {"username": f"p{number}"} for number, each in enumerate(own)]
    return {each["email"]: {**example, **each, **arguments} for each in own}


def counted(world: World) -> Counter[str]:
    """The requests since the last count, by kind."""
    kinds = Counter(sent.kind for sent in world.trail)
    world.trail.clear()
    return kinds


async def test_everything_stays_within_its_number_of_requests(tenancy: Tenancy, stack: Stack) -> None:
    world, pages = stack.world, ceil(MANY / PAGE)
    assert await stack.up(people(world))
    created = counted(world)
    assert created["create"] == MANY
    assert created.total() <= (2 + tenancy.to_look_up) * MANY + 1 + 2
    assert created["token"] <= 1

    assert await stack.up(people(world))
    assert counted(world).total() == 0

    assert await stack.refresh()
    refreshed = counted(world)
    assert refreshed.total() <= (tenancy.to_refresh * MANY or pages) + 2
    assert refreshed["token"] <= 1

    name, value = next(each for each in world.vendor.example_change.items() if isinstance(each[1], str))
    assert await stack.up(people(world, **{name: value}))
    updated = counted(world)
    assert updated["update"] == MANY
    assert updated.total() - updated["token"] == (1 + tenancy.to_update) * MANY
    assert updated["token"] <= 1


async def test_an_account_among_many_that_was_changed_costs_one_request_more(tenancy: Tenancy, stack: Stack) -> None:
    world, changed = stack.world, 3
    assert await stack.up(people(world))
    assert await stack.refresh()
    await anyio.sleep(60)
    for account in list(world.accounts)[40 : 40 + changed]:
        world.change_by_hand(account, by_hand(world))
    counted(world)

    assert await stack.refresh()

    pages = ceil(MANY / PAGE)
    assert counted(world).total() <= (tenancy.to_refresh * MANY or pages + changed) + 2
    assert sum(world.diff(each.outs, dict(people(world)[name])) for name, each in stack.state.items()) == changed


def by_hand(world: World) -> dict[str, Any]:
    """What somebody sets at the admin page."""
    changes: dict[str, dict[str, Any]] = {
        "enerflo": {"last_name": "Roig"},
        "nexudus": {"FullName": "Ana Roig"},
        "tenovos": {"lastName": "Roig"},
    }
    return changes[world.name]


@pytest.mark.parametrize("vendor", ["enerflo", "nexudus"])
async def test_a_small_stack_in_a_large_tenant_does_not_load_its_list(vendor: str) -> None:
    async with World(vendor) as world:
        stack = Stack(world)
        assert await stack.up(people(world, 2))
        stand_in, pattern = STAND_INS[vendor], next(iter(world.accounts.values()))
        for number in range(5000, 7100):
            email = f"{number}@example.com"
            world.store.add(vendor, str(number), email, {**pattern, stand_in.EMAIL: email, stand_in.ID: number})
        counted(world)

        assert await stack.refresh()

        kinds = counted(world)
        assert (kinds["list"], kinds["read"]) == (1, 2)


async def test_one_account_is_read_and_no_list_loaded(tenancy: Tenancy, stack: Stack) -> None:
    assert await stack.up(people(stack.world, 1))
    counted(stack.world)
    assert await stack.refresh()
    assert counted(stack.world)["list"] == 0


@pytest.mark.parametrize(
    "lacks",
    [
        pytest.param(lambda body: body["results"].append(body["results"][0]), id="an account twice"),
        pytest.param(lambda body: [each.pop("timezone") for each in body["results"]], id="a field that records have"),
        pytest.param(lambda body: [each.pop("phone") for each in body["results"]], id="a field that is declared"),
        pytest.param(lambda body: body.pop("results"), id="no results"),
        pytest.param(lambda body: [each.pop("id") for each in body["results"]], id="no ids"),
    ],
)
async def test_a_list_that_cannot_be_believed_is_not_asked(lacks: Any) -> None:
    async with World("enerflo") as world:
        stack = Stack(world)
        assert await stack.up(people(world, 5))
        counted(world)

        async def changed(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            await answer.aread()
            body = answer.json()
            lacks(body)
            return httpx.Response(200, json=body)

        world.hazard = lambda kind: changed if kind == "list" else None
        assert await stack.refresh()
        assert counted(world)["read"] == 5


async def test_an_account_that_is_not_in_the_list_is_read(stack: Stack) -> None:
    """Absence is no proof: lists may lag, or leave out who is inactive."""
    world = stack.world
    assert await stack.up(people(world, 5))
    world.hazard = lambda kind: (
        answered(200, EMPTY[world.name], carried_out=False, content_type="application/json") if kind == "list" else None
    )
    assert await stack.refresh()
    assert len(stack.state) == 5
    oracle.check(stack)


EMPTY = {
    "enerflo": b'{"success": true, "page": 1, "totalPages": 1, "results": []}',
    "nexudus": b'{"Records": [], "TotalItems": 0, "TotalPages": 0, "HasNextPage": false}',
    "tenovos": b'{"status": "success", "count": 0, "data": []}',
}


async def test_what_this_run_wrote_is_known_though_the_list_is_older(tenancy: Tenancy, stack: Stack) -> None:
    """Who gave up an e-mail does not have it, and who was given one does."""
    world, tenant = stack.world, stack.world.tenant
    ids = {}
    for name, arguments in people(world, 3).items():
        inputs = world.inputs(**arguments)
        ids[name] = account, outs = await lifecycle.create(world.tenant, inputs)
    account, outs = ids["p1@example.com"]
    olds = world.inputs(**people(world, 2)["p1@example.com"])
    news = world.inputs(olds, **{**people(world, 2)["p1@example.com"], "email": "new@example.com"})
    await lifecycle.update(world.tenant, account, outs, news)

    with pytest.raises(AccountExists):
        await lifecycle.create(
            tenant, world.inputs(**{**people(world, 1)["p0@example.com"], "email": "new@example.com"})
        )
    own = {"username": "another"} if world.name == "tenovos" else {}
    again = world.inputs(**{**people(world, 2)["p1@example.com"], **own})
    assert (await lifecycle.create(world.tenant, again))[0] != account


async def test_a_list_is_believed_for_an_hour(stack: Stack) -> None:
    world = stack.world
    if world.name == "tenovos" and not world.door.vendor.has_list:
        return
    made = [await lifecycle.create(world.tenant, world.inputs(**each)) for each in people(world, 4).values()]
    await anyio.sleep(3601)
    world.trail.clear()
    for account, outs in made:
        await lifecycle.read(world.tenant, account, outs)
    assert counted(world)["list"] == 1
