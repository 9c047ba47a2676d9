"""Exact mixtures against autograd, 50-digit arithmetic and sample moments, at every noise level of a schedule."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import GaussianMixture
from core.models import mixture as module

SIGMAS = (1e-4, 1e-2, 0.3, 1.0, 30.0, 1e3)
MEANS = torch.tensor([[1.0, -0.5], [-0.7, 0.2], [0.1, 1.3]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
STD = torch.tensor([0.3, 0.05, 0.6], dtype=torch.float64)


def turned(angle: float, first: float, second: float) -> torch.Tensor:
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    return turn @ torch.diag(torch.tensor([first, second], dtype=torch.float64)) @ turn.T


FULL = torch.stack([turned(0.4, 0.5, 0.02), turned(-1.1, 0.3, 0.3), turned(2.0, 1.2, 1e-3)])
FULL = (FULL + FULL.mT) / 2
MIXTURES = {
    "scalar": GaussianMixture(MEANS, 0.2, WEIGHTS),
    "each its own": GaussianMixture(MEANS, STD, WEIGHTS),
    "full": GaussianMixture(MEANS, weights=WEIGHTS, covariances=FULL),
}


def places(alpha: float, sigma: float, count: int = 12) -> torch.Tensor:
    """Points near the components and in the gaps between them, at the noise level's own spread."""
    draw = torch.Generator().manual_seed(3)
    near = MEANS[torch.arange(count) % 3] * alpha
    return near + (0.5 + sigma) * torch.randn(count, 2, dtype=torch.float64, generator=draw)


COVARIANCES = {
    "scalar": 0.2**2 * torch.eye(2, dtype=torch.float64).expand(3, 2, 2),
    "each its own": STD.square()[:, None, None] * torch.eye(2, dtype=torch.float64),
    "full": FULL,
}


