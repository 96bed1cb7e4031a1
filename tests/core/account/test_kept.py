"""Fields that a record leaves out: empty, or accepted and not kept."""

from typing import Annotated, Any, ClassVar

import pytest

from seatwise.core.account.properties import AccountState, Declared
from seatwise.core.account.state import compared, diff, differences, observed, seen, unkept
from seatwise.core.vendor.fields import CREATE_ONLY, SPARSE, Schema
from seatwise.core.vendor.http import Answer, Request
from seatwise.core.vendor.vendor import Listing, Token, Vendor

SCHEMA = Schema.of(
    {
        "email": str,
        "title": Annotated[str, SPARSE],
        "teams": Annotated[list[str], SPARSE],
        "desk": str,
        "origin": Annotated[str, SPARSE, CREATE_ONLY],
    },
    str,
    required={"email"},
)


class Sparse(Vendor):
    """A vendor whose records leave out what is empty."""

    schema = SCHEMA
    example: ClassVar = {"email": "ana@example.com"}

    def token(self) -> Token:
        return Token({})

    def request_page(self, email: str | None, page: int) -> Request:
        return Request("GET", "/")

    def parse_page(self, answer: Answer) -> Listing | None:
        return None


VENDOR = Sparse(None)
ANA = {"email": "ana@example.com", "title": "Engineer", "desk": "7"}
NAMES = tuple(sorted(ANA))


def state_after(record: dict[str, Any], declared: dict[str, Any] = ANA, *, written: Any = ANA) -> AccountState:
    return observed(VENDOR, declared, seen(SCHEMA, declared, record), adopted=False, written=written)


@pytest.mark.parametrize(
    ("record", "values"),
    [
        ({"email": "a@b"}, {"email": "a@b", "title": None, "teams": None, "origin": None}),
        ({"email": "a@b", "title": "CEO"}, {"email": "a@b", "title": "CEO", "teams": None, "origin": None}),
        ({"email": "a@b", "title": ["CEO"]}, {"email": "a@b", "teams": None, "origin": None}),
    ],
    ids=["absent", "there", "of another type"],
)
def test_an_absent_sparse_field_is_empty_and_another_not_read(record: dict[str, Any], values: dict[str, Any]) -> None:
    assert SCHEMA.parse(record) == values


def test_an_answer_to_a_write_may_leave_out_what_is_there() -> None:
    assert SCHEMA.parse({"email": "a@b"}, is_whole=False) == {"email": "a@b"}


def test_what_is_written_and_absent_is_not_kept() -> None:
    """It is no output, and no difference until another value is declared."""
    state = state_after({"email": "ana@example.com", "desk": "7"})
    assert "title" not in state.values
    assert unkept(SCHEMA, state) == {"title": "Engineer"}
    assert not diff(Sparse, state, Declared.of(SCHEMA, ANA), frozenset())
    assert differences(SCHEMA, compared(SCHEMA, state), {**ANA, "title": "CEO"}) == {"title": "CEO"}
    assert state.declared().values == ANA, "a refresh shows no drift"


def test_what_is_kept_is_no_exception() -> None:
    state = state_after(ANA)
    assert state.values == ANA
    assert not state.as_declared


def test_what_a_person_removed_is_drift() -> None:
    """It was there after the write; a later look does not find it."""
    state = state_after({"email": "ana@example.com", "desk": "7"}, written=())
    assert not state.as_declared
    assert diff(Sparse, state, Declared.of(SCHEMA, ANA), frozenset())
    assert "title" not in state.declared().values


def test_a_field_that_is_not_sparse_keeps_what_is_declared() -> None:
    state = state_after({"email": "ana@example.com", "title": "Engineer"})
    assert state.values["desk"] == "7"


def test_a_create_only_field_is_no_different() -> None:
    declared = {**ANA, "origin": "hr"}
    state = state_after(ANA, declared, written=())
    assert state.as_declared == {"origin": "hr"}


@pytest.mark.parametrize("value", ["", [], None])
def test_an_empty_value_that_is_absent_is_as_declared(value: Any) -> None:
    declared = {**ANA, "teams": value}
    state = state_after(ANA, declared, written=declared)
    assert not state.as_declared
    assert not diff(Sparse, state, Declared.of(SCHEMA, declared), frozenset()) or value is None


def test_a_state_keeps_what_is_not_kept() -> None:
    state = state_after({"email": "ana@example.com", "desk": "7"}).under(Declared.of(SCHEMA, ANA))
    again = AccountState.from_outputs(SCHEMA, state.to_outputs())
    assert again == state
    assert not diff(Sparse, again, Declared.of(SCHEMA, ANA), frozenset())
