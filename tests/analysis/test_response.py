"""Weights found by impulses are those that the solver uses; widths found without sampling are those of its samples."""

import math

import numpy as np
import pytest
import torch

from core.analysis import respond, spread
from core.analysis.response import asked
from core.analysis.stability import amplification, runge_kutta_of, step_products
from core.data import make_toy
from core.grids import make_grid
from core.models import GaussianMixture, Model
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS
from core.solvers.runge_kutta import EULER, HEUN, RK4

REMEMBERS = [name for name in SOLVERS if name.startswith("dpm-v3")]  # past particles beside past predictions
FIXED = [n for n, info in SOLVERS.items() if not (info.adaptive or info.stochastic or n in REMEMBERS)]


class Recording(Model):
    """Keeps every answer of a model, in one prediction or in both."""

    def __init__(self, model, native):
        self.model, self.native, self.shape, self.exact = model, native, model.shape, True
        self.answers = []

    def __getattr__(self, name):  # what else an exact model can be asked
        return getattr(self.model, name)

    def predict(self, x, alpha, sigma, kind):
        self.answers.append(self.model.predict(x, alpha, sigma, kind))
        return self.answers[-1]


def times_of(problem, steps=6):
    return make_grid("karras", problem.schedule, steps, 0.9, 0.02)


@pytest.mark.parametrize("name", FIXED)
def test_the_weights_repeat_a_run(name):
    """On real data ``x_next = carry x + sum of weights times answers`` is the very run, whatever the engine."""
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    times = times_of(problem)
    response = respond(problem, name, times)
    kinds = {one.kind for one in response.evaluations}
    assert len(kinds) == 1
    one_kind = asked(problem, name, times) == tuple(kinds)
    model = Recording(problem.model, ("x0", "eps") if one_kind else ("eps",))
    x = problem.sample_prior(5, 0.9, seed=3)
    run = solve(Problem(model, problem.schedule), name, times, x)
    assert run.nfe == len(response.evaluations)
    answers = torch.stack(model.answers[-run.nfe :]).numpy()[:, :, 0]  # those before belong to statistics
    for i, state in enumerate(run.states[:-1, :, 0].numpy()):
        end = response.carry[i] * state + response.weights[i] @ answers + response.shift[i]
        np.testing.assert_allclose(run.states[i + 1, :, 0].numpy(), end, rtol=1e-9, atol=1e-9)


def test_the_weight_of_ddim_is_the_exact_total():
    problem = Problem(make_toy("ring"), make_schedule("flow"))
    times = times_of(problem)
    response = respond(problem, "ddim", times)
    alpha, sigma = problem.schedule.alpha(times).numpy(), problem.schedule.sigma(times).numpy()
    growth = alpha[1:] / sigma[1:] * sigma[:-1] / alpha[:-1] - 1  # e^h - 1
    np.testing.assert_allclose(np.diag(response.weights), -sigma[1:] * growth, rtol=1e-12)
    np.testing.assert_allclose(response.carry, alpha[1:] / alpha[:-1], rtol=1e-12)
    np.testing.assert_allclose(response.shares, np.eye(6), atol=1e-12)
    assert response.kind == "eps"


def test_stages_are_told_apart_from_the_step():
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    response = respond(problem, "dpm-2s", times_of(problem))
    assert [one.step for one in response.evaluations] == [i for i in range(6) for _ in range(2)]
    first, inner = response.evaluations[:2]
    nxt = response.evaluations[2]
    assert inner.lam - first.lam == pytest.approx((nxt.lam - first.lam) / 2)
    np.testing.assert_allclose(response.shares[0], [0, 1, *[0] * 10], atol=1e-12)  # r1 = 1/2: the middle alone counts
    assert response.stage_weights[1, 0] != 0
    np.testing.assert_array_equal(response.stage_weights[0], 0)


def test_a_solver_that_chooses_its_steps_has_no_weights():
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    with pytest.raises(ValueError, match="chooses its own steps"):
        respond(problem, "rk45", times_of(problem))


@pytest.mark.parametrize("name", [name for name in REMEMBERS if not name.endswith("-1")])
def test_a_solver_that_remembers_particles_has_no_weights_of_predictions_alone(name):
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    with pytest.raises(ValueError, match="past particles"):
        respond(problem, name, times_of(problem))


def bells(*widths):
    widths = torch.tensor(widths, dtype=torch.float64)
    model = GaussianMixture(torch.zeros(1, len(widths)), covariances=torch.diag(widths**2)[None])
    return Problem(model, make_schedule("vp-linear")), widths


def true_width(problem, widths, t):
    return (problem.schedule.alpha(t) ** 2 * widths**2 + problem.schedule.sigma(t) ** 2).sqrt()


def test_ddim_multiplies_a_bell_curve_by_cosines():
    """With rho = c tan(theta) each step multiplies by the exact factor times the cosine of its change of theta."""
    problem, widths = bells(0.25, 1.0, 4.0)
    times = times_of(problem)
    found = spread(problem, "ddim", times, true_width(problem, widths, times[0]))
    rho = problem.schedule.rho(times)[:, None]
    angle = torch.atan(rho / widths)
    expected = torch.cos(angle.diff(dim=0)).prod(dim=0)
    torch.testing.assert_close(found.width / true_width(problem, widths, times[-1]), expected, rtol=1e-12, atol=0)
    assert found.nfe == 6


STOCHASTIC = [name for name, info in SOLVERS.items() if info.stochastic]


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_width_of_a_stochastic_solver_is_that_of_its_samples(name):
    problem, widths = bells(0.5, 2.0)
    times = times_of(problem, 4)
    start = true_width(problem, widths, times[0])
    found = spread(problem, name, times, start)
    x = start * torch.randn(20_000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    run = solve(problem, name, times, x, seed=5, record=False)
    torch.testing.assert_close(run.final.std(dim=0), found.width, rtol=0.03, atol=0)
    assert found.nfe == run.nfe


def test_what_solvers_ask_for():
    problem = Problem(make_toy("ring"), make_schedule("vp-linear"))
    times = times_of(problem)
    assert asked(problem, "ddim", times) == ("eps",)
    assert asked(problem, "dpmpp-2m", times) == ("x0",)
    assert asked(problem, "euler", times) == ("eps", "x0")


def test_amplification_is_the_start_of_the_exponential_series():
    z = np.array([0.3 + 0.4j, -2.0, 1.5j])
    for tableau, order in ((EULER, 1), (HEUN, 2), (RK4, 4)):
        series = sum(z**k / math.factorial(k) for k in range(order + 1))
        np.testing.assert_allclose(amplification(tableau, z), series, rtol=1e-14)


def test_steps_of_euler_on_a_bell_curve_multiply_by_one_plus_z():
    problem, widths = bells(0.5)
    times = times_of(problem)
    method = runge_kutta_of(SOLVERS["euler"].make())
    products = step_products(method, problem.schedule, times, 0.5)
    start = true_width(problem, widths, times[0])
    found = spread(problem, "euler", times, start).width / start
    assert float(found) == pytest.approx(abs(np.prod(1 + products)), rel=1e-10)
    assert runge_kutta_of(SOLVERS["dpmpp-2m"].make()) is None
    assert runge_kutta_of(SOLVERS["rk4"].make(final="euler")).tableau == RK4
