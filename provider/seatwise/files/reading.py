"""Files of people, one row for each: reading, converting to a schema's types, and all problems with their places.

Values stay as they are written until the schema is known, which decides what is a number. Messages contain no values
except e-mails and names.
"""

import csv
import io
import math
import os
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pulumi import Output
from yaml.reader import Reader

from ..core.vendor.errors import InvalidMembers
from ..core.vendor.fields import LARGEST, Field, Problem, Schema, Values, close_to, folded, is_not_given
from ..core.vendor.text import printable

try:
    from yaml import CSafeLoader as _SafeLoader  # ten times as fast
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

NAME = "tag:yaml.org,2002:str"  # the YAML tag of text: names of arguments must be text
SEPARATOR = ";"
"""Separates the items of a list in one text: `Sales Rep; Setter`."""
MAX_DEPTH = 20
"""How deep lists and mappings may be nested in a YAML file; those of a person have five levels."""
MAX_NODES = 10_000
"""How many names and values one row of a YAML file may have; each use of an alias counts."""
COMMAS = (
    "has commas and no semicolon: a list is split at semicolons, such as `Sales Rep; Setter`; "
    "put a semicolon after an item that contains a comma"
)


class Row(dict[str, Any]):
    """The values of one row of a file, with the row's place."""

    def __init__(self, values: Mapping[str, Any], where: str, kind: str) -> None:
        super().__init__(values)
        self.where = where
        """The place, such as `team.csv, row 7`, with the line number that an editor shows."""
        self.kind = kind
        """The word for a name in such a file: `column` or `key`."""


@dataclass(frozen=True)
class FileSpec:
    """The kind of rows in a file, and the words for them in messages."""

    plural: str
    one: str
    columns: str
    """The columns that a CSV file must have, in backticks."""
    example: str
    error: type[InvalidMembers]

    @property
    def needed(self) -> list[str]:
        """The names in `columns`."""
        return re.findall(r"`(\w+)`", self.columns)


# --- from a file ------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], spec: FileSpec) -> list[Row]:
    """Return the rows of a file; raises `spec.error`, which names file and row.

    - `.csv`: UTF-8, commas, a header of names. Values are text; an empty cell is not given.
    - `.yaml`, `.yml`: a list of mappings.
    """
    try:
        file = Path(path)
    except TypeError:
        reason = f"the path of a file must be text, and is {type(path).__name__}"
        raise spec.error([f"{spec.plural}: {reason}"]) from None
    rows = _FORMATS.get(file.suffix.lower())
    if rows is None:
        raise spec.error([f"{path}: {spec.plural} are read from files that end in {', '.join(_FORMATS)}"])
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise spec.error([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise spec.error([f"{path}: is not in UTF-8; save it with that encoding"]) from None
    except ValueError:  # a null character, or a surrogate
        raise spec.error([f"{printable(f'{path}')}: cannot be the path of a file"]) from None
    return [*rows(text, str(path), spec)]


def not_empty(rows: list[Row], path: str | os.PathLike[str], spec: FileSpec) -> list[Row]:
    """Return the rows; raises `spec.error` if there are no rows: a truncated file would deprovision all accounts."""
    if not rows:
        raise spec.error([f"{path}: contains no rows; if that is intended, do not load this file"])
    return rows


def _from_csv(text: str, file: str, spec: FileSpec) -> Iterator[Row]:
    records = _records(text, file, spec)
    line, header = next(records, (1, []))
    columns = _columns(header, f"{file}, row {line}", spec)
    for line, cells in records:
        where = f"{file}, row {line}"
        if len(cells) != len(columns):  # a truncated row might deactivate an account
            counts = f"has {len(cells)} cell{'s' * (len(cells) != 1)}, but the header has {len(columns)}"
            remedy = "put a cell that contains a comma between quotes"
            if len(cells) < len(columns):
                remedy = "add commas for its empty cells at the end"
            raise spec.error([f"{where}: {counts}; {remedy}"])
        given = zip(columns, cells, strict=True)
        yield Row({column: cell for column, cell in given if cell.strip()}, where, "column")


def _records(text: str, file: str, spec: FileSpec) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank, each with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        remedy = 'put a cell that contains a quote between quotes, and double each of its own: "say ""hi"""'
        raise spec.error([f"{file}, row {begin}: is not valid CSV ({error}); {remedy}"]) from None


def _columns(header: list[str], where: str, spec: FileSpec) -> list[str]:
    columns = [cell.strip() for cell in header]
    if not {*spec.needed} <= {*columns}:
        # The message does not quote the cells: without a header they are a person's, perhaps with a password.
        raise spec.error([f"{where}: must be a header of column names with {spec.columns}, separated by commas"])
    if "" in columns:
        raise spec.error([f"{where}: column {columns.index('') + 1} has no name"])
    return _unique(columns, where, "column", spec)


def _unique(names: list[str], where: str, kind: str, spec: FileSpec) -> list[str]:
    """Return the names; raises `spec.error` if one appears twice."""
    repeats = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeats:
        raise spec.error([f"{where}: {kind} {safe_name(name)} appears twice" for name in repeats])
    return names


class _Loader(_SafeLoader):
    """A YAML loader that keeps a number or date as text if converting would change its spelling."""


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> int | float | str | None:
    """Return the number, or its text if the number is spelt otherwise: `007`, `1_000`, `1.50`. `.nan` is None."""
    text = str(loader.construct_scalar(node))
    if text.lower() == ".nan":
        return None
    for number in (int, float):
        with suppress(ValueError):
            if str(number(text)) == text:
                return number(text)
    return text


for _tag in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _as_written)


def _from_yaml(text: str, file: str, spec: FileSpec) -> Iterator[Row]:
    try:
        _check_depth(text, file, spec)
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise spec.error([f"{file}: must be a list of {spec.plural}, each beginning like `- {spec.example}`"])
        extents: dict[int, _Extent] = {}
        for node in root.value:
            if not _extent(node, extents).is_within_limits:
                limits = f"more than {MAX_DEPTH} levels deep or has more than {MAX_NODES:,} names and values"
                where = f"{file}, line {node.start_mark.line + 1}"
                raise spec.error([f"{where}: is nested {limits}, including its aliases"])
        for mapping in _mappings(root):  # before merge keys add names to them
            keys = [key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)]
            _unique(keys, f"{file}, line {mapping.start_mark.line + 1}", "key", spec)
        for node in root.value:
            yield _row(loader, node, f"{file}, line {node.start_mark.line + 1}", spec)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # The parser quotes a part of the file, which may be a password that begins with a sign.
        problem = re.sub(r"""(['"]).*\1""", "…", error.problem or "")
        remedy = "put text that begins with a sign or contains a colon between quotes"
        raise spec.error([f"{file}, line {line}: is not valid YAML ({problem}); {remedy}"]) from None
    except yaml.YAMLError:
        first = Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, first.start() if first else 0) + 1
        raise spec.error([f"{file}, line {line}: has a character that YAML does not allow"]) from None


