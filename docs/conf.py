"""The site, by Sphinx: `make docs` builds these pages into site/, and fails at the first broken link.

The pages are plain Markdown, to be read in the repository as well. So their links lead to files, of which
those outside this folder are no part of the site.
"""

import re
from importlib import metadata
from posixpath import dirname, join, normpath, relpath
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon.docstring import GoogleDocstring

project = "seatwise"
release = metadata.version("seatwise")
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples"]
highlight_language = "none"  # an indented block is a command or what it prints

html_theme = "furo"  # its fonts are the system's own; nothing comes from another host
html_title = f"seatwise {release}"
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False

myst_heading_anchors = 3
default_role = "literal"  # one backtick in a docstring is code, as in Markdown
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"undoc-members": True}
autodoc_class_signature = "separated"

PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files outside this folder, and parts of them, that have a page of the site."""
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")


def stay_inside(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn links that lead out of this folder into links to the site's own page, or into the file's path."""
    here = dirname(page)

    def replaced(link: re.Match[str]) -> str:
        text, target, anchor = link.groups(default="")
        path = normpath(join("docs", here, target))
        if path.startswith("docs/"):
            return link[0]
        if f"{path}{anchor}" in PAGES:
            return f"[{text}]({relpath(PAGES[f'{path}{anchor}'], here or '.')})"
        if path in PAGES:
            return f"[{text}]({relpath(PAGES[path], here or '.')}{anchor})"
        return f"`{path}`" if path.endswith(text.strip("/")) else f"{text} (`{path}`)"

    source[0] = LINK.sub(replaced, source[0])


def read_docstring(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Let what is indented be code, as in Markdown, and `Args:` and its like be lists."""
    marked: list[str] = []
    for line in lines:
        begins = line.startswith("    ") and marked and not marked[-1] and not _is_indented(marked)
        marked += ["::", "", line] if begins else [line]
    # Not as an extension: that takes a sentence with a colon below a field for its type.
    lines[:] = marked if what == "attribute" else str(GoogleDocstring(marked)).splitlines()


def _is_indented(lines: list[str]) -> bool:
    """Whether the last line that is not empty is indented."""
    return next((line for line in reversed(lines) if line), "").startswith("    ")


def setup(app: Sphinx) -> None:
    """Set up the extension; Sphinx calls this."""
    app.connect("source-read", stay_inside)
    app.connect("autodoc-process-docstring", read_docstring)
