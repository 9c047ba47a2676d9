"""Guided sampling with the push of the guidance split off: the model in large, clever steps, the push in plain ones.

In ``y = x/alpha`` and ``rho = sigma/alpha`` a guided model is ``dy/drho = base(y, rho) + push(y, rho)``, both in units
of eps. On a model without guidance the push is zero and what is left is the step of the base.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from torch import Tensor

from core.models.base import BASE, PUSH
from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver

# Adams and Bashforth's weights for even steps, newest first
EVEN = {
    1: (1.0,),
    2: (3 / 2, -1 / 2),
    3: (23 / 12, -16 / 12, 5 / 12),
    4: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}


class Interval(NamedTuple):
    """Both ends of a step."""

    cur: Level
    nxt: Level

    @property
    def length(self) -> float:
        """The step in rho, negative."""
        return self.nxt.rho - self.cur.rho


class Splitting(Solver):
    """Steps in y that treat base and push in turn."""

    def plan(self, problem: Problem, times: Tensor) -> Sequence[Interval]:
        return [Interval(cur, nxt) for cur, nxt in pairwise(levels_at(problem.schedule, times))]

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        interval: Interval = context.plan[i]
        y, state = self._advance(context.problem, interval, x / interval.cur.alpha, state)
        return y * interval.nxt.alpha, state

    @abstractmethod
    def _advance(self, problem: Problem, interval: Interval, y: Tensor, state: Any) -> tuple[Tensor, Any]: ...


@dataclass(frozen=True)
class Plms(Splitting):
    """The base by Adams and Bashforth's rule for even steps, the push by Euler steps: LTSP and STSP.

    LTSP: ``y += drho push(y, rho)``, then the base. STSP: half of the push, the base, and the other half with the
    gradient at the new place and time and the sigma of mid-rho (as its authors' code has it).

    Attributes
    ----------
    nodes : slopes of the base in the rule, 1 to 4; the first steps have fewer.
    halves : whether the push is split in two (STSP).

    Order 1 both: Euler's half steps lose half of the push's own second-order term, so that the symmetric form does not
    reach the order 2 of Strang's splitting. NFE per step: those of the base and of one or two pushes.
    Source: Wizadwongsa and Suwajanakorn 2023 (arXiv 2301.11558), algorithms 1 and 2.
    """

    nodes: int
    halves: bool

    def _advance(self, problem: Problem, interval: Interval, y: Tensor, state: Any) -> tuple[Tensor, Any]:
        cur, nxt = interval
        share = 0.5 if self.halves else 1.0
        y = y + (share * interval.length) * problem.predict(y * cur.alpha, cur, PUSH)
        slopes = (problem.predict(y * cur.alpha, cur, BASE), *(state or ()))[: self.nodes]
        y = y + interval.length * sum(w * slope for w, slope in zip(EVEN[len(slopes)], slopes, strict=True))
        if self.halves:
            at_middle = 0.5 * (cur.rho + nxt.rho) / nxt.rho
            y = y + (share * interval.length * at_middle) * problem.predict(y * nxt.alpha, nxt, PUSH)
        return y, slopes[: self.nodes - 1]


@dataclass(frozen=True)
class Strang(Splitting):
    """Half of the push, the base, half of the push, each by Heun's rule: the symmetric splitting, of order 2.

    The push runs with the time held at its end of the step, where it is a field of y alone; the base carries the time.
    NFE per step: two of the base and four pushes.
    Source: Strang 1968; Hairer, Lubich and Wanner, Geometric Numerical Integration, section II.5.
    """

    def _advance(self, problem: Problem, interval: Interval, y: Tensor, state: Any) -> tuple[Tensor, Any]:
        cur, nxt = interval
        y = self._pushed(problem, cur, y, 0.5 * interval.length)
        slope = problem.predict(y * cur.alpha, cur, BASE)
        ahead = problem.predict((y + interval.length * slope) * nxt.alpha, nxt, BASE)
        y = y + (0.5 * interval.length) * (slope + ahead)
        return self._pushed(problem, nxt, y, 0.5 * interval.length), None

    @staticmethod
    def _pushed(problem: Problem, level: Level, y: Tensor, length: float) -> Tensor:
        slope = problem.predict(y * level.alpha, level, PUSH)
        ahead = problem.predict((y + length * slope) * level.alpha, level, PUSH)
        return y + (0.5 * length) * (slope + ahead)
