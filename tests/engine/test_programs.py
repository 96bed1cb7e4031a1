"""Complete programs: the project's own stacks, the demo, and a new project with the built wheel."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import build_wheel
import pytest

import pages
from conftest import Sandbox
from engine.conftest import Project

pytestmark = pytest.mark.engine
ROOT = pages.ROOT


@pytest.fixture
def stacks(project: Project) -> Project:
    """The project's own program, in a temporary folder."""
    (project.folder / "__main__.py").unlink()
    shutil.copy(ROOT / "Pulumi.yaml", project.folder)
    shutil.copytree(ROOT / "stacks", project.folder / "stacks", ignore=shutil.ignore_patterns("out", "__pycache__"))
    return project


def test_the_stack_prod_gives_values_both_ways(stacks: Project, sandbox: Sandbox) -> None:
    """The demo brings up the stack `dev` of the same program."""
    stacks.run("stack", "init", "prod")
    assert stacks.up().changes["created"] == 14
    users = sandbox.accounts("enerflo")
    assert {each["email"] for each in users.values()} == {"ana@example.com", "chloe@example.com"}
    assert all(each["external_user_id"].startswith("E-") for each in users.values()), "made in the stack"
    report = json.loads((stacks.folder / "stacks" / "out" / "access-prod.json").read_text())
    assert {each["enerflo"] for each in report.values() if "enerflo" in each} == set(users), "used in the stack"
    assert all(each["notify_email"] is True for each in users.values())


def files_of_the_project() -> dict[Path, bytes]:
    """Return all files that a `pulumi` command in this checkout could have written or changed."""
    paths = [*ROOT.glob("[!.]*"), *(ROOT / "stacks").rglob("*")]
    return {path: path.read_bytes() for path in paths if path.is_file()}


def test_the_demo_tells_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "100"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    before = files_of_the_project()

    told = subprocess.run(
        [sys.executable, "tools/demo.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("\n== ") == 7
    pulumi = shutil.which("pulumi", path=environment["PATH"])
    assert told.stdout.endswith(f'\n    export PATH="{Path(str(pulumi)).parent}:$PATH"\n')
    assert "Requests to the vendors: 0" in told.stdout
    assert '~ roles           : [\n          ~ [0]: "setter" => "Regional Manager"' in told.stdout
    assert told.stdout.count("│ deactivated") == 1 + 5
    assert list(tmp_path.iterdir()) == []
    assert files_of_the_project() == before


def test_the_installed_wheel_runs_the_program_of_the_readme(tmp_path: Path, project: Project) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("no uv on PATH to build the wheel with")
    venv = tmp_path / "venv"
    wheel = build_wheel.build(ROOT, tmp_path / "wheel")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
    pip = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python")]
    subprocess.run([*pip, str(wheel), "pip"], check=True)
    paths = [path for path in os.environ["PATH"].split(os.pathsep) if ".venv" not in path]
    project.environment["PATH"] = os.pathsep.join([str(venv / "bin"), *paths])
    for name in ("VIRTUAL_ENV", "PULUMI_PYTHON_CMD"):
        project.environment.pop(name, None)

    command = [str(venv / "bin" / "seatwise"), "sandbox", "--port", "0", "--no-log"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(10)]
            exports = [line.removeprefix("export ").strip().split("=", 1) for line in lines]
            project.environment.update(dict(exports))
            program, *_ = pages.blocks((ROOT / "README.md").read_text(), "python")
            (project.folder / "__main__.py").write_text(program)
            assert project.up().changes["created"] == 4
            assert {each["outputs"]["email"] for each in project.resources()} == {"ana@example.com"}
            project.run("destroy", "--yes", "--skip-preview", "--exclude-protected")
            assert [each["protect"] for each in project.resources()] == [True]
        finally:
            process.terminate()
