"""Training lowers the loss, resumes exactly, and its files rebuild the network."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core.models import load_checkpoint, load_network
from core.models.classifier import load_classifier
from core.schedules import make_schedule
from core.train import loop
from core.train.__main__ import main, parser, trainer_for
from core.train.accuracy import LEVELS, accuracy_by_level
from core.train.data import TRAINING_DATA
from core.train.recipe import Recipe
from core.train.sheet import draw_samples, sheet_labels, write_sheet
from core.train.tasks import TASKS, Batch
from core.train.trainer import Trainer

WEIGHTS = Path(__file__).parents[2] / "assets" / "weights"
QUICK = Recipe(steps=50, batch=16, warmup=5, learning_rate=3e-3, emphasis=0, floor=0)


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [*trainer.net.state_dict().values(), *trainer.ema.state_dict().values()]


def advance(trainer: Trainer, steps: int) -> list[float]:
    return [trainer.train_step() for _ in range(steps)]


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    images, labels = TRAINING_DATA["digits"].load()
    raw = load_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (-1, 1)
    np.testing.assert_array_equal((images[:, 0].numpy() + 1) * 8, raw.images)
    np.testing.assert_array_equal(labels.numpy(), raw.target)


def test_a_few_steps_lower_the_loss():
    losses = advance(Trainer("digits", QUICK), 30)
    # a fresh network predicts 0, whose squared error against unit noise is 1
    assert losses[0] == pytest.approx(1, abs=0.15)
    assert np.mean(losses[-5:]) < 0.75


@pytest.mark.parametrize(
    ("network", "bfloat16"), [("diffusion", False), ("diffusion", True), ("classifier", False), ("classifier", True)]
)
def test_a_run_that_was_stopped_ends_where_an_unbroken_one_does(tmp_path, network, bfloat16):
    recipe = Recipe(steps=7, batch=16, warmup=3, cooldown=0.5, bfloat16=bfloat16, held_out=10)
    unbroken = Trainer("digits", recipe, network=network)
    losses = advance(unbroken, 6)

    stopped = Trainer("digits", recipe, network=network)
    first = advance(stopped, 3)
    stopped.save(tmp_path / "run.pt")
    advance(stopped, 1)  # lost: it came after the last save
    resumed = Trainer.resume(tmp_path / "run.pt")
    assert resumed.step == 3
    assert first + advance(resumed, 3) == losses
    for ours, theirs in zip(weights(resumed), weights(unbroken), strict=True):
        assert torch.equal(ours, theirs)
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_runs_written_before_there_were_classifiers_go_on(tmp_path):
    trainer = Trainer("digits", QUICK)
    advance(trainer, 2)
    state = trainer.state()
    for newer in ("network", "begun_from"):
        del state[newer]
    del state["recipe"]["held_out"]
    torch.save(state, tmp_path / "run.pt")
    resumed = Trainer.resume(tmp_path / "run.pt")
    assert (resumed.network, resumed.step, len(resumed.images)) == ("diffusion", 2, 1797)
    assert advance(resumed, 1) == advance(trainer, 1)


def test_a_few_steps_teach_a_classifier_something():
    trainer = Trainer("digits", Recipe(steps=50, batch=64, warmup=5, learning_rate=3e-3, ema=0.9), network="classifier")
    losses = advance(trainer, 50)
    assert losses[0] == pytest.approx(np.log(10), rel=0.05)  # a fresh network finds all classes about alike
    assert np.mean(losses[-5:]) < 2.18
    found = accuracy_by_level(trainer.task, trainer.ema, trainer.schedule, trainer.images, trainer.labels)
    assert next(iter(found)) == "sigma/alpha 0.02"
    assert found["sigma/alpha 0.2"] > 0.4 > 0.2 > found["sigma/alpha 20"]


class Grey(nn.Module):
    """Names the nearest of three greys, reading off the time index how far the image was scaled down."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[float] = []

    def forward(self, x, index):
        self.seen.append(float(index[0]))
        alpha = make_schedule("ddpm-linear").alpha((index.double() + 1) / 1000)
        grey = x.double().mean((1, 2, 3)) / alpha
        return -(grey[:, None] - torch.tensor([-1.0, 0.0, 1.0])).square()


