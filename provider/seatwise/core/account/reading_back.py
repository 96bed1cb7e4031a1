"""Finding out how an account is that was just created: from the answer to its create, the list, or by its id."""

from ..vendor.boundary import Record
from ..vendor.errors import AccountError
from .account_list import record_of, reload
from .answers import lacking, new_state, sent_values
from .finding import has_identity
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

    With `is_listed` the list has been loaded since, or is about to be.
    """
    answers, answered = tenant.answers, tenant.answers.whole.pop(account, None)
    email = tenant.vendor.identity(declared.values)
    if answered is not None:
        async with tenant.lock(FIRST):  # while the first one is read back, the others wait for what that proves
            if answers.agree is None:
                tenant.list_cache.wanted[account] = frozenset(readable_values(tenant.vendor.schema, declared.values))
                record = await read_back(tenant, account, email)
                answers.compare(tenant.vendor.schema, answered, record)
                return record
    # An answer may repeat what was sent and is not kept: another record must have had a value in the same field.
    is_kept = answered is not None and tenant.vendor.schema.filled_in(answered) <= tenant.list_cache.kept
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
        if _is_worth_a_list(tenant, len(answers.waiting) + answers.sending):
            async with tenant.lock(TOGETHER):
                if account in answers.waiting and not _is_worth_a_list(tenant, len(answers.waiting)):
                    return await read_back(tenant, account, tenant.vendor.identity(declared.values))
                if account in answers.waiting:
                    together, answers.waiting = answers.waiting, set()
                    await reload(tenant, together)
            record = await _listed(tenant, account, declared)
            if record is not None:
                return record
        return await read_back(tenant, account, tenant.vendor.identity(declared.values))
    finally:
        answers.waiting.discard(account)


def _is_worth_a_list(tenant: Tenant, accounts: int) -> bool:
    """Return whether loading the list is fewer requests than reading so many accounts by their ids."""
    listed = tenant.list_cache.list
    return tenant.vendor.lists_whole_records and listed is not None and listed.pages < accounts


async def _listed(tenant: Tenant, account: str, declared: Declared) -> Record | None:
    """Return the account's record in the list, if it shows all that was sent."""
    vendor, sent = tenant.vendor, sent_values(tenant.vendor.schema, declared)
    record = await record_of(tenant, account, readable_values(vendor.schema, sent))
    if record is None or not has_identity(tenant, record, tenant.vendor.identity(declared.values)):
        return None
    is_short = not vendor.lists_whole_records and lacking(vendor.schema, record, sent)
    is_other = differences(vendor.schema, compared(vendor.schema, new_state(vendor, sent, record)), sent)
    return None if is_short or is_other else record


async def read_back(tenant: Tenant, account: str, email: str) -> Record | None:
    """Return the record of an account that was just created; None if the vendor does not show it yet."""
    for seconds in reported_pauses(tenant, READ_BACK_BACKOFF_S, f"{email} ({account}) was made and cannot be read"):
        await tenant.sleep(seconds)
        try:
            answer = await tenant.send(tenant.vendor.request_read(account))
        except AccountError:
            continue
        record = tenant.vendor.parse_record(answer) if answer.ok else None
        if record is not None:
            tenant.list_cache.measure(tenant.vendor, account, record)
            tell_unfit(tenant, record)
            return record
    tenant.warn(f"{tenant.vendor.title} {email}: made with the id {account}, but it cannot be read back yet")
    return None
