"""The worked example of docs/adding-a-vendor.md is a whole vendor: it passes every test of conformance."""

import importlib.util
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import httpx
import pytest

import seatwise.vendors
from conftest import Sandbox
from seatwise.sandbox import server
from seatwise.sandbox.replies import Options, StandIn
from vendors import test_conformance

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
LONGEST = 70  # lines of code, without empty ones, docstrings and imports
door = test_conformance.door
tests = {name: test for name, test in vars(test_conformance).items() if name.startswith("test_")}
del tests["test_tenovos_1_5_sees_what_1_0_cannot_read"]
globals().update(tests)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(seatwise.vendors, "__path__", [*seatwise.vendors.__path__, str(EXAMPLES / "vendors")])
    yield import_module("seatwise.vendors.acme")
    del sys.modules["seatwise.vendors.acme"]
    vars(seatwise.vendors).pop("acme")


@pytest.fixture
def sandbox(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    spec = importlib.util.spec_from_file_location("acme_stand_in", EXAMPLES / "sandbox" / "acme.py")
    assert spec
    assert spec.loader
    stand_in = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    monkeypatch.setitem(server.STAND_INS, "acme", stand_in)
    with server.running(options=Options(limits=False)) as url, httpx.Client(base_url=f"{url}/sandbox") as http:
        yield Sandbox(url, http)


def test_the_stand_in_has_all_that_the_sandbox_asks_of_it(sandbox: Sandbox) -> None:
    """An account can be changed by hand, too, which no conformance test does."""
    stand_in = server.STAND_INS["acme"]
    members = {name for name in {**StandIn.__annotations__, **vars(StandIn)} if not name.startswith("_")}
    assert [name for name in sorted(members) if not hasattr(stand_in, name)] == []
    account = sandbox.add("acme", email="ana@example.com")
    assert [field.key for field in stand_in.FIELDS if field.key not in sandbox.only("acme")] == []
    sandbox.change("acme", account, fullName="Ana")
    assert sandbox.only("acme")["fullName"] == "Ana"


def test_the_example_is_short() -> None:
    lines = (EXAMPLES / "vendors" / "acme.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(('"""', "from ", "import "))]
    assert len(code) <= LONGEST
