"""Accounts that move between a team and other resources, where something goes wrong on the way."""

from typing import Any

import pytest

from conftest import by_vendor
from operations import lifecycle, roster
from seatwise.core.account import resource as single
from seatwise.core.account.owner import MEMBERS, Owner
from seatwise.core.account.ports import Entry, EntryKind, Held
from seatwise.core.account.properties import with_owner
from seatwise.core.team import resource as team
from seatwise.core.vendor.errors import AccountError, AccountExists, InvalidAccount
from seatwise.sandbox.server import STAND_INS
from teams import plain, takes_new_passwords, team_inputs
from virtual import World, answered

pytestmark = pytest.mark.anyio
EMAIL, NEW = "ana@example.com", "new@example.com"
FORBIDDEN = answered(403, b"{}", carried_out=False)
REFUSED = answered(422, b'{"message": "not this one"}', carried_out=False, content_type="application/json")


def owner(name: str) -> str:
    return str(Owner("accounts", "dev", (), name))


ANA, HOSTS, OTHERS = owner("ana"), owner("hosts"), owner("others")


def in_state(world: World, **teams: dict[str, Any]) -> None:
    """What the engine's state has."""
    kind = f"{world.name}:Roster"
    world.engine_state.held = {owner(name): Held(name, outs, kind=kind) for name, outs in teams.items()}


def declared(world: World, whose: str, *emails: str) -> None:
    for email in emails:
        world.door.ownership.declare(email, whose)


def is_due(world: World, name: str, outs: dict[str, Any], news: dict[str, Any]) -> bool:
    return team.diff(world.door, name, outs, with_owner(news, owner(name)), lambda values: (values, {}))


def changed(world: World) -> dict[str, Any]:
    return {"full_name": "Changed"} if world.name == "nexudus" else {"first_name": "Changed"}


def told_passwords(world: World) -> int:
    """How many requests had a password."""
    return sum("assword" in str(sent.body) for sent in world.trail)


# --- a join that fails ------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["created", "adopted"])
@pytest.mark.parametrize("first", ["hosts", "others"])
async def test_who_moves_and_fails_to_join_can_still_leave(world: World, first: str, how: str) -> None:
    """The team that she leaves lets her account go, whether or not the other one can make it as declared."""
    policy = {"on_existing": "adopt"} if how == "adopted" else {}
    if how == "adopted":
        await lifecycle.create(world.tenant, plain(world), owner("elsewhere"))
        await world.restart()
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL, "ben@example.com") | policy, HOSTS)
    others = await roster.create(world.door, "others", team_inputs(world, "cy@example.com") | policy, OTHERS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    in_state(world, hosts=hosts, others=others)
    world.door.journal.acknowledge(hosts["ids"].values(), HOSTS + MEMBERS)
    declared(world, OTHERS + MEMBERS, EMAIL, "cy@example.com")
    declared(world, HOSTS + MEMBERS, "ben@example.com")
    left, joined = team_inputs(world, "ben@example.com") | policy, team_inputs(world, "cy@example.com") | policy
    joined["members"] |= team_inputs(world, EMAIL, **changed(world))["members"]
    for name in (first, "others" if first == "hosts" else "hosts"):
        if name == "hosts":
            hosts = await roster.update(world.door, "hosts", hosts, left, HOSTS)
            continue
        world.fault("update", REFUSED)
        others = await roster.update(world.door, "others", others, joined, OTHERS)
    assert others["failed"].keys() == {EMAIL}
    assert (others["ids"].get(EMAIL), others["counts"]["joined"]) == (account, 0)
    assert EMAIL not in hosts["ids"]
    await world.restart()

    in_state(world, hosts=hosts, others=others)
    declared(world, OTHERS + MEMBERS, "cy@example.com")
    news = team_inputs(world, "cy@example.com") | policy
    assert is_due(world, "others", others, news)
    others = await roster.update(world.door, "others", others, news, OTHERS)

    assert world.is_retired(world.accounts[account])
    assert (others["ids"].keys(), others["failed"]) == ({"cy@example.com"}, {})


async def test_a_refused_create_gives_nobody_anothers_account(world: World) -> None:
    """Ana's e-mail was changed by hand, and a colleague gets the old one, whose create the vendor refuses."""
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL), HOSTS)
    account = hosts["ids"][EMAIL]
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: NEW})
    await world.restart()
    in_state(world, hosts=hosts)
    world.door.journal.acknowledge([account], HOSTS + MEMBERS)
    declared(world, OTHERS + MEMBERS, EMAIL)
    declared(world, HOSTS + MEMBERS, NEW)
    news = team_inputs(world, EMAIL, "zed@example.com")
    if world.name == "tenovos":
        news["members"][EMAIL]["username"] = "ana2"
    world.hazard = lambda kind: REFUSED if kind == "create" and len(world.accounts) > 1 else None

    others = await roster.create(world.door, "others", news, OTHERS)

    assert EMAIL not in others["ids"]
    world.hazard = lambda kind: None
    others = await roster.update(world.door, "others", others, news, OTHERS)
    assert others["ids"][EMAIL] != account
    assert world.email(world.accounts[account]) == NEW


