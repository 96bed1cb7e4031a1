"""A team's members from a file or a program, in the vendor's types, or all that is wrong with them and where.

    members = seatwise.load_members("team.csv")

What a file says stays as it is written until the vendor is known: its schema decides what is a number.
No message holds a value, but e-mails.
"""

import csv
import difflib
import io
import os
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pulumi import Output
from yaml.reader import Reader

from .core.errors import InvalidMembers
from .core.fields import Field, Problem
from .core.vendor import Vendor

try:
    from yaml import CSafeLoader as _SafeLoader  # ten times as fast
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

NAME = "tag:yaml.org,2002:str"  # the only keys that name arguments
SEPARATOR = ";"
"""What stands between the items of a list in one text: `Sales Rep; Setter`."""


class Row(dict[str, Any]):
    """One member as a file says it, which remembers where it stands."""

    def __init__(self, values: Mapping[str, Any], where: str, kind: str) -> None:
        super().__init__(values)
        self.where = where
        """Such as `team.csv, row 7`, with the line that an editor shows."""
        self.kind = kind
        """What a name is called in such a file: `column` or `key`."""


# --- from a file ------------------------------------------------------------------------------


def load_members(path: str | os.PathLike[str]) -> list[Any]:
    """The members in a file, each a `Row` with the vendor's arguments; `Any` fits every vendor's type.

    - `.csv`: UTF-8, commas, a header of argument names. Values are text; an empty cell is not given.
    - `.yaml`, `.yml`: a list of mappings of argument names.

    A relative path starts from the current folder. Raises InvalidMembers naming file and row.
    """
    file = Path(path)
    read = _FORMATS.get(file.suffix.lower())
    if read is None:
        raise InvalidMembers([f"{path}: members are read from files that end in {', '.join(_FORMATS)}"])
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidMembers([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise InvalidMembers([f"{path}: is not in UTF-8; save it with that encoding"]) from None
    return [*read(text, str(path))]


def _from_csv(text: str, file: str) -> Iterator[Row]:
    records = _records(text, file)
    line, header = next(records, (1, []))
    columns = _columns(header, f"{file}, row {line}")
    for line, cells in records:
        where = f"{file}, row {line}"
        if len(cells) > len(columns):
            counts = f"has {len(cells)} cells, but the header has {len(columns)}"
            raise InvalidMembers([f"{where}: {counts}; put a cell with a comma in it between quotes"])
        given = zip(columns, cells, strict=False)  # cells at the end may be left out
        yield Row({column: cell for column, cell in given if cell.strip()}, where, "column")


def _records(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
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
        raise InvalidMembers([f"{file}, row {begin}: is no CSV ({error}); {remedy}"]) from None


def _columns(header: list[str], where: str) -> list[str]:
    columns = [cell.strip() for cell in header]
    if "email" not in columns:
        # The cells are not told: where a header lacks, they are a member's, with a password perhaps.
        raise InvalidMembers([f"{where}: must name the columns, `email` among them, with commas between them"])
    if "" in columns:
        raise InvalidMembers([f"{where}: column {columns.index('') + 1} has no name"])
    return _once(columns, where, "column")


def _once(names: list[str], where: str, kind: str) -> list[str]:
    """The names; raises InvalidMembers if one is there twice."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InvalidMembers([f"{where}: {kind} {_shown(name)} is there twice" for name in twice])
    return names


class _Loader(_SafeLoader):
    """YAML whose numbers and dates stay text where they would come back in another spelling."""


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    """The number, or its text where that says more: `007`, `1_000`, `12:30`, `1.50`."""
    text = str(loader.construct_scalar(node))
    for number in (int, float):
        with suppress(ValueError):
            if str(number(text)) == text:
                return number(text)
    return text


for _tag in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _as_written)


def _from_yaml(text: str, file: str) -> Iterator[Row]:
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise InvalidMembers([f"{file}: must be a list of members, each beginning like `- email: ana@example.com`"])
        for node in root.value:
            yield _member(loader, node, f"{file}, line {node.start_mark.line + 1}")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # What is quoted is a piece of the file, of a password perhaps that begins with a sign.
        problem = re.sub(r"""(['"]).*\1""", "…", error.problem or "")
        remedy = "text with a sign at its beginning or a colon in it stands between quotes"
        raise InvalidMembers([f"{file}, line {line}: is no YAML ({problem}); {remedy}"]) from None
    except yaml.YAMLError:
        first = Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, first.start() if first else 0) + 1
        raise InvalidMembers([f"{file}, line {line}: has a character that YAML does not allow"]) from None


def _member(loader: _Loader, node: yaml.Node, where: str) -> Row:
    if not isinstance(node, yaml.MappingNode):
        raise InvalidMembers([f"{where}: must be a member's arguments, such as `email: ana@example.com`"])
    _once([key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)], where, "key")
    loader.flatten_mapping(node)  # what `<<: *others` stands for
    if not all(key.tag == NAME for key, _ in node.value):
        raise InvalidMembers([f"{where}: its keys must be names of arguments"])
    return Row({key.value: loader.construct_object(value, deep=True) for key, value in node.value}, where, "key")


_FORMATS: Mapping[str, Callable[[str, str], Iterator[Row]]] = {
    ".csv": _from_csv,
    ".yaml": _from_yaml,
    ".yml": _from_yaml,
}


# --- for a vendor -----------------------------------------------------------------------------


class Place(NamedTuple):
    """Where a member is declared, and what a name is called there."""

    where: str
    kind: str


def typed(vendor: type[Vendor], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The members in the vendor's types, without what is not given. Outputs stay as they are.

    Text is taken without the spaces around it (a secret is not touched), a text for a list is split at
    `;`, and where text is wanted a number becomes it. Raises InvalidMembers with all that is wrong.
    """
    rows = [*rows]
    places = [_place(row, index) for index, row in enumerate(rows)]
    arguments = {field.name: field for field in vendor.schema.arguments()}
    members: list[dict[str, Any]] = []
    problems = _strangers(rows, places, arguments)  # a wrong column is the cause of others, so it comes first
    for row, place in zip(rows, places, strict=True):
        member, found = _checked(vendor, {name: row[name] for name in row if name in arguments}, arguments)
        members.append(member)
        problems += [_line(place, problem, row) for problem in found]
    problems += _twice(members, places)
    if problems:
        raise InvalidMembers(problems, vendor=vendor.title)
    return members


def _checked(
    vendor: type[Vendor], row: Mapping[str, Any], arguments: Mapping[str, Field]
) -> tuple[dict[str, Any], list[Problem]]:
    """A member's values, as far as they are good, and what is wrong with the others."""
    given = {name: value for name, value in row.items() if value is not None}
    later = {name: value for name, value in given.items() if not _is_known(value)}
    known = {name: _read(arguments[name], value) for name, value in given.items() if name not in later}
    values, problems = vendor.schema.check(known, frozenset(later), new=False)
    problems += vendor.rules(values, frozenset(values) | frozenset(later))
    if "email" in later:
        problems.append(Problem("email", "must be known when the program runs: it tells the members apart"))
    return {name: values.get(name, value) for name, value in given.items()}, problems


def _is_known(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_known, value))
    return not isinstance(value, Output | Awaitable)


def _read(field: Field, value: Any) -> Any:
    """The value as the schema can take it."""
    if field.secret and isinstance(value, str):
        return value
    wanted = _type(field)
    if typing.get_origin(wanted) is not list:
        return _item(wanted, value)
    if isinstance(value, str):
        return [item for item in map(str.strip, value.split(SEPARATOR)) if item]
    (kind,) = typing.get_args(wanted)
    return [_item(kind, item) for item in value] if isinstance(value, list) else value


def _item(wanted: Any, value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if wanted is str and is_number else value


def _type(field: Field) -> Any:
    """The field's type without its markers."""
    return typing.get_args(field.type)[0] if typing.get_origin(field.type) is Annotated else field.type


def _place(row: Mapping[str, Any], index: int) -> Place:
    if isinstance(row, Row):
        return Place(row.where, row.kind)
    email = row.get("email")
    return Place(f"members[{index}] ({email})" if isinstance(email, str) else f"members[{index}]", "argument")


def _line(place: Place, problem: Problem, row: Mapping[str, Any]) -> str:
    is_flag = place.kind == "key" and isinstance(row.get(problem.field), bool)
    hint = "; a word that YAML takes for a flag (yes, no, on, off) stands between quotes" if is_flag else ""
    return f"{place.where}, {place.kind} {problem.field}: {problem.reason}{hint}"


def _strangers(rows: Iterable[Mapping[str, Any]], places: Iterable[Place], arguments: Mapping[str, Field]) -> list[str]:
    """A line for each name that is no argument, where it stands first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row, place in zip(rows, places, strict=True):
        for name in row:
            if name not in arguments:
                found.setdefault((place.kind, name), []).append(place.where)
    return [_stranger(kind, name, where, arguments) for (kind, name), where in found.items()]


def _stranger(kind: str, name: str, where: list[str], arguments: Iterable[str]) -> str:
    shown = _shown(name)
    likely = difflib.get_close_matches(re.sub(r"\W+", "_", shown.casefold()), arguments, n=1)
    hint = f"; did you mean {likely[0]}?" if likely else ""
    others = f" ({len(where):,} times)" if len(where) > 1 else ""
    return f"{where[0]}, {kind} {shown}: is no argument{hint}{others}"


def _twice(members: Iterable[Mapping[str, Any]], places: Iterable[Place]) -> list[str]:
    """A line for each member whose e-mail an earlier one has, without case."""
    first: dict[str, str] = {}
    lines: list[str] = []
    for member, (where, kind) in zip(members, places, strict=True):
        email = member.get("email")
        if not isinstance(email, str):
            continue
        if email.casefold() in first:
            lines.append(f"{where}, {kind} email: {email} stands in {first[email.casefold()]} already")
        first.setdefault(email.casefold(), where)
    return lines


def _shown(name: str) -> str:
    """A name as far as it looks like one: `{password:secret}` without a space is a name to YAML."""
    plain = re.match(r"[\w -]{0,40}", name)
    assert plain
    return name if plain[0] == name else f"{plain[0]}…"
