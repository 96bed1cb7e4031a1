"""Whose account it is, in virtual time: what a create may take up, and what it must not."""

import sqlite3
from contextlib import closing
from typing import Any

import anyio
import httpx
import pytest

from conftest import by_vendor
from operations import lifecycle, roster
from seatwise.core.account.owner import MEMBERS, Owner
from seatwise.core.account.ports import Entry, EntryKind, Held, Unconfirmed
from seatwise.core.account.properties import with_owner
from seatwise.core.team import resource
from seatwise.core.vendor.errors import AccountError, AccountExists, JournalTooNew, UnknownOutcome, VendorBroken
from seatwise.sandbox.server import STAND_INS
from virtual import Fault, World, answered, cannot_connect, lost_before

pytestmark = pytest.mark.anyio


def owner(name: str = "ana", stack: str = "dev", *parents: str) -> str:
    return str(Owner("accounts", stack, parents, name))


ANA = owner()
EMAIL = "ana@example.com"


async def made(world: World, whose: str = ANA) -> tuple[str, dict[str, Any]]:
    """An account of a run that is over."""
    account, outs = await lifecycle.create(world.tenant, world.inputs(), whose)
    await world.restart()
    return account, outs


def zoe(world: World) -> dict[str, Any]:
    """Somebody else's arguments."""
    login: dict[str, Any] = {"username": "zoe"} if world.name == "tenovos" else {}
    return world.inputs(email="zoe@example.com", **login)


# --- what the engine forgot -------------------------------------------------------------------


async def test_what_the_engine_knows_is_not_given_to_a_namesake(world: World) -> None:
    account, _ = await made(world)
    world.door.journal.acknowledge([account], ANA)

    with pytest.raises(AccountExists, match="another stack of the same name has it, or a state was lost") as caught:
        await lifecycle.create(world.tenant, world.inputs(), ANA)

    assert caught.value.existing == account
    assert "stays active when it leaves the program" in str(caught.value)
    assert world.calls.count("POST") == 1


async def test_what_the_engines_state_has_goes_on_with_its_resource(world: World) -> None:
    """A replacement: what a create is asked for is there under this very owner."""
    account, outs = await made(world)
    world.door.journal.acknowledge([account], ANA)
    world.engine_state.held[ANA] = Held(account, outs)
    writes = [each for each in world.calls if each != "GET"]

    again, new = await lifecycle.create(world.tenant, world.inputs(), ANA)

    assert again == account
    assert [each for each in world.calls if each != "GET"] == writes
    assert new["adopted"] is False
    assert not await lifecycle.delete(world.tenant, account, outs, ANA), "the old resource's"
    assert not world.is_retired(world.accounts[account])


async def test_a_state_that_cannot_be_read_gives_an_account_to_nobody(world: World) -> None:
    account, _ = await made(world)
    world.door.journal.acknowledge([account], ANA)
    world.engine_state.error = AccountError("there is no pulumi command on PATH")
    with pytest.raises(AccountError, match="no pulumi command on PATH"):
        await lifecycle.create(world.tenant, world.inputs(), ANA)


async def test_the_state_of_another_tenant_says_nothing_here(world: World) -> None:
    account, outs = await made(world)
    world.door.journal.acknowledge([account], ANA)
    world.engine_state.held[ANA] = Held(account, outs | {"__tenant": "https://elsewhere.example"})
    with pytest.raises(AccountExists):
        await lifecycle.create(world.tenant, world.inputs(), ANA)


@pytest.mark.parametrize(
    ("whose", "says"),
    [
        (owner("ana", "prod"), "it belongs to prod/ana of the project accounts"),
        (owner("old"), 'aliases=["urn:pulumi:dev::accounts::pulumi-python:dynamic/seatwise/'),
        (owner("ana", "dev", "x:y:Team"), "seatwise made it for dev/x:y:Team$ana"),
        ("accounts/dev/old", "aliases=[...]"),
    ],
)
async def test_a_refusal_names_the_owner_and_the_way_out(world: World, whose: str, says: str) -> None:
    account, _ = await made(world, whose)
    world.door.journal.acknowledge([account], whose)
    with pytest.raises(AccountExists) as caught:
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    assert says in str(caught.value)
    assert "An adopted account stays active when it leaves the program" in str(caught.value)


