"""The grid with the least measured error: a solver is run, its knots are moved, and it is run again."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import Tensor

from core.analysis.errors import median_error
from core.analysis.optimal_grids.gits import NODES, chosen
from core.analysis.optimal_grids.info import OPTIMISED, OptimisedInfo, Training
from core.analysis.optimal_grids.knots import logs_of, times_of
from core.grids import GRIDS, make_grid
from core.language import message
from core.options import Option
from core.solve import Cancelled, solve
from core.solvers import SOLVERS

STARTS = 2  # standard grids that the search begins at, the best for the solver first; then the GITS-style one
ROUNDS = 3  # of least squares; each sets the scale of the error anew
CALLS = 14  # of each round, gradients not counted
GAIN = 1e-5  # of the objective: a round that gains less in a move is over
SHARE = 0.5  # of the median error: larger errors count by their logarithm alone
DIFFERENCE = 1e-4  # in the logarithm of a step: small against its effect, large against rounding
LOST = 1e3  # stands for the error of a run that diverged
TINY = 1e-13


def _end(training: Training, solver: str, times: Tensor) -> Tensor:
    training.check()
    run = solve(training.problem, solver, times, training.x, training.seed, record=False, cancel=training.stop)
    if run.cancelled:
        raise Cancelled(run.message)
    return run.final


def training_error(training: Training, solver: str, times: Tensor) -> float:
    """Median over the training particles of the error at the end; infinite for a run that diverged."""
    return float(torch.nan_to_num(torch.tensor(median_error(_end(training, solver, times), training.end)), nan=np.inf))


def starting_grids(training: Training, solver: str, steps: int) -> list[tuple[float, str, Tensor]]:
    """The solver's error on every standard grid with the training's ends, best first: error, name, times."""
    span, tried = training.problem.schedule, []
    for name, info in GRIDS.items():
        if info.own_ends or not info.fits(span):
            continue
        times = make_grid(name, span, steps, training.t_start, training.t_end)
        tried.append((training_error(training, solver, times), name, times))
    return sorted(tried, key=lambda row: row[0])


def _optimised(training: Training, steps: int, solver: str) -> Tensor:
    """Least squares on the logarithms of the steps in lambda, from several standard grids.

    The loss of each number d of each particle's error is log(1 + (d/s)^2), with s half the median size: near the
    median it is a square, and the few particles that end in another mode count by their logarithm alone. The result's
    median error on the training particles is never above that of the best standard grid.
    """
    span = training.problem.schedule
    starts = starting_grids(training, solver, steps)
    best, _, times = starts[0]
    begins = [(GRIDS[name].title, begun) for _, name, begun in starts[:STARTS]]
    if steps <= NODES // 2:
        begins.append((OPTIMISED["gits"].title, chosen(replace(training, report=_unheard), steps)))
    for place, (title, begun) in enumerate(begins):
        told = partial(
            _told,
            training,
            place / len(begins),
            1 / len(begins),
            message("moving the steps of: {grid}", grid=message(title)),
        )
        logs = _descent(training, solver, logs_of(span, begun), told)
        found = times_of(span, logs, training.t_start, training.t_end)
        error = training_error(training, solver, found)
        if error < best:
            best, times = error, found
    return times


def _unheard(fraction: float, doing: str) -> None:
    """Where a part of the work is too short to report."""


def _told(training: Training, begun: float, share: float, doing: str, fraction: float) -> None:
    training.report(begun + share * fraction, doing)


def _descent(training: Training, solver: str, logs: np.ndarray, told: Callable[[float], None]) -> np.ndarray:
    span, calls = training.problem.schedule, 0
    most = ROUNDS * CALLS * (len(logs) + 1)

    def residuals(moved: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        told(min(1.0, calls / most))
        times = times_of(span, moved, training.t_start, training.t_end)
        if not bool((times.diff() < 0).all()):
            return np.full(training.end.numel(), LOST)  # knots that fall together are no grid
        missed = (_end(training, solver, times).double() - training.end).flatten().cpu().numpy()
        return np.clip(np.nan_to_num(missed, nan=LOST), -LOST, LOST)

    def slopes(at: np.ndarray) -> np.ndarray:
        # the same difference for every knot: SciPy's own is a share of the number, which is 0 on an even grid
        here = residuals(at)
        return np.stack([(residuals(at + DIFFERENCE * one) - here) / DIFFERENCE for one in np.eye(len(at))], axis=1)

    for _ in range(ROUNDS):
        scale = max(SHARE * float(np.median(np.abs(residuals(logs)))), TINY)
        found = least_squares(
            residuals, logs, slopes, loss="cauchy", f_scale=scale, max_nfev=CALLS, ftol=GAIN, xtol=GAIN
        )
        logs = found.x - found.x.mean()
    return logs


OPTIMISED.add(
    "optimised",
    OptimisedInfo(
        "Optimised for a solver",
        "The steps are moved until the solver's own error at the end, measured on training particles, stops falling.",
        r"\min_{\lambda_1<\dots<\lambda_{S-1}} \sum_n \log\left(1 + |\hat x_n(\lambda)-x_n|^2/s^2\right),"
        r"\quad s = \tfrac12\,\mathrm{median}",
        "measured here; the idea of a grid for a solver: Watson et al., 2106.03802",
        _optimised,
        {
            "solver": Option(
                "dpmpp-2m",
                "Solver whose error is made small. The grid suits it and no other.",
                choices=tuple(n for n, i in SOLVERS.items() if not (i.stochastic or i.adaptive)),
                title="Solver that the grid is for",
            )
        },
    ),
)
