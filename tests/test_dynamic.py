"""What is written on other people's disks, and how programs meet the door."""

import asyncio
import base64
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from seatwise import enerflo
from seatwise.dynamic import Door, load, vendor_named
from seatwise.vendors import names

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


@pytest.mark.parametrize("key", GOLDEN["providers"])
@pytest.mark.parametrize("protocol", [4, 5])
def test_every_state_ever_written_still_loads(key: str, protocol: int) -> None:
    written = base64.b64decode(GOLDEN["providers"][key])
    door = pickle.loads(written)

    assert isinstance(door, Door)
    assert door.key == key
    assert pickle.loads(pickle.dumps(door, protocol)).key == key


@pytest.mark.parametrize("key", GOLDEN["providers"])
def test_the_state_holds_a_name_and_nothing_else(key: str) -> None:
    assert base64.b64encode(pickle.dumps(load(key), 4)).decode() == GOLDEN["providers"][key]
    assert load(key).serialize_as_secret_always is False


@pytest.mark.parametrize("vendor", names())
def test_property_names_never_change(vendor: str) -> None:
    """New ones may come; one that goes or is renamed breaks states and programs."""
    assert set(GOLDEN["properties"][vendor]) <= {"adopted", *vendor_named(vendor).schema}


class _Engine(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.resources: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(args)
        return args.name, args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


@pytest.fixture
def _event_loop() -> Iterator[None]:
    """The SDK's test decorator wants one in this thread; tests before may have closed theirs."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.usefixtures("_event_loop")
def test_a_program_declares_1300_accounts() -> None:
    engine = _Engine()
    pulumi.runtime.set_mocks(engine)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> Any:
        users = [
            enerflo.User(f"user-{number}", email=f"user-{number}@example.com", roles=["Setter"], password="secret")
            for number in range(1300)
        ]
        return pulumi.Output.all(*(user.email for user in users)).apply(lambda emails: emails[-1])

    program()

    assert len(engine.resources) == 1300
    assert {each.typ for each in engine.resources} == {GOLDEN["types"]["enerflo"]}
    assert {each.inputs["__provider"] for each in engine.resources} == {GOLDEN["providers"]["enerflo:User"]}
    first = engine.resources[0].inputs
    assert first["password"] != "secret", "a secret input is marked as one"
