"""The sandbox's page in a real browser: the one that the system has.

`make screenshot` keeps the picture of the page that the last test takes, as docs/sandbox.png.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from conftest import Sandbox
from sandbox.conftest import ENERFLO_KEY

PATIENCE: Final = 20_000  # milliseconds: the machine may be busy
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES: Final = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
SCREENSHOT: Final = Path(__file__).resolve().parents[2] / "docs" / "sandbox.png"
PEOPLE: Final[dict[str, list[dict[str, Any]]]] = {
    "enerflo": [
        {"email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz", "roles": ["Sales Rep"]},
        {"email": "ben@example.com", "first_name": "Ben", "last_name": "Okafor", "roles": ["Sales Manager"]},
        {"email": "chloe@example.com", "first_name": "Chloe", "last_name": "Lind", "roles": ["Setter"]},
    ],
    "nexudus": [
        {"Email": "ana@example.com", "FullName": "Ana Ruiz", "UserRoles": [7, 12]},
        {"Email": "ben@example.com", "FullName": "Ben Okafor", "UserRoles": [12], "Active": False},
    ],
    "tenovos": [
        {
            "email": "ana@example.com", "username": "ana", "firstName": "Ana", "lastName": "Ruiz",
            "userRoleId": "7d5620e0-f423-11e9-8071-89c0c4052141",
        },
    ],
}  # fmt: skip


def chromium() -> str | None:
    """The system's browser."""
    return next((found for each in (*NAMES, *PLACES) if (found := shutil.which(each))), None)


pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium on PATH: install your system's package (Debian: apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser; as root it has no sandbox of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield found
        found.close()


class Tab:
    """A tab that shows the page, and the errors in its console."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto("/")


@pytest.fixture
def open_tab(browser: Browser, sandbox: Sandbox) -> Iterator[Any]:
    """Opens tabs; nothing that they show may be refused by the page's own policy."""
    opened: list[tuple[BrowserContext, Tab]] = []

    def open_(**options: Any) -> Page:
        context = browser.new_context(base_url=sandbox.url, **options)
        opened.append((context, Tab(context)))
        return opened[-1][1].page

    yield open_
    for context, tab in opened:
        context.close()
        assert tab.errors == []


@pytest.fixture
def people(sandbox: Sandbox) -> dict[str, str]:
    """Accounts at every vendor; gives the ids of Enerflo's by first name."""
    for vendor, records in PEOPLE.items():
        for record in records:
            httpx.post(f"{sandbox.url}/sandbox/accounts/{vendor}", json=record, trust_env=False).raise_for_status()
    return {record["first_name"]: account for account, record in sandbox.accounts("enerflo").items()}


def put(sandbox: Sandbox, **body: Any) -> httpx.Response:
    """Change a user of Enerflo's by request, as seatwise does."""
    return httpx.put(f"{sandbox.url}/enerflo/api/v3/users", headers=ENERFLO_KEY, json=body, trust_env=False)


def drift(page: Page) -> None:
    """Give Chloe another role by hand."""
    page.get_by_role("region", name="at Enerflo").get_by_role("link", name="Change chloe@example.com").click()
    page.get_by_role("group", name="Roles").get_by_label("Setter").uncheck()
    page.get_by_role("group", name="Roles").get_by_label("Office Admin").check()
    page.get_by_role("button", name="Save").click()


def test_drift_is_seen_to_happen_and_to_heal(open_tab: Any, sandbox: Sandbox, people: dict[str, str]) -> None:
    """The page is not loaded again between the change by hand and its end."""
    page: Page = open_tab()
    drift(page)
    expect(page.get_by_role("status").first).to_contain_text("Changed by hand.")
    expect(page.locator(".drifted")).to_have_text(re.compile(r"Office Admin\s+by hand; was Setter"))
    put(sandbox, id=people["Chloe"], roles=["Setter"]).raise_for_status()
    expect(page.locator(".drifted")).to_have_count(0)
    expect(page.get_by_role("status").last).to_have_text("1 so far; the last: PUT /api/v3/users at Enerflo, 200.")
    expect(page.get_by_role("table", name="Requests to the vendors").get_by_role("row")).to_have_count(2)


def test_refreshing_can_be_stopped(open_tab: Any, sandbox: Sandbox) -> None:
    page: Page = open_tab()
    page.clock.install()
    page.goto("/")
    page.get_by_label("Refresh").uncheck()
    httpx.get(f"{sandbox.url}/enerflo/x", trust_env=False)
    page.clock.run_for(5000)
    expect(page.get_by_role("status")).to_contain_text("None so far.")
    page.get_by_label("Refresh").check()
    page.clock.run_for(2000)
    expect(page.get_by_role("status")).to_contain_text("1 so far")


