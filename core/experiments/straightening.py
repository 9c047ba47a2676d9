"""What makes paths straight: the same noise carried by flows whose data and noise were paired in different ways."""

import math
import time
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, model_validator
from torch import Tensor

from core.analysis import (
    length_over_chord,
    median_error,
    path_curvature,
    rms_error,
    straightness,
    straightness_along,
    turning_angle,
)
from core.analysis.distances import DISTANCES, Measured, measure_distance, noise_floor
from core.experiments.build import Report, Stop, build_model, is_exact, never, part, silent
from core.experiments.end_errors import FixedStep
from core.experiments.flow_choice import FlowChoice
from core.experiments.kept import Kept
from core.experiments.scores import check_distance
from core.experiments.specification import Distinct, Setting, SolverChoice
from core.grids import make_grid
from core.language import Message, joined, message
from core.models import Model
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled, Run, solve
from core.train.ways import WAYS, Ground, Way

REPEATS = 5  # exact samples that each distance is an average over
FINE = {"toy": 200, "images": 100}  # intervals of a flow's own path, by rk4, at least
ASTRAY = 1.25  # times the distance of the exact flow's ends: beyond, a flow does not end at the data
LINES = 60  # pairs that are drawn
MOST_NUMBERS = 64  # of a particle: larger images need larger networks than one trains while one waits
KEPT_BYTES = 100_000_000


class StraighteningSpec(Setting):
    """Several flows from the same noise, one solver, several step counts; always under the schedule "flow"."""

    kind: Literal["straightening"] = "straightening"
    flows: Annotated[tuple[FlowChoice, ...], Distinct] = Field(
        tuple(FlowChoice(name=name) for name in ("independent", "transport", "reflow", "learned")),
        min_length=1,
        max_length=5,
        description=f"up to 5 of {', '.join(WAYS)}, such as transport(batch=64), reflow(rounds=2), learned(beta=0.3)",
    )
    solver: FixedStep = Field(SolverChoice(name="euler"), description="one solver that draws no noise")
    step_counts: tuple[int, ...] = Field(
        (1, 2, 4, 8, 16, 32), min_length=2, max_length=10, description="rising step counts, each 1 to 100"
    )
    iterations: int = Field(1000, ge=100, le=20_000, description="of each training, 100 to 20,000")
    nodes: int = Field(50, ge=20, le=200, description="recorded intervals of each path, 20 to 200")
    distance: str = Field("sliced-wasserstein", description=f"distance to the data: {', '.join(DISTANCES)}")

    most_particles: ClassVar[int] = 2000
    learned: ClassVar[bool] = False
    guided: ClassVar[bool] = False
    image_particles: ClassVar[int] = 32
    most_numbers: ClassVar[float] = MOST_NUMBERS
    image_defaults: ClassVar[dict] = {"step_counts": (1, 2, 4, 8, 16, 32), "nodes": 20}

    @model_validator(mode="after")
    def _possible(self) -> "StraighteningSpec":
        if not is_exact(self.data) or self.data.numbers > MOST_NUMBERS:
            raise ValueError(
                message(
                    "networks are trained here while one waits, from data with an exact score and at most {most} "
                    "numbers each; {data!r} is not of that kind; choose 2-D data or digits",
                    most=MOST_NUMBERS,
                    data=self.data.name,
                )
            )
        check_distance(self)
        counts = self.step_counts
        if list(counts) != sorted(set(counts)) or not 1 <= counts[0] <= counts[-1] <= 100:
            raise ValueError(
                message("step counts must rise, from 1 to 100; got {counts}", counts=", ".join(map(str, counts)))
            )
        self._check_recorded(len(self.flows), self.nodes, "recorded intervals or flows")
        return self

    @property
    def labels(self) -> list[Message]:
        """Titles of the flows: where a way comes more than once, each says its options."""
        names = [choice.name for choice in self.flows]
        return [
            choice.named(choice.info.values(dict(choice.options))) if names.count(choice.name) > 1 else choice.label
            for choice in self.flows
        ]


