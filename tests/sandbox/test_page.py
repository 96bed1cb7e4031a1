"""The sandbox's page over HTTP, as a browser without scripts uses it."""

import re
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from typing import Any, Final

import httpx
import pytest
from httpx import Client

from conftest import Sandbox
from sandbox.conftest import ENERFLO_KEY, NEW, NEXUDUS_LOGIN, logged_in
from seatwise.sandbox.page import MAX_ACCOUNTS, MAX_REQUESTS
from seatwise.sandbox.server import STAND_INS
from seatwise.sandbox.store import Store

SECRETS: Final = [
    "first-password",
    "second-factor",
    *(value for name, value in STAND_INS["enerflo"].environment("").items() if "KEY" in name),
    *(value for name, value in STAND_INS["nexudus"].environment("").items() if "PASSWORD" in name),
    *(value for name, value in STAND_INS["tenovos"].environment("").items() if "PASSWORD" in name or "KEY" in name),
]
BY_HAND: Final[dict[str, dict[str, Any]]] = {
    "enerflo": {"email": "ana@example.com", "first_name": "Ana", "roles": ["Setter", "Sales Rep"], "phone": "5550100"},
    "nexudus": {"Email": "ana@example.com", "FullName": "Ana Ruiz", "UserRoles": [7, 12], "Language": 2},
    "tenovos": {"email": "ana@example.com", "username": "ana", "firstName": "Ana", "lastName": "Ruiz", "company": 12},
}
NAMES: Final = {"enerflo": "first_name", "nexudus": "FullName", "tenovos": "firstName"}


class Form(HTMLParser):
    """What a browser sends for the button of a page's form with this action."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self._action = action
        self._inside = False
        self.data: dict[str, Any] = {}
        self._select = ""
        self.feed(page)

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        name = got.get("name") or ""
        if tag == "form":
            self._inside = got.get("action") == self._action
        elif not self._inside:
            return
        elif tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in self.data or "selected" in got):
            self.data[self._select] = got.get("value")
        elif tag == "input" and got["type"] != "checkbox":
            self.data[name] = got.get("value")
        elif tag == "input" and "checked" in got:
            self.data.setdefault(name, []).append(got.get("value", "on"))


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[Client]:
    """A browser without scripts."""
    with Client(base_url=sandbox.url, trust_env=False, follow_redirects=True) as client:
        yield client


def made(http: Client, vendor: str, **fields: Any) -> str:
    """The id of a new account."""
    answer = http.post(f"/sandbox/accounts/{vendor}", json=BY_HAND[vendor] | fields).raise_for_status()
    return str(answer.json()["id"])


def words(answer: httpx.Response) -> str:
    """Return the text of a page in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


# --- accounts ---------------------------------------------------------------------------------


def test_the_page_shows_the_accounts_of_every_vendor(http: Client) -> None:
    for vendor in BY_HAND:
        made(http, vendor)
    page = words(http.get("/"))
    assert "Stand-ins for " in page
    assert "Enerflo, Nexudus, SCIM and Tenovos" in page
    assert "not for the internet" in page
    assert "1 account at Enerflo First name Last name E-mail Roles State Actions Ana ana@example.com" in page
    assert "ana@example.com Setter, Sales Rep active Change" in page
    assert "Ana Ruiz ana@example.com 7, 12 active Change" in page
    assert "Ana Ruiz ana@example.com enabled Change" in page


@pytest.mark.parametrize("vendor", STAND_INS)
def test_every_stand_in_declares_the_fields_that_the_page_shows(vendor: str) -> None:
    stand_in = STAND_INS[vendor]
    assert {each.key: each.required for each in stand_in.FIELDS}[stand_in.EMAIL] is True
    with closing(Store()) as store:
        assert stand_in.ID in stand_in.blank(store)


def test_without_accounts_the_page_says_so(http: Client) -> None:
    page = words(http.get("/"))
    assert page.count("No accounts at") == len(STAND_INS)
    assert "None is on." in page
    assert "None so far." in page


def test_of_very_many_accounts_the_newest_are_shown(http: Client) -> None:
    for number in range(MAX_ACCOUNTS + 1):
        made(http, "nexudus", Email=f"{number}@example.com")
    page = words(http.get("/"))
    assert f"{MAX_ACCOUNTS + 1} accounts at Nexudus ; the newest {MAX_ACCOUNTS} are shown" in page
    assert f" {MAX_ACCOUNTS}@example.com" in page
    assert " 0@example.com" not in page


def test_what_people_type_is_text_and_never_markup(http: Client) -> None:
    account = made(http, "nexudus", FullName='<script>alert("x")</script>')
    for path in ("/", f"/accounts/nexudus/{account}"):
        assert "<script>alert" not in http.get(path).text


