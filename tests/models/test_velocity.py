"""Flows along straight lines: their predictions fit together for any pairing, and the affine one is exact."""

import math

import pytest
import torch

from core.analysis import straightness
from core.data import make_toy
from core.grids import make_grid
from core.models import GaussianMixture
from core.models.velocity import AffineFlow, LearnedFlow, VelocityNetwork
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import solve
from core.solvers import SOLVERS

STRETCH = torch.tensor([[1.3, 0.4], [0.4, 0.6]], dtype=torch.float64)
MEAN = torch.tensor([0.5, -1.0], dtype=torch.float64)


def affine() -> AffineFlow:
    return AffineFlow(MEAN, STRETCH)


def learned() -> LearnedFlow:
    return LearnedFlow(VelocityNetwork(2, 16, torch.Generator().manual_seed(3)), (2,))


@pytest.mark.parametrize("make", [affine, learned])
@pytest.mark.parametrize("name", ["flow", "vp-linear", "edm"])
def test_predictions_add_up_to_the_particle_under_every_schedule(make, name):
    problem = Problem(make(), make_schedule(name))
    x = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for t in torch.linspace(problem.schedule.t_min, problem.schedule.t_max, 7, dtype=torch.float64)[1:-1].tolist():
        level = problem.level(t)
        back = level.alpha * problem.x0(x, t) + level.sigma * problem.eps(x, t)
        torch.testing.assert_close(back, x, rtol=1e-12, atol=1e-12 * (level.alpha + level.sigma))


def test_the_ode_moves_along_the_velocity_of_the_network():
    flow = learned()
    problem = Problem(flow, make_schedule("flow"))
    x = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for t in (0.2, 0.7):
        torch.testing.assert_close(problem.velocity(x, t), flow.velocity(x, t), rtol=1e-11, atol=1e-11)


