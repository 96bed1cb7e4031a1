"""The `seatwise` command: one file for each command, and code that they share.

Read in this order: `output`, `options`, `tenants`, `engine`, then the commands, `import_` before `rehearse`.
"""

import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import doctor, import_, list_, rehearse, roles, run, sandbox, show
from .output import check_output


class _Commands(TyperGroup):
    """The commands; a command whose output cannot be written fails."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with check_output():
            return super().main(*args, **kwargs)


main = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)
main.command("list")(list_.list_)
main.command("show")(show.show)
main.command("roles")(roles.roles)
main.command("import")(import_.import_)
main.command("doctor")(doctor.doctor)
main.command("rehearse")(rehearse.rehearse)
main.command("sandbox")(sandbox.sandbox)
main.command("run", context_settings={"allow_interspersed_args": False})(run.run)


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
    """User accounts in SaaS products as code.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an audit or a rehearsal found something, 130 stopped by Ctrl-C.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # do not fail at a name that the terminal cannot show
