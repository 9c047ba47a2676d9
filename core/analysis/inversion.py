"""From data back to noise: the probability-flow ODE solved upwards in t by the formulas of any fixed-step solver."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.language import mark, message
from core.models.ledger import CountedModel
from core.problem import Problem
from core.solve import DIVERGED, Cancelled, Progress, Run, solve
from core.solvers import SOLVERS, BrownianPath, Context
from core.solvers.charts import NORMALISED

MOST_EVALUATIONS = 10_000  # of an exact encoding; particles of the data's law need some hundred to two thousand
DATA_END = "final"  # the option of a solver's last step: it has no meaning where a run ends in noise


class TooStiff(RuntimeError):
    """The exact encoding would take too long: explicit steps crawl where the flow is stiff."""


class Latent(NamedTuple):
    """What is known of encoded particles; every number would be 0, 1, 0 and 0 for independent standard normal ones.

    ``mean``, ``variance`` and ``kurtosis`` (excess) are over all numbers of all particles; ``neighbours`` is the
    correlation between numbers side by side: the two coordinates of a point, or pixels left and right of each other.
    """

    mean: float
    variance: float
    kurtosis: float
    neighbours: float


def check_invertible(name: str) -> None:
    """Raise ``ValueError`` unless solver ``name`` takes the steps of a grid and draws no noise."""
    info = SOLVERS[name]
    if info.stochastic or info.adaptive:
        told = (
            mark("{solver} draws noise; encoding needs a solver without noise that takes the steps of the grid")
            if info.stochastic
            else mark(
                "{solver} chooses its own steps; encoding needs a solver without noise that takes the steps of the grid"
            )
        )
        raise ValueError(message(told, solver=info.title))


def encode(
    problem: Problem,
    solver: str,
    times: Tensor,
    x_end: Tensor,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    **options: object,
) -> Run:
    """Carry ``x_end`` from ``times[-1]`` (data) up to ``times[0]`` (noise) through the same points.

    Every fixed-step formula holds for steps of either sign: Runge-Kutta in any chart, and the exponential ones with
    ``h < 0`` in lambda. With DDIM this is DDIM inversion. The order is the solver's; multistep solvers start from data
    here, where a low first order is seen, so ``start="single-step"`` serves them better than it does from noise.

    Parameters
    ----------
    solver, times, options : those of the run that decodes; ``times`` (S + 1,) decreasing, as in
        :func:`core.solve.solve`. The option ``final`` belongs to the data end and is left out.
    x_end : (N, *shape), floating point.
    progress, cancel : as in :func:`core.solve.solve`.

    Returns
    -------
    Run
        Only its end is kept: ``final`` is the latent, all NaN if the run diverged.

    Raises
    ------
    ValueError
        If the solver draws noise or chooses its own steps, or times or particles do not fit.

    Source: Song et al. 2020 (arXiv 2010.02502), section 5.4, for DDIM; Song et al. 2020 (arXiv 2011.13456), appendix
    D.3, for the ODE.
    """
    check_invertible(solver)
    recipe = SOLVERS[solver].make(**{key: value for key, value in options.items() if key != DATA_END})
    rising = _checked(problem, times, x_end).flip(0)
    steps = len(rising) - 1
    model = CountedModel(problem.model)
    counted = Problem(model, problem.schedule)
    bound = DIVERGED * max(1.0, float(x_end.abs().max())) * max(1.0, problem.level(float(times[0])).sigma)
    path = BrownianPath(problem.schedule, float(times[0]), float(times[-1]), tuple(x_end.shape), 0)

    def interrupt() -> None:
        if cancel is not None and cancel():
            raise Cancelled(f"cancelled while encoding with {SOLVERS[solver].title}")

    x, state, done, lost = x_end.detach(), None, 0, False
    started = time.perf_counter()
    with torch.no_grad():
        context = Context(counted, recipe.plan(counted, rising), path, False, interrupt)
        while done < steps and not lost:
            interrupt()
            x_next, state = recipe.step(context, done, x, state)
            lost = not float(x_next.abs().max()) <= bound  # also where it is NaN
            if lost:
                break
            x, done = x_next, done + 1
            if progress is not None:
                progress(done, steps)
    told = message("diverged in step {step} of {steps} while encoding", step=done + 1, steps=steps) if lost else ""
    pairs = np.array(model.levels, dtype=np.float64).reshape(-1, 2)
    return Run(
        solver=solver,
        times=rising[: done + 1],
        states=None,
        x0_predictions=None,
        nfe=model.nfe,
        seconds=time.perf_counter() - started,
        evaluation_times=problem.schedule.time_of(torch.from_numpy(np.log(pairs[:, 0] / pairs[:, 1]))),
        steps=steps,
        last=x,
        diverged_at=done if lost else None,
        message=told,
    )


def decode(problem: Problem, solver: str, times: Tensor, latent: Tensor, **more: object) -> Run:
    """Carry a latent back to data with the same solver; one that is not finite stays so and costs nothing."""
    if bool(torch.isfinite(latent).all()):
        return solve(problem, solver, times, latent, record=False, **more)
    nothing = torch.empty(0, dtype=torch.float64)
    return Run(
        solver, times[:1], None, None, 0, 0.0, nothing, len(times) - 1, latent, 0, message=message("had no start")
    )


def exact_latent(
    problem: Problem, times: Tensor, x_end: Tensor, tolerance: float = 1e-12, cancel: Callable[[], bool] | None = None
) -> Tensor:
    """The latent by DOP853 at ``tolerance``: (N, *shape) float64.

    Integrates ``x / sqrt(alpha^2 + sigma^2)`` in lambda, where state and slope stay of order one.

    Raises
    ------
    Cancelled
        When ``cancel()`` says so.
    TooStiff
        After ``MOST_EVALUATIONS``. Points far from a finite set are drawn onto the borders between the cells of its
        members on the way up, and slide along them in ever smaller steps.
    """
    from scipy.integrate import solve_ivp  # slow to import, and most runs do not need it

    first, last = problem.level(float(times[-1])), problem.level(float(times[0]))
    shape, asked = x_end.shape, 0

    def slope(lam: float, u: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += 1
        if asked > MOST_EVALUATIONS:
            raise TooStiff(message("more than {most:,} evaluations would be needed", most=MOST_EVALUATIONS))
        if cancel is not None and cancel():
            raise Cancelled("cancelled in the exact encoding")
        level = NORMALISED.level_at(problem, lam)
        kind = problem.preferred(level)
        keep, gain = NORMALISED.coefficients(level, kind)
        state = torch.from_numpy(u).reshape(shape)
        return (keep * state + gain * problem.predict(state * NORMALISED.unit(level), level, kind)).numpy().ravel()

    begin = (x_end.double() / NORMALISED.unit(first)).numpy().ravel()
    with torch.no_grad():
        found = solve_ivp(slope, (first.lam, last.lam), begin, method="DOP853", rtol=tolerance, atol=tolerance)
    return torch.from_numpy(found.y[:, -1]).reshape(shape) * NORMALISED.unit(last)


def latent_statistics(latent: Tensor, sigma: float) -> Latent:
    """Moments of ``latent / sigma`` (N, *shape); NaN if it is not finite."""
    z = latent.double() / sigma
    mean, variance = float(z.mean()), float(z.var(correction=0))
    fourth = float((z - mean).pow(4).mean())
    left, right = (z[..., :-1] - mean).flatten(), (z[..., 1:] - mean).flatten()
    across = float((left * right).mean())
    if not variance > 0:
        return Latent(mean, variance, math.nan, math.nan)
    return Latent(mean, variance, fourth / variance**2 - 3, across / variance)


def _checked(problem: Problem, times: Tensor, x: Tensor) -> Tensor:
    times = torch.as_tensor(times, dtype=torch.float64, device="cpu")
    low, high = problem.schedule.t_min, problem.schedule.t_max
    falling = times.ndim == 1 and len(times) > 1 and bool((times[1:] < times[:-1]).all())
    if not (falling and low <= float(times[-1]) and float(times[0]) <= high):
        raise ValueError(f"times must fall from noise to data within {high:g} and {low:g}, as those that decode")
    if tuple(x.shape[1:]) != tuple(problem.model.shape) or len(x) == 0 or not bool(torch.isfinite(x).all()):
        wanted = ", ".join(map(str, problem.model.shape))
        raise ValueError(f"particles must be finite numbers of shape (N, {wanted}), got {tuple(x.shape)}")
    return times
