"""What a recommendation says, in sentences; every number comes from the result."""

from typing import Any

from core.figures.recommend import WITHIN
from core.schedules import SCHEDULES
from pages.common.compute import seconds
from pages.common.words import counted, number

PAIRED = r"""
**One error for each particle.** With $x^{(c)}_i$ the end of particle $i$ under candidate $c$ and $x^*_i$ that of the
reference from the same noise,
$$e^{(c)}_i = \frac{1}{\sqrt{D}}\,\big\lVert x^{(c)}_i - x^*_i \big\rVert ,\qquad
m_c = \operatorname{median}_i\, e^{(c)}_i \quad\text{or}\quad \Big(\tfrac1N \sum_i \big(e^{(c)}_i\big)^2\Big)^{1/2} .$$
"""
BOOTSTRAP = r"""
**Paired bootstrap.** Draw $N$ particles with replacement, $B = 1000$ times, the same ones for every candidate; each
draw $b$ gives $m_c^{(b)}$. A candidate's interval holds the middle 95 % of its $m_c^{(b)}$. It *cannot be told from
the best* $c^*$ when the middle 95 % of $m_c^{(b)} - m_{c^*}^{(b)}$ contains 0 (up to the accuracy of the reference).
Particles that are hard for everybody cancel in that difference, so two candidates can be told apart although their own
intervals overlap. Intervals hold for each pair alone: among many candidates a few are judged wrongly.
"""
HALVING = r"""
**Two rounds.** All candidates run with the first few particles. Those that cannot be told from the best there, at
least 12 and at most 48, run again with all particles and are ranked. The others are *screened out*: nothing more is
claimed about them than the error on those few.
"""
NOUNS = {"toy": "particle", "images": "image"}
SAME = " (the same to rounding: here they are one method)"
CAVEATS = (
    "This ranking is for these data, this schedule and this distance to the exact path. A learned score errs too, and "
    "what people see in an image is not what this distance measures: there, another solver may do better.",
    "The best of many was picked with these very particles, so its own error is a little too good: another seed shows "
    "by how much.",
)


def recommendation(result: Any) -> str:
    """Which to take and how sure that is, who equals it, which of these is fastest, and what became of the others."""
    spec, ranking, best = result.spec, result.ranking, result.ranking.best
    budget = f"At **{spec.nfe} NFE** under {SCHEDULES[spec.schedule].title}"
    if best is None:
        return f"{budget} no candidate can be recommended. {_why_none(ranking)}"
    at = best.standing
    lines = [
        f"{budget}, take **{best.choice.label}** on **{best.grid.label}**: {WITHIN[spec.measure]} "
        f"{number(at.error)} [{number(at.low)}, {number(at.high)}] over "
        f"{counted(best.particles, NOUNS[spec.data.kind])}, with {counted(best.steps, 'step')} and "
        f"{counted(best.nfe, 'evaluation')}."
    ]
    equals = ranking.equals
    if equals:
        names = ", ".join(f"{one.label}{SAME if one.standing.same else ''}" for one in equals[:3])
        more = f" and {len(equals) - 3} more" if len(equals) > 3 else ""
        lines.append(f"{counted(len(equals), 'other')} cannot be told from it: {names}{more}.")
        if ranking.fastest is not best:
            lines.append(
                f"The fastest of these is {ranking.fastest.label}: {seconds(ranking.fastest.seconds)} a run against "
                f"{seconds(best.seconds)}."
            )
    elif len(ranking.leaders) > 1:
        second = ranking.leaders[1]
        lines.append(
            f"All others can be told from it; the next is {second.label} with {number(second.standing.error)}."
        )
    return " ".join(lines)


def _why_none(ranking: Any) -> str:
    none = ranking.having("no run")
    if len(none) == len(ranking.entries) and none:
        return f"The budget or the grids fit none of them: {none[0].label}: {none[0].message}."
    return f"All {len(ranking.entries)} were tried, and no run reached the end."


def budgets(result: Any) -> str:
    """Who wins at the smallest and the largest budget, and how the error falls."""
    won = [one for one in result.curve if one.best]
    if not won:
        return "No candidate fits any of these budgets."
    first, last = won[0], won[-1]
    names = len({one.best.label for one in won})
    return (
        f"The least error falls from {number(first.best.standing.error)} at {first.nfe} NFE (**{first.best.label}**) "
        f"to {number(last.best.standing.error)} at {last.nfe} NFE (**{last.best.label}**). "
        f"{'One candidate wins' if names == 1 else f'{names} different candidates win'} along the way."
    )
