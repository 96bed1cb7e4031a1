"""What a rehearsal does, and what it has seen so far."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from ..vendor.fields import Values
from ..vendor.http import Answer, Request, texts
from ..vendor.vendor import Vendor
from . import plan
from .assumptions import NO, YES, Row, Seen, rows
from .shapes import Exchange, Shapes

ACTIVE, DEACTIVATED, DELETED = "active", "deactivated", "deleted"
SHORTEST_BLANKED = 2  # characters; a text that is not longer is quoted


@dataclass
class Life:
    """What a rehearsal does, and what it has seen so far."""

    vendor: Vendor
    email: str
    values: Values = field(repr=False)
    changes: Values = field(repr=False)
    shapes: Shapes
    step: str = ""
    seen: dict[str, Seen] = field(default_factory=dict)
    exchanges: dict[str, tuple[Exchange, list[str]]] = field(default_factory=dict, repr=False)
    """What the answers look like, each with the steps in which it came."""
    accounts: dict[str, str] = field(default_factory=dict)
    """The accounts that the rehearsal made, and whether each is active."""
    may_exist: bool = False
    """Whether a create was sent whose account is not among these."""
    quoted: set[str] = field(default_factory=set, repr=False)
    """Texts in answers, which no error may quote."""

    @classmethod
    def of(cls, vendor: Vendor, email: str, given: Values) -> "Life":
        """Return the plan of a rehearsal; raises InvalidAccount if the account cannot be declared so."""
        values = plan.values_of(vendor, email, given)
        changes, identity = plan.changes_of(vendor, values), str(values[vendor.identity_field])
        return cls(vendor, identity, values, changes, Shapes.of(vendor, email))

    def record(self, request: Request, answer: Answer) -> None:
        """Keep what a report may contain of an exchange, unless the same is there already."""
        exchange = self.shapes.exchange(request, answer)
        steps = self.exchanges.setdefault(json.dumps(asdict(exchange)), (exchange, []))[1]
        steps += [] if self.step in steps else [self.step]
        if answer.ok:
            self.quoted.update(texts(answer.json))

    def note(self, key: str, value: str | bool, detail: object = "") -> None:
        """Record what was seen at a point."""
        said = {True: YES, False: NO}[value] if isinstance(value, bool) else value
        self.seen[key] = Seen(said, str(detail))

    def rows(self) -> list[Row]:
        """Return the table so far."""
        points = plan.points_of(self.vendor, self.values, self.changes)
        return [*rows(self.vendor, points, self.seen)]

    def blanked(self, problem: str) -> str:
        """Return a problem whose quotation of the vendor has no value that was sent and no text that was read."""
        begin, colon, words = problem.partition(": ")
        sent = (each for values in (self.values, self.changes) for value in values.values() for each in _texts(value))
        for text in sorted({*sent, *self.quoted}, key=len, reverse=True):
            words = words.replace(text, "...") if len(text) > SHORTEST_BLANKED else words
        return f"{begin}{colon}{words}"


def _texts(value: object) -> Sequence[str]:
    return [*map(str, value)] if isinstance(value, list) else [str(value)]
