"""The project's pages as text, programs and commands."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/*.md") for path in ROOT.glob(pattern)
)


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def listings(text: str) -> list[str]:
    """Lines of the indented blocks, which hold commands, files and output; without indentation and comments."""
    lines = re.findall(r"^ {4,}(\S.*)", prose(text), re.M)
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines]


def spans(text: str) -> list[str]:
    """What stands between backticks in running text, each on one line."""
    running = re.sub(r"^    .*$", "", prose(text), flags=re.M)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", running)]
