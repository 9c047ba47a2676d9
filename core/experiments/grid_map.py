"""The end error of every solver on every grid for one budget of evaluations."""

import time
from dataclasses import dataclass
from itertools import product
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from torch import Tensor

from core.experiments.build import (
    Report,
    Stop,
    build_problem,
    device_line,
    is_exact,
    never,
    part,
    reference_label,
    silent,
)
from core.experiments.end_errors import FixedStep, FromStart, Start, end_error, start_of, times_of
from core.experiments.given import kind_of
from core.experiments.specification import Data, Distinct, GridChoice, ScheduleName, SolverChoice, has_law
from core.grids import GRIDS
from core.language import joined, message, reason
from core.problem import Problem
from core.schedules import make_schedule
from core.solvers import SOLVERS

MOST_NFE = {"toy": 400, "images": 100}


class Budgeted(Protocol):
    """Settings with one schedule and a budget of evaluations."""

    schedule: str
    nfe: int


class GridMapSpec(FromStart):
    """One run a solver and grid, each with as many steps as the budget allows; no solver or grid means all of them."""

    kind: Literal["grid_map"] = "grid_map"
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        (), max_length=100, description="solvers that draw no noise and take the steps of the grid; none: all of them"
    )
    schedule: ScheduleName = Field("vp-linear", description="noise schedule")
    grids: Annotated[tuple[GridChoice, ...], Distinct] = Field(
        (), max_length=16, description="time grids; none: all that fit the schedule"
    )
    nfe: int = Field(10, ge=1, description="model evaluations that a run may spend, 1 to 400 (images: 1 to 100)")

    most_particles: ClassVar[int] = 2000
    guided: ClassVar[bool] = False

    @model_validator(mode="after")
    def _budget(self) -> "GridMapSpec":
        most = MOST_NFE[self.data.kind]
        if self.nfe > most:
            raise ValueError(
                message(
                    "at most {most} evaluations a run for {kind} data (time), got {nfe}",
                    most=most,
                    kind=kind_of(self.data),
                    nfe=self.nfe,
                )
            )
        return self


@dataclass(frozen=True)
class MapCell:
    """One solver on one grid.

    Attributes
    ----------
    steps, nfe : intervals and counted evaluations; 0 where no run was possible.
    rms, median : end error over particles; NaN where there is none.
    message : why there is none, in a few words; empty where there is one.
    """

    choice: SolverChoice
    grid: GridChoice
    steps: int
    nfe: int
    rms: float
    median: float
    message: str


@dataclass(frozen=True)
class GridMapResult:
    """A cell for each solver and grid; ``solvers`` and ``grids`` are those of the specification or all."""

    spec: GridMapSpec
    solvers: tuple[SolverChoice, ...]
    grids: tuple[GridChoice, ...]
    cells: tuple[MapCell, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def table(self, field: str) -> np.ndarray:
        """One field of all cells, (solvers, grids)."""
        values = [getattr(cell, field) for cell in self.cells]
        return np.array(values).reshape(len(self.solvers), len(self.grids))

    def ranked(self, measure: str = "median") -> np.ndarray:
        """Places of the solvers by their best cell, best first; those without any error last."""
        errors = self.table(measure)
        best = np.where(np.isfinite(errors), errors, np.inf).min(axis=1)
        return np.argsort(best, kind="stable")

    def summary(self) -> pd.DataFrame:
        """One row a solver, best first: the median error on each grid."""
        errors = self.table("median")
        rows = [
            {"solver": self.solvers[row].label}
            | {str(grid): error for grid, error in zip(self.grids, errors[row], strict=True)}
            for row in self.ranked()
        ]
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a solver and grid."""
        return pd.DataFrame(
            [
                {
                    "solver": str(cell.choice),
                    "grid": str(cell.grid),
                    "steps": cell.steps,
                    "nfe": cell.nfe,
                    "rms_error": cell.rms,
                    "median_error": cell.median,
                    "status": cell.message or "done",
                }
                for cell in self.cells
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Names and (solvers, grids) tables, for NPZ."""
        names = {"solvers": np.array([str(c) for c in self.solvers]), "grids": np.array([str(g) for g in self.grids])}
        return names | {field: self.table(field) for field in ("steps", "nfe", "rms", "median")}


def run_grid_map(spec: GridMapSpec, report: Report = silent, stop: Stop = never) -> GridMapResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    solvers = spec.solvers or fixed_step_solvers(spec.data)
    grids = grids_of(spec)
    starts: dict[tuple[float, float], Start] = {}
    cells = []
    for place, (choice, grid) in enumerate(product(solvers, grids)):
        running = part(report, place / (len(solvers) * len(grids)), 1 / (len(solvers) * len(grids)))
        cells.append(_cell(spec, problem, choice, grid, starts, running, stop))
    messages = [start.reference.message for start in starts.values() if start.reference.message]
    return GridMapResult(
        spec=spec,
        solvers=tuple(solvers),
        grids=tuple(grids),
        cells=tuple(cells),
        seconds=time.perf_counter() - began,
        notes=_notes(spec, grids, messages),
    )


def fixed_step_solvers(data: Data | None = None) -> tuple[SolverChoice, ...]:
    """Every solver that draws no noise and takes the steps of the grid, with its own defaults.

    With ``data`` only those that its model can serve: a learned one has no exact density.
    """
    every = (SolverChoice(name=name) for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive))
    return tuple(choice for choice in every if data is None or has_law(data) or not choice.exact_data)


