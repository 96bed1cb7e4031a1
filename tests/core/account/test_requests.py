"""How many requests everything costs, in virtual time: one look at the list serves all of a run."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil, prod
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

import oracle
import teams
from conftest import TRACED, traced
from model import Program, Stack
from operations import lifecycle
from seatwise.core.vendor.errors import AccountExists
from seatwise.core.vendor.fields import Takes
from seatwise.sandbox.server import STAND_INS
from teams import counted
from virtual import World, answered

pytestmark = pytest.mark.anyio
SCALING = (Path(__file__).resolve().parents[3] / "docs" / "scaling.md").read_text()
PAGE = 100
MANY = 101
"""Accounts: more than a page holds."""


@dataclass(frozen=True)
class Tenancy:
    """A vendor, or one version of its API. Its name is its column in docs/scaling.md."""

    name: str
    given: dict[str, Any] = field(default_factory=dict)
    more: int = 2
    """Requests that the table does not count: a login, the first account, and what a SCIM service has and keeps."""

    @property
    def vendor(self) -> str:
        return self.name.split()[0].lower()

    def is_traced(self) -> bool:
        """Whether the tracer of coverage follows its tests."""
        return self.vendor == TRACED

    def __str__(self) -> str:
        return self.name


VENDORS = (
    Tenancy("Enerflo"),
    Tenancy("Nexudus"),
    Tenancy("Tenovos 1.0"),
    Tenancy("Tenovos 1.5", {"api_version": "1.5", "base_url": "http://127.0.0.1/tenovos-1.5"}),
)
WITH_A_LIST = [each for each in VENDORS if each.name != "Tenovos 1.0"]
IN_THE_TABLE = (*VENDORS, Tenancy("SCIM", more=4))


def documented(tenancy: Tenancy, operation: str, many: int = MANY) -> int:
    """The number of requests that docs/scaling.md says."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in SCALING.splitlines() if line[:1] == "|"]
    header = next(row for row in rows if row[0] == "N accounts")
    formula = next(row for row in rows if row[0] == operation)[header.index(tenancy.name)]
    sizes = {"N": many, "L": ceil(many / PAGE)}
    return sum(factor(term, sizes) for term in formula.split(" + "))


def factor(term: str, sizes: dict[str, int]) -> int:
    """The value of a term such as `2 N`, `L` or `0`."""
    return prod(sizes[word] if word in sizes else int(word) for word in term.split())


@pytest.fixture(params=traced(VENDORS, Tenancy.is_traced))
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
    own = [world.named(f"p{number}@example.com") for number in range(many)]
    if "username" in example:
        own = [each | {"username": f"p{number}"} for number, each in enumerate(own)]
    return {each["email"]: {**example, **each, **arguments} for each in own}


@pytest.mark.parametrize("kind", ["each a `User`", "as a `Roster`"])
@pytest.mark.parametrize("tenancy", traced(IN_THE_TABLE, Tenancy.is_traced))
async def test_each_operation_costs_the_requests_of_the_table(tenancy: Tenancy, kind: str) -> None:
    async with World(tenancy.vendor, given=tenancy.given) as world:
        name, value = next(each for each in world.vendor.example_change.items() if isinstance(each[1], str))
        stack: Stack | teams.Stack = Stack(world) if "User" in kind else teams.Stack(world)

        def program(**arguments: Any) -> Any:
            if "User" in kind:
                return people(world, **arguments)
            return {"team": teams.a_team(world, MANY, {"max_removals": MANY}, **arguments)}

        runs: Sequence[tuple[str, Callable[[], Awaitable[bool]]]] = [
            (f"create, {kind}", partial(stack.up, program())),
            ("`up` without changes", partial(stack.up, program())),
            ("refresh", stack.refresh),
            ("`up` without changes", partial(stack.up, program())),
            ("change a field of each", partial(stack.up, program(**{name: value}))),
            ("deactivate each", partial(stack.up, {})),
        ]
        for operation, run in runs:
            assert await run()
            sent, expected = counted(world), documented(tenancy, operation)
            is_exact = tenancy.name != "SCIM" and not operation.startswith(("create", "refresh"))
            more = 0 if is_exact or not expected else tenancy.more
            assert expected <= sent.total() - sent["token"] <= expected + more, (operation, sent)
            assert sent["token"] <= 1
        assert len(world.accounts) == MANY
        assert teams.active(world) == []


