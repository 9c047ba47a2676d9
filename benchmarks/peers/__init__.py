"""Other people's sampling loops, handed our model, our noise levels and our starting noise."""

from benchmarks.peers import diffusers_loops, dpm_solver_loops, k_diffusion_loops
from benchmarks.peers.contest import Contest, Loop

__all__ = ["Contest", "Loop", "found"]


def found(dpm_solver: str | None) -> list[Loop]:
    """Every loop whose library is there; the others are named with the reason.

    Parameters
    ----------
    dpm_solver : path of ``dpm_solver_pytorch.py`` from the repository LuChengTHU/dpm-solver, which is not on PyPI.
    """
    loops: list[Loop] = []
    for make in (diffusers_loops.loops, k_diffusion_loops.loops, lambda: dpm_solver_loops.loops(dpm_solver)):
        try:
            loops += make()
        except ImportError as reason:
            print(f"left out: {reason}")
    return loops
