"""What one run knows of the memberships of a tenant. Pure data."""

from dataclasses import dataclass
from typing import Protocol

from ..account import ports
from ..account.owner import same
from ..vendor.groups import Pair


@dataclass(frozen=True)
class Members:
    """The members that a group showed."""

    ids: frozenset[str]
    read_at: float
    """When it was read, in seconds of the tenant's clock."""


class RunMemberships:
    """The memberships that the program of this run declares, and what this run has read of groups."""

    def __init__(self) -> None:
        self._owners: dict[Pair, str] = {}
        self.members: dict[str, Members] = {}
        """What groups showed, by their ids; a write forgets it."""
        self.places: dict[str, str] = {}
        """Where this run found the members of a group after a confirmed write, by the group's id; empty: nowhere."""

        self.filters: dict[str, bool] = {}
        """Whether the service understands the filter that shows a membership, by the id of a group."""

    def declare(self, pair: Pair, owner: str) -> str | None:
        """Note that a resource declares a membership. If another resource declares it already, return that one."""
        other = self._owners.setdefault(pair, owner)
        return None if other == owner or same(other, owner) else other

    def is_declared(self, pair: Pair) -> bool:
        """Return whether a resource of this run's program declares the membership."""
        return pair in self._owners


class Tenant(ports.Tenant, Protocol):
    """A vendor's tenant, with the memberships of its run."""

    memberships: RunMemberships
