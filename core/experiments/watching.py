"""Where along its way a solver asks the model, and which way the answer points; and a path from a chosen point."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.analysis import rms_error
from core.experiments.build import Stop, solved_reference
from core.experiments.specification import TrajectoriesSpec
from core.models.predictions import convert
from core.problem import Problem, levels_at
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS

WATCHED = 8_000  # queries kept of all solvers together, about: enough to follow every particle of a usual picture


@dataclass(frozen=True)
class Watched:
    """Every evaluation of one run for its first particles.

    Attributes
    ----------
    step : (C,) the step (from 0) that asked.
    log_snr : (C,) lambda of the question.
    x : (C, W, D) where it was asked; slope : (C, W, D), ``dx/dlambda`` of the PF-ODE by the answer.
    """

    step: np.ndarray
    log_snr: np.ndarray
    x: np.ndarray
    slope: np.ndarray


@dataclass(frozen=True)
class Placed:
    """The paths from one point that the user placed, of every solver and of the reference.

    Attributes
    ----------
    step : index of the grid's time at which it starts; point : (2,).
    reference : (R + 1, 2), as dense as the picture's reference.
    states : one (K + 1, 2) a solver, shorter where it broke off; errors : RMS distance to the reference at the end,
        NaN with noise or without an end.
    watched : one a solver.
    """

    step: int
    point: np.ndarray
    reference: np.ndarray
    states: tuple[np.ndarray, ...]
    errors: tuple[float, ...]
    watched: tuple[Watched, ...]


def how_many(particles: int, steps: int, solvers: int) -> int:
    """How many particles to watch: all of a usual picture, fewer where there are many steps or solvers."""
    return max(1, min(particles, WATCHED // (2 * steps * solvers)))


def watched(problem: Problem, run: Run) -> Watched:
    """The evaluations of ``run`` as arrays.

    The slope is that of the PF-ODE per unit of lambda, ``dx/dlambda = (f / lambda') x - sigma eps``, which makes
    schedules comparable. Source: Lu et al. 2022 (arXiv 2206.00927), eq. 3.4 in lambda.
    """
    shape = tuple(problem.model.shape)
    if not run.watched:
        empty = np.zeros((0, 0, int(np.prod(shape))))
        return Watched(np.zeros(0, dtype=int), np.zeros(0), empty, empty)
    pairs = torch.tensor([(one.alpha, one.sigma) for _, one in run.watched], dtype=torch.float64)
    lam = torch.log(pairs[:, 0] / pairs[:, 1])
    levels = levels_at(problem.schedule, problem.schedule.time_of(lam))
    slopes = []
    for (_, one), level in zip(run.watched, levels, strict=True):
        eps = convert(one.value, one.kind, "eps", one.x, one.alpha, one.sigma)
        slopes.append((level.f / level.d_lam) * one.x - one.sigma * eps)
    return Watched(
        step=np.array([step for step, _ in run.watched]),
        log_snr=lam.numpy(),
        x=_flat([one.x for _, one in run.watched]),
        slope=_flat(slopes),
    )


def _flat(values: list[Tensor]) -> np.ndarray:
    return torch.stack(values).flatten(2).detach().cpu().numpy()


def place(problem: Problem, spec: TrajectoriesSpec, times: Tensor, dense: Tensor, stop: Stop) -> Placed | None:
    """Carry the point of ``spec.start`` from its time to the data; None if there is none.

    Parameters
    ----------
    times : (S + 1,) of the grid; dense : (S * inner + 1,) of the reference, which holds all of them.

    Each solver begins there afresh: a multistep method has no past yet.
    """
    if spec.start is None:
        return None
    *point, step = spec.start
    x = torch.tensor([point], dtype=torch.float64)
    inner = (len(dense) - 1) // (len(times) - 1)
    reference = solved_reference(problem, spec.data, dense[step * inner :], x, stop)
    runs = []
    for choice in spec.solvers:
        run = solve(problem, choice.name, times[step:], x, spec.seed, cancel=stop, watch=1, **dict(choice.options))
        if run.cancelled:
            raise Cancelled(run.message)
        runs.append(run)
    return Placed(
        step=step,
        point=np.array(point),
        reference=reference.states[:, 0].numpy(),
        states=tuple(run.states[:, 0].numpy() for run in runs),
        errors=tuple(
            float("nan") if SOLVERS[choice.name].stochastic else rms_error(run.final, reference.states[-1])
            for choice, run in zip(spec.solvers, runs, strict=True)
        ),
        watched=tuple(_later(watched(problem, run), step) for run in runs),
    )


def _later(seen: Watched, step: int) -> Watched:
    return Watched(seen.step + step, seen.log_snr, seen.x, seen.slope)
