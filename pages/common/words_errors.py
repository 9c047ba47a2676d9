"""What the results of the pages on errors say, in sentences; every number comes from the result."""

from typing import Any

import numpy as np
import streamlit as st

from core.experiments.local_error import PHASES
from core.experiments.order_table import VERDICTS, WITHIN
from core.figures.grid_map import best_cells
from core.figures.recommend import WITHIN as MEASURES
from core.language import mark, tr
from core.solvers import SOLVERS
from pages.common.compute import sentence
from pages.common.words import counted, listed, number, sentences

SCIENTIFIC = {"least error": st.column_config.NumberColumn(format="%.1e")}
INTERVAL = mark(r"""
**Order and interval.** The error of a solver of order $p$ falls like $e(S) \approx C\,S^{-p}$. The order is the slope
of $-\log_2 e$ against $\log_2 S$ over the longest straight stretch that reaches the finest usable steps. Its interval
holds 95 % of the slopes when $N$ particles are drawn again with replacement 1000 times (the same ones at every step
count), and is widened on both sides by $2r/w$: what the largest residual $r$ could change over a window of width $w$
(both in powers of two).
""")
BUDGET = mark(r"""
**One budget.** Each run may ask the model at most as often as the budget says, counted at the model: a solver with two
evaluations a step takes half as many steps. All runs start from the same noise, and an error is the distance of their
ends from the reference solution. The median over particles is not moved by the few that end in another mode of the
data; the RMS is.
""")

LOCAL = mark(r"""
**Local error.** With the exact path $x(t)$, step $i$ of the solver starts from $x(t_i)$ and ends in $\hat x_{i+1}$; a
multistep method finds in its history the predictions that its own steps from exact states have left. Its local error is
$\hat x_{i+1} - x(t_{i+1})$, here divided by $\sqrt{\alpha^2+\sigma^2}$.

**Carried to the end.** With $\Phi$ the exact flow from $t_{i+1}$ to the last time, the step adds
$\Phi(\hat x_{i+1}) - \Phi(x(t_{i+1}))$ to the end error. The sum over all steps is the end error up to terms that are
smaller by a factor of the step length, and up to second order in the errors.
""")

ROUNDING = mark(r"""
**Rounding.** A number format keeps a relative spacing of $\varepsilon$: $2.2\cdot10^{-16}$ (float64),
$1.2\cdot10^{-7}$ (float32), $9.8\cdot10^{-4}$ (float16), $7.8\cdot10^{-3}$ (bfloat16). Rounding a state once errs by up
to half of it, $\varepsilon/\sqrt{12}$ on average (RMS). If each of $S$ steps rounds once, at random, and the errors
arrive at the end as they are, the end error is
$$\sqrt{S}\;\frac{\varepsilon}{\sqrt{12}}\;\lVert x\rVert_{\mathrm{RMS}} ,$$
the dotted lines. What is measured beside it is the distance between a run and the same run in float64 from the same
rounded noise; rounding takes over where it exceeds the distance of the float64 run from the reference.
""")


def order_table(result: Any, measure: str) -> str:
    """How many claims hold, and which do not and why."""
    judged = [(cell, cell.judged[measure]) for cell in result.cells]
    reached = sum(one.verdict in ("reached", "higher") for _, one in judged)
    lines = [
        tr(
            "**{reached} of {orders}** reach what the authors claim (within {near}, or within the interval).",
            reached=reached,
            orders=counted(len(judged), "order"),
            near=WITHIN,
        )
    ]
    lost: dict[str, list[float]] = {}
    why: dict[str, str] = {}
    for cell, one in judged:
        if one.verdict == "lost":
            lost.setdefault(cell.choice.label, []).append(float(one.interval.order))
            why[cell.choice.label] = one.reason
    claims = {cell.choice.label: SOLVERS[cell.choice.name].claimed_order for cell, _ in judged}
    for label, orders in lost.items():
        low, high = (f"{end(orders):.1f}" for end in (min, max))
        span = low if max(orders) - min(orders) < 0.1 else tr("{low} to {high}", low=low, high=high)
        lines.append(
            tr(
                "**{solver}** claims {claimed} and reaches {span}. {why}",
                solver=label,
                claimed=claims[label],
                span=span,
                why=sentence(tr(why[label])),
            )
        )
    bent = sum(one.verdict == "bent" for _, one in judged)
    if bent == 1:
        lines.append(tr("1 is {bent}: the line still bends at the most steps.", bent=tr(VERDICTS["bent"])))
    elif bent:
        lines.append(
            tr(
                "{count} are {bent}: the line still bends at the most steps.",
                count=bent,
                bent=tr(VERDICTS["bent"]),
            )
        )
    return sentences(lines)


