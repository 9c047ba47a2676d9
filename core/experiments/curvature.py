"""The shape of probability-flow paths under several schedules: how they bend and twist, and how alike they are."""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from core.analysis import (
    chord_frame,
    flow_bends,
    flow_curvature,
    length_over_chord,
    path_length,
    polyline_curvature,
    polyline_torsion,
    principal_components,
    shape_spread,
    straightness,
    straightness_along,
)
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
from core.language import joined, message, reason
from core.problem import Problem
from core.schedules import SCHEDULES

QUANTILES = (0.1, 0.5, 0.9)
MEASURES = ("curvature", "straightness_rate", "turning", "torsion")  # along the paths
STRAIGHT_STEPS = {True: 400, False: 200}  # intervals for the integral over time, at least: score exact or learned


@dataclass(frozen=True)
class Along:
    """A measure along the paths, over particles: ``quantiles`` (3, P) at 0.1, 0.5 and 0.9, ``mean`` (P,).

    ``places`` are (P,) by the name of the axis, ``s`` or ``log_snr``. NaN where less than half of the particles have a
    value.
    """

    places: dict[str, np.ndarray]
    quantiles: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True)
class PathShape:
    """Paths under one schedule.

    Attributes
    ----------
    schedule, title : name and title on screen.
    times, log_snr : (S + 1,) from noise to data; s : the same times scaled to run from 0 to 1.
    states : (S + 1, N, *shape).
    curvature : (S + 1, N), 1/length; curvature_mean (S + 1,); quantiles (3, S + 1) at 0.1, 0.5 and 0.9.
    torsion : (S + 1, N), 1/length, NaN where rounding would decide it; None in the plane, which has none.
    straightness : (N,), squared length; straightness_rate (S, N) its integrand, averaged between the recorded times.
    length : (N,); length_over_chord : (N,).
    components : (S + 1, N, 3) each path in its own leading principal components; shares (N, 3) of its variance.
    along, height, aside : (S + 1, N) each path in the frame of its chord, see :func:`core.analysis.chord_frame`.
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
    torsion: np.ndarray | None
    straightness: np.ndarray
    straightness_rate: np.ndarray
    length: np.ndarray
    length_over_chord: np.ndarray
    components: np.ndarray
    shares: np.ndarray
    along: np.ndarray
    height: np.ndarray
    aside: np.ndarray

    @property
    def plane(self) -> np.ndarray:
        """The first two of the components, (S + 1, N, 2)."""
        return self.components[:, :, :2]

    @property
    def turning(self) -> np.ndarray:
        """Curvature times the length of the path, (S + 1, N): radians turned if it bent so sharply throughout."""
        return self.curvature * self.length

    @property
    def deviation(self) -> np.ndarray:
        """Greatest distance of each path from its chord, (N,), as a share of the chord."""
        return np.hypot(self.height, self.aside).max(axis=0)

    @cached_property
    def unlikeness(self) -> tuple[float, float]:
        """Spread of the heights above the chord about their mean: as they are, and each scaled to its own top."""
        heights = torch.from_numpy(self.height)
        return shape_spread(heights), shape_spread(heights / heights.amax(dim=0))

    def over(self, measure: str) -> Along:
        """One of ``MEASURES`` along the paths."""
        if measure == "curvature":
            return Along({"s": self.s, "log_snr": self.log_snr}, self.quantiles, self.curvature_mean)
        values = getattr(self, measure)
        places = {"s": self.s, "log_snr": self.log_snr}
        if len(values) < len(self.s):  # of the stretches between the recorded times
            places = {name: (x[1:] + x[:-1]) / 2 for name, x in places.items()}
        few = np.isfinite(values).mean(axis=1) < 0.5
        values = np.where(few[:, None], 0.0, values)
        quantiles, mean = np.nanquantile(values, QUANTILES, axis=1), np.nanmean(values, axis=1)
        return Along(places, np.where(few, np.nan, quantiles), np.where(few, np.nan, mean))


@dataclass(frozen=True)
class CurvatureResult:
    """Path shapes by schedule, from the same noise; ``beside`` those of the data set to compare with."""

    spec: CurvatureSpec
    shapes: tuple[PathShape, ...]
    reference_label: str
    seconds: float
    notes: tuple[str, ...]
    beside: tuple[PathShape, ...] = ()

    def summary(self) -> pd.DataFrame:
        """One row a schedule: how much its paths bend and how far from straight they run, averaged over particles."""
        rows = [
            {
                "schedule": shape.title,
                "median_curvature": np.median(shape.curvature),
                "straightness": shape.straightness.mean(),
                "length_over_chord": np.nanmean(shape.length_over_chord),
                "variance_in_plane": shape.shares[:, :2].sum(axis=1).mean(),
                "deviation_from_chord": np.nanmean(shape.deviation),
                "unlikeness": shape.unlikeness[0],
            }
            for shape in self.shapes
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a data set, schedule and time; ``straightness_rate`` is that from this time to the next."""
        return pd.concat(
            [
                *(_frame(self.spec.data.name, shape) for shape in self.shapes),
                *(_frame(self.spec.beside, shape) for shape in self.beside),
            ],
            ignore_index=True,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything by schedule, for NPZ; that of the data beside after ``beside_``."""
        return {
            f"{prefix}{shape.schedule}_{name}": getattr(shape, name)
            for prefix, shapes in (("", self.shapes), ("beside_", self.beside))
            for shape in shapes
            for name in ARRAYS
            if getattr(shape, name) is not None
        }


ARRAYS = (
    *("times", "log_snr", "states", "curvature", "torsion", "straightness", "straightness_rate", "length"),
    *("length_over_chord", "components", "shares", "along", "height", "aside"),
)


def _frame(data: str, shape: PathShape) -> pd.DataFrame:
    columns = {"data": data, "schedule": shape.title, "t": shape.times, "s": shape.s, "lambda": shape.log_snr}
    for measure in MEASURES:
        if getattr(shape, measure) is None:
            continue
        over = shape.over(measure)
        rows = np.pad(np.vstack([over.mean, over.quantiles]), ((0, 0), (0, len(shape.s) - len(over.mean))), **_LOST)
        columns |= {f"{measure}_{name}": row for name, row in zip(("mean", "q10", "median", "q90"), rows, strict=True)}
    columns["straightness_mean"] = shape.straightness.mean()
    columns["length_over_chord_mean"] = np.nanmean(shape.length_over_chord)
    return pd.DataFrame(columns)


_LOST = {"constant_values": np.nan}


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
    first = 1.0 if spec.other is None else 0.5
    shapes, broken, label = _shapes(spec, part(report, 0.0, first), stop)
    if not shapes:
        raise ValueError(joined(broken))
    beside: list[PathShape] = []
    if spec.other is not None:
        beside, lost, _ = _shapes(spec.other, part(report, first, 1 - first), stop)
        broken += [message("Of the data beside: {what}", what=what) for what in lost]
    exact = is_exact(spec.data)
    notes = (
        message("Computed with {device}.", device=device_line(spec)),
        message("Paths are those of {reference}.", reference=label),
        message(
            "Curvature is that of the path in x, so it depends on the schedule, which scales x. A particle so slow "
            "that rounding would decide its bend counts as at rest, with curvature 0."
        ),
        *broken,
    )
    if not exact:
        notes += (message("The score is learned: near pure noise its small errors decide bends and torsion."),)
    return CurvatureResult(spec, tuple(shapes), label, time.perf_counter() - started, notes, tuple(beside))


def _shapes(spec: CurvatureSpec, report: Report, stop: Stop) -> tuple[list[PathShape], list[str], str]:
    """Path shapes of the schedules whose paths reach their end, why others do not, and what the paths are."""
    shapes, broken, label = [], [], ""
    for i, name in enumerate(spec.schedules):
        share = 1 / len(spec.schedules)
        try:
            shape, label = _shape(spec, name, SCHEDULES[name].title, part(report, i * share, share), stop)
        except Broken as lost:
            broken.append(reason(lost))
        else:
            shapes.append(shape)
    return shapes, broken, label


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
        raise Broken(
            message(
                "Paths under {schedule} are left out: the reference {what}.", schedule=message(title), what=run.message
            )
        )
    states = run.states[::inner]
    curvature, torsion = _bends(spec, problem, bends, states)
    components, shares = principal_components(states)
    along, height, aside = chord_frame(states, accuracy_of(spec.data))
    return (
        PathShape(
            schedule=name,
            title=title,
            times=bends.numpy(),
            s=((bends[0] - bends) / (bends[0] - bends[-1])).numpy(),
            log_snr=schedule.log_snr(bends).numpy(),
            states=states.numpy(),
            curvature=curvature.numpy(),
            curvature_mean=curvature.numpy().mean(axis=1),
            quantiles=np.quantile(curvature.numpy(), QUANTILES, axis=1),
            torsion=None if torsion is None else torsion.numpy(),
            straightness=straightness(run).numpy(),
            straightness_rate=straightness_along(run, inner).numpy(),
            length=path_length(run).numpy(),
            length_over_chord=length_over_chord(run).numpy(),
            components=components.numpy(),
            shares=shares.numpy(),
            along=along.numpy(),
            height=height.numpy(),
            aside=aside.numpy(),
        ),
        label,
    )


def _bends(
    spec: CurvatureSpec, problem: Problem, times: torch.Tensor, states: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Curvature and torsion, both (S + 1, N); no torsion in the plane.

    Asked of the field where the score is exact; a learned one is rough, and only the states are smooth.
    """
    twists = spec.data.numbers > 2
    if not is_exact(spec.data):
        accuracy = accuracy_of(spec.data)
        return polyline_curvature(states, accuracy), polyline_torsion(states, accuracy)
    return flow_bends(problem, times, states) if twists else (flow_curvature(problem, times, states), None)
