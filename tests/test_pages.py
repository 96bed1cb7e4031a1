"""The pages in docs/ match the code, and the navigation has each of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import fields
import pytest

import seatwise
from seatwise.core.vendor.vendor import Vendor
from seatwise.resources.provider import TenantArgs
from seatwise.wire.settings import RunSettings, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
INCLUDES = {"security.md", "changelog.md"}  # another file's text


@pytest.mark.parametrize(("path", "text"), fields.pages().items(), ids=lambda each: getattr(each, "name", ""))
def test_what_is_written_from_the_code_is_what_the_code_says(path: Path, text: str) -> None:
    assert path.exists(), "run `make docs`"
    assert path.read_text() == text, "run `make docs`"


def test_text_between_the_markers_is_replaced_and_no_other() -> None:
    before = "Mine.\n<!-- a:begin -->\nold\n<!-- a:end -->\nMine, too.\n"
    assert fields.filled(before, {"a": "new"}, DOCS) == before.replace("old", "new")
    with pytest.raises(ValueError, match="must have the lines <!-- b:begin --> and <!-- b:end -->"):
        fields.filled(before, {"b": "new"}, DOCS)
    assert fields.between("a", before, DOCS) == "old"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in INCLUDES], ids=lambda page: page.name)
def test_a_page_begins_with_its_title_and_a_sentence(page: Path) -> None:
    title, empty, first = page.read_text().split("\n")[:3]
    assert title.startswith("# ")
    assert empty == ""
    assert re.match("[A-Z`]", first), first


def entries() -> Iterator[tuple[Path, str]]:
    """The navigation: each entry with the folder that it starts from."""
    for index in DOCS.rglob("index.md"):
        for tree in re.findall(r"```{toctree}\n(.*?)```", index.read_text(), re.S):
            yield from ((index.parent, line) for line in tree.splitlines() if line and not line.startswith(":"))


def test_the_navigation_has_exactly_the_pages() -> None:
    found = {(folder, entry): [*folder.glob(f"{entry}.md")] for folder, entry in entries()}
    assert [entry for (_, entry), pages in found.items() if not pages] == []
    assert {page for pages in found.values() for page in pages} == {*PAGES} - {DOCS / "index.md"}


def test_every_setting_has_a_line() -> None:
    page = (DOCS / "settings.md").read_text()
    lacking = [name for name in Settings.model_fields if f"`<VENDOR>_{name.upper()}`" not in page]
    assert lacking == ["base_url"], "that one is in each vendor's page"
    assert [name for name in RunSettings.model_fields if f"`SEATWISE_{name.upper()}`" not in page] == []
    assert set(Settings.model_fields) <= set(TenantArgs.__annotations__)


def test_getting_started_names_the_command_that_the_demo_gets() -> None:
    (version,) = re.findall(r'^PULUMI_VERSION = "(.*?)"', (DOCS.parent / "tools" / "run.py").read_text(), re.M)
    assert f"/pulumi-{version}/bin" in (DOCS / "start.md").read_text()


def test_the_page_on_vendors_names_every_member_of_the_interface() -> None:
    page = (DOCS / "adding-a-vendor.md").read_text().partition("## A worked example")[0]
    members = {name for name in {**Vendor.__annotations__, **vars(Vendor)} if not name.startswith("_")}
    assert [name for name in sorted(members) if f"`{name}`" not in page] == []


def test_troubleshooting_quotes_only_errors_of_the_code() -> None:
    table = (DOCS / "troubleshooting.md").read_text().partition("## Errors of seatwise\n")[2].partition("## ")[0]
    quoted = [each for row in re.findall(r"^\| (`.*?) \|", table, re.M) for each in re.findall(r"`(.*?)`", row)]
    trees = [ast.parse(path.read_text()) for path in (DOCS.parent / "provider" / "seatwise").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    said = "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    parts = [part.strip() for each in quoted for part in re.sub(r"\b40[13]$", "...", each).split("...")]
    assert len(quoted) >= 15
    assert [part for part in parts if part not in said] == []


def test_the_map_names_every_room_and_no_other() -> None:
    package = Path(seatwise.__file__).parent
    rooms = {str(path.parent.relative_to(package)) for path in package.rglob("*.py")} - {".", "core"}
    text = (DOCS.parent / "CONTRIBUTING.md").read_text().partition("## The map")[2].partition("Beside the package")[0]
    assert {room.rstrip("/") for room in re.findall(r"^\| `([a-z/]+/)` \|", text, re.M)} == rooms
