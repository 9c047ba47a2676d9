"""Curves whose bends are known, as runs of a solver."""

import numpy as np
import torch

from core.schedules import make_schedule
from core.solve import Run
from tests.solvers.exact import DiagonalGaussian

MODEL = DiagonalGaussian([0.6, -0.3], [0.04, 2.5])


def as_run(states: torch.Tensor, times: torch.Tensor | None = None) -> Run:
    if times is None:
        times = torch.linspace(1, 0, len(states), dtype=torch.float64)
    return Run("", times, states, None, 0, 0.0, times, len(states) - 1, states[-1])


def points(curve, parameters: torch.Tensor) -> torch.Tensor:
    """States (S + 1, 1, 2) of one particle along a plane curve."""
    return torch.stack(curve(parameters), dim=1)[:, None, :]


def ellipse(a: float, b: float):
    return lambda s: (a * torch.cos(s), b * torch.sin(s))


class GaussianPath:
    """Exact path of one particle under the probability flow of ``MODEL`` and its first two derivatives in t."""

    def __init__(self, name: str, t_start: float, t_end: float, x: torch.Tensor):
        self.schedule, self.t_start, self.t_end, self.x = make_schedule(name), t_start, t_end, x

    def at(self, t: torch.Tensor) -> torch.Tensor:
        """(T,) times to (T, 2) places, written out so that it can be differentiated."""
        alpha, sigma = self.levels(t)
        a, s = self.levels(torch.tensor(self.t_start, dtype=torch.float64))
        spread = (alpha[..., None] ** 2 * MODEL.variance + sigma[..., None] ** 2).sqrt()
        first = (a**2 * MODEL.variance + s**2).sqrt()
        return alpha[..., None] * MODEL.mean + spread / first * (self.x - a * MODEL.mean)

    def levels(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.schedule.alpha(t), self.schedule.sigma(t)

    def derivatives(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Velocity and acceleration at (T,) times, each (T, 2)."""
        t = t.clone().requires_grad_()
        place = self.at(t)
        velocity = [torch.autograd.grad(place[:, d].sum(), t, create_graph=True)[0] for d in range(2)]
        acceleration = [torch.autograd.grad(v.sum(), t, retain_graph=True)[0] for v in velocity]
        return torch.stack(velocity, 1).detach(), torch.stack(acceleration, 1)

    def curvature(self, t: torch.Tensor) -> torch.Tensor:
        v, a = self.derivatives(t)
        return (v[:, 0] * a[:, 1] - v[:, 1] * a[:, 0]).abs() / v.norm(dim=1) ** 3

    def integral(self, integrand) -> float:
        """Over time, by Gauss-Legendre quadrature; the integrand maps velocities (T, 2) to (T,)."""
        nodes, weights = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(400))
        half = (self.t_start - self.t_end) / 2
        velocity, _ = self.derivatives(self.t_end + half * (nodes + 1))
        return float((half * weights * integrand(velocity)).sum())

    def length(self) -> float:
        return self.integral(lambda velocity: velocity.norm(dim=1))

    def straightness(self) -> float:
        ends = self.at(torch.tensor([self.t_start, self.t_end], dtype=torch.float64))
        total, span = ends[1] - ends[0], self.t_end - self.t_start
        return self.integral(lambda velocity: (total - span * velocity).square().sum(1)) / abs(span)


def turned(states: torch.Tensor, dimensions: int) -> torch.Tensor:
    """States (S, N, d) in more dimensions, turned about at random."""
    rng = torch.Generator().manual_seed(dimensions)
    turn = torch.linalg.qr(torch.randn(dimensions, dimensions, dtype=torch.float64, generator=rng))[0]
    return torch.nn.functional.pad(states, (0, dimensions - states.shape[2])) @ turn.T


def helix(radius: float, climb: float, s: torch.Tensor) -> torch.Tensor:
    """States (S, 1, 3): curvature ``r / (r^2 + c^2)``, torsion ``c / (r^2 + c^2)`` for radius r and climb c."""
    return torch.stack([radius * s.cos(), radius * s.sin(), climb * s], dim=1)[:, None]
