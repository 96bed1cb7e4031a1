"""Arguments that no engine is asked about: an account refuses them in the program, in one line."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pulumi import ResourceOptions

from conftest import refusal
from resources import mocked
from seatwise import Person, Roster, enerflo, nexudus, tenovos
from seatwise.core.vendor.boundary import UNKNOWN
from seatwise.core.vendor.fields import unfit

EMAIL = "ana@example.com"
UNREADABLE = "is a text that the engine takes for a value that it does not know yet: choose another"
A_LIST = "must be a list, and is a"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"roles": {"x"}}, f"roles {A_LIST} set"),
        ({"roles": frozenset("x")}, f"roles {A_LIST} frozenset"),
        ({"roles": {"x": 1}.keys()}, f"roles {A_LIST} dict_keys"),
        ({"roles": (each for each in "x")}, f"roles {A_LIST} generator"),
        ({"roles": [{"x"}]}, f"roles item 0: {A_LIST} set"),
        ({"office_ids": range(3)}, f"office_ids {A_LIST} range"),
        ({"first_name": b"Ana"}, "first_name must be text, and is bytes"),
        ({"first_name": Decimal(1)}, "first_name must be text, a number, a flag or a list, and is a Decimal"),
        ({"password": next(iter(UNKNOWN))}, f"password {UNREADABLE}"),
        ({"roles": ["Setter", next(iter(UNKNOWN))]}, f"roles item 1: {UNREADABLE}"),
    ],
)
def test_a_value_that_pulumi_cannot_carry_is_named(arguments: dict[str, Any], said: str) -> None:
    assert refusal(lambda: enerflo.User("ana", email=EMAIL, **arguments)) == f"ana: {said}"


BY_IMPORT = ResourceOptions(import_="5")
NO_IMPORT = "ana: the option import_ cannot take over an account: {}"


@pytest.mark.parametrize(
    ("declare", "remedy"),
    [
        pytest.param(
            lambda: nexudus.User("ana", BY_IMPORT, email=EMAIL, full_name="Ana", language=1),
            'run `seatwise import nexudus`, or say on_existing="adopt"',
            id="User",
        ),
        pytest.param(
            lambda: Roster("ana", vendor=enerflo, members=[], opts=BY_IMPORT),
            'say on_existing="adopt" (`seatwise import` takes over single accounts)',
            id="Roster",
        ),
        pytest.param(
            lambda: Person("ana", email=EMAIL, accounts=[], opts=BY_IMPORT),
            'run `seatwise import` for each vendor, or say on_existing="adopt" of each account',
            id="Person",
        ),
    ],
)
def test_the_option_import_is_refused(declare: Callable[[], Any], remedy: str) -> None:
    assert refusal(declare) == NO_IMPORT.format(remedy)


def test_the_option_import_of_a_persons_account_is_refused() -> None:
    account = "nexudus.Account(language=1, opts=ResourceOptions(import_='5'))"
    said = mocked.failed(f"seatwise.Person('ana', email='{EMAIL}', first_name='Ana', accounts=[{account}])")
    assert NO_IMPORT.format("run `seatwise import nexudus`") in said


@pytest.mark.parametrize("text", sorted(UNKNOWN))
def test_a_text_that_the_engine_has_a_meaning_for_is_refused(text: str) -> None:
    assert unfit(text) == UNREADABLE
    assert unfit(f"{text} ") == unfit(text.upper()) == ""


@pytest.mark.parametrize("user", [enerflo.User, nexudus.User, tenovos.User])
@pytest.mark.parametrize(
    ("account", "said"),
    [
        (5, 'id must be text, such as "1042"'),
        (None, 'id must be text, such as "1042"'),
        ("", 'id must be text, such as "1042"'),
        (["5"], 'id must be text, such as "1042"'),
        (b"5", "id must be text, and is bytes"),
        (Path("5"), "id must be text, a number, a flag or a list, and is a "),
        ("\ud800", "id contains U+D800 LONE SURROGATE: take it out"),
        ("5\n", "id contains U+000A CONTROL CHARACTER: take it out"),
    ],
)
def test_an_id_that_is_not_text_is_named(user: Any, account: Any, said: str) -> None:
    assert refusal(lambda: user.get("ana", account)).startswith(f"ana: {said}")
