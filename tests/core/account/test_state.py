"""What the engine keeps of an account, and how it is compared."""

from typing import Any

import pytest

from seatwise.core.account.properties import ADOPTED, AS_DECLARED, DECLARED, AccountState, Declared
from seatwise.core.account.state import (
    check,
    deactivation_problems,
    diff,
    differences,
    expand,
    observed,
    readable_values,
    removal_problems,
    seen,
)
from seatwise.core.vendor.fields import Problem
from seatwise.core.vendor.secrets import Vault, matches
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos

ANA: dict[str, Any] = {"email": "ana@example.com", "roles": ["Sales Rep"]}
NONE: frozenset[str] = frozenset()
ENERFLO = Enerflo(None)

# --- check ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param({"timezone": "America/Denver"}, {"timezone": "America/Chicago"}, id="changed"),
        pytest.param({}, {"timezone": "America/Denver"}, id="given later"),
        pytest.param({"can_create_customers": True}, {"can_create_customers": False}, id="switched off"),
    ],
)
def test_a_changed_immutable_argument_is_refused_with_remedies(old: dict[str, Any], new: dict[str, Any]) -> None:
    _, (problem,) = check(Enerflo, ANA | old, ANA | new, NONE, Vault())
    (name,) = new
    assert problem.field == name
    assert problem.reason == (
        "can only be given when the account is made; Enerflo cannot change it later. Change it in the admin page "
        f'of Enerflo and put it back here, or add ignore_changes=["{name}"] to the resource\'s options'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(None, {"timezone": "America/Denver"}, id="new account"),
        pytest.param({"manager_id": 3}, {"manager_id": 3.0}, id="another spelling"),
        pytest.param({"timezone": "America/Denver"}, {}, id="no longer given"),
        pytest.param({"phone": "5555555555"}, {"phone": "5555555556"}, id="a field that updates take"),
    ],
)
def test_other_changes_are_accepted(old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    olds = {} if old is None else ANA | old
    assert check(Enerflo, olds, ANA | new, NONE, Vault()) == (ANA | new, [])


def test_a_create_only_argument_may_be_unknown_yet() -> None:
    assert check(Enerflo, ANA | {"timezone": "America/Denver"}, ANA, frozenset({"timezone"}), Vault()) == (ANA, [])


def test_a_secret_leaves_check_as_a_fingerprint() -> None:
    vault = Vault()
    values, _ = check(Enerflo, {}, ANA | {"password": "pass word"}, NONE, vault)
    assert matches("pass word", str(values["password"]))
    assert vault.reveal(str(values["password"])) == "pass word"


@pytest.mark.parametrize("vendor", [Enerflo, Nexudus])
def test_the_same_password_keeps_its_fingerprint(vendor: type[Vendor]) -> None:
    given = {**vendor.example, "password": "pass word"}
    olds, _ = check(vendor, {}, given, NONE, Vault())
    assert check(vendor, olds, given, NONE, Vault()) == (olds, [])


def test_another_password_is_a_difference_where_updates_take_it() -> None:
    olds, _ = check(Nexudus, {}, Nexudus.example, NONE, Vault())
    news, problems = check(Nexudus, olds, {**Nexudus.example, "password": "another"}, NONE, Vault())
    assert not problems
    assert list(differences(Nexudus.schema, olds, news)) == ["password"]


def test_another_first_password_is_refused_without_naming_it() -> None:
    olds, _ = check(Enerflo, {}, ANA | {"password": "pass word"}, NONE, Vault())
    _, (problem,) = check(Enerflo, olds, ANA | {"password": "an0ther"}, NONE, Vault())
    assert problem.field == "password"
    assert "an0ther" not in problem.reason


@pytest.mark.parametrize(
    ("vendor", "refused"), [(Enerflo, True), (Tenovos, True), (Nexudus, False)], ids=["enerflo", "tenovos", "nexudus"]
)
def test_delete_on_destroy_is_refused_where_there_is_none(vendor: type[Vendor], refused: bool) -> None:
    reason = f'cannot be "delete": {vendor.title} has no way to delete; use "deactivate" or "retain"'
    assert removal_problems(vendor(None), "on_destroy", "delete") == (
        [Problem("on_destroy", reason)] if refused else []
    )
    assert removal_problems(vendor(None), "on_destroy", None) == []


class Deleting(Nexudus):
    """A vendor that deletes accounts that are deactivated."""

    deactivating_deletes = True


@pytest.mark.parametrize(
    ("how", "is_refused"), [(None, True), ("deactivate", True), ("delete", False), ("retain", False)]
)
def test_where_deactivating_deletes_the_program_must_ask_for_it(how: str | None, is_refused: bool) -> None:
    reason = 'must be "delete" or "retain": Nexudus deletes an account for good when it is deactivated'
    assert removal_problems(Deleting(None), "on_destroy", how) == [Problem("on_destroy", reason)] * is_refused


def test_where_deactivating_deletes_no_argument_may_deactivate() -> None:
    assert [each.field for each in deactivation_problems(Deleting(None), {"active": False})] == ["active"]
    assert deactivation_problems(Deleting(None), {"active": True}) == []
    assert deactivation_problems(Nexudus(None), {"active": False}) == []


def test_the_vendors_rules_count_what_is_unknown_yet_as_given() -> None:
    news = {"email": "ana@example.com", "roles": ["Setter"]}
    _, problems = check(Enerflo, {}, news, frozenset({"office_id"}), Vault())
    assert [problem.field for problem in problems] == ["office_id"]


# --- diff -------------------------------------------------------------------------------------

OUTPUTS = ANA | {
    "phone": "(555) 010-0001",
    "office_ids": [12, 13, 14],
    "timezone": "America/Denver",
    "on_destroy": "retain",
    "name": "Ana Ruiz",
    DECLARED: ["email", "office_ids", "phone", "roles", "timezone"],
}
STATE = AccountState.from_outputs(Enerflo.schema, OUTPUTS)
INPUTS = {name: OUTPUTS[name] for name in (*OUTPUTS[DECLARED], "on_destroy")}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"email": "ANA@example.com", "phone": "5550100001", "office_ids": [12, 14, 13]}, id="spelling"),
        pytest.param({"roles": ["agent"]}, id="role slug"),
        pytest.param({"on_existing": "adopt"}, id="what was to happen when it was made"),
        pytest.param({"timezone": "America/Chicago"}, id="what no update takes"),
    ],
)
def test_no_update_is_due(changed: dict[str, Any]) -> None:
    assert not diff(Enerflo, STATE, Declared.of(Enerflo.schema, INPUTS | changed), NONE)


