"""Who says what a sample shows, and in which features sets of images are compared."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.models.checkpoints import rebuild

CHUNK = 500


class Judge(Protocol):
    """Names the class of clean images (N, C, H, W) in [-1, 1]; knows nothing of the network that drew them."""

    title: str

    def classes(self, images: Tensor) -> np.ndarray:
        """The class (N,) of each image."""
        ...

    def features(self, images: Tensor) -> np.ndarray:
        """What it sees in each image, (N, D) float64."""
        ...


class VectorMachine:
    """A support vector machine on pixels; they are its features too. For small images, trained when needed."""

    title = "a support vector machine on pixels"

    def __init__(self, images: Tensor, labels: Tensor):
        from sklearn.svm import SVC

        self._machine = SVC().fit(self.features(images), labels.numpy())

    def classes(self, images: Tensor) -> np.ndarray:
        return self._machine.predict(self.features(images))

    def features(self, images: Tensor) -> np.ndarray:
        return images.flatten(1).double().numpy()


class TrainedJudge:
    """The network of ``python -m core.train DATA --network judge``; its features are what its last layer weighs."""

    def __init__(self, net: nn.Module, title: str):
        self.net = net.eval()
        self.title = title

    def classes(self, images: Tensor) -> np.ndarray:
        return self._asked(images).argmax(1)

    def features(self, images: Tensor) -> np.ndarray:
        found: list[Tensor] = []
        last = self.net.out[3]  # after normalisation, SiLU and the mean over positions
        handle = last.register_forward_pre_hook(lambda _, given: found.append(given[0]))
        try:
            self._asked(images)
        finally:
            handle.remove()
        return torch.cat(found).flatten(1).double().cpu().numpy()

    @torch.inference_mode()
    def _asked(self, images: Tensor) -> np.ndarray:
        device = next(self.net.parameters()).device
        parts = (part.float().to(device) for part in images.split(CHUNK))
        return torch.cat([self.net(part, torch.zeros(len(part), device=device)) for part in parts]).cpu().numpy()


def load_judge(path: Path) -> TrainedJudge:
    """The judge in a file.

    Raises
    ------
    ValueError
        If the file holds no network trained to judge clean images.
    """
    net, _, about = rebuild(path, "Classifier")
    if about.get("trained_as") != "judge" or about["arguments"].get("pool") != "adaptive":
        raise ValueError(f"{path.name} holds no judge of clean images; train one with --network judge")
    return TrainedJudge(net, f"a network trained on {about.get('data')}, {images_in_all(about):,} images seen")


def images_in_all(about: dict[str, Any] | None) -> int:
    """Images seen by weights of this description, those of the runs that they were begun from included."""
    return (about.get("images_seen") or 0) + images_in_all(about.get("begun_from")) if about else 0


class Ground(NamedTuple):
    """What samples are compared with, and the same comparison among the data.

    Attributes
    ----------
    judge : trained on all that the network may have seen.
    accuracy_on_data : share of fresh images that it (or one like it) takes for what they are.
    reference : images that samples are compared with.
    pair : two disjoint sets of true images, to compare in the same way.
    known : the training images, among which the nearest is sought.
    fresh : true images to seek the nearest for; where they are among ``known``, each is passed over itself (``skip``).
    """

    judge: Judge
    accuracy_on_data: float
    reference: Tensor
    pair: tuple[Tensor, Tensor]
    known: Tensor
    fresh: Tensor
    skip: int


def ground_without_test_part(images: Tensor, labels: Tensor, seed: int) -> Ground:
    """All images are training images: halves of them are compared, and judged by a machine that saw the other half."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(images)))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    half = VectorMachine(images[first], labels[first])
    return Ground(
        judge=VectorMachine(images, labels),
        accuracy_on_data=float((half.classes(images[second]) == labels[second].numpy()).mean()),
        reference=images,
        pair=(images[first], images[second]),
        known=images,
        fresh=images,
        skip=1,
    )


def ground_with_test_part(
    training: Tensor, test: Tensor, test_labels: Tensor, judge: Judge, samples: int, seed: int
) -> Ground:
    """Samples, and as many training images, are compared with the test images: few images seem farther than many."""
    order = np.random.default_rng(seed).permutation(len(training))[:samples]
    return Ground(
        judge=judge,
        accuracy_on_data=float((judge.classes(test) == test_labels.numpy()).mean()),
        reference=test,
        pair=(training[torch.from_numpy(order)], test),
        known=training,
        fresh=test[:samples],
        skip=0,
    )
