"""Make the golden files: a state, the journal beside it and the vendors' accounts, all written by one seatwise.

    python3 tools/run.py python tests/golden/make.py
    python3 tools/run.py python tests/golden/make.py scim

The files here were written by commit 49ee61b, and those in `scim/`, which have its users and memberships, by commit
4db2d45. Every later version must read them: `tests/dynamic/test_golden.py` does, and for those here
`tests/engine/test_golden.py`. Do not make them anew: add the files of a later version beside them, in another folder.

- `state.json`: `pulumi stack export --show-secrets`, without what only describes the machine. Its secrets are
  fingerprints of the program's example password.
- `journal.sql`: the journal as SQL. Times are those of the run.
- `accounts.json`: the sandbox's records, by vendor; only here.
"""

import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from conftest import Sandbox, running_sandbox  # noqa: E402
from engine.conftest import Project  # noqa: E402
from seatwise.sandbox import server  # noqa: E402

SCIM = HERE / "scim"
PROGRAM = (HERE / "program.py").read_text()
PETER = 'nexudus.UserArgs(email="Peter@example.com", full_name="Peter", language=1)'
WITH_PETER = PROGRAM.replace("members=[nexudus", f"members=[{PETER}, nexudus")
VENDORS = ("enerflo", "nexudus", "tenovos")
ENVIRONMENT = {f"{name.upper()}_TENANT": "golden" for name in VENDORS}
"""A name for the tenants, whose address has another port in each run."""
WEST = {"WEST_API_KEY": server.environment("")["ENERFLO_API_KEY"]}
GONE = 'enerflo.User("gone", email="gone@example.com", roles=["Setter"])\n'
VERA = 'nexudus.User("vera", full_name="Vera", email="vera@example.com", language=1)\n'
LOST = 'enerflo.User("lost", email="Lost@example.com", roles=["Setter"])\n'


def make(project: Project, sandbox: Sandbox) -> None:
    """Live what the files are to show, and write them."""
    project.environment |= ENVIRONMENT | WEST
    sandbox.add("enerflo", email="olga@example.com", roles=["Setter"], first_name="Olga")
    sandbox.add("nexudus", Email="adele@example.com", FullName="Adele", Language=1)
    _up(project, WITH_PETER.replace("Ana Ruiz", "Ana Silva") + GONE + VERA)
    _up(project, WITH_PETER + GONE + VERA)

    # A change whose outcome is not known, of an account that the engine forgets then: a doubt stays.
    project.environment |= {"NEXUDUS_DEADLINE": "4", "ENERFLO_DEADLINE": "4"}
    sandbox.switch(faults={"nexudus": {"kind": "lost", "writes": True}})
    _up(project, WITH_PETER + GONE + VERA.replace('"Vera"', '"Vera Lind"'), fails=True)
    project.run("state", "delete", "--yes", _urn(project, "vera"))
    # A create whose outcome is not known, of an account that is not declared any more then.
    sandbox.switch(faults={"nexudus": None, "enerflo": {"kind": "silent", "writes": True}})
    _up(project, WITH_PETER + GONE + LOST, fails=True)
    sandbox.switch(faults={"enerflo": None})

    _up(project, PROGRAM)  # "gone" and Peter leave
    _write_state_and_journal(project, HERE)
    _write(HERE / "accounts.json", {name: [*sandbox.accounts(name).values()] for name in VENDORS})


def make_scim(project: Project, sandbox: Sandbox) -> None:
    """Write the files in `scim/`: one run of its program, which adopts an account."""
    project.environment["SCIM_TENANT"] = "golden"
    sandbox.add("scim", userName="adele@example.com", displayName="Adele")
    _up(project, (SCIM / "program.py").read_text())
    _write_state_and_journal(project, SCIM)


def cleaned(export: dict[str, Any]) -> dict[str, Any]:
    """An export without what only describes the machine that made it."""
    for resource in export["deployment"]["resources"]:
        for name in ("stackTrace", "sourcePosition"):
            resource.pop(name, None)
    export["deployment"]["manifest"].pop("plugins", None)
    return export


def restore(project: Project, sandbox: Sandbox) -> None:
    """Put the golden files back: the program, the accounts, the journal (as of now) and the state."""
    project.environment |= ENVIRONMENT | WEST
    (project.folder / "__main__.py").write_text(PROGRAM)
    restore_accounts(sandbox)
    restore_journal(Path(project.environment["SEATWISE_JOURNAL"]))
    project.run("stack", "import", "--file", str(HERE / "state.json"))


def restore_accounts(sandbox: Sandbox) -> None:
    """Give the sandbox the accounts of the golden files."""
    for vendor, records in json.loads((HERE / "accounts.json").read_text()).items():
        for record in records:
            sandbox.add(vendor, **record)


def restore_journal(path: Path, folder: Path = HERE) -> None:
    """Write a golden journal to a file, as if it had been written just now: old entries are forgotten."""
    with closing(sqlite3.connect(path)) as journal, journal:
        journal.executescript((folder / "journal.sql").read_text())
        for (table,) in journal.execute("select name from sqlite_master where type = 'table'").fetchall():
            journal.execute(f"update {table} set at = ?", (time.time(),))


def _up(project: Project, program: str, *, fails: bool = False) -> None:
    (project.folder / "__main__.py").write_text(program)
    print(project.up(fails=fails).output)


def _urn(project: Project, name: str) -> str:
    (urn,) = (each["urn"] for each in project.resources() if each["urn"].endswith(f"::{name}"))
    return str(urn)


def _write_state_and_journal(project: Project, folder: Path) -> None:
    _write(folder / "state.json", cleaned(json.loads(project.run("stack", "export", "--show-secrets").output)))
    with closing(sqlite3.connect(project.environment["SEATWISE_JOURNAL"])) as journal:
        (folder / "journal.sql").write_text("\n".join(journal.iterdump()) + "\n")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def main() -> None:
    """Make the files with a sandbox and a project of its own."""
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as sandbox:
        project = Project(Path(folder), sandbox)
        project.environment["SEATWISE_JOURNAL"] = str(Path(folder) / "journal.db")
        project.program()
        project.run("stack", "init", "test")
        (make_scim if sys.argv[1:] == ["scim"] else make)(project, sandbox)


if __name__ == "__main__":
    main()
