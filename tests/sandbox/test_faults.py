"""Faults that can be switched on: what the client gets, and what the stand-in carried out."""

import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from httpx import Client
from pulumi.dynamic import Config

from conftest import Sandbox
from sandbox.conftest import ENERFLO_KEY, NEW, NEXUDUS_LOGIN
from seatwise.core.account.properties import OWNER
from seatwise.dynamic import load
from seatwise.vendors import names
from seatwise.wire import loop

PATIENCE_S = 30
USERS: Final = "/enerflo/api/v3/users"


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[Client]:
    """A client of Enerflo's stand-in."""
    with Client(base_url=sandbox.url, headers=ENERFLO_KEY, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


def create(http: Client, patience: float = PATIENCE_S) -> httpx.Response:
    return http.post("/enerflo/api/v1/users", json=NEW, timeout=patience)


def test_an_unavailable_vendor_answers_503_and_does_nothing(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "unavailable"}})
    assert [create(http).status_code, http.get(USERS).status_code] == [503, 503]
    assert sandbox.accounts("enerflo") == {}
    assert [each["status"] for each in sandbox.requests()] == [503, 503]


@pytest.mark.parametrize(("vendor", "status"), [("enerflo", 429), ("nexudus", 409), ("tenovos", 429)])
def test_each_vendor_throttles_in_its_own_way(sandbox: Sandbox, http: Client, vendor: str, status: int) -> None:
    sandbox.switch(faults={vendor: {"kind": "throttled", "seconds": 7}})
    answer = http.get(f"/{vendor}/x")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")


def test_a_lost_answer_is_of_a_request_that_was_carried_out(sandbox: Sandbox, http: Client) -> None:
    http.get(USERS)  # the connection is an old one
    sandbox.switch(faults={"enerflo": {"kind": "lost", "times": 1}})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        create(http)
    assert sandbox.only("enerflo")["email"] == "ana@example.com"
    assert [each["status"] for each in sandbox.requests()] == [200, 0]
    assert http.get(USERS).json()["results"][0]["email"] == "ana@example.com"


def test_a_silent_vendor_does_nothing_and_never_answers(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "silent"}})
    with pytest.raises(httpx.ReadTimeout):
        create(http, patience=0.5)
    sandbox.switch(faults={"enerflo": None})
    assert create(http).status_code == 200, "the silent one was not carried out"


def test_a_slow_vendor_answers_late(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "slow", "seconds": 0.2}})
    started = time.monotonic()
    assert create(http).status_code == 200
    assert time.monotonic() - started >= 0.2
    assert sandbox.requests()[0]["seconds"] >= 0.2


def test_a_fault_ends_after_as_many_requests_as_it_is_for(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "unavailable", "times": 2}})
    assert [http.get(USERS).status_code for _ in range(3)] == [503, 503, 200]
    assert http.get("/sandbox/options").json()["faults"] == {}


def test_a_fault_of_writes_leaves_reads_and_logins(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "unavailable", "writes": True, "times": 1}})
    sandbox.switch(faults={"nexudus": {"kind": "unavailable", "writes": True, "times": 1}})
    assert http.get(USERS).status_code == 200
    assert http.post("/nexudus/api/token", data=NEXUDUS_LOGIN).status_code == 200
    assert [create(http).status_code, http.put("/nexudus/api/sys/users").status_code] == [503, 503]


def test_a_fault_is_of_one_vendor_and_never_of_the_back_door(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"nexudus": {"kind": "unavailable"}})
    assert http.get(USERS).status_code == 200
    assert http.get("/sandbox/accounts/nexudus").status_code == 200
    assert http.get("/nexudus/api/sys/users").status_code == 503


def test_starting_over_ends_faults(sandbox: Sandbox, http: Client) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "silent"}})
    http.delete("/sandbox/everything").raise_for_status()
    assert http.get(USERS).status_code == 200


@pytest.mark.parametrize(
    ("faults", "complaint"),
    [
        ({"nobody": {"kind": "slow"}}, "no such switch: nobody"),
        ({"enerflo": {"kind": "rain"}}, "kind of a fault: Input should be"),
        ({"enerflo": {}}, "kind of a fault: is a required field"),
        ({"enerflo": {"kind": "slow", "seconds": -1}}, "seconds of a fault: "),
        ({"enerflo": {"kind": "slow", "second": 1}}, "second of a fault: "),
    ],
    ids=str,
)
def test_a_fault_that_there_is_not_is_refused(http: Client, faults: dict[str, dict[str, Any]], complaint: str) -> None:
    answer = http.patch("/sandbox/options", json={"limits": True, "faults": faults})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(complaint)
    options = http.get("/sandbox/options").json()
    assert (options["faults"], options["limits"]) == ({}, False), "and what stands beside it is left"


@pytest.mark.parametrize("vendor", names())
@pytest.mark.usefixtures("settings")
def test_seatwise_makes_one_account_though_the_answer_is_lost(sandbox: Sandbox, vendor: str) -> None:
    """The example in docs/sandbox.md."""
    door = load(f"{vendor}:User")
    door._config = Config({}, "test").get  # as `configure` does, which is for the host's process only
    sandbox.switch(faults={vendor: {"kind": "lost", "writes": True, "times": 1}})
    try:
        created = door.create(door.check({}, {**door.vendor.example, OWNER: ""}).inputs)
        assert list(sandbox.accounts(vendor)) == [created.id]
    finally:
        assert door._tenant
        loop.call(door._tenant.aclose)
