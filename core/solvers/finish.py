"""What can be added to any deterministic solver: another last step, and predictions kept within the range of images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from torch import Tensor

from core.problem import Level, Problem, levels_at
from core.solvers.base import Context, Solver
from core.solvers.charts import RHO
from core.solvers.info import SolverOption
from core.solvers.runge_kutta import EULER, RungeKutta
from core.solvers.thresholding import ThresholdedProblem

_EULER = RungeKutta(EULER, RHO)

OPTIONS = {
    "final": SolverOption(
        "solver",
        "The last step: the solver's own, one Euler step (DDIM) in its place, or the solver's own and then the "
        "predicted clean data, which costs one evaluation and goes on to no noise at all.",
        ("solver", "euler", "denoise"),
    ),
    "thresholding": SolverOption(
        "none",
        "Keep predicted clean images within [-1, 1]: cut them off (static), or shrink each by its 99.5 % quantile "
        "first (dynamic). Tames strong guidance, and bends the equation; not meant for 2-D data.",
        ("none", "static", "dynamic"),
    ),
}

CITE = {("thresholding", "dynamic"): ("saharia2022imagen",)}  # options with a work of their own


class _Plan(NamedTuple):
    own: Sequence[Any]
    last: Any
    end: Level


@dataclass(frozen=True)
class Finish(Solver):
    """``solver`` with another last step or with thresholding.

    Attributes
    ----------
    solver : what takes the steps.
    final : "solver", "euler" or "denoise".
    thresholding : "none", "static" or "dynamic" (Saharia et al. 2022, arXiv 2205.11487, section 2.3).

    NFE per step: that of ``solver``; "denoise" adds one to the last step.
    """

    solver: Solver
    final: str
    thresholding: str

    def plan(self, problem: Problem, times: Tensor) -> Sequence[Any]:
        end = levels_at(problem.schedule, times[-1:])[0]
        if self.final != "euler":
            whole = _Plan(self.solver.plan(problem, times), None, end)
        else:
            own = self.solver.plan(problem, times[:-1]) if len(times) > 2 else []
            whole = _Plan(own, _EULER.plan(problem, times[-2:]), end)
        return [whole] * (len(times) - 1)

    def step(self, context: Context, i: int, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        whole: _Plan = context.plan[i]
        problem = context.problem
        if self.thresholding != "none":
            problem = ThresholdedProblem(problem, self.thresholding)
        last = i == len(context.plan) - 1
        if last and self.final == "euler":
            return _EULER.step(replace(context, problem=problem, plan=whole.last), 0, x, None)
        x_next, state = self.solver.step(replace(context, problem=problem, plan=whole.own), i, x, state)
        if last and self.final == "denoise":
            x_next = problem.predict(x_next, whole.end, "x0")
        return x_next, state
