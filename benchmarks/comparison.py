"""seatwise beside OpenTofu: the same accounts at the same API of Nexudus, in one run, by turns.

OpenTofu manages them with a generic REST provider, as `programs/nexudus.tf` says, and sends ten requests at once, its
default. To deprovision an account it sends a DELETE, because the provider cannot put an account's id into the body of
the request that destroys it. seatwise deactivates the account, its default: at Nexudus, a GET and a PUT.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .backdoor import BackDoor
from .contestants import UP, Measure, Watch, program, reason, temporary_folder
from .engine import Project, Ran
from .people import CHANGED, COUNT, email, named
from .processes import process
from .tofu import OpenTofu

STUDIES = TABLE, PACED, LARGE, PEOPLE = "table", "under a limit", "ten thousand", "people from a file"
PER_MINUTE = 300
"""The vendor's limit in the second study."""
PEOPLE_COUNT = 300
OPERATIONS = ("create", "no-op", "refresh", "update all", "deprovision all")
SANDBOX = ("seatwise", "sandbox")
SEATWISE_RUN = ("seatwise", "run", "--quiet", "--")
_PULUMI: Mapping[str, tuple[str, ...]] = {
    "refresh": ("refresh", "--yes", "--skip-preview"),
    "deprovision all": ("destroy", "--yes", "--skip-preview"),
}
_TOFU: Mapping[str, tuple[str, ...]] = {"refresh": ("apply", "-refresh-only"), "deprovision all": ("destroy",)}


Tool = Callable[[str, int], Ran]
"""Does an operation; the first so many people have a new name."""
Start = Callable[[Path, BackDoor, int, int], Tool]
"""Makes one from a folder, the vendor, the number of accounts and the vendor's limit a minute (0: none)."""


@dataclass(frozen=True)
class Rival:
    """A contestant of the table."""

    name: str
    start: Start
    must_work: bool = True


def _pulumi(text: str, folder: Path, vendor: BackDoor, accounts: int, per_minute: int) -> Tool:
    told = {COUNT: str(accounts), "NEXUDUS_REQUESTS_PER_MINUTE": str(per_minute)}
    project = Project(folder, text, {**vendor.environment, **told}, SEATWISE_RUN)
    return lambda operation, changed: project.run(*_PULUMI.get(operation, UP), **{CHANGED: str(changed)})


def _tofu(share: float, folder: Path, vendor: BackDoor, accounts: int, per_minute: int) -> Tool:
    tofu = OpenTofu(folder, vendor.url, share * per_minute / 60)
    return lambda operation, changed: tofu.run(*_TOFU.get(operation, ("apply",)), people=dict(named(accounts, changed)))


ROSTER = Rival("Roster", partial(_pulumi, program("nexudus_roster")))
USERS = Rival("Users", partial(_pulumi, program("nexudus_users")))
OPENTOFU = Rival("OpenTofu", partial(_tofu, 1), must_work=False)
# Each process of its provider begins with a burst of a second's requests: at the limit itself, it is throttled.
SLOWER = Rival("OpenTofu, at 96 % of the limit", partial(_tofu, 0.96), must_work=False)
RIVALS = (ROSTER, USERS, OPENTOFU)
PACED_RIVALS = (*RIVALS, SLOWER)


def compared(
    study: str, rival: Rival, accounts: int, latency: float, per_minute: int, vendor: BackDoor, watch: Watch
) -> Iterator[Measure]:
    """Measure the operations of a study on this many accounts, beginning with an empty vendor.

    Each begins with an unused minute, if there is a limit. Without accounts the others make no sense, so a create that
    fails is the last one.
    """
    vendor.reset()
    with temporary_folder() as folder:
        tool = rival.start(folder, vendor, accounts, per_minute)
        for operation in OPERATIONS[:2] if study == LARGE else OPERATIONS:
            vendor.switch(latency=latency, per_minute=per_minute)
            with watch(f"{rival.name}: {operation}, {accounts:,} accounts, {study}"):
                ran = tool(operation, accounts if operation in OPERATIONS[3:] else 0)
            measure = _measure(study, rival.name, operation, accounts, latency, ran, vendor)
            yield replace(measure, must_work=rival.must_work)
            if measure.failure and operation == "create":
                return


def _measure(
    study: str, name: str, operation: str, accounts: int, latency: float, ran: Ran, vendor: BackDoor
) -> Measure:
    failure = reason(ran) if ran.code else ""
    return Measure(name, operation, accounts, latency, ran.seconds, vendor.seen(), ran.usage, failure, study=study)


# --- people from a file -----------------------------------------------------------------------

FROM_FILE = "import seatwise\n\nfor each in seatwise.people('people.csv'):\n    seatwise.Person(**each)\n"
FILE_NAME = "people from a file"
COLUMNS = ("name", "email", "first_name", "last_name", "enerflo.roles", "nexudus.language", "tenovos.user_role_name")


def from_file(people: int, vendor: BackDoor, watch: Watch) -> Iterator[Measure]:
    """Create the accounts of people at three vendors without latency, then preview without changes."""
    vendor.reset()  # the stand-ins are used in its place
    with temporary_folder() as folder, _sandbox() as environment:
        project = Project(folder, FROM_FILE, environment, SEATWISE_RUN)
        with project.file("people.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *map(_row, range(1, people + 1))])
        for operation, words in (("create", UP), ("preview", ("preview",))):
            with watch(f"{people:,} {FILE_NAME}: {operation}"):
                ran = project.run(*words)
            yield _measure(PEOPLE, FILE_NAME, operation, people, 0, ran, vendor)


def _row(number: int) -> tuple[str, ...]:
    return (f"user-{number}", email(number), "Ana", "Ruiz", "Setter", "SPANISH", "End user")


@contextmanager
def _sandbox() -> Iterator[Mapping[str, str]]:
    """Run the stand-ins for the three vendors during the block, and return the environment that names them."""
    with process([*SANDBOX, "--port", "0", "--no-limits", "--no-log", "--json", "--quiet"]) as stand_ins:
        assert stand_ins.stdout
        settings: dict[str, str] = json.loads(stand_ins.stdout.readline())
        unpaced = {f"{name}_REQUESTS_PER_MINUTE": "0" for name in ("ENERFLO", "NEXUDUS", "TENOVOS")}
        yield settings | unpaced
