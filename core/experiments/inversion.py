"""Data carried to noise by the probability-flow ODE and back by the same solver: what is lost on the way."""

import time
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from torch import Tensor

from core.analysis import FittedOrder, convergence_order, median_error, rms_error
from core.analysis.inversion import Latent, TooStiff, decode, encode, exact_latent, latent_statistics
from core.experiments.build import Report, Stop, build_problem, device_line, grid_of, is_exact, never, part, silent
from core.experiments.end_errors import FixedStep, check_rising
from core.experiments.pictured import FromData, clean_data
from core.experiments.specification import Distinct, SolverChoice
from core.language import message, reason
from core.problem import Problem
from core.solve import Cancelled, Run
from core.solvers import SOLVERS

TOLERANCE = {"toy": 1e-10, "images": 1e-8}  # of the exact latent
FLOOR = {"toy": 1e-10, "images": 3e-6}  # errors below are rounding: float64 and float32
EXACT_SHARE = 0.2  # of the time, for the progress bar


class InversionSpec(FromData):
    """Several solvers encode the same data and decode them again, with rising step counts."""

    kind: Literal["inversion"] = "inversion"
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        (
            SolverChoice(name="ddim"),
            SolverChoice(name="edm-heun"),
            SolverChoice(name="dpmpp-2m"),
        ),
        min_length=1,
        max_length=5,
        description="up to 5 solvers without noise that take the steps of the grid",
    )
    step_counts: tuple[int, ...] = Field(
        (20, 40, 80, 160, 320), min_length=2, max_length=10, description="rising step counts, 2 to 10"
    )
    steps: int = Field(20, description="step count of the runs whose latents are shown")
    dither: bool = Field(
        True, description="add the noise that belongs to the last time first, as the law there has it: true or false"
    )

    most_particles: ClassVar[int] = 1000
    image_particles: ClassVar[int] = 4

    @model_validator(mode="after")
    def _steps(self) -> "InversionSpec":
        check_rising(self.data, self.step_counts)
        check_rising(self.data, (self.steps,))
        ends = self._check_grid(*self.step_counts, self.steps)
        if len(set(ends)) > 1:
            raise ValueError(
                message(
                    "grid {name} has other ends for another step count, so round trips cannot be compared; choose "
                    "another grid",
                    name=repr(self.grid.name),
                )
            )
        return self

    @property
    def counts(self) -> tuple[int, ...]:
        """Every step count that is run."""
        return tuple(sorted({*self.step_counts, self.steps}))


@dataclass(frozen=True)
class RoundTrip:
    """One solver with one step count.

    ``rms`` and ``median`` compare what came back with what was encoded; ``latent_rms`` the latent with the exact one
    (NaN where the score is learned). All are NaN if it diverged, and ``message`` says where.
    """

    steps: int
    nfe: int
    rms: float
    median: float
    latent_rms: float
    message: str = ""


@dataclass(frozen=True)
class SolverTrips:
    """One solver: its trips by step count, their orders, and for the shown step count the particles themselves.

    ``order`` is that of the round trip and ``latent_order`` that of the latent alone; ``latent`` and ``decoded`` are
    (N, *shape); ``error`` (N,) is the RMS of each particle; ``statistics`` describes the latent.
    """

    choice: SolverChoice
    name: str
    label: str
    claimed: int | None
    trips: tuple[RoundTrip, ...]
    order: FittedOrder
    latent_order: FittedOrder
    latent: np.ndarray
    decoded: np.ndarray
    error: np.ndarray
    statistics: Latent

    def at(self, steps: int) -> RoundTrip:
        """The trip with ``steps`` steps."""
        return next(trip for trip in self.trips if trip.steps == steps)

    def curve(self, counts: tuple[int, ...], measure: str = "rms") -> np.ndarray:
        """``measure`` ("rms", "median" or "latent_rms") for each of ``counts``."""
        return np.array([getattr(self.at(steps), measure) for steps in counts])


