"""Error against steps on doubly logarithmic axes, with the order measured in front of the user."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis import FittedOrder, convergence_order
from core.experiments.convergence import ConvergenceResult, SolverErrors
from core.figures.along import Line, along_figure, in_words
from core.figures.style import DASHES, FAINT, NEUTRAL, Style, log_axis, new_figure, solver_style, typed, wrapped
from core.figures.tiles import sheet_figure
from core.language import joined, mark, message, tr
from core.schedules import make_schedule

AGAINST = {
    "steps": mark("Steps"),
    "nfe": mark("Model evaluations (NFE)"),
    "ms": mark("Wall time (ms), here and now"),
}
MEASURES = {"rms": mark("RMS error"), "median": mark("Median error")}
SHOWN_IMAGES = 8
WRAP = 40  # letters in a line that a narrow screen still shows whole


def error_figure(
    result: ConvergenceResult, against: str = "steps", measure: str = "rms", height: int = 620
) -> go.Figure:
    """Error of each solver against steps, evaluations or time; the thick part of a line is what its order was read off.

    The order in the legend is that of the drawn measure, against steps. Runs that diverged have no error: crosses at
    the upper edge mark them.

    Raises
    ------
    ValueError
        If ``against`` is not a key of ``AGAINST`` or ``measure`` not one of ``MEASURES``.
    """
    _check(against, measure)
    figure = new_figure(height + 40 * max(0, len(result.solvers) - 5))  # a narrow screen takes a row a solver
    looks = _looks(result)
    for place, solver in enumerate(result.solvers):
        order = _order(result, solver, measure)
        _add_solver(figure, solver, getattr(solver, against), getattr(solver, measure), order, looks[place], place)
    errors = np.concatenate([getattr(solver, measure) for solver in result.solvers])
    errors = errors[np.isfinite(errors) & (errors > 0)]
    low, high = (float(errors.min()), float(errors.max())) if len(errors) else (result.floor or 1e-3, 1.0)
    _add_diverged(figure, result, against, 2 * high)
    near = result.floor > 0 and low < 1e4 * result.floor  # a floor far below would squeeze the picture
    bottom = min(low, result.floor) / 4 if near else low / 4
    if near:
        figure.add_hrect(y0=bottom / 10, y1=result.floor, fillcolor=FAINT, line_width=0, layer="below")
        figure.add_hline(y=result.floor, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
        _note(figure, tr("below this line: {what}", what=tr(result.floor_label)), np.log10(result.floor), "y")
    elif result.floor > 0:
        _note(
            figure,
            tr("floor far below, at {floor:.0e}: {what}", floor=result.floor, what=tr(result.floor_label)),
            0,
            "paper",
        )
    counts = np.concatenate([getattr(solver, against) for solver in result.solvers])
    figure.update_xaxes(
        title_text=tr(AGAINST[against]),
        **({"type": "log", "tickvals": _ticks(counts)} if against != "ms" else log_axis(counts)),
        range=np.log10([counts.min() / 1.15, counts.max() * 1.15]),
    )
    figure.update_yaxes(
        title_text=tr("{measure} against the reference", measure=tr(MEASURES[measure])),
        type="log",
        range=np.log10([bottom, 4 * high]),
        exponentformat="power",
        dtick=1,
    )
    # room below is made for as many rows as the width leaves; a scrolled legend would hide solvers
    figure.update_layout(margin={"b": 60}, legend={"maxheight": 460})
    return figure


def _check(against: str, measure: str) -> None:
    if against not in AGAINST or measure not in MEASURES:
        raise ValueError(
            f"against must be one of {', '.join(AGAINST)} and measure one of {', '.join(MEASURES)}, "
            f"not {against!r} and {measure!r}"
        )


def _looks(result: ConvergenceResult) -> list[Style]:
    """The look of each solver; one that is there again with other options keeps its colour, not dash and marker."""
    looks, seen = [], []
    for solver in result.solvers:
        style, again = solver_style(solver.name), seen.count(solver.name)
        if again:
            dash = DASHES[(DASHES.index(style.dash) + again) % len(DASHES)]
            style = style._replace(dash=dash, marker=f"{style.marker}-open")
        looks.append(style)
        seen.append(solver.name)
    return looks


def _order(result: ConvergenceResult, solver: SolverErrors, measure: str) -> FittedOrder:
    """The result holds the order of the RMS error; that of the median is measured in the same way."""
    return solver.order if measure == "rms" else convergence_order(solver.steps, solver.median, result.floor)


def _note(figure: go.Figure, text: str, y: float, yref: str) -> None:
    """Small print at the left edge, in lines that a narrow screen shows whole."""
    figure.add_annotation(
        text=wrapped(text, WRAP),
        align="left",
        xref="paper",
        x=0,
        xanchor="left",
        y=y,
        yref=yref,
        yanchor="bottom",
        showarrow=False,
        font={"size": 13},
    )


def _add_solver(
    figure: go.Figure,
    solver: SolverErrors,
    x: np.ndarray,
    y: np.ndarray,
    order: FittedOrder,
    style: Style,
    place: int,
) -> None:
    y = np.where(y > 0, y, np.nan)
    figure.add_trace(
        go.Scatter(
            x=typed(x),
            y=typed(y),
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 1.5},
            # later lines lie on top: smaller markers let solvers show that agree to the last digit
            marker={"symbol": style.marker, "size": 13 - place, "color": style.colour},
            name=tr(
                "{solver}:<br>order {order} (claimed {claimed_order})",
                solver=solver.label,
                order=order_text(order),
                claimed_order=solver.claimed_order,
            ),
            legendgroup=solver.label,
            hovertemplate="%{x:.3g}: %{y:.2e}<extra>" + solver.label + "</extra>",
        )
    )
    first, last = order.window
    inside = (solver.steps >= first) & (solver.steps <= last) & np.isfinite(y)
    if order.reliable and inside.sum() > 1:
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
                name=tr("{solver}, window of the fit", solver=solver.label),
            )
        )


def order_text(order: FittedOrder) -> str:
    """The measured order with its margin, or that none was reached."""
    if not np.isfinite(order):
        return tr("not measured")
    if not order.reliable:
        return tr("not reached, last slope {order:.1f}", order=round(float(order), 1) + 0.0)  # + 0.0: no slope of -0.0
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
                    marker={
                        "symbol": "x-thin",
                        "size": 12,
                        "line": {"color": solver_style(solver.name).colour, "width": 3},
                    },
                    name=tr("{solver}: diverged", solver=solver.label),
                    hovertemplate=tr("%{x:g}: diverged") + "<extra>" + solver.label + "</extra>",
                )
            )


def _ticks(counts: np.ndarray) -> list[int]:
    return [int(n) for n in np.unique(counts)] if len(np.unique(counts)) <= 12 else None


def alt_error(result: ConvergenceResult, against: str = "steps", measure: str = "rms") -> str:
    """What the picture shows, in words; arguments and errors as for :func:`error_figure`."""
    _check(against, measure)
    parts = [
        tr(
            "{solver} order {order} (claimed {claimed_order})",
            solver=s.label,
            order=order_text(_order(result, s, measure)),
            claimed_order=s.claimed_order,
        )
        for s in result.solvers
    ]
    text = message(
        "{measure} against {against}: {parts}.",
        measure=tr(MEASURES[measure]),
        against=tr(AGAINST[against]).lower().replace("nfe", "NFE"),
        parts=tr(joined(parts, "; ")),
    )
    said = [text]
    finite = [s for s in result.solvers if np.isfinite(getattr(s, measure)[-1])]
    if finite:
        best = min(finite, key=lambda s: getattr(s, measure)[-1])
        least = getattr(best, measure)[-1]
        said.append(
            message(
                "With {steps} steps {best} errs least, {least:.2g} ({measure}).",
                steps=best.steps[-1],
                best=best.label,
                least=least,
                measure=tr(MEASURES[measure]),
            )
        )
    lost = [
        tr("{solver} with {steps} steps", solver=s.label, steps=joined(map(str, s.steps[s.diverged]), ", "))
        for s in result.solvers
        if s.diverged.any()
    ]
    if lost:
        said.append(message("Diverged: {lost}.", lost=joined(lost, "; ")))
    return tr(joined(said))


def _broke_off(result: ConvergenceResult, solver: SolverErrors) -> bool:
    """Whether the run along the path ended early: its last error is then no result."""
    return len(solver.path_times) < result.spec.path_steps + 1 or not np.isfinite(solver.path_error[-1])


def path_figure(result: ConvergenceResult, height: int = 440) -> go.Figure:
    """RMS error at every step of the runs with ``spec.path_steps`` steps, against lambda."""
    return along_figure(_lines(result), height + 12 * max(0, len(result.solvers) - 5))


def alt_path(result: ConvergenceResult) -> str:
    """Where along the path the error grows, in words."""
    found = in_words(_lines(result))
    return tr(
        "With {steps} steps the error along the path grows most: {found}."
        if found
        else "With {steps} steps the error along the path was not measured.",
        steps=result.spec.path_steps,
        found=found,
    )


def _lines(result: ConvergenceResult) -> list[Line]:
    schedule = make_schedule(result.spec.schedule)
    return [
        Line(s.name, s.label, schedule.log_snr(s.path_times).numpy(), s.path_error, result.spec.path_steps)
        for s in result.solvers
    ]


def order_table(result: ConvergenceResult) -> pd.DataFrame:
    """Each solver's measured order with its evidence, beside the tested and the claimed one."""
    return pd.DataFrame(
        [
            {
                "Solver": s.label,
                "Measured order": round(float(s.order), 2) if np.isfinite(s.order) else None,
                "± (95 %)": round(s.order.margin, 2) if np.isfinite(s.order.margin) else None,
                "Window (steps)": tr("{first:g} to {last:g}", first=s.order.window[0], last=s.order.window[1])
                if np.isfinite(s.order)
                else tr("none"),
                "Order reached": tr("yes") if s.order.reliable else tr("no"),
                "Claimed": s.claimed_order,
                "In our tests": s.expected_order,
                "How the window was chosen, and what is known": tr(
                    joined(filter(None, (s.order.reason, s.note and tr(s.note))), ". ")
                ),
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
    _check_images(result)
    shown = min(SHOWN_IMAGES, len(result.final_images["reference"]))
    rows = [list(result.final_images["reference"][:shown])]
    labels = [tr("<b>Reference</b> ({kind})", kind=tr(result.reference_label))]
    for solver in result.solvers:
        rows.append(list(result.final_images[solver.label][:shown]))
        labels.append(f"<b>{solver.label}</b>, {_ended(result, solver)}")
    counts = [str(i + 1) for i in range(shown)]
    return sheet_figure(rows, labels, counts, "", tr("starting noise, the same in each column"))


def _check_images(result: ConvergenceResult) -> None:
    if not result.final_images:
        raise ValueError("end images need image data")


def _ended(result: ConvergenceResult, solver: SolverErrors) -> str:
    """How far from the reference a run ended; beside RMS the median, as one image that changed decides the RMS."""
    if _broke_off(result, solver):
        return tr("diverged")
    return tr(
        "RMS error {rms:.2g}, median {median:.2g}",
        rms=solver.path_error[-1],
        median=np.median(solver.particle_error),
    )


def alt_images(result: ConvergenceResult) -> str:
    """What the end images show, in words; errors as for :func:`images_figure`."""
    _check_images(result)
    errors = [f"{s.label} {_ended(result, s)}" for s in result.solvers]
    count = len(result.final_images["reference"])
    return tr(
        "End images of {count} starts after {steps} steps beside the reference: {errors}.",
        count=count,
        steps=result.spec.path_steps,
        errors=tr(joined(errors, "; ")),
    )
