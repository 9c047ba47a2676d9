"""A network answers under any schedule what it learned under its own.

The networks here are exact: for data N(0, s^2) in every pixel the best prediction has a closed form at every level.
"""

import math

import pytest
import torch
from torch import Tensor, nn

from core.models import NetworkModel
from core.models.adm import UNet
from core.noise import normal
from core.problem import Problem
from core.schedules import make_schedule

SPREAD = 0.4
SHAPE = (1, 2, 2)
DDPM = make_schedule("ddpm-linear")


def exact(x: Tensor, alpha, sigma, kind: str) -> Tensor:
    """E[kind | x] for data N(0, SPREAD^2): linear in x."""
    variance = alpha**2 * SPREAD**2 + sigma**2
    x0, eps = alpha * SPREAD**2 / variance * x, sigma / variance * x
    return {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0}[kind]


class ExactNet(nn.Module):
    """Reads the level off the time index, as a trained network does, and answers by the closed form."""

    def __init__(self, kind: str, schedule=DDPM, dtype=torch.float64):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=dtype))
        self.kind, self.schedule = kind, schedule
        self.calls: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:
        self.calls.append((x, timesteps))
        t = (timesteps.double() + 1) / 1000
        alpha, sigma = (level[:, None, None, None] for level in (self.schedule.alpha(t), self.schedule.sigma(t)))
        return exact(x, alpha, sigma, self.kind).to(x.dtype)


class LabelNet(nn.Module):
    """Returns each particle's label in every pixel."""

    def __init__(self, channels: int = 1):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.channels = channels

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor) -> Tensor:
        return y.float()[:, None, None, None].expand(-1, self.channels, 2, 2)


@pytest.mark.parametrize("kind", ["eps", "x0", "v"])
@pytest.mark.parametrize("trained", ["ddpm-linear", "ddpm-cosine", "vp-linear"])
@pytest.mark.parametrize("asked", ["vp-linear", "vp-cosine", "sub-vp", "ve", "edm", "flow", "ddpm-linear"])
def test_any_schedule_gets_the_right_answer(kind, trained, asked):
    own, schedule = make_schedule(trained), make_schedule(asked)
    model = NetworkModel(ExactNet(kind, own), own, prediction=kind, shape=SHAPE)
    low, high = own.log_snr(own.t_max), own.log_snr(own.t_min)
    x = normal(0, "x", shape=(3, *SHAPE))
    inside = 0
    for t in torch.linspace(schedule.t_min, schedule.t_max, 23, dtype=torch.float64):
        if not low <= schedule.log_snr(t) <= high:
            continue
        inside += 1
        alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
        answer = model.predict(x, alpha, sigma, kind)
        # the network is told its time in float32: about 1e-7 of it
        torch.testing.assert_close(answer, exact(x, alpha, sigma, kind), rtol=2e-5, atol=1e-7)
    assert inside >= 5


@pytest.mark.parametrize("kind", ["eps", "x0", "v"])
def test_a_problem_converts_its_prediction_to_every_other(kind):
    problem = Problem(NetworkModel(ExactNet(kind), DDPM, prediction=kind, shape=SHAPE), make_schedule("flow"))
    x, t = normal(0, "x", shape=(3, *SHAPE)), 0.37
    for wanted in ("eps", "x0", "v"):
        answer = getattr(problem, wanted)(x, t)
        torch.testing.assert_close(answer, exact(x, 1 - t, t, wanted), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("step", "index"), [(1, 0), (2, 1), (500, 499), (1000, 999), (250.5, 249.5)])
def test_step_n_of_the_chain_has_index_n_minus_one(step, index):
    net = ExactNet("eps")
    model = NetworkModel(net, DDPM, shape=SHAPE)
    t = step / 1000
    x = torch.ones(2, *SHAPE, dtype=torch.float64)
    # the same level seen through a variance-exploding schedule: alpha 1, sigma = rho
    model.predict(x / DDPM.alpha(t), 1.0, float(DDPM.rho(t)), "eps")
    seen, times = net.calls[-1]
    torch.testing.assert_close(times, torch.full((2,), float(index)), rtol=0, atol=2e-3)
    torch.testing.assert_close(seen, x, rtol=1e-6, atol=0)


def test_more_noise_than_trained_keeps_the_predicted_image():
    model = NetworkModel(ExactNet("eps"), DDPM, shape=SHAPE)
    x = 500 * normal(0, "x", shape=(3, *SHAPE))
    alpha_last, sigma_last = float(DDPM.alpha(DDPM.t_max)), float(DDPM.sigma(DDPM.t_max))
    kept = exact(x * sigma_last / 500, alpha_last, sigma_last, "x0")
    x0 = x - 500 * model.predict(x, 1.0, 500.0, "eps")
    torch.testing.assert_close(x0, kept, rtol=1e-4, atol=1e-4)
    model_x0 = NetworkModel(ExactNet("x0"), DDPM, prediction="x0", shape=SHAPE)
    torch.testing.assert_close(model_x0.predict(x, 1.0, 500.0, "x0"), kept, rtol=1e-4, atol=1e-6)
    # with no signal at all the noise is the image itself
    torch.testing.assert_close(model.predict(x, 0.0, 500.0, "eps"), x / 500)


