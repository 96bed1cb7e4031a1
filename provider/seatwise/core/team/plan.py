"""What the engine keeps of a team's members, what a change of them would do, and how that is told. Pure.

Members are kept by e-mail (its ASCII letters small), each as the arguments that the program gives, so that the
engine shows what changes by person and field.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..account import state
from ..account.state import ADOPTED, AS_DECLARED, DECLARED, REVISION, revision_of, with_revision
from ..vendor.errors import InvalidAccount
from ..vendor.fields import Problem, Values, composed, email_key, folded
from ..vendor.secrets import Vault
from ..vendor.vendor import Vendor

Split = Callable[[Values], tuple[dict[str, Any], dict[str, Any]]]
"""What parts arguments into those that are known and those that are not before the update runs."""
Members = Mapping[str, Values]
"""Arguments by e-mail."""
SEEN = "__seen"
"""Output: what is remembered of a member beside the arguments, by e-mail. Hidden by the engine's displays."""
LEAVING = "__leaving"
"""Output: ids of accounts that were deactivated and that the next run deletes, by e-mail."""
FAILED_IN = "__failed_in"
"""Output: the run of the program in which members failed, if any did."""
POLICIES = ("on_existing", "on_leave", "max_removals")
OF_THE_TEAM = {"on_existing": "on_existing", "on_destroy": "on_leave"}
"""Arguments of a single account, and what says the same of a whole team."""
LEAVING_FAILED = "should have left: "
"""How the reason begins why a member who leaves may still have access."""
MOST_TOLD = 20
"""How many members a line names."""
FEWEST_REMOVALS = 3
SHARE_OF_REMOVALS = 10
"""Per cent of the members, and at least three of them, that may leave in one run unless the program says otherwise."""


# --- what is kept -----------------------------------------------------------------------------


def keyed(members: Iterable[Values]) -> dict[str, dict[str, Any]]:
    """Members by e-mail; the e-mail itself is left out where it is spelt as its key."""
    return {key: packed(key, member) for key, member in ((key_of(each["email"]), each) for each in members)}


def key_of(email: str) -> str:
    """The name of a member."""
    return email_key(composed(email))


def _key_now(key: str, member: Values) -> str:
    """The name of a member of a state: the first versions folded more than ASCII letters."""
    email = unpacked(key, member)["email"]
    return key_of(email) if folded(email) == key else key


def renamed(members: Members) -> dict[str, Values]:
    """Members of a state by the names that they have today."""
    now: dict[str, Values] = {}
    for key, member in members.items():
        name = _key_now(key, member)
        now[key if name in members or name in now else name] = member
    return now


def packed(key: str, member: Values) -> dict[str, Any]:
    """A member's arguments as they are kept."""
    return {name: value for name, value in member.items() if name != "email" or value != key}


def unpacked(key: str, member: Values) -> dict[str, Any]:
    """A member's arguments."""
    return {"email": key, **member}


@dataclass(frozen=True)
class Member:
    """One account of a team, as outputs that the life of a single account works with."""

    id: str
    outs: dict[str, Any]


@dataclass
class Team:
    """The accounts of a team, by e-mail; `leaving` are the ids of those that are deactivated and to be deleted."""

    members: dict[str, Member] = field(default_factory=dict)
    leaving: dict[str, str] = field(default_factory=dict)
    revision: int = 0
    """The highest of all members': the engine has heard of all writes up to it."""

    @classmethod
    def of(cls, vendor: Vendor, outs: Values) -> "Team":
        """The team that these outputs are of."""
        seen, ids, revision = outs.get(SEEN, {}), outs.get("ids", {}), revision_of(outs)
        kept: Members = outs.get("members", {})
        members = {
            name: Member(ids[key], with_revision(_unfolded(vendor, key, kept[key], seen.get(key, {})), revision))
            for name, key in zip(renamed(kept), kept, strict=True)
        }
        return cls(members, dict(outs.get(LEAVING, {})), revision)

    def follow(self, news: Members) -> None:
        """Who got another e-mail at the vendor, and the same one in the program after that, is still one member.

        So is who has a name of the first versions, which folded more than ASCII letters; raises InvalidAccount where
        it may be the name of several.
        """
        folds: dict[str, list[str]] = {}
        for key in news:
            if folded(key) != key and key not in self.members:
                folds.setdefault(folded(key), []).append(key)
        for key, member in list(self.members.items()):
            now = key_of(str(member.outs.get("email", key)))
            if now not in news:
                now = _only(key, [*([key] if key in news else []), *folds.get(key, [])]) or now
            if key not in news and now in news and now not in self.members:
                self.members[now] = self.members.pop(key)
        for key in [each for each in self.leaving if each not in news and each in folds]:
            self.leaving[_only(key, folds[key])] = self.leaving.pop(key)

    def outputs(self, vendor: Vendor) -> dict[str, Any]:
        """What the engine keeps of it."""
        folded = {key: _folded(vendor, key, member.outs) for key, member in sorted(self.members.items())}
        seen = {key: seen for key, (_, seen) in folded.items() if seen}
        outs = {
            "members": {key: arguments for key, (arguments, _) in folded.items()},
            "ids": {key: self.members[key].id for key in folded},
        }
        outs |= ({SEEN: seen} if seen else {}) | ({LEAVING: self.leaving} if self.leaving else {})
        return with_revision(outs, max([self.revision, *(revision_of(each.outs) for each in self.members.values())]))


