"""Words around a picture: what to look for, what the solvers cost, and the formula for those who want it."""

from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.language import tr

TEXT = 14
PICTURE = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}


def slots(stacked: bool) -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """Where to put the words before a picture, the picture, and the facts after it.

    Stacked one below the other, or, for a square picture, with all words at its side; on a narrow screen the square
    picture comes first, its words below.
    """
    if stacked:
        return st.container(), st.container(), st.container()
    picture, side = st.columns([0.64, 0.36], gap="medium")
    return side, picture, side


def look(text: str) -> None:
    """The sentence that says what to look for."""
    with st.container(key="look"):
        st.markdown(tr(text))


def picture(figure: go.Figure, alt: str, name: str, wide: bool = False) -> None:
    """A figure, its text at a readable size.

    ``wide`` is for those whose parts stand side by side: on a narrow screen they scroll within their own frame.
    """
    options = PICTURE | {"toImageButtonOptions": PICTURE["toImageButtonOptions"] | {"filename": f"solverscope-{name}"}}
    with st.container(key=f"{'wide' if wide else 'picture'}-{name}"):
        st.plotly_chart(readable(figure, 13, TEXT), width="stretch", key=f"chart-{name}", config=options, alt=tr(alt))


def readable(figure: go.Figure, ticks: int, words: int) -> go.Figure:
    """The figure with type of these sizes: the page's theme brings typeface and colours, but too small a type.

    By way of plain dictionaries: in a figure of many panels, changes take Plotly longer than making it anew.
    """
    drawn = figure.to_dict()
    layout = drawn["layout"]
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            _size(axis, "tickfont", ticks)
            _size(axis.setdefault("title", {}), "font", words)
    _size(layout.setdefault("legend", {}), "font", words)
    for annotation in layout.get("annotations", ()):
        _size(annotation, "font", words)
    layout["dragmode"] = False  # a drag scrolls the page, above all on a phone; zooming is a button above the picture
    return go.Figure(drawn)


def _size(part: dict[str, Any], font: str, size: int) -> None:
    part[font] = part.get(font, {}) | {"size": size}


def formula(*parts: str, title: str = "The formula") -> None:
    """Markdown with LaTeX, behind an expander."""
    with st.expander(tr(title)):
        for part in parts:
            st.markdown(tr(part))


def notes(texts: Iterable[str]) -> None:
    """Plain remarks on how the numbers were obtained."""
    st.caption("  \n".join(dict.fromkeys(map(tr, texts))))


def solver_formulas(infos: Iterable[Any]) -> None:
    """One step of each solver, with its source."""
    for info in infos:
        st.markdown(tr("**{solver}.** {description}", solver=info.title, description=tr(info.description)))
        st.latex(info.formula)
        st.caption(tr("{source}. {note}", source=info.source, note=tr(info.note)) if info.note else info.source)
