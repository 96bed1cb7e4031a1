"""A person at several vendors, as one Pulumi component."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pulumi
from pulumi import Input, Output

from ..core.account.owner import PERSON
from ..core.queries import person
from ..core.vendor.errors import SettingsError
from ..core.vendor.fields import NO_VALUE, Problem, flag, is_not_given
from ..core.vendor.vendor import Vendor
from ..files.reading import converted, is_known
from ..wire.settings import RunSettings
from .user import PersonAccount, UserResource, refuse_import
from .waiting import awaited_as_one


class Person(pulumi.ComponentResource):
    """One person with an account at each of several vendors, from one description.

        seatwise.Person("ana", email="ana@example.com", first_name="Ana", last_name="Ruiz", accounts=[
            enerflo.Account(roles=["Sales Rep"]),
            nexudus.Account(language=nexudus.Language.SPANISH),
        ])

    Each vendor gets what it has fields for; what its `Account` says wins.
    """

    ids: Output[dict[str, str]]
    """The ids of the accounts by vendor: `enerflo`, or `enerflo-west` with the explicit provider `west`."""
    accounts: Mapping[str, UserResource]
    """The accounts themselves, under the same names."""

    def __init__(
        self,
        resource_name: str,
        *,
        email: Input[str],
        accounts: Iterable[PersonAccount],
        first_name: Input[str] | None = None,
        last_name: Input[str] | None = None,
        phone: Input[str] | None = None,
        active: Input[bool] = True,
        expires: str | date | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a person.

        Args:
            resource_name: The name of the resource, and the login where a vendor wants a login that is not an e-mail.
            email: The e-mail.
            accounts: An `Account` of each vendor, with what only that vendor wants to know.
            first_name: First name.
            last_name: Last name.
            phone: Phone number.
            active: False deactivates all accounts, each in its vendor's own way; they stay in the stack, and
                come back with true.
            expires: The last day (UTC) on which the accounts are active, such as "2027-01-31". The first run after
                it deactivates them; runs in the two weeks before say so.
            opts: Pulumi's options; `protect` and providers pass to the accounts.

        Raises:
            pulumi.RunError: An argument cannot be as it is; before anything is sent for this person.

        """
        remedy = 'run `seatwise import` for each vendor, or say on_existing="adopt" of each account'
        refuse_import(resource_name, opts, remedy)
        accounts = _known_accounts(resource_name, accounts)
        given = {
            "name": resource_name,
            "email": email,
            "first_name": first_name,
            "last_name": last_name,
            "phone": phone,
            "active": active,
            "expires": expires.isoformat() if isinstance(expires, date) and not is_not_given(expires) else expires,
        }
        description, declared, problems = check(given, accounts)
        if problems:
            raise pulumi.RunError(_message(resource_name, accounts, problems))
        is_active = _is_active(resource_name, description)
        if not isinstance(is_active, bool):
            is_active = Output.all(is_active).apply(lambda known: _flag(resource_name, *known))

        with awaited_as_one():
            super().__init__(PERSON, resource_name, None, opts)
        self.accounts = {
            account.qualified(account.vendor.name): account.declare(
                account.qualified(resource_name), _inactive_unless(is_active, account.vendor, arguments), self
            )
            for account, arguments in zip(accounts, declared, strict=True)
        }
        ids: Any = {name: account.id for name, account in self.accounts.items()}
        with awaited_as_one():
            self.ids = Output.all(**ids) if ids else Output.from_input(ids)
        self.register_outputs({"ids": self.ids})


def _known_accounts(name: str, accounts: Any) -> list[PersonAccount]:
    """Return the accounts; raises pulumi.RunError if they are not a known list."""
    wanted = "such as [enerflo.Account(...)]"
    if not is_known(accounts):
        raise pulumi.RunError(f"{name}: accounts: must be known when the program runs: a list, {wanted}")
    if isinstance(accounts, str | bytes | Mapping) or not isinstance(accounts, Iterable):
        raise pulumi.RunError(f"{name}: accounts: must be a list, {wanted}")
    return [*accounts]


