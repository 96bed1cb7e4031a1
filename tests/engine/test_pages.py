"""Each program in a page runs on the real engine, beside the files that it reads: mostly in a preview."""

import re
import textwrap

import pytest

import pages
from conftest import Sandbox
from engine.conftest import Project
from seatwise.vendors import names

pytestmark = pytest.mark.engine
IMPORTS = "import pulumi\nimport seatwise\nfrom seatwise import enerflo, nexudus, tenovos\n"
FILES = {
    "people.csv": "name,email,first_name,last_name,enerflo.roles\nana,ana@x.example,Ana,Ruiz,Sales Rep\n",
    "people.yaml": "- {name: ana, email: ana@example.com, accounts: {enerflo: {roles: [Setter]}}}\n",
    "team.csv": "email,roles\nben@x.example,Setter\n",
}
ENVIRONMENT = {
    "ANA_PASSWORD": "a password of ana's",
    "WEST_ENERFLO_API_KEY": "sandbox-enerflo-key",
    "SLACK_SCIM_TOKEN": "sandbox-scim-token",
}
ELSEWHERE = "https://west.example.com"
# Pages whose program another test runs: docs/start.md from top to bottom, a vendor's file with its stand-in.
OTHERS = ("start.md", "adding-a-vendor.md")


# The first program of each vendor's page: they fit together.
OF_VENDORS = [
    pages.blocks((pages.ROOT / "docs" / "vendors" / f"{vendor}.md").read_text(), "python")[0] for vendor in names()
]
(OF_README,) = pages.blocks((pages.ROOT / "README.md").read_text(), "python")
*_, OF_PEOPLE = pages.blocks((pages.ROOT / "docs" / "people.md").read_text(), "python")
(OF_SCIM,) = pages.blocks(pages.scim_section(), "python")  # test_start.py walks it


def sample(page: str, first: str) -> str:
    """Return the listing of a page that begins with this text."""
    listings = map(textwrap.dedent, re.findall(r"(?:^    .*\n)+", (pages.ROOT / page).read_text(), re.M))
    return next(each for each in listings if each.startswith(first))


def test_the_readmes_program_and_that_of_people_fit_together(project: Project, sandbox: Sandbox) -> None:
    """Both in one project declare no e-mail twice."""
    (project.folder / "people.csv").write_text(sample("docs/people.md", "name,email,"))
    (project.folder / "team.csv").write_text(sample("docs/teams.md", "email,"))
    (project.folder / "__main__.py").write_text(f"{OF_README}\n{OF_PEOPLE}")
    told = project.preview().output
    assert re.search(r"^\s+\+ 14 to create", told, re.M), told
    assert sandbox.writes() == []


def test_the_programs_of_the_pages_can_be_previewed(project: Project, sandbox: Sandbox) -> None:
    bo = {"email": "bo@example.com", "roles": ["Sales Manager"]}
    ben = {"user_name": "ben@example.com", "email": "ben@example.com"}
    project.program(f"enerflo.User('bo', **{bo})", f"scim.User('ben', **{ben})")
    project.up()
    (boss,) = sandbox.accounts("enerflo")
    for name, content in FILES.items():
        (project.folder / name).write_text(content)
    project.environment |= ENVIRONMENT
    printed = [
        each for page in pages.PAGES if page.name not in OTHERS for each in pages.blocks(page.read_text(), "python")
    ]
    alone = [each for each in printed if each not in (*OF_VENDORS, OF_README, OF_PEOPLE, OF_SCIM)]
    assert (len(printed), len(alone)) == (20, 13)
    for program in (*alone, "".join(OF_VENDORS)):
        west = sandbox.environment["ENERFLO_BASE_URL"].replace("127.0.0.1", "localhost")  # another tenant's
        here = program.replace(ELSEWHERE, west).replace('"1001"', f'"{boss}"')
        (project.folder / "__main__.py").write_text(IMPORTS + here)
        told = project.preview().output
        assert re.search(r"^\s+\+ \d+ to create", told, re.M), f"{program}:\n{told}"
    assert len(sandbox.writes()) == 2, "previews write nothing"
