"""What is written on other people's disks, and how programs meet the door."""

import base64
import gc
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from seatwise.core.membership import resource as membership
from seatwise.dynamic import DynamicProvider, base, load
from seatwise.dynamic.host import widen
from seatwise.vendors import vendor_named

GOLDEN = json.loads((Path(__file__).parents[1] / "golden.json").read_text())


@pytest.mark.parametrize("key", GOLDEN["providers"])
@pytest.mark.parametrize("protocol", [4, 5])
def test_every_state_ever_written_still_loads(key: str, protocol: int) -> None:
    written = base64.b64decode(GOLDEN["providers"][key])
    door = pickle.loads(written)

    assert isinstance(door, DynamicProvider)
    assert door.key == key
    assert pickle.loads(pickle.dumps(door, protocol)).key == key


@pytest.mark.parametrize("key", GOLDEN["providers"])
def test_the_state_holds_a_name_and_nothing_else(key: str) -> None:
    assert base64.b64encode(pickle.dumps(load(key), 4)).decode() == GOLDEN["providers"][key]
    assert load(key).serialize_as_secret_always is False


@pytest.mark.parametrize("vendor", GOLDEN["properties"])
def test_property_names_never_change(vendor: str) -> None:
    """A new one is added here; one that goes or is renamed breaks states and programs."""
    assert GOLDEN["properties"][vendor] == sorted({"adopted", *vendor_named(vendor).schema})


def test_property_names_of_a_membership_never_change() -> None:
    assert GOLDEN["memberships"] == sorted((*membership.ARGUMENTS, membership.SHOWN_IN))


@pytest.mark.parametrize("key", GOLDEN["providers"])
def test_every_kind_of_resource_that_ever_was_has_its_type(key: str) -> None:
    types = set(GOLDEN["types"].values())
    assert f"pulumi-python:dynamic/seatwise/{key}" in types
    assert len(types) == len(GOLDEN["providers"])


PROGRAM = """
import json, pulumi
from seatwise import enerflo

class Engine(pulumi.runtime.Mocks):
    resources = []
    def new_resource(self, args):
        self.resources.append(args)
        return args.name, args.inputs
    def call(self, args):
        return {}, None

pulumi.runtime.set_mocks(Engine())

@pulumi.runtime.test
def program():
    users = [
        enerflo.User(f"user-{n}", email=f"user-{n}@example.com", roles=["Setter"], password="secret")
        for n in range(1300)
    ]
    return pulumi.Output.all(*(user.email for user in users)).apply(lambda emails: emails[-1])

program()
print(json.dumps([[each.typ, each.inputs] for each in Engine.resources]))
"""


def test_a_program_declares_1300_accounts() -> None:
    """The SDK's own pickling dies of recursion at about 980 resources; seatwise's does not."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    resources = json.loads(ran.stdout)

    assert len(resources) == 1300
    assert {type_ for type_, _ in resources} == {GOLDEN["types"]["enerflo"]}
    assert {inputs["__provider"] for _, inputs in resources} == {GOLDEN["providers"]["enerflo:User"]}
    assert resources[0][1]["password"] != "secret", "a secret input is marked as one"


# --- many changes -----------------------------------------------------------------------------

FILE = {"PULUMI_BACKEND_URL": "file:///state?metadata=skip"}


@pytest.mark.parametrize(
    ("environment", "is_said"),
    [
        pytest.param(FILE, True, id="file"),
        pytest.param({"PULUMI_BACKEND_URL": "s3://bucket?region=eu-west-1"}, True, id="s3"),
        pytest.param({"PULUMI_BACKEND_URL": "https://api.pulumi.com"}, False, id="pulumi cloud"),
        pytest.param({}, False, id="not known"),
        pytest.param(FILE | {"PULUMI_SKIP_CHECKPOINTS": "true"}, False, id="without checkpoints"),
        pytest.param(FILE | {"PULUMI_SKIP_CHECKPOINTS": "false"}, False, id="wants checkpoints"),
    ],
)
def test_300_changes_that_checkpoints_make_slow_are_one_line(
    environment: Mapping[str, str], is_said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PULUMI_BACKEND_URL", "PULUMI_SKIP_CHECKPOINTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(base, "_changes", count(1))
    old, new = {"email": "ana@example.com", "__provider": "p"}, {"email": "ana@example.org"}
    for _ in range(299):
        base.count_change({}, new)
        base.count_change(old, {"email": old["email"]})
    assert capsys.readouterr().out == ""
    for _ in range(600):
        base.count_change(old, new)
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("seatwise: 300 resources change so far") for line in lines] == [True] * is_said


@pytest.mark.parametrize("operation", ["check", "diff", "create", "read", "update", "delete"])
@pytest.mark.parametrize("key", GOLDEN["providers"])
def test_an_unexpected_error_quotes_nothing(key: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = load(key)

    def breaks(*_: object) -> None:
        raise KeyError("s3cret")

    monkeypatch.setattr(type(provider), "_connected", breaks)
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)  # as `configure` leaves it
    props = {"email": "ana@example.com", "user": "7", "group": "8", "__owner": "p/s/ana"}
    given: dict[str, list[Any]] = {
        "check": [{}, props],
        "create": [props],
        "read": ["7", props],
        "delete": ["7", props],
    }

    with pytest.raises(base.Failure, match=r"an unexpected answer \(KeyError in test_base.py, line \d+\)") as raised:
        getattr(provider, operation)(*given.get(operation, ["7", props, props]))
    assert "s3cret" not in str(raised.value)


# --- the host's threads -----------------------------------------------------------------------


def test_the_hosts_pool_is_widened_from_inside() -> None:
    """As many as it says are at work at once, though the pool was made for four and they waited already."""
    together = Barrier(16)
    with ThreadPoolExecutor(max_workers=4) as pool:
        widened = pool.submit(widen, 16)
        waiting = [pool.submit(together.wait, 30) for _ in range(16)]
        assert widened.result()
        assert pool.submit(widen, 2).result(), "it is never made smaller"
        for each in waiting:
            each.result()


def test_the_provider_heeds_the_setting_for_the_collector() -> None:
    """It is not inherited from the program: each process has a collector of its own."""
    program = """
import gc
from seatwise.dynamic import load
load("enerflo:User")._settings()
print(gc.get_threshold()[0])
"""
    for value, threshold in (("true", "100000"), ("false", str(gc.get_threshold()[0]))):
        environment = {**os.environ, "ENERFLO_API_KEY": "k", "SEATWISE_COLLECT_RARELY": value}
        ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert ran.stdout.strip() == threshold, ran.stderr


def test_what_works_in_no_pool_says_that_it_cannot_be_widened() -> None:
    assert not widen(16)