def test_accuracy_is_counted_at_every_level():
    net, schedule, labels = Grey(), make_schedule("ddpm-linear"), torch.arange(900) % 3
    images = (labels - 1.0)[:, None, None, None].expand(900, 1, 2, 2)
    found = list(accuracy_by_level(TASKS["classifier"], net, schedule, images, labels).values())
    times = 1000 * schedule.time_of(-torch.tensor(LEVELS, dtype=torch.float64).log()) - 1
    assert net.seen[::2] == pytest.approx(times.tolist(), rel=1e-5)  # two parts of the images at each
    # the mean of four pixels errs by half of sigma / alpha, the greys are one apart, and the middle one errs both ways
    right = [1 - 4 / 3 * torch.special.ndtr(torch.tensor(-1 / level)).item() for level in LEVELS]
    assert found == pytest.approx(right, abs=0.06)


def test_a_judge_sees_clean_images_only():
    trainer = Trainer("digits", Recipe(batch=32))
    trainer.task = TASKS["judge"]
    batch = trainer._batch()
    assert torch.equal(batch.index, torch.zeros(32))
    assert torch.equal((batch.images + 1) * 8, ((batch.images + 1) * 8).round())
    labels = torch.arange(900) % 3
    images = (labels - 1.0)[:, None, None, None].expand(900, 1, 2, 2)
    assert accuracy_by_level(TASKS["judge"], Grey(), trainer.schedule, images, labels) == {"clean": 1.0}


def test_cross_entropy_is_what_a_classifier_is_taught():
    class Sure(nn.Module):
        def forward(self, x, index):
            return torch.tensor([[0.0, 9.0, 0.0]]).expand(len(x), 3)

    batch = Batch(*(torch.zeros(4, 1, 2, 2), torch.zeros(4), torch.tensor([1, 1, 1, 0]), None, None))
    wrong, right = np.log(2 + np.exp(9)), np.log(2 * np.exp(-9) + 1)
    assert float(TASKS["classifier"].loss(Sure(), batch)) == pytest.approx((3 * right + wrong) / 4)


def test_every_so_manieth_example_can_be_kept_from_training():
    trainer = Trainer("digits", Recipe(held_out=5), network="classifier")
    images, labels = TRAINING_DATA["digits"].load()
    unseen, unseen_labels = trainer.unseen
    assert torch.equal(unseen, images[4::5])
    assert torch.equal(unseen_labels, labels[4::5])
    assert len(trainer.images) == 1797 - 359
    assert not (trainer.images[:, None].flatten(2) == unseen[0].flatten()).all(2).any()
    assert Trainer("digits", QUICK).unseen is None


def test_a_run_begins_from_weights_and_says_so(tmp_path, capsys):
    start = WEIGHTS / "digits.safetensors"
    command = ["digits", "--out", str(tmp_path), "--steps", "2", "--batch", "8", "--device", "cpu", "--rows", "1"]
    trainer = trainer_for(parser().parse_args([*command, "--begin-from", str(start)]))
    given = load_checkpoint(start)
    for name, value in given.state_dict.items():
        assert torch.equal(trainer.net.state_dict()[name], value.float())
        assert torch.equal(trainer.ema.state_dict()[name], value.float())
    trainer.save(tmp_path / "run.pt")
    assert main([*command, "--begin-from", str(start)]) == 0
    about = load_checkpoint(tmp_path / "digits.safetensors").metadata
    assert about["begun_from"]["file"] == "digits.safetensors"
    assert about["begun_from"]["images_seen"] == given.metadata["images_seen"]
    assert about["images_seen"] == 16
    assert main([*command, "--begin-from", str(tmp_path / "else.safetensors")]) == 2
    assert "was begun from digits.safetensors; give --out another folder" in capsys.readouterr().err


def test_weights_of_another_network_are_no_beginning(tmp_path):
    with pytest.raises(ValueError, match="does not fit its network"):
        Trainer("digits", QUICK, network="classifier", begin_from=WEIGHTS / "digits.safetensors")
    with pytest.raises(ValueError, match="there is no weights file"):
        Trainer("digits", QUICK, begin_from=tmp_path / "gone.safetensors")


