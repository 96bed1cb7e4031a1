"""Access to the process that hosts Pulumi's dynamic providers."""

import gc
import os
import select
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import ReferenceType

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

GRACE_S = 10.0
"""Seconds that operations may continue after the engine is gone."""
CHECK_INTERVAL_S = 0.2
INTERNAL = "__internal"
"""A property such as seatwise's own internal ones."""
COLLECTED_RARELY = (100_000, 50, 100)
"""The thresholds of Python's garbage collector, instead of (700, 10, 10)."""
_STDIN = 0
USED = ("_max_workers", "_threads", "_shutdown_lock", "_adjust_thread_count")


def end_with_engine(is_idle: Callable[[], bool]) -> None:
    """End this process when the engine is gone: killed with SIGKILL, it leaves its providers running for ever.

    The engine holds the other end of this process's standard input and writes nothing to it. The parent process does
    not show it: it is a shell, which waits for this process. Running operations get `GRACE_S` seconds for their
    answers; unfinished ones are in the journal.
    """
    is_pipe = stat.S_ISFIFO(os.fstat(_STDIN).st_mode)
    if is_pipe and not select.select([_STDIN], [], [], 0)[0]:  # else this is not as the engine starts it
        threading.Thread(target=_wait_and_end, args=(is_idle,), name="seatwise-engine", daemon=True).start()


def _wait_and_end(is_idle: Callable[[], bool]) -> None:
    while os.read(_STDIN, 1):
        pass
    gone_at = time.monotonic()
    while not is_idle() and time.monotonic() - gone_at < GRACE_S:
        time.sleep(CHECK_INTERVAL_S)
    os._exit(1)


def collect_rarely() -> None:
    """Let Python's garbage collector run rarely in this process; thresholds that are higher, or off, stay.

    In a program with thousands of resources it looks at all their futures again and again, and finds no garbage. That
    is half of the program's processor time.
    """
    chosen = gc.get_threshold()
    if chosen[0]:  # 0 turns it off
        gc.set_threshold(*map(max, chosen, COLLECTED_RARELY))


def keeps_internal_properties() -> bool:
    """Return whether the SDK hands properties that begin with `__` to a provider: from 3.235 on it does."""
    sent = Struct()
    sent.update({INTERNAL: ""})
    return INTERNAL in rpc.deserialize_properties(sent)


def widen(threads: int) -> bool:
    """Let the pool that the calling thread works in have so many threads; false where that cannot be done.

    It serves four operations at once, unless `SEATWISE_THREADS` says more, as `seatwise run` does.
    The host has no option for it, so this reaches into what is private to Python's library, and looks before it does.
    """
    arguments = getattr(threading.current_thread(), "_args", ())
    pool: Any = arguments[0]() if arguments and isinstance(arguments[0], ReferenceType) else None
    if not isinstance(pool, ThreadPoolExecutor) or not all(hasattr(pool, name) for name in USED):
        return False
    with pool._shutdown_lock:  # as `submit` holds it
        pool._max_workers = max(pool._max_workers, threads)
        try:
            while len(pool._threads) < threads:  # what waits already starts no thread by itself
                pool._adjust_thread_count()
        except RuntimeError:  # the system has no more threads for us
            pool._max_workers = len(pool._threads)
            return False
    return True
