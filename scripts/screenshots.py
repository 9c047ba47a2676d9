"""Take full-page pictures of every page of the app, wide and narrow, light and dark: `make screenshots`.

    python -m scripts.screenshots [--pages start schedules] [--widths 1440 390] [--query '?seed=3'] [--into screenshots]

The pages are those of the app's own navigation. It exits with 1 when a page shows an exception or can be
scrolled sideways.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import urlparse

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import driver

HEIGHTS = {390: 844}
LONGEST = 16_000  # pixels: Chromium's limit for one picture


def main() -> int:
    arguments = read_arguments()
    arguments.into.mkdir(parents=True, exist_ok=True)
    flaws = 0
    with driver.Server(arguments.app) as server, sync_playwright() as playwright:
        browser = driver.launch(playwright)
        first = open_page(browser, server.url, 1440, dark=False)
        addresses = driver.page_addresses(first) or [server.url]
        first.context.close()
        for address in addresses:
            name = urlparse(address).path.strip("/") or "start"
            if arguments.pages and name not in arguments.pages:
                continue
            for width in arguments.widths:
                for dark in (False, True):
                    page = open_page(browser, address + arguments.query, width, dark)
                    file = arguments.into / f"{name}-{width}-{'dark' if dark else 'light'}.png"
                    flaws += picture(page, file)
                    page.context.close()
        browser.close()
    return 1 if flaws else 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of every page of the app.")
    parser.add_argument("--pages", nargs="+", help="only these; 'start' is the first")
    parser.add_argument("--widths", nargs="+", type=int, default=[1440, 390], help="in pixels")
    parser.add_argument("--query", default="", help="settings to add to the address, such as '?seed=3'")
    parser.add_argument("--into", type=Path, default=driver.ROOT / "screenshots", help="folder")
    parser.add_argument("--app", type=Path, default=driver.ROOT, help="folder that holds app.py")
    return parser.parse_args()


def open_page(browser: Browser, address: str, width: int, dark: bool) -> Page:
    """A page in a fresh context, idle."""
    size = {"width": width, "height": HEIGHTS.get(width, 900)}
    page = browser.new_context(viewport=size, color_scheme="dark" if dark else "light").new_page()
    page.goto(address)
    driver.wait_idle(page)
    return page


def picture(page: Page, file: Path) -> int:
    """Save the whole page and say what is wrong with it; return the number of flaws."""
    flaws = []
    overflow = driver.horizontal_overflow(page)
    if overflow:
        flaws.append(f"{overflow} px wider than the window")
    flaws += [text.splitlines()[0] for text in page.get_by_test_id("stException").all_inner_texts()]
    # Streamlit scrolls inside the page, so the window itself is made as tall as the content.
    tall = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": min(max(tall, size["height"]), LONGEST)})
    driver.wait_idle(page)
    page.screenshot(path=file)
    print(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file, *flaws, sep="  ")
    return len(flaws)


if __name__ == "__main__":
    sys.exit(main())
