"""What a new user is told in the first days: each message is true, and its remedy does what it says."""

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from conftest import by_vendor
from operations import lifecycle
from seatwise.core.account.owner import MEMBERS
from seatwise.core.vendor.errors import AccountError, AccountExists, UnknownOutcome
from seatwise.vendors import names
from teams import Stack, a_team, active
from virtual import World, answered, lost_before

pytestmark = pytest.mark.anyio
OWNER = "project/stack/ana"
ADOPTED = (
    "as it was there before seatwise and {policy} is not given (a member who leaves a Roster that stays is "
    "deactivated). If the person left, deactivate it in the admin page; for others declare "
    '{policy}="deactivate" and run `pulumi up` before they are taken out'
)


@pytest.fixture(params=by_vendor())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each vendor, with an account that was made by hand."""
    async with World(request.param) as world:
        await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        world.warnings.clear()
        yield world


async def adopted(world: World, owner: str = OWNER, /, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """The account, as adopted with these arguments by a run that is over."""
    account, outs = await lifecycle.create(world.tenant, world.inputs(on_existing="adopt", **arguments), owner)
    await world.restart()
    return account, outs


def is_active(world: World, account: str) -> bool:
    return not world.is_retired(world.accounts[account])


def told(world: World) -> list[str]:
    """The warnings, but for what cannot be given to an account that is there."""
    return [line for line in world.warnings if "cannot be given to it any more" not in line]


# --- leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "on_destroy", "why"),
    [
        pytest.param(OWNER, None, ADOPTED.format(policy="on_destroy"), id="adopted"),
        pytest.param(OWNER + MEMBERS, None, ADOPTED.format(policy="on_leave"), id="an adopted member"),
        pytest.param(OWNER, "retain", 'as on_destroy="retain" says', id="retain"),
        pytest.param(OWNER + MEMBERS, "retain", 'as on_leave="retain" says', id="a member, retain"),
    ],
)
async def test_an_account_that_stays_active_is_named_with_why(
    world: World, owner: str, on_destroy: str | None, why: str
) -> None:
    account, outs = await adopted(world, owner, **world.vendor.reactivation)
    policy = {"on_destroy": on_destroy} if on_destroy else {}
    await lifecycle.delete(world.tenant, account, outs | policy, owner)
    assert is_active(world, account)
    email = world.vendor.identity(world.vendor.example)
    assert told(world) == [f"{world.vendor.title} {email} ({account}) stays active, {why}"]


async def test_an_account_that_is_deactivated_is_not_named(world: World) -> None:
    account, outs = await adopted(world, on_destroy="deactivate")
    await lifecycle.delete(world.tenant, account, outs, OWNER)
    assert not is_active(world, account)
    assert told(world) == []


async def test_an_account_that_was_inactive_before_is_not_named(world: World) -> None:
    account, outs = await adopted(world, **world.vendor.deactivation)
    await lifecycle.delete(world.tenant, account, outs, OWNER)
    assert told(world) == []


async def test_a_team_of_adopted_members_is_not_a_line_for_each() -> None:
    async with World("enerflo") as world:
        stack = Stack(world)
        await stack.up({"team": a_team(world, 45)})
        adopting = Stack(world, "project/other")
        await adopting.up({"team": a_team(world, 45, {"on_existing": "adopt"})})
        world.warnings.clear()
        assert await adopting.destroy()
        assert len(active(world)) == 45
        assert len([line for line in world.warnings if "before seatwise" in line]) == 10
        assert world.warnings[10:] == [
            f"Enerflo: accounts that are left as they are: {count} so far; the first 10 are named above"
            for count in (20, 40)
        ]


# --- an account that is there -----------------------------------------------------------------

BACK = dict.fromkeys(names(), "active=True") | {"tenovos": 'status="enabled"'}
PERSON = "project/stack/seatwise:index:Person$ana"
CHILD = "project/stack/my:own:Component$ana"
IMPORTED = "project/stack/ana@example.com"
REMEDIES = {
    OWNER: 'Add on_existing="adopt" to take it over{back}, or replace its declaration by what `seatwise import '
    "{vendor} --match ana@example.com` writes, and follow the steps that it prints",
    OWNER + MEMBERS: 'Give on_existing="adopt" for the Roster to take over all such accounts of its members{back}',
    PERSON: 'Add on_existing="adopt" to take it over{back}, to the {vendor}.Account of the Person',
    CHILD: 'Add on_existing="adopt" to take it over{back}',
    IMPORTED: "If `seatwise import {vendor} --match ana@example.com` wrote its declaration, put the account into the "
    "state with the file that it wrote as well: `pulumi import --file {vendor}-import.json --generate-code=false "
    '--protect=false --yes`. Else add on_existing="adopt" to take it over{back}',
}


async def refusal(world: World, owner: str, **arguments: Any) -> str:
    with pytest.raises(AccountExists) as caught:
        await lifecycle.create(world.tenant, world.inputs(**arguments), owner)
    return str(caught.value)


def deactivate(world: World, account: str) -> None:
    """Somebody deactivates the account at the admin page."""
    fields = {name: world.vendor.schema[name].wire.read for name in world.vendor.deactivation}
    world.change_by_hand(account, {str(fields[name]): value for name, value in world.vendor.deactivation.items()})


@pytest.mark.parametrize("owner", REMEDIES, ids=["user", "member", "person", "child", "imported"])
async def test_the_remedy_fits_the_resource(world: World, owner: str) -> None:
    (account,) = world.accounts
    line = await refusal(world, owner)
    name = world.vendor.identity_name()
    assert line == (
        f"{world.vendor.title} ana@example.com: an account with this {name} is there already, with the id {account}. "
        + REMEDIES[owner].format(vendor=world.name, back="")
    )
    deactivate(world, account)
    line = await refusal(world, owner)
    assert f"with the id {account}, and it is inactive. " in line
    assert line.endswith(
        REMEDIES[owner].format(vendor=world.name, back=f", and declare {BACK[world.name]} to bring it back")
    )


@pytest.mark.parametrize("declared", ["active", "inactive"])
async def test_the_remedy_says_nothing_of_what_is_declared(world: World, declared: str) -> None:
    (account,) = world.accounts
    deactivate(world, account)
    arguments = world.vendor.reactivation if declared == "active" else world.vendor.deactivation
    line = await refusal(world, CHILD, **arguments)
    becomes = ", which makes it active, as declared" if declared == "active" else ""
    assert line.endswith(f'Add on_existing="adopt" to take it over{becomes}')


@pytest.mark.parametrize("owner", [OWNER, OWNER + MEMBERS])
async def test_an_adopted_account_that_stays_inactive_is_named(world: World, owner: str) -> None:
    (account,) = world.accounts
    deactivate(world, account)
    await adopted(world, owner)
    assert not is_active(world, account)
    (line,) = told(world)
    assert line.startswith(f"{world.vendor.title} ana@example.com ({account}) is adopted and stays inactive: ")
    assert line.endswith(f"declare {BACK[world.name]} to make it active")


@pytest.mark.parametrize("declared", ["active", "inactive"])
async def test_an_adopted_account_that_is_declared_so_is_not_named(world: World, declared: str) -> None:
    (account,) = world.accounts
    deactivate(world, account)
    await adopted(world, **(world.vendor.reactivation if declared == "active" else world.vendor.deactivation))
    assert is_active(world, account) is (declared == "active")
    assert told(world) == []


async def test_the_remedy_for_an_unknown_id_is_to_run_seatwise_show(world: World) -> None:
    with pytest.raises(AccountError, match=f"`seatwise show {world.name} EMAIL` shows the id of an account"):
        await lifecycle.read(world.tenant, "9999", {})


# --- waits ------------------------------------------------------------------------------------


async def start_over(world: World) -> None:
    """The tenant and the state are empty again, and the journal remains."""
    for account in world.accounts:
        world.store.remove(world.name, account, reserve=False)
    await world.restart()
    world.warnings.clear()


def waits(world: World) -> list[str]:
    return [line for line in world.warnings if "waiting for it" in line or "waited for" in line]


@pytest.mark.parametrize(("seconds_ago", "left"), [(3, "29"), (24, "8"), (30, None), (60, None)])
async def test_a_wait_for_an_account_of_before_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds_ago: int, left: str | None
) -> None:
    await start_over(world)
    account, _ = await lifecycle.create(world.tenant, world.inputs(), OWNER)
    made_at = time.time()
    await start_over(world)
    monkeypatch.setattr("time.time", lambda: made_at + seconds_ago)

    await lifecycle.create(world.tenant, world.inputs(), OWNER)

    assert waits(world) == [
        f"{world.vendor.title} ana@example.com ({account}) was made or brought back a moment ago and does not show: "
        f"waiting for it, for up to {left} seconds"
    ] * (left is not None)


async def test_a_wait_for_a_create_without_an_answer_is_told_once(world: World) -> None:
    await start_over(world)
    world.fault("POST", lost_before)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
    line = (
        f"{world.vendor.title} ana@example.com may have been made, by a create without a clear answer, and does not "
        "show: waiting for it, for up to 28 seconds"
    )
    assert waits(world) == [line]

    await world.restart()
    with suppress(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
    assert waits(world) == [line, line], "the next run looks for it as well, before it sends another"


async def test_a_wait_for_a_new_account_that_cannot_be_read_is_told() -> None:
    async with World("enerflo") as world:
        world.fault("read", *[answered(404, carried_out=False)] * 4)
        account, _ = await lifecycle.create(world.tenant, world.inputs(), OWNER)
        assert waits(world) == [
            f"Enerflo ana@example.com ({account}) was made and cannot be read: waiting for it, for up to 4 seconds"
        ]


async def test_a_short_wait_is_not_told() -> None:
    async with World("tenovos", tenovos_search_lag=2) as world:
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
        assert waits(world) == []


async def test_the_waits_of_a_team_are_not_a_line_for_each() -> None:
    async with World("enerflo") as world:
        stack = Stack(world)
        await stack.up({"team": a_team(world, 45)})
        await start_over(world)
        stack.state.clear()
        await stack.up({"team": a_team(world, 45)})
        assert len(active(world)) == 45
        assert len(waits(world)) == 12
        assert waits(world)[-1] == "Enerflo: accounts that are waited for: 40 so far; the first 10 are named above"


# --- e-mails that are exchanged ---------------------------------------------------------------

HAS_IT = "{title} {old}@example.com ({account}): update refused with "
BELONGS = (
    "; the account {other} has the {name} {new}@example.com, and belongs to stack/{new}, which declares "
    "another one now. Once that account has its new {name}, `pulumi up` again changes this one. Where two "
    "exchange theirs, give one of them a temporary address of yours first: by the program and a `pulumi up`, or in the "
    "admin page"
)


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource with an account that the engine knows."""

    name: str
    account: str
    outs: dict[str, Any]


