"""Data noised to a time and carried back by solvers: how far they went, as the time is raised from data to noise."""

import time
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, ValidationError, model_validator
from torch import Tensor

from core.analysis import DISTANCES, Measured, measure_distance, median_error, noise_floor, rms_error
from core.analysis.there_and_back import gaussian_there_and_back
from core.experiments.build import Report, Stop, build_problem, device_line, grid_of, never, part, silent
from core.experiments.choices import refusals
from core.experiments.given import kind_of
from core.experiments.pictured import FromData, clean_data, unrelated_distance
from core.experiments.sde_orders import has_law
from core.experiments.specification import Distinct, SolverChoice, Timed
from core.language import message, reason
from core.problem import Problem
from core.schedules import Schedule, make_schedule
from core.solve import Cancelled, solve
from core.solvers import SOLVERS

MOST_LEVELS, MOST_SOLVERS = 12, 4
MOST_STEPS = {"toy": 200, "images": 60}
LAW = "sliced-wasserstein"  # how the law of what came back is compared with that of the data
REPEATS = 4
LAW_SHARE = 0.15  # of the time, for the progress bar


class BoomerangSpec(FromData):
    """Data to several noise levels and back, by several solvers."""

    kind: Literal["boomerang"] = "boomerang"
    solvers: Annotated[tuple[SolverChoice, ...], Distinct] = Field(
        (SolverChoice(name="dpmpp-3m"), SolverChoice(name="exponential-sde")),
        min_length=1,
        max_length=MOST_SOLVERS,
        description=f"up to {MOST_SOLVERS} solvers that go back, with noise or without",
    )
    levels: int = Field(
        8, ge=2, le=MOST_LEVELS, description=f"noise levels, 2 to {MOST_LEVELS}, evenly spaced in lambda"
    )
    steps: int = Field(20, description="steps on the way back, from every level")

    most_particles: ClassVar[int] = 2000
    image_particles: ClassVar[int] = 4

    @model_validator(mode="after")
    def _reachable(self) -> "BoomerangSpec":
        most = MOST_STEPS[self.data.kind]
        if not 1 <= self.steps <= most:
            raise ValueError(
                message(
                    "steps for {kind} data go from 1 to {most}, got {steps}",
                    kind=kind_of(self.data),
                    most=most,
                    steps=self.steps,
                )
            )
        schedule = make_schedule(self.schedule)
        for t in level_times(self, schedule):
            try:
                self.grid.times(schedule, self.steps, t, self.t_end)
            except ValueError as problem:
                raise ValueError(
                    message("the way back from t = {t:.4g} has no such grid: {problem}", t=t, problem=reason(problem))
                ) from None
        return self


@dataclass(frozen=True)
class Level:
    """Noised to ``t``: half log-SNR ``lam``, the particles there (N, *shape), and the closed form where there is one.

    ``by_ode`` and ``by_sde`` are the exact RMS distances of one Gaussian, None for other data.
    """

    t: float
    lam: float
    scale: float
    noised: np.ndarray
    by_ode: float | None
    by_sde: float | None


@dataclass(frozen=True)
class Return:
    """One solver from one level: where it ended, how far that is from the input, and how far from the data's law.

    ``rms`` and ``median`` are NaN where it diverged; ``law`` is None where the law of the data is not compared.
    """

    t: float
    nfe: int
    rms: float
    median: float
    ends: np.ndarray
    law: Measured | None
    message: str = ""


@dataclass(frozen=True)
class SolverReturns:
    """One solver from every level."""

    choice: SolverChoice
    name: str
    label: str
    stochastic: bool
    returns: tuple[Return, ...]


@dataclass(frozen=True)
class BoomerangResult:
    """``clean`` (N, *shape) is the input and ``begin`` says what it is; ``unrelated`` the RMS distance between two."""

    spec: BoomerangSpec
    clean: np.ndarray
    begin: str
    levels: tuple[Level, ...]
    solvers: tuple[SolverReturns, ...]
    unrelated: float | None
    law_floor: Measured | None
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def times(self) -> np.ndarray:
        """(levels,) the times that data were noised to."""
        return np.array([level.t for level in self.levels])

    @property
    def log_snr(self) -> np.ndarray:
        """(levels,) lambda at these times."""
        return np.array([level.lam for level in self.levels])

    def summary(self) -> pd.DataFrame:
        """One row a solver: its distance from the lowest and from the highest level, and its cost."""
        rows = []
        for solver in self.solvers:
            first, last = solver.returns[0], solver.returns[-1]
            rows.append(
                {
                    "solver": solver.label,
                    "nfe": last.nfe,
                    "nearest_t": first.t,
                    "nearest_rms": first.rms,
                    "farthest_t": last.t,
                    "farthest_rms": last.rms,
                }
            )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a solver and level."""
        nothing = float("nan")
        return pd.DataFrame(
            [
                {
                    "solver": solver.label,
                    "t": level.t,
                    "lambda": level.lam,
                    "nfe": back.nfe,
                    "rms_distance": back.rms,
                    "median_distance": back.median,
                    "exact_rms": nothing if level.by_ode is None else exact_of(level, solver),
                    "distance_to_data": nothing if back.law is None else back.law.value,
                    "status": back.message or "done",
                }
                for solver in self.solvers
                for level, back in zip(self.levels, solver.returns, strict=True)
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Inputs, noised particles and what came back, (levels, N, *shape) each, for NPZ."""
        arrays = {
            "clean": self.clean,
            "t": self.times,
            "noised": np.stack([level.noised for level in self.levels]),
        }
        return arrays | {f"{s.choice}_ends": np.stack([back.ends for back in s.returns]) for s in self.solvers}


