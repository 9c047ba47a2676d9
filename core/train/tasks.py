"""What a network is trained to say. A new task is an entry here; the trainer is one for all."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.adm import Preset
from core.registry import Registry
from core.schedules import Schedule
from core.train.recipe import Recipe


class Batch(NamedTuple):
    """What a step of training draws.

    Noisy images (N, C, H, W), their time indices (N,), labels (N,), the noise in them, and its weight (N, 1, 1, 1) in
    a loss of noise.
    """

    images: Tensor
    index: Tensor
    labels: Tensor
    eps: Tensor
    weight: Tensor


class Task(Protocol):
    """What a network is told of a batch, and how wrong its answer is.

    Attributes
    ----------
    makes_images : whether the trained network draws images, so that its progress can be looked at.
    """

    makes_images: bool

    def labels(self, labels: Tensor, preset: Preset, recipe: Recipe, draw: torch.Generator) -> Tensor:
        """The labels (N,) that a batch carries."""
        ...

    def levels(self, t: Tensor, schedule: Schedule) -> tuple[Tensor, Tensor, Tensor]:
        """``alpha`` and ``sigma`` of the images at times ``t`` (N,), and the time index that the network is told."""
        ...

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """One number, in float32."""
        ...


class PredictNoise:
    """The noise in an image, its label given or dropped.

    Loss: mean of ``w_t |eps_theta(x_t, 1000 t - 1, y) - eps|^2`` with ``w_t = (sigma_t / alpha_t)^emphasis + floor``.

    Source: Ho et al. 2020 (arXiv 2006.11239), algorithm 1; Ho and Salimans 2022 (arXiv 2207.12598), algorithm 1, for
    the dropped labels.
    """

    makes_images = True

    def labels(self, labels: Tensor, preset: Preset, recipe: Recipe, draw: torch.Generator) -> Tensor:
        dropped = torch.rand(len(labels), generator=draw) < recipe.label_dropout
        return torch.where(dropped, preset.null_label, labels)

    def levels(self, t: Tensor, schedule: Schedule) -> tuple[Tensor, Tensor, Tensor]:
        return schedule.alpha(t), schedule.sigma(t), 1000 * t - 1

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        predicted = net(batch.images, batch.index, y=batch.labels)
        return ((predicted.float() - batch.eps).square() * batch.weight).mean()


@dataclass(frozen=True)
class NameTheClass:
    """The class of an image, by cross-entropy: over all noise levels, or of ``clean`` images only (time index 0).

    Source: Dhariwal and Nichol 2021 (arXiv 2105.05233), section 4 and appendix H.
    """

    clean: bool
    makes_images = False

    def labels(self, labels: Tensor, preset: Preset, recipe: Recipe, draw: torch.Generator) -> Tensor:
        return labels

    def levels(self, t: Tensor, schedule: Schedule) -> tuple[Tensor, Tensor, Tensor]:
        if self.clean:
            return torch.ones_like(t), torch.zeros_like(t), torch.zeros_like(t)
        return schedule.alpha(t), schedule.sigma(t), 1000 * t - 1

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(net(batch.images, batch.index).float(), batch.labels)


TASKS: Registry[Task] = Registry("network to train")
TASKS.add("diffusion", PredictNoise())
TASKS.add("classifier", NameTheClass(clean=False))
TASKS.add("judge", NameTheClass(clean=True))
