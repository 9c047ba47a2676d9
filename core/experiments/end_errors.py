"""How far one run ends from the reference, particle by particle: kept, since several pages ask for the same runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import AfterValidator, Field, ValidationError
from torch import Tensor

from core.analysis import particle_error
from core.experiments.build import Report, Stop, accuracy_of, grid_of, reference_run, starting_noise
from core.experiments.choices import refusals
from core.experiments.given import kind_of
from core.experiments.kept import Kept
from core.experiments.specification import (
    MAX_IMAGE_STEPS,
    MAX_TOY_STEPS,
    Data,
    GridChoice,
    Setting,
    SolverChoice,
    Timed,
)
from core.language import mark, message
from core.problem import Problem
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS


def _fixed_step(choice: SolverChoice) -> SolverChoice:
    info = SOLVERS[choice.name]
    if info.stochastic or info.adaptive:
        told = (
            mark(
                "{label} draws noise, so it has no error against the ODE; choose solvers without noise that take the "
                "steps of the grid"
            )
            if info.stochastic
            else mark("{label} chooses its own steps; choose solvers without noise that take the steps of the grid")
        )
        raise ValueError(message(told, label=choice.label))
    return choice


FixedStep = Annotated[SolverChoice, AfterValidator(_fixed_step)]


def check_rising(data: Data, counts: Sequence[int]) -> None:
    """Raise ``ValueError`` unless the step counts rise and are within reach for these data."""
    most = MAX_TOY_STEPS if data.kind == "toy" else MAX_IMAGE_STEPS
    if min(counts) < 1 or max(counts) > most:
        raise ValueError(
            message(
                "step counts for {kind} data go from 1 to {most}, got {names}",
                kind=kind_of(data),
                most=most,
                names=", ".join(map(str, counts)),
            )
        )
    if any(b <= a for a, b in pairwise(counts)):
        raise ValueError(message("step counts must rise, got {names}", names=", ".join(map(str, counts))))


class FromStart(Setting):
    """An experiment whose runs begin in pure noise or on the exact path in the middle, where signal equals noise."""

    begin: Literal["noise", "middle"] = Field(
        "noise", description="start from pure noise, or on the path in the middle, where signal equals noise"
    )


@dataclass(frozen=True)
class Start:
    """Where runs begin, the reference that they should end at, and the error below which that cannot be told."""

    x: Tensor
    reference: Run
    floor: float


def times_of(spec: FromStart, problem: Problem, schedule: str, grid: GridChoice, steps: int) -> Tensor:
    """The times of one run: (steps + 1,) float64. Raises ``ValueError`` if the grid cannot be laid there."""
    shared = {"data": spec.data, "particles": spec.particles, "seed": spec.seed}
    try:
        timed = Timed(schedule=schedule, grid=grid, t_start=first_time(spec, problem), **shared)
    except ValidationError as problems:  # pydantic's own text has several lines and speaks of fields
        raise ValueError(refusals(problems)[0]) from None
    return grid_of(timed, problem, steps)


def first_time(spec: FromStart, problem: Problem) -> float | None:
    """Where the runs begin; None for the noise end of the schedule."""
    return None if spec.begin == "noise" else float(problem.schedule.time_of(0.0))


def start_of(spec: FromStart, problem: Problem, times: Tensor, report: Report, stop: Stop) -> Start:
    """Noise at the first of ``times``, or the state that the exact path from pure noise has there."""
    ends = times[[0, -1]]
    if spec.begin == "middle":
        ends = torch.cat([torch.tensor([problem.schedule.t_max], dtype=torch.float64), ends])
    x = starting_noise(problem, spec.data, spec.particles, float(ends[0]), spec.seed)
    reference, _ = reference_run(problem, spec.data, ends, x, spec.seed, stop, report)
    size = float(reference.final.square().mean().sqrt())
    floor = size * max(accuracy_of(spec.data), torch.finfo(x.dtype).eps)
    return Start(reference.states[-2].to(x), reference, floor)


@dataclass(frozen=True)
class EndError:
    """What one run cost and how far it ended from the reference.

    Attributes
    ----------
    steps, nfe : intervals and counted evaluations.
    particles : (N,) RMS over the numbers of each particle; NaN if the run diverged.
    message : why a run diverged; empty if it did not.
    """

    steps: int
    nfe: int
    particles: np.ndarray
    message: str

    @property
    def rms(self) -> float:
        """RMS over all particles."""
        return float(np.sqrt(np.mean(self.particles**2)))

    @property
    def median(self) -> float:
        """Median over particles; NaN for a run that diverged."""
        return float(np.median(self.particles))


_ends: Kept[EndError] = Kept(50_000_000)


def end_error(
    problem: Problem,
    data: Data,
    choice: SolverChoice,
    times: Tensor,
    start: Start,
    seed: int,
    report: Report,
    stop: Stop,
) -> EndError:
    """One run from ``start`` along ``times`` against the end of the reference.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    """
    x, reference = start.x, start.reference
    key = (
        *(data, problem.schedule, choice, seed, x.dtype, tuple(x.shape)),
        *(float(reference.times[0]), tuple(times.tolist())),
    )
    kept = _ends.get(key)
    if kept is not None:
        return kept

    def progress(done: int, total: int) -> None:
        report(done / total, message("running {solver}", solver=choice.label))

    run = solve(problem, choice.name, times, x, seed, False, progress=progress, cancel=stop, **dict(choice.options))
    if run.cancelled:
        raise Cancelled(run.message)
    error = particle_error(run.final.cpu(), reference.final.cpu()).numpy()
    return _ends.put(key, EndError(run.steps, run.nfe, error, run.message), 500 + error.nbytes + 8 * len(times))
