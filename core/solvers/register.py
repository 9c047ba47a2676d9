"""How an entry joins the table of solvers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.solvers import finish
from core.solvers.base import Solver
from core.solvers.info import SOLVERS, SolverInfo


def register(name: str, **facts: Any) -> None:
    """Add one solver to ``SOLVERS``; one that takes fixed steps and draws no noise gets the options of its end."""
    info = SolverInfo(**facts)
    if not (info.adaptive or info.stochastic):
        info = replace(info, options=info.options | finish.OPTIONS, build=_finished(info.build))
    SOLVERS.add(name, replace(info, name=name))


def _finished(build: Callable[..., Solver]) -> Callable[..., Solver]:
    def finished(final: str, thresholding: str, **options: Any) -> Solver:
        solver = build(**options)
        changed = final != "solver" or thresholding != "none"
        return finish.Finish(solver, final, thresholding) if changed else solver

    return finished
