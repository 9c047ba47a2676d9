"""The demonstrations that people learn DPM-Solver from, setting by setting, on whatever network is at hand."""

from collections.abc import Callable
from dataclasses import dataclass

from core.data import IMAGE_DATA, ImageInfo
from core.experiments.choices import GridChoice, GuidanceChoice, SolverChoice
from core.experiments.specification import ImageData, TrajectoriesSpec
from core.language import message
from core.registry import Registry

SHARED = {
    "schedule": "ddpm-linear",  # 1000 linear betas, from t = 1 down to 1/1000
    "grid": GridChoice(name="uniform-lambda"),
    "steps": 20,
    "particles": 4,
}


@dataclass(frozen=True)
class Demo:
    """One demonstration.

    Attributes
    ----------
    title, description : on the button and beside it.
    networks : names of image sets, the best known one first; the last comes with the app.
    fits : whether an image set can serve it.
    build : ``name of an image set -> specification``.
    """

    title: str
    description: str
    networks: tuple[str, ...]
    fits: Callable[[ImageInfo], bool]
    build: Callable[[str], TrajectoriesSpec]

    def spec(self, name: str | None = None) -> TrajectoriesSpec:
        """Its settings on the image set ``name``, or on the first of ``networks`` that is there.

        Raises
        ------
        ValueError
            If the set cannot serve it, with those that can.
        """
        able = [one for one, info in IMAGE_DATA.items() if self.fits(info)]
        if name is None:
            name = next(one for one in (*self.networks, *able) if one in able)
        if name not in able:
            raise ValueError(
                message(
                    "{name} cannot serve this demonstration; choose one of: {names}",
                    name=repr(name),
                    names=", ".join(able),
                )
            )
        return self.build(name)


def _pair(name: str) -> tuple[SolverChoice, ...]:
    """The update as its authors' code has it, and the one that keeps order 3."""
    return SolverChoice(name=f"{name}-as-published"), SolverChoice(name=name)


def _unconditional(name: str) -> TrajectoriesSpec:
    return TrajectoriesSpec(data=ImageData(name=name), solvers=_pair("dpm-3m"), **SHARED)


def _guided(name: str) -> TrajectoriesSpec:
    on = "conditional" if IMAGE_DATA[name].needs_label else "unconditional"
    options = (("scale", 4.0), ("temperature", 1.0), ("on", on))
    data = ImageData(name=name, label=0, guidance=GuidanceChoice(name="classifier", options=options))
    return TrajectoriesSpec(data=data, solvers=_pair("dpmpp-3m"), **SHARED)


DEMOS: Registry[Demo] = Registry("demonstration")
DEMOS.add(
    "unconditional",
    Demo(
        "DPM-Solver demo, unconditional",
        "Multistep DPM-Solver of order 3, 20 steps even in λ, a network that predicts ε, 1000 linear betas.",
        ("ddpm-cifar10-32", "imagenet-256-uncond", "unet-cifar10-32", "unet-cifar10-16", "unet-digits"),
        lambda info: not info.exact and not info.needs_label,
        _unconditional,
    ),
)
DEMOS.add(
    "classifier-guided",
    Demo(
        "DPM-Solver++ demo, classifier-guided",
        "Multistep DPM-Solver++ of order 3, 20 steps even in λ, towards a class by the gradient of a classifier of "
        "noisy images, with a scale and a temperature τ on its logits.",
        ("imagenet-256-uncond", "imagenet-256", "unet-cifar10-32", "unet-cifar10-16", "unet-digits"),
        lambda info: not info.exact and info.classifier is not None,
        _guided,
    ),
)
