"""What commands say: results on stdout, for people and programs; notes and progress on stderr, for people alone."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager, suppress
from errno import EPIPE
from threading import Timer
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..core.vendor.errors import AccountError
from ..core.vendor.secrets import VAULT
from ..core.vendor.text import printable

FAILED, MISUSED, FOUND = 1, 2, 3  # exit codes
PATIENCE = 2.0  # seconds before progress shows

Say = Callable[[str], None]
"""What takes a line for the person at the terminal."""


# --- results ----------------------------------------------------------------------------------


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, as_json: bool, quiet: bool) -> None:
    """Records as JSON, as a table in a terminal, else as lines with tabs, of which the first names the columns."""
    if as_json:
        print_json(rows)
        return
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    if sys.stdout.isatty():
        _print_table(columns, cells)
        return
    for line in [*([] if quiet else [columns]), *cells]:
        print("\t".join(line))


def print_fields(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """One record: JSON, or a field and its value a line."""
    if as_json:
        print_json(fields)
        return
    cells = [[name, _cell(value)] for name, value in fields.items()]
    if sys.stdout.isatty():
        _print_table(None, cells)
        return
    for line in cells:
        print("\t".join(line))


def print_json(value: Any) -> None:
    """JSON in ASCII: what a vendor's record says cannot act on a terminal."""
    print(json.dumps(value, indent=1))


def print_marked(mark: str, style: str, text: str) -> None:
    """A line that begins with a mark, coloured in a terminal."""
    console().print(Text.assemble((mark, style), printable(VAULT.message(text))), soft_wrap=True)


def _print_table(columns: Sequence[str] | None, cells: Sequence[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD if columns else None, show_header=bool(columns), pad_edge=False)
    for name in columns or ("", ""):
        table.add_column(name, overflow="fold")
    for line in cells:
        table.add_row(*map(Text, line))
    console().print(table)


def _cell(value: Any) -> str:
    """A value in one line, without what would act on a terminal."""
    return printable(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def console(*, stderr: bool = False) -> Console:
    """A terminal, in colours unless NO_COLOR is set; what is no terminal gets plain text."""
    no_color = bool(os.environ.get("NO_COLOR"))
    return Console(stderr=stderr, color_system=None if no_color else "auto", highlight=False, markup=False, emoji=False)


# --- beside the results -----------------------------------------------------------------------


def note(text: str) -> None:
    """Say something to the person at the terminal, beside what programs read.

    It cannot act on the terminal, whatever a vendor's record says, and has no secret in it.
    """
    typer.echo(VAULT.message(text), err=True)


def warn(text: str) -> None:
    """Say something that is no failure, in one line."""
    note(printable(text))


def counted(accounts: Sized) -> str:
    """How many accounts these are."""
    return f"{len(accounts):,} account{'' if len(accounts) == 1 else 's'}"


def silence(_: str) -> None:
    """Say nothing."""


def speaker(*, quiet: bool) -> Say:
    """What says notes."""
    return silence if quiet else note


@contextmanager
def progress(text: str, *, quiet: bool) -> Iterator[Say]:
    """Show what takes longer than two seconds, in a terminal; gives what changes the text."""
    terminal = console(stderr=True)
    if quiet or not (sys.stderr.isatty() and terminal.is_interactive):
        yield silence
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    bar = Progress(*columns, console=terminal, transient=True)
    task = bar.add_task(text)
    timer = Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda text: bar.update(task, description=text)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


# --- endings ----------------------------------------------------------------------------------


def failed(problem: str, remedy: str = "", code: int = FAILED) -> typer.Exit:
    """The end of a command that could not do what was asked."""
    note(f"seatwise: {problem}; {remedy}" if remedy else f"seatwise: {problem}")
    return typer.Exit(code)


def misused(problem: str) -> typer.Exit:
    """The end of a command that was asked what makes no sense."""
    note(f"seatwise: {problem}")
    return typer.Exit(MISUSED)


@contextmanager
def written() -> Iterator[None]:
    """See that all output is written: where it cannot be, the command fails, with a line that says why.

    A reader that has heard enough (`| head`) gets no line.
    """
    if sys.stdout is None:
        note("seatwise: the output cannot be written: it is closed; send it to a file, or to /dev/null")
        raise SystemExit(FAILED)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        if error.errno != EPIPE:
            note(f"seatwise: the output cannot be written: {error.strerror}")
        _drop_output()
        raise SystemExit(FAILED) from None


def _drop_output() -> None:
    """Send what is still to be written nowhere: Python would try again at its end, and complain."""
    with suppress(OSError, ValueError):  # it has no descriptor, or is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def readable() -> Iterator[None]:
    """Let a failure end the command with a line that says what to do."""
    try:
        yield
    except AccountError as error:
        raise failed(str(error)) from None
