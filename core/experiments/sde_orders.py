"""Strong and weak error of samplers against the number of steps, with the orders that they claim beside those measured.

Strong: every step count follows the Brownian path of the finest run, particle by particle. Weak: how far a mean, or the
whole law where it is known in closed form, is from that of the finest run or from the exact one.
"""

import time
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor

from core.analysis import convergence_order
from core.analysis.propagation import Moments, exact_moments, gaussian_wasserstein, propagate_solver
from core.analysis.weak import (
    TEST_FUNCTIONS,
    Estimate,
    Probe,
    paired_weak_error,
    pixel_probe,
    probe_of,
    strong_error,
    strong_errors,
    strong_order,
    weak_order,
)
from core.experiments.build import (
    Report,
    Stop,
    build_problem,
    device_line,
    grid_of,
    never,
    part,
    silent,
    starting_noise,
)
from core.experiments.given import kind_of
from core.experiments.specification import Distinct, SolverChoice, Timed
from core.language import lowered, message
from core.models import EmpiricalData, GaussianMixture
from core.problem import Problem
from core.solve import Cancelled, solve
from core.solvers import SOLVERS

FINER = 8  # times the most steps: the run that all others are compared with
MOST_STEPS = {"toy": 200, "images": 80}
LAW_FLOOR = 1e-13
LAW = "law"


def _stochastic(choice: SolverChoice) -> SolverChoice:
    if not SOLVERS[choice.name].stochastic:
        raise ValueError(
            message("{label} draws no noise; its order is measured on the pages on errors", label=choice.label)
        )
    return choice


class SdeOrdersSpec(Timed):
    """Samplers on one Brownian path, by step count."""

    kind: Literal["sde_orders"] = "sde_orders"
    solvers: Annotated[tuple[Annotated[SolverChoice, AfterValidator(_stochastic)], ...], Distinct] = Field(
        tuple(SolverChoice(name=name) for name in ("euler-maruyama", "dpmpp-2m-sde", "edm-stochastic")),
        min_length=1,
        max_length=5,
        description="samplers that draw noise, up to 5",
    )
    step_counts: tuple[int, ...] = Field((8, 16, 32, 64), min_length=3, max_length=8, description="rising step counts")
    test: str = Field("square", description=f"what the weak error is of: {', '.join(TEST_FUNCTIONS)}")

    most_particles: ClassVar[int] = 5000
    learned: ClassVar[bool] = False
    guided: ClassVar[bool] = False
    image_particles: ClassVar[int] = 16

    @model_validator(mode="after")
    def _counts(self) -> "SdeOrdersSpec":
        most = MOST_STEPS[self.data.kind]
        if list(self.step_counts) != sorted(set(self.step_counts)) or self.step_counts[0] < 1:
            raise ValueError(
                message(
                    "step counts must rise from at least 1, got {names}", names=", ".join(map(str, self.step_counts))
                )
            )
        if self.step_counts[-1] > most:
            raise ValueError(
                message(
                    "at most {most} steps for {kind} data, since the finest run has {finer} times more",
                    most=most,
                    kind=kind_of(self.data),
                    finer=FINER,
                )
            )
        TEST_FUNCTIONS[self.test]  # says which there are
        if self.particles < 2:
            raise ValueError(message("an interval over particles needs at least 2 of them"))
        ends = set(self._check_grid(*self.step_counts, FINER * self.step_counts[-1]))
        if len(ends) > 1:
            raise ValueError(
                message("{label} begins elsewhere for each step count: no path can be shared", label=self.grid.label)
            )
        return self


@dataclass(frozen=True)
class SamplerOrders:
    """One sampler's errors.

    Attributes
    ----------
    steps, nfe : (M,) step counts and evaluations.
    strong : (M,) estimates with intervals; strong_order (order, low, high), claimed_strong.
    weak : (M,) estimates; a law in closed form has no interval. weak_order (order, low, high), claimed_weak.
    message : why there are none; empty where there are.
    """

    choice: SolverChoice
    label: str
    steps: np.ndarray
    nfe: np.ndarray
    strong: tuple[Estimate, ...]
    strong_order: tuple[float, float, float]
    claimed_strong: float | None
    weak: tuple[Estimate, ...]
    weak_order: tuple[float, float, float]
    claimed_weak: int | None
    message: str = ""


