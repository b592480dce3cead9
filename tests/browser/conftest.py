import os
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")  # no longer: while Playwright is open its event loop runs, and nbclient wants one too
def browser():
    """Starts Chromium; skips where it is missing, but fails in CI."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed")
    if not CHROMIUM.exists():
        _missing(f"{CHROMIUM} is missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """Opens an empty page."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    yield page
    page.close()


def _missing(what):
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and CI must run these tests")
    pytest.skip(what)
