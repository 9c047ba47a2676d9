"""Error against step count, measured order, and error along the path."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.analysis import FittedOrder, convergence_order, median_error, particle_error, path_error, rms_error
from core.experiments.build import (
    NETWORK_REFERENCE,
    Report,
    Stop,
    accuracy_of,
    build_problem,
    device_line,
    grid_of,
    is_exact,
    never,
    part,
    reference_run,
    silent,
    starting_noise,
    tolerances,
)
from core.experiments.evidence import SHOWN, Smoothness, as_pictures, smoothness
from core.experiments.kept import Kept
from core.experiments.specification import ConvergenceSpec, SolverChoice
from core.experiments.timing import WallTime, best_time, timing_notes
from core.grids import refine
from core.language import joined, message
from core.problem import Problem
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class SolverErrors:
    """One solver's errors.

    Attributes
    ----------
    steps, nfe, rms, median : (M,) by step count; errors are NaN where the run diverged.
    seconds : (M,) wall time of each run; the fastest undisturbed repeat if ``spec.timed``, else that of its only one.
    diverged : (M,) bool.
    order : measured against the step count, with the window it was measured on.
    expected_order, claimed_order : what our tests measure, and what the authors claim (None for an adaptive solver).
    psnr, feature : (M,) of images: peak signal-to-noise ratio in dB, and the distance in a classifier's features
        relative to their size (NaN where there is none). ends : end images by step count, at most ``SHOWN`` each.
    path_times, path_error : RMS error at each time of the run with ``spec.path_steps`` steps.
    particle_error : (N,) at the end of that run.
    note : what is known about a lost order; empty otherwise.
    """

    choice: SolverChoice
    name: str
    label: str
    steps: np.ndarray
    nfe: np.ndarray
    rms: np.ndarray
    median: np.ndarray
    seconds: np.ndarray
    diverged: np.ndarray
    order: FittedOrder
    expected_order: int | None
    claimed_order: int
    path_times: np.ndarray
    path_error: np.ndarray
    particle_error: np.ndarray
    note: str
    feature: np.ndarray
    ends: tuple[np.ndarray, ...] = field(repr=False, default=())

    @property
    def psnr(self) -> np.ndarray:
        """``20 log10(2 / rms)``: pixels span 2."""
        with np.errstate(divide="ignore"):
            return 20 * np.log10(2 / self.rms)

    @property
    def ms(self) -> np.ndarray:
        """Wall time of each run in milliseconds."""
        return 1000 * self.seconds


@dataclass(frozen=True)
class ConvergenceResult:
    """Errors of several solvers against one reference.

    ``floor`` is the error below which the reference or the precision decides, and ``floor_label`` says which.
    ``final_images`` holds the end images of the runs with ``spec.path_steps`` steps by solver label, and "reference".
    """

    spec: ConvergenceSpec
    solvers: tuple[SolverErrors, ...]
    floor: float
    floor_label: str
    reference_label: str
    final_images: dict[str, np.ndarray] = field(repr=False, default_factory=dict)
    smoothness: Smoothness | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def kept_images(self) -> int:
        """How many end images each run keeps."""
        return min(SHOWN, self.spec.particles)

    def summary(self) -> pd.DataFrame:
        """One row a solver: measured and claimed order, and the RMS error at each step count."""
        rows = [
            {
                "solver": s.label,
                "order": float(s.order) if s.order.reliable else np.nan,
                "claimed": s.claimed_order,
                **{f"rms at {steps}": error for steps, error in zip(s.steps, s.rms, strict=True)},
            }
            for s in self.solvers
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a solver and step count."""
        frames = [
            pd.DataFrame(
                {
                    "solver": s.label,
                    "steps": s.steps,
                    "nfe": s.nfe,
                    "rms_error": s.rms,
                    "median_error": s.median,
                    "seconds": s.seconds,
                    "diverged": s.diverged,
                    **({"psnr": s.psnr, "feature_distance": s.feature} if s.ends else {}),
                    "measured_order": float(s.order),
                    "order_margin": s.order.margin,
                    "order_reached": s.order.reliable,
                    "claimed_order": s.claimed_order,
                }
            )
            for s in self.solvers
        ]
        return pd.concat(frames, ignore_index=True)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Errors by solver, for NPZ."""
        arrays = {"floor": np.array(self.floor)}
        for s in self.solvers:
            for name in ("steps", "nfe", "rms", "median", "path_times", "path_error", "particle_error"):
                arrays[f"{s.choice}_{name}"] = getattr(s, name)
        return arrays


@dataclass(frozen=True)
class _Point:
    """One run: what it cost and how far from the reference it ended."""

    nfe: int
    rms: float
    median: float
    seconds: float
    diverged: bool
    feature: float = float("nan")
    end: np.ndarray | None = None


@dataclass(frozen=True)
class _Path:
    """The run whose error is shown along the path."""

    times: np.ndarray
    error: np.ndarray
    particle_error: np.ndarray
    final: np.ndarray


# a run depends on its own solver and step count only: adding one to the picture must not repeat the others
_runs: Kept[tuple[_Point, _Path | None]] = Kept(50_000_000)
_floors: Kept[tuple[float, str]] = Kept(100_000)


def run_convergence(spec: ConvergenceSpec, report: Report = silent, stop: Stop = never) -> ConvergenceResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    started = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    x = _start(spec, problem)
    path_grid = _grid(spec, problem, spec.path_steps)
    # the reference starts from the same numbers in float64, so that precision counts as error of the run
    reference, label = reference_run(problem, spec.data, path_grid, x, spec.seed, stop, part(report, 0.0, 0.15))
    floor, floor_label = _floor(spec, problem, x, reference, part(report, 0.15, 0.1), stop)

    counts = sorted({*spec.step_counts, spec.path_steps})
    work = sum(counts) * len(spec.solvers)
    done, disturbed, measured, images = 0, 0, [], {}
    for choice in spec.solvers:
        points: dict[int, _Point] = {}
        path: _Path | None = None
        for steps in counts:
            running = part(report, 0.25 + 0.75 * done / work, 0.75 * steps / work)
            points[steps], recorded = _measure(spec, choice, steps, problem, x, reference, running, stop)
            path = recorded or path
            done += steps
            if spec.timed and steps in spec.step_counts:
                took = _timed(spec, choice, steps, problem, x, running, stop)
                points[steps] = replace(points[steps], seconds=took.seconds)
                disturbed += not took.undisturbed
        measured.append(_errors(spec, choice, points, path, floor))
        if spec.data.kind == "images":
            images[choice.label] = path.final
    smooth = None
    if spec.data.kind == "images":
        images["reference"] = reference.final.cpu().numpy()
        if not is_exact(spec.data):
            examining = part(report, 0.9, 0.1)
            smooth = smoothness(problem, spec.data, path_grid[[0, -1]], x, spec.seed, examining, stop)
    notes = _notes(spec, measured, reference, label)
    if spec.timed:
        notes += timing_notes(len(spec.solvers) * len(spec.step_counts), disturbed)
    return ConvergenceResult(
        spec=spec,
        solvers=tuple(measured),
        floor=floor,
        floor_label=floor_label,
        reference_label=label,
        final_images=images,
        smoothness=smooth,
        seconds=time.perf_counter() - started,
        notes=tuple(notes),
    )


def _start(spec: ConvergenceSpec, problem: Problem) -> Tensor:
    first = float(_grid(spec, problem, spec.path_steps)[0])
    x = starting_noise(problem, spec.data, spec.particles, first, spec.seed)
    return x.to(DTYPES[spec.precision]) if spec.data.kind == "toy" else x


def _grid(spec: ConvergenceSpec, problem: Problem, steps: int) -> Tensor:
    return grid_of(spec, problem, steps)


def _key(spec: ConvergenceSpec, *more: Hashable) -> Hashable:
    """Everything in the specification that a single run depends on; its ends are given beside it."""
    return (spec.model_copy(update={"solvers": (), "step_counts": (), "path_steps": 0, "timed": False}), *more)


def _ends(reference: Run) -> tuple[float, float]:
    return float(reference.times[0]), float(reference.times[-1])


def _floor(
    spec: ConvergenceSpec, problem: Problem, x: Tensor, reference: Run, report: Report, stop: Stop
) -> tuple[float, str]:
    """The larger of the reference's own uncertainty and the rounding of the particles' precision."""
    key = _key(spec, _ends(reference))
    kept = _floors.get(key)
    if kept is not None:
        return kept
    fraction = 0.0

    def progress(done: int, steps: int) -> None:
        nonlocal fraction
        fraction = done / steps

    def heartbeat() -> bool:
        report(fraction, message("checking the reference"))
        return stop()

    watched: dict[str, Any] = {"record": False, "progress": progress, "cancel": heartbeat}
    ends = reference.times[[0, -1]]
    if not is_exact(spec.data):
        solver, steps = NETWORK_REFERENCE
        half = refine(problem.schedule, ends, steps // 2)
        check = solve(problem, solver, half, x.double(), **watched, start="single-step")
        why = message("the reference's own error, from half as many steps")
    elif tolerances(spec.data):
        loose = 10 * accuracy_of(spec.data)
        check = solve(problem, "reference", ends, x.double(), **watched, rtol=loose, atol=loose)
        why = message("the reference's own error, from ten times its tolerance")
    else:
        check = solve(problem, "reference", ends, x.double(), **watched, variable="scaled")
        why = message("the reference's own error, from integrating another variable")
    if check.cancelled:
        raise Cancelled(check.message)
    rounding = torch.finfo(x.dtype).eps * float(reference.final.square().mean().sqrt())
    own = rms_error(check.final, reference.final)
    rounded = message("rounding of {precision}", precision=str(x.dtype).removeprefix("torch."))
    floor = (own, why) if own > rounding else (rounding, rounded)
    return _floors.put(key, floor, 200)


def _measure(
    spec: ConvergenceSpec,
    choice: SolverChoice,
    steps: int,
    problem: Problem,
    x: Tensor,
    reference: Run,
    report: Report,
    stop: Stop,
) -> tuple[_Point, _Path | None]:
    """One solver with one step count, and its path if that is the one to show; recent ones are kept."""
    shown = steps == spec.path_steps
    with_path, alone = (_key(spec, choice, steps, _ends(reference), kind) for kind in ("path", "end"))
    kept = _runs.get(with_path)
    if kept is not None:
        return kept if shown else (kept[0], None)
    kept = None if shown else _runs.get(alone)
    if kept is not None:
        return kept

    def progress(done: int, total: int) -> None:
        report(done / total, message("running {solver}", solver=choice.label))

    times = _grid(spec, problem, steps)
    run = solve(
        problem, choice.name, times, x, spec.seed, shown, progress=progress, cancel=stop, **dict(choice.options)
    )
    if run.cancelled:
        raise Cancelled(run.message)
    final, target = run.final.cpu(), reference.final.cpu()
    errors = rms_error(final, target), median_error(final, target)
    point = _Point(
        run.nfe, *errors, run.seconds, not run.complete, *as_pictures(spec.data, problem, final, target, times)
    )
    path = None
    if shown:
        along = path_error(run.states.cpu(), reference.states[: len(run.times)].cpu())
        path = _Path(run.times.numpy(), along.numpy(), particle_error(final, target).numpy(), final.numpy())
    size = (
        500
        + (0 if point.end is None else point.end.nbytes)
        + (path.final.nbytes + path.particle_error.nbytes if path else 0)
    )
    return _runs.put(with_path if shown else alone, (point, path), size)


def _timed(
    spec: ConvergenceSpec, choice: SolverChoice, steps: int, problem: Problem, x: Tensor, report: Report, stop: Stop
) -> WallTime:
    """Wall time of one run without records; never kept, since it belongs to this moment."""
    times, options = _grid(spec, problem, steps), dict(choice.options)

    def work() -> None:
        report(1.0, message("timing {solver}", solver=choice.label))
        run = solve(problem, choice.name, times, x, spec.seed, record=False, cancel=stop, **options)
        if run.cancelled:
            raise Cancelled(run.message)

    return best_time(work, guarded=is_exact(spec.data))


def _errors(
    spec: ConvergenceSpec, choice: SolverChoice, points: dict[int, _Point], path: _Path, floor: float
) -> SolverErrors:
    info = SOLVERS[choice.name]
    chosen = [points[steps] for steps in spec.step_counts]
    rms = np.array([point.rms for point in chosen])
    return SolverErrors(
        choice=choice,
        name=choice.name,
        label=choice.label,
        steps=np.array(spec.step_counts),
        nfe=np.array([point.nfe for point in chosen]),
        rms=rms,
        median=np.array([point.median for point in chosen]),
        seconds=np.array([point.seconds for point in chosen]),
        diverged=np.array([point.diverged for point in chosen]),
        order=convergence_order(spec.step_counts, rms, floor),
        expected_order=info.order,
        claimed_order=info.claimed_order,
        path_times=path.times,
        path_error=path.error,
        particle_error=path.particle_error,
        note=info.note,
        feature=np.array([point.feature for point in chosen]),
        ends=tuple(point.end for point in chosen if point.end is not None),
    )


def _notes(spec: ConvergenceSpec, measured: list[SolverErrors], reference: Run, label: str) -> list[str]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("Errors are against {reference}.", reference=label),
    ]
    if reference.message:
        notes.append(message("The reference {what}; there is no error to show.", what=reference.message))
    for s in measured:
        if s.diverged.any():
            broken = joined(map(str, s.steps[s.diverged]), ", ")
            told = message(
                "{solver} diverged with {steps} steps; no error is drawn there.", solver=s.label, steps=broken
            )
            notes.append(told)
        if s.note:
            notes.append(message("{solver}: {note}", solver=s.label, note=message(s.note)))
    if not is_exact(spec.data):
        notes.append(
            message("A learned score is rough in time and computed in float32: the orders above need not be reached.")
        )
    return notes
