"""What convergence theory promises of the reverse SDE, beside what happens, on data where both are known.

The forward process is ``dx = -x dt + sqrt(2) dw`` (so ``alpha = e^-t``, ``sigma^2 = 1 - e^-2t``); the sampler freezes
the score over each step of length h and solves the rest exactly, from N(0, I) at the horizon T. For one Gaussian with
its axes along the coordinates its law stays Gaussian, coordinate by coordinate.
"""

import math
from typing import NamedTuple

import numpy as np

from core.language import message

MOST_STEPS = 20_000
SIDE = 1501  # places a coordinate, for the integral of |p - q|
REACH = 9.0  # standard deviations


class Gaussian(NamedTuple):
    """Means and variances of independent coordinates, (D,) each."""

    mean: np.ndarray
    variance: np.ndarray


def noisy(data: Gaussian, t: float) -> Gaussian:
    """The law of the forward process at time t."""
    return Gaussian(math.exp(-t) * data.mean, math.exp(-2 * t) * data.variance + 1 - math.exp(-2 * t))


def sampled(data: Gaussian, horizon: float, step: float, error: float, stop: float = 0.0) -> Gaussian:
    """The law of the sampler's particles at time ``stop``.

    ``x' = e^h x + 2 (e^h - 1) s(x, t) + sqrt(e^2h - 1) z`` with ``s = -(x - m_t) / V_t + b``, the exact score plus a
    constant vector of length ``error``, spread evenly over the coordinates.

    Parameters
    ----------
    horizon, step : T and h; the last step is shortened to end at ``stop``.

    Raises
    ------
    ValueError
        If the numbers do not fit each other, or more than 20,000 steps would be needed.

    Source: Chen, Chewi, Li, Li, Salim and Zhang 2022 (arXiv 2209.11215), section 2 (the discretisation of DDPM).
    """
    if not 0 <= stop < horizon or not step > 0 or not error >= 0:
        raise ValueError(f"need 0 <= stop < horizon, step > 0, error >= 0; got {stop}, {horizon}, {step}, {error}")
    count = math.ceil((horizon - stop) / step - 1e-9)
    if count > MOST_STEPS:
        raise ValueError(
            message("{count} steps of {step:g} are too many; at most {most:,}", count=count, step=step, most=MOST_STEPS)
        )
    bias = error / math.sqrt(len(data.mean))
    mean, variance = np.zeros_like(data.mean), np.ones_like(data.variance)
    t = horizon
    for _ in range(count):
        h = min(step, t - stop)
        law = noisy(data, t)
        grown, gain = math.exp(h), 2 * math.expm1(h)
        factor = grown - gain / law.variance
        mean = factor * mean + gain * (law.mean / law.variance + bias)
        variance = factor**2 * variance + math.expm1(2 * h)
        t -= h
    return Gaussian(mean, variance)


def total_variation(one: Gaussian, other: Gaussian) -> float:
    """``1/2 int |p - q|`` of two Gaussians in one or two dimensions, by the trapezoidal rule; good to about 1e-5.

    Raises
    ------
    ValueError
        In more than two dimensions.
    """
    if len(one.mean) > 2:
        raise ValueError(f"the integral is done in one or two dimensions, got {len(one.mean)}")
    if not all(np.isfinite(part).all() for law in (one, other) for part in law):
        return math.nan
    axes = [_axis(one, other, d) for d in range(len(one.mean))]
    densities = [[_density(law, d, axis) for d, axis in enumerate(axes)] for law in (one, other)]
    if len(axes) == 1:
        apart = np.abs(densities[0][0] - densities[1][0])
    else:
        apart = np.abs(np.outer(*densities[0]) - np.outer(*densities[1]))
        apart = np.trapezoid(apart, axes[1], axis=1)
    return min(1.0, 0.5 * float(np.trapezoid(apart, axes[0])))


def _axis(one: Gaussian, other: Gaussian, d: int) -> np.ndarray:
    """Places that resolve both laws, however different their widths."""
    places = [law.mean[d] + math.sqrt(law.variance[d]) * np.linspace(-REACH, REACH, SIDE // 2) for law in (one, other)]
    return np.unique(np.concatenate(places))


def _density(law: Gaussian, d: int, x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * (x - law.mean[d]) ** 2 / law.variance[d]) / math.sqrt(2 * math.pi * law.variance[d])


def wasserstein(one: Gaussian, other: Gaussian) -> float:
    """2-Wasserstein distance of two Gaussians with the same axes."""
    shift, widths = one.mean - other.mean, np.sqrt(one.variance) - np.sqrt(other.variance)
    return float(np.sqrt(np.square(shift).sum() + np.square(widths).sum()))


class Terms(NamedTuple):
    """The three parts of a bound, its unknown constants set to 1."""

    start: float
    steps: float
    score: float

    @property
    def whole(self) -> float:
        """Their sum."""
        return self.start + self.steps + self.score


def chen_terms(data: Gaussian, horizon: float, step: float, error: float) -> Terms:
    """``TV <~ sqrt(KL(q | N(0, I))) e^-T + (L sqrt(d h) + L m h) sqrt(T) + error sqrt(T)``.

    ``L`` is the Lipschitz constant of the score over all times, ``m`` the root second moment of the data, ``d`` their
    dimension. The constants in front are not known; they are 1 here.

    Source: Chen et al. 2022 (arXiv 2209.11215), theorem 2.
    """
    dimension = len(data.mean)
    divergence = 0.5 * float((data.variance - 1 - np.log(data.variance) + data.mean**2).sum())
    smooth = 1 / min(1.0, float(data.variance.min()))
    moment = math.sqrt(float((data.variance + data.mean**2).sum()))
    return Terms(
        math.sqrt(divergence) * math.exp(-horizon),
        (smooth * math.sqrt(dimension * step) + smooth * moment * step) * math.sqrt(horizon),
        error * math.sqrt(horizon),
    )


def early_stopping(data: Gaussian, stop: float) -> float:
    """What stopping at time ``stop`` costs by itself: W2 of the forward process there from the data.

    For data without a density, such as a point, it takes the place of smoothness: the score at ``stop`` has slope
    ``1/stop``, which the steps must resolve.

    Source: Lee, Lu and Tan 2023 (arXiv 2209.12381), for data of bounded support.
    """
    return wasserstein(noisy(data, stop), data)
