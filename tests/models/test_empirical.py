"""The exact denoiser of a finite data set: a mixture of point masses, whatever the blocks it is gathered in."""

import math
import subprocess
import sys

import pytest
import torch

from core.models import EmpiricalData, GaussianMixture
from core.models import empirical as module

SIGMAS = (1e-4, 1e-2, 0.3, 1.0, 30.0, 1e3)


def cloud(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


POINTS = cloud(37, 3)
DATA, MIXTURE = EmpiricalData(POINTS), GaussianMixture(POINTS, 0.0)


def places(alpha: float, sigma: float) -> torch.Tensor:
    return alpha * POINTS[:20] + sigma * cloud(20, 3, seed=1)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("alpha", [1.0, 0.5, 1e-3])
def test_it_is_the_mixture_of_its_points_without_width(alpha: float, sigma: float):
    x = places(alpha, sigma)
    for kind in ("x0", "eps"):
        want = MIXTURE.predict(x, alpha, sigma, kind)
        torch.testing.assert_close(DATA.predict(x, alpha, sigma, kind), want, rtol=1e-6, atol=1e-6)
    want = MIXTURE.log_density(x, alpha, sigma)
    torch.testing.assert_close(DATA.log_density(x, alpha, sigma), want, rtol=1e-9, atol=1e-6)


def test_two_points_weigh_by_bayes_rule():
    # posterior odds of the points at +1 and -1, seen at x through noise sigma, are exp(2 x / sigma^2)
    data = EmpiricalData(torch.tensor([[1.0], [-1.0]], dtype=torch.float64))
    x = torch.tensor([[0.3], [-2.0]], dtype=torch.float64)
    torch.testing.assert_close(data.predict(x, 1.0, 0.7, "x0"), torch.tanh(x / 0.49))
    density = [
        0.5 * sum(math.exp(-((v - p) ** 2) / 0.98) for p in (1, -1)) / (0.7 * math.sqrt(2 * math.pi)) for v in (0.3, -2)
    ]
    torch.testing.assert_close(data.log_density(x, 1.0, 0.7).exp(), torch.tensor(density, dtype=torch.float64))


def test_eps_is_minus_sigma_times_the_gradient_of_its_log_density():
    x = places(0.8, 0.4).requires_grad_()
    (gradient,) = torch.autograd.grad(MIXTURE.log_density(x, 0.8, 0.4).sum(), x)
    with torch.no_grad():
        torch.testing.assert_close(DATA.predict(x, 0.8, 0.4, "eps"), -0.4 * gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("block", [1, 3 * 5, 3 * 36, 3 * 37])
@pytest.mark.parametrize("sigma", [1e-3, 0.3, 1e3])
def test_blocks_change_nothing(sigma: float, block: int, monkeypatch: pytest.MonkeyPatch):
    x = places(0.9, sigma)
    whole = [EmpiricalData(POINTS).predict(x, 0.9, sigma, kind) for kind in DATA.native]
    whole.append(EmpiricalData(POINTS).log_density(x, 0.9, sigma))
    monkeypatch.setattr(module, "BLOCK", block)
    monkeypatch.setattr(module, "KEPT", 0)
    data = EmpiricalData(POINTS)
    parts = [data.predict(x, 0.9, sigma, kind) for kind in data.native] + [data.log_density(x, 0.9, sigma)]
    rounding = 1e-15 / sigma**2 + 1e-12  # of the exponents, |x - p|^2 / (2 sigma^2)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=rounding, atol=10 * rounding)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_no_noise_level_and_no_distance_gives_nan_or_overflow(sigma: float, dtype: torch.dtype):
    data = EmpiricalData(POINTS.reshape(37, 3, 1, 1).to(dtype))
    for reach in (0.0, 1e-6, 1.0, 1e4):
        x = (reach * cloud(10, 3, 1, 1, seed=4)).to(dtype)
        for alpha in (1e-3, 1.0):
            for kind in data.native:
                value = data.predict(x, alpha, sigma, kind)
                assert (value.shape, value.dtype) == (x.shape, dtype)
                assert bool(torch.isfinite(value).all()), (reach, alpha, kind)


def test_predictions_stay_inside_the_data():
    x = places(1.0, 0.5)
    x0 = DATA.predict(x, 1.0, 0.5, "x0")
    assert bool((x0 >= POINTS.amin(0) - 1e-12).all())
    assert bool((x0 <= POINTS.amax(0) + 1e-12).all())
    torch.testing.assert_close(DATA.predict(x, 1.0, 1e3, "x0"), POINTS.mean(0).expand(20, 3), rtol=0, atol=0.02)


def test_float32_images_are_answered_in_float64_accuracy():
    images = cloud(30, 3, 4, 4).float()
    x = images[:5] + 1e-3 * cloud(5, 3, 4, 4, seed=2).float()
    want = GaussianMixture(images.flatten(1).double(), 0.0).predict(x.flatten(1).double(), 1.0, 1e-3, "x0")
    got = EmpiricalData(images).predict(x, 1.0, 1e-3, "x0")
    torch.testing.assert_close(got.flatten(1).double(), want, rtol=1e-6, atol=1e-6)


def test_samples_are_its_points_each_as_often():
    count = 20_000
    x = DATA.sample(count, seed=3)
    found, times = x.unique(dim=0, return_counts=True)
    assert torch.equal(found, POINTS.unique(dim=0))
    share = 1 / len(POINTS)
    assert float((times / count - share).abs().max()) < 4.5 * math.sqrt(share * (1 - share) / count)
    assert torch.equal(DATA.sample(4, seed=3), x[:4])
    torch.testing.assert_close(DATA.mean(), POINTS.mean(0))


@pytest.mark.parametrize(
    "points", [torch.empty(0, 2), torch.ones(3), torch.ones(3, 2, dtype=torch.long), [[1.0]], torch.ones(3, 0)]
)
def test_what_is_no_data_set_is_refused(points: object):
    with pytest.raises(ValueError, match=r"floating-point tensor of shape \(M, ...\)"):
        EmpiricalData(points)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_numbers_that_are_not_finite_are_refused_wherever_they_stand(bad: float, dtype: torch.dtype):
    points = torch.zeros(5000, 2, dtype=dtype)
    points[4999, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        EmpiricalData(points)


def test_questions_without_an_answer_are_refused():
    with pytest.raises(ValueError, match="x0 or eps, not 'v'"):
        DATA.predict(POINTS, 1.0, 0.1, "v")
    with pytest.raises(ValueError, match="sigma must be above 0"):
        DATA.log_density(POINTS, 1.0, 0.0)


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 3, 1)])
def test_particles_of_another_shape_are_refused(shape: tuple[int, ...]):
    x = torch.zeros(shape)
    for ask in (lambda: DATA.predict(x, 1.0, 0.1, "x0"), lambda: DATA.log_density(x, 1.0, 0.1)):
        with pytest.raises(ValueError, match=r"shape \(N, 3\), got"):
            ask()


