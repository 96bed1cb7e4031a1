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

from cli.conftest import run, started
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
        (["--help"], ["sandbox", "--version", "0 done, 1 failed, 2 wrong usage"]),
        (["sandbox", "--help"], ["--port", "--data", "--seed", "--no-limits", "8765"]),
        (["run", "--help"], ["PULUMI_SKIP_CHECKPOINTS=true", "PULUMI_EXPERIMENTAL=1", "journal", "127"]),
        (["run", "--help"], ["SEATWISE_THREADS=16", "PULUMI_PARALLEL=16", "-p"]),
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
        "", "sandpit", "sandbox --prot 1", "sandbox --port 65536", "sandbox --port http", "sandbox extra",
        "run", "run --", "run --yes pulumi",
        "list", "list hubspot", "list enerflo --stack dev", "list enerflo --export -",
        "list enerflo --unmanaged --cwd /nowhere", "list enerflo --leavers people.csv --inactive",
        "show enerflo", "show hubspot 7", "import hubspot",
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(arguments: str) -> None:
    assert run(*arguments.split()).exit_code == 2


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
        ("seatwise s", ["show", "sandbox"]),
        ("seatwise list ", names()),
        ("seatwise show n", ["nexudus"]),
        ("seatwise list enerflo --unm", ["--unmanaged"]),
    ],
)
def test_a_shell_completes_commands_options_and_vendors(words: str, offered: list[str]) -> None:
    count = str(len(words.split(" ")) - 1)
    environment = {"_SEATWISE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count}
    result = CliRunner().invoke(main, env=environment, prog_name="seatwise")
    assert sorted(result.stdout.split()) == sorted(offered)


def test_ctrl_c_is_exit_code_130_and_no_traceback(settings: None, sandbox: Sandbox) -> None:
    sandbox.switch(hold={"at": 1})
    with started("list", "enerflo") as process:
        while not httpx.get(f"{sandbox.url}/sandbox/options", trust_env=False).json()["hold"]["reached"]:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 130
