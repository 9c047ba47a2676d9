"""Explicit Runge-Kutta methods: one engine, one table of numbers a method."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import Chart


@dataclass(frozen=True)
class Tableau:
    """A Butcher tableau of an explicit method.

    Attributes
    ----------
    a : rows of the strictly lower triangle, ``a[i]`` with i entries.
    b : weights of the stages.

    The nodes ``c`` are the row sums. Raises ``ValueError`` if the weights do not sum to one or the triangle does
    not fit.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]

    def __post_init__(self) -> None:
        if [len(row) for row in self.a] != list(range(len(self.b))):
            raise ValueError(f"row i of an explicit tableau needs i entries, got rows of {[len(r) for r in self.a]}")
        if abs(sum(self.b) - 1) > 1e-14:
            raise ValueError(f"the weights of a tableau must sum to 1, got {sum(self.b)}")

    @property
    def c(self) -> tuple[float, ...]:
        """Stage positions as fractions of the step."""
        return tuple(sum(row) for row in self.a)


EULER = Tableau(((),), (1.0,))
MIDPOINT = Tableau(((), (1 / 2,)), (0.0, 1.0))
HEUN = Tableau(((), (1.0,)), (1 / 2, 1 / 2))
RALSTON = Tableau(((), (2 / 3,)), (1 / 4, 3 / 4))
KUTTA3 = Tableau(((), (1 / 2,), (-1.0, 2.0)), (1 / 6, 2 / 3, 1 / 6))
RK4 = Tableau(((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6))


class _Stage(NamedTuple):
    level: Level
    kind: str
    keep: float
    gain: float
    unit: float


class _StepPlan(NamedTuple):
    stages: tuple[_Stage, ...]
    length: float
    next_unit: float


@dataclass(frozen=True)
class RungeKutta(Solver):
    """``k_i = rate(u + h sum_j a_ij k_j)``, ``u_next = u + h sum_i b_i k_i`` in the variables of a chart.

    Order: that of the tableau. NFE per step: one a stage. Fails where the rate is stiff in its chart: in t, near the
    data end of most schedules.

    Source: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.1; for the charts see
    :mod:`core.solvers.charts`.
    """

    tableau: Tableau
    chart: Chart
    kind: str | None = None  # force one prediction; None takes the problem's preferred one at each level

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_StepPlan]:
        levels = levels_at(problem.schedule, times)
        return [self.plan_between(problem, cur, nxt) for cur, nxt in pairwise(levels)]

    def plan_between(self, problem: Problem, cur: Level, nxt: Level) -> _StepPlan:
        start = self.chart.position(cur)
        length = self.chart.position(nxt) - start
        ends = {0.0: cur, 1.0: nxt}  # exact at the ends, where an inverse function would round
        stages = []
        for c in self.tableau.c:
            level = ends.get(c) or self.chart.level_at(problem, start + c * length)
            kind = self.kind or problem.preferred(level)
            stages.append(_Stage(level, kind, *self.chart.coefficients(level, kind), self.chart.unit(level)))
        return _StepPlan(tuple(stages), length, self.chart.unit(nxt))

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        x_next, _ = self.advance(context.problem, context.plan[i], x)
        return x_next, None

    def advance(self, problem: Problem, plan: _StepPlan, x: Tensor) -> tuple[Tensor, Tensor]:
        """One step; returns the new particles and the prediction made at the start of the step."""
        # factors of one and terms of zero, of which some charts are full, are left out: they would cost as much as any
        u = _times(x, 1 / plan.stages[0].unit)
        rates: list[tuple[Tensor, float]] = []  # each slope as a tensor and its factor
        first_prediction = None
        for stage, row in zip(plan.stages, self.tableau.a, strict=True):
            u_stage = _combine(u, rates, row, plan.length)
            prediction = problem.predict(_times(u_stage, stage.unit), stage.level, stage.kind)
            if first_prediction is None:
                first_prediction = prediction
            if stage.keep:
                rates.append((torch.add(stage.gain * prediction, u_stage, alpha=stage.keep), 1.0))
            else:
                rates.append((prediction, stage.gain))
        return _times(_combine(u, rates, self.tableau.b, plan.length), plan.next_unit), first_prediction


def _times(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else x * factor


def _combine(u: Tensor, rates: list[tuple[Tensor, float]], weights: Sequence[float], length: float) -> Tensor:
    for (rate, factor), weight in zip(rates, weights, strict=True):
        if weight:
            u = torch.add(u, rate, alpha=weight * length * factor)
    return u
