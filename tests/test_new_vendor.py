"""The worked example of docs/adding-a-vendor.md, copied as printed into a copy of the repository, is a vendor there.

What the page says must be touched is touched, and nothing else: the example's file and its stand-in, and one list in
`seatwise/__init__.py` for type checkers. The random histories, which need an entry for it, are not run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "provider", "tests", "tools", "docs", "stacks", "examples", "benchmarks", "pyproject.toml", "Pulumi.yaml",
    "README.md", "CONTRIBUTING.md",
)  # fmt: skip
EXAMPLES = ROOT / "docs" / "examples"
LONGEST = 70  # lines of code, without empty ones, docstrings and imports
PEOPLE = "name,email,enerflo.roles\nana,ana@example.com,Setter\n"
PROGRAM = """
import seatwise
from seatwise import acme
from seatwise.vendors import acme as same

print(len(seatwise.people("people.csv")), acme.VENDOR.title, acme is same)
"""
SANDBOX = """
import sys

sys.path.insert(0, "tools")
import demo

with demo.sandbox() as variables:
    print(variables["ACME_BASE_URL"].rpartition(":")[0])
"""
TYPED = """
from seatwise import acme

acme.User("ana", email="ana@example.com", teams=["north"])
acme.User("ben", emial="ben@example.com")
"""
# What of the suite is about every vendor, without what the real engine runs and what takes minutes.
TESTS = (
    "tests/vendors/test_conformance.py", "tests/dynamic/test_base.py", "tests/test_layout.py", "tests/test_pages.py",
    "tests/cli/test_doctor.py", "tests/core/account/test_emails.py", "tests/core/account/test_vendor_values.py",
    "tests/dynamic/test_first_days.py", "tests/sandbox/test_server.py", "tests/sandbox/test_stand_ins.py",
    "tests/cli/test_rehearse.py",
)  # fmt: skip
# Of these, the ones that meet the new vendor: by its name, or because they read all files, pages and settings.
MEETING_IT = "acme or layout or (not [ and (every or pages or doctor))"
OF_EVERY_VENDOR = ("tests/vendors/test_conformance.py", "tests/core/account/test_bad_days.py")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the example in it, its page written."""
    copy = tmp_path_factory.mktemp("repository")
    ignored = shutil.ignore_patterns("__pycache__", "out", "node_modules")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignored)
        else:
            shutil.copy(source, copy)
    for folder in ("vendors", "sandbox"):
        shutil.copy(EXAMPLES / folder / "acme.py", copy / "provider" / "seatwise" / folder)
    assert ran(copy, "tools/fields.py") == "", "the tables of its page are written"
    return copy


def ran(repository: Path, *words: str) -> str:
    """Run a Python command in the copy and return its output; it must succeed."""
    paths = os.pathsep.join([str(repository / "provider"), str(repository / "tests")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=repository,
        env=environment | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def test_the_example_is_short() -> None:
    lines = (EXAMPLES / "vendors" / "acme.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(('"""', "from ", "import "))]
    assert len(code) <= LONGEST


def test_people_are_read_and_the_vendor_is_imported(repository: Path) -> None:
    (repository / "people.csv").write_text(PEOPLE)
    assert ran(repository, "-c", PROGRAM) == "1 Acme True\n"


def test_the_demo_has_its_sandbox(repository: Path) -> None:
    assert ran(repository, "-c", SANDBOX) == "http://127.0.0.1\n"


def test_its_page_has_its_tables(repository: Path) -> None:
    page = (repository / "docs" / "vendors" / "acme.md").read_text()
    assert page.startswith("# Acme\n")
    assert "| `ACME_API_KEY` | `acme:apiKey` | none: required |" in page
    assert "| `full_name` | `str` | `fullName` |" in page


def test_a_type_checker_knows_it(repository: Path) -> None:
    package = repository / "provider" / "seatwise" / "__init__.py"
    text = package.read_text()
    named = text.replace("import Finder, enerflo", "import Finder, acme, enerflo")
    package.write_text(named.replace('"Roster", "enerflo"', '"Roster", "acme", "enerflo"'))
    (repository / "program.py").write_text(TYPED)
    with pytest.raises(AssertionError, match=r"program\.py:5: error: (Missing|Unexpected)") as found:
        ran(repository, "-m", "mypy", "program.py")
    assert "program.py:4: " not in str(found.value)


def test_the_tests_of_every_vendor_pass_with_it(repository: Path) -> None:
    ran(repository, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", MEETING_IT, *TESTS)


def test_a_vendor_without_a_password_is_one_too(repository: Path) -> None:
    path = repository / "provider" / "seatwise" / "vendors" / "acme.py"
    printed = path.read_text()
    start = printed.index("    password: WriteOnly")
    without = printed[:start] + printed[printed.index("\n\nclass UserArgs(") :]
    path.write_text(without.replace('        "password": "a first password",\n', ""))
    try:
        ran(repository, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "acme", *OF_EVERY_VENDOR)
    finally:
        path.write_text(printed)
