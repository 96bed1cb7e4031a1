"""Creating an account exactly once: look the e-mail up, record the create, send it, and look for a lost account."""

from collections.abc import Container
from dataclasses import replace

from ..vendor.boundary import Record
from ..vendor.errors import AccountError, AccountExists, UnknownOutcome
from ..vendor.http import Answer
from ..vendor.vendor import Vendor
from .answers import new_state, sent_values
from .existing import tell_inactive
from .finding import Found, fetch, has_identity, look_for_hidden, look_up
from .ports import Entry, EntryKind, Tenant, Unconfirmed
from .properties import AccountState, Declared
from .reading_back import read_back, record_of_new
from .refusals import held_by_other, refuse_taken, refused, tell_altered, tell_unkept
from .resuming import (
    CREATE_IN_FLIGHT_S,
    Begun,
    assign_new,
    continue_or_adopt,
    look_again,
    on_its_way,
    resume,
    was_known,
)
from .state import differences, expand
from .writing import change, revealed


async def create(tenant: Tenant, declared: Declared, owner: str = "") -> tuple[str, AccountState]:
    """Create the account, read it back, and return its id and its state. `owner` names the resource it is for.

    Raises as `begin` does.
    """
    try:
        begun = await begin(tenant, declared, owner)
    except AccountError as error:
        email = tenant.vendor.identity(declared.values)
        tenant.ownership.fail(email)
        taken = error.taken or tenant.ownership.given(email)
        if taken:  # the engine has no state of a create that failed
            tenant.warn(
                f"{tenant.vendor.title} {email}: its account ({taken}) is in no resource's state until this create "
                "succeeds. If the person leaves before that, deactivate it in the admin page"
            )
        raise
    made = await complete(tenant, begun, declared, owner)
    return made.account, made.state or AccountState()


async def begin(tenant: Tenant, declared: Declared, owner: str, others: Container[str] = ()) -> Begun:
    """Create the account, or continue with the account that exists.

    The account of a resource that the engine replaces keeps its id. An account that seatwise deactivated earlier is
    reactivated under its old id. An account that an earlier run created, or may have created, is resumed if the engine
    did not learn of it. None of the `others` is adopted: they are accounts of other members of a team.
    Raises AccountExists before anything is sent if the e-mail is taken and `on_existing` is not "adopt";
    UnknownOutcome if the vendor may have created the account and it cannot be found.
    """
    email = tenant.vendor.identity(declared.values)
    begun = await resume(tenant, declared, owner)
    if begun is not None:
        return begun
    existing = await look_up(tenant, email)
    if existing is not None:
        return await continue_or_adopt(tenant, _without_adopting(declared, existing, others), existing, owner)
    in_the_way = await tenant.journal.intend(email, owner, CREATE_IN_FLIGHT_S)
    if in_the_way is not None:
        raise on_its_way(tenant, email, in_the_way, owner)
    try:
        account, record = await _post(tenant, declared, email, owner, others)
    except AccountExists:
        hidden = await look_for_hidden(tenant, email)
        if hidden is None:
            raise
        return await continue_or_adopt(tenant, _without_adopting(declared, hidden, others), hidden, owner)
    _note_created(tenant, email, account, owner)
    return Begun(account, record=record)


def _without_adopting(declared: Declared, existing: Found, others: Container[str]) -> Declared:
    return replace(declared, on_existing=None) if existing.account in others else declared


def _note_created(tenant: Tenant, email: str, account: str, owner: str) -> None:
    tenant.journal.note(email, Entry(EntryKind.CREATED, account, owner))
    assign_new(tenant, account, owner)
    tenant.list_cache.wrote(account, email)


async def _post(
    tenant: Tenant, declared: Declared, email: str, owner: str, others: Container[str]
) -> tuple[str, Record | None]:
    """Send the create once and return the account's id, and its record if the account had to be looked up.

    It is never sent again once it may have arrived. An id that is known already is most likely another account's: only
    a record with this e-mail shows that it is not.
    """
    vendor = tenant.vendor
    request = vendor.request_create(revealed(tenant, expand(vendor.schema, declared.values, {})))
    answer: Answer | None = None
    try:
        with tenant.answers.awaiting():
            answer = await tenant.send(request)
    except AccountError as error:
        if not error.maybe_sent:
            tenant.journal.withdraw(email)  # nothing was created
            raise
    if answer is not None and is_refusal(vendor, answer):
        tenant.journal.withdraw(email)
        refusal = refused(tenant, answer, "create", email)
        if isinstance(refusal, AccountExists):  # though the look-up found no account
            name = vendor.identity_name()
            refusal.problem = (
                f"the {name} is taken, by an account that {vendor.title} does not show ({refusal.problem})"
            )
            refusal.remedy = (
                f"If the admin page shows it, its id is in the address of its page there: take it over with `seatwise "
                f"import {vendor.name} --id ID`. Else choose another {name}, or ask the vendor to free this one: "
                "deleted accounts may keep theirs"
            )
        raise refusal
    account = vendor.parse_created_id(answer) if answer is not None and answer.ok else None
    if answer is not None and account is not None and not _is_known(tenant, account, email, others):
        tenant.answers.keep(vendor, account, answer, declared, tenant.list_cache.unshown)
        return account, None
    found = (account and await _with_the_id(tenant, account, email)) or await _searched(tenant, email)
    _refuse_held(tenant, found.account, email, owner, others)
    is_answered = answer is not None and answer.ok
    if not is_answered and await was_known(tenant, found.account, owner):  # another account has got the e-mail since
        raise _not_found(vendor, email)
    return found.account, _whole_record(vendor, found)


