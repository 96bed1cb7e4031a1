"""A plug-in for the tests' proxy (proxy.py): every host name leads to this machine, and one host is forbidden."""

from proxy.http.exception import HttpRequestRejected
from proxy.http.parser import HttpParser
from proxy.http.proxy import HttpProxyBasePlugin


class ToThisMachine(HttpProxyBasePlugin):
    """Connects every host name to 127.0.0.1, and refuses `forbidden.example` with a page."""

    def before_upstream_connection(self, request: HttpParser) -> HttpParser:
        if request.host == b"forbidden.example":
            page = {b"Content-Type": b"text/html"}
            raise HttpRequestRejected(status_code=403, reason=b"Forbidden", headers=page, body=b"<html>not here</html>")
        return request

    def resolve_dns(self, host: str, port: int) -> tuple[str, None]:
        return "127.0.0.1", None
