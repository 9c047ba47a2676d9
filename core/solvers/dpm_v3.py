"""DPM-Solver-v3: extrapolate the combination of noise and data that changes least along the exact paths.

With ``y = x / alpha``, ``u = y - m`` and the statistics ``m``, ``l`` and ``c = std(f)`` of the model
(:mod:`core.solvers.dpm_v3_statistics`), ``f = rho eps - l u = (1 - l) u - (x0 - m)``. In each dimension by itself the
probability-flow ODE has the exact solution

    u_next = e^(L_cur - L_next) u - int e^(L - L_next) c g dlambda,    g = f / c,    L = int l dlambda.

``g`` is replaced by the polynomial in lambda through its last values, which is integrated exactly. With ``l = 0`` and
``c = rho`` (``s = -1``) this is the multistep DPM-Solver, with ``l = 1`` and a constant ``c`` (``s = 0``) DPM-Solver++.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import RHO
from core.solvers.dpm_v3_statistics import statistics_of
from core.solvers.runge_kutta import HEUN, KUTTA3, RungeKutta

_STARTERS = {2: HEUN, 3: KUTTA3}
_NODES, _WEIGHTS = (values / 2 for values in np.polynomial.legendre.leggauss(48))
_BLOCK = 1 << 20  # numbers at quadrature nodes that are held at once


class Coefficients(Protocol):
    """What the method asks of statistics: functions of lambda (...) with values (..., D), and the mean (D,)."""

    @property
    def mean(self) -> np.ndarray: ...

    def linear(self, lam: np.ndarray) -> np.ndarray: ...

    def linear_integral(self, lam: np.ndarray) -> np.ndarray: ...

    def log_scale(self, lam: np.ndarray) -> np.ndarray: ...


class Reading(NamedTuple):
    """How ``f`` is read off a prediction at a level: ``f = keep x + lift + gain prediction``.

    ``keep`` and ``lift`` are the two rows of ``rows``, (2, *shape).
    """

    level: Level
    gain: float
    rows: Tensor


class Update(NamedTuple):
    """One step: ``x_next = carry x + shift + sum_j weights_j f_j``, newest first.

    Attributes
    ----------
    cur, nxt : where the step begins and ends.
    rows : (2 + n, *shape): ``carry``, ``shift`` and the weights.
    corrected : (2 + n, *shape), the newest value being that at the predicted end; None without a corrector.
    starter : a Runge-Kutta plan where the step is taken by the starting method.
    """

    cur: Reading
    nxt: Reading
    rows: Tensor
    corrected: Tensor | None = None
    starter: Any = None


@dataclass(frozen=True)
class DPMSolverV3(Solver):
    """Multistep DPM-Solver-v3 of order ``nodes``.

    Attributes
    ----------
    nodes : how many past values of ``g`` are used; the order.
    prediction : what the model is asked for, "x0" or "eps"; the numbers are the same up to rounding.
    corrector : take each step but the first and the last again with the value at its predicted end among the nodes, in
        place of the oldest. That value also serves the next step, so no evaluation is added.
    start : "ramp" begins with one node and adds one a step; "single-step" with a Runge-Kutta method of full order,
        which costs ``nodes`` evaluations in each of the first ``nodes - 1`` steps.
    lower_order_final : finish with fewer and fewer nodes.
    statistics : where the coefficients come from.

    NFE per step: 1; the statistics of a model are computed once and not counted. Without exact statistics there is a
    ``ValueError``. Fails when steps are long against the scale on which the posterior changes in lambda, as all
    multistep methods do, and where one coefficient a dimension describes the model poorly.

    Source: Zheng, Lu, Chen and Zhu 2023 (arXiv 2310.13268), section 3. Their "pseudo-order" differences, which are
    derivatives to first order in the step only, are left out: they lose the order.
    """

    nodes: int
    prediction: str = "x0"
    corrector: bool = False
    start: str = "ramp"
    lower_order_final: bool = False
    statistics: Callable[[Problem], Coefficients] = statistics_of

    def plan(self, problem: Problem, times: Tensor) -> Sequence[Update]:
        known = self.statistics(problem)
        levels = levels_at(problem.schedule, times)
        shape, steps = tuple(problem.model.shape), len(levels) - 1
        path = _Path(known, levels, self.nodes)
        readings = [self._reading(known, level, shape) for level in levels]
        plan = []
        for i in range(steps):
            starter = self._started(problem, times, i, steps)
            count = self._count(i, steps)
            rows = path.rows(i, range(i, i - count, -1), shape)
            corrects = self.corrector and starter is None and count > 1 and i < steps - 1
            corrected = path.rows(i, range(i + 1, i + 1 - count, -1), shape) if corrects else None
            plan.append(Update(readings[i], readings[i + 1], rows, corrected, starter))
        return plan

    def _count(self, i: int, steps: int) -> int:
        remaining = steps - i if self.lower_order_final else self.nodes
        return min(self.nodes, i + 1, remaining)

    def _started(self, problem: Problem, times: Tensor, i: int, steps: int) -> Any:
        """The Runge-Kutta step that stands in for a step with too short a history, if one does."""
        remaining = steps - i if self.lower_order_final else self.nodes
        if self.start != "single-step" or not i + 1 < self.nodes <= remaining:
            return None
        return self._starter.plan(problem, times[i : i + 2])[0]

    @property
    def _starter(self) -> RungeKutta:
        return RungeKutta(_STARTERS[self.nodes], RHO, kind=self.prediction)

    def _reading(self, known: Coefficients, level: Level, shape: tuple[int, ...]) -> Reading:
        linear = known.linear(np.array(level.lam))
        keep, gain = (1 - linear, -1.0) if self.prediction == "x0" else (-linear, level.rho)
        return Reading(level, gain, _tensor([keep / level.alpha, linear * known.mean], shape))

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        update: Update = context.plan[i]
        asked, past = state if state is not None else (None, ())
        if update.starter is not None:
            x_next, prediction = self._starter.advance(context.problem, update.starter, x)
            return x_next, (None, (_read(update.cur, x, prediction), *past))
        newest = self._ask(context.problem, update.cur, x) if asked is None else asked
        history = (newest, *past)[: self.nodes]
        x_next = _advance(update.rows, x, history)
        asked = None
        if update.corrected is not None:
            asked = self._ask(context.problem, update.nxt, x_next)
            x_next = _advance(update.corrected, x, (asked, *history))
        return x_next, (asked, history)

    def _ask(self, problem: Problem, reading: Reading, x: Tensor) -> Tensor:
        return _read(reading, x, problem.predict(x, reading.level, self.prediction))


class _Path:
    """Integrals along a grid, computed once for all steps; rows of weights are made from them."""

    def __init__(self, known: Coefficients, levels: list[Level], nodes: int):
        self.lam = np.array([level.lam for level in levels])
        self.alpha = np.array([level.alpha for level in levels])
        self.mean = known.mean
        self.growth = known.linear_integral(self.lam)  # (S + 1, D), like the next
        self.log_scale = known.log_scale(self.lam)
        block = max(1, _BLOCK // (len(_NODES) * len(known.mean)))
        parts = [
            self._moments(known, i, min(i + block, len(levels) - 1), nodes) for i in range(0, len(levels) - 1, block)
        ]
        self.moments = np.concatenate(parts)  # (S, nodes, D): of xi^m, which runs from 0 to 1 over each step

    def _moments(self, known: Coefficients, first: int, last: int, nodes: int) -> np.ndarray:
        """Integrals of ``xi^m`` against ``-e^(L - L_next) c / c_cur`` over the steps from ``first`` to ``last``."""
        h = np.diff(self.lam[first : last + 1])
        xi = _NODES + 0.5
        lam = self.lam[first:last, None] + h[:, None] * xi
        exponent = known.linear_integral(lam) - self.growth[first + 1 : last + 1, None]
        exponent += known.log_scale(lam) - self.log_scale[first:last, None]
        kernel = -np.exp(exponent) * (h[:, None] * _WEIGHTS)[:, :, None]
        return np.einsum("snd,mn->smd", kernel, xi ** np.arange(nodes)[:, None])

    def rows(self, i: int, nodes: range, shape: tuple[int, ...]) -> Tensor:
        """``carry``, ``shift`` and the weights of the values of ``f`` at the given levels in step ``i``."""
        at = list(nodes)
        xi = (self.lam[at] - self.lam[i]) / (self.lam[i + 1] - self.lam[i])
        weights = np.linalg.solve(xi ** np.arange(len(at))[:, None], self.moments[i, : len(at)])
        weights *= np.exp(self.log_scale[i] - self.log_scale[at]) * self.alpha[i + 1]  # g = f / c
        carry = np.exp(self.growth[i] - self.growth[i + 1])
        shift = -np.expm1(self.growth[i] - self.growth[i + 1]) * self.alpha[i + 1] * self.mean
        return _tensor([carry * (self.alpha[i + 1] / self.alpha[i]), shift, *weights], shape)


def _tensor(rows: Sequence[np.ndarray], shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.stack(rows)).reshape(-1, *shape)


def _read(reading: Reading, x: Tensor, prediction: Tensor) -> Tensor:
    """``f`` at ``x``."""
    keep, lift = reading.rows.to(x)
    return torch.addcmul(lift, keep, x).add_(prediction, alpha=reading.gain)


def _advance(rows: Tensor, x: Tensor, history: tuple[Tensor, ...]) -> Tensor:
    carry, shift, *weights = rows.to(x)
    x_next = torch.addcmul(shift, carry, x)
    for weight, value in zip(weights, history, strict=False):
        x_next.addcmul_(weight, value)
    return x_next
