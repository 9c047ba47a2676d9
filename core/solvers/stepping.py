"""Solvers that choose their own steps: an embedded pair and a controller."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from torch import Tensor

from core.language import message
from core.problem import Level, Problem, levels_at
from core.solvers.adaptive import TOO_SHORT, StepSizeVanished
from core.solvers.base import Context, Solver
from core.solvers.control import Attempt, Controller
from core.solvers.embedded import Pair, Trial

MOST_ATTEMPTS = 20_000


class _Interval(NamedTuple):
    cur: Level
    next: Level
    last: Level


class _Progress(NamedTuple):
    """Where a run stands: beyond the grid's next time, or on the way there."""

    before: Level  # of the step last accepted, whose states inside are known
    here: Level
    x: Tensor
    previous: Tensor  # its lower answer
    h: float
    errors: tuple[float, ...]
    known: Any
    trial: Trial | None
    attempts: int


@dataclass(frozen=True)
class Adaptive(Solver):
    """Try a step; keep the better answer if the two differ by less than the tolerance; set the next length.

    The steps do not depend on the grid: states at its inner times are read off the step that covers them, without
    further evaluations, and the last from a step that ends there. The model is asked in float64 whatever the particles'
    precision, since rounded answers would keep the error control from ever being content.

    Attributes
    ----------
    pair : the two methods.
    controller : how the step follows the error.
    rtol, atol : relative and absolute tolerance.
    h_min, h_max : bounds of a step in the pair's variable (t, or lambda for the exponential pairs). A run whose error
        asks for less than ``h_min`` stops with a message; the last step may be shorter.

    Every attempt is written to the run's journal; rejected ones cost their evaluations all the same.
    """

    pair: Pair
    controller: Controller
    rtol: float
    atol: float
    h_min: float
    h_max: float

    def plan(self, problem: Problem, times: Tensor) -> Sequence[_Interval]:
        levels = levels_at(problem.schedule, times)
        return [_Interval(cur, nxt, levels[-1]) for cur, nxt in pairwise(levels)]

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        interval: _Interval = context.plan[i]
        progress: _Progress = state if state is not None else self._begin(context, interval, x.double())
        target = self.pair.position(interval.next)
        while self.pair.position(progress.here) < target:
            context.interrupt()
            progress = self._advance(context, interval.last, progress)
        if progress.here.t == interval.next.t or progress.trial is None:
            return progress.x.to(x), progress
        return progress.trial.inside(interval.next).to(x), progress

    def _begin(self, context: Context, interval: _Interval, x: Tensor) -> _Progress:
        h, known = self.pair.first_step(context.problem, interval.cur, x, self.rtol, self.atol)
        if not math.isfinite(h):
            raise StepSizeVanished(message("the model's prediction is not finite at the start"))
        h = min(max(h, self.h_min), self.h_max)
        return _Progress(interval.cur, interval.cur, x, x, h, (), known, None, 0)

    def _advance(self, context: Context, last: Level, progress: _Progress) -> _Progress:
        """One attempt; the progress that it made, or the same place with a shorter step."""
        problem, pair = context.problem, self.pair
        position, end = pair.position(progress.here), pair.position(last)
        rest = end - position
        if progress.attempts >= MOST_ATTEMPTS:
            raise StepSizeVanished(message("more than {most:,} attempts were needed", most=MOST_ATTEMPTS))
        h = min(progress.h, self.h_max, rest)
        if h < 1e-13 * max(abs(position), abs(end)) and h < rest:
            raise StepSizeVanished(message(TOO_SHORT))
        nxt = last if h == rest else pair.level_at(problem, position + h)
        trial = pair.attempt(problem, progress.here, nxt, progress.x, progress.known)
        error = pair.error(trial, progress.x, progress.previous, self.rtol, self.atol)
        accepted = error <= 1
        context.journal.append(
            Attempt(progress.here.t, nxt.t, error, accepted, trial.asked * problem.model.evaluations)
        )
        errors = (error, *progress.errors)[:3]
        longer = h * self.controller.factor(errors, pair.order, accepted)
        if not accepted:
            if longer < self.h_min:
                raise StepSizeVanished(
                    message("the error control asks for a step below h_min = {h_min:g}", h_min=self.h_min)
                )
            return progress._replace(h=longer, attempts=progress.attempts + 1)
        longer = max(longer, self.h_min)
        return _Progress(
            progress.here, nxt, trial.high, trial.low, longer, errors, trial.known, trial, progress.attempts + 1
        )
