"""Values from vendors that no field takes: one stops neither the program, nor another account, nor a removal."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from operations import lifecycle, roster
from seatwise.core.queries import takeover
from seatwise.core.vendor.boundary import SIGNATURE, UNKNOWN
from seatwise.core.vendor.errors import AccountError
from seatwise.core.vendor.http import Effect, Request
from seatwise.dynamic import import_file
from virtual import World, answered

pytestmark = pytest.mark.anyio
UNDECLARED = {"enerflo": "timezone", "nexudus": "avatar_file_name", "tenovos": "status"}
"""A field that the example does not declare and that every record shows; of other vendors, the first read-only one."""
ODD: dict[str, Any] = {
    "a lone surrogate": "Ana \ud83d",
    "no number": float("nan"),
    "a number without end": float("inf"),
    "an object": {"a": 1},
    "a secret of the engine's": {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"},
    "one deep inside": [[{"a": {SIGNATURE: "x"}}]],
    "the engine's unknown": sorted(UNKNOWN)[0],
    "a deep list": json.loads("[" * 60 + "]" * 60),
    "a long text": "x" * 70_000,
}
SENDABLE = {name: value for name, value in ODD.items() if "number" not in name}
each_odd = pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())


def undeclared(world: World) -> str:
    """Return the name of a field of the world's vendor that no program declares."""
    read_only = (name for name, field in world.vendor.schema.items() if field.is_readable and not field.takes)
    return UNDECLARED.get(world.name) or next(read_only)


def change_undeclared(world: World, account: str, value: Any) -> None:
    """Change that field by hand."""
    world.change_by_hand(account, {str(world.vendor.schema[undeclared(world)].wire.read): value})


def keepable(outs: Any) -> bytes:
    """What the engine makes of outputs: raises where it cannot."""
    text = json.dumps(outs, ensure_ascii=False, allow_nan=False)
    assert f'"{SIGNATURE}"' not in text
    assert not [each for each in UNKNOWN if f'"{each}"' in text]
    return text.encode()


@each_odd
async def test_a_refresh_keeps_what_the_engine_can(world: World, odd: Any) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    change_undeclared(world, account, odd)

    found = await lifecycle.read(world.tenant, account, outs)
    again = await lifecycle.read(world.tenant, account, outs)

    assert found is not None
    assert found == again
    keepable(found.outputs)
    assert len(world.warnings) == 1
    about = f"{world.vendor.title} ana@example.com ({account}): {undeclared(world)}: the vendor's value "
    assert world.warnings[0].startswith(about)


@each_odd
async def test_an_odd_value_of_one_member_stops_no_team(world: World, odd: Any) -> None:
    own = "username" if world.name == "tenovos" else "email"
    members = {
        f"{name}@example.com": world.inputs(None, **{own: name, "email": f"{name}@example.com"})
        for name in ("ana", "bo")
    }
    outs = await roster.create(world.door, "team", {"members": members}, "p/s/team")
    await world.restart()
    ana = outs["ids"]["ana@example.com"]
    change_undeclared(world, ana, odd)

    outs, _ = await roster.read(world.door, "team", outs)
    keepable(outs)
    left = {"members": {"bo@example.com": members["bo@example.com"]}}
    outs = await roster.update(world.door, "team", outs, left, "p/s/team")

    keepable(outs)
    assert outs["failed"] == {}
    assert [account for account, record in world.accounts.items() if world.is_retired(record)] == [ana]


@pytest.mark.parametrize("odd", SENDABLE.values(), ids=SENDABLE.keys())
async def test_an_update_that_sends_all_back_changes_nothing_else(odd: Any) -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.change_by_hand(account, {"AvatarFileName": odd})
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, full_name="Anna"))
        (sent,) = [each for each in world.trail if each.kind == "update"]

    assert sent.body["FullName"] == "Anna"
    assert sent.body["AvatarFileName"] == odd


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
async def test_a_number_that_cannot_be_sent_back_is_told(odd: float) -> None:
    async with World("nexudus") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.change_by_hand(account, {"AvatarFileName": odd})
        await lifecycle.delete(world.tenant, account, outs)
        (sent,) = [each for each in world.trail if each.kind == "update"]

        assert world.is_retired(world.accounts[account])
        assert sent.body["AvatarFileName"] is None
    assert world.warnings[-1] == (
        f"Nexudus ana@example.com ({account}): AvatarFileName: not a number that can be sent back; null is sent instead"
    )


@each_odd
async def test_an_import_writes_what_python_and_the_engine_can_read(world: World, odd: Any) -> None:
    account, _ = await lifecycle.create(world.tenant, world.inputs())
    change_undeclared(world, account, odd)
    answer = await world.tenant.send(world.door.vendor.request_read(account))
    record = world.door.vendor.parse_record(answer)
    assert record is not None

    resources, program, _ = import_file(world.door.vendor, [record], lambda account: 0)

    keepable(resources)
    compile(program.encode(), "accounts.py", "exec")
    assert takeover.arguments(world.door.vendor, record)["email"] == "ana@example.com"


async def test_a_request_that_cannot_be_built_is_certainly_not_sent(world: World) -> None:
    for body in ({"name": float("nan")}, {"name": {1, 2}}):
        with pytest.raises(AccountError, match="the request cannot be built") as caught:
            await world.tenant.send(Request("POST", "/users", Effect.CREATE, json=body))
        assert not caught.value.maybe_sent
    assert "POST" not in world.calls


async def test_bodies_are_ascii(world: World) -> None:
    news = world.inputs(None, **{world.vendor.name_fields[0]: "Zoë 😀"})
    await lifecycle.create(world.tenant, news)
    sent = next(each for each in world.trail if each.kind == "create")
    assert "Zoë 😀" in json.dumps(sent.body, ensure_ascii=False)


async def test_an_odd_id_or_e_mail_is_none(world: World) -> None:
    """The account that was made is found by its e-mail then."""
    body = json.dumps({"id": {"a": 1}, "Id": [1], "userId": True, "user": {"id": 1.5}}).encode()
    world.fault("create", answered(200, body, carried_out=True, content_type="application/json"))
    account, _ = await lifecycle.create(world.tenant, world.inputs())
    assert list(world.accounts) == [account]


@pytest.mark.parametrize("escape", [str, json.dumps, repr, quote], ids=["plain", "JSON", "repr", "URL"])
async def test_the_error_of_a_look_up_hides_another_requests_password(world: World, escape: Any) -> None:
    password = """pass \\"w'ord\t1"""
    world.vault.seal(password)
    body = json.dumps({"message": f"cannot process {escape(password)} at \x1b[31m this time"}).encode()
    world.fault("list", *[answered(500, body, carried_out=False, content_type="application/json")] * 4)

    with pytest.raises(AccountError) as caught:
        await lifecycle.create(world.tenant, world.inputs())

    assert "[secret]" in str(caught.value)
    assert "ord" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
