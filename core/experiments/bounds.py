"""Convergence bounds for score-based sampling beside the exact error, as horizon, step and score error change."""

import time
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, model_validator

from core.analysis.bounds import (
    MOST_STEPS,
    Gaussian,
    Terms,
    chen_terms,
    early_stopping,
    sampled,
    total_variation,
    wasserstein,
)
from core.experiments.build import Report, Stop, build_model, never, silent
from core.experiments.specification import CUSTOM, Frozen, ToyData, check_unguided
from core.language import joined, message
from core.solve import Cancelled

PLACES = 25  # of each curve
SWEEPS = {
    "horizon": "Horizon T",
    "step": "Step size h",
    "error": "Score error ε",
}


class BoundsSpec(Frozen):
    """A Gaussian with the data's own covariance, moved from the origin; one of T, h and the score error at a time."""

    kind: Literal["bounds"] = "bounds"
    data: ToyData = ToyData()
    shift: float = Field(1.0, ge=0.0, le=10.0, description="distance of the mean from the origin")
    horizon: float = Field(5.0, ge=0.5, le=12.0, description="T, from which the sampler starts, 0.5 to 12")
    step: float = Field(0.02, ge=0.002, le=0.5, description="h, the length of a step in t, 0.002 to 0.5")
    error: float = Field(0.02, ge=0.0, le=2.0, description="length of the constant error of the score, 0 to 2")

    guided: ClassVar[bool] = False

    @model_validator(mode="after")
    def _spread(self) -> "BoundsSpec":
        check_unguided(self.data)
        if self.data.name == CUSTOM and len(set(self.data.points or ())) < 3:
            raise ValueError(message("the bound needs data with a spread in every direction; give at least 3 points"))
        return self


@dataclass(frozen=True)
class Sweep:
    """One of the three numbers changing: its ``values``, the exact total variation, and the terms of the bound."""

    name: str
    values: np.ndarray
    measured: np.ndarray
    terms: tuple[Terms, ...]

    def term(self, which: str) -> np.ndarray:
        """One of "start", "steps", "score" and "whole", (M,)."""
        return np.array([getattr(terms, which) for terms in self.terms])


