"""Guidance: against exact conditional scores, its limits, its cost, and what it does to the law of samples."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from core.data import image_classifier, image_family, make_images, make_toy, toy_classifier, toy_family
from core.grids import make_grid
from core.models import BayesClassifier, GaussianMixture
from core.models.base import BASE, PUSH
from core.models.bayes import RoughClassifier
from core.models.guidance import GUIDANCE, ClassifierFree, ClassifierGuided
from core.noise import normal
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve

LEVELS = [(0.05, 0.999), (0.6, 0.8), (0.98, 0.2), (1.0, 5.0)]


def places(n: int = 40, dim: int = 2) -> Tensor:
    return 2 * normal(3, "guidance", shape=(n, dim))


@pytest.mark.parametrize(("alpha", "sigma"), LEVELS)
@pytest.mark.parametrize("scale", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("name", ["moons", "ring", "pinwheel"])
def test_with_exact_classes_both_kinds_are_one_field(name, scale, alpha, sigma):
    family, x = toy_family(name, scale=0.8), places()
    free = GUIDANCE["classifier-free"].make(family, 1, scale=scale)
    judged = GUIDANCE["classifier"].make(family, 1, scale=scale)
    for kind in ("x0", "eps", BASE, PUSH):
        mine, other = (model.predict(x, alpha, sigma, kind) for model in (free, judged))
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9 * max(1, sigma / alpha))


def test_the_scale_runs_from_no_class_to_the_class():
    family, x = toy_family("moons"), places()
    for kind in ("x0", "eps"):
        for scale, label in ((0.0, None), (1.0, 0)):
            wanted = family.of_label(label).predict(x, 0.7, 0.6, kind)
            for name in GUIDANCE:
                given = GUIDANCE[name].make(family, 0, scale=scale).predict(x, 0.7, 0.6, kind)
                torch.testing.assert_close(given, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_gradient_of_the_exact_classifier(temperature):
    judge, x = toy_classifier("pinwheel"), places(6).requires_grad_()
    logits = judge.logits(x, 0.8, 0.5) / temperature
    logits.log_softmax(dim=1)[:, 2].sum().backward()
    given = judge.grad_log_prob(x.detach(), 0.8, 0.5, 2, temperature)
    torch.testing.assert_close(given, x.grad, rtol=1e-9, atol=1e-9)


def test_the_classifier_knows_how_large_the_classes_are():
    small, large = GaussianMixture(torch.tensor([[-1.0]]), 0.5), GaussianMixture(torch.tensor([[1.0]]), 0.5)
    judge = BayesClassifier([small, large], [1, 3])
    shares = judge.probabilities(torch.zeros(1, 1, dtype=torch.float64), 1.0, 0.3)
    torch.testing.assert_close(shares[0], torch.tensor([0.25, 0.75], dtype=torch.float64))
    with pytest.raises(ValueError, match="two classes"):
        BayesClassifier([small])
    with pytest.raises(ValueError, match="2 classes need as many positive weights"):
        BayesClassifier([small, large], [1, 0])


def gaussians() -> tuple[GaussianMixture, GaussianMixture, float, float]:
    """All data N(0, 1.5^2) and a class N(1, 0.5^2) within: both scores are linear."""
    spread, own = 1.5, 0.5
    return (
        GaussianMixture(torch.zeros(1, 1), spread),
        GaussianMixture(torch.ones(1, 1), own),
        spread**2,
        own**2,
    )


def test_the_guided_flow_of_gaussians_is_a_linear_equation_and_no_sharpened_density():
    """``d y/d rho = eps`` with both scores linear: one scalar equation for the mean, one for the spread, by SciPy."""
    whole, part, v0, v1 = gaussians()
    scale, rho0, rho1 = 4.0, 79.0, 3e-3

    def rate(rho: float, state: np.ndarray) -> list[float]:
        mean, spread = state
        slope = rho * ((1 - scale) / (v0 + rho**2) + scale / (v1 + rho**2))
        return [slope * mean - rho * scale / (v1 + rho**2), slope * spread]

    mean, spread = solve_ivp(rate, (rho0, rho1), [0.0, 1.0], rtol=1e-11, atol=1e-12, method="DOP853").y[:, -1]
    problem = Problem(ClassifierFree(whole, part, scale=scale), make_schedule("edm"))
    x = torch.tensor([[-rho0], [0.0], [rho0]], dtype=torch.float64)
    times = problem.schedule.time_of(-torch.log(torch.tensor([rho0, rho1], dtype=torch.float64)))
    end = solve(problem, "reference", times, x, record=False).final[:, 0]
    np.testing.assert_allclose(end, mean + spread * x[:, 0].numpy(), rtol=1e-8, atol=1e-8)
    # p(x) p(c | x)^s is a Gaussian too, with precision (1 - s)/v0 + s/v1: the flow's end has another spread
    sharpened = 1 / math.sqrt((1 - scale) / v0 + scale / v1)
    assert abs(spread * rho0 - sharpened) > 0.1 * sharpened


def test_large_scales_overshoot_the_class_away_from_the_others():
    family = toy_family("moons")
    centre = family.of_label(0).mean()
    ends = []
    for scale in (1.0, 3.0, 9.0):
        problem = Problem(GUIDANCE["classifier-free"].make(family, 0, scale=scale), make_schedule("vp-linear"))
        times = make_grid("uniform-lambda", problem.schedule, 40)
        x = problem.sample_prior(400, float(times[0]), 0)
        ends.append(solve(problem, "dpmpp-3m", times, x, record=False).final)
    judge = toy_classifier("moons")
    sure = [float(judge.probabilities(end, 1.0, 0.2)[:, 0].mean()) for end in ends]
    spread = [float(end.std(dim=0).mean()) for end in ends]
    assert sure[0] < sure[1] <= sure[2]
    assert spread[0] > spread[1] > spread[2]
    away = centre - make_toy("moons", label=1).mean()
    beyond = [float((end.mean(dim=0) - centre) @ away / away.norm()) for end in ends]
    assert abs(beyond[0]) < 0.08 < 0.1 < beyond[2] - beyond[0]


def test_outside_its_range_guidance_is_the_plain_class_and_costs_one_evaluation():
    family, x = toy_family("moons"), places()
    free = GUIDANCE["classifier-free"].make(family, 0, scale=5.0, low=-1.0, high=1.0)
    judged = GUIDANCE["classifier"].make(family, 0, scale=5.0, low=-1.0, high=1.0)
    on_top = GUIDANCE["classifier"].make(family, 0, scale=5.0, low=-1.0, high=1.0, on="conditional")
    part = family.of_label(0)
    for alpha, sigma in ((0.05, 1.0), (1.0, 0.05)):
        for model in (free, judged, on_top):
            torch.testing.assert_close(model.predict(x, alpha, sigma, "eps"), part.predict(x, alpha, sigma, "eps"))
        assert [model.cost(alpha, sigma, "eps") for model in (free, judged, on_top)] == [1, 2, 1]
    inside = free.predict(x, 1.0, 1.0, "eps") - part.predict(x, 1.0, 1.0, "eps")
    assert inside.abs().max() > 0.1
    assert [model.cost(1.0, 1.0, "eps") for model in (free, judged, on_top)] == [2, 2, 2]


def test_solvers_count_both_passes():
    schedule = make_schedule("vp-linear")
    times = make_grid("uniform-lambda", schedule, 10)
    whole = Problem(GUIDANCE["classifier-free"].make(toy_family("moons"), 0), schedule)
    x = whole.sample_prior(4, float(times[0]), 0)
    assert solve(whole, "ddim", times, x).nfe == 20
    half = Problem(GUIDANCE["classifier-free"].make(toy_family("moons"), 0, low=0.0), schedule)
    inside = int((schedule.log_snr(times[:-1]) >= 0).sum())
    assert 0 < inside < 10
    assert solve(half, "ddim", times, x).nfe == 10 + inside


@pytest.mark.parametrize("kind", ["x0", "eps"])
def test_rescaling_gives_back_the_contrast_of_the_class(kind):
    family = image_family("digits")
    x = normal(1, "rescale", shape=(5, 1, 8, 8)).float()
    plain = family.of_label(3).predict(x, 0.8, 0.6, "x0")
    strong = GUIDANCE["classifier-free"].make(family, 3, scale=6.0).predict(x, 0.8, 0.6, "x0")
    tamed = GUIDANCE["classifier-free"].make(family, 3, scale=6.0, rescale=1.0)
    value = tamed.predict(x, 0.8, 0.6, kind)
    as_x0 = value if kind == "x0" else (x - 0.6 * value) / 0.8
    contrast = [image.flatten(1).std(dim=1) for image in (plain, strong, as_x0)]
    assert bool((contrast[1] > contrast[0]).all())
    torch.testing.assert_close(contrast[2], contrast[0], rtol=1e-4, atol=1e-5)


def test_images_have_the_exact_classifier():
    judge, images = image_classifier("digits"), [make_images("digits", label).points[:2] for label in range(10)]
    x = torch.cat(images) * 0.95 + 0.3 * normal(0, "judge", shape=(20, 1, 8, 8)).float()
    shares = judge.probabilities(x, 0.95, 0.3)
    assert (shares.argmax(dim=1) == torch.arange(10).repeat_interleave(2)).float().mean() > 0.9
    with pytest.raises(ValueError, match=r"patches-16.*there is a classifier for: digits"):
        image_classifier("patches-16")


def test_a_rough_classifier_has_waves_of_the_given_height():
    judge, x = toy_classifier("moons"), places(2000)
    smooth, rough = (one.grad_log_prob(x, 0.7, 0.7, 0) for one in (judge, RoughClassifier(judge, 0.9)))
    ratio = rough / smooth
    assert 0.1 - 1e-9 < float(ratio.min()) < 0.11
    assert 1.89 < float(ratio.max()) < 1.9 + 1e-9
    expected = 1 + 0.9 * torch.sin(25 * x.flip(1) / 0.7)
    torch.testing.assert_close(ratio, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("classifier-free", {"scale": -1.0}, "scale must be a number from 0 to 100"),
        ("classifier-free", {"temperature": 1.0}, "no option 'temperature'; its options: scale, rescale, low, high"),
        ("classifier", {"temperature": 0.0}, "temperature must be a number from 0.05 to 20"),
        ("classifier", {"on": "both"}, "unconditional, conditional"),
        ("classifier", {"roughness": 1.0}, "from 0 to 0.95"),
        ("classifier-free", {"low": 2.0, "high": 1.0}, "from low to high; got 2 to 1"),
        ("classifier-free", {"rescale": 0.5}, "particles of 2 numbers have none"),
    ],
)
def test_bad_settings_say_what_is_allowed(name, options, said):
    with pytest.raises(ValueError, match=said):
        GUIDANCE[name].make(toy_family("moons"), 0, **options)


def test_what_has_no_classes_or_no_such_class_says_so():
    with pytest.raises(ValueError, match=r"'swiss-roll' has no classes.*those with classes: ring, moons"):
        GUIDANCE["classifier"].make(toy_family("swiss-roll"), 0)
    with pytest.raises(ValueError, match=r"class 2 of 'moons' does not exist; allowed: 0 to 1"):
        GUIDANCE["classifier-free"].make(toy_family("moons"), 2)
    with pytest.raises(ValueError, match="predicts x0, eps, not v"):
        GUIDANCE["classifier-free"].make(toy_family("moons"), 0).predict(places(), 0.7, 0.7, "v")


def test_models_that_know_only_one_side_of_the_class_say_which_guidance_is_left():
    from core.models.guidance import Family

    part = make_toy("moons", label=0)
    needs = Family(lambda label: None if label is None else part, lambda: toy_classifier("moons"))
    ignores = Family(lambda label: part if label is None else None, lambda: toy_classifier("moons"))
    with pytest.raises(ValueError, match="work without a class; use the guidance of a classifier"):
        GUIDANCE["classifier-free"].make(needs, 0)
    with pytest.raises(ValueError, match="work with a class; use the guidance of a classifier"):
        GUIDANCE["classifier-free"].make(ignores, 0)
    with pytest.raises(ValueError, match="no unconditional model; let the classifier act on the conditional one"):
        GUIDANCE["classifier"].make(needs, 0)
    assert isinstance(GUIDANCE["classifier"].make(needs, 0, on="conditional"), ClassifierGuided)
