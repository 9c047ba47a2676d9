"""One solver on one page: its weights on the grid at hand, its order measured, and how it treats bell curves."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from core.analysis.convergence import FittedOrder
from core.analysis.response import Response
from core.experiments.specification import SolverChoice, Timed
from core.language import message
from core.solvers import SOLVERS
from core.solvers.runge_kutta import Tableau

WIDTHS = (0.0, 0.25, 1.0, 4.0)  # of the bell curves, in units of the noise that starts them

StepCount = Annotated[int, Field(ge=2, le=1000)]


class CatalogueSpec(Timed):
    """One solver, and the grid and data that its card is drawn for."""

    kind: Literal["solvers"] = "solvers"
    solver: SolverChoice = Field(SolverChoice(name="dpmpp-2m"), description="one solver")
    particles: int = Field(64, ge=1, description="how many start from noise, to measure the order")
    steps: int = Field(10, ge=1, le=60, description="intervals of the grid that the weights are drawn for, 1 to 60")
    step_counts: tuple[StepCount, ...] = Field(
        (15, 30, 60, 120, 240, 480, 960),
        min_length=2,
        max_length=8,
        description="rising step counts for the order, 2 to 8",
    )

    most_particles: ClassVar[int] = 1000

    @model_validator(mode="after")
    def _measurable(self) -> "CatalogueSpec":
        if list(self.step_counts) != sorted(set(self.step_counts)):
            raise ValueError(message("step counts must rise, got {names}", names=", ".join(map(str, self.step_counts))))
        self._check_grid(self.steps)
        return self


@dataclass(frozen=True)
class Measured:
    """Errors of a solver and the order that follows from them.

    Attributes
    ----------
    what : what the error is, in words.
    against : "steps", or "tolerance" where the solver chooses its own steps.
    steps, nfe, error : (M,); error is NaN where the run broke off.
    tolerance : (M,), for a solver that chooses its own steps; empty otherwise.
    order : fitted against ``steps``, or the power of the tolerance that the error follows: 1 if it is proportional.
    floor : error below which the reference or the precision decides.
    """

    what: str
    against: str
    steps: np.ndarray
    nfe: np.ndarray
    error: np.ndarray
    order: FittedOrder
    floor: float
    tolerance: np.ndarray = field(default_factory=lambda: np.array([]))

    @property
    def at(self) -> np.ndarray:
        """(M,), what the errors are drawn against."""
        return self.steps if self.against == "steps" else self.tolerance


@dataclass(frozen=True)
class Widths:
    """How wide bell curves come out: (M,) evaluations, (M, W) width over the true one for each of ``WIDTHS``."""

    nfe: np.ndarray
    steps: np.ndarray
    ratio: np.ndarray


@dataclass(frozen=True)
class Region:
    """A Runge-Kutta method on the linear test problem.

    Attributes
    ----------
    re, im : axes of the plane; ``size`` : (len(im), len(re)), ``|R(z)|``.
    products : (W, S), where the steps of the grid fall for each of ``WIDTHS``.
    """

    re: np.ndarray
    im: np.ndarray
    size: np.ndarray
    products: np.ndarray


@dataclass(frozen=True)
class Card:
    """What was computed of one solver.

    Attributes
    ----------
    response : weights on the grid; None where there are none, for the reason in ``unweighed``.
    tableau, symbol : of a Runge-Kutta method, and the variable that it works in.
    """

    choice: SolverChoice
    measured: Measured
    widths: Widths
    response: Response | None = None
    unweighed: str = ""
    tableau: Tableau | None = None
    symbol: str = ""
    region: Region | None = None

    @property
    def label(self) -> str:
        """Title on screen."""
        return self.choice.label

    @property
    def name(self) -> str:
        """Key in ``SOLVERS``."""
        return self.choice.name


@dataclass(frozen=True)
class CatalogueResult:
    """The card of a solver and, where one is published with a flaw, of its other version.

    ``times`` and ``log_snr`` are those of the grid, (S + 1,); ``cards`` begins with the chosen solver.
    """

    spec: CatalogueSpec
    times: np.ndarray
    log_snr: np.ndarray
    cards: tuple[Card, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """One row a version: claimed, expected and measured order, and evaluations."""
        rows = []
        for card in self.cards:
            info, order = SOLVERS[card.name], card.measured.order
            rows.append(
                {
                    "solver": card.label,
                    "claimed": info.claimed_order,
                    "registered": np.nan if info.order is None else info.order,
                    "measured": float(order) if order.reliable else np.nan,
                    "margin": order.margin if order.reliable else np.nan,
                    "nfe_per_step": np.nan if info.nfe_per_step is None else info.nfe_per_step,
                }
            )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """Every drawn number: which picture, which line of it, x and y."""
        return pd.concat([frame for card in self.cards for frame in _frames(self, card)], ignore_index=True)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Times, weights, errors and widths by solver, for NPZ."""
        arrays = {"times": self.times, "log_snr": self.log_snr, "widths": np.array(WIDTHS)}
        for card in self.cards:
            own = {"nfe": card.measured.nfe, "error": card.measured.error, "width_nfe": card.widths.nfe}
            own |= {"steps": card.measured.steps, "width_ratio": card.widths.ratio}
            if card.response is not None:
                own |= {"carry": card.response.carry, "weights": card.response.weights}
                own["evaluation_log_snr"] = np.array([one.lam for one in card.response.evaluations])
            if card.region is not None:
                own |= {"amplification": card.region.size, "products": card.region.products}
            arrays |= {f"{card.choice}_{name}": values for name, values in own.items()}
        return arrays


def _frames(result: CatalogueResult, card: Card) -> list[pd.DataFrame]:
    def frame(picture: str, line: str, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"solver": card.label, "picture": picture, "line": line, "x": x, "y": y})

    frames = [frame("error", f"against {card.measured.against}", card.measured.at, card.measured.error)]
    for width, column in zip(WIDTHS, card.widths.ratio.T, strict=True):
        frames.append(frame("width over the true one, against nfe", f"width {width:g}", card.widths.nfe, column))
    if card.response is not None:
        places = np.array([one.lam for one in card.response.evaluations])
        for step, row in enumerate(card.response.shares):
            used = row != 0
            frames.append(frame("weight, against lambda", f"step {step + 1}", places[used], row[used]))
    return frames
