"""What `seatwise rehearse` tries at a tenant, as a vendor's file says it. All of it has a default."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .fields import Values


@dataclass(frozen=True)
class Assumption:
    """A point at which a tenant may behave otherwise than seatwise assumes.

    What a vendor leaves out is that of the point of the same key in `core.rehearsal.assumptions`.
    """

    about: str = ""
    """The assumption, or the question, for the table."""
    assumed: tuple[str, ...] = ()
    """The answers that seatwise assumes; without any, each answer is only noted."""
    source: str = ""
    """The URL of the page that says so; empty if no page does."""
    remedy: str = ""
    """What covers another answer: a setting, or what seatwise does then."""


@dataclass(frozen=True)
class Rehearsal:
    """What a vendor's file says beside `example` and `example_change`, which a rehearsal uses."""

    values: Values = field(default_factory=dict)
    """Arguments that differ from `example`; None leaves out what another tenant may not have, such as an office."""
    changes: Values = field(default_factory=dict)
    """The same for `example_change`."""
    assumptions: Mapping[str, Assumption] = field(default_factory=dict)
    """What differs from the points of every vendor, and points of its own; the latter are not tried."""
