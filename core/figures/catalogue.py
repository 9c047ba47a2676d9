"""Pictures of one solver: its order, what becomes of bell curves, and its stability region."""

import numpy as np
import plotly.graph_objects as go

from core.experiments.catalogue import WIDTHS, Card, CatalogueResult, Measured
from core.figures.convergence import order_text
from core.figures.style import (
    BLUE,
    DASHES,
    GREEN,
    MARKERS,
    NEUTRAL,
    ORANGE,
    VERMILLION,
    Style,
    log_axis,
    new_figure,
    remark,
    solver_style,
    typed,
)
from core.language import joined, mark, tr
from core.solvers import SOLVERS

AGAINST = {"steps": mark("Steps"), "tolerance": mark("Tolerance of a step")}
SHOWN_RATIO = (0.05, 20.0)  # widths beyond are drawn at the edge
_BELLS = dict(zip(WIDTHS, zip((BLUE, GREEN, ORANGE, VERMILLION), DASHES, MARKERS, strict=False), strict=True))


# --- order ------------------------------------------------------------------------------------------------------------


def order_figure(result: CatalogueResult, height: int = 420) -> go.Figure:
    """Error against steps (or evaluations), with a line of the claimed slope beside it."""
    figure = new_figure(height, legend_rows=2 * len(result.cards))
    finite = [card for card in result.cards if np.isfinite(card.measured.error).any()]
    if not finite:
        remark(figure, tr("no order to measure here"))
    for card in finite:
        measured, style = card.measured, look(result, card)
        figure.add_trace(
            go.Scatter(
                x=typed(measured.at),
                y=typed(np.where(measured.error > 0, measured.error, np.nan)),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 2.5},
                marker={"symbol": style.marker, "size": 10, "color": style.colour},
                customdata=typed(measured.nfe),
                name=f"{card.label}: {measured_text(measured)}",
                hovertemplate=tr("%{x:g}: %{y:.2e}, %{customdata} evaluations") + "<extra>" + card.label + "</extra>",
            )
        )
    if finite:
        _add_claim(figure, finite[0])
    against = finite[0].measured.against if finite else "steps"
    figure.update_layout(hovermode="closest")
    counts = np.concatenate([card.measured.at for card in finite]) if finite else np.array([1.0, 10.0])
    ticks = np.unique(counts)
    figure.update_xaxes(
        title_text=tr(AGAINST[against]),
        **({"type": "log", "tickvals": ticks.tolist()} if against == "steps" else log_axis(counts)),
        autorange=None if against == "steps" else "reversed",
    )
    figure.update_yaxes(title_text=tr("Error"), type="log", exponentformat="power", dtick=1)
    return figure


def look(result: CatalogueResult, card: Card) -> Style:
    """The solver's own look; the same solver with other options beside it is grey."""
    style = solver_style(card.name)
    again = card is not result.cards[0] and card.name == result.cards[0].name
    return Style(NEUTRAL, "dash", f"{style.marker}-open") if again else style


def _bell(width: float) -> str:
    return tr("a point") if width == 0 else tr("width {width:g}", width=width)


def measured_text(measured: Measured) -> str:
    """The measured order, or the power of the tolerance that the error follows."""
    if measured.against == "steps":
        return tr("order {order}", order=order_text(measured.order))
    power = tr("error ~ tolerance^{order:.2f}", order=float(measured.order))
    return f"{power} ± {measured.order.margin:.2f}" if measured.order.reliable else tr("{power}, unevenly", power=power)


def _add_claim(figure: go.Figure, card: Card) -> None:
    """The claimed slope through the first point."""
    measured = card.measured
    claimed = SOLVERS[card.name].claimed_order if measured.against == "steps" else -1
    if not claimed:
        return
    first = int(np.flatnonzero(np.isfinite(measured.error) & (measured.error > 0))[0])
    x = measured.at[first:]
    y = 0.5 * measured.error[first] * (x[0] / x) ** claimed
    inside = y > max(measured.floor, float(np.nanmin(measured.error)) / 100)
    figure.add_trace(
        go.Scatter(
            x=typed(x[inside]),
            y=typed(y[inside]),
            mode="lines",
            line={"color": NEUTRAL, "dash": "dot", "width": 2},
            name=tr("slope of the claimed order {claimed}", claimed=claimed)
            if claimed > 0
            else tr("in proportion to the tolerance"),
            hoverinfo="skip",
        )
    )


def alt_order(result: CatalogueResult) -> str:
    """The measured orders in words."""
    parts = []
    for card in result.cards:
        measured, info = card.measured, SOLVERS[card.name]
        parts.append(
            tr(
                "{solver}: {measured}, claimed order {claimed_order}",
                solver=card.label,
                measured=measured_text(measured),
                claimed_order=info.claimed_order,
            )
        )
    measured = result.cards[0].measured
    known = np.flatnonzero(np.isfinite(measured.error))
    if not len(known):
        return tr(
            "No error to measure for {solver} ({what}); claimed order {claimed_order}.",
            solver=result.cards[0].label,
            what=tr(measured.what),
            claimed_order=info.claimed_order,
        )
    first, last = known[0], known[-1]
    return tr(
        "Error ({what}) against {against}: {parts}. From {first:g} to {last:g} it goes from "
        "{error_first:.2g} to {error_last:.2g}.",
        what=tr(measured.what),
        against=tr(AGAINST[measured.against]).lower(),
        parts=tr(joined(parts, "; ")),
        first=measured.at[first],
        last=measured.at[last],
        error_first=measured.error[first],
        error_last=measured.error[last],
    )


# --- stability --------------------------------------------------------------------------------------------------------


