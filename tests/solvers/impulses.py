"""The exact law of a sampler on Gaussian data, from its answers to single impulses: no sampling, no formulas.

On data N(m, diag c) every sampler here is affine: ``x_end = A x_start + c + sum_k B_k z_k`` per coordinate, with
the standard normal ``z_k`` that it draws. Particles that get one of these numbers each, and zeros else, answer with A,
c and every B_k.
"""

import torch
from torch import Tensor

from core.problem import Problem
from core.solvers import SOLVERS, Context


class OneNoiseEach:
    """A path on which particle ``2 + k`` gets a one in the k-th noise that is asked for, and nobody anything else."""

    def __init__(self, count: int):
        self.count = count
        self.keys: list[tuple] = []

    def standard(self, t_cur: float, t_next: float) -> Tensor:
        return self._noise(("step", t_cur, t_next))

    def fresh(self, *stream: str | int) -> Tensor:
        return self._noise(stream)

    def _noise(self, key: tuple) -> Tensor:
        if key not in self.keys:
            self.keys.append(key)
        noise = torch.zeros(self.count, 1, dtype=torch.float64)
        place = 2 + self.keys.index(key)
        if place < self.count:
            noise[place] = 1.0
        return noise


def law(
    problem: Problem, solver: str, times: Tensor, start_mean: Tensor, start_variance: Tensor, **options
) -> tuple[Tensor, Tensor]:
    """Mean and variance (D,) at the end of particles that start with the given ones."""
    recipe = SOLVERS[solver].make(**options)
    plan = recipe.plan(problem, times)

    def run(count: int) -> tuple[Tensor, int]:
        x = torch.zeros(count, len(start_mean), dtype=torch.float64)
        x[1] = 1.0
        path, state = OneNoiseEach(count), None
        for i in range(len(times) - 1):
            x, state = recipe.step(Context(problem, plan, path, False, lambda: None), i, x, state)
        return x, len(path.keys)

    _, noises = run(2)
    ends, _ = run(2 + noises)
    constant = ends[0]
    scale, impulses = ends[1] - constant, ends[2:] - constant
    return scale * start_mean + constant, scale**2 * start_variance + impulses.square().sum(dim=0)
