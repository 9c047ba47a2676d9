"""The forward process and the law along one direction against closed forms; attempts as the solver made them."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from core.data import make_images, make_toy
from core.experiments import ImageData, ToyData, TrajectoriesSpec, run_experiment
from core.experiments.side import forward_paths, profile
from core.grids import make_grid
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solvers import SOLVERS


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_forward_process_has_the_exact_law_at_two_times_together(name):
    """For x0 = c: mean alpha_s c, variance sigma_s^2, covariance (alpha_s / alpha_t) sigma_t^2 for s noisier than t."""
    schedule, count, c = make_schedule(name), 40_000, 0.7
    times = make_grid("uniform-lambda", schedule, 6)
    x = forward_paths(schedule, times, torch.full((count, 2), c, dtype=torch.float64), 3).numpy()
    alpha, sigma = schedule.alpha(times).numpy(), schedule.sigma(times).numpy()
    numbers = 2 * count
    for s in range(7):
        apart = x[s] - alpha[s] * c
        assert abs(apart.mean()) < 4 * sigma[s] / numbers**0.5
        assert apart.var() == pytest.approx(sigma[s] ** 2, rel=4 * (2 / numbers) ** 0.5)
        for t in range(s + 1, 7):
            other = x[t] - alpha[t] * c
            exact = alpha[s] / alpha[t] * sigma[t] ** 2
            error = ((sigma[s] * sigma[t]) ** 2 + exact**2) ** 0.5 / numbers**0.5
            assert abs((apart * other).mean() - exact) < 4 * error


def test_a_forward_path_belongs_to_its_particle():
    schedule = make_schedule("vp-linear")
    times = make_grid("uniform-lambda", schedule, 4)
    x0 = torch.ones(9, 2, dtype=torch.float64)
    whole = forward_paths(schedule, times, x0, 1)
    assert torch.equal(forward_paths(schedule, times, x0[:4], 1), whole[:, :4])
    assert not torch.equal(forward_paths(schedule, times, x0, 2), whole)


@pytest.mark.parametrize("name", ["ring", "moons"])
def test_the_profile_is_the_density_with_the_other_axis_integrated_out(name):
    problem = Problem(make_toy(name), make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 5)
    found = profile(problem, times, np.array([0, 3, 5]), 3.0)
    for row, step in enumerate(found.steps):
        for place in (20, 60, 85):
            x1 = found.axis[place]

            def density(x2, x1=x1, t=float(times[step])):
                return float(problem.log_density(torch.tensor([[x1, x2]], dtype=torch.float64), t).exp())

            exact = integrate.quad(density, -6, 6, limit=400, points=[-1.0, 0.0, 1.0])[0]
            assert found.density[row, place] == pytest.approx(exact, rel=0.08, abs=0.01)  # a mean over its cell


def test_images_are_seen_along_their_principal_component():
    problem = Problem(make_images("digits", None), make_schedule("edm"))
    times = make_grid("karras", problem.schedule, 5)
    found = profile(problem, times, np.array([5]))
    points = problem.sample_data(4000, 0)
    along = found.along(points[None].numpy())[0]
    assert np.linalg.norm(found.direction) == pytest.approx(1)
    flat = points.flatten(1).numpy()
    assert along.var() > flat.var(axis=0).max()
    cell = found.axis[1] - found.axis[0]
    assert found.density[0].sum() * cell == pytest.approx(1, abs=0.01)
    cumulative = np.cumsum(found.density[0]) * cell
    assert stats.kstest(along, lambda x: np.interp(x, found.axis + cell / 2, cumulative)).statistic < 0.04


def test_attempts_are_kept_for_adaptive_solvers_alone():
    adaptive = next(name for name, info in SOLVERS.items() if name.endswith("23-adaptive") and info.adaptive)
    result = run_experiment(TrajectoriesSpec(particles=8, solvers=(adaptive, "ddim"), steps=4))
    path, other = result.paths
    assert other.tried is None
    assert path.tried.nfe.sum() == path.nfe
    assert path.tried.rejected == (path.tried.error > 1).sum() > 0
    schedule = make_schedule("vp-linear")
    np.testing.assert_allclose(path.tried.lam_to, schedule.log_snr(torch.tensor(path.tried.t_to)).numpy())
    assert f"{adaptive}_tried_error" in result.to_arrays()


def test_what_a_learned_model_starts_its_forward_process_from_is_said():
    result = run_experiment(
        TrajectoriesSpec(data=ImageData(name="unet-digits"), particles=1, steps=2, solvers=("ddim",))
    )
    assert "network" in result.forward_from
    assert result.profile is None
    assert run_experiment(TrajectoriesSpec(data=ToyData(), particles=4, steps=2)).forward_from == "drawn from the data"