@dataclass(frozen=True)
class FlowShape:
    """One flow.

    Attributes
    ----------
    choice : which; label : its title with options, which can be said in another language.
    states : (nodes + 1, N, *shape) its own path, by rk4 in small steps; NaN where it broke off.
    straightness : (N,) squared length; rate : (nodes,) its integrand, averaged over particles.
    curvature : (nodes + 1, N), 1/length; turning : (N,) radians that a path turns in all.
    length_over_chord : (N,).
    lines : (L, 2, D) data and noise of some of its pairs.
    cost : ``E|eps - x0|^2`` of its pairs; travelled : the same of its own ends.
    missed, mismatch, penalty : see :class:`core.train.ways.Way`.
    losses : (iterations,) of the training, empty if none; seconds : that it took; exact : known in closed form.
    ends : (counts, N, *shape) of the solver.
    rms, median, nfe : (counts,) of the solver against the flow's own path, NaN where it diverged.
    distances : of the solver's ends to the data, by step count; fine : of the flow's own ends.
    message : why the path broke off; empty if it did not.
    """

    choice: FlowChoice
    label: Message
    states: np.ndarray
    straightness: np.ndarray
    rate: np.ndarray
    curvature: np.ndarray
    turning: np.ndarray
    length_over_chord: np.ndarray
    lines: np.ndarray
    cost: float
    travelled: float
    missed: float
    mismatch: float
    penalty: float
    losses: np.ndarray
    seconds: float
    exact: bool
    ends: np.ndarray
    rms: np.ndarray
    median: np.ndarray
    nfe: np.ndarray
    distances: tuple[Measured, ...]
    fine: Measured
    message: str


