"""Schedules and grids themselves, and what they do to the data."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.experiments.build import Report, Stop, is_exact, never, silent
from core.experiments.choices import GridChoice
from core.experiments.sliced import PIXEL_WIDTH, Noised, Slice, noised, slice_of
from core.experiments.specification import SchedulesSpec
from core.grids import make_grid
from core.language import joined, message
from core.schedules import SCHEDULES, Schedule, make_schedule

CURVE_POINTS = 400


@dataclass(frozen=True)
class ScheduleCurves:
    """One schedule's quantities at ``t`` (T,), from data to noise."""

    name: str
    title: str
    t: np.ndarray
    alpha: np.ndarray
    sigma: np.ndarray
    log_snr: np.ndarray
    snr: np.ndarray
    f: np.ndarray
    g_squared: np.ndarray


@dataclass(frozen=True)
class GridPlaces:
    """Where one grid, called ``label`` on screen, puts its steps under one schedule: (S + 1,) each."""

    label: str
    times: np.ndarray
    log_snr: np.ndarray


@dataclass(frozen=True)
class SchedulesResult:
    """Curves by schedule, step places by (schedule, grid as text), the slice, one noised image by schedule (of images).

    A grid that does not fit a schedule has no places under it.
    """

    spec: SchedulesSpec
    curves: tuple[ScheduleCurves, ...]
    grids: dict[tuple[str, str], GridPlaces]
    slice: Slice
    noised: dict[str, Noised]
    seconds: float
    notes: tuple[str, ...]

    def summary(self) -> pd.DataFrame:
        """One row a schedule: its range of t and of lambda."""
        rows = [
            {
                "schedule": curves.title,
                "t_min": curves.t[0],
                "t_max": curves.t[-1],
                "lambda at t_min": curves.log_snr[0],
                "lambda at t_max": curves.log_snr[-1],
            }
            for curves in self.curves
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a schedule and time."""
        columns = ("t", "alpha", "sigma", "log_snr", "snr", "f", "g_squared")
        frames = [
            pd.DataFrame({"schedule": c.title, **{name: getattr(c, name) for name in columns}}) for c in self.curves
        ]
        return pd.concat(frames, ignore_index=True)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Curves, grids and the slice, for NPZ."""
        names = ("t", "alpha", "sigma", "log_snr", "f", "g_squared")
        arrays = {f"{c.name}_{name}": getattr(c, name) for c in self.curves for name in names}
        arrays |= {f"{schedule}_{grid}": places.times for (schedule, grid), places in self.grids.items()}
        return arrays | {"slice_t": self.slice.t, "slice_x": self.slice.x, "slice_density": self.slice.density}


def run_schedules(spec: SchedulesSpec, report: Report = silent, stop: Stop = never) -> SchedulesResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    started = time.perf_counter()
    report(0.0, message("drawing schedules"))
    schedules = {name: make_schedule(name) for name in spec.schedules}
    grids = {
        (name, str(grid)): _places(spec, schedule, grid)
        for name, schedule in schedules.items()
        for grid in spec.grids
        if grid.info.fits(schedule)
    }
    first = spec.schedules[0]
    report(0.2, message("drawing the slice"))
    images = spec.data.kind == "images"
    return SchedulesResult(
        spec=spec,
        curves=tuple(_curves(name, schedule) for name, schedule in schedules.items()),
        grids=grids,
        slice=slice_of(spec.data, first, schedules[first], stop),
        noised={name: noised(spec.data, schedule) for name, schedule in schedules.items()} if images else {},
        seconds=time.perf_counter() - started,
        notes=_notes(spec, schedules),
    )


def _notes(spec: SchedulesSpec, schedules: dict[str, Schedule]) -> tuple[str, ...]:
    notes = [message("What flows is divided by √(α² + σ²), so that it stays in view.")]
    for grid in spec.grids:
        missing = [
            message(SCHEDULES[name].title) for name, schedule in schedules.items() if not grid.info.fits(schedule)
        ]
        if missing:
            notes.append(
                message(
                    "{grid} counts the levels of a discrete chain; it has no row under {schedules}.",
                    grid=message(grid.label),
                    schedules=_all(missing),
                )
            )
    if spec.data.kind == "images":
        notes.append(
            message(
                "Pixels take single values; the slice draws each with a standard deviation of {width:g}.",
                width=PIXEL_WIDTH,
            )
        )
        if not is_exact(spec.data):
            notes.append(message("The images are those that the network was trained on."))
    return tuple(notes)


def _curves(name: str, schedule: Schedule) -> ScheduleCurves:
    # half of the points even in t, half even in lambda: both ends are resolved on every axis
    even = torch.linspace(schedule.t_min, schedule.t_max, CURVE_POINTS // 2, dtype=torch.float64)
    t = torch.unique(torch.cat([even, make_grid("uniform-lambda", schedule, CURVE_POINTS // 2)]))
    values = (
        schedule.alpha(t),
        schedule.sigma(t),
        schedule.log_snr(t),
        schedule.snr(t),
        schedule.f(t),
        schedule.g_squared(t),
    )
    return ScheduleCurves(name, SCHEDULES[name].title, t.numpy(), *(value.numpy() for value in values))


def _all(names: list[str]) -> str:
    return joined([joined(names[:-1], ", "), names[-1]] if len(names) > 1 else names, " and ")


def _places(spec: SchedulesSpec, schedule: Schedule, grid: GridChoice) -> GridPlaces:
    times = grid.times(schedule, spec.steps)
    return GridPlaces(grid.label, times.numpy(), schedule.log_snr(times).numpy())
