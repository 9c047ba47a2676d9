"""What a result says, in sentences and small tables; every number comes from the result."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.path_shape import title_of
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from pages.common.compute import seconds, sentence

ODE = r"""
**The probability-flow ODE** carries noise to data without any randomness after the start:
$$\frac{dx}{dt} = f(t)\,x + \frac{g^2(t)}{2\,\sigma_t}\,\epsilon_\theta(x, t),
\qquad x_t = \alpha_t x_0 + \sigma_t\,\epsilon,\qquad f = \frac{d\log\alpha_t}{dt},\qquad
g^2 = \frac{d\sigma_t^2}{dt} - 2 f \sigma_t^2 .$$
"""
SDE = r"""
**The reverse SDE** has the same density at every time, and adds noise as it goes ($\eta = 1$; $\eta = 0$ is the ODE):
$$dx = \Big[f\,x + \frac{1+\eta^2}{2}\,\frac{g^2}{\sigma_t}\,\epsilon_\theta\Big]\,dt + \eta\, g\, d\bar w .$$
"""


def number(value: float) -> str:
    """Three figures, with a power of ten written out where it is small."""
    if not np.isfinite(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def counted(number: int, thing: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def infos(result: Any) -> list[Any]:
    """The registry's entries of the solvers in a result, each once."""
    return [SOLVERS[name] for name in dict.fromkeys(choice.name for choice in result.spec.solvers)]


# --- trajectories ---------------------------------------------------------------------------------------------------


def side_by_side(result: Any) -> str:
    """What to compare between the panels."""
    noisy = [path for path in result.paths if path.stochastic]
    text = (
        "**ODE and SDE start from the same noise and pass through the same densities.** The ODE's paths are smooth and "
        "never cross at one time; "
    )
    text += (
        f"with noise ({noisy[0].label}) each path wanders, and only the cloud as a whole is the same. "
        if noisy
        else "a solver that draws noise would wander. "
    )
    text += "The forward process runs the other way, from data to noise (move the time from right to left)"
    if result.profile is None:
        return f"{text}; here it begins at {result.forward_from}, and no density is known, since the score is learned."
    return f"{text}. At every time the samples should fill the grey curve: where they do not, the steps are too long."


def trajectories(result: Any) -> str:
    """Who ended nearest to the reference, who farthest, and who broke down."""
    steps = result.spec.steps
    judged = [path for path in result.paths if not path.stochastic and np.isfinite(path.final_rms)]
    lines = []
    if len(judged) > 1:
        best, worst = (choose(judged, key=lambda path: path.final_rms) for choose in (min, max))
        lines.append(
            f"With {counted(steps, 'step')}, **{best.label}** ends nearest to the reference (RMS distance "
            f"{number(best.final_rms)}, {counted(best.nfe, 'model evaluation')}) and **{worst.label}** farthest "
            f"({number(worst.final_rms)}, {worst.nfe})."
        )
    elif judged:
        only = judged[0]
        lines.append(
            f"With {counted(steps, 'step')}, **{only.label}** ends {number(only.final_rms)} (RMS) from the reference."
        )
    if any(path.stochastic for path in result.paths):
        lines.append("Stochastic solvers draw noise on the way: they aim at the same density, not at the same points.")
    lines += [f"**{path.label}** {path.message}." for path in result.paths if path.diverged_at is not None]
    return " ".join(lines) or "No solver here has an end to compare."


