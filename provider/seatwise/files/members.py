"""A team's members from a file or a program, converted to the vendor's types, with all problems and their places.

members = seatwise.load_members("team.csv")
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from ..core.vendor.errors import InvalidMembers
from ..core.vendor.fields import Problem, email_key
from ..core.vendor.vendor import Vendor
from .reading import FileSpec, Place, Row, converted, is_known, line, not_empty, read, repeated, unknown_names

MEMBERS = FileSpec("members", "member", "`email`", "email: ana@example.com", InvalidMembers)


def load_members(path: str | os.PathLike[str]) -> list[Any]:
    """Return the members in a file, each a `Row` with the vendor's arguments (`Any` fits every vendor's type).

    - `.csv`: UTF-8, commas, a header of argument names. Values are text; an empty cell is not given.
    - `.yaml`, `.yml`: a list of mappings of argument names.

    A relative path starts from the current folder.

    Raises:
        pulumi.RunError: If the file cannot be read or contains no member; names file and row of each problem.

    """
    try:
        return load(path)
    except InvalidMembers as error:
        raise pulumi.RunError(str(error)) from None


def load(path: str | os.PathLike[str]) -> list[Row]:
    """Load members as `load_members` does; raises InvalidMembers."""
    return not_empty(read(path, MEMBERS), path, MEMBERS)


def typed_members(vendor: type[Vendor], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the members converted to the vendor's types, without missing values. Outputs stay as they are.

    Raises InvalidMembers with all problems.
    """
    rows = _each(vendor, rows)
    places = [_place(row, index) for index, row in enumerate(rows)]
    arguments = {field.name for field in vendor.schema.arguments()}
    members: list[dict[str, Any]] = []
    problems = unknown_names(rows, places, arguments)  # first, because a wrong column may cause other problems
    for row, place in zip(rows, places, strict=True):
        member, found = _checked(vendor, {name: row[name] for name in row if name in arguments})
        members.append(member)
        problems += [line(place, problem, row) for problem in found]
    problems += repeated(members, places, vendor.identity_field, email_key)
    if problems:
        raise InvalidMembers(problems, vendor=vendor.title)
    return members


def _each(vendor: type[Vendor], members: Any) -> list[Mapping[str, Any]]:
    """Return the members as a list of mappings; raises InvalidMembers if they are something else."""
    wanted = f"such as [{vendor.name}.UserArgs(email=...)]"
    if not is_known(members):
        raise InvalidMembers([f"members: must be known when the program runs: a list, {wanted}"])
    if isinstance(members, str | bytes | Mapping) or not isinstance(members, Iterable):
        raise InvalidMembers([f"members: must be a list, {wanted}, and not {_kind(members)}"])
    rows = [*members]
    wrong = [
        f"members[{number}]: must be a member's arguments, {wanted}, and not {_kind(row)}"
        for number, row in enumerate(rows)
        if not isinstance(row, Mapping)
    ]
    if wrong:
        raise InvalidMembers(wrong[:1])
    return rows


def _kind(value: Any) -> str:
    """Return the type of a value for a message, which must not contain the value itself."""
    return "None" if value is None else f"of type {type(value).__name__}"


def _checked(vendor: type[Vendor], row: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return a member's converted values, and the problems with the others."""
    identity = vendor.identity_field
    if row.get(identity) is None and "email" in row:
        row = {**row, identity: row["email"]}
    values, problems = converted(vendor.schema, row, vendor.rules)
    if not is_known(row.get(identity)):
        problems.append(Problem(identity, "must be known when the program runs: it identifies the member"))
    return values, problems


def _place(row: Mapping[str, Any], index: int) -> Place:
    if isinstance(row, Row):
        return Place(row.where, row.kind)
    email = row.get("email")
    return Place(f"members[{index}] ({email})" if isinstance(email, str) else f"members[{index}]", "argument")
