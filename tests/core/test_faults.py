"""The fault matrix: every fault at every operation of every vendor, and how things stand once it is over.

Each cell is followed by a plain `up`, and in another world by a refresh and an `up`; then everything is as
declared, with one account each and none lost, whatever happened. All of it in virtual time. Where the state is
empty after the fault, a refresh has nothing to ask: the second world ends there, because the first one has the `up`.
"""

import gc
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import oracle
from conftest import ClosedInTheEnd
from faults import (
    CELLS,
    CHUNK,
    FAULTS,
    OPERATIONS,
    VENDORS,
    WITHOUT_LOGIN,
    Cell,
    Scene,
    Variant,
    goal,
    meet,
    mend,
    prepare,
)
from model import Stack
from others import AtScim2Server
from seatwise.core.vendor.errors import AccountError, UnknownOutcome
from seatwise.wire.body import MAX_BODY_BYTES
from seatwise.wire.settings import RunSettings
from virtual import World

AGAIN = ("up", "refresh and up")
ALONE = "refresh and up, in one world"
"""For cells that have no second world: they always have the `up`."""
WITH_LOGIN = ("nexudus", "tenovos")
NOT_APPLICABLE = {
    **{f"{fault}-token-{vendor}": "a key takes no login" for fault in FAULTS for vendor in WITHOUT_LOGIN},
    **{f"F15-token-{vendor}": "a login asks for no account" for vendor in WITH_LOGIN},
    **{f"F16-token-{vendor}": "a login makes nothing that could be there twice" for vendor in WITH_LOGIN},
    **{f"F16-look-up-{vendor}": "a look-up makes nothing that could be there twice" for vendor in VENDORS},
    **{f"F16-read-{vendor}": "a read makes nothing that could be there twice" for vendor in VENDORS},
    **{f"F20-token-{vendor}": "a login touches no account that somebody could edit" for vendor in WITH_LOGIN},
    **{
        f"F21-{operation}-{vendor}": "a read would show it" if operation != "create" else "its answer holds no record"
        for operation in OPERATIONS
        for vendor in VENDORS
        if (operation, vendor)
        not in (("create", "enerflo"), ("create", "scim"), ("token", "enerflo"), ("token", "scim"))
    },
}
"""Cells that cannot be, each with the reason."""
ROOT = Path(__file__).resolve().parents[2]
OPEN_ENDED = pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")
"""An answer that is not read to its end leaves generators of httpx's to the garbage collector, which trio minds."""
APPLY = [cell for cell in CELLS if str(cell) not in NOT_APPLICABLE]
AT_OTHERS = [cell for cell in APPLY if cell.vendor == "scim" and cell.fault != "F20"]
"""F20 is a hand at the stand-in's own table."""


class Careless(ClosedInTheEnd):
    """A file that never waits for the disk: nobody pulls the plug here."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        super().execute("pragma synchronous = off")

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql.startswith("pragma synchronous"):
            return self.cursor()
        return super().execute(sql.replace("journal_mode = wal", "journal_mode = memory"), *values)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        return super().executescript(sql.replace("synchronous = normal", "synchronous = off"))


@pytest.fixture(autouse=True)
def _power_stays_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Careless))


@pytest.fixture(autouse=True, scope="module")
def _rubbish_waits() -> Iterator[None]:
    """Thousands of worlds come and go: that is quicker with the collector called more rarely."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    yield
    gc.set_threshold(*usual)


def test_every_cell_is_tried_or_named_with_a_reason() -> None:
    names = {str(cell) for cell in CELLS}
    assert (len(FAULTS), len(OPERATIONS), len(VENDORS), len(names)) == (21, 6, 4, 504)
    assert len(APPLY) + len(NOT_APPLICABLE) == 504
    assert len(APPLY) >= 400
    assert {str(cell) for cell in CELLS if not cell.variants} == NOT_APPLICABLE.keys()


@pytest.mark.anyio
@OPEN_ENDED
@pytest.mark.no_cover  # a tracer doubles its time, and the facts beside it cover the same code
@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("cell", APPLY, ids=str)
async def test_fault(cell: Cell, again: str, tmp_path: Path) -> None:
    await each_variant(cell, again, tmp_path, lambda run, unique: World(cell.vendor, run, unique_emails=unique))


