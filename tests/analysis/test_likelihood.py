"""The likelihood by the ODE is the density of the mixture; estimated divergences are right on average, with the
scatter that theory gives."""

import math

import pytest
import torch
from scipy import stats

from core.analysis.likelihood import gaussian, log_likelihood, rademacher
from core.data import make_toy
from core.models import EmpiricalData, GaussianMixture, Model
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import Cancelled

TILTED = torch.tensor([[[0.5, 0.2], [0.2, 0.3]], [[0.2, 0.0], [0.0, 0.7]]], dtype=torch.float64)
MIXTURES = {
    "round": lambda: GaussianMixture(
        torch.tensor([[-1.5, 0.0], [1.0, 1.0], [0.5, -2.0]]), torch.tensor([0.3, 0.2, 0.5])
    ),
    "tilted": lambda: GaussianMixture(torch.tensor([[-1.0, 0.5], [1.0, 0.0]]), covariances=TILTED),
}


class Learned(Model):
    """A mixture that keeps its density to itself, as a network does."""

    native = ("eps",)

    def __init__(self, model):
        self.inner, self.shape = model, model.shape

    def predict(self, x, alpha, sigma, kind):
        return self.inner.predict(x, alpha, sigma, kind)


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_likelihood_is_the_density(schedule, mixture):
    problem = Problem(MIXTURES[mixture](), make_schedule(schedule))
    x = problem.sample_marginal(40, problem.schedule.t_min, 1)
    found = log_likelihood(problem, x)
    exact = problem.log_density(x, problem.schedule.t_min)
    torch.testing.assert_close(found.log_marginal, exact, rtol=0, atol=1e-6)
    assert found.divergence == "posterior"
    assert bool((found.standard_error == 0).all())
    # the prior's own density of the latents, and nothing else, is between the two
    end = problem.level(problem.schedule.t_max)
    normal = stats.norm(0.0, end.sigma).logpdf(found.latent.numpy()).sum(1)
    between = problem.log_density(found.latent, end.t) - torch.from_numpy(normal)
    torch.testing.assert_close(found.prior_mismatch, between, rtol=0, atol=1e-9)


def test_a_real_toy_with_many_modes():
    problem = Problem(make_toy("ring"), make_schedule("flow"))
    x = problem.sample_marginal(30, 0.01, 2)
    found = log_likelihood(problem, x, t_data=0.01, t_noise=0.9)
    torch.testing.assert_close(found.log_marginal, problem.log_density(x, 0.01), rtol=0, atol=1e-6)


def test_error_falls_with_the_tolerance():
    problem = Problem(MIXTURES["round"](), make_schedule("vp-linear"))
    x = problem.sample_marginal(20, problem.schedule.t_min, 1)
    exact = problem.log_density(x, problem.schedule.t_min)
    errors = [
        float((log_likelihood(problem, x, tolerance=tolerance).log_marginal - exact).abs().max())
        for tolerance in (1e-3, 1e-6, 1e-9)
    ]
    assert errors[0] > 30 * errors[1] > 900 * errors[2]


def test_a_model_without_density_is_differentiated():
    exact = Problem(MIXTURES["tilted"](), make_schedule("vp-linear"))
    x = exact.sample_marginal(15, 0.01, 3)
    truth = log_likelihood(exact, x, t_data=0.01)
    found = log_likelihood(Problem(Learned(exact.model), exact.schedule), x, t_data=0.01)
    assert found.divergence == "jacobian"
    assert bool(found.log_marginal.isnan().all())
    torch.testing.assert_close(found.log_prior, truth.log_prior, rtol=0, atol=1e-6)
    bits = -truth.log_prior / (2 * math.log(2))
    torch.testing.assert_close(truth.bits_per_dimension, bits)
    with pytest.raises(ValueError, match="no posterior variance"):
        log_likelihood(Problem(Learned(exact.model), exact.schedule), x, divergence="posterior")


