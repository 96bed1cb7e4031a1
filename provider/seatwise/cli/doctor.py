"""`seatwise doctor`: checks of the tools and of each configured vendor."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version

import anyio
import typer

from ..core.account import finding
from ..core.vendor.errors import AccountError
from ..core.vendor.vendor import Vendor
from ..vendors import names, vendor_named
from . import engine
from .options import Json, Quiet
from .output import FAILED, Say, print_json, print_marked, progress
from .tenants import tenant

GENERAL_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def doctor(as_json: Json = False, quiet: Quiet = False) -> None:
    """Check the tools and every vendor that has settings, and show what to fix.

    Exit codes: 0 nothing to fix, 1 something to fix, 2 wrong usage.
    """
    with progress("asking pulumi", quiet=quiet) as tell:
        findings = [_tools(), *anyio.run(_vendors, tell)]
    if as_json:
        print_json([asdict(each) for each in findings])
    else:
        for each in findings:
            if not (quiet and each.good):
                print_marked("ok  " if each.good else "FIX ", "green" if each.good else "bold red", f" {each}")
    if not all(each.good for each in findings):
        raise typer.Exit(FAILED)


@dataclass(frozen=True)
class _Finding:
    about: str
    good: bool
    text: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}"


def _tools() -> _Finding:
    versions = f"seatwise {version('seatwise')}, Pulumi SDK {version('pulumi')}, Python {platform.python_version()}"
    found = engine.version()
    if found is None:
        return _Finding("tools", False, f"no pulumi command on PATH; install it: {engine.INSTALL} ({versions})")
    answer, is_new_enough = found
    if not is_new_enough:
        oldest = ".".join(map(str, engine.OLDEST))
        return _Finding(
            "tools", False, f"pulumi {answer} is older than {oldest}; update it: {engine.INSTALL} ({versions})"
        )
    return _Finding("tools", True, f"pulumi {answer}, {versions}")


async def _vendors(tell: Say) -> list[_Finding]:
    kinds = [vendor_named(name) for name in names()]
    configured = [kind for kind in kinds if kind.settings_type.is_configured()]
    if not configured:
        remedy = "set the variables of a vendor, or run `seatwise sandbox`"
        return [_Finding("vendors", False, f"no vendor has settings; {remedy}")]
    findings = []
    for kind in configured:
        tell(f"asking {kind.title}")
        findings.append(await _checked(kind))
    return [*findings, *_proxies(configured, all_good=all(each.good for each in findings))]


def _proxies(configured: list[type[Vendor]], *, all_good: bool) -> list[_Finding]:
    """Return a finding if the environment has a general proxy that seatwise does not use.

    It counts as something to fix only if another check failed.
    """
    general = next((name for name in GENERAL_PROXIES if os.environ.get(name)), None)
    own = [kind.settings_type.variable("proxy") for kind in configured]
    if general is None or any(os.environ.get(name) for name in own):
        return []
    remedy = f"if requests must go through a proxy, set {', '.join(own)}"
    return [_Finding("proxy", all_good, f"{general} is set, and seatwise does not read it; {remedy}")]


async def _checked(kind: type[Vendor]) -> _Finding:
    """Check that a vendor answers, accepts the credentials and allows them to list users."""
    try:
        async with tenant(kind) as live:
            found = await finding.first_page(live)
    except AccountError as error:
        error.vendor = ""  # the line begins with the vendor's name
        return _Finding(kind.title, False, str(error))
    users = f"{len(found.records)}{' or more' if found.more else ''} users"
    return _Finding(kind.title, True, f"{live.vendor.settings.base_url} lists {users} with these credentials")
