"""What seatwise needs of Pulumi's dynamic host, and asks it for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import ReferenceType

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

USED = ("_max_workers", "_threads", "_shutdown_lock", "_adjust_thread_count")


def keeps_internal_properties() -> bool:
    """Return whether the SDK hands properties that begin with `__` to a provider: from 3.235 on it does."""
    sent = Struct()
    sent.update({"__owner": ""})
    return "__owner" in rpc.deserialize_properties(sent)


def widen(threads: int) -> bool:
    """Let the pool that the calling thread works in have so many threads; false where that cannot be done.

    It serves four operations at once, unless `SEATWISE_THREADS` says more.
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
