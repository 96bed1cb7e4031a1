"""Write the tables of docs/ from the code and benchmarks/results.md, and the example into docs/adding-a-vendor.md.

Run it with `make docs`. What people write stays: only the text between the markers
`<!-- name:begin -->` and `<!-- name:end -->` is replaced. A vendor without a page gets one.
"""

import ast
import inspect
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import SecretStr

from seatwise.core.vendor.fields import NEEDED_TO_CREATE, UNREADABLE, VOLATILE, Field, Takes, keys_of
from seatwise.core.vendor.vendor import Limit, Vendor
from seatwise.resources.fields import declared_arguments
from seatwise.resources.provider import KeyArgs, LoginArgs, TenantArgs
from seatwise.resources.user import AccountArgs, UserResource
from seatwise.vendors import module_named, names
from seatwise.wire.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
EXAMPLE = DOCS / "examples" / "vendors" / "acme.py"
RESULTS = DOCS.parent / "benchmarks" / "results.md"
PAGE = """# {title}

How to manage the users of {title}: credentials, every field, and what is special.

{about}

{parts}
"""


def pages() -> dict[Path, str]:
    """Return each page that contains parts from the code, as it must be."""
    vendors = {DOCS / "vendors" / f"{name}.md": vendor_page(name) for name in names()}
    parts = {
        DOCS / "adding-a-vendor.md": {"example": f"```python\n{EXAMPLE.read_text()}```"},
        DOCS / "settings.md": {"vendors": settings_of_all()},
        DOCS / "scaling.md": {"beside": between("beside", RESULTS.read_text(), RESULTS)},
    }
    return vendors | {path: filled(path.read_text(), part, path) for path, part in parts.items()}


def vendor_page(name: str) -> str:
    """Return a vendor's page: the written text with the current tables."""
    path = DOCS / "vendors" / f"{name}.md"
    module = module_named(name)
    text = path.read_text() if path.exists() else skeleton(module)
    own: dict[str, str] = module.tables() if hasattr(module, "tables") else {}
    return filled(text, {part.__name__: part(module) for part in (settings, arguments, outputs)} | own, path)


def skeleton(module: ModuleType) -> str:
    """Return a page for a vendor without one: its module's docstring, and empty tables."""
    names = [part.__name__ for part in (settings, arguments, outputs)]
    parts = (f"## {name.capitalize()}\n\n<!-- {name}:begin -->\n<!-- {name}:end -->" for name in names)
    return PAGE.format(title=module.VENDOR.title, about=inspect.getdoc(module), parts="\n\n".join(parts))


def filled(text: str, parts: Mapping[str, str], path: Path) -> str:
    """Return the text with each part between its markers; raises ValueError if markers are missing."""
    for name, part in parts.items():
        begin, end = markers(name, text, path)
        before, rest = text.split(begin, 1)
        text = f"{before}{begin}\n{part}\n{end}{rest.split(end, 1)[1]}"
    return text


def markers(name: str, text: str, path: Path) -> tuple[str, str]:
    """Return the markers around a part of a text; raises ValueError if they are missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if begin not in text or end not in text:
        raise ValueError(f"{path} must have the lines {begin} and {end}")
    return begin, end


def between(name: str, text: str, path: Path) -> str:
    """Return the part of a text between its markers."""
    begin, end = markers(name, text, path)
    return text.split(begin, 1)[1].split(end, 1)[0].strip("\n")


def settings_of_all() -> str:
    """Return the table of all vendors with the environment variables of their own settings."""
    rows = (
        f"| [{module_named(name).VENDOR.title}](vendors/{name}.md#settings) | {', '.join(variables(name))} |"
        for name in names()
    )
    return "\n".join(["| vendor | environment |", "|---|---|", *rows])


def variables(name: str) -> Iterator[str]:
    """Return the environment variables of a vendor's own settings, as Markdown."""
    kind: type[Settings] = module_named(name).VENDOR.settings_type
    return (f"`{kind.variable(each)}`" for each in own_settings(kind))


def own_settings(kind: type[Settings]) -> list[str]:
    """Return the names of the settings that differ from vendor to vendor."""
    return ["base_url", *(name for name in kind.model_fields if name not in Settings.model_fields)]


def settings(module: ModuleType) -> str:
    """Return the table of the vendor's own settings, and its limits."""
    vendor: type[Vendor] = module.VENDOR
    kind: type[Settings] = vendor.settings_type
    shared = documented(TenantArgs) | documented(KeyArgs) | documented(LoginArgs)
    lines = shared | documented(getattr(module, "ProviderArgs", TenantArgs)) | documented(kind)
    rows = [
        f"| `{kind.variable(name)}` | `{kind.config_key(name)}` | {default(kind, name)} | {lines.get(name, '')} |"
        for name in own_settings(kind)
    ]
    table = ["| environment | Pulumi config | default | |", "|---|---|---|---|", *rows]
    return "\n".join([*table, "", f"Requests are paced: {paced(limits_of(vendor))}."])


