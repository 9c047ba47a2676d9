"""What the scale of guidance does: samples at each scale, how sure and varied they are, what solvers make of it."""

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.guidance import AtScale, GuidanceResult
from core.figures.style import BLUE, NEUTRAL, VERMILLION, log_axis, new_figure, new_panels, solver_style, typed
from core.figures.tiles import sheet_figure
from core.language import joined, mark, message, tr

SHOWN = 8  # images of each scale
MEASURES = {"rms": mark("RMS error"), "median": mark("Median error")}
COLUMNS = 3


def stiffness_figure(result: GuidanceResult, measure: str = "rms", height: int = 500) -> go.Figure:
    """Error of each solver at the same step count against the scale; crosses at the top where a run diverged.

    Raises
    ------
    ValueError
        If ``measure`` is not a key of ``MEASURES``.
    """
    if measure not in MEASURES:
        raise ValueError(f"unknown measure {measure!r}; choose one of: {', '.join(MEASURES)}")
    figure = new_figure(height, legend_rows=2)
    scales = np.array([one.scale for one in result.scales])
    every = np.concatenate([result.errors(k, measure) for k in range(len(result.spec.solvers))])
    finite = every[np.isfinite(every) & (every > 0)]
    top = 3 * float(finite.max()) if len(finite) else 1.0
    for k, choice in enumerate(result.spec.solvers):
        look, errors = solver_style(choice.name), result.errors(k, measure)
        nfe = [int(one.nfe[k]) for one in result.scales]
        figure.add_trace(
            go.Scatter(
                x=typed(scales),
                y=typed(errors),
                mode="lines+markers",
                line={"color": look.colour, "dash": look.dash, "width": 2},
                marker={"symbol": look.marker, "size": 9},
                name=tr("{solver} ({nfe} NFE)", solver=choice.label, nfe=_range(nfe)),
                customdata=nfe,
                hovertemplate=tr("s = %{x:g}: error %{y:.3g}, %{customdata} evaluations")
                + f"<extra>{choice.label}</extra>",
            )
        )
        lost = ~np.isfinite(errors)
        if lost.any():
            figure.add_trace(
                go.Scatter(
                    x=typed(scales[lost]),
                    y=typed(np.full(int(lost.sum()), top)),
                    mode="markers",
                    marker={"symbol": "x", "size": 11, "color": look.colour},
                    name=tr("{solver}: diverged", solver=choice.label),
                    hovertemplate=tr("s = %{x:g}: diverged") + "<extra>" + choice.label + "</extra>",
                )
            )
    figure.update_xaxes(title_text=tr("Guidance scale s"))
    figure.update_yaxes(
        title_text=tr("{measure} against the reference", measure=tr(MEASURES[measure])),
        **log_axis(finite, np.array([top])),
    )
    return figure


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else tr("{low} to {high}", low=low, high=high)


def trade_figure(result: GuidanceResult, height: int = 420) -> go.Figure:
    """Above: how probable the class is at the ends. Below: how far the ends are spread."""
    scales = typed([one.scale for one in result.scales])
    judged = bool(result.judge)
    rows = 2 if judged else 1
    figure = new_panels(rows, 1, height, top=16, bottom=50, shared_xaxes=True, vertical_spacing=0.08)
    figure.update_layout(showlegend=False)
    lines = [(tr("Spread of samples"), [one.spread for one in result.scales], VERMILLION, "diamond")]
    if judged:
        lines.insert(0, (tr("Probability of the class"), [one.sure for one in result.scales], BLUE, "circle"))
    for row, (title, values, colour, marker) in enumerate(lines, start=1):
        figure.add_trace(
            go.Scatter(
                x=scales,
                y=typed(values),
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"symbol": marker, "size": 9},
                hovertemplate="s = %{x:g}: %{y:.3g}<extra>" + title + "</extra>",
                name=title,
            ),
            row=row,
            col=1,
        )
        figure.update_yaxes(title_text=title, rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title_text=tr("Guidance scale s"), row=len(lines), col=1)
    return figure


def samples_figure(result: GuidanceResult) -> go.Figure:
    """The reference's ends at each scale: points over the data for 2-D, rows of images otherwise."""
    return _sheet(result) if result.data is None else _planes(result)


