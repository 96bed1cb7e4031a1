"""`seatwise import`: what makes Pulumi manage accounts that were made by hand."""

import json
import os
import sys
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.prompt import Prompt

from ..core.account import finding
from ..core.queries import audit
from ..core.vendor.fields import Record
from ..core.vendor.vendor import Vendor
from ..dynamic import import_file
from ..wire.tenant import Tenant
from .options import Json, Match, Quiet, VendorName, vendor_type
from .output import Say, console, counted, failed, misused, print_json, progress, readable, speaker, warn
from .tenants import tenant


class OnDestroy(StrEnum):
    """What becomes of an account when its declaration is taken out of the program."""

    DEACTIVATE = "deactivate"
    DELETE = "delete"
    RETAIN = "retain"


LEAVING = {
    None: 'stays active, as it was there before, though pulumi says "deleted": on_destroy="deactivate" of its '
    "User, and one `pulumi up` before, would deactivate it",
    OnDestroy.DEACTIVATE: "is deactivated",
    OnDestroy.DELETE: "is deleted for good",
    OnDestroy.RETAIN: 'stays active, though pulumi says "deleted"',
}


def import_(
    vendor: VendorName,
    match: Match = "*",
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="The account with this id, listed or not; may be given again."),
    ] = None,
    stack_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the file for `pulumi import`.")
    ] = None,
    program: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write the Python program.")] = None,
    on_destroy: Annotated[
        OnDestroy | None,
        typer.Option(
            help="What becomes of an account whose declaration is taken out of the program. Asked for in a terminal; "
            "else it stays active."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take over accounts that were made by hand: read them, and write what makes Pulumi manage them.

    Writes an import file and a program that declares the same accounts: the next preview is empty.

    Changes nothing at the vendor. Secrets are in neither file. What a program may not declare is left out, and named.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    kind = vendor_type(vendor)
    if ids and match != "*":
        raise misused("--id names accounts and --match looks for them: give one of the two")
    stack_file, program = stack_file or Path(f"{vendor}-import.json"), program or Path(f"{vendor}_accounts.py")
    if stack_file == program:
        raise misused("--stack-file and --program are one file: give each its own")
    for path in (stack_file, program):
        _see_that_it_can_be_written(path, force=force)
    if on_destroy is None and not (quiet or as_json) and sys.stdin.isatty():
        on_destroy = _asked(kind)
    if on_destroy is OnDestroy.DELETE and not kind.can_delete:
        raise misused(f"--on-destroy delete: {kind.title} has no way to delete; use deactivate or retain")
    say = speaker(quiet=quiet)
    with readable(), progress("reading accounts", quiet=quiet) as tell:
        resources, text, left_out = anyio.run(_taken_over, kind, match, ids or [], on_destroy, tell)
    for line in left_out:
        warn(line)
    if not resources:
        raise failed(f"{kind.title}: no account can be taken over as it is", "nothing was written")
    # Both are made before one is written: there is no half of them.
    files = {stack_file: (json.dumps({"resources": resources}, indent=1) + "\n").encode(), program: text.encode()}
    for path, content in files.items():
        path.write_bytes(content)
    if as_json:
        print_json({"accounts": len(resources), "stack_file": str(stack_file), "program": str(program)})
    say(f"{counted(resources)}. Now, in your project:")
    say(f"  1. put {program} into the program: import it in __main__.py, or rename it to that")
    say(f"  2. pulumi import --file {stack_file} --generate-code=false --protect=false --yes")
    say("  3. pulumi preview, which shows no change")
    say(f"An account whose declaration you take out of the program later {LEAVING[on_destroy]}")


def _asked(kind: type[Vendor]) -> OnDestroy:
    """What the person at the terminal wants to become of accounts."""
    choices = [each.value for each in OnDestroy if kind.can_delete or each is not OnDestroy.DELETE]
    question = "What becomes of an account whose declaration is taken out of the program (retain: it stays active)?"
    return OnDestroy(Prompt.ask(question, choices=choices, console=console(stderr=True)))


def _see_that_it_can_be_written(path: Path, *, force: bool) -> None:
    """End the command before anything is read or written where this file could not be."""
    if path.is_dir():
        raise failed(f"{path} is a folder", "give the name of a file")
    if not path.parent.is_dir():
        raise failed(f"cannot write {path}: there is no folder {path.parent}", "make it or choose another")
    if path.exists() and not force:
        raise failed(f"{path} is there already", "choose another name or add --force")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise failed(f"cannot write {path}: permission denied", "choose another folder")


async def _taken_over(
    kind: type[Vendor], match: str, ids: list[str], on_destroy: str | None, tell: Say
) -> tuple[list[dict[str, Any]], str, list[str]]:
    """The resources of an import file, the program that declares them, and lines about what is in neither."""
    records = []
    async with tenant(kind) as live:
        wanted = _named(live, ids) if ids else finding.everyone(live, lambda _, email: audit.fits(email, match))
        async for record in wanted:
            records.append(record)
            tell(f"{counted(records)} read")
        if not records:
            about = "no account is listed" if match == "*" else f"no account's e-mail fits {match}"
            raise failed(
                f"{kind.title}: {about}", f"`seatwise list {kind.name}` shows who is there. Nothing was written"
            )
        return import_file(live.vendor, records, live.journal.revision, on_destroy)


async def _named(live: Tenant, ids: list[str]) -> AsyncIterator[Record]:
    """The accounts with these ids; ends the command when one is not there."""
    for account in dict.fromkeys(ids):
        record = await finding.fetch(live, account, None)
        if record is None:
            raise failed(f"{live.vendor.title} {account}: is not there", "check the id. Nothing was written")
        yield record
