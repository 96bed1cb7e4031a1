"""What seatwise remembers between runs: a small SQLite file under the user's state folder.

`SEATWISE_JOURNAL` names another file. It holds e-mails, ids, names of resources and times, and no
secrets. A create is noted before it leaves and when its outcome is known, so that a run that was
killed in between, or whose engine forgot it, is taken up where it stopped; a change likewise, so that
its account is looked at before the engine's state of it is believed. A file that cannot be read or
written is reported once and never stops an operation.
"""

import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from ..core.errors import InvalidAccount
from ..core.fields import email_key
from ..core.tenant import Deed, Doubt, Entry
from .files import SharedFile

_TABLES = """
create table if not exists deeds (
    tenant text not null, email text not null, deed text not null, account text, owner text not null,
    at real not null, primary key (tenant, email)
);
create table if not exists doubts (
    tenant text not null, account text not null, why text not null, at real not null, primary key (tenant, account)
);
create table if not exists revisions (
    tenant text not null, account text not null, revision integer not null, at real not null,
    primary key (tenant, account)
);
create index if not exists deeds_by_account on deeds (tenant, account);
"""
_REVISION = "select revision from revisions where tenant = ? and account = ?"
_COUNT = "insert or replace into revisions values (?, ?, ?, ?)"
_TRUST = "delete from doubts where tenant = ? and account = ?"
_FIND = "select deed, account, owner, at from deeds where tenant = ? and email = ?"
_NOTE = "insert or replace into deeds values (?, ?, ?, ?, ?, ?)"
Aside = Callable[..., Awaitable[Any]]
MEMORY = 90 * 24 * 3600.0  # seconds after which it is forgotten, but whom we retired is not


def verify(path: Path) -> None:
    """See that a journal can be written there, and make it; raises OSError or sqlite3.Error if it cannot."""
    file = SharedFile("journal", path, _TABLES, warn=lambda text: None)
    try:
        file.verify()
    finally:
        file.close()


def _keys(email: str) -> list[str]:
    """The key of an e-mail, and the one under which the first versions kept it: they folded more than ASCII letters."""
    return [*dict.fromkeys((email_key(email), email.casefold()))]


@dataclass
class _Intent:
    """A create that waits for its note."""

    email: str
    owner: str
    is_written: bool = False


