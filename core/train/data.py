"""What networks are trained on. A new data set is a loader and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.registry import Registry


@dataclass(frozen=True)
class TrainingData:
    """A labelled set of images and the network for it.

    Attributes
    ----------
    title : name in messages and model cards.
    preset : entry of ``core.models.adm.PRESETS`` that is trained on it.
    flip : whether the mirror image of an example is as good an example.
    load : returns images (M, C, H, W) float32 in [-1, 1] and labels (M,) int64.
    """

    title: str
    preset: str
    flip: bool
    load: Callable[[], tuple[Tensor, Tensor]]


def load_digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's 1797 handwritten digits: (1797, 1, 8, 8) float32 in [-1, 1], grey levels 0 to 16."""
    from sklearn.datasets import load_digits as sklearn_digits

    digits = sklearn_digits()
    images = torch.from_numpy(digits.images).float()[:, None] / 8 - 1
    return images, torch.from_numpy(digits.target).long()


TRAINING_DATA: Registry[TrainingData] = Registry("training set")
TRAINING_DATA.add("digits", TrainingData("scikit-learn digits", "digits", False, load_digits))
