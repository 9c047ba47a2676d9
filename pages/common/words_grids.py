"""What grids made for a problem come to, in sentences; every number comes from the result."""

from typing import Any

from core.schedules import SCHEDULES
from pages.common.words import counted, number

MADE = r"""
**Least measured error.** For a solver and $S$ steps, move the inner times until the solver's own ends are nearest to
the exact ones. With $\ell_i = \log(\lambda_{i+1} - \lambda_i)$ and $e_n$ the distance of training particle $n$ from
its exact end,
$$\min_{\ell}\ \sum_n \rho\!\left(\frac{e_n(\ell)}{s}\right),\qquad \sum_i e^{\ell_i} = \lambda_S - \lambda_0 ,$$
by least squares with a loss $\rho$ that lets the few particles near a border between modes not decide, from several
beginnings. The best on the training particles is kept.
"""
ALIGNED = r"""
**Align-Your-Steps style.** Freeze the prediction over each step: the law that this makes differs from the true one by
at most
$$\tfrac12 \sum_i \int_{t_{i+1}}^{t_i} \mathbb{E}\,\big|D(x_u, u) - D(x_{t_i}, t_i)\big|^2\, \mathrm{d}\,\mathrm{SNR}(u)
\quad (\mathrm{KL}),$$
and the cheapest such path through a fine grid is found by dynamic programming. It knows nothing of the solver.
(Sabour, Fidler and Kreis 2024, arXiv 2404.14507.)
"""
TEACHER = r"""
**GITS style.** Follow the exact paths on a fine grid and charge each long Euler step what it misses where it lands;
later steps weigh a little more. Dynamic programming picks the cheapest set of steps: long where paths are straight,
short where they bend. (Chen, Zhou, Wang, Shen and Lyu 2024, arXiv 2405.11326.)
"""


def grids(result: Any) -> str:
    """How the best grid made for the problem compares with the best standard one, on particles it never saw."""
    spec, made, standard = result.spec, result.best(True), result.best(False)
    head = (
        f"**{spec.solver.label}**, {counted(result.steps, 'step')}, {SCHEDULES[spec.schedule].title}, on "
        f"{counted(spec.particles, 'particle')} that no grid was made with: "
    )
    if made is None or standard is None:
        return f"{head}every {'made' if made is None else 'standard'} grid diverged."
    ratio = made.median / standard.median
    told = (
        f"the best made for this problem (**{made.title}**) ends {number(made.median)} from the exact end, the best "
        f"standard one (**{standard.title}**) {number(standard.median)}: "
    )
    apart = made.standing.high < standard.standing.low or standard.standing.high < made.standing.low
    if not apart:
        return f"{head}{told}the intervals overlap, so neither is shown to be better."
    if ratio < 1:
        return f"{head}{told}**{1 / ratio:.1f} times less**, for the same work."
    return f"{head}{told}here the standard one is better."


def overfit(result: Any) -> str:
    """How much worse the grids do on particles they have not seen."""
    made = result.best(True)
    if made is None:
        return ""
    standard = result.best(False)
    if standard is not None and made.rms > standard.rms:
        return (
            f"The median is what was made small: over all particles together (RMS) {made.title} errs "
            f"{number(made.rms)}, {standard.title} {number(standard.rms)}."
        )
    worse = made.median / made.training if made.training else float("inf")
    if worse > 1.5:
        return (
            f"On its own training particles the error of {made.title} is {number(made.training)}: {worse:.1f} times "
            "less than on others. More training particles would help."
        )
    return (
        f"On its own training particles the error of {made.title} is {number(made.training)}, so it has not merely "
        "learned those by heart."
    )
