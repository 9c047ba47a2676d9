"""EDM's stochastic sampler and Restart: noise is added, then an ODE step removes more than that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import RHO
from core.solvers.runge_kutta import HEUN, RungeKutta

_HEUN = RungeKutta(HEUN, RHO)
_MOST = math.sqrt(2) - 1  # EDM's bound on gamma: no step adds more noise than the particle has


class _Churn(NamedTuple):
    up: float  # factor of x on the way to the raised level
    spread: float  # of the noise that raises it
    heun: Any
    t: float
    t_next: float


@dataclass(frozen=True)
class ChurnedHeun(Solver):
    """Raise the noise level by the factor ``1 + gamma``, then take a Heun step in ``rho`` from there.

    ``gamma = min(S_churn/N, sqrt(2) - 1)`` where the noise level ``rho = sigma/alpha`` lies in ``[S_min, S_max]``, else
    0; the added noise has variance ``S_noise^2 (rho_hat^2 - rho^2)``. Noise above the schedule's first level is not
    added.

    Attributes
    ----------
    s_churn, s_min, s_max, s_noise : the paper's four numbers; ``s_churn = 0`` is EDM's Heun.

    NFE per step: 2 (the paper's last step, to zero noise, has one; here grids end above zero).
    Source: Karras et al. 2022 (arXiv 2206.00364), algorithm 2.
    """

    s_churn: float
    s_min: float
    s_max: float
    s_noise: float

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Churn]:
        levels = levels_at(problem.schedule, times)
        highest = problem.level(problem.schedule.t_max)
        return [self._plan_step(problem, cur, nxt, len(levels) - 1, highest) for cur, nxt in pairwise(levels)]

    def _plan_step(self, problem: Problem, cur: Level, nxt: Level, steps: int, highest: Level) -> _Churn:
        gamma = min(self.s_churn / steps, _MOST) if self.s_min <= cur.rho <= self.s_max else 0.0
        rho = min(cur.rho * (1 + gamma), highest.rho)
        if rho <= cur.rho:
            return _Churn(1.0, 0.0, _HEUN.plan_between(problem, cur, nxt), cur.t, nxt.t)
        raised = RHO.level_at(problem, rho)
        spread = raised.alpha * self.s_noise * math.sqrt(rho**2 - cur.rho**2)
        heun = _HEUN.plan_between(problem, raised, nxt)
        return _Churn(raised.alpha / cur.alpha, spread, heun, cur.t, nxt.t)

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        plan: _Churn = context.plan[i]
        if plan.spread:
            x = torch.add(x * plan.up, context.path.standard(plan.t, plan.t_next).to(x), alpha=plan.spread)
        x_next, _ = _HEUN.advance(context.problem, plan.heun, x)
        return x_next, None


class _Restart(NamedTuple):
    heun: Any
    again: Sequence[Any]  # Heun steps of one cycle that ends here; empty where none does
    up: float
    spread: float


@dataclass(frozen=True)
class Restart(Solver):
    """Heun steps in ``rho``; past ``rho_min``, noise is added up to ``rho_max`` and removed again, ``cycles`` times.

    The two noise levels are moved to the nearest times of the grid, whose steps a cycle repeats. Each cycle forgets
    part of the error made before it, at no cost in noise discretisation.

    Attributes
    ----------
    cycles : how often.
    rho_min, rho_max : noise levels ``sigma/alpha`` between which the cycles run.

    NFE per step: 2, and ``cycles`` times those of the repeated steps where a cycle ends. No restart is made if the two
    levels fall on one time of the grid. Source: Xu et al. 2023 (arXiv 2306.14878), algorithm 1.
    """

    cycles: int
    rho_min: float
    rho_max: float

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Restart]:
        levels = levels_at(problem.schedule, times)
        heun = [_HEUN.plan_between(problem, cur, nxt) for cur, nxt in pairwise(levels)]
        low, high = (self._nearest(levels, rho) for rho in (self.rho_min, self.rho_max))
        plan = [_Restart(step, (), 1.0, 0.0) for step in heun]
        if self.cycles and high < low:
            bottom, top = levels[low], levels[high]
            spread = top.alpha * math.sqrt(top.rho**2 - bottom.rho**2)
            plan[low - 1] = _Restart(heun[low - 1], heun[high:low], top.alpha / bottom.alpha, spread)
        return plan

    def _nearest(self, levels: Sequence[Level], rho: float) -> int:
        return min(range(len(levels)), key=lambda i: abs(levels[i].lam + math.log(rho)))

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        plan: _Restart = context.plan[i]
        x, _ = _HEUN.advance(context.problem, plan.heun, x)
        for cycle in range(self.cycles if plan.again else 0):
            x = torch.add(x * plan.up, context.path.fresh("restart", cycle).to(x), alpha=plan.spread)
            for step in plan.again:
                context.interrupt()
                x, _ = _HEUN.advance(context.problem, step, x)
        return x, None
