"""``python -m core.train.report digits assets/weights/digits.safetensors``: the figures of a model card, measured."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.models.adm import PRESETS
from core.models.checkpoints import load_checkpoint, load_network, rebuild, runtime_device
from core.models.network import NetworkModel
from core.train.accuracy import accuracy_by_level
from core.train.data import TRAINING_DATA
from core.train.judges import Ground, ground_with_test_part, ground_without_test_part, load_judge
from core.train.sheet import draw_samples
from core.train.tasks import TASKS

WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"
CHUNK = 256
SHOWN = ("images_seen", "seconds", "begun_from", "recipe", "history")


@dataclass(frozen=True)
class Report:
    """How samples compare with the data they should look like.

    Attributes
    ----------
    samples : how many were drawn, spread evenly over the classes; DDIM, 50 steps.
    judge : who names their classes. Its features are those of the Frechet distances.
    accuracy : share of samples that it takes for the class they were asked to be.
    accuracy_by_class : the same for each class.
    accuracy_on_data : of images that it was not trained on (of a like judge, where all images are for training).
    nearest : median distance (RMS per pixel) from a sample to the nearest training image.
    nearest_in_data : median distance to it from a test image (from a training image to the nearest other one, where
        there is no test part).
    frechet : Frechet distance between samples and test images (all images, where there is no test part).
    frechet_in_data : the same between as many training images and the test images (two halves of all).
    loss : mean squared error of the predicted noise over images (test images, where there are) and times, without
        dropout.
    """

    samples: int
    judge: str
    accuracy: float
    accuracy_by_class: tuple[float, ...]
    accuracy_on_data: float
    nearest: float
    nearest_in_data: float
    frechet: float
    frechet_in_data: float
    loss: float


@dataclass(frozen=True)
class ClassifierReport:
    """How often a classifier is right.

    Attributes
    ----------
    unseen : how many images it was tested on, all unseen in training.
    accuracy : share of them named rightly, by noise level.
    accuracy_in_training : the same of as many training images.
    cross_entropy : mean over unseen images and evenly spaced times; log(10) = 2.303 is a guess among ten classes.
    """

    unseen: int
    accuracy: dict[str, float]
    accuracy_in_training: dict[str, float]
    cross_entropy: float


def measure(
    name: str,
    model: NetworkModel,
    per_class: int,
    seed: int = 1,
    levels: int = 50,
    source: Path | None = None,
    judge: Path | None = None,
) -> Report:
    """Draw samples of every class and compare them with the set ``name``; ``levels`` times for the loss."""
    wanted = torch.arange(model.classes).repeat(per_class)
    ground = ground_of(name, source, judge, len(wanted), seed)
    samples = _draw(model, wanted, seed)
    right = ground.judge.classes(samples) == wanted.numpy()
    seen = ground.judge.features
    return Report(
        samples=len(samples),
        judge=ground.judge.title,
        accuracy=float(right.mean()),
        accuracy_by_class=tuple(float(right[wanted.numpy() == i].mean()) for i in range(model.classes)),
        accuracy_on_data=ground.accuracy_on_data,
        nearest=float(nearest_distances(samples, ground.known).median()),
        nearest_in_data=float(nearest_distances(ground.fresh, ground.known, ground.skip).median()),
        frechet=frechet_distance(seen(samples), seen(ground.reference)),
        frechet_in_data=frechet_distance(*(seen(part) for part in ground.pair)),
        loss=noise_error(name, model, seed, levels, source),
    )


def ground_of(name: str, source: Path | None, judge: Path | None, samples: int, seed: int) -> Ground:
    """What samples of the set ``name`` are compared with; ``judge`` None for the shipped one, where the set has one."""
    data = TRAINING_DATA[name]
    (images, labels), test = data.parts(source, 0)
    if test is None:
        if judge is not None:
            raise ValueError(f"{data.title}: a support vector machine judges them; name no judge")
        return ground_without_test_part(images, labels, seed)
    trained = load_judge(judge or WEIGHTS / PRESETS[data.presets["judge"]].weights)
    return ground_with_test_part(images, *test, trained, samples, seed)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """``|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))`` of the Gaussians fitted to two sets (N, D).

    Source: Dowson and Landau 1982; Heusel et al. 2017 (arXiv 1706.08500), eq. 6.
    """
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # the eigenvalues of a product of two positive matrices are real and not negative, but for rounding
    roots = np.sqrt(np.clip(np.linalg.eigvals(cov_a @ cov_b).real, 0, None))
    gap = a.mean(0) - b.mean(0)
    return float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * roots.sum())


def nearest_distances(images: Tensor, known: Tensor, skip: int = 0) -> Tensor:
    """RMS distance per pixel from each of ``images`` to the nearest of ``known``, passing over the ``skip`` nearest."""
    points, others = images.flatten(1).double(), known.flatten(1).double()
    rows = [torch.cdist(part, others).kthvalue(skip + 1, dim=1).values for part in points.split(CHUNK)]
    return torch.cat(rows) / points.shape[1] ** 0.5


def noise_error(name: str, model: NetworkModel, seed: int, levels: int, source: Path | None = None) -> float:
    """Mean of ``|eps_hat - eps|^2`` per pixel at ``levels`` evenly spaced times; each image is seen at one of them."""
    training, test = TRAINING_DATA[name].parts(source, 0)
    images, labels = test or training
    generator = torch.Generator().manual_seed(seed)
    schedule, total = model.schedule, 0.0
    for i, t in enumerate(torch.linspace(schedule.t_min, schedule.t_max, levels, dtype=torch.float64)):
        alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
        x0 = images[i::levels]
        eps = torch.randn(x0.shape, generator=generator)
        predicted = model.with_labels(labels[i::levels]).predict(alpha * x0 + sigma * eps, alpha, sigma, "eps")
        total += float((predicted - eps).square().mean())
    return total / levels


@torch.inference_mode()
def measure_classifier(
    name: str, weights: Path, levels: int = 50, seed: int = 1, source: Path | None = None
) -> ClassifierReport:
    """Test a classifier on what it has not seen: the test part, or what its recipe kept from training.

    Raises
    ------
    ValueError
        If nothing was kept.
    """
    net, schedule, about = rebuild(weights, "Classifier")
    task, device = TASKS[about.get("trained_as", "classifier")], next(net.parameters()).device
    net.eval()
    training, unseen = TRAINING_DATA[name].parts(source, about.get("recipe", {}).get("held_out", 0))
    if unseen is None:
        raise ValueError(f"{weights.name} was trained on all there is, so nothing is left to test it on")
    images, labels = unseen
    generator = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(training[0]), generator=generator)[: len(images)]
    wrong = []
    for i, t in enumerate(torch.linspace(schedule.t_min, schedule.t_max, levels, dtype=torch.float64)):
        alpha, sigma, index = (float(value) for value in task.levels(t, schedule))
        x0 = images[i::levels]
        x = (alpha * x0 + sigma * torch.randn(x0.shape, generator=generator)).to(device)
        logits = net(x, torch.full((len(x),), index, device=device)).cpu()
        wrong.append(float(F.cross_entropy(logits, labels[i::levels])))
    return ClassifierReport(
        unseen=len(images),
        accuracy=accuracy_by_level(task, net, schedule, images, labels, seed),
        accuracy_in_training=accuracy_by_level(task, net, schedule, *(part[some] for part in training), seed),
        cross_entropy=sum(wrong) / len(wrong),
    )


def _draw(model: NetworkModel, labels: Tensor, seed: int) -> Tensor:
    return torch.cat([draw_samples(model, part, seed + i) for i, part in enumerate(labels.split(CHUNK))])


def _on_samples(line: argparse.Namespace) -> Report:
    model = load_network(line.weights)
    return measure(line.data, model, line.per_class, line.seed, line.levels, line.source, line.judge)


def _on_images(line: argparse.Namespace) -> ClassifierReport:
    return measure_classifier(line.data, line.weights, line.levels, line.seed, line.source)


REPORTS: dict[Any, Callable[[argparse.Namespace], Report | ClassifierReport]] = {
    "UNet": _on_samples,
    "Classifier": _on_images,
}


def main(line: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m core.train.report", description=__doc__)
    parser.add_argument("data", choices=list(TRAINING_DATA), help="training set")
    parser.add_argument("weights", type=Path, help="weights written by python -m core.train")
    parser.add_argument("--source", type=Path, help="your copy of the data, as for python -m core.train")
    parser.add_argument("--judge", type=Path, help="weights of a judge (default: the one that comes with the app)")
    parser.add_argument("--per-class", type=int, default=100, help="samples of each class (default 100)")
    parser.add_argument("--levels", type=int, default=50, help="times at which the loss is measured (default 50)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(line)
    try:
        for option in ("per_class", "levels"):
            if getattr(arguments, option) < 2:
                raise ValueError(f"--{option.replace('_', '-')} must be at least 2, got {getattr(arguments, option)}")
        about = load_checkpoint(arguments.weights).metadata
        if about.get("network") not in REPORTS:
            raise ValueError(
                f"{arguments.weights.name} does not say what it is; python -m core.train writes files that do"
            )
        report = REPORTS[about["network"]](arguments)
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    training = {key: about[key] for key in SHOWN if key in about}
    sys.stdout.write(json.dumps(asdict(report) | {"device": str(runtime_device())} | training, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
