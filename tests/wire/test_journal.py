"""The journal between runs, also when its file cannot be used."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from seatwise.core.account.ports import Entry, EntryKind, Unconfirmed
from seatwise.core.vendor.errors import InvalidAccount
from seatwise.wire import files
from seatwise.wire import journal as journals
from seatwise.wire.journal import Journal, verify
from seatwise.wire.settings import RunSettings

MADE = Entry(EntryKind.CREATED, "7", "project/stack/ana")


def modes(folder: Path) -> dict[str, str]:
    """Return the permissions of a folder, under `.`, and of the files in it."""
    return {".": mode(folder), **{each.name: mode(each) for each in folder.iterdir()}}


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Journal:
    return opened(path)


def opened(path: Path, tenant: str = "here", warn: Callable[[str], None] = pytest.fail) -> Journal:
    """Return the journal of a tenant in this file."""
    return Journal(f"enerflo {tenant}", warn, path)


def use(folder: Path) -> None:
    """Write to the journal and to a file beside it, and check the permissions while both are open."""
    journal = opened(folder / "journal.db")
    beside = files.SharedFile("limits", folder / "limits.db", "create table if not exists t (x);", pytest.fail)
    journal.note("ana@example.com", MADE)
    beside.run(lambda database: database.execute("insert into t values (1)"), None)
    assert {name: each for name, each in modes(folder).items() if name != "."} == dict.fromkeys(
        [f"{name}{part}" for name in ("journal.db", "limits.db") for part in ("", "-shm", "-wal")], "0o600"
    )
    beside.close()
    journal.close()


@pytest.fixture
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_usual_umask")
class TestOtherUsersCannotReadTheFiles:
    def test_new_files(self, tmp_path: Path) -> None:
        use(tmp_path / "state" / "seatwise")
        assert modes(tmp_path / "state" / "seatwise")["."] == "0o700"
        assert modes(tmp_path / "state")["."] == "0o755", "the folder above belongs to the system"

    def test_the_file_that_verify_creates(self, tmp_path: Path) -> None:
        verify(tmp_path / "seatwise" / "journal.db")
        assert modes(tmp_path / "seatwise") == {".": "0o700", "journal.db": "0o600"}

    def test_files_of_an_earlier_version(self, tmp_path: Path) -> None:
        """An earlier version created them readable by all users; the folder's permissions are the user's choice."""
        folder = tmp_path / "seatwise"
        use(folder)
        folder.chmod(0o755)
        journal = opened(folder / "journal.db")
        journal.note("ana@example.com", MADE)
        for each in folder.iterdir():
            each.chmod(0o644)
        use(folder)
        journal.close()
        assert modes(folder)["."] == "0o755"

    def test_files_of_another_user_keep_their_permissions(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        use(path.parent)
        path.chmod(0o666)
        monkeypatch.setattr(Path, "chmod", refuse)
        journal = opened(path)
        assert remembered(journal, "ana@example.com") == MADE
        journal.close()


def refuse(*_: object) -> None:
    """Fail as the system does for a file of another user."""
    raise PermissionError


def remembered(journal: Journal, email: str) -> Entry | None:
    """Return the e-mail's entry without its age."""
    entry = journal.last(email)
    return None if entry is None else replace(entry, age=0)


