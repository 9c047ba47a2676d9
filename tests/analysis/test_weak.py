"""Exact means are exact, intervals cover, and known orders are found."""

import math

import numpy as np
import pytest
import torch

from core.analysis.weak import (
    TEST_FUNCTIONS,
    Probe,
    paired_weak_error,
    probe_of,
    strong_error,
    strong_errors,
    strong_order,
    weak_error,
    weak_order,
)
from core.models import GaussianMixture

ALPHA, SIGMA = 0.8, 0.5
STEPS = [4, 8, 16, 32, 64]


@pytest.fixture(scope="module")
def mixture():
    covariances = torch.tensor([[[0.5, 0.2], [0.2, 0.3]], [[0.2, 0.0], [0.0, 0.7]]], dtype=torch.float64)
    means = torch.tensor([[-1.0, 0.5], [1.5, -0.3]], dtype=torch.float64)
    return GaussianMixture(means, covariances=covariances, weights=torch.tensor([0.3, 0.7], dtype=torch.float64))


@pytest.mark.parametrize("name", TEST_FUNCTIONS)
def test_expectations_agree_with_quadrature(name, mixture):
    """Gauss-Hermite in two dimensions over every component, 60 x 60 nodes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = torch.from_numpy(np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2))
    both = torch.from_numpy(np.outer(weights, weights).reshape(-1) / (2 * math.pi))
    probe, total = probe_of(mixture), 0.0
    for weight, mean, covariance in zip(mixture.weights, mixture.means, mixture.covariances, strict=True):
        wide = ALPHA**2 * covariance + SIGMA**2 * torch.eye(2, dtype=torch.float64)
        x = ALPHA * mean + grid @ torch.linalg.cholesky(wide).T
        total += float(weight * (both @ TEST_FUNCTIONS[name].values(x, probe)))
    assert TEST_FUNCTIONS[name].expectation(mixture, ALPHA, SIGMA, probe) == pytest.approx(total, rel=1e-12)


def test_the_probe_is_one_radian_a_deviation(mixture):
    probe = probe_of(mixture)
    along = mixture.sample(20_000, 0) @ probe.direction
    assert float(probe.direction.norm()) == pytest.approx(1)
    assert probe.frequency * float(along.std()) == pytest.approx(1, rel=0.02)
    point = probe_of(GaussianMixture(torch.zeros(1, 2), 0.0))
    assert point == Probe(point.direction, 1.0)


def test_strong_errors_of_any_shape():
    finest = np.random.default_rng(0).standard_normal((6, 3, 2))
    ends = np.stack([finest + 0.5, finest - 0.25])
    np.testing.assert_allclose(strong_errors(ends, finest), [[0.5] * 6, [0.25] * 6])
    with pytest.raises(ValueError, match="cannot compare ends of shape"):
        strong_errors(ends[:, :5], finest)


def test_intervals_cover():
    truth, covered, paired, strong = math.sqrt(math.exp(1)), 0, 0, 0
    for seed in range(200):
        z = np.random.default_rng(seed).standard_normal(400)
        one = weak_error(np.exp(z), truth)
        covered += one.low <= 0 <= one.high
        near = paired_weak_error(np.exp(z) + 0.01 + 0.002 * z, np.exp(z))
        paired += near.low <= 0.01 <= near.high
        assert near.error < 0.01 * one.error
        rms = strong_error(np.abs(z), seed)
        strong += rms.low <= 1 <= rms.high
    for hits in (covered, paired, strong):
        assert 176 <= hits <= 199  # 190 expected


@pytest.mark.parametrize("order", [0.5, 1.0, 1.5])
def test_strong_order_is_found(order):
    n = np.array(STEPS)
    noise = np.random.default_rng(1).standard_normal((5, 4000, 2))
    found = strong_order(STEPS, strong_errors(n[:, None, None] ** -order * noise, np.zeros((4000, 2))))
    assert found.low <= order <= found.high
    assert found.high - found.low < 0.1


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_weak_order_is_found_and_its_interval_covers(order):
    n, covered, widths = np.array(STEPS), 0, []
    for seed in range(60):
        draws = np.random.default_rng(seed)
        common = draws.standard_normal(2000)
        own = draws.standard_normal((5, 2000))
        values = common + n[:, None] ** -order * (1 + 0.5 * own + 0.5 * common)
        found = weak_order(STEPS, values, common, seed)
        covered += found.low <= order <= found.high
        widths.append(found.high - found.low)
        assert found.used.all()
        assert found.misfit < 6
    assert 51 <= covered <= 60  # 57 expected
    assert max(widths) < 0.2


def test_points_within_the_noise_are_left_out():
    n = np.array(STEPS)
    common = np.random.default_rng(0).standard_normal((5, 10_000))
    values = 3.0 * n[:, None] ** -2.0 + common  # errors 0.19 down to 0.0007, standard error 0.01
    found = weak_order(STEPS, values, 0.0)
    assert found.used.tolist() == [True, True, False, False, False]
    assert math.isnan(found.misfit)
    assert found.low < 2 < found.high
    lost = values.copy()
    lost[0] = math.nan
    nothing = weak_order(STEPS, lost, 0.0)
    assert math.isnan(nothing.order)
    assert not nothing.used[0]


def test_weights_favour_the_sure_points():
    """The last error is off by a half and known to 17 %: least squares without weights would be 0.06 off."""
    n = np.array(STEPS)
    exact = np.where(np.arange(5) < 4, n**-1.0, 1.5 / 64)
    sign = np.resize([1.0, -1.0], 1000)  # no mean
    width = exact * np.array([0.001, 0.001, 0.001, 0.001, 0.17]) * math.sqrt(1000)
    found = weak_order(STEPS, exact[:, None] + width[:, None] * sign, 0.0)
    assert float(found.order) == pytest.approx(1, abs=0.001)
    assert abs(np.polyfit(np.log(n), np.log(exact), 1)[0] + 1) > 0.05


def test_a_line_that_is_none_is_told():
    values = np.array([1.0, 0.5, 0.4, 0.39, 0.38])[:, None] + 1e-3 * np.random.default_rng(0).standard_normal((5, 500))
    assert weak_order(STEPS, values, 0.0).misfit > 100


def test_refusals():
    with pytest.raises(ValueError, match="rising positive"):
        weak_order([4, 2], np.zeros((2, 5)), 0.0)
    with pytest.raises(ValueError, match="one row of at least 2 values"):
        weak_order([2, 4], np.zeros((3, 5)), 0.0)
    with pytest.raises(ValueError, match="one number or 5"):
        weak_order([2, 4], np.zeros((2, 5)), np.zeros(4))
    with pytest.raises(ValueError, match="as many particles"):
        paired_weak_error(np.zeros(4), np.zeros(5))
    with pytest.raises(ValueError, match="at least 2 particles"):
        weak_error(np.zeros(1), 0.0)
