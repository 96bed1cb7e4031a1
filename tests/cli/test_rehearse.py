"""`seatwise rehearse`, over real HTTP: the sandbox with each of its quirks, and a server that other people wrote."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

import others
from cli.conftest import failed_with, in_a_terminal, run, started
from conftest import Sandbox
from seatwise.sandbox import server
from seatwise.vendors import names, vendor_named

EMAIL = "rehearsal@example.com"
CANARY = "Zyzzyva"
KEY = "Kumquat"
"""A word in keys of answers, and not in the e-mail."""
Rows = dict[str, dict[str, str]]


def rehearsed(vendor: str, *options: str, code: int = 0) -> Rows:
    """Rehearse and return the rows by what they are about."""
    result = run("rehearse", vendor, "--email", EMAIL, "--yes", "--json", *options)
    assert result.exit_code in (0, 3), result.output
    rows = json.loads(result.stdout)["rows"]
    assert result.exit_code == code, [row for row in rows if row["verdict"] == "differs"]
    return {row["assumption"].partition(":")[0]: row for row in rows}


def is_inactive(vendor: str, sandbox: Sandbox) -> bool:
    """Whether the vendor's only account is deactivated."""
    record = sandbox.only(vendor)
    kind = vendor_named(vendor)
    ((name, value),) = kind.deactivation.items()
    return bool(record[kind.schema[name].wire.update or name] == value)


# --- as assumed -------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", names())
def test_a_stand_in_is_as_assumed(vendor: str, settings: None, sandbox: Sandbox) -> None:
    result = run("rehearse", vendor, "--email", EMAIL, "--yes")
    assert result.exit_code == 0, result.output
    head, *lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert head == ["assumption", "source", "seen", "verdict"]
    assert {verdict for *_, verdict in lines} == {"as assumed", "noted", "not tried"}
    assert f"{EMAIL} ({next(iter(sandbox.accounts(vendor)))}) was made and is deactivated" in result.stderr
    assert is_inactive(vendor, sandbox)


@pytest.mark.parametrize("vendor", names())
def test_no_other_account_is_written_and_nothing_is_noted(vendor: str, settings: None, sandbox: Sandbox) -> None:
    kind = vendor_named(vendor)
    key = kind.schema[kind.identity_field].wire.create or ""
    other = sandbox.add(vendor, **{key: "ana@example.com"})
    before = sandbox.accounts(vendor)[other]
    rehearsed(vendor)
    assert sandbox.accounts(vendor)[other] == before
    assert len(sandbox.accounts(vendor)) == 2


def test_every_row_of_every_vendor_says_what_it_is_about(settings: None) -> None:
    for vendor in names():
        for about, row in rehearsed(vendor).items():
            assert about.strip(), row
            assert row["source"] == "not documented" or row["source"].startswith("https://"), row


def test_in_a_terminal_the_rows_are_a_table(settings: None) -> None:
    code, seen = in_a_terminal("rehearse", "enerflo", "--email", EMAIL, typed="y\n", NO_COLOR="1")
    assert code == 0
    assert "stays there, deactivated, and its e-mail may stay taken" in " ".join(seen.split())
    assert "Create it? [y/N]:" in seen


def test_arguments_can_be_given_and_left_out(settings: None, sandbox: Sandbox) -> None:
    rows = rehearsed("enerflo", "--set", "roles=Setter", "--set", "password=", "--set", "external_user_id=x7")
    assert sandbox.only("enerflo")["roles"] == ["Setter"]
    assert "password in a create is" not in rows
    assert rows["external_user_id in a create is"]["seen"] == "kept"


def test_api_1_5_of_tenovos_is_as_assumed(settings: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.5")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{sandbox.url}/tenovos-1.5")
    rows = rehearsed("tenovos", "--set", 'groups=["7d6207c0-f423-11e9-8071-89c0c4052141"]')
    assert rows["phone in an update is"]["seen"] == "kept"
    assert rows["the list of roles can be read"]["seen"] == "yes (3)"


# --- deviations -------------------------------------------------------------------------------


