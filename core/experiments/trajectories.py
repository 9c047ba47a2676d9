"""Several solvers carry the same noise to data, beside the reference path."""

import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.analysis import median_error, path_error, rms_error
from core.experiments.build import (
    Report,
    Stop,
    build_law,
    build_problem,
    device_line,
    grid_of,
    is_exact,
    never,
    part,
    precision_of,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.side import Profile, Tried, forward_paths, profile, tried
from core.experiments.specification import SolverChoice, TrajectoriesSpec
from core.experiments.watching import Placed, Watched, how_many, place, watched
from core.grids import refine
from core.language import message
from core.problem import Problem
from core.solve import Cancelled, Run, solve
from core.solvers import SOLVERS

DENSE = 100  # intervals of a 2-D reference path, at least: smooth to the eye
FRAMES = 40  # pictures of the density and the field, at most
DENSITY_SIDE, ARROW_SIDE = 64, 15
BACKDROP = 600
REFERENCE_SHARE = 0.8  # of the time, for the progress bar


@dataclass(frozen=True)
class SolverPath:
    """One solver's run.

    Attributes
    ----------
    choice, name, label : the solver, its key and its title with options.
    times : (S' + 1,) times reached; shorter than the grid if the run diverged.
    states : (S' + 1, N, *shape); x0 : (S', N, *shape), the predicted clean data at the start of each step.
    nfe, seconds : model evaluations and wall time.
    stochastic : whether it draws noise, so that its error against the ODE means nothing (NaN).
    error : (S' + 1,) RMS distance to the reference at the same time; final_rms, final_median at the end (NaN if the
        run did not get there).
    diverged_at, message : the step at which it broke off, and why.
    evaluation_times : (calls,) the time of every model call.
    tried : every step that an adaptive solver tried; None for the others.
    watched : where the model was asked, and which way the answers point, for the first particles; None for images.
    """

    choice: SolverChoice
    name: str
    label: str
    times: np.ndarray
    states: np.ndarray
    x0: np.ndarray
    nfe: int
    seconds: float
    stochastic: bool
    error: np.ndarray
    final_rms: float
    final_median: float
    diverged_at: int | None
    message: str
    evaluation_times: np.ndarray
    tried: Tried | None = None
    watched: Watched | None = None


@dataclass(frozen=True)
class FieldFrames:
    """Density and PF-ODE velocity on a square lattice, at ``times``.

    ``density`` (F, G, G) is ``p_t`` divided by its maximum in each frame, rows along y; ``velocity`` (F, A, A, 2) is
    ``dx/dlambda``: the motion of a sampler, towards data, per unit of lambda. ``steps`` (F,) are the indices of
    ``times`` in the grid.
    """

    steps: np.ndarray
    times: np.ndarray
    x: np.ndarray
    y: np.ndarray
    density: np.ndarray
    arrows_x: np.ndarray
    arrows_y: np.ndarray
    velocity: np.ndarray


@dataclass(frozen=True)
class TrajectoriesResult:
    """Runs of several solvers from the same noise.

    ``reference`` is (R + 1, N, *shape) at ``reference_times``; every time of the grid is among them, at the indices
    ``on_grid``. ``forward`` is (S + 1, N, *shape), other particles on their way from data to noise, at ``times``, and
    ``forward_from`` says where they begin. ``profile`` is the exact law along one direction, None where it is unknown.
    ``placed`` holds the paths from the point of ``spec.start``, if it has one.
    """

    spec: TrajectoriesSpec
    paths: tuple[SolverPath, ...]
    times: np.ndarray
    alpha: np.ndarray
    sigma: np.ndarray
    log_snr: np.ndarray
    reference_times: np.ndarray
    reference: np.ndarray
    on_grid: np.ndarray
    reference_label: str
    field: FieldFrames | None
    data_samples: np.ndarray | None
    forward: np.ndarray
    forward_from: str
    profile: Profile | None
    placed: Placed | None
    seconds: float
    notes: tuple[str, ...] = field(default=())

    def summary(self) -> pd.DataFrame:
        """One row a solver: what it cost and how far from the reference it ended."""
        rows = [
            {
                "solver": path.label,
                "nfe": path.nfe,
                "rms_error": path.final_rms,
                "median_error": path.final_median,
                "seconds": path.seconds,
            }
            for path in self.paths
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a solver and time: noise levels, RMS error, and the model evaluations of the whole run."""
        columns = {"alpha": self.alpha, "sigma": self.sigma, "lambda": self.log_snr}
        frames = []
        for path in self.paths:
            reached = len(path.times)
            rows = {"solver": path.label, "step": np.arange(reached), "t": path.times}
            rows |= {name: values[:reached] for name, values in columns.items()}
            frames.append(pd.DataFrame({**rows, "rms_error": path.error, "nfe": path.nfe}))
        return pd.concat(frames, ignore_index=True)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Every path, for NPZ: ``<solver>_times`` and ``<solver>_states``, and the reference."""
        arrays = {"reference_times": self.reference_times, "reference_states": self.reference}
        arrays |= {"times": self.times, "forward_states": self.forward}
        for path in self.paths:
            arrays |= {f"{path.choice}_times": path.times, f"{path.choice}_states": path.states}
            if path.tried is not None:
                arrays |= {f"{path.choice}_tried_{key}": values for key, values in vars(path.tried).items()}
        if self.placed is not None:
            arrays["placed_reference_states"] = self.placed.reference
            named = zip(self.paths, self.placed.states, strict=True)
            arrays |= {f"{path.choice}_placed_states": states for path, states in named}
        return arrays


def run_trajectories(spec: TrajectoriesSpec, report: Report = silent, stop: Stop = never) -> TrajectoriesResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    started = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    times = grid_of(spec, problem, spec.steps)
    x = starting_noise(problem, spec.data, spec.particles, float(times[0]), spec.seed)

    inner = -(-DENSE // spec.steps) if spec.data.kind == "toy" else 1
    dense = refine(problem.schedule, times, inner)
    reference, label = reference_run(problem, spec.data, dense, x, spec.seed, stop, part(report, 0.0, REFERENCE_SHARE))
    on_grid = np.arange(0, len(dense), inner)
    at_grid = reference.states[::inner]

    toy = spec.data.kind == "toy"
    watch = how_many(spec.particles, spec.steps, len(spec.solvers)) if toy else 0
    paths = []
    for i, choice in enumerate(spec.solvers):
        share = (1 - REFERENCE_SHARE) / len(spec.solvers)
        running = part(report, REFERENCE_SHARE + i * share, share)

        def progress(done: int, steps: int, running: Report = running, choice: SolverChoice = choice) -> None:
            running(done / steps, message("running {solver}", solver=choice.label))

        following = {"progress": progress, "cancel": stop, "watch": watch}
        run = solve(problem, choice.name, times, x, spec.seed, **following, **dict(choice.options))
        if run.cancelled:
            raise Cancelled(run.message)
        paths.append(_path(problem, choice, run, at_grid))
    law = build_law(spec.data, spec.schedule)  # of the class, where guidance carries particles elsewhere
    field = _field(problem, law, times, reference.states) if toy else None
    clean, begin = _clean(spec, law, reference)
    steps = np.unique(np.linspace(0, spec.steps, min(spec.steps + 1, FRAMES)).round().astype(int))
    return TrajectoriesResult(
        spec=spec,
        paths=tuple(paths),
        times=times.numpy(),
        alpha=problem.schedule.alpha(times).numpy(),
        sigma=problem.schedule.sigma(times).numpy(),
        log_snr=problem.schedule.log_snr(times).numpy(),
        reference_times=reference.times.numpy(),
        reference=_array(reference.states),
        on_grid=on_grid,
        reference_label=label,
        field=field,
        data_samples=_array(law.sample_data(BACKDROP, spec.seed)) if toy else None,
        forward=_array(forward_paths(problem.schedule, times, clean, spec.seed)),
        forward_from=begin,
        profile=profile(law, times, steps, float(field.x[-1]) if field else None),
        placed=place(problem, spec, times, dense, stop),
        seconds=time.perf_counter() - started,
        notes=_notes(spec, paths, reference, label),
    )


def _notes(spec: TrajectoriesSpec, paths: list[SolverPath], reference: Run, label: str) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("Errors are against {reference}.", reference=label),
    ]
    if reference.message:
        notes.append(message("The reference {what}; there is no error to show.", what=reference.message))
    notes += [message("{solver} {what}.", solver=path.label, what=path.message) for path in paths if path.message]
    if spec.data.guidance is not None:
        notes.append(
            message(
                "Guidance is on: density, data and histogram are those of the class itself. The law of guided "
                "particles is neither that nor the class' density sharpened."
            )
        )
    if spec.start is not None:
        notes.append(message("From the placed point every solver begins afresh: a multistep method has no past there."))
    if not is_exact(spec.data):
        notes.append(
            message("The score is learned: the reference is the end of the network's own path, not the truth.")
        )
    return tuple(notes)


def _clean(spec: TrajectoriesSpec, law: Problem, reference: Run) -> tuple[Tensor, str]:
    """Clean particles that the forward process starts from, and what they are."""
    if is_exact(spec.data):
        return law.sample_data(spec.particles, spec.seed).to(precision_of(spec.data)), message("drawn from the data")
    return reference.states[-1].to(precision_of(spec.data)).cpu(), message("the network's own images")


def _path(problem: Problem, choice: SolverChoice, run: Run, reference: Tensor) -> SolverPath:
    info = SOLVERS[choice.name]
    reached = len(run.times)
    error = path_error(run.states, reference[:reached].to(run.states)).cpu().numpy()
    final, last = run.final.cpu(), reference[-1].cpu()
    return SolverPath(
        choice=choice,
        name=choice.name,
        label=choice.label,
        times=run.times.numpy(),
        states=_array(run.states),
        x0=_array(run.x0_predictions),
        nfe=run.nfe,
        seconds=run.seconds,
        stochastic=info.stochastic,
        error=np.full(reached, np.nan) if info.stochastic else error,
        final_rms=float("nan") if info.stochastic else rms_error(final, last),
        final_median=float("nan") if info.stochastic else median_error(final, last),
        diverged_at=run.diverged_at,
        message=run.message,
        evaluation_times=run.evaluation_times.numpy(),
        tried=tried(problem.schedule, run.attempts),
        watched=watched(problem, run) if run.watched else None,
    )


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()


def _field(problem: Problem, law: Problem, times: Tensor, reference: Tensor) -> FieldFrames:
    """Density of ``law`` and velocity of ``problem`` over the region that the reference paths visit."""
    reach = float(reference[-1].nan_to_num(nan=1.0).abs().max())  # NaN where the reference broke off
    # the farthest of all times, since guided paths overshoot; one that broke off counts as far as it came
    away = float(reference.abs().flatten(1).nan_to_num(nan=0.0).quantile(0.98, dim=1).max())
    # schedules without a bound on sigma start far away; the picture keeps to the neighbourhood of the data
    half = 1.15 * max(reach, min(away, 2.5 * reach))
    picked = torch.linspace(0, len(times) - 1, min(len(times), FRAMES)).round().long()
    axis = torch.linspace(-half, half, DENSITY_SIDE, dtype=torch.float64)
    arrows = torch.linspace(-half, half, ARROW_SIDE + 2, dtype=torch.float64)[1:-1]
    lattice = torch.cartesian_prod(axis, axis).flip(1)
    arrow_places = torch.cartesian_prod(arrows, arrows).flip(1)
    density, velocity = [], []
    for t in times[picked].tolist():
        log_density = law.log_density(lattice, t)
        density.append((log_density - log_density.max()).exp().reshape(DENSITY_SIDE, DENSITY_SIDE))
        per_lambda = problem.velocity(arrow_places, t) / problem.level(t).d_lam
        velocity.append(per_lambda.reshape(ARROW_SIDE, ARROW_SIDE, 2))
    return FieldFrames(
        steps=picked.numpy(),
        times=times[picked].numpy(),
        x=axis.numpy(),
        y=axis.numpy(),
        density=torch.stack(density).float().numpy(),
        arrows_x=arrows.numpy(),
        arrows_y=arrows.numpy(),
        velocity=torch.stack(velocity).float().numpy(),
    )
