"""People in files, one row each: what is read, the values in a schema's types, and all that is wrong and where.

What a file says stays as it is written until the schema is known, which decides what is a number.
No message holds a value, but e-mails and names.
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
from ..core.vendor.fields import LARGEST, Field, Problem, Schema, Values, close_to, folded, is_missing
from ..core.vendor.text import printable

try:
    from yaml import CSafeLoader as _SafeLoader  # ten times as fast
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

NAME = "tag:yaml.org,2002:str"  # the only keys that name arguments
SEPARATOR = ";"
"""What stands between the items of a list in one text: `Sales Rep; Setter`."""
DEEPEST = 20
"""How deep lists and mappings may be in one another in a YAML file; a person's are five deep."""
MOST_NODES = 10_000
"""How many names and values one row of a YAML file may have; what it refers to again counts again."""
COMMAS = (
    "has commas and no semicolon: a list is split at semicolons, such as `Sales Rep; Setter`; "
    "after an item that has a comma in it put a semicolon"
)


class Row(dict[str, Any]):
    """One person as a file says it, which remembers where it stands."""

    def __init__(self, values: Mapping[str, Any], where: str, kind: str) -> None:
        super().__init__(values)
        self.where = where
        """Such as `team.csv, row 7`, with the line that an editor shows."""
        self.kind = kind
        """What a name is called in such a file: `column` or `key`."""


@dataclass(frozen=True)
class Listed:
    """What a file lists, in the words of its messages."""

    plural: str
    one: str
    columns: str
    """The columns that a CSV file must have, told with backticks; the first is the first of a YAML mapping."""
    example: str
    error: type[InvalidMembers]

    @property
    def needed(self) -> list[str]:
        """The names in `columns`."""
        return re.findall(r"`(\w+)`", self.columns)


