"""Strong and weak error against steps, side by side, with the orders claimed and measured."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis.weak import Estimate
from core.experiments.sde_orders import SamplerOrders, SdeOrdersResult
from core.figures.style import NEUTRAL, log_axis, new_panels, solver_style, typed
from core.language import joined, mark, tr

KINDS = {"strong": mark("Strong error: each path"), "weak": mark("Weak error: the law")}


def orders_figure(result: SdeOrdersResult, height: int = 480) -> go.Figure:
    """Both errors on doubly logarithmic axes; grey lines fall with order 1 and 2."""
    titles = [f"<b>{tr(title)}</b>" for title in KINDS.values()]
    height += 24 * len(result.samplers)
    figure = new_panels(1, 2, height, bottom=60, subplot_titles=titles, horizontal_spacing=0.1)
    figure.update_layout(legend={"y": -0.18 - 0.02 * len(result.samplers), "yref": "paper", "yanchor": "top"})
    for column, kind in enumerate(KINDS, start=1):
        values = []
        for one in result.samplers:
            figure.add_trace(_line(one, kind, column == 1), row=1, col=column)
            values += [estimate.value for estimate in getattr(one, kind)]
        drawn = np.abs([value for value in values if np.isfinite(value) and value != 0])
        if len(drawn):
            for order in (1, 2):
                figure.add_trace(_guide(result, order, float(drawn.max())), row=1, col=column)
            figure.update_yaxes(**log_axis(drawn), row=1, col=column)
            figure.update_yaxes(range=[np.log10(drawn.min() / 3), np.log10(drawn.max() * 3)], row=1, col=column)
        else:
            figure.add_annotation(
                text=tr("no error to show"), x=0.5, y=0.5, showarrow=False, xref="x domain", yref="y domain"
            )
    counts = list(result.spec.step_counts)
    figure.update_xaxes(type="log", title_text=tr("Steps"), tickvals=counts, ticktext=list(map(str, counts)))
    figure.update_yaxes(title_text=tr("RMS distance to the finest run"), row=1, col=1)
    figure.update_yaxes(
        title_text=tr("distance of laws") if result.exact_law else tr("difference of means"), row=1, col=2
    )
    return figure


def _line(one: SamplerOrders, kind: str, legend: bool) -> go.Scatter:
    style, estimates = solver_style(one.choice.name), getattr(one, kind)
    size = np.array([abs(estimate.value) for estimate in estimates])
    half = np.array([_half(estimate) for estimate in estimates])
    strong, weak = (_told(getattr(one, f"{name}_order"), getattr(one, f"claimed_{name}")) for name in KINDS)
    return go.Scatter(
        x=typed(one.steps),
        y=typed(np.where(size > 0, size, np.nan)),
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"symbol": style.marker, "size": 9, "color": style.colour},
        # a bar that reaches 0 has no end on a logarithmic axis: it stops just above
        error_y={
            "type": "data",
            "symmetric": False,
            "array": typed(half),
            "arrayminus": typed(np.minimum(half, 0.95 * size)),
            "color": style.colour,
            "thickness": 1,
        },
        name=tr("{solver}: strong {strong}; weak {weak}", solver=one.label, strong=strong, weak=weak),
        legendgroup=one.label,
        showlegend=legend,
        hovertemplate=tr("%{x} steps: %{y:.2e}") + "<extra>" + one.label + "</extra>",
    )


def _half(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2 if np.isfinite(estimate.high) else 0.0


def _told(order: tuple[float, float, float], claimed: float | None) -> str:
    value, low, high = order
    said = tr("none claimed") if claimed is None else tr("claims {order:g}", order=claimed)
    if not np.isfinite(value):
        return tr("not measurable here ({said})", said=said)
    return f"{value:.2f} ± {(high - low) / 2:.2f} ({said})" if high > low else f"{value:.2f} ({said})"


def _guide(result: SdeOrdersResult, order: int, top: float) -> go.Scatter:
    steps = np.array([result.spec.step_counts[0], result.spec.step_counts[-1]], dtype=float)
    return go.Scatter(
        x=typed(steps),
        y=typed(2 * top * (steps / steps[0]) ** -order),
        mode="lines",
        line={"color": NEUTRAL, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
        name=tr("order {order}", order=order),
    )


def alt_orders(result: SdeOrdersResult) -> str:
    """Orders claimed and measured, in words."""
    listed = [
        tr(
            "{solver} strong {strong}, weak {weak}",
            solver=one.label,
            strong=_told(one.strong_order, one.claimed_strong),
            weak=_told(one.weak_order, one.claimed_weak),
        )
        for one in result.samplers
    ]
    counts = result.spec.step_counts
    return tr(
        "Strong and weak error at {counts} steps. Orders: {listed}.",
        counts=joined(map(str, counts), ", "),
        listed=joined(listed, "; "),
    )


def orders_table(result: SdeOrdersResult) -> pd.DataFrame:
    """Orders claimed and measured, one row a sampler."""
    return pd.DataFrame(
        [
            {
                "Sampler": one.label,
                "Strong: claimed": "–" if one.claimed_strong is None else f"{one.claimed_strong:g}",
                "measured": _interval(one.strong_order),
                "Weak: claimed": "–" if one.claimed_weak is None else f"{one.claimed_weak:g}",
                "measured ": _interval(one.weak_order),
            }
            for one in result.samplers
        ]
    )


def _interval(order: tuple[float, float, float]) -> str:
    value, low, high = order
    if not np.isfinite(value):
        return "–"
    return f"{value:.2f} [{low:.2f}, {high:.2f}]" if high > low else tr("{value:.2f} (closed form)", value=value)
