"""A classifier of noisy images answers under any schedule, with the gradient that guidance needs.

The exact classifier here knows data of three classes, N(m_k, s^2) in every pixel: its logits have a closed form.
"""

import pytest
import torch
from torch import Tensor, nn

from core.models.adm import PRESETS, Classifier
from core.models.checkpoints import describe, load_network, save_checkpoint
from core.models.classifier import NoisyClassifier, load_classifier
from core.noise import normal
from core.schedules import make_schedule

SHAPE = (1, 2, 3)
SPREAD = 0.4
DDPM = make_schedule("ddpm-linear")
MEANS = 0.7 * normal(5, "means", shape=(3, *SHAPE))


def exact_logits(x: Tensor, alpha, sigma) -> Tensor:
    """log p(x | k) up to what all classes share."""
    variance = alpha**2 * SPREAD**2 + sigma**2
    return -(x[:, None] - alpha * MEANS).square().flatten(2).sum(2) / (2 * variance)


class ExactNet(nn.Module):
    """Reads the level off the time index, as a trained network does."""

    def __init__(self, schedule=DDPM):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.schedule = schedule

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        t = float(timesteps[0] + 1) / 1000
        return exact_logits(x, float(self.schedule.alpha(t)), float(self.schedule.sigma(t)))


@pytest.fixture(scope="module")
def exact() -> NoisyClassifier:
    return NoisyClassifier(ExactNet(), DDPM, shape=SHAPE, classes=3)


@pytest.fixture(scope="module")
def net() -> Classifier:
    """A small network of ADM whose weights are not those of a fresh one, which returns 0."""
    net = Classifier(8, 1, 32, 10, 1, (2,), channel_mult=(1, 2), num_head_channels=32, pool="attention")
    for i, weight in enumerate(net.parameters()):
        weight.data.copy_(0.2 * normal(i, "classifier", shape=tuple(weight.shape)).float())
    return net


def particles(n: int = 5, shape=SHAPE) -> Tensor:
    return normal(1, "particles", shape=(n, *shape))


LABELS = torch.tensor([0, 1, 2, 1, 0])


@pytest.mark.parametrize("name", ["vp-linear", "vp-cosine", "sub-vp", "ve", "edm", "flow", "ddpm-linear"])
@pytest.mark.parametrize("where", [0.2, 0.5, 0.8])
def test_it_is_exact_under_every_schedule(exact, name, where):
    schedule = make_schedule(name)
    lam = 4.0 - 8.0 * where
    t = schedule.time_of(lam)
    alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
    x = (alpha * MEANS[LABELS] + sigma * particles()).requires_grad_()
    expected = torch.log_softmax(exact_logits(x, alpha, sigma), 1)
    seen = torch.log_softmax(exact.logits(x.detach(), alpha, sigma), 1)
    torch.testing.assert_close(seen, expected.detach(), rtol=1e-3, atol=1e-4)  # times are told in float32
    (slope,) = torch.autograd.grad(expected.gather(1, LABELS[:, None]).sum(), x)
    torch.testing.assert_close(
        exact.grad_log_prob(x.detach(), alpha, sigma, LABELS), slope, rtol=1e-3, atol=1e-4 * float(slope.abs().max())
    )


@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
@pytest.mark.parametrize(("alpha", "sigma"), [(0.6, 0.8), (0.9, 3.0), (1.0, 0.05), (1e-4, 1.0), (1.0, 1e-4)])
def test_the_gradient_is_that_of_its_own_logits(exact, alpha, sigma, temperature):
    # between the classes, where no probability is 1 to rounding
    x, step = alpha * MEANS.mean(0) + 0.3 * (alpha * SPREAD + sigma) * particles(), 1e-5 * (alpha + sigma)

    def log_prob(at: Tensor) -> Tensor:
        return torch.log_softmax(exact.logits(at, alpha, sigma) / temperature, 1).gather(1, LABELS[:, None])[:, 0]

    slope = exact.grad_log_prob(x, alpha, sigma, LABELS, temperature)
    for place in torch.cartesian_prod(*(torch.arange(n) for n in SHAPE)):
        nudge = torch.zeros(SHAPE, dtype=torch.float64)
        nudge[tuple(place)] = step
        difference = (log_prob(x + nudge) - log_prob(x - nudge)) / (2 * step)
        torch.testing.assert_close(
            slope[(slice(None), *place)], difference, rtol=1e-5, atol=1e-5 * float(slope.abs().max())
        )


