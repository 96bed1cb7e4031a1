"""Bad days: nothing lost, nothing doubled. Every vendor, in virtual time, over the sandbox's own table."""

import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio
import httpx
import pytest

import oracle
import teams
from model import Stack, people
from operations import lifecycle
from seatwise.core.account import resuming
from seatwise.core.account.ports import Entry, EntryKind
from seatwise.core.account.properties import AS_DECLARED, DECLARED
from seatwise.core.queries.lookup import Lookups
from seatwise.core.vendor.errors import (
    AccountError,
    AccountExists,
    InvalidAccount,
    NoSuchAccount,
    NotAuthorised,
    Refused,
    TooManyRemovals,
    UnknownOutcome,
    Unreachable,
    VendorBroken,
)
from seatwise.sandbox.server import STAND_INS
from seatwise.vendors import names
from seatwise.wire.settings import RunSettings
from virtual import (
    Fault,
    Killed,
    World,
    answered,
    cannot_connect,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
)

pytestmark = pytest.mark.anyio
HTML = b"<html>busy</html>"


CARRIED_OUT = {
    "the answer is lost": lost_after,
    "500": answered(500, carried_out=True),
    "502 with a page": answered(502, HTML, carried_out=True, content_type="text/html"),
    "200 with nothing": answered(200, carried_out=True),
    "200 with a page": answered(200, HTML, carried_out=True, content_type="text/html"),
    "200 cut off": answered(200, b'{"Value": {"Id": 10', carried_out=True, content_type="application/json"),
}


@pytest.mark.parametrize("fault", CARRIED_OUT.values(), ids=CARRIED_OUT.keys())
async def test_a_create_whose_answer_is_lost_is_found_and_sent_once(world: World, fault: Fault) -> None:
    world.fault("POST", fault)
    news = world.inputs()

    account, outs = await lifecycle.create(world.tenant, news)

    assert list(world.accounts) == [account]
    assert world.calls.count("POST") == 1
    assert not world.diff(outs, news)


async def test_a_create_that_may_have_arrived_is_an_unknown_outcome(world: World) -> None:
    world.fault("POST", lost_before)

    with pytest.raises(UnknownOutcome, match="may have been made"):
        await lifecycle.create(world.tenant, world.inputs())

    assert world.calls.count("POST") == 0, "nothing arrived, and nothing was sent again"
    assert anyio.current_time() >= sum(resuming.LOST_CREATE_BACKOFF_S)


async def test_a_create_that_cannot_connect_is_sent_again(world: World) -> None:
    world.fault("POST", cannot_connect, cannot_connect)

    await lifecycle.create(world.tenant, world.inputs())

    assert world.calls.count("POST") == 1
    assert len(world.accounts) == 1


async def test_a_create_that_gets_a_503_respects_its_retry_after(world: World) -> None:
    world.fault("POST", answered(503, carried_out=False, retry_after="30"))

    await lifecycle.create(world.tenant, world.inputs())

    assert anyio.current_time() >= 30
    assert len(world.accounts) == 1


@pytest.mark.parametrize("lag", [1, 3])
async def test_a_new_tenovos_user_is_found_when_the_search_lags(lag: int) -> None:
    async with World("tenovos", tenovos_search_lag=lag) as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())

        assert list(world.accounts) == [account]


async def test_a_refused_create_makes_nothing_and_quotes_the_vendor(world: World) -> None:
    world.fault("POST", answered(422, b'{"message": "no seats left"}', carried_out=False))

    with pytest.raises(Refused, match="create refused with 422: no seats left"):
        await lifecycle.create(world.tenant, world.inputs())

    assert world.accounts == {}


async def test_an_account_that_is_there_is_left_alone_unless_adopted(world: World) -> None:
    news = world.inputs()
    account, _ = await lifecycle.create(world.tenant, news)
    before = world.accounts

    with pytest.raises(AccountExists, match=f"with the id {account}.*on_existing"):
        await lifecycle.create(world.tenant, world.inputs(email="ANA@Example.com"))

    assert world.accounts == before
    assert world.calls.count("POST") == 1


async def test_adoption_changes_what_is_declared_and_nothing_else(world: World) -> None:
    account, _ = await lifecycle.create(world.tenant, world.inputs())
    before = world.accounts[account]
    news = world.inputs(**world.vendor.example_change, on_existing="adopt")

    adopted, outs = await lifecycle.create(world.tenant, news)

    assert adopted == account
    assert outs["adopted"] is True
    assert not world.diff(outs, news)
    changed = {key for key, value in world.accounts[account].items() if before.get(key) != value}
    assert 0 < len(changed - {"UpdatedOn", "PasswordSalt", "meta"}) <= len(world.vendor.example_change)
    await lifecycle.delete(world.tenant, account, outs)
    assert world.calls.count("POST") == 1
    retired = world.vendor.schema.parse(world.accounts[account])
    assert retired != retired | dict(world.vendor.deactivation), "an adopted account is left as it is on destroy"


async def test_a_failed_follow_up_is_a_warning_and_the_next_up_does_it() -> None:
    async with World("enerflo") as world:
        news = world.inputs(active=False)
        world.fault("PUT", answered(400, b'{"message": "not now"}', carried_out=False))

        account, outs = await lifecycle.create(world.tenant, news)

        assert world.accounts[account]["active"] is True
        assert any("not now" in warning for warning in world.warnings)
        assert world.diff(outs, news)
        outs = await lifecycle.update(world.tenant, account, outs, news)
        assert world.accounts[account]["active"] is False
        assert not world.diff(outs, news)


@pytest.mark.parametrize("fault", [lost_before, lost_after, answered(502, HTML, carried_out=True)])
async def test_an_update_is_sent_again_for_it_says_the_same(world: World, fault: Fault) -> None:
    news = world.inputs()
    account, outs = await lifecycle.create(world.tenant, news)
    world.fault("update", fault)
    changed = world.inputs(**world.vendor.example_change)

    outs = await lifecycle.update(world.tenant, account, outs, changed)

    assert not world.diff(outs, changed)
    assert "Anna" in str(world.accounts[account])