async def test_an_owner_of_an_earlier_version_resumes_its_account(world: World) -> None:
    account, _ = await made(world, "accounts/dev/x:y:Team$ana")
    again, _ = await lifecycle.create(world.tenant, world.inputs(), owner("ana", "dev", "a:b:Area", "x:y:Team"))
    assert again == account


# --- creates on their way ---------------------------------------------------------------------


async def test_an_error_names_the_other_owner_of_a_recent_create(world: World) -> None:
    world.fault("POST", lost_before)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), owner("ana", "prod"))
    await world.restart()

    with pytest.raises(UnknownOutcome, match="a create of this account was sent for prod/ana"):
        await lifecycle.create(world.tenant, world.inputs(), ANA)

    world.time_goes_by()
    await lifecycle.create(world.tenant, world.inputs(), ANA)
    assert len(world.accounts) == 1


async def test_an_account_of_another_stacks_create_is_not_resumed(world: World) -> None:
    account, _ = await made(world, owner("ana", "prod"))
    world.door.journal.note(EMAIL, Entry(EntryKind.PENDING, owner=owner("ana", "prod"), age=400))
    with pytest.raises(AccountExists, match=f"with the id {account}"):
        await lifecycle.create(world.tenant, world.inputs(), ANA)


async def test_two_processes_that_create_at_once_make_one_account(world: World) -> None:
    """The note is taken in one transaction: only one of them sends."""
    async with World(world.name, world.run) as other:
        other.store, other._inner = world.store, world._inner
        outcomes: list[str] = []

        async def create(each: World, whose: str) -> None:
            try:
                await lifecycle.create(each.tenant, each.inputs(), whose)
                outcomes.append("made")
            except (UnknownOutcome, AccountExists):
                outcomes.append("refused")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(create, world, ANA)
            tasks.start_soon(create, other, owner("ana", "prod"))
        assert sorted(outcomes) == ["made", "refused"]
        assert len(world.accounts) == 1


REFUSALS: dict[str, list[Fault]] = {
    "refused connection": [cannot_connect] * 4,
    "422": [answered(422, b'{"message": "no"}', carried_out=False, content_type="application/json")],
    "429": [answered(429, carried_out=False, retry_after="1000")],
    "409": [answered(409, b'{"message": "taken"}', carried_out=False, content_type="application/json")],
}


@pytest.mark.parametrize("second", REFUSALS)
async def test_a_try_that_made_nothing_takes_back_only_its_own_note(world: World, second: str) -> None:
    """The first create arrives late, after another try was refused: it is the success it was."""
    late: list[httpx.Request] = []

    async def is_late(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        late.append(request)
        raise httpx.ReadTimeout("time-out")

    world.fault("POST", is_late)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    await world.restart()
    world.time_goes_by()
    world.fault("POST", *REFUSALS[second])
    with pytest.raises(AccountError):
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    world.faults.clear()
    await world.restart()

    await world.arrive(late[0])
    account, outs = await lifecycle.create(world.tenant, world.inputs(), ANA)

    assert list(world.accounts) == [account]
    assert outs["adopted"] is False


# --- ids in answers ---------------------------------------------------------------------------


async def _answer_with_another_id(world: World, request: httpx.Request, inner: Any, stranger: str) -> httpx.Response:
    response: httpx.Response = await inner.handle_async_request(request)
    await response.aread()
    (own,) = [each for each in world.accounts if each != stranger]
    return httpx.Response(response.status_code, headers={"content-type": "application/json"}, content=(
        response.content.replace(own.encode(), stranger.encode())
    ))  # fmt: skip


@pytest.mark.parametrize("world", by_vendor(lambda vendor: vendor.tells_ids), indirect=True)
async def test_an_answer_with_the_id_of_a_stranger_is_not_believed(world: World) -> None:
    stranger, _ = await lifecycle.create(world.tenant, zoe(world), owner("zoe"))
    await world.restart()
    before = world.accounts[stranger]
    world.fault("POST", lambda request, inner: _answer_with_another_id(world, request, inner, stranger))

    account, _ = await lifecycle.create(world.tenant, world.inputs(), ANA)

    assert account != stranger
    assert world.email(world.accounts[account]) == EMAIL
    assert world.accounts[stranger] == before


@pytest.mark.parametrize("asks", [ANA, owner("another")], ids=["its owner", "another resource"])
async def test_a_lost_create_is_no_claim_to_an_account_with_its_email(world: World, asks: str) -> None:
    """The create never arrived, and an adopted account of another resource has got the e-mail since."""
    account, outs = await lifecycle.create(world.tenant, zoe(world), owner("zoe"))
    world.door.journal.forget_account(account)
    world.fault("POST", lost_before)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    news = {**zoe(world), **world.named(EMAIL)}
    await lifecycle.update(world.tenant, account, outs, news)
    await world.restart()
    before = world.accounts
    world.time_goes_by()

    own: dict[str, Any] = {"username": "another"} if world.name == "tenovos" else {}
    with pytest.raises(AccountExists) as caught:
        await lifecycle.create(world.tenant, world.inputs(**own), asks)

    assert caught.value.existing == account
    assert world.accounts == before


async def test_a_lost_create_is_no_claim_to_what_a_person_renamed(world: World) -> None:
    """The create never arrived, and a person has given the e-mail to an account of another stack."""
    account, _ = await lifecycle.create(world.tenant, zoe(world), owner("zoe", "prod"))
    world.fault("POST", lost_before)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: EMAIL})
    await world.restart()

    with pytest.raises(AccountExists) as caught:
        await lifecycle.create(world.tenant, world.inputs(), ANA)

    assert caught.value.existing == account


