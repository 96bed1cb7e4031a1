"""The `seatwise` command."""

import json
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from .sandbox import server
from .sandbox.replies import Options
from .sandbox.store import Store, Taken

main = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"seatwise {version('seatwise')}")
        raise typer.Exit


@main.callback()
def seatwise(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """User accounts in SaaS products as code. Exit codes: 0 done, 1 failed, 2 wrong usage."""


@main.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8765,
    data: Annotated[Path | None, typer.Option(help="SQLite file that keeps the accounts across restarts.")] = None,
    seed: Annotated[Path | None, typer.Option(help="JSON file of accounts to start with, by vendor.")] = None,
    limits: Annotated[bool, typer.Option(help="Enforce the vendors' documented rate limits.")] = True,
    log: Annotated[bool, typer.Option(help="Show each request.")] = True,
) -> None:
    """Run stand-ins for Enerflo, Nexudus and Tenovos on this machine, until Ctrl-C.

    Prints the environment that points seatwise at it. Listens on loopback only; not for the internet.
    """
    try:
        listener = server.listening(port)
    except OSError as error:
        raise _failed(f"cannot listen on port {port}: {error.strerror}", "choose another --port") from None
    with listener:
        store = _store(data)
        if seed is not None:
            _seed(store, seed)
        url = server.url_of(listener)
        for name, value in server.environment(url).items():
            print(f"export {name}={value}", flush=True)
        _note(f"sandbox at {url}, for this machine only; Ctrl-C stops it")
        server.serve(server.app(store, Options(limits=limits), _note if log else _silence), listener)
    _note("sandbox stopped" + (f"; its accounts are kept in {data}" if data else ""))


def _store(path: Path | None) -> Store:
    try:
        return Store(path)
    except sqlite3.Error as error:
        raise _failed(f"cannot open {path}: {error}", "choose another --data") from None


def _seed(store: Store, path: Path) -> None:
    try:
        count = server.seed(store, json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _failed(f"cannot read {path}: {error!r}", "it must be an object of lists of records, by vendor") from None
    except Taken as error:
        raise _failed(f"{path} has {error} twice, or --data holds it already", "start with an empty --data") from None
    _note(f"{count} accounts from {path}")


def _failed(problem: str, remedy: str) -> typer.Exit:
    _note(f"seatwise: {problem}; {remedy}")
    return typer.Exit(1)


def _note(text: str) -> None:
    """Say something to the person at the terminal, beside what programs read."""
    typer.echo(text, err=True)


def _silence(_: str) -> None:
    """Say nothing."""
