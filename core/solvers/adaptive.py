"""SciPy's adaptive Runge-Kutta pairs on the probability-flow ODE, and through them the reference solution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import integrate
from torch import Tensor

from core.language import mark, message
from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import Chart

METHODS = {"RK45": integrate.RK45, "DOP853": integrate.DOP853}
TOO_SHORT = mark("the error control asks for a step below what float64 can resolve")


class StepSizeVanished(RuntimeError):
    """The error control asked for a step below what float64 can resolve."""


class _Interval(NamedTuple):
    cur: Level
    next: Level
    last: Level


@dataclass(frozen=True)
class ScipyAdaptive(Solver):
    """An embedded Runge-Kutta pair that chooses its own steps and reports at the times of the grid.

    The model is asked in float64 whatever the particles' precision, since rounded answers would keep the error control
    from ever being content (and a network of single precision does, at tolerances below about 1e-6). The steps do not
    depend on the grid; states at inner times come from the method's own interpolant, the last from its last step.

    Attributes
    ----------
    method : "RK45" (Dormand and Prince, order 5(4)) or "DOP853" (order 8(5,3)).
    chart : the variables of integration.
    rtol, atol : relative and absolute tolerance on the root mean square over all numbers of the batch.

    Fails, with a message, when the step size falls below what float64 resolves.
    Source: scipy.integrate; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.5.
    """

    method: str
    chart: Chart
    rtol: float
    atol: float

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Interval]:
        levels = levels_at(problem.schedule, times)
        return [_Interval(cur, nxt, levels[-1]) for cur, nxt in pairwise(levels)]

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        interval: _Interval = context.plan[i]
        stepper, interpolant = state if state is not None else (self._start(context, interval, x), None)
        target = self.chart.position(interval.next)
        while stepper.direction * (target - stepper.t) > 0:
            context.interrupt()
            with np.errstate(over="ignore", invalid="ignore"):  # infinities make SciPy shorten the step, as they should
                stepper.step()
            interpolant = None
            if stepper.status == "failed":
                raise StepSizeVanished(message(TOO_SHORT))
        if stepper.t == target or not context.record:
            u = stepper.y
        else:
            interpolant = interpolant or stepper.dense_output()  # costs evaluations: once a step
            u = interpolant(target)
        x_next = torch.from_numpy(u.reshape(tuple(x.shape)) * self.chart.unit(interval.next))
        return x_next.to(x), (stepper, interpolant)

    def _start(self, context: Context, interval: _Interval, x: Tensor) -> integrate.OdeSolver:
        chart, problem = self.chart, context.problem

        def rate(position: float, u: np.ndarray) -> np.ndarray:
            if not math.isfinite(
                position
            ):  # from a slope that is NaN SciPy guesses such a step, and shortens it for ever
                raise StepSizeVanished(message("the model's prediction is not finite at the start"))
            level = chart.level_at(problem, position)
            kind = problem.preferred(level)
            keep, gain = chart.coefficients(level, kind)
            here = torch.from_numpy(u)
            x_here = (here * chart.unit(level)).reshape(x.shape).to(x.device)
            prediction = problem.predict(x_here, level, kind)
            # in torch, where an overflow gives inf and no warning: SciPy then shortens the step
            return (keep * here + gain * prediction.to("cpu", torch.float64).reshape(-1)).numpy()

        start = x.detach().to("cpu", torch.float64).numpy().reshape(-1) / chart.unit(interval.cur)
        first, last = chart.position(interval.cur), chart.position(interval.last)
        with np.errstate(over="ignore", invalid="ignore"):
            return METHODS[self.method](rate, first, start, last, rtol=self.rtol, atol=self.atol)
