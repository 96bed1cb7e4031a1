"""Users at a real Keycloak, on the real engine, changed by PATCH and by PUT."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

import pages
from engine.conftest import Project
from keycloak.conftest import Realm

pytestmark = [pytest.mark.engine, pytest.mark.keycloak]
BY = pytest.mark.parametrize("update", ["patch", "put"])
MEMBERSHIP = "scim.Membership('ana-engineers', user=ana.id, group=scim.group_id('Engineers'))"
PAGE = 100
"""Keycloak's pages have at most so many records."""
NOT_KEPT = ("display_name", "title", "department", "phone")
"""Of the arguments that a rehearsal tries."""
OF_PUT = (
    ("the record in that answer is as it is read", "no (display_name)"),
    ("a field that the whole record of an update leaves out is", "kept (email)"),
    ("an empty text makes a field", "keep its value (first_name)"),
)
"""What differs with PUT alone."""


def declare(project: Project, *lines: str) -> None:
    project.program("import seatwise", "from seatwise import scim", *lines)


def user(name: str = "ana", **arguments: Any) -> str:
    given = {
        "user_name": f"{name}@example.com",
        "email": f"{name}@example.com",
        "first_name": "Ana",
        "last_name": "Ruiz",
        **arguments,
    }
    return f"{name} = scim.User({name!r}, **{given!r})"


@BY
def test_an_account_lives_from_preview_to_destroy(update: str, project: Project, realm: Realm) -> None:
    project.environment["SCIM_UPDATE"] = update
    declare(project, user(password="a first password"))
    project.preview()
    assert realm.users() == {}
    assert project.up().changes["created"] == 2
    (made,) = realm.users().values()
    assert (made["username"], made["firstName"], made["enabled"]) == ("ana@example.com", "Ana", True)
    (resource,) = project.resources()
    assert resource["id"] == made["id"]
    assert "a first password" not in str(resource)
    assert project.up().changes == {"unchanged": 2}
    assert project.refresh().changes == {"unchanged": 2}

    declare(project, user(first_name="Anna", password="a first password"))
    assert project.up().changes == {"updated": 1, "unchanged": 1}
    assert realm.users()["ana@example.com"]["firstName"] == "Anna"

    realm.change("ana@example.com", firstName="Zoe")
    assert project.refresh().changes == {"updated": 1, "unchanged": 1}
    assert re.search(r'~ first_name\s*: "Zoe" => "Anna"', project.preview().output)
    assert project.up().changes == {"updated": 1, "unchanged": 1}
    assert realm.users()["ana@example.com"]["firstName"] == "Anna"
    assert project.refresh().changes == {"unchanged": 2}

    assert project.destroy().changes == {"deleted": 2}
    (left,) = realm.users().values()
    assert (left["id"], left["enabled"], left["lastName"]) == (made["id"], False, "Ruiz")

    assert project.up().changes["created"] == 2, "and comes back under the same id"
    (again,) = realm.users().values()
    assert (again["id"], again["enabled"]) == (made["id"], True)


@BY
def test_what_keycloak_does_not_keep_is_told_and_no_change(update: str, project: Project, realm: Realm) -> None:
    project.environment["SCIM_UPDATE"] = update
    declare(project, user(title="Engineer", external_id="hr-7", department="Research"))
    told = project.up().output
    assert "title" in told
    assert "not kept" in told
    (resource,) = project.resources()
    assert "title" not in resource["outputs"]
    assert project.up().changes == {"unchanged": 2}


@BY
def test_a_team_of_250_lives(update: str, project: Project, realm: Realm) -> None:
    project.environment["SCIM_UPDATE"] = update
    names = [f"p{number:03}@example.com" for number in range(250)]

    def team(members: list[str], first_name: str = "Ana") -> None:
        rows = [{"user_name": name, "email": name, "first_name": first_name, "last_name": "Ruiz"} for name in members]
        declare(project, f"seatwise.Roster('all', vendor=scim, members={rows!r})")

    team(names)
    assert project.up().changes["created"] == 2
    assert realm.users().keys() == {*names}
    assert project.up().changes == {"unchanged": 2}
    assert project.refresh().changes == {"unchanged": 2}

    realm.change(names[7], firstName="Drift")
    realm.remove(names[9])
    assert project.refresh().changes["updated"] == 1
    told = project.preview().output
    assert "1 join, 1 change, 0 leave; 248 stay as they are" in told or "1 join, 1 change; 248" in told
    project.up()
    users = realm.users()
    assert users.keys() == {*names}
    assert {each["firstName"] for each in users.values()} == {"Ana"}

    assert project.destroy().changes == {"deleted": 2}
    assert [each for each in realm.users().values() if each["enabled"]] == []