async def replaced(world: World, account: str, outs: dict[str, Any]) -> None:
    """The engine replaces the resource, which has the account in its state."""
    world.engine_state.held = {ANA: Held(account, outs)}
    world.door.ownership.record_in_state(ANA, ANA)
    await lifecycle.create(world.tenant, world.inputs(), ANA)


async def test_an_account_first_read_with_another_email_is_left_alone(world: World) -> None:
    """The create could not be read back, and its answer held another account's id."""
    stranger, _ = await lifecycle.create(world.tenant, zoe(world), owner("zoe"))
    account, outs = await lifecycle.create(world.tenant, world.inputs(), ANA)
    world.run.journal = world.run.journal.with_name("without_its_writes.db")  # no one has met its id
    await world.restart()
    world.door.journal.mark_unconfirmed(stranger, Unconfirmed.UNSEEN)
    world.door.journal.note(EMAIL, Entry(EntryKind.CREATED, stranger, ANA))
    before = dict(world.accounts)

    for operation in (
        lambda: lifecycle.update(world.tenant, stranger, outs, world.inputs(outs)),
        lambda: lifecycle.read(world.tenant, stranger, outs),
        lambda: lifecycle.delete(world.tenant, stranger, outs, ANA),
        lambda: replaced(world, stranger, outs),
    ):
        with pytest.raises(VendorBroken, match="is that of another account, which is left alone"):
            await operation()

    assert world.accounts == before
    await world.restart()
    assert (await lifecycle.create(world.tenant, world.inputs(), ANA))[0] == account, "found by its e-mail"


def never_read(world: World) -> list[str]:
    return [each for each in world.warnings if "was never read" in each]


async def test_who_may_have_stayed_under_another_id_is_named(world: World) -> None:
    """The answer to a create had an id that no account has, and the account could not be read back."""
    account, outs = await lifecycle.create(world.tenant, world.inputs(), ANA)
    await world.restart()
    wrong = f"{account}0"
    world.door.journal.mark_unconfirmed(wrong, Unconfirmed.UNSEEN)
    world.door.journal.note(EMAIL, Entry(EntryKind.CREATED, wrong, ANA))

    assert await lifecycle.read(world.tenant, wrong, outs) is None
    assert f"({wrong}) is not there and was never read: {account} has its" in never_read(world)[-1]
    assert await lifecycle.delete(world.tenant, wrong, outs, ANA)
    assert never_read(world)[-1].endswith("look for the account in the admin page and deactivate it")


@pytest.mark.parametrize("what", ["gone as well", "inactive", "managed"])
async def test_an_account_that_needs_no_hand_is_not_named(world: World, what: str) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs(), ANA)
    await world.restart()
    if what == "inactive":
        await lifecycle.delete(world.tenant, account, outs, ANA)
        assert world.is_retired(world.accounts[account])
    await world.restart()
    wrong = f"{account}0"
    world.door.journal.mark_unconfirmed(wrong, Unconfirmed.UNSEEN)
    world.door.journal.note(EMAIL, Entry(EntryKind.CREATED, wrong, ANA))
    if what == "gone as well":
        world.store.remove(world.name, account, reserve=False)
    if what == "managed":
        world.tenant.ownership.assign(account, owner("ben"))

    assert await lifecycle.delete(world.tenant, wrong, outs, ANA)

    assert never_read(world) == []


