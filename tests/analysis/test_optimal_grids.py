"""Grids made for a problem: against closed forms on Gaussian data, brute force, and the standard grids."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch

from core.analysis import median_error
from core.analysis.optimal_grids import MOST_TRAINED, OPTIMISED, make_optimised, train_on
from core.analysis.optimal_grids.gits import COEFFICIENT, jump_costs
from core.analysis.optimal_grids.knots import cheapest, logs_of, resampled, times_of
from core.analysis.optimal_grids.measured import starting_grids, training_error
from core.data import make_toy
from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import Cancelled, solve

C = 0.7  # width of the Gaussian data


@pytest.fixture(scope="module")
def gaussian():
    """N(0, c^2) under the EDM schedule: every solver only scales, and the exact scale is known."""
    return train_on(Problem(GaussianMixture(torch.zeros(1, 2), C), make_schedule("edm")), particles=16, seed=3)


@pytest.fixture(scope="module")
def ring():
    """The ring of Gaussians under vp-linear: training particles."""
    return train_on(Problem(make_toy("ring"), make_schedule("vp-linear")), particles=64, seed=1)


@pytest.fixture(scope="module")
def held_out(ring):
    """Other particles of the same problem."""
    return train_on(ring.problem, particles=128, seed=2)


def end_error(training, solver, times):
    return median_error(solve(training.problem, solver, times, training.x, record=False).final, training.end)


def test_ddim_on_gaussian_data_has_the_grid_even_in_the_angle(gaussian):
    # each DDIM step scales by cos(d theta) times the exact scale, theta = arctan(rho / c); the product is largest for
    # equal angles, where it is cos(Delta / n)^n
    n, span = 5, gaussian.problem.schedule
    times = make_optimised("optimised", gaussian, n, solver="ddim")
    theta = torch.atan(span.rho(times) / C)
    total = float(theta[0] - theta[-1])
    assert float((theta.diff() + total / n).abs().max()) < 0.01 * total / n
    ended = solve(gaussian.problem, "ddim", times, gaussian.x, record=False).final
    scale = float((ended / gaussian.end).mean())
    assert scale == pytest.approx(np.cos(total / n) ** n, rel=1e-4)
    assert scale == pytest.approx(0.781, abs=5e-4)


def test_the_bound_on_gaussian_data_has_the_grid_even_in_information():
    # mmse = c^2 / (1 + c^2 snr), so that the bound is a left Riemann sum of 1 / w in w = 1 + c^2 snr: least for even
    # steps in log w, which is twice the information that a step gains
    problem = Problem(GaussianMixture(torch.zeros(1, 2), C), make_schedule("edm"))
    training = train_on(problem, particles=1500, seed=5)
    times = make_optimised("ays", training, 6)
    information = torch.log1p(C**2 * torch.exp(2 * problem.schedule.log_snr(times)))
    even = float(information[-1] - information[0]) / 6
    node = 2 * float(problem.schedule.log_snr(times)[-1] - problem.schedule.log_snr(times)[0]) / 240
    assert float((information.diff() - even).abs().max()) < 0.05 * even + 2 * node


def test_the_cheapest_way_is_the_one_that_brute_force_finds(ring):
    problem, fine = ring.problem, make_grid("karras", ring.problem.schedule, 9)
    run = solve(problem, "reference", fine, ring.x)
    path = run.states / problem.schedule.alpha(fine)[:, None, None]
    slopes = torch.stack([problem.eps(x, float(t)) for x, t in zip(run.states, fine, strict=True)])
    for kind in ("deviation", "l1", "l2"):
        cost = jump_costs(problem.schedule.rho(fine), path, slopes, kind)
        for steps in (1, 3, 4, 9):
            ways = [(0, *inner, 9) for inner in combinations(range(1, 9), steps - 1)]
            totals = [sum(cost[hop] * COEFFICIENT**k for k, hop in enumerate(pairwise(way))) for way in ways]
            assert tuple(cheapest(cost, steps, COEFFICIENT)) == ways[int(np.argmin(totals))], (kind, steps)


def test_too_many_steps_for_the_nodes_are_refused():
    with pytest.raises(ValueError, match="4 nodes allow 1 to 3 steps, got 4"):
        cheapest(np.ones((4, 4)), 4)


@pytest.mark.parametrize("steps", [5, 10, 20])
def test_the_gits_grid_beats_the_rho_7_grid_for_euler_steps(ring, held_out, steps):
    chosen = make_optimised("gits", ring, steps)
    assert end_error(held_out, "ddim", chosen) < 0.8 * end_error(
        held_out, "ddim", make_grid("karras", ring.problem.schedule, steps)
    )


@pytest.mark.parametrize("solver", ["dpmpp-2m", "heun"])
def test_an_optimised_grid_beats_every_standard_one_in_training_and_held_out(ring, held_out, solver):
    standard = starting_grids(ring, solver, 6)
    times = make_optimised("optimised", ring, 6, solver=solver)
    assert training_error(ring, solver, times) < 0.5 * standard[0][0]
    assert end_error(held_out, solver, times) < 0.5 * min(end_error(held_out, solver, t) for _, _, t in standard)


@pytest.mark.parametrize("name", OPTIMISED)
def test_grids_are_grids_and_the_same_again(ring, name):
    for steps in (1, 2, 4):
        times = make_optimised(name, ring, steps)
        assert times.shape == (steps + 1,)
        assert times.dtype == torch.float64
        assert (float(times[0]), float(times[-1])) == (ring.t_start, ring.t_end)
        assert bool((times.diff() < 0).all())
        assert torch.equal(times, make_optimised(name, ring, steps))


def test_many_steps_follow_the_curve_of_the_most_trained(ring):
    span = ring.problem.schedule
    coarse = make_optimised("gits", ring, MOST_TRAINED)
    fine = make_optimised("gits", ring, 2 * MOST_TRAINED)
    assert torch.allclose(fine[::2], coarse, rtol=1e-9)
    assert torch.allclose(
        resampled(span, make_grid("uniform-lambda", span, 7), 30), make_grid("uniform-lambda", span, 30)
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_free_numbers_and_grids_are_the_same_thing(schedule):
    span = make_schedule(schedule)
    times = make_grid("karras", span, 9)
    back = times_of(span, logs_of(span, times), span.t_max, span.t_min)
    assert torch.allclose(back, times, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMISED)
def test_a_grid_in_the_making_can_be_cancelled_and_tells_its_progress(ring, name):
    told = []
    problem = ring.problem
    watched = train_on(problem, 16, 1, report=lambda fraction, doing: told.append(fraction))
    make_optimised(name, watched, 3)
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1
    asked = iter([False] * 12)
    stopped = train_on(problem, 16, 1)
    stopped = type(stopped)(**{**vars(stopped), "stop": lambda: next(asked, True)})
    with pytest.raises(Cancelled):
        make_optimised(name, stopped, 3)


def test_what_cannot_be_made_is_said(ring):
    with pytest.raises(ValueError, match=r"unknown optimised time grid 'git'.*'gits'"):
        make_optimised("git", ring, 4)
    with pytest.raises(ValueError, match="has no option 'solver'"):
        make_optimised("gits", ring, 4, solver="ddim")
    with pytest.raises(ValueError, match="must be one of"):
        make_optimised("optimised", ring, 4, solver="ddpm")
    with pytest.raises(ValueError, match="does not fit"):
        train_on(ring.problem, 4, 0, t_start=2.0)
    with pytest.raises(ValueError, match="the number of steps"):
        make_optimised("gits", ring, 0)
