"""What the scale of guidance does: to the samples, and to the error of every solver at one step count."""

import time
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, model_validator
from torch import Tensor

from core.analysis import median_error, rms_error
from core.data import IMAGE_DATA, TOY_DATA, image_classifier, make_toy, toy_classifier
from core.experiments.build import (
    NETWORK_REFERENCE,
    Report,
    Stop,
    build_problem,
    device_line,
    grid_of,
    is_exact,
    never,
    part,
    silent,
    starting_noise,
)
from core.experiments.end_errors import FixedStep
from core.experiments.given import kind_of
from core.experiments.kept import Kept
from core.experiments.specification import Data, Distinct, GuidanceChoice, SolverChoice, Timed, ToyData, classes_of
from core.grids import refine
from core.language import mark, message
from core.solve import Cancelled, Run, solve

TOLERANCE = 1e-6  # of the reference, one for each scale: errors of solvers at these step counts are far above
ROUGH = 1e-4  # with a rough classifier
NETWORK_STEPS = 60  # of the reference through a network
JUDGED_AT = 0.3  # sigma / alpha at which classes of images are told apart, at least: data without width have no density
BACKDROP = 600
MOST_STEPS = {"toy": 200, "images": 50}


class GuidanceSpec(Timed):
    """One class, one kind of guidance, several scales, several solvers at one step count."""

    kind: Literal["guidance"] = "guidance"
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        tuple(SolverChoice(name=name) for name in ("ddim", "dpm-2m", "dpmpp-2m", "stsp")),
        min_length=1,
        max_length=5,
        description="up to 5 solvers that draw no noise",
    )
    scales: tuple[float, ...] = Field(
        (0.0, 1.0, 2.0, 4.0, 8.0), min_length=2, max_length=8, description="rising scales of guidance, 2 to 8 of them"
    )
    steps: int = Field(12, description="intervals of the time grid, 1 to 200 (images: to 50)")

    classed: ClassVar[bool] = True

    @model_validator(mode="after")
    def _classes(self) -> "GuidanceSpec":
        self.check_classes()
        if not 1 <= self.steps <= MOST_STEPS[self.data.kind]:
            most = MOST_STEPS[self.data.kind]
            raise ValueError(
                message(
                    "steps for {kind} data go from 1 to {most} here, got {steps}",
                    kind=kind_of(self.data),
                    most=most,
                    steps=self.steps,
                )
            )
        if list(self.scales) != sorted(set(self.scales)) or self.scales[0] < 0 or self.scales[-1] > 100:
            raise ValueError(
                message("scales must rise, from 0 to 100; got {names}", names=", ".join(f"{s:g}" for s in self.scales))
            )
        self._check_grid(self.steps)
        self._check_recorded(len(self.scales) * (len(self.solvers) + 1), 1, mark("scales or solvers"))
        return self

    def check_classes(self) -> None:
        """``ValueError`` if the data have no classes, with those that have."""
        if not classes_of(self.data):
            known = [name for table in (TOY_DATA, IMAGE_DATA) for name, info in table.items() if info.classes]
            raise ValueError(
                message(
                    "{name} has no classes to be guided to; those with classes: {names}",
                    name=repr(self.data.name),
                    names=", ".join(known),
                )
            )

    @property
    def aim(self) -> Data:
        """The data with a class and a guidance: the first class and classifier-free guidance where none is named."""
        label = 0 if self.data.label is None else self.data.label
        return type(self.data)(
            **{name: getattr(self.data, name) for name in type(self.data).model_fields}
            | {"label": label, "guidance": self.data.guidance or GuidanceChoice(name="classifier-free")}
        )

    def at(self, scale: float) -> Data:
        """The data guided by ``scale``."""
        aim = self.aim
        options = dict(aim.guidance.options) | {"scale": scale}
        return aim.model_copy(
            update={"guidance": GuidanceChoice(name=aim.guidance.name, options=tuple(options.items()))}
        )

    @property
    def class_name(self) -> str:
        """Name of the class that is aimed at."""
        return classes_of(self.data)[self.aim.label]


