"""What seatwise remembers between runs: a small SQLite file under the user's state folder.

`SEATWISE_JOURNAL` names another file. It holds e-mails, ids, names of resources and times, and no
secrets. A create is noted before it leaves and when its outcome is known, so that a run that was
killed in between, or whose engine forgot it, is taken up where it stopped. A file that cannot be read
or written is reported once and never stops an operation.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from ..core.tenant import Deed, Entry

_TABLES = """
create table if not exists deeds (
    tenant text not null, email text not null, deed text not null, account text, owner text not null,
    at real not null, primary key (tenant, email)
)
"""
PATIENCE = 10.0  # seconds that one process waits for another's write
MEMORY = 90 * 24 * 3600.0  # seconds after which a create is forgotten; whom we retired is not


def default_path() -> Path:
    """The file that all of this user's runs share."""
    given = os.environ.get("SEATWISE_JOURNAL")
    return Path(given) if given else user_state_path("seatwise") / "journal.db"


class Journal:
    """One tenant's part of the file. Safe for several processes; each call is one transaction."""

    def __init__(self, tenant: str, warn: Callable[[str], None], path: Path | None = None) -> None:
        self._tenant = tenant
        self._warn = warn
        self._path = path or default_path()
        self._is_broken = False
        self._is_pruned = False
        self._database: sqlite3.Connection | None = None

    def last(self, email: str) -> Entry | None:
        """What is remembered of this e-mail."""
        query = "select deed, account, owner, at from deeds where tenant = ? and email = ?"
        rows = self._run(query, self._tenant, email.casefold())
        if not rows:
            return None
        deed, account, owner, at = rows[0]
        return Entry(Deed[deed], account, owner, time.time() - at)

    def note(self, email: str, entry: Entry) -> None:
        """Remember this from now on; on disk when it returns."""
        if not self._is_pruned:
            self._is_pruned = True
            self._run("delete from deeds where at < ? and deed != ?", time.time() - MEMORY, Deed.RETIRED.name)
        self._run(
            "insert or replace into deeds values (?, ?, ?, ?, ?, ?)",
            self._tenant, email.casefold(), entry.deed.name, entry.account, entry.owner, time.time(),
        )  # fmt: skip

    def forget(self, email: str) -> None:
        """Remember nothing of this e-mail any more."""
        self._run("delete from deeds where tenant = ? and email = ?", self._tenant, email.casefold())

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _run(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        if self._is_broken:
            return []
        try:
            if self._database is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(self._path, timeout=PATIENCE, check_same_thread=False)
                self._database.execute(_TABLES)
            with self._database:
                return self._database.execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self._is_broken = True
            self._warn(f"the journal {self._path} cannot be used ({error}); this run goes on without it")
            return []
