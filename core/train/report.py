"""``python -m core.train.report digits assets/weights/digits.safetensors``: the figures of a model card, measured."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.models.checkpoints import load_checkpoint, load_network, runtime_device
from core.models.network import NetworkModel
from core.train.data import TRAINING_DATA
from core.train.sheet import draw_samples

CHUNK = 256


@dataclass(frozen=True)
class Report:
    """How samples compare with the data they should look like.

    Attributes
    ----------
    samples : how many were drawn, spread evenly over the classes; DDIM, 50 steps.
    accuracy : share of samples that a classifier trained on the data takes for the class they were asked to be.
    accuracy_by_class : the same for each class.
    accuracy_on_data : of a like classifier on the half of the data it was not trained on.
    nearest : median distance (RMS per pixel) from a sample to the nearest training image.
    nearest_in_data : median distance from a training image to the nearest other one.
    frechet : Frechet distance in pixels between samples and data.
    frechet_in_data : the same between two random halves of the data.
    loss : mean squared error of the predicted noise over data and times, without dropout.
    """

    samples: int
    accuracy: float
    accuracy_by_class: tuple[float, ...]
    accuracy_on_data: float
    nearest: float
    nearest_in_data: float
    frechet: float
    frechet_in_data: float
    loss: float


def measure(name: str, model: NetworkModel, per_class: int, seed: int = 1, levels: int = 50) -> Report:
    """Draw samples of every class and compare them with the training set ``name``; ``levels`` times for the loss."""
    from sklearn.svm import SVC

    data, labels = (part.numpy() for part in TRAINING_DATA[name].load())
    data = data.reshape(len(data), -1).astype(np.float64)
    wanted = torch.arange(model.classes).repeat(per_class)
    samples = _draw(model, wanted, seed).flatten(1).double().numpy()

    order = np.random.default_rng(seed).permutation(len(data))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    on_data = SVC().fit(data[first], labels[first]).score(data[second], labels[second])
    right = SVC().fit(data, labels).predict(samples) == wanted.numpy()
    return Report(
        samples=len(samples),
        accuracy=float(right.mean()),
        accuracy_by_class=tuple(float(right[wanted.numpy() == i].mean()) for i in range(model.classes)),
        accuracy_on_data=float(on_data),
        nearest=float(np.median(_nearest(samples, data, 0))),
        nearest_in_data=float(np.median(_nearest(data, data, 1))),
        frechet=frechet_distance(samples, data),
        frechet_in_data=frechet_distance(data[first], data[second]),
        loss=noise_error(name, model, seed, levels),
    )


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """``|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))`` of the Gaussians fitted to two sets (N, D).

    Source: Dowson and Landau 1982; Heusel et al. 2017 (arXiv 1706.08500), eq. 6.
    """
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # the eigenvalues of a product of two positive matrices are real and not negative, but for rounding
    roots = np.sqrt(np.clip(np.linalg.eigvals(cov_a @ cov_b).real, 0, None))
    gap = a.mean(0) - b.mean(0)
    return float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * roots.sum())


def noise_error(name: str, model: NetworkModel, seed: int, levels: int) -> float:
    """Mean of ``|eps_hat - eps|^2`` per pixel at ``levels`` evenly spaced times; each image is seen at one of them."""
    images, labels = TRAINING_DATA[name].load()
    generator = torch.Generator().manual_seed(seed)
    schedule, total = model.schedule, 0.0
    for i, t in enumerate(torch.linspace(schedule.t_min, schedule.t_max, levels, dtype=torch.float64)):
        alpha, sigma = float(schedule.alpha(t)), float(schedule.sigma(t))
        x0 = images[i::levels]
        eps = torch.randn(x0.shape, generator=generator)
        predicted = model.with_labels(labels[i::levels]).predict(alpha * x0 + sigma * eps, alpha, sigma, "eps")
        total += float((predicted - eps).square().mean())
    return total / levels


def _draw(model: NetworkModel, labels: Tensor, seed: int) -> Tensor:
    return torch.cat([draw_samples(model, part, seed + i) for i, part in enumerate(labels.split(CHUNK))])


def _nearest(points: np.ndarray, data: np.ndarray, skip: int) -> np.ndarray:
    """RMS distance per pixel to the nearest of ``data``, leaving out the ``skip`` nearest (a point itself)."""
    from scipy.spatial import KDTree

    distance, _ = KDTree(data).query(points, k=[skip + 1])
    return distance[:, 0] / points.shape[1] ** 0.5


def main(line: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m core.train.report", description=__doc__)
    parser.add_argument("data", choices=list(TRAINING_DATA), help="training set")
    parser.add_argument("weights", type=Path, help="weights written by python -m core.train")
    parser.add_argument("--per-class", type=int, default=100, help="samples of each class (default 100)")
    parser.add_argument("--levels", type=int, default=50, help="times at which the loss is measured (default 50)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(line)
    try:
        for option in ("per_class", "levels"):
            if getattr(arguments, option) < 2:
                raise ValueError(f"--{option.replace('_', '-')} must be at least 2, got {getattr(arguments, option)}")
        about = load_checkpoint(arguments.weights).metadata
        model = load_network(arguments.weights)
        report = measure(arguments.data, model, arguments.per_class, arguments.seed, arguments.levels)
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    training = {key: about.get(key) for key in ("images_seen", "seconds")}
    sys.stdout.write(json.dumps(training | asdict(report) | {"device": str(runtime_device())}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
