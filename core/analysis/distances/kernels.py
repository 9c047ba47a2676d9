"""Distances that are averages over all pairs: energy distance and maximum mean discrepancy."""

from collections.abc import Iterator

import torch
from torch import Tensor

NUMBERS = 1 << 20  # pairs held at once: 8 MB, which stays in cache
FEW = 16  # dimensions up to which differences are taken one by one, without the cancellation of a matrix product
LOOKED_AT = 500  # exact particles whose median distance sets the bandwidth
SCALES = 5  # bandwidths: 1/4, 1/2, 1, 2 and 4 times the median


def energy_distance(samples: Tensor, exact: Tensor) -> float:
    """``sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|)`` of two (N, D) float64 samples, over all pairs.

    Pairs of a particle with itself are counted, as in ``scipy.stats.energy_distance``: the number under the root is
    then never negative, and is above 0 by about 1/N for exact samples, which the noise floor shows.

    Source: Szekely and Rizzo 2013 (Journal of Statistical Planning and Inference 143), eq. 2.5 and 6.1.
    """
    between, left, right = (_mean_distance(a, b) for a, b in ((samples, exact), (samples, samples), (exact, exact)))
    return max(2 * between - left - right, 0.0) ** 0.5


def mmd_squared(samples: Tensor, exact: Tensor) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of two (N, D) float64 samples; may be negative.

    The kernel is the mean of five Gaussians ``exp(-|x - y|^2 / (2 h^2))`` with h = 1/4, 1/2, 1, 2 and 4 times the
    median distance between 500 of the exact particles, so that wrong details and wrong places both count. Pairs of a
    particle with itself are left out, which makes the mean over samples exactly the squared distance.

    Source: Gretton et al. 2012 (Journal of Machine Learning Research 13), lemma 6 and section 8 (median rule).
    """
    width = bandwidth(exact)
    n = len(samples)
    within = sum(_kernel_sum(x, x, width) - n for x in (samples, exact)) / (n * (n - 1))
    return within - 2 * _kernel_sum(samples, exact, width) / n**2


def bandwidth(exact: Tensor) -> float:
    """Median distance between different particles among the first 500."""
    few = exact[:LOOKED_AT]
    return float(torch.pdist(few).median())


def _kernel_sum(x: Tensor, y: Tensor, width: float) -> float:
    total = 0.0
    for distances in _distances(x, y):
        value = distances.square_().mul_(-0.5 / (4 * width) ** 2).exp_()  # the widest kernel
        total += float(value.sum())
        for _ in range(SCALES - 1):  # half the width is the fourth power
            value.square_().square_()
            total += float(value.sum())
    return total / SCALES


def _mean_distance(x: Tensor, y: Tensor) -> float:
    return sum(float(block.sum()) for block in _distances(x, y)) / (len(x) * len(y))


def _distances(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """All distances from x to y, some rows at a time."""
    mode = "donot_use_mm_for_euclid_dist" if x.shape[1] <= FEW else "use_mm_for_euclid_dist"
    for rows in x.split(max(1, NUMBERS // len(y))):
        yield torch.cdist(rows, y, compute_mode=mode)
