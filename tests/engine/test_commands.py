"""Every `pulumi` command in a page is run, here or where a page is walked from top to bottom (test_start.py).

Of a command that is printed with fewer options and with more, the one with more is run. Each option exists
(tests/test_docs.py).
"""

import re
import shlex

import pytest

import pages
from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
PRINTED = {shlex.join(each) for page in pages.PAGES for each in pages.commands(page.read_text()) if each[0] == "pulumi"}
IMPORT = {each for each in PRINTED if each.startswith("pulumi import")}  # run with its file in examples/brownfield
CLOUD = {each for each in PRINTED if each.startswith(("pulumi deployment ", "pulumi stack schedule "))}
# What pages talk of without the word that says which.
MORE = {"pulumi stack change-secrets-provider": ["passphrase"]}
# What makes the stacks and the account comes first; what retires it, re-encrypts the stack and removes it, last.
FIRST = ("pulumi stack init", "pulumi stack select", "pulumi up")
LAST = ("pulumi destroy", "pulumi stack change-secrets-provider", "pulumi stack rm")


def options(command: str) -> set[str]:
    return {word for word in shlex.split(command) if word.startswith("-")}


def does_more(one: str, other: str) -> bool:
    """Return whether one command is the other one with more options."""
    given, less = shlex.split(one), shlex.split(other)
    same = [word for word in given if word in less or not word.startswith("-")]
    return same == less and options(one) > options(other)


def turn(command: str) -> tuple[int, str]:
    places = {name: place - len(FIRST) for place, name in enumerate(FIRST)} | dict.fromkeys(LAST, 1)
    return next((place for name, place in places.items() if command.startswith(name)), 0), command


def test_the_printed_commands_do_what_they_say(project: Project, sandbox: Sandbox) -> None:
    project.program("enerflo.User('ana', email='ana@example.com', roles=['Setter'])")
    asked = project.environment
    unasked = asked | {"PULUMI_OPTION_YES": "true", "PULUMI_OPTION_SKIP_PREVIEW": "true"}
    found = PRINTED - IMPORT - CLOUD
    commands = sorted(
        (each for each in found - pages.walked() if not any(does_more(other, each) for other in found)), key=turn
    )
    assert (len(found), len(commands)) == (40, 24)
    for command in commands:
        _, *words = shlex.split(command)
        project.environment = asked if "--preview-only" in words else unasked
        given = project.run("stack", "export").output if command == "pulumi stack import" else ""
        project.run(*words, *MORE.get(command, []), stdin=given)
    assert sandbox.only("enerflo")["active"] is True, "the walks remove accounts"


@pytest.mark.parametrize("command", sorted(CLOUD))
def test_commands_of_pulumi_cloud_fail_only_for_lack_of_a_login(command: str, project: Project) -> None:
    """The engine accepts the command and its options, and refuses it only because the backend is another one."""
    _, *words = shlex.split(command)
    project.run("stack", "init", "prod")
    refused = project.run(*words, fails=True).output.strip()
    assert re.search(r"^error: .* requires the Pulumi Cloud backend", refused, re.M)
