"""Requests through a real forward proxy, and through proxies that are down, refuse or answer nonsense."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
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
from wire.test_tls import KEY, Site

pytestmark = pytest.mark.anyio
USER, PASSWORD = "egress", "pr0xy p@ss"
LOGIN = f"{USER}:pr0xy%20p%40ss"
HOST = "vendor.example"
CREATE = Request("POST", "/users", Effect.CREATE, json={})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A vendor over TLS under a host name that only the proxy resolves."""
    found = Site(tmp_path, HOST)
    yield found
    found.close()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A function that starts a proxy with these options and returns its `host:port`."""
    processes = []

    def started(*options: str) -> str:
        port = tmp_path_factory.mktemp("proxy") / "port"
        command = [
            sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file", str(port),
            "--num-acceptors", "1", "--num-workers", "1", "--log-level", "ERROR",
            "--plugins", "wire.forward_proxy.ToThisMachine", *options,
        ]  # fmt: skip
        tests = Path(__file__).resolve().parent.parent
        processes.append(subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(tests)}))
        end = time.monotonic() + 60
        while not (port.exists() and port.read_text().strip()):
            assert time.monotonic() < end, "the proxy has not started"
            time.sleep(0.05)
        return f"127.0.0.1:{port.read_text().strip()}"

    yield started
    for process in processes:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def proxy(start: Callable[..., str]) -> str:
    """A proxy that requires a user name and a password."""
    return start("--basic-auth", f"{USER}:{PASSWORD}")


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Run a server that gives every request the same answer; yield its address, and a list that gets the requests."""
    received: list[bytes] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            received.append(self.request.recv(65536))
            self.request.sendall(answer)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", received
        server.shutdown()


def tenant_at(site: Site, proxy: str, host: str = HOST, **config: str) -> Tenant:
    port = site.url.rpartition(":")[2]
    given = {
        "apiKey": KEY, "baseUrl": f"https://{host}:{port}", "deadline": "20", "proxy": proxy,
        "caBundle": str(site.authority), "requestsPerMinute": "0", **config,
    }  # fmt: skip
    settings = Enerflo.settings_type.load({f"enerflo:{name}": value for name, value in given.items()}.get)
    return Tenant(Enerflo(settings), Vault(), print, RunSettings.load(), Removals())


async def failure(site: Site, proxy: str, host: str = HOST, **config: str) -> Unreachable:
    """Return the error of a create through this proxy."""
    async with tenant_at(site, proxy, host, **config) as tenant:
        with pytest.raises(Unreachable) as caught:
            await tenant.send(CREATE)
    return caught.value


async def test_requests_go_through_the_proxy(site: Site, proxy: str) -> None:
    async with tenant_at(site, f"http://{LOGIN}@{proxy}") as tenant:
        for _ in range(2):
            assert (await tenant.send(Request("GET", "/users"))).ok
    assert site.requests == [KEY, KEY]
    assert len(site.connections) == 1, "the tunnel is used again"


