"""E-mails that move from account to account in one change: mostly resources that are named by a list's index. Pure."""

from ..vendor.fields import email_key


class Exchanges:
    """The resources of a tenant that get another e-mail in this run."""

    def __init__(self) -> None:
        self._gives: dict[str, str] = {}
        """Resources by the e-mail that they have so far."""
        self._gets: dict[str, str] = {}
        """Resources by the e-mail that they get."""
        self._is_reported = False

    def change(self, resource: str, old: str, new: str) -> str | None:
        """Note that a resource changes its e-mail; return a line for the first exchange of e-mails in this run."""
        old, new = email_key(old), email_key(new)
        if old == new:
            return None
        self._gives[old], self._gets[new] = resource, resource
        if self._is_reported:
            return None
        if new in self._gives:
            self._is_reported = True
            return _line(resource, self._gives[new], new)
        if old in self._gets:
            self._is_reported = True
            return _line(self._gets[old], resource, old)
        return None


def _line(receiver: str, giver: str, email: str) -> str:
    return (
        f"accounts exchange e-mails in this change: {receiver} gets that of {giver} ({email}), and with its account "
        "another person gets all that belongs to it. Name a resource after the person and never after a list index: "
        "then only the resource of the person who leaves is taken out"
    )
