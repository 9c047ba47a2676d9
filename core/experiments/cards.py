"""What a solver's card shows, computed: its order, its weights, its bell curves and its stability."""

import time

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from core.analysis.convergence import convergence_order
from core.analysis.errors import rms_error
from core.analysis.response import Response, respond, spread
from core.analysis.stability import amplification, runge_kutta_of, step_products
from core.experiments.build import (
    Report,
    Stop,
    build_problem,
    device_line,
    grid_of,
    never,
    part,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.catalogue import WIDTHS, Card, CatalogueResult, CatalogueSpec, Measured, Region, Widths
from core.experiments.choices import refusals
from core.experiments.convergence import run_convergence
from core.experiments.specification import ConvergenceSpec, SolverChoice, Timed
from core.language import joined, message, reason
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled, solve
from core.solvers import SOLVERS
from core.solvers.runge_kutta import RungeKutta

WIDTH_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
LOST = 1e6  # times too wide: no width any more
REGION = ((-6.0, 2.0), (-4.0, 4.0))  # of the complex plane
REGION_POINTS = (121, 121)


def run_catalogue(spec: CatalogueSpec, report: Report = silent, stop: Stop = never) -> CatalogueResult:
    """The card of ``spec.solver``, and of the version that mends it or that it mends."""
    started = time.perf_counter()
    report(0.0, message("measuring the order"))
    problem = build_problem(spec.data, spec.schedule)
    times = grid_of(spec, problem, spec.steps)
    choices = versions(spec.solver)
    share = 1 / len(choices)
    cards = [
        _card(spec, choice, problem, times, part(report, i * share, share), stop) for i, choice in enumerate(choices)
    ]
    return CatalogueResult(
        spec=spec,
        times=times.numpy(),
        log_snr=problem.schedule.log_snr(times).numpy(),
        cards=tuple(cards),
        seconds=time.perf_counter() - started,
        notes=(message("Orders computed with {device}.", device=device_line(spec)), *(_notes(spec))),
    )


def versions(choice: SolverChoice) -> tuple[SolverChoice, ...]:
    """The solver, and the one that mends it as published or that it mends, with the options that both know.

    Where an option stands for what was published, the other version is the solver without it.
    """
    kept = tuple((key, value) for key, value in choice.options if value != "as-published")
    if kept != choice.options:
        return choice, SolverChoice(name=choice.name, options=kept)
    other = SOLVERS[choice.name].mended_by or next(
        (name for name, info in SOLVERS.items() if info.mended_by == choice.name), ""
    )
    if not other:
        return (choice,)
    known = SOLVERS[other].options
    return choice, SolverChoice(name=other, options=tuple((k, v) for k, v in choice.options if k in known))


def _notes(spec: CatalogueSpec) -> list[str]:
    if SOLVERS[spec.solver.name].stochastic:
        return [message("A solver that draws noise is judged by the exact variance of the bell curves that it makes.")]
    return []


def _card(
    spec: CatalogueSpec, choice: SolverChoice, problem: Problem, times: Tensor, report: Report, stop: Stop
) -> Card:
    info = SOLVERS[choice.name]
    method = runge_kutta_of(info.make(**dict(choice.options)))
    measured = _measure(spec, choice, problem, part(report, 0.0, 0.8), stop)
    report(0.8, message("drawing {solver}", solver=choice.label))
    response, unweighed = weights_of(problem, choice, times)
    return Card(
        choice=choice,
        measured=measured,
        widths=_widths(spec, choice, part(report, 0.8, 0.2), stop),
        response=response,
        unweighed=unweighed,
        tableau=method and method.tableau,
        symbol=method.chart.symbol if method else "",
        region=method and _region(spec, method, times),
    )


def weights_of(problem: Problem, choice: SolverChoice, times: Tensor) -> tuple[Response | None, str]:
    """The weights; or None, and why there are none."""
    options = dict(choice.options)
    if options.get("thresholding", "none") != "none":
        return None, message("what is cut off depends on the particles")
    try:
        return respond(problem, choice.name, times, **options), ""
    except ValueError as refused:  # also where a step asks the model for more than predictions
        return None, reason(refused)


# --- order ------------------------------------------------------------------------------------------------------------


def _measure(spec: CatalogueSpec, choice: SolverChoice, problem: Problem, report: Report, stop: Stop) -> Measured:
    info = SOLVERS[choice.name]
    if info.adaptive:
        return _by_tolerance(spec, choice, problem, report, stop)
    if info.stochastic:
        return _by_variance(spec, choice, report, stop)
    try:
        wanted = convergence_spec(spec, (choice,))
    except ValidationError as refused:  # a grid that starts elsewhere for another step count, for example
        return _unmeasured(spec, joined(refusals(refused), "; "))
    result = run_convergence(wanted, report, stop)
    (errors,) = result.solvers
    return Measured(
        what=message("RMS distance to {reference}", reference=result.reference_label),
        against="steps",
        steps=errors.steps,
        nfe=errors.nfe,
        error=errors.rms,
        order=errors.order,
        floor=result.floor,
    )


def convergence_spec(spec: CatalogueSpec, choices: tuple[SolverChoice, ...]) -> ConvergenceSpec:
    """The experiment on errors that measures the orders of a card."""
    shared = {name: getattr(spec, name) for name in Timed.model_fields}
    return ConvergenceSpec(**shared, solvers=choices, step_counts=spec.step_counts, path_steps=spec.step_counts[0])


def _unmeasured(spec: CatalogueSpec, why: str) -> Measured:
    steps = np.array(spec.step_counts)
    nothing = np.full(len(steps), np.nan)
    return Measured(
        what=why,
        against="steps",
        steps=steps,
        nfe=steps,
        error=nothing,
        order=convergence_order(spec.step_counts, nothing),
        floor=0.0,
    )


def _by_tolerance(spec: CatalogueSpec, choice: SolverChoice, problem: Problem, report: Report, stop: Stop) -> Measured:
    """Errors of a solver that chooses its own steps, for falling tolerances."""
    times = grid_of(spec, problem, 1)
    x = starting_noise(problem, spec.data, spec.particles, float(times[0]), spec.seed)
    reference, label = reference_run(problem, spec.data, times, x, spec.seed, stop, part(report, 0, 0.3))
    runs = []
    for i, options in enumerate(tolerances(choice)):
        report(0.3 + 0.7 * i / len(TOLERANCES), message("running {solver}", solver=choice.label))
        run = solve(problem, choice.name, times, x, spec.seed, record=False, cancel=stop, **options)
        if run.cancelled:
            raise Cancelled(run.message)
        runs.append((run.nfe, rms_error(run.final.double(), reference.final), options["rtol"]))
    nfe, error, tolerance = (np.array(column, dtype=float) for column in zip(*runs, strict=True))
    floor = float(torch.finfo(x.dtype).eps * reference.final.square().mean().sqrt())
    return Measured(
        what=message("RMS distance to {reference}", reference=label),
        against="tolerance",
        steps=np.ones_like(nfe),
        nfe=nfe,
        error=error,
        order=convergence_order(1 / tolerance, error, floor),
        floor=floor,
        tolerance=tolerance,
    )


def tolerances(choice: SolverChoice) -> list[dict[str, bool | float | str]]:
    """The options of an adaptive solver for each of ``TOLERANCES`` that it allows."""
    known = SOLVERS[choice.name].options
    named = [name for name in ("rtol", "atol") if name in known]
    return [
        dict(choice.options) | dict.fromkeys(named, tolerance)
        for tolerance in TOLERANCES
        if all(known[name].low <= tolerance <= known[name].high for name in named)
    ]


def _by_variance(spec: CatalogueSpec, choice: SolverChoice, report: Report, stop: Stop) -> Measured:
    """Error of the variances that a stochastic solver gives bell curves, computed and not sampled."""
    error, nfe = [], []
    for i, steps in enumerate(spec.step_counts):
        report(i / len(spec.step_counts), message("following the variance of bell curves"))
        _heed(stop)
        ratio, evaluations = _ratio(spec, choice, steps)
        nfe.append(evaluations)
        error.append(float(np.sqrt(np.mean((ratio[np.array(WIDTHS) > 0] ** 2 - 1) ** 2))))
    steps = np.array(spec.step_counts)
    return Measured(
        what=message("relative error of the variance of bell curves"),
        against="steps",
        steps=steps,
        nfe=np.array(nfe),
        error=np.array(error),
        order=convergence_order(spec.step_counts, error, 1e-15),
        floor=1e-15,
    )


def _heed(stop: Stop) -> None:
    if stop():
        raise Cancelled("cancelled")


# --- bell curves ------------------------------------------------------------------------------------------------------


def _bells(spec: CatalogueSpec) -> Problem:
    """One coordinate for each width: a Gaussian about zero."""
    widths = torch.tensor(WIDTHS, dtype=torch.float64)
    model = GaussianMixture(torch.zeros(1, len(WIDTHS)), covariances=torch.diag(widths**2)[None])
    return Problem(model, make_schedule(spec.schedule))


def _true(problem: Problem, t: float) -> Tensor:
    level = problem.level(t)
    return (level.alpha**2 * torch.tensor(WIDTHS, dtype=torch.float64) ** 2 + level.sigma**2).sqrt()


def _ratio(spec: CatalogueSpec, choice: SolverChoice, steps: int) -> tuple[np.ndarray, int]:
    """Width over the true one with ``steps`` steps, (W,), and evaluations; a stochastic solver's without sampling."""
    problem = _bells(spec)
    times = grid_of(spec, problem, steps)
    start, end = _true(problem, float(times[0])), _true(problem, float(times[-1]))
    found = spread(problem, choice.name, times, start, **dict(choice.options))
    ratio = (found.width / end).numpy()
    return np.where(ratio < LOST, ratio, np.nan), found.nfe


def _widths(spec: CatalogueSpec, choice: SolverChoice, report: Report, stop: Stop) -> Widths:
    info = SOLVERS[choice.name]
    if info.adaptive:
        return _adaptive_widths(spec, choice, stop)
    rows = {}
    for i, steps in enumerate(WIDTH_STEPS):
        report(i / len(WIDTH_STEPS), message("following bell curves with {solver}", solver=choice.label))
        _heed(stop)
        if _can_be_laid(spec, steps):
            rows[steps] = _ratio(spec, choice, steps)
    counts = np.array(list(rows), dtype=int)
    ratios = np.array([ratio for ratio, _ in rows.values()]).reshape(len(rows), len(WIDTHS))
    return Widths(np.array([nfe for _, nfe in rows.values()], dtype=int), counts, ratios)


def _can_be_laid(spec: CatalogueSpec, steps: int) -> bool:
    """Whether the grid has this step count; a list of times that the user gave has only its own."""
    try:
        spec.grid.times(make_schedule(spec.schedule), steps, spec.t_start, spec.t_end)
    except ValueError:
        return False
    return True


def _adaptive_widths(spec: CatalogueSpec, choice: SolverChoice, stop: Stop) -> Widths:
    problem = _bells(spec)
    times = grid_of(spec, problem, 1)
    start, end = _true(problem, float(times[0])), _true(problem, float(times[-1]))
    rows = {}
    for options in tolerances(choice):
        run = solve(problem, choice.name, times, start[None], spec.seed, record=False, cancel=stop, **options)
        if run.cancelled:
            raise Cancelled(run.message)
        rows[run.nfe] = (run.final[0].abs() / end).numpy()
    nfe = np.array(sorted(rows))
    return Widths(nfe, np.ones_like(nfe), np.array([rows[n] for n in nfe]))


def _region(spec: CatalogueSpec, method: RungeKutta, times: Tensor) -> Region:
    (left, right), (low, high) = REGION
    re, im = np.linspace(left, right, REGION_POINTS[0]), np.linspace(low, high, REGION_POINTS[1])
    size = np.abs(amplification(method.tableau, re[None, :] + 1j * im[:, None]))
    schedule = make_schedule(spec.schedule)
    products = np.array([step_products(method, schedule, times, width) for width in WIDTHS])
    return Region(re, im, size, products)
