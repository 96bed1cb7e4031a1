"""`seatwise import`: the import file and the program that adopt existing accounts."""

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
from ..core.vendor.boundary import Record
from ..core.vendor.vendor import Vendor
from ..dynamic import import_file
from ..wire.tenant import Tenant
from .options import Json, Match, Quiet, VendorName, vendor_type
from .output import Say, console, count_accounts, exit_on_error, failed, misused, notifier, print_json, progress, warn
from .tenants import tenant


class OnDestroy(StrEnum):
    """The end of an account when its declaration is removed from the program."""

    DEACTIVATE = "deactivate"
    DELETE = "delete"
    RETAIN = "retain"


LEAVING = {
    None: 'stays active because it existed before, although pulumi shows "deleted"; to deactivate it then, set '
    'on_destroy="deactivate" on its User and run `pulumi up` before you remove it',
    OnDestroy.DEACTIVATE: "is deactivated",
    OnDestroy.DELETE: "is deleted permanently",
    OnDestroy.RETAIN: 'stays active, although pulumi shows "deleted"',
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
            help="What happens to an account when its declaration is removed from the program. Asked in a terminal; "
            "otherwise the account stays active."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Adopt existing accounts: read them, and write the files with which Pulumi manages them.

    Writes an import file and a program that declares the same accounts: the next preview is empty.

    Changes nothing at the vendor. Writes no secrets. Leaves out, and names, values that a program may not declare.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    kind = vendor_type(vendor)
    if ids and match != "*":
        raise misused("--id and --match both select accounts: give only one of them")
    stack_file, program = stack_file or Path(f"{vendor}-import.json"), program or Path(f"{vendor}_accounts.py")
    if stack_file == program:
        raise misused("--stack-file and --program name the same file: give two names")
    for path in (stack_file, program):
        check_writable(path, force=force)
    on_destroy = _policy(kind, on_destroy, ask=not (quiet or as_json) and sys.stdin.isatty())
    say = notifier(quiet=quiet)
    with exit_on_error(), progress("reading accounts", quiet=quiet) as tell:
        resources, text, left_out = anyio.run(_read_accounts, kind, match, ids or [], on_destroy, tell)
    for line in left_out:
        warn(line)
    if not resources:
        raise failed(f"{kind.title}: no account can be adopted as it is", "nothing was written")
    # Both contents exist before the first file is written, so that a failure does not leave only one of them.
    files = {stack_file: (json.dumps({"resources": resources}, indent=1) + "\n").encode(), program: text.encode()}
    for path, content in files.items():
        path.write_bytes(content)
    if as_json:
        print_json({"accounts": len(resources), "stack_file": str(stack_file), "program": str(program)})
    say(f"{count_accounts(resources)}. Now, in your project:")
    say(f"  1. add {program} to the program: import it in __main__.py, or rename it to __main__.py")
    say(f"  2. pulumi import --file {stack_file} --generate-code=false --protect=false --yes")
    say("  3. pulumi preview, which shows no change")
    say(f"An account whose declaration you later remove from the program {LEAVING[on_destroy]}")


def _policy(kind: type[Vendor], given: OnDestroy | None, *, ask: bool) -> OnDestroy | None:
    """Return the given policy, or that which the user chooses; end the command if the tenant cannot follow it."""
    with exit_on_error():
        vendor = kind(kind.settings_type.load())
    if given is None and ask:
        return _ask_on_destroy(vendor)
    if given is OnDestroy.DELETE and not vendor.can_delete:
        raise misused(f"--on-destroy delete: {kind.title} cannot delete accounts; use deactivate or retain")
    if given is OnDestroy.DEACTIVATE and vendor.deactivating_deletes:
        raise misused(f"--on-destroy deactivate: {kind.title} would delete the account then; use delete or retain")
    return given


def _ask_on_destroy(vendor: Vendor) -> OnDestroy:
    """Ask the user what happens to an account when its declaration is removed."""
    refused = {OnDestroy.DELETE: not vendor.can_delete, OnDestroy.DEACTIVATE: vendor.deactivating_deletes}
    choices = [each.value for each in OnDestroy if not refused.get(each)]
    question = "What happens to an account when you remove its declaration from the program (retain: it stays active)?"
    return OnDestroy(Prompt.ask(question, choices=choices, console=console(stderr=True)))


def check_writable(path: Path, *, force: bool) -> None:
    """End the command if this file cannot be written."""
    if path.is_dir():
        raise failed(f"{path} is a folder", "give the name of a file")
    if not path.parent.is_dir():
        raise failed(f"cannot write {path}: the folder {path.parent} does not exist", "create it or choose another")
    if path.exists() and not force:
        raise failed(f"{path} already exists", "choose another name or add --force")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise failed(f"cannot write {path}: permission denied", "choose another folder")


async def _read_accounts(
    kind: type[Vendor], match: str, ids: list[str], on_destroy: str | None, tell: Say
) -> tuple[list[dict[str, Any]], str, list[str]]:
    """Read the accounts; return the import file's resources, the program, and lines about what both leave out.

    Ends the command if no account is found; raises AccountError.
    """
    records = []
    async with tenant(kind) as live:
        wanted = _by_ids(live, ids) if ids else finding.everyone(live, audit.AccountFilter(match).may_match)
        async for record in wanted:
            records.append(record)
            tell(f"{count_accounts(records)} read")
        if not records:
            about = "the account list is empty" if match == "*" else f"no account has an e-mail that matches {match}"
            raise failed(
                f"{kind.title}: {about}", f"`seatwise list {kind.name}` shows all accounts. Nothing was written"
            )
        return import_file(live.vendor, records, live.journal.revision, on_destroy)


async def _by_ids(live: Tenant, ids: list[str]) -> AsyncIterator[Record]:
    """Yield the records of the accounts with these ids; ends the command if one does not exist."""
    for account in dict.fromkeys(ids):
        record = await finding.fetch(live, account, None)
        if record is None:
            raise failed(f"{live.vendor.title} {account}: no account has this id", "check it. Nothing was written")
        yield record
