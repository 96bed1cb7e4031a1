"""The project's pages as text, programs and commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SCRIPTS = ("run", "script", "before_script")  # where a recipe has shell commands
FILE = re.compile(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", re.S)
EDIT = re.compile(r"Write `(.*?)` for `(.*?)`")
COMMAND = re.compile(r"^    (.*)$", re.M)
ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", ".github/*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def listings(text: str) -> list[str]:
    """Return the lines of indented blocks (commands, files, output) without indentation and comments."""
    lines = re.findall(r"^ {4,}(\S.*)", prose(text), re.M)
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines]


def spans(text: str) -> list[str]:
    """Return the texts between backticks outside blocks, each in one line."""
    running = re.sub(r"^    .*$", "", prose(text), flags=re.M)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", running)]


def commands(text: str) -> Iterator[list[str]]:
    """Return the words of each `make`, `seatwise` and `pulumi` command anywhere in a page."""
    shells = "\n".join([*blocks(text, "(?:sh|bash|shell|console)"), *recipe_scripts(text)])
    for line in [*listings(text), *spans(text), *shells.replace("\\\n", " ").splitlines()]:
        for part in re.split(r"&&|\|\||[|;]", line):
            found = re.match(r"\s*(?:\w+=\S+ +)*((?:make|seatwise|pulumi) +[\w-].*)", part)
            if found:
                yield shlex.split(found[1], comments=True)


def recipe_scripts(text: str) -> Iterator[str]:
    for recipe in recipes(text):
        yield from scripts(recipe)


def scripts(node: Any, key: str = "") -> Iterator[str]:
    """Yield the shell commands in a recipe."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from scripts(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from scripts(value, key)
    elif key in SCRIPTS and isinstance(node, str):
        yield node


def recipes(text: str) -> list[Any]:
    """Return the parsed YAML blocks."""
    return [each for block in blocks(text, "ya?ml") for each in yaml.safe_load_all(block)]


def walk(text: str) -> str:
    """Return the script that makes a page's files and edits, and runs its commands, in their order."""
    steps: list[tuple[int, str]] = []
    for found in FILE.finditer(text):
        steps.append((found.start(), f"cat > {found[1]} <<'END'\n{found[2]}END"))
        text = text[: found.start()] + " " * len(found[0]) + text[found.end() :]
    for found in EDIT.finditer(text):
        before = re.sub(r"[][.*/]", r"\\\g<0>", found[2])
        steps.append((found.start(), f"sed -i.bak 's/{before}/{found[1]}/' __main__.py"))
    steps += [(found.start(), found[1]) for found in COMMAND.finditer(text) if found[1].strip()]
    script = "\n".join(["set -eux", *(step for _, step in sorted(steps))])
    return script.replace("--yes", "--yes --skip-preview")  # half the time


def start_section() -> str:
    """Return what docs/start.md lets a new user do, once seatwise is installed."""
    return (ROOT / "docs" / "start.md").read_text().partition("## 2.")[2].partition("## Upgrade")[0]


def scim_section() -> str:
    """Return the first project at a SCIM service."""
    page = (ROOT / "docs" / "vendors" / "scim.md").read_text()
    return page.partition("## A first project\n")[2].partition("\n## ")[0]


def scim_walk() -> str:
    """Return the script of the first project at a SCIM service, whose settings are in the environment."""
    return walk(re.sub("^    export SCIM_.*\n", "", scim_section(), flags=re.M))


def walked() -> set[str]:
    """Return the commands of the two sections above, which are walked from top to bottom."""
    lines = [f"    {line}" for section in (start_section(), scim_section()) for line in listings(section)]
    return {shlex.join(each) for each in commands("\n".join(lines))}
