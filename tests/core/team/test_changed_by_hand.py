"""Members whose accounts a person gave another e-mail at the vendor, where the program declares that one now."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from conftest import by_vendor
from operations import lifecycle, roster
from seatwise.core.account.owner import MEMBERS, Owner
from seatwise.core.account.ports import Held
from seatwise.core.account.properties import with_owner
from seatwise.core.team import resource as team
from seatwise.core.vendor.errors import AccountError
from seatwise.sandbox.server import STAND_INS
from teams import plain, team_inputs
from virtual import Fault, Killed, World, answered, killed_before, lost_before

pytestmark = pytest.mark.anyio
P1, P2, NEW, ZED = (f"{name}@example.com" for name in ("p1", "p2", "new", "zed"))
HOSTS, ANA = str(Owner("accounts", "dev", (), "hosts")), str(Owner("accounts", "dev", (), "ana"))
FORBIDDEN = answered(403, b"{}", carried_out=False)
Outputs = dict[str, Any]


@pytest.fixture(params=by_vendor())
async def loose(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each vendor, where several accounts may have one e-mail."""
    async with World(request.param, unique_emails=False) as world:
        yield world


def a_team(world: World, *emails: str, login: str = "p1", **more: Any) -> Outputs:
    """A team; `login` is that of the member with the new e-mail, who mostly is p1."""
    return team_inputs(world, *emails, logins={NEW: login}, **more)


def by_hand(world: World, account: str, email: str) -> None:
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: email})


def in_state(world: World, hosts: Outputs) -> None:
    world.engine_state.held[HOSTS] = Held("hosts", hosts, kind=f"{world.name}:Roster")
    world.door.journal.acknowledge(hosts["ids"].values(), HOSTS + MEMBERS)


async def a_run(world: World, hosts: Outputs | None, news: Outputs) -> Outputs:
    """A run of the team alone, in a new process."""
    await world.restart()
    if hosts is not None:
        in_state(world, hosts)
    for key in news["members"]:
        world.door.ownership.declare(key, HOSTS + MEMBERS)
    if hosts is None:
        return await roster.create(world.door, "hosts", news, HOSTS)
    return await roster.update(world.door, "hosts", hosts, news, HOSTS)


def is_off(world: World, account: str) -> bool:
    return world.is_retired(world.accounts[account])


def of_a_newer_version(world: World, email: str) -> None:
    """Let the journal have an entry that this version cannot read."""
    with closing(sqlite3.connect(world.run.journal)) as journal, journal:
        (tenant,) = journal.execute("select tenant from deeds limit 1").fetchone()
        journal.execute("insert into deeds values (?, ?, 'NEWER', 'x', '', 1e12)", (tenant, email))


# --- others had, or may get, the new e-mail ---------------------------------------------------


@pytest.mark.parametrize("namesake", ["has another e-mail", "is deleted"])
async def test_a_leaver_had_the_new_email_before(world: World, namesake: str) -> None:
    hosts = await a_run(world, None, a_team(world, P1, NEW, ZED, login="older"))
    account, older = hosts["ids"][P1], hosts["ids"][NEW]
    hosts = await a_run(world, hosts, a_team(world, P1, ZED))
    assert is_off(world, older)
    if namesake == "is deleted":
        world.store.remove(world.name, older, reserve=False)
    else:
        by_hand(world, older, "older@example.com")
    by_hand(world, account, NEW)
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert (hosts["ids"].get(NEW), is_off(world, account)) == (account, False)


