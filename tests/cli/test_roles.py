"""`seatwise roles`."""

import json

import pytest

from cli.conftest import run


def test_each_role_or_office_is_one_line(tenants: str) -> None:
    result = run("roles", "enerflo")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *lines = result.stdout.splitlines()
    assert heading == "of\tname\tid"
    assert lines
    assert {line.split("\t")[0] for line in lines} == {"offices"}


@pytest.mark.parametrize(
    ("vendor", "lists"), [("nexudus", {"user_roles", "businesses"}), ("tenovos", {"groups", "roles"})]
)
def test_all_lists_of_the_vendor_are_shown(vendor: str, lists: set[str], tenants: str) -> None:
    result = run("roles", vendor, "--json")
    assert result.exit_code == 0
    assert {each["of"] for each in json.loads(result.stdout)} == lists


def test_a_note_names_a_list_that_this_api_does_not_have(tenants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.0")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{tenants}/tenovos")
    result = run("roles", "tenovos", "--quiet")
    assert result.exit_code == 0
    assert {line.split("\t")[0] for line in result.stdout.splitlines()} == {"groups"}
    (line,) = result.stderr.splitlines()
    assert line.startswith("seatwise: Tenovos roles: this API has no such list. ")
