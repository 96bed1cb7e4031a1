"""One event loop for all threads of the process."""

import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from seatwise.core.vendor.errors import NoSuchAccount
from seatwise.wire import loop

THREADS = 4


async def thread_here() -> threading.Thread:
    return threading.current_thread()


def test_calls_from_several_threads_run_in_one_daemon_thread() -> None:
    """A daemon thread, so that an interrupted process ends at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        seen = set(threads.map(lambda _: loop.call(thread_here), range(50)))
    (runner,) = seen
    assert runner.daemon
    assert runner is not threading.current_thread()


def test_calls_from_several_threads_run_at_the_same_time() -> None:
    """Each call waits for all others, in the loop that they share."""
    arrived = 0
    all_here = loop.call(make_event)

    async def meet(number: int) -> int:
        nonlocal arrived
        arrived += 1
        if arrived == THREADS:
            all_here.set()
        with anyio.fail_after(10):
            await all_here.wait()
        return number

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(lambda number: loop.call(meet, number), range(THREADS))) == [0, 1, 2, 3]


def test_started_work_runs_while_its_caller_continues() -> None:
    may_end = loop.call(make_event)

    async def work() -> str:
        with anyio.fail_after(10):
            await may_end.wait()
        return "done"

    async def end() -> None:
        may_end.set()

    started = loop.start(work)
    assert not started.done()
    loop.call(end)
    assert started.result(10) == "done"


async def make_event() -> anyio.Event:
    return anyio.Event()


def test_an_exception_reaches_its_caller_and_the_loop_runs_on() -> None:
    error = NoSuchAccount("gone", status=404, vendor="Enerflo", account="7")

    async def fail() -> None:
        raise error

    with pytest.raises(NoSuchAccount) as caught:
        loop.call(fail)
    assert caught.value is error
    assert loop.call(thread_here).is_alive()
