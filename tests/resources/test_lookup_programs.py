"""Look-ups as a program makes them: outputs, settings, providers and errors, without the engine."""

import asyncio
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pulumi
import pytest
from pulumi import Output
from pulumi.runtime.settings import SETTINGS

from conftest import Sandbox, refusal
from seatwise import enerflo, nexudus, tenovos
from seatwise.core.account.properties import OWNER
from seatwise.dynamic import load
from seatwise.dynamic.base import TENANTS
from seatwise.wire import loop

pytestmark = pytest.mark.usefixtures("settings")
Providers = Callable[..., enerflo.Provider]
MARKETING = "7d6207c1-f423-11e9-8071-89c0c4052141"


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Connections of one test serve no other, and the SDK does not remember what failed."""
    yield
    SETTINGS.outputs.clear()
    while TENANTS:
        loop.call(TENANTS.pop().aclose)


def run(program: Callable[[], Any]) -> Any:
    """The value of the output that a program makes; "secret" or "unknown" where it is that."""

    async def main() -> Any:
        output = Output.from_input(program())
        if not await output.is_known():
            return "unknown"
        return "secret" if await output.is_secret() else await output.future()

    return asyncio.run(main())


def unknown() -> Output[Any]:
    """What a resource that is not there yet will say."""

    async def value() -> Any:
        return None

    async def is_known() -> bool:
        return False

    return Output(set(), value(), is_known())


def make(vendor: str, **values: Any) -> str:
    """The id of a new account, with the vendor's example for what is not given."""
    door = load(f"{vendor}:User")
    example = {name: value for name, value in door.vendor.example.items() if name != "password"}
    return door.create(door.check({}, example | values | {OWNER: ""}).inputs).id


def test_a_list_and_an_id_are_outputs() -> None:
    assert run(enerflo.get_offices)[0] == enerflo.Office(12, "Denver")
    assert run(lambda: enerflo.office_id("Phoenix")) == 13
    assert run(lambda: nexudus.role_id("front desk")) == 77
    assert run(lambda: tenovos.group_id("Marketing")) == MARKETING
    assert [each.name for each in run(nexudus.get_businesses)] == ["Downtown", "Uptown"]
    assert [each.name for each in run(tenovos.get_groups)] == ["Everyone", "Marketing"]
    assert run(lambda: nexudus.business_id("uptown")) == 2
    assert [each.id for each in run(lambda: nexudus.get_user_roles(business=nexudus.business_id("Uptown")))] == [79, 80]
    assert [each.id for each in run(lambda: nexudus.get_user_roles(business=2.0))] == [79, 80]  # type: ignore[arg-type]


def test_users_are_outputs() -> None:
    ana, eve = make("enerflo"), make("enerflo", email="eve@example.com", roles=["Setter"])
    assert run(lambda: enerflo.get_user(email="Ana@example.com").id) == ana
    assert run(lambda: enerflo.get_user("eve@example.com")).roles == ["Setter"]
    assert [each.id for each in run(lambda: enerflo.get_users(role="Setter", active=True))] == [eve]
    host = make("nexudus")
    assert run(lambda: nexudus.get_user("ana@example.com")).user_roles == [77]
    assert [each.id for each in run(lambda: nexudus.get_users(active=True))] == [host]
    editor = make("tenovos")
    assert run(lambda: tenovos.get_user("ana@example.com")).id == editor


def test_a_flag_of_a_look_up_may_be_text_and_must_be_a_flag() -> None:
    ana = make("enerflo")
    assert [each.id for each in run(lambda: enerflo.get_users(active=Output.from_input("yes")))] == [ana]  # type: ignore[arg-type]
    assert run(lambda: enerflo.get_users(active="false")) == []  # type: ignore[arg-type]
    with pytest.raises(pulumi.RunError, match=r"^Nexudus users: active must be true or false$"):
        run(lambda: nexudus.get_users(active="perhaps"))  # type: ignore[arg-type]


def test_api_1_5_of_tenovos_has_users_and_roles(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.5")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{sandbox.url}/tenovos-1.5")
    editor = make("tenovos", user_role_name="Librarian")
    assert [each.name for each in run(tenovos.get_roles)] == ["End user", "Librarian", "Administrator"]
    found = run(lambda: tenovos.get_users(user_role_id=tenovos.role_id("librarian"), active=True))
    assert run(lambda: tenovos.get_users(active="yes")) == found  # type: ignore[arg-type]
    assert [(each.id, each.username) for each in found] == [(editor, "ana")]


