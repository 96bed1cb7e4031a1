"""Installing the tools of the Makefile's targets: an incomplete installation is never used."""

import ast
import importlib.util
import signal
import sys
from pathlib import Path
from types import ModuleType

import mutants
import pytest

from conftest import executable
from seatwise.cli import engine

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/run.py, with a cache folder and a PATH of the test's own."""
    monkeypatch.setenv("SEATWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    spec = importlib.util.spec_from_file_location("run", ROOT / "tools" / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pulumi(folder: Path, prints: str) -> Path:
    return executable(folder / "pulumi", f"#!{sys.executable}\nprint({prints!r})\n")


def test_what_runs_in_the_background_hears_an_interrupt(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run, "find_uv", lambda: Path(sys.executable))
    monkeypatch.setattr(run, "sync", lambda uv, groups: None)
    monkeypatch.setattr(run.shutil, "which", lambda name, path: name)
    monkeypatch.setattr(run.os, "execve", lambda *given: heard.append(signal.getsignal(signal.SIGINT)))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run.main(["--no-pulumi", "true"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIG_DFL]


def test_a_pulumi_command_on_the_path_is_used(run: ModuleType, tmp_path: Path) -> None:
    found = pulumi(tmp_path / "bin", "v3.260.1")
    assert run.find_pulumi(sys.executable) == found


def test_a_cached_pulumi_is_used_if_the_one_on_path_is_too_old(
    run: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi(tmp_path / "bin", "v3.100.0")
    cached = pulumi(run.CACHE / f"pulumi-{run.PULUMI_VERSION}" / "bin", f"v{run.PULUMI_VERSION}")
    assert run.find_pulumi(sys.executable) == cached
    assert "older than 3.254.0" in capsys.readouterr().err


def test_without_a_pulumi_command_the_message_has_a_remedy(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "install", lambda folder, python: False)
    with pytest.raises(run.SetupError, match=r"https://www\.pulumi\.com/docs/install/.*https://go\.dev/dl/"):
        run.find_pulumi(sys.executable)
    assert list(run.CACHE.iterdir()) == []


def test_a_step_that_fails_leaves_nothing_that_looks_finished(run: ModuleType, tmp_path: Path) -> None:
    home = tmp_path / "cache" / "tool-1"

    def interrupted() -> None:
        with run.finished_folder(home) as folder:
            (folder / "half").write_text("")
            assert not home.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(home.parent.iterdir()) == []


def test_of_two_that_finish_together_the_first_counts(run: ModuleType, tmp_path: Path) -> None:
    home = tmp_path / "cache" / "tool-1"
    with run.finished_folder(home) as folder:
        (folder / "late").write_text("")
        with run.finished_folder(home) as other:
            (other / "early").write_text("")
    assert [path.name for path in home.iterdir()] == ["early"]


def test_the_versions_agree(run: ModuleType) -> None:
    assert run.OLDEST_PULUMI == engine.OLDEST
    assert f"github.com/pulumi/pulumi/pkg/v3 v{run.PULUMI_VERSION}" in (ROOT / "tools/pulumi/go.mod").read_text()
    assert run.version_of("/nowhere/pulumi") == ()
    assert f"opentofu/opentofu v{run.OPENTOFU_VERSION}" in (ROOT / "tools/opentofu/go.mod").read_text()
    assert f"terraform-provider-restapi v{run.RESTAPI_VERSION}" in (ROOT / "tools/restapi/go.mod").read_text()


@pytest.mark.parametrize(("may_build", "reason"), [(False, "only `make bench-full` builds it"), (True, "no Go")])
def test_without_opentofu_the_benchmarks_get_the_reason(run: ModuleType, may_build: bool, reason: str) -> None:
    environment: dict[str, str] = {}
    assert run.opentofu_path(environment, may_build) == []
    assert reason in environment[run.NO_OPENTOFU]


def test_a_kept_opentofu_is_used(run: ModuleType) -> None:
    home = run.CACHE / f"opentofu-{run.OPENTOFU_VERSION}-restapi-{run.RESTAPI_VERSION}"
    home.mkdir(parents=True)
    environment = {run.NO_OPENTOFU: "of a run before"}
    assert run.opentofu_path(environment, may_build=False) == [str(home / "bin")]
    assert environment == {}


def test_a_build_of_opentofu_that_fails_is_a_reason(run: ModuleType, tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.write_text("#!/bin/sh\nexit 1\n")
    go.chmod(0o755)
    environment: dict[str, str] = {}
    assert run.opentofu_path(environment, may_build=True) == []
    assert "tools/opentofu/go.mod" in environment[run.NO_OPENTOFU]
    assert list(run.CACHE.iterdir()) == []


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_can_be_made(mutant: mutants.Mutant) -> None:
    """The broken copy is a different program from the tested one."""
    ast.parse(mutant.text)
    assert mutant.text != (mutants.SOURCE / mutant.file).read_text()


def test_no_mutant_is_made_where_the_tests_fail_anyway(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutants, "TESTS", ("no_such_file.py",))
    monkeypatch.setattr(sys, "argv", ["mutants.py", "a page of HTML"])
    assert mutants.main() == 1
    out, err = capsys.readouterr()
    assert (out, "fail without a mistake (exit code 4)" in err) == ("", True)
