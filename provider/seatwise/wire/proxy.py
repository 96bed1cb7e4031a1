"""The way to a vendor through a proxy: what a failure on it means, and how it is told without the credentials."""

import re
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx


class Proxy:
    """A forward proxy that requests to a vendor go through, each over a tunnel (CONNECT)."""

    def __init__(self, url: str, setting: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        self._url = url
        self._is_tls = parts.scheme == "https"
        self._setting = setting
        self._name = f"the proxy {parts.scheme}://{f'[{host}]' if ':' in host else host}{port} ({setting})"
        self.refuses_login = False
        """Whether it refused the user name and password: asking again and again locks accounts."""

    def for_httpx(self, certificates: ssl.SSLContext | None) -> httpx.Proxy:
        """The proxy as httpx wants it; these certificates count for an https:// proxy, too."""
        return httpx.Proxy(self._url, ssl_context=certificates if self._is_tls else None)

    def told(self, error: Exception) -> str:
        """What went wrong on the way, for a message."""
        status = _status(error)
        if status == 407:
            self.refuses_login = True
        return f"{self._name} refuses with {status}" if status else f"no way through {self._name}: {_kind(error)}"

    def refusal(self) -> str:
        """What is told while it refuses the user name and password."""
        return f"{self._name} refuses with 407"

    def remedy(self, base_url: str) -> str:
        """What to check when it does not let a request through."""
        login = f"the user name and password in {self._setting}" if self.refuses_login else self._setting
        return f"Check {login}, and that the proxy lets {base_url} through"


class Tunnel:
    """Whether the one request that it goes along with is still being connected, by the events of httpcore."""

    is_being_built = False
    """The proxy was asked for a connection, and nothing was sent to the vendor."""

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Note which request leaves. Where no such event comes, the vendor may have seen the request."""
        if event.endswith(".send_request_headers.started"):
            self.is_being_built = info["request"].method == b"CONNECT"


def is_final(error: Exception) -> bool:
    """Whether the proxy has refused in a way that another try does not change."""
    return 400 <= _status(error) < 500


def _status(error: Exception) -> int:
    """The status with which the proxy refused a tunnel; 0 when that is not what went wrong."""
    found = re.match(r"[1-5][0-9]{2}\b", str(error)) if isinstance(error, httpx.ProxyError) else None
    return int(found[0]) if found else 0


def _kind(error: Exception) -> str:
    return "it gives no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
