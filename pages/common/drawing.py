"""A sheet on which the user draws a density; every stroke is a new data set."""

from pathlib import Path

import streamlit as st

from core.data.drawing import EXAMPLE, unpack_drawing
from core.language import reason, tr
from pages.common import settings
from pages.common.compute import sentence

SLOT = "toy.drawing"
PROBLEM = "drawing problem"
_FILES = Path(__file__).resolve().parents[2] / "assets" / "canvas"
_CANVAS = st.components.v2.component(
    "solverscope_canvas",
    html='<div class="solverscope-canvas"></div>',
    css=(_FILES / "canvas.css").read_text(),
    js="\n".join((_FILES / name).read_text() for name in ("sheet.js", "canvas.js")),
)


def sheet() -> None:
    """The sheet with its tools; what is drawn becomes the setting, an empty sheet leaves the last one."""
    shown = settings.get(SLOT) or EXAMPLE
    data = {"drawing": st.session_state.get("drawing shown", shown), "words": _words()}
    if PROBLEM in st.session_state:
        data["problem"] = sentence(st.session_state[PROBLEM])
    else:
        data["drawing"] = shown
    _CANVAS(key="canvas", data=data, on_drawing_change=_take)
    st.caption(
        tr(
            "What you draw is centred and scaled to unit variance, like every set; it is in the link, so others see it "
            "too."
        )
    )


def _take() -> None:
    text = st.session_state["canvas"].drawing
    if text is None:
        return
    try:
        unpack_drawing(text)
    except ValueError as problem:
        st.session_state[PROBLEM] = reason(problem)
        st.session_state["drawing shown"] = text
        return
    st.session_state.pop(PROBLEM, None)
    st.session_state.pop("drawing shown", None)
    settings.put(SLOT, text)


def _words() -> dict:
    return {
        "tools": tr("Tools"),
        "brush": tr("Brush"),
        "eraser": tr("Eraser"),
        "gauss": tr("Gaussians"),
        "size": tr("Size of the brush"),
        "sizes": [tr("fine"), tr("medium"), tr("broad")],
        "canvas": tr(
            "Sheet to draw on. Arrow keys move, space paints; with Gaussians: N for the next one, plus and minus for "
            "its length, less and greater for its width, R to turn it, Delete to remove it. Control and Z undoes."
        ),
        "hints": {
            "brush": tr("Paint where data shall be; paint twice for more."),
            "eraser": tr("Wipe paint away."),
            "gauss": tr("Click to add one; drag it, or its two handles."),
        },
        "undo": tr("Undo"),
        "clear": tr("Clear"),
        "remove": tr("Remove this Gaussian"),
        "weight": tr("Its weight"),
        "text": tr("A word"),
        "write": tr("Write"),
        "image": tr("A picture"),
        "plain": tr("The picture has one colour: there is nothing to draw."),
        "unreadable": tr("This file cannot be read as a picture."),
        "full": tr("A sheet holds 12 Gaussians at most."),
    }
