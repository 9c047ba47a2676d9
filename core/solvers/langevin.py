"""Langevin dynamics: as a corrector after a predictor, and alone on a ladder of noise levels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.one_step import OneStep, reverse_diffusion

_PREDICTOR = OneStep(reverse_diffusion, None)


def langevin_step(problem: Problem, level: Level, x: Tensor, size: float, noise: Tensor) -> Tensor:
    """``x + a S + sqrt(2 a) z`` with ``a = size sigma^2`` and the score ``S = -eps/sigma`` at ``level``.

    It leaves ``p_t`` unchanged up to O(size): the stationary variance of data with ``Var x_t = v`` is
    ``v/(1 - a/(2v))``. Source: Song and Ermon 2019 (arXiv 1907.05600), algorithm 1; ``size = 2 snr^2`` is the corrector
    of Song et al. 2020 (arXiv 2011.13456), algorithm 5, with the norms of score and noise at their expected values.
    """
    eps = problem.predict(x, level, "eps")
    return torch.add(x, eps, alpha=-size * level.sigma).add_(noise.to(x), alpha=level.sigma * math.sqrt(2 * size))


@dataclass(frozen=True)
class PredictorCorrector(Solver):
    """A reverse-diffusion step, then ``corrections`` Langevin steps at the new noise level.

    The published corrector takes its step from norms over the batch; here they are replaced by their expected values,
    so that a particle's path does not depend on its neighbours.

    Attributes
    ----------
    corrections : Langevin steps after each predictor step.
    snr : signal-to-noise ratio of the corrector; its step is ``2 snr^2 sigma^2``.

    NFE per step: 1 + corrections. Weak order 1 up to the corrector's own bias of O(snr^2).
    Source: Song et al. 2020 (arXiv 2011.13456), appendix G.
    """

    corrections: int
    snr: float

    def plan(self, problem: Problem, times: Tensor) -> Sequence[tuple[Any, Level]]:
        levels = levels_at(problem.schedule, times)
        return list(zip(_PREDICTOR.plan(problem, times), levels[1:], strict=True))

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        (cur, nxt, kind, affine), level = context.plan[i]
        x_next = x * affine.keep
        x_next.add_(context.problem.predict(x, cur, kind), alpha=affine.gain)
        x_next.add_(context.path.standard(cur.t, nxt.t).to(x), alpha=affine.spread)
        for k in range(self.corrections):
            context.interrupt()
            x_next = langevin_step(
                context.problem, level, x_next, 2 * self.snr**2, context.path.fresh("corrector", i, k)
            )
        return x_next, None


@dataclass(frozen=True)
class AnnealedLangevin(Solver):
    """Langevin steps at each noise level of the grid in turn, and nothing in between.

    Between two levels ``x/alpha`` is kept; the steps at the new level bring the particles to its density, if there are
    enough of them.

    Attributes
    ----------
    per_level : Langevin steps at each level.
    size : their length in units of ``sigma^2``.

    NFE per step: per_level. No order: at a fixed number of steps a level, finer grids converge to the law of a slow
    annealing. Source: Song and Ermon 2019 (arXiv 1907.05600), algorithm 1.
    """

    per_level: int
    size: float

    def plan(self, problem: Problem, times: Tensor) -> Sequence[tuple[Level, Level]]:
        return list(pairwise(levels_at(problem.schedule, times)))

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        cur, nxt = context.plan[i]
        x = x * (nxt.alpha / cur.alpha)
        for k in range(self.per_level):
            context.interrupt()
            x = langevin_step(context.problem, nxt, x, self.size, context.path.fresh("annealed", i, k))
        return x, None
