"""Users at a real Keycloak, on the real engine, changed by PATCH and by PUT."""

import re
import subprocess
import sys
from typing import Any

import pytest

from engine.conftest import Project
from keycloak.conftest import Realm

pytestmark = [pytest.mark.engine, pytest.mark.keycloak]
BY = pytest.mark.parametrize("update", ["patch", "put"])


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


def test_doctor_finds_all_in_order(project: Project) -> None:
    assert "a-client-secret" not in seatwise(project, "doctor", "scim")


def seatwise(project: Project, *arguments: str) -> str:
    """Run the command `seatwise`; return all that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "seatwise", *arguments],
        cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
