"""The sandbox's server: the log, the limits, the store and the API."""

import ipaddress
import json
import math
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest
from httpx import Client

from conftest import Sandbox, running_with
from sandbox.conftest import ENERFLO_KEY, NEW, NEXUDUS_LOGIN, TENOVOS_KEY, TENOVOS_LOGIN, logged_in
from seatwise.sandbox import middleware, server
from seatwise.sandbox.store import Store

# --- the log ----------------------------------------------------------------------------------


def test_the_log_has_body_and_status_of_requests_no_headers(http: Client) -> None:
    body = {"id": 4711, "active": False}
    http.put("/enerflo/api/v3/users?x=1", headers=ENERFLO_KEY, json=body)
    http.get("/tenovos-1.5/user/a")
    http.get("/enerflo/nowhere")
    log = http.get("/sandbox/log").json()
    columns = ("vendor", "method", "path", "query", "body", "status")
    assert [tuple(entry[name] for name in columns) for entry in log] == [
        ("enerflo", "PUT", "/api/v3/users", "x=1", body, 404),
        ("tenovos", "GET", "/user/a", "", None, 403),
        ("enerflo", "GET", "/nowhere", "", None, 404),
    ]
    assert log[0].keys() == {"number", "at", "seconds", *columns}
    assert ENERFLO_KEY["api-key"] not in json.dumps(log)
    assert http.get(f"/sandbox/log?since={log[1]['number']}").json() == log[2:]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/nexudus/api/token", {"data": NEXUDUS_LOGIN}), ("/tenovos/auth/token", {"json": TENOVOS_LOGIN})],
)
def test_the_log_holds_no_credentials_of_a_login(http: Client, path: str, body: dict[str, Any]) -> None:
    assert http.post(path, headers=TENOVOS_KEY, **body).status_code == 200
    (entry,) = http.get("/sandbox/log").json()
    assert entry["path"].endswith("/token")
    assert "password" not in json.dumps(entry)


# --- limits -----------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The server's clock, which the test sets: `clock.now += 60`."""
    found = SimpleNamespace(now=1000.0)
    found.monotonic = lambda: found.now
    monkeypatch.setattr(middleware, "time", found)
    return found


@pytest.fixture(scope="module")
def _with_limits() -> Iterator[Client]:
    with server.running() as url, Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
def limited(_with_limits: Client, clock: SimpleNamespace) -> Client:
    """A client of an empty sandbox as a user starts it, with limits."""
    _with_limits.delete("/sandbox/everything").raise_for_status()
    return _with_limits


