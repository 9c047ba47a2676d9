"""How paths bend under several schedules."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.experiments.curvature import Along, CurvatureResult
from core.figures.style import NEUTRAL, TEXT, batched, log_axis, new_figure, new_panels, schedule_style, typed
from core.language import joined, mark, message, tr

AGAINST = {"s": mark("share of the time s, noise to data"), "log_snr": mark("λ = log(α/σ), noise to data")}
DRAWN = {  # along time, on one axis for all schedules
    "curvature": mark("Curvature κ (1 / length)"),
    "straightness_rate": mark("Uneven motion |x₁ − x₀ − dx/ds|² (squared length)"),
    "torsion": mark("Torsion τ (1 / length)"),
}
SHOWN_PATHS = 60
NONE = {
    "curvature": mark("straight"),
    "straightness_rate": mark("even"),
    "torsion": mark("none that can be told from rounding"),
}
STRAIGHT = 1e-9  # smallest number in the summary: below lies rounding, and a logarithmic axis has no 0


def curvature_figure(
    result: CurvatureResult, against: str = "s", measure: str = "curvature", height: int = 520
) -> go.Figure:
    """A measure of ``DRAWN`` along time: median, mean and the band between the 10th and the 90th percentile.

    A value of 0 has no place on a logarithmic axis: lines leave through the lower edge there. Where most particles
    have no value, lines have a gap.

    Raises
    ------
    ValueError
        If ``against`` is not a key of ``AGAINST`` or ``measure`` not one of ``DRAWN``, or if the paths do not have it.
    """
    _check(result, against, measure)
    figure = new_figure(height, legend_rows=len(result.shapes))
    measured = [shape.over(measure) for shape in result.shapes]
    bottom, top = value_range(measured)
    for shape, over in zip(result.shapes, measured, strict=True):
        style = schedule_style(shape.schedule)
        add_band(
            figure, tr(shape.title), over, against, (style.colour, style.dash), bottom, {"legendgroup": shape.title}
        )
        figure.add_trace(
            go.Scatter(
                x=typed(over.places[against]),
                y=typed(np.maximum(over.mean, bottom / 1e3)),
                mode="lines",
                line={"color": style.colour, "width": 1},
                name=tr("{title}, mean", title=tr(shape.title)),
                legendgroup=shape.title,
                showlegend=False,
                customdata=typed(over.mean),
                hovertemplate=tr("%{x:.3f}: mean %{customdata:.2e}") + "<extra>" + tr(shape.title) + "</extra>",
            )
        )
    figure.update_xaxes(title_text=tr(AGAINST[against]))
    figure.update_yaxes(title_text=tr(DRAWN[measure]), **log_axis(np.array([bottom, top])))
    figure.update_yaxes(range=np.log10([bottom, top]))
    key = {"text": tr("Thick: median. Thin: mean. Band: 10 to 90 %."), "side": "top", "font": {"size": 13}}
    figure.update_layout(legend={"title": key, "itemwidth": 50})  # long enough to show a dash and a gap
    return figure


def _check(result: CurvatureResult, against: str, measure: str) -> None:
    for name, given, known in (("against", against, AGAINST), ("measure", measure, DRAWN)):
        if given not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, not {given!r}")
    if getattr(result.shapes[0], measure) is None:
        raise ValueError("paths in the plane have no torsion; choose another measure")


def add_band(
    figure: go.Figure,
    title: str,
    over: Along,
    against: str,
    look: tuple[str, str],
    bottom: float,
    shared: dict,
    place: dict | None = None,
) -> None:
    """The band between the outer quantiles and the median as a thick line, in a colour and a dash."""
    (colour, dash), place, x = look, place or {}, over.places[against]
    low, median, high = (np.maximum(q, bottom / 1e3) for q in over.quantiles)
    figure.add_trace(
        go.Scatter(
            **dict(zip("xy", _outline(x, low, high), strict=True)),
            fill="toself",
            fillcolor=_faded(colour),
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
            name=tr("{title}, 10 to 90 %", title=title),
            **shared | {"showlegend": False},
        ),
        **place,
    )
    figure.add_trace(
        go.Scatter(
            x=typed(x),
            y=typed(median),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 3},
            name=title,
            customdata=typed(over.quantiles[1]),
            hovertemplate=tr("%{x:.3f}: median %{customdata:.2e}") + "<extra>" + title + "</extra>",
            **shared,
        ),
        **place,
    )


def _outline(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A closed outline for every stretch in which the band has values, with gaps between."""
    told = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    parts: list[np.ndarray] = []
    for stretch in np.split(told, np.flatnonzero(np.diff(told) > 1) + 1):
        there = [np.stack([x[stretch], high[stretch]]), np.stack([x[stretch], low[stretch]])[:, ::-1]]
        parts += [*([np.full((2, 1), np.nan)] if parts else []), *there]
    return tuple(typed(row) for row in np.concatenate(parts, axis=1))


