"""Who is listed, what a stack owns, and who is in a file of people."""

import json
from typing import Any

import pytest

from seatwise.core.queries import audit
from seatwise.core.queries.audit import Summary, Wanted
from seatwise.core.vendor.boundary import SIGNATURE
from seatwise.core.vendor.errors import InvalidExport
from seatwise.core.vendor.http import Answer
from seatwise.vendors.enerflo import Enerflo, Settings
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos

HERE, WEST = "https://enerflo.io", "https://west.example.com"
ENERFLO = Enerflo(Settings(base_url=HERE, api_key="k"))  # type: ignore[arg-type]
USER, ROSTER = f"{audit.TYPE}enerflo:User", f"{audit.TYPE}enerflo:Roster"
IDS = {"ana@example.com": "1", "ben@example.com": "2"}


# --- accounts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "summary"),
    [
        pytest.param(
            {"id": 7, "email": "Ana@Example.com", "first_name": "Ana", "last_name": "Ruiz", "active": 1,
             "roles": ["agent", "office-admin"]},
            Summary("7", "Ana@Example.com", "Ana Ruiz", True, ["Sales Rep", "Office Admin"]),
            id="whole",
        ),
        pytest.param({"id": 7, "email": "a@b.c", "active": 0}, Summary("7", "a@b.c", "", False, []), id="bare"),
        pytest.param(
            {"id": 7, "email": None, "first_name": None, "last_name": "Ruiz", "roles": None},
            Summary("7", "", "Ruiz", True, []),
            id="nulls",
        ),
    ],
)  # fmt: skip
def test_a_summary_is_what_a_record_says(record: dict[str, Any], summary: Summary) -> None:
    assert Summary.of(ENERFLO, record) == summary


@pytest.mark.parametrize(
    ("roles", "shown"),
    [([3], ["3"]), ([{"id": 3, "title": "Setter"}], ["3"]), ([{}], []), ([None], [])],
    ids=["number", "object without a name", "empty object", "nothing"],
)
def test_odd_roles_are_shown_as_far_as_they_can_be(roles: Any, shown: list[str]) -> None:
    answer = Answer(200, {}, json.dumps({"results": [{"id": 7, "email": "a@b.c", "roles": roles}]}).encode())
    listing = ENERFLO.found(answer)
    assert listing is not None
    assert [Summary.of(ENERFLO, each).roles for each in listing.records] == [shown]


def test_what_a_record_says_nothing_of_is_no_field() -> None:
    shown = audit.fields(ENERFLO, {"id": 7, "email": "a@b.c", "phone": None, "intercom_user_jwt": "a secret"})
    assert shown == {"email": "a@b.c", "phone": None}


ANA = Summary("1", "Ana@Example.com", "Ana", True, ["Sales Rep"])
BEN = Summary("2", "ben@example.com", "Ben", False, [])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(Wanted(), [ANA, BEN], id="all"),
        pytest.param(Wanted(match="ana@*"), [ANA], id="match"),
        pytest.param(Wanted(match="[b]en@example.com"), [BEN], id="a-shell's-pattern"),
        pytest.param(Wanted(active=True), [ANA], id="active"),
        pytest.param(Wanted(active=False), [BEN], id="inactive"),
        pytest.param(Wanted(role=["salesrep"]), [ANA], id="role"),
        pytest.param(Wanted(role=["Setter"]), [], id="nobody's-role"),
        pytest.param(Wanted(owned=frozenset()), [ANA, BEN], id="nobody-owned"),
        pytest.param(Wanted(owned=frozenset("1")), [BEN], id="owned"),
        pytest.param(Wanted(people=frozenset({"ana@example.com"})), [], id="the-others-are-inactive"),
        pytest.param(Wanted(people=frozenset({"ben@example.com"})), [ANA], id="left"),
        pytest.param(Wanted(people=frozenset({"x@example.com"}), owned=frozenset("1")), [], id="all-together"),
    ],
)
def test_who_is_wanted(wanted: Wanted, found: list[Summary]) -> None:
    listed = [summary for summary in (ANA, BEN) if wanted.lists(summary.id, summary.email)]
    assert [summary for summary in listed if wanted.takes(ENERFLO, summary)] == found


def test_a_role_is_of_the_vendor_s_type() -> None:
    assert audit.role(Enerflo, "agent") == ["agent"]
    assert audit.role(Nexudus, "77") == [77]
    assert audit.role(Tenovos, "7d56") == "7d56"


