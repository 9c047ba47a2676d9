"""2-D data with exact scores: every set is a Gaussian mixture, centred, with unit mean variance at scale 1."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from core.data import shapes
from core.language import mark, message
from core.models import BayesClassifier, GaussianMixture
from core.registry import Registry

SCALES = (0.1, 4.0)
BANDWIDTHS = (0.01, 1.0)


@dataclass(frozen=True)
class ToyInfo:
    """A 2-D data set.

    Attributes
    ----------
    name : key in ``TOY_DATA``.
    title, description : what menus show.
    bandwidth : default standard deviation of the Gaussian on each point, relative to a set of unit variance; None for
        a set whose widths are part of its definition.
    build : ``bandwidth -> GaussianMixture`` at scale 1.
    classes : names of the classes; empty if there are none.
    turns : whether components belong to the classes in turn; else each class has a run of them.
    """

    name: str
    title: str
    description: str
    bandwidth: float | None
    build: Callable[[float], GaussianMixture]
    classes: tuple[str, ...] = ()
    turns: bool = False

    def labels(self, components: int) -> torch.Tensor:
        """The class of each component, (K,)."""
        index = torch.arange(components)
        return index % len(self.classes) if self.turns else index * len(self.classes) // components


TOY_DATA: Registry[ToyInfo] = Registry("2-D data set")


def make_toy(
    name: str, *, scale: float = 1.0, bandwidth: float | None = None, label: int | None = None
) -> GaussianMixture:
    """The data set ``name`` as a mixture; ``scale`` multiplies places and widths alike.

    ``label`` takes one class alone, where it lies in the whole; None takes all.

    Raises
    ------
    ValueError
        On an unknown name, a scale or bandwidth out of range, a bandwidth for a set that has none, or a class that
        does not exist.
    """
    info = TOY_DATA[name]
    check_label(name, info.classes, label)
    check_range(mark("scale"), scale, SCALES, mark("data far from unit size leave the range of the noise schedules"))
    if bandwidth is not None and info.bandwidth is None:
        raise ValueError(message("the data set {name} has fixed widths; leave the bandwidth out", name=repr(name)))
    mixture = info.build(bandwidth_of(info, bandwidth))
    if label is not None:
        mixture = mixture.part(info.labels(len(mixture.weights)) == label)
    return rescaled(mixture, scale)


def toy_classifier(name: str, *, scale: float = 1.0, bandwidth: float | None = None) -> BayesClassifier:
    """The exact classifier of a set with classes; arguments and errors as of :func:`make_toy`.

    Raises
    ------
    ValueError
        If the set has no classes.
    """
    classes = TOY_DATA[name].classes
    if not classes:
        with_classes = ", ".join(other for other, info in TOY_DATA.items() if info.classes)
        raise ValueError(
            message(
                "the data set {name} has no classes to tell apart; those with classes: {with_classes}",
                name=repr(name),
                with_classes=with_classes,
            )
        )
    whole = make_toy(name, bandwidth=bandwidth)
    labels = TOY_DATA[name].labels(len(whole.weights))
    shares = [float(whole.weights[labels == label].sum()) for label in range(len(classes))]
    models = [make_toy(name, scale=scale, bandwidth=bandwidth, label=label) for label in range(len(classes))]
    return BayesClassifier(models, shares)


def check_label(name: str, classes: tuple[str, ...], label: int | None) -> None:
    """``ValueError`` unless ``label`` is None or a class of the set ``name``."""
    if label is not None and not (isinstance(label, int) and 0 <= label < len(classes)):
        allowed = (
            message("0 to {last}", last=len(classes) - 1) if classes else message("none (this set has no classes)")
        )
        raise ValueError(
            message(
                "class {label} of {name} does not exist; allowed: {allowed}",
                label=label,
                name=repr(name),
                allowed=allowed,
            )
        )


def bandwidth_of(info: ToyInfo, bandwidth: float | None) -> float:
    """The bandwidth in force: the given one, checked, or the data set's own (0 where it has none)."""
    if bandwidth is None:
        return info.bandwidth or 0.0
    check_range(
        mark("bandwidth"), bandwidth, BANDWIDTHS, mark("narrower points are invisible, wider ones hide the data")
    )
    return bandwidth


