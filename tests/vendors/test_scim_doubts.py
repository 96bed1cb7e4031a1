"""What a SCIM service says and does not do, and values that would hit another account."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio
import httpx
import pytest

from operations import lifecycle
from seatwise.core.account import account_list, state
from seatwise.core.account.finding import everyone, has_identity, look_up_uncached
from seatwise.core.membership.places import NO_USER
from seatwise.core.vendor.errors import AccountError, NoSuchAccount, VendorBroken
from seatwise.core.vendor.fields import Values
from seatwise.core.vendor.groups import Groups, Pair
from seatwise.core.vendor.http import Answer
from seatwise.core.vendor.scim_attributes import CORE, ENTERPRISE
from seatwise.sandbox.scim import GROUPS
from seatwise.vendors.scim import ERROR
from vendors.test_scim_life import by_hand, service_says
from vendors.test_scim_memberships import Run, a_user, inputs, members
from virtual import Fault, World, answered, lost_after

pytestmark = pytest.mark.anyio
ENGINEERS, GUESTS = GROUPS
NOT_DONE = answered(204, carried_out=False)
URN = "urn:acme:2.0:User"
AN_ERROR = answered(
    200, b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "403"}', carried_out=False
)


# --- deactivating -----------------------------------------------------------------------------


@pytest.mark.parametrize("says", ["nothing", "a record without active"])
async def test_a_deactivation_is_looked_at(says: str) -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        record = {key: value for key, value in (await service_says(world, account)).items() if key != "active"}
        quiet = answered(200, json.dumps(record).encode(), carried_out=False)
        world.fault("update", NOT_DONE if says == "nothing" else quiet)
        with pytest.raises(VendorBroken, match="answered and not done"):
            await lifecycle.delete(world.tenant, account, outs)


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("says", ["nothing", "a record without active"])
async def test_active_in_an_update_is_looked_at(says: str, active: bool) -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(active=not active))
        await world.restart()
        record = {key: value for key, value in (await service_says(world, account)).items() if key != "active"}
        quiet = answered(200, json.dumps(record).encode(), carried_out=False)
        world.fault("update", NOT_DONE if says == "nothing" else quiet)
        with pytest.raises(VendorBroken, match="answered and not done"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, active=active))


@pytest.mark.parametrize("way", ["patch", "put"])
@pytest.mark.parametrize("what", ["a removal", "an update"])
async def test_a_deactivation_that_is_only_repeated_is_not_done(what: str, way: str) -> None:
    async with World("scim", given={"update": way}) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        repeated = {**await service_says(world, account), "active": False}
        world.fault("update", answered(200, json.dumps(repeated).encode(), carried_out=False))
        tenant, news = world.tenant, world.inputs(outs, active=False)
        removes = what == "a removal"
        work: Awaitable[object] = (
            lifecycle.delete(tenant, account, outs) if removes else lifecycle.update(tenant, account, outs, news)
        )
        with pytest.raises(VendorBroken, match="answered and not done"):
            await work


async def test_a_reactivation_that_is_only_repeated_is_not_done() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        await lifecycle.delete(world.tenant, account, outs)
        await world.restart()
        repeated = {**await service_says(world, account), "active": True}
        world.fault("update", answered(200, json.dumps(repeated).encode(), carried_out=False))
        with pytest.raises(VendorBroken, match="answered and not done"):
            await lifecycle.create(world.tenant, world.inputs())


async def test_a_null_is_no_active() -> None:
    """As good as absent: https://www.rfc-editor.org/rfc/rfc7643#section-2.5"""
    async with World("scim") as world:
        world._inner = Showing(world._inner, lambda record: record.update(active=None))
        account, outs = await lifecycle.create(world.tenant, world.inputs(active=True))
        await world.restart()
        assert not world.diff(outs, world.inputs(outs, active=True))
        with pytest.raises(VendorBroken, match="does not show whether it is active"):
            await lifecycle.delete(world.tenant, account, outs)


async def test_a_new_account_that_is_inactive_is_named() -> None:
    async with World("scim") as world:
        world._inner = Showing(world._inner, lambda record: record.update(active=False))
        await lifecycle.create(world.tenant, world.inputs())
        assert "new and stays inactive: declare active=True to make it active" in str(world.warnings)


async def test_a_reactivation_need_not_be_shown() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(active=False))
        await world.restart()
        record = {key: value for key, value in (await service_says(world, account)).items() if key != "active"}
        hidden = answered(200, json.dumps(record).encode(), carried_out=False)
        world.hazard = lambda kind: {"update": answered(204, carried_out=True), "read": hidden}.get(kind)
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, active=True))
        assert (await service_says(world, account))["active"] is True


class Showing(httpx.AsyncBaseTransport):
    """A service that shows its users in its own way, or what else stands at a path and has such a key."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        show: Callable[[dict[str, Any]], object],
        path: str = "",
        key: str = "userName",
    ) -> None:
        self._inner, self._show, self._path, self._key = inner, show, path, key

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        text = await answer.aread()
        body = json.loads(text) if text else {}
        for record in [body, *body.get("Resources", ())]:
            if self._key in record and self._path in request.url.path:
                self._show(record)
        return httpx.Response(answer.status_code, json=body) if text else answer


@pytest.mark.parametrize("shown", [("ENABLED", "DISABLED"), (2, 3), ([True], [False]), ({"value": True}, {})])
async def test_an_active_that_cannot_be_read_is_not_believed(shown: tuple[object, object]) -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        world._inner = Showing(world._inner, lambda record: record.update(active=shown[not record["active"]]))
        world.fault("update", NOT_DONE)
        with pytest.raises(VendorBroken, match="does not show whether it is active"):
            await lifecycle.delete(world.tenant, account, outs)


async def test_a_service_without_active_says_so() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        record = {key: value for key, value in (await service_says(world, account)).items() if key != "active"}
        hidden = answered(200, json.dumps(record).encode(), carried_out=False)
        world.hazard = lambda kind: {"update": NOT_DONE, "read": hidden, "list": hidden}.get(kind)
        with pytest.raises(VendorBroken, match=r'does not show whether it is active.*on_destroy="delete"'):
            await lifecycle.delete(world.tenant, account, outs)


async def test_a_deactivation_that_is_answered_with_204_is_done() -> None:
    async with World("scim", scim_patch="204") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        await world.restart()
        assert await lifecycle.delete(world.tenant, account, outs)
        assert (await service_says(world, account))["active"] is False


# --- memberships ------------------------------------------------------------------------------


def with_another(inner: httpx.AsyncBaseTransport) -> Showing:
    """A service whose groups show one member, who is none of ours."""
    return Showing(inner, lambda group: group.update(members=[{"value": "another"}]), "/Groups/", "displayName")


@pytest.mark.parametrize("is_in", [True, False])
async def test_a_group_that_has_grown_may_show_a_part(is_in: bool) -> None:
    """The membership was shown at the group; the filter shows it still."""
    async with World("scim") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        assert outs["shown_in"] == "group"
        await world.restart()
        if not is_in:
            assert await Run(world).delete(key, outs)
        await world.restart()
        world._inner = with_another(world._inner)
        assert (await Run(world).read(key, outs) is not None) is is_in


@pytest.mark.parametrize("status", [429, 500])
async def test_a_membership_is_not_gone_while_others_are_not_read(status: int) -> None:
    async with World("scim") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        world._inner = with_another(world._inner)
        world.hazard = lambda kind: answered(status, carried_out=False) if kind == "read" else None
        with pytest.raises(AccountError):
            await Run(world).read(key, outs)


async def test_a_membership_by_a_group_in_the_group_is_another() -> None:
    async with World("scim") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        assert await Run(world).delete(key, outs)
        await world.restart()
        indirect = [{"value": ENGINEERS, "type": "indirect"}]
        with_group = Showing(world._inner, lambda record: record.update(groups=indirect))
        world._inner = with_another(with_group)
        assert await Run(world).read(key, outs) is None


class MembersAlone(httpx.AsyncBaseTransport):
    """A service that reads the part of a filter for the member, and finds all groups of that user."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _, _, member = request.url.params.get("filter", "").partition(" and members")
        url = request.url.copy_set_param("filter", f"members{member}") if member else request.url
        return await self._inner.handle_async_request(
            httpx.Request(request.method, url, headers=request.headers, content=request.content)
        )