@pytest.mark.parametrize("entry", [Entry(EntryKind.PENDING, owner="p/s/ana"), MADE, Entry(EntryKind.DEACTIVATED, "7")])
def test_the_last_deed_is_remembered_by_email_until_forgotten(entry: Entry, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "journal.db"
    opened(path).note("Ana@Example.com", entry)
    journal = opened(path)
    assert remembered(journal, "ana@example.com") == entry
    assert journal.last("ben@example.com") is None
    journal.note("ana@example.com", replace(entry, account="8"))
    assert remembered(journal, "ANA@example.com") == replace(entry, account="8")
    journal.forget("ana@example.com")
    assert journal.last("ana@example.com") is None


def test_an_account_has_one_entry_in_its_tenant_until_forgotten(journal: Journal, path: Path) -> None:
    journal.note("ana@example.com", MADE)
    journal.note("ben@example.com", replace(MADE, account="8"))
    journal.note("new@example.com", Entry(EntryKind.DEACTIVATED, "7"))
    assert journal.last("ana@example.com") is None
    assert opened(path, "there").last("new@example.com") is None
    opened(path, "there").forget_account("7")
    assert remembered(journal, "new@example.com") == Entry(EntryKind.DEACTIVATED, "7")
    journal.forget_account("7")
    assert journal.last("new@example.com") is None
    assert remembered(journal, "ben@example.com") == replace(MADE, account="8")


SHARP, DOUBLE = "Straße@x.example", "strasse@x.example"


def as_the_first_versions_wrote(path: Path, kind: EntryKind, account: str | None) -> None:
    """A note under a key that is folded throughout."""
    opened(path).note(DOUBLE, Entry(kind, account, "project/stack/ana"))


def test_emails_that_differ_outside_ascii_have_their_own_entries(journal: Journal) -> None:
    journal.note(SHARP, MADE)
    assert journal.last(DOUBLE) is None
    assert remembered(journal, "STRAßE@X.example") == MADE
    journal.note(DOUBLE, replace(MADE, account="8"))
    assert remembered(journal, SHARP) == MADE
    journal.forget(SHARP)
    assert (journal.last("other@x.example"), remembered(journal, DOUBLE)) == (None, replace(MADE, account="8"))


def test_an_entry_under_a_folded_key_is_found_and_moved(path: Path) -> None:
    as_the_first_versions_wrote(path, EntryKind.CREATED, "7")
    journal = opened(path)
    assert remembered(journal, SHARP) == MADE
    journal.note(SHARP, Entry(EntryKind.DEACTIVATED, "7"))
    assert (remembered(journal, SHARP), journal.last(DOUBLE)) == (Entry(EntryKind.DEACTIVATED, "7"), None)


ENDS: dict[str, Callable[[Journal], None]] = {
    "the entry is deleted": lambda journal: journal.forget(SHARP),
    "an account is noted": lambda journal: journal.note(SHARP, MADE),
    "another account gets the e-mail": lambda journal: journal.forget_pending(SHARP),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_create_under_a_folded_key_ends_with_the_email(end: Callable[[Journal], None], path: Path) -> None:
    as_the_first_versions_wrote(path, EntryKind.PENDING, None)
    journal = opened(path)
    end(journal)
    assert journal.last(DOUBLE) is None


@pytest.mark.parametrize("emails", [(SHARP, DOUBLE), (DOUBLE, SHARP)])
def test_a_create_that_may_belong_to_two_emails_names_both(emails: tuple[str, str], path: Path) -> None:
    as_the_first_versions_wrote(path, EntryKind.PENDING, None)
    journal = opened(path)
    assert remembered(journal, emails[0]) == Entry(EntryKind.PENDING, owner="project/stack/ana")
    with pytest.raises(InvalidAccount, match=f"create for {emails[0]} or for {emails[1]}: earlier"):
        journal.last(emails[1])


@pytest.mark.parametrize("why", Unconfirmed)
def test_an_account_is_in_doubt_until_it_is_trusted(why: Unconfirmed, path: Path) -> None:
    opened(path).mark_unconfirmed("7", why)
    journal = opened(path)
    assert journal.why_unconfirmed("7") is why
    assert journal.why_unconfirmed("8") is None
    assert opened(path, "there").why_unconfirmed("7") is None
    journal.mark_confirmed("7")
    assert journal.why_unconfirmed("7") is None


def test_a_state_of_an_older_write_revision_is_unconfirmed(journal: Journal, path: Path) -> None:
    assert journal.revision("7") == 0
    journal.mark_unconfirmed("7", Unconfirmed.CHANGED)
    assert [journal.record_write("7", 0), journal.record_write("7", 1), journal.record_write("7", 0)] == [1, 2, 3]
    assert journal.record_write("8", 41) == 42, "another machine has written it as well"
    assert [journal.why_unconfirmed("7", revision) for revision in (2, 3, 9)] == [Unconfirmed.FORGOTTEN, None, None]
    assert journal.why_unconfirmed("7") is None
    journal.mark_unconfirmed("9", Unconfirmed.UNSEEN)
    assert [journal.unconfirmed(revision) for revision in (0, 3, 42)] == [{"7", "8", "9"}, {"8", "9"}, {"9"}]
    assert opened(path, "there").unconfirmed(0) == frozenset()
    journal.mark_confirmed("7")
    assert journal.revision("7") == 3


def test_old_entries_expire_except_those_of_deactivations(journal: Journal, path: Path) -> None:
    journal.note("old@example.com", MADE)
    journal.note("gone@example.com", Entry(EntryKind.DEACTIVATED, "8"))
    with sqlite3.connect(path) as database:
        database.execute("update deeds set at = at - ?", (journals.RETENTION_S + 1,))
    database.close()

    again = opened(path)
    again.note("new@example.com", MADE)
    assert again.last("old@example.com") is None
    assert remembered(again, "gone@example.com") == Entry(EntryKind.DEACTIVATED, "8")
    assert remembered(again, "new@example.com") == MADE


@pytest.mark.parametrize("kind", ["garbage", "a folder", "below a file"])
def test_an_unusable_journal_is_reported_once_and_fails_nothing(kind: str, path: Path) -> None:
    if kind == "garbage":
        path.write_text("this is no database, whatever its name says" * 100)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.write_text("")
        path = path / "journal.db"
    warnings: list[str] = []
    journal = opened(path, warn=warnings.append)

    journal.note("ana@example.com", MADE)
    assert journal.last("ana@example.com") is None

    (warning,) = warnings
    assert str(path) in warning
    assert "continues without it" in warning


def test_who_opens_a_new_journal_waits_for_another_process(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """SQLite itself does not wait there: it raises "database is locked" at once."""
    other = sqlite3.connect(path)
    other.execute("begin immediate")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        other.rollback()

    monkeypatch.setattr("seatwise.wire.files.time.sleep", wait)
    journal = opened(path)
    journal.note("ana@example.com", MADE)
    assert waits == [files.PAUSE_S]
    assert remembered(journal, "ana@example.com") == MADE


def test_a_new_journal_that_stays_locked_is_reported(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(files, "BUSY_TIMEOUT_S", 0)
    other = sqlite3.connect(path)
    other.execute("begin immediate")
    warnings: list[str] = []
    journal = opened(path, warn=warnings.append)
    journal.note("ana@example.com", MADE)
    assert [each.partition("cannot be used ")[2] for each in warnings] == [
        "(database is locked); this run continues without it"
    ]
    other.close()


def test_a_journal_that_cannot_be_opened_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    path.with_name(f"{path.name}-journal").mkdir()  # where SQLite wants a file of its own
    monkeypatch.setattr("seatwise.wire.files.time.sleep", pytest.fail)
    warnings: list[str] = []
    journal = opened(path, warn=warnings.append)
    journal.note("ana@example.com", MADE)
    assert len(warnings) == 1
    assert "unable to open database file" in warnings[0]


def test_verify_creates_a_journal_and_keeps_its_entries(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.db"
    verify(path)
    opened(path).note("ana@example.com", MADE)
    verify(path)
    assert remembered(opened(path), "ana@example.com") == MADE


def test_verify_writes_to_the_journal(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """To open a file that is readable and not writable raises no error."""
    monkeypatch.setattr(files, "BUSY_TIMEOUT_S", 0)
    verify(path)
    writer = sqlite3.connect(path)
    writer.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        verify(path)
    writer.close()
    verify(path)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_creates_at_the_same_time_share_durable_writes(anyio_backend: str, path: Path) -> None:
    """A write that survives a power cut takes milliseconds; a hundred creates need fewer than ten."""
    writes: list[int] = []

    async def aside(work: Callable[[Sequence[object]], None], intents: Sequence[object]) -> None:
        writes.append(len(intents))
        await anyio.to_thread.run_sync(work, intents)

    journal = Journal("enerflo here", pytest.fail, path, aside)

    async def leave(number: int) -> None:
        assert await journal.intend(f"p{number}@example.com", "p/s/team", 300) is None
        other = opened(path)
        assert remembered(other, f"p{number}@example.com") == Entry(EntryKind.PENDING, owner="p/s/team")
        other.close()

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(leave, number)
    assert sum(writes) == 100
    assert len(writes) < 10


def test_the_file_is_in_the_users_state_folder_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATWISE_JOURNAL", "/some/where.db")
    assert RunSettings.load().journal == Path("/some/where.db")
    monkeypatch.delenv("SEATWISE_JOURNAL")
    assert RunSettings.load().journal.parts[-2:] == ("seatwise", "journal.db")


def test_processes_that_write_at_once_lose_no_entry(path: Path) -> None:
    """Four real processes, as with four providers or two stacks."""
    program = """
import sys
from pathlib import Path
from seatwise.core.vendor.errors import InvalidAccount
from seatwise.core.account.ports import EntryKind, Unconfirmed, Entry
from seatwise.wire.journal import Journal, verify
journal = Journal("enerflo here", lambda text: sys.exit(text), Path(sys.argv[1]))
for number in range(20):
    name = f"{sys.argv[2]}-{number}"
    journal.note(f"{name}@example.com", Entry(EntryKind.PENDING, owner=name))
    journal.mark_unconfirmed(name, Unconfirmed.CHANGED)
    journal.note(f"{name}@example.com", Entry(EntryKind.CREATED, name, name))
journal.close()
"""
    runs = [subprocess.Popen([sys.executable, "-c", program, str(path), str(each)]) for each in range(4)]
    assert [run.wait() for run in runs] == [0] * 4
    journal = opened(path)
    for each in range(4):
        for number in range(20):
            name = f"{each}-{number}"
            assert remembered(journal, f"{name}@example.com") == Entry(EntryKind.CREATED, name, name)
            assert journal.why_unconfirmed(name) is Unconfirmed.CHANGED
    journal.close()


def test_threads_may_read_and_write_at_once(journal: Journal) -> None:
    """`diff` reads in the host's threads while the event loop's thread writes."""
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda: [journal.why_unconfirmed("7") for _ in range(300)]) for _ in range(3)]
        for number in range(100):
            journal.mark_unconfirmed("7", Unconfirmed.CHANGED)
            journal.note("ana@example.com", Entry(EntryKind.CREATED, str(number)))
            journal.mark_confirmed("7")
        assert all(len(each.result()) == 300 for each in asked)
    assert remembered(journal, "ana@example.com") == Entry(EntryKind.CREATED, "99")
    journal.close()
