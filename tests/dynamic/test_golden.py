"""A state and a journal that an earlier version wrote mean what they meant. See `golden/make.py`."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import Config

from golden import make as golden
from seatwise.core.account.ports import Entry, EntryKind, Unconfirmed
from seatwise.core.team.properties import Team
from seatwise.core.vendor.boundary import SIGNATURE
from seatwise.dynamic import DynamicProvider, load
from seatwise.wire import loop
from seatwise.wire.journal import Journal


def plain(value: Any) -> Any:
    """A value of a state as the engine hands it to a dynamic provider: secrets without their marks."""
    if isinstance(value, dict):
        marked = SIGNATURE in value
        return json.loads(value["plaintext"]) if marked else {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def resources_in(folder: Path) -> dict[str, dict[str, Any]]:
    """The resources of a golden state by what ends their URNs, such as `enerflo:User::ana`."""
    state = json.loads((folder / "state.json").read_text())["deployment"]["resources"]
    return {each["urn"].partition("seatwise/")[2]: plain(each) for each in state if "dynamic/seatwise/" in each["type"]}


RESOURCES = resources_in(golden.HERE)
OF_SCIM = resources_in(golden.SCIM)
PARTING = "nexudus:Roster::desk"


@pytest.fixture
def doors(request: pytest.FixtureRequest, settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes the door of a resource, with the tenant and the journal of the golden files, by default the first ones."""
    golden.restore_journal(Path(os.environ["SEATWISE_JOURNAL"]), getattr(request, "param", golden.HERE))
    with ExitStack() as closing:

        def door_of(resource: dict[str, Any]) -> DynamicProvider:
            vendor, tenant = resource["type"].split("/")[2].partition(":")[0], resource["outputs"]["__tenant"]
            monkeypatch.setenv(f"{vendor.upper()}_TENANT", tenant)
            door = load(resource["type"].rpartition("/")[2])
            door._config = Config({}, "test").get
            closing.callback(lambda: loop.call(door._connected().aclose))
            return door

        yield door_of


def test_the_golden_state_has_one_of_each() -> None:
    outputs = [each["outputs"] for each in RESOURCES.values()]
    assert {each.partition("::")[0].rpartition("$")[2] for each in RESOURCES} == {
        *(f"{vendor}:User" for vendor in golden.VENDORS), "enerflo:Roster", "nexudus:Roster",
    }  # fmt: skip
    assert [each["email"] for each in outputs if each.get("adopted")] == ["adele@example.com"]
    assert [each["email"] for each in outputs if each.get("active") is False] == ["ina@example.com"]
    assert [each["email"] for each in outputs if each.get("__tenant") == "west"] == ["wes@example.com"]
    assert sum("password" in each for each in outputs) == 3


def test_the_golden_state_of_scim_has_one_of_each() -> None:
    outputs = [each["outputs"] for each in OF_SCIM.values()]
    assert {each.partition("::")[0] for each in OF_SCIM} == {"scim:User", "scim:Membership", "scim:Roster"}
    assert [each["user_name"] for each in outputs if each.get("adopted")] == ["adele@example.com"]
    assert [each["user_name"] for each in outputs if each.get("active") is False] == ["ina@example.com"]
    assert sum("password" in each for each in outputs) == 1


@pytest.mark.parametrize(
    ("doors", "name"),
    [
        *[pytest.param(golden.HERE, name, id=name) for name in RESOURCES],
        *[pytest.param(golden.SCIM, name, id=name) for name in OF_SCIM],
    ],
    indirect=["doors"],
)
def test_a_golden_resource_is_as_its_inputs_say(name: str, doors: Any) -> None:
    resources = RESOURCES | OF_SCIM
    resource = resources[name]
    door = doors(resource)
    for each in resources.values():  # as the engine does, for every resource before the first diff of some
        if each["type"] == resource["type"]:
            assert door.check(each["inputs"], each["inputs"]).failures == []

    diff = door.diff(resource["id"], resource["outputs"], resource["inputs"])

    assert diff.changes is (name == PARTING), "one team has an account to delete for good"


def test_a_golden_team_has_its_members(doors: Any) -> None:
    sales, desk = (RESOURCES[name] for name in ("enerflo:Roster::sales", PARTING))
    team = Team.from_outputs(doors(sales)._connected().vendor, sales["outputs"])
    assert {member.state.values["email"]: member.state.adopted for member in team.members.values()} == {
        "kim@example.com": False, "Max.Strauß@Example.com": False, "Olga@example.com": True,
    }  # fmt: skip
    assert Team.from_outputs(doors(desk)._connected().vendor, desk["outputs"]).leaving == {"peter@example.com": "1005"}