def test_every_point_of_a_line_knows_both_its_ends():
    flow, eps = affine(), torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x0 = MEAN + eps @ STRETCH
    for t in (0.01, 0.5, 0.99):
        x = (1 - t) * x0 + t * eps
        torch.testing.assert_close(flow.predict(x, 1 - t, t, "x0"), x0, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(flow.predict(x, 1 - t, t, "eps"), eps, rtol=1e-12, atol=1e-12)


def test_one_euler_step_of_the_affine_flow_is_exact():
    problem = Problem(affine(), make_schedule("flow"))
    times = make_grid("uniform-t", problem.schedule, 1)
    x = problem.sample_prior(40, float(times[0]), 0)
    one = solve(problem, "euler", times, x)
    exact = solve(problem, "reference", times, x, record=False)
    torch.testing.assert_close(one.final, exact.final, rtol=0, atol=1e-10)
    assert float(straightness(one).abs().max()) < 1e-12


def bend_of_gaussian(c: float, low: float, high: float) -> float:
    """``int_0^1 |(x_1 - x_0) - dx/ds|^2 ds`` of the path ``x = sqrt((1-t)^2 c^2 + t^2)`` from t = high to low."""
    t = torch.linspace(low, high, 400_001, dtype=torch.float64)
    root = ((1 - t) ** 2 * c**2 + t**2).sqrt()
    rate = (high - low) * (t - (1 - t) * c**2) / root
    return float(torch.trapezoid((root[-1] - root[0] - rate) ** 2, t) / (high - low))


def test_the_closed_form_is_that_of_rectified_flow():
    assert bend_of_gaussian(0.7, 0.0, 1.0) == pytest.approx(0.3004, abs=5e-5)  # per dimension, c^2 = 0.49


@pytest.mark.parametrize("c", [0.7, 0.1])
def test_the_flow_of_independent_pairs_to_a_gaussian_is_as_bent_as_its_closed_form(c):
    problem = Problem(GaussianMixture(torch.zeros(1, 2), std=c), make_schedule("flow"))
    low, high = problem.schedule.t_min, problem.schedule.t_max
    x = problem.sample_prior(40, high, 0)
    measured = straightness(solve(problem, "rk4", make_grid("uniform-t", problem.schedule, 2000), x))
    at_start = (1 - high) ** 2 * c**2 + high**2  # every path is this one, times its start over the root of this
    expected = bend_of_gaussian(c, low, high) * x.square().sum(1) / at_start
    torch.testing.assert_close(measured, expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_it_leads_to_the_same_data_under_every_schedule(name):
    problem = Problem(affine(), make_schedule(name))
    times = make_grid("uniform-lambda", problem.schedule, 60)
    start, end = problem.level(times[0]), problem.level(times[-1])
    eps = torch.randn(12, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    x0 = MEAN + eps @ STRETCH
    run = solve(problem, "dpmpp-3m", times, start.alpha * x0 + start.sigma * eps, record=False)
    torch.testing.assert_close(run.final, end.alpha * x0 + end.sigma * eps, rtol=1e-9, atol=1e-9)


def test_every_solver_without_noise_can_follow_a_learned_flow():
    problem, grid = Problem(learned(), make_schedule("flow")), make_grid("uniform-lambda", make_schedule("flow"), 24)
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    fine = solve(problem, "rk4", make_grid("uniform-lambda", problem.schedule, 300), x, record=False).final
    names = [name for name, info in SOLVERS.items() if not (info.stochastic or info.exact_data)]
    assert len(names) > 40
    for name in names:
        found = solve(problem, name, grid, x, record=False).final
        assert (found - fine).abs().max() < 0.1 * (fine - x).abs().max(), name


def test_the_affine_flow_of_a_gaussian_goes_where_its_probability_flow_goes():
    """Not only are the ends alike: each noise goes to the same data, here from t near 1 to t near 0."""
    data, schedule = make_toy("gaussian"), make_schedule("flow", t_min=1e-7, t_max=1 - 1e-7)
    lengths, axes = torch.linalg.eigh(data.covariance())
    straight = Problem(AffineFlow(data.mean(), axes @ torch.diag(lengths.sqrt()) @ axes.mT), schedule)
    x = torch.randn(8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    one = solve(straight, "euler", make_grid("uniform-t", schedule, 1), x, record=False).final
    bent = solve(Problem(data, schedule), "reference", make_grid("uniform-lambda", schedule, 8), x, record=False).final
    torch.testing.assert_close(bent, one, rtol=0, atol=2e-5)


def test_wrong_shapes_and_questions_are_refused():
    with pytest.raises(ValueError, match="x0 or eps, not 'v'"):
        affine().predict(torch.zeros(3, 2), 0.5, 0.5, "v")
    with pytest.raises(ValueError, match=r"shape \(N, 2\), got \(3, 3\)"):
        affine().predict(torch.zeros(3, 3), 0.5, 0.5, "x0")
    with pytest.raises(ValueError, match="no negative eigenvalue"):
        AffineFlow(MEAN, torch.diag(torch.tensor([1.0, -1.0])))
    with pytest.raises(ValueError, match="no negative eigenvalue"):
        AffineFlow(MEAN, torch.tensor([[1.0, 0.5], [0.0, 1.0]]))
    with pytest.raises(ValueError, match=r"\(D, D\), got \(2,\), \(3, 3\)"):
        AffineFlow(MEAN, torch.eye(3))


def test_starting_weights_come_from_the_generator_alone():
    torch.manual_seed(1)
    first = VelocityNetwork(2, 8, torch.Generator().manual_seed(5)).state_dict()
    torch.manual_seed(2)
    second = VelocityNetwork(2, 8, torch.Generator().manual_seed(5)).state_dict()
    for key, value in first.items():
        assert torch.equal(value, second[key])
    bound = 1 / math.sqrt(8)
    assert 0.8 * bound < float(first["layers.2.weight"].abs().max()) <= bound


def test_a_mixture_of_one_component_is_what_the_affine_flow_ends_at():
    data = make_toy("gaussian")
    lengths, axes = torch.linalg.eigh(data.covariance())
    problem = Problem(AffineFlow(data.mean(), axes @ torch.diag(lengths.sqrt()) @ axes.mT), make_schedule("flow"))
    times = make_grid("uniform-t", problem.schedule, 1)
    ends = solve(problem, "euler", times, problem.sample_prior(20_000, float(times[0]), 0), record=False).final
    torch.testing.assert_close(ends.T.cov(), data.covariance(), rtol=0.05, atol=0.02)
