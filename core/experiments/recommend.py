"""Which solver on which grid errs least within a budget of evaluations, measured on the problem at hand.

Every candidate runs from the same noise. Those that a first round of few particles cannot tell from the best, and the
next ones by error, run again with all particles and are ranked with intervals.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, model_validator
from torch import Tensor

from core.analysis.intervals import DRAWS
from core.analysis.ranking import Standing, paired_standings, pick_leaders
from core.experiments.budgeted import Bench, Entry, make_bench, run_within
from core.experiments.build import (
    Report,
    Stop,
    device_line,
    is_exact,
    never,
    part,
    precision_of,
    reference_label,
    silent,
)
from core.experiments.choices import GridChoice, SolverChoice
from core.experiments.end_errors import FixedStep
from core.experiments.given import kind_of
from core.experiments.grid_map import MOST_NFE, fitting_grids, fixed_step_solvers
from core.experiments.specification import Distinct, ScheduleName, Setting, Timed
from core.grids import make_grid
from core.language import joined, message
from core.schedules import make_schedule
from core.solvers import SOLVERS

LEADERS = (12, 48)  # the fewest that are ranked with all particles, and the most
FEWEST = 8  # particles of a first round: fewer would say too little
SCREEN_DRAWS = 300  # of the bootstrap in the first round
PUBLISHED = "-as-published"  # ending of the names of versions that lose their order


class RecommendSpec(Setting):
    """Every candidate within one budget; no solver means all of them, no grid all that fit the schedule."""

    kind: Literal["recommend"] = "recommend"
    nfe: int = Field(10, ge=1, description="model evaluations that a run may spend, 1 to 400 (images: 1 to 100)")
    schedule: ScheduleName = Field("vp-linear", description="noise schedule")
    t_start: float | None = Field(None, description="time of the noise that solvers start from")
    t_end: float | None = Field(None, description="time at which they stop, near the data")
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        (), max_length=200, description="solvers that draw no noise and take the steps of the grid; none: all of them"
    )
    published: bool = Field(False, description="among all solvers, also versions that are known to lose their order")
    variants: bool = Field(False, description="also each solver with one of its options changed")
    grids: Annotated[tuple[GridChoice, ...], Distinct] = Field(
        tuple(GridChoice(name=name) for name in ("uniform-lambda", "karras", "uniform-t")),
        max_length=16,
        description="time grids; none: all that fit the schedule",
    )
    measure: Literal["median", "rms"] = Field("median", description="rank by the median or the RMS over particles")
    screen: float = Field(
        0.25, gt=0.0, le=1.0, description="share of the particles that the first round runs, to pick the leaders"
    )
    precision: Literal["float64", "float32"] = Field("float64", description="of 2-D particles: float64 or float32")
    budgets: tuple[int, ...] = Field((), max_length=10, description="further budgets to name the best at, rising")

    most_particles: ClassVar[int] = 2000
    guided: ClassVar[bool] = False

    @model_validator(mode="after")
    def _budgets(self) -> "RecommendSpec":
        most = MOST_NFE[self.data.kind]
        for nfe in (self.nfe, *self.budgets):
            if not 1 <= nfe <= most:
                raise ValueError(
                    message(
                        "budgets for {kind} data go from 1 to {most} evaluations, got {nfe}",
                        kind=kind_of(self.data),
                        most=most,
                        nfe=nfe,
                    )
                )
        if list(self.budgets) != sorted(set(self.budgets)):
            raise ValueError(message("budgets must rise, got {names}", names=", ".join(map(str, self.budgets))))
        return self

    @model_validator(mode="after")
    def _fits(self) -> "RecommendSpec":
        schedule = make_schedule(self.schedule)
        make_grid("uniform-t", schedule, 1, self.t_start, self.t_end)  # says what is wrong with the times
        if self.grids and not any(grid.info.fits(schedule) for grid in self.grids):
            self.grids[0].times(schedule, 1, self.t_start, self.t_end)  # says why
        return self

    def ends(self) -> Tensor:
        """First and last time: (2,) float64."""
        return make_grid("uniform-t", make_schedule(self.schedule), 1, self.t_start, self.t_end)

    @property
    def few(self) -> int:
        """Particles of the first round."""
        return min(self.particles, max(FEWEST, round(self.screen * self.particles)))

    def candidates(self) -> tuple[tuple[SolverChoice, GridChoice], ...]:
        """Every pair to be compared, in the order of the registries."""
        solvers = self.solvers or tuple(
            choice for choice in fixed_step_solvers(self.data) if self.published or not choice.name.endswith(PUBLISHED)
        )
        if self.variants:
            solvers = tuple(dict.fromkeys(other for choice in solvers for other in (choice, *_changed(choice))))
        return tuple(product(solvers, self.grids or fitting_grids(self)))


def _changed(choice: SolverChoice) -> list[SolverChoice]:
    """The same solver with one of its options set to each of the other values that it offers."""
    held, options = dict(choice.options), SOLVERS[choice.name].options
    others = [held | {key: value} for key, option in options.items() for value in option.choices]
    return [SolverChoice(name=choice.name, options=tuple(one.items())) for one in others]


@dataclass(frozen=True)
class Ranking:
    """All candidates within one budget: the ranked ones first, best first, then the others by what was seen of them."""

    nfe: int
    entries: tuple[Entry, ...]

    @cached_property
    def leaders(self) -> tuple[Entry, ...]:
        """Those ranked with all particles, best first."""
        return tuple(entry for entry in self.entries if entry.standing is not None)

    @property
    def best(self) -> Entry | None:
        """The least error; None if no run reached the end."""
        return self.leaders[0] if self.leaders else None

    @property
    def equals(self) -> tuple[Entry, ...]:
        """The others that cannot be told from the best."""
        return tuple(entry for entry in self.leaders[1:] if entry.standing.equal)

    @property
    def fastest(self) -> Entry | None:
        """Of the best and its equals, the one whose runs take the least time."""
        return min((self.best, *self.equals), key=lambda entry: entry.seconds) if self.leaders else None

    def having(self, status: str) -> tuple[Entry, ...]:
        """Those of one status."""
        return tuple(entry for entry in self.entries if entry.status == status)


@dataclass(frozen=True)
class RecommendResult:
    """The ranking within the budget, and one for each further budget."""

    spec: RecommendSpec
    ranking: Ranking
    curve: tuple[Ranking, ...]
    reference: str
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """The leaders, best first; for each further budget, its best."""
        rows = [_row(entry, self.ranking.nfe) for entry in self.ranking.leaders[: LEADERS[0]]]
        rows += [_row(one.best, one.nfe) for one in self.curve if one.best and one.nfe != self.ranking.nfe]
        kept = ("budget", "solver", "grid", "nfe", f"{self.spec.measure}_error", "low", "high", "equal", "seconds")
        return pd.DataFrame([{key: row[key] for key in kept} for row in rows], columns=kept)

    def to_frame(self) -> pd.DataFrame:
        """One row a candidate and budget; the budget of the specification first. Times are left out: none repeats."""
        others = (one for one in self.curve if one.nfe != self.ranking.nfe)
        rows = [_row(entry, one.nfe) for one in (self.ranking, *others) for entry in one.entries]
        return pd.DataFrame(rows).drop(columns="seconds")

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The columns of the table, for NPZ."""
        return {name: np.array(column.tolist()) for name, column in self.to_frame().items()}


