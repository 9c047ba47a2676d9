"""What a recommendation says, in sentences; every number comes from the result."""

from typing import Any

from core.figures.recommend import WITHIN
from core.language import mark, tr
from core.schedules import SCHEDULES
from pages.common.compute import seconds
from pages.common.words import counted, listed, number, sentences

PAIRED = mark(r"""
**One error for each particle.** With $x^{(c)}_i$ the end of particle $i$ under candidate $c$ and $x^*_i$ that of the
reference from the same noise,
$$e^{(c)}_i = \frac{1}{\sqrt{D}}\,\big\lVert x^{(c)}_i - x^*_i \big\rVert ,\qquad
m_c = \operatorname{median}_i\, e^{(c)}_i \quad\text{or}\quad \Big(\tfrac1N \sum_i \big(e^{(c)}_i\big)^2\Big)^{1/2} .$$
""")
BOOTSTRAP = mark(r"""
**Paired bootstrap.** Draw $N$ particles with replacement, $B = 1000$ times, the same ones for every candidate; each
draw $b$ gives $m_c^{(b)}$. A candidate's interval holds the middle 95 % of its $m_c^{(b)}$. It *cannot be told from
the best* $c^*$ when the middle 95 % of $m_c^{(b)} - m_{c^*}^{(b)}$ contains 0 (up to the accuracy of the reference).
Particles that are hard for everybody cancel in that difference, so two candidates can be told apart although their own
intervals overlap. Intervals hold for each pair alone: among many candidates a few are judged wrongly.
""")
HALVING = mark(r"""
**Two rounds.** All candidates run with the first few particles. Those that cannot be told from the best there, at
least 12 and at most 48, run again with all particles and are ranked. The others are *screened out*: nothing more is
claimed about them than the error on those few.
""")
NOUNS = {"toy": "particle", "images": "image"}
CAVEATS = (
    mark(
        "This ranking is for these data, this schedule and this distance to the exact path. A learned score errs too, "
        "and what people see in an image is not what this distance measures: there, another solver may do better."
    ),
    mark(
        "The best of many was picked with these very particles, so its own error is a little too good: another seed "
        "shows by how much."
    ),
)


def recommendation(result: Any) -> str:
    """Which to take and how sure that is, who equals it, which of these is fastest, and what became of the others."""
    spec, ranking, best = result.spec, result.ranking, result.ranking.best
    budget = tr("At **{nfe} NFE** under {schedule}", nfe=spec.nfe, schedule=tr(SCHEDULES[spec.schedule].title))
    if best is None:
        return sentences([tr("{budget} no candidate can be recommended.", budget=budget), _why_none(ranking)])
    at = best.standing
    lines = [
        tr(
            "{budget}, take **{solver}** on **{grid}**: {measure} {error} [{low}, {high}] over {particles}, with "
            "{steps} and {evaluations}.",
            budget=budget,
            solver=best.choice.label,
            grid=tr(best.grid.label),
            measure=tr(WITHIN[spec.measure]),
            error=number(at.error),
            low=number(at.low),
            high=number(at.high),
            particles=counted(best.particles, NOUNS[spec.data.kind]),
            steps=counted(best.steps, "step"),
            evaluations=counted(best.nfe, "evaluation"),
        )
    ]
    if ranking.equals:
        lines.append(_equals(ranking.equals))
        if ranking.fastest is not best:
            lines.append(
                tr(
                    "The fastest of these is {candidate}: {fast} a run against {slow}.",
                    candidate=tr(ranking.fastest.label),
                    fast=seconds(ranking.fastest.seconds),
                    slow=seconds(best.seconds),
                )
            )
    elif len(ranking.leaders) > 1:
        second = ranking.leaders[1]
        lines.append(
            tr(
                "All others can be told from it; the next is {candidate} with {error}.",
                candidate=tr(second.label),
                error=number(second.standing.error),
            )
        )
    return sentences(lines)


def _equals(equals: Any) -> str:
    """Who cannot be told from the best: the first three by name."""
    names = listed(
        tr("{candidate} (the same to rounding: here they are one method)", candidate=tr(one.label))
        if one.standing.same
        else tr(one.label)
        for one in equals[:3]
    )
    if len(equals) == 1:
        return tr("1 other cannot be told from it: {names}.", names=names)
    if len(equals) <= 3:
        return tr("{count} others cannot be told from it: {names}.", count=len(equals), names=names)
    return tr(
        "{count} others cannot be told from it: {names} and {more} more.",
        count=len(equals),
        names=names,
        more=len(equals) - 3,
    )


def _why_none(ranking: Any) -> str:
    none = ranking.having("no run")
    if len(none) == len(ranking.entries) and none:
        return tr(
            "The budget or the grids fit none of them: {candidate}: {why}.",
            candidate=tr(none[0].label),
            why=tr(none[0].message),
        )
    return tr("All {count} were tried, and no run reached the end.", count=len(ranking.entries))


def budgets(result: Any) -> str:
    """Who wins at the smallest and the largest budget, and how the error falls."""
    won = [one for one in result.curve if one.best]
    if not won:
        return tr("No candidate fits any of these budgets.")
    first, last = won[0], won[-1]
    names = len({one.best.label for one in won})
    falls = tr(
        "The least error falls from {first} at {few} NFE (**{before}**) to {last} at {many} NFE (**{after}**).",
        first=number(first.best.standing.error),
        few=first.nfe,
        before=tr(first.best.label),
        last=number(last.best.standing.error),
        many=last.nfe,
        after=tr(last.best.label),
    )
    if names == 1:
        return sentences([falls, tr("One candidate wins along the way.")])
    return sentences([falls, tr("{count} different candidates win along the way.", count=names)])
