"""What a result says, in sentences and small tables; every number comes from the result."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.language import joined, mark, tr
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from pages.common.compute import seconds, sentence

ODE = mark(r"""
**The probability-flow ODE** carries noise to data without any randomness after the start:
$$\frac{dx}{dt} = f(t)\,x + \frac{g^2(t)}{2\,\sigma_t}\,\epsilon_\theta(x, t),
\qquad x_t = \alpha_t x_0 + \sigma_t\,\epsilon,\qquad f = \frac{d\log\alpha_t}{dt},\qquad
g^2 = \frac{d\sigma_t^2}{dt} - 2 f \sigma_t^2 .$$
""")
SDE = mark(r"""
**The reverse SDE** has the same density at every time, and adds noise as it goes ($\eta = 1$; $\eta = 0$ is the ODE):
$$dx = \Big[f\,x + \frac{1+\eta^2}{2}\,\frac{g^2}{\sigma_t}\,\epsilon_\theta\Big]\,dt + \eta\, g\, d\bar w .$$
""")
COUNTED = {
    "cell": (mark("{number} cell"), mark("{number} cells")),
    "evaluation": (mark("{number} evaluation"), mark("{number} evaluations")),
    "image": (mark("{number} image"), mark("{number} images")),
    "model evaluation": (mark("{number} model evaluation"), mark("{number} model evaluations")),
    "order": (mark("{number} order"), mark("{number} orders")),
    "particle": (mark("{number} particle"), mark("{number} particles")),
    "prediction": (mark("{number} prediction"), mark("{number} predictions")),
    "run": (mark("{number} run"), mark("{number} runs")),
    "step": (mark("{number} step"), mark("{number} steps")),
}


def number(value: float) -> str:
    """Three figures, with a power of ten written out where it is small."""
    if not np.isfinite(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def counted(number: int, thing: str) -> str:
    """``1 step``, ``2 steps``: a key of ``COUNTED`` with its number."""
    one, several = COUNTED[thing]
    return tr(one if number == 1 else several, number=number)


def sentences(parts: Iterable[str]) -> str:
    """Sentences in a row."""
    return tr(joined(parts))


def listed(parts: Iterable[Any], separator: str = mark(", ")) -> str:
    """``a, b, c``."""
    return tr(joined(map(str, parts), separator))


def infos(result: Any) -> list[Any]:
    """The registry's entries of the solvers in a result, each once."""
    return [SOLVERS[name] for name in dict.fromkeys(choice.name for choice in result.spec.solvers)]


# --- trajectories ---------------------------------------------------------------------------------------------------


def side_by_side(result: Any) -> str:
    """What to compare between the panels."""
    noisy = [path for path in result.paths if path.stochastic]
    if noisy:
        text = tr(
            "**ODE and SDE start from the same noise and pass through the same densities.** The ODE's paths are smooth "
            "and never cross at one time; with noise ({solver}) each path wanders, and only the cloud as a whole is "
            "the same.",
            solver=noisy[0].label,
        )
    else:
        text = tr(
            "**ODE and SDE start from the same noise and pass through the same densities.** The ODE's paths are smooth "
            "and never cross at one time; a solver that draws noise would wander."
        )
    if result.profile is None:
        forward = tr(
            "The forward process runs the other way, from data to noise (move the time from right to left); here it "
            "begins at {start}, and no density is known, since the score is learned.",
            start=tr(result.forward_from),
        )
    else:
        forward = tr(
            "The forward process runs the other way, from data to noise (move the time from right to left). At every "
            "time the samples should fill the grey curve: where they do not, the steps are too long."
        )
    return sentences([text, forward])


def trajectories(result: Any) -> str:
    """Who ended nearest to the reference, who farthest, and who broke down."""
    steps = counted(result.spec.steps, "step")
    judged = [path for path in result.paths if not path.stochastic and np.isfinite(path.final_rms)]
    lines = []
    if len(judged) > 1:
        best, worst = (choose(judged, key=lambda path: path.final_rms) for choose in (min, max))
        lines.append(
            tr(
                "With {steps}, **{best}** ends nearest to the reference (RMS distance {least}, {evaluations}) and "
                "**{worst}** farthest ({most}, {nfe}).",
                steps=steps,
                best=best.label,
                least=number(best.final_rms),
                evaluations=counted(best.nfe, "model evaluation"),
                worst=worst.label,
                most=number(worst.final_rms),
                nfe=worst.nfe,
            )
        )
    elif judged:
        only = judged[0]
        lines.append(
            tr(
                "With {steps}, **{solver}** ends {distance} (RMS) from the reference.",
                steps=steps,
                solver=only.label,
                distance=number(only.final_rms),
            )
        )
    if any(path.stochastic for path in result.paths):
        lines.append(
            tr("Stochastic solvers draw noise on the way: they aim at the same density, not at the same points.")
        )
    lines += [
        tr("**{solver}** {message}.", solver=path.label, message=tr(path.message))
        for path in result.paths
        if path.diverged_at is not None
    ]
    return sentences(lines) if lines else tr("No solver here has an end to compare.")


def cost_table(result: Any) -> None:
    """Evaluations, wall time and end error of every solver, and how a run that broke down did so."""
    rows = [
        {
            tr("Solver"): path.label,
            tr("NFE"): str(path.nfe),
            tr("Time"): seconds(path.seconds),
            tr("RMS"): number(path.final_rms),
            tr("Median"): number(path.final_median),
        }
        for path in result.paths
    ]
    st.table(pd.DataFrame(rows).set_index(tr("Solver")), border="horizontal")
    st.caption(
        tr("NFE: evaluations of the model. Time: wall time. RMS and median: distance of the ends from the reference.")
    )