def _is_known(tenant: Tenant, account: str, email: str, others: Container[str]) -> bool:
    """Return whether seatwise has met this id before: then another account has it."""
    return (
        account in others
        or tenant.list_cache.had(account, email)
        or tenant.journal.last_of(account) is not None
        or tenant.journal.is_renewed(account)
        or tenant.ownership.owner_of(account) is not None
    )


async def _with_the_id(tenant: Tenant, account: str, email: str) -> Found | None:
    """Return the account with this id if it has the e-mail: a vendor may give the id of a deleted account again."""
    try:
        record = await fetch(tenant, account, email)
    except AccountError:
        return None
    return Found(account, record, True) if record is not None and has_identity(tenant, record, email) else None


def _refuse_held(tenant: Tenant, account: str, email: str, owner: str, others: Container[str] = ()) -> None:
    """Raise an error if another resource or member has the account of a create: the create was an update then.

    Raises InvalidAccount, and AccountExists for an account of a member.
    """
    refuse_taken(tenant, account, email, owner, elsewhere=True)
    if account not in others:
        return
    error = held_by_other(tenant, account, email, "another member")
    error.existing = account
    raise error


def _whole_record(vendor: Vendor, found: Found) -> Record | None:
    """Return the record of a search as that of the account, where each new account is searched for.

    Elsewhere a search follows a lost answer, and the account is read by its id: a search may show less.
    """
    return found.record if found.is_whole and not vendor.tells_ids else None


async def _searched(tenant: Tenant, email: str) -> Found:
    """Look for an account that may have been created; raise UnknownOutcome if it does not show."""
    try:
        found = await look_again(tenant, email)
    except AccountExists:
        raise
    except AccountError as error:
        raise _not_found(tenant.vendor, email, error.problem) from error
    if found is None:
        raise _not_found(tenant.vendor, email)
    return found


def _not_found(vendor: Vendor, email: str, why: str = "") -> UnknownOutcome:
    why = why or f"it cannot be found under this {vendor.identity_name()}"
    return UnknownOutcome(
        f"unknown outcome: the account may have been made, but {why}",
        vendor=vendor.title,
        account=email,
        remedy="Run `pulumi up` again: seatwise remembers the create, and continues with the account once it shows",
    )


def is_refusal(vendor: Vendor, answer: Answer) -> bool:
    """Return whether the answer to a create says that nothing was created. A redirect does not: 303 may mean "done"."""
    if vendor.is_throttled(answer):
        return vendor.settings.resend_creates or answer.status < 500
    return not vendor.is_success(answer) and (answer.ok or 400 <= answer.status < 500)


async def complete(tenant: Tenant, begun: Begun, declared: Declared, owner: str, *, is_listed: bool = False) -> Begun:
    """Find out how a new account is, unless its state is known, and send what its create did not take.

    The answer to its create may say it, or, with `is_listed`, the list; else it is read back by its id. An answer may
    have held another account's id: a record with another e-mail shows it, and the account is looked up.
    """
    if begun.state is not None:
        return begun
    email = tenant.vendor.identity(declared.values)
    record = begun.record or await record_of_new(tenant, begun.account, declared, is_listed=is_listed)
    if record is not None and not has_identity(tenant, record, email):
        begun = await _find_instead(tenant, begun.account, email, owner)
        record = begun.record or await read_back(tenant, begun.account, email)
    state = await _send_the_rest(tenant, begun.account, declared, record)
    if record is None:
        _mark_unseen(tenant, begun.account)
    else:
        tell_inactive(tenant, declared, begun.account, record, "new")
    return Begun(begun.account, state)


async def _find_instead(tenant: Tenant, wrong: str, email: str, owner: str) -> Begun:
    """Find the account of a create whose answer had the `wrong` id, of another account. Raises as `begin` does."""
    tenant.ownership.release(wrong, owner)
    tenant.journal.not_renewed(wrong, owner)
    tenant.journal.note(email, Entry(EntryKind.PENDING, owner=owner))
    found = await _searched(tenant, email)
    _refuse_held(tenant, found.account, email, owner)
    _note_created(tenant, email, found.account, owner)
    return Begun(found.account, record=_whole_record(tenant.vendor, found))


def as_sent(tenant: Tenant, account: str, declared: Declared) -> AccountState:
    """Return the state of a new account that was not read back: as its create was sent."""
    _mark_unseen(tenant, account)
    return new_state(tenant.vendor, sent_values(tenant.vendor.schema, declared), None)


def _mark_unseen(tenant: Tenant, account: str) -> None:
    """Mark a new account whose state is only what was declared, so that the next `up` reads it."""
    if tenant.journal.why_unconfirmed(account) is None:
        tenant.journal.mark_unconfirmed(account, Unconfirmed.UNSEEN)


async def _send_the_rest(tenant: Tenant, account: str, declared: Declared, record: Record | None) -> AccountState:
    """Send what a create does not take.

    The account exists: a failure is a warning now, and the difference stays for the next run.
    """
    schema = tenant.vendor.schema
    sent = sent_values(schema, declared)
    state = new_state(tenant.vendor, sent, record, tenant.list_cache.kept)
    not_sent = {name: value for name, value in declared.values.items() if name not in sent}
    tell_unkept(tenant, state)
    if not differences(schema, state.values, not_sent):
        tell_altered(tenant, account, state, sent)
        return state.under(declared)
    if record is None:  # the id in the answer may be another account's: the next run reads it first
        return state
    try:
        return await change(tenant, account, state, declared)
    except AccountError as error:
        tell_altered(tenant, account, state, sent)
        is_there = f"The account is made; the next `pulumi up` tries {', '.join(sorted(not_sent))} again"
        tenant.warn(f"{error}. {'The account was made before' if error.is_gone else is_there}")
        return state