def exact(name: str, x: list[float], alpha: float, sigma: float) -> dict[str, list]:
    """Posterior means and log density by Bayes' rule in 50 digits, from matrices and nothing else."""
    with mpmath.workdps(50):
        a, s, place = mpmath.mpf(alpha), mpmath.mpf(sigma), mpmath.matrix(x)
        total, x0, eps = mpmath.mpf(0), mpmath.zeros(2, 1), mpmath.zeros(2, 1)
        for mean, weight, covariance in zip(MEANS.tolist(), WEIGHTS.tolist(), COVARIANCES[name].tolist(), strict=True):
            covariance = mpmath.matrix(covariance)
            noisy = a**2 * covariance + s**2 * mpmath.eye(2)
            offset = place - a * mpmath.matrix(mean)
            pull = mpmath.inverse(noisy) * offset
            density = weight * mpmath.exp(-(offset.T * pull)[0] / 2) / (2 * mpmath.pi * mpmath.sqrt(mpmath.det(noisy)))
            total += density
            x0 += density * (mpmath.matrix(mean) + a * covariance * pull)
            eps += density * s * pull
        return {
            "x0": [float(v / total) for v in x0],
            "eps": [float(v / total) for v in eps],
            "log_density": float(mpmath.log(total)),
        }


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize(("alpha", "sigma"), [(1.0, 1e-4), (0.9, 0.05), (0.5, 0.8), (1e-3, 1.0), (1.0, 1e3)])
def test_predictions_and_density_are_those_of_bayes_rule_in_fifty_digits(name: str, alpha: float, sigma: float):
    mixture = MIXTURES[name]
    x = places(alpha, sigma)
    want = [exact(name, row, alpha, sigma) for row in x.tolist()]
    for kind in ("x0", "eps"):
        got = mixture.predict(x, alpha, sigma, kind)
        # exponents of 1e8 at sigma 1e-4 leave 1e-16 * 1e8 = 1e-8 of the responsibilities
        tolerance = 1e-7 if sigma < 1e-3 else 1e-11
        torch.testing.assert_close(
            got, torch.tensor([w[kind] for w in want], dtype=torch.float64), rtol=tolerance, atol=1e-12
        )
    log_density = torch.tensor([w["log_density"] for w in want], dtype=torch.float64)
    torch.testing.assert_close(mixture.log_density(x, alpha, sigma), log_density, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize(("alpha", "sigma"), [(1.0, 0.01), (0.7, 0.4), (0.05, 1.0), (1.0, 100.0)])
def test_the_score_is_the_gradient_of_the_log_density(name: str, alpha: float, sigma: float):
    mixture = MIXTURES[name]
    x = places(alpha, sigma).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_density(x, alpha, sigma).sum(), x)
    with torch.no_grad():
        torch.testing.assert_close(mixture.score(x, alpha, sigma), gradient, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_clean_density_has_its_score_too_and_integrates_to_one(name: str):
    mixture = MIXTURES[name]
    x = places(1.0, 0.0).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_density(x).sum(), x)
    with torch.no_grad():
        torch.testing.assert_close(mixture.score(x), gradient, rtol=1e-9, atol=1e-9)
    axis = torch.linspace(-7, 7, 1401, dtype=torch.float64)
    lattice = torch.cartesian_prod(axis, axis)
    total = mixture.log_density(lattice, 1.0, 0.1).exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(total) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_full_covariances_that_are_round_give_the_isotropic_mixture(sigma: float):
    round_ones = STD.square()[:, None, None] * torch.eye(2, dtype=torch.float64)
    full = GaussianMixture(MEANS, weights=WEIGHTS, covariances=round_ones)
    isotropic = MIXTURES["each its own"]
    x = places(0.8, sigma)
    for kind in ("x0", "eps"):
        torch.testing.assert_close(
            full.predict(x, 0.8, sigma, kind),
            isotropic.predict(x, 0.8, sigma, kind),
            rtol=1e-7,
            atol=1e-12,
        )
    torch.testing.assert_close(full.log_density(x, 0.8, sigma), isotropic.log_density(x, 0.8, sigma))


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize(("alpha", "sigma"), [(1.0, 0.02), (0.6, 0.5), (0.01, 1.0)])
def test_the_two_predictions_share_one_identity(name: str, alpha: float, sigma: float):
    mixture, x = MIXTURES[name], places(alpha, sigma)
    x0, eps = (mixture.predict(x, alpha, sigma, kind) for kind in ("x0", "eps"))
    torch.testing.assert_close(alpha * x0 + sigma * eps, x, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", [*MIXTURES, "points"])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_no_noise_level_and_no_distance_gives_nan_or_overflow(name: str, sigma: float, dtype: torch.dtype):
    mixture = MIXTURES.get(name) or GaussianMixture(MEANS, 0.0)
    draw = torch.Generator().manual_seed(1)
    directions = torch.randn(40, 2, dtype=torch.float64, generator=draw)
    for reach in (0.0, 1e-6, 1.0, 100.0, 1e4):
        x = (reach * directions).to(dtype)
        for alpha in (1e-3, 1.0):
            for kind in ("x0", "eps"):
                value = mixture.predict(x, alpha, sigma, kind)
                assert value.dtype == dtype
                assert bool(torch.isfinite(value).all()), (reach, alpha, kind)
            assert bool(torch.isfinite(mixture.log_density(x, alpha, sigma)).all())


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("sigma", [1e-2, 1.0, 1e3])
def test_float32_is_float64_rounded(name: str, sigma: float):
    mixture, x = MIXTURES[name], places(1.0, sigma).float()
    for kind in ("x0", "eps"):
        rounded = mixture.predict(x, 1.0, sigma, kind).double()
        # rounding moves x by 6e-8 of its size, and a prediction changes by up to |dx| / sigma * size / sigma
        tolerance = 2e-6 * max(1.0, 1 / sigma**2)
        want = mixture.predict(x.double(), 1.0, sigma, kind)
        torch.testing.assert_close(rounded, want, rtol=tolerance, atol=tolerance)


def test_point_masses_send_each_place_to_the_nearest_point():
    mixture = GaussianMixture(MEANS, 0.0)
    x = MEANS + 0.01
    torch.testing.assert_close(mixture.predict(x, 1.0, 1e-3, "x0"), MEANS, rtol=0, atol=1e-12)
    assert torch.equal(mixture.sample(50, seed=1).unique(dim=0), MEANS.unique(dim=0))


@pytest.mark.parametrize("name", MIXTURES)
def test_samples_have_the_stated_mean_and_covariance(name: str):
    mixture, count = MIXTURES[name], 40_000
    x = mixture.sample(count, seed=5)
    centred = x - mixture.mean()
    deviation = (mixture.covariance().diagonal() / count).sqrt()
    assert bool(((x.mean(0) - mixture.mean()).abs() < 4 * deviation).all())
    products = centred[:, :, None] * centred[:, None, :]
    errors = (products.mean(0) - mixture.covariance()).abs()
    assert bool((errors < 4 * products.std(0) / math.sqrt(count)).all())


def test_components_are_drawn_as_often_as_they_weigh():
    mixture = GaussianMixture(MEANS, 0.0, 10 * WEIGHTS)  # normalised inside
    torch.testing.assert_close(mixture.weights, WEIGHTS)
    count = 30_000
    x = mixture.sample(count, seed=2)
    for mean, weight in zip(MEANS, WEIGHTS.tolist(), strict=True):
        share = float((x == mean).all(dim=1).double().mean())
        assert abs(share - weight) < 4 * math.sqrt(weight * (1 - weight) / count)


def test_a_sample_does_not_depend_on_how_many_are_drawn():
    for mixture in MIXTURES.values():
        assert torch.equal(mixture.sample(100, seed=9)[:7], mixture.sample(7, seed=9))
        assert not torch.equal(mixture.sample(7, seed=9), mixture.sample(7, seed=10))


@pytest.mark.parametrize("name", MIXTURES)
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch):
    mixture, x = MIXTURES[name], places(0.9, 0.3, count=31)
    whole = [mixture.predict(x, 0.9, 0.3, kind) for kind in mixture.native] + [mixture.log_density(x, 0.9, 0.3)]
    monkeypatch.setattr(module, "BLOCK", 25)
    parts = [mixture.predict(x, 0.9, 0.3, kind) for kind in mixture.native] + [mixture.log_density(x, 0.9, 0.3)]
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-14, atol=1e-14)


