"""Exponential multistep methods: DDIM, DPM-Solver, DPM-Solver++ and DEIS as rows of one table.

With ``h = lambda_next - lambda_cur`` the ODE has the exact solutions

    x_next = alpha_next/alpha_cur x - sigma_next int_0^h e^(h-u) eps du
    x_next = sigma_next/sigma_cur x + alpha_next int_0^h e^(u-h) x0  du

(Lu et al. 2022, arXiv 2206.00927, proposition 3.1, and arXiv 2211.01095, proposition 4.1). A method replaces the
prediction by the polynomial through its last values in some variable ``xi`` and integrates that exactly. Its weights
are therefore fixed by moments: ``sum_j w_j xi_j^m = M_m``, the integral of ``xi^m`` against the kernel, for every
power ``m`` below the number of nodes. A published shortcut is a row with one changed moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import RHO
from core.solvers.runge_kutta import EULER, HEUN, KUTTA3, RK4, RungeKutta

Moments = np.ndarray
MomentRule = Callable[[Moments], Moments]


def exact(moments: Moments) -> Moments:
    """Moments as they are: the interpolating polynomial is integrated exactly."""
    return moments


def half_weight(moments: Moments) -> Moments:
    """First moment replaced by half the zeroth: the shortcut of DPM-Solver-2M and DPM-Solver++ 2M.

    The two differ by O(h^3), so the order stays 2. Source: Lu et al. 2022 (arXiv 2211.01095), algorithm 2.
    """
    return np.array([moments[0], moments[0] / 2])


def half_second_moment(moments: Moments) -> Moments:
    """Second moment halved: what the multistep third-order update computes as it is published.

    The public code's second difference lacks the factor 2 that a second derivative needs; the order falls to 2.
    Source: the third-order multistep update of the authors' code for arXiv 2206.00927 and 2211.01095.
    """
    return np.array([moments[0], moments[1], moments[2] / 2])


VARIABLES: dict[str, Callable[[Any, np.ndarray], np.ndarray]] = {
    "lambda": lambda schedule, lam: lam,
    "rho": lambda schedule, lam: np.exp(-lam),
    "t": lambda schedule, lam: schedule.time_of(lam).numpy(),
}
_GAUSS_NODES, _GAUSS_WEIGHTS = (values / 2 for values in np.polynomial.legendre.leggauss(48))
_STARTERS = {1: EULER, 2: HEUN, 3: KUTTA3, 4: RK4}
STARTS = ("ramp", "single-step")


class _Update(NamedTuple):
    level: Level
    carry: float
    weights: tuple[float, ...]
    starter: Any  # a Runge-Kutta plan where the step is taken by the starting method


@dataclass(frozen=True)
class ExponentialMultistep(Solver):
    """Extrapolate the last ``nodes`` predictions by a polynomial and integrate it against the exponential kernel.

    ``x_next = carry x + sum_j w_j prediction_j``, newest first; the weights are in ``plan``.

    Attributes
    ----------
    prediction : "eps" or "x0", what is extrapolated.
    variable : "lambda", "rho" or "t", the variable of the polynomial.
    nodes : how many predictions are used; the order, when the moments are exact.
    rules : moment rule for each number of nodes; exact where none is named.
    start : "ramp" begins with one node and adds one a step, as published; "single-step" begins with a Runge-Kutta
        method of full order in (x/alpha, sigma/alpha), which costs ``nodes`` evaluations in each of the first
        ``nodes - 1`` steps and keeps the order when the first steps matter.
    lower_order_final : finish with fewer and fewer nodes, which is steadier at few steps.

    NFE per step: 1. Fails when steps are long against the scale on which the prediction changes in lambda.
    """

    prediction: str
    variable: str
    nodes: int
    rules: tuple[tuple[int, MomentRule], ...] = ()
    start: str = "ramp"
    lower_order_final: bool = False

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Update]:
        levels = levels_at(problem.schedule, times)
        steps = len(levels) - 1
        starter = RungeKutta(_STARTERS[self.nodes], RHO, kind=self.prediction)
        plan = []
        for i in range(steps):
            remaining = steps - i if self.lower_order_final else self.nodes
            nodes = min(self.nodes, i + 1, remaining)
            if self.start == "single-step" and i + 1 < self.nodes <= remaining:
                rk_plan = starter.plan(problem, times[i : i + 2])[0]
                plan.append(_Update(levels[i], 0.0, (), rk_plan))
            else:
                history = [levels[i - j] for j in range(nodes)]
                plan.append(self._update(problem, history, levels[i + 1]))
        return plan

    def _update(self, problem: Problem, history: list[Level], nxt: Level) -> _Update:
        cur = history[0]
        moments = dict(self.rules).get(len(history), exact)(self._moments(problem, cur, nxt, len(history)))
        weights = np.linalg.solve(self._powers(problem, history, nxt), moments)
        carry = nxt.alpha / cur.alpha if self.prediction == "eps" else nxt.sigma / cur.sigma
        return _Update(cur, carry, tuple(weights.tolist()), None)

    def _scaled(self, problem: Problem, lam: np.ndarray, cur: Level, nxt: Level) -> np.ndarray:
        """The interpolation variable, shifted and scaled to run from 0 to 1 over the step."""
        xi = VARIABLES[self.variable](problem.schedule, np.concatenate([[cur.lam, nxt.lam], lam]))
        return (xi[2:] - xi[0]) / (xi[1] - xi[0])

    def _powers(self, problem: Problem, history: list[Level], nxt: Level) -> np.ndarray:
        xi = self._scaled(problem, np.array([level.lam for level in history]), history[0], nxt)
        return np.vander(xi, increasing=True).T

    def _moments(self, problem: Problem, cur: Level, nxt: Level, count: int) -> Moments:
        """Integrals of ``xi^m`` against the kernel, by Gauss-Legendre quadrature; the zeroth in closed form."""
        h = nxt.lam - cur.lam
        if self.prediction == "eps":
            total = -nxt.sigma * np.expm1(h)
            kernel = -nxt.sigma * h * np.exp(h * (0.5 - _GAUSS_NODES))
        else:
            total = -nxt.alpha * np.expm1(-h)
            kernel = nxt.alpha * h * np.exp(h * (_GAUSS_NODES - 0.5))
        xi = self._scaled(problem, cur.lam + h * (_GAUSS_NODES + 0.5), cur, nxt)
        moments = np.array([np.sum(_GAUSS_WEIGHTS * kernel * xi**m) for m in range(count)])
        moments[0] = total
        return moments

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        update = context.plan[i]
        if update.starter is not None:
            starter = RungeKutta(_STARTERS[self.nodes], RHO, kind=self.prediction)
            x_next, newest = starter.advance(context.problem, update.starter, x)
            return x_next, (newest, *(state or ()))
        newest = context.problem.predict(x, update.level, self.prediction)
        history = (newest, *(state or ()))[: self.nodes]
        x_next = x * update.carry
        for prediction, weight in zip(history, update.weights, strict=False):
            x_next.add_(prediction, alpha=weight)
        return x_next, history[: self.nodes - 1]
