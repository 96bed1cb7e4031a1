"""The `seatwise` command."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
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
