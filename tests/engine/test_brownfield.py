"""Adoption of tenants with existing accounts: no account is changed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
COUNT = {"enerflo": 110, "nexudus": 42, "tenovos": 42}
"""Accounts: at Enerflo more than a page, and everywhere each spelling several times."""
PHONES = ["(555) 010-{:04}", "555-010-{:04}", "555010{:04}", "555.010.{:04}"]
LAST_NAMES = ["Ruiz", "O'Brien", 'Ana "Nana" Silva', "Müller", "李", "de la Cruz\\"]


def made_by_hand(vendor: str, number: int) -> dict[str, Any]:
    """An account as its vendor's own create takes it, spelt as people spell."""
    email = f"{'Person' if number % 3 else 'PERSON'}.{number}@Example.com"
    last = LAST_NAMES[number % len(LAST_NAMES)]
    if vendor == "enerflo":
        return {
            "email": email, "first_name": "Ana", "last_name": last, "notify_email": False,
            "allow_optimus": number % 2 == 0,
            "phone": PHONES[number % len(PHONES)].format(number),
            "roles": [["Sales Rep"], ["Regional Manager", "Sales Rep"], ["Project Manager"]][number % 3],
        }  # fmt: skip
    if vendor == "nexudus":
        return {
            "Email": email, "FullName": f"Ana {last}", "Language": 1 + number % 3, "PasswordSalt": "s",
            "LastHelpVisited": 3,
            "InvalidLoginAttempts": number % 2, "UserRoles": [77, 5] if number % 4 else [], "IsAdmin": number % 5 == 0,
            "Active": number % 7 != 0, "OnNewEmail": True, "AccessToken": "a-token",
        }  # fmt: skip
    return {
        "email": email, "username": f"person{number}", "firstName": "Ana", "lastName": last, "friendlyName": "Nana",
        "userRoleId": "7d5620e0-f423-11e9-8071-89c0c4052141", "groups": ["7d6207c1-f423-11e9-8071-89c0c4052141"],
        "customAttributes": {"phone": "030 123"},
    }  # fmt: skip


CREATE = {"enerflo": "/enerflo/api/v1/users", "nexudus": "/nexudus/api/sys/users", "tenovos": "/tenovos/user"}


@contextmanager
def logged_in(vendor: str, sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client with the vendor's headers."""
    settings = {name.lower(): value for name, value in sandbox.environment.items()}
    who = {key: settings[f"{vendor}_{key}"] for key in ("username", "password") if f"{vendor}_{key}" in settings}
    with httpx.Client(base_url=sandbox.url) as client:
        if vendor == "enerflo":
            client.headers["api-key"] = settings["enerflo_api_key"]
        elif vendor == "nexudus":
            token = client.post("/nexudus/api/token", data={"grant_type": "password", **who}).json()["access_token"]
            client.headers["authorization"] = f"Bearer {token}"
        else:
            client.headers["x-api-key"] = settings["tenovos_api_key"]
            login = {"clientId": settings["tenovos_client_id"], **who}
            session = client.post("/tenovos/auth/token", json=login).json()["session"]
            client.headers.update({"authorization": session["authorization"], "accesstoken": session["accessToken"]})
        yield client


@pytest.mark.parametrize("vendor", CREATE)
def test_a_tenant_is_adopted_without_writes_and_an_empty_preview(
    vendor: str, project: Project, sandbox: Sandbox
) -> None:
    count = COUNT[vendor]
    with logged_in(vendor, sandbox) as client:
        for number in range(count):
            client.post(CREATE[vendor], json=made_by_hand(vendor, number)).raise_for_status()
    before = sandbox.accounts(vendor)
    sandbox.mark()

    command = [
        sys.executable,
        "-m",
        "seatwise",
        "import",
        vendor,
        "--stack-file",
        "import.json",
        "--program",
        "__main__.py",
    ]
    done = subprocess.run(
        [*command, "--force"], cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert f"{count} accounts" in done.stderr
    text = (project.folder / "__main__.py").read_text()
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "-"], input=text, capture_output=True, text=True
    )
    assert formatted.stdout == text
    assert "a-token" not in text + (project.folder / "import.json").read_text()

    project.environment |= {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "true"}
    project.run("import", "--file", "import.json", "--generate-code=false", "--protect=false", "--yes")
    assert project.preview("--expect-no-changes").changes == {"unchanged": count + 1}
    assert sandbox.writes() == []
    assert sandbox.accounts(vendor) == before
    if vendor != "nexudus":
        return  # the rest is the same at every vendor, and there a change sends the whole record

    account = next(iter(before))
    sandbox.change(vendor, account, FullName="Zoe")
    assert project.refresh().changes == {"updated": 1, "unchanged": count}
    assert project.up().changes == {"updated": 1, "unchanged": count}
    assert len(sandbox.writes()) == 1
    untold = {"UpdatedOn": None}
    assert sandbox.accounts(vendor)[account] | untold == before[account] | untold

    sandbox.mark()
    project.destroy()
    assert sandbox.writes() == [], "what was there before is left as it is"


def test_the_option_import_is_refused_in_one_line(project: Project, sandbox: Sandbox) -> None:
    """tests/resources/test_arguments.py has the other kinds of resources."""
    account = sandbox.add("enerflo", email="ana@example.com", roles=["Setter"])
    options = f"opts = pulumi.ResourceOptions(import_='{account}')"
    project.program(options, "enerflo.User('ana', email='ana@example.com', roles=['Setter'], opts=opts)")

    output = project.preview(fails=True).output

    assert "error: ana: the option import_ cannot take over an account: " in output
    assert "seatwise import" in output
    assert "Traceback" not in output
    assert sandbox.requests() == []


def test_pulumi_import_with_an_id_takes_nothing_over(project: Project, sandbox: Sandbox) -> None:
    """No dynamic provider can answer it: docs/takeover.md says so."""
    account = sandbox.add("enerflo", email="ana@example.com", roles=["Setter"])

    kind = "pulumi-python:dynamic/seatwise/enerflo:User"
    output = project.run("import", kind, "ana", account, "--yes", "--generate-code=false", fails=True).output

    assert re.search(r"(KeyError|Exception calling application): '__provider'", output), (
        "the words of the newest SDK, or an old one's"
    )
    assert project.resources() == []
    assert sandbox.requests() == []
