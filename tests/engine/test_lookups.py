"""A program that looks things up, on the real engine."""

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
HOST = (
    "host = nexudus.User('ana', email='ana@example.com', full_name='Ana', language=nexudus.Language.SPANISH,"
    " user_roles=[nexudus.role_id('Front desk')])"
)
PROGRAM = (
    HOST,
    "rep = enerflo.User('ana', email='ana@example.com', roles=['Sales Rep'], office_ids=[enerflo.office_id('Denver')])",
    "pulumi.export('offices', enerflo.get_offices())",
    "pulumi.export('setters', host.id.apply(lambda id: enerflo.get_users(role='Setter')))",
)


def test_a_program_looks_things_up_in_preview_and_in_up(project: Project, sandbox: Sandbox) -> None:
    project.program(*PROGRAM)
    sandbox.mark()
    shown = project.preview().output
    assert "[0]: 77" in shown, "the role's id is known"
    assert "setters" in shown
    assert sandbox.calls("enerflo") == ["GET /api/v3/offices"], "one look for all that ask, and none for the unknown"
    assert sandbox.writes() == []

    done = project.up()
    assert done.changes["created"] == 3
    assert sandbox.only("nexudus")["UserRoles"] == [77]
    assert sandbox.only("enerflo")["office_ids"] == [12]
    assert 'name: "Denver"' in done.output

    project.program(HOST.replace("Front desk", "Front dsk"))
    refused = project.preview(fails=True).output
    assert 'error: Nexudus user role "Front dsk": not found; did you mean "Front desk"?' in refused
    assert "Traceback" not in refused