@settings(max_examples=60)
@given(
    st.integers(1, 5).flatmap(
        lambda count: st.tuples(
            st.lists(st.tuples(*[st.floats(-5, 5)] * 3), min_size=count, max_size=count),
            st.lists(st.floats(0.01, 2), min_size=count, max_size=count),
            st.lists(st.floats(0.01, 1), min_size=count, max_size=count),
        )
    ),
    st.floats(1e-3, 1),
    st.floats(1e-4, 1e3),
)
def test_any_mixture_in_any_dimension_has_its_autograd_score(parts: tuple, alpha: float, sigma: float):
    means, std, weights = (torch.tensor(part, dtype=torch.float64) for part in parts)
    mixture = GaussianMixture(means, std, weights)
    x = (alpha * means[:1] + sigma).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_density(x, alpha, sigma).sum(), x)
    with torch.no_grad():
        torch.testing.assert_close(mixture.score(x, alpha, sigma), gradient, rtol=1e-6, atol=1e-9)


NAN = float("nan")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"means": [1.0, 2.0], "std": 1.0}, r"shape \(K, D\), got \(2,\)"),
        ({"means": torch.empty(0, 2), "std": 1.0}, r"shape \(K, D\)"),
        ({"means": [[NAN, 0.0]], "std": 1.0}, "means must be finite"),
        ({"means": [[0.0]], "std": -0.1}, "none negative"),
        ({"means": [[0.0]], "std": NAN}, "std must be finite"),
        ({"means": [[0.0], [1.0]], "std": [0.1, 0.2, 0.3]}, "one number or 2 numbers"),
        ({"means": [[0.0]]}, "either as std or as covariances"),
        ({"means": [[0.0]], "std": 1.0, "covariances": [[[1.0]]]}, "either as std or as covariances"),
        ({"means": [[0.0], [1.0]], "std": 1.0, "weights": [1.0]}, "2 positive numbers"),
        ({"means": [[0.0], [1.0]], "std": 1.0, "weights": [1.0, 0.0]}, "positive"),
        ({"means": [[0.0], [1.0]], "std": 1.0, "weights": [1.0, math.inf]}, "weights must be finite"),
        ({"means": [[0.0, 0.0]], "covariances": [[1.0, 1.0]]}, r"must have shape \(1, 2, 2\), got \(1, 2\)"),
        ({"means": [[0.0, 0.0]], "covariances": [[[1.0, 0.5], [0.2, 1.0]]]}, "symmetric"),
        ({"means": [[0.0, 0.0]], "covariances": [[[1.0, 2.0], [2.0, 1.0]]]}, "smallest eigenvalue is -1"),
    ],
)
def test_what_is_no_mixture_is_refused_in_one_sentence(arguments: dict, words: str):
    with pytest.raises(ValueError, match=words) as caught:
        GaussianMixture(**arguments)
    assert "\n" not in str(caught.value)


