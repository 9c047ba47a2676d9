"""Solvers: the engines and the table of methods that they run."""

from core.solvers.base import Context, Solver
from core.solvers.brownian import BrownianPath
from core.solvers.info import Peer, SolverInfo, SolverOption
from core.solvers.registry import SOLVERS

__all__ = ["SOLVERS", "BrownianPath", "Context", "Peer", "Solver", "SolverInfo", "SolverOption"]
