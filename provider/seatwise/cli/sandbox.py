"""`seatwise sandbox`: fake vendors (stand-ins) on this machine."""

import json
import sqlite3
from pathlib import Path
from typing import Annotated

import typer

from ..sandbox import server
from ..sandbox.replies import Options
from ..sandbox.store import Store, Taken
from .options import Json, Quiet
from .output import Say, failed, notifier, silence

SEED = "it must be an object of lists of records, by vendor"


def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8765,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="SQLite file that keeps the accounts across restarts.")
    ] = None,
    seed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON file of accounts to start with, by vendor.")
    ] = None,
    limits: Annotated[bool, typer.Option(help="Enforce the vendors' documented rate limits.")] = True,
    log: Annotated[bool, typer.Option(help="Show each request.")] = True,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run stand-ins for Enerflo, Nexudus, Tenovos and SCIM on this machine, until Ctrl-C.

    Prints the environment that points seatwise at it. Listens on loopback only; not for the internet.

    Exit codes: 0 stopped by Ctrl-C, 1 failed, 2 wrong usage.
    """
    say = notifier(quiet=quiet)
    try:
        listener = server.listen(port)
    except OSError as error:
        raise failed(f"cannot listen on port {port}: {error.strerror}", "choose another --port") from None
    with listener:
        store = _store(data)
        if seed is not None:
            _seed(store, seed, say)
        url = server.url_of(listener)
        _print_environment(server.environment(url), as_json=as_json)
        say(f"sandbox and its page at {url}, for this machine only; Ctrl-C stops it")
        server.serve(server.app(store, Options(limits=limits), say if log else silence), listener)
    say("sandbox stopped" + (f"; its accounts are kept in {data}" if data else ""))


def _print_environment(variables: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(variables), flush=True)  # in one line, so that a reader knows when it is complete
        return
    for name, value in variables.items():
        print(f"export {name}={value}", flush=True)


def _store(path: Path | None) -> Store:
    try:
        return Store(path)
    except sqlite3.Error as error:
        raise failed(f"cannot open {path}: {error}", "choose another --data") from None


def _seed(store: Store, path: Path, say: Say) -> None:
    try:
        count = server.seed(store, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise failed(f"cannot read {path}: {error}", SEED) from None
    except (KeyError, AttributeError, TypeError) as error:  # valid JSON of another shape
        raise failed(f"cannot read {path}: {type(error).__name__}", SEED) from None
    except Taken as error:
        raise failed(
            f"{path} contains {error} twice, or --data already contains it", "start with an empty --data"
        ) from None
    say(f"{count} accounts from {path}")
