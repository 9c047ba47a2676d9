"""Own points from a CSV file."""

import streamlit as st

from core.data.points import MAX_POINTS, read_points
from core.experiments.links import MOST_POINTS
from core.language import joined, reason, tr
from pages.common import settings
from pages.common.compute import sentence

SLOT = "toy.points"
LARGEST = 64  # MB; the server's own limit is the same


def points() -> None:
    """An upload that sets the points, or says in one sentence why not and leaves those from before."""
    st.file_uploader(
        tr("CSV file with two columns"),
        type=["csv", "txt", "tsv"],
        key="own points",
        on_change=_read,
        max_upload_size=LARGEST,
        help=tr(
            "Two numbers a line, x and y; a header is fine. 2 to {most} points: each becomes a Gaussian.",
            most=MAX_POINTS,
        ),
    )
    problem = st.session_state.get("own points problem")
    if problem:
        st.warning(sentence(problem))
    kept = settings.get(SLOT)
    if kept:
        held = st.session_state.get("own points note")
        note = sentence(held) if held else tr("{count} points.", count=len(kept))
        many = [tr("Too many for a link: save the settings instead.")] if len(kept) > MOST_POINTS else []
        st.caption(tr(joined([note, *many])))
    elif not problem:
        st.caption(tr("Choose a file; until then the picture stays."))


def _read() -> None:
    st.session_state.pop("own points problem", None)
    file = st.session_state["own points"]
    if file is None:
        return
    try:
        read = read_points(file.getvalue())
    except ValueError as problem:
        st.session_state["own points problem"] = reason(problem)
        return
    settings.put(SLOT, tuple(map(tuple, read.points.tolist())))
    st.session_state["own points note"] = read.note
