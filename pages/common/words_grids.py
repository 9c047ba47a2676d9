"""What grids made for a problem come to, in sentences; every number comes from the result."""

from typing import Any

from core.language import mark, tr
from core.schedules import SCHEDULES
from pages.common.words import counted, number

MADE = mark(r"""
**Least measured error.** For a solver and $S$ steps, move the inner times until the solver's own ends are nearest to
the exact ones. With $\ell_i = \log(\lambda_{i+1} - \lambda_i)$ and $e_n$ the distance of training particle $n$ from
its exact end,
$$\min_{\ell}\ \sum_n \rho\!\left(\frac{e_n(\ell)}{s}\right),\qquad \sum_i e^{\ell_i} = \lambda_S - \lambda_0 ,$$
by least squares with a loss $\rho$ that lets the few particles near a border between modes not decide, from several
beginnings. The best on the training particles is kept.
""")
ALIGNED = mark(r"""
**Align-Your-Steps style.** Freeze the prediction over each step: the law that this makes differs from the true one by
at most
$$\tfrac12 \sum_i \int_{t_{i+1}}^{t_i} \mathbb{E}\,\big|D(x_u, u) - D(x_{t_i}, t_i)\big|^2\, \mathrm{d}\,\mathrm{SNR}(u)
\quad (\mathrm{KL}),$$
and the cheapest such path through a fine grid is found by dynamic programming. It knows nothing of the solver.
(Sabour, Fidler and Kreis 2024, arXiv 2404.14507.)
""")
TEACHER = mark(r"""
**GITS style.** Follow the exact paths on a fine grid and charge each long Euler step what it misses where it lands;
later steps weigh a little more. Dynamic programming picks the cheapest set of steps: long where paths are straight,
short where they bend. (Chen, Zhou, Wang, Shen and Lyu 2024, arXiv 2405.11326.)
""")


def grids(result: Any) -> str:
    """How the best grid made for the problem compares with the best standard one, on particles it never saw."""
    spec, made, standard = result.spec, result.best(True), result.best(False)
    head = tr(
        "**{solver}**, {steps}, {schedule}, on {particles} that no grid was made with",
        solver=spec.solver.label,
        steps=counted(result.steps, "step"),
        schedule=tr(SCHEDULES[spec.schedule].title),
        particles=counted(spec.particles, "particle"),
    )
    if made is None:
        return tr("{head}: every made grid diverged.", head=head)
    if standard is None:
        return tr("{head}: every standard grid diverged.", head=head)
    ratio = made.median / standard.median
    told = tr(
        "{head}: the best made for this problem (**{made}**) ends {error} from the exact end, the best standard one "
        "(**{standard}**) {other}",
        head=head,
        made=tr(made.title),
        error=number(made.median),
        standard=tr(standard.title),
        other=number(standard.median),
    )
    apart = made.standing.high < standard.standing.low or standard.standing.high < made.standing.low
    if not apart:
        return tr("{told}: the intervals overlap, so neither is shown to be better.", told=told)
    if ratio < 1:
        return tr("{told}: **{ratio:.1f} times less**, for the same work.", told=told, ratio=1 / ratio)
    return tr("{told}: here the standard one is better.", told=told)


def overfit(result: Any) -> str:
    """How much worse the grids do on particles they have not seen."""
    made = result.best(True)
    if made is None:
        return ""
    standard = result.best(False)
    if standard is not None and made.rms > standard.rms:
        return tr(
            "The median is what was made small: over all particles together (RMS) {made} errs {error}, {standard} "
            "{other}.",
            made=tr(made.title),
            error=number(made.rms),
            standard=tr(standard.title),
            other=number(standard.rms),
        )
    worse = made.median / made.training if made.training else float("inf")
    if worse > 1.5:
        return tr(
            "On its own training particles the error of {made} is {error}: {worse:.1f} times less than on others. More "
            "training particles would help.",
            made=tr(made.title),
            error=number(made.training),
            worse=worse,
        )
    return tr(
        "On its own training particles the error of {made} is {error}, so it has not merely learned those by heart.",
        made=tr(made.title),
        error=number(made.training),
    )
