"""What DPM-Solver-v3 must know of a model: how strongly the predicted noise follows the state, at every noise level.

Let ``y = x / alpha``, ``rho = sigma / alpha`` and ``u = y - m`` with ``m`` the mean of the data. For a linear
coefficient ``l`` put ``f = rho eps - l u``, so that ``du/dlambda = -l u - f``. The method (Zheng et al. 2023,
arXiv 2310.13268, section 3) chooses, in every dimension and at every lambda,

    l    that minimises E |df/du|^2             hence  l = E[d(rho eps)/du]
    s, b that minimise  E |f' - s f - b|^2      hence  s = Cov(f', f) / Var(f),  b = E[f'] - s E[f]

with ``f'`` the derivative along the paths and expectations over the exact density at lambda. For an exact model all of
them follow from one function of lambda, without a derivative of the model:

- Integration by parts (``eps = -rho grad log p``) gives ``l = E[eps^2]``. It lies between 0 (noise prediction) and 1
  (data prediction), since ``eps`` is the posterior mean of noise of variance 1.
- Paths carry the density along, so ``E[f f'] = 1/2 d/dlambda E[f^2]``. As ``E[f] = 0`` for ``u`` measured from the
  mean, ``s = d log std(f)/dlambda``, and the bias ``b`` does no more than move the origin to the mean.
- With ``V = Var(u)``, ``q = l - rho^2/V`` (which only a Gaussian has at 0): ``Var(f) = q (rho^2 + q V)``.

What is extrapolated is therefore ``f / std(f)``. Where ``f`` is far below the size of the data, a small constant is
added to its variance: ``s`` would otherwise magnify rounding and sampling errors of a term that does not matter.
"""

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import torch
from scipy.interpolate import BSpline, make_interp_spline
from torch import Tensor

from core.language import message
from core.models.base import Model
from core.noise import normal
from core.problem import Problem

SPACING = 0.125  # of the nodes in lambda; a power of two, so that nodes are the same numbers under every schedule
USUAL = (-8.0, 8.0)  # the range of most schedules: computed for all of them at once
BLOCK = 2.0  # by which the range grows where a schedule needs more
DEGREE = 7  # of the splines: smooth enough for every order, and exact to 1e-9 for a Gaussian
SEED = 0
NUMBERS = 1 << 14  # sampled numbers; at least FEWEST particles and at most MOST
FEWEST, MOST = 64, 2048
RIDGE = 1e-3  # of the data's standard deviation: f below this is taken to be this large

_KNOWN: "WeakKeyDictionary[Model, dict[tuple[float, float], Statistics]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Statistics:
    """The coefficients of one model as splines in lambda, a number for each of D dimensions.

    Attributes
    ----------
    mean : (D,), the mean of the data.
    linear_spline, log_scale_spline : lambda -> ``l`` and ``log std(f)``.
    """

    mean: np.ndarray
    linear_spline: BSpline
    log_scale_spline: BSpline

    def linear(self, lam: np.ndarray) -> np.ndarray:
        """``l`` at ``lam``, (..., D) for lam (...)."""
        return self.linear_spline(lam)

    def linear_integral(self, lam: np.ndarray) -> np.ndarray:
        """An antiderivative of ``l``, (..., D)."""
        return self._antiderivative(lam)

    def log_scale(self, lam: np.ndarray) -> np.ndarray:
        """``log std(f)``, (..., D): an antiderivative of ``s``."""
        return self.log_scale_spline(lam)

    def scaling(self, lam: np.ndarray) -> np.ndarray:
        """``s`` at ``lam``, (..., D)."""
        return self.log_scale_spline.derivative()(lam)

    def bias(self, lam: np.ndarray) -> np.ndarray:
        """``b`` at ``lam``, (..., D), for ``f = rho eps - l y`` with ``y`` measured from 0, as it is published."""
        slope = self.linear_spline.derivative()(lam)
        return (self.scaling(lam) * self.linear(lam) - slope) * self.mean

    @cached_property
    def _antiderivative(self) -> BSpline:
        return self.linear_spline.antiderivative()


