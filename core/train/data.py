"""What networks are trained on. A new data set is a loader and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from core.registry import Registry
from core.train.cifar import read_cifar10


@dataclass(frozen=True)
class TrainingData:
    """A labelled set of images and the networks for it.

    Attributes
    ----------
    title : name in messages and model cards.
    presets : for each entry of ``core.train.tasks.TASKS`` that it has a network for, the entry of
        ``core.models.adm.PRESETS``.
    flip : whether the mirror image of an example is as good an example.
    load : ``(source, test) -> images (M, C, H, W) float32 in [-1, 1], labels (M,) int64``; ``test`` asks for the
        examples kept apart, which a set without such a part refuses by ``ValueError``.
    file : what the source must be; "" for a set that comes with a library.
    """

    title: str
    presets: dict[str, str]
    flip: bool
    load: Callable[..., tuple[Tensor, Tensor]]
    file: str = ""

    def parts(self, source: Path | None, held_out: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor] | None]:
        """Images and labels to train on, and those to test on: every ``held_out``-th image; for 0 the test part.

        Without ``held_out``, a set that has no test part gives None for it.
        """
        images, labels = self.load(source, False)
        if not held_out:
            return (images, labels), (self.load(source, True) if self.file else None)
        kept = torch.arange(len(images)) % held_out == held_out - 1
        return (images[~kept], labels[~kept]), (images[kept], labels[kept])


def load_digits(source: Path | None = None, test: bool = False) -> tuple[Tensor, Tensor]:
    """scikit-learn's 1797 handwritten digits: (1797, 1, 8, 8) float32 in [-1, 1], grey levels 0 to 16."""
    from sklearn.datasets import load_digits as sklearn_digits

    if source is not None:
        raise ValueError("the digits come with scikit-learn; give no file")
    if test:
        raise ValueError("none of the digits were kept apart for testing")
    digits = sklearn_digits()
    images = torch.from_numpy(digits.images).float()[:, None] / 8 - 1
    return images, torch.from_numpy(digits.target).long()


def _cifar10(side: int) -> Callable[..., tuple[Tensor, Tensor]]:
    def load(source: Path | None = None, test: bool = False) -> tuple[Tensor, Tensor]:
        images, labels = read_cifar10(source, test)
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        return F.avg_pool2d(pixels, 32 // side) if side < 32 else pixels.contiguous(), torch.from_numpy(labels).long()

    return load


CIFAR_FILE = "CIFAR-10: the folder cifar-10-batches-bin of its binary version, or an .npz of JPEG files"

TRAINING_DATA: Registry[TrainingData] = Registry("training set")
TRAINING_DATA.add(
    "digits",
    TrainingData("scikit-learn digits", {"diffusion": "digits", "classifier": "digits-classifier"}, False, load_digits),
)
for _side in (16, 32):
    _name = f"cifar10-{_side}"
    TRAINING_DATA.add(
        _name,
        TrainingData(
            f"CIFAR-10, {_side}x{_side}",
            {"diffusion": _name, "classifier": f"{_name}-classifier", "judge": f"{_name}-judge"},
            True,
            _cifar10(_side),
            CIFAR_FILE,
        ),
    )
