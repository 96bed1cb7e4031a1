"""Accounts that are resumed, accounts that are only read, and more than one tenant."""

import json
import subprocess

import pytest

from conftest import Sandbox
from engine.conftest import Project
from seatwise.vendors import names

pytestmark = pytest.mark.engine
ANA = "email='ana@example.com', roles=['Sales Rep']"
DECLARATIONS = (
    f"enerflo.User('ana', {ANA})",
    "nexudus.User('ana', email='ana@example.com', full_name='Ana', language=nexudus.Language.SPANISH)",
    "tenovos.User('ana', email='ana@example.com', username='ana', first_name='Ana', last_name='Ruiz')",
)


def test_up_destroy_up_brings_the_same_accounts_back(project: Project, sandbox: Sandbox) -> None:
    project.program(*DECLARATIONS)
    project.up()
    before = {vendor: sandbox.accounts(vendor) for vendor in names()}
    project.destroy()

    project.program(*(line.replace("Ana", "Anna") for line in DECLARATIONS))
    assert project.up().changes["created"] == 4

    after = {vendor: sandbox.accounts(vendor) for vendor in names()}
    assert {vendor: list(accounts) for vendor, accounts in after.items()} == {
        vendor: list(accounts) for vendor, accounts in before.items()
    }, "the same ids, and no second account"
    assert sandbox.only("enerflo")["active"] is True
    assert (sandbox.only("nexudus")["Active"], sandbox.only("nexudus")["FullName"]) == (True, "Anna")
    assert (sandbox.only("tenovos")["status"], sandbox.only("tenovos")["firstName"]) == ("enabled", "Anna")
    assert {each["outputs"]["adopted"] for each in project.resources()} == {False}
    assert project.up().changes == {"unchanged": 4}


def test_get_reads_an_account_without_owning_it(project: Project, sandbox: Sandbox) -> None:
    project.program(DECLARATIONS[0])
    project.up()
    project.run("stack", "init", "reader")
    (account,) = sandbox.accounts("enerflo")
    sandbox.mark()

    project.program(f"ana = enerflo.User.get('ana', '{account}')", "pulumi.export('slugs', ana.role_slugs)")
    assert "agent" in project.up().output
    assert project.unmanaged() == ["ana@example.com"]
    assert project.unmanaged("--stack", "test") == []
    project.destroy()
    assert sandbox.writes() == []
    assert sandbox.only("enerflo")["active"] is True

    project.program("enerflo.User.get('ana', '424242')")
    assert "there is no account with this id" in project.preview(fails=True).output


def provider(sandbox: Sandbox, name: str) -> str:
    return f"{name} = enerflo.Provider('{name}', base_url='{sandbox.url}/enerflo', api_key='sandbox-enerflo-key')"


def test_two_tenants_in_one_stack_never_mix(project: Project, sandbox: Sandbox, west: Sandbox) -> None:
    """Not in their names, either: a Provider does not inherit the one of the main tenant."""
    project.environment["ENERFLO_TENANT"] = "main"
    project.run("config", "set", "enerflo:tenant", "main")
    project.program(
        DECLARATIONS[0],
        provider(west, "west"),
        "in_west = pulumi.ResourceOptions(provider=west)",
        "enerflo.User('ben', email='ben@example.com', roles=['Setter'], opts=in_west)",
    )
    project.up()
    assert sandbox.only("enerflo")["email"] == "ana@example.com"
    assert west.only("enerflo")["email"] == "ben@example.com"
    tenants = {each["outputs"]["email"]: each["outputs"]["__tenant"] for each in project.resources()}
    assert tenants == {"ana@example.com": "main", "ben@example.com": f"{west.url}/enerflo"}
    assert "sandbox-enerflo-key" not in project.run("stack", "export").output
    assert project.up().changes == {"unchanged": 4}


def test_a_provider_of_another_tenant_is_refused(project: Project, sandbox: Sandbox, west: Sandbox) -> None:
    project.program(DECLARATIONS[0])
    project.up()
    before = sandbox.accounts("enerflo")
    sandbox.mark()

    moved = f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=main))"
    main = provider(sandbox, "main").replace("base_url=", f"tenant='{sandbox.url}/enerflo', base_url=")
    project.program(main, moved)
    assert project.up().changes["unchanged"] == 2
    assert sandbox.writes() == []
    assert sandbox.accounts("enerflo") == before

    project.program(main, provider(west, "west"), moved.replace("=main", "=west"))
    refused = project.preview(fails=True).output
    assert f"it was made in the tenant {sandbox.url}/enerflo" in refused
    assert west.requests() == []