@pytest.mark.anyio
@OPEN_ENDED
@pytest.mark.no_cover
@pytest.mark.parametrize("cell", AT_OTHERS, ids=str)
async def test_fault_at_a_server_of_others(cell: Cell, tmp_path: Path) -> None:
    await each_variant(cell, ALONE, tmp_path, lambda run, unique: AtScim2Server(run))


async def each_variant(cell: Cell, again: str, folder: Path, world_with: Callable[[RunSettings, bool], World]) -> None:
    """Let each variant of a cell happen in a world of its own; a failure names the variant."""
    for number, (place, variant) in enumerate(cell.variants):
        journal = folder / f"{number}.db"
        run = RunSettings.model_construct(journal=journal, max_removals=None, share_limits=False)
        try:
            async with world_with(run, variant.unique_emails) as world:
                await happens(world, place, variant, again)
        except Exception as error:
            error.add_note(f"{cell}: {variant}, at the {place}")
            raise


async def happens(world: World, place: str, variant: Variant, again: str) -> None:
    """The run that meets the fault, what comes of it, and the runs after it."""
    scene, stack = Scene(world, variant, place), Stack(world, checkpoints=variant.checkpoints)
    await prepare(scene, stack)
    await meet(scene, stack)
    it_came_as_expected(scene, stack)
    if variant.remedy:
        await stack.up(goal(scene))
        assert failed_with(stack) == {scene.outcome}, "it stays until somebody does something"
        oracle.check(stack)
        oracle.strangers_are_left_alone(world)
        await mend(scene, stack)
    if again == "refresh and up" and not (stack.state or stack.pending or stack.recreated):
        return
    if again != "up":
        assert await stack.refresh(), stack.failures
        oracle.check(stack)
    await oracle.converges(stack, goal(scene))
    for account, fields in scene.edits.items():
        assert world.accounts[account].items() >= fields.items(), "what others set survives"


def it_came_as_expected(scene: Scene, stack: Stack) -> None:
    """The fault was met, as often as it may be; the run ended as it must, and what it said is so."""
    failures = {name: repr(error) for name, error in stack.failures.items()}
    assert 1 <= len(scene.met) <= (scene.variant.tries or len(scene.met)), "met, and not tried too often"
    assert failed_with(stack) == ({scene.outcome} if scene.outcome else set()), failures
    oracle.check(stack)
    nothing_was_made_if_it_says_so(scene)
    nothing_was_sent_too_early(scene)
    assert scene.drawn <= MAX_BODY_BYTES + len(CHUNK), "no more is taken than an account can have"


def failed_with(stack: Stack) -> set[type[AccountError]]:
    return {type(error) for error in stack.failures.values()}


def nothing_was_made_if_it_says_so(scene: Scene) -> None:
    """Any failure of a create but the ones that say otherwise means that the vendor has made nothing."""
    is_certain = scene.outcome not in (None, AccountError, UnknownOutcome)
    if scene.operation in ("create", "look-up", "token") and is_certain:
        mine = [record for account, record in scene.world.accounts.items() if account not in scene.world.by_hand]
        assert "ana@example.com" not in map(scene.world.email, mine)


def nothing_was_sent_too_early(scene: Scene) -> None:
    """P9: a vendor that asks to wait is left alone that long, by all requests of the run."""
    wait = scene.variant.waits
    times = [sent.at for sent in scene.world.trail if sent.process == scene.process]
    assert [at for at in times for met in scene.met if met < at < met + wait] == []


# --- the same faults and other tools ----------------------------------------------------------


@OPEN_ENDED
def test_seatwise_does_no_harm_where_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.naive import compare

    ours, documented, retrying = compare.compared().values()

    assert ours == compare.Harm()
    assert documented.duplicates > 0
    assert documented.orphans > 0
    assert documented.leaks
    assert retrying.sent_twice > 0
    for column in (documented, retrying):
        assert column.orphans >= column.duplicates, "a second account leaves one that nobody knows"


def test_the_table_goes_between_the_markers_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.naive import compare

    begin, end = compare.MARKERS
    table = compare.table({"a tool": compare.Harm(duplicates=3, leaks=None)})

    assert "| a tool | 21 |" in table
    assert "| 3 | 0 | not modelled | 0 |" in table
    for old in ("", "| old |\n| older |\n"):
        assert compare.put(f"a\n{begin}\n{old}{end}\nb\n", table) == f"a\n{begin}\n{table}\n{end}\nb\n"
    with pytest.raises(SystemExit, match="markers"):
        compare.put("no place for it", table)
