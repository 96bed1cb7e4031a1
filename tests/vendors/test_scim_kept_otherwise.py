"""Values that a SCIM service keeps in part or in another form, and changes that it answers and does not make."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from operations import lifecycle, roster
from seatwise.core.account import state
from seatwise.core.vendor.errors import AccountError
from seatwise.core.vendor.fields import Values
from seatwise.vendors.scim import Scim
from vendors.test_scim_doubts import NOT_DONE, URN, Showing
from vendors.test_scim_life import by_hand, service_says
from virtual import Fault, World, answered

pytestmark = pytest.mark.anyio
ANA: Values = {"email": None, "user_name": "ana@example.com"}
NAMED = "the vendor has another value than was sent"
REPEATED: Mapping[str, Mapping[str, Any]] = {
    "roles": {"roles": [{"value": "a"}, {"value": "b"}]},
    "entitlements": {"entitlements": [{"value": "y"}]},
    "emails": {"emails": [{"value": "d@b.c"}]},
    "extensions": {URN: {"n": 1}},
}
"""What a service may repeat of a change that it does not make."""


def keeps_one_role(user: dict[str, Any]) -> None:
    user["roles"] = user.get("roles", [])[:1]


def keeps_capitals(user: dict[str, Any]) -> None:
    if "title" in user:
        user["title"] = user["title"].upper()


def keeps_texts(user: dict[str, Any]) -> None:
    user[URN] = {name: str(each) for name, each in user.get(URN, {}).items()}


OTHERWISE: Mapping[str, tuple[Any, Values, Values]] = {
    "a part": (keeps_one_role, {"roles": ["a", "b"]}, {"roles": ["c", "d"]}),
    "capitals": (keeps_capitals, {"title": "Lead"}, {"title": "Boss"}),
    "a number as text": (keeps_texts, {"extensions": {URN: {"level": 3}}}, {"extensions": {URN: {"level": 4}}}),
}


@pytest.mark.parametrize("patch", ["the record", "204"])
@pytest.mark.parametrize("what", OTHERWISE)
async def test_what_is_kept_otherwise_is_named_at_each_write(what: str, patch: str) -> None:
    show, first, then = OTHERWISE[what]
    async with World("scim", scim_patch=patch) as world:
        world._inner = Showing(world._inner, show)
        account, outs = await lifecycle.create(world.tenant, world.inputs(**first))
        name = next(iter(first))
        assert f"ana@example.com ({account}): {name}: {NAMED}" in str(world.warnings)
        assert world.diff(outs, world.inputs(outs, **first)), "what is not there must not seem to be there"
        await world.restart()
        world.warnings.clear()
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **then))
        assert f"ana@example.com ({account}): {name}: {NAMED}" in str(world.warnings)


@pytest.mark.parametrize("what", OTHERWISE)
async def test_what_is_kept_otherwise_stops_no_run(what: str) -> None:
    """The engine removes no account in a run in which another resource fails."""
    show, given, _ = OTHERWISE[what]
    async with World("scim") as world:
        world._inner = Showing(world._inner, show)
        account, outs = await lifecycle.create(world.tenant, world.inputs(**given))
        for _ in range(2):
            await world.restart()
            world.warnings.clear()
            outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **given))
            assert NAMED in str(world.warnings)
        assert await lifecycle.delete(world.tenant, account, outs)
        await world.restart()
        assert await lifecycle.create(world.tenant, world.inputs(**given)), "and the person is back"


@pytest.mark.parametrize("says", ["the old record", "the new record", "204"])
@pytest.mark.parametrize(
    ("had", "wanted"),
    [
        ({"roles": ["admin", "a"]}, {"roles": ["a"]}),
        ({"roles": ["a"]}, {"roles": ["a", "b"]}),
        ({"entitlements": ["x"]}, {"entitlements": ["y"]}),
        ({"emails": [{"value": "a@b.c"}], **ANA}, {"emails": [{"value": "d@b.c"}], **ANA}),
        ({"extensions": {URN: {"role": "admin", "n": 1}}}, {"extensions": {URN: {"role": "", "n": 1}}}),
    ],
    ids=["a role taken away", "a role added", "an entitlement", "e-mails", "a part of an extension"],
)
async def test_a_list_that_is_not_changed_does_not_seem_changed(had: Values, wanted: Values, says: str) -> None:
    """Also where the service is known to keep the field: a role may be access."""
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(**had))
        await lifecycle.create(world.tenant, world.inputs(**{**had, "email": None, "user_name": "ben"}))
        await world.restart()
        record = await service_says(world, account)
        name = next(iter(wanted))
        new = {**record, **REPEATED[name]} if says == "the new record" else record
        said = NOT_DONE if says == "204" else answered(200, json.dumps(new).encode(), carried_out=False)
        world.fault("update", said)
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **wanted))
        assert f"({account}): {name}: {NAMED}" in str(world.warnings)
        assert world.diff(outs, world.inputs(outs, **wanted))
        await world.restart()
        world.warnings.clear()
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **wanted))
        assert not world.diff(outs, world.inputs(outs, **wanted)), "the next run does it"
        assert world.warnings == []


async def test_an_adoption_that_leaves_a_role_says_so() -> None:
    async with World("scim") as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs(roles=["admin", "a"]), "o1")
        await world.restart()
        world.fault("update", NOT_DONE)
        news = world.inputs(roles=["a"], on_existing="adopt")
        _, outs = await lifecycle.create(world.tenant, news, "o2")
        assert f"({account}): roles: {NAMED}" in str(world.warnings)
        assert world.diff(outs, news)


async def test_a_create_that_its_update_puts_right_names_nothing() -> None:
    async with World("enerflo") as world:
        shown = {"first_name": "ANA"}
        world._inner = Showing(world._inner, lambda user: user.update(shown), key="first_name")
        world.hazard = lambda kind: shown.clear() if kind == "update" else None
        _, outs = await lifecycle.create(world.tenant, world.inputs())
        assert not world.diff(outs, world.inputs(outs))
        assert world.warnings == []


async def test_a_role_that_a_person_adds_is_drift_beside_one_not_kept() -> None:
    async with World("scim") as world:
        shown = [{"value": "a"}]
        world._inner = Showing(world._inner, lambda user: user.update(roles=[*shown]))
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["a", "b"]))
        await world.restart()
        shown.append({"value": "admin"})
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert sorted(found.outputs["roles"]) == ["a", "admin"]
        assert world.diff(found.outputs, world.inputs(found.outputs, roles=["a", "b"]))


async def test_a_default_role_of_a_service_is_taken_away() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["a"]))
        await by_hand(world, account, {"op": "add", "path": "roles", "value": [{"value": "guest"}]})
        await world.restart()
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        await lifecycle.update(world.tenant, account, found.outputs, world.inputs(found.outputs, roles=["a"]))
        assert (await service_says(world, account))["roles"] == [{"value": "a"}]


async def test_a_member_whose_values_are_kept_otherwise_is_named() -> None:
    async with World("scim") as world:
        world._inner = Showing(world._inner, keeps_one_role)
        members = {f"u{n}@example.com": {"roles": ["a", "b"]} for n in range(2)}
        outs = await roster.create(world.tenant, "r", {"members": members}, "own")
        assert [each["roles"] for each in outs["members"].values()] == [["a"], ["a"]]
        assert all(f"{each} (" in str(world.warnings) for each in members)


async def test_an_empty_object_is_an_answer_without_a_record() -> None:
    """https://docs.cloud.google.com/identity/docs/scim/reference/rest/v1/customers.v2.Users/patch"""
    async with World("scim") as world:
        world._inner = Showing(world._inner, keeps_capitals)
        account, outs = await lifecycle.create(world.tenant, world.inputs(title="Lead"))
        await world.restart()
        world.hazard = lambda kind: answered(200, b"{}", carried_out=True) if kind == "update" else None
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, title="Boss"))
        assert outs["title"] == "BOSS"
        assert NAMED in str(world.warnings)
        assert await lifecycle.delete(world.tenant, account, outs)


