"""How fast the app is in a browser: figures of this machine beside the targets.

    python -m benchmarks.browser [--only open slider fps transfer crowd] [--pages trajectories ...] [--rounds 5]

Runs headless Chromium without a GPU and the app's server on the same cores, so both share what there is; run it on a
quiet machine. All times are taken inside the page: from its navigation or from the key press to the frame in which the
new picture stands. About six minutes with everything.

open      from the address to the first picture: with nothing cached (a server that has just started, a browser that
          was never there), and again in the same browser.
slider    from an arrow key on the Steps slider to the new picture; every step count is new to the server.
fps       frames while the player plays, of 2,000 and of 500 particles with the default solvers.
transfer  bytes over the web socket for 2,000 particles x 60 times, and messages while time moves.
crowd     five people on one process, each with settings of their own, all pressing the key at once.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlparse

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocket, sync_playwright

from tests.browser import driver

PARTS = ("open", "slider", "fps", "transfer", "crowd")
SLIDERS = {"trajectories": "Steps", "guidance": "Steps", "schedules": "Steps of the grids"}
PEOPLE = 5
FIRST = 12  # steps; the slider then goes down, to counts that were never computed
SECONDS = 4  # of playing
SCENARIO = "particles=2000&steps=59&solvers=dpmpp-2m"
Judge = Callable[[np.ndarray], bool]
# A picture stands when a player has drawn its scene or a chart its first frame; where a page has neither, its words.
WATCH = f"""
const pictures = () => [
    ...{driver.PLAYERS}.filter(box => box.dataset.ready && box.getClientRects().length),
    ...[...document.querySelectorAll('.js-plotly-plot')].filter(chart => chart.querySelector('.main-svg')),
].filter(box => !box.closest('[data-stale="true"]'));
const name = box => box.player ? `player ${{box.dataset.ready}}` : box;
const words = () => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    && document.querySelector('[data-testid="stMarkdownContainer"]');
window.opened = null;
const look = () => {{
    if (window.opened !== null) return;
    if (document.body && (pictures().length || words())) window.opened = performance.now();
    requestAnimationFrame(look);
}};
requestAnimationFrame(look);
window.time = () => {{
    window.changed = null;
    const before = pictures().map(name);
    addEventListener('keydown', () => {{
        const began = performance.now();
        const wait = () => {{
            if (pictures().every(box => before.includes(name(box)))) return requestAnimationFrame(wait);
            // the frame after the one in which it was found: by then it is on screen
            requestAnimationFrame(() => (window.changed = performance.now() - began));
        }};
        wait();
    }}, {{ once: true, capture: true }});
}};
"""
PLAY = f"""seconds => new Promise(done => {{
    const player = {driver.PLAYERS}[0].player;
    player.setLoop(true);
    player.play();
    const [times, own] = [[], []];
    const tick = now => {{
        times.push(now);
        own.push(player.spent);
        if (now - times[0] < 1000 * seconds) return requestAnimationFrame(tick);
        player.pause();
        done([times, own]);
    }};
    setTimeout(() => requestAnimationFrame(tick), 500);
}})"""


def main() -> None:
    asked = read_arguments()
    began = time.perf_counter()
    parts = {"open": opening, "slider": sliding, "fps": playing, "transfer": sending, "crowd": crowding}
    met = []
    with sync_playwright() as playwright:
        browser = driver.launch(playwright)
        print(f"Chromium {browser.version}, headless, no GPU\n\n| what | min | median | max | target |  |")
        print("|---|---|---|---|---|---|")
        for name in asked.only:
            met += parts[name](browser, asked)
        browser.close()
    print(f"\n{sum(met)} of {len(met)} targets met; {time.perf_counter() - began:.0f} s in all")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--pages", nargs="+", help="names for `open` (all of them) and `slider`; 'start' is the first")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement but opening with nothing cached")
    parser.add_argument("--cold", type=int, default=1, help="rounds of opening with nothing cached, for each page")
    return parser.parse_args()


def row(what: str, values: Iterable[float], unit: str, target: str, good: Judge | None) -> list[bool]:
    """Print one line; whether the target is met, if there is one."""
    values = np.asarray(values, dtype=float)
    figures = " | ".join(f"{value:,.0f} {unit}".strip() for value in (values.min(), np.median(values), values.max()))
    met = [] if good is None else [bool(good(values))]
    print(f"| {what} | {figures} | {target} | {'' if not met else 'met' if met[0] else 'MISSED'} |", flush=True)
    return met


@contextmanager
def visitor(browser: Browser, height: int = 900) -> Iterator[BrowserContext]:
    """Somebody whose browser was never here."""
    context = browser.new_context(viewport={"width": 1440, "height": height})
    context.add_init_script(WATCH)
    yield context
    context.close()


def arrive(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    driver.wait_idle(page)
    return page


def until_picture(context: BrowserContext, address: str) -> float:
    """Milliseconds from the navigation to the first picture."""
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.opened", timeout=driver.WAIT, polling=100)
    taken = page.evaluate("window.opened")
    driver.wait_idle(page)
    page.close()
    return taken


def opening(browser: Browser, asked: argparse.Namespace) -> list[bool]:
    with driver.Server() as server, visitor(browser) as context:
        addresses = driver.page_addresses(arrive(context, server.url))
    names = [urlparse(address).path.strip("/") for address in addresses]
    met, cold, warm = [], [], []
    for name in names:
        if asked.pages and (name or "start") not in asked.pages:
            continue
        first, again = [], []
        for _ in range(asked.cold):
            with driver.Server() as server, visitor(browser) as context:
                first.append(until_picture(context, f"{server.url}/{name}"))
                again += [until_picture(context, f"{server.url}/{name}") for _ in range(min(asked.rounds, 3))]
        met += row(f"open {name or 'start'}, nothing cached", first, "ms", "< 4,000", lambda v: np.median(v) < 4000)
        met += row(f"open {name or 'start'}, cached", again, "ms", "< 2,000", lambda v: np.median(v) < 2000)
        cold.append(np.median(first))
        warm.append(np.median(again))
    row("open, over the pages, nothing cached", cold, "ms", "", None)
    row("open, over the pages, cached", warm, "ms", "", None)
    return met


def slider(page: Page, label: str) -> Locator:
    """The handle of the slider called ``label``."""
    named = page.get_by_test_id("stWidgetLabel").get_by_text(label, exact=True)
    return page.get_by_test_id("stSlider").filter(has=named).locator("input[type=range]")


def press(pages: list[Page], label: str) -> list[float]:
    """One step down on the slider called ``label``, on all pages at once; milliseconds to each new picture."""
    for page in pages:
        slider(page, label).focus()
        page.evaluate("window.time()")
    for page in pages:
        page.keyboard.press("ArrowLeft")
    for page in pages:
        page.wait_for_function("window.changed !== null", timeout=driver.WAIT, polling=50)
    taken = [page.evaluate("window.changed") for page in pages]
    for page in pages:
        driver.wait_idle(page, quiet=200)
    return taken


def sliding(browser: Browser, asked: argparse.Namespace) -> list[bool]:
    met = []
    for name, label in SLIDERS.items():
        if asked.pages and name not in asked.pages:
            continue
        with driver.Server() as server, visitor(browser) as context:
            page = arrive(context, f"{server.url}/{name}?steps={FIRST}")
            press([page], label)  # the first change of a process
            taken = [press([page], label)[0] for _ in range(min(asked.rounds, FIRST - 2))]
        met += row(f"slider of {name}", taken, "ms", "< 400 (median)", lambda v: np.median(v) < 400)
    return met


def playing(browser: Browser, asked: argparse.Namespace) -> list[bool]:
    met = []
    with driver.Server() as server:
        for particles, solvers, least in ((2000, 3, None), (2000, 1, None), (500, 3, 50)):
            asked_for = f"particles={particles}" + ("&solvers=dpmpp-2m" if solvers == 1 else "")
            with visitor(browser) as context:
                page = arrive(context, f"{server.url}/trajectories?{asked_for}")
                runs = [page.evaluate(PLAY, SECONDS) for _ in range(min(asked.rounds, 3))]
            rates = [1000 * (len(times) - 1) / (times[-1] - times[0]) for times, _ in runs]
            gaps = np.concatenate([np.diff(times) for times, _ in runs])
            own = np.concatenate([spent for _, spent in runs])
            what = f"frames a second, {particles:,} particles, {solvers} solver" + "s" * (solvers > 1)
            enough = least and (lambda v, least=least: np.median(v) >= least)
            met += row(what, rates, "", f">= {least}" if least else "60 with a GPU", enough)
            row("... ms between frames: 50, 95, 99 %", np.quantile(gaps, (0.5, 0.95, 0.99)), "ms", "", None)
            row("... ms of drawing: 50, 95, 99 %", np.quantile(own, (0.5, 0.95, 0.99)), "ms", "", None)
    return met


def sending(browser: Browser, asked: argparse.Namespace) -> list[bool]:
    frames: list[tuple[str, int]] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: frames.append(("in", len(data))))
        socket.on("framesent", lambda data: frames.append(("out", len(data))))

    with driver.Server() as server, visitor(browser) as context:
        page = context.new_page()
        page.on("websocket", listen)
        page.goto(f"{server.url}/trajectories?{SCENARIO}")
        driver.wait_idle(page)
        everything = sum(size for way, size in frames if way == "in") / 1000
        frames.clear()
        slider(page, "Steps").focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(1000)
        driver.wait_idle(page)
        change = sum(size for way, size in frames if way == "in") / 1000
        frames.clear()
        page.evaluate(PLAY, SECONDS)
        moved = len(frames)
    met = row("opening 2,000 particles x 60 times: all that is sent", [everything], "kB", "< 500", lambda v: v < 500)
    met += row("one step fewer: all that is sent", [change], "kB", "< 500", lambda v: v < 500)
    return met + row(f"messages while time moves for {SECONDS} s", [moved], "", "0", lambda v: v == 0)


def crowding(browser: Browser, asked: argparse.Namespace) -> list[bool]:
    with driver.Server() as server, ExitStack() as stack:
        people = [stack.enter_context(visitor(browser)) for _ in range(PEOPLE)]
        pages = [arrive(one, f"{server.url}/trajectories?steps={FIRST}&seed={k}") for k, one in enumerate(people)]
        press(pages, "Steps")
        taken = [time for _ in range(min(asked.rounds, FIRST - 2)) for time in press(pages, "Steps")]
    return row(
        f"slider of trajectories, {PEOPLE} people at once", taken, "ms", "< 2,000 (all)", lambda v: v.max() < 2000
    )


if __name__ == "__main__":
    main()
