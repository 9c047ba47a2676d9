"""Exponential multistep methods: DDIM, DEIS, DPM-Solver, DPM-Solver++, UniPC, LMS and PNDM as rows of one table.

A method extrapolates its last predictions by a polynomial and integrates that against the exact kernel
(:mod:`core.solvers.integrals`). A row says which prediction, in which variable, through how many values, with which
moments replaced by a published shortcut, and whether a corrector follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import RHO
from core.solvers.integrals import Kernel, MomentRule, ends_of, exact
from core.solvers.runge_kutta import EULER, HEUN, KUTTA3, RK4, RungeKutta

PublishedWeights = Callable[[Kernel, Any, list[Level], Level], np.ndarray]
_STARTERS = {1: EULER, 2: HEUN, 3: KUTTA3, 4: RK4}
STARTS = ("ramp", "single-step")


class Update(NamedTuple):
    """One step: ``x_next = carry x + sum_j weights_j prediction_j``, newest first.

    Attributes
    ----------
    level : where the step begins.
    carry, weights : of the predictor.
    corrected : weights of the corrector, whose first prediction is made at the predicted end; empty without one.
    next_level : where the step ends.
    starter : a Runge-Kutta plan where the step is taken by the starting method.
    spread : factor of fresh standard noise; 0 for the ODE.
    """

    level: Level
    next_level: Level
    carry: float
    weights: tuple[float, ...] = ()
    corrected: tuple[float, ...] = ()
    starter: Any = None
    spread: float = 0.0


@dataclass(frozen=True)
class ExponentialMultistep(Solver):
    """Extrapolate the last ``nodes`` predictions by a polynomial and integrate it against the exponential kernel.

    ``x_next = carry x + sum_j w_j prediction_j``, newest first; the weights are in ``plan``. With a corrector the model
    is asked at the end of the step, the step is taken again with that prediction among the nodes (and with the same
    noise, if there is any), and the next step starts from it: one evaluation a step all the same. The last step is not
    corrected, as nothing would be asked there.

    Attributes
    ----------
    kernel : prediction, interpolation variable and quadrature.
    nodes : how many past predictions are used; the order, when the moments are exact, and one less than the order with
        a corrector.
    rules : moment rule for each number of nodes; exact where none is named. The corrector's new value counts.
    corrector : whether each step but the last is corrected.
    start : "ramp" begins with one node and adds one a step, as published; "single-step" begins with a Runge-Kutta
        method of full order in (x/alpha, sigma/alpha), which costs ``nodes`` evaluations in each of the first
        ``nodes - 1`` steps and keeps the order when the first steps matter.
    lower_order_final : finish with fewer and fewer nodes, which is steadier at few steps.
    published : for a published formula that is no moment rule, ``(kernel, schedule, history, next) -> weights`` of the
        predictor (or, with a corrector, of the corrector); ``history`` is newest first.

    NFE per step: 1. Fails when steps are long against the scale on which the prediction changes in lambda.
    """

    kernel: Kernel
    nodes: int
    rules: tuple[tuple[int, MomentRule], ...] = ()
    corrector: bool = False
    start: str = "ramp"
    lower_order_final: bool = False
    published: PublishedWeights | None = None

    @property
    def prediction(self) -> str:
        """What is extrapolated: "eps" or "x0"."""
        return self.kernel.prediction

    def plan(self, problem: Problem, times: Tensor) -> Sequence[Update]:
        levels = levels_at(problem.schedule, times)
        steps = len(levels) - 1
        counts = [self._count(i, steps) for i in range(steps)]
        plan: list[Update] = [None] * steps  # type: ignore[list-item]
        for count in sorted(set(counts)):  # steps with the same number of nodes are planned at once
            for i, update in self._alike(problem, levels, [i for i in range(steps) if counts[i] == count], count):
                plan[i] = update
        return [self._started(problem, times, i, steps) or update for i, update in enumerate(plan)]

    def _count(self, i: int, steps: int) -> int:
        remaining = steps - i if self.lower_order_final else self.nodes
        return min(self.nodes, i + 1, remaining)

    def _started(self, problem: Problem, times: Tensor, i: int, steps: int) -> Update | None:
        """The Runge-Kutta step that stands in for a step with too short a history, if one does."""
        remaining = steps - i if self.lower_order_final else self.nodes
        if self.start != "single-step" or not i + 1 < self.nodes <= remaining:
            return None
        plan = self._starter.plan(problem, times[i : i + 2])[0]
        level = plan.stages[0].level
        return Update(level, level, 0.0, starter=plan)

    @property
    def _starter(self) -> RungeKutta:
        return RungeKutta(_STARTERS[self.nodes], RHO, kind=self.prediction)

    def _alike(self, problem: Problem, levels: list[Level], steps: list[int], count: int) -> list[tuple[int, Update]]:
        """The updates of ``steps``, all of which look back on ``count`` predictions."""
        cur, nxt = [levels[i] for i in steps], [levels[i + 1] for i in steps]
        ends = ends_of(cur, nxt)
        past = np.array([[levels[i - j].lam for j in range(count)] for i in steps])
        weights = self._weights(problem, ends, past).tolist()
        corrected: list[list[float]] = [[]] * len(steps)
        if self.corrector:
            corrected = self._weights(problem, ends, np.concatenate([ends.lam_next[:, None], past], axis=1)).tolist()
        if self.published is not None:
            own = [
                self.published(
                    self.kernel, problem.schedule, [levels[i - j] for j in range(count)], levels[i + 1]
                ).tolist()
                for i in steps
            ]
            weights, corrected = (weights, own) if self.corrector else (own, corrected)
        last = len(levels) - 2
        return [
            (
                i,
                Update(
                    a,
                    b,
                    self.kernel.carry(a, b),
                    tuple(w),
                    tuple(c) if i < last else (),
                    spread=self.kernel.spread(a, b),
                ),
            )
            for i, a, b, w, c in zip(steps, cur, nxt, weights, corrected, strict=True)
        ]

    def _weights(self, problem: Problem, ends: Any, nodes: np.ndarray) -> np.ndarray:
        rule = dict(self.rules).get(nodes.shape[1], exact)
        return self.kernel.weights(problem.schedule, ends, nodes, rule)

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        update: Update = context.plan[i]
        asked, past = state if state is not None else (None, ())
        if update.starter is not None:
            x_next, newest = self._starter.advance(context.problem, update.starter, x)
            return x_next, (None, (newest, *past)[: self.nodes])
        newest = context.problem.predict(x, update.level, self.prediction) if asked is None else asked
        history = (newest, *past)[: self.nodes]
        noise = context.path.standard(update.level.t, update.next_level.t).to(x) if update.spread else None
        x_next = _combine(x, update.carry, update.weights, history, update.spread, noise)
        asked = None
        if update.corrected:
            asked = context.problem.predict(x_next, update.next_level, self.prediction)
            x_next = _combine(x, update.carry, update.corrected, (asked, *history), update.spread, noise)
        return x_next, (asked, history[: self.nodes])


def _combine(
    x: Tensor,
    carry: float,
    weights: tuple[float, ...],
    predictions: tuple[Tensor, ...],
    spread: float,
    noise: Tensor | None,
) -> Tensor:
    terms = zip(weights, predictions, strict=False)
    if carry == 1:  # as in eps under a schedule that keeps the signal: one pass over the particles less
        weight, prediction = next(terms)
        x_next = torch.add(x, prediction, alpha=weight)
    else:
        x_next = x * carry
    for weight, prediction in terms:
        x_next.add_(prediction, alpha=weight)
    return x_next if noise is None else x_next.add_(noise, alpha=spread)
