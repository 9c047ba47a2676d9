"""How far samples are from the data as the noise of one sampler is turned up, with a right and with a wrong score."""

import time
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, model_validator

from core.analysis.distances import DISTANCES, Measured, measure_distance, noise_floor
from core.experiments.build import (
    Report,
    Stop,
    build_problem,
    device_line,
    grid_of,
    never,
    part,
    precision_of,
    silent,
    starting_noise,
)
from core.experiments.given import kind_of
from core.experiments.scores import WithScoreError, said, wrong_problem
from core.experiments.specification import SolverChoice
from core.language import mark, message
from core.problem import Problem
from core.solve import Cancelled, solve
from core.solvers import SOLVERS

REPEATS = 6  # exact samples that each value is an average over
MOST_NFE = {"toy": 400, "images": 100}
MOST_VALUES = 12


def _with_knob(choice: SolverChoice) -> SolverChoice:
    info = SOLVERS[choice.name]
    if info.knob is None:
        raise ValueError(
            message(
                "the noise of {label} cannot be set; choose one of {names}",
                label=choice.label,
                names=", ".join(samplers()),
            )
        )
    if info.knob.option in dict(choice.options):
        raise ValueError(
            message(
                "{option} of {name} is what is swept here; give its values instead",
                option=info.knob.option,
                name=choice.name,
            )
        )
    return choice


def samplers() -> tuple[str, ...]:
    """Every sampler whose noise can be turned up."""
    return tuple(name for name, info in SOLVERS.items() if info.knob is not None)


class NoiseSweepSpec(WithScoreError):
    """One sampler at one budget, from no noise to much."""

    kind: Literal["noise"] = "noise"
    solver: Annotated[SolverChoice, AfterValidator(_with_knob)] = Field(
        SolverChoice(name="exponential-sde"), description=f"one of {', '.join(samplers())}"
    )
    values: tuple[float, ...] = Field(
        (), max_length=MOST_VALUES, description="amounts of noise, rising; none: those that suit the sampler"
    )
    nfe: int = Field(24, ge=2, description="model evaluations of a run, 2 to 400 (images: to 100)")

    @model_validator(mode="after")
    def _knob(self) -> "NoiseSweepSpec":
        most = MOST_NFE[self.data.kind]
        if self.nfe > most:
            raise ValueError(
                message(
                    "at most {most} evaluations a run for {kind} data (time), got {nfe}",
                    most=most,
                    kind=kind_of(self.data),
                    nfe=self.nfe,
                )
            )
        if list(self.values) != sorted(set(self.values)):
            raise ValueError(message("amounts of noise must rise, got {names}", names=", ".join(map(str, self.values))))
        knob = SOLVERS[self.solver.name].knob
        for value in self.values:
            called = message("{key} of {name}", key=knob.option, name=self.solver.name)
            SOLVERS[self.solver.name].options[knob.option].check(called, value)
        self._check_grid(1, self.nfe)
        return self

    @property
    def ladder(self) -> tuple[float, ...]:
        """The amounts of noise that are tried."""
        info = SOLVERS[self.solver.name]
        return self.values or info.knob.ladder(max(info.steps_within(self.nfe), 1))


@dataclass(frozen=True)
class SweepPoint:
    """One run: ``score`` is "exact" or "wrong"; ``measured`` its distance, NaN with a message where it diverged."""

    score: str
    value: float
    steps: int
    nfe: int
    measured: Measured


@dataclass(frozen=True)
class NoiseSweepResult:
    """The distances for every amount of noise, and what exact samples would have."""

    spec: NoiseSweepSpec
    points: tuple[SweepPoint, ...]
    floor: Measured
    wrong: str
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def of(self, score: str) -> tuple[SweepPoint, ...]:
        """The runs under one score."""
        return tuple(point for point in self.points if point.score == score)

    def best(self, score: str) -> SweepPoint | None:
        """The one with the least distance; None if all diverged."""
        finite = [point for point in self.of(score) if np.isfinite(point.measured.value)]
        return min(finite, key=lambda point: point.measured.value) if finite else None

    def summary(self) -> pd.DataFrame:
        """One row a score: its best amount of noise, and no noise beside it."""
        rows = []
        for score in dict.fromkeys(point.score for point in self.points):
            best, least = self.best(score), self.of(score)[0]
            rows.append(
                {
                    "score": score,
                    "least_noise": least.value,
                    "its_distance": least.measured.value,
                    "best": best.value if best else np.nan,
                    "best_distance": best.measured.value if best else np.nan,
                    "floor": self.floor.value,
                }
            )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a score and amount of noise."""
        return pd.DataFrame(
            [
                {
                    "score": point.score,
                    SOLVERS[self.spec.solver.name].knob.option: point.value,
                    "steps": point.steps,
                    "nfe": point.nfe,
                    "distance": point.measured.value,
                    "low": point.measured.low,
                    "high": point.measured.high,
                    "floor": self.floor.value,
                    "floor_high": self.floor.high,
                    "status": point.measured.message or "done",
                }
                for point in self.points
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The columns of the table, for NPZ."""
        return {name: np.array(column.tolist()) for name, column in self.to_frame().items()}


