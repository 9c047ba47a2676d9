"""Imports what pages need while the first visitor's browser still loads, and sizes the process for many visitors."""

import os
import threading
from importlib import import_module

HEAVY = (
    "core.experiments.run",
    "core.experiments.links",
    "core.experiments.code",
    "core.figures.trajectories",
    "plotly.io",
)
_begun = threading.Lock()
_ready = threading.Event()


def start() -> None:
    """Begin, once a process; returns at once."""
    if _begun.acquire(blocking=False):
        # Read when torch is first imported. Every visitor's 2-D work is small: one thread each is fastest under load,
        # as threads of several runs would only wait for one another.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        threading.Thread(target=_load, name="warm imports", daemon=True).start()


def wait() -> None:
    """Until the imports are done, so that no page imports the same module from another thread at the same time."""
    _ready.wait()


def _load() -> None:
    try:
        for name in HEAVY:
            import_module(name)
    finally:  # an import that fails must fail again, visibly, in the page that needs it
        _ready.set()
