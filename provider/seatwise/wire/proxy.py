"""A forward proxy between seatwise and a vendor: what its failures mean, described without its credentials."""

import re
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx


class Proxy:
    """A forward proxy that passes requests to a vendor through a tunnel (CONNECT); `setting` names its URL's source."""

    def __init__(self, url: str, setting: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        self._url = url
        self._is_tls = parts.scheme == "https"
        self._setting = setting
        self._name = f"the proxy {parts.scheme}://{f'[{host}]' if ':' in host else host}{port} ({setting})"
        self.refuses_login = False
        """Whether the proxy refused the user name and password: repeated attempts lock the account."""

    def for_httpx(self, certificates: ssl.SSLContext | None) -> httpx.Proxy:
        """Return the proxy for httpx; an https:// proxy is verified with the same certificates."""
        return httpx.Proxy(self._url, ssl_context=certificates if self._is_tls else None)

    def describe(self, error: Exception) -> str:
        """Return what went wrong at the proxy, for a message; record a refused user name and password."""
        status = _status(error)
        if status == 407:
            self.refuses_login = True
        refused = f"{self._name} refuses with status {status}"
        return refused if status else f"cannot connect through {self._name}: {_kind(error)}"

    def login_refusal(self) -> str:
        """Return the problem of a request that was not sent because the proxy refused the login before."""
        return f"{self._name} refuses with status 407"

    def remedy(self, base_url: str) -> str:
        """Return what to check after the proxy failed."""
        login = f"the user name and password in {self._setting}" if self.refuses_login else self._setting
        return f"Check {login}, and that the proxy allows {base_url}"


class Tunnel:
    """The progress of one request's connection through the proxy, by httpcore's trace events."""

    is_being_built = False
    """Whether the CONNECT request left and the vendor's own request did not."""

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Record which request is sent. Without such an event, assume that the vendor may have received it."""
        if event.endswith(".send_request_headers.started"):
            self.is_being_built = info["request"].method == b"CONNECT"


def is_final(error: Exception) -> bool:
    """Return whether the proxy refused with a 4xx status, which another try does not change."""
    return 400 <= _status(error) < 500


def _status(error: Exception) -> int:
    """Return the status with which the proxy refused the tunnel; 0 for every other failure."""
    found = re.match(r"[1-5][0-9]{2}\b", str(error)) if isinstance(error, httpx.ProxyError) else None
    return int(found[0]) if found else 0


def _kind(error: Exception) -> str:
    return "it did not answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
