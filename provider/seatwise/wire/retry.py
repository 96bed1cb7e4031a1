"""When the same request may be sent again, and after how long. The one table of it.

| outcome                                       | READ, REPEATABLE | LOGIN | CREATE                     |
|-----------------------------------------------|------------------|-------|----------------------------|
| NOT_SENT: DNS, connection, TLS                | again            | again | again                      |
| TURNED_AWAY: 429, 503 with a wait, ...        | wait, again      | same  | wait, again: not processed |
| UNCLEAR: reset or time-out after send, 5xx    | again            | once  | never: it may be there     |

At most `MAX_ATTEMPTS` in all, and only as long as the tenant's `Allowance` lasts. A `Retry-After` is never
beaten, and when it does not fit into the deadline the request fails at once. Without one the waits grow
with full jitter.
"""

import enum
import random
from typing import ClassVar

from ..core.vendor.http import Effect

MAX_ATTEMPTS = 4
BASE_WAIT = 0.25  # seconds
LONGEST_WAIT = 20.0  # seconds


class Outcome(enum.Enum):
    """What is known about a request that did not get a final answer."""

    NOT_SENT = "the vendor cannot have seen it"
    TURNED_AWAY = "the vendor says it did not process it"
    UNCLEAR = "the vendor may have carried it out"


class Allowance:
    """What the retries of one tenant may cost: plenty for a vendor that stumbles, little for one that is down.

    A retry that helps gets its cost back; any other success earns one. Figures and rule as in AWS' SDKs:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """

    FULL: ClassVar = 500
    COST: ClassVar = {Outcome.NOT_SENT: 14, Outcome.UNCLEAR: 14, Outcome.TURNED_AWAY: 5}

    def __init__(self) -> None:
        self.left = self.FULL

    def spend(self, outcome: Outcome) -> int | None:
        """Take what one retry costs; None when there is not enough left."""
        cost = self.COST[outcome]
        if cost > self.left:
            return None
        self.left -= cost
        return cost

    def earn(self, earned: int) -> None:
        """Put back what a success earns."""
        self.left = min(self.FULL, self.left + earned)


def may_repeat(effect: Effect, outcome: Outcome, attempt: int) -> bool:
    """Whether the request may be sent again after its `attempt`-th try (from 1)."""
    if attempt >= MAX_ATTEMPTS:
        return False
    if outcome is Outcome.UNCLEAR and effect is Effect.LOGIN:
        return attempt == 1
    return outcome is not Outcome.UNCLEAR or effect is not Effect.CREATE


def wait(attempt: int, retry_after: float | None, jitter: random.Random) -> float:
    """Seconds to wait after the `attempt`-th try: at least the vendor's `retry_after`."""
    if retry_after is not None:
        return retry_after * (1 + 0.1 * jitter.random())
    return jitter.random() * min(BASE_WAIT * 2.0 ** (attempt - 1), LONGEST_WAIT)
