"""The answers to creates: whether an account may count as the answer shows it, without being read back.

A vendor may answer what it was sent and keep something else. So the first account of a run is read by its id
nevertheless, and the other answers are trusted only if that record agrees with its answer. It proves only the fields
that were sent for that account, and of a list as many items: an account with more is read by its id, too.
"""

from collections.abc import Iterator, Set
from contextlib import contextmanager

from ..vendor.boundary import Record
from ..vendor.fields import VOLATILE, Schema, Takes, Values
from ..vendor.http import Answer
from ..vendor.vendor import Vendor
from .properties import AccountState, Declared
from .state import differences, observed, seen


class Answers:
    """What one run knows of the answers to a tenant's creates."""

    def __init__(self) -> None:
        self.agree: bool | None = None
        """Whether all accounts that were read by their ids were as in the answers to their creates; None: none yet."""
        self._proven: dict[str, int] = {}
        """The fields that were sent for those accounts, with the number of their items (1 for what is no list)."""
        self.whole: dict[str, Record] = {}
        """The records in answers that hold all that was sent, by account, until they are trusted or not."""
        self.sending = 0
        """How many creates are on their way."""
        self.waiting: set[str] = set()
        """New accounts that wait to be read back."""
        self.listed: dict[str, Record] = {}
        """The records of such accounts in the list that was loaded for them, until they are looked at."""
        self.is_listed = True
        """Whether the list has shown the new accounts for which it was loaded."""

    @contextmanager
    def awaiting(self) -> Iterator[None]:
        """Count a create that is on its way during the block."""
        self.sending += 1
        try:
            yield
        finally:
            self.sending -= 1

    def keep(self, vendor: Vendor, account: str, answer: Answer, declared: Declared, unshown: set[str]) -> None:
        """Keep the record in the answer to a create, if it is a whole one. `unshown` are fields that no record has."""
        record = None if vendor.echoes else vendor.parse_record(answer)
        if record is not None and _is_whole(vendor, account, record, declared, unshown):
            self.whole[account] = record

    def compare(self, schema: Schema, answered: Record, record: Record | None, declared: Declared) -> None:
        """Compare an answer with the account's record by id; None says that it cannot be read yet."""
        is_same = record is not None and _agree(schema, answered, record)
        if is_same:
            for name, size in _sizes(schema, declared).items():
                self._proven[name] = max(size, self._proven.get(name, 0))
        if self.agree is None or record is not None:
            self.agree = is_same and self.agree is not False

    def are_proven(self, schema: Schema, declared: Declared) -> bool:
        """Return whether all that was sent for an account was as in the answer for some other account, too."""
        return all(size <= self._proven.get(name, 0) for name, size in _sizes(schema, declared).items())


def sent_values(schema: Schema, declared: Declared) -> Values:
    """Return the declared values that a create takes."""
    return {name: value for name, value in declared.values.items() if schema[name].takes & Takes.CREATE}


def new_state(vendor: Vendor, sent: Values, record: Record | None, kept: Set[str] = frozenset()) -> AccountState:
    """Return the state of a new account, from what was sent and what a record shows.

    `kept` are sparse fields that the tenant is known to keep.
    """
    return observed(vendor, sent, seen(vendor.schema, sent, record), adopted=False, written=sent.keys() - kept)


def lacking(schema: Schema, record: Record, values: Values) -> set[str]:
    """Return the names of the fields that tell whether the account has these values, and that a record does not show.

    A value that cannot be read counts as not shown.
    """
    fields = [schema[name] for name in values]
    telling = {each.delta.of if each.delta else each.name for each in fields if each.delta or each.is_readable}
    return telling - (schema.names_in(record) - {*schema.unread(record)})


def _is_whole(vendor: Vendor, account: str, record: Record, declared: Declared, unshown: set[str]) -> bool:
    """Return whether a record has the id, the identity and every readable field of this account, as sent."""
    schema, sent = vendor.schema, sent_values(vendor.schema, declared)
    identity = schema[vendor.identity_field]
    if vendor.parse_id(record) != account:
        return False
    if not identity.same(vendor.parse_identity(record), vendor.identity(declared.values)):
        return False
    state = new_state(vendor, sent, record)
    is_as_sent = not state.as_declared and not differences(schema, state.values, sent)
    return is_as_sent and not lacking(schema, record, sent) - unshown


def _sizes(schema: Schema, declared: Declared) -> dict[str, int]:
    """Return the readable fields that a create sends, each with the number of its items (1 if it is no list)."""
    sent = {name: value for name, value in sent_values(schema, declared).items() if schema[name].is_readable}
    return {name: len(value) if isinstance(value, list) else 1 for name, value in sent.items()}


def _agree(schema: Schema, answered: Record, record: Record) -> bool:
    """Return whether an answer has all that the record by id has."""
    said, there = schema.parse(answered), schema.parse(record)
    steady = [name for name in there if VOLATILE not in schema[name].marks]
    return all(name in said and schema[name].same(there[name], said[name]) for name in steady)
