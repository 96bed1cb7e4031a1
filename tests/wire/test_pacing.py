"""Client-side rate limits, in virtual time."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest

from seatwise.core.vendor.vendor import Limit, Vendor
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos
from seatwise.wire.pacing import SLACK, OwnTally, Pacing, SharedTally

pytestmark = pytest.mark.anyio


class PacedSender:
    """A sender that records when its requests leave."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._pacing = Pacing(limits, OwnTally(), places=16)
        self.left: list[tuple[float, bool]] = []

    async def send(self, writes: bool = False) -> None:
        """Send one request."""
        await self._pacing.take(writes=writes)
        self.left.append((anyio.current_time(), writes))
        self._pacing.give_back()

    def times(self, *, writes_only: bool = False) -> list[float]:
        """Return when requests left."""
        return [time for time, writes in self.left if writes or not writes_only]

    def most_within(self, seconds: float, *, writes_only: bool = False) -> int:
        """Return the most requests that left in any half-open span of this length."""
        times = self.times(writes_only=writes_only)
        return max(sum(start <= time < start + seconds - 1e-6 for time in times) for start in times)


async def test_all_requests_of_a_limit_may_leave_at_once() -> None:
    sender = PacedSender([Limit(300, 60)])
    async with anyio.create_task_group() as tasks:
        for _ in range(301):
            tasks.start_soon(sender.send)
    start, *_, end = sender.times()
    assert [time - start for time in sender.times()[:300]] == [0] * 300
    assert end - start == pytest.approx(60 * SLACK)


@pytest.mark.parametrize("gap", [0, 0.01, 0.19, 0.2, 1, 7])
async def test_no_minute_has_more_requests_than_the_limit(gap: float) -> None:
    """In bursts of fifty, with any pause between them."""
    sender = PacedSender([Limit(300, 60)])
    for number in range(1000):
        if number % 50 == 0:
            await anyio.sleep(gap * 50)
        await sender.send()
    assert sender.most_within(60) <= 300


async def test_unused_requests_do_not_add_up() -> None:
    sender = PacedSender([Limit(10, 60)])
    await anyio.sleep(3600)
    for _ in range(30):
        await sender.send()
    assert sender.most_within(60) == 10


async def test_a_limit_on_writes_does_not_delay_reads() -> None:
    sender = PacedSender([Limit(2, 60, writes=True)])
    for _ in range(2):
        await sender.send(writes=True)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sender.send, True)
        for _ in range(100):
            tasks.start_soon(sender.send)
    start = sender.times()[0]
    assert [time - start for time, writes in sender.left if not writes] == [0] * 100
    assert sender.times(writes_only=True)[2] - start == pytest.approx(60 * SLACK)


async def test_a_limit_on_verbs_counts_these_alone() -> None:
    pacing = Pacing([Limit(1, 60, verbs=("DELETE",)), Limit(2, 60, verbs=("POST", "PATCH"))], OwnTally(), places=16)
    left = []
    async with anyio.create_task_group() as tasks:
        for verb in ("DELETE", "DELETE", "POST", "PATCH", "PATCH", "GET", "GET"):

            async def send(verb: str = verb) -> None:
                await pacing.take(verb, writes=verb != "GET")
                left.append((verb, anyio.current_time() > 1))

            tasks.start_soon(send)
    late = [verb for verb, waited in left if waited]
    assert (late.count("DELETE"), late.count("GET"), len(late)) == (1, 0, 2)


async def test_a_burst_is_all_that_leaves_at_once_and_the_rate_stays() -> None:
    """180 a minute with a burst of 20 are 20 at once, and 3 a second after that."""
    sender = PacedSender([Limit(180, 60, burst=20)])
    for _ in range(400):
        await sender.send()
    assert sender.most_within(6.6) == 20
    assert sender.most_within(60) <= 200
    assert sender.times()[-1] - sender.times()[0] == pytest.approx(380 / 3 * SLACK, rel=0.05)


@pytest.mark.parametrize("verbs", [(), ("GET", "POST")])
async def test_runs_that_share_a_file_share_limits_on_verbs(verbs: tuple[str, ...], tmp_path: Path) -> None:
    one, other = (SharedTally("scim here", print, tmp_path / "limits.db") for _ in range(2))
    limits = [Limit(1, 60, verbs=("DELETE",)), Limit(1, 60, verbs=verbs)]
    assert one.take(limits, "DELETE", writes=True) == 0
    assert other.take(limits, "DELETE", writes=True) > 0
    assert (other.take(limits, "POST", writes=True) > 0) is (verbs == ())
    for tally in (one, other):
        tally.close()


@pytest.mark.parametrize("reads_first", [0, 120])
async def test_nexudus_gets_at_most_what_it_documents(reads_first: int) -> None:
    """60 writes a minute, 120 requests a minute and one request in 100 ms, all at the same time."""
    sender = PacedSender(Nexudus.limits)
    for _ in range(reads_first):
        await sender.send()
    async with anyio.create_task_group() as tasks:
        for number in range(240):
            tasks.start_soon(sender.send, number % 4 != 0)
    assert len(sender.left) == reads_first + 240
    assert sender.most_within(60) <= 120
    assert sender.most_within(0.1) == 1
    assert sender.most_within(60, writes_only=True) <= 60


