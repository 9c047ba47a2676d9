"""Data encoded and decoded: the error of the round trip against steps, where latents lie, and what came back."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.analysis import FittedOrder, convergence_order
from core.analysis.inversion import Latent
from core.experiments.inversion import InversionResult, SolverTrips
from core.figures.convergence import order_text
from core.figures.style import DASHES, NEUTRAL, Style, log_axis, new_figure, new_panels, remark, solver_style, typed
from core.figures.tiles import sheet_figure
from core.language import joined, mark, tr

MEASURES = {
    "rms": mark("There and back"),
    "median": mark("There and back, median"),
    "latent_rms": mark("The latent alone"),
}
AXES = {
    "rms": mark("RMS of decoded − input"),
    "median": mark("Median of |decoded − input|"),
    "latent_rms": mark("RMS of latent − exact latent"),
}
WITHOUT_EXACT = 2  # of the measures above, those that need no exact latents
SHADES = "Turbo"
DARKER = 2.5  # standard deviations of a latent that fill the range of grey values
GAINS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def looks(solvers: tuple) -> list[Style]:
    """The look of each solver; one that is there again with other options keeps its colour, not dash and marker."""
    styles, seen = [], []
    for solver in solvers:
        style, again = solver_style(solver.name), seen.count(solver.name)
        if again:
            dash = DASHES[(DASHES.index(style.dash) + again) % len(DASHES)]
            style = style._replace(dash=dash, marker=f"{style.marker}-open")
        styles.append(style)
        seen.append(solver.name)
    return styles


def error_figure(result: InversionResult, measure: str = "rms", height: int = 520) -> go.Figure:
    """Error of the round trip, or of the latent alone, against steps; the order rests on the thick part.

    Raises
    ------
    ValueError
        If ``measure`` is not a key of ``MEASURES``, or asks for exact latents where there are none.
    """
    _check(result, measure)
    figure = new_figure(height, legend_rows=len(result.solvers))
    counts = np.array(result.spec.counts)
    errors = [solver.curve(result.spec.counts, measure) for solver in result.solvers]
    for solver, style, error in zip(result.solvers, looks(result.solvers), errors, strict=True):
        order = _order(result, solver, measure)
        figure.add_trace(
            go.Scatter(
                x=typed(counts),
                y=typed(np.where(error > 0, error, np.nan)),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 1.5},
                marker={"symbol": style.marker, "size": 11, "color": style.colour},
                name=tr("{solver}:<br>order {order}", solver=solver.label, order=order_text(order)),
                hovertemplate=tr("%{x} steps: %{y:.2e}") + "<extra>" + solver.label + "</extra>",
            )
        )
        inside = (counts >= order.window[0]) & (counts <= order.window[1]) & np.isfinite(error)
        if order.reliable and inside.sum() > 1:
            figure.add_trace(
                go.Scatter(
                    x=typed(counts[inside]),
                    y=typed(error[inside]),
                    mode="lines",
                    line={"color": style.colour, "width": 5},
                    opacity=0.45,
                    showlegend=False,
                    hoverinfo="skip",
                    name=tr("{solver}, window of the fit", solver=solver.label),
                )
            )
    _add_diverged(figure, result, measure)
    every = np.concatenate(errors)
    if not np.isfinite(every).any():
        remark(figure, tr("every run diverged"))
    figure.update_xaxes(
        title_text=tr("Steps, each way"),
        type="log",
        tickvals=counts.tolist(),
        ticktext=[str(count) for count in counts],
        range=np.log10([counts[0] / 1.15, counts[-1] * 1.15]),
    )
    figure.update_yaxes(title_text=tr(AXES[measure]), **log_axis(every))
    return figure


def _add_diverged(figure: go.Figure, result: InversionResult, measure: str) -> None:
    """A cross at the upper edge for every trip that broke off: a mark, not an error."""
    finite = [v for s in result.solvers for v in s.curve(result.spec.counts, measure) if np.isfinite(v)]
    for solver in result.solvers:
        lost = [trip.steps for trip in solver.trips if trip.message]
        if lost:
            figure.add_trace(
                go.Scatter(
                    x=typed(lost),
                    y=typed([2 * max(finite, default=1.0)] * len(lost)),
                    mode="markers",
                    marker={
                        "symbol": "x-thin",
                        "size": 12,
                        "line": {"color": solver_style(solver.name).colour, "width": 3},
                    },
                    name=tr("{solver}: diverged", solver=solver.label),
                    hovertemplate=tr("%{x} steps: diverged") + "<extra>" + solver.label + "</extra>",
                )
            )


def _order(result: InversionResult, solver: SolverTrips, measure: str) -> FittedOrder:
    """The result holds the orders of the RMS errors; that of the median is measured in the same way."""
    if measure == "median":
        return convergence_order(result.spec.counts, solver.curve(result.spec.counts, "median"), result.floor)
    return solver.order if measure == "rms" else solver.latent_order


def _check(result: InversionResult, measure: str) -> None:
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, not {measure!r}")
    if measure == "latent_rms" and result.exact is None:
        raise ValueError("a learned score has no exact latents to compare with")


def alt_error(result: InversionResult, measure: str = "rms") -> str:
    """What the lines show, in words; errors as for :func:`error_figure`."""
    _check(result, measure)
    parts = []
    for solver in result.solvers:
        curve = solver.curve(result.spec.counts, measure)
        order = order_text(_order(result, solver, measure))
        parts.append(
            tr(
                "{solver} from {first} to {last}, order {order}",
                solver=solver.label,
                first=_brief(curve[0]),
                last=_brief(curve[-1]),
                order=order,
            )
        )
    return tr(
        "{measure}: {axis} for {first} to {last} steps: {parts}.",
        measure=tr(MEASURES[measure]),
        axis=tr(AXES[measure]),
        first=result.spec.counts[0],
        last=result.spec.counts[-1],
        parts=tr(joined(parts, "; ")),
    )


def _brief(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else tr("diverged")


def latent_figure(result: InversionResult, solver: int = 0, height: int = 460) -> go.Figure:
    """2-D data and their latents side by side, each point in one colour in both; crosses mark where it came back.

    Raises
    ------
    ValueError
        If the result is of images.
    """
    if result.spec.data.kind != "toy":
        raise ValueError("latents in the plane need 2-D data; use strips_figure for images")
    trips = result.solvers[solver]
    start, latent = result.start, trips.latent / result.sigma
    angle = np.arctan2(start[:, 1], start[:, 0])
    titles = (tr("Data, and × where they came back"), tr("Latent / σ, with 1 and 2 standard deviations"))
    figure = new_panels(1, 2, height, top=44, bottom=40, subplot_titles=titles, horizontal_spacing=0.08)
    dots = {"color": typed(angle), "colorscale": SHADES, "size": 6, "cmin": -np.pi, "cmax": np.pi}
    for column, places, name in ((1, start, tr("data")), (2, latent, tr("latents"))):
        figure.add_trace(
            go.Scatter(
                x=typed(places[:, 0]),
                y=typed(places[:, 1]),
                mode="markers",
                marker=dots,
                name=name,
                hovertemplate="%{x:.3g}, %{y:.3g}<extra>" + name + "</extra>",
            ),
            row=1,
            col=column,
        )
    figure.add_trace(
        go.Scatter(
            x=typed(trips.decoded[:, 0]),
            y=typed(trips.decoded[:, 1]),
            mode="markers",
            marker={"symbol": "x-thin", "size": 7, "line": {"color": NEUTRAL, "width": 1.2}},
            name=tr("came back"),
            hovertemplate=tr("%{x:.3g}, %{y:.3g}<extra>came back</extra>"),
        ),
        row=1,
        col=1,
    )
    for radius in (1, 2):
        figure.add_shape(
            type="circle",
            x0=-radius,
            x1=radius,
            y0=-radius,
            y1=radius,
            line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
            row=1,
            col=2,
        )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title_text="x₁")
    figure.update_yaxes(title_text="x₂", col=1)
    for column, anchor in ((1, "x"), (2, "x2")):
        figure.update_yaxes(scaleanchor=anchor, constrain="domain", row=1, col=column)
        figure.update_xaxes(constrain="domain", row=1, col=column)
    figure.update_annotations(font={"size": 14})
    return figure


def alt_latent(result: InversionResult, solver: int = 0) -> str:
    """Where the latents lie and what came back, in words."""
    trips = result.solvers[solver]
    trip = trips.at(result.spec.steps)
    return tr(
        "{count} points and their latents by {solver} with {steps} steps. Latents have mean "
        "{mean} and variance {variance}; points came back within {rms} (RMS), half of them "
        "within {median}.",
        count=len(result.start),
        solver=trips.label,
        steps=trip.steps,
        mean=_brief(trips.statistics.mean),
        variance=_brief(trips.statistics.variance),
        rms=_brief(trip.rms),
        median=_brief(trip.median),
    )


def strips_figure(result: InversionResult, particle: int = 0) -> go.Figure:
    """One image: for each solver a strip of the input, its latent, what came back, and the difference, made visible.

    Raises
    ------
    ValueError
        If the result is of 2-D data, or there is no such image.
    """
    if result.spec.data.kind != "images":
        raise ValueError("strips need images; use latent_figure for 2-D data")
    if not 0 <= particle < len(result.start):
        raise ValueError(f"there are images 0 to {len(result.start) - 1}, not {particle}")
    start = result.start[particle]
    rows, labels = [], []
    for trips in result.solvers:
        latent, decoded = trips.latent[particle], trips.decoded[particle]
        gain = gain_of(decoded - start)
        rows.append([start, latent / (DARKER * result.sigma), decoded, gain * (decoded - start)])
        labels.append(
            tr(
                "<b>{solver}</b>, {came_back}, difference ×{gain}",
                solver=trips.label,
                came_back=_came_back(trips, particle),
                gain=gain,
            )
        )
    columns = [tr("input"), tr("latent"), tr("decoded"), tr("difference")]
    return sheet_figure(rows, labels, columns, "", tr("{steps} steps up, {steps} steps down", steps=result.spec.steps))


def gain_of(difference: np.ndarray) -> int:
    """What a difference is multiplied by so that its largest number just fits the range of grey values."""
    largest = float(np.abs(difference).max())
    room = 1 / largest if largest > 0 else 1.0  # NaN gives no gain either
    return max([gain for gain in GAINS if gain <= room], default=1)


def _came_back(trips: SolverTrips, particle: int) -> str:
    error = trips.error[particle]
    return tr("error {error}", error=f"{error:.2g}") if np.isfinite(error) else tr("diverged")


def alt_strips(result: InversionResult, particle: int = 0) -> str:
    """What the strips show, in words."""
    ends = joined([f"{trips.label} {_came_back(trips, particle)}" for trips in result.solvers], "; ")
    return tr(
        "Image {particle} of {count} encoded and decoded in {steps} steps each: {ends}. "
        "Differences are multiplied so that they can be seen.",
        particle=particle + 1,
        count=len(result.start),
        steps=result.spec.steps,
        ends=ends,
    )


def statistics_table(result: InversionResult) -> pd.DataFrame:
    """Each solver's latents beside the exact ones and what N(0, 1) would have."""
    rows = [
        _row(tr("{solver}, {steps} steps", solver=solver.label, steps=result.spec.steps), solver.statistics)
        for solver in result.solvers
    ]
    if result.exact_statistics is not None:
        rows.append(_row(tr("Exact"), result.exact_statistics))
    chance = 1 / np.sqrt(result.numbers)
    rows.append(
        {
            "Latents": tr("N(0, 1), with chance in {numbers} numbers", numbers=result.numbers),
            "Mean": f"0 ± {2 * chance:.2g}",
            "Variance": f"1 ± {2 * np.sqrt(2) * chance:.2g}",
            "Excess kurtosis": f"0 ± {2 * np.sqrt(24) * chance:.2g}",
            "Neighbours": f"0 ± {2 * chance:.2g}",
        }
    )
    return pd.DataFrame(rows)


def _row(name: str, found: Latent) -> dict[str, str]:
    values = dict(zip(("Mean", "Variance", "Excess kurtosis", "Neighbours"), found, strict=True))
    return {"Latents": name} | {
        key: f"{value:.3f}" if np.isfinite(value) else tr("diverged") for key, value in values.items()
    }


def error_table(result: InversionResult) -> pd.DataFrame:
    """One row a solver and step count."""
    return result.to_frame()
