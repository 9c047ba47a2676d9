"""Embedded pairs: two answers from the same evaluations, whose difference estimates the error of a step."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import integrate
from torch import Tensor

from core.problem import Level, Problem
from core.solvers.charts import TIME
from core.solvers.integrals import Kernel, ends_of
from core.solvers.single_step import Stage, StagePlan, combine, plan_steps


class Trial(NamedTuple):
    """What a pair makes of one step.

    Attributes
    ----------
    high, low : the answer to go on with, and the one to compare it with.
    inside : the state at a level within the step, at no evaluation.
    asked : how often the model was asked for it.
    known : what the next step can use if this one is accepted.
    """

    high: Tensor
    low: Tensor
    inside: Callable[[Level], Tensor]
    asked: int
    known: Any = None


class Pair(ABC):
    """A method of two orders, and the variable in which its steps are measured.

    Attributes
    ----------
    order : of the error estimate in the step.
    """

    order: int

    @abstractmethod
    def position(self, level: Level) -> float:
        """The variable in which steps are measured; it rises along a run."""

    @abstractmethod
    def level_at(self, problem: Problem, position: float) -> Level:
        """The level at which that variable has the value ``position``."""

    @abstractmethod
    def first_step(self, problem: Problem, cur: Level, x: Tensor, rtol: float, atol: float) -> tuple[float, Any]:
        """Length of the first step, and what its evaluations let the first step use."""

    @abstractmethod
    def attempt(self, problem: Problem, cur: Level, nxt: Level, x: Tensor, known: Any) -> Trial:
        """Try a step from ``cur`` to ``nxt``."""

    @abstractmethod
    def error(self, trial: Trial, x: Tensor, previous: Tensor, rtol: float, atol: float) -> float:
        """Estimated error over the tolerance; ``previous`` is the lower answer of the last accepted step."""


@dataclass(frozen=True)
class DormandPrince(Pair):
    """Dormand and Prince's pair of orders 5 and 4 in t: seven stages, the last of which is the next step's first.

    The error is the root mean square over all numbers of the batch, as in ``scipy.integrate.RK45``, whose coefficients
    are used. States inside a step come from its interpolant of order 4.

    Source: Dormand and Prince 1980, Journal of Computational and Applied Mathematics 6, 19; Shampine 1986, Mathematics
    of Computation 46, 135 (the interpolant).
    """

    order = 5

    def position(self, level: Level) -> float:
        return -level.t

    def level_at(self, problem: Problem, position: float) -> Level:
        return problem.level(-position)

    def first_step(self, problem: Problem, cur: Level, x: Tensor, rtol: float, atol: float) -> tuple[float, Any]:
        rate = self._rate(problem, cur, x)
        scale = atol + rtol * x.abs()
        size, slope = (_rms(v / scale) for v in (x, rate))
        return (0.01 * size / slope if slope > 0 else 1e-3), rate

    def attempt(self, problem: Problem, cur: Level, nxt: Level, x: Tensor, known: Any) -> Trial:
        tableau, dt = integrate.RK45, nxt.t - cur.t
        rates = [self._rate(problem, cur, x) if known is None else known]
        for row, c in zip(tableau.A[1:], tableau.C[1:], strict=True):
            level = nxt if c == 1 else problem.level(cur.t + c * dt)
            rates.append(self._rate(problem, level, _weighted(x, rates, row, dt)))
        high = _weighted(x, rates, tableau.B, dt)
        rates.append(self._rate(problem, nxt, high))
        low = _weighted(high, rates, -tableau.E, dt)

        def inside(level: Level) -> Tensor:
            share = (level.t - cur.t) / dt
            return _weighted(x, rates, tableau.P @ share ** np.arange(1, 5), dt)

        return Trial(high, low, inside, len(rates) - (known is not None), rates[-1])

    def error(self, trial: Trial, x: Tensor, previous: Tensor, rtol: float, atol: float) -> float:
        scale = atol + rtol * torch.maximum(x.abs(), trial.high.abs())
        return _rms((trial.high - trial.low) / scale)

    def _rate(self, problem: Problem, level: Level, x: Tensor) -> Tensor:
        kind = problem.preferred(level)
        keep, gain = TIME.coefficients(level, kind)
        return torch.add(gain * problem.predict(x, level, kind), x, alpha=keep)


@dataclass(frozen=True)
class ExponentialPair(Pair):
    """A single-step DPM-Solver and the one of an order less inside it, in lambda.

    The error is the largest root mean square of any particle, against the larger of ``atol`` and ``rtol`` times the
    lower answers of this step and the last. States inside a step come from the polynomial of its last stage, with an
    error of the lower order.

    Attributes
    ----------
    prediction : "eps" or "x0".
    high, low : stages of the two methods; those of ``low`` but the last are the first of ``high``.
    first : length of the first step in lambda.

    Source: Lu et al. 2022 (arXiv 2206.00927), appendix C.
    """

    prediction: str
    high: tuple[Stage, ...]
    low: tuple[Stage, ...]
    first: float

    @property
    def order(self) -> int:  # type: ignore[override]
        """Evaluations of a step, and the order of its error estimate."""
        return len(self.high)

    def position(self, level: Level) -> float:
        return level.lam

    def level_at(self, problem: Problem, position: float) -> Level:
        return problem.level(float(problem.schedule.time_of(torch.tensor(position, dtype=torch.float64))))

    def first_step(self, problem: Problem, cur: Level, x: Tensor, rtol: float, atol: float) -> tuple[float, Any]:
        return self.first, None

    def attempt(self, problem: Problem, cur: Level, nxt: Level, x: Tensor, known: Any) -> Trial:
        kernel = Kernel(self.prediction)
        (low,), (high,) = (plan_steps(problem, kernel, stages, [cur], [nxt]) for stages in (self.low, self.high))
        made = [problem.predict(x, cur, self.prediction)]
        for stage in high.stages[:-1]:
            made.append(problem.predict(combine(x, stage, made), stage.level, self.prediction))
        places = [0.0, *(stage.at for stage in self.high[:-1])]
        uses = self.high[-1].uses

        def inside(level: Level) -> Tensor:
            nodes = np.array([[cur.lam + (nxt.lam - cur.lam) * places[k] for k in uses]])
            weights = kernel.weights(problem.schedule, ends_of([cur], [level]), nodes)[0]
            return combine(x, StagePlan(level, kernel.carry(cur, level), uses, tuple(weights.tolist())), made)

        return Trial(combine(x, high.stages[-1], made), combine(x, low.stages[-1], made), inside, len(made))

    def error(self, trial: Trial, x: Tensor, previous: Tensor, rtol: float, atol: float) -> float:
        scale = (rtol * torch.maximum(trial.low.abs(), previous.abs())).clamp(min=atol)
        squared = ((trial.high - trial.low) / scale).flatten(1).square()
        return float(squared.mean(dim=1).max().sqrt())


def _weighted(x: Tensor, rates: Sequence[Tensor], weights: np.ndarray, dt: float) -> Tensor:
    for rate, weight in zip(rates, weights.tolist(), strict=False):
        if weight:
            x = torch.add(x, rate, alpha=weight * dt)
    return x


def _rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())