def test_a_prediction_that_it_cannot_make_is_refused():
    with pytest.raises(ValueError, match="x0 or eps, not 'v'"):
        MIXTURES["full"].predict(MEANS, 1.0, 0.1, "v")


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("kind", ["x0", "eps"])
def test_predictions_can_be_differentiated_backward_twice_and_forward(name: str, kind: str):
    mixture, x = MIXTURES[name], places(0.8, 0.5)

    def predict(rows: torch.Tensor) -> torch.Tensor:
        return mixture.predict(rows, 0.8, 0.5, kind)

    rows = x.clone().requires_grad_()
    assert torch.autograd.gradcheck(predict, rows, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(predict, rows)


def test_a_call_in_inference_mode_leaves_nothing_behind_that_gradients_cannot_pass():
    for widths in ({"std": STD}, {"covariances": FULL}):
        mixture, x = GaussianMixture(MEANS, **widths), places(0.8, 0.5).float()  # float32: its own cast parameters
        with torch.inference_mode():
            mixture.predict(x, 0.8, 0.5, "x0")
        rows = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(mixture.predict(rows, 0.8, 0.5, "x0").sum(), rows)
        assert bool(torch.isfinite(slope).all())


@pytest.mark.parametrize("name", MIXTURES)
def test_half_precision_is_answered_in_kind(name: str):
    mixture, x = MIXTURES[name], places(0.8, 0.5).bfloat16()
    for kind in ("x0", "eps"):
        value = mixture.predict(x, 0.8, 0.5, kind)
        assert value.dtype == torch.bfloat16
        torch.testing.assert_close(value.double(), mixture.predict(x.double(), 0.8, 0.5, kind), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("shape", [(2,), (4, 3), (4, 1), (4, 2, 1)])
def test_particles_of_another_shape_are_refused(name: str, shape: tuple[int, ...]):
    mixture, x = MIXTURES[name], torch.zeros(shape, dtype=torch.float64)
    for ask in (lambda: mixture.predict(x, 1.0, 0.1, "x0"), lambda: mixture.log_density(x), lambda: mixture.score(x)):
        with pytest.raises(ValueError, match=r"shape \(N, 2\), got"):
            ask()


@pytest.mark.parametrize(
    "mixture",
    [
        GaussianMixture(MEANS, 0.0),
        GaussianMixture(MEANS, torch.tensor([0.1, 0.0, 0.1])),
        GaussianMixture(MEANS[:1], covariances=torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])),
    ],
)
def test_points_and_lines_have_no_density_without_noise(mixture: GaussianMixture):
    for ask in (mixture.log_density, mixture.score):
        with pytest.raises(ValueError, match="sigma must be above 0"):
            ask(MEANS)
        assert bool(torch.isfinite(ask(MEANS, 1.0, 1e-4)).all())


def test_a_prediction_has_the_memory_layout_of_its_particles():
    # solvers add predictions to states: mixed layouts would make every such sum several times slower
    x = places(0.8, 0.5)
    for mixture in MIXTURES.values():
        assert mixture.predict(x, 0.8, 0.5, "x0").stride() == x.stride()
