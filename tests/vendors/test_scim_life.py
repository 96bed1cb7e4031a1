"""The life of an account at services that speak SCIM: the stand-in with each of its quirks, and scim2-server.

What is true of every vendor is in the tests of the core, which run on the stand-in as well.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import pytest

from conftest import traced
from operations import lifecycle
from others import AtScim2Server
from seatwise.core.queries import takeover
from seatwise.core.queries.lookup import Lookups
from seatwise.core.vendor.errors import AccountExists, InvalidAccount, Refused, VendorBroken
from seatwise.core.vendor.fields import Values
from seatwise.core.vendor.scim_attributes import ENTERPRISE
from seatwise.vendors import vendor_named
from seatwise.vendors.scim import GetUserResult
from teams import Stack, a_member, a_team
from virtual import World, answered, lost_after

pytestmark = pytest.mark.anyio
EVERYTHING: Values = {
    "user_name": "ana@example.com", "email": "ana@example.com", "external_id": "hr-7", "first_name": "Ana",
    "last_name": "Ruiz", "middle_name": "Maria", "formatted_name": "Dr. Ana Ruiz", "honorific_prefix": "Dr.",
    "honorific_suffix": "III", "display_name": "Ana Ruiz", "nick_name": "Ani", "title": "Engineer",
    "profile_url": "https://example.com/ana", "user_type": "Employee", "preferred_language": "en-US",
    "locale": "es-CL", "timezone": "America/Denver", "active": True, "phone": "+1 555 010 0001",
    "ims": [{"value": "ana", "type": "xmpp"}], "photos": [{"value": "https://example.com/ana.png", "type": "photo"}],
    "addresses": [{"locality": "Lima", "type": "work"}], "entitlements": ["gold"], "roles": ["dev", "ops"],
    "x509_certificates": [{"value": "aGVsbG8="}], "employee_number": "7", "cost_center": "c1", "organization": "Org",
    "division": "D", "department": "Research", "manager_id": "m-1", "password": "a first password",
}  # fmt: skip
CHANGES: Mapping[str, Any] = {
    "user_name": "anna@example.com", "email": "anna@example.com", "external_id": "hr-8", "first_name": "Anna",
    "middle_name": "", "title": "Lead", "preferred_language": "es-CL", "phone": "+1 555 010 0002",
    "ims": [{"value": "anna", "type": "xmpp"}], "addresses": [{"locality": "Cusco", "type": "work"}],
    "roles": ["ops"], "entitlements": [], "department": "Field", "manager_id": "m-2", "active": False,
    "password": "another one",
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A server, and how it is spoken to."""

    name: str
    given: Mapping[str, Any] = field(default_factory=dict)
    quirks: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.name, *map(str, self.given.values()), *map(str, self.quirks.values())])


PUT = {"update": "put"}
SERVERS = [
    Server("stand-in"),
    Server("stand-in", PUT),
    Server("stand-in", quirks={"scim_patch": "204"}),
    Server("stand-in", {"find_by": "list"}),
    Server("stand-in", {"paging": "cursor"}, {"scim_pages": "cursor", "scim_cap": 2}),
    Server("stand-in", quirks={"scim_label": "text/html"}),
    Server("scim2-server"),
    Server("scim2-server", PUT),
]


@asynccontextmanager
async def world_of(server: Server) -> AsyncIterator[World]:
    """A tenant at such a server."""
    is_others = server.name == "scim2-server"
    made = AtScim2Server(given=server.given) if is_others else World("scim", given=server.given, **server.quirks)
    async with made as world:
        yield world


@pytest.fixture(params=traced(SERVERS, lambda server: server is SERVERS[0]))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world_of(request.param) as world:
        yield world


async def service_says(world: World, account: str) -> dict[str, Any]:
    """The resource as the service has it."""
    url = f"{world.settings.base_url}/Users/{account}"
    headers = {"authorization": f"Bearer {world.settings.token.get_secret_value()}"}
    async with httpx.AsyncClient(transport=world._inner) as http:
        answer = await http.get(url, headers=headers)
    return {} if answer.status_code == 404 else dict(answer.json())


async def by_hand(world: World, account: str, *operations: dict[str, Any]) -> None:
    """A person changes an account at the service."""
    url = f"{world.settings.base_url}/Users/{account}"
    headers = {
        "authorization": f"Bearer {world.settings.token.get_secret_value()}", "content-type": "application/scim+json",
    }  # fmt: skip
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [*operations]}
    async with httpx.AsyncClient(transport=world._inner) as http:
        (await http.patch(url, headers=headers, json=body)).raise_for_status()


