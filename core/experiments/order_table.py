"""The order of each solver under each schedule and on each grid, with its interval and what it should be."""

import time
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from core.analysis.intervals import MEASURES, OrderInterval, order_interval
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
from core.experiments.end_errors import (
    EndError,
    FixedStep,
    FromStart,
    Start,
    check_rising,
    end_error,
    start_of,
    times_of,
)
from core.experiments.kept import Kept
from core.experiments.specification import Distinct, GridChoice, ScheduleName, SolverChoice
from core.language import mark, message, reason
from core.schedules import SCHEDULES
from core.solvers import SOLVERS

WITHIN, LOST = 0.15, 0.5  # a measured order this near to the claimed one has reached it; this far below has lost it
WIDE = 1.0  # an interval this wide says nothing about an order
MOST_STEPS = 400_000  # in all runs together: about a minute
VERDICTS = {
    "reached": mark("claimed order reached"),
    "higher": mark("higher than claimed"),
    "lost": mark("loses order"),
    "bent": mark("not asymptotic"),
    "none": mark("not measured"),
}


class OrderTableSpec(FromStart):
    """Measured orders of solvers x schedules x grids."""

    kind: Literal["order_table"] = "order_table"
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        tuple(
            SolverChoice(name=name)
            for name in ("ddim", "edm-heun", "dpm-2m", "dpmpp-2m", "dpmpp-3m", "dpmpp-3m-as-published")
        ),
        min_length=1,
        max_length=12,
        description="up to 12 solvers that draw no noise and take the steps of the grid",
    )
    schedules: Annotated[tuple[ScheduleName, ...], Distinct] = Field(
        ("vp-linear", "edm", "flow"), min_length=1, max_length=5, description="up to 5 noise schedules"
    )
    grids: Annotated[tuple[GridChoice, ...], Distinct] = Field(
        (GridChoice(name="uniform-lambda"), GridChoice(name="karras")),
        min_length=1,
        max_length=5,
        description="up to 5 time grids",
    )
    step_counts: tuple[int, ...] = Field(
        (20, 40, 80, 160, 320, 640), min_length=3, max_length=10, description="rising step counts, 3 to 10"
    )
    particles: int = Field(128, ge=1, description="how many start from noise")

    most_particles: ClassVar[int] = 1000

    @model_validator(mode="after")
    def _steps(self) -> "OrderTableSpec":
        check_rising(self.data, self.step_counts)
        work = len(self.solvers) * len(self.schedules) * len(self.grids) * sum(self.step_counts)
        if work > MOST_STEPS:
            raise ValueError(
                message(
                    "{work} steps in all are too many to wait for; at most {most}: take fewer solvers, "
                    "schedules, grids or step counts",
                    work=work,
                    most=MOST_STEPS,
                )
            )
        return self


@dataclass(frozen=True)
class Judged:
    """One measured order beside the claim: ``verdict`` is a key of ``VERDICTS``, ``reason`` one sentence."""

    interval: OrderInterval
    verdict: str
    reason: str


@dataclass(frozen=True)
class OrderCell:
    """One solver under one schedule on one grid.

    Attributes
    ----------
    steps, nfe : (M,) by step count.
    errors : (M, N) RMS error of each particle at the end; NaN where a run diverged.
    floor : error below which the reference or the precision decides.
    judged : by measure, "rms" and "median".
    """

    choice: SolverChoice
    schedule: str
    grid: GridChoice
    steps: np.ndarray
    nfe: np.ndarray
    errors: np.ndarray
    floor: float
    judged: dict[str, Judged]