async def test_an_update_of_an_account_that_is_gone_says_so(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    world.store.remove(world.name, account, reserve=False)

    with pytest.raises(AccountError, match=account):
        await lifecycle.update(world.tenant, account, outs, world.inputs(**world.vendor.example_change))


NO_PROOF: dict[str, tuple[Fault, type[AccountError]]] = {
    "500": (answered(500, carried_out=False), VendorBroken),
    "403": (answered(403, b'{"message": "Forbidden"}', carried_out=False), NotAuthorised),
    "200 with a page": (answered(200, HTML, carried_out=False, content_type="text/html"), VendorBroken),
    "no answer": (lost_before, Unreachable),
    "cannot connect": (cannot_connect, Unreachable),
}


@pytest.mark.parametrize(("fault", "error"), NO_PROOF.values(), ids=NO_PROOF.keys())
async def test_an_account_is_not_taken_for_gone_without_proof(
    world: World, fault: Fault, error: type[AccountError]
) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    await world.restart()
    world.fault("GET", *[fault] * 4)

    with pytest.raises(error):
        await lifecycle.read(world.tenant, account, outs)


async def test_a_wrong_base_url_is_no_proof_that_an_account_is_gone(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    world.fault("GET", *[answered(404, b'{"message": "Not Found"}', carried_out=False)] * 2)

    with pytest.raises(Refused):
        await lifecycle.read(world.tenant, account, outs)


@pytest.mark.parametrize(
    ("name", "given"), [*((name, {}) for name in names()), ("scim", {"update": "put"})], ids=[*names(), "scim by PUT"]
)
async def test_a_wrong_base_url_removes_nobody(name: str, given: dict[str, str]) -> None:
    """It answers 404 to all but the login: the list as well, which would have to prove that the account is gone."""
    async with World(name, given=given) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        unknown = answered(404, b'{"message": "Not Found"}', carried_out=False)
        world.hazard = lambda kind: None if kind == "token" else unknown

        with pytest.raises(Refused, match="refused with 404"):
            await lifecycle.delete(world.tenant, account, outs)

        world.hazard = lambda kind: None
        assert await lifecycle.delete(world.tenant, account, outs)
        assert world.is_retired(world.accounts[account])


async def test_a_deleted_account_reads_as_gone_and_can_be_removed(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    world.store.remove(world.name, account, reserve=False)

    assert await lifecycle.read(world.tenant, account, outs) is None
    await lifecycle.delete(world.tenant, account, outs)


async def test_retiring_fails_loudly_when_the_vendor_refuses(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    world.fault("update", answered(400, b'{"message": "owns surveys"}', carried_out=False))

    with pytest.raises(Refused, match="owns surveys"):
        await lifecycle.delete(world.tenant, account, outs)


@pytest.mark.parametrize("operation", ["update", "deactivate"])
async def test_a_refusal_shows_no_secret_of_the_record_that_was_sent(operation: str) -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(access_token="t0ken-of-ana"))
        world.fault("PUT", answered(400, b'{"Message": "AccessToken t0ken-of-ana is bad"}', carried_out=False))

        async def write() -> None:
            if operation == "update":
                await lifecycle.update(world.tenant, account, outs, world.inputs(full_name="Anna"))
            else:
                await lifecycle.delete(world.tenant, account, outs)

        with pytest.raises(Refused, match=r"AccessToken \[secret\] is bad"):
            await write()


async def test_what_others_changed_meanwhile_survives_an_update() -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        record = world.accounts[account] | {"IsAdmin": True, "ChatRooms": [5], "Devices": "a laptop"}
        world.store.replace("nexudus", account, record["Email"], record)

        await lifecycle.update(world.tenant, account, outs, world.inputs(full_name="Anna Ruiz"))

        after = world.accounts[account]
        assert after["FullName"] == "Anna Ruiz"
        assert (after["IsAdmin"], after["ChatRooms"], after["Devices"]) == (True, [5], "a laptop")


OUTDATED = answered(412, b"{}", carried_out=False)


@pytest.mark.parametrize("operation", ["update", "deactivate"])
async def test_an_outdated_update_is_merged_again_and_sent_once_more(operation: str) -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())

        async def outdated(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            world.change_by_hand(account, {"IsAdmin": True})
            return await OUTDATED(request, inner)

        world.fault("PUT", outdated)
        if operation == "update":
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, full_name="Anna Ruiz"))
        else:
            await lifecycle.delete(world.tenant, account, outs)
        record = world.accounts[account]
        assert record["IsAdmin"], "what a person set meanwhile stays"
        assert (record["FullName"], record["Active"]) == (
            ("Anna Ruiz", True) if operation == "update" else ("Ana Ruiz", False)
        )


async def test_an_update_that_is_outdated_twice_is_refused() -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.fault("PUT", OUTDATED, OUTDATED)
        with pytest.raises(Refused, match="412") as caught:
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, full_name="Anna Ruiz"))
        assert not caught.value.maybe_sent
        assert world.door.journal.why_unconfirmed(account) is None


async def test_an_update_outdated_by_its_own_lost_try_is_in_doubt() -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())

        async def changed_by_hand(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            world.change_by_hand(account, {"FullName": "Ana R."})
            return await OUTDATED(request, inner)

        world.fault("PUT", lost_after, changed_by_hand, answered(500, carried_out=False), OUTDATED)
        with pytest.raises(Refused, match="412") as caught:
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, full_name="Anna Ruiz"))
        assert caught.value.maybe_sent
        assert world.door.journal.why_unconfirmed(account) is not None


async def test_an_update_that_its_own_lost_try_has_made_is_done() -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.fault("PUT", lost_after, OUTDATED)
        before = len(world.trail)
        news = world.inputs(outs, full_name="Anna Ruiz")
        after = await lifecycle.update(world.tenant, account, outs, news)
        assert not world.diff(after, news)
        updates = [each for each in world.trail[before:] if each.kind == "update"]
        assert len(updates) == 2, "the lost try, and the refused one"


