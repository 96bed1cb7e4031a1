"""What is kept of a team, what is wrong with one, what a change of it would do, and how that is told."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi.output import Unknown

from operations import through_the_engine
from seatwise.core.account import state
from seatwise.core.account.properties import AccountState
from seatwise.core.team import plan as team
from seatwise.core.team.plan import Plan, tenant_problems
from seatwise.core.team.properties import SEEN, Member, Team, TeamDeclared, key_of, keyed, unpacked
from seatwise.core.vendor.errors import InvalidAccount
from seatwise.core.vendor.fields import Values
from seatwise.core.vendor.secrets import Vault
from seatwise.core.vendor.vendor import Vendor
from seatwise.dynamic.base import split
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.enerflo import Settings as EnerfloSettings
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.nexudus import Settings as NexudusSettings
from seatwise.vendors.tenovos import Settings as TenovosSettings
from seatwise.vendors.tenovos import Tenovos

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())["rosters"]
LOOPBACK = "http://127.0.0.1"
ENERFLO = Enerflo(EnerfloSettings(base_url=LOOPBACK, api_key="k"))  # type: ignore[arg-type]
VENDORS: dict[str, Vendor] = {
    "enerflo": ENERFLO,
    "nexudus": Nexudus(NexudusSettings(base_url=LOOPBACK, token="t")),  # type: ignore[arg-type]
    "tenovos": Tenovos(
        TenovosSettings(base_url=LOOPBACK, api_key="k", client_id="c", username="u", password="p")  # type: ignore[arg-type]
    ),
}
SECRET = "hunter2hunter2"
UNKNOWN: Any = Unknown()  # type: ignore[no-untyped-call]
ANA = {"email": "ana@example.com", "roles": ["Setter"]}
SETTER: dict[str, Any] = {"roles": ["Setter"]}


@pytest.fixture(params=VENDORS.values(), ids=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Vendor:
    asked: Vendor = request.param
    return asked


# --- what is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "key", "kept"),
    [
        pytest.param("ana@example.com", "ana@example.com", {}, id="as its key"),
        pytest.param("Ana@Example.com", "ana@example.com", {"email": "Ana@Example.com"}, id="with capitals"),
        pytest.param("STRASSE@x.y", "strasse@x.y", {"email": "STRASSE@x.y"}, id="all capitals"),
        pytest.param("Straße@x.y", "straße@x.y", {"email": "Straße@x.y"}, id="letters outside ASCII"),
        pytest.param("straße@x.y", "straße@x.y", {}, id="as its key, outside ASCII"),
    ],
)
def test_a_member_keeps_the_e_mail_that_differs_from_its_key(email: str, key: str, kept: dict[str, str]) -> None:
    assert keyed([{"email": email, "first_name": "Ana"}]) == {key: {"first_name": "Ana", **kept}}
    assert unpacked(key, {"first_name": "Ana", **kept}) == {"email": email, "first_name": "Ana"}


def made(vendor: Vendor, record: Values, declared: Values, *, adopted: bool = False) -> AccountState:
    """The state of an account that the vendor has so and the program declares so."""
    return state.observed(vendor, declared, state.seen(vendor.schema, declared, record), adopted=adopted)


RECORDS: dict[str, dict[str, Any]] = {
    "enerflo": {"id": 7, "email": "ana@example.com", "first_name": "Ana", "roles": ["agent"], "active": 1,
                "company_id": 3, "phone": "5550100001", "timezone": "America/Denver"},
    "nexudus": {"Id": 7, "Email": "ana@example.com", "FullName": "Ana Ruiz", "Language": 2, "UserRoles": [77],
                "APIAccess": True, "Active": True, "UpdatedOn": "2026-01-01T00:00:00Z"},
    "tenovos": {"userId": "u", "emailId": "ana@example.com", "firstName": "Ana", "lastName": "Ruiz",
                "roleId": "7d5620e0", "status": "enabled", "groups": ["7d6207c0-f423-11e9-8071-89c0c4052141"]},
}  # fmt: skip
OTHERWISE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "as declared": ({}, {}),
    "the e-mail with capitals": ({}, {"email": "Ana@Example.com"}),
    "the e-mail changed by hand": ({"email": "x@y.zz", "Email": "x@y.zz", "emailId": "x@y.zz"}, {}),
    "a field emptied by hand": ({"first_name": None, "FullName": None, "firstName": None}, {}),
    "a create-only field changed by hand": ({"timezone": "Asia/Manila", "userName": "somebody"}, {}),
    "without a version": ({"UpdatedOn": None, "roles": None, "roleId": None}, {}),
}


@pytest.mark.parametrize("adopted", [True, False], ids=["adopted", "made"])
@pytest.mark.parametrize("otherwise", OTHERWISE)
def test_a_member_comes_back_from_the_state_as_it_was(vendor: Vendor, otherwise: str, adopted: bool) -> None:
    changes, declared = OTHERWISE[otherwise]
    example = {name: value for name, value in vendor.example.items() if not vendor.schema[name].secret} | declared
    outs = made(vendor, RECORDS[vendor.name] | changes, example, adopted=adopted)
    before = Team({"ana@example.com": Member("7", outs)}, {"ben@example.com": "8"})

    after = Team.from_outputs(vendor, through_the_engine(before.to_outputs(vendor)))

    assert after.leaving == before.leaving
    assert after.members.keys() == before.members.keys()
    member = after.members["ana@example.com"]
    assert member.id == "7"
    kept = outs.names_of_member(vendor)
    values = {name: value for name, value in outs.values.items() if name in kept}
    assert member.state == replace(outs, values=values)
    assert after.to_outputs(vendor) == before.to_outputs(vendor)
    assert team.changed(vendor, member.state, example) == team.changed(vendor, outs, example)


def test_a_team_keeps_only_declared_and_remembered_fields(vendor: Vendor) -> None:
    declared = {name: value for name, value in vendor.example.items() if not vendor.schema[name].secret}
    outs = Team({"ana@example.com": Member("7", made(vendor, RECORDS[vendor.name], declared))}).to_outputs(vendor)

    assert outs["members"]["ana@example.com"].keys() == declared.keys() - {"email"}
    assert outs[SEEN]["ana@example.com"].keys() == {*vendor.remembered}
    assert outs.keys() == {"members", "ids", SEEN}


@pytest.mark.parametrize("name", VENDORS)
def test_every_team_in_a_state_is_read_and_written_for_ever(name: str) -> None:
    """What is in these states never changes: they are on other people's disks."""
    written = GOLDEN["states"][name]
    assert Team.from_outputs(VENDORS[name], through_the_engine(written)).to_outputs(VENDORS[name]) == written


