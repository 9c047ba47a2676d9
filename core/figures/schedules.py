"""Schedules and grids: curves, step places, and a 1-D density flowing through time."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.schedules import SchedulesResult
from core.figures.style import ORANGE, batched, log_axis, new_figure, schedule_style, typed
from core.figures.tiles import sheet_figure
from core.schedules import SCHEDULES

QUANTITIES = {
    "alpha": ("Signal level α", "linear"),
    "sigma": ("Noise level σ", "linear"),
    "log_snr": ("Half log-SNR λ = log(α/σ)", "linear"),
    "snr": ("Signal-to-noise ratio α²/σ²", "log"),
    "f": ("Drift rate f = d log α/dt", "linear"),
    "g_squared": ("Squared diffusion g²", "log"),
    "t": ("Time t", "linear"),
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
                name=curve.title,
                line={"color": style.colour, "dash": style.dash, "width": 2.5},
                hovertemplate="%{x:.4g}, %{y:.4g}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title_text=QUANTITIES[x][0], **_scale(result, x))
    figure.update_yaxes(title_text=QUANTITIES[y][0], **_scale(result, y))
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
    ends = [f"{c.title} from {getattr(c, y)[0]:.3g} (data) to {getattr(c, y)[-1]:.3g} (noise)" for c in result.curves]
    against = QUANTITIES[x][0][0].lower() + QUANTITIES[x][0][1:]
    return f"{QUANTITIES[y][0]} against {against}: {'; '.join(ends)}."


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
    for row, ((schedule, _), places) in enumerate(result.grids.items()):
        colour = schedule_style(schedule).colour
        label = f"{SCHEDULES[schedule].title}: {places.label}"
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
        figure.add_annotation(
            x=0, xref="paper", y=row - 0.45, text=label, showarrow=False, xanchor="left", yanchor="middle"
        )
    figure.update_annotations(font={"size": 13})
    figure.update_yaxes(visible=False, range=[len(result.grids) - 0.5, -0.9])
    if x == "log_snr":
        figure.update_xaxes(title_text="λ = log(α/σ): noise on the left, data on the right")
    else:
        time = "time as a share of the first, t / t_start" if share else "time t"
        figure.update_xaxes(title_text=f"{time}: noise on the left, data on the right", autorange="reversed")
    return figure


def alt_grids(result: SchedulesResult) -> str:
    """How the grids differ, in words: how much of each lies on the data side of lambda = 0."""
    shares: dict[str, list[float]] = {}
    for places in result.grids.values():
        shares.setdefault(places.label, []).append(float(np.mean(places.log_snr[1:] > 0)))
    parts = []
    for label, found in shares.items():
        low, high = f"{min(found):.0%}", f"{max(found):.0%}"
        parts.append(f"{label} {low if low == high else f'{low} to {high}'}")
    steps = f"the {result.spec.steps} steps" if result.spec.steps > 1 else "the one step"
    by = f"under {SCHEDULES[result.spec.schedules[0]].title}" if len(result.spec.schedules) == 1 else "by schedule"
    return f"Share of {steps} that end where signal exceeds noise (λ > 0), {by}: {'; '.join(parts)}."


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
            name="density",
        )
    )
    times = np.repeat(part.log_snr[:, None], part.paths.shape[1], axis=1)
    figure.add_trace(
        go.Scatter(
            x=batched(times),
            y=batched(part.paths),
            mode="lines",
            line={"color": ORANGE, "width": 1.5},  # stands out from blue on white and on dark
            name="paths of the probability-flow ODE",
            showlegend=True,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(title_text="λ = log(α/σ): noise to data", range=[part.log_snr[0], part.log_snr[-1]])
    figure.update_yaxes(title_text=f"{part.what} / √(α² + σ²)", range=[part.x[0], part.x[-1]])
    return figure


def alt_slice(result: SchedulesResult) -> str:
    """What the slice shows, in words."""
    part = result.slice
    return (
        f"The density of the {part.what} of {result.spec.data.name} under {SCHEDULES[part.schedule].title}, "
        f"from one bell curve at λ = {part.log_snr[0]:.1f} to the data at λ = {part.log_snr[-1]:.1f}; "
        f"{part.paths.shape[1]} paths of the probability-flow ODE follow it and never cross."
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
        f"<b>{SCHEDULES[name].title}</b>, λ from {part.log_snr[0]:.1f} to {part.log_snr[-1]:.1f}".replace("-", "−")
        for name, part in result.noised.items()
    ]
    shares = [f"{share:.0%}" for share in np.linspace(0, 1, len(rows[0]))]
    return sheet_figure(rows, labels, shares, "", "share of the time from data to noise")


def alt_noised(result: SchedulesResult) -> str:
    """What the noised images show, in words."""
    halves = [f"{SCHEDULES[n].title} λ = {p.log_snr[len(p.t) // 2]:.1f}" for n, p in result.noised.items()]
    return f"One image of {result.spec.data.name} on its way to noise; half way in time: {', '.join(halves)}."