def value_range(measured: list[Along]) -> tuple[float, float]:
    """Seven powers of ten at most, for the usual particles: the mean leaves where a few turn on the spot."""
    bands = np.concatenate([over.quantiles.ravel() for over in measured])
    bands = bands[np.isfinite(bands) & (bands > 0)]
    if not len(bands):
        return 1e-3, 1.0
    means = np.concatenate([over.mean for over in measured])
    top = 2 * max(float(bands.max()), min(float(np.nanmax(means)), 3 * float(bands.max())))
    return max(float(np.quantile(bands, 0.02)) / 3, top / 1e7), top


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.16)"


def alt_curvature(result: CurvatureResult, measure: str = "curvature") -> str:
    """Where paths bend most under each schedule, or twist, or move unevenly; errors as for :func:`curvature_figure`."""
    _check(result, "s", measure)
    parts = []
    for shape in result.shapes:
        over = shape.over(measure)
        median = np.nan_to_num(over.quantiles[1])
        sharpest = int(np.argmax(median))
        found = message(
            "largest median {median:.2g} at λ = {place:.1f}",
            median=median[sharpest],
            place=over.places["log_snr"][sharpest],
        )
        found = found if median[sharpest] > 0 else message(NONE[measure])
        parts.append(tr("{title}: {found}", title=tr(shape.title), found=found))
    return tr(
        "{measure} of the paths of {particles} particles. {parts}.",
        measure=tr(DRAWN[measure]).split(" (")[0].split("（")[0],
        particles=result.spec.particles,
        parts=tr(joined(parts, "; ")),
    )


