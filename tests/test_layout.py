"""The layout: which room may import which, and what a new vendor needs."""

import ast
import importlib.util
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import combinations
from pathlib import Path

import pytest

import seatwise
from seatwise.core.account import properties as account_keys
from seatwise.core.team import properties as team_keys
from seatwise.vendors import names

PACKAGE = Path(seatwise.__file__).parent
VENDOR_NAMES = {*names()}


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports, those of this package as `seatwise.core.vendor.fields`."""
    package = ["seatwise", *path.relative_to(PACKAGE).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            found |= {".".join([*base, *filter(None, [node.module]), each.name]) for each in node.names}
    return found


def imported_by(folder: str) -> set[str]:
    return {name for path in (PACKAGE / folder).rglob("*.py") for name in imports(path)}


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("core", ("httpx", "pulumi", "anyio", "sqlite3", "seatwise.wire", "seatwise.vendors", "seatwise.dynamic")),
        ("wire", ("pulumi", "seatwise.vendors", "seatwise.dynamic", "seatwise.resources.user")),
        ("vendors", ("httpx", "anyio", "sqlite3", "seatwise.dynamic", "seatwise.sandbox")),
        ("sandbox", ("httpx", "pulumi", "seatwise.core", "seatwise.wire", "seatwise.vendors")),
    ],
)
def test_reading_order_is_dependency_order(folder: str, forbidden: tuple[str, ...]) -> None:
    assert [name for name in imported_by(folder) if name.startswith(forbidden)] == []


def test_only_the_wire_speaks_http() -> None:
    users = {path.parent.name for path in PACKAGE.rglob("*.py") if any(i.startswith("httpx") for i in imports(path))}
    assert users == {"wire"}


def test_a_program_without_look_ups_imports_no_http_client() -> None:
    """Its import takes as long as that of the whole package."""
    program = "import sys, seatwise; assert 'httpx' not in sys.modules"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_no_shared_file_knows_a_vendor() -> None:
    """Only a vendor's own files and the package's list of imports mention it in code."""
    for path in PACKAGE.rglob("*.py"):
        if path.stem in VENDOR_NAMES or path == PACKAGE / "__init__.py":
            continue
        code = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        used = {text for text in code if isinstance(text, str) and text in VENDOR_NAMES}
        assert used == set(), path


@pytest.mark.parametrize("statement", ["from seatwise import okta", "import seatwise.okta"])
def test_an_unknown_vendor_is_an_error_that_lists_the_vendors(statement: str) -> None:
    with pytest.raises(ImportError, match=r"^seatwise has no vendor okta; there are .*enerflo, .*nexudus, .*tenovos"):
        exec(statement)


def test_a_name_without_a_vendor_is_not_an_attribute() -> None:
    assert not hasattr(seatwise, "okta")
    assert importlib.util.find_spec("seatwise.__nothing__") is None


def test_a_vendor_can_be_imported_below_the_package() -> None:
    """One program for all vendors: starting one takes longer than running it."""
    program = "import sys, seatwise\n" + "".join(
        f"import seatwise.{name}, seatwise.{name} as again\n"
        f"from seatwise.{name} import User\n"
        f"one = sys.modules['seatwise.vendors.{name}']\n"
        f"assert seatwise.{name} is again is one and again.User is User\n"
        f"assert one.__spec__.name == one.__name__ == 'seatwise.vendors.{name}'\n"
        for name in sorted(VENDOR_NAMES)
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


# --- rooms ------------------------------------------------------------------------------------

ROOMS = (
    "core.vendor", "core.account", "core.team", "core.membership", "core.queries", "core.rehearsal", "wire",
    "vendors.__init__", "dynamic", "files.reading", "files.members", "resources", "files", "vendors", "sandbox", "",
    "cli", "__main__",
)  # fmt: skip
"""From the ground: a module imports from its own room and from the rooms before it. The empty one is the package."""
KEYS = {
    "__declared", "__as_declared", "__revision", "__tenant", "__owner", "__seen", "__leaving", "__failed_in", "__run",
}  # fmt: skip
KEEPERS = {"core/account/properties.py", "core/team/properties.py"}
"""The files that know the internal keys of an account and of a team."""


def modules() -> dict[str, Path]:
    """All modules by their name below the package; a package itself is its `__init__`."""
    paths = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    return {".".join(path.with_suffix("").parts): PACKAGE / path for path in paths}


def module_graph() -> dict[str, set[str]]:
    """The modules of the package that each of them imports; those for type checking and in functions count."""
    known = modules()

    def target(name: str) -> str:
        inner = name.removeprefix("seatwise").removeprefix(".")
        while inner and inner not in known and f"{inner}.__init__" not in known:
            inner = inner.rpartition(".")[0]
        return inner if inner in known else f"{inner}.__init__".removeprefix(".")

    return {
        name: {target(each) for each in imports(path) if each.partition(".")[0] == "seatwise"} - {name}
        for name, path in known.items()
    }


def room(module: str) -> str:
    """The room of a module: the longest name of one that it begins with."""
    return max((each for each in ROOMS if f"{module}.".startswith(f"{each}.") or not each), key=len)


@pytest.mark.parametrize("name", sorted(name for name in modules() if name.endswith(".__init__")))
def test_a_room_names_its_files_in_reading_order(name: str) -> None:
    """The files of vendors and of commands are of a kind: the docstring need not name them."""
    room, file = name.removesuffix("__init__"), modules()[name]
    files = {each.removeprefix(room).partition(".")[0] for each in modules() if each.startswith(room)} - {"__init__"}
    of_a_kind = VENDOR_NAMES | {each for each in files if f"seatwise.{room}{each}" in imports(file)}
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    assert files - of_a_kind - set(re.findall(r"`(\w+)`", text)) == set()

    order = [each for part in text.split("\n\n") if part.startswith("Read") for each in re.findall(r"`(\w+)`", part)]
    assert set(order) <= files
    graph = module_graph()
    assert [pair for pair in combinations(order, 2) if room + pair[1] in graph.get(room + pair[0], ())] == []


def test_no_import_goes_in_a_circle() -> None:
    list(TopologicalSorter(module_graph()).static_order())


def test_no_room_imports_from_one_above_it() -> None:
    upward = [
        f"{name} imports {each}"
        for name, imported in module_graph().items()
        for each in imported
        if ROOMS.index(room(each)) > ROOMS.index(room(name))
    ]
    assert upward == []


def test_no_other_file_knows_an_internal_key() -> None:
    constants = [*vars(account_keys).items(), *vars(team_keys).items()]
    names = {name for name, value in constants if isinstance(value, str) and value in KEYS}
    assert names == {"DECLARED", "AS_DECLARED", "REVISION", "TENANT", "OWNER", "SEEN", "LEAVING", "FAILED_IN", "RUN"}
    for name, path in modules().items():
        if path.relative_to(PACKAGE).as_posix() in KEEPERS:
            continue
        texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert [each for each in texts if isinstance(each, str) and each in KEYS] == [], name
        keys = {f"seatwise.core.{room}.properties.{key}" for room in ("account", "team") for key in names}
        assert imports(path) & keys == set(), name