SHARP, DOUBLE = "Straße@x.y", "strasse@x.y"
FOLDED = {
    "members": {DOUBLE: {"email": SHARP, "roles": ["Setter"]}, "p0@example.com": {"roles": ["Setter"]}},
    "ids": {DOUBLE: "7", "p0@example.com": "8"},
    "__seen": {DOUBLE: {"role_slugs": ["setter"]}},
}
"""A state of the first versions, whose names of members are folded throughout."""


@pytest.mark.parametrize(
    ("declared", "ids"),
    [
        pytest.param([SHARP], {"straße@x.y": "7"}, id="alone"),
        pytest.param([SHARP, DOUBLE], {"straße@x.y": "7"}, id="beside the one it was folded to"),
        pytest.param([DOUBLE], {"straße@x.y": "7"}, id="the other one alone"),
    ],
)
def test_a_member_with_a_folded_name_has_its_own_now(declared: list[str], ids: dict[str, str]) -> None:
    news = keyed([*({"email": each, **SETTER} for each in declared), {"email": "p0@example.com", **SETTER}])
    now = Team.from_outputs(ENERFLO, FOLDED)
    now.follow(news)
    assert {key: member.id for key, member in now.members.items()} == ids | {"p0@example.com": "8"}
    plan = Plan.of(ENERFLO, now, news, split, frozenset())
    joins = [key_of(each) for each in declared if key_of(each) not in ids]
    leaves = [key for key in ids if key not in news]
    assert (plan.joins, [*plan.changes], plan.leaves) == (joins, [], leaves)
    assert now.to_outputs(ENERFLO)["members"]["straße@x.y"] == {"email": SHARP, "roles": ["Setter"]}


