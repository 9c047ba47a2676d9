"""A solver's weights: all of a grid, one step beside the exact kernel, and tableaux in formula."""

from fractions import Fraction

import numpy as np
import plotly.graph_objects as go

from core.analysis.response import Response
from core.experiments.catalogue import Card, CatalogueResult
from core.figures.catalogue import look
from core.figures.style import BLUE, FAINT, NEUTRAL, VERMILLION, Style, new_figure, typed
from core.language import joined, tr

WRITTEN_CELLS = 14  # columns whose cells still have room for a number on a narrow screen
LABELLED = 8  # weights of one step whose numbers have room
_CLEAR = "rgba(133, 146, 160, 0)"
# opaque and pale near zero: a small weight is seen beside a large one, and the numbers read on light and dark pages
_SIGNED = [[0, VERMILLION], [0.499, "#f4dccb"], [0.4999, _CLEAR], [0.5001, _CLEAR], [0.501, "#cfe2ee"], [1, BLUE]]
_PREDICTIONS = {"eps": "ε", "x0": "x̂₀"}


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
            hovertemplate=tr("step %{y}, evaluation %{x} at λ = %{customdata:.2f}: %{z:.3f}<extra></extra>"),
            colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": tr("share")}},
            showscale=not written,
            name=card.label,
        )
    )
    figure.update_xaxes(title_text=tr("Evaluation, in the order made"), dtick=max(1, count // 12), showgrid=False)
    figure.update_yaxes(title_text=tr("Step"), autorange="reversed", dtick=max(1, steps // 12), showgrid=False)
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
    return tr(
        "Weights of {solver} in {count} steps with {evaluations} evaluations: a step uses {fewest} to "
        "{most} of them, with shares from {low:.2f} to {high:.2f} of the step's whole weight.",
        solver=card.label,
        count=len(shares),
        evaluations=shares.shape[1],
        fewest=used.min(),
        most=used.max(),
        low=low,
        high=high,
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
        _add_stems(figure, card, look(result, card), step, place, 0.012 * place * (last - first))
    figure.add_vrect(x0=first, x1=last, fillcolor=FAINT, line_width=0, layer="below")
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    kind = _PREDICTIONS[_response(result.cards[0]).kind]
    figure.update_xaxes(title_text=tr("λ = log(α/σ): noise to data"))
    figure.update_yaxes(title_text=tr("Weight of {kind}, share of the step's", kind=kind))
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
            name=tr("how the exact step weighs each moment"),
            hoverinfo="skip",
        )
    )


def _add_stems(figure: go.Figure, card: Card, style: Style, step: int, place: int, shift: float) -> None:
    shares = card.response.shares[step - 1]
    used = np.flatnonzero(np.abs(shares) > 1e-9)
    at = np.array([card.response.evaluations[e].lam for e in used])
    again = np.array([np.isclose(at[:i], at[i]).any() for i in range(len(at))])  # two answers at one place
    lam = at + shift + 0.02 * again * np.ptp(at)
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
    figure.add_trace(
        go.Scatter(
            x=typed(lam),
            y=typed(shares[used]),
            mode="markers+text" if len(used) <= LABELLED else "markers",
            text=[f"{share:+.2f}".replace("-", "−") for share in shares[used]],
            textposition=["middle right" if place or second else "middle left" for second in again],
            textfont={"size": 13, "color": NEUTRAL},
            cliponaxis=False,
            marker={"color": style.colour, "size": 11, "symbol": style.marker},
            name=tr(
                "{solver}, with 1 prediction" if len(used) == 1 else "{solver}, with {count} predictions",
                solver=card.label,
                count=len(used),
            ),
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
            told = [
                tr("{share:.2f} at λ = {lam:.2f}", share=shares[e], lam=card.response.evaluations[e].lam) for e in used
            ]
            parts.append(
                tr(
                    "{solver} weighs {told} (sum {sum:.3f})",
                    solver=card.label,
                    told=joined(told, ", "),
                    sum=shares.sum(),
                )
            )
    first, last = result.log_snr[step - 1], result.log_snr[step]
    return tr(
        "Step {step} from λ = {first:.2f} to {last:.2f}: {parts}.",
        step=step,
        first=first,
        last=last,
        parts=tr(joined(parts, "; ")),
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
    return (
        r"\def\arraystretch{1.3}"
        + rf"\begin{{array}}{{c|{'c' * width}}}"
        + r" \\ ".join(lines)
        + rf" \\ \hline {end} \end{{array}}"
    )
