"""Bounds beside the exact error: one panel each for horizon, step size and score error, and one for early stopping."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.bounds import SWEEPS, BoundsResult, Sweep
from core.figures.style import BLUE, GREEN, NEUTRAL, ORANGE, PINK, VERMILLION, new_figure, new_panels, typed
from core.language import joined, mark, tr

TERMS = {
    "start": (mark("start: √KL · e⁻ᵀ"), GREEN),
    "steps": (mark("steps: (L√(dh) + L m h) √T"), ORANGE),
    "score": (mark("score: ε √T"), PINK),
}
LOWEST = 1e-5


def bounds_figure(result: BoundsResult, height: int = 500) -> go.Figure:
    """The exact total variation, the bound scaled to touch it, and its three terms with every constant at 1."""
    figure = new_panels(
        1,
        3,
        height,
        bottom=60,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[f"<b>{tr(title)}</b>" for title in SWEEPS.values()],
    )
    figure.update_layout(legend={"y": -0.2, "yref": "paper", "yanchor": "top"})
    for column, sweep in enumerate(result.sweeps, start=1):
        for trace in _lines(sweep, column == 1):
            figure.add_trace(trace, row=1, col=column)
        if sweep.name != "horizon":
            figure.update_xaxes(type="log", exponentformat="power", dtick=1, row=1, col=column)
        figure.add_vline(
            x=getattr(result.spec, sweep.name) or float(sweep.values[0]),
            line={"color": NEUTRAL, "width": 1, "dash": "dot"},
            row=1,
            col=column,
        )
        figure.update_xaxes(title_text=tr(SWEEPS[sweep.name]).split()[-1], row=1, col=column)
    measured = np.concatenate([sweep.measured for sweep in result.sweeps])
    low = max(LOWEST, float(np.nanmin(measured)) / 10)
    figure.update_yaxes(type="log", exponentformat="power", dtick=1, range=[np.log10(low), np.log10(30)])
    figure.update_yaxes(title_text=tr("total variation"), row=1, col=1)
    return figure


def touching(sweep: Sweep) -> float:
    """The factor that lets the whole bound just touch the exact error from above."""
    return float(np.nanmax(sweep.measured / sweep.term("whole")))


def _lines(sweep: Sweep, legend: bool) -> list[go.Scatter]:
    lines = [
        _line(sweep.values, sweep.measured, tr("exact error"), BLUE, "solid", 3, legend),
        _line(
            sweep.values,
            touching(sweep) * sweep.term("whole"),
            tr("bound, scaled to touch"),
            VERMILLION,
            "dash",
            2,
            legend,
        ),
    ]
    lines += [
        _line(sweep.values, sweep.term(which), tr("{title}, constant 1", title=tr(title)), colour, "dot", 1.5, legend)
        for which, (title, colour) in TERMS.items()
    ]
    return lines


def _line(
    x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str, width: float, legend: bool = True
) -> go.Scatter:
    return go.Scatter(
        x=typed(x),
        y=typed(np.where(y > 0, y, np.nan)),
        mode="lines",
        line={"color": colour, "dash": dash, "width": width},
        name=name,
        legendgroup=name,
        showlegend=legend,
        hovertemplate="%{x:.3g}: %{y:.2e}<extra>" + name + "</extra>",
    )


def stopping_figure(result: BoundsResult, height: int = 400) -> go.Figure:
    """W2 from a point against the time of stopping: too late costs by itself, too early needs shorter steps."""
    figure = new_figure(height, legend_rows=2)
    figure.add_trace(_line(result.stops, result.stopped, tr("samples to the point"), BLUE, "solid", 3))
    figure.add_trace(
        _line(result.stops, result.least, tr("cost of stopping alone, √(2dδ) for small δ"), GREEN, "dash", 2)
    )
    figure.add_vline(x=result.spec.step, line={"color": NEUTRAL, "dash": "dot", "width": 1.5})
    figure.update_xaxes(type="log", title_text=tr("stopping time δ"), exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title_text=tr("2-Wasserstein distance"), exponentformat="power", dtick=1)
    return figure


def alt_bounds(result: BoundsResult) -> str:
    """What the panels show, in words."""
    parts = [
        tr(
            "over {sweep} from {low:.2g} to {high:.2g} the exact error goes from "
            "{exact_from:.2g} to {exact_to:.2g} and the bound from {bound_from:.2g} to {bound_to:.2g}",
            sweep=tr(SWEEPS[sweep.name]),
            low=sweep.values[0],
            high=sweep.values[-1],
            exact_from=sweep.measured[0],
            exact_to=sweep.measured[-1],
            bound_from=sweep.term("whole")[0],
            bound_to=sweep.term("whole")[-1],
        )
        for sweep in result.sweeps
    ]
    return tr("Total variation and its bound with constants 1: {parts}.", parts=tr(joined(parts, "; ")))


def alt_stopping(result: BoundsResult) -> str:
    """What early stopping does, in words."""
    best = int(np.nanargmin(result.stopped))
    return tr(
        "Distance of the samples from a point by time of stopping: least, {stopped:.2g}, at "
        "{stops:.2g}; {stopped2:.2g} at {stops2:.2g}, {stopped3:.2g} at {stops3:.2g}.",
        stopped=result.stopped[best],
        stops=result.stops[best],
        stopped2=result.stopped[0],
        stops2=result.stops[0],
        stopped3=result.stopped[-1],
        stops3=result.stops[-1],
    )


def stopping_table(result: BoundsResult) -> pd.DataFrame:
    """One row a time of stopping."""
    return pd.DataFrame(
        {"stopping time": result.stops, "distance of the samples": result.stopped, "of stopping alone": result.least}
    )
