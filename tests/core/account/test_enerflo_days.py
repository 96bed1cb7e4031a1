"""What is particular to Enerflo in the life of an account: roles read as slugs, hidden users, fields left out."""

import json
from typing import Any

import httpx
import pytest

from operations import lifecycle, roster
from seatwise.core.account.ports import Held, Unconfirmed
from seatwise.core.account.properties import revision_of
from seatwise.core.vendor.errors import AccountExists, Unreachable, VendorBroken
from virtual import Fault, World, answered, lost_after, passes

pytestmark = pytest.mark.anyio
UNCHANGED: dict[str, tuple[list[str], list[str]]] = {
    "Names whose slugs are known": (["Setter"], ["Regional Manager"]),
    "a Name whose slug is unlike it": (["Regional Manager"], ["Setter"]),
    "one more": (["Setter"], ["Setter", "Regional Manager"]),
    "one less": (["Setter", "Regional Manager"], ["Setter"]),
}


def ignoring(*names: str) -> Fault:
    """The vendor says that all is well, and leaves these fields as they were."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        body = {name: value for name, value in json.loads(request.content).items() if name not in names}
        headers = {"api-key": request.headers["api-key"]}
        return await inner.handle_async_request(httpx.Request(request.method, request.url, headers=headers, json=body))

    return fault


@pytest.mark.parametrize(("before", "after"), UNCHANGED.values(), ids=UNCHANGED.keys())
async def test_roles_that_stay_as_they_were_are_no_success(before: list[str], after: list[str]) -> None:
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=before))
        wanted = world.inputs(outs, roles=after)
        for _ in range(2):
            world.fault("update", ignoring("roles"))
            with pytest.raises(VendorBroken, match="update was answered and not done: roles"):
                await lifecycle.update(world.tenant, account, outs, wanted)
        outs = await lifecycle.update(world.tenant, account, outs, wanted)
        assert outs["roles"] == world.accounts[account]["roles"] == after
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert found.outputs["roles"] == after


async def test_reverting_roles_after_a_lost_answer_succeeds() -> None:
    """The slugs are those of the state, and so are the Names."""
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["Regional Manager"]))
        world.fault("update", *[lost_after] * 4)
        with pytest.raises(Unreachable):
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["Setter"]))
        after = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["Regional Manager"]))
        assert after["roles"] == world.accounts[account]["roles"] == ["Regional Manager"]


async def test_roles_are_taken_back_after_an_update_not_read_back() -> None:
    """The state must not have the slugs of before beside the Names that were written."""
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["Regional Manager"]))
        world.fault("read", *[answered(500, carried_out=False)] * 4)
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["Setter", "Sales Rep"]))
        assert outs["roles"] == ["Setter", "Sales Rep"]
        assert "role_slugs" not in outs
        after = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["Regional Manager"]))
        assert after["roles"] == world.accounts[account]["roles"] == ["Regional Manager"]
        assert after["role_slugs"] == ["regional"]


async def test_a_replaced_account_not_read_back_stays_unconfirmed() -> None:
    """Its new Names have slugs that nobody has seen: the next run reads them."""
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["Setter"]), "p/s/ana")
        await world.restart()
        world.engine_state.held["p/s/ana"] = Held(account, outs)
        world.door.ownership.record_in_state("p/s/ana", "p/s/ana")
        world.fault("read", passes, *[answered(500, carried_out=False)] * 4)
        again, after = await lifecycle.create(world.tenant, world.inputs(roles=["Regional Manager"]), "p/s/ana")
        assert (again, after["roles"]) == (account, ["Regional Manager"])
        assert "role_slugs" not in after
        await world.restart()
        assert world.door.journal.why_unconfirmed(account, revision_of(after)) is Unconfirmed.CHANGED
        after = await lifecycle.update(world.tenant, account, after, world.inputs(after, roles=["Regional Manager"]))
        assert after["role_slugs"] == ["regional"]


async def test_roles_that_a_refresh_found_are_no_names() -> None:
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["Setter"]))
        world.change_by_hand(account, {"roles": ["Regional Manager"]})
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        wanted = world.inputs(found.outputs, roles=["Regional Manager"])
        after = await lifecycle.update(world.tenant, account, found.outputs, wanted)
        assert after["roles"] == ["Regional Manager"]


async def test_roles_changed_by_hand_are_seen_by_another_update() -> None:
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["Regional Manager"]))
        world.change_by_hand(account, {"roles": ["Sales Rep"]})
        wanted = world.inputs(outs, roles=["Regional Manager"], first_name="Anna")
        world.fault("update", answered(200, b"<p>Maintenance</p>", carried_out=True))  # so that it is read back
        outs = await lifecycle.update(world.tenant, account, outs, wanted)
        assert outs["roles"] == ["agent"]
        assert world.diff(outs, wanted)
        await lifecycle.update(world.tenant, account, outs, wanted)
        assert world.accounts[account]["roles"] == ["Regional Manager"]


async def test_an_account_that_is_made_with_fewer_roles_shows_them() -> None:
    async with World("enerflo") as world:
        news = world.inputs(roles=["Setter", "Regional Manager"])
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        outs = world.door.vendor.reconcile_outputs({"role_slugs": ["setter"], "roles": ["setter"]}, news, {})
        assert outs["roles"] == ["setter"]
        assert account


async def test_names_that_an_import_guessed_can_be_corrected() -> None:
    """The slug of the right one is the same."""
    async with World("enerflo") as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs(roles=["Regional Manager"]))
        outs = (await lifecycle.create(world.tenant, world.inputs(email="bo@example.com")))[1]
        outs |= {"email": "ana@example.com", "roles": ["Regional"], "role_slugs": ["regional"], "adopted": True}
        after = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["Regional Manager"]))
        assert after["roles"] == ["Regional Manager"]


@pytest.mark.parametrize("on_existing", ["fail", "adopt"])
async def test_a_create_finds_a_hidden_account_listed_on_demand(on_existing: str) -> None:
    async with World("enerflo", enerflo_inactive="listed on demand") as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        world.change_by_hand(account, {"active": False})
        world.door.journal.forget("ana@example.com")
        news = world.inputs(on_existing=on_existing, active=True)
        if on_existing == "fail":
            with pytest.raises(AccountExists, match=f"is there already, with the id {account}"):
                await lifecycle.create(world.tenant, news, "p/s/ana")
            return
        taken, outs = await lifecycle.create(world.tenant, news, "p/s/ana")
        assert (taken, outs["adopted"]) == (account, True)
        assert world.accounts[account]["active"]


@pytest.mark.parametrize("shown", ["hidden", "listed"])
async def test_where_it_cannot_the_error_says_how_to_take_it_over(shown: str) -> None:
    """A list that shows active accounts as well has not understood what it was asked for."""
    async with World("enerflo", enerflo_inactive=shown) as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        world.store.remove("enerflo", account, reserve=True)
        await lifecycle.create(world.tenant, world.inputs(email="bo@example.com"))
        world.door.journal.forget("ana@example.com")
        with pytest.raises(AccountExists, match="`seatwise import enerflo --id ID`"):
            await lifecycle.create(world.tenant, world.inputs(on_existing="adopt"), "p/s/ana")


async def test_the_email_of_an_account_deleted_by_hand_may_be_kept() -> None:
    """Enerflo reserves it: this stack's own next create is refused, with what to do."""
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")
        world.store.remove("enerflo", account, reserve=True)
        await world.restart()
        assert await lifecycle.read(world.tenant, account, outs) is None
        await world.restart()
        with pytest.raises(AccountExists) as caught:
            await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")
        assert "the e-mail is taken, by an account that Enerflo does not show" in str(caught.value)
        assert "choose another e-mail, or ask the vendor to free this one" in str(caught.value)


async def test_a_refresh_shows_an_emptied_field_that_the_list_omits() -> None:
    async with World("enerflo", enerflo_nulls="no") as world:
        emails = [f"p{number}@example.com" for number in range(5)]
        members: dict[str, Any] = {each: world.inputs(email=each, external_user_id="x") for each in emails}
        outs = await roster.create(world.door, "team", {"members": members}, "p/s/team")
        await world.restart()
        world.change_by_hand(outs["ids"][emails[3]], {"phone": None})
        world.trail.clear()

        _, inputs = await roster.read(world.door, "team", outs)

        assert [key for key, each in inputs["members"].items() if "phone" not in each] == [emails[3]]
        assert len(world.trail) == 3, "the first, the list, and the one that lacks something"