async def test_a_create_resumes_the_account_that_seatwise_deactivated(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    await lifecycle.delete(world.tenant, account, outs)
    news = world.inputs(**world.vendor.example_change)

    again, outs = await lifecycle.create(world.tenant, news)

    assert again == account
    assert list(world.accounts) == [account]
    assert not world.tenant.vendor.is_deactivated(world.accounts[account] | {"emailId": ""})
    assert not world.diff(outs, news)
    assert outs["adopted"] is False
    assert outs["__declared"] == sorted(set(news))


@pytest.mark.parametrize("who", ["somebody", "another stack"])
async def test_an_account_that_others_took_back_counts_as_existing(world: World, who: str) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    await lifecycle.delete(world.tenant, account, outs)
    if who == "somebody":
        world.change_by_hand(account, world.active)
    else:
        await lifecycle.update(
            world.tenant, account, outs | dict(world.vendor.deactivation), dict(world.vendor.reactivation)
        )

    with pytest.raises(AccountExists):
        await lifecycle.create(world.tenant, world.inputs())


async def test_a_removed_argument_is_not_managed_and_sends_no_request(world: World) -> None:
    news = world.inputs()
    account, outs = await lifecycle.create(world.tenant, news)
    fewer = {name: value for name, value in news.items() if name != world.name_field.name}
    calls = len(world.calls)

    assert world.diff(outs, fewer), "the preview says it"
    outs = await lifecycle.update(world.tenant, account, outs, fewer)

    assert len(world.calls) == calls
    assert not world.diff(outs, fewer)
    found = await lifecycle.read(world.tenant, account, outs)
    assert found is not None
    assert set(found.inputs) == set(fewer)


async def test_a_create_only_field_that_others_changed_blocks_nobody() -> None:
    async with World("enerflo") as world:
        news = world.inputs()
        account, outs = await lifecycle.create(world.tenant, news)
        record = world.accounts[account] | {"timezone": "Asia/Manila"}
        world.store.replace("enerflo", account, record["email"], record)

        for _ in range(2):
            found = await lifecycle.read(world.tenant, account, outs)
            assert found is not None
            outs = found.outputs
            assert outs["timezone"] == "Asia/Manila"
            assert found.inputs == news
            assert not world.diff(outs, news)
            assert world.inputs(olds=found.inputs) == news


@pytest.mark.parametrize("seen_by", ["a refresh", "an update of something else"])
async def test_a_tenovos_role_changed_by_hand_is_seen_by_its_id(seen_by: str) -> None:
    async with World("tenovos") as world:
        news = world.inputs()
        account, outs = await lifecycle.create(world.tenant, news)
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        record = world.accounts[account] | {"userRoleId": "7d5620e2-f423-11e9-8071-89c0c4052141"}
        world.store.replace("tenovos", account, record["email"], record)

        if seen_by == "a refresh":
            found = await lifecycle.read(world.tenant, account, found.outputs)
            assert found is not None
            assert "user_role_name" not in found.inputs
            outs = found.outputs
        else:
            news |= {"first_name": "Anna"}
            outs = await lifecycle.update(world.tenant, account, found.outputs, news)

        assert "user_role_name" not in outs
        assert world.diff(outs, news)
        await lifecycle.update(world.tenant, account, outs, news)
        assert world.accounts[account]["userRoleId"].startswith("7d5620e0")


OWNER = "project/stack/ana"


async def test_the_next_run_resumes_an_account_that_was_created_late(world: World) -> None:
    """The answer came after all time was up: the vendor has the account, and no run has heard of it."""
    late: list[httpx.Request] = []

    async def held_back(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        late.append(request)
        raise httpx.ReadTimeout("time-out")

    world.fault("POST", held_back)
    news = world.inputs()
    with pytest.raises(UnknownOutcome, match="pulumi up` again"):
        await lifecycle.create(world.tenant, news, OWNER)
    await world.arrive(late[0])
    world.warnings.clear()

    account, outs = await lifecycle.create(world.tenant, news, OWNER)

    assert list(world.accounts) == [account]
    assert world.calls.count("POST") == 1
    assert outs["adopted"] is False
    assert not world.diff(outs, news)
    assert world.warnings == []


async def test_a_create_that_never_arrived_is_sent_again_after_300_s(world: World) -> None:
    """Until then it may still arrive: the person would have two accounts."""
    world.fault("POST", lost_before)
    with pytest.raises(UnknownOutcome):
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
    world.time_goes_by(200)
    with pytest.raises(UnknownOutcome, match=r"a create .* 200 seconds ago.* again in 100 seconds"):
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
    assert world.accounts == {}

    world.time_goes_by(100)
    account, _ = await lifecycle.create(world.tenant, world.inputs(), OWNER)
    assert list(world.accounts) == [account]


async def test_only_its_owner_resumes_an_account_that_is_in_no_state(world: World) -> None:
    """As with PULUMI_SKIP_CHECKPOINTS and a killed run: made, noted, and in no state."""
    news = world.inputs()
    account, _ = await lifecycle.create(world.tenant, news, OWNER)

    with pytest.raises(AccountExists):
        await lifecycle.create(world.tenant, news, "project/stack/another")
    again, outs = await lifecycle.create(world.tenant, news, OWNER)

    assert again == account
    assert world.calls.count("POST") == 1
    assert outs["adopted"] is False
    assert not world.diff(outs, news)


async def test_an_account_that_was_there_is_never_taken_for_our_own(world: World) -> None:
    account, _ = await lifecycle.create(world.tenant, world.inputs(), OWNER)
    world.tenant.journal.forget("ana@example.com")
    world.fault("POST", lost_before)

    with pytest.raises(AccountExists):
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
    assert list(world.accounts) == [account]


@pytest.mark.parametrize(
    "fault", [answered(400, carried_out=False), *[cannot_connect], answered(503, carried_out=False, retry_after="999")]
)
async def test_a_create_that_certainly_made_nothing_is_not_remembered(world: World, fault: Fault) -> None:
    world.fault("POST", *[fault] * 4)
    with pytest.raises(AccountError):
        await lifecycle.create(world.tenant, world.inputs(), OWNER)
    assert world.tenant.journal.last("ana@example.com") is None


# --- the cap on removals ----------------------------------------------------------------------


def active(world: World) -> int:
    return sum(not world.is_retired(record) for record in world.accounts.values())


@pytest.mark.parametrize("how", ["left the program", "deactivated by the program"])
async def test_a_run_retires_no_more_accounts_than_it_may(world: World, how: str) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 6))
    fewer = {} if how == "left the program" else people(world, 6, **world.vendor.deactivation)
    world.limit_removals(2)

    assert not await stack.up(fewer)

    assert active(world) == 4
    message = str(next(iter(stack.failures.values())))
    assert re.search(r"SEATWISE_MAX_REMOVALS is 2, and this run has deprovisioned \d and stopped at 1 more", message)
    assert not await stack.up(fewer), "each run has the cap anew"
    assert await stack.up(fewer)
    assert active(world) == 0


async def test_a_removal_that_fails_does_not_count(world: World) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 2))
    removals = world.limit_removals(1)
    world.fault("update", answered(403, b'{"message": "Forbidden"}', carried_out=False))
    assert not await stack.up({name: value for name, value in people(world, 2).items() if name == "u0"})

    assert removals.done == 0
    assert active(world) == 2


@pytest.mark.parametrize("change", ["reactivated", "example_change", "nothing"])
async def test_only_what_deactivates_counts(world: World, change: str) -> None:
    stack = Stack(world)
    assert await stack.up(people(world, 3, **world.vendor.deactivation)), "made, and then put to rest"
    world.limit_removals(0)
    values = {"reactivated": world.vendor.reactivation, "example_change": world.vendor.example_change}.get(change, {})
    kept = {} if change == "reactivated" else dict(world.vendor.deactivation)
    assert await stack.up(people(world, 3, **{**kept, **{k: v for k, v in values.items() if k != "password"}}))


async def test_an_account_not_read_back_is_read_by_the_next_up(
    world: World,
) -> None:
    """A role's slug need not be like its Name: who was not seen after the create shows it as a change later."""
    program = {"ana": {**world.vendor.example}}
    if world.name == "enerflo":
        program["ana"]["roles"] = ["Regional Manager"]
    stack = Stack(world)
    world.hazard = lambda kind: answered(500, carried_out=False) if kind == "read" else None
    assert await stack.up(program)
    world.hazard = lambda kind: None

    await oracle.converges(stack, program)


async def test_an_update_that_was_lost_and_then_refused_stays_in_doubt(world: World) -> None:
    """The refusal is of the second try; the first may have been carried out, and the commit be reverted."""
    program = {"ana": {**world.vendor.example}}
    changed = {"ana": {**world.vendor.example, **world.vendor.example_change}}
    stack = Stack(world)
    assert await stack.up(program)
    refusal = answered(404, b'{"message": "Not Found"}', carried_out=False, content_type="application/json")
    world.fault("update", lost_after, refusal)
    assert not await stack.up(changed)

    await oracle.converges(stack, program)

    await ana_is(stack, program)


async def ana_is(stack: Stack, program: Mapping[str, Mapping[str, Any]]) -> None:
    """The vendor has what example changes are about as the program says."""
    world = stack.world
    actual = world.vendor.schema.parse(
        world.door.vendor.parse_record(await world.tenant.send(world.door.vendor.request_read(stack.state["ana"].id)))
        or {}
    )
    declared = {name: program["ana"][name] for name in world.vendor.example_change if name in actual}
    assert declared
    assert all(world.vendor.schema[name].same(value, actual[name]) for name, value in declared.items())


@pytest.mark.parametrize("how", ["answered", "lost", "lost, and looked at by a run that is forgotten too"])
async def test_reverting_an_update_that_the_state_lacks_undoes_it(world: World, how: str) -> None:
    """With PULUMI_SKIP_CHECKPOINTS a run that is killed leaves the state as it was, whatever was carried out."""
    program = {"ana": {**world.vendor.example}}
    changed = {"ana": {**world.vendor.example, **world.vendor.example_change}}
    stack = Stack(world)
    assert await stack.up(program)
    remembered = dict(stack.state)
    if how != "answered":
        world.fault("update", *[lost_after] * 4)
        assert not await stack.up(changed)
    if how != "lost":
        assert await stack.up(changed)
        stack.state = remembered

    await oracle.converges(stack, program)

    await ana_is(stack, program)


