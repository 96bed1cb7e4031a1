"""The `seatwise` command."""

import json
import os
import platform
import re
import shutil
import signal
import sqlite3
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .core import finding
from .core.errors import AccountError
from .core.secrets import Vault
from .core.tenant import Removals
from .core.vendor import Vendor
from .dynamic import import_file, vendor_named
from .sandbox import server
from .sandbox.replies import Options
from .sandbox.store import Store, Taken
from .vendors import names
from .wire import journal
from .wire.settings import RunSettings
from .wire.tenant import Tenant

OLDEST_PULUMI = (3, 254, 0)  # the first whose import files may hold inputs and outputs
INSTALL_PULUMI = "https://www.pulumi.com/docs/install/"
FAST = {
    "PULUMI_SKIP_CHECKPOINTS": ("true", "the state is written at the end, not twice for each changed resource"),
    "PULUMI_EXPERIMENTAL": ("1", "without it pulumi does not heed PULUMI_SKIP_CHECKPOINTS"),
}
NOT_FOUND = 127  # what a shell says of a command that is not there
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


@main.command("import")
def import_(
    vendor: Annotated[str, typer.Argument(help="The vendor: " + ", ".join(names()) + ".")],
    match: Annotated[
        str, typer.Option(help="Only accounts whose e-mail fits this pattern, such as *@example.com.")
    ] = "*",
    stack_file: Annotated[Path | None, typer.Option(help="Where to write the file for `pulumi import`.")] = None,
    program: Annotated[Path | None, typer.Option(help="Where to write the Python program.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Take over accounts that were made by hand: read them, and write what makes Pulumi manage them.

    Writes an import file and a program that declares the same accounts: the next preview is empty.

    Changes nothing at the vendor. Secrets are in neither file.
    """
    if vendor not in names():
        raise _misused(f"no vendor {vendor!r}; there are {', '.join(names())}")
    stack_file, program = stack_file or Path(f"{vendor}-import.json"), program or Path(f"{vendor}_accounts.py")
    for path in (stack_file, program):
        if path.exists() and not force:
            raise _failed(f"{path} is there already", "choose another name or add --force")
    try:
        resources, text = anyio.run(_taken_over, vendor, match)
    except AccountError as error:
        raise _failed(str(error)) from None
    stack_file.write_text(json.dumps({"resources": resources}, indent=1) + "\n")
    program.write_text(text)
    _note(f"{len(resources)} accounts. Now, in your project:")
    _note(f"  1. put {program} into the program: import it in __main__.py, or rename it to that")
    _note(f"  2. pulumi import --file {stack_file} --generate-code=false --protect=false --yes")
    _note("  3. pulumi preview, which shows no change")


@main.command()
def doctor() -> None:
    """Check the tools and every vendor that has settings; say what to fix. Exit code 1 if there is something."""
    findings = [_pulumi_command(), *anyio.run(_vendors)]
    for each in findings:
        print(f"{'ok  ' if each.good else 'FIX '} {each.about}: {each.text}")
    if not all(each.good for each in findings):
        raise typer.Exit(1)


@main.command(context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, such as: pulumi up --yes")],
) -> None:
    """Run a pulumi command in the environment that makes large stacks fast: seatwise run -- pulumi up

    Sets PULUMI_SKIP_CHECKPOINTS=true and PULUMI_EXPERIMENTAL=1 unless they are set: the state is written once.

    A run that is killed leaves the state as it was; its accounts are in the journal, and the next run takes them up.

    So nothing is run where the journal cannot be written. Resources of other kinds in the stack have no journal.

    The exit code is the command's; 127 if there is no such command.
    """
    _see_that_the_journal_can_be_written()
    found = shutil.which(command[0])
    if found is None:
        raise _failed(f"there is no command {command[0]}", "install it or put its folder on PATH", NOT_FOUND)
    setting = {name: value for name, (value, _) in FAST.items() if name not in os.environ}
    for name, value in setting.items():
        _note(f"seatwise: {name}={value}: {FAST[name][1]}")
    # Python ignores it, and what is ignored stays ignored in the command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(found, command, os.environ | setting)  # noqa: S606 - it is what was asked for
    except OSError as error:
        raise _failed(f"cannot run {found}: {error.strerror}") from None


def _see_that_the_journal_can_be_written() -> None:
    try:
        path = RunSettings.load().journal
        if not path.is_absolute():  # pulumi's processes run in other folders
            raise _failed(f"SEATWISE_JOURNAL is {path}", "it must be a full path for this. Nothing was run")
        journal.verify(path)
    except AccountError as error:
        raise _failed(str(error)) from None
    except (OSError, sqlite3.Error) as error:
        remedy = "make it writable, or set SEATWISE_JOURNAL to a file that is. Nothing was run"
        raise _failed(
            f"the journal {path} cannot be written ({error}), and without it no checkpoint may be skipped", remedy
        ) from None


@dataclass(frozen=True)
class _Finding:
    about: str
    good: bool
    text: str


def _pulumi_command() -> _Finding:
    versions = f"seatwise {version('seatwise')}, Pulumi SDK {version('pulumi')}, Python {platform.python_version()}"
    found = shutil.which("pulumi")
    if found is None:
        return _Finding("tools", False, f"no pulumi command on PATH; install it: {INSTALL_PULUMI} ({versions})")
    ran = subprocess.run([found, "version"], capture_output=True, text=True, check=False)  # noqa: S603 - from PATH
    answer = ran.stdout.strip()
    numbers = tuple(int(number) for number in re.findall(r"\d+", answer)[:3])
    if numbers < OLDEST_PULUMI:
        oldest = ".".join(map(str, OLDEST_PULUMI))
        return _Finding(
            "tools", False, f"pulumi {answer} is older than {oldest}; update it: {INSTALL_PULUMI} ({versions})"
        )
    return _Finding("tools", True, f"pulumi {answer}, {versions}")


async def _vendors() -> list[_Finding]:
    kinds = [vendor_named(name) for name in names()]
    configured = [kind for kind in kinds if kind.settings_type.is_configured()]
    if not configured:
        return [_Finding("vendors", False, "none has settings; set the variables of one, or run `seatwise sandbox`")]
    return [await _checked(kind) for kind in configured]


async def _checked(kind: type[Vendor]) -> _Finding:
    """Whether a vendor answers, takes the credentials and lets them list users."""
    try:
        async with _tenant(kind) as tenant:
            found = await finding.first_page(tenant)
    except AccountError as error:
        error.vendor = ""  # it stands at the beginning of the line
        return _Finding(kind.title, False, str(error))
    users = f"{len(found.records)}{' or more' if found.more else ''} users"
    return _Finding(kind.title, True, f"{tenant.vendor.settings.base_url} lists {users} to these credentials")


async def _taken_over(name: str, match: str) -> tuple[list[dict[str, Any]], str]:
    """The resources of an import file, and the program that declares them."""
    records = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    async with _tenant(vendor_named(name)) as tenant:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("reading accounts")
            async for record in finding.everyone(tenant, lambda email: fnmatch(email.casefold(), match.casefold())):
                records.append(record)
                bar.update(task, description=f"{len(records)} accounts read")
    return import_file(tenant.vendor, records)


def _tenant(kind: type[Vendor]) -> Tenant:
    """The tenant that the environment names; raises SettingsError."""
    return Tenant(kind(kind.settings_type.load()), Vault(), _note, RunSettings.load(), Removals())


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


def _failed(problem: str, remedy: str = "", code: int = 1) -> typer.Exit:
    _note(f"seatwise: {problem}; {remedy}" if remedy else f"seatwise: {problem}")
    return typer.Exit(code)


def _misused(problem: str) -> typer.Exit:
    _note(f"seatwise: {problem}")
    return typer.Exit(2)


def _note(text: str) -> None:
    """Say something to the person at the terminal, beside what programs read."""
    typer.echo(text, err=True)


def _silence(_: str) -> None:
    """Say nothing."""
