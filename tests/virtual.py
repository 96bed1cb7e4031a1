"""A tenant over the sandbox inside one event loop in virtual time, whose answers can be lost."""

from collections.abc import Callable
from typing import Any, Self

import httpx

from seatwise.core import state
from seatwise.core.secrets import Vault
from seatwise.core.tenant import Removals
from seatwise.dynamic import vendor_named
from seatwise.sandbox import server
from seatwise.sandbox.replies import Options
from seatwise.sandbox.store import Store
from seatwise.wire.tenant import Operation, Tenant

Fault = Callable[[httpx.Request, httpx.AsyncBaseTransport], Any]


class World:
    """One vendor's sandbox, one tenant on it, and the faults between them."""

    def __init__(self, vendor: str, **quirks: Any) -> None:
        self.name = vendor
        self.store = Store()
        self.warnings: list[str] = []
        self.vault = Vault()
        self.faults: dict[str, list[Fault]] = {}
        self.vendor = vendor_named(vendor)
        app = server.app(self.store, Options(limits=False, quirks=quirks))
        self._inner = httpx.ASGITransport(app)
        environment = server.environment("http://127.0.0.1")
        given = {
            name.lower().removeprefix(f"{vendor}_"): value
            for name, value in environment.items()
            if name.startswith(vendor.upper())
        }
        settings = self.vendor.settings_type(**given, requests_per_minute=0)
        self.removals = Removals()
        self.door = Tenant(self.vendor(settings), self.vault, self.warnings.append, _Faulty(self), self.removals)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.door.aclose()
        self.store.close()

    @property
    def tenant(self) -> Operation:
        """The tenant for one operation that begins now."""
        return Operation(self.door)

    def inputs(self, olds: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
        """Checked inputs: the vendor's example, with these values instead."""
        news = {**self.vendor.example, **values}
        checked, problems = state.check(self.vendor, olds or {}, news, frozenset(), self.vault)
        assert problems == []
        return checked

    def fault(self, method: str, *faults: Fault) -> None:
        """Let the next requests of that method (logins aside) meet these faults, one each."""
        self.faults.setdefault(method, []).extend(faults)

    @property
    def accounts(self) -> dict[str, dict[str, Any]]:
        """The vendor's own records, by id."""
        return dict(self.store.all(self.name))

    @property
    def calls(self) -> list[str]:
        """Methods of the requests that arrived, logins aside."""
        return [each["method"] for each in self.store.logged() if "token" not in each["path"]]

    def diff(self, outs: dict[str, Any], news: dict[str, Any]) -> bool:
        """Whether the next run would update."""
        return state.diff(self.vendor, outs, news, frozenset())

    async def arrive(self, request: httpx.Request) -> httpx.Response:
        """Let a request through."""
        return await self._inner.handle_async_request(request)


class _Faulty(httpx.AsyncBaseTransport):
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        waiting = self._world.faults.get(request.method, [])
        if not waiting or "token" in request.url.path:
            return await self._world.arrive(request)
        response = await waiting.pop(0)(request, self._world._inner)
        assert isinstance(response, httpx.Response)
        return response


# --- faults -----------------------------------------------------------------------------------


async def cannot_connect(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """Nothing is sent."""
    raise httpx.ConnectError("refused")


async def lost_before(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The vendor never sees it, and we cannot know."""
    raise httpx.ReadError("reset")


async def lost_after(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """The vendor carries it out; the answer is lost."""
    await inner.handle_async_request(request)
    raise httpx.ReadTimeout("time-out")


def answered(status: int, body: bytes = b"", *, carried_out: bool, **headers: str) -> Fault:
    """Another answer than the vendor's own, after or instead of carrying it out."""

    async def fault(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if carried_out:
            await inner.handle_async_request(request)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, headers=given, content=body)

    return fault