async def test_a_filter_may_find_all_groups_of_a_user() -> None:
    async with World("scim", scim_members="by a filter") as world:
        user = await a_user(world)
        world._inner = MembersAlone(world._inner)
        one, of_one = await Run(world).create(inputs(user, owner="/accounts/test//one"))
        two, of_two = await Run(world).create(inputs(user, group=GUESTS, owner="/accounts/test//two"))
        assert (of_one["shown_in"], of_two["shown_in"]) == ("filter", "filter")
        await world.restart()
        assert await Run(world).read(one, of_one) is not None
        assert await Run(world).read(two, of_two) is not None
        await world.restart()
        world.hazard = lambda kind: NOT_DONE if kind == "update" else None
        with pytest.raises(AccountError, match="answered and not done"):
            await Run(world).delete(one, of_one)


@pytest.mark.parametrize("answer", [NOT_DONE, AN_ERROR, "the group"], ids=["nothing", "an error", "the group"])
async def test_a_removal_is_looked_at(answer: Any) -> None:
    async with World("scim") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        group = {"id": ENGINEERS, "members": [{"value": user}]}
        shown = answered(200, json.dumps(group).encode(), carried_out=False)
        world.hazard = lambda kind: (shown if answer == "the group" else answer) if kind == "update" else None
        with pytest.raises(AccountError):
            await Run(world).delete(key, outs)
        assert members(world) == [user]


async def test_a_removal_that_is_not_done_names_the_setting() -> None:
    async with World("scim") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        world.hazard = lambda kind: NOT_DONE if kind == "update" else None
        with pytest.raises(VendorBroken, match=r'in the admin page. Set SCIM_LEAVING to "by value" only if .* others'):
            await Run(world).delete(key, outs)


NO_TARGET = answered(400, b'{"scimType": "noTarget", "status": "400"}', carried_out=False)


