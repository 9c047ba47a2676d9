"""Where rounding takes over: the same solvers in four floating-point precisions."""

import math
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from pydantic import Field, model_validator
from torch import Tensor

from core.analysis import rms_error
from core.experiments.build import (
    Report,
    Stop,
    accuracy_of,
    build_problem,
    device_line,
    grid_of,
    is_exact,
    never,
    part,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.end_errors import FixedStep, check_rising
from core.experiments.kept import Kept
from core.experiments.specification import Distinct, SolverChoice, Timed
from core.language import joined, message
from core.models.half import HalfPrecision
from core.problem import Problem
from core.solve import Cancelled, Run, solve

DTYPES = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
Precision = Literal["float64", "float32", "bfloat16", "float16"]


class PrecisionSpec(Timed):
    """Up to four solvers over step counts, in each of the precisions."""

    kind: Literal["precision"] = "precision"
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        tuple(SolverChoice(name=name) for name in ("ddim", "edm-heun", "dpmpp-3m")),
        min_length=1,
        max_length=4,
        description="up to 4 solvers that draw no noise and take the steps of the grid",
    )
    step_counts: tuple[int, ...] = Field(
        (5, 10, 20, 40, 80, 160, 320, 640), min_length=2, max_length=12, description="rising step counts, 2 to 12"
    )
    precisions: Annotated[tuple[Precision, ...], Distinct] = Field(
        tuple(DTYPES), min_length=1, max_length=4, description="float64, float32, bfloat16, float16, or some of them"
    )
    particles: int = Field(64, ge=1, description="how many start from noise")

    most_particles: ClassVar[int] = 1000

    @model_validator(mode="after")
    def _steps(self) -> "PrecisionSpec":
        check_rising(self.data, self.step_counts)
        return self

    @property
    def computed_in(self) -> str:
        """What the particles are kept in, in words."""
        return joined(filter(None, (joined(self.precisions[:-1], ", "), self.precisions[-1])), " and ")


@dataclass(frozen=True)
class PrecisionCurve:
    """One solver in one precision.

    Attributes
    ----------
    steps : (M,).
    total : (M,) RMS distance to the reference from the same rounded start; NaN where the run diverged.
    discretisation : (M,) the same of the same run in float64.
    rounding : (M,) RMS distance between these two runs; NaN for float64, beside which there is no finer one.
    predicted : (M,) ``sqrt(S) eps / sqrt(12)`` times the size of the end states: one rounding a step, each even within
        half a unit of the last place, all carried to the end unchanged.
    takeover : the step count from which on rounding exceeds discretisation; None if it does not at the finest.
    """

    choice: SolverChoice
    precision: str
    steps: np.ndarray
    total: np.ndarray
    discretisation: np.ndarray
    rounding: np.ndarray
    predicted: np.ndarray
    takeover: int | None

    @property
    def best(self) -> int | None:
        """Place of the least error; None if every run diverged."""
        return int(np.nanargmin(self.total)) if np.isfinite(self.total).any() else None


@dataclass(frozen=True)
class PrecisionResult:
    """A curve for each solver and precision, in that order of nesting."""

    spec: PrecisionSpec
    curves: tuple[PrecisionCurve, ...]
    floor: float
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """One row a solver and precision: the least error, and where rounding takes over."""
        rows = []
        for curve in self.curves:
            best = curve.best
            rows.append(
                {
                    "solver": curve.choice.label,
                    "precision": curve.precision,
                    "least error": np.nan if best is None else curve.total[best],
                    "at steps": np.nan if best is None else curve.steps[best],
                    "rounding takes over at": np.nan if curve.takeover is None else curve.takeover,
                }
            )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a solver, precision and step count."""
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "solver": str(curve.choice),
                        "precision": curve.precision,
                        "steps": curve.steps,
                        "rms_error": curve.total,
                        "discretisation": curve.discretisation,
                        "rounding": curve.rounding,
                        "predicted_rounding": curve.predicted,
                    }
                )
                for curve in self.curves
            ],
            ignore_index=True,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Errors by solver and precision, for NPZ."""
        return {
            f"{curve.choice}_{curve.precision}_{name}": getattr(curve, name)
            for curve in self.curves
            for name in ("steps", "total", "discretisation", "rounding", "predicted")
        }


@dataclass(frozen=True)
class _Start:
    """The rounded noise of one precision, and where it should end."""

    x: Tensor
    reference: Run
    size: float


class _Point(NamedTuple):
    total: float
    discretisation: float
    rounding: float
    size: float