@pytest.mark.parametrize("on_leave", ["deactivate", "delete"])
@pytest.mark.parametrize("fault", [lost_before, killed_before], ids=["lost", "killed"])
async def test_a_create_of_the_new_email_never_arrived(world: World, fault: Fault, on_leave: str) -> None:
    policy = {"on_leave": on_leave} if on_leave == "deactivate" or world.tenant.vendor.can_delete else {}
    hosts = await a_run(world, None, a_team(world, P1, ZED) | policy)
    account = hosts["ids"][P1]
    world.hazard = lambda kind: fault if kind == "create" else None
    try:
        hosts = await a_run(world, hosts, a_team(world, P1, NEW, ZED, login="new") | policy)
    except* Killed:
        pass
    world.hazard = lambda kind: None
    world.time_goes_by()
    by_hand(world, account, NEW)
    for _ in range(2):
        hosts = await a_run(world, hosts, a_team(world, NEW, ZED) | policy)
    assert (hosts["ids"].get(NEW), is_off(world, account)) == (account, False)


async def test_two_leavers_have_the_new_email(loose: World) -> None:
    """Which one of them is meant is not known: no one loses the account, and both are named."""
    hosts = await a_run(loose, None, a_team(loose, P1, P2, ZED))
    accounts = {key: hosts["ids"][key] for key in (P1, P2)}
    for account in accounts.values():
        by_hand(loose, account, NEW)
    hosts = await a_run(loose, hosts, a_team(loose, NEW, ZED))
    assert hosts["failed"].keys() == {NEW, P1, P2}
    assert hosts["failed"][P1].startswith("should have left: its account has the ")
    assert " of new@example.com, who has no account here" in hosts["failed"][P1]
    assert accounts.items() <= hosts["ids"].items()
    assert not any(is_off(loose, account) for account in accounts.values())


async def test_a_person_has_the_new_email_too(loose: World) -> None:
    person, _ = await lifecycle.create(loose.tenant, plain(loose, NEW, "new"), "")
    loose.door.journal.forget_account(person)
    loose.door.journal.mark_confirmed(person)
    hosts = await a_run(loose, None, a_team(loose, P1, ZED))
    by_hand(loose, hosts["ids"][P1], NEW)
    hosts = await a_run(loose, hosts, a_team(loose, NEW, ZED))
    assert hosts["failed"].keys() == {NEW, P1}
    assert "several accounts have this" in hosts["failed"][NEW]


async def test_an_unread_entry_of_the_journal_concerns_one_member(world: World) -> None:
    hosts = await a_run(world, None, a_team(world, P1, P2, ZED))
    one, two = hosts["ids"][P1], hosts["ids"][P2]
    by_hand(world, one, NEW)
    of_a_newer_version(world, NEW)
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert (is_off(world, one), is_off(world, two)) == (False, True)
    assert hosts["failed"].keys() == {P1, NEW}


