"""Several runners on one stack, each with a journal of its own or with none. Every vendor, in virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from model import Stack
from seatwise.core.vendor.errors import AccountExists
from virtual import World, killed_after

pytestmark = pytest.mark.anyio
GoTo = Callable[[str], Awaitable[None]]


@pytest.fixture
async def go_to(world: World, tmp_path: Path) -> GoTo:
    """Moves the next runs to another runner, by its name."""

    async def moved(runner: str) -> None:
        world.run = world.run.model_copy(update={"journal": tmp_path / f"{runner}.db"})
        await world.restart()

    return moved


async def test_a_person_whom_another_runner_retired_comes_back(world: World, go_to: GoTo) -> None:
    stack = Stack(world)
    await go_to("first")
    await stack.up({"ana": world.vendor.example})
    before = list(world.accounts)
    await go_to("second")
    await stack.up({})
    await go_to("first")

    assert await stack.up({"ana": world.vendor.example})

    assert list(world.accounts) == before == [stack.state["ana"].id]
    assert not world.is_retired(world.accounts[before[0]]), "declared, and not locked out"


async def test_what_the_other_runner_did_is_no_news(world: World, go_to: GoTo) -> None:
    """The journals count writes, and the state that they share says how far."""
    stack, changed = Stack(world), {**world.vendor.example, **world.vendor.example_change}
    await go_to("first")
    await stack.up({"ana": world.vendor.example})
    await go_to("second")
    await stack.up({"ana": changed})
    await stack.up({"ana": world.vendor.example})
    await go_to("first")
    sent = len(world.trail)
    assert await stack.up({"ana": world.vendor.example})
    assert len(world.trail) == sent

    await stack.up({"ana": changed})
    await go_to("second")
    sent = len(world.trail)
    assert await stack.up({"ana": changed})
    assert len(world.trail) == sent


async def test_an_unconfirmed_write_of_a_killed_runner_does_no_harm(world: World, go_to: GoTo) -> None:
    stack, changed = Stack(world, checkpoints=False), {**world.vendor.example, **world.vendor.example_change}
    await go_to("first")
    await stack.up({"ana": world.vendor.example})
    world.fault("update", killed_after)
    assert not await stack.up({"ana": changed})
    await go_to("second")
    assert await stack.up({"ana": changed})
    assert await stack.up({"ana": world.vendor.example})
    await go_to("first")

    assert await stack.up({"ana": world.vendor.example}), "it may look once"

    assert not world.diff(stack.state["ana"].outs, world.inputs(stack.state["ana"].inputs))
    sent = len(world.trail)
    assert await stack.up({"ana": world.vendor.example})
    assert len(world.trail) == sent


async def test_without_a_journal_a_person_who_left_is_adopted(world: World, go_to: GoTo) -> None:
    stack = Stack(world)
    await stack.up({"ana": world.vendor.example})
    await stack.up({})
    await go_to("new")

    assert not await stack.up({"ana": world.vendor.example})
    assert isinstance(stack.failures["ana"], AccountExists)
    again = {**world.vendor.example, **world.vendor.reactivation, "on_existing": "adopt"}
    assert await stack.up({"ana": again})

    (record,) = world.accounts.values()
    assert not world.is_retired(record)


async def test_an_update_that_was_killed_is_done_again_by_a_new_runner(world: World, go_to: GoTo) -> None:
    stack = Stack(world)
    await stack.up({"ana": world.vendor.example})
    changed = {**world.vendor.example, **world.vendor.example_change}
    world.fault("update", killed_after)
    assert not await stack.up({"ana": changed})
    await go_to("new")

    assert await stack.up({"ana": changed})

    sent = len(world.trail)
    assert await stack.up({"ana": changed})
    assert len(world.trail) == sent


async def test_a_new_runner_reverts_a_killed_update_after_a_refresh(world: World, go_to: GoTo) -> None:
    stack = Stack(world)
    await stack.up({"ana": world.vendor.example})
    (before,) = world.accounts.values()
    field, value = next(iter(world.vendor.example_change.items()))
    world.fault("update", killed_after)
    assert not await stack.up({"ana": {**world.vendor.example, field: value}})
    await go_to("new")

    assert await stack.refresh()
    assert await stack.up({"ana": world.vendor.example})

    (after,) = world.accounts.values()
    untold = {"UpdatedOn": None, "meta": None}
    assert after | untold == before | untold


async def test_a_new_runner_activates_the_account_of_a_killed_removal(world: World, go_to: GoTo) -> None:
    stack = Stack(world)
    await stack.up({"ana": world.vendor.example})
    world.fault("update", killed_after)
    assert not await stack.up({})
    await go_to("new")

    assert await stack.refresh()
    assert world.vendor.deactivation.items() <= stack.state["ana"].outs.items()
    assert await stack.up({"ana": {**world.vendor.example, **world.vendor.reactivation}})

    (record,) = world.accounts.values()
    assert not world.is_retired(record)