@dataclass(frozen=True)
class _Asked:
    """One solver with one step count."""

    spec: PrecisionSpec
    choice: SolverChoice
    steps: int
    problem: Problem
    times: Tensor

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Everything that its runs depend on but the precision."""
        rest = self.spec.model_copy(update={"solvers": (), "precisions": (), "step_counts": ()})
        return rest, self.choice, self.steps

    def run(self, x: Tensor, precision: str, report: Report, stop: Stop) -> Tensor:
        """The particles at the end. Raises ``core.solve.Cancelled`` when ``stop`` says so."""

        doing = message("running {solver} in {precision}", solver=self.choice.label, precision=precision)

        def progress(done: int, total: int) -> None:
            report(done / total, doing)

        options = dict(self.choice.options)
        watched = {"record": False, "progress": progress, "cancel": stop}
        found = solve(self.problem, self.choice.name, self.times, x, self.spec.seed, **watched, **options)
        if found.cancelled:
            raise Cancelled(found.message)
        return found.final.cpu()


_highs: Kept[dict[str, Tensor]] = Kept(50_000_000)
_lows: Kept[Tensor] = Kept(50_000_000)


def run_precision(spec: PrecisionSpec, report: Report = silent, stop: Stop = never) -> PrecisionResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    rounded = Problem(HalfPrecision(problem.model), problem.schedule)
    low = [name for name in spec.precisions if name != "float64"]
    work, done = len(spec.solvers) * (1 + len(low)) * sum(spec.step_counts), 0
    starts: dict[Hashable, _Start] = {}
    messages, label = [], ""
    points: dict[tuple[SolverChoice, str], list[_Point]] = {}
    for choice in spec.solvers:
        for steps in spec.step_counts:
            times = grid_of(spec, problem, steps)
            here = {}
            for name in spec.precisions:
                key = (name, float(times[0]), float(times[-1]))
                if key not in starts:
                    starts[key], label = _start(spec, problem, name, times, part(report, done / work, 0.0), stop)
                    messages.append(starts[key].reference.message)
                here[name] = starts[key]
            asked = _Asked(spec, choice, steps, rounded, times)
            highs = _high(asked, here, part(report, done / work, steps / work), stop)
            done += steps
            for name in spec.precisions:
                final = highs[name]
                if name in low:
                    final = _low(asked, name, here[name], part(report, done / work, steps / work), stop)
                    done += steps
                points.setdefault((choice, name), []).append(_point(final, highs[name], here[name], name))
    curves = [_curve(spec, choice, name, found) for (choice, name), found in points.items()]
    return PrecisionResult(
        spec=spec,
        curves=tuple(curves),
        floor=accuracy_of(spec.data) * max(start.size for start in starts.values()),
        seconds=time.perf_counter() - began,
        notes=_notes(spec, curves, label, [what for what in messages if what]),
    )


def _start(
    spec: PrecisionSpec, problem: Problem, precision: str, times: Tensor, report: Report, stop: Stop
) -> tuple[_Start, str]:
    noise = starting_noise(problem, spec.data, spec.particles, float(times[0]), spec.seed)
    x = noise.to(DTYPES[precision])
    reference, label = reference_run(problem, spec.data, times[[0, -1]], x, spec.seed, stop, report)
    return _Start(x, reference, float(reference.final.square().mean().sqrt())), label


def _high(asked: _Asked, starts: dict[str, _Start], report: Report, stop: Stop) -> dict[str, Tensor]:
    """The float64 runs from the rounded starts of all precisions, as one run."""
    key = (*asked.key, tuple(starts))
    kept = _highs.get(key)
    if kept is None:
        together = torch.cat([start.x.double() for start in starts.values()])
        final = asked.run(together, "float64", report, stop)
        kept = _highs.put(key, dict(zip(starts, final.chunk(len(starts)), strict=True)), 500 + final.nbytes)
    return kept


def _low(asked: _Asked, precision: str, start: _Start, report: Report, stop: Stop) -> Tensor:
    key = (*asked.key, precision)
    kept = _lows.get(key)
    if kept is None:
        kept = asked.run(start.x, precision, report, stop)
        _lows.put(key, kept, 500 + kept.nbytes)
    return kept


def _point(low: Tensor, high: Tensor, start: _Start, precision: str) -> _Point:
    target = start.reference.final.cpu()
    rounding = math.nan if precision == "float64" else rms_error(low, high)
    return _Point(rms_error(low, target), rms_error(high, target), rounding, start.size)


def _curve(spec: PrecisionSpec, choice: SolverChoice, precision: str, points: list[_Point]) -> PrecisionCurve:
    steps = np.array(spec.step_counts)
    total, discretisation, rounding, size = np.array(points).T
    below = np.flatnonzero(~(rounding > discretisation))  # true for NaN
    over = steps[below[-1] + 1 :] if len(below) else steps
    return PrecisionCurve(
        choice=choice,
        precision=precision,
        steps=steps,
        total=total,
        discretisation=discretisation,
        rounding=rounding,
        predicted=predicted_rounding(precision, steps, size),
        takeover=int(over[0]) if len(over) else None,
    )


def predicted_rounding(precision: str, steps: np.ndarray, size: np.ndarray | float) -> np.ndarray:
    """RMS error of ``steps`` roundings of states of RMS ``size`` that add up at random and are carried unchanged."""
    return np.sqrt(steps / 12.0) * torch.finfo(DTYPES[precision]).eps * size


def _notes(spec: PrecisionSpec, curves: list[PrecisionCurve], label: str, messages: list[str]) -> tuple[str, ...]:
    notes = [
        message(
            "Computed with {device}; times and coefficients are float64 in every precision.", device=device_line(spec)
        ),
        message("Errors are against {reference} from the same rounded noise.", reference=label),
    ]
    if {"bfloat16", "float16"} & set(spec.precisions):
        notes.append(
            message(
                "In bfloat16 and float16 the model computes inside in float32, and its input and output are rounded: "
                "its own sums would lose every digit."
            )
        )
    notes += [message("The reference {what}.", what=what) for what in messages]
    for curve in curves:
        if np.isnan(curve.total).any():
            notes.append(
                message(
                    "{solver} in {precision} diverged with {steps} steps.",
                    solver=curve.choice.label,
                    precision=curve.precision,
                    steps=joined(map(str, curve.steps[np.isnan(curve.total)]), ", "),
                )
            )
    if not is_exact(spec.data):
        notes.append(message("The network itself computes in float32 whatever the particles' precision."))
    return tuple(notes)