def grids_of(spec: GridMapSpec) -> tuple[GridChoice, ...]:
    """The columns: the grids of the specification, or all that can be laid where its runs begin."""
    middle = float(make_schedule(spec.schedule).time_of(0.0))
    return spec.grids or fitting_grids(spec, None if spec.begin == "noise" else middle)


def fitting_grids(spec: Budgeted, t_start: float | None = None) -> tuple[GridChoice, ...]:
    """Every grid that can be laid from ``t_start`` and needs no list from the user; of those that coincide, the first.

    ``spec`` is of any experiment with a ``schedule`` and a budget ``nfe``.
    """
    schedule, seen, kept = make_schedule(spec.schedule), set(), []
    for name, info in GRIDS.items():
        if any(option.most for option in info.options.values()):
            continue
        grid = GridChoice(name=name)
        try:
            places = tuple(grid.times(schedule, min(spec.nfe, 10), t_start).round(decimals=9).tolist())
        except ValueError:
            continue
        kept += [] if places in seen else [grid]
        seen.add(places)
    return tuple(kept)


def _cell(
    spec: GridMapSpec,
    problem: Problem,
    choice: SolverChoice,
    grid: GridChoice,
    starts: dict[tuple[float, float], Start],
    report: Report,
    stop: Stop,
) -> MapCell:
    steps = SOLVERS[choice.name].steps_within(spec.nfe)
    while steps > 0:
        try:
            times = times_of(spec, problem, spec.schedule, grid, steps)
        except ValueError as why:  # this grid cannot be laid here: the others still can
            return MapCell(choice, grid, 0, 0, np.nan, np.nan, reason(why))
        found = end_error(
            problem,
            spec.data,
            choice,
            times,
            _start(spec, problem, times, starts, report, stop),
            spec.seed,
            report,
            stop,
        )
        if found.nfe <= spec.nfe:
            lost = found.message and message("diverged")
            return MapCell(choice, grid, steps, found.nfe, found.rms, found.median, lost)
        steps -= 1  # an option, such as a dearer start, spent more than the registry's plain count
    least = message("needs more than {nfe} evaluations for one step", nfe=spec.nfe)
    return MapCell(choice, grid, 0, 0, np.nan, np.nan, least)


def _start(
    spec: GridMapSpec,
    problem: Problem,
    times: Tensor,
    starts: dict[tuple[float, float], Start],
    report: Report,
    stop: Stop,
) -> Start:
    ends = (float(times[0]), float(times[-1]))
    if ends not in starts:
        starts[ends] = start_of(spec, problem, times, report, stop)
    return starts[ends]


def _notes(spec: GridMapSpec, grids: tuple[GridChoice, ...], messages: list[str]) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("Errors are against {reference}.", reference=reference_label(spec.data)),
    ]
    if not spec.solvers and not has_law(spec.data):
        left = [choice.label for choice in fixed_step_solvers() if choice.exact_data]
        notes.append(
            message("Left out, since they need the exact density of the data: {solvers}.", solvers=joined(left, ", "))
        )
    own = [message(grid.label) for grid in grids if grid.info.own_ends]
    if own:
        notes.append(
            message(
                "With a first and a last time of their own ({grids}) runs start from noise at the first and are "
                "compared with the reference at the last.",
                grids=joined(own, ", "),
            )
        )
    notes += [message("The reference {what}.", what=what) for what in messages]
    if not is_exact(spec.data):
        notes.append(message("The reference of a learned score is itself a run with many steps."))
    return tuple(notes)
