"""The life of a membership at services that speak SCIM: the stand-in with each way of showing members, scim2-server."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import httpx
import pytest

from operations import lifecycle
from seatwise.core.membership import resource
from seatwise.core.vendor.errors import AccountError, InvalidAccount, NoSuchAccount, Refused, Unreachable, VendorBroken
from seatwise.core.vendor.groups import Pair
from seatwise.core.vendor.http import Answer
from seatwise.sandbox.scim import GROUPS
from vendors.test_scim_life import Server, world_of
from virtual import (
    Fault,
    Killed,
    World,
    answered,
    cannot_connect,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
)

pytestmark = pytest.mark.anyio
ENGINEERS, GUESTS = GROUPS
OWNER = "/accounts/test//ana-engineers"
PLACES = {"in the group": "group", "at the user": "user", "by a filter": "filter", "nowhere": ""}
SHOWN = [place for place in PLACES if place != "nowhere"]
Props = dict[str, Any]


def inputs(user: str, group: str = ENGINEERS, owner: str = OWNER) -> Props:
    return {"user": user, "group": group, "__owner": owner}


class Run:
    """One run of the engine, as far as a provider sees it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def problems(self, news: Props, olds: Mapping[str, Any] | None = None) -> list[str]:
        """What a check says of these inputs."""
        checked, problems = resource.check(news, frozenset())
        found = problems or resource.declare(self.world.tenant, olds or {}, checked)
        return [str(each) for each in found]

    async def create(self, news: Props) -> tuple[str, Props]:
        assert self.problems(news) == []
        return await resource.create(self.world.tenant, news)

    def is_due(self, id: str, outs: Props, news: Props) -> bool:
        """Whether a preview would show a change."""
        assert self.problems(news, news) == []
        return bool(resource.replaces(outs, news, frozenset())) or resource.is_unconfirmed(self.world.tenant, id, outs)

    async def read(self, id: str, outs: Props) -> tuple[Props, Props] | None:
        return await resource.read(self.world.tenant, id, outs)

    async def delete(self, id: str, outs: Props) -> bool:
        return await resource.delete(self.world.tenant, id, outs)


async def asked(world: World, method: str, path: str, **body: Any) -> dict[str, Any]:
    """What a person's request at the service gives."""
    headers = {
        "authorization": f"Bearer {world.settings.token.get_secret_value()}", "content-type": "application/scim+json",
    }  # fmt: skip
    async with httpx.AsyncClient(transport=world._inner) as http:
        answer = await http.request(method, f"{world.settings.base_url}{path}", headers=headers, json=body or None)
    answer.raise_for_status()
    return dict(answer.json()) if answer.content else {}


async def change(world: World, group: str, **operation: Any) -> None:
    """A person changes the members of a group."""
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    await asked(world, "PATCH", f"/Groups/{group}", **body)


async def a_user(world: World, name: str = "ana") -> str:
    account, _ = await lifecycle.create(world.tenant, world.inputs(email=f"{name}@example.com"))
    return account


def members(world: World, group: str = ENGINEERS) -> list[str]:
    """The members as the stand-in has them."""
    kept = world.store.get("scim groups", group)
    return list(kept["members"]) if kept else []


def writes(world: World) -> list[str]:
    return [sent.url.path for sent in world.trail if sent.url.path.startswith("/scim/Groups") and sent.body]


