"""Own points from a CSV file."""

import streamlit as st

from core.data.points import MAX_POINTS, read_points
from core.experiments.links import MOST_POINTS
from pages.common import settings
from pages.common.compute import sentence

SLOT = "toy.points"
LARGEST = 64  # MB; the server's own limit is the same


def points() -> None:
    """An upload that sets the points, or says in one sentence why not and leaves those from before."""
    st.file_uploader(
        "CSV file with two columns",
        type=["csv", "txt", "tsv"],
        key="own points",
        on_change=_read,
        max_upload_size=LARGEST,
        help=f"Two numbers a line, x and y; a header is fine. 2 to {MAX_POINTS} points: each becomes a Gaussian.",
    )
    problem = st.session_state.get("own points problem")
    if problem:
        st.warning(problem)
    kept = settings.get(SLOT)
    if kept:
        note = st.session_state.get("own points note") or f"{len(kept)} points."
        st.caption(note if len(kept) <= MOST_POINTS else f"{note} Too many for a link: save the settings instead.")
    elif not problem:
        st.caption("Choose a file; until then the picture stays.")


def _read() -> None:
    st.session_state.pop("own points problem", None)
    file = st.session_state["own points"]
    if file is None:
        return
    try:
        read = read_points(file.getvalue())
    except ValueError as problem:
        st.session_state["own points problem"] = sentence(str(problem))
        return
    settings.put(SLOT, tuple(map(tuple, read.points.tolist())))
    st.session_state["own points note"] = sentence(read.note) if read.note else ""
