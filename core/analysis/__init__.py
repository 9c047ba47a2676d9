"""Measurements on runs: error, order, curvature, straightness, distances between distributions, likelihood."""

from core.analysis.convergence import FittedOrder, convergence_order
from core.analysis.distances import DISTANCES, Distance, Measured, measure_distance, noise_floor
from core.analysis.errors import median_error, particle_error, path_error, rms_error
from core.analysis.geometry import (
    ChordFrame,
    chord_frame,
    flow_bends,
    flow_curvature,
    length_over_chord,
    path_curvature,
    path_length,
    polyline_curvature,
    polyline_torsion,
    principal_components,
    principal_plane,
    shape_spread,
    straightness,
    straightness_along,
    turning_angle,
)
from core.analysis.intervals import OrderInterval, order_interval
from core.analysis.likelihood import Likelihood, log_likelihood
from core.analysis.local_steps import LocalSteps, carry_to_end, local_steps
from core.analysis.propagation import Moments, exact_moments, gaussian_wasserstein, propagate, propagate_solver
from core.analysis.response import Response, respond, spread
from core.analysis.weak import TEST_FUNCTIONS, paired_weak_error, strong_errors, strong_order, weak_error, weak_order

__all__ = [
    "DISTANCES",
    "TEST_FUNCTIONS",
    "ChordFrame",
    "Distance",
    "FittedOrder",
    "Likelihood",
    "LocalSteps",
    "Measured",
    "Moments",
    "OrderInterval",
    "Response",
    "carry_to_end",
    "chord_frame",
    "convergence_order",
    "exact_moments",
    "flow_bends",
    "flow_curvature",
    "gaussian_wasserstein",
    "length_over_chord",
    "local_steps",
    "log_likelihood",
    "measure_distance",
    "median_error",
    "noise_floor",
    "order_interval",
    "paired_weak_error",
    "particle_error",
    "path_curvature",
    "path_error",
    "path_length",
    "polyline_curvature",
    "polyline_torsion",
    "principal_components",
    "principal_plane",
    "propagate",
    "propagate_solver",
    "respond",
    "rms_error",
    "shape_spread",
    "spread",
    "straightness",
    "straightness_along",
    "strong_errors",
    "strong_order",
    "turning_angle",
    "weak_error",
    "weak_order",
]