def test_one_run_asks_for_a_list_once_and_the_next_again(sandbox: Sandbox) -> None:
    sandbox.mark()
    for times in (1, 2):
        run(lambda: [enerflo.office_id(name) for name in ("Denver", "Phoenix", "Salt Lake City") * 10])
        assert sandbox.calls("enerflo") == ["GET /api/v3/offices"] * times


def test_an_unknown_name_gives_an_unknown_id(sandbox: Sandbox) -> None:
    assert run(lambda: enerflo.office_id(Output.from_input("Denver"))) == 12
    sandbox.mark()
    assert run(lambda: enerflo.office_id(unknown())) == "unknown"
    assert run(lambda: enerflo.get_users(role=unknown())) == "unknown"
    assert sandbox.calls() == []


def test_what_is_asked_with_a_secret_is_one() -> None:
    assert run(lambda: enerflo.office_id(Output.secret("Phoenix"))) == "secret"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (lambda: enerflo.office_id("Boise"), 'Enerflo office "Boise": not found; known: "Denver" or'),
        (lambda: nexudus.role_id("Front dsk"), 'Nexudus user role "Front dsk": not found; did you mean "Front desk"?'),
        (lambda: enerflo.get_user("ana@example.com"), "Enerflo ana@example.com: no user has this e-mail"),
        (tenovos.get_roles, "Tenovos roles: this API has no such list. Set TENOVOS_API_VERSION=1.5"),
        (lambda: tenovos.get_users(active=True), "Tenovos: this API has no list of users. Set TENOVOS_API_VERSION=1.5"),
    ],
)
def test_what_goes_wrong_ends_the_program_with_one_line(question: Callable[[], Any], said: str) -> None:
    line = refusal(lambda: run(question))
    assert line.startswith(said)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("question", "value"),
    [
        (enerflo.get_user, "ana@example.com"),
        (enerflo.get_user, "a@b"),
        (enerflo.get_user, "not an address"),
        (enerflo.office_id, "Denvr"),
        (nexudus.business_id, "Dow"),
        (lambda value: nexudus.role_id("Front desk", business=value), "Upptown"),
        (tenovos.group_id, "Marketin"),
    ],
)
def test_a_failure_names_no_argument_that_is_secret(question: Callable[..., Any], value: str) -> None:
    line = refusal(lambda: run(lambda: question(Output.secret(value))))
    assert not re.search(rf"(?<!\w){re.escape(value)}", line, re.IGNORECASE), line


def other(value: Any, wrong: Any) -> Any:
    """The value, or a wrong one where a business, or an argument that may be left out, can be that value."""
    return wrong if value in (5, None) else value


WRONG = [5, True, None, ["a"], {"a": 1}, float("nan"), b"a", "\ud800", {"a"}]


@pytest.mark.parametrize(
    ("vendor", "name", "question"),
    [
        ("Enerflo", "email", enerflo.get_user),
        ("Enerflo", "name", enerflo.office_id),
        ("Nexudus", "email", nexudus.get_user),
        ("Nexudus", "name", nexudus.role_id),
        ("Nexudus", "name", nexudus.business_id),
        ("Tenovos", "email", tenovos.get_user),
        ("Tenovos", "name", tenovos.group_id),
        ("Tenovos", "name", tenovos.role_id),
        ("Enerflo", "role", lambda value: enerflo.get_users(role=other(value, 5))),
        ("Tenovos", "group", lambda value: tenovos.get_users(group=other(value, 5))),
        ("Tenovos", "user_role_id", lambda value: tenovos.get_users(user_role_id=other(value, 5))),
        ("Nexudus", "business", lambda value: nexudus.get_user_roles(business=other(value, 1.5))),
        ("Nexudus", "business", lambda value: nexudus.role_id("a", business=other(value, 1.5))),
    ],
)
def test_an_argument_of_a_wrong_type_is_named_in_one_line(vendor: str, name: str, question: Callable[..., Any]) -> None:
    for value in WRONG:
        with pytest.raises(pulumi.RunError, match=rf"^{vendor}: {name} (must be text|contains)[^\n]*$"):
            run(partial(question, value))


def test_a_provider_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"^provider must be enerflo\.Provider\(\.\.\.\)$"):
        run(lambda: enerflo.get_offices(provider="west"))  # type: ignore[arg-type]


