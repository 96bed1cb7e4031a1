"""`seatwise sandbox`."""

import json
import re
import signal
from pathlib import Path

import httpx
import pytest

from cli.conftest import failed_with, started
from seatwise.sandbox import server

ANA = {"id": 7, "email": "ana@example.com"}


def test_a_port_in_use_is_one_line_with_a_remedy() -> None:
    with server.listen() as listener:
        line = failed_with("sandbox", "--port", str(listener.getsockname()[1]))
    assert re.search("in use; choose another --port", line)


def test_data_that_is_not_a_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be sure of it. " * 100)
    assert "choose another --data" in failed_with("sandbox", "--port", "0", "--data", str(path))
    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize(
    "content",
    [
        None, b"{", b"\xff", b"[]", b'{"hubspot": []}', b'{"enerflo": [7]}', b'{"enerflo": [{"id": 7}]}',
        b'{"enerflo": [{"email": "ana@example.com"}]}',
    ],
)  # fmt: skip
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
    """The environment for seatwise goes to stdout, all else to stderr."""
    data, seed = tmp_path / "[data].sqlite", tmp_path / "[team].json"
    seed.write_text(json.dumps({"enerflo": [ANA]}))
    with started("sandbox", "--port", "0", "--data", str(data), "--seed", str(seed)) as process:
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
        f"sandbox and its page at {url}, for this machine only; Ctrl-C stops it",
        "enerflo  401 GET    /api/v3/users/8",
        f"sandbox stopped; its accounts are kept in {data}",
    ]
    with server.running(data) as again:
        assert [each["id"] for each in httpx.get(f"{again}/sandbox/accounts/enerflo").json()] == ["7"]


def test_with_json_and_quiet_the_environment_is_one_line() -> None:
    with started("sandbox", "--port", "0", "--json", "--quiet") as process:
        assert process.stdout
        variables = json.loads(process.stdout.readline())
        url = variables["ENERFLO_BASE_URL"].removesuffix("/enerflo")
        assert variables == server.environment(url)
        assert httpx.get(f"{url}/enerflo/api/v3/users", trust_env=False).status_code == 401
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0