@pytest.mark.parametrize(
    ("changed", "dropped"),
    [
        pytest.param({"phone": "5550100002"}, None, id="a value"),
        pytest.param({"office_ids": [13, 12, 14]}, None, id="the first office"),
        pytest.param({"on_destroy": "deactivate"}, None, id="on_destroy"),
        pytest.param({"first_name": "Ana"}, None, id="another argument"),
        pytest.param({}, "phone", id="an argument less"),
        pytest.param({}, "on_destroy", id="on_destroy no longer said"),
    ],
)
def test_an_update_is_due(changed: dict[str, Any], dropped: str | None) -> None:
    news = {name: value for name, value in (INPUTS | changed).items() if name != dropped}
    assert diff(Enerflo, STATE, Declared.of(Enerflo.schema, news), NONE)


def test_an_unknown_argument_counts_as_changed() -> None:
    assert diff(Enerflo, STATE, Declared.of(Enerflo.schema, INPUTS), frozenset({"phone"}))


def test_an_update_changes_what_differs_and_what_it_takes() -> None:
    news = INPUTS | {"email": "Ana@example.com", "phone": "5550100002", "active": True, "timezone": "America/Chicago"}
    assert differences(Enerflo.schema, STATE.values, news) == {"phone": "5550100002", "active": True}


def test_declared_are_the_arguments_with_a_value() -> None:
    news = {"phone": "", "active": False, "first_name": None, "email": "a@b", "on_existing": "fail", "on_destroy": "x"}
    assert Declared.of(Enerflo.schema, news).names == ("active", "email", "phone")


