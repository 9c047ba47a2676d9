"""Key views of the app and how their looks are compared: `python -m tests.browser.views` draws the references anew.

    python -m tests.browser.views [player-light ...]

Look at what it wrote to tests/browser/views before committing. A picture is kept at a quarter of its size and compared
in cells of eight pixels, so that an edge drawn one pixel to the side, or a letter from another build of the typeface,
is within the tolerance, while a missing solver or the wrong ground is not.
"""

import argparse
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser import driver

FOLDER = driver.ROOT / "tests" / "browser" / "views"
KEPT = 4  # pixels of the screen to one of the reference
CELL = 2  # pixels of the reference to a cell
CLEAR = 8  # of 255, in one colour: a difference that is seen; a thin arrow makes 10 of its cell
MOST = 0.015  # of all cells may differ that much
PLAYED = "trajectories?steps=8&particles=60&solvers=heun,dpmpp-2m"
DRAWN = "~1:0:0.5:0.9:0.3:30_2:-1:-1:0.4:0.4:0"
AT = f"{driver.PLAYERS}.forEach(({{player}}) => {{ player.seek(5.4); player.draw(); }})"


@dataclass(frozen=True)
class View:
    """A part of a page: its address, the CSS selector of the part (the window without one), and how it is seen."""

    address: str
    part: str = ""
    dark: bool = False
    width: int = 1440
    height: int = 1000
    act: str = "undefined"


VIEWS = {
    "player-light": View(PLAYED, ".sp-view", act=AT),
    "player-dark": View(PLAYED, ".sp-view", dark=True, act=AT),
    "controls-390": View(PLAYED, ".sp", width=390, height=844, act=AT),
    "drawing": View(f"trajectories?data=drawn&drawing={DRAWN}&steps=3&particles=5&solvers=ddim", ".dc-canvas"),
    "lecture": View("lessons?lesson=1&step=2&view=lecture", height=760),
    "start-390": View("", width=390, height=844),
}


def taken(page: Page, view: View) -> Image.Image:
    """The view on an idle ``page`` of its size and theme, at the size of a reference."""
    page.evaluate(view.act)
    page.wait_for_timeout(150)  # the frame after the change
    part = page.locator(view.part).first if view.part else page
    picture = Image.open(io.BytesIO(part.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    return picture.reduce(KEPT)


def differing(first: Image.Image, second: Image.Image) -> float:
    """Share of cells that are seen to differ; 1 where the sizes do by more than a cell or two."""
    if max(abs(a - b) for a, b in zip(first.size, second.size, strict=True)) > 2 * CELL:
        return 1.0
    size = tuple(min(a, b) for a, b in zip(first.size, second.size, strict=True))
    cells = [np.asarray(one.crop((0, 0, *size)).reduce(CELL), dtype=float) for one in (first, second)]
    return float((np.abs(cells[0] - cells[1]).max(axis=2) > CLEAR).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*VIEWS, []], help="all of them without")
    FOLDER.mkdir(exist_ok=True)
    with driver.Server() as server, sync_playwright() as playwright:
        browser = driver.launch(playwright)
        for name in parser.parse_args().names or VIEWS:
            view = VIEWS[name]
            size, scheme = {"width": view.width, "height": view.height}, "dark" if view.dark else "light"
            page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
            page.goto(f"{server.url}/{view.address}")
            driver.wait_idle(page)
            taken(page, view).save(FOLDER / f"{name}.png", optimize=True)
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