def test_a_folded_name_is_followed_where_the_email_was_changed() -> None:
    changed = FOLDED | {"members": {DOUBLE: {"email": "s@x.y", "roles": ["Setter"]}}, "ids": {DOUBLE: "7"}}
    now = Team.from_outputs(ENERFLO, changed)
    now.follow(keyed([{"email": SHARP, **SETTER}]))
    assert [*now.members] == ["straße@x.y"]
    both = Team.from_outputs(ENERFLO, changed)
    with pytest.raises(
        InvalidAccount, match="one member strasse@x.y, who may be strasse@x.y or straße@x.y".replace(".", r"\.")
    ):
        both.follow(keyed([{"email": SHARP, **SETTER}, {"email": DOUBLE, **SETTER}]))


def test_who_left_under_a_folded_name_and_is_back_is_not_deleted() -> None:
    now = Team.from_outputs(ENERFLO, {"members": {}, "ids": {}, "__leaving": {DOUBLE: "7"}})
    news = keyed([{"email": SHARP, **SETTER}])
    now.follow(news)
    assert now.leaving == {"straße@x.y": "7"}
    assert Plan.of(ENERFLO, now, news, split, frozenset()).deletes == []


def test_an_accent_typed_in_two_ways_is_one_member() -> None:
    typed_apart = "jose\u0301@x.y"
    state = {"members": {typed_apart: {"roles": ["Setter"]}}, "ids": {typed_apart: "7"}}
    assert [*Team.from_outputs(ENERFLO, state).members] == ["jos\u00e9@x.y"] == [*keyed([{"email": typed_apart}])]


def test_a_folded_name_counts_as_its_own_member_in_the_check() -> None:
    olds = {"members": {DOUBLE: {"email": SHARP, "roles": ["Setter"], "password": "scrypt:a:b"}}}
    news = {"members": keyed([{"email": each, **SETTER} for each in (SHARP, DOUBLE)]), "max_removals": 0}
    assert checked(Enerflo, news, olds)[1] == [], "nobody leaves"
    gone = {"members": keyed([{"email": DOUBLE, **SETTER}]), "max_removals": 0}
    assert "1 of 1 would leave" in checked(Enerflo, gone, olds)[1][0]


# --- what is declared -------------------------------------------------------------------------


