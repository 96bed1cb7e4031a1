"""Checking what a program declares of a team, planning a change, and describing the plan. Pure."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..account import state as account_state
from ..account.properties import AccountState, Declared
from ..account.state import compared, differences
from ..vendor.fields import Problem, Values
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor
from .properties import Members, Team, TeamDeclared, TeamPolicy, key_now, key_of, packed, renamed, unpacked

Split = Callable[[Values], tuple[Values, Values]]
"""A function that splits arguments into known ones and ones that are unknown before the update runs."""
OF_THE_TEAM = {"on_existing": "on_existing", "on_destroy": "on_leave"}
"""Arguments of a single account, and the Roster's arguments that stand for them."""
LEAVING_FAILED = "should have left: "
"""The beginning of the reason why a leaving member may still have access."""
MOST_TOLD = 20
"""The most members that a line names."""
FEWEST_REMOVALS = 3
SHARE_OF_REMOVALS = 10
"""Per cent of the members, and at least three of them, that may leave in one run unless the program says otherwise."""


# --- what is declared -------------------------------------------------------------------------


def check(
    vendor: type[Vendor], olds: TeamDeclared, news: TeamDeclared, split: Split, vault: Vault, owner: str = ""
) -> tuple[dict[str, Values], list[Problem]]:
    """Return the checked members, and all problems of the members and of the team's own arguments.

    `olds` are the inputs before, empty for a new team; `split` parts arguments into those that are known and
    those that are not yet; `owner` names the team for the salts of its members' secrets.
    """
    problems = [*_policies(news.policy)]
    policy = {"on_existing": "adopt"} if news.policy.on_existing == "adopt" else {}
    before = olds.members
    name = vendor.identity_field
    by_key = {key: unpacked(key, each, name) for key, each in before.items()}
    by_name = {key_now(key, each, name): by_key[key] for key, each in before.items()}
    by_identity = {key_of(each[name]): each for each in by_key.values()}
    members: dict[str, Values] = {}
    for key, member in news.members.items():
        own = {argument: value for argument, value in member.items() if argument not in OF_THE_TEAM}
        known, later = split(unpacked(key, own, name))
        problems += [
            Problem("", f"{key}: {argument} cannot be given for a member: give {instead} for the Roster")
            for argument, instead in OF_THE_TEAM.items()
            if argument in member
        ]
        old = by_name.get(key) or by_identity.get(key, {})
        typed = vendor.schema.typed(old)
        whose = (owner, key) if owner else ()
        values, found = account_state.checked(vendor, typed, {**known, **policy}, frozenset(later), vault, whose)
        checked = {argument: value for argument, value in values.items() if argument != "on_existing"}
        members[key] = packed(key, checked, name) | {**later}
        problems += [Problem("", f"{key}: {problem}") for problem in found]
    if not problems:
        problems += too_many_leavers(vendor, before, members, news.policy.max_removals)
    return members, problems


def immutable_changes(vendor: type[Vendor], team: Team, news: Members, split: Split) -> list[Problem]:
    """Return a problem for each create-only argument that has changed for a member that has an account.

    `check` cannot find these: the inputs before may have members whose accounts could not be created.
    """
    problems = []
    for key in sorted(team.members.keys() & news.keys()):
        old = team.members[key].state
        olds = {**old.values, **old.as_declared}
        known, _ = split(unpacked(key, news[key], vendor.identity_field))
        lost = {*(old.declared_names or ())} - {*olds}
        declared = Declared.of(vendor.schema, vendor.schema.typed(known))
        values = {name: value for name, value in declared.values.items() if name not in lost}
        found = account_state.immutable_changes(vendor, olds, values, f'members["{key}"]')
        problems += [Problem("", f"{key}: {problem}") for problem in found]
    return problems


