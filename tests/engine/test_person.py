"""People at three vendors on the real engine: created, deactivated, expired, and from a file."""

import json
import re
import shutil
from pathlib import Path

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "contractors"
OLD = "enerflo.User('ana', email='ana@example.com', first_name='Ana', roles=['Sales Rep'], office_ids=[12])"
ACTIVE, INACTIVE = [True, True, "enabled"], [False, False, "disabled"]


def person(**arguments: object) -> tuple[str, ...]:
    """Return a program with one person at three vendors, whose name is an output of another resource."""
    accounts = (
        "enerflo.Account(roles=['Sales Rep'], office_ids=[12])",
        "nexudus.Account(language=nexudus.Language.SPANISH, user_roles=[77])",
        "tenovos.Account(user_role_name='End user', friendly_name='Annie')",
    )
    return (
        "import seatwise",
        "boss = enerflo.User('boss', email='boss@example.com', last_name='Ruiz', roles=['Setter'], office_ids=[12])",
        "ana = seatwise.Person('ana', email='ana@example.com', first_name='Ana', last_name=boss.last_name,",
        f"    accounts=[{', '.join(accounts)}], **{arguments!r})",
        "pulumi.export('ids', ana.ids)",
    )


def states(sandbox: Sandbox) -> list[object]:
    """Return Ana's status at each vendor, as the vendor stores it."""
    keys = {"enerflo": ("email", "active"), "nexudus": ("Email", "Active"), "tenovos": ("email", "status")}
    records = [(record, *keys[vendor]) for vendor in keys for record in sandbox.accounts(vendor).values()]
    return [record[state] for record, email, state in records if record[email] == "ana@example.com"]


def test_accounts_of_a_person_are_created_resumed_and_expire(project: Project, sandbox: Sandbox) -> None:
    project.program(OLD)
    project.up()
    (before,) = sandbox.accounts("enerflo")
    sandbox.mark()

    project.environment["SEATWISE_TODAY"] = "2027-01-31"
    project.program(*person(expires="2027-01-31"))
    preview = project.preview().output
    assert "warning: ana expires today, on 2027-01-31 (UTC)" in preview
    assert preview.count("[id=") == 1, "the account that is there changes; nothing is deleted or replaced"
    assert "last_name" in preview
    assert sandbox.writes() == []

    assert project.up().changes == {"created": 4, "updated": 1}
    assert [each["method"] for each in sandbox.writes()].count("POST") == 3
    assert states(sandbox) == ACTIVE
    ids = {vendor: max(sandbox.accounts(vendor)) for vendor in ("nexudus", "tenovos")}
    assert json.loads(project.run("stack", "output", "ids").output) == {"enerflo": before, **ids}
    assert sandbox.accounts("enerflo")[before]["last_name"] == "Ruiz"
    assert sandbox.only("nexudus")["FullName"] == "Ana Ruiz"
    assert sandbox.only("tenovos")["username"] == "ana"

    accounts = {vendor: [*sandbox.accounts(vendor)] for vendor in ("enerflo", "nexudus", "tenovos")}
    project.environment["SEATWISE_TODAY"] = "2027-02-01"
    assert project.up().changes == {"updated": 3, "unchanged": 3}
    assert states(sandbox) == INACTIVE
    assert {vendor: [*sandbox.accounts(vendor)] for vendor in accounts} == accounts


def test_contractors_have_accounts_until_their_last_day(project: Project, sandbox: Sandbox) -> None:
    for path in EXAMPLE.iterdir():
        if path.is_file():
            shutil.copy(path, project.folder)
    project.run("stack", "init", "dev")
    project.environment["SEATWISE_TODAY"] = "2027-01-20"
    told = project.up()
    assert told.changes["created"] == 8
    assert re.findall(r"(\w+) expires in 11 days, on 2027-01-31", told.output)[0] == "dan"
    assert len(sandbox.accounts("enerflo")) == len(sandbox.accounts("nexudus")) == 2

    project.environment["SEATWISE_TODAY"] = "2027-02-01"
    preview = project.preview()
    assert "dan expired on 2027-01-31 (UTC): the accounts are deactivated" in preview.output
    assert re.search(r"~ active\s*: true => false", preview.output)
    assert len(re.findall(r"\[id=", preview.output)) == 1

    with (project.folder / "contractors.csv").open("a") as file:
        file.write("gus,dan@contractor.example,Gus,Ito,,31.01.2027,Setter,12,,\n")
    assert (
        "error: 2 problems with the people:\n"
        "  contractors.csv, row 5, column expires: must be a date such as 2027-01-31, the last day of the accounts\n"
        "  contractors.csv, row 5, column email: dan@contractor.example already appears in contractors.csv, row 2"
    ) in re.sub(r"\n +", "\n  ", project.preview(fails=True).output)
