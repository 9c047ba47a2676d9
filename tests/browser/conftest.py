"""Fixtures for tests in a real browser; they fail, never skip, where no browser can be had."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import driver

OUTCOME = pytest.StashKey[bool]()
PICTURES = driver.ROOT / "screenshots" / "failed"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each page gets a context of its own."""
    with sync_playwright() as playwright:
        missing = ""
        try:
            chromium = driver.launch(playwright)
        except RuntimeError as error:
            missing = str(error)
        if missing:
            pytest.fail(missing, pytrace=False)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has fetched and compiled the scripts once; what pages store in it is cleared after each test."""
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture(scope="session")
def server() -> Iterator[driver.Server]:
    """The app, started once for all tests."""
    with driver.Server() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report.failed
    return report


@pytest.fixture
def open_page(server: driver.Server, visitor: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Callable]:
    """``open_page(path="", width=1440, height=900, dark=False)`` -> an idle page, as somebody new meets it.

    ``path`` is below the app's address ("schedules?noise=vp-cosine") or a whole one, such as a copied link.
    The test fails when a page throws a JavaScript error, shows an exception or leaves a traceback in the log.
    """
    pages: list[Page] = []
    thrown: list[str] = []
    log_before = len(server.log())

    def open_one(path: str = "", width: int = 1440, height: int = 900, dark: bool = False) -> Page:
        page = visitor.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        pages.append(page)
        page.on("pageerror", lambda error: thrown.append(f"{error.name}: {error.message}"))
        page.goto(path if "://" in path else f"{server.url}/{path.lstrip('/')}")
        driver.wait_idle(page)
        return page

    yield open_one

    failed = request.node.stash.get(OUTCOME, True)
    shown = []
    for number, page in enumerate(pages):
        shown += page.get_by_test_id("stException").all_inner_texts()
        if failed:
            PICTURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=PICTURES / f"{request.node.name.replace('/', '-')}-{number}.png")
        page.evaluate("localStorage.clear()")
        page.close()
    visitor.clear_cookies()
    log = server.log()[log_before:]
    assert not shown, f"the page shows an exception:\n{shown[0]}"
    assert "Traceback (most recent call last)" not in log, f"the server's log holds a traceback:\n{log}"
    assert not thrown, f"the page threw in JavaScript: {thrown}"
