"""A person as a program declares one: what the accounts are given, their names, and what is refused."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pulumi
import pytest

import seatwise
from conftest import refusal
from resources import mocked
from seatwise.files.people import load
from seatwise.resources.fields import declared_arguments
from seatwise.resources.person import today
from seatwise.resources.user import PersonAccount
from seatwise.vendors import enerflo, module_named, names, nexudus, tenovos

PROGRAM = """
ids = {}

@pulumi.runtime.test
def program():
    west = enerflo.Provider("west", base_url="https://west.example.com", api_key="key")
    persons = PERSONS
    return pulumi.Output.all(*(each.ids for each in persons)).apply(lambda found: ids.update(enumerate(found)))

program()
print(json.dumps([Engine.resources, ids]))
"""


def declared(*persons: str) -> tuple[dict[str, dict[str, Any]], list[dict[str, str]]]:
    """What the engine is given of these persons' resources, by type and name, and each person's ids."""
    resources, ids = mocked.run(PROGRAM.replace("PERSONS", f"[{', '.join(persons)}]"))
    return resources, [*ids.values()]


def test_the_accounts_of_persons_are_what_the_engine_is_given() -> None:
    """One program for all of it: starting one takes longer than running it."""
    resources, ids = declared(
        "seatwise.Person('ana', email='ana@example.com', first_name='Ana', last_name=pulumi.Output.from_input('Ruiz'),"
        " accounts=[enerflo.Account(roles=['Setter'], email='ana@sales.example.com'), nexudus.Account(language=2)])",
        "seatwise.Person('ben', email='ben@example.com', active=pulumi.Output.from_input(False),"
        " accounts=[enerflo.Account(roles=['Setter'], provider=west), enerflo.Account(roles=['Setter'], active=True)])",
        "seatwise.Person('cleo', email='cleo@example.com', active=pulumi.Output.from_input(True),"
        " accounts=[enerflo.Account(roles=['Setter'], active=False)])",
        "seatwise.Person('dan', email='dan@example.com', expires='2020-01-31',"
        " accounts=[enerflo.Account(roles=['Setter'], opts=pulumi.ResourceOptions(provider=west))])",
        "seatwise.Person('eva', email='eva@example.com', accounts=[])",
    )
    assert "seatwise:index:Person ana" in resources, "the type that states have"
    ana = resources["enerflo:User ana"]
    assert (ana["email"], ana["first_name"], ana["active"]) == ("ana@sales.example.com", "Ana", True)
    assert ana["__owner"] == "/project/stack/seatwise%3Aindex%3APerson/ana", "another one than a top-level `ana`"
    assert resources["nexudus:User ana"]["full_name"] == "Ana Ruiz"
    assert resources["enerflo:User ben"]["active"] is False, "who is retired is so whatever the account says"
    assert resources["enerflo:User ben-west"]["active"] is False
    assert resources["enerflo:User cleo"]["active"] is False, "an account's own word wins otherwise"
    assert resources["enerflo:User dan-west"]["active"] is False
    assert ids == [
        {"enerflo": "id of ana", "nexudus": "id of ana"},
        {"enerflo-west": "id of ben-west", "enerflo": "id of ben"},
        {"enerflo": "id of cleo"},
        {"enerflo-west": "id of dan-west"},
        {},
    ]


GIVEN = ["false", " No ", "OFF", 0, False, "true", "yes", 1, True]


def test_an_output_for_active_means_what_the_plain_value_means() -> None:
    accounts = "[enerflo.Account(roles=['Setter']), nexudus.Account(language=2), tenovos.Account()]"
    resources, _ = declared(
        *(
            f"seatwise.Person('p{number}', email='p{number}@example.com', first_name='P', last_name='P',"
            f" active=pulumi.Output.from_input({given!r}), accounts={accounts})"
            for number, given in enumerate(GIVEN)
        )
    )
    fields = {"enerflo": "active", "nexudus": "active", "tenovos": "status"}
    found = [
        tuple(resources[f"{vendor}:User p{number}"][field] for vendor, field in fields.items())
        for number in range(len(GIVEN))
    ]
    assert found == [(False, False, "disabled")] * 5 + [(True, True, "enabled")] * 4


NO_FLAGS = """
errors = []
for given in ["perhaps", "", None, 2, [True]]:
    @pulumi.runtime.test
    def program():
        active = pulumi.Output.from_input(given)
        accounts = [enerflo.Account(roles=["Setter"])]
        return seatwise.Person("ana", email="ana@example.com", active=active, accounts=accounts).ids
    try:
        program()
    except pulumi.RunError as error:
        errors.append(str(error))
