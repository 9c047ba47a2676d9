"""Noised to t and carried back: the closed forms for a Gaussian against many particles and tight solvers."""

import math

import pytest
import torch

from core.analysis.there_and_back import gaussian_there_and_back
from core.data import make_toy
from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve

COUNT = 6_000


def carried(problem, t, solver, steps=50):
    times = make_grid("uniform-lambda", problem.schedule, steps, t_start=t)
    x = problem.sample_data(COUNT, 0)
    level = problem.level(t)
    noised = level.alpha * x + problem.sample_prior(COUNT, t, 1)
    return x, solve(problem, solver, times, noised, seed=3, record=False).final


@pytest.mark.parametrize("schedule", ["vp-linear", "flow"])
@pytest.mark.parametrize("t", [0.15, 0.6])
@pytest.mark.parametrize(("solver", "noisy"), [("dpmpp-3m", False), ("exponential-sde", True)])
def test_the_distance_is_the_closed_form_and_the_law_stays(schedule, t, solver, noisy):
    covariance = torch.tensor([[[0.8, 0.3], [0.3, 0.4]]], dtype=torch.float64)
    model = GaussianMixture(torch.tensor([[0.5, -0.2]]), covariances=covariance, weights=torch.ones(1))
    problem = Problem(model, make_schedule(schedule))
    x, back = carried(problem, t, solver)
    wanted = gaussian_there_and_back(problem, t, problem.schedule.t_min, noisy)
    assert float((back - x).square().mean().sqrt()) == pytest.approx(wanted, rel=0.03)
    torch.testing.assert_close(back.T.cov(), covariance[0], rtol=0.05, atol=0.03)
    torch.testing.assert_close(back.mean(0), model.means[0], rtol=0, atol=0.03)


def test_with_no_noise_left_they_are_the_published_ones():
    c, problem = 0.7, Problem(GaussianMixture(torch.zeros(1, 2), 0.7, torch.ones(1)), make_schedule("vp-linear"))
    for t in (0.05, 0.3, 0.8):
        level = problem.level(t)
        wide = level.alpha**2 * c * c + level.sigma**2
        end = problem.schedule.t_min
        sampled = gaussian_there_and_back(problem, t, end, True) ** 2
        flowed = gaussian_there_and_back(problem, t, end, False) ** 2
        assert sampled == pytest.approx(2 * c * c * level.sigma**2 / wide, rel=2e-3)
        assert flowed == pytest.approx(2 * c * c * (1 - level.alpha * c / math.sqrt(wide)), rel=2e-3)
        assert flowed < sampled
    assert sampled == pytest.approx(flowed, rel=0.1)
    assert sampled == pytest.approx(2 * c * c, rel=0.05)  # nothing is left of the input


def test_other_data_have_no_closed_form():
    with pytest.raises(ValueError, match="one component"):
        gaussian_there_and_back(Problem(make_toy("ring"), make_schedule("flow")), 0.5, 0.001, True)
