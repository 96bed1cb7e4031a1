"""Pages, docstrings, comments and messages are plain English: the worst patterns stay out, each with its remedy.

Names of tests are short.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import pages
from pages import PAGES, ROOT

IDIOMS = {
    r"\b(?:some|no|every|any)body\b": "name the account, the member, the person or the user",
    r"\bwhom\b|\bwhoever\b": "name the account, the member, the person or the user",
    r"(?:^|[.:;|] )Who [a-z]+ (?![^.]*\?)": "begin with a noun: `A member who fails`, not `Who fails`",
    r"(?<!the )(?<!only )(?<!this )\bone (?:that|who)\b": "repeat the noun",
    r"\b(?:is|are|was|were|there be) none\b": "say what is missing: `is not a number`, `there is no account`",
    r"-manieth\b": "the number of",
    r"\bin doubt\b": "unconfirmed",
    r"\bbelieve[sd]?\b": "trust",
    r"\b(?:take|takes|taken|taking|took) up\b": "resume (seatwise's own account), adopt (an account of before)",
    r"\b(?:let|lets|letting) go\b": "forget",
    r"\b(?:goes|go|went) on\b": "continue",
    r"\bretire[sd]?\b|\bretiring\b": "deprovision, deactivate",
    r"\b(?:is|are|was|were|be|been) told\b|\btold of\b": "name who says it, and where: the error says, a warning names",
    r"\bbr(?:ing|ings|ought) about\b": "set, change",
    r"\bmend(?:s|ed|ing)?\b": "fix, repair",
    r"\bheed(?:s|ed)?\b": "respect, follow",
    r"\bcop(?:e|es|ed|ing) with\b": "handle",
    r"\bstrangers?\b": "another owner's account, a proposal from outside",
    r"\banew\b": "again",
    r"\ball the same\b": "anyway",
    r", for (?:it|they|he|she)\b": "because",
}
"""What the pages were full of once, with what to write instead: see docs/glossary.md."""

WRITTEN = {"benchmarks/results.md"}
"""Pages that the code writes."""
CODE = sorted(
    path for folder in ("provider/seatwise", "tools", "docs/examples") for path in (ROOT / folder).rglob("*.py")
)


def idioms(text: str) -> list[str]:
    """The idioms in a text, each in its surroundings and with its remedy."""
    flat = re.sub(r"(?<!\n)\n *(?![\s#|*>-])", " ", text)  # a paragraph is one line, and so is an item of a list
    return [
        f"...{' '.join(flat[max(0, found.start() - 40) : found.end() + 30].split())}...: {remedy}"
        for pattern, remedy in IDIOMS.items()
        for found in re.finditer(pattern, flat, re.M)
    ]


def running_text(page: str) -> str:
    """A page without what is code or written from the code: blocks, spans, and the parts between markers."""
    own = re.sub(r"<!-- ([\w-]+):begin -->.*?<!-- \1:end -->", "", page, flags=re.S)
    prose = re.sub(r"^ {4,}.*$", "", pages.prose(own), flags=re.M)
    return re.sub(r"`[^`]+`", "`...`", prose)


def said(source: str) -> Iterator[str]:
    """The docstrings, comments and messages of a file; names in backticks are code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"`[^`]+`", "`...`", node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.removeprefix("# ")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_page_is_plain(page: Path) -> None:
    if str(page.relative_to(ROOT)) not in WRITTEN:
        assert idioms(running_text(page.read_text())) == []


def test_the_code_is_plain() -> None:
    """Docstrings, comments and messages."""
    found = [idiom for path in CODE for text in said(path.read_text()) for idiom in idioms(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("# Who leaves\n\nWho fails stops no other, and nobody is told.", 3),
        ("Its account is in\ndoubt, for\nit was taken up.", 3),
        ("- Ask for it,\n- for it is free.\n\nIt is\n\ntold", 0),
        ("Ask the person who is there. Who is that? The only one that fits.", 0),
        ("`nobody` is a user\n\n    whom the shell knows\n", 0),
        ("<!-- fields:begin -->\nanew\n<!-- fields:end -->\n", 0),
    ],
)
def test_an_idiom_is_found_in_running_text_alone(text: str, count: int) -> None:
    assert len(idioms(running_text(text))) == count


def test_an_idiom_is_found_in_the_texts_of_a_file_not_in_names() -> None:
    source = '"""Let go of it."""\nretired = f"{told(retired)} was told"  # nobody knows\n'
    assert len([each for text in said(source) for each in idioms(text.lower())]) == 3


def test_the_name_of_a_test_has_at_most_60_characters() -> None:
    """It is one fact; what does not fit belongs in the docstring."""
    names = re.findall(r"\bdef (test_\w+)", "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py")))
    assert names
    assert [name for name in names if len(name) > 60] == []