def test_the_table_has_every_argument() -> None:
    """All that an account can have at once: `emails` excludes `email`, `phone_numbers` excludes `phone`."""
    others = {"emails", "phone_numbers", "extensions", "on_existing", "on_destroy"}
    assert {each.name for each in vendor_named("scim").schema.arguments()} - others == EVERYTHING.keys()


async def test_every_attribute_is_kept_read_and_compared(world: World) -> None:
    news = world.inputs(**EVERYTHING)
    account, outs = await lifecycle.create(world.tenant, news)
    assert not world.diff(outs, news)
    found = await lifecycle.read(world.tenant, account, outs)
    assert found is not None
    assert not world.diff(found.outputs, found.inputs)
    assert found.inputs == dict(news)
    assert world.warnings == []
    resource = await service_says(world, account)
    assert resource[ENTERPRISE]["manager"]["value"] == "m-1"
    assert resource["emails"][0]["value"] == "ana@example.com"
    assert "password" not in resource


@pytest.mark.parametrize("name", CHANGES)
async def test_every_attribute_can_be_changed(world: World, name: str) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs(**EVERYTHING))
    before = await service_says(world, account)
    news = world.inputs(outs, **{**EVERYTHING, name: CHANGES[name]})
    if name == "email":
        news["user_name"] = EVERYTHING["user_name"]
    after = await lifecycle.update(world.tenant, account, outs, news)
    assert not world.diff(after, news)
    found = await lifecycle.read(world.tenant, account, after)
    assert found is not None
    assert not world.diff(found.outputs, news), "as the service has it"
    now = await service_says(world, account)
    changed = {key for key in {*before, *now} - {"meta", "schemas"} if before.get(key) != now.get(key)}
    assert len(changed) == (0 if name == "password" else 1), changed


async def test_other_items_of_a_list_stay(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    home = {"value": "ana@home.example", "type": "home"}
    await by_hand(world, account, {"op": "add", "path": "emails", "value": [home]})
    news = world.inputs(outs, email="new@example.com", user_name="ana@example.com")
    await lifecycle.update(world.tenant, account, outs, news)
    emails = (await service_says(world, account))["emails"]
    assert sorted(each["value"] for each in emails) == ["ana@home.example", "new@example.com"]


async def test_what_a_person_removes_or_changes_is_drift(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs())
    await by_hand(
        world, account,
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Field"},
    )  # fmt: skip
    found = await lifecycle.read(world.tenant, account, outs)
    assert found is not None
    assert {name for name, value in world.inputs().items() if found.inputs.get(name) != value} - {"password"} == {
        "title", "department",
    }  # fmt: skip
    after = await lifecycle.update(world.tenant, account, found.outputs, world.inputs(found.outputs))
    resource = await service_says(world, account)
    assert (resource["title"], resource[ENTERPRISE]["department"]) == ("Engineer", "Research")
    assert not world.diff(after, world.inputs(after))


async def test_an_account_is_deactivated_comes_back_and_is_deleted(world: World) -> None:
    account, outs = await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")
    await world.restart()
    await lifecycle.delete(world.tenant, account, outs, "p/s/ana")
    assert (await service_says(world, account))["active"] is False
    await world.restart()
    again, outs = await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")
    assert again == account
    assert (await service_says(world, account))["active"] is True
    await world.restart()
    await lifecycle.delete(world.tenant, account, {**outs, "on_destroy": "delete"}, "p/s/ana")
    assert await service_says(world, account) == {}
    assert await lifecycle.read(world.tenant, account, outs) is None


async def test_a_lost_create_is_found_and_others_are_left_alone(world: World) -> None:
    world.fault("create", lost_after)
    account, _ = await lifecycle.create(world.tenant, world.inputs(), "p/s/ana")
    assert (await service_says(world, account))["userName"] == "ana@example.com"
    await world.restart()
    with pytest.raises(AccountExists, match="an account with this user name is there already"):
        await lifecycle.create(world.tenant, world.inputs(), "p/s/another")


async def test_a_team_and_what_is_imported_have_no_difference(world: World) -> None:
    stack = Stack(world)
    team = a_team(world, 7)
    assert await stack.up({"sales": team}), stack.failed
    assert await stack.refresh()
    world.trail.clear()
    assert await stack.up({"sales": team})
    assert [sent for sent in world.trail if sent.kind != "list"] == []
    found = await Lookups(world.door).users(GetUserResult)
    assert sorted(each.user_name for each in found) == [f"p{number}@example.com" for number in range(7)]
    record = world.door.vendor.parse_record(await world.tenant.send(world.door.vendor.request_read(found[0].id)))
    assert record is not None
    values = takeover.declarable(world.door.vendor, takeover.arguments(world.door.vendor, record)).values
    assert values is not None
    assert not world.diff(takeover.state(world.door.vendor, record, values).to_outputs(), dict(values))


async def test_hundreds_of_accounts_come_in_pages_and_each_once() -> None:
    async with world_of(Server("scim2-server")) as world:
        stack = Stack(world)
        assert await stack.up({"all": a_team(world, 250)}), stack.failed
        assert len(stack.outs["ids"]) == 250
        world.trail.clear()
        await world.restart()
        assert await stack.refresh()
        assert len(world.trail) < 40
        starts = [int(sent.url.params["startIndex"]) for sent in world.trail if sent.kind == "list"]
        assert starts == [*range(1, 251, 100)]


# --- what services do otherwise ---------------------------------------------------------------


@pytest.mark.parametrize("create", ["the record", "what was sent"])
@pytest.mark.parametrize("patch", ["the record", "204", "what was sent"])
@pytest.mark.parametrize("update", ["patch", "put"])
async def test_what_is_not_kept_is_told_once_and_never_reported(create: str, patch: str, update: str) -> None:
    quirks = {"scim_drops": "title and externalId", "scim_create": create, "scim_patch": patch}
    async with world_of(Server("stand-in", {"update": update}, quirks)) as world:
        stack = Stack(world)
        program = {name: a_member(world, name, external_id=name) for name in ("ana", "ben", "cleo")}
        assert await stack.up(program)
        told = [each for each in world.warnings if "not kept" in each]
        assert sorted(each.split()[1] for each in told) == ["external_id", "title"]
        world.trail.clear()
        assert await stack.up(program)
        assert world.trail == [], "the preview after it is empty"
        changed = {name: {**each, "display_name": f"Anna {name}"} for name, each in program.items()}
        assert await stack.up(changed)
        for kept in stack.state.values():
            assert "title" not in kept.outs
            assert kept.outs["display_name"].startswith("Anna")
        assert await stack.refresh()
        world.trail.clear()
        assert await stack.up(changed)
        assert world.trail == []
        world.warnings.clear()
        another = {name: {**each, "title": "Lead"} for name, each in changed.items()}
        assert await stack.up(another), "another value is tried once"
        assert "Lead" in str([sent.body for sent in world.trail])
        world.trail.clear()
        assert await stack.up(another)
        assert world.trail == []


@pytest.mark.parametrize("emptied", ["title", "first_name"])
async def test_what_a_put_does_not_empty_is_told(emptied: str) -> None:
    async with world_of(Server("stand-in", PUT, {"scim_omitted": "kept"})) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        with pytest.raises(VendorBroken, match=f"answered and not done: {emptied}"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, **{emptied: ""}))
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert found.outputs[emptied] == outs[emptied]