async def test_an_account_that_was_read_once_may_get_another_email(world: World) -> None:
    """Its create could not be read back; the refresh after it could."""
    account, outs = await made(world)
    world.door.journal.mark_unconfirmed(account, Unconfirmed.UNSEEN)
    await lifecycle.read(world.tenant, account, outs)
    await world.restart()
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "moved@example.com"})

    found = await lifecycle.read(world.tenant, account, outs)

    assert found is not None
    assert found.outputs[world.vendor.identity_field] == "moved@example.com", "drift, and not a stranger's account"
    assert world.door.journal.why_unconfirmed(account) is Unconfirmed.CHANGED


# --- a changed e-mail -------------------------------------------------------------------------


async def test_the_journal_keeps_the_owner_under_a_changed_email(world: World) -> None:
    account, outs = await made(world)
    news = world.inputs(outs, email="ruiz@example.com")
    await lifecycle.update(world.tenant, account, outs, news)
    last = world.door.journal.last("ruiz@example.com")
    assert last is not None
    assert (last.kind, last.account, last.owner) == (EntryKind.CREATED, account, ANA)
    assert world.door.journal.last(EMAIL) is None


# --- the journal of a newer version -----------------------------------------------------------


async def test_journal_entries_of_a_newer_version_are_read_or_refused(world: World) -> None:
    account, outs = await made(world)
    with closing(sqlite3.connect(world.run.journal)) as journal, journal:
        journal.execute("update deeds set deed = 'LENT'")
        journal.execute(
            "insert into doubts select tenant, account, 'HAUNTED', at from deeds where account = ?", (account,)
        )
    assert world.door.journal.why_unconfirmed(account) is Unconfirmed.CHANGED
    assert await lifecycle.update(world.tenant, account, outs, world.inputs(outs))
    with pytest.raises(JournalTooNew, match="a newer version of seatwise has written LENT into the journal"):
        await lifecycle.create(world.tenant, world.inputs(), ANA)


# --- a renamed stack --------------------------------------------------------------------------


@pytest.mark.parametrize("is_taken", [False, True], ids=["old name free", "old name taken"])
async def test_a_resource_that_is_replaced_as_its_stack_is_renamed(world: World, *, is_taken: bool) -> None:
    """The state has it under the stack's new name; under the old one there may be another stack's namesake."""
    account, outs = await made(world)
    stranger, others = await lifecycle.create(world.tenant, zoe(world), owner("zoe"))
    await world.restart()
    world.door.journal.acknowledge([account, stranger], ANA)
    before = world.accounts
    renamed = owner("ana", "prod")
    world.engine_state.stacks = {("accounts", "prod"), *([("accounts", "dev")] if is_taken else [])}
    world.engine_state.held = {renamed: Held(account, outs)} | ({ANA: Held(stranger, others)} if is_taken else {})
    world.door.ownership.record_in_state(renamed, ANA)

    again, _ = await lifecycle.create(world.tenant, world.inputs(), renamed)

    assert again == account
    assert world.accounts == before


async def test_a_replacement_after_a_rename_survives_a_changed_email(world: World) -> None:
    """Forced, so that no check has old inputs; and no look-up by e-mail finds what was changed at the admin page."""
    account, outs = await made(world)
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "moved@example.com"})
    renamed = owner("ana", "prod")
    world.engine_state.stacks = {("accounts", "prod")}
    world.engine_state.held = {renamed: Held(account, outs)}

    again, _ = await lifecycle.create(world.tenant, world.inputs(), renamed)

    assert again == account
    assert world.email(world.accounts[account]) == "moved@example.com", "drift, which a refresh shows"


async def test_a_replacement_keeps_an_adopted_account_with_a_new_email(world: World) -> None:
    """The journal has no create of this resource. It says all the same that the resource had an account."""
    account, _ = await made(world)
    adopted, outs = await lifecycle.create(world.tenant, world.inputs(on_existing="adopt"), owner("eve"))
    world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "moved@example.com"})
    await world.restart()
    world.engine_state.held = {owner("eve"): Held(account, outs)}

    again, _ = await lifecycle.create(world.tenant, world.inputs(), owner("eve"))

    assert again == adopted == account


