"""The look beyond the configuration's colours: titles, mark, one style sheet and one script."""

from pathlib import Path

import streamlit as st

NAME, DRESSED = "Solverscope", "dressed"
ASSETS = Path(__file__).resolve().parents[2] / "assets"


def apply(title: str) -> None:
    """Dress the page called ``title``."""
    st.session_state[DRESSED] = True
    st.set_page_config(page_title=f"{title} · {NAME}", page_icon=str(ASSETS / "favicon.svg"), layout="wide")
    st.logo(str(ASSETS / "wordmark.svg"), size="large")
    st.html(ASSETS / "app.css")
    with st.container(key="script"):
        st.html(f"<script>{(ASSETS / 'page.js').read_text()}</script>", unsafe_allow_javascript=True)