def default(kind: type[Settings], name: str) -> str:
    """Return the default of a setting, as text."""
    field = kind.model_fields[name]
    if field.is_required():
        return "none: required"
    return f"`{field.default}`" if field.default is not None and not isinstance(field.default, SecretStr) else ""


def limits_of(vendor: type[Vendor]) -> tuple[Limit, ...] | None:
    """Return the limits of a vendor; None if they depend on the settings."""
    limits: object = inspect.getattr_static(vendor, "limits")
    if isinstance(limits, property):
        return () if limits is vars(Vendor)["limits"] else None
    return vendor.limits  # type: ignore[return-value]


def paced(limits: tuple[Limit, ...] | None) -> str:
    """Return the rate limits that apply by default, as text."""
    if limits is None:
        return "as the settings say"
    if not limits:
        return "no limit is documented, so none is kept to before the vendor asks for it"
    told = (
        f"at most {limit.requests} {'writing ' if limit.writes else ''}"
        f"{' or '.join(limit.verbs)}{' ' * bool(limit.verbs)}request{'s' * (limit.requests > 1)} "
        f"in {limit.seconds:g} seconds{f', {limit.burst} at once' if limit.burst else ''}"
        for limit in limits
    )
    return ", ".join(told)


def arguments(module: ModuleType) -> str:
    """Return the table of arguments."""
    lines = documented(module.UserArgs)
    taken = [item for item in fields_of(module) if item.takes and item.name not in declared_arguments(AccountArgs)]
    head = ["| argument | type | create | update | read | compared | |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *(row(item, lines[item.name]) for item in taken)])


def outputs(module: ModuleType) -> str:
    """Return the table of outputs that are not arguments."""
    lines = documented(module.User)
    read_only = [item for item in fields_of(module) if not item.takes and item.is_readable]
    return "\n".join(
        [
            "| output | type | read | |",
            "|---|---|---|---|",
            "| `id` | `str` | | The vendor's id of the account. |",
            *(f"| `{name}` | `bool` | | {line} |" for name, line in documented(UserResource).items()),
            *(output_row(item, lines[item.name]) for item in read_only),
        ]
    )


def output_row(item: Field, line: str) -> str:
    """Return the table's line for one output."""
    return f"| `{item.name}` | {type_name(item.type)} | `{item.wire.read}` | {line} |"


def fields_of(module: ModuleType) -> list[Field]:
    """Return the vendor's fields in the order of their declaration."""
    vendor: type[Vendor] = module.VENDOR
    return [*vendor.schema.values()]


def row(item: Field, line: str) -> str:
    """Return the table's line for one argument."""
    needed = " (required)" if item.required or NEEDED_TO_CREATE in item.marks else ""
    left_out = " Not part of an import: it changes as the account is used." if VOLATILE in item.marks else ""
    cells = [
        f"`{item.name}`{needed}",
        type_name(item.type),
        carried(item, Takes.CREATE, item.wire.create),
        carried(item, Takes.UPDATE, item.wire.update),
        read(item),
        "by its fingerprint" if item.secret else item.compare.how,
        line + left_out,
    ]
    return "| " + " | ".join(cells) + " |"


def carried(item: Field, operation: Takes, wire: str | None) -> str:
    """Return the field's name in a request, as text."""
    if item.delta:
        return f"in `{item.delta.of}`"
    return f"`{plain(wire)}`" if item.takes & operation and wire else "no"


def plain(wire: str) -> str:
    """Return a name on the wire without the marks of dots that are part of a key, and long keys by their end."""
    keys = keys_of(wire)
    return ".".join(key.rpartition(":extension:")[2] for key in keys)


def read(item: Field) -> str:
    """Return the field's name in an answer, or why it has no name there, as text."""
    if item.secret:
        return "write-only"
    if item.delta:
        return f"from `{item.delta.of}`"
    return "no" if UNREADABLE in item.marks else f"`{plain(item.wire.read or '')}`"


def type_name(annotation: Any) -> str:
    """Return a type as a program would write it."""
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f'`"{value}"`' for value in typing.get_args(annotation))
    if "typing." in str(annotation):
        return f"`{annotation}`".replace("typing.", "")
    return (
        f"`{annotation.__name__ if isinstance(annotation, type) and not typing.get_args(annotation) else annotation}`"
    )


def documented(declaration: type) -> dict[str, str]:
    """Return the annotated names of a class and of its bases in the same file, each with its docstring."""
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
    for path, text in pages().items():
        path.write_text(text)
