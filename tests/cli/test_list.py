"""`seatwise list`: accounts of a live tenant, and its audits."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import LIBRARIAN, failed_with, in_a_terminal, run
from conftest import Sandbox, executable
from seatwise.vendors import names

HEADING = "id\temail\tname\tactive\troles"
ANA = "1\tAna@Example.com\tAna Ruiz\ttrue\tSales Rep"
BEN = "2\tben@example.com\tBen  [31m\tfalse\tSales Rep; Regional"
CLEO = "3\tcleo@other.example\tCleo [b]\ttrue\tSetter"


def listed(*arguments: str, stdin: str = "") -> list[str]:
    """Return the e-mails in the output of `seatwise list --json`."""
    result = run("list", *arguments, "--json", stdin=stdin)
    assert result.exit_code in (0, 3), result.output
    found = [each["email"] for each in json.loads(result.stdout)]
    is_audit = bool({"--unmanaged", "--leavers"} & {*arguments})
    assert result.exit_code == (3 if is_audit and found else 0)
    return found


# --- what is shown ----------------------------------------------------------------------------


def test_in_a_pipe_accounts_are_lines_with_tabs(tenants: str) -> None:
    """They contain no control characters."""
    result = run("list", "enerflo")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [HEADING, ANA, BEN, CLEO]
    assert result.stderr == "3 accounts\n"
    quiet = run("list", "enerflo", "--quiet")
    assert (quiet.stdout.splitlines(), quiet.stderr) == ([ANA, BEN, CLEO], "")


@pytest.mark.parametrize(
    ("vendor", "accounts"),
    [
        (
            "enerflo",
            [
                ("1", "Ana@Example.com", "Ana Ruiz", True, ["Sales Rep"]),
                ("2", "ben@example.com", "Ben\t\x1b[31m", False, ["Sales Rep", "Regional"]),
                ("3", "cleo@other.example", "Cleo [b]", True, ["Setter"]),
            ],
        ),
        ("nexudus", [("1", "ana@example.com", "Ana Ruiz", True, [77, 78]), ("2", "ben@example.com", "Ben", False, [])]),
        ("tenovos", [("u1", "ana@example.com", "Ana Ruiz", True, [LIBRARIAN])]),
    ],
)
def test_json_has_the_accounts_of_every_vendor(vendor: str, accounts: list[tuple[Any, ...]], tenants: str) -> None:
    result = run("list", vendor, "--json")
    columns = HEADING.split("\t")
    assert json.loads(result.stdout) == [dict(zip(columns, each, strict=True)) for each in accounts]
    assert result.exit_code == 0
    assert result.stdout.isascii()


@pytest.mark.parametrize("vendor", names())
def test_nothing_is_written(vendor: str, settings: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.5")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{sandbox.url}/tenovos-1.5")
    sandbox.mark()
    assert listed(vendor) == []
    assert sandbox.writes(vendor) == []
    assert not Path(os.environ["SEATWISE_JOURNAL"]).exists()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--match", "*@EXAMPLE.com"], ["Ana@Example.com", "ben@example.com"]),
        (["--active"], ["Ana@Example.com", "cleo@other.example"]),
        (["--inactive"], ["ben@example.com"]),
        (["--role", "sales rep"], ["Ana@Example.com", "ben@example.com"]),
        (["--role", "agent"], ["Ana@Example.com", "ben@example.com"]),
        (["--role", "Sales Rep", "--active"], ["Ana@Example.com"]),
        (["--role", "Nobody"], []),
    ],
    ids=str,
)
def test_options_narrow_the_list(options: list[str], found: list[str], tenants: str) -> None:
    assert listed("enerflo", *options) == found


def test_a_role_that_no_account_has_is_answered_with_all_roles(tenants: str) -> None:
    """An audit with a misspelt role would otherwise never find an account."""
    notes = run("list", "enerflo", "--role", "Seter").stderr.splitlines()
    assert notes == ["0 accounts", "the accounts that were read have these roles: Regional, Sales Rep, Setter"]


def test_roles_that_are_ids_are_given_as_ids(tenants: str) -> None:
    assert listed("nexudus", "--role", "78") == ["ana@example.com"]
    assert listed("tenovos", "--role", LIBRARIAN) == ["ana@example.com"]
    line = failed_with("list", "nexudus", "--role", "Front desk")
    assert line.startswith('seatwise: Nexudus: "Front desk" is not a value of `user_roles`. `seatwise list nexudus`')


def test_without_an_account_list_the_error_has_a_remedy(settings: None) -> None:
    line = failed_with("list", "tenovos")
    assert line.startswith("seatwise: Tenovos: this API has no list of users. Set TENOVOS_API_VERSION=1.5")


def test_missing_settings_are_named() -> None:
    assert "ENERFLO_API_KEY" in failed_with("list", "enerflo")


# --- in a terminal ----------------------------------------------------------------------------


def test_in_a_terminal_with_no_color_it_is_a_plain_table(tenants: str) -> None:
    code, seen = in_a_terminal("list", "enerflo", "--match", "*cleo*", "--quiet", NO_COLOR="1")
    assert code == 0
    heading, line, account = [each for each in seen.splitlines() if each.strip()]
    assert heading.split() == ["id", "email", "name", "active", "roles"]
    assert set(line.strip()) == {"─"}
    assert account.split() == ["3", "cleo@other.example", "Cleo", "[b]", "true", "Setter"]


def test_a_narrow_terminal_folds_values_and_keeps_them_whole(tenants: str) -> None:
    seen = in_a_terminal("list", "enerflo", "--match", "*cleo*", "--quiet", NO_COLOR="1", COLUMNS="35")[1]
    cells = [line.split() for line in seen.splitlines()]
    assert "…" not in seen
    assert sum(len(cell) for line in cells for cell in line if "─" not in cell) == len(
        "id email name active roles 3 cleo@other.example Cleo [b] true Setter".replace(" ", "")
    )


def test_a_terminal_has_colours(tenants: str) -> None:
    assert "\x1b[1m" in in_a_terminal("list", "enerflo", "--quiet")[1]


def test_a_command_of_more_than_two_seconds_shows_progress(
    settings: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.switch(hold={"at": 1})
    monkeypatch.setenv("ENERFLO_DEADLINE", "2.7")
    code, seen = in_a_terminal("list", "enerflo")
    assert code == 1
    assert "reading accounts" in seen
    assert seen.endswith(f"no answer within 3 seconds. Check that {sandbox.url}/enerflo can be reached from here\n")


# --- audits -----------------------------------------------------------------------------------


def export(tenants: str, *ids: str) -> str:
    """Return the output of `pulumi stack export` for a stack with these accounts."""
    kind, tenant = "pulumi-python:dynamic/seatwise/enerflo:User", f"{tenants}/enerflo"
    resources = [{"type": kind, "id": each, "outputs": {"__tenant": tenant}} for each in ids]
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


def test_unmanaged_are_accounts_that_no_stack_owns(tenants: str, tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(export(tenants, "1"))
    files = ["--export", str(tmp_path / "dev.json"), "--export", "-"]
    assert listed("enerflo", "--unmanaged", *files, stdin=export(tenants, "3")) == ["ben@example.com"]
    assert listed("enerflo", "--unmanaged", *files, "--active", stdin=export(tenants, "3")) == []


def test_a_note_says_how_many_accounts_each_stack_owns(tenants: str) -> None:
    result = run("list", "enerflo", "--unmanaged", "--export", "-", stdin=export(tenants, "1", "2"))
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [HEADING, CLEO]
    assert result.stderr.splitlines() == [
        f"standard input owns 2 accounts in {tenants}/enerflo",
        "1 account that no stack owns",
    ]


def test_accounts_of_another_tenant_do_not_count(tenants: str) -> None:
    result = run("list", "enerflo", "--unmanaged", "--export", "-", stdin=export("https://west.example.com", "1"))
    assert len(result.stdout.splitlines()) == 1 + 3
    assert result.stderr.splitlines()[0] == (
        f"standard input owns 0 accounts in {tenants}/enerflo, and others in https://west.example.com/enerflo"
    )


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `pulumi` command that prints the content of a file, and writes its arguments to another."""
    command = executable(
        tmp_path / "bin" / "pulumi",
        f"#!{sys.executable}\nimport sys, pathlib\n"
        f"with open({str(tmp_path / 'asked')!r}, 'a') as asked: print(*sys.argv[1:], file=asked)\n"
        f"state = pathlib.Path({str(tmp_path / 'export.json')!r})\n"
        "print(state.read_text()) if state.exists() else sys.exit('error: no stack selected')\n",
    )
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], [""]),
        (["--stack", "dev", "--stack", "prod"], [" --stack dev", " --stack prod"]),
        (["--cwd", "/"], [" --cwd /"]),
        (["--export", "-", "--cwd", "/"], [" --cwd /"]),
        (["--export", "-", "--stack", "dev"], [" --stack dev"]),
    ],
    ids=str,
)
def test_pulumi_exports_the_stacks(options: list[str], asked: list[str], tenants: str, pulumi: Path) -> None:
    (pulumi / "export.json").write_text(export(tenants, "1", "2"))
    assert listed("enerflo", "--unmanaged", *options, stdin=export(tenants)) == ["cleo@other.example"]
    expected = [f"stack export --non-interactive{each}" for each in asked]
    assert (pulumi / "asked").read_text().splitlines() == expected


