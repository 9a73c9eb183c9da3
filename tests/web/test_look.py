"""The look: contrast of the tokens, nothing inline, light pages, no accessibility fault."""

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from refersion_segment import create_app
from refersion_segment.web.styleguide.views import blueprint as styleguide
from tests.conftest import settings_for

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "refersion_segment" / "templates"
GROUNDS = ("ground", "surface", "sunken", "green-soft", "hover")
TEXT_ON_GROUND = [
    *[(ink, ground) for ink in ("ink", "ink-2", "ink-3", "green-text") for ground in GROUNDS],
    *[(f"{tone}-text", f"{tone}-soft") for tone in ("green", "amber", "red", "blue", "grey")],
    *[("red-text", ground) for ground in ("surface", "sunken")],
    *[("on-green", ground) for ground in ("green", "green-hover")],
    *[("on-red", ground) for ground in ("red", "red-hover")],
]


def tokens(theme: str) -> dict[str, str]:
    """Return the colours of `light` or `dark` by name."""
    css = (ROOT / "static/css/tokens.css").read_text()
    light, _, dark = css.partition("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    if theme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark))
    return colours


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_on_its_ground(theme: str) -> None:
    colours = tokens(theme)

    faint = {
        (text, ground): round(contrast(colours[text], colours[ground]), 2)
        for text, ground in TEXT_ON_GROUND
        if contrast(colours[text], colours[ground]) < 4.5
    }

    assert faint == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_edge_of_a_control_can_be_seen(theme: str) -> None:
    colours = tokens(theme)

    assert contrast(colours["control-line"], colours["surface"]) >= 3


def test_colours_are_written_in_tokens_only() -> None:
    sheets = [ROOT / "static/css/base.css", *(ROOT / "static/css/components").glob("*.css")]

    written = {
        sheet.name: re.findall(r"#[0-9a-fA-F]{3,8}\b", sheet.read_text()) for sheet in sheets
    }

    assert {name: colours for name, colours in written.items() if colours} == {}


def test_nothing_in_a_page_template_is_inline() -> None:
    pages = [path for path in TEMPLATES.rglob("*.html") if "mail" not in path.parts]

    inline = [
        path.name
        for path in pages
        if re.search(r"""\sstyle=|<style|\son[a-z]+=["']|<script(?! src)""", path.read_text())
    ]

    assert inline == []


@pytest.fixture(scope="module")
def styleguide_app() -> Flask:
    app = create_app(settings_for("sqlite://"))
    if styleguide.name not in app.blueprints:
        app.register_blueprint(styleguide)
    return app


def test_a_page_weighs_less_than_150_kilobytes(styleguide_app: Flask) -> None:
    answer = styleguide_app.test_client().get("/styleguide")
    parts = re.findall(r'(?:href|src)="/(static/[^"?]+)', answer.text)
    font = "static/vendor/inter/inter-4.1-latin.woff2"

    weight = len(answer.data) + sum((ROOT / part).stat().st_size for part in [*parts, font])

    assert answer.status_code == 200
    assert 50_000 < weight < 150_000


@pytest.fixture(scope="module")
def address(styleguide_app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, styleguide_app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_component_is_accessible(
    browser: Browser, address: str, theme: str, width: int
) -> None:
    # axe itself is injected as an inline script, which our policy would refuse
    page = browser.new_page(
        bypass_csp=True, color_scheme=theme, viewport={"width": width, "height": 900}
    )
    answer = page.goto(f"{address}/styleguide")

    faults = Axe().run(page).response["violations"]
    too_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.close()

    assert answer is not None
    assert answer.ok
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
    assert not too_wide


def test_the_policy_refuses_nothing_of_ours(browser: Browser, address: str) -> None:
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text))

    page.goto(f"{address}/styleguide")
    page.close()

    assert refused == []


def test_a_danger_button_opens_its_dialog_and_cancel_closes_it(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/styleguide")
    dialog = page.get_by_role("dialog")

    page.get_by_role("link", name="Disable Segment Integration").click()
    opened = dialog.is_visible()
    dialog.get_by_role("button", name="Cancel").click()
    closed = not dialog.is_visible()
    page.close()

    assert (opened, closed) == (True, True)


def test_the_bulk_bar_counts_what_is_chosen(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/styleguide")

    page.get_by_role("button", name="Choose all on this page").click()
    chosen = page.locator("[data-count]").text_content()
    page.close()

    assert chosen == "3 chosen"
