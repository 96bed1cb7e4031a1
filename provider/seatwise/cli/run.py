"""`seatwise run`: a pulumi command in the environment that makes large stacks fast."""

import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Mapping
from typing import Annotated

import typer

from ..wire import journal
from ..wire.settings import RunSettings
from .options import Quiet
from .output import exit_on_error, failed, notifier

Choice = tuple[Mapping[str, str], str]
"""Variables that are set together, or not at all if the user has set one of them; and why."""
FAST: tuple[Choice, ...] = (
    ({"PULUMI_SKIP_CHECKPOINTS": "true"}, "the state is written at the end, not twice for each changed resource"),
    ({"PULUMI_EXPERIMENTAL": "1"}, "without it pulumi ignores PULUMI_SKIP_CHECKPOINTS"),
    ({"SEATWISE_COLLECT_RARELY": "true"}, "the program spends half the processor time, and little more memory"),
)
AT_ONCE: Choice = ({"SEATWISE_THREADS": "16", "PULUMI_PARALLEL": "16"}, "sixteen operations at once")
"""Not set for a command that has pulumi's option for it."""
PARALLEL = re.compile(r"--parallel(=.*)?|-[defjryQ]*p(=?\d+)?")
"""The option of pulumi for how many operations run at once, as one word of a command.

Before the p, only letters of options without a value: in -sshop the p is in the name of a stack.
"""
NOT_FOUND = 127  # a shell's exit code for a command that does not exist


def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, such as: pulumi up --yes")],
    quiet: Quiet = False,
) -> None:
    """Run a pulumi command in the environment that makes large stacks fast: seatwise run -- pulumi up

    Sets PULUMI_SKIP_CHECKPOINTS=true and PULUMI_EXPERIMENTAL=1 unless they are set: the state is written once.

    Sets SEATWISE_COLLECT_RARELY=true unless it is set: Python's garbage collector runs rarely.

    Sets SEATWISE_THREADS=16 and PULUMI_PARALLEL=16 unless one of them, --parallel or -p is given: sixteen operations
    run at once.

    A run that is killed leaves the state as it was; its accounts are in the journal, and the next run resumes them.

    If the journal cannot be written, nothing is run. Resources of other kinds in the stack have no journal.

    The exit code is the command's; 127 if the command does not exist, 1 or 2 if it was not run.
    """
    _check_journal()
    found = shutil.which(command[0])
    if found is None:
        raise failed(f"the command {command[0]} was not found", "install it or put its folder on PATH", NOT_FOUND)
    say = notifier(quiet=quiet)
    setting = dict[str, str]()
    for variables, reason in _choices(command):
        say(f"seatwise: {', '.join(f'{name}={value}' for name, value in variables.items())}: {reason}")
        setting |= variables
    # Python ignores SIGPIPE, and a command inherits ignored signals.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(found, command, os.environ | setting)  # noqa: S606 - the user's own command
    except OSError as error:
        raise failed(f"cannot run {found}: {error.strerror}") from None


def _choices(command: list[str]) -> list[Choice]:
    """Return what is set for this command: all that the user has not chosen."""
    has_option = any(PARALLEL.fullmatch(word) for word in command[1:])
    choices = FAST if has_option else (*FAST, AT_ONCE)
    return [each for each in choices if os.environ.keys().isdisjoint(each[0])]


def _check_journal() -> None:
    with exit_on_error():
        path = RunSettings.load().journal
    try:
        journal.verify(path)
    except (OSError, sqlite3.Error) as error:
        remedy = "make it writable, or set SEATWISE_JOURNAL to a writable file. Nothing was run"
        raise failed(
            f"the journal {path} cannot be written ({error}), and to skip checkpoints is safe only with a journal",
            remedy,
        ) from None