def cost_table(result: Any) -> None:
    """Evaluations, wall time and end error of every solver, and how a run that broke down did so."""
    rows = [
        {
            "Solver": path.label,
            "NFE": str(path.nfe),
            "Time": seconds(path.seconds),
            "RMS": number(path.final_rms),
            "Median": number(path.final_median),
        }
        for path in result.paths
    ]
    st.table(pd.DataFrame(rows).set_index("Solver"), border="horizontal")
    st.caption(
        "NFE: evaluations of the model. Time: wall time. RMS and median: distance of the ends from the reference."
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

ORDER = r"""
**Order.** The error of a solver of order $p$ falls like $e(S) \approx C\,S^{-p}$, so $\log e$ against $\log S$ is a
line of slope $-p$. The line is fitted over the stretch where the errors follow it best: before it, steps are too large
for the theory; after it, the floor is reached.
"""


def convergence(result: Any) -> str:
    """Who is best at the most steps, and what became of the orders that were claimed."""
    judged = [one for one in result.solvers if np.isfinite(one.rms).any()]
    lost = [one for one in judged if one.order.reliable and one.claimed_order - one.order > 0.5]
    if not judged:
        return "Every solver broke down at these step counts; try more steps."
    best = min(judged, key=lambda one: np.nanmin(one.rms))
    at = int(np.nanargmin(best.rms))
    lines = [
        f"**{best.label}** comes nearest to the reference: RMS error {number(best.rms[at])} with "
        f"{counted(best.steps[at], 'step')} ({counted(best.nfe[at], 'model evaluation')})."
    ]
    lines += [_lost(one, judged) for one in lost]
    lines += [f"**{one.label}** diverged at {_steps(one.steps[one.diverged])}." for one in judged if one.diverged.any()]
    return " ".join(lines)


def _lost(one: Any, judged: list[Any]) -> str:
    """An order that was claimed and is not reached, and what the corrected update reaches where it ran as well."""
    told = f"**{one.label}** claims order {one.claimed_order}; here its error falls with order {float(one.order):.1f}"
    mended = [other for other in judged if f"{other.name}-as-published" == one.name and other.order.reliable]
    if mended:
        told += f", and with order {float(mended[0].order):.1f} once its update is corrected ({mended[0].label})"
    return f"{told}."


def order_table(table: pd.DataFrame) -> None:
    """Measured and claimed orders, and why each was measured over the step counts that it was."""
    *facts, reason = table.columns
    st.dataframe(table[facts], hide_index=True, height="content")
    with st.expander(reason):
        st.markdown("\n".join(f"- **{row[facts[0]]}**: {sentence(row[reason])}" for _, row in table.iterrows()))


def floor(result: Any) -> str:
    """The error below which nothing can be measured here, and what sets it."""
    return f"No error below {number(result.floor)} can be told apart here: {result.floor_label}."


def _steps(counts: np.ndarray) -> str:
    return f"{', '.join(map(str, counts))} steps"


def path_errors(result: Any) -> pd.DataFrame:
    """Error along the path: one row for each solver and time."""
    return pd.concat(
        [
            pd.DataFrame({"solver": one.label, "t": one.path_times, "error (RMS)": one.path_error})
            for one in result.solvers
        ]
    )


# --- curvature ------------------------------------------------------------------------------------------------------

CURVATURE = r"""
**Curvature** of a path $x(t)$ is how fast its direction turns per unit of length, whatever its speed:
$$\kappa = \frac{\lVert x''_\perp \rVert}{\lVert x' \rVert^2},\qquad
x''_\perp = x'' - \frac{x''\cdot x'}{x'\cdot x'}\,x' .$$
**Straightness** compares the velocity with that of the straight line, in normalised time $s \in [0, 1]$:
$$\int_0^1 \Big\lVert (x_1 - x_0) - \frac{dx}{ds} \Big\rVert^2 ds .$$
**Torsion** is how fast the plane of the bend turns about the path, with $x'''_{\perp\perp}$ perpendicular to $x'$ and
$x''$; a path in a plane has none:
$$\tau = \frac{\lVert x'''_{\perp\perp} \rVert}{\lVert x' \rVert\, \lVert x''_\perp \rVert} .$$
**Height** above the chord is $h(\lambda) = u \cdot (x_\lambda - x_{\text{noise}}) / L$ for the chord's length $L$ and
the direction $u \perp$ chord in which the path once is farthest from it. **Spread** of $N$ paths, and their spread
**of form** with $h_i / \max h_i$ in place of $h_i$:
$$\sqrt{\frac{1}{N - 1} \sum_i \big\langle (h_i - \bar h)^2 \big\rangle_\lambda}
\Big/ \sqrt{\langle \bar h^2 \rangle_\lambda} .$$
"""


def curvature(result: Any) -> str:
    """Which schedule bends the paths least and most, and when they bend."""
    shapes = result.shapes
    ratio = {shape.title: float(np.nanmedian(shape.length_over_chord)) for shape in shapes}
    peak = {shape.title: f"{shape.log_snr[np.nanargmax(shape.quantiles[1])]:.1f}".replace("-", "−") for shape in shapes}
    if len(shapes) == 1:
        title = shapes[0].title
        return (
            f"Under **{title}** a path is typically {100 * (ratio[title] - 1):.2g}% longer than the straight line, and "
            f"bends most near λ = {peak[title]}."
        )
    least, most = min(ratio, key=ratio.get), max(ratio, key=ratio.get)
    return (
        f"**{least}** draws the straightest paths, typically {100 * (ratio[least] - 1):.2g}% longer than a straight "
        f"line; **{most}** the longest detours, {100 * (ratio[most] - 1):.2g}%. The median path bends most near "
        f"λ = {peak[least]} and λ = {peak[most]}."
    )


MEASURED = {
    "curvature": "Curvature: how sharply the path turns.",
    "straightness_rate": "Where straightness is lost: 0 where the path moves along its chord at its mean speed.",
    "torsion": "Torsion: how fast the plane of the bend turns. Gaps: too slow or too straight to tell from rounding.",
}


def planarity(result: Any) -> str:
    """How much of a path lies in a line, a plane and three dimensions, where the plane holds least."""
    shape = min(result.shapes, key=lambda shape: shape.shares[:, :2].sum(axis=1).mean())
    one, two, three = shape.shares.mean(axis=0).cumsum()
    most = "Even where the plane holds least, under" if len(result.shapes) > 1 else "Under"
    return (
        f"A path could wander through all {result.spec.data.numbers} dimensions, but hardly does. {most} "
        f"**{shape.title}**, on average {one:.2%} of its variance lies along one direction, **{two:.2%} in a plane** "
        f"and {three:.3%} in three dimensions. (One round Gaussian would give exactly 100% in a plane.)"
    )


def likeness(result: Any) -> str:
    """How alike paths are, and those of the data beside."""
    text = (
        "Each path is turned so that its chord lies flat and its greatest deviation points up. The paths of images "
        "were found to be nearly planar and nearly all alike, a boomerang (Chen et al. 2023–25, arXiv 2305.19947, "
        "2405.11326, 2506.10177)."
    )
    shape = result.shapes[0]
    text += f" Here, under **{shape.title}**: {_spread(shape)}."
    others = [other for other in result.beside if other.schedule == shape.schedule]
    return text + "".join(f" Of **{title_of(result.spec.other.data)}**: {_spread(other)}." for other in others)


def _spread(shape: Any) -> str:
    heights, form = shape.unlikeness
    if not np.isfinite(heights):
        return "too few paths bend to be compared"
    return (
        f"heights spread by {heights:.1%} of the mean (RMS), and by {form:.1%} if every path is scaled to its own top"
    )


TURNING = (
    "Curvature is one over a length, and lengths differ: noise in many dimensions is long. Times the length of its "
    "path it has no unit: the angle, in radians, by which a path would turn if it bent so sharply all the way. It "
    "stays the same if data and noise are scaled, or repeated in more dimensions."
)


# --- schedules ------------------------------------------------------------------------------------------------------


def schedules(result: Any) -> str:
    """When each schedule has as much noise as signal, and where the grids differ most."""
    crossings = []
    for curve in result.curves:
        equal = np.interp(0.0, curve.log_snr[::-1], curve.t[::-1])
        crossings.append(f"**{curve.title}** at t = {number(float(equal))}")
    return f"Signal and noise are equally strong (λ = 0) under {'; '.join(crossings)}. Shapes form around there."


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
