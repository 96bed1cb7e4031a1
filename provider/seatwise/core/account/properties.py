"""The engine's properties of an account: parsed where they come in, written where they go out. Pure.

This is the only file that knows the internal keys of an account's properties. What it writes is on users' disks: the
keys and their values never change. The keys of a team are in `core.team.properties`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

from ..vendor.fields import NO_VALUE, Problem, Schema, Values
from ..vendor.vendor import Vendor

Properties = Mapping[str, Any]
"""A resource's inputs or outputs as the engine hands them over: numbers are floats."""
Outputs = dict[str, Any]
"""A resource's properties as they go back to the engine."""

PROVIDER = "__provider"
"""Pulumi's own key, in the inputs and outputs of a dynamic resource."""
OWNER = "__owner"
"""Input and output: the resource and its stack, as one text (see `owner`)."""
FORMERLY = "__formerly"
"""Input, which no state keeps: the owners that the resource had before, as its aliases say."""
TENANT = "__tenant"
"""Output: the tenant that the account is in."""
DECLARED = "__declared"
"""Output: the names of the arguments that the program gave."""
AS_DECLARED = "__as_declared"
"""Output: declared values that the vendor does not have and no update would change."""
REVISION = "__revision"
"""Output: the write revision, the count of the account's confirmed writes that this state contains."""
ADOPTED = "adopted"
"""Output: whether the account existed before."""
POLICIES = ("on_existing", "on_destroy")
NONE: Values = MappingProxyType({})


@dataclass(frozen=True)
class Signature:
    """The owner and the tenant that properties name. None: the properties do not name it."""

    owner: str | None = None
    tenant: str | None = None

    @classmethod
    def of(cls, properties: Properties) -> Self:
        """Read the signature of inputs or outputs."""
        owner, tenant = properties.get(OWNER), properties.get(TENANT)
        return cls(None if owner is None else str(owner), None if tenant is None else str(tenant))

    def sign(self, properties: Properties) -> Outputs:
        """Return the properties with this signature."""
        owner = {} if self.owner is None else {OWNER: self.owner}
        return {**properties, **owner, **({} if self.tenant is None else {TENANT: self.tenant})}


def with_owner(properties: Properties, owner: object, formerly: object = None) -> Outputs:
    """Return what a program sends for a resource: its arguments, and its owner of today and those of before.

    Both may be Pulumi outputs. A resource without an alias has no earlier owner.
    """
    return {**properties, OWNER: owner, **({} if formerly is None else {FORMERLY: formerly})}


def secret_outputs(secrets: Iterable[str], *, may_be_secret: bool) -> list[str]:
    """Return the names of the outputs that the engine has to keep secret.

    Of the arguments these are the `secrets`. If other arguments `may_be_secret`, so are the values as declared: there
    is no argument of that name from which the engine would know it.
    """
    return [*secrets, *([AS_DECLARED] if may_be_secret else [])]


def with_provider(properties: Properties, provider: str) -> Outputs:
    """Return the properties with the text from which Pulumi's SDK finds the provider of a dynamic resource."""
    return {**properties, PROVIDER: provider}


def owner_of(properties: Properties) -> str:
    """Return the owner that inputs or outputs name; empty if they name none."""
    return Signature.of(properties).owner or ""


def former_owners_of(inputs: Properties) -> tuple[str, ...]:
    """Return the owners that a resource had before, as far as the inputs name them."""
    former = inputs.get(FORMERLY)
    return tuple(each for each in former if isinstance(each, str)) if isinstance(former, list) else ()


def arguments(properties: Properties) -> Values:
    """Return the arguments in inputs, without the internal keys of Pulumi and of seatwise."""
    return {name: value for name, value in properties.items() if not name.startswith("__")}


def missing_owner(inputs: Properties, remedy: str) -> list[Problem]:
    """Return the problem of inputs without an owner: every program sends one, and every import file an empty one."""
    if Signature.of(inputs).owner is not None:
        return []
    reason = f"{OWNER} did not arrive, which says whose account this is: let no transform remove it, and {remedy}"
    return [Problem("", reason)]


