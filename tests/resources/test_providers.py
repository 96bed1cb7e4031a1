"""What a program may say of a `Provider`, and whose resources it may be given to: all refused before any request."""

from typing import Any

import pulumi
import pytest
from pulumi import Output

from conftest import refusal
from resources import mocked
from seatwise import enerflo, nexudus, tenovos

pytestmark = pytest.mark.usefixtures("a_program_runs")
MAIN = "https://main.example"
KEY: dict[str, Any] = {"api_key": "key"}


@pytest.fixture(autouse=True)
def _main_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the main tenant, and no engine that hears of providers."""
    for name, value in {"ENERFLO_API_KEY": "main-key", "ENERFLO_BASE_URL": f"{MAIN}/", "WEST_URL": MAIN}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(pulumi.ProviderResource, "__init__", lambda *_: None)


# --- what is named has a value ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"api_key": None}, "api_key"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": None, "base_url": "https://west.example"}, "api_key"),
        (KEY | {"base_url": None}, "base_url"),
        (KEY | {"tenant": ""}, "tenant"),
        ({"deadline": None, "proxy": None}, "deadline, proxy"),
        ({"env": None}, "env"),
        ({"env": {"api_key": None}}, "env={'api_key': ...}"),
        ({"env": {"api_key": ""}}, "env={'api_key': ...}"),
    ],
    ids=str,
)
def test_an_argument_without_a_value_is_named(given: dict[str, Any], named: str) -> None:
    line = refusal(lambda: enerflo.Provider("west", **given))
    assert line.startswith(f"enerflo.Provider west: {named} has no value. Give it a value")


@pytest.mark.parametrize("env", [["api_key"], "WEST_KEY", 5])
def test_variables_that_are_no_mapping_are_one_line(env: Any) -> None:
    with pytest.raises(pulumi.RunError, match=r"enerflo\.Provider west: env must say which variable has which setting"):
        enerflo.Provider("west", env=env)


def test_the_process_gets_the_names_of_output_arguments() -> None:
    outputs: dict[str, Any] = {"tenant": Output.from_input("west"), "password": Output.secret(None)}
    west: Any = nexudus.Provider("west", username="ana", **outputs)
    assert west.given("nexudus")["nexudus:provider"]["outputs"] == ["password", "tenant"]


def test_a_provider_without_outputs_is_stored_as_before() -> None:
    west: Any = enerflo.Provider("west", tenant="west", env={"api_key": "WEST_KEY"})
    assert west.given("enerflo")["enerflo:provider"] == {"env": {"api_key": "WEST_KEY"}, "from_config": []}


# --- two tenants at one base URL --------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        KEY,
        {"env": {"api_key": "WEST_KEY"}},
        KEY | {"base_url": MAIN},
        KEY | {"base_url": f"{MAIN.upper()}//"},
        KEY | {"env": {"base_url": "WEST_URL"}},
    ],
    ids=str,
)
def test_own_credentials_at_the_main_base_url_need_a_tenant(given: dict[str, Any]) -> None:
    with pytest.raises(pulumi.RunError, match='give it tenant="a name of yours"') as caught:
        enerflo.Provider("west", **given)
    assert f'its accounts of before stay with tenant="{MAIN}"' in str(caught.value)
    enerflo.Provider("west", tenant="west", **given)


def test_a_default_and_a_configured_base_url_are_the_main_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENERFLO_BASE_URL")
    with pytest.raises(pulumi.RunError, match=r'tenant="https://enerflo\.io"'):
        enerflo.Provider("west", base_url="https://enerflo.io", api_key="key")
    monkeypatch.setenv("PULUMI_CONFIG", '{"enerflo:baseUrl": "https://config.example"}')
    with pytest.raises(pulumi.RunError, match=r'tenant="https://config\.example"'):
        enerflo.Provider("west", api_key="key")


def test_a_main_tenant_without_a_base_url_is_not_named() -> None:
    with pytest.raises(pulumi.RunError, match=r'tenant="a name of yours"$'):
        tenovos.Provider("west", api_key="key")


@pytest.mark.parametrize("given", [KEY | {"base_url": "https://west.example"}, {"deadline": 60}, {}], ids=str)
def test_what_cannot_be_mistaken_needs_no_tenant(given: dict[str, Any]) -> None:
    enerflo.Provider("main", **given)


def test_a_base_url_that_is_an_output_is_looked_at_when_known() -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> Output[Any]:
        west = enerflo.Provider("west", base_url=Output.from_input(MAIN), api_key="key")
        return Output.from_input(west.given("enerflo")["enerflo:baseUrl"])

    with pytest.raises(pulumi.RunError, match='give it tenant="a name of yours"'):
        program()


# --- another vendor's provider ----------------------------------------------------------------

PROGRAM = """
errors = {}

@pulumi.runtime.test
def program():
    west = nexudus.Provider("west")
    east = enerflo.Provider("east")
    team = pulumi.ComponentResource("my:office:Team", "team", None, ResourceOptions(provider=west))
    user = lambda opts: enerflo.User("ana", email="ana@example.com", roles=["Setter"], opts=opts)
    seat = lambda opts=None, **given: seatwise.Person("ana", email="ana@example.com", first_name="Ana", opts=opts,
        accounts=[enerflo.Account(roles=["Setter"], **given)])
    for name, declare in {
        "user": lambda: user(ResourceOptions(provider=west)),
        "user, providers": lambda: user(ResourceOptions(providers=[west])),
        "user, parent": lambda: user(ResourceOptions(parent=team)),
        "get": lambda: enerflo.User.get("ana", "1", ResourceOptions(provider=west)),
        "roster": lambda: seatwise.Roster("ana", vendor=enerflo, members=[], opts=ResourceOptions(provider=west)),
        "account": lambda: enerflo.Account(roles=["Setter"], provider=west),
        "account, opts": lambda: enerflo.Account(roles=["Setter"], opts=ResourceOptions(provider=west)),
        "person": lambda: seat(ResourceOptions(provider=west)),
        "own": lambda: user(ResourceOptions(provider=east)),
        "own, below another": lambda: user(ResourceOptions(parent=team, provider=east)),
        "person, own": lambda: seat(provider=east),
    }.items():
        try:
            declare()
        except pulumi.RunError as error:
            errors[name] = str(error)

program()
print(json.dumps(errors))
"""


def test_a_provider_of_another_vendor_is_refused_everywhere() -> None:
    """One program for all of it: starting one takes longer than running it."""
    refused = ["user", "user, providers", "user, parent", "get", "roster", "account", "account, opts", "person"]
    said = (
        "this is of enerflo, and its provider west is one of nexudus: "
        'give it one of enerflo (enerflo.Provider("main") is the main tenant)'
    )
    errors = mocked.run(PROGRAM)
    assert {name: message[-len(said) :] for name, message in errors.items()} == dict.fromkeys(refused, said)
