"""Each program in a page runs in a preview of the real engine, beside the files that it reads."""

import re
import textwrap

import pytest

import pages
from conftest import Sandbox
from engine.conftest import Project

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


def sample(page: str, first: str) -> str:
    """Return the listing of a page that begins with this text."""
    listings = map(textwrap.dedent, re.findall(r"(?:^    .*\n)+", (pages.ROOT / page).read_text(), re.M))
    return next(each for each in listings if each.startswith(first))


def test_the_readmes_program_and_that_of_people_fit_together(project: Project, sandbox: Sandbox) -> None:
    """Both in one project declare no e-mail twice."""
    (project.folder / "people.csv").write_text(sample("docs/people.md", "name,email,"))
    (project.folder / "team.csv").write_text(sample("docs/teams.md", "email,"))
    (first,) = pages.blocks((pages.ROOT / "README.md").read_text(), "python")
    *_, whole = pages.blocks((pages.ROOT / "docs" / "people.md").read_text(), "python")
    (project.folder / "__main__.py").write_text(f"{first}\n{whole}")
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
    previewed = 0
    for page in pages.PAGES:
        for program in pages.blocks(page.read_text(), "python") if page.name not in OTHERS else ():
            west = sandbox.environment["ENERFLO_BASE_URL"].replace("127.0.0.1", "localhost")  # another tenant's
            here = program.replace(ELSEWHERE, west).replace('"1001"', f'"{boss}"')
            (project.folder / "__main__.py").write_text(IMPORTS + here)
            told = project.preview().output
            assert re.search(r"^\s+\+ \d+ to create", told, re.M), f"{page}:\n{told}"
            previewed += 1
    assert previewed >= 14
    assert len(sandbox.writes()) == 2, "previews write nothing"
