"""Who an e-mail belongs to: ASCII letters have no case, and nothing else makes two mailboxes one."""

from typing import Any

import pytest

from operations import lifecycle
from seatwise.sandbox import server
from virtual import World

pytestmark = pytest.mark.anyio
PAIRS = [
    pytest.param("stra\u00dfe@example.com", "strasse@example.com", id="sharp s"),
    pytest.param("\u017fue@example.com", "sue@example.com", id="long s"),
    pytest.param("\u212aim@example.com", "kim@example.com", id="Kelvin sign"),
    pytest.param("\u0130n\u00e9s@example.com", "\u0130N\u00c9S@example.com", id="accents"),
]


@pytest.mark.parametrize(("there", "declared"), PAIRS)
async def test_another_mailboxs_account_is_not_adopted(there: str, declared: str, world: World) -> None:
    made, _ = await lifecycle.create(world.tenant, world.inputs(email="pattern@example.com"), "p/s/pattern")
    world.make_by_hand("5550", **{_email_key(world): there})

    account, outs = await lifecycle.create(
        world.tenant, world.inputs(email=declared, on_existing="adopt", **_other_login(world)), "p/s/ana"
    )

    assert account not in (made, "5550")
    assert (outs["adopted"], world.accounts["5550"]) == (False, world.by_hand["5550"])


@pytest.mark.parametrize(("declared", "corrected"), [each for each in PAIRS if each.id != "Kelvin sign"])
async def test_a_correction_outside_ascii_is_sent(declared: str, corrected: str, world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs(email=declared), "p/s/ana")
    news = world.inputs(outs, email=corrected)
    assert world.diff(outs, news)
    await lifecycle.update(world.tenant, account, outs, news)
    assert world.email(world.accounts[account]) == corrected.replace("S", "s").replace("N", "n")


async def test_the_case_of_ascii_letters_is_no_difference(world: World) -> None:
    _, outs = await lifecycle.create(world.tenant, world.inputs(email="ana@example.com"), "p/s/ana")
    assert not world.diff(outs, world.inputs(outs, email="ANA@Example.COM"))


def _email_key(world: World) -> str:
    return server.STAND_INS[world.name].EMAIL


def _other_login(world: World) -> dict[str, Any]:
    return {"username": "another"} if "username" in world.vendor.schema else {}
