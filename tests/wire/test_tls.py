"""Certificates over real TLS: unknown ones are refused, a company's own authority can be trusted."""

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from seatwise.core.account.removals import Removals
from seatwise.core.vendor.errors import SettingsError, Unreachable
from seatwise.core.vendor.http import Effect, Request
from seatwise.core.vendor.secrets import Vault
from seatwise.vendors.enerflo import Enerflo
from seatwise.wire.settings import RunSettings
from seatwise.wire.tenant import Tenant

pytestmark = pytest.mark.anyio
KEY = "k3y-of-the-tenant"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Vendor(BaseHTTPRequestHandler):
    """A handler that answers every request, and records its key and connection."""

    protocol_version = "HTTP/1.1"  # whose connections stay open
    timeout = 1  # closes a connection after this many seconds without a request
    seen: list[str]
    connections: list[object]

    def setup(self) -> None:
        super().setup()
        self.connections.append(self.client_address)

    def do_GET(self) -> None:
        self.seen.append(self.headers["api-key"])
        if self.path == "/lost":
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Site:
    """A vendor over TLS on this machine, with a certificate signed by the test's own authority."""

    def __init__(self, folder: Path, name: str) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self.requests: list[str] = []
        self.connections: list[object] = []
        handler = type("Handler", (Vendor,), {"seen": self.requests, "connections": self.connections})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(params=["127.0.0.1"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, request.param)
    yield site
    site.close()


def tenant_at(site: Site, **config: str) -> Tenant:
    given = {"apiKey": KEY, "baseUrl": site.url, "deadline": "5", **config}
    settings = Enerflo.settings_type.load({f"enerflo:{name}": value for name, value in given.items()}.get)
    return Tenant(Enerflo(settings), Vault(), print, RunSettings.load(), Removals())


@pytest.mark.parametrize(("site", "is_trusted"), [("127.0.0.1", False), ("other.example", True)], indirect=["site"])
@pytest.mark.parametrize("effect", [Effect.READ, Effect.CREATE])
async def test_an_untrusted_certificate_gets_no_request(site: Site, is_trusted: bool, effect: Effect) -> None:
    async with tenant_at(site, **({"caBundle": str(site.authority)} if is_trusted else {})) as tenant:
        with pytest.raises(Unreachable, match="cannot connect") as caught:
            await tenant.send(Request("GET", "/users", effect))
    assert caught.value.maybe_sent is False
    assert site.requests == []


async def test_the_authority_of_a_company_can_be_named(site: Site) -> None:
    async with tenant_at(site, caBundle=str(site.authority)) as tenant:
        assert (await tenant.send(Request("GET", "/users"))).ok
    assert site.requests == [KEY]


def test_verification_cannot_be_switched_off(site: Site) -> None:
    """Every value is a file's path."""
    for value in ("", "false", "0"):
        with pytest.raises(SettingsError, match="caBundle"):
            tenant_at(site, caBundle=value)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_at_most_concurrency_connections_are_opened(site: Site, concurrency: int) -> None:
    """Requests reuse connections: each new one costs a handshake."""
    config = {"caBundle": str(site.authority), "concurrency": str(concurrency), "requestsPerMinute": "0"}
    async with tenant_at(site, **config) as tenant:

        async def ask(_: int) -> None:
            assert (await tenant.send(Request("GET", "/users"))).ok

        await tenant.each(ask, range(40))
    assert len(site.requests) == 40
    assert len(site.connections) <= concurrency