def _check_depth(text: str, file: str, spec: FileSpec) -> None:
    """Raise `spec.error` if the file is nested so deeply that loading would end in Python's RecursionError."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise spec.error(
                [f"{file}, line {line}: is nested more than {MAX_DEPTH} levels deep, too deep for a {spec.one}"]
            )


class _Extent(NamedTuple):
    """The depth and size of a node, with each use of an alias counted."""

    depth: int
    nodes: int

    @property
    def is_within_limits(self) -> bool:
        return self.depth <= MAX_DEPTH and self.nodes <= MAX_NODES


ENDLESS = _Extent(MAX_DEPTH + 1, MAX_NODES + 1)


def _extent(node: yaml.Node, known: dict[int, _Extent]) -> _Extent:
    """Return the extent of a node; `known` caches extents by node id. A node that contains itself is `ENDLESS`."""
    if isinstance(node, yaml.ScalarNode):
        return _Extent(0, 1)
    if id(node) not in known:
        known[id(node)] = ENDLESS
        is_mapping = isinstance(node, yaml.MappingNode)
        inner = [each for pair in node.value for each in pair] if is_mapping else node.value
        parts = [_extent(each, known) for each in inner]
        known[id(node)] = _Extent(
            1 + max((each.depth for each in parts), default=0), 1 + sum(each.nodes for each in parts)
        )
    return known[id(node)]


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Yield all mappings, each once even if aliases refer to it."""
    waiting, met = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            yield node
            inner = [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        new = [each for each in inner if id(each) not in met and not isinstance(each, yaml.ScalarNode)]
        met.update(map(id, new))
        waiting += reversed(new)


def _row(loader: _Loader, node: yaml.Node, where: str, spec: FileSpec) -> Row:
    if not isinstance(node, yaml.MappingNode):
        raise spec.error([f"{where}: must be a {spec.one}'s arguments, such as `{spec.example}`"])
    loader.flatten_mapping(node)  # resolves `<<: *others`
    if not all(key.tag == NAME for key, _ in node.value):
        raise spec.error([f"{where}: its keys must be names of arguments"])
    return Row({key.value: loader.construct_object(value, deep=True) for key, value in node.value}, where, "key")


_FORMATS: Mapping[str, Callable[[str, str, FileSpec], Iterator[Row]]] = {
    ".csv": _from_csv,
    ".yaml": _from_yaml,
    ".yml": _from_yaml,
}


# --- in a schema's types ----------------------------------------------------------------------


Rules = Callable[[Values, frozenset[str]], Iterable[Problem]]
"""A vendor's rules about several arguments: known values and the names of all given ones in, problems out."""


def _no_rules(values: Values, given: frozenset[str]) -> Iterable[Problem]:
    return ()


def converted(
    schema: Schema, row: Mapping[str, Any], rules: Rules = _no_rules, *, is_complete: bool = True
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the given values, converted to the schema's types where they are known and valid, and the problems.

    Text loses the spaces around it (a secret does not), a text for a list is split at `;`, and a number for a text
    field becomes text, `1042.0` the same as `1042`. An empty spreadsheet cell (NaN) counts as not given. With
    `is_complete` false, required values may be missing.
    """
    given = {name: value for name, value in row.items() if not is_not_given(value)}
    known = {name: _read(schema.get(name), value) for name, value in given.items() if is_known(value)}
    later = frozenset(given) - frozenset(known)
    values, problems = schema.check(known, later if is_complete else frozenset(schema), new=False)
    commas = [name for name, value in known.items() if _has_commas(schema.get(name), given[name])]
    problems = [each for each in problems if each.field not in commas] + [Problem(name, COMMAS) for name in commas]
    problems += rules(values, frozenset(values) | later)
    return {name: values.get(name, value) for name, value in given.items()}, problems


def is_known(value: Any) -> bool:
    """Return whether neither the value nor a part of it is an output of another resource."""
    if isinstance(value, list | tuple):
        return all(map(is_known, value))
    return not isinstance(value, Output | Awaitable)


def _read(field: Field | None, value: Any) -> Any:
    """Return the value in a form that the schema accepts."""
    if field is None or (field.secret and isinstance(value, str)):
        return value
    wanted = _type(field)
    if typing.get_origin(wanted) is not list:
        return _item(wanted, value)
    if isinstance(value, str):
        return [item for item in map(str.strip, value.split(SEPARATOR)) if item]
    (kind,) = typing.get_args(wanted)
    return [_item(kind, item) for item in value] if isinstance(value, list) else value


def _has_commas(field: Field | None, value: Any) -> bool:
    """Return whether the value is a text for a list field that has commas and no semicolon."""
    is_list = field is not None and typing.get_origin(_type(field)) is list
    return is_list and isinstance(value, str) and "," in value and SEPARATOR not in value


def _item(wanted: Any, value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return _as_text(value) if wanted is str else value


def _as_text(value: Any) -> Any:
    """Return a number as text; another value, or a float too large to be exact, is returned unchanged."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value) or abs(value) > LARGEST:
        return value
    return str(int(value)) if value.is_integer() else str(value)


def _type(field: Field) -> Any:
    """Return the field's type without its annotations."""
    return typing.get_args(field.type)[0] if typing.get_origin(field.type) is Annotated else field.type


# --- problems ---------------------------------------------------------------------------------


class Place(NamedTuple):
    """The place where a person is declared, and the word for a name there: `column`, `key` or `argument`."""

    where: str
    kind: str


def line(place: Place, problem: Problem, row: Mapping[str, Any]) -> str:
    """Return a line with a problem and its place."""
    is_flag = place.kind == "key" and isinstance(row.get(problem.field), bool)
    hint = "; put a word that YAML reads as a flag (yes, no, on, off) between quotes" if is_flag else ""
    return f"{place.where}, {place.kind} {problem.field}: {problem.reason}{hint}"


def unknown_names(rows: Iterable[Mapping[str, Any]], places: Iterable[Place], arguments: Iterable[str]) -> list[str]:
    """Return a line for each name that is not an argument, with the place of its first use."""
    known = {*arguments}
    found: dict[tuple[str, str], list[str]] = {}
    for row, place in zip(rows, places, strict=True):
        for name in row:
            if name not in known:
                found.setdefault((place.kind, name), []).append(place.where)
    return [_unknown_name(kind, name, where, known) for (kind, name), where in found.items()]


def _unknown_name(kind: str, name: str, where: list[str], arguments: Iterable[str]) -> str:
    others = f" ({len(where):,} times)" if len(where) > 1 else ""
    return f"{where[0]}, {kind} {safe_name(name)}: is not an argument{close_to(safe_name(name), arguments)}{others}"


def repeated(
    rows: Iterable[Mapping[str, Any]], places: Iterable[Place], name: str, key: Callable[[str], str] = folded
) -> list[str]:
    """Return a line for each row whose value of `name` an earlier row has too, compared by `key`."""
    first: dict[str, str] = {}
    lines: list[str] = []
    for row, (where, kind) in zip(rows, places, strict=True):
        value = row.get(name)
        if not isinstance(value, str):
            continue
        if key(value) in first:
            lines.append(f"{where}, {kind} {name}: {value} already appears in {first[key(value)]}")
        first.setdefault(key(value), where)
    return lines


def safe_name(name: str) -> str:
    """Return the part of a name that looks like a name: YAML reads `{password:secret}` (no space) as one name."""
    plain = re.match(r"[\w. -]{0,40}", name)
    assert plain
    return name if plain[0] == name else f"{plain[0]}…"