def test_a_network_of_adm_is_asked_as_it_was_trained(net):
    model = NoisyClassifier(net, DDPM, shape=(1, 8, 8), classes=10)
    flow = make_schedule("flow")
    alpha, sigma = float(flow.alpha(0.4)), float(flow.sigma(0.4))
    t = DDPM.time_of(flow.log_snr(0.4))
    x = particles(4, (1, 8, 8))
    seen = (x * float(DDPM.alpha(t)) / alpha).float().requires_grad_()
    index = torch.full((4,), 1000 * float(t) - 1)
    logits = net(seen, index)
    torch.testing.assert_close(model.logits(x, alpha, sigma), logits.double().detach())
    chosen = torch.log_softmax(logits / 2.5, 1)[:, 7].sum()
    (slope,) = torch.autograd.grad(chosen, seen)
    expected = slope.double() * float(DDPM.alpha(t)) / alpha
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(model.grad_log_prob(x, alpha, sigma, 7, 2.5), expected)


def test_far_beyond_the_trained_noise_the_shift_of_x0_tends_to_a_limit(exact):
    x = particles()

    def shift(alpha: float) -> Tensor:
        return exact.grad_log_prob(x, alpha, 1.0, LABELS) / alpha

    torch.testing.assert_close(shift(1e-5), shift(1e-7), rtol=1e-3, atol=1e-6)
    prior_mean = MEANS.mean(0)  # the classes are equally frequent
    torch.testing.assert_close(shift(1e-7), (MEANS[LABELS] - prior_mean).expand(5, *SHAPE), rtol=0.1, atol=0.05)
    assert torch.equal(exact.grad_log_prob(x, 0.0, 1.0, LABELS), torch.zeros(5, *SHAPE, dtype=torch.float64))
    assert torch.equal(exact.logits(x, 0.0, 80.0), torch.zeros(5, 3, dtype=torch.float64))


def test_cleaner_than_trained_it_is_asked_at_the_cleanest_level(exact):
    t = DDPM.t_min
    alpha, sigma = float(DDPM.alpha(t)), float(DDPM.sigma(t))
    x = 0.1 * particles()
    at_the_end = exact.grad_log_prob(x * alpha, alpha, sigma, LABELS)
    torch.testing.assert_close(exact.grad_log_prob(x, 1.0, 1e-6, LABELS), at_the_end * alpha)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_answer_has_the_dtype_of_the_question(net, dtype):
    model = NoisyClassifier(net, DDPM, shape=(1, 8, 8), classes=10)
    x = particles(2, (1, 8, 8)).to(dtype)
    slope = model.grad_log_prob(x, 0.6, 0.8, 3)
    assert slope.dtype == model.logits(x, 0.6, 0.8).dtype == dtype
    torch.testing.assert_close(slope.double(), model.grad_log_prob(x.double(), 0.6, 0.8, 3), rtol=0.05, atol=1e-3)


def test_it_works_inside_inference_mode_and_leaves_nothing_behind(net):
    model = NoisyClassifier(net, DDPM, shape=(1, 8, 8), classes=10)
    x = particles(3, (1, 8, 8))
    expected = model.grad_log_prob(x, 0.6, 0.8, torch.tensor([0, 1, 2]))
    with torch.inference_mode():
        inside = model.grad_log_prob(x.clone(), 0.6, 0.8, torch.tensor([0, 1, 2]))
        model.logits(x.clone(), 0.6, 0.8)
    assert torch.equal(inside, expected)
    assert not expected.requires_grad
    assert not expected.is_inference()
    assert not model.logits(x, 0.6, 0.8).is_inference()
    assert not net.training
    assert all(weight.grad is None and not weight.requires_grad for weight in net.parameters())


