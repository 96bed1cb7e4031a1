"""The hosted CI runs what `.ci/run` does, on the Python versions that the package says it is tested with."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import pages
from pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: (?:\./\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)(?: #.*)?$")


def github() -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    return jobs


def gitlab() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    return {name: job for name, job in found.items() if isinstance(job, dict) and "script" in job}


def targets(job: Any) -> list[str]:
    """The targets of the Makefile that a job runs."""
    return [script.split()[1] for script in pages.scripts(job) if script.startswith("make ")]


def uses() -> Iterator[str]:
    """Each line of a workflow that runs an action or another workflow."""
    for path in WORKFLOWS:
        yield from (line.strip() for line in path.read_text().splitlines() if re.match(r"\s*(?:- )?uses:", line))


def test_every_action_is_pinned_to_a_commit_with_its_version() -> None:
    assert [line for line in uses() if not PINNED.search(line)] == []
    assert not PINNED.search("uses: actions/checkout@v7")
    assert not PINNED.search(f"uses: actions/checkout@{'0' * 40}")
    assert PINNED.search(f"- uses: actions/checkout@{'0' * 40} # v7.0.1")


def test_an_action_has_one_version() -> None:
    pins = {line.partition("uses: ")[2] for line in uses() if "@" in line}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


def test_a_workflow_has_only_permissions_its_jobs_ask_for() -> None:
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}, path
        assert [name for name, job in workflow["jobs"].items() if "permissions" not in job] == [], path


def test_the_last_job_waits_for_all_others() -> None:
    jobs = github()
    assert {*jobs} - {*jobs["passed"]["needs"]} == {"passed"}


def test_the_last_job_fails_unless_all_others_succeed() -> None:
    """A job that runs into its time limit is cancelled."""
    last = github()["passed"]
    (step,) = last["steps"]
    refused = re.findall(r"contains\(needs\.\*\.result, '(\w+)'\)", step["if"])
    assert (last["if"], {*refused}, step["run"]) == ("always()", {"failure", "cancelled", "skipped"}, "exit 1")
    assert step["if"].split(" || ") == [f"contains(needs.*.result, '{each}')" for each in refused]


def test_gitlab_runs_the_same_targets() -> None:
    assert {name: targets(job) for name, job in gitlab().items()} == {
        name: targets(job) for name, job in github().items() if name != "passed"
    }


def test_the_targets_are_those_of_a_clean_clone() -> None:
    """`.ci/run` runs a part of `make lowest`."""
    script = re.findall(r"^make (\S+)", (ROOT / ".ci" / "run").read_text(), re.M)
    assert sorted([*script, "lowest"]) == sorted(target for job in github().values() for target in targets(job))


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param(lambda: github()["test"]["strategy"]["matrix"]["python"], id="github"),
        pytest.param(lambda: gitlab()["test"]["parallel"]["matrix"][0]["PYTHON_VERSION"], id="gitlab"),
    ],
)
def test_the_tests_run_on_every_python_that_the_package_names(versions: Any) -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert {*named} <= {*versions()}
    assert PROJECT["requires-python"] == f">={versions()[0]}"


def test_the_release_is_published_with_the_uv_that_builds_it() -> None:
    (version,) = re.findall(r'^UV_VERSION = "(.*?)"', (ROOT / "tools" / "run.py").read_text(), re.M)
    assert f'version: "{version}"' in (ROOT / ".github" / "workflows" / "release.yml").read_text()


def test_the_forms_ask_for_the_doctors_output() -> None:
    forms = [*(ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")]
    asking = {path.stem for path in forms if "`seatwise doctor --json`" in path.read_text()}
    assert asking == {path.stem for path in forms} - {"config"}