def panels(result: CurvatureResult) -> tuple[int, int]:
    """Rows and columns of panels, one a schedule: three stand side by side, four in a square."""
    count = len(result.shapes)
    columns = count if count <= 3 else 2
    return -(-count // columns), columns


def alt_paths(result: CurvatureResult) -> str:
    """How the paths differ by schedule, in words."""
    parts = [f"{tr(s.title)} {np.nanmedian(s.length_over_chord):.3f}" for s in result.shapes]
    return tr("Paths coloured by curvature. Median length over chord: {parts}.", parts=tr(joined(parts, ", ")))


def summary_figure(result: CurvatureResult, height: int = 430) -> go.Figure:
    """Straightness and length over chord of every particle, as boxes by schedule.

    Numbers below ``STRAIGHT``, those of a path that is straight to rounding, are drawn there.
    """
    titles = [tr("Straightness S"), tr("Length over chord − 1")]
    figure = new_panels(1, 2, height, top=60, subplot_titles=titles, horizontal_spacing=0.14)
    measured = ([s.straightness for s in result.shapes], [s.length_over_chord - 1 for s in result.shapes])
    for column, (title, columns) in enumerate(zip((tr("squared length"), None), measured, strict=True), start=1):
        drawn = [np.maximum(values, STRAIGHT) for values in columns]
        straight = any((values < STRAIGHT).any() for values in columns)
        for shape, values in zip(result.shapes, drawn, strict=True):
            style = schedule_style(shape.schedule)
            figure.add_trace(
                go.Box(
                    y=typed(values),
                    name=tr(shape.title),
                    marker={"color": style.colour, "size": 3},
                    line={"width": 1.5},
                    boxpoints="outliers",
                    showlegend=False,
                ),
                row=1,
                col=column,
            )
        words = [title, tr("at 10⁻⁹: straight") if straight else None]
        figure.update_yaxes(title_text=tr(joined(filter(None, words), ", ")), row=1, col=column, **log_axis(*drawn))
    figure.update_annotations(font={"size": TEXT + 1})
    return figure


def alt_summary(result: CurvatureResult) -> str:
    """Which schedule's paths are straightest, in words."""
    ranked = sorted(result.shapes, key=lambda shape: shape.straightness.mean())
    parts = [
        tr(
            "{title} {mean:.3g} (median {median:.3g})",
            title=tr(s.title),
            mean=s.straightness.mean(),
            median=np.median(s.straightness),
        )
        for s in ranked
    ]
    short = sorted(result.shapes, key=lambda shape: np.nanmedian(shape.length_over_chord))
    lengths = [f"{tr(s.title)} {np.nanmedian(s.length_over_chord):.4g}" for s in short]
    return tr(
        "Mean straightness, from the most even motion on: {parts}. Median length over chord, "
        "from the straightest line on: {lengths}.",
        parts=tr(joined(parts, ", ")),
        lengths=tr(joined(lengths, ", ")),
    )


def summary_table(result: CurvatureResult) -> pd.DataFrame:
    """Straightness, length over chord and the share of variance in the leading components, by schedule."""
    return pd.DataFrame(
        [
            {
                "Schedule": s.title,
                "Straightness, mean": s.straightness.mean(),
                "Straightness, median": np.median(s.straightness),
                "Length over chord, mean": np.nanmean(s.length_over_chord),
                "Length over chord, median": np.nanmedian(s.length_over_chord),
                "Variance in the first component": s.shares[:, 0].mean(),
                "Variance in the first two": s.shares[:, :2].sum(axis=1).mean(),
                "Variance in the first three": s.shares.sum(axis=1).mean(),
            }
            for s in result.shapes
        ]
    )


def plane_figure(result: CurvatureResult) -> go.Figure:
    """Each path in its own two leading principal components, one panel a schedule, with their share of variance."""
    rows, columns = panels(result)
    titles = [
        tr(
            "{title}:<br>{first:.2%} + {second:.2%} of variance",
            title=tr(s.title),
            first=s.shares[:, 0].mean(),
            second=s.shares[:, 1].mean(),
        )
        for s in result.shapes
    ]
    figure = new_panels(
        rows,
        columns,
        130 + 330 * rows,
        top=70,
        subplot_titles=titles,
        horizontal_spacing=0.08,
        vertical_spacing=0.25,
    )
    for i, shape in enumerate(result.shapes):
        style, place = schedule_style(shape.schedule), {"row": i // columns + 1, "col": i % columns + 1}
        chosen = slice(0, SHOWN_PATHS)
        figure.add_trace(
            go.Scatter(
                x=batched(shape.plane[:, chosen, 0]),
                y=batched(shape.plane[:, chosen, 1]),
                mode="lines",
                line={"color": style.colour, "width": 1.8},
                name=tr(shape.title),
                showlegend=False,
                hoverinfo="skip",
            ),
            **place,
        )
        figure.add_trace(
            go.Scatter(
                x=typed(shape.plane[-1, chosen, 0]),
                y=typed(shape.plane[-1, chosen, 1]),
                mode="markers",
                marker={"color": style.colour, "symbol": style.marker, "size": 7},
                name=tr("data end"),
                showlegend=False,
                hovertemplate=tr("{title}: data end<extra></extra>", title=tr(shape.title)),
            ),
            **place,
        )
        figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1, "dash": "dot"}, **place)
        figure.update_xaxes(range=_padded(shape.plane[:, chosen, 0]), **place)
        figure.update_yaxes(range=_padded(shape.plane[:, chosen, 1]), **place)
    figure.update_xaxes(title_text=tr("first component, data end marked"))
    figure.update_yaxes(title_text=tr("second component"), col=1)
    figure.update_annotations(font={"size": TEXT})
    return figure


def _padded(values: np.ndarray) -> list[float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.05 * (high - low) or 1.0
    return [low - room, high + room]


def alt_plane(result: CurvatureResult) -> str:
    """How nearly planar the paths are, in words."""
    parts = [f"{tr(s.title)} {s.shares[:, :2].sum(axis=1).mean():.2%}" for s in result.shapes]
    return tr(
        "Share of each path's variance in its own two leading components, on average: {parts}.",
        parts=tr(joined(parts, ", ")),
    )
