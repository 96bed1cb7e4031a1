"""Fields of an account. A vendor's file declares each of them once, on one line.

    active: Arg[bool] = OPTIONAL
    \"\"\"Whether the user is active.\"\"\"

This line is the argument `active` of the vendor's `User`, `UserArgs` and `Account`, which takes an `Input[bool]`; the
output `active` of `User`, an `Output[bool]`; and the attribute `active` of a look-up's result, a `bool | None`. It is
always None there unless the result's class names it in `shows`.

Type checkers and editors know `Arg` and its siblings as descriptors, and the classes that hold them as dataclasses.
At run time no descriptor exists: seatwise reads the annotations, and values stay where Pulumi keeps them.
"""

import dataclasses
import inspect
import itertools
import typing
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, Literal, Never, Protocol, Self, TypeVar, dataclass_transform, overload

from pulumi import Input, Output, Resource

from ..core.vendor.fields import bare

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item
T_co = TypeVar("T_co", covariant=True)
OPTIONAL: Any = object()
"""The value of a field that may be left out."""


def read_only(*, init: Literal[False] = False) -> Any:
    """Return the value of a field that is not an argument."""
    return OPTIONAL


def positional(*, kw_only: Literal[False], default: Any = OPTIONAL) -> Any:
    """Return the value of an argument that a program may give by its position. For type checkers only."""
    return default


class Items(Protocol[T_co]):
    """A list whose items may be outputs, to a type checker. Neither a text nor a set fits."""

    def __contains__(self, item: object, /) -> bool: ...
    def __getitem__(self, index: int, /) -> T_co: ...
    def __iter__(self) -> Iterator[T_co]: ...
    def __len__(self) -> int: ...


# --- the classes that hold fields -------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Declaration:
    """The declaration of one field."""

    kind: Any
    """`Arg` or one of its siblings."""
    type: Any
    """The type of its values, with seatwise's markers."""
    required: bool


@dataclass_transform(kw_only_default=True, field_specifiers=(read_only, positional))
class Fields:
    """A class that declares fields, in the order of its bases and its lines."""

    _declarations: ClassVar[dict[str, Declaration]] = {}

    def __init_subclass__(cls, *, init: bool = True, **keywords: Any) -> None:
        """Read the fields. `init` is for type checkers: False says that the class has a constructor of its own."""
        super().__init_subclass__(**keywords)
        inherited = (base._declarations.items() for base in cls.__bases__ if issubclass(base, Fields))
        cls._declarations = dict(itertools.chain(*inherited))
        for name, annotation in inspect.get_annotations(cls).items():
            is_optional = vars(cls).get(name) is OPTIONAL
            if is_optional:
                delattr(cls, name)
            kind: Any = typing.get_origin(annotation)
            if kind in KINDS:
                cls._declarations[name] = Declaration(kind, typing.get_args(annotation)[0], not is_optional)


def declared_arguments(kind: type[Fields]) -> dict[str, Declaration]:
    """Return the fields of a class that a program can set."""
    return {name: each for name, each in kind._declarations.items() if each.kind is not ReadOnly}


def declared_outputs(kind: type[Fields]) -> dict[str, Declaration]:
    """Return the fields of a class that a program can read."""
    return {name: each for name, each in kind._declarations.items() if each.kind is not WriteOnly}


class Args(Fields, dict[str, Any]):
    """The arguments of one account, as a dictionary. Use a vendor's `UserArgs`.

    Like a TypedDict, a class has its names in `__annotations__`, `__required_keys__` and `__optional_keys__`.
    """

    if not typing.TYPE_CHECKING:

        def __init_subclass__(cls, *, total=True, **keywords):
            """Read the fields; `total` has the meaning that it has for a TypedDict."""
            super().__init_subclass__(**keywords)
            fields = declared_arguments(cls)
            own = {name: each for name, each in inspect.get_annotations(cls).items() if name not in fields}
            cls.__annotations__ = {name: each.type for name, each in fields.items()} | own
            required = {name for name, each in fields.items() if each.required} | (own.keys() if total else set())
            cls.__required_keys__ = frozenset(required)
            cls.__optional_keys__ = frozenset(cls.__annotations__.keys() - required)

        def __new__(cls, *args, **keywords):
            """Return a plain dictionary, which everything that takes one can carry."""
            return dict(*args, **keywords)


class LookupResult:
    """An account as a look-up found it: plain values, and None for a value that the vendor does not show. Immutable.

    It must be the first base of a subclass. `shows` names the fields of its `repr` and `dataclasses.asdict`; any other
    field is None.
    """

    id: str
    """The vendor's id of the account."""

    if typing.TYPE_CHECKING:

        def __init__(self, id: str, email: str, *others: Any, **values: Any) -> None: ...

    def __init_subclass__(cls, *, shows: Sequence[str] = (), **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not shows:  # a class of a program's
            return
        assert issubclass(cls, Fields)
        fields = declared_outputs(cls)
        cls.__annotations__ = {"id": str}
        for name, each in fields.items():
            if each.kind is not Key:
                setattr(cls, name, None)
        for name in shows:
            cls.__annotations__[name] = (
                bare(fields[name].type) if fields[name].kind is Key else bare(fields[name].type) | None
            )
        dataclasses.dataclass(frozen=True)(cls)


# --- the kinds of fields ----------------------------------------------------------------------


class _Shown(Generic[T]):
    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: Resource, owner: Any) -> Output[T]: ...
    @overload
    def __get__(self, instance: LookupResult, owner: Any) -> T | None: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        raise NotImplementedError


class Arg(_Shown[T]):
    """An argument that can be read as well."""

    def __set__(self, instance: Never, value: Input[T]) -> None: ...


class ListArg(_Shown[T], Generic[T, I]):
    """An argument that is a list of type `T`, with items of type `I`, each of which may be an output."""

    def __set__(self, instance: Never, value: Input[T] | Items[Input[I]]) -> None: ...


class ReadOnly(_Shown[T]):
    """A field that only the vendor sets. Its value is `read_only()`."""

    def __set__(self, instance: Never, value: Never) -> None: ...


class Choice(Generic[T]):
    """An argument that is one of some texts, and may be read as any text."""

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: Resource, owner: Any) -> Output[str]: ...
    @overload
    def __get__(self, instance: LookupResult, owner: Any) -> str | None: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        raise NotImplementedError

    def __set__(self, instance: Never, value: Input[T]) -> None: ...


class Key(Generic[T]):
    """The argument by which accounts are found, the e-mail: each look-up's result has it."""

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: Resource, owner: Any) -> Output[T]: ...
    @overload
    def __get__(self, instance: LookupResult, owner: Any) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        raise NotImplementedError

    def __set__(self, instance: Never, value: Input[T]) -> None: ...


class WriteOnly(Generic[T]):
    """An argument that cannot be read: a secret, or what only seatwise needs to know."""

    def __get__(self, instance: None, owner: Any) -> Self:
        raise NotImplementedError

    def __set__(self, instance: Never, value: Input[T]) -> None: ...


KINDS = (Arg, ListArg, ReadOnly, Choice, Key, WriteOnly)