async def test_an_unread_entry_of_the_journal_loses_no_new_member(world: World) -> None:
    """Her account can be read only after the joins."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    of_a_newer_version(world, NEW)

    async def late(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if account in str(request.url) and not world.door.ownership.has_failed(NEW):
            return httpx.Response(403, content=b"{}")
        return await inner.handle_async_request(request)

    world.hazard = lambda kind: late if kind == "read" else None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED, P2))
    assert hosts["ids"][P2] in world.accounts


# --- whose account it is ----------------------------------------------------------------------


@pytest.mark.parametrize("world", by_vendor(lambda vendor: vendor.tells_ids), indirect=True)
async def test_a_person_of_a_wrong_id_is_not_followed(world: World) -> None:
    """The answer to p1's create had the id of a person's account, and could not be read back."""
    person, _ = await lifecycle.create(world.tenant, plain(world, NEW, "new"), "")
    world.door.journal.forget_account(person)
    world.door.journal.mark_confirmed(person)
    before, created = dict(world.accounts[person]), list[str]()
    world.store.remove(world.name, person, reserve=False)

    async def another(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if not created:  # no list has shown the account
            world.store.add(world.name, person, world.email(before), before)
        there = {*world.accounts}
        answer = await inner.handle_async_request(request)
        created.extend({*world.accounts} - there)
        content = await answer.aread()
        if P1.encode() in request.content:
            content = content.replace(created[-1].encode(), person.encode())
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=content)

    def hazard(kind: str) -> Fault | None:
        if kind == "create":
            return another
        return FORBIDDEN if created and kind in ("read", "list") else None

    world.hazard = hazard
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    assert hosts["ids"][P1] == person
    world.hazard = lambda kind: None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert world.accounts[person] == before
    assert hosts["failed"][NEW].startswith("the id in the answer to its create is that of another account")


async def test_a_list_that_lags_gives_no_account_to_another(world: World) -> None:
    """It shows the new e-mail, of long ago, at the account of a leaver; now another person has it."""
    hosts = await a_run(world, None, a_team(world, P1, ZED, *(f"o{n}@example.com" for n in range(4))))
    account = hosts["ids"][P1]

    async def old(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        content = (await answer.aread()).replace(P1.encode(), NEW.encode())
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=content)

    world.hazard = lambda kind: old if kind == "list" else None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED, login="new") | {"max_removals": 99})
    assert is_off(world, account) or P1 in hosts["failed"]
    assert hosts["ids"].get(NEW) != account


@pytest.mark.parametrize("policy", [{}, {"on_existing": "adopt"}], ids=["fail", "adopt"])
async def test_two_members_do_not_get_one_account(world: World, policy: Outputs) -> None:
    """P1 stays declared, and her account has the e-mail of one who joins."""
    hosts = await a_run(world, None, a_team(world, P1, P2, ZED) | policy)
    by_hand(world, hosts["ids"][P1], NEW)
    hosts = await a_run(world, hosts, a_team(world, P1, P2, ZED, NEW, login="new") | policy)
    assert len({*hosts["ids"].values()}) == len(hosts["ids"])
    if NEW in hosts["failed"]:  # else her account has its e-mail again, in time
        assert "is that of the member p1@example.com" in hosts["failed"][NEW]


@pytest.mark.parametrize("first", ["team", "user"])
async def test_who_moves_to_a_user_does_so_while_others_join(world: World, first: str) -> None:
    """Her e-mail is as it was: the account is in no doubt."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    await world.restart()
    in_state(world, hosts)
    world.door.ownership.declare(P1, ANA)
    for key in (P2, ZED):
        world.door.ownership.declare(key, HOSTS + MEMBERS)
    got = ""
    for step in ("team", "user") if first == "team" else ("user", "team"):
        if step == "team":
            after = await roster.update(world.door, "hosts", hosts, a_team(world, P2, ZED), HOSTS)
            assert (after["failed"], after["ids"].keys()) == ({}, {P2, ZED})
        else:
            got, _ = await lifecycle.create(world.tenant, plain(world, P1, "p1"), ANA)
    assert (got, is_off(world, account)) == (account, False)


@pytest.mark.parametrize("adopts", [False, True])
async def test_a_user_declares_the_new_email(world: World, adopts: bool) -> None:
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    await world.restart()
    in_state(world, hosts)
    world.door.ownership.declare(NEW, ANA)
    for key in (P2, ZED):
        world.door.ownership.declare(key, HOSTS + MEMBERS)
    ana = plain(world, NEW, "p1") | ({"on_existing": "adopt"} if adopts else {})
    if adopts:
        assert (await lifecycle.create(world.tenant, ana, ANA))[0] == account
    else:
        with pytest.raises(AccountError, match=account):
            await lifecycle.create(world.tenant, ana, ANA)
    hosts = await roster.update(world.door, "hosts", hosts, a_team(world, P2, ZED), HOSTS)
    assert not is_off(world, account)
    assert hosts["failed"].keys() == (set() if adopts else {P1})