def exact_of(level: Level, solver: SolverReturns) -> float | None:
    """The closed form that this solver should meet as its steps become small."""
    return level.by_sde if solver.stochastic else level.by_ode


def level_times(spec: BoomerangSpec, schedule: Schedule) -> list[float]:
    """The times that data are noised to, rising, evenly in lambda; the last is the first time of the schedule's run."""
    start = schedule.t_max if spec.t_start is None else spec.t_start
    end = schedule.t_min if spec.t_end is None else spec.t_end
    high, low = (float(schedule.log_snr(t)) for t in (end, start))
    lams = [high + (low - high) * k / spec.levels for k in range(1, spec.levels)]
    return [*schedule.time_of(torch.tensor(lams, dtype=torch.float64)).tolist(), start]


def run_boomerang(spec: BoomerangSpec, report: Report = silent, stop: Stop = never) -> BoomerangResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    report(0.0, message("taking the data"))
    problem = build_problem(spec.data, spec.schedule)
    clean, begin = clean_data(spec, problem, spec.particles, spec.seed, stop)
    compared = spec.data.kind == "toy" and spec.data.guidance is None and spec.particles >= 10
    paths = [_path(spec, problem, t) for t in level_times(spec, problem.schedule)]
    noised = [_noised(spec, problem, clean, float(times[0])) for times in paths]
    levels = tuple(_level(problem, times, x) for times, x in zip(paths, noised, strict=True))
    floor = None
    if compared:
        watch = _watched(part(report, 0.0, LAW_SHARE), stop, message("measuring exact samples"))
        floor = noise_floor(LAW, problem, float(paths[0][-1]), spec.particles, spec.seed, REPEATS, **watch)
    solvers, done, share = [], LAW_SHARE, (1 - LAW_SHARE) / (len(spec.solvers) * len(paths))
    for choice in spec.solvers:
        returns = []
        for times, x in zip(paths, noised, strict=True):
            returns.append(_back(spec, problem, choice, times, x, clean, compared, part(report, done, share), stop))
            done += share
        info = SOLVERS[choice.name]
        solvers.append(SolverReturns(choice, choice.name, choice.label, info.stochastic, tuple(returns)))
    return BoomerangResult(
        spec=spec,
        clean=clean.numpy(),
        begin=begin,
        levels=levels,
        solvers=tuple(solvers),
        unrelated=unrelated_distance(spec, clean),
        law_floor=floor,
        seconds=time.perf_counter() - began,
        notes=_notes(spec, solvers, begin, compared),
    )


def _path(spec: BoomerangSpec, problem: Problem, t: float) -> Tensor:
    try:
        there = Timed(data=spec.data, particles=1, schedule=spec.schedule, grid=spec.grid, t_start=t, t_end=spec.t_end)
    except ValidationError as problems:  # pydantic's own text has several lines
        raise ValueError(refusals(problems)[0]) from None
    return grid_of(there, problem, spec.steps)


def _noised(spec: BoomerangSpec, problem: Problem, clean: Tensor, t: float) -> Tensor:
    noise = problem.sample_prior(len(clean), t, seed=spec.seed, dtype=clean.dtype)
    return problem.level(t).alpha * clean + noise


def _level(problem: Problem, times: Tensor, x: Tensor) -> Level:
    t, t_end = float(times[0]), float(times[-1])
    at = problem.level(t)
    exact = [gaussian_there_and_back(problem, t, t_end, noisy) if has_law(problem) else None for noisy in (False, True)]
    return Level(t, at.lam, float(np.hypot(at.alpha, at.sigma)), x.numpy(), *exact)


def _back(
    spec: BoomerangSpec,
    problem: Problem,
    choice: SolverChoice,
    times: Tensor,
    x: Tensor,
    clean: Tensor,
    compared: bool,
    report: Report,
    stop: Stop,
) -> Return:
    t = float(times[0])
    doing = message("{solver} back from t = {t:.2g}", solver=choice.label, t=t)

    def progress(done: int, steps: int) -> None:
        report(0.8 * done / steps, doing)

    options = dict(choice.options)
    run = solve(problem, choice.name, times, x, spec.seed, record=False, progress=progress, cancel=stop, **options)
    if run.cancelled:
        raise Cancelled(run.message)
    ends = run.final.cpu()
    law = None
    if compared:
        measuring = message("measuring {solver} back from t = {t:.2g}", solver=choice.label, t=t)
        watch = _watched(part(report, 0.8, 0.2), stop, measuring)
        law = measure_distance(LAW, ends, problem, float(times[-1]), spec.seed, REPEATS, **watch)
    return Return(t, run.nfe, rms_error(ends, clean), median_error(ends, clean), ends.numpy(), law, run.message)


def _watched(report: Report, stop: Stop, doing: str) -> dict:
    def progress(done: int, total: int) -> None:
        report(done / total, doing)

    return {"progress": progress, "cancel": stop}


def _notes(spec: BoomerangSpec, solvers: list[SolverReturns], begin: str, compared: bool) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("What is noised is {begin}; particle i gets the same noise z at every level.", begin=begin),
        message("Every way back has {steps} steps, however long it is.", steps=spec.steps),
    ]
    if compared:
        notes.append(
            message(
                "The law of what came back is compared with the data by {distance}; intervals hold 95 %.",
                distance=message(DISTANCES[LAW].title),
            )
        )
    notes += [
        message("{solver} from t = {t:.3g}: {what}.", solver=solver.label, t=back.t, what=back.message)
        for solver in solvers
        for back in solver.returns
        if back.message
    ]
    return tuple(notes)
