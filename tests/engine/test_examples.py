"""The examples work as their READMEs describe: all commands run in their order and must succeed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import pages
from conftest import Sandbox, running_sandbox
from engine.conftest import Project
from seatwise.sandbox import server
from seatwise.sandbox.store import Store

pytestmark = pytest.mark.engine
EXAMPLES = pages.ROOT / "examples"


class Walk(Project):
    """An example in its own folder, with a user who follows its README."""

    def __init__(self, folder: Path, sandbox: Sandbox, name: str) -> None:
        super().__init__(folder, sandbox)
        self.environment |= {"PULUMI_OPTION_SKIP_PREVIEW": "true", "PULUMI_OPTION_NON_INTERACTIVE": "true"}
        shutil.copytree(EXAMPLES / name, self.folder, dirs_exist_ok=True)
        self._commands = pages.listings((self.folder / "README.md").read_text())

    def until(self, *last: str) -> None:
        """Run the next commands of the README up to the one that begins with this text."""
        while self._commands:
            command = self._commands.pop(0)
            done = subprocess.run(
                command, shell=True, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            if command.split()[: len(last)] == list(last):
                return
        pytest.fail(f"the README has no `{' '.join(last)}`")

    def to_the_end(self) -> None:
        """Run the remaining commands."""
        self.until("pulumi", "destroy")
        assert self._commands == []


def test_hello_has_one_account_and_retires_it(tmp_path: Path, sandbox: Sandbox) -> None:
    walk = Walk(tmp_path, sandbox, "hello")
    walk.until("pulumi", "preview")
    assert sandbox.only("enerflo")["email"] == "ana@example.com"
    walk.to_the_end()
    assert sandbox.only("enerflo")["active"] is False


def test_brownfield_takes_a_tenant_over_without_a_write(tmp_path: Path) -> None:
    records = json.loads((EXAMPLES / "brownfield" / "made-by-hand.json").read_text())
    store = Store(tmp_path / "tenant.sqlite")
    server.seed(store, records)
    store.close()
    with running_sandbox(tmp_path / "tenant.sqlite") as sandbox:
        before = sandbox.accounts("enerflo")
        walk = Walk(tmp_path, sandbox, "brownfield")
        program = walk.folder / "__main__.py"
        was = program.read_text()
        walk.until("pulumi", "preview")
        assert program.read_text() == was
        assert len(walk.resources()) == len(before) == 3
        walk.to_the_end()
        assert sandbox.writes() == []
        assert sandbox.accounts("enerflo") == before


def test_two_tenants_have_an_account_each(tmp_path: Path, sandbox: Sandbox, west: Sandbox) -> None:
    walk = Walk(tmp_path, sandbox, "two_tenants")
    walk.environment |= {f"WEST_{name}": value for name, value in west.environment.items()}
    walk.until("pulumi", "preview")
    assert sandbox.only("enerflo")["roles"] == ["Sales Rep"]
    assert west.only("enerflo")["roles"] == ["Setter"]
    walk.to_the_end()
    assert [each.only("enerflo")["active"] for each in (sandbox, west)] == [False, False]


def test_data_flows_both_ways_beside_infrastructure(tmp_path: Path, sandbox: Sandbox) -> None:
    walk = Walk(tmp_path, sandbox, "beside_infrastructure")
    walk.until("pulumi", "preview")
    (account,) = sandbox.accounts("enerflo")
    assert sandbox.only("enerflo")["external_user_id"].startswith("E-")
    report = walk.folder / "access.json"
    assert json.loads(report.read_text()) == {"ana@example.com": account}
    walk.to_the_end()
    assert not report.exists()
