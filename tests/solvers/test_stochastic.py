"""Stochastic samplers on one Gaussian, where each step is affine and moments are known without sampling."""

import itertools
import math
from itertools import pairwise

import pytest
import torch

from core.analysis import convergence_order, median_error, rms_error
from core.grids import make_grid
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS, BrownianPath
from tests.solvers.exact import DiagonalGaussian, three_mode_problem

MODEL = DiagonalGaussian([0.8, -0.5], [0.25, 1.6])
PARTICLES = 20_000
CASES = [
    ("euler-maruyama", {"eta": 0.0}),
    ("euler-maruyama", {"eta": 0.5}),
    ("euler-maruyama", {"eta": 1.0}),
    ("euler-maruyama", {"eta": 1.7}),
    ("ddpm", {"variance": "small"}),
    ("ddpm", {"variance": "large"}),
]
WEAK = [case for case in CASES if case[1].get("eta") != 0.0]


def levels(schedule, t):
    return tuple(float(value(t)) for value in (schedule.alpha, schedule.sigma, schedule.f, schedule.g_squared))


def affine_step(solver, options, schedule, t_cur, t_next):
    """``(scale, shift, variance)`` per dimension of one step, from the papers' equations."""
    m, c = MODEL.mean, MODEL.variance
    alpha, sigma, f, g_squared = levels(schedule, t_cur)
    alpha_next, sigma_next, _, _ = levels(schedule, t_next)
    total = alpha**2 * c + sigma**2
    if solver == "euler-maruyama":
        # x + (f x - (1 + eta^2)/2 g^2 score) dt + eta g sqrt(|dt|) z with score = -(x - alpha m)/V
        dt, eta = t_next - t_cur, options["eta"]
        pull = 0.5 * (1 + eta**2) * g_squared / total * dt
        return 1 + f * dt + pull, -pull * alpha * m, torch.full_like(m, eta**2 * g_squared * -dt)
    # Bayes: x_next given x0 is N(alpha' x0, sigma'^2); x_cur given x_next is N(a x_next, b)
    a = alpha / alpha_next
    b = sigma**2 - a**2 * sigma_next**2
    precision = 1 / sigma_next**2 + a**2 / b
    of_x0, of_x = alpha_next / sigma_next**2 / precision, a / b / precision
    gain = alpha * c / total  # x0hat = m + gain (x - alpha m)
    variance = b if options["variance"] == "large" else 1 / precision
    return of_x + of_x0 * gain, of_x0 * (m - gain * alpha * m), torch.full_like(m, variance)


def propagated(solver, options, schedule, times, mean, variance):
    for t_cur, t_next in itertools.pairwise(times):
        scale, shift, added = affine_step(solver, options, schedule, t_cur, t_next)
        mean, variance = scale * mean + shift, scale**2 * variance + added
    return mean, variance


@pytest.mark.parametrize("name", ["vp-linear", "edm", "flow"])
@pytest.mark.parametrize(("solver", "options"), CASES)
def test_moments_are_those_of_the_affine_recursion(name, solver, options):
    schedule = make_schedule(name)
    problem = Problem(MODEL, schedule)
    times = make_grid("karras", schedule, 15)
    start = float(schedule.sigma(times[0]))
    x = problem.sample_prior(PARTICLES, float(times[0]), seed=11)
    final = solve(problem, solver, times, x, seed=12, record=False, **options).final
    zero = torch.zeros(2, dtype=torch.float64)
    mean, variance = propagated(solver, options, schedule, times.tolist(), zero, zero + start**2)
    assert ((final.mean(0) - mean).abs() < 4 * (variance / PARTICLES).sqrt()).all()
    assert ((final.var(0) - variance).abs() < 4 * variance * math.sqrt(2 / PARTICLES)).all()
    covariance = ((final - mean)[:, 0] * (final - mean)[:, 1]).mean()  # dimensions get noise of their own
    assert abs(float(covariance)) < 4 * float(variance.prod().sqrt()) / math.sqrt(PARTICLES)


