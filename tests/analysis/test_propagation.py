"""Propagated laws are those of samples, of the closed form, and of the marginals that exact samplers keep."""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch

from core.analysis.propagation import (
    Moments,
    Step,
    data_moments,
    exact_moments,
    gaussian_prediction,
    gaussian_wasserstein,
    propagate,
    propagate_solver,
)
from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem, levels_at
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.base import Solver
from core.solvers.one_step import ancestral, ddim_eta, euler_maruyama

TILTED = torch.tensor([[0.8, 0.3], [0.3, 0.4]], dtype=torch.float64)
MEAN = torch.tensor([1.0, -0.5], dtype=torch.float64)
FIXED = [name for name, info in SOLVERS.items() if not info.adaptive]


@pytest.fixture(scope="module")
def problem():
    return Problem(GaussianMixture(MEAN[None], covariances=TILTED[None]), make_schedule("vp-linear"))


@pytest.fixture(scope="module")
def times(problem):
    return make_grid("uniform-lambda", problem.schedule, 8, 0.95, 0.05)


def close(one, other, atol=1e-10):
    torch.testing.assert_close(one.mean, other.mean, rtol=0, atol=atol)
    torch.testing.assert_close(one.covariance, other.covariance, rtol=0, atol=atol)


@pytest.mark.parametrize("kind", ["x0", "eps"])
@pytest.mark.parametrize("t", [0.01, 0.5, 0.99])
def test_the_prediction_is_that_of_the_model(problem, kind, t):
    level = problem.level(t)
    x = problem.sample_prior(5, t, 1)
    slope, offset = gaussian_prediction(data_moments(problem), level, kind)
    torch.testing.assert_close(x @ slope.T + offset, problem.predict(x, level, kind), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["x0", "eps"])
@pytest.mark.parametrize(
    ("rule", "value", "name"), [(euler_maruyama, 0.7, "euler-maruyama"), (ddim_eta, 0.5, "ddim-eta")]
)
def test_two_ways_to_one_law(problem, times, rule, value, name, kind):
    """The recursion of affine steps and the solver's answers to impulses."""
    levels = levels_at(problem.schedule, times)
    steps = [Step(a, kind, rule(a, b, kind, value)) for a, b in pairwise(levels)]
    start = Moments(torch.tensor([0.3, 0.1]).double(), torch.tensor([[1.0, 0.2], [0.2, 0.9]]).double())
    found = propagate(data_moments(problem), steps, start)
    asked = propagate_solver(problem, name, times, start, eta=value)
    close(found, asked)
    assert found.mean.shape == (9, 2)
    assert found.covariance.shape == (9, 2, 2)


@pytest.mark.parametrize("name", FIXED)
def test_the_law_is_that_of_samples(problem, times, name):
    """Means within 4.5 and (co)variances within 4.5 standard errors at the end of 20,000 paths, for every solver."""
    law = propagate_solver(problem, name, times)
    n = 20_000
    x = solve(problem, name, times, problem.sample_prior(n, float(times[0]), 3), seed=5, record=False).final
    mean, covariance = law.mean[-1], law.covariance[-1]
    assert bool(((x.mean(dim=0) - mean).abs() < 4.5 * (covariance.diagonal() / n).sqrt()).all())
    spread = ((covariance.diagonal()[:, None] * covariance.diagonal() + covariance.square()) / n).sqrt()
    assert bool(((x.T.cov() - covariance).abs() < 4.5 * spread).all())


def test_a_perfect_step_keeps_the_marginal():
    """On one point the ancestral step is the exact posterior: from the exact law to the exact law in any step."""
    problem = Problem(GaussianMixture(MEAN[None], 0.0), make_schedule("vp-cosine"))
    times = make_grid("uniform-t", problem.schedule, 4, 0.9, 0.1)
    levels = levels_at(problem.schedule, times)
    steps = [Step(a, "x0", ancestral(a, b, "x0", "small")) for a, b in pairwise(levels)]
    found = propagate(data_moments(problem), steps, exact_moments(problem, 0.9))
    for i, t in enumerate(times.tolist()):
        close(Moments(found.mean[i], found.covariance[i]), exact_moments(problem, t))