@pytest.mark.parametrize("world", by_vendor(takes_new_passwords), indirect=True)
async def test_who_failed_to_join_gets_the_declared_password(world: World) -> None:
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL), HOSTS)
    await world.restart()
    in_state(world, hosts=hosts)
    declared(world, OTHERS + MEMBERS, EMAIL, "cy@example.com")
    news = team_inputs(world, EMAIL, "cy@example.com", **changed(world))
    news["members"][EMAIL]["password"] = world.inputs()["password"]
    world.fault("update", REFUSED)
    others = await roster.create(world.door, "others", news, OTHERS)
    assert others["failed"].keys() == {EMAIL}
    before = told_passwords(world)
    await world.restart()
    news["members"][EMAIL]["password"] = world.inputs()["password"]

    in_state(world, others=others)
    declared(world, OTHERS + MEMBERS, EMAIL, "cy@example.com")
    others = await roster.update(world.door, "others", others, news, OTHERS)

    assert others["failed"] == {}
    assert told_passwords(world) == before + 1


async def test_who_failed_to_join_is_completed_by_the_next_run(world: World) -> None:
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL), HOSTS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    in_state(world, hosts=hosts)
    declared(world, OTHERS + MEMBERS, EMAIL, "cy@example.com")
    news = team_inputs(world, EMAIL, "cy@example.com", **changed(world))
    world.fault("update", REFUSED)
    others = await roster.create(world.door, "others", news, OTHERS)
    assert others["failed"].keys() == {EMAIL}
    await world.restart()

    in_state(world, others=others)
    declared(world, OTHERS + MEMBERS, EMAIL, "cy@example.com")
    assert is_due(world, "others", others, news)
    others = await roster.update(world.door, "others", others, news, OTHERS)

    assert (others["ids"][EMAIL], others["failed"]) == (account, {})
    assert not is_due(world, "others", others, news)
    assert len(world.accounts) == 2


async def test_an_account_that_no_state_may_have_is_named(world: World) -> None:
    """A create that fails has no state, and the team has let her go."""
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL), HOSTS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    in_state(world, hosts=hosts)
    declared(world, ANA, EMAIL)
    world.fault("update", REFUSED)

    with pytest.raises(AccountError, match="not this one"):
        await lifecycle.create(world.tenant, plain(world, **changed(world)), ANA)

    assert f"{EMAIL}: its account ({account}) is in no resource's state" in str(world.warnings)


