"""The `pulumi` command: its version, and the exported state of a stack."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ..core.vendor.errors import InvalidExport
from .output import failed, note

OLDEST = (3, 254, 0)  # the first version whose import files may contain inputs and outputs
INSTALL = "https://www.pulumi.com/docs/install/"


def version() -> tuple[str, bool] | None:
    """Return the output of `pulumi version` and whether it is new enough; None without a pulumi command."""
    found = shutil.which("pulumi")
    if found is None:
        return None
    ran = subprocess.run([found, "version"], capture_output=True, text=True, check=False)  # noqa: S603 - from PATH
    answer = ran.stdout.strip()
    return answer, tuple(int(number) for number in re.findall(r"\d+", answer)[:3]) >= OLDEST


def export(stack: str | None, cwd: Path | None) -> Any:
    """Return the state from `pulumi stack export`, of the current stack if `stack` is None; secrets stay encrypted.

    Ends the command if there is no pulumi command, or if it fails; raises InvalidExport for output that is not JSON.
    """
    found = shutil.which("pulumi")
    if found is None:
        raise failed("no pulumi command on PATH", f"install it: {INSTALL}, or give a file with --export")
    source = f"stack {stack}" if stack else "the current stack"
    where = [*(["--stack", stack] if stack else []), *(["--cwd", str(cwd)] if cwd else [])]
    command = [found, "stack", "export", "--non-interactive", *where]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        note(ran.stderr.rstrip())
        other = "--cwd or --export" if stack else "--cwd, --stack or --export"
        raise failed(
            f"`pulumi stack export` failed for {source}",
            f"run this in the folder of the project, where `pulumi stack ls` names its stacks, or give {other}",
        )
    return decoded(ran.stdout, source)


def decoded(text: str, source: str) -> Any:
    """Parse the JSON of an export; raises InvalidExport, which names `source`."""
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidExport(f"{source} is not JSON", remedy="Create it with `pulumi stack export`") from None
