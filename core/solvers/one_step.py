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


def ddim_eta(cur: Level, nxt: Level, kind: str, eta: float) -> Affine:
    """DDIM with noise: ``x_next = alpha' x0 + sqrt(sigma'^2 - v) eps + sqrt(v) z``, ``v = eta^2 b sigma'^2/sigma^2``.

    ``b`` is the variance that the forward process adds over the step, as in :func:`ancestral`, which is ``eta = 1``
    (small); 0 is DDIM. Every eta from 0 to 1 keeps the marginals of a perfect prediction. Weak order 1.
    Source: Song et al. 2020 (arXiv 2010.02502), eq. 12 and 16.
    """
    share = eta**2 * -math.expm1(2 * (cur.lam - nxt.lam))  # of the next step's variance
    straight = nxt.sigma * math.sqrt(1 - share)
    # x0 = (x - sigma eps)/alpha, eps = (x - alpha x0)/sigma
    if kind == "eps":
        return Affine(nxt.alpha / cur.alpha, straight - nxt.alpha * cur.rho, nxt.sigma * math.sqrt(share))
    return Affine(straight / cur.sigma, nxt.alpha - straight * cur.alpha / cur.sigma, nxt.sigma * math.sqrt(share))


def ancestral_euler(cur: Level, nxt: Level, kind: str, eta: float) -> Affine:
    """Euler in ``rho = sigma/alpha`` down to ``rho_down``, then noise up to ``rho'``.

    ``rho_up = eta sqrt(rho'^2 (rho^2 - rho'^2)/rho^2)`` and ``rho_down^2 = rho'^2 - rho_up^2``; eta = 1 has the noise
    of DDPM's small variance, 0 is DDIM. Weak order 1.
    Source: Katherine Crowson, k-diffusion, sample_euler_ancestral; Song et al. 2020 (arXiv 2011.13456), appendix F.
    """
    share = eta**2 * -math.expm1(2 * (cur.lam - nxt.lam))
    up, down = nxt.rho * math.sqrt(share), nxt.rho * math.sqrt(1 - share)
    ratio = nxt.alpha / cur.alpha
    if kind == "eps":
        return Affine(ratio, nxt.alpha * (down - cur.rho), nxt.alpha * up)
    return Affine(ratio * down / cur.rho, nxt.alpha * (1 - down / cur.rho), nxt.alpha * up)


def reverse_diffusion(cur: Level, nxt: Level, kind: str, value: None) -> Affine:
    """The forward step's own discretisation, turned round: ``x' = (2 - a) x + b S + sqrt(b) z``.

    ``a = alpha/alpha'`` and ``b`` as in :func:`ancestral`; ``S = -eps/sigma`` is the score. Weak order 1.
    Source: Song et al. 2020 (arXiv 2011.13456), appendix E.
    """
    a = cur.alpha / nxt.alpha
    added = -(cur.sigma**2) * math.expm1(2 * (cur.lam - nxt.lam))
    if kind == "eps":
        return Affine(2 - a, -added / cur.sigma, math.sqrt(added))
    return Affine(2 - a - added / cur.sigma**2, added * cur.alpha / cur.sigma**2, math.sqrt(added))
