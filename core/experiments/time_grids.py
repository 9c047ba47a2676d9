"""Time grids made for a problem beside the standard ones: trained on some particles, judged on others."""

import time
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor

from core.analysis import particle_error
from core.analysis.optimal_grids import OPTIMISED
from core.analysis.ranking import Standing, paired_standings
from core.experiments.build import (
    Report,
    Stop,
    accuracy_of,
    build_problem,
    device_line,
    is_exact,
    never,
    part,
    precision_of,
    reference_label,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.end_errors import FixedStep
from core.experiments.given import kind_of
from core.experiments.specification import GridChoice, ScheduleName, Setting, SolverChoice
from core.experiments.trained import trained_times, training_seed
from core.grids import GRIDS, make_grid
from core.language import message
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS

MOST_NFE = 60
MOST_TRAINING = {"toy": 1000, "images": 32}


def _plain(choice: SolverChoice) -> SolverChoice:
    if choice.options:
        raise ValueError(
            message(
                "grids are made for solvers with their own defaults; write {name} without options",
                name=repr(choice.name),
            )
        )
    return choice


class TimeGridsSpec(Setting):
    """One solver on every standard grid and on grids made for the problem; ``particles`` are those that judge."""

    kind: Literal["time_grids"] = "time_grids"
    schedule: ScheduleName = Field("vp-linear", description="noise schedule")
    t_start: float | None = Field(None, description="time of the noise that solvers start from")
    t_end: float | None = Field(None, description="time at which they stop, near the data")
    solver: Annotated[FixedStep, AfterValidator(_plain)] = Field(
        SolverChoice(name="dpmpp-2m"), description="a solver that draws no noise, with its own defaults"
    )
    nfe: int = Field(8, ge=2, le=MOST_NFE, description=f"model evaluations of a run, 2 to {MOST_NFE}")
    training: int = Field(128, ge=4, description="particles that the grids are trained on, 4 to 1000 (images: to 32)")

    most_particles: ClassVar[int] = 2000
    learned: ClassVar[bool] = False  # no time for thousands of runs of a network
    guided: ClassVar[bool] = False

    @model_validator(mode="after")
    def _possible(self) -> "TimeGridsSpec":
        most = MOST_TRAINING[self.data.kind]
        if self.training > most:
            raise ValueError(
                message(
                    "at most {most} training particles for {kind} data (time), got {training}",
                    most=most,
                    kind=kind_of(self.data),
                    training=self.training,
                )
            )
        if not is_exact(self.data):
            raise ValueError(
                message(
                    "making a grid takes thousands of runs, and a run of the network of {name} takes seconds; choose "
                    "data with an exact score",
                    name=repr(self.data.name),
                )
            )
        if not SOLVERS[self.solver.name].steps_within(self.nfe):
            raise ValueError(
                message(
                    "{label} needs more than {nfe} evaluations for one step; allow more",
                    label=self.solver.label,
                    nfe=self.nfe,
                )
            )
        make_grid("uniform-lambda", make_schedule(self.schedule), 1, self.t_start, self.t_end)  # says what is wrong
        return self


@dataclass(frozen=True)
class GridRow:
    """One grid and the solver's errors on it.

    Attributes
    ----------
    name : key of ``GRIDS``, or of ``OPTIMISED`` if ``made``.
    times, lam : (S + 1,) float64, and lambda there.
    nfe : evaluations counted.
    training : median error on the training particles.
    particles : (N,) error of each held-out particle; NaN if the run diverged.
    standing : held-out median with its interval, and its place among all grids.
    """

    name: str
    title: str
    made: bool
    times: np.ndarray
    lam: np.ndarray
    nfe: int
    training: float
    particles: np.ndarray
    standing: Standing

    @property
    def median(self) -> float:
        """Median error over the held-out particles."""
        return float(np.median(self.particles))

    @property
    def rms(self) -> float:
        """Root mean square error over them: what the few that end elsewhere do to it."""
        return float(np.sqrt(np.mean(np.square(self.particles))))

    @property
    def choice(self) -> GridChoice:
        """The same times as a grid that every experiment can take: a made one as its list of times."""
        options = (("t", tuple(self.times.tolist())),) if self.made else ()
        return GridChoice(name="custom" if self.made else self.name, options=options)


@dataclass(frozen=True)
class TimeGridsResult:
    """All grids, the least held-out error first; those that diverged last."""

    spec: TimeGridsSpec
    steps: int
    rows: tuple[GridRow, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def best(self, made: bool) -> GridRow | None:
        """The best of the grids made for the problem, or of the standard ones; None if each diverged."""
        return next((row for row in self.rows if row.made == made and np.isfinite(row.median)), None)

    @property
    def ratio(self) -> float:
        """Held-out error of the best made grid over that of the best standard one; NaN if either is missing."""
        made, standard = self.best(True), self.best(False)
        return made.median / standard.median if made and standard else float("nan")

    def summary(self) -> pd.DataFrame:
        """One row a grid, best first."""
        return pd.DataFrame(
            [
                {
                    "grid": row.title,
                    "made_for_this": row.made,
                    "held_out_median": row.median,
                    "held_out_rms": row.rms,
                    "low": row.standing.low,
                    "high": row.standing.high,
                    "training_median": row.training,
                }
                for row in self.rows
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a grid and knot."""
        return pd.DataFrame(
            [
                {
                    "grid": row.name,
                    "knot": place,
                    "t": t,
                    "lambda": lam,
                    "held_out_median": row.median,
                    "training_median": row.training,
                    "nfe": row.nfe,
                }
                for row in self.rows
                for place, (t, lam) in enumerate(zip(row.times, row.lam, strict=True))
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Names, (grids, S + 1) knots, (grids, N) held-out errors, for NPZ."""
        return {
            "grids": np.array([row.name for row in self.rows]),
            "times": np.stack([row.times for row in self.rows]),
            "lam": np.stack([row.lam for row in self.rows]),
            "held_out": np.stack([row.particles for row in self.rows]),
            "training": np.array([row.training for row in self.rows]),
        }


def run_time_grids(spec: TimeGridsSpec, report: Report = silent, stop: Stop = never) -> TimeGridsResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    seeds = {"training": training_seed(spec.seed), "held out": spec.seed}
    sizes = {"training": spec.training, "held out": spec.particles}
    ends = make_grid("uniform-lambda", problem.schedule, 1, spec.t_start, spec.t_end)
    starts, references = {}, {}
    for place, which in enumerate(seeds):
        starts[which] = starting_noise(problem, spec.data, sizes[which], float(ends[0]), seeds[which])
        references[which], _ = reference_run(
            problem, spec.data, ends, starts[which], seeds[which], stop, part(report, 0.05 * place, 0.05)
        )
    steps = steps_of_spec(spec)
    laid = []
    for name in standard_grids(spec):
        laid.append((name, GRIDS[name].title, make_grid(name, problem.schedule, steps, spec.t_start, spec.t_end)))
    for place, (name, info) in enumerate(OPTIMISED.items()):
        share = 0.88 / len(OPTIMISED)
        laid.append(
            (name, info.title, _made(spec, problem, name, steps, ends, part(report, 0.1 + share * place, share), stop))
        )
    found = []
    for name, title, times in laid:
        runs = {which: _run(spec, problem, times, starts[which], stop) for which in seeds}
        errors = {which: particle_error(runs[which].final, references[which].final).numpy() for which in seeds}
        found.append((name, title, times, runs["held out"].nfe, errors))
    floor = accuracy_of(spec.data) * float(references["held out"].final.square().mean().sqrt())
    standings = paired_standings(np.stack([errors["held out"] for *_, errors in found]), floor=floor, seed=spec.seed)
    rows = [
        GridRow(
            name,
            title,
            name in OPTIMISED,
            times.numpy(),
            problem.schedule.log_snr(times).numpy(),
            nfe,
            float(np.median(errors["training"])),
            errors["held out"],
            standing,
        )
        for (name, title, times, nfe, errors), standing in zip(found, standings, strict=True)
    ]
    rows.sort(key=lambda row: (not np.isfinite(row.median), row.median))
    return TimeGridsResult(spec, steps, tuple(rows), time.perf_counter() - began, _notes(spec))


def standard_grids(spec: TimeGridsSpec) -> tuple[str, ...]:
    """Standard grids that fit the schedule, keep its ends and need no list from the user."""
    span = make_schedule(spec.schedule)
    return tuple(name for name, info in GRIDS.items() if info.fits(span) and not info.own_ends)


def steps_of_spec(spec: TimeGridsSpec) -> int:
    """Steps of every grid of the experiment: the most whose counted evaluations are within the budget, at least 1."""
    problem = build_problem(spec.data, spec.schedule)
    ends = make_grid("uniform-lambda", problem.schedule, 1, spec.t_start, spec.t_end)
    x = starting_noise(problem, spec.data, 1, float(ends[0]), 0)
    steps = SOLVERS[spec.solver.name].steps_within(spec.nfe)
    while steps > 1:
        times = make_grid("uniform-lambda", problem.schedule, steps, float(ends[0]), float(ends[1]))
        if solve(problem, spec.solver.name, times, x, record=False).nfe <= spec.nfe:
            break
        steps -= 1  # an option, such as a dearer start, spent more than the registry's plain count
    return steps


def grid_options(spec: TimeGridsSpec, name: str) -> dict[str, str]:
    """Options of a grid made for the problem: the solver, where the grid is for one."""
    return {"solver": spec.solver.name} if "solver" in OPTIMISED[name].options else {}


def _made(
    spec: TimeGridsSpec, problem: Problem, name: str, steps: int, ends: Tensor, report: Report, stop: Stop
) -> Tensor:
    seed = training_seed(spec.seed)

    def reference(times: Tensor, x: Tensor) -> Tensor:
        x = x.to(precision_of(spec.data))  # the same particles that were solved for above
        return reference_run(problem, spec.data, times, x, seed, stop, silent)[0].final

    first, last = ends.tolist()
    options = grid_options(spec, name)
    return trained_times(
        problem, spec.data, name, options, steps, (first, last), spec.training, seed, reference, report, stop
    )


def _run(spec: TimeGridsSpec, problem: Problem, times: Tensor, x: Tensor, stop: Stop) -> Run:
    run = solve(problem, spec.solver.name, times, x, record=False, cancel=stop)
    if run.cancelled:
        raise Cancelled(run.message)
    return run


def _notes(spec: TimeGridsSpec) -> tuple[str, ...]:
    return (
        message("Computed with {device}.", device=device_line(spec)),
        message("Errors are against {reference}.", reference=reference_label(spec.data)),
        message(
            "Grids are trained on {training} particles with seed {seed} and judged on {particles} others with seed "
            "{other}; intervals are 95 % over those (bootstrap).",
            training=spec.training,
            seed=training_seed(spec.seed),
            particles=spec.particles,
            other=spec.seed,
        ),
        message(
            "The grid for the solver is trained on its own error, so it suits no other solver; the other two are made "
            "without looking at the solver."
        ),
    )
