"""Imports what pages need while the first visitor's browser still loads."""

import gc
import threading
from importlib import import_module
from pathlib import Path

import streamlit as st

from core.language import tr

HEAVY = (
    "core.experiments.run",
    "core.experiments.links",
    "core.experiments.code",
    "core.figures.trajectories",
    "core.figures.images",
    "plotly.io",
)
PRELOAD = """<script>
if (!document.querySelector("link[href$='NAME']")) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = new URL("static/js/NAME", document.baseURI).href;
    document.head.append(link);
}
</script>"""
_begun = threading.Lock()
_ready = threading.Event()


def start() -> None:
    """Begin, once a process; returns at once."""
    if _begun.acquire(blocking=False):
        threading.Thread(target=_load, name="warm imports", daemon=True).start()


def wait() -> None:
    """Until the imports are done, so that no page imports the same module from another thread at the same time."""
    slot = st.empty()
    if not _ready.is_set():
        with slot, st.spinner(tr("Starting the solvers; this takes a few seconds, once")):
            _ready.wait()


def fetch_charts() -> None:
    """Have the browser fetch what draws charts while the page is still computed; nothing is lost if it is not found."""
    scripts = Path(st.__file__).parent / "static" / "static" / "js"
    with st.container(key="fetch"):
        for script in scripts.glob("PlotlyChart.*.js"):
            st.html(PRELOAD.replace("NAME", script.name), unsafe_allow_javascript=True)


def _load() -> None:
    # Modules stay: to look for garbage among them lengthens the imports by a fifth, and later, each time, stops
    # everybody's run for longer than it takes to compute a picture.
    gc.disable()
    try:
        for name in HEAVY:
            import_module(name)
    finally:  # an import that fails must fail again, visibly, in the page that needs it
        gc.freeze()
        gc.enable()
        _ready.set()
