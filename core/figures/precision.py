"""The V of every solver: discretisation falls with the steps, rounding rises, and precision says where they meet."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.precision import PrecisionCurve, PrecisionResult
from core.figures.style import BLUE, GREEN, NEUTRAL, PINK, VERMILLION, Style, new_panels, typed, wrapped
from core.language import joined, tr

PRECISIONS = {
    "float64": Style(BLUE, "solid", "circle"),
    "float32": Style(GREEN, "solid", "square"),
    "bfloat16": Style(VERMILLION, "solid", "diamond"),
    "float16": Style(PINK, "solid", "triangle-up"),
}


def v_figure(result: PrecisionResult, height: int = 560) -> go.Figure:
    """One panel a solver: errors in each precision, predicted rounding (dotted), a star where rounding takes over."""
    labels = list(dict.fromkeys(curve.choice.label for curve in result.curves))
    titles = [wrapped(label, 30) for label in labels]
    spacing = 0.25 / (5 * len(labels))
    figure = new_panels(
        1, len(labels), height, 60, 110, shared_yaxes=True, subplot_titles=titles, horizontal_spacing=spacing
    )
    for curve in result.curves:
        column = labels.index(curve.choice.label) + 1
        for trace in _traces(curve, first=column == 1):
            figure.add_trace(trace, row=1, col=column)
    steps = np.array(result.spec.step_counts)
    numbers = np.concatenate([np.concatenate([curve.total, curve.predicted]) for curve in result.curves])
    numbers = numbers[np.isfinite(numbers) & (numbers > 0)]
    low, high = (numbers.min(), numbers.max()) if len(numbers) else (1e-16, 1.0)
    totals = np.concatenate([curve.total for curve in result.curves])
    totals = totals[np.isfinite(totals) & (totals > 0)]
    # the prediction for float64 may lie far below every error: the picture is about what was measured
    bottom = max(low, (totals.min() if len(totals) else low) / 1e4)
    figure.update_xaxes(title_text=tr("Steps"), type="log", tickvals=steps[:: -(-len(steps) // 4)].tolist())
    figure.update_yaxes(
        type="log", exponentformat="power", dtick=2, range=[float(np.log10(bottom / 3)), float(np.log10(high * 3))]
    )
    figure.update_yaxes(title_text=tr("RMS error against the reference"), row=1, col=1)
    return figure


def _traces(curve: PrecisionCurve, first: bool) -> list[go.Scatter]:
    style = PRECISIONS[curve.precision]
    shared = {"x": typed(curve.steps), "legendgroup": curve.precision}
    traces = [
        go.Scatter(
            y=typed(np.where(curve.total > 0, curve.total, np.nan)),
            mode="lines+markers",
            line={"color": style.colour, "width": 2.5},
            marker={"symbol": style.marker, "size": 8},
            name=curve.precision,
            showlegend=first,
            hovertemplate=tr("%{x} steps: %{y:.2e}") + "<extra>" + curve.precision + "</extra>",
            **shared,
        ),
        go.Scatter(
            y=typed(curve.predicted),
            mode="lines",
            line={"color": style.colour, "width": 1.5, "dash": "dot"},
            name=tr("{precision}: predicted rounding", precision=curve.precision),
            showlegend=first,
            hovertemplate=tr("%{x} steps: predicted %{y:.1e}") + "<extra>" + curve.precision + "</extra>",
            **shared,
        ),
    ]
    if curve.takeover is not None:
        place = int(np.flatnonzero(curve.steps == curve.takeover)[0])
        traces.append(
            go.Scatter(
                x=typed([curve.takeover]),
                y=typed([curve.total[place]]),
                mode="markers",
                marker={"symbol": "star", "size": 17, "color": style.colour, "line": {"color": NEUTRAL, "width": 1}},
                name=tr("{precision}: rounding takes over", precision=curve.precision),
                legendgroup=curve.precision,
                showlegend=False,
                hovertemplate=tr("rounding takes over at %{x} steps") + "<extra>" + curve.precision + "</extra>",
            )
        )
    return traces


def alt_v(result: PrecisionResult) -> str:
    """Least error and the step count at which rounding takes over, for every solver and precision, in words."""
    parts = [_said(curve) for curve in result.curves]
    return tr(
        "RMS error against steps in {precision}: {parts}.",
        precision=tr(result.spec.computed_in),
        parts=tr(joined(parts, "; ")),
    )


def _said(curve: PrecisionCurve) -> str:
    name = tr("{solver} in {precision}", solver=curve.choice.label, precision=curve.precision)
    if curve.best is None:
        return tr("{name} diverged at all {count} step counts", name=name, count=len(curve.steps))
    least = tr(
        "{name} least {error:.1e} at {steps} steps",
        name=name,
        error=curve.total[curve.best],
        steps=curve.steps[curve.best],
    )
    return (
        least
        if curve.takeover is None
        else tr("{least}, rounding takes over at {steps}", least=least, steps=curve.takeover)
    )