async def test_a_stack_beside_another_makes_accounts_without_a_state(world: World) -> None:
    """Its resources have the names of the other stack's: that alone does not make the state necessary."""
    first, _ = await made(world)
    world.engine_state.error = AccountError("there is no pulumi command on PATH")

    second, _ = await lifecycle.create(world.tenant, zoe(world), owner("ana", "prod"))

    assert second != first


async def test_a_team_that_is_replaced_as_its_stack_is_renamed(world: World) -> None:
    plain = {name: value for name, value in world.inputs().items() if not world.vendor.schema[name].secret}
    news = {"members": {EMAIL: {name: value for name, value in plain.items() if name != world.vendor.identity_field}}}
    outs = await roster.create(world.door, "hosts", news, owner("hosts"))
    await world.restart()
    before, renamed = world.accounts, owner("hosts", "prod")
    world.engine_state.stacks = {("accounts", "prod")}
    world.engine_state.held = {renamed: Held("hosts", outs)}
    world.door.ownership.record_in_state(renamed, owner("hosts"))

    again = await roster.create(world.door, "hosts", news, renamed)

    assert again["ids"] == outs["ids"]
    assert world.accounts == before


@pytest.mark.parametrize("is_forced", [False, True], ids=["for a trigger", "forced"])
@pytest.mark.parametrize("kind", ["user", "team"])
async def test_a_delete_before_a_replacement_knows_a_renamed_stack(world: World, kind: str, *, is_forced: bool) -> None:
    """Though a person has given the account another e-mail: the old outputs name the stack of before."""
    plain = {name: value for name, value in world.inputs().items() if not world.vendor.schema[name].secret}
    team = {"members": {EMAIL: {name: value for name, value in plain.items() if name != world.vendor.identity_field}}}
    renamed, suffix = owner("ana", "prod"), MEMBERS if kind == "team" else ""
    if kind == "team":
        outs = await roster.create(world.door, "ana", team, ANA)
    else:
        account, outs = await lifecycle.create(world.tenant, plain, ANA)
    await world.restart()
    (account,) = world.accounts
    before = world.change_by_hand(account, {STAND_INS[world.name].EMAIL: "zoe@example.com"})
    if not is_forced:
        world.door.ownership.record_in_state(renamed, ANA)
    world.door.ownership.declare(EMAIL, renamed + suffix)

    if kind == "team":
        await roster.delete(world.door, "ana", outs, ANA)
    else:
        assert not await lifecycle.delete(world.tenant, account, outs, ANA)

    assert world.accounts[account] == before


@pytest.mark.parametrize("process", ["the same process", "another process"])
async def test_a_member_that_moved_stays_with_its_new_owner(world: World, process: str) -> None:
    """The engine may create the resource that a member moves to before it asks for the diff of the team."""
    plain = {name: value for name, value in world.inputs().items() if not world.vendor.schema[name].secret}
    member, team = {name: value for name, value in plain.items() if name != world.vendor.identity_field}, owner("hosts")
    outs = await roster.create(world.door, "hosts", {"members": {EMAIL: member}}, team)
    await world.restart()
    world.engine_state.held = {team: Held("hosts", outs, kind=f"{world.name}:Roster")}
    world.door.ownership.declare(EMAIL, ANA)
    account, _ = await lifecycle.create(world.tenant, plain, ANA)
    if process == "another process":
        await world.restart(same_run=True)

    resource.diff(world.door, "hosts", outs, with_owner({"members": {}}, team), lambda values: (values, {}))

    last = world.door.journal.last(EMAIL)
    assert last is not None
    assert (last.account, last.owner) == (account, ANA)


# --- removals ---------------------------------------------------------------------------------


def revised(outs: dict[str, Any], revision: int) -> dict[str, Any]:
    return {**outs, "__revision": revision}


