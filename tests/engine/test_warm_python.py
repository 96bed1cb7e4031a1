"""The warm Python does what a Python of its own does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.warm_python import UNBUFFERED, WARM_AT_ONCE, address

pytestmark = pytest.mark.engine

SHOWS = "import os, sys; print(sys.argv, os.getcwd(), sys.path[0], os.environ.get('MINE'), os.getppid(), __name__)"
SCRIPTS = {
    "arguments, folder, environment, parent": SHOWS,
    "standard streams": "import sys; print(sys.stdin.read().upper()); print('err', file=sys.stderr)",
    "a stream that its children get": "import subprocess; subprocess.run(['sh', '-c', 'cat; echo child'])",
    "what stays in a buffer": "import os; print('first'); os._exit(0)",
    "an exit code": "import sys; sys.exit(32)",
    "an exit in a hurry": "import os; os._exit(7)",
    "an error": "raise ValueError('wrong')",
    "what runs at exit": "import atexit; atexit.register(print, 'bye')",
    "seatwise as it is": "import sys; print([each for each in sys.modules if 'seatwise' in each])",
}


@pytest.fixture
def both(warm_python: list[str]) -> list[list[str]]:
    if warm_python == [sys.executable]:
        pytest.skip("this system has no pidfd_open, so no Python is warm")
    return [warm_python, [sys.executable]]


@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("start", ["file", "module"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_warm_start_ends_as_a_cold_one(
    script: str, start: str, options: list[str], both: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(script)
    (tmp_path / "folder").mkdir()
    arguments = {"file": [str(tmp_path / "program.py"), "a b"], "module": ["-m", "program", "a b"]}[start]

    warm, cold = (
        subprocess.run(
            [*command, *options, *arguments],
            cwd=tmp_path if start == "module" else tmp_path / "folder",
            env={name: value for name, value in os.environ.items() if name != UNBUFFERED} | {"MINE": "yes"},
            input=b"given",
            capture_output=True,
            timeout=60,
        )
        for command in both
    )

    assert (warm.returncode, warm.stdout) == (cold.returncode, cold.stdout)
    assert warm.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:], "a traceback has other lines in between"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_command_ends_the_warm_start(
    sent: signal.Signals, both: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text("import os, time; print(os.getpid()); time.sleep(60)")
    command = [*both[0], "-u", str(tmp_path / "program.py")]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdout
        started = psutil.Process(int(client.stdout.readline()))
        client.send_signal(sent)
        _, alive = psutil.wait_procs([started], timeout=30)

    assert alive == []
    assert client.returncode != 0


def test_a_warm_start_ends_with_a_command_that_ended_at_once(both: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(f"import time; time.sleep(1); open({str(tmp_path / 'done')!r}, 'w')")
    wanted = {"arguments": [str(tmp_path / "program.py")], "environment": {**os.environ}, "folder": "/", "parent": 1}

    with socket.socket(socket.AF_UNIX) as client, Path(os.devnull).open("r+") as null:
        client.connect(address(both[0][-1], 0))
        socket.send_fds(client, [b"."], [null.fileno()] * 3)
        client.sendall(json.dumps(wanted).encode() + b"\n")
    time.sleep(2)

    assert not (tmp_path / "done").exists()


def test_sets_have_another_order_in_the_next_start(both: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print(hash('a'))")
    command = [*both[0], "-u", str(tmp_path / "program.py")]

    printed = {subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout for _ in range(20)}

    assert len(printed) == (1 if os.environ.get("PYTHONHASHSEED", "random") != "random" else WARM_AT_ONCE)


def test_another_variable_for_python_makes_a_cold_start(both: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; print('httpx' in sys.modules, sys.stdout.encoding)")
    environments = {"True utf-8": {}, "False ascii": {"PYTHONIOENCODING": "ascii"}}

    for printed, more in environments.items():
        command = [*both[0], "-u", str(tmp_path / "program.py")]
        done = subprocess.run(command, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True, timeout=60)
        assert done.stdout.split() == printed.split()