@dataclass(frozen=True)
class AtScale:
    """What one scale gives.

    Attributes
    ----------
    ends : (N, *shape), ends of the reference.
    sure : mean probability that the judge gives to the class; NaN where there is no judge.
    spread : standard deviation of the ends, RMS over their numbers.
    rms, median, nfe : by solver: error against the reference (NaN where it diverged), counted evaluations.
    solver_ends : (K, N, *shape) of the solvers.
    message : why the reference broke off; empty if it did not.
    """

    scale: float
    ends: np.ndarray
    sure: float
    spread: float
    rms: np.ndarray
    median: np.ndarray
    nfe: np.ndarray
    solver_ends: np.ndarray
    message: str


@dataclass(frozen=True)
class GuidanceResult:
    """All scales, and where the data are (2-D only): ``data`` of the class and ``others`` of the rest."""

    spec: GuidanceSpec
    scales: tuple[AtScale, ...]
    judge: str
    data: np.ndarray | None
    others: np.ndarray | None
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def errors(self, solver: int, measure: str = "rms") -> np.ndarray:
        """Error of one solver at each scale."""
        return np.array([getattr(one, measure)[solver] for one in self.scales])

    def summary(self) -> pd.DataFrame:
        """One row a scale."""
        rows = []
        for one in self.scales:
            row = {"scale": one.scale, "probability_of_class": one.sure, "spread": one.spread}
            rows.append(row | {f"rms {c.label}": e for c, e in zip(self.spec.solvers, one.rms, strict=True)})
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a scale and solver."""
        return pd.DataFrame(
            [
                {
                    "scale": one.scale,
                    "solver": choice.label,
                    "steps": self.spec.steps,
                    "nfe": one.nfe[k],
                    "rms_error": one.rms[k],
                    "median_error": one.median[k],
                    "probability_of_class": one.sure,
                    "spread": one.spread,
                }
                for one in self.scales
                for k, choice in enumerate(self.spec.solvers)
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Ends by scale, for NPZ."""
        arrays = {"scales": np.array([one.scale for one in self.scales])}
        for one in self.scales:
            arrays[f"reference_{one.scale:g}"] = one.ends
            arrays |= {f"{c}_{one.scale:g}": e for c, e in zip(self.spec.solvers, one.solver_ends, strict=True)}
        return arrays


_references: Kept[tuple[Tensor, str]] = Kept(30_000_000)


def run_guidance(spec: GuidanceSpec, report: Report = silent, stop: Stop = never) -> GuidanceResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    said, judge = _judge(spec)
    share = 1 / len(spec.scales)
    scales = tuple(
        _at(spec, scale, judge, part(report, place * share, share), stop) for place, scale in enumerate(spec.scales)
    )
    toy = isinstance(spec.data, ToyData)
    return GuidanceResult(
        spec=spec,
        scales=scales,
        judge=said,
        data=_drawn(spec, True) if toy else None,
        others=_drawn(spec, False) if toy else None,
        seconds=time.perf_counter() - began,
        notes=_notes(spec, scales, said),
    )


def _judge(spec: GuidanceSpec) -> tuple[str, Any]:
    """What tells the classes of end points apart, in words and as a classifier; None where there is nothing."""
    data = spec.data
    if isinstance(data, ToyData):
        return message("the exact classifier"), toy_classifier(data.name, scale=data.scale, bandwidth=data.bandwidth)
    info = IMAGE_DATA[data.name]
    source = data.name if info.exact else info.trained_on
    if source:
        return message("the exact classifier of the data"), image_classifier(source)
    if info.classifier is not None:
        return message("the classifier of noisy images"), info.classifier()
    return "", None


