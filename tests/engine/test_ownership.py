"""Ownership of accounts on the real engine: replacements, namesakes, renamed stacks, moved resources."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
URN = "urn:pulumi:test::accounts::pulumi-python:dynamic/seatwise/{}::{}"
USER = (
    "nexudus.User('ana', full_name='Ana', email='ana@x.example', language=1, on_destroy='delete',"
    " opts=pulumi.ResourceOptions({}))"
)
ROSTER = (
    "seatwise.Roster('hosts', vendor=nexudus, on_leave='delete', members=["
    "nexudus.UserArgs(email=f'{{n}}@x.example', full_name=n, language=1) for n in {}], opts=pulumi.ResourceOptions({}))"
)


def emails(sandbox: Sandbox, vendor: str = "nexudus", *, active: bool = True) -> list[str]:
    """Return the e-mails of active accounts, or of inactive ones."""
    records = sandbox.accounts(vendor).values()
    flag = {"nexudus": "Active", "enerflo": "active"}[vendor]
    return sorted(str(each.get("Email", each.get("email"))) for each in records if bool(each[flag]) is active)


@pytest.mark.parametrize("kind", ["User", "Roster"])
def test_an_account_survives_each_kind_of_replacement(project: Project, sandbox: Sandbox, kind: str) -> None:
    """A trigger, `--replace` and a taint; with create before delete, and delete before create."""

    def program(options: str = "") -> None:
        line = USER.format(options) if kind == "User" else ROSTER.format("('ana', 'ben')", options)
        project.program("import seatwise", line)

    urn = URN.format(*(["nexudus:User", "ana"] if kind == "User" else ["nexudus:Roster", "hosts"]))
    program("replacement_trigger='q1'")
    project.up()
    before = sandbox.accounts("nexudus")
    as_created = project.kept()

    def goes_on(*up: str) -> None:
        sandbox.mark()
        done = project.up(*up)
        assert "replaced" in done.output or "+-" in done.output, done.output
        assert sandbox.accounts("nexudus") == before
        assert sandbox.writes("nexudus") == []
        assert project.kept() == as_created
        assert len(project.resources()) == 1

    program("replacement_trigger='q2'")
    goes_on()
    goes_on("--replace", urn)
    project.run("state", "taint", urn, "--yes")
    goes_on()
    program("replacement_trigger='q3', delete_before_replace=True")
    goes_on()
    goes_on("--replace", urn)
    project.assert_unchanged()
    project.program()
    project.up()
    assert emails(sandbox) == [], "a real removal is one, after all of that"


def test_an_adopted_account_keeps_its_password_without_a_journal(project: Project, sandbox: Sandbox) -> None:
    """As on a CI runner: the account in the engine's state is kept, and its password is not set again."""
    user = (
        "nexudus.User('ana', full_name='Ana', email='ana@x.example', language=1, password='a first password',"
        " on_existing='{}')"
    )
    sandbox.add("nexudus", FullName="Ana", Email="ana@x.example")
    project.program(user.format("adopt"))
    project.up()
    project.program(user.format("fail"))
    project.up()
    Path(project.environment["SEATWISE_JOURNAL"]).unlink()
    sandbox.mark()

    project.up("--replace", URN.format("nexudus:User", "ana"))

    assert sandbox.writes("nexudus") == []
    (kept,) = project.resources()
    assert kept["outputs"]["adopted"] is True
    project.assert_unchanged()
    project.program()
    project.up()
    assert emails(sandbox) == ["ana@x.example"], "it was there before, and stays"


def test_a_replaced_adopted_account_keeps_an_email_set_by_hand(project: Project, sandbox: Sandbox) -> None:
    ana = sandbox.add("nexudus", FullName="Ana", Email="ana@x.example")
    project.program(USER.format("").replace("'ana',", "'ana', on_existing='adopt',", 1))
    project.up()
    sandbox.change("nexudus", ana, Email="ruiz@x.example")
    project.up("--replace", URN.format("nexudus:User", "ana"))
    assert list(sandbox.accounts("nexudus")) == [ana]


