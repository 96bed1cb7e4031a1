"""A fake vendor for benchmarks: one process, all in memory, so that it is never the bottleneck.

It has the APIs of `apis.py`. How long an answer takes, which requests are turned away and what is counted is up to the
back door under `/bench`:

    POST /bench/reset    forget all accounts, and all that was counted
    POST /bench/options  turn switches (see `Options`), and forget what was counted
    GET  /bench/counts   what was counted since then (see `Counts`)

    python -m benchmarks.vendor --port 0    # prints its URL
"""

import argparse
import asyncio
import json
import math
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from .apis import Answer, Api, Enerflo, Nexudus

MINUTE = 60.0  # seconds
KEEP_ALIVE = 75  # seconds, as nginx does: the engine may be busy for a while between two requests


@dataclass(frozen=True)
class Options:
    """The switches."""

    latency: float = 0
    """Seconds before every answer."""
    fail_every: int = 0
    """Every n-th request gets a bare 503 and is not carried out; 0 means none."""
    per_minute: int = 0
    """How many requests any 60 seconds may have; more are throttled with Retry-After; 0 means no limit."""


@dataclass
class Counts:
    """The counts. Times are seconds on this machine's monotonic clock."""

    kinds: Counter[str] = field(default_factory=Counter)
    """Requests by kind (create, list, read, update, delete), including throttled ones."""
    limited: int = 0
    """Throttled requests."""
    unavailable: int = 0
    """Answers with 503."""
    connections: set[Any] = field(default_factory=set)
    """The client ports of the requests: each connection has its own."""
    in_flight: int = 0
    most_in_flight: int = 0
    first: float | None = None
    """The time of the first request."""
    last: float | None = None
    """The time of the last answer."""
    served: Counter[int] = field(default_factory=Counter)
    """Requests that were carried out, by the minute after the first request."""

    def shown(self, duplicates: int) -> dict[str, Any]:
        """Return the counts as JSON; `duplicates` is how many accounts have the e-mail of another one."""
        return {
            "kinds": dict(self.kinds),
            "limited": self.limited,
            "unavailable": self.unavailable,
            "connections": len(self.connections),
            "most_in_flight": self.most_in_flight,
            "first": self.first,
            "last": self.last,
            "served": [self.served[minute] for minute in range(max(self.served, default=-1) + 1)],
            "duplicates": duplicates,
        }


class Vendor:
    """The fake vendor as an ASGI application."""

    def __init__(self) -> None:
        self._options = Options()
        self._apis: list[Api] = [Enerflo(), Nexudus()]
        self._counts = Counts()
        self._window: deque[float] = deque()
        self._seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        path, body = scope["path"], await _body(receive)
        if path.startswith("/bench/"):
            await _send(send, self._back_door(path.removeprefix("/bench/"), body))
            return
        counts = self._counts
        counts.connections.add(scope["client"])
        counts.in_flight += 1
        counts.most_in_flight = max(counts.most_in_flight, counts.in_flight)
        try:
            api = next((each for each in self._apis if each.has(path)), self._apis[0])
            kind = api.kind(scope["method"], path)
            counts.kinds[kind] += 1
            refusal = api.stranger(scope["headers"]) or self._turned_away(api)
            if self._options.latency:
                await asyncio.sleep(self._options.latency)
            await _send(send, refusal or api.carried_out(kind, path, scope["query_string"], body))
        finally:
            counts.in_flight -= 1
            counts.last = time.monotonic()

    def _turned_away(self, api: Api) -> Answer | None:
        """Return the answer to a request that is throttled or fails on purpose; None to carry it out."""
        now, counts, options = time.monotonic(), self._counts, self._options
        counts.first = now if counts.first is None else counts.first
        self._seen += 1
        if options.fail_every and self._seen % options.fail_every == 0:
            counts.unavailable += 1
            return Answer(None, 503)
        while self._window and self._window[0] + MINUTE <= now:
            self._window.popleft()
        if options.per_minute and len(self._window) >= options.per_minute:
            counts.limited += 1
            return api.throttled(math.ceil(self._window[0] + MINUTE - now))
        if options.per_minute:
            self._window.append(now)
        counts.served[int((now - counts.first) // MINUTE)] += 1
        return None

    # --- the back door ------------------------------------------------------------------------

    def _back_door(self, what: str, body: bytes) -> Answer:
        if what == "counts":
            return Answer(self._counts.shown(sum(api.duplicates() for api in self._apis)))
        if what not in ("reset", "options"):
            return Answer({}, 404)
        if what == "reset":
            self._apis, self._options = [Enerflo(), Nexudus()], Options()
        else:
            self._options = replace(self._options, **json.loads(body))
        # Requests in flight subtract themselves from the old counts.
        self._counts, self._seen = Counts(), 0
        self._window.clear()
        return Answer({})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(send: Send, answer: Answer) -> None:
    content = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if answer.retry_after is not None:
        headers.append((b"retry-after", str(answer.retry_after).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": content, "more_body": False})


def main() -> None:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - who starts it reads this
    config = uvicorn.Config(
        Vendor(), log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=KEEP_ALIVE, backlog=2048
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
