"""Operations on one account at once, and changes that were refused: what the journal and the cache say afterwards."""

import anyio
import httpx
import pytest

from conftest import by_vendor
from core.account.test_moves import (
    ANA,
    EMAIL,
    HOSTS,
    NEW,
    declared,
    in_state,
    owner,
)
from operations import lifecycle, roster
from seatwise.core.account import resource as single
from seatwise.core.account.account_list import record_of
from seatwise.core.account.finding import fetch
from seatwise.core.account.owner import MEMBERS
from seatwise.core.account.ports import Held
from seatwise.core.account.properties import with_owner
from seatwise.core.vendor.errors import AccountError
from teams import plain, team_inputs
from virtual import Fault, World, answered

pytestmark = pytest.mark.anyio
FORBIDDEN = answered(403, b"{}", carried_out=False)


async def slowly(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    await anyio.sleep(1)
    return await inner.handle_async_request(request)


async def test_two_operations_may_read_one_account_at_once(world: World) -> None:
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL, "ben@example.com"), HOSTS)
    account, other = hosts["ids"][EMAIL], hosts["ids"]["ben@example.com"]
    await world.restart()
    await fetch(world.door.operation(), other, "ben@example.com")
    world.door.list_cache.asked = 5
    world.hazard = lambda kind: slowly if kind == "list" else None

    async def meanwhile() -> None:
        await anyio.sleep(0.5)
        await fetch(world.door.operation(), account, EMAIL)

    async with anyio.create_task_group() as group:
        group.start_soon(record_of, world.door.operation(), account)
        group.start_soon(meanwhile)


async def test_who_is_declared_during_a_deactivation_comes_back(world: World) -> None:
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL, "ben@example.com"), HOSTS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    in_state(world, hosts=hosts)
    world.door.journal.acknowledge(hosts["ids"].values(), HOSTS + MEMBERS)
    declared(world, HOSTS + MEMBERS, "ben@example.com")
    world.hazard = lambda kind: slowly if kind == "update" else None

    async def leave() -> None:
        await roster.update(world.door, "hosts", hosts, team_inputs(world, "ben@example.com"), HOSTS)

    async def join() -> None:
        await anyio.sleep(0.5)
        declared(world, ANA, EMAIL)
        await anyio.sleep(3)
        assert (await lifecycle.create(world.tenant, plain(world), ANA))[0] == account

    async with anyio.create_task_group() as group:
        group.start_soon(leave)
        group.start_soon(join)

    assert not world.is_retired(world.accounts[account])


# --- a change of an e-mail that is refused ----------------------------------------------------


async def test_a_refused_email_takes_no_account_from_who_has_it(world: World) -> None:
    ben, his = await lifecycle.create(world.tenant, plain(world, NEW), owner("ben"))
    await world.restart()
    declared(world, ANA, EMAIL)
    ana, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    assert await lifecycle.delete(world.tenant, ben, his, owner("ben"))
    await world.restart()
    declared(world, ANA, NEW)
    with pytest.raises(AccountError):
        await single.update(world.tenant, ana, outs, with_owner(plain(world, NEW), ANA))
    await world.restart()

    declared(world, owner("ben"), NEW)
    again, _ = await lifecycle.create(world.tenant, plain(world, NEW), owner("ben"))
    assert again == ben
    assert not world.is_retired(world.accounts[ben])
    last = world.door.journal.last(EMAIL)
    assert last is not None
    assert last.account == ana


async def test_a_refused_email_stops_no_move_of_who_has_it(world: World) -> None:
    hosts = await roster.create(world.door, "hosts", team_inputs(world, NEW, "zed@example.com"), HOSTS)
    ana, outs = await lifecycle.create(world.tenant, plain(world), ANA)

    async def run(whose: str) -> None:
        await world.restart()
        in_state(world, hosts=hosts)
        world.engine_state.held[ANA] = Held(ana, with_owner(outs, ANA))
        world.door.journal.acknowledge(hosts["ids"].values(), HOSTS + MEMBERS)
        declared(world, HOSTS + MEMBERS, "zed@example.com")
        declared(world, whose, NEW)

    await run(ANA)
    with pytest.raises(AccountError):
        await single.update(world.tenant, ana, outs, with_owner(plain(world, NEW), ANA))
    await run(owner("ben"))
    again, _ = await lifecycle.create(world.tenant, plain(world, NEW), owner("ben"))
    assert again == hosts["ids"][NEW]


@pytest.mark.parametrize("world", by_vendor(lambda vendor: vendor.name != "tenovos"), indirect=True)
async def test_an_email_whose_answer_was_lost_is_given_to_a_member(world: World) -> None:
    """Ana got another e-mail, which the engine did not hear of; a colleague joins a team with the one so far.

    Not at Tenovos, whose accounts keep their logins.
    """
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    hosts = await roster.create(world.door, "hosts", team_inputs(world, "zed@example.com"), HOSTS)
    wanted = with_owner(plain(world, NEW), ANA)
    await world.restart()
    declared(world, ANA, NEW)
    lost = answered(500, b"", carried_out=True)
    sent = len(world.trail)

    def hazard(kind: str) -> Fault | None:
        is_after = any(each.kind == "update" for each in world.trail[sent:])
        return lost if kind == "update" else FORBIDDEN if kind == "read" and is_after else None

    world.hazard = hazard
    with pytest.raises(AccountError):
        await single.update(world.tenant, account, outs, wanted)
    world.hazard = lambda kind: None
    assert world.email(world.accounts[account]) == NEW
    await world.restart()

    in_state(world, hosts=hosts)
    world.engine_state.held[ANA] = Held(account, with_owner(outs, ANA), kind=f"{world.name}:User")
    news = team_inputs(world, "zed@example.com", EMAIL)
    declared(world, HOSTS + MEMBERS, *news["members"])
    hosts = await roster.update(world.door, "hosts", hosts, news, HOSTS)
    declared(world, ANA, NEW)
    assert single.diff(world.door, account, outs, wanted, frozenset())
    await single.update(world.tenant, account, outs, wanted)
    assert len({account, *hosts["ids"].values()}) == 3


@pytest.mark.parametrize("first", ["ana", "ben"])
async def test_a_refused_exchange_leaves_both_in_the_journal(world: World, first: str) -> None:
    emails, ids, outs = {"ana": EMAIL, "ben": NEW}, {}, {}
    for name, email in emails.items():
        ids[name], outs[name] = await lifecycle.create(world.tenant, plain(world, email), owner(name))
    await world.restart()

    async def taken(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        await anyio.sleep(1)
        return httpx.Response(409, json={"message": "taken"})

    world.hazard = lambda kind: taken if kind == "update" else None

    async def rename(name: str, email: str, after_s: float) -> None:
        await anyio.sleep(after_s)
        with pytest.raises(AccountError):
            await single.update(world.tenant, ids[name], outs[name], with_owner(plain(world, email), owner(name)))

    second = "ben" if first == "ana" else "ana"
    async with anyio.create_task_group() as group:
        group.start_soon(rename, first, emails[second], 0)
        group.start_soon(rename, second, emails[first], 0.3)

    lasts = {name: world.door.journal.last(email) for name, email in emails.items()}
    assert {name: last and last.account for name, last in lasts.items()} == ids