@dataclass(frozen=True)
class Declared:
    """One account as a program declares it."""

    values: Values
    """The declared values by argument name, without the policies."""
    on_existing: str | None = None
    on_destroy: str | None = None
    added: Values = field(default_factory=dict)
    """Values that seatwise writes besides, where the program does not declare them."""

    @classmethod
    def of(cls, schema: Schema, given: Values) -> Self:
        """Return what these arguments declare.

        An argument that this version does not have, which the inputs in a state of a newer one may hold, declares
        nothing: `check` refuses those of a program.
        """
        values = {name: value for name, value in _known(schema, given).items() if name not in POLICIES}
        return cls(values, given.get("on_existing"), given.get("on_destroy"))

    @classmethod
    def from_inputs(cls, schema: Schema, inputs: Properties) -> Self:
        """Parse the inputs of a resource."""
        return cls.of(schema, schema.typed(arguments(inputs)))

    def to_inputs(self) -> Outputs:
        """Return the inputs that declare this, without a signature."""
        return {**self.values, **_policies(self)}

    def reactivating(self, vendor: Vendor) -> Self:
        """Return the same for an inactive account: it becomes active, unless the program declares otherwise."""
        return replace(self, added=vendor.reactivation)

    @property
    def wanted(self) -> dict[str, object]:
        """All values that the account is to have."""
        return {**self.added, **self.values}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the declared arguments, as a state keeps them."""
        return tuple(sorted(name for name, value in self.values.items() if value is not None))


@dataclass(frozen=True)
class AccountState:
    """One account as the engine's state has it."""

    values: Values = field(default_factory=dict)
    """The account's values by field name: as the vendor showed them, and as declared where it shows none."""
    declared_names: tuple[str, ...] | None = None
    """The names of the arguments that the program gave; None if no program manages the account (`User.get`)."""
    as_declared: Values = field(default_factory=dict)
    """Declared values that the vendor does not have and no update would change: of create-only fields for which it has
    another value, and of fields that it accepts and does not keep."""
    adopted: bool = False
    revision: int = 0
    """The write revision: the count of confirmed writes that this state contains."""
    on_existing: str | None = None
    on_destroy: str | None = None
    has_unfit_values: bool = field(default=False, compare=False)
    """Whether the properties had a value that does not fit its field any more. It is left out."""

    @classmethod
    def from_outputs(cls, schema: Schema, outputs: Properties) -> Self:
        """Parse the outputs of a resource, of any version of seatwise.

        Arguments that this version does not have count as not declared.
        """
        given = {name: value for name, value in arguments(outputs).items() if name not in (ADOPTED, *POLICIES)}
        values, names = schema.typed(given), outputs.get(DECLARED)
        return cls(
            values,
            None if names is None else tuple(name for name in names if name in schema),
            schema.typed(_known(schema, outputs.get(AS_DECLARED))),
            bool(outputs.get(ADOPTED)),
            revision_of(outputs),
            outputs.get("on_existing"),
            outputs.get("on_destroy"),
            has_unfit_values=values.keys() != given.keys(),
        )

    def to_outputs(self) -> Outputs:
        """Return the outputs that say this, without a signature."""
        outputs = {**self.values, ADOPTED: self.adopted, DECLARED: list(self.declared_names or ())}
        outputs |= {AS_DECLARED: dict(self.as_declared)} if self.as_declared else {}
        return with_revision(outputs | _policies(self), self.revision)

    @classmethod
    def from_member(cls, vendor: Vendor, member: Values, kept: Properties, revision: int) -> Self:
        """Parse a member of a team's state: its arguments, and what the state keeps beside them."""
        remembered = {name: kept[name] for name in vendor.remembered if name in kept}
        return cls(
            vendor.schema.typed({**member, **remembered}),
            tuple(sorted(name for name in {*member, *kept.get(DECLARED, ())} if name in vendor.schema)),
            vendor.schema.typed(_known(vendor.schema, kept.get(AS_DECLARED))),
            bool(kept.get(ADOPTED)),
            revision,
        )

    def beside(self, vendor: Vendor, member: Values) -> Outputs:
        """Return what a team's state keeps beside the arguments of a member."""
        kept = {name: self.values[name] for name in vendor.remembered if name in self.values and name not in member}
        lost = sorted({*(self.declared_names or ())} - {*self.values})
        kept |= {AS_DECLARED: dict(self.as_declared)} if self.as_declared else {}
        return kept | ({DECLARED: lost} if lost else {}) | ({ADOPTED: True} if self.adopted else {})

    def names_of_member(self, vendor: Vendor) -> set[str]:
        """Return the names of the values that a team's state keeps of a member."""
        return {*(self.declared_names or ()), *vendor.remembered, vendor.identity_field}

    def declared(self) -> Declared:
        """Return what a program that declares this state says."""
        names = self.declared_names or ()
        values = {name: self.values[name] for name in names if name in self.values} | dict(self.as_declared)
        return Declared(values, self.on_existing, self.on_destroy)

    def under(self, declared: Declared) -> Self:
        """Return the same state under the names and policies of this declaration."""
        return replace(
            self,
            declared_names=declared.names,
            on_existing=declared.on_existing,
            on_destroy=declared.on_destroy,
        )

    def knowing(self, values: Values) -> Self:
        """Return the same state with these values."""
        return replace(self, values={**self.values, **values})

    def at(self, revision: int) -> Self:
        """Return the same state at this write revision."""
        return replace(self, revision=revision)

    @property
    def is_managed(self) -> bool:
        """Whether a program manages the account; false in a `User.get`, which only reads it."""
        return self.declared_names is not None

    @property
    def names_with_value(self) -> set[str]:
        """The names of the fields that have a value."""
        return {name for name, value in self.values.items() if value not in NO_VALUE}


def _known(schema: Schema, values: Values | None) -> Values:
    """Return the values of this version's fields: a newer version may have written the state."""
    return {name: value for name, value in (values or NONE).items() if name in schema}


def revision_of(outputs: Properties) -> int:
    """Return the write revision in the outputs of an account or of a team; 0 before the first update."""
    return int(outputs.get(REVISION) or 0)


def with_revision(outputs: Outputs, revision: int) -> Outputs:
    """Return the outputs with this write revision; an account that was only created has none."""
    return outputs | ({REVISION: revision} if revision else {})


def _policies(source: Declared | AccountState) -> Outputs:
    given = {"on_existing": source.on_existing, "on_destroy": source.on_destroy}
    return {name: value for name, value in given.items() if value is not None}
