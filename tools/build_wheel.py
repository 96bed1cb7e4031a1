"""Build the wheel into dist/, with a version that names the commit.

A build from the tag of its version (`v0.1.0`) has the plain version, and so has a build from sources without git. Every
other build adds the commit to it: `0.1.0+20261128040229.g1a2b3c4`. The time, in UTC, is the commit's, so that a later
commit has a higher version. Where files differ from the commit, the time is that of the build and `.dirty` follows.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIME = "%Y%m%d%H%M%S"


def version(root: Path, plain: str) -> str:
    """Return the version of a build from this folder; `plain` is the version in its pyproject.toml."""
    try:
        _git(root, "ls-files", "--error-unmatch", "pyproject.toml")  # a repository of a parent folder does not count
        seconds, commit = _git(root, "log", "-1", "--format=%ct %h", "--abbrev=7").split()
    except (OSError, subprocess.CalledProcessError):
        if (root / ".git").exists():
            print("git does not tell the commit (`git log -1` says why): the version is plain", file=sys.stderr)
        return plain
    if _git(root, "status", "--porcelain", "--", "."):
        return f"{plain}+{datetime.now(UTC):{TIME}}.g{commit}.dirty"
    if f"v{plain}" in _git(root, "tag", "--points-at", "HEAD").split():
        return plain
    return f"{plain}+{datetime.fromtimestamp(int(seconds), UTC):{TIME}}.g{commit}"


def build(root: Path, out: Path) -> Path:
    """Build the wheel from the files of a source distribution, and return it; earlier wheels in `out` are removed."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        _uv("build", "--sdist", "--quiet", "--out-dir", str(home / "sdist"), str(root))
        (archive,) = (home / "sdist").glob("*.tar.gz")
        with tarfile.open(archive) as sources:
            sources.extraction_filter = getattr(tarfile, "data_filter", None)  # new in Python 3.11.4
            sources.extractall(home / "sources")
        (copy,) = (home / "sources").iterdir()
        plain = _uv("version", "--short", "--directory", str(copy))
        _uv("version", "--frozen", "--quiet", "--directory", str(copy), version(root, plain))
        _uv("build", "--wheel", "--quiet", "--out-dir", str(home / "wheel"), str(copy))
        (wheel,) = (home / "wheel").glob("*.whl")
        out.mkdir(exist_ok=True)
        for earlier in out.glob("seatwise-*.whl"):
            earlier.unlink()
        return Path(shutil.move(wheel, out / wheel.name))


def _git(root: Path, *words: str) -> str:
    return _output(["git", "-C", str(root), *words], stderr=subprocess.DEVNULL)


def _uv(*words: str) -> str:
    return _output(["uv", *words])


def _output(command: list[str], stderr: int | None = None) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=stderr, text=True).stdout.strip()


if __name__ == "__main__":
    print(build(ROOT, ROOT / "dist").relative_to(ROOT))
