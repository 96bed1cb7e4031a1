"""A small SQLite file that all runs of this user share. A failure of the file never fails an operation."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

R = TypeVar("R")
BUSY_TIMEOUT_S = 30.0  # how long one process waits for another process's write
PAUSE_S = 0.01  # between two attempts where SQLite itself does not wait


class SharedFile:
    """Transactions on a SQLite file that the first use creates; safe for several processes and threads.

    A file that cannot be read or written is reported once through `warn`, as `name`, and not used again in this run.
    """

    def __init__(self, name: str, path: Path, tables: str, warn: Callable[[str], None]) -> None:
        self._name = name
        self._path = path
        self._tables = tables
        self._warn = warn
        self._is_broken = False
        self._database: sqlite3.Connection | None = None
        # `diff` reads in the host's threads while the event loop's thread writes.
        self._lock = threading.Lock()

    def read(self, work: Callable[[sqlite3.Connection], R], otherwise: R) -> R:
        """Return the result of `work`, which only reads; `otherwise` if the file cannot be used."""
        return self._attempt(work, otherwise)

    def run(self, work: Callable[[sqlite3.Connection], R], otherwise: R, *, durable: bool = False) -> R:
        """Run `work` in one transaction and return its result; `otherwise` if the file cannot be used.

        No other process writes while `work` runs. When this returns, the write survives a kill of the process, and a
        power cut too if `durable`.
        """

        def in_transaction(database: sqlite3.Connection) -> R:
            database.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            database.execute("begin immediate")
            with database:
                return work(database)

        return self._attempt(in_transaction, otherwise)

    def _attempt(self, work: Callable[[sqlite3.Connection], R], otherwise: R) -> R:
        with self._lock:
            if self._is_broken:
                return otherwise
            try:
                return work(self._opened())
            except (sqlite3.Error, OSError) as error:
                self._is_broken = True
                self._warn(f"the {self._name} {self._path} cannot be used ({error}); this run continues without it")
                return otherwise

    def verify(self) -> None:
        """Write to the file without changing its content; raises OSError or sqlite3.Error if it is not writable."""
        with self._lock:
            self._opened().execute("pragma user_version = 0")

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            _make_private(self._path)
            self._database = sqlite3.connect(
                self._path, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None
            )
            _log_ahead(self._database)
            # Tables need no flush to the disk of their own: the first durable write flushes them too.
            self._database.executescript(f"pragma synchronous = normal; {self._tables}")
        return self._database


def _log_ahead(database: sqlite3.Connection) -> None:
    """Switch the file to write-ahead logging, if no process has done so before.

    Processes that open a new file at the same time get in each other's way here, and SQLite does not always wait: while
    one of them writes, it raises "database is locked" at once.
    """
    end = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            database.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte: extended codes add a second
            if not is_busy or time.monotonic() >= end:
                raise
        time.sleep(PAUSE_S)


def _make_private(path: Path) -> None:
    """Create the file, and its folder if missing, readable by this user only; restrict an existing file likewise.

    SQLite gives its files beside it (`-wal`, `-shm`) the same permissions.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    for each in (path, *(path.with_name(f"{path.name}-{part}") for part in ("wal", "shm"))):
        with suppress(OSError):  # it does not exist, or another user owns it
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)
