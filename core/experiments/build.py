"""From specification to problem: models, starting noise and the reference, shared by all experiments."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from core.data import image_family, make_images, make_toy, mixture_from_drawing, mixture_from_points, toy_family
from core.experiments.choices import GridChoice
from core.experiments.kept import Kept
from core.experiments.specification import (
    CUSTOM,
    DRAWN,
    Data,
    ImageData,
    Setting,
    Specification,
    Timed,
    ToyData,
    is_exact,
)
from core.grids import refine
from core.language import message
from core.models import Model, runtime_device
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled, Run, solve
from core.solvers.adaptive import states_between

CUSTOM_BANDWIDTH = 0.1
IMAGE_TOLERANCE = 1e-8  # for exact image sets, whose particles are float32
ROUGH_TOLERANCE = 1e-6  # for a rough classifier, whose waves a tighter one would follow for minutes
NETWORK_REFERENCE = ("dpmpp-3m", 200)  # a learned score is too rough in time for order 8; many small steps are not

Report = Callable[[float, str], None]
Stop = Callable[[], bool]


def never() -> bool:
    """The answer of a run that nobody cancels."""
    return False


def silent(fraction: float, doing: str) -> None:
    """The progress report of a run that nobody watches."""


@lru_cache(maxsize=32)
def build_model(data: ToyData | ImageData) -> Model:
    """The model of a data specification; the last 32 are kept.

    Raises
    ------
    ValueError
        If a weights file is missing or corrupt, or a setting is out of range.
    """
    if data.name == CUSTOM:
        return mixture_from_points(np.array(data.points), data.bandwidth or CUSTOM_BANDWIDTH, data.scale)
    if data.name == DRAWN:
        return mixture_from_drawing(data.drawing, data.scale)
    images = isinstance(data, ImageData)
    if data.guidance is not None:
        widths = {} if images else {"scale": data.scale, "bandwidth": data.bandwidth}
        family = image_family(data.name) if images else toy_family(data.name, **widths)
        return data.guidance.info.make(family, data.label, **dict(data.guidance.options))
    if images:
        return make_images(data.name, data.label)
    return make_toy(data.name, scale=data.scale, bandwidth=data.bandwidth, label=data.label)


def build_problem(data: Data, schedule: str) -> Problem:
    """The data's model under a noise schedule with its default parameters."""
    return Problem(build_model(data), make_schedule(schedule))


def build_law(data: Data, schedule: str) -> Problem:
    """The same without guidance: the class itself, whose density is known where the score is exact."""
    return build_problem(data.model_copy(update={"guidance": None}), schedule)


def precision_of(data: Data) -> torch.dtype:
    """float64 for 2-D data, float32 for images."""
    return torch.float64 if data.kind == "toy" else torch.float32


def grid_of(spec: Timed, problem: Problem, steps: int, grid: GridChoice | None = None) -> Tensor:
    """The times that an experiment's solvers stop at: (steps + 1,) float64, from noise to data.

    ``grid`` is another choice than the specification's own, for experiments that compare several. Every experiment gets
    its times here, so that a grid which depends on the problem has one place to be made.
    """
    return (grid or spec.grid).times(problem.schedule, steps, spec.t_start, spec.t_end)


def starting_noise(problem: Problem, data: Data, particles: int, t_start: float, seed: int) -> Tensor:
    """``sigma_t z`` at the first time: the same ``z`` for a seed whatever schedule, solver and step count."""
    # particles stay in main memory, where solvers are exact to the last digit on every machine; a network moves them
    return problem.sample_prior(particles, t_start, seed, precision_of(data))


def device_line(spec: Specification) -> str:
    """What computes the numbers of an experiment, where and in which precision, for the screen."""
    if not isinstance(spec, Setting):
        return message("closed formulas on cpu, float64")  # schedules alone: no model is asked
    if not is_exact(spec.data):
        return message("ADM UNet on {device}, float32", device=runtime_device().device)
    precision = str(precision_of(spec.data)).removeprefix("torch.")
    if spec.data.kind == "toy":
        precision = getattr(spec, "precision", precision)  # an experiment may ask for less
    precision = getattr(spec, "computed_in", precision)  # or for another one whatever the data
    return message("exact score on cpu, {precision} particles", precision=precision)


_references: Kept[Run] = Kept(100_000_000)
_solutions: Kept[Run] = Kept(100_000_000)  # with what lies between the times: another grid costs no evaluation