def tenant_problems(vendor: Vendor, declared: TeamDeclared) -> list[Problem]:
    """Return the problems of a team that another tenant of the vendor might not have."""
    problems = account_state.removal_problems(vendor, "on_leave", declared.policy.on_leave)
    for key, member in declared.members.items():
        found = account_state.deactivation_problems(vendor, member)
        problems += [Problem("", f"{key}: {problem}") for problem in found]
    return problems


def _policies(policy: TeamPolicy) -> Iterable[Problem]:
    choices = (
        ("on_existing", policy.on_existing, ("fail", "adopt")),
        ("on_leave", policy.on_leave, ("deactivate", "delete", "retain")),
    )
    for name, given, allowed in choices:
        if given not in (None, *allowed):
            yield Problem(name, f"must be one of {', '.join(map(repr, allowed))}")
    if most_removals(policy.max_removals, 0) is None:
        yield Problem("max_removals", 'must be a number of members, or a share of them such as "10%"')


def most_removals(given: object, members: int) -> int | None:
    """Return how many of so many members may leave in one run; None if `given` is not a number or a share."""
    if given is None:
        return max(FEWEST_REMOVALS, math.ceil(members * SHARE_OF_REMOVALS / 100))
    share = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*%", str(given).strip())
    if share:
        return math.floor(members * float(share[1]) / 100)
    number = re.fullmatch(r"(\d{1,9})(?:\.0)?", str(given).strip())
    return int(number[1]) if number else None


def too_many_leavers(vendor: type[Vendor] | Vendor, before: Members, after: Members, given: object) -> list[Problem]:
    """Return a problem if more members would leave than `max_removals` allows: that is probably a mistake.

    The limit on a whole run is `core.account.removals`.
    """
    field = vendor.identity_field
    names = {key: key_now(key, before[key], field) for key in sorted(before)}
    said = {key: key_of(unpacked(key, before[key], field)[field]) for key in names}
    now = {key: name if name in after else said[key] for key, name in names.items()}
    out = [
        key
        for key, name in now.items()
        if name not in after or (_is_out(vendor, after[name]) and not _is_out(vendor, before[key]))
    ]
    most = most_removals(given, len(before)) or 0
    if len(out) > most:
        problem = (
            f"members: {len(out):,} of {len(before):,} would leave ({_named(out)}), and at most {most:,} may in one "
            f"run; if all of them are meant to go, set max_removals={len(out)} for it"
        )
        return [Problem("", problem)]
    return []


def _is_out(vendor: type[Vendor] | Vendor, member: Values) -> bool:
    return all(member.get(name) == value for name, value in vendor.deactivation.items())


