"""How many accounts a run may deactivate or delete. Pure."""

from ..vendor.errors import TooManyRemovals
from ..vendor.vendor import Vendor


class Removals:
    """How many accounts a run has retired; `most` is how many it may, None: any number."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.done = 0
        self.stopped = 0

    def claim(self, vendor: Vendor, account: str) -> None:
        """Count one more, about to be retired; raises TooManyRemovals when it may not be."""
        if self.most is None or self.done < self.most:
            self.done += 1
            return
        self.stopped += 1
        raise TooManyRemovals(
            f"not retired: SEATWISE_MAX_REMOVALS is {self.most}, and this run has retired {self.done} "
            f"and stopped at {self.stopped} more",
            vendor=vendor.title,
            account=account,
            remedy="See whether all of them are meant to go (`pulumi preview`); then raise it and run again",
        )

    def give_back(self) -> None:
        """One that was counted is not retired by this run after all."""
        self.done -= 1
