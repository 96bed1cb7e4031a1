"""When a request may be sent again, and after how long."""

import random
from typing import Final

import pytest

from seatwise.core.vendor.http import Effect, retry_after
from seatwise.wire.retry import Outcome, may_repeat, wait

# How often a request may be sent in total.
TRIES: Final = {
    (Effect.READ, Outcome.NOT_SENT): 4,
    (Effect.READ, Outcome.TURNED_AWAY): 4,
    (Effect.READ, Outcome.UNCLEAR): 4,
    (Effect.REPEATABLE, Outcome.NOT_SENT): 4,
    (Effect.REPEATABLE, Outcome.TURNED_AWAY): 4,
    (Effect.REPEATABLE, Outcome.UNCLEAR): 4,
    (Effect.LOGIN, Outcome.NOT_SENT): 4,
    (Effect.LOGIN, Outcome.TURNED_AWAY): 4,
    (Effect.LOGIN, Outcome.UNCLEAR): 2,
    (Effect.CREATE, Outcome.NOT_SENT): 4,
    (Effect.CREATE, Outcome.TURNED_AWAY): 4,
    (Effect.CREATE, Outcome.UNCLEAR): 1,
}


@pytest.mark.parametrize(("effect", "outcome"), [(effect, outcome) for effect in Effect for outcome in Outcome])
def test_every_effect_and_outcome_has_its_number_of_tries(effect: Effect, outcome: Outcome) -> None:
    again = [may_repeat(effect, outcome, attempt) for attempt in range(1, 7)]
    tries = TRIES[effect, outcome]
    assert again == [True] * (tries - 1) + [False] * (7 - tries)


NOON = "Wed, 21 Oct 2015 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "0"}, 0, id="at-once"),
        pytest.param({"retry-after": " 30 "}, 30, id="seconds"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 12:00:40 GMT", "date": NOON}, 40, id="date-by-their-clock"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 14:00:40 +0200", "date": NOON}, 40, id="date-in-another-zone"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 12:00:40", "date": NOON}, 40, id="date-without-a-zone"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 12:00:40 -0000", "date": NOON}, 40, id="date-of-no-zone"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 11:00:00 GMT", "date": NOON}, 0, id="date-in-the-past"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 12:00:40 GMT"}, 0, id="date-in-the-past-by-our-clock"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="fraction"),
        pytest.param({"retry-after": "30, 30"}, 30, id="twice"),
        pytest.param({"retry-after": "1.5, 30,20"}, 30, id="several"),
        pytest.param({"retry-after": "soon, 7"}, 7, id="one-of-two-can-be-read"),
        pytest.param(
            {"retry-after": "10, Wed, 21 Oct 2015 12:00:40 GMT, Wed, 21-Oct-15 12:00:20 GMT", "date": NOON}, 40,
            id="seconds-and-dates",
        ),
        pytest.param({"retry-after": ""}, None, id="empty"),
        pytest.param({"retry-after": " , "}, None, id="commas"),
        pytest.param({"retry-after": "1.5.5"}, None, id="two-points"),
        pytest.param({"retry-after": "1e3"}, None, id="exponent"),
        pytest.param({"retry-after": "inf"}, None, id="infinity"),
        pytest.param({"retry-after": "\u0663"}, None, id="digits-of-another-script"),
        pytest.param({"retry-after": "soon"}, None, id="words"),
        pytest.param({"retry-after": "-5"}, None, id="below-zero"),
        pytest.param({"retry-after": "Wed, 99 Oct 2015 12:00:00 GMT"}, None, id="no-such-day"),
        pytest.param({"retry-after": f"Wed, 21 Oct {'9' * 20} 12:00:00 GMT"}, None, id="no-such-year"),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


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
