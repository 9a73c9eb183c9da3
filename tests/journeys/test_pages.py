"""Every page of the product: reachable, accessible, within its width, with nothing refused."""

import json
import re

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage

from tests.system.processes import Server, flask
from tests.web.segment_destination.events import identify

PASSWORD = "a lantern over the quiet harbour"
EMAIL = "maya@northwind.example"
LONG = "x" * 300

PAGES = [
    "/",
    "/affiliates",
    "/affiliates?status=approved",
    "/affiliates?q=nobody",
    "/affiliates/{affiliate}",
    "/offers",
    "/offers/new",
    "/offers/{offer}",
    "/channels/email",
    "/channels/email/new_affiliate",
    "/account/settings",
    "/account/settings/segment",
    "/account/settings/segment/disable",
    "/account/settings/segment/deliveries",
    "/account/settings/segment/deliveries?q=nobody",
    "/account/settings/segment/deliveries/{delivery}",
    "/account/settings/api",
    "/account/settings/activity",
    "/no-such-page",
]


@pytest.fixture
def merchant(settings: dict[str, str], server: Server) -> dict[str, str]:
    made: dict[str, str] = json.loads(
        flask(
            *("merchants", "create", "Northwind", "--owner-email", EMAIL),
            *("--password", PASSWORD, "--json"),
            settings=settings,
        )
    )
    return made


def fill(server: Server, settings: dict[str, str], merchant: dict[str, str]) -> dict[str, str]:
    """Let people come, some of them awkward; return the ids that stand in addresses."""
    flask("merchants", "enable-segment", merchant["merchant"], settings=settings)
    names = ("Ada Marsh", f"{LONG} {LONG}", "مريم العلي", "李 明", "<b>Bold</b> & Co")
    answers = [
        requests.post(
            f"{server.url}/segment/destination",
            json=identify(
                email=f"p{n}@shop.example",
                userId=f"u-{n}",
                projectId="P0EXAMPLE1",
                messageId=f"m-{n}",
                traits={"firstName": None, "lastName": None, "name": name, "plan": "gold"},
            ),
            auth=(merchant["api_key"], ""),
            timeout=5,
        ).json()
        for n, name in enumerate(names)
    ]
    listed = flask("deliveries", "list", merchant["merchant"], "--json", settings=settings)
    delivery = json.loads(listed.splitlines()[0])
    affiliate = answers[0]["affiliate"]
    return {"affiliate": affiliate, "delivery": delivery["id"], "offer": merchant["offer"]}


def logged_in(browser: Browser, server: Server, *, width: int, theme: str) -> BrowserContext:
    # axe itself is injected as an inline script, which our policy would refuse
    context = browser.new_context(
        bypass_csp=True, viewport={"width": width, "height": 900}, color_scheme=theme
    )
    page = context.new_page()
    page.goto(f"{server.url}/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{server.url}/")
    return context


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_full", [False, True], ids=["empty", "full"])
def test_every_page_is_accessible_and_within_its_width(
    browser: Browser,
    server: Server,
    settings: dict[str, str],
    merchant: dict[str, str],
    is_full: bool,
) -> None:
    ids = fill(server, settings, merchant) if is_full else {"offer": merchant["offer"]}
    wanted = [path.format(**ids) for path in PAGES if set(re.findall(r"{(\w+)}", path)) <= set(ids)]

    faults = [
        fault
        for width, theme in ((1280, "light"), (390, "dark"))
        for fault in faults_on(
            browser, server, [path.format(**ids) for path in wanted], width, theme
        )
    ]

    assert faults == []


def faults_on(
    browser: Browser, server: Server, paths: list[str], width: int, theme: str
) -> list[str]:
    """Look at pages in one window; tell what axe, the console and the width have to say."""
    context = logged_in(browser, server, width=width, theme=theme)
    page = context.new_page()
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "404" not in message.text:
            faults.append(f"{page.url} console: {message.text}")

    page.on("console", note)
    for path in paths:
        answer = page.goto(f"{server.url}{path}")
        assert answer is not None
        if answer.status != (404 if path == "/no-such-page" else 200):
            faults.append(f"{path}: {answer.status}")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append(f"{path}: scrolls sideways at {width}")
        faults += [
            f"{path} {theme} {width}: {fault['id']} {fault['nodes'][0]['html']}"
            for fault in Axe().run(page).response["violations"]
        ]
    context.close()
    return faults