async def test_an_update_that_is_in_the_state_causes_no_more_requests(world: World) -> None:
    changed = {"ana": {**world.vendor.example, **world.vendor.example_change}}
    stack = Stack(world)
    assert await stack.up({"ana": {**world.vendor.example}})
    assert await stack.up(changed)
    world.trail.clear()
    assert await stack.up(changed)
    assert world.trail == []
    assert await stack.refresh()
    world.trail.clear()
    assert await stack.up(changed)
    assert world.trail == []


async def test_who_gave_up_an_e_mail_is_not_given_back_under_it(world: World) -> None:
    """An account left the e-mail, then the team; who has that e-mail now was given it by somebody else."""
    stack = Stack(world)
    assert await stack.up({"ana": {**world.vendor.example}})
    assert await stack.up({"ana": {**world.vendor.example, **world.named("new@example.com")}})
    assert await stack.up({})
    (account,) = world.accounts
    record = has_now(world, account, email=world.vendor.example["email"])

    assert not await stack.up({"ana": {**world.vendor.example}})

    assert isinstance(stack.failures["ana"], AccountExists)
    assert world.accounts[account] == record


@pytest.mark.parametrize(
    ("how", "left"),
    [
        (how, left)
        for how in ("an update that was killed", "an update that was lost", "somebody's hands")
        for left in ("the program", "the program, and was retained", "the state")
        if (how, left) != ("somebody's hands", "the state")  # it does not look as if anybody had done anything
    ],
)
async def test_however_an_e_mail_was_given_up_it_is_not_given_back(world: World, how: str, left: str) -> None:
    """The journal's note of the create goes with the e-mail, though no run heard that the update was done."""
    stack = Stack(world, checkpoints=False)
    moved = {"ana": {**world.vendor.example, **world.named("new@example.com")}}
    assert await stack.up({"ana": {**world.vendor.example}})
    (account,) = world.accounts
    if how == "somebody's hands":
        has_now(world, account, email="new@example.com")
        assert await stack.refresh()
    else:
        killed = how == "an update that was killed"
        world.fault("update", *[killed_after] if killed else [lost_after] + [lost_before] * 3)
        assert not await stack.up(moved)
    assert await stack.up(moved)
    if left == "the program, and was retained":
        assert await stack.up({"ana": {**moved["ana"], "on_destroy": "retain"}})
    if left != "the state":
        assert await stack.up({})
    stack.state.clear()
    record = has_now(world, account, email=world.vendor.example["email"])

    assert not await stack.up({"ana": {**world.vendor.example}})

    assert isinstance(stack.failures["ana"], AccountExists)
    assert world.accounts[account] == record


@pytest.mark.parametrize("is_let_go", [True, False])
async def test_an_account_that_another_resource_adopted_is_not_resumed(world: World, is_let_go: bool) -> None:
    """The account that the engine forgot was moved by hand, adopted under its new e-mail, and moved back."""
    news = world.inputs()
    account, _ = await lifecycle.create(world.tenant, news, OWNER)
    has_now(world, account, email="new@example.com")
    await world.restart()
    adopted = world.inputs(email="new@example.com", on_existing="adopt")
    _, outs = await lifecycle.create(world.tenant, adopted, "project/stack/another")
    if is_let_go:
        await lifecycle.delete(world.tenant, account, outs)
    record = has_now(world, account, email=news["email"])
    await world.restart()

    with pytest.raises(AccountExists):
        await lifecycle.create(world.tenant, news, OWNER)

    assert world.accounts[account] == record


async def test_an_account_that_was_activated_again_keeps_its_owner(world: World) -> None:
    """The engine did not hear that the account was retired, and has it still; then somebody deactivates it."""
    news = world.inputs()
    account, outs = await lifecycle.create(world.tenant, news, OWNER)
    await lifecycle.delete(world.tenant, account, outs)
    await lifecycle.update(world.tenant, account, outs, news)
    argument, value = next(iter(world.vendor.deactivation.items()))
    record = has_now(world, account, **{argument: value})
    assert world.is_retired(record)

    with pytest.raises(AccountExists):
        await lifecycle.create(world.tenant, news, "project/stack/another")

    assert world.accounts[account] == record


def has_now(world: World, account: str, **values: Any) -> dict[str, Any]:
    """Somebody changes an account at the admin page; its record from then on."""
    keys = {name: world.vendor.schema[name].wire.update or name for name in values}
    keys["email"] = STAND_INS[world.name].EMAIL
    return world.change_by_hand(account, {keys[name]: value for name, value in values.items()})


# --- the one look at the list ---------------------------------------------------------------------