def run_noise_sweep(spec: NoiseSweepSpec, report: Report = silent, stop: Stop = never) -> NoiseSweepResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    exact = build_problem(spec.data, spec.schedule)
    wrong = wrong_problem(spec, exact)
    problems = {"exact": exact} | ({"wrong": wrong} if wrong else {})
    ends = grid_of(spec, exact, 1)
    watch = _watched(part(report, 0.0, 0.1), stop, message("measuring exact samples"))
    floor = noise_floor(spec.distance, exact, float(ends[-1]), spec.particles, spec.seed, REPEATS, **watch)
    jobs = [(score, value) for score in problems for value in spec.ladder]
    points = []
    for place, (score, value) in enumerate(jobs):
        running = part(report, 0.1 + 0.9 * place / len(jobs), 0.9 / len(jobs))
        points.append(_point(spec, exact, problems[score], score, value, running, stop))
    said_wrong = said(spec) if wrong else ""
    return NoiseSweepResult(
        spec, tuple(points), floor, said_wrong, time.perf_counter() - began, _notes(spec, points, said_wrong)
    )


def steps_of(spec: WithScoreError, problem: Problem, choice: SolverChoice, nfe: int) -> int:
    """The most steps whose counted evaluations are within ``nfe``, at least 1."""

    def cost(steps: int) -> int:
        times = grid_of(spec, problem, steps)
        x = starting_noise(problem, spec.data, 1, float(times[0]), 0)
        return solve(problem, choice.name, times, x, record=False, **dict(choice.options)).nfe

    one = cost(1)
    each = max(cost(2) - one, 1)
    steps = max(1, 1 + (nfe - one) // each)
    while steps > 1 and cost(steps) > nfe:  # what a step costs may depend on where it lies
        steps -= 1
    return steps


def with_noise(choice: SolverChoice, value: float) -> SolverChoice:
    """The sampler with its noise set."""
    knob = SOLVERS[choice.name].knob
    return SolverChoice(name=choice.name, options=(*choice.options, (knob.option, value)))


def _point(
    spec: NoiseSweepSpec, exact: Problem, problem: Problem, score: str, value: float, report: Report, stop: Stop
) -> SweepPoint:
    choice = with_noise(spec.solver, value)
    steps = steps_of(spec, exact, choice, spec.nfe)
    times = grid_of(spec, exact, steps)
    x = starting_noise(exact, spec.data, spec.particles, float(times[0]), spec.seed).to(precision_of(spec.data))
    running, measuring = (message(doing, solver=choice.label) for doing in _DOING[score])

    def progress(done: int, total: int) -> None:
        report(0.7 * done / total, running)

    run = solve(
        problem, choice.name, times, x, spec.seed, record=False, progress=progress, cancel=stop, **dict(choice.options)
    )
    if run.cancelled:
        raise Cancelled(run.message)
    watch = _watched(part(report, 0.7, 0.3), stop, measuring)
    end = float(times[-1])
    measured = measure_distance(spec.distance, run.final, exact, end, spec.seed, REPEATS, **watch)
    return SweepPoint(score, value, steps, run.nfe, measured)


_DOING = {
    "exact": (mark("{solver}, exact score"), mark("measuring {solver}, exact score")),
    "wrong": (mark("{solver}, wrong score"), mark("measuring {solver}, wrong score")),
}
_LOST = {
    "exact": mark("exact score, noise {noise:g}: {what}."),
    "wrong": mark("wrong score, noise {noise:g}: {what}."),
}


def _watched(report: Report, stop: Stop, doing: str) -> dict:
    def progress(done: int, total: int) -> None:
        report(done / total, doing)

    return {"progress": progress, "cancel": stop}


def _notes(spec: NoiseSweepSpec, points: list[SweepPoint], wrong: str) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message(
            "{distance} between {particles} samples and exact ones; intervals hold 95 % ({repeats} draws of the "
            "particles, each against other exact samples).",
            distance=message(DISTANCES[spec.distance].title),
            particles=spec.particles,
            repeats=REPEATS,
        ),
        message("All runs start from the same noise, and particle i draws the same Brownian path in each."),
    ]
    if wrong and spec.error != "learned":
        notes.append(
            message("The wrong score errs by a known amount in v; the distance is to the true data all the same.")
        )
    notes += [message(_LOST[p.score], noise=p.value, what=p.measured.message) for p in points if p.measured.message]
    return tuple(notes)
