"""The sandbox's server: the log, the limits, the store and the API."""

import ipaddress
import json
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

from conftest import Sandbox
from seatwise.sandbox import middleware, server
from seatwise.sandbox.store import Store

ENERFLO_KEY: Final = {"api-key": "sandbox-enerflo-key"}
NEXUDUS_LOGIN: Final = {
    "grant_type": "password",
    "username": "admin@sandbox.example",
    "password": "sandbox-nexudus-password",
}
TENOVOS_LOGIN: Final = {"clientId": "sandbox-client", "username": "admin", "password": "sandbox-tenovos-password"}
ANA: Final[dict[str, Any]] = {
    "id": 7, "email": "ana@example.com", "roles": ["Setter"], "active": True, "allow_optimus": False,
    "can_create_customers": True,
}  # fmt: skip


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client of a sandbox without limits."""
    with httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


# --- the log ----------------------------------------------------------------------------------


def test_the_log_has_body_and_status_of_requests_no_headers(http: httpx.Client) -> None:
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


def test_the_log_can_begin_after_any_request(http: httpx.Client) -> None:
    for name in "abc":
        http.get(f"/enerflo/{name}")
    second = http.get("/sandbox/log").json()[1]["number"]
    assert [entry["path"] for entry in http.get(f"/sandbox/log?since={second}").json()] == ["/c"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/nexudus/api/token", {"data": NEXUDUS_LOGIN}, id="nexudus-form"),
        pytest.param("/tenovos/auth/token", {"json": TENOVOS_LOGIN}, id="tenovos-json"),
    ],
)
def test_the_log_holds_no_credentials_of_a_login(http: httpx.Client, path: str, body: dict[str, Any]) -> None:
    assert http.post(path, headers={"X-API-Key": "sandbox-tenovos-key"}, **body).status_code == 200
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


@pytest.fixture
def limited(clock: SimpleNamespace) -> Iterator[httpx.Client]:
    """A client of a sandbox as a user starts it, with limits."""
    with server.running() as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def test_enerflo_throttles_the_301st_request_of_a_minute(limited: httpx.Client, clock: SimpleNamespace) -> None:
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


def test_a_throttled_request_is_logged_and_does_not_count(limited: httpx.Client, clock: SimpleNamespace) -> None:
    path = "/nexudus/api/sys/users"
    statuses = [limited.get(path).status_code for _ in range(15)]
    assert statuses == [401] * 10 + [409] * 5
    assert [entry["status"] for entry in limited.get("/sandbox/log").json()] == statuses
    clock.now += 1
    assert limited.get(path).status_code == 401


@pytest.mark.parametrize(
    ("method", "a_second", "a_minute"),
    [
        pytest.param("GET", 10, 120, id="requests"),
        pytest.param("PUT", 10, 60, id="writes"),
    ],
)
def test_nexudus_throttles_with_an_empty_409(
    limited: httpx.Client, clock: SimpleNamespace, method: str, a_second: int, a_minute: int
) -> None:
    taken = 0
    while True:
        answers = [limited.request(method, "/nexudus/api/sys/users", json={}) for _ in range(a_second + 1)]
        assert answers[-1].status_code == 409
        passed = sum(answer.status_code == 401 for answer in answers)
        if not passed:
            break
        taken += passed
        assert passed == a_second
        clock.now += 1
    assert taken == a_minute
    assert answers[-1].content == b""
    assert int(answers[-1].headers["retry-after"]) == 60 - clock.now + 1000 + 1


def test_writes_that_are_used_up_leave_reads(limited: httpx.Client, clock: SimpleNamespace) -> None:
    for _ in range(60):
        limited.put("/nexudus/api/sys/users", json={})
        clock.now += 0.5
    assert limited.put("/nexudus/api/sys/users", json={}).status_code == 409
    assert limited.get("/nexudus/api/sys/users").status_code == 401


def test_the_vendors_limits_do_not_add_up(limited: httpx.Client) -> None:
    for _ in range(11):
        answer = limited.get("/nexudus/api/sys/users")
    assert answer.status_code == 409
    assert limited.get("/enerflo/api/v3/users", headers=ENERFLO_KEY).status_code == 200


def test_limits_can_be_switched_off(limited: httpx.Client) -> None:
    limited.patch("/sandbox/options", json={"limits": False}).raise_for_status()
    assert {limited.get("/nexudus/api/sys/users").status_code for _ in range(15)} == {401}


# --- answers that stop ------------------------------------------------------------------------


def held(http: httpx.Client, path: str) -> bool:
    """Whether a request to Enerflo gets no answer."""
    try:
        http.get(f"/enerflo/{path}", timeout=0.2)
    except httpx.ReadTimeout:
        return True
    return False


def is_reached(http: httpx.Client) -> bool:
    return bool(http.get("/sandbox/options").json()["hold"]["reached"])


@pytest.mark.parametrize(("carried_out", "arrived"), [(False, ["/a"]), (True, ["/a", "/b"])])
def test_a_hold_lets_nothing_through_from_one_request_on(
    sandbox: Sandbox, http: httpx.Client, carried_out: bool, arrived: list[str]
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


def test_starting_over_ends_a_hold(http: httpx.Client) -> None:
    http.patch("/sandbox/options", json={"hold": {"at": 1}}).raise_for_status()
    assert held(http, "a")
    http.delete("/sandbox/everything").raise_for_status()
    assert http.get("/sandbox/options").json()["hold"] is None
    assert not held(http, "b")


def test_a_sandbox_stops_though_it_holds_a_request() -> None:
    with socket.socket() as client, server.running() as url, httpx.Client(base_url=url, trust_env=False) as http:
        http.patch("/sandbox/options", json={"hold": {"at": 1}}).raise_for_status()
        client.connect((server.LOOPBACK, http.base_url.port))
        client.sendall(b"GET /enerflo/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while not is_reached(http):
            time.sleep(0.005)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 10


# --- memory -----------------------------------------------------------------------------------


def test_a_data_file_keeps_accounts_and_log_across_restarts(tmp_path: Path) -> None:
    path, new = tmp_path / "accounts.sqlite", {"notify_email": False, "allow_optimus": False, "roles": ["Setter"]}
    with server.running(path) as url:
        for email in ("ana@example.com", "ben@example.com"):
            body = new | {"email": email}
            httpx.post(f"{url}/enerflo/api/v1/users", headers=ENERFLO_KEY, json=body).raise_for_status()
        accounts = httpx.get(f"{url}/sandbox/accounts/enerflo").json()
        httpx.delete(f"{url}/sandbox/accounts/enerflo/{accounts[0]['id']}")
    with server.running(path) as url:
        assert httpx.get(f"{url}/sandbox/accounts/enerflo").json() == accounts[1:]
        assert len(httpx.get(f"{url}/sandbox/log").json()) == 2
        body = new | {"email": "ana@example.com"}
        assert httpx.post(f"{url}/enerflo/api/v1/users", headers=ENERFLO_KEY, json=body).status_code == 400


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
    store = Store(tmp_path / "accounts")
    nexudus = {"Id": 9, "Email": "ana@example.com"}
    assert server.seed(store, {"enerflo": [ANA, ANA | {"id": 8, "email": "b@c.example"}], "nexudus": [nexudus]}) == 3
    store.close()
    with server.running(tmp_path / "accounts") as url:
        assert httpx.get(f"{url}/sandbox/accounts/nexudus").json() == [{"id": "9", "record": nexudus}]
        user = httpx.get(f"{url}/enerflo/api/v3/users/7", headers=ENERFLO_KEY).json()["data"]
    assert (user["id"], user["email"], user["roles"]) == (7, "ana@example.com", ["setter"])


# --- where it listens -------------------------------------------------------------------------


def test_it_listens_on_loopback_only() -> None:
    with server.listen() as listener:
        assert ipaddress.ip_address(listener.getsockname()[0]).is_loopback
        assert server.url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_port_that_is_in_use_is_refused() -> None:
    with server.listen() as listener, pytest.raises(OSError, match="in use"):
        server.listen(listener.getsockname()[1])


@pytest.mark.parametrize("path", ["/nobody/api", "/sandbox/nothing", "/enerflox/api/v3/users"])
def test_another_path_is_not_there(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


# --- the back door ----------------------------------------------------------------------------


@pytest.fixture
def ana(sandbox: Sandbox, http: httpx.Client) -> str:
    """The id of an account."""
    new = {"email": "ana@example.com", "notify_email": False, "allow_optimus": False, "roles": ["Setter"]}
    http.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=new).raise_for_status()
    return str(sandbox.only("enerflo")["id"])


def test_a_hand_at_the_back_door_leaves_no_trace_in_the_log(sandbox: Sandbox, ana: str) -> None:
    sandbox.mark()
    sandbox.change("enerflo", ana, first_name="Anna", active=False)
    record = sandbox.only("enerflo")
    assert (record["first_name"], record["active"], record["email"]) == ("Anna", False, "ana@example.com")
    sandbox.remove("enerflo", ana)
    assert sandbox.accounts("enerflo") == {}
    assert sandbox.requests() == []


def test_the_back_door_keeps_emails_apart(sandbox: Sandbox, http: httpx.Client, ana: str) -> None:
    new = {"email": "ben@example.com", "notify_email": False, "allow_optimus": False, "roles": ["Setter"]}
    number = http.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=new).json()["user"]["id"]
    answer = http.patch(f"/sandbox/accounts/enerflo/{number}", json={"email": "ANA@example.com"})
    assert answer.status_code == 409
    assert sandbox.accounts("enerflo")[str(number)]["email"] == "ben@example.com"


def test_an_invalid_api_call_is_an_error_and_changes_nothing(sandbox: Sandbox, http: httpx.Client, ana: str) -> None:
    before = sandbox.accounts("enerflo")
    for body in (b"first_name=Anna", b"[]", b""):
        assert http.patch(f"/sandbox/accounts/enerflo/{ana}", content=body).status_code == 400
    for path in (f"hubspot/{ana}", "enerflo/999"):
        assert http.patch(f"/sandbox/accounts/{path}", json={"first_name": "Anna"}).status_code == 404
        assert http.delete(f"/sandbox/accounts/{path}").status_code == 404
    assert sandbox.accounts("enerflo") == before


def test_an_account_can_be_added_by_hand(sandbox: Sandbox, http: httpx.Client, ana: str) -> None:
    new = {"email": "ben@example.com", "roles": ["Setter"]}
    number = http.post("/sandbox/accounts/enerflo", json=new).raise_for_status().json()["id"]
    record = sandbox.accounts("enerflo")[number]
    assert record.keys() == sandbox.accounts("enerflo")[ana].keys()
    assert (record["email"], record["active"], record["roles"]) == ("ben@example.com", True, ["Setter"])
    assert len(sandbox.requests()) == 1, "the one that made Ana"


@pytest.mark.parametrize(
    ("vendor", "body", "status"),
    [
        pytest.param("enerflo", {"email": "ANA@example.com"}, 409, id="taken"),
        pytest.param("enerflo", {"roles": []}, 400, id="no-email"),
        pytest.param("nobody", {"email": "ben@example.com"}, 404, id="no-vendor"),
    ],
)
@pytest.mark.usefixtures("ana")
def test_an_account_that_cannot_be_added_is_refused(
    sandbox: Sandbox, http: httpx.Client, vendor: str, body: dict[str, Any], status: int
) -> None:
    assert http.post(f"/sandbox/accounts/{vendor}", json=body).status_code == status
    assert len(sandbox.accounts("enerflo")) == 1


def test_starting_over_leaves_nothing_of_the_past(limited: httpx.Client) -> None:
    """No account or reserved e-mail, no token, no log, no changed switch, no count of requests."""
    new = {"email": "ana@example.com", "notify_email": False, "allow_optimus": False, "roles": ["Setter"]}
    made = limited.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=new).json()["user"]["id"]
    limited.delete(f"/sandbox/accounts/enerflo/{made}")
    limited.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=new | {"email": "ben@example.com"})
    token = limited.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()["access_token"]
    limited.patch("/sandbox/options", json={"enerflo_reply": "none", "token_lifetime": 0}).raise_for_status()
    assert [limited.get("/nexudus/api/sys/users").status_code for _ in range(10)][-1] == 409

    limited.delete("/sandbox/everything").raise_for_status()
    assert limited.get("/sandbox/log").json() == limited.get("/sandbox/accounts/enerflo").json() == []
    answer = limited.get("/nexudus/api/sys/users", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert "user" in limited.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=new).json()
    assert limited.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()["expires_in"] == 3600


def test_with_an_unknown_switch_no_switch_is_changed(http: httpx.Client) -> None:
    answer = http.patch("/sandbox/options", json={"limits": True, "weather": "fine", "limit": 3})
    assert (answer.status_code, answer.json()) == (400, {"error": "no such switch: limit, weather"})
    assert {http.get("/nexudus/api/sys/users").status_code for _ in range(15)} == {401}


NO_NUMBERS = ["x", "", "-1", "1.5", "nan", "inf", "9" * 30, "\u0663", "a,b"]


@pytest.mark.parametrize("number", NO_NUMBERS)
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
def test_a_parameter_that_is_not_a_number_is_a_400(path: str, parameter: str, number: str, sandbox: Sandbox) -> None:
    answer = httpx.get(f"{sandbox.url}{path}", params={parameter: number}, headers=logged_in(sandbox, path))
    assert (answer.status_code, parameter in answer.text) == (400, True)


def logged_in(sandbox: Sandbox, path: str) -> dict[str, str]:
    """The headers of a login at the stand-in that has this path."""
    variables = sandbox.environment
    if path.startswith("/enerflo"):
        return {"api-key": variables["ENERFLO_API_KEY"]}
    if path.startswith("/nexudus"):
        login = {"username": variables["NEXUDUS_USERNAME"], "password": variables["NEXUDUS_PASSWORD"]}
        answer = httpx.post(f"{sandbox.url}/nexudus/api/token", data={"grant_type": "password", **login})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}
    login = {name: variables[f"TENOVOS_{key}"] for name, key in (
        ("clientId", "CLIENT_ID"), ("username", "USERNAME"), ("password", "PASSWORD"))}  # fmt: skip
    key = {"X-API-Key": variables["TENOVOS_API_KEY"]}
    session = httpx.post(f"{sandbox.url}/tenovos-1.5/auth/token", headers=key, json=login).json()["session"]
    return {**key, "Authorization": session["authorization"]}


@pytest.mark.parametrize(
    "switches",
    [
        {"faults": []}, {"faults": {"enerflo": "lost"}}, {"hold": "x"}, {"hold": {"a": 1}}, {"limits": "perhaps"},
        {"token_lifetime": "long"}, {"token_lifetime": -1}, {"token_lifetime": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_switch_of_another_shape_is_a_400(switches: dict[str, Any], sandbox: Sandbox) -> None:
    answer = httpx.patch(f"{sandbox.url}/sandbox/options", json=switches)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("path", ["/sandbox/accounts/enerflo", "/enerflo/api/v1/users", "/tenovos/auth/token"])
def test_a_deeply_nested_body_causes_no_crash(path: str, sandbox: Sandbox) -> None:
    answer = httpx.post(f"{sandbox.url}{path}", content=b"[" * 100_000, headers={"content-type": "application/json"})
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
def test_no_value_that_is_put_in_by_hand_breaks_the_sandbox(vendor: str, key: str, http: httpx.Client) -> None:
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
        assert http.get(path, headers=_logged_in(vendor, http)).status_code == 200, path


@pytest.mark.parametrize("vendor", server.STAND_INS)
def test_an_id_or_an_e_mail_that_is_not_text_is_refused(vendor: str, http: httpx.Client) -> None:
    stand_in = server.STAND_INS[vendor]
    good = {stand_in.EMAIL: "ana@example.com"}
    for wrong in ({stand_in.EMAIL: "\ud800@example.com"}, good | {stand_in.ID: "\ud800"}):
        assert http.post(f"/sandbox/accounts/{vendor}", content=json.dumps(wrong)).status_code == 400
    account = http.post(f"/sandbox/accounts/{vendor}", json=good).json()["id"]
    for email in ("\ud800@example.com", 5, None, ["a@example.com"]):
        changed = http.patch(f"/sandbox/accounts/{vendor}/{account}", content=json.dumps({stand_in.EMAIL: email}))
        assert changed.status_code == 400, email


@pytest.mark.parametrize("query", ["done=%ff", "at=%ed%a0%80", "at=%00", "done=added&done=x", "at=<b>", "x[]=1"])
def test_the_page_takes_any_query(query: str, http: httpx.Client) -> None:
    assert http.get(f"/?{query}").status_code == 200


def _logged_in(vendor: str, http: httpx.Client) -> dict[str, str]:
    """Return the headers of a logged-in client."""
    if vendor == "enerflo":
        return ENERFLO_KEY
    if vendor not in ("nexudus", "tenovos"):
        return {}
    if vendor == "nexudus":
        token = http.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()["access_token"]
        return {"authorization": f"Bearer {token}"}
    key = {"x-api-key": server.STAND_INS[vendor].environment("")["TENOVOS_API_KEY"]}
    session = http.post("/tenovos/auth/token", headers=key, json=TENOVOS_LOGIN).json()["session"]
    return {**key, "authorization": session["authorization"], "accesstoken": session["accessToken"]}
