"""Memberships on the real engine: a user in a group, from preview to destroy, and each kind of replacement."""

import re

import httpx
import pytest

from conftest import Sandbox
from engine.conftest import Project
from seatwise.sandbox.scim import GROUPS

pytestmark = pytest.mark.engine
ENGINEERS, GUESTS = GROUPS
ANA = "dev = scim.User('ana', user_name='ana@example.com', display_name='Ana')"
URN = "urn:pulumi:test::accounts::pulumi-python:dynamic/seatwise/scim:{}::ana"


def membership(group: str = "Engineers", *, name: str = "ana", user: str = "dev.id", opts: str = "") -> str:
    options = f"opts=pulumi.ResourceOptions({opts})"
    return f"scim.Membership({name!r}, user={user}, group=scim.group_id({group!r}), {options})"


def members(sandbox: Sandbox, group: str = ENGINEERS) -> list[str]:
    kept = sandbox.accounts("scim groups").get(group, {})
    return list(kept.get("members", []))


def removed_by_hand(sandbox: Sandbox, group: str = ENGINEERS) -> None:
    """Nobody is in the group any more."""
    url, headers = f"{sandbox.url}/scim/Groups/{group}", {"authorization": "Bearer sandbox-scim-token"}
    body = {"Operations": [{"op": "remove", "path": "members"}]}
    httpx.patch(url, headers=headers, json=body).raise_for_status()


def test_a_membership_lives_from_preview_to_destroy(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA, membership())
    preview = project.preview().output
    assert "scim:Membership: (create)" in preview
    assert sandbox.writes() == []

    assert project.up().changes["created"] == 3
    (user,) = sandbox.accounts("scim")
    assert members(sandbox) == [user]
    (kept,) = [each for each in project.resources() if each["type"].endswith(":Membership")]
    assert kept["type"] == "pulumi-python:dynamic/seatwise/scim:Membership"
    assert (kept["id"], kept["outputs"]["shown_in"]) == (f"{ENGINEERS}/{user}", "group")
    sandbox.mark()
    assert project.up().changes == {"unchanged": 3}
    assert sandbox.writes() == []
    assert project.refresh().changes == {"unchanged": 3}

    removed_by_hand(sandbox)
    assert project.refresh().changes == {"deleted": 1, "unchanged": 2}
    assert project.up().changes == {"created": 1, "unchanged": 2}
    assert members(sandbox) == [user]

    project.program(ANA, membership("Guests"))
    assert project.up().output.count("replaced") >= 1
    assert (members(sandbox), members(sandbox, GUESTS)) == ([], [user])

    assert project.destroy().changes == {"deleted": 3}
    assert members(sandbox, GUESTS) == []
    assert sandbox.accounts("scim")[user]["active"] is False


@pytest.mark.parametrize("opts", ["", "delete_before_replace=True"], ids=["create first", "delete first"])
def test_a_membership_survives_each_kind_of_replacement(project: Project, sandbox: Sandbox, opts: str) -> None:
    project.program(ANA, membership(opts=f"replacement_trigger='q1', {opts}"))
    project.up()
    (user,) = sandbox.accounts("scim")
    as_created = project.kept()
    project.program(ANA, membership(opts=f"replacement_trigger='q2', {opts}"))
    urn = URN.format("Membership")
    of_one = [] if opts else [["--replace", urn], ["--target-replace", urn]]  # the same requests in either order
    for arguments in ([], *of_one, ["--replace", "**"]):
        done = project.up(*arguments)
        assert "replaced" in done.output or "+-" in done.output, done.output
        assert members(sandbox) == [user]
        assert project.kept() == as_created
        assert len(project.resources()) == 2
    project.run("state", "taint", urn, "--yes")
    project.up()
    assert members(sandbox) == [user]
    assert project.kept() == as_created
    project.assert_unchanged()
    project.program(ANA)
    project.up()
    assert members(sandbox) == [], "a real removal is one, after all of that"


def test_a_renamed_membership_stays(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA, membership())
    project.up()
    (user,) = sandbox.accounts("scim")
    project.program(ANA, membership(name="ana-engineers"))
    assert "stays as it is: this program declares it" in project.up().output
    assert members(sandbox) == [user]
    project.program(ANA, membership(name="again", opts="aliases=[pulumi.Alias(name='ana-engineers')]"))
    sandbox.mark()
    project.up()
    assert sandbox.writes() == []
    project.assert_unchanged()
    assert project.refresh().changes == {"unchanged": 3}


def test_two_memberships_of_one_pair_are_refused_in_preview(project: Project, sandbox: Sandbox) -> None:
    user = sandbox.add("scim", userName="ana@example.com")  # as single sign-on makes it
    lines = [membership(name=name, user=repr(user)) for name in ("ana", "other")]
    project.program(*lines)
    output = project.run("preview", fails=True).output
    assert re.search(r"user is in this group by test/(ana|other) as well: one resource owns a membership", output)
    assert sandbox.writes() == []
    project.program(lines[0])
    project.up()
    assert members(sandbox) == [user]
    project.program()
    project.up()
    assert members(sandbox) == []
    assert list(sandbox.accounts("scim")) == [user], "nothing but the membership is managed"


def test_two_memberships_exchange_their_users(project: Project, sandbox: Sandbox) -> None:
    users = [sandbox.add("scim", userName=f"{name}@example.com") for name in ("ana", "ben")]
    pairs = [membership(name=name, user=repr(user)) for name, user in zip(("one", "two"), users, strict=True)]
    project.program(*pairs)
    project.up()
    project.program(*[membership(name=name, user=repr(user)) for name, user in zip(("two", "one"), users, strict=True)])
    project.up()
    assert sorted(members(sandbox)) == sorted(users)
    project.assert_unchanged()


def test_a_destroy_that_runs_the_program_removes_members(project: Project, sandbox: Sandbox) -> None:
    project.program(ANA, membership())
    project.up()
    project.run("destroy", "--yes", "--skip-preview", "--run-program")
    assert members(sandbox) == []


def test_a_membership_under_a_provider_is_replaced_with_it(project: Project, sandbox: Sandbox) -> None:
    """One process creates the new resource, the other one deletes the old one."""
    project.environment["WEST_TOKEN"] = project.environment["SCIM_TOKEN"]
    project.program(
        f"west = scim.Provider('west', base_url={project.environment['SCIM_BASE_URL']!r}, tenant='west',"
        " env={'token': 'WEST_TOKEN'})",
        "opts = pulumi.ResourceOptions(provider=west)",
        ANA.replace(")", ", opts=opts)"),
        f"scim.Membership('ana', opts, user=dev.id, group={ENGINEERS!r})",
    )
    project.up()
    (user,) = sandbox.accounts("scim")
    for arguments in (["--replace", "**"], []):
        project.up(*arguments)
        assert members(sandbox) == [user]
    project.assert_unchanged()


def test_a_hidden_membership_has_no_diff(project: Project, sandbox: Sandbox) -> None:
    sandbox.switch(scim_members="nowhere")
    project.program(ANA, membership())
    assert "does not show its members, so a removal by hand will not be noticed" in project.up().output
    assert project.up("--refresh").changes == {"unchanged": 3}
    project.destroy()
    assert members(sandbox) == []


def test_bad_input_is_one_line_in_preview(project: Project, sandbox: Sandbox) -> None:
    project.program(f"scim.Membership('ana', user='', group={ENGINEERS!r})")
    output = project.run("preview", fails=True).output
    assert "user must be the id of a user, and is empty" in output
    assert "Traceback" not in output
    assert sandbox.requests() == []
