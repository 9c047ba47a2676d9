"""What a solver's card says: facts, sentences and small tables; every number comes from the result or the registry."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.experiments import listing
from core.experiments.catalogue import WIDTHS
from core.figures import catalogue as figures
from core.solvers import SOLVERS
from pages.common.words import counted, number

STABILITY = r"""
**Bell curves.** For data $\mathcal N(0, c^2)$ the exact flow only stretches: its width goes from $\sqrt{V_s}$ to
$\sqrt{V_t}$ with $V = \alpha^2 c^2 + \sigma^2$. A solver with fixed steps multiplies by a number of its own, so the
ratio of both widths says how it treats a cloud of that width: 1 is right, below 1 too narrow, above 1 too wide.
"""
WEIGHTS = r"""
**Weights.** With $h = \lambda_{next} - \lambda$ the exact step is
$x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'\int_0^h e^{h-u}\,\epsilon\,du
= \tfrac{\sigma'}{\sigma}x + \alpha'\int_0^h e^{u-h}\,\hat x_0\,du$.
A solver knows the prediction at a few places only and puts weights on them. They are measured here by running the
solver on answers of which one is 1 and all others are 0.
"""
REGION = r"""
**Stability region.** On $u' = q\,u$ one step of length $h$ multiplies by $R(z)$, $z = hq$. Where $|R(z)| \le 1$ an
error does not grow. For data $\mathcal N(0, c^2)$ the probability-flow ODE is such an equation at every moment, and
its $z$ in each step of the grid is marked.
"""


def facts(result: Any) -> None:
    """Claimed, tested and measured order, and cost, of each version shown."""
    rows = []
    for card in result.cards:
        info = SOLVERS[card.name]
        rows.append(
            {
                "Solver": card.label,
                "Order claimed": str(info.claimed_order or "–"),
                "In our tests": tested(card),
                "Measured here": figures.measured_text(card.measured).removeprefix("order "),
                "NFE per step": "its own choice" if info.nfe_per_step is None else cost(info),
            }
        )
    st.table(pd.DataFrame(rows).set_index("Solver"), border="horizontal")


def tested(card: Any) -> str:
    """The order in our tests, which run every solver with its options as they are at first."""
    order = SOLVERS[card.name].order
    return "–" if order is None or "as-published" in dict(card.choice.options).values() else str(order)


def cost(info: Any) -> str:
    """Evaluations in a step, and those of a run beyond them."""
    return f"{info.nfe_per_step}" + (f" (and {info.extra_nfe} in all)" if info.extra_nfe else "")


def kind(info: Any) -> str:
    """Family, type and prediction in one line."""
    asked = " or ".join(listing.ASKS[one] for one in listing.asks(info.name))
    return f"{info.family} · {listing.TYPES[listing.type_of(info)].lower()} · asks for the {asked}"


def advice(info: Any) -> None:
    """When to use a solver, and what else to know of it."""
    if info.when:
        st.markdown(f"**When to use it.** {info.when}")
    if info.note:
        st.markdown(f"**Good to know.** {info.note}")


def order(result: Any) -> str:
    """What to look for in the picture of errors."""
    card = result.cards[0]
    measured, info = card.measured, SOLVERS[card.name]
    if not np.isfinite(measured.error).any():
        return f"The order cannot be measured here: {measured.what}."
    last = int(np.flatnonzero(np.isfinite(measured.error))[-1])
    if measured.against == "tolerance":
        return (
            f"It chooses its own steps: at tolerance {number(measured.tolerance[last])} it spends "
            f"{counted(int(measured.nfe[last]), 'evaluation')} and errs by {number(measured.error[last])}. "
            "An error along the dotted line is in proportion to the tolerance."
        )
    told = f"With {counted(int(measured.at[last]), 'step')} the error is {number(measured.error[last])}"
    if not measured.order.reliable:
        return f"{told}; its slope has not settled on a line yet. Claimed order: {info.claimed_order}."
    told += f" and falls with order **{float(measured.order):.2f}**; claimed is {info.claimed_order}."
    other = result.cards[1:] and result.cards[1].measured.order
    if other and other.reliable:
        told += f" **{result.cards[1].label}** reaches {float(other):.2f}."
    return told


def weights(result: Any, place: int = 0) -> str:
    """Whether constants are integrated exactly, and how large the weights grow."""
    response = result.cards[place].response
    if response is None:
        return f"There are none to draw: {result.cards[place].unweighed}."
    off = float(np.abs(response.shares.sum(axis=1) - 1).max())
    largest = float(np.abs(response.shares).max())
    used = int((np.abs(response.shares) > 1e-9).sum(axis=1).max())
    told = f"A step uses up to {counted(used, 'prediction')}; the largest weight is {number(largest)} of the whole. "
    if SOLVERS[result.cards[place].name].stochastic:
        return told + "Its noise is left out here, and the rest of the step is not that of the ODE."
    if off < 1e-9:
        return told + "Weights sum to 1: a prediction that never changes is integrated exactly."
    return told + f"Weights miss the exact sum by up to {number(off)}: even a constant prediction costs an error."


def widths(result: Any) -> str:
    """What to look for in the picture of bell curves."""
    ratio = result.cards[0].widths.ratio
    lost = int((~np.isfinite(ratio)).any(axis=1).sum()) if len(ratio) else 0
    told = "Data that are one bell curve of some width: how wide does it come out? On the dashed line it is right."
    blown = f" In {counted(lost, 'run')} a width blew up beyond all bounds; nothing is drawn there."
    return told + (blown if lost else "")


def weights_table(result: Any) -> pd.DataFrame:
    """Every weight that is not zero: step, evaluation, place and share."""
    rows = []
    for card in result.cards:
        if card.response is None:
            continue
        for step, evaluation in zip(*np.nonzero(np.abs(card.response.shares) > 1e-9), strict=True):
            one = card.response.evaluations[evaluation]
            rows.append(
                {
                    "Solver": card.label,
                    "Step": int(step) + 1,
                    "Evaluation": int(evaluation) + 1,
                    "λ": one.lam,
                    "Prediction": one.kind,
                    "Weight": float(card.response.weights[step, evaluation]),
                    "Share": float(card.response.shares[step, evaluation]),
                }
            )
    return pd.DataFrame(rows)


def errors_table(result: Any) -> pd.DataFrame:
    """Errors that the order was measured from."""
    frames = []
    for card in result.cards:
        measured = card.measured
        chosen = {"Tolerance": measured.tolerance} if len(measured.tolerance) else {"Steps": measured.steps}
        frames.append(pd.DataFrame({"Solver": card.label} | chosen | {"NFE": measured.nfe, "Error": measured.error}))
    return pd.concat(frames)


def widths_table(result: Any) -> pd.DataFrame:
    """Width over the true one, by evaluations."""
    table = result.to_frame()
    return table[table["picture"].str.startswith("width")].drop(columns="picture")


def region_table(result: Any) -> pd.DataFrame:
    """Where each step of the grid falls."""
    region = result.cards[0].region
    return pd.DataFrame({f"z, width {w:g}": z for w, z in zip(WIDTHS, region.products, strict=True)})