DIFFERING: list[tuple[dict[str, Any], str, str, str]] = [
    ({"enerflo_reply": "none"}, "the answer to a create has the id", "no (200)", "finds the account by its e-mail"),
    ({"enerflo_inactive": "hidden"}, "an inactive account is in the list", "no", "reads a user by the id"),
    ({"enerflo_inactive": "listed on demand"}, "an inactive account is found by its e-mail", "no", "import"),
    ({"nexudus_omitted": "keep"}, "a field that the whole record of an update leaves out is",
     "kept (must_reset_password)", "sends the whole record"),
    ({"tenovos_search_lag": 1}, "a new account is found by its e-mail at once", "no (after 1 s)", "waits"),
    ({"scim_drops": "title and externalId"}, "title in a create is", "not kept", "does not support it"),
    ({"scim_drops": "title and externalId", "scim_create": "what was sent"},
     "the record in that answer is as it is read", "no (title)", "reads it back"),
    ({"scim_drops": "title and externalId", "scim_patch": "what was sent"},
     "the record in that answer is as it is read", "no (title)", "reads it back"),
    ({"scim_label": "text/html"}, "answers are labelled as JSON", "no", "under any label"),
]  # fmt: skip
COVERED: list[tuple[dict[str, Any], str, str, dict[str, str]]] = [
    ({"scim_pages": "cursor"}, "the next page is asked for by", "cursor", {"SCIM_PAGING": "cursor"}),
    ({"scim_cap": 2}, "a page of the list has as many accounts as asked for", "no (2 of 3)",
     {"SCIM_PAGE_SIZE": "2"}),
]  # fmt: skip
NOTED: list[dict[str, Any]] = [
    {"enerflo_reply": "data"}, {"enerflo_reply": "bare"}, {"enerflo_reply": "id"}, {"enerflo_nulls": "no"},
    {"enerflo_office_keys": "id"}, {"scim_patch": "204"}, {"scim_patch": "what was sent"},
    {"scim_updates": "PUT"}, {"scim_members": "nowhere"}, {"scim_twice": "refused with 409"},
]  # fmt: skip
KEPT_BY_A_PUT = {"scim_omitted": "kept"}


@pytest.mark.parametrize(("quirk", "about", "seen", "remedy"), DIFFERING)
def test_a_quirk_is_a_row_that_differs(
    quirk: dict[str, Any], about: str, seen: str, remedy: str, settings: None, sandbox: Sandbox
) -> None:
    sandbox.switch(**quirk)
    vendor = next(iter(quirk)).partition("_")[0]
    result = run("rehearse", vendor, "--email", EMAIL, "--yes", "--json")
    assert result.exit_code == 3, result.output
    rows = [row for row in json.loads(result.stdout)["rows"] if row["assumption"].startswith(about)]
    (row,) = [row for row in rows if row["verdict"] == "differs"]
    assert row["seen"] == seen
    assert remedy in row["remedy"]
    assert is_inactive(vendor, sandbox)


