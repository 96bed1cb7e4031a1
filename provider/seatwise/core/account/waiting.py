"""Waits for what a vendor does not show yet. Long waits are reported to the user."""

from collections.abc import Iterator, Sequence

from .ports import Tenant

SILENT_WAIT_S = 3.0
"""Seconds that a wait may take without a report."""


def reported_pauses(tenant: Tenant, pauses: Sequence[float], about: str) -> Iterator[float]:
    """Yield the pauses (seconds) before each look; `about` names the account and what is waited for.

    Pauses that together take longer than `SILENT_WAIT_S` are reported once, before that, with the most seconds that are
    left.
    """
    waited, is_reported = 0.0, False
    for number, seconds in enumerate(pauses):
        if waited + seconds > SILENT_WAIT_S and not is_reported:
            is_reported = True
            line = f"{tenant.vendor.title} {about}: waiting for it, for up to {sum(pauses[number:]):.0f} seconds"
            tenant.notices.tell(f"{tenant.vendor.title}: accounts that are waited for", line)
        waited += seconds
        yield seconds
