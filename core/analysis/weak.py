"""Strong and weak error of a stochastic sampler, with intervals over particles, and the orders fitted to them.

The strong error asks how far a particle ends from where the finest run on its own Brownian path does; the weak error
asks how far the mean of a test function is from its exact value. Everything here is a function of arrays.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.analysis.intervals import DRAWS, LEVEL, OrderInterval, order_interval
from core.models import GaussianMixture
from core.registry import Registry

ABOVE_NOISE = 3.0  # standard errors: with fewer, the logarithm of an error says little
BLOCK = 1 << 22  # numbers drawn at once


class Estimate(NamedTuple):
    """A number with its standard error and 95 % interval."""

    value: float
    error: float
    low: float
    high: float


class Probe(NamedTuple):
    """What the test functions look along: a unit vector (D,) float64, and a frequency."""

    direction: Tensor
    frequency: float


@dataclass(frozen=True)
class TestFunction:
    """A function whose mean is known exactly for a noisy Gaussian mixture.

    Attributes
    ----------
    title : name on screen.
    formula : LaTeX.
    values : ``(x, probe) -> (N,)`` for particles (N, D).
    expectation : ``(mixture, alpha, sigma, probe) -> float`` under ``alpha x0 + sigma eps``.
    """

    title: str
    formula: str
    values: Callable[[Tensor, Probe], Tensor]
    expectation: Callable[[GaussianMixture, float, float, Probe], float]

    __test__ = False  # its name looks like a test to pytest


def probe_of(mixture: GaussianMixture) -> Probe:
    """A direction that no symmetry of the usual data shares, and one radian a standard deviation of the data."""
    direction = torch.arange(1, mixture.shape[0] + 1, dtype=torch.float64)
    direction = direction / direction.norm()
    variance = float(direction @ mixture.covariance() @ direction)
    return Probe(direction, 1 / math.sqrt(variance) if variance > 0 else 1.0)


def pixel_probe(points: Tensor) -> Probe:
    """For a data set (M, *shape): the mean of all numbers, and one radian a standard deviation of it."""
    flat = points.double().flatten(1)
    direction = torch.full((flat.shape[1],), flat.shape[1] ** -0.5, dtype=torch.float64)
    spread = float((flat @ direction).std()) if len(flat) > 1 else 0.0
    return Probe(direction, 1 / spread if spread > 0 else 1.0)


def _components(mixture: GaussianMixture, alpha: float, sigma: float, probe: Probe) -> tuple[Tensor, Tensor]:
    """Mean and variance of every component along the probe's direction, (K,) each."""
    along = probe.direction
    variance = alpha**2 * torch.einsum("d,kde,e->k", along, mixture.covariances, along) + sigma**2
    return alpha * mixture.means @ along, variance


def _expected_square(mixture: GaussianMixture, alpha: float, sigma: float, probe: Probe) -> float:
    second = mixture.covariance().trace() + mixture.mean().square().sum()
    return float(alpha**2 * second / mixture.shape[0] + sigma**2)


def _expected_cosine(mixture: GaussianMixture, alpha: float, sigma: float, probe: Probe) -> float:
    mean, variance = _components(mixture, alpha, sigma, probe)
    wave = torch.cos(probe.frequency * mean) * torch.exp(-0.5 * probe.frequency**2 * variance)
    return float(mixture.weights @ wave)


def _expected_along_squared(mixture: GaussianMixture, alpha: float, sigma: float, probe: Probe) -> float:
    mean, variance = _components(mixture, alpha, sigma, probe)
    return float(mixture.weights @ (mean.square() + variance))


