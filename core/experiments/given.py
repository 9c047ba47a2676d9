"""Which data an experiment is about: a 2-D set, the user's own, or images; with class and guidance."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from core.data import IMAGE_DATA, TOY_DATA
from core.data.drawing import unpack_drawing
from core.data.points import LARGEST, MAX_POINTS
from core.data.toy import check_label
from core.experiments.choices import Frozen, GuidanceChoice
from core.language import Message, mark, message

CUSTOM, DRAWN = "custom", "drawn"
OWN = {CUSTOM: mark("Your own points (CSV)"), DRAWN: mark("Your own drawing")}  # data that only their user has


def known(registry: Any) -> BeforeValidator:
    """A field that must be a key of ``registry``."""

    def check(name: Any) -> Any:
        registry[name]
        return name

    return BeforeValidator(check)


def _check_guidance(name: str, classes: tuple[str, ...], label: int | None, guidance: GuidanceChoice | None) -> None:
    """``ValueError`` unless the class exists and guidance has one to push towards."""
    check_label(name, classes, label)
    if guidance is not None and label is None:
        raise ValueError(
            message("guidance pushes towards a class (label): name one, 0 to {last}", last=len(classes) - 1)
            if classes
            else message("guidance pushes towards a class (label): {name} has none", name=repr(name))
        )


def _check_points(points: tuple[tuple[float, float], ...] | None) -> None:
    if points is None or not 2 <= len(points) <= MAX_POINTS:
        raise ValueError(message("your own data set needs 2 to {most} points", most=MAX_POINTS))
    if any(abs(number) > LARGEST for point in points for number in point):
        raise ValueError(message("coordinates of points must be at most {most:g} in size", most=LARGEST))


class ToyData(Frozen):
    """2-D data with an exact score.

    ``points`` are a user's own, with ``name="custom"``, and so is ``drawing``, with ``name="drawn"``. ``bandwidth`` is
    the width of the Gaussian put on each point of a point-based set (its own default if None). ``label`` picks one
    class of a set that has classes; with ``guidance`` the model is pushed towards it.
    """

    kind: Literal["toy"] = "toy"
    name: str = "ring"
    scale: float = Field(1.0, ge=0.1, le=4.0)
    bandwidth: float | None = Field(None, ge=0.01, le=1.0)
    points: tuple[tuple[float, float], ...] | None = None
    drawing: str | None = None
    label: int | None = Field(None, ge=0)
    guidance: GuidanceChoice | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "ToyData":
        classes = () if self.name in OWN else TOY_DATA[self.name].classes
        _check_guidance(self.name, classes, self.label, self.guidance)
        if self.guidance is not None and dict(self.guidance.options).get("rescale"):
            raise ValueError(
                message("rescale compares the contrast of images, which 2-D points have not; leave it out")
            )
        for name, value in ((CUSTOM, self.points), (DRAWN, self.drawing)):
            if self.name != name and value is not None:
                told = (
                    mark("points belong to the data set {name}, not to {other}")
                    if name == CUSTOM
                    else mark("a drawing belongs to the data set {name}, not to {other}")
                )
                raise ValueError(message(told, name=repr(name), other=repr(self.name)))
        if self.name == CUSTOM:
            _check_points(self.points)
        elif self.name == DRAWN:
            unpack_drawing(self.drawing or "")
        fixed = self.name == DRAWN or (self.name not in OWN and TOY_DATA[self.name].bandwidth is None)
        if fixed and self.bandwidth is not None:
            raise ValueError(
                message("the data set {name} has fixed widths; leave the bandwidth out", name=repr(self.name))
            )
        return self

    @property
    def numbers(self) -> int:
        """How many numbers make one particle."""
        return 2


class ImageData(Frozen):
    """Images; ``label`` picks one class of a set that has classes, None takes all; ``guidance`` pushes towards it."""

    kind: Literal["images"] = "images"
    name: Annotated[str, known(IMAGE_DATA)] = "digits"
    label: int | None = Field(None, ge=0)
    guidance: GuidanceChoice | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "ImageData":
        info = IMAGE_DATA[self.name]
        _check_guidance(self.name, info.classes, self.label, self.guidance)
        if self.label is None and info.needs_label:
            raise ValueError(
                message(
                    "the network of {name} needs a class: label, 0 to {last}",
                    name=repr(self.name),
                    last=len(info.classes) - 1,
                )
            )
        if self.label is not None and self.guidance is None and not info.knows_classes:
            raise ValueError(
                message(
                    "the network of {name} knows no classes; a label needs the guidance of a classifier",
                    name=repr(self.name),
                )
            )
        return self

    @property
    def numbers(self) -> int:
        """How many numbers make one image."""
        return math.prod(IMAGE_DATA[self.name].shape)


Data = Annotated[ToyData | ImageData, Field(discriminator="kind")]


def kind_of(data: Data) -> Message:
    """The kind of these data, within a sentence."""
    return message("toy") if data.kind == "toy" else message("images")


def classes_of(data: Data) -> tuple[str, ...]:
    """Names of the classes of these data; empty if there are none."""
    if data.name in OWN:
        return ()
    return (TOY_DATA if data.kind == "toy" else IMAGE_DATA)[data.name].classes


def is_exact(data: Data) -> bool:
    """Whether the score of these data is exact (else it is learned)."""
    return data.kind == "toy" or IMAGE_DATA[data.name].exact


def has_law(data: Data) -> bool:
    """Whether the density of these data is known: the score is exact, and nothing guides it."""
    return is_exact(data) and data.guidance is None


def check_unguided(data: Data) -> None:
    """``ValueError`` if a model is guided where the law of its samples or the cost of a step must be known."""
    if data.guidance is not None:
        raise ValueError(
            message("guided models cannot be served here: their law, or what a step costs, is not known beforehand")
        )
