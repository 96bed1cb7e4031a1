"""`seatwise doctor`."""

import json
from pathlib import Path

import pytest

from cli.conftest import run
from conftest import executable
from seatwise.vendors import names, vendor_named


@pytest.fixture(autouse=True)
def _pulumi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    executable(tmp_path / "pulumi", "#!/bin/sh\necho v3.259.0\n")
    monkeypatch.setenv("PATH", str(tmp_path))


def examined(*options: str) -> tuple[int, str]:
    """Run `seatwise doctor`; return exit code and output."""
    result = run("doctor", *options)
    return result.exit_code, result.output


def test_the_doctor_finds_nothing_to_fix(settings: None) -> None:
    code, output = examined()
    assert code == 0
    assert [line[:4] for line in output.splitlines()] == ["ok  "] * (1 + len(names()))


CHECK_ENERFLO = "Check ENERFLO_API_KEY, and what it is allowed to do"
CHECK_NEXUDUS = "Check NEXUDUS_USERNAME and NEXUDUS_PASSWORD"


@pytest.mark.parametrize(
    ("variable", "value", "line", "remedy"),
    [
        ("ENERFLO_API_KEY", "wrong", "Enerflo: look-up refused with 401", CHECK_ENERFLO),
        ("NEXUDUS_PASSWORD", "wrong", "Nexudus: the vendor refused the login", CHECK_NEXUDUS),
        ("TENOVOS_CLIENT_ID", "", "Tenovos: set TENOVOS_CLIENT_ID", ""),
        ("ENERFLO_BASE_URL", "http://127.0.0.1:9", "Enerflo: cannot connect", ""),
    ],
)
def test_the_doctor_shows_what_to_fix_and_names_its_settings(
    variable: str, value: str, line: str, remedy: str, settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    code, output = examined()
    assert code == 1
    assert output.count("FIX ") == output.count(f"FIX  {line}") == 1
    assert remedy in output


@pytest.mark.parametrize("general", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("key", ["sandbox-enerflo-key", "wrong"])
def test_the_doctor_shows_that_a_general_proxy_is_not_used(
    general: str, key: str, settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(general, "http://127.0.0.1:9")
    monkeypatch.setenv("ENERFLO_API_KEY", key)
    code, output = examined()
    mark = "ok  " if code == 0 else "FIX "
    assert f"{mark} proxy: {general} is set, and seatwise does not read it" in output
    assert "ENERFLO_PROXY, NEXUDUS_PROXY, SCIM_PROXY, TENOVOS_PROXY" in " ".join(output.split())


def test_the_doctor_accepts_a_general_proxy_beside_a_vendors(settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ENERFLO_PROXY", "http://127.0.0.1:9")
    assert "proxy" not in examined()[1]


def test_the_doctor_names_an_old_pulumi_and_missing_settings(tmp_path: Path) -> None:
    executable(tmp_path / "pulumi", "#!/bin/sh\necho v3.100.0\n")
    code, output = examined()
    assert code == 1
    assert "pulumi v3.100.0 is older than 3.254.0" in output
    assert "FIX  vendors: no vendor has settings" in output


def test_in_json_every_finding_has_the_same_keys(settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENERFLO_API_KEY", "wrong")
    code, output = examined("--json")
    assert code == 1
    assert [(each["about"], each["good"], bool(each["text"])) for each in json.loads(output)] == [
        ("tools", True, True), *((vendor_named(name).title, name != "enerflo", True) for name in names()),
    ]  # fmt: skip


def test_quiet_shows_only_what_to_fix(settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENERFLO_API_KEY", "wrong")
    code, output = examined("--quiet")
    assert code == 1
    assert [line[:13] for line in output.splitlines()] == ["FIX  Enerflo:"]