def test_the_keyboard_is_enough_and_keeps_its_place(open_tab: Any, sandbox: Sandbox, people: dict[str, str]) -> None:
    page: Page = open_tab()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    button = page.get_by_role("region", name="at Enerflo").get_by_role("button", name="Delete ben@example.com")
    button.focus()
    put(sandbox, id=people["Ana"], first_name="Anna").raise_for_status()
    expect(page.get_by_role("cell", name="Anna")).to_be_visible()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Deleted by hand.")
    assert people["Ben"] not in sandbox.accounts("enerflo")


@pytest.mark.usefixtures("people")
def test_everything_can_be_done_without_a_script(open_tab: Any, sandbox: Sandbox) -> None:
    page: Page = open_tab(java_script_enabled=False)
    drift(page)
    assert [each["roles"] for each in sandbox.accounts("enerflo").values()][-1] == ["Office Admin"]
    page.get_by_role("link", name="Add an account at Nexudus").click()
    page.get_by_label("Full name").fill("Dora Maar")
    page.get_by_label("E-mail").fill("dora@example.com")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("region", name="at Nexudus").get_by_role("button", name="Delete dora@example.com").click()
    assert [each["FullName"] for each in sandbox.accounts("nexudus").values()] == ["Ana Ruiz", "Ben Okafor"]
    page.get_by_role("combobox", name="Vendor").select_option("Tenovos")
    page.get_by_label("What goes wrong").select_option("Answer late")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("list", name="Faults that are on")).to_contain_text("Tenovos: Answer late (5 s)")
    page.get_by_role("button", name="Switch off the fault of Tenovos").click()
    expect(page.get_by_role("list", name="Faults that are on")).to_contain_text("None is on.")
    page.get_by_text("What the vendors enforce").click()
    page.get_by_label("Enforce the documented rate limits").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Enforce the documented rate limits")).to_be_checked()


def test_another_site_cannot_press_a_button(browser: Browser, sandbox: Sandbox, people: dict[str, str]) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        button = f"<form method=post action={sandbox.url}/accounts/enerflo/{people['Ana']}/delete><button>Win</button>"
        page.route("http://evil.example/", lambda route: route.fulfill(body=button, content_type="text/html"))
        page.goto("http://evil.example/")
        page.get_by_role("button", name="Win").click()
        expect(page.get_by_text("Another web site sent this request")).to_be_visible()
    assert people["Ana"] in sandbox.accounts("enerflo")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(
    open_tab: Any, sandbox: Sandbox, people: dict[str, str], scheme: Literal["light", "dark"]
) -> None:
    """axe finds nothing: names, labels, headings, landmarks, tables, contrast."""
    put(sandbox, id=people["Ana"], phone="1")
    put(sandbox, id=people["Ana"], first_name="Anna")
    sandbox.switch(faults={"enerflo": {"kind": "slow"}})
    sandbox.change("enerflo", people["Ben"], first_name="Benny", phone="5550100123")
    page: Page = open_tab(color_scheme=scheme)
    page.get_by_text("What the vendors enforce").click()
    paths = ["/?done=changed&at=enerflo", f"/accounts/enerflo/{people['Ana']}", "/accounts/tenovos/new"]
    for path in ["", *paths]:
        if path:
            page.goto(path)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.usefixtures("people")
def test_a_narrow_window_needs_no_scrolling_sideways(open_tab: Any) -> None:
    page: Page = open_tab(viewport={"width": 320, "height": 640})
    for path in ("/", "/accounts/nexudus/new"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_picture_of_the_page(open_tab: Any, sandbox: Sandbox, people: dict[str, str], tmp_path: Path) -> None:
    """Written to docs only if SEATWISE_SCREENSHOT is set, so that tests do not change the tree."""
    for name, role in (("Ana", "Sales Rep"), ("Ben", "Sales Manager"), ("Chloe", "Setter")):
        put(sandbox, id=people[name], roles=[role]).raise_for_status()
        httpx.get(f"{sandbox.url}/enerflo/api/v3/users/{people[name]}", headers=ENERFLO_KEY, trust_env=False)
    sandbox.switch(faults={"enerflo": {"kind": "throttled", "times": 1, "writes": True}})
    put(sandbox, id=people["Ana"], first_name="Ana")
    sandbox.switch(faults={"nexudus": {"kind": "lost", "times": 1, "writes": True}})
    page: Page = open_tab(viewport={"width": 1280, "height": 800}, color_scheme="light", device_scale_factor=1.5)
    drift(page)
    expect(page.locator(".drifted")).to_have_count(1)
    page.evaluate("window.scrollTo(0, 0)")
    picture = page.screenshot(path=tmp_path / "sandbox.png", full_page=True, animations="disabled")
    assert picture.startswith(b"\x89PNG")
    if os.environ.get("SEATWISE_SCREENSHOT"):
        SCREENSHOT.write_bytes(picture)