def _drawn(spec: GuidanceSpec, of_class: bool) -> np.ndarray:
    """Exact samples of the class, or of all other classes."""
    data, label = spec.data, spec.aim.label
    labels = [label] if of_class else [k for k in range(len(TOY_DATA[data.name].classes)) if k != label]
    each = -(-BACKDROP // len(labels))
    models = [make_toy(data.name, scale=data.scale, bandwidth=data.bandwidth, label=k) for k in labels]
    return torch.cat([model.sample(each, spec.seed) for model in models]).numpy()


def reference_of(spec: GuidanceSpec) -> tuple[str, int, dict]:
    """Solver, least steps in the grid of the reference, and options."""
    if is_exact(spec.data):
        tolerance = ROUGH if dict(spec.aim.guidance.options).get("roughness") else TOLERANCE
        return "reference", 1, {"rtol": tolerance, "atol": tolerance}
    return NETWORK_REFERENCE[0], NETWORK_STEPS, {"start": "single-step"}


def judged_level(end: tuple[float, float]) -> tuple[float, float]:
    """``(alpha, sigma)`` at which the ends are judged: no less noise than ``JUDGED_AT``."""
    alpha, sigma = end
    return alpha, max(sigma, JUDGED_AT * alpha)


def _at(spec: GuidanceSpec, scale: float, judge: Any, report: Report, stop: Stop) -> AtScale:
    data = spec.at(scale)
    problem = build_problem(data, spec.schedule)
    times = grid_of(spec, problem, spec.steps)
    x = starting_noise(problem, spec.data, spec.particles, float(times[0]), spec.seed)
    doing = message("scale {scale:g}", scale=scale)

    def run(name: str, grid: Tensor, begin: Tensor, running: Report, options: dict[str, Any]) -> Run:
        def progress(done: int, total: int) -> None:
            running(done / total, doing)

        made = solve(problem, name, grid, begin, record=False, progress=progress, cancel=stop, **options)
        if made.cancelled:
            raise Cancelled(made.message)
        return made

    solver, least, options = reference_of(spec)
    key = (data, spec.schedule, spec.particles, spec.seed, float(times[0]), float(times[-1]))
    kept = _references.get(key)
    if kept is None:
        fine = times[[0, -1]] if least == 1 else refine(problem.schedule, times[[0, -1]], least)
        made = run(solver, fine, x.double(), part(report, 0.0, 0.6), options)
        kept = _references.put(key, (made.final.cpu(), made.message), made.final.nbytes)
    reference, broken = kept
    share = 0.4 / len(spec.solvers)
    runs = [
        run(choice.name, times, x, part(report, 0.6 + k * share, share), dict(choice.options))
        for k, choice in enumerate(spec.solvers)
    ]
    ends = [made.final.cpu() for made in runs]
    level = problem.level(float(times[-1]))
    return AtScale(
        scale=scale,
        ends=reference.numpy(),
        sure=_sure(spec, judge, reference, (level.alpha, level.sigma)),
        spread=float(reference.std(dim=0, unbiased=False).square().mean().sqrt()),
        rms=np.array([rms_error(end, reference) for end in ends]),
        median=np.array([median_error(end, reference) for end in ends]),
        nfe=np.array([made.nfe for made in runs]),
        solver_ends=torch.stack(ends).numpy(),
        message=broken,
    )


def _sure(spec: GuidanceSpec, judge: Any, ends: Tensor, end: tuple[float, float]) -> float:
    if judge is None or not bool(torch.isfinite(ends).all()):
        return float("nan")
    alpha, sigma = end if isinstance(spec.data, ToyData) else judged_level(end)
    return float(judge.logits(ends, alpha, sigma).softmax(dim=1)[:, spec.aim.label].mean())


def _notes(spec: GuidanceSpec, scales: tuple[AtScale, ...], judge: str) -> tuple[str, ...]:
    notes = [message("Computed with {device}.", device=device_line(spec))]
    if is_exact(spec.data):
        notes.append(
            message(
                "Errors are against DOP853 at tolerance {tolerance:g} for each scale.",
                tolerance=reference_of(spec)[2]["rtol"],
            )
        )
    else:
        notes.append(
            message(
                "Errors are against DPM-Solver++ 3M with {steps} steps for each scale: the end of the guided network's "
                "own path, not the truth.",
                steps=NETWORK_STEPS,
            )
        )
    if judge:
        notes.append(message("Samples are judged by {judge}.", judge=judge))
    notes.append(
        message(
            "Guidance at scale s does not sample p(x) p(c|x)^s: the pushes at every noise level do not add up to that "
            "density. At s = 1 it samples the class."
        )
    )
    notes += [
        message("Scale {scale:g}: the reference {what}.", scale=one.scale, what=one.message)
        for one in scales
        if one.message
    ]
    return tuple(notes)