@pytest.mark.parametrize("vendor", BY_HAND)
def test_a_form_that_is_saved_as_it_came_changes_nothing(sandbox: Sandbox, http: Client, vendor: str) -> None:
    """Values keep their types too."""
    path = f"/accounts/{vendor}/{made(http, vendor)}"
    before = sandbox.only(vendor)
    answer = http.post(path, data=Form(http.get(path).text, path).data)
    assert "Nothing was changed." in words(answer)
    assert sandbox.only(vendor) == before


@pytest.mark.parametrize("vendor", BY_HAND)
def test_a_change_by_hand_changes_typed_fields_without_a_request(sandbox: Sandbox, http: Client, vendor: str) -> None:
    path = f"/accounts/{vendor}/{made(http, vendor)}"
    before = sandbox.only(vendor)
    answer = http.post(path, data=Form(http.get(path).text, path).data | {NAMES[vendor]: " Anna "})
    assert (answer.history[0].status_code, answer.url.path, answer.url.fragment) == (303, "/", vendor)
    assert "Changed by hand. Now pulumi refresh shows the drift" in words(answer)
    after = sandbox.only(vendor)
    assert after == before | {NAMES[vendor]: "Anna"} | {key: after[key] for key in STAND_INS[vendor].server_changes()}
    assert sandbox.requests() == []


def test_every_kind_of_field_can_be_changed(sandbox: Sandbox, http: Client) -> None:
    rep = made(http, "enerflo")
    http.post(f"/accounts/enerflo/{rep}", data={"roles": ["Setter"], "active": "False", "phone": "", "first_name": "A"})
    record = sandbox.only("enerflo")
    assert [record[key] for key in ("roles", "active", "phone", "first_name")] == [["Setter"], False, None, "A"]

    host = made(http, "nexudus")
    http.post(f"/accounts/nexudus/{host}", data={"UserRoles": "3,  4 5,", "Language": "3", "IsAdmin": "True"})
    record = sandbox.only("nexudus")
    assert [record[key] for key in ("UserRoles", "Language", "IsAdmin")] == [[3, 4, 5], 3, True]

    editor = made(http, "tenovos", userRoleId=None)
    role, group = "7d5620e1-f423-11e9-8071-89c0c4052141", "7d6207c1-f423-11e9-8071-89c0c4052141"
    http.post(f"/accounts/tenovos/{editor}", data={"userRoleId": role, "groups": [group], "status": "disabled"})
    record = sandbox.only("tenovos")
    assert [record[key] for key in ("userRoleId", "groups", "status")] == [role, [group], "disabled"]


@pytest.mark.parametrize("vendor", BY_HAND)
def test_an_account_added_by_hand_is_like_one_created_by_request(sandbox: Sandbox, http: Client, vendor: str) -> None:
    form = Form(http.get(f"/accounts/{vendor}/new").text, f"/accounts/{vendor}").data
    typed = {key: value for key, value in BY_HAND[vendor].items() if isinstance(value, str)}
    lists = {"roles": ["Setter"]} if vendor == "enerflo" else {}
    answer = http.post(f"/accounts/{vendor}", data=form | typed | lists)
    assert "Added by hand." in words(answer)
    record = sandbox.only(vendor)
    assert record.items() >= typed.items()
    assert str(record[STAND_INS[vendor].ID]) in sandbox.accounts(vendor)
    assert sandbox.requests() == []


def test_an_account_added_by_hand_can_be_read_by_request(http: Client) -> None:
    rep = made(http, "enerflo")
    user = http.get(f"/enerflo/api/v3/users/{rep}", headers=ENERFLO_KEY).raise_for_status().json()["data"]
    assert (user["email"], user["active"], user["meta"]["can_create_customers"]) == ("ana@example.com", 1, True)


@pytest.mark.parametrize(
    ("vendor", "typed", "complaint"),
    [
        ("enerflo", {"email": ""}, "E-mail is missing: fill it in"),
        ("enerflo", {"email": "ana at home"}, "E-mail is not an e-mail address: write it as name@example.com"),
        ("enerflo", {"roles": []}, "Roles is missing: fill it in"),
        ("enerflo", {"roles": ["King"]}, "Roles has a value that is not a choice: select one of Super Admin, "),
        ("enerflo", {"email": "BEN@example.com"}, "The e-mail is taken: choose another"),
        ("nexudus", {"UserRoles": "front desk"}, "User roles must be numbers: write them as 7, 12"),
        ("nexudus", {"FullName": " "}, "Full name is missing: fill it in"),
        ("tenovos", {"username": ""}, "User name is missing: fill it in"),
    ],
)
def test_an_invalid_form_is_shown_again_with_the_problem(
    sandbox: Sandbox, http: Client, vendor: str, typed: dict[str, Any], complaint: str
) -> None:
    path = f"/accounts/{vendor}/{made(http, vendor)}"
    made(http, vendor, **{STAND_INS[vendor].EMAIL: "ben@example.com"})
    before = sandbox.accounts(vendor)
    answer = http.post(path, data=Form(http.get(path).text, path).data | typed)
    assert answer.status_code == 400
    assert complaint in words(answer)
    assert sandbox.accounts(vendor) == before


