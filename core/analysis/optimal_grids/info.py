"""What a grid made for a problem is trained on, and the table of ways to make one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.analysis.optimal_grids.knots import resampled
from core.grids import GridInfo, check_steps
from core.language import message
from core.problem import Problem
from core.registry import Registry
from core.solve import Cancelled, solve

MOST_TRAINED = 24  # steps: a grid of more is drawn through the knots of one of this many

Report = Callable[[float, str], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Training:
    """Particles that a grid is trained on, with the exact solution from each.

    Attributes
    ----------
    problem : model and schedule.
    x : (N, ...) noise at ``t_start``, float64.
    end : (N, ...) float64, where the exact flow carries it at ``t_end``.
    t_start, t_end : first and last time.
    seed : of the noise, and of any further draw that a rule makes.
    report, stop : progress (0 to 1 and what is being done), and whether to give up.
    """

    problem: Problem
    x: Tensor
    end: Tensor
    t_start: float
    t_end: float
    seed: int
    report: Report
    stop: Stop

    def check(self) -> None:
        """Raise ``Cancelled`` if the work should stop."""
        if self.stop():
            raise Cancelled("cancelled while a time grid was being made")


@dataclass(frozen=True)
class OptimisedInfo(GridInfo):
    """A way to make a grid for a problem.

    As :class:`core.grids.GridInfo`, but ``place`` is ``(training, steps, **options) -> times``, (steps + 1,) float64
    with the ends of the training, for at most ``MOST_TRAINED`` steps.
    """


OPTIMISED: Registry[OptimisedInfo] = Registry("optimised time grid")


def train_on(
    problem: Problem,
    particles: int,
    seed: int,
    t_start: float | None = None,
    t_end: float | None = None,
    end: Callable[[Tensor, Tensor], Tensor] | None = None,
    report: Report = lambda fraction, doing: None,
    stop: Stop = lambda: False,
) -> Training:
    """Draw noise and solve from it.

    Parameters
    ----------
    t_start, t_end : the range of the schedule by default.
    end : ``(times, x) -> (N, ...)``, another reference than DOP853 at tolerance 1e-12, for models whose answers are
        rougher than that.

    Raises
    ------
    ValueError
        If the times lie outside the schedule, or there is no particle, or no finite reference.
    Cancelled
        When ``stop`` says so.
    """
    span = problem.schedule
    first = span.t_max if t_start is None else float(t_start)
    last = span.t_min if t_end is None else float(t_end)
    if not span.t_min <= last < first <= span.t_max:
        raise ValueError(
            message(
                "a grid from t = {first:g} to {last:g} does not fit; it needs {low:g} <= t_end < t_start <= {high:g}",
                first=first,
                last=last,
                low=span.t_min,
                high=span.t_max,
            )
        )
    times = torch.tensor([first, last], dtype=torch.float64)
    x = problem.sample_prior(particles, first, seed, torch.float64)
    if end is None:
        run = solve(problem, "reference", times, x, record=False, cancel=stop)
        if run.cancelled:
            raise Cancelled(run.message)
        reached = run.final
    else:
        reached = end(times, x)
    if not bool(torch.isfinite(reached).all()):
        raise ValueError(
            message("the reference from the training particles broke off, so no grid can be trained on them")
        )
    return Training(problem, x, reached.double(), first, last, seed, report, stop)


def make_optimised(name: str, training: Training, steps: int, **options: Any) -> Tensor:
    """A grid made for the problem of ``training``: (steps + 1,) float64, from its first to its last time.

    Beyond ``MOST_TRAINED`` steps the grid of that many is trained and a monotone curve of lambda is drawn through it.
    The same training and options give the same grid.

    Raises
    ------
    ValueError
        On an unknown name or option, a step count out of range, or a problem that the rule cannot serve.
    Cancelled
        When the training's ``stop`` says so.
    """
    info = OPTIMISED[name]
    check_steps(steps)
    training.check()
    values = info.values(name, options)
    if steps == 1:
        return torch.tensor([training.t_start, training.t_end], dtype=torch.float64)
    times = info.place(training, min(steps, MOST_TRAINED), **values)
    return times if steps <= MOST_TRAINED else resampled(training.problem.schedule, times, steps)
