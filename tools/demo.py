"""The life cycle of a small team's accounts with the real `pulumi` command. Run it with `make demo`.

Everything happens in a temporary folder and against a sandbox on this machine, and is gone afterwards.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
console = Console(highlight=False)


def main() -> int:
    """Run the demo; the exit code is that of the first command that failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seatwise-demo-") as folder, sandbox() as variables:
        demo = Demo(Path(folder), variables)
        try:
            demo.tell()
        except subprocess.CalledProcessError as error:
            console.print(f"[red]the demo stops here: `{' '.join(error.cmd)}` failed[/red]")
            return error.returncode
    console.print(f"\nThat was all, in {time.monotonic() - started:.0f} seconds; nothing is left running or on disk.")
    pulumi = shutil.which("pulumi")
    if pulumi is not None:
        console.print("The pulumi command that it used, for programs of your own:\n")
        console.print(f'    export PATH="{Path(pulumi).parent}:$PATH"', soft_wrap=True)
    return 0


class Demo:
    """One run of the demo: a copy of the project, a separate Pulumi home and sandbox."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        shutil.copy(ROOT / "Pulumi.yaml", self.project)
        shutil.copytree(ROOT / "stacks", self.project / "stacks", ignore=shutil.ignore_patterns("out", "__pycache__"))
        (folder / "state").mkdir()
        self.environment = os.environ | variables | {
            "SEATWISE_JOURNAL": str(folder / "journal.db"),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        }  # fmt: skip
        url = variables["ENERFLO_BASE_URL"].removesuffix("/enerflo")
        self.vendors = httpx.Client(base_url=f"{url}/sandbox", trust_env=False)

    def tell(self) -> None:
        """Run all parts in order."""
        chapter("A preview says what will happen, and sends nothing that writes")
        self.pulumi("stack", "init", "dev", quiet=True)
        self.pulumi("preview")

        chapter("`up` makes the accounts")
        self.pulumi("up", "--yes", "--skip-preview")
        self.show_accounts()

        chapter("A second `up` has nothing to do, and asks the vendors nothing")
        before = self.requests()
        self.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs", "--expect-no-changes")
        console.print(f"Requests to the vendors: [bold]{self.requests() - before}[/bold]")

        chapter("Somebody gives Chloe another role and a new phone, by hand, in Enerflo's admin page")
        chloe = self.account("enerflo", "chloe@dev.example.com")
        self.vendors.patch(f"/accounts/enerflo/{chloe}", json={"phone": "5550109999", "roles": ["Setter"]})
        self.pulumi("refresh", "--yes", "--skip-preview", "--suppress-outputs")
        self.pulumi("preview", "--diff")

        chapter("The next `up` heals it")
        self.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs")

        chapter("Ben leaves: his entry goes from team.yaml, and his accounts are deactivated")
        team = self.project / "stacks" / "team.yaml"
        people = yaml.safe_load(team.read_text())
        team.write_text(yaml.safe_dump([each for each in people if each["name"] != "ben"], sort_keys=False))
        self.pulumi("up", "--yes", "--skip-preview")
        self.show_accounts()

        chapter("`destroy` deactivates the others; no account is deleted, so nothing is lost")
        self.pulumi("destroy", "--yes", "--skip-preview")
        self.show_accounts()

    def pulumi(self, *arguments: str, quiet: bool = False) -> None:
        """Show and run a pulumi command; raises CalledProcessError."""
        command = ["pulumi", *arguments]
        if arguments[0] != "stack":
            command += ["--stack", "dev", "--suppress-progress"]
        console.print(f"\n[bold green]$ {' '.join(command)}[/bold green]")
        color = ["--color", "always" if console.is_terminal else "never"]
        subprocess.run(
            [*command, "--non-interactive", *color],
            cwd=self.project,
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL if quiet else None,
        )

    def show_accounts(self) -> None:
        """Show the accounts at the vendors."""
        table = Table("vendor", "e-mail", "state", "role", title="What the vendors have now", title_justify="left")
        for vendor in ("enerflo", "nexudus", "tenovos"):
            for each in self.accounts(vendor):
                record = each["record"]
                table.add_row(vendor, *described(vendor, record))
        console.print(table)

    def accounts(self, vendor: str) -> list[dict[str, Any]]:
        """Return a vendor's accounts."""
        found: list[dict[str, Any]] = self.vendors.get(f"/accounts/{vendor}").raise_for_status().json()
        return found

    def account(self, vendor: str, email: str) -> str:
        """Return the id of an account."""
        return next(str(each["id"]) for each in self.accounts(vendor) if each["record"]["email"] == email)

    def requests(self) -> int:
        """Return how many requests the vendors have received."""
        return len(self.vendors.get("/log").raise_for_status().json())


def described(vendor: str, record: dict[str, Any]) -> tuple[str, str, str]:
    """Return e-mail, status and role from a vendor's own record."""
    if vendor == "enerflo":
        return record["email"], "active" if record["active"] else "deactivated", ", ".join(record["roles"])
    if vendor == "nexudus":
        roles = ["administrator"] if record["IsAdmin"] else [str(role) for role in record["UserRoles"]]
        return record["Email"], "active" if record["Active"] else "deactivated", ", ".join(roles)
    return record["email"], record["status"], f"role {record['userRoleId'][:8]}…"


@contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """Run a sandbox during the block; yield the environment that points at it."""
    command = [sys.executable, "-m", "seatwise", "sandbox", "--port", "0", "--no-log", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)


def chapter(title: str) -> None:
    """Print a heading."""
    console.print(f"\n[bold]== {title}[/bold]")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