def grid_map(result: Any, measure: str) -> str:
    """Which solver on which grid is best for the budget, what the grid alone decides, and who has no error."""
    best = best_cells(result, measure, 1)
    if not best:
        return tr(
            "No run reached the end with {evaluations}; try a larger budget.",
            evaluations=counted(result.spec.nfe, "evaluation"),
        )
    top, errors = best[0], result.table(measure)
    lines = [
        tr(
            "With {evaluations}, **{solver}** on **{grid}** ends nearest to the reference: {measure} {error}.",
            evaluations=counted(result.spec.nfe, "model evaluation"),
            solver=top.choice.label,
            grid=tr(top.grid.label),
            measure=tr(MEASURES[measure]),
            error=number(getattr(top, measure)),
        )
    ]
    row = result.solvers.index(top.choice)
    worst = float(np.nanmax(errors[row]))
    if len(result.grids) > 1 and worst > getattr(top, measure):
        lines.append(
            tr(
                "The same solver on its worst grid errs {times} times as much.",
                times=number(worst / getattr(top, measure)),
            )
        )
    lost = int((~np.isfinite(errors)).sum())
    if lost == 1:
        lines.append(tr("1 cell of {all} has no error.", all=errors.size))
    elif lost:
        lines.append(tr("{count} cells of {all} have no error.", count=lost, all=errors.size))
    return sentences(lines)


def local_error(result: Any) -> str:
    """Which step costs most, and what the last one costs."""
    lines = []
    for one in result.solvers:
        errors = one.carried if result.carried else one.local
        if not np.isfinite(errors).any():
            continue
        worst = int(np.nanargmax(errors))
        lines.append(
            tr(
                "**{solver}** loses most in step {step} of {steps} ({phase}: {most}); its first step costs {first}, "
                "its last {last}.",
                solver=one.choice.label,
                step=worst + 1,
                steps=len(errors),
                phase=tr(PHASES[one.phase[worst]]),
                most=number(errors[worst]),
                first=number(errors[0]),
                last=number(errors[-1]),
            )
        )
    return "  \n".join(lines) or tr("No step has an error to show.")


def precision(result: Any) -> str:
    """Where rounding takes over in each precision, and the least error that it leaves."""
    lines = []
    for name in result.spec.precisions:
        curves = [curve for curve in result.curves if curve.precision == name]
        over = [curve for curve in curves if curve.takeover is not None]
        best = min((curve for curve in curves if curve.best is not None), key=_least, default=None)
        if over:
            where = listed(
                tr("{steps} steps ({solver})", steps=curve.takeover, solver=curve.choice.label) for curve in over
            )
            told = tr("rounding takes over from {where} on", where=where)
        elif name == "float64":  # there is no finer run to hold it against
            told = tr("errors are those of the steps, until they come near the accuracy of the reference")
        else:
            told = tr("the steps err more than rounding at the most steps")
        if best is None:
            lines.append(tr("In **{format}** {told}.", format=name, told=told))
        else:
            lines.append(
                tr(
                    "In **{format}** {told}; the least error is {error} ({solver}, {steps} steps).",
                    format=name,
                    told=told,
                    error=number(_least(best)),
                    solver=best.choice.label,
                    steps=best.steps[best.best],
                )
            )
    return "  \n".join(lines)


def _least(curve: Any) -> float:
    return float(curve.total[curve.best])


QUALITY = mark(
    "The same errors as people who compare pictures state them. **PSNR** is 20 log10(2 / RMS) in decibels: twice as "
    "near is 6 dB more. **Features** are what a classifier of these images sees in them; their distance is relative to "
    "their size, and less strict on pixels that do not matter."
)


def lost(result: Any, short: list[Any]) -> str:
    """Which orders are not reached, and the evidence for what is in the way."""
    found = result.smoothness
    if short:
        lines = [tr("Measured below the order of our tests: {solvers}.", solvers=listed(map(_order, short)))]
    else:
        lines = [tr("At these step counts every solver reaches its order; with more steps this would end it:")]
    if found.power < 1.5:
        roughness = tr("It is rough: an order is lost where steps are as short as that.")
    else:
        roughness = tr("It is smooth that far.")
    lines.append(
        tr(
            "- **The network in t**: halve the spacing and the second difference of its prediction falls with power "
            "{power:.2f}; a smooth function has 2. {roughness}",
            power=found.power,
            roughness=roughness,
        )
    )
    if found.exact is not None:
        lines.append(
            tr(
                "- At the same places the **exact** score of its training data bends by {exact}, the network by "
                "{network} ({ratio:.1f} times).",
                exact=number(float(found.exact[0])),
                network=number(float(found.network[0])),
                ratio=found.network[0] / found.exact[0],
            )
        )
    lines.append(tr("- **float32** would leave {rounding} of it.", rounding=number(found.rounding)))
    lines.append(
        tr(
            "- **The reference**: no error below {floor} can be told apart ({why}).",
            floor=number(result.floor),
            why=tr(result.floor_label),
        )
    )
    return "\n".join(lines)


def _order(one: Any) -> str:
    if not np.isfinite(one.order):
        return tr("{solver} (none for {expected})", solver=one.label, expected=one.expected_order)
    return tr(
        "{solver} ({order:.2f} for {expected})",
        solver=one.label,
        order=float(one.order),
        expected=one.expected_order,
    )