@pytest.mark.parametrize("to", ["a team", "a resource"])
@pytest.mark.parametrize("first", ["leave", "join"])
async def test_who_moves_where_nothing_can_be_read_can_still_leave(world: World, first: str, to: str) -> None:
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL, "ben@example.com"), HOSTS)
    others = await roster.create(world.door, "others", team_inputs(world, "cy@example.com"), OTHERS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    in_state(world, hosts=hosts, others=others)
    world.door.journal.acknowledge(hosts["ids"].values(), HOSTS + MEMBERS)
    declared(world, OTHERS + MEMBERS if to == "a team" else ANA, EMAIL)
    declared(world, OTHERS + MEMBERS, "cy@example.com")
    declared(world, HOSTS + MEMBERS, "ben@example.com")

    for step in (first, "join" if first == "leave" else "leave"):
        if step == "leave":
            hosts = await roster.update(world.door, "hosts", hosts, team_inputs(world, "ben@example.com"), HOSTS)
            continue
        world.hazard = lambda kind: FORBIDDEN if kind in ("read", "list") else None
        if to == "a team":
            both = team_inputs(world, "cy@example.com", EMAIL)
            others = await roster.update(world.door, "others", others, both, OTHERS)
            assert others["failed"].keys() == {EMAIL}
        else:
            with pytest.raises(AccountError):
                await lifecycle.create(world.tenant, plain(world), ANA)
        world.hazard = lambda kind: None

    if first == "join":
        assert hosts["ids"][EMAIL] == account
        assert "it stays here" in hosts["failed"][EMAIL]
    elif to == "a team":
        assert others["ids"][EMAIL] == account
    else:
        assert f"{EMAIL}: its account ({account}) is in no resource's state" in str(world.warnings)
        return
    await world.restart()
    in_state(world, hosts=hosts, others=others)
    declared(world, OTHERS + MEMBERS, "cy@example.com")
    declared(world, HOSTS + MEMBERS, "ben@example.com")
    for name, outs, email in (("hosts", hosts, "ben@example.com"), ("others", others, "cy@example.com")):
        if is_due(world, name, outs, team_inputs(world, email)):
            await roster.update(world.door, name, outs, team_inputs(world, email), owner(name))
    assert world.is_retired(world.accounts[account])


@pytest.mark.parametrize("first", ["leave", "join"])
@pytest.mark.parametrize("world", ["enerflo"], indirect=True)
async def test_who_moves_and_is_not_tried_can_still_leave(world: World, first: str) -> None:
    """At one vendor: the rule is the core's."""
    names = [f"a{number:02}@example.com" for number in range(40)]
    most = {"max_removals": 99}
    hosts = await roster.create(world.door, "hosts", team_inputs(world, *names), HOSTS)
    others = await roster.create(world.door, "others", team_inputs(world, "cy@example.com"), OTHERS)
    ids = dict(hosts["ids"])
    await world.restart()
    in_state(world, hosts=hosts, others=others)
    world.door.journal.acknowledge(ids.values(), HOSTS + MEMBERS)
    declared(world, OTHERS + MEMBERS, "cy@example.com", *names)
    for step in (first, "join" if first == "leave" else "leave"):
        if step == "leave":
            hosts = await roster.update(world.door, "hosts", hosts, team_inputs(world) | most, HOSTS)
            continue
        world.hazard = lambda kind: answered(500, b"", carried_out=True) if kind == "update" else None
        both = team_inputs(world, "cy@example.com", *names, **changed(world))
        others = await roster.update(world.door, "others", others, both, OTHERS)
        world.hazard = lambda kind: None
        assert others["counts"]["not_tried"] > 0
    assert {*names} <= hosts["ids"].keys() | others["ids"].keys()

    await world.restart()
    in_state(world, hosts=hosts, others=others)
    declared(world, OTHERS + MEMBERS, "cy@example.com")
    await roster.update(world.door, "hosts", hosts, team_inputs(world) | most, HOSTS)
    await roster.update(world.door, "others", others, team_inputs(world, "cy@example.com") | most, OTHERS)
    assert [name for name in names if not world.is_retired(world.accounts[ids[name]])] == []


async def test_a_stranger_who_was_not_adopted_does_not_leave(world: World) -> None:
    await roster.create(world.door, "hosts", team_inputs(world, "zed@example.com"), HOSTS)
    account, _ = await lifecycle.create(world.tenant, plain(world), "")
    world.door.journal.forget_account(account)
    world.door.journal.mark_confirmed(account)
    await world.restart()
    adopting = {"on_existing": "adopt"}
    declared(world, OTHERS + MEMBERS, EMAIL, "cy@example.com")
    world.fault("update", REFUSED)
    news = team_inputs(world, EMAIL, "cy@example.com", **changed(world)) | adopting
    others = await roster.create(world.door, "others", news, OTHERS)
    assert others["failed"].keys() == {EMAIL}
    await world.restart()
    in_state(world, others=others)
    declared(world, OTHERS + MEMBERS, "cy@example.com")
    news = team_inputs(world, "cy@example.com", **changed(world)) | adopting
    await roster.update(world.door, "others", others, news, OTHERS)
    assert not world.is_retired(world.accounts[account])


# --- an account that keeps its resource under another e-mail ----------------------------------


async def test_a_team_and_a_resource_do_not_take_turns(world: World) -> None:
    """Ana gets another e-mail, and a colleague hers; the team is updated before the engine asks about ana."""
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    hosts = await roster.create(world.door, "hosts", team_inputs(world, "zed@example.com"), HOSTS)
    news, wanted = team_inputs(world, "zed@example.com", EMAIL), plain(world, NEW)

    async def run(*, is_refused: bool) -> None:
        nonlocal hosts, outs
        await world.restart()
        in_state(world, hosts=hosts)
        world.engine_state.held[ANA] = Held(account, outs)
        declared(world, HOSTS + MEMBERS, *news["members"])
        if is_due(world, "hosts", hosts, news):
            hosts = await roster.update(world.door, "hosts", hosts, news, HOSTS)
        declared(world, ANA, NEW)
        if is_refused:
            with pytest.raises(InvalidAccount, match=r"gets a member with the one so far.* Leave the member out"):
                single.diff(world.door, account, outs, with_owner(wanted, ANA), frozenset())
            with pytest.raises(InvalidAccount, match="hosts has this account in this run as well"):
                await single.update(world.tenant, account, outs, with_owner(wanted, ANA))
        else:
            assert single.diff(world.door, account, outs, with_owner(wanted, ANA), frozenset())
            outs = await single.update(world.tenant, account, outs, with_owner(wanted, ANA))

    await run(is_refused=True)
    await run(is_refused=True)
    assert world.email(world.accounts[account]) == EMAIL

    news = team_inputs(world, "zed@example.com")  # the remedy
    await run(is_refused=False)
    assert world.email(world.accounts[account]) == NEW
    news = team_inputs(world, "zed@example.com", EMAIL)
    if world.name == "tenovos":
        news["members"][EMAIL]["username"] = "ana2"
    await world.restart()
    in_state(world, hosts=hosts)
    declared(world, HOSTS + MEMBERS, *news["members"])
    hosts = await roster.update(world.door, "hosts", hosts, news, HOSTS)
    assert len({account, *hosts["ids"].values()}) == 3


async def test_a_member_whose_account_another_has_is_not_changed(world: World) -> None:
    """The other resource is asked about first."""
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL, "zed@example.com"), HOSTS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    declared(world, ANA, NEW)
    world.door.ownership.assign_declared(account, NEW, ANA)
    before = dict(world.accounts)

    news = team_inputs(world, EMAIL, "zed@example.com", **changed(world))
    hosts = await roster.update(world.door, "hosts", hosts, news, HOSTS)

    assert "dev/ana has this account in this run as well" in hosts["failed"][EMAIL]
    assert world.accounts[account] == before[account]


