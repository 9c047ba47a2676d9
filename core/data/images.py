"""Image sets that need no download, and trained networks: each is a model that a solver can query."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.data.toy import check_label
from core.language import message
from core.models import BayesClassifier, EmpiricalData, Model
from core.models.guidance import Classifier
from core.noise import generator
from core.registry import Registry

PATCHES = 400  # of each size: one exact prediction for 8 images of 32x32 stays below about 10 ms on one core
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class ImageInfo:
    """A set of images.

    Attributes
    ----------
    name : key in ``IMAGE_DATA``.
    title, description : what menus show.
    shape : (channels, height, width).
    classes : names of the classes; empty if there are none.
    exact : whether the score is exact (a finite data set) or learned (a network).
    build : ``label or None -> Model``.
    trained_on : for a network, the image set that it learned from; empty if that is not at hand.
    needs_label : whether the model has not learned to work without a class.
    knows_classes : whether the model can be asked for one class; if not, only its classifier can tell them apart.
    classifier : makes what tells the classes apart in noise; None where nothing does but Bayes' rule on exact models.
    cite : keys of ``core.references`` of where the images, or the network, come from.
    """

    name: str
    title: str
    description: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    exact: bool
    build: Callable[[int | None], Model]
    trained_on: str = ""
    needs_label: bool = False
    knows_classes: bool = True
    classifier: Callable[[], Classifier] | None = None
    cite: tuple[str, ...] = ()


IMAGE_DATA: Registry[ImageInfo] = Registry("image set")


def make_images(name: str, label: int | None = None) -> Model:
    """The model of image set ``name`` (values in [-1, 1]), of one class or, with None, of all.

    Raises
    ------
    ValueError
        On an unknown name, a class that does not exist or is needed, or a weights file that is missing or corrupt.
    """
    info = IMAGE_DATA[name]
    check_label(name, info.classes, label)
    if label is not None and not info.knows_classes:
        raise ValueError(
            message(
                "the network of {name} knows no classes; choose the guidance of a classifier for one", name=repr(name)
            )
        )
    return info.build(label)


def image_classifier(name: str) -> Classifier:
    """What tells the classes of image set ``name`` apart: exact for exact data, learned for a network.

    Raises
    ------
    ValueError
        If the set has no classes, or its network has no classifier, or the file of that cannot be read.
    """
    info = IMAGE_DATA[name]
    if info.classifier is not None:
        return info.classifier()
    if info.exact and info.classes:
        models = [info.build(label) for label in range(len(info.classes))]
        return BayesClassifier(models, [len(model.points) for model in models])
    known = ", ".join(other for other, one in IMAGE_DATA.items() if one.classifier or (one.exact and one.classes))
    raise ValueError(
        message(
            "nothing tells classes of {name} apart in noise; there is a classifier for: {known}",
            name=repr(name),
            known=known,
        )
    )


def to_display(x: Tensor) -> np.ndarray:
    """Images (N, C, H, W) with values in [-1, 1] as (N, H, W, 3) uint8; values outside are clipped, NaN is mid-grey."""
    pixels = ((x.detach().cpu().double().nan_to_num(nan=0.0).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    if pixels.shape[1] == 1:
        pixels = pixels.expand(-1, 3, -1, -1)
    return pixels.permute(0, 2, 3, 1).contiguous().numpy()


def _digits(label: int | None) -> Model:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 8 - 1
    if label is not None:
        images = images[torch.from_numpy(digits.target) == label]
    return EmpiricalData(images)


def _patches(size: int, label: int | None) -> Model:
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    rng = generator(0, "patches")
    cuts = []
    for i in range(PATCHES):
        photograph = photographs[i % len(photographs)]
        window = 4 * size  # a larger window, averaged down, holds something to recognise
        top, left = (rng.integers(0, side - window + 1) for side in photograph.shape[:2])
        cut = photograph[top : top + window, left : left + window].astype(np.float32)
        cuts.append(cut.reshape(size, 4, size, 4, 3).mean(axis=(1, 3)))
    return EmpiricalData(torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).contiguous() / 127.5 - 1)


def _add(*facts: object, cite: tuple[str, ...]) -> None:
    IMAGE_DATA.add(str(facts[0]), ImageInfo(*facts, cite=cite))


_add(
    "digits",
    "Digits 8×8, exact score",
    "All 1,797 handwritten digits of scikit-learn; the score is exact, so a solver can only end at one of them.",
    (1, 8, 8),
    DIGITS,
    True,
    _digits,
    cite=("alpaydin1998digits", "pedregosa2011sklearn"),
)
_add(
    "patches-16",
    "Colour patches 16×16, exact score",
    f"{PATCHES} patches of two photographs, averaged to 16×16; the score is exact.",
    (3, 16, 16),
    (),
    True,
    lambda label: _patches(16, label),
    cite=("pedregosa2011sklearn",),
)
_add(
    "patches-32",
    "Colour patches 32×32, exact score",
    f"{PATCHES} patches of two photographs, averaged to 32×32; the score is exact.",
    (3, 32, 32),
    (),
    True,
    lambda label: _patches(32, label),
    cite=("pedregosa2011sklearn",),
)