# --- what was seen ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "news", "actual"),
    [
        pytest.param(None, {"added_user_roles": [1]}, {}, id="no record"),
        pytest.param({"FullName": None}, {"full_name": "Ana"}, {"full_name": None}, id="null"),
        pytest.param(
            {"UserRoles": [1, 3]},
            {"added_user_roles": [1, 2], "removed_user_roles": [3, 4]},
            {"user_roles": [1, 3], "added_user_roles": [1], "removed_user_roles": [4]},
            id="deltas: what is fulfilled of them",
        ),
        pytest.param(
            {"UserRoles": None},
            {"added_user_roles": [1], "removed_user_roles": [3]},
            {"user_roles": None, "added_user_roles": [], "removed_user_roles": [3]},
            id="deltas of null",
        ),
        pytest.param({"FullName": "Ana"}, {"added_user_roles": [1]}, {"full_name": "Ana"}, id="delta of no list"),
    ],
)
def test_a_look_says_what_is_there(record: dict[str, Any] | None, news: dict[str, Any], actual: dict[str, Any]) -> None:
    assert seen(Nexudus.schema, news, record) == actual


@pytest.mark.parametrize(
    ("news", "actual", "outs"),
    [
        pytest.param({"phone": "555-010-0001"}, {"phone": "5550100001"}, {"phone": "555-010-0001"}, id="spelling"),
        pytest.param({"phone": "555-010-0001"}, {"phone": "5550100002"}, {"phone": "5550100002"}, id="drift"),
        pytest.param({"phone": "555-010-0001"}, {"phone": None}, {}, id="drift to nothing"),
        pytest.param({"phone": "555-010-0001"}, {}, {"phone": "555-010-0001"}, id="not seen"),
        pytest.param({"phone": ""}, {"phone": None}, {"phone": ""}, id="emptied"),
        pytest.param({}, {"first_name": "Ana", "last_name": None}, {"first_name": "Ana"}, id="not declared"),
        pytest.param(
            {"timezone": "America/Denver"},
            {"timezone": "America/Chicago"},
            {"timezone": "America/Chicago", AS_DECLARED: {"timezone": "America/Denver"}},
            id="drift in what is create-only",
        ),
    ],
)
def test_outputs_are_what_was_seen_in_the_programs_spelling(
    news: dict[str, Any], actual: dict[str, Any], outs: dict[str, Any]
) -> None:
    expected = outs | {ADOPTED: False, DECLARED: list(news)}
    assert observed(ENERFLO, news, actual, adopted=False).to_outputs() == expected


def test_outputs_say_that_an_account_was_adopted() -> None:
    assert observed(ENERFLO, {}, {}, adopted=True).to_outputs()[ADOPTED] is True


def test_readable_is_what_the_vendor_once_said() -> None:
    outs = {"full_name": "Ana", "password": "scrypt:", "new_avatar_url": "x", "added_user_roles": [1], ADOPTED: True}
    assert readable_values(Nexudus.schema, outs) == {"full_name": "Ana"}


# --- deltas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "current", "expanded"),
    [
        pytest.param({"full_name": "Ana"}, {"user_roles": [1]}, {"full_name": "Ana"}, id="no delta"),
        pytest.param({"added_user_roles": [2, 1]}, {"user_roles": [1]}, {"user_roles": [1, 2]}, id="added"),
        pytest.param({"removed_user_roles": [1, 9]}, {"user_roles": [1, 2]}, {"user_roles": [2]}, id="removed"),
        pytest.param({"added_user_roles": [2]}, {}, {"user_roles": [2]}, id="added to no list"),
        pytest.param({"added_user_roles": [2]}, {"user_roles": None}, {"user_roles": [2]}, id="added to null"),
        pytest.param(
            {"removed_user_roles": [1], "added_user_roles": [2]},
            {"user_roles": [1, 3]},
            {"user_roles": [3, 2]},
            id="both",
        ),
        pytest.param(
            {"added_user_roles": [2], "added_chat_rooms": [5]},
            {"user_roles": [1], "chat_rooms": [4]},
            {"user_roles": [1, 2], "chat_rooms": [4, 5]},
            id="of two lists",
        ),
    ],
)
def test_a_delta_becomes_the_whole_list_that_results(
    changes: dict[str, Any], current: dict[str, Any], expanded: dict[str, Any]
) -> None:
    assert expand(Nexudus.schema, changes, current) == expanded


def test_a_delta_leaves_the_list_that_was_read_alone() -> None:
    current = {"user_roles": [1]}
    expand(Nexudus.schema, {"added_user_roles": [2]}, current)
    assert current == {"user_roles": [1]}