async def test_an_empty_object_proves_no_update() -> None:
    """A gateway may answer so to anything."""
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(title="Lead"))
        world.hazard = lambda kind: answered(200, b"{}", carried_out=False) if kind == "update" else None
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, title="Boss"))
        assert f"title: {NAMED}" in str(world.warnings)
        assert world.diff(outs, world.inputs(outs, title="Boss"))
        with pytest.raises(AccountError, match="deactivate was answered and not done"):
            await lifecycle.delete(world.tenant, account, outs)


async def test_an_empty_object_proves_no_deletion() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(on_destroy="delete"))
        await world.restart()
        world.fault("delete", answered(200, b"{}", carried_out=False))
        with pytest.raises(AccountError, match="delete was answered and is not confirmed: the account is still there"):
            await lifecycle.delete(world.tenant, account, outs)


async def test_a_field_that_is_kept_from_now_on_is_a_difference() -> None:
    async with World("scim") as world:
        world._inner = Showing(world._inner, lambda user: user["userName"] == "ben" or user.pop("roles", None))
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["a"]))
        assert "roles is accepted and not kept" in str(world.warnings)
        await world.restart()
        world.warnings.clear()
        await lifecycle.create(world.tenant, world.inputs(email=None, user_name="ben", roles=["x"]))
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["b"]))
        assert f"({account}): roles: {NAMED}" in str(world.warnings)
        assert world.diff(outs, world.inputs(outs, roles=["b"]))


# --- what means the same ------------------------------------------------------------------------


