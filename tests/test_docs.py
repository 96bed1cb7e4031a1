"""The pages' programs pass type checks, their commands exist, their recipes parse, their links work."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

import pages
from pages import PAGES, ROOT
from seatwise.vendors import names, vendor_named
from seatwise.wire.settings import RunSettings

every_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


# --- programs ---------------------------------------------------------------------------------


def test_the_programs_pass_a_type_checker(tmp_path: Path) -> None:
    """All programs of a page are checked as one module: later ones may use earlier names."""
    for page in PAGES:
        programs = pages.blocks(page.read_text(), "python")
        if programs:
            name = re.sub(r"\W", "_", str(page.relative_to(ROOT).with_suffix("")))
            (tmp_path / f"{name}.py").write_text("\n".join(programs))
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *tmp_path.glob("*.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert checked.stdout.startswith("Success"), checked.stdout


# --- commands ---------------------------------------------------------------------------------


def wrong_with(command: Sequence[str]) -> str | None:
    """Return the first part of a command that does not exist; None if all exist."""
    program, *words = command
    return {"make": wrong_with_make, "seatwise": wrong_with_seatwise, "pulumi": wrong_with_pulumi}[program](words)


def wrong_with_make(words: Sequence[str]) -> str | None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    return next((word for word in words if word not in targets), None)


def wrong_with_seatwise(words: Sequence[str]) -> str | None:
    """Look at the command that `seatwise run` runs; tests/cli/test_pages.py runs all others."""
    return wrong_with(words[words.index("--") + 1 :]) if "--" in words else None


def wrong_with_pulumi(words: Sequence[str]) -> str | None:
    path = list(takewhile(lambda word: not word.startswith("-"), words))
    text = pulumi_help(*path)
    usage = re.search(r"^Usage:\n +pulumi(.*)", text, re.M)
    assert usage, text
    depth = len(list(takewhile(str.isalpha, usage[1].split())))  # of the command that pulumi took it for
    if depth == 0 or (len(path) > depth and "[command]" in text):
        return path[depth] if path else words[0]
    known = set(re.findall(r"(?<![\w-])--?\w[\w-]*", text))
    return next((word for word in words if word.startswith("-") and word.split("=")[0] not in known), None)


@cache
def pulumi_help(*words: str) -> str:
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    return subprocess.run(
        ["pulumi", *words, "--help"], env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.engine
@every_page
def test_commands_and_their_options_exist(page: Path) -> None:
    wrong = {shlex.join(each): wrong_with(each) for each in pages.commands(page.read_text())}
    assert {command: word for command, word in wrong.items() if word is not None} == {}


@pytest.mark.engine
@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("    make tset", ["tset"]),
        ("    A=b seatwise run -- pulumi upp", ["upp"]),
        ("    pulumi stack exprot", ["exprot"]),
        ("    pulumi stack init dev && pulumi up --yes --skip-review", [None, "--skip-review"]),
        ("```yaml\nup:\n  script: [pip install x, pulumi refresh --preview_only]\n```\n", ["--preview_only"]),
        ("    pulumi up --yes    # all of --it\n\nTo make tea, `pulumi` it.", [None]),
    ],
)
def test_a_misspelt_command_is_found(text: str, wrong: list[str | None]) -> None:
    assert [wrong_with(each) for each in pages.commands(text)] == wrong


# Targets that take long, and what runs of them in `.ci/run`.
IN_SMALL = {
    "bench": "-m benchmarks.bench --quick",
    "bench-full": "-m benchmarks.bench --quick",
    "crash": "make test",  # tests/engine/test_crash.py with a sample of the kills
    "lowest": "--lowest pytest",
    "mutants": "make test",  # tests/test_tools.py, where each is made
    "soak": "make test",  # tests/core/test_histories.py with some hundreds of them
    "test-keycloak": "make test",  # tests/vendors/test_scim_life.py, on a server that other people wrote
}


def test_every_printed_target_is_run_on_a_clean_clone() -> None:
    printed = {words[0] for page in PAGES for name, *words in pages.commands(page.read_text()) if name == "make"}
    script = (ROOT / ".ci" / "run").read_text()
    assert [target for target in printed if IN_SMALL.get(target, f"make {target}\n") not in script] == []


def test_every_printed_choice_of_tests_chooses_one() -> None:
    lines = [line for page in PAGES for line in pages.listings(page.read_text())]
    printed = [found.groups() for line in lines if (found := re.search(r"pytest .*?(tests/\S+\.py) -k (\w+)$", line))]
    assert printed
    for file, word in printed:
        assert re.search(rf"\bdef test_\w*{word}", (ROOT / file).read_text()), (file, word)


# --- recipes ----------------------------------------------------------------------------------


@every_page
def test_recipes_parse(page: Path) -> None:
    assert [each for each in pages.recipes(page.read_text()) if not isinstance(each, dict)] == []


@every_page
def test_recipes_set_variables_that_exist(page: Path) -> None:
    run = {f"SEATWISE_{name.upper()}" for name in RunSettings.model_fields}
    kinds = [vendor_named(name).settings_type for name in names()]
    known = run.union(*({kind.variable(name) for name in kind.model_fields} for kind in kinds))
    prefixes = "|".join({name.split("_")[0] for name in known})
    used = re.findall(rf"\b(?:{prefixes})_\w+", "\n".join(pages.blocks(page.read_text(), "ya?ml")))
    assert set(used) <= known


# --- links ------------------------------------------------------------------------------------


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub generates them."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ +(.+?)\s*$", pages.prose(page.read_text()), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return frozenset(
        slug if number == 0 else f"{slug}-{number}" for slug, last in found.items() for number in range(last + 1)
    )


def leads_somewhere(page: Path, link: str) -> bool:
    target, _, anchor = link.partition("#")
    path = (page.parent / target).resolve() if target else page
    return path.exists() and (not anchor or path.suffix != ".md" or anchor in anchors(path))


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)", pages.prose(page.read_text()))
    assert [link for link in links if not leads_somewhere(page, link)] == []


# --- examples ---------------------------------------------------------------------------------


def test_every_example_is_whole_and_in_the_table() -> None:
    folders = [path.parent for path in (ROOT / "examples").glob("*/Pulumi.yaml")]
    for folder in folders:
        assert (folder / "__main__.py").exists()
        assert (folder / "README.md").exists()
    table = (ROOT / "examples" / "README.md").read_text()
    assert [folder.name for folder in folders if f"]({folder.name}/README.md)" not in table] == []
