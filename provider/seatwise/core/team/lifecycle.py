"""The life of a team: each member's account is created, changed and deprovisioned like a single one, many at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..account import lifecycle
from ..account.creating import as_sent, begin, complete
from ..account.finding import fetch
from ..account.holders import exact_owner, held_by, replaced
from ..account.owner import MEMBERS
from ..account.ports import EntryKind, Held, Tenant, Unconfirmed
from ..account.properties import AccountState, Declared
from ..account.refusals import held_by_other, refuse_taken
from ..account.resuming import Begun
from ..vendor.errors import AccountError, AccountExists, InvalidAccount, UnknownOutcome
from ..vendor.fields import Values
from .following import Leavers, follow_leavers, why_waiting
from .plan import Plan, failures, most_removals, too_many_leavers
from .properties import Member, Members, Report, Team, TeamDeclared, key_of, packed, unpacked
from .work import Taken, Work


async def create(tenant: Tenant, name: str, declared: TeamDeclared, owner: str) -> Team:
    """Create the team and return its state. Raise AccountError if no member's account could be created.

    The accounts of a team that the engine replaces are kept: it is an update then.
    """
    held = await replaced(tenant, owner + MEMBERS)
    team = Team() if held is None else _replaced(tenant, held, declared)
    before = {} if held is None else held.outputs.get("members", {})
    problems = too_many_leavers(tenant.vendor, before, declared.members, declared.policy.max_removals)
    if problems:
        raise InvalidAccount("; ".join(map(str, problems)))
    is_others, old_revision = tenant.ownership.belongs_to_other, team.revision
    own_accounts = {each.id for key, each in team.members.items() if not is_others(key, owner + MEMBERS)}
    team = await update(tenant, name, team, declared, owner)
    for account in own_accounts | {each.id for each in team.members.values()}:
        tenant.journal.renewed(account, owner + MEMBERS)
    if held is not None:  # the higher revision distinguishes it from the old one, which awaits its deletion
        team.revision = max(team.write_revision, old_revision + 1)
    report = team.report or Report()
    if report.failed and not team.members:
        raise AccountError(failures(name, report.failed, report.counts), vendor=tenant.vendor.title)
    return team


def _replaced(tenant: Tenant, held: Held, declared: TeamDeclared) -> Team:
    """Return the team that the engine replaces. Secrets that its state does not show count as the declared ones."""
    outputs = held.outputs
    if not held.is_whole:
        secrets = tenant.vendor.schema.secrets
        hidden = {
            key: {name: value for name, value in declared.members.get(key, {}).items() if name in secrets}
            for key in outputs.get("members", {})
        }
        members = {key: {**hidden[key], **member} for key, member in outputs.get("members", {}).items()}
        outputs = {**outputs, "members": members}
    return Team.from_outputs(tenant.vendor, outputs)


async def update(tenant: Tenant, name: str, team: Team, declared: TeamDeclared, owner: str) -> Team:
    """Make the team as declared and return it. Its report names the members that are not as declared, and why."""
    vendor = tenant.vendor
    members: Members = {
        key: vendor.schema.typed(unpacked(key, each, vendor.identity_field)) for key, each in declared.members.items()
    }
    team.follow(members, vendor.identity_field)
    keys = sorted(team.members.keys() - members.keys())
    are_joining = bool(members.keys() - team.members.keys())
    leavers = await follow_leavers(tenant, team, members, keys, owner + MEMBERS) if are_joining else Leavers({*keys})
    unconfirmed = tenant.journal.unconfirmed(team.revision) | {team.members[name].id for name in leavers.stay.values()}
    plan = Plan.of(vendor, team, members, lambda member: (dict(member), {}), unconfirmed)
    work = Work(tenant, name, plan.size)
    for key in members.keys() & team.leaving.keys():
        del team.leaving[key]  # the program declares them again
    how = declared.policy.on_leave
    # A member who certainly leaves does so first, and frees a seat.
    await _leave(work, team, [key for key in plan.leaves if key in leavers.certain], how, owner + MEMBERS)
    await _join(work, team, plan, members, declared, owner)
    await _change(work, team, plan, members, owner + MEMBERS)
    await _delete(work, team, plan, owner + MEMBERS)
    late = [key for key in plan.leaves if key in team.members and key not in work.failed]
    leavers = await follow_leavers(tenant, team, members, late, owner + MEMBERS)
    work.stay |= leavers.stay
    work.failed |= why_waiting(work, leavers, late, members.keys() - team.members.keys())
    leaving = [key for key in late if key in team.members and key not in work.failed]
    await _leave(work, team, leaving, how, owner + MEMBERS)
    team.policy, team.report = declared.policy, _report(work, plan.without(work.stay), team)
    return team


async def _join(work: Work, team: Team, plan: Plan, members: Members, declared: TeamDeclared, owner: str) -> None:
    """Create the accounts, and read them back together."""
    begun: dict[str, Begun] = {}
    policy = declared.policy.on_existing

    def holder(account: str) -> str | None:
        """Return the member that has this account: its e-mail may have been changed at the vendor."""
        return next((key for key, each in team.members.items() if each.id == account), None)

    async def make(tenant: Tenant, key: str) -> None:
        others = {each.id for each in team.members.values()}
        try:
            made = await begin(tenant, Declared(members[key], policy), owner + MEMBERS, others)
        except AccountExists as error:
            before = holder(error.existing)
            if before is None:
                raise
            if before in members:
                raise held_by_other(tenant, error.existing, key, f"the member {before}") from None
            old = team.members[key] = team.members.pop(before)
            work.stay[before] = key
            team.members[key] = await _kept(tenant, old, members[key])
            return
        if made.state is None:
            begun[key] = made
        else:  # the account existed, and is as declared now
            before = holder(made.account)
            if before is not None and before not in members:
                work.stay[before] = key
                del team.members[before]
            team.members[key] = Member(made.account, made.state)

    await work.each(make, plan.joins)
    _note_failed(work, {*plan.joins} - begun.keys() - team.members.keys(), policy)
    for key, taken in work.taken.items():
        team.members[key] = _unfinished(work.tenant, taken, Declared(members[key]))
    await _finish(work, team, begun, members, owner + MEMBERS)


def _note_failed(work: Work, keys: Iterable[str], policy: str | None) -> None:
    """Note which members did not join: who has their accounts keeps them, and the team has what was given up for it."""
    ownership, journal = work.tenant.ownership, work.tenant.journal
    for key in keys:
        ownership.fail(key)
        account = ownership.given(key)
        if account is None or key in work.taken:
            continue
        try:
            last = journal.last(key)
        except AccountError:  # a newer version wrote it: whether the account was adopted is not known
            work.taken[key] = Taken(account, is_adopted=True)
            continue
        is_adopted = last is None or last.account != account
        if policy == "adopt" or not is_adopted:
            work.taken[key] = Taken(account, is_adopted)


def _unfinished(tenant: Tenant, taken: Taken, declared: Declared) -> Member:
    """Return a member that could not join, with the account that it was given: the resource before lets that go.

    The next run completes it, or deprovisions it if the member leaves. Its secrets count as not sent.
    """
    if tenant.journal.why_unconfirmed(taken.account) is None:  # it was read with its e-mail: UNSEEN would doubt that
        tenant.journal.mark_unconfirmed(taken.account, Unconfirmed.CHANGED)
    state = as_sent(tenant, taken.account, declared)
    known = {name: value for name, value in state.values.items() if name not in tenant.vendor.schema.secrets}
    return Member(taken.account, replace(state, values=known, adopted=taken.is_adopted))


async def _finish(work: Work, team: Team, begun: dict[str, Begun], members: Members, owner: str) -> None:
    """Read new accounts back together, and send what their creates did not take."""
    lost = set[str]()

    async def finish(tenant: Tenant, key: str) -> None:
        declared = Declared(members[key])
        try:
            made = await complete(tenant, begun[key], declared, owner, is_listed=True)
        except UnknownOutcome:  # the id was another account's, and its own does not show
            lost.add(key)
            raise
        team.members[key] = Member(made.account, made.state or AccountState())

    work.tenant.list_cache.renew([each.account for each in begun.values()])
    await work.each(finish, begun, counts=False, first_alone=True)
    for key in begun.keys() - team.members.keys() - lost:  # made, and not finished
        account = begun[key].account
        team.members[key] = Member(account, as_sent(work.tenant, account, Declared(members[key])))


async def _kept(tenant: Tenant, old: Member, news: Values) -> Member:
    """Return a member as declared. A password that is unchanged under a new e-mail is not sent again."""
    both = tenant.vendor.schema.secrets & news.keys() & old.state.values.keys()
    secrets = {name for name in both if news[name] != old.state.values[name]}
    plain = {name: tenant.vault.reveal(news[name]) for name in secrets}
    same = {name: tenant.vault.seal(text, old.state.values[name]) for name, text in plain.items() if text is not None}
    state = await lifecycle.update(tenant, old.id, old.state, Declared({**news, **same}))
    return Member(old.id, state.knowing({name: news[name] for name in secrets}))


async def _change(work: Work, team: Team, plan: Plan, members: Members, owner: str) -> None:
    async def change(tenant: Tenant, key: str) -> None:
        old = team.members[key]
        refuse_taken(tenant, old.id, key, owner)
        team.members[key] = await _kept(tenant, old, members[key])

    await work.each(change, [*plan.changes, *plan.looks])


async def _leave(work: Work, team: Team, keys: Sequence[str], how: str | None, owner: str) -> None:
    """Deactivate these members. An account that is to be deleted is deleted in the next run.

    Until then another resource may declare it.
    """

    async def leave(tenant: Tenant, key: str) -> None:
        old = team.members[key]
        now = "retain" if how == "retain" else "deactivate"
        if how == "delete" and tenant.vendor.deactivating_deletes:
            now = "delete"
        is_deactivated = await lifecycle.delete(tenant, old.id, replace(old.state, on_destroy=now), owner)
        del team.members[key]
        if how == "delete" and now == "deactivate" and is_deactivated:
            team.leaving[key] = old.id

    await work.each(leave, keys, are_leaving=True)


async def _delete(work: Work, team: Team, plan: Plan, owner: str) -> None:
    """Delete the accounts that an earlier run deactivated for this."""

    async def delete(tenant: Tenant, key: str) -> None:
        await _delete_if_inactive(tenant, key, team.leaving[key], owner)
        del team.leaving[key]

    await work.each(delete, plan.deletes)


async def _delete_if_inactive(tenant: Tenant, key: str, account: str, owner: str) -> None:
    """Delete an account that a team deactivated, unless it is active again or belongs to another resource.

    Its e-mail may have changed by hand since, and a resource, or another member of the team, may declare the new one.
    """
    vendor, ownership = tenant.vendor, tenant.ownership
    last = tenant.journal.last(key)
    is_resumed = last is not None and last.kind is EntryKind.CREATED
    if is_resumed or ownership.belongs_to_other(key, owner) or ownership.owner_of(account) is not None:
        return
    record = await fetch(tenant, account, key)
    if record is None or ownership.is_declared(vendor.parse_identity(record) or ""):
        return
    if not vendor.is_deactivated(record):
        tenant.warn(
            f"{vendor.title} {key} ({account}): not deleted, because it is active again; the team no longer manages "
            "it. If the person left, and no other stack declares the account, deactivate or delete it in the admin page"
        )
        return
    await lifecycle.delete(
        tenant, account, AccountState({tenant.vendor.identity_field: key}, on_destroy="delete"), owner
    )


async def read(tenant: Tenant, name: str, team: Team) -> tuple[Team, TeamDeclared]:
    """Return the team as the vendor has it now, and what declares it so. Members whose account is gone are left out.

    Raise AccountError if a member could not be read.
    """
    vendor = tenant.vendor
    declared = dict[str, Values]()
    work = Work(tenant, name, len(team.members))

    async def look(tenant: Tenant, key: str) -> None:
        old = team.members[key]
        found = await lifecycle.read(tenant, old.id, old.state, old.state.names_of_member(vendor))
        if found is None:
            del team.members[key]
        else:
            team.members[key] = Member(old.id, found)
            declared[key] = packed(key, found.declared().values, vendor.identity_field)

    await work.each(look, list(team.members), first_alone=True)
    work.raise_if_any_failed("the state stays as it was until a refresh reads them all")
    return team, TeamDeclared(declared, team.policy)


async def delete(tenant: Tenant, name: str, team: Team, owner: str) -> None:
    """Deprovision all members. Raise AccountError if some of them could not be.

    Of a team that the engine replaces, only the members that are not declared any more are deactivated: the new
    resource deletes them, if the program says so. If the state has the new resource already, nothing is left to do.
    """
    owner += MEMBERS
    accounts = [each.id for each in team.members.values()]
    owner = await exact_owner(tenant, accounts[0], owner) if accounts else tenant.ownership.current_owner(owner)
    if await _has_new_life(tenant, team, owner):
        return
    how = team.policy.on_leave
    if tenant.ownership.is_in_program(owner) or tenant.journal.declared(owner) is not None:
        leavers = _leavers_of_replaced(tenant, team, owner)
        _refuse_many(team, leavers)
        team.members = {key: team.members[key] for key in leavers}
        team.leaving = {}
        how = "retain" if team.policy.on_leave == "retain" else "deactivate"
    work = Work(tenant, name, len(team.members) + len(team.leaving))

    async def deprovision(tenant: Tenant, key: str) -> None:
        member = team.members[key]
        state = replace(member.state, on_destroy=how) if how else member.state
        await lifecycle.delete(tenant, member.id, state, owner)

    async def forget(tenant: Tenant, key: str) -> None:
        await _delete_if_inactive(tenant, key, team.leaving[key], owner)

    await work.each(forget, team.leaving)
    await work.each(deprovision, list(team.members), are_leaving=True)
    work.raise_if_any_failed("the same command tries the team again")


async def _has_new_life(tenant: Tenant, team: Team, owner: str) -> bool:
    """Return whether the engine's state has the team that took the place of this one, which awaits its deletion.

    It has accounts of this one: another stack may have a team of the same name.
    """
    try:
        held = await held_by(tenant, owner)
    except AccountError:
        return False
    if held is None or not held.is_live or not held.accounts() & {each.id for each in team.members.values()}:
        return False
    return held.revision != team.revision


def _leavers_of_replaced(tenant: Tenant, team: Team, owner: str) -> list[str]:
    """Return the members of a replaced team that are not declared any more, and that no other resource has handled."""
    declared = tenant.journal.declared(owner) or frozenset()
    return [
        key
        for key, each in team.members.items()
        if key_of(tenant.vendor.identity(each.state.values) or key) not in declared
        and not tenant.ownership.continues_with(each.id, key, owner)
        and not _is_done(tenant, each.id)
    ]


def _refuse_many(team: Team, leavers: Sequence[str]) -> None:
    """Raise InvalidAccount if more members would leave than may leave in one run."""
    most = most_removals(team.policy.max_removals, len(team.members)) or 0
    if len(leavers) > most:
        raise InvalidAccount(
            f"{len(leavers):,} of {len(team.members):,} members would leave while the Roster is replaced, and at most "
            f"{most:,} may in one run",
            remedy="Replace it in a run in which no member leaves",
        )


def _is_done(tenant: Tenant, account: str) -> bool:
    """Return whether the run that replaced the team has handled the account."""
    return tenant.journal.is_renewed(account) or tenant.journal.why_unconfirmed(account) is Unconfirmed.DEACTIVATED


def _report(work: Work, plan: Plan, team: Team) -> Report:
    """Return what this run did, and which members failed."""
    bad = work.failed.keys() | work.untried
    done = {
        "members": len(team.members),
        "joined": sum(key in team.members and key not in work.taken for key in plan.joins),
        "changed": sum(key not in bad for key in plan.changes),
        "left": sum(key not in team.members for key in plan.leaves),
    }
    return Report(work.failed, done | work.failure_counts())