async def test_an_inconsistent_account_list_causes_no_second_account() -> None:
    """The vendor counts one more than it lists, and would let two accounts have one e-mail."""
    async with World("nexudus", unique_emails=False) as world:
        for name in ("ana", "ben"):
            await lifecycle.create(world.tenant, world.inputs(email=f"{name}@example.com"))
        await world.restart()

        async def short(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            await answer.aread()
            body = answer.json()
            if "User_Email" not in request.url.params:
                body["Records"].pop()
            return httpx.Response(200, json=body)

        world.hazard = lambda kind: short if kind == "list" else None
        for name in ("ana", "ben"):
            with pytest.raises(AccountExists):
                await lifecycle.create(world.tenant, world.inputs(email=f"{name}@example.com"))

        assert len(world.accounts) == 2


NEWER = {"api_version": "1.5", "base_url": "http://127.0.0.1/tenovos-1.5"}
LISTS = {"enerflo": "results", "nexudus": "Records", "tenovos": "data"}


def contradict(world: World) -> None:
    """Let the vendor know no id, and list its last account twice or not at all, as a page that has shifted does."""
    missing = {"tenovos": answered(403, b'{"message": "User not found"}', carried_out=False)}
    unknown = missing.get(world.name, answered(404, b'{"message": "Not found"}', carried_out=False))

    async def shifted(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        await answer.aread()
        body = answer.json()
        records = body[LISTS[world.name]]
        records[0:1] = records[1:2] if world.name == "enerflo" else []
        return httpx.Response(200, json=body)

    answers = {"list": shifted, "read": unknown, "update": unknown}
    world.hazard = answers.get


@pytest.fixture(params=LISTS)
async def listing(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each vendor that lists all accounts, with two of them, in a new run: the vendor contradicts itself."""
    async with World(request.param, given=NEWER if request.param == "tenovos" else {}, unique_emails=False) as world:
        for name in ("ana", "ben"):
            mine: dict[str, Any] = {"username": name} if world.name == "tenovos" else {}
            await lifecycle.create(world.tenant, world.inputs(email=f"{name}@example.com", **mine))
        await world.restart()
        contradict(world)
        yield world


@pytest.mark.parametrize("operation", ["read", "delete"])
async def test_a_list_that_contradicts_itself_proves_no_absence(listing: World, operation: str) -> None:
    account = next(iter(listing.accounts))
    outs = {"email": "ana@example.com", "adopted": False, DECLARED: ["email"]}
    with pytest.raises(VendorBroken if operation == "read" else AccountError) as caught:
        await getattr(lifecycle, operation)(listing.tenant, account, outs)
    if operation == "read" or listing.name == "nexudus":
        assert str(caught.value) == (
            f"{listing.vendor.title} ana@example.com ({account}): the vendor says that it is not there, but its "
            "list is incomplete or has duplicates: no proof. Run it again later"
        )


async def test_such_a_list_does_not_prove_that_an_id_is_unknown(listing: World) -> None:
    account = next(iter(listing.accounts))
    with pytest.raises(VendorBroken, match=f"{account}: the vendor says that it is not there, but its list"):
        await lifecycle.read(listing.tenant, account, {})


async def test_an_account_missing_in_such_a_list_is_not_made_again(listing: World) -> None:
    with pytest.raises(VendorBroken, match=r"ana@example\.com: the list is incomplete or contains duplicates"):
        await lifecycle.create(listing.tenant, listing.inputs(email="ana@example.com"))
    with pytest.raises(VendorBroken, match="the list is incomplete"):
        await Lookups(listing.door).user(dict, "ana@example.com")
    assert len(listing.accounts) == 2


async def first_name(world: World, account: str, outs: dict[str, Any]) -> str:
    """What a refresh in the same run shows of an account."""
    found = await lifecycle.read(world.tenant, account, outs)
    assert found is not None
    return str(found.outputs["first_name"])


async def test_the_list_cache_omits_accounts_updated_during_its_load() -> None:
    async with World("enerflo") as world:
        made = [await lifecycle.create(world.tenant, world.inputs(email=f"u{n}@example.com")) for n in range(3)]
        await world.restart()
        (account, outs), (other, others), _ = made

        async def meanwhile(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            await first_name(world, other, others)
            await first_name(world, other, others)
            await inner.handle_async_request(request)
            raise httpx.ReadTimeout("time-out")

        world.fault("update", meanwhile, *[lost_before] * 3)
        news = world.inputs(email="u0@example.com", first_name="Anna")
        with pytest.raises(Unreachable):
            await lifecycle.update(world.tenant, account, outs, news)

        assert await first_name(world, account, outs) == "Anna"


async def test_the_list_cache_omits_a_first_page_from_before_an_update() -> None:
    async with World("enerflo") as world:
        made = [await lifecycle.create(world.tenant, world.inputs(email=f"u{n}@example.com")) for n in range(2)]
        (account, outs), (other, others) = made
        pattern = world.accounts[account]
        for number in range(5000, 7500):
            email = f"{number}@example.com"
            world.store.add("enerflo", str(number), email, {**pattern, "email": email, "id": number})
        await world.restart()
        await first_name(world, other, others)
        await first_name(world, other, others)
        world.fault("update", lost_after, *[lost_before] * 3)
        news = world.inputs(email="u0@example.com", first_name="Anna")
        with pytest.raises(Unreachable):
            await lifecycle.update(world.tenant, account, outs, news)
        await first_name(world, other, others)

        assert await first_name(world, account, outs) == "Anna"


async def test_a_deactivation_answered_with_an_active_account_fails(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")
    await world.restart()
    as_it_was = json.dumps(world.accounts[account]).encode()
    world.fault("update", answered(200, as_it_was, carried_out=False, content_type="application/json"))

    with pytest.raises(VendorBroken, match="deactivate was answered and not done"):
        await lifecycle.delete(world.tenant, account, outs, "p/s/ana")


@pytest.mark.parametrize("how", ["lost", "killed"])
async def test_a_delete_whose_commit_is_reverted_is_noticed(how: str) -> None:
    async with World("nexudus") as world:
        stack, program = Stack(world), {"ana": {**world.vendor.example, "on_destroy": "delete"}}
        assert await stack.up(program)
        world.fault("delete", *([killed_after] if how == "killed" else [lost_after, *[lost_before] * 3]))
        world.fault("read", *([] if how == "killed" else [lost_before] * 4))
        await stack.up({})
        assert world.accounts == {}
        world.faults.clear()

        assert not await stack.up(program)
        assert "it is gone. Run `pulumi refresh` to see what is there" in str(stack.failures["ana"])
        assert await stack.refresh()
        assert await stack.up(program)
        assert len(world.accounts) == 1


def passwords(world: World) -> list[str]:
    """The passwords that updates have sent; a record that goes back whole has none in it."""
    bodies = [sent.body for sent in world.trail if sent.kind == "update"]
    return [body["Password"] for body in bodies if body.get("Password") is not None]


async def lose_an_update(world: World, account: str, outs: dict[str, Any], news: dict[str, Any]) -> None:
    world.fault("update", lost_after, *[lost_before] * 3)
    with pytest.raises(Unreachable):
        await lifecycle.update(world.tenant, account, outs, news)
    await world.restart()
    world.trail.clear()


async def test_an_unconfirmed_update_of_a_name_sends_no_password() -> None:
    async with World("nexudus") as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        await lose_an_update(world, account, outs, world.inputs(olds=first, full_name="Zoe"))

        await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, full_name="Zoe"))

        assert passwords(world) == []
        assert world.accounts[account]["FullName"] == "Zoe"


async def test_reverting_a_lost_password_update_sends_the_old_password() -> None:
    async with World("nexudus") as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        await lose_an_update(world, account, outs, world.inputs(olds=first, password="another password"))

        await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first))

        assert passwords(world) == [world.vendor.example["password"]]


@pytest.mark.parametrize("lost", [{"full_name": "Zoe"}, {"password": "another password"}], ids=["name", "password"])
async def test_a_password_that_the_engine_ignores_stops_no_update(lost: dict[str, str]) -> None:
    """With `ignore_changes` the fingerprint is given in its place, which nobody can send."""
    async with World("nexudus") as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        await lose_an_update(world, account, outs, world.inputs(olds=first, **lost))

        news = world.inputs(olds=first, password=first["password"], full_name="Zoe")
        outs = await lifecycle.update(world.tenant, account, outs, news)

        assert passwords(world) == []
        assert world.accounts[account]["FullName"] == "Zoe"
        assert any("the declared password is not known" in each for each in world.warnings) is ("password" in lost)
        assert world.door.journal.why_unconfirmed(account) is None


@pytest.mark.parametrize("name", names())
async def test_an_empty_answer_does_not_rename_an_account_that_is_gone(name: str) -> None:
    """The entry of a create without a known outcome stays: the account that it made has the new e-mail."""
    async with World(name) as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        world.store.remove(world.name, account, reserve=False)
        pending = Entry(EntryKind.PENDING, owner="/project/stack//ana")
        world.door.journal.note("new@example.com", pending)
        world.fault("update", answered(200, carried_out=False, content_type="application/json"))

        news = world.inputs(olds=first, **{world.vendor.identity_field: "new@example.com"})
        with pytest.raises(NoSuchAccount, match="it is gone"):
            await lifecycle.update(world.tenant, account, outs, news)

        left = world.door.journal.last("new@example.com")
        assert left is not None
        assert (left.kind, left.account, left.owner) == (EntryKind.PENDING, None, "/project/stack//ana")


def disappearing(world: World, account: str) -> Fault:
    """The vendor's own answer to an update, after which the account does not show any more."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        answer = await inner.handle_async_request(request)
        world.store.remove(world.name, account, reserve=False)
        return answer

    return fault


LOOKED_AT: dict[str, dict[str, Any]] = {"enerflo": {"roles": ["Regional Manager"]}, "scim": {"title": ""}}
"""What is read back after an answer that repeats it: a value in the vendor's own spelling, and an emptied one."""


@pytest.mark.parametrize("name", LOOKED_AT)
async def test_an_account_deleted_after_the_answer_is_gone(name: str) -> None:
    async with World(name) as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        world.fault("update", disappearing(world, account))

        with pytest.raises(NoSuchAccount, match="it is gone"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, **LOOKED_AT[name]))


@pytest.mark.parametrize("is_read_back", [True, False])
@pytest.mark.parametrize("name", LOOKED_AT)
async def test_an_account_may_be_hidden_for_a_moment(name: str, is_read_back: bool) -> None:
    """It is gone if two looks find no account, and not if the second one cannot be made."""
    async with World(name) as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        world.time_goes_by()

        async def hidden(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            record.update(world.accounts[account])
            world.store.remove(world.name, account, reserve=False)
            return await inner.handle_async_request(request)

        async def shown_again(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            world.store.add(world.name, account, world.email(record), record)
            return await inner.handle_async_request(request)

        record: dict[str, Any] = {}
        looks = iter((hidden, shown_again if is_read_back else answered(403, carried_out=False)))
        world.trail.clear()
        world.hazard = lambda kind: next(looks) if kind == "read" and world.is_updated else None

        await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, **LOOKED_AT[name]))

        assert [sent.kind for sent in world.trail][-4:] == ["update", "read", "list", "read"]
        assert ("reads it back" in str(world.warnings)) is not is_read_back


ENDS = {
    **{f"{name}, {how}": (name, {}, said, how) for name, said in LOOKED_AT.items() for how in ("killed", "gone")},
    "scim, gone, whose access was looked at": ("scim", {"active": False}, {"active": True}, "gone"),
}


@pytest.mark.parametrize(("name", "before", "said", "how"), ENDS.values(), ids=ENDS)
async def test_an_answered_rename_ends_a_create_of_the_email(
    name: str, before: dict[str, Any], said: dict[str, Any], how: str
) -> None:
    """The vendor has answered that the account has the e-mail now, so the account of that create is another one."""
    async with World(name) as world:
        first = world.inputs(**before)
        account, outs = await lifecycle.create(world.tenant, first)
        world.door.journal.forget_account(account)  # as of an account that was adopted
        world.door.journal.note("new@example.com", Entry(EntryKind.PENDING, owner="/project/stack//ben"))
        if how == "gone":
            world.fault("update", disappearing(world, account))
        else:
            world.hazard = lambda kind: killed_before if kind == "read" and world.is_updated else None

        news = world.inputs(olds=first, **said, **{world.vendor.identity_field: "new@example.com"})
        with pytest.raises(Killed if how == "killed" else NoSuchAccount):
            await lifecycle.update(world.tenant, account, outs, news)

        assert world.door.journal.last("new@example.com") is None


@pytest.mark.parametrize("name", [name for name in names() if name != "scim"])
async def test_a_deactivation_beside_a_trimmed_text_counts(name: str) -> None:
    """The update fails, as the vendor has another name than was sent, but the person has lost access."""
    async with World(name) as world:
        stack, field = Stack(world), world.name_field
        assert await stack.up(people(world, 1))
        removals = world.limit_removals(1)
        (account,) = world.accounts

        async def trims(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            await inner.handle_async_request(request)
            world.change_by_hand(account, {str(field.wire.read): "Zoe"})
            return httpx.Response(200)

        world.fault("update", trims)

        assert not await stack.up(people(world, 1, **world.vendor.deactivation, **{field.name: "Zoe "}))

        assert world.is_retired(world.accounts[account])
        assert removals.done == 1


async def test_a_deactivation_that_no_record_shows_counts() -> None:
    async with World("scim") as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1))
        removals = world.limit_removals(1)

        async def shows_no_activity(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            body = re.sub(rb'"active": ?(true|false),', b"", await answer.aread())
            return httpx.Response(answer.status_code, content=body, headers={"content-type": "application/scim+json"})

        world.hazard = lambda kind: None if kind == "token" else shows_no_activity

        assert not await stack.up(people(world, 1, active=False))

        assert "does not show whether it is active" in str(stack.failures["u0"])
        assert removals.done == 1


async def adopted(world: World, stack: teams.Stack, ana: teams.Arguments) -> str:
    """Let a stack adopt another one's account, of which the journal has no entry then; return its id."""
    assert await teams.Stack(world, "another/stack").up({"ana": ana})
    (account,) = world.accounts
    world.door.journal.forget_account(account)
    assert await stack.up({"ana": ana})
    return account


@pytest.mark.parametrize("rename", [killed_after, lost_after])
@pytest.mark.parametrize("name", names())
async def test_an_adopted_account_is_nobodys_pending_create(name: str, rename: Fault) -> None:
    """Its rename is not known to be done, to the e-mail of another resource's create that never arrived."""
    async with World(name) as world:
        stack, new = teams.Stack(world), world.named("new@example.com")
        ana, ben = {**teams.a_member(world, "ana"), "on_existing": "adopt"}, {**teams.a_member(world, "ben"), **new}
        account = await adopted(world, stack, ana)
        world.fault("create", lost_before)
        assert not await stack.up({"ana": ana, "ben": ben})
        world.time_goes_by()
        world.fault("update", *[rename] * 4)
        assert not await stack.up({"ana": {**ana, **new}})
        assert world.email(world.accounts[account]) == "new@example.com"

        assert not await stack.up({"ben": ben})

        assert "on_existing" in str(stack.failed)


@pytest.mark.parametrize("name", names())
async def test_a_lost_create_finds_no_account_that_was_there(name: str) -> None:
    """The list shows the rename of an adopted account only after the create of that e-mail was sent."""
    async with World(name) as world:
        stack, new = teams.Stack(world), world.named("new@example.com")
        ana, ben = {**teams.a_member(world, "ana"), "on_existing": "adopt"}, {**teams.a_member(world, "ben"), **new}
        account = await adopted(world, stack, ana)
        world.time_goes_by()
        world.fault("update", *[lost_after] * 4)
        assert not await stack.up({"ana": {**ana, **new}})
        record = world.accounts[account]
        world.store.remove(name, account, reserve=False)

        async def lost(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            world.store.add(name, account, world.email(record), record)
            return httpx.Response(500)

        world.fault("create", lost)

        assert not await stack.up({"ben": ben})

        assert "unknown outcome" in str(stack.failed)


@pytest.mark.parametrize("name", names())
async def test_a_lost_create_leaves_alone_what_the_state_has(name: str) -> None:
    """Another machine renamed an adopted account to the e-mail of a create that this machine lost."""
    async with World(name) as world:
        stack = Stack(world)
        program = people(world, 2)
        ana, ben = {**program["u0"], "on_existing": "adopt"}, program["u1"]
        lost = {world.vendor.identity_field: ben[world.vendor.identity_field]}
        assert await Stack(world, name="another").up({"ana": ana})
        (account,) = world.accounts
        world.door.journal.forget_account(account)
        assert await stack.up({"ana": ana})
        there = world.run.journal
        here = world.run.journal = there.with_name("another_machine.db")
        await world.restart()
        world.fault("create", lost_before)
        assert not await stack.up({"ana": ana, "ben": ben})
        world.time_goes_by()
        world.run.journal = there
        await world.restart()
        assert await stack.up({"ana": {**ana, **lost}})
        world.run.journal = here
        await world.restart()

        assert not await stack.up({"ben": ben})

        assert "on_existing" in str(stack.failures["ben"])


async def test_an_unseen_account_is_found_once_its_email_is_back() -> None:
    """It could not be read back, and a person changed its e-mail for a while: the error says how it is found again."""
    async with World("scim") as world:
        stack, ana = teams.Stack(world), teams.a_member(world, "ana")
        world.hazard = lambda kind: answered(403, carried_out=False) if kind == "read" else None
        assert await stack.up({"ana": ana})
        world.hazard = lambda kind: None
        (account,) = world.accounts
        world.change_by_hand(account, {"userName": "anna@example.com"})
        world.time_goes_by()
        assert not await stack.up({"ana": {**ana, "title": "Lead"}})
        world.change_by_hand(account, {"userName": "ana@example.com"})
        del stack.state["ana"]

        assert await stack.up({"ana": ana})

        assert list(world.accounts) == [account]


@pytest.mark.parametrize("name", LOOKED_AT)
async def test_a_deactivation_that_hides_the_account_counts(name: str) -> None:
    """The vendor has answered it, and does not show the account from then on."""
    async with World(name) as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1))
        removals = world.limit_removals(1)
        world.fault("update", disappearing(world, *world.accounts))

        inactive = people(world, 1, **world.vendor.deactivation, **LOOKED_AT[name])
        assert await stack.up(inactive)

        assert removals.done == 1
        assert await stack.up(inactive), "the account is as declared, though the vendor does not show it"


@pytest.mark.parametrize("is_given_up", [True, False])
@pytest.mark.parametrize("is_in_team", [True, False])
@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize("name", LOOKED_AT)
async def test_an_account_that_is_gone_is_given_to_no_one(
    name: str, is_ours: bool, is_in_team: bool, is_given_up: bool
) -> None:
    """The next run makes another one, without a refresh."""
    async with World(name, unique_emails=False) as world:
        stack, email = teams.Stack(world), world.named("p0@example.com")
        owner = (f"{stack.owner('sales')}/members" if is_in_team else stack.owner("p0")) if is_ours else ""
        account, _ = await lifecycle.create(world.tenant, world.inputs(**email), owner)
        if not is_ours:
            world.door.journal.forget_account(account)
        await world.restart()
        policy = {} if is_ours else {"on_existing": "adopt"}
        person = {**teams.a_member(world, "p0"), **LOOKED_AT[name], world.name_field.name: "Zoe"}
        program = {"sales": teams.Roster([person], policy)} if is_in_team else {"p0": {**person, **policy}}
        if is_given_up:
            world.door.ownership.let_go(account, "p0@example.com")
        world.fault("update", disappearing(world, account))

        assert not await stack.up(program)
        assert "is in no resource's state" not in str(world.warnings)
        assert ("If it shows again" in str(world.warnings)) is (is_given_up and not is_ours)
        assert await stack.up(program)

        assert account not in world.accounts
        assert len(world.accounts) == 1


@pytest.mark.parametrize("name", ["enerflo", "tenovos"])
async def test_a_new_account_that_is_gone_is_not_said_to_be_there(name: str) -> None:
    async with World(name) as world:

        async def vanishes(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            for account in world.accounts:
                world.store.remove(name, account, reserve=False)
            return await answered(200, b"", carried_out=False)(request, inner)

        world.fault("update", vanishes)

        await lifecycle.create(world.tenant, world.inputs(**world.vendor.deactivation))

        (warning,) = [each for each in world.warnings if "it is gone. Run `pulumi refresh`" in each]
        assert warning.endswith("The account was made before")


async def test_an_answer_alone_does_not_show_that_an_account_is_gone() -> None:
    """Its first try was carried out, so the resource that adopts it has it from then on."""
    async with World("enerflo") as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        world.door.journal.forget_account(account)
        await world.restart()
        world.fault("update", lost_after, answered(404, b"{}", carried_out=False))

        news = world.inputs(on_existing="adopt", first_name="Zoe")
        with pytest.raises(NoSuchAccount) as caught:
            await lifecycle.create(world.tenant, news, "/project/stack//ana")

        assert world.accounts[account]["first_name"] == "Zoe"
        assert caught.value.taken == account


@pytest.mark.parametrize(
    ("name", "secret", "remedy"),
    [
        ("enerflo", "password", "it is set at the vendor"), ("tenovos", "password", "it is set at the vendor"),
        ("nexudus", "password", "declare another value, without `ignore_changes`"),
        ("nexudus", "password_salt", "declare another value, without `ignore_changes`"),
        ("scim", "password", "declare another value, without `ignore_changes`"),
    ],
)  # fmt: skip
async def test_a_secret_that_may_be_missing_comes_with_a_remedy(name: str, secret: str, remedy: str) -> None:
    """The state misses a write that the journal has, and the engine gives the fingerprint in the secret's place."""
    async with World(name) as world:
        own: dict[str, Any] = {"password": None, secret: "a first secret"}
        first = world.inputs(**own)
        account, outs = await lifecycle.create(world.tenant, first)
        changed = world.inputs(olds=first, **{**world.vendor.example_change, **own})
        await lifecycle.update(world.tenant, account, outs, changed)
        await world.restart()

        news = world.inputs(olds=first, **{**own, secret: first[secret]})
        await lifecycle.update(world.tenant, account, outs, news)

        assert f"whether the vendor has the declared {secret} is not known" in world.warnings[-1]
        assert f"If it is missing there, {remedy}" in world.warnings[-1]


@pytest.mark.parametrize("name", ["enerflo", "nexudus"])
async def test_an_account_in_doubt_counts_when_it_is_retired(name: str) -> None:
    run = RunSettings.load().model_copy(update={"max_removals": 0})
    async with World(name, run) as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        await lose_an_update(world, account, outs, world.inputs(olds=first, **world.vendor.example_change))

        with pytest.raises(TooManyRemovals):
            await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, active=False))

        assert not world.is_retired(world.accounts[account])


