"""What the loop around a model costs: 20 steps of DPM-Solver++ 2M here, in diffusers and in k-diffusion.

Everyone asks the same exact mixture for x0 at the same noise levels in float32. Times are given as multiples of 20 bare
model calls, medians over rounds in which the contestants take turns in alternating order.

Run it with ``make bench``, or ``python -m benchmarks.solvers [--rounds 15] [--particles 20000 256]``.
"""

import argparse
import importlib
import importlib.util
import math
import os
import platform
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import solve

STEPS = 20
BARE = "20 bare model calls"
SCHEDULE = make_schedule("edm")
TIMES = make_grid("karras", SCHEDULE, STEPS)


def eight_modes() -> GaussianMixture:
    angles = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    return GaussianMixture(torch.stack([angles.cos(), angles.sin()], dim=1), 0.1)


def ours(model: GaussianMixture, x: Tensor, record: bool) -> Tensor:
    return solve(Problem(model, SCHEDULE), "dpmpp-2m", TIMES, x, record=record).final


def bare(model: GaussianMixture, x: Tensor) -> Tensor:
    for sigma in TIMES[:-1].tolist():
        model.predict(x, 1.0, sigma, "x0")
    return x


def diffusers_loop() -> Callable[[GaussianMixture, Tensor], Tensor]:
    """diffusers' scheduler on our noise levels; it works on ``x / sqrt(1 + sigma^2)``."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="diffusers")
    from diffusers import DPMSolverMultistepScheduler

    sigmas = TIMES.float()
    levels = [(1 / math.sqrt(1 + s * s), s / math.sqrt(1 + s * s)) for s in TIMES.tolist()]

    @torch.no_grad()
    def run(model: GaussianMixture, x: Tensor) -> Tensor:
        scheduler = DPMSolverMultistepScheduler(
            lower_order_final=False, final_sigmas_type="sigma_min", prediction_type="sample"
        )
        scheduler.set_timesteps(STEPS)
        scheduler.sigmas = sigmas
        scheduler.set_begin_index(0)
        x = x * levels[0][0]
        for label, (alpha, sigma) in zip(scheduler.timesteps, levels, strict=False):
            x = scheduler.step(model.predict(x, alpha, sigma, "x0"), label, x).prev_sample
        return x / levels[-1][0]

    return run


def k_diffusion_loop() -> Callable[[GaussianMixture, Tensor], Tensor]:
    """k-diffusion's ``sample_dpmpp_2m``.

    Only its file of samplers is loaded: the package itself imports image metrics and trackers that a sampler never
    uses, and its helper module imports torchvision, of which ``sample_dpmpp_2m`` uses nothing.
    """
    found = importlib.util.find_spec("k_diffusion")
    if found is None:
        raise ImportError("k-diffusion is not installed; `make bench` installs it")
    package = types.ModuleType("k_diffusion")
    package.__path__ = list(found.submodule_search_locations or ())
    package.utils = types.ModuleType("k_diffusion.utils")
    sys.modules |= {"k_diffusion": package, "k_diffusion.utils": package.utils}
    sampling = importlib.import_module("k_diffusion.sampling")
    sigmas = TIMES.float()

    def run(model: GaussianMixture, x: Tensor) -> Tensor:
        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            return model.predict(x, 1.0, float(sigma[0]), "x0")

        return sampling.sample_dpmpp_2m(denoise, x, sigmas, disable=True)

    return run


def contestants() -> dict[str, Callable[[GaussianMixture, Tensor], Tensor]]:
    known: dict[str, Callable[[GaussianMixture, Tensor], Tensor]] = {
        BARE: bare,
        "Solverscope": lambda model, x: ours(model, x, record=False),
        "Solverscope, recorded": lambda model, x: ours(model, x, record=True),
    }
    for name, make in (("diffusers", diffusers_loop), ("k-diffusion", k_diffusion_loop)):
        try:
            known[name] = make()
        except ImportError as reason:
            print(f"{name} is left out: {reason}")
    return known


def race(runs: dict[str, Callable[[GaussianMixture, Tensor], Tensor]], particles: int, rounds: int) -> None:
    """Time everyone on the same start and print the medians."""
    model = eight_modes()
    x = Problem(model, SCHEDULE).sample_prior(particles, float(TIMES[0]), 0, dtype=torch.float32)
    ends = {name: run(model, x) for name, run in runs.items()}  # warms up, and shows that all do the same work
    wall: dict[str, list[float]] = {name: [] for name in runs}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(rounds):
        for name in list(runs)[:: 1 if i % 2 else -1]:
            started, used = time.perf_counter(), time.process_time()
            runs[name](model, x)
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - used)
    wall_unit, cpu_unit = statistics.median(wall[BARE]), statistics.median(cpu[BARE])
    print(f"\n{particles:,} particles, {STEPS} steps, {rounds} rounds; medians, and as multiples of the bare calls")
    print(f"  {'':24}{'wall':>10}{'':>9}{'CPU':>12}{'':>9}{'largest difference to ours':>30}")
    for name in runs:
        wall_time, cpu_time = statistics.median(wall[name]), statistics.median(cpu[name])
        gap = "" if name == BARE else f"{float((ends[name] - ends['Solverscope']).abs().max()):.1e}"
        print(
            f"  {name:24}{1e3 * wall_time:8.2f}ms{wall_time / wall_unit:8.3f}x"
            f"{1e3 * cpu_time:10.2f}ms{cpu_time / cpu_unit:8.3f}x{gap:>30}"
        )
    share = sum(map(sum, cpu.values())) / sum(map(sum, wall.values()))
    verdict = "undisturbed" if share > 0.9 else "others used this core: trust the CPU column, or measure again"
    print(f"  CPU time over wall time: {share:.2f} ({verdict})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="repetitions (default 15)")
    parser.add_argument("--particles", type=int, nargs="+", default=[20_000, 256], help="batch sizes")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores"
    )
    print(f"one thread; load {os.getloadavg()[0]:.1f}")
    runs = contestants()
    for particles in chosen.particles:
        race(runs, particles, max(1, chosen.rounds))


if __name__ == "__main__":
    main()