async def test_what_the_service_begins_to_keep_is_an_output_again() -> None:
    async with world_of(Server("stand-in", quirks={"scim_drops": "title and externalId"})) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        assert "title" not in outs
        world.store.replace("scim", account, "ana@example.com", world.accounts[account] | {"title": "Engineer"})
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert found.outputs["title"] == "Engineer"
        assert not world.diff(found.outputs, world.inputs(found.outputs))


@pytest.mark.parametrize(
    ("quirks", "settings", "methods"),
    [
        pytest.param({}, {}, ["PATCH", "PATCH", "PATCH"], id="the service has PATCH"),
        pytest.param({"scim_updates": "PUT"}, {}, ["PUT", "PUT", "PUT"], id="the service has no PATCH"),
        pytest.param({"scim_updates": "PUT"}, {"update": "put"}, ["PUT", "PUT", "PUT"], id="a setting says so"),
        pytest.param({}, {"service": "keycloak"}, ["PATCH", "PATCH", "PATCH"], id="the table says so"),
    ],
)
async def test_a_service_is_asked_once_whether_it_has_patch(
    quirks: dict[str, str], settings: dict[str, str], methods: list[str]
) -> None:
    async with world_of(Server("stand-in", settings, quirks)) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.trail.clear()
        for name in ("Anna", "Annie"):
            outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, first_name=name))
        await lifecycle.delete(world.tenant, account, outs)
        assert [("PATCH" if "Operations" in sent.body else "PUT") for sent in world.trail if sent.body] == methods
        asked = [sent for sent in world.trail if sent.url.path.endswith("/ServiceProviderConfig")]
        assert len(asked) == (0 if settings else 1)
        assert world.accounts[account]["active"] is False


@pytest.mark.parametrize("status", [403, 404, 501])
async def test_a_service_that_does_not_say_it_gets_a_patch(status: int) -> None:
    async with world_of(Server("stand-in")) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.fault("GET", *[answered(status, carried_out=False)] * (4 if status == 501 else 1))
        outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, first_name="Anna"))
        assert world.accounts[account]["name"]["givenName"] == "Anna"
        world.trail.clear()
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, first_name="Annie"))
        assert not [sent for sent in world.trail if sent.url.path.endswith("/ServiceProviderConfig")]


