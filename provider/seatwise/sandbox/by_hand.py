"""What a person does at a vendor's admin page: add, change and delete accounts behind seatwise's back."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from .replies import StandIn
from .store import Store


class NoSuch(Exception):
    """There is no account with that id."""


class Hand:
    """A person's hand at the admin pages. It leaves no request in the log."""

    def __init__(self, store: Store, stand_ins: Mapping[str, StandIn]) -> None:
        self._store = store
        self._stand_ins = stand_ins
        self._marks: dict[tuple[str, str], dict[str, tuple[Any, Any]]] = {}
        """Of each field that was changed: its value before the first change, and after the last."""

    def add(self, vendor: str, fields: Mapping[str, Any]) -> str:
        """Make an account and give its id; raises Taken."""
        stand_in = self._stand_ins[vendor]
        record = {**stand_in.blank(self._store), **fields}
        account = str(record[stand_in.ID])
        self._store.add(vendor, account, record[stand_in.EMAIL], record)
        return account

    def change(self, vendor: str, account: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change an account and give its new record; raises NoSuch and Taken."""
        old = self._store.get(vendor, account)
        if old is None:
            raise NoSuch(account)
        stand_in = self._stand_ins[vendor]
        known = self.before(vendor, account, old)
        record = {**old, **stand_in.touched(), **fields}
        self._store.replace(vendor, account, record[stand_in.EMAIL], record)
        marks = {key: (known.get(key, old.get(key)), value) for key, value in fields.items()}
        self._marks[vendor, account] = self._marks.get((vendor, account), {}) | marks
        return record

    def remove(self, vendor: str, account: str) -> None:
        """Delete an account; raises NoSuch."""
        stand_in = self._stand_ins.get(vendor)
        if stand_in is None or not self._store.remove(vendor, account, reserve=stand_in.KEEPS_EMAILS):
            raise NoSuch(account)

    def before(self, vendor: str, account: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """What fields were before they were changed by hand, as long as nobody else has changed them since."""
        marks = self._marks.pop((vendor, account), None)
        if not marks:
            return {}
        marks = {key: each for key, each in marks.items() if record.get(key) == each[1] != each[0]}
        self._marks[vendor, account] = marks
        return {key: before for key, (before, _) in marks.items()}

    def forget(self) -> None:
        """Know of no change."""
        self._marks.clear()


def hand_of(request: Request) -> Hand:
    """The person at the admin pages."""
    hand: Hand = request.app.state.hand
    return hand