def test_the_law_nears_the_marginal(problem):
    """Weak order 1 of the reverse SDE, read off without noise: half the step, half the distance."""
    apart = []
    for steps in (64, 128, 256):
        times = make_grid("uniform-lambda", problem.schedule, steps, 0.95, 0.05)
        law = propagate_solver(problem, "euler-maruyama", times, exact_moments(problem, 0.95))
        apart.append(gaussian_wasserstein(Moments(law.mean[-1], law.covariance[-1]), exact_moments(problem, 0.05)))
    assert math.log2(apart[1] / apart[2]) == pytest.approx(1, abs=0.1)
    assert apart[2] < 0.1


@dataclass(frozen=True)
class Midway(Solver):
    """Noise of the whole step in two halves or in one, of one path."""

    halves: bool = False

    def plan(self, problem, times):
        return list(pairwise(times.tolist()))

    def step(self, context, i, x, state):
        a, b = context.plan[i]
        path, middle = context.path, (a + b) / 2
        half = math.sqrt((a - b) / 2)
        whole = math.sqrt(a - b) * path.standard(a, b)
        if self.halves:  # the same path: what is taken away is what was added
            whole = 2 * half * (path.standard(a, middle) + path.standard(middle, b)) - whole
        return x + whole, None


@dataclass(frozen=True)
class Entry:
    """As much of a solver's entry in the registry as is asked for."""

    solver: Solver
    adaptive: bool = False

    def make(self):
        return self.solver


def test_overlapping_noise_is_one_path(problem, times, monkeypatch):
    entries = {"whole": Entry(Midway(False)), "halves": Entry(Midway(True))}
    monkeypatch.setattr("core.analysis.propagation.SOLVERS", entries)
    close(propagate_solver(problem, "whole", times), propagate_solver(problem, "halves", times))


def test_distance_of_gaussians():
    a = Moments(torch.zeros(2).double(), torch.diag(torch.tensor([4.0, 0.25])).double())
    b = Moments(torch.tensor([3.0, 4.0]).double(), torch.diag(torch.tensor([1.0, 1.0])).double())
    assert gaussian_wasserstein(a, b) == pytest.approx(math.sqrt(25 + 1 + 0.25))
    assert gaussian_wasserstein(b, a) == pytest.approx(gaussian_wasserstein(a, b))
    # a symmetric positive map is the best one (Brenier), so between N(0, C) and its image the distance is known
    stretch = torch.tensor([[1.5, -0.4], [-0.4, 0.6]], dtype=torch.float64)
    image = Moments(MEAN, stretch @ TILTED @ stretch)
    moved = torch.eye(2, dtype=torch.float64) - stretch
    exact = math.sqrt(float(MEAN.square().sum() + (moved @ TILTED @ moved).trace()))
    assert gaussian_wasserstein(Moments(torch.zeros(2).double(), TILTED), image) == pytest.approx(exact, rel=1e-12)


@dataclass(frozen=True)
class Clipped(Midway):
    def step(self, context, i, x, state):
        x, state = super().step(context, i, x, state)
        return x.clamp(-0.9, 0.9), state


def test_a_map_that_is_not_affine_is_refused(problem, times, monkeypatch):
    monkeypatch.setattr("core.analysis.propagation.SOLVERS", {"clipped": Entry(Clipped())})
    with pytest.raises(ValueError, match="'clipped' is not affine"):
        propagate_solver(problem, "clipped", times)


def test_refusals(problem, times):
    two = Problem(GaussianMixture(torch.zeros(2, 2), 1.0), problem.schedule)
    with pytest.raises(ValueError, match="one component"):
        propagate_solver(two, "euler", times)
    with pytest.raises(ValueError, match="chooses its own steps"):
        propagate_solver(problem, "reference", times)
    with pytest.raises(ValueError, match="must be x0 or eps"):
        gaussian_prediction(data_moments(problem), problem.level(0.5), "v")