def test_a_replacement_with_another_email_keeps_one_account(project: Project, sandbox: Sandbox) -> None:
    project.program(USER.format("replacement_trigger=1"))
    project.up()
    (account,) = sandbox.accounts("nexudus")
    project.program(USER.format("replacement_trigger=2").replace("ana@", "ruiz@"))
    project.up()
    assert list(sandbox.accounts("nexudus")) == [account]
    project.program(USER.format("").replace("ana@", "lopez@"))
    project.up("--replace", URN.format("nexudus:User", "ana"))
    assert list(sandbox.accounts("nexudus")) == [account]
    assert emails(sandbox) == ["lopez@x.example"]
    project.assert_unchanged()


def test_a_replacement_with_the_provider_keeps_accounts_active(project: Project, sandbox: Sandbox) -> None:
    """Two provider processes: one creates the new resource, the other one deletes the old one."""
    project.environment["WEST_PASSWORD"] = project.environment["NEXUDUS_PASSWORD"]
    project.program(
        "west = nexudus.Provider('west', base_url=pulumi.Config().require('url'), tenant='west',"
        f" username={project.environment['NEXUDUS_USERNAME']!r}, env={{'password': 'WEST_PASSWORD'}})",
        USER.format("provider=west"),
    )
    project.run("config", "set", "url", project.environment["NEXUDUS_BASE_URL"])
    project.up()
    before = sandbox.accounts("nexudus")
    project.up("--replace", "**")
    assert sandbox.accounts("nexudus") == before
    project.assert_unchanged()


@pytest.mark.parametrize("dbr", [False, True], ids=["create first", "delete first"])
def test_a_resource_replaced_under_a_provider_keeps_its_account(
    project: Project, sandbox: Sandbox, *, dbr: bool
) -> None:
    """Another process, which did not see the create, deletes the old resource, at once or in the next run."""
    project.environment["WEST_PASSWORD"] = project.environment["NEXUDUS_PASSWORD"]
    url = project.environment["NEXUDUS_BASE_URL"]
    west = (
        f"west = nexudus.Provider('west', base_url={url!r}, tenant={url!r},"
        f" username={project.environment['NEXUDUS_USERNAME']!r}, env={{'password': 'WEST_PASSWORD'}})"
    )
    first = f", delete_before_replace={dbr}"
    project.program(USER.format("replacement_trigger=1"))
    project.up()
    before = sandbox.accounts("nexudus")
    replaced = [west, USER.format(f"provider=west, replacement_trigger=2{first}")]
    if not dbr:
        then_fails = "user.id.apply(lambda _: 1 / 0)"  # the account is created, and the old resource remains
        project.program(west, f"user = {replaced[1]}", then_fails)
        project.up(fails=True)
        assert len([each for each in project.resources() if each["type"].endswith("nexudus:User")]) == 2
    project.program(*replaced)
    project.up()
    assert sandbox.accounts("nexudus") == before
    project.assert_unchanged()
    project.program(west)
    project.up()
    assert sandbox.accounts("nexudus") == {}


def test_a_replacement_looks_at_no_namesake_at_another_vendor(project: Project, sandbox: Sandbox) -> None:
    """Two vendors may use the same ids, and all accounts of a person have one name."""
    project.environment |= {"ENERFLO_TENANT": "acme", "NEXUDUS_TENANT": "acme"}
    sandbox.add("nexudus", FullName="Stranger", Email="stranger@x.example")
    person = (
        "seatwise.Person('ana', email='{}@x.example', first_name='Ana', accounts=[enerflo.Account(roles=['Setter']),"
        " nexudus.Account(language=1)])"
    )
    project.program("import seatwise", person.format("ana"))
    project.up()
    sandbox.add("enerflo", email="stranger@x.example", roles=["Setter"])
    assert sorted(sandbox.accounts("enerflo")) == sorted(sandbox.accounts("nexudus")) == ["1001", "1002"]

    project.program("import seatwise", person.format("ruiz"))
    project.up("--replace", "**")

    assert emails(sandbox, "enerflo") == emails(sandbox) == ["ruiz@x.example", "stranger@x.example"]
    project.assert_unchanged()


