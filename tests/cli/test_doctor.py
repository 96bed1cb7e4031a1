"""`seatwise doctor`."""

import json
import sys
from pathlib import Path

import pytest

from cli.conftest import run
from seatwise.vendors import names, vendor_named


def examined(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *options: str, printed: str = "v3.259.0"
) -> tuple[int, str]:
    """Run `seatwise doctor` where `pulumi version` prints this; return exit code and output."""
    command = tmp_path / "bin" / "pulumi"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nprint({printed!r})\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent))
    result = run("doctor", *options)
    return result.exit_code, result.output


def test_the_doctor_finds_nothing_to_fix(settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = examined(monkeypatch, tmp_path)
    assert code == 0
    assert [line[:4] for line in output.splitlines()] == ["ok  "] * (1 + len(names()))


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        pytest.param("ENERFLO_API_KEY", "wrong", "FIX  Enerflo: look-up refused with 401", id="a key"),
        pytest.param("NEXUDUS_PASSWORD", "wrong", "FIX  Nexudus: the vendor refused the login", id="a password"),
        pytest.param("TENOVOS_CLIENT_ID", "", "FIX  Tenovos: set TENOVOS_CLIENT_ID", id="a missing setting"),
        pytest.param("ENERFLO_BASE_URL", "http://127.0.0.1:9", "FIX  Enerflo: cannot connect", id="an address"),
    ],
)
def test_the_doctor_shows_what_to_fix(
    variable: str, value: str, line: str, settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, value)
    code, output = examined(monkeypatch, tmp_path)
    assert code == 1
    assert [each.startswith(line) for each in output.splitlines()].count(True) == 1
    assert output.count("FIX ") == 1


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("ENERFLO_API_KEY", "Check ENERFLO_API_KEY, and what it is allowed to do"),
        ("NEXUDUS_PASSWORD", "Check NEXUDUS_USERNAME and NEXUDUS_PASSWORD"),
    ],
)
def test_the_doctor_names_the_settings_of_a_wrong_login(
    variable: str, remedy: str, settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, "wrong")
    assert remedy in examined(monkeypatch, tmp_path)[1]


@pytest.mark.parametrize("general", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("key", [pytest.param("sandbox-enerflo-key", id="good"), pytest.param("wrong", id="bad")])
def test_the_doctor_shows_that_a_general_proxy_is_not_used(
    general: str, key: str, settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(general, "http://127.0.0.1:9")
    monkeypatch.setenv("ENERFLO_API_KEY", key)
    code, output = examined(monkeypatch, tmp_path)
    mark = "ok  " if code == 0 else "FIX "
    assert f"{mark} proxy: {general} is set, and seatwise does not read it" in output
    assert "ENERFLO_PROXY, NEXUDUS_PROXY, TENOVOS_PROXY" in " ".join(output.split())


def test_the_doctor_accepts_a_general_proxy_beside_a_vendors(
    settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ENERFLO_PROXY", "http://127.0.0.1:9")
    assert "proxy" not in examined(monkeypatch, tmp_path)[1]


def test_the_doctor_names_an_old_pulumi_and_missing_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = examined(monkeypatch, tmp_path, printed="v3.100.0")
    assert code == 1
    assert "pulumi v3.100.0 is older than 3.254.0" in output
    assert "FIX  vendors: no vendor has settings" in output


def test_in_json_every_finding_has_the_same_keys(
    settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENERFLO_API_KEY", "wrong")
    code, output = examined(monkeypatch, tmp_path, "--json")
    assert code == 1
    assert [(each["about"], each["good"], bool(each["text"])) for each in json.loads(output)] == [
        ("tools", True, True), *((vendor_named(name).title, name != "enerflo", True) for name in names()),
    ]  # fmt: skip


def test_quiet_shows_only_what_to_fix(settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENERFLO_API_KEY", "wrong")
    code, output = examined(monkeypatch, tmp_path, "--quiet")
    assert code == 1
    assert [line[:13] for line in output.splitlines()] == ["FIX  Enerflo:"]
