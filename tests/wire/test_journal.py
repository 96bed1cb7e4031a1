"""What is remembered between runs, and what happens when it cannot be."""

from pathlib import Path

import pytest

from seatwise.wire.journal import Journal, default_path


def test_whom_seatwise_deactivated_is_remembered_by_email_until_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "journal.db"
    warnings: list[str] = []
    Journal("enerflo here", warnings.append, path).retire("Ana@Example.com", "7")

    journal = Journal("enerflo here", warnings.append, path)
    assert journal.retired("ana@example.com") == "7"
    assert journal.retired("ben@example.com") is None
    journal.retire("ana@example.com", "8")
    assert journal.retired("ANA@example.com") == "8"
    journal.forget("ana@example.com")
    assert journal.retired("ana@example.com") is None
    assert warnings == []


def test_tenants_know_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal("enerflo here", print, path).retire("ana@example.com", "7")
    assert Journal("enerflo there", print, path).retired("ana@example.com") is None


@pytest.mark.parametrize("kind", ["garbage", "a folder", "below a file"])
def test_a_journal_that_cannot_be_used_is_reported_once_and_stops_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    if kind == "garbage":
        path.write_text("this is no database, whatever its name says" * 100)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.write_text("")
        path = path / "journal.db"
    warnings: list[str] = []
    journal = Journal("enerflo here", warnings.append, path)

    journal.retire("ana@example.com", "7")
    assert journal.retired("ana@example.com") is None

    (warning,) = warnings
    assert str(path) in warning
    assert "goes on without it" in warning


def test_the_file_is_in_the_users_state_folder_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATWISE_JOURNAL", "/some/where.db")
    assert default_path() == Path("/some/where.db")
    monkeypatch.delenv("SEATWISE_JOURNAL")
    assert default_path().parts[-2:] == ("seatwise", "journal.db")