async def declared(world: World, *who: str) -> list[Resource]:
    """Resources with accounts of their own, in a new run."""
    made = []
    for name in who:
        given: dict[str, Any] = {"username": name} if world.name == "tenovos" else {}
        news = world.inputs(email=f"{name}@example.com", **given)
        made.append(Resource(name, *await lifecycle.create(world.tenant, news, f"project/stack/{name}")))
    await world.restart()
    return made


async def given_emails(world: World, emails: dict[Resource, str]) -> dict[str, str]:
    """A run that gives each resource another e-mail: the errors, by the resource's name."""
    errors: dict[str, str] = {}
    for resource, name in emails.items():
        world.door.ownership.declare(f"{name}@example.com", f"project/stack/{resource.name}")
        world.door.ownership.assign_declared(resource.account, f"{name}@example.com", f"project/stack/{resource.name}")
    for resource, name in emails.items():
        given = {"username": resource.name} if world.name == "tenovos" else {}
        news = world.inputs(resource.outs, email=f"{name}@example.com", **given)
        try:
            await lifecycle.update(world.tenant, resource.account, resource.outs, news)
        except AccountError as error:
            errors[resource.name] = str(error)
    await world.restart()
    return errors


async def test_who_has_the_e_mail_that_another_is_to_get_is_named(world: World) -> None:
    await start_over(world)
    ben, cleo = await declared(world, "ben", "cleo")
    errors = await given_emails(world, {ben: "cleo", cleo: "ben"})
    for one, other in ((ben, cleo), (cleo, ben)):
        begins = HAS_IT.format(title=world.vendor.title, old=one.name, account=one.account)
        assert errors[one.name].startswith(begins)
        assert errors[one.name].endswith(
            BELONGS.format(other=other.account, new=other.name, name=world.vendor.identity_name())
        )


