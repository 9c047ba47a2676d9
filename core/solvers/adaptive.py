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
from core.schedules import Schedule
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


class Piece(NamedTuple):
    """One step of a run as a function of its chart's independent variable."""

    chart: Chart
    interpolant: integrate.DenseOutput

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum(getattr(part, "nbytes", 0) for part in vars(self.interpolant).values())


def states_between(pieces: Sequence[Piece], schedule: Schedule, times: Tensor, like: Tensor) -> Tensor:
    """A finished run (``solve(..., dense=True).pieces``) at other times between its ends, (S + 1,): no model is asked.

    Returns (S + 1, *like.shape) in the precision of ``like``.
    """
    chart, levels = pieces[0].chart, levels_at(schedule, times)
    positions = np.array([chart.position(level) for level in levels])
    steps = [interpolant for _, interpolant in pieces]
    way = np.sign(steps[0].t - steps[0].t_old)
    # a time on the border of two steps belongs to the one that ends there
    which = np.searchsorted([way * step.t for step in steps], way * positions).clip(max=len(steps) - 1)
    states = [steps[k](u) * chart.unit(level) for k, u, level in zip(which, positions, levels, strict=True)]
    return torch.from_numpy(np.stack(states)).reshape(len(times), *like.shape).to(like)


class _Levels:
    """The levels at the stages of the next step, computed at once: one by one they cost more than a small model."""

    def __init__(self, chart: Chart, problem: Problem):
        self.chart, self.problem = chart, problem
        self._known: dict[float, Level] = {}

    def expect(self, stepper: integrate.OdeSolver) -> None:
        """Look ahead by the arithmetic of SciPy's own step, so that the positions are the same to the last bit."""
        least = 10 * abs(math.nextafter(stepper.t, stepper.direction * math.inf) - stepper.t)
        ahead = stepper.t + stepper.direction * min(max(stepper.h_abs, least), stepper.max_step)
        if not math.isfinite(ahead):
            return
        ahead = ahead if stepper.direction * (ahead - stepper.t_bound) <= 0 else stepper.t_bound
        h = ahead - stepper.t
        stages = (*stepper.C[1:].tolist(), 1.0, *getattr(stepper, "C_EXTRA", ()))
        positions = [stepper.t + float(c) * h for c in stages]
        self._known = dict(zip(positions, self.chart.levels_at(self.problem, positions), strict=True))

    def at(self, position: float) -> Level:
        """The level at a position, expected or not (the step was tried again, and shorter)."""
        level = self._known.get(position)
        if level is None or not (level.alpha > 0 and level.sigma > 0):  # then this says why not
            level = self.chart.level_at(self.problem, position)
        return level


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
        stepper, levels, interpolant = state if state is not None else (*self._start(context, interval, x), None)
        target = self.chart.position(interval.next)
        while stepper.direction * (target - stepper.t) > 0:
            context.interrupt()
            levels.expect(stepper)
            with np.errstate(over="ignore", invalid="ignore"):  # infinities make SciPy shorten the step, as they should
                stepper.step()
            interpolant = None
            if stepper.status == "failed":
                raise StepSizeVanished(message(TOO_SHORT))
            if context.pieces is not None:
                interpolant = stepper.dense_output()
                context.pieces.append(Piece(self.chart, interpolant))
        if stepper.t == target or not context.record:
            u = stepper.y
        else:
            interpolant = interpolant or stepper.dense_output()  # costs evaluations: once a step
            u = interpolant(target)
        x_next = torch.from_numpy(u.reshape(tuple(x.shape)) * self.chart.unit(interval.next))
        return x_next.to(x), (stepper, levels, interpolant)

    def _start(self, context: Context, interval: _Interval, x: Tensor) -> tuple[integrate.OdeSolver, _Levels]:
        chart, problem = self.chart, context.problem
        levels = _Levels(chart, problem)

        def rate(position: float, u: np.ndarray) -> np.ndarray:
            if not math.isfinite(
                position
            ):  # from a slope that is NaN SciPy guesses such a step, and shortens it for ever
                raise StepSizeVanished(message("the model's prediction is not finite at the start"))
            level = levels.at(position)
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
            return METHODS[self.method](rate, first, start, last, rtol=self.rtol, atol=self.atol), levels