def test_an_account_of_two_resources_is_kept_when_the_first_goes(project: Project, sandbox: Sandbox) -> None:
    project.environment["WEST_PASSWORD"] = project.environment["NEXUDUS_PASSWORD"]
    west = (
        "url = pulumi.Config().require('url')\nwest = nexudus.Provider('west', base_url=url, tenant=url,"
        f" username={project.environment['NEXUDUS_USERNAME']!r}, env={{'password': 'WEST_PASSWORD'}})"
    )
    project.run("config", "set", "url", project.environment["NEXUDUS_BASE_URL"])
    other = USER.format("provider=west").replace("User('ana'", "User('b', on_existing='adopt'")
    project.program(west, USER.format(""))
    project.up()
    project.program(west, USER.format(""), other)
    project.up()
    project.program(west, other)
    project.up()
    assert emails(sandbox) == ["ana@x.example"]


def test_a_member_who_leaves_a_replaced_team_is_deactivated(project: Project, sandbox: Sandbox) -> None:
    project.program("import seatwise", ROSTER.format("('ana', 'ben', 'cleo')", "replacement_trigger=1"))
    project.up()
    project.program("import seatwise", ROSTER.format("('ana', 'ben')", "replacement_trigger=2"))
    project.up()
    assert emails(sandbox) == ["ana@x.example", "ben@x.example"]
    assert emails(sandbox, active=False) == ["cleo@x.example"], "to be deleted by the next run"
    project.up()
    assert sorted(each["Email"] for each in sandbox.accounts("nexudus").values()) == ["ana@x.example", "ben@x.example"]
    project.assert_unchanged()


def test_the_removal_limit_also_holds_for_a_replaced_team(project: Project, sandbox: Sandbox) -> None:
    project.program("import seatwise", ROSTER.format("[f'p{n}' for n in range(8)]", "replacement_trigger=1"))
    project.up()
    for more in ("", ", delete_before_replace=True"):
        project.program("import seatwise", ROSTER.format("['p0']", f"replacement_trigger=2{more}"))
        assert "would leave" in project.up(fails=True).output
        assert len(emails(sandbox)) == 8


def test_a_pending_delete_after_a_replacement_keeps_the_account(project: Project, sandbox: Sandbox) -> None:
    project.program(USER.format("replacement_trigger=1"))
    project.up()
    before = sandbox.accounts("nexudus")
    state = project.folder.parent / "old.json"
    project.run("stack", "export", "--file", str(state))
    # What a kill between the create and the delete leaves behind.
    exported: dict[str, Any] = json.loads(state.read_text())
    (old,) = [each for each in exported["deployment"]["resources"] if "seatwise" in each["type"]]
    exported["deployment"]["resources"].append({**old, "delete": True})
    state.write_text(json.dumps(exported))
    project.run("stack", "import", "--file", str(state))

    project.up()
    assert sandbox.accounts("nexudus") == before
    project.assert_unchanged()
    project.run("stack", "import", "--file", str(state))
    project.destroy()
    assert emails(sandbox) == []


# --- two resources ----------------------------------------------------------------------------


COMPONENTS = """
class A(pulumi.ComponentResource):
    def __init__(self, name, kind, opts=None):
        super().__init__(kind, name, None, opts)
"""


@pytest.mark.parametrize(("of", "nested"), [("user", True), ("person", False)])
def test_two_components_with_one_account_are_refused_in_preview(project: Project, of: str, *, nested: bool) -> None:
    child = {
        "user": "enerflo.User('ana', email='ana@x.example', roles=['Setter'], opts=pulumi.ResourceOptions(parent={}))",
        "person": "seatwise.Person('ana', email='ana@x.example', accounts=[enerflo.Account(roles=['Setter'])],"
        " opts=pulumi.ResourceOptions(parent={}))",
    }[of]
    second = "A('b', 'x:y:A', pulumi.ResourceOptions(parent=a))" if nested else "A('b', 'x:y:B')"
    project.program(
        "import seatwise", COMPONENTS, "a = A('a', 'x:y:A')", f"b = {second}", child.format("a"), child.format("b")
    )
    done = project.preview(fails=True)
    assert re.search(r"email is declared by test/x:y:[AB]\S*ana as well", done.output), done.output


