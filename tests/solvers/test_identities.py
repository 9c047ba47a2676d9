"""Methods that must coincide, closed forms for Gaussian data, and the reference solution."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from core.grids import make_grid
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.runge_kutta import EULER, HEUN, KUTTA3, MIDPOINT, RALSTON, RK4, Tableau
from tests.solvers.exact import DiagonalGaussian, three_mode_problem

ALL_SCHEDULES = pytest.mark.parametrize("name", SCHEDULES)


@ALL_SCHEDULES
def test_ddim_is_euler_on_the_scaled_variable(name):
    problem = three_mode_problem(make_schedule(name))
    for grid in ("uniform-lambda", "karras", "uniform-t"):
        times = make_grid(grid, problem.schedule, 12)
        x = problem.sample_prior(32, float(times[0]), 0)
        ddim, euler = (solve(problem, solver, times, x).states for solver in ("ddim", "edm-euler"))
        scale = 1 + float(problem.schedule.rho(times[0]))  # y = x/alpha is that much larger than the data
        torch.testing.assert_close(ddim, euler, rtol=1e-12, atol=1e-14 * scale)


def test_where_time_is_the_noise_level_both_families_are_one():
    problem = three_mode_problem(make_schedule("edm"))
    times = make_grid("karras", problem.schedule, 15)
    x = problem.sample_prior(32, 80.0, 0)
    for in_t, in_sigma in (("euler", "edm-euler"), ("heun", "edm-heun"), ("midpoint", "edm-midpoint")):
        a, b = (solve(problem, solver, times, x).states for solver in (in_t, in_sigma))
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["vp-linear", "sub-vp", "flow", "vp-cosine"])
@pytest.mark.parametrize("solver", ["ddim", "dpm-2m", "dpmpp-2m", "dpmpp-3m", "edm-heun"])
def test_only_the_noise_levels_matter_to_methods_in_lambda_or_rho(name, solver):
    """The same lambda knots give the same ``x / alpha`` under any schedule."""
    lam = torch.linspace(-2.4, 3.0, 11, dtype=torch.float64)
    schedule, other = make_schedule(name), make_schedule("edm")
    times, other_times = schedule.time_of(lam), other.time_of(lam)
    y = three_mode_problem(other).sample_prior(32, float(other_times[0]), 0)
    run = solve(three_mode_problem(schedule), solver, times, y * schedule.alpha(times[0]))
    expected = solve(three_mode_problem(other), solver, other_times, y)
    alphas = schedule.alpha(times)[:, None, None]
    torch.testing.assert_close(run.states / alphas, expected.states, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 5, 18])
@pytest.mark.parametrize("grid", ["even angles", "karras"])
def test_ddim_scales_gaussian_data_by_a_product_of_cosines(steps, grid):
    """Data N(0, c^2), rho = c tan(theta): each step multiplies the exact scale by cos(step in theta)."""
    c, schedule = 0.7, make_schedule("edm")
    problem = Problem(DiagonalGaussian([0.0, 0.0], [c**2, c**2]), schedule)
    if grid == "karras":
        times = make_grid("karras", schedule, steps)
    else:
        ends = torch.atan(torch.tensor([80.0, 0.002], dtype=torch.float64) / c)
        times = c * torch.tan(torch.linspace(float(ends[0]), float(ends[1]), steps + 1, dtype=torch.float64))
        times[0], times[-1] = 80.0, 0.002
    x = problem.sample_prior(8, 80.0, 0)
    exact = problem.model.flow(x, schedule, 80.0, 0.002)
    product = torch.cos(torch.atan(times / c).diff()).prod()
    torch.testing.assert_close(solve(problem, "ddim", times, x).final, exact * product, rtol=1e-11, atol=0)
    if steps == 5:  # known values: 0.781 on even angles, 0.588 on the rho = 7 grid
        assert float(product) == pytest.approx(0.781 if grid == "even angles" else 0.588, abs=5e-4)


@ALL_SCHEDULES
class TestReference:
    def test_it_is_the_exact_flow_of_a_gaussian(self, name):
        schedule, model = make_schedule(name), DiagonalGaussian([0.7, -0.4], [0.09, 2.0])
        problem = Problem(model, schedule)
        times = make_grid("uniform-lambda", schedule, 7)
        x = problem.sample_prior(16, float(times[0]), 2)
        run = solve(problem, "reference", times, x)
        for t, state in zip(times.tolist(), run.states, strict=True):
            exact = model.flow(x, schedule, float(times[0]), t)
            torch.testing.assert_close(state, exact, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(
            run.final, model.flow(x, schedule, schedule.t_max, schedule.t_min), rtol=0, atol=1e-10
        )

    def test_two_variables_agree_over_the_whole_range(self, name):
        problem = three_mode_problem(make_schedule(name))
        times = make_grid("uniform-lambda", problem.schedule, 1)
        x = problem.sample_prior(16, float(times[0]), 3)
        ends = [
            solve(problem, "reference", times, x, record=False, variable=variable).final
            for variable in ("normalised", "scaled")
        ]
        torch.testing.assert_close(*ends, rtol=0, atol=1e-9)


def test_the_reference_is_tight_by_default():
    recipe = SOLVERS["reference"].make()
    assert recipe.rtol <= 1e-12
    assert recipe.atol <= 1e-12
    assert recipe.method == "DOP853"


def test_the_reference_does_not_depend_on_the_grid_or_on_recording():
    problem = three_mode_problem(make_schedule("vp-linear"))
    x = problem.sample_prior(16, 1.0, 3)
    coarse, fine = (make_grid("karras", problem.schedule, steps) for steps in (4, 64))
    runs = [solve(problem, "reference", times, x) for times in (coarse, fine)]
    bare = solve(problem, "reference", fine, x, record=False)
    assert torch.equal(runs[0].final, runs[1].final)
    assert torch.equal(runs[0].final, bare.final)
    torch.testing.assert_close(runs[1].states[::16], runs[0].states, rtol=0, atol=1e-9)
    # states between the ends cost three evaluations for each of the method's own steps at most
    assert bare.nfe < runs[1].nfe <= 1.3 * bare.nfe
    middle = solve(problem, "reference", fine[:33], x).final
    torch.testing.assert_close(runs[1].states[32], middle, rtol=0, atol=1e-9)


def test_rk45_meets_its_tolerance():
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 1, 1.0, 0.01)
    x = problem.sample_prior(32, 1.0, 3)
    end = solve(problem, "reference", times, x, record=False).final
    errors, costs = [], []
    for tolerance in (1e-3, 1e-5, 1e-7, 1e-9):
        run = solve(problem, "rk45", times, x, record=False, rtol=tolerance, atol=tolerance)
        errors.append(float((run.final - end).square().mean().sqrt()))
        costs.append(run.nfe)
    assert all(later < earlier / 5 for earlier, later in pairwise(errors))
    assert all(later > earlier for earlier, later in pairwise(costs))
    assert errors[-1] < 1e-6


ORDERS = {"EULER": (EULER, 1), "MIDPOINT": (MIDPOINT, 2), "HEUN": (HEUN, 2), "RALSTON": (RALSTON, 2)}
ORDERS |= {"KUTTA3": (KUTTA3, 3), "RK4": (RK4, 4)}


@pytest.mark.parametrize("name", ORDERS)
def test_tableaus_meet_the_order_conditions(name):
    """The conditions of the rooted trees with up to four nodes (Hairer, Norsett, Wanner, theorem II.2.13)."""
    tableau, order = ORDERS[name]
    stages = len(tableau.b)
    a = np.zeros((stages, stages))
    for i, row in enumerate(tableau.a):
        a[i, : len(row)] = row
    b, c = np.array(tableau.b), np.array(tableau.c)
    assert np.allclose(c, a.sum(1))
    conditions = [
        (1, b.sum(), 1),
        (2, b @ c, 1 / 2),
        (3, b @ c**2, 1 / 3),
        (3, b @ a @ c, 1 / 6),
        (4, b @ c**3, 1 / 4),
        (4, (b * c) @ a @ c, 1 / 8),
        (4, b @ a @ c**2, 1 / 12),
        (4, b @ a @ a @ c, 1 / 24),
    ]
    for tree_order, value, expected in conditions:
        if tree_order <= order:
            assert value == pytest.approx(expected, abs=1e-15)
    assert any(
        abs(value - expected) > 1e-3 for tree_order, value, expected in conditions if tree_order == order + 1
    ) or (order == 4)


def test_a_tableau_checks_itself():
    with pytest.raises(ValueError, match=r"must sum to 1, got 0\.9"):
        Tableau(((), (1.0,)), (0.5, 0.4))
    with pytest.raises(ValueError, match=r"row i of an explicit tableau needs i entries, got rows of \[1, 1\]"):
        Tableau(((0.5,), (1.0,)), (0.5, 0.5))


def test_the_noise_free_sde_is_euler():
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid("karras", problem.schedule, 30)
    x = problem.sample_prior(32, 1.0, 0)
    sde, ode = solve(problem, "euler-maruyama", times, x, eta=0.0), solve(problem, "euler", times, x)
    torch.testing.assert_close(sde.states, ode.states, rtol=0, atol=1e-12)
    assert math.isclose(sde.nfe, ode.nfe)