def checked(
    vendor: type[Vendor], news: Mapping[str, Any], olds: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The members after the check, and all that is wrong, as it is told."""
    members, problems = team.check(
        vendor, TeamDeclared.from_inputs(olds or {}), TeamDeclared.from_inputs(news), split, Vault()
    )
    return members, [f"{each.field} {each.reason}".strip() for each in problems]


def members(count: int, **arguments: Any) -> dict[str, dict[str, Any]]:
    return {f"p{number}@example.com": {"roles": ["Setter"], **arguments} for number in range(count)}


@pytest.mark.parametrize(
    ("vendor", "member", "told"),
    [
        (Enerflo, {"roles": ["Setter"], "phone": SECRET}, ["phone must have ten digits, such as 555-555-5555"]),
        (Enerflo, {"first_name": "Ana"}, ["roles is required"]),
        (
            Enerflo,
            {"roles": ["Setter"], "rolls": SECRET},
            ["rolls is not an argument of this resource; did you mean roles?"],
        ),
        (Enerflo, {"roles": ["Setter"], "password": [SECRET]}, ["password must be text"]),
        (
            Enerflo,
            {"roles": ["Setter"], "manager_id": 5},
            ['manager_id can only be set with the role "Sales Rep": add the role or drop manager_id'],
        ),
        (
            Tenovos,
            {"first_name": "Ana", "last_name": "", "password": SECRET[:7]},
            [
                "last_name must not be empty",
                "password must have at least 8 characters",
                "username is required",
            ],
        ),
        (Nexudus, {"language": [SECRET], "full_name": "Ana"}, ["language must be a whole number"]),
    ],
)
def test_a_problem_names_the_member_and_field_without_the_value(
    vendor: type[Vendor], member: dict[str, Any], told: list[str]
) -> None:
    _, problems = checked(vendor, {"members": {"ana@example.com": member}})
    assert problems == [f"ana@example.com: {each}" for each in told]
    assert SECRET[:7] not in str(problems)


def test_the_problems_of_all_members_are_told_at_once() -> None:
    _, problems = checked(Enerflo, {"members": members(3, phone="5")})
    assert [problem.partition(":")[0] for problem in problems] == [f"p{number}@example.com" for number in range(3)]


@pytest.mark.parametrize(
    ("vendor", "policy", "told"),
    [
        (Enerflo, {"on_existing": "maybe"}, ["on_existing must be one of 'fail', 'adopt'"]),
        (Enerflo, {"on_leave": "drop"}, ["on_leave must be one of 'deactivate', 'delete', 'retain'"]),
        (Nexudus, {"on_leave": "delete"}, []),
        (Enerflo, {"on_leave": "retain", "on_existing": "adopt", "max_removals": "5%"}, []),
        (
            Enerflo,
            {"max_removals": "a few"},
            ['max_removals must be a number of members, or a share of them such as "10%"'],
        ),
        (
            Tenovos,
            {"on_leave": "drop", "max_removals": -1},
            [
                "on_leave must be one of 'deactivate', 'delete', 'retain'",
                'max_removals must be a number of members, or a share of them such as "10%"',
            ],
        ),
    ],
)
def test_a_policy_is_one_that_the_vendor_can_keep_and_told_once(
    vendor: type[Vendor], policy: dict[str, Any], told: list[str]
) -> None:
    example = {name: value for name, value in vendor.example.items() if name != "email"}
    people = {f"p{number}@example.com": example for number in range(3)}
    assert checked(vendor, {"members": people, **policy})[1] == told


@pytest.mark.parametrize(("vendor", "count"), [(Enerflo, 1), (Nexudus, 0), (Tenovos, 1)])
def test_leavers_are_deleted_where_the_tenant_can(vendor: type[Vendor], count: int) -> None:
    told = [str(each) for each in tenant_problems(vendor(None), TeamDeclared.from_inputs({"on_leave": "delete"}))]
    assert (
        told
        == [f'on_leave cannot be "delete": {vendor.title} has no way to delete; use "deactivate" or "retain"'] * count
    )


def test_where_deactivating_deletes_a_team_must_ask_for_it() -> None:
    class Deleting(Nexudus):
        deactivating_deletes = True

    team = TeamDeclared.from_inputs({"members": {"ana@example.com": {"active": False}}})
    policy, member = tenant_problems(Deleting(None), team)
    assert str(policy).startswith('on_leave must be "delete" or "retain"')
    assert str(member).startswith("ana@example.com: active deletes the account for good")


def test_what_is_not_known_yet_passes_and_is_kept() -> None:
    given = {"roles": ["Setter"], "first_name": UNKNOWN, "office_ids": [UNKNOWN, 5]}
    found, problems = checked(Enerflo, {"members": {"ana@example.com": given}})
    assert problems == []
    assert found == {"ana@example.com": given}
    assert checked(Enerflo, {"members": {"ana@example.com": {"roles": UNKNOWN}}})[1] == [], "it is given"


def test_numbers_that_came_through_the_engine_are_numbers_again() -> None:
    found, problems = checked(Enerflo, {"members": {"ana@example.com": {"roles": ["Setter"], "office_ids": [5.0]}}})
    assert (found["ana@example.com"]["office_ids"], problems) == ([5], [])


def test_the_fingerprint_of_an_unchanged_password_stays_the_same() -> None:
    vault = Vault()

    def sealed(password: str, olds: Mapping[str, Any]) -> Any:
        news = {"members": {"ana@example.com": {"roles": ["Setter"], "password": password}}}
        found, problems = team.check(
            Enerflo, TeamDeclared.from_inputs(olds), TeamDeclared.from_inputs(news), split, vault
        )
        assert problems == []
        return found

    first = sealed(SECRET, {})
    assert SECRET not in str(first)
    assert vault.reveal(first["ana@example.com"]["password"]) == SECRET
    assert sealed(SECRET, {"members": first}) == first
    again, problems = team.check(Enerflo, TeamDeclared(first), TeamDeclared(first), split, Vault())
    assert (again, problems) == (first, []), "a fingerprint stands for itself"


@pytest.mark.parametrize(("name", "instead"), [("on_existing", "on_existing"), ("on_destroy", "on_leave")])
def test_what_becomes_of_accounts_is_said_of_the_whole_team(name: str, instead: str) -> None:
    """A member with `on_destroy="retain"` would be deactivated all the same."""
    kept, problems = checked(Enerflo, {"members": keyed([ANA | {name: "retain"}])})
    assert problems == [f"ana@example.com: {name} cannot be given for a member: give {instead} for the Roster"]
    assert kept["ana@example.com"] == {"roles": ["Setter"]}


def test_an_adoption_does_not_require_arguments_for_a_create() -> None:
    member = {"first_name": "Ana", "last_name": "Ruiz"}
    assert checked(Tenovos, {"members": {"ana@example.com": member}, "on_existing": "adopt"})[1] == []


@pytest.mark.parametrize(("zone", "is_refused"), [("Asia/Manila", True), ("America/Denver", False)])
def test_a_changed_immutable_field_of_a_member_is_refused(zone: str, is_refused: bool) -> None:
    now = Team({"ana@example.com": Member("7", made(ENERFLO, {}, ANA | {"timezone": zone}))})
    problems = team.immutable_changes(Enerflo, now, keyed([ANA | {"timezone": "America/Denver"}]), split)
    assert bool(problems) is is_refused
    if is_refused:
        assert problems[0].reason.startswith("ana@example.com: timezone can only be given when the account is made; ")
        assert r'ignore_changes=["members[\"ana@example.com\"].timezone"]' in problems[0].reason


def test_a_newer_versions_argument_of_a_member_stops_nothing() -> None:
    """A refresh compares a state with its own inputs."""
    now = Team({"ana@example.com": Member("7", made(ENERFLO, {}, ANA))})
    newer = keyed([ANA | {"brand_new": "x"}])
    assert team.immutable_changes(Enerflo, now, newer, split) == []
    assert team.changed(ENERFLO, now.members["ana@example.com"].state, ANA | {"brand_new": "x"}) == []


@pytest.mark.parametrize("before", [{}, ANA | {"timezone": "Asia/Manila"}], ids=["new", "declared before"])
def test_an_immutable_field_may_change_until_the_create(before: dict[str, Any]) -> None:
    """Also where an earlier run could not make the account: nothing else would correct it."""
    olds = {"members": keyed([before])} if before else {"members": members(1)}
    declared = keyed([ANA | {"timezone": "America/Denver"}])
    assert checked(Enerflo, {"members": declared, "max_removals": 1}, olds)[1] == []
    assert team.immutable_changes(Enerflo, Team(), declared, split) == []


# --- the cap ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "of", "most"),
    [
        (None, 0, 3), (None, 30, 3), (None, 31, 4), (None, 1000, 100),
        (0, 50, 0), (5, 50, 5), (5.0, 50, 5), ("5", 50, 5), (" 7 ", 50, 7), (1000, 50, 1000),
        ("10%", 50, 5), ("10%", 59, 5), ("2.5 %", 1000, 25), ("0%", 50, 0), ("100%", 50, 50),
        (-1, 50, None), ("-5%", 50, None), (2.5, 50, None), ("all", 50, None), ("", 50, None), ("%", 50, None),
        (True, 50, None), ("5%%", 50, None), ([5], 50, None), ("1e3", 5000, None), (float("nan"), 50, None),
        ("9" * 9, 50, 999_999_999), ("9" * 10, 50, None), ("9" * 5000, 50, None), ("9" * 5000 + "%", 50, None),
    ],
)  # fmt: skip
def test_how_many_may_leave_is_a_number_or_a_share(given: Any, of: int, most: int | None) -> None:
    assert team.most_removals(given, of) == most


OUT: dict[str, dict[str, Any]] = {
    "enerflo": {"active": False},
    "nexudus": {"active": False},
    "tenovos": {"status": "disabled"},
}


def example_members(vendor: Vendor, count: int) -> dict[str, dict[str, Any]]:
    plain = {k: v for k, v in vendor.example.items() if not vendor.schema[k].secret and k != "email"}
    return {f"p{number:02}@example.com": dict(plain) for number in range(count)}


@pytest.mark.parametrize("how", ["left", "set inactive", "both"])
@pytest.mark.parametrize(("gone", "given"), [(3, None), (4, None), (5, 5), (6, 5), (2, "10%"), (3, "10%"), (1, 0)])
def test_a_team_that_loses_more_than_it_may_is_refused(vendor: Vendor, how: str, gone: int, given: Any) -> None:
    before = example_members(vendor, 20)
    lost = list(before)[:gone]
    after = {key: member | OUT[vendor.name] if key in lost else member for key, member in before.items()}
    leavers = {"left": lost, "set inactive": [], "both": lost[::2]}[how]
    after = {key: member for key, member in after.items() if key not in leavers}
    most = {None: 3, 5: 5, "10%": 2, 0: 0}[given]

    problems = checked(type(vendor), {"members": after, "max_removals": given}, {"members": before})[1]

    told = f"members: {gone} of 20 would leave ({', '.join(lost)}), and at most {most} may in one run; if all of them "
    expected = [] if gone <= most else [f"{told}are meant to go, set max_removals={gone} for it"]
    assert problems == expected


def test_who_is_inactive_already_does_not_leave_when_it_stays_so(vendor: Vendor) -> None:
    inactive = {key: member | OUT[vendor.name] for key, member in example_members(vendor, 20).items()}
    assert checked(type(vendor), {"members": inactive}, {"members": inactive})[1] == []
    assert checked(type(vendor), {"members": inactive})[1] == [], "nor in a new team"


def test_members_that_join_do_not_raise_the_limit_of_removals() -> None:
    olds, news = members(40), {f"new{number}@example.com": {"roles": ["Setter"]} for number in range(500)}
    (problem,) = checked(Enerflo, {"members": news}, {"members": olds})[1]
    first = ", ".join(sorted(olds)[:20])
    assert f"members: 40 of 40 would leave ({first} and 20 more), and at most 4 may in one run" in problem


# --- what would be done -----------------------------------------------------------------------


def team_of(**members: dict[str, Any]) -> Team:
    return Team({f"{name}@x.y": Member(name, made(ENERFLO, {}, {"email": f"{name}@x.y", **arguments}))
                 for name, arguments in members.items()})  # fmt: skip


def plan_of(now: Team, news: dict[str, dict[str, Any]], unconfirmed: frozenset[str] = frozenset()) -> Plan:
    return Plan.of(ENERFLO, now, {f"{name}@x.y": member for name, member in news.items()}, split, unconfirmed)


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        pytest.param(SETTER, SETTER, None, id="nothing"),
        pytest.param(SETTER, {"roles": ["setter"]}, None, id="the same in another spelling"),
        pytest.param(SETTER, {"roles": ["Setter"], "email": "ANA@x.y"}, None, id="the e-mail in another spelling"),
        pytest.param(SETTER | {"office_ids": [5]}, SETTER | {"office_ids": [5.0]}, None, id="a float of the engine"),
        pytest.param(SETTER, {"roles": ["Setter", "Sales Rep"]}, ["roles"], id="a value"),
        pytest.param(SETTER | {"phone": "5550100001"}, SETTER, ["phone"], id="not given any more"),
        pytest.param(SETTER, SETTER | {"timezone": "Asia/Manila"}, ["timezone"], id="given now"),
        pytest.param(SETTER, SETTER | {"first_name": UNKNOWN}, ["first_name"], id="not known yet"),
        pytest.param(
            SETTER | {"first_name": "Ana", "last_name": "Ruiz"},
            SETTER | {"first_name": UNKNOWN, "last_name": "Roig"},
            ["first_name", "last_name"],
            id="known until now",
        ),
    ],
)
def test_a_member_changes_in_the_fields_that_are_to_be_otherwise(
    before: dict[str, Any], after: dict[str, Any], fields: list[str] | None
) -> None:
    plan = plan_of(team_of(ana=before), {"ana": after})
    assert plan.changes == ({"ana@x.y": fields} if fields else {})
    assert bool(plan) is bool(fields)
    assert (plan.size, plan.stays) == ((1, 0) if fields else (0, 1))


def test_a_plan_lists_joins_changes_looks_leaves_and_deletes() -> None:
    now = team_of(ana=SETTER, ben=SETTER, cho=SETTER, dan=SETTER)
    now.leaving = {"eva@x.y": "5"}
    news = {"zoe": SETTER, "fay": SETTER, "ana": SETTER | {"first_name": "Ana"}, "ben": SETTER, "cho": SETTER}

    plan = plan_of(now, news, frozenset({"ana", "cho", "somebody else"}))

    assert plan == Plan(
        joins=["fay@x.y", "zoe@x.y"],
        changes={"ana@x.y": ["first_name"]},
        looks=["cho@x.y"],
        leaves=["dan@x.y"],
        deletes=["eva@x.y"],
        stays=1,
    )
    assert plan.size == 6


def test_who_is_back_is_not_deleted() -> None:
    now = team_of()
    now.leaving = {"eva@x.y": "5"}
    plan = plan_of(now, {"eva": SETTER})
    assert (plan.joins, plan.deletes) == (["eva@x.y"], [])


def test_a_plan_is_told_with_counts_names_and_fields() -> None:
    now = team_of(ana=SETTER, ben=SETTER, cho=SETTER)
    now.leaving = {"eva@x.y": "5"}
    plan = plan_of(now, {"zoe": SETTER, "ana": SETTER | {"first_name": "Ana", "phone": "5550100001"}, "ben": SETTER})
    assert team.describe("sales", plan, None) == [
        "sales: 1 join, 1 change, 1 leave, 1 be deleted for good; 1 stay as they are",
        "sales: join: zoe@x.y",
        "sales: change: ana@x.y (first_name, phone)",
        "sales: leave (deactivated): cho@x.y",
        "sales: deleted for good, as they left earlier: eva@x.y",
    ]


@pytest.mark.parametrize(
    ("on_leave", "told"),
    [
        (None, "deactivated"),
        ("deactivate", "deactivated"),
        ("retain", "left as they are"),
        ("delete", "deactivated, and deleted by the next run"),
    ],
)
def test_it_is_told_what_becomes_of_who_leaves(on_leave: str | None, told: str) -> None:
    assert team.describe("sales", plan_of(team_of(ana=SETTER), {}), on_leave)[1] == f"sales: leave ({told}): ana@x.y"


@pytest.mark.parametrize(("on_leave", "is_told"), [(None, True), ("delete", True), ("retain", False)])
def test_adopted_members_who_are_deactivated_are_told(on_leave: str | None, is_told: bool) -> None:
    now = team_of(ana=SETTER, ben=SETTER)
    ben = now.members["ben@x.y"]
    now.members["ben@x.y"] = Member(ben.id, replace(ben.state, adopted=True))
    lines = team.describe("sales", plan_of(now, {}), on_leave)[2:]
    assert lines == [
        "sales: of these, accounts that were there before seatwise are deactivated as well (a `User` or `Person` would "
        'leave them active): ben@x.y; on_leave="retain" leaves them as they are'
    ] * is_told  # fmt: skip


@pytest.mark.parametrize(("count", "ends"), [(20, "p19@x.y"), (21, "p19@x.y and 1 more"), (1500, "and 1,480 more")])
def test_the_first_twenty_of_each_kind_are_told(count: int, ends: str) -> None:
    plan = plan_of(team_of(), {f"p{number:02}": SETTER for number in range(count)})
    summary, joins = team.describe("sales", plan, None)
    assert summary == f"sales: {count:,} join; 0 stay as they are"
    assert joins.startswith("sales: join: p00@x.y, p01@x.y, ")
    assert joins.endswith(ends)
    assert joins.count("@x.y") == 20


@pytest.mark.parametrize(
    ("count", "counts", "line"),
    [
        (1, {}, "sales: 1 failed, and the next `pulumi up` tries them again: p0@x.y: taken."),
        (
            2,
            {"not_tried": 1200.0},
            "sales: 2 failed, and the next `pulumi up` tries them again: p0@x.y: taken.; p1@x.y: taken.; "
            "1,200 others were not tried",
        ),
    ],
)
def test_who_failed_and_why_is_one_line(count: int, counts: dict[str, int], line: str) -> None:
    assert team.failures("sales", {f"p{number}@x.y": "taken." for number in range(count)}, counts) == line


def test_the_first_twenty_failures_are_told() -> None:
    line = team.failures("sales", {f"p{number}@x.y": "taken." for number in range(1021)}, {"not_tried": 0})
    assert line.startswith("sales: 1,021 failed")
    assert line.endswith("p19@x.y: taken.; and 1,001 more")
