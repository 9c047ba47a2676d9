"""How a solver is written: an immutable description that plans a grid once and then takes one step at a time.

To write a solver, subclass :class:`Solver` with a frozen dataclass (or add a row to an engine that exists):

1. ``plan(problem, times)`` computes every coefficient of every step, once, in float64;
2. ``step(context, i, x, state)`` goes from ``times[i]`` to ``times[i + 1]`` and returns the new particles and the new
   state (past predictions, for example). Nothing is kept on ``self``; evaluations are counted at the model.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from core.problem import Problem
from core.solvers.brownian import BrownianPath
from core.solvers.control import Attempt


@dataclass(frozen=True)
class Context:
    """What a run hands to every step.

    Attributes
    ----------
    problem : the problem, with a model that counts its evaluations.
    plan : what ``Solver.plan`` returned.
    path : Brownian motion over the run's time span, for stochastic solvers.
    record : whether the states between the ends are kept.
    interrupt : raises when the run is to be stopped; long steps call it between evaluations.
    journal : where an adaptive solver writes its attempts.
    pieces : where a solver that knows its path between recorded times leaves it; None where nobody asks.
    """

    problem: Problem
    plan: Sequence[Any]
    path: BrownianPath
    record: bool
    interrupt: Callable[[], None]
    journal: list[Attempt] = field(default_factory=list)
    pieces: list[Any] | None = None


class Solver(ABC):
    """An immutable recipe for one step."""

    @abstractmethod
    def plan(self, problem: Problem, times: Tensor) -> Sequence[Any]:
        """Coefficients of every interval of ``times`` (shape (S + 1,), float64, decreasing); length S."""

    @abstractmethod
    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Carry ``x`` over interval ``i``; ``state`` is None in the first step of a run."""
