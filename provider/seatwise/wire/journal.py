"""The journal: a small SQLite file under the user's state folder that keeps what later runs need.

`SEATWISE_JOURNAL` names another file. The journal holds e-mails, ids, the names of tenants (a vendor and its base URL)
and of resources, times, the engine's address and its process id, and no secrets. A create is recorded before it is sent
and again when its outcome is known, so that the next run can resume after a kill or after an engine that lost the
result. A change is recorded likewise: until its outcome is known, the account is read before the engine's state of it
is used. A file that cannot be read or written is reported once and never fails an operation.
"""

import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from ..core.account.owner import forms, parsed, resource_in, same
from ..core.account.ports import Entries, Entry, EntryKind, Unconfirmed
from ..core.vendor.errors import InvalidAccount, JournalTooNew
from ..core.vendor.fields import email_key
from .files import SharedFile

# The names of tables and columns and the words in them are on users' disks, and older than the words of the code:
# `deeds` are the journal's entries, by e-mail, with an `EntryKind` as `deed`; `doubts` are the unconfirmed accounts;
# `revisions` are write revisions; `known` are accounts that the engine has shown that it knows. The last three tables
# let the provider processes of one run know of each other: see `declare`, `give_up` and `renewed`.
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
create index if not exists deeds_by_owner on deeds (tenant, owner);
create table if not exists known (
    tenant text not null, account text not null, at real not null, primary key (tenant, account)
);
create table if not exists declared (
    tenant text not null, owner text not null, run text not null, emails text not null, at real not null,
    primary key (tenant, owner)
);
create table if not exists given_up (
    tenant text not null, account text not null, life text not null, run text not null, at real not null,
    primary key (tenant, account, life)
);
create table if not exists renewals (
    tenant text not null, account text not null, owner text not null, run text not null, at real not null,
    primary key (tenant, account)
);
create index if not exists renewals_by_owner on renewals (tenant, owner);
"""
_DEED = """
select deed, deeds.account, owner, deeds.at, known.account is not null from deeds
left join known on known.tenant = deeds.tenant and known.account = deeds.account
where deeds.tenant = ? and """
_HAD_ACCOUNTS = """
select owner from deeds where tenant = ? and deed = ? union select owner from renewals where tenant = ?
"""
_REVISION = "select revision from revisions where tenant = ? and account = ?"
_COUNT = "insert or replace into revisions values (?, ?, ?, ?)"
_RENEWED_BY = "select owner from renewals where tenant = ? and account = ? and run = ? and at > ?"
_UNKNOWN = "delete from known where tenant = ? and account = ?"
_OWNED = "update deeds set owner = ? where tenant = ? and account = ? and deed = ?"
_DATE = "update deeds set at = ? where tenant = ? and email = ? and at > ?"
_TRUST = "delete from doubts where tenant = ? and account = ?"
_NOTE = "insert or replace into deeds (tenant, email, deed, account, owner, at) values (?, ?, ?, ?, ?, ?)"
_RESTORE = _NOTE.replace("or replace", "or ignore")
_DEEDS_OF = "select tenant, email, deed, account, owner, at from deeds where tenant = ? and (account = ? or email = ?)"
_NOT_PENDING = "delete from deeds where tenant = ? and email = ? and deed = ?"
_LET_GO = "delete from deeds where tenant = ? and account = ?"
_Row = tuple[str, str | None, str, float, int]
"""What `_DEED` selects."""
Aside = Callable[..., Awaitable[object]]
RUN_MAX_S = 24 * 3600.0  # the longest run of the engine: older records with the same run id are another run's
RETENTION_S = 90 * 24 * 3600.0  # older entries are deleted, except those of deactivated accounts


def verify(path: Path) -> None:
    """Create the journal if it is missing, and write to it; raises OSError or sqlite3.Error if it is not writable."""
    file = SharedFile("journal", path, _TABLES, warn=lambda text: None)
    try:
        file.verify()
    finally:
        file.close()


def _keys(email: str) -> list[str]:
    """Return the e-mail's key, then the key of the first versions if it differs: they folded non-ASCII letters too."""
    return [*dict.fromkeys((email_key(email), email.casefold()))]