def _row(entry: Entry, budget: int) -> dict[str, object]:
    at = entry.standing
    return {
        "budget": budget,
        "solver": str(entry.choice),
        "grid": str(entry.grid),
        "steps": entry.steps,
        "nfe": entry.nfe,
        "particles": entry.particles,
        "median_error": entry.median,
        "rms_error": entry.rms,
        "low": at.low if at else np.nan,
        "high": at.high if at else np.nan,
        "best_in_draws": at.first if at else np.nan,
        "equal": bool(at and at.equal),
        "seconds": entry.seconds,
        "status": f"{entry.status}: {entry.message}" if entry.message else entry.status,
    }


def run_recommend(spec: RecommendSpec, report: Report = silent, stop: Stop = never) -> RecommendResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    timed = Timed(**{key: getattr(spec, key) for key in ("data", "particles", "seed", "schedule", "t_start", "t_end")})
    precision = getattr(torch, spec.precision) if spec.data.kind == "toy" else precision_of(spec.data)
    bench = make_bench(timed, spec.ends(), precision, part(report, 0.0, 0.2), stop)
    budgets = tuple(dict.fromkeys((spec.nfe, *spec.budgets)))
    share = 0.8 / len(budgets)
    rankings = {
        nfe: _rank(spec, bench, nfe, part(report, 0.2 + share * i, share), stop) for i, nfe in enumerate(budgets)
    }
    return RecommendResult(
        spec=spec,
        ranking=rankings[spec.nfe],
        curve=tuple(rankings[nfe] for nfe in spec.budgets),
        reference=reference_label(spec.data),
        seconds=time.perf_counter() - began,
        notes=_notes(spec, rankings[spec.nfe], bench.message),
    )


