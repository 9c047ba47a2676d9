"""Predictions, their conversions, and the two differential equations."""

import math

import pytest
import torch

from core.models import Model
from core.noise import normal
from core.problem import PREDICTIONS, Problem, convert, drift_coefficients, levels_at
from core.schedules import SCHEDULES, make_schedule
from tests.solvers.exact import DiagonalGaussian, three_mode_problem, three_modes

ALL_SCHEDULES = pytest.mark.parametrize("name", SCHEDULES)


def inner_times(schedule, lowest=-4.0, highest=4.0, count=9):
    first = max(lowest, float(schedule.log_snr(schedule.t_max)))
    last = min(highest, float(schedule.log_snr(schedule.t_min)))
    return schedule.time_of(torch.linspace(first, last, count, dtype=torch.float64)).tolist()


@pytest.mark.parametrize(("alpha", "sigma"), [(0.8, 0.6), (1.0, 3.0), (0.3, 0.7)])
@pytest.mark.parametrize("given", PREDICTIONS)
@pytest.mark.parametrize("wanted", PREDICTIONS)
def test_conversions_follow_from_x_alone(given, wanted, alpha, sigma):
    x0, eps = normal(0, "x0", shape=(50, 3)), normal(0, "eps", shape=(50, 3))
    x = alpha * x0 + sigma * eps
    known = {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0, "score": -eps / sigma}
    torch.testing.assert_close(convert(known[given], given, wanted, x, alpha, sigma), known[wanted], rtol=0, atol=1e-13)


def test_unknown_predictions():
    x = torch.zeros(1, 2)
    with pytest.raises(ValueError, match="unknown prediction 'noise'; choose one of: eps, x0, v, score"):
        convert(x, "noise", "x0", x, 1.0, 1.0)
    with pytest.raises(ValueError, match="unknown prediction 'noise'"):
        convert(x, "x0", "noise", x, 1.0, 1.0)


class OneNative(Model):
    """The Gaussian again, knowing one prediction only."""

    exact = False

    def __init__(self, exact: DiagonalGaussian, kind: str):
        self.inner, self.native, self.shape = exact, (kind,), exact.shape

    def predict(self, x, alpha, sigma, kind):
        assert kind in self.native
        eps = self.inner.predict(x, alpha, sigma, "eps")
        x0 = self.inner.predict(x, alpha, sigma, "x0")
        return {"eps": eps, "x0": x0, "v": alpha * eps - sigma * x0, "score": -eps / sigma}[kind]


@ALL_SCHEDULES
@pytest.mark.parametrize("kind", PREDICTIONS)
def test_a_model_with_one_prediction_gives_the_same_problem(name, kind):
    schedule, model = make_schedule(name), DiagonalGaussian([0.5, -1.0], [0.3, 2.0])
    exact, single = Problem(model, schedule), Problem(OneNative(model, kind), schedule)
    for t in inner_times(schedule):
        x = exact.sample_prior(20, t, 1)
        scale = 1e-13 * (1 + float(schedule.rho(t)) + 1 / float(schedule.rho(t)) + float(schedule.sigma(t)))
        for method in ("eps", "x0", "v"):
            mine, theirs = getattr(single, method)(x, t), getattr(exact, method)(x, t)
            torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=20 * scale)
        torch.testing.assert_close(single.velocity(x, t), exact.velocity(x, t), rtol=1e-10, atol=1e-10)


@ALL_SCHEDULES
def test_score_is_the_gradient_of_the_log_density(name):
    problem = three_mode_problem(make_schedule(name))
    for t in inner_times(problem.schedule):
        x = problem.sample_marginal(20, t, 2).requires_grad_()
        (gradient,) = torch.autograd.grad(problem.log_density(x, t).sum(), x)
        torch.testing.assert_close(problem.score(x.detach(), t), gradient, rtol=1e-9, atol=1e-10)


@ALL_SCHEDULES
def test_velocity_is_the_derivative_of_the_exact_flow(name):
    schedule, model = make_schedule(name), DiagonalGaussian([0.7, -0.4], [0.09, 1.7])
    problem = Problem(model, schedule)
    for t in inner_times(schedule, -3.5, 3.5, 6):
        x = problem.sample_prior(10, t, 3)
        step = 1e-5 / abs(float(schedule.d_log_snr(t)))
        ahead, behind = model.flow(x, schedule, t, t + step), model.flow(x, schedule, t, t - step)
        if name.startswith("ddpm") and math.floor((t + step) * 1000) != math.floor((t - step) * 1000):
            continue  # across a knot the flow has a kink
        slope = (ahead - behind) / (2 * step)
        torch.testing.assert_close(problem.velocity(x, t), slope, rtol=1e-6, atol=1e-6 * float(slope.abs().max()))


@ALL_SCHEDULES
def test_velocity_carries_the_density(name):
    """The continuity equation ``d log p/dt + v . grad log p + div v = 0`` of the mixture's own log density."""
    problem = three_mode_problem(make_schedule(name))
    schedule = problem.schedule
    for t in inner_times(schedule, -2.5, 2.5, 5):
        step = 1e-5 / abs(float(schedule.d_log_snr(t)))
        if name.startswith("ddpm") and math.floor((t + step) * 1000) != math.floor((t - step) * 1000):
            continue
        x = problem.sample_marginal(16, t, 4)
        rate = (problem.log_density(x, t + step) - problem.log_density(x, t - step)) / (2 * step)
        velocity = problem.velocity(x, t)
        advection = (velocity * problem.score(x, t)).sum(1)
        divergence = torch.zeros(len(x), dtype=torch.float64)
        for d in range(2):
            shift = torch.zeros_like(x)
            shift[:, d] = 1e-5
            divergence += (problem.velocity(x + shift, t) - problem.velocity(x - shift, t))[:, d] / 2e-5
        size = rate.abs() + advection.abs() + divergence.abs()
        assert ((rate + advection + divergence).abs() <= 1e-6 * size).all()


