"""What the browser tests and the screenshot script share: Chromium, a running app, a reader of its charts."""

import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",  # Chromium's own sandbox does not start as root, as in containers and CI
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW_TO_GET_ONE = (
    "no working Chromium or Chrome was found, and the browser tests cannot run without one; "
    "`make browser` installs it on Debian and Ubuntu, elsewhere put one of these on the PATH: " + ", ".join(BROWSERS)
)
WAIT = 60_000  # ms: the first page of a cold process imports torch


# --- Chromium ---


def find_browser(playwright: Playwright) -> str:
    """The path of a Chromium or Chrome that starts: from the PATH, else Playwright's own.

    Raises
    ------
    RuntimeError
        If there is none; the message says how to get one.
    """
    for path in [*map(shutil.which, BROWSERS), playwright.chromium.executable_path]:
        if path and Path(path).exists():
            # On Ubuntu without snap the command exists but only prints advice and fails.
            answer = subprocess.run([path, "--version", "--no-sandbox"], capture_output=True, timeout=60)
            if answer.returncode == 0:
                return path
    raise RuntimeError(HOW_TO_GET_ONE)


def launch(playwright: Playwright) -> Browser:
    """Start a headless browser; raises ``RuntimeError`` as `find_browser` does."""
    return playwright.chromium.launch(executable_path=find_browser(playwright), args=list(ARGUMENTS))


# --- The app ---


class Server:
    """``streamlit run app.py`` on a free port, as a context manager.

    Parameters
    ----------
    folder : where ``app.py`` is.
    options : further command-line options of Streamlit.

    Raises
    ------
    RuntimeError
        On entering, if the app has not answered after a minute; the message holds its log.
    """

    def __init__(self, folder: Path = ROOT, *options: str):
        self.folder = folder
        self.options = options

    def __enter__(self) -> "Server":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._temporary = tempfile.TemporaryDirectory()
        self._log = Path(self._temporary.name) / "server.log"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
        command += ["--server.address=127.0.0.1", "--server.headless=true", "--server.fileWatcherType=none"]
        # Coverage is measured by the unit tests; tracing the server would slow what is timed here.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self.options],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_healthy()
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._temporary.cleanup()

    def log(self) -> str:
        """Everything that the server has printed so far."""
        return self._log.read_text(errors="replace")

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    # Any path answers 200 once the server listens; only the body tells health.
                    if answer.read().strip() == b"ok":
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise RuntimeError(f"the app in {self.folder} did not become healthy; its log:\n{self.log()}")


# --- The page ---

PLAYERS = """[...document.querySelectorAll('*')].map(box => box.shadowRoot?.querySelector('.solverscope-player'))
    .filter(Boolean)"""
IDLE = """quiet => {
    const played = PLAYERS.every(box => box.dataset.ready);
    const app = document.querySelector('[data-testid="stApp"]');
    const drawn = [...document.querySelectorAll('[data-testid="stPlotlyChart"]')]
        .filter(chart => chart.offsetParent !== null)
        .every(chart => chart.querySelector('.js-plotly-plot .main-svg'));
    const idle = app !== null && drawn && played
        && app.dataset.testScriptState === 'notRunning'
        && app.dataset.testConnectionState === 'CONNECTED'
        && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
    if (!idle) { window.idleSince = undefined; return false; }
    window.idleSince ??= performance.now();
    return performance.now() - window.idleSince >= quiet;
}""".replace("PLAYERS", PLAYERS)


def wait_idle(page: Page, quiet: int = 400, timeout: int = WAIT) -> None:
    """Wait until the script has ended, nothing is stale and every visible chart is drawn, for ``quiet`` ms.

    Raises
    ------
    playwright.sync_api.TimeoutError
        After ``timeout`` ms.
    """
    page.evaluate("window.idleSince = undefined")
    page.wait_for_function(IDLE, arg=quiet, timeout=timeout, polling=50)


