"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from ..core.vendor.vendor import Vendor
from ..vendors import names, vendor_named
from .output import misused


def _completions(incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


VendorName = Annotated[
    str, typer.Argument(metavar="VENDOR", help=f"The vendor: {', '.join(names())}.", autocompletion=_completions)
]
Match = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Only accounts whose e-mail (or user name, at SCIM) matches this pattern, such as *@example.com.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only results, warnings and errors.")]


def vendor_type(name: str) -> type[Vendor]:
    """Return the vendor with this name; ends the command if no vendor has it."""
    if name not in names():
        raise misused(f'there is no vendor "{name}"; the vendors are {", ".join(names())}')
    return vendor_named(name)
