"""The shape of probability-flow paths under several schedules."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis import flow_curvature, length_over_chord, polyline_curvature, principal_plane, straightness
from core.experiments.build import (
    Report,
    Stop,
    accuracy_of,
    build_problem,
    device_line,
    is_exact,
    never,
    part,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.specification import CurvatureSpec
from core.grids import make_grid, refine
from core.schedules import SCHEDULES

QUANTILES = (0.1, 0.5, 0.9)
STRAIGHT_STEPS = {True: 400, False: 200}  # intervals for the integral over time, at least: score exact or learned


@dataclass(frozen=True)
class PathShape:
    """Paths under one schedule.

    Attributes
    ----------
    schedule, title : name and title on screen.
    times, log_snr : (S + 1,) from noise to data; s : the same times scaled to run from 0 to 1.
    states : (S + 1, N, *shape).
    curvature : (S + 1, N), 1/length; curvature_mean (S + 1,); quantiles (3, S + 1) at 0.1, 0.5 and 0.9.
    straightness : (N,), squared length; length_over_chord : (N,).
    plane : (S + 1, N, 2) each path in its own two leading principal components; shares (N, 3) of its variance.
    """

    schedule: str
    title: str
    times: np.ndarray
    s: np.ndarray
    log_snr: np.ndarray
    states: np.ndarray
    curvature: np.ndarray
    curvature_mean: np.ndarray
    quantiles: np.ndarray
    straightness: np.ndarray
    length_over_chord: np.ndarray
    plane: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class CurvatureResult:
    """Path shapes by schedule, from the same noise."""

    spec: CurvatureSpec
    shapes: tuple[PathShape, ...]
    reference_label: str
    seconds: float
    notes: tuple[str, ...]

    def summary(self) -> pd.DataFrame:
        """One row a schedule: how much its paths bend and how far from straight they run, averaged over particles."""
        rows = [
            {
                "schedule": shape.title,
                "median_curvature": np.median(shape.curvature),
                "straightness": shape.straightness.mean(),
                "length_over_chord": np.nanmean(shape.length_over_chord),
                "variance_in_plane": shape.shares[:, :2].sum(axis=1).mean(),
            }
            for shape in self.shapes
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a schedule and time."""
        frames = [
            pd.DataFrame(
                {
                    "schedule": shape.title,
                    "t": shape.times,
                    "s": shape.s,
                    "lambda": shape.log_snr,
                    "curvature_mean": shape.curvature_mean,
                    "curvature_q10": shape.quantiles[0],
                    "curvature_median": shape.quantiles[1],
                    "curvature_q90": shape.quantiles[2],
                    "straightness_mean": shape.straightness.mean(),
                    "length_over_chord_mean": np.nanmean(shape.length_over_chord),
                }
            )
            for shape in self.shapes
        ]
        return pd.concat(frames, ignore_index=True)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything by schedule, for NPZ."""
        names = ("times", "log_snr", "states", "curvature", "straightness", "length_over_chord", "plane", "shares")
        return {f"{shape.schedule}_{name}": getattr(shape, name) for shape in self.shapes for name in names}


class Broken(RuntimeError):
    """The paths under one schedule could not be followed to their end."""


def run_curvature(spec: CurvatureSpec, report: Report = silent, stop: Stop = never) -> CurvatureResult:
    """Run the experiment.

    Raises
    ------
    core.solve.Cancelled
        When ``stop`` says so.
    ValueError
        If the paths under none of the schedules reach their end; otherwise a note names those that do not.
    """
    started = time.perf_counter()
    shapes, broken, label = [], [], ""
    for i, name in enumerate(spec.schedules):
        share = 1 / len(spec.schedules)
        try:
            shape, label = _shape(spec, name, SCHEDULES[name].title, part(report, i * share, share), stop)
        except Broken as reason:
            broken.append(str(reason))
        else:
            shapes.append(shape)
    if not shapes:
        raise ValueError(" ".join(broken))
    notes = (
        f"Computed with {device_line(spec)}.",
        f"Paths are those of {label}.",
        "Curvature is that of the path in x, so it depends on the schedule, which scales x. "
        "A particle so slow that rounding would decide its bend counts as at rest, with curvature 0.",
        *broken,
        *(() if is_exact(spec.data) else ("The score is learned: near pure noise its small errors decide the bends.",)),
    )
    return CurvatureResult(spec, tuple(shapes), label, time.perf_counter() - started, notes)


def inner_steps(spec: CurvatureSpec) -> int:
    """Reference steps between recorded nodes: the integral over time needs more places than the picture."""
    return -(-STRAIGHT_STEPS[is_exact(spec.data)] // spec.nodes)


def _shape(spec: CurvatureSpec, name: str, title: str, report: Report, stop: Stop) -> tuple[PathShape, str]:
    problem = build_problem(spec.data, name)
    schedule = problem.schedule
    bends = make_grid("uniform-lambda", schedule, spec.nodes)
    inner = inner_steps(spec)
    times = refine(schedule, bends, inner)
    x = starting_noise(problem, spec.data, spec.particles, float(bends[0]), spec.seed)
    run, label = reference_run(problem, spec.data, times, x, spec.seed, stop, report)
    if run.message:
        raise Broken(f"Paths under {title} are left out: the reference {run.message}.")
    states = run.states[::inner]
    # asked of the field where the score is exact; a learned one is rough, and only the states are smooth
    exact = is_exact(spec.data)
    bend = flow_curvature(problem, bends, states) if exact else polyline_curvature(states, accuracy_of(spec.data))
    curvature = bend.cpu().numpy()
    plane, shares = principal_plane(states)
    return (
        PathShape(
            schedule=name,
            title=title,
            times=bends.numpy(),
            s=((bends[0] - bends) / (bends[0] - bends[-1])).numpy(),
            log_snr=schedule.log_snr(bends).numpy(),
            states=states.cpu().numpy(),
            curvature=curvature,
            curvature_mean=curvature.mean(axis=1),
            quantiles=np.quantile(curvature, QUANTILES, axis=1),
            straightness=straightness(run).cpu().numpy(),
            length_over_chord=length_over_chord(run).cpu().numpy(),
            plane=plane.cpu().numpy(),
            shares=shares.cpu().numpy(),
        ),
        label,
    )
