"""The `seatwise` command."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from seatwise.cli import main
from seatwise.sandbox import server

ANA = {"id": 7, "email": "ana@example.com"}


def run(*arguments: str) -> Result:
    """What the command says and its exit code."""
    return CliRunner().invoke(main, arguments, env={"COLUMNS": "80"})


def test_the_version_is_the_packages() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"seatwise {version('seatwise')}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--help"], ["sandbox", "--version", "0 done, 1 failed, 2 wrong usage"], id="seatwise"),
        pytest.param(["sandbox", "--help"], ["--port", "--data", "--seed", "--no-limits", "8765"], id="sandbox"),
        pytest.param(
            ["run", "--help"], ["PULUMI_SKIP_CHECKPOINTS=true", "PULUMI_EXPERIMENTAL=1", "journal", "127"], id="run"
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
        pytest.param(["run", "--yes", "pulumi"], id="run-an-option-of-the-command's"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def failed_with(*arguments: str) -> str:
    """The one line that a failing command says."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("seatwise: ")
    return line


def test_a_port_in_use_is_one_line_with_the_way_out() -> None:
    with server.listening() as listener:
        line = failed_with("sandbox", "--port", str(listener.getsockname()[1]))
    assert re.search("in use; choose another --port", line)


def test_data_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be sure of it. " * 100)
    assert "choose another --data" in failed_with("sandbox", "--port", "0", "--data", str(path))
    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="not-there"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"\xff", id="no-text"),
        pytest.param(b"[]", id="no-object"),
        pytest.param(b'{"hubspot": [{"id": 1}]}', id="unknown-vendor"),
        pytest.param(b'{"enerflo": [7]}', id="no-record"),
        pytest.param(b'{"enerflo": [{"id": 7}]}', id="no-email"),
        pytest.param(b'{"enerflo": [{"email": "ana@example.com"}]}', id="no-id"),
    ],
)
def test_a_bad_seed_file_is_one_line_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "[team].json"
    if content is not None:
        path.write_bytes(content)
    line = failed_with("sandbox", "--port", "0", "--seed", str(path))
    assert str(path) in line
    assert "an object of lists of records, by vendor" in line


def test_an_email_twice_in_a_seed_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps({"enerflo": [ANA, ANA | {"id": 8}]}))
    assert "ana@example.com twice" in failed_with("sandbox", "--port", "0", "--seed", str(path))


def test_the_sandbox_runs_until_ctrl_c_and_keeps_its_data(tmp_path: Path) -> None:
    """What points seatwise at it goes to stdout, everything else to stderr."""
    data, seed = tmp_path / "[data].sqlite", tmp_path / "[team].json"
    seed.write_text(json.dumps({"enerflo": [ANA]}))
    command = [sys.executable, "-m", "seatwise", "sandbox", "--port", "0", "--data", str(data), "--seed", str(seed)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        watchdog(process),
    ):
        assert process.stdout
        exports = [process.stdout.readline() for _ in server.environment("")]
        url = re.findall(r"http://127\.0\.0\.1:\d+", exports[0])[0]
        assert exports == [f"export {name}={value}\n" for name, value in server.environment(url).items()]
        assert httpx.get(f"{url}/enerflo/api/v3/users/8", trust_env=False).status_code == 401
        process.send_signal(signal.SIGINT)
        rest, notes = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "")
    assert notes.splitlines() == [
        f"1 accounts from {seed}",
        f"sandbox at {url}, for this machine only; Ctrl-C stops it",
        "enerflo  401 GET    /api/v3/users/8",
        f"sandbox stopped; its accounts are kept in {data}",
    ]
    with server.running(data) as again:
        assert [each["id"] for each in httpx.get(f"{again}/sandbox/accounts/enerflo").json()] == ["7"]


