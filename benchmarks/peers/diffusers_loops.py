"""diffusers' schedulers; they work on ``x / sqrt(1 + sigma^2)``."""

import math
import warnings

import torch
from torch import Tensor

from benchmarks.peers.contest import EDM, STEPS, Loop


def loops() -> list[Loop]:
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="diffusers")
    from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler

    common = {"lower_order_final": False, "final_sigmas_type": "sigma_min", "prediction_type": "sample"}
    sigmas = EDM.times.float()
    levels = [(1 / math.sqrt(1 + s * s), s / math.sqrt(1 + s * s)) for s in EDM.times.tolist()]

    def loop(solver: str, scheduler_class: type, **settings: object) -> Loop:
        @torch.no_grad()
        def run(x: Tensor) -> Tensor:
            scheduler = scheduler_class(**common, **settings)
            scheduler.set_timesteps(STEPS)
            scheduler.sigmas = sigmas
            scheduler.set_begin_index(0)
            x = x * levels[0][0]
            for label, (alpha, sigma) in zip(scheduler.timesteps, levels, strict=False):
                prediction = EDM.problem.model.predict(x, alpha, sigma, "x0")
                x = scheduler.step(prediction, label, x).prev_sample
            return x / levels[-1][0]

        return Loop("diffusers", solver, EDM, run)

    return [
        loop("dpmpp-2m", DPMSolverMultistepScheduler, solver_order=2),
        loop("dpmpp-3m-as-published", DPMSolverMultistepScheduler, solver_order=3),
        loop("unipc-bh2-2", UniPCMultistepScheduler, solver_order=2, solver_type="bh2"),
        loop("unipc-bh2-3", UniPCMultistepScheduler, solver_order=3, solver_type="bh2"),
    ]
