"""Classes and look-ups that programs build upon: what a program adds of its own changes nothing that it declares."""

import pickle
from dataclasses import asdict, make_dataclass
from typing import Any

import pytest
from pulumi import Output

from seatwise import enerflo, nexudus, tenovos
from seatwise.resources.fields import declared_outputs
from seatwise.resources.user import outputs_of

LISTED = "full_name language active unique_id created_on updated_on updated_by"
BY_ID = "is_admin api_access validated default_business_id businesses user_roles chat_rooms"
OF_ENERFLO = (
    "first_name last_name name phone active roles role_slugs office_ids manager_email timezone"
    " external_user_id company_id"
)
OF_TENOVOS = (
    "first_name last_name user_role_id groups status customer_id username friendly_name company country contact phone"
)
LOOK_UPS = [
    (enerflo.get_offices, "get_offices"), (enerflo.get_user, "get_user"), (nexudus.get_users, "get_users"),
    (tenovos.role_id, "role_id"),
]  # fmt: skip


class OnCall(enerflo.Account):
    """An account with attributes that have the names of arguments."""

    def __init__(self, active: bool) -> None:
        self.active = active  # type: ignore[arg-type]
        super().__init__(roles=["Setter"])


class Rep(enerflo.User):
    """A user with members of its own."""

    extra: Output[str]
    outputs = "mine"

    def arguments(self) -> str:
        return "mine"


def test_an_attribute_of_an_account_is_no_argument() -> None:
    account = OnCall(active=False)
    assert account.args == {"roles": ["Setter"]}
    assert vars(account)["active"] is False


class TeamArgs(enerflo.UserArgs, total=False):
    """Arguments with a key of the program's own."""

    team: str


def test_arguments_can_be_chosen_by_their_annotations() -> None:
    """As from a row of a program's own table."""
    row = {"email": "ana@example.com", "roles": ["Setter"], "team": "west", "floor": 3}
    assert [name for name in row if name in enerflo.UserArgs.__annotations__] == ["email", "roles"]
    assert [name for name in row if name in TeamArgs.__annotations__] == ["email", "roles", "team"]
    assert TeamArgs.__required_keys__ == {"email", "roles"}  # type: ignore[attr-defined]
    assert "team" in TeamArgs.__optional_keys__  # type: ignore[attr-defined]


def test_an_output_that_a_program_annotates_is_one() -> None:
    assert {*outputs_of(Rep)} == {*outputs_of(enerflo.User), "extra"}


def test_a_result_can_be_extended() -> None:
    setter: Any = make_dataclass("Setter", [("team", str, "west")], bases=(enerflo.GetUserResult,), frozen=True)
    assert setter("7", "ana@example.com").team == "west"


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (enerflo.GetUserResult, OF_ENERFLO),
        (nexudus.ListedUser, LISTED),
        (nexudus.GetUserResult, f"{LISTED} {BY_ID}"),
        (tenovos.GetUserResult, OF_TENOVOS),
    ],
)
def test_a_result_shows_these_fields_in_this_order(kind: Any, shown: str) -> None:
    """A program may export all of them: a new one is a decision."""
    found = kind("7", "ana@example.com")
    assert [*asdict(found)] == ["id", "email", *shown.split()]
    assert {getattr(found, name) for name in declared_outputs(kind).keys() - {"email"}} == {None}


@pytest.mark.parametrize(("look_up", "name"), LOOK_UPS)
def test_a_look_up_has_its_name_and_is_pickled_by_it(look_up: Any, name: str) -> None:
    assert look_up.__name__ == look_up.__qualname__ == name
    assert pickle.loads(pickle.dumps(look_up)) is look_up
    assert look_up.__doc__.startswith("Return ")