def check(
    given: Mapping[str, Any], accounts: Sequence[PersonAccount], *, is_complete: bool = True
) -> tuple[dict[str, Any], list[dict[str, Any]], list[Problem]]:
    """Return a person's description, the arguments of each account, and all problems with them.

    An incomplete description may lack required values.
    """
    wrong = [number for number, account in enumerate(accounts) if not isinstance(account, PersonAccount)]
    if wrong:
        reason = f"item {wrong[0]} is not an account of a vendor, such as enerflo.Account(...)"
        return {}, [], [Problem("accounts", reason)]
    description, problems = converted(person.SCHEMA, given, is_complete=is_complete)
    if not is_known(given.get("expires")):
        problems.append(Problem("expires", "must be known when the program runs"))
    problems += _duplicates(accounts)
    declared = []
    for account in accounts:
        arguments = person.arguments(account.vendor, description, account.args, _joined)
        values, found = converted(account.vendor.schema, arguments, account.vendor.rules, is_complete=is_complete)
        # One vendor's problem with a part of the description is enough.
        reported = {problem.field for problem in problems} & {*person.SCHEMA}
        blamed = [person.renamed_problem(account.vendor, account.args, problem) for problem in found]
        problems += [problem for problem in blamed if problem.field not in reported]
        declared.append(values)
    return description, declared, problems


def _duplicates(accounts: Iterable[PersonAccount]) -> Iterable[Problem]:
    counts = Counter(account.qualified(account.vendor.name) for account in accounts)
    for name, count in counts.items():
        if count > 1:
            yield Problem("accounts", f"{name} is there {count} times; a second tenant has a provider of its own")


def _flag(name: str, value: Any) -> bool:
    """Return the value of an output for `active`, which may be text; raises pulumi.RunError if it is not a flag."""
    try:
        return flag(value)
    except ValueError as error:
        raise pulumi.RunError(f"{name}: active: {error}") from None


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if all(map(is_known, parts)):
        return " ".join(map(str, parts))
    return Output.all(*parts).apply(lambda known: " ".join(str(each) for each in known if each not in NO_VALUE))


def _inactive_unless(is_active: Input[bool], vendor: type[Vendor], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an account. If the person is inactive, the account is, whatever its own arguments say."""
    if isinstance(is_active, bool):
        return {**arguments, **({} if is_active else vendor.deactivation)}
    return {
        **arguments,
        **{name: _either(is_active, arguments.get(name), off) for name, off in vendor.deactivation.items()},
    }


def _either(is_active: Input[bool], on: Any, off: Any) -> Output[Any]:
    return Output.all(is_active, on).apply(lambda known: known[1] if known[0] else off)


def _is_active(name: str, description: Mapping[str, Any]) -> Input[bool]:
    """Return whether the accounts are active today; logs a warning if the last day is near."""
    is_active: Input[bool] = description.get("active", True)
    if is_active is False or "expires" not in description:
        return is_active
    last_day, now = date.fromisoformat(description["expires"]), today()
    notice = person.notice(last_day, now)
    if notice:
        pulumi.log.warn(f"{name} {notice}")  # with a resource it may come too late to be sent
    return False if person.is_over(last_day, now) else is_active


def _message(name: str, accounts: Iterable[PersonAccount], problems: Iterable[Problem]) -> str:
    """Return all problems with a person, in one line."""
    where = next((account.where for account in accounts if isinstance(account, PersonAccount) and account.where), "")
    who = f"{name} ({where})" if where else name
    return f"{who}: " + "; ".join(f"{problem.field}: {problem.reason}" for problem in problems)


def today() -> date:
    """Return today in UTC, or the day in `SEATWISE_TODAY`; raises pulumi.RunError if that is not a day."""
    try:
        return RunSettings.load().today or datetime.now(UTC).date()
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