@pytest.mark.parametrize(("quirk", "about", "seen", "setting"), COVERED)
def test_a_deviation_that_a_setting_covers_names_it(
    quirk: dict[str, Any], about: str, seen: str, setting: dict[str, str], settings: None, sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("SCIM_PAGE_SIZE", "3")
    for number in range(7):
        sandbox.add("scim", userName=f"{number}@example.com")
    sandbox.switch(**quirk)
    row = rehearsed("scim", "--read-only", code=3)[about]
    assert (row["seen"], row["verdict"]) == (seen, "differs")
    assert next(iter(setting)) in row["remedy"]
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert rehearsed("scim", "--read-only")[about]["verdict"] == "as assumed"


def test_what_a_put_does_not_empty_has_patch_as_a_remedy(
    settings: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIM_UPDATE", "put")
    sandbox.switch(**KEPT_BY_A_PUT)
    row = rehearsed("scim", code=3)["an empty text makes a field"]
    assert row["seen"] == "keep its value (display_name)"
    assert row["remedy"] == "set SCIM_UPDATE=patch if the service has PATCH"


@pytest.mark.parametrize("quirk", NOTED, ids=str)
def test_a_quirk_that_seatwise_assumes_nothing_of_is_noted(
    quirk: dict[str, Any], settings: None, sandbox: Sandbox
) -> None:
    sandbox.switch(**quirk)
    rehearsed(next(iter(quirk)).partition("_")[0])


def test_every_quirk_is_rehearsed() -> None:
    rehearsed_with = [KEPT_BY_A_PUT, *NOTED, *(quirk for quirk, *_ in (*DIFFERING, *COVERED))]
    quirks = {name for each in server.STAND_INS.values() for name in each.QUIRKS}
    assert quirks == {name for each in rehearsed_with for name in each}


def test_a_service_that_deletes_is_not_asked_to_deactivate(
    settings: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIM_SERVICE", "pagerduty")
    result = run("rehearse", "scim", "--email", EMAIL, "--yes")
    assert result.exit_code == 0, result.output
    assert "a deleted account is gone: yes\tnot documented\tyes (204)\tas assumed" in result.stdout
    assert "inactive" not in result.stdout
    assert "was made and is deleted" in result.stderr
    assert sandbox.accounts("scim") == {}
    assert not any("active" in str(each["body"]) for each in sandbox.requests("scim") if each["method"] == "PATCH")


# --- a server that other people wrote ---------------------------------------------------------


@pytest.fixture
def scim2_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = server.listen()
    running = uvicorn.Server(uvicorn.Config(others.scim2_server(), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    monkeypatch.setenv("SCIM_BASE_URL", server.url_of(found))
    monkeypatch.setenv("SCIM_TOKEN", "any")
    yield
    running.should_exit = True
    thread.join()


@pytest.mark.parametrize("update", ["patch", "put"])
def test_scim2_server_is_as_assumed(update: str, scim2_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_UPDATE", update)
    rows = rehearsed("scim")
    status = "no record (204)" if update == "patch" else "the record (200)"
    assert rows["the answer to an update has"]["seen"] == status
    assert rows["a second create with the same e-mail is"]["seen"] == "refused as taken (409)"


# --- before a write ---------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", names())
def test_read_only_stops_before_the_first_write(vendor: str, settings: None, sandbox: Sandbox) -> None:
    result = run("rehearse", vendor, "--email", EMAIL, "--read-only")
    assert result.exit_code == 0, result.output
    assert "nothing was written" in result.stderr
    assert "an id that no account has is answered as: not found" in result.stdout
    assert sandbox.writes(vendor) == []


@pytest.mark.parametrize(("answer", "code", "line"), [("n\n", 0, "nothing was written"), ("", 1, "add --yes")])
def test_without_consent_nothing_is_written(
    answer: str, code: int, line: str, settings: None, sandbox: Sandbox
) -> None:
    result = run("rehearse", "nexudus", "--email", EMAIL, stdin=answer)
    assert (result.exit_code, line in result.stderr) == (code, True), result.output
    assert EMAIL in result.stderr
    assert sandbox.writes("nexudus") == []


@pytest.mark.parametrize("vendor", names())
def test_an_email_that_an_account_has_is_one_line(vendor: str, settings: None, sandbox: Sandbox) -> None:
    kind = vendor_named(vendor)
    sandbox.add(vendor, **{kind.schema[kind.identity_field].wire.create or "": EMAIL.upper()})
    line = failed_with("rehearse", vendor, "--email", EMAIL, "--yes")
    assert line.endswith(f"an account has this {kind.identity_name()} already. Give an address that no account has. "
                         "Nothing was written")  # fmt: skip
    assert sandbox.writes(vendor) == []


@pytest.mark.parametrize("is_first", [True, False])
def test_an_email_of_another_user_name_is_one_line(is_first: bool, settings: None, sandbox: Sandbox) -> None:
    emails = [{"value": "boss@example.com", "primary": True}, {"value": EMAIL.upper(), "type": "home"}]
    boss = sandbox.add("scim", userName="boss", emails=emails[1:] if is_first else emails)
    line = failed_with("rehearse", "scim", "--email", EMAIL, "--yes")
    assert line.endswith(f"another account ({boss}) has this e-mail already. Give an address that no account has. "
                         "Nothing was written")  # fmt: skip
    assert sandbox.writes("scim") == []


@pytest.mark.parametrize("option", ['emails=[{"value": "boss@example.com"}]', "email=boss@example.com"])
def test_an_address_that_is_set_may_be_anothers(option: str, settings: None, sandbox: Sandbox) -> None:
    """One account has it as its user name."""
    boss = sandbox.add("scim", userName="boss@example.com")
    more = ["--set", "email="] if option.startswith("emails") else []
    line = failed_with("rehearse", "scim", "--email", EMAIL, "--set", option, *more, "--yes")
    assert f"another account ({boss}) has this e-mail already" in line
    assert sandbox.writes("scim") == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--email", "rehearsal"], "--email is not an e-mail address"),
        (["--email", EMAIL, "--set", "role=Setter"], "--set role is not an argument of Enerflo; did you mean roles?"),
        (["--email", EMAIL, "--set", "phone=12"], "phone must have ten digits"),
        (["--email", EMAIL, "--set", "roles="], "roles is required"),
    ],
)
def test_wrong_arguments_are_wrong_usage(options: list[str], problem: str, settings: None) -> None:
    result = run("rehearse", "enerflo", *options)
    assert result.exit_code == 2
    assert problem in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ENERFLO_API_KEY", "wrong", "refused with 401"),
        ("ENERFLO_BASE_URL", "http://127.0.0.1:9", "cannot connect"),
        ("ENERFLO_API_KEY", "", "set ENERFLO_API_KEY"),
    ],
)
def test_a_tenant_that_cannot_be_asked_is_one_line(
    variable: str, value: str, problem: str, settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("ENERFLO_DEADLINE", "2")
    assert problem in failed_with("rehearse", "enerflo", "--email", EMAIL, "--yes")


# --- a rehearsal that ends early --------------------------------------------------------------


def test_a_lost_create_is_found_and_deactivated(settings: None, sandbox: Sandbox) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "lost", "times": 1, "writes": True}})
    result = run("rehearse", "enerflo", "--email", EMAIL, "--yes")
    assert result.exit_code == 1
    assert "was made and is deactivated" in result.stderr
    assert is_inactive("enerflo", sandbox)


