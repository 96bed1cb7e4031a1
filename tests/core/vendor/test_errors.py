"""The tree of errors and how they read."""

import inspect
import re

import pytest

from seatwise.core.vendor import errors
from seatwise.core.vendor.errors import AccountError, NoSuchAccount, NotAuthorised, Refused, Unreachable


def drawn_parents() -> dict[str, str]:
    """Each class in the docstring's tree with the class that it hangs under."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.match(r"^([ │├└─]{4,})([A-Z]\w+)  ", line)
        if not drawn:
            continue
        column, name = len(drawn[1]), drawn[2]
        above = [(at, each) for at, each in above if at < column]
        parents[name] = above[-1][1] if above else "Exception"
        above.append((column, name))
    return parents


def test_the_tree_in_the_documentation_is_the_tree() -> None:
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
    assert drawn_parents() == {each.__name__: each.__base__.__name__ for each in classes if each.__base__}


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (AccountError("the list is empty"), "the list is empty"),
        (AccountError("it is gone", vendor="Nexudus"), "Nexudus: it is gone"),
        (
            Unreachable("cannot connect", maybe_sent=False, vendor="Nexudus", account="ana@example.com", remedy="Wait"),
            "Nexudus ana@example.com: cannot connect. Wait",
        ),
        (
            NotAuthorised("read refused with 403", status=403, vendor="Enerflo"),
            "Enerflo: read refused with 403. Check the credentials and the permissions they carry",
        ),
        (NoSuchAccount("it is gone", status=404, remedy="Look again"), "it is gone. Look again"),
        (
            Refused("update refused with 418: no", status=418),
            "update refused with 418: no. Run it again; if it stays, ask the vendor",
        ),
        (AccountError("first\nsecond", vendor="Enerflo", account="7\r\n8"), "Enerflo 7 8: first second"),
    ],
    ids=["bare", "vendor", "account and remedy", "default remedy", "own remedy", "inherited remedy", "line breaks"],
)
def test_an_error_is_one_line_of_who_what_and_the_remedy(error: AccountError, line: str) -> None:
    assert str(error) == line
