"""The look-ups of programs: how many requests they send and what they return, in virtual time."""

import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import fields
from inspect import getmembers
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

from seatwise.core.queries.lookup import Lookups
from seatwise.core.vendor.errors import (
    AccountError,
    AccountExists,
    InvalidField,
    NotAuthorised,
    SettingsError,
    UnknownName,
    VendorBroken,
)
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors import enerflo, module_named, nexudus, tenovos
from virtual import World, answered, lost_after

pytestmark = pytest.mark.anyio
NEWER = {"api_version": "1.5", "base_url": "http://127.0.0.1/tenovos-1.5"}
END_USER = "7d5620e0-f423-11e9-8071-89c0c4052141"
EVERYONE = "7d6207c0-f423-11e9-8071-89c0c4052141"
VENDORS = ("enerflo", "nexudus", "tenovos")  # those that have lists
MANY = 130
"""A number of accounts that needs more than one page."""


@pytest.fixture(params=VENDORS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with World(request.param, given=NEWER if request.param == "tenovos" else {}) as world:
        yield world


def record(vendor: str, number: int, **others: Any) -> dict[str, Any]:
    """Return an account's record as the vendor's stand-in stores it."""
    email, first = f"p{number}@example.com", f"P{number}"
    mine: dict[str, dict[str, Any]] = {
        "enerflo": {
            "id": number, "email": email, "first_name": first, "last_name": "Ruiz", "active": True,
            "roles": ["Sales Rep"], "allow_optimus": False, "can_create_customers": True,
        },
        "nexudus": {
            "Id": number, "Email": email, "FullName": first, "Language": 2, "Active": True, "IsAdmin": True,
            "Businesses": [1], "UserRoles": [77], "TwoFactorSecret": "s3cret", "UpdatedOn": "2026-01-01T00:00:00Z",
        },
        "tenovos": {
            "userId": f"u{number}", "email": email, "firstName": first, "lastName": "Ruiz", "username": first,
            "userRoleId": END_USER, "groups": [EVERYONE], "status": "enabled",
        },
    }  # fmt: skip
    return mine[vendor] | others


def people(world: World, many: int = MANY, **others: Any) -> None:
    """Add this many accounts at the vendor, numbered after the existing ones."""
    first = len(world.accounts) + 1
    for number in range(first, first + many):
        made = record(world.name, number, **others)
        account = str(made[{"enerflo": "id", "nexudus": "Id", "tenovos": "userId"}[world.name]])
        world.store.add(world.name, account, world.email(made), made)


def module(world: World) -> ModuleType:
    return module_named(world.name)


def requests(world: World) -> list[str]:
    """Return the requests since the last call, without logins."""
    sent = [str(each.url.path) for each in world.trail if each.kind != "token"]
    world.trail.clear()
    return sent


async def all_at_once(*questions: Awaitable[Any]) -> list[Any]:
    """Ask all questions at the same time and return the answers or errors."""
    answers: list[Any] = [None] * len(questions)

    async def ask(index: int) -> None:
        try:
            answers[index] = await questions[index]
        except AccountError as error:
            answers[index] = error

    async with anyio.create_task_group() as tasks:
        for index in range(len(questions)):
            tasks.start_soon(ask, index)
    return answers


async def error_of(question: Awaitable[Any]) -> str:
    with pytest.raises(AccountError) as caught:
        await question
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- how often --------------------------------------------------------------------------------


async def test_each_list_is_loaded_once_for_all_callers(world: World) -> None:
    lookups = Lookups(world.door)
    lists = list(world.vendor.lists.values())
    for _ in range(2):
        answers = await all_at_once(*(lookups.items(listed) for listed in lists * 20))
        assert answers[: len(lists)] * 20 == answers
        assert all(answers)
    assert len(requests(world)) == len(lists)


async def test_all_users_cost_one_request_for_each_page(world: World) -> None:
    people(world)
    lookups = Lookups(world.door)
    kind = getattr(module(world), "ListedUser", module(world).GetUserResult)
    answers = await all_at_once(*(lookups.users(kind) for _ in range(20)))
    assert {len(users) for users in answers} == {MANY}
    assert len(requests(world)) == 2


async def test_the_next_run_loads_the_account_list_again(world: World) -> None:
    people(world, 1)
    kind = getattr(module(world), "ListedUser", module(world).GetUserResult)
    assert len(await Lookups(world.door).users(kind)) == 1
    people(world, 1)
    assert len(await Lookups(world.door).users(kind)) == 2


async def test_a_user_created_between_two_runs_is_found_in_the_second(world: World) -> None:
    people(world, 2)
    kind, first = module(world).GetUserResult, Lookups(world.door)
    for number in (1, 2):
        await first.user(kind, f"p{number}@example.com")
    people(world, 1)
    assert (await Lookups(world.door).user(kind, "p3@example.com")).email == "p3@example.com"


async def test_a_list_that_the_vendor_refused_is_not_loaded_again(world: World) -> None:
    (listed, *_) = world.vendor.lists.values()
    world.fault("GET", answered(400, b'{"message": "not today"}', carried_out=False))
    lookups = Lookups(world.door)
    errors = await all_at_once(*(lookups.items(listed) for _ in range(20)))
    assert {type(error) for error in errors} == {InvalidField}
    assert f"{world.vendor.title} {listed.about}: look-up refused with 400" in str(errors[0])
    assert len(requests(world)) == 1


async def test_a_lost_answer_is_requested_again(world: World) -> None:
    (listed, *_) = world.vendor.lists.values()
    world.fault("GET", lost_after)
    assert await Lookups(world.door).items(listed)
    assert len(requests(world)) == 2


async def test_a_user_is_looked_up_by_email_and_read_by_id(world: World) -> None:
    people(world, 3)
    found = await Lookups(world.door).user(module(world).GetUserResult, "P2@Example.com")
    assert found.email == "p2@example.com"
    assert found.id in world.accounts
    assert len(requests(world)) == 2


# --- functions --------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_list_has_a_function_and_a_line_on_the_page(vendor: str) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "lookups.md").read_text()
    found = module_named(vendor)
    functions = {name for name, _ in getmembers(found, callable) if name.startswith("get_") or name.endswith("_id")}
    assert {f"get_{name}" for name in found.VENDOR.lists} <= functions
    assert [name for name in functions if f"`{vendor}.{name}(" not in page] == []


def test_a_vendor_needs_no_lists() -> None:
    assert Vendor.lists == {}


# --- results ----------------------------------------------------------------------------------


async def test_the_fields_of_a_user_are_outputs_of_the_resource(world: World) -> None:
    kinds = {module(world).GetUserResult, getattr(module(world), "ListedUser", module(world).GetUserResult)}
    for kind in kinds:
        named = [field.name for field in fields(kind)]
        assert [name for name in named if name != "id" and name not in world.vendor.schema] == []
        assert [name for name in named if name != "id" and world.vendor.schema[name].secret] == []


async def test_results_contain_no_secret(world: World) -> None:
    people(world, 1)
    lookups = Lookups(world.door)
    kind = module(world).GetUserResult
    shown = repr(await lookups.user(kind, "p1@example.com")) + repr(await lookups.users(kind))
    assert "s3cret" not in shown
    assert "sandbox.secret" not in shown


async def test_users_are_selected_by_the_list_values() -> None:
    async with World("enerflo") as world:
        people(world, 2)
        people(world, 3, roles=["Regional Manager"], active=False)
        lookups = Lookups(world.door)
        assert [each.id for each in await enerflo._users(lookups, "regional", None)] == ["3", "4", "5"]
        assert [each.id for each in await enerflo._users(lookups, "Sales Rep", None)] == ["1", "2"]
        assert [each.id for each in await enerflo._users(lookups, None, True)] == ["1", "2"]
        assert [each.id for each in await enerflo._users(lookups, "agent", False)] == []
        assert world.warnings == []
        assert await enerflo._users(lookups, "Regional Manager", None) == [], "its slug is unlike it"
        assert world.warnings == [
            "Enerflo lists no user with the role Regional Manager; roles as it shows them: agent, regional"
        ]
        assert len(requests(world)) == 1


async def test_nexudus_users_are_complete_by_id_and_partial_in_lists() -> None:
    async with World("nexudus") as world:
        people(world, 1)
        people(world, 1, Active=False)
        lookups = Lookups(world.door)
        assert (await lookups.user(nexudus.GetUserResult, "p1@example.com")).user_roles == [77]
        assert [each.id for each in await lookups.users(nexudus.ListedUser, active=True)] == ["1"]
        assert [each.id for each in await lookups.users(nexudus.ListedUser, active=False)] == ["2"]
        assert [each.full_name for each in await lookups.users(nexudus.ListedUser)] == ["P1", "P2"]


async def test_users_of_tenovos_are_selected_by_role_group_and_status() -> None:
    async with World("tenovos", given=NEWER) as world:
        people(world, 1)
        people(world, 1, userRoleId=None, groups=[], status="disabled")
        lookups = Lookups(world.door)
        assert [each.id for each in await tenovos._users(lookups, END_USER, None, None)] == ["u1"]
        assert [each.id for each in await tenovos._users(lookups, None, EVERYONE, None)] == ["u1"]
        assert [each.id for each in await tenovos._users(lookups, None, None, False)] == ["u2"]
        assert [each.username for each in await tenovos._users(lookups, None, None, None)] == ["P1", "P2"]


async def test_tenovos_1_0_finds_users_by_email_and_groups_only() -> None:
    way_out = "Set TENOVOS_API_VERSION=1.5 and the base URL of that version"
    async with World("tenovos") as world:
        people(world, 1)
        lookups = Lookups(world.door)
        assert (await lookups.user(tenovos.GetUserResult, "p1@example.com")).first_name == "P1"
        assert (await lookups.by_name(tenovos.GROUPS, "marketing")).id.startswith("7d6207c1")
        requests(world)
        assert (
            await error_of(lookups.users(tenovos.GetUserResult)) == f"Tenovos: this API has no list of users. {way_out}"
        )
        assert await error_of(lookups.items(tenovos.ROLES)) == (
            f"Tenovos roles: this API has no such list. {way_out}, or name the role with user_role_name"
        )
        assert requests(world) == []
        with pytest.raises(SettingsError):
            await lookups.by_name(tenovos.ROLES, "End user")


async def test_roles_of_nexudus_are_distinguished_by_business() -> None:
    async with World("nexudus") as world:
        lookups = Lookups(world.door)
        assert (await nexudus._role(lookups, "Front desk", None)).id == 77
        several = await error_of(nexudus._role(lookups, "Community manager", None))
        assert several.startswith(
            'Nexudus user role "Community manager": several items have this name: "Community manager" (id 78, '
        )
        assert several.endswith('business_name Uptown). Say whose it is: role_id("...", business="...")')
        assert (await nexudus._role(lookups, "community manager", "uptown")).id == 80
        assert (await nexudus._role(lookups, "Community manager", 1)).id == 78
        assert [role.id for role in await nexudus._user_roles(lookups, "Uptown")] == [79, 80]
        assert await nexudus._user_roles(lookups, 3) == []
        assert await error_of(nexudus._user_roles(lookups, "Midtown")) == (
            'Nexudus business "Midtown": not found; did you mean "Downtown" or "Uptown"?'
        )
        assert sorted(requests(world)) == ["/nexudus/api/security/userroles", "/nexudus/api/sys/businesses"]


@pytest.mark.parametrize("keys", ["office_id", "id"])
async def test_an_office_of_enerflo_may_have_two_key_names(keys: str) -> None:
    async with World("enerflo", enerflo_office_keys=keys) as world:
        assert (await Lookups(world.door).by_name(enerflo.OFFICES, "denver")) == enerflo.Office(12, "Denver")


# --- errors -----------------------------------------------------------------------------------


async def test_an_unknown_email_is_an_error_with_similar_ones(world: World) -> None:
    people(world, 2)
    lookups = Lookups(world.door)
    kind = module(world).GetUserResult
    await lookups.users(kind)
    with pytest.raises(UnknownName) as caught:
        await lookups.user(kind, "p2@exmaple.com")
    assert str(caught.value) == (
        f"{world.vendor.title} p2@exmaple.com: no user has this e-mail; "
        'did you mean "p2@example.com" or "p1@example.com"?'
    )


@pytest.mark.parametrize(
    ("vendor", "remedy"),
    [
        ("enerflo", ". `seatwise list enerflo` lists the users of the main tenant"),
        pytest.param("tenovos", "", id="there is no list"),
    ],
)
async def test_an_unknown_email_without_similar_ones_has_a_remedy(vendor: str, remedy: str) -> None:
    async with World(vendor) as world:
        said = await error_of(Lookups(world.door).user(module(world).GetUserResult, "ana@example.com"))
        assert said == f"{world.vendor.title} ana@example.com: no user has this e-mail{remedy}"


async def test_an_email_of_several_accounts_is_an_error() -> None:
    async with World("enerflo", unique_emails=False) as world:
        people(world, 2, email="ana@example.com")
        with pytest.raises(AccountExists, match="several accounts have this e-mail: 1, 2"):
            await Lookups(world.door).user(enerflo.GetUserResult, "ana@example.com")


async def test_a_list_without_roles_cannot_be_asked_about_roles() -> None:
    async with World("enerflo") as world:
        body = json.dumps({"results": [{"id": 1, "email": "ana@example.com"}]}).encode()
        world.fault("list", answered(200, body, carried_out=False))
        assert "Enerflo users: the list does not show role_slugs" in await error_of(
            enerflo._users(Lookups(world.door), "Sales Rep", None)
        )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param({"things": []}, "came in a shape that seatwise does not know", id="no list"),
        pytest.param("<html>", "came in a shape that seatwise does not know", id="no JSON"),
        pytest.param({"results": [{"name": "Denver"}]}, "the list has an item whose id cannot be read", id="no id"),
        pytest.param({"results": [{"id": 1, "name": "A"}, None]}, "an item whose id, name cannot", id="no object"),
        pytest.param({"results": [{"id": "x", "label": "D"}]}, "an item whose id, name cannot", id="no name"),
        pytest.param(
            {"results": [{"id": 1, "name": "A"}, {"id": 1, "name": "B"}]}, "the list is incomplete or", id="twice"
        ),
    ],
)
async def test_an_invalid_answer_is_an_error_that_names_the_problem(body: Any, problem: str) -> None:
    async with World("enerflo") as world:
        world.fault("GET", answered(200, json.dumps(body).encode(), carried_out=False))
        error = await error_of(Lookups(world.door).items(enerflo.OFFICES))
        assert error.startswith("Enerflo offices: ")
        assert problem in error