@pytest.mark.parametrize("says", [NO_TARGET, "one other", NOT_DONE])
@pytest.mark.parametrize("place", ["at the user", "by a filter"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_removal_is_done_if_its_place_says_so(says: Fault | str, place: str, is_first: bool) -> None:
    async with World("scim", scim_members=place, scim_patch="204") as world:
        ana, ben = await a_user(world), await a_user(world, "ben")
        run, made = Run(world), [await Run(world).create(inputs(each, owner=f"//{each}")) for each in (ben, ana)]
        await world.restart()
        if not is_first:
            assert await run.delete(*made[0])
        group = {"id": ENGINEERS, "members": [{"value": ben}]}  # a part of a large group
        part = answered(200, json.dumps(group).encode(), carried_out=False)
        world.fault("update", part if isinstance(says, str) else says)
        with pytest.raises(VendorBroken, match="the removal was answered and not done"):
            await run.delete(*made[1])
        assert ana in members(world)


@pytest.mark.parametrize("says", [NO_TARGET, NOT_DONE])
async def test_a_second_removal_is_looked_for_in_its_group(says: Fault) -> None:
    async with World("scim", scim_patch="204") as world:
        ana, ben = await a_user(world), await a_user(world, "ben")
        run, made = Run(world), [await Run(world).create(inputs(each, owner=f"//{each}")) for each in (ben, ana)]
        await world.restart()
        assert await run.delete(*made[0])
        world.fault("update", says)
        with pytest.raises(VendorBroken, match="the removal was answered and not done"):
            await run.delete(*made[1])


async def test_an_answer_that_lags_behind_is_no_failed_removal() -> None:
    async with World("scim") as world:
        user = await a_user(world)
        key, outs = await Run(world).create(inputs(user))
        await world.restart()
        group = {"id": ENGINEERS, "members": [{"value": user}]}
        world.fault("update", answered(200, json.dumps(group).encode(), carried_out=True))
        assert await Run(world).delete(key, outs)
        assert members(world) == []


async def test_groups_that_are_hidden_are_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim") as world:
        key, outs = await Run(world).create(inputs(await a_user(world)))
        await world.restart()
        monkeypatch.setattr(world, "_inner", HidingGroups(world._inner))
        with pytest.raises(AccountError, match="groups"):
            await Run(world).read(key, outs)
        with pytest.raises(AccountError):
            await Run(world).delete(key, outs)


class HidingGroups(httpx.AsyncBaseTransport):
    """A service that answers 404 to credentials that are not for groups."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/Groups" in request.url.path:
            return httpx.Response(404, json={"status": "404"})
        return await self._inner.handle_async_request(request)


async def test_each_cell_about_groups_is_a_setting() -> None:
    given = {"leaving": "by value", "member": "members", "asked": "members"}
    async with World("scim", given=given) as world:
        vendor, pair = world.tenant.vendor, Pair("u-1", "g-1")
        assert isinstance(vendor, Groups)
        assert '"path": "members"' in json.dumps(vendor.request_leave(pair, None).json)
        assert vendor.request_group("g-1").query == {"attributes": "members"}
        assert 'members eq "u-1"' in str(vendor.request_groups_with(pair).query)
    async with World("scim", given={"service": "keycloak", "asked": "nothing"}) as world:
        vendor = world.tenant.vendor
        assert isinstance(vendor, Groups)
        assert vendor.request_group("g-1").query == {}


async def test_one_look_tells_for_all_removals_of_a_group() -> None:
    async with World("scim") as world:
        users = [await a_user(world, name) for name in ("ana", "ben", "cy")]
        made = [await Run(world).create(inputs(each, owner=f"/accounts/test//{each}")) for each in users]
        await world.restart()
        run, before = Run(world), len(world.calls)
        for key, outs in made:
            assert await run.delete(key, outs)
        assert members(world) == []
        assert len(world.calls) - before == 4, "three removals, and one look"


class IgnoringTheMember(httpx.AsyncBaseTransport):
    """A service that understands the first half of the filter alone."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *, breaks: bool = False) -> None:
        self._inner = inner
        self._breaks = breaks

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/Groups") and "filter" in request.url.params:
            if self._breaks and NO_USER in request.url.params["filter"]:
                return httpx.Response(500)
            return httpx.Response(200, json={"totalResults": 1, "startIndex": 1, "Resources": [{"id": ENGINEERS}]})
        return await self._inner.handle_async_request(request)


@pytest.mark.parametrize("status", [400, 403])
async def test_a_filter_that_is_ignored_shows_no_membership(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", scim_members="nowhere") as world:
        user = await a_user(world)
        monkeypatch.setattr(world, "_inner", IgnoringTheMember(world._inner))
        world.fault("update", answered(status, b'{"detail": "no"}', carried_out=False))
        with pytest.raises(AccountError):
            await Run(world).create(inputs(user))


async def test_a_filter_is_tried_on_each_group(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", scim_members="nowhere", scim_patch="204") as world:
        user = await a_user(world)
        monkeypatch.setattr(world, "_inner", IgnoringTheMember(world._inner))
        run = Run(world)
        with pytest.raises(AccountError):
            await run.create(inputs(user, group="no-such-group", owner="/accounts/test//typo"))
        _, outs = await run.create(inputs(user))
        assert outs["shown_in"] == ""


async def test_a_filter_that_could_not_be_tried_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", scim_members="nowhere") as world:
        user = await a_user(world)
        monkeypatch.setattr(world, "_inner", IgnoringTheMember(world._inner, breaks=True))
        _, outs = await Run(world).create(inputs(user))
        assert outs["shown_in"] == ""


@pytest.mark.parametrize(("status", "is_added"), [(400, False), (403, False), (409, True)])
async def test_a_filter_does_not_outweigh_a_refusal(status: int, is_added: bool) -> None:
    async with World("scim", scim_members="by a filter") as world:
        user = await a_user(world)
        await Run(world).create(inputs(user))
        await world.restart()
        world.fault("update", answered(status, b'{"detail": "no"}', carried_out=False))
        if is_added:
            _, outs = await Run(world).create(inputs(user))
            assert outs["shown_in"] == "filter"
        else:
            with pytest.raises(AccountError, match=f"add refused with {status}"):
                await Run(world).create(inputs(user))


async def test_an_answer_that_shows_others_is_looked_at() -> None:
    async with World("scim") as world:
        ben, ana = await a_user(world, "ben"), await a_user(world)
        run = Run(world)
        await run.create(inputs(ben, owner="/accounts/test//ben"))
        group = {"id": ENGINEERS, "members": [{"value": ben}]}
        world.fault("update", answered(200, json.dumps(group).encode(), carried_out=False))
        _, outs = await run.create(inputs(ana))
        assert outs["shown_in"] == ""


@pytest.mark.parametrize("place", ["in the group", "at the user", "by a filter", "nowhere"])
async def test_a_further_member_who_does_not_exist_is_an_error(place: str) -> None:
    async with World("scim", scim_members=place, scim_patch="204") as world:
        ben, run = await a_user(world, "ben"), Run(world)
        await run.create(inputs(ben, owner="/accounts/test//ben"))
        world.fault("update", NOT_DONE)
        with pytest.raises(NoSuchAccount, match="no such user"):
            await run.create(inputs("u-404"))


async def test_a_further_member_who_is_not_added_is_seen() -> None:
    async with World("scim", scim_patch="204") as world:
        ben, ana, run = await a_user(world, "ben"), await a_user(world), Run(world)
        await run.create(inputs(ben, owner="/accounts/test//ben"))
        world.fault("update", NOT_DONE)
        _, outs = await run.create(inputs(ana))
        assert outs["shown_in"] == ""
        assert any("shows others and not this one" in each for each in world.warnings)


@pytest.mark.parametrize("patch", ["the record", "204"])
async def test_one_look_tells_for_all_who_are_added_at_once(patch: str) -> None:
    async with World("scim", scim_patch=patch) as world:
        users = [await a_user(world, f"u{number}") for number in range(8)]
        run, before = Run(world), len(world.calls)
        async with anyio.create_task_group() as group:
            for each in users:
                group.start_soon(run.create, inputs(each, owner=f"/accounts/test//{each}"))
        assert len(world.calls) - before == 8 + 1
        assert sorted(members(world)) == sorted(users)


@pytest.mark.parametrize(
    ("patch", "place", "looks"),
    [
        ("the record", "in the group", [1, 0, 0]),
        ("204", "in the group", [1, 1, 1]),
        ("204", "at the user", [2, 0, 0]),
        ("204", "by a filter", [4, 0, 0]),
        ("204", "nowhere", [4, 0, 0]),
    ],
)
async def test_further_members_of_known_users_cost_few_looks(patch: str, place: str, looks: list[int]) -> None:
    async with World("scim", scim_members=place, scim_patch=patch) as world:
        users, run, seen = [await a_user(world, name) for name in ("ana", "ben", "cy")], Run(world), []
        for each in users:
            before = len(world.calls)
            await run.create(inputs(each, owner=f"/accounts/test//{each}"))
            seen.append(len(world.calls) - before - 1)
        assert seen == looks


# --- lists ------------------------------------------------------------------------------------


class Miscounting(httpx.AsyncBaseTransport):
    """A service whose pages of users count as `says` tells; it may know its first page alone."""

    def __init__(self, inner: httpx.AsyncBaseTransport, says: str, *, one_page: bool = False) -> None:
        self._inner, self._says, self._one_page = inner, says, one_page

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" or not request.url.path.endswith("/Users"):
            return await self._inner.handle_async_request(request)
        if self._one_page:
            request = httpx.Request(
                "GET",
                request.url.copy_set_param("startIndex", 1),
                headers=request.headers,
                extensions=request.extensions,
            )
        answer = await self._inner.handle_async_request(request)
        page = json.loads(await answer.aread())
        total, start = page["totalResults"], page["startIndex"]
        page |= {
            "nothing": {"totalResults": None},
            "the page": {"totalResults": len(page["Resources"])},
            "text": {"totalResults": str(total), "startIndex": str(start)},
            "no index": {"startIndex": None},
            "no index and nothing": {"totalResults": None, "startIndex": None},
            "always index 1": {"startIndex": 1},
            "always index 1 and nothing": {"totalResults": None, "startIndex": 1},
            "always index 1 and the page": {"totalResults": len(page["Resources"]), "startIndex": 1},
            "an index from 0": {"startIndex": start - 1},
        }[self._says]
        return httpx.Response(200, json={key: value for key, value in page.items() if value is not None})


MISCOUNTS = [
    "nothing", "the page", "text", "no index", "no index and nothing", "always index 1", "always index 1 and nothing",
    "always index 1 and the page", "an index from 0",
]  # fmt: skip


@pytest.mark.parametrize("users", [1, 4, 5, 7])
@pytest.mark.parametrize("says", MISCOUNTS)
async def test_a_list_is_read_to_its_end_without_a_count(
    says: str, users: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with World("scim", given={"page_size": 2}) as world:
        made = {await a_user(world, f"u{number}") for number in range(users)}
        await world.restart()
        monkeypatch.setattr(world, "_inner", Miscounting(world._inner, says))
        found = [str(each["id"]) async for each in everyone(world.tenant, lambda *names: True)]
        assert sorted(found) == sorted(made)
        assert world.warnings == []


@pytest.mark.parametrize("says", ["nothing", "the page", "no index and nothing"])
async def test_a_full_page_that_comes_twice_proves_nothing(says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"page_size": 2, "find_by": "list"}) as world:
        for number in range(3):
            await a_user(world, f"u{number}")
        await world.restart()
        monkeypatch.setattr(world, "_inner", Miscounting(world._inner, says, one_page=True))
        with pytest.raises(VendorBroken, match="incomplete or contains duplicates"):
            await look_up_uncached(world.tenant, "u2@example.com")


async def test_a_short_page_that_comes_twice_is_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"page_size": 9, "find_by": "list"}) as world:
        user = await a_user(world)
        await world.restart()
        monkeypatch.setattr(world, "_inner", Miscounting(world._inner, "nothing", one_page=True))
        found = await look_up_uncached(world.tenant, "ana@example.com")
        assert found is not None
        assert found.account == user
        assert await look_up_uncached(world.tenant, "ben@example.com") is None


class Shown(httpx.AsyncBaseTransport):
    """A service whose pages of users are what `show` makes of the query."""

    def __init__(self, inner: httpx.AsyncBaseTransport, show: Callable[[Mapping[str, str]], Any]) -> None:
        self._inner, self._show = inner, show
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" or not request.url.path.endswith("/Users"):
            return await self._inner.handle_async_request(request)
        query = request.url.params
        self.asked.append(query.get("startIndex", query.get("cursor", "")))
        assert len(self.asked) < 30
        shown = self._show(query)
        return shown if isinstance(shown, httpx.Response) else httpx.Response(200, json=shown)


def listed(*numbers: int) -> list[dict[str, str]]:
    return [{"id": f"u-{number}", "userName": f"u{number}@example.com"} for number in numbers]


def by_cursor(pages: Mapping[str, tuple[list[dict[str, str]], str]]) -> Callable[[Mapping[str, str]], Any]:
    """The pages by their cursors, each with the cursor of the following one."""

    def show(query: Mapping[str, str]) -> Any:
        records, following = pages[query["cursor"]]
        return {"Resources": records} | ({"nextCursor": following} if following else {})

    return show


SPARSE_PAGES = {
    "one empty page": by_cursor({"": ([], "a"), "a": (listed(2), "")}),
    "two at the beginning": by_cursor({"": ([], "a"), "a": ([], "b"), "b": (listed(2), "")}),
    "two in the middle": by_cursor({"": (listed(1), "a"), "a": ([], "b"), "b": ([], "c"), "c": (listed(2), "")}),
}
"""A service that filters its pages after it has cut them shows empty ones."""


@pytest.mark.parametrize("pages", SPARSE_PAGES)
async def test_a_cursor_after_empty_pages_is_followed(pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"paging": "cursor"}) as world:
        monkeypatch.setattr(world, "_inner", Shown(world._inner, SPARSE_PAGES[pages]))
        found = await look_up_uncached(world.tenant, "u2@example.com")
        assert found is not None
        assert found.account == "u-2"


async def test_a_name_that_is_taken_is_found_after_empty_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"paging": "cursor"}) as world:
        shown = SPARSE_PAGES["two at the beginning"]
        monkeypatch.setattr(world, "_inner", Shown(world._inner, shown))
        with pytest.raises(VendorBroken, match="lists this account"):
            await lifecycle.create(world.tenant, world.inputs(user_name="u2@example.com"))
        assert "create" not in {each.kind for each in world.trail}