@pytest.mark.parametrize("name", ["vp-linear", "edm", "flow", "ddpm-cosine"])
@pytest.mark.parametrize(("solver", "options"), CASES)
def test_every_step_is_the_papers(name, solver, options):
    """One step at a time, noise included, to rounding."""
    schedule = make_schedule(name)
    problem = Problem(MODEL, schedule)
    times = make_grid("uniform-lambda", schedule, 9)
    x = problem.sample_prior(6, float(times[0]), seed=1)
    run = solve(problem, solver, times, x, seed=2, **options)
    path = BrownianPath(schedule, float(times[0]), float(times[-1]), (6, 2), 2)
    for i, (t_cur, t_next) in enumerate(pairwise(times.tolist())):
        scale, shift, variance = affine_step(solver, options, schedule, t_cur, t_next)
        noise = path.increment(t_cur, t_next) / math.sqrt(t_cur - t_next)
        expected = scale * run.states[i] + shift + variance.sqrt() * noise
        torch.testing.assert_close(run.states[i + 1], expected, rtol=1e-10, atol=1e-11 * float(x.abs().max()))


@pytest.mark.parametrize(("solver", "options"), WEAK)
def test_weak_order(solver, options):
    """Error of the final variance, without sampling: slope 1."""
    schedule = make_schedule("vp-linear")
    start, end = (float(schedule.time_of(lam)) for lam in (-4.0, 3.0))
    alpha, sigma, _, _ = levels(schedule, start)
    steps, errors = (40, 80, 160, 320, 640), []
    exact = MODEL.spread(*levels(schedule, end)[:2]) ** 2
    for n in steps:
        times = make_grid("uniform-lambda", schedule, n, start, end).tolist()
        _, variance = propagated(solver, options, schedule, times, alpha * MODEL.mean, MODEL.spread(alpha, sigma) ** 2)
        errors.append(float((variance - exact).abs().max()))
    assert convergence_order(steps, errors) == pytest.approx(SOLVERS[solver].order, abs=0.15)


@pytest.mark.parametrize("data", ["gaussian", "mixture"])
@pytest.mark.parametrize(("solver", "options"), [WEAK[1], WEAK[3]])
def test_strong_order_on_one_brownian_path(solver, options, data):
    """The noise is additive: the paths themselves converge with order 1. (Weak convergence needs no shared path.)

    On the mixture the median is taken, since single particles may end in another mode than on the finest path.
    """
    schedule = make_schedule("vp-linear")
    problem = Problem(MODEL, schedule) if data == "gaussian" else three_mode_problem(schedule)
    start, end = (float(schedule.time_of(lam)) for lam in (-4.0, 1.5))
    x = problem.sample_prior(64, start, 3)

    def final(n: int) -> torch.Tensor:
        times = make_grid("uniform-lambda", schedule, n, start, end)
        return solve(problem, solver, times, x, seed=4, record=False, **options).final

    finest, steps = final(2048), (16, 32, 64, 128)
    error = rms_error if data == "gaussian" else median_error
    errors = [error(final(n), finest) for n in steps]
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    assert sum(slopes) / len(slopes) == pytest.approx(1, abs=0.2)


def test_noise_choice_of_ddpm():
    """Large is exact for N(0, I) data, small for a single point, at any number of steps."""
    schedule = make_schedule("vp-linear")
    times = make_grid("uniform-t", schedule, 7)
    plan = {
        variance: SOLVERS["ddpm"].make(variance=variance).plan(Problem(MODEL, schedule), times)
        for variance in ("small", "large")
    }
    for data_variance, choice in ((1.0, "large"), (0.0, "small")):
        alpha, sigma, _, _ = levels(schedule, float(times[0]))
        variance = alpha**2 * data_variance + sigma**2
        for cur, nxt, kind, step in plan[choice]:
            assert kind == "x0"
            gain = cur.alpha * data_variance / (cur.alpha**2 * data_variance + cur.sigma**2)
            variance = (step.keep + step.gain * gain) ** 2 * variance + step.spread**2
            assert variance == pytest.approx(nxt.alpha**2 * data_variance + nxt.sigma**2, rel=1e-12)


def test_seeds():
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid("uniform-lambda", problem.schedule, 10)
    x = problem.sample_prior(16, 1.0, 0)
    for solver in [name for name, info in SOLVERS.items() if info.stochastic]:
        first, again = (solve(problem, solver, times, x, seed=5).states for _ in range(2))
        assert torch.equal(first, again)
        assert not torch.equal(first[-1], solve(problem, solver, times, x, seed=6).final)
        part = solve(problem, solver, times, x[:5], seed=5).final
        torch.testing.assert_close(part, first[-1][:5], rtol=0, atol=1e-13)
