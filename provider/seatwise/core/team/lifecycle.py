"""The life of a team: each member's account is made, changed and retired as a single one is, many at once.

Who fails does not stop the others, and is named at the end; the next run does only what is missing. What
fails for all of them (a vendor that is down, a login that is refused) is not tried a thousand times.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..account import lifecycle
from ..account.creating import Begun, as_sent, begin, complete, listed_as_sent
from ..account.finding import fetch
from ..account.holders import held_by, replaced
from ..account.owner import MEMBERS
from ..account.ports import EntryKind, Tenant, Unconfirmed
from ..account.state import revision_of, with_revision
from ..vendor.errors import (
    AccountError,
    AccountExists,
    InvalidAccount,
    NotAuthorised,
    RateLimited,
    TooManyRemovals,
    UnknownOutcome,
    Unreachable,
    VendorBroken,
)
from ..vendor.fields import Values
from .plan import (
    FAILED_IN,
    LEAVING_FAILED,
    POLICIES,
    Member,
    Members,
    Plan,
    Team,
    failures,
    key_of,
    most_removals,
    packed,
    removals,
    tracked,
    unpacked,
)

NOT_ABOUT_ONE = (NotAuthorised, RateLimited, TooManyRemovals, UnknownOutcome, Unreachable, VendorBroken)
"""Failures that the next member may meet as well, for they are not about the account."""
MOST_FAILURES_IN_A_ROW = 16
"""How many members in a row may meet one of those, in one phase, before the others of that phase are not tried."""
NOT_TRIED = f"not tried, for {MOST_FAILURES_IN_A_ROW} others in a row had failed"
PROGRESS_INTERVAL_S = 5.0
"""Seconds between lines that tell how far it is."""


@dataclass
class Work:
    """One run's work on a team: who failed and why, and how far it is."""

    tenant: Tenant
    name: str
    total: int
    failed: dict[str, str] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    done: int = 0
    _in_a_row: int = 0

    def __post_init__(self) -> None:
        self._begun = self._told = self.tenant.now()

    async def each(
        self,
        work: Callable[[Tenant, str], Awaitable[None]],
        keys: Iterable[str],
        *,
        counts: bool = True,
        first_alone: bool = False,
        are_leaving: bool = False,
    ) -> None:
        """Do this for each member, in an operation of its own; `counts` if it is done then.

        One call is a phase: that accounts cannot be made says nothing about those that are retired. With `are_leaving`
        each member who still has access is named, tried or not.

        With `first_alone` the others wait for the first: it is read by its id, and what the list says must be as much.
        """

        async def one(key: str) -> None:
            if self._in_a_row >= MOST_FAILURES_IN_A_ROW:
                self.untried.add(key)
                if are_leaving:
                    self.failed[key] = LEAVING_FAILED + NOT_TRIED
                return
            try:
                await work(self.tenant.operation(), key)
            except AccountError as error:
                self._note(key, error, LEAVING_FAILED if are_leaving else "")
            except Exception as error:  # an answer that nobody thought of is no reason to stop the others
                self._note(key, _unexpected(error), LEAVING_FAILED if are_leaving else "")
            else:
                self._in_a_row = 0
            if counts:
                self._tell()

        left, self._in_a_row = iter(keys), 0
        if first_alone:
            await self.tenant.each(one, islice(left, 1))
        await self.tenant.each(one, left)

    def _note(self, key: str, error: AccountError, about: str) -> None:
        reason = " ".join(part for part in (f"{error.problem}.", error.remedy) if part)
        self.failed[key] = about + self.tenant.vault.message(reason)
        self._in_a_row = self._in_a_row + 1 if isinstance(error, NOT_ABOUT_ONE) else 0

    def _tell(self) -> None:
        self.done += 1
        now = self.tenant.now()
        if now - self._told < PROGRESS_INTERVAL_S or self.done >= self.total:
            return
        self._told = now
        rate = self.done / (now - self._begun)
        left = (self.total - self.done) / rate
        self.tenant.warn(
            f"{self.name}: {self.done:,} of {self.total:,} done, {rate:,.0f} a second, {_duration(left)} left"
        )


