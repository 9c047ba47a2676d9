"""Exact log-likelihood of data by the probability-flow ODE, a continuous normalising flow.

Along the flow ``du/dlambda = r(u, lambda)`` the log density of a particle changes by ``-div r`` per unit of lambda.
Carried from the data end to the noise end with the integral of the divergence, data get the density of their noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import integrate
from torch import Tensor

from core.language import message
from core.models.ledger import CountedModel
from core.noise import generator, normal
from core.problem import Level, Problem
from core.solve import Cancelled, Progress
from core.solvers.adaptive import TOO_SHORT, StepSizeVanished
from core.solvers.charts import NORMALISED

TOLERANCE = 1e-9
EXACT_UP_TO = 16  # dimensions: one backward pass each
PROGRESS = 100  # steps of the progress report

# Particles (N, *shape), a level and "eps" or "x0", to the prediction and the trace of its Jacobian; as (P, N), since
# there may be several estimates of the trace.
Traced = Callable[[Tensor, Level, str], tuple[Tensor, Tensor]]
Predict = Callable[[Tensor, Level, str], Tensor]


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihoods of N particles, in nats.

    Attributes
    ----------
    log_marginal : (N,), with the exact density of the noise end; NaN for a model that has none.
    log_prior : (N,), with ``N(0, sigma^2)`` there, which is what samplers start from.
    standard_error : (N,), of either, from the scatter of the probes; 0 where the divergence is exact.
    latent : (N, *shape), the particles carried to the noise end.
    divergence : how it was computed.
    nfe : evaluations of the model; a Jacobian's backward passes are not counted.
    """

    log_marginal: Tensor
    log_prior: Tensor
    standard_error: Tensor
    latent: Tensor
    divergence: str
    nfe: int

    @property
    def prior_mismatch(self) -> Tensor:
        """(N,): what the prior costs, ``log_marginal - log_prior``."""
        return self.log_marginal - self.log_prior

    @property
    def bits_per_dimension(self) -> Tensor:
        """(N,): ``-log_prior / (D log 2)``, in the units of x; images scaled from 0..255 to -1..1 need 7 added."""
        return -self.log_prior / (self.latent[0].numel() * math.log(2))


