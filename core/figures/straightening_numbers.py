"""Flows in numbers: errors by step count, where they bend, what straightness costs, and how they were learned."""

import numpy as np
import plotly.graph_objects as go

from core.analysis.distances import DISTANCES
from core.experiments.straightening import StraighteningResult
from core.figures.straightening import flow_looks, in_digits
from core.figures.style import FAINT, LABEL, NEUTRAL, log_axis, new_figure, remark, typed
from core.language import mark, tr

ERRORS = {"error": mark("Error of the solver"), "distance": mark("Distance to the data")}
COSTS = {"mismatch": mark("Noise that does not fit"), "distance": mark("Ends that are off")}
STRAIGHTEST = 1e-4  # the left end of the axis of straightness, squared length
BENDS = {"rate": mark("Straightness"), "curvature": mark("Curvature")}


def errors_figure(result: StraighteningResult, measure: str = "error", height: int = 420) -> go.Figure:
    """Error against the flow's own path, or distance to the data, against the step count.

    Raises
    ------
    ValueError
        If ``measure`` is not a key of ``ERRORS``.
    """
    if measure not in ERRORS:
        raise ValueError(f"unknown measure {measure!r}; choose one of: {', '.join(ERRORS)}")
    figure, counts = new_figure(height, legend_rows=3), result.spec.step_counts
    drawn = []
    if measure == "distance":
        floor = result.floor
        figure.add_hrect(y0=max(floor.low, 1e-12), y1=floor.high, fillcolor=FAINT, line_width=0)
        figure.add_trace(
            go.Scatter(
                x=typed(counts[:: len(counts) - 1]),
                y=typed([floor.value] * 2),
                mode="lines",
                line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
                name=tr("two sets of exact samples"),
                hovertemplate=f"{floor.value:.3g}<extra></extra>",
            )
        )
        drawn.append(np.array([floor.value]))
    for flow, look in zip(result.flows, flow_looks(result), strict=True):
        values = flow.rms if measure == "error" else np.array([one.value for one in flow.distances])
        values = np.where(values > 1e-12, values, np.nan)  # an exact step has no place on a logarithmic axis
        drawn.append(values)
        name = tr(flow.label) if np.isfinite(values).any() else tr("{flow}: exact", flow=tr(flow.label))
        figure.add_trace(
            go.Scatter(
                x=typed(counts),
                y=typed(values),
                mode="lines+markers",
                name=name,
                line={"color": look.colour, "dash": look.dash, "width": 2},
                marker={"symbol": look.marker, "size": 9},
                hovertemplate="%{x}: %{y:.3g}<extra>" + tr(flow.label) + "</extra>",
            )
        )
    title = tr("RMS error") if measure == "error" else tr(DISTANCES[result.spec.distance].title)
    figure.update_xaxes(title_text=tr("steps"), type="log", tickvals=list(counts), ticktext=list(map(str, counts)))
    figure.update_yaxes(title_text=title, **log_axis(*drawn))
    return figure


def alt_errors(result: StraighteningResult, measure: str = "error") -> str:
    """The first and the last step count in words."""
    parts = []
    for flow in result.flows:
        values = flow.rms if measure == "error" else [one.value for one in flow.distances]
        parts.append(
            tr("{flow} {first} to {last}", flow=tr(flow.label), first=in_digits(values[0]), last=in_digits(values[-1]))
        )
    return tr(
        "{measure} of {solver} from {first} to {last} steps: {listed}.",
        measure=tr(ERRORS[measure]),
        solver=result.spec.solver.label,
        first=result.spec.step_counts[0],
        last=result.spec.step_counts[-1],
        listed="; ".join(parts),
    )


def bends_figure(result: StraighteningResult, measure: str = "rate", height: int = 400) -> go.Figure:
    """Where along time each flow departs from a straight line, or how sharply it bends; noise on the left.

    Raises
    ------
    ValueError
        If ``measure`` is not a key of ``BENDS``.
    """
    if measure not in BENDS:
        raise ValueError(f"unknown measure {measure!r}; choose one of: {', '.join(BENDS)}")
    figure = new_figure(height, legend_rows=3)
    middle = (result.times[1:] + result.times[:-1]) / 2
    for flow, look in zip(result.flows, flow_looks(result), strict=True):
        x, y = (middle, flow.rate) if measure == "rate" else (result.times, np.median(flow.curvature, axis=1))
        figure.add_trace(
            go.Scatter(
                x=typed(x),
                y=typed(y),
                mode="lines",
                name=tr(flow.label),
                line={"color": look.colour, "dash": look.dash, "width": 2},
                hovertemplate="t = %{x:.2f}: %{y:.3g}<extra>" + tr(flow.label) + "</extra>",
            )
        )
    figure.update_xaxes(title_text=tr("t, from noise to data"), autorange="reversed")
    rate = tr("|(x₁ − x₀) − dx/ds|², mean")
    figure.update_yaxes(
        title_text=rate if measure == "rate" else tr("curvature, median (1/length)"), rangemode="tozero"
    )
    return figure