async def create(tenant: Tenant, name: str, news: Values, owner: str) -> dict[str, Any]:
    """Make the team; returns the outputs. Raises AccountError when nobody could be made.

    The accounts of a team that the engine replaces go on: it is an update then.
    """
    olds = await _replaced(tenant, owner, news)
    problems = removals(tenant.vendor, olds.get("members", {}), news.get("members", {}), news.get("max_removals"))
    if problems:
        raise InvalidAccount("; ".join(map(str, problems)))
    outs = await update(tenant, name, olds, news, owner)
    for account in olds.get("ids", {}).values():
        tenant.journal.renewed(account, owner + MEMBERS)
    if olds:  # it tells the new life from the old one, which awaits its deletion
        outs = with_revision(outs, max(revision_of(outs), revision_of(olds) + 1))
    if outs["failed"] and not outs["ids"]:
        raise AccountError(failures(name, outs["failed"], outs["counts"]), vendor=tenant.vendor.title)
    return outs


async def _replaced(tenant: Tenant, owner: str, news: Values) -> dict[str, Any]:
    """The outputs of the team that the engine replaces, as its state has them; empty for a new team."""
    held = await replaced(tenant, owner + MEMBERS)
    if held is None:
        return {}
    return dict(held.outputs) if held.is_whole else _with_secrets(tenant, held.outputs, news)


def _with_secrets(tenant: Tenant, olds: Values, news: Values) -> dict[str, Any]:
    """Outputs whose secrets the state does not show, with those that are declared: they count as the same."""
    secrets = tenant.vendor.schema.secrets
    declared: Members = news.get("members", {})
    members = {
        key: {**{name: declared[key][name] for name in secrets & declared.get(key, {}).keys()}, **member}
        for key, member in olds.get("members", {}).items()
    }
    return {**olds, "members": members}


async def update(tenant: Tenant, name: str, olds: Values, news: Values, owner: str) -> dict[str, Any]:
    """Make the team as the members say; returns the outputs, in which `failed` says who is not as declared."""
    vendor = tenant.vendor
    team = Team.of(vendor, olds)
    members: Members = {
        key: vendor.schema.typed(unpacked(key, member)) for key, member in news.get("members", {}).items()
    }
    team.follow(members)
    plan = Plan.of(vendor, team, members, lambda member: (dict(member), {}), tenant.journal.unconfirmed(team.revision))
    work = Work(tenant, name, plan.size)
    for key in members.keys() & team.leaving.keys():
        del team.leaving[key]  # they are back
    await _leave(work, team, await _who_cannot_stay(tenant, team, plan), news, owner + MEMBERS)
    await _join(work, team, plan, members, news, owner)
    await _change(work, team, plan, members)
    await _delete(work, team, plan, owner + MEMBERS)
    await _leave(work, team, [key for key in plan.leaves if key in team.members], news, owner + MEMBERS)
    return team.outputs(vendor) | _report(work, plan, team) | _policies(news)


async def _join(work: Work, team: Team, plan: Plan, members: Members, news: Values, owner: str) -> None:
    """Make the accounts, and read them back together."""
    begun: dict[str, Begun] = {}
    policy = {"on_existing": news["on_existing"]} if news.get("on_existing") else {}

    def leaving_with(account: str) -> str | None:
        """Who would leave with this account: somebody whose e-mail was changed at the vendor stays."""
        left = (key for key in plan.leaves if key in team.members)
        return next((key for key in left if team.members[key].id == account), None)

    async def make(tenant: Tenant, key: str) -> None:
        try:
            made = await begin(tenant, {**members[key], **({} if plan.leaves else policy)}, owner + MEMBERS)
        except AccountExists as error:
            before = leaving_with(error.existing)
            if before is not None:
                old = team.members[key] = team.members.pop(before)
                team.members[key] = await _kept(tenant, old, members[key])
                return
            if policy.get("on_existing") != "adopt" or not error.existing:
                raise
            made = await begin(tenant, {**members[key], **policy}, owner + MEMBERS)
        if made.outs is None:
            begun[key] = made
        else:  # it was there, and is as declared now
            before = leaving_with(made.account)
            if before is not None:
                del team.members[before]
            team.members[key] = Member(made.account, made.outs)

    await work.each(make, plan.joins)
    await _finish(work, team, begun, members, owner + MEMBERS)


async def _finish(work: Work, team: Team, begun: dict[str, Begun], members: Members, owner: str) -> None:
    """Read new accounts back together, and send what their creates did not take."""
    lost = set[str]()

    async def finish(tenant: Tenant, key: str) -> None:
        made = await listed_as_sent(tenant, begun[key], members[key])
        try:
            made = await complete(tenant, made, members[key], owner)
        except UnknownOutcome:  # the id was another account's, and its own does not show
            lost.add(key)
            raise
        team.members[key] = Member(made.account, made.outs or {})

    work.tenant.directory.renew([each.account for each in begun.values()])
    await work.each(finish, begun, counts=False, first_alone=True)
    for key in begun.keys() - team.members.keys() - lost:  # made, and not finished
        account = begun[key].account
        team.members[key] = Member(account, as_sent(work.tenant, account, members[key]))


