"""`seatwise run`."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import failed_with, run, started
from conftest import executable

SKIP = {"PULUMI_SKIP_CHECKPOINTS": "true"}
EXPERIMENTAL = {"PULUMI_EXPERIMENTAL": "1"}
RARELY = {"SEATWISE_COLLECT_RARELY": "true"}
SIXTEEN = {"SEATWISE_THREADS": "16", "PULUMI_PARALLEL": "16"}
ONCE = SKIP | EXPERIMENTAL | RARELY
FAST = ONCE | SIXTEEN
LINES = {
    "seatwise: PULUMI_SKIP_CHECKPOINTS=true: the state is written at the end, not twice for each changed resource": (
        SKIP
    ),
    "seatwise: PULUMI_EXPERIMENTAL=1: without it pulumi ignores PULUMI_SKIP_CHECKPOINTS": EXPERIMENTAL,
    "seatwise: SEATWISE_COLLECT_RARELY=true: the program spends half the processor time, and little more memory": (
        RARELY
    ),
    "seatwise: SEATWISE_THREADS=16, PULUMI_PARALLEL=16: sixteen operations at once": SIXTEEN,
}
SHOW = f"""
import json, os, sys
print(json.dumps([{{name: os.environ.get(name) for name in {[*FAST]}}}, sys.argv[1:]]))
sys.exit(3)
"""


@pytest.fixture
def _without_fast_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FAST:
        monkeypatch.delenv(name, raising=False)


def ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `seatwise run` in a process, which becomes the command, and return how it ended."""
    with started("run", *arguments, **environment) as process:
        stdout, stderr = process.communicate(timeout=30)
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def seen(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return which of the variables above the command got, after it ended as `SHOW` does."""
    assert done.returncode == 3
    return {name: value for name, value in json.loads(done.stdout)[0].items() if value is not None}


@pytest.mark.usefixtures("_without_fast_settings")
@pytest.mark.parametrize(
    ("given", "sets"),
    [
        ({}, FAST),
        ({"PULUMI_EXPERIMENTAL": "true"}, SKIP | RARELY | SIXTEEN),
        ({"PULUMI_SKIP_CHECKPOINTS": "false", "PULUMI_EXPERIMENTAL": ""}, RARELY | SIXTEEN),
        ({"SEATWISE_THREADS": "8"}, ONCE),
        ({"PULUMI_PARALLEL": "2"}, ONCE),
        ({"SEATWISE_COLLECT_RARELY": "false"}, SKIP | EXPERIMENTAL | SIXTEEN),
        pytest.param(FAST, {}, id="all"),
    ],
    ids=str,
)
def test_each_variable_that_is_not_set_is_set_and_shown(given: dict[str, str], sets: dict[str, str]) -> None:
    done = ran("--", sys.executable, "-c", SHOW, "up", "--yes", "--", "--help", **given)
    assert json.loads(done.stdout)[1] == ["up", "--yes", "--", "--help"]
    assert seen(done) == given | sets
    assert done.stderr.splitlines() == [line for line, variables in LINES.items() if variables.items() <= sets.items()]


@pytest.mark.usefixtures("_without_fast_settings")
@pytest.mark.parametrize(
    ("words", "sets"),
    [
        *((words, ONCE) for words in ("--parallel 8", "--parallel=8", "-p 8", "-p8", "-yp=8")),
        *((words, FAST) for words in ("-sprod", "-sshop", "-mp", "--parallel-diff", "--stack=p")),
    ],
)
def test_a_commands_own_number_at_once_stays(words: str, sets: dict[str, str]) -> None:
    assert seen(ran("--", sys.executable, "-c", SHOW, "up", *words.split())) == sets


@pytest.mark.usefixtures("_without_fast_settings")
def test_quiet_sets_them_and_prints_nothing() -> None:
    done = ran("--quiet", "--", sys.executable, "-c", SHOW, "--quiet")
    assert (json.loads(done.stdout), done.stderr) == ([FAST, ["--quiet"]], "")


def test_the_dashes_before_the_command_are_optional() -> None:
    done = ran(sys.executable, "-c", SHOW, "--help")
    assert (done.returncode, json.loads(done.stdout)[1]) == (3, ["--help"])


def test_the_command_ignores_no_signal() -> None:
    """Neither Ctrl-C nor SIGPIPE."""
    ignored = "import signal as s; print([n for n in ('SIGINT', 'SIGTERM') if s.getsignal(s.Signals[n]) is s.SIG_IGN])"
    done = ran("--", "sh", "-c", f'{sys.executable} -c "{ignored}"; kill -PIPE $$; echo still here')
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "[]\n")


def test_after_ctrl_c_the_exit_code_is_the_commands() -> None:
    waiting = "import signal, sys\nsignal.signal(2, lambda *_: sys.exit(5))\nprint('here', flush=True)\nsignal.pause()"
    with started("run", "--quiet", "--", sys.executable, "-c", waiting) as process:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 5


def test_a_command_that_does_not_exist_is_one_line_and_127() -> None:
    result = run("run", "--", "no-such-command", "up")
    problem = "the command no-such-command was not found; install it or put its folder on PATH"
    assert (result.exit_code, result.stdout, result.stderr) == (127, "", f"seatwise: {problem}\n")


def test_a_file_that_is_not_a_program_is_one_line(tmp_path: Path) -> None:
    command = executable(tmp_path / "pulumi", "\x7fELF")
    done = ran("--", str(command))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"seatwise: cannot run {command}: Exec format error"


@pytest.mark.parametrize(
    ("journal", "line"),
    [("place/journal.db", "cannot be written ("), ("place", "cannot be written (file is not a database)")],
)
def test_without_a_journal_nothing_runs(
    journal: str, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "place").write_text("not a database, and long enough to be sure of it. " * 100)
    monkeypatch.setenv("SEATWISE_JOURNAL", str(tmp_path / journal))
    message = failed_with("run", "--", "touch", str(tmp_path / "ran"))
    assert line in message
    assert "SEATWISE_JOURNAL" in message
    assert message.endswith("Nothing was run")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("variable", "value"), [("SEATWISE_MAX_REMOVALS", "few"), ("SEATWISE_JOURNAL", "journal.db")])
def test_invalid_settings_are_named_and_nothing_runs(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert variable in failed_with("run", "--", "true")