async def test_unusual_items_are_read_as_far_as_possible() -> None:
    async with World("enerflo") as world:
        body = {
            "results": [
                {"id": "12", "name": None, "office_name": "x", "sms_number": 1},
                {"office_id": 13.0, "name": "B"},
            ]
        }
        world.fault("GET", *[answered(200, json.dumps(body).encode(), carried_out=False)] * 2)
        offices = await Lookups(world.door).items(enerflo.OFFICES)
        assert offices == [enerflo.Office(12, ""), enerflo.Office(13, "B")]


@pytest.mark.parametrize(
    ("roles", "shown"),
    [
        pytest.param(None, [], id="null"),
        pytest.param([3], ["3"], id="a number"),
        pytest.param([{"id": 3, "title": "Setter"}], ["3"], id="an object without a name"),
        pytest.param({"slug": "setter"}, ["Setter"], id="an object"),
    ],
)
async def test_unusual_roles_of_one_account_do_not_hide_the_others(roles: Any, shown: list[str]) -> None:
    users = [
        {"id": 1, "email": "ana@example.com", "roles": roles},
        {"id": 2, "email": "ben@example.com", "roles": ["agent"]},
    ]
    async with World("enerflo") as world:
        world.hazard = lambda kind: answered(200, json.dumps({"results": users}).encode(), carried_out=False)
        all_users = await Lookups(world.door).users(enerflo.GetUserResult)
        assert {each.email: each.roles for each in all_users} == {
            "ana@example.com": shown,
            "ben@example.com": ["Sales Rep"],
        }
        assert [each.id for each in await enerflo._users(Lookups(world.door), "Sales Rep", None)] == ["2"]

        world.fault("read", answered(200, json.dumps(users[0]).encode(), carried_out=False))
        assert (await Lookups(world.door).user(enerflo.GetUserResult, "ana@example.com")).roles == shown


