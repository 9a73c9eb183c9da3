"""The main job by hand: from the sign-up to the mail in the Inbox, and off again."""

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.system.processes import Server, wait_until

PASSWORD = "a lantern over the quiet harbour"
PATIENCE_MS = 15_000
TOLD = "Northwind has set up an affiliate account for you."


@pytest.fixture(params=["with scripts", "without scripts"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A browser window, with JavaScript and without."""
    context = browser.new_context(java_script_enabled=request.param == "with scripts")
    window = context.new_page()
    window.set_default_timeout(PATIENCE_MS)
    yield window
    context.close()


def test_connect_create_tell_approve_and_disconnect(page: Page, server: Server) -> None:
    sign_up(page, server)
    enable(page)
    choose_the_offer(page)
    send_an_identify(page, server)
    approve(page, server)
    read_the_mails(page, server)
    disable(page, server)


def sign_up(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/signup")
    page.get_by_label("Shop name").fill("Northwind")
    page.get_by_label("Your name").fill("Maya Chen")
    page.get_by_label("Email").fill("maya@northwind.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Maya")


def enable(page: Page) -> None:
    page.locator(".sidebar").get_by_role("link", name="Segment", exact=True).click()
    page.get_by_role("button", name="Enable Segment Integration").click()
    page.get_by_label("Email").fill("owner@northwind.example")
    page.get_by_label("Password").fill("northwind-demo")
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Source").select_option(label="web-shop")
    page.get_by_role("button", name="Allow").click()
    expect(page.locator("main")).to_contain_text("Segment is connected. Source: web-shop.")
    expect(page.locator("main")).to_contain_text("Connected")


def choose_the_offer(page: Page) -> None:
    page.get_by_label("Offer").select_option(index=0)
    page.get_by_role("button", name="Save Changes").click()
    expect(page.locator("main")).to_contain_text(
        "Saved. New people from Segment will join Standard Affiliate Commission."
    )


def send_an_identify(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/sandbox/tester?source=web-shop")
    page.get_by_role("button", name="Send event").click()
    expect(page.locator("#answer-body")).to_contain_text("created")


def approve(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/affiliates")
    row = page.locator("tbody tr").first
    row.get_by_role("button", name="Approve").click()
    expect(page.locator("main")).to_contain_text("Approved. New Affiliate email queued.")


def read_the_mails(page: Page, server: Server) -> None:
    expect_mails(server, 2)
    page.goto(f"{server.url}/sandbox/inbox")
    page.locator("tbody tr").first.get_by_role("link").click()
    expect(page.locator("body")).to_contain_text(TOLD)
    mail = requests.get(f"{server.url}/sandbox/inbox.json", timeout=5).json()[0]
    link = re.search(rf"{server.url}/welcome/\S+", mail["text"])
    assert link is not None
    page.goto(link[0])
    expect(page.locator("main")).to_contain_text(TOLD)


def expect_mails(server: Server, number: int) -> None:
    """Wait until the Inbox holds this many mails; more would be one too many."""
    inbox = f"{server.url}/sandbox/inbox.json"
    wait_until(lambda: len(requests.get(inbox, timeout=5).json()) >= number)
    assert len(requests.get(inbox, timeout=5).json()) == number


def disable(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/account/settings/segment")
    page.get_by_role("link", name="Disable Segment Integration").click()
    page.locator("form", has_text="Segment will no longer create affiliates.").get_by_role(
        "button", name="Disable Segment Integration"
    ).click()
    expect(page.locator("main")).to_contain_text("Segment integration is off.")
    page.goto(f"{server.url}/sandbox/tester?source=web-shop")
    page.get_by_role("button", name="Send event").click()
    expect(page.locator("body")).not_to_contain_text("created")
