"""The state and the journal of an earlier version, used by this one on the real engine. See `golden/make.py`."""

import pytest

from conftest import Sandbox
from engine.conftest import Project
from golden import make as golden

pytestmark = pytest.mark.engine


def test_an_earlier_versions_state_and_journal_go_on_unchanged(project: Project, sandbox: Sandbox) -> None:
    golden.restore(project, sandbox)
    before = {vendor: sandbox.accounts(vendor) for vendor in golden.VENDORS}

    preview = project.preview()

    assert "seatwise: desk: deleted for good, as they left earlier: peter@example.com" in preview.output
    assert preview.output.count("    ~ pulumi-python:") == 1, "nothing else is to change"
    assert "2 to update" in preview.output, "with the explicit Provider, whose process learns what it is"
    assert "to create" not in preview.output
    assert "to delete" not in preview.output
    assert sandbox.requests() == []

    assert project.up().changes == {"updated": 2, "unchanged": 14}
    assert {**before["nexudus"], **sandbox.accounts("nexudus")} == before["nexudus"]
    assert before["nexudus"].keys() - sandbox.accounts("nexudus").keys() == {"1005"}
    assert sandbox.accounts("enerflo") == before["enerflo"]
    assert sandbox.accounts("tenovos") == before["tenovos"]

    assert project.refresh().changes == {"unchanged": 16}
    assert project.up().changes == {"unchanged": 16}