def _only(key: str, names: Sequence[str]) -> str:
    """The only name among these, empty without one; raises InvalidAccount when a member may have several."""
    if len(names) > 1:
        raise InvalidAccount(
            f"the state has one member {key}, who may be {' or '.join(names)}: earlier versions took them for one",
            remedy="Declare one of them alone for one run",
        )
    return names[0] if names else ""


def tracked(vendor: Vendor, outs: Values) -> set[str]:
    """The outputs of a member that are kept."""
    return {*outs.get(DECLARED, ()), *vendor.remembered, "email", ADOPTED, DECLARED, AS_DECLARED, REVISION}


def _folded(vendor: Vendor, key: str, outs: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    arguments = packed(key, {name: outs[name] for name in ("email", *outs[DECLARED]) if name in outs})
    seen = {name: outs[name] for name in vendor.remembered if name in outs and name not in arguments}
    seen |= {AS_DECLARED: outs[AS_DECLARED]} if outs.get(AS_DECLARED) else {}
    lost = sorted({*outs[DECLARED]} - {*outs})
    seen |= {DECLARED: lost} if lost else {}
    return arguments, seen | ({ADOPTED: True} if outs.get(ADOPTED) else {})


def _unfolded(vendor: Vendor, key: str, member: Values, seen: Values) -> dict[str, Any]:
    outs = vendor.schema.typed(unpacked(key, member) | {name: seen[name] for name in vendor.remembered if name in seen})
    as_declared = seen.get(AS_DECLARED)
    declared = sorted({*member, "email", *seen.get(DECLARED, ())})
    outs |= {ADOPTED: bool(seen.get(ADOPTED)), DECLARED: declared}
    return outs | ({AS_DECLARED: vendor.schema.typed(as_declared)} if as_declared else {})


# --- what is declared -------------------------------------------------------------------------


def check(
    vendor: type[Vendor], olds: Values, news: Values, split: Split, vault: Vault, owner: str = ""
) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Checked members and all that is wrong, of the members and of the team's own arguments.

    `olds` are the inputs before, empty for a new team; `split` parts arguments into those that are known and
    those that are not yet; `owner` names the team for the salts of its members' secrets.
    """
    problems = [*_policies(vendor, news)]
    policy = {"on_existing": "adopt"} if news.get("on_existing") == "adopt" else {}
    before: Members = olds.get("members", {})
    by_name = {_key_now(key, each): unpacked(key, each) for key, each in before.items()}
    by_email = {key_of(unpacked(key, each)["email"]): unpacked(key, each) for key, each in before.items()}
    members: dict[str, dict[str, Any]] = {}
    for key, member in news.get("members", {}).items():
        known, later = split(unpacked(key, {name: value for name, value in member.items() if name not in OF_THE_TEAM}))
        problems += [
            Problem("", f"{key}: {name} cannot be said of a member: say {instead} of the Roster")
            for name, instead in OF_THE_TEAM.items()
            if name in member
        ]
        old = by_name.get(key) or by_email.get(key, {})
        typed = vendor.schema.typed(old)
        whose = (owner, key) if owner else ()
        values, found = state.checked(vendor, typed, {**known, **policy}, frozenset(later), vault, whose)
        checked = {name: value for name, value in values.items() if name != "on_existing"}
        members[key] = packed(key, checked) | dict(later)
        problems += [Problem("", f"{key}: {problem}") for problem in found]
    if not problems:
        problems += removals(vendor, before, members, news.get("max_removals"))
    return members, problems


def immutable_changes(vendor: type[Vendor], team: Team, news: Members, split: Split) -> list[Problem]:
    """What can only be given when an account is made, and is otherwise now for members who have one.

    It is no matter of `check`: the inputs before may have members whose accounts could not be made.
    """
    problems = []
    for key in sorted(team.members.keys() & news.keys()):
        outs = team.members[key].outs
        olds = outs | outs.get(AS_DECLARED, {})
        known, _ = split(unpacked(key, news[key]))
        lost = {*outs[DECLARED]} - {*olds}
        values = {name: value for name, value in vendor.schema.typed(known).items() if name not in lost}
        found = state.immutable_changes(vendor, olds, values, f'members["{key}"]')
        problems += [Problem("", f"{key}: {problem}") for problem in found]
    return problems


def _policies(vendor: type[Vendor], news: Values) -> Iterable[Problem]:
    choices = {"on_existing": ("fail", "adopt"), "on_leave": ("deactivate", "delete", "retain")}
    for name, allowed in choices.items():
        if news.get(name) not in (None, *allowed):
            yield Problem(name, f"must be one of {', '.join(map(repr, allowed))}")
    if news.get("on_leave") == "delete" and not vendor.can_delete:
        reason = f'cannot be "delete": {vendor.title} has no way to delete; use "deactivate" or "retain"'
        yield Problem("on_leave", reason)
    if most_removals(news.get("max_removals"), 0) is None:
        yield Problem("max_removals", 'must be a number of members, or a share of them such as "10%"')


def most_removals(given: Any, members: int) -> int | None:
    """How many of so many members may leave at once; None when what is given says no number."""
    if given is None:
        return max(FEWEST_REMOVALS, math.ceil(members * SHARE_OF_REMOVALS / 100))
    share = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(given).strip())
    if share:
        return math.floor(members * float(share[1]) / 100)
    number = re.fullmatch(r"(\d+)(?:\.0)?", str(given).strip())
    return int(number[1]) if number else None


def removals(vendor: type[Vendor] | Vendor, before: Members, after: Members, given: Any) -> list[Problem]:
    """What is wrong with who leaves: a team that loses more than it may in one run has lost them by mistake."""
    names = {key: _key_now(key, before[key]) for key in sorted(before)}
    now = {key: name if name in after else key_of(unpacked(key, before[key])["email"]) for key, name in names.items()}
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
    return all(member.get(name) == value for name, value in vendor.retired.items())


# --- what would be done -----------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Who joins, who changes in which fields, who is to be looked at again, who leaves; by e-mail.

    `adopted` are the members who leave and whose accounts were there before seatwise.
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
        """What makes the team as the members say."""
        joins = sorted(key for key in news if key not in team.members)
        changes, looks = {}, []
        for key, member in sorted(team.members.items()):
            if key not in news:
                continue
            known, later = split(unpacked(key, news[key]))
            names = sorted({*changed(vendor, member.outs, known), *later})
            if names:
                changes[key] = names
            elif member.id in unconfirmed:
                looks.append(key)
        leaves = sorted(key for key in team.members if key not in news)
        stays = len(team.members) - len(changes) - len(looks) - len(leaves)
        deletes = sorted(key for key in team.leaving if key not in news)
        adopted = tuple(key for key in leaves if team.members[key].outs.get(ADOPTED))
        return cls(joins, changes, looks, leaves, deletes, stays, adopted)

    def __bool__(self) -> bool:
        return bool(self.joins or self.changes or self.looks or self.leaves or self.deletes)

    @property
    def size(self) -> int:
        """How many accounts it is about."""
        return sum(map(len, (self.joins, self.changes, self.looks, self.leaves, self.deletes)))


def is_due(plan: Plan, olds: Values, news: Values) -> bool:
    """Whether an update is: who failed may be out of the program since, and must not be said to fail for ever."""
    names, declared = renamed(olds.get("members", {})), renamed(news.get("members", {}))
    is_kept_otherwise = not names.keys() <= declared.keys()  # under an e-mail of before
    is_other_policy = any(olds.get(name) != news.get(name) for name in POLICIES)
    return bool(plan) or bool(olds.get("failed")) or is_kept_otherwise or is_other_policy


def changed(vendor: Vendor, olds: Values, news: Values) -> list[str]:
    """The arguments in which a member is to be otherwise, given or not any more."""
    names = set(state.differences(vendor.schema, olds, news))
    return sorted(names | ({*state.declared_names(news)} ^ {*olds.get(DECLARED, ())}))


def describe(name: str, plan: Plan, on_leave: str | None) -> list[str]:
    """The plan in lines for a person: counts, and the first twenty of each kind."""
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
    """Return in one line which members failed and why, and what does them `again`.

    It names the first twenty, and of these first who should have left.
    """
    by_weight = sorted(failed.items(), key=lambda item: not item[1].startswith(LEAVING_FAILED))
    lines = [f"{key}: {reason}" for key, reason in by_weight[:MOST_TOLD]]
    if len(failed) > MOST_TOLD:
        lines.append(f"and {len(failed) - MOST_TOLD:,} more")
    if counts.get("not_tried"):
        lines.append(f"{int(counts['not_tried']):,} others were not tried")
    count = int(counts.get("failed", len(failed)))
    return f"{name}: {count:,} failed, and {again}: {'; '.join(lines)}"
