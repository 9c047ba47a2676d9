"""Agreement with other people's samplers on the same noise levels."""

from itertools import pairwise

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler

from core.grids import make_grid
from core.schedules import make_schedule
from core.solve import solve
from tests.solvers.exact import three_mode_problem


class StaysDouble(torch.Tensor):
    """Particles that diffusers cannot round: its ``step`` casts to float32 first."""

    def to(self, *args, **kwargs):
        return self if args == (torch.float32,) else super().to(*args, **kwargs)


def scheduler_run(kind, problem, times, x, **configuration) -> torch.Tensor:
    """diffusers' loop. Its own grids are float32 and lie on trained timesteps, so it is handed ours, as ``rho``."""
    scheduler = kind(lower_order_final=False, final_sigmas_type="sigma_min", prediction_type="epsilon", **configuration)
    scheduler.set_timesteps(len(times) - 1)
    scheduler.sigmas = problem.schedule.rho(times)
    scheduler.set_begin_index(0)
    x = x.as_subclass(StaysDouble)
    for i, label in enumerate(scheduler.timesteps):
        x = scheduler.step(problem.eps(x.as_subclass(torch.Tensor), times[i]), label, x).prev_sample
    return x.as_subclass(torch.Tensor)


@pytest.mark.parametrize("grid", ["uniform-lambda", "karras"])
@pytest.mark.parametrize("steps", [3, 10, 40])
@pytest.mark.parametrize(
    ("solver", "algorithm", "order"),
    [
        ("dpmpp-2m", "dpmsolver++", 2),
        ("dpmpp-3m-as-published", "dpmsolver++", 3),
        ("dpm-2m", "dpmsolver", 2),
        ("dpm-3m-as-published", "dpmsolver", 3),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers", "ignore::DeprecationWarning:diffusers")
def test_diffusers(solver, algorithm, order, steps, grid):
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid(grid, problem.schedule, steps, 0.9, 0.01)
    x = problem.sample_prior(64, 0.9, 4)
    theirs = scheduler_run(DPMSolverMultistepScheduler, problem, times, x, algorithm_type=algorithm, solver_order=order)
    ours = solve(problem, solver, times, x).final
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)
    if order == 3 and steps == 10:  # the corrected method is another one: the agreement above means something
        corrected = solve(problem, solver.removesuffix("-as-published"), times, x).final
        assert float((corrected - theirs).abs().max()) > 1e-3


@pytest.mark.parametrize("grid", ["uniform-lambda", "karras"])
@pytest.mark.parametrize("steps", [4, 12])
@pytest.mark.parametrize("prediction", ["x0", "eps"])
@pytest.mark.parametrize("variant", ["bh1", "bh2"])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers", "ignore::DeprecationWarning:diffusers")
def test_unipc_of_diffusers(order, variant, prediction, steps, grid):
    problem = three_mode_problem(make_schedule("vp-linear"))
    times = make_grid(grid, problem.schedule, steps, 0.9, 0.01)
    x = problem.sample_prior(64, 0.9, 4)
    theirs = scheduler_run(
        UniPCMultistepScheduler,
        problem,
        times,
        x,
        solver_type=variant,
        solver_order=order,
        predict_x0=prediction == "x0",
    )
    ours = solve(problem, f"unipc-{variant}-{order}", times, x, prediction=prediction).final
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def deterministic_edm(denoise, x, sigmas):
    """Algorithm 1 of Karras et al. 2022 with sigma(t) = t and s(t) = 1, equations as printed."""
    for t_cur, t_next in pairwise(sigmas):
        slope = (x - denoise(x, t_cur)) / t_cur
        x_next = x + (t_next - t_cur) * slope
        if t_next != 0:
            slope_next = (x_next - denoise(x_next, t_next)) / t_next
            x_next = x + (t_next - t_cur) * (0.5 * slope + 0.5 * slope_next)
        x = x_next
    return x


@pytest.mark.parametrize("steps", [5, 18, 40])
def test_heun_of_edm(steps):
    problem = three_mode_problem(make_schedule("edm"))
    high, low = 80 ** (1 / 7), 0.002 ** (1 / 7)
    sigmas = [(high + i / steps * (low - high)) ** 7 for i in range(steps + 1)]
    x = 80 * torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theirs = deterministic_edm(lambda x, sigma: problem.model.predict(x, 1.0, sigma, "x0"), x, sigmas)
    times = make_grid("karras", problem.schedule, steps)
    for solver in ("edm-heun", "heun"):
        ours = solve(problem, solver, times, x)
        torch.testing.assert_close(ours.final, theirs, rtol=0, atol=1e-9)
        assert ours.nfe == 2 * steps


@pytest.mark.parametrize("name", ["vp-linear", "flow"])
def test_heun_of_edm_under_other_schedules(name):
    """In ``x / alpha`` at noise level ``sigma / alpha`` the algorithm is the same for every schedule."""
    problem = three_mode_problem(make_schedule(name))
    schedule = problem.schedule
    times = make_grid("karras", schedule, 18)
    rho = schedule.rho(times).tolist()
    x = problem.sample_prior(64, float(times[0]), 5)
    y = deterministic_edm(
        lambda y, sigma: problem.model.predict(y, 1.0, sigma, "x0"), x / schedule.alpha(times[0]), rho
    )
    ours = solve(problem, "edm-heun", times, x).final
    torch.testing.assert_close(ours, y * schedule.alpha(times[-1]), rtol=0, atol=1e-9)
