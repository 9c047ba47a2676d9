"""Ancestral sampling with the variance that is right for the data: Analytic-DPM and its diagonal version."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from core.language import message
from core.models import Model
from core.models.ledger import CountedModel
from core.noise import normal
from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.one_step import Affine, ancestral

SAMPLES = 4096  # for the mean over the data, of at most NUMBERS numbers
NUMBERS = 1 << 20


class _Plan(NamedTuple):
    cur: Level
    nxt: Level
    affine: Affine
    extra: float  # factor of the posterior variance of x0
    mean_variance: float  # its mean over particles and coordinates; unused where each particle has its own


@dataclass(frozen=True)
class PosteriorAncestral(Solver):
    """DDPM's step with ``btilde + (alpha' b/sigma^2)^2 Var[x0 | x]`` as its variance.

    ``btilde`` is the small variance and ``b`` what the forward process adds: given x0 the step has variance ``btilde``,
    and x0 is known up to ``Var[x0 | x]``. With the mean of that over particles and coordinates this is the optimal
    isotropic variance of Analytic-DPM; with each particle's own, coordinate by coordinate, that of SN-DDPM (and of
    NPR-DDPM, the same for an unbiased prediction).

    Attributes
    ----------
    diagonal : whether each particle and coordinate has its own variance.

    The mean is a Monte Carlo estimate over exact samples with a fixed seed, computed once a level and outside the count
    of evaluations. NFE per step: 1. Raises ``ValueError`` for a model without an exact posterior.
    Source: Bao et al. 2022 (arXiv 2201.06503), eq. 8; Bao et al. 2022 (arXiv 2206.07309), section 3.
    """

    diagonal: bool

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Plan]:
        model = source_of(problem.model)
        plan = []
        for cur, nxt in pairwise(levels_at(problem.schedule, times)):
            small = ancestral(cur, nxt, "x0", "small")
            variance = 0.0 if self.diagonal else mean_variance(model, cur.alpha, cur.sigma)
            plan.append(_Plan(cur, nxt, small, small.gain**2, variance))
        return plan

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        plan: _Plan = context.plan[i]
        keep, gain, spread = plan.affine
        prediction = context.problem.predict(x, plan.cur, "x0")
        noise = context.path.standard(plan.cur.t, plan.nxt.t).to(x)
        if self.diagonal:
            own = source_of(context.problem.model).posterior_variance(x, plan.cur.alpha, plan.cur.sigma)
            noise = noise * (spread**2 + plan.extra * own).sqrt()
        else:
            noise = noise * (spread**2 + plan.extra * plan.mean_variance) ** 0.5
        return torch.add(x * keep, prediction, alpha=gain).add_(noise), None


def source_of(model: Model) -> Model:
    """The exact model behind a counted one.

    Raises
    ------
    ValueError
        If its posterior variance is not known.
    """
    inner = model.model if isinstance(model, CountedModel) else model
    if not hasattr(inner, "posterior_variance"):
        raise ValueError(
            message(
                "this variance needs the exact posterior of a Gaussian mixture or an exact data set; for a learned "
                "model choose the small or the large variance"
            )
        )
    return inner


class _Known(NamedTuple):
    """Samples of a model's data with their noise, and the variances found so far by level."""

    data: Tensor
    noise: Tensor
    variances: dict[tuple[float, float], float]


_known: WeakKeyDictionary[Model, _Known] = WeakKeyDictionary()


def mean_variance(model: Model, alpha: float, sigma: float) -> float:
    """``E Var[x0 | x]`` per coordinate over ``x = alpha x0 + sigma eps``, by Monte Carlo with a fixed seed."""
    known = _known.get(model)
    if known is None:
        count = max(64, min(SAMPLES, NUMBERS // math.prod(model.shape)))
        known = _Known(model.sample(count, 0), normal(0, "posterior", shape=(count, *model.shape)), {})
        _known[model] = known
    if (alpha, sigma) not in known.variances:
        x = alpha * known.data + sigma * known.noise
        known.variances[alpha, sigma] = float(model.posterior_variance(x, alpha, sigma).mean())
    return known.variances[alpha, sigma]
