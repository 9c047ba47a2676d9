"""The authors' DPM-Solver, loaded from its one file."""

import importlib.util
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.peers.contest import STEPS, VP, Loop


def loops(path: str | None) -> list[Loop]:
    if path is None or not Path(path).is_file():
        raise ImportError(
            "dpm-solver is not on PyPI; clone github.com/LuChengTHU/dpm-solver and pass --dpm-solver "
            "path/to/dpm_solver_pytorch.py"
        )
    loader = importlib.util.spec_from_file_location("dpm_solver_pytorch", path)
    theirs = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(theirs)
    schedule, model = VP.problem.schedule, VP.problem.model
    noise = theirs.NoiseScheduleVP("linear", continuous_beta_0=0.1, continuous_beta_1=20.0)

    def predict(x: Tensor, t: Tensor) -> Tensor:
        level = VP.problem.level(float(t.flatten()[0]))
        return model.predict(x.flatten(1), level.alpha, level.sigma, "eps").reshape(x.shape)

    def loop(solver: str, algorithm: str, order: int, method: str) -> Loop:
        sampler = theirs.DPM_Solver(predict, noise, algorithm_type=algorithm)
        steps = STEPS * order if method == "singlestep_fixed" else STEPS

        @torch.no_grad()
        def run(x: Tensor) -> Tensor:
            end = sampler.sample(
                x[:, :, None, None],  # it takes images
                steps=steps,
                t_start=schedule.t_max,
                t_end=schedule.t_min,
                order=order,
                skip_type="logSNR",
                method=method,
                lower_order_final=False,
            )
            return end.flatten(1)

        return Loop("dpm-solver", solver, VP, run)

    return [
        loop("dpm-2m", "dpmsolver", 2, "multistep"),
        loop("dpmpp-2m", "dpmsolver++", 2, "multistep"),
        loop("dpmpp-3m-as-published", "dpmsolver++", 3, "multistep"),
        loop("dpm-2s", "dpmsolver", 2, "singlestep_fixed"),
        loop("dpm-3s", "dpmsolver", 3, "singlestep_fixed"),
    ]
