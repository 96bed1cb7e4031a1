"""The whole `seatwise` command: usage, help and its page, completion, Ctrl-C."""

import re
import shlex
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer.main
from typer.testing import CliRunner

from cli.conftest import run, watchdog
from conftest import Sandbox
from seatwise.cli import main
from seatwise.vendors import names

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()
SECTIONS = dict(re.findall(r"^## `seatwise (\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
COMMANDS: dict[str, Any] = dict(typer.main.get_command(main).commands)  # type: ignore[attr-defined]


def options(command: str) -> set[str]:
    """Return the long names of a command's options."""
    return {
        name for each in COMMANDS[command].params for name in [*each.opts, *each.secondary_opts] if name[:2] == "--"
    }


def test_the_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"seatwise {version('seatwise')}\n")


FULL = "the output cannot be written: No space left on device"
CLOSED = "the output cannot be written: it is closed; send it to a file, or to /dev/null"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", ["--version", "--help", "show enerflo 1", "list nexudus --json"])
@pytest.mark.parametrize(("output", "problem"), [("> /dev/full", FULL), (">&-", CLOSED)])
def test_output_that_cannot_be_written_fails_with_one_line(
    arguments: str, output: str, problem: str, tenants: str
) -> None:
    command = f"{shlex.quote(sys.executable)} -m seatwise {arguments} {output}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"seatwise: {problem}\n")


def test_a_reader_that_closes_the_pipe_causes_no_message(tenants: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m seatwise list enerflo | true"
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--help"], ["sandbox", "--version", "0 done, 1 failed, 2 wrong usage"], id="seatwise"),
        pytest.param(["sandbox", "--help"], ["--port", "--data", "--seed", "--no-limits", "8765"], id="sandbox"),
        pytest.param(
            ["run", "--help"],
            [
                "PULUMI_SKIP_CHECKPOINTS=true",
                "PULUMI_EXPERIMENTAL=1",
                "SEATWISE_THREADS=16",
                "PULUMI_PARALLEL=16",
                "-p",
                "journal",
                "127",
            ],
            id="run",
        ),
    ],
)
def test_help_names_every_option(arguments: list[str], words: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["sandpit"], id="unknown-command"),
        pytest.param(["sandbox", "--prot", "1"], id="unknown-option"),
        pytest.param(["sandbox", "--port", "65536"], id="port-too-high"),
        pytest.param(["sandbox", "--port", "http"], id="port-no-number"),
        pytest.param(["sandbox", "extra"], id="extra-argument"),
        pytest.param(["run"], id="run-nothing"),
        pytest.param(["run", "--"], id="run-nothing-after-dashes"),
        pytest.param(["run", "--yes", "pulumi"], id="run-unknown-option"),
        pytest.param(["list"], id="list-no-vendor"),
        pytest.param(["list", "hubspot"], id="list-unknown-vendor"),
        pytest.param(["list", "enerflo", "--stack", "dev"], id="list-a-stack-without-unmanaged"),
        pytest.param(["list", "enerflo", "--export", "-"], id="list-an-export-without-unmanaged"),
        pytest.param(["list", "enerflo", "--unmanaged", "--cwd", "/nowhere"], id="list-no-folder"),
        pytest.param(["list", "enerflo", "--leavers", "people.csv", "--inactive"], id="list-leavers-are-active"),
        pytest.param(["show", "enerflo"], id="show-no-account"),
        pytest.param(["show", "hubspot", "7"], id="show-unknown-vendor"),
        pytest.param(["import", "hubspot"], id="import-unknown-vendor"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


# --- the page ---------------------------------------------------------------------------------


def test_the_page_has_every_command() -> None:
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_the_page_name_the_same_options(command: str) -> None:
    listed = re.findall(r"^\| (`.*?) \|", SECTIONS[command], re.M)
    documented = {name for cell in listed for name in re.findall(r"--[a-z-]+", cell)}
    assert documented == options(command)
    shown = " ".join(run(command, "--help").stdout.split())
    assert [name for name in documented if name not in shown] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_has_examples_and_exit_codes_of_each_command(command: str) -> None:
    examples = re.findall(rf"^    seatwise {command}\b(.*?)(?: +#.*)?$", SECTIONS[command], re.M)
    assert examples
    used = {word for line in examples for word in shlex.split(line.split(" -- ")[0]) if word[:2] == "--"}
    assert used <= options(command) | {"--"}
    assert "Exit codes: " in SECTIONS[command]


# --- the terminal -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        pytest.param("seatwise s", ["show", "sandbox"], id="commands"),
        pytest.param("seatwise list ", names(), id="vendors"),
        pytest.param("seatwise show n", ["nexudus"], id="a-vendor"),
        pytest.param("seatwise list enerflo --unm", ["--unmanaged"], id="options"),
    ],
)
def test_a_shell_completes_commands_options_and_vendors(words: str, offered: list[str]) -> None:
    count = str(len(words.split(" ")) - 1)
    environment = {"_SEATWISE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count}
    result = CliRunner().invoke(main, env=environment, prog_name="seatwise")
    assert sorted(result.stdout.split()) == sorted(offered)


def test_ctrl_c_is_exit_code_130_and_no_traceback(settings: None, sandbox: Sandbox) -> None:
    sandbox.switch(hold={"at": 1})
    with (
        subprocess.Popen(
            [sys.executable, "-m", "seatwise", "list", "enerflo"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
        watchdog(process),
    ):
        while not httpx.get(f"{sandbox.url}/sandbox/options", trust_env=False).json()["hold"]["reached"]:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 130
