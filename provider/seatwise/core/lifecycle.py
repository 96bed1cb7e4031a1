"""The life of one account: check, diff, create, read, update, delete.

`check` and `diff` are pure. The others speak to a `Tenant`, which sends requests and can wait; they
hold every rule about what to ask in which order, and what to believe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import AccountError, AccountExists, NoSuchAccount, UnknownOutcome, Unreachable, VendorBroken
from .fields import RESPELLED, Field, Problem, Schema, Takes, Values
from .http import Answer, Request
from .secrets import Vault
from .vendor import Vendor

DECLARED = "__declared"
"""Output: the names of the arguments that the program gave. Hidden by the engine's displays."""
AS_DECLARED = "__as_declared"
"""Output: declared values of create-only fields that the vendor now has otherwise."""
ADOPTED = "adopted"
POLICIES = frozenset({"on_existing", "on_destroy"})

SECOND_LOOKS = (0, 1, 2, 4, 8, 16)
"""Seconds between looks for an account whose creation was not confirmed (31 in all)."""
READ_BACK_LOOKS = (0, 1, 2, 4)
"""Seconds between reads of an account that was just made."""


class Tenant(Protocol):
    """A vendor's tenant that can be spoken to."""

    vendor: Vendor
    vault: Vault

    async def send(self, request: Request) -> Answer:
        """Send a request, with retries, pacing and login; raises Unreachable, SettingsError."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def warn(self, text: str) -> None:
        """Tell the user something that is no failure."""


@dataclass(frozen=True)
class Refreshed:
    """What `read` found."""

    outputs: dict[str, Any]
    inputs: dict[str, Any]


# --- pure -------------------------------------------------------------------------------------


def check(
    vendor: type[Vendor], olds: Values, news: Values, unknown: frozenset[str], vault: Vault
) -> tuple[dict[str, Any], list[Problem]]:
    """Checked inputs and all their problems. `unknown` names arguments without a value yet."""
    values, problems = vendor.schema.check(news, unknown)
    problems += vendor.rules(values, frozenset(values) | unknown)
    if values.get("on_destroy") == "delete" and not vendor.can_delete:
        problems.append(
            Problem(
                "on_destroy", f'cannot be "delete": {vendor.title} has no way to delete; use "deactivate" or "retain"'
            )
        )
    for name, value in values.items():
        if vendor.schema[name].secret and isinstance(value, str):
            values[name] = vault.seal(value, olds.get(name))
    if olds:
        problems += _fixed(vendor, olds, values)
    return values, problems


def _fixed(vendor: type[Vendor], olds: Values, values: Values) -> list[Problem]:
    """Create-only arguments that differ from those the account was made with."""
    return [
        Problem(
            name,
            f"can only be given when the account is made, and {vendor.title} cannot change it later. Change it in "
            f'the admin page of {vendor.title}, and put it back here or add ignore_changes=["{name}"]',
        )
        for name, value in values.items()
        if vendor.schema[name].create_only and not vendor.schema[name].same(olds.get(name), value, both_declared=True)
    ]


def diff(vendor: type[Vendor], olds: Values, news: Values, unknown: frozenset[str]) -> bool:
    """Whether an update is due. `olds` are outputs; unknown arguments count as changed."""
    if unknown or differences(vendor.schema, olds, news):
        return True
    if olds.get("on_destroy") != news.get("on_destroy"):
        return True
    return declared_names(news) != sorted(olds.get(DECLARED, ()))


def differences(schema: Schema, current: Values, news: Values) -> dict[str, Any]:
    """The declared values that an update must change, by argument name."""
    return {
        name: value
        for name, value in news.items()
        if schema[name].takes & Takes.UPDATE
        and not schema[name].same(value, current.get(name), both_declared=current.get(name) is not None)
    }


def declared_names(news: Values) -> list[str]:
    """The names that a state remembers as declared."""
    return sorted(name for name, value in news.items() if value is not None and name not in POLICIES)


def outputs(schema: Schema, news: Values, actual: Values, *, adopted: bool) -> dict[str, Any]:
    """The state of an account: what was read, in the program's spelling where it means the same."""
    outs = {name: value for name, value in actual.items() if value is not None}
    as_declared: dict[str, Any] = {}
    for name, value in news.items():
        item = schema[name]
        if item.delta:
            outs[name] = _satisfied(item, value, actual)
        elif name not in actual or item.same(value, actual[name]):
            outs[name] = value
        elif item.create_only:
            as_declared[name] = value
    outs[ADOPTED] = adopted
    outs[DECLARED] = declared_names(news)
    if as_declared:
        outs[AS_DECLARED] = as_declared
    return outs


