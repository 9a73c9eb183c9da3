"""The sandbox's pages in a real browser: reachable for everybody, at any width, in either theme."""

import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from refersion_segment.sandbox import MailCatcher
from tests.sandbox.conftest import CLIENT, REDIRECT_URI

PAGES = [
    "/",
    "/sources/web-shop",
    "/tester",
    "/deliveries",
    "/deliveries/1",
    "/inbox",
    "/inbox/1",
    "/settings",
    f"/oauth2/auth?response_type=code&client_id={CLIENT[0]}&redirect_uri={REDIRECT_URI}"
    "&scope=destination/refersion",
]


@pytest.fixture
def address(app: Flask, destination, identify, deliver, sandbox) -> Iterator[str]:
    """A sandbox over HTTP, with a delivery and a mail to show."""
    identify()
    deliver()
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Welcome", "us@example.com", "ada@example.com"
    mail.set_content("Hello Ada")
    mail.add_alternative('<p style="color: rgb(1, 2, 3)">Hello Ada</p>', subtype="html")
    catcher = MailCatcher(sandbox.database.path, "127.0.0.1", 0)
    catcher.start()
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as smtp:
        smtp.send_message(mail)
    catcher.stop()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_every_page_is_accessible(browser: Browser, address: str, theme: str, width: int) -> None:
    # axe itself is injected as an inline script, which our policy would refuse
    page = browser.new_page(
        bypass_csp=True, color_scheme=theme, viewport={"width": width, "height": 900}
    )
    faults = []

    for path in PAGES:
        page.goto(address + path)
        found = Axe().run(page).response["violations"]
        faults += [(path, fault["id"], fault["nodes"][0]["html"]) for fault in found]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append((path, "too wide", ""))
    page.close()

    assert faults == []


def test_the_policy_refuses_nothing_of_ours(browser: Browser, address: str) -> None:
    page = browser.new_page()
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text))

    for path in PAGES:
        page.goto(address + path)
    page.goto(f"{address}/inbox/1")
    part = page.frame_locator("iframe").locator("p")
    colour = part.evaluate("part => getComputedStyle(part).color")
    page.close()

    assert lines == []
    assert colour == "rgb(1, 2, 3)", "a mail keeps its own look"


def test_allow_leads_back_to_the_app(browser: Browser, address: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.route(f"{REDIRECT_URI}*", lambda route: route.fulfill(body="back"))

    page.goto(address + PAGES[-1])
    page.get_by_label("Password").fill("northwind-demo")
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Source").select_option("newsletter")
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{REDIRECT_URI}?code=*")
    page.close()
