"""A real Chromium: Debian's, or wherever `CHROMIUM` says it is."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from tests.needs import skip_or_fail

# The machine may have no way out: Chromium must not look for one.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start the browser; skip the test where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        skip_or_fail("browser", "no Chromium: install Debian's package, or set CHROMIUM")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except PlaywrightError as error:
            skip_or_fail("browser", f"Chromium does not start ({str(error).splitlines()[0]})")
        yield browser
        browser.close()
