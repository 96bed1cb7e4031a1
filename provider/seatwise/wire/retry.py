"""The rules for sending a request again, and for the wait before that.

| outcome                                       | READ, REPEATABLE | LOGIN | CREATE                           |
|-----------------------------------------------|------------------|-------|----------------------------------|
| NOT_SENT: DNS, connection, TLS                | again            | again | again                            |
| TURNED_AWAY: 429, 503 with a wait, ...        | wait, again      | same  | wait, again: not processed       |
| UNCLEAR: reset or time-out after send, 5xx    | again            | once  | never: the account may exist     |

At most `MAX_ATTEMPTS` in all, and only while the tenant's `RetryBudget` lasts. No retry is earlier than `Retry-After`
says; if that is after the deadline, the request fails at once. Without a `Retry-After` the backoff is exponential
with full jitter.
"""

import enum
import random
from typing import ClassVar

from ..core.vendor.http import Effect

MAX_ATTEMPTS = 4
BASE_WAIT_S = 0.25
MAX_WAIT_S = 20.0


class Outcome(enum.Enum):
    """The outcome of a request without a final answer."""

    NOT_SENT = "the vendor cannot have seen it"
    TURNED_AWAY = "the vendor says it did not process it"
    UNCLEAR = "the vendor may have carried it out"


class RetryBudget:
    """The retry budget of one tenant: enough for occasional failures, and few retries while a vendor is down.

    A retry that succeeds gets its cost back; any other success adds one. Figures and rule are those of AWS' SDKs:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """

    FULL: ClassVar = 500
    COST: ClassVar = {Outcome.NOT_SENT: 14, Outcome.UNCLEAR: 14, Outcome.TURNED_AWAY: 5}

    def __init__(self) -> None:
        self.left = self.FULL

    def spend(self, outcome: Outcome) -> int | None:
        """Take the cost of one retry from the budget and return it; None if the budget is too small."""
        cost = self.COST[outcome]
        if cost > self.left:
            return None
        self.left -= cost
        return cost

    def earn(self, earned: int) -> None:
        """Add to the budget, up to `FULL`."""
        self.left = min(self.FULL, self.left + earned)


def may_repeat(effect: Effect, outcome: Outcome, attempt: int) -> bool:
    """Return whether the request may be sent again after its `attempt`-th try (from 1)."""
    if attempt >= MAX_ATTEMPTS:
        return False
    if outcome is Outcome.UNCLEAR and effect is Effect.LOGIN:
        return attempt == 1
    return outcome is not Outcome.UNCLEAR or effect is not Effect.CREATE


def wait(attempt: int, retry_after: float | None, jitter: random.Random) -> float:
    """Return the seconds to wait after the `attempt`-th try (from 1): at least the vendor's `retry_after`."""
    if retry_after is not None:
        return retry_after * (1 + 0.1 * jitter.random())
    return jitter.random() * min(BASE_WAIT_S * 2.0 ** (attempt - 1), MAX_WAIT_S)
