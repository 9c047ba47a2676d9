"""One look for all figures: colours by solver and schedule, type, and parts that read on light and dark pages."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.schedules import SCHEDULES
from core.solvers import SOLVERS

# Okabe and Ito's hues, the yellow darkened so that it reads on white; told apart under colour vision deficiencies.
BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, OLIVE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#a89a00",
)
HUES = (BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, OLIVE)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "pentagon", "star", "hexagon")
MARKERS += ("hexagram",)
NEUTRAL = "#8592a0"  # reads on white and on the dark page
LABEL = "#7a8593"  # for words that the page's theme does not colour: contrast above 3.7 on both
FAINT = "rgba(133, 146, 160, 0.25)"
TEXT = 14
_WIDE = "\u2e80-\uffef"  # Chinese signs and punctuation: as wide as two letters
_PIECE = re.compile(rf"\s*(?:[{_WIDE}]|[^\s{_WIDE}]+)[，。；：、！？）」』”]*")  # a line does not begin with these


class Style(NamedTuple):
    """How one solver or schedule is drawn, everywhere."""

    colour: str
    dash: str
    marker: str


# Those that are compared most are kept apart by hand; every other one follows from its place in the registry.
_CHOSEN = {
    "euler": Style(VERMILLION, "solid", "circle"),
    "heun": Style(OLIVE, "solid", "square"),
    "midpoint": Style(PINK, "dash", "diamond"),
    "rk4": Style(SKY, "solid", "star"),
    "ddim": Style(BLUE, "solid", "square"),
    "edm-euler": Style(SKY, "dot", "circle"),
    "edm-heun": Style(ORANGE, "solid", "triangle-up"),
    "dpm-2m": Style(OLIVE, "dash", "diamond"),
    "dpmpp-2m": Style(GREEN, "solid", "diamond"),
    "dpmpp-3m": Style(PINK, "solid", "pentagon"),
    "dpmpp-3m-as-published": Style(SKY, "dash", "cross"),
    "rk45": Style(OLIVE, "dot", "hexagon"),
    "euler-maruyama": Style(SKY, "dot", "x"),
    "ddpm": Style(PINK, "dot", "triangle-down"),
    "reference": Style(NEUTRAL, "dash", "circle-open"),
}
_SCHEDULES = {
    "vp-linear": Style(BLUE, "solid", "circle"),
    "vp-cosine": Style(VERMILLION, "dash", "square"),
    "flow": Style(GREEN, "dashdot", "x"),
    "edm": Style(ORANGE, "longdash", "cross"),
    "ve": Style(PINK, "dashdot", "triangle-up"),
    "sub-vp": Style(SKY, "dot", "diamond"),
}


def solver_style(name: str) -> Style:
    """Colour, dash and marker of a solver; the same whatever else is shown."""
    return _CHOSEN.get(name) or _FREE[[other for other in SOLVERS if other not in _CHOSEN].index(name) % len(_FREE)]


def schedule_style(name: str) -> Style:
    """Colour, dash and marker of a schedule; the same whatever else is shown."""
    return _SCHEDULES.get(name) or _by_place(list(SCHEDULES).index(name))


def _by_place(place: int) -> Style:
    # hue, dash and marker run with different periods, so that no two of the first 385 agree in all three
    return Style(HUES[place % len(HUES)], DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)])


_FREE = [look for look in map(_by_place, range(len(HUES) * len(DASHES) * len(MARKERS))) if look not in _CHOSEN.values()]


_AXIS = {
    "gridcolor": FAINT,
    "linecolor": NEUTRAL,
    "zeroline": False,
    "ticks": "outside",
    "tickcolor": NEUTRAL,
    "automargin": True,
    "title": {"standoff": 10},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"size": TEXT, "color": NEUTRAL},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(HUES),
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"font": {"size": TEXT}},
        "margin": {"l": 10, "r": 10, "t": 40, "b": 10},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
    }
)


def new_figure(height: int, title: str = "", legend_rows: int = 1) -> go.Figure:
    """An empty figure in the house style, with room below the axes for ``legend_rows`` rows of legend."""
    return go.Figure(
        layout={
            "template": TEMPLATE,
            "height": height,
            "title": {"text": title, "x": 0, "xanchor": "left", "font": {"size": TEXT + 2}},
            "margin": {"l": 10, "r": 10, "t": 44 if title else 16, "b": 62 + 24 * legend_rows},
        }
    )


def new_panels(rows: int, columns: int, height: int, top: int = 40, bottom: int = 62, **arrangement: Any) -> go.Figure:
    """Empty panels in the house style, ``top`` and ``bottom`` pixels from the edges.

    ``arrangement`` is what ``plotly.subplots.make_subplots`` takes. To merge a style into panels that stand already
    takes Plotly five times as long.
    """
    margin = {"l": 10, "r": 10, "t": top, "b": bottom}
    figure = go.Figure(layout={"template": TEMPLATE, "height": height, "margin": margin})
    return make_subplots(rows, columns, figure=figure, **arrangement)


def typed(values: np.ndarray | Sequence[float]) -> np.ndarray:
    """float32: Plotly sends typed arrays as bytes, which are a third of the size of numbers in text."""
    return np.ascontiguousarray(values, dtype=np.float32)


def batched(paths: np.ndarray) -> np.ndarray:
    """Paths (S, N) as one line with gaps, (N * (S + 1),): one trace in place of N."""
    gap = np.full((1, paths.shape[1]), np.nan)
    return typed(np.concatenate([paths, gap]).T.reshape(-1))


def log_axis(*values: np.ndarray) -> dict:
    """A logarithmic axis for positive ``values``: whole powers of ten, or 1, 2, 5 where they span less than two.

    Values that span less than half a power of ten are left to Plotly, which then labels as on a linear axis.
    """
    given = np.concatenate([np.ravel(v) for v in values]) if values else np.array([])
    given = given[np.isfinite(given) & (given > 0)]
    low, high = np.log10([given.min(), given.max()]) if len(given) else (0, 0)
    if high - low < 0.5:
        return {"type": "log", "nticks": 6}
    if high - low >= 2:
        return {"type": "log", "exponentformat": "power", "dtick": int(np.ceil((high - low) / 8))}
    powers = 10.0 ** np.arange(np.floor(low) - 1, np.ceil(high) + 1)
    ticks = np.outer(powers, [1, 2, 5]).ravel()
    return {"type": "log", "tickvals": ticks.tolist(), "ticktext": [f"{tick:.3g}" for tick in ticks]}


def remark(figure: go.Figure, text: str) -> None:
    """Plain words in the middle of a figure that has nothing to draw."""
    figure.add_annotation(text=text, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False)


def wrapped(text: str, letters: int) -> str:
    """``text`` in lines of at most ``letters`` letters; Chinese breaks between any two signs, each of two letters."""
    if not re.search(f"[{_WIDE}]", text):
        return "<br>".join(textwrap.wrap(text, letters))
    lines = [""]
    for piece in _PIECE.findall(text):
        if _width(lines[-1] + piece) > letters and lines[-1]:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return "<br>".join(lines)


def _width(text: str) -> int:
    return len(text) + len(re.findall(f"[{_WIDE}]", text))
