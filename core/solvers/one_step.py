"""Stochastic samplers that evaluate the model once a step: ``x_next = keep x + gain prediction + spread noise``.

A sampler is a rule that gives these three numbers; the noise is the standardised Brownian increment of the step, so
that runs with different step counts follow the same path.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from torch import Tensor

from core.problem import Level, Problem, drift_coefficients, levels_at
from core.solvers.base import Context, Solver


class Affine(NamedTuple):
    """One step: ``keep x + gain prediction + spread z`` with z standard normal."""

    keep: float
    gain: float
    spread: float


@dataclass(frozen=True)
class OneStep(Solver):
    """A sampler whose step is affine in the particle, one prediction and fresh noise.

    Attributes
    ----------
    rule : ``(cur, next, kind, value) -> Affine``; ``value`` is the sampler's one option.
    value : noise level, variance choice or whatever the rule takes.
    kind : the prediction asked for; None takes the problem's preferred one.

    NFE per step: 1.
    """

    rule: Callable[[Level, Level, str, Any], Affine]
    value: Any
    kind: str | None = None

    def plan(self, problem: Problem, times: Tensor) -> Sequence[tuple[Level, Level, str, Affine]]:
        levels = levels_at(problem.schedule, times)
        plan = []
        for cur, nxt in pairwise(levels):
            kind = self.kind or problem.preferred(cur)
            plan.append((cur, nxt, kind, self.rule(cur, nxt, kind, self.value)))
        return plan

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        cur, nxt, kind, affine = context.plan[i]
        x_next = x * affine.keep
        x_next.add_(context.problem.predict(x, cur, kind), alpha=affine.gain)
        if affine.spread:
            x_next.add_(context.path.standard(cur.t, nxt.t).to(x), alpha=affine.spread)
        return x_next, None


def euler_maruyama(cur: Level, nxt: Level, kind: str, eta: float) -> Affine:
    """Euler's step of the reverse SDE with noise level ``eta``: drift by ``dt``, noise ``eta g sqrt(|dt|)``.

    Weak order 1, strong order 1 because the noise is additive. Source: Song et al. 2020 (arXiv 2011.13456), appendix D.
    """
    dt = nxt.t - cur.t
    keep, gain = drift_coefficients(cur, kind, eta)
    return Affine(1 + keep * dt, gain * dt, eta * math.sqrt(cur.g_squared * -dt))


def ancestral(cur: Level, nxt: Level, kind: str, variance: str) -> Affine:
    """A draw from the Gaussian ``q(x_next | x_cur, x0)`` with the predicted x0 in place of x0.

    With ``a = alpha_cur/alpha_next`` and ``b = sigma_cur^2 - a^2 sigma_next^2`` (the variance that the forward
    process adds): mean ``alpha_next b/sigma_cur^2 x0 + a sigma_next^2/sigma_cur^2 x``; variance
    ``b sigma_next^2/sigma_cur^2`` ("small", exact for a single point) or ``b`` ("large", exact for N(0, I) data).
    Order 1. Source: Ho et al. 2020 (arXiv 2006.11239), eq. 7 and section 3.2.
    """
    a = cur.alpha / nxt.alpha
    # sigma^2 (1 - e^(-2h)) with h the step in lambda: the same number without cancellation
    added = -(cur.sigma**2) * math.expm1(2 * (cur.lam - nxt.lam))
    shrink = (nxt.sigma / cur.sigma) ** 2
    spread = math.sqrt(added * (shrink if variance == "small" else 1.0))
    return Affine(a * shrink, nxt.alpha * added / cur.sigma**2, spread)
