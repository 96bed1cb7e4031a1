"""What seatwise remembers between runs: a small SQLite file under the user's state folder.

`SEATWISE_JOURNAL` names another file. It holds e-mails, ids, names of resources and times, and no
secrets. A create is noted before it leaves and when its outcome is known, so that a run that was
killed in between, or whose engine forgot it, is taken up where it stopped. A file that cannot be read
or written is reported once and never stops an operation.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.tenant import Deed, Entry
from .files import SharedFile

_TABLES = """
create table if not exists deeds (
    tenant text not null, email text not null, deed text not null, account text, owner text not null,
    at real not null, primary key (tenant, email)
)
"""
MEMORY = 90 * 24 * 3600.0  # seconds after which a create is forgotten; whom we retired is not


class Journal:
    """One tenant's part of the file. Safe for several processes; each call is one transaction."""

    def __init__(self, tenant: str, warn: Callable[[str], None], path: Path) -> None:
        self._tenant = tenant
        self._file = SharedFile("journal", path, _TABLES, warn)
        self._is_pruned = False

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
        self._file.close()

    def _run(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._file.run(lambda database: database.execute(query, values).fetchall(), [])
