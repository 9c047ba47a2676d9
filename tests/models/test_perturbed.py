"""A model made wrong on purpose: by the size that was asked for, everywhere, and by nothing at size 0."""

import math

import numpy as np
import pytest
import torch

from core.data import make_images, make_toy
from core.models.perturbed import KINDS, PerturbedModel
from core.models.plane import LearnedPlane, PlaneNetwork

RING = make_toy("ring")


def marginal(model, lam, count, seed=11):
    angle = math.atan(math.exp(-lam))
    noise = torch.randn(count, *model.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return math.cos(angle) * model.sample(count, seed) + math.sin(angle) * noise, math.cos(angle), math.sin(angle)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "model", [RING, make_toy("moons"), make_images("digits", None)], ids=["ring", "moons", "digits"]
)
def test_the_error_has_the_size_that_was_asked_for_at_every_noise_level(model, kind):
    wrong = PerturbedModel(model, 0.2, kind, seed=3)
    for lam in (-6.0, -2.3, 0.1, 1.7, 5.0):
        x, a, s = marginal(model, lam, 3000)
        in_eps = wrong.predict(x, a, s, "eps") - model.predict(x, a, s, "eps")
        in_x0 = wrong.predict(x, a, s, "x0") - model.predict(x, a, s, "x0")
        assert float(in_eps.square().mean().sqrt()) == pytest.approx(0.2 * a, rel=0.06)
        assert float(in_x0.square().mean().sqrt()) == pytest.approx(0.2 * s, rel=0.06)
        torch.testing.assert_close(s * in_eps, -a * in_x0, rtol=1e-6, atol=1e-9)  # one error, said twice


def test_no_error_is_the_exact_model_bit_for_bit():
    x, a, s = marginal(RING, 0.5, 50)
    for kind in ("x0", "eps"):
        assert torch.equal(PerturbedModel(RING, 0.0).predict(x, a, s, kind), RING.predict(x, a, s, kind))


def test_the_error_belongs_to_the_state_and_not_to_the_scaling_or_the_batch():
    wrong = PerturbedModel(RING, 0.3)
    x, a, s = marginal(RING, 0.5, 50)
    torch.testing.assert_close(wrong.predict(7 * x, 7 * a, 7 * s, "x0"), wrong.predict(x, a, s, "x0"))
    torch.testing.assert_close(wrong.predict(x[:5], a, s, "eps"), wrong.predict(x, a, s, "eps")[:5])
    single = wrong.predict(x.float(), a, s, "eps")
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), wrong.predict(x, a, s, "eps"), rtol=1e-3, atol=1e-3)
    other = PerturbedModel(RING, 0.3, seed=1).predict(x, a, s, "eps")
    assert not torch.allclose(other, wrong.predict(x, a, s, "eps"))


@pytest.mark.parametrize(("where", "wrong_at", "right_at"), [("noise", -1.0, 3.0), ("data", 2.5, -2.0)])
def test_it_can_err_at_some_levels_alone(where, wrong_at, right_at):
    wrong, everywhere = PerturbedModel(RING, 0.3, where=where), PerturbedModel(RING, 0.3)
    x, a, s = marginal(RING, wrong_at, 500)
    torch.testing.assert_close(wrong.error(x, a, s), everywhere.error(x, a, s), rtol=2e-3, atol=0)
    x, a, s = marginal(RING, right_at, 500)
    torch.testing.assert_close(wrong.predict(x, a, s, "eps"), RING.predict(x, a, s, "eps"), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="everywhere, noise, data"):
        PerturbedModel(RING, 0.3, where="nowhere")


def test_the_field_is_smooth():
    """Neighbours are wrong alike: the slope of the error is about its size times the frequency of the waves."""
    wrong = PerturbedModel(RING, 1.0)
    x, a, s = marginal(RING, 0.0, 2000)
    near = x + 1e-4 * torch.tensor([1.0, 0.0])
    slope = (wrong.error(near, a, s) - wrong.error(x, a, s)).norm(dim=1) / 1e-4
    assert 0.3 < float(slope.median()) < 6
    assert float(slope.max()) < 15


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": -0.1}, "at least 0"),
        ({"size": math.nan}, "at least 0"),
        ({"size": 0.1, "kind": "loud"}, "one of field, eager"),
    ],
)
def test_what_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        PerturbedModel(RING, **given)


def test_a_learned_model_is_wrong_enough():
    with pytest.raises(ValueError, match="only an exact model"):
        PerturbedModel(LearnedPlane(PlaneNetwork(width=8)), 0.1)
    assert np.isfinite(PerturbedModel(RING, 0.1).size)
