"""One solver on one grid with as many steps as a budget of evaluations allows: its errors, counted cost and time."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from core.analysis import particle_error
from core.analysis.ranking import Standing
from core.experiments.build import (
    Report,
    Stop,
    accuracy_of,
    build_problem,
    grid_of,
    reference_run,
    starting_noise,
)
from core.experiments.choices import GridChoice, SolverChoice
from core.experiments.kept import Kept
from core.experiments.specification import Timed
from core.language import message, reason
from core.problem import Problem
from core.solve import Cancelled, solve
from core.solvers import SOLVERS

BRIEF = 0.05  # seconds: shorter runs are timed three times, and the fastest counts


@dataclass(frozen=True)
class Entry:
    """One candidate and how it did.

    Attributes
    ----------
    steps, nfe : intervals and counted evaluations; 0 where no run was possible.
    particles : how many it was measured on; fewer than the others' if it was screened out.
    median, rms : end error over those; NaN where there is none.
    seconds : wall time of one run with all particles; NaN if it was not ranked.
    standing : among the ranked ones, by the measure of the specification; None if it is not ranked.
    status : "ranked", "screened out", "diverged" or "no run".
    message : why there is no run or no end; empty otherwise.
    """

    choice: SolverChoice
    grid: GridChoice
    steps: int
    nfe: int
    particles: int
    median: float
    rms: float
    seconds: float = np.nan
    standing: Standing | None = None
    status: str = "ranked"
    message: str = ""

    @property
    def label(self) -> str:
        """Solver and grid, for the screen."""
        return message("{solver} on {grid}", solver=self.choice.label, grid=message(self.grid.label))


@dataclass(frozen=True)
class Bench:
    """Where every run starts and what its end is compared with; differences of errors up to ``floor`` are none."""

    timed: Timed
    problem: Problem
    ends: Tensor
    x: Tensor
    reference: Tensor
    floor: float
    message: str


@dataclass(frozen=True)
class _Measured:
    nfe: int
    error: np.ndarray
    seconds: float
    message: str


_runs: Kept[_Measured] = Kept(5_000_000)


def make_bench(timed: Timed, ends: Tensor, dtype: torch.dtype, report: Report, stop: Stop) -> Bench:
    """Noise at the first of ``ends``, (2,), and the reference at the last; the grid of ``timed`` is of no account."""
    problem = build_problem(timed.data, timed.schedule)
    x = starting_noise(problem, timed.data, timed.particles, float(ends[0]), timed.seed).to(dtype)
    reference, _ = reference_run(problem, timed.data, ends, x, timed.seed, stop, report)
    size = float(reference.final.square().mean().sqrt())
    floor = size * max(accuracy_of(timed.data), torch.finfo(dtype).eps)
    return Bench(timed, problem, ends, x, reference.final.cpu(), floor, reference.message)


def run_within(
    bench: Bench, choice: SolverChoice, grid: GridChoice, nfe: int, count: int, report: Report, stop: Stop
) -> tuple[Entry, np.ndarray | None]:
    """One candidate on the first ``count`` particles: how it did, and each particle's error if it reached the end.

    The evaluations are those that the run counted, never those that its step count promises.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    """
    none = Entry(choice, grid, 0, 0, count, np.nan, np.nan, status="no run")
    for steps in range(SOLVERS[choice.name].steps_within(nfe), 0, -1):
        try:
            found = _measure(bench, choice, _times(bench, grid, steps), count, report, stop)
        except ValueError as problem:  # this solver or this grid is not for this problem: the others still are
            return replace(none, message=reason(problem)), None
        if found.nfe > nfe:  # an option, such as a dearer start, may spend more than the registry's plain count
            continue
        ran = replace(none, steps=steps, nfe=found.nfe)
        if not np.isfinite(found.error).all():
            return replace(ran, status="diverged", message=found.message), None
        median, rms = float(np.median(found.error)), float(np.sqrt(np.mean(found.error**2)))
        return replace(ran, status="ranked", median=median, rms=rms, seconds=found.seconds), found.error
    return replace(
        none, message=message("its first step asks more often than the budget of {nfe} allows", nfe=nfe)
    ), None


def _times(bench: Bench, grid: GridChoice, steps: int) -> Tensor:
    times, ends = grid_of(bench.timed, bench.problem, steps, grid), bench.ends
    if not torch.equal(times[[0, -1]], ends):
        raise ValueError(
            message(
                "goes from t = {first:g} to {last:g}, the others from {start:g} to {end:g}: such errors "
                "cannot be compared",
                first=float(times[0]),
                last=float(times[-1]),
                start=float(ends[0]),
                end=float(ends[1]),
            )
        )
    return times


def _measure(bench: Bench, choice: SolverChoice, times: Tensor, count: int, report: Report, stop: Stop) -> _Measured:
    spec, x = bench.timed, bench.x[:count]
    key = (
        *(spec.data, bench.problem.schedule, choice, spec.seed, spec.particles),
        *(x.dtype, tuple(x.shape), tuple(times.tolist())),
    )
    kept = _runs.get(key)
    if kept is not None:
        return kept

    def progress(done: int, total: int) -> None:
        report(done / total, message("running {solver}", solver=choice.label))

    taken: list[float] = []
    while not taken or (count == spec.particles and taken[0] < BRIEF and len(taken) < 3):
        run = solve(
            bench.problem, choice.name, times, x, spec.seed, False, progress, cancel=stop, **dict(choice.options)
        )
        if run.cancelled:
            raise Cancelled(run.message)
        taken.append(run.seconds)
    error = particle_error(run.final.cpu(), bench.reference[:count]).numpy()
    found = _Measured(run.nfe, error, min(taken), run.message)
    return _runs.put(key, found, 500 + error.nbytes + 8 * len(times))