@dataclass(frozen=True)
class InversionResult:
    """Round trips of several solvers from the same data.

    ``start`` (N, *shape) is what was encoded and ``begin`` says what it is; ``exact`` is its exact latent, None where
    the score is learned, with its ``exact_statistics``. ``numbers`` is how many numbers the statistics rest on and
    ``sigma`` the noise level of the latents.
    """

    spec: InversionSpec
    solvers: tuple[SolverTrips, ...]
    start: np.ndarray
    begin: str
    exact: np.ndarray | None
    exact_statistics: Latent | None
    sigma: float
    floor: float
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> int:
        """How many numbers the statistics of a latent rest on."""
        return int(self.start.size)

    def summary(self) -> pd.DataFrame:
        """One row a solver: error and cost with the shown step count, orders, and what its latents are like."""
        rows = []
        for solver in self.solvers:
            trip = solver.at(self.spec.steps)
            rows.append(
                {
                    "solver": solver.label,
                    "steps": trip.steps,
                    "nfe": trip.nfe,
                    "rms_error": trip.rms,
                    "median_error": trip.median,
                    "latent_error": trip.latent_rms,
                    "order": float(solver.order),
                    "latent_order": float(solver.latent_order),
                    **{f"latent_{name}": value for name, value in solver.statistics._asdict().items()},
                }
            )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a solver and step count."""
        return pd.DataFrame(
            [
                {
                    "solver": solver.label,
                    "steps": trip.steps,
                    "nfe": trip.nfe,
                    "rms_error": trip.rms,
                    "median_error": trip.median,
                    "latent_error": trip.latent_rms,
                    "status": trip.message or "done",
                }
                for solver in self.solvers
                for trip in solver.trips
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was encoded, and each solver's latents and what came back, for NPZ."""
        arrays = {"start": self.start} | ({} if self.exact is None else {"exact_latent": self.exact})
        for solver in self.solvers:
            arrays |= {f"{solver.choice}_latent": solver.latent, f"{solver.choice}_decoded": solver.decoded}
            arrays[f"{solver.choice}_rms"] = solver.curve(self.spec.counts)
        return arrays


def run_inversion(spec: InversionSpec, report: Report = silent, stop: Stop = never) -> InversionResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    report(0.0, message("taking the data"))
    problem = build_problem(spec.data, spec.schedule)
    times = grid_of(spec, problem, spec.steps)
    clean, begin = clean_data(spec, problem, spec.particles, spec.seed, stop)
    start = at_data_end(spec, problem, clean, float(times[-1]))
    sigma = problem.level(float(times[0])).sigma
    exact, why = _exactly(spec, problem, times, start, report, stop)
    first = EXACT_SHARE
    jobs = [(choice, steps) for choice in spec.solvers for steps in spec.counts]
    weights = np.array([steps * (SOLVERS[choice.name].nfe_per_step or 1) for choice, steps in jobs], dtype=float)
    shares = (1 - first) * weights / weights.sum()
    found: dict[tuple[SolverChoice, int], tuple[RoundTrip, Run, Run]] = {}
    done = first
    for job, share in zip(jobs, shares.tolist(), strict=True):
        found[job] = _trip(spec, problem, *job, start, exact, part(report, done, share), stop)
        done += share
    solvers = tuple(_solver(spec, choice, found, start, sigma) for choice in spec.solvers)
    return InversionResult(
        spec=spec,
        solvers=solvers,
        start=start.numpy(),
        begin=begin,
        exact=None if exact is None else exact.numpy(),
        exact_statistics=None if exact is None else latent_statistics(exact, sigma),
        sigma=sigma,
        floor=FLOOR[spec.data.kind],
        seconds=time.perf_counter() - began,
        notes=_notes(spec, solvers, begin, why),
    )


