"""Changes that a person makes at a vendor's admin page, without seatwise: add, change and delete accounts."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from .replies import StandIn
from .store import Store


class NoSuchAccount(Exception):
    """No account has this id."""


class Admin:
    """A person at the vendors' admin pages, whose changes leave no request in the log."""

    def __init__(self, store: Store, stand_ins: Mapping[str, StandIn]) -> None:
        self._store = store
        self._stand_ins = stand_ins
        self._marks: dict[tuple[str, str], dict[str, tuple[Any, Any]]] = {}
        """For each changed field its value before the first change and after the last one."""

    def add(self, vendor: str, fields: Mapping[str, Any]) -> str:
        """Create an account and return its id; raises Taken."""
        stand_in = self._stand_ins[vendor]
        record = {**stand_in.blank(self._store), **fields}
        account = str(record[stand_in.ID])
        self._store.add(vendor, account, record[stand_in.EMAIL], record)
        return account

    def change(self, vendor: str, account: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change an account and return its new record; raises NoSuchAccount and Taken."""
        old = self._store.get(vendor, account)
        if old is None:
            raise NoSuchAccount(account)
        stand_in = self._stand_ins[vendor]
        known = self.before(vendor, account, old)
        record = {**old, **stand_in.server_changes(), **fields}
        self._store.replace(vendor, account, record[stand_in.EMAIL], record)
        marks = {key: (known.get(key, old.get(key)), value) for key, value in fields.items()}
        self._marks[vendor, account] = self._marks.get((vendor, account), {}) | marks
        return record

    def remove(self, vendor: str, account: str) -> None:
        """Delete an account; raises NoSuchAccount."""
        stand_in = self._stand_ins.get(vendor)
        if stand_in is None or not self._store.remove(vendor, account, reserve=stand_in.KEEPS_EMAILS):
            raise NoSuchAccount(account)

    def before(self, vendor: str, account: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of fields before they were changed by hand, unless a request has changed them since."""
        marks = self._marks.pop((vendor, account), None)
        if not marks:
            return {}
        marks = {key: each for key, each in marks.items() if record.get(key) == each[1] != each[0]}
        self._marks[vendor, account] = marks
        return {key: before for key, (before, _) in marks.items()}

    def forget(self) -> None:
        """Forget all changes."""
        self._marks.clear()


def admin_of(request: Request) -> Admin:
    """Return the sandbox's `Admin`."""
    admin: Admin = request.app.state.admin
    return admin
