"""Problems with known answers, written apart from the library's own exact models."""

import math

import torch
from torch import Tensor

from core.models import GaussianMixture, Model
from core.problem import Problem
from core.schedules import Schedule


class DiagonalGaussian(Model):
    """Data N(m, diag c): predictions, flow and moments in closed form.

    ``x_t`` has mean ``alpha m`` and variance ``V = alpha^2 c + sigma^2``; the probability flow keeps
    ``(x - alpha m) / sqrt(V)``.
    """

    native = ("x0", "eps")
    exact = True

    def __init__(self, mean: list[float], variance: list[float]):
        self.mean = torch.tensor(mean, dtype=torch.float64)
        self.variance = torch.tensor(variance, dtype=torch.float64)
        self.shape = (len(mean),)

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        mean, variance = self.mean.to(x), self.variance.to(x)
        shift = (x - alpha * mean) / (alpha**2 * variance + sigma**2)
        return sigma * shift if kind == "eps" else mean + alpha * variance * shift

    def spread(self, alpha: float, sigma: float) -> Tensor:
        return (alpha**2 * self.variance + sigma**2).sqrt()

    def flow(self, x: Tensor, schedule: Schedule, t_from: float, t_to: float) -> Tensor:
        """The exact solution of the probability-flow ODE."""
        (a, s), (b, r) = ((float(schedule.alpha(t)), float(schedule.sigma(t))) for t in (t_from, t_to))
        return b * self.mean + self.spread(b, r) / self.spread(a, s) * (x - a * self.mean)


class LambdaCurve(Model):
    """A prediction that depends on lambda alone, ``kind`` being whichever is asked: integrable by hand."""

    native = ("x0", "eps")

    def __init__(self, curve, shape: tuple[int, ...] = (1,)):
        self.curve, self.shape = curve, shape

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        return torch.full_like(x, float(self.curve(math.log(alpha / sigma))))


class Asked(Model):
    """Passes questions on and counts them: an NFE ledger that knows nothing of the library's own."""

    def __init__(self, model: Model, native: tuple[str, ...] | None = None):
        self.model, self.shape, self.exact = model, model.shape, model.exact
        self.native = native or model.native
        self.evaluations = model.evaluations
        self.count = 0

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        self.count += 1
        return self.model.predict(x, alpha, sigma, kind)


def three_modes() -> GaussianMixture:
    """Three modes of different width and weight, in general position: no symmetry hides an error."""
    means = torch.tensor([[1.0, 0.4], [-0.9, 0.6], [0.2, -1.1]], dtype=torch.float64)
    std = torch.tensor([0.35, 0.25, 0.5], dtype=torch.float64)
    return GaussianMixture(means, std, torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64))


def three_mode_problem(schedule: Schedule) -> Problem:
    return Problem(three_modes(), schedule)
