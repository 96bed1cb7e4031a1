"""Updates that the answer, or a read after it, shows as not made: in part, for a moment, or for good."""

import json
from typing import Any

import httpx
import pytest

from model import Stack, people
from operations import lifecycle
from seatwise.core.account.ports import Entry, EntryKind
from seatwise.core.vendor.errors import AccountError
from seatwise.vendors import names
from virtual import World, answered

pytestmark = pytest.mark.anyio
SHOWING = {"enerflo": lambda record: {"user": record, "success": True}, "scim": dict, "tenovos": dict}
"""The body with which a vendor answers an update, for each whose answer shows the record."""


@pytest.mark.parametrize("name", SHOWING)
async def test_a_denied_deactivation_is_not_done_if_a_look_misses(name: str) -> None:
    """The answer says that the person is active, and the next read and list do not show the account."""
    async with World(name) as world:
        stack = Stack(world)
        assert await stack.up(people(world, 2))
        world.time_goes_by()
        account = stack.state["u0"].id
        record = world.accounts[account]
        world.fault("update", answered(200, json.dumps(SHOWING[name](record)).encode(), carried_out=False))

        async def misses(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            world.store.remove(name, account, reserve=False)
            try:
                return await inner.handle_async_request(request)
            finally:
                world.store.add(name, account, world.email(record), record)

        looks = iter([misses, misses])
        is_sent = len(world.trail)
        world.hazard = lambda kind: (
            next(looks, None)
            if kind in ("read", "list") and any(sent.kind == "update" for sent in world.trail[is_sent:])
            else None
        )
        program = {**people(world, 2), **people(world, 1, **world.vendor.deactivation)}

        assert not await stack.up(program)

        assert "not done" in str(stack.failures["u0"])
        assert await stack.up(program)
        assert world.is_retired(world.accounts[account])


def only_named(world: World, account: str) -> Any:
    """Answer an update with nothing, and change only the name to "Zoe"."""
    name = {"name": {"givenName": "Zoe", "familyName": "B"}, "displayName": "Zoe"} if world.name == "scim" else {}

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        world.change_by_hand(account, name or {str(world.name_field.wire.read): "Zoe"})
        return httpx.Response(200)

    return fault


@pytest.mark.parametrize("name", names())
async def test_a_denied_rename_keeps_the_create_of_the_email(name: str) -> None:
    """The rest of the update is done, so that it counts as perhaps done."""
    async with World(name, unique_emails=False) as world:
        first = world.inputs()
        account, outs = await lifecycle.create(world.tenant, first, "project/stack/ana")
        world.door.journal.note("new@example.com", Entry(EntryKind.PENDING, owner="project/stack/ben"))
        world.fault("update", only_named(world, account))
        renamed = {world.vendor.identity_field: "new@example.com", world.name_field.name: "Zoe"}

        with pytest.raises(AccountError, match="not done"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(olds=first, **renamed))

        left = world.door.journal.last("new@example.com")
        assert left is not None
        assert left.kind is EntryKind.PENDING
        own = world.door.journal.last_of(account)
        assert own is not None
        assert own.kind is EntryKind.CREATED


@pytest.mark.parametrize("name", [name for name in names() if name != "scim"])
async def test_a_denied_deactivation_does_not_count(name: str) -> None:
    """The rest of the update is done."""
    async with World(name) as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1))
        removals = world.limit_removals(1)
        (account,) = world.accounts
        world.fault("update", only_named(world, account))

        assert not await stack.up(people(world, 1, **world.vendor.deactivation, **{world.name_field.name: "Zoe"}))

        assert not world.is_retired(world.accounts[account])
        assert removals.done == 0


async def test_a_deactivation_counts_if_its_first_try_may_arrive() -> None:
    """The first try has no answer, the second one's is followed by a read of an active account."""
    async with World("enerflo") as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1))
        world.time_goes_by()
        removals, late = world.limit_removals(1), list[httpx.Request]()

        async def arrives_late(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            late.append(request)
            raise httpx.ReadTimeout("time-out")

        world.fault("update", arrives_late, answered(200, b"", carried_out=False))

        assert not await stack.up({})

        await world.arrive(late[0])
        assert all(world.is_retired(record) for record in world.accounts.values())
        assert removals.done == 1


@pytest.mark.parametrize("name", names())
async def test_a_stale_read_lets_no_run_pass_its_limit(name: str) -> None:
    """Each deactivation is carried out and answered with nothing, and the first read after it shows the old record."""
    async with World(name) as world:
        stack = Stack(world)
        assert await stack.up(people(world, 3))
        world.time_goes_by()
        removals = world.limit_removals(1)
        stale: dict[str, dict[str, Any]] = {}

        async def silent(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            before = world.accounts
            await inner.handle_async_request(request)
            stale.update({key: before[key] for key, now in world.accounts.items() if before[key] != now})
            return httpx.Response(200)

        async def lags(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            now = world.accounts
            mine = {key: stale.pop(key) for key in [*stale] if key in str(request.url)}
            for key, old in mine.items():
                world.store.replace(name, key, world.email(old), old)
            try:
                return await inner.handle_async_request(request)
            finally:
                for key in mine:
                    world.store.replace(name, key, world.email(now[key]), now[key])

        world.hazard = lambda kind: {"update": silent, "read": lags}.get(kind)

        assert not await stack.up(people(world, 3, **world.vendor.deactivation))

        assert sum(world.is_retired(record) for record in world.accounts.values()) == 1
        assert removals.done == 1


async def test_roles_of_an_account_that_is_hidden_are_read_later() -> None:
    """Enerflo takes the deactivation and not the roles, and does not show the account any more."""
    async with World("enerflo") as world:
        stack = Stack(world)
        assert await stack.up(people(world, 1, roles=["Sales Rep"]))
        world.time_goes_by()
        (account,) = world.accounts
        before, after = world.accounts[account], dict[str, Any]()

        async def hides(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            after.update(world.accounts[account])
            world.store.remove("enerflo", account, reserve=False)
            return answer

        world.fault("update", hides)
        assert await stack.up(people(world, 1, **world.vendor.deactivation, roles=["Regional Manager"]))
        world.store.add("enerflo", account, world.email(before), {**after, "roles": before["roles"]})
        assert await stack.refresh()

        assert await stack.up(people(world, 1, active=True, roles=["Regional Manager"]))

        assert world.accounts[account]["roles"] == after["roles"]
