"""How alike paths are: in the frames of their chords, in three principal components, and beside other data."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.curvature import CurvatureResult, PathShape
from core.figures.curvature import AGAINST, SHOWN_PATHS, add_band, panels, value_range
from core.figures.naming import title_of, two_digits
from core.figures.style import (
    BLUE,
    FAINT,
    NEUTRAL,
    TEXT,
    VERMILLION,
    batched,
    log_axis,
    new_panels,
    schedule_style,
    typed,
)
from core.language import joined, mark, tr

TURNING = mark("Turning κ × length of the path (radians)")


def frame_figure(result: CurvatureResult) -> go.Figure:
    """Every path in the frame of its own chord, laid over each other, one panel a schedule, with their mean.

    Across: the share of the way along the chord, noise to data. Up: the deviation from it in the direction in which it
    is greatest; dotted, the mean of what leaves that plane.
    """
    rows, columns = panels(result)
    titles = [
        tr("{title}:<br>{unlikeness}", title=tr(shape.title), unlikeness=_unlikeness(shape)) for shape in result.shapes
    ]
    figure = new_panels(
        rows,
        columns,
        170 + 330 * rows,
        top=70,
        bottom=86,
        subplot_titles=titles,
        horizontal_spacing=0.08,
        vertical_spacing=0.25,
    )
    for i, shape in enumerate(result.shapes):
        style, place = schedule_style(shape.schedule), {"row": i // columns + 1, "col": i % columns + 1}
        told = np.isfinite(shape.height).all(axis=0)
        drawn = np.flatnonzero(told)[:SHOWN_PATHS]
        mean = {name: getattr(shape, name)[:, told].mean(axis=1) for name in ("along", "height", "aside") if told.any()}
        lines = [
            (tr("one path"), batched(shape.along[:, drawn]), batched(shape.height[:, drawn]), {"width": 1}, 0.45),
            *(((tr("mean"), mean["along"], mean["height"], {"width": 3.5}, 1.0),) if mean else ()),
        ]
        if shape.torsion is not None and mean:
            lines.append(
                (tr("mean of what leaves this plane"), mean["along"], mean["aside"], {"width": 2, "dash": "dot"}, 1)
            )
        for name, x, y, line, opacity in lines:
            figure.add_trace(
                go.Scatter(
                    x=typed(x),
                    y=typed(y),
                    mode="lines",
                    line={"color": style.colour} | line,
                    opacity=opacity,
                    name=name,
                    showlegend=False,
                    hoverinfo="skip",
                ),
                **place,
            )
        figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1, "dash": "dot"}, **place)
        figure.update_xaxes(range=[-0.1, 1.15], **place)
        figure.update_yaxes(range=_heights(shape.height[:, told]), **place)
    for name, line in ((tr("one path"), {"width": 1}), (tr("mean"), {"width": 3.5})):
        _key(figure, name, line)
    if result.shapes[0].torsion is not None:
        _key(figure, tr("mean of what leaves this plane"), {"width": 2, "dash": "dot"})
    figure.update_xaxes(title_text=tr("share of the chord, noise to data"))
    figure.update_yaxes(title_text=tr("height / chord"), col=1)
    figure.update_annotations(font={"size": TEXT})
    return figure


def _key(figure: go.Figure, name: str, line: dict) -> None:
    figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", line={"color": NEUTRAL} | line, name=name))


def _heights(height: np.ndarray) -> list[float]:
    """The usual paths and the mean: a few whose chord is short beside their bow would flatten all others."""
    if not height.size:
        return [-0.1, 1.0]
    mean = height.mean(axis=1)
    low = min(np.quantile(height.min(axis=0), 0.1), mean.min())
    high = max(np.quantile(height.max(axis=0), 0.9), mean.max())
    room = 0.15 * (high - low) or 0.1
    return [float(low - room), float(high + room)]


def _unlikeness(shape: PathShape) -> str:
    spread, form = shape.unlikeness
    return (
        tr("spread {spread}, of form {form}", spread=two_digits(spread), form=two_digits(form))
        if np.isfinite(spread)
        else tr("nothing to compare")
    )


def alt_frame(result: CurvatureResult) -> str:
    """How high the bows are and how alike, in words."""
    parts = [
        tr(
            "{title}: median height {median:.2%}, {unlikeness}",
            title=tr(s.title),
            median=np.nanmedian(s.deviation),
            unlikeness=_unlikeness(s),
        )
        for s in result.shapes
    ]
    return tr(
        "Paths of {particles} particles over their chords, as shares of the chord. {parts}.",
        particles=result.spec.particles,
        parts=tr(joined(parts, "; ")),
    )


def frame_table(result: CurvatureResult) -> pd.DataFrame:
    """Deviation from the chord and its spread, and what leaves the plane, by schedule and data."""
    return pd.DataFrame([_frame_row(shape, title) for shape, title in _both(result)])


def _frame_row(shape: PathShape, data: str) -> dict:
    with np.errstate(invalid="ignore"):  # a straight path has neither
        leaves = np.where(shape.deviation > 0, shape.aside.max(axis=0) / shape.deviation, np.nan)
    low, middle, high = np.nanquantile(shape.deviation, (0.1, 0.5, 0.9))
    shares = shape.shares.cumsum(axis=1)
    return {
        "Data": data,
        "Schedule": tr(shape.title),
        "Greatest distance from the chord, median": middle,
        "10 %": low,
        "90 %": high,
        "Out of its plane, share of that, median": np.nanmedian(leaves) if np.isfinite(leaves).any() else np.nan,
        "Spread of heights": shape.unlikeness[0],
        "Spread of form": shape.unlikeness[1],
        "Variance in one component": shares[:, 0].mean(),
        "In two": shares[:, 1].mean(),
        "In three": shares[:, 2].mean(),
        "In three, least": shares[:, 2].min(),
    }


def _both(result: CurvatureResult) -> list[tuple[PathShape, str]]:
    other = result.spec.other
    rows = [(shape, title_of(result.spec.data)) for shape in result.shapes]
    return rows + [(shape, title_of(other.data)) for shape in result.beside]


def space_figure(result: CurvatureResult) -> go.Figure:
    """Each path in its own three leading principal components, one scene a schedule.

    Every axis has a scale of its own: at one scale the third component could not be seen.

    Raises
    ------
    ValueError
        If the paths lie in a plane.
    """
    if result.shapes[0].torsion is None:
        raise ValueError("paths in the plane have two components; use plane_figure")
    columns = min(len(result.shapes), 2)  # a third would leave too little room for the names of the axes
    rows = -(-len(result.shapes) // columns)
    figure = new_panels(
        rows,
        columns,
        60 + 400 * rows,
        bottom=10,
        specs=np.array([{"type": "scene"} if i < len(result.shapes) else None for i in range(rows * columns)])
        .reshape(rows, columns)
        .tolist(),
        subplot_titles=[tr(shape.title) for shape in result.shapes],
        horizontal_spacing=0.02,
        vertical_spacing=0.08,
    )
    for i, shape in enumerate(result.shapes):
        style, place = schedule_style(shape.schedule), {"row": i // columns + 1, "col": i % columns + 1}
        chosen = shape.components[:, :SHOWN_PATHS]
        lines = dict(zip("xyz", (batched(chosen[:, :, k]) for k in range(3)), strict=True))
        ends = dict(zip("xyz", (typed(chosen[-1, :, k]) for k in range(3)), strict=True))
        shared = {"showlegend": False, "hoverinfo": "skip"}
        figure.add_trace(
            go.Scatter3d(
                mode="lines", line={"color": style.colour, "width": 4}, name=tr(shape.title), **lines, **shared
            ),
            **place,
        )
        marker = {"color": style.colour, "size": 4}
        figure.add_trace(go.Scatter3d(mode="markers", marker=marker, name=tr("data end"), **ends, **shared), **place)
        axes = {
            f"{letter}axis": {
                "title": {"text": f"{word}: {_percent(share)}", "font": {"size": 12, "color": NEUTRAL}},
                "showticklabels": False,
                "backgroundcolor": "rgba(0,0,0,0)",
                "gridcolor": FAINT,
                "zerolinecolor": NEUTRAL,
                "showspikes": False,
            }
            for letter, word, share in zip(
                "xyz", (tr("1st"), tr("2nd"), tr("3rd")), shape.shares.mean(axis=0), strict=True
            )
        }
        camera = {"eye": {"x": 1.6, "y": -1.85, "z": 0.95}, "center": {"x": -0.05, "y": -0.05, "z": -0.05}}
        figure.update_scenes(aspectmode="cube", camera=camera, **axes, **place)
    figure.update_annotations(font={"size": TEXT})
    return figure


def _percent(share: float) -> str:
    if share >= 0.9995:
        return f"{share:.3%}"
    return f"{share:.2%}" if share >= 5e-4 else f"{100 * share:.1g}%"


def alt_space(result: CurvatureResult) -> str:
    """The shares of the three components, in words."""
    parts = [
        f"{tr(s.title)} {tr(joined([_percent(share) for share in s.shares.mean(axis=0)], ', '))}" for s in result.shapes
    ]
    return tr(
        "Share of each path's variance along its own first three components, on average: {parts}.",
        parts=tr(joined(parts, "; ")),
    )


def beside_figure(result: CurvatureResult, against: str = "log_snr") -> go.Figure:
    """Curvature times path length of two kinds of data on one axis, one panel a schedule.

    Raises
    ------
    ValueError
        If ``against`` is not a key of ``AGAINST``, or nothing was computed to compare with.
    """
    if against not in AGAINST:
        raise ValueError(f"against must be one of {', '.join(AGAINST)}, not {against!r}")
    pairs = _pairs(result)
    if not pairs:
        raise ValueError("there is nothing to compare with; name a data set of the other kind as beside")
    columns = len(pairs) if len(pairs) <= 3 else 2
    rows = -(-len(pairs) // columns)
    figure = new_panels(
        rows,
        columns,
        170 + 330 * rows,
        top=50,
        bottom=110,
        subplot_titles=[tr(first.title) for first, _ in pairs],
        shared_yaxes=True,
        horizontal_spacing=0.04,
        vertical_spacing=0.22,
    )
    titles = [title_of(data) for data in (result.spec.data, result.spec.other.data)]
    measured = [[shape.over("turning") for shape in pair] for pair in pairs]
    bottom, top = value_range([over for pair in measured for over in pair])
    looks = ((BLUE, "solid"), (VERMILLION, "dash"))
    for i, pair in enumerate(measured):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        for title, over, look in zip(titles, pair, looks, strict=True):
            add_band(figure, title, over, against, look, bottom, {"legendgroup": title, "showlegend": i == 0}, place)
    figure.update_xaxes(title_text=tr(AGAINST[against]))
    figure.update_yaxes(**log_axis(np.array([bottom, top])) | {"range": np.log10([bottom, top])})
    figure.update_yaxes(title_text=tr(TURNING), col=1)
    figure.update_annotations(font={"size": TEXT + 1})
    key = {"text": tr("Thick: median. Band: 10 to 90 %."), "side": "top", "font": {"size": 13}}
    figure.update_layout(legend={"title": key, "itemwidth": 50})
    return figure


def _pairs(result: CurvatureResult) -> list[tuple[PathShape, PathShape]]:
    others = {shape.schedule: shape for shape in result.beside}
    return [(shape, others[shape.schedule]) for shape in result.shapes if shape.schedule in others]


def alt_beside(result: CurvatureResult) -> str:
    """Where the paths of either kind turn most, in words."""
    parts = []
    for pair in _pairs(result):
        tops = []
        for shape, data in zip(pair, (result.spec.data, result.spec.other.data), strict=True):
            over = shape.over("turning")
            top = int(np.argmax(over.quantiles[1]))
            tops.append(
                tr(
                    "{data} {median:.2g} at λ = {log_snr:.1f}",
                    data=title_of(data),
                    median=over.quantiles[1][top],
                    log_snr=shape.log_snr[top],
                )
            )
        parts.append(tr("{title}: {found}", title=tr(pair[0].title), found=joined(tops, " and ")))
    return tr(
        "Curvature times path length along time, two kinds of data. Largest medians, {parts}.",
        parts=tr(joined(parts, "; ")),
    )