async def hanging(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
    """No answer comes."""
    await anyio.sleep(30)
    raise httpx.ReadTimeout("time-out")


@pytest.mark.parametrize(
    "fault",
    [
        *(answered(status, carried_out=False) for status in (302, 408, 429, 503)),
        answered(200, b"<html>busy</html>", carried_out=False, content_type="text/html"),
        lost_after,
        hanging,
    ],
)
async def test_a_service_that_could_not_say_it_is_asked_again(fault: Any) -> None:
    async with world_of(Server("stand-in", quirks={"scim_updates": "PUT"})) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        world.fault("GET", *[fault] * 4)
        with pytest.raises(Refused, match="update refused with 501"):
            await lifecycle.update(world.tenant, account, outs, world.inputs(outs, first_name="Anna"))
        world.faults.clear()
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, first_name="Anna"))
        assert world.accounts[account]["name"]["givenName"] == "Anna"


async def test_a_service_that_never_says_it_is_asked_three_times() -> None:
    async with world_of(Server("stand-in")) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        asked = []
        for name in ("Ada", "Bea", "Cleo", "Dora"):
            world.trail.clear()
            world.fault("GET", *[answered(500, carried_out=False)] * 4)
            outs = await lifecycle.update(world.tenant, account, outs, world.inputs(outs, first_name=name))
            asked.append(any(sent.url.path.endswith("/ServiceProviderConfig") for sent in world.trail))
            world.faults.clear()
        assert asked == [True, True, True, False]
        assert world.accounts[account]["name"]["givenName"] == "Dora"


@pytest.mark.parametrize("update", ["patch", "put"])
async def test_extensions_are_a_part_and_the_rest_stays(update: str) -> None:
    urn = "urn:acme:2.0:User"
    async with world_of(Server("stand-in", {"update": update})) as world:
        news = world.inputs(extensions={urn: {"level": 3, "team": {"name": "north"}}})
        account, outs = await lifecycle.create(world.tenant, news)
        record = world.accounts[account]
        record[urn]["badge"] = "b-7"
        world.store.replace("scim", account, "ana@example.com", record)
        found = await lifecycle.read(world.tenant, account, outs)
        assert found is not None
        assert not world.diff(found.outputs, news), "what is not declared is no drift"
        news = world.inputs(outs, extensions={urn: {"level": 4, "team": None}})
        await lifecycle.update(world.tenant, account, found.outputs, news)
        assert world.accounts[account][urn] == {"level": 4, "badge": "b-7"}


async def test_who_is_deactivated_is_deleted_on_request_alone() -> None:
    async with world_of(Server("stand-in", {"service": "pagerduty"})) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())
        with pytest.raises(InvalidAccount, match="would delete it for good"):
            await lifecycle.delete(world.tenant, account, outs)
        assert world.accounts[account]["active"]
        await lifecycle.delete(world.tenant, account, {**outs, "on_destroy": "delete"})
        assert world.accounts == {}
        assert await lifecycle.delete(world.tenant, account, outs), "it is gone: there is nothing to refuse"


@pytest.mark.parametrize("update", ["patch", "put"])
async def test_a_stale_version_is_read_again(update: str) -> None:
    async with world_of(Server("scim2-server", {"update": update})) as world:
        account, outs = await lifecycle.create(world.tenant, world.inputs())

        async def edited(request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
            await by_hand(world, account, {"op": "replace", "path": "nickName", "value": "Ani"})
            return await inner.handle_async_request(request)

        world.fault("update", edited)
        await lifecycle.update(world.tenant, account, outs, world.inputs(outs, phone="+1 555 010 0009"))
        resource = await service_says(world, account)
        assert (resource["nickName"], resource["phoneNumbers"][0]["value"]) == ("Ani", "+1 555 010 0009")
        statuses = [sent.answer.status_code for sent in world.trail if sent.kind == "update" and sent.answer]
        assert statuses[0] == 412
        assert len(statuses) == 2


async def test_client_credentials_are_sent_to_the_login_alone() -> None:
    login = "http://127.0.0.1/scim/token"
    given = {"token": None, "client_id": "sandbox-client", "client_secret": "sandbox-scim-secret", "token_url": login}
    async with world_of(Server("stand-in", given)) as world:
        account, _ = await lifecycle.create(world.tenant, world.inputs())
        assert account in world.accounts
        world.fault("list", answered(401, b"{}", carried_out=False))
        assert (await Lookups(world.door).user(GetUserResult, "ana@example.com")).title == "Engineer"
        assert [str(sent.url) for sent in world.trail if sent.kind == "token"] == [login, login]
