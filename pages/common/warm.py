"""Imports what pages need while the first visitor's browser still loads."""

import threading
from importlib import import_module

import streamlit as st

HEAVY = (
    "core.experiments.run",
    "core.experiments.links",
    "core.experiments.code",
    "core.figures.trajectories",
    "core.figures.images",
    "plotly.io",
)
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
        with slot, st.spinner("Starting the solvers; this takes a few seconds, once"):
            _ready.wait()


def _load() -> None:
    try:
        for name in HEAVY:
            import_module(name)
    finally:  # an import that fails must fail again, visibly, in the page that needs it
        _ready.set()