async def test_who_cannot_be_read_stays_if_a_join_shows_nothing(world: World) -> None:
    """Her account may be the one that is declared now."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    world.hazard = lambda kind: FORBIDDEN if kind in ("read", "list") else None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert hosts["failed"][P1].startswith("should have left: its account cannot be read")
    world.hazard = lambda kind: None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert (hosts["ids"].get(NEW), is_off(world, account), hosts["failed"]) == (account, False, {})


async def test_who_cannot_be_read_leaves_if_the_join_is_refused(world: World) -> None:
    """A look-up has shown that no account has the e-mail of the member who can never join."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]

    async def hidden(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if request.method == "GET" and str(request.url).rstrip("/").endswith(account):
            return httpx.Response(403, content=b"{}")
        return await inner.handle_async_request(request)

    refused = answered(422, b'{"message": "not this one"}', carried_out=False, content_type="application/json")
    world.hazard = lambda kind: refused if kind == "create" else hidden if kind == "read" else None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED, login="new"))
    reads_first = world.name == "nexudus"  # as an update there is a whole record
    assert hosts["failed"].keys() == ({NEW, P1} if reads_first else {NEW})
    assert is_off(world, account) is not reads_first


# --- what comes after -------------------------------------------------------------------------


@pytest.mark.parametrize("is_read", [True, False])
async def test_who_is_followed_while_the_team_is_replaced_stays(world: World, is_read: bool) -> None:
    """A `User` declares her former e-mail, and the old team is deleted after the new one is created."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account, news = hosts["ids"][P1], a_team(world, NEW, ZED)
    by_hand(world, account, NEW)
    await world.restart()
    in_state(world, hosts)
    for key in news["members"]:
        world.door.ownership.declare(key, HOSTS + MEMBERS)
    world.door.journal.declare(HOSTS + MEMBERS, list(news["members"]))
    world.door.ownership.declare(P1, ANA)
    await lifecycle.create(world.tenant, plain(world, P1, "another"), ANA)
    new = await roster.create(world.door, "hosts", news, HOSTS)
    if not is_read:
        world.engine_state.error = AccountError("cannot be read")
    await roster.delete(world.door, "hosts", hosts, HOSTS)
    assert (new["ids"].get(NEW), is_off(world, account)) == (account, False)


@pytest.mark.parametrize("first", ["team", "user"])
async def test_who_was_followed_may_move_to_a_user(world: World, first: str) -> None:
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert (hosts["ids"].get(NEW), hosts["failed"]) == (account, {})
    await world.restart()
    in_state(world, hosts)
    world.door.ownership.declare(NEW, ANA)
    world.door.ownership.declare(ZED, HOSTS + MEMBERS)
    got = ""
    for step in ("team", "user") if first == "team" else ("user", "team"):
        if step == "team":
            await roster.update(world.door, "hosts", hosts, a_team(world, ZED), HOSTS)
        else:
            got, _ = await lifecycle.create(world.tenant, plain(world, NEW, "p1"), ANA)
    assert (got, is_off(world, account)) == (account, False)


async def test_who_was_followed_may_have_another_create_only_value(world: World) -> None:
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    news = a_team(world, NEW, ZED, login="new")
    hosts = await a_run(world, hosts, news)
    assert hosts["ids"].get(NEW) == account
    await world.restart()
    assert not team.diff(world.door, "hosts", hosts, with_owner(news, HOSTS), lambda values: (values, {}))


@pytest.mark.parametrize("status", [422, 503])
async def test_a_member_under_a_new_email_stays_without_a_list(world: World, status: int) -> None:
    """Whether another account has it, too, is not known."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    world.hazard = lambda kind: answered(status, b"", carried_out=False) if kind == "list" else None
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert not is_off(world, account)
    assert hosts["failed"].keys() == {P1, NEW}


async def test_who_is_followed_after_the_joins_neither_joined_nor_left(world: World) -> None:
    """Her account cannot be read until her join has failed."""
    hosts = await a_run(world, None, a_team(world, P1, ZED))
    account = hosts["ids"][P1]
    by_hand(world, account, NEW)
    world.hazard = lambda kind: (
        FORBIDDEN if kind in ("list", "read") and not world.door.ownership.has_failed(NEW) else None
    )
    hosts = await a_run(world, hosts, a_team(world, NEW, ZED))
    assert (hosts["ids"].get(NEW), is_off(world, account)) == (account, False)
    assert hosts["failed"].keys() == {NEW}
    assert (hosts["counts"]["left"], hosts["counts"]["joined"]) == (0, 0)
