"""User accounts in SaaS products as code: one `User` resource a vendor, `Roster` for whole teams, `Person` for people.

    from seatwise import enerflo
    enerflo.User("ana", email="ana@example.com", roles=["Sales Rep"])

A team from a file: `load_members("team.csv")`; people with accounts at several vendors: `people("people.yaml")`.

A vendor in `seatwise/vendors` that is not listed here can be imported anyway, as `import seatwise.acme` too.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from .files.members import load_members
from .files.people import PersonArgs, people
from .resources.person import Person
from .resources.roster import Roster
from .vendors import Finder, enerflo, module_named, nexudus, scim, tenovos

__all__ = ["Person", "PersonArgs", "Roster", "enerflo", "load_members", "nexudus", "people", "scim", "tenovos"]

sys.meta_path.append(Finder())

if not TYPE_CHECKING:  # a checker would take any misspelt name for a vendor

    def __getattr__(name: str) -> ModuleType:
        try:
            return module_named(name)
        except ModuleNotFoundError:
            raise AttributeError(f"module {__name__!r} has no vendor {name!r}") from None
