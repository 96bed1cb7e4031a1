"""`seatwise show`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import LIBRARIAN, PEOPLE, failed_with, in_a_terminal, point_at, run
from conftest import running_with
from seatwise.vendors import names, vendor_named


def test_each_field_of_an_account_is_one_line(tenants: str) -> None:
    result = run("show", "enerflo", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:3] == ["id\t1", "email\tAna@Example.com", "roles\tSales Rep"]
    assert "active\ttrue" in lines
    assert "external_user_id\t" in lines, "an empty field is shown too"


@pytest.mark.parametrize(("vendor", "account"), [("enerflo", "1"), ("nexudus", "1"), ("tenovos", "u1")])
def test_an_account_is_found_by_its_id_and_by_its_email(vendor: str, account: str, tenants: str) -> None:
    by_id, by_email = run("show", vendor, account, "--json"), run("show", vendor, "ANA@example.com", "--json")
    assert json.loads(by_id.stdout)["id"] == account
    assert by_id.stdout == by_email.stdout


@pytest.mark.parametrize("vendor", PEOPLE)
def test_fields_have_the_names_of_arguments_and_no_secrets(vendor: str, tenants: str) -> None:
    shown = json.loads(run("show", vendor, "ana@example.com", "--json").stdout)
    schema = vendor_named(vendor).schema
    assert shown.keys() - {"id"} <= {field.name for field in schema.values() if field.is_readable}
    assert "a-token" not in str(shown)
    assert "secret" not in str(shown)


def test_fields_that_lists_leave_out_are_shown(tenants: str) -> None:
    shown = json.loads(run("show", "nexudus", "ana@example.com", "--json").stdout)
    assert {"full_name": "Ana Ruiz", "user_roles": [77, 78], "is_admin": True}.items() <= shown.items()


def test_api_1_0_of_tenovos_can_show_one_account(tenants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.0")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{tenants}/tenovos")
    shown = json.loads(run("show", "tenovos", "ana@example.com", "--json").stdout)
    assert (shown["id"], shown["user_role_id"]) == ("u1", LIBRARIAN)


@pytest.mark.parametrize("account", ["dan@example.com", "99"])
@pytest.mark.parametrize("vendor", names())
def test_a_missing_account_is_one_line(vendor: str, account: str, tenants: str) -> None:
    line = failed_with("show", vendor, account)
    key = vendor_named(vendor).identity_name() if "@" in account else "id"
    assert line.endswith(f"{account}: no account has this {key}. `seatwise list {vendor}` shows all accounts")


def test_in_a_terminal_fields_stand_in_columns(tenants: str) -> None:
    code, seen = in_a_terminal("show", "tenovos", "u1", "--quiet", NO_COLOR="1")
    assert code == 0
    assert [line.split() for line in seen.splitlines()][:2] == [["id", "u1"], ["email", "ana@example.com"]]


def test_a_name_that_the_terminal_cannot_show_is_no_failure(tmp_path: Path) -> None:
    odd = {"nexudus": [PEOPLE["nexudus"][0] | {"FullName": "Zo\u00eb \u2603"}]}
    with running_with(odd, tmp_path) as url, pytest.MonkeyPatch.context() as patches:
        point_at(url, patches)
        command = [sys.executable, "-m", "seatwise", "show", "nexudus", "1"]
        for encoding in ("latin-1", "ascii:strict"):
            environment = {**os.environ, "PYTHONIOENCODING": encoding}
            ran = subprocess.run(command, env=environment, capture_output=True, check=True)
            assert b"full_name\tZo" in ran.stdout
