"""A `python` for the engine whose packages are imported before the engine starts it.

Each `pulumi` command starts a Python for the program and another one for the dynamic provider. Each of them imports
pulumi, pydantic and so on, which is half of what a command costs. Here one process imports them, and forks for each
start. It imports nothing of seatwise:

    python -u warm_python.py serve SOCKET     # until its standard input ends
    python warm_python.py SOCKET ARGUMENT...  # as `python ARGUMENT...`

A fork has the arguments, environment, folder, standard streams, parent, signals and exit code of a start. A start
with other options or variables for Python itself is a Python of its own.
"""

import json
import os
import select
import signal
import socket
import sys

PACKAGES = ("pulumi.dynamic", "pydantic_settings", "httpx", "httpcore", "anyio._backends._asyncio", "platformdirs")
"""What seatwise imports, and pulumi for it."""


def start(path: str, arguments: list[str]) -> int:
    """Start Python with these arguments, as a fork if possible; return the exit code."""
    wanted = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109  # pathlib is slow to import
        "parent": os.getppid(),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"."], [0, 1, 2])
        connection.sendall(json.dumps(wanted).encode() + b"\n")
        answers = connection.makefile()
        pid = int(answers.readline())
        if not pid:
            os.execv(sys.executable, [sys.executable, *arguments])
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda number, _: os.kill(pid, number))
        return int(answers.readline())


def serve(path: str) -> socket.socket:
    """Fork for each start, and return its connection in the fork. This process ends with its standard input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no fork becomes a zombie
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
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
    if not is_imitable(wanted["arguments"], wanted["environment"]):
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
    if not is_unbuffered and not os.environ.get("PYTHONUNBUFFERED"):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = open(1, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115


def is_imitable(arguments: list[str], environment: dict[str, str]) -> bool:
    """Return whether a start names a file or a module, and its variables for Python are those of this process."""

    def own(variables: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if name.startswith(("PYTHON", "LANG", "LC_"))}

    started = arguments[arguments[0] == "-u"]
    return (started == "-m" or not started.startswith("-")) and own(environment) == own(dict(os.environ))


def report(pid: int, connection: socket.socket) -> None:
    """Tell the client the process's id and its exit code. The process is killed if the client ends before it."""
    process, client = os.pidfd_open(pid), connection.fileno()
    connection.sendall(b"%d\n" % pid)
    if process not in select.select([process, client], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
        return
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
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
    answer(serve(sys.argv[2]))
    if sys.argv[0] == "-m":
        del sys.argv[0]
        sys.path[0] = str(Path.cwd())
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")