def statistics_of(problem: Problem) -> Statistics:
    """The statistics of the problem's model over its schedule's range of lambda; computed once for a model.

    They are asked of the model beneath any ledger: like a table of coefficients they belong to the model and are no
    part of a run's NFE. They cost 129 evaluations of 64 (images) to 2048 (2-D data) particles.

    Raises
    ------
    ValueError
        If the model is learned: its density, and samples from it, are not known.
    """
    if not problem.model.exact:
        raise ValueError(
            message(
                "DPM-Solver-v3 needs statistics of the exact density at every noise level, which a learned model does "
                "not offer; choose a Gaussian mixture or an exact data set, or another solver such as dpmpp-2m"
            )
        )
    model = source_of(problem.model)
    schedule = problem.schedule
    noisy, clean = (float(schedule.log_snr(t)) for t in (schedule.t_max, schedule.t_min))
    span = (
        min(USUAL[0], BLOCK * float(np.floor(noisy / BLOCK))),
        max(USUAL[1], BLOCK * float(np.ceil(clean / BLOCK))),
    )
    known = _KNOWN.setdefault(model, {})
    if span not in known:
        known[span] = measure(model, *span)
    return known[span]


def source_of(model: Model) -> Model:
    """The model that can draw samples: ``model`` itself, or the one that it wraps to count or to watch."""
    while not hasattr(model, "sample") and hasattr(model, "model"):
        model = model.model
    if not hasattr(model, "sample"):
        raise ValueError(f"DPM-Solver-v3 needs exact samples of the data, which {type(model).__name__} does not offer")
    return model


def measure(model: Model, noisy: float, clean: float, particles: int | None = None) -> Statistics:
    """Measure the statistics from ``noisy`` to ``clean``, multiples of ``SPACING`` in lambda.

    ``E[eps^2]`` is split by the regression ``eps = k u + r`` with ``E[r u] = 0``. As ``E[eps u] = rho`` is known, it is
    ``rho k + E[r^2]``, which for a Gaussian is free of sampling error, and ``q = E[r^2]``. The same samples and the
    same noise serve every lambda, so that their error is a smooth function of it; each noise comes with its negative,
    with second moment 1.

    Parameters
    ----------
    particles : how many samples; fewer in higher dimensions if None.
    """
    dim = int(np.prod(model.shape))
    count = particles or min(MOST, max(FEWEST, NUMBERS // dim))
    with torch.no_grad():
        mean = model.predict(torch.zeros(1, *model.shape, dtype=torch.float64), 0.0, 1.0, "x0")  # all noise, no signal
        data, noise = _pairs(model, count)
        lam = np.arange(round(noisy / SPACING), round(clean / SPACING) + 1) * SPACING
        linear, variance = (
            np.stack(rows) for rows in zip(*(_at(model, x, data - mean, mean, noise) for x in lam), strict=True)
        )
    size = max(float((data - mean).square().mean()), 1e-20)
    log_scale = 0.5 * np.log(variance + RIDGE**2 * size)
    return Statistics(
        mean.flatten().numpy(), make_interp_spline(lam, linear, k=DEGREE), make_interp_spline(lam, log_scale, k=DEGREE)
    )


def _pairs(model: Model, count: int) -> tuple[Tensor, Tensor]:
    """Data and noise, (2 * (count // 2), *shape) each: every sample with a noise and with its negative."""
    data = model.sample(count // 2, SEED).double()
    noise = normal(SEED, "dpm-solver-v3", shape=tuple(data.shape))
    noise = noise / noise.square().mean(dim=0).sqrt()
    return torch.cat([data, data]), torch.cat([noise, -noise])


def _at(model: Model, lam: float, offset: Tensor, mean: Tensor, noise: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """``l`` and ``Var(f)`` at one half log-SNR, (D,) each."""
    rho = float(np.exp(-lam))
    alpha = 1 / float(np.hypot(1.0, rho))
    sigma = rho * alpha
    u = offset + rho * noise
    eps = model.predict(alpha * (mean + u), alpha, sigma, "eps").flatten(1)
    u = u.flatten(1)
    square = u.square().mean(dim=0)
    slope = (eps * u).mean(dim=0) / square
    q = (eps - slope * u).square().mean(dim=0)
    return (rho * slope + q).numpy(), (q * (rho**2 + q * square)).numpy()
