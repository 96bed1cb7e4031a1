"""What is true of every vendor's file, and of every account through Pulumi's own door."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import fields
import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.output import Unknown

from conftest import Sandbox
from operations import through_the_engine
from seatwise.core.account.properties import OWNER
from seatwise.core.vendor.fields import Takes
from seatwise.dynamic import DynamicProvider, load
from seatwise.resources.fields import ListArg, declared_arguments
from seatwise.resources.user import AccountArgs, UserResource, outputs_of
from seatwise.vendors import module_named, names
from seatwise.wire import loop

RESERVED = {"id", "urn", "opts", "resource_name"}
OWNED = {OWNER: ""}


@pytest.fixture(params=names())
def module(request: pytest.FixtureRequest) -> ModuleType:
    return module_named(request.param)


@pytest.fixture
def door(module: ModuleType, sandbox: Sandbox, settings: None) -> Iterator[DynamicProvider]:
    if module.VENDOR.name not in {name.split("_")[0].lower() for name in sandbox.environment}:
        pytest.skip(
            f"the sandbox has no stand-in for {module.VENDOR.title}: add seatwise/sandbox/{module.VENDOR.name}.py"
        )
    door = load(f"{module.VENDOR.name}:User")
    door._config = Config({}, "test").get  # as `configure` does, which is for the host's process only
    yield door
    if door._tenant is not None:
        loop.call(door._tenant.aclose)


# --- the file ---------------------------------------------------------------------------------


def test_the_file_is_named_like_the_vendor_and_its_type(module: ModuleType) -> None:
    assert module.__name__.rpartition(".")[2] == module.VENDOR.name
    assert issubclass(module.User, UserResource)
    assert module.User._resource_type_name == f"dynamic/seatwise/{module.VENDOR.name}:User"
    assert module.VENDOR.settings_type.vendor == module.VENDOR.name


def test_every_field_has_a_docstring(module: ModuleType) -> None:
    lines = fields.documented(module.UserArgs) | fields.documented(module.User) | fields.documented(AccountArgs)
    assert [name for name in module.VENDOR.schema if name not in lines] == []


def test_the_pages_it_follows_are_linked(module: ModuleType) -> None:
    assert "https://" in (module.__doc__ or "")
    assert "https://" in (module.User.__doc__ or "")


def test_every_argument_that_is_not_a_secret_is_an_output(module: ModuleType) -> None:
    schema = module.VENDOR.schema
    arguments = {*declared_arguments(module.UserArgs)} - {*declared_arguments(AccountArgs)}
    outputs = set(outputs_of(module.User))
    assert arguments - outputs == {name for name in arguments if schema[name].secret}


def test_no_field_has_a_name_that_pulumi_keeps_for_itself(module: ModuleType) -> None:
    assert [name for name in module.VENDOR.schema if name in RESERVED or name.startswith("__")] == []


def test_every_unreadable_argument_is_named_in_the_documentation(module: ModuleType) -> None:
    fields = module.VENDOR.schema.values()
    unreadable = [each.name for each in fields if each.takes and not (each.is_readable or each.secret or each.delta)]
    assert [name for name in unreadable if f"`{name}`" not in module.User.__doc__] == []


def test_retiring_is_something_an_update_takes(module: ModuleType) -> None:
    schema = module.VENDOR.schema
    assert all(schema[name].takes & Takes.UPDATE for name in module.VENDOR.deactivation)


def test_the_examples_are_what_the_tests_need(module: ModuleType) -> None:
    """A change of what the example declares; "Anna" is looked for in the vendor's records."""
    example, change = module.VENDOR.example, module.VENDOR.example_change
    assert change.keys() <= example.keys()
    assert any("Ana" in str(example[name]) and "Anna" in str(value) for name, value in change.items())


# --- the account, through the door ------------------------------------------------------------


def checked(door: DynamicProvider, olds: dict[str, Any], **values: Any) -> dict[str, Any]:
    result = door.check(olds, {**door.vendor.example, **values, **OWNED})
    assert [failure.reason for failure in result.failures] == []
    return result.inputs


def test_an_account_is_as_declared_after_every_operation(door: DynamicProvider, sandbox: Sandbox) -> None:
    vendor = door.vendor.name
    inputs = through_the_engine(checked(door, {}))
    assert sandbox.requests() == [], "a preview of a new account asks nobody anything"
    created = door.create(inputs)
    outs = through_the_engine(created.outs)
    assert list(sandbox.accounts(vendor)) == [created.id]
    assert door.diff(created.id, outs, inputs).changes is False

    found = door.read(created.id, outs)
    assert through_the_engine(found.outs) == outs
    assert through_the_engine(found.inputs) == inputs

    changed = through_the_engine(checked(door, inputs, **door.vendor.example_change))
    assert door.diff(created.id, outs, changed).changes is True
    outs = through_the_engine(door.update(created.id, outs, changed).outs)
    assert door.diff(created.id, outs, changed).changes is False
    sandbox.mark()
    door.update(created.id, outs, changed)
    assert sandbox.requests() == [], "nothing to change, nothing to ask"

    found = door.read(created.id, outs)
    assert door.diff(created.id, through_the_engine(found.outs), through_the_engine(found.inputs)).changes is False
    door.delete(created.id, outs)
    door.delete(created.id, outs)
    shown = door.read(created.id, outs)
    assert shown.outs is not None
    assert {name: shown.outs[name] for name in door.vendor.deactivation} == door.vendor.deactivation


