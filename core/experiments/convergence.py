"""Error against step count, measured order, and error along the path."""

import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.analysis import FittedOrder, convergence_order, median_error, particle_error, path_error, rms_error
from core.experiments.build import (
    NETWORK_REFERENCE,
    Report,
    Stop,
    build_problem,
    device_line,
    is_exact,
    never,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.specification import ConvergenceSpec, SolverChoice
from core.grids import make_grid, refine
from core.problem import Problem
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class SolverErrors:
    """One solver's errors.

    Attributes
    ----------
    steps, nfe, rms, median, seconds : (M,) by step count; errors are NaN where the run diverged.
    diverged : (M,) bool.
    order : measured against the step count, with the window it was measured on.
    expected_order, claimed_order : what our tests measure, and what the authors claim (None for an adaptive solver).
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
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

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
                    "measured_order": float(s.order),
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


def run_convergence(spec: ConvergenceSpec, report: Report = silent, stop: Stop = never) -> ConvergenceResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    started = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    x = _start(spec, problem)
    path_grid = _grid(spec, problem, spec.path_steps)
    report(0.0, "solving the reference")
    # the reference starts from the same numbers in float64, so that precision counts as error of the run
    reference, label = reference_run(problem, spec.data, path_grid, x, spec.seed, stop, report)
    floor, floor_label = _floor(spec, problem, x, reference, stop)

    counts = sorted({*spec.step_counts, spec.path_steps})
    work = sum(counts) * len(spec.solvers)
    done_work, measured, images = 0, [], {}
    for choice in spec.solvers:
        runs = {}
        for steps in counts:

            def progress(done: int, _: int, base: int = done_work, choice: SolverChoice = choice) -> None:
                report(0.1 + 0.9 * (base + done) / work, f"running {choice.label}")

            runs[steps] = solve(
                problem,
                choice.name,
                _grid(spec, problem, steps),
                x,
                spec.seed,
                record=steps == spec.path_steps,
                progress=progress,
                cancel=stop,
                **dict(choice.options),
            )
            if runs[steps].cancelled:
                raise Cancelled(runs[steps].message)
            done_work += steps
        measured.append(_errors(spec, choice, runs, reference, floor))
        if spec.data.kind == "images":
            images[choice.label] = runs[spec.path_steps].final.cpu().numpy()
    if spec.data.kind == "images":
        images["reference"] = reference.final.cpu().numpy()
    return ConvergenceResult(
        spec=spec,
        solvers=tuple(measured),
        floor=floor,
        floor_label=floor_label,
        reference_label=label,
        final_images=images,
        seconds=time.perf_counter() - started,
        notes=_notes(spec, measured, label),
    )


def _start(spec: ConvergenceSpec, problem: Problem) -> Tensor:
    first = float(_grid(spec, problem, 1)[0])
    x = starting_noise(problem, spec.data, spec.particles, first, spec.seed)
    return x.to(DTYPES[spec.precision]) if spec.data.kind == "toy" else x


def _grid(spec: ConvergenceSpec, problem: Problem, steps: int) -> Tensor:
    return make_grid(spec.grid, problem.schedule, steps, spec.t_start, spec.t_end, **spec.grid_options)


def _floor(spec: ConvergenceSpec, problem: Problem, x: Tensor, reference: Run, stop: Stop) -> tuple[float, str]:
    """The larger of the reference's own uncertainty and the rounding of the particles' precision."""
    size = float(reference.final.double().square().mean().sqrt())
    rounding = torch.finfo(x.dtype).eps * size
    ends = reference.times[[0, -1]]
    if not is_exact(spec.data):
        check = solve(problem, "dpmpp-3m", _fine(problem, reference), x, record=False, cancel=stop, start="single-step")
        why = "the reference's own error, from half as many steps"
    elif spec.data.kind == "images":
        check = solve(problem, "reference", ends, x.double(), record=False, cancel=stop, rtol=1e-7, atol=1e-7)
        why = "the reference's own error, from ten times its tolerance"
    else:
        check = solve(problem, "reference", ends, x.double(), record=False, cancel=stop, variable="scaled")
        why = "the reference's own error, from integrating another variable"
    if check.cancelled:
        raise Cancelled(check.message)
    own = rms_error(check.final, reference.final.to(check.final))
    if own > rounding:
        return own, why
    return rounding, f"rounding of {str(x.dtype).removeprefix('torch.')}"


def _fine(problem: Problem, reference: Run) -> Tensor:
    """A grid uniform in lambda with half the steps of the network reference."""
    return refine(problem.schedule, reference.times[[0, -1]], NETWORK_REFERENCE[1] // 2)


def _errors(
    spec: ConvergenceSpec, choice: SolverChoice, runs: dict[int, Run], reference: Run, floor: float
) -> SolverErrors:
    info = SOLVERS[choice.name]
    chosen = [runs[steps] for steps in spec.step_counts]
    target = reference.final.cpu()
    rms = np.array([rms_error(run.final.cpu(), target) for run in chosen])
    path = runs[spec.path_steps]
    reached = len(path.times)
    return SolverErrors(
        choice=choice,
        name=choice.name,
        label=choice.label,
        steps=np.array(spec.step_counts),
        nfe=np.array([run.nfe for run in chosen]),
        rms=rms,
        median=np.array([median_error(run.final.cpu(), target) for run in chosen]),
        seconds=np.array([run.seconds for run in chosen]),
        diverged=np.array([not run.complete for run in chosen]),
        order=convergence_order(spec.step_counts, rms, floor),
        expected_order=info.order,
        claimed_order=info.claimed_order,
        path_times=path.times.numpy(),
        path_error=path_error(path.states, reference.states[:reached].to(path.states.device)).cpu().numpy(),
        particle_error=particle_error(path.final.cpu(), target).numpy(),
        note=info.note,
    )


def _notes(spec: ConvergenceSpec, measured: list[SolverErrors], reference: str) -> tuple[str, ...]:
    where = device_line(spec.data)
    if spec.data.kind == "toy":
        where = where.replace("float64", spec.precision)
    notes = [f"Computed with {where}.", f"Errors are against {reference}."]
    for s in measured:
        if s.diverged.any():
            broken = ", ".join(str(n) for n in s.steps[s.diverged])
            notes.append(f"{s.label} diverged with {broken} steps; no error is drawn there.")
        if s.note:
            notes.append(f"{s.label}: {s.note}")
    if not is_exact(spec.data):
        notes.append("A learned score is rough in time and computed in float32: the orders above need not be reached.")
    return tuple(notes)