def test_an_account_moves_from_a_team_whose_name_has_a_slash(project: Project, sandbox: Sandbox) -> None:
    user = "enerflo.User('ana/emea', email='ana@x.example', roles=['Setter'])"
    team = "seatwise.Roster('field/emea', vendor=enerflo, members=[{}])"
    ana = "enerflo.UserArgs(email='ana@x.example', roles=['Setter'])"
    ben = "enerflo.UserArgs(email='ben@x.example', roles=['Setter'])"
    project.program("import seatwise", team.format(f"{ana}, {ben}"))
    project.up()
    before = sandbox.accounts("enerflo")
    project.program("import seatwise", team.format(ben), user)
    project.up()
    assert sandbox.accounts("enerflo") == before
    project.program("import seatwise", team.format(f"{ana}, {ben}"))
    project.up()
    assert sandbox.accounts("enerflo") == before
    (kept,) = project.resources()
    assert kept["outputs"]["ids"] == {record["email"]: account for account, record in before.items()}
    project.program("import seatwise")
    project.up()
    assert emails(sandbox, "enerflo") == []


def test_a_team_does_not_take_an_account_that_gets_an_email(project: Project, sandbox: Sandbox) -> None:
    """A colleague gets the e-mail that the account had so far."""
    team = "seatwise.Roster('hosts', vendor=enerflo, members=[{}]{})"
    ana = "enerflo.User('ana', email='{}@x.example', roles=['Setter']{})"
    one = "enerflo.UserArgs(email='{}@x.example', roles=['Setter'])"
    zed, second = one.format("zed"), one.format("ana")
    project.program("import seatwise", "hosts = " + team.format(zed, ""), ana.format("ana", ""))
    project.up()
    before = sandbox.accounts("enerflo")

    after_hosts = ana.format("new", ", opts=pulumi.ResourceOptions(depends_on=[hosts])")
    project.program("import seatwise", "hosts = " + team.format(f"{zed}, {second}", ""), after_hosts)
    refused = project.run("preview", fails=True).output
    assert "it gets a new e-mail while test/hosts gets a member with the one so far" in refused
    project.run("up", "--yes", "--skip-preview", fails=True)
    assert {each["email"] for each in sandbox.accounts("enerflo").values()} == {"ana@x.example", "zed@x.example"}

    project.program("import seatwise", "hosts = " + team.format(zed, ""), after_hosts)
    project.up()
    after_ana = ", opts=pulumi.ResourceOptions(depends_on=[ana])"
    project.program("import seatwise", "ana = " + ana.format("new", ""), team.format(f"{zed}, {second}", after_ana))
    project.up()
    accounts = sandbox.accounts("enerflo")
    assert sorted(each["email"] for each in accounts.values()) == ["ana@x.example", "new@x.example", "zed@x.example"]
    assert next(key for key, each in before.items() if each["email"] == "ana@x.example") == next(
        key for key, each in accounts.items() if each["email"] == "new@x.example"
    )
    project.assert_unchanged()


def test_an_email_may_be_freed_and_given_in_one_up(project: Project, sandbox: Sandbox) -> None:
    """The team depends on the resource that frees the e-mail."""
    second = "enerflo.UserArgs(email='ana@x.example', roles=['Setter'])"
    team = f"seatwise.Roster('hosts', vendor=enerflo, members=[{second}]{{}})"
    ana = "ana = enerflo.User('ana', email='{}@x.example', roles=['Setter'])"
    project.program(ana.format("ana"))
    project.up()
    depends = ", opts=pulumi.ResourceOptions(depends_on=[ana])"
    project.program("import seatwise", ana.format("new"), team.format(depends))
    project.up()
    assert sorted(emails(sandbox, "enerflo")) == ["ana@x.example", "new@x.example"]