@dataclass
class _Intent:
    """A create whose entry waits to be written."""

    email: str
    owner: str
    window: float
    is_written: bool = False
    in_the_way: Entry | None = None


class Journal:
    """One tenant's entries in the file. Safe for several processes; each write is one transaction.

    `run` identifies the run of the engine. `aside` runs a function outside the event loop (a worker thread); tests in
    virtual time pass another one.
    """

    def __init__(
        self,
        tenant: str,
        warn: Callable[[str], None],
        path: Path,
        aside: Aside = anyio.to_thread.run_sync,
        run: str = "",
    ) -> None:
        self._tenant = tenant
        self._aside = aside
        self._run_id = run
        self._lock = anyio.Lock()
        self._intents: list[_Intent] = []
        self._before: dict[str, tuple[object, ...] | None] = {}
        """The row of an e-mail before this process recorded a create; None if there was no row."""
        self._file = SharedFile("journal", path, _TABLES, warn)
        self._is_pruned = False
        self._had_accounts: frozenset[str] | None = None
        self._met: dict[str, str] = {}
        """The first e-mail of this run under each key of the first versions."""

    def last(self, email: str) -> Entry | None:
        """Return the entry of this e-mail, or None.

        Raises JournalTooNew if a newer version wrote it, and InvalidAccount if it may belong to another e-mail.
        """
        return self._file.read(lambda database: self._last(database, email), None)

    def last_of(self, account: str) -> Entry | None:
        """Return the entry of this account, under any e-mail, or None; raises JournalTooNew."""
        return self._file.read(lambda database: _entry(self._row(database, "deeds.account = ?", account)), None)

    def made_for(self, owner: str) -> Entry | None:
        """Return an entry of an account that was created for this owner; prefer an account that the engine knows."""
        query = _DEED + "owner in (?, ?) and deed = ? order by known.account is null limit 1"
        rows = self._read(query, self._tenant, *_two(owner), EntryKind.CREATED)
        return _entry(rows[0] if rows else None)

    def had_account(self, owner: str) -> bool:
        """Return whether a resource that differs from the owner at most in its stack created or adopted an account.

        The stack may have been renamed since. Only what earlier runs noted counts.
        """
        if self._had_accounts is None:
            rows = self._read(_HAD_ACCOUNTS, self._tenant, EntryKind.CREATED, self._tenant)
            self._had_accounts = frozenset(each for row in rows for each in [resource_in(row[0])] if each)
        return resource_in(owner) in self._had_accounts

    async def intend(self, email: str, owner: str, window: float) -> Entry | None:
        """Record that a create is about to be sent; the entry survives a power cut when this returns.

        If the journal holds a create of less than `window` seconds ago without a known outcome, records nothing and
        returns that entry: the vendor may still receive it. Creates that wait at the same time share one disk write,
        which takes milliseconds and does not block the event loop.
        """
        intent = _Intent(email, owner, window)
        self._intents.append(intent)
        async with self._lock:
            if not intent.is_written:
                together, self._intents = self._intents, []
                await self._aside(self._write, together)
                for each in together:
                    each.is_written = True
        return intent.in_the_way

    def withdraw(self, email: str) -> None:
        """Delete the entry of this process's create, which created no account, and restore the entry before it."""
        before = self._before.get(email_key(email))

        def take_back(database: sqlite3.Connection) -> None:
            self._erase_pending(database, _keys(email))
            if before is not None:
                database.execute(_NOTE, before)

        self._file.run(take_back, None)

    def note(self, email: str, entry: Entry) -> None:
        """Store the entry under this e-mail, and delete its account's entry under another one."""
        self._prune()

        def write(database: sqlite3.Connection) -> None:
            if entry.account is not None:
                database.execute(_LET_GO, (self._tenant, entry.account))
                database.execute(_UNKNOWN, (self._tenant, entry.account))
            database.execute(_NOTE, self._deed(email, entry))
            self._erase_pending(database, _keys(email)[1:])

        self._file.run(write, None)

    def _write(self, intents: Sequence["_Intent"]) -> None:
        self._prune()

        def write(database: sqlite3.Connection) -> None:
            for each in intents:
                last = self._last(database, each.email)
                if last is not None and last.kind is EntryKind.PENDING and last.age < each.window:
                    each.in_the_way = last
                    # A time in the future means that the clock was set back since: its window starts now.
                    database.execute(_DATE, (time.time(), self._tenant, email_key(each.email), time.time()))
                    continue
                self._before[email_key(each.email)] = self._deed(each.email, last) if last else None
                database.execute(_NOTE, self._deed(each.email, Entry(EntryKind.PENDING, owner=each.owner)))

        self._file.run(write, None, durable=True)

    def _deed(self, email: str, entry: Entry) -> tuple[object, ...]:
        at = time.time() - entry.age
        return self._tenant, email_key(email), entry.kind, entry.account, entry.owner, at

    def _last(self, database: sqlite3.Connection, email: str) -> Entry | None:
        found = ((key, self._row(database, "email = ?", key)) for key in _keys(email))
        key, row = next((each for each in found if each[1] is not None), ("", None))
        entry = _entry(row)
        if entry is not None and entry.kind is EntryKind.PENDING and key == email.casefold():
            self._one_email(email)
        return entry

    def _row(self, database: sqlite3.Connection, where: str, value: str) -> _Row | None:
        row: _Row | None = database.execute(_DEED + where, (self._tenant, value)).fetchone()
        return row

    def _prune(self) -> None:
        if not self._is_pruned:
            self._is_pruned = True
            self._run("delete from deeds where at < ? and deed != ?", time.time() - RETENTION_S, EntryKind.DEACTIVATED)
            for table in ("doubts", "revisions", "known", "renewals", "declared", "given_up"):
                self._run(f"delete from {table} where at < ?", time.time() - RETENTION_S)  # noqa: S608 - our own names

    def forget(self, email: str) -> None:
        """Delete the entry of this e-mail."""

        def erase(database: sqlite3.Connection) -> None:
            database.execute("delete from deeds where tenant = ? and email = ?", (self._tenant, email_key(email)))
            self._erase_pending(database, _keys(email)[1:])

        self._file.run(erase, None)

    def _one_email(self, email: str) -> None:
        """Raise InvalidAccount if two e-mails of this run share a pending create under a key of the first versions."""
        other = self._met.setdefault(email.casefold(), email)
        if email_key(other) != email_key(email):
            raise InvalidAccount(
                f"the journal holds an unconfirmed create for {other} or for {email}: earlier versions stored both "
                "under one key",
                account=email,
                remedy="Declare only one of them for one run, then both",
            )

    def _erase_pending(self, database: sqlite3.Connection, keys: Iterable[str]) -> None:
        """Delete the pending creates under these keys of e-mails."""
        for key in keys:
            database.execute(_NOT_PENDING, (self._tenant, key, EntryKind.PENDING))

    def forget_account(self, account: str) -> None:
        """Delete the entries of this account."""
        self._run(_LET_GO, self._tenant, account)

    def rename(self, account: str, email: str) -> Entries:
        """Move the entry of a created account to this e-mail; delete the entry of a deactivated one.

        Return the entries of the account and of the e-mail before, for `restore`.
        """

        def move(database: sqlite3.Connection) -> Entries:
            before = database.execute(_DEEDS_OF, (self._tenant, account, email_key(email))).fetchall()
            old = _entry(self._row(database, "deeds.account = ?", account))
            database.execute(_LET_GO, (self._tenant, account))
            if old is not None and old.kind is EntryKind.CREATED:
                database.execute(_NOTE, self._deed(email, old))
            return before

        return self._file.run(move, [])

    def restore(self, account: str, email: str, entries: Entries) -> None:
        """Take back a `rename` to this e-mail that the vendor refused; keep entries that were stored since."""

        def move_back(database: sqlite3.Connection) -> None:
            database.execute(_LET_GO + " and email = ?", (self._tenant, account, email_key(email)))
            database.executemany(_RESTORE, entries)

        self._file.run(move_back, None)

    def forget_pending(self, email: str) -> None:
        """Delete the entry of a create without a known outcome: an account with this e-mail is another one."""
        self._file.run(lambda database: self._erase_pending(database, _keys(email)), None)

    def acknowledge(self, accounts: Iterable[str], owner: str = "") -> None:
        """Record that the engine knows these accounts and, unless `owner` is empty, that this owner has them.

        An account that another owner got in this run, in any process, stays that owner's.
        """
        remembered = self._remembered({*accounts})
        new = [account for account, kept, is_known in remembered if not (is_known and _is_owners(owner, kept))]

        def write(database: sqlite3.Connection) -> None:
            for each in new:
                if self._is_renewed_by_other(database, each, (owner,)):
                    continue
                database.execute("insert or replace into known values (?, ?, ?)", (self._tenant, each, time.time()))
                if owner:
                    database.execute(_OWNED, (owner, self._tenant, each, EntryKind.CREATED))

        if new:
            self._file.run(write, None)

    def _remembered(self, accounts: set[str]) -> list[tuple[str, str, bool]]:
        """Return the accounts that have an entry, each with its owner and whether the engine is known to have it."""
        if len(accounts) == 1:
            rows = self._read(_DEED + "deeds.account = ?", self._tenant, *accounts)
        else:
            rows = self._read(_DEED + "deeds.account is not null", self._tenant)
        return [(account, owner, is_known) for _, account, owner, _, is_known in rows if account in accounts]

    def unacknowledge(self, account: str) -> None:
        """Record that the engine no longer knows the account under its owner: another resource is about to get it."""
        self._run(_UNKNOWN, self._tenant, account)

    def declare(self, owner: str, emails: Iterable[str]) -> None:
        """Record which e-mails a resource declares in this run that has no old inputs: it is new, or replaced."""
        keys = json.dumps([email_key(each) for each in emails])
        query = "insert or replace into declared values (?, ?, ?, ?, ?)"
        self._run(query, self._tenant, owner, self._run_id, keys, time.time())

    def declared(self, owner: str) -> frozenset[str] | None:
        """Return the keys of the e-mails that `declare` recorded in this run, in any process; None if it did not."""
        query = "select emails from declared where tenant = ? and owner = ? and run = ? and at > ?"
        rows = self._read(query, self._tenant, owner, self._run_id, time.time() - RUN_MAX_S)
        return frozenset(json.loads(rows[0][0])) if rows else None

    def give_up(self, account: str, life: str, others: Set[str]) -> bool:
        """Record that this life of the account gives it up in this run; return whether another life still keeps it.

        Returns False, and records nothing, if all `others` have given it up in this run: then the caller must
        deprovision the account.
        """

        def write(database: sqlite3.Connection) -> bool:
            query = "select life from given_up where tenant = ? and account = ? and run = ? and at > ?"
            values = (self._tenant, account, self._run_id, time.time() - RUN_MAX_S)
            given_up = {row[0] for row in database.execute(query, values)}
            if others <= given_up:
                return False
            query = "insert or replace into given_up values (?, ?, ?, ?, ?)"
            database.execute(query, (self._tenant, account, life, self._run_id, time.time()))
            return True

        return self._file.run(write, bool(others))

    def renewed_for(self, owner: str) -> frozenset[str]:
        """Return the accounts that `renewed` recorded for this owner in this run of the engine."""
        query = "select account from renewals where tenant = ? and owner = ? and run = ? and at > ?"
        rows = self._read(query, self._tenant, owner, self._run_id, time.time() - RUN_MAX_S)
        return frozenset(row[0] for row in rows)

    def renewed(self, account: str, owner: str) -> None:
        """Record that this owner keeps or takes over the account in this run of the engine."""
        self._run(
            "insert or replace into renewals values (?, ?, ?, ?, ?)",
            self._tenant, account, owner, self._run_id, time.time(),
        )  # fmt: skip

    def not_renewed(self, account: str, owner: str) -> None:
        """Delete the record of `renewed`: the owner's account is another one."""
        query = "delete from renewals where tenant = ? and account = ? and owner = ? and run = ?"
        self._run(query, self._tenant, account, owner, self._run_id)

    def is_renewed_by_other(self, account: str, owners: Collection[str]) -> bool:
        """Return whether this run has recorded `renewed` for the account, in any process, and not for these owners.

        The names that one resource has had are several owners.
        """
        return self._file.read(lambda database: self._is_renewed_by_other(database, account, owners), False)

    def _is_renewed_by_other(self, database: sqlite3.Connection, account: str, owners: Collection[str]) -> bool:
        values = (self._tenant, account, self._run_id, time.time() - RUN_MAX_S)
        row = database.execute(_RENEWED_BY, values).fetchone()
        return row is not None and row[0] not in owners

    def is_renewed(self, account: str) -> bool:
        """Return whether any process of this run of the engine recorded `renewed` for the account."""
        return bool(self._read(_RENEWED_BY, self._tenant, account, self._run_id, time.time() - RUN_MAX_S))

    def mark_unconfirmed(self, account: str, why: Unconfirmed) -> None:
        """Record, before a write is sent, that the engine may not learn of it."""
        self._run("insert or replace into doubts values (?, ?, ?, ?)", self._tenant, account, why, time.time())

    def why_unconfirmed(self, account: str, revision: int | None = None) -> Unconfirmed | None:
        """Return why the account must be read before a state of this revision is trusted; None if it need not."""
        rows = self._read("select why from doubts where tenant = ? and account = ?", self._tenant, account)
        if rows:
            return (
                Unconfirmed(rows[0][0]) if rows[0][0] in {*Unconfirmed} else Unconfirmed.CHANGED
            )  # a newer version may know more reasons
        return Unconfirmed.FORGOTTEN if revision is not None and revision < self.revision(account) else None

    def unconfirmed(self, revision: int) -> frozenset[str]:
        """Return the accounts that must be read before a state of this revision is trusted."""
        query = (
            "select account from doubts where tenant = :tenant union "
            "select account from revisions where tenant = :tenant and revision > :revision"
        )
        values = {"tenant": self._tenant, "revision": revision}
        return self._file.read(
            lambda database: frozenset(row[0] for row in database.execute(query, values)), frozenset()
        )

    def mark_confirmed(self, account: str) -> None:
        """Record that the state of the account is known again."""
        self._run(_TRUST, self._tenant, account)

    def record_write(self, account: str, revision: int, *, confirms: bool = True) -> int:
        """Record a write, which no earlier state contains, and return its write revision.

        `revision` is that of the engine's state before the write. States with a smaller revision than the new one are
        out of date. If it `confirms` the account, its unconfirmed mark is removed.
        """

        def count_on(database: sqlite3.Connection) -> int:
            known = database.execute(_REVISION, (self._tenant, account)).fetchone() or (0,)
            new = max(revision, int(known[0])) + 1
            if confirms:
                database.execute(_TRUST, (self._tenant, account))
            database.execute(_COUNT, (self._tenant, account, new, time.time()))
            return new

        return self._file.run(count_on, revision)

    def revision(self, account: str) -> int:
        """Return the count of the account's confirmed writes; 0 if none is recorded."""
        rows = self._read(_REVISION, self._tenant, account)
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _run(self, query: str, *values: object) -> None:
        self._file.run(lambda database: database.execute(query, values), None)

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._file.read(lambda database: database.execute(query, values).fetchall(), [])


def _is_owners(owner: str, kept: str) -> bool:
    """Return whether the kept owner needs no change: no new owner is given, or it is the same one or a longer form."""
    return owner in ("", kept) or (parsed(owner) is None and same(owner, kept))


def _entry(row: _Row | None) -> Entry | None:
    if row is None:
        return None
    kind, account, owner, at, is_known = row
    if kind not in {*EntryKind}:
        raise JournalTooNew(
            f"a newer version of seatwise has written {kind} into the journal",
            account=account or "",
            remedy="Install that version here too",
        )
    age = max(0.0, time.time() - at)  # a clock may have been set back
    return Entry(EntryKind(kind), account, owner, age, bool(is_known))


def _two(owner: str) -> tuple[str, str]:
    """Return the two forms of the owner; the same one twice if there is only one."""
    either = sorted(forms(owner))
    return either[0], either[-1]