def test_the_error_of_a_failed_pulumi_is_shown(tenants: str, pulumi: Path) -> None:
    result = run("list", "enerflo", "--unmanaged")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "error: no stack selected",
        "seatwise: `pulumi stack export` failed for the current stack; run this in the folder of the project, where "
        "`pulumi stack ls` names its stacks, or give --cwd, --stack or --export",
    ]


def test_without_pulumi_the_error_has_a_remedy(tenants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "give a file with --export" in failed_with("list", "enerflo", "--unmanaged")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read"),
        ("resources:", "is not JSON"),
        ("[]", "is not the state of a stack"),
        ('{"version": 3, "checkpoint": {}}', "is not the state of a stack"),
    ],
)
def test_a_bad_export_is_one_line_with_a_remedy(
    content: str | None, problem: str, tenants: str, tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    if content is not None:
        path.write_text(content)
    line = failed_with("list", "enerflo", "--unmanaged", "--export", str(path))
    assert f"{path}" in line
    assert problem in line
    assert "`pulumi stack export`" in line


PEOPLE = {
    "people.csv": "email,first_name\nANA@example.com,Ana\nben@example.com,Ben\n",
    "people.yaml": "- email: ana@example.com\n  accounts: {enerflo: {roles: [Setter]}}\n- email: ben@example.com\n",
}


@pytest.mark.parametrize("file", PEOPLE)
def test_leavers_are_active_accounts_that_the_file_does_not_have(file: str, tenants: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text(PEOPLE[file])
    assert listed("enerflo", "--leavers", str(path)) == ["cleo@other.example"]
    assert listed("nexudus", "--leavers", str(path)) == []
    path.write_text(PEOPLE[file].replace("ben@", "cleo@"))
    assert listed("enerflo", "--leavers", str(path)) == ["cleo@other.example"], "ben's account is inactive"


def test_a_person_in_one_of_several_files_is_not_a_leaver(tenants: str, tmp_path: Path) -> None:
    options = []
    for name in ("ana@example.com", "cleo@other.example"):
        (tmp_path / name).with_suffix(".csv").write_text(f"email\n{name}\n")
        options += ["--leavers", str((tmp_path / name).with_suffix(".csv"))]
    assert listed("enerflo", *options) == []
    assert listed("enerflo", *options[:2]) == ["cleo@other.example"]


def test_both_audits_narrow_each_other(tenants: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email\nana@example.com\n")
    options = ["--leavers", str(tmp_path / "people.csv"), "--unmanaged", "--export", "-"]
    assert listed("enerflo", *options, stdin=export(tenants, "3")) == []
    assert listed("enerflo", *options, stdin=export(tenants, "1")) == ["cleo@other.example"]


IS_NO_ADDRESS = "email: is not an e-mail address: it"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("email\n", "contains no rows"),
        ("name\nAna\n", "must be a header of column names with `email`"),
        ("email,name\n,Ana\n", "row 2: has no email"),
        ("email\nAna <a@b.c>\n", f"row 2, column {IS_NO_ADDRESS} contains U+0020 SPACE; give one address alone"),
        ("email\nmailto:ana@example.com\n", f"{IS_NO_ADDRESS} begins with"),
        ('email\nben@example.com\n"a@b.c,d@e.f"\n', f"row 3, column {IS_NO_ADDRESS} contains U+002C COMMA"),
        ("email,nexudus.email\na@b.c,<a@b.c>\n", f"column nexudus.{IS_NO_ADDRESS} contains U+003C LESS-THAN SIGN"),
    ],
)
def test_a_bad_file_of_people_is_one_line(content: str | None, problem: str, tenants: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_text(content)
    assert problem in failed_with("list", "enerflo", "--leavers", str(path))