def log_likelihood(
    problem: Problem,
    x: Tensor,
    divergence: str = "auto",
    probes: int = 8,
    seed: int = 0,
    t_data: float | None = None,
    t_noise: float | None = None,
    tolerance: float = TOLERANCE,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Likelihood:
    """``log p(x)`` at the data end: ``log p(x_T)`` at the noise end plus the integral of the divergence along the path.

    Path and integral are one system for SciPy's DOP853, in ``x / sqrt(alpha^2 + sigma^2)`` and lambda, where both stay
    of order one.

    Parameters
    ----------
    problem : model and schedule; gradients through the model are needed unless it is exact.
    x : (N, *shape), data at ``t_data``.
    divergence : "posterior" (exact models: from the posterior variance), "jacobian" (exact, one backward pass a
        dimension), "rademacher" or "gaussian" (Hutchinson's estimate with such probes); "auto" takes the first that
        suits the model: posterior, jacobian up to 16 dimensions, else rademacher.
    probes : number of probes, the same along the whole path; at least 2, for the standard error.
    seed : of the probes.
    t_data, t_noise : ends; those of the schedule if None.
    tolerance : relative and absolute, of path and integral.
    progress : called with the share of lambda covered, out of 100.
    cancel : asked before every step.

    Raises
    ------
    ValueError
        On an unknown divergence, too few probes, ends in the wrong order, particles that do not fit, or a model that
        neither knows its posterior variance nor lets gradients through.
    Cancelled
        When ``cancel`` says so.
    core.solvers.adaptive.StepSizeVanished
        When the error control asks for steps that float64 cannot resolve.

    Source: Song et al. 2020 (arXiv 2011.13456), appendix D.2; Grathwohl et al. 2018 (arXiv 1810.01367), section 3.1;
    Hutchinson 1989 for the probes.
    """
    x = _checked(problem, x)
    schedule, chart = problem.schedule, NORMALISED
    data = problem.level(schedule.t_min if t_data is None else t_data)
    noise = problem.level(schedule.t_max if t_noise is None else t_noise)
    if not data.t < noise.t:
        raise ValueError(f"the data end must come before the noise end, got t = {data.t:g} and {noise.t:g}")
    if divergence == "auto":
        divergence = _suitable(problem)
    if divergence not in DIVERGENCES:
        raise ValueError(f"divergence must be auto or one of {', '.join(DIVERGENCES)}, got {divergence!r}")
    if probes < 2:
        raise ValueError(f"a standard error needs at least 2 probes, got {probes}")
    model = CountedModel(problem.model)
    predict = Problem(model, schedule).predict
    traced = DIVERGENCES[divergence](problem, predict, tuple(x.shape), probes, seed)
    size, dim = x.numel(), x[0].numel()
    rows = probes if divergence in PROBES else 1

    def rate(position: float, state: np.ndarray) -> np.ndarray:
        if not math.isfinite(position):
            raise StepSizeVanished(message("the model's prediction is not finite at the start"))
        level = chart.level_at(problem, position)
        kind = problem.preferred(level)
        keep, gain = chart.coefficients(level, kind)
        u, unit = torch.from_numpy(state[:size]), chart.unit(level)
        prediction, trace = traced((u * unit).reshape(x.shape), level, kind)
        slope = keep * u + gain * prediction.detach().to("cpu", torch.float64).reshape(-1)
        return torch.cat([slope, (dim * keep + gain * unit * trace).reshape(-1)]).numpy()

    start = np.concatenate([x.reshape(-1).numpy() / chart.unit(data), np.zeros(rows * len(x))])
    end = _integrate(rate, data.lam, noise.lam, start, tolerance, progress, cancel)
    latent = torch.from_numpy(end[:size].reshape(x.shape)) * chart.unit(noise)
    # from u to x at both ends
    change = torch.from_numpy(end[size:].reshape(rows, len(x))) + dim * math.log(chart.unit(noise) / chart.unit(data))
    gained = change.mean(dim=0)
    error = change.std(dim=0) / math.sqrt(rows) if rows > 1 else torch.zeros_like(gained)
    at_end = problem.log_density(latent, noise.t) if problem.model.exact else torch.full_like(gained, math.nan)
    prior = -0.5 * (latent / noise.sigma).flatten(1).square().sum(1) - dim * math.log(noise.sigma * math.tau**0.5)
    return Likelihood(at_end + gained, prior + gained, error, latent, divergence, model.nfe)


def _suitable(problem: Problem) -> str:
    if problem.model.exact:
        return "posterior"
    return "jacobian" if math.prod(problem.model.shape) <= EXACT_UP_TO else "rademacher"


def _posterior(problem: Problem, predict: Predict, shape: tuple[int, ...], probes: int, seed: int) -> Traced:
    """Trace from ``d x0_hat/dx = (alpha/sigma^2) Cov(x0 | x)``, for models that know their posterior variance.

    Source: Efron 2011 (Journal of the American Statistical Association 106), the second-order Tweedie formula.
    """
    if not problem.model.exact:
        raise ValueError("a learned model has no posterior variance; choose jacobian, rademacher or gaussian")

    def traced(x: Tensor, level: Level, kind: str) -> tuple[Tensor, Tensor]:
        variance = problem.model.posterior_variance(x, level.alpha, level.sigma).flatten(1).sum(1)
        trace = level.alpha / level.sigma**2 * variance
        if kind == "eps":  # eps = (x - alpha x0)/sigma
            trace = (math.prod(shape[1:]) - level.alpha * trace) / level.sigma
        return predict(x, level, kind), trace[None]

    return traced


def _jacobian(problem: Problem, predict: Predict, shape: tuple[int, ...], probes: int, seed: int) -> Traced:
    """Exact trace, one backward pass a dimension: particles do not see each other, so one pass serves all of them."""

    def traced(x: Tensor, level: Level, kind: str) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            prediction = _with_gradient(predict(x, level, kind))
            trace = torch.zeros(len(x), dtype=torch.float64)
            for d, column in enumerate(prediction.flatten(1).unbind(1)):
                (slope,) = torch.autograd.grad(column.sum(), x, retain_graph=True)
                trace += slope.flatten(1)[:, d].double()
        return prediction, trace[None]

    return traced


def _hutchinson(draw: Callable[[int, tuple[int, ...]], Tensor]) -> Callable[..., Traced]:
    """``z . (J z)`` for random z with ``E[z z^T] = I``: its mean is the trace, one backward pass a probe."""

    def make(problem: Problem, predict: Predict, shape: tuple[int, ...], probes: int, seed: int) -> Traced:
        z = torch.stack([draw(seed + (p << 32), shape) for p in range(probes)])

        def traced(x: Tensor, level: Level, kind: str) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                prediction = _with_gradient(predict(x, level, kind))
                rows = []
                for probe in z:
                    (back,) = torch.autograd.grad(prediction, x, probe.to(prediction), retain_graph=True)
                    rows.append((back.double() * probe).flatten(1).sum(1))
            return prediction, torch.stack(rows)

        return traced

    return make


def _with_gradient(prediction: Tensor) -> Tensor:
    if not prediction.requires_grad:
        raise ValueError("this model answers without gradients, which its divergence needs")
    return prediction


def rademacher(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Signs, each with probability one half. The variance of ``z . J z`` is then ``2 sum_(i != j) S_ij^2``.

    ``S`` is the symmetric part of J; in two dimensions ``4 S_12^2``. No more than that of Gaussian probes.
    """
    return torch.from_numpy(generator(seed, "probe").integers(2, size=shape) * 2.0 - 1.0)


def gaussian(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers. The variance of ``z . J z`` is ``2 |S|_F^2``, S the symmetric part of J."""
    return normal(seed, "probe", shape=shape)


PROBES = {"rademacher": rademacher, "gaussian": gaussian}
DIVERGENCES: dict[str, Callable[..., Traced]] = {
    "posterior": _posterior,
    "jacobian": _jacobian,
    **{name: _hutchinson(draw) for name, draw in PROBES.items()},
}


def _integrate(
    rate: Callable[[float, np.ndarray], np.ndarray],
    first: float,
    last: float,
    start: np.ndarray,
    tolerance: float,
    progress: Progress | None,
    cancel: Callable[[], bool] | None,
) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):  # infinities make SciPy shorten the step, as they should
        stepper = integrate.DOP853(rate, first, start, last, rtol=tolerance, atol=tolerance)
        while stepper.status == "running":
            if cancel is not None and cancel():
                raise Cancelled("cancelled on the way to the noise end")
            stepper.step()
            if stepper.status == "failed":
                raise StepSizeVanished(message(TOO_SHORT))
            if progress is not None:
                progress(int(PROGRESS * (stepper.t - first) / (last - first)), PROGRESS)
    return stepper.y


def _checked(problem: Problem, x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or tuple(x.shape[1:]) != tuple(problem.model.shape) or not len(x):
        shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"x must have shape (N, {', '.join(map(str, problem.model.shape))}), N > 0, got {shape}")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("x holds numbers that are not finite")
    return x.detach().to("cpu", torch.float64)
