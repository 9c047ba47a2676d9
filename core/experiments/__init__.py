"""Experiments: a validated specification in, arrays out."""

from core.experiments.build import device_line
from core.experiments.choices import GridChoice, SolverChoice
from core.experiments.links import default_spec, from_params, load_recipe, plain_errors, to_params
from core.experiments.run import EXPERIMENTS, ExperimentInfo, Result, run_experiment
from core.experiments.specification import (
    ConvergenceSpec,
    CurvatureSpec,
    ImageData,
    SchedulesSpec,
    Specification,
    ToyData,
    TrajectoriesSpec,
)

__all__ = [
    "EXPERIMENTS",
    "ConvergenceSpec",
    "CurvatureSpec",
    "ExperimentInfo",
    "GridChoice",
    "ImageData",
    "Result",
    "SchedulesSpec",
    "SolverChoice",
    "Specification",
    "ToyData",
    "TrajectoriesSpec",
    "default_spec",
    "device_line",
    "from_params",
    "load_recipe",
    "plain_errors",
    "run_experiment",
    "to_params",
]