def limited(most: int) -> RunSettings:
    return RunSettings.load().model_copy(update={"max_removals": most})


@pytest.mark.parametrize("name", names())
async def test_an_adoption_that_deactivates_is_a_removal(name: str) -> None:
    async with World(name, limited(0)) as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        inactive = world.inputs(on_existing="adopt", **world.vendor.deactivation)

        with pytest.raises(TooManyRemovals):
            await lifecycle.create(world.tenant, inactive)
        assert not world.is_retired(world.accounts[account])

        world.door.removals.most = 1
        await lifecycle.create(world.tenant, inactive)
        assert world.is_retired(world.accounts[account])
        assert world.door.removals.done == 1


@pytest.mark.parametrize(("name", "given"), [("nexudus", {}), ("scim", {"update": "put"})])
async def test_a_deactivation_that_only_the_record_shows_counts(name: str, given: dict[str, Any]) -> None:
    """A person has made the account active again, and an update that merges takes that back."""
    async with World(name, given=given) as world:
        stack, inactive = Stack(world), world.vendor.deactivation
        assert await stack.up(people(world, 1, **inactive))
        (account,) = world.accounts
        world.change_by_hand(account, world.active)
        world.limit_removals(0)

        assert not await stack.up(people(world, 1, **inactive, **{world.name_field.name: "Zoe"}))
        assert isinstance(stack.failures["u0"], TooManyRemovals)
        assert not world.is_retired(world.accounts[account])

        removals = world.limit_removals(1)
        assert await stack.up(people(world, 1, **inactive, **{world.name_field.name: "Zoe"}))
        assert world.is_retired(world.accounts[account])
        assert removals.done == 1