print(json.dumps(errors))
"""


def test_an_output_for_active_that_is_not_a_flag_is_an_error() -> None:
    """One program for all of it: starting one takes longer than running it."""
    assert mocked.run(NO_FLAGS) == ["ana: active: must be true or false"] * 5


# --- what is refused --------------------------------------------------------------------------


def refused(*accounts: PersonAccount, **arguments: Any) -> str:
    """Return the message for an invalid person; nothing is registered, because there is no engine."""
    return refusal(lambda: seatwise.Person("ana", accounts=accounts, **{"email": "ana@example.com", **arguments}))


def rep(**arguments: Any) -> PersonAccount:
    return enerflo.Account(roles=["Setter"], **arguments)


REP, NAME = rep(), {"first_name": "A", "last_name": "R"}
PHONE = "phone: must have ten digits, such as 555-555-5555 (Enerflo)"


@pytest.mark.parametrize(
    ("accounts", "arguments", "said"),
    [
        ([], {"email": "ana"}, "email: is not an e-mail address"),
        ([REP, tenovos.Account()], {"email": "ana", "phone": "1", **NAME}, f"email: is not an e-mail address; {PHONE}"),
        ([rep(phone="1")], {"phone": "5550100001"}, "enerflo.phone: must have ten digits, such as 555-555-5555"),
        ([tenovos.Account()], {"first_name": "Ana"}, "last_name: is required (Tenovos)"),
        ([nexudus.Account(full_name="Ana")], {}, "nexudus.language: is required"),  # type: ignore[call-arg]
        ([rep(nick="x")], {}, "enerflo.nick: is not an argument of this resource"),
        ([rep(frst_name="x")], {}, "enerflo.frst_name: is not an argument of this resource; did you mean first_name?"),
        ([REP, REP], {}, "accounts: enerflo is there 2 times; a second tenant has a provider of its own"),
        ([enerflo.User], {}, "accounts: item 0 is not an account of a vendor, such as enerflo.Account(...)"),
        ([], {"active": "perhaps"}, "active: must be true or false"),
        ([], {"expires": "soon"}, "expires: must be a date such as 2027-01-31"),
        ([], {"expires": datetime(2027, 1, 31, 9)}, "expires: must be a date such as"),
    ],
)
def test_a_problem_is_one_line_with_person_and_argument(
    accounts: list[PersonAccount], arguments: dict[str, Any], said: str
) -> None:
    line = refused(*accounts, **arguments)
    assert line.startswith(f"ana: {said}")
    assert "\n" not in line


def test_an_empty_cell_of_a_spreadsheet_is_not_given() -> None:
    """NaN is what pandas has for one; NaT, for a day, is a date that is unlike itself."""

    class NaT(datetime):
        def __ne__(self, other: object) -> bool:
            return True

    nan: Any = float("nan")
    resources, _ = declared(
        "seatwise.Person('ana', email='ana@example.com', first_name='Ana', last_name=float('nan'),"
        " phone=float('nan'), accounts=[enerflo.Account(roles=['Setter'], first_name=float('nan'))])",
        "enerflo.User('ben', email='ben@example.com', roles=['Setter'], phone=float('nan'))"
        ".id.apply(lambda _: None) and seatwise.Person('eva', email='eva@example.com', accounts=[])",
    )
    ana = resources["enerflo:User ana"]
    assert (ana["first_name"], ana.get("last_name"), ana.get("phone"), ana["active"]) == ("Ana", None, None, True)
    assert resources["enerflo:User ben"].get("phone") is None
    said = refused(tenovos.Account(), first_name="Ana", last_name=nan, active=nan, expires=NaT(2027, 1, 31))
    assert said == "ana: last_name: is required (Tenovos)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"manager_id": 2**53}, "ana: manager_id must be at most 9,007,199,254,740,991: a larger number is changed on"),
        ({"office_ids": [1, 2**60]}, "ana: office_ids item 1: must be at most 9,007,199,254,740,991: a larger number"),
        ({"first_name": "Ana \ud83d"}, "ana: first_name contains U+D83D LONE SURROGATE: take it out"),
        ({"password": "a\x00"}, "ana: password contains U+0000 CONTROL CHARACTER: take it out"),
    ],
)
def test_what_the_engine_would_change_is_refused_before_it_does(arguments: dict[str, Any], said: str) -> None:
    line = refusal(lambda: enerflo.User("ana", email="ana@example.com", roles=["Sales Rep"], **arguments))
    assert line.startswith(said)


def test_a_person_from_a_file_is_refused_with_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("name,email,enerflo\nana,ana@example.com,yes\n")
    (ana,) = load("people.csv")
    assert refusal(lambda: seatwise.Person(**ana)) == "ana (people.csv, row 2): enerflo.roles: is required"


@pytest.mark.parametrize("accounts", [enerflo.Account(roles=["Setter"]), "enerflo", None, {"enerflo": {}}])
def test_accounts_that_are_no_list_are_one_line(accounts: Any) -> None:
    line = refusal(lambda: seatwise.Person("ana", email="ana@example.com", accounts=accounts))
    assert line == "ana: accounts: must be a list, such as [enerflo.Account(...)]"


def test_accounts_that_are_known_later_are_one_line() -> None:
    person = "seatwise.Person('ana', email='ana@example.com', accounts=pulumi.Output.from_input([]))"
    said = mocked.failed(PROGRAM.replace("PERSONS", f"[{person}]"))
    assert "ana: accounts: must be known when the program runs: a list, such as [enerflo.Account(...)]" in said


def test_today_can_be_another_day_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATWISE_TODAY", "2027-02-01")
    assert today() == date(2027, 2, 1)
    monkeypatch.setenv("SEATWISE_TODAY", "soon")
    with pytest.raises(pulumi.RunError, match=r"^SEATWISE_TODAY must be a day such as 2027-01-31$"):
        today()


# --- types ------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", names())
def test_an_account_has_a_users_arguments_some_optional(vendor: str) -> None:
    module = module_named(vendor)
    if not hasattr(module, "Account"):
        pytest.skip(f"{module.VENDOR.title} has no accounts for people")
    arguments = declared_arguments(module.Account)
    assert {*arguments} == {field.name for field in module.VENDOR.schema.arguments()}
    required = {name for name, each in declared_arguments(module.User).items() if each.required}
    left_out = required - {name for name, each in arguments.items() if each.required}
    assert left_out <= module.VENDOR.described.keys()
    assert {*module.VENDOR.reactivation} == {*module.VENDOR.deactivation}