# --- what would be done -----------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The members that join, change (with the fields), are read again, leave or are deleted, by e-mail.

    `adopted` are the leaving members whose accounts existed before seatwise.
    """

    joins: Sequence[str]
    changes: Mapping[str, Sequence[str]]
    looks: Sequence[str]
    leaves: Sequence[str]
    deletes: Sequence[str]
    stays: int
    adopted: Sequence[str] = ()

    @classmethod
    def of(cls, vendor: Vendor, team: Team, news: Members, split: Split, unconfirmed: frozenset[str]) -> "Plan":
        """Return the plan that makes the team as declared."""
        joins = sorted(key for key in news if key not in team.members)
        changes, looks = {}, []
        for key, member in sorted(team.members.items()):
            if key not in news:
                continue
            known, later = split(unpacked(key, news[key], vendor.identity_field))
            names = sorted({*changed(vendor, member.state, known), *later})
            if names:
                changes[key] = names
            elif member.id in unconfirmed:
                looks.append(key)
        leaves = sorted(key for key in team.members if key not in news)
        stays = len(team.members) - len(changes) - len(looks) - len(leaves)
        deletes = sorted(key for key in team.leaving if key not in news)
        adopted = tuple(key for key in leaves if team.members[key].state.adopted)
        return cls(joins, changes, looks, leaves, deletes, stays, adopted)

    def __bool__(self) -> bool:
        return bool(self.joins or self.changes or self.looks or self.leaves or self.deletes)

    def without(self, stay: Mapping[str, str]) -> "Plan":
        """Return the plan without members that neither leave nor join, under their old names and their new ones."""
        joins = [key for key in self.joins if key not in stay.values()]
        return replace(self, joins=joins, leaves=[key for key in self.leaves if key not in stay])

    @property
    def size(self) -> int:
        """The number of accounts in the plan."""
        return sum(map(len, (self.joins, self.changes, self.looks, self.leaves, self.deletes)))


def is_due(vendor: type[Vendor] | Vendor, plan: Plan, team: Team, declared: TeamDeclared) -> bool:
    """Return whether an update is due, also if a member failed in the last run: the outputs must not repeat that."""
    is_kept_otherwise = (
        not team.names_in_state <= renamed(declared.members, vendor.identity_field).keys()
    )  # an earlier name
    has_failed = team.report is not None and bool(team.report.failed)
    return bool(plan) or has_failed or is_kept_otherwise or team.policy != declared.policy


def changed(vendor: Vendor, state: AccountState, known: Values) -> list[str]:
    """Return the arguments in which a member changes, whether they are given or not given any more."""
    declared = Declared.of(vendor.schema, known)
    names = set(differences(vendor.schema, compared(vendor.schema, state), declared.values))
    return sorted(names | ({*declared.names} ^ {*(state.declared_names or ())}))


def describe(name: str, plan: Plan, on_leave: str | None) -> list[str]:
    """Return the plan as lines for the user: counts, and the first twenty members of each kind."""
    counts = (
        (plan.joins, "join"), (plan.changes, "change"), (plan.looks, "be looked at again"),
        (plan.leaves, "leave"), (plan.deletes, "be deleted for good"),
    )  # fmt: skip
    parts = [f"{len(which):,} {what}" for which, what in counts if which]
    lines = [f"{name}: {', '.join(parts)}; {plan.stays:,} stay as they are"]
    after = {"retain": "left as they are", "delete": "deactivated, and deleted by the next run"}
    if plan.joins:
        lines.append(f"{name}: join: {_named(plan.joins)}")
    if plan.changes:
        changes = [f"{key} ({', '.join(names)})" for key, names in plan.changes.items()]
        lines.append(f"{name}: change: {_named(changes)}")
    if plan.leaves:
        lines.append(f"{name}: leave ({after.get(on_leave or '', 'deactivated')}): {_named(plan.leaves)}")
    if plan.adopted and on_leave != "retain":
        lines.append(
            f"{name}: of these, accounts that were there before seatwise are deactivated as well (a `User` or `Person` "
            f'would leave them active): {_named(plan.adopted)}; on_leave="retain" leaves them as they are'
        )
    if plan.deletes:
        lines.append(f"{name}: deleted for good, as they left earlier: {_named(plan.deletes)}")
    return lines


def _named(which: Sequence[str]) -> str:
    first = ", ".join(which[:MOST_TOLD])
    return f"{first} and {len(which) - MOST_TOLD:,} more" if len(which) > MOST_TOLD else first


def failures(
    name: str,
    failed: Mapping[str, str],
    counts: Mapping[str, int],
    again: str = "the next `pulumi up` tries them again",
) -> str:
    """Return one line that names the members that failed, why, and what tries them `again`.

    It names the first twenty, beginning with the members that should have left.
    """
    by_weight = sorted(failed.items(), key=lambda item: not item[1].startswith(LEAVING_FAILED))
    lines = [f"{key}: {reason}" for key, reason in by_weight[:MOST_TOLD]]
    if len(failed) > MOST_TOLD:
        lines.append(f"and {len(failed) - MOST_TOLD:,} more")
    if counts.get("not_tried"):
        lines.append(f"{int(counts['not_tried']):,} others were not tried")
    count = int(counts.get("failed", len(failed)))
    return f"{name}: {count:,} failed, and {again}: {'; '.join(lines)}"