@dataclass(frozen=True)
class BoundsResult:
    """The sweeps, and early stopping for a point.

    Attributes
    ----------
    here : total variation at the chosen numbers; terms, those of the bound there.
    slopes : of the logarithm of the exact error: against T for the start alone, against log h, and against log error.
    stops : (M,) times of stopping; stopped (M,), W2 of the samples from the point; least (M,), what stopping costs.
    """

    spec: BoundsSpec
    law: Gaussian
    here: float
    terms: Terms
    sweeps: tuple[Sweep, ...]
    slopes: dict[str, float]
    stops: np.ndarray
    stopped: np.ndarray
    least: np.ndarray
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """The exact error and the bound's terms at the chosen numbers."""
        return pd.DataFrame([{"total_variation": self.here, **self.terms._asdict(), "bound": self.terms.whole}])

    def to_frame(self) -> pd.DataFrame:
        """One row a sweep and value."""
        return pd.DataFrame(
            [
                {
                    "sweep": sweep.name,
                    "value": value,
                    "total_variation": sweep.measured[i],
                    **sweep.terms[i]._asdict(),
                    "bound": sweep.terms[i].whole,
                }
                for sweep in self.sweeps
                for i, value in enumerate(sweep.values)
            ]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The columns of the table and the curve of early stopping, for NPZ."""
        columns = {name: np.array(column.tolist()) for name, column in self.to_frame().items()}
        return columns | {"stops": self.stops, "stopped": self.stopped, "least": self.least}


def law_of(spec: BoundsSpec) -> Gaussian:
    """The Gaussian with the data's variances along its own axes, its mean on the first."""
    variances = torch.linalg.eigvalsh(build_model(spec.data).covariance()).flip(0).numpy()
    return Gaussian(np.array([spec.shift, 0.0]), variances)


def places_of(spec: BoundsSpec) -> dict[str, np.ndarray]:
    """The values of each sweep."""
    return {
        "horizon": np.linspace(0.5, 8.0, PLACES),
        "step": np.geomspace(max(0.002, spec.horizon / MOST_STEPS), 0.5, PLACES),
        "error": np.geomspace(0.002, 1.0, PLACES),
    }


def run_bounds(spec: BoundsSpec, report: Report = silent, stop: Stop = never) -> BoundsResult:
    """Run the experiment. Raises ``core.solve.Cancelled`` when ``stop`` says so."""
    began = time.perf_counter()
    law, total, done = law_of(spec), 3 * PLACES + 1, 0

    def exact(**changed: float) -> float:
        nonlocal done
        if stop():
            raise Cancelled("cancelled while laws were computed")
        report(done / total, message("computing exact laws"))
        done += 1
        given = {"horizon": spec.horizon, "step": spec.step, "error": spec.error} | changed
        return total_variation(sampled(law, **given), law)

    sweeps = []
    for name, values in places_of(spec).items():
        given = {"horizon": spec.horizon, "step": spec.step, "error": spec.error}
        terms = tuple(chen_terms(law, **(given | {name: float(value)})) for value in values)
        sweeps.append(Sweep(name, values, np.array([exact(**{name: float(value)}) for value in values]), terms))
    point, stops = Gaussian(law.mean, np.zeros(2)), np.geomspace(0.001, 0.4, PLACES)
    stopped = []
    for at in stops.tolist():
        exact_stop = sampled(point, spec.horizon, spec.step, spec.error, at)
        stopped.append(wasserstein(exact_stop, point))
    here = exact()
    report(1.0, message("computing exact laws"))
    return BoundsResult(
        spec=spec,
        law=law,
        here=here,
        terms=chen_terms(law, spec.horizon, spec.step, spec.error),
        sweeps=tuple(sweeps),
        slopes=_slopes(law),
        stops=stops,
        stopped=np.array(stopped),
        least=np.array([early_stopping(point, at) for at in stops.tolist()]),
        seconds=time.perf_counter() - began,
        notes=_notes(law),
    )


def _slopes(law: Gaussian) -> dict[str, float]:
    """How the exact error falls where each part stands alone, the other two made small."""
    horizons, steps, errors = np.array([1.5, 2.0, 2.5]), np.array([0.08, 0.04, 0.02]), np.array([0.05, 0.1, 0.2])
    start = [total_variation(sampled(law, T, 2e-3, 0.0), sampled(law, 9.0, 2e-3, 0.0)) for T in horizons.tolist()]
    step = [total_variation(sampled(law, 9.0, h, 0.0), law) for h in steps.tolist()]
    error = [total_variation(sampled(law, 9.0, 4e-3, e), sampled(law, 9.0, 4e-3, 0.0)) for e in errors.tolist()]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "horizon": float(np.polyfit(horizons, np.log(start), 1)[0]),
            "step": float(np.polyfit(np.log(steps), np.log(step), 1)[0]),
            "error": float(np.polyfit(np.log(errors), np.log(error), 1)[0]),
        }


def _notes(law: Gaussian) -> tuple[str, ...]:
    variances = joined([f"{variance:.3g}" for variance in law.variance], ", ")
    return (
        message("Computed with closed formulas on cpu, float64: no particle is drawn."),
        message(
            "The data here are one Gaussian with variances {variances}, since its samples' law is known exactly.",
            variances=variances,
        ),
        message(
            "The constants of the bound are not known; each is drawn as 1. Only how the terms change means something."
        ),
    )


def write_bounds(spec: BoundsSpec) -> str:
    """The exact error for each sweep."""
    law = law_of(spec)
    lists = "\n".join(f"    {name!r}: {values.tolist()!r}," for name, values in places_of(spec).items())
    return f"""law = Gaussian(np.array({law.mean.tolist()!r}), np.array({law.variance.tolist()!r}))
given = {{"horizon": {spec.horizon!r}, "step": {spec.step!r}, "error": {spec.error!r}}}
sweeps = {{
{lists}
}}
errors, bounds = {{}}, {{}}
for name in sweeps:
    settings = [given | {{name: value}} for value in sweeps[name]]
    errors[name] = [total_variation(sampled(law, **setting), law) for setting in settings]
    bounds[name] = [chen_terms(law, **setting).whole for setting in settings]
    print(f"{{name}}: total variation from {{min(errors[name]):.3g}} to {{max(errors[name]):.3g}}")
"""