def page_addresses(page: Page) -> list[str]:
    """The address of every page in the app's navigation, in its order; ``page`` must be wide and idle."""
    read = "links => links.map(link => link.href)"
    found = page.locator('[data-testid="stSidebarNavLink"], [data-testid="stTopNavLink"]').evaluate_all(read)
    for group in page.get_by_test_id("stTopNavSection").all():  # the pages of a group exist while its list is open
        group.click()
        inside = page.get_by_test_id("stTopNavPopover").locator("a")
        inside.first.wait_for()
        found += inside.evaluate_all(read)
        page.keyboard.press("Escape")
    return list(dict.fromkeys(found))


def horizontal_overflow(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways; 0 where it fits.

    Boxes that are meant to scroll (tables, code) count by their own width, not by what they hold.
    """
    return page.evaluate(
        """() => Math.max(...[document.documentElement, ...document.querySelectorAll(
            '[data-testid="stApp"], [data-testid="stMain"], [data-testid="stMainBlockContainer"]'
        )].map(box => box.scrollWidth - box.clientWidth))"""
    )


# --- Its charts ---

CHARTS = """() => {
    const names = {Float32Array: 'f4', Float64Array: 'f8', Int8Array: 'i1', Uint8Array: 'u1',
        Uint8ClampedArray: 'u1', Int16Array: 'i2', Uint16Array: 'u2', Int32Array: 'i4', Uint32Array: 'u4'};
    const plain = value => {
        if (ArrayBuffer.isView(value)) {
            const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
            let text = '';
            for (let i = 0; i < bytes.length; i += 4096)
                text += String.fromCharCode(...bytes.subarray(i, i + 4096));
            return {bdata: btoa(text), dtype: names[value.constructor.name]};
        }
        if (Array.isArray(value)) return value.map(plain);
        if (value === null || typeof value !== 'object') return typeof value === 'function' ? null : value;
        if (typeof value.bdata === 'string')
            return {bdata: value.bdata, dtype: value.dtype, shape: value.shape};
        return Object.fromEntries(Object.entries(value)
            .filter(([key]) => !key.startsWith('_')).map(([key, part]) => [key, plain(part)]));
    };
    const players = PLAYERS.map(({player}) => ({
        data: player.series.map(one => ({type: 'track', name: one.legend, values: plain(one.track.values)})),
        layout: {alt: player.head.alt}, frames: [],
    }));
    return [...players, ...[...document.querySelectorAll('.js-plotly-plot')].map(chart => ({
        data: plain(chart.data), layout: plain(chart.layout),
        frames: plain(chart._transitionData?._frames ?? []),
    }))];
}""".replace("PLAYERS", PLAYERS)


def charts(page: Page) -> list[dict]:
    """What each player and then each chart shows: ``{"data": [trace, ...], "layout": {...}, "frames": [...]}``.

    The traces of a player are the tracks of its solvers.

    Typed arrays come back as NumPy arrays of their own dtype and shape, everything else as plain values.
    """
    return [_decoded(chart) for chart in page.evaluate(CHARTS)]


def _decoded(value: object) -> object:
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("bdata"), str):
        array = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"].removesuffix("c"))
        shape = value.get("shape")  # one number, or text such as "3, 4"
        return array.reshape([int(length) for length in str(shape).split(",")]) if shape else array
    return {key: _decoded(part) for key, part in value.items()}


def differences(first: object, second: object, where: str = "") -> list[str]:
    """The places where two pictures (or parts of them) differ; empty where they agree.

    NaN equals NaN; the random ``uid`` of a trace is left out.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        keys = (first.keys() | second.keys()) - {"uid"}
        return [line for key in sorted(keys) for line in differences(first.get(key), second.get(key), f"{where}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        parts = enumerate(zip(first, second, strict=True))
        return [line for i, (one, other) in parts for line in differences(one, other, f"{where}[{i}]")]
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        same = np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
        return [] if same else [f"{where}: arrays of shapes {first.shape} and {second.shape} differ"]
    same = first == second or (first != first and second != second)
    return [] if same else [f"{where}: {str(first)[:80]} against {str(second)[:80]}"]


if __name__ == "__main__":
    with sync_playwright() as driver:
        try:
            sys.stdout.write(find_browser(driver) + "\n")
        except RuntimeError as missing:
            sys.exit(str(missing))
