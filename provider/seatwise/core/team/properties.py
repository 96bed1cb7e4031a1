"""The engine's properties of a team: parsed where they come in, written where they go out. Pure.

Members are kept by identity, mostly an e-mail (its ASCII letters in lower case), each as the arguments that the program
gives, so that the engine shows what changes by person and field. This is the only file that knows the internal keys of
a team; those of an account are in `core.account.properties`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from ..account.properties import AccountState, Outputs, Properties, revision_of, with_revision
from ..vendor.errors import InvalidAccount
from ..vendor.fields import Values, composed, email_key, folded
from ..vendor.vendor import Vendor

Members = Mapping[str, Values]
"""Arguments by e-mail."""
RUN = "__run"
"""Input, which no state keeps: the name that the program gave to its run."""
SEEN = "__seen"
"""Output: what the state keeps of each member beside its arguments, by e-mail."""
LEAVING = "__leaving"
"""Output: ids of accounts that were deactivated and that the next run deletes, by e-mail."""
FAILED_IN = "__failed_in"
"""Output: the run of the program in which members failed, if any did."""
POLICIES = ("on_existing", "on_leave", "max_removals")


@dataclass(frozen=True)
class TeamPolicy:
    """The policies of a Roster for all its members. A field is None if the program does not give it."""

    on_existing: str | None = None
    on_leave: str | None = None
    max_removals: int | float | str | None = None

    @classmethod
    def of(cls, properties: Properties) -> Self:
        """Read the policies in inputs or outputs."""
        return cls(*(properties.get(name) for name in POLICIES))

    def to_properties(self) -> Outputs:
        """Return the policies that the program gives, as properties."""
        given = zip(POLICIES, (self.on_existing, self.on_leave, self.max_removals), strict=True)
        return {name: value for name, value in given if value is not None}


@dataclass(frozen=True)
class TeamDeclared:
    """A team as a program declares it: its members' arguments by e-mail, and the policies."""

    members: Members = field(default_factory=dict)
    policy: TeamPolicy = TeamPolicy()

    @classmethod
    def from_inputs(cls, inputs: Properties) -> Self:
        """Parse the inputs of a Roster."""
        return cls(inputs.get("members", {}), TeamPolicy.of(inputs))

    def to_inputs(self) -> Outputs:
        """Return the inputs that declare this, without a signature."""
        return {"members": dict(self.members), **self.policy.to_properties()}


@dataclass(frozen=True)
class Report:
    """The report of the last run on a team: counts, and the members that failed, with the reasons."""

    failed: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    """The name of the program's run in which members failed; empty without one."""

    @classmethod
    def of(cls, outputs: Properties) -> "Report | None":
        """Read the report in outputs; None if they have none."""
        if "failed" not in outputs:
            return None
        return cls(outputs["failed"], outputs.get("counts", {}), str(outputs.get(FAILED_IN) or ""))

    def to_properties(self) -> Outputs:
        """Return the report as properties. A later run that only shows the failures has not failed."""
        run = {FAILED_IN: self.run} if self.failed and self.run else {}
        return {"failed": dict(self.failed), "counts": dict(self.counts), **run}


def keyed(members: Iterable[Values], field: str = "email") -> dict[str, dict[str, object]]:
    """Return members by identity, which `field` has; it is left out where it is spelt as its key."""
    return {key: packed(key, member, field) for key, member in ((key_of(each[field]), each) for each in members)}


def key_of(identity: str) -> str:
    """Return the name of a member."""
    return email_key(composed(identity))


def key_now(key: str, member: Values, field: str) -> str:
    """Return the name of a member of a state: the first versions folded more than ASCII letters."""
    identity = unpacked(key, member, field)[field]
    return key_of(identity) if folded(identity) == key else key


def renamed(members: Members, field: str) -> dict[str, Values]:
    """Return the members of a state by the names that they have today."""
    now: dict[str, Values] = {}
    for key, member in members.items():
        name = key_now(key, member, field)
        now[key if name in members or name in now else name] = member
    return now


def packed(key: str, member: Values, field: str = "email") -> dict[str, object]:
    """Return a member's arguments as the state keeps them; `field` is that of the identity."""
    return {name: value for name, value in member.items() if name != field or value != key}


def unpacked(key: str, member: Values, field: str = "email") -> Values:
    """Return a member's arguments."""
    return {field: key, **member}


@dataclass(frozen=True)
class Member:
    """One account of a team."""

    id: str
    state: AccountState


