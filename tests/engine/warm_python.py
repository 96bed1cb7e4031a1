"""A `python` for the engine whose packages are imported before the engine starts it.

Each `pulumi` command starts a Python for the program and another one for the dynamic provider. Each of them imports
pulumi, pydantic and so on, which is half of what a command costs. Here a process imports them, and forks for each
start. It imports nothing of seatwise:

    python -u warm_python.py serve NAME NUMBER  # until its standard input ends
    python warm_python.py NAME ARGUMENT...     # as `python ARGUMENT...`, with a file's whole path or a module

A fork has the arguments, environment, folder, standard streams, parent and exit code of a start, and gets the signals
that its command gets. Where a variable would have changed what is imported, a start is a Python of its own.
"""

import json
import os
import select
import signal
import socket
import sys

PACKAGES = ("pulumi.dynamic", "pydantic_settings", "httpx", "httpcore", "anyio._backends._asyncio", "platformdirs")
"""What seatwise imports, and pulumi for it."""
WARM_AT_ONCE = 2
"""Processes that fork. Each has its own order of sets, which is another one in each Python, too."""
SETTLED = ("PYTHON", "LANG", "LC_", "TMPDIR", "TZ")
"""How the variables begin that are read before a fork."""
UNBUFFERED = "PYTHONUNBUFFERED"
"""As the option `-u`; a fork follows both."""


def address(name: str, number: int) -> str:
    """Return the address of a warm process, which is no file (https://man7.org/linux/man-pages/man7/unix.7.html)."""
    return f"\0seatwise-{name}-{number}"


def start(name: str, arguments: list[str]) -> int:
    """Start Python with these arguments, as a fork if possible; return the exit code."""
    wanted = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109  # pathlib is slow to import
        "parent": os.getppid(),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address(name, os.urandom(1)[0] % WARM_AT_ONCE))
        socket.send_fds(connection, [b"."], [0, 1, 2])
        connection.sendall(json.dumps(wanted).encode() + b"\n")
        answers = connection.makefile()
        pid = int(answers.readline())
        if not pid:
            os.execv(sys.executable, [sys.executable, *arguments])
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda number, _: os.kill(pid, number))
        return int(answers.readline())


def serve(at: str) -> socket.socket:
    """Fork for each start, and return its connection in the fork. This process ends with its standard input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no fork becomes a zombie
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(at)
        listener.listen()
        print("ready")
        while True:
            ready, _, _ = select.select([sys.stdin, listener], [], [])
            if sys.stdin in ready:
                sys.exit()
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return connection
            connection.close()


def answer(connection: socket.socket) -> None:
    """Fork once more, and return in the fork as the Python that is wanted. This process reports how that ends."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    wanted = json.loads(connection.makefile().readline())
    if settled(wanted["environment"]) != settled(dict(os.environ)):
        connection.sendall(b"0\n")
        os._exit(0)
    pid = os.fork()
    if pid:
        report(pid, connection)
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    os.getppid = lambda: int(wanted["parent"])  # in seatwise too, which looks for the engine above its process
    is_unbuffered = wanted["arguments"][0] == "-u"
    sys.argv = wanted["arguments"][is_unbuffered:]
    if not is_unbuffered and not os.environ.get(UNBUFFERED):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = open(1, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115


def settled(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables that a fork cannot change."""
    return {name: value for name, value in environment.items() if name.startswith(SETTLED) and name != UNBUFFERED}


def report(pid: int, connection: socket.socket) -> None:
    """Tell the client the process's id and its exit code. The process is killed if the client ends before it."""
    try:
        process = os.pidfd_open(pid)
        connection.sendall(b"%d\n" % pid)
        has_ended = process in select.select([process, connection.fileno()], [], [])[0]
    except OSError:  # the client ended at once
        has_ended = False
    if not has_ended:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if has_ended:
        connection.sendall(b"%d\n" % (code if code >= 0 else 128 - code))


if __name__ == "__main__":
    if sys.argv[1] != "serve":
        sys.exit(start(sys.argv[1], sys.argv[2:]))

    import gc
    import runpy
    from importlib import import_module
    from pathlib import Path

    for each in PACKAGES:
        import_module(each)
    gc.freeze()  # otherwise the garbage collector of each fork copies what is imported
    answer(serve(address(sys.argv[2], int(sys.argv[3]))))
    if sys.argv[0] == "-m":
        del sys.argv[0]
        sys.path[0] = str(Path.cwd())
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")