def test_a_provider_reads_credentials_from_named_variables(project: Project, west: Sandbox) -> None:
    project.environment |= {"WEST_KEY": "sandbox-enerflo-key", "ENERFLO_API_KEY": "not-this-one"}
    named = provider(west, "west").replace("api_key='sandbox-enerflo-key'", "env={'api_key': 'WEST_KEY'}")
    project.program(named, f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))")
    assert project.up().changes["created"] == 3
    state = project.run("stack", "export", "--show-secrets").output
    assert "sandbox-enerflo-key" not in state


def test_for_an_unset_variable_of_a_provider_nothing_is_sent(project: Project, sandbox: Sandbox, west: Sandbox) -> None:
    """The main tenant's key must never go to another tenant's host."""
    named = f"west = enerflo.Provider('west', base_url='{west.url}/enerflo', env={{'api_key': 'WEST_KEY'}})"
    project.program(
        named,
        f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))",
    )
    refused = project.up(fails=True).output
    assert "the variable WEST_KEY, which env= of the Provider names for api_key, is not set" in refused
    project.environment["WEST_KEY"] = "sandbox-enerflo-key"
    project.up()
    west.mark()
    del project.environment["WEST_KEY"]
    assert "the variable WEST_KEY" in project.run("destroy", "--yes", "--skip-preview", fails=True).output
    assert "the variable WEST_KEY" in project.run("refresh", "--yes", "--skip-preview", fails=True).output
    assert west.requests() == []
    assert sandbox.requests() == []


def test_an_output_of_a_provider_without_a_value_sends_nothing(project: Project, sandbox: Sandbox) -> None:
    """Otherwise the main tenant's account would be renamed. A value that is no output is refused in the program."""
    given = "pulumi.Output.secret(os.environ.get('WEST_KEY'))"
    project.environment["WEST_KEY"] = "sandbox-enerflo-key"
    project.program(
        "import os",
        f"west = enerflo.Provider('west', tenant='{sandbox.url}/enerflo', api_key={given})",
        f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))",
    )
    project.up()
    program = project.folder / "__main__.py"
    program.write_text(program.read_text().replace("Sales Rep", "Setter"))
    del project.environment["WEST_KEY"]
    sandbox.mark()
    assert "api_key of the Provider has no value" in project.up(fails=True).output
    assert sandbox.requests() == []


def test_an_account_without_its_provider_is_not_the_main_tenants(project: Project, sandbox: Sandbox) -> None:
    """Both tenants have the same base URL: the second one's name distinguishes them."""
    project.environment["WEST_KEY"] = "sandbox-enerflo-key"
    west = "west = enerflo.Provider('west', {}env={{'api_key': 'WEST_KEY'}})"
    user = f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))"
    project.program(west.format(""), user)
    assert "give it tenant=" in project.up(fails=True).output
    assert sandbox.requests() == []

    project.program(west.format("tenant='west', "), user)
    project.up()
    sandbox.mark()
    project.program(west.format("tenant='west', "), user.replace(", opts=pulumi.ResourceOptions(provider=west)", ""))
    assert "it was made in the tenant west" in project.up(fails=True).output
    assert sandbox.requests() == []


def test_a_provider_of_another_vendor_is_refused(project: Project, sandbox: Sandbox) -> None:
    """A transform adds it after the program's check: the provider's process refuses it."""
    west = "west = nexudus.Provider('west', tenant='west', env={'username': 'NEXUDUS_USERNAME', 'password': 'P'})"
    project.environment["P"] = project.environment["NEXUDUS_PASSWORD"]
    project.program(
        west,
        "def to_west(args):",
        "    if args.type_.endswith('enerflo:User'):",
        "        given = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(provider=west))",
        "        return pulumi.ResourceTransformationResult(args.props, given)",
        f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(transformations=[to_west]))",
    )
    assert "an account of enerflo has a provider of nexudus" in project.up(fails=True).output
    assert sandbox.requests() == []


def test_a_provider_with_a_base_url_has_to_give_its_credentials(
    project: Project, sandbox: Sandbox, west: Sandbox
) -> None:
    """The main tenant's key is in the environment, and goes to no other host."""
    project.program(
        f"west = enerflo.Provider('west', base_url='{west.url}/enerflo')",
        f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))",
    )
    assert "give the Provider api_key=" in project.preview(fails=True).output
    assert west.requests() == []