def _planes(result: GuidanceResult) -> go.Figure:
    columns = min(COLUMNS, len(result.scales))
    rows = math.ceil(len(result.scales) / columns)
    figure = new_panels(
        rows,
        columns,
        100 + 250 * rows,
        bottom=70,
        subplot_titles=[_scale(one) for one in result.scales],
        horizontal_spacing=0.02,
        vertical_spacing=0.08,
    )
    reach = 1.2 * float(np.abs(np.concatenate([result.data, result.others])).max())
    drawn, rows_of, columns_of = [], [], []  # Plotly lays out anew with every addition: all at once
    for place, one in enumerate(result.scales):
        for points, colour, size, name in (
            (result.others, NEUTRAL, 3, tr("other classes")),
            (result.data, BLUE, 3, tr("the class")),
            (one.ends, VERMILLION, 5, tr("guided samples")),
        ):
            drawn.append(
                go.Scatter(
                    x=typed(points[:, 0]),
                    y=typed(points[:, 1]),
                    mode="markers",
                    marker={"size": size, "color": colour, "opacity": 0.45 if size == 3 else 0.9},
                    name=name,
                    legendgroup=name,
                    showlegend=place == 0,
                    hoverinfo="skip",
                )
            )
            rows_of.append(place // columns + 1)
            columns_of.append(place % columns + 1)
    figure.add_traces(drawn, rows_of, columns_of)
    axis = {"range": [-reach, reach], "showticklabels": False, "ticks": "", "showgrid": False}
    numbers = ["", *map(str, range(2, rows * columns + 1))]
    axes = {f"xaxis{k}": axis for k in numbers} | {f"yaxis{k}": axis | {"scaleanchor": f"x{k}"} for k in numbers}
    figure.update_layout(legend={"itemsizing": "constant"}, **axes)
    return figure


def _scale(one: AtScale, shown: str = "s = {scale:g}") -> str:
    said = shown.format(scale=one.scale)
    return tr("{scale}, diverged", scale=said) if one.message else said


def _sheet(result: GuidanceResult) -> go.Figure:
    shown = min(SHOWN, result.spec.particles)
    rows = [[one.ends[i] for i in range(shown)] for one in result.scales]
    labels = [_scale(one, "<b>s = {scale:g}</b>") for one in result.scales]
    return sheet_figure(rows, labels, [str(i + 1) for i in range(shown)], "", tr("the same noise in each column"))


def alt_stiffness(result: GuidanceResult, measure: str = "rms") -> str:
    """What the lines show, in words."""
    parts = [
        f"{choice.label} "
        + tr(joined([_told(s.scale, e) for s, e in zip(result.scales, result.errors(k, measure), strict=True)], ", "))
        for k, choice in enumerate(result.spec.solvers)
    ]
    return tr(
        "{measure} by guidance scale with {steps} steps: {parts}.",
        measure=tr(MEASURES[measure]),
        steps=result.spec.steps,
        parts=tr(joined(parts, "; ")),
    )


def _told(scale: float, error: float) -> str:
    return f"{scale:g}: {error:.2g}" if np.isfinite(error) else tr("{scale:g}: diverged", scale=scale)


def alt_trade(result: GuidanceResult) -> str:
    """How sure and how spread samples are, in words."""
    rows = [tr("s = {scale:g}: spread {spread:.2g}", scale=one.scale, spread=one.spread) for one in result.scales]
    if result.judge:
        rows = [
            tr("{row}, class probability {sure:.2f}", row=row, sure=one.sure)
            for row, one in zip(rows, result.scales, strict=True)
        ]
    return tr(
        "Samples by guidance scale towards {name}: {rows}.",
        name=tr(result.spec.class_name),
        rows=tr(joined(rows, "; ")),
    )


def alt_samples(result: GuidanceResult) -> str:
    """Which samples are drawn."""
    text = message(
        "Points over the data at guidance scales {scales}."
        if result.data is not None
        else "Rows of images from the same noise at guidance scales {scales}.",
        scales=joined([f"{one.scale:g}" for one in result.scales], ", "),
    )
    return tr(joined([text, alt_trade(result)]))


def guidance_table(result: GuidanceResult) -> pd.DataFrame:
    """One row a scale and solver."""
    return result.to_frame()
