"""The best standard solver and grid beside the best optimised one, at few evaluations on the ring of Gaussians.

    python -m benchmarks.grids [--schedules vp-linear,edm] [--nfe 5,8,10,20]

The standard side is the least held-out median error over every registered fixed-step solver without noise on every
standard grid with its default options: picked with the very particles it is judged on, in its favour. Our side is
picked on the training particles alone and judged on the same held-out ones.
"""

import argparse
import time
from typing import NamedTuple

import torch

from core.analysis import median_error
from core.analysis.optimal_grids import Training, make_optimised, train_on
from core.analysis.optimal_grids.measured import training_error
from core.data import make_toy
from core.grids import GRIDS, make_grid
from core.problem import Problem
from core.schedules import SCHEDULES, make_schedule
from core.solve import solve
from core.solvers import SOLVERS

TRAINED, HELD_OUT = 128, 1024  # particles, with seeds 1 and 0
JUDGED = 40  # standard pairs, the best on the training particles, that are judged on all held-out ones
SHORTLIST = 8  # solvers tried on an optimised grid, by their standard error
ENOUGH = 0.3  # of the best standard error: no more solvers are tried


class Pair(NamedTuple):
    """A solver on a grid within the budget, and its median error on the training particles."""

    error: float
    solver: str
    grid: str
    times: torch.Tensor


def standard_pairs(training: Training, nfe: int) -> list[Pair]:
    """Every fixed-step solver on every standard grid, best first; the evaluations are counted."""
    span, pairs = training.problem.schedule, []
    for solver, info in SOLVERS.items():
        if info.stochastic or info.adaptive:
            continue
        for grid, rule in GRIDS.items():
            if not rule.fits(span):
                continue
            for steps in range(info.steps_within(nfe), 0, -1):
                try:
                    times = make_grid(grid, span, steps)
                except ValueError:
                    break  # the chain has no such grid
                data = training if not rule.own_ends else _from(training, times)
                run = solve(training.problem, solver, times, data.x, record=False)
                if run.nfe <= nfe:
                    pairs.append(Pair(float(median_error(run.final, data.end)), solver, grid, times))
                    break
    return sorted((pair for pair in pairs if pair.error == pair.error), key=lambda pair: pair.error)


_starts: dict[tuple, Training] = {}


def _from(training: Training, times: torch.Tensor) -> Training:
    """The same particles for a grid that chooses its own ends: from its first time to its last."""
    key = (training.problem.schedule, training.seed, len(training.x), float(times[0]), float(times[-1]))
    if key not in _starts:
        _starts[key] = train_on(training.problem, len(training.x), training.seed, float(times[0]), float(times[-1]))
    return _starts[key]


def best_of_ours(training: Training, pairs: list[Pair], nfe: int) -> Pair:
    """The best optimised pair on the training particles."""
    best = None
    names = [name for name in dict.fromkeys(pair.solver for pair in pairs) if not SOLVERS[name].exact_data]
    for name in names[:SHORTLIST]:
        steps = next(len(pair.times) - 1 for pair in pairs if pair.solver == name)
        times = make_optimised("optimised", training, steps, solver=name)
        error = training_error(training, name, times)
        if best is None or error < best.error:
            best = Pair(error, name, f"optimised(solver={name})", times)
        if best.error < ENOUGH * pairs[0].error:
            break
    return best


def judged(held: Training, pair: Pair, nfe: int) -> float:
    """Median error on the held-out particles; ``RuntimeError`` if the run costs more than the budget."""
    own = _from(held, pair.times)
    run = solve(held.problem, pair.solver, pair.times, own.x, record=False)
    if run.nfe > nfe:
        raise RuntimeError(f"{pair.solver} on {pair.grid} spent {run.nfe} evaluations of {nfe}")
    return float(median_error(run.final, own.end))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", default=",".join(SCHEDULES))
    parser.add_argument("--nfe", default="5,8,10,20")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    began, ratios = time.perf_counter(), []
    print("| schedule | NFE | best standard pair | median | best optimised | training | held-out | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name in asked.schedules.split(","):
        problem = Problem(make_toy("ring"), make_schedule(name))
        training, held = train_on(problem, TRAINED, 1), train_on(problem, HELD_OUT, 0)
        for nfe in map(int, asked.nfe.split(",")):
            pairs = standard_pairs(training, nfe)
            standard, pair = min(((judged(held, p, nfe), p) for p in pairs[:JUDGED]), key=lambda row: row[0])
            ours = best_of_ours(training, pairs, nfe)
            error = judged(held, ours, nfe)
            ratios.append(error / standard)
            print(
                f"| {name} | {nfe} | {pair.solver} on {pair.grid} | {standard:.2e} | {ours.solver}, "
                f"{len(ours.times) - 1} steps | {ours.error:.2e} | {error:.2e} | {ratios[-1]:.3f} |",
                flush=True,
            )
    met = sum(ratio <= 0.5 for ratio in ratios)
    print(f"\nat most half the error in {met} of {len(ratios)} rows; {time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