def widths_figure(result: CatalogueResult, height: int = 420) -> go.Figure:
    """Width of a bell curve after the run over its true width, against evaluations, for several bell curves."""
    widths = result.cards[0].widths
    figure = new_figure(height, legend_rows=2)
    low, high = SHOWN_RATIO
    beyond: list[tuple[float, float, float]] = []
    for place, width in enumerate(WIDTHS):
        colour, dash, marker = _BELLS[width]
        ratio = widths.ratio[:, place]
        clipped = np.clip(ratio, low, high)
        beyond += [(*point,) for point in zip(widths.nfe, clipped, ratio, strict=True) if point[1] != point[2]]
        figure.add_trace(
            go.Scatter(
                x=typed(widths.nfe),
                y=typed(clipped),
                customdata=typed(ratio),
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                marker={"color": colour, "size": 9, "symbol": marker},
                name=_bell(width),
                hovertemplate=tr(
                    "%{x} evaluations: %{customdata:.4g} of the true width<extra>%{fullData.name}</extra>"
                ),
            )
        )
    _add_beyond(figure, [point for point in beyond if np.isfinite(point[2])])
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title_text=tr("Model evaluations (NFE)"), **log_axis(widths.nfe.astype(float)))
    figure.update_yaxes(
        title_text=tr("Width, over the true width"),
        type="log",
        range=np.log10([low / 1.2, 1.2 * high]),
        tickvals=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20],
        ticktext=["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"],
    )
    return figure


def _add_beyond(figure: go.Figure, points: list[tuple[float, float, float]]) -> None:
    """Arrows that point out of the picture, for widths beyond its edge: evaluations, drawn and real ratio."""
    if not points:
        return
    nfe, drawn, ratio = np.array(points).T
    figure.add_trace(
        go.Scatter(
            x=typed(nfe),
            y=typed(drawn),
            mode="markers",
            marker={
                "color": NEUTRAL,
                "size": 14,
                "symbol": ["arrow-up" if value > 1 else "arrow-down" for value in ratio],
            },
            name=tr("beyond the picture"),
            hoverinfo="skip",
        )
    )


def alt_widths(result: CatalogueResult) -> str:
    """From how many evaluations on each bell curve comes out right, in words."""
    widths = result.cards[0].widths
    parts = []
    for place, width in enumerate(WIDTHS):
        good = np.abs(widths.ratio[:, place] - 1) <= 0.05
        from_here = np.flatnonzero(~good)
        start = 0 if not len(from_here) else from_here[-1] + 1
        name = _bell(width)
        parts.append(
            tr("{name} from {nfe} evaluations on", name=name, nfe=widths.nfe[start])
            if start < len(good)
            else tr("{name} not within the range shown", name=name)
        )
    return tr(
        "{solver} gives bell curves their true width within 5 %: {parts}.",
        solver=result.cards[0].label,
        parts=tr(joined(parts, "; ")),
    )


def region_figure(result: CatalogueResult, height: int = 460) -> go.Figure:
    """Where a Runge-Kutta method damps (|R(z)| <= 1), and where the steps of the grid fall.

    Raises
    ------
    ValueError
        If the solver is no Runge-Kutta method.
    """
    card = result.cards[0]
    if card.region is None:
        raise ValueError(f"{card.label} is no Runge-Kutta method and has no stability region")
    region = card.region
    figure = new_figure(height, legend_rows=2)
    figure.add_trace(
        go.Contour(
            x=typed(region.re),
            y=typed(region.im),
            z=typed(np.minimum(region.size, 3)),
            contours={"start": 1, "end": 1, "size": 1, "coloring": "lines"},
            line={"width": 2.5},
            colorscale=[[0, BLUE], [1, BLUE]],
            showscale=False,
            hovertemplate="z = %{x:.2f} + %{y:.2f}i: |R| = %{z:.2f}<extra></extra>",
            name=tr("edge of the stability region, |R(z)| = 1"),
            showlegend=True,
        )
    )
    left, right = float(region.re[0]), float(region.re[-1])
    for width, products in zip(WIDTHS, region.products, strict=True):
        colour, _, marker = _BELLS[width]
        figure.add_trace(
            go.Scatter(
                x=typed(np.clip(products, left, right)),
                y=typed(np.zeros(len(products))),
                customdata=typed(products),
                mode="markers",
                marker={"color": colour, "size": 9, "symbol": marker, "opacity": 0.8},
                name=tr("steps for {what}", what=_bell(width)),
                hovertemplate="z = %{customdata:.3g}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title_text="Re z", range=[left - 0.2, right + 0.2], constrain="domain")
    figure.update_yaxes(title_text="Im z", scaleanchor="x", range=[region.im[0], region.im[-1]])
    return figure


def alt_region(result: CatalogueResult) -> str:
    """Which share of the grid's steps is stable, in words."""
    card = result.cards[0]
    if card.region is None:
        raise ValueError(f"{card.label} is no Runge-Kutta method and has no stability region")
    real = card.region.size[len(card.region.im) // 2]
    stable = card.region.re[(real <= 1 + 1e-9) & (card.region.re <= 0)]
    parts = []
    for width, products in zip(WIDTHS, card.region.products, strict=True):
        falling = products[products < 0]  # where the exact solution grows, nothing is to be damped
        if len(falling):
            inside = int((falling >= stable.min()).sum())
            parts.append(
                tr(
                    "{inside} of {count} for {what}",
                    inside=inside,
                    count=len(falling),
                    what=_bell(width),
                )
            )
    return tr(
        "Stability region of {solver}: on the real axis it reaches from {stable:.2f} to 0. Of "
        "the steps in which the exact solution shrinks, inside it are {parts}.",
        solver=card.label,
        stable=stable.min(),
        parts=tr(joined(parts, "; ")),
    )
