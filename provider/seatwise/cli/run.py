"""`seatwise run`: a pulumi command in the environment that makes large stacks fast."""

import os
import shutil
import signal
import sqlite3
from typing import Annotated

import typer

from ..wire import journal
from ..wire.settings import RunSettings
from .options import Quiet
from .output import failed, readable, speaker

FAST = {
    "PULUMI_SKIP_CHECKPOINTS": ("true", "the state is written at the end, not twice for each changed resource"),
    "PULUMI_EXPERIMENTAL": ("1", "without it pulumi does not heed PULUMI_SKIP_CHECKPOINTS"),
}
NOT_FOUND = 127  # what a shell says of a command that is not there


def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, such as: pulumi up --yes")],
    quiet: Quiet = False,
) -> None:
    """Run a pulumi command in the environment that makes large stacks fast: seatwise run -- pulumi up

    Sets PULUMI_SKIP_CHECKPOINTS=true and PULUMI_EXPERIMENTAL=1 unless they are set: the state is written once.

    A run that is killed leaves the state as it was; its accounts are in the journal, and the next run takes them up.

    So nothing is run where the journal cannot be written. Resources of other kinds in the stack have no journal.

    The exit code is the command's; 127 if there is no such command, 1 or 2 if it was not run.
    """
    _see_that_the_journal_can_be_written()
    found = shutil.which(command[0])
    if found is None:
        raise failed(f"there is no command {command[0]}", "install it or put its folder on PATH", NOT_FOUND)
    say = speaker(quiet=quiet)
    setting = {name: value for name, (value, _) in FAST.items() if name not in os.environ}
    for name, value in setting.items():
        say(f"seatwise: {name}={value}: {FAST[name][1]}")
    # Python ignores it, and what is ignored stays ignored in the command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(found, command, os.environ | setting)  # noqa: S606 - it is what was asked for
    except OSError as error:
        raise failed(f"cannot run {found}: {error.strerror}") from None


def _see_that_the_journal_can_be_written() -> None:
    with readable():
        path = RunSettings.load().journal
    try:
        journal.verify(path)
    except (OSError, sqlite3.Error) as error:
        remedy = "make it writable, or set SEATWISE_JOURNAL to a file that is. Nothing was run"
        raise failed(
            f"the journal {path} cannot be written ({error}), and without it no checkpoint may be skipped", remedy
        ) from None
