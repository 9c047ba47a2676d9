"""The law of the sampler that theory speaks of, against samples and closed forms; what the bound says of it holds."""

import math

import numpy as np
import pytest
from scipy import stats

from core.analysis.bounds import (
    Gaussian,
    chen_terms,
    early_stopping,
    noisy,
    sampled,
    total_variation,
    wasserstein,
)

DATA = Gaussian(np.array([1.0, -0.5]), np.array([0.3, 0.9]))


def test_the_law_is_that_of_samples():
    rng, count = np.random.default_rng(0), 200_000
    x, t, h, error = rng.standard_normal((count, 2)), 1.0, 0.25, 0.4
    for _ in range(4):
        mean, variance = math.exp(-t) * DATA.mean, math.exp(-2 * t) * DATA.variance + 1 - math.exp(-2 * t)
        score = -(x - mean) / variance + error / math.sqrt(2)
        x = (
            math.exp(h) * x
            + 2 * (math.exp(h) - 1) * score
            + math.sqrt(math.exp(2 * h) - 1) * rng.standard_normal((count, 2))
        )
        t -= h
    law = sampled(DATA, 1.0, h, error)
    np.testing.assert_allclose(x.mean(axis=0), law.mean, atol=4 * math.sqrt(law.variance.max() / count))
    np.testing.assert_allclose(x.var(axis=0), law.variance, rtol=4 * math.sqrt(2 / count))


def test_total_variation_against_closed_forms():
    for shift, width in ((0.7, 1.0), (2.0, 0.3), (0.01, 1.0)):
        one = Gaussian(np.zeros(2), np.full(2, width**2))
        other = Gaussian(np.array([shift, 0.0]), np.full(2, width**2))
        assert total_variation(one, other) == pytest.approx(2 * stats.norm.cdf(shift / (2 * width)) - 1, abs=2e-5)
    narrow, wide = Gaussian(np.zeros(2), np.full(2, 0.04)), Gaussian(np.zeros(2), np.ones(2))
    edge = math.log(1 / 0.04) * 2 / (1 / 0.04 - 1)  # |x|^2 where the densities meet
    exact = stats.chi2.cdf(edge / 0.04, 2) - stats.chi2.cdf(edge, 2)
    assert total_variation(narrow, wide) == pytest.approx(exact, abs=2e-5)
    line = Gaussian(np.zeros(1), np.ones(1)), Gaussian(np.ones(1), np.ones(1))
    assert total_variation(*line) == pytest.approx(2 * stats.norm.cdf(0.5) - 1, abs=1e-5)
    assert math.isnan(total_variation(Gaussian(np.array([np.nan]), np.ones(1)), line[0]))
    with pytest.raises(ValueError, match="one or two dimensions"):
        total_variation(Gaussian(np.zeros(3), np.ones(3)), Gaussian(np.zeros(3), np.ones(3)))


def test_the_error_of_the_start_falls_twice_as_fast_as_the_bound():
    """The start is off by e^-T, and the end remembers e^-T of that: log TV has slope -2, the bound's term -1."""
    horizons = np.array([1.5, 2.0, 2.5])
    steps = total_variation(sampled(DATA, 9.0, 5e-4, 0.0), DATA)
    means = [sampled(DATA, T, 5e-4, 0.0).mean - sampled(DATA, 9.0, 5e-4, 0.0).mean for T in horizons]
    assert steps < 1e-3
    lengths = np.linalg.norm(means, axis=1)
    assert np.polyfit(horizons, np.log(lengths), 1)[0] == pytest.approx(-2, abs=0.05)
    exact = np.exp(-2 * horizons[0]) * DATA.variance * DATA.mean  # e^-T c of the start's e^-T m
    np.testing.assert_allclose(np.abs(means[0]), np.abs(exact), rtol=0.1)
    errors = [total_variation(sampled(DATA, T, 5e-4, 0.0), DATA) for T in horizons]
    assert np.polyfit(horizons, np.log(errors), 1)[0] == pytest.approx(-2, abs=0.15)
    terms = [chen_terms(DATA, T, 5e-4, 0.0).start for T in horizons]
    assert np.polyfit(horizons, np.log(terms), 1)[0] == pytest.approx(-1)


def test_the_error_of_the_score_is_linear():
    at = [total_variation(sampled(DATA, 6.0, 5e-3, error), DATA) for error in (0.0, 0.02, 0.04, 0.08)]
    rises = np.diff(at[1:]) / np.array([0.02, 0.04])
    assert rises[0] == pytest.approx(rises[1], rel=0.05)


def test_the_error_of_the_steps_falls_at_least_as_fast_as_the_bound():
    steps = np.array([0.2, 0.1, 0.05, 0.025])
    errors = [total_variation(sampled(DATA, 9.0, h, 0.0), DATA) for h in steps]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope > 0.5
    assert slope == pytest.approx(1, abs=0.15)  # this sampler has weak order 1


@pytest.mark.parametrize("horizon", [1.0, 5.0])
@pytest.mark.parametrize("step", [0.01, 0.2])
@pytest.mark.parametrize("error", [0.0, 0.3])
def test_the_bound_holds_with_its_constants_at_one_here(horizon, step, error):
    measured = total_variation(sampled(DATA, horizon, step, error), DATA)
    terms = chen_terms(DATA, horizon, step, error)
    assert measured <= terms.whole
    assert terms.whole == terms.start + terms.steps + terms.score


def test_a_point_needs_early_stopping_and_steps_that_resolve_it():
    point = Gaussian(np.array([1.0, 0.0]), np.zeros(2))
    assert early_stopping(point, 0.01) == pytest.approx(
        math.sqrt((1 - math.exp(-0.01)) ** 2 + 2 * (1 - math.exp(-0.02)))
    )
    fine = wasserstein(sampled(point, 6.0, 2e-3, 0.0, 0.05), point)
    assert fine == pytest.approx(early_stopping(point, 0.05), rel=0.1)
    coarse = wasserstein(sampled(point, 6.0, 0.1, 0.0, 1e-3), point)
    assert coarse > 3 * early_stopping(point, 1e-3)


def test_the_forward_law():
    at = noisy(DATA, 0.7)
    assert at.mean == pytest.approx(math.exp(-0.7) * DATA.mean)
    assert at.variance == pytest.approx(math.exp(-1.4) * DATA.variance + 1 - math.exp(-1.4))


@pytest.mark.parametrize(
    "given", [(1.0, 0.0, 0.0, 0.0), (1.0, 0.1, -1.0, 0.0), (1.0, 0.1, 0.0, 2.0), (10.0, 1e-5, 0.0, 0.0)]
)
def test_numbers_that_do_not_fit_are_refused(given):
    with pytest.raises(ValueError, match=r"need 0 <= stop|too many"):
        sampled(DATA, *given)