@dataclass(frozen=True)
class StraighteningResult:
    """All flows; ``times`` (nodes + 1,) from noise to data, ``data`` (M, *shape) exact samples, ``floor`` of them.

    ``truth`` is the distance to the data of where the exact flow of independent pairs carries the same noise.
    """

    spec: StraighteningSpec
    flows: tuple[FlowShape, ...]
    times: np.ndarray
    log_snr: np.ndarray
    data: np.ndarray
    floor: Measured
    truth: Measured
    seconds: float
    notes: tuple[str, ...]

    @property
    def astray(self) -> tuple[FlowShape, ...]:
        """Flows whose own paths end clearly farther from the data than those of the exact flow."""
        most = ASTRAY * self.truth.value
        return tuple(flow for flow in self.flows if not flow.exact and flow.fine.value > most)

    def summary(self) -> pd.DataFrame:
        """One row a flow."""
        few = self.spec.step_counts[0]
        return pd.DataFrame(
            [
                {
                    "flow": flow.label,
                    "straightness": flow.straightness.mean(),
                    "turning": flow.turning.mean(),
                    "length_over_chord": _mean(flow.length_over_chord),
                    "cost_of_pairs": flow.cost,
                    "moved": flow.travelled,
                    "disagreement": flow.missed,
                    "mismatch": flow.mismatch,
                    "penalty": flow.penalty,
                    f"rms_error_{few}": flow.rms[0],
                    f"distance_{few}": flow.distances[0].value,
                    "distance_of_path": flow.fine.value,
                    "floor": self.floor.value,
                    "seconds_trained": flow.seconds,
                }
                for flow in self.flows
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a flow and step count."""
        return pd.DataFrame(
            [
                {
                    "flow": flow.label,
                    "steps": steps,
                    "nfe": flow.nfe[k],
                    "rms_error": flow.rms[k],
                    "median_error": flow.median[k],
                    "distance": flow.distances[k].value,
                    "low": flow.distances[k].low,
                    "high": flow.distances[k].high,
                    "floor": self.floor.value,
                    "straightness": flow.straightness.mean(),
                }
                for flow in self.flows
                for k, steps in enumerate(self.spec.step_counts)
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Paths, straightness, pairs and losses by flow, for NPZ."""
        arrays = {"times": self.times, "data": self.data}
        for flow in self.flows:
            name = str(flow.choice)
            arrays |= {f"{name} states": flow.states, f"{name} straightness": flow.straightness}
            arrays |= {f"{name} ends": flow.ends, f"{name} pairs": flow.lines, f"{name} losses": flow.losses}
        return arrays


def _mean(values: np.ndarray) -> float:
    """Over those that have a value; NaN if none has."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


_made: Kept[Way] = Kept(KEPT_BYTES)
_rounds: Kept[dict[int, Way]] = Kept(KEPT_BYTES)


def run_straightening(spec: StraighteningSpec, report: Report = silent, stop: Stop = never) -> StraighteningResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    model, schedule = build_model(spec.data), make_schedule("flow")
    problem = Problem(model, schedule)
    times = make_grid("uniform-t", schedule, spec.nodes)
    x = problem.sample_prior(spec.particles, float(times[0]), spec.seed)
    end = float(times[-1])
    floor = noise_floor(spec.distance, problem, end, spec.particles, spec.seed, REPEATS)
    shares = [_weight(choice) for choice in spec.flows]
    flows = []
    for k, choice in enumerate(spec.flows):
        before, share = sum(shares[:k]) / sum(shares), shares[k] / sum(shares)
        label = spec.labels[k]
        running = _named(part(report, before, share), label)
        way = way_of(spec, model, choice, part(running, 0.0, 0.8), stop)
        flows.append(_shape(spec, choice, label, way, problem, times, x, part(running, 0.8, 0.2), stop))
    return StraighteningResult(
        spec,
        tuple(flows),
        times.numpy(),
        schedule.log_snr(times).numpy(),
        problem.sample_marginal(600, end, spec.seed).numpy(),
        floor,
        _truth(spec, problem, x, flows, stop),
        time.perf_counter() - began,
        _notes(spec, flows),
    )


def _truth(spec: StraighteningSpec, problem: Problem, x: Tensor, flows: list[FlowShape], stop: Stop) -> Measured:
    for flow in flows:
        if flow.choice.name == "independent":
            return flow.fine
    times = make_grid("uniform-t", problem.schedule, inner_steps(spec) * spec.nodes)
    run = solve(problem, "rk4", times, x, record=False, cancel=stop)
    if run.cancelled:
        raise Cancelled(run.message)
    return measure_distance(spec.distance, run.final, problem, float(times[-1]), spec.seed, REPEATS)


def way_of(spec: StraighteningSpec, model: Model, choice: FlowChoice, report: Report, stop: Stop) -> Way:
    """The flow of a choice, trained if it must be; recent ones are kept."""
    ground = (spec.data, spec.seed, spec.iterations)
    way = _made.get((ground, str(choice)))
    if way is None:
        rounds = _rounds.get(ground) or _rounds.put(ground, {}, 3_000_000)  # of a round: its pairs and its network
        way = choice.info.make(
            Ground(model, spec.iterations, spec.seed, report, stop, rounds), **choice.info.values(dict(choice.options))
        )
        _made.put((ground, str(choice)), way, way.pairs.x0.nbytes * 2 + 1_000_000)
    return way


def inner_steps(spec: StraighteningSpec) -> int:
    """Steps of a flow's own path within each recorded interval."""
    return -(-FINE[spec.data.kind] // spec.nodes)


def _weight(choice: FlowChoice) -> float:
    """How much of the time a flow takes, about."""
    return float(dict(choice.options).get("rounds", 1)) if choice.info.trains else 0.2


def _named(report: Report, label: str) -> Report:
    return lambda fraction, doing: report(fraction, message("{flow}: {doing}", flow=label, doing=doing))


def _shape(
    spec: StraighteningSpec,
    choice: FlowChoice,
    label: Message,
    way: Way,
    data: Problem,
    times: Tensor,
    x: Tensor,
    report: Report,
    stop: Stop,
) -> FlowShape:
    problem = Problem(way.model, data.schedule)
    every = inner_steps(spec)

    def run(solver: str, steps: int, record: bool, begin: float, share: float, **options) -> Run:
        grid = make_grid("uniform-t", data.schedule, steps)

        def progress(done: int, total: int) -> None:
            report(begin + share * done / total, message("following it in {steps} steps", steps=steps))

        made = solve(problem, solver, grid, x, record=record, progress=progress, cancel=stop, **options)
        if made.cancelled:
            raise Cancelled(made.message)
        return made

    path = run("rk4", every * spec.nodes, True, 0.0, 0.5)
    # a run that broke off has fewer states; what is missing is NaN, never a last good value
    states = torch.full((every * spec.nodes + 1, *x.shape), torch.nan, dtype=x.dtype)
    states[: len(path.states)] = path.states
    counts = spec.step_counts
    runs = [
        run(spec.solver.name, steps, False, 0.5 + 0.3 * k / len(counts), 0.3 / len(counts), **dict(spec.solver.options))
        for k, steps in enumerate(counts)
    ]
    end = float(times[-1])
    report(0.85, message("measuring distances"))
    measured = [measure_distance(spec.distance, made.final, data, end, spec.seed, REPEATS) for made in runs]
    broken = len(path.states) < len(states)
    gone = torch.full((x.shape[0],), torch.nan, dtype=torch.float64)
    curvature = gone.expand(len(states), -1) if broken else path_curvature(path)
    pairs = way.pairs
    return FlowShape(
        choice=choice,
        label=label,
        states=states[::every].numpy(),
        straightness=(gone if broken else straightness(path)).numpy(),
        rate=(gone[:1].expand(spec.nodes) if broken else straightness_along(path, every).mean(1)).numpy(),
        curvature=curvature[::every].numpy(),
        turning=(gone if broken else turning_angle(path)).numpy(),
        length_over_chord=(gone if broken else length_over_chord(path)).numpy(),
        lines=torch.stack([pairs.x0[:LINES], pairs.eps[:LINES]], dim=1).double().numpy(),
        cost=pairs.cost,
        travelled=float((states[-1] - x).flatten(1).square().sum(1).mean()),
        missed=way.missed,
        mismatch=way.mismatch,
        penalty=way.penalty,
        losses=way.losses.numpy(),
        seconds=way.seconds,
        exact=way.exact,
        ends=torch.stack([made.final for made in runs]).numpy(),
        rms=np.array([rms_error(made.final, states[-1]) for made in runs]),
        median=np.array([median_error(made.final, states[-1]) for made in runs]),
        nfe=np.array([made.nfe for made in runs]),
        distances=tuple(measured),
        fine=measure_distance(spec.distance, states[-1], data, end, spec.seed, REPEATS),
        message=path.message,
    )


def _notes(spec: StraighteningSpec, flows: list[FlowShape]) -> tuple[Message, ...]:
    notes = [
        message(
            "Paths are those of each flow itself, by classical Runge-Kutta in {steps} steps; errors of {solver} are "
            "against their ends. Distances are to exact samples of the data.",
            steps=inner_steps(spec) * spec.nodes,
            solver=spec.solver.label,
        ),
    ]
    exact = [flow.label for flow in flows if flow.exact]
    trained = [flow for flow in flows if not flow.exact]
    if exact:
        notes.append(message("Exact, without a network: {flows}.", flows=joined(exact, ", ")))
    if trained:
        notes.append(
            message(
                "Trained live, {iterations} iterations each: {flows}. A network is not exact: even the ends of its own "
                "paths are only near the data.",
                iterations=spec.iterations,
                flows=joined(
                    [message("{flow} ({time} s)", flow=flow.label, time=f"{flow.seconds:.2g}") for flow in trained],
                    ", ",
                ),
            )
        )
    notes += [message("{flow}: the path {why}.", flow=flow.label, why=flow.message) for flow in flows if flow.message]
    return tuple(notes)