async def test_a_proxy_over_tls_is_verified_like_the_vendor(
    site: Site, start: Callable[..., str], tmp_path: Path
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    both, key, chain = tmp_path / "both.pem", tmp_path / "key.pem", tmp_path / "chain.pem"
    certificate.private_key_pem.write_to_path(str(key))
    certificate.cert_chain_pems[0].write_to_path(str(chain))
    address = start("--key-file", str(key), "--cert-file", str(chain))
    async with tenant_at(site, f"https://{address}") as tenant:
        with pytest.raises(Unreachable, match=r"cannot connect through the proxy https://127"):
            await tenant.send(Request("GET", "/users"))
    both.write_bytes(site.authority.read_bytes() + authority.cert_pem.bytes())
    async with tenant_at(site, f"https://{address}", caBundle=str(both)) as tenant:
        assert (await tenant.send(Request("GET", "/users"))).ok
    assert site.requests == [KEY]


HTML = b"<html>Please log in</html>"
PAGE = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\r\n" + HTML
REFUSED = "the proxy http://127.0.0.1:{port} (enerflo:proxy of Pulumi's config) refuses with status "
NO_WAY = "cannot connect through the proxy http://127.0.0.1:{port} (enerflo:proxy of Pulumi's config): "


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (PAGE % b"407 Proxy Authentication Required", REFUSED + "407. Check the user name"),
        (PAGE % b"403 Forbidden", REFUSED + "403. Check enerflo:proxy"),
        (PAGE % b"502 Bad Gateway", REFUSED + "502"),
        (PAGE % b"302 Found", REFUSED + "302"),
        (PAGE % b"200 OK", NO_WAY),
        (HTML, NO_WAY),
        (b"", NO_WAY),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_named(answer: bytes, message: str, site: Site) -> None:
    """The error also says that the vendor did not receive the create."""
    with answering(answer) as (address, _):
        error = await failure(site, f"http://{LOGIN}@{address}")
    text = str(error)
    assert message.format(port=address.rpartition(":")[2]) in text
    assert f"allows https://{HOST}" in text
    assert "\n" not in text
    assert [part for part in (USER, PASSWORD, "pr0xy") if part in f"{text} {error!r}"] == []
    assert error.maybe_sent is False
    assert site.requests == []


@pytest.mark.parametrize(
    ("listens", "deadline", "message"), [(False, "20", "ConnectError"), (True, "0.5", "it did not answer in time")]
)
async def test_a_proxy_that_is_down_or_silent_is_named(listens: bool, deadline: str, message: str, site: Site) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        error = await failure(site, f"http://{LOGIN}@127.0.0.1:{port}", deadline=deadline)
    assert NO_WAY.format(port=port) in str(error)
    assert message in str(error)
    assert error.maybe_sent is False


async def test_the_real_proxy_refuses_a_host_and_a_password(site: Site, proxy: str) -> None:
    assert "refuses with status 403" in str(await failure(site, f"http://{LOGIN}@{proxy}", "forbidden.example"))
    assert "refuses with status 407" in str(await failure(site, f"http://{USER}:wrong@{proxy}"))
    assert site.requests == []


async def test_a_refused_password_is_not_tried_again(site: Site) -> None:
    """Repeated attempts with a wrong password lock the account."""
    with answering(PAGE % b"407 Proxy Authentication Required") as (address, received):
        async with tenant_at(site, f"http://{LOGIN}@{address}") as tenant:
            for _ in range(3):
                with pytest.raises(Unreachable, match="refuses with status 407"):
                    await tenant.send(Request("GET", "/users"))
    assert len(received) == 1


async def test_an_answer_that_is_lost_behind_the_proxy_is_unclear(site: Site, proxy: str) -> None:
    """The vendor may have carried out a request that went through the tunnel."""
    async with tenant_at(site, f"http://{LOGIN}@{proxy}") as tenant:
        with pytest.raises(Unreachable, match="the answer was lost") as caught:
            await tenant.send(Request("GET", "/lost", Effect.CREATE))
    assert caught.value.maybe_sent is True
    assert len(site.requests) == 1


async def test_an_address_of_this_machine_needs_no_proxy(site: Site, settings: None) -> None:
    """For the proxy, `localhost` is another machine."""
    config = {"enerflo:proxy": "http://127.0.0.1:9"}
    tenant = Tenant(Enerflo(Enerflo.settings_type.load(config.get)), Vault(), print, RunSettings.load(), Removals())
    async with tenant:
        assert (await tenant.send(Request("GET", "/api/v3/users"))).ok


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128", "socks5://proxy.example", "http://", "http://proxy.example/path", "http://proxy.example:0",
        "http://proxy.example?x", "http://a b@proxy.example", "http://proxy.example:99999", "http://p@ss#w@proxy",
        "http://pröxy-.example:3128",
    ],
)  # fmt: skip
def test_an_invalid_proxy_url_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"ENERFLO_PROXY \(enerflo:proxy\) must be the URL of a proxy") as caught:
        Enerflo.settings_type.load({"enerflo:apiKey": KEY, "enerflo:proxy": url}.get)
    assert url.removeprefix("http://") == "" or url not in f"{caught.value} {caught.value!r}"


def test_the_password_of_a_proxy_is_a_secret_like_any_other() -> None:
    config = {"enerflo:apiKey": KEY, "enerflo:proxy": f"http://{LOGIN}@proxy.example:3128"}
    settings = Enerflo.settings_type.load(config.get)
    assert {PASSWORD, "pr0xy%20p%40ss", KEY} <= set(settings.secrets())
    assert "pr0xy" not in f"{settings!r} {settings.model_dump_json()}"
