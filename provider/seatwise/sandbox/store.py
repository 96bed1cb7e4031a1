"""The sandbox's store: accounts, tokens and a log of requests, in one SQLite database."""

import json
import re
import sqlite3
import string
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TABLES = """
create table if not exists accounts (
    vendor text not null, id text not null, email text not null, record text not null,
    primary key (vendor, id)
);
create index if not exists accounts_by_email on accounts (vendor, email);
create table if not exists gone (vendor text not null, id text not null);
create table if not exists reserved (vendor text not null, email text not null, primary key (vendor, email));
create table if not exists tokens (
    vendor text not null, token text primary key, kind text not null, owner text not null, expires real not null
);
create table if not exists log (
    number integer primary key autoincrement, at real not null, vendor text not null, method text not null,
    path text not null, query text not null, body text, status integer not null, seconds real not null default 0
);
"""


_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SECRETS = re.compile("password|secret|token", re.IGNORECASE)


def mailbox(email: str) -> str:
    """Return the e-mail's key: e-mails that differ only in the case of ASCII letters are one mailbox."""
    return email.translate(_SMALL)


def _without_secrets(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a request's body without its secrets; in an operation of SCIM the path names the value."""
    path = next((str(value) for key, value in fields.items() if key.lower() == "path"), "")
    names = {key: path if key.lower() == "value" else key for key in fields}
    return {
        key: "[secret]" if value is not None and _SECRETS.search(names[key]) else value for key, value in fields.items()
    }


class Taken(Exception):
    """The e-mail belongs to another account, or to a deleted one whose e-mail stays reserved."""


class Store:
    """The sandbox's database; without a path it lasts as long as the process.

    With `unique_emails` false, two accounts may have the same e-mail. The log in a file has no secrets of people; in
    memory it has the bodies as they came.
    """

    def __init__(self, path: Path | None = None, *, unique_emails: bool = True) -> None:
        self._unique_emails = unique_emails
        self._is_file = path is not None
        self._database = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.executescript(_TABLES)
        if "seconds" not in {row[1] for row in self._database.execute("pragma table_info(log)")}:
            # a file of a version that did not store durations
            self._database.execute("alter table log add column seconds real not null default 0")

    def close(self) -> None:
        """Write everything to the file, if there is one."""
        self._database.close()

    def clear(self) -> None:
        """Delete everything."""
        for table in ("accounts", "gone", "reserved", "tokens", "log", "sqlite_sequence"):
            self._database.execute(f"delete from {table}")  # noqa: S608 - our own names

    # --- accounts -----------------------------------------------------------------------------

    def add(self, vendor: str, account: str, email: str, record: Mapping[str, Any]) -> None:
        """Store a new account; raises Taken."""
        self._claim(vendor, email, account)
        self._database.execute(
            "insert into accounts values (?, ?, ?, ?)", (vendor, account, mailbox(email), json.dumps(record))
        )

    def replace(self, vendor: str, account: str, email: str, record: Mapping[str, Any]) -> None:
        """Store an account's new record; raises Taken."""
        self._claim(vendor, email, account)
        self._database.execute(
            "update accounts set email = ?, record = ? where vendor = ? and id = ?",
            (mailbox(email), json.dumps(record), vendor, account),
        )

    def remove(self, vendor: str, account: str, *, reserve: bool) -> bool:
        """Delete an account, and reserve its e-mail if asked; return False if the account does not exist."""
        row = self._one("select email from accounts where vendor = ? and id = ?", vendor, account)
        if row is None:
            return False
        if reserve:
            self._database.execute("insert or ignore into reserved values (?, ?)", (vendor, row[0]))
        self._database.execute("insert into gone values (?, ?)", (vendor, account))
        self._database.execute("delete from accounts where vendor = ? and id = ?", (vendor, account))
        return True

    def get(self, vendor: str, account: str) -> dict[str, Any] | None:
        """Return an account's record, or None."""
        row = self._one("select record from accounts where vendor = ? and id = ?", vendor, account)
        return None if row is None else dict(json.loads(row[0]))

    def all(self, vendor: str, first: int = 0, limit: int = -1) -> list[tuple[str, dict[str, Any]]]:
        """Return ids and records of a vendor's accounts, oldest first: at most `limit`, from the `first` (0) on."""
        query = "select id, record from accounts where vendor = ? order by rowid limit ? offset ?"
        rows = self._database.execute(query, (vendor, limit, first))
        return [(account, json.loads(record)) for account, record in rows]

    def count(self, vendor: str) -> int:
        """Return the number of a vendor's accounts."""
        row = self._one("select count(*) from accounts where vendor = ?", vendor)
        return int(row[0]) if row else 0

    def next_number(self, vendor: str) -> int:
        """Return the next free id of a vendor whose ids are numbers."""
        row = self._one(
            "select max(cast(id as integer)) from (select vendor, id from accounts union select vendor, id from gone)"
            " where vendor = ?",
            vendor,
        )
        return max(1000, (row[0] if row and row[0] else 0)) + 1

    def _claim(self, vendor: str, email: str, account: str) -> None:
        if not self._unique_emails:
            return
        key = mailbox(email)
        other = self._one("select 1 from accounts where vendor = ? and email = ? and id != ?", vendor, key, account)
        if other or self._one("select 1 from reserved where vendor = ? and email = ?", vendor, key):
            raise Taken(email)

    # --- tokens -------------------------------------------------------------------------------

    def grant(self, vendor: str, token: str, kind: str, owner: str, lifetime: float) -> None:
        """Store a token that is valid for `lifetime` seconds."""
        self._database.execute(
            "insert into tokens values (?, ?, ?, ?, ?)", (vendor, token, kind, owner, time.time() + lifetime)
        )

    def owner(self, vendor: str, token: str, kind: str) -> str | None:
        """Return the owner of a token; None if the token is unknown or expired."""
        row = self._one(
            "select owner from tokens where vendor = ? and token = ? and kind = ? and expires > ?",
            vendor, token, kind, time.time(),
        )  # fmt: skip
        return None if row is None else str(row[0])

    def revoke(self, vendor: str, token: str | None = None) -> None:
        """Delete one token, or all tokens of a vendor."""
        self._database.execute(
            "delete from tokens where vendor = ? and (token = ? or ? is null)", (vendor, token, token)
        )

    # --- log ----------------------------------------------------------------------------------

    def log(self, vendor: str, method: str, path: str, query: str, body: Any, status: int, seconds: float = 0) -> None:
        """Log a request and its result. Headers are not stored: they contain credentials."""
        written = None if body is None else json.dumps(body)
        if self._is_file and written is not None:
            written = json.dumps(json.loads(written, object_hook=_without_secrets))
        self._database.execute(
            "insert into log (at, vendor, method, path, query, body, status, seconds) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (time.time(), vendor, method, path, query, written, status, seconds),
        )

    def logged(self, since: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the requests with a number greater than `since`, oldest first."""
        columns = ("number", "at", "vendor", "method", "path", "query", "body", "status", "seconds")
        for row in self._database.execute("select * from log where number > ? order by number", (since,)):
            entry = dict(zip(columns, row, strict=True))
            entry["body"] = None if entry["body"] is None else json.loads(entry["body"])
            yield entry

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """Return the last requests, newest first, without query and body."""
        columns = ("number", "at", "vendor", "method", "path", "status", "seconds")
        query = f"select {', '.join(columns)} from log order by number desc limit ?"  # noqa: S608 - our own names
        return [dict(zip(columns, row, strict=True)) for row in self._database.execute(query, (limit,))]

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return row
