"""The error of every single step from exact states, and what it has grown to at the end of the run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, model_validator
from torch import Tensor

from core.analysis import LocalSteps, carry_to_end, local_steps, rms_error
from core.experiments.build import (
    Report,
    Stop,
    accuracy_of,
    build_problem,
    device_line,
    grid_of,
    is_exact,
    never,
    part,
    reference_run,
    silent,
    starting_noise,
)
from core.experiments.end_errors import FixedStep
from core.experiments.given import kind_of
from core.experiments.specification import MAX_LINES, Distinct, SolverChoice, Timed
from core.language import mark, message
from core.problem import Problem
from core.solve import Cancelled, Run, solve

MOST_STEPS = {"toy": 100, "images": 30}
CARRY_TOLERANCE = 1e-10  # for 2-D data
PHASES = (mark("start-up"), mark("interior"), mark("last"))


class LocalErrorSpec(Timed):
    """Up to five solvers, one step count."""

    kind: Literal["local_error"] = "local_error"
    solvers: Annotated[tuple[FixedStep, ...], Distinct] = Field(
        (
            SolverChoice(name="ddim"),
            SolverChoice(name="dpmpp-3m"),
            SolverChoice(name="dpmpp-3m", options=(("start", "single-step"),)),
            SolverChoice(name="dpmpp-3m", options=(("lower_order_final", True),)),
        ),
        min_length=1,
        max_length=MAX_LINES,
        description=f"up to {MAX_LINES} solvers that draw no noise and take the steps of the grid",
    )
    steps: int = Field(12, ge=2, description="intervals of the time grid, 2 to 100 (images: 2 to 30)")
    particles: int = Field(64, ge=1, description="how many start from noise")

    most_particles: ClassVar[int] = 1000
    computed_in: ClassVar[str] = "float64"  # from the reference's own states

    @model_validator(mode="after")
    def _steps(self) -> "LocalErrorSpec":
        most = MOST_STEPS[self.data.kind]
        if self.steps > most:
            raise ValueError(
                message(
                    "at most {most} steps for {kind} data (each is carried to the end), got {steps}",
                    most=most,
                    kind=kind_of(self.data),
                    steps=self.steps,
                )
            )
        self._check_recorded(2 * len(self.solvers), self.steps, mark("steps or solvers"))
        return self


@dataclass(frozen=True)
class StepErrors:
    """One solver's errors by step.

    Attributes
    ----------
    local : (S,) RMS error of each step from the exact state, in units of sqrt(alpha^2 + sigma^2) at its end.
    carried : (S,) RMS of the same errors after the exact flow has carried them to the end; NaN where it was not asked.
    phase : (S,) index into ``PHASES``.
    by_phase : (3,) RMS of the sum of the carried errors of each phase.
    together : RMS of the sum of all carried errors; to first order the end error.
    end : RMS error of the whole run at the end; NaN if it diverged.
    spans : whether its steps reach over several intervals.
    """

    choice: SolverChoice
    local: np.ndarray
    carried: np.ndarray
    phase: np.ndarray
    by_phase: np.ndarray
    together: float
    end: float
    spans: bool


@dataclass(frozen=True)
class LocalErrorResult:
    """Each solver's steps; ``times`` and ``log_snr`` (S + 1,) are those of the grid."""

    spec: LocalErrorSpec
    times: np.ndarray
    log_snr: np.ndarray
    solvers: tuple[StepErrors, ...]
    floor: float
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def carried(self) -> bool:
        """Whether errors were carried to the end."""
        return is_exact(self.spec.data)

    def summary(self) -> pd.DataFrame:
        """One row a solver: what each phase adds at the end, all together, and the end error itself."""
        return pd.DataFrame(
            [
                {"solver": one.choice.label}
                | dict(zip(PHASES, one.by_phase, strict=True))
                | {"together": one.together, "end error": one.end}
                for one in self.solvers
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a solver and step."""
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "solver": str(one.choice),
                        "step": np.arange(1, len(one.local) + 1),
                        "from_t": self.times[:-1],
                        "to_t": self.times[1:],
                        "phase": [PHASES[place] for place in one.phase],
                        "local_error": one.local,
                        "carried_to_end": one.carried,
                    }
                )
                for one in self.solvers
            ],
            ignore_index=True,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Errors by solver and step, for NPZ."""
        arrays = {"times": self.times, "log_snr": self.log_snr}
        for one in self.solvers:
            ends = np.array([one.together, one.end])
            arrays |= {f"{one.choice}_local": one.local, f"{one.choice}_carried": one.carried}
            arrays |= {f"{one.choice}_by_phase": one.by_phase, f"{one.choice}_together_and_end": ends}
        return arrays


def run_local_error(spec: LocalErrorSpec, report: Report = silent, stop: Stop = never) -> LocalErrorResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    problem = build_problem(spec.data, spec.schedule)
    times = grid_of(spec, problem, spec.steps)
    x = starting_noise(problem, spec.data, spec.particles, float(times[0]), spec.seed)
    reference, label = reference_run(problem, spec.data, times, x, spec.seed, stop, part(report, 0.0, 0.2))
    units = torch.hypot(problem.schedule.alpha(times), problem.schedule.sigma(times))
    stepped = [
        _stepped(spec, problem, times, reference, place, part(report, 0.2, 0.2), stop)
        for place in range(len(spec.solvers))
    ]
    ends = torch.cat([steps.ends for steps, _ in stepped], dim=1)
    carried: Sequence[Tensor | None] = [None] * len(stepped)
    if is_exact(spec.data):
        grown = _carried(spec, problem, times, ends, reference, part(report, 0.4, 0.6), stop)
        carried = grown.split(spec.particles, dim=1)
    solvers = tuple(
        _errors(choice, steps.ends, reference.states, units, steps.memory, steps.spans, grown, end)
        for choice, (steps, end), grown in zip(spec.solvers, stepped, carried, strict=True)
    )
    return LocalErrorResult(
        spec=spec,
        times=times.numpy(),
        log_snr=problem.schedule.log_snr(times).numpy(),
        solvers=solvers,
        floor=accuracy_of(spec.data) * float(reference.final.square().mean().sqrt()),
        seconds=time.perf_counter() - began,
        notes=_notes(spec, solvers, reference, label),
    )


def _stepped(
    spec: LocalErrorSpec, problem: Problem, times: Tensor, reference: Run, place: int, report: Report, stop: Stop
) -> tuple[LocalSteps, float]:
    """Single steps of one solver from the exact states, and the end error of its whole run."""
    choice, count = spec.solvers[place], len(spec.solvers)
    options = dict(choice.options)

    def progress(done: int, total: int) -> None:
        if stop():
            raise Cancelled("cancelled between steps")
        report((place + done / total) / count, message("stepping {solver}", solver=choice.label))

    steps = local_steps(problem, choice.name, times, reference.states, progress, **options)
    run = solve(problem, choice.name, times, reference.states[0], spec.seed, False, cancel=stop, **options)
    if run.cancelled:
        raise Cancelled(run.message)
    return steps, rms_error(run.final, reference.final)


def carry_tolerance(spec: LocalErrorSpec) -> float:
    """Tolerance of the flow that carries errors to the end."""
    return max(CARRY_TOLERANCE, accuracy_of(spec.data))


def _carried(
    spec: LocalErrorSpec, problem: Problem, times: Tensor, ends: Tensor, reference: Run, report: Report, stop: Stop
) -> Tensor:
    """All solvers go together, since the flow costs nearly the same for more particles."""
    fraction = 0.0

    def progress(done: int, steps: int) -> None:
        nonlocal fraction
        fraction = done / steps

    def heartbeat() -> bool:
        report(fraction, message("carrying errors to the end"))
        return stop()

    return carry_to_end(problem, times, ends, reference.states, carry_tolerance(spec), progress, heartbeat)


def _errors(
    choice: SolverChoice,
    ends: Tensor,
    states: Tensor,
    units: Tensor,
    memory: int,
    spans: bool,
    grown: Tensor | None,
    end: float,
) -> StepErrors:
    steps = len(ends)
    local = _rms(ends - states[1:]) / units[1:].numpy()
    last = max(memory, 1) if dict(choice.options).get("lower_order_final") else 1
    phase = np.ones(steps, dtype=int)
    phase[:memory] = 0
    phase[steps - last :] = 2
    nothing = np.full(steps, np.nan)
    carried = nothing if grown is None else _rms(grown)
    by_phase, together = np.full(len(PHASES), np.nan), np.nan
    if grown is not None:
        sums = [grown[torch.from_numpy(phase == place)].sum(dim=0) for place in range(len(PHASES))]
        by_phase = _rms(torch.stack(sums))
        together = float(_rms(grown.sum(dim=0)[None])[0])
    return StepErrors(choice, local, carried, phase, by_phase, together, end, spans)


def _rms(errors: Tensor) -> np.ndarray:
    return errors.double().flatten(1).square().mean(dim=1).sqrt().numpy()


def _notes(spec: LocalErrorSpec, solvers: tuple[StepErrors, ...], reference: Run, label: str) -> tuple[str, ...]:
    notes = [
        message("Computed with {device}.", device=device_line(spec)),
        message("Exact states are those of {reference}; each step starts from them.", reference=label),
    ]
    notes += [message("The reference {what}.", what=reference.message)] if reference.message else []
    if not is_exact(spec.data):
        notes.append(
            message(
                "Errors are not carried to the end here: that takes a solution from every step on, hundreds of "
                "evaluations of the network each."
            )
        )
    for one in solvers:
        if one.spans:
            notes.append(
                message(
                    "{solver} takes steps over several intervals: what is drawn at an inner one is its error since the "
                    "step began.",
                    solver=one.choice.label,
                )
            )
        if np.isnan(one.end):
            notes.append(
                message(
                    "{solver} diverges as a whole run; its single steps from exact states do not.",
                    solver=one.choice.label,
                )
            )
    return tuple(notes)
