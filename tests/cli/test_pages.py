"""Each `seatwise` command in a page works, in a folder with the files that the command names."""

import json
import os
import shlex
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import httpx
import pytest

import pages
from cli.conftest import run, started
from conftest import executable
from seatwise.sandbox import server

PRINTED = sorted(
    {shlex.join(each) for page in pages.PAGES for each in pages.commands(page.read_text()) if each[0] == "seatwise"}
)
NAMED_ONLY = {
    "seatwise rehearse",
    "seatwise import",
    "seatwise list",
    "seatwise run",
    "seatwise show",
    "seatwise roles",
}
DOCUMENTED_ID = "7d6207c0-f423-11e9-8071-89c0c4052141"  # the tests' tenants have no account with this id
PEOPLE = {"people.csv": "email\nana@example.com\n", "people.yaml": "- email: ana@example.com\n"}
EXPORT = json.dumps({"version": 3, "deployment": {"resources": []}})


def starting(*beginnings: str) -> list[str]:
    return [each for each in PRINTED if each not in NAMED_ONLY and each.split()[1] in beginnings]


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with files of people, and a `pulumi` command whose stacks own no account."""
    monkeypatch.chdir(tmp_path)
    for name, content in PEOPLE.items():
        Path(name).write_text(content)
    script = f"#!/bin/sh\n[ \"$1\" = version ] && echo v3.259.0 || echo '{EXPORT}'\n"
    pulumi = executable(tmp_path / "bin" / "pulumi", script)
    monkeypatch.setenv("PATH", f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}")


def test_all_printed_commands_are_run_here() -> None:
    ran = starting("list", "show", "roles", "import", "doctor", "rehearse", "--version", "sandbox", "run")
    assert {*PRINTED} - {*ran} == {*NAMED_ONLY, "seatwise --install-completion"}


@pytest.mark.parametrize("command", starting("list", "show", "roles", "import", "doctor", "--version"))
def test_a_printed_command_succeeds(command: str, tenants: str) -> None:
    before_redirection = takewhile(lambda word: word != ">", shlex.split(command)[1:])
    words = [word.replace(DOCUMENTED_ID, "u1") for word in before_redirection]
    result = run(*words, stdin=EXPORT)
    is_audit = "--unmanaged" in words or "--leavers" in words
    assert result.exit_code in ((0, 3) if is_audit else (0,)), result.stderr


@pytest.mark.parametrize("command", starting("rehearse"))
def test_a_printed_rehearsal_succeeds(command: str, settings: None) -> None:
    """At a tenant of its own: it leaves an account."""
    words = [word.replace("VENDOR", "enerflo").replace("ADDRESS", "a@example.com") for word in shlex.split(command)[1:]]
    result = run(*words, stdin="y\n")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", starting("run"))
def test_a_printed_run_becomes_its_command(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(done.stdout) == json.loads(EXPORT)


@pytest.mark.parametrize("command", starting("sandbox"))
def test_a_printed_sandbox_starts_and_stops(command: str) -> None:
    words = shlex.split(command)
    if "--seed" in words:
        Path(words[words.index("--seed") + 1]).write_text('{"enerflo": []}')
    port = [] if "0" in words else ["--port", "0"]  # the last one counts
    with started(*words[1:], *port) as process:
        assert process.stdout
        exports = [process.stdout.readline() for _ in server.environment("")]
        base_url = dict(each.strip().split("=") for each in exports)["export ENERFLO_BASE_URL"]
        assert httpx.get(f"{base_url}/api/v3/users", trust_env=False).status_code == 401
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0
