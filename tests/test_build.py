"""The wheel of `make wheel`: its version names the commit, and pip replaces the wheel of another commit by it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import build_wheel
import pytest

from pages import ROOT

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
PLAIN: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run([*GIT, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    """Change a file, commit all files, and return the short name of the commit."""
    with (folder / "README.md").open("a") as readme:
        readme.write("More.\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "More")
    return git(folder, "rev-parse", "--short=7", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit and all files that a build needs."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "provider", folder / "provider", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def test_pip_replaces_the_wheel_of_another_commit(clone: Path, tmp_path: Path) -> None:
    if shutil.which("uv") is None:
        pytest.skip("no uv on PATH to build the wheel with")
    venv, dist = tmp_path / "venv", tmp_path / "dist"
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(venv), "install", "--no-deps", "--quiet", "-U"]
    show = [sys.executable, "-c", "from seatwise.cli import main; main(['--version'])"]

    def installed() -> str:
        """The version that `seatwise --version` shows, after an upgrade with the wheel of now."""
        wheel = build_wheel.build(clone, dist)
        assert list(dist.iterdir()) == [wheel], "the one file that `dist/seatwise-*.whl` names"
        subprocess.run([*pip, str(wheel)], check=True)
        environment = os.environ | {"PYTHONPATH": str(packages)}
        said = subprocess.run(show, env=environment, check=True, capture_output=True, text=True).stdout
        assert wheel.name.startswith(f"seatwise-{said.split()[1]}-py3-")
        return said.strip()

    first = git(clone, "rev-parse", "--short=7", "HEAD")
    assert re.fullmatch(rf"seatwise {re.escape(PLAIN)}\+\d{{14}}\.g{first}", installed())
    second = commit(clone)
    assert installed().endswith(f".g{second}")
    (clone / "provider" / "seatwise" / "new.py").touch()
    assert installed().endswith(f".g{second}.dirty")
    assert git(clone, "diff", "HEAD") == "", "a build changes no file"


def tag(clone: Path, name: str = f"v{PLAIN}") -> Path:
    git(clone, "tag", name)
    return clone


def change(clone: Path) -> Path:
    (clone / "README.md").write_text("Other words.")
    return clone


def commit_to(clone: Path) -> Path:
    commit(clone)
    return clone


def shallow(clone: Path) -> Path:
    git(commit_to(clone).parent, "clone", "--quiet", "--depth=1", "--no-tags", clone.as_uri(), "shallow")
    return clone.parent / "shallow"


def without_git(clone: Path) -> Path:
    shutil.rmtree(clone / ".git")
    return clone


def unpacked_in_another_repository(clone: Path) -> Path:
    git(clone.parent, "init", "--quiet")
    (clone.parent / "README.md").touch()
    git(clone.parent, "add", "README.md")
    git(clone.parent, "commit", "--quiet", "--message", "Other sources")
    return without_git(clone)


COMMIT = r"\+\d{14}\.g[0-9a-f]{7}"


@pytest.mark.parametrize(
    ("situation", "local"),
    [
        pytest.param(lambda clone: clone, COMMIT, id="as it is"),
        pytest.param(shallow, COMMIT, id="shallow"),
        pytest.param(lambda clone: commit_to(tag(clone)), COMMIT, id="tagged before"),
        pytest.param(lambda clone: tag(clone, f"v{PLAIN}.1"), COMMIT, id="tagged otherwise"),
        pytest.param(lambda clone: change(tag(clone)), rf"{COMMIT}\.dirty", id="tagged and changed"),
        pytest.param(tag, "", id="tagged"),
        pytest.param(without_git, "", id="without git"),
        pytest.param(unpacked_in_another_repository, "", id="unpacked in another repository"),
    ],
)
def test_the_version_says_what_a_build_is_of(clone: Path, situation: Callable[[Path], Path], local: str) -> None:
    assert re.fullmatch(re.escape(PLAIN) + local, build_wheel.version(situation(clone), PLAIN))


def test_a_repository_that_git_cannot_read_is_reported(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clone / ".git" / "HEAD").write_text("nothing")
    assert build_wheel.version(clone, PLAIN) == PLAIN
    assert "`git log -1` says why" in capsys.readouterr().err


def test_a_later_commit_has_a_higher_version(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a package index with the wheels of several commits, pip installs the latest."""
    versions = []
    for second in (9, 10, 100):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{1_700_000_000 + second} +0000")
        commit(clone)
        versions.append(build_wheel.version(clone, PLAIN))
    assert versions == sorted(versions)