@pytest.mark.parametrize("cursor", ["", "b"], ids=["the last page", "the first page again"])
async def test_a_cursor_outweighs_a_count_of_the_page(cursor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"paging": "cursor"}) as world:
        pages = {"": (listed(1), "a"), "a": (listed(1 if cursor else 2), cursor)}

        def show(query: Mapping[str, str]) -> Any:
            return by_cursor(pages)(query) | {"totalResults": 1}

        monkeypatch.setattr(world, "_inner", Shown(world._inner, show))
        found = [each["id"] async for each in everyone(world.tenant, lambda *names: True)]
        assert found == (["u-1"] if cursor else ["u-1", "u-2"])
        assert len(world.warnings) == (1 if cursor else 0)


CIRCLES = {
    "the first page alone": by_cursor({"": (listed(1), "a"), "a": (listed(1), "a")}),
    "the first page with other cursors": by_cursor({"": (listed(1), "a"), "a": (listed(1), "b")}),
    "two pages": by_cursor({"": (listed(1), "a"), "a": (listed(2), "b"), "b": (listed(3), "a")}),
}


@pytest.mark.parametrize("pages", CIRCLES)
async def test_a_list_that_begins_again_proves_nothing(pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"paging": "cursor", "find_by": "list"}) as world:
        monkeypatch.setattr(world, "_inner", Shown(world._inner, CIRCLES[pages]))
        with pytest.raises(VendorBroken, match="incomplete or contains duplicates"):
            await look_up_uncached(world.tenant, "u9@example.com")


