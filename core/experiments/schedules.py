"""Schedules and grids themselves, and a 1-D slice of the data flowing through time."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.experiments.build import Report, Stop, build_model, never, silent
from core.experiments.specification import SchedulesSpec
from core.grids import make_grid
from core.models import GaussianMixture
from core.problem import Problem
from core.schedules import SCHEDULES, Schedule, make_schedule
from core.solve import Cancelled, solve

CURVE_POINTS = 400
SLICE_POINTS, SLICE_TIMES, SLICE_PATHS = 121, 101, 15


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
    """Where one grid puts its steps under one schedule: (S + 1,) each."""

    times: np.ndarray
    log_snr: np.ndarray


@dataclass(frozen=True)
class Slice:
    """The first coordinate of the data under the first schedule.

    ``density`` (T, X) is the marginal of the coordinate at each of ``t`` (T,), in ``x / sqrt(alpha^2 + sigma^2)``, so
    that it stays in view; ``paths`` (T, P) are paths of its probability-flow ODE in the same unit.
    """

    schedule: str
    t: np.ndarray
    log_snr: np.ndarray
    x: np.ndarray
    density: np.ndarray
    paths: np.ndarray


@dataclass(frozen=True)
class SchedulesResult:
    """Curves by schedule, step places by (schedule, grid), and the slice."""

    spec: SchedulesSpec
    curves: tuple[ScheduleCurves, ...]
    grids: dict[tuple[str, str], GridPlaces]
    slice: Slice
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
    report(0.0, "drawing schedules")
    schedules = {name: make_schedule(name) for name in spec.schedules}
    grids = {(name, grid): _places(spec, schedule, grid) for name, schedule in schedules.items() for grid in spec.grids}
    first = spec.schedules[0]
    report(0.2, "drawing the slice")
    return SchedulesResult(
        spec=spec,
        curves=tuple(_curves(name, schedule) for name, schedule in schedules.items()),
        grids=grids,
        slice=_slice(spec, first, schedules[first], stop),
        seconds=time.perf_counter() - started,
        notes=("The slice shows the first coordinate of the data, divided by the root of alpha^2 + sigma^2.",),
    )


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


def _places(spec: SchedulesSpec, schedule: Schedule, grid: str) -> GridPlaces:
    options = {"rho": spec.rho} if grid == "karras" else {}
    times = make_grid(grid, schedule, spec.steps, **options)
    return GridPlaces(times.numpy(), schedule.log_snr(times).numpy())


def _slice(spec: SchedulesSpec, name: str, schedule: Schedule, stop: Stop) -> Slice:
    data = build_model(spec.data)
    line = GaussianMixture(data.means[:, :1], data.covariances[:, 0, 0].sqrt(), data.weights)
    problem = Problem(line, schedule)
    times = make_grid("uniform-lambda", schedule, SLICE_TIMES - 1)
    units = torch.hypot(schedule.alpha(times), schedule.sigma(times))
    half = max(3.0, 1.2 * float((line.means.abs() + 3 * line.variances.sqrt()).max()))
    x = torch.linspace(-half, half, SLICE_POINTS, dtype=torch.float64)
    density = [
        unit * problem.log_density(unit * x[:, None], t).exp()
        for t, unit in zip(times.tolist(), units.tolist(), strict=True)
    ]
    start = torch.special.ndtri((torch.arange(SLICE_PATHS, dtype=torch.float64) + 0.5) / SLICE_PATHS)
    begin = schedule.alpha(times[0]) * line.mean() + schedule.sigma(times[0]) * start[:, None]
    run = solve(problem, "reference", times, begin, cancel=stop, rtol=1e-9, atol=1e-9)
    if run.cancelled:
        raise Cancelled(run.message)
    return Slice(
        schedule=name,
        t=times.numpy(),
        log_snr=schedule.log_snr(times).numpy(),
        x=x.numpy(),
        density=torch.stack(density).numpy(),
        paths=(run.states[:, :, 0] / units[:, None]).numpy(),
    )