async def test_requests_leave_in_the_order_of_the_calls() -> None:
    sender = PacedSender([Limit(1, 60)])
    order = []

    async def send(number: int) -> None:
        await sender.send()
        order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(send, number)
            await anyio.sleep(1)
    assert order == list(range(20))


async def test_a_cancelled_wait_does_not_delay_the_others() -> None:
    sender = PacedSender([Limit(1, 60)])
    await sender.send()
    with anyio.move_on_after(10) as scope:
        await sender.send()
    await sender.send()
    assert scope.cancelled_caught
    first, second = sender.times()
    assert second - first == pytest.approx(60 * SLACK)


@pytest.mark.parametrize(
    ("vendor", "per_minute", "allowed"),
    [
        (Enerflo, None, 300), (Enerflo, 0, 1000), (Enerflo, 7, 7), (Enerflo, 600, 600),
        (Tenovos, 7, 7), (Tenovos, None, 1000),
    ],
)  # fmt: skip
async def test_requests_per_minute_replaces_the_documented_limits(
    vendor: type[Vendor], per_minute: int | None, allowed: int
) -> None:
    """0 switches pacing off."""
    sender = PacedSender(vendor(vendor.settings_type.model_construct(requests_per_minute=per_minute)).paced_by)
    for _ in range(1000):
        await sender.send()
    times = sender.times()
    assert times.count(times[0]) == sender.most_within(60) == allowed


# --- across processes -------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The machine's clock, which the test sets: `clock.now += 60`."""
    found = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr("seatwise.wire.pacing.time.time", lambda: found.now)
    return found


async def test_runs_that_share_a_file_share_the_limits(clock: SimpleNamespace, tmp_path: Path) -> None:
    one, other = (SharedTally("enerflo here", print, tmp_path / "limits.db") for _ in range(2))
    there = SharedTally("enerflo there", print, tmp_path / "limits.db")
    limits = [Limit(3, 60), Limit(1, 60, writes=True)]
    assert [each.take(limits, "GET", writes=False) for each in (one, other)] == [0, 0]
    clock.now += 10
    assert one.take(limits, "POST", writes=True) == 0
    assert other.take(limits, "GET", writes=False) == pytest.approx(60 * SLACK - 10)
    assert there.take(limits, "POST", writes=True) == 0
    clock.now += 51
    assert other.take(limits, "POST", writes=True) == pytest.approx(60 * SLACK - 51), "the other's write counts"
    assert other.take(limits, "GET", writes=False) == 0
    for tally in (one, other, there):
        tally.close()


async def test_a_clock_that_was_set_back_delays_no_request(clock: SimpleNamespace, tmp_path: Path) -> None:
    tally = SharedTally("enerflo here", print, tmp_path / "limits.db")
    assert tally.take([Limit(1, 60)], "GET", writes=False) == 0
    clock.now -= 86_400
    shared = tally._file.run(lambda database: tally._take(database, [Limit(1, 60)], "GET", False), 99.0)
    assert shared == 0
    tally.close()


async def test_a_request_that_has_to_wait_is_not_counted_in_the_file(tmp_path: Path) -> None:
    limits = [Limit(1, 60)]
    one, other = (SharedTally("enerflo here", print, tmp_path / "limits.db") for _ in range(2))
    one._own.count(limits, "GET", writes=False)
    assert one.take(limits, "GET", writes=False) > 0
    assert other.take(limits, "GET", writes=False) == 0
    one.close()
    other.close()


async def test_without_the_shared_file_each_process_has_its_limits(tmp_path: Path) -> None:
    warnings: list[str] = []
    tally = SharedTally("enerflo here", warnings.append, tmp_path)
    assert [tally.take([Limit(2, 60)], "GET", writes=False) > 0 for _ in range(3)] == [False, False, True]
    assert len(warnings) == 1


def test_concurrent_processes_together_stay_within_a_limit(tmp_path: Path) -> None:
    """Four real processes, each as fast as possible."""
    program = """
import sys, time, anyio
from pathlib import Path
from seatwise.core.vendor.vendor import Limit
from seatwise.wire.pacing import Pacing, SharedTally
async def main():
    tally = SharedTally("enerflo here", print, Path(sys.argv[1]))
    pacing = Pacing([Limit(10, 0.5)], tally, places=16)
    for _ in range(15):
        await pacing.take(writes=False)
        print(time.time())
    tally.close()
anyio.run(main)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "limits.db")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = [run.communicate()[0] for run in runs]  # all of them, so that none is left with an open pipe
    times = sorted(float(line) for each in printed for line in each.splitlines())
    assert len(times) == 60
    assert times[-1] - times[0] >= 2.4, "sixty at ten in half a second"
