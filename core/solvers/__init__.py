"""Solvers: the engines and the table of methods that they run."""

from core.solvers import rows  # noqa: F401 (fills the table)
from core.solvers.base import Context, Solver
from core.solvers.brownian import BrownianPath
from core.solvers.info import SOLVERS, Peer, SolverInfo, SolverOption

__all__ = ["SOLVERS", "BrownianPath", "Context", "Peer", "Solver", "SolverInfo", "SolverOption"]
