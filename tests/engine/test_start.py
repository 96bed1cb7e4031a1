"""The files and commands of pages for new users, in their order."""

import sqlite3
from collections import Counter
from contextlib import closing
from itertools import chain
from pathlib import Path
from threading import Timer

import pytest

import pages
from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine


def test_a_new_user_creates_changes_and_deactivates_an_account(
    tmp_path: Path, project: Project, sandbox: Sandbox
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_PYTHON_CMD"):
        del project.environment[name]
    text = pages.start_section().replace("    seatwise sandbox\n", "")
    commands = pages.walk(text).replace("http://127.0.0.1:8765", sandbox.url)
    commands = commands.replace("rehearsal@example.com", "rehearsal@example.com --yes")  # the question has no answer

    said = project.shell(commands, tmp_path / "empty")

    for told in ('"Sales Rep" => "Setter"', '"Ana" => "Anna"', '"Anna" => "Ana"'):
        assert told in said
    ana, rehearsed = sandbox.accounts("enerflo").values()
    assert (ana["email"], ana["active"], rehearsed["active"]) == ("ana@example.com", False, False)


def test_ten_users_and_three_memberships_live_at_a_scim_service(project: Project, sandbox: Sandbox) -> None:
    said = project.shell(pages.scim_walk())

    assert "\n1 account" in said
    assert [each["active"] for each in sandbox.accounts("scim").values()] == [False] * 10
    changes = [each["body"]["Operations"] for each in sandbox.writes("scim") if "/Groups/" in each["path"]]
    assert Counter(each["op"] for each in chain(*changes)) == {"add": 4, "remove": 4}, "Dan takes Cleo's place"
    assert [group["members"] for group in sandbox.accounts("scim groups").values()] == [[]]


def test_a_first_up_waits_for_another_run_in_the_journal(project: Project, sandbox: Sandbox) -> None:
    """Without its journal it could create an account twice."""
    project.program("enerflo.User('ana', email='ana@example.com', roles=['Setter'], office_ids=[1])")
    journal = project.environment["SEATWISE_JOURNAL"]
    with closing(sqlite3.connect(journal, check_same_thread=False)) as other:
        other.execute("begin immediate")
        end = Timer(5, other.rollback)  # the provider opens the journal within these seconds
        end.start()
        try:
            said = project.up().output
        finally:
            end.join()

    assert "cannot be used" not in said
    (ana,) = sandbox.accounts("enerflo")
    with closing(sqlite3.connect(journal)) as written:
        assert written.execute("select account from deeds").fetchall() == [(ana,)]
