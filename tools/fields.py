"""Write docs/fields.md from the code: every field of every vendor. Run it with `make docs`."""

import ast
import inspect
import typing
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from seatwise.account import AccountArgs
from seatwise.core.fields import NEEDED_TO_CREATE, UNREADABLE, Field, Takes
from seatwise.core.vendor import Vendor
from seatwise.vendors import names

TARGET = Path(__file__).resolve().parent.parent / "docs" / "fields.md"
HEAD = """# Fields

Written from the code by `make docs`. For each argument: whether a create and an update take it, whether it is read
back, and how two values of it are compared when seatwise looks for changes. `None`, an absent value, an empty text and
an empty list are the same everywhere; `1` is `true`, and `3.0` is `3`.

- **create only**: a change is refused in preview, for the vendor has no way to make it. A change made by hand shows in
  the outputs and blocks nobody.
- **update only**: given for a new account, it is carried by an update inside the same create.
- **not read**: the vendor never returns it (or not always: see `help(<vendor>.User)`); it keeps its last declared
  value, and a change made by hand is not seen.
- **write-only**: sent once and kept nowhere; the state has a salted fingerprint.
- An argument that is removed from the program is no longer managed: the preview shows it as removed, nothing is sent,
  and the vendor keeps what it has.

Every account also has `on_existing` (`"fail"`, the default, or `"adopt"`) and `on_destroy` (`"deactivate"`, the
default, `"retain"`, and `"delete"` where the vendor can); no vendor sees them.
"""


def text() -> str:
    """The whole page."""
    return HEAD + "".join(section(name) for name in names())


def section(name: str) -> str:
    """One vendor's part of the page."""
    module = import_module(f"seatwise.vendors.{name}")
    vendor: type[Vendor] = module.VENDOR
    lines = documented(module.UserArgs) | documented(module.User)
    arguments = [item for item in vendor.schema.values() if item.takes and item.name not in AccountArgs.__annotations__]
    read_only = [item for item in vendor.schema.values() if not item.takes and item.readable]
    return "\n".join(
        [
            f"\n## {vendor.title}\n",
            "| argument | type | create | update | read | compared | |",
            "|---|---|---|---|---|---|---|",
            *(row(item, lines[item.name]) for item in arguments),
            "",
            "Outputs beside these: " + "; ".join(f"`{item.name}`: {lines[item.name]}" for item in read_only) + "\n",
        ]
    )


def row(item: Field, line: str) -> str:
    """One argument's line of the table."""
    needed = " (required)" if item.required or NEEDED_TO_CREATE in item.marks else ""
    cells = [
        f"`{item.name}`{needed}",
        type_name(item.type),
        carried(item, Takes.CREATE, item.wire.create),
        carried(item, Takes.UPDATE, item.wire.update),
        read(item),
        "by its fingerprint" if item.secret else item.compare.how,
        line,
    ]
    return "| " + " | ".join(cells) + " |"


def carried(item: Field, operation: Takes, wire: str | None) -> str:
    """The vendor's name in an operation."""
    if item.delta:
        return f"in `{item.delta.of}`"
    return f"`{wire}`" if item.takes & operation and wire else "no"


def read(item: Field) -> str:
    """The vendor's name in an answer, or why there is none."""
    if item.secret:
        return "write-only"
    if item.delta:
        return f"from `{item.delta.of}`"
    return "no" if UNREADABLE in item.marks else f"`{item.wire.read}`"


def type_name(annotation: Any) -> str:
    """A type as a program would write it."""
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f'`"{value}"`' for value in typing.get_args(annotation))
    return (
        f"`{annotation.__name__ if isinstance(annotation, type) and not typing.get_args(annotation) else annotation}`"
    )


def documented(declaration: type) -> dict[str, str]:
    """The annotated names of a class and of those in its file that it extends, each with the docstring below it."""
    module = inspect.getmodule(declaration)
    assert module
    tree = ast.parse(inspect.getsource(module))
    return _documented(declaration.__name__, {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)})


def _documented(name: str, classes: Mapping[str, ast.ClassDef]) -> dict[str, str]:
    if name not in classes:
        return {}
    lines: dict[str, str] = {}
    for base in classes[name].bases:
        lines |= _documented(base.id if isinstance(base, ast.Name) else "", classes)
    return lines | dict(_lines(classes[name]))


def _lines(declaration: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for line, below in zip(declaration.body, [*declaration.body[1:], ast.Pass()], strict=True):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(text, ast.Constant):
                yield line.target.id, " ".join(str(text.value).split())


if __name__ == "__main__":
    TARGET.write_text(text())