@pytest.mark.parametrize("path", ["/accounts/tenovos", "/accounts/tenovos/{id}"])
def test_a_form_that_cannot_be_taken_comes_back_as_it_was_typed(http: Client, path: str) -> None:
    typed = BY_HAND["tenovos"] | {"email": "BEN@example.com", "username": "benny", "company": "Sol"}
    account = made(http, "tenovos")
    made(http, "tenovos", email="ben@example.com")
    path = path.format(id=account)
    answer = http.post(path, data=typed | {"status": "disabled"})
    assert (answer.status_code, "The e-mail is taken" in answer.text) == (400, True)
    assert Form(answer.text, path).data.items() >= (typed | {"status": "disabled"}).items()


def test_a_deleted_account_is_gone(sandbox: Sandbox, http: Client) -> None:
    account = made(http, "nexudus")
    assert "Deleted by hand." in words(http.post(f"/accounts/nexudus/{account}/delete"))
    assert sandbox.accounts("nexudus") == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/enerflo/7"), ("POST", "/accounts/enerflo/7"), ("POST", "/accounts/enerflo/7/delete"),
        ("GET", "/accounts/nobody/new"), ("POST", "/accounts/nobody"), ("POST", "/accounts/nobody/7/delete"),
        ("POST", "/faults/nobody/off"), ("POST", "/tokens/nobody"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(http: Client, method: str, path: str) -> None:
    assert http.request(method, path).status_code == 404


# --- drift ------------------------------------------------------------------------------------


def test_drift_is_shown_until_a_request_changes_the_field(http: Client) -> None:
    account = made(http, "enerflo", roles=["Setter"])
    change = {"roles": ["Sales Rep"], "first_name": "Anna", "phone": "555"}
    http.post(f"/accounts/enerflo/{account}", data=change)
    page = words(http.get("/"))
    assert "Anna by hand; was Ana" in page
    assert "Sales Rep by hand; was Setter" in page
    assert "Phone changed by hand" in page

    healed = {"id": account, "roles": ["Setter"], "phone": "5550100000"}
    http.put("/enerflo/api/v3/users", headers=ENERFLO_KEY, json=healed).raise_for_status()
    page = words(http.get("/"))
    assert "Anna by hand; was Ana" in page, "no request changed the name"
    assert page.count("by hand; was") == 1
    assert "Phone changed" not in page


def test_drift_counts_from_before_the_first_change_by_hand(http: Client) -> None:
    account = made(http, "nexudus")
    for name in ("Anna", "Anne"):
        http.patch(f"/sandbox/accounts/nexudus/{account}", json={"FullName": name})
    assert "Anne by hand; was Ana Ruiz" in words(http.get("/"))
    http.patch(f"/sandbox/accounts/nexudus/{account}", json={"FullName": "Ana Ruiz"})
    assert "by hand;" not in words(http.get("/"))


def test_what_was_empty_is_called_so(http: Client) -> None:
    change = {"last_name": "Ruiz", "first_name": "", "roles": ["Setter", "Sales Rep"]}
    http.post(f"/accounts/enerflo/{made(http, 'enerflo')}", data=change)
    page = words(http.get("/"))
    assert "Ruiz by hand; was empty" in page
    assert "empty by hand; was Ana" in page


# --- the log ----------------------------------------------------------------------------------


def test_the_log_shows_method_path_status_duration_newest_first(http: Client) -> None:
    http.get("/enerflo/api/v3/users?email=x", headers=ENERFLO_KEY)
    http.post("/tenovos/user", json={"email": "a-body@example.com"})
    page = words(http.get("/"))
    at = r"\d\d:\d\d:\d\d"
    assert re.search(rf"{at} Tenovos POST /user 403 \d+ {at} Enerflo GET /api/v3/users 200 \d+", page)
    assert "2 so far; the last: POST /user at Tenovos, 403." in page
    assert "email=x" not in page
    assert "a-body" not in page


def test_the_log_shows_the_last_requests(http: Client) -> None:
    for number in range(MAX_REQUESTS + 1):
        http.get(f"/enerflo/number-{number}")
    page = words(http.get("/"))
    assert f"/number-{MAX_REQUESTS} " in page
    assert "/number-0 " not in page


def test_no_secret_is_on_any_page(http: Client) -> None:
    """No password, whether a person's or a login's, no key, no token, no salt."""
    new = NEW | {"password": "first-password"}
    http.post("/enerflo/api/v1/users", headers=ENERFLO_KEY, json=new).raise_for_status()
    tokens = http.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()
    host = made(http, "nexudus", TwoFactorSecret="second-factor", AccessToken="first-password", PasswordSalt="a1b2c3d4")
    http.patch(f"/sandbox/accounts/nexudus/{host}", json={"TwoFactorSecret": "second-factor-2"})
    pages = [http.get(path).text for path in ("/", "/accounts/enerflo/1001", f"/accounts/nexudus/{host}")]
    for secret in [*SECRETS, "a1b2c3d4", tokens["access_token"], tokens["refresh_token"]]:
        assert not any(secret in page for page in pages), secret


# --- faults and switches ----------------------------------------------------------------------


def test_a_fault_is_switched_on_and_off(http: Client) -> None:
    form = {"vendor": "enerflo", "kind": "throttled", "to": "writes", "times": "5", "seconds": "7"}
    page = words(http.post("/faults", data=form))
    assert "The fault is on." in page
    assert "Enerflo: Answer “too many requests” with Retry-After (7 s); the next 5 writes." in page
    assert http.put("/enerflo/api/v3/users", headers=ENERFLO_KEY, json={}).headers["retry-after"] == "7"
    assert "the next 4 writes." in words(http.get("/"))
    assert "None is on." in words(http.post("/faults/enerflo/off"))
    assert http.put("/enerflo/api/v3/users", headers=ENERFLO_KEY, json={}).status_code == 400


@pytest.mark.parametrize(
    ("form", "extent"),
    [
        ({"kind": "lost", "times": "1", "to": "writes"}, "Do it, but lose the answer; the next write."),
        ({"kind": "silent", "times": "0"}, "Never answer, without doing it; all requests until switched off."),
        ({"kind": "slow", "seconds": "0.5"}, "Answer late (0.5 s); the next request."),
    ],
)
def test_the_page_shows_which_requests_a_fault_affects(http: Client, form: dict[str, str], extent: str) -> None:
    assert extent in words(http.post("/faults", data={"vendor": "nexudus"} | form))


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"vendor": "nobody", "kind": "slow"}, 404),
        ({"vendor": "enerflo"}, 400),
        ({"vendor": "enerflo", "kind": "slow", "seconds": "soon"}, 400),
        ({"vendor": "enerflo", "kind": "slow", "seconds": "601"}, 400),
        ({"vendor": "enerflo", "kind": "slow", "seconds": "nan"}, 400),
        ({"vendor": "enerflo", "kind": "slow", "times": "often"}, 400),
    ],
)
def test_a_fault_that_there_is_not_is_refused(http: Client, form: dict[str, str], status: int) -> None:
    assert http.post("/faults", data=form).status_code == status
    assert "None is on." in words(http.get("/"))