class Journal:
    """One tenant's part of the file. Safe for several processes; each call is one transaction.

    `aside` runs a function beside the event loop; it is the seam for virtual time, in which no thread counts.
    """

    def __init__(
        self, tenant: str, warn: Callable[[str], None], path: Path, aside: Aside = anyio.to_thread.run_sync
    ) -> None:
        self._tenant = tenant
        self._aside = aside
        self._lock = anyio.Lock()
        self._intents: list[_Intent] = []
        self._file = SharedFile("journal", path, _TABLES, warn)
        self._is_pruned = False
        self._met: dict[str, str] = {}
        """The first e-mail of this run for each key of the first versions."""

    def last(self, email: str) -> Entry | None:
        """What is remembered of this e-mail; raises InvalidAccount when it may be of another one of this run."""
        found = ((key, row) for key in _keys(email) for row in self._run(_FIND, self._tenant, key))
        key, row = next(found, ("", None))
        if row is None:
            return None
        deed, account, owner, at = row
        if Deed[deed] is Deed.INTENDED and key == email.casefold():
            self._one_email(email)
        return Entry(Deed[deed], account, owner, max(0.0, time.time() - at))  # a clock may have been set back

    async def intend(self, email: str, owner: str) -> None:
        """Remember that a create is about to leave; on disk, come what may, when it returns.

        A disk takes milliseconds for that: the event loop goes on meanwhile, and those who wait share one write.
        """
        intent = _Intent(email, owner)
        self._intents.append(intent)
        async with self._lock:
            if intent.is_written:
                return
            together, self._intents = self._intents, []
            await self._aside(self._write, together)
            for each in together:
                each.is_written = True

    def note(self, email: str, entry: Entry) -> None:
        """Remember this from now on, and its account under no other e-mail."""
        self._prune()
        if entry.account is not None:
            self.let_go(entry.account)
        self._run(_NOTE, *self._deed(email, entry))
        self._forget_folded(email)

    def _write(self, intents: Sequence["_Intent"]) -> None:
        self._prune()
        deeds = [self._deed(each.email, Entry(Deed.INTENDED, owner=each.owner)) for each in intents]
        self._file.run(lambda database: database.executemany(_NOTE, deeds), None, durable=True)

    def _deed(self, email: str, entry: Entry) -> tuple[object, ...]:
        return self._tenant, email_key(email), entry.deed.name, entry.account, entry.owner, time.time()

    def _prune(self) -> None:
        if not self._is_pruned:
            self._is_pruned = True
            self._run("delete from deeds where at < ? and deed != ?", time.time() - MEMORY, Deed.RETIRED.name)
            self._run("delete from doubts where at < ?", time.time() - MEMORY)
            self._run("delete from revisions where at < ?", time.time() - MEMORY)

    def forget(self, email: str) -> None:
        """Remember nothing of this e-mail any more."""
        self._run("delete from deeds where tenant = ? and email = ?", self._tenant, email_key(email))
        self._forget_folded(email)

    def _one_email(self, email: str) -> None:
        """See that a create that was noted under a key of the first versions is not taken for two of this run."""
        other = self._met.setdefault(email.casefold(), email)
        if email_key(other) != email_key(email):
            raise InvalidAccount(
                f"a create was noted that may have been of {other} or of {email}: earlier versions took them for one",
                account=email,
                remedy="Declare one of them alone for one run",
            )

    def _forget_folded(self, email: str) -> None:
        """Forget the create that was noted under the e-mail's key of the first versions, if that was another one."""
        for key in _keys(email)[1:]:
            query = "delete from deeds where tenant = ? and email = ? and deed = ?"
            self._run(query, self._tenant, key, Deed.INTENDED.name)

    def let_go(self, account: str) -> None:
        """Remember this account under no e-mail any more."""
        self._run("delete from deeds where tenant = ? and account = ?", self._tenant, account)

    def doubt(self, account: str, why: Doubt) -> None:
        """Remember that the engine may not hear of what is about to be done to this account."""
        self._run("insert or replace into doubts values (?, ?, ?, ?)", self._tenant, account, why.name, time.time())

    def doubt_about(self, account: str, revision: int | None = None) -> Doubt | None:
        """Why the account must be looked at before a state of this revision is believed, if so."""
        rows = self._run("select why from doubts where tenant = ? and account = ?", self._tenant, account)
        if rows:
            return Doubt[rows[0][0]]
        return Doubt.FORGOTTEN if revision is not None and revision < self.revision(account) else None

    def doubts(self, revision: int) -> frozenset[str]:
        """All accounts that must be looked at before a state of this revision is believed."""
        query = (
            "select account from doubts where tenant = :tenant union "
            "select account from revisions where tenant = :tenant and revision > :revision"
        )
        values = {"tenant": self._tenant, "revision": revision}
        return self._file.run(
            lambda database: frozenset(row[0] for row in database.execute(query, values)), frozenset()
        )

    def trust(self, account: str) -> None:
        """Nothing is in doubt about the account any more."""
        self._run(_TRUST, self._tenant, account)

    def establish(self, account: str, revision: int) -> int:
        """The account is as the outputs of this run say, and as no earlier state does.

        `revision` is that of the state so far; the new one is returned.
        """

        def count_on(database: sqlite3.Connection) -> int:
            known = database.execute(_REVISION, (self._tenant, account)).fetchone() or (0,)
            new = max(revision, int(known[0])) + 1
            database.execute(_TRUST, (self._tenant, account))
            database.execute(_COUNT, (self._tenant, account, new, time.time()))
            return new

        return self._file.run(count_on, revision)

    def revision(self, account: str) -> int:
        """The number of the account's last write."""
        rows = self._run(_REVISION, self._tenant, account)
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _run(self, query: str, *values: object, durable: bool = False) -> list[tuple[Any, ...]]:
        return self._file.run(lambda database: database.execute(query, values).fetchall(), [], durable=durable)
