"""A score that is wrong on purpose, beside the exact one: what an experiment on noise compares."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from core.analysis.distances import DISTANCES
from core.data import TOY_DATA, make_images
from core.experiments.build import is_exact
from core.experiments.specification import OWN, Timed
from core.language import mark, message
from core.models.perturbed import PerturbedModel
from core.models.plane import shipped_plane
from core.problem import Problem

ERRORS = {
    "none": mark("Exact score only"),
    "field": mark("Random error"),
    "eager": mark("Removes too much noise"),
    "learned": mark("Trained network"),
}
NETWORKS = {"digits": "unet-digits"}  # images with an exact score, and the network trained on them
NEED_DENSITY = ("modes", "nll")  # distances that ask a mixture for its weights or its density


def check_distance(spec: Any) -> None:
    """``ValueError`` unless the distance of ``spec`` can be measured on its data and particles."""
    DISTANCES[spec.distance]  # says which there are
    if spec.data.kind == "images" and spec.distance in NEED_DENSITY:
        others = ", ".join(name for name in DISTANCES if name not in NEED_DENSITY)
        raise ValueError(
            message(
                "images have no density for the distance {distance}; choose one of {others}",
                distance=repr(spec.distance),
                others=others,
            )
        )
    if spec.particles < 10:
        raise ValueError(message("a distance needs at least 10 particles, got {particles}", particles=spec.particles))


class WithScoreError(Timed):
    """An experiment on samples under the exact score and, unless ``error`` is "none", under a wrong one."""

    error: Literal["none", "field", "eager", "learned"] = Field(
        "field",
        description="the wrong score: a random field, a constant share too much noise removed, a trained network "
        "(2-D sets as they come, digits), or none",
    )
    size: float = Field(0.3, ge=0.0, le=2.0, description="RMS error of v, of data of size 1; not for a trained network")
    where: Literal["everywhere", "noise", "data"] = Field(
        "noise", description="noise levels at which the score is wrong: everywhere, among the noise, among the data"
    )
    distance: str = Field("sliced-wasserstein", description=f"distance to the data: {', '.join(DISTANCES)}")

    most_particles: ClassVar[int] = 3000
    learned: ClassVar[bool] = False
    guided: ClassVar[bool] = False
    image_particles: ClassVar[int] = 16

    @model_validator(mode="after")
    def _distances(self) -> "WithScoreError":
        if not is_exact(self.data):
            raise ValueError(
                message(
                    "the exact samples that a distance needs are unknown for the learned model of {name}; choose "
                    "data with an exact score",
                    name=repr(self.data.name),
                )
            )
        check_distance(self)
        if self.error == "learned":
            self._trained()
        return self

    def _trained(self) -> None:
        if self.data.kind == "images":
            if self.data.name not in NETWORKS:
                raise ValueError(
                    message(
                        "no network was trained on {name}; there is one for {names}",
                        name=repr(self.data.name),
                        names=", ".join(NETWORKS),
                    )
                )
            return
        plain = self.data.name not in OWN and self.data.scale == 1.0
        if not plain or self.data.bandwidth not in (None, TOY_DATA[self.data.name].bandwidth):
            raise ValueError(
                message("the small networks were trained on the 2-D sets as they come; choose another error")
            )


def wrong_problem(spec: WithScoreError, exact: Problem) -> Problem | None:
    """The problem with the wrong score; None if the exact one is asked for alone."""
    if spec.error == "none":
        return None
    if spec.error == "learned":
        images = spec.data.kind == "images"
        model = make_images(NETWORKS[spec.data.name], spec.data.label) if images else shipped_plane(spec.data.name)
        return Problem(model, exact.schedule)
    return Problem(PerturbedModel(exact.model, spec.size, spec.error, spec.where), exact.schedule)


def wrong_text(spec: WithScoreError) -> str:
    """The entries of a dict of problems, as code: the exact one and the wrong one."""
    if spec.error == "none":
        return 'problems = {"exact": problem}'
    if spec.error == "learned" and spec.data.kind == "images":
        label = "" if spec.data.label is None else f", label={spec.data.label}"
        wrong = f'make_images("{NETWORKS[spec.data.name]}"{label})'
    elif spec.error == "learned":
        wrong = f'shipped_plane("{spec.data.name}")'
    else:
        wrong = f'PerturbedModel(model, {spec.size!r}, "{spec.error}", "{spec.where}")'
    return f'problems = {{"exact": problem, "wrong": Problem({wrong}, problem.schedule)}}'


_SAID = {
    ("field", "everywhere"): mark("random error of {size:g}"),
    ("field", "noise"): mark("random error of {size:g} among the noise"),
    ("field", "data"): mark("random error of {size:g} among the data"),
    ("eager", "everywhere"): mark("too eager of {size:g}"),
    ("eager", "noise"): mark("too eager of {size:g} among the noise"),
    ("eager", "data"): mark("too eager of {size:g} among the data"),
}


def said(spec: WithScoreError) -> str:
    """The wrong score in a few words, for legends."""
    if spec.error == "learned":
        return message("the trained UNet" if spec.data.kind == "images" else "small trained network")
    return message(_SAID[spec.error, spec.where], size=spec.size)
