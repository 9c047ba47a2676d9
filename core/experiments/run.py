"""The table of experiments, and the one call that runs any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from core.experiments import specification as spec_module
from core.experiments.boomerang import BoomerangSpec, run_boomerang
from core.experiments.bounds import BoundsSpec, run_bounds, write_bounds
from core.experiments.build import Report, Stop, never, silent
from core.experiments.cards import run_catalogue
from core.experiments.catalogue import CatalogueSpec
from core.experiments.convergence import run_convergence
from core.experiments.curvature import run_curvature
from core.experiments.grid_map import GridMapSpec, run_grid_map
from core.experiments.guidance import GuidanceSpec, run_guidance
from core.experiments.inversion import InversionSpec, run_inversion
from core.experiments.local_error import LocalErrorSpec, run_local_error
from core.experiments.noise_sweep import NoiseSweepSpec, run_noise_sweep
from core.experiments.order_table import OrderTableSpec, run_order_table
from core.experiments.precision import PrecisionSpec, run_precision
from core.experiments.recommend import RecommendSpec, run_recommend
from core.experiments.schedules import run_schedules
from core.experiments.sde_orders import SdeOrdersSpec, run_sde_orders
from core.experiments.straightening import StraighteningSpec, run_straightening
from core.experiments.time_grids import TimeGridsSpec, run_time_grids
from core.experiments.trajectories import run_trajectories
from core.experiments.writing import write_convergence, write_curvature, write_schedules, write_trajectories
from core.experiments.writing_catalogue import write_catalogue
from core.experiments.writing_errors import write_grid_map, write_local_error, write_order_table, write_precision
from core.experiments.writing_grids import write_time_grids
from core.experiments.writing_guidance import write_guidance
from core.experiments.writing_noise import write_noise_sweep, write_sde_orders
from core.experiments.writing_recommend import write_recommend
from core.experiments.writing_round_trip import write_boomerang, write_inversion
from core.experiments.writing_straightening import write_straightening
from core.registry import Registry


class Result(Protocol):
    """What any experiment gives: its specification, its numbers as arrays and as tables, and what to know of them."""

    spec: spec_module.Specification
    seconds: float
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame: ...

    def summary(self) -> pd.DataFrame: ...

    def to_arrays(self) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True)
class ExperimentInfo:
    """An experiment; its entry in ``EXPERIMENTS`` is all that pages, links, recipes and the terminal need to offer it.

    Attributes
    ----------
    title, description : what menus and help show.
    specification : its settings.
    run : ``(specification, report, stop) -> result``.
    write : ``specification -> str``, the Python that repeats its numbers.
    works : keys of ``core.references`` of what it measures or shows, besides the methods that a specification names.
    """

    title: str
    description: str
    specification: type[spec_module.Frozen]
    run: Callable[[Any, Report, Stop], Result]
    write: Callable[[Any], str]
    works: tuple[str, ...] = ()


EXPERIMENTS: Registry[ExperimentInfo] = Registry("experiment")
EXPERIMENTS.add(
    "trajectories",
    ExperimentInfo(
        "Trajectories",
        "Carry the same noise to data with several solvers.",
        spec_module.TrajectoriesSpec,
        run_trajectories,
        write_trajectories,
    ),
)
EXPERIMENTS.add(
    "convergence",
    ExperimentInfo(
        "Error against steps",
        "Measure each solver's error and order.",
        spec_module.ConvergenceSpec,
        run_convergence,
        write_convergence,
    ),
)
EXPERIMENTS.add(
    "curvature",
    ExperimentInfo(
        "Curvature",
        "Measure how probability-flow paths bend under several schedules.",
        spec_module.CurvatureSpec,
        run_curvature,
        write_curvature,
        ("liu2022rectified", "chen2024regularity"),
    ),
)
EXPERIMENTS.add(
    "schedules",
    ExperimentInfo(
        "Schedules",
        "Compare noise schedules and time grids.",
        spec_module.SchedulesSpec,
        run_schedules,
        write_schedules,
    ),
)
EXPERIMENTS.add(
    "order_table",
    ExperimentInfo(
        "Orders measured",
        "Measure the order of solvers under several schedules and on several grids.",
        OrderTableSpec,
        run_order_table,
        write_order_table,
    ),
)
EXPERIMENTS.add(
    "grid_map",
    ExperimentInfo(
        "Solver × grid",
        "Compare every solver on every grid for one budget of evaluations.",
        GridMapSpec,
        run_grid_map,
        write_grid_map,
    ),
)
EXPERIMENTS.add(
    "solvers",
    ExperimentInfo(
        "Solvers",
        "Show one solver: its order, its weights on a grid, its stability.",
        CatalogueSpec,
        run_catalogue,
        write_catalogue,
        ("butcher2016numerical", "hochbruck2010exponential"),
    ),
)
EXPERIMENTS.add(
    "local_error",
    ExperimentInfo(
        "Step by step",
        "Measure the error of every single step, and what it is at the end.",
        LocalErrorSpec,
        run_local_error,
        write_local_error,
    ),
)
EXPERIMENTS.add(
    "recommend",
    ExperimentInfo(
        "Choose a solver",
        "Rank every solver and grid within one budget of evaluations, with intervals over particles.",
        RecommendSpec,
        run_recommend,
        write_recommend,
    ),
)
EXPERIMENTS.add(
    "precision",
    ExperimentInfo(
        "Precision lab",
        "Find where rounding takes over from the error of the steps, in four precisions.",
        PrecisionSpec,
        run_precision,
        write_precision,
    ),
)
EXPERIMENTS.add(
    "time_grids",
    ExperimentInfo(
        "Time grids",
        "Make time grids for a problem and judge them beside the standard ones on other particles.",
        TimeGridsSpec,
        run_time_grids,
        write_time_grids,
        ("sabour2024align", "chen2024regularity"),
    ),
)
EXPERIMENTS.add(
    "guidance",
    ExperimentInfo(
        "Guidance",
        "Turn the scale of guidance up: what it does to samples, and to the error of solvers.",
        GuidanceSpec,
        run_guidance,
        write_guidance,
    ),
)
EXPERIMENTS.add(
    "noise",
    ExperimentInfo(
        "Noise",
        "Distance of samples to the data as the noise of a sampler is turned up, with a right and a wrong score.",
        NoiseSweepSpec,
        run_noise_sweep,
        write_noise_sweep,
    ),
)
EXPERIMENTS.add(
    "sde_orders",
    ExperimentInfo(
        "Strong and weak order",
        "Strong and weak errors of samplers against steps on one Brownian path, with the orders measured.",
        SdeOrdersSpec,
        run_sde_orders,
        write_sde_orders,
        ("kloeden1992sde",),
    ),
)
EXPERIMENTS.add(
    "bounds",
    ExperimentInfo(
        "Theory",
        "Convergence bounds beside the exact error, as horizon, step size and score error change.",
        BoundsSpec,
        run_bounds,
        write_bounds,
        ("chen2022sampling", "lee2022convergence"),
    ),
)
EXPERIMENTS.add(
    "inversion",
    ExperimentInfo(
        "Inversion",
        "Carry data to noise by the probability-flow ODE and back with the same solver, and measure what is lost.",
        InversionSpec,
        run_inversion,
        write_inversion,
        ("song2020ddim",),
    ),
)
EXPERIMENTS.add(
    "boomerang",
    ExperimentInfo(
        "There and back",
        "Noise data to a time and carry them back: the distance to the input against the time.",
        BoomerangSpec,
        run_boomerang,
        write_boomerang,
        ("luzi2022boomerang",),
    ),
)
EXPERIMENTS.add(
    "straightening",
    ExperimentInfo(
        "Straightening",
        "Pair data and noise in different ways, and compare how straight the flows are and what few steps reach.",
        StraighteningSpec,
        run_straightening,
        write_straightening,
        ("lipman2022flow", "liu2022rectified"),
    ),
)


def run_experiment(spec: spec_module.Specification, progress: Report = silent, cancel: Stop = never) -> Result:
    """Run the experiment that ``spec`` describes.

    ``progress(fraction, what)`` is called along the way with a fraction that never falls; ``cancel()`` is asked in
    every solver step.

    Raises
    ------
    core.solve.Cancelled
        When ``cancel()`` returned True.
    ValueError
        With one sentence, if the model cannot be built (a missing weights file, for example).
    """
    highest = 0.0

    def forward(fraction: float, doing: str) -> None:
        nonlocal highest
        highest = max(highest, min(fraction, 1.0))
        progress(highest, doing)

    result = EXPERIMENTS[spec.kind].run(spec, forward, cancel)
    forward(1.0, "done")
    return result