@pytest.mark.parametrize(
    ("vendor", "quirks", "left_out"),
    [
        pytest.param("enerflo", {"enerflo_reply": "id"}, (), id="an answer with the id alone"),
        pytest.param("nexudus", {}, ("user_roles", "api_access"), id="members that lists show whole"),
    ],
)
async def test_new_members_are_read_back_in_the_list(
    vendor: str, quirks: dict[str, Any], left_out: Sequence[str]
) -> None:
    expected = MANY + 2 * ceil(MANY / PAGE)
    async with World(vendor, **quirks) as world:
        stack = teams.Stack(world)
        members = [
            {name: value for name, value in each.items() if name not in left_out}
            for each in teams.a_team(world, MANY).members
        ]
        program = {"team": teams.Roster([*members])}
        assert await stack.up(program)
        assert expected <= counted(world).total() <= expected + 2
        assert await stack.up(program)
        assert counted(world).total() == 0


async def test_users_that_are_created_at_once_are_read_back_together() -> None:
    """The vendor answers the id alone: a page of the list is fewer requests than a read for each."""
    many = 64
    async with World("enerflo", enerflo_reply="id") as world:
        values = list(people(world, many).values())

        async def create(left: Iterator[Any]) -> None:
            for each in left:
                _, outs = await lifecycle.create(world.tenant, world.inputs(**each))
                assert outs["first_name"] == each["first_name"]
                assert outs["role_slugs"] == ["agent"]

        everyone = iter(values)
        async with anyio.create_task_group() as tasks:
            for _ in range(16):
                tasks.start_soon(create, everyone)
        sent = counted(world)
        assert sent["create"] == many
        assert sent["list"] + sent["read"] <= many / 2


async def test_users_of_a_large_tenant_are_read_by_their_ids() -> None:
    async with World("enerflo", enerflo_reply="id") as world:
        await lifecycle.create(world.tenant, world.inputs())
        pattern = next(iter(world.accounts.values()))
        for number in range(5000, 7000):
            email = f"{number}@example.com"
            world.store.add("enerflo", str(number), email, {**pattern, "email": email, "id": number})
        await world.restart()
        counted(world)
        assert await Stack(world).up(people(world, 8))
        sent = counted(world)
        assert (sent["create"], sent["read"]) == (8, 8)
        assert sent["list"] <= 22


@pytest.mark.parametrize("seconds", [5, 40, 60])
async def test_first_requests_that_get_a_429_cost_at_most_two_more(tenancy: Tenancy, seconds: int) -> None:
    """40 seconds are more than a list that is not needed may take."""
    many = 20
    async with World(tenancy.vendor, given=tenancy.given) as world:

        async def full(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            left = seconds - anyio.current_time()
            if left <= 0:
                return await inner.handle_async_request(request)
            return httpx.Response(429, headers={"Retry-After": str(ceil(left))})

        world.hazard = lambda kind: full
        assert await Stack(world).up(people(world, many))
        expected = documented(tenancy, "create, each a `User`", many)
        assert counted(world).total() <= expected + tenancy.more + 2


@pytest.mark.parametrize("status", [429, 503])
async def test_a_list_goes_on_where_the_vendor_turned_a_page_away(status: int) -> None:
    """It is loaded once, and no account is read by its id for that."""
    async with World("enerflo") as world:
        stack = Stack(world)
        assert await stack.up(people(world))
        counted(world)
        refused = [answered(status, carried_out=False, Retry_After="40")]
        world.hazard = lambda kind: refused.pop() if kind == "list" and len(world.trail) > 1 and refused else None
        assert await stack.refresh()
        kinds = counted(world)
        assert kinds["list"] <= ceil(MANY / PAGE) + 1
        assert kinds["read"] <= 4


async def test_changed_accounts_among_many_cost_one_request_each(tenancy: Tenancy, stack: Stack) -> None:
    world, changed = stack.world, 3
    assert await stack.up(people(world))
    assert await stack.refresh()
    await anyio.sleep(60)
    for account in list(world.accounts)[40 : 40 + changed]:
        world.change_by_hand(account, by_hand(world))
    counted(world)

    assert await stack.refresh()

    assert counted(world).total() <= documented(tenancy, "refresh") + changed + tenancy.more
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


@pytest.mark.parametrize("tenancy", traced(WITH_A_LIST, Tenancy.is_traced), indirect=True)
async def test_a_list_is_believed_for_an_hour(stack: Stack) -> None:
    world = stack.world
    made = [await lifecycle.create(world.tenant, world.inputs(**each)) for each in people(world, 4).values()]
    await anyio.sleep(3601)
    world.trail.clear()
    for account, outs in made:
        await lifecycle.read(world.tenant, account, outs)
    assert counted(world)["list"] == 1
