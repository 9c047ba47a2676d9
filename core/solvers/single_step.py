"""Exponential single-step methods: DPM-Solver-2 and -3 and their x0 forms as tables of stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.integrals import Kernel, MomentRule, ends_of, exact, half_weight


class Stage(NamedTuple):
    """One line of an exponential tableau: a point inside the step, reached from its start.

    Attributes
    ----------
    at : share of the step in lambda; 1 in the last stage, which is the new state.
    uses : the evaluations through which the polynomial goes; evaluation 0 is made at the start of the step, evaluation
        k at stage k - 1.
    rule : moment rule of its weights.
    """

    at: float
    uses: tuple[int, ...]
    rule: MomentRule = exact


class StagePlan(NamedTuple):
    """``x_stage = carry x + sum_j weight_j prediction_j`` over the evaluations in ``uses``, at ``level``."""

    level: Level
    carry: float
    uses: tuple[int, ...]
    weights: tuple[float, ...]


class SingleStepPlan(NamedTuple):
    """A step: where it begins, and its stages, the last of which is its end."""

    start: Level
    stages: tuple[StagePlan, ...]


def second_order(r1: float) -> tuple[Stage, ...]:
    """Stages of DPM-Solver-2 with its inner point at ``r1``. Source: arXiv 2206.00927, algorithm 4."""
    return Stage(r1, (0,)), Stage(1.0, (0, 1), half_weight)


def third_order(r1: float) -> tuple[Stage, ...]:
    """Stages of DPM-Solver-3 with its first inner point at ``r1``; the second must lie at 2/3 for order 3.

    The last stage leaves evaluation 1 out, whose own error of h^2 would cost an order; a rule through 0 and r2 alone is
    exact for parabolas only if r2 = 2/3. Source: arXiv 2206.00927, algorithm 5.
    """
    return Stage(r1, (0,)), Stage(2 / 3, (0, 1)), Stage(1.0, (0, 2))


def plan_steps(
    problem: Problem, kernel: Kernel, stages: Sequence[Stage], cur: Sequence[Level], nxt: Sequence[Level]
) -> list[SingleStepPlan]:
    """The steps from each of ``cur`` to the level of ``nxt`` beside it, all at once."""
    lam = np.array([level.lam for level in cur])
    h = np.array([level.lam for level in nxt]) - lam
    planned = []
    for stage in stages:
        ends_at = list(nxt) if stage.at == 1 else _levels(problem, lam + stage.at * h)
        places = [0.0, *(s.at for s in stages[:-1])]
        nodes = lam[:, None] + h[:, None] * np.array([places[k] for k in stage.uses])
        weights = kernel.weights(problem.schedule, ends_of(cur, ends_at), nodes, stage.rule).tolist()
        planned.append(
            [
                StagePlan(b, kernel.carry(a, b), stage.uses, tuple(w))
                for a, b, w in zip(cur, ends_at, weights, strict=True)
            ]
        )
    return [SingleStepPlan(a, row) for a, *row in zip(cur, *planned, strict=True)]


def _levels(problem: Problem, lam: np.ndarray) -> list[Level]:
    return levels_at(problem.schedule, problem.schedule.time_of(torch.from_numpy(lam)))


def advance(problem: Problem, prediction: str, plan: SingleStepPlan, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """One step; returns the new particles and the predictions made on the way, in order."""
    made = [problem.predict(x, plan.start, prediction)]
    for stage in plan.stages[:-1]:
        made.append(problem.predict(combine(x, stage, made), stage.level, prediction))
    return combine(x, plan.stages[-1], made), made


def combine(x: Tensor, stage: StagePlan, made: Sequence[Tensor]) -> Tensor:
    """The state at a stage from the predictions made so far."""
    result = x * stage.carry
    for k, weight in zip(stage.uses, stage.weights, strict=True):
        result.add_(made[k], alpha=weight)
    return result


@dataclass(frozen=True)
class ExponentialSingleStep(Solver):
    """Inner points by exponential steps of lower order; the new state from a polynomial through their predictions.

    Attributes
    ----------
    prediction : "eps" or "x0".
    stages : the exponential tableau.

    Order: that of the stages. NFE per step: one a stage. Fails when steps are long against the scale on which the
    prediction changes in lambda.
    """

    prediction: str
    stages: tuple[Stage, ...]

    def plan(self, problem: Problem, times: Tensor) -> Sequence[Any]:
        levels = levels_at(problem.schedule, times)
        cur, nxt = zip(*pairwise(levels), strict=True)
        return plan_steps(problem, Kernel(self.prediction), self.stages, cur, nxt)

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        x_next, _ = advance(context.problem, self.prediction, context.plan[i], x)
        return x_next, None