@dataclass(frozen=True)
class SdeOrdersResult:
    """All samplers; ``weak_of`` says in words what the weak error is of."""

    spec: SdeOrdersSpec
    samplers: tuple[SamplerOrders, ...]
    exact_law: bool
    weak_of: str
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """One row a sampler: orders claimed and measured."""
        return pd.DataFrame(
            [
                {
                    "sampler": one.label,
                    "strong_claimed": one.claimed_strong,
                    "strong": one.strong_order[0],
                    "strong_low": one.strong_order[1],
                    "strong_high": one.strong_order[2],
                    "weak_claimed": one.claimed_weak,
                    "weak": one.weak_order[0],
                    "weak_low": one.weak_order[1],
                    "weak_high": one.weak_order[2],
                }
                for one in self.samplers
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a sampler and step count."""
        rows = []
        for one in self.samplers:
            for i, steps in enumerate(one.steps):
                strong, weak = one.strong[i], one.weak[i]
                rows.append(
                    {
                        "sampler": str(one.choice),
                        "steps": int(steps),
                        "nfe": int(one.nfe[i]),
                        "strong": strong.value,
                        "strong_low": strong.low,
                        "strong_high": strong.high,
                        "weak": weak.value,
                        "weak_low": weak.low,
                        "weak_high": weak.high,
                        "status": one.message or "done",
                    }
                )
        return pd.DataFrame(rows)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The columns of the table, for NPZ."""
        return {name: np.array(column.tolist()) for name, column in self.to_frame().items()}


def run_sde_orders(spec: SdeOrdersSpec, report: Report = silent, stop: Stop = never) -> SdeOrdersResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    law = has_law(problem)
    share = 1 / len(spec.solvers)
    found = tuple(
        _sampler(spec, problem, choice, law, part(report, share * place, share), stop)
        for place, choice in enumerate(spec.solvers)
    )
    test = TEST_FUNCTIONS[spec.test].title
    if law:
        weak_of = message("the whole law, 2-Wasserstein distance to the exact one")
    else:
        weak_of = message("{test}, against the finest run", test=lowered(test))
    return SdeOrdersResult(spec, found, law, weak_of, time.perf_counter() - began, _notes(spec, found, law))


def has_law(problem: Problem) -> bool:
    """Whether the data are a single Gaussian, for which every sampler's law is known without a sample."""
    return isinstance(problem.model, GaussianMixture) and len(problem.model.weights) == 1


def probe_for(problem: Problem) -> Probe:
    """What test functions look along."""
    return pixel_probe(problem.model.points) if isinstance(problem.model, EmpiricalData) else probe_of(problem.model)


def _sampler(
    spec: SdeOrdersSpec, problem: Problem, choice: SolverChoice, law: bool, report: Report, stop: Stop
) -> SamplerOrders:
    counts = (*spec.step_counts, FINER * spec.step_counts[-1])
    ends, nfe, broken, done, total = [], [], "", 0, sum(counts)
    for steps in counts:
        times = grid_of(spec, problem, steps)
        x = starting_noise(problem, spec.data, spec.particles, float(times[0]), spec.seed)

        def progress(step: int, _: int, done: int = done, steps: int = steps) -> None:
            report(0.9 * (done + step) / total, message("{sampler}, {steps} steps", sampler=choice.label, steps=steps))

        run = solve(
            *(problem, choice.name, times, x, spec.seed),
            record=False,
            progress=progress,
            cancel=stop,
            **dict(choice.options),
        )
        if run.cancelled:
            raise Cancelled(run.message)
        broken = broken or run.message
        ends.append(run.final.double().numpy())
        nfe.append(run.nfe)
        done += steps
    info, steps = SOLVERS[choice.name], np.array(spec.step_counts)
    errors = strong_errors(np.stack(ends[:-1]), ends[-1])
    lost = Estimate(np.nan, np.nan, np.nan, np.nan)
    strong = tuple(strong_error(row, spec.seed) if np.isfinite(row).all() else lost for row in errors)
    weak, fitted = _by_law(spec, problem, choice) if law else _by_samples(spec, problem, ends)
    report(1.0, message("{sampler}, orders", sampler=choice.label))
    strong_fit = strong_order(steps, errors, _floor(ends[-1]), spec.seed)
    return SamplerOrders(
        choice=choice,
        label=choice.label,
        steps=steps,
        nfe=np.array(nfe[:-1]),
        strong=strong,
        strong_order=(float(strong_fit.order), strong_fit.low, strong_fit.high),
        claimed_strong=info.strong_order,
        weak=weak,
        weak_order=fitted,
        claimed_weak=info.order,
        message=broken,
    )


def _floor(finest: np.ndarray) -> float:
    return 1e-12 * float(np.nan_to_num(np.abs(finest)).max(initial=1.0))


def _by_law(
    spec: SdeOrdersSpec, problem: Problem, choice: SolverChoice
) -> tuple[tuple[Estimate, ...], tuple[float, float, float]]:
    """Distance of the sampler's exact law from the data's at the last time, both from the exact law at the first."""
    found = []
    for steps in spec.step_counts:
        times = grid_of(spec, problem, steps)
        found.append(law_error(problem, choice, times))
    order = convergence_order(np.array(spec.step_counts, dtype=float), np.array(found), LAW_FLOOR)
    return tuple(Estimate(value, 0.0, value, value) for value in found), (float(order), float(order), float(order))


def law_error(problem: Problem, choice: SolverChoice, times: Tensor) -> float:
    """2-Wasserstein distance at the last time between a sampler's law and the exact one; NaN if it has none.

    Both start from the exact law at the first time, so only the steps are to blame.
    """
    laws = propagate_solver(
        problem, choice.name, times, exact_moments(problem, float(times[0])), **dict(choice.options)
    )
    last = Moments(laws.mean[-1], laws.covariance[-1])
    if not bool(torch.isfinite(last.covariance).all()):
        return float("nan")
    return gaussian_wasserstein(last, exact_moments(problem, float(times[-1])))


def _by_samples(
    spec: SdeOrdersSpec, problem: Problem, ends: list[np.ndarray]
) -> tuple[tuple[Estimate, ...], tuple[float, float, float]]:
    values, probe = TEST_FUNCTIONS[spec.test].values, probe_for(problem)
    seen = [values(torch.from_numpy(end).flatten(1), probe).numpy() for end in ends]
    weak = tuple(paired_weak_error(row, seen[-1]) for row in seen[:-1])
    fitted = weak_order(list(spec.step_counts), np.stack(seen[:-1]), seen[-1], spec.seed)
    return weak, (fitted.order, fitted.low, fitted.high)


def _notes(spec: SdeOrdersSpec, found: tuple[SamplerOrders, ...], law: bool) -> tuple[str, ...]:
    finest = FINER * spec.step_counts[-1]
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message(
            "Strong errors are against the run with {finest} steps on the same Brownian path, RMS over {particles} "
            "particles; intervals hold 95 % of draws of the particles.",
            finest=finest,
            particles=spec.particles,
        ),
    ]
    notes.append(
        message(
            "The data are one Gaussian: every sampler's law after its steps follows in closed form, so the weak error "
            "has no chance in it."
        )
        if law
        else message(
            "Weak errors are differences of means from the finest run, particle by particle on the same path; points "
            "within three standard errors of 0 are not used for the order."
        )
    )
    notes += [message("{sampler} {what}.", sampler=one.label, what=one.message) for one in found if one.message]
    return tuple(notes)