@pytest.mark.parametrize("last", [True, False], ids=["to the last cursor", "to an empty page"])
async def test_one_cursor_may_show_page_after_page(last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"paging": "cursor", "find_by": "list"}) as world:
        shown = iter([1, 2, 3])

        def scroll(query: Mapping[str, str]) -> Any:
            records = [each for number in [next(shown, None)] if number for each in listed(number)]
            is_last = last and records == listed(3)
            return {"Resources": records} | ({} if is_last else {"nextCursor": "scroll"})

        monkeypatch.setattr(world, "_inner", Shown(world._inner, scroll))
        found = [each["id"] async for each in everyone(world.tenant, lambda *names: True)]
        assert (found, world.warnings) == (["u-1", "u-2", "u-3"], [])


def by_index(shown: list[dict[str, str]], says: Mapping[str, Any], after_the_end: int) -> Callable[..., Any]:
    """Pages of the records, in answers that say so; an index after the end is refused with this status."""

    def show(query: Mapping[str, str]) -> Any:
        start, count = int(query["startIndex"]), int(query["count"])
        if start > len(shown):
            return httpx.Response(after_the_end, json={"schemas": [ERROR], "status": str(after_the_end)})
        return {"Resources": shown[start - 1 : start - 1 + count], "startIndex": start, **says}

    return show


