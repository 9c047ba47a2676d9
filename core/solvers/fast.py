"""DPM-Solver-fast: single-step methods of order 3, and lower ones so that no evaluation is left over."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.integrals import Kernel, ends_of
from core.solvers.single_step import (
    SingleStepPlan,
    Stage,
    StagePlan,
    advance,
    combine,
    plan_steps,
    second_order,
    third_order,
)

STAGES: dict[int, tuple[Stage, ...]] = {1: (Stage(1.0, (0,)),), 2: second_order(1 / 2), 3: third_order(1 / 3)}


def groups(steps: int, leftover: str) -> list[int]:
    """Orders of the single steps that spend ``steps`` evaluations: threes, and what is left as 2 and 1, or either.

    Source: Lu et al. 2022 (arXiv 2206.00927), section 3.4, which takes what is left ``"last"``.
    """
    threes, left = divmod(steps, 3)
    published = [3] * threes + [left] if left else [3] * (threes - 1) + [2, 1]
    return published if leftover == "last" else published[::-1]


class _Part(NamedTuple):
    """One interval of the grid: the first of a group takes the whole step, each reads its state off it."""

    group: SingleStepPlan | None
    here: StagePlan


@dataclass(frozen=True)
class Fast(Solver):
    """As many evaluations as the grid has intervals, grouped into single steps of order 3 and what is left over.

    A group covers as many intervals as it has evaluations. At the times inside a group the state is read off the
    polynomial through the group's predictions, at no further evaluation.

    Attributes
    ----------
    prediction : "eps" or "x0".
    leftover : where the steps of lower order are taken: "first", in noise, where the prediction hardly bends and they
        cost nothing; or "last", as published, where a step of first order costs h^2.

    NFE per interval: 1. Order: 3; "last" has 2 unless the number of intervals leaves 2 when divided by 3.
    Source: Lu et al. 2022 (arXiv 2206.00927), section 3.4 and appendix C.
    """

    prediction: str
    leftover: str

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Part]:
        levels = levels_at(problem.schedule, times)
        orders = groups(len(levels) - 1, self.leftover)
        firsts = [0, *accumulate(orders)]
        plan: list[_Part] = [None] * (len(levels) - 1)  # type: ignore[list-item]
        for order in set(orders):  # groups of one order are planned at once
            alike = [first for first, other in zip(firsts, orders, strict=False) if other == order]
            for i, part in self._alike(problem, levels, alike, order):
                plan[i] = part
        return plan

    def _alike(self, problem: Problem, levels: list[Level], firsts: list[int], order: int) -> list[tuple[int, _Part]]:
        """The intervals of the groups that begin at ``firsts``, all of the same order."""
        kernel, stages = Kernel(self.prediction), STAGES[order]
        cur, nxt = [levels[first] for first in firsts], [levels[first + order] for first in firsts]
        whole = plan_steps(problem, kernel, stages, cur, nxt)
        uses, places = stages[-1].uses, [0.0, *(stage.at for stage in stages[:-1])]
        nodes = np.array([[a.lam + (b.lam - a.lam) * places[k] for k in uses] for a, b in zip(cur, nxt, strict=True)])
        parts = []
        for offset in range(order - 1):
            inside = [levels[first + offset + 1] for first in firsts]
            weights = kernel.weights(problem.schedule, ends_of(cur, inside), nodes).tolist()
            for first, group, a, b, w in zip(firsts, whole, cur, inside, weights, strict=True):
                here = StagePlan(b, kernel.carry(a, b), uses, tuple(w))
                parts.append((first + offset, _Part(None if offset else group, here)))
        for first, group in zip(firsts, whole, strict=True):
            parts.append((first + order - 1, _Part(None if order > 1 else group, group.stages[-1])))
        return parts

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        part: _Part = context.plan[i]
        if part.group is not None:
            _, made = advance(context.problem, self.prediction, part.group, x)
            state = (x, made)
        start, made = state
        return combine(start, part.here, made), state