async def test_an_incomplete_list_is_an_error() -> None:
    async with World("nexudus") as world:
        body = {"Records": [{"Id": 1, "Name": "A"}], "TotalItems": 2, "TotalPages": 1}
        world.fault("GET", answered(200, json.dumps(body).encode(), carried_out=False))
        with pytest.raises(VendorBroken, match="Nexudus businesses: the list is incomplete"):
            await Lookups(world.door).items(nexudus.BUSINESSES)


async def test_a_list_of_users_with_duplicates_is_an_error() -> None:
    async with World("enerflo") as world:
        body = json.dumps({"results": [{"id": 1, "email": "ana@example.com"}] * 2}).encode()
        world.fault("list", answered(200, body, carried_out=False))
        with pytest.raises(VendorBroken, match="Enerflo users: the list is incomplete or contains duplicates"):
            await Lookups(world.door).users(enerflo.GetUserResult)


async def test_a_list_of_users_with_an_unreadable_one_is_an_error() -> None:
    async with World("enerflo") as world:
        body = json.dumps({"results": [{"id": 1, "email": "ana@example.com"}, None]}).encode()
        world.fault("list", answered(200, body, carried_out=False))
        with pytest.raises(VendorBroken, match="Enerflo users: the list is incomplete or contains duplicates"):
            await Lookups(world.door).users(enerflo.GetUserResult)


async def test_a_list_without_paging_is_read_once() -> None:
    """After a full page the next one is requested; the same page again ends the list."""
    async with World("enerflo") as world:
        body = json.dumps({"results": [{"id": n, "name": f"o{n}"} for n in range(enerflo.PAGE_SIZE)]}).encode()
        world.fault("GET", *[answered(200, body, carried_out=False)] * 2)
        assert len(await Lookups(world.door).items(enerflo.OFFICES)) == enerflo.PAGE_SIZE
        assert len(requests(world)) == 2


async def test_a_missing_permission_is_named_with_the_list() -> None:
    async with World("nexudus") as world:
        world.fault("GET", *[answered(401, b"{}", carried_out=False)] * 2)
        with pytest.raises(NotAuthorised, match="Nexudus user roles: look-up refused with 401"):
            await Lookups(world.door).items(nexudus.USER_ROLES)
