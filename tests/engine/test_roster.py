"""A team as one resource, on the real engine."""

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
PASSWORD = "open-sesame-17"
HEADER = "email,first_name,roles,password\n"


def row(name: str, first_name: str = "Ana", role: str = "Regional Manager") -> str:
    return f"{name}@example.com,{first_name},{role},{PASSWORD}\n"


def declare(project: Project, *rows: str, more: str = "") -> None:
    (project.folder / "team.csv").write_text(HEADER + "".join(rows))
    project.program(
        "import seatwise",
        f"sales = seatwise.Roster('sales', vendor=enerflo, members=seatwise.load_members('team.csv'){more})",
    )


def active(sandbox: Sandbox) -> set[str]:
    """Return the first parts of the e-mails of all active accounts."""
    return {each["email"].partition("@")[0] for each in sandbox.accounts("enerflo").values() if each["active"]}


def test_a_team_lives_from_preview_to_destroy(project: Project, sandbox: Sandbox) -> None:
    people = [f"p{number}" for number in range(12)]
    declare(project, *map(row, people))
    preview = project.preview()
    assert "sales: 12 join; 0 stay as they are; about 12 requests" in preview.output
    assert sandbox.accounts("enerflo") == {}

    assert project.up().changes["created"] == 2
    assert active(sandbox) == {*people}
    assert PASSWORD not in project.run("stack", "export", "--show-secrets").output

    account = next(each for each, record in sandbox.accounts("enerflo").items() if record["email"].startswith("p7@"))
    sandbox.change("enerflo", account, first_name="Drift")
    assert project.refresh().changes["updated"] == 1
    declare(project, *map(row, people[:-1]), row("new"))
    told = project.preview().output
    assert "sales: 1 join, 1 change, 1 leave; 10 stay as they are" in told
    assert "sales: change: p7@example.com (first_name)" in told
    assert "sales: leave (deactivated): p11@example.com" in told
    sandbox.mark()
    project.up()
    assert len(sandbox.writes()) == 3
    assert active(sandbox) == {*people[:-1], "new"}
    assert sandbox.accounts("enerflo")[account]["first_name"] == "Ana"
    assert project.unmanaged() == ["p11@example.com"], "who left belongs to no stack"

    declare(project, row("p0"))
    refused = project.run("preview", fails=True)
    assert "11 of 12 would leave" in refused.output
    assert "max_removals" in refused.output
    assert PASSWORD not in refused.output

    declare(project, *map(row, people[:-1]), row("new"))
    project.destroy()
    assert active(sandbox) == set()


def test_failed_members_are_named_and_the_others_provisioned(project: Project, sandbox: Sandbox) -> None:
    declare(project, row("ana"), row("ben", role="Nonsense"), row("cleo"))
    failed = project.up(fails=True)
    assert (
        "sales: 1 failed, and the next `pulumi up` tries them again: ben@example.com: create refused with 400"
        in failed.output
    )
    assert active(sandbox) == {"ana", "cleo"}
    (team,) = project.resources()
    assert sorted(team["outputs"]["ids"]) == ["ana@example.com", "cleo@example.com"]

    declare(project, row("ana"), row("ben"), row("cleo"))
    sandbox.mark()
    project.up()
    assert [each["method"] for each in sandbox.writes()] == ["POST"]
    assert active(sandbox) == {"ana", "ben", "cleo"}


def test_a_run_that_only_shows_earlier_failures_does_not_fail(project: Project, sandbox: Sandbox) -> None:
    declare(project, row("ana"), row("ben", role="Nonsense"))
    project.up(fails=True)
    project.up(fails=True)

    project.run("refresh", "--run-program", "--yes", "--skip-preview")
    assert active(sandbox) == {"ana"}
    assert "ben@example.com: create refused with 400" in project.up(fails=True).output

    project.run("destroy", "--run-program", "--yes", "--skip-preview")
    assert active(sandbox) == set()


def test_a_wrong_cell_is_named_before_anything_is_sent(project: Project, sandbox: Sandbox) -> None:
    declare(project, row("ana"), row("ANA"))
    failed = project.run("preview", fails=True)
    assert "team.csv, row 3, column email: ANA@example.com already appears in team.csv, row 2" in failed.output
    assert PASSWORD not in failed.output
    assert sandbox.requests() == []


def test_an_account_moves_between_teams_with_different_parents(project: Project, sandbox: Sandbox) -> None:
    def declare(east: list[str], west: list[str]) -> None:
        project.program(
            "import seatwise",
            f"for kind, people in (('East', {east}), ('West', {west})):",
            "    opts = pulumi.ResourceOptions(parent=pulumi.ComponentResource(f'my:{kind}', kind))",
            "    members = [enerflo.UserArgs(email=f'{name}@example.com', roles=['Setter']) for name in people]",
            "    seatwise.Roster('sales', vendor=enerflo, members=members, opts=opts)",
        )

    declare(["ana", "ben"], ["cleo"])
    project.up()
    declare(["ben"], ["cleo", "ana"])
    assert "seatwise: sales: join: ana@example.com" in project.up().output
    assert active(sandbox) == {"ana", "ben", "cleo"}
    assert len(sandbox.accounts("enerflo")) == 3
    assert project.up().changes == {"unchanged": 5}


def test_an_adopted_account_moves_into_a_team_in_up_with_refresh(project: Project, sandbox: Sandbox) -> None:
    """As in the recipes of docs/ci.md. The refresh compares with the previous program."""
    account = sandbox.add("enerflo", email="ana@example.com", roles=["Setter"])
    ana = "email='ana@example.com', roles=['Setter']"
    project.program(f"enerflo.User('ana', {ana}, on_existing='adopt', on_destroy='deactivate')")
    project.up()
    project.program(
        "import seatwise",
        f"members = [enerflo.UserArgs({ana})]",
        "seatwise.Roster('sales', vendor=enerflo, members=members, on_existing='adopt')",
    )
    project.up("--refresh")
    assert active(sandbox) == {"ana"}
    (team,) = project.resources()
    assert team["outputs"]["ids"] == {"ana@example.com": account}