async def test_an_account_taken_in_another_process_is_not_changed(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    world.door.journal.renewed(account, HOSTS + MEMBERS)
    await world.restart(same_run=True)

    with pytest.raises(InvalidAccount, match="another resource has this account in this run as well"):
        await single.update(world.tenant, account, outs, with_owner(plain(world, NEW), ANA))


# --- a move that was interrupted --------------------------------------------------------------


async def test_who_moved_in_an_interrupted_run_can_move_back(world: World) -> None:
    """The old team is compared in a run of its own (`--target`), and the journal names it again."""
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL), HOSTS)
    await world.restart()
    in_state(world, hosts=hosts)
    declared(world, ANA, EMAIL)
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    in_state(world, hosts=hosts)
    world.engine_state.held[ANA] = Held(account, outs)
    is_due(world, "hosts", hosts, {"members": {}})
    hosts = await roster.update(world.door, "hosts", hosts, {"members": {}}, HOSTS)
    await world.restart()

    in_state(world, hosts=hosts)
    world.engine_state.held[ANA] = Held(account, outs)
    declared(world, HOSTS + MEMBERS, EMAIL)
    news = team_inputs(world, EMAIL)
    assert is_due(world, "hosts", hosts, news)
    hosts = await roster.update(world.door, "hosts", hosts, news, HOSTS)

    assert (hosts["ids"], hosts["failed"]) == ({EMAIL: account}, {})
    assert not await lifecycle.delete(world.tenant, account, outs, ANA)
    assert not world.is_retired(world.accounts[account])


