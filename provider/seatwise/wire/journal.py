"""What seatwise remembers between runs: a small SQLite file under the user's state folder.

`SEATWISE_JOURNAL` names another file. It holds e-mails, ids and times, and no secrets. A file that
cannot be read or written is reported once and never stops an operation.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from platformdirs import user_state_path

_TABLES = """
create table if not exists retired (
    tenant text not null, email text not null, account text not null, at real not null,
    primary key (tenant, email)
)
"""
PATIENCE = 10.0  # seconds that one process waits for another's write


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

    def retire(self, email: str, account: str) -> None:
        """Remember that seatwise deactivated this account."""
        values = (self._tenant, email.casefold(), account, time.time())
        self._run("insert or replace into retired values (?, ?, ?, ?)", values)

    def retired(self, email: str) -> str | None:
        """The id of the account with this e-mail that seatwise deactivated."""
        query = "select account from retired where tenant = ? and email = ?"
        rows = self._run(query, (self._tenant, email.casefold()))
        return str(rows[0][0]) if rows else None

    def forget(self, email: str) -> None:
        """Remember nothing of this e-mail any more."""
        self._run("delete from retired where tenant = ? and email = ?", (self._tenant, email.casefold()))

    def _run(self, query: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        if self._is_broken:
            return []
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=PATIENCE)) as database, database:
                database.execute(_TABLES)
                return database.execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self._is_broken = True
            self._warn(f"the journal {self._path} cannot be used ({error}); this run goes on without it")
            return []