def test_for_a_resource_with_a_new_parent_the_error_has_an_alias(project: Project, sandbox: Sandbox) -> None:
    child = "enerflo.User('ana', email='ana@x.example', roles=['Setter'], opts=pulumi.ResourceOptions(parent=a))"
    project.program(COMPONENTS, "a = A('a', 'x:y:A')", child)
    project.up()
    project.up()
    project.program(COMPONENTS, "a = A('a', 'x:y:Renamed')", child)
    done = project.up(fails=True)
    assert "aliases=[" in done.output
    assert "An adopted account stays active when it leaves the program" in done.output
    (alias,) = {*re.findall(r"aliases=\[(\S+)\]", done.output)}
    project.program(COMPONENTS, "a = A('a', 'x:y:Renamed')", child.replace("parent=a", f"parent=a, aliases=[{alias}]"))
    sandbox.mark()
    project.up()
    assert sandbox.writes("enerflo") == []
    project.assert_unchanged()


# --- two stacks -------------------------------------------------------------------------------


ANA = "enerflo.User('ana', email='ana@x.example', roles=['Setter'])"


def test_a_renamed_stack_keeps_its_accounts_from_its_old_name(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA)
    project.up()
    project.run("stack", "rename", "renamed")
    assert "test/ana is renamed/ana now" in project.preview().output
    sandbox.mark()
    assert project.up().changes == {"updated": 1, "unchanged": 1}
    assert sandbox.writes("enerflo") == []
    project.assert_unchanged()

    project.run("stack", "init", "test")
    done = project.up(fails=True)
    (account,) = sandbox.accounts("enerflo")
    assert f"with the id {account}: it belongs to renamed/ana of the project accounts" in done.output
    assert emails(sandbox, "enerflo") == ["ana@x.example"]


def test_a_stack_of_the_same_name_is_refused_with_the_id(project: Project, sandbox: Sandbox, tmp_path: Path) -> None:
    """A stack of the old name after `stack rename` is the same to seatwise: it sees the name and the journal."""
    project.program(ANA)
    project.up()
    project.preview()
    (tmp_path / "other").mkdir()
    project.environment["PULUMI_BACKEND_URL"] = f"file://{tmp_path / 'other'}?metadata=skip"
    project.run("stack", "init", "test")
    done = project.up(fails=True)
    (account,) = sandbox.accounts("enerflo")
    assert f"with the id {account}: seatwise made it for test/ana" in done.output
    assert "another stack of the same name has it, or a state was lost" in done.output


def test_a_moved_account_is_not_given_back_to_the_source(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA)
    project.up()
    project.up()
    project.run("stack", "init", "target", "--no-select")
    urn = URN.format("enerflo:User", "ana")
    project.run("state", "move", "--source", "test", "--dest", "target", urn, "--yes")
    done = project.up(fails=True)
    assert "is there already, with the id" in done.output
    project.run("stack", "select", "target")
    assert "test/ana is target/ana now" in project.up().output
    project.assert_unchanged()
    assert emails(sandbox, "enerflo") == ["ana@x.example"]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_colleague_does_not_get_the_account_of_a_new_email(
    project: Project, sandbox: Sandbox, *, is_replaced: bool
) -> None:
    """She would adopt it, and comes first: a replacement has no diff that could refuse it in preview."""
    user = "nexudus.User('{0}', full_name='{0}', email='{1}@x.example', language=1{2})"
    project.program(user.format("ana", "ana", ""))
    project.up()
    (account,) = sandbox.accounts("nexudus")
    project.program(
        "new = " + user.format("new", "ana", ", on_existing='adopt'"),
        user.format("ana", "ruiz", ", opts=pulumi.ResourceOptions(depends_on=[new])"),
    )
    if not is_replaced:
        assert "new adopts the one so far, and with it the account" in project.preview(fails=True).output
        return
    urn = URN.format("nexudus:User", "ana")
    for options in (["--replace", urn], []):
        assert "new has this account in this run as well" in project.up(*options, fails=True).output
        assert sandbox.accounts("nexudus")[account]["Email"] == "ana@x.example"
    project.program(user.format("ana", "ruiz", ""))
    project.up()
    assert (sandbox.accounts("nexudus")[account]["Email"], emails(sandbox)) == ("ruiz@x.example", ["ruiz@x.example"])
    project.assert_unchanged()
