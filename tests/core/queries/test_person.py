"""The arguments from a person's description for each vendor, and the notice about a last day."""

from datetime import date
from typing import Any

import pytest

from seatwise.core.queries import person
from seatwise.core.vendor.fields import Problem
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos

ANA = {"name": "ana", "email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz", "phone": "5550100001"}


def arguments(vendor: type[Vendor], description: dict[str, str], **own: Any) -> dict[str, Any]:
    return person.arguments(vendor, description, own, lambda parts: " ".join(parts))


@pytest.mark.parametrize(
    ("vendor", "given"),
    [
        (Enerflo, {**ANA, "active": True}),
        (Nexudus, {"email": "ana@example.com", "full_name": "Ana Ruiz", "active": True}),
        (Tenovos, {**ANA, "username": "ana", "status": "enabled"}),
    ],
)
def test_each_vendor_gets_the_arguments_that_it_has(vendor: type[Vendor], given: dict[str, Any]) -> None:
    given.pop("name", None)
    assert arguments(vendor, ANA) == given


def test_missing_parts_are_left_out() -> None:
    assert arguments(Nexudus, {"email": "a@b.c", "last_name": "Ruiz"})["full_name"] == "Ruiz"
    assert "full_name" not in arguments(Nexudus, {"email": "a@b.c"})


def test_an_accounts_own_arguments_override_the_description() -> None:
    given = arguments(Tenovos, ANA, email="ana@assets.example.com", username="ruiz", status="disabled")
    assert (given["email"], given["username"], given["status"]) == ("ana@assets.example.com", "ruiz", "disabled")


def test_without_a_mapping_a_vendor_gets_fields_of_the_same_name() -> None:
    assert "described" not in vars(Enerflo)
    assert arguments(Enerflo, ANA)["first_name"] == "Ana"


@pytest.mark.parametrize(
    ("vendor", "own", "field", "name"),
    [
        pytest.param(Enerflo, [], "phone", "phone", id="a part"),
        pytest.param(Enerflo, ["phone"], "phone", "enerflo.phone", id="a part that the account gives itself"),
        pytest.param(Enerflo, [], "roles", "enerflo.roles", id="an argument of its own"),
        pytest.param(Nexudus, [], "full_name", "first_name", id="the first of two parts"),
        pytest.param(Tenovos, [], "username", "name", id="the resource's name"),
    ],
)
def test_a_problem_has_the_name_that_the_program_uses(
    vendor: type[Vendor], own: list[str], field: str, name: str
) -> None:
    assert person.renamed_problem(vendor, own, Problem(field, "is required")).field == name


def test_a_problem_with_a_part_names_the_vendor_that_has_it() -> None:
    problem = person.renamed_problem(Nexudus, [], Problem("full_name", "is required"))
    assert problem == Problem("first_name", "is required (Nexudus)")


LAST_DAY = date(2027, 1, 31)


@pytest.mark.parametrize(
    ("today", "is_over", "beginning"),
    [
        (date(2027, 1, 16), False, None),
        (date(2027, 1, 17), False, "expires in 14 days, on 2027-01-31 (UTC): the first run after that day"),
        (date(2027, 1, 30), False, "expires in 1 day, on 2027-01-31 (UTC): the first run after that day"),
        (date(2027, 1, 31), False, "expires today, on 2027-01-31 (UTC): the first run after that day"),
        (date(2027, 2, 1), True, "expired on 2027-01-31 (UTC): the accounts are deactivated"),
        (date(2027, 2, 14), True, "expired on 2027-01-31 (UTC): the accounts are deactivated"),
        (date(2027, 2, 15), True, None),
        (date(2031, 1, 1), True, None),
    ],
)
def test_accounts_end_after_the_last_day_with_notice_before_it(
    today: date, is_over: bool, beginning: str | None
) -> None:
    """Two weeks before the last day, and two weeks after it."""
    assert person.is_over(LAST_DAY, today) is is_over
    notice = person.notice(LAST_DAY, today)
    assert notice is None if beginning is None else notice is not None and notice.startswith(beginning)


@pytest.mark.parametrize("text", ["tomorrow", "2027-02-29", "20270131", "2027-W05-7", "2027-1-31", "31.01.2027", ""])
def test_a_day_has_one_valid_format(text: str) -> None:
    _, problems = person.SCHEMA.check({"name": "ana", "email": "a@b.c", "expires": text}, frozenset())
    assert problems == [Problem("expires", "must be a date such as 2027-01-31, the last day of the accounts")]