def test_enerflo_throttles_the_301st_request_of_a_minute(limited: Client, clock: SimpleNamespace) -> None:
    path = "/enerflo/api/v3/users"
    assert {limited.get(path, headers=ENERFLO_KEY).status_code for _ in range(300)} == {200}
    clock.now += 18.5
    answer = limited.get(path, headers=ENERFLO_KEY)
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<html>")
    shown = [answer.headers[name] for name in ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining")]
    assert shown == ["42", "300", "0"]
    clock.now += int(answer.headers["retry-after"])
    assert limited.get(path, headers=ENERFLO_KEY).status_code == 200


def test_a_throttled_request_is_logged_and_does_not_count(limited: Client, clock: SimpleNamespace) -> None:
    path = "/nexudus/api/sys/users"
    statuses = [limited.get(path).status_code for _ in range(15)]
    assert statuses == [401] * 10 + [409] * 5
    assert [entry["status"] for entry in limited.get("/sandbox/log").json()] == statuses
    clock.now += 1
    assert limited.get(path).status_code == 401


@pytest.mark.parametrize(("method", "a_minute"), [("GET", 120), ("PUT", 60)])
def test_nexudus_throttles_with_an_empty_409(
    limited: Client, clock: SimpleNamespace, method: str, a_minute: int
) -> None:
    for second in range(a_minute // 10 + 1):
        answers = [limited.request(method, "/nexudus/api/sys/users", json={}) for _ in range(11)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == ([401] * 10 + [409] if second < a_minute // 10 else [409] * 11)
        clock.now += 1
    assert answers[-1].content == b""
    assert int(answers[-1].headers["retry-after"]) == 60 - a_minute // 10 + 1


def test_writes_that_are_used_up_leave_reads(limited: Client, clock: SimpleNamespace) -> None:
    for _ in range(60):
        limited.put("/nexudus/api/sys/users", json={})
        clock.now += 0.5
    assert limited.put("/nexudus/api/sys/users", json={}).status_code == 409
    assert limited.get("/nexudus/api/sys/users").status_code == 401


def test_the_vendors_limits_do_not_add_up(limited: Client) -> None:
    for _ in range(11):
        answer = limited.get("/nexudus/api/sys/users")
    assert answer.status_code == 409
    assert limited.get("/enerflo/api/v3/users", headers=ENERFLO_KEY).status_code == 200


def test_limits_can_be_switched_off(limited: Client) -> None:
    limited.patch("/sandbox/options", json={"limits": False}).raise_for_status()
    assert {limited.get("/nexudus/api/sys/users").status_code for _ in range(15)} == {401}


# --- answers that stop ------------------------------------------------------------------------


def held(http: Client, path: str) -> bool:
    """Whether a request to Enerflo gets no answer."""
    try:
        http.get(f"/enerflo/{path}", timeout=0.2)
    except httpx.ReadTimeout:
        return True
    return False


def is_reached(http: Client) -> bool:
    return bool(http.get("/sandbox/options").json()["hold"]["reached"])


@pytest.mark.parametrize(("carried_out", "arrived"), [(False, ["/a"]), (True, ["/a", "/b"])])
def test_a_hold_lets_nothing_through_from_one_request_on(
    sandbox: Sandbox, http: Client, carried_out: bool, arrived: list[str]
) -> None:
    http.get("/enerflo/before")
    sandbox.mark()
    sandbox.switch(hold={"at": 2, "carried_out": carried_out})
    assert not held(http, "a")
    assert not is_reached(http)
    assert held(http, "b")
    assert is_reached(http)
    assert held(http, "c")
    assert [each["path"] for each in sandbox.requests()] == arrived

    sandbox.switch(hold=None)
    assert not held(http, "d")
    assert [each["path"] for each in sandbox.requests()] == [*arrived, "/d"], "what was held never arrives"


def test_starting_over_ends_a_hold(http: Client) -> None:
    http.patch("/sandbox/options", json={"hold": {"at": 1}}).raise_for_status()
    assert held(http, "a")
    http.delete("/sandbox/everything").raise_for_status()
    assert http.get("/sandbox/options").json()["hold"] is None
    assert not held(http, "b")


def test_a_sandbox_stops_though_it_holds_a_request() -> None:
    with socket.socket() as client, server.running() as url, Client(base_url=url, trust_env=False) as http:
        http.patch("/sandbox/options", json={"hold": {"at": 1}}).raise_for_status()
        client.connect((server.LOOPBACK, http.base_url.port))
        client.sendall(b"GET /enerflo/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while not is_reached(http):
            time.sleep(0.005)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 10


def test_an_idle_connection_outlives_a_client_that_keeps_it() -> None:
    config = server._server(server.app(Store(None))).config
    assert config.timeout_keep_alive > 2 * (httpx.Limits().keepalive_expiry or math.inf)


# --- memory -----------------------------------------------------------------------------------


def test_a_data_file_keeps_accounts_and_log_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    with server.running(path) as url:
        for email in ("ana@example.com", "ben@example.com"):
            body = NEW | {"email": email}
            httpx.post(f"{url}/enerflo/api/v1/users", headers=ENERFLO_KEY, json=body).raise_for_status()
        accounts = httpx.get(f"{url}/sandbox/accounts/enerflo").json()
        httpx.delete(f"{url}/sandbox/accounts/enerflo/{accounts[0]['id']}")
    with server.running(path) as url:
        assert httpx.get(f"{url}/sandbox/accounts/enerflo").json() == accounts[1:]
        assert len(httpx.get(f"{url}/sandbox/log").json()) == 2
        assert httpx.post(f"{url}/enerflo/api/v1/users", headers=ENERFLO_KEY, json=NEW).status_code == 400


@pytest.mark.parametrize(
    ("body", "written"),
    [
        pytest.param({"password": "pw", "roles": ["Setter"]}, {"password": "[secret]", "roles": ["Setter"]}, id="one"),
        pytest.param({"NewPassword": "pw", "Password": None}, {"NewPassword": "[secret]", "Password": None}, id="null"),
        pytest.param(
            {"TwoFactorSecret": ["pw"], "AccessToken": 7},
            {"TwoFactorSecret": "[secret]", "AccessToken": "[secret]"},
            id="no text",
        ),
        pytest.param({"to": [{"password": {"in": "pw"}}]}, {"to": [{"password": "[secret]"}]}, id="deeper"),
        pytest.param(
            {"op": "replace", "path": "password", "value": "pw"},
            {"op": "replace", "path": "password", "value": "[secret]"},
            id="named by a path",
        ),
        pytest.param({"path": "title", "value": "Lead"}, {"path": "title", "value": "Lead"}, id="no secret"),
        pytest.param(None, None, id="no body"),
    ],
)
def test_a_log_in_a_file_has_no_secrets_of_people(tmp_path: Path, body: Any, written: Any) -> None:
    with closing(Store(tmp_path / "log.sqlite")) as store, closing(Store()) as in_memory:
        for each in (store, in_memory):
            each.log("enerflo", "PUT", "/api/v3/users", "", body, 200)
        assert [each["body"] for each in store.logged()] == [written]
        assert [each["body"] for each in in_memory.logged()] == [body]


def test_a_data_file_has_no_password_of_a_person(tmp_path: Path) -> None:
    with server.running(tmp_path / "accounts.sqlite") as url:
        body = NEW | {"password": "s3cret-word"}
        httpx.post(f"{url}/enerflo/api/v1/users", headers=ENERFLO_KEY, json=body).raise_for_status()
        written = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"ana@example.com" in written
    assert b"s3cret-word" not in written


def test_a_record_of_enerflo_has_no_password(sandbox: Sandbox) -> None:
    body = NEW | {"password": "s3cret-word"}
    httpx.post(f"{sandbox.url}/enerflo/api/v1/users", headers=ENERFLO_KEY, json=body).raise_for_status()
    sandbox.add("enerflo", email="bo@example.com")
    assert not any("password" in each for each in sandbox.accounts("enerflo").values())


def test_a_file_from_before_durations_were_kept_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute(
            "create table log (number integer primary key autoincrement, at real not null, vendor text not null,"
            " method text not null, path text not null, query text not null, body text, status integer not null)"
        )
        old.execute("insert into log values (1, 0, 'enerflo', 'GET', '/old', '', null, 200)")
        old.commit()
    with server.running(path) as url:
        httpx.get(f"{url}/enerflo/new")
        log = httpx.get(f"{url}/sandbox/log").json()
    assert [(each["path"], each["seconds"] > 0) for each in log] == [("/old", False), ("/new", True)]


def test_without_a_file_every_sandbox_starts_empty() -> None:
    for _ in range(2):
        with server.running() as url:
            assert httpx.get(f"{url}/sandbox/log").json() == []
            httpx.get(f"{url}/enerflo/x")


def test_a_seed_is_there_from_the_start(tmp_path: Path) -> None:
    """It has the vendors' own records, as the API shows them."""
    enerflo, nexudus = NEW | {"id": 7, "active": True, "can_create_customers": True}, {"Id": 9, "Email": "a@x.example"}
    with running_with({"enerflo": [enerflo], "nexudus": [nexudus]}, tmp_path) as url:
        assert httpx.get(f"{url}/sandbox/accounts/nexudus").json() == [{"id": "9", "record": nexudus}]
        user = httpx.get(f"{url}/enerflo/api/v3/users/7", headers=ENERFLO_KEY).json()["data"]
    assert (user["id"], user["email"], user["roles"]) == (7, "ana@example.com", ["setter"])


# --- where it listens -------------------------------------------------------------------------


def test_it_listens_on_a_free_port_of_loopback_only() -> None:
    with server.listen() as listener:
        host, port = listener.getsockname()
        assert ipaddress.ip_address(host).is_loopback
        assert server.url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"):
            server.listen(port)


@pytest.mark.parametrize("path", ["/nobody/api", "/sandbox/nothing", "/enerflox/api/v3/users"])
def test_another_path_is_not_there(http: Client, path: str) -> None:
    assert http.get(path).status_code == 404


# --- the back door ----------------------------------------------------------------------------


@pytest.fixture
def ana(sandbox: Sandbox, http: Client) -> str:
    """The id of an account."""
    http.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=NEW).raise_for_status()
    return str(sandbox.only("enerflo")["id"])


def test_a_hand_at_the_back_door_leaves_no_trace_in_the_log(sandbox: Sandbox, ana: str) -> None:
    sandbox.mark()
    sandbox.change("enerflo", ana, first_name="Anna", active=False)
    record = sandbox.only("enerflo")
    assert (record["first_name"], record["active"], record["email"]) == ("Anna", False, "ana@example.com")
    sandbox.remove("enerflo", ana)
    assert sandbox.accounts("enerflo") == {}
    assert sandbox.requests() == []


def test_the_back_door_keeps_emails_apart(sandbox: Sandbox, http: Client, ana: str) -> None:
    ben = sandbox.add("enerflo", email="ben@example.com")
    answer = http.patch(f"/sandbox/accounts/enerflo/{ben}", json={"email": "ANA@example.com"})
    assert answer.status_code == 409
    assert sandbox.accounts("enerflo")[ben]["email"] == "ben@example.com"


def test_an_invalid_api_call_is_an_error_and_changes_nothing(sandbox: Sandbox, http: Client, ana: str) -> None:
    before = sandbox.accounts("enerflo")
    for body in (b"first_name=Anna", b"[]", b""):
        assert http.patch(f"/sandbox/accounts/enerflo/{ana}", content=body).status_code == 400
    for path in (f"hubspot/{ana}", "enerflo/999"):
        assert http.patch(f"/sandbox/accounts/{path}", json={"first_name": "Anna"}).status_code == 404
        assert http.delete(f"/sandbox/accounts/{path}").status_code == 404
    assert sandbox.accounts("enerflo") == before


def test_an_account_can_be_added_by_hand(sandbox: Sandbox, ana: str) -> None:
    ben = sandbox.add("enerflo", email="ben@example.com", roles=["Setter"])
    record = sandbox.accounts("enerflo")[ben]
    assert record.keys() == sandbox.accounts("enerflo")[ana].keys()
    assert (record["email"], record["active"], record["roles"]) == ("ben@example.com", True, ["Setter"])
    assert len(sandbox.requests()) == 1, "the one that made Ana"


def test_an_account_that_cannot_be_added_is_refused(sandbox: Sandbox, http: Client, ana: str) -> None:
    for vendor, body, status in (
        ("enerflo", {"email": "ANA@example.com"}, 409),
        ("enerflo", {"roles": []}, 400),
        ("nobody", {"email": "ben@example.com"}, 404),
    ):
        assert http.post(f"/sandbox/accounts/{vendor}", json=body).status_code == status
    assert list(sandbox.accounts("enerflo")) == [ana]


def test_starting_over_leaves_nothing_of_the_past(limited: Client) -> None:
    """No account or reserved e-mail, no token, no log, no changed switch, no count of requests."""
    made = limited.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=NEW).json()["user"]["id"]
    limited.delete(f"/sandbox/accounts/enerflo/{made}")
    limited.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=NEW | {"email": "ben@example.com"})
    token = limited.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()["access_token"]
    limited.patch("/sandbox/options", json={"enerflo_reply": "none", "token_lifetime": 0}).raise_for_status()
    assert [limited.get("/nexudus/api/sys/users").status_code for _ in range(10)][-1] == 409

    limited.delete("/sandbox/everything").raise_for_status()
    assert limited.get("/sandbox/log").json() == limited.get("/sandbox/accounts/enerflo").json() == []
    answer = limited.get("/nexudus/api/sys/users", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert "user" in limited.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=NEW).json()
    assert limited.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()["expires_in"] == 3600


def test_with_an_unknown_switch_no_switch_is_changed(http: Client) -> None:
    answer = http.patch("/sandbox/options", json={"limits": True, "weather": "fine", "limit": 3})
    assert (answer.status_code, answer.json()) == (400, {"error": "no such switch: limit, weather"})
    assert {http.get("/nexudus/api/sys/users").status_code for _ in range(15)} == {401}


NO_NUMBERS = ["x", "", "-1", "1.5", "nan", "inf", "9" * 30, "\u0663", "a,b"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/sandbox/log", "since"),
        ("/enerflo/api/v3/users", "page"),
        ("/enerflo/api/v3/users", "pageSize"),
        ("/nexudus/api/sys/users", "page"),
        ("/nexudus/api/sys/users", "size"),
        ("/tenovos-1.5/user/search/*", "from"),
        ("/tenovos-1.5/user/search/*", "limit"),
    ],
)
def test_a_parameter_that_is_not_a_number_is_a_400(path: str, parameter: str, http: Client) -> None:
    headers = logged_in(http, path)
    for number in NO_NUMBERS:
        answer = http.get(path, params={parameter: number}, headers=headers)
        assert (answer.status_code, parameter in answer.text) == (400, True), number


@pytest.mark.parametrize(
    "switches",
    [
        {"faults": []}, {"faults": {"enerflo": "lost"}}, {"hold": "x"}, {"hold": {"a": 1}}, {"limits": "perhaps"},
        {"token_lifetime": "long"}, {"token_lifetime": -1}, {"token_lifetime": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_switch_of_another_shape_is_a_400(switches: dict[str, Any], http: Client) -> None:
    answer = http.patch("/sandbox/options", json=switches)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("path", ["/sandbox/accounts/enerflo", "/enerflo/api/v1/users", "/tenovos/auth/token"])
def test_a_deeply_nested_body_causes_no_crash(path: str, http: Client) -> None:
    answer = http.post(path, content=b"[" * 100_000, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


# --- what somebody puts in by hand ------------------------------------------------------------

ODD: Final[list[Any]] = [
    None, -5, True, "x", "", "\ud800", float("nan"), 10**400, {"a": 1}, {"\ud800": 1}, [{"a": 1}], [[1]], [None],
    ["\ud800"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "key"),
    [(vendor, key) for vendor, each in server.STAND_INS.items() for key in [field.key for field in each.FIELDS]],
)
def test_no_value_that_is_put_in_by_hand_breaks_the_sandbox(vendor: str, key: str, http: Client) -> None:
    stand_in = server.STAND_INS[vendor]
    for number, value in enumerate(ODD):
        fields = {stand_in.EMAIL: f"a{number}@example.com", key: value}
        added = http.post(f"/sandbox/accounts/{vendor}", content=json.dumps(fields))
        assert added.status_code in ((200, 400, 409) if key == stand_in.EMAIL else (200,)), value
        if added.status_code == 200:
            account = f"/accounts/{vendor}/{added.json()['id']}"
            assert http.get(account).status_code == 200, value
            changed = http.patch(f"/sandbox{account}", content=json.dumps({key: value}))
            assert changed.status_code in ((200, 400) if key == stand_in.EMAIL else (200,)), value
    lists = {
        "enerflo": ["/enerflo/api/v3/users"],
        "nexudus": ["/nexudus/api/sys/users"],
        "tenovos": ["/tenovos/user/search/@", "/tenovos-1.5/user/search/*"],
    }
    for path in ["/", f"/sandbox/accounts/{vendor}", *lists.get(vendor, [])]:
        assert http.get(path, headers=logged_in(http, f"/{vendor}")).status_code == 200, path


@pytest.mark.parametrize("vendor", server.STAND_INS)
def test_an_id_or_an_e_mail_that_is_not_text_is_refused(vendor: str, http: Client) -> None:
    stand_in = server.STAND_INS[vendor]
    good = {stand_in.EMAIL: "ana@example.com"}
    for wrong in ({stand_in.EMAIL: "\ud800@example.com"}, good | {stand_in.ID: "\ud800"}):
        assert http.post(f"/sandbox/accounts/{vendor}", content=json.dumps(wrong)).status_code == 400
    account = http.post(f"/sandbox/accounts/{vendor}", json=good).json()["id"]
    for email in ("\ud800@example.com", 5, None, ["a@example.com"]):
        changed = http.patch(f"/sandbox/accounts/{vendor}/{account}", content=json.dumps({stand_in.EMAIL: email}))
        assert changed.status_code == 400, email


@pytest.mark.parametrize("query", ["done=%ff", "at=%ed%a0%80", "at=%00", "done=added&done=x", "at=<b>", "x[]=1"])
def test_the_page_takes_any_query(query: str, http: Client) -> None:
    assert http.get(f"/?{query}").status_code == 200