async def _kept(tenant: Tenant, old: Member, news: Values) -> Member:
    """A member under another e-mail, as declared. A password that is the same is not sent again for that."""
    secrets = tenant.vendor.schema.secrets & news.keys() & old.outs.keys()
    plain = {name: tenant.vault.reveal(news[name]) for name in secrets}
    same = {name: tenant.vault.seal(text, old.outs[name]) for name, text in plain.items() if text is not None}
    outs = await lifecycle.update(tenant, old.id, old.outs, {**news, **same})
    return Member(old.id, outs | {name: news[name] for name in secrets})


async def _change(work: Work, team: Team, plan: Plan, members: Members) -> None:
    async def change(tenant: Tenant, key: str) -> None:
        old = team.members[key]
        team.members[key] = Member(old.id, await lifecycle.update(tenant, old.id, old.outs, members[key]))

    await work.each(change, [*plan.changes, *plan.looks])


async def _who_cannot_stay(tenant: Tenant, team: Team, plan: Plan) -> list[str]:
    """The leavers who are no joining member under another e-mail: they leave before anybody joins, and free a seat.

    Whether one is, is seen from the account. One that cannot be read leaves last of all.
    """
    joins, found, unread = {*plan.joins}, list[str](), 0

    async def look(key: str) -> None:
        nonlocal unread
        if unread >= MOST_FAILURES_IN_A_ROW:
            return
        account, operation = team.members[key].id, tenant.operation()
        try:
            listed = await operation.directory.record(operation, account)
            record = listed or await fetch(operation, account, key)
        except AccountError:
            unread += 1
            return
        if record is None or key_of(tenant.vendor.email(record)) not in joins:
            found.append(key)

    if not joins:
        return [*plan.leaves]
    await tenant.each(look, plan.leaves)
    return sorted(found)


async def _leave(work: Work, team: Team, keys: Sequence[str], news: Values, owner: str) -> None:
    """Retire these members; to be deleted, an account waits for the next run.

    Until then it can be seen whether the person has only moved to another resource.
    """
    how = news.get("on_leave")

    async def leave(tenant: Tenant, key: str) -> None:
        old = team.members[key]
        now = "retain" if how == "retain" else "deactivate"
        is_retired = await lifecycle.delete(tenant, old.id, old.outs | {"on_destroy": now}, owner)
        del team.members[key]
        if how == "delete" and is_retired:
            team.leaving[key] = old.id

    await work.each(leave, [key for key in keys if key not in work.failed], are_leaving=True)


async def _delete(work: Work, team: Team, plan: Plan, owner: str) -> None:
    """Delete the accounts that an earlier run deactivated."""

    async def delete(tenant: Tenant, key: str) -> None:
        await _delete_if_still_retired(tenant, key, team.leaving[key], owner)
        del team.leaving[key]

    await work.each(delete, plan.deletes)


async def _delete_if_still_retired(tenant: Tenant, key: str, account: str, owner: str) -> None:
    last = tenant.journal.last(key)
    is_taken_up = last is not None and last.kind is EntryKind.CREATED
    if is_taken_up or tenant.ownership.belongs_to_other(key, owner):
        return
    record = await fetch(tenant, account, key)
    if record is None:
        return
    if not tenant.vendor.is_retired(record):
        tenant.warn(f"{tenant.vendor.title} {key}: not deleted, for somebody has made it active again")
        return
    await lifecycle.delete(tenant, account, {"email": key, "on_destroy": "delete"}, owner)


