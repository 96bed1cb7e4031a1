"""`pulumi up` carries out a saved plan, passwords included."""

import re

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
PROGRAM = """
import seatwise
nexudus.User("ana", email="ana@example.com", full_name="Ana", language=1, password={password!r})
enerflo.User("ana", email="ana@example.com", roles=["Setter"], password="a first password")
seatwise.Roster("desk", vendor=nexudus, members=[
    nexudus.UserArgs(email=f"{{name}}@example.com", full_name=name, language=1,
        password={password!r} if name == "ben" else "the first one")
    for name in ("ben", "cleo")
])
"""


def test_a_saved_plan_with_passwords_is_carried_out(project: Project, sandbox: Sandbox) -> None:
    for password, changed in (("the first one", 3), ("another one", 2)):
        project.program(PROGRAM.format(password=password))
        project.run("preview", "--save-plan", "plan.json")
        sandbox.mark()
        project.up("--plan", "plan.json")
        assert [each["body"].get("Password") for each in sandbox.writes("nexudus")] == [password] * changed
        assert password not in (project.folder / "plan.json").read_text()
    assert sandbox.writes("enerflo") == []
    state = project.run("stack", "export", "--show-secrets").output
    assert len({*re.findall(r"scrypt:[^:]{24}:", state)}) == 4, "no two accounts have one salt"