async def test_an_account_is_another_owners_in_one_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal asks who got an account in this run, and records its owner, without a gap."""
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL), HOSTS)
    account = hosts["ids"][EMAIL]
    await world.restart()
    journal, written = world.door.journal, world.door.journal._file.run

    def between(work: Any, otherwise: Any) -> Any:
        monkeypatch.setattr(journal._file, "run", written)
        journal.renewed(account, ANA)  # by another process, just before this transaction
        journal.note(EMAIL, Entry(EntryKind.CREATED, account, ANA))
        return written(work, otherwise)

    monkeypatch.setattr(journal._file, "run", between)
    journal.acknowledge([account], HOSTS + MEMBERS)
    last = journal.last(EMAIL)
    assert last is not None
    assert (last.owner, last.is_known) == (ANA, False)


async def test_reads_alone_do_not_make_an_account_this_stacks(world: World) -> None:
    account, _ = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    properties: dict[str, Any] = {}
    for _ in range(2):  # the second read has what the first one returned
        found = await single.read(world.door, account, properties)
        assert found is not None
        properties, _ = found
    last = world.door.journal.last(EMAIL)
    assert last is not None
    assert not last.is_known


@pytest.mark.parametrize(
    ("taker", "is_known", "is_one_process"),
    [
        ("a team", True, True),
        ("a team", True, False),
        ("a resource that adopts", True, True),
        ("a resource that adopts", True, False),
        ("a resource that adopts", False, True),
    ],
)
async def test_a_replacement_leaves_alone_what_another_got(
    world: World, taker: str, is_known: bool, is_one_process: bool
) -> None:
    """Ana is replaced under another e-mail, after a colleague got her account with the one so far."""
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    hosts = await roster.create(world.door, "hosts", team_inputs(world, "zed@example.com"), HOSTS)
    await world.restart()
    in_state(world, hosts=hosts)
    world.engine_state.held[ANA] = Held(account, with_owner(outs, ANA), kind=f"{world.name}:User")
    world.door.journal.acknowledge([account], ANA)
    if taker == "a team":
        news = team_inputs(world, "zed@example.com", EMAIL)
        declared(world, HOSTS + MEMBERS, *news["members"])
        taken = (await roster.update(world.door, "hosts", hosts, news, HOSTS))["ids"][EMAIL]
    else:
        adopting = with_owner(plain(world) | {"on_existing": "adopt"}, owner("new"))
        single.declare(world.door, {}, adopting, [])
        taken, _ = await single.create(world.tenant, adopting)
    assert taken == account
    before = dict(world.accounts[account])
    if not is_one_process:
        await world.restart(same_run=True)
        world.engine_state.held[ANA] = Held(account, with_owner(outs, ANA), kind=f"{world.name}:User")
    wanted = with_owner(plain(world, NEW), ANA)
    single.declare(world.door, with_owner(plain(world), ANA) if is_known else {}, wanted, [])

    with pytest.raises(InvalidAccount, match="has this account in this run as well"):
        await single.create(world.tenant, wanted)
    assert world.accounts[account] == before


@pytest.mark.parametrize("first", ["new", "ana"])
async def test_of_two_owners_the_last_one_to_leave_decides(world: World, first: str) -> None:
    """One of them adopted the account and would leave it; the other one created it."""
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    of_new = {**outs, "adopted": True}
    held = {
        name: Held(account, with_owner(each, owner(name)), kind=f"{world.name}:User")
        for name, each in (("ana", outs), ("new", of_new))
    }
    world.engine_state.held = {owner(name): each for name, each in held.items()}

    for name in [first, "ana" if first == "new" else "new"]:
        await single.delete(world.tenant, account, held[name].outputs)

    assert world.is_retired(world.accounts[account]) is (first == "new")
    assert ("stays active" in str(world.warnings)) is (first == "ana")


async def test_an_account_that_gets_a_new_email_is_not_adopted(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    world.engine_state.held[ANA] = Held(account, with_owner(outs, ANA), kind=f"{world.name}:User")
    adopting, wanted = (
        with_owner(plain(world) | {"on_existing": "adopt"}, owner("new")),
        with_owner(plain(world, NEW), ANA),
    )
    single.declare(world.door, {}, adopting, [])
    single.declare(world.door, with_owner(plain(world), ANA), wanted, [])

    with pytest.raises(InvalidAccount, match=r"dev/new adopts the one so far.* Leave that one out for one `pulumi up`"):
        single.diff(world.door, account, outs, wanted, frozenset())
    with pytest.raises(AccountExists, match=r"is that of dev/ana"):
        await single.create(world.tenant, adopting)
    assert world.email(world.accounts[account]) == EMAIL


async def test_who_replaces_a_resource_that_is_gone_adopts_its_account(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    world.engine_state.held[ANA] = Held(account, with_owner(outs, ANA), kind=f"{world.name}:User")
    adopting = with_owner(plain(world) | {"on_existing": "adopt"}, owner("new"))
    single.declare(world.door, {}, adopting, [])
    assert (await single.create(world.tenant, adopting))[0] == account
    assert not await single.delete(world.tenant, account, with_owner(outs, ANA))
    assert not world.is_retired(world.accounts[account])


# --- the kinds of replacement, and other names ------------------------------------------------


async def test_an_owner_of_before_keeps_its_account_when_replaced(world: World) -> None:
    """It is deleted before it is created, and the check of a forced replacement has no old inputs."""
    before = "accounts/dev/ana"
    account, outs = await lifecycle.create(world.tenant, plain(world), before)
    await world.restart()
    world.engine_state.held[ANA] = Held(account, with_owner(outs, before), kind=f"{world.name}:User")
    wanted = with_owner(plain(world), ANA)
    single.declare(world.door, {}, wanted, [])
    assert not await single.delete(world.tenant, account, with_owner(outs, before))
    assert (await single.create(world.tenant, wanted))[0] == account


async def test_an_alias_keeps_its_account_in_three_processes(world: World) -> None:
    before = owner("old")
    account, outs = await lifecycle.create(world.tenant, plain(world), before)
    await world.restart()
    held, wanted = Held(account, with_owner(outs, before), kind=f"{world.name}:User"), with_owner(plain(world), ANA)
    world.engine_state.held[before] = held
    single.declare(world.door, {}, wanted, [before])
    await world.restart(same_run=True)
    world.engine_state.held[before] = held
    assert not await single.delete(world.tenant, account, with_owner(outs, before))
    await world.restart(same_run=True)
    world.engine_state.held[before] = held
    single.declare(world.door, {}, wanted, [before])
    assert (await single.create(world.tenant, wanted))[0] == account


async def test_an_account_in_no_state_may_be_adopted(world: World) -> None:
    """It was created for a resource that has another account since."""
    first, _ = await lifecycle.create(world.tenant, plain(world), ANA)
    await world.restart()
    wanted = with_owner(plain(world, NEW), ANA)
    single.declare(world.door, {}, wanted, [])
    second, outs = await single.create(world.tenant, wanted)
    await world.restart()
    world.engine_state.held[ANA] = Held(second, with_owner(outs, ANA), kind=f"{world.name}:User")
    single.declare(world.door, wanted, wanted, [])
    single.diff(world.door, second, outs, wanted, frozenset())
    adopting = with_owner(plain(world) | {"on_existing": "adopt"}, owner("new"))
    single.declare(world.door, {}, adopting, [])
    assert (await single.create(world.tenant, adopting))[0] == first


@pytest.mark.parametrize("is_one_process", [True, False])
async def test_a_team_and_a_user_are_replaced_after_a_killed_move(world: World, is_one_process: bool) -> None:
    """The run that moved ana from the team to a User of her own was killed before the team's update."""
    hosts = await roster.create(world.door, "hosts", team_inputs(world, EMAIL, "zed@example.com"), HOSTS)
    account, wanted = hosts["ids"][EMAIL], with_owner(plain(world), ANA)
    await world.restart()
    in_state(world, hosts=with_owner(hosts, HOSTS))
    world.door.journal.acknowledge([account], HOSTS + MEMBERS)
    single.declare(world.door, {}, wanted, [])
    got, outs = await single.create(world.tenant, wanted)
    assert got == account

    def goes_on() -> None:
        in_state(world, hosts=with_owner(hosts, HOSTS))
        world.engine_state.held[ANA] = Held(account, outs, kind=f"{world.name}:User")
        single.declare(world.door, wanted, wanted, [])

    await world.restart()
    goes_on()
    declared(world, HOSTS + MEMBERS, "zed@example.com")
    await roster.create(world.door, "hosts", team_inputs(world, "zed@example.com"), HOSTS)
    if not is_one_process:
        await world.restart(same_run=True)
        goes_on()
    again, _ = await single.create(world.tenant, wanted)
    assert (again, world.is_retired(world.accounts[account])) == (account, False)