def _satisfied(item: Field, wanted: list[Any], actual: Values) -> list[Any]:
    assert item.delta
    there = actual.get(item.delta.of) or []
    return [each for each in wanted if (each in there) is item.delta.present]


def expand(schema: Schema, changes: Values, current: Values) -> dict[str, Any]:
    """Changes with each delta turned into the whole list that results from it."""
    expanded = {name: value for name, value in changes.items() if not schema[name].delta}
    for name, wanted in changes.items():
        delta = schema[name].delta
        if delta is None:
            continue
        there: list[Any] = expanded[delta.of] if delta.of in expanded else current.get(delta.of) or []
        if delta.present:
            expanded[delta.of] = there + [each for each in wanted if each not in there]
        else:
            expanded[delta.of] = [each for each in there if each not in wanted]
    return expanded


# --- with a tenant ----------------------------------------------------------------------------


async def create(tenant: Tenant, news: Values) -> tuple[str, dict[str, Any]]:
    """Make the account and return its id and its outputs, read back.

    Raises AccountExists before anything is sent when the e-mail is taken and `on_existing` is not
    "adopt"; UnknownOutcome when the vendor may have made the account and it cannot be found.
    """
    email = str(news["email"])
    existing = await look_up(tenant, email)
    if existing is not None:
        return await _adopt(tenant, news, existing)
    account = await _post(tenant, news, email)
    return account, await _complete(tenant, account, news)


