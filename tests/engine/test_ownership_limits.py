"""The limits of ownership on the real engine, as docs/takeover.md and docs/ci.md describe them."""

from pathlib import Path

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
ANA = "enerflo.User('ana', email='ana@x.example', roles=['Setter'])"
URN = "urn:pulumi:test::accounts::pulumi-python:dynamic/seatwise/nexudus:User::ana"
HOST = "nexudus.User('ana', full_name='Ana', email='{}@x.example', language=1, on_destroy='delete')"


def test_a_resource_renamed_with_an_alias_keeps_its_account(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA)
    project.up()
    alias = "opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name='ana')]))"
    project.program(ANA.replace("'ana'", "'ana-ruiz'").removesuffix(")") + f", {alias}")
    sandbox.mark()
    assert "test/ana is test/ana-ruiz now" in project.up().output
    assert sandbox.writes("enerflo") == []
    project.assert_unchanged()


@pytest.mark.parametrize("is_previewed", [False, True])
def test_a_preview_ends_what_a_first_up_leaves_open(project: Project, sandbox: Sandbox, *, is_previewed: bool) -> None:
    """Without one, a new stack of the old name is taken for a run of which the engine forgot the create.

    A preview before the rename: test_ownership.py has a stack of the same name, which is the same to seatwise.
    """
    project.program(ANA)
    project.up()
    project.run("stack", "rename", "renamed")
    if is_previewed:
        project.preview()
    project.run("stack", "init", "test")
    (account,) = sandbox.accounts("enerflo")
    if is_previewed:
        assert f"with the id {account}" in project.up(fails=True).output
    else:
        project.up()
        assert list(sandbox.accounts("enerflo")) == [account]


@pytest.mark.parametrize("runs", [1, 2])
def test_an_email_changes_before_a_replacement_and_not_with_it(project: Project, sandbox: Sandbox, runs: int) -> None:
    """Where the journal is not: the old account is deactivated, and never deleted, when both come in one run."""
    project.program(HOST.format("ana"))
    project.up()
    (account,) = sandbox.accounts("nexudus")
    Path(project.environment["SEATWISE_JOURNAL"]).unlink()
    project.program(HOST.format("ruiz"))
    if runs == 2:
        project.up()
    project.up("--replace", URN)
    accounts = sandbox.accounts("nexudus")
    assert [each["Email"] for each in accounts.values() if each["Active"]] == ["ruiz@x.example"]
    assert len(accounts) == 3 - runs
    assert accounts[account]["Active"] is (runs == 2)
    project.assert_unchanged()


def test_a_state_that_was_lost_is_taken_up_by_adoption(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA)
    project.up()
    project.preview()
    project.run("stack", "rm", "--force", "--yes")
    project.run("stack", "init", "test")
    assert "a state was lost" in project.up(fails=True).output
    project.program(ANA.removesuffix(")") + ", on_existing='adopt', on_destroy='deactivate')")
    project.up()
    (account,) = sandbox.accounts("enerflo").values()
    assert account["active"] is True
    project.program()
    project.up()
    (account,) = sandbox.accounts("enerflo").values()
    assert account["active"] is False
