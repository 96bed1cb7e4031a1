"""Account summaries and filters, the accounts that a stack owns, and the e-mails in files of people."""

import json
from typing import Any

import pytest

from seatwise.core.account.owner import TYPES
from seatwise.core.queries import audit
from seatwise.core.queries.audit import AccountFilter, Summary
from seatwise.core.vendor.boundary import SIGNATURE
from seatwise.core.vendor.errors import InvalidExport
from seatwise.core.vendor.http import Answer
from seatwise.vendors.enerflo import Enerflo, Settings
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.tenovos import Tenovos

HERE, WEST = "https://enerflo.io", "https://west.example.com"
ENERFLO = Enerflo(Settings(base_url=HERE, api_key="k"))  # type: ignore[arg-type]
USER, ROSTER = f"{TYPES}enerflo:User", f"{TYPES}enerflo:Roster"
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
def test_a_summary_has_the_values_of_the_record(record: dict[str, Any], summary: Summary) -> None:
    assert Summary.of(ENERFLO, record) == summary


@pytest.mark.parametrize(
    ("roles", "shown"),
    [([3], ["3"]), ([{"id": 3, "title": "Setter"}], ["3"]), ([{}], []), ([None], [])],
    ids=["number", "object without a name", "empty object", "nothing"],
)
def test_roles_in_an_unknown_shape_are_shown_as_text(roles: Any, shown: list[str]) -> None:
    answer = Answer(200, {}, json.dumps({"results": [{"id": 7, "email": "a@b.c", "roles": roles}]}).encode())
    listing = ENERFLO.parse_page(answer)
    assert listing is not None
    assert [Summary.of(ENERFLO, each).roles for each in listing.records] == [shown]


def test_only_the_fields_of_the_record_are_shown() -> None:
    shown = audit.fields(ENERFLO, {"id": 7, "email": "a@b.c", "phone": None, "intercom_user_jwt": "a secret"})
    assert shown == {"email": "a@b.c", "phone": None}


ANA = Summary("1", "Ana@Example.com", "Ana", True, ["Sales Rep"])
BEN = Summary("2", "ben@example.com", "Ben", False, [])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(AccountFilter(), [ANA, BEN], id="all"),
        pytest.param(AccountFilter(match="ana@*"), [ANA], id="match"),
        pytest.param(AccountFilter(match="[b]en@example.com"), [BEN], id="a-shell's-pattern"),
        pytest.param(AccountFilter(active=True), [ANA], id="active"),
        pytest.param(AccountFilter(active=False), [BEN], id="inactive"),
        pytest.param(AccountFilter(role=["salesrep"]), [ANA], id="role"),
        pytest.param(AccountFilter(role=["Setter"]), [], id="another-role"),
        pytest.param(AccountFilter(owned=frozenset()), [ANA, BEN], id="none-owned"),
        pytest.param(AccountFilter(owned=frozenset("1")), [BEN], id="owned"),
        pytest.param(AccountFilter(people=frozenset({"ana@example.com"})), [], id="the-others-are-inactive"),
        pytest.param(AccountFilter(people=frozenset({"ben@example.com"})), [ANA], id="left"),
        pytest.param(AccountFilter(people=frozenset({"x@example.com"}), owned=frozenset("1")), [], id="all-together"),
    ],
)
def test_an_account_matches_if_all_conditions_hold(wanted: AccountFilter, found: list[Summary]) -> None:
    listed = [summary for summary in (ANA, BEN) if wanted.may_match(summary.id, summary.email)]
    assert [summary for summary in listed if wanted.matches(ENERFLO, summary)] == found


def test_a_role_has_the_type_of_the_vendors_field() -> None:
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
        pytest.param([user("1", outputs={})], ["1"], [], id="a-state-without-a-tenant"),
        pytest.param([user("1", delete=True)], ["1"], [], id="pending-deletion"),
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
def test_a_stack_owns_its_users_and_members(
    resources: list[dict[str, Any]], accounts: list[str], others: list[str]
) -> None:
    owned = audit.owned("enerflo", HERE, {"version": 3, "deployment": {"resources": resources}}, "dev")
    assert (sorted(owned.accounts), sorted(owned.others)) == (accounts, others)


def test_an_empty_stack_owns_nothing() -> None:
    assert audit.owned("enerflo", HERE, {"deployment": {"manifest": {}}}, "dev").accounts == frozenset()


@pytest.mark.parametrize("export", [None, [], {}, {"deployment": None}, {"deployment": {"resources": ["x"]}}])
def test_an_invalid_export_is_named(export: Any) -> None:
    problem = r"dev\.json is not the state of a stack\. Create it with `pulumi stack export`"
    with pytest.raises(InvalidExport, match=problem):
        audit.owned("enerflo", HERE, export, "dev.json")


def test_encrypted_ids_of_a_team_are_an_error() -> None:
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
