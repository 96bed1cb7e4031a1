"""Renamed resources on the real engine: an alias, `pulumi state rename` and `pulumi stack rename`.

The URN, the outputs and the program may then have three names for one resource. A removal and a replacement know it
under each of them.
"""

import pytest

from conftest import Sandbox
from engine.conftest import Project
from engine.test_ownership import URN, emails

pytestmark = pytest.mark.engine
ALIAS = "aliases=[pulumi.Alias(name='old')]"


def team(name: str, people: str, options: str = "", how: str = "") -> str:
    members = f"[nexudus.UserArgs(email=f'{{n}}@x.example', full_name=n, language=1) for n in {people!r}]"
    return f"seatwise.Roster({name!r}, vendor=nexudus, members={members}, opts=pulumi.ResourceOptions({options}){how})"


def user(name: str, options: str = "", how: str = "", email: str = "ana@x.example") -> str:
    return (
        f"nexudus.User({name!r}, full_name='Ana', email={email!r}, language=1, "
        f"opts=pulumi.ResourceOptions({options}){how})"
    )


DELETES_USER, DELETES_TEAM, ADOPTS = ", on_destroy='delete'", ", on_leave='delete'", ", on_existing='adopt'"


def test_a_member_leaves_while_the_team_is_renamed(project: Project, sandbox: Sandbox) -> None:
    project.program("import seatwise", team("old", "ab"))
    project.up()
    project.program("import seatwise", team("new", "a", ALIAS))
    project.up()
    assert emails(sandbox) == ["a@x.example"]


def test_what_was_renamed_in_the_state_is_retired_by_destroy(project: Project, sandbox: Sandbox) -> None:
    project.program("import seatwise", team("old", "ab"), user("olduser"))
    project.up()
    project.run("state", "rename", URN.format("nexudus:Roster", "old"), "new", "--yes")
    project.run("state", "rename", URN.format("nexudus:User", "olduser"), "newuser", "--yes")
    project.run("destroy", "--yes", "--skip-preview")
    assert emails(sandbox) == []


def test_a_renamed_tainted_team_loses_no_more_than_in_any_run(project: Project, sandbox: Sandbox) -> None:
    project.program("import seatwise", team("old", "abcdef", how=DELETES_TEAM))
    project.up()
    project.run("state", "taint", URN.format("nexudus:Roster", "old"), "--yes")
    project.program("import seatwise", team("new", "a", ALIAS, DELETES_TEAM))
    assert "set max_removals=5 for it" in project.up(fails=True).output
    assert len(emails(sandbox)) == 6


@pytest.mark.parametrize("options", ["", ", delete_before_replace=True"], ids=["create first", "delete first"])
def test_a_renamed_user_that_is_tainted_keeps_its_account(project: Project, sandbox: Sandbox, options: str) -> None:
    project.program(user("old", how=DELETES_USER))
    project.up()
    (account,) = sandbox.accounts("nexudus")
    project.run("state", "taint", URN.format("nexudus:User", "old"), "--yes")
    project.program(user("new", ALIAS + options, DELETES_USER, email="moved@x.example"))
    project.up()
    assert [*sandbox.accounts("nexudus")] == [account]
    assert emails(sandbox) == ["moved@x.example"]


def test_a_person_who_is_renamed_and_tainted_keeps_the_account(project: Project, sandbox: Sandbox) -> None:
    """The alias is the component's; its children inherit it."""

    def person(name: str, options: str = "") -> str:
        account = f"nexudus.Account(language=1{DELETES_USER})"
        given = "email='ana@x.example', first_name='Ana', last_name='Ruiz'"
        return f"seatwise.Person({name!r}, {given}, accounts=[{account}], opts=pulumi.ResourceOptions({options}))"

    project.program("import seatwise", person("old"))
    project.up()
    before = sandbox.accounts("nexudus")
    (urn,) = (each["urn"] for each in project.resources() if "nexudus:User" in each["urn"])
    project.run("state", "taint", urn, "--yes")
    project.program("import seatwise", person("new", ALIAS))
    sandbox.mark()
    project.up()
    assert sandbox.accounts("nexudus") == before
    assert sandbox.writes("nexudus") == []


def test_a_renamed_stack_is_destroyed(project: Project, sandbox: Sandbox) -> None:
    """No check tells of the new name in a `destroy`; the old name may be another stack's by then."""
    project.program("import seatwise", team("hosts", "ab", how=DELETES_TEAM), user("ana", how=DELETES_USER))
    project.up()
    project.run("stack", "rename", "renamed")
    project.run("stack", "init", "test")
    project.run("stack", "select", "renamed")
    project.run("destroy", "--yes", "--skip-preview")
    assert emails(sandbox) == []
    assert not sandbox.accounts("nexudus")


@pytest.mark.parametrize("how", ["", ADOPTS], ids=["plain", "adopts"])
def test_a_team_is_replaced_without_a_journal(project: Project, sandbox: Sandbox, how: str) -> None:
    project.environment["SEATWISE_JOURNAL"] = str(project.folder.parent / "first.db")
    project.program("import seatwise", team("hosts", "ab", how=how))
    project.up()
    before = sandbox.accounts("nexudus")
    project.environment["SEATWISE_JOURNAL"] = str(project.folder.parent / "second.db")
    project.up("--replace", URN.format("nexudus:Roster", "hosts"))
    assert sandbox.accounts("nexudus") == before
    project.run("destroy", "--yes", "--skip-preview")
    assert emails(sandbox) == [], "they are not taken for adopted ones"
