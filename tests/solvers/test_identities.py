"""Methods that must coincide, closed forms for Gaussian data, and the reference solution."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch

from core.grids import make_grid
from core.problem import Problem, levels_at
from core.schedules import SCHEDULES, Schedule, make_schedule
from core.schedules.base import as_float64
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.integrals import Kernel
from core.solvers.multistep import ExponentialMultistep
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


ONE = ("ddim", "edm-euler", "unip-1")  # DDIM = DPM-Solver-1 = tAB0 = rhoAB0 = Euler in (y, rho) = UniP-1
SAME = [
    ("deis-rhork-2", "edm-heun", {}),
    ("deis-rhoab-1", "lms-2", {}),
    ("deis-rhoab-2", "lms-3", {}),
    ("deis-rhoab-3", "lms-4", {}),
    *((f"ipndm-v-{order}", f"lms-{order}", {}) for order in (2, 3, 4)),
    ("unip-2", "dpmpp-2m", {}),
    ("unip-3", "dpmpp-3m", {}),
]


@ALL_SCHEDULES
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("kernel", [("eps", "t"), ("eps", "rho"), ("eps", "lambda"), ("x0", "lambda")])
def test_one_node_is_ddim_whatever_is_extrapolated(name, kernel, order):
    """A polynomial of degree 0 knows no variable; the first step of every ramp is DDIM's."""
    problem = three_mode_problem(make_schedule(name))
    times = make_grid("karras", problem.schedule, 12)
    levels = levels_at(problem.schedule, times)
    plan = ExponentialMultistep(Kernel(*kernel), order).plan(problem, times)
    ddim = SOLVERS["ddim"].make().plan(problem, times)
    for i, (ours, reference) in enumerate(zip(plan, ddim, strict=True)):
        if order > 1 and i:
            break
        if kernel[0] == "eps":
            assert ours.carry == reference.carry
            assert ours.weights == pytest.approx(reference.weights, rel=1e-13)
        else:  # the same step, told in x0: x0 = (x - sigma eps)/alpha
            cur = levels[i]
            (gain,) = ours.weights
            assert ours.carry + gain / cur.alpha == pytest.approx(reference.carry, rel=1e-12)
            assert -gain * cur.sigma / cur.alpha == pytest.approx(reference.weights[0], rel=1e-12)


@ALL_SCHEDULES
@pytest.mark.parametrize(("one", "other", "options"), SAME)
def test_different_names_of_one_method(name, one, other, options):
    problem = three_mode_problem(make_schedule(name))
    times = make_grid("karras", problem.schedule, 12)
    x = problem.sample_prior(16, float(times[0]), 0)
    a, b = (solve(problem, solver, times, x, **options).final for solver in (one, other))
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("prediction", ["eps", "x0"])
@pytest.mark.parametrize(("variant", "b"), [("bh1", lambda hh: hh), ("bh2", np.expm1)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_unipc_is_unip_and_a_corrector(order, variant, b, prediction):
    """The paper's two linear systems, solved here, applied one after the other."""
    problem = three_mode_problem(make_schedule("vp-linear"))
    schedule = problem.schedule
    times = make_grid("karras", schedule, 9, 0.9, 0.01)
    lam, alpha, sigma = (f(times).tolist() for f in (schedule.log_snr, schedule.alpha, schedule.sigma))
    x = problem.sample_prior(16, 0.9, 0)
    ask = problem.eps if prediction == "eps" else problem.x0
    run = solve(problem, f"unipc-{variant}-{order}", times, x, prediction=prediction)
    history = [ask(x, times[0])]
    for i in range(9):
        h = lam[i + 1] - lam[i]
        hh = h if prediction == "eps" else -h
        known = min(order, i + 1)
        r = [(lam[i - j] - lam[i]) / h for j in range(1, known)] + [1.0]
        # n! hh phi_{n+1}(hh)/B by the recursion phi_{n+1}(z) = (phi_n(z) - 1/n!)/z
        phi, right = np.expm1(hh) / hh, []
        for n in range(1, known + 1):
            phi = (phi - 1 / math.factorial(n)) / hh
            right.append(math.factorial(n) * hh * phi / b(hh))
        system = np.array([[ri**n for ri in r] for n in range(known)])
        predictor = [0.5] if known == 2 else list(np.linalg.solve(system[:-1, :-1], right[:-1]))
        corrector = [0.5] if known == 1 else list(np.linalg.solve(system, right))
        if prediction == "eps":
            start, scale = alpha[i + 1] / alpha[i] * x - sigma[i + 1] * np.expm1(hh) * history[0], -sigma[i + 1]
        else:
            start, scale = sigma[i + 1] / sigma[i] * x - alpha[i + 1] * np.expm1(hh) * history[0], -alpha[i + 1]
        differences = [(history[j] - history[0]) / r[j - 1] for j in range(1, known)]
        predicted = start + scale * b(hh) * sum(w * d for w, d in zip(predictor, differences, strict=False))
        if i == 8:
            x = predicted
        else:
            new = ask(predicted, times[i + 1])
            x = start + scale * b(hh) * sum(
                w * d for w, d in zip(corrector, [*differences, new - history[0]], strict=True)
            )
            history = [new, *history]
        torch.testing.assert_close(run.states[i + 1], x, rtol=1e-10, atol=1e-11)


IN_LAMBDA = [
    name
    for name, info in SOLVERS.items()
    if not info.stochastic
    and (
        info.family in ("Exponential multistep", "Exponential single-step", "UniPC", "Adams-Bashforth")
        or name.startswith(("edm-", "deis-rho"))
    )
]


@pytest.mark.parametrize("name", ["vp-linear", "sub-vp", "flow", "vp-cosine"])
@pytest.mark.parametrize("solver", IN_LAMBDA)
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


@dataclass(frozen=True)
class Retimed(Schedule):
    """Another schedule with its clock running as the cube of time."""

    inner: Schedule

    def log_alpha(self, t):
        return self.inner.log_alpha(as_float64(t) ** 3)

    def log_sigma(self, t):
        return self.inner.log_sigma(as_float64(t) ** 3)

    def d_log_alpha(self, t):
        return 3 * as_float64(t) ** 2 * self.inner.d_log_alpha(as_float64(t) ** 3)

    def d_log_sigma(self, t):
        return 3 * as_float64(t) ** 2 * self.inner.d_log_sigma(as_float64(t) ** 3)

    def time_of(self, lam):
        return self.inner.time_of(lam) ** (1 / 3)


@pytest.mark.parametrize("solver", IN_LAMBDA)
def test_the_clock_does_not_matter_to_methods_in_lambda_or_rho(solver):
    schedule = make_schedule("vp-linear")
    other = Retimed(0.1, 1.0, schedule)
    lam = torch.linspace(-4.0, 3.0, 13, dtype=torch.float64)
    problem, retimed = three_mode_problem(schedule), three_mode_problem(other)
    x = problem.sample_prior(16, float(schedule.time_of(lam[0])), 0)
    a = solve(problem, solver, schedule.time_of(lam), x).states
    b = solve(retimed, solver, other.time_of(lam), x).states
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


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
