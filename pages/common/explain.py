"""Words around a picture: what to look for, what the solvers cost, and the formula for those who want it."""

from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

TEXT = 14
PICTURE = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}


def beside(stacked: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Slots for a picture and for words about it: side by side for a square picture, else the words above it.

    On a narrow screen the square picture comes first, its words below.
    """
    if stacked:
        words = st.container()
        return st.container(), words
    picture, words = st.columns([0.64, 0.36], gap="medium")
    return picture, words


def look(text: str) -> None:
    """The sentence that says what to look for."""
    with st.container(key="look"):
        st.markdown(text)


def picture(figure: go.Figure, alt: str, name: str) -> None:
    """A figure in a slot whose height is reserved, so that nothing below it jumps."""
    options = PICTURE | {"toImageButtonOptions": PICTURE["toImageButtonOptions"] | {"filename": f"solverscope-{name}"}}
    # The page's theme brings its typeface and colours to every chart, and sizes too small to read with ease.
    figure.update_xaxes(tickfont_size=13, title_font_size=TEXT).update_yaxes(tickfont_size=13, title_font_size=TEXT)
    figure.update_layout(legend_font_size=TEXT).update_annotations(font_size=TEXT)
    with st.container(key=f"picture-{name}"):
        st.plotly_chart(figure, width="stretch", key=f"chart-{name}", config=options, alt=alt)


def formula(*parts: str, title: str = "The formula") -> None:
    """Markdown with LaTeX, behind an expander."""
    with st.expander(title):
        for part in parts:
            st.markdown(part)


def notes(texts: Iterable[str]) -> None:
    """Plain remarks on how the numbers were obtained."""
    st.caption("  \n".join(dict.fromkeys(texts)))


def solver_formulas(infos: Iterable[Any]) -> None:
    """One step of each solver, with its source."""
    for info in infos:
        st.markdown(f"**{info.title}.** {info.description}")
        st.latex(info.formula)
        st.caption(f"{info.source}{'. ' + info.note if info.note else ''}")