def test_a_tenant_that_stops_answering_leaves_a_named_account(
    settings: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENERFLO_DEADLINE", "1")
    sandbox.switch(hold={"at": 14})
    result = run("rehearse", "enerflo", "--email", EMAIL, "--yes")
    assert result.exit_code == 1
    (account,) = sandbox.accounts("enerflo")
    assert f"{EMAIL} ({account}) was made and is active: deactivate it in the admin page" in result.stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize(("at", "carried_out"), [(7, True), (14, False)])
def test_a_signal_deactivates_the_account_and_names_it(
    at: int, carried_out: bool, sent: signal.Signals, code: int, settings: None, sandbox: Sandbox
) -> None:
    """At the create itself, whose answer does not come, and in the middle of the life."""
    sandbox.switch(hold={"at": at, "carried_out": carried_out})
    with started("rehearse", "enerflo", "--email", EMAIL, "--yes") as process:
        while not httpx.get(f"{sandbox.url}/sandbox/options", trust_env=False).json()["hold"]["reached"]:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        sandbox.switch(hold=None)
        process.send_signal(sent)
        out, err = process.communicate(timeout=20)
    (account,) = sandbox.accounts("enerflo")
    assert (process.returncode, out) == (code, "")
    assert err == f"seatwise: Enerflo {EMAIL} ({account}) was made and is deactivated\n"
    assert is_inactive("enerflo", sandbox)


# --- the report -------------------------------------------------------------------------------

PEOPLE: dict[str, dict[str, Any]] = {
    "enerflo": {"email": f"{CANARY}@{CANARY}.example", "first_name": CANARY, "last_name": CANARY, "phone": CANARY,
                "external_user_id": CANARY, "timezone": CANARY, "roles": [CANARY]},
    "nexudus": {"Email": f"{CANARY}@{CANARY}.example", "FullName": CANARY, "AccessToken": CANARY, "Devices": CANARY,
                "PasswordSalt": CANARY, "UpdatedBy": CANARY, "UniqueId": CANARY, f"{CANARY}@example.com": 1},
    "tenovos": {"email": f"{CANARY}@{CANARY}.example", "username": CANARY, "firstName": CANARY, "lastName": CANARY,
                "company": CANARY, "groups": [CANARY], "userRoleId": CANARY},
    "scim": {"userName": f"{CANARY}@{CANARY}.example", "displayName": CANARY, "title": CANARY,
             f"urn:{CANARY}:2.0:User": {"desk": CANARY}, KEY: {KEY: CANARY},
             f"urn:ietf:params:scim:schemas:extension:{KEY}Project:2.0:User": {KEY: CANARY},
             "emails": [{"value": CANARY, "type": CANARY}]},
}  # fmt: skip
OWN = {
    "enerflo": ("first_name", "external_user_id"), "nexudus": ("full_name",),
    "tenovos": ("first_name", "company"), "scim": ("title", "first_name"),
}  # fmt: skip


@pytest.mark.parametrize("vendor", PEOPLE)
def test_report_and_output_have_no_value_of_an_account(
    vendor: str, settings: None, sandbox: Sandbox, tmp_path: Path
) -> None:
    other = sandbox.add(vendor, **PEOPLE[vendor])
    given = [word for name in OWN[vendor] for word in ("--set", f"{name}={CANARY}")]
    given += ["--set", "username=another"] if vendor == "tenovos" else []  # it must be unique
    email = f"{CANARY}@rehearsal.example"
    result = run("rehearse", vendor, "--email", email, "--yes", "--report", str(tmp_path / "report.md"), *given)
    assert result.exit_code == 0, result.output
    written = [(tmp_path / f"report.{suffix}").read_text() for suffix in ("md", "json")]
    secrets = {*sandbox.environment.values()} | {"127.0.0.1", "rehearsal.example"}
    private = {CANARY, KEY, *sandbox.accounts(vendor), other, *secrets} - {"admin"}
    for text in (*written, result.stdout):
        assert [each for each in private if each.lower() in text.lower()] == []
    assert CANARY.lower() not in result.stderr.replace(email, "").lower()
    document = json.loads(written[1])
    assert document["vendor"] == vendor
    assert {"steps", "method", "status", "headers", "body"} == document["exchanges"][0].keys()
    assert len(document["rows"]) > 30


def test_a_refusal_is_quoted_without_the_values(settings: None, sandbox: Sandbox) -> None:
    line = failed_with("rehearse", "enerflo", "--email", EMAIL, "--yes", "--set", f"roles={CANARY}")
    assert "create refused with 400: The roles ... is invalid" in line
    assert CANARY not in line
    assert sandbox.accounts("enerflo") == {}


def test_the_report_is_written_when_a_rehearsal_fails(settings: None, tmp_path: Path) -> None:
    result = run("rehearse", "enerflo", "--email", EMAIL, "--yes", "--set", "roles=x", "--report", str(tmp_path / "r"))
    assert result.exit_code == 1
    document = json.loads((tmp_path / "r.json").read_text())
    assert [each["status"] for each in document["exchanges"] if each["method"] == "POST"] == [400]


def test_an_existing_report_is_not_overwritten(settings: None, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("mine")
    options = ("rehearse", "enerflo", "--email", EMAIL, "--read-only", "--report", str(tmp_path / "r.json"))
    assert "already exists; choose another name or add --force" in failed_with(*options)
    assert sandbox.requests("enerflo") == []
    assert run(*options, "--force").exit_code == 0
    assert (tmp_path / "r.md").read_text().startswith("# Rehearsal\n")


def test_a_report_is_written_in_utf_8_whatever_the_machine_uses(settings: None, tmp_path: Path) -> None:
    arguments = ("rehearse", "enerflo", "--email", EMAIL, "--read-only", "--report", "r")
    strict = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning:seatwise.cli.rehearse"}
    ran = subprocess.run(
        [sys.executable, "-m", "seatwise", *arguments],
        cwd=tmp_path, env=os.environ | strict, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "seatwise: wrote r.md" in ran.stderr


def test_settings_in_a_report_are_words_of_the_documentation(
    settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIM_SERVICE", "keycloak")
    run("rehearse", "scim", "--email", EMAIL, "--read-only", "--report", str(tmp_path / "r"))
    assert json.loads((tmp_path / "r.json").read_text())["settings"] == {"service": "keycloak"}
    assert "SCIM, service keycloak" in (tmp_path / "r.md").read_text()