def test_secrets_are_sent_and_kept_nowhere(door: DynamicProvider, sandbox: Sandbox) -> None:
    if "password" not in door.vendor.schema:
        pytest.skip(f"{door.vendor.title} takes no password")
    inputs = through_the_engine(checked(door, {}))
    created = door.create(inputs)
    found = door.read(created.id, through_the_engine(created.outs))

    assert "a first password" in str(sandbox.writes()), "the vendor gets it"
    assert "a first password" not in str((inputs, created.outs, found.outs, found.inputs))
    assert checked(door, inputs)["password"] == inputs["password"], "the same password is no change"


def test_values_not_known_yet_pass_a_check_and_count_as_changes(door: DynamicProvider) -> None:
    unknown = Unknown()  # type: ignore[no-untyped-call]
    result = door.check({}, {**door.vendor.example, "email": unknown, **OWNED})
    assert result.failures == []
    assert result.inputs["email"] is unknown
    assert door.diff("1", {**door.vendor.example}, result.inputs).changes is True


def test_all_problems_are_reported_at_once_without_secret_values(door: DynamicProvider) -> None:
    result = door.check({}, {"email": "nobody", "password": 12345678, "shoe_size": "x"})
    reasons = [(failure.property, failure.reason) for failure in result.failures]

    assert {failure.property for failure in result.failures} == {""}, "the engine prints the value of one that is named"
    assert ("", "email is not an e-mail address") in reasons
    assert ("", "shoe_size is not an argument of this resource") in reasons
    if "password" in door.vendor.schema:
        assert ("", "password must be text") in reasons
    assert "12345678" not in str(reasons)


def test_missing_settings_are_one_line_in_preview_and_no_request(
    door: DynamicProvider, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in sandbox.environment:
        monkeypatch.delenv(variable)
    sandbox.mark()
    (failure,) = door.check({}, {**door.vendor.example, **OWNED}).failures

    assert failure.property == ""
    prefix = door.vendor.name
    assert f"{prefix.upper()}_" in failure.reason
    assert f"{prefix}:" in failure.reason
    assert "\n" not in failure.reason
    assert sandbox.requests() == []


def test_a_failure_is_one_line_and_no_traceback(door: DynamicProvider, sandbox: Sandbox) -> None:
    inputs = checked(door, {})
    door.create(inputs)
    with pytest.raises(Exception, match="is there already") as caught:
        door.create(inputs)

    assert f"{type(caught.value).__module__}.{type(caught.value).__qualname__}" == "builtins.seatwise"
    assert caught.value.__suppress_context__
    assert "\n" not in str(caught.value)


def test_to_read_an_unknown_id_is_an_error_and_no_empty_account(door: DynamicProvider) -> None:
    with pytest.raises(Exception, match="there is no account with this id"):
        door.read("987654", {"email": "ana@example.com"})


def test_configure_keeps_the_configuration_and_sends_nothing(module: ModuleType, sandbox: Sandbox) -> None:
    door = load(f"{module.VENDOR.name}:User")
    config = Config({f"{module.VENDOR.name}:baseUrl": "https://tenant.example"}, "test")
    limit = getattr(sys, "tracebacklimit", None)
    try:
        door.configure(ConfigureRequest(config=config))
    finally:
        if limit is None:
            del sys.tracebacklimit
    assert door._config(f"{module.VENDOR.name}:baseUrl") == "https://tenant.example"
    assert sandbox.requests() == []


def test_tenovos_1_5_sees_what_1_0_cannot_read(
    sandbox: Sandbox, settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENOVOS_API_VERSION", "1.5")
    monkeypatch.setenv("TENOVOS_BASE_URL", f"{sandbox.url}/tenovos-1.5")
    monkeypatch.delenv("TENOVOS_CLIENT_ID")
    door = load("tenovos:User")
    try:
        inputs = through_the_engine(checked(door, {}))
        created = door.create(inputs)
        sandbox.change("tenovos", created.id, company="Another Inc.", phone=5550100009)
        found = door.read(created.id, through_the_engine(created.outs))
        assert found.inputs is not None
        assert {name for name, value in found.inputs.items() if value != inputs[name]} == {"company", "phone"}
        assert door.diff(created.id, through_the_engine(found.outs), inputs).changes is True
    finally:
        if door._tenant is not None:
            loop.call(door._tenant.aclose)


def test_every_list_takes_outputs_among_its_items(module: ModuleType) -> None:
    """A type checker takes `[1, output]` only where the declaration says so."""
    declarations = declared_arguments(module.UserArgs)
    lists = {field.name for field in module.VENDOR.schema.arguments() if "list[" in str(field.type)}
    assert [name for name in sorted(lists) if declarations[name].kind is not ListArg] == []