def test_tokens_are_expired(http: Client) -> None:
    bearer = logged_in(http, "/nexudus")
    assert http.get("/nexudus/api/sys/users", headers=bearer).status_code == 200
    page = words(http.post("/tokens/nexudus"))
    assert "log in again" in page
    assert "Expire the tokens of Enerflo" not in page, "it has none"
    assert http.get("/nexudus/api/sys/users", headers=bearer).status_code == 401


def test_limits_and_quirks_are_switched_and_shown_as_they_are(http: Client) -> None:
    form = Form(http.get("/").text, "/options").data
    assert (form["token_lifetime"], form["enerflo_reply"], "limits" in form) == ("3600", "user", False)
    form |= {"limits": ["on"], "token_lifetime": "60", "enerflo_reply": "none", "tenovos_search_lag": "2"}
    page = http.post("/options", data=form)
    assert "are saved" in words(page)
    assert Form(page.text, "/options").data == form
    options = http.get("/sandbox/options").json()
    assert (options["limits"], options["token_lifetime"]) == (True, 60)
    assert options["quirks"].items() >= {"enerflo_reply": "none", "tenovos_search_lag": 2}.items()


@pytest.mark.parametrize(
    "change",
    [{"token_lifetime": "long"}, {"token_lifetime": "-1"}, {"enerflo_reply": "some"}, {"tenovos_search_lag": "x"}],
)
def test_a_switch_has_no_other_positions(http: Client, change: dict[str, str]) -> None:
    before = http.get("/sandbox/options").json()
    form = Form(http.get("/").text, "/options").data
    assert http.post("/options", data=form | change).status_code == 400
    assert http.get("/sandbox/options").json() == before
