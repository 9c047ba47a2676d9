"""What a solver's card says: facts, sentences and small tables; every number comes from the result or the registry."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.experiments import listing
from core.experiments.catalogue import WIDTHS
from core.figures import catalogue as figures
from core.figures.convergence import order_text
from core.language import mark, tr
from core.solvers import SOLVERS
from pages.common.words import counted, listed, number, sentences

STABILITY = mark(r"""
**Bell curves.** For data $\mathcal N(0, c^2)$ the exact flow only stretches: its width goes from $\sqrt{V_s}$ to
$\sqrt{V_t}$ with $V = \alpha^2 c^2 + \sigma^2$. A solver with fixed steps multiplies by a number of its own, so the
ratio of both widths says how it treats a cloud of that width: 1 is right, below 1 too narrow, above 1 too wide.
""")
WEIGHTS = mark(r"""
**Weights.** With $h = \lambda_{next} - \lambda$ the exact step is
$x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'\int_0^h e^{h-u}\,\epsilon\,du
= \tfrac{\sigma'}{\sigma}x + \alpha'\int_0^h e^{u-h}\,\hat x_0\,du$.
A solver knows the prediction at a few places only and puts weights on them. They are measured here by running the
solver on answers of which one is 1 and all others are 0.
""")
REGION = mark(r"""
**Stability region.** On $u' = q\,u$ one step of length $h$ multiplies by $R(z)$, $z = hq$. Where $|R(z)| \le 1$ an
error does not grow. For data $\mathcal N(0, c^2)$ the probability-flow ODE is such an equation at every moment, and
its $z$ in each step of the grid is marked.
""")


def facts(result: Any) -> None:
    """Claimed, tested and measured order, and cost, of each version shown."""
    rows = []
    for card in result.cards:
        info = SOLVERS[card.name]
        rows.append(
            {
                tr("Solver"): card.label,
                tr("Order claimed"): str(info.claimed_order or "–"),
                tr("In our tests"): tested(card),
                tr("Measured here"): _measured(card.measured),
                tr("NFE per step"): tr("its own choice") if info.nfe_per_step is None else cost(info),
            }
        )
    st.table(pd.DataFrame(rows).set_index(tr("Solver")), border="horizontal")


def _measured(measured: Any) -> str:
    return order_text(measured.order) if measured.against == "steps" else figures.measured_text(measured)


def tested(card: Any) -> str:
    """The order in our tests, which run every solver with its options as they are at first."""
    order = SOLVERS[card.name].order
    return "–" if order is None or "as-published" in dict(card.choice.options).values() else str(order)


def cost(info: Any) -> str:
    """Evaluations in a step, and those of a run beyond them."""
    if info.extra_nfe:
        return tr("{each} (and {extra} in all)", each=info.nfe_per_step, extra=info.extra_nfe)
    return str(info.nfe_per_step)


def kind(info: Any) -> str:
    """Family, type and prediction in one line."""
    return tr(
        "{family} · {type} · asks for the {predictions}",
        family=tr(info.family),
        type=tr(listing.TYPES[listing.type_of(info)]).lower(),
        predictions=listed((tr(listing.ASKS[one]) for one in listing.asks(info.name)), mark(" or ")),
    )


def table(infos: list[Any]) -> pd.DataFrame:
    """The list of solvers as it is shown: its headings and its words in the language of now."""
    shown = listing.listing(infos)
    for column in ("Family", "Type"):
        shown[column] = shown[column].map(tr)
    shown["Asks for"] = [listed((listing.SYMBOLS[one] for one in listing.asks(i.name)), mark(" or ")) for i in infos]
    return shown.rename(columns=tr)


def advice(info: Any) -> None:
    """When to use a solver, and what else to know of it."""
    if info.when:
        st.markdown(tr("**When to use it.** {when}", when=tr(info.when)))
    if info.note:
        st.markdown(tr("**Good to know.** {note}", note=tr(info.note)))


def order(result: Any) -> str:
    """What to look for in the picture of errors."""
    card = result.cards[0]
    measured, info = card.measured, SOLVERS[card.name]
    if not np.isfinite(measured.error).any():
        return tr("The order cannot be measured here: {why}.", why=tr(measured.what))
    last = int(np.flatnonzero(np.isfinite(measured.error))[-1])
    if measured.against == "tolerance":
        return tr(
            "It chooses its own steps: at tolerance {tolerance} it spends {evaluations} and errs by {error}. An error "
            "along the dotted line is in proportion to the tolerance.",
            tolerance=number(measured.tolerance[last]),
            evaluations=counted(int(measured.nfe[last]), "evaluation"),
            error=number(measured.error[last]),
        )
    values = {
        "steps": counted(int(measured.at[last]), "step"),
        "error": number(measured.error[last]),
        "claimed": info.claimed_order,
    }
    if not measured.order.reliable:
        return tr(
            "With {steps} the error is {error}; its slope has not settled on a line yet. Claimed order: {claimed}.",
            **values,
        )
    lines = [
        tr(
            "With {steps} the error is {error} and falls with order **{order:.2f}**; claimed is {claimed}.",
            order=float(measured.order),
            **values,
        )
    ]
    other = result.cards[1:] and result.cards[1].measured.order
    if other and other.reliable:
        lines.append(tr("**{solver}** reaches {order:.2f}.", solver=result.cards[1].label, order=float(other)))
    return sentences(lines)


def weights(result: Any, place: int = 0) -> str:
    """Whether constants are integrated exactly, and how large the weights grow."""
    response = result.cards[place].response
    if response is None:
        return tr("There are none to draw: {why}.", why=tr(result.cards[place].unweighed))
    off = float(np.abs(response.shares.sum(axis=1) - 1).max())
    used = int((np.abs(response.shares) > 1e-9).sum(axis=1).max())
    told = tr(
        "A step uses up to {predictions}; the largest weight is {largest} of the whole.",
        predictions=counted(used, "prediction"),
        largest=number(float(np.abs(response.shares).max())),
    )
    if SOLVERS[result.cards[place].name].stochastic:
        more = tr("Its noise is left out here, and the rest of the step is not that of the ODE.")
    elif off < 1e-9:
        more = tr("Weights sum to 1: a prediction that never changes is integrated exactly.")
    else:
        more = tr(
            "Weights miss the exact sum by up to {off}: even a constant prediction costs an error.", off=number(off)
        )
    return sentences([told, more])


def widths(result: Any) -> str:
    """What to look for in the picture of bell curves."""
    ratio = result.cards[0].widths.ratio
    lost = int((~np.isfinite(ratio)).any(axis=1).sum()) if len(ratio) else 0
    lines = [
        tr("Data that are one bell curve of some width: how wide does it come out? On the dashed line it is right.")
    ]
    if lost:
        lines.append(
            tr("In {runs} a width blew up beyond all bounds; nothing is drawn there.", runs=counted(lost, "run"))
        )
    return sentences(lines)


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
