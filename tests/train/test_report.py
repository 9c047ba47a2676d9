"""The figures of a model card: samples against data, classifiers against unseen images."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from core.models import NetworkModel, load_checkpoint, save_checkpoint
from core.models.adm import PRESETS
from core.models.checkpoints import describe
from core.schedules import make_schedule
from core.train.data import TRAINING_DATA
from core.train.judges import VectorMachine, images_in_all, load_judge
from core.train.recipe import Recipe
from core.train.report import frechet_distance, measure, measure_classifier, nearest_distances
from core.train.report import main as report_main
from core.train.trainer import Trainer
from tests.train.test_cifar import packed, pictures, write_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Sixty pictures of ten classes, each class of its own colours, half of them to test on."""
    images, labels = pictures(60), np.tile(np.arange(10), 6)
    images = (images // 8 + 24 * labels[:, None, None, None]).astype(np.uint8)
    path = tmp_path_factory.mktemp("cifar") / "cifar.npz"
    return write_archive(path, packed(images), labels, np.repeat([0, 1], 30))


@pytest.fixture(scope="module")
def judge_file(tmp_path_factory, archive):
    """A judge that knows the ten colours."""
    trainer = Trainer(
        "cifar10-16", Recipe(steps=60, batch=30, warmup=5, learning_rate=3e-3, ema=0.8), source=archive, network="judge"
    )
    while not trainer.finished:
        trainer.train_step()
    path = tmp_path_factory.mktemp("judge") / "judge.safetensors"
    about = describe(trainer.preset, trained_as="judge", data=trainer.data.title, images_seen=trainer.images_seen)
    save_checkpoint(path, trainer.ema.state_dict(), about)
    return path


def test_the_frechet_distance_of_gaussians_with_known_moments():
    generator = np.random.default_rng(0)
    whitened = generator.standard_normal((50, 3))
    whitened -= whitened.mean(0)
    whitened = whitened @ np.linalg.inv(np.linalg.cholesky(np.cov(whitened, rowvar=False))).T
    scale, shift = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -1.0])
    # for commuting covariances: squared distance of means plus squared distances of standard deviations
    assert frechet_distance(whitened, whitened * scale + shift) == pytest.approx(1.25 + 0 + 1 + 4)
    assert frechet_distance(whitened, whitened) == pytest.approx(0, abs=1e-9)


