"""`seatwise list`: the accounts of a live tenant, and two audits of them."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from ..core.account import finding
from ..core.account.refusals import no_list
from ..core.queries import audit
from ..core.vendor.errors import InvalidMembers
from ..core.vendor.fields import folded
from ..core.vendor.vendor import Vendor
from ..files.members import load
from .engine import decoded, export
from .options import Json, Match, Quiet, VendorName, vendor_type
from .output import FOUND, Say, count_accounts, exit_on_error, failed, misused, notifier, print_rows, progress
from .tenants import tenant

COLUMNS = ("id", "email", "name", "active", "roles")
STDIN = Path("-")


def list_(
    vendor: VendorName,
    match: Match = "*",
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only active accounts, or only inactive ones.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only accounts with this role, as this list shows it.")
    ] = None,
    unmanaged: Annotated[
        bool, typer.Option("--unmanaged", help="Only accounts that the current stack, or the named stacks, do not own.")
    ] = False,
    stack: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A stack to compare with; may be given again.")
    ] = None,
    export_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="The output of `pulumi stack export`, - for standard input; may be given again.",
        ),
    ] = None,
    cwd: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="The folder of the Pulumi project.")
    ] = None,
    leavers: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Only active accounts of people who are not in this file (CSV, YAML); may be given again.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the accounts of a live tenant, or audit them. Changes nothing.

    Each option narrows the list. With --unmanaged or --leavers the command is an audit.

    Exit codes: 0 done, 1 failed, 2 wrong usage; an audit: 3 if it found accounts, 0 if it found none.
    """
    kind = vendor_type(vendor)
    stacks = _Stacks(stack or [], export_file or [], cwd)
    if stacks.are_named and not unmanaged:
        raise misused("--stack, --export and --cwd name the stacks of --unmanaged: add --unmanaged")
    if leavers and active is False:
        raise misused("--leavers lists only active accounts: remove --inactive")
    say, is_audit = notifier(quiet=quiet), unmanaged or bool(leavers)
    with exit_on_error():
        wanted = audit.AccountFilter(
            match,
            active,
            None if role is None else audit.role(kind, role),
            _owned(kind, stacks, say, quiet=quiet) if unmanaged else None,
            frozenset().union(*map(_people, leavers)) if leavers else None,
        )
        with progress("reading accounts", quiet=quiet) as tell:
            found, roles = anyio.run(_wanted, kind, wanted, tell, is_audit)
    print_rows(COLUMNS, [asdict(each) for each in found], as_json=as_json, quiet=quiet)
    say(count_accounts(found) + _filter_text(unmanaged, leavers or []))
    if role is not None and not found:
        say(f"the accounts that were read have these roles: {', '.join(roles) or 'none'}")
    if is_audit and found:
        raise typer.Exit(FOUND)


def _filter_text(unmanaged: bool, leavers: list[Path]) -> str:
    found = [" that no stack owns"] if unmanaged else []
    if leavers:
        found.append(f" of people who are not in {' or '.join(map(str, leavers))}")
    return " and".join(found)


async def _wanted(
    kind: type[Vendor], wanted: audit.AccountFilter, tell: Say, is_audit: bool
) -> tuple[list[audit.Summary], list[str]]:
    """Return the wanted accounts of the live tenant, sorted by e-mail, and all roles of the accounts that were read.

    Raises AccountError, in an audit also for an account list that may be incomplete.
    """
    found = []
    async with tenant(kind) as live:
        if not live.vendor.has_list:
            raise no_list(kind)
        async for record in finding.everyone(live, wanted.may_match, must_be_whole=is_audit):
            found.append(audit.Summary.of(live.vendor, record))
            tell(f"{count_accounts(found)} read")
        taken = sorted(
            (each for each in found if wanted.matches(live.vendor, each)), key=lambda each: folded(each.email)
        )
        return taken, sorted({str(role) for each in found for role in each.roles})


@dataclass(frozen=True)
class _Stacks:
    """The stacks to compare with: the named ones, or the current one."""

    names: list[str]
    files: list[Path]
    cwd: Path | None

    @property
    def are_named(self) -> bool:
        return bool(self.names or self.files or self.cwd)

    def exports(self) -> Iterator[tuple[str, Any]]:
        """Yield each stack's display name and its exported state."""
        for path in self.files:
            source = "standard input" if path == STDIN else str(path)
            yield source, decoded(_read(path), source)
        for name in self.names:
            yield f"stack {name}", export(name, self.cwd)
        if not self.names and (self.cwd or not self.files):
            yield "the current stack", export(None, self.cwd)


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise failed(f"cannot read {path}: {error}", "write it with `pulumi stack export`") from None


def _owned(kind: type[Vendor], stacks: _Stacks, say: Say, *, quiet: bool) -> frozenset[str]:
    """Return the ids of all accounts of this tenant that a stack owns; note how many each stack owns."""
    here = kind.settings_type.load().tenant_id
    accounts: frozenset[str] = frozenset()
    with progress("reading stacks", quiet=quiet):
        for source, state in stacks.exports():
            owned = audit.owned(kind.name, here, state, source)
            accounts |= owned.accounts
            others = f", and others in {', '.join(sorted(owned.others))}" if owned.others else ""
            say(f"{source} owns {count_accounts(owned.accounts)} in {here}{others}")
    return accounts


def _people(path: Path) -> frozenset[str]:
    """Return the e-mails in a file of people; raises InvalidMembers."""
    rows = load(path)
    problems = [f"{row.where}: has no email" for row in rows if not audit.emails([row])]
    for row in rows:
        problems += [f"{row.where}, {row.kind} {each.field}: {each.reason}" for each in audit.email_problems(row)]
    if problems:
        raise InvalidMembers(problems)
    return audit.emails(rows)
