"""The interface of a vendor that has groups: which requests change who is in a group, and what shows it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .boundary import Record
from .http import Answer, Request, segment


@dataclass(frozen=True)
class Pair:
    """One user in one group, each by its id."""

    user: str
    group: str

    @property
    def id(self) -> str:
        """The id of the membership: `GROUP/USER`, both percent-encoded; raises InvalidAccount as `segment` does."""
        return f"{segment(self.group)}/{segment(self.user)}"

    def __str__(self) -> str:
        return f"user {self.user} in group {self.group}"


class Groups(ABC):
    """What a vendor with groups says beside `Vendor`: its class extends both."""

    @property
    def way_to_join(self) -> str:
        """Why this tenant cannot change who is in a group, with the remedy; empty if it can."""
        return ""

    @property
    def way_to_leave(self) -> str:
        """What to set where a removal is answered and not done, as a sentence; empty if nothing can be set."""
        return ""

    @abstractmethod
    def request_join(self, pair: Pair, version: str | None) -> Request:
        """Return the request that adds the user; other members stay. With a `version` it holds for that one alone."""

    @abstractmethod
    def request_leave(self, pair: Pair, version: str | None) -> Request:
        """Return the request that removes the user; other members stay."""

    @abstractmethod
    def request_group(self, group: str) -> Request:
        """Return the request that reads one group."""

    @abstractmethod
    def request_groups(self) -> Request:
        """Return the request for a page of all groups."""

    @abstractmethod
    def request_groups_with(self, pair: Pair) -> Request:
        """Return the request for a page of groups that has the pair's group alone, and that only with its user."""

    @abstractmethod
    def parse_members(self, answer: Answer) -> frozenset[str] | None:
        """Return the ids of the members that the answer to `request_group` shows; None if it is not a group."""

    @abstractmethod
    def parse_version(self, answer: Answer) -> str | None:
        """Return the version of a group in the answer to `request_group`; None if it has no version."""

    @abstractmethod
    def parse_groups(self, record: Record) -> frozenset[str]:
        """Return the ids of the groups that a user's record shows."""

    @abstractmethod
    def is_no_member(self, answer: Answer) -> bool:
        """Return whether the answer to `request_leave` refuses because the user is not in the group."""
