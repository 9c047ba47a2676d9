"""The weights that come with the app: small, described, and able to draw every digit."""

import json
from pathlib import Path

import pytest
import torch
from sklearn.svm import SVC

from core.grids import make_grid
from core.models import load_checkpoint, load_network
from core.models.adm import PRESETS
from core.models.checkpoints import describe
from core.models.classifier import load_classifier
from core.models.guidance import ClassifierGuided
from core.noise import normal
from core.problem import Problem
from core.solve import solve
from core.train.data import TRAINING_DATA
from core.train.report import measure_classifier, noise_error

ASSETS = Path(__file__).parents[2] / "assets" / "weights"
WEIGHTS = ASSETS / "digits.safetensors"
SHIPPED = sorted(ASSETS.glob("*.safetensors"))


@pytest.fixture(scope="module")
def model():
    return load_network(WEIGHTS, labels=torch.arange(10).repeat(5), device="cpu")


def test_all_files_together_are_small():
    assert sum(file.stat().st_size for file in ASSETS.rglob("*") if file.is_file()) < 40_000_000


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_file_says_what_it_is_and_has_its_card(path):
    assert path.stat().st_size < 5_000_000
    about = load_checkpoint(path).metadata
    described = json.loads(json.dumps(describe(PRESETS[path.stem])))
    assert {key: about[key] for key in described} == described
    seen, recipe = about["images_seen"], about["recipe"]
    assert 0 < seen <= recipe["steps"] * recipe["batch"]
    assert seen % recipe["batch"] == 0
    card = path.with_name(f"{path.stem.removesuffix('-classifier').removesuffix('-judge')}.md").read_text()
    assert path.name in card
    assert f"{seen:,}" in card
    named = path.stem.endswith(("-classifier", "-judge"))
    assert named or "not measured yet" not in card


@pytest.mark.parametrize("grid", ["uniform-t", "uniform-lambda"])
def test_a_classifier_recognises_its_digits(model, grid):
    images, labels = TRAINING_DATA["digits"].load()
    judge = SVC().fit(images.flatten(1).numpy(), labels.numpy())
    problem = Problem(model, model.schedule)
    times = make_grid(grid, model.schedule, steps=20)
    start = problem.sample_prior(50, float(times[0]), 0, torch.float32)
    final = solve(problem, "dpmpp-2m", times, start, record=False).final
    right = judge.predict(final.flatten(1).numpy()) == model.labels.numpy()
    # chance is a tenth
    assert right.mean() > 0.8
    # blacks and whites stay near the range of the data, and pictures differ as much as the data do
    assert final.abs().max() < 2
    spread = images.flatten(1).var(0).sum()
    assert 0.7 * spread < final.flatten(1).var(0).sum() < 1.3 * spread


def test_it_predicts_noise_far_better_than_a_guess(model):
    # a network that always answers 0 has an error of 1
    assert noise_error("digits", model, seed=3, levels=20) < 0.4


def test_the_classifier_names_digits_that_it_was_not_trained_on():
    report = measure_classifier("digits", ASSETS / "digits-classifier.safetensors", levels=4)
    assert report.unseen == 359
    assert report.accuracy["sigma/alpha 0.2"] > 0.97
    assert report.accuracy["sigma/alpha 1"] > 0.7
    assert report.cross_entropy < 1.7  # a guess costs 2.3


def test_the_classifier_turns_samples_into_the_digits_asked_for(model):
    classifier = load_classifier(ASSETS / "digits-classifier.safetensors", device="cpu")
    images, labels = TRAINING_DATA["digits"].load()
    judge = SVC().fit(images.flatten(1).numpy(), labels.numpy())
    times = make_grid("uniform-t", model.schedule, steps=20)
    shares = []
    for scale in (0.0, 4.0):
        guided = ClassifierGuided(model.with_labels(None), classifier, model.labels, scale=scale)
        problem = Problem(guided, model.schedule)
        start = problem.sample_prior(50, float(times[0]), 0, torch.float32)
        final = solve(problem, "dpmpp-2m", times, start, record=False).final
        shares.append((judge.predict(final.flatten(1).numpy()) == model.labels.numpy()).mean())
    assert shares[0] < 0.3
    assert shares[1] > 0.9


@pytest.mark.parametrize("name", ["digits-classifier", "cifar10-16-classifier"])
def test_what_a_classifier_says_is_sensible_at_every_level(name):
    classifier = load_classifier(ASSETS / f"{name}.safetensors", device="cpu")
    x = normal(0, "noise", shape=(64, *classifier.shape)).float()
    for sigma in (0.05, 1.0, 100.0):
        chances = classifier.logits(sigma * x, 1.0, sigma).softmax(1)
        # in strong noise a picture says nothing of its class
        if sigma == 100.0:
            assert chances.max() < 0.3
        slope = classifier.grad_log_prob(sigma * x, 1.0, sigma, 3)
        assert torch.isfinite(slope).all()
        assert slope.abs().max() > 0