def test_users_that_are_there_are_imported_as_they_are(project: Project, realm: Realm) -> None:
    for name in ("ana", "ben", "cleo"):
        realm.add(f"{name}@example.com", email=f"{name}@example.com", firstName=name.title(), lastName="Ruiz")
    before = realm.users()
    command = ["import", "scim", "--stack-file", "import.json", "--program", "__main__.py", "--force"]
    assert "3 accounts" in seatwise(project, *command)
    project.run("import", "--file", "import.json", "--generate-code=false", "--protect=false", "--yes")
    assert project.preview("--expect-no-changes").changes == {"unchanged": 4}
    assert project.refresh().changes == {"unchanged": 4}
    assert realm.users() == before


def test_doctor_finds_all_in_order(project: Project, realm: Realm) -> None:
    only_scim(project)
    realm.add("ana@example.com", lastName="Ruiz")
    said = seatwise(project, "doctor")
    assert f"ok   SCIM: {realm.base_url} lists 1 user" in said
    assert "a-client-secret" not in said


def test_a_membership_lives_from_preview_to_destroy(project: Project, realm: Realm) -> None:
    realm.add_group("Engineers")
    declare(project, user(), MEMBERSHIP)
    project.preview()
    assert realm.users() == {}
    assert project.up().changes["created"] == 3
    assert realm.members("Engineers") == {"ana@example.com"}
    assert [each["outputs"].get("shown_in") for each in project.resources()] == [None, "group"]
    assert project.up().changes == {"unchanged": 3}
    assert project.refresh().changes == {"unchanged": 3}

    realm.put_out("ana@example.com", "Engineers")
    assert project.refresh().changes == {"deleted": 1, "unchanged": 2}
    assert project.up().changes == {"created": 1, "unchanged": 2}
    assert realm.members("Engineers") == {"ana@example.com"}

    declare(project, user())
    assert project.up().changes == {"deleted": 1, "unchanged": 2}
    assert realm.members("Engineers") == set()
    assert realm.users()["ana@example.com"]["enabled"] is True


def test_ten_users_and_three_memberships_live_as_the_page_says(project: Project, realm: Realm) -> None:
    realm.add_group("Engineers")
    only_scim(project)
    said = project.shell(pages.scim_walk())
    assert "\n1 account" in said
    assert [each["enabled"] for each in realm.users().values()] == [False] * 10
    assert realm.members("Engineers") == set()


def test_a_membership_by_put_is_refused_in_preview(project: Project, realm: Realm) -> None:
    project.environment["SCIM_UPDATE"] = "put"
    realm.add_group("Engineers")
    declare(project, user(), MEMBERSHIP)
    assert "a membership needs PATCH" in project.preview(fails=True).output
    assert realm.users() == {}


@BY
def test_a_rehearsal_finds_what_keycloak_does_otherwise(update: str, project: Project, realm: Realm) -> None:
    project.environment["SCIM_UPDATE"] = update
    there = {f"p{number:03}@example.com" for number in range(PAGE + 1)}
    for name in there:
        realm.add(name, email=name, lastName="Ruiz")
    command = ["rehearse", "scim", "--email", "throwaway@example.com", "--yes", "--report", "report"]
    seatwise(project, *command, code=3)
    report = json.loads((project.folder / "report.json").read_text())
    rows = [(row["assumption"].partition(":")[0], row["seen"], row["verdict"]) for row in report["rows"]]
    of_fields = [(f"{name} in {how}", "not kept") for name in NOT_KEPT for how in ("a create is", "an update is")]
    different = [(about, seen) for about, seen, verdict in rows if verdict == "differs"]
    answer = ("the record in that answer is as it is read", f"no ({', '.join(NOT_KEPT)})")
    assert sorted(different) == sorted([answer, *of_fields, *(OF_PUT if update == "put" else ())])
    untried = [about for about, _, verdict in rows if verdict == "not tried"]
    assert untried == ["the e-mail of an account can be changed"]
    users = realm.users()
    assert users.keys() == {*there, "throwaway@example.com"}
    assert [name for name, each in users.items() if not each["enabled"]] == ["throwaway@example.com"]
    assert "throwaway" not in (project.folder / "report.md").read_text()


def only_scim(project: Project) -> None:
    """Take away the settings of vendors that the doctor would look at otherwise."""
    project.environment = {name: text for name, text in project.environment.items() if not name.endswith("_MINUTE")}


def seatwise(project: Project, *arguments: str, code: int = 0) -> str:
    """Run the command `seatwise`; return all that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "seatwise", *arguments],
        cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
