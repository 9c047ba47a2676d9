"""How a sample is shared out among the components of a mixture."""

import math

import torch
from torch import Tensor

from core.language import message
from core.models import GaussianMixture
from core.noise import generator
from core.problem import Problem

FEWEST = 5.0  # expected particles in a cell, below which the chi-square distribution is a poor one


def mixture_of(problem: Problem) -> GaussianMixture:
    """The mixture of a problem.

    Raises
    ------
    ValueError
        If the model is something else.
    """
    if not isinstance(problem.model, GaussianMixture):
        raise ValueError(
            message("mode occupancy needs a Gaussian mixture; this model is {kind}", kind=type(problem.model).__name__)
        )
    return problem.model


def responsibilities(samples: Tensor, problem: Problem, t: float) -> Tensor:
    """Probability of every component given the particle at time t, (N, K)."""
    mixture, level = mixture_of(problem), problem.level(t)
    wide = level.alpha**2 * mixture.covariances + level.sigma**2 * torch.eye(mixture.shape[0], dtype=torch.float64)
    factor = torch.linalg.cholesky(wide)
    logits = []
    for k, (weight, mean) in enumerate(zip(mixture.weights.tolist(), mixture.means, strict=True)):
        offset = torch.linalg.solve_triangular(factor[k], (samples - level.alpha * mean).T, upper=False)
        logits.append(math.log(weight) - factor[k].diagonal().log().sum() - 0.5 * offset.square().sum(dim=0))
    return torch.stack(logits, dim=1).softmax(dim=1)


def occupancy(samples: Tensor, problem: Problem, t: float) -> Tensor:
    """Share of the (N, D) particles whose most probable component is k, (K,): what is shown in a bar chart.

    Particles that are not finite belong to none: the shares then sum to less than 1.
    """
    known = samples[torch.isfinite(samples).all(dim=1)]
    nearest = responsibilities(known.double(), problem, t).argmax(dim=1)
    return torch.bincount(nearest, minlength=len(mixture_of(problem).weights)).double() / len(samples)


def chi_square(samples: Tensor, problem: Problem, t: float) -> float:
    """Pearson's statistic of the components' counts against their weights; the rarest are pooled to 5 expected.

    A particle between two modes goes to either by lot, with the probability that the exact posterior gives (the same
    lots in every call). Where modes are apart this is the most probable one; where they overlap it keeps the counts of
    exact samples multinomial with the true weights, which the most probable one would not.

    Source: Pearson 1900; Cochran 1954 (Biometrics 10) for the pooling.
    """
    share = responsibilities(samples, problem, t).cumsum(dim=1)
    lots = torch.from_numpy(generator(0, "lots").random(len(samples)))[:, None] * share[:, -1:]
    drawn = torch.searchsorted(share, lots, right=True).squeeze(1).clamp(max=share.shape[1] - 1)
    counts = torch.bincount(drawn, minlength=share.shape[1]).double()
    cells = _cells(mixture_of(problem).weights * len(samples))
    observed, expected = (_pool(row, cells) for row in (counts, mixture_of(problem).weights * len(samples)))
    return float(((observed - expected).square() / expected).sum())


def chi_square_p_value(value: float, n: int, problem: Problem) -> float:
    """Probability that exact samples of that number give a statistic of at least ``value``."""
    from scipy import stats

    freedom = int(_cells(mixture_of(problem).weights * n).max())
    return float(stats.chi2.sf(value, freedom)) if freedom else 1.0


def _cells(expected: Tensor) -> Tensor:
    """Cell of every component, (K,): one each, but the rarest share one until it expects at least 5."""
    order = expected.argsort()
    pooled = int((expected < FEWEST).sum())
    while 0 < pooled < len(expected) and float(expected[order[:pooled]].sum()) < FEWEST:
        pooled += 1
    cells = torch.empty(len(expected), dtype=torch.int64)
    first = max(pooled, 1)
    cells[order[:first]] = 0
    cells[order[first:]] = torch.arange(1, len(expected) - first + 1)
    return cells


def _pool(values: Tensor, cells: Tensor) -> Tensor:
    return torch.zeros(int(cells.max()) + 1, dtype=torch.float64).index_add_(0, cells, values)