@pytest.mark.parametrize(
    ("tenant", "email", "entry"),
    [
        ("enerflo golden", "Ana.Ruiz@Example.com", Entry(EntryKind.CREATED, "1002", "accounts/test/ana")),
        ("enerflo golden", "Lost@example.com", Entry(EntryKind.PENDING, None, "accounts/test/lost")),
        ("enerflo golden", "gone@example.com", Entry(EntryKind.DEACTIVATED, "1004")),
        ("enerflo golden", "kim@example.com", Entry(EntryKind.CREATED, "1005", "accounts/test/sales:members")),
        ("enerflo golden", "Max.Strauß@Example.com", Entry(EntryKind.CREATED, "1006", "accounts/test/sales:members")),
        (
            "enerflo golden",
            "cleo@example.com",
            Entry(EntryKind.CREATED, "1007", "accounts/test/seatwise:index:Person$cleo"),
        ),
        ("enerflo west", "wes@example.com", Entry(EntryKind.CREATED, "1008", "accounts/test/wes")),
        ("nexudus golden", "José.Groß@Example.com", Entry(EntryKind.CREATED, "1002", "accounts/test/jose")),
        ("nexudus golden", "peter@example.com", Entry(EntryKind.DEACTIVATED, "1005")),
        ("nexudus golden", "vera@example.com", Entry(EntryKind.CREATED, "1004", "accounts/test/vera")),
    ],
)
def test_a_golden_entry_is_read(tenant: str, email: str, entry: Entry, tmp_path: Path) -> None:
    golden.restore_journal(tmp_path / "golden.db")
    found = Journal(tenant, pytest.fail, tmp_path / "golden.db").last(email)
    assert found is not None
    assert (found.kind, found.account, found.owner) == (entry.kind, entry.account, entry.owner)


def test_the_golden_journal_of_scim_is_read(tmp_path: Path) -> None:
    golden.restore_journal(tmp_path / "golden.db", golden.SCIM)
    journal = Journal("scim golden", pytest.fail, tmp_path / "golden.db")
    for email, name in (("Ana.Ruiz@Example.com", "ana"), ("kim@example.com", "guests:members")):
        found = journal.last(email)
        assert found is not None
        assert (found.kind, found.owner) == (EntryKind.CREATED, f"/accounts/test//{name}")
    assert journal.last("adele@example.com") is None, "an adopted account was not created"
    adopted, membership = (OF_SCIM[name]["id"] for name in ("scim:User::adopted", "scim:Membership::ana"))
    assert journal.revision(adopted) == 1
    assert [journal.why_unconfirmed(adopted, 1), journal.why_unconfirmed(membership)] == [None, None]


@pytest.mark.parametrize("doors", [golden.SCIM], indirect=True)
def test_a_golden_team_of_scim_has_its_members(doors: Any) -> None:
    guests = OF_SCIM["scim:Roster::guests"]
    team = Team.from_outputs(doors(guests)._connected().vendor, guests["outputs"])
    kept = {member.id: member.state.values for member in team.members.values()}
    assert {account: values["user_name"] for account, values in kept.items()} == {
        guests["outputs"]["ids"]["max.strauß@example.com"]: "Max.Strauß@Example.com",
        guests["outputs"]["ids"]["kim@example.com"]: "kim@example.com",
    }
    assert [values["user_name"] for values in kept.values() if values.get("active") is False] == ["kim@example.com"]


def test_golden_doubts_and_revisions_are_read(tmp_path: Path) -> None:
    golden.restore_journal(tmp_path / "golden.db")
    enerflo, nexudus = (
        Journal(f"{vendor} golden", pytest.fail, tmp_path / "golden.db") for vendor in ("enerflo", "nexudus")
    )
    doubts = {account: nexudus.why_unconfirmed(account) for account in ("1003", "1004", "1005")}
    assert doubts == {"1003": None, "1004": Unconfirmed.CHANGED, "1005": Unconfirmed.DEACTIVATED}
    assert enerflo.unconfirmed(1) == {"1004"}
    assert [nexudus.revision("1006"), nexudus.revision("1003")] == [1, 0]
    assert nexudus.why_unconfirmed("1006", 0) is Unconfirmed.FORGOTTEN