async def read(tenant: Tenant, name: str, olds: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the vendor has of the team now, as outputs and as inputs; who is gone is not in them.

    Raises AccountError when somebody could not be read.
    """
    vendor = tenant.vendor
    team = Team.of(vendor, olds)
    declared: dict[str, dict[str, Any]] = {}
    work = Work(tenant, name, len(team.members))

    async def look(tenant: Tenant, key: str) -> None:
        old = team.members[key]
        found = await lifecycle.read(tenant, old.id, old.outs, tracked(vendor, old.outs))
        if found is None:
            del team.members[key]
        else:
            team.members[key] = Member(old.id, found.outputs)
            declared[key] = packed(key, found.inputs)

    await work.each(look, list(team.members), first_alone=True)
    _raise_if_any_failed(work, "the state stays as it was until a refresh reads them all")
    outs = team.outputs(vendor)
    kept = {key: olds[key] for key in ("failed", "counts", FAILED_IN) if key in olds}
    return outs | kept | _policies(olds), {"members": declared} | _policies(olds)


async def delete(tenant: Tenant, name: str, olds: Values, owner: str) -> None:
    """Retire all members; raises AccountError naming who could not be.

    Of a team that the engine replaces, only those are deactivated who are not declared any more: its new life deletes
    them, if that is asked for. Where the new life is in the state already, it has seen to them.
    """
    team, owner = Team.of(tenant.vendor, olds), tenant.ownership.current_owner(owner) + MEMBERS
    if await _has_new_life(tenant, olds, owner):
        return
    how = {"on_destroy": olds["on_leave"]} if olds.get("on_leave") else {}
    if tenant.ownership.is_in_program(owner) or tenant.journal.declared(owner) is not None:
        leavers = _leavers_of_replaced(tenant, team, owner)
        _refuse_many(team, leavers, olds)
        team.members = {key: team.members[key] for key in leavers}
        team.leaving = {}
        how = {"on_destroy": "retain" if olds.get("on_leave") == "retain" else "deactivate"}
    work = Work(tenant, name, len(team.members) + len(team.leaving))

    async def retire(tenant: Tenant, key: str) -> None:
        member = team.members[key]
        await lifecycle.delete(tenant, member.id, member.outs | how, owner)

    async def forget(tenant: Tenant, key: str) -> None:
        await _delete_if_still_retired(tenant, key, team.leaving[key], owner)

    await work.each(forget, team.leaving)
    await work.each(retire, list(team.members), are_leaving=True)
    _raise_if_any_failed(work, "the same command tries the team again")


async def _has_new_life(tenant: Tenant, olds: Values, owner: str) -> bool:
    """Whether the engine's state has the team that took the place of this one, which awaits its deletion."""
    try:
        held = await held_by(tenant, owner)
    except AccountError:
        return False
    return held is not None and held.is_live and revision_of(held.outputs) != revision_of(olds)


def _leavers_of_replaced(tenant: Tenant, team: Team, owner: str) -> list[str]:
    """The members of a team that is replaced who are not declared any more, and whom no other run has seen to."""
    declared = tenant.journal.declared(owner) or frozenset()
    return [
        key
        for key, each in team.members.items()
        if key_of(str(each.outs.get("email", key))) not in declared
        and not tenant.ownership.goes_on(each.id, key, owner)
        and not _is_done(tenant, each.id)
    ]


def _refuse_many(team: Team, leavers: Sequence[str], olds: Values) -> None:
    """Raise InvalidAccount where more members would leave than may in one run."""
    most = most_removals(olds.get("max_removals"), len(team.members)) or 0
    if len(leavers) > most:
        raise InvalidAccount(
            f"{len(leavers):,} of {len(team.members):,} members would leave while the Roster is replaced, and at most "
            f"{most:,} may in one run",
            remedy="Replace it in a run in which nobody leaves",
        )


def _is_done(tenant: Tenant, account: str) -> bool:
    """Whether the run that replaced the team has dealt with the account."""
    return tenant.journal.is_renewed(account) or tenant.journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED


def _unexpected(error: Exception) -> AccountError:
    """The failure of a member of whom something came that seatwise does not understand; its text may hold anything."""
    return AccountError(
        f"an unexpected answer ({type(error).__name__})", remedy="Run it again; if it stays, report it as a bug"
    )


def _raise_if_any_failed(work: Work, again: str) -> None:
    if work.failed:
        raise AccountError(failures(work.name, work.failed, _counts(work), again), vendor=work.tenant.vendor.title)


def _report(work: Work, plan: Plan, team: Team) -> dict[str, Any]:
    """What this run did, and for whom it failed."""
    bad = work.failed.keys() | work.untried
    done = {
        "members": len(team.members),
        "joined": sum(key in team.members for key in plan.joins),
        "changed": sum(key not in bad for key in plan.changes),
        "left": sum(key not in team.members for key in plan.leaves),
    }
    return {"failed": work.failed, "counts": done | _counts(work)}


def _counts(work: Work) -> dict[str, int]:
    return {"failed": len(work.failed.keys() - work.untried), "not_tried": len(work.untried)}


def _policies(source: Values) -> dict[str, Any]:
    return {name: source[name] for name in POLICIES if source.get(name) is not None}


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
