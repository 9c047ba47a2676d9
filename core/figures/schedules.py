"""Schedules and grids: curves, step places, and a 1-D density flowing through time."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.schedules import SchedulesResult
from core.figures.naming import title_of
from core.figures.style import ORANGE, batched, log_axis, new_figure, schedule_style, typed
from core.figures.tiles import sheet_figure
from core.language import joined, mark, message, tr
from core.schedules import SCHEDULES

QUANTITIES = {
    "alpha": (mark("Signal level α"), "linear"),
    "sigma": (mark("Noise level σ"), "linear"),
    "log_snr": (mark("Half log-SNR λ = log(α/σ)"), "linear"),
    "snr": (mark("Signal-to-noise ratio α²/σ²"), "log"),
    "f": (mark("Drift rate f = d log α/dt"), "linear"),
    "g_squared": (mark("Squared diffusion g²"), "log"),
    "t": (mark("Time t"), "linear"),
}
_DENSITY = [[0, "rgba(0, 114, 178, 0)"], [0.3, "rgba(0, 114, 178, 0.35)"], [1, "rgba(0, 114, 178, 0.95)"]]


def curves_figure(result: SchedulesResult, y: str = "alpha", x: str = "t", height: int = 420) -> go.Figure:
    """One quantity of each schedule against another; ``x`` and ``y`` are keys of ``QUANTITIES``.

    Raises
    ------
    ValueError
        On an unknown quantity.
    """
    for name in (x, y):
        if name not in QUANTITIES:
            raise ValueError(f"unknown quantity {name!r}; choose one of: {', '.join(QUANTITIES)}")
    figure = new_figure(height, legend_rows=1 + len(result.curves) // 3)
    for curve in result.curves:
        style = schedule_style(curve.name)
        figure.add_trace(
            go.Scatter(
                x=typed(_drawable(getattr(curve, x), x)),
                y=typed(_drawable(getattr(curve, y), y)),
                name=tr(curve.title),
                line={"color": style.colour, "dash": style.dash, "width": 2.5},
                hovertemplate="%{x:.4g}, %{y:.4g}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title_text=tr(QUANTITIES[x][0]), **_scale(result, x))
    figure.update_yaxes(title_text=tr(QUANTITIES[y][0]), **_scale(result, y))
    return figure


def _scale(result: SchedulesResult, name: str) -> dict:
    """Logarithmic where a level spans decades, as the noise of EDM and its time do."""
    values = [getattr(curve, name) for curve in result.curves]
    wide = name in ("sigma", "t") and max(float(v.max()) for v in values) > 2
    return log_axis(*values) if wide or QUANTITIES[name][1] == "log" else {"type": "linear"}


def _drawable(values: np.ndarray, name: str) -> np.ndarray:
    return np.where(values > 0, values, np.nan) if QUANTITIES[name][1] == "log" else values


def alt_curves(result: SchedulesResult, y: str = "alpha", x: str = "t") -> str:
    """What the curves show, in words."""
    ends = [
        tr(
            "{title} from {data:.3g} (data) to {noise:.3g} (noise)",
            title=tr(c.title),
            data=getattr(c, y)[0],
            noise=getattr(c, y)[-1],
        )
        for c in result.curves
    ]
    name = tr(QUANTITIES[x][0])
    against = name[0].lower() + name[1:]
    return tr(
        "{quantity} against {against}: {ends}.",
        quantity=tr(QUANTITIES[y][0]),
        against=against,
        ends=tr(joined(ends, "; ")),
    )


def grids_figure(result: SchedulesResult, x: str = "log_snr") -> go.Figure:
    """Where each grid puts its steps under each schedule, one row each; ``x`` is ``"log_snr"`` or ``"times"``.

    Where schedules run over different times, as EDM up to t = 80, times are drawn as a share of the first one.

    Raises
    ------
    ValueError
        On another ``x``.
    """
    if x not in ("log_snr", "times"):
        raise ValueError(f"steps are placed in log_snr or times, not {x!r}")
    figure = new_figure(130 + 46 * len(result.grids), legend_rows=0)
    share = x == "times" and max(float(places.times[0]) for places in result.grids.values()) > 2
    beside = {"x": 0, "xref": "paper", "showarrow": False, "xanchor": "left", "yanchor": "middle", "font": {"size": 13}}
    labels = []
    for row, ((schedule, _), places) in enumerate(result.grids.items()):
        colour = schedule_style(schedule).colour
        label = tr("{schedule}: {grid}", schedule=tr(SCHEDULES[schedule].title), grid=tr(places.label))
        drawn = getattr(places, x) / (places.times[0] if share else 1)
        figure.add_trace(
            go.Scatter(
                x=typed(drawn),
                y=typed(np.full(len(drawn), row)),
                mode="lines+markers",
                line={"color": colour, "width": 1},
                marker={"symbol": "line-ns-open", "size": 14, "color": colour, "line": {"width": 2}},
                name=label,
                showlegend=False,
                customdata=typed(np.column_stack([places.times, places.log_snr])),
                hovertemplate="t = %{customdata[0]:.4g}, λ = %{customdata[1]:.2f}<extra>" + label + "</extra>",
            )
        )
        labels.append({"y": row - 0.45, "text": label} | beside)
    figure.update_layout(annotations=labels)
    figure.update_yaxes(visible=False, range=[len(result.grids) - 0.5, -0.9])
    if x == "log_snr":
        figure.update_xaxes(title_text=tr("λ = log(α/σ): noise on the left, data on the right"))
    else:
        said = (
            tr("time as a share of the first, t / t_start: noise on the left, data on the right")
            if share
            else tr("time t: noise on the left, data on the right")
        )
        figure.update_xaxes(title_text=said, autorange="reversed")
    return figure


def alt_grids(result: SchedulesResult) -> str:
    """How the grids differ, in words: how much of each lies on the data side of lambda = 0."""
    shares: dict[str, list[float]] = {}
    for places in result.grids.values():
        shares.setdefault(places.label, []).append(float(np.mean(places.log_snr[1:] > 0)))
    parts = []
    for label, found in shares.items():
        low, high = f"{min(found):.0%}", f"{max(found):.0%}"
        span = low if low == high else tr("{low} to {high}", low=low, high=high)
        parts.append(f"{tr(label)} {span}")
    one = len(result.spec.schedules) == 1
    steps = result.spec.steps
    return tr(
        "Share of {steps} that end where signal exceeds noise (λ > 0), {by}: {parts}.",
        steps=message("the {steps} steps", steps=steps) if steps > 1 else message("the one step"),
        by=message("under {schedule}", schedule=tr(SCHEDULES[result.spec.schedules[0]].title))
        if one
        else message("by schedule"),
        parts=joined(parts, "; "),
    )


def slice_figure(result: SchedulesResult, height: int = 460) -> go.Figure:
    """The density of one coordinate flowing from noise (left) to data (right), with paths of the ODE on it."""
    part = result.slice
    figure = new_figure(height, legend_rows=1)
    shown = part.density / part.density.max(axis=1, keepdims=True)
    figure.add_trace(
        go.Heatmap(
            x=typed(part.log_snr),
            y=typed(part.x),
            z=(255 * np.sqrt(shown.T)).round().astype(np.uint8),
            zmin=0,
            zmax=255,
            colorscale=_DENSITY,
            showscale=False,
            zsmooth="best",
            hoverinfo="skip",
            name=tr("density"),
        )
    )
    times = np.repeat(part.log_snr[:, None], part.paths.shape[1], axis=1)
    figure.add_trace(
        go.Scatter(
            x=batched(times),
            y=batched(part.paths),
            mode="lines",
            line={"color": ORANGE, "width": 1.5},  # stands out from blue on white and on dark
            name=tr("paths of the probability-flow ODE"),
            showlegend=True,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(title_text=tr("λ = log(α/σ): noise to data"), range=[part.log_snr[0], part.log_snr[-1]])
    figure.update_yaxes(title_text=f"{tr(part.what)} / √(α² + σ²)", range=[part.x[0], part.x[-1]])
    return figure


def alt_slice(result: SchedulesResult) -> str:
    """What the slice shows, in words."""
    part = result.slice
    return tr(
        "The density of the {what} of {name} under {title}, from one bell curve at λ = "
        "{first:.1f} to the data at λ = {last:.1f}; {count} paths of the probability-flow "
        "ODE follow it and never cross.",
        what=tr(part.what),
        name=title_of(result.spec.data),
        title=tr(SCHEDULES[part.schedule].title),
        first=part.log_snr[0],
        last=part.log_snr[-1],
        count=part.paths.shape[1],
    )


def noised_figure(result: SchedulesResult) -> go.Figure:
    """One image on its way to noise, one row a schedule, at times evenly spaced over its range.

    Raises
    ------
    ValueError
        If the data are no images.
    """
    if not result.noised:
        raise ValueError("an image on its way to noise needs image data")
    rows = [list(part.images) for part in result.noised.values()]
    labels = [
        tr(
            "<b>{title}</b>, λ from {first:.1f} to {last:.1f}",
            title=tr(SCHEDULES[name].title),
            first=part.log_snr[0],
            last=part.log_snr[-1],
        ).replace("-", "−")
        for name, part in result.noised.items()
    ]
    shares = [f"{share:.0%}" for share in np.linspace(0, 1, len(rows[0]))]
    return sheet_figure(rows, labels, shares, "", tr("share of the time from data to noise"))


def alt_noised(result: SchedulesResult) -> str:
    """What the noised images show, in words."""
    halves = [f"{tr(SCHEDULES[n].title)} λ = {p.log_snr[len(p.t) // 2]:.1f}" for n, p in result.noised.items()]
    return tr(
        "One image of {name} on its way to noise; half way in time: {halves}.",
        name=title_of(result.spec.data),
        halves=tr(joined(halves, ", ")),
    )