@pytest.mark.parametrize("update", ["patch", "put"])
@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ({"Level": 3, "team": "north"}, {"level": 4}, {"Level": 4, "team": "north"}),
        ({"Level": 3, "team": "north"}, {"level": ""}, {"team": "north"}),
        ({"Badge": {"color": "red", "n": 7}}, {"badge": {"color": ""}}, {"Badge": {"n": 7}}),
        ({"places": {"A": 5}}, {"places": {"a": 1}}, {"places": {"A": 5, "a": 1}}),
        ({"places": {"A": 5}}, {"places": {"a": ""}, "n": 1}, {"places": {"A": 5}, "n": 1}),
        ({"places": {"a": 1}}, {"places": {"a": 1, "A": 2}}, {"places": {"a": 1, "A": 2}}),
        ({"places": {"a": 1}}, {"places": {"A": 2, "a": ""}}, {"places": {"A": 2}}),
    ],
)
async def test_an_attribute_in_other_capitals_is_the_same(
    update: str, first: Mapping[str, Any], then: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Keys in the value of an attribute are data: their case counts."""
    async with World("scim", given={"update": update}) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(extensions={URN: first}))
        await world.restart()
        news = world.inputs(outs, extensions={URN: then})
        for _ in range(2):
            outs = await lifecycle.update(world.tenant, account, outs, news)
            assert (await service_says(world, account))[URN] == expected
            assert not world.diff(outs, news)
        assert world.warnings == []


def test_names_that_differ_in_case_alone_are_different_ones() -> None:
    """A service may have both, and another one, whose names have a case, may get one instead of the other."""
    same = Scim.schema["extensions"].same
    assert same({URN: {"role": "x", "Role": ""}}, {URN: {"role": "x"}})
    assert not same({URN: {"role": "x", "Role": ""}}, {URN: {"Role": "x"}})
    assert same({URN: {"role": "x"}}, {URN.upper(): {"ROLE": "x", "n": 1}})


@pytest.mark.parametrize("update", ["patch", "put"])
async def test_an_item_in_other_capitals_is_written_as_the_rfc_says(update: str) -> None:
    async with World("scim", given={"update": update}) as world:
        shown = [{"value": "a@b.c", "type": "work", "display": "Y", "primary": True}]
        account, outs = await lifecycle.create(world.tenant, world.inputs(emails=shown, **ANA))
        await world.restart()
        declared = [{"Value": "a@b.c", "DISPLAY": "X"}, {"value": "d@e.f", "Primary": "true"}]
        news = world.inputs(outs, emails=declared, **ANA)
        after = await lifecycle.update(world.tenant, account, outs, news)
        assert (await service_says(world, account))["emails"] == [
            {"value": "a@b.c", "type": "work", "display": "X"},
            {"value": "d@e.f", "primary": True},
        ]
        assert not world.diff(after, news)
        assert world.warnings == []


@pytest.mark.parametrize(
    ("given", "shown", "is_same"),
    [
        ({"places": {"a": 1, "A": 2}}, {"places": {"a": 1, "A": 2}}, True),
        ({"grants": [{"type": "Admin"}]}, {"grants": [{"type": "admin"}]}, False),
        ({"grants": [{"value": "x"}]}, {"grants": [{"value": "x", "Primary": True}]}, True),
        ({"grants": [{"value": "x", "primary": False}]}, {"grants": [{"value": "x"}]}, True),
    ],
)
def test_items_of_other_schemas_are_compared_as_they_are(given: Any, shown: Any, is_same: bool) -> None:
    assert Scim.schema["extensions"].same({URN: given}, {URN: shown}) is is_same


# --- looks that fail or lag -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted", [{"roles": ["a"]}, {"roles": [], "title": "Boss"}], ids=["one", "two, one in capitals"]
)
async def test_a_look_that_lags_behind_the_answer_is_made_again(wanted: Values) -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["admin", "a"]))
        await world.restart()
        record = await service_says(world, account)
        roles = [{"value": each} for each in wanted["roles"]]
        said = json.dumps({**record, "roles": roles, "title": "BOSS"}).encode()
        world.fault("update", answered(200, said, carried_out=True))
        old = answered(200, json.dumps(record).encode(), carried_out=False)

        def lags(kind: str) -> Fault | None:
            sent = [each.at for each in world.trail if each.kind == "update"]
            return old if kind == "read" and sent and anyio.current_time() - sent[-1] < 1 else None

        world.hazard = lags
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **wanted))
        assert outs.get("roles", []) == wanted["roles"]
        assert world.warnings == []
        assert [each.kind for each in world.trail][-3:] == ["update", "read", "read"]


async def test_the_first_look_counts_if_the_second_fails() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["admin"]))
        await world.restart()
        record = await service_says(world, account)
        said = json.dumps({**record, "roles": []}).encode()
        world.fault("update", answered(200, said, carried_out=False))
        looks = iter([answered(200, json.dumps(record).encode(), carried_out=False)])

        def fails_later(kind: str) -> Fault | None:
            return next(looks, answered(403, carried_out=False)) if kind == "read" and world.is_updated else None

        world.hazard = fails_later
        with pytest.raises(AccountError, match="answered and not done: roles"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=[]))


async def test_a_look_beside_a_title_in_capitals_may_lag_as_well() -> None:
    async with World("scim", given={"update": "put"}) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["admin"], title="Lead"))
        await world.restart()
        record = await service_says(world, account)
        said = json.dumps({**record, "roles": [], "title": "BOSS"}).encode()
        world.fault("update", answered(200, said, carried_out=True))
        stale = iter([answered(200, json.dumps(record).encode(), carried_out=False)])

        def lags_once(kind: str) -> Fault | None:
            return next(stale, None) if kind == "read" and world.is_updated else None

        world.hazard = lags_once
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=[], title="Boss"))
        assert outs.get("roles", []) == []


async def test_one_look_is_enough() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(active=True, roles=["a"]))
        await world.restart()
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, active=False, roles=["b"]))
        assert [each.kind for each in world.trail][-2:] == ["update", "read"]


@pytest.mark.parametrize("says", [NOT_DONE, "the new record"], ids=["204", "the new record"])
async def test_a_first_value_that_is_not_taken_is_a_difference(says: Any) -> None:
    """Another account shows that the service keeps the field."""
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await lifecycle.create(world.tenant, world.inputs(email=None, user_name="ben", roles=["x"]))
        new = {**await service_says(world, account), "roles": [{"value": "a"}]}
        repeated = answered(200, json.dumps(new).encode(), carried_out=False)
        world.fault("update", repeated if says == "the new record" else says)
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["a"]))
        assert f"({account}): roles: {NAMED}" in str(world.warnings)
        assert world.diff(outs, world.inputs(outs, roles=["a"]))


async def test_a_role_that_a_create_leaves_out_is_named() -> None:
    async with World("scim") as world:
        await lifecycle.create(world.tenant, world.inputs(email=None, user_name="ben", roles=["x"]))
        world._inner = Showing(
            world._inner, lambda user: user.pop("roles", None) if user["userName"] != "ben" else None
        )
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["a"]))
        assert f"({account}): roles: {NAMED}" in str(world.warnings)
        assert world.diff(outs, world.inputs(outs, roles=["a"]))


async def test_a_respelled_value_is_not_taken_from_an_answer_alone() -> None:
    async with World("enerflo") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        said = {"user": {**world.accounts[account], "roles": ["ins-x"]}, "success": True}
        world.fault("update", answered(200, json.dumps(said).encode(), carried_out=True))
        no = answered(403, carried_out=False)
        world.hazard = lambda kind: no if kind == "read" and world.is_updated else None
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["Regional Manager"]))
        assert outs["roles"] == ["Regional Manager"]


async def test_an_answer_that_denies_the_change_counts_without_a_look() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(roles=["admin", "a"]))
        await world.restart()
        old = json.dumps(await service_says(world, account)).encode()
        world.fault("update", answered(200, old, carried_out=False))
        later = answered(403, carried_out=False)
        world.hazard = lambda kind: later if kind == "read" and world.is_updated else None
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, roles=["a"]))
        assert outs["roles"] == ["admin", "a"]
        assert world.diff(outs, world.inputs(outs, roles=["a"]))
        assert "reads it back" in str(world.warnings)


async def test_a_role_that_stays_is_named_beside_many_titles() -> None:
    def show(user: dict[str, Any]) -> None:
        keeps_capitals(user)
        user["roles"] = [{"value": "admin"}]

    async with World("scim") as world:
        world._inner = Showing(world._inner, show)
        members = {f"u{n:02}@example.com": {"title": "Lead", "roles": ["admin"]} for n in range(15)}
        outs = await roster.create(world.tenant, "r", {"members": members}, "own")
        await world.restart()
        world.warnings.clear()
        news = {key: {**each, "title": "Boss"} for key, each in members.items()}
        news["u14@example.com"] = {"title": "LEAD", "roles": ["a"]}
        await roster.update(world.tenant, "r", outs, {"members": news}, "own")
        account = outs["ids"]["u14@example.com"]
        assert f"u14@example.com ({account}): roles: {NAMED}" in str(world.warnings)


async def test_a_schema_that_stands_twice_is_refused() -> None:
    async with World("scim") as world:
        declared = {**world.vendor.example, "extensions": {URN: {"level": 1}, URN.upper(): {"team": "north"}}}
        _, problems = state.check(world.vendor, {}, declared, frozenset(), world.vault)
        assert [str(each) for each in problems] == ["extensions has a schema twice, in other capitals: give it once"]