async def _adopt(tenant: Tenant, news: Values, record: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    vendor = tenant.vendor
    email = str(news["email"])
    account = vendor.account_id(record)
    if account is None:
        raise VendorBroken("the list holds this account without an id", status=200, vendor=vendor.title, account=email)
    if news.get("on_existing") != "adopt":
        raise AccountExists(
            f"an account with this e-mail is there already, with the id {account}",
            status=409,
            vendor=vendor.title,
            account=email,
            remedy='Add on_existing="adopt" to take it over, or choose another e-mail',
        )
    fresh = await fetch(tenant, account, email)
    if fresh is None:
        raise NoSuchAccount(
            f"it was listed with the id {account} and is gone now", status=404, vendor=vendor.title, account=email
        )
    before = outputs(vendor.schema, {}, vendor.schema.parse(fresh), adopted=True)
    # A secret that cannot be changed later cannot be given to an account that exists.
    wanted = {name: value for name, value in news.items() if not vendor.schema[name].create_only}
    outs = await update(tenant, account, before, wanted)
    late = {name: value for name, value in news.items() if name not in wanted}
    outs.update({name: value for name, value in late.items() if name not in outs})
    outs[DECLARED] = declared_names(news)
    return account, outs


async def _post(tenant: Tenant, news: Values, email: str) -> str:
    """Send the one POST, and find out what became of it. It is never sent again once it may have arrived."""
    vendor = tenant.vendor
    values = _revealed(tenant, expand(vendor.schema, news, {}))
    answer: Answer | None = None
    try:
        answer = await tenant.send(vendor.create(values))
    except Unreachable as error:
        if not error.maybe_sent:
            raise
    if answer is not None and vendor.succeeded(answer):
        account = vendor.created(answer)
        if account:
            return account
    elif answer is not None and answer.status < 500 and not answer.ok:
        raise _refused(tenant, answer, "create", email, news)
    elif answer is not None and answer.ok and answer.object:
        raise _refused(tenant, answer, "create", email, news)  # 200 that says it failed
    found = await _look_again(tenant, email)
    account = vendor.account_id(found) if found is not None else None
    if account is None:
        raise UnknownOutcome(
            "the account may have been made, but it cannot be found under this e-mail",
            vendor=vendor.title,
            account=email,
            remedy='Run `pulumi up` again; if it then says that the account is there, add on_existing="adopt"',
        )
    return account


async def _complete(tenant: Tenant, account: str, news: Values) -> dict[str, Any]:
    """Send what the create does not take, and read the account back. The account exists: never raise."""
    vendor = tenant.vendor
    email = str(news["email"])
    record = await _read_back(tenant, account, email)
    outs = outputs(vendor.schema, _sent_by(Takes.CREATE, vendor.schema, news), _parse(vendor, record), adopted=False)
    vendor.settle(outs, news, {})
    pending = differences(vendor.schema, outs, _only(vendor.schema, Takes.UPDATE, news))
    if pending:
        try:
            return await update(tenant, account, outs, news)
        except AccountError as error:
            tenant.warn(f"{error}. The account was made; the next `pulumi up` tries {', '.join(sorted(pending))} again")
            return outs
    return _policies(news, outs) | {DECLARED: declared_names(news)}


def _sent_by(operation: Takes, schema: Schema, news: Values) -> dict[str, Any]:
    return {name: value for name, value in news.items() if schema[name].takes & operation}


def _only(schema: Schema, operation: Takes, news: Values) -> dict[str, Any]:
    return {name: value for name, value in news.items() if schema[name].takes is operation}


def _parse(vendor: Vendor, record: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if record is None else vendor.schema.parse(record)


async def _read_back(tenant: Tenant, account: str, email: str) -> Mapping[str, Any] | None:
    """The record of an account that was just made; None when the vendor does not show it yet."""
    for seconds in READ_BACK_LOOKS:
        await tenant.sleep(seconds)
        try:
            answer = await tenant.send(tenant.vendor.read(account))
        except AccountError:
            continue
        record = tenant.vendor.record(answer) if answer.ok else None
        if record is not None:
            return record
    tenant.warn(f"{tenant.vendor.title} {email}: made with the id {account}, but it cannot be read back yet")
    return None


async def read(tenant: Tenant, account: str, olds: Values) -> Refreshed | None:
    """What the vendor has now; None when the account is certainly gone.

    `olds` are the old outputs in a refresh. In a `get` they are not (`DECLARED` is not among them), and
    a missing account raises NoSuchAccount.
    """
    vendor = tenant.vendor
    email = olds.get("email")
    record = await fetch(tenant, account, email)
    if record is None and DECLARED not in olds:
        raise NoSuchAccount("there is no account with this id", status=404, vendor=vendor.title, account=account)
    if record is None:
        return None
    declared = {name: olds[name] for name in olds.get(DECLARED, ()) if name in olds}
    declared |= olds.get(AS_DECLARED, {})
    outs = outputs(vendor.schema, declared, vendor.schema.parse(record), adopted=bool(olds.get(ADOPTED, False)))
    outs[DECLARED] = list(olds.get(DECLARED, ()))
    vendor.settle(outs, declared, olds)
    outs = _policies(olds, outs)
    inputs = {name: outs[name] for name in outs[DECLARED] if name in outs} | outs.get(AS_DECLARED, {})
    return Refreshed(outs, _policies(olds, inputs))


async def update(tenant: Tenant, account: str, olds: Values, news: Values) -> dict[str, Any]:
    """Change what differs and return the new outputs. Sends nothing when nothing differs."""
    vendor = tenant.vendor
    email = str(olds.get("email", news.get("email", "")))
    current = dict(olds)
    record = None
    if vendor.replaces and differences(vendor.schema, current, news):
        record = await fetch(tenant, account, email)
        if record is None:
            raise NoSuchAccount("it is gone", status=404, vendor=vendor.title, account=f"{email} ({account})")
        current |= outputs(vendor.schema, news, vendor.schema.parse(record), adopted=False)
    changes = differences(vendor.schema, current, news)
    actual = {name: olds[name] for name, item in vendor.schema.items() if item.readable and name in olds}
    if changes:
        actual |= await _write(tenant, account, email, changes, current, record)
    outs = outputs(vendor.schema, news, actual, adopted=bool(olds.get(ADOPTED, False)))
    vendor.settle(outs, news, {} if changes else olds)
    return _policies(news, outs)


async def _write(
    tenant: Tenant, account: str, email: str, changes: Values, current: Values, record: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Send one update; the fields that are known to be otherwise now."""
    vendor = tenant.vendor
    expanded = expand(vendor.schema, changes, current)
    request = vendor.update(account, _revealed(tenant, expanded), record)
    answer = await tenant.send(request)
    if not vendor.succeeded(answer):
        raise _refused(tenant, answer, "update", f"{email} ({account})", expanded)
    readable = {name: value for name, value in expanded.items() if vendor.schema[name].readable}
    if any(RESPELLED in vendor.schema[name].marks for name in changes):
        fresh = await fetch(tenant, account, str(changes.get("email", email)))
        return readable | _parse(vendor, fresh)
    return _parse(vendor, record) | readable | _parse(vendor, vendor.record(answer))


async def delete(tenant: Tenant, account: str, olds: Values) -> None:
    """Retire the account as `on_destroy` says; one that is gone already is a success."""
    vendor = tenant.vendor
    email = str(olds.get("email", ""))
    how = olds.get("on_destroy") or ("retain" if olds.get(ADOPTED) else "deactivate")
    if how == "retain":
        return
    if how == "delete":
        request = vendor.delete(account)
    else:
        record = None
        if vendor.replaces:
            record = await fetch(tenant, account, email)
            if record is None:
                return
        request = vendor.update(account, vendor.retired, record)
    answer = await tenant.send(request)
    if vendor.succeeded(answer):
        return
    if vendor.missing(answer) or await _is_gone(tenant, account, email):
        return
    raise _refused(tenant, answer, how, f"{email} ({account})", {})


async def _is_gone(tenant: Tenant, account: str, email: str) -> bool:
    try:
        return await fetch(tenant, account, email) is None
    except AccountError:
        return False


async def fetch(tenant: Tenant, account: str, email: str | None) -> Mapping[str, Any] | None:
    """The account's record; None when it is certainly gone.

    "Not there" is believed when the account's list, which must be readable, does not hold it either:
    a wrong base URL and a missing permission give 404 and 403 as well.
    """
    vendor = tenant.vendor
    answer = await tenant.send(vendor.read(account))
    if answer.ok:
        record = vendor.record(answer)
        if record is not None and vendor.account_id(record) == account:
            return record
    if not vendor.missing(answer):
        raise _refused(tenant, answer, "read", f"{email or ''} ({account})".strip(), {})
    if email and await look_up(tenant, email, account) is not None:
        raise VendorBroken(
            "the vendor lists this account and says that it is not there", status=answer.status,
            vendor=vendor.title, account=f"{email} ({account})", remedy="Run it again later",
        )  # fmt: skip
    return None


async def look_up(tenant: Tenant, email: str, account: str | None = None) -> Mapping[str, Any] | None:
    """The listed account with exactly this e-mail (and this id, if one is given)."""
    vendor = tenant.vendor
    hits: dict[str | None, Mapping[str, Any]] = {}
    page = 1
    while True:
        answer = await tenant.send(vendor.find(email, page))
        listing = vendor.found(answer) if answer.ok else None
        if listing is None:
            raise _refused(tenant, answer, "look-up", email, {})
        for record in listing.records:
            if vendor.schema["email"].same(vendor.schema.parse(record).get("email"), email):
                hits[vendor.account_id(record)] = record
        if not listing.more:
            break
        page += 1
    if account is not None:
        return hits.get(account)
    if len(hits) > 1:
        ids = ", ".join(sorted(str(each) for each in hits))
        raise AccountExists(
            f"several accounts have this e-mail: {ids}", status=409, vendor=vendor.title, account=email,
            remedy="Give all but one another e-mail in the admin page",
        )  # fmt: skip
    return next(iter(hits.values()), None)


async def _look_again(tenant: Tenant, email: str) -> Mapping[str, Any] | None:
    """Look for an account that may be there, patiently; lists lag behind."""
    for seconds in SECOND_LOOKS:
        await tenant.sleep(seconds)
        try:
            found = await look_up(tenant, email)
        except (Unreachable, VendorBroken):
            continue
        if found is not None:
            return found
    return None


def _policies(source: Values, target: dict[str, Any]) -> dict[str, Any]:
    return target | {name: source[name] for name in POLICIES if source.get(name) is not None}


def _revealed(tenant: Tenant, values: Values) -> dict[str, Any]:
    """The values with each fingerprint turned back into the secret it stands for."""
    schema = tenant.vendor.schema
    return {name: _reveal(tenant, name, value) if schema[name].secret else value for name, value in values.items()}


def _reveal(tenant: Tenant, name: str, fingerprint: str) -> str:
    plain = tenant.vault.reveal(fingerprint)
    if plain is None:
        raise AccountError(
            f"{name} is not known in this run", vendor=tenant.vendor.title, remedy="Run `pulumi up` with the program"
        )
    return plain


def _refused(tenant: Tenant, answer: Answer, operation: str, account: str, values: Values) -> AccountError:
    schema = tenant.vendor.schema
    secrets = [tenant.vault.reveal(str(value)) or "" for name, value in values.items() if schema[name].secret]
    return tenant.vendor.refusal(answer, operation, account, secrets)