@pytest.mark.parametrize(
    ("users", "says", "status", "asked"),
    [
        pytest.param(2, {"totalResults": 2}, 400, ["1", "3"], id="a full page"),
        pytest.param(2, {}, 400, ["1", "3"], id="a full page and no count"),
        pytest.param(3, {}, 404, ["1", "3", "4"], id="a short page and no count"),
        pytest.param(4, {"totalResults": 4}, 400, ["1", "3"], id="full pages that are counted"),
        pytest.param(4, {"totalResults": 2}, 404, ["1", "3", "5"], id="full pages that count themselves"),
    ],
)
async def test_an_index_that_is_refused_is_after_the_end(
    users: int, says: Mapping[str, Any], status: int, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with World("scim", given={"page_size": 2}) as world:
        service = Shown(world._inner, by_index(listed(*range(1, users + 1)), says, status))
        monkeypatch.setattr(world, "_inner", service)
        found = [each["id"] async for each in everyone(world.tenant, lambda *names: True)]
        assert found == [f"u-{number}" for number in range(1, users + 1)]
        assert (service.asked, world.warnings) == (asked, [])


@pytest.mark.parametrize("users", [1, 3, 5])
async def test_a_service_may_have_no_pages(users: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with all users, rightly counted: https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2.4"""
    async with World("scim", given={"page_size": 2, "find_by": "list"}) as world:
        whole = {"Resources": listed(*range(users)), "totalResults": users, "startIndex": 1, "itemsPerPage": users}
        monkeypatch.setattr(world, "_inner", Shown(world._inner, lambda query: whole))
        found = [each["id"] async for each in everyone(world.tenant, lambda *names: True)]
        assert (len(found), world.warnings) == (users, [])
        assert await look_up_uncached(world.tenant, "u9@example.com") is None


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500])
async def test_a_page_that_cannot_be_read_is_not_the_end(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"page_size": 2}) as world:
        monkeypatch.setattr(world, "_inner", Shown(world._inner, by_index(listed(1, 2), {}, status)))
        with pytest.raises(AccountError):
            [each async for each in everyone(world.tenant, lambda *names: True)]


async def test_a_page_that_is_refused_before_the_count_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"page_size": 2}) as world:
        show = by_index(listed(1, 2), {"totalResults": 3}, 400)
        monkeypatch.setattr(world, "_inner", Shown(world._inner, show))
        with pytest.raises(AccountError, match="refused with 400"):
            [each async for each in everyone(world.tenant, lambda *names: True)]


@pytest.mark.parametrize("digits", [301, 5000])
@pytest.mark.parametrize("key", ["totalResults", "startIndex"])
async def test_a_count_that_is_too_long_is_no_count(key: str, digits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"page_size": 2}) as world:
        show = by_index(listed(1, 2, 3), {key: "9" * digits}, 400)
        monkeypatch.setattr(world, "_inner", Shown(world._inner, show))
        found = [each["id"] async for each in everyone(world.tenant, lambda *names: True)]
        assert (found, world.warnings) == (["u-1", "u-2", "u-3"], [])


class Endless(httpx.AsyncBaseTransport):
    """A service that names another cursor at each page."""

    def __init__(self) -> None:
        self.pages = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.pages += 1
        assert self.pages < 100
        user = {"id": f"u-{self.pages}", "userName": "ana"}
        return httpx.Response(200, json={"totalResults": 4, "nextCursor": f"c{self.pages}", "Resources": [user]})


async def test_a_list_that_does_not_end_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim", given={"paging": "cursor", "find_by": "list"}) as world:
        monkeypatch.setattr(world, "_inner", Endless())
        monkeypatch.setattr(account_list, "MOST_PAGES", 20)
        with pytest.raises(VendorBroken, match="the list does not end after 20 pages"):
            await look_up_uncached(world.tenant, "ana")


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"user_name": ""}, "user_name"),
        ({"user_name": " ana@example.com"}, "user_name"),
        ({"email": ""}, "email"),
        ({"phone": ""}, "phone"),
        ({"phone": " "}, "phone"),
    ],
    ids=str,
)
async def test_an_empty_identity_or_primary_value_is_refused(given: Mapping[str, str], about: str) -> None:
    """An empty primary value would take the next one from the list at each run."""
    async with World("scim") as world:
        declared = {**world.vendor.example, **given}
        _, problems = state.check(world.vendor, {}, declared, frozenset(), world.vault)
        assert [each.field for each in problems] == [about]


@pytest.mark.parametrize("name", ["password", "Password"])
async def test_a_password_that_a_record_shows_is_not_sent_back(name: str) -> None:
    async with World("scim", given={"update": "put"}) as world:
        vendor, body = world.tenant.vendor, {"id": "u-1", "userName": "ana", name: "********"}
        record = vendor.parse_record(Answer(200, {}, json.dumps(body).encode()))
        request = vendor.request_update("u-1", {"title": "Engineer"}, record)
        assert "***" not in str(request.json)


async def test_an_account_without_a_user_name_is_nobodys() -> None:
    async with World("scim") as world:
        assert not has_identity(world.tenant, {"id": "u-1"}, "")


@pytest.mark.parametrize("update", ["patch", "put"])
@pytest.mark.parametrize("empty", ["", None])
async def test_an_empty_text_removes_a_whole_extension(update: str, empty: str | None) -> None:
    async with World("scim", given={"update": update}) as world:
        news = world.inputs(extensions={URN: {"level": 3, "team": "north"}, "urn:b:2.0:User": {"x": "1"}})
        account, outs = await lifecycle.create(world.tenant, news)
        await world.restart()
        news = world.inputs(outs, extensions={URN: empty})
        after = await lifecycle.update(world.tenant, account, outs, news)
        resource = await service_says(world, account)
        assert not resource.get(URN)
        assert resource["urn:b:2.0:User"] == {"x": "1"}
        assert not world.diff(after, news)
        assert all(sent.body["Operations"] for sent in world.trail if sent.kind == "update" and update == "patch")


async def test_an_extension_is_a_mapping() -> None:
    async with World("scim") as world:
        declared = {**world.vendor.example, "extensions": {URN: "north", "urn:b:2.0:User": ""}}
        _, problems = state.check(world.vendor, {}, declared, frozenset(), world.vault)
        assert [str(each).partition(",")[0] for each in problems] == ["extensions must have a mapping for each schema"]


@pytest.mark.parametrize("urn", [ENTERPRISE, ENTERPRISE.upper(), CORE])
async def test_an_extension_is_no_way_round_an_argument(urn: str) -> None:
    """Such values were written, not read back, and called not kept."""
    async with World("scim") as world:
        declared = {**world.vendor.example, "extensions": {urn: {"costCenter": "7"}}}
        _, problems = state.check(world.vendor, {}, declared, frozenset(), world.vault)
        assert [each.field for each in problems] == ["extensions"]


@pytest.mark.parametrize(
    ("schemas", "attributes", "expected"),
    [
        ([CORE, URN, "urn:b"], "", [CORE, "urn:b"]),
        ([CORE, URN.upper(), "urn:b"], "", [CORE, "urn:b"]),
        ([CORE, URN], {"level": ""}, [CORE]),
        ([CORE, URN.upper()], {"level": 4}, [CORE, URN.upper()]),
        ([CORE], {"level": 4}, [CORE, URN]),
        (CORE, {"level": 4}, [CORE, URN]),
        (None, "", [CORE]),
    ],
)
async def test_a_put_names_the_schemas_that_it_has(schemas: Any, attributes: Any, expected: list[str]) -> None:
    async with World("scim", given={"update": "put"}) as world:
        record = {"id": "u-1", "userName": "ana", "schemas": schemas, URN: {"level": 3}}
        request = world.tenant.vendor.request_update("u-1", {"extensions": {URN: attributes}}, record)
        assert isinstance(request.json, dict)
        assert request.json["schemas"] == expected


# --- what a person set beside what is declared --------------------------------------------------

DEV = {"value": "dev", "display": "Developer", "type": "work", "primary": True}
LIMA = {"locality": "Lima", "type": "work", "streetAddress": "by hand 1"}
HOME = {"value": "ana@home.example", "type": "home", "display": "Home", "primary": True}
PERU = {"country": "PE"}
CHILE = {"country": "CL"}
TWO_IN_PERU = [{**PERU, "type": kind, "streetAddress": f"by hand {kind}"} for kind in ("home", "work")]
ONE_NUMBER = [{"value": "1", "type": kind, "display": f"by hand {kind}"} for kind in ("work", "fax")]


@pytest.mark.parametrize("update", ["patch", "put"])
@pytest.mark.parametrize(
    ("path", "first", "by_a_person", "then", "expected"),
    [
        ("roles", ["dev"], [DEV], ["dev", "ops"], [DEV, {"value": "ops"}]),
        (
            "addresses",
            [{"locality": "Lima"}],
            [LIMA],
            [{"locality": "Cusco"}, {"locality": "Lima"}],
            [{"locality": "Cusco"}, LIMA],
        ),
        (
            "emails",
            [{"value": HOME["value"]}],
            [HOME],
            [{"value": "ana@example.com", "primary": True}, {"value": "Ana@home.example", "type": "other"}],
            [
                {"value": "ana@example.com", "primary": True},
                {"value": "Ana@home.example", "type": "other", "display": "Home"},
            ],
        ),
        (
            "addresses",
            [{"locality": "Lima", "primary": False}],
            [LIMA],
            [{"locality": "Lima", "primary": False}, CHILE],
            [{**LIMA, "primary": False}, CHILE],
        ),
        (
            "addresses",
            [PERU, {**PERU, "type": "home"}],
            TWO_IN_PERU,
            [PERU, {**PERU, "type": "home"}, CHILE],
            [*TWO_IN_PERU[::-1], CHILE],
        ),
        (
            "phoneNumbers",
            [{"value": "1"}, {"value": "1", "type": "work"}],
            ONE_NUMBER,
            [{"value": "1"}, {"value": "1", "type": "work"}, {"value": "2"}],
            [*ONE_NUMBER[::-1], {"value": "2"}],
        ),
        (
            "addresses",
            [{"locality": "Lima", "primary": None, "streetAddress": None}],
            [LIMA],
            [{"locality": "Lima", "primary": None, "streetAddress": None}, CHILE],
            [LIMA, CHILE],
        ),
        ("addresses", [PERU], TWO_IN_PERU[:1], [PERU, TWO_IN_PERU[0]], [PERU, TWO_IN_PERU[0]]),
        (
            f"{URN}:badge",
            {"color": "red"},
            {"color": "red", "number": 7},
            {"color": "blue"},
            {"color": "blue", "number": 7},
        ),
        (
            f"{URN}:teams",
            [{"value": "t1"}, {"value": "t2"}],
            [{"value": "t1"}, {"value": "t2", "role": "lead"}],
            [{"value": "t2"}, {"value": "t3"}],
            [{"value": "t2", "role": "lead"}, {"value": "t3"}],
        ),
    ],
    ids=[
        "values",
        "items",
        "one primary item",
        "an item that is not the primary",
        "items that others fit as well",
        "items of one value",
        "nulls in an item",
        "an item that two declare",
        "an extension",
        "a list in an extension",
    ],
)
async def test_what_a_person_set_beside_it_stays(
    update: str, path: str, first: Any, by_a_person: Any, then: Any, expected: Any
) -> None:
    async with World("scim", given={"update": update}) as world:
        urn, _, name = path.rpartition(":")

        def declared(value: Any) -> Mapping[str, Any]:
            field = {"phoneNumbers": "phone_numbers"}.get(name, name)
            own = {"extensions": {urn: {name: value}}} if urn else {field: value}
            return {"user_name": "ana@example.com", "email": None, "phone": None, **own}

        account, outs = await lifecycle.create(world.tenant, world.inputs(**declared(first)))
        await by_hand(world, account, {"op": "replace", "path": path, "value": by_a_person})
        await world.restart()
        news = world.inputs(outs, **declared(then))
        after = await lifecycle.update(world.tenant, account, outs, news)
        resource = await service_says(world, account)
        assert (resource[urn] if urn else resource)[name] == expected
        assert not world.diff(after, news)


@pytest.mark.parametrize("update", ["patch", "put"])
@pytest.mark.parametrize(
    ("path", "argument", "values"),
    [
        ("emails", "email", ["ana@example.com", "B@example.com", "b@example.com", "c@example.com"]),
        ("phoneNumbers", "phone", ["+1 555 010 0001", "+1 555 010 0002", "1-555-010-0002", "+1 555 010 0003"]),
    ],
)
async def test_another_item_becomes_the_primary_one(
    update: str, path: str, argument: str, values: Sequence[str]
) -> None:
    first, shown, declared, third = values
    async with World("scim", given={"update": update}) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        others = [{"value": each, "type": "home", "display": "by hand"} for each in (third, shown)]
        items = [{"value": first, "type": "work", "primary": True}, *others]
        await by_hand(world, account, {"op": "replace", "path": path, "value": items})
        await world.restart()
        news = {**world.inputs(outs), argument: declared}
        after = await lifecycle.update(world.tenant, account, outs, news)
        assert not world.diff(after, news)
        assert (await service_says(world, account))[path] == [
            {"value": declared, "type": "home", "display": "by hand", "primary": True},
            others[0],
        ]


# --- what a service shows in its own way --------------------------------------------------------


def shows_tel(user: dict[str, Any]) -> None:
    """https://www.rfc-editor.org/rfc/rfc7643#section-4.1.2"""
    for each in user.get("phoneNumbers", ()):
        each["value"] = f"tel:{each['value'].removeprefix('tel:').replace(' ', '-')}"


def shows_teams(user: dict[str, Any]) -> None:
    for each in user.get(URN, {}).get("teams", ()):
        each |= {"display": each["value"].upper(), "$ref": "../Teams/1"}


def shows_other_names(user: dict[str, Any]) -> None:
    """Names of attributes have no case: https://www.rfc-editor.org/rfc/rfc7643#section-2.1"""
    user[URN] = {name.upper(): each for name, each in user.get(URN, {}).items()}


def shows_other_types(user: dict[str, Any]) -> None:
    for each in user.get("addresses", ()):
        each |= {"type": each["type"].title(), "primary": str(each.get("primary", False))}


@pytest.mark.parametrize(
    ("given", "show"),
    [
        ({"phone": "+1 555 010 0001"}, shows_tel),
        ({"phone": None, "phone_numbers": [{"value": "+1 555 010 0001", "type": "work"}]}, shows_tel),
        ({"extensions": {URN: {"teams": [{"value": "t1"}, {"value": "t2"}]}}}, shows_teams),
        ({"extensions": {URN: {"level": 3, "badge": {"color": "red"}}}}, shows_other_names),
        (
            {
                "addresses": [
                    {"locality": "Lima", "type": "work", "primary": True},
                    {"locality": "Cusco", "type": "home"},
                ]
            },
            shows_other_types,
        ),
    ],
    ids=["a number", "numbers", "a list in an extension", "names of attributes", "types, and a flag as text"],
)
async def test_what_a_service_spells_in_its_own_way_is_there(
    given: Values, show: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with World("scim") as world:
        monkeypatch.setattr(world, "_inner", Showing(world._inner, show))
        account, outs = await lifecycle.create(world.tenant, world.inputs(**given))
        await world.restart()
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert not world.diff(outs, world.inputs(outs, **given))
        assert not world.diff(found.outputs, world.inputs(found.outputs, **given))
        assert world.warnings == []


@pytest.mark.parametrize("update", ["patch", "put"])
@pytest.mark.parametrize(
    ("declared", "expected"),
    [("", None), ({"level": ""}, {"team": "north"}), ({"level": 4}, {"level": 4, "team": "north"})],
)
async def test_a_schema_in_other_capitals_is_the_same(update: str, declared: Any, expected: Any) -> None:
    async with World("scim", given={"update": update}) as world:
        there, ours = {"level": 3, "team": "north"}, "urn:ACME:2.0:user"
        account, outs = await lifecycle.create(world.tenant, world.inputs(extensions={URN: there}))
        await world.restart()
        assert not world.diff(outs, world.inputs(outs, extensions={ours: there}))
        news = world.inputs(outs, extensions={ours: declared})
        after = await lifecycle.update(world.tenant, account, outs, news)
        assert not world.diff(after, news)
        resource = await service_says(world, account)
        assert (resource.get(URN) or None, ours in resource) == (expected, False)
        assert ours not in resource["schemas"]


@pytest.mark.parametrize("update", ["patch", "put"])
async def test_an_extension_whose_attributes_are_null_is_removed(update: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def shows_null(user: dict[str, Any]) -> None:
        user[URN] = {"level": None, "badge": {"color": None}, **user.get(URN, {})}

    async with World("scim", given={"update": update}) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(extensions={URN: {"level": 3}}))
        monkeypatch.setattr(world, "_inner", Showing(world._inner, shows_null))
        await world.restart()
        news = world.inputs(outs, extensions={URN: ""})
        after = await lifecycle.update(world.tenant, account, outs, news)
        assert not world.diff(after, news)
        sent = [each.body for each in world.trail if each.kind == "update"]
        assert len(sent) == 1
        if update == "patch":
            assert sent[0]["Operations"] == [{"op": "remove", "path": f"{URN}:level"}]


class Strict(httpx.AsyncBaseTransport):
    """A service that refuses to remove what is not there (https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2.2)."""

    def __init__(self, world: World, account: str) -> None:
        self._inner, self._world, self._account = world._inner, world, account

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            there = await service_says(self._world, self._account)
            for each in json.loads(request.content)["Operations"]:
                urn, _, name = each["path"].rpartition(":")
                if each["op"] == "remove" and name not in there.get(urn, {}):
                    return httpx.Response(400, json={"scimType": "noTarget", "detail": each["path"]})
        return await self._inner.handle_async_request(request)


@pytest.mark.parametrize("empty", ["", None, [], {}])
async def test_an_absent_attribute_is_not_removed_again(empty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(extensions={URN: {"x": "1", "same": "s"}}))
        monkeypatch.setattr(world, "_inner", Strict(world, account))
        await world.restart()
        news = world.inputs(outs, extensions={URN: {"x": "2", "same": "s", "old": empty}})
        await lifecycle.update(world.tenant, account, outs, news)
        assert [each.body["Operations"] for each in world.trail if each.kind == "update"] == [
            [{"op": "replace", "path": f"{URN}:x", "value": "2"}]
        ]


async def test_a_number_spelt_otherwise_keeps_what_a_person_set(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World("scim") as world:
        item = {"value": "+1 555 010 0001", "type": "work"}
        given: Values = {"phone": None, "phone_numbers": [item]}
        account, outs = await lifecycle.create(world.tenant, world.inputs(**given))
        monkeypatch.setattr(world, "_inner", Showing(world._inner, shows_tel))
        await by_hand(world, account, {"op": "replace", "path": "phoneNumbers", "value": [{**item, "display": "Desk"}]})
        await world.restart()
        changed = [{**item, "type": "mobile"}]
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **{**given, "phone_numbers": changed}))
        assert (await service_says(world, account))["phoneNumbers"][0]["display"] == "Desk"


# --- versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "meta", "version"),
    [
        ({"etag": '"7"'}, {"created": "2026-01-01T00:00:00Z"}, '"7"'),
        ({"etag": '"7"'}, None, '"7"'),
        ({"etag": '"7"'}, {"version": 'W/"8"'}, 'W/"8"'),
        ({"etag": 'W/"7"'}, None, None),
        ({}, {}, None),
    ],
)
async def test_a_version_may_be_in_the_header_alone(headers: Any, meta: Any, version: str | None) -> None:
    async with World("scim", given={"update": "put"}) as world:
        vendor, body = world.tenant.vendor, {"id": "u-1", "userName": "ana"} | ({} if meta is None else {"meta": meta})
        record = vendor.parse_record(Answer(200, headers, json.dumps(body).encode()))
        assert vendor.request_update("u-1", {"title": "Lead"}, record).headers.get("If-Match") == version


async def test_what_another_has_done_meanwhile_is_not_sent_again() -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(extensions={URN: {"level": 3}}))
        await world.restart()

        async def outdated(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            await by_hand(world, account, {"op": "remove", "path": f"{URN}:level"})
            return httpx.Response(412)

        world.fault("update", outdated)
        news = world.inputs(outs, extensions={URN: ""})
        after = await lifecycle.update(world.tenant, account, outs, news)
        assert not world.diff(after, news)
        assert all(each.body["Operations"] for each in world.trail if each.kind == "update")


class Minimal(httpx.AsyncBaseTransport):
    """A service whose lists show ids and names alone."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        text = await answer.aread()
        body = json.loads(text) if text else {}
        if "Resources" not in body:
            return answer
        shown = [{key: user[key] for key in ("id", "userName")} for user in body["Resources"]]
        return httpx.Response(answer.status_code, json=body | {"Resources": shown})


async def test_an_account_of_a_lost_create_is_read_by_its_id() -> None:
    async with World("scim") as world:
        world._inner = Minimal(world._inner)
        world.fault("create", lost_after)
        given = world.inputs()
        _, outs = await lifecycle.create(world.tenant, given)
        assert (outs["email"], world.warnings) == (given["email"], [])


# --- parts of values --------------------------------------------------------------------------


def updates(world: World) -> list[dict[str, Any]]:
    return [each for sent in world.trail if sent.kind == "update" for each in sent.body["Operations"]]


@pytest.mark.parametrize(
    ("news", "sent"),
    [
        ({"color": ""}, [{"op": "remove", "path": "urn:acme:2.0:User:badge.color"}]),
        (
            {"color": "", "n": 8},
            [
                {"op": "remove", "path": "urn:acme:2.0:User:badge.color"},
                {"op": "replace", "path": "urn:acme:2.0:User:badge", "value": {"n": 8}},
            ],
        ),
        ({"color": "", "n": ""}, [{"op": "remove", "path": "urn:acme:2.0:User:badge"}]),
        (
            {"level": "", "n": 8},
            [{"op": "replace", "path": "urn:acme:2.0:User:badge", "value": {"color": "red", "n": 8}}],
        ),
        (
            {"color": "blue"},
            [{"op": "replace", "path": "urn:acme:2.0:User:badge", "value": {"color": "blue", "n": 7}}],
        ),
    ],
)
async def test_a_part_of_an_attribute_is_removed_by_itself(news: dict[str, Any], sent: list[dict[str, Any]]) -> None:
    """A service leaves what a new value does not name: https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2.3"""
    async with World("scim") as world:
        badge = {"badge": {"color": "red", "n": 7}}
        account, outs = await lifecycle.create(world.tenant, world.inputs(extensions={URN: badge}))
        world._inner = Showing(world._inner, lambda user: user.get(URN, {}).get("badge", {}).update(level=None))
        await world.restart()
        given = world.inputs(outs, extensions={URN: {"badge": news}})
        after = await lifecycle.update(world.tenant, account, outs, given)
        assert updates(world) == sent
        assert not world.diff(after, given)
        left = {key: value for key, value in {**badge["badge"], **news}.items() if value != ""}
        assert world.accounts[account].get(URN, {}).get("badge", {}) == left


@pytest.mark.parametrize(
    "emails",
    [
        [{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": True}],
        [{"value": "b@example.com", "type": "home"}, {"value": "a@example.com", "type": "other", "primary": "True"}],
        [{"value": "b@example.com", "type": "home"}, {"value": "a@example.com", "type": "Work"}],
        [{"value": "a@example.com"}, {"value": "b@example.com"}],
    ],
    ids=["two primaries", "primary as a text", "type in capitals", "neither"],
)
async def test_one_item_is_the_primary_one_after_a_change(emails: list[dict[str, Any]]) -> None:
    async with World("scim") as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs(email="a@example.com", user_name="ana"))
        world._inner = Showing(world._inner, lambda user: user.update(emails=emails))
        await world.restart()
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert found.outputs["email"] == "a@example.com"
        news = world.inputs(found.outputs, email="c@example.com", user_name="ana")
        world.hazard = lambda kind: answered(403, b"{}", carried_out=False) if kind == "update" else None
        with pytest.raises(AccountError):
            await lifecycle.update(world.tenant, account, found.outputs, news)
        (sent,) = updates(world)
        old = next(each for each in emails if each["value"] == "a@example.com")
        other = {key: value for key, value in emails[emails.index(old) - 1].items() if key != "primary"}
        assert sent["value"] == [{**old, "value": "c@example.com", "primary": True}, other]