@contextmanager
def watchdog(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill the process when it hangs or the test fails, so that no test waits for ever."""
    timer = threading.Timer(30, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()


# --- run --------------------------------------------------------------------------------------


FAST = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "1"}
REASONS = {
    "PULUMI_SKIP_CHECKPOINTS": "the state is written at the end, not twice for each changed resource",
    "PULUMI_EXPERIMENTAL": "without it pulumi does not heed PULUMI_SKIP_CHECKPOINTS",
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
    """What a process of `seatwise run` ends as: it becomes the command."""
    return subprocess.run(
        [sys.executable, "-m", "seatwise", "run", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=30,
        # What starts the tests may ignore Ctrl-C, as a shell does for what it runs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.usefixtures("_without_fast_settings")
@pytest.mark.parametrize(
    ("given", "sets"),
    [
        pytest.param({}, ["PULUMI_SKIP_CHECKPOINTS", "PULUMI_EXPERIMENTAL"], id="both"),
        pytest.param({"PULUMI_EXPERIMENTAL": "true"}, ["PULUMI_SKIP_CHECKPOINTS"], id="one"),
        pytest.param({"PULUMI_SKIP_CHECKPOINTS": "false", "PULUMI_EXPERIMENTAL": ""}, [], id="none"),
    ],
)
def test_a_command_runs_with_what_is_not_set_yet_and_each_is_told(given: dict[str, str], sets: list[str]) -> None:
    done = ran("--", sys.executable, "-c", SHOW, "up", "--yes", "--", "--help", **given)
    assert done.returncode == 3
    assert json.loads(done.stdout) == [FAST | given, ["up", "--yes", "--", "--help"]]
    assert done.stderr.splitlines() == [f"seatwise: {name}={FAST[name]}: {REASONS[name]}" for name in sets]


def test_the_dashes_before_the_command_may_lack() -> None:
    done = ran(sys.executable, "-c", SHOW, "--help")
    assert (done.returncode, json.loads(done.stdout)[1]) == (3, ["--help"])


def test_the_command_has_the_signals_of_a_command() -> None:
    """Nothing is ignored in it: neither Ctrl-C nor a reader of its output that went away."""
    ignored = "import signal as s; print([n for n in ('SIGINT', 'SIGTERM') if s.getsignal(s.Signals[n]) is s.SIG_IGN])"
    done = ran("--", "sh", "-c", f'{sys.executable} -c "{ignored}"; kill -PIPE $$; echo still here')
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "[]\n")


def test_ctrl_c_ends_the_command_and_its_exit_code_is_told() -> None:
    waiting = "import signal, sys\nsignal.signal(2, lambda *_: sys.exit(5))\nprint('here', flush=True)\nsignal.pause()"
    command = [sys.executable, "-m", "seatwise", "run", "--", sys.executable, "-c", waiting]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process,
        watchdog(process),
    ):
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 5


def test_a_command_that_is_not_there_is_one_line_and_127() -> None:
    result = run("run", "--", "no-such-command", "up")
    assert (result.exit_code, result.stdout) == (127, "")
    assert result.stderr == "seatwise: there is no command no-such-command; install it or put its folder on PATH\n"


def test_a_file_that_is_no_program_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pulumi").write_bytes(b"\x7fELF")
    (tmp_path / "pulumi").chmod(0o755)
    done = ran("--", str(tmp_path / "pulumi"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"seatwise: cannot run {tmp_path / 'pulumi'}: Exec format error"


def no_folder(path: Path) -> str:
    path.write_text("a file")
    return str(path / "journal.db")


def no_database(path: Path) -> str:
    path.write_text("not a database, and long enough to be sure of it. " * 100)
    return str(path)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        pytest.param(no_folder, "cannot be written (", id="no-folder"),
        pytest.param(no_database, "cannot be written (file is not a database)", id="no-database"),
        pytest.param(lambda _: "journal.db", "it must be a full path for this", id="relative"),
    ],
)
def test_without_a_journal_nothing_runs(
    place: Callable[[Path], str], line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEATWISE_JOURNAL", place(tmp_path / "place"))
    said = failed_with("run", "--", "touch", str(tmp_path / "ran"))
    assert line in said
    assert "SEATWISE_JOURNAL" in said
    assert said.endswith("Nothing was run")
    assert not (tmp_path / "ran").exists()


def test_settings_that_are_none_are_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATWISE_MAX_REMOVALS", "few")
    assert "SEATWISE_MAX_REMOVALS" in failed_with("run", "--", "true")


# --- doctor -----------------------------------------------------------------------------------


def examined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, printed: str = "v3.259.0") -> tuple[int, str]:
    """Exit code and output of `seatwise doctor` where `pulumi version` prints this."""
    command = tmp_path / "bin" / "pulumi"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nprint({printed!r})\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent))
    result = CliRunner().invoke(main, ["doctor"])
    return result.exit_code, result.output


def test_the_doctor_finds_everything_well(settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = examined(monkeypatch, tmp_path)
    assert code == 0
    assert [line[:4] for line in output.splitlines()] == ["ok  "] * 4


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        pytest.param("ENERFLO_API_KEY", "wrong", "FIX  Enerflo: look-up refused with 401", id="a key"),
        pytest.param("NEXUDUS_PASSWORD", "wrong", "FIX  Nexudus: the login is refused", id="a password"),
        pytest.param("TENOVOS_CLIENT_ID", "", "FIX  Tenovos: set TENOVOS_CLIENT_ID", id="a missing setting"),
        pytest.param("ENERFLO_BASE_URL", "http://127.0.0.1:9", "FIX  Enerflo: cannot connect", id="an address"),
    ],
)
def test_the_doctor_says_what_to_fix(
    variable: str, value: str, line: str, settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, value)
    code, output = examined(monkeypatch, tmp_path)
    assert code == 1
    assert [each.startswith(line) for each in output.splitlines()].count(True) == 1
    assert output.count("FIX ") == 1


def test_the_doctor_names_an_old_pulumi_and_a_lack_of_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = examined(monkeypatch, tmp_path, "v3.100.0")
    assert code == 1
    assert "pulumi v3.100.0 is older than 3.254.0" in output
    assert "FIX  vendors: none has settings" in output