@dataclass
class Team:
    """The accounts of a team, by e-mail; `leaving` are the ids of those that are deactivated and to be deleted."""

    members: dict[str, Member] = field(default_factory=dict)
    leaving: dict[str, str] = field(default_factory=dict)
    revision: int = 0
    """The write revision: the highest of all members'. The state contains all writes up to it."""
    policy: TeamPolicy = TeamPolicy()
    report: Report | None = None
    names_in_state: frozenset[str] = frozenset()
    """The members' e-mails in the state, under which the program may not declare them any more."""

    @classmethod
    def from_outputs(cls, vendor: Vendor, outputs: Properties) -> Self:
        """Parse the outputs of a Roster, of any version of seatwise."""
        seen, ids, revision = outputs.get(SEEN, {}), outputs.get("ids", {}), revision_of(outputs)
        kept: Members = outputs.get("members", {})
        field = vendor.identity_field
        members = {
            name: Member(
                ids[key], AccountState.from_member(vendor, unpacked(key, kept[key], field), seen.get(key, {}), revision)
            )
            for name, key in zip(renamed(kept, field), kept, strict=True)
        }
        leaving = dict(outputs.get(LEAVING, {}))
        return cls(members, leaving, revision, TeamPolicy.of(outputs), Report.of(outputs), frozenset(members))

    def follow(self, news: Members, field: str = "email") -> None:
        """Keep a member that got another identity (its `field`) at the vendor, and then the same one in the program.

        Keep a member under a name of the first versions, too: they folded more than ASCII letters. Raise InvalidAccount
        if it may be the name of several members.
        """
        folds: dict[str, list[str]] = {}
        for key in news:
            if folded(key) != key and key not in self.members:
                folds.setdefault(folded(key), []).append(key)
        for key, member in list(self.members.items()):
            now = key_of(str(member.state.values.get(field) or key))
            if now not in news:
                now = _only(key, [*([key] if key in news else []), *folds.get(key, [])]) or now
            if key not in news and now in news and now not in self.members:
                self.members[now] = self.members.pop(key)
        for key in [each for each in self.leaving if each not in news and each in folds]:
            self.leaving[_only(key, folds[key])] = self.leaving.pop(key)

    def rename(self, key: str, name: str, field: str, identity: str) -> None:
        """Keep a member under the identity (its `field`) that the account has at the vendor, as after a refresh."""
        member = self.members.pop(key)
        values = {**member.state.values, field: identity}
        self.members[name] = replace(member, state=replace(member.state, values=values))

    def to_outputs(self, vendor: Vendor) -> Outputs:
        """Return the outputs of this team, without a signature."""
        members, seen = dict[str, Outputs](), dict[str, Outputs]()
        for key, member in sorted(self.members.items()):
            names = (vendor.identity_field, *(member.state.declared_names or ()))
            values = member.state.values
            members[key] = packed(key, {name: values[name] for name in names if name in values}, vendor.identity_field)
            beside = member.state.beside(vendor, members[key])
            seen |= {key: beside} if beside else {}
        outputs: Outputs = {"members": members, "ids": {key: self.members[key].id for key in members}}
        outputs |= ({SEEN: seen} if seen else {}) | ({LEAVING: self.leaving} if self.leaving else {})
        outputs |= self.report.to_properties() if self.report is not None else {}
        return with_revision(outputs | self.policy.to_properties(), self.write_revision)

    def failed_in(self, run: str) -> Self:
        """Return the team with the name of the program's run in its report."""
        return replace(self, report=None if self.report is None else replace(self.report, run=run))

    @property
    def write_revision(self) -> int:
        """The write revision of the team's next state: the highest of its own and all members'."""
        return max([self.revision, *(each.state.revision for each in self.members.values())])


def _only(key: str, names: Sequence[str]) -> str:
    """Return the only name among these, or an empty text; raise InvalidAccount if the member may have several."""
    if len(names) > 1:
        raise InvalidAccount(
            f"the state has one member {key}, who may be {' or '.join(names)}: earlier versions stored them as one",
            remedy="Declare one of them alone for one run",
        )
    return names[0] if names else ""


def run_of(inputs: Properties) -> str:
    """Return the name that the program gave to its run; empty if it gave none."""
    return str(inputs.get(RUN) or "")


def program_inputs(inputs: Properties, run: str) -> Outputs:
    """Return what a program sends for a Roster: its inputs, the name of its run, and the names of the outputs."""
    return {**inputs, RUN: run, **dict.fromkeys(("ids", "counts", "failed", FAILED_IN))}


def failed_run_of(outputs: Properties) -> object:
    """Return the run of the program in which members failed, as the outputs have it."""
    return outputs[FAILED_IN]


def account_ids(outputs: Properties) -> tuple[object, object]:
    """Return the ids by e-mail of the members' accounts, and of the accounts that are to be deleted."""
    return outputs.get("ids") or {}, outputs.get(LEAVING) or {}
