"""Experiments: a validated specification in, arrays out."""

from core.experiments.build import device_line
from core.experiments.run import EXPERIMENTS, ExperimentInfo, Result, load_recipe, plain_errors, run_experiment
from core.experiments.specification import (
    ConvergenceSpec,
    CurvatureSpec,
    ImageData,
    SchedulesSpec,
    SolverChoice,
    Specification,
    ToyData,
    TrajectoriesSpec,
)

__all__ = [
    "EXPERIMENTS",
    "ConvergenceSpec",
    "CurvatureSpec",
    "ExperimentInfo",
    "ImageData",
    "Result",
    "SchedulesSpec",
    "SolverChoice",
    "Specification",
    "ToyData",
    "TrajectoriesSpec",
    "device_line",
    "load_recipe",
    "plain_errors",
    "run_experiment",
]