@pytest.mark.parametrize("name", names())
async def test_resuming_an_account_as_inactive_is_a_removal(name: str) -> None:
    async with World(name, limited(0)) as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")

        with pytest.raises(TooManyRemovals):  # the engine did not hear of the create
            await lifecycle.create(world.tenant, world.inputs(**world.vendor.deactivation), "p/s/ana")

        assert not world.is_retired(world.accounts[account])


@pytest.mark.parametrize(
    ("name", "how"),
    [*((name, "deactivate") for name in names()), ("nexudus", "delete"), ("scim", "delete")],
)
async def test_an_account_that_is_gone_uses_up_no_removal(name: str, how: str) -> None:
    async with World(name, limited(1)) as world:
        made = []
        for each in "abcd":
            own: dict[str, Any] = {"username": each} if name == "tenovos" else {}
            own |= {world.vendor.identity_field: f"{each}@example.com"}
            news = world.inputs(**own)
            made.append(await lifecycle.create(world.tenant, news))
        for account, _ in (made[0], made[2]):
            world.store.remove(name, account, reserve=False)
        await world.restart()
        (first, third), (second, fourth) = made[::2], made[1::2]

        assert await lifecycle.delete(world.tenant, first[0], first[1] | {"on_destroy": how})
        assert await lifecycle.delete(world.tenant, second[0], second[1] | {"on_destroy": how})
        assert await lifecycle.delete(world.tenant, third[0], third[1] | {"on_destroy": how})
        with pytest.raises(TooManyRemovals, match="has deprovisioned 1 and stopped at 1 more"):
            await lifecycle.delete(world.tenant, fourth[0], fourth[1] | {"on_destroy": how})


