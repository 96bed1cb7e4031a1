"""Lines of which a run may have thousands."""

from seatwise.core.account.notices import MOST, Notices


def test_the_first_lines_are_told_and_then_how_many_there_are() -> None:
    told: list[str] = []
    notices = Notices(told.append)
    for number in range(1000):
        notices.tell("waits", f"line {number}")
    counted = [f"waits: {count} so far; the first 10 are named above" for count in (20, 40, 80, 160, 320, 640)]
    assert told == [f"line {number}" for number in range(MOST)] + counted


def test_lines_of_another_kind_are_counted_by_themselves() -> None:
    told: list[str] = []
    notices = Notices(told.append)
    for number in range(MOST):
        notices.tell("waits", f"line {number}")
    notices.tell("accounts", "another line")
    assert told[-1] == "another line"