def check_range(what: str, value: float, limits: tuple[float, float], why: str) -> None:
    """``ValueError`` with the limits and their reason unless ``value`` lies within them."""
    low, high = limits
    if not low <= value <= high:
        raise ValueError(
            message(
                "the {what} must lie between {low:g} and {high:g} ({why}), got {value}",
                what=message(what),
                low=low,
                high=high,
                why=message(why),
                value=value,
            )
        )


def mixture_at(points: np.ndarray, bandwidth: float) -> GaussianMixture:
    """Equal Gaussians of width ``bandwidth`` on points that are centred and scaled to unit mean variance in all."""
    points = np.asarray(points, dtype=float)
    centred = points - points.mean(axis=0)
    spread = np.sqrt(centred.var(axis=0).mean())
    # the widths add bandwidth^2 to the variance; the places supply the rest
    places = centred * (np.sqrt(max(1 - bandwidth**2, 1e-4)) / (spread or 1.0))
    return GaussianMixture(torch.from_numpy(places), bandwidth)


def rescaled(mixture: GaussianMixture, scale: float) -> GaussianMixture:
    """The same mixture with places and widths multiplied by ``scale``."""
    if mixture.axes is None:
        return GaussianMixture(mixture.means * scale, mixture.variances[:, 0].sqrt() * scale, mixture.weights)
    return GaussianMixture(mixture.means * scale, weights=mixture.weights, covariances=mixture.covariances * scale**2)


def _gaussian(_: float) -> GaussianMixture:
    # standard deviations 1.3 and 0.56 along axes turned by 30 degrees: unit mean variance
    angle, variances = np.pi / 6, np.diag([1.69, 0.31])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = torch.from_numpy(turn @ variances @ turn.T)
    return GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), covariances=((covariance + covariance.T) / 2)[None])


def _add(
    name: str, title: str, description: str, bandwidth: float, points: Callable[[], np.ndarray], **more: Any
) -> None:
    build = partial(_from_shape, points)
    TOY_DATA.add(name, ToyInfo(name, title, description, bandwidth, build, **more))


def _from_shape(points: Callable[[], np.ndarray], bandwidth: float) -> GaussianMixture:
    return mixture_at(points(), bandwidth)


_TWO = ("first", "second")
_add("ring", "Ring of Gaussians", "Eight narrow clouds on a circle.", 0.12, shapes.ring, classes=tuple("12345678"))
_add("grid", "Grid of Gaussians", "Twenty-five narrow clouds on a square lattice.", 0.1, shapes.grid)
TOY_DATA.add(
    "gaussian",
    ToyInfo("gaussian", "One Gaussian", "One elongated cloud: every path is known in closed form.", None, _gaussian),
)
_add("moons", "Two moons", "Two half circles that reach into each other.", 0.1, shapes.moons, classes=_TWO)
_add("spirals", "Two spirals", "Two arms that wind around each other.", 0.07, shapes.spirals, classes=_TWO)
_add("swiss-roll", "Swiss roll", "One long spiral band.", 0.07, shapes.swiss_roll)
_add("checkerboard", "Checkerboard", "The dark squares of a board.", 0.1, shapes.checkerboard)
_add("pinwheel", "Pinwheel", "Five bent arms.", 0.08, shapes.pinwheel, classes=tuple("12345"), turns=True)
_add("circles", "Circles", "A circle inside another.", 0.07, shapes.circles, classes=("outer", "inner"))
_add("letter-s", "Letter S", "A letter drawn with a soft pen.", 0.12, shapes.letter_s)
_add("face", "Face", "A smiling face.", 0.06, shapes.face)