def part(report: Report, start: float, share: float) -> Report:
    """Progress of one part of an experiment: its 0 to 1 is ``start`` to ``start + share`` of the whole."""
    return lambda fraction, doing: report(start + share * fraction, doing)


def reference_run(
    problem: Problem, data: Data, times: Tensor, x: Tensor, seed: int, stop: Stop, report: Report
) -> tuple[Run, str]:
    """The solution that errors are measured against, and what it is in words; recent ones are kept.

    DOP853 at tolerance 1e-12 where the score is exact (1e-8 for images, whose particles are float32, 1e-6 for rough
    guidance), a run with 200 small steps where it is learned; the states are float64 in each case. Where the solution
    breaks off, the states that it did not reach are NaN and ``message`` says why.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    """
    drawn = (data, problem.schedule, tuple(x.shape), seed, x.dtype)
    key, span = (*drawn, tuple(times.tolist())), (*drawn, float(times[0]), float(times[-1]))
    run = _references.get(key)
    if run is None:
        run = _between(_solutions.get(span), problem, times)
    if run is None:
        run = solved_reference(problem, data, times, x, stop, report)
        if run.pieces:
            _solutions.put(span, run, run.states.nbytes + sum(piece.size for piece in run.pieces))
    _references.put(key, replace(run, pieces=()), run.states.nbytes)
    return run, reference_label(data)


def _between(run: Run | None, problem: Problem, times: Tensor) -> Run | None:
    """A kept solution at other times."""
    if run is None:
        return None
    states = states_between(run.pieces, problem.schedule, times, run.last)
    states[0], states[-1] = run.states[0], run.last
    return replace(run, times=times, states=states, steps=len(times) - 1, pieces=())


def solved_reference(
    problem: Problem, data: Data, times: Tensor, x: Tensor, stop: Stop = never, report: Report = silent
) -> Run:
    """The solution from ``x``, (N, *shape), as in :func:`reference_run`, which also keeps it."""
    fraction = 0.0

    def progress(done: int, steps: int) -> None:
        nonlocal fraction
        fraction = done / steps
        report(fraction, message("solving the reference"))

    def heartbeat() -> bool:
        report(fraction, message("solving the reference"))
        return stop()

    watched = {"progress": progress, "cancel": heartbeat}
    if is_exact(data):
        dense = data.kind == "toy" and len(times) > 2  # images would fill the memory; for two ends it only costs
        run = solve(problem, "reference", times, x.double(), dense=dense, **watched, **tolerances(data))
    else:
        solver, least = NETWORK_REFERENCE
        inner = -(-least // (len(times) - 1))
        fine = refine(problem.schedule, times, inner)
        run = thinned(solve(problem, solver, fine, x.double(), **watched, start="single-step"), inner)
    if run.cancelled:
        raise Cancelled(run.message)
    return padded(run, times)


def padded(run: Run, times: Tensor) -> Run:
    """A recorded run at all of ``times``: NaN where it broke off before. Its x0 predictions are dropped."""
    missing = len(times) - len(run.times)
    states, last, pieces = run.states, run.last, run.pieces
    if missing:
        last, pieces = torch.full_like(last, torch.nan), ()
        states = torch.cat([states, last.expand(missing, *last.shape)])
    return replace(run, times=times, states=states, last=last, x0_predictions=None, pieces=pieces)


def accuracy_of(data: Data) -> float:
    """Relative accuracy of the states of a reference run (rounding of the network's answers included)."""
    if data.guidance is not None and dict(data.guidance.options).get("roughness"):
        return ROUGH_TOLERANCE
    return 1e-12 if data.kind == "toy" else IMAGE_TOLERANCE


def tolerances(data: Data) -> dict[str, float]:
    """Options of the reference for data with an exact score; empty where it has its own tolerance."""
    accuracy = accuracy_of(data)
    return {} if accuracy == 1e-12 else {"rtol": accuracy, "atol": accuracy}


def reference_label(data: Data) -> str:
    """The reference in words."""
    if not is_exact(data):
        return message("DPM-Solver++ 3M with at least {steps} steps", steps=NETWORK_REFERENCE[1])
    return message("DOP853 at tolerance {tolerance}", tolerance=f"{accuracy_of(data):.0e}".replace("e-0", "e-"))


def thinned(run: Run, every: int) -> Run:
    """A recorded run with only every ``every``-th state."""
    return replace(
        run,
        times=run.times[::every],
        states=run.states[::every],
        x0_predictions=run.x0_predictions[::every],
        steps=run.steps // every,
    )
