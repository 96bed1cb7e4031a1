"""An SDK or a program that removes the owner from a resource's inputs."""

import os
import re
from itertools import chain

import pytest

from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
DECLARATIONS = {
    "User": ["enerflo.User('ana', email='ana@example.com', roles=['Setter'], on_existing='adopt')"],
    "Roster": [
        "members = [enerflo.UserArgs(email='ben@example.com', roles=['Setter'])]",
        "seatwise.Roster('sales', vendor=enerflo, members=members, on_existing='adopt')",
    ],
}
EACH = {"User (ana)", "Roster (sales)"}
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


def refused(output: str, reason: str) -> set[str]:
    """Return the resources that an error with this reason is about."""
    found = re.findall(r"^ +pulumi-python:dynamic/seatwise/enerflo:(\w+ \(\w+\)):\n +error: (.*)", output, re.M)
    return {name for name, error in found if reason in error}


def test_an_sdk_that_drops_properties_touches_no_account(project: Project, sandbox: Sandbox) -> None:
    for name in ("ana", "ben"):
        sandbox.add("enerflo", email=f"{name}@example.com", roles=["Setter"])
    project.program("import seatwise", *chain(*DECLARATIONS.values()))
    project.up()
    sandbox.mark()

    (project.folder / "sitecustomize.py").write_text(OLD_SDK)
    project.environment["PYTHONPATH"] = os.fspath(project.folder)
    for command in ("refresh", "up", "destroy"):
        options = ["--continue-on-error"] if command == "destroy" else []
        output = project.run(command, "--yes", "--skip-preview", *options, fails=True).output
        named = refused(output, "drops what states say of accounts: install pulumi 3.235 or newer")
        assert named == EACH or (command == "up" and named), "the program ends with the first"
        assert "Traceback" not in output
    assert sandbox.requests() == []

    project.environment.pop("PYTHONPATH")
    assert project.up().changes == {"unchanged": 3}


@pytest.mark.parametrize("kind", DECLARATIONS)
def test_a_resource_without_its_owner_is_refused_in_preview(kind: str, project: Project, sandbox: Sandbox) -> None:
    """A preview ends with the first refusal, so each kind has its own."""
    project.program("import seatwise", TRANSFORM, *DECLARATIONS[kind])

    output = project.preview(fails=True).output

    assert "__owner did not arrive, which says whose account this is: let no transform remove it" in output
    assert "Traceback" not in output
    assert sandbox.requests() == []
