"""What everyone is given: an exact mixture of eight modes, noise levels, and starting noise in float32."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule

STEPS = 20


def eight_modes() -> GaussianMixture:
    angles = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    return GaussianMixture(torch.stack([angles.cos(), angles.sin()], dim=1), 0.1)


class Contest(NamedTuple):
    """A schedule, its grid of 20 steps and the problem under it."""

    problem: Problem
    times: Tensor

    @classmethod
    def under(cls, schedule: str, grid: str) -> "Contest":
        problem = Problem(eight_modes(), make_schedule(schedule))
        return cls(problem, make_grid(grid, problem.schedule, STEPS))

    def start(self, particles: int) -> Tensor:
        return self.problem.sample_prior(particles, float(self.times[0]), 0, dtype=torch.float32)


EDM = Contest.under("edm", "karras")
VP = Contest.under("vp-linear", "uniform-lambda")


class Loop(NamedTuple):
    """Somebody's loop of 20 steps.

    Attributes
    ----------
    library : whose it is.
    solver : the name of the same method here.
    contest : what it runs on.
    run : from starting noise to the end.
    options : of our solver, where the library does something by default that is an option here.
    """

    library: str
    solver: str
    contest: Contest
    run: Callable[[Tensor], Tensor]
    options: dict[str, object] = {}  # noqa: RUF012 (never written to)