def _exactly(
    spec: InversionSpec, problem: Problem, times: Tensor, start: Tensor, report: Report, stop: Stop
) -> tuple[Tensor | None, str]:
    """The exact latent, or None, and one sentence on how it was found or why there is none."""
    if not is_exact(spec.data):
        return None, message("The score is learned, so there is no exact latent to compare with.")
    if spec.picture is not None:  # it would crawl along the borders between images
        return None, message("The picture is no member of the set, so its exact path is too stiff to be followed.")
    report(0.02, message("encoding exactly"))
    tolerance = TOLERANCE[spec.data.kind]
    try:
        found = exact_latent(problem, times, start, tolerance, cancel=_heard(report, stop))
    except TooStiff as stiff:
        return None, message("Exact latents were given up: {why}.", why=reason(stiff))
    return found, message("Exact latents by DOP853 at tolerance {tolerance:g}.", tolerance=tolerance)


def at_data_end(spec: InversionSpec, problem: Problem, clean: Tensor, t_end: float) -> Tensor:
    """The state at the last time that belongs to clean data, with its noise or without."""
    scaled = problem.level(t_end).alpha * clean
    if not spec.dither:
        return scaled
    return scaled + problem.sample_prior(len(clean), t_end, seed=spec.seed, dtype=clean.dtype)


def _trip(
    spec: InversionSpec,
    problem: Problem,
    choice: SolverChoice,
    steps: int,
    start: Tensor,
    exact: Tensor | None,
    report: Report,
    stop: Stop,
) -> tuple[RoundTrip, Run, Run]:
    times, options = grid_of(spec, problem, steps), dict(choice.options)

    def up(done: int, total: int) -> None:
        report(done / total / 2, message("encoding with {solver}", solver=choice.label))

    def down(done: int, total: int) -> None:
        report(0.5 + done / total / 2, message("decoding with {solver}", solver=choice.label))

    there = encode(problem, choice.name, times, start, progress=up, cancel=stop, **options)
    back = decode(problem, choice.name, times, there.final, progress=down, cancel=stop, **options)
    if back.cancelled:
        raise Cancelled(back.message)
    trip = RoundTrip(
        steps,
        there.nfe + back.nfe,
        rms_error(back.final, start),
        median_error(back.final, start),
        float("nan") if exact is None else rms_error(there.final, exact),
        there.message or back.message,
    )
    return trip, there, back


def _solver(spec: InversionSpec, choice: SolverChoice, found: dict, start: Tensor, sigma: float) -> SolverTrips:
    trips = tuple(found[choice, steps][0] for steps in spec.counts)
    _, there, back = found[choice, spec.steps]
    floor = FLOOR[spec.data.kind]
    latent, decoded = there.final.cpu(), back.final.cpu()
    return SolverTrips(
        choice=choice,
        name=choice.name,
        label=choice.label,
        claimed=SOLVERS[choice.name].order,
        trips=trips,
        order=convergence_order(spec.counts, [trip.rms for trip in trips], floor),
        latent_order=convergence_order(spec.counts, [trip.latent_rms for trip in trips], floor),
        latent=latent.numpy(),
        decoded=decoded.numpy(),
        error=(decoded - start).double().flatten(1).square().mean(1).sqrt().numpy(),
        statistics=latent_statistics(latent, sigma),
    )


def _heard(report: Report, stop: Stop) -> Stop:
    """``stop``, with a sign of life each time it is asked: how much is left of an adaptive run is not known."""
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        report(0.02 + (EXACT_SHARE - 0.02) * asked / (asked + 500), message("encoding exactly"))
        return stop()

    return ask


def _notes(spec: InversionSpec, solvers: tuple[SolverTrips, ...], begin: str, exactly: str) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("What is encoded is {begin}.", begin=begin),
    ]
    if spec.dither:
        notes.append(message("It carries the noise that belongs to the last time, as the exact law there has it."))
    else:
        notes.append(
            message("No noise was added: the exact law at the last time has some, so latents come out too small.")
        )
    notes.append(exactly)
    notes += [
        message("{solver} with {steps} steps {what}.", solver=solver.label, steps=trip.steps, what=trip.message)
        for solver in solvers
        for trip in solver.trips
        if trip.message
    ]
    return tuple(notes)
