"""Owners: which resource of which stack manages an account, written as one text. Pure.

    /accounts/dev/my%3Ateam%3ATeam$seatwise%3Aindex%3APerson/ana
     project  stack  the types of all parents, outermost first  name

Each part is encoded, so that no name can hold a separator. A team's members have an owner that ends with `:members`.
Until 0.1.0 an owner held the type of the direct parent alone, and nothing was encoded: `accounts/dev/ana`,
`accounts/dev/seatwise:index:Person$ana`. States and journals keep such owners; they are recognized.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

MEMBERS = ":members"
"""The end of a team's owner where it stands for the accounts of its members."""
TYPES = "pulumi-python:dynamic/seatwise/"
"""The beginning of the types of seatwise's resources."""
PERSON = "seatwise:index:Person"
"""The type of a `Person`, which the owner of its accounts names."""
_ENCODED = {sign: f"%{ord(sign):02X}" for sign in "%/$:"}


@dataclass(frozen=True)
class Owner:
    """One resource of one stack. `parents` are the types of all its parents, the outermost first."""

    project: str
    stack: str
    parents: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        parents = "$".join(map(_encoded, self.parents))
        return f"/{_encoded(self.project)}/{_encoded(self.stack)}/{parents}/{_encoded(self.name)}"

    @property
    def qualified_name(self) -> str:
        """The name after the types of the parents, as a URN has them."""
        return "$".join([*self.parents, self.name])

    def urn(self, type_: str) -> str:
        """Return the URN of the resource, which is of this type."""
        return f"urn:pulumi:{self.stack}::{self.project}::{'$'.join([*self.parents, type_])}::{self.name}"

    @property
    def before_0_1(self) -> str:
        """The same owner as it was written before the whole chain of parents was."""
        parent = [each.replace("/", ":") for each in self.parents[-1:]]
        return f"{self.project}/{self.stack}/{'$'.join([*parent, self.name])}"


def parents_in(urn: str) -> tuple[str, ...]:
    """Return the types of a parent and of all its own parents, the outermost first, from the parent's URN.

    Nothing for an empty one, which the SDK gives where it knows none.
    """
    return _without_stack(urn.split("::")[2].split("$")) if urn else ()


def owner_in(urn: str) -> str:
    """Return the owner that a resource has, from its own URN."""
    _, _, rest = urn.partition("urn:pulumi:")
    stack, project, types, name = rest.split("::", 3)
    return str(Owner(project, stack, _without_stack(types.split("$")[:-1]), name))


def _without_stack(types: Iterable[str]) -> tuple[str, ...]:
    """Return the types of a resource's parents, without the stack itself: an alias may name it among them."""
    return tuple(each for each in types if each != "pulumi:pulumi:Stack")


def parsed(owner: str) -> Owner | None:
    """Parse an owner; return None for an owner from before 0.1.0, whose parts cannot be separated for certain."""
    parts = owner.removesuffix(MEMBERS).split("/")
    if len(parts) != 5 or parts[0]:
        return None
    _, project, stack, parents, name = parts
    types = tuple(unquote(each) for each in parents.split("$") if each)
    return Owner(unquote(project), unquote(stack), types, unquote(name))


def in_stack_of(before: str, owner: str) -> str:
    """Return an earlier owner of a resource under today's name of its stack, as the state has it.

    If the earlier owner cannot be parsed, return the owner of today.
    """
    if stack_of(before) == stack_of(owner):
        return before
    old, new = parsed(before), parsed(owner)
    return owner if old is None or new is None else str(replace(old, project=new.project, stack=new.stack))


def same(one: str, other: str) -> bool:
    """Return whether two owners are the same resource, as far as both say. An empty owner is the same as no other."""
    if not one or not other or is_team(one) is not is_team(other):
        return False
    one, other = one.removesuffix(MEMBERS), other.removesuffix(MEMBERS)
    return one == other or _before_0_1(one) == other or one == _before_0_1(other)


def forms(owner: str) -> set[str]:
    """Return the texts that stand for this owner: its own, and that of before 0.1.0."""
    suffix = MEMBERS if is_team(owner) else ""
    old = _before_0_1(owner.removesuffix(MEMBERS))
    return {owner} if old is None else {owner, old + suffix}


def is_team(owner: str) -> bool:
    """Return whether the owner stands for the members of a team."""
    return owner.endswith(MEMBERS)


def name_in(owner: str) -> str:
    """Return the resource's own name."""
    known = parsed(owner)
    return known.name if known is not None else owner.rpartition("/")[2].rpartition("$")[2]


def resource_in(owner: str) -> str:
    """Return an owner without its stack, which `pulumi stack rename` changes; empty if `parsed` returns None."""
    known = parsed(owner)
    return str(replace(known, project="", stack="")) + (MEMBERS if is_team(owner) else "") if known else ""


def stack_of(owner: str) -> tuple[str, str]:
    """Return the project and the stack of an owner."""
    known = parsed(owner)
    if known is not None:
        return known.project, known.stack
    project, stack, *_ = [*owner.split("/"), "", ""]
    return project, stack


def display_name(owner: str) -> str:
    """Return an owner for a message: `dev/ana`, with the types of the parents before the name."""
    known = parsed(owner)
    if known is not None:
        return f"{known.stack}/{known.qualified_name}"
    return owner.removesuffix(MEMBERS).partition("/")[2]


def _before_0_1(owner: str) -> str | None:
    known = parsed(owner)
    return known.before_0_1 if known is not None else None


def _encoded(part: str) -> str:
    return "".join(_ENCODED.get(sign, sign) for sign in part)
