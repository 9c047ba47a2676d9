"""Lets app.py lay out a page that Streamlit has run by itself.

It does so when the first address that a new process is asked for is not the start page: it finds a folder called
pages and has not met app.py's ``st.navigation`` yet. Importing this is enough; it is the first thing that a page does.
"""

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.common.theme import DRESSED

PAGES = Path(__file__).resolve().parents[1]
ALONE = "ran alone"


def through_app() -> None:
    """Run again by way of app.py unless it has laid out this page; at most once a session."""
    if get_script_run_ctx(suppress_warning=True) is None or DRESSED in st.session_state or ALONE in st.session_state:
        return
    st.session_state[ALONE] = True
    others = sorted(file.stem for file in PAGES.glob("*.py") if file.stem not in ("__init__", "start"))
    # From this call on, Streamlit knows that the app lays out its pages itself.
    st.navigation([st.Page(PAGES / f"{name}.py") for name in ("start", *others)], position="hidden")
    st.rerun()


through_app()
