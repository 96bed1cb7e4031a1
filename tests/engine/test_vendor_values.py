"""Values from vendors that fit no field, through the engine."""

import json
import re
from typing import Any

import pytest

from conftest import Sandbox
from engine.conftest import Project
from seatwise.core.vendor.boundary import SIGNATURE, UNKNOWN

pytestmark = pytest.mark.engine
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x:y"}
AVATAR = [SECRET, "\ud83d"]
ODD: dict[str, Any] = {
    "a lone surrogate": "Denver \ud83d",
    "no number": float("nan"),
    "a value of another type": {"zone": ["America/Denver"]},
    "a secret of the engine's": SECRET,
    "one deep inside": [[{"a": SECRET}]],
    "the engine's unknown": sorted(UNKNOWN)[0],
}


def test_odd_values_stop_no_program(project: Project, sandbox: Sandbox) -> None:
    emails = [f"person{number}@example.com" for number in range(len(ODD))]
    users = [f'enerflo.User("{each}", email="{each}", roles=["Setter"]).timezone' for each in emails]
    project.program(*(f'pulumi.export("{each}", {user})' for each, user in zip(emails, users, strict=True)))
    project.up()
    ids = {record["email"]: account for account, record in sandbox.accounts("enerflo").items()}
    for email, odd in zip(emails, ODD.values(), strict=True):
        sandbox.change("enerflo", ids[email], timezone=odd)
    sandbox.change("enerflo", ids[emails[0]], manager_email=None, email=f"\x1b[31m\x07\u202e{emails[0]}")

    told = project.refresh().output
    warned = [line for line in told.splitlines() if "the vendor's value" in line]
    assert all(map(str.isprintable, warned))
    emails[0] = f"[31m {emails[0]}"
    ids[emails[0]] = ids[emails[0].split()[1]]
    assert [each for each in emails if f"Enerflo {each} ({ids[each]}): timezone: the vendor's value" in told] == emails
    project.up()
    project.assert_unchanged()
    assert not re.search(rf'"{SIGNATURE}"', json.dumps(project.resources()))
    project.destroy()
    assert not any(each["active"] for each in sandbox.accounts("enerflo").values())


def test_an_odd_value_of_one_member_stops_no_team(project: Project, sandbox: Sandbox) -> None:
    """The account exists before the team is created."""
    for name in ("ana", "bo"):
        fields = {"Email": f"{name}@example.com", "FullName": f"{name} \ud83d", "Language": 1, "Active": True}
        sandbox.add("nexudus", **fields, AvatarFileName=AVATAR)
    lines = ["import seatwise", 'ana = nexudus.UserArgs(full_name="Ana", email="ana@example.com", language=1)']
    bo = 'nexudus.UserArgs(email="bo@example.com", full_name="Bo", language=1)'
    team = 'seatwise.Roster("team", vendor=nexudus, on_existing="adopt", on_leave="deactivate", members=[{}])'

    project.program(*lines, team.format(f"ana, {bo}"))
    project.up()
    project.program(*lines, team.format("ana"))
    project.up()

    by_email = {each["Email"]: each for each in sandbox.accounts("nexudus").values()}
    assert [by_email[f"{name}@example.com"]["Active"] for name in ("ana", "bo")] == [True, False]
    assert by_email["bo@example.com"]["AvatarFileName"] == AVATAR
    assert SIGNATURE not in json.dumps(project.resources())


def test_a_value_that_is_refused_is_not_printed(project: Project) -> None:
    project.program(
        'secret = pulumi.Output.secret("no phone s3cret")',
        'enerflo.User("ana", email="ana@example.com", roles=["Setter"], phone=secret)',
    )
    told = project.preview(fails=True).output
    assert "phone must have ten digits" in told
    assert "s3cret" not in told


def test_a_name_that_the_terminal_lacks_fails_no_preview(project: Project) -> None:
    project.environment["PYTHONIOENCODING"] = "ascii"
    project.program(
        "import seatwise",
        'jose = enerflo.UserArgs(email="jos\u00e9@example.com", roles=["Setter"])',
        'seatwise.Roster("team", vendor=enerflo, members=[jose])',
    )
    assert "join: jos?@example.com" in project.preview().output
