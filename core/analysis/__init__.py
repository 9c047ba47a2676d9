"""Measurements on runs: error, order, curvature, straightness."""

from core.analysis.convergence import FittedOrder, convergence_order
from core.analysis.errors import median_error, particle_error, path_error, rms_error
from core.analysis.geometry import (
    flow_curvature,
    length_over_chord,
    path_curvature,
    path_length,
    polyline_curvature,
    principal_plane,
    straightness,
)
from core.analysis.intervals import OrderInterval, order_interval
from core.analysis.local_steps import LocalSteps, carry_to_end, local_steps
from core.analysis.response import Response, respond, spread

__all__ = [
    "FittedOrder",
    "LocalSteps",
    "OrderInterval",
    "Response",
    "carry_to_end",
    "convergence_order",
    "flow_curvature",
    "length_over_chord",
    "local_steps",
    "median_error",
    "order_interval",
    "particle_error",
    "path_curvature",
    "path_error",
    "path_length",
    "polyline_curvature",
    "principal_plane",
    "respond",
    "rms_error",
    "spread",
    "straightness",
]
