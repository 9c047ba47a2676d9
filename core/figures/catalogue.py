"""Pictures of one solver: its order, its weights on the grid at hand, its stability, and its bell curves."""

from fractions import Fraction

import numpy as np
import plotly.graph_objects as go

from core.analysis.response import Response
from core.experiments.catalogue import WIDTHS, Card, CatalogueResult, Measured
from core.figures.convergence import order_text
from core.figures.style import (
    BLUE,
    DASHES,
    FAINT,
    GREEN,
    MARKERS,
    NEUTRAL,
    ORANGE,
    VERMILLION,
    log_axis,
    new_figure,
    remark,
    solver_style,
    typed,
)
from core.solvers import SOLVERS

AGAINST = {"steps": "Steps", "tolerance": "Tolerance of a step"}
WRITTEN_CELLS = 14  # columns whose cells still have room for a number on a narrow screen
SHOWN_RATIO = (0.05, 20.0)  # widths beyond are drawn at the edge
# opaque and pale near zero: a small weight is seen beside a large one, and the numbers read on light and dark pages
_CLEAR = "rgba(133, 146, 160, 0)"
_SIGNED = [[0, VERMILLION], [0.499, "#f4dccb"], [0.4999, _CLEAR], [0.5001, _CLEAR], [0.501, "#cfe2ee"], [1, BLUE]]
_PREDICTIONS = {"eps": "ε", "x0": "x̂₀"}
_BELLS = dict(zip(WIDTHS, zip((BLUE, GREEN, ORANGE, VERMILLION), DASHES, MARKERS, strict=False), strict=True))


# --- order ------------------------------------------------------------------------------------------------------------


def order_figure(result: CatalogueResult, height: int = 420) -> go.Figure:
    """Error against steps (or evaluations), with a line of the claimed slope beside it."""
    figure = new_figure(height, legend_rows=2 * len(result.cards))
    finite = [card for card in result.cards if np.isfinite(card.measured.error).any()]
    if not finite:
        remark(figure, "no order to measure here")
    for card in finite:
        measured, style = card.measured, solver_style(card.name)
        figure.add_trace(
            go.Scatter(
                x=typed(measured.at),
                y=typed(np.where(measured.error > 0, measured.error, np.nan)),
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 2.5},
                marker={"symbol": style.marker, "size": 10, "color": style.colour},
                customdata=typed(measured.nfe),
                name=f"{card.label}: {measured_text(measured)}",
                hovertemplate="%{x:g}: %{y:.2e}, %{customdata} evaluations<extra>" + card.label + "</extra>",
            )
        )
    if finite:
        _add_claim(figure, finite[0])
    against = finite[0].measured.against if finite else "steps"
    figure.update_layout(hovermode="closest")
    counts = np.concatenate([card.measured.at for card in finite]) if finite else np.array([1.0, 10.0])
    ticks = np.unique(counts)
    figure.update_xaxes(
        title_text=AGAINST[against],
        **({"type": "log", "tickvals": ticks.tolist()} if against == "steps" else log_axis(counts)),
        autorange=None if against == "steps" else "reversed",
    )
    figure.update_yaxes(title_text="Error", type="log", exponentformat="power", dtick=1)
    return figure


def measured_text(measured: Measured) -> str:
    """The measured order, or the power of the tolerance that the error follows."""
    if measured.against == "steps":
        return f"order {order_text(measured.order)}"
    power = f"error ~ tolerance^{float(measured.order):.2f}"
    return f"{power} ± {measured.order.margin:.2f}" if measured.order.reliable else f"{power}, unevenly"


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
            name=f"slope of the claimed order {claimed}" if claimed > 0 else "in proportion to the tolerance",
            hoverinfo="skip",
        )
    )


def alt_order(result: CatalogueResult) -> str:
    """The measured orders in words."""
    parts = []
    for card in result.cards:
        measured, info = card.measured, SOLVERS[card.name]
        parts.append(f"{card.label}: {measured_text(measured)}, claimed order {info.claimed_order}")
    measured = result.cards[0].measured
    known = np.flatnonzero(np.isfinite(measured.error))
    if not len(known):
        return f"No error to measure for {result.cards[0].label} ({measured.what}); claimed order {info.claimed_order}."
    first, last = known[0], known[-1]
    return (
        f"Error ({measured.what}) against {AGAINST[measured.against].lower()}: {'; '.join(parts)}. From "
        f"{measured.at[first]:g} to {measured.at[last]:g} it goes from {measured.error[first]:.2g} to "
        f"{measured.error[last]:.2g}."
    )