def test_the_report_knows_the_data_from_noise():
    images, labels = TRAINING_DATA["digits"].load()
    schedule = make_schedule("ddpm-linear")

    class Recall(nn.Module):
        """Knows one image of each class by heart: its eps leads back to it."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))
            self.known = torch.stack([images[labels == digit][0] for digit in range(10)])

        def forward(self, x, timesteps, y):
            t = (timesteps.double()[0] + 1) / 1000
            alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
            return (x - alpha * self.known[y]) / sigma

    model = NetworkModel(Recall(), schedule, shape=(1, 8, 8), classes=10, labels=0)
    report = measure("digits", model, 2, levels=2)
    assert report.samples == 20
    assert report.accuracy >= 0.9
    assert report.accuracy_on_data > 0.95
    assert report.nearest < 0.02 < report.nearest_in_data
    assert report.frechet > 10 * report.frechet_in_data


def test_the_report_runs_from_the_command_line(tmp_path, capsys):
    path = tmp_path / "digits.safetensors"
    trainer = Trainer("digits", Recipe())
    save_checkpoint(path, trainer.ema.state_dict(), describe(trainer.preset, images_seen=0))
    assert report_main(["digits", str(path), "--per-class", "2", "--levels", "2"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images_seen"] == 0
    assert report["loss"] == pytest.approx(1, abs=0.05)  # it predicts no noise at all
    assert report_main(["digits", str(path), "--per-class", "1"]) == 2
    assert report_main(["digits", str(tmp_path / "gone.pt")]) == 2


def test_nearest_distances_are_those_of_a_search():
    images = torch.arange(12.0).view(3, 1, 2, 2)
    known = torch.cat([images + 0.5, images])
    assert nearest_distances(images, known).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert nearest_distances(images, known, skip=1).tolist() == pytest.approx([0.5] * 3)


def test_what_the_judge_sees_is_what_its_last_layer_weighs(judge_file):
    judge = load_judge(judge_file)
    images = torch.linspace(-1, 1, 7).view(7, 1, 1, 1).expand(7, 3, 16, 16)
    last = judge.net.out[3]
    seen = torch.from_numpy(judge.features(images)).float()
    assert seen.shape == (7, 128)
    logits = seen @ last.weight.flatten(1).T + last.bias
    assert logits.argmax(1).tolist() == judge.classes(images).tolist()
    with torch.no_grad():
        torch.testing.assert_close(logits, judge.net(images, torch.zeros(7)), rtol=1e-3, atol=1e-4)
    assert not last._forward_pre_hooks


def test_the_report_on_cifar_knows_the_test_images_from_noise(archive, judge_file):
    images, labels = TRAINING_DATA["cifar10-16"].load(archive, True)
    schedule = make_schedule("ddpm-linear")

    class Recall(nn.Module):
        """Knows one test image of each class by heart, or, ``lost``, none."""

        def __init__(self, lost: bool):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))
            self.known = torch.stack([images[labels == label][0] for label in range(10)])
            self.lost = lost

        def forward(self, x, timesteps, y):
            t = (timesteps.double()[0] + 1) / 1000
            alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
            return (x - alpha * self.known[(y + self.lost * 5) % 10]) / sigma

    def report(lost: bool):
        model = NetworkModel(Recall(lost), schedule, shape=(3, 16, 16), classes=10, labels=0)
        return measure("cifar10-16", model, 2, levels=2, source=archive, judge=judge_file)

    found = report(lost=False)
    assert found.samples == 20
    assert found.accuracy_on_data > 0.8
    assert found.accuracy >= 0.6 > 0.2 >= report(lost=True).accuracy
    assert found.accuracy == pytest.approx(np.mean(found.accuracy_by_class))
    training, _ = TRAINING_DATA["cifar10-16"].load(archive)
    alone = torch.stack([images[labels == label][0] for label in range(10)]).repeat(2, 1, 1, 1)
    assert found.nearest == pytest.approx(float(nearest_distances(alone, training).median()), rel=0.05)
    assert found.nearest_in_data == pytest.approx(float(nearest_distances(images[:20], training).median()))
    judge = load_judge(judge_file)
    assert found.accuracy == pytest.approx(np.mean(judge.classes(alone) == np.tile(np.arange(10), 2)), abs=0.1)
    order = np.random.default_rng(1).permutation(30)[:20]
    assert found.frechet_in_data == pytest.approx(
        frechet_distance(judge.features(training[torch.from_numpy(order)]), judge.features(images)), rel=1e-3
    )
    assert "images seen" in found.judge


def test_images_of_earlier_runs_count():
    first = {"images_seen": 100, "begun_from": None}
    assert images_in_all({"images_seen": 20, "begun_from": {"images_seen": 3, "begun_from": first}}) == 123
    assert images_in_all({"images_seen": 20}) == 20


def test_a_judge_must_be_one(tmp_path, judge_file, archive):
    other = tmp_path / "other.safetensors"
    checkpoint = load_checkpoint(judge_file)
    save_checkpoint(other, checkpoint.state_dict, checkpoint.metadata | {"trained_as": "classifier"})
    with pytest.raises(ValueError, match="holds no judge of clean images"):
        load_judge(other)
    model = NetworkModel(
        PRESETS["digits"].build(), make_schedule("ddpm-linear"), shape=(1, 8, 8), classes=10, null_label=10
    )
    with pytest.raises(ValueError, match="name no judge"):
        measure("digits", model, 2, judge=judge_file)


def test_the_vector_machine_learns_its_images():
    images, labels = TRAINING_DATA["digits"].load()
    judge = VectorMachine(images[:600], labels[:600])
    assert (judge.classes(images[600:900]) == labels[600:900].numpy()).mean() > 0.9
    np.testing.assert_array_equal(judge.features(images[:2]), images[:2].flatten(1).double().numpy())


def test_a_classifier_is_tested_on_what_it_has_not_seen(tmp_path, capsys, archive, judge_file):
    report = measure_classifier("cifar10-16", judge_file, levels=2, source=archive)
    assert (report.unseen, list(report.accuracy)) == (30, ["clean"])
    test, labels = TRAINING_DATA["cifar10-16"].load(archive, True)
    assert report.accuracy["clean"] == np.mean(load_judge(judge_file).classes(test) == labels.numpy())
    assert report.cross_entropy < 1.5

    trainer = Trainer("digits", Recipe(held_out=9), network="classifier")
    path = tmp_path / "digits-classifier.safetensors"
    save_checkpoint(path, trainer.ema.state_dict(), describe(trainer.preset, recipe=trainer.recipe.as_dict()))
    assert report_main(["digits", str(path), "--levels", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unseen"] == 199
    assert len(found["accuracy"]) == len(found["accuracy_in_training"]) == 7
    assert found["cross_entropy"] == pytest.approx(np.log(10), rel=0.05)  # it has learned nothing
    save_checkpoint(path, trainer.ema.state_dict(), describe(trainer.preset))
    assert report_main(["digits", str(path)]) == 2
    assert "nothing is left to test it on" in capsys.readouterr().err


def test_a_file_that_does_not_say_what_it_is_gets_no_report(tmp_path, capsys):
    path = tmp_path / "plain.pt"
    torch.save({"weight": torch.zeros(1)}, path)
    assert report_main(["digits", str(path)]) == 2
    assert "does not say what it is" in capsys.readouterr().err
