"""A web site that is open in the same browser can neither read the page nor use its buttons."""

import pytest
from httpx import Client

from conftest import Sandbox


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.0.0.1@evil.example", ""]
)
def test_a_name_that_was_made_to_point_here_is_refused(http: Client, host: str) -> None:
    stand_ins = ("/enerflo/api/v3/users", "/nexudus/api/sys/users", "/tenovos/user/x", "/tenovos-1.5/user/x")
    for path in ("/", "/static/page.css", "/sandbox/log", "/accounts/enerflo/new", "/nowhere", *stand_ins):
        answer = http.get(path, headers={"host": host})
        assert (answer.status_code, answer.text.count("\n")) == (403, 1), path
        assert "this machine only" in answer.text
    assert http.get("/sandbox/log").json() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]:8765"])
def test_names_of_this_machine_are_taken_with_any_port(http: Client, host: str) -> None:
    """A tunnel has a port of its own."""
    assert http.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_button_of_another_site_does_nothing(sandbox: Sandbox, http: Client, headers: dict[str, str]) -> None:
    http.post("/sandbox/accounts/enerflo", json={"email": "ana@example.com"}).raise_for_status()
    (account,) = sandbox.accounts("enerflo")
    for method, path in (
        ("POST", "/accounts/enerflo"),
        ("POST", f"/accounts/enerflo/{account}/delete"),
        ("POST", "/faults"),
        ("POST", "/sandbox/accounts/enerflo"),
        ("DELETE", "/sandbox/everything"),
        ("POST", "/enerflo/api/v1/users"),
        ("POST", "/nexudus/api/token"),
        ("PATCH", "/tenovos/user/x"),
    ):
        answer = http.request(method, path, headers=headers, json={"email": "evil@example.com"})
        assert (answer.status_code, "Another web site" in answer.text) == (403, True), path
    assert list(sandbox.accounts("enerflo")) == [account]


def test_the_pages_own_buttons_and_programs_are_allowed(sandbox: Sandbox, http: Client) -> None:
    ours = {"origin": sandbox.url, "sec-fetch-site": "same-origin"}
    assert http.post("/tokens/nexudus", headers=ours).status_code == 303
    assert http.post("/tokens/nexudus").status_code == 303


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/accounts/enerflo/new", "/accounts/enerflo/4711"])
def test_every_answer_forbids_frames_and_foreign_scripts(http: Client, path: str) -> None:
    headers = http.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert "access-control-allow-origin" not in headers


def test_the_stand_ins_themselves_are_as_the_vendors_are(http: Client) -> None:
    answer = http.get("/enerflo/api/v3/users", headers={"origin": "https://x.example"})
    assert answer.status_code == 401
    assert "content-security-policy" not in answer.headers