def test_credentials_of_provider_and_environment_are_not_mixed(
    project: Project, sandbox: Sandbox, west: Sandbox
) -> None:
    project.environment["NEXUDUS_TOKEN"] = "of-the-main-tenant"
    project.program(
        f"west = nexudus.Provider('west', base_url='{west.url}/nexudus',"
        " username='admin@sandbox.example', password='sandbox-nexudus-password')",
        DECLARATIONS[1][:-1] + ", opts=pulumi.ResourceOptions(provider=west))",
    )
    project.up()
    assert west.only("nexudus")["Email"] == "ana@example.com"
    assert sandbox.requests() == []


def test_a_provider_without_an_address_of_its_own_is_the_configs(
    project: Project, sandbox: Sandbox, west: Sandbox
) -> None:
    """Address and key from the stack's config, before those of the environment, as for the default provider."""
    project.run("config", "set", "enerflo:baseUrl", f"{west.url}/enerflo")
    project.run("config", "set", "--secret", "enerflo:apiKey", "sandbox-enerflo-key")
    project.environment["ENERFLO_API_KEY"] = "not-this-one"
    project.program(
        "slow = enerflo.Provider('slow', deadline=60)",
        f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=slow))",
    )
    project.up()
    assert west.only("enerflo")["email"] == "ana@example.com"
    assert sandbox.requests() == []
    assert "sandbox-enerflo-key" not in project.run("stack", "export").output


def test_a_provider_of_an_earlier_version_keeps_its_accounts(project: Project, sandbox: Sandbox, west: Sandbox) -> None:
    """Its inputs in the state lack the mark of an explicit provider."""
    project.environment["WEST_KEY"] = "sandbox-enerflo-key"
    project.program(
        f"west = enerflo.Provider('west', base_url='{west.url}/enerflo', env={{'api_key': 'WEST_KEY'}})",
        f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))",
    )
    project.up()
    state = json.loads(project.run("stack", "export").output)
    (old,) = [each for each in state["deployment"]["resources"] if each["urn"].endswith("pulumi-python::west")]
    del old["inputs"]["enerflo:provider"], old["outputs"]["enerflo:provider"]
    old["inputs"]["__internal"] = {"envVarMappings": {"WEST_KEY": "ENERFLO_API_KEY"}}
    (project.folder / "old.json").write_text(json.dumps(state))
    project.run("stack", "import", "--file", "old.json")
    before = west.accounts("enerflo")
    west.mark()

    project.refresh()
    assert project.up().changes == {"updated": 1, "unchanged": 2}
    assert west.accounts("enerflo") == before
    assert west.writes() == []
    project.run("stack", "import", "--file", "old.json")
    project.destroy()
    assert west.only("enerflo")["active"] is False


def test_a_rotated_key_of_a_provider_counts_from_the_next_up(project: Project, west: Sandbox) -> None:
    """As docs/settings.md describes for a credential given as a value; the refusal names the setting."""

    def declare(key: str) -> None:
        project.program(
            provider(west, "west").replace("sandbox-enerflo-key", key),
            f"enerflo.User('ana', {ANA}, opts=pulumi.ResourceOptions(provider=west))",
        )

    declare("sandbox-enerflo-key")
    project.up()
    declare("a-wrong-key")
    west.mark()
    assert project.up().changes == {"updated": 1, "unchanged": 2}
    assert west.requests() == []

    declare("sandbox-enerflo-key")
    refresh = ("refresh", "--yes", "--skip-preview")
    refused = project.run(*refresh, fails=True).output
    assert "Check api_key of the Provider, and what it is allowed to do" in refused, "it uses the stored one"
    project.run(*refresh, "--run-program")
    project.up()
    project.run(*refresh)
    assert west.writes() == []


def test_an_interrupted_up_is_completed_by_the_next(project: Project, sandbox: Sandbox) -> None:
    sandbox.switch(faults={"enerflo": {"kind": "slow", "writes": True, "seconds": 0.5}})
    project.program("for n in range(30):", "    enerflo.User(f'u{n}', email=f'u{n}@example.com', roles=['Setter'])")
    with project.begin_up(subprocess.PIPE) as process:
        assert process.stdout
        for line in process.stdout:
            if b" created (" in line and b"enerflo" in line:
                process.send_signal(2)
                break
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert 0 < len(sandbox.accounts("enerflo")) < 30
    sandbox.switch(faults={"enerflo": None})
    project.up()
    emails = [each["email"] for each in sandbox.accounts("enerflo").values()]
    assert len(emails) == len(set(emails)) == 30
    assert sum(call == "POST /api/v1/users" for call in sandbox.calls()) == 30