def test_less_noise_than_trained_keeps_the_predicted_noise():
    alpha_first, sigma_first = float(DDPM.alpha(DDPM.t_min)), float(DDPM.sigma(DDPM.t_min))
    x = normal(0, "x", shape=(3, *SHAPE))
    kept = exact(alpha_first * x, alpha_first, sigma_first, "eps")
    model = NetworkModel(ExactNet("eps"), DDPM, shape=SHAPE)
    torch.testing.assert_close(model.predict(x, 1.0, 1e-4, "eps"), kept, rtol=1e-5, atol=1e-7)
    model_x0 = NetworkModel(ExactNet("x0"), DDPM, prediction="x0", shape=SHAPE)
    torch.testing.assert_close(model_x0.predict(x, 1.0, 1e-4, "x0"), x - 1e-4 * kept, rtol=0, atol=1e-6)


def test_nothing_jumps_at_the_ends_of_the_trained_range():
    for kind in ("eps", "x0", "v"):
        model = NetworkModel(ExactNet(kind), DDPM, prediction=kind, shape=SHAPE)
        x = normal(0, "x", shape=(3, *SHAPE))
        for t in (DDPM.t_min, DDPM.t_max):
            rho = float(DDPM.rho(t))
            inside, outside = (model.predict(x * max(rho, 1), 1.0, rho * f, kind) for f in (1 - 1e-7, 1 + 1e-7))
            torch.testing.assert_close(inside, outside, rtol=1e-4, atol=1e-6)


def test_each_particle_gets_its_label():
    x = torch.zeros(3, *SHAPE)
    model = NetworkModel(LabelNet(), DDPM, shape=SHAPE, classes=10, null_label=10)

    def answer(labels):
        return model.with_labels(labels).predict(x, 0.5, 0.5, "eps")[:, 0, 0, 0].tolist()

    assert answer(None) == [10, 10, 10]
    assert answer(7) == [7, 7, 7]
    assert answer(torch.tensor([3, 0, 10])) == [3, 0, 10]
    assert model.with_labels(3).net is model.net
    assert int(model.labels) == 10


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([1, 2]), "3 particles need 3 labels, got 2"),
        (11, "label 11 is unknown; this network knows 0 to 9"),
        (-1, "label -1 is unknown"),
        (torch.tensor([1, 2, 40]), "label 40 is unknown"),
        (1.5, "whole number"),
        (True, "whole number"),
        (torch.zeros(3, 2, dtype=torch.long), "whole number"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    model = NetworkModel(LabelNet(), DDPM, shape=SHAPE, classes=10, null_label=10)
    with pytest.raises(ValueError, match=message):
        model.with_labels(labels).predict(torch.zeros(3, *SHAPE), 0.5, 0.5, "eps")


def test_a_network_without_classes_or_without_a_null_label_says_so():
    with pytest.raises(ValueError, match="knows no classes"):
        NetworkModel(ExactNet("eps"), DDPM, shape=SHAPE, labels=1)
    with pytest.raises(ValueError, match="needs a label from 0 to 9"):
        NetworkModel(LabelNet(), DDPM, shape=SHAPE, classes=10)
    with pytest.raises(ValueError, match="label 10 is unknown"):
        NetworkModel(LabelNet(), DDPM, shape=SHAPE, classes=10, labels=10)


def test_the_variance_half_of_the_output_is_left_out():
    model = NetworkModel(LabelNet(2), DDPM, shape=SHAPE, classes=10, labels=4, learned_sigma=True)
    assert model.predict(torch.zeros(3, *SHAPE), 0.5, 0.5, "eps").shape == (3, *SHAPE)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_answer_has_the_dtype_of_the_question_and_can_be_worked_on(dtype):
    net = ExactNet("eps", dtype=torch.float32).train()
    model = NetworkModel(net, DDPM, shape=SHAPE)
    assert not net.training
    x = torch.ones(2, *SHAPE, dtype=dtype)
    answer = model.predict(x, 0.5, 0.5, "eps")
    assert net.calls[-1][0].dtype == torch.float32
    assert answer.dtype == dtype
    assert not answer.is_inference()
    answer += 1


def test_dropout_is_off_and_no_graph_is_kept():
    net = UNet(8, 1, 32, 1, 1, (2,), dropout=0.5, channel_mult=(1, 2))
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    model = NetworkModel(net, DDPM, shape=(1, 8, 8))
    x = torch.ones(2, 1, 8, 8)
    first = model.predict(x, 0.5, 0.5, "eps")
    assert torch.equal(first, model.predict(x, 0.5, 0.5, "eps"))
    assert not first.requires_grad
    assert model.dtype == torch.float32
    assert model.device.type == "cpu"


def test_what_it_cannot_answer_is_refused():
    model = NetworkModel(ExactNet("eps"), DDPM, shape=SHAPE)
    with pytest.raises(ValueError, match="predicts eps, not x0"):
        model.predict(torch.zeros(2, *SHAPE), 0.5, 0.5, "x0")
    with pytest.raises(ValueError, match=r"shape \(1, 2, 2\), got \(1, 3, 3\)"):
        model.predict(torch.zeros(2, 1, 3, 3), 0.5, 0.5, "eps")
    with pytest.raises(ValueError, match="unknown prediction 'score'; choose one of: eps, x0, v"):
        NetworkModel(ExactNet("eps"), DDPM, prediction="score", shape=SHAPE)
    assert math.isfinite(model.trained_level(0.0, 1.0).index)