@pytest.fixture(params=PLACES)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The stand-in with each way of showing members."""
    async with World("scim", scim_members=request.param) as world:
        yield world


@pytest.fixture
async def usual() -> AsyncIterator[World]:
    """The stand-in as it is by default."""
    async with World("scim") as world:
        yield world


# --- every service ----------------------------------------------------------------------------


@pytest.mark.parametrize("patch", ["the record", "204"])
@pytest.mark.parametrize("place", PLACES)
async def test_a_membership_lives_and_is_shown_or_not(place: str, patch: str) -> None:
    async with World("scim", scim_members=place, scim_patch=patch) as world:
        user, run = await a_user(world), Run(world)
        key, outs = await run.create(inputs(user))
        assert (key, outs["shown_in"]) == (f"{ENGINEERS}/{user}", PLACES[place])
        assert members(world) == [user]
        assert not run.is_due(key, outs, inputs(user))
        await world.restart()
        found = await Run(world).read(key, outs)
        assert found == (outs, inputs(user))
        assert not Run(world).is_due(key, outs, inputs(user))
        assert len([each for each in world.warnings if "will not be noticed" in each]) == (place == "nowhere")
        await world.restart()
        assert await Run(world).delete(key, outs)
        assert members(world) == []


@pytest.mark.parametrize("in_one_run", [False, True], ids=["refresh, up", "up --refresh"])
@pytest.mark.parametrize("place", SHOWN)
async def test_a_member_who_is_removed_by_hand_is_added_again(place: str, *, in_one_run: bool) -> None:
    async with World("scim", scim_members=place) as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await change(world, ENGINEERS, op="remove", path=f'members[value eq "{user}"]')
        await world.restart()
        assert await Run(world).read(key, outs) is None
        if not in_one_run:
            await world.restart()
        assert await Run(world).create(inputs(user)) == (key, outs)
        assert members(world) == [user]


async def test_a_membership_at_a_server_of_others() -> None:
    async with world_of(Server("scim2-server")) as world:
        ana, ben = await a_user(world), await a_user(world, "ben")
        schema = "urn:ietf:params:scim:schemas:core:2.0:Group"
        group = (await asked(world, "POST", "/Groups", schemas=[schema], displayName="Engineers"))["id"]
        run, news = Run(world), inputs(ana, group)
        key, outs = await run.create(news)
        assert outs["shown_in"] == "group"
        _, others = await run.create(inputs(ben, group, "/accounts/test//ben"))
        assert await run.create(news) == (key, outs)
        shown = (await asked(world, "GET", f"/Groups/{group}"))["members"]
        assert sorted(each["value"] for each in shown) == sorted([ana, ben])
        await world.restart()
        assert await Run(world).read(key, outs) == (outs, news)
        assert await Run(world).delete(key, outs)
        assert await Run(world).delete(key, outs), "a second time is a success"
        assert await Run(world).read(key, outs) is None
        assert await Run(world).read(f"{group}/{ben}", others) is not None


async def test_a_group_is_asked_for_its_members_where_it_has_to_be() -> None:
    server = Server("stand-in", {"service": "keycloak"}, {"scim_members": "in the group, if asked for"})
    async with world_of(server) as world:
        user, run = await a_user(world), Run(world)
        key, outs = await run.create(inputs(user))
        assert outs["shown_in"] == "group"
        assert await run.read(key, outs) is not None
        await change(world, ENGINEERS, op="remove", path="members")
        await world.restart()
        assert await Run(world).read(key, outs) is None


async def test_other_members_stay(world: World) -> None:
    ana, ben = await a_user(world), await a_user(world, "ben")
    await change(world, ENGINEERS, op="add", path="members", value=[{"value": ben}])
    key, outs = await Run(world).create(inputs(ana))
    assert members(world) == [ben, ana]
    await world.restart()
    await Run(world).delete(key, outs)
    assert members(world) == [ben]


@pytest.mark.parametrize("twice", ["accepted", "refused with 409"])
async def test_a_user_who_is_in_the_group_already_is_a_success(twice: str) -> None:
    for place, shown in PLACES.items():
        async with World("scim", scim_members=place, scim_twice=twice) as world:
            user = await a_user(world)
            await change(world, ENGINEERS, op="add", path="members", value=[{"value": user}])
            _, outs = await Run(world).create(inputs(user))
            assert outs["shown_in"] == shown
            assert members(world) == [user]


async def test_a_409_for_another_reason_is_a_refusal(usual: World) -> None:
    ana, ben = await a_user(usual), await a_user(usual, "ben")
    await change(usual, ENGINEERS, op="add", path="members", value=[{"value": ben}])
    usual.fault("update", answered(409, b'{"detail": "busy"}', carried_out=False))
    with pytest.raises(Refused, match="add refused with 409: busy"):
        await Run(usual).create(inputs(ana))


# --- lost answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        lost_before, lost_after, answered(500, carried_out=True), answered(429, carried_out=False, retry_after="3"),
        answered(200, b"<html>a page</html>", carried_out=True),
    ],
    ids=["lost before", "lost after", "500 after it is done", "429", "a page"],
)  # fmt: skip
async def test_a_lost_answer_costs_a_look(usual: World, fault: Any) -> None:
    user = await a_user(usual)
    usual.fault("update", fault)
    key, outs = await Run(usual).create(inputs(user))
    assert members(usual) == [user]
    await usual.restart()
    usual.fault("update", fault)
    assert await Run(usual).delete(key, outs)
    assert members(usual) == []


@pytest.mark.parametrize("place", PLACES)
async def test_an_add_that_is_lost_for_good_is_found(place: str) -> None:
    async with World("scim", scim_members=place) as world:
        user = await a_user(world)
        world.fault("update", *[lost_after] * 20)
        if place == "nowhere":
            with pytest.raises(Unreachable):
                await Run(world).create(inputs(user))
            world.faults.clear()
            await world.restart()
        _, outs = await Run(world).create(inputs(user))
        assert outs["shown_in"] == PLACES[place]


async def test_a_removal_that_is_lost_for_good_is_found(usual: World) -> None:
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    await usual.restart()
    usual.fault("update", *[lost_after] * 20)
    assert await Run(usual).delete(key, outs)
    assert members(usual) == []


@pytest.mark.parametrize("fault", [lost_before, lost_after])
async def test_after_a_failed_removal_the_membership_is_confirmed(usual: World, fault: Any) -> None:
    """The declaration comes back after a removal without an answer: the next `up` adds the user again."""
    usual.door.vendor.settings.__dict__["deadline"] = 5
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    await usual.restart()
    usual.fault("update", *[fault] * 20)
    usual.fault("read", *[lost_before] * 40)
    with pytest.raises(Unreachable):
        await Run(usual).delete(key, outs)
    usual.faults.clear()
    await usual.restart()
    assert Run(usual).is_due(key, outs, inputs(user))
    after = await resource.update(usual.tenant, key, outs, inputs(user))
    assert members(usual) == [user]
    assert not Run(usual).is_due(key, after, inputs(user))


async def test_a_removal_that_the_engine_missed_is_confirmed(usual: World) -> None:
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    await usual.restart()
    await Run(usual).delete(key, outs)  # and the engine is killed
    await usual.restart()
    assert Run(usual).is_due(key, outs, inputs(user))
    await resource.update(usual.tenant, key, outs, inputs(user))
    assert members(usual) == [user]


async def test_a_group_that_has_changed_meanwhile_is_read_again_once(usual: World) -> None:
    user = await a_user(usual)
    usual.fault("update", answered(412, carried_out=False))
    key, _ = await Run(usual).create(inputs(user))
    assert key
    assert members(usual) == [user]
    assert len(writes(usual)) == 2
    usual.fault("update", *[answered(412, carried_out=False)] * 2)
    with pytest.raises(Refused, match="refused with 412"):
        await Run(usual).create(inputs(user, GUESTS))


# --- what is gone -----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["user", "group"])
async def test_a_membership_is_gone_with_its_user_or_group(world: World, what: str) -> None:
    user = await a_user(world)
    key, outs = await Run(world).create(inputs(user))
    await asked(world, "DELETE", f"/Users/{user}" if what == "user" else f"/Groups/{ENGINEERS}")
    await world.restart()
    assert await Run(world).read(key, outs) is None
    assert await Run(world).delete(key, outs), "what is gone already is a success"
    await world.restart()
    with pytest.raises(NoSuchAccount, match=f"there is no such {what}. Check the ids of the user and of the group"):
        await Run(world).create(inputs(user))


async def test_a_wrong_address_shows_nothing_gone(usual: World) -> None:
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    await usual.restart()
    usual.hazard = lambda kind: answered(404, carried_out=False)
    for operation in (Run(usual).read, Run(usual).delete):
        with pytest.raises(AccountError, match="refused with 404"):
            await operation(key, outs)


@pytest.mark.parametrize(("status", "error"), [(403, Refused), (500, VendorBroken)])
async def test_a_failing_service_shows_nothing_gone(world: World, status: int, error: type[AccountError]) -> None:
    user = await a_user(world)
    key, outs = await Run(world).create(inputs(user))
    await world.restart()
    world.hazard = lambda kind: answered(status, carried_out=False)
    for operation in (Run(world).read, Run(world).delete):
        with pytest.raises(error):
            await operation(key, outs)
    assert members(world) == [user]


async def test_a_membership_that_begins_to_show_is_drift_again() -> None:
    async with World("scim", scim_members="nowhere") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        world._inner.app.state.options.quirks["scim_members"] = "in the group"  # type: ignore[attr-defined]
        found = await Run(world).read(key, outs)
        assert found is not None
        assert found[0]["shown_in"] == "group"
        await change(world, ENGINEERS, op="remove", path="members")
        await world.restart()
        assert await Run(world).read(key, found[0]) is None


async def test_a_service_that_accepts_and_does_nothing_is_reported(usual: World) -> None:
    ana, ben = await a_user(usual), await a_user(usual, "ben")
    await change(usual, ENGINEERS, op="add", path="members", value=[{"value": ben}])
    usual.fault("update", answered(204, carried_out=False))
    _, outs = await Run(usual).create(inputs(ana))
    assert outs["shown_in"] == ""
    assert "the group shows others and not this one" in usual.warnings[-1]


# --- one resource for each --------------------------------------------------------------------


async def test_two_resources_of_the_same_pair_are_refused(usual: World) -> None:
    run = Run(usual)
    assert run.problems(inputs("u-1")) == []
    assert run.problems(inputs("u-1"), inputs("u-1")) == [], "the same resource, checked again"
    assert run.problems(inputs("u-2", owner="/accounts/test//other")) == []
    (problem,) = run.problems(inputs("u-1", owner="/accounts/test//other"))
    assert problem == "user is in this group by test/ana-engineers as well: one resource owns a membership"
    assert usual.trail == []


@pytest.mark.parametrize("owner", [OWNER, "/accounts/test//renamed"])
async def test_a_removal_leaves_what_the_program_declares(usual: World, owner: str) -> None:
    """A forced replacement, and a resource with another name: the engine creates the new one, then deletes the old."""
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    await usual.restart()
    run = Run(usual)
    assert await run.create(inputs(user, owner=owner)) == (key, {**outs, "__owner": owner})
    assert not await run.delete(key, outs)
    assert members(usual) == [user]
    await usual.restart()
    assert await Run(usual).delete(key, outs), "a later run removes it"


async def test_a_removal_by_another_process_of_the_run_leaves_it(usual: World) -> None:
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    same_run = usual.engine_state.run
    await usual.restart()
    usual.door.journal._run_id = same_run
    assert not await Run(usual).delete(key, outs)
    assert members(usual) == [user]


async def test_a_membership_of_another_tenant_is_refused(usual: World) -> None:
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    with pytest.raises(InvalidAccount, match="it was made in the tenant west"):
        await Run(usual).delete(key, {**outs, "__tenant": "west"})


@pytest.mark.parametrize(
    ("news", "problem"),
    [
        ({"group": "g"}, "user must be the id of a user, and is empty"),
        ({"user": "", "group": "g"}, "user must be the id of a user, and is empty"),
        ({"user": "u", "group": 7.0}, "group must be the id of a group, and is not text"),
        ({"user": "..", "group": "g"}, "user an id cannot be empty or made of dots"),
    ],
)
async def test_bad_input_is_found_before_anything_is_sent(usual: World, news: Props, problem: str) -> None:
    assert Run(usual).problems({**news, "__owner": OWNER}) == [problem]
    assert usual.trail == []


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("place", SHOWN)
async def test_credentials_that_may_not_remove_are_no_proof(place: str, status: int) -> None:
    """They may not see the member either."""
    async with World("scim", scim_members=place) as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        world.fault("update", *[answered(status, b"{}", carried_out=False)] * 3)

        async def hides(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            body = json.loads(await answer.aread())
            nothing = {"members": [], "groups": [], "Resources": [], "totalResults": 0}
            return httpx.Response(answer.status_code, json=body | {key: nothing[key] for key in nothing if key in body})

        world.hazard = lambda kind: hides if kind == "read" else None
        with pytest.raises(AccountError, match=str(status)):
            await Run(world).delete(key, outs)
        assert members(world) == [user]


async def test_a_filter_that_is_not_read_any_more_shows_nothing_gone() -> None:
    async with World("scim", scim_members="by a filter") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()

        async def ignored(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            url = request.url.copy_remove_param("filter")
            return await inner.handle_async_request(httpx.Request("GET", url, headers=request.headers))

        world.hazard = lambda kind: ignored if kind == "read" else None
        found = await Run(world).read(key, outs)
        assert found is not None
        assert found[0]["shown_in"] == ""
        world.fault("update", *[answered(400, b"{}", carried_out=False)] * 2)
        with pytest.raises(Refused, match="remove refused with 400"):
            await Run(world).delete(key, outs)
        assert members(world) == [user]


async def test_a_group_that_is_listed_is_not_gone(usual: World) -> None:
    user = await a_user(usual)
    key, outs = await Run(usual).create(inputs(user))
    await usual.restart()

    async def missing(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        if "/Groups/" in request.url.path:
            return httpx.Response(404, json={})
        return await inner.handle_async_request(request)

    usual.hazard = lambda kind: missing
    with pytest.raises(VendorBroken, match="lists this group and says that it is not there"):
        await Run(usual).read(key, outs)
    with pytest.raises(Refused, match="remove refused with 404"):
        await Run(usual).delete(key, outs)
    assert members(usual) == [user]


async def test_a_service_without_patch_is_refused_in_preview() -> None:
    async with World("scim", given={"update": "put"}) as world:
        (problem,) = Run(world).problems(inputs("u-1"))
        assert 'a membership needs PATCH, and SCIM_UPDATE is "put"' in problem


async def test_groups_are_asked_whatever_the_service_says_of_patch() -> None:
    async with World("scim") as world:
        world.tenant.vendor.learn_facts(Answer(200, {}, b'{"patch": {"supported": false}}'))
        assert world.tenant.vendor.merges({}), "its users are replaced"
        assert Run(world).problems(inputs("u-1")) == []


def test_an_id_contains_its_parts_encoded() -> None:
    assert Pair(user="a/b", group="c d").id == "c%20d/a%2Fb"


def test_a_new_value_replaces_and_an_unknown_one_may() -> None:
    old = {"user": "u", "group": "g", "shown_in": "group"}
    assert resource.replaces(old, {"user": "u", "group": "g"}, frozenset()) == []
    assert resource.replaces(old, {"user": "v", "group": "h"}, frozenset()) == ["user", "group"]
    assert resource.replaces(old, {"group": "g"}, frozenset({"user"})) == ["user"]


# --- how many requests ------------------------------------------------------------------------


async def test_a_group_is_read_once_for_all_its_members(usual: World) -> None:
    users = [await a_user(usual, f"p{number}") for number in range(8)]
    run, made = Run(usual), list[tuple[str, Props]]()
    usual.trail.clear()
    for user in users:
        made.append(await run.create(inputs(user, owner=f"/accounts/test//{user}")))
    assert len(usual.trail) == len(users) + 1, "a write each, and one look"
    await usual.restart()
    usual.trail.clear()
    for key, outs in made:
        assert await Run(usual).read(key, outs) is not None
    assert len(usual.trail) == 1


async def test_a_killed_run_adds_the_user_once(usual: World) -> None:
    user = await a_user(usual)
    usual.fault("update", killed_after)
    with pytest.raises(Killed):
        await Run(usual).create(inputs(user))
    await usual.restart()
    await Run(usual).create(inputs(user))
    assert members(usual) == [user]


# --- faults at each request -------------------------------------------------------------------

FAULTS: Mapping[str, Fault] = {
    "cannot connect": cannot_connect,
    "lost before": lost_before,
    "lost after": lost_after,
    "killed before": killed_before,
    "killed after": killed_after,
    "500": answered(500, carried_out=False),
    "500 after it is done": answered(500, carried_out=True),
    "403": answered(403, carried_out=False),
    "404": answered(404, carried_out=False),
    "a page": answered(200, b"<html>a page</html>", carried_out=True),
    "an empty object": answered(200, b"{}", carried_out=True),
}
MOST_REQUESTS = 5
"""More than one operation needs without retries."""


@contextmanager
def from_request(world: World, number: int, fault: Fault, *, until_the_end: bool) -> Iterator[None]:
    """Let a request, or all from it on, meet a fault; whatever comes of it ends this run."""
    left = count()

    def hazard(_: str) -> Fault | None:
        now = next(left)
        return fault if now == number or (until_the_end and now > number) else None

    world.hazard = hazard
    with suppress(AccountError, Killed):
        yield
    world.hazard = lambda _: None


@pytest.mark.no_cover  # as for the fault matrix: many times the same code
@pytest.mark.parametrize("until_the_end", [False, True], ids=["once", "until the end"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_after_a_fault_the_next_run_is_as_declared(world: World, fault: str, *, until_the_end: bool) -> None:
    """At each request of an add and of a removal; the person stays removed, or is declared again."""
    ana, ben = await a_user(world), await a_user(world, "ben")
    await change(world, ENGINEERS, op="add", path="members", value=[{"value": ben}])
    for number in range(2 if until_the_end else MOST_REQUESTS):
        for is_declared_again in (False, True):
            await world.restart()
            state: list[tuple[str, Props]] = []
            with from_request(world, number, FAULTS[fault], until_the_end=until_the_end):
                state.append(await Run(world).create(inputs(ana)))
            await world.restart()
            key, outs = state[0] if state else await Run(world).create(inputs(ana))
            assert members(world) == [ben, ana]

            await world.restart()
            with from_request(world, number, FAULTS[fault], until_the_end=until_the_end):
                assert await Run(world).delete(key, outs)
                state.append(("", {}))  # the engine knows that it is gone
            await world.restart()
            if not is_declared_again:
                if state[-1:] != [("", {})]:
                    assert await Run(world).delete(key, outs)
                assert members(world) == [ben]
                continue
            if Run(world).is_due(key, outs, inputs(ana)):
                outs = await resource.update(world.tenant, key, outs, inputs(ana))
            assert members(world) == [ben, ana]
            await world.restart()
            assert not Run(world).is_due(key, outs, inputs(ana))
            await world.restart()
            assert await Run(world).delete(key, outs)


async def test_a_group_that_shows_a_new_member_late_is_read_again(usual: World) -> None:
    ana, ben = await a_user(usual), await a_user(usual, "ben")
    await change(usual, ENGINEERS, op="add", path="members", value=[{"value": ben}])
    late = answered(200, json.dumps({"id": ENGINEERS, "members": [{"value": ben}]}).encode(), carried_out=False)
    usual.fault("read", late, answered(403, carried_out=False), *[answered(400, carried_out=False)] * 2)
    _, outs = await Run(usual).create(inputs(ana))
    assert outs["shown_in"] == "group"
