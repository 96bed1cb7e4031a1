"""The commands' output: results on stdout, for people and programs; notes and progress on stderr, for people."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
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
PROGRESS_DELAY_S = 2.0

Say = Callable[[str], None]
"""A function that shows a line to the user."""


# --- results ----------------------------------------------------------------------------------


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, as_json: bool, quiet: bool) -> None:
    """Print records as JSON, as a table in a terminal, else as lines with tabs below a line of column names."""
    if as_json:
        print_json(rows)
        return
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    if sys.stdout.isatty():
        _print_table(columns, cells)
        return
    _print_lines([*([] if quiet else [columns]), *cells])


def print_fields(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record as JSON, or with one field and its value in each line."""
    if as_json:
        print_json(fields)
        return
    cells = [[name, _cell(value)] for name, value in fields.items()]
    if sys.stdout.isatty():
        _print_table(None, cells)
        return
    _print_lines(cells)


def print_json(value: Any) -> None:
    """Print JSON in ASCII, so that a vendor's values cannot control the terminal."""
    print(json.dumps(value, indent=1), flush=True)


def print_marked(mark: str, style: str, text: str) -> None:
    """Print a line that begins with a mark, coloured in a terminal."""
    console().print(Text.assemble((mark, style), printable(VAULT.message(text))), soft_wrap=True)


def _print_table(columns: Sequence[str] | None, cells: Sequence[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD if columns else None, show_header=bool(columns), pad_edge=False)
    for name in columns or ("", ""):
        table.add_column(name, overflow="fold")
    for line in cells:
        table.add_row(*map(Text, line))
    console().print(table)


def _print_lines(lines: Iterable[Sequence[str]]) -> None:
    """Print lines with tabs. They leave this process before a note does, or fail before it."""
    for line in lines:
        print("\t".join(line))
    sys.stdout.flush()


def _cell(value: Any) -> str:
    """Return a value as one line, without characters that control a terminal."""
    return printable(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def console(*, stderr: bool = False) -> Console:
    """Return a console with colours, unless NO_COLOR is set or the stream is not a terminal."""
    no_color = bool(os.environ.get("NO_COLOR"))
    return Console(stderr=stderr, color_system=None if no_color else "auto", highlight=False, markup=False, emoji=False)


# --- notes and progress -----------------------------------------------------------------------


def note(text: str) -> None:
    """Print a note to stderr, without secrets and without characters that control a terminal."""
    typer.echo(VAULT.message(text), err=True)


def warn(text: str) -> None:
    """Print a warning to stderr, in one line."""
    note(printable(text))


def count_accounts(accounts: Sized) -> str:
    """Return the number of accounts as text, such as `2 accounts`."""
    return f"{len(accounts):,} account{'' if len(accounts) == 1 else 's'}"


def silence(_: str) -> None:
    """Print nothing."""


def notifier(*, quiet: bool) -> Say:
    """Return the function that prints notes, or `silence` if `quiet`."""
    return silence if quiet else note


@contextmanager
def progress(text: str, *, quiet: bool) -> Iterator[Say]:
    """Show progress in a terminal if the block takes longer than two seconds; yield a function that sets the text."""
    terminal = console(stderr=True)
    if quiet or not (sys.stderr.isatty() and terminal.is_interactive):
        yield silence
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    bar = Progress(*columns, console=terminal, transient=True)
    task = bar.add_task(text)
    timer = Timer(PROGRESS_DELAY_S, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda text: bar.update(task, description=text)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


# --- the end of a command ---------------------------------------------------------------------


def failed(problem: str, remedy: str = "", code: int = FAILED) -> typer.Exit:
    """Print the problem and return the exception that ends the command as failed."""
    note(f"seatwise: {problem}; {remedy}" if remedy else f"seatwise: {problem}")
    return typer.Exit(code)


def misused(problem: str) -> typer.Exit:
    """Print the problem and return the exception that ends the command as wrong usage."""
    note(f"seatwise: {problem}")
    return typer.Exit(MISUSED)


@contextmanager
def check_output() -> Iterator[None]:
    """Flush the output at the end of the block; if it cannot be written, print why and exit with an error.

    Prints nothing if the reader closed the pipe (`| head`).
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
    """Discard output that is still buffered: Python would try to write it again at exit, and report an error."""
    with suppress(OSError, ValueError):  # stdout has no descriptor, or is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command at an AccountError and print its message."""
    try:
        yield
    except AccountError as error:
        raise failed(str(error)) from None
