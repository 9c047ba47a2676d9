"""How far one run ends from the reference, particle by particle: kept, since several pages ask for the same runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import AfterValidator
from torch import Tensor

from core.analysis import particle_error
from core.experiments.build import Report, Stop
from core.experiments.kept import Kept
from core.experiments.specification import MAX_IMAGE_STEPS, MAX_TOY_STEPS, Data, SolverChoice
from core.problem import Problem
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS


def _fixed_step(choice: SolverChoice) -> SolverChoice:
    info = SOLVERS[choice.name]
    if info.stochastic or info.adaptive:
        why = "draws noise, so it has no error against the ODE" if info.stochastic else "chooses its own steps"
        raise ValueError(f"{choice.label} {why}; choose solvers without noise that take the steps of the grid")
    return choice


FixedStep = Annotated[SolverChoice, AfterValidator(_fixed_step)]


def check_rising(data: Data, counts: Sequence[int]) -> None:
    """Raise ``ValueError`` unless the step counts rise and are within reach for these data."""
    most = MAX_TOY_STEPS if data.kind == "toy" else MAX_IMAGE_STEPS
    if min(counts) < 1 or max(counts) > most:
        raise ValueError(f"step counts for {data.kind} data go from 1 to {most}, got {', '.join(map(str, counts))}")
    if any(b <= a for a, b in pairwise(counts)):
        raise ValueError(f"step counts must rise, got {', '.join(map(str, counts))}")


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
    x: Tensor,
    reference: Run,
    seed: int,
    report: Report,
    stop: Stop,
) -> EndError:
    """One run from ``x`` along ``times`` against the end of ``reference``, whose path ``x`` lies on.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    """
    key = (
        *(data, problem.schedule, choice, seed, x.dtype, tuple(x.shape)),
        *(float(reference.times[0]), tuple(times.tolist())),
    )
    kept = _ends.get(key)
    if kept is not None:
        return kept

    def progress(done: int, total: int) -> None:
        report(done / total, f"running {choice.label}")

    run = solve(problem, choice.name, times, x, seed, False, progress=progress, cancel=stop, **dict(choice.options))
    if run.cancelled:
        raise Cancelled(run.message)
    error = particle_error(run.final.cpu(), reference.final.cpu()).numpy()
    return _ends.put(key, EndError(run.steps, run.nfe, error, run.message), 500 + error.nbytes + 8 * len(times))