@pytest.mark.parametrize("status", [302, 500])
@pytest.mark.parametrize("how", ["delete", "deactivate"])
async def test_a_removal_without_a_clear_answer_counts(how: str, status: int) -> None:
    async with World("nexudus", limited(1)) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())

        async def removes(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            world.store.remove("nexudus", account, reserve=False)
            return httpx.Response(status)

        world.hazard = lambda kind: removes if kind in ("delete", "update") else None

        assert await lifecycle.delete(world.tenant, account, outs | {"on_destroy": how})

        assert world.door.removals.done == 1


@pytest.mark.parametrize("name", names())
async def test_an_adoption_beyond_the_limit_moves_no_account(name: str) -> None:
    async with World(name, limited(0)) as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        world.door.journal.forget_account(account)

        inactive = world.inputs(on_existing="adopt", **world.vendor.deactivation)
        with pytest.raises(TooManyRemovals):
            await lifecycle.create(world.tenant, inactive, "p/s/ana")

        assert world.door.ownership.owner_of(account) is None
        assert not world.door.journal.is_renewed(account)


async def test_a_delete_that_cannot_be_confirmed_counts_and_says_so() -> None:
    async with World("nexudus", limited(1)) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.fault("delete", answered(200, carried_out=True))
        world.hazard = lambda kind: answered(500, carried_out=False) if kind == "read" else None

        with pytest.raises(VendorBroken, match="delete was answered and is not confirmed"):
            await lifecycle.delete(world.tenant, account, outs | {"on_destroy": "delete"})

        assert world.door.removals.done == 1
        assert world.door.journal.why_unconfirmed(account) is not None
        world.hazard = lambda kind: None
        assert await lifecycle.delete(world.tenant, account, outs | {"on_destroy": "delete"})


@pytest.mark.parametrize("name", names())
async def test_a_newer_versions_argument_stops_nothing(name: str) -> None:
    async with World(name) as world:
        news = world.inputs()
        account, outs = await lifecycle.create(world.tenant, news)
        newer = {**outs, "brand_new": "x", DECLARED: [*outs[DECLARED], "brand_new"], AS_DECLARED: {"brand_new": "y"}}

        assert await lifecycle.read(world.tenant, account, newer) is not None
        assert not world.diff(newer, news)
        assert not world.diff(newer, {**news, "brand_new": "x"}), "the inputs in the state, which a refresh shows"
        changed = world.inputs(olds=news, **world.vendor.example_change)
        after = await lifecycle.update(world.tenant, account, newer, changed)
        assert await lifecycle.delete(world.tenant, account, after)
        assert world.is_retired(world.accounts[account])


@pytest.mark.parametrize("wanted", [{"office_ids": [14, 12, 13]}, {"first_name": "Anna "}], ids=["sorts", "trims"])
async def test_an_update_that_the_vendor_sorts_or_trims_is_confirmed(wanted: dict[str, Any]) -> None:
    async with World("enerflo") as world:

        def shown(record: dict[str, Any]) -> dict[str, Any]:
            name, offices = str(record["first_name"]).strip(), sorted(record.get("office_ids") or [])
            return {**record, "first_name": name, "office_ids": offices}

        async def update(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            await inner.handle_async_request(request)
            record = world.accounts[str(json.loads(request.content)["id"])]
            return httpx.Response(200, json={"success": True, "user": shown(record)})

        async def read(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            body = json.loads(await answer.aread())
            return httpx.Response(200, json={**body, "data": shown(body["data"])})

        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        world.hazard = lambda kind: {"update": update, "read": read}.get(kind)

        await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, **wanted))

        assert wanted.items() <= world.accounts[account].items()
        assert world.door.journal.why_unconfirmed(account) is None


async def test_a_removal_ends_the_unknown_outcome_of_the_create() -> None:
    """A stranger who has the e-mail later is none of seatwise's."""
    async with World("nexudus") as world:
        requests: list[httpx.Request] = []

        async def later(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            requests.append(request)
            raise httpx.ReadTimeout("late")

        world.fault("create", later)
        news = world.inputs()
        with pytest.raises(UnknownOutcome):
            await lifecycle.create(world.tenant, news, "p/s/ana")
        await world.restart()
        await world.arrive(requests[0])
        (account,) = world.accounts
        imported = await lifecycle.read(world.tenant, account, {})
        assert imported is not None
        await lifecycle.delete(world.tenant, account, imported.outputs | {"on_destroy": "delete"}, "p/s/ana")
        await lifecycle.create(world.tenant, world.inputs(email="somebody@example.com"), "p/s/somebody")
        world.make_by_hand("999", Email=news["email"], FullName="Somebody Else")
        await world.restart()

        with pytest.raises(AccountExists):
            await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")

        assert world.accounts["999"]["FullName"] == "Somebody Else"


async def test_a_clock_that_was_set_back_makes_nobody_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("enerflo") as world:
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600)
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        monkeypatch.setattr(time, "time", real)
        await world.restart()
        world.store.remove("enerflo", account, reserve=False)
        before = anyio.current_time()

        assert await lifecycle.read(world.tenant, account, outs) is None

        assert anyio.current_time() - before < 40


async def test_an_answer_that_shows_the_old_account_leads_to_a_read() -> None:
    async with World("enerflo") as world:

        async def update(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            before = world.accounts[str(json.loads(request.content)["id"])]
            await inner.handle_async_request(request)
            return httpx.Response(200, json={"success": True, "user": before})

        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        world.hazard = lambda kind: update if kind == "update" else None
        news = world.inputs(olds=first, first_name="Anna")

        outs = await lifecycle.update(world.tenant, account, outs, news)

        assert outs["first_name"] == "Anna"
        assert not world.diff(outs, news)


async def test_a_confirmed_update_succeeds_though_the_next_read_fails() -> None:
    async with World("enerflo") as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first)
        shown = json.dumps({"success": True, "user": {**world.accounts[account], "first_name": "Ann"}}).encode()
        world.fault("update", answered(200, shown, carried_out=True, content_type="application/json"))
        world.fault("read", answered(403, carried_out=False))

        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, first_name="Anna"))

        assert outs["first_name"] == "Ann", "as the vendor said; the next run compares again"


async def test_where_deactivating_deletes_no_account_is_deactivated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an old state or another program says: only `on_destroy="delete"` may end an account."""
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        monkeypatch.setattr(type(world.door.vendor), "deactivating_deletes", True)
        with pytest.raises(InvalidAccount, match="would delete it for good"):
            await lifecycle.delete(world.tenant, account, outs)
        with pytest.raises(InvalidAccount, match="would delete it for good"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, active=False))
        assert world.accounts[account]["Active"]
        await lifecycle.delete(world.tenant, account, {**outs, "on_destroy": "delete"})
        assert world.accounts == {}
