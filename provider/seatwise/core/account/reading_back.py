"""Finding out how an account is that was just created: from the answer to its create, the list, or by its id."""

from ..vendor.boundary import Record
from ..vendor.errors import AccountError
from .account_list import WAIT_SHARE_OF_DEADLINE, fresh_records, record_of
from .answers import lacking, new_state, sent_values
from .finding import has_identity, record_in
from .ports import Tenant
from .properties import Declared
from .refusals import learn_secrets, tell_unfit
from .state import compared, differences, readable_values
from .waiting import reported_pauses

FIRST = "that was created first"
"""The name of the lock on the account whose answer is compared with its record."""
TOGETHER = "that is read back with others"
"""The name of the lock on the accounts that wait for one load of the list."""
READ_BACK_BACKOFF_S = (0, 1, 2, 4)
"""Seconds to wait before each read of an account that was just created."""


async def record_of_new(tenant: Tenant, account: str, declared: Declared, *, is_listed: bool) -> Record | None:
    """Return the record of an account that was just created; None if the vendor does not show it yet.

    The account is there whatever happens here, so that no failure leaves this function. With `is_listed` the list has
    been loaded since, or is about to be.
    """
    try:
        return await _record_of_new(tenant, account, declared, is_listed=is_listed)
    except AccountError:
        _tell_unread(tenant, account, tenant.vendor.identity(declared.values))
        return None


async def _record_of_new(tenant: Tenant, account: str, declared: Declared, *, is_listed: bool) -> Record | None:
    answers, answered, schema = tenant.answers, tenant.answers.whole.pop(account, None), tenant.vendor.schema
    email = tenant.vendor.identity(declared.values)
    if answered is not None:
        try:
            # While one is read back, the others wait for what that proves.
            async with tenant.operation(WAIT_SHARE_OF_DEADLINE).lock(FIRST):
                if answers.agree is not False and not answers.are_proven(schema, declared):
                    tenant.list_cache.wanted[account] = frozenset(readable_values(schema, declared.values))
                    record = await read_back(tenant, account, email)
                    answers.compare(schema, answered, record, declared)
                    return record
        except AccountError:  # that took too long
            answered = None
    # An answer may repeat what was sent and is not kept: another record must have had a value in the same field.
    is_kept = answered is not None and schema.filled_in(answered) <= tenant.list_cache.kept
    if answered is not None and answers.agree and is_kept:
        learn_secrets(tenant, answered)
        tell_unfit(tenant, answered)
        return answered
    if not is_listed:
        return await _with_others(tenant, account, declared)
    return await _listed(tenant, account, declared) or await read_back(tenant, account, email)


async def _with_others(tenant: Tenant, account: str, declared: Declared) -> Record | None:
    """Read a new account back, in a list that is loaded for several new accounts where that is fewer requests.

    One account is read by its id meanwhile, so that the others come together.
    """
    answers = tenant.answers
    answers.waiting.add(account)
    try:
        if answers.is_listed and _is_worth_a_list(tenant, len(answers.waiting) + answers.sending):
            async with tenant.operation(WAIT_SHARE_OF_DEADLINE).lock(TOGETHER):
                if account in answers.waiting and not _is_worth_a_list(tenant, len(answers.waiting)):
                    return await read_back(tenant, account, tenant.vendor.identity(declared.values))
                if account in answers.waiting and answers.is_listed:
                    await _load_for(tenant, answers.waiting)
    except AccountError:  # others take too long
        pass
    finally:
        answers.waiting.discard(account)
    record = answers.listed.pop(account, None)
    if record is not None and _is_as_sent(tenant, declared, record):
        return record
    return await read_back(tenant, account, tenant.vendor.identity(declared.values))


async def _load_for(tenant: Tenant, waiting: set[str]) -> None:
    """Load the list for these accounts alone.

    It changes while it is read, since others are created meanwhile: what it does not show may be there.
    """
    together = {*waiting}
    waiting.clear()
    records = await fresh_records(tenant)
    shown = {each: record for each, record in records.items() if each in together}
    tenant.answers.listed |= shown
    tenant.answers.is_listed = bool(shown)


def _is_worth_a_list(tenant: Tenant, accounts: int) -> bool:
    """Return whether loading the list is fewer requests than reading so many accounts by their ids."""
    listed = tenant.list_cache.list
    return tenant.vendor.lists_whole_records and listed is not None and listed.pages < accounts


async def _listed(tenant: Tenant, account: str, declared: Declared) -> Record | None:
    """Return the account's record in the list, if it shows all that was sent."""
    sent = sent_values(tenant.vendor.schema, declared)
    record = await record_of(tenant, account, readable_values(tenant.vendor.schema, sent))
    return record if record is not None and _is_as_sent(tenant, declared, record) else None


def _is_as_sent(tenant: Tenant, declared: Declared, record: Record) -> bool:
    """Return whether a record in a list shows the e-mail and all that was sent."""
    vendor, sent = tenant.vendor, sent_values(tenant.vendor.schema, declared)
    if not has_identity(tenant, record, tenant.vendor.identity(declared.values)):
        return False
    if lacking(vendor.schema, record, sent) - tenant.list_cache.unshown:
        return False
    return not differences(vendor.schema, compared(vendor.schema, new_state(vendor, sent, record)), sent)


async def read_back(tenant: Tenant, account: str, email: str) -> Record | None:
    """Return the record of an account that was just created; None if the vendor does not show it yet."""
    for seconds in reported_pauses(tenant, READ_BACK_BACKOFF_S, f"{email} ({account}) was made and cannot be read"):
        await tenant.sleep(seconds)
        try:
            answer = await tenant.send(tenant.vendor.request_read(account))
        except AccountError:
            continue
        record = record_in(tenant, account, answer)
        if record is not None:
            return record
    _tell_unread(tenant, account, email)
    return None


def _tell_unread(tenant: Tenant, account: str, email: str) -> None:
    tenant.warn(f"{tenant.vendor.title} {email}: made with the id {account}, but it cannot be read back yet")