@pytest.mark.parametrize("vendor", ["enerflo", "nexudus", "tenovos"])
def test_for_a_secret_repeated_e_mail_only_resources_are_named(vendor: str) -> None:
    """A program may call it a secret, of which the provider hears nothing."""
    door = load(f"{vendor}:User")
    inputs = {name: value for name, value in door.vendor.example.items() if name != "password"}
    first, second = (door.check({}, {**inputs, OWNER: f"/p/s//{name}"}) for name in "ab")
    assert not first.failures
    said = "email is declared by s/a as well: one resource owns an account"
    assert [each.reason for each in second.failures] == [said]


def test_the_stacks_config_comes_before_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENERFLO_API_KEY")
    with pytest.raises(pulumi.RunError, match="set ENERFLO_API_KEY in the environment, or"):
        run(enerflo.get_offices)
    monkeypatch.setenv("ENERFLO_API_KEY", "not-this-one")
    monkeypatch.setenv("PULUMI_CONFIG", f'{{"enerflo:apiKey": "{sandbox.environment["ENERFLO_API_KEY"]}"}}')
    assert run(lambda: enerflo.office_id("Denver")) == 12


# --- another tenant ---------------------------------------------------------------------------


@pytest.fixture
def provider(west: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., enerflo.Provider]:
    """Makes providers of the other company's tenant, which no engine hears of."""
    monkeypatch.setattr(pulumi.ProviderResource, "__init__", lambda *_: None)
    given: dict[str, Any] = {"base_url": f"{west.url}/enerflo", "requests_per_minute": 0}
    key = {"api_key": "sandbox-enerflo-key"}
    return lambda **others: enerflo.Provider("west", **given, **(others or key))


def test_a_provider_selects_the_tenant(sandbox: Sandbox, west: Sandbox, provider: Providers) -> None:
    sandbox.mark()
    assert run(lambda: enerflo.office_id("Denver", provider=provider())) == 12
    assert west.calls() == ["GET /api/v3/offices"]
    assert sandbox.calls() == []
    key = "sandbox-enerflo-key"
    found = run(lambda: enerflo.office_id("Denver", provider=provider(api_key=Output.secret(key))))
    assert found == 12, "a secret key makes no secret result"


def test_a_provider_takes_settings_from_the_variables_it_names(
    provider: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEST_KEY", "sandbox-enerflo-key")
    monkeypatch.setenv("ENERFLO_API_KEY", "not-this-one")
    assert run(lambda: enerflo.office_id("Denver", provider=provider(env={"api_key": "WEST_KEY"}))) == 12


def test_look_ups_follow_the_providers_rules_of_credentials(
    sandbox: Sandbox, west: Sandbox, provider: Providers
) -> None:
    sandbox.mark()
    with pytest.raises(pulumi.RunError, match="the variable WEST_KEY, which env= of the Provider names for api_key"):
        run(lambda: enerflo.office_id("Denver", provider=provider(env={"api_key": "WEST_KEY"})))
    with pytest.raises(pulumi.RunError, match="api_key of the Provider has no value"):
        run(lambda: enerflo.office_id("Denver", provider=provider(api_key=Output.secret(None))))
    with pytest.raises(pulumi.RunError, match="give the Provider api_key="):
        run(lambda: enerflo.office_id("Denver", provider=provider(deadline=60)))
    assert west.calls() == sandbox.calls() == []


def test_a_provider_has_no_other_settings_than_the_vendors(provider: Providers) -> None:
    with pytest.raises(pulumi.RunError, match=r"enerflo\.Provider has no setting api_kye, deadlin"):
        provider(api_kye="k", env={"deadlin": "SECONDS"})


def test_a_provider_whose_key_is_unknown_gives_an_unknown_answer(provider: Providers) -> None:
    assert run(lambda: enerflo.office_id("Denver", provider=provider(api_key=unknown()))) == "unknown"


def test_a_provider_of_another_vendor_is_refused(provider: Callable[..., Any]) -> None:
    with pytest.raises(pulumi.RunError, match="a provider of enerflo cannot look things up at nexudus"):
        run(lambda: nexudus.get_businesses(provider=provider()))


def test_a_provider_that_is_exported_shows_no_credential(provider: Providers) -> None:
    """The SDK exports what has no underscore before its name."""
    assert run(lambda: [name for name in vars(provider()) if not name.startswith("_")]) == []
