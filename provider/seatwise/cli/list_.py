"""`seatwise list`: the accounts of a live tenant, and the audits of them."""

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
from .output import FOUND, Say, counted, failed, misused, print_rows, progress, readable, speaker
from .tenants import tenant

COLUMNS = ("id", "email", "name", "active", "roles")
STDIN = Path("-")


def list_(
    vendor: VendorName,
    match: Match = "*",
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only accounts that are active, or that are not.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only accounts with this role, as this list shows it.")
    ] = None,
    unmanaged: Annotated[
        bool, typer.Option("--unmanaged", help="Only accounts that no stack owns: the current stack, or those named.")
    ] = False,
    stack: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A stack to compare with; may be given again.")
    ] = None,
    export_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="What `pulumi stack export` wrote, - for standard input; may be given again.",
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
    """List the accounts of a live tenant, or those that nobody answers for. Changes nothing.

    All options narrow the list. With --unmanaged or --leavers it is an audit.

    Exit codes: 0 done, 1 failed, 2 wrong usage; of an audit 3 if it found somebody, 0 if nobody.
    """
    kind = vendor_type(vendor)
    stacks = _Stacks(stack or [], export_file or [], cwd)
    if stacks.are_named and not unmanaged:
        raise misused("--stack, --export and --cwd say what --unmanaged compares with: add --unmanaged")
    if leavers and active is False:
        raise misused("--leavers names active accounts: leave --inactive out")
    say, is_audit = speaker(quiet=quiet), unmanaged or bool(leavers)
    with readable():
        wanted = audit.Wanted(
            match,
            active,
            None if role is None else audit.role(kind, role),
            _owned(kind, stacks, say, quiet=quiet) if unmanaged else None,
            frozenset().union(*map(_people, leavers)) if leavers else None,
        )
        with progress("reading accounts", quiet=quiet) as tell:
            found, roles = anyio.run(_wanted, kind, wanted, tell, is_audit)
    print_rows(COLUMNS, [asdict(each) for each in found], as_json=as_json, quiet=quiet)
    say(counted(found) + _whose(unmanaged, leavers or []))
    if role is not None and not found:
        say(f"the roles of the accounts that were looked at: {', '.join(roles) or 'none'}")
    if is_audit and found:
        raise typer.Exit(FOUND)


def _whose(unmanaged: bool, leavers: list[Path]) -> str:
    found = [" that no stack owns"] if unmanaged else []
    if leavers:
        found.append(f" of people who are not in {' or '.join(map(str, leavers))}")
    return " and".join(found)


async def _wanted(
    kind: type[Vendor], wanted: audit.Wanted, tell: Say, is_audit: bool
) -> tuple[list[audit.Summary], list[str]]:
    """The wanted accounts of the live tenant, by e-mail, and all roles that were seen on the way.

    An audit does without a list that may lack somebody.
    """
    found = []
    async with tenant(kind) as live:
        if not live.vendor.has_list:
            raise no_list(kind)
        async for record in finding.everyone(live, wanted.lists, must_be_whole=is_audit):
            found.append(audit.Summary.of(live.vendor, record))
            tell(f"{counted(found)} read")
        taken = sorted((each for each in found if wanted.takes(live.vendor, each)), key=lambda each: folded(each.email))
        return taken, sorted({str(role) for each in found for role in each.roles})


@dataclass(frozen=True)
class _Stacks:
    """The stacks that own accounts: those that are named, or the current one."""

    names: list[str]
    files: list[Path]
    cwd: Path | None

    @property
    def are_named(self) -> bool:
        return bool(self.names or self.files or self.cwd)

    def exports(self) -> Iterator[tuple[str, Any]]:
        """Each with what it is called."""
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
    """The ids of all accounts of this tenant that a stack owns; says what each owns."""
    here = kind.settings_type.load().tenant_id
    accounts: frozenset[str] = frozenset()
    with progress("reading stacks", quiet=quiet):
        for source, state in stacks.exports():
            owned = audit.owned(kind.name, here, state, source)
            accounts |= owned.accounts
            others = f", and others in {', '.join(sorted(owned.others))}" if owned.others else ""
            say(f"{source} owns {counted(owned.accounts)} in {here}{others}")
    return accounts


def _people(path: Path) -> frozenset[str]:
    """The e-mails in a file of people; raises InvalidMembers."""
    rows = load(path)
    problems = [f"{row.where}: has no email" for row in rows if not audit.emails([row])]
    for row in rows:
        problems += [f"{row.where}, {row.kind} {each.field}: {each.reason}" for each in audit.unfit_emails(row)]
    if problems:
        raise InvalidMembers(problems)
    return audit.emails(rows)
