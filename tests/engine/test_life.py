"""The life cycle of an account on the real engine, checked against the vendor's records and request log."""

import json
import re
from typing import Any

import pytest

from conftest import Sandbox
from engine.conftest import Project
from seatwise.vendors import names, vendor_named

pytestmark = pytest.mark.engine

UNTOLD = {"UpdatedOn": "", "meta": {}}


def declaration(vendor: str, arguments: dict[str, Any]) -> str:
    plain = json.loads(json.dumps(arguments))
    return f"user = {vendor}.User('ana', **{plain!r})\npulumi.export('id', user.id)"


@pytest.mark.parametrize("vendor", names())
def test_an_account_lives_from_create_to_destroy(vendor: str, project: Project, sandbox: Sandbox) -> None:
    example = dict(vendor_named(vendor).example)
    changed = example | dict(vendor_named(vendor).example_change)

    project.program(declaration(vendor, example))
    assert project.up().changes["created"] == 2
    (account,) = sandbox.accounts(vendor)
    assert [each["method"] for each in sandbox.writes()].count("POST") == 1
    (resource,) = project.resources()
    assert resource["id"] == account
    assert resource["outputs"]["email"] == "ana@example.com"
    assert resource["outputs"]["adopted"] is False
    assert "a first password" not in str(resource)

    sandbox.mark()
    project.program(declaration(vendor, changed))
    assert project.up().changes == {"updated": 1, "unchanged": 1}
    assert len(sandbox.writes()) == 1
    assert "Anna" in str(sandbox.accounts(vendor)[account])

    sandbox.mark()
    schema = vendor_named(vendor).schema
    argument = next(name for name, value in vendor_named(vendor).example_change.items() if "Anna" in str(value))
    sandbox.change(vendor, account, **{str(schema[argument].wire.read): "Zoe"})
    assert project.refresh().changes == {"updated": 1, "unchanged": 1}
    preview = project.preview().output
    assert re.search(rf'~ {argument}\s*: "Zoe" => "Anna', preview)
    assert len(re.findall(r"[~+-] ", preview)) == 3, "the resource, the property, the count: nothing else differs"
    assert sandbox.writes() == []
    assert project.up().changes == {"updated": 1, "unchanged": 1}
    assert "Zoe" not in str(sandbox.accounts(vendor)[account])

    sandbox.mark()
    before = sandbox.accounts(vendor)[account]
    assert project.destroy().changes == {"deleted": 2}
    retired = {schema[name].wire.read: value for name, value in vendor_named(vendor).deactivation.items()}
    assert sandbox.accounts(vendor)[account] | UNTOLD == before | retired | UNTOLD
    assert len(sandbox.writes()) == 1


def test_what_does_not_change_asks_nobody_anything(project: Project, sandbox: Sandbox) -> None:
    project.program(declaration("tenovos", dict(vendor_named("tenovos").example)))
    project.preview()
    assert sandbox.requests() == []
    project.up()
    sandbox.mark()
    assert project.up().changes == {"unchanged": 2}
    assert sandbox.requests() == []
    assert project.refresh().changes == {"unchanged": 2}


def test_a_deleted_account_leaves_the_state_and_is_created_again(project: Project, sandbox: Sandbox) -> None:
    project.program(declaration("nexudus", dict(vendor_named("nexudus").example)))
    project.up()
    (account,) = sandbox.accounts("nexudus")
    sandbox.remove("nexudus", account)
    project.time_passes()  # else the create waits for the account, which was made a moment ago

    assert project.refresh().changes["deleted"] == 1
    assert project.up().changes["created"] == 1
    assert len(sandbox.accounts("nexudus")) == 1


def test_a_destroy_stops_at_the_maximum_of_removals(project: Project, sandbox: Sandbox) -> None:
    project.program(
        "for n in range(6):", "    enerflo.User(f'u{n}', email=f'u{n}@example.com', roles=['Setter'], office_ids=[n])"
    )
    project.up()
    project.environment["SEATWISE_MAX_REMOVALS"] = "2"

    output = project.run("destroy", "--yes", "--skip-preview", fails=True).output

    assert "not deprovisioned: SEATWISE_MAX_REMOVALS is 2, and this run has deprovisioned 2" in output
    assert "Traceback" not in output
    assert sum(record["active"] for record in sandbox.accounts("enerflo").values()) == 4
    assert len(project.resources()) == 4
    del project.environment["SEATWISE_MAX_REMOVALS"]
    project.destroy()
    assert not any(record["active"] for record in sandbox.accounts("enerflo").values())


def test_for_custom_timeouts_a_warning_names_the_right_setting(project: Project, sandbox: Sandbox) -> None:
    project.program(
        "timeouts = pulumi.CustomTimeouts(create='5m')",
        "opts = pulumi.ResourceOptions(custom_timeouts=timeouts)",
        "enerflo.User('ana', email='ana@example.com', roles=['Setter'], office_ids=[1], opts=opts)",
    )
    output = project.preview().output
    assert "ana: custom_timeouts do not reach a dynamic provider: set ENERFLO_DEADLINE (seconds) instead" in output


def test_after_a_failure_leavers_stay_without_continue_on_error(project: Project, sandbox: Sandbox) -> None:
    """As docs/ci.md says, which has the option in its recipes."""
    project.program("for n in ('ana', 'ben'):", "    enerflo.User(n, email=f'{n}@example.com', roles=['Setter'])")
    project.up()
    # Ana leaves, and what else the program wants cannot be: an account with this e-mail is there already.
    project.program("enerflo.User('benjamin', email='ben@example.com', roles=['Setter'])")

    def active() -> set[str]:
        return {each["email"] for each in sandbox.accounts("enerflo").values() if each["active"]}

    project.up(fails=True)
    assert active() == {"ana@example.com", "ben@example.com"}, "the engine retires last, and not after a failure"
    project.up("--continue-on-error", fails=True)
    assert active() == {"ben@example.com"}, "his e-mail is declared"
