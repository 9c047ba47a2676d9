"""A grid in the manner of GITS: the cheapest way along a fine teacher path."""

import numpy as np
import torch
from torch import Tensor

from core.analysis.optimal_grids.info import OPTIMISED, OptimisedInfo, Training
from core.analysis.optimal_grids.knots import cheapest
from core.grids import make_grid
from core.language import message
from core.options import Option
from core.solve import Cancelled, solve

NODES = 60  # intervals of the teacher's path
COEFFICIENT = 1.15  # the published weight of later costs
TEACHER = "dpmpp-3m"


def _off_chord(y: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Distance of each particle, (..., N, M) numbers in one row, from the line from ``first`` to ``last``."""
    along = torch.nn.functional.normalize(last - first, dim=-1)
    away = y - first
    return (away - (away * along).sum(-1, keepdim=True) * along).norm(dim=-1)


def _deviation(jumped: Tensor, states: Tensor, path: Tensor) -> Tensor:
    # how much further from the chord a jump lands than the teacher is there
    return (_off_chord(jumped, path[0], path[-1]) - _off_chord(states, path[0], path[-1])).abs()


COSTS = {
    "l2": lambda jumped, states, path: (jumped - states).norm(dim=-1),
    "l1": lambda jumped, states, path: (jumped - states).abs().sum(dim=-1),
    "deviation": _deviation,
}


def jump_costs(rho: Tensor, path: Tensor, slopes: Tensor, kind: str) -> np.ndarray:
    """What one Euler step in rho = sigma/alpha misses: (K, K), from node i to node j > i, infinite elsewhere.

    Parameters
    ----------
    rho : (K,) falling.
    path : (K, N, M) states x/alpha of the teacher.
    slopes : (K, N, M) noise predictions there, the path's slope in rho.
    kind : a key of ``COSTS``.
    """
    if kind not in COSTS:
        raise ValueError(f"cost must be one of {', '.join(COSTS)}, got {kind!r}")
    costs = np.full((len(rho), len(rho)), np.inf)
    for i in range(len(rho) - 1):
        jumped = path[i] + (rho[i + 1 :] - rho[i])[:, None, None] * slopes[i]
        costs[i, i + 1 :] = COSTS[kind](jumped, path[i + 1 :], path).mean(-1).numpy()
    return costs


def _teacher(training: Training, times: Tensor) -> tuple[Tensor, Tensor]:
    """States x/alpha along the teacher's path and its slopes, (K, N, M) float64."""

    def told(done: int, steps: int) -> None:
        training.report(0.9 * done / steps, message("following the teacher"))

    problem = training.problem
    # not the exact path but a run with steps as small as the nodes, as published
    run = solve(problem, TEACHER, times, training.x, training.seed, progress=told, cancel=training.stop)
    if run.cancelled:
        raise Cancelled(run.message)
    if not run.complete:
        raise ValueError(
            message("the teacher's path broke off, so no grid can be chosen along it: {why}", why=run.message)
        )
    with torch.no_grad():
        slopes = torch.stack([problem.eps(x, float(t)) for x, t in zip(run.states, times, strict=True)])
    shape = (-1, *[1] * (training.x.ndim))
    path = run.states / problem.schedule.alpha(times).reshape(shape)
    return path.flatten(2).double(), slopes.flatten(2).double()


def chosen(training: Training, steps: int, cost: str = "l2", coefficient: float = COEFFICIENT) -> Tensor:
    """The cheapest ``steps`` jumps along the teacher's path: (steps + 1,) times."""
    span = training.problem.schedule
    fine = make_grid("karras", span, NODES, training.t_start, training.t_end)
    path, slopes = _teacher(training, fine)
    knots = cheapest(jump_costs(span.rho(fine), path, slopes, cost), steps, coefficient)
    training.report(1.0, message("choosing the steps"))
    return fine[knots]


OPTIMISED.add(
    "gits",
    OptimisedInfo(
        "GITS style",
        "Long steps where the paths are straight, short ones where they bend, chosen along a fine teacher path.",
        r"V_k(i) = \min_{j>i}\ c_{ij} + 1.15\,V_{k-1}(j),\quad c_{ij}\text{: what one Euler step from node }i"
        r"\text{ misses at node }j",
        "GITS, 2405.11326",
        chosen,
        {
            "cost": Option(
                "l2",
                "What a step is charged for: its distance from the teacher (l2, l1), or how much further than that it "
                "is from the line from noise to data (deviation).",
                choices=tuple(COSTS),
                title="Cost of a step",
            ),
            "coefficient": Option(
                COEFFICIENT,
                "Weight of what comes after a step, 0.5 to 2. 1.15 is the paper's; 1 adds costs up.",
                title="Weight of later steps",
                low=0.5,
                high=2.0,
            ),
        },
    ),
)
