"""What the loop around a model costs: 20 steps of every solver here, and of the same methods in other libraries.

Everyone asks the same exact mixture at the same noise levels in float32. Times are given as multiples of the bare model
calls that the run made, medians over rounds in which the contestants take turns in alternating order. The second table
times a whole sweep: 8 solvers with 8 step counts each on 4,096 particles in float64.

Run it with ``make bench``, or ``python -m benchmarks.solvers [--rounds 15] [--particles 20000 256]
[--dpm-solver path/to/dpm_solver_pytorch.py] [--solvers dpmpp-2m ...]``.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.peers import Loop, found
from benchmarks.peers.contest import EDM, STEPS, VP, Contest, eight_modes
from core.grids import make_grid
from core.models.ledger import CountedModel
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve
from core.solvers import SOLVERS

SWEPT = ("ddim", "dpm-2m", "dpmpp-2m", "dpmpp-3m", "deis-tab-2", "deis-rhoab-2", "unipc-bh2-2", "ipndm-4")
COUNTS = (5, 10, 20, 40, 80, 160, 320, 640)
OURS = "Solverscope"


class Contestant(NamedTuple):
    """One loop, and the model calls that it makes."""

    library: str
    solver: str
    run: Callable[[], Tensor]
    bare: Callable[[], None]
    start: Tensor


def contestant(library: str, solver: str, contest: Contest, x: Tensor, run: Callable[[Problem, Tensor], Tensor]):
    """Runs once: to warm up, and to learn which calls the loop makes."""
    counted = CountedModel(contest.problem.model)
    solve(Problem(counted, contest.problem.schedule), solver, contest.times, x, record=False)
    kind = counted.latest.kind
    model = contest.problem.model
    levels = list(counted.levels)

    def bare() -> None:
        for alpha, sigma in levels:
            model.predict(x, alpha, sigma, kind)

    return Contestant(library, solver, lambda: run(contest.problem, x), bare, x)


def lineup(particles: int, chosen: list[str], peers: list[Loop]) -> list[Contestant]:
    starts = {id(contest): contest.start(particles) for contest in (EDM, VP)}
    runs = []
    for solver in chosen:
        for contest in (EDM, VP):
            own = [loop for loop in peers if loop.solver == solver and loop.contest is contest]
            if not own and contest is VP:
                continue
            x = starts[id(contest)]

            def ours(problem: Problem, x: Tensor, solver: str = solver, contest: Contest = contest) -> Tensor:
                return solve(problem, solver, contest.times, x, record=False).final

            runs.append(contestant(OURS, solver, contest, x, ours))
            runs += [
                contestant(loop.library, solver, contest, x, lambda problem, x, loop=loop: loop.run(x)) for loop in own
            ]
    return runs


def race(particles: int, rounds: int, chosen: list[str], peers: list[Loop]) -> None:
    """Time everyone on the same start and print the medians."""
    runs = lineup(particles, chosen, peers)
    ends = [run.run() for run in runs]
    wall: list[list[float]] = [[] for _ in runs]
    unit: list[list[float]] = [[] for _ in runs]
    cpu = [0.0, 0.0]
    for i in range(rounds):
        for place in range(len(runs))[:: 1 if i % 2 else -1]:
            for kept, call in ((unit, runs[place].bare), (wall, runs[place].run)):
                started, used = time.perf_counter(), time.process_time()
                call()
                kept[place].append(time.perf_counter() - started)
                cpu[0] += kept[place][-1]
                cpu[1] += time.process_time() - used
    print(f"\n{particles:,} particles, {STEPS} steps, {rounds} rounds: medians, as multiples of the same bare calls")
    print(f"  {'method':26}{'library':14}{'run':>10}{'bare':>11}{'ratio':>10}{'largest difference to ours':>30}")
    for place, run in enumerate(runs):
        took, bare = statistics.median(wall[place]), statistics.median(unit[place])
        # paired: each run against the bare calls of its own round
        ratio = statistics.median(a / b for a, b in zip(wall[place], unit[place], strict=True))
        if run.library == OURS:
            base = place
        gap = "" if run.library == OURS else f"{float((ends[place] - ends[base]).abs().max()):.1e}"
        print(f"  {run.solver:26}{run.library:14}{1e3 * took:8.2f}ms{1e3 * bare:9.2f}ms{ratio:9.3f}x{gap:>30}")
    share = cpu[1] / cpu[0]
    verdict = "undisturbed" if share > 0.9 else "others used this core: measure again"
    print(f"  CPU time over wall time: {share:.2f} ({verdict})")


def sweep(particles: int = 4096) -> None:
    """The work behind one picture of errors against steps, without its reference."""
    problem = Problem(eight_modes(), make_schedule("vp-linear"))
    x = problem.sample_prior(particles, 1.0, 0)
    started, used, nfe = time.perf_counter(), time.process_time(), 0
    for solver in SWEPT:
        for steps in COUNTS:
            times = make_grid("uniform-lambda", problem.schedule, steps)
            nfe += solve(problem, solver, times, x, record=False).nfe
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(
        f"\nsweep of {len(SWEPT)} solvers x {len(COUNTS)} step counts x {particles:,} particles in float64: "
        f"{wall:.2f} s ({cpu:.2f} s of CPU), {nfe:,} evaluations"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="repetitions (default 15)")
    parser.add_argument("--particles", type=int, nargs="+", default=[20_000, 256], help="batch sizes")
    parser.add_argument("--dpm-solver", help="path of dpm_solver_pytorch.py")
    parser.add_argument("--solvers", nargs="+", help="only these (default: all that take fixed steps, without noise)")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores"
    )
    print(f"one thread; load {os.getloadavg()[0]:.1f}")
    fixed = [name for name, info in SOLVERS.items() if not (info.adaptive or info.stochastic)]
    peers = found(chosen.dpm_solver)
    for particles in chosen.particles:
        race(particles, max(1, chosen.rounds), chosen.solvers or fixed, peers)
    sweep()


if __name__ == "__main__":
    main()