async def test_the_delete_of_a_replaced_resource_keeps_the_account(world: World) -> None:
    """A run was killed after the create. In the next one another provider process gets the old resource's delete."""
    account, outs = await made(world)
    old, new = revised(outs, 1), revised(outs, 2)
    world.engine_state.held = {ANA: Held(account, new)}

    assert not await lifecycle.delete(world.tenant, account, old, ANA)
    assert not world.is_retired(world.accounts[account])

    await world.restart()
    world.engine_state.held = {ANA: Held(account, new)}
    assert await lifecycle.delete(world.tenant, account, new, ANA), "when the new one goes, so does the account"
    assert world.is_retired(world.accounts[account])


async def test_both_lives_of_a_replaced_resource_may_go_in_one_run(world: World) -> None:
    """The program does not have it any more. The engine retires the new one first, then what awaits its deletion."""
    account, outs = await made(world)
    old, new = revised(outs, 1), revised(outs, 2)
    world.engine_state.held = {ANA: Held(account, new)}

    assert await lifecycle.delete(world.tenant, account, new, ANA)
    assert world.is_retired(world.accounts[account])
    assert await lifecycle.delete(world.tenant, account, old, ANA), "it is not said to go on"


async def test_of_two_resources_of_one_account_the_last_deactivates_it(world: World) -> None:
    account, outs = await made(world)
    ben = owner("ben")
    world.engine_state.held = {ANA: Held(account, outs), ben: Held(account, outs)}
    assert not await lifecycle.delete(world.tenant, account, outs, ANA)
    assert not world.is_retired(world.accounts[account])
    assert await lifecycle.delete(world.tenant, account, outs, ben)
    assert world.is_retired(world.accounts[account])


async def test_what_cannot_be_seen_is_not_deleted_for_good() -> None:
    async with World("nexudus") as world:
        account, outs = await made(world)
        world.engine_state.error = AccountError("the state of the stack dev cannot be read")
        world.door.ownership.declare("ben@example.com", owner("ben"))
        with pytest.raises(AccountError, match="not deleted for good, because the state of the stack dev cannot be"):
            await lifecycle.delete(world.tenant, account, {**outs, "on_destroy": "delete"}, ANA)
        assert not world.is_retired(world.accounts[account])
        assert await lifecycle.delete(world.tenant, account, outs, ANA)
        assert world.is_retired(world.accounts[account])


async def test_a_replacement_with_unreadable_state_creates_no_account(world: World) -> None:
    account, _ = await made(world)
    world.door.ownership.record_in_state(ANA, ANA)
    world.engine_state.error = AccountError("the state of the stack dev cannot be read")
    with pytest.raises(AccountError, match="cannot be read"):
        await lifecycle.create(world.tenant, world.inputs(email="ruiz@example.com"), ANA)
    assert list(world.accounts) == [account]


async def test_a_delete_before_the_replacements_create_does_nothing(world: World) -> None:
    """The process that makes the new resource has checked it, and noted what it declares."""
    account, outs = await made(world)
    world.door.journal.declare(ANA, ["ruiz@example.com"])
    assert not await lifecycle.delete(world.tenant, account, outs, ANA)
    assert not world.is_retired(world.accounts[account])
    await world.restart()
    assert await lifecycle.delete(world.tenant, account, outs, ANA), "in another run it is a removal"


async def test_a_leaver_with_a_namesake_in_an_old_state_is_deactivated(world: World) -> None:
    """Their owners named the direct parent alone: one leaves, and the other one is declared still."""
    person = "seatwise:index:Person"
    sales, field = owner("ana", "dev", "x:y:Sales", person), owner("ana", "dev", "x:y:Field", person)
    old = f"accounts/dev/{person}$ana"
    account, outs = await made(world, old)
    world.engine_state.held = {sales: Held(account, outs), field: Held("another", {"email": "ana2@example.com"})}
    world.door.ownership.declare("ana2@example.com", field)
    world.door.ownership.record_in_state(field, old)

    assert await lifecycle.delete(world.tenant, account, outs, old)

    assert world.is_retired(world.accounts[account])


async def test_a_note_of_the_future_counts_from_now_on(world: World) -> None:
    """The clock was set back since."""
    world.fault("POST", lost_before)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    world.time_goes_by(-1_000_000)
    with pytest.raises(UnknownOutcome, match="again in 300 seconds"):
        await lifecycle.create(world.tenant, world.inputs(), ANA)
    world.time_goes_by()
    await lifecycle.create(world.tenant, world.inputs(), ANA)
    assert len(world.accounts) == 1
