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
from seatwise.sandbox.replies import Options
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
    del seatwise.vendors.acme  # type: ignore[attr-defined]


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


def test_the_example_is_short() -> None:
    lines = (EXAMPLES / "vendors" / "acme.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(('"""', "from ", "import "))]
    assert len(code) <= LONGEST