def test_the_command_trains_a_classifier(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(loop, "NOTE_EVERY", 1e-9)
    line = ["digits", "--network", "classifier", "--out", str(tmp_path), "--steps", "3", "--batch", "8"]
    line += ["--held-out", "20", "--device", "cpu"]
    assert main([*line, "--glance-minutes", "1e-9"]) == 0
    told = capsys.readouterr().out
    assert "1708 images" in told
    assert told.count("right on unseen images: sigma/alpha 0.02 ") == 3
    model = load_classifier(tmp_path / "digits-classifier.safetensors", device="cpu")
    assert (model.classes, model.shape) == (10, (1, 8, 8))
    about = load_checkpoint(tmp_path / "digits-classifier.safetensors").metadata
    assert (about["images_seen"], about["recipe"]["held_out"], about["trained_as"]) == (24, 20, "classifier")
    rates = np.genfromtxt(tmp_path / "rates.csv", delimiter=",", names=True)
    assert rates["step"].tolist() == [1, 2, 3]
    assert rates["images_seen"].tolist() == [8, 16, 24]
    assert (rates["images_per_second"] > 0).all()
    assert {path.name for path in tmp_path.iterdir()} == {"run.pt", "rates.csv", "digits-classifier.safetensors"}
    assert main(["digits", "--out", str(tmp_path)]) == 2
    assert "trains a classifier; give --out another folder" in capsys.readouterr().err


def test_a_glance_shows_one_sample_of_each_class(tmp_path):
    trainer = Trainer("digits", QUICK)
    advance(trainer, 1)
    state = trainer.generator.get_state(), trainer.dropout_state
    loop.glance(trainer, tmp_path)
    assert Image.open(tmp_path / "glances" / "000000016.png").size == (10 * 36, 36)
    assert torch.equal(trainer.generator.get_state(), state[0])
    assert torch.equal(trainer.dropout_state, state[1])


def test_there_is_no_judge_of_digits():
    with pytest.raises(ValueError, match="there is no judge for them; choose diffusion, classifier"):
        Trainer("digits", QUICK, network="judge")


@pytest.mark.parametrize(("seconds", "expected"), [(0, [False] * 4), (2, [False, True, False, True])])
def test_once_in_a_while(seconds, expected):
    every = loop.Every(seconds, last=10.0)
    assert [every.due(now) for now in (11.0, 12.5, 13.0, 14.5)] == expected


def test_training_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    advance(Trainer("digits", QUICK), 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_times_and_labels_are_as_described():
    trainer = Trainer("digits", Recipe(batch=4000, label_dropout=0.25, emphasis=2, floor=0.5))
    inputs, index, labels, eps, weight = trainer._batch()
    assert (index.min() >= 0) & (index.max() <= 999)
    # one time in each of 4000 equal slices of the range
    assert torch.equal(((index / 999) * 4000).floor().clamp(max=3999), torch.arange(4000.0))
    assert abs((labels == 10).double().mean() - 0.25) < 4 * (0.25 * 0.75 / 4000) ** 0.5
    assert abs(eps.mean()) < 4 / eps.numel() ** 0.5
    t = (index.double() + 1) / 1000
    alpha, sigma = (level[:, None, None, None] for level in (trainer.schedule.alpha(t), trainer.schedule.sigma(t)))
    x0 = (inputs - sigma * eps) / alpha
    torch.testing.assert_close(weight.double(), (sigma / alpha) ** 2 + 0.5, rtol=1e-4, atol=0)
    early = index < 500
    grey = (x0[early] + 1) * 8
    torch.testing.assert_close(grey, grey.round(), rtol=0, atol=5e-3)


def test_the_rate_rises_stays_and_falls_to_zero():
    recipe = Recipe(steps=100, warmup=10, cooldown=0.5, learning_rate=2.0**-4)
    rates = [recipe.rate(step) * 2**4 for step in range(101)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10:51] == [1] * 41
    assert rates[50:] == pytest.approx(np.linspace(1, 0, 51))
    assert min(rates[:100]) > 0


def test_the_average_follows_the_weights():
    trainer = Trainer("digits", QUICK)
    with torch.no_grad():
        for weight in trainer.net.parameters():
            weight.fill_(1)
        for weight in trainer.ema.parameters():
            weight.zero_()
    trainer.step = 9  # (1 + 9) / (10 + 9) is what is kept
    trainer._average()
    for weight in trainer.ema.parameters():
        torch.testing.assert_close(weight, torch.full_like(weight, 9 / 19))
    trainer.step = 10**6
    trainer._average()
    expected = 9 / 19 * QUICK.ema + 1 - QUICK.ema
    for weight in trainer.ema.parameters():
        torch.testing.assert_close(weight, torch.full_like(weight, expected))


def test_the_sheet_shows_every_image(tmp_path):
    images = torch.linspace(-1, 1, 6)[:, None, None, None].expand(6, 1, 8, 8)
    write_sheet(images, tmp_path / "sheet.png", columns=3, zoom=2)
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert picture.shape == (2 * 18, 3 * 18, 3)
    assert picture[::18, ::18, 0].tolist() == [[0, 51, 102], [153, 204, 255]]
    assert sheet_labels(3, 2).tolist() == [0, 1, 2, 0, 1, 2]


def test_the_command_trains_writes_and_goes_on(tmp_path, capsys):
    out = tmp_path / "run"
    command = ["digits", "--out", str(out), "--steps", "3", "--batch", "8", "--device", "cpu", "--rows", "1"]
    stopped = trainer_for(parser().parse_args(command))
    advance(stopped, 2)
    stopped.save(out / "run.pt")
    assert main(command) == 0
    assert "from step 2" in capsys.readouterr().out
    assert Trainer.resume(out / "run.pt").step == 3
    about = load_checkpoint(out / "digits.safetensors").metadata
    assert (about["images_seen"], about["recipe"]["batch"], about["schedule"]) == (24, 8, "ddpm-linear")
    assert Image.open(out / "digits.png").size == (10 * 36, 36)
    model = load_network(out / "digits.safetensors", labels=1, device="cpu")
    assert draw_samples(model, torch.tensor([3, 4]), steps=2).shape == (2, 1, 8, 8)
    assert trainer_for(parser().parse_args(command)).step == 3
    assert trainer_for(parser().parse_args([*command, "--fresh"])).step == 0


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_in_progress(tmp_path, monkeypatch, capsys, which):
    plain = Trainer.train_step

    def interrupted(trainer: Trainer) -> float:
        if trainer.step == 1:
            os.kill(os.getpid(), which)
        return plain(trainer)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main(["digits", "--out", str(tmp_path), "--batch", "8", "--device", "cpu", "--rows", "1"]) == 0
    assert "stopped at step 2 of 4000; run the same command to go on" in capsys.readouterr().out
    assert Trainer.resume(tmp_path / "run.pt").step == 2
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "-1"], "--minutes must be above 0"),
        (["--minutes", "nan"], "--minutes must be above 0"),
        (["--threads", "0"], "--threads must be at least 1"),
        (["--glance-minutes", "-1"], "--glance-minutes must be 0 or more, got -1.0"),
        (["--held-out", "1"], "held_out = 1 would leave nothing"),
        (["--rows", "0"], "--rows must be at least 1"),
        (["--batch", "0"], "batch must lie between 1 and"),
        (["--label-dropout", "2"], "label_dropout must lie between 0 and 1"),
        (["--learning-rate", "nan"], "learning_rate must lie between"),
        (["--device", "abacus"], "--device must be cpu or cuda, got 'abacus'"),
    ],
)
def test_wrong_options_are_refused_in_one_line(tmp_path, capsys, options, message):
    assert main(["digits", "--out", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_gpu_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["digits", "--out", str(tmp_path), "--device", "cuda"]) == 2
    assert "finds no CUDA device here" in capsys.readouterr().err


def test_a_run_goes_on_only_with_the_settings_it_began_with(tmp_path, capsys):
    Trainer("digits", QUICK).save(tmp_path / "run.pt")
    assert main(["digits", "--out", str(tmp_path), "--batch", "99"]) == 2
    assert "has batch = 16, not 99" in capsys.readouterr().err


def test_a_file_of_something_else_is_no_run(tmp_path):
    path = tmp_path / "run.pt"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"run\.pt"):
        Trainer.resume(path)
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="is not a training run"):
        Trainer.resume(path)


def test_help_names_the_settings():
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-m", "core.train", "--help"], cwd=root, capture_output=True, text=True, check=True
    )
    for option in ("--minutes", "--bfloat16", "--channels-last", "--label-dropout", "--source", "{digits,cifar10-16"):
        assert option in shown.stdout
