"""An SDK or a program that removes the owner from a resource's inputs."""

import os

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
ANA = "email='ana@example.com', roles=['Setter']"
TEAM = f"members = [enerflo.UserArgs({ANA})]"
DECLARATIONS = {
    "User": [f"enerflo.User('ana', {ANA}, on_existing='adopt')"],
    "Roster": [TEAM, "seatwise.Roster('sales', vendor=enerflo, members=members, on_existing='adopt')"],
}
# As versions before 3.235 have it: what begins with `__` is dropped, but for `__provider`.
OLD_SDK = """
from pulumi.runtime import rpc
inner = rpc.deserialize_properties
rpc.deserialize_properties = lambda properties, unknowns=None, internal=None: inner(properties, unknowns, False)
"""
TRANSFORM = """
def without_owner(args):
    args.props.pop("__owner", None)
    return pulumi.ResourceTransformationResult(args.props, args.opts)
pulumi.runtime.register_stack_transformation(without_owner)
"""


@pytest.mark.parametrize("kind", DECLARATIONS)
def test_an_sdk_that_drops_properties_touches_no_account(kind: str, project: Project, sandbox: Sandbox) -> None:
    sandbox.add("enerflo", email="ana@example.com", roles=["Setter"])
    project.program("import seatwise", *DECLARATIONS[kind])
    project.up()
    sandbox.mark()

    (project.folder / "sitecustomize.py").write_text(OLD_SDK)
    project.environment["PYTHONPATH"] = os.fspath(project.folder)
    for command in (["refresh", "--yes"], ["up", "--yes"], ["destroy", "--yes"]):
        output = project.run(*command, fails=True).output
        assert "drops what states say of accounts: install pulumi 3.235 or newer" in output
        assert "Traceback" not in output
    assert sandbox.requests() == []

    project.environment.pop("PYTHONPATH")
    assert project.up().changes == {"unchanged": 2}


@pytest.mark.parametrize("kind", DECLARATIONS)
def test_a_resource_without_its_owner_is_refused_in_preview(kind: str, project: Project, sandbox: Sandbox) -> None:
    project.program("import seatwise", TRANSFORM, *DECLARATIONS[kind])

    output = project.preview(fails=True).output

    assert "__owner did not arrive, which says whose account this is: let no transform remove it" in output
    assert "Traceback" not in output
    assert sandbox.requests() == []