@ALL_SCHEDULES
def test_reverse_drift_is_the_family_of_song_et_al(name):
    problem = three_mode_problem(make_schedule(name))
    schedule = problem.schedule
    for t in inner_times(schedule):
        x = problem.sample_prior(10, t, 5)
        forward, g_squared, score = schedule.f(t) * x, schedule.g_squared(t), problem.score(x, t)
        for eta in (0.0, 0.5, 1.0, 2.0):
            expected = forward - 0.5 * (1 + eta**2) * g_squared * score
            actual = problem.reverse_drift(x, t, eta=eta)
            torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))
        assert torch.equal(problem.reverse_drift(x, t, eta=0.0), problem.velocity(x, t))


@ALL_SCHEDULES
def test_both_forms_of_the_drift_agree(name):
    problem = three_mode_problem(make_schedule(name))
    for t in inner_times(problem.schedule):
        level = problem.level(t)
        x = problem.sample_prior(10, t, 6)
        forms = []
        for kind in ("eps", "x0"):
            keep, gain = drift_coefficients(level, kind, eta=0.7)
            forms.append(keep * x + gain * problem.predict(x, level, kind))
        torch.testing.assert_close(*forms, rtol=1e-10, atol=1e-10 * float(forms[0].abs().max()))


@ALL_SCHEDULES
def test_levels_are_those_of_the_schedule(name):
    schedule = make_schedule(name)
    times = torch.tensor([schedule.t_max, 0.5 * (schedule.t_max + schedule.t_min), schedule.t_min], dtype=torch.float64)
    problem = Problem(three_modes(), schedule)
    for t, level in zip(times.tolist(), levels_at(schedule, times), strict=True):
        assert level == problem.level(t) == problem.level(torch.tensor(t, dtype=torch.float64))
        assert level.t == t
        assert level.alpha == float(schedule.alpha(t))
        assert level.sigma == float(schedule.sigma(t))
        assert level.lam == float(schedule.log_snr(t))
        assert level.f == float(schedule.f(t))
        assert level.rho == pytest.approx(float(schedule.rho(t)), rel=1e-13)
        assert level.g_squared == pytest.approx(float(schedule.g_squared(t)), rel=1e-13)


def test_starting_noise_belongs_to_the_particle():
    problem = three_mode_problem(make_schedule("edm"))
    large = problem.sample_prior(100, 80.0, seed=3)
    assert torch.equal(problem.sample_prior(7, 80.0, seed=3), large[:7])
    assert torch.equal(problem.sample_prior(100, 40.0, seed=3) * 2, large)
    assert not torch.equal(problem.sample_prior(100, 80.0, seed=4), large)
    single = problem.sample_prior(7, 80.0, seed=3, dtype=torch.float32)
    assert single.dtype == torch.float32
    assert torch.equal(single, large[:7].float())


def test_marginal_samples_have_the_marginal_moments():
    problem = three_mode_problem(make_schedule("vp-linear"))
    n, t = 40_000, 0.35
    level, model = problem.level(t), problem.model
    x = problem.sample_marginal(n, t, 8)
    mean = level.alpha * model.mean()
    covariance = level.alpha**2 * model.covariance() + level.sigma**2 * torch.eye(2, dtype=torch.float64)
    assert ((x.mean(0) - mean).abs() < 4 * (covariance.diagonal() / n).sqrt()).all()
    centred = x - mean
    products = centred[:, :, None] * centred[:, None, :]
    assert ((products.mean(0) - covariance).abs() < 4 * products.std(0) / math.sqrt(n)).all()
    # data and noise are drawn apart: the noise that was added is not the data again
    data = problem.sample_data(n, 8)
    noise = (x - level.alpha * data) / level.sigma
    cross = ((data - data.mean(0))[:, :, None] * noise[:, None, :]).mean(0)
    assert (cross.abs() < 5 / math.sqrt(n)).all()


def test_particles_keep_shape_and_precision():
    problem = three_mode_problem(make_schedule("flow"))
    x = problem.sample_prior(5, 0.5, 0, dtype=torch.float32)
    for method in (problem.eps, problem.x0, problem.v, problem.score, problem.velocity):
        value = method(x, 0.5)
        assert value.dtype == torch.float32
        assert value.shape == (5, 2)


def test_a_time_is_one_number_inside_the_schedule():
    problem = three_mode_problem(make_schedule("flow"))
    x = torch.zeros(3, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match="all particles share one time; got 3 times"):
        problem.eps(x, torch.tensor([0.1, 0.2, 0.3]))
    for t in (0.0, 1.0, math.nan, -0.5):
        with pytest.raises(ValueError, match=r"must both be positive at t = .*range is 0.001 to 0.999"):
            problem.velocity(x, t)


def test_learned_models_have_no_density():
    problem = Problem(OneNative(DiagonalGaussian([0.0], [1.0]), "eps"), make_schedule("edm"))
    with pytest.raises(ValueError, match="no exact density"):
        problem.log_density(torch.zeros(1, 1), 1.0)
    with pytest.raises(ValueError, match="no exact data distribution"):
        problem.sample_data(3, 0)
