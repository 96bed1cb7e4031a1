"""When a request may be sent again, and after how long."""

import random
from typing import Final

import pytest

from seatwise.core.vendor.http import Effect, retry_after
from seatwise.wire.retry import Outcome, may_repeat, wait

UNCLEAR_TRIES: Final = {Effect.READ: 4, Effect.REPEATABLE: 4, Effect.LOGIN: 2, Effect.CREATE: 1}
"""How often a request with an unclear outcome may be sent in total; any other may be sent four times."""


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_effect_and_outcome_has_its_number_of_tries(effect: Effect, outcome: Outcome) -> None:
    again = [may_repeat(effect, outcome, attempt) for attempt in range(1, 7)]
    tries = UNCLEAR_TRIES[effect] if outcome is Outcome.UNCLEAR else 4
    assert again == [True] * (tries - 1) + [False] * (7 - tries)


NOON = {"date": "Wed, 21 Oct 2015 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("asked", "clock", "seconds"),
    [
        ("0", {}, 0),
        (" 30 ", {}, 30),
        ("1.5", {}, 1.5),
        ("30, 30", {}, 30),
        ("1.5, 30,20", {}, 30),
        ("soon, 7", {}, 7),
        ("Wed, 21 Oct 2015 12:00:40 GMT", NOON, 40),
        ("Wed, 21 Oct 2015 14:00:40 +0200", NOON, 40),
        ("Wed, 21 Oct 2015 12:00:40", NOON, 40),
        ("Wed, 21 Oct 2015 12:00:40 -0000", NOON, 40),
        ("Wed, 21 Oct 2015 11:00:00 GMT", NOON, 0),
        ("Wed, 21 Oct 2015 12:00:40 GMT", {}, 0),
        ("10, Wed, 21 Oct 2015 12:00:40 GMT, Wed, 21-Oct-15 12:00:20 GMT", NOON, 40),
    ],
)
def test_retry_after_is_seconds_or_a_date(asked: str, clock: dict[str, str], seconds: float) -> None:
    assert retry_after({"retry-after": asked, **clock}) == seconds


@pytest.mark.parametrize(
    "asked",
    [
        "", " , ", "1.5.5", "1e3", "inf", "\u0663", "soon", "-5", "Wed, 99 Oct 2015 12:00:00 GMT",
        f"Wed, 21 Oct {'9' * 20} 12:00:00 GMT",
    ],
)  # fmt: skip
def test_retry_after_that_cannot_be_read_says_nothing(asked: str) -> None:
    assert retry_after({"retry-after": asked}) is None
    assert retry_after({}) is None


def test_without_the_vendors_clock_a_date_counts_by_ours() -> None:
    far = retry_after({"retry-after": "Fri, 21 Oct 2633 12:00:00 GMT", "date": "noon"})
    assert far is not None
    assert far > 1e9


class Dice(random.Random):
    """A random number generator that always returns the same number."""

    def __init__(self, throw: float) -> None:
        super().__init__()
        self.throw = throw

    def random(self) -> float:
        return self.throw


HIGHEST = 1 - 2**-53


@pytest.mark.parametrize("attempt", [1, 2, 3, 20])
@pytest.mark.parametrize("asked", [0.0, 1.0, 30.0, 3600.0])
def test_a_wait_is_retry_after_and_at_most_a_tenth_more(asked: float, attempt: int) -> None:
    """Even a small `Retry-After` replaces the backoff."""
    assert wait(attempt, asked, Dice(0.0)) == asked
    assert wait(attempt, asked, Dice(HIGHEST)) == pytest.approx(asked * 1.1)


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (8, 20.0), (50, 20.0), (1000, 20.0)]
)
def test_without_retry_after_the_backoff_is_exponential(attempt: int, longest: float) -> None:
    """Full jitter over 0.25 s, which doubles with every try up to 20 s."""
    assert wait(attempt, None, Dice(0.0)) == 0
    assert wait(attempt, None, Dice(HIGHEST)) == pytest.approx(longest)
    assert wait(attempt, None, Dice(0.5)) == pytest.approx(longest / 2)