def alt_bends(result: StraighteningResult, measure: str = "rate") -> str:
    """How straight the flows are in all, in words."""
    parts = [
        tr(
            "{flow}: straightness {value}, turning {angle} radians in all",
            flow=tr(flow.label),
            value=f"{flow.straightness.mean():.2g}",
            angle=f"{flow.turning.mean():.2g}",
        )
        for flow in result.flows
    ]
    return tr("{measure} along time. {listed}.", measure=tr(BENDS[measure]), listed="; ".join(parts))


def trade_figure(result: StraighteningResult, cost: str = "mismatch", height: int = 400) -> go.Figure:
    """What straightness costs: straightness against the mismatch of the noise, or the distance of the ends to the data.

    Raises
    ------
    ValueError
        If ``cost`` is not a key of ``COSTS``.
    """
    if cost not in COSTS:
        raise ValueError(f"unknown cost {cost!r}; choose one of: {', '.join(COSTS)}")
    figure, floor = new_figure(height, legend_rows=3), result.floor
    # what is straighter stands at the edge, and its name says so: 0 has no place on a logarithmic axis
    means = [float(flow.straightness.mean()) for flow in result.flows]
    xs = [max(mean, STRAIGHTEST) for mean in means]
    if cost == "distance":
        figure.add_hrect(y0=floor.low, y1=floor.high, fillcolor=FAINT, line_width=0)
        figure.add_annotation(
            text=tr("exact samples"),
            xref="paper",
            x=0,
            y=floor.high,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"color": LABEL},
        )
    for flow, look, mean, x in zip(result.flows, flow_looks(result), means, xs, strict=True):
        name = tr("{flow}: S < 10⁻⁴", flow=tr(flow.label)) if mean < STRAIGHTEST else tr(flow.label)
        fine = flow.fine
        error = {
            "type": "data",
            "symmetric": False,
            "array": [fine.high - fine.value],
            "arrayminus": [fine.value - fine.low],
            "color": look.colour,
        }
        y = fine.value if cost == "distance" else flow.mismatch
        hover = tr("{flow}<br>mismatch {nats} nats", flow=tr(flow.label), nats=f"{flow.mismatch:.2g}")
        figure.add_trace(
            go.Scatter(
                x=[x],
                y=[y],
                mode="markers",
                name=name,
                error_y=error if cost == "distance" else None,
                marker={"symbol": look.marker, "size": 13, "color": look.colour},
                hovertemplate=hover + f"<br>S = {max(mean, 0.0):.2g}, %{{y:.3g}}<extra></extra>",
            )
        )
    if not any(np.isfinite(flow.fine.value) for flow in result.flows):
        remark(figure, tr("every path broke off"))
    figure.update_xaxes(title_text=tr("straightness S (left: straight)"), **log_axis(np.array(xs)))
    distance = tr(DISTANCES[result.spec.distance].title)
    title = tr("{distance} of its own ends", distance=distance) if cost == "distance" else tr("mismatch (nats)")
    figure.update_yaxes(title_text=title, rangemode="tozero")
    if cost == "mismatch":
        top = max([0.1, *(flow.mismatch for flow in result.flows)])
        figure.update_yaxes(range=[-0.06 * top, 1.1 * top])  # so that a marker at 0 is whole
    return figure


def alt_trade(result: StraighteningResult, cost: str = "mismatch") -> str:
    """Each flow's straightness, distance and mismatch, in words; the same whichever ``cost`` is drawn."""
    parts = [
        tr(
            "{flow}: straightness {value}, distance {distance}, mismatch {nats} nats",
            flow=tr(flow.label),
            value=f"{flow.straightness.mean():.2g}",
            distance=in_digits(flow.fine.value),
            nats=f"{flow.mismatch:.2g}",
        )
        for flow in result.flows
    ]
    return tr("{listed}. Exact samples: {floor}.", listed="; ".join(parts), floor=in_digits(result.floor.value))


def learning_figure(result: StraighteningResult, height: int = 340) -> go.Figure:
    """The loss of each training, averaged over a fiftieth of it: what is left is how much lines disagree."""
    figure, smoothed = new_figure(height, legend_rows=3), []
    for flow, look in zip(result.flows, flow_looks(result), strict=True):
        if not len(flow.losses):
            continue
        window = max(1, len(flow.losses) // 50)
        mean = flow.losses[: len(flow.losses) // window * window].reshape(-1, window).mean(axis=1)
        smoothed.append(mean)
        figure.add_trace(
            go.Scatter(
                x=typed(window * (np.arange(len(mean)) + 1)),
                y=typed(mean),
                mode="lines",
                name=tr(flow.label),
                line={"color": look.colour, "dash": look.dash, "width": 2},
                hovertemplate="%{x}: %{y:.3g}<extra>" + tr(flow.label) + "</extra>",
            )
        )
    if not smoothed:
        remark(figure, tr("nothing had to be trained"))
    figure.update_xaxes(title_text=tr("iteration"))
    figure.update_yaxes(title_text="E|ε − x₀ − u|²", **log_axis(*smoothed))
    return figure


def alt_learning(result: StraighteningResult) -> str:
    """Where the losses end, in words."""
    parts = [
        tr("{flow}: {value}", flow=tr(flow.label), value=f"{flow.losses[-len(flow.losses) // 20 :].mean():.2g}")
        for flow in result.flows
        if len(flow.losses)
    ]
    return (
        tr("Loss at the end of training. {listed}.", listed="; ".join(parts))
        if parts
        else tr("Nothing had to be trained.")
    )
