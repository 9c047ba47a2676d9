"""The table of solvers, a module a family. A new solver is one entry in one of them.

Importing this package fills ``core.solvers.SOLVERS``, in the order of the modules below, which is that of the menus.
"""

# isort: off
from core.solvers.rows import (
    runge_kutta,
    multistep,
    single_step,
    deis,
    unipc,
    dpm_v3,
    adams,
    splitting,
    adaptive,
    stochastic,
)

__all__ = [
    "adams",
    "adaptive",
    "deis",
    "dpm_v3",
    "multistep",
    "runge_kutta",
    "single_step",
    "splitting",
    "stochastic",
    "unipc",
]
