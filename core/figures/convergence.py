"""Error against steps on doubly logarithmic axes, with the order measured in front of the user."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.convergence import ConvergenceResult, SolverErrors
from core.figures.images import sheet_figure
from core.figures.style import FAINT, new_figure, solver_style, typed
from core.schedules import make_schedule

AGAINST = {"steps": "Steps", "nfe": "Model evaluations (NFE)"}
MEASURES = {"rms": "RMS error", "median": "Median error"}
SHOWN_IMAGES = 8


def error_figure(
    result: ConvergenceResult, against: str = "steps", measure: str = "rms", height: int = 620
) -> go.Figure:
    """Error of each solver against steps or evaluations; the thick part of a line is where its order was measured.

    Raises
    ------
    ValueError
        If ``against`` is not a key of ``AGAINST`` or ``measure`` not one of ``MEASURES``.
    """
    if against not in AGAINST or measure not in MEASURES:
        raise ValueError(f"against must be one of {', '.join(AGAINST)} and measure one of {', '.join(MEASURES)}")
    figure = new_figure(height, legend_rows=len(result.solvers))
    for solver in result.solvers:
        _add_solver(figure, solver, getattr(solver, against), getattr(solver, measure))
    errors = np.concatenate([getattr(solver, measure) for solver in result.solvers])
    errors = errors[np.isfinite(errors) & (errors > 0)]
    low, high = (float(errors.min()), float(errors.max())) if len(errors) else (result.floor, 1.0)
    _add_diverged(figure, result, against, 2 * high)
    near = result.floor > 0 and low < 1e4 * result.floor  # a floor far below would squeeze the picture
    bottom = min(low, result.floor) / 4 if near else low / 4
    if near:
        figure.add_hrect(y0=bottom / 10, y1=result.floor, fillcolor=FAINT, line_width=0, layer="below")
        figure.add_annotation(
            text=f"below this line: {result.floor_label}",
            xref="paper",
            x=0,
            xanchor="left",
            y=np.log10(result.floor),
            yanchor="bottom",
            showarrow=False,
            font={"size": 13},
        )
    counts = np.concatenate([getattr(solver, against) for solver in result.solvers])
    figure.update_xaxes(
        title_text=AGAINST[against],
        type="log",
        tickvals=_ticks(counts),
        range=np.log10([counts.min() / 1.15, counts.max() * 1.15]),
    )
    figure.update_yaxes(
        title_text=f"{MEASURES[measure]} against the reference",
        type="log",
        range=np.log10([bottom, 4 * high]),
        exponentformat="power",
        dtick=1,
    )
    figure.update_layout(legend={"orientation": "v"}, margin={"b": 80 + 25 * len(result.solvers)})
    if not near and result.floor > 0:
        figure.add_annotation(
            text=f"floor far below, at {result.floor:.0e}",
            xref="paper",
            yref="paper",
            x=0,
            y=0,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"size": 13},
        )
    return figure


def _add_solver(figure: go.Figure, solver: SolverErrors, x: np.ndarray, y: np.ndarray) -> None:
    style = solver_style(solver.name)
    y = np.where(y > 0, y, np.nan)
    hover = "%{x:g}: %{y:.2e}<extra>" + solver.label + "</extra>"
    figure.add_trace(
        go.Scatter(
            x=typed(x),
            y=typed(y),
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 1.5},
            marker={"symbol": style.marker, "size": 9, "color": style.colour},
            name=_legend(solver),
            legendgroup=solver.label,
            hovertemplate=hover,
        )
    )
    first, last = solver.order.window
    inside = (solver.steps >= first) & (solver.steps <= last) & np.isfinite(y)
    if solver.order.reliable and inside.sum() > 1:
        figure.add_trace(
            go.Scatter(
                x=typed(x[inside]),
                y=typed(y[inside]),
                mode="lines",
                line={"color": style.colour, "width": 5},
                opacity=0.45,
                legendgroup=solver.label,
                showlegend=False,
                hoverinfo="skip",
                name=f"{solver.label}, window of the fit",
            )
        )


def _legend(solver: SolverErrors) -> str:
    return f"{solver.label}: order {order_text(solver)} (claimed {solver.claimed_order})"


def order_text(solver: SolverErrors) -> str:
    """The measured order with its margin, or that none was reached."""
    order = solver.order
    if not np.isfinite(order):
        return "not measured"
    if not order.reliable:
        return f"not reached, slope {order:.1f} at the end"
    return f"{order:.2f} ± {order.margin:.2f}"


def _add_diverged(figure: go.Figure, result: ConvergenceResult, against: str, top: float) -> None:
    """A cross at the upper edge for every run that broke off: a mark, not an error."""
    for solver in result.solvers:
        if solver.diverged.any():
            figure.add_trace(
                go.Scatter(
                    x=typed(getattr(solver, against)[solver.diverged]),
                    y=typed(np.full(int(solver.diverged.sum()), top)),
                    mode="markers",
                    marker={"symbol": "x-thin-open", "size": 12, "color": solver_style(solver.name).colour},
                    name=f"{solver.label}: diverged",
                    hovertemplate="%{x:g}: diverged<extra>" + solver.label + "</extra>",
                )
            )


def _ticks(counts: np.ndarray) -> list[int]:
    return [int(n) for n in np.unique(counts)] if len(np.unique(counts)) <= 12 else None


def alt_error(result: ConvergenceResult) -> str:
    """What the picture shows, in words."""
    parts = [f"{s.label} order {order_text(s)} (claimed {s.claimed_order})" for s in result.solvers]
    best = min(result.solvers, key=lambda s: np.nan_to_num(s.rms[-1], nan=np.inf))
    steps = int(best.steps[-1])
    least = f"With {steps} steps {best.label} errs least, {best.rms[-1]:.2g} (RMS)."
    return f"Error against steps: {'; '.join(parts)}. {least}"


def path_figure(result: ConvergenceResult, height: int = 420) -> go.Figure:
    """RMS error at every step of the runs with ``spec.path_steps`` steps, against lambda."""
    figure = new_figure(height, legend_rows=1 + len(result.solvers) // 2)
    schedule = make_schedule(result.spec.schedule)
    for solver in result.solvers:
        style = solver_style(solver.name)
        figure.add_trace(
            go.Scatter(
                x=typed(schedule.log_snr(solver.path_times)),
                y=typed(np.where(solver.path_error > 0, solver.path_error, np.nan)),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash},
                marker={"symbol": style.marker, "size": 7},
                name=solver.label,
                hovertemplate="λ = %{x:.2f}<br>error %{y:.2e}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title_text="λ = log(α/σ), noise to data")
    figure.update_yaxes(title_text="RMS error", type="log", exponentformat="power", dtick=1)
    return figure


def alt_path(result: ConvergenceResult) -> str:
    """Where along the path the error grows, in words."""
    schedule = make_schedule(result.spec.schedule)
    parts = []
    for solver in result.solvers:
        if len(solver.path_error) > 1:
            step = int(np.nanargmax(np.diff(solver.path_error)))
            where = float(schedule.log_snr(float(solver.path_times[step + 1])))
            parts.append(f"{solver.label} near λ = {where:.1f}, ending at {solver.path_error[-1]:.2g}")
    return f"With {result.spec.path_steps} steps most of the error arises: {'; '.join(parts)}."


def order_table(result: ConvergenceResult) -> pd.DataFrame:
    """Each solver's measured order with its evidence, beside the tested and the claimed one."""
    return pd.DataFrame(
        [
            {
                "Solver": s.label,
                "Measured order": round(float(s.order), 2) if np.isfinite(s.order) else None,
                "± (95 %)": round(s.order.margin, 2) if np.isfinite(s.order.margin) else None,
                "Window (steps)": f"{s.order.window[0]:g} to {s.order.window[1]:g}" if np.isfinite(s.order) else "none",
                "Order reached": "yes" if s.order.reliable else "no",
                "Claimed": s.claimed_order,
                "In our tests": s.expected_order,
                "How the window was chosen, and what is known": ". ".join(filter(None, (s.order.reason, s.note))),
            }
            for s in result.solvers
        ]
    )


def images_figure(result: ConvergenceResult) -> go.Figure:
    """End images of the runs with ``spec.path_steps`` steps, one row a solver, the reference first.

    Raises
    ------
    ValueError
        If the result is of 2-D data.
    """
    if not result.final_images:
        raise ValueError("end images need image data")
    shown = min(SHOWN_IMAGES, len(result.final_images["reference"]))
    rows, labels = [list(result.final_images["reference"][:shown])], [f"<b>Reference</b> ({result.reference_label})"]
    for solver in result.solvers:
        rows.append(list(result.final_images[solver.label][:shown]))
        ended = solver.path_error[-1] if len(solver.path_times) == result.spec.path_steps + 1 else np.nan
        labels.append(f"<b>{solver.label}</b>, " + (f"RMS error {ended:.2g}" if np.isfinite(ended) else "diverged"))
    return sheet_figure(rows, labels, [f"noise {i + 1}" for i in range(shown)], "", "the same noise in each column")


def alt_images(result: ConvergenceResult) -> str:
    """What the end images show, in words."""
    errors = [f"{s.label} {s.path_error[-1]:.2g}" for s in result.solvers]
    return f"End images after {result.spec.path_steps} steps beside the reference; RMS errors: {', '.join(errors)}."