TEST_FUNCTIONS: Registry[TestFunction] = Registry("test function")
TEST_FUNCTIONS.add(
    "mean",
    TestFunction(
        "Mean along a direction",
        r"e \cdot x",
        lambda x, probe: x.double() @ probe.direction,
        lambda mixture, alpha, sigma, probe: float(alpha * mixture.mean() @ probe.direction),
    ),
)
TEST_FUNCTIONS.add(
    "square",
    TestFunction(
        "Mean square of all numbers",
        r"|x|^2 / D",
        lambda x, probe: x.double().square().mean(dim=1),
        _expected_square,
    ),
)
TEST_FUNCTIONS.add(
    "square-along",
    TestFunction(
        "Second moment along a direction",
        r"(e \cdot x)^2",
        lambda x, probe: (x.double() @ probe.direction).square(),
        _expected_along_squared,
    ),
)
TEST_FUNCTIONS.add(
    "cosine",
    TestFunction(
        "A smooth bounded function",
        r"\cos(\omega\, e \cdot x)",
        lambda x, probe: torch.cos(probe.frequency * (x.double() @ probe.direction)),
        _expected_cosine,
    ),
)


def strong_errors(ends: np.ndarray, finest: np.ndarray) -> np.ndarray:
    """Root mean square over the numbers of each particle of its distance to the finest run, (M, N).

    Parameters
    ----------
    ends : (M, N, ...), ends of M runs on the Brownian paths of the finest.
    finest : (N, ...).

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    ends, finest = np.asarray(ends, dtype=float), np.asarray(finest, dtype=float)
    if ends.ndim < 3 or ends.shape[1:] != finest.shape:
        raise ValueError(
            f"cannot compare ends of shape {ends.shape} with {finest.shape}; need (M, N, ...) and (N, ...)"
        )
    apart = (ends - finest).reshape(*ends.shape[:2], -1)
    return np.sqrt(np.square(apart).mean(axis=2))


def strong_error(errors: np.ndarray, seed: int = 0) -> Estimate:
    """Root mean square over particles of (N,) strong errors, with a bootstrap over particles (percentiles)."""
    errors = _row(errors)
    squares = np.square(errors)
    drawn = np.sqrt(_drawn_means(squares[None], seed)[:, 0])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.sqrt(squares.mean())), float(drawn.std(ddof=1)), float(low), float(high))


def strong_order(steps: list[int] | np.ndarray, errors: np.ndarray, floor: float = 0.0, seed: int = 0) -> OrderInterval:
    """Order of the strong error, (M, N) as :func:`strong_errors` gives; see :func:`core.analysis.order_interval`.

    The finest run must be far finer than the last of ``steps`` (8 times and more): an error against a run of n steps
    is too small by the factor ``1 - (steps/n)^order``.
    """
    return order_interval(steps, errors, floor, "rms", seed)


def weak_error(values: np.ndarray, exact: float) -> Estimate:
    """Mean of a test function less its exact mean, with the normal interval over (N,) independent particles."""
    values = _row(values)
    return _estimate(values - exact)


def paired_weak_error(values: np.ndarray, finest: np.ndarray) -> Estimate:
    """Mean of a test function less that of the finest run on the same Brownian paths, (N,) each.

    What both have in common cancels particle by particle, so the interval is narrower, often a hundredfold. It leaves
    out the finest run's own weak error, to be checked with :func:`weak_error`.

    Source: Kloeden and Platen, Numerical Solution of Stochastic Differential Equations (1992), section 9.4 (intervals);
    Giles 2008 (Operations Research 56) for pairing on one path.
    """
    values, finest = _row(values), _row(finest)
    if values.shape != finest.shape:
        raise ValueError(f"pairs need as many particles on both sides, got {len(values)} and {len(finest)}")
    return _estimate(values - finest)


class WeakOrder(NamedTuple):
    """A fitted weak order.

    Attributes
    ----------
    order : minus the slope of log |error| against log steps; NaN with fewer than two usable points.
    low, high : 95 % interval.
    used : (M,) whether each error lies at least three standard errors from 0 and was used.
    misfit : chi-square of the line over its degrees of freedom: far above 1 where the errors do not lie on a line
        (not asymptotic yet, or a change of sign); NaN for two points.
    """

    order: float
    low: float
    high: float
    used: np.ndarray
    misfit: float


def weak_order(
    steps: list[int] | np.ndarray, values: np.ndarray, against: float | np.ndarray, seed: int = 0
) -> WeakOrder:
    """Fit ``|E f(X_steps) - E f| ~ C steps^-order`` to the values of a test function.

    Weighted least squares in logarithms, every point weighted by the inverse of its variance ``(s/error)^2``, s its
    standard error. The interval repeats the fit on 1000 draws of particles, the same ones at every step count, with
    points and weights kept; it is 2.5 % to 97.5 % of the slopes.

    Parameters
    ----------
    steps : (M,) rising step counts.
    values : (M, N) test function at the ends of N particles, the same Brownian paths in each row.
    against : the exact mean, or (N,) values of the finest run on the same paths.
    seed : of the draws.

    Raises
    ------
    ValueError
        On step counts that do not rise or arrays that do not fit.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 9.5 and 13.3.
    """
    n, values = np.asarray(steps, dtype=float), np.asarray(values, dtype=float)
    if n.ndim != 1 or np.any(n <= 0) or np.any(np.diff(n) <= 0):
        raise ValueError(f"need rising positive step counts, got {list(steps)}")
    if values.ndim != 2 or len(values) != len(n) or values.shape[1] < 2:
        raise ValueError(f"need one row of at least 2 values a step count ({len(n)}), got shape {values.shape}")
    against = np.asarray(against, dtype=float)
    if against.shape not in ((), values.shape[1:]):
        raise ValueError(f"compare with one number or {values.shape[1]}, got shape {against.shape}")
    apart = values - against
    error, spread = apart.mean(axis=1), apart.std(axis=1, ddof=1) / math.sqrt(values.shape[1])
    with np.errstate(invalid="ignore"):  # a run that diverged is NaN and not used
        used = np.isfinite(error) & (np.abs(error) >= ABOVE_NOISE * spread) & (error != 0)
    if used.sum() < 2:
        return WeakOrder(math.nan, math.nan, math.nan, used, math.nan)
    x, size = np.log(n[used]), np.abs(error[used])
    weights = 1 / np.square(np.maximum(spread[used] / size, 1e-12))
    slope = _slopes(x, np.log(size)[None], weights)[0]
    rest = np.log(size) - slope * x
    rest = rest - np.average(rest, weights=weights)
    freedom = len(x) - 2
    misfit = float(weights @ np.square(rest) / freedom) if freedom else math.nan
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw may change the sign of an error: then no logarithm
        drawn = np.log(_drawn_means(apart[used], seed) * np.sign(error[used]))
    slopes = _slopes(x, drawn, weights)
    low, high = np.nanquantile(-slopes, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return WeakOrder(float(-slope), float(low), float(high), used, misfit)


def _slopes(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted slopes of the rows of (B, M) against (M,), (B,)."""
    centred = x - np.average(x, weights=weights)
    return y @ (weights * centred / (weights @ np.square(centred)))


def _drawn_means(values: np.ndarray, seed: int) -> np.ndarray:
    """Means of the rows of (M, N) over 1000 draws of N columns, the same for every row, (1000, M)."""
    count, draws = values.shape[1], np.random.default_rng(seed)
    rows = max(1, BLOCK // count)
    means = []
    for first in range(0, DRAWS, rows):
        chosen = draws.integers(count, size=(min(rows, DRAWS - first), count))
        times = np.stack([np.bincount(row, minlength=count) for row in chosen])
        means.append(times @ values.T / count)
    return np.concatenate(means)


def _estimate(apart: np.ndarray) -> Estimate:
    value, error = float(apart.mean()), float(apart.std(ddof=1) / math.sqrt(len(apart)))
    half = 1.959963984540054 * error  # the normal law's: particles are many
    return Estimate(value, error, value - half, value + half)


def _row(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"need one number for each of at least 2 particles, got shape {values.shape}")
    return values