# --- weights ----------------------------------------------------------------------------------------------------------


def weights_figure(result: CatalogueResult, place: int = 0) -> go.Figure:
    """The weight of each evaluation (columns) in each step (rows), as a share of the step's whole weight.

    Raises
    ------
    ValueError
        If the solver has no weights of its own.
    """
    card = result.cards[place]
    response = _response(card)
    shares = response.shares
    steps, count = shares.shape
    figure = new_figure(170 + max(26 * steps, 90), legend_rows=0)
    limit = float(np.abs(shares).max())
    written = count <= WRITTEN_CELLS and steps <= 24
    places = np.array([one.lam for one in response.evaluations])
    figure.add_trace(
        go.Heatmap(
            x=np.arange(1, count + 1),
            y=np.arange(1, steps + 1),
            z=typed(shares),
            zmin=-limit,
            zmax=limit,
            colorscale=_SIGNED,
            xgap=2,
            ygap=2,
            text=np.where(np.abs(shares) > 1e-9, np.char.mod("%.2f", shares), "").tolist() if written else None,
            texttemplate="%{text}" if written else None,
            textfont={"size": 12},
            customdata=typed(np.broadcast_to(places, shares.shape)),
            hovertemplate="step %{y}, evaluation %{x} at λ = %{customdata:.2f}: %{z:.3f}<extra></extra>",
            colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": "share"}},
            showscale=not written,
            name=card.label,
        )
    )
    figure.update_xaxes(title_text="Evaluation, in the order made", dtick=max(1, count // 12), showgrid=False)
    figure.update_yaxes(title_text="Step", autorange="reversed", dtick=max(1, steps // 12), showgrid=False)
    return figure


def _response(card: Card) -> Response:
    if card.response is None:
        raise ValueError(f"{card.label} has no weights of its own: they depend on the particles")
    return card.response


def alt_weights(result: CatalogueResult, place: int = 0) -> str:
    """How far back a step looks and how large its weights are, in words."""
    card = result.cards[place]
    shares = _response(card).shares
    used = (np.abs(shares) > 1e-9).sum(axis=1)
    low, high = float(shares.min()), float(shares.max())
    return (
        f"Weights of {card.label} in {len(shares)} steps with {shares.shape[1]} evaluations: a step uses "
        f"{used.min()} to {used.max()} of them, with shares from {low:.2f} to {high:.2f} of the step's whole weight."
    )


def step_figure(result: CatalogueResult, step: int, height: int = 400) -> go.Figure:
    """One step (from 1): the kernel that the exact solution integrates against, and the weights in its place.

    Both are shares of the step's whole weight: the shaded curve has mean 1 over the step, the weights have sum 1 where
    a prediction that never changes is integrated exactly.

    Raises
    ------
    ValueError
        If there is no such step, or no solver with weights.
    """
    _check_step(result, step)
    figure = new_figure(height, legend_rows=1 + len(result.cards))
    first, last = result.log_snr[step - 1], result.log_snr[step]
    shown = [card for card in result.cards if card.response is not None]
    _add_kernel(figure, _response(result.cards[0]).kind, first, last)
    for place, card in enumerate(shown):
        _add_stems(figure, card, step, place, 0.012 * place * (last - first))
    figure.add_vrect(x0=first, x1=last, fillcolor=FAINT, line_width=0, layer="below")
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    kind = _PREDICTIONS[_response(result.cards[0]).kind]
    figure.update_xaxes(title_text="λ = log(α/σ): noise to data")
    figure.update_yaxes(title_text=f"Weight of {kind}, share of the step's")
    return figure


def _check_step(result: CatalogueResult, step: int) -> None:
    if not 1 <= step <= result.spec.steps:
        raise ValueError(f"steps go from 1 to {result.spec.steps}, not {step}")


def _add_kernel(figure: go.Figure, kind: str, first: float, last: float) -> None:
    lam = np.linspace(first, last, 60)
    kernel = np.exp(last - lam) if kind == "eps" else np.exp(lam - last)
    kernel *= (last - first) / np.trapezoid(kernel, lam)
    figure.add_trace(
        go.Scatter(
            x=typed(lam),
            y=typed(kernel),
            mode="lines",
            fill="tozeroy",
            fillcolor=FAINT,
            line={"color": NEUTRAL, "width": 2},
            name="how the exact step weighs each moment",
            hoverinfo="skip",
        )
    )


def _add_stems(figure: go.Figure, card: Card, step: int, place: int, shift: float) -> None:
    shares = card.response.shares[step - 1]
    used = np.flatnonzero(np.abs(shares) > 1e-9)
    lam = np.array([card.response.evaluations[e].lam for e in used]) + shift
    style = solver_style(card.name)
    x = np.column_stack([lam, lam, np.full(len(lam), np.nan)]).ravel()
    y = np.column_stack([np.zeros(len(lam)), shares[used], np.full(len(lam), np.nan)]).ravel()
    figure.add_trace(
        go.Scatter(
            x=typed(x),
            y=typed(y),
            mode="lines",
            line={"color": style.colour, "width": 4},
            name=card.label,
            showlegend=False,
            hoverinfo="skip",
        )
    )
    alone = card.response.evaluations[0].step == card.response.evaluations[-1].step or len(used) <= 6
    figure.add_trace(
        go.Scatter(
            x=typed(lam),
            y=typed(shares[used]),
            mode="markers+text" if alone else "markers",
            text=[f"{share:+.2f}".replace("-", "−") for share in shares[used]],
            textposition="middle right" if place else "middle left",
            textfont={"size": 13, "color": NEUTRAL},
            cliponaxis=False,
            marker={"color": style.colour, "size": 11, "symbol": style.marker},
            name=f"{card.label}, with {len(used)} prediction{'' if len(used) == 1 else 's'}",
            hovertemplate="λ = %{x:.2f}: %{y:.4f}<extra></extra>",
        )
    )


def alt_step(result: CatalogueResult, step: int) -> str:
    """The weights of one step in words."""
    _check_step(result, step)
    parts = []
    for card in result.cards:
        if card.response is not None:
            shares = card.response.shares[step - 1]
            used = np.flatnonzero(np.abs(shares) > 1e-9)
            told = ", ".join(f"{shares[e]:.2f} at λ = {card.response.evaluations[e].lam:.2f}" for e in used)
            parts.append(f"{card.label} weighs {told} (sum {shares.sum():.3f})")
    first, last = result.log_snr[step - 1], result.log_snr[step]
    return f"Step {step} from λ = {first:.2f} to {last:.2f}: {'; '.join(parts)}."


# --- stability --------------------------------------------------------------------------------------------------------


def widths_figure(result: CatalogueResult, height: int = 420) -> go.Figure:
    """Width of a bell curve after the run over its true width, against evaluations, for several bell curves."""
    widths = result.cards[0].widths
    figure = new_figure(height, legend_rows=2)
    low, high = SHOWN_RATIO
    for place, width in enumerate(WIDTHS):
        colour, dash, marker = _BELLS[width]
        ratio = widths.ratio[:, place]
        clipped = np.clip(ratio, low, high)
        figure.add_trace(
            go.Scatter(
                x=typed(widths.nfe),
                y=typed(clipped),
                customdata=typed(ratio),
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                marker={
                    "color": colour,
                    "size": 9,
                    "symbol": [_edge(value, marker) for value in ratio],
                },
                name="a point" if width == 0 else f"width {width:g}",
                hovertemplate="%{x} evaluations: %{customdata:.4g} of the true width<extra>%{fullData.name}</extra>",
            )
        )
    figure.add_hline(y=1, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title_text="Model evaluations (NFE)", **log_axis(widths.nfe.astype(float)))
    figure.update_yaxes(
        title_text="Width, over the true width",
        type="log",
        range=np.log10([low / 1.2, 1.2 * high]),
        tickvals=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20],
        ticktext=["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"],
    )
    return figure


def _edge(ratio: float, marker: str) -> str:
    """An arrow that points out of the picture for a width that lies beyond its edge."""
    low, high = SHOWN_RATIO
    return "arrow-up" if ratio > high else "arrow-down" if ratio < low else marker


def alt_widths(result: CatalogueResult) -> str:
    """From how many evaluations on each bell curve comes out right, in words."""
    widths = result.cards[0].widths
    parts = []
    for place, width in enumerate(WIDTHS):
        good = np.abs(widths.ratio[:, place] - 1) <= 0.05
        from_here = np.flatnonzero(~good)
        start = 0 if not len(from_here) else from_here[-1] + 1
        name = "a point" if width == 0 else f"width {width:g}"
        parts.append(
            f"{name} from {widths.nfe[start]} evaluations on"
            if start < len(good)
            else f"{name} not within the range shown"
        )
    return f"{result.cards[0].label} gives bell curves their true width within 5 %: {'; '.join(parts)}."


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
            name="edge of the stability region, |R(z)| = 1",
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
                name=f"steps for {'a point' if width == 0 else f'width {width:g}'}",
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
            parts.append(f"{inside} of {len(falling)} for {'a point' if width == 0 else f'width {width:g}'}")
    return (
        f"Stability region of {card.label}: on the real axis it reaches from {stable.min():.2f} to 0. Of the steps in "
        f"which the exact solution shrinks, inside it are {'; '.join(parts)}."
    )


# --- tableaux ---------------------------------------------------------------------------------------------------------


def tableau_latex(card: Card) -> str:
    """The Butcher tableau of a Runge-Kutta method, its numbers as fractions.

    Raises
    ------
    ValueError
        If the solver is no Runge-Kutta method.
    """
    if card.tableau is None:
        raise ValueError(f"{card.label} is no Runge-Kutta method and has no Butcher tableau")
    rows = [(_fraction(c), [_fraction(a) for a in row]) for c, row in zip(card.tableau.c, card.tableau.a, strict=True)]
    return _array(rows, [_fraction(b) for b in card.tableau.b])


def stages_latex(result: CatalogueResult, place: int, step: int) -> str:
    """A step as a tableau with numbers: where each evaluation lies in the step, and what it and the end are made of.

    Columns are the evaluations that the step uses, older ones first; each row is in shares of its own whole weight, as
    the last one is.
    """
    _check_step(result, step)
    card = result.cards[place]
    response = _response(card)
    first, last = result.log_snr[step - 1], result.log_snr[step]
    own = [e for e, one in enumerate(response.evaluations) if one.step == step - 1]
    shares = response.shares[step - 1]
    inner = {e: _stage_shares(response, e) for e in own if response.evaluations[e].lam > first + 1e-12}
    used = [e for e in range(own[-1] + 1) if any(abs(row[e]) > 1e-9 for row in (shares, *inner.values()))]
    rows = []
    for e in used:
        at = (response.evaluations[e].lam - first) / (last - first)
        rows.append((f"{round(at, 3) + 0.0:.3g}", [_three(inner[e][k]) for k in used if k < e] if e in inner else []))
    return _array(rows, [_three(shares[e]) for e in used])


def _stage_shares(response: Response, e: int) -> np.ndarray:
    weights = response.stage_weights[e]
    total = weights.sum()
    return weights / total if abs(total) > 1e-12 else weights


def _three(value: float) -> str:
    return "0" if abs(value) < 5e-4 else f"{value:.3f}"


def _fraction(value: float) -> str:
    exact = Fraction(value).limit_denominator(1000)
    if exact.denominator == 1:
        return str(exact.numerator)
    sign = "-" if exact < 0 else ""
    return rf"{sign}\tfrac{{{abs(exact.numerator)}}}{{{exact.denominator}}}"


def _array(rows: list[tuple[str, list[str]]], last: list[str]) -> str:
    width = len(last)
    lines = [" & ".join([c, *entries, *[""] * (width - len(entries))]) for c, entries in rows]
    end = " & ".join(["", *last])
    return rf"\begin{{array}}{{c|{'c' * width}}}" + r" \\ ".join(lines) + rf" \\ \hline {end} \end{{array}}"