# --- from a file ------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], listed: Listed) -> list[Row]:
    """The rows of a file; raises the listed things' error naming file and row.

    - `.csv`: UTF-8, commas, a header of names. Values are text; an empty cell is not given.
    - `.yaml`, `.yml`: a list of mappings.
    """
    try:
        file = Path(path)
    except TypeError:
        reason = f"the path of a file must be text, and is {type(path).__name__}"
        raise listed.error([f"{listed.plural}: {reason}"]) from None
    rows = _FORMATS.get(file.suffix.lower())
    if rows is None:
        raise listed.error([f"{path}: {listed.plural} are read from files that end in {', '.join(_FORMATS)}"])
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise listed.error([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise listed.error([f"{path}: is not in UTF-8; save it with that encoding"]) from None
    except ValueError:  # a null character, or half of one
        raise listed.error([f"{printable(f'{path}')}: cannot be the path of a file"]) from None
    return [*rows(text, str(path), listed)]


def some(rows: list[Row], path: str | os.PathLike[str], listed: Listed) -> list[Row]:
    """The rows of a file; raises the error where there are none: it may have been cut, and everybody would leave."""
    if not rows:
        raise listed.error([f"{path}: names nobody; if nobody is meant, do not read it"])
    return rows


def _from_csv(text: str, file: str, listed: Listed) -> Iterator[Row]:
    records = _records(text, file, listed)
    line, header = next(records, (1, []))
    columns = _columns(header, f"{file}, row {line}", listed)
    for line, cells in records:
        where = f"{file}, row {line}"
        if len(cells) != len(columns):  # a row that was cut might retire somebody
            counts = f"has {len(cells)} cell{'s' * (len(cells) != 1)}, but the header has {len(columns)}"
            remedy = "put a cell with a comma in it between quotes"
            if len(cells) < len(columns):
                remedy = "put the commas of its empty cells at its end"
            raise listed.error([f"{where}: {counts}; {remedy}"])
        given = zip(columns, cells, strict=True)
        yield Row({column: cell for column, cell in given if cell.strip()}, where, "column")


def _records(text: str, file: str, listed: Listed) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        remedy = 'a cell that has a quote in it stands between quotes, with each of its own doubled: "say ""hi"""'
        raise listed.error([f"{file}, row {begin}: is no CSV ({error}); {remedy}"]) from None


def _columns(header: list[str], where: str, listed: Listed) -> list[str]:
    columns = [cell.strip() for cell in header]
    if not {*listed.needed} <= {*columns}:
        # The cells are not told: where a header lacks, they are a person's, with a password perhaps.
        raise listed.error([f"{where}: must name the columns, {listed.columns} among them, with commas between them"])
    if "" in columns:
        raise listed.error([f"{where}: column {columns.index('') + 1} has no name"])
    return _once(columns, where, "column", listed)


def _once(names: list[str], where: str, kind: str, listed: Listed) -> list[str]:
    """The names; raises the error if one is there twice."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise listed.error([f"{where}: {kind} {shown(name)} is there twice" for name in twice])
    return names


class _Loader(_SafeLoader):
    """YAML whose numbers and dates stay text where they would come back in another spelling."""


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> int | float | str | None:
    """The number, or its text where that says more: `007`, `1_000`, `12:30`, `1.50`. `.nan` is no value."""
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


def _from_yaml(text: str, file: str, listed: Listed) -> Iterator[Row]:
    try:
        _see_depth(text, file, listed)
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise listed.error([f"{file}: must be a list of {listed.plural}, each beginning like `- {listed.example}`"])
        extents: dict[int, _Extent] = {}
        for node in root.value:
            if not _extent(node, extents).is_fit:
                most = f"more than {DEEPEST} deep or holds more than {MOST_NODES:,} names and values"
                where = f"{file}, line {node.start_mark.line + 1}"
                raise listed.error([f"{where}: is nested {most}, with all that it refers to"])
        for mapping in _mappings(root):  # before anything is merged into them
            keys = [key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)]
            _once(keys, f"{file}, line {mapping.start_mark.line + 1}", "key", listed)
        for node in root.value:
            yield _row(loader, node, f"{file}, line {node.start_mark.line + 1}", listed)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # What is quoted is a piece of the file, of a password perhaps that begins with a sign.
        problem = re.sub(r"""(['"]).*\1""", "…", error.problem or "")
        remedy = "text with a sign at its beginning or a colon in it stands between quotes"
        raise listed.error([f"{file}, line {line}: is no YAML ({problem}); {remedy}"]) from None
    except yaml.YAMLError:
        first = Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, first.start() if first else 0) + 1
        raise listed.error([f"{file}, line {line}: has a character that YAML does not allow"]) from None


def _see_depth(text: str, file: str, listed: Listed) -> None:
    """See that nothing is nested so deeply that reading it would end in an error of Python's own."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise listed.error([f"{file}, line {line}: is nested more than {DEEPEST} deep, and a {listed.one} is not"])


class _Extent(NamedTuple):
    """How deep and how large a node is with all that it refers to, as often as it does."""

    depth: int
    nodes: int

    @property
    def is_fit(self) -> bool:
        return self.depth <= DEEPEST and self.nodes <= MOST_NODES


ENDLESS = _Extent(DEEPEST + 1, MOST_NODES + 1)


def _extent(node: yaml.Node, known: dict[int, _Extent]) -> _Extent:
    """The extent of a node; `known` has those that were met. One that refers to itself is endless."""
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
    """All mappings, each once though others refer to it."""
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


def _row(loader: _Loader, node: yaml.Node, where: str, listed: Listed) -> Row:
    if not isinstance(node, yaml.MappingNode):
        raise listed.error([f"{where}: must be a {listed.one}'s arguments, such as `{listed.example}`"])
    loader.flatten_mapping(node)  # what `<<: *others` stands for
    if not all(key.tag == NAME for key, _ in node.value):
        raise listed.error([f"{where}: its keys must be names of arguments"])
    return Row({key.value: loader.construct_object(value, deep=True) for key, value in node.value}, where, "key")


_FORMATS: Mapping[str, Callable[[str, str, Listed], Iterator[Row]]] = {
    ".csv": _from_csv,
    ".yaml": _from_yaml,
    ".yml": _from_yaml,
}


# --- in a schema's types ----------------------------------------------------------------------


Rules = Callable[[Values, frozenset[str]], Iterable[Problem]]
"""What is wrong with known values together; the names of those that come later are given as well."""


def _no_rules(values: Values, given: frozenset[str]) -> Iterable[Problem]:
    return ()


def checked(
    schema: Schema, row: Mapping[str, Any], rules: Rules = _no_rules, *, is_complete: bool = True
) -> tuple[dict[str, Any], list[Problem]]:
    """What is given, in the schema's types where it is known and good, and what is wrong with the others.

    Text is taken without the spaces around it (a secret is not touched), a text for a list is split at
    `;`, and where text is wanted a number becomes it, `1042.0` the same as `1042`. An empty cell of a
    spreadsheet (NaN) is not given. A row that is not complete may lack what is required.
    """
    given = {name: value for name, value in row.items() if not is_missing(value)}
    known = {name: _read(schema.get(name), value) for name, value in given.items() if is_known(value)}
    later = frozenset(given) - frozenset(known)
    values, problems = schema.check(known, later if is_complete else frozenset(schema), new=False)
    commas = [name for name, value in known.items() if _has_commas(schema.get(name), given[name])]
    problems = [each for each in problems if each.field not in commas] + [Problem(name, COMMAS) for name in commas]
    problems += rules(values, frozenset(values) | later)
    return {name: values.get(name, value) for name, value in given.items()}, problems


def is_known(value: Any) -> bool:
    """Whether a value is no output of another resource, throughout."""
    if isinstance(value, list | tuple):
        return all(map(is_known, value))
    return not isinstance(value, Output | Awaitable)


def _read(field: Field | None, value: Any) -> Any:
    """The value as the schema can take it."""
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
    """Whether one text for a list looks like one that is split at commas."""
    is_list = field is not None and typing.get_origin(_type(field)) is list
    return is_list and isinstance(value, str) and "," in value and SEPARATOR not in value


def _item(wanted: Any, value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return _as_text(value) if wanted is str else value


def _as_text(value: Any) -> Any:
    """A number as people write it; what is none, or has lost digits as a float, stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value) or abs(value) > LARGEST:
        return value
    return str(int(value)) if value.is_integer() else str(value)


def _type(field: Field) -> Any:
    """The field's type without its markers."""
    return typing.get_args(field.type)[0] if typing.get_origin(field.type) is Annotated else field.type


# --- what is wrong ----------------------------------------------------------------------------


class Place(NamedTuple):
    """Where a person is declared, and what a name is called there."""

    where: str
    kind: str


def line(place: Place, problem: Problem, row: Mapping[str, Any]) -> str:
    """A problem and where it is."""
    is_flag = place.kind == "key" and isinstance(row.get(problem.field), bool)
    hint = "; a word that YAML takes for a flag (yes, no, on, off) stands between quotes" if is_flag else ""
    return f"{place.where}, {place.kind} {problem.field}: {problem.reason}{hint}"


def strangers(rows: Iterable[Mapping[str, Any]], places: Iterable[Place], arguments: Iterable[str]) -> list[str]:
    """A line for each name that is no argument, where it stands first."""
    known = {*arguments}
    found: dict[tuple[str, str], list[str]] = {}
    for row, place in zip(rows, places, strict=True):
        for name in row:
            if name not in known:
                found.setdefault((place.kind, name), []).append(place.where)
    return [_stranger(kind, name, where, known) for (kind, name), where in found.items()]


def _stranger(kind: str, name: str, where: list[str], arguments: Iterable[str]) -> str:
    others = f" ({len(where):,} times)" if len(where) > 1 else ""
    return f"{where[0]}, {kind} {shown(name)}: is no argument{close_to(shown(name), arguments)}{others}"


def twice(
    rows: Iterable[Mapping[str, Any]], places: Iterable[Place], name: str, key: Callable[[str], str] = folded
) -> list[str]:
    """A line for each row whose value an earlier one has, as `key` makes them comparable."""
    first: dict[str, str] = {}
    lines: list[str] = []
    for row, (where, kind) in zip(rows, places, strict=True):
        value = row.get(name)
        if not isinstance(value, str):
            continue
        if key(value) in first:
            lines.append(f"{where}, {kind} {name}: {value} stands in {first[key(value)]} already")
        first.setdefault(key(value), where)
    return lines


def shown(name: str) -> str:
    """A name as far as it looks like one: `{password:secret}` without a space is a name to YAML."""
    plain = re.match(r"[\w. -]{0,40}", name)
    assert plain
    return name if plain[0] == name else f"{plain[0]}…"
