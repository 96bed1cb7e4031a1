"""Helpers that run commands, and a tenant of each vendor with some accounts."""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from conftest import running_with
from seatwise.cli import main
from seatwise.sandbox import server
from seatwise.vendors import names

LIBRARIAN = "7d5620e1-f423-11e9-8071-89c0c4052141"
PEOPLE: dict[str, list[dict[str, Any]]] = {
    "enerflo": [
        {"id": 1, "email": "Ana@Example.com", "first_name": "Ana", "last_name": "Ruiz", "roles": ["Sales Rep"],
         "active": True, "allow_optimus": False, "can_create_customers": True, "phone": "5550100001"},
        {"id": 2, "email": "ben@example.com", "first_name": "Ben\t\x1b[31m", "last_name": "", "active": False,
         "roles": ["Sales Rep", "Regional Manager"], "allow_optimus": False, "can_create_customers": True},
        {"id": 3, "email": "cleo@other.example", "first_name": "Cleo", "last_name": "[b]", "roles": ["Setter"],
         "active": True, "allow_optimus": False, "can_create_customers": True},
    ],
    "nexudus": [
        {"Id": 1, "Email": "ana@example.com", "FullName": "Ana Ruiz", "Language": 2, "Active": True, "IsAdmin": True,
         "UserRoles": [77, 78], "Businesses": [], "ChatRooms": [], "AccessToken": "a-token", "PasswordSalt": "a-salt"},
        {"Id": 2, "Email": "ben@example.com", "FullName": "Ben", "Language": 1, "Active": False, "UserRoles": [],
         "Businesses": [], "ChatRooms": []},
    ],
    "tenovos": [
        {"userId": "u1", "email": "ana@example.com", "firstName": "Ana", "lastName": "Ruiz", "username": "ana",
         "userRoleId": LIBRARIAN, "status": "enabled", "groups": []},
    ],
}  # fmt: skip


def run(*arguments: str, stdin: str = "") -> Result:
    """Run a command in this process and return its output and exit code."""
    return CliRunner().invoke(main, arguments, input=stdin, env={"COLUMNS": "80"})


def failed_with(*arguments: str) -> str:
    """Run a command that must fail, and return its one line of error."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("seatwise: ")
    return line


def in_a_terminal(*arguments: str, typed: str = "", **environment: str) -> tuple[int, str]:
    """Run the command in a terminal of 80 columns, type this, and return the exit code and the output."""
    terminal, its_end = pty.openpty()
    command = [sys.executable, "-m", "seatwise", *arguments]
    variables = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "20", **environment}
    with subprocess.Popen(
        command, env=os.environ | variables, stdin=its_end, stdout=its_end, stderr=its_end
    ) as process:
        os.close(its_end)
        os.write(terminal, typed.encode())
        seen = bytearray()
        with watchdog(process):
            with suppress(OSError):  # reading a closed terminal is an error
                while part := os.read(terminal, 1024):
                    seen += part
            process.wait(30)
    os.close(terminal)
    return process.returncode, seen.decode().replace("\r\n", "\n")


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command in a process, which takes Ctrl-C, during the block."""
    with (
        subprocess.Popen(
            [sys.executable, "-m", "seatwise", *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # The tests' parent process may ignore Ctrl-C, as a shell does for background jobs.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
        watchdog(process),
    ):
        yield process


@contextmanager
def watchdog(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Kill the process after 30 seconds, and when the block ends."""
    timer = threading.Timer(30, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()


@pytest.fixture(scope="session")
def _tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_with(PEOPLE, tmp_path_factory.mktemp("tenants")) as url:
        yield url


@pytest.fixture
def tenants(_tenants: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment that points seatwise at tenants with the accounts above; the value is their URL."""
    point_at(_tenants, monkeypatch)
    return _tenants


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment variables that point seatwise at the tenants of a sandbox."""
    for variable, value in server.environment(url).items():
        monkeypatch.setenv(variable, value)
    for name in names():
        monkeypatch.setenv(f"{name.upper()}_REQUESTS_PER_MINUTE", "0")
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.5")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{url}/tenovos-1.5")