# --- what stacks own --------------------------------------------------------------------------


def user(id: str, tenant: str = HERE, **more: Any) -> dict[str, Any]:
    return {"type": USER, "id": id, "custom": True, "outputs": {"__tenant": tenant}} | more


def roster(ids: Any, **outputs: Any) -> dict[str, Any]:
    return {"type": ROSTER, "id": "p/s/team", "outputs": {"__tenant": HERE, "ids": ids} | outputs}


SHOWN = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": '{"ana@example.com": "1"}'}


@pytest.mark.parametrize(
    ("resources", "accounts", "others"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([user("1"), user("2")], ["1", "2"], [], id="users"),
        pytest.param([user("1", outputs={"adopted": True, "__tenant": HERE})], ["1"], [], id="adopted"),
        pytest.param([user("1", outputs={})], ["1"], [], id="a-state-that-does-not-tell-the-tenant"),
        pytest.param([user("1", delete=True)], ["1"], [], id="about-to-go"),
        pytest.param([user("1", external=True)], [], [], id="only-read"),
        pytest.param([user("1", WEST), user("2")], ["2"], [WEST], id="another-tenant"),
        pytest.param([user("1", WEST, external=True)], [], [], id="only-read-elsewhere"),
        pytest.param([roster(IDS)], ["1", "2"], [], id="a-team"),
        pytest.param([roster(IDS, __leaving={"x@example.com": "9"})], ["1", "2", "9"], [], id="leaving-a-team"),
        pytest.param([roster(IDS, __tenant=WEST)], [], [WEST], id="a-team-elsewhere"),
        pytest.param([roster({}), roster(None)], [], [], id="an-empty-team"),
        pytest.param([roster(SHOWN)], ["1"], [], id="a-secret-that-is-shown"),
        pytest.param([user("1", type=USER.replace("enerflo", "nexudus"))], [], [], id="another-vendor"),
        pytest.param([{"type": "pulumi:pulumi:Stack"}, {"type": USER}], [], [], id="what-has-no-id"),
    ],
)
def test_what_a_stack_owns(resources: list[dict[str, Any]], accounts: list[str], others: list[str]) -> None:
    owned = audit.owned("enerflo", HERE, {"version": 3, "deployment": {"resources": resources}}, "dev")
    assert (sorted(owned.accounts), sorted(owned.others)) == (accounts, others)


def test_an_empty_stack_owns_nothing() -> None:
    assert audit.owned("enerflo", HERE, {"deployment": {"manifest": {}}}, "dev").accounts == frozenset()


@pytest.mark.parametrize("export", [None, [], {}, {"deployment": None}, {"deployment": {"resources": ["x"]}}])
def test_what_is_no_export_is_named(export: Any) -> None:
    with pytest.raises(InvalidExport, match=r"dev\.json is no state of a stack\. Make it with `pulumi stack export`"):
        audit.owned("enerflo", HERE, export, "dev.json")


def test_an_encrypted_team_is_no_empty_team() -> None:
    hidden = roster({SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"})
    with pytest.raises(InvalidExport, match="--show-secrets"):
        audit.owned("enerflo", HERE, {"deployment": {"resources": [hidden]}}, "dev.json")


# --- people -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([{"email": "Ana@Example.com "}], ["ana@example.com"], id="without-case"),
        pytest.param([{"email": "a@b.c", "nexudus.email": "d@e.f"}], ["a@b.c", "d@e.f"], id="a-column-for-a-vendor"),
        pytest.param(
            [{"email": "a@b.c", "accounts": {"nexudus": {"email": "d@e.f"}, "tenovos": {"username": "x"}}}],
            ["a@b.c", "d@e.f"],
            id="a-key-for-a-vendor",
        ),
        pytest.param([{"email": "a@b.c", "accounts": [{"email": "d@e.f"}]}], ["a@b.c", "d@e.f"], id="a-list"),
        pytest.param([{"email": "a@b.c", "manager_email": "m@b.c"}], ["a@b.c"], id="not-the-manager's"),
        pytest.param([{"email": ""}, {"email": None}, {"name": "x"}], [], id="none"),
    ],
)
def test_the_emails_of_people(rows: list[Any], found: list[str]) -> None:
    assert sorted(audit.emails(rows)) == found
