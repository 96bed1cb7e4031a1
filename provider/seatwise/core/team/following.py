"""Leavers whose e-mails were changed by hand: whether their accounts are those of members who join."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from ..account.account_list import record_of
from ..account.finding import fetch, look_up
from ..account.ports import Tenant, Unconfirmed
from ..vendor.errors import AccountError
from .plan import LEAVING_FAILED
from .properties import Members, Team, key_of
from .work import MOST_FAILURES_IN_A_ROW, Work


@dataclass(frozen=True)
class Leavers:
    """The leaving members by what their accounts show, where an account may be that of a joining member."""

    certain: Set[str] = frozenset()
    """Their accounts are those of no joining member, and of no other resource."""
    stay: Mapping[str, str] = field(default_factory=dict)
    """Their accounts are those of joining members, whose names follow: they have these names from now on."""
    doubtful: Mapping[str, str] = field(default_factory=dict)
    """Their accounts have the e-mails that follow, of joining members or of other resources, and so may others."""


async def follow_leavers(tenant: Tenant, team: Team, members: Members, keys: Sequence[str], owner: str) -> Leavers:
    """Keep the leavers that the program declares under the e-mail of their accounts; return what all accounts show.

    A person may have changed the e-mail at the vendor. A leaver whose account cannot be read is in no part of it.
    """
    missing = members.keys() - team.members.keys()
    found = await _identities(tenant, team, keys, missing)
    names = {key: key_of(identity or "") for key, identity in found.items()}
    having, stay = Counter(names.values()), dict[str, str]()
    for key, name in sorted(names.items()):
        account = team.members[key].id
        if name in missing and having[name] == 1 and await _is_free(tenant.operation(), name, account):
            team.rename(key, name, tenant.vendor.identity_field, found[key] or "")
            tenant.journal.rename(account, name)
            stay[key] = name
    changed = {key: name for key, name in names.items() if name != key and key not in stay}
    doubtful = {
        key: name
        for key, name in changed.items()
        if name in missing or _is_of_other(tenant, name, team.members[key].id, owner)
    }
    return Leavers(names.keys() - stay.keys() - doubtful.keys(), stay, doubtful)


def _is_of_other(tenant: Tenant, name: str, account: str, owner: str) -> bool:
    """Return whether another resource declares the identity that the account has, and has not got the account."""
    ownership = tenant.ownership
    return ownership.belongs_to_other(name, owner) and ownership.other_owner(account, owner) is None


async def _identities(tenant: Tenant, team: Team, keys: Sequence[str], missing: Set[str]) -> dict[str, str | None]:
    """Return the identities that the members' accounts have at the vendor, None if one is gone; not of unread ones.

    A list may lag behind: that an account has a `missing` member's identity has to be shown by its id.
    """
    found, unread = dict[str, str | None](), 0

    async def look(key: str) -> None:
        nonlocal unread
        if unread >= MOST_FAILURES_IN_A_ROW:
            return
        account, operation = team.members[key].id, tenant.operation()
        try:
            record = await record_of(operation, account)
            if record is None or key_of(tenant.vendor.parse_identity(record)) in missing:
                record = await fetch(operation, account, key)
        except AccountError:
            unread += 1
            return
        found[key] = None if record is None else tenant.vendor.parse_identity(record)

    await tenant.each(look, keys)
    return found


async def _is_free(tenant: Tenant, name: str, account: str) -> bool:
    """Return whether the account is certainly the member's, and no other one has, or is known to get, the name."""
    if tenant.journal.why_unconfirmed(account) is Unconfirmed.UNSEEN or tenant.ownership.given(name) is not None:
        return False
    try:
        last = tenant.journal.last(name)
        if last is not None and last.account != account:
            return False
        found = await look_up(tenant, name)
    except AccountError:
        return False
    return found is None or found.account == account  # a search may lag behind


def why_waiting(work: Work, leavers: Leavers, late: Sequence[str], missing: Set[str]) -> dict[str, str]:
    """Return the leavers that stay because their accounts may be those of members that did not join, with the reasons.

    An account that cannot be read may be that of a member for which no look-up has shown an account, or none.
    """
    name = work.tenant.vendor.identity_name()
    remedy = f"Correct the {name} of one of the accounts in the admin page"
    has_name = f"{LEAVING_FAILED}its account has the {name} of"
    waiting = {key: f"{has_name} {other}, who has no account here. {remedy}" for key, other in leavers.doubtful.items()}
    unclear = missing & (work.unclear | work.untried)
    if unclear:
        why = f"{LEAVING_FAILED}its account cannot be read, and may be that of {min(unclear)}, who could not join"
        unread = {*late} - leavers.certain - leavers.stay.keys() - waiting.keys()
        waiting |= dict.fromkeys(unread, f"{why}. The next `pulumi up` tries again")
    return waiting