@dataclass(frozen=True)
class OrderTableResult:
    """A cell for each solver, schedule and grid, in that order of nesting."""

    spec: OrderTableSpec
    cells: tuple[OrderCell, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """One row a solver, one column a schedule and grid: the order of the RMS error where it was reached."""
        rows: dict[str, dict[str, Any]] = {}
        for cell in self.cells:
            row = rows.setdefault(
                cell.choice.label, {"solver": cell.choice.label, "claimed": SOLVERS[cell.choice.name].claimed_order}
            )
            order = cell.judged["rms"].interval.order
            row[f"{cell.schedule}, {cell.grid}"] = float(order) if order.reliable else np.nan
        return pd.DataFrame(rows.values())

    def to_frame(self) -> pd.DataFrame:
        """One row a solver, schedule, grid and measure."""
        return pd.DataFrame(
            [
                {
                    "solver": str(cell.choice),
                    "schedule": cell.schedule,
                    "grid": str(cell.grid),
                    "measure": measure,
                    "order": float(judged.interval.order),
                    "low": judged.interval.low,
                    "high": judged.interval.high,
                    "claimed": SOLVERS[cell.choice.name].claimed_order,
                    "tested": SOLVERS[cell.choice.name].order,
                    "from_steps": judged.interval.order.window[0],
                    "to_steps": judged.interval.order.window[1],
                    "verdict": VERDICTS[judged.verdict],
                    "reason": judged.reason,
                }
                for cell in self.cells
                for measure, judged in cell.judged.items()
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Particle errors and orders by solver, schedule and grid, for NPZ."""
        arrays: dict[str, np.ndarray] = {}
        for cell in self.cells:
            name = f"{cell.choice}_{cell.schedule}_{cell.grid}"
            arrays |= {f"{name}_steps": cell.steps, f"{name}_nfe": cell.nfe, f"{name}_errors": cell.errors}
            for measure, judged in cell.judged.items():
                low, high = judged.interval.low, judged.interval.high
                arrays[f"{name}_{measure}_order"] = np.array([low, float(judged.interval.order), high])
        return arrays


_intervals: Kept[OrderInterval] = Kept(1_000_000)


def run_order_table(spec: OrderTableSpec, report: Report = silent, stop: Stop = never) -> OrderTableResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    combined = list(product(spec.schedules, spec.grids, spec.solvers))
    cells: dict[tuple[SolverChoice, str, GridChoice], OrderCell] = {}
    notes: list[str] = []
    starts: dict[Hashable, Start] = {}
    for place, (schedule, grid, choice) in enumerate(combined):
        running = part(report, place / len(combined), 1 / len(combined))
        try:
            points, floor, broken = _points(spec, choice, schedule, grid, starts, running, stop)
        except ValueError as problem:  # this grid cannot be laid under this schedule: the others still can
            cells[choice, schedule, grid] = _empty(spec, choice, schedule, grid, reason(problem))
            continue
        if broken:
            title = message(SCHEDULES[schedule].title)
            notes.append(message("Under {schedule} the reference {what}.", schedule=title, what=broken))
        cells[choice, schedule, grid] = _cell(spec, choice, schedule, grid, floor, points)
    return OrderTableResult(
        spec=spec,
        cells=tuple(cells[key] for key in product(spec.solvers, spec.schedules, spec.grids)),
        seconds=time.perf_counter() - began,
        notes=(*_notes(spec), *dict.fromkeys(notes)),
    )


def _points(
    spec: OrderTableSpec,
    choice: SolverChoice,
    schedule: str,
    grid: GridChoice,
    starts: dict[Hashable, Start],
    report: Report,
    stop: Stop,
) -> tuple[list[EndError], float, str]:
    """One run a step count, the floor of their errors, and what went wrong with the reference, if anything did."""
    problem = build_problem(spec.data, schedule)
    points, floor, broken, done = [], 0.0, "", 0
    for steps in spec.step_counts:
        running = part(report, done / sum(spec.step_counts), steps / sum(spec.step_counts))
        times = times_of(spec, problem, schedule, grid, steps)
        ends = (schedule, float(times[0]), float(times[-1]))
        if ends not in starts:
            starts[ends] = start_of(spec, problem, times, running, stop)
        start = starts[ends]
        points.append(end_error(problem, spec.data, choice, times, start, spec.seed, running, stop))
        floor, broken = max(floor, start.floor), broken or start.reference.message
        done += steps
    return points, floor, broken


def _cell(
    spec: OrderTableSpec, choice: SolverChoice, schedule: str, grid: GridChoice, floor: float, points: list[EndError]
) -> OrderCell:
    errors = np.stack([point.particles for point in points])
    judged = {}
    for measure in MEASURES:
        rest = spec.model_copy(update={"solvers": (), "schedules": (), "grids": ()})
        key: Hashable = (rest, choice, schedule, grid, measure)
        interval = _intervals.get(key) or _intervals.put(
            key, order_interval(spec.step_counts, errors, floor, measure), 500
        )
        judged[measure] = Judged(interval, *_verdict(spec, choice, interval, errors))
    return OrderCell(
        choice=choice,
        schedule=schedule,
        grid=grid,
        steps=np.array(spec.step_counts),
        nfe=np.array([point.nfe for point in points]),
        errors=errors,
        floor=floor,
        judged=judged,
    )


def _empty(spec: OrderTableSpec, choice: SolverChoice, schedule: str, grid: GridChoice, why: str) -> OrderCell:
    lost = np.full((len(spec.step_counts), spec.particles), np.nan)
    nothing = order_interval(spec.step_counts, lost)
    steps = np.array(spec.step_counts)
    judged = {measure: Judged(nothing, "none", why) for measure in MEASURES}
    return OrderCell(choice, schedule, grid, steps, np.zeros_like(steps), lost, 0.0, judged)


def _verdict(
    spec: OrderTableSpec, choice: SolverChoice, interval: OrderInterval, errors: np.ndarray
) -> tuple[str, str]:
    """A key of ``VERDICTS`` and the reason in one sentence."""
    info, order = SOLVERS[choice.name], interval.order
    if not np.isfinite(order):
        lost = int(np.isnan(errors).any(axis=1).sum())
        told = message("{lost} of {runs} runs diverged", lost=lost, runs=len(errors))
        return "none", told if lost else order.reason
    claimed = info.claimed_order
    if not order.reliable:
        return "bent", order.reason
    width = interval.high - interval.low
    if abs(order - claimed) <= WITHIN:
        return "reached", message("within {near} of the claimed order {claimed}", near=WITHIN, claimed=claimed)
    if width > WIDE:
        return "bent", message("the interval is {width:.1f} wide: more particles would tell", width=width)
    if interval.low <= claimed <= interval.high:
        return "reached", message("its interval holds the claimed order {claimed}", claimed=claimed)
    if order > claimed:
        if info.order > claimed:
            tested = message("our tests measure order {order}", order=info.order)
        else:
            tested = message("a higher term still counts here")
        return "higher", message("above the claimed order {claimed}: {tested}", claimed=claimed, tested=tested)
    why = _known_loss(spec, choice)
    if why or order <= claimed - LOST:
        return "lost", why or message("our tests measure order {order} under other conditions", order=info.order)
    return "bent", message(
        "straight, yet {gap:.2f} below the claimed order {claimed}: more steps would tell",
        gap=claimed - order,
        claimed=claimed,
    )


def _known_loss(spec: OrderTableSpec, choice: SolverChoice) -> str:
    """Why this choice is known to fall short of its claimed order; empty if it is not."""
    info, options = SOLVERS[choice.name], dict(choice.options)
    start = options.get("start", info.options["start"].default if "start" in info.options else "")
    if info.order < info.claimed_order:
        return message(info.note) if info.note else message("our tests measure order {order} as well", order=info.order)
    if options.get("lower_order_final"):
        return message("its last steps are of lower order, by choice")
    if spec.begin == "middle" and start == "ramp":
        return message("its ramp starts with steps of low order, which matter when a run begins in the middle")
    return ""


def _notes(spec: OrderTableSpec) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("Errors are against {reference}.", reference=reference_label(spec.data)),
        message(
            "An interval holds 95 % of the slopes over 1000 draws of {particles} particles with replacement, widened "
            "by what the bend of the line allows.",
            particles=spec.particles,
        ),
    ]
    if not is_exact(spec.data):
        notes.append(
            message("A learned score is rough in time and computed in float32: orders above 1 are seldom reached.")
        )
    return tuple(notes)


def grid_titles(spec: OrderTableSpec) -> list[tuple[str, str]]:
    """Titles of schedule and grid, in the order of the columns."""
    return [(SCHEDULES[schedule].title, grid.label) for schedule, grid in product(spec.schedules, spec.grids)]
