"""Messages that a new user sees in the first days, on the real engine."""

import subprocess
import sys

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
ANA = "email='ana@example.com', first_name='Ana', roles=['Setter']"


def test_a_warning_says_that_a_removed_adopted_user_stays_active(project: Project, sandbox: Sandbox) -> None:
    account = sandbox.add("enerflo", email="ana@example.com", first_name="Ana", roles=["Setter"])
    project.program(f"enerflo.User('ana', {ANA}, active=True, on_existing='adopt')")
    project.up()
    project.program()

    removed = project.up()

    assert removed.changes["deleted"] == 1
    assert sandbox.accounts("enerflo")[account]["active"] is True
    assert f"Enerflo ana@example.com ({account}) stays active, as it was there before seatwise" in removed.output
    assert 'declare on_destroy="deactivate"' in removed.output


def test_a_preview_shows_that_an_adopted_member_is_deactivated(project: Project, sandbox: Sandbox) -> None:
    sandbox.add("enerflo", email="ana@example.com", first_name="Ana", roles=["Setter"])
    ben = "dict(email='ben@example.com', first_name='Ben', roles=['Setter'])"
    team = "import seatwise\nseatwise.Roster('sales', vendor=enerflo, on_existing='adopt', members=[{}])"
    project.program(team.format(f"dict({ANA}), {ben}"))
    project.up()
    project.program(team.format(ben))

    previewed = project.preview().output
    assert "sales: leave (deactivated): ana@example.com" in previewed
    assert "accounts that were there before seatwise are deactivated as well" in previewed


def test_an_import_with_a_policy_for_leaving_previews_no_change(project: Project, sandbox: Sandbox) -> None:
    account = sandbox.add("enerflo", email="ana@example.com", first_name="Ana", roles=["Setter"])
    options = ["--on-destroy", "deactivate", "--program", "__main__.py", "--force"]
    command = [sys.executable, "-m", "seatwise", "import", "enerflo", *options]
    subprocess.run(command, cwd=project.folder, env=project.environment, check=True)
    project.run("import", "--file", "enerflo-import.json", "--generate-code=false", "--protect=false", "--yes")
    project.assert_unchanged()
    assert sandbox.writes() == []

    project.program()
    removed = project.up()

    assert sandbox.accounts("enerflo")[account]["active"] is False
    assert "stays active" not in removed.output


def test_a_leavers_account_comes_back_as_the_error_says(project: Project, sandbox: Sandbox) -> None:
    account = sandbox.add("enerflo", email="ana@example.com", first_name="Ana", roles=["Setter"], active=False)
    user = "enerflo.User('ana', {}, on_existing='{}'{})"
    project.program(user.format(ANA, "fail", ""))
    refused = project.up(fails=True).output
    assert sandbox.writes() == []
    assert f"there already, with the id {account}, and it is inactive" in refused
    assert 'Add on_existing="adopt" to take it over, and declare active=True to bring it back' in refused

    project.program(user.format(ANA, "adopt", ""))
    assert f"({account}) is adopted and stays inactive: declare active=True to make it active" in project.up().output
    assert sandbox.accounts("enerflo")[account]["active"] is False

    project.program(user.format(ANA, "adopt", ", active=True"))
    assert "stays inactive" not in project.up().output
    assert sandbox.accounts("enerflo")[account]["active"] is True


def test_the_remedy_for_an_existing_account_fits_its_resource(project: Project, sandbox: Sandbox) -> None:
    remedies = {
        "ana": 'Add on_existing="adopt" to take it over, which makes it active, as declared, to the enerflo.Account',
        "ben": 'Give on_existing="adopt" for the Roster to take over all such accounts of its members',
        "cleo": "`pulumi import --file enerflo-import.json --generate-code=false",
    }
    for name in remedies:
        sandbox.add("enerflo", email=f"{name}@example.com", first_name="Ana", roles=["Setter"], active=False)
    project.program(
        "import seatwise",
        "seatwise.Person('ana', email='ana@example.com', accounts=[enerflo.Account(roles=['Setter'])])",
        "seatwise.Roster('sales', vendor=enerflo, members=[dict(email='ben@example.com', roles=['Setter'])])",
        "enerflo.User('cleo@example.com', email='cleo@example.com', roles=['Setter'])",
    )
    refused = project.up("--continue-on-error", fails=True).output.splitlines()
    for name, remedy in remedies.items():
        said = [line for line in refused if f"{name}@example.com: " in line and "there already" in line]
        assert said
        assert all(remedy in line for line in said)
        assert all(("seatwise import" in line) is (name == "cleo") for line in said)


def test_a_preview_warns_that_accounts_exchange_e_mails(project: Project, sandbox: Sandbox) -> None:
    users = "[enerflo.User(f'u{{n}}', email=f'{{who}}@example.com', roles=['Setter']) for n, who in enumerate('{}')]"
    project.program(users.format("abc"))
    project.up()
    project.program(users.format("bc"))
    previewed = project.preview().output
    assert (
        previewed.count("accounts exchange e-mails in this change: test/u0 gets that of test/u1 (b@example.com)") == 1
    )
    assert "Name a resource after the person and never after a list index" in previewed