def _rank(spec: RecommendSpec, bench: Bench, nfe: int, report: Report, stop: Stop) -> Ranking:
    """All candidates on the first particles, then the leaders on all."""
    few, pairs = spec.few, spec.candidates()
    screened = few < spec.particles
    ended, others = _round(bench, pairs, nfe, few, part(report, 0.0, 0.5 if screened else 1.0), stop)
    if screened:
        chosen = set(pick_leaders(_standings(spec, bench, ended, SCREEN_DRAWS), *LEADERS))
        left = [entry for at, (entry, _) in enumerate(ended) if at not in chosen]
        left.sort(key=lambda entry: getattr(entry, spec.measure))
        pairs = [(ended[at][0].choice, ended[at][0].grid) for at in sorted(chosen)]
        ended, lost = _round(bench, pairs, nfe, spec.particles, part(report, 0.5, 0.5), stop)
        others = [*(replace(entry, status="screened out", seconds=np.nan) for entry in left), *lost, *others]
    standings = _standings(spec, bench, ended)
    ranked = [replace(entry, standing=one) for (entry, _), one in zip(ended, standings, strict=True)]
    ranked.sort(key=lambda entry: entry.standing.error)
    return Ranking(nfe, (*ranked, *others))


def _round(
    bench: Bench, pairs: Sequence[tuple[SolverChoice, GridChoice]], nfe: int, count: int, report: Report, stop: Stop
) -> tuple[list[tuple[Entry, np.ndarray]], list[Entry]]:
    """Each pair on the first ``count`` particles: those that reached the end with their errors, and the others."""
    ended, others = [], []
    for place, (choice, grid) in enumerate(pairs):
        running = part(report, place / len(pairs), 1 / len(pairs))
        entry, errors = run_within(bench, choice, grid, nfe, count, running, stop)
        if errors is None:
            others.append(entry)
        else:
            ended.append((entry, errors))
    return ended, others


def _standings(
    spec: RecommendSpec, bench: Bench, ended: list[tuple[Entry, np.ndarray]], draws: int = DRAWS
) -> list[Standing]:
    if not ended:
        return []
    return paired_standings(np.stack([errors for _, errors in ended]), spec.measure, bench.floor, draws=draws)


def _notes(spec: RecommendSpec, ranking: Ranking, broken: str) -> tuple[str, ...]:
    out, lost, none = (ranking.having(status) for status in ("screened out", "diverged", "no run"))
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("Errors are against {reference}, from the same noise.", reference=reference_label(spec.data)),
        message(
            "Intervals hold 95 % of {draws} draws of the particles with replacement, the same draws for every "
            "candidate.",
            draws=DRAWS,
        ),
    ]
    if out:
        notes.append(
            message(
                "{out} of {all} candidates were screened out on the first {few} particles; only the {leaders} leaders "
                "ran with all {particles}.",
                out=len(out),
                all=len(ranking.entries),
                few=spec.few,
                leaders=len(ranking.leaders),
                particles=spec.particles,
            )
        )
    if lost:
        notes.append(message("{count} diverged: {candidates}.", count=len(lost), candidates=_some(lost)))
    for why in dict.fromkeys(entry.message for entry in none):
        alike = tuple(entry for entry in none if entry.message == why)
        notes.append(
            message("{count} not run: {candidates} ({why}).", count=len(alike), candidates=_some(alike), why=why)
        )
    if broken:
        notes.append(message("The reference {what}.", what=broken))
    if not is_exact(spec.data):
        notes.append(message("The reference of a learned score is itself a run with many steps."))
    return tuple(notes)


def _some(entries: tuple[Entry, ...]) -> str:
    listed = joined([entry.label for entry in entries[:3]], ", ")
    return message("{names} and {more} more", names=listed, more=len(entries) - 3) if len(entries) > 3 else listed