@pytest.mark.parametrize("divergence", ["rademacher", "gaussian"])
def test_probes_are_right_on_average(divergence):
    """Particle by particle within five standard errors, and the errors are of the size that they claim to be."""
    problem = Problem(MIXTURES["tilted"](), make_schedule("vp-linear"))
    x = problem.sample_marginal(60, 0.01, 4)
    exact = problem.log_density(x, 0.01)
    found = log_likelihood(problem, x, divergence, probes=40, t_data=0.01, tolerance=1e-5)
    scores = (found.log_marginal - exact) / found.standard_error
    assert float(scores.abs().max()) < 5
    assert 0.7 < float(scores.square().mean().sqrt()) < 1.35
    assert float(found.standard_error.min()) > 1e-3


def test_variance_of_one_estimate():
    matrix = torch.tensor([[0.7, 1.3], [-0.4, 0.2]], dtype=torch.float64)
    symmetric = (matrix + matrix.T) / 2
    n = 200_000
    for draw, variance in (
        (rademacher, 4 * float(symmetric[0, 1] ** 2)),
        (gaussian, 2 * float(symmetric.square().sum())),
    ):
        z = draw(5, (n, 2))
        estimates = (z * (z @ matrix.T)).sum(1)
        assert float(estimates.mean()) == pytest.approx(0.9, abs=5 * math.sqrt(variance / n))
        assert float(estimates.var()) == pytest.approx(variance, rel=0.03)


def test_probes_in_many_dimensions():
    generator = torch.Generator().manual_seed(0)
    means = 0.3 * torch.randn(3, 40, generator=generator, dtype=torch.float64)
    problem = Problem(GaussianMixture(means, torch.tensor([0.5, 1.0, 0.8])), make_schedule("edm"))
    x = problem.sample_marginal(6, 0.05, 1)
    hidden = Problem(Learned(problem.model), problem.schedule)
    found = log_likelihood(hidden, x, t_data=0.05, t_noise=20.0, probes=10, tolerance=1e-5)
    assert found.divergence == "rademacher"
    exact = log_likelihood(problem, x, t_data=0.05, t_noise=20.0)
    assert bool(((found.log_prior - exact.log_prior).abs() < 6 * found.standard_error + 1e-3).all())
    again = log_likelihood(hidden, x, t_data=0.05, t_noise=20.0, probes=10, tolerance=1e-5)
    assert torch.equal(found.log_prior, again.log_prior)


def test_images_of_a_data_set():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(6, 1, 3, 3, generator=generator, dtype=torch.float64)
    problem = Problem(EmpiricalData(points), make_schedule("vp-cosine"))
    x = problem.sample_marginal(8, 0.2, 1)
    found = log_likelihood(problem, x, t_data=0.2)
    assert found.latent.shape == x.shape
    torch.testing.assert_close(found.log_marginal, problem.log_density(x, 0.2), rtol=0, atol=1e-6)


def test_a_model_without_gradients_is_refused():
    class Closed(Learned):
        def predict(self, x, alpha, sigma, kind):
            return super().predict(x, alpha, sigma, kind).detach()

    exact = Problem(MIXTURES["round"](), make_schedule("vp-linear"))
    for divergence in ("jacobian", "gaussian"):
        with pytest.raises(ValueError, match="without gradients"):
            log_likelihood(Problem(Closed(exact.model), exact.schedule), exact.sample_marginal(3, 0.01, 0), divergence)


def test_progress_cancel_and_refusals():
    problem = Problem(MIXTURES["round"](), make_schedule("vp-linear"))
    x = problem.sample_marginal(4, 0.01, 1)
    seen = []
    log_likelihood(problem, x, t_data=0.01, progress=lambda *at: seen.append(at))
    assert seen[-1] == (100, 100)
    assert seen == sorted(seen)
    with pytest.raises(Cancelled):
        log_likelihood(problem, x, cancel=lambda: len(seen) > 0)
    with pytest.raises(ValueError, match="auto or one of posterior, jacobian"):
        log_likelihood(problem, x, "exact")
    with pytest.raises(ValueError, match="at least 2 probes"):
        log_likelihood(problem, x, "gaussian", probes=1)
    with pytest.raises(ValueError, match="must come before"):
        log_likelihood(problem, x, t_data=0.5, t_noise=0.1)
    with pytest.raises(ValueError, match="not finite"):
        log_likelihood(problem, x * math.nan)
    with pytest.raises(ValueError, match=r"shape \(N, 2\)"):
        log_likelihood(problem, x[:, :1])
