"""A small SQLite file that all runs of this user share. What it cannot do stops nobody."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

R = TypeVar("R")
PATIENCE = 30.0  # seconds that one process waits for another's write


class SharedFile:
    """Transactions on a file that is made when it is first used; safe for several processes and threads.

    One that cannot be read or written is reported once, as `name`, and left alone from then on.
    """

    def __init__(self, name: str, path: Path, tables: str, warn: Callable[[str], None]) -> None:
        self._name = name
        self._path = path
        self._tables = tables
        self._warn = warn
        self._is_broken = False
        self._database: sqlite3.Connection | None = None
        # `diff` asks from the host's threads while the event loop's thread writes.
        self._lock = threading.Lock()

    def read(self, work: Callable[[sqlite3.Connection], R], otherwise: R) -> R:
        """Return what `work` reads in the file; `otherwise` if it cannot."""
        return self._attempt(work, otherwise)

    def run(self, work: Callable[[sqlite3.Connection], R], otherwise: R, *, durable: bool = False) -> R:
        """Return what `work` makes of the file in one transaction; `otherwise` if it cannot.

        No other process reads or writes between the first line of `work` and its last. What it wrote outlives every
        kill when this returns, and a power cut too if `durable`.
        """

        def alone(database: sqlite3.Connection) -> R:
            database.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            database.execute("begin immediate")
            with database:
                return work(database)

        return self._attempt(alone, otherwise)

    def _attempt(self, work: Callable[[sqlite3.Connection], R], otherwise: R) -> R:
        with self._lock:
            if self._is_broken:
                return otherwise
            try:
                return work(self._opened())
            except (sqlite3.Error, OSError) as error:
                self._is_broken = True
                self._warn(f"the {self._name} {self._path} cannot be used ({error}); this run goes on without it")
                return otherwise

    def verify(self) -> None:
        """Write to the file, without changing what is in it; raises OSError or sqlite3.Error if that cannot be."""
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
                self._path, timeout=PATIENCE, check_same_thread=False, isolation_level=None
            )
            self._database.executescript(f"pragma journal_mode = wal; {self._tables}")
        return self._database


def _make_private(path: Path) -> None:
    """Make the file for this user alone, and its folder if there is none; one of an earlier version is tightened.

    What SQLite keeps beside the file gets the file's own permissions.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    for each in (path, *(path.with_name(f"{path.name}-{part}") for part in ("wal", "shm"))):
        with suppress(OSError):  # it is not there, or another user's
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)