async def test_two_exchange_their_e_mails_by_a_temporary_address(world: World) -> None:
    await start_over(world)
    ben, cleo = await declared(world, "ben", "cleo")
    assert await given_emails(world, {cleo: "temporary"}) == {}
    cleo = Resource("cleo", cleo.account, {**cleo.outs, **world.named("temporary@example.com")})
    assert await given_emails(world, {ben: "cleo"}) == {}
    assert await given_emails(world, {cleo: "ben"}) == {}
    assert {name: world.email(world.accounts[each.account]) for name, each in {"ben": ben, "cleo": cleo}.items()} == {
        "ben": "cleo@example.com",
        "cleo": "ben@example.com",
    }


async def test_e_mails_that_move_on_in_a_row_take_another_run(world: World) -> None:
    await start_over(world)
    ben, cleo = await declared(world, "ben", "cleo")
    assert [*await given_emails(world, {ben: "cleo", cleo: "dan"})] == ["ben"]
    assert await given_emails(world, {ben: "cleo"}) == {}


async def test_the_e_mail_of_an_unmanaged_account_has_to_be_freed(world: World) -> None:
    (other,) = world.accounts
    (ben,) = await declared(world, "ben")
    errors = await given_emails(world, {ben: "ana"})
    name = world.vendor.identity_name()
    free = f"Free it in the admin page, or declare another {name} here"
    assert errors["ben"].endswith(f"; the account {other} has the {name} ana@example.com. {free}")


async def test_a_change_refused_for_another_reason_names_no_account(world: World) -> None:
    await start_over(world)
    (ben,) = await declared(world, "ben")
    world.fault("update", answered(422, b'{"message": "not this one"}', carried_out=False))
    assert f"has the {world.vendor.identity_name()}" not in (await given_emails(world, {ben: "dan"}))["ben"]
