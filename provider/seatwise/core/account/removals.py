"""The limit on the accounts that a run may deactivate or delete. Pure."""

from ..vendor.errors import TooManyRemovals
from ..vendor.vendor import Vendor


class Removals:
    """The count of accounts that a run has deactivated or deleted; `most` is the limit, None: no limit."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.done = 0
        self.stopped = 0

    @property
    def are_used_up(self) -> bool:
        """Whether this run may remove no more accounts."""
        return self.most is not None and self.done >= self.most

    def claim(self, vendor: Vendor, account: str) -> None:
        """Count one removal before it is sent; raise TooManyRemovals if it exceeds the limit."""
        if not self.are_used_up:
            self.done += 1
            return
        self.stopped += 1
        raise TooManyRemovals(
            f"not deprovisioned: SEATWISE_MAX_REMOVALS is {self.most}, and this run has deprovisioned {self.done} "
            f"and stopped at {self.stopped} more",
            vendor=vendor.title,
            account=account,
            remedy="Check with `pulumi preview` that all of them shall lose access; then raise it and run again",
        )

    def give_back(self) -> None:
        """Take back one counted removal that was not carried out, or found the account gone."""
        self.done -= 1
