"""The real `tofu` command with a generic REST provider, in a temporary folder."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .apis import API_KEY
from .engine import Ran, ran
from .processes import ROOT, without_settings

PROGRAM = Path(__file__).parent / "programs" / "nexudus.tf"
COMMAND, PROVIDER = "tofu", "terraform-provider-restapi"
PINNED = ROOT / "tools" / "restapi" / "go.mod"
REASON = "BENCH_NO_OPENTOFU"
"""The variable in which tools/run.py says why there is no `tofu`."""


def missing() -> str:
    """Return why OpenTofu cannot be measured; empty if it can."""
    absent = [name for name in (COMMAND, PROVIDER) if shutil.which(name) is None]
    return os.environ.get(REASON, f"{' and '.join(absent)} not on PATH") if absent else ""


def version() -> str:
    """Return the version of OpenTofu, or why it is left out."""
    why_not = missing()
    if why_not:
        return f"left out: {why_not}"
    words = [COMMAND, "version", "-json"]
    told = subprocess.run(words, env=without_settings(), capture_output=True, text=True, check=True)
    pinned = re.search(r"terraform-provider-restapi v(\S+)", PINNED.read_text())
    assert pinned
    return f"{json.loads(told.stdout)['terraform_version']} with Mastercard/restapi {pinned[1]}"


class OpenTofu:
    """A configuration in a folder, with an empty state; it sends this many requests a second (0: without a limit)."""

    def __init__(self, folder: Path, url: str, per_second: float) -> None:
        self._folder = folder / "project"
        self._folder.mkdir()
        shutil.copy(PROGRAM, self._folder / "main.tf")
        limit = {"per_second": per_second} if per_second else {}
        self._write("vendor.auto.tfvars.json", {"uri": url, "token": API_KEY, **limit})
        # The provider is used as it was built: nothing is looked up in a registry, and no `tofu init` is needed.
        built = Path(str(shutil.which(PROVIDER))).parent
        settings = folder / "tofu.rc"
        override = f'"Mastercard/restapi" = "{built}"'
        settings.write_text(f"provider_installation {{\n  dev_overrides {{ {override} }}\n  direct {{}}\n}}\n")
        self._environment = {"TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}

    def run(self, command: str, *options: str, people: Mapping[str, str]) -> Ran:
        """Run `tofu` with the accounts of these people: first names by e-mail."""
        self._write("people.auto.tfvars.json", {"people": people})
        words = [COMMAND, command, "-auto-approve", "-input=false", "-no-color", *options]
        return ran(words, self._folder, self._environment)

    def _write(self, name: str, values: Mapping[str, object]) -> None:
        (self._folder / name).write_text(json.dumps(values))
