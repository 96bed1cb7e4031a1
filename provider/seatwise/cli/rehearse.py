"""`seatwise rehearse`: the whole life of one throw-away account at a live tenant."""

import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import anyio
import typer

from ..core.account.removals import Removals
from ..core.rehearsal.life import ACTIVE, Life
from ..core.rehearsal.living import clean_up, live
from ..core.rehearsal.looking import look
from ..core.rehearsal.plan import parse_given
from ..core.rehearsal.report import COLUMNS, document, markdown, verdict_of
from ..core.vendor.errors import AccountError, InvalidAccount
from ..core.vendor.http import Answer, Request
from ..core.vendor.secrets import VAULT
from ..core.vendor.vendor import Vendor
from ..wire.settings import RunSettings
from ..wire.tenant import Tenant
from .import_ import check_writable
from .options import Json, Quiet, VendorName, vendor_type
from .output import (
    FOUND,
    Say,
    exit_on_error,
    failed,
    misused,
    note,
    notifier,
    print_json,
    print_rows,
    progress,
    silence,
)


def rehearse(
    vendor: VendorName,
    email: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The e-mail of the account, which no account may have yet.")
    ],
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An argument of the account, such as roles=Setter; NAME= leaves it out. May be given again.",
        ),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Stop before the first write.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first write.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write FILE.md and FILE.json: what the answers look like, without values."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Try a live tenant with one throw-away account, and compare its answers with what seatwise assumes.

    Creates the account, reads, finds, lists and changes it, deactivates it, activates it and deactivates it again.

    Asks before the first write. The deactivated account stays, and its e-mail may stay taken. No other account is
    touched.

    Exit codes: 0 as assumed, 1 failed, 2 wrong usage, 3 something differs.
    """  # fmt: skip
    kind = vendor_type(vendor)
    files = _report_files(report, force=force)
    life = _plan(kind, email, given or [])
    say = notifier(quiet=quiet)
    try:
        with progress("reading", quiet=quiet) as tell:
            _run(life, look, tell)
        if not read_only and (yes or _is_agreed(life)):
            _live(life, quiet=quiet)
        else:
            say("seatwise: nothing was written")
    except AccountError as error:
        error.problem = life.blanked(error.problem)
        raise failed(str(error)) from None
    finally:
        for path, text in _report(life, files).items():
            path.write_text(text, encoding="utf-8")
    rows = life.rows()
    if as_json:
        print_json(document(life))
    else:
        cells = [asdict(each) | {"verdict": verdict_of(each)} for each in rows]
        print_rows(COLUMNS, cells, as_json=False, quiet=quiet)
    for path in files:
        say(f"seatwise: wrote {path}")
    if any(each.verdict == "differs" for each in rows):
        raise typer.Exit(FOUND)


def _plan(kind: type[Vendor], email: str, given: list[str]) -> Life:
    with exit_on_error():
        vendor = kind(kind.settings_type.load())
    try:
        life = Life.of(vendor, email, parse_given(kind, given))
    except InvalidAccount as error:
        raise misused(str(error)) from None
    secrets = vendor.schema.secrets
    VAULT.learn(*(str(value) for values in (life.values, life.changes) for name, value in values.items()
                  if name in secrets))  # fmt: skip
    return life


class _Watched(Tenant):
    """A tenant whose answers a rehearsal sees."""

    def __init__(self, life: Life) -> None:
        super().__init__(life.vendor, VAULT, silence, RunSettings.load(), Removals())
        self._life = life

    async def send(self, request: Request, deadline: float | None = None) -> Answer:
        answer = await super().send(request, deadline)
        self._life.record(request, answer)
        return answer


def _run(life: Life, part: Callable[[Tenant, Life], Awaitable[None]], tell: Say = silence) -> None:
    """Run a part of the rehearsal, with connections of its own."""

    async def run() -> None:
        async with _Watched(life) as tenant:
            await part(tenant, life)

    tell(f"{life.vendor.title}: {part.__name__}")
    anyio.run(run)


def _is_agreed(life: Life) -> bool:
    vendor = life.vendor
    left = "is deleted at the end" if vendor.deactivating_deletes else (
        "stays there, deactivated, and its e-mail may stay taken")  # fmt: skip
    note(f"seatwise creates one account at {vendor.title} ({vendor.settings.base_url}): {life.email}. It {left}. "
         "No other account is touched.")  # fmt: skip
    try:
        return typer.confirm("Create it?", err=True)
    except typer.Abort:
        raise failed("the question was not answered", "add --yes to create the account without it") from None


def _live(life: Life, *, quiet: bool) -> None:
    """Live the account's life; whatever happens, deactivate the account and name it."""
    signal.signal(signal.SIGTERM, _end)
    try:
        with progress("trying the account", quiet=quiet) as tell:
            _run(life, live, tell)
    except BaseException:
        _clean_up(life)
        _name(life, note)
        raise
    is_over = not life.may_exist and ACTIVE not in life.accounts.values()
    _name(life, notifier(quiet=quiet and is_over))


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does: the account is deactivated, and named."""
    raise SystemExit(128 + number)


def _clean_up(life: Life) -> None:
    if not life.may_exist and ACTIVE not in life.accounts.values():
        return
    try:
        _run(life, clean_up)
    except (AccountError, KeyboardInterrupt, SystemExit):
        return  # the account is named as it is


def _name(life: Life, say: Say) -> None:
    """Say which accounts there are now."""
    title = life.vendor.title
    for account, state in life.accounts.items():
        more = ": deactivate it in the admin page" if state == ACTIVE else ""
        say(f"seatwise: {title} {life.email} ({account}) was made and is {state}{more}")
    if life.may_exist:
        say(f"seatwise: {title} {life.email} may have been made: look for it in the admin page, and deactivate it")


# --- the report -------------------------------------------------------------------------------


def _report_files(report: Path | None, *, force: bool) -> tuple[Path, ...]:
    """Return the files of the report, which can be written; ends the command otherwise."""
    if report is None:
        return ()
    name = report.with_suffix("") if report.suffix in (".md", ".json") else report
    files = tuple(name.with_name(f"{name.name}{suffix}") for suffix in (".md", ".json"))
    for path in files:
        check_writable(path, force=force)
    return files


def _report(life: Life, files: tuple[Path, ...]) -> dict[Path, str]:
    """Return the contents of the report, if it is wanted and there is something in it."""
    if not files or not life.exchanges:
        return {}
    return dict(zip(files, (markdown(life), json.dumps(document(life), indent=1) + "\n"), strict=True))