def path_table(result: Any) -> pd.DataFrame:
    """Every particle's numbers at every step."""
    return result.to_frame()


def error_table(result: Any) -> pd.DataFrame:
    """Error against the reference at every step, one column a solver."""
    table = pd.DataFrame({"t": result.times, "lambda": result.log_snr})
    for path in result.paths:
        if not path.stochastic:
            table[path.label] = pd.Series(path.error)
    return table


# --- error against steps --------------------------------------------------------------------------------------------

ORDER = mark(r"""
**Order.** The error of a solver of order $p$ falls like $e(S) \approx C\,S^{-p}$, so $\log e$ against $\log S$ is a
line of slope $-p$. The line is fitted over the stretch where the errors follow it best: before it, steps are too large
for the theory; after it, the floor is reached.
""")


def convergence(result: Any) -> str:
    """Who is best at the most steps, and what became of the orders that were claimed."""
    judged = [one for one in result.solvers if np.isfinite(one.rms).any()]
    lost = [one for one in judged if one.order.reliable and one.claimed_order - one.order > 0.5]
    if not judged:
        return tr("Every solver broke down at these step counts; try more steps.")
    best = min(judged, key=lambda one: np.nanmin(one.rms))
    at = int(np.nanargmin(best.rms))
    lines = [
        tr(
            "**{solver}** comes nearest to the reference: RMS error {error} with {steps} ({evaluations}).",
            solver=best.label,
            error=number(best.rms[at]),
            steps=counted(best.steps[at], "step"),
            evaluations=counted(best.nfe[at], "model evaluation"),
        )
    ]
    lines += [_lost(one, judged) for one in lost]
    lines += [
        tr("**{solver}** diverged at {steps} steps.", solver=one.label, steps=listed(one.steps[one.diverged]))
        for one in judged
        if one.diverged.any()
    ]
    return sentences(lines)


def _lost(one: Any, judged: list[Any]) -> str:
    """An order that was claimed and is not reached, and what the corrected update reaches where it ran as well."""
    mended = [other for other in judged if f"{other.name}-as-published" == one.name and other.order.reliable]
    if not mended:
        return tr(
            "**{solver}** claims order {claimed}; here its error falls with order {order:.1f}.",
            solver=one.label,
            claimed=one.claimed_order,
            order=float(one.order),
        )
    return tr(
        "**{solver}** claims order {claimed}; here its error falls with order {order:.1f}, and with order {mended:.1f} "
        "once its update is corrected ({corrected}).",
        solver=one.label,
        claimed=one.claimed_order,
        order=float(one.order),
        mended=float(mended[0].order),
        corrected=mended[0].label,
    )


def order_table(table: pd.DataFrame) -> None:
    """Measured and claimed orders, and why each was measured over the step counts that it was."""
    *facts, reason = table.columns
    st.dataframe(table[facts].rename(columns=tr), hide_index=True, placeholder="–", height="content")
    with st.expander(tr(reason)):
        st.markdown("\n".join(f"- **{row[facts[0]]}**: {sentence(tr(row[reason]))}" for _, row in table.iterrows()))


def floor(result: Any) -> str:
    """The error below which nothing can be measured here, and what sets it."""
    return tr(
        "No error below {floor} can be told apart here: {why}.",
        floor=number(result.floor),
        why=tr(result.floor_label),
    )


def path_errors(result: Any) -> pd.DataFrame:
    """Error along the path: one row for each solver and time."""
    return pd.concat(
        [
            pd.DataFrame({"solver": one.label, "t": one.path_times, "error (RMS)": one.path_error})
            for one in result.solvers
        ]
    )


# --- schedules ------------------------------------------------------------------------------------------------------


def schedules(result: Any) -> str:
    """When each schedule has as much noise as signal, and where the grids differ most."""
    crossings = []
    for curve in result.curves:
        equal = np.interp(0.0, curve.log_snr[::-1], curve.t[::-1])
        crossings.append(tr("**{schedule}** at t = {t}", schedule=tr(curve.title), t=number(float(equal))))
    return tr(
        "Signal and noise are equally strong (λ = 0) under {schedules}. Shapes form around there.",
        schedules=listed(crossings, mark("; ")),
    )


def grid_table(result: Any) -> pd.DataFrame:
    """Times and λ of every grid under every schedule."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "schedule": schedule,
                    "grid": grid,
                    "step": range(len(places.times)),
                    "t": places.times,
                    "lambda": places.log_snr,
                }
            )
            for (schedule, grid), places in result.grids.items()
        ]
    )


def noised_table(result: Any) -> pd.DataFrame:
    """When each picture of the noised image is taken."""
    return pd.concat(
        [
            pd.DataFrame({"Schedule": SCHEDULES[name].title, "t": part.t, "lambda": part.log_snr})
            for name, part in result.noised.items()
        ]
    )


def slice_table(result: Any) -> pd.DataFrame:
    """Density of the slice: rows are times, columns places."""
    table = pd.DataFrame(result.slice.density, columns=[f"x = {x:.2f}" for x in result.slice.x])
    table.insert(0, "t", result.slice.t)
    return table