def test_predictions_can_be_differentiated_after_a_call_in_inference_mode():
    data, x = EmpiricalData(POINTS.float()), places(0.8, 0.5)
    with torch.inference_mode():
        data.predict(x, 0.8, 0.5, "x0")
    for kind in data.native:
        rows = x[:4].clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda rows, kind=kind: data.predict(rows, 0.8, 0.5, kind), rows)


def test_a_small_set_is_converted_once(monkeypatch: pytest.MonkeyPatch):
    data, x = EmpiricalData(POINTS.float()), places(0.8, 0.5)
    first = data.predict(x, 0.8, 0.5, "x0")
    monkeypatch.setattr(data, "_flat", None)
    assert torch.equal(data.predict(x, 0.8, 0.5, "x0"), first)


MEMORY = """
import resource, sys, torch
from core.models import EmpiricalData
images, size, batch = map(int, sys.argv[1:])
points = torch.empty(images, size).uniform_(-1, 1)
data, x = EmpiricalData(points), torch.randn(batch, size)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data.predict(x, 1.0, 0.5, "x0")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.stdout.write(f"{before * 1024} {after * 1024}")
"""


def test_memory_grows_with_the_block_and_not_with_the_data():
    images, size, batch = 40_000, 768, 16  # 123 MB as float32, 246 MB as float64, 2.0 GB as differences
    command = [sys.executable, "-c", MEMORY, str(images), str(size), str(batch)]
    before, after = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert before > images * size * 4  # the measurement sees the data set
    assert after - before < 60e6
