"""One future for Pulumi's SDK to wait for, in place of each resource's outputs (docs/decisions/11-one-future.md).

At the end of a program the SDK waits for all outputs, and looks at each of them again whenever one is known. So its
processor time grows with the square of the resources. seatwise takes the futures that a resource of its own makes out
of the SDK's set, and puts one future there that stands for all of them. The program ends and fails as it would without.

The set is private to the SDK: where it is missing or has another shape, nothing is changed.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from pulumi.runtime import settings

from ..core.vendor.errors import SettingsError
from ..dynamic.host import collect_rarely
from ..wire.settings import RunSettings

Awaited = set[Any] | deque[Any]
"""What the SDK waits for: a set, and in older versions a deque."""
_OF_THREAD = threading.local()
"""The stand-in of the program that runs in a thread."""


class StandIn(asyncio.Future[None]):
    """One future for many: done when all of them are, and failed as soon as one of them is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._left = 0
        # A program that fails otherwise never looks at this future, and Python would log that.
        self.add_done_callback(lambda _: self.cancelled() or self.exception())

    def replace(self, futures: Iterable["asyncio.Future[Any]"]) -> None:
        """Stand for these, too."""
        for each in futures:
            self._left += 1
            each.add_done_callback(self._count)

    def _count(self, done: "asyncio.Future[Any]") -> None:
        self._left -= 1
        if self.done():
            return
        if done.cancelled():
            self.cancel()
        elif error := done.exception():
            self.set_exception(error)
        elif not self._left:
            self.set_result(None)


@contextmanager
def awaited_as_one() -> Iterator[None]:
    """Let one future stand for all that a resource makes in this block, which its registration completes."""
    _heed_settings()
    awaited = _awaited()
    before = set(awaited or ())
    yield
    made = {each for each in set(awaited or ()) - before if not isinstance(each, StandIn)}
    if awaited is not None and made and all(map(asyncio.isfuture, made)):
        _stand_in(awaited, next(iter(made)).get_loop()).replace(made)
        for each in made:
            awaited.remove(each)


@cache
def _heed_settings() -> None:
    """Do what the settings say of this process, once."""
    with suppress(SettingsError):  # the provider reports it in preview
        if RunSettings.load().collect_rarely:
            collect_rarely()


def _awaited() -> Awaited | None:
    """Return what the SDK waits for; None where an SDK keeps it elsewhere or in another shape."""
    outputs = getattr(getattr(settings, "SETTINGS", None), "outputs", None)
    return outputs if isinstance(outputs, set | deque) else None


def _stand_in(awaited: Awaited, loop: asyncio.AbstractEventLoop) -> StandIn:
    """Return a future that the SDK waits for in this run of the program: one run may end before it is done."""
    known: StandIn | None = getattr(_OF_THREAD, "stand_in", None)
    if known is None or known.done() or known not in awaited:
        known = _OF_THREAD.stand_in = StandIn(loop)
        awaited.add(known) if isinstance(awaited, set) else awaited.append(known)
    return known