def test_particles_do_not_mix(net):
    model = NoisyClassifier(net, DDPM, shape=(1, 8, 8), classes=10)
    x, labels = particles(3, (1, 8, 8)), torch.tensor([4, 0, 9])
    together = model.grad_log_prob(x, 0.6, 0.8, labels)
    for i, label in enumerate(labels):
        alone = model.grad_log_prob(x[i : i + 1], 0.6, 0.8, int(label))
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.logits(particles(2, (1, 4, 4)), 0.6, 0.8), r"shape \(1, 2, 3\), got \(1, 4, 4\)"),
        (lambda model: model.grad_log_prob(particles(2, (4,)), 0.6, 0.8, 0), r"shape \(1, 2, 3\), got \(4,\)"),
        (lambda model: model.grad_log_prob(particles(), 0.6, 0.8, 3), "label 3 is unknown; .* 0 to 2"),
        (lambda model: model.grad_log_prob(particles(), 0.6, 0.8, -1), "label -1 is unknown"),
        (lambda model: model.grad_log_prob(particles(), 0.6, 0.8, 0.5), "must be one whole number"),
        (lambda model: model.grad_log_prob(particles(), 0.6, 0.8, LABELS[:2]), "5 particles need 5 labels, got 2"),
        (lambda model: model.grad_log_prob(particles(), 0.6, 0.8, 0, 0.0), "temperature must be above 0, got 0.0"),
        (lambda model: model.grad_log_prob(particles(), 0.6, 0.8, 0, float("nan")), "temperature must be above 0"),
    ],
)
def test_wrong_questions_are_refused(exact, call, message):
    with pytest.raises(ValueError, match=message):
        call(exact)


ABOUT = {
    "network": "Classifier",
    "arguments": {
        "image_size": 8,
        "in_channels": 1,
        "model_channels": 32,
        "out_channels": 10,
        "num_res_blocks": 1,
        "attention_resolutions": [2],
        "channel_mult": [1, 2],
        "num_head_channels": 32,
        "pool": "attention",
    },
    "schedule": "ddpm-linear",
    "prediction": None,
    "learned_sigma": False,
    "classes": 10,
    "null_label": None,
    "shape": [1, 8, 8],
}


def test_a_file_gives_the_classifier_back(tmp_path, net):
    path = tmp_path / "classifier.safetensors"
    save_checkpoint(path, net.state_dict(), ABOUT)
    model = load_classifier(path, device="cpu")
    assert (model.classes, model.shape, model.device.type) == (10, (1, 8, 8), "cpu")
    x = particles(2, (1, 8, 8))
    kept = NoisyClassifier(net, DDPM, shape=(1, 8, 8), classes=10).logits(x, 0.6, 0.8)
    torch.testing.assert_close(model.logits(x, 0.6, 0.8), kept, rtol=0.02, atol=0.02 * float(kept.abs().max()))
    half = load_classifier(path, device="cpu", dtype=torch.bfloat16).logits(x, 0.6, 0.8)
    assert not torch.equal(half, model.logits(x, 0.6, 0.8))
    with pytest.raises(ValueError, match="holds a 'Classifier'; only a 'UNet' predicts"):
        load_network(path)


def test_a_released_file_needs_its_preset(tmp_path, monkeypatch):
    path = tmp_path / "digits-classifier.pt"
    small = {"image_size": 64, "in_channels": 3, "model_channels": 32, "channel_mult": (1,), "num_res_blocks": 1}
    arguments = PRESETS["classifier-64"].arguments | small | {"num_head_channels": 32, "attention_resolutions": (64,)}
    monkeypatch.setitem(PRESETS["classifier-64"].__dict__, "arguments", arguments)
    torch.save(PRESETS["classifier-64"].build().state_dict(), path)
    with pytest.raises(ValueError, match="does not say which network it belongs to"):
        load_classifier(path)
    model = load_classifier(path, preset="classifier-64", device="cpu")
    assert (model.classes, model.shape) == (1000, (3, 64, 64))
    assert model.logits(torch.zeros(1, 3, 64, 64), 0.6, 0.8).shape == (1, 1000)
    with pytest.raises(ValueError, match="holds a 'UNet'; only a 'Classifier' names the class"):
        load_classifier(path, preset="digits")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": "eps"}, "its 'prediction' makes no sense"),
        ({"classes": 0}, "its 'classes' makes no sense"),
        ({"classes": 9}, "its 'out_channels' makes no sense"),
        ({"shape": [1, 16, 16]}, "its 'image_size' makes no sense"),
        ({"arguments": ABOUT["arguments"] | {"num_classes": 10}}, "its 'num_classes' makes no sense"),
        ({"arguments": ABOUT["arguments"] | {"pool": "none"}}, "unknown pooling 'none'"),
        ({"arguments": ABOUT["arguments"] | {"num_res_blocks": 10**9}}, "its 'num_res_blocks' makes no sense"),
        ({"network": "UNet"}, "holds a 'UNet'; only a 'Classifier'"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path, net, change, message):
    path = tmp_path / "odd.safetensors"
    save_checkpoint(path, net.state_dict(), ABOUT | change)
    with pytest.raises(ValueError, match=message):
        load_classifier(path)


def test_presets_describe_classifiers_of_their_own():
    assert describe(PRESETS["classifier-64"])["prediction"] is None
